"""Synthetic mid-year population by sex and year of age: one wide file in the form of MYEB1.

Here: the residents of the fifteen areas, as `population` has them, dealt to both sexes and 91 ages,
with more young adults where there is a university. A row an area, sex and age; one row an area more
is of a sex or an age that does not exist.
Not here: how many residents there are (`population`), other areas.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.places import PEERS, PLACES, Place
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.population import BASE_YEAR, LATER_YEARS, residents

FILE = "population_by_age/synthetic-MYEB1_detailed_population_estimates_series_UK_(2019_geog20).csv"
YEARS = (BASE_YEAR, *LATER_YEARS)
SEXES = (1, 2)
AGES = 91
NO_SEX, NO_AGE = 3, 95
_STREAM = 410
_STUDENTS = slice(18, 25)
_MOST_OF_AN_AGE = 1000


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one file of population by age."""
    rows: list[Sequence[str | int]] = [_head()]
    for place in PEERS:
        rows += _rows(plan.seed, place)
    content = table_to_bytes(rows, "\r\n")
    date = "2020-06-24"
    return [Delivery(FILE, "population_by_age", content, len(rows), date, planted=len(PEERS))]


def _head() -> list[str]:
    return ["ladcode20", "laname20", "country", "sex", "age", *(f"population_{y}" for y in YEARS)]


def _rows(seed: int, place: Place) -> Iterator[Sequence[str | int]]:
    persons = _persons(seed, place).tolist()
    about = (place.code, place.name, place.country)
    for number, counts in enumerate(persons):
        sex, age = SEXES[number // AGES], number % AGES
        yield (*about, sex, age, *counts)
    bad = (NO_SEX, 0) if PEERS.index(place) % 2 else (SEXES[0], NO_AGE)
    yield (*about, *bad, *persons[-1])


def _persons(seed: int, place: Place) -> NDArray[np.int64]:
    """Residents by sex and age (rows) and year (columns); the sum of a year is its population."""
    weights = _weights(stream(seed, _STREAM, PLACES.index(place)))
    until = np.concatenate([[0], np.cumsum(weights)])
    yearly = np.array([residents(seed, place)[year] for year in YEARS])
    counts: NDArray[np.int64] = np.diff(until[:, None] * yearly // until[-1], axis=0)
    return counts


def _weights(chance: np.random.Generator) -> NDArray[np.int64]:
    """How many of each sex and age there are, of 1,000 or fewer, females after males."""
    fewer = [*range(1000, 880, -4), *[880] * 20, *range(880, 270, -15)][: AGES - 1]
    ages = np.array([*fewer, _MOST_OF_AN_AGE])
    drawn = ages * chance.integers(950, 1051, (len(SEXES), AGES)) // 1000
    drawn[:, _STUDENTS] = drawn[:, _STUDENTS] * int(chance.integers(100, 190)) // 100
    both: NDArray[np.int64] = drawn.reshape(-1)
    return both
