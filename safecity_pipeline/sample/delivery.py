"""What every synthetic file has in common: its bytes, what is said about it, its stream of chance.

Here: `Delivery`, the form that each source's module hands over; the encoders that turn lines into
the same bytes on every machine; and the seeded streams.
Not here: what the rows say (the sources' modules), and anything that touches
a folder (`folder`).
"""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Delivery:
    """One synthetic file before it is written.

    `file` is relative to the sample's folder, with '/'; `rows` are physical rows including the
    head, of a workbook those of all its sheets; `planted`, `delivered_twice`, `left_out` and
    `folded` are counts of rows, `planted_cells` one of cells; `period` is the label of a year and
    `published_on` an ISO date, as they go into the manifest ('' where the file says it itself).
    The manifest vouches for `vouched` rows, else for all.
    """

    file: str
    source: str
    content: bytes
    rows: int
    published_on: str
    period: str = ""
    planted: int = 0
    delivered_twice: int = 0
    left_out: int = 1
    planted_cells: int = 0
    vouched: int | None = None
    folded: int = 0


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the stream of chance of one file or place, independent of every other key's.

    Callers draw only `random()` and `integers()` from it: these are arithmetic on bits, while
    `poisson` or `normal` go through the machine's own logarithm and may differ in a last digit.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, *key))))


def lines_to_bytes(lines: Sequence[str], line_end: str) -> bytes:
    """Encode finished lines as UTF-8 without a byte order mark, each closed by `line_end`."""
    return "".join(line + line_end for line in lines).encode("utf-8")


def table_to_bytes(rows: Iterable[Sequence[str | int]], line_end: str) -> bytes:
    """Encode rows of cells as CSV, quoting only the cells that need it."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=line_end).writerows(rows)
    return buffer.getvalue().encode("utf-8")


def compressed(content: bytes) -> bytes:
    """Gzip `content` with neither time nor file name in the head, so that a rerun is identical.

    The text inside is the same on every machine; the compressed bytes are, as far as the
    machine's zlib is.
    """
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=3, mtime=0) as archive:
        archive.write(content)
    return buffer.getvalue()
