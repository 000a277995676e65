"""A change on one definition, and values of earlier periods on the newest one.

Here: drawn series with steps that are known, an oracle of plain multiplication, and the sample.
Not here: the steps at catalogued dates (`test_estimates`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from part_of_sample import SOUTHAMPTON
from small_folder import small_settings
from test_estimates import APRIL, CITY, NOVEMBER, about, change, drawn, held, raised

from safecity_pipeline import (
    comparable,
    estimates,
    period,
    registry,
    shareable,
    sharing,
    tables,
    upkeep,
    warehouse,
)
from safecity_pipeline.comparable import Comparable
from safecity_pipeline.estimates import Subject
from safecity_pipeline.explaining import explain
from safecity_pipeline.model import Row
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry, changes
from safecity_pipeline.warehouse import Warehouse

OLD, MIXED, NEW = map(period.parse, ("2013-14", "2014-15", "2015-16"))


def stepped(known: Registry, **more: Any) -> Subject:
    """1,000 a month, × 1.1 in April 2014 and × 1.1 in November; calls steady at 3,000."""
    counts = raised(raised(drawn(1, 1000), "2014-04", 1.1), "2014-11", 1.1)
    listed = [change(known, "X1", APRIL, NOVEMBER)]
    return replace(about(known, counts, listed, held("calls", drawn(2, 3000))), **more)


def asked(subject: Subject, earlier: str, later: str) -> Comparable:
    found = comparable.comparable(subject, period.parse(earlier), period.parse(later))
    assert found is not None
    return found


# --- a change ------------------------------------------------------------------------------------


def test_a_change_is_taken_apart_over_the_periods_that_are_compared(known: Registry) -> None:
    """To 2014-15 seven months × 1.1 and five × 1.21, in logarithms 0.135; to 2015-16 × 1.21."""
    to_mixed = asked(stepped(known), "2013-14", "2014-15")
    mean = 100 * math.expm1((7 * math.log(1.1) + 5 * math.log(1.21)) / 12)
    assert to_mixed.recorded[0] == pytest.approx(mean, abs=1)
    assert to_mixed.recording[1] < mean < to_mixed.recording[2]
    assert to_mixed.lower < 0 < to_mixed.upper and abs(to_mixed.change) < 3
    assert (to_mixed.changes, to_mixed.days) == (("X1",), (APRIL, NOVEMBER))
    to_new = asked(stepped(known), "2013-14", "2015-16")
    assert to_new.recorded[0] == pytest.approx(21, abs=1.5)
    assert to_new.recording[1] < 21 < to_new.recording[2]
    (calls,) = to_new.references
    assert calls.reference == "calls" and abs(calls.change) < 2
    assert calls.lower is not None and calls.upper is not None and calls.lower < 0 < calls.upper
    assert to_new.share == pytest.approx(
        min(math.log1p(to_new.recording[0] / 100) / math.log1p(to_new.recorded[0] / 100), 1)
    )


def test_recorded_is_recording_times_comparable(known: Registry) -> None:
    found = asked(stepped(known), "2012-13", "2015-16")
    for at, other in ((0, found.change), (1, found.upper), (2, found.lower)):
        factor = (1 + found.recording[at] / 100) * (1 + other / 100)
        assert factor == pytest.approx(1 + found.recorded[0] / 100)


def test_a_rate_of_the_same_series_has_its_own_change_and_the_same_step(known: Registry) -> None:
    """50 → 60 per 1,000, while the counts may have grown with the residents."""
    counted = asked(stepped(known), "2013-14", "2015-16")
    rate = comparable.comparable(stepped(known), OLD, NEW, (50.0, 60.0))
    assert rate is not None and rate.recording == counted.recording
    assert rate.recorded[0] == pytest.approx(20)
    assert 1 + rate.change / 100 == pytest.approx(1.2 / (1 + rate.recording[0] / 100))


def test_what_cannot_be_told_has_no_number_and_a_reason(known: Registry) -> None:
    """A mixed base, nothing in between, a change without a date to test, no reference."""

    def why(subject: Subject, earlier: period.Period, later: period.Period) -> str:
        assert comparable.comparable(subject, earlier, later) is None
        return comparable.allowed_for(subject, earlier, later).reason

    subject = stepped(known)
    assert why(subject, MIXED, NEW) == "X1 came within the earlier period"
    before = period.parse("2012-13")
    assert why(subject, before, OLD) == "no change of definition lies between"
    slow = replace(change(known, "X2", date(2013, 5, 1), date(2014, 9, 1)), test_dates=())
    lacking = "no date to test of X2 lies between the periods"
    assert why(replace(subject, changes=(*subject.changes, slow)), OLD, NEW) == lacking
    assert why(replace(subject, held=()), OLD, NEW) == "no reference series"
    own = change(known, "E1", date(2014, 9, 1))
    calls = held("calls", drawn(2, 3000), own)
    assert why(replace(subject, held=(calls,)), OLD, NEW) == "calls changed then as well: E1"


# --- years in mart.break_estimate ----------------------------------------------------------------


def test_a_rise_is_taken_apart_into_national_and_local_by_the_peers(known: Registry) -> None:
    """Peers 100 → 110 and 200 → 242: in the mean ln 1.1 + ln 1.21 over 2; one has no figure."""
    peers = pd.DataFrame(
        {"2013-14": [100.0, 200.0, None], "2015-16": [110.0, 242.0, 50.0]}, index=["a", "b", "c"]
    )
    found = {
        (row["base_period"], row["period"]): row
        for row in comparable.of_years([stepped(known, peers=peers)])
    }
    assert ("2014-15", "2015-16") not in found  # a mixed base
    assert ("2012-13", "2013-14") not in found  # no change in between
    row = found["2013-14", "2015-16"]
    assert (row["method"], row["change_id"]) == ("between_years", "X1")
    assert row["national"] == pytest.approx((math.log(1.1) + math.log(1.21)) / 2)
    assert row["national"] + row["local"] == pytest.approx(row["total"])
    assert row["peers_note"] == "by 2 peers with figures of both years"
    alone = found["2012-13", "2015-16"]
    assert (alone["national"], alone["local"]) == (None, None)
    assert alone["peers_note"] == "not determinable: no figures of peers for both years"


# --- values --------------------------------------------------------------------------------------


def value_rows(counts: pd.Series[float], key: str = "violence_count") -> pd.DataFrame:
    """Rows of mart.indicator_value: its months, and its whole financial years."""
    years = [year for year in comparable.whole_years(counts) if year.start.year >= 2012]
    spans = [(month.year, month.month, month.month) for month in counts.index]
    spelled = [period.parse(f"{year}M{month:02}") for year, month, _ in spans] + years
    by_month = dict(zip(counts.index, counts.to_list(), strict=True))
    rows = []
    for one in spelled:
        inside = list(one.months)
        figure = sum(by_month[pd.Period(day, "M")] for day in inside)
        rows.append(
            {
                "indicator": key, "area_code": SOUTHAMPTON, "area_name": "Southampton",
                "area_type": "local_authority", "period": one.label, "period_kind": one.kind,
                "dimension": "all", "dimension_value": "all", "period_start": one.start,
                "period_end": one.end, "coverage_start": one.start, "coverage_end": one.end,
                "complete": True, "numerator": figure, "value": figure,
                "lower_95": figure * 0.98, "upper_95": figure * 1.02, "unit": "crimes",
                "obs_status": "A", "suppressed_reason": None, "months_covered": len(inside),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def on_newest(known: Registry, subject: Subject, rows: pd.DataFrame) -> dict[str, Row]:
    indicator = known.indicators["violence_count"]
    only = replace(known, changes=replace(known.changes, changes=subject.changes))
    found = comparable.of_values(indicator, subject, rows, CITY, only)
    return {str(row["period"]): row for row in found}


def test_each_period_is_put_on_the_definition_of_the_newest_year(known: Registry) -> None:
    subject = stepped(known)
    subject = replace(
        subject,
        changes=tuple(
            replace(one, series_scope="recorded_crime", scope=known.changes.changes[0].scope)
            for one in subject.changes
        ),
    )
    found = on_newest(known, subject, value_rows(subject.counts))
    step = comparable.allowed_for(subject, OLD, NEW).step
    assert step is not None
    for label in ("2012-13", "2013-14", "2013M02", "2014M03"):
        row = found[label]
        assert (row["status"], row["changes"], row["definition_of"]) == (
            "estimated", "X1", "2015-16",
        )  # fmt: skip
        assert row["comparable_value"] == pytest.approx(row["value"] * math.exp(step[0]))
        # both errors, at right angles: 2 % of the value and that of the step
        wide = math.hypot(math.log(1.02), step[2] - step[0])
        assert row["upper_95"] == pytest.approx(row["comparable_value"] * math.exp(wide))
    for label in ("2015-16", "2015M04", "2016M03", "2014M11", "2015M01"):
        row = found[label]
        assert (row["status"], row["comparable_value"], row["step"]) == (
            "as_recorded", row["value"], 0,
        )  # fmt: skip
    assert found["2014-15"]["status"] == "cannot_tell"
    assert found["2014-15"]["comparable_value"] is None
    assert found["2014-15"]["reason"] == "X1 came within the earlier period"
    between = found["2014M06"]  # × 1.1 still to come
    assert between["status"] == "estimated"
    assert math.exp(between["step"]) == pytest.approx(1.1, abs=0.05)
    # the change between two comparable values is the comparable change
    change_of = found["2015-16"]["comparable_value"] / found["2013-14"]["comparable_value"] - 1
    assert 100 * change_of == pytest.approx(asked(subject, "2013-14", "2015-16").change)


def test_a_change_that_reaches_one_source_alone_is_not_allowed_for_in_its_figures(
    known: Registry,
) -> None:
    """all_crime_rate is counted from street-level figures, which D46 changed in May 2013."""
    bases = comparable.bases(known)
    assert bases["all_crime_rate"].indicator == "recorded_crime_count"
    assert "iquanta_all_crime_rate" not in bases and "asb_incidents_count" not in bases
    counts = drawn(1, 1000)
    subject = about(known, counts, [], held("calls", drawn(2, 3000)))
    only = [one for one in known.changes.changes if one.id == "D46"]
    narrow = replace(known, changes=replace(known.changes, changes=tuple(only)))
    rows = value_rows(counts, "all_crime_rate")
    indicator = known.indicators["all_crime_rate"]
    found = {
        row["period"]: row for row in comparable.of_values(indicator, subject, rows, CITY, narrow)
    }
    early, late = found["2012-13"], found["2014-15"]
    assert (early["status"], early["reason"]) == ("cannot_tell", "D46 cannot be allowed for")
    assert (late["status"], late["comparable_value"]) == ("as_recorded", late["value"])


def test_a_rate_over_another_edition_of_the_estimates_is_not_as_recorded(known: Registry) -> None:
    """Comparisons call it another definition (`denominator_vintage`), and so must this."""
    counts = drawn(1, 1000)
    subject = about(known, counts, [], held("calls", drawn(2, 3000)))
    rows = value_rows(counts, "recorded_violence_rate")
    old = pd.to_datetime(rows["period_end"]) < pd.Timestamp(2013, 4, 1)
    rows["denominator_vintage"] = old.map({True: "2011", False: "2015"})
    indicator = known.indicators["recorded_violence_rate"]
    none = replace(known, changes=replace(known.changes, changes=()))
    found = comparable.of_values(indicator, subject, rows, CITY, none)
    status = {row["period"]: (row["status"], row["comparable_value"] is None) for row in found}
    assert status["2012-13"] == status["2013M01"] == ("cannot_tell", True)
    assert status["2013-14"] == status["2013M04"] == ("as_recorded", False)


def test_a_change_of_which_the_months_show_but_one_date_is_not_allowed_for(known: Registry) -> None:
    """Months from April 2012; the change came in January 2012 and in June 2014."""
    listed = [change(known, "X1", date(2012, 1, 1), date(2014, 6, 1))]
    counts, calls = (drawn(seed, 1000)[36:] for seed in (1, 2))
    subject = about(known, counts, listed, held("calls", calls))
    allowed = comparable.allowed_for(subject, period.parse("2011-12"), NEW)
    assert (allowed.step, allowed.changes) == (None, ())
    later = comparable.allowed_for(subject, period.parse("2013-14"), NEW)
    assert (later.step is not None, later.days) == (True, (date(2014, 6, 1),))


def test_a_change_of_the_months_alone_leaves_a_published_rate_as_it_is(known: Registry) -> None:
    """The force's own extract changed in June 2014, the published rate did not; what stepped in
    April did so in both, and its size is not known apart."""
    subject = about(known, raised(drawn(1, 1000), "2014-06"), [], held("calls", drawn(2, 3000)))
    scope = changes.Scope.of("@police_crime")
    own = replace(change(known, "S01", date(2014, 6, 1)), scope=scope)
    both = replace(change(known, "X1", APRIL), scope=changes.Scope.of("recorded_crime"))
    rows = value_rows(subject.counts, "recorded_violence_rate")
    indicator = known.indicators["recorded_violence_rate"]

    def year(*listed: changes.Change) -> Row:
        only = replace(known, changes=replace(known.changes, changes=listed))
        changed = replace(subject, changes=estimates.reaching("violence_count", CITY, only))
        found = comparable.of_values(indicator, changed, rows, CITY, only)
        return next(row for row in found if row["period"] == "2012-13")

    assert (year(own)["status"], year(own)["step"]) == ("as_recorded", 0)
    told = year(both, own)
    assert (told["status"], told["reason"]) == ("cannot_tell", "S01 cannot be allowed for")
    assert year(both)["status"] == "estimated"
    people = replace(own, id="S02", scope=changes.Scope.of("@population"))
    assert year(people)["status"] == "cannot_tell"  # what it is divided by is another thing


# --- what may be shared --------------------------------------------------------------------------


def test_a_hidden_month_has_no_comparable_twin_and_goes_into_no_estimate(
    known: Registry, tmp_path: Path
) -> None:
    """October 2013 of violence is hidden; calls are not. In the shareable tables it has no figure,
    and every estimate is the one that comes out without it."""
    violence, calls = raised(drawn(1, 1000, 72), "2014-04"), drawn(2, 3000, 72)
    of_calls = value_rows(calls, "calls_violence_count")
    whole = pd.concat([value_rows(violence), of_calls, value_rows(calls, "ed_assaults_count")])
    hidden = (whole["indicator"] == "violence_count") & (whole["period"] == "2013M10")
    shown = whole.copy()
    shown.loc[hidden, ["numerator", "value", "lower_95", "upper_95"]] = None
    shown.loc[hidden, ["obs_status", "suppressed_reason"]] = ["C", shareable.WHY]
    one, connection = Refresh(small_settings(tmp_path)), warehouse.memory()
    one.__dict__ |= {"registry": known, "survey": SimpleNamespace(extracts=[])}
    warehouse.fill(connection, tables.INDICATOR_VALUE, whole)
    warehouse.fill(connection, tables.INDICATOR_VALUE.shareable, shown)
    keys = ["violence_count", "ed_assaults_count"]
    warehouse.fill(connection, tables.BREAK_ESTIMATE, one._estimated(connection, keys))
    warehouse.fill(connection, tables.COMPARABLE_VALUE, one._compared_like(connection, keys))
    again = sharing.Again(
        claims=lambda _: [],
        targets=lambda _: [],
        estimates=lambda some: one._estimated(connection, some, lambda table: table.shareable),
        comparables=lambda some: one._compared_like(
            connection, some, lambda table: table.shareable
        ),
    )
    sharing._write_estimates(connection, known, SOUTHAMPTON, again)

    def rows(table: tables.Table, where: str) -> list[tuple[Any, ...]]:
        found = connection.execute(f"SELECT * FROM {table.full_name} WHERE {where} ORDER BY ALL")
        return found.fetchall()

    of_month = "indicator = 'violence_count' AND period = '2013M10'"
    (twin,) = rows(tables.COMPARABLE_VALUE.shareable, of_month)
    told = dict(zip((column.name for column in tables.COMPARABLE_VALUE.columns), twin, strict=True))
    assert (told["status"], told["reason"]) == ("no_value", shareable.WHY)
    assert all(
        told[name] is None for name in ("value", "comparable_value", "lower_95", "upper_95", "step")
    )
    (plain,) = rows(tables.COMPARABLE_VALUE, of_month)
    assert plain[7] == violence.to_list()[54]  # months after April 2009
    for table in (tables.BREAK_ESTIMATE, tables.COMPARABLE_VALUE):
        untouched = "indicator = 'ed_assaults_count'"
        assert rows(table.shareable, untouched) == rows(table, untouched) != []
        mine = "indicator = 'violence_count'"
        assert rows(table.shareable, mine) != rows(table, mine)
    # without the month: nothing of it can be worked out
    connection.execute(
        f"DELETE FROM mart.indicator_value WHERE {of_month}",
    )
    without = one._estimated(connection, ["violence_count"])
    steps = "SELECT step FROM {} WHERE indicator = 'violence_count' ORDER BY ALL"
    shared = connection.execute(steps.format(tables.BREAK_ESTIMATE.shareable.full_name)).df()
    assert sorted(shared["step"].dropna()) == pytest.approx(sorted(without["step"].dropna()))


def test_its_own_values_and_those_behind_its_step_make_a_value_anew(known: Registry) -> None:
    def states(**other: str) -> dict[str, str | None]:
        hashes = {**dict.fromkeys(known.indicators, "the same"), **other}
        return upkeep.of_comparables(known, (SOUTHAMPTON, "Southampton"), hashes, True)

    def anew(key: str) -> set[str]:
        other = states(**{key: "another"})
        return {name for name, state in states().items() if other[name] != state}

    assert anew("all_crime_rate") == {"all_crime_rate"}
    assert "recorded_violence_rate" in anew("ed_assaults_count")
    assert anew("calls_burglary_count") == {
        "domestic_burglary_count", "domestic_burglary_police_count", "domestic_burglary_rate",
        "domestic_burglary_per_household",
    }  # fmt: skip


# --- the sample ----------------------------------------------------------------------------------


def test_the_samples_violence_is_put_on_its_newest_definition(whole_sample: Path) -> None:
    connection = Warehouse(whole_sample / "warehouse").read_release()
    try:
        values = connection.execute("SELECT * FROM mart.comparable_value").df()
        years = connection.execute(
            "SELECT * FROM mart.break_estimate WHERE method = 'between_years' "
            "AND indicator = 'violence_count' AND base_period = '2013-14'"
        ).df()
    finally:
        connection.close()
    assert values["synthetic"].all() and set(values["definition_of"]) == {"2014-15"}
    yearly: list[Any] = values[values["period_kind"] == "year"].to_dict("records")
    of_years = {(row["indicator"], row["period"]): row for row in yearly}
    for key in ("violence_count", "recorded_violence_rate"):
        then, now = of_years[key, "2013-14"], of_years[key, "2014-15"]
        assert (then["status"], now["status"]) == ("estimated", "as_recorded")
        # +25.5 % as recorded; without the step the interval holds no change at all
        assert now["value"] / then["value"] > 1.2
        assert then["lower_95"] < now["value"] < then["upper_95"]
    burglary = [row for (key, _), row in of_years.items() if key == "domestic_burglary_rate"]
    assert {row["status"] for row in burglary} == {"as_recorded"}
    assert all(row["comparable_value"] == row["value"] for row in burglary) and len(burglary) > 4
    chosen = small_settings(whole_sample)
    lines = explain(chosen, registry.load(), "violence_count", None, "2013-14")
    (told,) = (line for line in lines if "on the definition of 2014/15" in line)
    assert told.endswith("allowing for D22 D23")
    (row,) = years.to_dict("records")
    assert row["national"] + row["local"] == pytest.approx(row["total"])
    assert row["peers_note"] == "by 14 peers with figures of both years"
