"""Steps between whole years: drawn areas and years, where no month is known.

Here: which years are asked, and what is said of them. Not here: the statistics (`test_detection`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from part_of_sample import SOUTHAMPTON

from safecity_pipeline import disclosure, estimates, yearly
from safecity_pipeline.estimates import Held, Subject
from safecity_pipeline.model import Row
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.references import Reference

APRIL, NOVEMBER = date(2014, 4, 1), date(2014, 11, 1)
YEARS = [f"{year}-{(year + 1) % 100:02d}" for year in range(2008, 2016)]
AREAS = [SOUTHAMPTON, *(f"peer {number}" for number in range(14))]


def drawn(seed: int, level: float, raised_from: str = "", by: float = 1.3) -> pd.DataFrame:
    """Counts of 15 areas in 8 years, each within some 3 % of its own level."""
    noise = np.random.default_rng(seed).normal(0, 0.03, (15, 8))
    table = pd.DataFrame(np.round(level * np.exp(noise)), index=AREAS, columns=YEARS)
    later = [year for year in YEARS if raised_from and year >= raised_from]
    table[later] *= by
    return table


def changed(known: Registry, key: str, *days: date) -> Change:
    of = known.changes.changes[0]
    return replace(
        of, id=key, effective_first=days[0], effective_date=days[0], effective_last=days[-1],
        test_dates=days, materiality="material",
    )  # fmt: skip


def about(
    known: Registry,
    years: Mapping[str, pd.DataFrame],
    *changes: Change,
    of_reference: tuple[Change, ...] = (),
    counts: pd.Series[float] | None = None,
) -> Subject:
    nothing = pd.Series(dtype="float64", index=pd.PeriodIndex([], freq="M"))
    held = Held(Reference("ambulance", "strong", "drawn"), nothing, of_reference)
    return Subject(
        known.indicators["violence_count"], SOUTHAMPTON, "Southampton",
        nothing if counts is None else counts, changes, (held,), True, years=years,
    )  # fmt: skip


def combined(rows: list[Row]) -> Row:
    (row,) = (row for row in rows if row["combined"])
    return row


def test_a_step_between_years_is_sized_by_the_noise_of_the_peers(known: Registry) -> None:
    """Recorded × 1.3 in every area from 2014/15, the reference steady: ln 1.3 = 0.262."""
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": drawn(2, 800)}
    row = combined(yearly.of([about(known, years, changed(known, "X1", APRIL))]))
    assert (row["method"], row["change_id"], row["base_period"], row["period"]) == (
        "annual", "X1", "2013-14", "2014-15",
    )  # fmt: skip
    assert row["flagged"] and row["lower_95"] < math.log(1.3) < row["upper_95"]
    assert row["recording_share"] > 0.7
    # what all areas did is national, and little of it local
    assert row["national"] == pytest.approx(math.log(1.3), abs=0.04)
    assert row["total"] == pytest.approx(row["national"] + row["local"])
    assert row["peers_note"] == "by 14 peers with figures of both years"


def test_a_real_rise_between_years_is_no_recording(known: Registry) -> None:
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": drawn(2, 800, "2014-15")}
    row = combined(yearly.of([about(known, years, changed(known, "X1", APRIL))]))
    assert row["verdict"] == "not_flagged" and row["recording_share"] < 0.3


def test_a_change_within_a_year_is_asked_from_the_year_before_to_the_year_after(
    known: Registry,
) -> None:
    """April lies between 2013/14 and 2014/15; November within 2014/15, so that 2013/14 goes with
    2015/16, and April between them too."""
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": drawn(2, 800)}
    both = changed(known, "X1", APRIL), changed(known, "X2", NOVEMBER)
    rows = [row for row in yearly.of([about(known, years, *both)]) if row["combined"]]
    assert [(row["base_period"], row["period"], row["change_id"]) for row in rows] == [
        ("2013-14", "2014-15", "X1 X2"),
        ("2013-14", "2015-16", "X1 X2"),
    ]


def test_without_a_reference_of_the_peers_nobody_can_tell(known: Registry) -> None:
    own = drawn(2, 800).loc[[SOUTHAMPTON]]
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": own}
    (row,) = yearly.of([about(known, years, changed(known, "X1", APRIL))])
    assert (row["verdict"], row["recording_share"]) == ("cannot_tell", None)
    assert "degrees of freedom" in row["reason"]


def test_a_reference_that_changed_then_says_nothing(known: Registry) -> None:
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": drawn(2, 800)}
    own = changed(known, "X9", NOVEMBER)
    rows = yearly.of([about(known, years, changed(known, "X1", APRIL), of_reference=(own,))])
    assert [(row["verdict"], row["reason"]) for row in rows] == [
        ("cannot_tell", "ambulance changed then as well: X9")
    ]


def test_months_go_before_years(known: Registry) -> None:
    months = pd.period_range("2009-04", "2016-03", freq="M")
    counts = pd.Series(400.0, index=months)
    years = {"violence_count": drawn(1, 5000, "2014-15"), "ambulance": drawn(2, 800)}
    assert yearly.of([about(known, years, changed(known, "X1", APRIL), counts=counts)]) == []


def test_years_are_consecutive_and_small_or_part_years_missing() -> None:
    cells = [("2011-12", 90.0, True), ("2012-13", 3.0, True), ("2014-15", 70.0, False)]
    values = pd.DataFrame(
        [
            ("one", "here", "year", label, complete, count)
            for label, count, complete in [*cells, ("2015-16", 80.0, True)]
        ],
        columns=["indicator", "area_code", "period_kind", "period", "complete", "numerator"],
    )
    found = estimates.years_of(values, "one", ["here"], disclosure.rule("under_5"))
    assert list(found.columns) == ["2011-12", "2012-13", "2013-14", "2014-15", "2015-16"]
    assert found.fillna(-1).to_numpy().tolist() == [[90.0, -1.0, -1.0, -1.0, 80.0]]
