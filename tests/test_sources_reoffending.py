"""Proven reoffending: meaning, rules across rows, and the sentences on it.

Here: what the source means and refuses, and the published figures as the whole pipeline computes
them from the sample. Not here: reading of workbooks as such (test_sheets).
"""

from __future__ import annotations

import pytest
from conftest import Bench, check_named
from refreshed import ENGLAND, Refreshed

from safecity_pipeline.sample import reoffending as sample_of_reoffending
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.workbook import Sheet, to_bytes

ADULT_HEAD = ",".join(sample_of_reoffending.ADULT_HEAD)
COHORT = "Apr 2012 - Mar 2013"


def adult(*rows: str) -> str:
    return "\n".join([ADULT_HEAD, *rows])


# 540 of 2,000 is 27.0 %; 1,620 / 540 = 3.00; 34,800 / 2,000 = 17.40
SOUND = "2000,540,1620,34800,27.0,3.00,17.40"


def test_each_figure_of_a_row_is_a_clean_row_of_its_cohort(bench: Bench) -> None:
    bench.put("adult-reoffending.csv", adult(f"Southampton,{COHORT},{SOUND}"))
    taken = bench.take_in("reoffending")
    assert check_named(taken, "ledger_adds_up").passed
    rows = bench.rows(
        "SELECT measure, value, cohort_kind, area_code, period_start::VARCHAR, "
        "period_end::VARCHAR FROM clean.reoffending"
    )
    assert {(measure, value) for measure, value, *_ in rows} == {
        ("offenders", 2000),
        ("reoffenders", 540),
        ("reoffences", 1620),
        ("previous_offences", 34_800),
        ("reoffending_percent", 27.0),
        ("reoffences_per_reoffender", 3.0),
        ("previous_offences_per_offender", 17.4),
    }
    assert {tuple(rest) for _, _, *rest in rows} == {
        ("adult", "E06000045", "2012-04-01", "2013-03-31")
    }


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        (f"Southampton,{COHORT},2000,540,1620,34800,29.0,3.00,17.40", ["averages_fit_counts"]),
        (f"Southampton,{COHORT},2000,540,1620,34800,27.0,3.10,17.40", ["averages_fit_counts"]),
        (f"Southampton,{COHORT},2000,540,1620,34800,27.0,3.00,13.60", ["averages_fit_counts"]),
        (f"Southampton,{COHORT},500,540,1620,*,*,3.00,*", ["averages_fit_counts"]),
        (f"Southampton,{COHORT},2000,540,500,*,27.0,*,*", ["averages_fit_counts"]),
        (f"Southampton,{COHORT},2000,540.5,*,*,*,*,*", ["value_in_range"]),
        (f"Southampton,{COHORT},*,*,*,*,127.0,*,*", ["value_in_range"]),
        (f"Westshire,{COHORT},{SOUND}", ["area_code_known"]),
        (f"Southampton,Apr 2012 - Feb 2013,{SOUND}", ["period_start_known"]),
    ],
)
def test_a_bad_row_is_refused_by_its_rule_and_its_neighbour_stands(
    bench: Bench, row: str, rules: list[str]
) -> None:
    bench.put("adult-reoffending.csv", adult(f"Portsmouth,{COHORT},{SOUND}", row))
    bench.take_in("reoffending")
    assert bench.quarantined("reoffending") == {3: rules}
    assert bench.rows("SELECT DISTINCT area_name FROM clean.reoffending") == [("Portsmouth",)]


def test_a_figure_is_told_with_the_counts_that_it_does_not_fit(bench: Bench) -> None:
    spoilt = "2000,540,1620,34800,29.0,3.00,17.40"
    bench.put("adult-reoffending.csv", adult(f"Southampton,{COHORT},{spoilt}"))
    bench.take_in("reoffending")
    ((reason,),) = bench.rows("SELECT reasons[1] FROM quarantine.reoffending")
    assert f"got: {COHORT}: 29 per cent for 540 of 2000" in reason


def test_the_sum_of_both_countries_is_left_out_and_england_stays(bench: Bench) -> None:
    rows = [f"{name},{COHORT},{SOUND}" for name in ("England", "England and Wales", "Wales")]
    bench.put("adult-reoffending.csv", adult(*rows))
    taken = bench.take_in("reoffending")
    assert list(taken.ledger["excluded_other"]) == [1]
    assert bench.rows("SELECT DISTINCT area_code FROM clean.reoffending ORDER BY 1") == [
        ("E92000001",),
        ("W92000004",),
    ]


def youth_sheet(*teams: tuple[object, ...]) -> bytes:
    """A workbook of two cohorts, head in rows 4 and 5; each team has ten figures."""
    heads = (
        *("Number of offenders in cohort1", "Number of reoffenders", "Number of reoffences"),
        *("Proportion of offenders who reoffend (%)", "Average number of reoffences per reoffender")
    )  # fmt: skip
    cells: dict[tuple[int, int], str | int | float] = {
        (1, 1): "Youth proven reoffending",
        (4, 1): "Youth Offending Team",
        (4, 2): "Apr 2011 - Mar 2012",
        (4, 7): COHORT,
    }
    cells |= {(5, 2 + at): head for at, head in enumerate(heads * 2)}
    for row, team in enumerate(teams, start=6):
        cells |= {(row, at): value for at, value in enumerate(team, start=1)}  # type: ignore[misc]
    cells[len(teams) + 7, 1] = "Source: invented"
    return to_bytes([Sheet("YOT", cells, ("A4:A5", "B4:F4", "G4:K4"))])


def test_young_offenders_stand_side_by_side_by_cohort_and_small_cohorts_have_no_rate(
    bench: Bench,
) -> None:
    bench.put(
        "youth-reoffending.xlsx",
        youth_sheet(
            ("Southampton YOT", 280, 90, 250, 32.1, 2.78, 200, 62, 186, 31.0, 3.0),
            ("Rutland", 31, 9, 20, 29.0, 2.22, 24, 8, 20, "*", "*"),
            ("Wessex", 900, 300, 900, 33.3, 3.0, 800, 240, 720, 30.0, 3.0),
        ),
    )
    bench.take_in("reoffending")
    assert bench.quarantined("reoffending") == {8: ["area_code_known"]}
    assert bench.rows(
        "SELECT area_name, cohort, value, value_status FROM clean.reoffending "
        "WHERE measure = 'reoffending_percent' AND cohort_kind = 'youth' ORDER BY _row, period_end"
    ) == [
        ("Southampton YOT", "Apr 2011 - Mar 2012", 32.1, "ok"),
        ("Southampton YOT", COHORT, 31.0, "ok"),
        ("Rutland", "Apr 2011 - Mar 2012", 29.0, "ok"),
        ("Rutland", COHORT, None, "suppressed"),
    ]
    assert bench.rows(
        "SELECT DISTINCT area_code FROM clean.reoffending WHERE area_name = 'Southampton YOT'"
    ) == [("E06000045",)]


def test_cohorts_that_overlap_stand_beside_each_other_and_a_later_table_wins(bench: Bench) -> None:
    """Cohorts a quarter apart have nine months in common and come in two publications."""
    december = "Jan 2012 - Dec 2012"
    lower = "2000,520,1560,34800,26.0,3.00,17.40"
    bench.put("a/adult-reoffending.csv", adult(f"Southampton,{december},{SOUND}"))
    bench.put(
        "b/adult-reoffending.csv",
        adult(f"Southampton,{december},{lower}", f"Southampton,{COHORT},{SOUND}"),
    )
    bench.put(
        "manifest.csv",
        "file,published_on\na/adult-reoffending.csv,2014-10-30\n"
        "b/adult-reoffending.csv,2015-01-29\n",
    )
    bench.take_in("reoffending")
    assert bench.rows(
        "SELECT cohort, value FROM clean.reoffending WHERE measure = 'reoffending_percent' "
        "ORDER BY period_end"
    ) == [(december, 26.0), (COHORT, 27.0)]


def test_a_cohort_of_another_size_than_the_year_before_is_noticed(bench: Bench) -> None:
    """2 (root 2,000 - root 1,000) is 26; half of the offenders may have been lost."""
    half = "1000,270,810,17400,27.0,3.00,17.40"
    rows = [f"Southampton,Apr 2011 - Mar 2012,{SOUND}", f"Southampton,{COHORT},{half}"]
    bench.put("adult-reoffending.csv", adult(*rows))
    taken = bench.take_in("reoffending")
    assert check_named(taken, "offenders_like_year_before").failed_rows == 1


# --- the sentences -------------------------------------------------------------------------------

KNOWN_IN_2014_15 = "2012-13"


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    plan = Plan(seed=request.param)
    return Refreshed(tmp_path_factory.mktemp("told"), (sample_of_reoffending,), plan)


def test_adults_have_over_17_previous_offences_and_13_6_in_england(told: Refreshed) -> None:
    """C14, C15: of the cohort of 2012/13, and more than of the one before."""
    row = told.row("adult_previous_offences", KNOWN_IN_2014_15)
    assert 17 < row.value < 18
    assert row.value == pytest.approx(row.numerator / row.denominator, abs=0.00501)
    assert told.value("adult_previous_offences", "2011-12") < row.value
    england = told.value("adult_previous_offences", KNOWN_IN_2014_15, ENGLAND)
    assert 13.55 <= england < 13.65
    # 0.9 x 18 is 16.2: a tenth fewer would not be over 17
    assert 0.9 * row.value < 17


def test_young_offenders_reoffend_second_least_of_fifteen(told: Refreshed) -> None:
    """C13: of the newest cohort known; with a tenth of its reoffenders less the city were first."""
    of_youth = told.values[told.values["indicator"] == "youth_reoffending"]
    assert str(of_youth["period_end"].max())[:10] == "2013-03-31"
    assert told.rank("youth_reoffending", KNOWN_IN_2014_15) == (14, 2, 15)
    own = told.value("youth_reoffending", KNOWN_IN_2014_15)
    lowest, second, third, *_ = told.ranked("youth_reoffending", KNOWN_IN_2014_15)
    assert second == own
    assert 0.95 * own < lowest < own < third < 1.05 * own
    assert 0.9 * own < lowest


def test_reoffending_of_both_has_cohorts_by_year_and_between(told: Refreshed) -> None:
    """C55 is set on both; the cohort of a financial year is labelled as that year."""
    for indicator in ("adult_reoffending", "youth_reoffending", "youth_reoffences_per_reoffender"):
        assert told.years(indicator) == ["2009-10", "2010-11", "2011-12", "2012-13"]
        assert told.value(indicator, "2012CY") > 0
        assert told.rank(indicator, KNOWN_IN_2014_15)[2] == 15


def test_a_share_has_an_interval_and_an_average_none(told: Refreshed) -> None:
    for indicator in ("adult_reoffending", "youth_reoffending"):
        row = told.row(indicator, KNOWN_IN_2014_15)
        assert row.lower_95 < row.value < row.upper_95
    for indicator in ("adult_previous_offences", "youth_reoffences_per_reoffender"):
        row = told.row(indicator, KNOWN_IN_2014_15)
        assert row.lower_95 != row.lower_95  # not a number: none can be known


def test_later_cohorts_come_with_later_years() -> None:
    adults, young = sample_of_reoffending.deliveries(Plan(through="2016-17"))
    assert b"Apr 2014 - Mar 2015" in adults.content
    assert b"Apr 2015" not in adults.content
    assert adults.published_on == young.published_on == "2017-01-29"
