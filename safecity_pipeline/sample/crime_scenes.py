"""When and where the synthetic crimes of a force's export happened, and what came of them.

Here: hours, delays, wards, kinds of place and outcomes, all invented, for many crimes at once.
Not here: which crimes there are (`city`), and how a file is built (`police_crime`).

Times are minutes from the first minute of the financial year; they may lie before it.
"""

from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from safecity_pipeline.sample import week
from safecity_pipeline.sample.offences import Offence

DAY = 24 * 60
EARLIEST_DAY = -400  # no crime is recorded later after it was committed
Numbers = NDArray[np.int64]

# Weights of the 24 hours on average over the days of a week: by night in bars and streets, by day
# in shops, by evening and night at homes, and those of the police's desks.
_NIGHT = (9, 9, 8, 6, 3, 2, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 9, 10)
_DAY = (1, 1, 1, 1, 1, 1, 1, 3, 5, 7, 8, 9, 9, 9, 9, 10, 10, 9, 7, 5, 4, 3, 2, 1)
_HOME = (5, 5, 5, 4, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 8, 8, 8, 7, 6)
_DESK = (2, 2, 2, 1, 1, 1, 2, 4, 7, 9, 9, 9, 8, 8, 8, 8, 8, 7, 6, 5, 5, 4, 3, 2)
_SCENES = ((week.NIGHT_OUT, _NIGHT), (week.AT_WORK, _DAY), (week.AT_HOME, _HOME))
_WEEKS = [week.weights(kind, hours) for kind, hours in _SCENES]
_AT_DESKS = week.weights(week.EVEN, _DESK)
_BY_GROUP = {
    "Violence against the person": 0,
    "Sexual offences": 0,
    "Robbery": 0,
    "Public order offences": 0,
    "Drug offences": 0,
    "Criminal damage and arson": 2,
}
_BY_SUBGROUP = {"Domestic burglary": 2, "Theft from a vehicle": 2, "Non-domestic burglary": 2}

# Days from the crime to its recording: bound of the chance, first and last day.
_DELAYS = ((0.56, 0, 0), (0.80, 1, 1), (0.93, 2, 7), (0.985, 8, 60), (1.0, 61, 360))

WARDS = {
    "Quayside": 30,
    "Castle": 14,
    "Northgate": 9,
    "Mill Brook": 8,
    "Harbour View": 8,
    "Old Common": 7,
    "Church Field": 7,
    "Fairmead": 6,
    "Long Meadow": 6,
    "Westmarsh": 6,
    "Priory Park": 5,
    "Heathrise": 5,
    "Brickfields": 5,
    "Sandpit": 4,
    "Ferry": 4,
    "Uplands": 3,
}
_ELSEWHERE = {"Eastleigh": ("Junction", "Aviary"), "Portsmouth": ("Dockgate", "Seafront")}
_LSOAS_OF_WARD, _BEATS_OF_WARD, _FIRST_LSOA = 9, 2, 950_000


@dataclass(frozen=True)
class Spots:
    """Cells for district, ward, beat and LSOA, joined; as likely as the weights, added up, say."""

    cells: tuple[str, ...]
    bounds: NDArray[np.int64]

    def pick(self, draws: NDArray[np.float64]) -> list[str]:
        total = int(self.bounds[-1])
        places = np.searchsorted(self.bounds, np.floor(draws * total), side="right")
        return [self.cells[at] for at in places.tolist()]


def _spots(district: str, wards: dict[str, int], first: int) -> Spots:
    cells, weights = [], []
    for number, (ward, weight) in enumerate(wards.items()):
        for turn in range(_LSOAS_OF_WARD):
            beat = f"{district[0]}{ward[0]}{number:02d}{'AB'[turn % _BEATS_OF_WARD]}"
            lsoa = f"E01{_FIRST_LSOA + first + number * _LSOAS_OF_WARD + turn}"
            cells.append(f"{district},{ward},{beat},{lsoa}")
            weights.append(weight * (turn + 1))
    return Spots(tuple(cells), np.array(tuple(accumulate(weights))))


SPOTS = {"Southampton": _spots("Southampton", WARDS, 0)} | {
    district: _spots(district, dict.fromkeys(wards, 1), 1000 * number)
    for number, (district, wards) in enumerate(_ELSEWHERE.items(), 1)
}

_KINDS_OF_PLACE = (
    ("Street", "Public house or club", "Dwelling", "Public house or club", "Taxi or bus", "Street"),
    ("Shop", "Shop", "Office", "School or college", "Car park", "Shop"),
    ("Dwelling", "Dwelling", "Garden or drive", "Street", "Car park", "Garage or shed"),
)


def scene_of(offence: Offence) -> int:
    """The row of hours and kinds of place that an offence is like."""
    return _BY_SUBGROUP.get(offence.subgroup, _BY_GROUP.get(offence.group, 1))


def by_weekday(scene: int) -> list[int]:
    """Weights of the days of the week of a scene, Monday first."""
    found: list[int] = _WEEKS[scene].sum(axis=1).tolist()
    return found


def kinds_of_place(scenes: Numbers, draws: NDArray[np.float64]) -> list[str]:
    which = np.floor(draws * len(_KINDS_OF_PLACE[0])).astype(np.int64)
    pairs = zip(scenes.tolist(), which.tolist(), strict=True)
    return [_KINDS_OF_PLACE[scene][at] for scene, at in pairs]


class Times(NamedTuple):
    """When crimes were recorded, and committed, from and to."""

    recorded: Numbers
    committed_from: Numbers
    committed_to: Numbers


def times(chance: np.random.Generator, first: date, days: Numbers, scenes: Numbers) -> Times:
    """Of crimes that were recorded on these days, counted from the financial year's `first`."""
    count = len(days)
    delay = _delays(chance.random(count))
    hour = _minutes(chance, week.weekdays_of(first, days - delay), scenes) // 5 * 5
    later = hour + np.floor((DAY - 1 - hour) * chance.random(count)).astype(np.int64)
    at_desks = week.hours_of(_AT_DESKS, np.zeros(count, np.int64), chance.random(count))
    desk = at_desks * 60 + chance.integers(0, 60, count)
    recorded = days * DAY + np.where(delay == 0, later, desk)
    committed = (days - delay) * DAY + hour
    lasting = np.floor((recorded - committed) * chance.random(count)).astype(np.int64) // 5 * 5
    until = np.where(scenes == 0, committed + 5, committed + lasting)
    return Times(recorded, committed, np.minimum(until, recorded))


def _minutes(chance: np.random.Generator, weekdays: Numbers, scenes: Numbers) -> Numbers:
    """Minutes of the day, by the week of each one's scene."""
    draws = chance.random(len(scenes))
    hours = np.zeros(len(scenes), np.int64)
    for scene, table in enumerate(_WEEKS):
        chosen = scenes == scene
        hours[chosen] = week.hours_of(table, weekdays[chosen], draws[chosen])
    return hours * 60 + chance.integers(0, 60, len(scenes))


def _delays(draws: NDArray[np.float64]) -> Numbers:
    bounds = np.array([bound for bound, _, _ in _DELAYS])
    first = np.array([days for _, days, _ in _DELAYS])
    last = np.array([days for _, _, days in _DELAYS])
    step = np.minimum(np.searchsorted(bounds, draws, side="right"), len(bounds) - 1)
    below = np.concatenate(([0.0], bounds[:-1]))[step]
    share = (draws - below) / (bounds[step] - below)
    days: Numbers = first[step] + np.floor(share * (last[step] - first[step] + 1)).astype(np.int64)
    return days


# By scene: outcomes and the bounds of their chance; then none is reached for long.
_OUTCOMES = (
    "Charge or summons",
    "Caution",
    "Community resolution",
    "Evidential difficulties",
    "No suspect identified",
    "",
)
_OUTCOME_BOUNDS = np.array(
    [
        (0.18, 0.27, 0.36, 0.70, 0.90, 1.0),
        (0.22, 0.28, 0.36, 0.42, 0.94, 1.0),
        (0.07, 0.09, 0.11, 0.20, 0.96, 1.0),
    ]
)
_LONGEST_INQUIRY = 240  # days


def outcomes(chance: np.random.Generator, scenes: Numbers) -> tuple[list[str], Numbers]:
    """Outcome of each crime ('' where none is reached for long) and days until it."""
    draws, slow = chance.random(len(scenes)), chance.random(len(scenes))
    which = (draws[:, None] >= _OUTCOME_BOUNDS[scenes]).sum(axis=1)
    days = np.floor(slow * slow * slow * _LONGEST_INQUIRY).astype(np.int64)
    return [_OUTCOMES[at] for at in which.tolist()], days
