"""Every shape of indicator recomputed in boring Python, to hold against the SQL of `measure`.

Here: plain loops over lists of dicts, and the drawn tables that tests are written in. Not here:
pandas, SQL, and anything of `measure` or `compare`: an oracle that shares their code shares
their mistakes. What a clause means is read again from its text; a form that nobody has taught
`clause` is not understood, and the test of that indicator is skipped in sight.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from safecity_pipeline.model import Indicator, Part

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
EQUAL = re.compile(r"(\w+) (=|<>) '([^']*)'")
AMONG = re.compile(r"(\w+) IN \(([^)]*)\)")
SUM = re.compile(r"sum\((\w+)\)")
KINDS = {1: "month", 3: "quarter", 12: "year"}


@dataclass(frozen=True)
class Figure:
    """What a row of mart.indicator_value must say, but for names and interval."""

    area_code: str
    period: str
    period_kind: str
    period_start: date
    period_end: date
    coverage_start: date
    coverage_end: date
    months_covered: int
    complete: bool
    numerator: float
    denominator: float | None
    value: float | None
    denominator_vintage: str | None


@dataclass(frozen=True)
class Cell:
    """A number for one area and one span of whole months."""

    area: str
    start: date
    end: date
    number: float

    @property
    def months(self) -> int:
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1

    @property
    def financial_year(self) -> int:
        return self.start.year if self.start.month >= 4 else self.start.year - 1


Total = tuple[str, str, date, date, date, date, int]
"""Area, label, first and last day, first and last day covered, months covered."""


# --- one indicator -------------------------------------------------------------------------------


def figures(
    indicator: Indicator, rows: Rows, areas: Iterable[Row], members: Iterable[Row]
) -> list[Figure]:
    """Every value of an indicator. `rows`: source → clean rows; areas and members as in meta."""
    home = {area["area_code"]: area["force_code"] for area in areas}
    above = totals(cells(indicator.numerator, rows[indicator.numerator.source], home))
    below, vintages = _below(indicator.denominator, rows, home, members)
    made = []
    for (area, label, start, end, first, last, months), number in above.items():
        base = below((area, label, start, end, first, last, months))
        whole = {"M": 1, "Q": 3}.get(label[4], 12)
        made.append(
            Figure(
                area,
                label,
                KINDS[whole],
                start,
                end,
                first,
                last,
                months,
                months == whole,
                number,
                base,
                _value(indicator, number, base),
                vintages.get((area, start.year)),
            )
        )
    return made


def _value(indicator: Indicator, number: float, base: float | None) -> float | None:
    if indicator.denominator is None:
        return number * indicator.per
    return number * indicator.per / base if base is not None and base > 0 else None


def _below(
    part: Part | None, rows: Rows, home: Mapping[str, str | None], members: Iterable[Row]
) -> tuple[Callable[[Total], float | None], dict[tuple[str, int], str]]:
    """What to divide by, and its vintage: of the year in which a period begins, or of the span."""
    if part is None:
        return lambda total: None, {}
    if part.source == "population":
        people, vintages = populations(rows["population"], members)
        return lambda total: people.get((total[0], total[2].year)), vintages
    counted = totals(cells(part, rows[part.source], home))
    return lambda total: counted.get(total), {}


def cells(part: Part, rows: Iterable[Row], home: Mapping[str, str | None]) -> list[Cell]:
    """A number for each area and period from which the home force sent any row at all.

    A row with `times` stands for that many equal ones.
    """
    received: set[tuple[str, date, date]] = set()
    sums: dict[tuple[str, date, date], float] = {}
    counts = clause(part.where)
    for row in rows:
        area = row["area_code"]
        if area not in home:
            continue
        key = (area, *_span(row))
        is_home = part.forces is None or row["force_code"] == home[area]
        if is_home:
            received.add(key)
        if is_home or part.forces == "all":
            number = _number(part, row) * row.get("times", 1) if counts(row) else 0
            sums[key] = sums.get(key, 0) + number
    return [Cell(*key, float(number)) for key, number in sums.items() if key in received]


def totals(found: Iterable[Cell]) -> dict[Total, float]:
    """The cells of less than a year, and financial years: of a yearly cell, or of what there is."""
    made: dict[Total, float] = {}
    years: dict[tuple[str, int], list[Cell]] = {}
    for cell in found:
        years.setdefault((cell.area, cell.financial_year), []).append(cell)
        if cell.months < 12:
            span = (cell.start, cell.end, cell.start, cell.end, cell.months)
            made[cell.area, _label(cell), *span] = cell.number
    for (area, year), inside in years.items():
        parts = [cell for cell in inside if cell.months == 12] or inside
        made[
            area,
            f"{year}-{(year + 1) % 100:02d}",
            date(year, 4, 1),
            date(year + 1, 3, 31),
            min(cell.start for cell in parts),
            max(cell.end for cell in parts),
            sum(cell.months for cell in parts),
        ] = sum(cell.number for cell in parts)
    return made


def populations(
    rows: Iterable[Row], members: Iterable[Row]
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], str]]:
    """People and vintage by area and year, where every authority of a geography of the area is
    there; of several such geographies the newest."""
    known = {(row["area_code"], row["year"]): row for row in rows}
    dated: dict[tuple[str, date], list[str]] = {}
    for member in members:
        dated.setdefault((member["area_code"], member["as_of"]), []).append(member["member_code"])
    people, vintages = {}, {}
    for (area, _), codes in sorted(dated.items()):  # the newest last, so that it stands
        for year in {year for _, year in known}:
            inside = [known[code, year] for code in codes if (code, year) in known]
            if len(inside) == len(codes):
                people[area, year] = float(sum(row["persons"] for row in inside))
                vintages[area, year] = max(row["vintage"] for row in inside)
    return people, vintages


def _span(row: Row) -> tuple[date, date]:
    if "period_start" in row:
        return row["period_start"], row["period_end"]
    return row["month"], _last_day(row["month"])


@cache
def _last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _label(cell: Cell) -> str:
    year, month = cell.start.year, cell.start.month
    return f"{year}M{month:02d}" if cell.months == 1 else f"{year}Q{(month + 2) // 3}"


# --- what a clause says ------------------------------------------------------------------------


def clause(where: str) -> Callable[[Row], bool]:
    """Whether a clause is true of a row; of an empty cell no comparison is."""
    if found := EQUAL.fullmatch(where):
        column, sign, text = found.groups()
        return lambda row: row[column] is not None and (row[column] == text) == (sign == "=")
    if found := AMONG.fullmatch(where):
        column, texts = found[1], re.findall(r"'([^']*)'", found[2])
        return lambda row: row[column] in texts
    assert where == "true", f"teach tests/oracle.py the form of: {where}"
    return lambda row: True


def _number(part: Part, row: Row) -> float:
    if part.aggregate == "count(*)":
        return 1
    found = SUM.fullmatch(part.aggregate)
    assert found, f"teach tests/oracle.py the form of: {part.aggregate}"
    return row[found[1]] or 0


def understands(indicator: Indicator) -> bool:
    """Whether every clause has a form that is known here."""
    parts = [part for part in (indicator.numerator, indicator.denominator) if part]
    return all(
        (part.where == "true" or EQUAL.fullmatch(part.where) or AMONG.fullmatch(part.where))
        and (part.aggregate == "count(*)" or SUM.fullmatch(part.aggregate))
        for part in parts
    )


# --- drawn tables --------------------------------------------------------------------------------


def drawn(text: str) -> list[dict[str, Any]]:
    """Rows of a table drawn in a test: a head, then a row a line; a dot is an empty cell.

    Cells that look like whole numbers or dates are such; every other cell is a text.
    """
    head, *lines = (line.split() for line in text.strip().splitlines())
    return [dict(zip(head, map(_cell, line), strict=True)) for line in lines]


def _cell(text: str) -> Any:
    if text == ".":
        return None
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return text
