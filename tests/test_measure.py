"""An indicator's statement gives what its declaration means.

Here: the plan of every statement, every shape of indicator against `oracle`, on drawn, generated,
synthetic and real rows, and the figures that are known of the real extracts. Not here: comparing
values (`test_compare`), the interval's arithmetic (`test_statistics`).
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import oracle
import pandas as pd
import pandera.pandas as pa
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given
from hypothesis import settings as generated
from hypothesis import strategies as st
from oracle import drawn
from pandera.typing import Series
from small_folder import after_taking_in

from safecity_pipeline import (
    measure,
    period,
    registry,
    settings,
    sources,
    statistics,
    tables,
    tallies,
    upkeep,
    warehouse,
)
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Derived, Indicator, Part, Refused, Source
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.indicators import columns_of

Dicts = list[dict[str, Any]]


class Told(pa.DataFrameModel):
    """A figure of an area and period, and the counts beside it, with markers."""

    item: Series[str] = pa.Field(description="What is told")
    value: Series[float] = pa.Field(description="Figure", metadata={"markers": True})
    cases: Series[float] = pa.Field(description="Cases", metadata={"markers": True})
    people: Series[float] = pa.Field(description="Base", metadata={"markers": True})


def derived(name: str, sql_type: str) -> Derived:
    return Derived(name, sql_type, (), lambda places: None, name)


TOLD = Source(
    "told",
    "Figures as told",
    "test",
    "none",
    Told,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    derived=(
        derived("area_code", "VARCHAR"),
        derived("period_start", "DATE"),
        derived("period_end", "DATE"),
    ),
)
LIMITED = replace(
    TOLD,
    name="limited",
    derived=(*TOLD.derived, derived("lower_95", "DOUBLE"), derived("upper_95", "DOUBLE")),
)
TALLIED = replace(TOLD, name="tallied", tallies=True)
GUESSED = replace(TOLD, name="guessed", estimated="item = 'guess'")
MADE_UP = {one.name: one for one in (TOLD, LIMITED, TALLIED, GUESSED)}
SOURCES = {**sources.discover(), **MADE_UP}
ARRIVED = [{"extract_id": "e", "received_at": date(2015, 7, 1)}]

PEOPLE = Part("population", aggregate="sum(persons)")
STREET = Part("street_crime", forces="home")
OFFENCES = Part("recorded_crime", aggregate="sum(number_of_offences)")

SHAPES = {
    "rate of home force's rows": ("rate", 1000, replace(STREET, where="crime_type <> 'B'"), PEOPLE),
    "rate of every force's rows": ("rate", 1000, replace(STREET, forces="all"), PEOPLE),
    "rate of a sum": (
        "rate",
        1000,
        replace(OFFENCES, where="offence_code IN ('1A', '2A')"),
        PEOPLE,
    ),
    "count": ("count", 1, replace(STREET, where="crime_type = 'A'"), None),
    "count since a day": (
        "count",
        1,
        replace(STREET, where="crime_type = 'A'", since="2014-05-01"),
        None,
    ),
    "count of a sum": ("count", 1, OFFENCES, None),
    "proportion": ("proportion", 100, replace(STREET, where="crime_type = 'A'"), STREET),
    "rate over a count": ("rate", 100, replace(OFFENCES, where="offence_code = '1A'"), STREET),
    "count of cells": ("count", 1, Part("told", aggregate="sum(cases)"), None),
    "rate of cells": ("rate", 1000, Part("told", aggregate="sum(cases)"), PEOPLE),
    "share of cells": (
        "proportion",
        100,
        Part("told", aggregate="sum(cases)", where="item = 'fte' AND area_code <> 'town'"),
        Part("told", aggregate="sum(people)"),
    ),
}
GUESSES = {
    "count of guesses": ("count", 1, Part("guessed", "item <> 'other'"), None),
    "share of guesses": (
        "proportion",
        100,
        Part("guessed", aggregate="sum(cases)", where="item = 'fte'"),
        Part("guessed", aggregate="sum(people)", where="item <> 'other'"),
    ),
}
FTE = Part("told", "item = 'fte'", "value")
PUBLISHED = {
    "published rate": ("per 100,000", 100_000, FTE, None, None),
    "published share": (
        "per cent",
        100,
        FTE,
        replace(FTE, aggregate="cases"),
        replace(FTE, aggregate="people"),
    ),
    "published rate with limits": (
        "per 100,000",
        100_000,
        replace(FTE, source="limited"),
        replace(FTE, source="limited", aggregate="cases"),
        None,
    ),
}


def shaped(name: str) -> Indicator:
    about = {"title": name, "subject": "test", "unit": "", "series": "", "polarity": "none"}
    if name in PUBLISHED:
        unit, per, value, numerator, denominator = PUBLISHED[name]
        kind, about["unit"] = "published", unit
    else:
        kind, per, numerator, denominator = {**SHAPES, **GUESSES}[name]
        value = None
    parts = {"value": value, "numerator": numerator, "denominator": denominator}
    return Indicator(indicator=name, kind=kind, per=per, compare=(), **about, **parts)  # type: ignore[arg-type]


def filled(
    rows: Mapping[str, Dicts], areas: Dicts, members: Dicts | None = None
) -> DuckDBPyConnection:
    """The database of `empty`, holding these rows and no others."""
    connection = empty()
    clean = {source.clean: rows.get(source.name, []) for source in SOURCES.values()}
    meta = {"meta.area": areas, "meta.area_member": members or alone(areas)}
    for table, held in {**meta, "meta.extract": ARRIVED, **clean}.items():
        connection.execute(f"DELETE FROM {table}")
        for row in held:
            named, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({named}) VALUES ({marks})", [*row.values()])
    return connection


@cache
def empty() -> DuckDBPyConnection:
    """A database in memory whose tables are made from the schemas."""
    connection = warehouse.memory()
    clean = [schema.clean_table(source) for source in SOURCES.values()]
    meta = (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT, tables.EXTRACT_SHEET)
    for table in (*meta, *clean):
        connection.execute(tables.create(table))
    return connection


def alone(areas: Dicts) -> Dicts:
    """Every area is made of itself."""
    return [
        {"area_code": a["area_code"], "as_of": date(2009, 4, 1), "member_code": a["area_code"]}
        for a in areas
    ]


def computed(connection: DuckDBPyConnection, indicator: Indicator) -> dict[tuple[str, str], Any]:
    """Values by area and period; from counts made beforehand they are the same as from rows."""
    values = measure.values(connection, indicator, SOURCES)
    connection.execute(upkeep.STATE + tallies.STATE)
    counted = tallies.bring_up_to_date(connection, measure.to_tally([indicator], SOURCES))
    pd.testing.assert_frame_equal(
        values, measure.values(connection, indicator, SOURCES, counted), check_dtype=False
    )
    rows: Iterable[Any] = values.itertuples(index=False)
    return {(row.area_code, row.period): row for row in rows}


def quarters(rows: Dicts) -> Dicts:
    """Rows of recorded crime, with the dates of the period that `when` names."""
    return [
        {
            **{key: value for key, value in row.items() if key != "when"},
            "period_start": period.parse(str(row["when"])).start,
            "period_end": period.parse(str(row["when"])).end,
            "_extract_id": "e",
        }
        for row in rows
    ]


def told(rows: Dicts) -> Dicts:
    """Rows of figures as told, with the dates of the period that `when` names; a cell that is no
    number is a marker: x is suppressed, - not available, <90 below 90, ? a text, e empty."""
    statuses = {"x": "suppressed", "-": "not_available", "<90": "below:90", "?": "text"}
    statuses |= {"e": "not_available"}
    made = []
    for row in quarters(rows):
        for column in ("value", "cases", "people"):
            cell = row.get(column)
            marker = cell if isinstance(cell, str) else None
            row[column] = None if marker else cell
            row[f"{column}_status"] = statuses[marker] if marker else "ok"
            row[f"{column}_marker"] = "" if marker == "e" else marker
        made.append(row)
    return made


def assert_equal(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    rows: Mapping[str, Dicts],
    areas: Dicts,
    members: Dicts | None = None,
) -> None:
    expected = oracle.figures(indicator, rows, areas, members or alone(areas))
    assert_agrees(indicator, expected, computed(connection, indicator))


def assert_agrees(
    indicator: Indicator, expected: Iterable[oracle.Figure], found: dict[tuple[str, str], Any]
) -> None:
    wanted = {(figure.area_code, figure.period): figure for figure in expected}
    assert sorted(found) == sorted(wanted)
    for key, figure in wanted.items():
        row = found[key]
        for name, value in vars(figure).items():
            if name not in ("printed", "by_chance"):
                assert plain(getattr(row, name)) == plain(value), (indicator.indicator, key, name)
        lower, upper = limits(indicator, figure)
        assert plain(row.lower_95) == plain(lower) and plain(row.upper_95) == plain(upper)


def limits(indicator: Indicator, figure: oracle.Figure) -> tuple[float | None, float | None]:
    """The interval that `statistics` gives for one figure; none where the count is impossible.
    Of a published one the printed limits, or those of a percentage of the printed denominator."""
    x, n = figure.numerator, figure.denominator
    share = indicator.kind == "proportion"
    if indicator.kind == "published":
        if figure.printed[0] is not None or figure.value is None or not n:
            return figure.printed
        if indicator.unit != "per cent":
            return None, None
        x, share = figure.value * n / 100, True
    if not figure.by_chance or figure.value is None:
        return None, None
    if x is None or x < 0 or (share and n is not None and x > n):
        return None, None
    one = statistics.proportion if share else statistics.rate
    found = one(x, 1.0 if n is None else n, indicator.per)
    return found.lower, found.upper


def plain(value: Any) -> Any:
    """A cell without the accidents of its type: none for NaN, days for timestamps, 12 digits."""
    if value is None or value != value:
        return None
    if hasattr(value, "date"):
        return value.date()
    return float(f"{value:.12g}") if isinstance(value, float) else value


# --- plans ---------------------------------------------------------------------------------------


def test_the_database_plans_every_declared_indicator_on_empty_tables(known: Registry) -> None:
    connection = filled({}, [])
    measure.prove(connection, known.indicators.values(), known.sources)
    one_of_a_kind = {one.kind: one for one in known.indicators.values()}
    for indicator in one_of_a_kind.values():
        assert computed(connection, indicator) == {}


def test_a_statement_that_cannot_be_planned_is_refused_by_entry() -> None:
    wrong = replace(shaped("count"), numerator=replace(STREET, where="no_such_function(month)"))
    with pytest.raises(Refused, match=r"test\.toml \[count\].*no_such_function"):
        measure.prove(filled({}, []), [wrong], SOURCES)


# --- drawn rows, with the arithmetic in sight ----------------------------------------------------

TWO_AREAS = drawn("""
    area_code  force_code
    city       F1
    town       F2
""")
CITIZENS = drawn("""
    area_code  year  persons  vintage
    city       2014  2000     of_2019
    city       2015  4000     of_2019
    town       2014  1000     of_2019
""")
CRIMES = drawn("""
    _extract_id  month       area_code  force_code  crime_type
    e            2014-12-01  city       F1          A
    e            2014-12-01  city       F1          A
    e            2014-12-01  city       F2          A
    e            2014-12-01  city       F1          B
    e            2015-01-01  city       F1          B
    e            2015-01-01  town       F1          A
    e            2015-02-01  town       F2          A
    e            2015-02-01  .          F2          A
    e            2015-02-01  elsewhere  F2          A
""")


def test_home_rows_over_the_population_of_the_year_in_which_the_period_begins() -> None:
    rows = {"street_crime": CRIMES, "population": CITIZENS}
    found = computed(filled(rows, TWO_AREAS), shaped("rate of home force's rows"))
    values = {key: (row.numerator, row.denominator, row.value) for key, row in found.items()}
    assert {key: values[key] for key in values if key[0] == "city"} == {
        ("city", "2014M12"): (2, 2000, 1.0),  # the neighbour's row does not count
        ("city", "2015M01"): (0, 4000, 0.0),  # rows, but none of these crimes: 0, not absent
        ("city", "2014-15"): (2, 2000, 1.0),  # begins in 2014
    }
    year = found["city", "2014-15"]
    assert (year.months_covered, year.complete) == (2, False)
    assert (year.coverage_start.date(), year.coverage_end.date()) == (
        date(2014, 12, 1),
        date(2015, 1, 31),
    )


def test_an_area_is_received_where_its_home_force_sent_rows_and_not_by_a_neighbour() -> None:
    rows = {"street_crime": CRIMES, "population": CITIZENS}
    found = computed(filled(rows, TWO_AREAS), shaped("rate of every force's rows"))
    assert ("town", "2015M01") not in found  # its only row came from the city's force
    assert found["city", "2014M12"].numerator == 4  # here the neighbour's row counts
    assert plain(found["town", "2015M02"].value) is None
    assert found["town", "2015M02"].suppressed_reason == "missing_denominator"  # none for 2015
    assert found["town", "2014-15"].value == 1.0


def test_a_sum_takes_corrections_off_and_a_year_is_its_quarters_or_its_one_row() -> None:
    offences = quarters(
        drawn("""
        area_code  when     offence_code  number_of_offences
        city       2014Q2   1A            10
        city       2014Q2   1A            -3
        city       2014Q3   2A            5
        city       2014Q3   9A            100
        town       2014-15  1A            -2
        """)
    )
    rows = {"recorded_crime": offences, "population": CITIZENS}
    found = computed(filled(rows, TWO_AREAS), shaped("rate of a sum"))
    assert {key: (row.numerator, row.value, bool(row.complete)) for key, row in found.items()} == {
        ("city", "2014Q2"): (7, 3.5, True),  # 10 - 3 = 7; 7 / 2000 × 1000
        ("city", "2014Q3"): (5, 2.5, True),
        ("city", "2014-15"): (12, 6.0, False),  # half a year
        ("town", "2014-15"): (-2, -2.0, True),
    }
    assert plain(found["town", "2014-15"].lower_95) is None


def test_a_year_that_came_whole_and_by_quarters_is_counted_once() -> None:
    offences = quarters(
        drawn("""
        area_code  when     offence_code  number_of_offences
        city       2014Q2   1A            10
        city       2014-15  1A            45
        """)
    )
    found = computed(filled({"recorded_crime": offences}, TWO_AREAS), shaped("count of a sum"))
    year = found["city", "2014-15"]
    assert (year.numerator, year.months_covered, bool(year.complete)) == (45, 12, True)
    assert found["city", "2014Q2"].numerator == 10


#   the land: force F1 (city, town) and force F2 (port); "both" is a partnership of city and town

THE_LAND = drawn("""
    area_code  force_code  area_type
    city       F1          local_authority
    town       F1          local_authority
    port       F2          local_authority
    both       F1          csp
    F1         F1          police_force
    F2         F2          police_force
    land       .           country
""")
MADE_OF = {
    **{"city": ["city"], "town": ["town"], "port": ["port"], "both": ["city", "town"]},
    **{"F1": ["city", "town"], "F2": ["port"], "land": ["city", "town", "port"]},
}
OF_THE_LAND = [
    {"area_code": area, "as_of": date(2009, 4, 1), "member_code": member}
    for area, within in MADE_OF.items()
    for member in within
]
ALL_CITIZENS = drawn("""
    area_code  year  persons  vintage
    city       2014  2000     of_2019
    town       2014  1000     of_2019
    port       2014  5000     of_2019
""")


@pytest.mark.parametrize(
    ("told", "sums"),
    [
        ({"city": 10, "town": 4, "port": 2}, {"F1": 14, "F2": 2, "land": 16}),  # 10 + 4 + 2
        ({"both": 14, "port": 2}, {"F1": 14, "F2": 2, "land": 16}),
        ({"city": 10, "town": 4}, {"F1": 14}),  # the port lacks: the land has none
        ({"city": 10, "port": 2}, {"F2": 2}),
        ({"both": 14, "city": 10, "port": 2}, {"F2": 2}),  # the city twice: none
        ({"F1": 20, "F2": 3}, {"F1": 20, "F2": 3, "land": 23}),
        ({"F1": 20, "city": 10, "town": 4, "port": 2}, {"F1": 20, "F2": 2, "land": 16}),
        ({"F1": 20, "F2": 3, "both": 14, "port": 2}, {"F1": 20, "F2": 3, "land": 23}),
        ({"land": 99, "F1": 20, "F2": 3}, {"F1": 20, "F2": 3, "land": 99}),
    ],
)
def test_a_force_and_a_country_are_the_sum_of_their_areas_or_nothing(
    told: dict[str, int], sums: dict[str, int]
) -> None:
    offences = quarters(
        [
            {"area_code": area, "when": "2014-15", "offence_code": "1A", "number_of_offences": many}
            for area, many in told.items()
        ]
    )
    rows = {"recorded_crime": offences, "population": ALL_CITIZENS}
    connection = filled(rows, THE_LAND, OF_THE_LAND)
    found = computed(connection, shaped("rate of a sum"))
    wholes = {area: row for (area, _), row in found.items() if area in ("F1", "F2", "land")}
    assert {area: row.numerator for area, row in wholes.items()} == sums
    if "land" in sums:
        assert wholes["land"].value == 1000 * sums["land"] / 8000  # 2000 + 1000 + 5000 residents
    assert_equal(connection, shaped("rate of a sum"), rows, THE_LAND, OF_THE_LAND)
    statement = measure.rows_behind_sql(OFFENCES, SOURCES["recorded_crime"])
    year = [date(2014, 4, 1), date(2015, 3, 31)]
    connection.execute("UPDATE meta.extract SET file = 'told.csv', sha256 = 'a'")
    behind = {
        area: connection.execute(statement, [area, *year]).fetchall()
        for area in ("F1", "F2", "land")
    }
    numbers = {area: rows[0][2] if rows else 0 for area, rows in behind.items()}
    assert {area for area, many in numbers.items() if many} == set(sums)


def test_a_merged_area_has_the_people_of_its_members_or_of_none() -> None:
    areas = drawn("""
        area_code  force_code
        both       F1
        force      .
        split      F1
        grown      F1
    """)
    members = drawn("""
        area_code  as_of       member_code
        both       2009-04-01  city
        both       2009-04-01  town
        force      2009-04-01  city
        force      2009-04-01  gone
        force      2020-04-01  city
        split      2009-04-01  city
        split      2009-04-01  gone
        grown      2009-04-01  city
        grown      2020-04-01  city
        grown      2020-04-01  town
    """)
    offences = quarters(
        drawn("""
        area_code  when     offence_code  number_of_offences
        both       2014-15  1A            4
        both       2014-15  1A            2
        force      2014-15  1A            6
        split      2014-15  1A            6
        grown      2014-15  1A            6
        """)
    )
    rows = {"recorded_crime": offences, "population": CITIZENS}
    found = computed(filled(rows, areas, members), shaped("rate of a sum"))
    assert {area: plain(row.denominator) for (area, _), row in found.items()} == {
        "both": 3000,  # 2000 + 1000; and 4 + 2 offences of its former halves
        "force": 2000,  # one member of 2009 is in no table: the geography of 2020 holds
        "split": None,  # a sum without a member would be no population
        "grown": 3000,  # of two geographies that are wholly there the newer
    }
    assert found["both", "2014-15"].value == 2.0
    assert found["both", "2014-15"].denominator_vintage == "of_2019"


def test_a_count_is_divided_by_the_count_of_the_very_same_months_or_not_at_all() -> None:
    offences = quarters(
        drawn("""
        area_code  when     offence_code  number_of_offences
        city       2014-15  1A            8
        """)
    )
    rows = {"recorded_crime": offences, "street_crime": CRIMES}
    found = computed(filled(rows, TWO_AREAS), shaped("rate over a count"))
    assert plain(found["city", "2014-15"].value) is None  # 12 months over 2 would be no rate


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_agrees_with_the_oracle_on_drawn_rows(name: str) -> None:
    offences = drawn("""
        area_code  when     offence_code  number_of_offences
        city       2014Q4   1A            7
        city       2015Q1   2A            -1
        town       2014-15  1A            9
    """)
    rows = {
        "street_crime": CRIMES,
        "population": CITIZENS,
        "recorded_crime": quarters(offences),
        "told": AS_TOLD,
    }
    assert_equal(filled(rows, TWO_AREAS), shaped(name), rows, TWO_AREAS)


# --- published figures, markers and other years than financial ones ------------------------------

AS_TOLD = told(
    drawn("""
    area_code  when          item  value  cases  people
    city       2015CY        fte   540.0  12     160
    city       2014-15       fte   7.5    10     160
    city       2014-15       loi   9.9    77     999
    city       2015M12-P36M  fte   6.5    x      480
    city       2015M09-P12M  fte   5      5      100
    city       2014-03-31    fte   100    90     90
    city       2016CY        fte   x      x      x
    city       2017CY        fte   -      4      40
    city       2018CY        fte   <90    4      40
    city       2019CY        fte   ?      4      40
    city       2020CY        fte   e      4      40
    town       2015CY        fte   332    4      40
    town       2015CY        fte   332    4      40
    none       2015CY        fte   332    4      40
    """)
)


def published_of(name: str, rows: Dicts) -> dict[tuple[str, str], Any]:
    source = "limited" if "limits" in name else "told"
    return computed(filled({source: rows}, TWO_AREAS), shaped(name))


def test_a_published_figure_is_taken_over_as_printed_with_its_own_kind_of_period() -> None:
    found = published_of("published rate", AS_TOLD)
    numbers = {label: row for (area, label), row in found.items() if area == "city"}
    assert {
        label: (row.period_kind, row.value) for label, row in numbers.items() if plain(row.value)
    } == {
        "2015CY": ("calendar_year", 540.0),
        "2014-15": ("year", 7.5),
        "2015M12-P36M": ("years_together", 6.5),
        "2015M09-P12M": ("twelve_months", 5.0),
        "2014-03-31": ("snapshot", 100.0),
    }
    assert all(bool(row.complete) for row in found.values())
    assert plain(found["city", "2015CY"].lower_95) is None  # no counts, no interval


@pytest.mark.parametrize(
    ("label", "status", "reason"),
    [
        ("2016CY", "C", "suppressed by the publisher: x"),
        ("2017CY", "M", "not available from the publisher: -"),
        ("2018CY", "C", "below 90, says the publisher: <90"),
        ("2019CY", "M", "neither a number nor a known marker"),  # which may be anything
        ("2020CY", "M", "not available from the publisher: an empty cell"),
    ],
)
def test_a_marker_is_no_value_and_says_so(label: str, status: str, reason: str) -> None:
    row = published_of("published rate", AS_TOLD)["city", label]
    assert (plain(row.value), row.obs_status, row.suppressed_reason) == (None, status, reason)


def test_two_rows_for_an_area_and_period_are_ambiguous_even_where_they_agree() -> None:
    row = published_of("published rate", AS_TOLD)["town", "2015CY"]
    assert (plain(row.value), row.obs_status, row.suppressed_reason) == (None, "M", "ambiguous")


def test_a_published_percentage_has_the_interval_of_its_unrounded_cases() -> None:
    row = published_of("published share", AS_TOLD)["city", "2014-15"]
    expected = statistics.proportion(12, 160, 100)  # 7.5 % of 160 are 12, and not the 10 printed
    assert (row.numerator, row.denominator, row.value) == (10, 160, 7.5)
    assert (row.lower_95, row.upper_95) == (expected.lower, expected.upper)


def test_limits_that_a_publisher_prints_are_the_interval() -> None:
    rows = [{**row, "lower_95": 5.5, "upper_95": 9.5} for row in AS_TOLD]
    found = published_of("published rate with limits", rows)
    assert (found["city", "2014-15"].lower_95, found["city", "2014-15"].upper_95) == (5.5, 9.5)
    assert plain(found["city", "2016CY"].lower_95) is None  # the value is suppressed


def test_a_sum_with_a_marker_in_it_is_no_sum() -> None:
    rows = told(
        drawn("""
        area_code  when     item  value  cases  people
        city       2014Q2   fte   1      10     100
        city       2014Q2   fte   1      x      100
        city       2014Q3   fte   1      5      100
        town       2014Q2   fte   1      7      100
        """)
    )
    found = computed(filled({"told": rows}, TWO_AREAS), shaped("count of cells"))
    assert {key: (plain(row.value), row.obs_status) for key, row in found.items()} == {
        ("city", "2014Q2"): (None, "C"),
        ("city", "2014Q3"): (5.0, "A"),
        ("city", "2014-15"): (None, "C"),  # 5 would be no figure of the year
        ("town", "2014Q2"): (7.0, "A"),
        ("town", "2014-15"): (7.0, "A"),
    }


def test_a_figure_with_an_estimated_row_in_it_is_an_estimate_and_so_is_its_year() -> None:
    rows = told(
        drawn("""
        area_code  when     item   value  cases  people
        city       2014Q2   fte    1      1      2
        city       2014Q2   guess  1      1      2
        city       2014Q3   fte    1      1      2
        town       2014Q2   fte    1      1      2
        town       2014Q2   other  1      1      2
        town       2014Q3   fte    1      x      2
        town       2014Q3   guess  1      1      2
        """)
    )
    connection = filled({"guessed": rows}, TWO_AREAS)
    counts = computed(connection, shaped("count of guesses"))
    assert {key: (row.value, row.obs_status) for key, row in counts.items()} == {
        ("city", "2014Q2"): (2, "E"),
        ("city", "2014Q3"): (1, "A"),
        ("city", "2014-15"): (3, "E"),  # a quarter of it is estimated
        ("town", "2014Q2"): (1, "A"),
        ("town", "2014Q3"): (2, "E"),
        ("town", "2014-15"): (3, "E"),
    }
    shares = computed(connection, shaped("share of guesses"))
    assert {key: row.obs_status for key, row in shares.items()} == {
        ("city", "2014Q2"): "E",  # in the denominator alone: 1 of 2 + 2
        ("city", "2014Q3"): "A",
        ("city", "2014-15"): "E",
        ("town", "2014Q2"): "A",
        ("town", "2014Q3"): "C",  # what is not there is no estimate
        ("town", "2014-15"): "C",
    }


def test_where_rows_are_numbers_no_row_is_no_number_and_where_they_are_events_it_is_none() -> None:
    rows = told(
        drawn("""
        area_code  when     item   value  cases  people
        city       2014-15  fte    1      10     100
        town       2014-15  other  1      7      100
        """)
    )
    for source, wanted in (("tallied", {"city": 10.0}), ("told", {"city": 10.0, "town": 0.0})):
        part = Part(source, aggregate="sum(cases)", where="item = 'fte'")
        counted = replace(shaped("count of cells"), numerator=part)
        found = computed(filled({source: rows}, TWO_AREAS), counted)
        assert {area: row.value for (area, _), row in found.items()} == wanted


def test_a_calendar_year_takes_the_people_of_that_year_and_three_years_those_of_none() -> None:
    rows = {"told": AS_TOLD, "population": CITIZENS}
    found = computed(filled(rows, TWO_AREAS), shaped("rate of cells"))
    assert (found["city", "2015CY"].denominator, found["city", "2015CY"].value) == (4000, 3.0)
    assert found["city", "2014-15"].denominator == 2000
    three = found["city", "2015M12-P36M"]  # its cases are hidden too, but people would mislead
    assert plain(three.denominator) is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_shape_agrees_with_the_oracle(name: str) -> None:
    source = "limited" if "limits" in name else "told"
    rows = {source: AS_TOLD}
    if source == "limited":
        rows = {source: [{**row, "lower_95": 1.0, "upper_95": 2.0} for row in AS_TOLD]}
    assert_equal(filled(rows, TWO_AREAS), shaped(name), rows, TWO_AREAS)


# --- generated rows -----------------------------------------------------------------------------

PLACES = st.sampled_from(["city", "town"])
FORCES = st.sampled_from(["F1", "F2"])
STREET_ROWS = st.fixed_dictionaries(
    {
        "_extract_id": st.just("e"),
        "month": st.sampled_from([date(2014, 3, 1), date(2014, 4, 1), date(2015, 1, 1)]),
        "area_code": st.one_of(PLACES, st.none()),
        "force_code": FORCES,
        "crime_type": st.sampled_from(["A", "B"]),
    }
)
OFFENCE_ROWS = st.fixed_dictionaries(
    {
        "area_code": st.sampled_from(["city", "town", "town", "F1"]),
        "when": st.sampled_from(["2013-14", "2014-15", "2014Q1", "2014Q2", "2015Q1"]),
        "offence_code": st.sampled_from(["1A", "2A", "9A"]),
        "number_of_offences": st.integers(-3, 30),
    }
)
PEOPLE_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "area_code": PLACES,
            "year": st.sampled_from([2013, 2014, 2015]),
            "persons": st.integers(1, 5000),
            "vintage": st.sampled_from(["2015", "2019"]),
        }
    ),
    max_size=6,
    unique_by=lambda row: (row["area_code"], row["year"]),
)


@generated(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(name for name in SHAPES if "cells" not in name)),
    st.lists(STREET_ROWS, max_size=12),
    st.lists(OFFENCE_ROWS, max_size=10),
    PEOPLE_ROWS,
    st.booleans(),
)
def test_every_shape_agrees_with_the_oracle_on_generated_rows(
    name: str, street: Dicts, offences: Dicts, people: Dicts, merged: bool
) -> None:
    rows = {
        "street_crime": street,
        "recorded_crime": quarters(offences),
        "population": people,
    }
    members = list(OF_THE_LAND)
    if merged:  # the town has become part of the city
        later = {"area_code": "city", "as_of": date(2020, 4, 1)}
        members += [{**later, "member_code": code} for code in ("city", "town")]
    connection = filled(rows, THE_LAND, members)
    assert_equal(connection, shaped(name), rows, THE_LAND, members)


MARKED = st.one_of(st.integers(0, 50), st.sampled_from(["x", "-", "<90", "?", "e"]))
TOLD_ROWS = st.fixed_dictionaries(
    {
        "area_code": st.sampled_from(["city", "town", "elsewhere"]),
        "when": st.sampled_from(
            ["2014CY", "2015CY", "2014-15", "2014Q2", "2015Q1", "2014M12-P36M", "2014M05"]
        ),
        "item": st.sampled_from(["fte", "fte", "loi"]),
        "value": MARKED,
        "cases": MARKED,
        "people": st.one_of(st.integers(50, 90), st.just("x")),
    }
)


@generated(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        ["published rate", "published share", *(one for one in SHAPES if "cells" in one)]
    ),
    st.lists(TOLD_ROWS, max_size=10),
    PEOPLE_ROWS,
)
def test_cells_with_markers_agree_with_the_oracle_on_generated_rows(
    name: str, cells: Dicts, people: Dicts
) -> None:
    rows = {"told": told(cells), "population": people}
    assert_equal(filled(rows, TWO_AREAS), shaped(name), rows, TWO_AREAS)


# --- whole refreshes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Refreshed:
    """A warehouse after one refresh for Southampton; `again` refreshes it for another area."""

    raw: Path
    folder: Path

    def again(self, config: str) -> None:
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "safecity.toml"
        file.write_text(config, encoding="utf-8")
        refresh = Refresh(settings.load(file).with_folders(self.raw, self.folder / "warehouse"))
        with refresh.warehouse.lock():
            refresh.look()
            for name in refresh.registry.sources:
                refresh.take_in(name)
            after_taking_in(refresh)

    def rows(self, statement: str) -> Dicts:
        connection = warehouse.Warehouse(self.folder / "warehouse").read_release(restricted=True)
        try:
            answer = connection.execute(statement)
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        finally:
            connection.close()


SOUTHAMPTON = 'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n'
BRIGHTON = 'area_code = "E06000043"\narea_name = "Brighton and Hove"\nyear = "2014-15"\n'


@pytest.fixture(scope="module")
def synthetic(whole_sample: Path) -> Refreshed:
    return Refreshed(whole_sample / "raw", whole_sample)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Refreshed:
    made = Refreshed(real_data, tmp_path_factory.mktemp("real"))
    made.again(SOUTHAMPTON)
    return made


ALWAYS = {"area_code", "lower_95", "upper_95", "vintage", "extracted_on"}


def needed(source: Source, indicators: Iterable[Indicator]) -> list[str]:
    """The columns of a source that the oracle asks for: some have many more."""
    parts = [
        part
        for one in indicators
        for part in (one.value, one.numerator, one.denominator)
        if part and part.source == source.name
    ]
    words = [source.period_start, source.period_end, source.home_force or ""]
    words += [text for part in parts for text in (part.where, part.aggregate)]
    words += [window.expression for window in source.windows]
    words += [source.by_chance or "", source.estimated or ""]
    said = {name for text in words for name in re.findall(r"\w+", text)}
    said |= {f"{name}_{what}" for name in said for what in ("status", "marker")}
    said = said - {window.name for window in source.windows}
    return [name for name in columns_of(source) if name in said | ALWAYS]


def grouped(refreshed: Refreshed, source: Source, columns: Sequence[str]) -> list[oracle.Row]:
    """The clean rows, alike ones together with how many they are."""
    days = {"period_start": source.period_start, "period_end": source.period_end}
    said = [*columns, *(f"{day} AS {name}" for name, day in days.items() if name not in columns)]
    rows = refreshed.rows(
        f"SELECT {', '.join(said)}, count(*) AS times FROM {source.clean} GROUP BY ALL"
    )
    return oracle.with_windows(source.name, rows)


def assert_every_value_agrees(refreshed: Refreshed) -> None:
    known = registry.load()
    rows = {
        name: grouped(refreshed, source, needed(source, known.indicators.values()))
        for name, source in known.sources.items()
    }
    areas = refreshed.rows("SELECT area_code, area_type, force_code FROM meta.area")
    members = refreshed.rows("SELECT * FROM meta.area_member")
    found: dict[str, dict[tuple[str, str], Any]] = {}
    for row in refreshed.rows("SELECT * FROM mart.indicator_value WHERE dimension = 'all'"):
        of_indicator = found.setdefault(row["indicator"], {})
        status = "A" if row["obs_status"] == "B" else row["obs_status"]  # which: `test_marks`
        of_indicator[row["area_code"], row["period"]] = Record({**row, "obs_status": status})
    for key, indicator in known.indicators.items():
        if oracle.understands(indicator):
            expected = oracle.figures(indicator, rows, areas, members)
            assert_agrees(indicator, expected, found.get(key, {}))


class Record:
    """A row whose columns are attributes."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        vars(self).update(row)


@pytest.mark.parametrize("key", registry.load().indicators)
def test_the_oracle_understands_every_declared_indicator(key: str, known: Registry) -> None:
    assert oracle.understands(known.indicators[key]), "teach tests/oracle.py its clauses"


def test_every_value_of_the_sample_agrees_with_the_oracle(synthetic: Refreshed) -> None:
    assert_every_value_agrees(synthetic)


def test_every_value_of_the_real_extracts_agrees_with_the_oracle(real: Refreshed) -> None:
    assert_every_value_agrees(real)


# Computed independently: Southampton, the home force's rows, January to September 2014.
MONTHLY = {
    "all_crime_rate": [1509, 1578, 1697, 1505, 1614, 1583, 1543, 1451, 1520],
    "asb_rate": [875, 810, 1131, 1159, 1160, 1320, 1460, 1379, 1286],
    "violence_and_sexual_offences_rate": [217, 242, 283, 218, 280, 250, 245, 246, 282],
    "burglary_rate": [209, 172, 240, 243, 217, 170, 159, 193, 180],
    "drug_offences_rate": [73, 89, 90, 71, 99, 83, 76, 62, 75],
}


@pytest.mark.parametrize("indicator", MONTHLY)
def test_monthly_counts_of_southampton_are_those_known(real: Refreshed, indicator: str) -> None:
    rows = real.rows(
        "SELECT numerator, denominator FROM mart.indicator_value WHERE area_code = 'E06000045' "
        f"AND indicator = '{indicator}' AND period BETWEEN '2014M01' AND '2014M09' ORDER BY period"
    )
    assert [row["numerator"] for row in rows] == MONTHLY[indicator]
    assert {row["denominator"] for row in rows} == {242_106}


# indicator, period, area, events, rate to three decimals, rank 1 = highest, areas ranked
KNOWN_RANKS = drawn("""
    indicator                      period   area         events  rate   rank_high  rank_of
    non_domestic_burglary_rate     2011-12  Southampton  1666    7.063  1          15
    non_domestic_burglary_rate     2011-12  Sheffield    .       6.227  2          15
    non_domestic_burglary_rate     2011-12  Bristol,     .       6.205  3          15
    non_domestic_burglary_rate     2011-12  Watford      .       2.747  15         15
    domestic_burglary_rate         2011-12  Southampton  1229    5.210  10         15
    drug_offences_rate             2014-15  Southampton  650     2.685  3          13
    drug_offences_rate_all_forces  2014-15  Southampton  652     2.693  4          13
""")


@pytest.mark.parametrize("row", KNOWN_RANKS, ids=lambda row: f"{row['indicator']} {row['area']}")
def test_rates_and_ranks_are_those_known(real: Refreshed, row: dict[str, Any]) -> None:
    (found,) = real.rows(
        "SELECT f.*, v.numerator AS events FROM mart.finding AS f "
        "JOIN mart.indicator_value AS v USING (indicator, area_code, period) "
        f"WHERE comparison = 'peer_rank' AND f.indicator = '{row['indicator']}' "
        f"AND period = '{row['period']}' AND starts_with(f.area_name, '{row['area']}')"
    )
    assert f"{found['value']:.3f}" == f"{row['rate']:.3f}"
    assert (found["rank_high"], found["rank_of"]) == (row["rank_high"], row["rank_of"])
    assert row["events"] in (found["events"], None)


def test_a_part_year_of_drug_offences_names_its_months_and_the_areas_without_a_figure(
    real: Refreshed,
) -> None:
    (found,) = real.rows(
        "SELECT status, sentence FROM mart.finding WHERE area_code = 'E06000045' "
        "AND indicator = 'drug_offences_rate' AND period = '2014-15' AND comparison = 'peer_rank'"
    )
    assert found["status"] == "part_year"
    assert "Southampton, April to November 2014: 2.68 per 1,000" in found["sentence"]
    assert "3rd highest of 13" in found["sentence"]
    assert "2 of the group's 15 areas have no figure" in found["sentence"]


# Read off the publishers' tables by eye: the long extract of 2024, table LA4 of 2014, Fingertips.
PUBLISHED_FIGURES = drawn("""
    indicator                 area_code  period   numerator  denominator  value
    first_time_entrants_rate  E06000045  2015CY   .          .            540
    first_time_entrants_rate  E10000011  2015CY   .          .            332
    looked_after_convicted    E06000045  2013-14  10         160          7.5
    looked_after_convicted    E92000001  2013-14  1710       30660        5.6
    self_harm_admissions      E06000045  2017-18  329        62817        555.6146194
""")


@pytest.mark.parametrize("row", PUBLISHED_FIGURES, ids=lambda row: str(row["indicator"]))
def test_published_figures_are_those_printed(real: Refreshed, row: dict[str, Any]) -> None:
    (found,) = real.rows(
        "SELECT * FROM mart.indicator_value WHERE "
        + " AND ".join(f"{key} = '{row[key]}'" for key in ("indicator", "area_code", "period"))
    )
    assert {key: found[key] for key in row} == row
    assert (found["obs_status"], found["suppressed_reason"]) == ("A", None)


def test_southampton_has_the_third_highest_rate_of_first_time_entrants_of_14(
    real: Refreshed,
) -> None:
    found = {
        row["area_code"]: row
        for row in real.rows(
            "SELECT * FROM mart.finding WHERE indicator = 'first_time_entrants_rate' "
            "AND period = '2015CY' AND comparison = 'peer_rank'"
        )
    }
    home = found["E06000045"]
    assert (home["value"], home["rank_high"], home["rank_best"], home["rank_of"]) == (
        540,
        3,
        12,
        14,
    )
    assert (home["rank_lower_95"], home["rank_upper_95"]) == (None, None)
    assert home["sentence"] == (
        "First-time entrants to the youth justice system, Southampton, 2015: 540 per 100,000 aged "
        "10 to 17, 3rd highest of 14; position 12 where 1 is best; 1 of the group's 15 areas has "
        "no figure; for Eastbourne, Watford and Northampton their counties East Sussex, "
        "Hertfordshire and Northamptonshire."
    )
    counties = {code: row["area_name"] for code, row in found.items() if code.startswith("E10")}
    assert counties == {
        "E10000011": "East Sussex (for Eastbourne)",
        "E10000015": "Hertfordshire (for Watford)",
        "E10000021": "Northamptonshire (for Northampton)",
    }


def test_a_suppressed_figure_of_the_workbook_is_no_value_and_quotes_its_marker(
    real: Refreshed,
) -> None:
    rows = real.rows(
        "SELECT * FROM mart.indicator_value WHERE indicator = 'looked_after_convicted' "
        "AND period = '2013-14' AND obs_status = 'C'"
    )
    assert rows
    assert {row["suppressed_reason"] for row in rows} == {"suppressed by the publisher: x"}
    assert {row["value"] for row in rows} == {None}


# --- another partnership -----------------------------------------------------------------------


def assert_assessed_without_peers(refreshed: Refreshed, indicator: str) -> None:
    refreshed.again(BRIGHTON)
    assert refreshed.rows("SELECT DISTINCT area_name, status FROM mart.finding") != []
    rows = refreshed.rows("SELECT * FROM mart.finding WHERE comparison = 'peer_rank'")
    assert {(row["area_code"], row["area_name"], row["status"]) for row in rows} == {
        ("E06000043", "Brighton and Hove", "no_peer_group")
    }
    (year,) = (r for r in rows if r["indicator"] == indicator and r["period"] == "2014-15")
    (value,) = refreshed.rows(
        "SELECT value FROM mart.indicator_value WHERE area_code = 'E06000043' "
        f"AND indicator = '{indicator}' AND period = '2014-15'"
    )
    assert year["value"] == pytest.approx(value["value"], rel=1e-12)
    assert "no peer group is declared for the area" in year["sentence"]


@pytest.mark.nightly
def test_another_partnership_is_assessed_on_the_same_sample(
    synthetic: Refreshed, tmp_path: Path
) -> None:
    shutil.copytree(synthetic.folder / "warehouse", tmp_path / "warehouse", symlinks=True)
    assert_assessed_without_peers(Refreshed(synthetic.raw, tmp_path), "all_crime_rate")


# This one comes last of all that use its fixture: it puts another release in its place.
def test_another_partnership_is_assessed_on_the_same_real_extracts(real: Refreshed) -> None:
    assert_assessed_without_peers(real, "all_crime_rate")


def test_an_area_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(Refused, match=r"no such area.*E06999999"):
        Refreshed(tmp_path / "raw", tmp_path).again(BRIGHTON.replace("E06000043", "E06999999"))
