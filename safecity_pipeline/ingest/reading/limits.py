"""How much one file may take: sizes, counts, memory and time.

Belongs here: the numbers, and asking the operating system to enforce those it can. Does not
belong here: counting; the readers do that.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds, texts in letters (code points).

    `address_space`, `cpu_seconds` and `transcript` (bytes of one file written) are enforced by the
    operating system, except on Windows, which offers no such limits; `wall_seconds` by the parent,
    everywhere. `expanded` is the declared total of an archive's entries; `ratio` is asked of an
    archive that declares more than `ratio_from` bytes. `rows` and `cells` (filled ones) are for
    workbooks; parquet, which DuckDB reads without Python, is held to `parquet_cells`. `row_letters`
    keeps a line of the transcript below the two million bytes that DuckDB reads as one line,
    `cell_letters` a cell below the 131,072 letters of Python's csv module. `top_letters` is for
    the first rows of all sheets together, which the parent holds in memory.
    """

    address_space: int = 2 * GIBIBYTE
    cpu_seconds: int = 300
    wall_seconds: float = 600.0
    transcript: int = 4 * GIBIBYTE
    entries: int = 10_000
    expanded: int = 1_000_000_000
    ratio: int = 200
    ratio_from: int = 50_000_000
    sheets: int = 256
    rows: int = 1_048_576
    columns: int = 4_000
    cells: int = 5_000_000
    parquet_cells: int = 500_000_000
    cell_letters: int = 100_000
    row_letters: int = 250_000
    top_letters: int = 16_000_000
    letters: int = 1_000_000_000


def enforce(limits: Limits) -> None:
    """Bind this process to the limits. Does nothing on Windows. A memory dump is forbidden too: it
    would hold the file's cells."""
    if sys.platform == "win32":
        return
    import resource

    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits.address_space, limits.address_space),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 5),
        (resource.RLIMIT_FSIZE, limits.transcript, limits.transcript),
    ):
        _, allowed = resource.getrlimit(kind)
        below = hard if allowed == resource.RLIM_INFINITY else min(hard, allowed)
        resource.setrlimit(kind, (min(soft, below), below))
