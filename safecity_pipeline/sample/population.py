"""Synthetic mid-year population: one wide file in the form of the ONS components of change.

Here: births, deaths, migration and the population that follows from them, 2011 to 2015.
Not here: the areas themselves (`places`), nor any published estimate.
"""

from collections.abc import Sequence

import numpy as np

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.places import PLACES, Place
from safecity_pipeline.sample.plan import Plan

FILE = "population/synthetic-MYEB3_summary_components_of_change_series_UK_(2019_geog20).csv"
BASE_YEAR = 2011
LATER_YEARS = (2012, 2013, 2014, 2015)
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


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one population file: a row for each area, one column for each year and part."""
    rows: list[Sequence[str | int]] = [_head(), *(_row(plan.seed, place) for place in PLACES)]
    return [Delivery(FILE, "population", table_to_bytes(rows, "\r\n"), len(rows), "2020-06-24")]


def _head() -> list[str]:
    later = [f"{component}_{year}" for year in LATER_YEARS for component in COMPONENTS]
    return ["ladcode20", "laname20", "country", f"population_{BASE_YEAR}", *later]


def _row(seed: int, place: Place) -> list[str | int]:
    chance = stream(seed, _STREAM, PLACES.index(place))
    population = place.population + int(chance.integers(-400, 401))
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
