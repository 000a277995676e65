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
from safecity_pipeline.model import Indicator
from safecity_pipeline.period import Period
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.statistics import Interval

GroupOn = Callable[[str, date], PeerGroup | None]
"""Name of a peer group and a day → the group of the assessed area in force that day."""


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


@dataclass(frozen=True)
class Finding:
    """One row of mart.finding. A field that does not apply is None."""

    indicator: str
    area_code: str
    area_name: str
    comparison: str
    comparator: str | None
    period: str
    status: str
    base_period: str | None = None
    value: float | None = None
    base_value: float | None = None
    change: float | None = None
    change_unit: str | None = None
    change_lower_95: float | None = None
    change_upper_95: float | None = None
    significance: str | None = None
    rank_high: int | None = None
    rank_best: int | None = None
    rank_of: int | None = None
    rank_lower_95: int | None = None
    rank_upper_95: int | None = None
    broken_by: str | None = None
    sentence: str = ""
    compared_start: date | None = None
    compared_end: date | None = None
    dimension: str = "all"
    dimension_value: str = "all"


def series_of(values: pd.DataFrame, stock: bool) -> dict[str, Series]:
    """Rows of mart.indicator_value of one indicator, by area. Rows without numerator are left."""
    found: dict[str, Series] = {}
    for row in values[values["numerator"].notna()].itertuples(index=False):
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
    )


def _day(value: Any) -> date:
    return value.date() if isinstance(value, pd.Timestamp) else value


def findings(
    indicator: Indicator, found: Mapping[str, Series], home: str, name: str, group_on: GroupOn
) -> Iterator[Finding]:
    """Every comparison that the indicator declares, for the assessed area and its peers.

    `home`, `name`: the assessed area. Only its findings exist where it has no peers.
    """
    group = group_on(indicator.peer_group, date.today()) if indicator.peer_group else None
    for area_code in group.members if group else (home,):
        if area_code in found:
            for made in _changes(indicator, found[area_code]):
                yield sentences.worded(indicator, made)
    for made in _among_peers(indicator, found, home, name, group_on):
        yield sentences.worded(indicator, made)


# --- changes on earlier periods ------------------------------------------------------------------


def _changes(indicator: Indicator, series: Series) -> Iterator[Finding]:
    for value in list(series.values.values()):
        now = period.parse(value.period)
        for comparison in indicator.compare:
            base = _base(comparison, now)
            if base is not None:
                yield _change(indicator, series, comparison, value, base)


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
    indicator: Indicator, series: Series, comparison: str, value: Value, base: Period
) -> Finding:
    offsets, status = _like(series, value, base)
    finding = Finding(
        indicator.indicator,
        series.area_code,
        series.area_name,
        comparison,
        base.label,
        value.period,
        status,
        base.label,
        compared_start=value.coverage_start,
        compared_end=value.coverage_end,
    )
    x1, n1 = series.over(value.period, offsets or frozenset(series.parts(value.period)))
    finding = replace(finding, value=_quotient(indicator, x1, n1))
    if not offsets:
        return finding
    start, end = _span(series, value.period, offsets)
    x0, n0 = series.over(base.label, offsets)
    finding = replace(
        finding,
        base_value=_quotient(indicator, x0, n0),
        compared_start=start,
        compared_end=end,
    )
    return _with_change(indicator, finding, (x0, n0), (x1, n1))


def _like(series: Series, value: Value, base: Period) -> tuple[Offsets, str]:
    """The parts that both periods have, and what to call the comparison over them."""
    earlier = series.values.get(base.label)
    if earlier is None:
        return frozenset(), "missing_base"
    mine, theirs = series.parts(value.period), series.parts(base.label)
    if value.kind != "year":
        return frozenset(mine), "comparable"
    shared = frozenset(mine) & frozenset(theirs)
    if value.complete and earlier.complete:
        # A year from quarters against a year from one table: both whole, nothing to match.
        return frozenset(mine) | frozenset(theirs), "comparable"
    return shared, "part_year" if shared else "missing_base"


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
    if x0 < 0 or x1 < 0:
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


# --- among the peers -------------------------------------------------------------------------------


def _among_peers(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    group_on: GroupOn,
) -> Iterator[Finding]:
    wanted = [one for one in indicator.compare if one in ("peer_rank", "group_average")]
    for label in _labels(found, home, indicator, group_on) if wanted else ():
        ends = period.parse(label).end
        group = group_on(str(indicator.peer_group), ends)
        if group is None:
            yield from _alone(indicator, found, home, name, label, wanted)
        else:
            yield from _in_group(indicator, found, home, name, label, group, wanted)


def _labels(
    found: Mapping[str, Series], home: str, indicator: Indicator, group_on: GroupOn
) -> list[str]:
    """Every period that the area or one of its peers has."""
    group = group_on(str(indicator.peer_group), date.today())
    codes = group.members if group else (home,)
    labels = {label for code in codes if code in found for label in found[code].values}
    return sorted(labels)


def _alone(
    indicator: Indicator,
    found: Mapping[str, Series],
    home: str,
    name: str,
    label: str,
    wanted: Iterable[str],
) -> Iterator[Finding]:
    series = found[home]
    value = series.values[label]
    quotient = _quotient(indicator, value.numerator, value.denominator)
    for comparison in wanted:
        yield Finding(
            indicator.indicator,
            home,
            name,
            comparison,
            indicator.peer_group,
            label,
            "no_peer_group",
            value=quotient,
            compared_start=value.coverage_start,
            compared_end=value.coverage_end,
        )


@dataclass(frozen=True)
class Ranked:
    """The areas of a group that can be ranked in one period, over one set of parts."""

    series: tuple[Series, ...]
    numerators: tuple[float, ...]
    denominators: tuple[float, ...]
    status: str
    start: date | None = None
    end: date | None = None


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
    present = [found[code] for code in group.members if label in _values(found, code)]
    ranked = _ranked(indicator, present, label)
    if not any(series.area_code == home for series in ranked.series):
        status = _why_absent(found, home, label) if ranked.series else ranked.status
        for comparison in wanted:
            yield Finding(indicator.indicator, home, name, comparison, comparator, label, status)
    if "peer_rank" in wanted:
        yield from _ranks(indicator, ranked, comparator, label, len(group.members))
    if "group_average" in wanted:
        yield from _against_average(indicator, ranked, comparator, label)


def _values(found: Mapping[str, Series], code: str) -> Mapping[str, Value]:
    return found[code].values if code in found else {}


def _why_absent(found: Mapping[str, Series], home: str, label: str) -> str:
    value = _values(found, home).get(label)
    return "not_received" if value is None else "missing_denominator"


def _ranked(indicator: Indicator, present: list[Series], label: str) -> Ranked:
    """Over the parts that all of them have; areas without a denominator take no part."""
    usable = [series for series in present if _has_base(indicator, series, label)]
    parts = [frozenset(series.parts(label)) for series in usable]
    whole = bool(usable) and all(series.values[label].complete for series in usable)
    if not usable:
        return Ranked((), (), (), "missing_denominator" if present else "not_received")
    shared = frozenset.intersection(*parts)
    if whole:
        sums = [series.over(label, one) for series, one in zip(usable, parts, strict=True)]
    elif not shared:
        return Ranked((), (), (), "unequal_coverage")
    else:
        sums = [series.over(label, shared) for series in usable]
    uneven = not whole and any(one != shared for one in parts)
    status = "comparable" if whole else "unequal_coverage" if uneven else "part_year"
    start, end = _span(usable[0], label, parts[0] if whole else shared)
    denominators = tuple(1.0 if n is None else n for _, n in sums)
    return Ranked(tuple(usable), tuple(x for x, _ in sums), denominators, status, start, end)


def _has_base(indicator: Indicator, series: Series, label: str) -> bool:
    return indicator.denominator is None or bool(series.values[label].denominator)


def _ranks(
    indicator: Indicator, ranked: Ranked, comparator: str, label: str, members: int
) -> Iterator[Finding]:
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
        )


def _own_interval(indicator: Indicator, x: float, n: float) -> Interval:
    many = statistics.proportions if indicator.kind == "proportion" else statistics.rates
    value, lower, upper = (float(part[0]) for part in many([x], [n], indicator.per))
    return Interval(value, None if pd.isna(lower) else lower, None if pd.isna(upper) else upper, "")
