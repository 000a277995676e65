"""What somebody knows of counts of people who has the shareable tables and has read how indicators
are declared.

Belongs here: which number a figure states, by the declaration of its indicator; what a number may
be that is hidden or rounded; and how numbers add up: months to years, parts of a breakdown to the
whole, cases and the rest to all of them, authorities to their area, what one indicator counts to
what another counts more widely. Does not belong here: what follows from that (`feasible`), which
files are read, and what is done about it (`sharing` hides more, `publish.audit` refuses).

A number is named by what is counted, area, first and last day, breakdown and member, so that two
figures that state the same are one number. What this pipeline hides is not 0, as anybody may read:
to hide a 0 protects nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeGuard

from safecity_pipeline import breakdowns, disclosure, feasible, measure, period, shareable
from safecity_pipeline.feasible import Asked, Judged, Line, Range
from safecity_pipeline.model import Indicator
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.indicators import PUBLISHED
from safecity_pipeline.shareable import Counted

Row = Mapping[str, Any]
ANYTHING: Range = (0.0, math.inf)
NOT_NOTHING: Range = (1.0, math.inf)
SLACK = 1e-4  # of a number worked out from a rate, as computers divide
LENGTHS = (1, 3, 12)  # months that longer periods are put together from
SHARED = ("indicator", "area_code", "period")
VALUE = (
    *(*SHARED, "dimension", "dimension_value", "coverage_start", "coverage_end"),
    *("numerator", "denominator", "value", "suppressed_reason", "obs_status"),
)
WHERE = ("area_code", "coverage_start", "coverage_end", "dimension", "dimension_value")
STATED = ("numerator", "denominator", "value")
FINDING = (
    *(*SHARED, "base_period", "value", "base_value", "change", "change_unit"),
    *("compared_start", "compared_end"),
)


DISTINCT = "DISTINCT"
BY_EXTRACT = "extract"  # the breakdown of the rows that a unit has in one extract
Days = tuple[date, date]


class Number(NamedTuple):
    """A count: of what, where, from when to when, and of which part of a breakdown."""

    name: str
    area: str
    first: date
    last: date
    dimension: str = "all"
    member: str = "all"


@dataclass(frozen=True)
class Members:
    """The authorities of an area, from a day on."""

    since: date
    codes: frozenset[str]


class Place(NamedTuple):
    """Where a reader finds a number."""

    indicator: str
    area: str
    period: str
    dimension: str
    member: str


@dataclass
class Outsider:
    """`ranges`: what each number may be. `places`: where it stands, or would, if it were not
    hidden. `rules`: that of each number. `rows_of`: the rows that state it, or would. `told`:
    numbers that an earlier release states, or that were printed or computed before. `learnt`: those
    of them that nothing newer tells, with what they may be without; they are taken to be the same
    still, unless the newer sums say otherwise. `idle`: wholes and parts that are both known."""

    known: Registry
    ranges: dict[Number, Range] = field(default_factory=dict)
    places: dict[Number, Place] = field(default_factory=dict)
    rules: dict[Number, disclosure.Rule] = field(default_factory=dict)
    rows_of: dict[Number, list[dict[str, Any]]] = field(default_factory=dict)
    told: set[Number] = field(default_factory=set)
    learnt: dict[Number, Range] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    counted: dict[str, Counted] = field(default_factory=dict)
    idle: dict[Number, list[tuple[Number, Number]]] = field(default_factory=dict)
    shares: dict[Number, tuple[Number, Number]] = field(default_factory=dict)
    days: dict[tuple[str, str, str], Days] = field(default_factory=dict)
    bases: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _parts_of: dict[str, tuple[Counted | None, Counted | None]] = field(default_factory=dict)

    # --- what is stated ------------------------------------------------------------------------

    def read_values(self, rows: Iterable[dict[str, Any]], again: bool = False) -> None:
        """Rows of mart.indicator_value. `again`: of an earlier release; of these, only what nothing
        newer states is learnt."""
        for row in rows:
            indicator = self.known.indicators.get(row["indicator"])
            if indicator is None:
                continue
            if row["dimension"] == "all":
                days = row["coverage_start"], row["coverage_end"]
                self.days.setdefault(tuple(row[name] for name in SHARED), days)
            self._note_base(indicator, row)
            self._read_value(indicator, row, again)

    def _note_base(self, indicator: Indicator, row: Row) -> None:
        """What rates of an area and period are divided by, where no rule holds for it."""
        part, number = indicator.denominator, row["denominator"]
        if part is not None and number is not None and row["dimension"] == "all":
            self.bases.setdefault((repr(part), row["area_code"], row["period"]), number)

    def _read_value(self, indicator: Indicator, row: dict[str, Any], again: bool) -> None:
        cases, base = self._parts(indicator)
        where = [row[name] for name in WHERE]
        place = Place(*(row[name] for name in (*SHARED, "dimension", "dimension_value")))
        stated = []
        for part, number in zip((cases, base), _numbers_of(indicator, row), strict=True):
            if part is None:
                continue
            named = Number(part.name, *where)
            stated.append(named)
            self.counted[part.name] = part
            if again and number is None:
                continue
            if not again:
                self.places.setdefault(named, place)
                self.rules[named] = disclosure.Rule(part.least, part.step)
                self.rows_of.setdefault(named, []).append(row)
            self._state(named, self._range(named, row), again)
        if len(stated) == 2 and shareable.is_share(indicator) and not again:
            self.shares[stated[0]] = stated[0], stated[1]

    def _parts(self, indicator: Indicator) -> tuple[Counted | None, Counted | None]:
        if indicator.indicator not in self._parts_of:
            found = shareable.counts_of(indicator, self.known.sources)
            self._parts_of[indicator.indicator] = found
        return self._parts_of[indicator.indicator]

    def _state(self, number: Number, found: Range, again: bool = False) -> None:
        """Take over what a number may be; of two statements the narrower. An earlier one is not
        heard where a newer one tells the number."""
        low, high = self.ranges.get(number, ANYTHING)
        narrower = max(low, found[0]), min(high, found[1])
        if narrower[0] > narrower[1]:  # two that differ: the first stands
            return
        if again:
            self.told.add(number)
            if narrower != (low, high):
                self.learnt.setdefault(number, (low, high))
        self.ranges[number] = narrower

    def _range(self, number: Number, row: Row) -> Range:
        """What a number may be by a row that states it, or would. Of a row that this pipeline hides
        what it counts is not 0."""
        indicator = self.known.indicators[row["indicator"]]
        cases, base = self._parts(indicator)
        first = cases is not None and number.name == cases.name
        found = _numbers_of(indicator, row)[0 if first else 1]
        if found is not None:
            return _shown(found, self.counted[number.name])
        alone = cases is None or base is None or not first
        return NOT_NOTHING if alone and row["suppressed_reason"] == shareable.WHY else ANYTHING

    def hide(self, number: Number) -> set[Number]:
        """Hide the rows that state a number. Answers the numbers that are less known then."""
        touched = set()
        for row in self.rows_of.get(number, ()):
            row |= {**dict.fromkeys(STATED), "suppressed_reason": shareable.WHY}
            touched |= set(self._stated_by(row))
        for one in touched:
            ranges = [self._range(one, row) for row in self.rows_of[one]]
            self.ranges[one] = max(low for low, _ in ranges), min(high for _, high in ranges)
        for pair in dict.fromkeys(
            pair for one in sorted(touched) for pair in self.idle.pop(one, ())
        ):
            self._rest(*pair)
        return touched

    def _stated_by(self, row: Row) -> Iterator[Number]:
        where = [row[name] for name in WHERE]
        for part in self._parts(self.known.indicators[row["indicator"]]):
            if part is not None:
                yield Number(part.name, *where)

    def read_findings(self, rows: Iterable[Row], again: bool = False) -> None:
        """Rows of mart.finding: the figures of both periods, over the months that are compared, and
        the one that the other and the change give."""
        for row in rows:
            indicator = self.known.indicators.get(row["indicator"])
            if indicator is None or indicator.kind == PUBLISHED:
                continue  # what a publisher computed is never added up
            now, base = _compared(row)
            first, last = row["compared_start"], row["compared_end"]
            if now is not None:
                self._figure(indicator, row["area_code"], row["period"], (first, last), now, again)
            if base is not None and row["base_period"] is not None:
                earlier = self._days_of_base(row)
                label = row["base_period"]
                self._figure(indicator, row["area_code"], label, earlier, base, again)

    def _days_of_base(self, row: Row) -> Days:
        """The days of the base that are compared: the like months, where not its whole."""
        own, base = (
            self.days.get((row["indicator"], row["area_code"], label))
            for label in (row["period"], row["base_period"])
        )
        compared = row["compared_start"], row["compared_end"]
        if base is not None and own is not None and _months(base) == _months(compared):
            return base
        shift = period.parse(row["base_period"]).start.year - period.parse(row["period"]).start.year
        return _shifted(compared[0], shift), _shifted(compared[1], shift)

    def read_figures(self, rows: Iterable[tuple[str, str, str, float | None]], again: bool) -> None:
        """Indicator, area, period and value, as other tables state them. `again`: as it was."""
        for key, area, label, value in rows:
            indicator, days = self.known.indicators.get(key), self.days.get((key, area, label))
            if indicator is not None and days is not None and value is not None:
                self._figure(indicator, area, label, days, value, again)

    def _figure(
        self, indicator: Indicator, area: str, label: str, days: Days, value: float, again: bool
    ) -> None:
        """A figure of an indicator: its cases, where what they are divided by is known; else that
        the two belong together."""
        cases, base = self._parts(indicator)
        if cases is None:
            return
        number = Number(cases.name, area, *days)
        self.counted[cases.name] = cases
        if base is not None:
            below = Number(base.name, area, *days)
            if number in self.ranges and below in self.ranges and not again:
                self.lines += _quotient(indicator, number, below, value)
            return
        divided_by = 1.0
        if indicator.denominator is not None:
            found = self.bases.get((repr(indicator.denominator), area, label))
            if found is None:
                return
            divided_by = found
        told = value * divided_by / indicator.per
        told = float(round(told)) if abs(told - round(told)) < SLACK else told
        if number in self.places or not again:
            self.rules.setdefault(number, disclosure.Rule(cases.least, cases.step))
        self._state(number, _shown(told, cases), again)

    def read_ledger(
        self,
        units: Iterable[tuple[str, str, str, str, float | None]],
        files: Iterable[tuple[str, str, float | None]],
    ) -> None:
        """Rows of units (source, extract, unit, period, rows) and of files (source, extract, rows):
        where a row is an event they are all there are of its period, in one area or in several."""
        inside: dict[tuple[str, str], list[Number]] = {}
        for source, extract, unit, label, rows in units:
            if (part := self._every_row_of(source)) is None:
                continue
            days = period.parse(label)
            number = Number(f"rows of {source}", unit, days.start, days.end, BY_EXTRACT, extract)
            self.places[number] = Place(source, unit, label, BY_EXTRACT, extract)
            self.rules[number] = disclosure.Rule(part.least, None)
            self._state(number, (rows, rows) if rows is not None else ANYTHING)
            inside.setdefault((source, extract), []).append(number)
        found = [
            (source, rows, parts)
            for source, extract, rows in files
            if rows is not None and (parts := inside.get((source, extract)))
        ]
        # Of a wide table a row of the file is several of a unit: a file that tells both shows it.
        wide = {source for source, rows, parts in found if not self._may_add_up(parts, rows)}
        for source, rows, parts in found:
            if source not in wide:
                self.lines.append(Line(tuple((one, 1.0) for one in parts), rows, rows))

    def _may_add_up(self, parts: Iterable[Number], total: float) -> bool:
        ranges = [self.ranges[one] for one in parts]
        return sum(low for low, _ in ranges) <= total <= sum(high for _, high in ranges)

    def _every_row_of(self, source: str) -> Counted | None:
        """What counts every row of a source; None where no rule holds for it, and where a row is a
        number that somebody counted."""
        declared = self.known.sources.get(source)
        if declared is None or declared.tallies:
            return None
        rule = disclosure.rule(declared.disclosure)
        of = (source, measure.COUNTED, None)
        return Counted(f"rows of {source}", rule.least, frozenset(), of) if rule.least else None

    # --- how it adds up ------------------------------------------------------------------------

    def add_up(self, areas: Mapping[str, list[Members]] | None = None) -> None:
        """Every sum that holds between the numbers. `areas`: of which authorities areas consist."""
        self._shares_and_rests()
        self.lines += self._over_time()
        self.lines += self._breakdowns()
        self.lines += self._over_areas(areas or {})
        self.lines += self._of_rows()

    def _shares_and_rests(self) -> None:
        """Of all, cases leave a rest; and so does what another indicator counts more widely."""
        for cases, base in self.shares.values():
            self._rest(base, cases)
        by_name: dict[str, list[Number]] = {}
        for number in self.ranges:
            by_name.setdefault(number.name, []).append(number)
        for one, other in itertools.permutations(self.counted.values(), 2):
            if one.within(other):
                for number in by_name.get(one.name, ()):
                    whole = number._replace(name=other.name)
                    if whole in self.ranges:
                        self._rest(whole, number)

    def _rest(self, whole: Number, part: Number) -> None:
        (low, high), (least, most) = self.ranges[whole], self.ranges[part]
        if low == high and least == most and not 0 < abs(low - least) < self._least(whole, part):
            for one in (whole, part):  # known, and not small, while both stand
                self.idle.setdefault(one, []).append((whole, part))
            return
        rest = whole._replace(name=f"{whole.name} but {part.name}")
        self.ranges.setdefault(rest, ANYTHING)
        if part in self.places and part in self.rules and whole in self.rules:
            self.places.setdefault(rest, self.places[part])
            both = (self.rules[part], self.rules[whole])
            self.rules[rest] = max(both, key=lambda rule: rule.least)
        self.lines.append(feasible.equal(whole, (part, rest)))

    def _least(self, *numbers: Number) -> float:
        return max(self.rules[one].least if one in self.rules else 0.0 for one in numbers)

    def _over_time(self) -> Iterator[Line]:
        series: dict[tuple[str, str], dict[Days, Number]] = {}
        for number in self.ranges:
            if number.dimension == "all":
                spans = series.setdefault((number.name, number.area), {})
                spans[number.first, number.last] = number
        for spans in series.values():
            by_length: dict[int, dict[date, Number]] = {}
            for days, number in spans.items():
                by_length.setdefault(_months(days), {})[days[0]] = number
            for days, number in spans.items():
                for length in LENGTHS:
                    shorter = by_length.get(length, {}) if length < _months(days) else {}
                    if parts := _laid_end_to_end(shorter, *days):
                        yield feasible.equal(number, parts)

    def _breakdowns(self) -> Iterator[Line]:
        members: dict[Number, list[Number]] = {}
        for number in self.ranges:
            if number.dimension != "all" and number.name in self.counted:
                members.setdefault(number._replace(member=""), []).append(number)
        for place, parts in members.items():
            part = self.counted[place.name]
            whole = place._replace(dimension="all", member="all")
            if whole not in self.ranges:
                continue
            if place.dimension in part.lists:
                yield from (feasible.at_most(one, whole) for one in parts)
                yield from self._flags(part, place, parts)
            elif DISTINCT in part.of[1]:
                yield from (feasible.at_most(one, whole) for one in parts)
                yield Line(((whole, -1.0), *((one, 1.0) for one in parts)), 0.0, math.inf)
            else:
                yield feasible.equal(whole, parts)

    def _flags(self, part: Counted, place: Number, parts: list[Number]) -> Iterator[Line]:
        """Parts of a list add up to what another indicator counts: hate_strand to hate_strands."""
        flags = [one for one in parts if one.member != breakdowns.NOT_KNOWN]
        for name, other in self.counted.items():
            whole = place._replace(name=name, dimension="all", member="all")
            same = other.of[0] == part.of[0] and other.of[1] == f"sum({place.dimension}s)"
            if same and whole in self.ranges:
                yield feasible.equal(whole, flags)

    def _over_areas(self, areas: Mapping[str, list[Members]]) -> Iterator[Line]:
        for number in list(self.ranges) if areas else ():
            made_up = [one for one in areas.get(number.area, ()) if one.since <= number.last]
            if not made_up or number.name not in self.counted:
                continue
            codes = max(made_up, key=lambda one: one.since).codes - {number.area}
            parts = [
                part
                for code in sorted(codes)
                if (part := number._replace(area=code)) in self.ranges
            ]
            if parts and len(parts) == len(codes):
                yield feasible.equal(number, parts)

    def _of_rows(self) -> Iterator[Line]:
        """What counts every row of a source is no more, in all areas, than the rows of its units;
        of a single unit and a single area, just as much."""
        rows: dict[tuple[str, date, date], list[Number]] = {}
        counts: dict[tuple[str, str, date, date], list[Number]] = {}
        for number in self.ranges:
            if number.dimension == BY_EXTRACT:
                source = self.places[number].indicator
                rows.setdefault((source, number.first, number.last), []).append(number)
            elif number.dimension == "all" and _counts_all(part := self.counted.get(number.name)):
                named = (number.name, part.of[0], number.first, number.last)
                counts.setdefault(named, []).append(number)
        for (_, source, first, last), areas in counts.items():
            units = rows.get((source, first, last), [])
            spare = 0.0 if len(units) == len(areas) == 1 else math.inf
            terms = [*((one, 1.0) for one in units), *((one, -1.0) for one in areas)]
            if units:
                yield Line(tuple(terms), 0.0, spare)

    # --- what follows --------------------------------------------------------------------------

    def judged(self, near: AbstractSet[Number] | None = None) -> Judged:
        """The numbers under a rule that are known more closely than the rule leaves them. `near`:
        only those that sums connect with one of these.

        Where the sums cannot hold with what was told before, something changed since: it is
        forgotten there.
        """
        asked = {
            number: Asked(rule.least, rule.least - 1)
            for number, rule in self.rules.items()
            if rule.least > 1 and number in self.ranges
        }
        judged = feasible.judge(self.ranges, self.lines, asked, near)
        while judged.contradictory and self._forget(judged.contradictory):
            judged = feasible.judge(self.ranges, self.lines, asked, near)
        return judged

    def _forget(self, groups: Iterable[Iterable[Number]]) -> bool:
        """Forget what was told before of numbers that stand in a sum with some; whether any was."""
        off = {number for group in groups for number in group}
        beside = {
            number
            for line in self.lines
            if any(one in off for one, _ in line.terms)
            for number, _ in line.terms
        }
        gone = [number for number in beside if number in self.learnt]
        for number in gone:
            self.ranges[number] = self.learnt.pop(number)
        return bool(gone)


def members(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Members]]:
    """Of which authorities areas consist: rows of meta.area_member."""
    found: dict[str, dict[date, set[str]]] = {}
    for row in rows:
        since = found.setdefault(row["area_code"], {}).setdefault(row["as_of"], set())
        since.add(row["member_code"])
    return {
        area: [Members(since, frozenset(codes)) for since, codes in dated.items()]
        for area, dated in found.items()
    }


def _numbers_of(indicator: Indicator, row: Row) -> tuple[float | None, float | None]:
    """Cases and all of them; the cases of a printed percentage, where they are not beside it."""
    cases, base, value = row["numerator"], row["denominator"], row["value"]
    if cases is None and base is not None and value is not None and shareable.is_share(indicator):
        cases = float(round(value * base / indicator.per))
    return cases, base


def _counts_all(part: Counted | None) -> TypeGuard[Counted]:
    return part is not None and (part.of[1], part.terms) == (measure.COUNTED, ("true",))


def _quotient(indicator: Indicator, cases: Number, base: Number, value: float) -> Iterator[Line]:
    """Cases are a share of their base, as it is printed: to within half of its last place, where
    its publisher computed it."""
    half = 0.0
    if indicator.kind == PUBLISHED:
        half = (indicator.rounded_to or 10.0**-indicator.decimals) / 2
    least, most = (value - half) / indicator.per, (value + half) / indicator.per
    yield Line(((cases, 1.0), (base, -least)), -SLACK, math.inf)
    yield Line(((cases, 1.0), (base, -most)), -math.inf, SLACK)


def _shown(number: float, part: Counted) -> Range:
    """What a number may be that is shown: itself, but for rounding."""
    if part.step is None or number == 0:
        return number, number
    half = part.step / 2
    return max(part.least, math.ceil(number - half)), math.floor(number + half)


def _compared(row: Row) -> tuple[float | None, float | None]:
    """Both figures of a change; one of them, where it is hidden, by the other and the change."""
    now, base, change = row["value"], row["base_value"], row["change"]
    if change is None or (now is None) == (base is None):
        return now, base
    if row["change_unit"] == "percent":
        by = 1 + change / 100
        return (now, now / by if by else None) if base is None else (base * by, base)
    return (now, now - change) if base is None else (base + change, base)


@cache
def _months(days: Days) -> int:
    """Months of a span; 0 where it is not one of whole months."""
    first, last = days
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1
    return (last.year - first.year) * 12 + last.month - first.month + 1 if whole else 0


def _shifted(day: date, years: int) -> date:
    """The same day of another year; the last of its month stays the last."""
    if (day + timedelta(days=1)).day == 1:
        following = (day + timedelta(days=1)).replace(year=(day + timedelta(days=1)).year + years)
        return following - timedelta(days=1)
    return day.replace(year=day.year + years)


def _laid_end_to_end(spans: Mapping[date, Number], first: date, last: date) -> list[Number]:
    """Those that lie end to end from a first to a last day; none where they do not."""
    parts: list[Number] = []
    while first <= last:
        if first not in spans or spans[first].last > last:
            return []
        parts.append(spans[first])
        first = spans[first].last + timedelta(days=1)
    return parts
