"""Nothing in a run opens a DuckDB file by other means while DuckDB has it open.

Such an open, to copy or hash the file, drops DuckDB's lock when it is closed, and a second writer's
rows can then vanish without an error.
"""

import sys
from pathlib import Path

import pytest
from aftermath import done, prepared
from faulty import Plan, write_after, write_before
from other_means import FOUND

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def violations(plan: Plan) -> list[str]:
    done(plan)
    return (plan.folder / FOUND).read_text(encoding="utf-8").splitlines()


def test_nothing_opens_what_duckdb_has_open(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Over a refresh that takes in changes, and one that finds none."""
    work = prepared(tmp_path_factory).copy(tmp_path / "work")
    assert violations(Plan(work, guard=True)) == []
    assert violations(Plan(work, guard=True)) == []


@pytest.mark.nightly
def test_nor_does_the_command(tmp_path: Path) -> None:
    """The first, one that takes in changes, and one that finds none."""
    write_before(tmp_path / "raw")
    assert violations(Plan(tmp_path, "command", guard=True)) == []
    write_after(tmp_path / "raw")
    assert violations(Plan(tmp_path, "command", guard=True)) == []
    assert violations(Plan(tmp_path, "command", guard=True)) == []


@pytest.mark.parametrize("planted", ["open work", "copy work"])
def test_the_guard_finds_what_is_planted(planted: str, tmp_path: Path) -> None:
    write_before(tmp_path / "raw")
    found = violations(Plan(tmp_path, where="^execute INSERT INTO", action=planted, guard=True))
    assert found and all("warehouse/build/work-" in line for line in found)
