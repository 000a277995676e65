"""Values to findings: changes on earlier periods, the peer group's average, ranks.

Belongs here: what is compared with what, over which months, and the status word. Does not belong
here: the arithmetic of an interval (`statistics`), the wording (`sentences`).

Like is compared with like: two years over the months that both cover, a rank over the months
that every ranked area covers. What cannot be compared keeps its row, with a status that says why.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from safecity_pipeline import period, sentences, statistics
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Finding, Indicator
from safecity_pipeline.period import Period
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.statistics import Interval

GroupOn = Callable[[str, date], PeerGroup | None]
"""Name of a peer group and a day → the group of the assessed area in force that day."""

BrokenBy = Callable[[str, Days, Days], Broken]
"""Area code, days compared with, days compared → the definitional changes in between."""


def unbroken(area_code: str, earlier: Days, later: Days) -> Broken:
    """No definition ever changed."""
    return Broken()


@dataclass(frozen=True)
class Value:
    """One published value of one area, as a comparison needs it."""

    period: str
    kind: str
    start: date
    coverage_start: date
    coverage_end: date
    complete: bool
    numerator: float
    denominator: float | None
    vintage: str | None = None

    @property
    def offset(self) -> tuple[int, int]:
        """Place in the financial year: months after April, and length in months."""
        fiscal = period.financial_year_of(self.start).start
        months = (self.start.year - fiscal.year) * 12 + self.start.month - fiscal.month
        return months, {"month": 1, "quarter": 3, "year": 12}[self.kind]


Offsets = frozenset[tuple[int, int]]


@dataclass
class Series:
    """Every value of one indicator in one area, by period label.

    `stock`: the denominator is a stock, such as a population: it is not added up over months.
    """

    area_code: str
    area_name: str
    stock: bool
    values: dict[str, Value] = field(default_factory=dict)

    def parts(self, label: str) -> dict[tuple[int, int], Value]:
        """What a value is the sum of: the months or quarters received; itself where it has none."""
        whole = self.values.get(label)
        if whole is None:
            return {}
        if whole.kind != "year":
            return {whole.offset: whole}
        inside = {
            value.offset: value
            for value in self.values.values()
            if value.kind != "year" and period.financial_year_of(value.start).label == label
        }
        if whole.complete and sum(months for _, months in inside) != 12:
            return {whole.offset: whole}  # one yearly row, whatever quarters came beside it
        return inside or {whole.offset: whole}

    def over(self, label: str, offsets: Offsets) -> tuple[float, float | None]:
        """Numerator and denominator of a period over some of its parts."""
        parts = [part for offset, part in self.parts(label).items() if offset in offsets]
        numerator = sum(part.numerator for part in parts)
        if self.stock:
            return numerator, self.values[label].denominator
        if any(part.denominator is None for part in parts):
            return numerator, None
        return numerator, sum(part.denominator or 0.0 for part in parts)


def series_of(values: pd.DataFrame, stock: bool) -> dict[str, Series]:
    """Rows of mart.indicator_value of one indicator, by area. Rows without numerator are left."""
    found: dict[str, Series] = {}
    rows: Iterable[Any] = values[values["numerator"].notna()].itertuples(index=False)
    for row in rows:
        series = found.setdefault(row.area_code, Series(row.area_code, row.area_name, stock))
        series.values[row.period] = _value(row)
    return found


def _value(row: Any) -> Value:
    return Value(
        row.period,
        row.period_kind,
        _day(row.period_start),
        _day(row.coverage_start),
        _day(row.coverage_end),
        bool(row.complete),
        float(row.numerator),
        None if pd.isna(row.denominator) else float(row.denominator),
        None if pd.isna(row.denominator_vintage) else str(row.denominator_vintage),
    )


def _day(value: Any) -> date:
    return value.date() if isinstance(value, pd.Timestamp) else value


def findings(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    group_on: GroupOn,
    broken_by: BrokenBy = unbroken,
) -> Iterator[Finding]:
    """Every comparison that the indicator declares, for the assessed area and its peers.

    `home`, `name`: the assessed area. Only its findings exist where it has no peers.
    """
    groups = _groups(indicator, found, home, group_on)
    peers = (code for group in groups.values() if group for code in group.members)
    for area_code in dict.fromkeys((home, *peers)):
        if area_code in found:
            for made in _changes(indicator, found[area_code], broken_by):
                yield sentences.worded(indicator, made)
    for made in _among_peers(indicator, found, home, name, groups):
        yield sentences.worded(indicator, made)


def _groups(
    indicator: Indicator, found: Mapping[str, Series], home: str, group_on: GroupOn
) -> dict[str, PeerGroup | None]:
    """Every period that the area or one of its peers of that time has, and the group then."""
    dated: dict[str, PeerGroup | None] = {}
    for label in sorted({label for series in found.values() for label in series.values}):
        last = period.parse(label).end
        group = group_on(indicator.peer_group, last) if indicator.peer_group else None
        codes = group.members if group else (home,)
        if any(label in _values(found, code) for code in codes):
            dated[label] = group
    return dated


# --- changes on earlier periods ------------------------------------------------------------------


def _changes(indicator: Indicator, series: Series, broken_by: BrokenBy) -> Iterator[Finding]:
    for value in list(series.values.values()):
        now = period.parse(value.period)
        for comparison in indicator.compare:
            base = _base(comparison, now)
            if base is not None:
                yield _change(indicator, series, comparison, value, base, broken_by)


def _base(comparison: str, now: Period) -> Period | None:
    """The earlier period that a comparison means for this one, or None where it means none."""
    yearly = now.kind == "year"
    if comparison == "previous_period":
        return None if yearly else now.previous()
    if comparison == "previous_year":
        return now.year_before(1)
    if comparison == "five_years":
        return now.year_before(5) if yearly else None
    if comparison.startswith("baseline:"):
        base = period.parse(comparison.removeprefix("baseline:"))
        return base if yearly and base.kind == now.kind and base < now else None
    return None


def _change(
    indicator: Indicator,
    series: Series,
    comparison: str,
    value: Value,
    base: Period,
    broken_by: BrokenBy,
) -> Finding:
    mine, theirs, status = _like(series, value, base)
    compared = mine or frozenset(series.parts(value.period))
    start, end = _span(series, value.period, compared)
    x1, n1 = series.over(value.period, compared)
    finding = Finding(
        indicator.indicator,
        series.area_code,
        series.area_name,
        comparison,
        base.label,
        value.period,
        status,
        base.label,
        value=_quotient(indicator, x1, n1),
        compared_start=start,
        compared_end=end,
        compared_months=_months(compared),
    )
    if not theirs:
        return finding
    x0, n0 = series.over(base.label, theirs)
    finding = replace(finding, base_value=_quotient(indicator, x0, n0))
    changed = _with_change(indicator, finding, (x0, n0), (x1, n1))
    broken = broken_by(series.area_code, Days(*_span(series, base.label, theirs)), Days(start, end))
    return _marked(changed, _rebased(broken, value.vintage, series.values[base.label].vintage))


def _rebased(broken: Broken, now: str | None, base: str | None) -> Broken:
    """Two rates over different editions of the estimates differ in definition as well: no dates
    can tell that, since a new edition replaces earlier years too."""
    if now == base:
        return broken
    return replace(broken, material=(*broken.material, "denominator_vintage"))


def _marked(finding: Finding, broken: Broken) -> Finding:
    """A comparison across a definitional change stays, says so, and is no verdict any more."""
    marked = replace(
        finding,
        broken_by=" ".join(broken.ids) or None,
        broken_materially=", ".join(broken.material) or None,
    )
    if not broken.material or finding.status not in ("comparable", "part_year"):
        return marked
    return replace(marked, status="definition_changed", significance=statistics.NOT_COMPARED)


def _like(series: Series, value: Value, base: Period) -> tuple[Offsets, Offsets, str]:
    """The parts of the period and of its base that are compared, and what to call that."""
    earlier = series.values.get(base.label)
    if earlier is None:
        return frozenset(), frozenset(), "missing_base"
    mine = frozenset(series.parts(value.period))
    theirs = frozenset(series.parts(base.label))
    if value.kind != "year" or (value.complete and earlier.complete):
        # Whole against whole needs no matching: one may be of quarters, the other of one table.
        return mine, theirs, "comparable"
    shared = mine & theirs
    return shared, shared, "part_year" if shared else "missing_base"


def _months(offsets: Offsets) -> int:
    return sum(months for _, months in offsets)


def _span(series: Series, label: str, offsets: Offsets) -> tuple[date, date]:
    parts = [part for offset, part in series.parts(label).items() if offset in offsets]
    return min(part.coverage_start for part in parts), max(part.coverage_end for part in parts)


def _with_change(
    indicator: Indicator,
    finding: Finding,
    base: tuple[float, float | None],
    now: tuple[float, float | None],
) -> Finding:
    (x0, n0), (x1, n1) = base, now
    lacking = indicator.denominator is not None and (not n0 or not n1)
    if lacking:
        return replace(finding, status="missing_denominator")
    if not (_possible(indicator, x0, n0) and _possible(indicator, x1, n1)):
        return replace(finding, status="cannot_tell")
    unit = "percentage points" if indicator.kind == "proportion" else "percent"
    if x0 == 0 and indicator.kind != "proportion":
        return replace(finding, status="zero_base", change_unit=unit)
    found = _interval_of_change(indicator, x0, n0, x1, n1)
    return replace(
        finding,
        change=found.value,
        change_lower_95=found.lower,
        change_upper_95=found.upper,
        change_unit=unit,
        significance=statistics.benchmark(found, 0.0, indicator.polarity),
    )


def _possible(indicator: Indicator, x: float, n: float | None) -> bool:
    """False for a count below 0, and for a part larger than its whole: both come of corrections."""
    return x >= 0 and (indicator.kind != "proportion" or x <= (n or 0.0))


def _interval_of_change(
    indicator: Indicator, x0: float, n0: float | None, x1: float, n1: float | None
) -> Interval:
    if indicator.kind == "proportion":
        return statistics.change_of_proportion(x0, n0 or 0.0, x1, n1 or 0.0)
    return statistics.change(x0, x1, n0, n1)


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
    groups: Mapping[str, PeerGroup | None],
) -> Iterator[Finding]:
    wanted = [one for one in indicator.compare if one in ("peer_rank", "group_average")]
    for label, group in groups.items() if wanted else ():
        if group is None:
            whose = str(indicator.peer_group)
            yield from _apart(indicator, found[home], label, whose, "no_peer_group", wanted)
        else:
            yield from _in_group(indicator, found, home, name, label, group, wanted)


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
    offsets = frozenset(series.parts(label))
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
            value=_quotient(indicator, *series.over(label, offsets)),
            compared_start=start,
            compared_end=end,
            compared_months=_months(offsets),
            group_size=group_size,
        )


@dataclass(frozen=True)
class Ranked:
    """The areas of a group that can be ranked in one period, over one set of parts."""

    series: tuple[Series, ...]
    numerators: tuple[float, ...]
    denominators: tuple[float, ...]
    status: str
    group_size: int
    start: date | None = None
    end: date | None = None
    months: int | None = None


def _in_group(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    label: str,
    group: PeerGroup,
    wanted: Iterable[str],
) -> Iterator[Finding]:
    comparator = f"{group.group}@{group.version}"
    ranked = _ranked(indicator, found, label, group)
    size = len(group.members)
    if label not in _values(found, home):
        for one in wanted:
            yield Finding(indicator.indicator, home, name, one, comparator, label, "not_received")
    elif all(series.area_code != home for series in ranked.series):
        lacking = not _has_base(indicator, found[home], label)
        status = "missing_denominator" if lacking else ranked.status
        yield from _apart(indicator, found[home], label, comparator, status, wanted, size)
    if len(ranked.series) == 1:
        # First and last of one says nothing, and its own average even less.
        lone = ranked.series[0]
        yield from _apart(indicator, lone, label, comparator, "no_peer_data", wanted, size)
        return
    if "peer_rank" in wanted:
        yield from _ranks(indicator, ranked, comparator, label)
    if "group_average" in wanted:
        yield from _against_average(indicator, ranked, comparator, label)


def _values(found: Mapping[str, Series], code: str) -> Mapping[str, Value]:
    return found[code].values if code in found else {}


def _ranked(
    indicator: Indicator, found: Mapping[str, Series], label: str, group: PeerGroup
) -> Ranked:
    """Over the parts that all of them have; areas without a denominator take no part."""
    size = len(group.members)
    present = [found[code] for code in group.members if label in _values(found, code)]
    usable = [series for series in present if _has_base(indicator, series, label)]
    if not usable:
        return Ranked((), (), (), "missing_denominator", size)
    parts = [frozenset(series.parts(label)) for series in usable]
    whole = all(series.values[label].complete for series in usable)
    shared = frozenset.intersection(*parts)
    if not whole and not shared:
        return Ranked((), (), (), "unequal_coverage", size)
    over = parts if whole else [shared] * len(parts)
    sums = [series.over(label, one) for series, one in zip(usable, over, strict=True)]
    uneven = any(one != shared for one in parts)
    status = "comparable" if whole else "unequal_coverage" if uneven else "part_year"
    start, end = _span(usable[0], label, over[0])
    denominators = tuple(1.0 if n is None else n for _, n in sums)
    numerators = tuple(x for x, _ in sums)
    months = _months(over[0])
    return Ranked(tuple(usable), numerators, denominators, status, size, start, end, months)


def _has_base(indicator: Indicator, series: Series, label: str) -> bool:
    return indicator.denominator is None or bool(series.values[label].denominator)


def _ranks(indicator: Indicator, ranked: Ranked, comparator: str, label: str) -> Iterator[Finding]:
    quotients = _quotients(indicator, ranked)
    high = statistics.rank(quotients)
    low = statistics.rank(quotients, higher_first=False)
    kind = "proportion" if indicator.kind == "proportion" else "rate"
    # The same draw on every machine and in every run, another one for each ranking.
    seed = zlib.crc32(f"{indicator.indicator} {label}".encode())
    limits = statistics.rank_interval(ranked.numerators, ranked.denominators, kind, seed=seed)
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
            value=quotients[position],
            rank_high=high[position],
            rank_best=best[position] if best else None,
            rank_of=len(ranked.series),
            rank_lower_95=limits[position][0],
            rank_upper_95=limits[position][1],
            compared_start=ranked.start,
            compared_end=ranked.end,
            compared_months=ranked.months,
            group_size=ranked.group_size,
        )


def _quotients(indicator: Indicator, ranked: Ranked) -> list[float]:
    pairs = zip(ranked.numerators, ranked.denominators, strict=True)
    return [numerator * indicator.per / denominator for numerator, denominator in pairs]


def _against_average(
    indicator: Indicator, ranked: Ranked, comparator: str, label: str
) -> Iterator[Finding]:
    """Against the value of the whole group, to which the area belongs."""
    if not ranked.series:
        return
    average = sum(ranked.numerators) * indicator.per / sum(ranked.denominators)
    for series, x, n in zip(ranked.series, ranked.numerators, ranked.denominators, strict=True):
        own = _own_interval(indicator, x, n)
        yield Finding(
            indicator.indicator,
            series.area_code,
            series.area_name,
            "group_average",
            comparator,
            label,
            ranked.status,
            value=own.value,
            base_value=average,
            significance=statistics.benchmark(own, average, indicator.polarity),
            compared_start=ranked.start,
            compared_end=ranked.end,
            compared_months=ranked.months,
            group_size=ranked.group_size,
        )


def _own_interval(indicator: Indicator, x: float, n: float) -> Interval:
    many = statistics.proportions if indicator.kind == "proportion" else statistics.rates
    value, lower, upper = (float(part[0]) for part in many([x], [n], indicator.per))
    return Interval(value, None if pd.isna(lower) else lower, None if pd.isna(upper) else upper, "")
