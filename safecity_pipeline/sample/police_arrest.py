"""Synthetic arrests of the city, those for domestic abuse flagged, as custody exports them.

Here: how many arrests for domestic abuse there are a year and how many of them led to a charge, so
that the published shares of 2014-15 and of four years earlier are met; until 2011-12 another head
and disposals in capitals. The first half of 2014-15 was sent in October too, when more of those
arrested were on bail. Not here: crimes (`city`), and any name.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from safecity_pipeline.sample.crime_mix import Mix
from safecity_pipeline.sample.delivery import Delivery, compressed, stream, table_to_bytes
from safecity_pipeline.sample.people import nominal
from safecity_pipeline.sample.plan import ASSESSED, Plan

FILE = "police_arrest/synthetic-arrests-{}-extracted-{}.csv.gz"
CHARGED = {
    "2009-10": 0.283,
    "2010-11": 0.3,  # published for four years earlier: 30 %
    "2011-12": 0.334,
    "2012-13": 0.37,
    "2013-14": 0.404,
    ASSESSED: 0.432,  # published: 43.2 %
    "2015-16": 0.441,
    "2016-17": 0.429,
}
_STREAM = 170
_DOMESTIC, _OTHER = (1_420, 1_560), (520, 600)  # arrests a year, from and to
_OTHER_CHARGED = 0.46
_SUMMONSED = 0.05  # of charged and summonsed together
_NOT_CHARGED = Mix.of(
    {
        "No further action": 0.62,
        "Cautioned": 0.2,
        "Bailed": 0.04,
        "Community resolution": 0.05,
        "Penalty notice": 0.02,
        "Other": 0.07,
    }
)
_EARLIER = {
    "Charged": "CHARGE",
    "Summonsed": "SUMMONS",
    "Cautioned": "CAUTION",
    "Penalty notice": "PND",
    "Community resolution": "OTHER",
    "No further action": "NFA",
    "Bailed": "BAIL",
    "Other": "OTHER",
}
_EARLIER_UNTIL = "2011-12"
_HEAD = ("Custody Ref", "Arrest Date", "Detainee Nominal Ref", "Domestic Abuse", "Disposal")
_STILL_ON_BAIL = 0.3  # in October
_HALF_UNTIL = date(2014, 10, 1)
_SENT_EARLY, _SENT = "2014-10-09", "-05-08"
_PERSONS, _FIRST_PERSON = 9_000, 40_000
_BAD = 200  # one row in so many

Cells = list[str]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return one file a financial year, and the early one of half a year."""
    found = []
    for year in plan.years:
        arrests = _arrests(plan, year)
        sent = f"{int(year[:4]) + 1}{_SENT}"
        found.append(_delivery(year, sent, arrests))
        if year == ASSESSED:
            found.append(_early(plan, year, arrests))
    return found


def _delivery(year: str, sent: str, rows: Sequence[Cells], twice: bool = False) -> Delivery:
    table, planted = _with_bad(rows, int(year[2:4]))
    head = [*_HEAD, "District"]
    if year <= _EARLIER_UNTIL:
        head[3] = "DV Marker"
        table = [[*row[:4], _EARLIER.get(row[4], row[4]), *row[5:]] for row in table]
    return Delivery(
        FILE.format(year, sent),
        "police_arrest",
        compressed(table_to_bytes([head, *table], "\r\n")),
        len(table) + 1,
        sent,
        planted=planted,
        delivered_twice=len(rows) if twice else 0,
    )


def _early(plan: Plan, year: str, arrests: Sequence[Cells]) -> Delivery:
    """The first half of the year, as it was known in October."""
    chance = stream(plan.seed, _STREAM, int(year[:4]), 1)
    half = [row for row in arrests if _day(row) < _HALF_UNTIL]
    draws: list[float] = chance.random(len(half)).tolist()
    known = [
        [*row[:4], "Bailed" if draw < _STILL_ON_BAIL else row[4], *row[5:]]
        for row, draw in zip(half, draws, strict=True)
    ]
    return _delivery(year, _SENT_EARLY, known, twice=True)


def _day(row: Cells) -> date:
    day, month, year = row[1][:10].split("/")
    return date(int(year), int(month), int(day))


def _arrests(plan: Plan, year: str) -> list[Cells]:
    """A year's arrests in the order of their day; of those for domestic abuse so many are charged
    as the year's share says."""
    chance = stream(plan.seed, _STREAM, int(year[:4]))
    domestic, other = (
        low + int((high - low) * float(chance.random())) for low, high in (_DOMESTIC, _OTHER)
    )
    charged = round(CHARGED[year] * domestic), round(_OTHER_CHARGED * other)
    kinds = [("Y", at < charged[0]) for at in range(domestic)]
    kinds += [("N", at < charged[1]) for at in range(other)]
    draws: list[float] = chance.random(4 * len(kinds)).tolist()
    parts = [draws[at::4] for at in range(4)]
    ordered = sorted(zip(parts[0], parts[1], parts[2], parts[3], kinds, strict=True))
    return [_cells(year, turn, *one) for turn, one in enumerate(ordered, 1)]


def _cells(
    year: str, turn: int, when: float, who: float, what: float, time: float, kind: tuple[str, bool]
) -> Cells:
    first = int(year[:4])
    day = date(first, 4, 1) + timedelta(int((337 + monthrange(first + 1, 2)[1]) * when))
    flag, charged = kind
    disposal = _NOT_CHARGED.pick(what)
    if charged:
        disposal = "Summonsed" if what < _SUMMONSED else "Charged"
    return [
        f"44CR/{year[2:4]}/{turn:06d}",
        f"{day:%d/%m/%Y} {int(24 * time):02d}:{int(1440 * time) % 60:02d}",
        nominal(_FIRST_PERSON + int(_PERSONS * who * who)),
        flag,
        disposal,
        "Southampton",
    ]


def _with_bad(rows: Sequence[Cells], year: int) -> tuple[list[Cells], int]:
    """The rows, and after each so many of them one that is wrong: of an arrest that never was, or
    given twice."""
    table: list[Cells] = []
    for at, row in enumerate(rows, 1):
        table.append(row)
        if at % _BAD == 0:
            table.append(_bad(row, at // _BAD + year))
    return table, len(rows) // _BAD


def _bad(like: Cells, turn: int) -> Cells:
    kinds = ((1, "31/04/2014 10:00"), (3, ""), (4, "Escaped"), (2, ""), (5, "Eastbourn"))
    if turn % (len(kinds) + 2) == len(kinds):
        return list(like)
    row = [f"{like[0][:5]}{like[0][5:7]}/9{turn:05d}", *like[1:]]
    if turn % (len(kinds) + 2) > len(kinds):
        return [*row, "see note"]
    at, cell = kinds[turn % (len(kinds) + 2)]
    row[at] = cell
    return row
