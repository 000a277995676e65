"""Synthetic offenders of the city's detected crimes, as a report of a force's records system.

Here: of one crime in two, so that the sample stays small, whether it is detected and whose it is,
so that the published share of adults who offend repeatedly is met. Not here: the crimes (`city`),
and any name.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from safecity_pipeline.sample import city
from safecity_pipeline.sample.city import Recorded
from safecity_pipeline.sample.crime_mix import Mix
from safecity_pipeline.sample.delivery import Delivery, compressed, stream, table_to_bytes
from safecity_pipeline.sample.people import dealt, nominal
from safecity_pipeline.sample.plan import ASSESSED, Plan

FILE = "police_offender/synthetic-offenders-{}.csv.gz"
_ONE_CRIME_IN = 2
REPEAT_ADULTS = 0.615  # published: over 61 % of crime in 2014-15
_OTHER_YEARS = (0.575, 0.6)
_STREAM = 160
_HEAD = (
    *("Crime Ref", "Offender Nominal Ref", "Age at Offence", "Sex", "HO Code", "HO Offence Group"),
    *("Recorded Date", "Detected Date", "Outcome", "District"),
)
_DETECTED = {
    "Violence against the person": 0.32,
    "Sexual offences": 0.2,
    "Robbery": 0.22,
    "Theft offences": 0.17,
    "Criminal damage and arson": 0.14,
    "Drug offences": 0.92,
    "Possession of weapons offences": 0.85,
    "Public order offences": 0.45,
    "Miscellaneous crimes": 0.6,
}
_OUTCOMES = Mix.of(
    {
        "Charged": 0.5,
        "Summonsed": 0.06,
        "Cautioned": 0.22,
        "Penalty Notice": 0.05,
        "Cannabis Warning": 0.05,
        "Community Resolution": 0.1,
        "TIC": 0.02,
    }
)
# Crimes that one person has in the year, of adults who offend repeatedly and of children.
_OF_REPEATING, _OF_CHILDREN = (2, 2, 2, 2, 3, 3, 4, 5, 6, 9, 14), (1, 1, 1, 1, 2, 3)
_CHILDREN = 0.4  # of the crimes that no repeating adult has a part in
_SECOND = 0.07  # crimes with a second offender, who has no other
# Persons by number; the first overlap with victims, and all come back from year to year.
_REPEATING, _ONCE, _YOUNG, _ALONG = 43_000, 80_000, 90_000, 95_000
_DAYS = 35  # to detection, mostly less
_BAD = 200  # one row in so many

Cells = list[str]


class _Link(NamedTuple):
    """A crime and the number of a person who had a part in it."""

    crime: Recorded
    person: int
    child: bool


def deliveries(plan: Plan) -> list[Delivery]:
    """Return one file a financial year."""
    return [_year(plan, year) for year in plan.years]


def _year(plan: Plan, year: str) -> Delivery:
    extracted = date(int(year[:4]) + 1, 5, 8)
    chance = stream(plan.seed, _STREAM, int(year[:4]), 1)
    links = list(_links(plan, year))
    draws: list[float] = chance.random(2 * len(links)).tolist()
    good = [_cells(*one, extracted) for one in zip(links, draws[::2], draws[1::2], strict=True)]
    rows, planted = _with_bad(plan, year, good)
    table: list[Sequence[str | int]] = [
        ["Offenders of detected crimes"],
        [f"Extracted: {extracted:%d/%m/%Y} 06:00"],
        [],
        _HEAD,
        *rows,
        [f"Total rows: {len(rows)}"],
    ]
    content = compressed(table_to_bytes(table, "\r\n"))
    return Delivery(
        FILE.format(year),
        "police_offender",
        content,
        len(table),
        extracted.isoformat(),
        planted=planted,
        left_out=5,
        vouched=len(rows),
    )


def _links(plan: Plan, year: str) -> Iterator[_Link]:
    """The detected crimes with those who committed them, in the order of recording."""
    chance = stream(plan.seed, _STREAM, int(year[:4]))
    crimes = city.recorded(plan, year)[::_ONE_CRIME_IN]
    draws: list[float] = chance.random(len(crimes)).tolist()
    detected = [
        crime
        for crime, draw in zip(crimes, draws, strict=True)
        if draw < _DETECTED[crime.offence.group]
    ]
    low, high = _OTHER_YEARS
    share = REPEAT_ADULTS if year == ASSESSED else low + (high - low) * float(chance.random())
    more: list[float] = chance.random(3 * len(detected)).tolist()
    persons = _persons(len(detected), round(share * len(detected)), more)
    for at, (crime, person) in enumerate(zip(detected, persons, strict=True)):
        child = _YOUNG <= person < _ALONG
        yield _Link(crime, person, child)
        if (more[at] * 13) % 1 < _SECOND:
            yield _Link(crime, _ALONG + at, child)


def _persons(crimes: int, repeating: int, draws: Sequence[float]) -> list[int]:
    """Whose each crime is: `repeating` of them adults' who have two or more."""
    children = round(_CHILDREN * (crimes - repeating))
    dealt_out = [
        (_REPEATING, dealt(repeating, _OF_REPEATING, draws, least=2)),
        (_YOUNG, dealt(children, _OF_CHILDREN, draws[crimes:])),
        (_ONCE, [1] * (crimes - repeating - children)),
    ]
    numbers = [
        first + at
        for first, parts in dealt_out
        for at, count in enumerate(parts)
        for _ in range(count)
    ]
    return [number for _, number in sorted(zip(draws[2 * crimes :], numbers, strict=True))]


def _cells(link: _Link, draw: float, more: float, extracted: date) -> Cells:
    crime, person, child = link
    own = person * 0.618 % 1
    age = 10 + int(8 * own**0.5) if child else 18 + int(50 * own * own)
    detected = min(crime.day + timedelta(int(_DAYS * draw * draw)), extracted)
    return [
        crime.reference,
        nominal(person),
        "" if 0.5 < draw < 0.502 and not _REPEATING <= person < _ONCE else str(age),
        "F" if person * 0.414 % 1 < 0.19 else "M",
        crime.offence.code,
        crime.offence.group,
        f"{crime.day:%d/%m/%Y} {int(24 * more):02d}:{int(1440 * more) % 60:02d}",
        f"{detected:%d/%m/%Y}",
        _OUTCOMES.pick(more),
        "Southampton",
    ]


def _with_bad(plan: Plan, year: str, good: Sequence[Cells]) -> tuple[list[Cells], int]:
    """The good rows, and among them wrong ones: of crimes that do not exist, or given twice."""
    chance = stream(plan.seed, _STREAM, int(year[:4]), 2)
    places = sorted(int(draw * len(good)) for draw in chance.random(len(good) // _BAD).tolist())
    rows: list[Cells] = []
    start = 0
    for turn, at in enumerate(dict.fromkeys(places)):
        rows += [*good[start : at + 1], _bad(good[at], turn)]
        start = at + 1
    return [*rows, *good[start:]], len(dict.fromkeys(places))


def _bad(like: Cells, turn: int) -> Cells:
    kinds = ((2, "7"), (6, "2014"), (7, ""), (1, ""), (4, ""), (8, "Let off"), (9, "Elsewhere"))
    if turn % (len(kinds) + 1) == len(kinds):
        return list(like)
    row = [f"{like[0][:4]}8{turn:06d}", nominal(turn), *like[2:]]
    at, cell = kinds[turn % (len(kinds) + 1)]
    row[at] = cell
    return row
