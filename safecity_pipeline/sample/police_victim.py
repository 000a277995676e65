"""Synthetic victims of the city's recorded crimes, as a force's records system exports them.

Here: of one crime in four the victim, so that the sample stays small: the shares are what matters.
Which of these are persons, who among them is hit again, and how many are vulnerable, of which the
published share is met. To 2012-13 two heads are other ones. Not here: the crimes (`city`), and any
name.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from safecity_pipeline.sample import city
from safecity_pipeline.sample.city import Recorded
from safecity_pipeline.sample.delivery import Delivery, compressed, stream, table_to_bytes
from safecity_pipeline.sample.people import dealt, nominal
from safecity_pipeline.sample.plan import ASSESSED, Plan

FILE = "police_victim/synthetic-crime-victims-{}.csv.gz"
_ONE_CRIME_IN = 4
VULNERABLE = 0.125  # published: 12.5 % of the victims of 2014-15 were vulnerable
_STREAM = 150
_OTHER_HEADS_TO = "2012-13"
_OTHER_HEADS = {"Crime Ref": "Crime Number", "Age at Offence": "Victim Age"}
_HEAD = (
    *("Crime Ref", "Recorded Date", "District", "HO Offence Group", "Victim Nominal Ref"),
    *("Victim Type", "Age at Offence", "Sex", "Mental Disorder", "Significant Impairment"),
    *("Physical Disability", "Extract Date"),
)
_OTHER_YEARS = (0.095, 0.115)
# Share of a group's crimes with a person, and with a business, for a victim; 0.5 % have two.
_WHO = {
    "Violence against the person": (0.97, 0.0),
    "Sexual offences": (1.0, 0.0),
    "Robbery": (0.93, 0.07),
    "Theft offences": (0.62, 0.2),
    "Criminal damage and arson": (0.66, 0.16),
    "Public order offences": (0.55, 0.05),
}
_SECOND_VICTIM = 0.02
_TIMES_HIT = (1,) * 26 + (2,) * 3 + (3,)  # in one year
_AGES = (18, 90)  # of those who are not vulnerable by their age
_UNKNOWN_AGE, _BY_AGE = 0.03, 0.62  # of all; of the vulnerable
_FLAGS = (("Y", "N", "N"), ("N", "Y", "N"), ("N", "N", "Y"), ("Y", "N", "Y"))
_STATE = 0.1  # of those that are no persons
_BAD = 200  # one row in so many

Cells = list[str]


class _Person(NamedTuple):
    """What one link says of a person; `flags`: as in the last columns."""

    number: int
    age: str
    sex: str
    flags: tuple[str, ...]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return one file a financial year."""
    return [_year(plan, year) for year in plan.years]


def _year(plan: Plan, year: str) -> Delivery:
    extracted = f"{int(year[:4]) + 1}-05-08"
    good = [_cells(link, extracted) for link in _links(plan, year)]
    rows, planted = _with_bad(plan, year, good)
    names = _OTHER_HEADS if year <= _OTHER_HEADS_TO else {}
    table = [[names.get(head, head) for head in _HEAD], *rows]
    content = compressed(table_to_bytes(table, "\r\n"))
    return Delivery(
        FILE.format(year), "police_victim", content, len(table), extracted, planted=planted
    )


def _links(plan: Plan, year: str) -> Iterator[tuple[Recorded, _Person | str]]:
    """Crimes with their victims: a person, or the kind of another."""
    chance = stream(plan.seed, _STREAM, int(year[:4]))
    crimes = city.recorded(plan, year)[::_ONE_CRIME_IN]
    draws: list[float] = chance.random(2 * len(crimes)).tolist()
    found: list[tuple[Recorded, str]] = []
    for crime, draw, again in zip(crimes, draws[::2], draws[1::2], strict=True):
        person, business = _WHO.get(crime.offence.group, (0.0, 0.0))
        if draw < person:
            found += [(crime, "Person")] * (1 + (again < _SECOND_VICTIM))
        elif draw < person + business:
            found.append((crime, "Crown" if again < _STATE else "Business"))
    persons = iter(_persons(plan, year, sum(kind == "Person" for _, kind in found)))
    return ((crime, next(persons) if kind == "Person" else kind) for crime, kind in found)


def _persons(plan: Plan, year: str, links: int) -> list[_Person]:
    """As many as there are links, some of them several times, the vulnerable as many as wanted.

    Somebody who is hit again has the same sex, and may be a year older.
    """
    chance = stream(plan.seed, _STREAM, int(year[:4]), 1)
    times = dealt(links, _TIMES_HIT, chance.random(links).tolist())
    first = int(year[:4]) % 100 * 3_000  # of the year before many are hit again
    numbers = [first + at for at, count in enumerate(times) for _ in range(count)]
    order = _shuffled(numbers, chance.random(links).tolist())
    low, high = _OTHER_YEARS
    share = VULNERABLE if year == ASSESSED else low + (high - low) * float(chance.random())
    draws: list[float] = chance.random(3 * links).tolist()
    least = set(_shuffled(list(range(links)), draws[:links])[: round(share * links)])
    return [
        _person(number, at in least, draws[links + at], draws[2 * links + at])
        for at, number in enumerate(order)
    ]


def _person(number: int, vulnerable: bool, draw: float, more: float) -> _Person:
    sex = "MFU"[bisect_right([0.52, 0.995], number * 0.618 % 1)]
    none = ("N", "N", "N")
    if vulnerable and draw < _BY_AGE:
        return _Person(number, str(int(18 * more**0.5)), sex, none)
    flags = _FLAGS[int(more * len(_FLAGS))] if vulnerable else none
    unknown = (draw * 7) % 1 < _UNKNOWN_AGE
    low, high = _AGES
    age = "" if unknown else str(int(low + (high - low) * more * more))
    return _Person(number, age, sex, flags)


def _shuffled(values: Sequence[int], draws: Sequence[float]) -> list[int]:
    return [value for _, value in sorted(zip(draws, values, strict=True))]


def _cells(link: tuple[Recorded, _Person | str], extracted: str) -> Cells:
    crime, who = link
    year, month, day = extracted.split("-")
    start = [crime.reference, crime.day.strftime("%d/%m/%Y"), "Southampton", crime.offence.group]
    told = ["", who, "", "", "", "", ""] if isinstance(who, str) else _of_person(who)
    return [*start, *told, f"{day}/{month}/{year}"]


def _of_person(who: _Person) -> Cells:
    return [nominal(who.number), "Person", who.age, who.sex, *who.flags]


def _with_bad(plan: Plan, year: str, good: Sequence[Cells]) -> tuple[list[Cells], int]:
    """The good rows, and among them rows of crimes that do not exist, each with one fault."""
    chance = stream(plan.seed, _STREAM, int(year[:4]), 2)
    places = sorted(int(draw * len(good)) for draw in chance.random(len(good) // _BAD).tolist())
    rows: list[Cells] = []
    start = 0
    for turn, at in enumerate(places):
        rows += good[start:at]
        rows.append(_bad(good[at], turn))
        start = at
    return [*rows, *good[start:]], len(places)


def _bad(like: Cells, turn: int) -> Cells:
    """A person's row that is made up and wrong; its reference is one that no crime has."""
    row = [f"{like[0][:4]}9{turn:06d}", *like[1:4], nominal(turn), "Person", "33", "F"]
    row += ["N", "N", "N", like[11]]
    kinds = ((6, "340"), (1, "31/02/2014"), (5, "Animal"), (4, ""), (8, "Maybe"), (2, "Area 51"))
    at, cell = kinds[turn % len(kinds)]
    row[at] = cell
    if turn % 7 == 6:
        row = [*row[:at], "33", *row[at:]]
    return row
