"""What a transcribed file is: its sheets, and how their rows are read back.

Belongs here: the nouns, their form on the way from the child, and the transcript's format. Does
not belong here: making one.

A transcript is UTF-8 CSV with LF, quoted by RFC 4180 where need be, without a head: the physical
row number, then exactly `columns` texts; one record for each row that has a filled cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

TOP = 60

Cells = tuple[str, ...]
Range = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sheet:
    """One sheet. `name`: "" for parquet, whose column names are its physical row 1. `path`: the
    transcript, None for a sheet that is not visible: such are listed and never transcribed.

    `rows`, `columns`: the last physical row and column with a filled cell, counted from 1; 0 for an
    empty sheet. `blank`: runs (first, last) of rows without a filled cell, up to `rows`. `top`: the
    first TOP physical rows, blank ones included, each of `columns` texts. `filled`: the same, with
    the text of a merged range in each of its cells.
    """

    name: str
    visible: bool
    path: Path | None
    rows: int
    columns: int
    blank: tuple[tuple[int, int], ...]
    top: tuple[Cells, ...]
    filled: tuple[Cells, ...]

    def blank_rows(self, first: int = 1, last: int | None = None) -> int:
        """How many of the physical rows from `first` to `last` (to the end) have no filled cell;
        rows after the sheet's end are not counted."""
        end = self.rows if last is None else min(last, self.rows)
        return sum(max(0, min(to, end) - max(start, first) + 1) for start, to in self.blank)


@dataclass(frozen=True)
class Transcript:
    """The sheets of one file, in its order."""

    sheets: tuple[Sheet, ...]

    @property
    def visible(self) -> tuple[Sheet, ...]:
        return tuple(sheet for sheet in self.sheets if sheet.visible)


@dataclass(frozen=True)
class Record:
    """What the child reports of a sheet: plain values, none of them a cell. `merged`: ranges (first
    row, first column, last row, last column) within the first TOP rows."""

    name: str
    file: str | None = None
    rows: int = 0
    columns: int = 0
    blank: tuple[tuple[int, int], ...] = ()
    merged: tuple[Range, ...] = ()


def sheet_of(record: dict[str, Any], folder: Path) -> Sheet:
    """The sheet that the child reported, with its first rows read from the transcript."""
    path = folder / record["file"] if record["file"] else None
    rows, columns = record["rows"], record["columns"]
    top = _top(path, min(TOP, rows), columns) if path else ()
    return Sheet(
        name=record["name"],
        visible=path is not None,
        path=path,
        rows=rows,
        columns=columns,
        blank=tuple((first, last) for first, last in record["blank"]),
        top=top,
        filled=_filled(top, record["merged"]),
    )


def read_rows(sheet: Sheet) -> Iterator[tuple[int, Cells]]:
    """Physical row and its texts, for every row with a filled cell; nothing for a hidden sheet."""
    if sheet.path:
        yield from read_records(sheet.path)


def read_records(path: Path) -> Iterator[tuple[int, Cells]]:
    """The same from the transcript's file."""
    with path.open(encoding="utf-8", newline="") as handle:
        for number, *cells in csv.reader(handle, strict=True):
            yield int(number), tuple(cells)


def _top(path: Path, rows: int, columns: int) -> tuple[Cells, ...]:
    known = dict(takewhile(lambda record: record[0] <= rows, read_records(path)))
    return tuple(known.get(row, ("",) * columns) for row in range(1, rows + 1))


def _filled(top: tuple[Cells, ...], merged: list[Range]) -> tuple[Cells, ...]:
    rows = [list(cells) for cells in top]
    for first_row, first_column, last_row, last_column in merged:
        text = top[first_row - 1][first_column - 1]
        for cells in rows[first_row - 1 : last_row]:
            width = len(cells[first_column - 1 : last_column])
            cells[first_column - 1 : last_column] = [text] * width
    return tuple(tuple(cells) for cells in rows)
