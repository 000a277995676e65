"""What is left of a change when the definition is held still, and each series on its newest one.

Belongs here: the step between two periods that may be years apart, a change without it, values of
earlier periods on the definition of the newest year. Does not belong here: steps at catalogued
dates (`estimates`, whose subjects and references are used here too), the status of a comparison
(`breaks`), its words (`sentences`).

The step between two periods is one of levels: what the ratio of recorded to reference is over the
months of the later one, beside what it was before the first change that lies between. So a later
year in which a change came, and that is mixed, is taken as it is, with the mean of its months; but
an earlier period must not be mixed, since then no months say what its own definition was.

The newest definition is that of the newest whole financial year, as recorded in it: its own figures
stand as published, and those before the change are raised or lowered. (To divide the later ones
instead gives the same changes, and would make every new figure another one than the published.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from safecity_pipeline import detection, estimates, period, statistics
from safecity_pipeline.breaks import Days, Span
from safecity_pipeline.detection import Break, Parts
from safecity_pipeline.estimates import Answer, Place, Share, Subject
from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.references import Judged

__all__ = [
    "Allowed",
    "Comparable",
    "Moved",
    "allowed_for",
    "bases",
    "comparable",
    "of_values",
    "of_years",
]

YEARS = "between_years"
AS_RECORDED, ESTIMATED = "as_recorded", "estimated"
CANNOT_TELL, NO_VALUE = "cannot_tell", "no_value"
NO_STEP = (0.0, 0.0, 0.0)

Limits = tuple[float, float, float]
"""A value and its 95 % limits."""


@dataclass(frozen=True)
class Allowed:
    """The step of recorded / reference between two periods: natural logarithms.

    `step`: 0 where no change lies between, None where it cannot be told (`reason`). `changes`,
    `days`: the changes allowed for and their dates to test. `answer`: of all references that could
    be used; None where nothing was asked.
    """

    step: Limits | None
    changes: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    answer: Answer | None = None
    reason: str = ""


@dataclass(frozen=True)
class Moved:
    """What one reference did between the two periods, in per cent with 95 % limits."""

    reference: str
    change: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Comparable:
    """A change on one definition, in per cent; each with 95 % limits.

    `change`, `lower`, `upper`: without the step, the limits those of the step. `recorded`: as the
    figures have it; `recording`: the step. `changes` and `days`: what is allowed for, the ids as in
    the catalogue and the dates as tested. `references`: what each one used did over the same
    periods; `strength`: `weak` where they follow the series only from afar. `share`: of the change
    of the counts due to recording, None where not determinable or the reference is weak (`note`).
    """

    change: float
    lower: float
    upper: float
    recorded: Limits
    recording: Limits
    changes: tuple[str, ...]
    days: tuple[date, ...]
    references: tuple[Moved, ...]
    strength: str
    share: float | None
    note: str


# --- the step between two periods ----------------------------------------------------------------


def allowed_for(about: Subject, earlier: Span, later: Span) -> Allowed:
    """The step between an earlier and a later period of a series.

    `earlier`, `later`: days, as `breaks.between` has them; the later one of at least six months.
    """
    came = [one for one in about.changes if _came(one, earlier, later)]
    days = [day for day in about.days if earlier.start < day <= later.end]
    if undated := [one.id for one in came if not _dated(one, days, earlier, later)]:
        said = f"no date to test of {', '.join(undated)} lies between the periods"
        return Allowed(None, (), tuple(days), reason=said)
    if not days:
        return Allowed(NO_STEP, reason="no change of definition lies between")
    ids = tuple(one.id for one in came)
    if mixed := [day for day in days if day <= earlier.end]:
        said = ", ".join(dict.fromkeys(id for day in mixed for id in about.days[day]))
        return Allowed(None, ids, tuple(days), reason=f"{said} came within the earlier period")
    answer = _between(about, min(days[0], later.start), later)
    found = answer.found
    if math.isnan(found.step):
        return Allowed(None, ids, tuple(days), answer, found.reason)
    step = (found.step, found.lower, found.upper)
    return Allowed(step, ids, tuple(days), answer, found.reason)


def _came(change: Change, earlier: Span, later: Span) -> bool:
    first, last = change.effective_first, change.effective_last
    return change.materiality == "material" and last > earlier.start and first <= later.end


def _dated(change: Change, days: Sequence[date], earlier: Span, later: Span) -> bool:
    """Whether every date to test between the periods is one that the months can show."""
    between = {day for day in change.test_dates if earlier.start < day <= later.end}
    return bool(between) and between <= set(days)


def _between(about: Subject, first: date, later: Span) -> Answer:
    """The level in the months of the later period beside that before the first day."""
    asked = (first, later.start, later.end)
    if asked not in about.answered:
        about.answered[asked] = _asked(_until(about, later.end), first, later)
    return about.answered[asked]


def _asked(about: Subject, first: date, later: Span) -> Answer:
    def ask(references: Mapping[str, pd.Series[float]], others: Sequence[date]) -> Break:
        return detection.test_at(
            about.usual, references, first, until=max(first, later.start), others=others
        )

    return estimates.answers(about, [first, later.end], ask)[-1]


def _until(about: Subject, end: date) -> Subject:
    """The series as it was known at the end of a period, and so the changes up to then."""
    last = pd.Period(end, "M")
    held = tuple(replace(one, counts=one.counts[one.counts.index <= last]) for one in about.held)
    return replace(about, counts=about.counts[about.counts.index <= last], held=held)


# --- a change without it -------------------------------------------------------------------------


def comparable(
    about: Subject, earlier: Span, later: Span, figures: tuple[float, float] | None = None
) -> Comparable | None:
    """The change between two periods on one definition; None where it cannot be told, where no
    change lies between, and where a period has months without a count.

    `figures`: the earlier and the later figure, of an indicator of the same series such as a rate;
    without them, the counts of the series over the two periods. Pure; raises nothing for what is
    not known. Source: METHODS, section 3, "Size": real = total - recording.
    """
    allowed = allowed_for(about, earlier, later)
    counted = _counted(about.counts, earlier, later)
    if allowed.answer is None or allowed.step is None or counted is None:
        return None
    until = _first_month(allowed, later)
    parts = _parts(about, counted, allowed.answer, until)
    if figures and min(figures) <= 0:
        return None
    shift = math.log(figures[1] / figures[0]) - parts.total[0] if figures else 0.0
    share = estimates.share_in(parts, allowed.answer)
    change, lower, upper = (_percent(one + shift) for one in parts.real)
    return Comparable(
        change,
        lower,
        upper,
        _in_percent([one + shift for one in parts.total]),
        _in_percent(allowed.step),
        allowed.changes,
        allowed.days,
        tuple(_moved(about, allowed.answer, earlier, later, until)),
        allowed.answer.strength,
        share.share,
        share.note,
    )


def _parts(
    about: Subject,
    counted: tuple[float, float],
    answer: Answer,
    until: pd.Period,
    peers: Sequence[tuple[float, float]] = (),
) -> Parts:
    dispersion = estimates.dispersion_of(about.usual, until)
    return detection.parts(*counted, answer.found, dispersion=dispersion, peers=peers)


def _first_month(allowed: Allowed, later: Span) -> pd.Period:
    """The first month of the new level: what went before shows how much the counts stray."""
    return pd.Period(min(allowed.days[0], later.start), "M")


def _counted(counts: pd.Series[float], earlier: Span, later: Span) -> tuple[float, float] | None:
    """The counts of two periods; None where a month of either has none."""
    both = [_months(span) for span in (earlier, later)]
    if not all(months.isin(counts[counts > 0].index).all() for months in both):
        return None
    one, other = (float(counts.reindex(months).sum()) for months in both)
    return one, other


def _months(span: Span) -> pd.PeriodIndex:
    return pd.period_range(pd.Period(span.start, "M"), pd.Period(span.end, "M"), freq="M")


def _moved(
    about: Subject, answer: Answer, earlier: Span, later: Span, until: pd.Period
) -> Iterator[Moved]:
    for one in about.held:
        counted = _counted(one.counts, earlier, later)
        if one.key in answer.reference.split(estimates.AND) and counted:
            dispersion = estimates.dispersion_of(one.usual, until)
            found = statistics.change(*counted, dispersion=dispersion)
            yield Moved(one.key, found.value, found.lower, found.upper)


def _percent(log: float) -> float:
    return 100 * math.expm1(log)


def _in_percent(logs: Sequence[float]) -> Limits:
    value, lower, upper = map(_percent, logs)
    return value, lower, upper


# --- rows of mart.break_estimate: years ----------------------------------------------------------


def of_years(subjects: Iterable[Subject]) -> list[Row]:
    """Rows of mart.break_estimate: from each whole financial year to each later one, where changes
    lie between that can be tested."""
    return [row for about in subjects for row in _rows_of_years(about)]


def _rows_of_years(about: Subject) -> Iterator[Row]:
    years = whole_years(about.counts)
    for at, later in enumerate(years):
        for earlier in years[:at]:
            allowed = allowed_for(about, earlier, later)
            if allowed.answer is not None:
                yield _row_of_years(about, allowed, allowed.answer, earlier, later)


def whole_years(counts: pd.Series[float]) -> list[period.Period]:
    """The financial years of which every month has a count, in their order."""
    labels = dict.fromkeys(
        period.financial_year_of(month.start_time.date()).label for month in counts.index
    )
    years = [period.parse(label) for label in labels]
    return [year for year in years if _months(year).isin(counts[counts > 0].index).all()]


def _row_of_years(
    about: Subject, allowed: Allowed, answer: Answer, earlier: period.Period, later: period.Period
) -> Row:
    counted = _counted(about.counts, earlier, later)
    assert counted is not None  # whole years have counts
    pairs, note = _pairs_of_peers(about, earlier.label, later.label)
    parts = _parts(about, counted, answer, _first_month(allowed, later), pairs)
    share = estimates.share_in(parts, answer)
    if allowed.step is None:
        share = Share(parts.total, None, "not determinable: there is no step")
    return {
        **estimates.row(about, YEARS, answer, " ".join(allowed.changes), allowed.days, share),
        "base_period": earlier.label,
        "period": later.label,
        "national": estimates.number(parts.national),
        "local": estimates.number(parts.local),
        "peers_note": note,
    }


def _pairs_of_peers(
    about: Subject, earlier: str, later: str
) -> tuple[list[tuple[float, float]], str]:
    """The peers' counts of both years, and how many there are of them."""
    if not {earlier, later} <= set(about.peers.columns):
        return [], "not determinable: no figures of peers for both years"
    both = about.peers[[earlier, later]].dropna()
    pairs = [(float(one), float(other)) for one, other in both.itertuples(index=False)]
    return pairs, f"by {len(pairs)} peers with figures of both years"


# --- rows of mart.comparable_value ---------------------------------------------------------------


def of_values(
    indicator: Indicator, about: Subject, values: pd.DataFrame, place: Place, known: Registry
) -> list[Row]:
    """Rows of mart.comparable_value of one indicator of the series that the subject counts.

    `values`: rows of mart.indicator_value of the area and indicator; its years and months count.
    """
    years = whole_years(about.counts)
    if not years:
        return []
    reach = [
        one
        for one in estimates.reaching(indicator.indicator, place, known)
        if one.materiality == "material"
    ]
    chosen = values[values["period_kind"].isin(["year", "month"])]
    plain = chosen.astype(object).where(chosen.notna(), None)
    records: list[dict[str, Any]] = plain.to_dict("records")  # type: ignore[assignment]
    on = _Newest(about, years[-1], reach, _edition(records, years[-1]))
    return [on.row(row) for row in records]


def _edition(records: Iterable[Mapping[str, Any]], newest: period.Period) -> str | None:
    """The edition of the estimates by which the last year's figure is divided."""
    there = [one for one in records if one["period_kind"] == "year" and one["value"] is not None]
    dated = [one for one in there if _date(one["period_end"]) <= newest.end]
    last = max(dated, key=lambda one: _date(one["period_end"]), default=None)
    return last.get("denominator_vintage") if last else None


class _Newest:
    """A series on the definition of its newest whole year."""

    def __init__(
        self, about: Subject, year: period.Period, reach: Sequence[Change], edition: str | None
    ) -> None:
        self.about, self.year, self.reach, self.edition = about, year, reach, edition

    def row(self, value: Mapping[str, Any]) -> Row:
        """One value, as recorded and on that definition."""
        allowed = self._from(Days(_date(value["period_start"]), _date(value["period_end"])))
        if self.edition and value["denominator_vintage"] not in (None, self.edition):
            said = "divided by another edition of the estimates than the newest figure"
            allowed = replace(allowed, step=None, reason=said)
        status, step = ESTIMATED if allowed.answer else AS_RECORDED, allowed.step
        if step is None:
            status = CANNOT_TELL
        if value["value"] is None:
            status, step = NO_VALUE, None
        lower, upper = _limits(value, step) if step else (None, None)
        copied = ("indicator", "area_code", "area_name", "period", "period_kind", "dimension")
        return {
            **{name: value[name] for name in (*copied, "dimension_value", "value", "unit")},
            "comparable_value": value["value"] * math.exp(step[0]) if step else None,
            "lower_95": lower,
            "upper_95": upper,
            "definition_of": self.year.label,
            "changes": " ".join(allowed.changes) or None,
            "step": step[0] if step else None,
            "status": status,
            "reason": value["suppressed_reason"] if status == NO_VALUE else allowed.reason,
            "reference": allowed.answer.reference if allowed.answer else None,
            "strength": (allowed.answer.strength or None) if allowed.answer else None,
            "estimated_from": self.about.indicator.indicator,
            "synthetic": self.about.synthetic,
            "period_start": value["period_start"],
        }

    def _from(self, span: Days) -> Allowed:
        """The step from a period to the newest year."""
        if span.start >= self.year.start:
            return self._not_before(span)
        came = [one.id for one in self.reach if _came(one, span, self.year)]
        if not came:
            return Allowed(NO_STEP, reason="no change of definition lies between")
        allowed = allowed_for(self.about, span, self.year)
        # In either direction: the months that give the step may have changes of their own.
        if other := sorted(set(came) ^ set(allowed.changes)):
            said = f"{', '.join(other)} cannot be allowed for"
            return replace(allowed, step=None, reason=allowed.reason if not allowed.step else said)
        return allowed

    def _not_before(self, span: Days) -> Allowed:
        """Of the newest year itself and of what follows it; the latter while nothing changes."""
        came = [one.id for one in self.reach if _came(one, self.year, span)]
        if span.end <= self.year.end:
            within = [one.id for one in self.reach if _came(one, self.year, self.year)]
            said = f"{', '.join(within)} came within the year, whose months are left as recorded"
            return Allowed(NO_STEP, reason=said if within else "in the newest year")
        if came:
            return Allowed(None, reason=f"after the newest whole year came {', '.join(came)}")
        return Allowed(NO_STEP, reason="after the newest whole year, of the same definition")


def _date(day: Any) -> date:
    return pd.Timestamp(day).date()


def _limits(value: Mapping[str, Any], step: Limits) -> tuple[float | None, float | None]:
    """Limits that hold both the chance of the value and the error of the step."""
    figure, lower, upper = (value[name] for name in ("value", "lower_95", "upper_95"))
    if lower is None or upper is None:
        return None, None
    middle, down, up = step
    if lower <= 0 or figure <= 0:
        return lower * math.exp(down), upper * math.exp(up)
    centre = math.log(figure) + middle
    below = math.hypot(math.log(figure / lower), middle - down)
    above = math.hypot(math.log(upper / figure), up - middle)
    return math.exp(centre - below), math.exp(centre + above)


# --- which indicators ----------------------------------------------------------------------------


def bases(known: Registry) -> dict[str, Judged]:
    """Each indicator that can be put on its newest definition → the declared one of its series:
    counts and rates, not shares and not what publishers computed."""
    judged = [one for one in known.references if known.indicators.keys() >= set(one.keys)]
    own = {one.indicator: one for one in judged}
    by_series = {known.indicators[one.indicator].series: one for one in reversed(judged)}
    return {
        key: own.get(key) or by_series[one.series]
        for key, one in known.indicators.items()
        if one.kind in ("count", "rate") and one.series in by_series
    }
