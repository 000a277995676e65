"""When and where: months, hours, wards, and the fewest LSOAs that hold half, from drawn cells.

Here: each sentence by visible arithmetic, the smallest set against every set there is, and what is
never shown by place. Not here: how parts are counted (`test_breakdowns`) or hidden
(`test_disclosure`).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_edition import YEAR, edition, hidden, value

from safecity_pipeline import period, tables
from safecity_pipeline.publish import patterns
from safecity_pipeline.publish.patterns import Half, Pattern, may_be_placed, smallest_half
from safecity_pipeline.registry import Registry

BEFORE = "2013-14"
DECEMBER = "2014M12"
CRIME, VIOLENCE = "recorded_crime_count", "violence_count"
Values = Sequence[Mapping[str, Any]]


def found(known: Registry, kind: str, values: Values, key: str = CRIME) -> Pattern:
    with edition(known, {tables.INDICATOR_VALUE: values}) as drawn:
        (one,) = [each for each in patterns.of(drawn) if (each.kind, each.indicator) == (kind, key)]
        return one


def parts(dimension: str, label: str, counts: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """The whole and its parts; None is hidden."""
    return [
        hidden(CRIME, label, f"{dimension}/{one}")
        if count is None
        else value(CRIME, label, float(count), f"{dimension}/{one}")
        for one, count in counts.items()
    ]


# --- the fewest that hold half -------------------------------------------------------------------

FEW = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 9).map(float), max_size=7)


def every_half(counts: Mapping[str, float]) -> tuple[int, set[str]] | None:
    """The same by looking at every set there is: how few hold half, and who is in any of those
    that hold most."""
    whole = sum(counts.values())
    for size in range(1, len(counts) + 1) if whole else ():
        sets = list(itertools.combinations(sorted(counts), size))
        held = {one: sum(counts[each] for each in one) for one in sets}
        if 2 * max(held.values()) >= whole:
            best = max(held.values())
            return size, {each for one in sets if held[one] == best for each in one}
    return None


@given(FEW)
def test_the_smallest_half_is_that_of_every_set_there_is(counts: dict[str, float]) -> None:
    half = smallest_half(counts)
    assert (None if half is None else (half.size, set(half.members))) == every_half(counts)


@given(FEW, st.sets(st.sampled_from("abcdefg"), max_size=3))
def test_what_is_hidden_leaves_an_answer_only_where_it_cannot_change_it(
    counts: dict[str, float], unseen: set[str]
) -> None:
    masked = {one: None if one in unseen else count for one, count in counts.items()}
    unknown = sum(count for one, count in counts.items() if one in unseen)
    half = smallest_half(masked, unknown)
    if half is not None:
        assert (half.size, set(half.members)) == every_half(counts)


@pytest.mark.parametrize(
    ("counts", "size", "members"),
    [
        ({"a": 5.0, "b": 3.0, "c": 2.0}, 1, "a"),  # 5 of 10 is half
        ({"a": 4.0, "b": 3.0, "c": 3.0}, 2, "abc"),  # 4 + 3 of 10; b and c tie
        ({"a": 1.0, "b": 0.0}, 1, "a"),  # none without any is among them
    ],
)
def test_half_is_reached_and_ties_are_named(
    counts: dict[str, float | None], size: int, members: str
) -> None:
    half = smallest_half(counts)
    assert isinstance(half, Half) and (half.size, half.members) == (size, frozenset(members))


def test_nothing_counted_has_no_half() -> None:
    assert smallest_half({}) is None and smallest_half({"a": 0.0}) is None


LSOAS = {"E1": 40.0, "E2": 30.0, "E3": 15.0, "E4": 15.0, "E5": 0.0}


def test_the_set_of_this_year_beside_that_of_the_last(known: Registry) -> None:
    now = [value(CRIME, YEAR, 106.0), *parts("lsoa_code", YEAR, {**LSOAS, "not known": 6.0})]
    earlier = {"E1": 40.0, "E2": 5.0, "E3": 40.0, "E4": 9.0, "E5": 6.0}
    before = [value(CRIME, BEFORE, 100.0), *parts("lsoa_code", BEFORE, earlier)]
    # Of 100 with a known LSOA 40 + 30 hold half, and 40 + 40 did: E1 is in both.
    assert found(known, "lsoa_code", [*now, *before]).sentences == (
        "In 2014/15 half of 100 crimes with a known LSOA lie in 2 of the 5 LSOAs that had any "
        "since figures begin (40.0%).",
        "1 of these 2 were among the 2 of 2013/14 (50.0%).",
        "1 of these LSOAs had none in the year; one that never had any is not known here.",
        "6 crimes have no known LSOA and stand in none.",
    )


def test_those_that_tie_with_the_last_are_of_the_set(known: Registry) -> None:
    tied = {"E1": 40.0, "E2": 20.0, "E3": 20.0, "E4": 20.0}
    now = [value(CRIME, YEAR, 100.0), *parts("lsoa_code", YEAR, tied)]
    before = [value(CRIME, BEFORE, 100.0), *parts("lsoa_code", BEFORE, {"E1": 60.0, "E5": 40.0})]
    sentences = found(known, "lsoa_code", [*now, *before]).sentences
    assert sentences[0].endswith("(50.0%); 2 further ones tie with the last of them.")
    assert sentences[1] == (
        "1 of these 4 (those that tie included) were among the 1 of 2013/14 (25.0%)."
    )


def test_a_set_that_hidden_counts_could_change_is_not_told(known: Registry) -> None:
    counts = {"E1": 50.0, "E2": 10.0, "E3": None, "E4": None}
    # 100 - 60 = 40 lie in E3 and E4: each may have more than E2, and E1 alone has half of 100.
    (half, *_) = found(
        known, "lsoa_code", [value(CRIME, YEAR, 100.0), *parts("lsoa_code", YEAR, counts)]
    ).sentences
    assert "lie in 1 of the 4" in half and "half of 100" not in half
    less = {**counts, "E1": 40.0}  # 100 - 50 = 50: E3 may have more than E1
    sentences = found(
        known, "lsoa_code", [value(CRIME, YEAR, 100.0), *parts("lsoa_code", YEAR, less)]
    ).sentences
    assert "cannot be told: too much is not shown" in sentences[0]
    assert "2 LSOAs are not shown, to protect small numbers." in sentences


def test_where_it_is_hidden_how_many_have_no_place_half_of_either_is_asked(
    known: Registry,
) -> None:
    # 8 of 100 are E3 and those without an LSOA: half of 92 to 100 lies in E1 alone, whichever.
    certain = {"E1": 60.0, "E2": 32.0, "E3": None, "not known": None}
    # Half of 92 is 46, and half of 100 is 50: E1 alone, or with E2.
    open_ = {"E1": 47.0, "E2": 45.0, "E3": None, "not known": None}
    told = [
        found(known, "lsoa_code", [value(CRIME, YEAR, 100.0), *parts("lsoa_code", YEAR, one)])
        for one in (certain, open_)
    ]
    assert "lie in 1 of the 3" in told[0].sentences[0]
    assert "cannot be told" in told[1].sentences[0]


# --- who is never shown by place -----------------------------------------------------------------


def test_domestic_abuse_and_young_people_are_never_shown_by_place(known: Registry) -> None:
    placed = {key for key, one in known.indicators.items() if may_be_placed(one)}
    assert {CRIME, VIOLENCE, "asb_incidents_count", "burglary_rate"} <= placed
    sensitive = {
        *("domestic_abuse_crime_count", "marac_case_rate", "domestic_abuse_arrests_charged"),
        *("custodial_sentences_count", "looked_after_convicted", "first_time_entrants_rate"),
        *("perpetrators_in_programmes_count", "emerging_met_children_count"),
        *("serious_sexual_offences_count", "youth_reoffending"),
    }
    assert sensitive <= set(known.indicators) and not sensitive & placed
    # Whatever is declared: by ward and LSOA nothing of it is told, by month it is.
    abuse = replace(known.indicators["domestic_abuse_crime_count"], by=("ward", "lsoa_code"))
    values = [
        value(abuse.indicator, YEAR, 9.0, part) for part in ("all/all", "ward/A", "lsoa_code/E1")
    ]
    months = [
        value(abuse.indicator, period.month(one).label, 30.0) for one in period.parse(YEAR).months
    ]
    only = {abuse.indicator: abuse}
    with edition(known, {tables.INDICATOR_VALUE: [*values, *months]}, indicators=only) as drawn:
        assert {one.kind for one in patterns.of(drawn)} == {"month"}


# --- wards, hours and months ---------------------------------------------------------------------


def test_wards_that_tie_share_a_place_and_say_so(known: Registry) -> None:
    counts = {"A": 50.0, "B": 20.0, "C": 10.0, "D": 10.0, "E": None, "not known": 5.0}
    earlier = {"A": 9.0, "B": 60.0, "C": 30.0, "D": 1.0, "E": 0.0}
    values = [
        value(CRIME, YEAR, 102.0, series_break="D22"),
        value(CRIME, BEFORE, 100.0),
        *parts("ward", YEAR, counts),
        *parts("ward", BEFORE, earlier),
    ]
    one = found(known, "ward", values)
    assert one.sentences == (
        "In 2014/15 most crimes were in A (50, 55.6%), B (20, 22.2%), C (10, 11.1%) and D (10, "
        "11.1%): together 100.0% of 90 whose ward is known and shown; C and D tie for the 3rd.",
        "In 2013/14 it was A, B and C; the numbers are not like for like: what is counted, or how, "
        "changed in between (15 January 2014 to 30 November 2014: police forces record crime more "
        "fully, D22).",
        "1 ward is not shown, to protect small numbers.",
        "5 crimes have no known ward and stand in none.",
        "These are numbers and not rates: wards differ in residents and in visitors.",
    )
    assert [(each.member, each.place, each.place_before) for each in one.parts] == [
        *(("A", 1, 3), ("B", 2, 1), ("C", 3, 2), ("D", 3, 4)),
        ("E", None, 5),
    ]
    assert '<td class="number">[c]</td>' in patterns.fragment(one)


def test_the_busiest_hours_may_run_over_the_end_of_the_week(known: Registry) -> None:
    cells = {"7 Sun 22:00": 30.0, "7 Sun 23:00": 40.0, "1 Mon 00:00": 20.0, "3 Wed 12:00": 10.0}
    values = [value(VIOLENCE, YEAR, count, f"hour_of_week/{hour}") for hour, count in cells.items()]
    values += [hidden(VIOLENCE, YEAR, "hour_of_week/4 Thu 03:00")]
    values += [value(VIOLENCE, YEAR, 7.0, "hour_of_week/not known"), value(VIOLENCE, YEAR, 109.0)]
    one = found(known, "hour_of_week", values, VIOLENCE)
    # 30 + 40 + 20 of 100; three other starts hold the same three hours, and are named by number.
    assert one.sentences == (
        "Of 100 crimes in 2014/15 whose hour is known and shown, 90.0% fall into the 6 hours from "
        "Sunday 19:00 to Monday 01:00, the most of any 6 hours in a row (so do 3 other runs); were "
        "all hours alike, it would be 3.6%.",
        "Of these, by day from midnight to midnight, most on Sunday (70.0%) and fewest on Tuesday, "
        "Thursday, Friday and Saturday (0.0%).",
        "1 hour of the week is not shown, to protect small numbers.",
        "7 crimes have no known hour and stand in none.",
    )
    assert len(one.parts) == 168


def monthly(counts: Mapping[int, float], label: str = YEAR, **more: Any) -> list[dict[str, Any]]:
    """Ten a day, but in the months named."""
    rows = []
    for first in period.parse(label).months:
        one = period.month(first)
        days = (one.end - one.start).days + 1
        count = counts.get(first.month, 10.0) * days
        rows.append(value(CRIME, one.label, count, **more.get(f"m{first.month}", {})))
    return rows


def test_a_month_is_told_by_the_day_and_judged_as_one_of_twelve(known: Registry) -> None:
    values = [
        *monthly({7: 14.0, 2: 7.0}, m9={"series_break": "D22"}),
        *monthly({12: 20.0}, BEFORE),
        *monthly({8: 11.0}, "2012-13")[1:],  # without its April: no whole year
        value(CRIME, YEAR, 3700.0),
    ]
    one = found(known, "month", values)
    # 365 days: (337 * 10 - 31 * 10 + 31 * 14 + 28 * 7) / 365 = 10.1
    assert one.sentences == (
        "In 2014/15 crimes were most in July 2014 (14.0 a day) and fewest in February 2015 (7.0 a "
        "day); the year's average was 10.1.",
        "By more than chance does among twelve months, there lie above it July 2014 and below it "
        "February 2015.",
        "Months before and after are not like for like: what is counted, or how, changed in "
        "between (15 January 2014 to 30 November 2014: police forces record crime more fully, "
        "D22).",
        "In 2013/14 it was December that had most a day.",
    )
    even = found(known, "month", [*monthly({}), value(CRIME, YEAR, 3650.0)])
    assert even.sentences[0] == "In 2014/15 every month had 10.0 crimes a day."


def test_of_few_hours_that_are_shown_no_busiest_is_told(known: Registry) -> None:
    shown = value(VIOLENCE, YEAR, 85.0, "hour_of_week/5 Fri 20:00")
    cells = [shown, hidden(VIOLENCE, YEAR, "hour_of_week/6 Sat 01:00")]
    # 85 of 94 are shown, of 95 that are not 9 in 10: 0.9 * 94 = 84.6, 0.9 * 95 = 85.5
    for whole, told in ((94.0, True), (95.0, False)):
        one = found(known, "hour_of_week", [*cells, value(VIOLENCE, YEAR, whole)], VIOLENCE)
        assert one.sentences[0].startswith("Of 85 crimes in 2014/15") is told
        too_few = "For 2014/15 the busiest hours cannot be told: too much is not shown."
        assert (one.sentences[0] == too_few) is not told
        assert any("fewest on" in each for each in one.sentences) is told


def test_a_month_that_is_hidden_may_be_the_lowest(known: Registry) -> None:
    months = [each for each in monthly({7: 14.0, 2: 7.0}) if each["period"] != DECEMBER]
    values = [*months, hidden(CRIME, DECEMBER), value(CRIME, YEAR, 3400.0)]
    one = found(known, "month", values)
    # Without December, 334 days: (334 * 10 + 31 * 4 - 28 * 3) / 334 = 10.1
    assert one.sentences[0] == (
        "In the months of 2014/15 that are shown crimes were most in July 2014 (14.0 a day) and "
        "fewest in February 2015 (7.0 a day); their average was 10.1."
    )
    line = patterns.fragment(one).split("December 2014</th>")[1].split("</tr>")[0]
    assert "[c]" in line and "[x]" not in line
    without = patterns.fragment(found(known, "month", months))
    assert "[x]" in without.split("December 2014</th>")[1].split("</tr>")[0]


def test_a_source_that_may_not_be_seen_says_so(known: Registry) -> None:
    values = [hidden(CRIME, YEAR), hidden(CRIME, YEAR, "ward/A"), hidden(CRIME, YEAR, "ward/B")]
    assert found(known, "ward", values).sentences == (
        "No pattern: not shown, so that no small number can be worked out.",
    )
