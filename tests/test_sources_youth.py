"""Youth justice, looked-after children, children cautioned: meaning, rules across rows, real files.

Here: what the three sources mean and what their rules accuse. Not here: the reading of workbooks,
heads and markers as such (test_reading, test_sheets), or any indicator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from altered import altered_workbook
from conftest import Bench
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

from safecity_pipeline import warehouse
from safecity_pipeline.registry import Registry
from safecity_pipeline.sources import looked_after_children, youth_justice

LAIT = "dfe-lait-2024-11-19/bds_long_0.parquet"
WORKBOOK = "dfe-looked-after-children/SFR49_2014_LATables.xlsx"
OF_2012 = "dfe-looked-after-children/SFR32_2012_OC2_LA_Tables_UD.csv"
OF_2015 = "dfe-looked-after-children/SFR34_OC22015.csv"
CAUTIONED = "yjb-children-cautioned/children_offending.csv"

Drawn = Callable[[str, str, Sequence[tuple[Any, ...]]], dict[int, str]]


# --- what a row means ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "label", "first", "last"),
    [
        ("FirstYJS", "2015", date(2015, 1, 1), date(2015, 12, 31)),
        ("LAC_Convictions", "2015", date(2014, 4, 1), date(2015, 3, 31)),
        ("ReoffYO15-17", "2016", date(2015, 4, 1), date(2016, 3, 31)),
        ("YJS_Caution-Sentence10-17_YO", "2015-16", date(2015, 4, 1), date(2016, 3, 31)),
    ],
)
def test_a_year_label_means_what_the_years_of_its_item_are(
    item: str, label: str, first: date, last: date
) -> None:
    found = youth_justice.meant(item, label)
    assert found and (found.start, found.end) == (first, last)


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("LACSubstance", "2015 (OT)"),
        ("LACSubstance", "2015-17"),  # not one year
        ("FirstYJS", "2015-16"),  # calendar years have no such label
        ("FirstYJS", "15"),
        ("NewItem", "2015"),  # a year of which kind is not known
        ("NewItem", "2015-16"),
    ],
)
def test_a_year_label_that_may_mean_another_thing_is_refused(item: str, label: str) -> None:
    assert youth_justice.meant(item, label) is None


@pytest.mark.parametrize(
    ("code", "authority", "region", "country", "area"),
    [
        (None, "Southampton", None, None, "E06000045"),
        (None, "ENGLAND9", None, None, "E92000001"),
        (None, "SOUTH EAST", None, None, "E12000008"),
        (None, "South East", None, None, "E12000008"),
        (None, "INNER LONDON", None, None, "E13000001"),
        ("E12000007", "INNER LONDON", None, None, "E13000001"),  # London's code, as of 2015
        ("E12000007", "LONDON", None, None, "E12000007"),
        ("E06000045", "Southampton", "South East", "England", "E06000045"),
        (None, None, "Yorks & the Humber ", "England", "E12000003"),
        (None, None, None, "England", "E92000001"),
        (None, "Merton2", None, None, "E09000024"),
        (None, "Atlantis", "South East", "England", None),
        ("E06999999", "Southampton", None, None, None),
    ],
)
def test_an_area_is_found_by_its_code_or_by_the_narrowest_name(
    known: Registry,
    code: str | None,
    authority: str | None,
    region: str | None,
    country: str | None,
    area: str | None,
) -> None:
    derived = next(one for one in looked_after_children.SOURCE.derived if one.name == "area_code")
    assert derived.make(known.areas, code, authority, region, country) == area


# --- rules across rows, on drawn rows ------------------------------------------------------------


@pytest.fixture(scope="module")
def memory() -> DuckDBPyConnection:
    return warehouse.memory()


@pytest.fixture(scope="module")
def accused(memory: DuckDBPyConnection, known: Registry) -> Drawn:
    """Physical row → what was got, for the rows that a rule of a source accuses."""

    def run(source: str, rule: str, rows: Sequence[tuple[Any, ...]]) -> dict[int, str]:
        columns = COLUMNS[source]
        memory.execute(f"CREATE OR REPLACE TEMP TABLE candidate ({', '.join(columns)})")
        marks = ", ".join("?" for _ in columns)
        memory.executemany(f"INSERT INTO candidate VALUES ({marks})", rows)
        found = next(one for one in known.sources[source].across if one.name == rule)
        told = memory.execute(found.sql, {"threshold": found.threshold}).fetchall()
        assert len({row for _, row, _ in told}) == len(told)
        return {row: got for _, row, got in told}

    return run


COMMON = ("_extract INTEGER", "_row BIGINT")
COLUMNS = {
    "looked_after_children": (
        *COMMON,
        *("table_name VARCHAR", "measure VARCHAR", "year BIGINT", "area_code VARCHAR"),
        *("value DOUBLE", "value_status VARCHAR"),
    ),
    "youth_justice": (
        *COMMON,
        *("item VARCHAR", "year_label VARCHAR", "area_code VARCHAR", "area_name VARCHAR"),
        "value DOUBLE",
    ),
    "children_cautioned": (
        *COMMON,
        *("measure VARCHAR", "area_code VARCHAR", "area_name VARCHAR", "period_end DATE"),
        "value DOUBLE",
    ),
}
ENGLAND, FIRST_REGION = 8, 10
# Aged 10 and over, of the 2014 workbook; rounded to 10, they add up to 30,670.
REGIONS = (1810, 5410, 3300, 2110, 3920, 3070, 4840, 4050, 2160)


def sheet_of(**measures: tuple[float, Sequence[float]]) -> list[tuple[Any, ...]]:
    """England on row 8 and its regions from row 10, a measure a column: (England, regions)."""
    rows: list[tuple[Any, ...]] = []
    for measure, (england, regions) in measures.items():
        places = [(ENGLAND, "E92000001", england)]
        places += [
            (row, f"E1200000{row - FIRST_REGION + 1}", value)
            for row, value in enumerate(regions, FIRST_REGION)
        ]
        rows += [
            (0, row, "offending", measure, 2014, code, value, "rounded")
            for row, code, value in places
        ]
    return rows


def test_england_may_differ_from_its_regions_by_what_rounding_allows(accused: Drawn) -> None:
    assert sum(REGIONS) == 30670
    for england in (30670 - 50, 30660, 30670 + 50):  # ten figures, each up to 5 off
        assert not accused(
            "looked_after_children", "england_against_regions", sheet_of(a=(england, REGIONS))
        )


def test_an_england_ten_times_too_large_is_accused_alone_and_told(accused: Drawn) -> None:
    rows = sheet_of(aged_10_and_over=(306600, REGIONS))
    assert accused("looked_after_children", "england_against_regions", rows) == {
        ENGLAND: "aged_10_and_over 2014: 306600, where its parts add up to 30670"
    }


def test_a_disagreement_that_any_row_might_explain_accuses_nobody(
    accused: Drawn, memory: DuckDBPyConnection, known: Registry
) -> None:
    rows = sheet_of(a=(30670 + 500, REGIONS))
    assert not accused("looked_after_children", "england_against_regions", rows)
    memory.execute("CREATE SCHEMA IF NOT EXISTS clean")
    memory.execute(
        "CREATE OR REPLACE TABLE clean.looked_after_children AS "
        "SELECT '' AS _extract_id, '' AS _sheet, * FROM candidate"
    )
    source = known.sources["looked_after_children"]
    rule = next(one for one in source.across if one.name == "england_unexplained")
    assert memory.execute(rule.sql, {"threshold": rule.threshold}).fetchall() == [(1,)]


def test_a_region_that_is_usual_in_other_measures_is_accused_where_it_is_not(
    accused: Drawn,
) -> None:
    """London three times too large in one measure: 4,840 → 14,520. In the other one it has the
    share that it would have with 4,840."""
    off = [value * 3 if value == 4840 else value for value in REGIONS]
    rows = sheet_of(a=(30670, off), b=(61340, [2 * value for value in REGIONS]))
    london = FIRST_REGION + REGIONS.index(4840)
    found = accused("looked_after_children", "england_against_regions", rows)
    assert found == {london: "a 2014: 14520, where the total leaves 4840"}


@settings(max_examples=25, deadline=None)
@given(
    regions=st.lists(st.integers(50, 400).map(lambda tens: 10 * tens), min_size=9, max_size=9),
    row=st.integers(0, 9),
    factor=st.sampled_from([10, 100, 0.1]),
    whole_row=st.booleans(),
)
def test_a_row_with_the_point_in_another_place_is_found_and_no_other(
    accused: Drawn, regions: list[int], row: int, factor: float, whole_row: bool
) -> None:
    """Whether all numbers of the row are off or one; regions of 500 to 4,000, so that none is a
    tenth of another one."""
    tables = {"a": (sum(regions), regions), "b": (2 * sum(regions), [2 * r for r in regions])}
    for measure in tables if whole_row else ("a",):
        figures = [tables[measure][0], *tables[measure][1]]
        figures[row] = round(figures[row] * factor)
        tables[measure] = (figures[0], figures[1:])
    at = ENGLAND if row == 0 else FIRST_REGION + row - 1
    found = accused("looked_after_children", "england_against_regions", sheet_of(**tables))
    assert set(found) == {at}


def test_london_is_its_halves(accused: Drawn) -> None:
    def rows(london: float, inner: float, outer: float) -> list[tuple[Any, ...]]:
        codes = {"E12000007": london, "E13000001": inner, "E13000002": outer}
        return [
            (0, row, "offending", "convicted", 2014, code, value, "rounded")
            for row, (code, value) in enumerate(codes.items(), 20)
        ]

    rule = ("looked_after_children", "london_against_halves")
    assert not accused(*rule, rows(1560, 690, 880))  # 10 apart; three figures allow 15
    assert set(accused(*rule, rows(15600, 690, 880))) == {20}
    assert set(accused(*rule, rows(1560, 6900, 880))) == {21}
    assert not accused(*rule, rows(1560, 690, 940))  # which of the three?


SHARE, PARTS = "share_against_counts", "parts_against_total"


# An authority's numbers are rounded to 5, so each may be 2.5 off, and its percentage 0.05.
@pytest.mark.parametrize(
    ("aged_10_and_over", "convicted", "percent", "rules"),
    [
        (160, 10, 7.5, set()),  # Southampton: 12 of 160 is 7.5
        (160, 10, 7.9, set()),  # 12.5 of 157.5 is 7.94
        (160, 10, 8.0, {SHARE}),
        (160, 10, 4.6, set()),  # 7.5 of 162.5 is 4.62
        (160, 10, 4.5, {SHARE}),
        (160, 165, 100, set()),  # 162.5 of 162.5
        (160, 170, 103.1, {PARTS}),  # at least 167.5 of at most 162.5, which is 103.08
        (160, 10, 75, {SHARE}),
    ],
)
def test_the_numbers_of_one_area_agree_as_far_as_rounding_allows(
    accused: Drawn, aged_10_and_over: float, convicted: float, percent: float, rules: set[str]
) -> None:
    figures = {
        "aged_10_and_over": aged_10_and_over,
        "convicted": convicted,
        "convicted_percent": percent,
    }
    rows = [
        (0, 152, "offending", measure, 2014, "E06000045", value, "rounded")
        for measure, value in figures.items()
    ]
    found = {rule: accused("looked_after_children", rule, rows) for rule in (SHARE, PARTS)}
    assert {rule: set(rows) for rule, rows in found.items()} == {
        rule: {152} if rule in rules else set() for rule in (SHARE, PARTS)
    }


def test_parts_that_are_all_of_a_number_make_it(accused: Drawn) -> None:
    def rows(scored: float, *bands: float) -> list[tuple[Any, ...]]:
        names = ("sdq_scored", "sdq_normal", "sdq_borderline", "sdq_concern")
        return [
            (0, 30, "sdq", name, 2015, "E06000045", value, "ok")
            for name, value in zip(names, (scored, *bands), strict=False)
        ]

    rule = ("looked_after_children", "parts_against_total")
    assert not accused(*rule, rows(100, 50, 20, 30))
    assert set(accused(*rule, rows(101, 50, 20, 30))) == {30}  # authorities of 2015 are exact
    assert not accused(*rule, rows(101, 50, 20))  # one band is suppressed: nothing to say


def rates(england: float, regions: Sequence[float]) -> list[tuple[Any, ...]]:
    places = [("E92000001", england), *((f"E1200000{n}", r) for n, r in enumerate(regions, 1))]
    return [
        (0, row, "FirstYJS", "2015", code, code, value) for row, (code, value) in enumerate(places)
    ]


def test_a_rate_of_england_lies_among_those_of_its_regions(accused: Drawn) -> None:
    regions = (420, 380, 460, 410, 400, 350, 390, 330, 370)
    among, like = "england_among_regions", "region_like_england"
    fine, ten_times = rates(392, regions), rates(3920, regions)
    off = rates(392, (*regions[:6], 3900, *regions[7:]))  # London, row 7
    assert [accused("youth_justice", rule, fine) for rule in (among, like)] == [{}, {}]
    assert set(accused("youth_justice", among, ten_times)) == {0}
    assert accused("youth_justice", like, ten_times) == {}, "the regions stand"
    assert accused("youth_justice", among, off) == {}
    assert set(accused("youth_justice", like, off)) == {7}


def cautioned(children: Sequence[float], per_10_000: Sequence[float]) -> list[tuple[Any, ...]]:
    """Counts on even rows, rates on odd ones, from 2014-15 on."""
    return [
        (0, 2 * year + at, measure, "E08000009", "Trafford", date(2015 + year, 3, 31), value)
        for year, pair in enumerate(zip(children, per_10_000, strict=True))
        for at, (measure, value) in enumerate(zip(("count", "rate_per_10_000"), pair, strict=True))
    ]


@pytest.mark.parametrize(
    ("children", "per_10_000", "rows"),
    [
        ((125, 105, 92, 79), (54, 45, 39, 33), set()),  # 23,100 to 23,900 children aged 10-17
        ((125, 1050, 92, 79), (54, 45, 39, 33), {2}),
        ((125, 105, 92, 79), (54, 450, 39, 33), {3}),
        ((12, 20, 9, 15), (5, 9, 4, 6), set()),  # rates of 4 and 5 say little of a population
    ],
)
def test_count_and_rate_mean_the_same_children_in_every_year(
    accused: Drawn, children: Sequence[float], per_10_000: Sequence[float], rows: set[int]
) -> None:
    found = accused("children_cautioned", "rate_against_count", cautioned(children, per_10_000))
    assert set(found) == rows


# --- a small workbook, end to end ----------------------------------------------------------------

HEADS = (
    ("B5", "Number of children looked after at 31 March who had been looked after for at least "),
    ("D5", "Number of looked after children aged 10 or older at 31 March3"),
    ("F5", "Looked after children aged 10 and above"),
    ("F6", "Number convicted or subject to a final warning or reprimand during the year4"),
    ("G6", "Percentage convicted or subject to a final warning or reprimand during the year"),
)
#  row, area             12 months  10+  convicted  %
FIGURES = (
    (8, "ENGLAND", 500, 300, 30, 10.0),
    (10, "SOUTH EAST", 500, 300, 30, 10.0),
    (11, "Southampton", 345, 160, 10, 7.5),
    (12, "Portsmouth", 155, 140, "x", "x"),
    (13, "Isle of Wight", 10, 5, ".", "."),
)


def small_workbook(to: Path, changes: dict[str, Any] | None = None) -> Path:
    """Table LA4 in small: merged heads of two rows, spacer columns, notes below."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Table LA4"
    sheet["A1"], sheet["A2"] = "Table LA4: Offending1", "Years: 2014"
    for cell, text in HEADS:
        sheet[cell] = text + ("12 months2" if cell == "B5" else "")
    for block in ("B5:B6", "D5:D6", "F5:G5"):
        sheet.merge_cells(block)
    for row, area, *values in FIGURES:
        sheet.cell(row, 1, area)
        for column, value in zip((2, 4, 6, 7), values, strict=True):
            sheet.cell(row, column, value)
    sheet["G15"], sheet["A17"] = "Source: SSDA903", "1. A note."
    for cell, value in (changes or {}).items():
        sheet[cell] = value
    workbook.save(to)
    return to


def status_of(bench: Bench, area: str) -> dict[str, list[Any]]:
    rows = bench.rows(
        "SELECT measure, value, value_status, value_marker FROM clean.looked_after_children "
        f"WHERE area_name = '{area}'"
    )
    return {measure: told for measure, *told in rows}


def test_every_cell_of_a_table_is_a_clean_row_with_its_status(bench: Bench) -> None:
    small_workbook(bench.raw / "SFR49_2014_LATables.xlsx")
    bench.take_in("looked_after_children")
    assert bench.rows("SELECT count(*) FROM clean.looked_after_children") == [(5 * 4,)]
    assert status_of(bench, "Southampton") == {
        "looked_after_12_months": [345, "rounded", None],
        "aged_10_and_over": [160, "rounded", None],
        "convicted": [10, "rounded", None],
        "convicted_percent": [7.5, "ok", None],
    }
    assert status_of(bench, "Portsmouth")["convicted"] == [None, "suppressed", "x"]
    assert status_of(bench, "Isle of Wight")["convicted"] == [None, "not_applicable", "."]
    assert bench.rows(
        "SELECT DISTINCT year, table_name, period_start, period_end "
        "FROM clean.looked_after_children"
    ) == [(2014, "offending", date(2013, 4, 1), date(2014, 3, 31))]


def test_an_unknown_marker_costs_its_cell_and_an_unknown_area_its_row(bench: Bench) -> None:
    file = bench.raw / "SFR49_2014_LATables.xlsx"
    small_workbook(file, {"F12": "see note", "A13": "Atlantis"})
    bench.take_in("looked_after_children")
    assert status_of(bench, "Portsmouth")["convicted"] == [None, "text", "see note"]
    assert status_of(bench, "Portsmouth")["aged_10_and_over"][0] == 140
    assert bench.rows("SELECT _sheet, _row, rule FROM quarantine.cell") == [
        ("Table LA4", 12, "value_kind")
    ]
    assert bench.quarantined("looked_after_children") == {13: ["area_code_known"]}


# --- the real files ------------------------------------------------------------------------------


def put_real(bench: Bench, real_data: Path, *files: str) -> None:
    for file in files:
        bench.put(Path(file).name, (real_data / file).read_bytes())


def test_the_long_extract(bench: Bench, real_data: Path) -> None:
    put_real(bench, real_data, LAIT)
    taken = bench.take_in("youth_justice")
    assert bench.rows(
        "SELECT value, period_start, area_code FROM clean.youth_justice "
        "WHERE item = 'FirstYJS' AND year_label = '2015' AND area_name = 'Southampton'"
    ) == [(540, date(2015, 1, 1), "E06000045")]
    # 170 areas; years: 8 of first-time entrants and cautions, 9 of looked after, 7 of reoffending
    assert bench.rows("SELECT count(*) FROM clean.youth_justice") == [
        (170 * (8 + 8 + 9 + 9 + 7 + 7),)
    ]
    assert bench.rows("SELECT DISTINCT value_marker FROM clean.youth_justice ORDER BY 1") == [
        ("-",),
        (None,),
    ]
    assert bench.rows("SELECT count(*) FROM quarantine.youth_justice") == [(0,)]
    # Nine leaps: shares of substance misuse from nothing, one area's cautions in 2021.
    assert failed_rows(taken.checks, "like_last_year") == 9


def failed_rows(checks: Sequence[Any], name: str) -> int:
    return int(next(one for one in checks if one.check_name == name).failed_rows)


@pytest.fixture(scope="module")
def looked_after(
    tmp_path_factory: pytest.TempPathFactory, known: Registry, real_data: Path
) -> tuple[Bench, Any]:
    """All three generations together; nothing in the tests changes them."""
    bench = Bench(tmp_path_factory.mktemp("looked_after"), known)
    put_real(bench, real_data, WORKBOOK, OF_2012, OF_2015)
    return bench, bench.take_in("looked_after_children")


def cells_of(sheet: Worksheet) -> Iterator[tuple[str, Any]]:
    """Area and cell of table LA4, found without the project: rows with a name and a number or
    marker at its right, from England to the one before "Source:"."""
    for row in sheet.iter_rows(min_row=8):
        name, *rest = (cell.value for cell in row)
        if any(str(value).startswith("Source:") for value in rest):
            return
        if name is not None:
            yield from ((name, value) for value in rest if value is not None)


def test_every_cell_of_table_la4_is_accounted_for(
    looked_after: tuple[Bench, Any], real_data: Path
) -> None:
    bench, _ = looked_after
    workbook = openpyxl.load_workbook(real_data / WORKBOOK, data_only=True, read_only=True)
    cells = list(cells_of(workbook["Table LA4"]))
    rows = bench.rows(
        "SELECT area_name, value, value_status, value_marker FROM clean.looked_after_children "
        "WHERE _sheet = 'Table LA4'"
    )
    assert len(rows) == len(cells) == 164 * 4

    def told(area: str, value: Any) -> tuple[str, str]:
        return area, f"{value:g}" if isinstance(value, int | float) else str(value)

    ours = sorted(told(area, marker or value) for area, value, _, marker in rows)
    assert ours == sorted(told(area, value) for area, value in cells)
    markers = {(status, marker) for _, value, status, marker in rows if value is None}
    assert markers == {("suppressed", "x"), ("not_applicable", ".")}
    assert bench.rows("SELECT count(*) FROM quarantine.cell") == [(0,)]
    assert bench.rows("SELECT count(*) FROM quarantine.looked_after_children") == [(0,)]


def test_three_generations_use_one_name_for_one_measure(looked_after: tuple[Bench, Any]) -> None:
    bench, taken = looked_after
    assert bench.rows(
        "SELECT year, area_code, max(value) FILTER (measure = 'convicted'), "
        "max(value) FILTER (measure = 'aged_10_and_over'), "
        "max(value) FILTER (measure = 'convicted_percent') FROM clean.looked_after_children "
        "WHERE table_name = 'offending' AND area_code IN ('E06000045', 'E92000001') "
        "GROUP BY ALL ORDER BY ALL"
    ) == [
        (2012, "E06000045", 21, 154, None),
        (2012, "E92000001", 2060, 29800, None),
        (2014, "E06000045", 10, 160, 7.5),
        (2014, "E92000001", 1710, 30660, 5.6),
        (2015, "E06000045", 8, 181, None),
        (2015, "E92000001", 1650, 31820, None),
    ]
    areas = "SELECT year, count(DISTINCT area_code) FROM clean.looked_after_children "
    where = "WHERE measure = 'convicted' GROUP BY ALL ORDER BY ALL"
    # 151 authorities, 9 regions, two halves, England; the workbook has the Isles of Scilly too
    assert bench.rows(areas + where) == [(2012, 163), (2014, 164), (2015, 163)]
    for rule in ("england_unexplained", "london_unexplained"):
        assert failed_rows(taken.checks, rule) == 0
    # Questionnaires: whole authorities that sent none in one year; reading in one year group.
    assert failed_rows(taken.checks, "counts_like_last_year") == 13
    assert failed_rows(taken.checks, "shares_like_last_year") == 11


@pytest.fixture(scope="module")
def three_tables(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    """The real workbook with tables LA4 to LA6 only, which is read sooner."""
    workbook = openpyxl.load_workbook(real_data / WORKBOOK, data_only=True)
    for name in set(workbook.sheetnames) - {"Table LA4", "Table LA5", "Table LA6"}:
        del workbook[name]
    file = tmp_path_factory.mktemp("three") / "three_tables.xlsx"
    workbook.save(file)
    return file


def test_wrong_rows_of_the_real_workbook_are_found_and_the_others_stand(
    bench: Bench, three_tables: Path
) -> None:
    """England ten times too large in table LA4, London in LA5, one number of a region in LA6."""
    workbook = openpyxl.load_workbook(three_tables)
    times_ten(workbook["Table LA4"], "ENGLAND", "BDF")
    times_ten(workbook["Table LA5"], "LONDON", "BDEF")
    times_ten(workbook["Table LA6"], "SOUTH EAST", "E")
    workbook.save(bench.raw / "SFR49_2014_LATables.xlsx")
    bench.take_in("looked_after_children")
    found = bench.rows(
        "SELECT _sheet, regexp_extract(received, '^[A-Z ]+'), rules, reasons[1] "
        "FROM quarantine.looked_after_children ORDER BY ALL"
    )
    assert [(sheet, area, set(rules)) for sheet, area, rules, _ in found] == [
        ("Table LA4", "ENGLAND", {"england_against_regions"}),
        ("Table LA5", "LONDON", {"england_against_regions", "london_against_halves"}),
        ("Table LA6", "SOUTH EAST", {"england_against_regions", "parts_against_total"}),
    ]
    assert "476700, where its parts add up to 47680" in found[0][3]
    assert bench.rows(
        "SELECT _sheet, count(DISTINCT area_code) FROM clean.looked_after_children "
        "GROUP BY ALL ORDER BY ALL"
    ) == [("Table LA4", 163), ("Table LA5", 163), ("Table LA6", 163)]


def times_ten(sheet: Worksheet, area: str, columns: str) -> None:
    row = next(cell.row for cell in sheet["A"] if cell.value == area)
    for column in columns:
        sheet[f"{column}{row}"] = 10 * sheet[f"{column}{row}"].value


def test_a_sheet_of_another_name_is_not_read_until_a_layout_says_how(
    known: Registry, tmp_path: Path, three_tables: Path
) -> None:
    """A later edition: sheet LAI1, a column on the left, regions in other case, more sheets."""
    file, packaged = "SFR34_2015_LATables.xlsx", Bench(tmp_path / "packaged", known)
    copy = altered_workbook(three_tables, packaged.raw / file, year="2015")
    readings = {one.sheet: one for one in packaged.extract(file).readings}
    assert len(readings) == 23 and readings["LAI1"].layout is None
    assert readings["Table LA5"].layout is not None

    old = next(one for one in known.layouts if one.name == "la4_2014")
    new = replace(old, name="lai1_2015", sheet="LAI1", ignored=("LA number",))
    bench = Bench(tmp_path / "own", known, layouts=(new,))
    bench.put(file, copy.read_bytes())
    bench.take_in("looked_after_children")
    assert bench.rows(
        "SELECT area_code, value, year FROM clean.looked_after_children "
        "WHERE measure = 'convicted' AND area_code IN ('E92000001', 'E13000001', 'E06000045') "
        "ORDER BY ALL"
    ) == [("E06000045", 10, 2015), ("E13000001", 140, 2015), ("E92000001", 1710, 2015)]
    assert bench.rows("SELECT count(*) FROM clean.looked_after_children") == [(164 * 4,)]


def test_children_cautioned(bench: Bench, real_data: Path) -> None:
    put_real(bench, real_data, CAUTIONED)
    taken = bench.take_in("children_cautioned")
    assert bench.rows(
        "SELECT area_code, measure, value FROM clean.children_cautioned "
        "WHERE financial_year = '2014-15' AND area_name IN ('Buckinghamshire', 'Trafford') "
        "ORDER BY ALL"
    ) == [
        ("E06000060", "count", 200),
        ("E06000060", "rate_per_10_000", 38),
        ("E08000009", "count", 125),
        ("E08000009", "rate_per_10_000", 54),
    ]
    # ten authorities and England, eleven years, two measures
    assert bench.rows("SELECT count(*) FROM clean.children_cautioned") == [(11 * 11 * 2,)]
    assert bench.rows("SELECT count(*) FROM quarantine.children_cautioned") == [(0,)]
    # Four counts that halved within a year.
    assert failed_rows(taken.checks, "like_last_year") == 4


def test_one_count_of_children_cautioned_ten_times_too_large(bench: Bench, real_data: Path) -> None:
    text = (real_data / CAUTIONED).read_text(encoding="utf-8")
    wrong, times = re.subn(r"(Trafford,UA,2016/17,[^,]+,Count,Children,\d+)", r"\g<1>0", text)
    assert times == 1
    bench.put("children_offending.csv", wrong)
    bench.take_in("children_cautioned")
    [(row, rules)] = bench.quarantined("children_cautioned").items()
    assert rules == ["rate_against_count"]
    assert (
        ",Trafford,UA,2016/17,Children cautioned or sentenced,Count," in wrong.splitlines()[row - 1]
    )
