"""Disclosure control: small numbers, and what would give them away, on drawn tables and at random.

Each table below is drawn as it would be published; a figure in it is one number.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from attack import Attacker, numbers_in
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from safecity_pipeline import disclosure, registry, shareable, sharing, tables, warehouse
from safecity_pipeline.disclosure import RULES, Sum
from safecity_pipeline.model import Indicator, Part, Refused
from safecity_pipeline.registry import Registry
from safecity_pipeline.warehouse import Warehouse

LEAST = 5.0


@pytest.fixture(scope="module")
def known() -> Registry:
    return registry.load()


# --- one number --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "shown", "hides"),
    [
        ("none", [0, 1, 4], []),
        ("under_5", [0, 5, -5], [1, 4, -4]),
        ("under_8", [0, 8], [7]),
        ("hospital", [0, 8], [1, 7]),
    ],
)
def test_what_is_small_by_each_rule(rule: str, shown: list[int], hides: list[int]) -> None:
    assert not any(RULES[rule].hides(count) for count in shown)
    assert all(RULES[rule].hides(count) for count in hides)


def test_the_hospital_rule_rounds_to_five_half_away_from_nought() -> None:
    counts = [0, 8, 12, 12.5, 13, 17, 18, -8]
    assert [RULES["hospital"].rounded(one) for one in counts] == [0, 10, 10, 15, 15, 15, 20, -10]


def test_the_strictest_rule_holds_for_several_sources_and_every_source_has_a_known_one(
    known: Registry,
) -> None:
    assert disclosure.strictest(["under_5", "none", "hospital"]) == "hospital"
    assert {source.disclosure for source in known.sources.values()} <= set(RULES)
    with pytest.raises(Refused, match="a known rule of disclosure; got: 'under_10'"):
        disclosure.rule("under_10")


# --- sums --------------------------------------------------------------------------------------


def hidden(counts: dict[Any, float], sums: list[Sum]) -> set[str]:
    """The cells that are hidden, where every cell is a figure of its own."""
    cells = list(counts)
    least = dict.fromkeys(cells, LEAST)
    places = disclosure.hidden(counts, [[cell] for cell in cells], sums, least)
    return {cells[place] for place in places}


@pytest.mark.parametrize(
    ("parts", "total", "expected"),
    [
        # total - 9 - 20 = 3: the next smallest goes with it
        ({"a": 3, "b": 9, "c": 20}, 32, {"a", "b"}),
        # two are hidden, but 30 - 27 = 3 is small itself
        ({"a": 1, "b": 2, "c": 27}, 30, {"a", "b", "c"}),
        # 2 + 3 = 5 may be known
        ({"a": 2, "b": 3, "c": 27}, 32, {"a", "b"}),
        # a 0 says nothing, and stands; the whole is small too
        ({"a": 3, "b": 0, "c": 0}, 3, {"a", "total"}),
        ({"a": 0, "b": 0}, 0, set()),
        ({"a": 5, "b": 6}, 11, set()),
    ],
)
def test_what_is_hidden_beside_a_small_part(
    parts: dict[str, float], total: float, expected: set[str]
) -> None:
    assert hidden({**parts, "total": total}, [Sum("total", tuple(parts))]) == expected


def test_a_total_that_stands_elsewhere_counts_as_known() -> None:
    parts: dict[str, float] = {"race": 8, "faith": 3, "disability": 6}
    assert hidden(parts, [Sum(None, tuple(parts))]) == {"faith", "disability"}
    assert hidden(parts, []) == {"faith"}


def test_a_figure_of_several_numbers_falls_as_one_and_a_number_in_all_its_figures() -> None:
    """3 of 40 and 37 others; the 40 stands in a rate as well, and 40 of 50 elsewhere."""
    counts: dict[Any, float] = {"cases": 3.0, "all": 40.0, "rest": 37.0, "other": 12.0}
    figures = [["cases", "all", "rest"], ["all"], ["cases", "other"], ["other"]]
    least = dict.fromkeys(counts, LEAST)
    assert disclosure.hidden(counts, figures, [], least) == {0, 2}


def test_what_two_figures_that_stand_give_away_of_a_third_is_hidden_with_it() -> None:
    """38 of 40: the share is hidden for the other 2; with 38 and 40 printed as counts they are
    known all the same, so that one of the counts goes: the smaller."""
    counts: dict[Any, float] = {"cases": 38.0, "all": 40.0, "rest": 2.0}
    figures = [["cases", "all", "rest"], ["cases"], ["all"]]
    of_share = [Sum("all", ("cases", "rest"))]
    least = dict.fromkeys(counts, LEAST)
    assert disclosure.hidden(counts, figures, of_share, least) == {0, 1}


TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 12), min_size=width, max_size=width), min_size=1, max_size=6
    )
)


@given(TABLES)
@hypothesis_settings(max_examples=300, deadline=None)
def test_no_hidden_cell_of_any_table_with_totals_follows_by_subtraction(
    table: list[list[int]],
) -> None:
    cells, sums = _with_totals(table)
    gone = hidden(cells, sums)
    assert not [cell for cell, count in cells.items() if 0 < count < LEAST and cell not in gone]
    assert not [cell for cell in gone if cells[cell] == 0]
    seen = {cell: count for cell, count in cells.items() if cell not in gone}
    while new := _subtracted(seen, sums):
        seen |= new
    assert not gone & set(seen)
    for one in sums:
        together = sum(cells[part] for part in one.parts if part in gone)
        assert one.whole in gone or together == 0 or together >= LEAST


def _with_totals(table: list[list[int]]) -> tuple[dict[str, float], list[Sum]]:
    rows, columns = range(len(table)), range(len(table[0]))
    cells: dict[str, float] = {f"{r}/{c}": float(table[r][c]) for r in rows for c in columns}
    cells |= {f"{r}/all": float(sum(table[r])) for r in rows}
    cells |= {f"all/{c}": float(sum(table[r][c] for r in rows)) for c in columns}
    cells["all/all"] = float(sum(map(sum, table)))
    sums = [Sum(f"{r}/all", tuple(f"{r}/{c}" for c in columns)) for r in [*rows, "all"]]
    sums += [Sum(f"all/{c}", tuple(f"{r}/{c}" for r in rows)) for c in [*columns, "all"]]
    return cells, sums


def _subtracted(seen: dict[str, float], sums: list[Sum]) -> dict[str, float]:
    """What follows from what is seen, by one sum each."""
    new: dict[str, float] = {}
    for one in sums:
        terms = [*map(str, one.parts), str(one.whole)]
        unknown = [term for term in terms if term not in seen]
        if len(unknown) == 1:
            known = sum(seen[part] for part in map(str, one.parts) if part in seen)
            whole = unknown[0] == one.whole
            new[unknown[0]] = known if whole else seen[str(one.whole)] - known
    return new


# --- values ------------------------------------------------------------------------------------

AREA = "E06000045"
CASES = Part("police_crime", "hate")
COUNT = Indicator("n", "N", "s", "crimes", "count", 1, "asb", "none", (), CASES)
SHARE = replace(
    COUNT,
    indicator="share",
    kind="proportion",
    per=100,
    numerator=Part("mediation", "outcome = 'resolved'"),
    denominator=Part("mediation"),
)


def row(
    indicator: Indicator,
    period: str,
    cases: float,
    base: float | None = None,
    by: tuple[str, str] = ("all", "all"),
) -> dict[str, Any]:
    """A row of mart.indicator_value of a financial year (2014-15) or a month of it (2014M04)."""
    year = "-" in period
    first = date(int(period[:4]), 4 if year else int(period[5:]), 1)
    months = 12 if year else 1
    last = pd.Timestamp(first) + pd.offsets.MonthEnd(months)
    value = cases if base is None else 100 * cases / base
    return {
        "indicator": indicator.indicator,
        "area_code": AREA,
        "area_name": "Southampton",
        "period": period,
        "period_kind": "year" if year else "month",
        "dimension": by[0],
        "dimension_value": by[1],
        **dict.fromkeys(("period_start", "coverage_start"), pd.Timestamp(first)),
        **dict.fromkeys(("period_end", "coverage_end"), last),
        "months_covered": months,
        "complete": True,
        "numerator": float(cases),
        "denominator": float("nan") if base is None else float(base),
        "value": float(value),
        "lower_95": value / 2,
        "upper_95": value * 2,
        "obs_status": "A",
        "suppressed_reason": None,
    }


def shown(rows: list[dict[str, Any]], known: Registry, *indicators: Indicator) -> pd.DataFrame:
    declared = {one.indicator: one for one in indicators}
    return shareable.values(pd.DataFrame(rows), declared, known.sources)


def told(rows: pd.DataFrame) -> list[float | None]:
    """The numerators, None where the row is hidden; of a hidden one nothing stands."""
    gone = rows["suppressed_reason"] == shareable.WHY
    assert rows.loc[gone, shareable.FIGURES].isna().all(axis=None)
    assert set(rows.loc[gone, "obs_status"]) <= {"C"} and rows.loc[~gone, "value"].notna().all()
    return [None if away else n for away, n in zip(gone, rows["numerator"], strict=True)]


def test_the_year_and_eleven_months_do_not_give_the_twelfth(known: Registry) -> None:
    months = [9, 3, 8, 0, 10, 11, 12, 13, 14, 15, 16, 17]
    rows = [
        row(COUNT, f"{2014 + (at > 8)}M{(at + 3) % 12 + 1:02d}", n) for at, n in enumerate(months)
    ]
    rows.append(row(COUNT, "2014-15", sum(months)))
    #                                          9   3     8        0  and the rest as they are
    assert told(shown(rows, known, COUNT)) == [9, None, None, *months[3:], sum(months)]


def test_parts_of_a_list_are_no_parts_of_the_whole_but_of_the_flags(known: Registry) -> None:
    by_strand = replace(COUNT, by=("hate_strand",))
    parts = {"racial": 30, "disability": 3, "transgender": 7, "not known": 2}
    rows = [row(by_strand, "2014-15", n, by=("hate_strand", each)) for each, n in parts.items()]
    rows.append(row(by_strand, "2014-15", 40))
    # "not known" is hidden too, but is no flag: the flags alone give the 3 away, so the 7 goes.
    assert told(shown(rows, known, by_strand)) == [30, None, None, None, 40]


@pytest.mark.parametrize(
    ("cases", "base", "stands"),
    [
        (3, 40, False),  # few cases
        (38, 40, False),  # few others: 95 % of 40 says as much
        (0, 3, False),  # few of them at all
        (0, 40, True),
        (40, 40, True),
        (5, 10, True),
    ],
)
def test_a_share_falls_with_few_cases_few_others_or_few_of_them(
    known: Registry, cases: int, base: int, stands: bool
) -> None:
    found = told(shown([row(SHARE, "2014-15", cases, base)], known, SHARE))
    assert found == [cases if stands else None]


def test_a_published_percentage_of_a_known_number_gives_its_cases_away(known: Registry) -> None:
    """The publisher prints no cases, but 15 % of 20 are 3."""
    printed = replace(
        SHARE, kind="published", unit="per cent", value=Part("mediation", "true", "v")
    )
    rows = [row(printed, label, n, 20) for label, n in (("2013-14", 3), ("2014-15", 10))]
    for each in rows:
        each["numerator"] = float("nan")
    found = shown(rows, known, printed)
    assert list(found["suppressed_reason"]) == [shareable.WHY, None]


def test_what_another_indicator_counts_too_is_hidden_in_both(known: Registry) -> None:
    """Both have the same cases by month. The first loses May, of which 2 are few, and April to
    protect it; the second would give the cases of both back."""
    accepted = replace(
        SHARE, indicator="of_accepted", denominator=Part("mediation", "accepted = 'yes'")
    )
    months = {"2014M04": (9, 20), "2014M05": (2, 22), "2014M06": (30, 60)}
    rows = [row(SHARE, month, n, base) for month, (n, base) in months.items()]
    rows += [row(accepted, month, n, n + 6) for month, (n, _) in months.items()]
    found = told(shown(rows, known, SHARE, accepted))
    assert [n is None for n in found] == [False, True, False, False, True, False]
    whole = [row(one, "2014-15", 41, base) for one, base in ((SHARE, 102), (accepted, 59))]
    for each in whole:
        each |= {"months_covered": 3, "complete": False, "coverage_end": pd.Timestamp(2014, 6, 30)}
    found = told(shown([*rows, *whole], known, SHARE, accepted))
    assert [n is None for n in found] == [True, True, False, True, True, False, False, False]


def test_what_a_rate_is_divided_by_gives_no_cause(known: Registry) -> None:
    rate = replace(COUNT, kind="rate", per=1000, denominator=Part("population", "true", "sum(n)"))
    assert told(shown([row(rate, "2014-15", 12, 3)], known, rate)) == [12]


def test_what_its_publisher_hides_stays_as_it_is(known: Registry) -> None:
    hidden_by_them = row(COUNT, "2014-15", float("nan"))
    hidden_by_them |= {"obs_status": "C", "suppressed_reason": "suppressed by the publisher: *"}
    found = shown([hidden_by_them, row(COUNT, "2013-14", 3)], known, COUNT)
    reasons = ["suppressed by the publisher: *", shareable.WHY]
    assert list(found["suppressed_reason"]) == reasons


def test_the_hospital_rule_hides_to_seven_and_takes_rates_from_rounded_counts(
    known: Registry,
) -> None:
    hospital = replace(known.sources["mediation"], disclosure="hospital")
    sources = {**known.sources, "mediation": hospital}
    rows = [row(SHARE, "2012-13", 7, 50), row(SHARE, "2013-14", 13, 52)]
    found = shareable.values(pd.DataFrame(rows), {"share": SHARE}, sources)
    # 13 of 52 reads as 15 of 50
    (_, one) = found.to_dict("records")
    assert (one["numerator"], one["denominator"], one["value"]) == (15, 50, 30.0)
    assert one["lower_95"] == pytest.approx(19.1, abs=0.1)  # Wilson, 15 of 50
    assert told(found)[0] is None


# --- findings ----------------------------------------------------------------------------------


def finding(comparison: str, area: str, **said: Any) -> dict[str, Any]:
    names = [column.name for column in tables.FINDING.columns]
    usual: dict[str, Any] = {
        **dict.fromkeys(names),
        "indicator": "n",
        "area_code": area,
        "area_name": "Southampton",
        "dimension": "all",
        "dimension_value": "all",
        "comparison": comparison,
        "period": "2014-15",
        "status": "comparable",
        "compared_start": pd.Timestamp(2014, 4, 1),
        "compared_end": pd.Timestamp(2015, 3, 31),
        "sentence": "N, Southampton, 2014/15: 12 crimes, up 300 % on 2013/14 (likely 20 to 900 %).",
    }
    return {**usual, **said}


CHANGED: dict[str, Any] = {
    "base_period": "2013-14",
    "value": 12.0,
    "base_value": 3.0,
    "change": 300.0,
    "change_unit": "percent",
    "change_lower_95": 20.0,
    "change_upper_95": 900.0,
    "significance": "higher",
}


def found_of(
    findings: list[dict[str, Any]], values: list[dict[str, Any]], known: Registry
) -> list[dict[str, Any]]:
    rows = shareable.findings(pd.DataFrame(findings), shown(values, known, COUNT), {"n": COUNT})
    return rows.astype(object).where(rows.notna(), None).to_dict("records")  # type: ignore[return-value]


def test_a_change_from_a_hidden_value_is_hidden_and_the_value_stands(known: Registry) -> None:
    values = [row(COUNT, "2013-14", 3), row(COUNT, "2014-15", 12)]
    (one,) = found_of([finding("previous_year", AREA, **CHANGED)], values, known)
    assert one["value"] == 12 and one["status"] == "suppressed"
    assert {one[name] for name in shareable.OF_OTHERS} == {None}
    words = "12.0 crimes, the comparison not shown, so that no small number can be worked out."
    assert one["sentence"] == f"N, Southampton, 2014/15: {words}"


def test_of_a_hidden_value_nothing_is_said(known: Registry) -> None:
    values = [row(COUNT, "2013-14", 30), row(COUNT, "2014-15", 3)]
    (one,) = found_of([finding("previous_year", AREA, **CHANGED)], values, known)
    assert {one[name] for name in ("value", *shareable.OF_OTHERS)} == {None}
    assert numbers_in(one["sentence"].partition(":")[2]) == []


def test_of_a_rounded_indicator_no_comparison_stands(known: Registry) -> None:
    values = shown([row(COUNT, "2013-14", 30), row(COUNT, "2014-15", 90)], known, COUNT)
    told = pd.DataFrame([finding("previous_year", AREA, **CHANGED)])
    (one,) = shareable.findings(told, values, {"n": COUNT}, ["n"]).to_dict("records")
    assert pd.isna(one["value"]) and pd.isna(one["change"])
    assert numbers_in(one["sentence"].partition(":")[2]) == []


def test_a_comparison_of_parts_of_years_falls_with_any_of_their_months(known: Registry) -> None:
    """April 2013 is hidden; January to March 2015 are not there yet, so that nine months of each
    year are compared, and the nine of 2013 have April in them."""
    values = [row(COUNT, "2013-14", 60), row(COUNT, "2014-15", 50)]
    values[1] |= {"complete": False, "coverage_end": pd.Timestamp(2014, 12, 31)}
    part = {**CHANGED, "base_value": 45.0, "compared_end": pd.Timestamp(2014, 12, 31)}
    told = [finding("previous_year", AREA, **part, status="definition_changed")]
    assert found_of(told, values, known)[0]["status"] == "definition_changed"
    values += [row(COUNT, "2013M04", 3), row(COUNT, "2013M05", 20)]
    assert found_of(told, values, known)[0]["base_value"] is None


def test_ranks_and_an_average_fall_with_any_member(known: Registry) -> None:
    values = [row(COUNT, "2014-15", 30), {**row(COUNT, "2014-15", 3), "area_code": "E06000043"}]
    rank = {"comparator": "peers@2014", "value": 30.0, "rank_high": 1, "rank_of": 2}
    others = [
        finding("peer_rank", "E06000043", **{**rank, "value": 3.0, "rank_high": 2}),
        finding("peer_rank", AREA, **rank, period="2013-14"),
    ]
    values.append(row(COUNT, "2013-14", 30))
    told = found_of([finding("peer_rank", AREA, **rank), *others], values, known)
    assert [one["rank_high"] for one in told] == [None, None, 1]
    assert [one["value"] for one in told] == [30, None, 30]


# --- claims and targets ------------------------------------------------------------------------


def test_a_claim_keeps_its_verdict_and_loses_a_figure_that_shown_values_do_not_give() -> None:
    claim = {
        **dict.fromkeys(["computed_lower_95", "computed_upper_95"]),
        "claim": "C01",
        "verdict": "reproduced",
        "computed": 3.0,
        "reading": "first",
        "reason": "other readings: second: 4",
    }
    other = {**claim, "verdict": "not_computable", "computed": None, "reading": None}
    other["reason"] = "first: n 2014-15: not shown"
    (gone,) = shareable.claims([claim], [other])
    assert (gone["verdict"], gone["computed"], gone["reading"]) == ("reproduced", None, "first")
    assert gone["reason"].startswith("the figure is not shown") and "4" not in gone["reason"][:80]
    (same,) = shareable.claims([claim], [{**claim, "reason": "other readings: second: not shown"}])
    assert (same["computed"], same["reason"]) == (3.0, "other readings: second: not shown")


def test_a_target_keeps_its_verdict_and_what_may_be_shown() -> None:
    target = {
        "verdict": "met",
        "baseline": 30.0,
        "target_value": 24.0,
        "current": 3.0,
        "period": "2014-15",
        "change_lower_95": -99.0,
        "change_upper_95": -60.0,
        "reason": "change -90.0 %",
    }
    # The newest figure that is shown is another year's.
    other = {**target, "current": 3.0, "period": "2013-14", "reason": "change +1 %"}
    (gone,) = shareable.targets([target], [other])
    assert (gone["verdict"], gone["baseline"], gone["target_value"]) == ("met", 30.0, 24.0)
    assert {gone[one] for one in ("current", "change_lower_95", "change_upper_95")} == {None}
    assert "not shown" in gone["reason"] and not numbers_in(gone["reason"])
    assert shareable.targets([target], [target]) == [target]


def test_two_assessments_may_name_a_claim_alike(known: Registry) -> None:
    """C01 of the first rests on what is hidden, C01 of the second does not."""
    connection = warehouse.memory()
    limits = ("computed", "computed_lower_95", "computed_upper_95")
    blank = dict.fromkeys((*limits, "reading", "reason"))
    rows = [{**blank, "claim": "C01", "section": one, "computed": 3.0} for one in ("a", "b")]
    warehouse.fill(connection, tables.CLAIM, pd.DataFrame(rows))
    warehouse.fill(connection, tables.TARGET, pd.DataFrame())
    without = {**rows[0], "computed": None, "reason": "the months are hidden"}
    again = sharing.Again(
        claims=lambda _: [without, rows[1]],
        targets=lambda _: [],
        **dict.fromkeys(("estimates", "comparables"), lambda _: pd.DataFrame()),
    )
    sharing._write_statements(connection, known, again)
    told = connection.execute(
        f"SELECT section, computed, reason FROM {tables.CLAIM.shareable.full_name} ORDER BY rowid"
    ).fetchall()
    hidden = f"the figure is {shareable.WHY}. the months are hidden"
    assert told == [("a", None, hidden), ("b", 3.0, None)]


# --- the ledger --------------------------------------------------------------------------------


def test_the_ledger_does_not_count_a_few_events_nor_a_hidden_figure(known: Registry) -> None:
    """A file a month: 3 attendances in April, which the 9 of May protect within the year."""
    count = replace(COUNT, numerator=Part("ed_assault"))
    values = [row(count, f"2014M0{4 + at}", n) for at, n in enumerate((3, 9, 30))]
    quarter = {"months_covered": 3, "coverage_end": pd.Timestamp(2014, 6, 30)}
    values.append({**row(count, "2014-15", 42), **quarter})
    units = pd.DataFrame(
        {
            "extract_id": ["a", "b", "c", "d"],
            "unit": "Southampton",
            "period": ["2014M04", "2014M05", "2014M06", "2014-15"],
            "rows": [3, 9, 30, 3],
        }
    )
    files = pd.DataFrame(
        {
            "extract_id": ["a", "b", "c", "d"],
            "source": [*["ed_assault"] * 3, "marac"],
            "rows_valid": [3, 9, 30, 3],
        }
    )
    units["source"] = files["source"]
    made = shareable.few_events(
        files, units, shown(values, known, count), {"n": count}, known.sources
    )
    # A row of the MARAC's return is a number that somebody counted, and not a case. June's rows are
    # told no more: with the year's, they would be as good as those of April and May together.
    assert made.units == [(name, "Southampton", f"2014M0{at}") for at, name in enumerate("abc", 4)]
    assert made.files == {"a", "b"}


# --- the release of the sample -------------------------------------------------------------------


def rows_of(made: Path, table: str, restricted: bool = False) -> list[dict[str, Any]]:
    connection = Warehouse(made / "warehouse").read_release(restricted)
    try:
        found = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        connection.close()


KEY = ("indicator", "area_code", "period", "dimension", "dimension_value")
STRANDS = "hate_strand"


def test_no_hidden_number_of_the_sample_can_be_worked_out(
    whole_sample: Path, known: Registry
) -> None:
    rules = shareable.rules(known.indicators, known.sources)
    indicators = {key: known.indicators[key] for key in rules}
    printed, whole, findings = (
        [one for one in rows_of(whole_sample, *table) if one["indicator"] in indicators]
        for table in (
            ("mart.indicator_value",),
            ("mart.indicator_value", True),
            ("mart.finding",),
        )
    )
    truth = Attacker(indicators)
    truth.read_values(whole)
    small = {what for what, n in truth.known.items() if 0 < abs(n) < LEAST}
    small |= {what for what, n in truth.known.items() if "ed_assault" in what[0] and 0 < n < 8}
    assert len(small) > 500

    attacker = _attack(indicators, printed, findings)
    assert small & set(attacker.known) == set()
    assert attacker.small_rests(LEAST) == []
    # Were only the small numbers hidden, and nothing beside them, it would find some.
    only = [{**one, **dict.fromkeys(shareable.FIGURES)} if _few(one) else one for one in whole]
    assert small & set(_attack(indicators, only, []).known)


def _few(one: dict[str, Any]) -> bool:
    counts = [one["numerator"], one["denominator"]]
    rest = counts[1] - counts[0] if None not in counts else None
    return any(count is not None and 0 < abs(count) < LEAST for count in (*counts, rest))


def _attack(
    indicators: dict[str, Indicator], values: list[dict[str, Any]], findings: list[dict[str, Any]]
) -> Attacker:
    attacker = Attacker(indicators)
    attacker.read_values(values)
    attacker.add_up(lists={STRANDS})
    attacker.shares()
    attacker.read_findings(findings)
    _flags_are_known(attacker)
    attacker.subtract()
    return attacker


def _flags_are_known(attacker: Attacker) -> None:
    """The strands of a year add up to the flags, which an indicator of its own counts."""
    strands: dict[tuple[str, str], list[Any]] = {}
    for what in attacker.rows:
        if what[3] == STRANDS and what[4] != "not known":
            strands.setdefault((what[1], what[2]), []).append(what)
    for what, row in list(attacker.rows.items()):
        if row["indicator"] == "hate_crime_strands_count" and what in attacker.known:
            attacker.total(attacker.known[what], strands.get((what[1], what[2]), ()))
    assert strands


def test_the_restricted_database_has_every_figure_and_the_shareable_one_the_same_or_none(
    whole_sample: Path,
) -> None:
    for table, key, figures in (
        ("mart.indicator_value", KEY, ("value", "numerator", "denominator", "lower_95")),
        ("mart.finding", (*KEY, "comparison", "comparator"), ("value", "change", "rank_high")),
        ("mart.claim", ("claim",), ("computed", "computed_lower_95")),
        ("mart.target", ("target", "measure"), ("baseline", "current")),
        ("meta.extract", ("extract_id",), ("rows_read", "rows_valid")),
    ):
        public, whole = (
            {tuple(one[name] for name in key): one for one in rows_of(whole_sample, table, where)}
            for where in (False, True)
        )
        assert list(public) and set(public) == set(whole), table
        for place, one in public.items():
            for name in figures:
                assert one[name] in (None, whole[place][name]), (table, place)
            assert one.get("verdict") == whole[place].get("verdict")
    hidden = [one for one in rows_of(whole_sample, "mart.finding") if one["status"] == "suppressed"]
    for one in hidden:
        if shareable.WHY in one["sentence"] and one["value"] is None:
            assert numbers_in(one["sentence"].rpartition(":")[2]) == []
