"""An attacker on a published database, in boring Python: what can be worked out by subtraction.

Here: what somebody knows who has the shareable database and has read the declarations of the
indicators, and what follows from it by one subtraction after the other. Nothing here is taken from
the code that hides. Not here: what several sums say together (a linear programme).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from safecity_pipeline.model import Indicator, Part

Row = Mapping[str, Any]
# What is counted, in which area, period, breakdown and member of it.
Cell = tuple[str, str, str, str, str]
Equation = tuple[Cell | None, float | None, tuple[Cell, ...]]  # the whole, or its number; its parts


def counted(part: Part) -> str:
    return f"{part.source}: {part.aggregate} where {part.where} ({part.forces})"


def cell(part: Part, row: Row) -> Cell:
    dimension, member = row.get("dimension", "all"), row.get("dimension_value", "all")
    return counted(part), row["area_code"], row["period"], dimension, member


class Attacker:
    """`known`: every number that is printed, or follows from those that are."""

    def __init__(self, indicators: Mapping[str, Indicator]) -> None:
        self.indicators = indicators
        self.known: dict[Cell, float] = {}
        self.rows: dict[Cell, Row] = {}
        self.equations: list[Equation] = []

    def learn(self, what: Cell, number: float | None) -> None:
        if number is not None and number == number:
            self.known.setdefault(what, round(number, 6))

    def read_values(self, rows: Iterable[Row]) -> None:
        """Counts as printed; and cases from a rate and what it is divided by."""
        for row in rows:
            one = self.indicators[row["indicator"]]
            if one.numerator is None:
                continue
            self.rows[cell(one.numerator, row)] = row
            self.learn(cell(one.numerator, row), row["numerator"])
            if one.denominator is not None:
                self.rows[cell(one.denominator, row)] = row
                self.learn(cell(one.denominator, row), row["denominator"])
                self._solve(one, row, row["value"])

    def _solve(self, one: Indicator, row: Row, value: float | None) -> None:
        """Cases from the value of an indicator. A population is known to everybody."""
        if value is None or value != value or one.numerator is None or one.kind == "published":
            return
        if one.denominator is None:
            self.learn(cell(one.numerator, row), value / one.per)
            return
        base = self.known.get(cell(one.denominator, row))
        if base:
            self.learn(cell(one.numerator, row), value * base / one.per)

    def read_findings(self, rows: Iterable[Row]) -> None:
        """Values of both periods; the base from the change, and the value from the base. A finding
        over a part of a year is the sum of its months."""
        for row in rows:
            one = self.indicators[row["indicator"]]
            now, base, change = row["value"], row["base_value"], row["change"]
            if change is not None and row["change_unit"] == "percent" and change != -100:
                base = now / (1 + change / 100) if base is None and now is not None else base
                now = base * (1 + change / 100) if now is None and base is not None else now
            elif change is not None:
                base = now - change if base is None and now is not None else base
                now = base + change if now is None and base is not None else now
            self._read_over_months(one, row, row["period"], now)
            if row["base_period"] is not None:
                self._read_over_months(one, row, row["base_period"], base)

    def _read_over_months(self, one: Indicator, row: Row, label: str, value: float | None) -> None:
        if one.numerator is None or value is None:
            return
        place = {**row, "period": label}
        stated = self.rows.get(cell(one.numerator, place))
        if stated is None:
            return
        same = label == row["period"]
        shift = 0 if same else stated["period_start"].year - _start_year(row["period"])
        first, last = (_moved(row[name], shift) for name in ("compared_start", "compared_end"))
        if (stated["coverage_start"], stated["coverage_end"]) == (first, last):
            self._solve(one, place, value)
        elif one.denominator is None:
            months = [
                what
                for what, other in self.rows.items()
                if what[0] == counted(one.numerator)
                and what[1] == row["area_code"]
                and what[3] == "all"
                and other["period_kind"] in ("month", "quarter")
                and first <= other["period_start"]
                and other["period_end"] <= last
            ]
            self.equations.append((None, value / one.per, tuple(months)))

    def add_up(self, lists: set[str]) -> None:
        """Every sum that the printed tables make. `lists`: breakdowns of which a row has several
        parts: they add up to the flags, which may be known from elsewhere, and not to the whole."""
        wholes = [what for what in self.rows if what[3] == "all"]
        by_place: dict[tuple[str, str], list[Cell]] = {}
        for what in wholes:
            by_place.setdefault(what[:2], []).append(what)
        for what in wholes:
            row = self.rows[what]
            for length in (1, 3):
                inside = [
                    other
                    for other in by_place[what[:2]]
                    if other != what
                    and self.rows[other]["months_covered"] == length
                    and row["coverage_start"] <= self.rows[other]["period_start"]
                    and self.rows[other]["period_end"] <= row["coverage_end"]
                ]
                if len(inside) * length == row["months_covered"]:
                    self.equations.append((what, None, tuple(inside)))
        parts: dict[Cell, list[Cell]] = {}
        for what in self.rows:
            if what[3] != "all" and what[3] not in lists:
                parts.setdefault((*what[:3], "all", "all"), [])
                self.equations_of(what, parts)
        for (name, area, label, *_), members in parts.items():
            for dimension in {member[3] for member in members}:
                those = tuple(member for member in members if member[3] == dimension)
                self.equations.append(((name, area, label, "all", "all"), None, those))

    @staticmethod
    def equations_of(what: Cell, parts: dict[Cell, list[Cell]]) -> None:
        parts[(*what[:3], "all", "all")].append(what)

    def total(self, number: float, parts: Iterable[Cell]) -> None:
        """Somebody knows the sum of some cells from elsewhere."""
        self.equations.append((None, number, tuple(parts)))

    def shares(self) -> None:
        """Of cases, the rest and all of them, two give the third."""
        for what, row in list(self.rows.items()):
            one = self.indicators[row["indicator"]]
            if one.kind == "proportion" and one.numerator and one.denominator:
                cases, base = cell(one.numerator, row), cell(one.denominator, row)
                rest: Cell = (f"{base[0]} BUT {cases[0]}", *what[1:])
                self.equations.append((base, None, (cases, rest)))

    def subtract(self) -> None:
        """Solve every equation with one unknown, until nothing new comes of it."""
        before = -1
        while before < len(self.known):
            before = len(self.known)
            for whole, number, parts in self.equations:
                total = number if whole is None else self.known.get(whole)
                unknown = [part for part in parts if part not in self.known]
                known = sum(self.known[part] for part in parts if part in self.known)
                if total is not None and len(unknown) == 1:
                    self.learn(unknown[0], total - known)
                elif whole is not None and total is None and not unknown:
                    self.learn(whole, known)

    def small_rests(self, least: float) -> list[tuple[float, tuple[Cell, ...]]]:
        """Sums of unknown cells that are small numbers themselves."""
        found = []
        for whole, number, parts in self.equations:
            total = number if whole is None else self.known.get(whole)
            unknown = tuple(part for part in parts if part not in self.known)
            if total is not None and unknown:
                left = total - sum(self.known[part] for part in parts if part in self.known)
                if 0.001 < abs(left) < least - 0.001:
                    found.append((left, unknown))
        return found


def _start_year(label: str) -> int:
    return int(label[:4])


def _moved(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def numbers_in(text: str) -> list[str]:
    return re.findall(r"\d[\d,.]*", text)
