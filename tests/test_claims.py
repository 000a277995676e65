"""Published sentences: when a figure is what a sentence says, each kind of reading, the loader."""

import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from safecity_pipeline import claims, registry
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.claims import Figures
from safecity_pipeline.model import Refused
from safecity_pipeline.registry import assessments
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.statements import Claim, Reading

HOME, PEER, OTHER, COUNTRY = "E06000045", "E06000023", "E06000038", "E92000001"


@pytest.mark.parametrize(
    ("published", "rule", "decimals", "tolerance", "holding", "failing"),
    [
        # claims.csv: accept [-31.75, -31.65)
        ("-31.7", "rounded", 1, 1, [-31.75, -31.7, -31.6501], [-31.7501, -31.65, 31.7]),
        ("12.5", "rounded", 1, 1, [12.45, 12.5499], [12.4499, 12.55]),
        ("47", "rounded", 0, 1, [46.5, 47.4999], [46.4999, 47.5]),
        ("1", "rounded", 0, 1, [1.0], [2.0, 0.0]),
        ("25", "over", 0, 1, [25.0001, 26.0], [25.0, 26.01, 24.9]),
        ("50", "just_under", 0, 2.5, [47.5, 49.9999], [50.0, 47.4999]),
        ("0", "not_above", 0, 1, [0.0, -12.0], [0.0001]),
        ("0", "within", 0, 5, [-5.0, 5.0, 0.1], [5.0001, -5.0001]),
    ],
)
def test_when_a_figure_is_what_the_sentence_says(
    published: str,
    rule: str,
    decimals: int,
    tolerance: float,
    holding: Sequence[float],
    failing: Sequence[float],
) -> None:
    claim = Claim("C", "s", "s", published, "", rule, decimals, tolerance)
    assert [value for value in holding if not claims.holds(claim, value)] == []
    assert [value for value in failing if claims.holds(claim, value)] == []
    assert not claims.holds(claim, None)


# --- readings ------------------------------------------------------------------------------------

VALUES = """
    indicator area      period  numerator value complete
    theft     E06000045 2013-14 200       10.0  yes
    theft     E06000045 2014-15 250       12.0  yes
    theft     E06000023 2013-14 400       20.0  yes
    theft     E06000023 2014-15 440       22.0  yes
    theft     E06000038 2013-14 100       5.0   yes
    theft     E06000038 2014-15 130       6.5   yes
    theft     E92000001 2014-15 9000      8.0   yes
    theft     E06000045 2015-16 30        1.0   no
    theft     E06000045 2009-10 0         0.0   yes
    theft     E06000045 2011-12 160       8.0   yes
    theft     E06000045 2012-13 180       9.0   yes
    litter    E06000045 2014-15 -         70.0  yes
    noise     E06000045 2014-15 -         60.0  yes
    drink     E06000045 2014-15 -         70.0  yes
    hidden    E06000045 2014-15 -         -     yes
"""
RANKS = """
    indicator area      period  value rank_high rank_best rank_of status
    theft     E06000045 2014-15 12.0  2         2         3       comparable
    theft     E06000023 2014-15 22.0  1         3         3       comparable
    theft     E06000038 2014-15 6.5   3         1         3       comparable
    theft     E06000045 2015-16 1.0   1         1         3       part_year
"""


def table(drawn: str) -> pd.DataFrame:
    head, *lines = (line.split() for line in drawn.strip().splitlines())
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    numbers = {"numerator", "value", "rank_high", "rank_best", "rank_of"}
    for row in rows:
        row["area_code"] = row.pop("area")
        for name in numbers & set(row):
            row[name] = math.nan if row[name] == "-" else float(row[name])  # type: ignore[assignment]
    return pd.DataFrame(rows)


def changed_in_april_2014(key: str, area: str, earlier: Days, later: Days) -> Broken:
    inside = earlier.start < date(2014, 4, 1) <= later.end
    own = ("D99",) if area == OTHER else ()  # a change of one peer's force
    return Broken(("D22", *own), ("D09",)) if inside else Broken()


@pytest.fixture(scope="module")
def figures() -> Figures:
    values = table(VALUES).assign(dimension="all", lower_95=1.0, upper_95=99.0)
    values["denominator"] = 1000 * values["numerator"] / values["value"]
    values["complete"] = values["complete"] == "yes"
    values["denominator_vintage"] = "2019"
    values.loc[values["period"] == "2011-12", "denominator_vintage"] = "2012"
    values["unit"] = "per 1,000"
    values["suppressed_reason"] = "suppressed by the publisher: *"
    ranks = table(RANKS).assign(dimension="all", comparison="peer_rank")
    ranks["rank_lower_95"], ranks["rank_upper_95"] = 2, 3
    groups = {"theft": "similar"}
    return claims.figures(
        HOME, values, ranks, groups, lambda *_: (PEER, OTHER), changed_in_april_2014
    )


def judged(figures: Figures, *readings: dict[str, Any], **said: Any) -> dict[str, Any]:
    built = tuple(Reading(**{"name": "so", "period": "2014-15", **one}) for one in readings)
    claim = Claim(**{"claim": "C01", "section": "s", "statement": "Said.", **said}, reading=built)
    (row,) = claims.of([Assessment("t", HOME, "2014-15", (claim,))], figures, False)
    return dict(row)


@pytest.mark.parametrize(
    ("reading", "computed"),
    [
        ({"figure": "value"}, 12.0),
        ({"figure": "value", "area": COUNTRY}, 8.0),
        ({"figure": "count"}, 250.0),
        ({"figure": "change", "base": "2013-14"}, 20.0),  # 100 (12 / 10 - 1)
        ({"figure": "change_of_count", "base": "2013-14"}, 25.0),  # 100 (250 / 200 - 1)
        ({"figure": "difference", "base": "2013-14"}, 2.0),
        # counts: own +25; peers +10 and +30, of which the middle is +20
        ({"figure": "change_against_peers", "base": "2013-14"}, 5.0),
        ({"figure": "rank_high"}, 2.0),
        ({"figure": "rank_low"}, 2.0),
        ({"figure": "rank_low", "area": OTHER}, 1.0),
        ({"figure": "rank_best", "area": PEER}, 3.0),
        ({"figure": "members", "indicator": "", "group": "similar"}, 2.0),
        # two share the first place: neither comes before the other
        ({"figure": "place_among", "indicator": "litter", "among": ("noise", "drink")}, 1.0),
        ({"figure": "place_among", "indicator": "noise", "among": ("litter", "drink")}, 3.0),
    ],
)
def test_each_kind_of_figure(figures: Figures, reading: dict[str, Any], computed: float) -> None:
    row = judged(figures, {"indicator": "theft", **reading}, published=str(computed), decimals=2)
    assert row["computed"] == pytest.approx(computed)
    assert row["verdict"] == "reproduced"
    blank = judged(figures, {"indicator": "theft", **reading}, published="")
    assert (blank["computed"], blank["verdict"]) == (row["computed"], "not_computable")


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        ({"figure": "value", "period": "2015-16"}, "cover only a part"),
        ({"figure": "value", "period": "2005-06"}, "no figure for 2005-06"),
        ({"figure": "value", "indicator": "hidden"}, r"suppressed by the publisher: \*"),
        ({"figure": "count", "indicator": "litter"}, "no numerator is known"),
        ({"figure": "change", "base": "2009-10"}, "divided by 0"),
        ({"figure": "rank_high", "indicator": "litter"}, "no rank"),
        ({"figure": "rank_high", "period": "2015-16"}, "ranked is a part: part_year"),
        ({"figure": "change_against_peers", "base": "2009-10"}, "0 of 2 peers have a figure"),
    ],
)
def test_what_cannot_be_computed_says_why(
    figures: Figures, reading: dict[str, Any], why: str
) -> None:
    row = judged(figures, {"indicator": "theft", **reading}, published="1")
    assert (row["computed"], row["verdict"]) == (None, "not_computable")
    assert pd.Series([row["reason"]]).str.contains(why).all()


def test_the_reading_that_comes_out_is_named_and_the_others_stand_beside_it(
    figures: Figures,
) -> None:
    number = {"name": "number", "indicator": "theft", "figure": "change_of_count"}
    rate = {"name": "rate", "indicator": "theft", "figure": "change"}
    both = [{**one, "base": "2013-14"} for one in (number, rate)]
    said = judged(figures, *both, published="20", caveat="Mind this")
    assert (said["verdict"], said["computed"], said["reading"]) == ("reproduced", 20.0, "rate")
    assert said["reason"] == "reproduced by: rate. other readings: number: 25. Mind this"
    neither = judged(figures, *both, published="30")
    assert (neither["verdict"], neither["computed"]) == ("differs", 25.0)
    assert neither["reason"] == "number: 25; rate: 20"


@pytest.mark.parametrize(
    ("reading", "limits"),
    [
        ({"figure": "value"}, (1.0, 99.0)),
        # 250 against 200: statistics.change(200, 250)
        ({"figure": "change_of_count", "base": "2013-14"}, (3.8, 50.5)),
        # the same counts over 20,833 and 20,000: 1.0382 × 20,000 / 20,833 = 0.9967
        ({"figure": "change", "base": "2013-14"}, (-0.3, 44.5)),
        ({"figure": "difference", "base": "2013-14"}, (None, None)),  # not a share
        ({"figure": "change_against_peers", "base": "2013-14"}, (None, None)),
        ({"figure": "rank_high", "area": OTHER}, (2.0, 3.0)),
        ({"figure": "rank_low", "area": OTHER}, (1.0, 2.0)),
        ({"figure": "rank_best", "area": OTHER}, (1.0, 2.0)),  # low is good
        ({"figure": "rank_best"}, (1.0, 2.0)),  # in the middle, where both ends are the same place
    ],
)
def test_the_limits_of_each_kind_of_figure(
    figures: Figures, reading: dict[str, Any], limits: tuple[float | None, float | None]
) -> None:
    row = judged(figures, {"indicator": "theft", **reading}, published="1")
    assert (row["computed_lower_95"], row["computed_upper_95"]) == (
        pytest.approx(limits[0], abs=0.05) if limits[0] is not None else None,
        pytest.approx(limits[1], abs=0.05) if limits[1] is not None else None,
    )


def test_a_claim_can_be_reproduced_across_a_change_of_definition(figures: Figures) -> None:
    change = {"indicator": "theft", "figure": "change", "base": "2013-14"}
    row = judged(figures, change, published="20")
    told = {name: row[name] for name in ("verdict", "comparability", "broken_by")}
    assert told == {
        "verdict": "reproduced",
        "comparability": "definition_changed",
        "broken_by": "D22 D09",
    }
    peers = judged(figures, {**change, "figure": "change_against_peers"}, published="5")
    assert peers["broken_by"] == "D22 D99 D09"
    assert peers["reason"] == "reproduced by: so (2 of 2 peers rose, 2 in the group)"
    level = judged(figures, {"indicator": "theft", "figure": "value"}, published="12")
    assert (level["comparability"], level["broken_by"]) == (None, None)


@pytest.mark.parametrize(
    ("figure", "broken"),
    [
        ("change", "denominator_vintage"),
        ("difference", "denominator_vintage"),
        ("change_of_count", None),
    ],
)
def test_two_editions_of_the_denominator_are_a_change_of_definition(
    figures: Figures, figure: str, broken: str | None
) -> None:
    reading = {"indicator": "theft", "figure": figure, "base": "2011-12", "period": "2012-13"}
    row = judged(figures, reading, published="1")
    assert row["broken_by"] == broken
    assert row["comparability"] == ("definition_changed" if broken else "comparable")


def test_a_claim_that_differs_is_a_warning_that_names_the_sentence(figures: Figures) -> None:
    value = {"indicator": "theft", "figure": "value"}
    rows = [judged(figures, value, published="12"), judged(figures, value, published="13")]
    found = claims.check(rows)
    assert (found.passed, found.severity, found.failed_rows) == (False, "WARN", 1)
    assert found.message == "C01 “Said.”: published 13, computed 12"
    guarded = claims.check(rows, {"theft"})
    assert guarded.message == "C01 “Said.”: published 13, computed another figure, see mart.claim"
    assert claims.check(rows[:1]).passed


def test_claims_about_another_area_are_not_judged(figures: Figures) -> None:
    claim = Claim("C01", "s", "s", verdict="not_computable", reason="r")
    assert claims.of([Assessment("t", PEER, "2014-15", (claim,))], figures, False) == []


# --- the files -----------------------------------------------------------------------------------

ENTRY = """
[assessment]
title = "t"
area_code = "E06000045"
[C01]
section = "s"
statement = "s"
published = "1"
reading = [{ name = "n", indicator = "asb_rate", figure = "value", period = "2014-15" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("asb_rate", "asb_rat", "; did you mean asb_rate?"),
        ('"value"', '"valu"', "unknown figure; got: 'valu'; known: value, count"),
        ("2014-15", "2014-16", "not a period"),
        ("published", "publisht", "unknown key; got: 'publisht'; did you mean published"),
        ('"1"', '"31.7%"', "published is a number; got: '31.7%'"),
        ('"value"', '"change"', "a change has a base"),
        ('"asb_rate", figure = "value"', '"drug_seizures", figure = "rank_high"', "is ranked"),
        ('title = "t"', "", "title is missing"),
        ("reading = [", "other = [", "unknown key"),
        ('published = "1"', 'published = "1"\nrule = "about"', "unknown rule"),
        ('published = "1"', 'verdict = "not_computable"', "readings, or a verdict"),
        ("[C01]", "[C01", "not TOML"),
    ],
)
def test_the_loader_refuses_what_it_does_not_understand(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    indicators = registry.load().indicators
    file = tmp_path / "2014-15" / "claims.toml"
    file.parent.mkdir()
    file.write_text(ENTRY, encoding="utf-8")
    assert len(assessments.load(indicators, tmp_path)[-1].claims) == 1
    assert old in ENTRY
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused, match=re.escape("2014-15/claims.toml")) as refused:
        assessments.load(indicators, tmp_path)
    assert words in str(refused.value)
