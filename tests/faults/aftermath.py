"""What must hold once a refresh has come to harm, and a refresh after it.

Here: the state before the fault, the state that a refresh without fault makes of it, and what may
not be left over. Not here: the faults (`faulty`), and who looks on meanwhile (`onlookers`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from faulty import Plan, end_of, run, start, until, write_after, write_before
from filelock import FileLock
from onlookers import PUBLIC, look
from same_release import differences

STAMP = re.compile(r"\d{8}T\d{12}Z")
DAGSTER, RUNS = "build/dagster", "runs.json"
HASHES = "build/hashes.json"


@dataclass(frozen=True)
class Prepared:
    """In `folder`: "before" with one release, and the extracts that a second one shall take in;
    "clean" with the same after that refresh without fault. `way`: of the refresh to come."""

    folder: Path
    way: str = "steps"

    @property
    def before(self) -> Path:
        return self.folder / "before"

    @property
    def clean(self) -> Path:
        return self.folder / "clean"

    def copy(self, folder: Path) -> Path:
        """The state before the fault, to be harmed."""
        shutil.copytree(self.before, folder, symlinks=True, dirs_exist_ok=True)
        return folder

    @cached_property
    def old(self) -> str:
        return look(self.before / "warehouse" / PUBLIC)

    @cached_property
    def new(self) -> str:
        return look(self.clean / "warehouse" / PUBLIC)

    @cached_property
    def events(self) -> list[str]:
        """What the refresh without fault did, in order."""
        return Plan(self.clean).events

    def numbers(self, where: str) -> list[int]:
        """Numbers of the events in which a pattern is found."""
        return [n for n, event in enumerate(self.events, 1) if re.search(where, event)]


def prepared(
    factory: pytest.TempPathFactory,
    name: str = "few rows",
    change: Callable[[Path], None] = write_after,
    steps: str = "steps",
) -> Prepared:
    """Both states, made once for all processes that share the tests. Whoever uses them leaves them
    as they are."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / f"prepared with {name}"
    made = folder / "made"
    with FileLock(f"{folder}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _prepare(folder, change, steps)
            made.touch()
    return Prepared(folder)


def _prepare(folder: Path, change: Callable[[Path], None], steps: str) -> None:
    """Make both states, and see that they are what a fresh warehouse gets."""
    before, clean, fresh = (folder / name for name in ("before", "clean", "fresh"))
    write_before(before / "raw")
    done(Plan(before, steps))
    change(before / "raw")
    shutil.copytree(before, clean, symlinks=True)
    done(Plan(clean, steps))
    shutil.copytree(before / "raw", fresh / "raw")
    done(Plan(fresh, steps))
    found = differences(clean / "warehouse", fresh / "warehouse")
    assert found == [], found


def done(plan: Plan) -> None:
    """Refresh as planned, to its end."""
    status = run(plan)
    assert status == 0, plan.said


@dataclass(frozen=True)
class Mended:
    """What a refresh without fault made of a warehouse in which one had come to harm: how its
    release differs from that of a warehouse to which nothing happened, and what is left over.
    `runs`: how Dagster's runs ended, the newest first; none where the steps were called alone."""

    differences: list[str]
    left_over: list[str]
    runs: list[str]


AS_IF_NOTHING_HAD_HAPPENED = Mended([], [], [])


def mended(prepared: Prepared, folder: Path) -> Mended:
    """Refresh without fault, and look what there is now."""
    done(Plan(folder, prepared.way))
    return Mended(
        differences(folder / "warehouse", prepared.clean / "warehouse"),
        left_over(prepared, folder),
        [] if prepared.way == "steps" else ended_runs(folder),
    )


def ended_runs(folder: Path) -> list[str]:
    """How Dagster's runs ended, the newest first."""
    assert end_of(start(_write_runs, folder)) == 0
    found: list[str] = json.loads((folder / RUNS).read_text(encoding="utf-8"))
    return found


def _write_runs(folder: Path) -> None:
    import dagster

    home = str(folder / "warehouse" / DAGSTER)
    os.environ["DAGSTER_HOME"] = home
    with dagster.DagsterInstance.from_config(home) as instance:
        found = [run.status.value for run in instance.get_runs()]
    (folder / RUNS).write_text(json.dumps(found), encoding="utf-8")


def left_over(prepared: Prepared, folder: Path) -> list[str]:
    """Files and folders that a warehouse to which nothing happened has not, or has beside."""
    return sorted(_names(folder / "warehouse") ^ _names(prepared.clean / "warehouse"))


def _names(warehouse: Path) -> set[str]:
    """Everything in a warehouse but Dagster's own, with stamps numbered by their order; and but the
    hashes, which are remembered of files that are old enough."""
    found = [path.relative_to(warehouse).as_posix() for path in warehouse.rglob("*")]
    ours = [name for name in found if not name.startswith(DAGSTER) and name != HASHES]
    stamps = sorted({stamp for name in ours for stamp in STAMP.findall(name)})
    return {STAMP.sub(lambda one: f"<{stamps.index(one[0])}>", name) for name in ours}


def nothing_runs_on(group: int) -> bool:
    """Whether no process of a group is at work (on Linux; elsewhere nobody knows)."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name) state parent group …, and a name may hold anything.
            state, _, of = entry.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            return False
    return True


def ended(group: int) -> None:
    """Wait until no process of a group is at work. Fails where one goes on for ever."""
    until(lambda: nothing_runs_on(group))
