"""What a piece of work costs: seconds, processor seconds and the most memory it held.

Belongs here: asking the operating system, and saying where it does not know. Does not belong here:
where a cost is written down (`refresh`), or what is too much.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK_OF_MEMORY = "5"  # what the kernel takes for "begin the high-water mark anew"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Wall-clock seconds; processor seconds of this process and of the children that it has waited
    for; the largest resident memory of one of them in megabytes, None where it is not known."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_megabytes: float | None = None

    def __add__(self, other: Cost) -> Cost:
        """Of two pieces of work, one after the other."""
        known = [one.peak_megabytes for one in (self, other) if one.peak_megabytes is not None]
        return Cost(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(known, default=None),
        )

    def per_second(self, rows: int) -> float | None:
        """Rows a second; None where there were none."""
        return rows / self.seconds if rows and self.seconds else None

    def facts(self, rows: int) -> dict[str, int | float]:
        """For operators: whole megabytes and rows a second, where there are any to tell."""
        told: dict[str, int | float] = {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
        }
        if (speed := self.per_second(rows)) is not None:
            told["rows_per_second"] = round(speed)
        if self.peak_megabytes is not None:
            told["peak_megabytes"] = round(self.peak_megabytes)
        return told


class Meter:
    """Runs from when it is made until `stop`, and answers what it has cost so far."""

    def __init__(self) -> None:
        self._final: Cost | None = None
        self._children = _peak_of_children()
        _forget_peak()
        self._began, self._cpu = time.monotonic(), _cpu_seconds()

    def read(self) -> Cost:
        """The cost so far, or of the whole once it is stopped."""
        if self._final is not None:
            return self._final
        peak, children = _peak(), _peak_of_children()
        if peak is not None and children > self._children:
            peak = max(peak, children)  # else the largest child was one of an earlier step
        megabytes = None if peak is None else peak / MEGABYTE
        return Cost(time.monotonic() - self._began, _cpu_seconds() - self._cpu, megabytes)

    def stop(self) -> None:
        self._final = self.read()


@contextmanager
def measured() -> Iterator[Meter]:
    """A meter that runs as long as the block. One at a time: they share the memory's mark."""
    meter = Meter()
    try:
        yield meter
    finally:
        meter.stop()


def _cpu_seconds() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def _forget_peak() -> None:
    """Begin the high-water mark of resident memory anew, where the system lets us (Linux)."""
    try:
        RESET.write_text(PEAK_OF_MEMORY, encoding="ascii")
    except OSError:
        return


def _peak() -> int | None:
    """Largest resident memory in bytes: since `_forget_peak` on Linux, of the process so far where
    that cannot be forgotten (macOS), not known on Windows."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return _largest(children=False)


def _peak_of_children() -> int:
    """Largest resident memory in bytes of any child that has ended; 0 where it is not known."""
    return _largest(children=True) or 0


def _largest(children: bool) -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    whose = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit
