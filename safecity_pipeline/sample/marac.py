"""Synthetic quarterly returns of MARACs, in the forms of CAADA and, later, of SafeLives.

Here: cases, repeats and children by MARAC and quarter, with rolling twelve months beside them;
calibrated so that in 2014/15 the city's repeats are 22 % of its cases and its rate per woman is the
second highest of the fifteen. Some MARACs are of a county, one county has two, and one quarter of
each year is proxied. The newest return was sent in winter too, three of its four quarters, one of
them proxied for want of a return. A few rows of Portsmouth are wrong on purpose.
Not here: areas (`places`); women are round inventions, in persons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import ASSESSED, FIRST_YEAR, Plan

CAADA, SAFELIVES = "marac/synthetic-caada-{}.csv", "marac/synthetic-safelives-marac-{}.csv"
LAST_OF_CAADA = 2011
_STREAM, _LEVEL_STREAM, _QUARTER_STREAM = 260, 261, 262
CAADA_HEAD = (
    *("MARAC name", "Police force", "Period", "Proxy data used", "Female population 16+"),
    *("Mid-year estimate", "Number of cases", "Number of repeats", "Number of children"),
    *("Number of police referrals", "Partner agency referrals"),
)
SAFELIVES_HEAD = (
    *("Marac", "Police force area", "Quarter", "Data status", "Adult females 16+"),
    *("Population estimate", "Cases discussed", "Repeat cases", "Children in household"),
    *("Police referrals", "Partner agency referrals", "Rolling 12m cases", "Rolling 12m repeats"),
)


@dataclass(frozen=True)
class Conference:
    """A MARAC, the women aged 16 and over of its area in 2013, and its rate of cases beside the
    city's in 2014-15; 0 for one that lies by chance between 0.45 and 0.85 of it."""

    name: str
    force: str
    women: int
    beside_the_city: float = 0.0
    caada_name: str = ""


# Those next to the city in rank lie within five per cent of it.
CITY = Conference("Southampton", "Hampshire", 97_000, 1.0)
_SPOILT = Conference("Portsmouth", "Hampshire", 84_000)
_CONFERENCES = (
    CITY,
    _SPOILT,
    Conference("Bristol", "Avon and Somerset", 178_000),
    Conference("Brighton & Hove", "Sussex", 116_000, 1.04),
    Conference("East Sussex - Eastbourne and Lewes", "Sussex", 88_000),
    Conference("East Sussex - Hastings and Rother", "Sussex", 82_000),
    Conference("Sheffield", "South Yorkshire", 232_000, 0.96),
    Conference("Derby City", "Derbyshire", 101_000),
    Conference("Reading", "Thames Valley", 63_000),
    Conference("Slough", "Thames Valley", 54_000),
    Conference("Northamptonshire (countywide)", "Northamptonshire", 288_000),
    Conference("Bedfordshire: Luton", "Bedfordshire", 79_000),
    Conference("SOS Domestic Abuse Marac", "Essex", 73_000),
    Conference("Hertfordshire (countywide)", "Hertfordshire", 465_000),
    Conference("LB Hillingdon", "Metropolitan Police", 113_000),
    Conference("Hounslow", "Metropolitan Police", 103_000),
    Conference("Cardiff", "South Wales", 147_000),
)
_CITY_CASES, _CITY_REPEATS = (412, 438), 0.22
# Repeats of the city in the year before the last, as the partnership's plan of that time has it.
_PLANNED = {2012: 94}
_TREND = {2009: 0.71, 2010: 0.78, 2011: 0.85, 2012: 0.95, 2013: 0.97, 2014: 1.0, 2015: 1.06}
_LATER = 1.12
# The city's share of repeats in other years is near that of 2014-15, as "consistently" says.
_CITY_SHARES = {2009: 0.205, 2010: 0.212, 2011: 0.208, 2013: 0.217}
_REPEAT_WIDENED = (2015, 3)
"""Financial year and quarter (of 0 to 3) from which any further abuse makes a repeat."""
_WIDER = 1.3


@dataclass(frozen=True)
class Quarter:
    """What one MARAC returns of one quarter; `number` from 0, of the year that begins in `year`."""

    year: int
    number: int
    cases: int
    repeats: int
    children: int
    by_police: int
    proxied: bool


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the years of CAADA, one file; those of SafeLives, a file each; the early return."""
    years = [int(year[:4]) for year in plan.years]
    made = [_caada(plan, [year for year in years if year <= LAST_OF_CAADA])]
    made += [_safelives(plan, year) for year in years if year > LAST_OF_CAADA]
    return [*made, _early(plan, int(ASSESSED[:4]))]


@cache
def returned(plan: Plan, one: Conference, year: int) -> tuple[Quarter, ...]:
    """The four quarters of a financial year."""
    cases = _cases(plan, one, year)
    repeats = _repeats(plan, one, year, cases)
    by_quarter = _parted(plan, one, year, 0, cases)
    again = _parted(plan, one, year, 1, repeats)
    return tuple(
        _quarter(plan, one, year, number, by_quarter[number], again[number]) for number in range(4)
    )


def _quarter(
    plan: Plan, one: Conference, year: int, number: int, cases: int, repeats: int
) -> Quarter:
    widened = (year, number) >= _REPEAT_WIDENED
    repeats = min(cases, round(repeats * _WIDER) if widened else repeats)
    at = _CONFERENCES.index(one)
    chance = stream(plan.seed, _QUARTER_STREAM, at, year, number, 2)
    children = round(cases * (1.1 + 0.3 * float(chance.random())))
    by_police = round(cases * (0.55 + 0.2 * float(chance.random())))
    proxied = one is not CITY and (year + number) % 4 == 1 and at == 2 + year % 7
    return Quarter(year, number, cases, repeats, children, by_police, proxied)


def _cases(plan: Plan, one: Conference, year: int) -> int:
    low, high = _CITY_CASES
    of_city = int(stream(plan.seed, _STREAM).integers(low, high + 1))
    at = _CONFERENCES.index(one)
    level = 0.45 + 0.4 * float(stream(plan.seed, _LEVEL_STREAM, at).random())
    # By chance a little more or less, but where the assessment speaks of the rank.
    moved = 0.06 * float(stream(plan.seed, _STREAM, at, year).random()) - 0.03
    moved = 0.0 if year == int(ASSESSED[:4]) else moved
    beside = (one.beside_the_city or level) * (1 + moved) * _TREND.get(year, _LATER)
    return round(of_city * one.women / CITY.women * beside)


def _repeats(plan: Plan, one: Conference, year: int, cases: int) -> int:
    chance = stream(plan.seed, _STREAM, _CONFERENCES.index(one), year, 1)
    if one is not CITY:
        return round(cases * (0.2 + 0.12 * float(chance.random())))
    return _PLANNED.get(year) or round(cases * _CITY_SHARES.get(year, _CITY_REPEATS))


def _parted(plan: Plan, one: Conference, year: int, what: int, total: int) -> list[int]:
    """A year's number in quarters of about the same size, which add up to it."""
    chance = stream(plan.seed, _QUARTER_STREAM, _CONFERENCES.index(one), year, what)
    bounds = [round(total * (turn + 0.12 * float(chance.random())) / 4) for turn in range(1, 4)]
    return [after - before for before, after in zip([0, *bounds], [*bounds, total], strict=True)]


# --- files ----------------------------------------------------------------------------------------


def _caada(plan: Plan, years: Sequence[int]) -> Delivery:
    rows: list[list[str]] = []
    planted = 0
    for year in years:
        of_year = [
            _caada_row(one, quarter)
            for one in _CONFERENCES
            for quarter in returned(plan, one, year)
        ]
        planted += _spoil(of_year, year)
        rows += of_year
    file = CAADA.format(f"{_label(years[0], '-')}-to-{_label(years[-1], '-')}")
    return _delivery(file, CAADA_HEAD, rows, f"{years[-1] + 1}-07-29", planted)


def _caada_row(one: Conference, quarter: Quarter) -> list[str]:
    proxied = "Yes" if quarter.proxied else "No"
    label = f"{_label(quarter.year)} Q{quarter.number + 1}"
    return [one.name, one.force, label, proxied, *_told(one, quarter)]


def _safelives(plan: Plan, year: int) -> Delivery:
    rows = [
        _row(plan, one, quarter) for one in _CONFERENCES for quarter in returned(plan, one, year)
    ]
    planted = _spoil(rows, year)
    file = SAFELIVES.format(_label(year, "-"))
    return _delivery(file, SAFELIVES_HEAD, rows, f"{year + 1}-07-28", planted)


def _early(plan: Plan, year: int) -> Delivery:
    """Three quarters, of which the last of Cardiff had not been returned yet."""
    rows = []
    for one in _CONFERENCES:
        for quarter in returned(plan, one, year)[:3]:
            row = _row(plan, one, quarter)
            if (one.name, quarter.number) == ("Cardiff", 2):
                row[3:4], row[6:9] = ["Proxied"], [str(int(cell) + 3) for cell in row[6:9]]
            rows.append(row)
    file = SAFELIVES.format(f"{_label(year, '-')}-to-december")
    early = _delivery(file, SAFELIVES_HEAD, rows, f"{year + 1}-02-12", 0)
    return Delivery(
        *(early.file, early.source, early.content, early.rows, early.published_on),
        delivered_twice=len(rows),
    )


def _row(plan: Plan, one: Conference, quarter: Quarter) -> list[str]:
    label = f"Q{quarter.number + 1} {_label(quarter.year)}"
    status = "Proxied" if quarter.proxied else "Submitted"
    four = list(_four(plan, one, quarter))
    rolling = [str(sum(each.cases for each in four)), str(sum(each.repeats for each in four))]
    return [one.name, one.force, label, status, *_told(one, quarter), *rolling]


def _four(plan: Plan, one: Conference, quarter: Quarter) -> Iterator[Quarter]:
    before = returned(plan, one, quarter.year - 1) if quarter.year > FIRST_YEAR else ()
    known = [*before, *returned(plan, one, quarter.year)]
    last = known.index(quarter)
    yield from known[max(0, last - 3) : last + 1]


def _told(one: Conference, quarter: Quarter) -> list[str]:
    # The women of the middle of the year before, as far as they were known then.
    women = one.women + (quarter.year - 2014) * (one.women // 140)
    by_others = quarter.cases - quarter.by_police
    counts = (quarter.cases, quarter.repeats, quarter.children, quarter.by_police, by_others)
    return [str(women), f"mid-{quarter.year - 1}", *map(str, counts)]


def _spoil(rows: Sequence[list[str]], year: int) -> int:
    """Spoil a quarter of Portsmouth in every third year: more repeats than cases, or no quarter."""
    if year % 3 != 1:
        return 0
    row = next(row for row in rows if row[0] == _SPOILT.name and "Q4" in row[2])
    if year % 2:
        row[7] = str(int(row[6]) + 5)
    else:
        row[2] = row[2].replace("Q4", "Q5")
    return 1


def _delivery(
    file: str, head: Sequence[str], rows: Sequence[Sequence[str]], published_on: str, planted: int
) -> Delivery:
    content = table_to_bytes([head, *rows], "\r\n")
    return Delivery(file, "marac", content, len(rows) + 1, published_on, planted=planted)


def _label(year: int, mark: str = "/") -> str:
    return f"{year}{mark}{(year + 1) % 100:02d}"
