"""What a command costs: wall seconds, processor seconds, and the most memory its processes hold.

Belongs here: running one command as a process of its own and watching it (Linux: /proc is read).
Does not belong here: what is run, or which ratio is good.

Memory is the sum of the resident memory of the process and all below it, looked at every 50
milliseconds: pages that two of them share count twice, and a peak between two looks is missed.
Processor seconds are the kernel's (user and system), of the process and of all that it waited for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.05  # seconds between two looks
ROOT = Path(__file__).resolve().parent.parent
PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1 << 20
TOLD = 2_000  # characters of what a command that fails had to say


class Failed(Exception):
    """A command that ended otherwise than it should, with the end of what it said."""


@dataclass(frozen=True)
class Measure:
    """Seconds of wall clock, seconds of processors, megabytes."""

    wall: float
    cpu: float
    peak: float

    def __add__(self, after: Measure) -> Measure:
        """Of two commands, one after the other."""
        return Measure(self.wall + after.wall, self.cpu + after.cpu, max(self.peak, after.peak))


def python(*arguments: str | Path) -> list[str]:
    """The command line of this interpreter."""
    return [sys.executable, *map(str, arguments)]


def safecity(*arguments: str | Path) -> list[str]:
    """The command line of the program that is measured."""
    return python("-m", "safecity_pipeline", *arguments)


def run(command: Sequence[str], **more: str) -> Measure:
    """Run a command to its end, with `more` in its environment. Raises Failed."""
    os.sync()  # so that it does not wait while what the last one wrote goes to the disk
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(**more),
        text=True,
    )
    watch = _Watch(process.pid)
    watch.start()
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.stop()
    if process.returncode:
        raise Failed(f"{' '.join(command)}: exit status {process.returncode}\n{said[-TOLD:]}")
    return Measure(wall, used.ru_utime + used.ru_stime, watch.peak / MEGABYTE)


def least(runs: Sequence[Measure]) -> Measure:
    """Of several runs of one command the least seconds, and the most memory."""
    seconds = (min(getattr(one, name) for one in runs) for name in ("wall", "cpu"))
    return Measure(next(seconds), next(seconds), max(one.peak for one in runs))


def environment(**more: str) -> Mapping[str, str]:
    """This process's, without settings of the project, and finding this folder's modules. Python
    may keep what it compiles, as it does wherever a program is run more than once."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAFECITY_", "DAGSTER_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {**kept, "PYTHONPATH": str(ROOT), "DAGSTER_DISABLE_TELEMETRY": "1", **more}


class _Watch(threading.Thread):
    """Looks at a process and all below it until `stop`; `peak` is in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak = pid, 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(INTERVAL):
            self.peak = max(self.peak, sum(map(_resident, _tree(self.pid))))

    def stop(self) -> None:
        self.ended.set()
        self.join()


def _tree(top: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*"):
        if parent := _parent(entry.name):
            children[parent].append(int(entry.name))
    found = [top]
    for pid in found:
        found += children[pid]
    return found


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            return int(handle.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None  # it has ended since


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as handle:
            return int(handle.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
