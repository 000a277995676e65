"""Synthetic attendances at the city's emergency department after an assault, one file a year.

Here: about 900 a year, with the hour of arrival, the kind of place, weapon and relationship; one
in fifty has no hour. The trust puts twelve monthly files below one another, heads included.
Calibrated: arrivals from 22:00 to 06:00 fall by twelve per cent from 2013-14 to 2014-15, those of
two other windows of the night by about five; a change of police recording moves none of them, a
real change of violence all. One row in 200 is bad. In place of the specific location, which may
name people, the trust writes two words.
Not here: patients. No row tells who.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate

import numpy as np

from safecity_pipeline.sample import week
from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, Plan

FILE = "ed_assault/synthetic-southampton-ed-assaults-{}-extracted-{}.csv"
BEFORE = "2013-14"
NIGHT_CHANGE = 0.88
_STREAM, _LEVEL_STREAM, _FAULT_STREAM = 210, 211, 212
# By hours of arrival, how many of about 900 in 2013-14: what the three windows of the night share
# and what one of them has alone. None: those without an hour.
_EVENING, _LATE, _NIGHT, _DAWN, _DAY, _NONE = "18-20", "20-22", "22-04", "04-06", "06-18", "none"
_COUNTS = {_EVENING: 112, _LATE: 120, _NIGHT: 288, _DAWN: 72, _DAY: 290, _NONE: 18}
_CHANGE = {_EVENING: 1.06, _LATE: 1.05, _DAWN: 0.76, _DAY: 1.03, _NONE: 1.0}
_HOURS: Mapping[str, tuple[int, ...]] = {
    _EVENING: (18, 19),
    _LATE: (20, 21),
    _NIGHT: (22, 23, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3),
    _DAWN: (4, 4, 5),
    _DAY: (6, 7, 8, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17),
}
# A Friday's night has not begun before its evening, a Sunday's is over in the morning.
_NIGHT_HOURS = {4: (22, 22, 23, 23, 23, 0, 1), 6: (0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 22)}
_TREND = {
    "2009-10": 1.14,
    "2010-11": 1.1,
    "2011-12": 1.07,
    "2012-13": 1.03,
    "2013-14": 1.0,
    "2014-15": 1.0,
    "2015-16": 0.95,
    "2016-17": 0.94,
}
_SEASON = (0.92, 0.92, 0.97, 1.0, 1.04, 1.05, 1.08, 1.06, 1.01, 1.02, 0.95, 1.0)
# Weights of the days of the week, from Monday: nights begin the evening before.
_BY_WEEKDAY = {
    _EVENING: (8, 8, 8, 9, 14, 15, 9),
    _LATE: (7, 7, 8, 9, 16, 18, 8),
    _NIGHT: (5, 4, 5, 6, 13, 23, 20),
    _DAWN: (5, 4, 4, 5, 7, 24, 25),
    _DAY: (9, 9, 9, 9, 9, 11, 12),
    _NONE: (9, 9, 9, 9, 10, 12, 12),
}
_BY_NIGHT = ("Pub / Club", "Pub / Club", "Street", "Street", "Licensed premises outside", "Home")
_BY_DAY = ("Street", "Home", "Home", "Workplace", "School or college", "Park or open space")
_WEAPONS = ("None", "None", "None", "None", "Bottle or glass", "Blunt object", "Unknown")
_KNIFE, _KNIFE_SHARE = "Knife or sharp object", 0.03
_WHO = ("Stranger", "Stranger", "Acquaintance or friend", "Partner", "Other family", "Unknown")
_LIVES = ("Southampton",) * 8 + ("Eastleigh", "New Forest", "Test Valley", "")
_HEAD = (
    *("Arrival Date", "Arrival Time", "Assault Date", "Assault Time", "Location Type"),
    *("Assault Location", "Weapon", "Relationship to Assailant", "Local Authority of Residence"),
)
_WITHHELD = "(not shared)"
_ONE_BAD_IN = 200

Row = list[str]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return one file a financial year, extracted in May after it."""
    return [_of_year(plan, year) for year in plan.years]


def counts(plan: Plan, year: str) -> Mapping[str, int]:
    """Attendances of a financial year by hours of arrival."""
    if year == ASSESSED:
        before = counts(plan, BEFORE)
        found = {band: round(before[band] * share) for band, share in _CHANGE.items()}
        # The rest of what is wanted from 22:00 to 06:00.
        wanted = round((before[_NIGHT] + before[_DAWN]) * NIGHT_CHANGE)
        found[_NIGHT] = wanted - found[_DAWN]
    else:
        chance = stream(plan.seed, _LEVEL_STREAM, int(year[:4]))
        found = {
            band: round(number * _TREND[year] * (0.98 + 0.04 * float(chance.random())))
            for band, number in _COUNTS.items()
        }
    real = 1 + plan.real_change if year >= ASSESSED else 1.0
    return {band: round(found[band] * real) for band in _COUNTS}


def _of_year(plan: Plan, year: str) -> Delivery:
    rows = _attendances(plan, year)
    planted = _spoil(plan, year, rows)
    merged: list[Sequence[str]] = []
    for row in rows:
        if not merged or _month_of(merged[-1]) != _month_of(row):
            merged.append(_HEAD)
        merged.append(row)
    extracted = f"{int(year[:4]) + 1}-05-11"
    heads = sum(row is _HEAD for row in merged)
    return Delivery(
        FILE.format(year, extracted),
        "ed_assault",
        table_to_bytes(merged, "\r\n"),
        len(merged),
        extracted,
        planted=planted,
        left_out=heads,
    )


def _month_of(row: Sequence[str]) -> str:
    return row[0][3:5]


def _attendances(plan: Plan, year: str) -> list[Row]:
    chance = stream(plan.seed, _STREAM, int(year[:4]))
    first = date(int(year[:4]), 4, 1)
    days = [first + timedelta(at) for at in range((date(first.year + 1, 4, 1) - first).days)]
    bounds = list(accumulate(_SEASON[day.month - 1] for day in days))
    dated: list[tuple[int, int, Row]] = []
    for band, number in counts(plan, year).items():
        draws = chance.random(number) * bounds[-1]
        found = np.minimum(np.searchsorted(bounds, draws, side="right"), len(days) - 1)
        for at in week.moved(first, found, chance.random(number), _BY_WEEKDAY[band]).tolist():
            dated.append((at, len(dated), _attendance(chance, days[at], band)))
    return [row for _, _, row in sorted(dated)]


def _attendance(chance: np.random.Generator, day: date, band: str) -> Row:
    """One row: an assault half an hour to three hours before the arrival, or on a day before."""
    hours = _HOURS.get(band, ())
    if band == _NIGHT:
        hours = _NIGHT_HOURS.get(day.weekday(), hours)
    of, earlier, minute, place, with_what, who, lives = chance.random(7).tolist()
    arrived = f"{hours[int(of * len(hours))]:02d}:{int(minute * 60):02d}" if hours else ""
    before = day - timedelta(1) if earlier < (0.5 if arrived[:1] == "0" else 0.06) else day
    hit = ""
    if arrived and earlier < 0.6 and before == day:
        hit = f"{max(0, int(arrived[:2]) - 1 - int(minute * 2)):02d}:{int(of * 4) * 15:02d}"
    kinds = _BY_DAY if band in (_DAY, _NONE) else _BY_NIGHT
    knife = with_what < _KNIFE_SHARE
    return [
        f"{day:%d/%m/%Y}",
        arrived,
        f"{before:%d/%m/%Y}" if earlier < 0.97 else "",
        hit,
        kinds[int(place * len(kinds))],
        _WITHHELD,
        _KNIFE if knife else _WEAPONS[int(with_what * len(_WEAPONS))],
        _WHO[int(who * len(_WHO))],
        _LIVES[int(lives * len(_LIVES))],
    ]


def _spoil(plan: Plan, year: str, rows: list[Row]) -> int:
    """Add bad rows, each a copy of a good one with one fault; how many."""
    chance = stream(plan.seed, _FAULT_STREAM, int(year[:4]))
    number = 1 + len(rows) // _ONE_BAD_IN
    places: list[int] = chance.integers(0, len(rows), number).tolist()
    for turn, at in enumerate(sorted(places, reverse=True)):
        column, text = _FAULTS[turn % len(_FAULTS)]
        row = list(rows[at])
        row[column] = text
        rows.insert(at + 1, row)
    return number


_FAULTS = (
    (1, "24:30"),
    (4, "See notes"),
    (2, "30/12/2099"),  # after the arrival
    (3, "about midnight"),
    (6, "Handbag"),
)
