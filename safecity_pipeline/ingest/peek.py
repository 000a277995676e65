"""A look into a table without judging it: head, rows from all over it, few-valued columns.

Belongs here: what `drift` needs to know of a table, from one pass over a text file or a sheet, in
little memory. Does not belong here: judging or storing rows (`lines`, `load`), where a table
stands in its sheet (`standing`), what the columns are (`drift`). A cell may hold line ends; a row
that does not come to the head's number of cells is passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from safecity_pipeline.ingest import heads, reading
from safecity_pipeline.ingest.blocks import UNREADABLE, damage, open_bytes
from safecity_pipeline.ingest.lines import head_of
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.model import Refused

FIRST = 5_000
SPREAD = 5_000
FEW = 1_000
DELIMITERS = ",;\t|"
LINES_OF_A_CELL = 20
PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Rows = Iterator[Sequence[str]]


@dataclass(frozen=True)
class Peek:
    """Head and content of one table.

    `rows`: the first 5,000 and as many spread over the rest, as texts. `counts`: for each column
    value → rows over the whole table, None where there are more than a thousand values. `read`:
    rows in all.
    """

    head: tuple[str, ...]
    delimiter: str = ","
    rows: tuple[tuple[str, ...], ...] = ()
    counts: tuple[dict[str, int] | None, ...] = ()
    read: int = 0

    def column(self, position: int) -> list[str]:
        """The sampled values of a column that are not empty."""
        return [cell for row in self.rows if (cell := row[position].strip())]


@dataclass(frozen=True)
class Table:
    """A head, and rows that can be gone through as often as needed, by calling `rows`."""

    head: tuple[str, ...]
    rows: Callable[[], Rows]
    delimiter: str = ","

    def peek(self, only: Mapping[str, str] | None = None) -> Peek:
        """Look at the rows; with `only`, head → pattern, at those whose cells fit."""
        return _looked(self.head, self.delimiter, self._kept(only or {}))

    def odd_cells(self, heads: Iterable[str], only: Mapping[str, str]) -> Counter[str]:
        """Texts below these heads that are no plain number → cells; at most a thousand texts."""
        places = [self.head.index(cell) for cell in heads]
        found: Counter[str] = Counter()
        for row in self._kept(only):
            for at in places:
                cell = row[at].strip()
                if not PLAIN_NUMBER.fullmatch(cell) and (len(found) < FEW or cell in found):
                    found[cell] += 1
        return found

    def _kept(self, only: Mapping[str, str]) -> Rows:
        fitting = [(self.head.index(cell), _fitting(pattern)) for cell, pattern in only.items()]
        for row in self.rows():
            if all(fits(row[at]) for at, fits in fitting):
                yield row


def _fitting(pattern: str) -> Callable[[str], bool]:
    """Whether a cell fits, found out once for each text."""
    compiled = re.compile(pattern)
    return lru_cache(maxsize=FEW)(lambda cell: compiled.fullmatch(cell.strip()) is not None)


def of_rows(head: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> Peek:
    """A look at rows that are at hand."""
    return Table(heads.told_apart(head), lambda: iter(rows), delimiter).peek()


def of_sheet(sheet: Sheet, head: tuple[str, ...], first: int, last: int | None) -> Table:
    """The table that stands in the physical rows `first` to `last` of a sheet."""

    def rows() -> Rows:
        for number, cells in reading.read_rows(sheet):
            if last is not None and number > last:
                return
            if number >= first:
                yield cells

    return Table(head, rows)


def of_file(path: Path, short_rows: int = 0) -> Table:
    """A text file's; so many cells may lack at the end of its rows.

    Raises Refused where it cannot be read as UTF-8 text, now or when its rows are gone through.
    """
    delimiter = _delimiter(path)
    head = head_of(path, delimiter)

    def rows() -> Rows:
        try:
            with open_bytes(path) as handle:
                text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="replace")
                yield from _after_head(_rows(text, delimiter, len(head), short_rows), head)
        except UNREADABLE as error:
            raise _unreadable(error) from None

    return Table(heads.told_apart(head), rows, delimiter)


def peek(path: Path) -> Peek:
    """Look into a text file. Raises Refused where it cannot be read as UTF-8 text."""
    return of_file(path).peek()


def _unreadable(error: Exception) -> Refused:
    return Refused(f"cannot be read to its end: {damage(error)}", repair="send it again")


def _delimiter(path: Path) -> str:
    head_of(path)  # its refusals are this file's too
    try:
        with open_bytes(path) as handle:
            text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="replace")
            first = next(text, "").rstrip("\n")
    except UNREADABLE as error:
        raise _unreadable(error) from None
    return max(DELIMITERS, key=lambda mark: len(_cells(first, mark)))


def _after_head(rows: Iterator[list[str]], head: tuple[str, ...]) -> Rows:
    first = next(rows, None)
    if first is not None and tuple(" ".join(cell.split()) for cell in first) != head:
        yield first
    yield from rows


def _rows(
    lines: Iterable[str], delimiter: str, cells: int, short_rows: int = 0
) -> Iterator[list[str]]:
    """Rows of the right length. A quotation mark that stays open costs its own line only."""
    waiting: deque[str] = deque()
    source = iter(lines)
    seen, longer = 0, False
    while line := waiting.popleft() if waiting else next(source, ""):
        more: list[str] = []
        while line.count('"') % 2 and len(more) < LINES_OF_A_CELL:
            if not (following := waiting.popleft() if waiting else next(source, "")):
                break
            more.append(following)
            line += following
        row = _cells(line, delimiter)
        # A delimiter too many is a manner where the first row below the head has it already.
        if len(row) == cells + 1 and not row[-1] and (longer or seen <= 1):
            row, longer = row[:-1], True
        if row := _fitted(row, cells, short_rows):
            seen += 1
            yield row
        else:
            waiting.extendleft(reversed(more))


def _fitted(row: list[str], cells: int, short_rows: int) -> list[str]:
    """The row with as many cells as the head; none where it has others."""
    if max(2, cells - short_rows) <= len(row) < cells:
        return row + [""] * (cells - len(row))
    return row if len(row) == cells else []


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.rstrip("\n").split(delimiter)
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


@dataclass
class _Spread:
    """At most `SPREAD` rows, evenly from a run whose length is not known beforehand."""

    kept: list[tuple[str, ...]] = field(default_factory=list)
    step: int = 1
    seen: int = 0

    def add(self, row: Sequence[str]) -> None:
        if self.seen % self.step == 0:
            self.kept.append(tuple(row))
            if len(self.kept) > SPREAD:
                self.kept, self.step = self.kept[::2], self.step * 2
        self.seen += 1


def _looked(head: tuple[str, ...], delimiter: str, rows: Rows) -> Peek:
    first: list[tuple[str, ...]] = []
    rest, read = _Spread(), 0
    counters: list[Counter[str] | None] = [Counter() for _ in head]
    few = list(range(len(head)))
    for row in rows:
        read += 1
        if read <= FIRST:
            first.append(tuple(row))
        else:
            rest.add(row)
        few = [at for at in few if _counted(counters, at, row[at].strip())]
    counts = tuple(None if counter is None else dict(counter) for counter in counters)
    return Peek(head, delimiter, (*first, *rest.kept), counts, read)


def _counted(counters: list[Counter[str] | None], at: int, cell: str) -> bool:
    """Count a cell; False, and no count, once the column has too many values."""
    counter = counters[at]
    assert counter is not None
    if cell:
        counter[cell] += 1
    if len(counter) > FEW:
        counters[at] = None
    return counters[at] is not None
