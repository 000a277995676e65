"""Sizes of changes of definition: which months and references are asked, and what is said of it.

Here: drawn series with a step that is known, and the sample. Not here: the statistics
(`test_detection`), the declarations (`test_references`).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from part_of_sample import SOUTHAMPTON, Part
from small_folder import small_settings

from safecity_pipeline import disclosure, estimates, upkeep
from safecity_pipeline.estimates import Held, Place, Subject
from safecity_pipeline.model import Check, Row
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.changes import Change, Materiality
from safecity_pipeline.registry.references import Reference
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.warehouse import Warehouse

APRIL, NOVEMBER, SEPTEMBER = date(2014, 4, 1), date(2014, 11, 1), date(2014, 9, 1)
CITY = Place(SOUTHAMPTON, "Southampton", "E23000030")
WITH_REFERENCES = ["police_crime", "police_incident", "ed_assault"]


# --- drawn series --------------------------------------------------------------------------------


def drawn(seed: int, level: float, months: int = 84, noise: float = 0.02) -> pd.Series[float]:
    """Counts by month from April 2009, with some noise; 84 end in March 2016."""
    chance = np.random.default_rng(seed)
    index = pd.period_range("2009-04", periods=months, freq="M")
    return pd.Series(np.round(level * np.exp(chance.normal(0, noise, months))), index=index)


def raised(counts: pd.Series[float], since: str, by: float = 1.2) -> pd.Series[float]:
    later = counts.index >= pd.Period(since, "M")
    return pd.Series(counts.to_numpy() * np.where(later, by, 1.0), index=counts.index)


def change(known: Registry, key: str, *days: date, materiality: Materiality = "material") -> Change:
    """A row of the catalogue with other dates."""
    of = known.changes.changes[0]
    first, last = min(days), max(days)
    tested = days if materiality == "material" else ()
    return replace(
        of, id=key, effective_first=first, effective_date=first, effective_last=last,
        test_dates=tested, materiality=materiality,
    )  # fmt: skip


def held(key: str, counts: pd.Series[float], *own: Change, strength: str = "strong") -> Held:
    return Held(Reference(key, strength, "drawn"), counts, own)


def about(
    known: Registry, counts: pd.Series[float], changes: Iterable[Change], *of: Held
) -> Subject:
    violence = known.indicators["violence_count"]
    return Subject(violence, SOUTHAMPTON, "Southampton", counts, tuple(changes), of, True)


def rows(subject: Subject, method: str, combined: bool = True) -> list[Row]:
    found = estimates.of([subject])
    return [row for row in found if row["method"] == method and row["combined"] is combined]


def test_a_step_is_sized_and_the_rise_put_down_to_recording(known: Registry) -> None:
    """1,000 a month and calls steady at 3,000; recording × 1.2 from April 2014."""
    calls = held("calls", drawn(2, 3000))
    subject = about(known, raised(drawn(1, 1000), "2014-04"), [change(known, "X1", APRIL)], calls)
    (row,) = rows(subject, "test_at")
    assert (row["change_id"], row["effective_date"], row["verdict"]) == ("X1", APRIL, "flagged")
    assert (row["direction"], row["strength"], row["reference"]) == ("up", "strong", "calls")
    assert row["lower_95"] < math.log(1.2) < row["upper_95"]
    assert row["percent"] == pytest.approx(100 * (math.exp(row["step"]) - 1))
    # 12 months of 1,200 after 12 of 1,000
    assert row["total"] == pytest.approx(math.log(1.2), abs=0.02)
    assert row["recording_share"] == pytest.approx(min(row["step"] / row["total"], 1))
    assert row["recording_share_lower_95"] < 0.8 < row["recording_share_upper_95"]
    assert (row["months_before"], row["months_after"]) == (60, 24)
    (unlisted,) = rows(subject, "scan")
    assert unlisted["change_id"] is None and not unlisted["flagged"]


def test_a_real_rise_is_no_recording(known: Registry) -> None:
    counts, calls = raised(drawn(1, 1000), "2014-04"), raised(drawn(2, 3000), "2014-04")
    subject = about(known, counts, [change(known, "X1", APRIL)], held("calls", calls))
    (row,) = rows(subject, "test_at")
    assert (row["verdict"], row["direction"]) == ("not_flagged", "none beyond chance")
    assert row["recording_share"] < 0.2


def test_the_month_of_an_event_is_kept_out_of_what_a_step_is_held_against(known: Registry) -> None:
    """Twenty times as many in March 2014 as in other months; then recording × 1.2 from April."""
    counts = raised(drawn(1, 1000), "2014-04")
    march = pd.Period("2014-03", "M")
    shocked = counts.where(counts.index != march, counts * 20)
    riot = change(known, "X9", date(2014, 3, 8), materiality="event")
    listed, calls = [change(known, "X1", APRIL)], held("calls", drawn(2, 3000))
    (without,) = rows(about(known, shocked, listed, calls), "test_at")
    (noted,) = rows(about(known, shocked, [*listed, riot], calls), "test_at")
    (quiet,) = rows(about(known, counts[counts.index != march], listed, calls), "test_at")
    assert noted["step"] == quiet["step"] == pytest.approx(math.log(1.2), abs=0.05)
    assert abs(without["step"] - math.log(1.2)) > abs(noted["step"] - math.log(1.2))


def test_no_share_is_given_of_a_weak_reference_nor_of_no_change(known: Registry) -> None:
    calls, listed = drawn(2, 3000), [change(known, "X1", APRIL)]
    weak = held("calls", calls, strength="weak")
    (row,) = rows(about(known, raised(drawn(1, 1000), "2014-04"), listed, weak), "test_at")
    assert (row["recording_share"], row["share_note"]) == (
        None,
        "not printed: the reference is weak",
    )
    assert row["step"] is not None
    (row,) = rows(about(known, drawn(1, 1000), listed, held("calls", calls)), "test_at")
    none = "not determinable: the change as a whole may be none"
    assert (row["recording_share"], row["share_note"]) == (None, none)


def test_a_weak_reference_is_not_mixed_with_a_strong_one(known: Registry) -> None:
    both = [held("calls", drawn(2, 3000)), held("far", drawn(3, 2000), strength="weak")]
    subject = about(known, drawn(1, 1000), [change(known, "X1", APRIL)], *both)
    (together,) = rows(subject, "test_at")
    assert (together["reference"], together["strength"]) == ("calls", "strong")
    assert [row["reference"] for row in rows(subject, "test_at", combined=False)] == [
        "calls",
        "far",
    ]


def test_two_references_are_combined_and_the_interval_is_narrower(known: Registry) -> None:
    both = [held("calls", drawn(2, 500, noise=0.06)), held("ed", drawn(3, 500, noise=0.06))]
    counts = raised(drawn(1, 1000), "2014-04")
    subject = about(known, counts, [change(known, "X1", APRIL)], *both)
    (together,) = rows(subject, "test_at")
    assert together["reference"] == "calls + ed"
    widths = [row["upper_95"] - row["lower_95"] for row in rows(subject, "test_at", combined=False)]
    assert together["upper_95"] - together["lower_95"] < min(widths)


def test_a_reference_that_changed_too_near_says_nothing_and_the_other_one_stands(
    known: Registry,
) -> None:
    """ED data changed five months after the date asked."""
    own = change(known, "E1", SEPTEMBER)
    calls, ed = held("calls", drawn(2, 3000)), held("ed", drawn(3, 1000), own)
    counts = raised(drawn(1, 1000), "2014-04")
    subject = about(known, counts, [change(known, "X1", APRIL)], calls, ed)
    (together,) = rows(subject, "test_at")
    assert (together["reference"], together["beside"]) == ("calls", None)
    _, alone = rows(subject, "test_at", combined=False)
    assert (alone["verdict"], alone["beside"]) == ("cannot_tell", "2014-09-01")
    assert "another known change lies within 6 months" in alone["reason"]
    near = replace(subject, changes=(change(known, "X1", SEPTEMBER),))
    _, alone = rows(near, "test_at", combined=False)
    assert alone["reason"] == "ed changed then as well: E1"


def test_dates_within_a_year_are_sized_together_too(known: Registry) -> None:
    """× 1.1 in April and × 1.1 in November 2014: together ln 1.21."""
    counts = raised(raised(drawn(1, 1000), "2014-04", 1.1), "2014-11", 1.1)
    listed = [change(known, "X1", APRIL, NOVEMBER), change(known, "X2", NOVEMBER)]
    listed.append(change(known, "X3", date(2012, 4, 1)))
    subject = about(known, counts, listed, held("calls", drawn(2, 3000)))
    (row,) = rows(subject, "test_together")
    assert (row["change_id"], row["effective_date"], row["effective_last"]) == (
        "X1 X2", APRIL, NOVEMBER,
    )  # fmt: skip
    assert row["lower_95"] < math.log(1.21) < row["upper_95"] and row["lower_95"] > 0
    assert row["beside"] == "2012-04-01"
    single = {(one["change_id"], one["effective_date"]): one for one in rows(subject, "test_at")}
    assert set(single) == {
        ("X1", APRIL), ("X1", NOVEMBER), ("X2", NOVEMBER), ("X3", date(2012, 4, 1)),
    }  # fmt: skip
    assert single["X1", APRIL]["lower_95"] < math.log(1.1) < single["X1", APRIL]["upper_95"]
    # November 2014 to October 2015 against the like months that end before April 2014
    assert row["total"] == pytest.approx(math.log(1.21), abs=0.03)


def test_what_lies_outside_the_months_is_not_asked(known: Registry) -> None:
    listed = [change(known, "X1", date(2002, 4, 1)), change(known, "X2", date(2023, 5, 1))]
    subject = about(known, drawn(1, 1000), listed, held("calls", drawn(2, 3000)))
    assert [row["method"] for row in estimates.of([subject])] == ["scan"]
    nothing = about(known, drawn(1, 1000)[:0], listed, held("calls", drawn(2, 3000)))
    (row,) = estimates.of([nothing])
    assert (row["verdict"], row["step"], row["effective_date"]) == ("cannot_tell", None, None)


def unexplained(known: Registry, *listed: Change) -> Check:
    calls = held("calls", drawn(2, 3000))
    subject = about(known, raised(drawn(1, 1000), "2012-10"), listed, calls)
    return estimates.check(estimates.of([subject]))


def test_a_break_that_nobody_catalogued_warns_and_names_series_month_and_size(
    known: Registry,
) -> None:
    found = unexplained(known)
    assert (found.passed, found.severity, found.failed_rows) == (False, "WARN", 1)
    assert "unexplained break: recorded_crime.violence (violence_count)" in found.message
    assert "October 2012: +2" in found.message and "add a row" in found.message


def test_a_break_in_the_time_of_a_change_or_event_is_explained(known: Registry) -> None:
    slow = replace(change(known, "X1", date(2012, 1, 1), date(2012, 12, 31)), test_dates=())
    assert unexplained(known, slow).passed
    shock = change(known, "X2", date(2012, 10, 15), materiality="event")
    assert unexplained(known, shock).passed
    noted = change(known, "X3", date(2012, 10, 15), materiality="negligible")
    assert not unexplained(known, noted).passed


def test_a_reference_that_changed_meanwhile_says_nothing_though_its_days_are_not_known(
    known: Registry,
) -> None:
    """Calls moved to another system from February to May 2014: the ratio stepped for that, too."""
    moved = replace(change(known, "S1", date(2014, 2, 1), date(2014, 5, 31)), test_dates=())
    long_ago = replace(change(known, "S2", date(2011, 2, 1), date(2011, 5, 31)), test_dates=())
    recorded, listed = raised(drawn(1, 1000), "2014-04"), [change(known, "X1", APRIL)]
    (row,) = rows(about(known, recorded, listed, held("calls", drawn(2, 3000), moved)), "test_at")
    assert (row["verdict"], row["recording_share"]) == ("cannot_tell", None)
    assert row["reason"] == "calls changed then as well: S1"
    (row,) = rows(about(known, recorded, listed, held("c", drawn(2, 3000), long_ago)), "test_at")
    assert (row["verdict"], row["beside"]) == ("flagged", "2011-02-01 2011-05-31")


def test_the_month_of_a_break_is_named_by_references_that_did_not_change_near_it(
    known: Registry,
) -> None:
    """Near to ED's own change no month can be tried: April would be taken for March."""
    calls = held("calls", drawn(2, 3000))
    ed = held("ed", drawn(3, 3000), change(known, "E1", SEPTEMBER))
    subject = about(known, raised(drawn(1, 1000), "2014-04"), [], calls, ed)
    (row,) = rows(subject, "scan")
    assert (row["effective_date"], row["reference"]) == (APRIL, "calls")


# --- from rows of values -------------------------------------------------------------------------


def value_rows(counts: Sequence[float | None], complete: bool = True) -> pd.DataFrame:
    starts = pd.date_range("2014-01-01", periods=len(counts), freq="MS")
    return pd.DataFrame(
        {"period_start": starts, "complete": complete, "numerator": counts, "obs_status": "A"}
    )


def test_a_month_that_must_be_hidden_goes_into_no_estimate() -> None:
    """Under 5: 3 is hidden, 5 and 0 are not."""
    shown = value_rows([12, 3, 5, 0, None, 9])
    found = estimates.counts_of(shown, disclosure.rule("under_5")).to_list()
    assert found[:4] == [12, 0, 5, 0] and math.isnan(found[4]) and found[5] == 9
    shown.loc[1, ["numerator", "obs_status"]] = [None, "C"]  # as it is shared
    assert estimates.counts_of(shown, disclosure.rule("none")).to_list()[:4] == [12, 0, 5, 0]
    assert estimates.counts_of(value_rows([7, 8], complete=False), disclosure.rule("none")).empty


# --- what makes them anew ------------------------------------------------------------------------


def test_a_row_of_the_catalogue_makes_anew_what_it_reaches(known: Registry) -> None:
    def states(changed: Registry) -> dict[str, str | None]:
        hashes = dict.fromkeys(known.indicators, "the same")
        return upkeep.of_estimates(changed, (SOUTHAMPTON, "Southampton"), hashes, True)

    def anew(key: str) -> set[str]:
        left = tuple(one for one in known.changes.changes if one.id != key)
        other = states(replace(known, changes=replace(known.changes, changes=left)))
        return {name for name, state in states(known).items() if other[name] != state}

    of_violence = {"violence_count", "violence_with_injury_count", "violence_old_definition_count"}
    assert anew("D23") == {*of_violence, "recorded_crime_count"}
    assert anew("D25") == {*of_violence, "ed_assaults_count"}  # by way of a reference
    assert anew("D52") == set()


def test_what_is_said_of_a_reference_or_decides_the_peers_makes_all_anew(known: Registry) -> None:
    hashes = dict.fromkeys(known.indicators, "the same")

    def states(other: Registry) -> list[str | None]:
        found = upkeep.of_findings(other, (SOUTHAMPTON, "Southampton"), hashes)
        estimated = upkeep.of_estimates(other, (SOUTHAMPTON, "Southampton"), hashes, True)
        return [found["violence_count"], estimated["violence_count"]]

    told: list[tuple[str, dict[str, Any], int]] = [
        ("calls_violence_count", {"title": "Calls"}, 0),  # stands in the sentence
        ("recorded_violence_rate", {"peer_group": "youth_family"}, 1),
    ]
    for key, of, at in told:
        changed: Any = {**known.indicators, key: replace(known.indicators[key], **of)}
        assert states(replace(known, indicators=changed))[at] != states(known)[at]


# --- the sample ----------------------------------------------------------------------------------


def released(folder: Path, restricted: bool = False) -> pd.DataFrame:
    connection = Warehouse(folder / "warehouse").read_release(restricted=restricted)
    try:
        return connection.execute("SELECT * FROM mart.break_estimate").df()
    finally:
        connection.close()


def test_the_samples_recording_step_is_found_at_its_date_and_burglary_and_hospital_are_not(
    whole_sample: Path,
) -> None:
    found = released(whole_sample)
    assert found["synthetic"].all()
    pd.testing.assert_frame_equal(found, released(whole_sample, restricted=True))
    combined = found[found["combined"]]
    at = combined[(combined["method"] == "test_at") & (combined["change_id"] == "D22")]
    (violence,) = at[
        (at["indicator"] == "violence_count") & (at["effective_date"] == "2014-04-01")
    ].to_dict("records")
    assert violence["verdict"] == "flagged" and violence["direction"] == "up"
    assert 0 < violence["lower_95"] < math.log1p(Plan().recording_step) < violence["upper_95"]
    assert violence["recording_share_lower_95"] < 1 <= violence["recording_share_upper_95"]
    for untouched in ("domestic_burglary_police_count", "ed_assaults_count"):
        assert not found.loc[found["indicator"] == untouched, "flagged"].any(), untouched
    scanned = found[found["method"] == "scan"]
    assert list(scanned["change_id"].dropna()) == []
    assert not scanned["flagged"].any()
    told = scanned.set_index("indicator")["verdict"]
    assert told["domestic_burglary_police_count"] == "not_flagged"


def test_without_its_rows_in_the_catalogue_the_step_is_an_unexplained_break(
    whole_sample: Path, tmp_path: Path, known: Registry
) -> None:
    """And only what the two rows reach is estimated anew."""
    shutil.copytree(whole_sample / "warehouse", tmp_path / "warehouse", symlinks=True)
    (tmp_path / "raw").symlink_to(whole_sample / "raw")
    one = Refresh(small_settings(tmp_path))
    rest = tuple(each for each in known.changes.changes if each.id not in ("D22", "D23"))
    changes = replace(known.changes, changes=rest)
    one.__dict__["registry"] = replace(known, changes=changes, digest="another")
    with one.warehouse.lock(), one.at_work():
        one.look()
        for source in known.sources:
            one.take_in(source)
        one.indicators()  # those that the two rows reach: their values lose a mark
        report = one.estimates()
        again = one.estimates()
    assert (report.facts["computed"], report.facts["kept"]) == (4, 2)
    assert (again.facts["computed"], again.checks) == (0, report.checks)
    (check,) = report.checks
    assert (check.check_name, check.severity, check.passed) == ("unexplained_break", "WARN", False)
    of_violence = "recorded_crime.violence (violence_count) against calls_violence_count"
    assert f"{of_violence}, April 2014: +26 %" in check.message
    assert "burglary" not in check.message and "(ed_assaults_count)" not in check.message


PLANS = [
    Plan(recording_step=0.0, real_change=0.2),
    *(
        pytest.param(Plan(recording_step=step), marks=pytest.mark.nightly)
        for step in (0.0, 0.1, 0.2, 0.3)
    ),
]


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_the_interval_holds_the_step_that_the_sample_was_made_with(
    tmp_path: Path, known: Registry, plan: Plan
) -> None:
    part = Part(tmp_path, known, WITH_REFERENCES, plan)
    keys = {key for judged in known.references for key in judged.keys[:3]}
    asked = [key for key in sorted(keys) if known.indicators[key].kind == "count"]
    values = pd.concat([part.figures(key) for key in asked])
    found = estimates.of(
        estimates.subject(judged, values, CITY, known) for judged in known.references
    )
    (violence,) = (
        row
        for row in found
        if (row["indicator"], row["change_id"], row["effective_date"], row["combined"])
        == ("violence_count", "D22", APRIL, True) and row["method"] == "test_at"
    )  # fmt: skip
    assert violence["lower_95"] <= math.log1p(plan.recording_step) <= violence["upper_95"]
    assert violence["flagged"] is (plan.recording_step > 0)
    assert estimates.check(found).passed
