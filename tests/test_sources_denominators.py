"""What rates are divided by: residents by year, residents by sex and age, households.

Here: what a row means, each rule's bad row, the sum over sexes and ages, and a rate over each of
them. Not here: the claims that rest on such rates (`test_sources_home_office`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Bench, check_named

from safecity_pipeline import measure, tables
from safecity_pipeline.model import Indicator, Part
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import households, population, population_by_age
from safecity_pipeline.sample.places import PEERS
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.workbook import Sheet, to_bytes

AGED = "MYEB1_detailed_population_estimates_series_UK_(2019_geog20).csv"
HEAD = "ladcode20,laname20,country,sex,age,population_2013,population_2014"
SOUTHAMPTON, CARDIFF = "E06000045", "W06000015"
EVERY = [(sex, age) for sex in (1, 2) for age in range(91)]


def aged(rows: Iterable[str]) -> str:
    return "\r\n".join([HEAD, *rows]) + "\r\n"


def whole(code: str = SOUTHAMPTON, each: str = "10,20") -> list[str]:
    """Every sex and age of an area, the same number of each."""
    return [f"{code},A place,{code[0]},{sex},{age},{each}" for sex, age in EVERY]


# --- residents by sex and age --------------------------------------------------------------------


def test_a_row_is_an_area_a_sex_an_age_and_a_year(bench: Bench) -> None:
    bench.put(AGED, aged([*whole(), *whole(CARDIFF, "1,2")]))
    bench.take_in("population_by_age")
    found = bench.rows(
        "SELECT area_code, year, count(*), sum(persons), min(vintage) FROM clean.population_by_age "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert found == [
        (SOUTHAMPTON, 2013, 182, 1820, "2019_geog20"),  # 2 sexes x 91 ages x 10
        (SOUTHAMPTON, 2014, 182, 3640, "2019_geog20"),
        (CARDIFF, 2013, 182, 182, "2019_geog20"),
        (CARDIFF, 2014, 182, 364, "2019_geog20"),
    ]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("E06000045,A place,E,3,10,1,1", "sex_known"),
        ("E06000045,A place,E,0,10,1,1", "sex_known"),
        ("E06000045,A place,E,1,91,1,1", "age_in_range"),
        ("E06000045,A place,E,1,-1,1,1", "age_in_range"),
        ("E0600045,A place,E,1,10,1,1", "area_code_form"),
        ("E07000091,A place,F,1,10,1,1", "country_known"),
        ("E07000091,A place,W,1,10,1,1", "country_of_code"),
        ("E07000091,A place,E,1,10,50001,1", "persons_in_range"),
        ("E07000091,A place,E,1,10,1,1", "ages_like_others"),  # 1 of 182
    ],
)
def test_a_bad_row_breaks_its_rule_and_leaves_the_good_area_alone(
    bench: Bench, row: str, rule: str
) -> None:
    bench.put(AGED, aged([*whole(), row]))
    bench.take_in("population_by_age")
    (rules,) = bench.quarantined("population_by_age").values()
    assert rule in rules
    assert bench.rows("SELECT count(*) FROM clean.population_by_age") == [(364,)]


def test_an_area_that_lacks_an_age_counts_not_at_all(bench: Bench) -> None:
    """A sum over 181 rows would be a number, and nobody would see that it is too small."""
    bench.put(AGED, aged([*whole(), *whole(CARDIFF)[1:]]))
    taken = bench.take_in("population_by_age")
    assert not check_named(taken, "ages_like_others").passed
    assert bench.rows("SELECT DISTINCT area_code FROM clean.population_by_age") == [(SOUTHAMPTON,)]
    ((reasons,),) = bench.rows("SELECT DISTINCT reasons FROM quarantine.population_by_age")
    assert "W06000015 has 181 sexes and ages in 2013, other areas have 182" in reasons[0]


def test_a_later_edition_takes_the_place_of_a_countrys_years(bench: Bench) -> None:
    bench.put(AGED, aged(whole()))
    bench.put(AGED.replace("2019_geog20", "2021_geog21"), aged(whole(each="11,21")))
    bench.put(
        "manifest.csv",
        f"file,published_on\n{AGED},2020-06-24\n"
        f"{AGED.replace('2019_geog20', '2021_geog21')},2022-12-21\n",
    )
    bench.take_in("population_by_age")
    assert bench.rows(
        "SELECT DISTINCT vintage, persons FROM clean.population_by_age ORDER BY 2"
    ) == [
        ("2021_geog21", 11),
        ("2021_geog21", 21),
    ]


# --- households ----------------------------------------------------------------------------------


def workbook(unit: str, *lines: tuple[str | float, ...]) -> bytes:
    """Live table 406 with the years 2013 and 2014."""
    top: list[tuple[str | float, ...]] = [
        ("Live tables on household projections",),
        ("Table 406: Household projections1 by district, England, 1991-2037 (2012-based)",),
        (unit,),
        (),
        ("Current ONS code", "Former ONS code", "Area name", 2013, 2014),
    ]
    rows = [*top, *lines, (), ("Source: invented",), ("E07000091", "", "A note", 1, 1)]
    cells = {
        (at, column): cell
        for at, row in enumerate(rows, start=1)
        for column, cell in enumerate(row, start=1)
        if cell != ""
    }
    return to_bytes([Sheet("406", cells)])


@pytest.mark.parametrize(
    ("unit", "figures"),
    [("Number of households", (99_000, 100_400)), ("Thousands", (99, 100.4))],
)
def test_households_are_households_whatever_the_table_counts_in(
    bench: Bench, unit: str, figures: tuple[float, float]
) -> None:
    bench.put(
        "LT_406_2012-based.xlsx", workbook(unit, (SOUTHAMPTON, "00MS", "Southampton UA", *figures))
    )
    bench.take_in("households")
    found = bench.rows("SELECT area_code, year, households, vintage FROM clean.households")
    assert sorted(found) == [
        (SOUTHAMPTON, 2013, 99_000, "2012-based"),
        (SOUTHAMPTON, 2014, 100_400, "2012-based"),
    ]


@pytest.mark.parametrize(
    ("unit", "line", "rule"),
    [
        ("Number of households", ("E0600045", "", "A", 99_000, 99_000), "area_code_form"),
        ("Number of households", ("S12000049", "", "A", 99_000, 99_000), "area_code_form"),
        ("Number of households", ("E06000044", "", "A", 99.5, 99_000), "households_in_range"),
        ("Number of households", ("E06000044", "", "A", 99_000.5, 99_000), "households_in_range"),
        ("Thousands", ("E06000044", "", "A", 99_000, 99), "households_in_range"),
        ("Millions", ("E06000044", "", "A", 99_000, 99_000), None),
    ],
)
def test_a_bad_row_of_households_breaks_its_rule(
    bench: Bench, unit: str, line: tuple[str | float, ...], rule: str | None
) -> None:
    bench.put("LT_406_2012-based.xlsx", workbook(unit, line))
    if rule is None:  # no title says what is counted
        extract = bench.extract("LT_406_2012-based.xlsx")
        assert extract.status == "refused"
        assert "given_in" in extract.message
        return
    bench.take_in("households")
    assert bench.quarantined("households") == {6: [rule]}


def test_a_welsh_authority_has_its_estimates_beside_englands_projections(bench: Bench) -> None:
    england = (SOUTHAMPTON, "00MS", "Southampton UA", 99_000, 100_000)
    bench.put("LT_406_2012-based.xlsx", workbook("Number of households", england))
    bench.put(
        "household-estimates-wales-mid-2016.csv",
        f"Area code,Local authority,2013,2014\n{CARDIFF},Cardiff,140000,141000\n",
    )
    bench.take_in("households")
    found = bench.rows(
        "SELECT area_code, households, vintage FROM clean.households WHERE year = 2014"
    )
    assert sorted(found) == [
        (SOUTHAMPTON, 100_000, "2012-based"),
        (CARDIFF, 141_000, "mid-2016"),
    ]


# --- rates over each of them ---------------------------------------------------------------------


def sources_of(plan: Plan) -> list[Any]:
    modules = (population, population_by_age, households)
    return [file for module in modules for file in module.deliveries(plan)]


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def sampled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Bench:
    """The denominators of the sample, and a hundred burglaries a year in Southampton."""
    bench = Bench(tmp_path_factory.mktemp("denominators"), known)
    for file in sources_of(Plan(request.param)):
        bench.put(file.file, file.content)
    head = "Financial Year,CSP Name,Offence Description,Offence Group,Offence Code,Offence Count"
    years = [f"{year}/{(year + 1) % 100:02d}" for year in range(2009, 2017)]
    rows = [f"{year},Southampton,Burglary,Theft offences,28A,100" for year in years]
    bench.put("csp.csv", "\n".join([head, *rows]) + "\n")
    for source in ("population", "population_by_age", "households", "recorded_crime"):
        bench.take_in(source)
    areas(bench)
    return bench


def areas(bench: Bench) -> None:
    made = {tables.AREA: "area_code", tables.AREA_MEMBER: "area_code, as_of, member_code"}
    for table, columns in made.items():
        bench.connection.execute(tables.create(table))
        for place in PEERS:
            values = [place.code, date(2009, 4, 1), place.code][: columns.count(",") + 1]
            marks = ", ".join("?" * len(values))
            named = f"INSERT INTO meta.{table.name} ({columns}) VALUES ({marks})"
            bench.connection.execute(named, values)
    bench.connection.execute(tables.create(tables.EXTRACT))


BURGLARY = Part("recorded_crime", aggregate="sum(number_of_offences)")
OVER = {
    "residents": Part("population", aggregate="sum(persons)"),
    "residents by age": Part("population_by_age", aggregate="sum(persons)"),
    "aged 10 to 17": Part("population_by_age", "age >= 10 AND age <= 17", "sum(persons)"),
    "females 16 and over": Part("population_by_age", "sex = 2 AND age >= 16", "sum(persons)"),
    "households": Part("households", aggregate="sum(households)"),
}


def rates(bench: Bench, over: str) -> pd.DataFrame:
    found = measure.values(bench.connection, an_indicator(over), bench.sources)
    return found[found["area_code"] == SOUTHAMPTON].set_index("period").sort_index()


@cache
def an_indicator(over: str) -> Indicator:
    return Indicator(
        indicator=over,
        title=over,
        subject="test",
        unit="",
        kind="rate",
        per=1000,
        series="",
        polarity="none",
        compare=(),
        numerator=BURGLARY,
        denominator=OVER[over],
    )


@pytest.mark.parametrize("over", OVER)
def test_every_year_from_2009_10_has_its_denominator(sampled: Bench, over: str) -> None:
    found = rates(sampled, over)
    assert list(found.index) == [f"{year}-{(year + 1) % 100:02d}" for year in range(2009, 2017)]
    assert found["denominator"].notna().all()
    assert (found["value"] == 100_000 / found["denominator"]).all()
    vintages = {"households": "2012-based"}
    assert set(found["denominator_vintage"]) == {vintages.get(over, "2019_geog20")}


def test_the_parts_of_the_residents_are_those_residents(sampled: Bench) -> None:
    """Which persons are counted is told by the rows of the file, added up here again."""
    residents, by_age = (rates(sampled, over)["denominator"] for over in list(OVER)[:2])
    assert list(residents) == list(by_age)
    (file,) = (one for one in sampled.raw.rglob("*MYEB1*"))
    children = women = 0
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        code, _, _, sex, age, *years = line.split(",")
        if code == SOUTHAMPTON and sex in "12" and int(age) <= 90:
            children += int(years[5]) * (int(age) in range(10, 18))  # 2009 is the first
            women += int(years[5]) * (sex == "2" and int(age) >= 16)
    assert rates(sampled, "aged 10 to 17")["denominator"]["2014-15"] == children
    assert rates(sampled, "females 16 and over")["denominator"]["2014-15"] == women
    assert 0.06 < children / residents["2014-15"] < 0.12
    assert 0.36 < women / residents["2014-15"] < 0.46


def test_a_household_holds_between_two_and_three(sampled: Bench) -> None:
    residents, homes = (rates(sampled, over)["denominator"] for over in ("residents", "households"))
    assert ((residents / homes).between(2, 3)).all()


# --- the published files -------------------------------------------------------------------------


def test_the_published_population_is_read_as_before(bench: Bench, real_data: Path) -> None:
    (file,) = (real_data / "ons-population").glob("MYEB3*.csv")
    bench.put(file.name, file.read_bytes())
    bench.take_in("population")
    assert bench.rows(
        "SELECT persons FROM clean.population WHERE area_code = 'E06000045' AND year = 2014"
    ) == [(242_106,)]
    ((areas_found, first, last),) = bench.rows(
        "SELECT count(DISTINCT area_code), min(year), max(year) FROM clean.population"
    )
    assert (areas_found, first, last) == (379, 2001, 2019)
