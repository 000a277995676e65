"""What is compared with what, over which months, and which word says so.

Here: every status by a small drawn table, ranks from both ends, like months with like. Not here:
the values themselves (`test_measure`), intervals (`test_statistics`), wording (`test_sentences`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from oracle import drawn

from safecity_pipeline import compare, period
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Finding, Indicator, Part
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.registry.stand_ins import StandIn

RATE = Indicator(
    indicator="thefts",
    title="Thefts per 1,000 residents",
    subject="test",
    unit="per 1,000 residents",
    kind="rate",
    per=1000,
    series="thefts",
    polarity="low_is_good",
    compare=("previous_period", "previous_year", "peer_rank", "group_average"),
    numerator=Part("street_crime", forces="home"),
    denominator=Part("population"),
    peer_group="near",
)
SHARE = replace(RATE, kind="proportion", per=100, denominator=Part("street_crime"))
COUNT = replace(RATE, kind="count", per=1, denominator=None)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
Found = dict[tuple[str, str, str], Finding]


def compared(
    text: str,
    indicator: Indicator = RATE,
    group_on: Callable[[str, date], PeerGroup | None] | None = None,
    broken_by: compare.BrokenBy = compare.unbroken,
    ranks_broken_by: compare.RanksBrokenBy = compare.alike,
) -> Found:
    """Findings of a drawn table, by area, comparison and period; `home` is the assessed area.

    A column a period, a dot where nothing was received; financial years are added up from months
    or quarters as `measure` does. `base` is the denominator: of each period where it is a count,
    and else the people of every year.
    """
    rows = drawn(text)
    group = PeerGroup("near", "2015", "home", tuple(row["area"] for row in rows))
    stock = indicator is RATE
    values = pd.DataFrame(value for row in rows for value in _values(row, stock))
    made = compare.findings(
        indicator,
        compare.series_of(values, stock),
        "home",
        "Home",
        group_on or (lambda name, day: group),
        broken_by,
        ranks_broken_by=ranks_broken_by,
    )
    return {(one.area_code, one.comparison, one.period): one for one in made}


def _values(row: dict[str, Any], stock: bool) -> list[dict[str, Any]]:
    cells = {label: x for label, x in row.items() if label not in ("area", "base")}
    known = [(period.parse(label), x) for label, x in cells.items() if x is not None]
    years: dict[str, list[tuple[period.Period, float]]] = {}
    for span, x in known:
        years.setdefault(period.financial_year_of(span.start).label, []).append((span, x))
    for label in years:  # of one row where there is one, as in `measure`
        years[label] = [one for one in years[label] if one[0].kind == "year"] or years[label]
    finer = [one for one in known if one[0].kind != "year"]
    single = [_value(row, stock, span, [(span, x)]) for span, x in finer]
    return single + [
        _value(row, stock, period.parse(label), parts) for label, parts in years.items()
    ]


def _value(
    row: dict[str, Any], stock: bool, span: period.Period, parts: list[tuple[period.Period, float]]
) -> dict[str, Any]:
    base = row["base"]
    return {
        "area_code": row["area"],
        "area_name": str(row["area"]).title(),
        "period": span.label,
        "period_kind": span.kind,
        "period_start": span.start,
        "coverage_start": min(part.start for part, _ in parts),
        "coverage_end": max(part.end for part, _ in parts),
        "complete": sum(MONTHS[part.kind] for part, _ in parts) == MONTHS[span.kind],
        "numerator": sum(x for _, x in parts),
        "denominator": None if base is None else base if stock else base * len(parts),
        "denominator_vintage": None,
        "value": None,
        "lower_95": None,
        "maturity_days": None,
        "obs_status": "A",
        "suppressed_reason": None,
    }


# --- changes -----------------------------------------------------------------------------------


def changed_in_june(material: bool) -> compare.BrokenBy:
    """A definition that changed on 1 June 2014, and something noted in the same days."""

    def broken_by(area_code: str, earlier: Days, later: Days) -> Broken:
        if not earlier.start < date(2014, 6, 1) <= later.end:
            return Broken()
        return Broken(("D1",), ("D2",)) if material else Broken((), ("D1", "D2"))

    return broken_by


DRAWN_RANKS = """
    area  base   2012-13  2013-14  2014-15  2015-16  2014M05  2014M06  2014M07
    home  10000  500      500      650      650      50       60       60
    peer  10000  400      400      400      400      40       40       40
"""


def test_a_rank_unlike_the_one_before_it_says_so_and_stands() -> None:
    """Ranked are the areas of one period; what changed in any of them bears on the rank before."""

    def in_a_peer(members: Sequence[str], earlier: Days, later: Days) -> Broken:
        assert members == ("home", "peer")
        return changed_in_june(material=True)("peer", earlier, later)

    found = compared(DRAWN_RANKS, ranks_broken_by=in_a_peer)
    ranks = {key[2]: one for key, one in found.items() if key[:2] == ("home", "peer_rank")}
    assert {label: one.broken_by for label, one in ranks.items()} == {
        "2012-13": None,
        "2013-14": None,
        "2014-15": "D1",
        "2015-16": "D1",
        "2014M05": None,
        "2014M06": "D1",
        "2014M07": None,
    }
    assert {one.status for one in ranks.values()} == {"comparable"}
    assert ranks["2014-15"].rank_high == 1
    assert "not to be set beside the rank before it (D1)" in ranks["2014-15"].sentence
    assert "beside" not in ranks["2014M07"].sentence
    averages = [one.broken_by for key, one in found.items() if key[1] == "group_average"]
    assert averages and set(averages) == {None}  # of one period, beside nothing


def test_a_rank_among_other_areas_than_the_one_before_it_says_so() -> None:
    def on(name: str, day: date) -> PeerGroup:
        version = "old" if day < date(2014, 4, 1) else "new"
        return PeerGroup("near", version, "home", ("home", "peer"))

    found = compared(DRAWN_RANKS, group_on=on)
    told = {key[2]: one.broken_by for key, one in found.items() if key[:2] == ("home", "peer_rank")}
    assert [label for label, one in told.items() if one == "peer_group"] == ["2014-15"]
    assert "those of near@old then" in found["home", "peer_rank", "2014-15"].sentence


DRAWN_YEARS = """
    area  base   2012-13  2013-14  2014-15  2015-16
    home  10000  500      500      650      650
"""


def test_a_comparison_across_a_change_of_definition_stays_and_is_no_verdict() -> None:
    found = compared(DRAWN_YEARS, broken_by=changed_in_june(material=True))
    said = {
        label: found[("home", "previous_year", label)]
        for label in ("2013-14", "2014-15", "2015-16")
    }
    assert {label: one.status for label, one in said.items()} == {
        "2013-14": "comparable",
        "2014-15": "definition_changed",
        "2015-16": "definition_changed",  # a mixed year is a bad base as well
    }
    broken = said["2014-15"]
    assert broken.change == pytest.approx(30.0)  # 650 / 500: marked, never deleted
    assert (broken.significance, broken.broken_by) == ("not compared", "D1 D2")
    assert "not like for like" in broken.sentence
    assert "(D1)" in broken.sentence


@pytest.mark.parametrize(
    ("editions", "status", "broken_by"),
    [
        (("2019_geog20", "2019_geog20"), "comparable", None),
        (("2019_geog20", "2023_geog23"), "definition_changed", "denominator_vintage"),
    ],
)
def test_two_editions_of_the_population_are_two_definitions(
    editions: tuple[str, str], status: str, broken_by: str | None
) -> None:
    home = compare.Series("home", "Home", stock=True)
    for label, x, edition in zip(("2013-14", "2014-15"), (500, 650), editions, strict=True):
        year = period.parse(label)
        home.values[label] = compare.Value(
            label, "year", year.start, year.start, year.end, True, x, 10_000, edition
        )
    indicator = replace(RATE, compare=("previous_year",), peer_group=None)
    made = list(compare.findings(indicator, {"home": home}, "home", "Home", lambda *_: None))
    [found] = [one for one in made if one.period == "2014-15"]
    assert (found.status, found.broken_by) == (status, broken_by)
    assert found.change == pytest.approx(30.0)  # 650 / 500: marked, never deleted


def test_what_is_only_noted_leaves_the_comparison_as_it_is() -> None:
    found = compared(DRAWN_YEARS, broken_by=changed_in_june(material=False))
    noted = found[("home", "previous_year", "2014-15")]
    assert (noted.status, noted.significance) == ("comparable", "worse")
    assert noted.broken_by == "D1 D2"
    assert "like for like" not in noted.sentence


def test_whole_years_are_comparable_whether_of_quarters_or_of_one_row() -> None:
    found = compared("""
        area  base   2013-14  2014Q2  2014Q3  2014Q4  2015Q1
        home  10000  800      176     176     176     176
    """)[("home", "previous_year", "2014-15")]
    assert (found.status, found.significance) == ("comparable", "better")
    assert (found.value, found.base_value) == (70.4, 80.0)  # 4 × 176 = 704
    assert found.change == pytest.approx(-12.0)  # 704 / 800, METHODS: -20.5 to -2.6
    assert found.change_lower_95 == pytest.approx(-20.5, abs=0.05)
    assert found.change_upper_95 == pytest.approx(-2.6, abs=0.05)


def test_a_part_year_is_compared_over_the_like_months_only() -> None:
    found = compared("""
        area  base  2013Q2  2013Q3  2013Q4  2014Q1  2014Q2  2014Q3
        home  1000  10      20      400     400     11      22
    """)[("home", "previous_year", "2014-15")]
    assert found.status == "part_year"
    assert (found.value, found.base_value) == (33.0, 30.0)  # 11 + 22 and 10 + 20, not 830
    assert found.change == pytest.approx(10.0)
    assert (found.compared_start, found.compared_end) == (date(2014, 4, 1), date(2014, 9, 30))


def test_a_whole_year_is_cut_to_the_months_of_a_part_year_before_it() -> None:
    found = compared("""
        area  base  2013Q3  2013Q4  2014Q2  2014Q3  2014Q4  2015Q1
        home  1000  10      10      900     12      18      900
    """)[("home", "previous_year", "2014-15")]
    assert (found.status, found.value, found.base_value) == ("part_year", 30.0, 20.0)
    assert (found.compared_start, found.compared_end) == (date(2014, 7, 1), date(2014, 12, 31))


@pytest.mark.parametrize(
    "base",
    [
        "2012-13",  # no figure at all for the year before
        "2013Q2",  # a quarter that the later year does not have
    ],
)
def test_without_a_like_figure_nothing_is_compared(base: str) -> None:
    found = compared(f"""
        area  base  {base}  2014Q3
        home  1000  10      11
    """)[("home", "previous_year", "2014-15")]
    assert (found.status, found.value) == ("missing_base", 11.0)
    assert found.change is None and found.base_value is None and found.significance is None


def test_a_whole_year_in_one_row_is_never_compared_with_quarters_of_another() -> None:
    found = compared("""
        area  base  2013Q2  2013Q3  2014-15
        home  1000  10      10      40
    """)[("home", "previous_year", "2014-15")]
    assert (found.status, found.value, found.change) == ("missing_base", 40.0, None)


def test_a_year_in_one_row_stands_whatever_quarters_came_beside_it() -> None:
    found = compared("""
        area  base  2013-14  2014-15  2014Q2
        home  1000  40       50       9
        peer  1000  40       20       .
    """)
    assert found["home", "previous_year", "2014-15"].value == 50.0
    assert found["home", "previous_year", "2014-15"].change == 25.0
    rank = found["home", "peer_rank", "2014-15"]
    assert (rank.status, rank.value, rank.rank_high) == ("comparable", 50.0, 1)


def test_a_month_is_compared_with_the_month_before_and_with_that_of_the_year_before() -> None:
    found = compared("""
        area  base   2013M04  2014M03  2014M04
        home  10000  400      200      100
    """)
    before = found["home", "previous_period", "2014M04"]
    assert (before.status, before.base_period) == ("comparable", "2014M03")
    assert (before.base_value, before.change) == (20.0, -50.0)  # 200 → 100
    year = found["home", "previous_year", "2014M04"]
    assert (year.base_value, year.change) == (40.0, -75.0)  # 400 → 100
    assert found["home", "previous_period", "2014M03"].status == "missing_base"


def test_nothing_is_a_percentage_of_zero() -> None:
    found = compared("""
        area  base  2013-14  2014-15
        home  1000  0        5
    """)[("home", "previous_year", "2014-15")]
    assert (found.status, found.base_value, found.value) == ("zero_base", 0.0, 5.0)
    assert found.change is None


def test_counts_that_cannot_be_are_not_compared() -> None:
    below_zero = compared("""
        area  base  2013-14  2014-15
        home  1000  -1       5
    """)
    more_than_all = compared(
        """
        area  base  2013-14  2014-15
        home  10    11       5
        """,
        SHARE,
    )
    for found in (below_zero, more_than_all):
        assert found["home", "previous_year", "2014-15"].status == "cannot_tell"


def test_without_a_denominator_there_is_no_rate_to_compare_or_rank() -> None:
    found = compared("""
        area  base  2013-14  2014-15
        home  .     5        6
        peer  1000  5        6
        more  1000  5        7
    """)
    assert found["home", "previous_year", "2014-15"].status == "missing_denominator"
    assert found["home", "peer_rank", "2014-15"].status == "missing_denominator"
    assert found["home", "peer_rank", "2014-15"].rank_high is None
    assert found["peer", "peer_rank", "2014-15"].rank_of == 2


def test_the_change_of_a_proportion_is_in_percentage_points_from_zero_too() -> None:
    found = compared(
        """
        area  base  2013Q2  2013Q3  2014Q2  2014Q3
        home  100   0       0       10      30
        """,
        SHARE,
    )[("home", "previous_year", "2014-15")]
    # 0 / 200 → 40 / 200: the cases of a share are added up over the months, unlike people
    assert (found.base_value, found.value, found.change) == (0.0, 20.0, 20.0)
    assert (found.change_unit, found.significance) == ("percentage points", "worse")


def test_a_count_is_compared_and_ranked_without_any_denominator() -> None:
    found = compared(
        """
        area  base  2013-14  2014-15
        home  .     500      440
        peer  .     90       100
        """,
        COUNT,
    )
    assert found["home", "previous_year", "2014-15"].change == pytest.approx(-12.0)
    assert found["home", "peer_rank", "2014-15"].rank_high == 1
    assert found["home", "group_average", "2014-15"].base_value == 270.0  # (440 + 100) / 2


# --- among the peers ------------------------------------------------------------------------------

FIVE = """
    area  base  2014-15
    home  1000  20
    a     1000  30
    b     1000  20
    c     2000  20
    d     1000  .
    e     .     20
"""


@pytest.mark.parametrize(
    ("polarity", "best"),
    [
        ("low_is_good", {"home": 2, "a": 4, "b": 2, "c": 1}),
        ("high_is_good", {"home": 2, "a": 1, "b": 2, "c": 4}),
        ("none", {"home": None, "a": None, "b": None, "c": None}),
    ],
)
def test_ranks_from_both_ends_with_ties_among_those_that_have_a_figure(
    polarity: str, best: dict[str, int | None]
) -> None:
    found = compared(FIVE, replace(RATE, polarity=polarity))
    ranks = {area: one for (area, what, _), one in found.items() if what == "peer_rank"}
    # 30, 20, 20 and 20 / 2000 = 10 per 1,000; d was not received, e has no people
    assert {area: one.rank_high for area, one in ranks.items()} == {
        "home": 2,
        "a": 1,
        "b": 2,
        "c": 4,
    }
    assert {area: one.rank_best for area, one in ranks.items()} == best
    assert {one.rank_of for one in ranks.values()} == {4}
    assert {one.group_size for one in ranks.values()} == {6}
    for one in ranks.values():
        assert one.rank_lower_95 is not None and one.rank_upper_95 is not None
        assert 1 <= one.rank_lower_95 <= one.rank_upper_95 <= 4


def test_an_area_that_received_rows_but_no_event_is_0_and_is_ranked() -> None:
    found = compared("""
        area  base  2014-15
        home  1000  0
        peer  1000  4
    """)[("home", "peer_rank", "2014-15")]
    assert (found.value, found.rank_high, found.rank_best, found.rank_of) == (0.0, 2, 1, 2)


def test_the_assessed_area_without_a_figure_that_its_peers_have_was_not_received() -> None:
    found = compared("""
        area  base  2013-14  2014-15
        home  1000  9        .
        peer  1000  5        6
        more  1000  5        7
        gone  1000  5        .
    """)
    rank = found["home", "peer_rank", "2014-15"]
    assert (rank.status, rank.area_name, rank.value) == ("not_received", "Home", None)
    assert found["home", "group_average", "2014-15"].status == "not_received"
    assert ("gone", "peer_rank", "2014-15") not in found  # a peer without rows is absent


def test_not_received_holds_even_where_no_peer_can_be_ranked() -> None:
    found = compared("""
        area  base  2014-15
        home  1000  .
        peer  .     6
    """)
    assert found["home", "peer_rank", "2014-15"].status == "not_received"


def test_a_rank_takes_only_the_months_that_all_ranked_areas_cover() -> None:
    found = compared("""
        area  base  2014Q2  2014Q3  2014Q4  2015Q1
        home  1000  5       5       900     900
        peer  1000  7       7       .       .
        more  1000  1       1       1       .
    """)
    ranks = {area: found[area, "peer_rank", "2014-15"] for area in ("home", "peer", "more")}
    assert {area: one.value for area, one in ranks.items()} == {"home": 10, "peer": 14, "more": 2}
    assert {area: one.rank_high for area, one in ranks.items()} == {"home": 2, "peer": 1, "more": 3}
    for one in ranks.values():
        assert one.status == "unequal_coverage"
        assert (one.compared_start, one.compared_end) == (date(2014, 4, 1), date(2014, 9, 30))
    average = found["home", "group_average", "2014-15"]
    assert (average.status, average.value) == ("unequal_coverage", 10.0)
    assert average.base_value == pytest.approx(26 / 3)  # 10 + 14 + 2 among 3 × 1000


def test_areas_that_all_cover_the_same_months_are_ranked_over_the_part_year() -> None:
    found = compared("""
        area  base  2014Q2  2014Q3
        home  1000  5       5
        peer  1000  7       7
    """)[("home", "peer_rank", "2014-15")]
    assert (found.status, found.rank_high, found.rank_of) == ("part_year", 2, 2)


def test_areas_without_a_month_in_common_are_not_ranked() -> None:
    found = compared("""
        area  base  2014Q2  2014Q3
        home  1000  5       .
        peer  1000  .       7
    """)[("home", "peer_rank", "2014-15")]
    assert (found.status, found.rank_high, found.value) == ("unequal_coverage", None, 5.0)


def test_one_area_alone_is_neither_first_nor_average() -> None:
    found = compared("""
        area  base  2014-15
        home  1000  5
        peer  1000  .
    """)
    for comparison in ("peer_rank", "group_average"):
        one = found["home", comparison, "2014-15"]
        assert (one.status, one.value) == ("no_peer_data", 5.0)
        assert one.rank_high is None and one.base_value is None


def test_an_area_without_a_peer_group_has_its_own_changes_and_says_so_of_the_rest() -> None:
    found = compared(FIVE, group_on=lambda name, day: None)
    assert {key[0] for key in found} == {"home"}
    assert found["home", "peer_rank", "2014-15"].status == "no_peer_group"
    assert found["home", "group_average", "2014-15"].value == 20.0
    assert found["home", "previous_year", "2014-15"].status == "missing_base"


def test_the_peer_group_is_that_of_the_period_and_not_of_today() -> None:
    early = PeerGroup("near", "old", "home", ("home", "a"))
    late = PeerGroup("near", "new", "home", ("home", "b"))

    def on(name: str, day: date) -> PeerGroup | None:
        if day < date(2014, 1, 1):
            return None
        return early if day < date(2015, 1, 1) else late

    found = compared(
        """
        area  base  2012-13  2013-14  2014-15
        home  1000  .        20       20
        a     1000  30       30       30
        b     1000  10       10       10
        """,
        group_on=on,
    )
    ranks = {key[2]: one for key, one in found.items() if key[:2] == ("home", "peer_rank")}
    assert {label: (one.comparator, one.rank_high) for label, one in ranks.items()} == {
        "2013-14": ("near@old", 2),
        "2014-15": ("near@new", 1),
    }
    assert ("b", "previous_year", "2014-15") in found and ("a", "previous_year", "2014-15") in found


def test_against_the_group_a_count_below_zero_is_not_compared() -> None:
    found = compared("""
        area  base  2014-15
        home  1000  -2
        peer  1000  9
    """)[("home", "group_average", "2014-15")]
    assert (found.value, found.base_value, found.significance) == (-2.0, 3.5, "not compared")


# --- published figures ---------------------------------------------------------------------------

ENTRANTS = replace(
    RATE,
    indicator="entrants",
    title="Entrants per 100,000 aged 10 to 17",
    unit="per 100,000 aged 10 to 17",
    kind="published",
    per=100_000,
    decimals=0,
    numerator=None,
    denominator=None,
    value=Part("told", aggregate="value"),
    compare=("previous_period", "previous_year", "five_years", "baseline:2010CY", "peer_rank"),
)
CONVICTED = replace(
    ENTRANTS,
    title="Convicted",
    unit="per cent",
    per=100,
    decimals=1,
    numerator=Part("told", aggregate="cases"),
    denominator=Part("told", aggregate="people"),
    compare=("previous_year", "peer_rank", "group_average"),
)
NO_FIGURE = {
    "x": ("C", "suppressed by the publisher: x"),
    "-": ("M", "not available from the publisher: -"),
    "2": ("M", "ambiguous"),
}


def stated(
    text: str, indicator: Indicator = ENTRANTS, stand_ins: compare.StandInsOf = compare.nobody
) -> Found:
    """Findings of a drawn table of published figures; members of the group are those of `group`,
    or all. x: suppressed, -: not available, a dot: no row. `base`: the printed denominator."""
    rows = drawn(text)
    members = tuple(row["area"] for row in rows if row.get("group", "in") == "in")
    group = PeerGroup("near", "2015", "home", members)
    values = pd.DataFrame(
        _stated(row, label, str(cell) if cell in NO_FIGURE else cell)
        for row in rows
        for label, cell in row.items()
        if label not in ("area", "base", "group") and cell is not None
    )
    series = compare.series_of(values, stock=False, published=True)
    made = compare.findings(
        indicator, series, "home", "Home", lambda name, day: group, stand_ins=stand_ins
    )
    return {(one.area_code, one.comparison, one.period): one for one in made}


def _stated(row: dict[str, Any], label: str, cell: Any) -> dict[str, Any]:
    span = period.parse(label)
    status, reason = NO_FIGURE.get(cell, ("A", None)) if isinstance(cell, str) else ("A", None)
    return {
        "area_code": row["area"],
        "area_name": str(row["area"]).title(),
        "period": label,
        "period_kind": span.kind,
        "period_start": span.start,
        "coverage_start": span.start,
        "coverage_end": span.end,
        "complete": True,
        "numerator": None,
        "denominator": row.get("base"),
        "denominator_vintage": None,
        "value": None if reason else cell,
        "lower_95": None,
        "maturity_days": None,
        "obs_status": status,
        "suppressed_reason": reason,
    }


def test_a_published_rate_is_ranked_and_compared_without_interval_or_verdict() -> None:
    found = stated("""
        area  2010CY  2014CY  2015CY
        home  400     500     540
        a     .       500     735
        b     .       500     332
        c     .       500     540
    """)
    year = found["home", "previous_year", "2015CY"]
    assert (year.status, year.base_period, year.base_value) == ("comparable", "2014CY", 500.0)
    assert year.change == pytest.approx(8.0)  # 540 / 500
    assert year.change_unit == "percent"
    assert (year.change_lower_95, year.change_upper_95) == (None, None)
    assert year.significance == "not compared"
    for comparison in ("five_years", "baseline:2010CY"):
        assert found["home", comparison, "2015CY"].base_period == "2010CY"
    assert ("home", "previous_period", "2015CY") not in found  # for a year it is previous_year
    rank = found["home", "peer_rank", "2015CY"]
    assert (rank.rank_high, rank.rank_best, rank.rank_of) == (2, 2, 4)  # 735, 540, 540, 332
    assert (rank.rank_lower_95, rank.rank_upper_95) == (None, None)
    assert rank.compared_months == 12


def test_a_published_percentage_with_its_counts_has_intervals_from_them() -> None:
    found = stated(
        """
        area  base  2012-13  2013-14
        home  160   5.0      7.5
        a     400   5.0      2.5
        """,
        CONVICTED,
    )
    year = found["home", "previous_year", "2013-14"]
    # 8 of 160 → 12 of 160, by the unrounded cases
    assert year.change == pytest.approx(2.5)
    assert year.change_unit == "percentage points"
    assert year.change_lower_95 is not None and year.change_lower_95 < 0 < (
        year.change_upper_95 or 0
    )
    assert year.significance == "same"
    average = found["home", "group_average", "2013-14"]
    assert average.base_value == pytest.approx(22 / 560 * 100)  # 12 of 160 and 10 of 400
    rank = found["home", "peer_rank", "2013-14"]
    assert (rank.rank_high, rank.rank_lower_95, rank.rank_upper_95) == (1, 1, 1)


def test_a_percentage_without_counts_changes_in_points_from_zero_too_and_has_no_rank_limits() -> (
    None
):
    found = stated(
        """
        area  base  2012-13  2013-14
        home  .     0        7
        a     400   5        2
        """,
        CONVICTED,
    )
    year = found["home", "previous_year", "2013-14"]
    assert (year.status, year.change, year.change_lower_95) == ("comparable", 7.0, None)
    ranks = [found[area, "peer_rank", "2013-14"] for area in ("home", "a")]
    # how sure one is of a's place hangs on home's counts, which nobody knows
    assert [(one.rank_high, one.rank_lower_95) for one in ranks] == [(1, None), (2, None)]


@pytest.mark.parametrize(
    ("cell", "status", "words"),
    [
        ("x", "suppressed", "no figure: its publisher suppressed it"),
        ("-", "not_available", "no figure: its publisher gives none"),
    ],
)
def test_a_hidden_figure_takes_part_in_nothing_and_says_so(
    cell: str, status: str, words: str
) -> None:
    found = stated(f"""
        area  2013CY  2014CY  2015CY
        home  500     {cell}  540
        a     500     500     {cell}
        b     500     400     332
    """)
    hidden = found["home", "previous_year", "2014CY"]
    assert (hidden.status, hidden.value, hidden.base_value) == (status, None, None)
    assert hidden.sentence == f"Entrants, Home, 2014: {words}."
    assert found["home", "previous_year", "2015CY"].status == "missing_base"
    home, peer = found["home", "peer_rank", "2014CY"], found["a", "peer_rank", "2015CY"]
    assert (home.status, home.rank_high, peer.status) == (status, None, status)
    assert found["b", "peer_rank", "2014CY"].rank_of == 2
    ranked = found["home", "peer_rank", "2015CY"]
    assert (ranked.rank_high, ranked.rank_of, ranked.group_size) == (1, 2, 3)


def test_years_together_are_compared_with_those_that_they_do_not_share() -> None:
    found = stated("""
        area  2012M12-P36M  2014M12-P36M  2015M12-P36M
        home  400           420           440
        a     400           420           430
    """)
    before = found["home", "previous_period", "2015M12-P36M"]
    assert before.base_period == "2012M12-P36M"
    assert before.change == pytest.approx(10.0)
    assert ("home", "previous_year", "2015M12-P36M") not in found
    assert found["home", "peer_rank", "2015M12-P36M"].compared_months == 36


# --- stand-ins -----------------------------------------------------------------------------------


def stand_ins(group: PeerGroup) -> dict[str, StandIn]:
    return {
        peer: StandIn(peer, peer.title(), code, name, "a district")
        for peer, code, name in (
            ("town", "shire", "Shire"),
            ("port", "shire", "Shire"),
            ("spa", "vale", "Vale"),
            ("home", "vale", "Vale"),
        )
    }


WITH_COUNTIES = """
    area   group  2014CY  2015CY
    home   in     500     540
    town   in     .       .
    port   in     .       .
    spa    in     x       .
    city   in     500     735
    shire  out    300     332
    vale   out    900     900
"""


def test_a_county_takes_the_place_of_peers_without_any_row_and_is_named() -> None:
    found = stated(WITH_COUNTIES, replace(ENTRANTS, stand_ins=True), stand_ins)
    rank = found["shire", "peer_rank", "2015CY"]
    assert (rank.area_name, rank.rank_high) == ("Shire (for Town and Port)", 3)
    assert (rank.rank_of, rank.group_size) == (3, 5)  # one county for two peers, counted once
    assert found["shire", "previous_year", "2015CY"].area_name == "Shire (for Town and Port)"
    # the spa was suppressed in another year: a figure of its own, so the vale is not taken
    assert not {key for key in found if key[0] == "vale"}
    assert found["home", "peer_rank", "2015CY"].sentence == (
        "Entrants, Home, 2015: 540 per 100,000 aged 10 to 17, 2nd highest of 3; position 2 where "
        "1 is best; 2 of the group's 5 areas have no figure; for Town and Port their county Shire."
    )


def test_nobody_stands_in_where_the_indicator_does_not_allow_it() -> None:
    found = stated(WITH_COUNTIES, ENTRANTS, stand_ins)
    assert {area for area, what, _ in found if what == "peer_rank"} == {"home", "spa", "city"}
    assert found["home", "peer_rank", "2015CY"].rank_of == 2
