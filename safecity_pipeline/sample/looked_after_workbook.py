"""Synthetic workbook of looked-after children in the form of the Department for Education's.

Here: an index and two tables of one year: titles, a head with merged cells, footnotes glued to its
words and spacer columns, England and regions in capitals among the authorities, `x` and `.`,
percentages with the noise of floating point, "Source:" and notes below. Two rows are wrong on
purpose: a region ten times too large in one table, and an area that nobody knows in the other.
Not here: the counts (`looked_after`) and how a workbook is written (`workbook`).
"""

from collections.abc import Mapping, Sequence

from safecity_pipeline.sample import looked_after, workbook
from safecity_pipeline.sample.delivery import Delivery
from safecity_pipeline.sample.looked_after import MOST_SUPPRESSED, SUPPRESSED, rounded
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import AREAS, AUTHORITY, REGION, Area
from safecity_pipeline.sample.workbook import Sheet

FILE = "looked_after_children/synthetic-SFR49_2014_LATables.xlsx"
YEAR = 2014
NOT_APPLICABLE = "."
TEN_TIMES_TOO_LARGE = "North West"
UNKNOWN_AREA = "Westshire"
_LARGEST_NOT_DIVIDED = 10
_WIDER_THAN_THE_TABLE = ("S5", "IV5")
_ALL = "looked_after_12_months"
_COUNT_OF_ALL = (
    "Number of children looked after at 31 March who had been looked after for at least 12 months"
)

Figures = Mapping[str, list[int]]
Cells = dict[tuple[int, int], str | int | float]
Column = tuple[int, str] | tuple[int, str, str]
"""Where it stands and what it counts; of a percentage, the whole too."""

_LA4: tuple[Column, ...] = (
    (2, _ALL),
    (4, "aged_10_and_over"),
    (6, "convicted"),
    (7, "convicted", "aged_10_and_over"),
)
_LA5: tuple[Column, ...] = (
    (2, _ALL),
    (4, "substance_misuse"),
    (5, "substance_intervention"),
    (6, "substance_refused"),
    (8, "substance_misuse", _ALL),
)
_LA4_HEAD = {
    (5, 2): _COUNT_OF_ALL + "2",
    (5, 4): "Number of looked after children aged 10 or older at 31 March3",
    (5, 6): "Looked after children aged 10 and above",
    (6, 6): "Number convicted or subject to a final warning or reprimand during the year4",
    (6, 7): "Percentage convicted or subject to a final warning or reprimand during the year",
}
_LA5_HEAD = {
    (5, 2): _COUNT_OF_ALL + "1",
    (5, 4): "Number identified as having a substance misuse problem during the year2",
    (5, 5): "Number who received an intervention for their substance misuse problem during the "
    "year3",
    (5, 6): "Number who were offered an intervention but who refused it during the year4",
    (5, 8): "Percentage identified as having a substance misuse problem during the year2",
}
_TITLES = {
    "LA4": "Offending by children who had been looked after continuously for at least 12 months",
    "LA5": "Substance misuse by children who had been looked after continuously for at least 12 "
    "months",
}
_NOTES = (
    "1. Every figure of this workbook is invented.",
    "2. Children of all ages who have been continuously looked after for at least 12 months.",
    "3. Children aged 10 to 17 at 31 March 2014.",
    "4. Said of the children of the column before it.",
    "",
    "All numbers relating to national or regional totals have been rounded to the nearest 10, all "
    "Local Authority numbers have been rounded to the nearest 5.",
    "x = number less than or equal to 5 or percentage where the numerator is less than or equal "
    "to 5 or the denominator is less than or equal to 10.",
    ". = not applicable",
)


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the workbook of 2014: a sheet without data and two tables."""
    made = looked_after.figures(plan.seed, YEAR)
    la4, la5 = _offending(made), _misuse(made)
    sheets = (_index(), la4, la5)
    rows = sum(sheet.rows for sheet in sheets)
    # LA4 has one row more, that of the area that nobody knows.
    data = 2 * len(AREAS) + 1
    return [
        Delivery(
            FILE,
            "looked_after_children",
            workbook.to_bytes(sheets),
            rows,
            "2014-12-10",
            planted=2,
            left_out=rows - data,
            vouched=data,
        )
    ]


def _index() -> Sheet:
    cells: Cells = {(2, 2): "Index of Tables"}
    for row, (table, title) in enumerate(_TITLES.items(), start=4):
        cells |= {(row, 2): f"Table {table}", (row, 3): title}
    return Sheet("Index", cells, merged=("C4:M4", "C5:M5"))


def _offending(made: Figures) -> Sheet:
    cells: Cells = {**_title("LA4"), **_LA4_HEAD}
    row = _body(cells, 8, made, _LA4)
    cells |= {(row, 1): UNKNOWN_AREA, (row, 2): 250, (row, 4): 160, (row, 6): 10, (row, 7): 6.5}
    merged = ("B5:B6", "C5:C6", "D5:D6", "F5:G5")
    return _closed("Table LA4", cells, row, merged, source_at=7)


def _misuse(made: Figures) -> Sheet:
    cells: Cells = {**_title("LA5"), **_LA5_HEAD}
    row = _body(cells, 7, made, _LA5, TEN_TIMES_TOO_LARGE) - 1
    return _closed("Table LA5", cells, row, (), source_at=8)


def _title(table: str) -> Cells:
    return {
        (1, 1): f"Table {table}: {_TITLES[table]}1",
        (2, 1): f"Years: {YEAR}",
        (3, 1): "Coverage: England",
    }


def _body(
    cells: Cells, row: int, made: Figures, columns: Sequence[Column], too_large: str = ""
) -> int:
    """Write the areas from `row` on, a blank row before each region; return the row after them."""
    for area in AREAS:
        row += area.level == REGION
        cells[row, 1] = area.name if area.level == AUTHORITY else area.name.upper()
        for column, counted, *whole in columns:
            value = _value(area, made, counted, *whole)
            wrong = area.name == too_large and isinstance(value, int)
            cells[row, column] = value * 10 if wrong else value
        row += 1
    return row


def _value(area: Area, made: Figures, counted: str, whole: str = "") -> str | int | float:
    if area.total(made[_ALL]) == 0:
        return 0 if counted == _ALL and not whole else NOT_APPLICABLE
    number, of = area.total(made[counted]), area.total(made[whole or _ALL])
    if area.level == AUTHORITY and (number <= MOST_SUPPRESSED or of <= _LARGEST_NOT_DIVIDED):
        return SUPPRESSED
    if not whole:
        return rounded(number, 5 if area.level == AUTHORITY else 10)
    # Tenths by a tenth, which is how 5.6000000000000005 comes about.
    return (2_000 * number + of) // (2 * of) * 0.1


def _closed(name: str, cells: Cells, last: int, merged: Sequence[str], source_at: int) -> Sheet:
    """Add what stands below a table whose last row is `last`."""
    cells[last + 2, source_at] = "Source: invented"
    for row, note in enumerate(_NOTES, start=last + 4):
        if note:
            cells[row, 1] = note
    below = (f"A{last + 4}:G{last + 4}",)
    return Sheet(name, cells, (*merged, *below), _WIDER_THAN_THE_TABLE)
