"""Copies of a published workbook as a later edition might come: the same figures, spelt otherwise.

Here: making such copies. Not here: what is expected of them, and any figure.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

LEFT_HEAD = "LA number"


def altered_workbook(
    original: Path,
    to: Path,
    sheet: str = "Table LA4",
    renamed: str = "LAI1",
    column_left: bool = True,
    region_case: Callable[[str], str] | None = str.title,
    extra_sheets: int = 20,
    year: str | None = None,
) -> Path:
    """Write the altered copy to `to`, and answer it.

    `sheet` gets the name `renamed`, a column of numbers on its left (its own first column has no
    head, the new one has), and its names in capitals (England and the regions) in `region_case`.
    `extra_sheets` with notes come before and after. `year` replaces the year of its second row.
    """
    workbook = openpyxl.load_workbook(original, data_only=True)
    chosen = workbook[sheet]
    if year:
        chosen["A2"] = f"Years: {year}"
    if region_case:
        _recase(chosen, region_case)
    if column_left:
        _insert_left(chosen)
    chosen.title = renamed
    for number in range(extra_sheets):
        notes = workbook.create_sheet(f"Notes {number + 1}", 0 if number % 2 else None)
        notes["A1"], notes["A3"] = f"Notes {number + 1}", "Figures are rounded."
    workbook.save(to)
    return to


def _recase(sheet: Worksheet, case: Callable[[str], str]) -> None:
    for cell in sheet["A"]:
        if isinstance(cell.value, str) and cell.value.isupper():
            cell.value = case(cell.value)


def _insert_left(sheet: Worksheet) -> None:
    """A new first column; openpyxl moves cells, and merged ranges have to be moved by hand."""
    merged = list(sheet.merged_cells.ranges)
    for block in merged:
        sheet.unmerge_cells(str(block))
    sheet.insert_cols(1)
    for block in merged:
        block.shift(col_shift=1)
        sheet.merge_cells(str(block))
    rows = _area_rows(sheet)
    for number, row in enumerate(rows, 200):
        sheet.cell(row, 1, number)
    sheet.cell(rows[0] - 2, 1, LEFT_HEAD)


def _area_rows(sheet: Worksheet) -> list[int]:
    """Rows of figures: a name, now in the second column, and a cell at the right of it."""
    return [
        row
        for row in range(6, sheet.max_row + 1)
        if sheet.cell(row, 2).value is not None
        and any(cell.value is not None for cell in sheet[row][2:])
    ]
