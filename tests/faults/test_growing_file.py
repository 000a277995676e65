"""A file that a supplier goes on writing while a refresh reads it.

Whatever the refresh reads, it must have read what it says: it is refused in words, with the file or
as a whole, or its rows are those of the content whose hash stands beside them. The next refresh is
as if the file had always been as it is now.
"""

import hashlib
import shutil
import sys
import time
from pathlib import Path

import duckdb
import pytest
from aftermath import Prepared, done, left_over, prepared
from faulty import APRIL, GO, Plan, end_of, run, start
from onlookers import PUBLIC, look
from same_release import differences
from small_folder import street_row

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these tests fork")
# The refresh opens the file itself, or has DuckDB read it.
READS = rf"^(open raw/{APRIL}$|execute .*{APRIL})"
NIGHTLY = pytest.mark.nightly
CHANGED = "changed while it was"
LATE = street_row("2014-04", location="On or near Late Lane") + "\n"


@pytest.fixture(scope="session")
def by_steps(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Before the file grew."""
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def grown(by_steps: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean run of what lies in raw/ at last."""
    folder = tmp_path_factory.mktemp("grown")
    shutil.copytree(by_steps.before / "raw", folder / "raw")
    with (folder / "raw" / APRIL).open("a", encoding="utf-8") as handle:
        handle.write(LATE)
    done(Plan(folder))
    return folder / "warehouse"


def refreshed_truly(by_steps: Prepared, plan: Plan) -> None:
    """Refresh while something happens to April: what is published of it is what was hashed, or it
    is refused, or all is and the last release stands."""
    work = plan.folder
    if run(plan) != 0:
        assert CHANGED in plan.said, plan.said
        assert look(work / "warehouse" / PUBLIC) == by_steps.old
        return
    database = duckdb.connect(str(work / "warehouse" / PUBLIC), read_only=True)
    [(status, message, sha256, rows)] = database.execute(
        "SELECT status, message, sha256, rows_read FROM meta.extract WHERE file = ?", [APRIL]
    ).fetchall()
    database.close()
    if status == "refused":
        assert CHANGED in message
        return
    lines = (work / "raw" / APRIL).read_bytes().splitlines(keepends=True)
    contents = [b"".join(lines[:count]) for count in range(len(lines) + 1)]
    hashes = [hashlib.sha256(content).hexdigest() for content in contents]
    assert (status, rows) == ("read", hashes.index(sha256))


@pytest.mark.parametrize(
    "which", [pytest.param(0, marks=NIGHTLY), -2, pytest.param(None, marks=NIGHTLY)]
)
def test_a_file_that_grows_just_before_it_is_read(
    which: int | None, by_steps: Prepared, grown: Path, tmp_path: Path
) -> None:
    """At the first read, which is for the hash; at the last but one; at any other."""
    numbers = by_steps.numbers(READS)
    assert len(numbers) > 2
    chosen = [numbers[which]] if which is not None else [*numbers[1:-2], numbers[-1]]
    for number in chosen:
        work = by_steps.copy(tmp_path / f"{number}")
        plan = Plan(work, at=number, action="grow", growing=work / "raw" / APRIL)
        refreshed_truly(by_steps, plan)
        assert (work / "raw" / APRIL).read_text(encoding="utf-8").endswith(LATE)
        done(Plan(work))
        assert differences(work / "warehouse", grown) == []


def test_the_same_content_copied_again_meanwhile_is_the_same_file_to_the_next_refresh(
    by_steps: Prepared, tmp_path: Path
) -> None:
    """Its time is another, its hash is not; what was refused for it must not stay refused."""
    work = by_steps.copy(tmp_path / "work")
    second = by_steps.numbers(READS)[1]
    refreshed_truly(by_steps, Plan(work, at=second, action="touch", growing=work / "raw" / APRIL))
    done(Plan(work))
    assert differences(work / "warehouse", by_steps.clean / "warehouse") == []


@pytest.mark.nightly
def test_a_file_that_grows_all_the_time(by_steps: Prepared, tmp_path: Path) -> None:
    work, fresh = by_steps.copy(tmp_path / "work"), tmp_path / "fresh"
    writer = start(write_on, work)
    try:
        refreshed_truly(by_steps, Plan(work))
    finally:
        (work / GO).touch()
    assert end_of(writer) == 0
    done(Plan(work))
    by_steps.copy(fresh)
    (fresh / "raw" / APRIL).write_bytes((work / "raw" / APRIL).read_bytes())
    done(Plan(fresh))
    assert differences(work / "warehouse", fresh / "warehouse") == []
    assert left_over(by_steps, fresh) == []


def write_on(work: Path) -> None:
    """Append a row every few milliseconds, until it is told to go."""
    while not (work / GO).exists():
        with (work / "raw" / APRIL).open("a", encoding="utf-8") as handle:
            handle.write(LATE)
        time.sleep(0.005)
