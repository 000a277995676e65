"""Synthetic mid-year population: one wide file in the form of the ONS components of change.

Here: births, deaths, migration and the population that follows from them, 2009 to 2016, so that
every rate from 2009-10 to 2016-17 has its denominator, of whole forces and of England too; and
`residents`, for whoever needs them.
Not here: the areas themselves (`places`), nor any published estimate.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.places import PLACES, Place, elsewhere
from safecity_pipeline.sample.plan import Plan

FILE = "population/synthetic-MYEB3_summary_components_of_change_series_UK_(2019_geog20).csv"
BASE_YEAR = 2009
LATER_YEARS = (2010, 2011, 2012, 2013, 2014, 2015, 2016)
# Of the residents of mid-2011, so many per 1,000 were there in the first year.
_IN_BASE_YEAR = 983
COMPONENTS = (
    "births",
    "deaths",
    "natchange",
    "internal_in",
    "internal_out",
    "internal_net",
    "international_in",
    "international_out",
    "international_net",
    "other_change",
    "population",
)
_STREAM = 3
_ELSEWHERE = 1_000  # the first number of a place that is not among PLACES


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one population file: a row for each area, one column for each year and part."""
    rows: list[Sequence[str | int]] = [_head(), *(_row(plan.seed, place) for place in PLACES)]
    rows += [_row(plan.seed, place, _ELSEWHERE + at) for at, place in enumerate(elsewhere())]
    return [Delivery(FILE, "population", table_to_bytes(rows, "\r\n"), len(rows), "2020-06-24")]


def _head() -> list[str]:
    later = [f"{component}_{year}" for year in LATER_YEARS for component in COMPONENTS]
    return ["ladcode20", "laname20", "country", f"population_{BASE_YEAR}", *later]


@cache
def residents(seed: int, place: Place) -> Mapping[int, int]:
    """Year -> residents of a place at its middle, as the file has them."""
    row = dict(zip(_head(), _row(seed, place), strict=True))
    return {year: int(row[f"population_{year}"]) for year in (BASE_YEAR, *LATER_YEARS)}


def _row(seed: int, place: Place, number: int | None = None) -> list[str | int]:
    chance = stream(seed, _STREAM, PLACES.index(place) if number is None else number)
    population = place.population * _IN_BASE_YEAR // 1000 + int(chance.integers(-400, 401))
    row: list[str | int] = [place.code, place.name, place.country, population]
    for _ in LATER_YEARS:
        changes = _changes(population, chance)
        births, deaths, moved_in, moved_out, arrived, left, other = changes
        population += births - deaths + moved_in - moved_out + arrived - left + other
        row += [births, deaths, births - deaths, moved_in, moved_out, moved_in - moved_out]
        row += [arrived, left, arrived - left, other, population]
    return row


def _changes(population: int, chance: np.random.Generator) -> list[int]:
    """Draw the year's births, deaths, moves within the country, moves across its border, other.

    Rates are persons per 10,000 a year.
    """
    rates = ((120, 145), (75, 95), (480, 540), (490, 545), (80, 130), (50, 80))
    parts = [population * int(chance.integers(low, high)) // 10_000 for low, high in rates]
    return [*parts, int(chance.integers(-20, 21))]
