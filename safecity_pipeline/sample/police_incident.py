"""Synthetic incidents of a force's command and control, in a city of a tenth of the real scale.

Here: about 6,000 distinct calls for service a year, of which about 1,100 close as anti-social
behaviour, with season, hour, grade, channel, beat and the duplicates that several callers make.
A real city of this size has ten times as many; the ratios are what matters. Calibrated: calls fall
by one per cent from 2013-14 to 2014-15 and anti-social behaviour by two and a half, whatever the
step of recording; a real change of violence moves the calls about it. The two oldest years come
from an earlier system, with other heads; nine months of 2014-15 come twice, first as they stood in
January, when fewer duplicates had been found. One row in 200 is bad.
Not here: crimes. No opening depends on what was recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from safecity_pipeline.sample import week
from safecity_pipeline.sample.crime_scenes import WARDS
from safecity_pipeline.sample.delivery import Delivery, compressed, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, Plan

FILE = "police_incident/synthetic-hampshire-incidents-{}-extracted-{}.csv.gz"
ASB, VIOLENCE, SUSPICIOUS = "ASB", "Violence", "Suspicious circumstances"
CITY, NEIGHBOUR, UNKNOWN = "Southampton", "Eastleigh", ""
BEFORE = "2013-14"
_STREAM, _LEVEL_STREAM, _FAULT_STREAM = 200, 201, 202
_CALLS, _ASB = 6_000, 1_100
_CALLS_CHANGE, _ASB_CHANGE = 0.99, 0.975
# By financial year, 2013-14 is 1.
_CALLS_TREND = {
    "2009-10": 1.03,
    "2010-11": 1.02,
    "2011-12": 1.01,
    "2012-13": 1.0,
    "2013-14": 1.0,
    "2014-15": 1.0,
    "2015-16": 0.985,
    "2016-17": 0.98,
}
_ASB_TREND = {
    "2009-10": 1.38,
    "2010-11": 1.27,
    "2011-12": 1.16,
    "2012-13": 1.05,
    "2013-14": 1.0,
    "2014-15": 1.0,
    "2015-16": 0.96,
    "2016-17": 0.94,
}
# Of a hundred calls that are not opened as ASB, how many; in the order in which they are dealt.
_SHARES = {
    VIOLENCE: 15,
    "Sexual offence": 1,
    "Robbery": 1,
    "Burglary": 6,
    "Vehicle crime": 4,
    "Theft": 9,
    "Criminal damage": 6,
    "Drugs": 2,
    "Domestic incident": 10,
    "Concern for safety": 13,
    "Missing person": 4,
    SUSPICIOUS: 9,
    "Road traffic": 9,
    "Alarm": 3,
    "Hoax or abandoned call": 3,
    "Administration": 5,
}
_WHAT = {
    ASB: ("A1", "rowdy behaviour", "noise", "nuisance neighbour", "street drinking"),
    VIOLENCE: ("V1", "assault", "fight in progress", "threats"),
    "Sexual offence": ("S1", "reported"),
    "Robbery": ("R1", "of a person", "of business"),
    "Burglary": ("B1", "of a dwelling", "of another building"),
    "Vehicle crime": ("M1", "theft of", "theft from"),
    "Theft": ("T1", "shoplifting", "of a bicycle", "other"),
    "Criminal damage": ("D1", "to a vehicle", "to a building"),
    "Drugs": ("G1", "use", "supply"),
    "Domestic incident": ("H1", "in progress", "past"),
    "Concern for safety": ("W1", "of an adult", "of a child"),
    "Missing person": ("W2", "adult", "child"),
    SUSPICIOUS: ("U1", "person", "vehicle", "noise"),
    "Road traffic": ("K1", "collision", "obstruction"),
    "Alarm": ("L1", "premises"),
    "Hoax or abandoned call": ("X1", "silent call"),
    "Administration": ("Z1", "message"),
}
_CRIMES = {VIOLENCE, "Sexual offence", "Robbery", "Burglary", "Vehicle crime", "Theft", "Drugs"}
_CLOSED_CRIME, _CLOSED_RELATED = ("C1", "Crime - recorded"), ("C2", "Crime related incident - none")
_CLOSED_SAFETY, _CLOSED_DUPLICATE = (
    ("P1", "Public safety - no further action"),
    ("Z9", "Administration - duplicate incident"),
)
_CLOSED_TRANSPORT, _OPEN = ("K9", "Transport - dealt with"), ("", "")
_OPENED_ASB = 1.06  # for each that closes as ASB
_CLOSED_ASB_OTHERWISE = 0.11  # share of ASB that was opened as suspicious
_CATEGORIES = (("Personal", 0.22), ("Environmental", 0.07), ("Nuisance", 1.0))
_FOURTEEN = "rowdy or inconsiderate behaviour"
_GRADES = ((1, 0.18), (2, 0.38), (3, 0.34), (4, 1.0))
_DUPLICATES = 0.045
_NEIGHBOURS, _NOWHERE = 150, 20
_SEASON = (0.93, 0.93, 0.97, 1.0, 1.04, 1.06, 1.09, 1.07, 1.02, 1.02, 0.96, 0.97)
_BY_DAY = (6, 4, 3, 2, 2, 2, 3, 5, 8, 9, 9, 10, 10, 10, 10, 11, 12, 12, 12, 11, 11, 10, 9, 8)
_BY_NIGHT = (15, 13, 12, 7, 4, 2, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16)
_NIGHTLY = {ASB, VIOLENCE, SUSPICIOUS, "Domestic incident", "Hoax or abandoned call"}
_AT_WORK = {"Theft", "Burglary", "Vehicle crime"}
_BEATS = {
    CITY: tuple(
        # The wards of the export of crimes, those with most of them first.
        (f"S{'CWE'[number % 3]}{number // 3 + 1:02d}", ward)
        for number, ward in enumerate(WARDS)
    ),
    NEIGHBOUR: (("EN01", ""), ("EN02", "")),
    UNKNOWN: (("", ""),),
}
_SYSTEM_CHANGED, _NEW_NUMBER = "2011-12", date(2011, 11, 1)
_HEAD = (
    *("Incident Number", "Date Created", "Time Created", "Opening Code", "Opening Description"),
    *("Closing Code", "Closing Description", "Grade", "Channel", "Duplicate", "Duplicate Of"),
    *("ASB Category", "District", "Beat", "Ward"),
)
_EARLIER_HEAD = (
    *("Log No", "Date", "Time", "Open Type", "Open Type Text", "Result", "Result Text"),
    *("Response", "Source", "Dup", "LA", "Beat"),
)
_EARLIER_GRADES = {1: "Immediate", 2: "Priority", 3: "Routine", 4: "No attendance"}
_INTERIM_TO, _INTERIM_ON = date(2014, 12, 31), "2015-01-09"
_ONE_BAD_IN = 200
_MINUTES = 24 * 60


class Incident(NamedTuple):
    """One incident; `of` is the place, among all of the year, of the one that it repeats, or -1."""

    at: tuple[int, int, int]
    group: str
    what: str
    grade: int
    draw: float
    closing: tuple[str, str]
    category: str
    district: str
    beat: tuple[str, str]
    of: int = -1


Rows = list[list[str | int]]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return one extract a year, and an earlier one of nine months of 2014-15."""
    return [one for year in plan.years for one in _of_year(plan, year)]


def _of_year(plan: Plan, year: str) -> Iterator[Delivery]:
    incidents = _incidents(plan, year)
    rows = _written(year, incidents)
    if year == ASSESSED:
        yield _interim(plan, [list(row) for row in rows])
    planted = _spoil(plan, year, rows)
    head = _HEAD if year >= _SYSTEM_CHANGED else _EARLIER_HEAD
    extracted = f"{int(year[:4]) + 1}-04-14"
    yield _delivery(FILE.format(year, extracted), (head, *rows), extracted, planted)


def _delivery(
    file: str, rows: Sequence[Sequence[str | int]], on: str, planted: int, twice: int = 0
) -> Delivery:
    content = compressed(table_to_bytes(rows, "\r\n"))
    return Delivery(
        file, "police_incident", content, len(rows), on, planted=planted, delivered_twice=twice
    )


def _interim(plan: Plan, rows: Rows) -> Delivery:
    """April to December as they stood in January: one duplicate in three was not found yet, and
    the last week's incidents were not closed."""
    kept: Rows = []
    for number, row in enumerate(rows):
        day = _day_of(str(row[1]))
        if day > _INTERIM_TO:
            break
        if row[9] == "Y" and number % 3 == 0:
            row[9:11] = "N", ""
        if day > _INTERIM_TO - timedelta(7):
            row[5:7] = _OPEN
            row[11] = ""
        kept.append(row)
    file = FILE.format("2014-15-to-december", _INTERIM_ON)
    return _delivery(file, (_HEAD, *kept), _INTERIM_ON, 0, len(kept))


def _day_of(text: str) -> date:
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


# --- how many -------------------------------------------------------------------------------------


def closed_as_asb(plan: Plan, year: str) -> int:
    """Distinct incidents of the city that close as anti-social behaviour."""
    if year == ASSESSED:
        return round(closed_as_asb(plan, BEFORE) * _ASB_CHANGE)
    return round(_ASB * _ASB_TREND[year] * _level(plan, year, 1))


def opened(plan: Plan, year: str) -> Mapping[str, int]:
    """Distinct calls for service of the city by what was reported."""
    calls = _calls(plan, year)
    counts = {ASB: round(closed_as_asb(plan, year) * _OPENED_ASB)}
    rest = calls - counts[ASB]
    counts |= {group: round(rest * share / 100) for group, share in _SHARES.items()}
    counts["Administration"] += calls - sum(counts.values())
    if year >= ASSESSED:
        counts[VIOLENCE] = round(counts[VIOLENCE] * (1 + plan.real_change))
    return counts


def _calls(plan: Plan, year: str) -> int:
    if year == ASSESSED:
        return round(_calls(plan, BEFORE) * _CALLS_CHANGE)
    return round(_CALLS * _CALLS_TREND[year] * _level(plan, year, 0))


def _level(plan: Plan, year: str, of: int) -> float:
    return 0.995 + 0.01 * float(stream(plan.seed, _LEVEL_STREAM, int(year[:4]), of).random())


# --- what happens ---------------------------------------------------------------------------------


def _incidents(plan: Plan, year: str) -> list[Incident]:
    """All of a year, those that repeat others too, in the order in which they were opened."""
    chance = stream(plan.seed, _STREAM, int(year[:4]))
    found: list[Incident] = []
    for group, number in opened(plan, year).items():
        closings = _closings(plan, year, group, number)
        found += _dealt(chance, year, group, closings, CITY)
    for district, number in ((NEIGHBOUR, _NEIGHBOURS), (UNKNOWN, _NOWHERE)):
        found += _dealt(chance, year, "Theft", [(_CLOSED_CRIME, "")] * number, district)
    found += _repeats(chance, found)
    order = sorted(range(len(found)), key=lambda at: (*found[at].at, at))
    place = {old: new for new, old in enumerate(order)}
    return [
        found[old]._replace(of=place[found[old].of]) if found[old].of >= 0 else found[old]
        for old in order
    ]


def _closings(plan: Plan, year: str, group: str, number: int) -> list[tuple[tuple[str, str], str]]:
    """Closing and category of so many incidents of a group; those that close as ASB first."""
    asb = closed_as_asb(plan, year)
    otherwise = round(asb * _CLOSED_ASB_OTHERWISE)
    first = {ASB: asb - otherwise, SUSPICIOUS: otherwise}.get(group, 0)
    made = [_asb(year, category) for category in _quotas(first, _CATEGORIES)]
    rest = number - first
    if group in _CRIMES:
        crimes = round(0.55 * rest)
        return [*made, *[(_CLOSED_CRIME, "")] * crimes, *[(_CLOSED_RELATED, "")] * (rest - crimes)]
    closing = _CLOSED_TRANSPORT if group == "Road traffic" else _CLOSED_SAFETY
    return [*made, *[(closing, "")] * rest]


def _asb(year: str, category: str) -> tuple[tuple[str, str], str]:
    if year < _SYSTEM_CHANGED:
        return ("N0", f"{ASB} - {_FOURTEEN}"), ""
    return (f"N{category[0]}", f"{ASB} - {category.lower()}"), category


def _quotas(number: int, shares: Sequence[tuple[object, float]]) -> list[str]:
    """So many words, each as often as its share says; the last takes the rest."""
    made: list[str] = []
    for word, share in shares:
        made += [str(word)] * min(round(number * share), number - len(made))
    return made


def _dealt(
    chance: np.random.Generator,
    year: str,
    group: str,
    closings: Sequence[tuple[tuple[str, str], str]],
    district: str,
) -> Iterator[Incident]:
    """Incidents of one group with their day, minute, grade, way in and beat."""
    number, beats, words = len(closings), _BEATS[district], _WHAT[group][1:]
    first = date(int(year[:4]), 4, 1)
    days = _drawn(chance, number, [_SEASON[day.month - 1] for day in _days(first)])
    days, hours = _in_the_week(chance, first, days, group)
    minutes: list[int] = chance.integers(0, 60, number).tolist()
    places, draws, order = (chance.random(number).tolist() for _ in range(3))
    grades = _quotas(number, _GRADES)
    # Grades are dealt by number and to whom by chance: their sums are exact.
    for turn, at in enumerate(sorted(range(number), key=order.__getitem__)):
        closing, category = closings[at]
        yield Incident(
            (days[at], hours[at] * 60 + minutes[at], 0),
            group,
            words[int(draws[at] * 997) % len(words)],
            int(grades[turn]),
            draws[at],
            closing,
            category,
            district,
            beats[int(places[at] * places[at] * len(beats))],
        )


def _in_the_week(
    chance: np.random.Generator, first: date, days: Sequence[int], group: str
) -> tuple[list[int], list[int]]:
    """Days of the same months, and hours, as the week of the group has them."""
    nightly = group in _NIGHTLY
    kind = week.NIGHT_OUT if nightly else week.AT_WORK if group in _AT_WORK else week.EVEN
    table = week.weights(kind, _BY_NIGHT if nightly else _BY_DAY)
    found = week.moved(first, np.array(days), chance.random(len(days)), table.sum(axis=1).tolist())
    hours = week.hours_of(table, week.weekdays_of(first, found), chance.random(len(days)))
    return found.tolist(), hours.tolist()


def _days(first: date) -> list[date]:
    return [first + timedelta(at) for at in range((date(first.year + 1, 4, 1) - first).days)]


def _drawn(chance: np.random.Generator, number: int, weights: Sequence[float]) -> list[int]:
    bounds = list(accumulate(weights))
    draws = chance.random(number) * bounds[-1]
    found: list[int] = np.searchsorted(bounds, draws, side="right").tolist()
    return [min(one, len(bounds) - 1) for one in found]


def _repeats(chance: np.random.Generator, found: Sequence[Incident]) -> Iterator[Incident]:
    """Further calls about some incidents, within half an hour and before midnight."""
    number = round(len(found) * _DUPLICATES)
    originals: list[int] = chance.integers(0, len(found), number).tolist()
    later: list[int] = chance.integers(1, 30, number).tolist()
    draws: list[float] = chance.random(number).tolist()
    for turn, (of, minutes, draw) in enumerate(zip(originals, later, draws, strict=True)):
        one = found[of]
        day, minute, _ = one.at
        at = (day, min(minute + minutes, _MINUTES - 1), 1)
        # Every other duplicate was closed like the first: its closing code counts nothing.
        as_first = turn % 2 == 0
        yield one._replace(
            at=at,
            of=of,
            draw=draw,
            closing=one.closing if as_first else _CLOSED_DUPLICATE,
            category=one.category if as_first else "",
        )


# --- how it is written ----------------------------------------------------------------------------


def _written(year: str, incidents: Sequence[Incident]) -> Rows:
    days = _days(date(int(year[:4]), 4, 1))
    form = "%Y-%m-%d" if year < _SYSTEM_CHANGED else "%d/%m/%Y"
    said = [day.strftime(form) for day in days]
    stems = [day.strftime("HC-%Y%m%d-") for day in days]
    numbers: list[str] = []
    rows: Rows = []
    today, turn = -1, 0
    for one in incidents:
        turn = turn + 1 if one.at[0] == today else 1
        today = one.at[0]
        numbers.append(f"{stems[today]}{turn:04d}")
        start = (numbers[-1], said[today])
        repeated = numbers[one.of] if one.of >= 0 else ""
        rows.append([*start, *_rest(year, one, days[today], repeated)])
    return rows


def _rest(year: str, one: Incident, day: date, repeated: str) -> list[str | int]:
    """The cells after number and day."""
    hour, minute = divmod(one.at[1], 60)
    mark = "" if year < _SYSTEM_CHANGED else ":"
    code, said = _WHAT[one.group][0], f"{one.group} - {one.what}"
    start = (f"{hour:02d}{mark}{minute:02d}", code, said, *one.closing)
    channel, duplicate = _channel(day, one.draw), "Y" if repeated else "N"
    if year < _SYSTEM_CHANGED:
        grade = _EARLIER_GRADES[one.grade]
        return [*start, grade, channel, duplicate, one.district, one.beat[0]]
    how = (one.grade, channel, duplicate, repeated)
    return [*start, *how, one.category, one.district, *one.beat]


def _channel(day: date, draw: float) -> str:
    """One call in three comes by 999; of the rest ever more come online."""
    if draw < 0.34:
        return "999"
    if draw < 0.37:
        return "Station" if day < date(2011, 4, 1) else "Front counter"
    if draw < 0.37 + 0.01 * max(0, day.year - 2011):
        return "Online"
    if day < date(2011, 4, 1):
        return "Non-emergency"
    return "101" if day >= _NEW_NUMBER else "0845"


def _spoil(plan: Plan, year: str, rows: Rows) -> int:
    """Add bad rows, each a copy of a good one with a number of its own and one fault; how many."""
    chance = stream(plan.seed, _FAULT_STREAM, int(year[:4]))
    number = len(rows) // _ONE_BAD_IN
    places: list[int] = chance.integers(0, len(rows), number).tolist()
    for turn, at in enumerate(sorted(places, reverse=True)):
        row = [f"{str(rows[at][0])[:12]}9{turn:03d}", *rows[at][1:]]
        _FAULTS[turn % len(_FAULTS)](row, rows[at])
        rows.insert(at + 1, row)
    return number


def _impossible_time(row: list[str | int], good: Sequence[str | int]) -> None:
    row[2] = "25:10"


def _impossible_day(row: list[str | int], good: Sequence[str | int]) -> None:
    row[1] = "31/02/2014"


def _unknown_group(row: list[str | int], good: Sequence[str | int]) -> None:
    row[4] = "See log"


def _unknown_grade(row: list[str | int], good: Sequence[str | int]) -> None:
    row[7] = 9


def _cell_too_many(row: list[str | int], good: Sequence[str | int]) -> None:
    row.append("see remarks")


def _twice(row: list[str | int], good: Sequence[str | int]) -> None:
    row[:] = good


_FAULTS = (
    _impossible_time,
    _impossible_day,
    _unknown_group,
    _unknown_grade,
    _cell_too_many,
    _twice,
)
