"""Rows of text → a transcript on disk, within the limits.

Belongs here: the transcript's form, what is counted while it is written, and every limit on rows,
columns, cells and texts. Does not belong here: where the texts come from.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from safecity_pipeline.ingest.reading.limits import Limits
from safecity_pipeline.ingest.reading.transcript import TOP, Range, Record, read_records
from safecity_pipeline.model import Refused

STRAY = "delete the stray cells, or keep the table in a workbook of its own"
LONG = "shorten the text, or keep it out of the table"
SPOOL = "spool.csv"


class Book:
    """The transcripts of one file, in a folder of their own, and the sums over all its sheets."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.records: list[Record] = []
        self.cells = self.letters = self.top_letters = 0

    def hide(self, name: str) -> None:
        """List a sheet that is not visible."""
        self.add(Record(name))

    def sheet(self, name: str) -> SheetWriter:
        return SheetWriter(self, name, self.folder / SPOOL)

    def new_file(self) -> Path:
        """Where the next sheet's transcript goes."""
        return self.folder / f"{len(self.records) + 1:03d}.csv"

    def add(self, record: Record) -> None:
        self.records.append(record)
        if len(self.records) > self.limits.sheets:
            raise Refused(f"has more than {self.limits.sheets:,} sheets", repair=STRAY)

    def spend(self, row: int, cells: Sequence[str], place: str) -> None:
        """Count one row of a sheet. Raises Refused once there is too much."""
        limits, lengths = self.limits, [len(cell) for cell in cells]
        self.cells += sum(1 for length in lengths if length)
        if self.cells > limits.cells:
            raise Refused(f"has more than {limits.cells:,} filled cells", place, repair=STRAY)
        letters = sum(lengths)
        self.letters += letters
        self.top_letters += letters if row <= TOP else 0
        if max(lengths) > limits.cell_letters:
            raise Refused(
                f"a cell holds more than {limits.cell_letters:,} letters",
                f"{place}, row {row}",
                max(lengths),
                LONG,
            )
        if letters > limits.row_letters:
            raise Refused(
                f"a row holds more than {limits.row_letters:,} letters",
                f"{place}, row {row}",
                letters,
                LONG,
            )
        if self.letters > limits.letters or self.top_letters > limits.top_letters:
            raise Refused("holds more text than a table does", place, self.letters, LONG)


class SheetWriter:
    """One sheet, row by row in ascending order, then `finish`.

    How wide the sheet is shows at its end, so rows are spooled as they come and padded after.
    """

    def __init__(self, book: Book, name: str, spool: Path) -> None:
        self.book, self.name, self.spool = book, name, spool
        self.place = place_of(name)
        self.rows = self.columns = 0
        self.blank: list[tuple[int, int]] = []
        self.handle: TextIO = spool.open("w", encoding="utf-8", newline="")
        self.writer = csv.writer(self.handle, lineterminator="\n")

    def put(self, row: int, cells: list[str]) -> None:
        """The texts of a physical row from column 1 on. A row without any is left out."""
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            return
        within(row, len(cells), self.place, self.book.limits)
        self.book.spend(row, cells, self.place)
        if row > self.rows + 1:
            self.blank.append((self.rows + 1, row - 1))
        self.rows, self.columns = row, max(self.columns, len(cells))
        self.writer.writerow([row, *cells])

    def finish(self, merged: Iterable[Range]) -> None:
        self.handle.close()
        path = self.book.new_file()
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            for row, cells in read_records(self.spool):
                writer.writerow([row, *cells, *[""] * (self.columns - len(cells))])
        self.spool.unlink()
        ranges = self._clipped(merged)
        self.book.add(
            Record(self.name, path.name, self.rows, self.columns, tuple(self.blank), ranges)
        )

    def _clipped(self, merged: Iterable[Range]) -> tuple[Range, ...]:
        """The ranges within the first rows. Sound ones do not overlap, so that together they are
        no larger than the table; more would be a way to keep the parent busy."""
        last_row, last_column = min(TOP, self.rows), self.columns
        ranges = tuple(
            (top, left, min(bottom, last_row), min(right, last_column))
            for top, left, bottom, right in merged
            if 1 <= top <= min(bottom, last_row) and 1 <= left <= min(right, last_column)
        )
        area = sum((b - t + 1) * (r - left + 1) for t, left, b, r in ranges)
        if area > last_row * last_column:
            raise Refused(
                "merged cells overlap", self.place, repair="open it, unmerge them and save it"
            )
        return ranges


def place_of(name: str) -> str:
    return f"sheet {name!r}" if name else ""


def within(row: int, columns: int, place: str, limits: Limits) -> None:
    """Raises Refused where a filled cell stands too far down or too far to the right."""
    if row > limits.rows:
        raise Refused(f"a filled cell stands below row {limits.rows:,}", place, row, STRAY)
    if columns > limits.columns:
        raise Refused(
            f"a filled cell stands to the right of column {limits.columns:,}",
            place,
            f"row {row}, column {columns:,}",
            STRAY,
        )


def as_refusal(refused: Refused) -> dict[str, Any]:
    """A refusal as plain values, for the way to the parent."""
    return {
        "rule": refused.rule,
        "place": refused.place,
        "got": refused.got,
        "repair": refused.repair,
    }
