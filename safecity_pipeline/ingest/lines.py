"""Physical lines of a delimited text: counted, checked one by one, and mended for a strict reader.

A strict parser answers one unclosed quotation mark by swallowing the rest of the file, and gives
no line numbers after a broken line. So each physical line is judged by itself first; where any
is odd, a copy is written in which a broken line is an empty row, so that row numbers stay true.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from safecity_pipeline.ingest.survey import UNREADABLE, damage, open_bytes
from safecity_pipeline.model import Refused

HEAD_ROW = 1
LONGEST = 100_000  # beyond it, readers differ in what they take for one cell


@dataclass
class Lines:
    """What the scan of one file found. Row numbers count physical lines from 1, the head's."""

    total: int = 0
    blank: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    mended: dict[int, bytes] = field(default_factory=dict)
    carriage_returns: int = 0
    closed: int = 0

    @property
    def clean(self) -> bool:
        """A strict reader can take the file as it is."""
        same_ends = self.carriage_returns in (0, self.closed)
        return same_ends and not (self.blank or self.broken or self.mended)


def scan(path: Path, cells: int, delimiter: str = ",") -> Lines:
    """Judge every physical line of a file whose head has `cells` cells. Raises Refused."""
    lines, mark = Lines(), delimiter.encode()
    for number, line in _numbered(path):
        lines.total = number
        if line.endswith(b"\n"):
            lines.closed = number
            line = line[:-1]
        if line.endswith(b"\r"):
            lines.carriage_returns += 1
            line = line[:-1]
        if len(line) > LONGEST:
            lines.broken[number] = f"the row is longer than {LONGEST:,} bytes"
        elif line.count(mark) != cells - 1 or b'"' in line or not line.isascii() or b"\0" in line:
            _judge(lines, number, line, cells, delimiter)
        elif line[:1] in (mark, b"") and not line.strip(mark):
            lines.blank.append(number)
        elif b"\r" in line:
            lines.broken[number] = "a line end stands inside the row"
    if HEAD_ROW in lines.broken:
        raise Refused(lines.broken[HEAD_ROW], "head", repair="send a head that is one line")
    return lines


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with open_bytes(path) as handle:
            yield from enumerate(handle, 1)
    except UNREADABLE as error:
        raise Refused(
            f"cannot be read to its end: {damage(error)}",
            repair="ask the supplier to send it again",
        ) from None


def _judge(lines: Lines, number: int, line: bytes, cells: int, delimiter: str) -> None:
    if not line.strip():
        lines.blank.append(number)
        return
    try:
        row = _cells(line, delimiter)
    except Refused as refused:
        lines.broken[number] = refused.rule
        return
    if not any(row):
        lines.blank.append(number)
    elif len(row) != cells:
        lines.broken[number] = f"the row has {len(row)} cells, the head has {cells}"
    elif b'"' in line:
        lines.mended[number] = _written(row, delimiter)


def _cells(line: bytes, delimiter: str) -> list[str]:
    if b"\0" in line:
        raise Refused("the row holds a NUL byte")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("the row is not UTF-8 text") from None
    if "\r" in text:
        raise Refused("a line end stands inside the row")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        raise Refused("a quotation mark in the row is not closed, or closed too early") from None


def _written(row: list[str], delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(row)
    return out.getvalue().encode()


def write_mended(path: Path, lines: Lines, cells: int, to: Path, delimiter: str = ",") -> None:
    """Copy `path` to `to`, one line each, broken and blank lines as rows of empty cells."""
    empty = delimiter.encode() * (cells - 1)
    unusable = set(lines.blank) | set(lines.broken)
    with to.open("wb") as out:
        for number, line in _numbered(path):
            kept = empty if number in unusable else lines.mended.get(number, line.rstrip(b"\r\n"))
            out.write(kept + b"\n")


def as_received(path: Path, numbers: set[int]) -> dict[int, str]:
    """The named physical lines as they stand in the file, unreadable bytes replaced."""
    return {
        number: line.rstrip(b"\r\n")
        .decode("utf-8-sig", errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
        for number, line in _numbered(path)
        if number in numbers
    }
