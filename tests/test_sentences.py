"""A finding in words says no more than the figures do.

Here: wording. Not here: what is found (`test_compare`).
"""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecity_pipeline import registry, sentences
from safecity_pipeline.model import Finding, Indicator, Part
from safecity_pipeline.registry.stand_ins import StandIn

THEFTS = Indicator(
    indicator="thefts",
    title="Thefts per 1,000 residents",
    subject="test",
    unit="per 1,000 residents",
    kind="rate",
    per=1000,
    series="thefts",
    polarity="low_is_good",
    compare=(),
    numerator=Part("street_crime"),
    denominator=Part("population"),
)
CHANGE = Finding(
    "thefts",
    "E06000045",
    "Southampton",
    "previous_year",
    "2013-14",
    "2014-15",
    "comparable",
    base_period="2013-14",
    value=12.345,
    base_value=11.0,
    change=12.25,
    change_unit="percent",
    change_lower_95=3.0,
    change_upper_95=22.0,
)
RANK = Finding(
    "thefts",
    "E06000045",
    "Southampton",
    "peer_rank",
    "near@2015",
    "2014-15",
    "comparable",
    value=2.5,
    rank_high=3,
    rank_best=11,
    rank_of=13,
    rank_lower_95=2,
    rank_upper_95=6,
    group_size=15,
)


def said(finding: Finding, **instead: Any) -> str:
    return sentences.worded(THEFTS, replace(finding, **instead)).sentence


def test_a_clear_change_says_up_or_down_with_its_interval() -> None:
    assert said(CHANGE) == (
        "Thefts, Southampton, 2014/15: 12.3 per 1,000 residents, "
        "up 12.3 % on 2013/14 (likely +3.0 to +22.0 %)."
    )
    down = said(CHANGE, change=-12.0, change_lower_95=-20.5, change_upper_95=-2.6)
    assert down.endswith(", down 12.0 % on 2013/14 (likely -20.5 to -2.6 %).")


def test_a_change_of_a_proportion_is_in_points() -> None:
    assert said(CHANGE, change_unit="percentage points").endswith(
        ", up 12.3 percentage points on 2013/14 (likely +3.0 to +22.0 points)."
    )


@pytest.mark.parametrize("finding", [CHANGE, RANK])
def test_what_rests_on_an_estimate_says_so(finding: Finding) -> None:
    plain, marked = (
        sentences.worded(THEFTS, replace(finding, estimated=said)).sentence
        for said in (False, True)
    )
    assert "estimate" not in plain
    assert marked == plain.removesuffix(".") + (
        "; this rests in part on an estimate of the supplier."
    )


@given(
    st.floats(-99, 500),
    st.floats(0, 100),
    st.floats(0, 100),
    st.sampled_from(["percent", "points"]),
)
def test_up_or_down_is_said_exactly_where_no_change_is_excluded(
    change: float, below: float, above: float, unit: str
) -> None:
    lower, upper = change - below, change + above
    words = said(
        CHANGE, change=change, change_lower_95=lower, change_upper_95=upper, change_unit=unit
    )
    assert (" up " in words) == (lower > 0)
    assert (" down " in words) == (upper < 0)
    assert ("no clear change" in words) == (lower <= 0 <= upper)


def test_across_a_change_of_definition_only_what_was_recorded_is_compared() -> None:
    broken = {"status": "definition_changed", "broken_materially": "1 April 2014: New rules, D9"}
    changed = "which is not like for like: what is counted, or how, changed in between"
    assert said(CHANGE, **broken) == (
        "Thefts, Southampton, 2014/15: 12.3 per 1,000 residents, recorded 12.3 % more than in "
        f"2013/14 (likely +3.0 to +22.0 %), {changed} (1 April 2014: New rules, D9)."
    )
    unclear = {**broken, "change": -2.0, "change_lower_95": -5.0, "change_upper_95": 1.0}
    assert (
        "no clear change on 2013/14 in what was recorded (-2.0 %, likely -5.0 to +1.0 %), which is "
        "not like for like: "
    ) in said(CHANGE, **unclear)
    lower = said(CHANGE, **broken, change_unit="percentage points")
    assert "recorded 12.3 percentage points higher than in 2013/14 (likely +3.0 to +22.0 p" in lower
    alone = {"change_lower_95": None, "change_upper_95": None}
    assert "recorded 12.3 % more than in 2013/14 (no interval" in said(CHANGE, **broken, **alone)
    same = said(CHANGE, **broken, **alone, change=0.0)
    assert "the same figure as was recorded for 2013/14 (no interval" in same


DIRECTION = re.compile(
    r"\b(up|down|rose|risen|fell|fallen|increased|decreased|reduced|improved|worsened)\b"
    r"|(better|worse) than (last time|in)",
    re.IGNORECASE,
)


@given(
    st.floats(-99, 500),
    st.none() | st.tuples(st.floats(0, 100), st.floats(0, 100)),
    st.sampled_from(["percent", "percentage points"]),
    st.sampled_from(["comparable", "part_year", "definition_changed"]),
    st.sampled_from(
        ["previous_year", "five_years", "baseline:2009-10", "group_average", "peer_rank"]
    ),
    st.sampled_from(["better", "worse", "higher", "lower", "similar", "not compared"]),
)
def test_no_direction_is_said_of_what_chance_or_a_change_of_definition_may_explain(
    change: float,
    around: tuple[float, float] | None,
    unit: str,
    status: str,
    comparison: str,
    significance: str,
) -> None:
    lower, upper = (change - around[0], change + around[1]) if around else (None, None)
    finding = replace(
        RANK if comparison == "peer_rank" else CHANGE,
        comparison=comparison,
        change=None if comparison in ("group_average", "peer_rank") else change,
        change_lower_95=lower,
        change_upper_95=upper,
        change_unit=unit,
        status=status,
        significance=significance,
    )
    clear = lower is not None and upper is not None and not lower <= 0 <= upper
    allowed = clear and status != "definition_changed" and finding.change is not None
    assert bool(DIRECTION.search(said(finding))) == allowed


def test_no_title_of_the_catalogue_says_a_direction() -> None:
    known = registry.load()
    words = [one.title for one in known.indicators.values()]
    words += [one.told for one in known.changes.changes]
    assert [one for one in words if DIRECTION.search(one)] == []


def test_a_clear_change_too_small_to_print_is_not_called_nothing() -> None:
    words = said(CHANGE, change=0.04, change_lower_95=0.01, change_upper_95=0.06)
    assert "up less than 0.1 % on 2013/14 (likely 0.0 to +0.1 %)" in words


def test_a_part_year_names_its_months_and_their_like() -> None:
    months = {"compared_start": date(2014, 4, 1), "compared_end": date(2014, 11, 30)}
    words = said(CHANGE, status="part_year", compared_months=8, **months)
    assert words.startswith("Thefts, Southampton, April to November 2014: 12.3 per 1,000")
    assert "up 12.3 % on the same months of 2013/14" in words


def test_months_missing_in_between_are_not_named_as_if_they_were_there() -> None:
    months = {"compared_start": date(2014, 4, 1), "compared_end": date(2015, 3, 31)}
    assert "Southampton, 2014/15:" in said(CHANGE, compared_months=12, **months)
    gap = said(CHANGE, compared_months=11, **months)
    assert "Southampton, April 2014 to March 2015 (11 of these 12 months):" in gap


def test_a_rank_says_which_end_it_counts_from_and_who_is_missing() -> None:
    assert said(RANK) == (
        "Thefts, Southampton, 2014/15: 2.5 per 1,000 residents, 3rd highest of 13 (likely 2nd to "
        "6th highest); position 11 where 1 is best; 2 of the group's 15 areas have no figure."
    )
    assert "is best" not in said(RANK, rank_best=None)
    assert "13; position 11 where 1 is best; 1 of the group's 14 areas has no figure" in said(
        RANK, rank_lower_95=3, rank_upper_95=3, group_size=14
    )
    assert "no figure" not in said(RANK, group_size=13)
    assert " highest of 13 (" in said(RANK, rank_high=1)
    assert " lowest of 13 (" in said(RANK, rank_high=13)
    assert "over the months that all of them cover" in said(RANK, status="unequal_coverage")


EASTBOURNE = StandIn("e", "Eastbourne", "s", "East Sussex", "a district")
WATFORD = StandIn("w", "Watford", "h", "Hertfordshire", "a district")
NORTHAMPTON = StandIn("n", "Northampton", "m", "Northamptonshire", "a district")


def test_who_stands_in_is_named_among_the_peers_and_nowhere_else() -> None:
    words = sentences.worded(THEFTS, RANK, [EASTBOURNE, WATFORD, NORTHAMPTON]).sentence
    assert words.endswith(
        "have no figure; for Eastbourne, Watford and Northampton their counties East Sussex, "
        "Hertfordshire and Northamptonshire."
    )
    assert sentences.worded(THEFTS, RANK, [WATFORD]).sentence.endswith(
        "; for Watford its county Hertfordshire."
    )
    assert "Watford" not in sentences.worded(THEFTS, CHANGE, [WATFORD]).sentence


def test_a_change_without_an_interval_is_neither_up_nor_unclear() -> None:
    nothing = {"change_lower_95": None, "change_upper_95": None}
    words = said(CHANGE, **nothing)
    assert words.endswith(
        ", +12.3 % on 2013/14 (no interval can be given, so nobody can say whether that is more "
        "than chance)."
    )
    assert said(CHANGE, change=0.0, **nothing).endswith(", the same figure as for 2013/14.")


@pytest.mark.parametrize(
    ("significance", "words"),
    [
        ("better", "better than the peer group's 11.0"),
        ("worse", "worse than the peer group's 11.0"),
        ("same", "similar to the peer group's 11.0"),
        ("lower", "lower than the peer group's 11.0"),
        ("higher", "higher than the peer group's 11.0"),
        ("similar", "similar to the peer group's 11.0"),
        ("not compared", "not compared with the peer group's 11.0"),
    ],
)
def test_against_the_group(significance: str, words: str) -> None:
    average = replace(CHANGE, comparison="group_average", base_period=None, change=None)
    assert said(average, significance=significance).endswith(
        f": 12.3 per 1,000 residents, {words}."
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            "missing_base",
            "12.3 per 1,000 residents, no like figure for 2013/14 to compare it with.",
        ),
        ("zero_base", "12.3 per 1,000 residents, no percentage change on 2013/14, when it was 0."),
        (
            "cannot_tell",
            "not compared with 2013/14: corrections put a count below 0 or above its whole.",
        ),
        ("missing_denominator", "no like figure for 2013/14 to compare it with."),
        ("no_peer_group", "12.3 per 1,000 residents, no peer group is declared for the area."),
        ("no_peer_data", "no other area of its peer group has a figure."),
        ("suppressed", "no figure: its publisher suppressed it."),
        ("ambiguous", "the extracts give several, and do not say which one holds."),
        ("unequal_coverage", "the areas of its peer group have no months in common."),
    ],
)
def test_what_is_not_compared_says_why(status: str, words: str) -> None:
    assert said(CHANGE, status=status, change=None, base_value=None).endswith(words)


def test_a_missing_figure_says_what_is_missing() -> None:
    nothing = {"value": None, "change": None, "base_value": None}
    assert said(CHANGE, status="not_received", **nothing) == (
        "Thefts, Southampton, 2014/15: no figure: no extract covers it."
    )
    assert said(CHANGE, status="missing_denominator", **nothing).endswith(
        "2014/15: no figure: the population figure that it is divided by is missing."
    )


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [
        (14.5, 0, "15"),
        (1.005, 2, "1.01"),  # 100.49999999999999 hundredths in binary
        (-0.05, 1, "-0.1"),
        (-0.04, 1, "0.0"),  # no negative zero
        (1234.5, 1, "1,234.5"),
        (0.0, 2, "0.00"),
    ],
)
def test_figures_are_rounded_half_away_from_zero(value: float, decimals: int, printed: str) -> None:
    assert sentences.rounded(value, decimals) == printed


def test_a_sign_stands_before_every_change_but_nothing() -> None:
    assert [sentences.signed(x) for x in (3.0, -3.0, 0.04, -0.04)] == ["+3.0", "-3.0", "0.0", "0.0"]


def test_ordinals() -> None:
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111]
    printed = " ".join(sentences.ordinal(number) for number in numbers)
    assert printed == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th"
