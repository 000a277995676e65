"""Synthetic export of a most similar group's crime rates, in the form of iQuanta: rounded, by name.

Here: a workbook for the assessed year, for the one before it and for the last two, a sheet for each
of three offence groups, with 24 months and up to five years' twelve months. Southampton's rates are
those of the city's recorded offences; the other members' lie around it, two above and twelve below,
so that it has the third highest rate of fifteen. The group's average is the mean of its members.
Two rows are wrong on purpose: an average ten times too large, and an area that nobody knows; one
figure is not there.
Not here: counts, codes and populations: the service prints none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from safecity_pipeline.sample import city, workbook
from safecity_pipeline.sample.delivery import Delivery, stream
from safecity_pipeline.sample.plan import ASSESSED, Plan
from safecity_pipeline.sample.workbook import Sheet

FILE = "peer_crime/synthetic-iquanta-southampton-msg-{}.xlsx"
AVERAGE, MISSING = "MSG average", "-"
TEN_TIMES_TOO_LARGE = ("2013-14", "Burglary in a dwelling")
UNKNOWN_AREA, UNKNOWN_IN = "Wessex - Westshire", (ASSESSED, "Violence against the person")
NOT_THERE = "Thames Valley - Slough"
_LEVEL_STREAM, _MONTH_STREAM = 220, 221
_GROUPS = {
    "All crime": "",
    "Violence against the person": city.VIOLENCE,
    "Burglary in a dwelling": city.DOMESTIC_BURGLARY,
}
# Member and its rate, Southampton's is 1; the export names the force first.
_MEMBERS = {
    "Avon & Somerset - Bristol": 1.09,
    "Thames Valley - Reading": 1.035,
    "Hampshire - Southampton": 1.0,
    "Essex - Southend-on-Sea": 0.962,
    "Bedfordshire - Luton": 0.94,
    "Northamptonshire - Northampton": 0.915,
    "Sussex - Brighton & Hove": 0.89,
    "South Wales - Cardiff": 0.87,
    "Derbyshire - Derby": 0.84,
    NOT_THERE: 0.81,
    "Sussex - Eastbourne": 0.78,
    "Hertfordshire - Watford": 0.75,
    "Metropolitan Police - Hounslow": 0.72,
    "Metropolitan Police - Hillingdon": 0.69,
    "South Yorkshire - Sheffield": 0.66,
}
CITY = "Hampshire - Southampton"
_MONTHS = ("Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb", "Mar")
_HEAD_ROW, _YEARS_TOGETHER = 6, 5
_NOTES = (("Guidance", "Rates per 1,000 residents."), ("Status", "Every figure is invented."))

Rates = Sequence[float]
Cell = str | int | float


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the exports of the years assessed and of the last two; their rates of five years'
    twelve months reach back to the first."""
    kept = dict.fromkeys((city.BEFORE, ASSESSED, *plan.years[-2:]))
    return [_export(plan, year) for year in kept]


def _export(plan: Plan, year: str) -> Delivery:
    sheets = [_notes(), *(_sheet(plan, year, group) for group in _GROUPS)]
    rows = sum(sheet.rows for sheet in sheets)
    planted = (year == TEN_TIMES_TOO_LARGE[0]) + (year == UNKNOWN_IN[0])
    data = len(_GROUPS) * (len(_MEMBERS) + 1) + (year == UNKNOWN_IN[0])
    return Delivery(
        FILE.format(f"to-march-{int(year[:4]) + 1}"),
        "peer_crime",
        workbook.to_bytes(sheets),
        rows,
        f"{int(year[:4]) + 1}-04-20",
        planted=planted,
        left_out=rows - data,
        vouched=data,
    )


def _notes() -> Sheet:
    return Sheet("Notes", _placed(1, _NOTES))


def _placed(first: int, table: Sequence[Sequence[str | float]]) -> dict[tuple[int, int], Cell]:
    """Cells of a table whose first row stands at row `first` of the sheet."""
    return {
        (row, at): cell
        for row, cells in enumerate(table, first)
        for at, cell in enumerate(cells, start=1)
    }


def _sheet(plan: Plan, year: str, group: str) -> Sheet:
    """One offence group: titles, the members from the highest rate down, and the average."""
    known = plan.years[: plan.years.index(year) + 1]
    months, spans = known[-2:], known[-_YEARS_TOGETHER:]
    head = ("Area", *_labels(months), *(f"12 months to Mar {_end(one)}" for one in spans))
    rows = _figures(plan, months, spans, group)
    if (year, group) == TEN_TIMES_TOO_LARGE:
        rows[AVERAGE] = [10 * rate for rate in rows[AVERAGE]]
    if (year, group) == UNKNOWN_IN:
        rows[UNKNOWN_AREA] = [0.5 * rate for rate in rows[AVERAGE]]
    monthly = 12 * len(months)
    table: list[Sequence[str | float]] = [head]
    table += [(name, *_rounded(rates, monthly)) for name, rates in rows.items()]
    cells = _placed(1, [(title,) for title in _titles(year, group)]) | _placed(_HEAD_ROW, table)
    if group == "All crime":
        cells[_HEAD_ROW + 1 + list(rows).index(NOT_THERE), 3] = MISSING
    cells[_HEAD_ROW + len(table) + 1, 1] = "Source: iQuanta (invented). Restricted."
    return Sheet(group, cells)


def _figures(
    plan: Plan, months: Sequence[str], spans: Sequence[str], group: str
) -> dict[str, list[float]]:
    """Unrounded rates by member and of their average: of each month, then of each twelve."""
    rows = {
        name: [
            *(rate for year in months for rate in _by_month(plan, year, group, name)),
            *(_rate(plan, year, group, name) for year in spans),
        ]
        for name in _MEMBERS
    }
    columns = zip(*rows.values(), strict=True)
    return {**rows, AVERAGE: [sum(column) / len(_MEMBERS) for column in columns]}


def _titles(year: str, group: str) -> tuple[str, ...]:
    members = "; ".join(name.rpartition(" - ")[2] for name in _MEMBERS if name != CITY)
    return (
        "Crimes per 1,000 residents",
        f"Offence group: {group}",
        f"Most similar group of Southampton: {members}",
        f"Exported on 20/04/{_end(year)}",
    )


def _end(year: str) -> int:
    return int(year[:4]) + 1


def _labels(years: Sequence[str]) -> list[str]:
    return [
        f"{month} {int(year[:4]) + (at >= _MONTHS.index('Jan'))}"
        for year in years
        for at, month in enumerate(_MONTHS)
    ]


def _rounded(rates: Rates, monthly: int) -> list[float]:
    return [round(rate, 2 if at < monthly else 1) for at, rate in enumerate(rates)]


def _rate(plan: Plan, year: str, group: str, name: str) -> float:
    """Of the twelve months. Members keep their distance, in 2014-15 exactly enough for the rank."""
    offences = city.sum_of(city.offences(plan, year), _GROUPS[group])
    rate = 1_000 * offences / city.RESIDENTS
    if name == CITY:
        return rate
    key = (list(_MEMBERS).index(name), list(_GROUPS).index(group), int(year[:4]))
    spread = 0.008 if year == ASSESSED else 0.06
    moved = 1 + spread * (float(stream(plan.seed, _LEVEL_STREAM, *key).random()) - 0.5)
    return rate * _MEMBERS[name] * moved


def _by_month(plan: Plan, year: str, group: str, name: str) -> Rates:
    """The twelve months' rate dealt to its months as the city's offences came."""
    came = _came(plan, year)[group]
    if name != CITY:
        key = (list(_MEMBERS).index(name), list(_GROUPS).index(group), int(year[:4]))
        draws: list[float] = stream(plan.seed, _MONTH_STREAM, *key).random(12).tolist()
        came = [number * (0.94 + 0.12 * draw) for number, draw in zip(came, draws, strict=True)]
    together = _rate(plan, year, group, name)
    return [together * number / sum(came) for number in came]


@cache
def _came(plan: Plan, year: str) -> Mapping[str, Sequence[float]]:
    """Offences of the city by month, April first."""
    counts = Counter(
        (of, one.day.month)
        for one in city.recorded(plan, year)
        for of in {"", one.offence.group, one.offence.subgroup}
    )
    return {
        group: [float(counts[of, (at + 3) % 12 + 1]) for at in range(12)]
        for group, of in _GROUPS.items()
    }
