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
AMONG = re.compile(r"(\w+) (NOT )?IN \(([^)]*)\)")
NUMBER = re.compile(r"(\w+) = (\d+)")
NEGATED = re.compile(r"NOT (\w+)")
SUM = re.compile(r"sum\((\w+)\)")
COLUMN = re.compile(r"\w+")
PRESENT = re.compile(r"(\w+) IS NOT NULL")
AT_LEAST = re.compile(r"(\w+) >= (\d+)")
DISTINCT = re.compile(r"count\(DISTINCT (\w+)\)")
STOCKS = {"population": "persons", "households": "households"}
"""Sources that speak of a day, and the column that is added up over an area's authorities."""
TALLIES = {"recorded_crime", "drug_admissions", "drug_seizures", "youth_summary"}
"""Sources of which a row is a number that somebody counted: no row of those meant, no number."""
ADDS_UP = {"recorded_crime"}
"""Sources of which a force or a country without rows is the sum of its areas."""
ESTIMATED = {"marac": "estimated"}
"""Sources some of whose rows the supplier estimated, and the column that says so."""
OVER_A_YEAR = (
    *("victimisations_in_year", "victimisation_of_year"),
    *("by_repeat_adult", "offence_of_year"),
)
"""What is worked out over a financial year: no figure of a part of one."""
Odd = tuple[str, str | None]
"""What stood in place of a number: its status, and the marker as received."""


@dataclass(frozen=True)
class Figure:
    """What a row of mart.indicator_value must say, but for names and interval.

    `printed`: the limits that the publisher of a published figure prints beside it. `by_chance`:
    whether it has an interval.
    """

    area_code: str
    period: str
    period_kind: str
    period_start: date
    period_end: date
    coverage_start: date
    coverage_end: date
    months_covered: int
    complete: bool
    numerator: float | None
    denominator: float | None
    value: float | None
    denominator_vintage: str | None
    obs_status: str
    suppressed_reason: str | None
    printed: tuple[float | None, float | None] = (None, None)
    by_chance: bool = True


@dataclass(frozen=True)
class Span:
    """First and last day of a cell, and what kind of period that is."""

    start: date
    end: date

    @property
    def months(self) -> int:
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1

    @property
    def kind(self) -> str | None:
        if self.start == self.end:
            return "snapshot"
        if self.start.day != 1 or self.end != _last_day(self.end.replace(day=1)):
            return None
        if self.months == 12:
            return {4: "year", 1: "calendar_year"}.get(self.start.month, "twelve_months")
        if self.months == 3 and self.start.month in (1, 4, 7, 10):
            return "quarter"
        if self.months > 12 and self.months % 12 == 0:
            return "years_together"
        return "month" if self.months == 1 else None

    @property
    def label(self) -> str:
        year, ending = self.start.year, f"{self.end.year}M{self.end.month:02d}"
        return {
            "snapshot": self.start.isoformat(),
            "month": ending,
            "quarter": f"{year}Q{(self.start.month + 2) // 3}",
            "year": f"{year}-{self.end.year % 100:02d}",
            "calendar_year": f"{year}CY",
        }.get(str(self.kind), f"{ending}-P{self.months}M")

    @property
    def financial_year(self) -> int:
        return self.start.year if self.start.month >= 4 else self.start.year - 1


@dataclass(frozen=True)
class Cell:
    """A number for one area and one span, or what stood in its place."""

    area: str
    span: Span
    number: float | None
    odd: Odd | None = None


@dataclass(frozen=True)
class Total:
    """One area and period, and the days and months of it that there are."""

    area: str
    span: Span
    first: date
    last: date
    months: int

    def holds(self, cell: tuple[str, Span]) -> bool:
        area, span = cell
        within = self.span.start <= span.start and span.end <= self.span.end
        return area == self.area and within


Sum = tuple[float | None, Odd | None]


# --- one indicator -------------------------------------------------------------------------------


def figures(
    indicator: Indicator, rows: Rows, areas: Iterable[Row], members: Iterable[Row]
) -> list[Figure]:
    """Every value of an indicator. `rows`: source → clean rows; areas and members as in meta."""
    if indicator.value is not None:
        home = {area["area_code"]: area["force_code"] for area in areas}
        return published(indicator, rows[indicator.value.source], home)
    assert indicator.numerator is not None
    areas, members = list(areas), list(members)
    above = _totals_of(indicator.numerator, rows, areas, members)
    below, vintages = _below(indicator.denominator, rows, areas, members)
    chosen = chose_to_answer(rows[indicator.numerator.source])
    guessed = estimated((indicator.numerator, indicator.denominator), rows)
    whole = any(name in indicator.numerator.where for name in OVER_A_YEAR)
    made = []
    for total, (number, odd) in above.items():
        if whole and (total.span.kind, total.months) != ("year", 12):
            continue
        base, odd_below = below(total)
        value = _value(indicator, number, base)
        made.append(
            Figure(
                *_head(total),
                number,
                base,
                value,
                vintages.get((total.area, total.span.start.year)),
                *_why(value, odd or odd_below, any(map(total.holds, guessed))),
                by_chance=(total.area, total.span) not in chosen,
            )
        )
    return made


def chose_to_answer(rows: Iterable[Row]) -> set[tuple[str, Span]]:
    """Areas and periods of which some rows come from no random sample, or are weighted."""
    return {
        (row["area_code"], _span(row))
        for row in rows
        if row.get("sampling", "random") != "random" or row.get("weight") not in (None, 1)
    }


def estimated(parts: Iterable[Part | None], rows: Rows) -> set[tuple[str, Span]]:
    """Areas and periods of which the supplier estimated a row that counts."""
    return {
        (row["area_code"], _span(row))
        for part in parts
        if part and part.source in ESTIMATED
        for row in rows[part.source]
        if row[ESTIMATED[part.source]] is True and clause(part.where)(row) and _is_over(row)
    }


def _totals_of(
    part: Part, rows: Rows, areas: Iterable[Row], members: Iterable[Row]
) -> dict[Total, Sum]:
    home = {area["area_code"]: area["force_code"] for area in areas}
    found = totals(cells(part, rows[part.source], home))
    return with_wholes(found, areas, members) if part.source in ADDS_UP else found


def with_wholes(
    found: dict[Total, Sum], areas: Iterable[Row], members: Iterable[Row]
) -> dict[Total, Sum]:
    """And every force and country without a figure that all its forces, or else all its authorities
    and partnerships, add up to."""
    kinds = {area["area_code"]: area.get("area_type") for area in areas}
    oldest = min((one["as_of"] for one in members), default=None)
    made_of: dict[str, set[str]] = {}
    for one in members:
        if one["as_of"] == oldest:
            made_of.setdefault(one["area_code"], set()).add(one["member_code"])
    told = {(total.area, total.span) for total in found}
    alike: dict[Any, list[Total]] = {}
    for total in found:
        alike.setdefault((total.span, total.first, total.last, total.months), []).append(total)
    sums: dict[Total, Sum] = {}
    for levels in (("local_authority", "csp"), ("police_force",)):
        for whole in (code for code in made_of if kinds.get(code) in ("police_force", "country")):
            for (span, *days), there in alike.items():
                parts = [
                    one
                    for one in there
                    if kinds.get(one.area) in levels
                    and one.area != whole
                    and made_of.get(one.area, set()) & made_of[whole]
                ]
                covered = sorted(code for one in parts for code in made_of[one.area])
                if (whole, span) not in told and covered == sorted(made_of[whole]):
                    sums[Total(whole, span, *days)] = _added([found[one] for one in parts])
    return {**found, **sums}


def _added(parts: Sequence[Sum]) -> Sum:
    odds = [odd for _, odd in parts if odd]
    return (None, max(odds)) if odds else (sum(number or 0 for number, _ in parts), None)


def _head(total: Total) -> tuple[str, str, str, date, date, date, date, int, bool]:
    span, kind, months = total.span, str(total.span.kind), total.months
    days = (span.start, span.end, total.first, total.last)
    return total.area, span.label, kind, *days, months, kind != "year" or months == 12


def _why(value: float | None, odd: Odd | None, guessed: bool = False) -> tuple[str, str | None]:
    """The status, and the reason where there is no value."""
    if value is not None:
        return ("E" if guessed else "A"), None
    if odd is None:
        return "M", "missing_denominator"
    status, marker = odd
    shown = "an empty cell" if marker == "" else marker
    if status == "suppressed":
        return "C", f"suppressed by the publisher: {shown}"
    if status.startswith("below:"):
        return "C", f"below {status[6:]}, says the publisher: {shown}"
    if status == "not_available":
        return "M", "not available from the publisher" + (f": {shown}" if shown else "")
    if status == "not_applicable":
        return "M", f"not applicable, says the publisher: {shown}"
    return "M", {"text": "neither a number nor a known marker"}.get(status, status)


def _value(indicator: Indicator, number: float | None, base: float | None) -> float | None:
    if number is None:
        return None
    if indicator.denominator is None:
        return number * indicator.per
    return number * indicator.per / base if base is not None and base > 0 else None


def _below(
    part: Part | None, rows: Rows, areas: Iterable[Row], members: Iterable[Row]
) -> tuple[Callable[[Total], Sum], dict[tuple[str, int], str]]:
    """What to divide by, and its vintage: of the year in which a period begins, or of the span."""
    if part is None:
        return lambda total: (None, None), {}
    if column := STOCKS.get(part.source):
        people, vintages = stocks(rows[part.source], column, members)

        def in_the_year(total: Total) -> Sum:
            several = total.span.kind == "years_together"
            return None if several else people.get((total.area, total.span.start.year)), None

        return in_the_year, vintages
    counted = _totals_of(part, rows, areas, members)
    return lambda total: counted.get(total, (None, None)), {}


def cells(part: Part, rows: Iterable[Row], home: Mapping[str, str | None]) -> list[Cell]:
    """A number for each area and period from which the home force sent any row at all (of tallies
    any of those that count), and none where a marker stands among those that count.

    A row with `times` stands for that many equal ones.
    """
    received: set[tuple[str, Span]] = set()
    sums: dict[tuple[str, Span], float] = {}
    odds: dict[tuple[str, Span], list[Odd]] = {}
    unlike: dict[tuple[str, Span], set[Any]] = {}
    counts = clause(part.where)
    for row in rows:
        area = row["area_code"]
        if area not in home or not _is_over(row) or _is_before(part, row):
            continue
        key = (area, _span(row))
        is_home = part.forces is None or row["force_code"] == home[area]
        if is_home and (part.source not in TALLIES or counts(row)):
            received.add(key)
        if is_home or part.forces == "all":
            number = _number(part, row) * row.get("times", 1) if counts(row) else 0
            sums[key] = sums.get(key, 0) + number
            if (found := DISTINCT.fullmatch(part.aggregate)) and counts(row):
                unlike.setdefault(key, set()).add(row[found[1]])
                sums[key] = len(unlike[key])
            if counts(row) and (odd := _odd(part, row)):
                odds.setdefault(key, []).append(odd)
    return [
        Cell(*key, None, max(odds[key])) if key in odds else Cell(*key, float(number))
        for key, number in sums.items()
        if key in received
    ]


def _odd(part: Part, row: Row) -> Odd | None:
    """What stands in the cell that a part adds up or takes, where it is no number."""
    found = SUM.fullmatch(part.aggregate)
    column = found[1] if found else part.aggregate
    status = row.get(f"{column}_status", "ok")
    return None if status in ("ok", "rounded") else (status, row[f"{column}_marker"])


def totals(found: Iterable[Cell]) -> dict[Total, Sum]:
    """The cells, and financial years: of a yearly cell, or of the months or quarters there are."""
    made: dict[Total, Sum] = {}
    years: dict[tuple[str, int], list[Cell]] = {}
    for cell in found:
        kind, span = cell.span.kind, cell.span
        if kind in ("year", "quarter", "month"):
            years.setdefault((cell.area, span.financial_year), []).append(cell)
        if kind is not None and kind != "year":
            total = Total(cell.area, span, span.start, span.end, span.months)
            made[total] = cell.number, cell.odd
    for (area, year), inside in years.items():
        longest = max(cell.span.months for cell in inside)
        parts = [cell for cell in inside if cell.span.months == longest]
        numbers = [cell.number for cell in parts if cell.number is not None]
        total = Total(
            area,
            Span(date(year, 4, 1), date(year + 1, 3, 31)),
            min(cell.span.start for cell in parts),
            max(cell.span.end for cell in parts),
            sum(cell.span.months for cell in parts),
        )
        odds = [cell.odd for cell in parts if cell.odd]
        made[total] = (None, max(odds)) if odds else (sum(numbers), None)
    return made


# --- a published figure --------------------------------------------------------------------------


def published(
    indicator: Indicator, rows: Sequence[Row], home: Mapping[str, str | None]
) -> list[Figure]:
    """The one cell of every area and period, as printed, and what is printed beside it."""
    assert indicator.value is not None
    beside = {
        name: printed(part, rows, home) if part else {}
        for name, part in (("n", indicator.numerator), ("d", indicator.denominator))
    }
    made = []
    for key, found in printed(indicator.value, rows, home).items():
        area, span = key
        value, odd = _one(indicator.value, found)
        numerator, _ = _one(indicator.numerator, beside["n"].get(key, []))
        denominator, _ = _one(indicator.denominator, beside["d"].get(key, []))
        total = Total(area, span, span.start, span.end, span.months)
        limits = found[0].get("lower_95"), found[0].get("upper_95")
        why = _why(value, odd)
        shown = (None, None) if value is None else limits
        made.append(Figure(*_head(total), numerator, denominator, value, None, *why, shown))
    return made


def printed(
    part: Part, rows: Iterable[Row], home: Mapping[str, str | None]
) -> dict[tuple[str, Span], list[Row]]:
    """The rows that a part speaks of, by area and period."""
    found: dict[tuple[str, Span], list[Row]] = {}
    counts = clause(part.where)
    for row in rows:
        span = _span(row)
        is_of_it = row["area_code"] in home and counts(row) and _is_over(row)
        if is_of_it and span.kind is not None:
            found.setdefault((row["area_code"], span), []).extend([row] * row.get("times", 1))
    return found


def _one(part: Part | None, found: Sequence[Row]) -> Sum:
    if part is None or not found:
        return None, None
    if len(found) > 1:
        return None, ("ambiguous", None)
    number, odd = found[0][part.aggregate], _odd(part, found[0])
    if odd is None and number is None:
        odd = ("not_available", None)
    return None if odd else float(number), odd


# --- what all of them need -----------------------------------------------------------------------


def stocks(
    rows: Iterable[Row], column: str, members: Iterable[Row]
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], str]]:
    """People, or households, and vintage by area and year, where every authority of a geography of
    the area is there; of several such geographies the newest."""
    known = {(row["area_code"], row["year"]): row for row in rows}
    dated: dict[tuple[str, date], list[str]] = {}
    for member in members:
        dated.setdefault((member["area_code"], member["as_of"]), []).append(member["member_code"])
    people, vintages = {}, {}
    for (area, _), codes in sorted(dated.items()):  # the newest last, so that it stands
        for year in {year for _, year in known}:
            inside = [known[code, year] for code in codes if (code, year) in known]
            if len(inside) == len(codes):
                people[area, year] = float(sum(row[column] for row in inside))
                vintages[area, year] = max(row["vintage"] for row in inside)
    return people, vintages


def _is_before(part: Part, row: Row) -> bool:
    """Whether its source did not know yet what the part asks for."""
    return part.since is not None and _span(row).start < date.fromisoformat(part.since)


def _is_over(row: Row) -> bool:
    """Whether its period was over on the day on which the row was taken out."""
    extracted = row.get("extracted_on")
    return extracted is None or _span(row).end <= _day(extracted)


def _day(moment: Any) -> date:
    return date(moment.year, moment.month, moment.day)


def _span(row: Row) -> Span:
    if "period_start" in row:
        return Span(row["period_start"], row["period_end"])
    return Span(row["month"], _last_day(row["month"]))


@cache
def _last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


# --- what a clause says ------------------------------------------------------------------------


def with_windows(source: str, rows: Iterable[Row]) -> list[Row]:
    """Rows with what a source works out over several of them."""
    make = {
        "police_victim": _of_victims,
        "police_offender": _of_offenders,
        "youth_offending": _of_children,
        "partnership_action": _of_meetings,
    }.get(source)
    return make(list(rows)) if make else list(rows)


def _of_children(rows: list[Row]) -> list[Row]:
    told: list[Row] = []
    marked = [{**row, "voluntary": row["disposal_group"] == "voluntary"} for row in rows]
    for group in _groups(marked, "record", "area_code", "period_start", "child", "voluntary"):
        last = max(
            group,
            key=lambda row: (
                row["ended_on"] or row["started_on"],
                row["started_on"],
                row["reference"],
            ),
        )
        told += [{**row, "last_of_child": row is last} for row in group]
    return told


def _when_over(row: Row) -> tuple[Any, ...]:
    return row["ended_on"] or row["started_on"], row["started_on"], row["reference"]


def _of_meetings(rows: list[Row]) -> list[Row]:
    told: list[Row] = []
    for group in _groups(rows, "kind", "area_code", "period_start"):
        listed = len({row["neighbourhood"].lower() for row in group if row["neighbourhood"]})
        stated = max(row["neighbourhoods_stated"] or 0 for row in group)
        for number, row in enumerate(group):
            said = max(listed, stated) if number == 0 and row["kind"] == "PACT meetings" else None
            told.append({**row, "neighbourhoods_of_area": said})
    return told


def _of_victims(rows: list[Row]) -> list[Row]:
    told: list[Row] = []
    for group in _groups(rows, "area_code", "financial_year", "victim"):
        ordered = sorted(group, key=lambda row: (row["recorded_on"], row["crime_reference"]))
        crimes = len({row["crime_reference"] for row in group})
        for number, row in enumerate(ordered, 1):
            nobody = row["victim"] is None
            counts = {"victimisations_in_year": crimes, "victimisation_of_year": number}
            told.append({**row, **dict.fromkeys(counts)} if nobody else {**row, **counts})
    return told


def _of_offenders(rows: list[Row]) -> list[Row]:
    counted: list[Row] = []
    for group in _groups(rows, "area_code", "financial_year", "offender"):
        crimes = len({row["crime_reference"] for row in group})
        ordered = sorted(group, key=lambda row: (row["recorded_on"], row["crime_reference"]))
        counted += [
            {**row, "offences_in_year": crimes, "offence_of_year": number}
            for number, row in enumerate(ordered, 1)
        ]
    told: list[Row] = []
    for group in _groups(counted, "area_code", "financial_year", "crime_reference"):
        repeated = any(row["adult"] and row["offences_in_year"] >= 2 for row in group)
        for number, row in enumerate(sorted(group, key=lambda row: str(row["offender"])), 1):
            told.append({**row, "by_repeat_adult": repeated, "link_of_crime": number})
    return told


def _groups(rows: Iterable[Row], *columns: str) -> Iterable[list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return found.values()


def clause(where: str) -> Callable[[Row], bool]:
    """Whether a clause is true of a row; of an empty cell no comparison is."""
    if " AND " in where:
        all_of = [clause(one) for one in where.split(" AND ")]
        return lambda row: all(one(row) for one in all_of)
    if found := EQUAL.fullmatch(where):
        column, sign, text = found.groups()
        return lambda row: row[column] is not None and (row[column] == text) == (sign == "=")
    if found := AMONG.fullmatch(where):
        column, negated, listed = found[1], found[2] is not None, found[3]
        texts: list[Any] = re.findall(r"'([^']*)'", listed)
        wanted = texts or [int(number) for number in listed.split(",")]
        return lambda row: row[column] is not None and (row[column] in wanted) != negated
    if found := NUMBER.fullmatch(where):
        counted, number = found[1], int(found[2])
        return lambda row: row[counted] == number
    if found := NEGATED.fullmatch(where):
        flag = found[1]
        return lambda row: row[flag] is False
    if found := PRESENT.fullmatch(where):
        named = found[1]
        return lambda row: row[named] is not None
    if found := AT_LEAST.fullmatch(where):
        named, least = found[1], int(found[2])
        return lambda row: row[named] is not None and row[named] >= least
    if COLUMN.fullmatch(where) and where != "true":
        return lambda row: row[where] is True
    assert where == "true", f"teach tests/oracle.py the form of: {where}"
    return lambda row: True


def _number(part: Part, row: Row) -> float:
    if DISTINCT.fullmatch(part.aggregate):
        return 0  # `cells` counts who is unlike the others
    if part.aggregate == "count(*)":
        return 1
    found = SUM.fullmatch(part.aggregate)
    assert found, f"teach tests/oracle.py the form of: {part.aggregate}"
    return row[found[1]] or 0


def understands(indicator: Indicator) -> bool:
    """Whether every clause has a form that is known here."""
    parts = (indicator.value, indicator.numerator, indicator.denominator)
    is_published = indicator.value is not None
    return all(_understood(part, is_published) for part in parts if part)


def _understood(part: Part, is_published: bool) -> bool:
    clauses = part.where.split(" AND ")
    forms = (EQUAL, AMONG, NUMBER, NEGATED, PRESENT, AT_LEAST, COLUMN)
    if not all(any(form.fullmatch(one) for form in forms) for one in clauses):
        return False
    if is_published:
        return COLUMN.fullmatch(part.aggregate) is not None
    added_up = any(form.fullmatch(part.aggregate) for form in (SUM, DISTINCT))
    return part.aggregate == "count(*)" or added_up


# --- drawn tables --------------------------------------------------------------------------------


def drawn(text: str) -> list[dict[str, Any]]:
    """Rows of a table drawn in a test: a head, then a row a line; a dot is an empty cell.

    Cells that look like numbers or dates are such; every other cell is a text.
    """
    head, *lines = (line.split() for line in text.strip().splitlines())
    return [dict(zip(head, map(_cell, line), strict=True)) for line in lines]


def _cell(text: str) -> Any:
    if text == ".":
        return None
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"\d+\.\d+", text):
        return float(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return text
