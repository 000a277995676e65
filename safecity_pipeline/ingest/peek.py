"""A look into a delimited file without judging it: head, rows from all over it, few-valued columns.

Belongs here: what `drift` needs to know of a file, from one pass, in little memory. Does not
belong here: judging or storing rows (`lines`, `load`), what the columns are (`drift`). A cell may
hold line ends; a line that does not come to the head's number of cells is passed over.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from safecity_pipeline.ingest.survey import UNREADABLE, damage, open_bytes, read_head
from safecity_pipeline.model import Refused

FIRST = 5_000
SPREAD = 5_000
FEW = 1_000
DELIMITERS = ",;\t|"
LINES_OF_A_CELL = 20


@dataclass(frozen=True)
class Peek:
    """Head and content of one file.

    `rows`: the first 5,000 and as many spread over the rest, as texts. `counts`: for each column
    value → rows over the whole file, None where there are more than a thousand values. `read`:
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


def of_rows(head: list[str], rows: list[list[str]], delimiter: str = ",") -> Peek:
    """The same of rows that are at hand."""
    return _looked(tuple(head), delimiter, (list(row) for row in rows))


def peek(path: Path) -> Peek:
    """Look into a text file. Raises Refused where it cannot be read as UTF-8 text."""
    read_head(path)  # its refusals are this file's too
    try:
        with open_bytes(path) as handle:
            lines = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="replace")
            first = next(lines, "").rstrip("\n")
            delimiter = max(DELIMITERS, key=lambda mark: len(_cells(first, mark)))
            head = tuple(" ".join(cell.split()) for cell in _cells(first, delimiter))
            return _looked(head, delimiter, _rows(lines, delimiter, len(head)))
    except UNREADABLE as error:
        raise Refused(f"cannot be read to its end: {damage(error)}", repair="send it again") from (
            None
        )


def _rows(lines: Iterable[str], delimiter: str, cells: int) -> Iterator[list[str]]:
    """Rows of the right length. A quotation mark that stays open costs its own line only."""
    waiting: deque[str] = deque()
    source = iter(lines)
    while line := waiting.popleft() if waiting else next(source, ""):
        more: list[str] = []
        while line.count('"') % 2 and len(more) < LINES_OF_A_CELL:
            if not (following := waiting.popleft() if waiting else next(source, "")):
                break
            more.append(following)
            line += following
        row = _cells(line, delimiter)
        if len(row) == cells:
            yield row
        else:
            waiting.extendleft(reversed(more))


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

    def add(self, row: list[str]) -> None:
        if self.seen % self.step == 0:
            self.kept.append(tuple(row))
            if len(self.kept) > SPREAD:
                self.kept, self.step = self.kept[::2], self.step * 2
        self.seen += 1


def _looked(head: tuple[str, ...], delimiter: str, rows: Iterator[list[str]]) -> Peek:
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
