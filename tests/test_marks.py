"""Values on another definition than the one before them: status B, on drawn series and on generated
ones against the rule in boring Python.

Not here: which comparisons a change breaks (`test_breaks`, `test_compare`), a whole release
(`test_changes_path`).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import drawn

from safecity_pipeline import breaks, marks, period
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Indicator
from safecity_pipeline.period import Period
from safecity_pipeline.registry import changes, reach
from safecity_pipeline.registry import load as declared
from safecity_pipeline.registry.changes import Change

CITY, HAMPSHIRE = "E06000045", "E23000030"


def on(*days: date, apart_from: str = "") -> marks.BrokenBy:
    """Material changes D1, D2 … of these days, everywhere but in one area."""

    def broken_by(area_code: str, earlier: Days, later: Days) -> Broken:
        found = [
            f"D{number}"
            for number, day in enumerate(days, start=1)
            if earlier.start < day <= later.end and area_code != apart_from
        ]
        return Broken(tuple(found), noted=("N1",))

    return broken_by


def values(table: str) -> pd.DataFrame:
    """Rows of mart.indicator_value as `measure` leaves them, of a drawn table: area, part (of ward)
    and label, and whatever else is drawn."""
    return pd.DataFrame([_row(one) for one in drawn(table)])


def _row(one: dict[str, Any]) -> dict[str, Any]:
    span = period.parse(str(one["period"]))
    start, end = one.get("from") or span.start, one.get("to") or span.end
    part = str(one.get("part") or "all")
    return {
        "area_code": str(one.get("area") or "city"),
        "period": span.label,
        "period_kind": span.kind,
        "dimension": "all" if part == "all" else "ward",
        "dimension_value": part,
        "period_start": pd.Timestamp(span.start),
        "coverage_start": pd.Timestamp(start),
        "coverage_end": pd.Timestamp(end),
        "value": one.get("value", 1.0),
        "obs_status": one.get("status") or "A",
        "denominator_vintage": one.get("edition"),
    }


def told(rows: pd.DataFrame, broken_by: marks.BrokenBy) -> list[tuple[str, str | None]]:
    found = marks.marked(rows, broken_by)
    return list(zip(found["obs_status"], found["series_break"], strict=True))


def test_a_change_within_a_year_marks_it_and_the_year_after() -> None:
    table = """
        period   value
        2012-13  1.0
        2013-14  1.0
        2014-15  1.0
        2015-16  1.0
        2016-17  1.0
    """
    june = told(values(table), on(date(2014, 6, 1)))
    assert june == [("A", None), ("A", None), ("B", "D1"), ("B", "D1"), ("A", None)]
    april = told(values(table), on(date(2014, 4, 1)))
    assert april == [("A", None), ("A", None), ("B", "D1"), ("A", None), ("A", None)]


def test_months_and_years_quarters_parts_and_areas_each_follow_their_own() -> None:
    rows = values("""
        area  part      period   value
        city  all       2013-14  1.0
        city  all       2014-15  1.0
        city  all       2014M05  1.0
        city  all       2014M06  1.0
        city  all       2014M07  1.0
        city  Bargate   2013-14  1.0
        city  Bargate   2014-15  1.0
        city  Bevois    2014-15  1.0
        peer  all       2013-14  1.0
        peer  all       2014-15  1.0
    """)
    found = told(rows, on(date(2014, 6, 1), apart_from="peer"))
    assert [status for status, _ in found] == list("ABABAABAAA")
    # Bevois has no year before: nothing that it could be unlike


def test_rows_may_come_in_any_order() -> None:
    rows = values("period value\n 2014-15 1.0\n 2013-14 1.0\n 2015-16 1.0")
    assert [status for status, _ in told(rows, on(date(2014, 4, 1)))] == list("BAA")


@pytest.mark.parametrize("middle", ["", "2013-14 . M\n"])
def test_a_gap_hides_no_break(middle: str) -> None:
    """The change took effect on the first day of a year of which there is no figure."""
    rows = values(f"period value status\n 2012-13 1.0 A\n {middle} 2014-15 1.0 A")
    found = told(rows, on(date(2013, 4, 1)))
    assert found[0] == ("A", None) and found[-1] == ("B", "D1")
    assert found[1:-1] == [("M", None)] * bool(middle)


def test_a_part_year_counts_by_the_days_that_it_covers() -> None:
    rows = values("""
        period   from        to          value
        2013-14  .           .           1.0
        2014-15  2014-04-01  2014-11-30  1.0
    """)
    assert told(rows, on(date(2014, 12, 10)))[1] == ("A", None)
    assert told(rows, on(date(2014, 11, 30)))[1] == ("B", "D1")


def test_an_estimate_stays_one_and_no_figure_is_on_no_definition() -> None:
    rows = values("""
        period   value  status
        2013-14  1.0    A
        2014-15  1.0    E
        2015-16  .      M
        2016-17  .      C
    """)
    found = told(rows, on(date(2014, 4, 1), date(2015, 4, 1), date(2016, 4, 1)))
    assert found == [("A", None), ("E", "D1"), ("M", None), ("C", None)]


def test_two_editions_of_the_estimates_are_a_break() -> None:
    rows = values("""
        period   value  edition
        2012-13  1.0    .
        2013-14  1.0    .
        2014-15  1.0    mid-2014
        2015-16  1.0    mid-2014
        2016-17  1.0    census-2021
    """)
    assert told(rows, on(date(2016, 4, 1))) == [
        ("A", None),
        ("A", None),
        ("B", "denominator_vintage"),
        ("A", None),
        ("B", "D1 denominator_vintage"),
    ]


# --- any change of the catalogue, any series ----------------------------------------------------

KNOWN = declared()


def reaches(change: Change, series: str, sources: set[str], area: str) -> bool:
    """The scope in boring Python, from the text of the file."""
    also = KNOWN.changes.series[series].also

    def within(one: str, name: str) -> bool:
        return f"{one}.".startswith(f"{name}.")

    words = change.series_scope.split()
    out = [word[1:] for word in words if word[0] == "!"]

    def included(one: str) -> bool:
        return any(
            (word[0] == "@" and word[1:] in sources)
            or (word[0] == "=" and one == word[1:])
            or (word[0] not in "@=!" and within(one, word))
            for word in words
        )

    def excluded(one: str) -> bool:
        return any(within(one, name) for name in out)

    if excluded(series) or (also and all(excluded(part) for part in also)):
        return False
    of_parts = any(included(part) and not excluded(part) for part in also)
    in_area = not change.area_code or change.area_code in (area, HAMPSHIRE)
    return in_area and (included(series) or of_parts)


def days_of(change: Change) -> Iterable[date]:
    every = pd.date_range(change.effective_first, change.effective_last)
    return [day.date() for day in every]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Change, Indicator, Period, Period]:
    """A change, an indicator (half of them such as it reaches), and two periods about its days."""
    change = draw(st.sampled_from(KNOWN.changes.changes))
    every = list(KNOWN.indicators.values())
    near = [one for one in every if reach.reaches(KNOWN.changes, change, one)]
    half: bool = draw(st.booleans())
    indicator: Indicator = draw(st.sampled_from(near if near and half else every))
    make = draw(st.sampled_from([period.financial_year_of, period.quarter_of, period.month]))
    first = make(change.effective_first + timedelta(days=draw(st.integers(-800, 800))))
    later = first
    for _ in range(draw(st.integers(0, 14))):
        later = later.next()
    return change, indicator, first, later


@settings(deadline=None, max_examples=300)
@given(drawn_one=comparisons())
def test_any_change_and_any_pair_of_periods_against_the_rule_day_by_day(
    drawn_one: tuple[Change, Indicator, Period, Period],
) -> None:
    change, indicator, first, later = drawn_one
    sources = set(reach.counted_from(indicator))
    found = breaks.between(
        changes.Changes((change,), KNOWN.changes.series),
        indicator.series,
        sources,
        CITY,
        HAMPSHIRE,
        first,
        later,
    )
    in_between = any(first.start < day <= later.end for day in days_of(change))
    meant = in_between and reaches(change, indicator.series, sources, CITY)
    assert (change.id in found.ids) is meant
    assert (change.id in found.material) is (meant and change.materiality == "material")
    if later != first:
        assert _mark_of(first, later, found) == (" ".join(found.material) or None)


def _mark_of(first: Period, later: Period, found: Broken) -> str | None:
    """The mark of the later of two values of one series."""
    rows = values(f"period\n {first.label}\n {later.label}")
    return told(rows, lambda *_: found)[1][1]
