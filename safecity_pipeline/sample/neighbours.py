"""What happens in the fourteen areas most like the sample's Southampton: recorded offences.

Here: how many offences of each code are recorded in each of them and year. Where Southampton stands
among them in 2014-15 is as published (highest in non-domestic burglary, third highest in drug
offences), with a neighbour close by on either side; recorded crime rose in most of them, since the
change of recording was national.
Not here: Southampton itself (`city`), its peers by name (`places`), any table (`recorded_crime`).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from safecity_pipeline.sample import city
from safecity_pipeline.sample.delivery import stream
from safecity_pipeline.sample.offences import OFFENCES, SUBGROUPS, Offence
from safecity_pipeline.sample.places import PEERS, Place
from safecity_pipeline.sample.plan import ASSESSED, Plan
from safecity_pipeline.sample.population import residents

SOUTHAMPTON = next(place for place in PEERS if place.code == city.CODE)
OTHERS = tuple(place for place in PEERS if place is not SOUTHAMPTON)
BURGLARY, DRUGS, ALL = "Non-domestic burglary", "Drug offences", ""
_STANDING_STREAM, _LEVEL_STREAM, _COUNT_STREAM = 400, 401, 402
_TAKES_UP = {BURGLARY: "30A", DRUGS: "92E", ALL: "49"}
"""The code whose number is moved until a sum is met."""

# Rates of 2014-15 as shares of Southampton's: of those close to it, and between which two the
# others lie. Of the first row, Southampton is highest; of the others third highest, which is the
# thirteenth best of fifteen.
_CLOSE = {
    BURGLARY: (0.97,),
    DRUGS: (1.12, 1.03, 0.97),
    ALL: (1.08, 1.03, 0.97),
}
_REST = {BURGLARY: (0.5, 0.86), DRUGS: (0.45, 0.86), ALL: (0.62, 0.86)}
_WITHIN = 0.005

# Changes of all crime in 2014-15, with the step of recording as published: Southampton's is 0.08.
_FELL, _CLOSE_TO_EIGHT = (-0.04, -0.01), (0.035, 0.125)
_LESS, _MORE = (0.008, 0.025), (0.135, 0.18)
_SO_MANY_CLOSE = 6
_LEAST_FALLS, _MOST_FALLS = 1, 3
# By financial year, the two years about the change are 1.
_TREND = {"2009-10": 1.3, "2010-11": 1.25, "2011-12": 1.17, "2012-13": 1.05}
_VIOLENCE_TREND = {"2009-10": 1.06, "2010-11": 1.04, "2011-12": 1.02, "2012-13": 0.98}
_LATER_TREND = {"2015-16": 1.03, "2016-17": 1.05}
FOLLOWS = {city.VIOLENCE: 1.0, "Sexual offences": 1.2, "Public order offences": 0.6}
# A force took up the change of recording by so much of the step.
_TAKEN_UP = (0.75, 1.15)


class Standing(NamedTuple):
    """Where one area stands: rates of 2014-15 as shares of Southampton's, the change of all crime
    in that year with the step as published, and how much of that step its force took up."""

    shares: Mapping[str, float]
    change: float
    taken_up: float


class Scale(NamedTuple):
    """What an area's expected numbers are multiplied by: of burglary and drugs in all years, of
    everything else before and after the change of recording."""

    of: Mapping[str, float]
    before: float
    after: float


def rate(plan: Plan, place: Place, year: str, of: str = ALL) -> float:
    """Offences of a group, a subgroup or all, per 1,000 residents at the middle of the year."""
    return 1000 * _sum(offences(plan, place, year), of) / _residents(plan, place, year)


@cache
def offences(plan: Plan, place: Place, year: str) -> Mapping[str, int]:
    """Offences recorded in an area, Southampton or another, in a financial year, by code.

    The sums of 2013-14 and 2014-15 are met with the step of recording as published: with another
    one what follows it differs, as in the city.
    """
    if place is SOUTHAMPTON:
        return city.offences(plan, year)
    counts = _unchanged(plan.seed, place, year)
    effects = _effects(plan, place, year)
    return {code: round(count * effects[code]) for code, count in counts.items()}


def _unchanged(seed: int, place: Place, year: str) -> dict[str, int]:
    """Offences as they would be without any change of recording."""
    scale, expected = _scale(seed, place), _expected(seed, place, year)
    chance = stream(seed, _COUNT_STREAM, OTHERS.index(place), int(year[:4]), 1)
    other = scale.after if year >= ASSESSED else scale.before
    counts = {
        one.code: int(expected[one.code] * scale.of.get(_kind(one), other) + float(chance.random()))
        for one in OFFENCES
    }
    wanted = _wanted(seed, place)
    if year == ASSESSED:
        for of in (BURGLARY, DRUGS):
            counts[_TAKES_UP[of]] += wanted[of] - round(_sum(counts, of))
    if year in (city.BEFORE, ASSESSED):
        total = wanted[ALL] if year == ASSESSED else _total_before(seed, place)
        counts[_TAKES_UP[ALL]] += total - _recorded_sum(seed, place, year, counts)
    return counts


def _recorded_sum(seed: int, place: Place, year: str, counts: Mapping[str, float]) -> int:
    """What all crime comes to with the step of recording as published."""
    effects = _effects(Plan(seed), place, year)
    return sum(round(count * effects[code]) for code, count in counts.items())


@cache
def _scale(seed: int, place: Place) -> Scale:
    wanted, expected = _wanted(seed, place), _expected(seed, place, ASSESSED)
    of = {kind: wanted[kind] / _sum(expected, kind) for kind in (BURGLARY, DRUGS)}
    after = _left(seed, place, ASSESSED, wanted[ALL], of)
    before = _left(seed, place, city.BEFORE, _total_before(seed, place), of)
    return Scale(of, before, after)


def _left(seed: int, place: Place, year: str, total: int, of: Mapping[str, float]) -> float:
    """By what everything but burglary and drugs is multiplied, so that all crime is `total`."""
    expected, effects = _expected(seed, place, year), _effects(Plan(seed), place, year)
    fixed = sum(_sum(expected, kind) * scale for kind, scale in of.items())
    others = sum(expected[one.code] * effects[one.code] for one in OFFENCES if _kind(one) not in of)
    return (total - fixed) / others


def _sum(counts: Mapping[str, float], of: str) -> float:
    """Offences of one group or subgroup; of all where `of` is empty."""
    return sum(counts[one.code] for one in OFFENCES if of in (ALL, one.group, one.subgroup))


def _kind(offence: Offence) -> str:
    """What of the calibrated sums an offence belongs to, `ALL` where it is of neither part."""
    return next((of for of in (BURGLARY, DRUGS) if of in (offence.group, offence.subgroup)), ALL)


def _wanted(seed: int, place: Place) -> Mapping[str, int]:
    """Offences of 2014-15 that put the area where it stands, with the step as published."""
    own, plan = standings(seed)[OTHERS.index(place)], Plan(seed)
    people = _residents(plan, place, ASSESSED) / 1000
    return {
        of: round(share * people * rate(plan, SOUTHAMPTON, ASSESSED, of))
        for of, share in own.shares.items()
    }


def _total_before(seed: int, place: Place) -> int:
    return round(_wanted(seed, place)[ALL] / (1 + standings(seed)[OTHERS.index(place)].change))


@cache
def _expected(seed: int, place: Place, year: str) -> Mapping[str, float]:
    """Offences of each code by the area's own levels, before they are scaled to its standing."""
    number = OTHERS.index(place)
    chance = stream(seed, _LEVEL_STREAM, number)
    levels = {subgroup: _between(chance, (0.75, 1.25)) for subgroup in SUBGROUPS}
    chance = stream(seed, _COUNT_STREAM, number, int(year[:4]))
    hundred_thousands = _residents(Plan(seed), place, year) / 100_000
    year_of_its_own = 1.0 if year in (city.BEFORE, ASSESSED) else _between(chance, (0.97, 1.03))
    return {
        one.code: hundred_thousands
        * one.rate
        * levels[one.subgroup]
        * _trend(one, year)
        * year_of_its_own
        * _between(chance, (0.95, 1.05))
        for one in OFFENCES
    }


def _trend(offence: Offence, year: str) -> float:
    trend = _VIOLENCE_TREND if offence.group in FOLLOWS else _TREND
    return {**trend, **_LATER_TREND}.get(year, 1.0)


def _effects(plan: Plan, place: Place, year: str) -> Mapping[str, float]:
    """Code -> what the change of recording makes of it. A real change is Southampton's alone."""
    step = plan.recording_step * standings(plan.seed)[OTHERS.index(place)].taken_up
    step = step if year >= ASSESSED else 0.0
    return {one.code: 1 + step * FOLLOWS.get(one.group, 0.0) for one in OFFENCES}


@cache
def standings(seed: int) -> tuple[Standing, ...]:
    """Where each of the other areas stands, in the order of `OTHERS`."""
    chance = stream(seed, _STANDING_STREAM)
    shares = {of: _dealt(chance, _shares(chance, of)) for of in _CLOSE}
    changes = _dealt(chance, _changes(chance))
    return tuple(
        Standing(
            {of: shares[of][number] for of in shares}, changes[number], _between(chance, _TAKEN_UP)
        )
        for number in range(len(OTHERS))
    )


def _shares(chance: np.random.Generator, of: str) -> list[float]:
    close = [_between(chance, (share - _WITHIN, share + _WITHIN)) for share in _CLOSE[of]]
    return close + [_between(chance, _REST[of]) for _ in range(len(OTHERS) - len(close))]


def _changes(chance: np.random.Generator) -> list[float]:
    """Eleven to thirteen of fourteen rise, six of them by about as much as Southampton."""
    falls = int(chance.integers(_LEAST_FALLS, _MOST_FALLS + 1))
    ranges = [_FELL] * falls + [_CLOSE_TO_EIGHT] * _SO_MANY_CLOSE
    ranges += [_LESS if turn % 2 else _MORE for turn in range(len(OTHERS) - len(ranges))]
    return [_between(chance, one) for one in ranges]


def _dealt(chance: np.random.Generator, values: Sequence[float]) -> list[float]:
    order = np.argsort(chance.random(len(values)), kind="stable")
    return [values[int(index)] for index in order]


def _between(chance: np.random.Generator, limits: tuple[float, float]) -> float:
    low, high = limits
    return low + (high - low) * float(chance.random())


def _residents(plan: Plan, place: Place, year: str) -> int:
    return residents(plan.seed, place)[int(year[:4])]
