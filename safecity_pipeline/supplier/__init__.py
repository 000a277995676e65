"""What a supplier of extracts is told: their file judged, the workbook of errors, the template.

`checking` judges one file; `errors_workbook` writes what it found beside the file; `template`
writes the workbook to send out; `drift_report` says what changed in a file's form and proposes the
layout entry that reads it; `rulebook` says every rule of a source in the supplier's words;
`received` finds the cells of a refused row that a reason speaks of; `patterns` makes examples of
a layout's patterns; `workbook` is how a safe .xlsx is written. All of it is made from a source's
model and its layout. Does not belong here: rules (`sources`), applying them (`ingest`).
"""
