"""Synthetic public health indicators in the form of Fingertips: 26 heads and 25 cells below them.

Here: two indicators: one by financial year whose values are standardised, so that they are near
and not equal to count / denominator; one whose name breaks the line within its cell, with rows of
deprivation deciles that repeat England. One value is ten times too large.
Not here: the areas (`upper_tier`).
"""

import math
from collections.abc import Sequence

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import (
    AREAS,
    AUTHORITY,
    CHILDREN,
    COUNTRY,
    HALF,
    REGION,
    REGION_CODES,
    Area,
    drawn,
)

FILE = "fingertips/synthetic-indicators-CountyUA.data.csv"
HEAD = (
    *("Indicator ID", "Indicator Name", "Parent Code", "Parent Name", "Area Code", "Area Name"),
    *("Area Type", "Sex", "Age", "Category Type", "Category", "Time period", "Value"),
    *("Lower CI 95.0 limit", "Upper CI 95.0 limit", "Lower CI 99.8 limit", "Upper CI 99.8 limit"),
    *("Count", "Denominator", "Value note", "Recent Trend"),
    *("Compared to England value or percentiles", "Compared to Region value or percentiles"),
    *("Time period Sortable", "New data", "Compared to goal"),
)
SELF_HARM = ("90813", "Hospital admissions as a result of self-harm (10-24 years)")
CAMPYLOBACTER = ("93356", "Campylobacter incidence rate/100,000\n")
SUPPRESSED = "Value suppressed for disclosure control reasons"
TEN_TIMES_TOO_LARGE = ("South Gloucestershire", 2013)
DECILES = "County & UA deprivation deciles in England (IMD2015)"
_AGGREGATED = "Aggregated from all known lower geography values"
# Published from 2010/11 on. The other is there for its form; no indicator reads it.
_SELF_HARM_FROM, _SELF_HARM_TO, _CAMPYLOBACTER_YEARS = 2010, 2015, (2014, 2015)
_SELF_HARM_RATE, _CAMPYLOBACTER_RATE = 0.0039, 0.00095
_SELF_HARM_MEASURE, _CAMPYLOBACTER_MEASURE = 60, 61
_STANDARD_STREAM, _DECILE_STREAM = 50, 51
_DECILE_NAMES = (
    "Most deprived decile",
    *(f"Decile {number}" for number in range(2, 10)),
    "Least deprived decile",
)
_PRINTED = [area for area in AREAS if area.level != HALF]
_TYPES = {COUNTRY: "Country", REGION: "Region", AUTHORITY: "County & UA"}
# Persons of the age meant, for each child aged 10 to 17.
_AGED_10_TO_24, _OF_ALL_AGES = 2, 11

Decile = tuple[tuple[str, str], int, Sequence[str]]
"""Category type and category, year, figures."""


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one extract; rows of deciles are left out by the pipeline."""
    rows: list[Sequence[str]] = [HEAD]
    last = max(_SELF_HARM_TO, int(plan.years[-1][:4]))
    for year in range(_SELF_HARM_FROM, last + 1):
        rows += _self_harm(plan.seed, year)
    for year in _CAMPYLOBACTER_YEARS:
        rows += _campylobacter(plan.seed, year)
    deciles = sum(DECILES in row for row in rows)
    content = table_to_bytes(rows, "\r\n")
    return [
        Delivery(
            FILE,
            "fingertips",
            content,
            len(rows),
            f"{last + 1}-11-01",
            planted=1,
            left_out=1 + deciles,
        )
    ]


def _self_harm(seed: int, year: int) -> list[Sequence[str]]:
    people = [_AGED_10_TO_24 * children for children in CHILDREN]
    counts = drawn(seed, _SELF_HARM_MEASURE, year, people, _SELF_HARM_RATE)
    label, sortable = f"{year}/{(year + 1) % 100:02d}", f"{year}0000"
    rows: list[Sequence[str]] = []
    for number, area in enumerate(_PRINTED):
        standard = 0.98 + 0.04 * float(stream(seed, _STANDARD_STREAM, number).random())
        factor = 10 if (area.name, year) == TEN_TIMES_TOO_LARGE else 1
        figures = _figures(area.total(counts), area.total(people), standard * factor)
        start = (*SELF_HARM, *_place(area), "Persons", "10-24 yrs", "", "")
        rows.append((*start, label, *figures, "", "Not compared", "Not compared", sortable, ""))
    return rows


def _campylobacter(seed: int, year: int) -> list[Sequence[str]]:
    people = [_OF_ALL_AGES * children for children in CHILDREN]
    counts = drawn(seed, _CAMPYLOBACTER_MEASURE, year, people, _CAMPYLOBACTER_RATE)
    rows: list[Sequence[str]] = []
    for area in _PRINTED:
        of, counted = area.total(people), area.total(counts)
        rows.append(_all_ages(area, ("", ""), year, _figures(counted, of, 1.0)))
        if area.level == COUNTRY:
            rows += [_all_ages(area, *decile) for decile in _deciles(seed, year, of)]
    return rows


def _all_ages(
    area: Area, category: tuple[str, str], year: int, figures: Sequence[str]
) -> Sequence[str]:
    start = (*CAMPYLOBACTER, *_place(area), "Persons", "All ages", *category, str(year))
    return (*start, *figures, "", "Not compared", "Not compared", f"{year}0000", "")


def _deciles(seed: int, year: int, people: int) -> list[Decile]:
    """England again for each tenth of its areas, by how deprived they are."""
    chance = stream(seed, _DECILE_STREAM, year)
    made: list[Decile] = []
    for word in _DECILE_NAMES:
        counted = int(people / 10 * _CAMPYLOBACTER_RATE * (0.8 + 0.4 * float(chance.random())))
        figures = (*_figures(counted, people // 10, 1.0)[:-1], _AGGREGATED)
        made.append(((DECILES, f"{word} (IMD2015)"), year, figures))
    return made


def _place(area: Area) -> tuple[str, str, str, str, str]:
    """Parent's code and name, own code, name and type."""
    name = f"{area.name} region" if area.level == REGION else area.name
    parent = ("E92000001", "England") if area.level == REGION else ("", "")
    if area.level == AUTHORITY:
        parent = (REGION_CODES[area.region], f"{area.region} region")
    return (*parent, area.code, name, _TYPES[area.level])


def _figures(counted: int, of: int, factor: float) -> tuple[str, ...]:
    """Value per 100,000, its limits (95 and 99.8 %), count, denominator and note."""
    if counted <= 5:
        return ("", "", "", "", "", "", str(of), SUPPRESSED)
    value = 100_000 * counted / of * factor
    half = 1.96 * value / math.sqrt(counted)
    wide = 3.09 * value / math.sqrt(counted)
    limits = (value - half, value + half, value - wide, value + wide)
    return (*(f"{number:.7f}" for number in (value, *limits)), str(counted), str(of), "")
