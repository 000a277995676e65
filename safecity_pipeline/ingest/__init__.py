"""From an extract to clean rows: survey → (reading | lines) → parse → rules → load → units.

`survey` finds files and recognises them, `heads` makes the head of a table of its rows; `reading`
turns workbooks and parquet into plain CSV in a guarded child process, and `transcripts` keeps
what it made; `lines` counts and mends the records of a text file; `parse` turns text into value
and status; `rules` runs a source's pandera model over distinct values; `load` splits rows into
clean and quarantine and counts them for the `ledger`; `schema` says which tables there are;
`units` decides which of two deliveries of the same unit counts; `intake` does all of it for one
source; `manifests` reads what people vouch for; `digests` remembers the hashes of files. Of bulk
extracts, `adding` makes batches, and `plain` lets rows of known texts pass.

Beside that road, for `safecity drift`: `peek` looks into a table; `likeness` scores how alike two
columns are, `evidence` how sure that makes us, `spread` the same for wide tables; `standing` finds
where in a sheet a table stands, `sheet_drift` which layout a sheet is nearest to; `drift` says what
changed. Nothing here opens a database file: a connection is handed in.
"""
