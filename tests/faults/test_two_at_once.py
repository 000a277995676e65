"""Two refreshes at once, and analysts who hold connections while refreshes come and go."""

import sys
from pathlib import Path

import pytest
from aftermath import Prepared, done, left_over, prepared
from faulty import GO, HELD, JUNE, Plan, carry_out, end_of, run, start, until
from onlookers import PUBLIC, Watched, look
from same_release import differences
from small_folder import street, street_row

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these tests fork")


@pytest.fixture(scope="session")
def by_steps(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tmp_path_factory)


@pytest.mark.parametrize(
    "event",
    [pytest.param("INSERT INTO clean.", marks=pytest.mark.nightly), "shutil.copyfile"],
)
def test_one_does_the_work_and_the_other_says_who_does(
    event: str, by_steps: Prepared, tmp_path: Path
) -> None:
    work = by_steps.copy(tmp_path / "work")
    first = start(carry_out, Plan(work, where=event, action="hold"))
    try:
        until((work / HELD).exists)
        second = Plan(work, "command")
        assert run(second) == 1
        assert f"another refresh holds this warehouse: a refresh, process {first.pid} on " in (
            second.said
        )
        assert "wait until it has ended, or stop it" in second.said
        assert "Traceback" not in second.said
        assert look(work / "warehouse" / PUBLIC) == by_steps.old
    finally:
        (work / GO).touch()
    assert end_of(first) == 0
    assert differences(work / "warehouse", by_steps.clean / "warehouse") == []
    assert left_over(by_steps, work) == []


def test_of_two_that_begin_together_one_publishes(by_steps: Prepared, tmp_path: Path) -> None:
    """Whichever comes first: the other is refused, or comes after it and finds nothing new."""
    work = by_steps.copy(tmp_path / "work")
    both = [start(carry_out, Plan(work)) for _ in range(2)]
    ends = sorted(map(end_of, both))
    assert ends in ([0, 0], [0, 1])
    assert differences(work / "warehouse", by_steps.clean / "warehouse") == []
    assert left_over(by_steps, work) == []


def test_analysts_keep_what_they_hold_while_two_refreshes_publish_and_prune(
    by_steps: Prepared, tmp_path: Path
) -> None:
    work = by_steps.copy(tmp_path / "work")
    june = street([street_row("2014-06")] * 9)
    with Watched(work / "warehouse", tmp_path / "notes") as readers:
        done(Plan(work, keep=1))
        second = look(work / "warehouse" / PUBLIC)
        (work / "raw" / JUNE).write_text(june, encoding="utf-8")
        done(Plan(work, keep=1))
        third = look(work / "warehouse" / PUBLIC)
        assert len(list((work / "warehouse" / "releases").iterdir())) == 1
    analyst, passer_by = readers.saw("analyst"), readers.saw("passer_by")
    assert (analyst.errors, passer_by.errors) == ([], [])
    assert analyst.prints == [by_steps.old, third]
    assert passer_by.prints == [by_steps.old, second, third]
    assert len({by_steps.old, second, third}) == 3
