"""An indicator taken apart: parts against a drawn table, and against the whole."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.typing import Series

from safecity_pipeline import breakdowns, measure, registry, tables, warehouse
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Derived, Indicator, Part, Refused, Source, Window
from safecity_pipeline.registry import indicators

TOWN, CITY = "E07000086", "E06000045"


class Events(pa.DataFrameModel):
    """One event of one ward and day."""

    ward: Series[str] = pa.Field(nullable=True, description="Ward")
    solved: Series[str] = pa.Field(description="yes or no")
    person: Series[str] = pa.Field(description="Who")


class OpenEvents(Events):
    """The same, of which nobody knows beforehand which wards there are."""

    ward: Series[str] = pa.Field(nullable=True, description="Ward", metadata={"open": True})


def derived(name: str, sql_type: str) -> Derived:
    return Derived(name, sql_type, (), lambda places: None, name)


EVENTS = Source(
    "events",
    "Events",
    "test",
    "none",
    Events,
    geography="area_code",
    period_start="month_start",
    period_end="month_end",
    derived=(
        derived("area_code", "VARCHAR"),
        derived("month_start", "DATE"),
        derived("month_end", "DATE"),
        derived("strands", "VARCHAR[]"),
    ),
    windows=(Window("how_often", "BIGINT", "count(*) OVER (PARTITION BY person)", "Of a person"),),
)
SOURCES = {"events": EVENTS}
# area, month of 2014, ward, solved, person, strands
DRAWN: list[tuple[str, int, str | None, str, str, list[str]]] = [
    (CITY, 4, "Bargate", "yes", "a", ["race"]),
    (CITY, 4, "Bargate", "no", "a", ["race", "faith"]),
    (CITY, 5, "Bevois", "no", "b", []),
    (CITY, 6, None, "yes", "c", []),
    (TOWN, 4, "Eastleigh", "yes", "d", ["faith"]),
]
COUNT = Indicator("n", "N", "s", "events", "count", 1, "asb", "none", (), Part("events"))
SHARE = replace(
    COUNT,
    kind="proportion",
    per=100,
    numerator=Part("events", "solved = 'yes'"),
    denominator=Part("events"),
)


@pytest.fixture(scope="module")
def connection() -> Any:
    made = warehouse.memory()
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT, schema.clean_table(EVENTS)):
        made.execute(tables.create(table))
    for code in (CITY, TOWN):
        made.execute("INSERT INTO meta.area (area_code) VALUES (?)", [code])
    for number, (area, month, ward, solved, person, strands) in enumerate(DRAWN):
        first = date(2014, month, 1)
        days = first, (pd.Timestamp(first) + pd.offsets.MonthEnd()).date()
        made.execute(
            "INSERT INTO clean.events VALUES ('e', '', ?, ?, ?, ?, ?, ?, ?, ?)",
            [number, ward, solved, person, area, *days, strands],
        )
    return made


def taken_apart(connection: Any, indicator: Indicator) -> dict[tuple[str, str], Any]:
    whole = measure.values(connection, indicator, SOURCES)
    rows = breakdowns.values(connection, indicator, SOURCES, whole)
    assert len(rows[rows["dimension"] == "all"]) == len(whole)
    parts = rows[rows["dimension"] != "all"]
    return {(str(row.area_code), str(row.dimension_value)): row for row in parts.itertuples()}


def test_counts_by_a_column_add_up_to_the_year(connection: Any) -> None:
    found = taken_apart(connection, replace(COUNT, by=("ward",)))
    assert {key: row.value for key, row in found.items()} == {
        (CITY, "Bargate"): 2,
        (CITY, "Bevois"): 1,
        (CITY, "not known"): 1,
        (TOWN, "Eastleigh"): 1,
    }
    row = found[CITY, "Bevois"]
    assert (row.period, row.dimension, row.complete) == ("2014-15", "ward", False)
    # April, May and June are covered in the whole area, though this ward has a row in May only.
    assert (row.months_covered, row.obs_status) == (3, "A")


def test_a_word_that_hardly_ever_comes_is_no_ward(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a name that slipped into the column."""
    monkeypatch.setattr(breakdowns, "OFTEN", 2)
    opened = {"events": replace(EVENTS, model=OpenEvents)}
    indicator = replace(COUNT, by=("ward",))
    whole = measure.values(connection, indicator, opened)
    rows = breakdowns.values(connection, indicator, opened, whole).query("dimension == 'ward'")
    told = zip(rows["area_code"], rows["dimension_value"], rows["value"], strict=True)
    assert {(area, ward): value for area, ward, value in told} == {
        (CITY, "Bargate"): 2,
        (CITY, "not known"): 2,  # Bevois came once, one has no ward
        (TOWN, "not known"): 1,
    }


def test_a_share_is_of_the_rows_of_its_part(connection: Any) -> None:
    found = taken_apart(connection, replace(SHARE, by=("ward",)))
    assert {key[1]: row.value for key, row in found.items() if key[0] == CITY} == {
        "Bargate": 50.0,  # 1 of 2
        "Bevois": 0.0,  # 0 of 1
        "not known": 100.0,  # 1 of 1
    }
    assert found[CITY, "Bargate"].lower_95 == pytest.approx(9.45, abs=0.01)  # Wilson, 1 of 2


def test_a_row_is_in_every_part_of_its_list(connection: Any) -> None:
    found = taken_apart(connection, replace(COUNT, by=("strands",)))
    assert {key: row.value for key, row in found.items() if key[0] == CITY} == {
        (CITY, "race"): 2,
        (CITY, "faith"): 1,
        (CITY, "not known"): 2,
    }


def test_a_part_may_be_worked_out_over_several_rows(connection: Any) -> None:
    found = taken_apart(connection, replace(COUNT, by=("how_often",)))
    assert {key: row.value for key, row in found.items() if key[0] == CITY} == {
        (CITY, "1"): 2,
        (CITY, "2"): 2,
    }


def test_a_part_of_what_chance_did_not_choose_has_no_interval(connection: Any) -> None:
    indicator = replace(SHARE, by=("ward",))
    asked = {"events": replace(EVENTS, by_chance="false")}
    whole = measure.values(connection, indicator, asked)
    rows = breakdowns.values(connection, indicator, asked, whole)
    assert len(rows) > len(whole) and rows["value"].notna().any()
    assert rows["lower_95"].isna().all() and rows["upper_95"].isna().all()


def test_a_part_with_an_estimated_row_in_it_is_an_estimate(connection: Any) -> None:
    indicator = replace(COUNT, by=("ward",))
    asked = {"events": replace(EVENTS, estimated="ward = 'Bevois'")}
    whole = measure.values(connection, indicator, asked)
    rows = breakdowns.values(connection, indicator, asked, whole)
    told = {
        (row.area_code, row.dimension_value): row.obs_status
        for row in rows.itertuples()
        if row.period_kind == "year"
    }
    assert told == {
        (CITY, "all"): "E",
        (CITY, "Bargate"): "A",
        (CITY, "Bevois"): "E",
        (CITY, "not known"): "A",
        (TOWN, "all"): "A",
        (TOWN, "Eastleigh"): "A",
    }


def test_a_part_without_an_event_in_one_year_has_none_and_not_nothing(connection: Any) -> None:
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO clean.events VALUES ('e', '', 99, 'Bevois', 'no', 'z', ?, ?, ?, [])",
        [CITY, date(2015, 4, 1), date(2015, 4, 30)],
    )
    indicator = replace(COUNT, by=("ward",))
    whole = measure.values(connection, indicator, SOURCES)
    rows = breakdowns.values(connection, indicator, SOURCES, whole)
    connection.execute("ROLLBACK")
    later = rows[(rows["period"] == "2015-16") & (rows["dimension"] == "ward")]
    assert dict(zip(later["dimension_value"], later["value"], strict=True)) == {
        "Bargate": 0.0,
        "Bevois": 1.0,
        "not known": 0.0,
    }


def test_numbers_that_a_marker_may_hide_are_not_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[x]\ntitle = "X"\nunit = "u"\nkind = "count"\nper = 1\nseries = "drugs.seizures"\n'
        'polarity = "none"\ncompare = []\nby = ["drug"]\n'
        'numerator = { source = "drug_seizures", aggregate = "sum(value)" }\n',
        encoding="utf-8",
    )
    with pytest.raises(Refused, match="no numbers that a marker may hide"):
        indicators.load(registry.load().sources, [], tmp_path)


@pytest.mark.parametrize(
    ("by", "kind", "words"),
    [
        ('["crime_typ"]', "count", "unknown column of street_crime; got: 'crime_typ'"),
        ('"crime_type"', "count", "by is a list of columns"),
        ('["crime_type"]', "rate", "only a count or a proportion is taken apart"),
    ],
)
def test_the_loader_refuses_what_cannot_be_taken_apart(
    tmp_path: Path, by: str, kind: str, words: str
) -> None:
    below = 'denominator = { source = "population", aggregate = "sum(persons)" }'
    (tmp_path / "x.toml").write_text(
        f'[x]\ntitle = "X"\nunit = "u"\nkind = "{kind}"\nper = 1\nseries = "asb.incidents"\n'
        f'polarity = "none"\ncompare = []\nby = {by}\n'
        'numerator = { source = "street_crime", forces = "home" }\n'
        f"{below if kind == 'rate' else ''}\n",
        encoding="utf-8",
    )
    with pytest.raises(Refused) as refused:
        indicators.load(registry.load().sources, [], tmp_path)
    assert words in str(refused.value)


# --- the bands, sexes and strands of the real sources --------------------------------------------


def band(age: int | None) -> str | None:
    if age is None:
        return None
    for last, words in (
        *((9, "under 10"), (17, "10 to 17"), (24, "18 to 24"), (34, "25 to 34")),
        *((44, "35 to 44"), (54, "45 to 54"), (64, "55 to 64")),
    ):
        if age <= last:
            return words
    return "65 and over"


@pytest.mark.parametrize("name", ["police_victim", "police_offender"])
def test_every_age_is_in_its_band(name: str) -> None:
    source = registry.load().sources[name]
    (window,) = (one for one in source.windows if one.name == "age_band")
    connection = warehouse.memory()
    found = connection.execute(
        f"SELECT age_at_offence, {window.expression} "
        "FROM (SELECT unnest(range(116) || [NULL]) AS age_at_offence)"
    ).fetchall()
    assert len(found) == 117
    assert dict(found) == {age: band(age) for age, _ in found}


def rows_of(made: Path, statement: str) -> list[dict[str, Any]]:
    connection = warehouse.Warehouse(made / "warehouse").read_release(restricted=True)
    try:
        return connection.execute(statement).df().astype(object).to_dict("records")  # type: ignore[return-value]
    finally:
        connection.close()


def parts_of(made: Path, indicator: str, column: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Year and member → numerator and denominator (0 for none) of the city, without empty parts."""
    rows = rows_of(
        made,
        "SELECT period, dimension_value, numerator, coalesce(denominator, 0) AS base "
        f"FROM mart.indicator_value WHERE indicator = '{indicator}' AND dimension = '{column}' "
        f"AND area_code = '{CITY}' AND numerator + base > 0",
    )
    return {(r["period"], r["dimension_value"]): (r["numerator"], r["base"]) for r in rows}


def sex(row: dict[str, Any]) -> str:
    return row["sex"] if row["sex"] in ("male", "female") else "not known"


def age_band(row: dict[str, Any]) -> str:
    age = row["age_at_offence"]
    return band(None if pd.isna(age) else int(age)) or "not known"


def firsts(rows: list[dict[str, Any]], who: str) -> list[tuple[dict[str, Any], int]]:
    """The first row of each person in each year, and how many crimes the person has in it."""
    of: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        if isinstance(row[who], str):
            of.setdefault((row["financial_year"], row[who]), []).append(row)
    return [
        (
            min(mine, key=lambda row: (row["recorded_on"], row["crime_reference"])),
            len({row["crime_reference"] for row in mine}),
        )
        for mine in of.values()
    ]


def test_persons_by_age_and_sex_are_those_that_plain_python_counts(whole_sample: Path) -> None:
    columns = "crime_reference, recorded_on, financial_year, age_at_offence, sex"
    for source, who, indicator, column in (
        ("police_offender", "offender", "identified_offenders_count", "offender_sex"),
        ("police_victim", "victim", "repeat_victims_share", "victim_sex"),
    ):
        rows = rows_of(
            whole_sample,
            f"SELECT {who}, {columns} FROM clean.{source} WHERE area_code = '{CITY}'",
        )
        for dimension, part in ((column, sex), ("age_band", age_band)):
            expected: dict[tuple[str, str], tuple[float, float]] = {}
            for first, crimes in firsts(rows, who):
                at = first["financial_year"], part(first)
                x, n = expected.get(at, (0, 0))
                is_victim = source == "police_victim"
                counts = (crimes >= 2, 1) if is_victim else (1, 0)
                expected[at] = x + counts[0], n + counts[1]
            assert parts_of(whole_sample, indicator, dimension) == expected


def test_hate_by_strand_counts_a_crime_in_each_of_its_strands(whole_sample: Path) -> None:
    flags = {
        "racial": "hate_racial",
        "religious": "hate_religious",
        "sexual orientation": "hate_sexual_orientation",
        "transgender": "hate_transgender",
        "disability": "hate_disability",
    }
    rows = rows_of(
        whole_sample,
        f"SELECT recorded_at, hate, {', '.join(flags.values())} FROM clean.police_crime "
        f"WHERE area_code = '{CITY}' AND hate AND NOT cancelled",
    )
    expected: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        day = row["recorded_at"]
        first = day.year - (day.month < 4)
        named = [strand for strand, flag in flags.items() if row[flag]] or ["not known"]
        for strand in named:
            at = f"{first}-{(first + 1) % 100:02d}", strand
            expected[at] = expected.get(at, (0, 0))[0] + 1, 0
    assert parts_of(whole_sample, "hate_crime_count", "hate_strand") == expected
    assert any(len([f for f in flags.values() if row[f]]) > 1 for row in rows)


def test_children_by_sex_add_up_to_all_of_them(whole_sample: Path) -> None:
    for indicator in ("custodial_sentences_count", "serious_youth_offences_count"):
        whole = rows_of(
            whole_sample,
            "SELECT period, numerator FROM mart.indicator_value "
            f"WHERE indicator = '{indicator}' AND dimension = 'all' AND period_kind = 'year'",
        )
        assert whole
        parts = parts_of(whole_sample, indicator, "child_sex")
        for row in whole:
            mine = [x for (label, _), (x, _) in parts.items() if label == row["period"]]
            assert sum(mine) == row["numerator"] and len(mine) > 1
