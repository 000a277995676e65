"""Records of a delimited text: counted, checked one by one, and mended for a strict reader.

A record is a row as a spreadsheet shows it: one physical line, or several where a quoted cell
holds line breaks. Belongs here: how records end, which are whole, and the copy that a strict
reader can take. Does not belong here: what the cells mean (`survey`, `parse`).

A strict parser answers one unclosed quotation mark by swallowing the rest of the file, and gives
no row numbers after a broken line. So each record is judged by itself first; where any is odd, a
copy is written, one line a record, in which a broken one is an empty row, so that row numbers
stay true.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from safecity_pipeline.model import Refused

HEAD_ROW = 1
LONGEST = 100_000  # bytes; beyond it, readers differ in what they take for one cell
MOST_LINES = 50  # of one record
BLOCK = 1 << 20
UNREADABLE = (OSError, EOFError, zlib.error)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
QUOTED = re.compile(rb'"[^"]*"')
LINE_BREAK = re.compile(r"\r\n?|\n")
END_INSIDE = "a line end stands inside the row"
NOT_CLOSED = "a quotation mark in the row is not closed, or closed too early"


class _Broken(Exception):
    """What is wrong with a row, in words that hold nothing of it."""


@dataclass
class Lines:
    """What the scan of one file found. Row numbers count records from 1, the head's.

    `broken`: row → what is wrong with it. `joined`: row → its physical lines, where they are
    several. `mended`: how many rows a strict reader would not take as they stand, though nothing
    is wrong with them. `same_ends`: every line ends like the others, by LF or by CRLF.
    """

    total: int = 0
    blank: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    joined: dict[int, int] = field(default_factory=dict)
    mended: int = 0
    same_ends: bool = True

    @property
    def clean(self) -> bool:
        """A strict reader can take the file as it is."""
        return self.same_ends and not (self.blank or self.broken or self.joined or self.mended)


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
        """A whole record on one line with the head's cells; a line break in a cell is a blank."""
        row = _parsed(iter([_text(record)]), self.delimiter)
        row = [LINE_BREAK.sub(" ", cell) for cell in row]
        out = io.StringIO()
        lacking = [""] * (self.cells - len(row))
        csv.writer(out, delimiter=self.delimiter, lineterminator="").writerow(
            (row + lacking)[: self.cells]
        )
        return out.getvalue().encode()


# --- bytes ---------------------------------------------------------------------------------------


def open_bytes(path: Path) -> gzip.GzipFile:
    """The file's bytes, unpacked where its name ends in .gz."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rb")  # type: ignore[return-value]


def damage(error: Exception) -> str:
    """What reading met, in words that hold nothing of the file."""
    return "damaged archive" if isinstance(error, zlib.error) else type(error).__name__


def _physical(path: Path) -> Iterator[bytes]:
    """Physical lines with their ends. Raises Refused where the file cannot be read to its end."""
    return chain.from_iterable(_blocks(path))


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """The lines block by block, so that no file is held in memory, whatever ends its lines.

    Of a line that goes on and on, only what is needed to see that it is too long is kept.
    """
    try:
        with open_bytes(path) as handle:
            block, rest = handle.read(BLOCK), b""
            split, ends = _manner(block)
            while block:
                whole = split(rest + block)
                rest = whole.pop()
                if len(rest) > 2 * LONGEST and not rest.endswith(ends):
                    rest = rest[: 2 * LONGEST]
                yield whole
                block = handle.read(BLOCK)
            if rest:
                yield [rest]
    except UNREADABLE as error:
        raise Refused(
            f"cannot be read to its end: {damage(error)}",
            repair="ask the supplier to send it again",
        ) from None


def _manner(sample: bytes) -> tuple[Callable[[bytes], list[bytes]], tuple[bytes, ...]]:
    """How to split a file into lines, and what ends them, from its first bytes.

    A file whose head ends in a carriage return, and which has more of them than line feeds, is
    split at either; in any other a lone carriage return is no line end.
    """
    sample = sample.removesuffix(b"\r")  # a line feed may follow
    for seen in (QUOTED.sub(b"", sample), sample):
        feeds, alone = seen.count(b"\n"), seen.count(b"\r") - seen.count(b"\r\n")
        if feeds or alone:
            first = seen.find(b"\n")
            if alone > feeds and seen.find(b"\r", 0, first if first >= 0 else None) >= 0:
                return lambda block: block.splitlines(keepends=True), (b"\r", b"\n")
            break
    return lambda block: io.BytesIO(block).readlines(), (b"\n",)


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
    first: str, waiting: deque[bytes], source: Iterator[bytes], taken: list[bytes]
) -> Iterator[str]:
    """`first`, then the lines after it, for a reader that takes no more than it needs.

    `taken` gets the lines that it took. A line break becomes a blank; what would make the record
    too long, or is no text, ends it.
    """
    yield first
    size = len(first)
    while len(taken) < MOST_LINES - 1:
        line = waiting.popleft() if waiting else next(source, b"")
        if not line:
            return
        taken.append(line)
        size += len(line)
        try:
            text = _text(_body(line))
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
            sample = handle.read(BLOCK)
    except UNREADABLE as error:
        raise Refused(f"cannot be read: {damage(error)}", repair="send it again") from None
    split, _ = _manner(sample)
    waiting = deque(islice(split(sample), MOST_LINES))
    first = waiting.popleft() if waiting else b"\0"
    if b"\0" in first:
        raise Refused("not a text file", repair="save it as CSV in UTF-8")
    try:
        text = _text(_body(first).removeprefix(BYTE_ORDER_MARK))
    except _Broken:
        raise Refused("not UTF-8 text", repair="save it as CSV in UTF-8") from None
    try:
        row = _parsed(_following(text, waiting, iter(()), []), delimiter)
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
    lines, mark, gaps = Lines(), delimiter.encode(), cells - 1
    judge = _Judge(lines, _Form(cells, delimiter, short_rows), _physical(path))
    number = feeds = returns = alone = 0
    for line in judge.source:
        number += 1
        if line.endswith(b"\r\n"):
            returns += 1
            body = line[:-2]
        elif line.endswith(b"\n"):
            feeds += 1
            body = line[:-1]
        else:
            body = line.removesuffix(b"\r")
            alone += line.endswith(b"\r")
        if (
            body.count(mark) != gaps
            or b'"' in body
            or not body.isascii()
            or b"\r" in body
            or b"\0" in body
            or len(body) > LONGEST
        ):
            number = judge.slowly(number, line)
        elif body[:1] in (mark, b"") and not body.strip(mark):
            lines.blank.append(number)
    lines.total = number
    lines.same_ends = sum(some > 0 for some in (feeds, returns)) < 2 and not alone
    judge.settle()
    if HEAD_ROW in lines.broken:
        raise Refused(lines.broken[HEAD_ROW], "head", repair="send a head that is one whole row")
    return lines


@dataclass
class _Judge:
    """Judges the records that need a parser; takes further lines from `source` where it must."""

    lines: Lines
    form: _Form
    source: Iterator[bytes]
    longer: list[int] = field(default_factory=list)

    def slowly(self, number: int, line: bytes) -> int:
        """Judge the record that begins with `line`; answers the number of the last one judged.

        Lines that were looked at in vain, because they do not close a quotation mark, are judged
        as records of their own.
        """
        waiting = deque([line])
        while waiting:
            body = _body(waiting.popleft())
            if number == HEAD_ROW:
                body = body.removeprefix(BYTE_ORDER_MARK)
            try:
                self._record(number, body, waiting)
            except _Broken as broken:
                self.lines.broken[number] = str(broken)
            number += 1
        return number - 1

    def _record(self, number: int, body: bytes, waiting: deque[bytes]) -> None:
        if len(body) > LONGEST:
            raise _Broken(f"the row is longer than {LONGEST:,} bytes")
        if not body.strip():
            self.lines.blank.append(number)
            return
        taken: list[bytes] = []
        row = self._row(_text(body), waiting, taken)
        if not any(row):
            self.lines.blank.append(number)
            return
        if taken:
            self.lines.joined[number] = 1 + len(taken)
        if self.form.is_longer(row):
            self.longer.append(number)
        elif not self.form.fits(row):
            raise _Broken(self._miscounted(len(row)))
        self.lines.mended += b'"' in body or len(row) != self.form.cells

    def _row(self, text: str, waiting: deque[bytes], taken: list[bytes]) -> list[str]:
        """The cells of the record that begins with `text`. Raises _Broken where it is none; then
        `waiting` has all the lines that were looked at."""
        try:
            row = _parsed(_following(text, waiting, self.source, taken), self.form.delimiter)
            if (_body(taken[-1]) if taken else text.encode()).endswith(b"\r"):
                raise _Broken(END_INSIDE)
            if taken and not (self.form.fits(row) or self.form.is_longer(row)):
                raise _Broken(NOT_CLOSED)
        except _Broken:
            waiting.extendleft(reversed(taken))
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


def _records(path: Path, joined: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
    """Every record with its number, and without the line end that closes it."""
    source = _physical(path)
    for number, line in enumerate(source, HEAD_ROW):
        more = islice(source, joined.get(number, 1) - 1)
        yield number, _body(b"".join([line, *more]) if number in joined else line)


def write_mended(
    path: Path, lines: Lines, cells: int, to: Path, delimiter: str = ",", *, short_rows: int = 0
) -> None:
    """Copy `path` to `to`, one line a record, broken and blank ones as rows of empty cells.

    `lines` is what `scan` found with the same `cells`, `delimiter` and `short_rows`.
    """
    form, mark = _Form(cells, delimiter, short_rows), delimiter.encode()
    empty = mark * (cells - 1) or b'""'
    unusable = set(lines.blank) | set(lines.broken)
    with to.open("wb") as out:
        for number, body in _records(path, lines.joined):
            if number == HEAD_ROW:
                body = body.removeprefix(BYTE_ORDER_MARK)
            if number in unusable:
                body = empty
            elif b'"' in body or body.count(mark) != cells - 1:
                body = form.mended(body)
            out.write(body + b"\n")


def as_received(
    path: Path, numbers: set[int], joined: Mapping[int, int] | None = None
) -> dict[int, str]:
    """The named records as they stand in the file, unreadable bytes replaced.

    `joined`: the one that `scan` found; without it every physical line counts as a record. A
    record that is too long to be read is cut.
    """
    return {
        number: body[:LONGEST]
        .decode("utf-8-sig" if number == HEAD_ROW else "utf-8", errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
        for number, body in _records(path, joined or {})
        if number in numbers
    }
