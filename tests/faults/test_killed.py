"""A refresh killed at 60 points, with a release before it and readers at work all the while.

Most points are events of the steps taken directly, under the lock, as the job does: at the event,
or a few milliseconds later, so that native code is at work. Of the switch every event is hit.
Eight are events of the command with Dagster, six are moments in the life of a real
`python -m safecity_pipeline refresh` with everything declared. `make test` takes eight of the 60,
`make nightly` all.

What is killed is the process with its children, or, at every third point, the process alone. The
points are drawn from SEED; a failure prints its own.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from aftermath import AS_IF_NOTHING_HAD_HAPPENED, Mended, Prepared, done, ended, mended, prepared
from faulty import Plan, carry_out, end_of, start
from onlookers import PUBLIC, Watched, look

SEED = 1842
LATER = 0.02  # seconds: as long as a statement takes
PUBLISHING, RENAMING = "^open .*/publishing$", r"^os.rename .*/\.partial-"
# Part → how many points; those that `make test` takes.
PARTS: dict[str, tuple[int, tuple[int, ...]]] = {
    "anywhere": (24, (5, 13, 20)),
    "copy": (10, (6,)),
    "switch": (12, (2, 7, 9)),
    "command": (4, ()),
    "command's end": (4, (3,)),
    "moment": (6, ()),
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not kill this way")


@dataclass(frozen=True)
class Point:
    """`place`: how far on in its part of the run, from 0 to 1."""

    part: str
    place: float
    delay: float
    action: str

    def plan(self, prepared: Prepared, folder: Path) -> Plan:
        """A refresh that is killed at this point. The command's events are a few more than those
        of its steps, so they are counted from a landmark too."""
        where, first, last = self._span(prepared)
        at = 1 + int(self.place * (last - first + 1))
        event = prepared.events[first + at - 2]
        print(f"{self}, seed {SEED}: event {first + at - 1} of the steps: {event}")
        return Plan(folder, prepared.way, at, where, self.action, self.delay)

    def _span(self, prepared: Prepared) -> tuple[str, int, int]:
        """Where counting begins, and the numbers of the first and the last event of the part."""
        publishing, renaming = (prepared.numbers(one)[0] for one in (PUBLISHING, RENAMING))
        last = len(prepared.events)
        return {
            "copy": (PUBLISHING, publishing, renaming),
            "switch": (RENAMING, renaming, last),
            "command's end": (PUBLISHING, publishing, last),
        }.get(self.part, ("", 1, last))


def points(*parts: str) -> list[object]:
    """Points of some parts, spread evenly over each and at random within."""
    found: list[object] = []
    for part in parts:
        count, at_once = PARTS[part]
        drawn = random.Random(f"{SEED} {part}")
        for number in range(count):
            place = (number + drawn.random()) / count
            delay = 0.0 if part == "switch" else drawn.choice((0.0, drawn.uniform(0, LATER)))
            action = "kill alone" if number % 3 == 2 else "kill"
            marks = () if number in at_once else pytest.mark.nightly
            point = Point(part, place, delay, action)
            found.append(pytest.param(point, id=f"{part}-{number}", marks=marks))
    return found


@pytest.fixture(scope="session")
def by_steps(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="session")
def by_command(by_steps: Prepared) -> Prepared:
    return replace(by_steps, way="command")


@pytest.fixture(scope="session")
def by_program(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """With everything declared, which nobody can keep from a program."""
    return replace(prepared(tmp_path_factory, "all sources", steps="all steps"), way="program")


@dataclass(frozen=True)
class Aftermath:
    """Print of the release that readers were led to right after the kill; what a refresh without
    fault then made of it; what each reader saw in all that time, errors and prints."""

    right_after: str
    mended: Mended
    seen: dict[str, tuple[list[str], list[str]]]


def kill_and_refresh(prepared: Prepared, folder: Path, killed: Callable[[Path], int]) -> Aftermath:
    """Kill a refresh while readers look on, wait for the last of its processes, refresh again."""
    work = prepared.copy(folder / "work")
    with Watched(work / "warehouse", folder / "notes") as readers:
        group = killed(work)
        right_after = look(work / "warehouse" / PUBLIC)
        ended(group)
        found = mended(prepared, work)
    saw = {name: readers.saw(name) for name in readers.processes}
    return Aftermath(right_after, found, {name: (o.errors, o.prints) for name, o in saw.items()})


def old_then_new(prepared: Prepared) -> dict[str, tuple[list[str], list[str]]]:
    """What readers see of a refresh, killed or not: no error, and no third release."""
    seen: tuple[list[str], list[str]] = ([], [prepared.old, prepared.new])
    return {"passer_by": seen, "analyst": seen}


def killed_as_planned(plan: Plan) -> int:
    """Refresh, and come to harm; the group of its processes."""
    process = start(carry_out, plan)
    status = end_of(process)
    assert status == -signal.SIGKILL or (plan.delay and status == 0), plan.said
    assert process.pid is not None
    return process.pid


@pytest.mark.parametrize("point", points("anywhere", "copy", "switch"))
def test_readers_notice_nothing_and_the_next_refresh_is_as_if_nothing_had_happened(
    point: Point, by_steps: Prepared, tmp_path: Path
) -> None:
    def killed(folder: Path) -> int:
        return killed_as_planned(point.plan(by_steps, folder))

    found = kill_and_refresh(by_steps, tmp_path, killed)
    assert found.right_after in (by_steps.old, by_steps.new)
    assert found.mended == AS_IF_NOTHING_HAD_HAPPENED
    assert found.seen == old_then_new(by_steps)


@pytest.mark.parametrize("point", points("command", "command's end"))
def test_the_same_for_the_command_whose_run_dagster_then_calls_failed(
    point: Point, by_command: Prepared, tmp_path: Path
) -> None:
    def killed(folder: Path) -> int:
        return killed_as_planned(point.plan(by_command, folder))

    found = kill_and_refresh(by_command, tmp_path, killed)
    assert found.right_after in (by_command.old, by_command.new)
    assert replace(found.mended, runs=[]) == AS_IF_NOTHING_HAD_HAPPENED
    newest, *before = found.mended.runs
    assert newest == "SUCCESS"
    assert set(before) <= {"FAILURE"}
    assert found.seen == old_then_new(by_command)


# --- by the clock --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def lifetime(by_program: Prepared, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that the program takes when nothing happens to it."""
    folder = by_program.copy(tmp_path_factory.mktemp("lifetime"))
    began = time.monotonic()
    done(Plan(folder, by_program.way))
    return time.monotonic() - began


class EndedFirst(Exception):
    """The program came to its end before its moment: machines are not always equally busy."""


@pytest.mark.parametrize("point", points("moment"))
def test_the_same_for_the_program_at_any_moment(
    point: Point, by_program: Prepared, lifetime: float, tmp_path: Path
) -> None:
    found = None
    for sooner in (1.0, 0.7, 0.5):
        moment = point.place * lifetime * sooner
        print(f"{point}, seed {SEED}: {moment:.2f} s of {lifetime:.2f}")
        killed = partial(killed_at, by_program, moment, point.action)
        with suppress(EndedFirst):
            found = kill_and_refresh(by_program, tmp_path / f"{sooner}", killed)
            break
    assert found is not None, "the program always ended before its moment"
    assert found.right_after in (by_program.old, by_program.new)
    assert replace(found.mended, runs=[]) == AS_IF_NOTHING_HAD_HAPPENED
    newest, *before = found.mended.runs
    assert newest == "SUCCESS"
    assert set(before) <= {"FAILURE"}
    assert found.seen == old_then_new(by_program)


def killed_at(prepared: Prepared, moment: float, action: str, folder: Path) -> int:
    """Start the program, and kill it so many seconds later; the group of its processes."""
    process = start(carry_out, Plan(folder, prepared.way))
    assert process.pid is not None
    process.join(moment)
    if process.exitcode is None:
        process.kill() if action == "kill alone" else os.killpg(process.pid, signal.SIGKILL)
    if (status := end_of(process)) == 0:
        raise EndedFirst
    assert status == -signal.SIGKILL
    return process.pid
