"""The disk is full all of a sudden, at six points of a refresh; then there is room again.

On a real disk of limited size, a tmpfs: at the point, somebody else's file takes all the room that
is left. Where nothing can be mounted, the tests are left out.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aftermath import AS_IF_NOTHING_HAD_HAPPENED, Prepared, mended, prepared
from faulty import BALLAST, Plan, run
from onlookers import PUBLIC, look

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these tests fork")

SIZE = "192m"
# Our words, the system's, and SQLite's where it cannot enlarge what it has mapped.
FULL = ("disk is full", os.strerror(errno.ENOSPC), "disk I/O error")
POINTS = {
    "the lock": "^open .*/refresh.lock$",
    "staging": "^subprocess.Popen$",
    "storing": "^execute INSERT INTO clean.street_crime",
    "the copy": "^shutil.copyfile",
    "the public copy": "^execute INSERT INTO public\\.",
    "a table as CSV": "^execute COPY .*/finding.csv",
    "the workbook": "^open .*/assessment-2014-15.xlsx$",
    "Dagster's storage": "^open .*/build/dagster/",
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a small disk; try `unshare -rm make nightly`")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def by_steps(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="session")
def by_command(by_steps: Prepared) -> Prepared:
    return replace(by_steps, way="command")


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("staging", marks=pytest.mark.nightly),
        "storing",
        pytest.param("the copy", marks=pytest.mark.nightly),
        "the public copy",
        pytest.param("a table as CSV", marks=pytest.mark.nightly),
        pytest.param("the workbook", marks=pytest.mark.nightly),
    ],
)
def test_the_last_release_stands_and_with_room_again_all_is_well(
    point: str, by_steps: Prepared, small_disk: Path
) -> None:
    work = by_steps.copy(small_disk)
    plan = Plan(work, where=POINTS[point], action="fill")
    assert run(plan) == 1
    assert any(words in plan.said for words in FULL), plan.said
    assert look(work / "warehouse" / PUBLIC) == by_steps.old
    (work / BALLAST).unlink()
    assert mended(by_steps, work) == AS_IF_NOTHING_HAD_HAPPENED


@pytest.mark.nightly
def test_no_room_for_the_plain_copies_costs_nothing_else(
    by_steps: Prepared, small_disk: Path
) -> None:
    work = by_steps.copy(small_disk)
    plan = Plan(work, where="^open .*/latest/.*part$", action="fill")
    assert run(plan) == 0
    assert "not replaced" in plan.said
    assert look(work / "warehouse" / PUBLIC) == by_steps.new
    (work / BALLAST).unlink()
    assert mended(by_steps, work) == AS_IF_NOTHING_HAD_HAPPENED


@pytest.mark.nightly
@pytest.mark.parametrize("point", POINTS)
def test_the_command_says_so_in_words(point: str, by_command: Prepared, small_disk: Path) -> None:
    work = by_command.copy(small_disk)
    plan = Plan(work, "command", where=POINTS[point], action="fill")
    assert run(plan) == 1
    last = plan.said.splitlines()[-1]
    assert last.startswith("safecity: ") and any(words in last for words in FULL), last
    assert "Traceback" not in plan.said
    assert look(work / "warehouse" / PUBLIC) == by_command.old
    (work / BALLAST).unlink()
    found = mended(by_command, work)
    assert replace(found, runs=[]) == AS_IF_NOTHING_HAD_HAPPENED
    newest, *before = found.runs
    assert newest == "SUCCESS"
    assert set(before) <= {"FAILURE"}
