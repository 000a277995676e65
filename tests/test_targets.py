"""Targets: met only where chance is no likely reason, by the interval of the change."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from safecity_pipeline import compare, period, registry, targets
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.compare import Series, Value
from safecity_pipeline.model import Finding, Indicator, Part, Refused, Row
from safecity_pipeline.registry import assessments
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.aims import Aim, Target
from safecity_pipeline.registry.assessments.statements import Claim
from safecity_pipeline.targets import Known

HOME = "E06000045"


def indicator(kind: str) -> Indicator:
    part = Part("any")
    of = None if kind == "count" else part
    return Indicator("x", "X", "s", "u", kind, 100, "asb", "low_is_good", (), part, of)


def value(label: str, numerator: float, denominator: float | None, complete: bool) -> Value:
    year = period.parse(label)
    days = (year.start, year.start, year.end)
    return Value(label, "year", *days, complete, numerator, denominator)


def changed_in_2016(area_code: str, earlier: Days, later: Days) -> Broken:
    changed = earlier.start < date(2016, 4, 1) <= later.end
    return Broken(("D27",)) if changed else Broken()


def ranks_changed_in_2016(one: Indicator, earlier: Days, later: Days) -> Broken:
    return changed_in_2016(HOME, earlier, later)


def rank(best: int, lower: int, upper: int, **other: object) -> Row:
    named = {"rank_best": best, "rank_of": 15, "status": "comparable", "comparator": "group 2015"}
    return {**named, "rank_lower_95": lower, "rank_upper_95": upper, **other}


def judged(
    aim: dict[str, Any],
    counts: dict[str, float],
    of: float | None = None,
    ranks: dict[tuple[str, str], Row] | None = None,
    part_year: str = "",
) -> dict[str, Any]:
    """The row of one target, from counts by year (out of `of`, where that is a share)."""
    kind = "count" if of is None else "proportion"
    series = Series(HOME, "Southampton", False)
    for label, count in counts.items():
        series.values[label] = value(label, count, of, label != part_year)

    def against(one: Indicator, its: Series, label: str, base: str) -> Finding:
        return compare.against(one, its, label, base, changed_in_2016)

    known = Known(
        HOME, {"x": indicator(kind)}, {"x": series}, ranks or {}, against, ranks_changed_in_2016
    )
    built = Aim(**{"name": "so", "indicator": "x", "wants": "less", "base": "2013-14", **aim})
    target = Target("T01", "C60", "p", "a", "l", "lp", "2016-17", (built,))
    (row,) = targets.of([Assessment("t", HOME, "2014-15", (), (target,))], known, False)
    return dict(row)


@pytest.mark.parametrize(
    ("aim", "counts", "of", "verdict"),
    [
        # 800 to 704 is -12.0 % (-20.5 to -2.6)
        ({}, {"2013-14": 800, "2014-15": 704}, None, "met"),
        ({"wants": "more"}, {"2013-14": 800, "2014-15": 704}, None, "not_met"),
        # 20 to 16 is -20 % (-58 to +53): the fifth is reached, and nothing is shown
        ({"by": 20}, {"2013-14": 20, "2014-15": 16}, None, "not_shown"),
        # 100 to 65 is -35 % (-52 to -11)
        ({"by": 20}, {"2013-14": 100, "2014-15": 65}, None, "met"),
        # a fall that is shown: -20.5 reaches what was aimed at, and -2.6 does not
        ({"by": 20}, {"2013-14": 800, "2014-15": 704}, None, "not_shown"),
        # 8000 to 7040 is -12 % (-14.7 to -9.2): all of it falls short of -20
        ({"by": 20}, {"2013-14": 8000, "2014-15": 7040}, None, "not_met"),
        ({}, {"2013-14": 800, "2014-15": 800}, None, "not_shown"),
        # 64.4 % of 1,000 to 71 %: reaches 70.8 (10 per cent), not 74.4 (10 points)
        ({"wants": "more", "by": 10}, {"2013-14": 644, "2014-15": 710}, 1000, "met"),
        (
            {"wants": "more", "by": 10, "unit": "points"},
            {"2013-14": 644, "2014-15": 710},
            1000,
            "not_shown",
        ),
        ({"wants": "at_least", "by": 70}, {"2013-14": 60, "2014-15": 70}, 100, "met"),
        ({"wants": "at_least", "by": 70}, {"2013-14": 60, "2014-15": 69}, 100, "not_met"),
        ({}, {"2013-14": 800}, None, "not_measurable"),
        ({}, {"2014-15": 800}, None, "not_measurable"),
        # after the target's date there is nothing to be judged
        ({}, {"2013-14": 800, "2017-18": 10}, None, "not_measurable"),
        # the definition changed on 1 April 2016
        ({}, {"2013-14": 800, "2016-17": 10}, None, "not_like_for_like"),
    ],
)
def test_verdicts(
    aim: dict[str, Any], counts: dict[str, float], of: float | None, verdict: str
) -> None:
    assert judged(aim, counts, of)["verdict"] == verdict


def test_a_row_says_from_where_to_where_and_by_how_much() -> None:
    row = judged({"by": 20}, {"2013-14": 20, "2014-15": 18, "2015-16": 16})
    told = {name: row[name] for name in ("baseline", "target_value", "current", "period", "due")}
    assert told == {
        "baseline": 2000.0,  # per 100
        "target_value": 1600.0,
        "current": 1600.0,
        "period": "2015-16",
        "due": "2016-17",
    }
    assert (round(row["change_lower_95"]), round(row["change_upper_95"])) == (-58, 53)
    assert row["reason"] == "change -20.0 % (-58.1 to +52.6)"


def test_a_year_that_is_not_whole_is_not_judged() -> None:
    counts = {"2013-14": 800.0, "2014-15": 704.0, "2015-16": 1.0}
    row = judged({}, counts, part_year="2015-16")
    assert (row["period"], row["verdict"]) == ("2014-15", "met")


@pytest.mark.parametrize(
    ("place", "limits", "verdict"),
    [(3, (2, 4), "met"), (13, (12, 15), "not_met"), (6, (5, 9), "not_shown")],
)
def test_a_better_place_is_one_beyond_the_intervals(
    place: int, limits: tuple[int, int], verdict: str
) -> None:
    ranks = {("x", "2013-14"): rank(9, 7, 11), ("x", "2014-15"): rank(place, *limits)}
    row = judged({"wants": "better_rank"}, {"2013-14": 1}, ranks=ranks)
    assert (row["verdict"], row["baseline"], row["current"]) == (verdict, 9.0, float(place))


@pytest.mark.parametrize(
    ("later", "other", "verdict"),
    [
        ("2015-16", {}, "met"),
        ("2016-17", {}, "not_like_for_like"),  # the definition changed on 1 April 2016
        ("2015-16", {"comparator": "group 2016"}, "not_like_for_like"),
        ("2015-16", {"rank_of": 6}, "not_like_for_like"),  # nine have sent no figure
        ("2015-16", {"status": "part_year"}, "not_measurable"),
        ("2015-16", {"rank_best": None}, "not_measurable"),
    ],
)
def test_places_are_compared_like_for_like_only(
    later: str, other: dict[str, object], verdict: str
) -> None:
    ranks = {("x", "2013-14"): rank(9, 7, 11), ("x", later): rank(3, 2, 4, **other)}
    row = judged({"wants": "better_rank"}, {"2013-14": 1}, ranks=ranks)
    assert row["verdict"] == verdict


def test_a_target_that_cannot_be_judged_says_why() -> None:
    target = Target("T1", "C45", "p", "a", "l", "lp", "2016-17", (), "not_measurable", "No audit")
    known = Known(HOME, {}, {}, {}, compare.against, ranks_changed_in_2016)
    (row,) = targets.of([Assessment("t", HOME, "2014-15", (), (target,))], known, True)
    assert (row["verdict"], row["reason"], row["synthetic"]) == ("not_measurable", "No audit", True)


ENTRY = """
[T01]
claim = "C39"
priority = "p"
action = "a"
lead_agency = "l"
lead_partnership = "lp"
due = "2016-17"
aim = [{ name = "n", indicator = "asb_rate", wants = "less", base = "2014-15" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("C39", "C93", "unknown claim; got: 'C93'"),
        ("asb_rate", "asb_rat", "did you mean asb_rate?"),
        ('"less"', '"fewer"', "unknown wants; got: 'fewer'"),
        ('"2014-15"', '"14/15"', "base is not a period"),
        ('due = "2016-17"', "", "due is missing"),
        ("aim = [", "aims = [", "unknown key; got: 'aims'; did you mean aim?"),
    ],
)
def test_the_loader_refuses_what_it_does_not_understand(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    indicators = registry.load().indicators
    claims = [Claim("C39", "s", "s", verdict="not_computable", reason="r")]
    file = tmp_path / "targets.toml"
    file.write_text(ENTRY, encoding="utf-8")
    assert len(assessments.aims.load(file, indicators, claims)) == 1
    assert old in ENTRY
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        assessments.aims.load(file, indicators, claims)
    assert words in str(refused.value)
