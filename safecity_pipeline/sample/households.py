"""Synthetic households: England's live table 406 as a workbook, and estimates for Wales.

Here: households from 1991 to 2037, as a projection has them, for the sample's English authorities,
England and its regions in capitals above; and 2009 to 2016 for the one Welsh authority. Two rows of
the workbook are wrong on purpose: a code with a digit lost, and a district whose first
figure is in thousands.
Not here: how many residents there are (`population`), how a workbook is written (`workbook`).
"""

from collections.abc import Mapping

from safecity_pipeline.sample import workbook
from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.places import PLACES, Place
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.population import BASE_YEAR, LATER_YEARS, residents
from safecity_pipeline.sample.workbook import Sheet

ENGLAND_FILE = "households/synthetic-LT_406_2012-based.xlsx"
WALES_FILE = "households/synthetic-household-estimates-wales-mid-2016.csv"
PROJECTED = range(1991, 2038)
ESTIMATED = (BASE_YEAR, *LATER_YEARS)
CUT_CODE, IN_THOUSANDS = "Fareham", "Winchester"
UNITARY = ("E06",)
TITLES = (
    "Live tables on household projections",
    "Table 406: Household projections1 by district, England, 1991-2037 (2012-based)",
    "Number of households",
)
NOTES = (
    "Source: invented",
    "Notes:",
    "1. Every figure of this workbook is invented.",
)
_HEAD_ROW = 5
_FIRST_COLUMN_OF_YEARS = 4
_STREAM = 420
_MIDDLE = 2014
# Invented, in households.
_LARGER = {
    ("E92000001", "", "ENGLAND"): 22_700_000,
    ("E12000008", "J", "SOUTH EAST"): 3_650_000,
    ("E12000009", "K", "SOUTH WEST"): 2_330_000,
}

Cells = dict[tuple[int, int], str | int | float]
Line = tuple[str, str, str, Mapping[int, int] | Mapping[int, float]]
"""Code, former code, name and the figure of each year."""


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the workbook of England and the file of Wales."""
    return [_england(plan.seed), _wales(plan.seed)]


def households(seed: int, place: Place) -> Mapping[int, int]:
    """Year -> households of a place, as the files have them."""
    chance = stream(seed, _STREAM, PLACES.index(place))
    # So many residents to 100 households.
    size = int(chance.integers(225, 256))
    return _projected(residents(seed, place)[_MIDDLE] * 100 // size, int(chance.integers(6, 13)))


def _projected(in_the_middle: int, growth: int) -> dict[int, int]:
    """Households of each year; `growth` per 1,000 of the middle year's, every year."""
    return {year: in_the_middle * (1000 + growth * (year - _MIDDLE)) // 1000 for year in PROJECTED}


def _england(seed: int) -> Delivery:
    cells: Cells = {(row, 1): title for row, title in enumerate(TITLES, start=1)}
    head = ("Current ONS code", "Former ONS code", "Area name", *PROJECTED)
    cells |= {(_HEAD_ROW, column): text for column, text in enumerate(head, start=1)}
    lines: list[Line] = [(*about, _projected(count, 9)) for about, count in _LARGER.items()]
    english = [place for place in PLACES if place.country == "E"]
    lines += [_line(seed, place) for place in english]
    for row, (code, former, name, counts) in enumerate(lines, start=_HEAD_ROW + 1):
        filled: tuple[str | int | float, ...] = (code, former, name, *counts.values())
        cells |= {(row, column): cell for column, cell in enumerate(filled, start=1) if cell != ""}
    last = _HEAD_ROW + len(lines)
    # A blank row parts the table from its notes.
    cells |= {(last + 2 + number, 1): note for number, note in enumerate(NOTES)}
    sheet = Sheet("406", cells, merged=("A2:H2",))
    return Delivery(
        ENGLAND_FILE,
        "households",
        workbook.to_bytes([sheet]),
        sheet.rows,
        "2015-02-27",
        planted=2,
        left_out=sheet.rows - len(lines),
        vouched=len(lines),
    )


def _line(seed: int, place: Place) -> Line:
    counts: Mapping[int, int] | Mapping[int, float] = households(seed, place)
    code = place.code[:-1] if place.name == CUT_CODE else place.code
    if place.name == IN_THOUSANDS:
        counts = {**counts, PROJECTED[0]: round(counts[PROJECTED[0]] / 1000, 1)}
    suffix = " UA" if place.code.startswith(UNITARY) else ""
    former = f"{PLACES.index(place):02d}ZZ"
    return code, former, place.name + suffix, counts


def _wales(seed: int) -> Delivery:
    rows: list[tuple[str | int, ...]] = [("Area code", "Local authority", *map(str, ESTIMATED))]
    for place in PLACES:
        if place.country == "W":
            counts = households(seed, place)
            rows.append((place.code, place.name, *(counts[year] for year in ESTIMATED)))
    content = table_to_bytes(rows, "\r\n")
    return Delivery(WALES_FILE, "households", content, len(rows), "2017-07-27")
