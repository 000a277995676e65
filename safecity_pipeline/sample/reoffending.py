"""Synthetic local tables of proven reoffending, in the forms of the Ministry of Justice.

Here: cohorts of adults as a long table, of young offenders as a workbook with cohorts side by side;
calibrated so that the cohort of 2012/13 has in the city between 17 and 18 previous offences per
adult, more than the year before, and 13.6 in England; and so that the city's young offenders of
that cohort reoffend second least of the fifteen. Two rows of Portsmouth are wrong on purpose, and a
team that has gone, Wessex, still has a row.
Not here: areas and their sizes (`upper_tier`), but for Cardiff, which is in Wales.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from safecity_pipeline.sample import workbook
from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import AREAS, AUTHORITY, CHILDREN, COUNTRY
from safecity_pipeline.sample.workbook import Sheet

ADULT = "reoffending/synthetic-adult-proven-reoffending-by-local-authority.csv"
YOUTH = "reoffending/synthetic-youth-proven-reoffending-by-team.xlsx"
FIRST_COHORT, ASSESSED_COHORT, LAG = 2009, 2012, 2
ADULT_HEAD = (
    *("Local authority", "Cohort", "Number of offenders in cohort", "Number of reoffenders"),
    *("Number of reoffences", "Number of previous offences"),
    *("Proportion of offenders who reoffend (%)", "Average number of reoffences per reoffender"),
    "Average number of previous offences per offender",
)
_YOUTH_HEAD = (
    *("Number of offenders in cohort1", "Number of reoffenders", "Number of reoffences"),
    *("Proportion of offenders who reoffend (%)2", "Average number of reoffences per reoffender"),
)
TOO_FEW, FEWEST = "*", 30
BOTH, _CITY, _ENGLAND, _CARDIFF = "England and Wales", "Southampton", "England", "Cardiff"
_SPOILT, GONE = "Portsmouth", "Wessex"
_ADULT_STREAM, _YOUTH_STREAM, _LEVEL_STREAM = 270, 271, 272
# Children of an area say how large it is: offenders of a cohort for each of them.
_SIZES = {
    **{a.name: a.total(CHILDREN) for a in AREAS if a.level in (COUNTRY, AUTHORITY)},
    _CARDIFF: 32_000,
}
_NAMES = tuple(name for name in _SIZES if name != "Isles of Scilly")
_ADULTS = 0.1
_YOUNG = {2008: 0.026, 2009: 0.022, 2010: 0.019, 2011: 0.0145, 2012: 0.0112, 2013: 0.0092}
_YOUNG_LATER = 0.0084
_SMALL = {"Rutland": 0.55}
# Previous offences per adult, by cohort; other areas lie at 0.75 to 1.2 of England's.
_HISTORY = {
    _ENGLAND: {2008: 11.7, 2009: 12.1, 2010: 12.5, 2011: 13.1, 2012: 13.6, 2013: 14.0, 2014: 14.4},
    _CITY: {2008: 14.9, 2009: 15.3, 2010: 15.8, 2011: 16.5, 2012: 17.4, 2013: 17.6, 2014: 17.9},
}
_ADULTS_AGAIN, _CITY_ADULTS_AGAIN = 0.251, 0.272
# Of young offenders, who reoffends in the city, and in the areas next to it in rank, within five
# per cent of it; other areas lie at 1.09 to 1.35 of the city's.
_CITY_YOUNG_AGAIN = 0.312
_BESIDE_THE_CITY = {
    _CITY: 1.0,
    _ENGLAND: 1.16,
    "Hertfordshire": 0.965,
    "Bristol, City of": 1.036,
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Cohort:
    """Twelve months that end with a quarter (from 0) of the financial year begun in `year`."""

    year: int
    quarter: int

    @property
    def label(self) -> str:
        last = (6, 9, 12, 3)[self.quarter]
        end = self.year + (self.quarter == 3)
        return f"{_MONTHS[last % 12]} {end - (last < 12)} - {_MONTHS[last - 1]} {end}"

    def between(self, of: Mapping[int, float], later: float) -> float:
        """A yearly figure, moved evenly from one financial year's to the next."""
        before, after = (of.get(year, later) for year in (self.year - 1, self.year))
        return before + (after - before) * (self.quarter + 1) / 4


@dataclass(frozen=True)
class Counts:
    """Counts of one cohort of one area."""

    offenders: int
    reoffenders: int
    reoffences: int
    previous: int = 0

    @property
    def cells(self) -> list[str]:
        """Percentage and frequency, or a marker where the cohort is too small."""
        if self.offenders < FEWEST:
            return [TOO_FEW, TOO_FEW]
        percent = _rounded(100 * self.reoffenders, self.offenders, 10)
        return [percent, _rounded(self.reoffences, self.reoffenders, 100)]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the table of adults and the workbook of young offenders."""
    last = int(plan.years[-1][:4]) - LAG
    years = range(FIRST_COHORT, last + 1)
    published_on = f"{last + 3}-01-29"
    return [_adults(plan, years, published_on), _young(plan, years, published_on)]


def _rounded(number: int, of: int, steps: int) -> str:
    """The quotient in steps of one over 10 or 100, halves up."""
    made = (2 * number * steps + of) // (2 * of)
    return f"{made // steps}.{made % steps:0{len(str(steps)) - 1}d}"


# --- adults --------------------------------------------------------------------------------------


def _adults(plan: Plan, years: Sequence[int], published_on: str) -> Delivery:
    rows: list[list[str]] = []
    cohorts = [Cohort(year, quarter) for year in years for quarter in range(4)]
    for cohort in cohorts:
        counted = {name: adults(plan, name, cohort) for name in _NAMES}
        # Wales is about a seventeenth of England.
        both = [part + part // 17 for part in vars(counted[_ENGLAND]).values()]
        rows += [_adult_row(name, cohort, counts) for name, counts in counted.items()]
        rows.append(_adult_row(BOTH, cohort, Counts(*both)))
    _spoil(rows)
    content = table_to_bytes([ADULT_HEAD, *rows], "\r\n")
    left_out = 1 + len(cohorts)
    return Delivery(
        *(ADULT, "reoffending", content, len(rows) + 1, published_on), planted=2, left_out=left_out
    )


def adults(plan: Plan, name: str, cohort: Cohort) -> Counts:
    """An area's cohort of adults; previous offences of the cohort assessed are met exactly."""
    at = _NAMES.index(name)
    chance = stream(plan.seed, _ADULT_STREAM, at, cohort.year, cohort.quarter)
    offenders = round(_SIZES[name] * _ADULTS * (0.985 + 0.03 * float(chance.random())))
    level = stream(plan.seed, _LEVEL_STREAM, at, 0)
    beside = 0.75 + 0.45 * float(level.random())
    of_england = cohort.between(_HISTORY[_ENGLAND], 14.8)
    history = cohort.between(_HISTORY[name], 18.2) if name in _HISTORY else of_england * beside
    again = _ADULTS_AGAIN * (0.9 + 0.2 * float(level.random()))
    again = {_ENGLAND: _ADULTS_AGAIN, _CITY: _CITY_ADULTS_AGAIN}.get(name, again)
    reoffenders = round(offenders * again * (0.985 + 0.03 * float(chance.random())))
    reoffences = round(reoffenders * (2.9 + 0.4 * float(chance.random())))
    spread = 0.05 if name == _ENGLAND else 0.3
    previous = round(offenders * (history + spread * (float(chance.random()) - 0.5)))
    return Counts(offenders, reoffenders, reoffences, previous)


def _adult_row(name: str, cohort: Cohort, counts: Counts) -> list[str]:
    numbers = [str(number) for number in vars(counts).values()]
    history = _rounded(counts.previous, counts.offenders, 100)
    return [name, cohort.label, *numbers, *counts.cells, history]


def _spoil(rows: Sequence[list[str]]) -> None:
    """Give two rows of Portsmouth another percentage, and a cohort of eleven months."""
    first, second, *_ = (row for row in rows if row[0] == _SPOILT)
    first[6] = f"{float(first[6]) + 2:.1f}"
    second[1] = second[1].replace("Sep", "Aug")


# --- young offenders -----------------------------------------------------------------------------


@cache
def young(plan: Plan, name: str, cohort: Cohort) -> Counts:
    """An area's cohort of young offenders; the ranks of the cohort assessed are met exactly."""
    chance = stream(plan.seed, _YOUTH_STREAM, _NAMES.index(name), cohort.year, cohort.quarter)
    size = _SIZES[name] * cohort.between(_YOUNG, _YOUNG_LATER) * _SMALL.get(name, 1.0)
    offenders = round(size * (0.97 + 0.06 * float(chance.random())))
    # By chance more or less, but in the cohort of which the assessment gives the rank.
    moved = 0.95 + 0.1 * float(chance.random())
    moved = 1.0 if cohort == Cohort(ASSESSED_COHORT, 3) else moved
    reoffenders = round(offenders * _CITY_YOUNG_AGAIN * _beside_the_city(plan, name) * moved)
    return Counts(offenders, reoffenders, round(reoffenders * (2.7 + 0.6 * float(chance.random()))))


def _beside_the_city(plan: Plan, name: str) -> float:
    """How many times the city's an area's rate is."""
    level = float(stream(plan.seed, _LEVEL_STREAM, _NAMES.index(name), 1).random())
    return _BESIDE_THE_CITY.get(name, 1.09 + 0.26 * level)


def _young(plan: Plan, years: Sequence[int], published_on: str) -> Delivery:
    # Cohorts by calendar and by financial year.
    cohorts = [Cohort(year, quarter) for year in years for quarter in (2, 3)]
    cells: dict[tuple[int, int], str | int | float] = {
        (1, 1): "Youth proven reoffending by Youth Offending Team (invented figures)",
        (2, 1): "Cohorts of twelve months; whoever is aged 10 to 17 at their begin",
        (4, 1): "Youth Offending Team",
    }
    width = len(_YOUTH_HEAD)
    merged = ["A4:A5"]
    for number, cohort in enumerate(cohorts):
        first = 2 + number * width
        cells[4, first] = cohort.label
        cells |= {(5, first + at): words for at, words in enumerate(_YOUTH_HEAD)}
        merged.append(_span(4, first, first + width - 1))
    data = _body(plan, cohorts, cells)
    cells[data + 7, 1] = "Source: invented"
    cells[data + 8, 1] = "1. Cautioned, convicted or released in the twelve months."
    cells[data + 9, 1] = f"2. {TOO_FEW}: fewer than {FEWEST} offenders."
    sheet = Sheet("YOT", cells, tuple(merged))
    content = workbook.to_bytes([sheet])
    return Delivery(
        *(YOUTH, "reoffending", content, sheet.rows, published_on),
        planted=1,
        left_out=sheet.rows - data,
        vouched=data,
    )


def _body(
    plan: Plan, cohorts: Sequence[Cohort], cells: dict[tuple[int, int], str | int | float]
) -> int:
    """Write a row a team, and one of a team that has gone; return how many."""
    copied = {GONE: "Hertfordshire"}
    names = [*_NAMES, *copied]
    for row, name in enumerate(names, start=6):
        cells[row, 1] = name
        counted = [young(plan, copied.get(name, name), cohort) for cohort in cohorts]
        told = [cell for counts in counted for cell in _youth_cells(counts)]
        cells |= {(row, column): cell for column, cell in enumerate(told, start=2)}
    return len(names)


def _youth_cells(counts: Counts) -> list[str | int | float]:
    said = [cell if cell == TOO_FEW else float(cell) for cell in counts.cells]
    return [counts.offenders, counts.reoffenders, counts.reoffences, *said]


def _span(row: int, first: int, last: int) -> str:
    return f"{_letters(first)}{row}:{_letters(last)}{row}"


def _letters(column: int) -> str:
    """A column's letters: 1 is A, 27 is AA."""
    before, at = divmod(column - 1, 26)
    return (chr(ord("A") + before - 1) if before else "") + chr(ord("A") + at)
