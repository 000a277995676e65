"""An indicator's statement gives what its declaration means.

Here: the plan of every statement, every shape of indicator against `oracle`, on drawn, generated,
synthetic and real rows, and the figures that are known of the real extracts. Not here: comparing
values (`test_compare`), the interval's arithmetic (`test_statistics`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import oracle
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given
from hypothesis import settings as generated
from hypothesis import strategies as st
from oracle import drawn

from safecity_pipeline import (
    measure,
    period,
    registry,
    sample,
    settings,
    sources,
    statistics,
    tables,
    warehouse,
)
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Indicator, Part, Refused
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry

Dicts = list[dict[str, Any]]
SOURCES = sources.discover()
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
    "count of a sum": ("count", 1, OFFENCES, None),
    "proportion": ("proportion", 100, replace(STREET, where="crime_type = 'A'"), STREET),
    "rate over a count": ("rate", 100, replace(OFFENCES, where="offence_code = '1A'"), STREET),
}


def shaped(name: str) -> Indicator:
    kind, per, numerator, denominator = SHAPES[name]
    about = {"title": name, "subject": "test", "unit": "", "series": "", "polarity": "none"}
    parts = {"numerator": numerator, "denominator": denominator}
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
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT, *clean):
        connection.execute(tables.create(table))
    return connection


def alone(areas: Dicts) -> Dicts:
    """Every area is made of itself."""
    return [
        {"area_code": a["area_code"], "as_of": date(2009, 4, 1), "member_code": a["area_code"]}
        for a in areas
    ]


def computed(connection: DuckDBPyConnection, indicator: Indicator) -> dict[tuple[str, str], Any]:
    rows: Iterable[Any] = measure.values(connection, indicator, SOURCES).itertuples(index=False)
    return {(row.area_code, row.period): row for row in rows}


def quarters(rows: Dicts) -> Dicts:
    """Rows of recorded crime, with the dates of the period that `when` names."""
    return [
        {
            **{key: value for key, value in row.items() if key != "when"},
            "period_start": period.parse(row["when"]).start,
            "period_end": period.parse(row["when"]).end,
            "_extract_id": "e",
        }
        for row in rows
    ]


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
            assert plain(getattr(row, name)) == plain(value), (indicator.indicator, key, name)
        assert row.obs_status == ("M" if figure.value is None else "A")
        assert plain(row.suppressed_reason) == (
            "missing_denominator" if figure.value is None else None
        )
        lower, upper = limits(indicator, figure)
        assert plain(row.lower_95) == plain(lower) and plain(row.upper_95) == plain(upper)


def limits(indicator: Indicator, figure: oracle.Figure) -> tuple[float | None, float | None]:
    """The interval that `statistics` gives for one figure; none where the count is impossible."""
    x, n = figure.numerator, figure.denominator
    share = indicator.kind == "proportion"
    if figure.value is None or x < 0 or (share and n is not None and x > n):
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
    for indicator in known.indicators.values():
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
    }
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
        "area_code": PLACES,
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
    st.sampled_from(sorted(SHAPES)),
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
    members = alone(TWO_AREAS)
    if merged:  # the town has become part of the city
        later = {"area_code": "city", "as_of": date(2020, 4, 1)}
        members += [{**later, "member_code": code} for code in ("city", "town")]
    connection = filled(rows, TWO_AREAS, members)
    assert_equal(connection, shaped(name), rows, TWO_AREAS, members)


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
            refresh.indicators()
            refresh.findings()
            refresh.release()

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
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    folder = tmp_path_factory.mktemp("synthetic")
    sample.write(folder / "raw")
    made = Refreshed(folder / "raw", folder)
    made.again(SOUTHAMPTON)
    return made


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Refreshed:
    made = Refreshed(real_data, tmp_path_factory.mktemp("real"))
    made.again(SOUTHAMPTON)
    return made


NEEDED = {
    "street_crime": "area_code, month, force_code, crime_type, last_outcome_category",
    "recorded_crime": "area_code, period_start, period_end, offence_code, number_of_offences",
    "population": "area_code, year, persons, vintage",
}


def assert_every_value_agrees(refreshed: Refreshed) -> None:
    rows = {
        name: refreshed.rows(f"SELECT {columns}, count(*) AS times FROM clean.{name} GROUP BY ALL")
        for name, columns in NEEDED.items()
    }
    areas = refreshed.rows("SELECT area_code, force_code FROM meta.area")
    members = refreshed.rows("SELECT * FROM meta.area_member")
    found: dict[str, dict[tuple[str, str], Any]] = {}
    for row in refreshed.rows("SELECT * FROM mart.indicator_value"):
        of_indicator = found.setdefault(row["indicator"], {})
        of_indicator[row["area_code"], row["period"]] = Record(row)
    for key, indicator in registry.load().indicators.items():
        if oracle.understands(indicator):
            expected = oracle.figures(indicator, rows, areas, members)
            assert_agrees(indicator, expected, found[key])


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
    assert f"{found['value']:.3f}" == row["rate"]
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


# These two come last of all that use their fixture: they put another release in its place.
def test_another_partnership_is_assessed_on_the_same_sample(synthetic: Refreshed) -> None:
    assert_assessed_without_peers(synthetic, "all_crime_rate")


def test_another_partnership_is_assessed_on_the_same_real_extracts(real: Refreshed) -> None:
    assert_assessed_without_peers(real, "all_crime_rate")


def test_an_area_that_nobody_knows_is_refused(synthetic: Refreshed) -> None:
    with pytest.raises(Refused, match=r"no such area.*E06999999"):
        synthetic.again(BRIGHTON.replace("E06000043", "E06999999"))
