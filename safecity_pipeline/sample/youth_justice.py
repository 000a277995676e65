"""Synthetic long extract in the form of the Department for Education's LAIT: one row a figure.

Here: rates and percentages of six items, as text with the noise of floating point, `-` where there
is none, and rows of two other items, which the pipeline leaves out. One cell holds a marker that
nobody declared.
Not here: the counts behind them (`youth_offending`, `looked_after`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safecity_pipeline.sample import looked_after, youth_offending
from safecity_pipeline.sample.delivery import Delivery, table_to_bytes
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import AREAS, AUTHORITY, CHILDREN, COUNTRY, HALF, Area
from safecity_pipeline.sample.youth_offending import YEARS

FILE = "youth_justice/synthetic-bds_long_0.csv"
HEAD = ("Short Desc", "Data item", "Years", "LA and Regions", "Values", "LA Number", "Region")
NO_VALUE = "-"
UNKNOWN_MARKER = "u"
_UNKNOWN_AT = ("FirstYJS", "2018", "Rutland")
_SMALLEST_COHORT, _FEWEST_CHILDREN = 10, 1_000
_HALVES = {"Inner London": "London (Inner)", "Outer London": "London (Outer)"}
# An authority that did not exist yet has a row all the same.
_LATER = Area("West Northamptonshire", "E06000062", "941", AUTHORITY, "East Midlands", ())
_ALL = (*AREAS, _LATER)

Counts = tuple[Sequence[int], Sequence[int]]
"""Denominator and numerator, one number for each leaf."""


@dataclass(frozen=True)
class Item:
    """A published figure: `per` of the denominator, in steps of one over `steps`."""

    name: str
    words: str
    counts: Callable[[int, int], Counts]
    per: int
    steps: int
    financial_label: bool = False
    lacking: tuple[str, ...] = ()
    smallest: int = 1
    smallest_numerator: int = 0


def _convicted(seed: int, year: int) -> Counts:
    figures = looked_after.figures(seed, year)
    return figures["aged_10_and_over"], figures["convicted"]


def _misuse(seed: int, year: int) -> Counts:
    figures = looked_after.figures(seed, year)
    return figures["looked_after_12_months"], figures["substance_misuse"]


# A bare year is the calendar year for first-time entrants; for the others it is the one that ended
# on its 31 March.
ITEMS = (
    Item(
        "FirstYJS",
        "First Time entrants to the Youth Justice System aged 10-17 (rate)",
        lambda seed, year: (CHILDREN, youth_offending.entrants(seed, year)),
        100_000,
        1,
        lacking=(HALF,),
        smallest=_FEWEST_CHILDREN,
    ),
    Item(
        "LAC_Convictions",
        "Offending by children looked after continuously for at least 12 months",
        _convicted,
        100,
        1,
        smallest_numerator=6,
    ),
    Item(
        "ReoffYO",
        "Youth reoffending, aged 10-14 (%)",
        lambda seed, year: youth_offending.younger(seed, year - 1),
        100,
        100,
        lacking=(COUNTRY, HALF),
        smallest=_SMALLEST_COHORT,
    ),
    Item(
        "ReoffYO15-17",
        "Youth reoffending, aged 15-17 (%)",
        lambda seed, year: youth_offending.older(seed, year - 1),
        100,
        100,
        lacking=(COUNTRY, HALF),
        smallest=_SMALLEST_COHORT,
    ),
    Item("LACSubstance", "% of LAC Substance misuse", _misuse, 100, 1, smallest_numerator=6),
    Item(
        "YJS_Caution-Sentence10-17_YO",
        "Children with cautions/convictions per 1,000 of the 10-17 population (YJB Area)",
        lambda seed, year: (CHILDREN, youth_offending.cautioned(seed, year - 1)),
        1_000,
        10,
        financial_label=True,
        lacking=(HALF,),
        smallest=_FEWEST_CHILDREN,
    ),
)
_LEFT_OUT = (
    ("SEN_TotSENSuP", "Pupils with SEN support (%)"),
    ("YouthJusticeFinance", "Spending on youth justice (thousand pounds)"),
)
_LEFT_OUT_YEARS = (2013, 2014, 2015)


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one long extract."""
    rows: list[Sequence[str | int]] = [HEAD]
    for item in ITEMS:
        rows += [row for year in YEARS[1:] for row in _year(plan.seed, item, year)]
    others = [row for name, words in _LEFT_OUT for row in _other(name, words)]
    rows += others
    content = table_to_bytes(rows, "\n")
    return [
        Delivery(
            FILE,
            "youth_justice",
            content,
            len(rows),
            "2024-11-19",
            planted_cells=1,
            left_out=1 + len(others),
        )
    ]


def _year(seed: int, item: Item, year: int) -> list[Sequence[str]]:
    label = f"{year - 1}-{year % 100}" if item.financial_label else str(year)
    below, above = item.counts(seed, year)
    # The publisher words an item with its first year only.
    words = item.words if year == YEARS[1] else ""
    return [
        _row(item.name, words, label, area, _value(item, label, area, below, above))
        for area in _ALL
    ]


def _row(name: str, words: str, label: str, area: Area, value: str) -> Sequence[str]:
    region = area.region if area.level == AUTHORITY else "NA"
    return name, words, label, _HALVES.get(area.name, area.name), value, area.dfe_number, region


def _value(item: Item, label: str, area: Area, below: Sequence[int], above: Sequence[int]) -> str:
    if (item.name, label, area.name) == _UNKNOWN_AT:
        return UNKNOWN_MARKER
    of, counted = area.total(below), area.total(above)
    if area.level in item.lacking or of < item.smallest or counted < item.smallest_numerator:
        return NO_VALUE
    steps = (2 * counted * item.per * item.steps + of) // (2 * of)
    # Seventeen digits, as the extract has them: 38.950000000000003.
    return f"{steps / item.steps:.17g}"


def _other(name: str, words: str) -> list[Sequence[str]]:
    return [
        _row(name, words, str(year), area, str(10 + (year + int(area.dfe_number)) % 7))
        for year in _LEFT_OUT_YEARS
        for area in _ALL
    ]
