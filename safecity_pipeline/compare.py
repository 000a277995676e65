"""Values to findings: changes on earlier periods, the peer group's average, ranks.

Belongs here: what is compared with what, over which months, and the status word. Does not belong
here: the arithmetic of an interval (`statistics`), the wording (`sentences`).

Like is compared with like: two years over the months that both cover, a rank over the months
that every ranked area covers. What cannot be compared keeps its row, with a status that says why.

A published figure is compared as it was printed. Where its publisher prints no counts, nothing
can say how much of a difference is chance: no interval, no verdict. One that the publisher hides
takes part in no comparison.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from typing import Any, NamedTuple

import pandas as pd

from safecity_pipeline import (
    breaks,
    maturity,
    measure,
    period,
    printed,
    sentences,
    statistics,
    trends,
)
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Finding, Indicator
from safecity_pipeline.period import Period
from safecity_pipeline.printed import NOTHING_PRINTED, FirstPrinted
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.registry.indicators import PUBLISHED, is_percentage
from safecity_pipeline.registry.stand_ins import StandIn
from safecity_pipeline.statistics import Interval

GroupOn = Callable[[str, date], PeerGroup | None]
"""Name of a peer group and a day → the group of the assessed area in force that day."""

BrokenBy = Callable[[str, Days, Days], Broken]
"""Area code, days compared with, days compared → the definitional changes in between."""


RanksBrokenBy = Callable[[Sequence[str], Days, Days], Broken]
"""Codes of a group's members, days of the rank before, days of the rank → the changes in between,
of what is counted in any of them and of the group."""


StandInsOf = Callable[[PeerGroup], Mapping[str, StandIn]]
"""A peer group → who may stand in, by the peer whose place it takes."""


def nobody(group: PeerGroup) -> Mapping[str, StandIn]:
    """Nobody stands in for anybody."""
    return {}


def unbroken(area_code: str, earlier: Days, later: Days) -> Broken:
    """No definition ever changed."""
    return Broken()


def alike(members: Sequence[str], earlier: Days, later: Days) -> Broken:
    """No definition ever changed in any area."""
    return Broken()


LENGTHS = {"month": 1, "quarter": 3, "year": 12, "calendar_year": 12}
APRIL = 4
OTHER_GROUP = "peer_group"  # in broken_by of a rank: the dated list of peers is another one

# A hundred labels and days come back in thousands of values, and a period is slow to make.
_parsed = cache(period.parse)
_financial_year_of = cache(period.financial_year_of)


@dataclass(frozen=True)
class Value:
    """One published value of one area, as a comparison needs it.

    `stated`: a figure that its publisher computed. `lacking`: why there is no figure, as a status;
    None where there is one, or where only its denominator is missing. `by_chance`: whether it was
    computed with an interval; of people who chose to answer there is none. `maturity`: days that it
    had to settle until it was extracted, where known. `estimated`: it rests on what its supplier
    estimated.
    """

    period: str
    kind: str
    start: date
    coverage_start: date
    coverage_end: date
    complete: bool
    numerator: float | None
    denominator: float | None
    vintage: str | None = None
    stated: float | None = None
    lacking: str | None = None
    by_chance: bool = True
    maturity: int | None = None
    estimated: bool = False

    @cached_property
    def offset(self) -> tuple[int, int]:
        """Place in the financial year: months after April, and length in months."""
        length = LENGTHS.get(self.kind) or len(_parsed(self.period).months)
        return (self.start.month - APRIL) % 12, length


@dataclass(frozen=True)
class Figure:
    """What an area has over the parts that are compared: its value, the cases and what they are
    divided by. Both are None where a publisher does not print them."""

    value: float | None
    cases: float | None = None
    base: float | None = None
    by_chance: bool = True
    estimated: bool = False


Offsets = frozenset[tuple[int, int]]


@dataclass
class Series:
    """Every value of one indicator in one area, by period label; they stay as they are from the
    first question on.

    `stock`: the denominator is a stock, such as a population: it is not added up over months.
    `settles_after`: days after which its figures change no more, see `Source`.
    """

    area_code: str
    area_name: str
    stock: bool
    values: dict[str, Value] = field(default_factory=dict)
    settles_after: int | None = None
    _parts: dict[str, Mapping[tuple[int, int], Value]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _whole: dict[str, Offsets] = field(default_factory=dict, init=False, repr=False, compare=False)

    def offsets(self, label: str) -> Offsets:
        """The places of all its parts in the year."""
        if label not in self._whole:
            self._whole[label] = frozenset(self.parts(label))
        return self._whole[label]

    def within(self, label: str, offsets: Offsets) -> list[Value]:
        """Some of the parts of a period, in their order."""
        parts = self.parts(label)
        if offsets == self.offsets(label):
            return list(parts.values())
        return [part for offset, part in parts.items() if offset in offsets]

    def parts(self, label: str) -> Mapping[tuple[int, int], Value]:
        """What a value is the sum of: the months or quarters received; itself where it has none."""
        if label not in self._parts:
            self._parts[label] = self._added_up(label)
        return self._parts[label]

    def _added_up(self, label: str) -> Mapping[tuple[int, int], Value]:
        whole = self.values.get(label)
        if whole is None:
            return {}
        if whole.kind != "year" or whole.stated is not None or whole.lacking:
            return {whole.offset: whole}
        inside = self._inside_years.get(label, {})
        if whole.complete and sum(months for _, months in inside) != 12:
            return {whole.offset: whole}  # one yearly row, whatever quarters came beside it
        return inside or {whole.offset: whole}

    @cached_property
    def _inside_years(self) -> Mapping[str, Mapping[tuple[int, int], Value]]:
        """The months and quarters that have a figure, by financial year."""
        years: dict[str, dict[tuple[int, int], Value]] = {}
        for value in self.values.values():
            if value.kind in ("month", "quarter") and not value.lacking:
                year = _financial_year_of(value.start).label
                years.setdefault(year, {})[value.offset] = value
        return years

    def over(self, label: str, offsets: Offsets) -> tuple[float, float | None]:
        """Numerator and denominator of a period over some of its parts."""
        parts = self.within(label, offsets)
        numerator = sum(part.numerator or 0.0 for part in parts)
        if self.stock:
            return numerator, self.values[label].denominator
        if any(part.denominator is None for part in parts):
            return numerator, None
        return numerator, sum(part.denominator or 0.0 for part in parts)

    def maturity(self, label: str, offsets: Offsets) -> int | None:
        """Days that the least settled of some parts of a period had to settle."""
        parts = self.within(label, offsets)
        return min((part.maturity for part in parts if part.maturity is not None), default=None)


class Row(NamedTuple):
    """What a comparison needs of a row of mart.indicator_value; what is missing is None."""

    area_code: str
    area_name: str
    period: str
    period_kind: str
    period_start: date
    coverage_start: date
    coverage_end: date
    complete: bool
    numerator: float | None
    denominator: float | None
    denominator_vintage: str | None
    value: float | None
    lower_95: float | None
    obs_status: str | None
    suppressed_reason: str | None
    maturity_days: int | None


def series_of(
    values: pd.DataFrame, stock: bool, published: bool = False, settles_after: int | None = None
) -> dict[str, Series]:
    """Rows of mart.indicator_value of one indicator, by area; `published` by its kind."""
    return series_from(rows_of(values), stock, published, settles_after)


def rows_of(values: pd.DataFrame) -> list[Row]:
    """What a comparison needs of rows of mart.indicator_value, in their order."""
    # Column by column: to ask pandas for one cell after the other takes ten times as long.
    columns = (_plain(values[name]) for name in Row._fields)
    return list(map(Row._make, zip(*columns, strict=True)))


def series_from(
    rows: Iterable[Row], stock: bool, published: bool = False, settles_after: int | None = None
) -> dict[str, Series]:
    """`series_of` rows that were made of the values of many indicators at once."""
    found: dict[str, Series] = {}
    for row in rows:
        own = Series(row.area_code, row.area_name, stock, settles_after=settles_after)
        series = found.setdefault(row.area_code, own)
        series.values[row.period] = _value(row, published)
    return found


def _plain(column: pd.Series) -> list[Any]:
    """Its values as Python has them: dates without a time, and None for what is missing."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.date
    cells = zip(column.tolist(), column.isna().tolist(), strict=True)
    return [None if missing else cell for cell, missing in cells]


def _value(row: Row, published: bool) -> Value:
    return Value(
        row.period,
        row.period_kind,
        row.period_start,
        row.coverage_start,
        row.coverage_end,
        row.complete,
        row.numerator,
        row.denominator,
        row.denominator_vintage,
        row.value if published else None,
        _lacking(row) if (row.value if published else row.numerator) is None else None,
        published or row.value is None or row.lower_95 is not None,
        None if row.maturity_days is None else int(row.maturity_days),
        row.obs_status == measure.ESTIMATED,
    )


def _lacking(row: Row) -> str:
    """The status of a value that is not there though its row is: what its extract says of it."""
    if row.suppressed_reason == measure.AMBIGUOUS:
        return measure.AMBIGUOUS
    return "suppressed" if row.obs_status == "C" else "not_available"


def findings(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    group_on: GroupOn,
    broken_by: BrokenBy = unbroken,
    stand_ins: StandInsOf = nobody,
    first_printed: FirstPrinted = NOTHING_PRINTED,
    ranks_broken_by: RanksBrokenBy = alike,
) -> Iterator[Finding]:
    """Every comparison that the indicator declares, for the assessed area and its peers.

    `home`, `name`: the assessed area. Only its findings exist where it has no peers. `stand_ins`
    counts only for an indicator that allows it, and for peers without any row of their own.
    `first_printed`: what assessments printed of it, which a change names where its base moved.
    """
    groups = _groups(indicator, found, home, group_on, stand_ins)
    peers = (code for group in groups.values() if group for code in group.members)
    names = {code: named for group in groups.values() if group for code, named in group.names}
    found = {
        code: replace(series, area_name=names.get(code, series.area_name))
        for code, series in found.items()
    }
    for area_code in dict.fromkeys((home, *peers)):
        if area_code in found:
            for made in _changes(indicator, found[area_code], broken_by):
                noted = printed.noted(indicator, made, first_printed)
                yield sentences.worded(indicator, noted)
            if trends.COMPARED_WITH in indicator.compare:
                for made in _trends(indicator, found[area_code], broken_by):
                    yield sentences.worded(indicator, made)
    broken = _ranks_broken(groups, ranks_broken_by)
    for made, there in _among_peers(indicator, found, home, name, groups):
        yield sentences.worded(indicator, _beside_the_last(made, broken), there)


@dataclass(frozen=True)
class Compared:
    """A peer group as one indicator can compare it: with those who stand in for members.

    `members`: codes, the assessed area first. `size`: members of the group itself.
    """

    comparator: str
    members: tuple[str, ...]
    size: int
    standing_in: tuple[StandIn, ...] = ()

    @property
    def names(self) -> Iterator[tuple[str, str]]:
        """Code and name of each that stands in: East Sussex (for Eastbourne)."""
        for code in dict.fromkeys(one.code for one in self.standing_in):
            own = [one for one in self.standing_in if one.code == code]
            yield code, f"{own[0].name} (for {sentences.listed(one.peer_name for one in own)})"


def _compared(
    indicator: Indicator, found: Mapping[str, Series], group: PeerGroup, stand_ins: StandInsOf
) -> Compared:
    """A stand-in takes the place of a peer that has no row; one that is a peer itself does not."""
    comparator, size = f"{group.group}@{group.version}", len(group.members)
    able = stand_ins(group) if indicator.stand_ins else {}
    home, *peers = group.members
    standing_in = tuple(
        able[code]
        for code in peers
        if code in able and code not in found and able[code].code not in group.members
    )
    places = {one.peer_code: one.code for one in standing_in}
    members = dict.fromkeys((home, *(places.get(code, code) for code in peers)))
    return Compared(comparator, tuple(members), size, standing_in)


def _groups(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    group_on: GroupOn,
    stand_ins: StandInsOf,
) -> dict[str, Compared | None]:
    """Every period that the area or one of its peers of that time has, and the group then."""
    dated: dict[str, Compared | None] = {}
    for label in sorted({label for series in found.values() for label in series.values}):
        last = _parsed(label).end
        group = group_on(indicator.peer_group, last) if indicator.peer_group else None
        compared = _compared(indicator, found, group, stand_ins) if group else None
        codes = compared.members if compared else (home,)
        if any(label in _values(found, code) for code in codes):
            dated[label] = compared
    return dated


# --- changes on earlier periods ------------------------------------------------------------------


def _changes(indicator: Indicator, series: Series, broken_by: BrokenBy) -> Iterator[Finding]:
    for value in list(series.values.values()):
        for comparison in indicator.compare:
            base = _base(comparison, value.period)
            if base is not None:
                yield _change(indicator, series, comparison, value, base, broken_by)


@cache
def _base(comparison: str, label: str) -> str | None:
    """Label of the earlier period that a comparison means for this one, or None for none."""
    base = _earlier(comparison, _parsed(label))
    return None if base is None else base.label


def _earlier(comparison: str, now: Period) -> Period | None:
    """The earlier period that a comparison means for this one, or None where it means none.

    Years taken together share years with those that begin one later, so they are compared only
    with the ones before all of them.
    """
    yearly = now.kind in ("year", "calendar_year", "twelve_months", "snapshot")
    if comparison == "previous_period":
        return None if yearly else now.previous()
    if now.kind == "years_together":
        return None
    if comparison == "previous_year":
        return now.year_before(1)
    if comparison == "five_years":
        return now.year_before(5) if yearly else None
    if comparison.startswith("baseline:"):
        base = _parsed(comparison.removeprefix("baseline:"))
        return base if yearly and base.kind == now.kind and base < now else None
    return None


def against(
    indicator: Indicator, series: Series, label: str, base: str, broken_by: BrokenBy = unbroken
) -> Finding:
    """The change of one series from any period that has a row to another that has one."""
    return _change(indicator, series, f"baseline:{base}", series.values[label], base, broken_by)


def figure(indicator: Indicator, series: Series, label: str) -> float | None:
    """The value of a period that has a row; None where it is hidden or cannot be computed."""
    return _figure(indicator, series, label, series.offsets(label)).value


def _change(
    indicator: Indicator,
    series: Series,
    comparison: str,
    value: Value,
    base: str,
    broken_by: BrokenBy,
) -> Finding:
    mine, theirs, status = _like(series, value, base)
    compared = mine or series.offsets(value.period)
    start, end = _span(series, value.period, compared)
    now = _figure(indicator, series, value.period, compared)
    said: dict[str, Any] = {"status": status}
    if mine:
        said["maturity_days"] = series.maturity(value.period, mine)
    if theirs:
        then = _figure(indicator, series, base, theirs)
        days = Days(*_span(series, base, theirs)), Days(start, end)
        vintages = value.vintage, series.values[base].vintage
        broken = _rebased(broken_by(series.area_code, *days), *vintages)
        said |= {"base_value": then.value, **_changed(indicator, then, now)}
        said["estimated"] = then.estimated or now.estimated
        said |= _marked(said["status"], broken) | _aged(series, said, value.period, base, theirs)
    return Finding(
        indicator.indicator,
        series.area_code,
        series.area_name,
        comparison,
        base,
        value.period,
        base_period=base,
        value=now.value,
        compared_start=start,
        compared_end=end,
        compared_months=_months(compared),
        **said,
    )


# --- trends --------------------------------------------------------------------------------------


def _trends(indicator: Indicator, series: Series, broken_by: BrokenBy) -> Iterator[Finding]:
    """A trend for each whole year that has counts, or why none can be told."""
    for value in list(series.values.values()):
        if value.kind in trends.KINDS and _in_a_trend(indicator, series, value.period):
            yield _trend(indicator, series, value, broken_by)


def _trend(indicator: Indicator, series: Series, value: Value, broken_by: BrokenBy) -> Finding:
    labels = [_years_before(value.period, back) for back in reversed(range(trends.YEARS))]
    start, end = _span(series, value.period, series.offsets(value.period))

    def between(label: str, last: str) -> Broken:
        earlier = Days(*_span(series, label, series.offsets(label)))
        vintages = value.vintage, series.values[label].vintage
        return _rebased(broken_by(series.area_code, earlier, Days(start, end)), *vintages)

    found = trends.window(labels, lambda one: _in_a_trend(indicator, series, one), between)
    figures = [_figure(indicator, series, one, series.offsets(one)) for one in found.labels]
    points = [trends.Point(one.cases or 0.0, one.base) for one in figures]
    way = trends.direction(points, is_percentage(indicator)) if found.whole else None
    broken = "definition_changed" if found.cut_by.material else "missing_base"
    return Finding(
        indicator.indicator,
        series.area_code,
        series.area_name,
        trends.TREND,
        trends.OVER,
        value.period,
        "comparable" if found.whole else broken,
        base_period=labels[0],
        value=figures[-1].value,
        significance=statistics.NOT_COMPARED
        if way is None
        else statistics.benchmark(Interval(way, way, way, ""), 0.0, indicator.polarity),
        broken_by=" ".join(found.cut_by.material) or None,
        broken_materially=found.cut_by.words or None,
        compared_start=start,
        compared_end=end,
        estimated=any(one.estimated for one in figures),
        trend_years=len(found.labels),
        trend=way,
    )


@cache
def _years_before(label: str, back: int) -> str:
    return _parsed(label).year_before(back).label if back else label


def _in_a_trend(indicator: Indicator, series: Series, label: str) -> bool:
    """A whole year of counts that chance alone varies."""
    value = series.values.get(label)
    if value is None or value.lacking or not value.complete:
        return False
    one = _figure(indicator, series, label, series.offsets(label))
    divided = indicator.denominator is None or bool(one.base)
    return one.cases is not None and one.by_chance and divided and _possible(indicator, one)


def _figure(indicator: Indicator, series: Series, label: str, offsets: Offsets) -> Figure:
    """The figure of a period over some of its parts; a stated one is of the whole.

    The cases of a stated percentage are value × denominator / 100, as in its interval: the
    numerator that is printed beside it is rounded.
    """
    value = series.values[label]
    if value.lacking:
        return Figure(None)
    if indicator.kind == PUBLISHED:
        base = value.denominator if measure.is_share(indicator) else None
        if base is None or value.stated is None:
            return Figure(value.stated, estimated=value.estimated)
        cases = value.stated * base / indicator.per
        return Figure(value.stated, cases, base, estimated=value.estimated)
    x, n = series.over(label, offsets)
    return Figure(_quotient(indicator, x, n), x, n, value.by_chance, value.estimated)


def _aged(
    series: Series, said: Mapping[str, Any], label: str, base: str, theirs: Offsets
) -> dict[str, Any]:
    """How long the base had to settle, and the note where that is another time than the value
    had; nothing is to be noted where no change is told."""
    before = series.maturity(base, theirs)
    days = said["maturity_days"]
    note = maturity.of_change(label, days, base, before, series.settles_after)
    told = said.get("change") is not None
    return {"base_maturity_days": before, "maturity_note": note if told else None}


def _rebased(broken: Broken, now: str | None, base: str | None) -> Broken:
    """With the change of definition that two editions of the estimates are."""
    return broken if now == base else breaks.together([broken, breaks.TWO_EDITIONS])


def _marked(status: str, broken: Broken) -> dict[str, Any]:
    """A comparison across a definitional change stays, says so, and is no verdict any more."""
    marks: dict[str, Any] = {
        "broken_by": " ".join(broken.ids) or None,
        "broken_materially": broken.words or None,
    }
    if not broken.material or status not in ("comparable", "part_year"):
        return marks
    return {**marks, "status": "definition_changed", "significance": statistics.NOT_COMPARED}


def _like(series: Series, value: Value, base: str) -> tuple[Offsets, Offsets, str]:
    """The parts of the period and of its base that are compared, and what to call that."""
    earlier = series.values.get(base)
    if value.lacking:
        return frozenset(), frozenset(), value.lacking
    if earlier is None or earlier.lacking:
        return frozenset(), frozenset(), "missing_base"
    mine, theirs = series.offsets(value.period), series.offsets(base)
    if value.kind != "year" or (value.complete and earlier.complete):
        # Whole against whole needs no matching: one may be of quarters, the other of one table.
        return mine, theirs, "comparable"
    shared = mine & theirs
    return shared, shared, "part_year" if shared else "missing_base"


def _months(offsets: Offsets) -> int:
    return sum(months for _, months in offsets)


def _span(series: Series, label: str, offsets: Offsets) -> tuple[date, date]:
    parts = series.within(label, offsets)
    if len(parts) == 1:
        return parts[0].coverage_start, parts[0].coverage_end
    return min(part.coverage_start for part in parts), max(part.coverage_end for part in parts)


def _changed(indicator: Indicator, base: Figure, now: Figure) -> dict[str, Any]:
    """The change with its verdict, or the status that says why there is none."""
    lacking = indicator.kind != PUBLISHED and indicator.denominator is not None
    if lacking and (not base.base or not now.base):
        return {"status": "missing_denominator"}
    if not (_possible(indicator, base) and _possible(indicator, now)):
        return {"status": "cannot_tell"}
    share = is_percentage(indicator)
    unit = "percentage points" if share else "percent"
    if base.value == 0 and not share:
        return {"status": "zero_base", "change_unit": unit}
    found = _interval_of_change(indicator, base, now)
    return {
        "change": found.value,
        "change_lower_95": found.lower,
        "change_upper_95": found.upper,
        "change_unit": unit,
        "significance": statistics.benchmark(found, 0.0, indicator.polarity),
    }


def _possible(indicator: Indicator, figure: Figure) -> bool:
    """False for a count below 0, and for a part larger than its whole: both come of corrections."""
    if figure.cases is None:
        return True
    return figure.cases >= 0 and (
        not is_percentage(indicator) or figure.cases <= (figure.base or 0.0)
    )


def _interval_of_change(indicator: Indicator, base: Figure, now: Figure) -> Interval:
    """The change with its interval; without limits where the publisher prints no counts, or where
    one of the two figures has none."""
    uncounted = indicator.kind == PUBLISHED and not (base.base and now.base)
    if uncounted or not (base.by_chance and now.by_chance):
        assert base.value is not None and now.value is not None
        points = now.value - base.value
        change = points if is_percentage(indicator) else 100 * points / base.value
        return Interval(change, None, None, "")
    assert base.cases is not None and now.cases is not None
    if is_percentage(indicator):
        return statistics.change_of_proportion(
            base.cases, base.base or 0.0, now.cases, now.base or 0.0
        )
    return statistics.change(base.cases, now.cases, base.base, now.base)


def _quotient(indicator: Indicator, x: float, n: float | None) -> float | None:
    if indicator.denominator is None:
        return x * indicator.per
    return x * indicator.per / n if n else None


# --- among the peers ------------------------------------------------------------------------------


def _among_peers(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    groups: Mapping[str, Compared | None],
) -> Iterator[tuple[Finding, Sequence[StandIn]]]:
    """The findings without words, and who stands in for a peer in them."""
    wanted = [one for one in indicator.compare if one in ("peer_rank", "group_average")]
    for label, group in groups.items() if wanted else ():
        if group is None:
            whose = str(indicator.peer_group)
            for made in _apart(indicator, found[home], label, whose, "no_peer_group", wanted):
                yield made, ()
            continue
        there = [one for one in group.standing_in if _has_figure(found, one.code, label)]
        for made in _in_group(indicator, found, home, name, label, group, wanted):
            yield made, there


def _beside_the_last(made: Finding, broken: Callable[[str, date], Broken]) -> Finding:
    """A rank with what forbids to set it beside the one before it. The rank itself stands as it is:
    all of its areas are of one period."""
    if made.rank_high is None or made.compared_end is None:
        return made
    found = broken(made.period, made.compared_end)
    if not found.material:
        return made
    return replace(made, broken_by=" ".join(found.material), broken_materially=found.words)


def _ranks_broken(
    groups: Mapping[str, Compared | None], broken_by: RanksBrokenBy
) -> Callable[[str, date], Broken]:
    """A period, and the last day that is compared → what lies between its ranks and the last
    ones of its kind."""
    dated = [(_parsed(label), group) for label, group in groups.items() if group]
    before: dict[str, tuple[Period, Compared]] = {}
    last: dict[str, tuple[Period, Compared]] = {}
    for span, group in sorted(dated, key=lambda pair: pair[0].start):
        if span.kind in last:
            before[span.label] = last[span.kind]
        last[span.kind] = (span, group)

    @cache
    def broken(label: str, end: date) -> Broken:
        group = groups[label]
        if label not in before or group is None:
            return Broken()
        earlier, other = before[label]
        days = Days(earlier.start, earlier.end), Days(_parsed(label).start, end)
        found = broken_by(group.members, *days)
        if other.comparator == group.comparator:
            return found
        told = f"the areas were those of {other.comparator} then"
        return breaks.together([found, Broken((OTHER_GROUP,), told={OTHER_GROUP: told})])

    return broken


def _has_figure(found: Mapping[str, Series], code: str, label: str) -> bool:
    return label in _values(found, code) and not found[code].values[label].lacking


def _apart(
    indicator: Indicator,
    series: Series,
    label: str,
    comparator: str,
    status: str,
    wanted: Iterable[str],
    group_size: int | None = None,
) -> Iterator[Finding]:
    """The value of an area that cannot be set among others, and why."""
    offsets = series.offsets(label)
    start, end = _span(series, label, offsets)
    for comparison in wanted:
        yield Finding(
            indicator.indicator,
            series.area_code,
            series.area_name,
            comparison,
            comparator,
            label,
            status,
            value=_figure(indicator, series, label, offsets).value,
            compared_start=start,
            compared_end=end,
            compared_months=_months(offsets),
            group_size=group_size,
        )


@dataclass(frozen=True)
class Ranked:
    """The areas of a group that can be ranked in one period, over one set of parts."""

    series: tuple[Series, ...]
    figures: tuple[Figure, ...]
    status: str
    group_size: int
    start: date | None = None
    end: date | None = None
    months: int | None = None
    maturities: tuple[int | None, ...] = ()

    @property
    def note(self) -> str | None:
        """What must be said where some of them had less time to settle."""
        return maturity.of_group(self.maturities, self.series[0].settles_after)

    @property
    def estimated(self) -> bool:
        """Whether any of the figures rests on its supplier's estimate: a place is among all."""
        return any(one.estimated for one in self.figures)

    @property
    def counted(self) -> bool:
        """Every figure rests on counts that are known, and on a random sample where on a sample."""
        return all(figure.cases is not None and figure.by_chance for figure in self.figures)


def _in_group(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    label: str,
    group: Compared,
    wanted: Iterable[str],
) -> Iterator[Finding]:
    comparator = group.comparator
    ranked = _ranked(indicator, found, label, group)
    if label not in _values(found, home):
        for one in wanted:
            yield Finding(indicator.indicator, home, name, one, comparator, label, "not_received")
    for code in group.members:
        if why := _why_apart(indicator, found, code, label, ranked, code == home):
            yield from _apart(indicator, found[code], label, comparator, why, wanted, group.size)
    if len(ranked.series) == 1:
        # First and last of one says nothing, and its own average even less.
        lone = ranked.series[0]
        yield from _apart(indicator, lone, label, comparator, "no_peer_data", wanted, group.size)
        return
    if "peer_rank" in wanted:
        yield from _ranks(indicator, ranked, comparator, label)
    if "group_average" in wanted:
        yield from _against_average(indicator, ranked, group, label)


def _why_apart(
    indicator: Indicator,
    found: Mapping[str, Series],
    code: str,
    label: str,
    ranked: Ranked,
    is_home: bool,
) -> str | None:
    """Why a member that has a row is not among those ranked: told of the assessed area always, of
    a peer where its own figure is hidden."""
    value = _values(found, code).get(label)
    if value is None or any(series.area_code == code for series in ranked.series):
        return None
    if value.lacking or not is_home:
        return value.lacking
    has_base = _has_base(indicator, found[code], label)
    return ranked.status if has_base else "missing_denominator"


def _values(found: Mapping[str, Series], code: str) -> Mapping[str, Value]:
    return found[code].values if code in found else {}


def _ranked(
    indicator: Indicator, found: Mapping[str, Series], label: str, group: Compared
) -> Ranked:
    """Over the parts that all of them have; areas without a denominator take no part."""
    present = [found[code] for code in group.members if _has_figure(found, code, label)]
    usable = [series for series in present if _has_base(indicator, series, label)]
    if not usable:
        return Ranked((), (), "missing_denominator", group.size)
    parts = [series.offsets(label) for series in usable]
    whole = all(series.values[label].complete for series in usable)
    shared = frozenset.intersection(*parts)
    if not whole and not shared:
        return Ranked((), (), "unequal_coverage", group.size)
    over = parts if whole else [shared] * len(parts)
    figures = tuple(
        _figure(indicator, series, label, one) for series, one in zip(usable, over, strict=True)
    )
    uneven = any(one != shared for one in parts)
    status = "comparable" if whole else "unequal_coverage" if uneven else "part_year"
    start, end = _span(usable[0], label, over[0])
    aged = tuple(series.maturity(label, one) for series, one in zip(usable, over, strict=True))
    months = _months(over[0])
    return Ranked(tuple(usable), figures, status, group.size, start, end, months, aged)


def _has_base(indicator: Indicator, series: Series, label: str) -> bool:
    if indicator.kind == PUBLISHED or indicator.denominator is None:
        return True
    return bool(series.values[label].denominator)


def _ranks(indicator: Indicator, ranked: Ranked, comparator: str, label: str) -> Iterator[Finding]:
    values = [figure.value for figure in ranked.figures]
    high = statistics.rank(values)
    low = statistics.rank(values, higher_first=False)
    limits = _rank_limits(indicator, ranked, label)
    best = {"low_is_good": low, "high_is_good": high}.get(indicator.polarity)
    for position, series in enumerate(ranked.series):
        yield Finding(
            indicator.indicator,
            series.area_code,
            series.area_name,
            "peer_rank",
            comparator,
            label,
            ranked.status,
            value=values[position],
            rank_high=high[position],
            rank_best=best[position] if best else None,
            rank_of=len(ranked.series),
            rank_lower_95=limits[position][0],
            rank_upper_95=limits[position][1],
            compared_start=ranked.start,
            compared_end=ranked.end,
            compared_months=ranked.months,
            group_size=ranked.group_size,
            maturity_days=ranked.maturities[position],
            maturity_note=ranked.note,
            estimated=ranked.estimated,
        )


def _rank_limits(
    indicator: Indicator, ranked: Ranked, label: str
) -> list[tuple[int | None, int | None]]:
    """None at all where the counts of one area are not known: it has a place among the others,
    and how sure it is of that place bears on theirs. Of rounded figures, what rounding leaves."""
    if not ranked.counted:
        if indicator.rounded_to:
            values = [figure.value for figure in ranked.figures]
            return statistics.rank_range(values, indicator.rounded_to)
        return [(None, None)] * len(ranked.series)
    kind = "proportion" if is_percentage(indicator) else "rate"
    # The same draw on every machine and in every run, another one for each ranking.
    seed = zlib.crc32(f"{indicator.indicator} {label}".encode())
    cases = [figure.cases for figure in ranked.figures]
    bases = [1.0 if figure.base is None else figure.base for figure in ranked.figures]
    return statistics.rank_interval(cases, bases, kind, seed=seed)


def _against_average(
    indicator: Indicator, ranked: Ranked, group: Compared, label: str
) -> Iterator[Finding]:
    """Against the value of the whole group, to which the area belongs. A county that stands in for
    a district would outweigh the members, so it has no part in the average; and where the counts
    of one member are not known there is none."""
    standing_in = {one.code for one in group.standing_in}
    members = [
        (series, figure.value, figure.cases, 1.0 if figure.base is None else figure.base)
        for series, figure in zip(ranked.series, ranked.figures, strict=True)
        if series.area_code not in standing_in
    ]
    known = [(series, value, x, n) for series, value, x, n in members if None not in (value, x)]
    total = sum(n for *_, n in known)
    if len(known) < len(members) or len(known) < 2 or not total:
        return
    average = sum(x for *_, x, _ in known if x is not None) * indicator.per / total
    limits = _own_limits(indicator, [x for *_, x, _ in known], [n for *_, n in known])
    aged = {
        series.area_code: days
        for series, days in zip(ranked.series, ranked.maturities, strict=True)
    }
    for (series, value, *_), (lower, upper) in zip(known, limits, strict=True):
        assert value is not None
        own = Interval(value, lower, upper, "")
        yield Finding(
            indicator.indicator,
            series.area_code,
            series.area_name,
            "group_average",
            group.comparator,
            label,
            ranked.status,
            value=own.value,
            base_value=average,
            significance=statistics.benchmark(own, average, indicator.polarity),
            compared_start=ranked.start,
            compared_end=ranked.end,
            compared_months=ranked.months,
            group_size=ranked.group_size,
            maturity_days=aged[series.area_code],
            maturity_note=ranked.note,
            estimated=ranked.estimated,
        )


def _own_limits(
    indicator: Indicator, cases: Sequence[float | None], bases: Sequence[float]
) -> Iterator[tuple[float | None, float | None]]:
    """The limits of each area's own value."""
    many = statistics.proportions if is_percentage(indicator) else statistics.rates
    _, *limits = many(cases, bases, indicator.per)
    lower, upper = (
        [None if pd.isna(limit) else float(limit) for limit in column] for column in limits
    )
    return zip(lower, upper, strict=True)
