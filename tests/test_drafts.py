"""Sentences drafted for another year: exact words from drawn figures, and those of the sample.

Here: mart.draft and its words, standings of targets included. Not here: the arithmetic of a figure
(`test_claims`), verdicts on targets (`test_targets`), the command (`test_cli`).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from safecity_pipeline import claims, drafts, phrases, registry, tables
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.drafts import DraftedFrom
from safecity_pipeline.model import Indicator, Part, Refused, Row
from safecity_pipeline.registry import assessments
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.aims import Aim, Target
from safecity_pipeline.registry.assessments.statements import Claim, Reading, Wording
from safecity_pipeline.warehouse import Warehouse

HOME, ENGLAND = "E06000045", "E92000001"
PEERS = ("a", "b", "c")
NAMES = {"a": "Ayton", "b": "Bristol, City of", "c": "Ceton", ENGLAND: "England"}
DIRECTION = re.compile(
    r"\b(up|down|rose|risen|rising|fell|fallen|falling|increas(ed|ing)|decreas(ed|ing)"
    r"|reduced|improved|worsened)\b|(better|worse) than (last|in)",
    re.IGNORECASE,
)


def indicator(key: str, unit: str, kind: str, per: int = 1, **more: Any) -> Indicator:
    title = more.pop("title", f"{key.capitalize()} as declared")
    part = Part("any")
    known = {"decimals": 1, "polarity": "low_is_good", "peer_group": "similar", **more}
    return Indicator(
        key, title, "s", unit, kind, per, compare=(), series="asb", numerator=part, **known
    )


DECLARED = {
    one.indicator: one
    for one in (
        indicator("theft", "crimes", "count"),
        indicator("rate", "per 1,000 residents", "rate", 1000),
        indicator("share", "per cent", "proportion", 100),
        indicator("survey", "per cent", "proportion", 100),
        indicator("other", "per cent", "proportion", 100),
        indicator("printed", "per 1,000 residents", "published", rounded_to=0.1),
    )
}

# The rate is theft per 1,000 of 10,000 residents; shares are of 1,000 cases, of the survey's 100.
VALUES = """
    indicator area       period   numerator denominator value limits
    theft     E06000045  2009-10  1000      -           1000  yes
    theft     E06000045  2013-14  800       -           800   yes
    theft     E06000045  2014-15  704       -           704   yes
    theft     E06000045  2015-16  720       -           720   yes
    theft     E06000045  2016-17  1100      -           1100  yes
    theft     E06000045  2012-13  0         -           0     yes
    theft     a          2014-15  100       -           100   yes
    theft     a          2015-16  110       -           110   yes
    theft     b          2014-15  100       -           100   yes
    theft     b          2015-16  104       -           104   yes
    theft     c          2014-15  100       -           100   yes
    theft     c          2015-16  90        -           90    yes
    rate      E06000045  2013-14  800       10000       80    yes
    rate      E06000045  2014-15  704       10000       70.4  yes
    share     E06000045  2013-14  300       1000        30    yes
    share     E06000045  2014-15  432       1000        43.2  yes
    share     E06000045  2016-17  450       1000        45    yes
    share     E92000001  2014-15  380       1000        38    yes
    share     E92000001  2016-17  440       1000        44    yes
    survey    E06000045  2015CY   52        100         52    no
    other     E06000045  2015CY   40        100         40    no
    survey    E06000045  2014CY   50        100         50    no
    other     E06000045  2014CY   50        100         50    no
    share     E06000045  2019-20  -         1000        45    yes
    share     E06000045  2020-21  -         1000        60    yes
    share     E06000045  2021-22  -         -           -     yes
    printed   E06000045  2014-15  -         -           2.5   no
"""
RANKS = """
    indicator area       area_name             period   value rank_high rank_best lower upper
    rate      E06000045  Southampton           2014-15  70.4  2         3         1     3
    rate      a          Ayton                 2014-15  80    1         4         1     2
    rate      b          Avon_(for_Bristol)    2014-15  60    3         2         2     3
    rate      c          Ceton                 2014-15  10    4         1         4     4
    rate      E06000045  Southampton           2013-14  80    1         3         1     1
    rate      a          Ayton                 2013-14  80    1         3         1     1
    rate      c          Ceton                 2013-14  10    3         1         3     3
    printed   E06000045  Southampton           2014-15  2.5   1         2         1     2
    printed   a          Ayton                 2014-15  2.4   2         1         1     2
"""


def drawn(table: str, numbers: Sequence[str]) -> pd.DataFrame:
    head, *lines = (line.split() for line in table.strip().splitlines())
    frame = pd.DataFrame([dict(zip(head, line, strict=True)) for line in lines])
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name].replace("-", None))
    return frame.rename(columns={"area": "area_code"}).assign(dimension="all")


def changed_in_april_2016(key: str, area: str, earlier: Days, later: Days) -> Broken:
    inside = earlier.start < date(2016, 4, 1) <= later.end
    return Broken(("D9",), told={"D9": "1 April 2016: New rules, D9"}) if inside else Broken()


UNLIKE = (
    "not like for like: what is counted, or how, changed in between (1 April 2016: New rules, D9)."
)


def known(year: str = "2014-15", standing: Sequence[Row] = ()) -> DraftedFrom:
    values = drawn(VALUES, ["numerator", "denominator", "value"])
    values["complete"], values["suppressed_reason"] = True, None
    values["denominator_vintage"] = "2019"
    values["unit"] = values["indicator"].map(lambda key: DECLARED[key].unit)
    values.loc[values["value"].isna(), "suppressed_reason"] = "suppressed by the publisher: *"
    for name, factor in (("lower_95", 0.9), ("upper_95", 1.1)):
        values[name] = (values["value"] * factor).where(values["limits"] == "yes")
    ranks = drawn(RANKS, ["value", "rank_high", "rank_best", "lower", "upper"])
    ranks = ranks.rename(columns={"lower": "rank_lower_95", "upper": "rank_upper_95"})
    ranks["area_name"] = ranks["area_name"].str.replace("_", " ")
    ranks["comparison"], ranks["status"] = "peer_rank", "comparable"
    ranks["rank_of"] = ranks.groupby(["indicator", "period"])["value"].transform("count")
    groups = {"rate": "similar", "theft": "similar", "printed": "similar"}
    figures = claims.figures(HOME, values, ranks, groups, lambda *_: PEERS, changed_in_april_2016)
    return DraftedFrom(figures, DECLARED, standing, year, "Southampton", NAMES.__getitem__, False)


def drafted(year: str, claim: Claim, known_of: DraftedFrom | None = None) -> dict[str, Any]:
    (row,) = drafts.of([Assessment("t", HOME, "2014-15", (claim,))], known_of or known(year))
    return dict(row)


def draft(year: str = "2014-15", wording: Wording | None = None, **reading: Any) -> dict[str, Any]:
    """The draft for a year of one claim of 2014/15."""
    said = {name: reading.pop(name) for name in ("decimals", "rule") if name in reading}
    built = Reading(**{"name": "so", "period": "2014-15", "indicator": "theft", **reading})
    claim = Claim("C01", "s", "Said.", reading=(built,), **said)
    return drafted(year, Claim(**{**vars(claim), "draft": wording or Wording("thefts")}))


CHANGE: dict[str, Any] = {"figure": "change_of_count", "base": "2013-14"}
SINCE = Wording("the share", since="2013-14")


@pytest.mark.parametrize(
    ("year", "reading", "sentence"),
    [
        # 800 to 704: -12.00 % (-20.46 to -2.64)
        (
            "2014-15",
            {**CHANGE, "decimals": 1},
            "The number of thefts fell by 12.0% between 2013/14 and 2014/15 (likely between 2.6% "
            "and 20.5%).",
        ),
        (
            "2014-15",
            CHANGE,
            "The number of thefts fell by 12% between 2013/14 and 2014/15 (likely between 3% and "
            "20%).",
        ),
        # 704 to 720: the interval includes no change
        (
            "2015-16",
            CHANGE,
            "The number of thefts did not clearly change between 2014/15 and 2015/16 (+2%, likely "
            "between -8% and +13%).",
        ),
        # 720 to 1,100, across the change of definition; 52.8 %, "over" speaks of what is exceeded
        (
            "2016-17",
            {**CHANGE, "rule": "over"},
            "Southampton recorded over 52% more thefts in 2016/17 than in 2015/16 (likely between "
            f"39% and 68%). This is {UNLIKE}",
        ),
        # six years on: 0 to … has no percentage, nor has what no extract covers a figure
        (
            "2013-14",
            CHANGE,
            "Thefts: no figure, since it was 0 in 2012/13, of which there is no percentage.",
        ),
        ("2019-20", CHANGE, "Thefts: no figure, since no extract covers 2019/20."),
        # over five years it stays over five years
        (
            "2014-15",
            {**CHANGE, "base": "2009-10"},
            "The number of thefts fell by 30% between 2009/10 and 2014/15 (likely between 22% and "
            "36%).",
        ),
        (
            "2014-15",
            {**CHANGE, "figure": "change", "indicator": "rate"},
            "Thefts fell by 12% between 2013/14 and 2014/15 (likely between 3% and 20%).",
        ),
        # 30.0 to 43.2 %, of 1,000 each
        (
            "2014-15",
            {**CHANGE, "figure": "difference", "indicator": "share", "decimals": 1},
            "Thefts rose by 13.2 percentage points between 2013/14 and 2014/15 (likely between 9.0 "
            "and 17.3).",
        ),
        # published: 450 and 600 of 1,000, though no number is printed beside
        (
            "2020-21",
            {**CHANGE, "figure": "difference", "indicator": "share"},
            "Thefts rose by 15 percentage points between 2019/20 and 2020/21 (likely between 11 "
            "and 19).",
        ),
        (
            "2021-22",
            {**CHANGE, "figure": "difference", "indicator": "share"},
            "Thefts: no figure, since that for 2021/22 is not known: suppressed by the publisher: "
            "*.",
        ),
        (
            "2015-16",
            {"figure": "value", "indicator": "share", "area": ENGLAND},
            "Thefts, England: no figure, since no extract covers 2015/16.",
        ),
        (
            "2014-15",
            {"figure": "difference", "indicator": "survey", "period": "2015CY", "base": "2014CY"},
            "Thefts differed by +2 percentage points between 2014 and 2015 (no likely range can be "
            "given).",
        ),
        # own +2.27; peers +10, +4, -10: the middle is +4
        (
            "2015-16",
            {**CHANGE, "figure": "change_against_peers"},
            "Thefts: the change between 2014/15 and 2015/16 was +2% in Southampton, 2 percentage "
            "points below the middle one of 3 similar areas; in 2 of them the figure was higher "
            "than before (no likely range can be given).",
        ),
        (
            "2014-15",
            {"figure": "value", "indicator": "share", "decimals": 1},
            "Thefts stood at 43.2% in 2014/15 (likely between 38.9% and 47.5%).",
        ),
        (
            "2014-15",
            {"figure": "value", "indicator": "share", "rule": "over"},
            "Thefts stood at over 43% in 2014/15 (likely between 39% and 48%).",
        ),
        (
            "2014-15",
            {"figure": "value", "indicator": "rate", "decimals": 1},
            "Thefts stood at 70.4 per 1,000 residents in 2014/15 (likely between 63.4 and 77.4).",
        ),
        (
            "2014-15",
            {"figure": "value", "indicator": "share", "area": ENGLAND},
            "In England thefts stood at 38% in 2014/15 (likely between 34% and 42%); Southampton's "
            "43% is higher than that by more than chance explains.",
        ),
        (
            "2016-17",
            {"figure": "value", "indicator": "share", "area": ENGLAND},
            "In England thefts stood at 44% in 2016/17 (likely between 40% and 48%); Southampton's "
            "45% does not clearly differ from it.",
        ),
        (
            "2014-15",
            {"figure": "value", "indicator": "survey", "period": "2015CY"},
            "Thefts stood at 52% in 2015 (no likely range can be given).",
        ),
        (
            "2013-14",
            {
                "figure": "place_among",
                "indicator": "survey",
                "period": "2015CY",
                "among": ("other",),
            },
            "Thefts came joint 1st of 2 in 2014, counted from the largest: 50% (no likely range "
            "can be given).",
        ),
        (
            "2014-15",
            {
                "figure": "place_among",
                "indicator": "other",
                "period": "2015CY",
                "among": ("survey",),
            },
            "Thefts came 2nd of 2 in 2015, counted from the largest: 40% (no likely range can be "
            "given).",
        ),
        (
            "2014-15",
            {"figure": "members", "indicator": "", "group": "similar"},
            "In 2014/15 Southampton is compared with 3 similar areas: Ayton, City of Bristol and "
            "Ceton.",
        ),
    ],
)
def test_each_kind_of_figure_in_words(year: str, reading: dict[str, Any], sentence: str) -> None:
    assert draft(year, **reading)["sentence"] == sentence


FOUR = "The 4 are Southampton and its most similar areas, with Avon for Bristol."


@pytest.mark.parametrize(
    ("year", "reading", "sentence"),
    [
        (
            "2014-15",
            {"figure": "rank_high"},
            "Southampton is ranked 2nd highest of 4 for thefts in 2014/15: 70.4 per 1,000 "
            f"residents (likely between highest and 3rd highest). {FOUR}",
        ),
        # from the other end: places 1 to 3 of 4 are 2 to 4
        (
            "2014-15",
            {"figure": "rank_low"},
            "Southampton is ranked 3rd lowest of 4 for thefts in 2014/15: 70.4 per 1,000 residents "
            f"(likely between 2nd and 4th lowest). {FOUR}",
        ),
        (
            "2014-15",
            {"figure": "rank_best"},
            "Southampton is ranked 3rd best of 4 for thefts in 2014/15: 70.4 per 1,000 residents "
            f"(likely between 2nd and 4th best). The lowest is the best. {FOUR}",
        ),
        # two share the first place, and one of the group has no figure
        (
            "2013-14",
            {"figure": "rank_high"},
            "Southampton is ranked joint highest of 3 for thefts in 2013/14: 80.0 per 1,000 "
            "residents (no other place is likely). The 3 are Southampton and its most similar "
            "areas; 1 more has no figure.",
        ),
        (
            "2014-15",
            {"figure": "rank_high", "indicator": "printed"},
            "Southampton is ranked highest of 2 for thefts in 2014/15: 2.5 per 1,000 residents "
            "(between highest and 2nd highest, by rounding alone). The 2 are Southampton and its "
            "most similar areas; 2 more have no figure.",
        ),
        (
            "2015-16",
            {"figure": "rank_high"},
            "Thefts: no figure, since there is no rank for 2015/16.",
        ),
    ],
)
def test_a_rank_says_of_how_many_and_from_which_end(
    year: str, reading: dict[str, Any], sentence: str
) -> None:
    assert draft(year, **{"indicator": "rate", **reading})["sentence"] == sentence


@pytest.mark.parametrize(
    ("year", "status", "sentence"),
    [
        (
            "2014-15",
            "comparable",
            "The share stood at 43% in 2014/15 (likely between 39% and 48%). It rose by 13 "
            "percentage points between 2013/14 and 2014/15 (likely between 9 and 17).",
        ),
        ("2016-17", "stated", "It is not compared: no extract covers 2015/16."),
    ],
)
def test_a_level_that_was_published_as_a_change_is_compared(
    year: str, status: str, sentence: str
) -> None:
    row = draft(year, SINCE, indicator="share", figure="value")
    assert row["sentence"].endswith(sentence)
    assert row["status"] == status
    assert row["figures"].split()[-1].startswith(f"share/{HOME}/201")


def test_a_level_across_a_change_of_definition_was_recorded_as_higher() -> None:
    since = Wording("the share", since="2012-13")
    row = draft("2016-17", since, indicator="share", figure="value")
    assert row["sentence"].endswith(
        " It did not clearly change between 2014/15 and 2016/17, as recorded (+2 percentage "
        f"points, likely between -3 and +6). This is {UNLIKE}"
    )
    assert (row["status"], row["broken_by"]) == ("definition_changed", "D9")
    since = Wording("the share", since="2011-12")
    row = draft("2016-17", since, indicator="share", figure="value")
    assert (
        " It was recorded as 15 percentage points higher in 2016/17 than in 2013/14 (likely "
        in (row["sentence"])
    )


def test_the_caveat_stands_at_the_end_and_the_title_where_no_subject_is_declared() -> None:
    said = draft(wording=Wording(caveat="Mind this"), figure="count")["sentence"]
    assert said == (
        "Theft as declared stood at 704 crimes in 2014/15 (no likely range can be given). "
        "Mind this."
    )
    rate = draft(wording=Wording(), figure="change_of_count", base="2013-14")["sentence"]
    assert rate.startswith("Theft as declared fell by 12% between")


def test_what_a_sentence_states_stands_in_columns_with_its_key() -> None:
    row = draft("2016-17", **CHANGE)
    assert list(row) == [column.name for column in tables.DRAFT.columns]
    told = {
        "claim": "C01",
        "year": "2016-17",
        "assessment": "2014-15",
        "statement": "Said.",
        "indicator": "theft",
        "area_code": HOME,
        "figure": "change_of_count",
        "period": "2016-17",
        "base_period": "2015-16",
        "value": 1100.0,
        "base_value": 720.0,
        "change_unit": "percent",
        "status": "definition_changed",
        "broken_by": "D9",
        "figures": f"theft/{HOME}/2016-17 theft/{HOME}/2015-16",
        "rests_on": "change_of_count of theft, Southampton, 2016-17 against 2015-16",
    }
    assert {name: row[name] for name in told} == told
    assert row["change"] == pytest.approx(100 * 380 / 720)
    assert row["change_lower_95"] < row["change"] < row["change_upper_95"]
    ranked = draft(indicator="rate", figure="rank_low")
    assert [ranked[name] for name in ("rank", "rank_lower_95", "rank_upper_95")] == [3, 2, 4]
    assert (ranked["rank_of"], ranked["value"]) == (4, 70.4)
    country = draft(indicator="share", figure="value", area=ENGLAND)
    assert country["area_code"] == ENGLAND
    assert country["figures"] == f"share/{ENGLAND}/2014-15 share/{HOME}/2014-15"


@pytest.mark.parametrize(
    ("label", "year", "shifted"),
    [
        ("2009-10", "2015-16", "2010-11"),
        ("2015CY", "2015-16", "2016CY"),
        ("2014M10-P12M", "2016-17", "2016M10-P12M"),
        ("2014M12-P36M", "2013-14", "2013M12-P36M"),
        ("2014-03-31", "2014-15", "2014-03-31"),
    ],
)
def test_a_period_moves_as_many_years_as_the_assessment(
    label: str, year: str, shifted: str
) -> None:
    reading = Reading("so", "change", "2014-15", "theft", base=label)
    claim = Claim("C01", "s", "s", reading=(reading, reading), draft=Wording(since=label))
    moved = drafts.moved(claim, "2014-15", year)
    assert (moved.reading[0].base, moved.draft.since) == (shifted, shifted)
    assert (moved.reading[0].period, len(moved.reading)) == (year, 1)


def test_a_sentence_without_a_reading_says_why_there_is_no_figure() -> None:
    row = drafted("2015-16", Claim("C01", "s", "s", verdict="not_computable", reason="One event"))
    assert (row["sentence"], row["status"]) == ("No figure: one event.", "not_computable")
    elsewhere = Assessment("t", "b", "2014-15", (Claim("C01", "s", "s"),))
    assert drafts.of([elsewhere], known()) == []


# --- targets -------------------------------------------------------------------------------------

JUDGED = {
    "target": "T01",
    "claim": "C60",
    "measure": "so",
    "indicator": "theft",
    "baseline": 704.0,
    "target_value": 563.2,
    "current": 720.0,
    "verdict": "not_shown",
    "reason": "r",
    "base_period": "2014-15",
    "period": "2015-16",
    "change_lower_95": -7.9,
    "change_upper_95": 13.4,
}


@pytest.mark.parametrize(
    ("aim", "row", "sentence"),
    [
        (
            {"wants": "less", "by": 20},
            {},
            "Theft as declared: 704.0 in 2014/15 and 720.0 in 2015/16 (+2.3%, likely between -7.9% "
            "and +13.4%). Target by March 2017: 20% less than in 2014/15, 563.2 or less. That the "
            "target is met is not shown, since chance may explain the figures.",
        ),
        (
            {"wants": "less"},
            {"current": None, "period": None, "verdict": "not_measurable"},
            "Theft as declared: 704.0 in 2014/15; no later figure yet. Target by March 2017: less "
            "than in 2014/15.",
        ),
        (
            {"wants": "less"},
            {"period": "2016-17", "current": 1100.0, "verdict": "not_like_for_like"},
            "Theft as declared: 704.0 in 2014/15 and 1,100.0 in 2016/17. Target by March 2017: "
            "less than in 2014/15. Whether the target is met cannot be said: the figures are "
            f"{UNLIKE}",
        ),
        (
            {"wants": "at_least", "by": 70, "indicator": "share"},
            {"baseline": 66.7, "current": 70.1, "target_value": 70.0, "verdict": "met"},
            "Share as declared: 66.7% in 2014/15 and 70.1% in 2015/16. Target by March 2017: at "
            "least 70%. The target is met.",
        ),
        (
            {"wants": "better_rank", "indicator": "rate"},
            {"baseline": 13.0, "current": 14.0, "change_lower_95": None, "verdict": "not_met"},
            "Rate as declared: 13th place (1st is the best) in 2014/15 and 14th place (1st is the "
            "best) in 2015/16. Target by March 2017: a better place than in 2014/15. The target is "
            "not met.",
        ),
        (
            {"wants": "more", "indicator": "share"},
            {"baseline": None, "current": None, "verdict": "not_measurable"},
            "Share as declared: no figure for 2014/15. Target by March 2017: more than in 2014/15.",
        ),
    ],
)
def test_a_target_says_from_where_to_where_and_whether_it_is_met(
    aim: dict[str, Any], row: dict[str, Any], sentence: str
) -> None:
    built = Aim(**{"name": "so", "indicator": "theft", "base": "2014-15", **aim})
    made = standing((built,), {**JUDGED, **row, "indicator": built.indicator})
    assert made["sentence"] == f"“Be better.” {sentence}"
    assert (made["status"], made["figure"]) == ("target", "target")


def test_two_assessments_may_use_the_same_keys() -> None:
    claim = Claim("C60", "s", "Be better.", verdict="not_computable", reason="r")
    target = Target(
        "T01", "C60", "p", "a", "l", "lp", "2016-17", (Aim("so", "theft", "less", "2014-15"),)
    )
    both = [Assessment("t", HOME, year, (claim,), (target,)) for year in ("2013-14", "2014-15")]
    rows = [{**JUDGED, "baseline": 704.0}, {**JUDGED, "baseline": 800.0, "verdict": "met"}]
    made = drafts.of(both, known(standing=rows))
    assert [(row["assessment"], row["base_value"]) for row in made] == [
        ("2013-14", 704.0),
        ("2014-15", 800.0),
    ]
    assert ["The target is met." in row["sentence"] for row in made] == [False, True]


def standing(aims: tuple[Aim, ...], *rows: Row) -> dict[str, Any]:
    target = Target("T01", "C60", "p", "a", "l", "lp", "2016-17", aims)
    if not aims:
        target = Target(**{**vars(target), "verdict": "not_measurable", "reason": "No audit"})
    claim = Claim("C60", "s", "Be better.", verdict="not_computable", reason="r")
    assessment = Assessment("t", HOME, "2014-15", (claim,), (target,))
    (made,) = drafts.of([assessment], known(standing=rows))
    return dict(made)


def test_two_readings_of_one_target_tell_its_figures_once() -> None:
    aims = (
        Aim("so", "share", "more", "2014-15", 10),
        Aim("points", "share", "more", "2014-15", 10, "points"),
    )
    rows = [
        {
            **JUDGED,
            "measure": one.name,
            "indicator": "share",
            "target_value": level,
            "current": None,
        }
        for one, level in zip(aims, (70.8, 74.4), strict=True)
    ]
    made = standing(aims, *rows)
    assert made["sentence"].endswith(
        "704.0% in 2014/15; no later figure yet. Target by March 2017: 10% more than in 2014/15, "
        "70.8% or more. Or, read otherwise: 10 percentage points more than in 2014/15, 74.4% or "
        "more."
    )


def test_a_target_that_cannot_be_judged_says_why() -> None:
    row = {**dict.fromkeys(JUDGED), "target": "T01", "claim": "C60", "verdict": "not_measurable"}
    assert standing((), row)["sentence"] == (
        "“Be better.” Whether the target is met cannot be measured: no audit."
    )


# --- numbers in words ----------------------------------------------------------------------------


def test_no_number_that_is_there_is_printed_as_0() -> None:
    assert [phrases.size(one, 0) for one in (12.4, 0.4, 0.0004, 0.0)] == ["12", "0.4", "0.000", "0"]
    assert [phrases.signed(one, 0) for one in (12.4, -0.4, 0.0)] == ["+12", "-0.4", "0"]
    assert phrases.between_signed(-0.2, 8.0, 0, "%") == "between -0.2% and +8.0%"
    assert phrases.between_sizes(-8.0, -0.2, 0, "%") == "between 0.2% and 8.0%"
    assert phrases.between(37.7, 38.3, 0, "%") == "between 37.7% and 38.3%"
    assert phrases.between(38.0, 38.0, 0) == "between 38 and 38"


def test_over_speaks_of_the_number_that_is_exceeded() -> None:
    said = [phrases.over(one, 0) for one in (25.507, 90.0, 16.99999, 25.3)]
    assert said == ["over 25", "90", "over 16", "over 25"]
    assert phrases.over(25.3, 1) == "25.3"  # 253 tenths, not 252.99999999999997


# --- the sample ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(whole_sample: Path) -> dict[str, pd.DataFrame]:
    connection = Warehouse(whole_sample / "warehouse").read_release()
    wanted = ("mart.draft", "mart.finding", "mart.indicator_value")
    try:
        return {name: connection.execute(f"SELECT * FROM {name}").df() for name in wanted}
    finally:
        connection.close()


def test_every_sentence_of_the_assessment_is_drafted(made: dict[str, pd.DataFrame]) -> None:
    found = made["mart.draft"].set_index("claim")
    assert list(found.index) == [f"C{number:02d}" for number in range(1, 68)]
    assert Counter(found["status"]) == {
        "comparable": 11,
        "definition_changed": 11,
        "stated": 19,
        "target": 22,
        "not_computable": 4,
    }
    assert found["synthetic"].all()
    assert (found["year"] == "2014-15").all()
    assert not found["sentence"].str.contains(r"nan|None|  |\.\.|_").any()
    assert found.loc["C01", "sentence"] == (
        "The number of domestic burglaries fell by 31.7% between 2009/10 and 2014/15 (likely "
        "between 26.9% and 36.2%). The number is compared, not the rate per resident."
    )
    assert found.loc["C28", "sentence"] == (
        "Southampton recorded over 25% more reports of violent crime in 2014/15 than in 2013/14 "
        "(likely between 21% and 30%). This is not like for like: what is counted, or how, changed "
        "in between (15 January 2014 to 30 November 2014: police forces record crime more fully, "
        "D22; 18 November 2014 to 31 March 2015: an inspection finds that a fifth of crimes go "
        "unrecorded, D23). Over the same period calls for service to the police about violence "
        "did not clearly change (-0.6 %, likely -10.3 to +10.2 %); allowing for the change in "
        "recording (April 2014 and November 2014), the comparable change is -0.2 % (likely "
        "-13.2 to +14.7 %). 2014/15 had 14 days to settle before it was taken out, 2013/14 had 104 "
        "days: a newer extract may change 2014/15. Violent crime is here violence against the "
        "person."
    )


def test_no_draft_says_a_direction_that_its_figures_do_not_show(
    made: dict[str, pd.DataFrame],
) -> None:
    """By the counts of mart.indicator_value and the broken comparisons of mart.finding."""
    found = made["mart.draft"]
    values = made["mart.indicator_value"].query("dimension == 'all'")
    counts = values.set_index(["indicator", "area_code", "period"])["numerator"]
    keys = ["indicator", "area_code", "period", "base_period"]
    findings = made["mart.finding"].query("status == 'definition_changed'")
    broken = set(findings[keys].itertuples(index=False, name=None))
    saying: dict[str, str] = {}
    for row in found.to_dict("records"):
        if word := DIRECTION.search(row["sentence"]):
            saying[row["claim"]] = word[0]
            indicator, area, now, base = (row[name] for name in keys)
            x1, x0 = counts[indicator, area, now], counts[indicator, area, base]
            assert (indicator, area, now, base) not in broken and row["status"] == "comparable"
            clear = row["change_lower_95"] > 0 if word[0] == "rose" else row["change_upper_95"] < 0
            assert clear, row["claim"]
            # A count's change by the normal approximation of its logarithm.
            of_count = row["figure"] == "change_of_count"
            assert not of_count or abs(math.log(x1 / x0)) > 1.96 * math.sqrt(1 / x1 + 1 / x0)
    assert saying == {"C01": "fell", "C25": "rose"}


# --- the files -----------------------------------------------------------------------------------

ENTRY = """
[assessment]
title = "t"
area_code = "E06000045"
[C01]
section = "s"
statement = "s"
published = "1"
draft = { subject = "incidents", caveat = "Some are missed", since = "2013-14" }
reading = [{ name = "n", indicator = "asb_rate", figure = "value", period = "2014-15" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("subject", "subjects", "did you mean subject?"),
        (
            "Some are missed",
            "They fell",
            "no direction: that follows from the figures; got: 'fell'",
        ),
        ('"incidents"', '"rising incidents"', "got: 'rising'"),
        ("2013-14", "2013", "not a period"),
        ('"value", period', '"count", period', "only a level is compared since a period"),
    ],
)
def test_the_words_of_a_draft_are_read_strictly(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    indicators = registry.load().indicators
    file = tmp_path / "2014-15" / "claims.toml"
    file.parent.mkdir()
    file.write_text(ENTRY, encoding="utf-8")
    claim = assessments.load(indicators, tmp_path)[-1].claims[0]
    assert claim.draft == Wording("incidents", "Some are missed", "2013-14")
    assert old in ENTRY
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        assessments.load(indicators, tmp_path)
    assert words in str(refused.value)


def test_the_folder_of_an_assessment_says_its_year(tmp_path: Path) -> None:
    file = tmp_path / "ours" / "claims.toml"
    file.parent.mkdir()
    file.write_text(ENTRY, encoding="utf-8")
    with pytest.raises(Refused, match="named by its financial year"):
        assessments.load(registry.load().indicators, tmp_path)


@pytest.mark.parametrize("estimated", ["2013-14", "2014-15"])
def test_an_estimate_is_called_one_wherever_it_stands(estimated: str) -> None:
    def said(figure: str, of: DraftedFrom) -> str:
        base = "2013-14" if figure == "change_of_count" else ""
        reading = Reading("so", period="2014-15", base=base, indicator="theft", figure=figure)
        claim = Claim("C01", "s", "Said.", reading=(reading,), draft=Wording("thefts"))
        return str(drafted("2014-15", claim, of)["sentence"])

    of = known()
    values = dict(of.figures.values)
    key = "theft", HOME, estimated
    values[key] = {**values[key], "obs_status": "E"}
    marked = replace(of, figures=replace(of.figures, values=values))
    stands = "It rests in part on an estimate of the supplier."
    assert stands in said("change_of_count", marked)
    assert (stands in said("count", marked)) == (estimated == "2014-15")
    assert stands not in said("change_of_count", of) + said("count", of)
