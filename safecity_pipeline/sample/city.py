"""What happens in the sample's Southampton: recorded offences by financial year and code.

Here: how many offences the force records in the city each year, calibrated so that the sentences of
the published assessment come true of them, and how the change of recording shows in them; each of
them with its reference and day. The Home Office's table and all of the force's exports tell these.
Not here: how either of them is written (`recorded_crime`, `police_crime`), nor other areas.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from safecity_pipeline.sample import crime_scenes, week
from safecity_pipeline.sample.delivery import stream
from safecity_pipeline.sample.offences import OFFENCES, Offence
from safecity_pipeline.sample.plan import ASSESSED, Plan

CODE = "E06000045"
RESIDENTS = 236_000
VIOLENCE = "Violence against the person"
DOMESTIC_BURGLARY = "Domestic burglary"
BEFORE, FIVE_YEARS_BEFORE = "2013-14", "2009-10"
# Published: all crime +8 %, domestic burglary -31.7 % over five years. Violence "over 25 %" is the
# step of recording (`plan`) on the year before.
ALL_CRIME_CHANGE, BURGLARY_CHANGE = 1.08, 0.683
FORCE_NUMBER = "44"
_STREAM, _DAY_STREAM, _WEEKDAY_STREAM = 61, 62, 63
_TAKES_UP = {DOMESTIC_BURGLARY: "28A", VIOLENCE: "8N", "": "49"}
"""The code whose number is moved until a calibrated sum is met; "" for all crime."""

# How far the city lies from the invented rates of `offences`, by subgroup or else by group.
_LEVEL = {
    "Non-domestic burglary": 1.62,
    "Possession of drugs": 1.34,
    "Trafficking of drugs": 1.34,
    VIOLENCE: 2.0,
}
_COMMON_LEVEL = 1.3
# By financial year, 2013-14 is 1: crime fell until recording changed.
_TREND = {
    "2009-10": 1.34,
    "2010-11": 1.27,
    "2011-12": 1.22,
    "2012-13": 1.03,
    "2013-14": 1.0,
    "2014-15": 1.0,
    "2015-16": 1.03,
    "2016-17": 1.05,
}
_BURGLARY_TREND = {**_TREND, "2015-16": 0.87, "2016-17": 0.86}
_VIOLENCE_TREND = {**_TREND, "2009-10": 1.02, "2010-11": 1.02, "2011-12": 1.03, "2012-13": 0.99}
_SEASON = (0.95, 0.93, 0.98, 1.0, 1.03, 1.04, 1.07, 1.04, 1.0, 1.02, 0.99, 0.95)
# Of the step of violence, so much shows in other groups.
_FOLLOWS = {VIOLENCE: 1.0, "Sexual offences": 1.2, "Public order offences": 0.6}
_CHANGED_FROM = "2014-15"


@cache
def offences(plan: Plan, year: str) -> Mapping[str, int]:
    """Offences recorded in the city in a financial year, by Home Office code.

    All crime of 2014-15 is met with the step of recording as published: with another step only what
    follows it differs, so that the sentences about it can be seen to fail.
    """
    counts = {one.code: _drawn(plan, one, year) for one in OFFENCES}
    if year == ASSESSED:
        burglaries = sum_of(offences(plan, FIVE_YEARS_BEFORE), DOMESTIC_BURGLARY)
        _meet(counts, DOMESTIC_BURGLARY, round(burglaries * BURGLARY_CHANGE))
        _meet_all(plan, counts)
    for one in OFFENCES:
        counts[one.code] = round(counts[one.code] * effect(plan, one.group, year))
    if year == ASSESSED:
        violence = sum_of(offences(plan, BEFORE), VIOLENCE)
        _meet(counts, VIOLENCE, round(violence * effect(plan, VIOLENCE, year)))
    return counts


def sum_of(counts: Mapping[str, int], of: str) -> int:
    """Offences of one group or subgroup; of all where `of` is empty."""
    return sum(counts[one.code] for one in OFFENCES if of in ("", one.group, one.subgroup))


def _meet_all(plan: Plan, counts: dict[str, int]) -> None:
    """Move one code until all crime is what it must be, with the step as published."""
    before = offences(plan, BEFORE)
    stepped = Plan(plan.seed)
    counts_then = {
        one.code: round(counts[one.code] * effect(stepped, one.group, ASSESSED)) for one in OFFENCES
    }
    violence = round(sum_of(before, VIOLENCE) * effect(stepped, VIOLENCE, ASSESSED))
    others = sum_of(counts_then, "") - sum_of(counts_then, VIOLENCE)
    wanted = round(sum_of(before, "") * ALL_CRIME_CHANGE)
    counts[_TAKES_UP[""]] += wanted - violence - others


def _meet(counts: dict[str, int], of: str, wanted: int) -> None:
    counts[_TAKES_UP[of]] += wanted - sum_of(counts, of)


def _drawn(plan: Plan, offence: Offence, year: str) -> int:
    """Offences of one code as they would be without any change of recording."""
    chance = stream(plan.seed, _STREAM, int(year[:4]), OFFENCES.index(offence))
    level = _LEVEL.get(offence.subgroup, _LEVEL.get(offence.group, _COMMON_LEVEL))
    trend = _VIOLENCE_TREND if offence.group in _FOLLOWS else _TREND
    trend = _BURGLARY_TREND if offence.subgroup == DOMESTIC_BURGLARY else trend
    expected = RESIDENTS / 100_000 * offence.rate * level * trend[year]
    spread = 0.98 + 0.04 * float(chance.random())
    return int(expected * spread + float(chance.random()))


def effect(plan: Plan, group: str, year: str) -> float:
    """What recording, and a real change, make of a group from 2014-15 on."""
    if year < _CHANGED_FROM:
        return 1.0
    real = 1 + plan.real_change if group == VIOLENCE else 1.0
    return real * (1 + plan.recording_step * _FOLLOWS.get(group, 0.0))


class Recorded(NamedTuple):
    """One crime of the city: the force's reference, the day of recording, the offence."""

    reference: str
    day: date
    offence: Offence


@cache
def recorded(plan: Plan, year: str) -> tuple[Recorded, ...]:
    """Every crime of a financial year, in the order of its day; references are numbered so."""
    first = date(int(year[:4]), 4, 1)
    days = [first + timedelta(number) for number in range((_next_april(first) - first).days)]
    bounds = list(accumulate(_SEASON[day.month - 1] for day in days))
    scene_of = {one.code: crime_scenes.scene_of(one) for one in OFFENCES}
    offence_of = [one for one in OFFENCES for _ in range(offences(plan, year)[one.code])]
    chance = stream(plan.seed, _DAY_STREAM, int(year[:4]))
    draws: list[float] = (chance.random(len(offence_of)) * bounds[-1]).tolist()
    seasonal = [bisect_right(bounds, draw, hi=len(days) - 1) for draw in draws]
    scenes = [scene_of[one.code] for one in offence_of]
    dated = sorted(
        zip(_on_weekdays(plan, first, seasonal, scenes), range(len(scenes)), strict=True)
    )
    return tuple(
        Recorded(f"{FORCE_NUMBER}{year[2:4]}{turn:07d}", days[at], offence_of[number])
        for turn, (at, number) in enumerate(dated, start=1)
    )


def _on_weekdays(plan: Plan, first: date, days: Sequence[int], scenes: Sequence[int]) -> list[int]:
    """Other days of the same months, as the week of each one's scene has them."""
    chance = stream(plan.seed, _WEEKDAY_STREAM, first.year)
    found, draws = np.array(days), chance.random(len(days))
    of = np.array(scenes)
    for scene in np.unique(of).tolist():
        weights = crime_scenes.by_weekday(scene)
        found[of == scene] = week.moved(first, found[of == scene], draws[of == scene], weights)
    moved: list[int] = found.tolist()
    return moved


def _next_april(first: date) -> date:
    return date(first.year + 1, 4, 1)
