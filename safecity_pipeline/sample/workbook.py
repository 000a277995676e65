"""Workbooks whose bytes are the same for the same cells: no clock, no machine, no packing.

Here: sheets as dictionaries of cells, and the file made of them.
Not here: what the sheets say (`looked_after_workbook`).
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.styles import Font  # type: ignore[import-untyped]

_CLOCK = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*<")
_THEN = b"2014-12-10T09:30:00Z"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_ON_UNIX = 3


@dataclass(frozen=True)
class Sheet:
    """A sheet: cells by row and column (both from 1), ranges that are merged, and cells that have
    a style and nothing in them, which make the used range wider than the table."""

    name: str
    cells: Mapping[tuple[int, int], str | int | float]
    merged: Sequence[str] = ()
    styled: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """The last row that holds anything."""
        return max(row for row, _ in self.cells)


def to_bytes(sheets: Sequence[Sheet]) -> bytes:
    """Return the .xlsx file of `sheets`."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        made = book.create_sheet(sheet.name)
        for (row, column), value in sheet.cells.items():
            made.cell(row, column, value)
        for cells in sheet.merged:
            made.merge_cells(cells)
        for cell in sheet.styled:
            made[cell].font = Font(bold=True)
    buffer = io.BytesIO()
    book.save(buffer)
    return _repacked(buffer.getvalue())


def _repacked(content: bytes) -> bytes:
    """The same parts, stored unpacked: what zlib makes of them differs between its versions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(buffer, "w") as archive:
        for name in given.namelist():
            part = zipfile.ZipInfo(name, date_time=_EARLIEST)
            part.create_system = _ON_UNIX
            archive.writestr(part, _CLOCK.sub(rb"\g<1>" + _THEN + b"<", given.read(name)))
    return buffer.getvalue()
