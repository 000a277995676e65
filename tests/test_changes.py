"""The catalogue of definitional changes: a deployment's own rows, whom a supplier's change reaches,
and that no row and no series can lie dormant.

Here: what is declared. Not here: the terms of a scope and which periods a change breaks
(`test_breaks`), what becomes of it in a release (`test_changes_path`).
"""

import csv
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from safecity_pipeline import breaks, period, registry
from safecity_pipeline import settings as deployment
from safecity_pipeline.model import Refused
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.changes import CHANGE_COLUMNS, FILE, KINDS, NEEDED, Changes

SOUTHAMPTON, PORTSMOUTH, HAMPSHIRE = "E06000045", "E06000044", "E23000030"
OWN = {
    "id": "S01",
    "effective_date": "2014-06-01",
    "kind": "collection",
    "what_changed": "The hospital asks every patient",
    "series_scope": "@ed_assault",
    "materiality": "material",
    "area_scope": "supplier",
    "status": "sure",
    "area_code": SOUTHAMPTON,
}


def town(folder: Path, *rows: dict[str, str], head: list[str] | None = None) -> Path:
    """A deployment's configuration, with a file of its own changes beside it."""
    folder.mkdir(exist_ok=True)
    config = shutil.copy(deployment.PACKAGED, folder / "safecity.toml")
    with (folder / FILE).open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, head or list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return Path(config)


@cache
def packaged() -> Registry:
    return registry.load()


def reached(known: Registry, change: str) -> set[str]:
    (one,) = (each for each in known.changes.changes if each.id == change)
    return {
        key
        for key, indicator in known.indicators.items()
        if reach.reaches(known.changes, one, indicator)
    }


def broken(changes: Changes, series: str, sources: set[str], area: str, pair: str) -> set[str]:
    spans = (period.parse(label) for label in pair.split())
    return set(breaks.between(changes, series, sources, area, HAMPSHIRE, *spans).material)


# --- a deployment's own rows ---------------------------------------------------------------------


def test_a_change_of_one_day_is_tested_on_it_and_a_slow_one_where_it_says(tmp_path: Path) -> None:
    """`safecity declare` writes no date to test, nor must an analyst."""
    slow = {"id": "S02", "effective_first": "2014-03-01", "effective_last": "2014-08-31"}
    noted = {"id": "S03", "materiality": "negligible"}
    days = {"effective_first": "", "effective_last": ""}
    rows = [days | OWN | more for more in ({}, slow, noted)]
    found = registry.load(town(tmp_path, *rows)).changes.changes[-3:]
    assert [one.test_dates for one in found] == [(date(2014, 6, 1),), (), ()]


def test_one_row_beside_the_configuration_is_all_that_an_analyst_adds(tmp_path: Path) -> None:
    known = registry.load(town(tmp_path, OWN))
    *before, added = known.changes.rows()
    assert before == packaged().changes.rows()
    assert {
        name: added[name] for name in ("id", "declared_by", "effective_first", "back_series")
    } == {
        "id": "S01",
        "declared_by": "deployment",
        "effective_first": period.parse("2014M06").start,
        "back_series": None,
    }
    assert known.digest != registry.load(town(tmp_path, OWN | {"status": "to verify"})).digest


def test_the_rows_that_a_spreadsheet_leaves_at_the_end_are_none(tmp_path: Path) -> None:
    config = town(tmp_path, OWN)
    with (tmp_path / FILE).open("a", encoding="utf-8") as lines:
        lines.write("," * (len(OWN) - 1) + "\n\n")
    assert len(registry.load(config).changes.changes) == len(packaged().changes.changes) + 1


def test_a_row_with_every_column_of_the_package_may_be_pasted(tmp_path: Path) -> None:
    row = dict.fromkeys(CHANGE_COLUMNS, "") | OWN | {"effective_last": "2014-08-31"}
    *_, added = registry.load(town(tmp_path, row)).changes.changes
    assert (str(added.effective_first), str(added.effective_last)) == ("2014-06-01", "2014-08-31")


@pytest.mark.parametrize(
    ("row", "rule", "got"),
    [
        (OWN | {"id": "D22"}, "a packaged change has this id", "D22"),
        (OWN | {"serie_scope": "asb"}, "not a column", "serie_scope"),
        ({key: OWN[key] for key in OWN if key != "kind"}, "the column kind is missing", ""),
        (OWN | {"what_changed": ""}, "what_changed is blank", ""),
        (OWN | {"series_scope": "@ed_assaults"}, "unknown source", "ed_assaults"),
        # a source that is read, and that no indicator asks: the row could never do anything
        (
            OWN | {"series_scope": "@population_by_age"},
            "this term reaches nothing",
            "@population_by",
        ),
        # the hospital has no part in burglary
        (
            OWN | {"series_scope": "@ed_assault !recorded_crime.burglary"},
            "this term excludes nothing",
            "!recorded_crime.burglary",
        ),
    ],
)
def test_a_row_of_ones_own_that_could_lie_dormant_is_refused(
    tmp_path: Path, row: dict[str, str], rule: str, got: str
) -> None:
    with pytest.raises(Refused) as refused:
        registry.load(town(tmp_path, row))
    assert rule in refused.value.rule
    assert str(refused.value.got or "").startswith(got)
    assert FILE in refused.value.place
    assert refused.value.repair


@pytest.mark.parametrize("column", NEEDED)
def test_what_a_row_must_say(tmp_path: Path, column: str) -> None:
    with pytest.raises(Refused, match=f"{column} is blank"):
        registry.load(town(tmp_path, OWN | {column: ""}))


# --- whom it reaches -----------------------------------------------------------------------------


def test_a_suppliers_change_reaches_what_it_supplies_for_its_area(tmp_path: Path) -> None:
    known = registry.load(town(tmp_path, OWN))
    own = {key for key, one in known.indicators.items() if "ed_assault" in reach.counted_from(one)}
    assert own and reached(known, "S01") == own
    ed = known.changes, "ed.assaults", {"ed_assault"}
    assert broken(*ed, SOUTHAMPTON, "2014M05 2014M06") == {"S01"}
    assert broken(*ed, PORTSMOUTH, "2014M05 2014M06") == set()
    assert broken(known.changes, "ed.assaults", {"other"}, SOUTHAMPTON, "2014M05 2014M06") == set()


def test_a_suppliers_change_may_leave_out_some_of_what_it_supplies(tmp_path: Path) -> None:
    survey = OWN | {"series_scope": "@safety_survey !perceptions.asb"}
    whole = registry.load(town(tmp_path, OWN | {"series_scope": "@safety_survey"}))
    known = registry.load(town(tmp_path, survey))
    left = reached(whole, "S01") - reached(known, "S01")
    assert {known.indicators[key].series for key in left} == {"perceptions.asb"}


def test_what_changes_in_the_denominator_reaches_the_ratio(tmp_path: Path) -> None:
    known = registry.load(town(tmp_path, OWN | {"series_scope": "@households"}))
    assert reached(known, "S01") == {
        key
        for key, one in known.indicators.items()
        if one.denominator and one.denominator.source == "households"
    }
    assert reached(known, "S01")


# --- the packaged catalogue ----------------------------------------------------------------------


def test_the_kinds_are_the_closed_list_and_each_is_used() -> None:
    found = Counter(one.kind for one in packaged().changes.changes)
    assert set(found) == set(KINDS)


def test_every_series_of_a_change_is_used_or_parked() -> None:
    known = packaged()
    used = {one.series for one in known.indicators.values()}
    for change in known.changes.changes:
        named = {name for sign, name in change.scope.terms if sign in ("", "=")}
        for name in named:
            below = {one for one in used if one == name or one.startswith(f"{name}.")}
            assert below or known.changes.series[name].parked, (change.id, name)


@pytest.mark.parametrize(
    ("series", "parked", "rule"),
    [
        ("recorded_crime.robbery", "nobody asks", "an indicator uses this parked series"),
        ("recorded_crime.fraud", None, "no indicator uses this series"),
    ],
)
def test_a_series_is_used_or_parked_and_not_both(
    series: str, parked: str | None, rule: str
) -> None:
    known = packaged()
    one = replace(known.changes.series[series], parked=parked)
    other = replace(known.changes, series={**known.changes.series, series: one})
    with pytest.raises(Refused, match=rule):
        reach.check(other, known.indicators)


def test_a_packaged_change_of_a_source_that_nothing_is_counted_from_is_refused() -> None:
    known = packaged()
    fewer = {
        key: one
        for key, one in known.indicators.items()
        if "street_crime" not in reach.counted_from(one)
    }
    with pytest.raises(Refused, match="D46: this term reaches nothing"):
        reach._check_sources(  # its own series would be refused first
            next(one for one in known.changes.changes if one.id == "D46"), fewer.values()
        )
