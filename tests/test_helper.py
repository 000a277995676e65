"""The second process of a refresh: who takes a source in, and what befalls it, changes no row.

Sources with rows about persons, with units that come twice, and with a workbook that is read from
its transcript.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection
from same_release import differences
from small_folder import after_taking_in, small_settings

from safecity_pipeline import cost, helper
from safecity_pipeline.helper import Helper
from safecity_pipeline.ingest import adding, intake
from safecity_pipeline.model import Refused
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import looked_after_workbook, police_arrest, population, treatment
from safecity_pipeline.sample.folder import lay
from safecity_pipeline.sample.plan import Plan

MODULES = (looked_after_workbook, police_arrest, population, treatment)
SOURCES = ("looked_after_children", "police_arrest", "population", "treatment")
INDICATORS = (
    "looked_after_convicted",
    "domestic_abuse_arrests_charged",
    "opiate_treatment_success",
)
PLAN = Plan()
Taken = dict[str, float]


def taken_over(folder: Path, known: Registry) -> Taken:
    """Refresh a folder. Answers the sources that the second process took in, with their cost."""
    found: Taken = {}
    one = Refresh(small_settings(folder))
    one.registry = cut(known)
    usual = one._taken_over

    def noted(connection: DuckDBPyConnection, name: str) -> cost.Cost:
        if made := usual(connection, name).cpu_seconds:
            found[name] = made
        return cost.Cost(cpu_seconds=made)

    one.__dict__["_taken_over"] = noted
    with one.warehouse.lock(), one.at_work():
        one.look()
        for name in SOURCES:
            one.take_in(name)
        after_taking_in(one)
        assert not list(one.warehouse.scratch.glob("taken-in-*"))
    return found


def cut(known: Registry) -> Registry:
    """Our sources of it, and a few indicators that need no other."""
    return replace(
        known,
        sources={name: known.sources[name] for name in SOURCES},
        layouts=tuple(one for one in known.layouts if one.source in SOURCES),
        assessments=(),
        indicators={key: known.indicators[key] for key in INDICATORS},
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Path:
    """A folder that one process has refreshed: too few bytes to ask for help."""
    folder = tmp_path_factory.mktemp("alone")
    fill(folder / "raw")
    assert taken_over(folder, known) == {}
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same extracts, where any work is worth a second process, and it does all that it is
    offered: the refresh waits for it."""
    usual = Helper.offer

    def offered(self: Helper, pieces: Mapping[str, helper.Piece]) -> None:
        usual(self, pieces)
        assert self._asking
        self._asking.join()

    monkeypatch.setattr(Helper, "offer", offered)
    monkeypatch.setattr(helper, "WORTH_IT", 1)
    monkeypatch.setattr(helper, "pays", lambda: True)
    fill(tmp_path / "raw")
    return tmp_path


def fill(raw: Path) -> None:
    lay(raw, [one for module in MODULES for one in list(module.deliveries(PLAN))[-2:]], 2014)


def unlike(alone: Path, folder: Path) -> list[str]:
    return differences(alone / "warehouse", folder / "warehouse")


def test_a_release_is_the_same_whoever_did_the_work(
    folder: Path, alone: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the second process has not done it")

    monkeypatch.setattr(Refresh, "found_of", never)
    monkeypatch.setattr(
        adding, "add_all", lambda _, source, fresh, *more: never() if fresh else None
    )
    assert set(taken_over(folder, known)) == set(SOURCES)
    assert unlike(alone, folder) == []


def test_what_is_kept_is_not_taken_in_again(folder: Path, alone: Path, known: Registry) -> None:
    assert set(taken_over(folder, known)) == set(SOURCES)
    (folder / "warehouse" / "current").unlink()  # so that a release is made again
    assert taken_over(folder, known) == {}
    assert unlike(alone, folder) == []


def test_a_large_source_stays_with_the_refresh(
    folder: Path, alone: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bytes it is packed into: it is its rows that take memory."""
    packed = ("police_arrest", "looked_after_children")
    sizes = {one: folder_size(folder / "raw" / one) for one in SOURCES}
    monkeypatch.setattr(helper, "LARGEST", max(sizes.values()) + 1)
    assert set(taken_over(folder, known)) == set(SOURCES) - set(packed)
    assert unlike(alone, folder) == []


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(1)",  # cannot start
        "import sys; sys.stdin.buffer.read(9)",  # dies at work
        "print('a stray word', flush=True); input()",  # says something else
    ],
)
def test_what_befalls_the_second_process_costs_no_row(
    folder: Path, alone: Path, known: Registry, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(helper, "COMMAND", (sys.executable, "-c", program))
    assert taken_over(folder, known) == {}
    assert unlike(alone, folder) == []


def test_rows_that_were_judged_by_other_rules_are_not_taken_over(
    folder: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the code is changed after one of the two has begun."""
    usual = intake.rules_hash
    monkeypatch.setattr(intake, "rules_hash", lambda *of: usual(*of)[::-1])
    assert taken_over(folder, known) == {}


def test_a_file_that_grows_meanwhile_leaves_no_rows_behind(tmp_path: Path, known: Registry) -> None:
    """The refresh reads it again, and needs the room for that."""
    fill(tmp_path / "raw")
    one = Refresh(small_settings(tmp_path))
    one.registry = cut(known)
    with one.warehouse.lock():
        one.look()
        piece = one._work_on("police_arrest")
        with max(piece.extracts, key=lambda extract: extract.bytes).path.open("ab") as file:
            file.write(b"\n")
        with pytest.raises(Refused, match="the file changed while it was being read"):
            piece.done(helper.Here(one.settings, one.warehouse, one.registry))
        assert not list(one.warehouse.scratch.glob("taken-in-*"))
