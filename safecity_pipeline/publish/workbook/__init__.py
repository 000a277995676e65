"""The workbook of an edition, to the Analysis Function's guidance on spreadsheets.

    contents        which sheets there are, and the rows of each
    cells           what stands in a cell: a number, a day, a text, or shorthand in brackets
    sheets          how it is written: gptables, with cells that are quick to write and safe to open

Cover, contents and notes; then one marked table a sheet, for managers and analysts. Not a dump of
the tables: those stand in `data/`, column by column.

Belongs here: what people look up in a spreadsheet. Does not belong here: a figure, or a wording of
one.
"""

from __future__ import annotations

from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.workbook import contents


def write(edition: Edition) -> None:
    """The workbook, beside the other files of the edition."""
    # pandas and the writer of workbooks are wanted here alone.
    from safecity_pipeline.publish.workbook import sheets

    about = facts.of(edition)
    file = edition.folder / f"assessment-{about.year}.xlsx"
    sheets.write(file, about, contents.of(edition))
