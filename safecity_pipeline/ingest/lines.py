"""Records of a delimited text: counted, checked one by one, and mended for a strict reader.

A record is a row as a spreadsheet shows it: one physical line, or several where a quoted cell
holds line breaks. Belongs here: how records end, which are whole, and the copy that a strict
reader can take. Does not belong here: what the cells mean (`survey`, `parse`).

A strict parser answers one unclosed quotation mark by swallowing the rest of the file, and gives
no row numbers after a broken line. So each record is judged by itself first (those that stand on
a plain line by whole blocks at once, see `blocks`); where any is odd, a copy is written, one line
a record, in which a broken one is an empty row, so that row numbers stay true.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from safecity_pipeline.ingest import blocks
from safecity_pipeline.ingest.blocks import (
    BLOCK,
    LONGEST,
    QUOTED,
    UNREADABLE,
    Block,
    Ends,
    Line,
    Reader,
    damage,
    open_bytes,
)
from safecity_pipeline.model import Refused

HEAD_ROW = 1
HEAD_SAMPLE = 1 << 16  # bytes in which most heads end
SAMPLE = 1 << 20  # bytes in which every head must end
MOST_LINES = 50  # of one record
FAR = 1 << 15  # bytes between two records that are cheaper to leap over than to read
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_BREAK = re.compile(r"\r\n?|\n")
AGAIN = "refresh again when it has been copied whole; the last release stands"
END_INSIDE = "a line end stands inside the row"
NOT_CLOSED = "a quotation mark in the row is not closed, or closed too early"


class _Broken(Exception):
    """What is wrong with a row, in words that hold nothing of it."""


@dataclass
class Lines:
    """What the scan of one file found. Row numbers count records from 1, the head's.

    `broken`: row → what is wrong with it. `joined`: row → its physical lines, where they are
    several. `mended`: how many rows a strict reader would not take as they stand, though nothing
    is wrong with them. `ends`: how lines end. `odd`: the rows that were looked at one by one and
    need something done, as (row, first byte, byte after its last), one after another. `stops`:
    where each physical line stops in the unpacked text, block by block.
    """

    total: int = 0
    blank: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    joined: dict[int, int] = field(default_factory=dict)
    mended: int = 0
    ends: Ends = field(default_factory=Ends)
    odd: array[int] = field(default_factory=lambda: array("q"))
    stops: list[blocks.Places] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """A strict reader can take the file as it is."""
        return self.ends.same and not (self.blank or self.broken or self.joined or self.mended)


@dataclass(frozen=True)
class _Form:
    """What a row must be: so many cells as the head has; the last `short_rows` may lack."""

    cells: int
    delimiter: str
    short_rows: int

    def fits(self, row: list[str]) -> bool:
        return max(1, self.cells - self.short_rows) <= len(row) <= self.cells

    def is_longer(self, row: list[str]) -> bool:
        """A delimiter too many at its end."""
        return len(row) == self.cells + 1 and not row[-1]

    def mended(self, record: bytes) -> bytes:
        """A whole record on one line with the head's cells; a line break in a cell is a blank.
        Raises Refused where it is none any more."""
        try:
            row = _parsed(iter([_text(record)]), self.delimiter)
        except _Broken:
            raise Refused("the file changed while it was being read", repair=AGAIN) from None
        if b"\n" in record or b"\r" in record:
            row = [LINE_BREAK.sub(" ", cell) for cell in row]
        out = io.StringIO()
        lacking = [""] * (self.cells - len(row))
        csv.writer(out, delimiter=self.delimiter, lineterminator="").writerow(
            (row + lacking)[: self.cells]
        )
        return out.getvalue().encode()


# --- one record ---------------------------------------------------------------------------------


def _body(line: bytes) -> bytes:
    """Without the one line end that closes it."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _text(body: bytes) -> str:
    if b"\0" in body:
        raise _Broken("the row holds a NUL byte")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _Broken("the row is not UTF-8 text") from None


def _parsed(texts: Iterator[str], delimiter: str) -> list[str]:
    """The first row; takes as many texts as it needs. Raises _Broken."""
    try:
        return next(csv.reader(texts, delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        raise _Broken(NOT_CLOSED) from None


def _following(
    first: str, waiting: deque[Line], take: Callable[[], Line | None], taken: list[Line]
) -> Iterator[str]:
    """`first`, then the lines after it, for a reader that takes no more than it needs.

    `taken` gets the lines that it took. A line break becomes a blank; what would make the record
    too long, or is no text, ends it.
    """
    yield first
    size = len(first)
    while len(taken) < MOST_LINES - 1:
        line = waiting.popleft() if waiting else take()
        if line is None:
            return
        taken.append(line)
        size += len(line.content)
        try:
            text = _text(_body(line.content))
        except _Broken:
            return
        if size > LONGEST:
            return
        yield " " + text


# --- the head ------------------------------------------------------------------------------------


def head_of(path: Path, delimiter: str = ",") -> tuple[str, ...]:
    """The first record's cells, without byte-order mark, blanks in them collapsed. Raises Refused.

    A first line that is no whole row is read as far as it goes: `scan` says what is wrong with it.
    """
    try:
        with open_bytes(path) as handle:
            sample = handle.read(HEAD_SAMPLE)
            if b'"' in sample or not (b"\n" in sample or b"\r" in sample):
                sample += handle.read(SAMPLE)
    except UNREADABLE as error:
        raise Refused(f"cannot be read: {damage(error)}", repair="send it again") from None
    stops = blocks.line_stops(sample, blocks.ends_in_returns(sample))[:MOST_LINES]
    block = Block(sample, stops)
    waiting = deque(block.line(at) for at in range(len(block)))
    first = waiting.popleft().content if waiting else b"\0"
    if b"\0" in first:
        raise Refused("not a text file", repair="save it as CSV in UTF-8")
    try:
        text = _text(_body(first).removeprefix(BYTE_ORDER_MARK))
    except _Broken:
        raise Refused("not UTF-8 text", repair="save it as CSV in UTF-8") from None
    try:
        row = _parsed(_following(text, waiting, lambda: None, []), delimiter)
    except _Broken:
        row = _as_far_as_it_goes(text, delimiter)
    return tuple(" ".join(cell.split()) for cell in row)


def _as_far_as_it_goes(text: str, delimiter: str) -> list[str]:
    line = LINE_BREAK.split(text, maxsplit=1)[0]
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        raise Refused("its first line is no row of a table", repair="save it as CSV") from None


# --- judging -------------------------------------------------------------------------------------


def scan(path: Path, cells: int, delimiter: str = ",", *, short_rows: int = 0) -> Lines:
    """Judge every record of a file whose head has `cells` cells. Raises Refused.

    So many cells as `short_rows` may lack at a row's end. Where every row of data has one cell
    more than the head, and that one empty, it is cut; a few rows of that kind are broken, since
    a delimiter too many in their middle looks the same.
    """
    lines = Lines()
    reader = Reader(_noted(lines, blocks.blocks(path)))
    judge = _Judge(lines, _Form(cells, delimiter, short_rows), reader.take)
    apart = 0  # physical lines beyond the number of records
    while reader.more():
        block = reader.block
        for at in blocks.odd_lines(block, delimiter.encode(), cells - 1).tolist():
            if at < reader.at:
                continue
            reader.at = at + 1
            number = judge.slowly(block.first + at - apart, block.start(at), block.line(at))
            apart = reader.number - number - 1
            if reader.block is not block:
                break
        else:
            reader.at = len(block)
    lines.total = reader.number - apart - 1
    judge.settle()
    if HEAD_ROW in lines.broken:
        raise Refused(lines.broken[HEAD_ROW], "head", repair="send a head that is one whole row")
    return lines


def _noted(lines: Lines, coming: Iterator[Block]) -> Iterator[Block]:
    """The blocks, each counted as it comes: one record may take all the lines of one."""
    for block in coming:
        lines.ends.count(block)
        lines.stops.append(block.stops + (block.offset + block.dropped))
        yield block


@dataclass
class _Judge:
    """Judges the records that need a parser; takes further lines of the file where it must."""

    lines: Lines
    form: _Form
    take: Callable[[], Line | None]
    longer: list[int] = field(default_factory=list)

    def slowly(self, number: int, start: int, line: Line) -> int:
        """Judge the record that begins with `line`; answers the number of the last one judged.

        Lines that were looked at in vain, because they do not close a quotation mark, are judged
        as records of their own.
        """
        waiting = deque([line])
        while waiting:
            line = waiting.popleft()
            body = _body(line.content)
            if number == HEAD_ROW:
                body = body.removeprefix(BYTE_ORDER_MARK)
            taken: list[Line] = []
            try:
                mended = self._record(number, body, waiting, taken)
            except _Broken as broken:
                self.lines.broken[number] = str(broken)
                mended = True
            stop = taken[-1].stop if taken else line.stop
            if mended:
                self.lines.odd.extend((number, start, stop))
            number, start = number + 1, stop
        return number - 1

    def _record(self, number: int, body: bytes, waiting: deque[Line], taken: list[Line]) -> bool:
        """Whether a strict reader would not take it as it stands. Raises _Broken."""
        if len(body) > LONGEST:
            raise _Broken(f"the row is longer than {LONGEST:,} bytes")
        if not body.strip():
            self.lines.blank.append(number)
            return True
        row = self._row(_text(body), waiting, taken)
        if not any(row):
            self.lines.blank.append(number)
            return True
        if taken:
            self.lines.joined[number] = 1 + len(taken)
        if self.form.is_longer(row):
            self.longer.append(number)
        elif not self.form.fits(row):
            raise _Broken(self._miscounted(len(row)))
        mended = b'"' in body or len(row) != self.form.cells
        self.lines.mended += mended
        return mended or bool(taken)

    def _row(self, text: str, waiting: deque[Line], taken: list[Line]) -> list[str]:
        """The cells of the record that begins with `text`. Raises _Broken where it is none; then
        `waiting` has all the lines that were looked at."""
        try:
            row = _parsed(_following(text, waiting, self.take, taken), self.form.delimiter)
            last = _body(taken[-1].content) if taken else text.encode()
            if last.endswith(b"\r"):
                raise _Broken(END_INSIDE)
            if taken and not (self.form.fits(row) or self.form.is_longer(row)):
                raise _Broken(NOT_CLOSED)
        except _Broken:
            waiting.extendleft(reversed(taken))
            taken.clear()
            inside = b"\r" in QUOTED.sub(b"", text.encode())
            raise _Broken(END_INSIDE if inside else NOT_CLOSED) from None
        return row

    def _miscounted(self, cells: int) -> str:
        return f"the row has {cells} cells, the head has {self.form.cells}"

    def settle(self) -> None:
        """A delimiter at the end of every row is a manner; at the end of some it is a fault."""
        odd = len(self.lines.blank) + len(self.lines.broken) + len(self.longer)
        if self.lines.total - odd > HEAD_ROW:
            words = self._miscounted(self.form.cells + 1)
            self.lines.broken |= dict.fromkeys(self.longer, words)


# --- the file again ------------------------------------------------------------------------------


def write_mended(
    path: Path, lines: Lines, cells: int, to: Path, delimiter: str = ",", *, short_rows: int = 0
) -> None:
    """Copy `path` to `to`, one line a record, broken and blank ones as rows of empty cells.

    `lines` is what `scan` found with the same `cells`, `delimiter` and `short_rows`.
    """
    form = _Form(cells, delimiter, short_rows)
    empty = delimiter.encode() * (cells - 1) or b'""'
    end = b"\r\n" if lines.ends.same and lines.ends.both else b"\n"
    unusable = set(lines.blank) | set(lines.broken)
    with open_bytes(path) as source, to.open("wb") as out:
        if source.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            source.seek(0)
        for number, start, stop in _threes(lines.odd):
            _copy(source, out, start, lines.ends.same)
            if number in unusable:
                source.seek(stop)
                out.write(empty + end)
            else:
                out.write(form.mended(_body(source.read(stop - source.tell()))) + end)
        _copy(source, out, None, lines.ends.same)


def _threes(numbers: array[int]) -> Iterator[tuple[int, int, int]]:
    flat = iter(numbers)
    return zip(flat, flat, flat, strict=True)


def _copy(source: gzip.GzipFile, out: BinaryIO, stop: int | None, as_it_is: bool) -> None:
    """Copy whole lines as far as `stop`, or to the end; with a line feed as their end if they do
    not all end alike."""
    while size := BLOCK if stop is None else min(BLOCK, max(0, stop - source.tell())):
        data = source.read(size)
        if not data:
            return
        if not as_it_is:
            data += source.read(1) if data.endswith(b"\r") and stop != source.tell() else b""
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        out.write(data)


def write_numbered(
    path: Path,
    lines: Lines,
    numbers: Iterable[int],
    to: Path,
    cells: int,
    delimiter: str = ",",
    *,
    short_rows: int = 0,
) -> None:
    """Write some whole rows as `write_mended` does, each after its number."""
    form = _Form(cells, delimiter, short_rows)
    odd = set(lines.odd[::3])
    before = delimiter.encode()
    with to.open("wb") as out:
        for records in _records(path, lines, numbers):
            rows = [
                b"%d%b%b\n" % (number, before, form.mended(body) if number in odd else body)
                for number, body in records
            ]
            out.write(b"".join(rows))


def write_first(path: Path, cells: int, most: int, to: Path, delimiter: str) -> None:
    """Write the first rows of data that stand on a plain line, at most so many, each after its
    number; none where the file cannot be read."""
    with to.open("wb") as out, suppress(*UNREADABLE), open_bytes(path) as handle:
        sample = handle.read(HEAD_SAMPLE)
        stops = blocks.line_stops(sample, blocks.ends_in_returns(sample), True)
        block = Block(sample[: stops[-1]] if len(stops) else b"", stops)
        odd = set(blocks.odd_lines(block, delimiter.encode(), cells - 1).tolist())
        plain = (at for at in range(HEAD_ROW, len(block)) if at not in odd)
        for at in islice(plain, most):
            out.write(f"{at + 1}{delimiter}".encode())
            out.write(_body(block.line(at).content) + b"\n")


def as_received(path: Path, lines: Lines, numbers: Iterable[int]) -> dict[int, str]:
    """The named records as they stand in the file, unreadable bytes replaced. `lines`: what `scan`
    found. A record that is too long to be read is cut."""
    return {
        number: body[:LONGEST]
        .decode("utf-8-sig" if number == HEAD_ROW else "utf-8", errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
        for records in _records(path, lines, numbers)
        for number, body in records
    }


def _records(path: Path, lines: Lines, numbers: Iterable[int]) -> Iterator[list[tuple[int, bytes]]]:
    """The named records, in order, without the line end that closes them, some at a time; of one
    that goes on and on, enough to see that."""
    ordered = np.sort(np.fromiter(numbers, np.int64))
    starts, stops = _places(lines, ordered)
    stops = np.minimum(stops, starts + 2 * LONGEST)
    far = (starts[1:] - stops[:-1] > FAR) | (np.diff(starts // BLOCK) > 0)
    apart = np.flatnonzero(far) + 1
    with open_bytes(path) as source:
        for at, upto in pairwise([0, *apart.tolist(), len(ordered)] if len(ordered) else []):
            begins = int(starts[at])
            source.seek(begins)
            data = source.read(int(stops[upto - 1]) - begins)
            places = (starts[at:upto] - begins).tolist(), (stops[at:upto] - begins).tolist()
            bodies = [  # as `_body`, which would be called too often
                data[start:stop].removesuffix(b"\n").removesuffix(b"\r")
                for start, stop in zip(*places, strict=True)
            ]
            yield list(zip(ordered[at:upto].tolist(), bodies, strict=True))


def _places(lines: Lines, numbers: blocks.Places) -> tuple[blocks.Places, blocks.Places]:
    """Where in the unpacked text records start, and where they stop."""
    joined = np.array(sorted(lines.joined), np.int64)
    beyond = np.cumsum([0, *(lines.joined[number] - 1 for number in joined.tolist())])
    first = numbers + beyond[np.searchsorted(joined, numbers)]
    last = numbers + beyond[np.searchsorted(joined, numbers, side="right")]
    stops = np.concatenate([np.zeros(1, np.int64), *lines.stops])
    return stops[first - 1], stops[last]
