"""Fingertips, seizures of drugs, admissions for drug misuse, outcomes by force.

Here: what a row of them means, the rules that look across their rows, and the published files
where they are to be had. Not here: reading in general (`test_ingest`, `test_lines`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import Bench, check_named
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline import warehouse
from safecity_pipeline.model import CrossRow, Layout
from safecity_pipeline.registry import Registry
from safecity_pipeline.sources import (
    drug_admissions,
    drug_seizures,
    fingertips,
    force_outcomes,
    street_crime,
)


def rule(known: Registry, source: str, name: str) -> CrossRow:
    return next(one for one in known.sources[source].across if one.name == name)


@cache
def database() -> DuckDBPyConnection:
    return warehouse.memory()


def broken(
    of: CrossRow, columns: str, rows: Sequence[Sequence[Any]], places: Sequence[int] = ()
) -> dict[int, str]:
    """Row → what was got, for each row of a drawn table of candidates that breaks the rule.

    `places`: the physical row of each, where a wide table has several of them in one.
    """
    connection = database()
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE candidate (_extract INTEGER, _row BIGINT, {columns})"
    )
    marks = ", ".join("?" * (len(rows[0]) + 1))
    numbered = zip(places or range(2, len(rows) + 2), rows, strict=True)
    connection.executemany(
        f"INSERT INTO candidate VALUES (0, {marks})", [[row, *cells] for row, cells in numbered]
    )
    parameters = {"threshold": of.threshold} if "$threshold" in of.sql else {}
    found = connection.execute(of.sql, parameters).fetchall()
    return {row: got for _, row, got in found}


# --- fingertips: periods -------------------------------------------------------------------------

PERIODS = [
    ("2015", "2015-01-01", "2015-12-31"),
    ("2016/17", "2016-04-01", "2017-03-31"),
    ("1999/00", "1999-04-01", "2000-03-31"),
    ("2013 - 15", "2013-01-01", "2015-12-31"),
    ("1998 - 00", "1998-01-01", "2000-12-31"),
    ("2015/16 - 17/18", "2015-04-01", "2018-03-31"),
    ("1998/99 - 00/01", "1998-04-01", "2001-03-31"),
    ("2018 Q1", "2018-01-01", "2018-03-31"),
    ("2017/18 Q4", "2018-01-01", "2018-03-31"),
]


@pytest.mark.parametrize(("label", "first", "last"), PERIODS, ids=[one[0] for one in PERIODS])
def test_a_label_of_fingertips_says_which_days_it_covers(label: str, first: str, last: str) -> None:
    assert fingertips.read_period(label) == (date.fromisoformat(first), date.fromisoformat(last))


@given(st.integers(1901, 2090), st.integers(1, 9))
def test_several_years_begin_with_the_first_and_end_with_the_last(first: int, more: int) -> None:
    last = first + more
    assert fingertips.read_period(f"{first} - {last % 100:02d}") == (
        date(first, 1, 1),
        date(last, 12, 31),
    )
    financial = f"{first}/{(first + 1) % 100:02d} - {last % 100:02d}/{(last + 1) % 100:02d}"
    assert fingertips.read_period(financial) == (date(first, 4, 1), date(last + 1, 3, 31))


@pytest.mark.parametrize(
    "label",
    ["", "15", "2016/18", "2015 - 15", "2015 - 14", "2013/14 - 15", "2014/15 - 16/18", "2018 Q5"],
)
def test_a_label_that_is_a_slip_or_unknown_is_no_period(label: str) -> None:
    assert fingertips.read_period(label) is None


# --- fingertips: files ---------------------------------------------------------------------------

BLANKS = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,"
    "Category Type,Category,Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,"
    "Lower CI 99.8 limit,Upper CI 99.8 limit,Count,Denominator,Value note,Recent Trend,"
    "Compared to England value or percentiles,Compared to Region value or percentiles,"
    "Time period Sortable,New data,Compared to goal"
)
NO_BLANKS = (
    "IndicatorID,IndicatorName,ParentCode,ParentName,AreaCode,AreaName,AreaType,Sex,Age,"
    "Category_Type,Category,Timeperiod,Value,Lower_CI_95.0_limit,Upper_CI_95.0_limit,"
    "Lower_CI_99.8_limit,Upper_CI_99.8_limit,Count,Denominator,Value_note,Recent_Trend,"
    "Compared_to_England_value_or_percentiles,Compared_to_Region_value_or_percentiles,"
    "Time_period_Sortable,New_data,Compared_to_goal"
)
ENGLAND, SOUTHAMPTON = ("E92000001", "England"), ("E06000045", "Southampton")
SUPPRESSED = "Value suppressed for disclosure control reasons"
COMBINED = "Value for Hackney and City of London combined"
DECILE = "County & UA deprivation deciles"


def cells(
    area: tuple[str, str],
    *numbers: object,
    note: str = "",
    category: str = "",
    time: str = "2015",
    name: str = '"Cases, rate/100,000\n"',
) -> list[str]:
    """One row without its last cell. `numbers`: value, lower, upper, count, denominator."""
    value, lower, upper, count, denominator = (*map(str, numbers), *[""] * (5 - len(numbers)))
    kind = [category, category and "Most"]
    about = [f"7,{name},,", *area, "County & UA", "Persons,All ages", *kind, time]
    return [
        *about,
        value,
        lower,
        upper,
        "",
        "",
        count,
        denominator,
        note,
        *[""] * 3,
        "20150000",
        "",
    ]


def extract(head: str, *rows: list[str]) -> str:
    return "\n".join([head, *(",".join(row) for row in rows), ""])


ROWS = [
    cells(ENGLAND, 20, 18, 22, 400, 2_000_000),
    cells(ENGLAND, 35, "", "", 70, 200_000, category=DECILE),
    cells(SOUTHAMPTON, 24, 14, 38, 60, 250_000),
    cells(("E09000001", "City of London"), note=COMBINED),
    cells(("E09000012", "Hackney"), note=SUPPRESSED),
    cells(("E06000044", "Portsmouth")),
]


def test_both_generations_of_heads_are_read_alike(bench: Bench) -> None:
    columns = "indicator_name, area_code, period_start, period_end, value, count, denominator"
    taken, read = [], []
    for number, head in enumerate((BLANKS, NO_BLANKS)):
        bench.put(f"indicators {number}.csv", extract(head, *ROWS))
        taken.append(bench.take_in("fingertips"))
        read.append(bench.rows(f"SELECT {columns} FROM clean.fingertips ORDER BY _row"))
        (bench.raw / f"indicators {number}.csv").unlink()
    assert read[0] == read[1]
    assert len(read[0]) == 5
    year = (date(2015, 1, 1), date(2015, 12, 31))
    assert read[0][0] == ("Cases, rate/100,000", "E92000001", *year, 20, 400, 2_000_000)
    # head 1 + valid 5 + left out 1 = 7 rows, though the name in each is broken over two lines
    for one in taken:
        ledger = one.ledger.iloc[0]
        assert (ledger["rows_read"], ledger["rows_valid"], ledger["excluded_other"]) == (7, 5, 1)
        assert check_named(one, "ledger_adds_up").passed


def test_a_value_that_is_not_there_keeps_the_reason_beside_it(bench: Bench) -> None:
    bench.put("indicators.csv", extract(BLANKS, *ROWS))
    bench.take_in("fingertips")
    assert bench.rows(
        "SELECT area_name, value_status, value_note FROM clean.fingertips "
        "WHERE value IS NULL ORDER BY _row"
    ) == [
        ("City of London", "not_available", COMBINED),
        ("Hackney", "suppressed", SUPPRESSED),
        ("Portsmouth", "not_available", None),
    ]


def test_rows_of_fingertips_that_cannot_be_placed_are_refused(bench: Bench) -> None:
    bench.put(
        "indicators.csv",
        extract(
            BLANKS,
            cells(SOUTHAMPTON, 24, 14, 38, 60, 250_000),
            cells(SOUTHAMPTON, 24, 14, 38, 60, 250_000),
            cells(SOUTHAMPTON, 24, 14, 38, 60, 250_000, time="spring 2015"),
            cells(("E99999999", "Nowhere"), 24, 14, 38, 60, 250_000),
            cells(("E06000044", "Portsmouth"), 40, 14, 38, 100, 250_000),
        ),
    )
    bench.take_in("fingertips")
    assert bench.quarantined("fingertips") == {
        3: ["key_unique"],
        4: ["period_start_known"],
        5: ["area_code_known"],
        6: ["value_within_limits"],
    }


# --- fingertips: rules across rows ---------------------------------------------------------------

SHARE = 'indicator_id VARCHAR, stated_per DOUBLE, value DOUBLE, "count" DOUBLE, denominator DOUBLE'


@pytest.mark.parametrize("per", [100.0, None], ids=["the name states it", "the rows agree on it"])
def test_a_share_ten_times_too_large_is_found_by_its_own_count(
    known: Registry, per: float | None
) -> None:
    right = [("7", per, 100 * count / 400, count, 400) for count in (100, 120, 80, 60)]
    found = broken(
        rule(known, "fingertips", "share_fits_count"), SHARE, [*right, ("7", per, 250, 100, 400)]
    )
    # 100 of 400 is 25 %
    assert list(found) == [6]
    assert found[6].endswith("give 25")


def test_a_standardised_rate_and_an_indicator_that_is_a_number_are_left_alone(
    known: Registry,
) -> None:
    of = rule(known, "fingertips", "share_fits_count")
    standardised = [("7", None, 1.3 * 100_000 * 60 / 250_000, 60, 250_000)] * 3
    numbers = [("8", None, count, count, 400) for count in (100, 120, 2)]
    nothing = [("9", 100.0, None, 100, 400), ("9", 100.0, 0, 0, 400), ("9", 100.0, 5, None, 0)]
    assert broken(of, SHARE, [*standardised, *numbers, *nothing]) == {}


REGIONAL = (
    "indicator_id VARCHAR, sex VARCHAR, age VARCHAR, time_period VARCHAR, area_code VARCHAR, "
    'value DOUBLE, "count" DOUBLE'
)


def england(
    value: float | None, count: float | None, regions: Mapping[int, tuple[float, float]]
) -> list[tuple[object, ...]]:
    parts = [(f"E1200000{number}", *numbers) for number, numbers in regions.items()]
    return [("7", "Persons", "All", "2015", *one) for one in [("E92000001", value, count), *parts]]


REGIONS = {number: (50.0 + number, 100.0) for number in range(1, 10)}  # together 900, 51 to 59


@pytest.mark.parametrize(
    ("value", "count", "odd"),
    [
        (55, 900, False),
        (550, 9000, True),
        (550, None, True),
        (55, 9000, True),
        (55, 91, True),
        (None, 900, False),
        (900, 900, False),  # an indicator that is a number
    ],
)
def test_england_is_held_to_its_nine_regions(
    known: Registry, value: float | None, count: float | None, odd: bool
) -> None:
    found = broken(
        rule(known, "fingertips", "england_is_its_regions"),
        REGIONAL,
        england(value, count, REGIONS),
    )
    assert list(found) == [2] * odd  # never a region


def test_england_is_not_judged_by_some_of_its_regions(known: Registry) -> None:
    of = rule(known, "fingertips", "england_is_its_regions")
    eight = {number: one for number, one in REGIONS.items() if number < 9}
    assert broken(of, REGIONAL, england(550, 9000, eight)) == {}


def test_an_england_row_ten_times_too_large_leaves_its_regions_standing(bench: Bench) -> None:
    regions = [
        cells((f"E1200000{n}", f"Region {n}"), 20, 18, 22, 40, 200_000) for n in range(1, 10)
    ]
    bench.put(
        "indicators.csv", extract(BLANKS, cells(ENGLAND, 200, "", "", 3600, 1_800_000), *regions)
    )
    taken = bench.take_in("fingertips")
    assert bench.quarantined("fingertips") == {2: ["england_is_its_regions"]}
    assert bench.rows("SELECT count(*), sum(count) FROM clean.fingertips") == [(9, 360)]
    assert check_named(taken, "ledger_adds_up").passed


# --- seizures ------------------------------------------------------------------------------------

HEAD_2013 = (
    "Police force,All drugs,Cocaine,Crack,Ecstasy,Heroin,LSD,Methadone,Morphine,Other Class A,"
    "Total Class A,All Cannabis,Amphetamines,Barbiturates,Other Class B,Total Class B,"
    "Anabolic0steroids,Benzodiazepines,GHB,Ketamine,Temazepam,Other Class C,Total Class C,Unknown"
)
# As the table of 2014-15 is: its values are one column further on than its heads from "Other
# Class B" to "Temazepam", and the last but one has its neighbour's head.
HEAD_2014 = HEAD_2013.replace("0steroids", "-steroids").replace("Total Class C", "Other Class C")
IN_ORDER_2014 = (
    *("All drugs", "Cocaine", "Crack", "Ecstasy", "Heroin", "LSD", "Methadone", "Morphine"),
    *("Other class A", "Total class A", "All cannabis", "Amphetamines", "Barbiturates"),
    *("Ketamine", "Other class B", "Total class B", "Anabolic steroids", "Benzodiazepines"),
    *("GHB", "Temazepam", "Other class C", "Total class C", "Unknown"),
)
# A: 20 + 5 + 3 + 9 + 1 + 2 + 1 + 4 = 45, some together: 43.  B: 90 + 12 + 0 + 6 + 7 = 115: 110.
# C: 3 + 8 + 1 + 2 + 4 = 18: 18.  All: 43 + 110 + 18 + 5 = 176: 160.
DORSET = (160, 20, 5, 3, 9, 1, 2, 1, 4, 43, 90, 12, 0, 6, 7, 110, 3, 8, 1, 2, 4, 18, 5)


# C: 3 + 8 + 1 + 6 + 2 + 4 = 24: 24.  B: 90 + 12 + 0 + 7 = 109: 105.  All: 43 + 105 + 24 + 5: 160.
DORSET_2013 = (160, 20, 5, 3, 9, 1, 2, 1, 4, 43, 90, 12, 0, 7, 105, 3, 8, 1, 6, 2, 4, 24, 5)
BORDER = (*DORSET[:19], "", *DORSET[20:])
HEAD_QUANTITIES = (
    "Police Force, Cocaine , Crack , Ecstasy , Heroin , LSD , Methadone , Morphine ,"
    " Herbal Cannabis , Cannabis Resin , Cannabis Plants ,Amphetamines,Barbiturates ,"
    " Anabolic steroids , Benzodiazepines , GHB , Ketamine , Temazepam "
)
QUANTITIES = tuple(range(1, 18))


def table(head: str, rows: Mapping[str, Sequence[object]]) -> str:
    lines = [f"{name},{','.join(map(str, row))}" for name, row in rows.items()]
    return "\n".join([head, *lines])


def naive(known: Registry, name: str) -> tuple[Layout, ...]:
    """The layouts, but one table of 2014-15 is read by its heads."""
    by_name = {one.name: one for one in known.layouts if one.source == "drug_seizures"}
    read = dict(by_name["seizures_to_2013_14"].wide)
    read[r"Other Class C \(2\)"] = read.pop("Total Class C")
    quantities = {head: f"{head.capitalize()}|kg" for head in by_name["quantities_2014_15"].wide}
    quantities |= {head: f"{head}|kg" for head in ("GHB", "LSD")}
    wrong = {"seizures_2014_15": read, "quantities_2014_15": quantities}[name]
    return tuple(replace(one, wide=wrong) if one is by_name[name] else one for one in known.layouts)


def test_the_columns_of_2014_15_are_what_their_numbers_say(bench: Bench) -> None:
    bench.put("Seizures14-15.csv", "\ufeff" + table(HEAD_2014, {"Dorset": DORSET}))
    bench.take_in("drug_seizures")
    assert bench.quarantined("drug_seizures") == {}
    read = bench.rows("SELECT drug, value FROM clean.drug_seizures")
    assert dict(read) == dict(zip(IN_ORDER_2014, DORSET, strict=True))


def test_read_by_its_heads_every_row_of_2014_15_breaks_the_totals(
    tmp_path: Path, known: Registry
) -> None:
    bench = Bench(tmp_path, known, layouts=naive(known, "seizures_2014_15"))
    bench.put("Seizures14-15.csv", table(HEAD_2014, {"Dorset": DORSET, "Surrey": DORSET}))
    taken = bench.take_in("drug_seizures")
    assert bench.quarantined("drug_seizures") == {row: ["totals_hold_parts"] for row in (2, 3)}
    # "Total Class B" is then 7, with cannabis at 90
    assert (
        "Total class B 7, of parts up to 90"
        in bench.rows("SELECT reasons[1] FROM quarantine.drug_seizures")[0][0]
    )
    assert check_named(taken, "ledger_adds_up").passed


SEIZED = "measure VARCHAR, drug VARCHAR, part_of VARCHAR, value DOUBLE"


@pytest.mark.parametrize(
    ("total", "second", "odd"),
    [(6, 4, 0), (10, 4, 0), (5, 4, 1), (11, 4, 1), (11, None, 0), (5, None, 1), (None, 4, 0)],
)
def test_a_total_lies_between_its_largest_part_and_their_sum(
    known: Registry, total: int | None, second: int | None, odd: int
) -> None:
    """Parts of 6 and 4; of a part that is not stated, the sum is not known."""
    cells = [("A", None, total), ("Cocaine", "A", 6), ("Crack", "A", second)]
    rows = [("seizures", *cell) for cell in cells]
    found = broken(rule(known, "drug_seizures", "totals_hold_parts"), SEIZED, rows, [2, 2, 2])
    assert len(found) == odd


@pytest.mark.parametrize(
    ("drug", "year", "total"),
    [
        ("Ketamine", "13-14", "Total class C"),
        ("Ketamine", "14-15", "Total class B"),
        ("Ketamine", "2015/16", "Total class B"),
        ("Crack", "13-14", "Total class A"),
        ("Cannabis plants", "13-14", "Total class B"),
        ("Total class A", "13-14", "All drugs"),
        ("Unknown", "13-14", "All drugs"),
        ("All drugs", "13-14", None),
    ],
)
def test_every_drug_is_part_of_the_class_it_had_in_the_year(
    known: Registry, drug: str, year: str, total: str | None
) -> None:
    assert drug_seizures.part_of(known.areas, drug, year) == total


def test_the_year_and_the_measure_come_from_the_files_name(bench: Bench) -> None:
    bench.put("Seizures13-14.csv", table(HEAD_2013, {"Dorset": DORSET_2013}))
    bench.put("Seizures12-14.csv", table(HEAD_2013, {"Dorset": DORSET_2013}))
    bench.put("Quantities14-15.csv", table(HEAD_QUANTITIES, {"Avon & Somerset": QUANTITIES}))
    bench.take_in("drug_seizures")
    units = bench.rows(
        "SELECT measure, year, area_code, period_start, period_end, count(*) "
        "FROM clean.drug_seizures GROUP BY ALL ORDER BY 1"
    )
    assert units == [
        ("quantity", "2014-15", "E23000036", date(2014, 4, 1), date(2015, 3, 31), 17),
        ("seizures", "2013-14", "E23000039", date(2013, 4, 1), date(2014, 3, 31), 23),
    ]
    assert bench.rows("SELECT DISTINCT rules FROM quarantine.drug_seizures") == [(["year_known"],)]


def test_units_of_quantities_follow_what_the_column_holds(bench: Bench) -> None:
    bench.put("Quantities14-15.csv", table(HEAD_QUANTITIES, {"Dorset": QUANTITIES}))
    bench.take_in("drug_seizures")
    read = bench.rows("SELECT drug, unit, value FROM clean.drug_seizures")
    # below "Anabolic steroids", "Benzodiazepines", "GHB" and "Ketamine", in this order
    assert {(*one,) for one in read} >= {
        ("Ketamine", "kg", 13),
        ("Anabolic steroids", "thousand doses", 14),
        ("Benzodiazepines", "thousand doses", 15),
        ("GHB", "thousand doses", 16),
        ("Cannabis plants", "plants", 10),
    }


def test_a_quantity_without_a_seizure_is_odd(tmp_path: Path, known: Registry) -> None:
    """Neither GHB nor barbiturates were seized: there is none below the head of ketamine, where
    GHB stands, and some below its own."""
    # C is then 3 + 8 + 0 + 2 + 4 = 17
    seizures = dict(zip(IN_ORDER_2014, DORSET, strict=True)) | {"GHB": 0, "Total class C": 17}
    # a trace of LSD, 0.000 of it, is nothing odd
    quantities = [0 if at in (4, 11, 15) else n for at, n in enumerate(QUANTITIES)]
    for layouts, odd in ((known.layouts, 0), (naive(known, "quantities_2014_15"), 1)):
        bench = Bench(tmp_path / str(odd), known, layouts=layouts)
        bench.put("Seizures14-15.csv", table(HEAD_2014, {"Dorset": tuple(seizures.values())}))
        bench.put("Quantities14-15.csv", table(HEAD_QUANTITIES, {"Dorset": quantities}))
        taken = bench.take_in("drug_seizures")
        assert bench.quarantined("drug_seizures") == {}
        assert check_named(taken, "quantity_has_seizures").failed_rows == odd


def test_a_force_that_did_not_report_is_not_available_and_no_zero(bench: Bench) -> None:
    bench.put(
        "Seizures14-15.csv", table(HEAD_2014, {"Hampshire": [""] * 23, "Border Force": BORDER})
    )
    bench.take_in("drug_seizures")
    found = bench.rows(
        "SELECT area_code, value_status, count(*), sum(value) FROM clean.drug_seizures "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert found == [
        ("BORDER_FORCE", "not_available", 1, None),
        ("BORDER_FORCE", "ok", 22, sum(one for one in BORDER if isinstance(one, int))),
        ("E23000030", "not_available", 23, None),
    ]


# --- admissions ----------------------------------------------------------------------------------

AREAS = ("Southampton", "Portsmouth", "Bournemouth and Poole", "Plymouth", "Leeds")
LEVELS = (100, 50, 40, 80, 160)


def admissions(**years: Sequence[object]) -> str:
    rows = [f"{year[1:]},{','.join(map(str, row))}" for year, row in years.items()]
    return "\n".join([f"year,{','.join(AREAS)}", *rows])


def test_a_year_whose_columns_moved_is_refused_and_the_others_stand(bench: Bench) -> None:
    # 2 (root 160 - root 100) = 5.3, and so on: four of five leave the range of 5
    moved = (160, 100, 50, 40, 80)
    bench.put("misuse.csv", admissions(y2018=LEVELS, y2019=LEVELS, y2020=moved))
    taken = bench.take_in("drug_admissions")
    assert bench.quarantined("drug_admissions") == {4: ["row_belongs_to_columns"]}
    ((reason,),) = bench.rows("SELECT reasons[1] FROM quarantine.drug_admissions")
    assert "2020: its values do not belong to these columns: 4 of 5" in reason
    assert bench.rows("SELECT year, count(*) FROM clean.drug_admissions GROUP BY 1 ORDER BY 1") == [
        (2018, 5),
        (2019, 5),
    ]
    assert check_named(taken, "ledger_adds_up").passed


BELONGS = replace(drug_admissions.SOURCE.across[0], threshold=5)
YEARLY = "year BIGINT, area_name VARCHAR, persons DOUBLE"


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.data())
@settings(max_examples=40, deadline=None)
def test_a_year_goes_when_more_than_half_of_its_areas_leap(
    persons: list[int], data: st.DataObject
) -> None:
    """However far they leap: an area may, more than half of them at once may not."""
    leaping = data.draw(st.sets(st.integers(0, len(persons) - 1)))
    after = [(count + 2) * 9 if at in leaping else count for at, count in enumerate(persons)]
    rows = [
        (year, f"area {at}", count)
        for year, counts in ((2018, persons), (2019, after))
        for at, count in enumerate(counts)
    ]
    # 2 (root 9 (x + 2) - root x) is at least 8.5, which it is of no persons at all
    found = broken(BELONGS, YEARLY, rows, [year for year, _, _ in rows])
    assert list(found) == [2019] * (len(leaping) * 2 > len(persons))


def test_numbers_written_with_a_point_and_empty_cells_are_read(bench: Bench) -> None:
    bench.put("misuse.csv", admissions(y2014=("100.0", "", "40.0", 80, "12.5")))
    bench.take_in("drug_admissions")
    assert bench.quarantined("drug_admissions") == {2: ["persons_whole"]}
    bench.put("misuse.csv", admissions(y2014=("100.0", "", "40.0", 80, 12)))
    bench.take_in("drug_admissions")
    assert bench.rows(
        "SELECT area_name, area_code, persons, persons_status FROM clean.drug_admissions "
        "ORDER BY persons LIMIT 5"
    ) == [
        ("Leeds", "E08000035", 12, "ok"),
        ("Bournemouth and Poole", None, 40, "ok"),
        ("Plymouth", "E06000026", 80, "ok"),
        ("Southampton", "E06000045", 100, "ok"),
        ("Portsmouth", "E06000044", None, "not_available"),
    ]


def test_a_name_that_means_another_area_does_not_get_its_code(bench: Bench) -> None:
    bench.put("misuse.csv", "year,Dorset,Essex,Devon\n2014,101,180,156")
    bench.take_in("drug_admissions")
    codes = bench.rows("SELECT area_name, area_code FROM clean.drug_admissions")
    # the unitary authority and not the county; Essex is here with Southend and Thurrock
    assert dict(codes) == {"Dorset": "E06000059", "Essex": None, "Devon": "E10000008"}


def test_populations_of_the_same_shape_are_no_admissions(bench: Bench) -> None:
    bench.put("population_la.csv", admissions(y2014=(240_000, 210_000, 340_000, 260_000, 760_000)))
    bench.put("misuse 2.csv", admissions(y2014=(240_000, 210_000, 340_000, 260_000, 760_000)))
    assert bench.extract("population_la.csv").status == "refused"
    assert "populations" in bench.extract("population_la.csv").message
    bench.take_in("drug_admissions")
    refused = bench.quarantined("drug_admissions")
    assert {row: set(rules) for row, rules in refused.items()} == {2: {"persons_in_range"}}


# --- outcomes by force ---------------------------------------------------------------------------


def test_both_sources_know_the_same_words_of_data_police_uk() -> None:
    """Each lists them for itself, since sources know nothing of each other."""
    assert set(force_outcomes.CRIME_TYPES) == set(street_crime.CRIME_TYPES)
    assert set(force_outcomes.OUTCOMES) == set(street_crime.OUTCOMES)


OUTCOMES_HEAD = "Year,f0_,crime_type,reported_by,last_outcome_category"
HAMPSHIRE = "Hampshire Constabulary"


def outcomes(*rows: tuple[int, int, str, str], force: str = HAMPSHIRE) -> str:
    lines = [f"{year},{n},{kind},{force},{outcome}" for year, n, kind, outcome in rows]
    return "\r".join([OUTCOMES_HEAD, *lines])


def test_outcomes_are_read_with_the_line_ends_of_an_old_macintosh(bench: Bench) -> None:
    bench.put("outcomes force.csv", outcomes((2014, 5, "Burglary", "Local resolution"),
                                             (2014, 7, "Burglary", "")))  # fmt: skip
    bench.take_in("force_outcomes")
    assert bench.rows(
        "SELECT year, area_code, number_of_crimes, last_outcome_category, period_start, period_end "
        "FROM clean.force_outcomes ORDER BY _row"
    ) == [
        (2014, "E23000030", 5, "Local resolution", date(2014, 1, 1), date(2014, 12, 31)),
        (2014, "E23000030", 7, None, date(2014, 1, 1), date(2014, 12, 31)),
    ]


def test_each_set_of_crime_types_has_its_years_and_2013_has_both(bench: Bench) -> None:
    old, new = force_outcomes.TYPES_UNTIL[0], force_outcomes.TYPES_SINCE[0]
    bench.put(
        "outcomes force.csv",
        outcomes(
            *[(year, 5, kind, "Local resolution") for kind in (old, new, "Burglary")
              for year in (2012, 2013, 2014)],
            (2014, 5, "Anti-social behaviour", "Local resolution"),
            (2014, 5, "Arson", ""),
        ),
    )  # fmt: skip
    bench.take_in("force_outcomes")
    assert bench.quarantined("force_outcomes") == {
        4: ["crime_type_of_its_year"],  # the old one in 2014
        5: ["crime_type_of_its_year"],  # the new one in 2012
        11: ["asb_has_no_outcome"],
        12: ["crime_type_known"],
    }


def test_a_count_given_twice_is_counted_once(bench: Bench) -> None:
    twice = [(2014, 5, "Burglary", "Local resolution"), (2014, 7, "Burglary", "")]
    bench.put("outcomes force.csv", outcomes(*twice, *twice))
    bench.take_in("force_outcomes")
    assert bench.quarantined("force_outcomes") == {4: ["key_unique"], 5: ["unstated_once"]}
    assert bench.rows("SELECT sum(number_of_crimes) FROM clean.force_outcomes") == [(12,)]


def test_a_force_that_supplied_part_of_a_year_is_noticed(bench: Bench) -> None:
    counts = {2013: 50_000, 2014: 52_000, 2015: 4_000}  # 48,000 of 52,000 is more than half
    rows = [(year, count, "Burglary", "") for year, count in counts.items()]
    bench.put("outcomes force.csv", outcomes(*rows, force="British Transport Police"))
    taken = bench.take_in("force_outcomes")
    assert check_named(taken, "crimes_near_last_year").failed_rows == 1


def test_counts_without_a_year_are_refused(bench: Bench) -> None:
    head = "Force,Awaiting court outcome,Local resolution,(blank)"
    bench.put("outcomes_by_force.csv", f"{head}\r{HAMPSHIRE},1,2,3")
    assert "it states no year" in bench.extract("outcomes_by_force.csv").message


# --- the published files -------------------------------------------------------------------------


def published(bench: Bench, folder: Path, pattern: str = "*.csv") -> None:
    for file in sorted(folder.glob(pattern)):
        bench.put(file.name, file.read_bytes())


def test_both_published_extracts_of_fingertips(bench: Bench, real_data: Path) -> None:
    published(bench, real_data / "fingertips")
    taken = bench.take_in("fingertips")
    ledger = taken.ledger.set_index("rows_read")
    assert dict(ledger["rows_valid"]) == {211: 210, 853: 792}
    assert dict(ledger["excluded_other"]) == {211: 0, 853: 60}  # 10 deciles, 2 sorts, 3 years
    assert check_named(taken, "ledger_adds_up").passed
    for name in ("share_fits_count", "england_is_its_regions", "count_near_last_year"):
        assert check_named(taken, name).passed, name
    assert bench.rows(
        "SELECT count(*), count(DISTINCT (indicator_id, age, time_period)) FROM clean.fingertips "
        "WHERE area_code = 'E92000001'"
    ) == [(15, 15)]
    assert bench.rows(
        "SELECT area_name, value_status FROM clean.fingertips WHERE indicator_id = '92315' "
        "AND value IS NULL ORDER BY 1"
    ) == [("Bracknell Forest", "suppressed"), ("Windsor and Maidenhead", "suppressed")]
    # Southampton, admissions for self-harm at 10 to 14: 35 of 12,262
    assert bench.rows(
        "SELECT round(value, 1), count, denominator, period_start FROM clean.fingertips "
        "WHERE indicator_id = '92796' AND area_code = 'E06000045'"
    ) == [(285.4, 35, 12_262, date(2017, 4, 1))]


def test_the_published_seizures(bench: Bench, real_data: Path) -> None:
    published(bench, real_data / "drugs", "*-1[45].csv")
    taken = bench.take_in("drug_seizures")
    assert list(taken.ledger["rows_valid"]) == [41, 41, 41]
    assert bench.rows(
        "SELECT measure, year, count(*), count(value), count(DISTINCT area_code) "
        "FROM clean.drug_seizures GROUP BY ALL ORDER BY ALL"
    ) == [
        # Bedfordshire and Hampshire are empty in 2014-15: 2 x 17, and 3 of Border Force
        ("quantity", "2014-15", 41 * 17, 41 * 17 - 37, 41),
        # Border Force: 5 empty in 2013-14, 4 in 2014-15
        ("seizures", "2013-14", 41 * 23, 41 * 23 - 5, 41),
        ("seizures", "2014-15", 41 * 23, 41 * 23 - 2 * 23 - 4, 41),
    ]
    assert check_named(taken, "totals_hold_parts").passed
    assert check_named(taken, "quantity_has_seizures").passed
    assert bench.rows(
        "SELECT drug, value FROM clean.drug_seizures WHERE force_name = 'Cleveland' "
        "AND year = '2014-15' AND measure = 'seizures' AND drug IN ('Ketamine', 'Total class B')"
    ) == [("Ketamine", 5), ("Total class B", 1689)]


def test_the_published_seizures_read_by_their_heads_are_found_out(
    tmp_path: Path, known: Registry, real_data: Path
) -> None:
    bench = Bench(tmp_path, known, layouts=naive(known, "seizures_2014_15"))
    published(bench, real_data / "drugs", "*14-15.csv")
    bench.take_in("drug_seizures")
    ((forces,),) = bench.rows(
        "SELECT count(*) FROM quarantine.drug_seizures WHERE rules = ['totals_hold_parts']"
    )
    assert forces == 39  # all that report


def test_the_published_quantities_read_by_their_heads_are_found_out(
    tmp_path: Path, known: Registry, real_data: Path
) -> None:
    bench = Bench(tmp_path, known, layouts=naive(known, "quantities_2014_15"))
    published(bench, real_data / "drugs", "*14-15.csv")
    taken = bench.take_in("drug_seizures")
    assert check_named(taken, "quantity_has_seizures").failed_rows == 28


def test_the_published_admissions(bench: Bench, real_data: Path) -> None:
    published(bench, real_data / "drugs")
    assert bench.extract("population_la.csv").status == "refused"
    taken = bench.take_in("drug_admissions")
    assert bench.quarantined("drug_admissions") == {13: ["row_belongs_to_columns"]}
    ((reason,),) = bench.rows("SELECT reasons[1] FROM quarantine.drug_admissions")
    assert "2020" in reason
    assert "100 of 134" in reason
    assert check_named(taken, "ledger_adds_up").passed
    assert bench.rows(
        "SELECT min(year), max(year), count(*), count(persons), count(DISTINCT area_name) "
        "FROM clean.drug_admissions"
    ) == [(2009, 2019, 11 * 137, 11 * 137 - 4, 137)]
    assert bench.rows(
        "SELECT persons FROM clean.drug_admissions WHERE area_name = 'Birmingham' AND year = 2014"
    ) == [(254,)]


def test_the_published_outcomes(bench: Bench, real_data: Path) -> None:
    published(bench, real_data / "police-uk-outcomes-by-force")
    assert bench.extract("outcomes_by_force.csv").status == "refused"
    taken = bench.take_in("force_outcomes")
    assert bench.rows(
        "SELECT count(*), sum(number_of_crimes), count(DISTINCT area_code) "
        "FROM clean.force_outcomes"
    ) == [(47_577, 29_343_720, 45)]
    assert bench.quarantined("force_outcomes") == {}
    assert check_named(taken, "ledger_adds_up").passed
    # British Transport Police: 50,135 in 2015, 4,463 in 2016
    assert check_named(taken, "crimes_near_last_year").failed_rows == 1
