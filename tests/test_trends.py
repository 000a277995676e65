"""A trend over five years: which years it may rest on, the test on them, and the words.

Here: drawn series with visible arithmetic, and the statistics against formulas written out. Not
here: two years compared (`test_compare`).
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_compare import COUNT, RATE, Found, compared

from safecity_pipeline import compare, statistics, trends
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.trends import Point

YEARS = "2009-10  2010-11  2011-12  2012-13  2013-14  2014-15  2015-16"


def on(day: date) -> compare.BrokenBy:
    """A material change of that day."""

    def broken_by(area_code: str, earlier: Days, later: Days) -> Broken:
        changed = earlier.start < day <= later.end
        return Broken(("D1",), told={"D1": "all is counted, D1"}) if changed else Broken()

    return broken_by


def drawn(cells: str, broken_by: compare.BrokenBy = compare.unbroken) -> Found:
    counted = replace(COUNT, compare=("five_years",), title="Thefts", unit="thefts")
    table = f"area base {YEARS}\n home . {cells}"
    return compared(table, indicator=counted, broken_by=broken_by)


def told(found: Found) -> dict[str, tuple[str, str | None]]:
    trend = {key[2]: one for key, one in found.items() if key[1] == "trend"}
    return {label: (one.status, one.significance) for label, one in trend.items()}


# --- the window ----------------------------------------------------------------------------------


def test_five_years_show_a_trend_and_fewer_none() -> None:
    # − 10 % a year from 1,000: far beyond chance (√1,000 is 32), and so without any one year
    found = drawn("1000 900 810 729 656 590 .")
    few, whole = ("missing_base", "not compared"), ("comparable", "better")
    years = ("2009-10", "2010-11", "2011-12", "2012-13")
    assert told(found) == {**dict.fromkeys(years, few), "2013-14": whole, "2014-15": whole}
    last = found["home", "trend", "2014-15"]
    assert (last.comparator, last.base_period, last.value) == ("five years", "2010-11", 590)
    words = "590.0 thefts, falling over the five years from 2010/11"
    assert last.sentence == f"Thefts, Home, 2014/15: {words}."
    early = found["home", "trend", "2011-12"].sentence
    assert "no trend can be told: of the five years from 2007/08 only 3 have a figure" in early


@pytest.mark.parametrize(
    ("day", "whole"),
    [
        (date(2012, 4, 1), []),  # 2012-13 is the first of the new ones, 2015-16 their fourth
        (date(2011, 4, 1), ["2015-16"]),
        # 2010-11 is mixed, so that it is cut off as well
        (date(2010, 11, 18), ["2015-16"]),
        (date(2015, 4, 1), ["2013-14", "2014-15"]),
    ],
)
def test_a_change_of_definition_starts_the_window_anew(day: date, whole: list[str]) -> None:
    found = drawn("1000 900 810 729 656 590 531", on(day))
    statuses = told(found)
    assert [label for label, (status, _) in statuses.items() if status == "comparable"] == whole
    cut = {one.status for key, one in found.items() if key[1] == "trend" and one.broken_by}
    assert cut == {"definition_changed"}


def test_a_trend_that_is_cut_off_is_told_by_its_change_and_keeps_its_row() -> None:
    one = drawn("1000 900 810 729 656 590 531", on(date(2014, 6, 1)))["home", "trend", "2015-16"]
    assert (one.status, one.broken_by, one.value) == ("definition_changed", "D1", 531)
    assert one.sentence.endswith(
        "no trend can be told: of the five years from 2011/12 only 1 is on the present definition "
        "(all is counted, D1)."
    )


def test_a_gap_and_a_part_year_are_no_years_of_a_trend() -> None:
    assert told(drawn("1000 900 . 729 656 590 531"))["2015-16"] == ("missing_base", "not compared")
    rate = replace(RATE, compare=("five_years",))
    part = "2012-13 2013-14 2014-15 2015-16 2016M04 2016M05"
    found = compared(f"area base {part}\n home 1000 90 80 70 60 5 5", indicator=rate)
    assert "2016-17" not in told(found) and told(found)["2015-16"][0] == "missing_base"


def test_chance_is_no_trend() -> None:
    # √100 is 10: steps of 2 are nothing
    found = drawn("100 102 104 106 108 . .")
    assert told(found)["2013-14"] == ("comparable", "same")
    assert "no clear trend over" in found["home", "trend", "2013-14"].sentence


# --- the test on the years -----------------------------------------------------------------------


def test_one_year_alone_makes_no_trend() -> None:
    """Without the last year the rest falls: high, and no trend."""
    points = [Point(x) for x in (1000, 990, 980, 970, 1300)]
    slope, statistic = trends._of_rates(list(enumerate(points)))
    assert slope > 0 and statistic > trends.CRITICAL
    assert trends.direction(points, share=False) == 0


@given(st.lists(st.integers(0, 3000), min_size=5, max_size=5))
def test_the_line_of_counts_is_the_weighted_least_squares_one(counts: list[int]) -> None:
    found = trends._of_rates(list(enumerate(map(Point, counts))))
    _, lower, upper = statistics.rates(counts, [1.0] * 5, 1)
    errors = (upper - lower) / 3.92
    slope, _ = np.polyfit(range(5), counts, 1, w=1 / errors)
    weights = 1 / errors**2
    middle = np.average(range(5), weights=weights)
    error = 1 / np.sqrt((weights * (np.arange(5) - middle) ** 2).sum())
    assert found[0] == pytest.approx(slope, abs=1e-6)
    assert found[1] == pytest.approx((slope / error) ** 2, rel=1e-4, abs=1e-6)


def test_shares_by_cochran_and_armitage() -> None:
    # of 100 each: 10, 20, 30, 40, 50; p = 0.3, mean year 2:
    # T = Σ (t − 2)(x − 30) = 40 + 10 + 0 + 10 + 40 = 100
    # V = 0.3 × 0.7 × 100 × (4 + 1 + 0 + 1 + 4) = 210; T² / V = 47.6
    points = [Point(x, 100) for x in (10, 20, 30, 40, 50)]
    slope, statistic = trends._of_shares(list(enumerate(points)))
    assert [slope, statistic] == pytest.approx([0.1, 100**2 / 210])
    assert trends.direction(points, share=True) == 1
    assert trends.direction(points[::-1], share=True) == -1
    for same in (0, 100):  # nobody, and everybody
        assert trends.direction([Point(same, 100)] * 5, share=True) == 0


def test_a_rate_is_divided_by_each_years_own_base() -> None:
    """As many cases in ever more people: the rate falls."""
    points = [Point(1000, people) for people in (100, 110, 121, 133, 146)]
    assert trends.direction(points, share=False) == -1


def test_another_number_of_years_is_refused() -> None:
    with pytest.raises(ValueError, match="rests on 5 years; got: 4"):
        trends.direction([Point(1)] * 4, share=False)
