"""The bytes of a delimited text as blocks of whole lines, and which of them need a second look.

Belongs here: unpacking, line ends, where each line begins and stops, and the first judgement that
is made of whole blocks at once: most lines are plain ASCII with as many delimiters as the head,
and nothing more has to be known of them. Does not belong here: what the others are (`lines`).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safecity_pipeline.model import Refused

LONGEST = 100_000  # bytes; beyond it, readers differ in what they take for one cell
BLOCK = 1 << 19  # bytes read at once: what is made of them stays near the processor
SAMPLE = 1 << 20  # bytes that tell how lines end
QUOTED = re.compile(rb'"[^"]*"')
FEED, RETURN = ord("\n"), ord("\r")
UNREADABLE = (OSError, EOFError, zlib.error)

Places = NDArray[np.int64]


class Line(NamedTuple):
    """A physical line with its end, and where in the unpacked text it stops."""

    content: bytes
    stop: int


@dataclass(frozen=True)
class Block:
    """Whole lines, one after another.

    `stops`: where in `data` each of them stops, its end included. `offset`: where `data` begins
    in the unpacked text. `first`: number of its first line, from 1. `dropped`: bytes of that line
    that are not in `data`, because it goes on and on.
    """

    data: bytes | bytearray
    stops: Places
    offset: int = 0
    first: int = 1
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.stops)

    @cached_property
    def text(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.data, np.uint8)

    @property
    def starts(self) -> Places:
        """Where in `data` each line begins."""
        return np.concatenate([np.zeros(1, np.int64), self.stops])[:-1]

    @cached_property
    def lasts(self) -> NDArray[np.uint8]:
        """The last character of each line."""
        return self.text[self.stops - 1]

    @cached_property
    def both(self) -> NDArray[np.bool_]:
        """Whether each line ends in a carriage return and a line feed."""
        if b"\r" not in self.data:
            return np.zeros(len(self), bool)
        before = self.text[np.maximum(self.stops - 2, 0)]
        both: NDArray[np.bool_] = (before == RETURN) & (self.lasts == FEED) & (self.stops > 1)
        return both

    @cached_property
    def end_lengths(self) -> NDArray[np.uint8]:
        """0, 1 or 2 characters: the one line end that closes each line."""
        ended = (self.lasts == FEED) | (self.lasts == RETURN)
        lengths: NDArray[np.uint8] = ended.view(np.uint8) + self.both.view(np.uint8)
        return lengths

    def start(self, at: int) -> int:
        """Where in the unpacked text a line begins."""
        return self.offset if at == 0 else self.stop(at - 1)

    def stop(self, at: int) -> int:
        """Where in the unpacked text a line stops."""
        return self.offset + self.dropped + int(self.stops[at])

    def line(self, at: int) -> Line:
        begins = int(self.stops[at - 1]) if at else 0
        return Line(bytes(self.data[begins : int(self.stops[at])]), self.stop(at))


NONE = Block(b"", np.zeros(0, np.int64))


class Reader:
    """Goes through the lines of blocks that come one after another.

    `block` and `at`: the next line that nobody has taken.
    """

    def __init__(self, coming: Iterator[Block]) -> None:
        self._coming = coming
        self.block, self.at = NONE, 0

    def more(self) -> bool:
        """Whether there is a line left; it is that of `block` and `at`."""
        while self.at >= len(self.block):
            following = next(self._coming, None)
            if following is None:
                return False
            self.block, self.at = following, 0
        return True

    def take(self) -> Line | None:
        """The next line, or None at the end of the file."""
        if not self.more():
            return None
        self.at += 1
        return self.block.line(self.at - 1)

    @property
    def number(self) -> int:
        """Physical number of the next line."""
        return self.block.first + self.at


def open_bytes(path: Path) -> gzip.GzipFile:
    """The file's bytes, unpacked where its name ends in .gz."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rb")  # type: ignore[return-value]


def damage(error: Exception) -> str:
    """What reading met, in words that hold nothing of the file."""
    return "damaged archive" if isinstance(error, zlib.error) else type(error).__name__


def blocks(path: Path) -> Iterator[Block]:
    """The lines block by block, so that no file is held in memory, whatever ends its lines.

    Of a line that goes on and on, only what is needed to see that it is too long is kept.
    """
    try:
        with open_bytes(path) as handle:
            yield from _blocks(handle)
    except UNREADABLE as error:
        raise Refused(
            f"cannot be read to its end: {damage(error)}",
            repair="ask the supplier to send it again",
        ) from None


def _blocks(handle: gzip.GzipFile) -> Iterator[Block]:
    data, goes_on = _read(handle, b"", SAMPLE)
    by_returns = ends_in_returns(data)
    offset, first, dropped = 0, 1, 0
    while data:
        stops = line_stops(data, by_returns, goes_on)
        whole = int(stops[-1]) if len(stops) else 0
        rest = bytes(data[whole:])
        if whole:
            del data[whole:]
            yield Block(data, stops, offset, first, dropped)
            offset, first, dropped = offset + whole + dropped, first + len(stops), 0
        if not goes_on:
            return
        if len(rest) > 2 * LONGEST and not rest.endswith(b"\r"):
            dropped += len(rest) - 2 * LONGEST
            rest = rest[: 2 * LONGEST]
        data, goes_on = _read(handle, rest, BLOCK)


def _read(handle: gzip.GzipFile, rest: bytes, size: int) -> tuple[bytearray, bool]:
    """`rest` and so many bytes after it, or all that are left; and whether there may be more."""
    data = bytearray(len(rest) + size)
    data[: len(rest)] = rest
    with memoryview(data)[len(rest) :] as place:
        got = handle.readinto(place)
    del data[len(rest) + got :]
    return data, got == size


def ends_in_returns(sample: bytes | bytearray) -> bool:
    """Whether a file's lines end in a carriage return too, by its first bytes.

    A file whose head ends in a carriage return, and which has more of them than line feeds, is
    split at either; in any other a lone carriage return is no line end.
    """
    if not _alone(sample):
        return False  # nor is there one beside what is quoted
    sample = sample[:-1] if sample.endswith(b"\r") else sample  # a line feed may follow
    for seen in (QUOTED.sub(b"", sample) if b'"' in sample else sample, sample):
        feeds, alone = seen.count(b"\n"), _alone(seen)
        if feeds or alone:
            first = seen.find(b"\n")
            return alone > feeds and seen.find(b"\r", 0, first if first >= 0 else None) >= 0
    return False


def _alone(sample: bytes | bytearray) -> int:
    """Carriage returns without a line feed after them."""
    text = np.frombuffer(sample, np.uint8)
    returns = np.flatnonzero(text == RETURN)
    after = text[np.minimum(returns + 1, len(text) - 1)]
    return int(np.count_nonzero(after != FEED))


def line_stops(data: bytes | bytearray, by_returns: bool, goes_on: bool = False) -> Places:
    """Where each line stops; the last one may lack an end, unless the text goes on after `data`."""
    text = np.frombuffer(data, np.uint8)
    if by_returns:
        after = np.append(text[1:], 0 if not goes_on else FEED)  # a line feed may follow
        ends = (text == FEED) | ((text == RETURN) & (after != FEED))
    else:
        ends = text == FEED
    stops = np.flatnonzero(ends) + 1
    if not goes_on and len(data) and (not len(stops) or stops[-1] < len(data)):
        stops = np.append(stops, len(data))
    return stops


@dataclass
class Ends:
    """How many lines end in a line feed, in both characters, in a carriage return alone."""

    feeds: int = 0
    both: int = 0
    alone: int = 0

    def count(self, block: Block) -> None:
        both = int(np.count_nonzero(block.both))
        self.both += both
        self.feeds += int(np.count_nonzero(block.lasts == FEED)) - both
        self.alone += int(np.count_nonzero(block.lasts == RETURN))

    @property
    def same(self) -> bool:
        """All lines end like the first one, by a line feed or by both characters."""
        return not (self.feeds and self.both) and not self.alone


def odd_lines(block: Block, delimiter: bytes, delimiters: int) -> Places:
    """Indices of the lines that are not plain: all but those of printable ASCII without quotation
    marks that have exactly `delimiters` delimiters, something beside them, and no unusual length.
    """
    if len(delimiter) != 1:
        return np.arange(len(block))
    lengths = block.stops - block.starts - block.end_lengths
    odd = _counted(block, delimiter[0], lengths) != delimiters
    odd |= (lengths == delimiters) | (lengths > LONGEST)
    odd[np.searchsorted(block.stops, _suspects(block), side="right")] = True
    return np.flatnonzero(odd)


def _counted(block: Block, character: int, lengths: Places) -> NDArray[np.integer[Any]]:
    """How often a character stands in each line."""
    if not len(block):
        return lengths
    marks = (block.text == character).view(np.uint8)
    counted = np.add.reduceat(marks, block.starts, dtype=np.uint8)
    # Quick, but it counts 256 as none; then the sum is too small.
    if lengths.max() < 256 or counted.sum(dtype=np.int64) == np.count_nonzero(marks):
        return counted
    return np.add.reduceat(marks, block.starts, dtype=np.int64)


def _suspects(block: Block) -> Places:
    """Where a quotation mark, a NUL, another byte than ASCII, or a carriage return within a line
    stands."""
    data, text = block.data, block.text
    found = [np.zeros(0, np.int64)]
    if b'"' in data:
        found.append(np.flatnonzero(text == ord('"')))
    if b"\0" in data:
        found.append(np.flatnonzero(text == 0))
    if text.max(initial=0) > 127:
        found.append(np.flatnonzero(text > 127))
    if b"\r" in data:
        found.append(_returns_inside(block))
    return np.concatenate(found)


def _returns_inside(block: Block) -> Places:
    inside = block.text == RETURN
    ends = np.count_nonzero(block.both) + np.count_nonzero(block.lasts == RETURN)
    if np.count_nonzero(inside) == ends:
        return np.zeros(0, np.int64)
    inside[block.stops - 1] = False
    inside[block.stops[block.both] - 2] = False
    return np.flatnonzero(inside)
