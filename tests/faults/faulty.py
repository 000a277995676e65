"""A refresh in a process of its own, to which something happens at its n-th event.

An event is what a refresh does to the disk or asks of DuckDB: a file opened, named or removed
below the test's folder, a process started, a statement executed, a database closed. They are seen
from outside the code under test, by Python's audit hooks and by a stand-in for `duckdb.connect`,
and come in the same order in every run of the same extracts, so that each can be hit by number.

The `steps` are taken directly, under the lock, as the job does, with three sources and a few
indicators; the `command` is the same with Dagster. Both are forked from a server that has imported
everything already (`warmed`), for imports are most of a small refresh. The `program` is all of it,
imports too, with everything declared, and what happens to it comes by the clock; `all steps` are
those that it takes.

Here: the processes, their events, and what can be made to happen. Not here: what must hold
afterwards (`aftermath`), and any test.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest
from other_means import Violations
from small_folder import environment, refresh, small_settings, street, street_row

from safecity_pipeline import registry, sample, sources
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import looked_after_workbook

# All are marked as made up, like the workbook: made-up and real extracts do not mix.
APRIL, MAY, JUNE = (f"synthetic-2014-0{month}-hampshire-street.csv" for month in (4, 5, 6))
POPULATION = "synthetic-MYEB3_summary_(2019_geog20).csv"
WORKBOOK = "synthetic-SFR49_2014_LATables.xlsx"
SOURCES = ("street_crime", "population", "looked_after_children")
INDICATORS_EACH = 2
JUNE_ROWS = 1_000
EVENTS, HELD, GO, BALLAST = "events.txt", "held", "go", "ballast"
PATIENCE = 180.0  # seconds; a process that takes longer hangs
NAMED = re.compile(r"open|os\.(rename|remove|mkdir|rmdir|symlink|chmod|truncate)|shutil\..*")
Tell = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Plan:
    """What a process shall do: refresh `folder`/raw into `folder`/warehouse, in one of WAYS.

    At event `at`, counted from the first one in which `where` is found, `action` happens: a name
    of ACTIONS. `delay`: seconds later and beside the run, so that it strikes while native code is
    at work. `guard`: what breaks the rule of `other_means` is written down. `keep`: so many
    releases. `growing`: the file that grows, or is touched.
    """

    folder: Path
    way: str = "steps"
    at: int = 1
    where: str = ""
    action: str = ""
    delay: float = 0.0
    guard: bool = False
    keep: int = 0
    growing: Path | None = None

    @property
    def log(self) -> Path:
        """Where the process writes: beside the folder, whose disk may be full."""
        return self.folder.with_name(f"{self.folder.name}.said")

    @property
    def said(self) -> str:
        """What the process wrote."""
        return self.log.read_text(encoding="utf-8")

    @property
    def events(self) -> list[str]:
        """The events of a run to which nothing happened."""
        return (self.folder / EVENTS).read_text(encoding="utf-8").splitlines()


# --- the extracts --------------------------------------------------------------------------------


def write_before(raw: Path) -> None:
    """Two months, and a population."""
    raw.mkdir(parents=True)
    (raw / APRIL).write_text(street([street_row("2014-04")] * 3), encoding="utf-8")
    (raw / MAY).write_text(street([street_row("2014-05")] * 2), encoding="utf-8")
    (raw / POPULATION).write_text(
        "ladcode20,laname20,country,population_2014\nE06000045,Southampton,E,240000\n",
        encoding="utf-8",
    )


def write_after(raw: Path) -> None:
    """April changed, with a bad row; May withdrawn; June and a workbook new. June's rows are so
    many that they do not fit into what a full disk has left of a page."""
    april = [*[street_row("2014-04")] * 4, street_row("2014-04", kind="Piracy")]
    (raw / APRIL).write_text(street(april), encoding="utf-8")
    (raw / MAY).unlink()
    june = (street_row("2014-06", location=f"On or near Street {n}") for n in range(JUNE_ROWS))
    (raw / JUNE).write_text(street(june), encoding="utf-8")
    [made] = looked_after_workbook.deliveries(sample.Plan())
    (raw / WORKBOOK).write_bytes(made.content)


@cache
def few_declared() -> Registry:
    """What is declared for three sources, with so few indicators that a refresh takes a second."""
    known = registry.load()
    kept = [
        [one for one in known.indicators.values() if one.main.source == source]
        for source in SOURCES
    ]
    chosen = {one.indicator: one for some in kept for one in some[:INDICATORS_EACH]}
    parts = (part for one in chosen.values() for part in (one.numerator, one.denominator))
    used = {part.source for part in parts if part} | set(SOURCES)
    return replace(
        known,
        sources={name: source for name, source in known.sources.items() if name in used},
        layouts=tuple(one for one in known.layouts if one.source in used),
        assessments=(),
        indicators=chosen,
    )


# --- processes -----------------------------------------------------------------------------------


def start(target: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    """A process of its own for a function of a module, warm from the start."""
    process: multiprocessing.process.BaseProcess
    process = _context().Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


@cache
def _context() -> Any:
    if sys.platform == "win32":
        pytest.skip("these tests fork, which Windows cannot")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warmed"])
    here = Path(__file__).parent
    with pytest.MonkeyPatch.context() as patch:  # the server is told of folders in no other way
        patch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parent), *sys.path]))
        forkserver.ensure_running()
    return context


def end_of(process: multiprocessing.process.BaseProcess) -> int:
    """Exit status, or minus the signal that ended it. Fails where it hangs."""
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        pytest.fail("a process hangs")
    return process.exitcode


def run(plan: Plan) -> int:
    """Exit status of a refresh as planned, or minus the signal that ended it."""
    return end_of(start(carry_out, plan))


def carry_out(plan: Plan) -> None:
    """The process itself."""
    os.setsid()
    # Unbuffered, below Python: what a killed process has said is there, and all of it is caught.
    said = os.open(plan.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(environment())
    watch(plan.folder, Happening(plan).tell)
    WAYS[plan.way](plan)


def _steps(plan: Plan) -> None:
    with few_sources():
        _all_steps(plan)


def _all_steps(plan: Plan) -> None:
    chosen = small_settings(plan.folder)
    if plan.keep:
        chosen = replace(chosen, keep_releases=plan.keep, keep_restricted=plan.keep)
    refresh(chosen)


def _command(plan: Plan) -> None:
    from safecity_pipeline import cli

    sys.argv = ["safecity", *_arguments(plan.folder)]
    with few_sources():
        cli.main()


def _program(plan: Plan) -> None:
    """Nothing of this process is left but its number and where it writes."""
    os.execv(sys.executable, [sys.executable, "-m", "safecity_pipeline", *_arguments(plan.folder)])


@contextmanager
def few_sources() -> Iterator[None]:
    """This process with what `few_declared` answers, for Dagster's assets too."""
    few = few_declared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load", lambda *_: few)
        patch.setattr(sources, "discover", lambda: few.sources)
        # A release is made from the code too; these tests hold while somebody edits it.
        patch.setattr("safecity_pipeline.refresh.code_version", lambda: "of these tests")
        yield


WAYS: dict[str, Callable[[Plan], None]] = {
    "steps": _steps,
    "all steps": _all_steps,
    "command": _command,
    "program": _program,
}


def _arguments(folder: Path) -> list[str]:
    """Arguments of `safecity` for a refresh of the folder."""
    places = ["--raw", str(folder / "raw"), "--warehouse", str(folder / "warehouse")]
    return [
        "refresh",
        *places,
        "--config",
        str(Path(registry.__file__).parent / "southampton.toml"),
    ]


# --- events --------------------------------------------------------------------------------------


def watch(folder: Path, tell: Tell) -> None:
    """Tell of every event from now on, for as long as this process lives."""
    below = f"{folder}{os.sep}"

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            tell(event)
        elif NAMED.fullmatch(event):
            for one in arguments[:2]:
                path = os.fspath(one) if isinstance(one, str | os.PathLike) else ""
                if isinstance(path, str) and path.startswith(below):
                    tell(f"{event} {path.removeprefix(below)}")
                    break

    connect = duckdb.connect

    def watched(*arguments: Any, **named: Any) -> Any:
        made = connect(*arguments, **named)
        made.execute("SET threads = 1")  # of tables this small, threads only take turns
        return _Watched(made, tell)

    duckdb.connect = watched
    sys.addaudithook(hook)


class _Watched:
    """A connection that tells of what it is asked; all else is the real one's."""

    def __init__(self, real: duckdb.DuckDBPyConnection, tell: Tell) -> None:
        self._real, self._tell = real, tell

    def execute(self, statement: str, *arguments: Any) -> Any:
        words = " ".join(statement.split())
        self._tell(f"execute {words}")
        answer = self._real.execute(statement, *arguments)
        self._tell(f"executed {words}")
        return answer

    def close(self) -> None:
        self._tell("close")
        self._real.close()
        self._tell("closed")

    def cursor(self) -> Any:
        return _Watched(self._real.cursor(), self._tell)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Happening:
    """Counts the events of this process, and lets happen what is planned."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.count = plan, 0
        self.one_at_a_time, self.own = threading.Lock(), threading.local()
        self.log = None if plan.action else (plan.folder / EVENTS).open("w", encoding="utf-8")
        self.violations = Violations(plan.folder) if plan.guard else None

    def tell(self, event: str) -> None:
        if self.violations:
            self.violations.look(event)
        if getattr(self.own, "acting", False):  # an event of our own making
            return
        self.own.acting = True
        try:
            with self.one_at_a_time:
                self._told(event)
        finally:
            self.own.acting = False

    def _told(self, event: str) -> None:
        if self.log:
            self.log.write(f"{event}\n")
            self.log.flush()
        if self.count or re.search(self.plan.where, event):
            self.count += 1
            if self.count == self.plan.at and self.plan.action:
                self._strike()

    def _strike(self) -> None:
        act = ACTIONS[self.plan.action]
        if self.plan.delay:
            threading.Timer(self.plan.delay, act, [self.plan]).start()
        else:
            act(self.plan)


# --- what can happen -----------------------------------------------------------------------------


def _kill(plan: Plan) -> None:
    """As when the machine's operator kills it with all that it started."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _kill_alone(plan: Plan) -> None:
    """As when the system is out of memory: what it started lives on."""
    os.kill(os.getpid(), signal.SIGKILL)


def _fill(plan: Plan) -> None:
    """Somebody else's file takes all the room that is left on the disk."""
    found = os.statvfs(plan.folder)
    with (plan.folder / BALLAST).open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, found.f_bavail * found.f_frsize)


def _hold(plan: Plan) -> None:
    """It waits, until it is told to go on."""
    (plan.folder / HELD).touch()
    until((plan.folder / GO).exists)


def _grow(plan: Plan) -> None:
    """A supplier goes on writing a file."""
    assert plan.growing is not None
    with plan.growing.open("a", encoding="utf-8") as handle:
        handle.write(street_row("2014-04", location="On or near Late Lane") + "\n")


def _touch(plan: Plan) -> None:
    """A supplier copies the same file again."""
    assert plan.growing is not None
    found = plan.growing.stat()
    os.utime(plan.growing, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def _open_work(plan: Plan) -> None:
    """What nobody may do while DuckDB has the file open: read it, as to hash it. That is all."""
    for file in (plan.folder / "warehouse" / "build").glob("work-*.duckdb"):
        file.open("rb").close()
    os._exit(0)


def _copy_work(plan: Plan) -> None:
    """Nor this."""
    for file in (plan.folder / "warehouse" / "build").glob("work-*.duckdb"):
        shutil.copyfile(file, plan.folder / "copy")
    os._exit(0)


ACTIONS: dict[str, Callable[[Plan], None]] = {
    "kill": _kill,
    "kill alone": _kill_alone,
    "fill": _fill,
    "hold": _hold,
    "grow": _grow,
    "touch": _touch,
    "open work": _open_work,
    "copy work": _copy_work,
}


def until(true: Callable[[], Answer]) -> Answer:
    """The answer, once it is one. Fails where it never is."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if answer := true():
            return answer
        time.sleep(0.01)
    raise TimeoutError("it has never become true")
