"""What the figures say of each catalogued change of definition, and of changes that nobody listed.

Belongs here: which months, dates and references of a declared series are put to the tests of
`detection`, rows of mart.break_estimate, and the check for a break that no change explains. Does
not belong here: the tests (`detection`), the declarations (`registry.references`,
`registry.changes`), reading or writing tables (`refresh`).

A reference has changes of its own, and they step the ratio as those of the recorded series do. So
they count among the known ones wherever it is used; where one lies so near to the date asked that
the two cannot be told apart, that reference says nothing of it.

A month that disclosure control would hide counts as one without events, which the tests leave out:
no small number goes into an estimate, and none follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from safecity_pipeline import detection, disclosure, period
from safecity_pipeline.detection import CANNOT_TELL, FLAGGED, NOT_FLAGGED, Break, Parts
from safecity_pipeline.model import Check, CheckSpec, Indicator, Row
from safecity_pipeline.period import MONTH_NAMES
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.references import STRONG, Judged, Reference

ABOUT = "breaks"
CHECK = CheckSpec(
    "unexplained_break",
    "no series steps against its reference but where a change of its definition is catalogued",
)
AT, TOGETHER, SCAN = "test_at", "test_together", "scan"
TAKES_EFFECT = ("material", "event")
AND = " + "
YEAR = 12  # months

Months = pd.PeriodIndex
Days = Mapping[date, tuple[str, ...]]
"""Dates to test, each with the changes that it belongs to."""


@dataclass(frozen=True)
class Held:
    """A reference in one area: its counts by month, and the changes that reach it there."""

    reference: Reference
    counts: pd.Series[float]
    changes: tuple[Change, ...] = ()

    @property
    def key(self) -> str:
        return self.reference.reference

    @cached_property
    def usual(self) -> pd.Series[float]:
        """Its counts without the months of an event."""
        return without_events(self.counts, self.changes)

    @cached_property
    def days(self) -> Days:
        """The known dates within its months: of a change without a date to test, its ends."""
        return _days_of(self.changes, self.counts, lambda one: one.test_dates or _ends(one))

    def changed_in(self, asked: Sequence[date]) -> list[str]:
        """Changes that the days asked cannot be told apart from."""
        found = [id for day in _within(self.days, asked) for id in self.days[day]]
        slow = [one.id for one in self.changes if asked and _comes_slowly(one, asked)]
        return list(dict.fromkeys([*found, *slow]))


@dataclass(frozen=True)
class Subject:
    """A recorded series in one area: counts by month, the changes that reach it, its references."""

    indicator: Indicator
    area_code: str
    area_name: str
    counts: pd.Series[float]
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    synthetic: bool = False
    peers: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Counts of its peers, areas x financial years, by the label."""
    years: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Counts of it and of each reference, the area and its peers x financial years (`yearly`)."""
    answered: dict[tuple[date, date, date], Answer] = field(init=False, default_factory=dict)
    """Steps between levels that were asked for already (`comparable`), by first day and period."""

    @cached_property
    def usual(self) -> pd.Series[float]:
        """Its counts without the months of an event: what they are held against, and how much they
        stray by themselves, rests on no shock."""
        return without_events(self.counts, self.changes)

    @cached_property
    def days(self) -> Days:
        """The catalogued dates within the months of the series."""
        return _days_of(self.changes, self.counts, lambda one: one.test_dates)


@dataclass(frozen=True)
class Answer:
    """What one reference, or those that can be used together, say of one question."""

    reference: str
    strength: str
    found: Break
    combined: bool
    beside: tuple[date, ...] = ()


def _days_of(
    changes: Iterable[Change],
    counts: pd.Series[float],
    dates: Callable[[Change], Iterable[date]],
) -> dict[date, tuple[str, ...]]:
    """Dates of material changes that lie within the months of a series, in their order."""
    found: dict[date, list[str]] = {}
    for change in changes:
        for day in dates(change) if change.materiality == "material" else ():
            if len(counts) and counts.index[0] < pd.Period(day, "M") <= counts.index[-1]:
                found.setdefault(day, []).append(change.id)
    return {day: tuple(found[day]) for day in sorted(found)}


def without_events(counts: pd.Series[float], changes: Iterable[Change]) -> pd.Series[float]:
    """A series without the months in which an event of the catalogue took place."""
    left = counts
    for one in changes:
        if one.materiality == "event" and len(left):
            first, last = pd.Period(one.effective_first, "M"), pd.Period(one.effective_last, "M")
            left = left[(left.index < first) | (left.index > last)]
    return left


def _ends(change: Change) -> Iterable[date]:
    return dict.fromkeys((change.effective_first, change.effective_last))


def _comes_slowly(change: Change, asked: Sequence[date]) -> bool:
    """Whether a change without a date to test was coming in the days asked."""
    undated = change.materiality == "material" and not change.test_dates
    return undated and change.effective_first <= asked[-1] and change.effective_last >= asked[0]


# --- from values and declarations to subjects ----------------------------------------------------


@dataclass(frozen=True)
class Place:
    """The assessed area: its code, its name, its home force, and its peers by group."""

    code: str
    name: str
    force_code: str | None
    peers: Mapping[str, Sequence[str]] = field(default_factory=dict)


def subject(
    judged: Judged, values: pd.DataFrame, place: Place, known: Registry, synthetic: bool = False
) -> Subject:
    """A declared series as the figures of an area have it.

    `values`: rows of mart.indicator_value of the whole (dimension `all`), at least those of the
    area by month, of the indicator and its references, and by year those of its peers.
    """
    mine = values[(values["area_code"] == place.code) & (values["period_kind"] == "month")]

    def counted(key: str) -> pd.Series[float]:
        source = known.sources[known.indicators[key].main.source]
        return counts_of(mine[mine["indicator"] == key], disclosure.rule(source.disclosure))

    own = known.indicators[judged.peers or judged.indicator]
    areas = [place.code, *place.peers.get(own.peer_group or "", ())]

    def by_year(key: str) -> pd.DataFrame:
        source = known.sources[known.indicators[key].main.source]
        return years_of(values, key, areas, disclosure.rule(source.disclosure))

    return Subject(
        known.indicators[judged.indicator],
        place.code,
        place.name,
        counted(judged.indicator),
        reaching(judged.indicator, place, known),
        tuple(
            Held(one, counted(one.reference), reaching(one.reference, place, known))
            for one in judged.references
        ),
        synthetic,
        _of_peers(judged, values, place, known),
        {judged.indicator: by_year(own.indicator)}
        | {one.reference: by_year(one.reference) for one in judged.references},
    )


def _of_peers(judged: Judged, values: pd.DataFrame, place: Place, known: Registry) -> pd.DataFrame:
    group = known.indicators[judged.peers].peer_group if judged.peers else None
    members = place.peers.get(group, ()) if group else ()
    rows = values[
        (values["indicator"] == judged.peers)
        & (values["period_kind"] == "year")
        & values["area_code"].isin(list(members))
        & values["complete"].astype(bool)
    ]
    return rows.pivot(index="area_code", columns="period", values="numerator")


def reaching(key: str, place: Place, known: Registry) -> tuple[Change, ...]:
    """The changes that reach an indicator in an area, in the order of the catalogue."""
    return tuple(
        change for change in known.reaching[key] if change.concerns(place.code, place.force_code)
    )


def counts_of(rows: pd.DataFrame, rule: disclosure.Rule) -> pd.Series[float]:
    """Counts by month from rows of mart.indicator_value of one area and indicator.

    A month that is not covered whole is missing. One that is hidden, or would be, counts 0.
    """
    whole = rows[rows["complete"].astype(bool)]
    counts = whole["numerator"].astype("float64")
    hidden = (whole["obs_status"] == "C") & counts.isna()
    small = counts.map(lambda count: rule.hides(count) if count == count else False).astype(bool)
    counts = counts.mask(hidden | small, 0.0)
    months = pd.PeriodIndex(pd.to_datetime(whole["period_start"]), freq="M")
    return pd.Series(counts.to_numpy(), index=months).sort_index()


def years_of(
    values: pd.DataFrame, key: str, areas: Sequence[str], rule: disclosure.Rule
) -> pd.DataFrame:
    """Areas x consecutive financial years of an indicator; a count that is small, or not whole, is
    missing. `values`: rows of mart.indicator_value by year."""
    rows = values[
        (values["indicator"] == key)
        & (values["period_kind"] == "year")
        & values["area_code"].isin(list(areas))
        & values["complete"].astype(bool)
    ]
    table = rows.pivot(index="area_code", columns="period", values="numerator").astype("float64")
    table = table.mask(table.map(rule.hides))
    known = sorted(period.parse(str(label)).start.year for label in table.columns)
    if not known:
        return table
    labels = [period.financial_year(year).label for year in range(known[0], known[-1] + 1)]
    return table.reindex(columns=labels)


# --- one question to all references --------------------------------------------------------------

Ask = Callable[[Mapping[str, "pd.Series[float]"], Sequence[date]], Break]
"""References by name, and other known days → what is found."""


def answers(about: Subject, asked: Sequence[date], ask: Ask) -> list[Answer]:
    """What each reference says alone, and then what those say together that can be used.

    `asked`: the days in question, from the first to the last.
    """
    alone = [_alone(about, one, asked, ask) for one in about.held]
    return [*alone, _combined(about, asked, ask, alone)]


def _alone(about: Subject, one: Held, asked: Sequence[date], ask: Ask) -> Answer:
    beside = _beside(about, [one], asked)
    strength = one.reference.strength
    if changed := one.changed_in(asked):
        found = cannot_tell(f"{one.key} changed then as well: {', '.join(changed)}", asked)
    else:
        found = ask({one.key: one.usual}, beside)
    return Answer(one.key, strength, found, False, beside)


def _combined(about: Subject, asked: Sequence[date], ask: Ask, alone: Sequence[Answer]) -> Answer:
    """Of those that can be used the strong ones, or where there is none the weak ones."""
    usable = [answer for answer in alone if answer.found.verdict != CANNOT_TELL]
    strong = [answer for answer in usable if answer.strength == STRONG]
    chosen = strong or usable
    if not chosen:
        reasons = "; ".join(answer.found.reason for answer in alone) or "no reference series"
        names = AND.join(answer.reference for answer in alone)
        strength = alone[0].strength if alone else ""
        return Answer(names, strength, cannot_tell(reasons, asked), True)
    if len(chosen) == 1:
        return replace(chosen[0], combined=True)
    held = [one for one in about.held if one.key in {answer.reference for answer in chosen}]
    beside = _beside(about, held, asked)
    found = ask({one.key: one.usual for one in held}, beside)
    names = AND.join(one.key for one in held)
    return Answer(names, chosen[0].strength, found, True, beside)


def _beside(about: Subject, held: Iterable[Held], asked: Sequence[date]) -> tuple[date, ...]:
    """The other known days, of the series and of the references."""
    known = {*about.days, *(day for one in held for day in one.days)}
    return tuple(sorted(known - _within(known, asked)))


def _within(days: Iterable[date], asked: Sequence[date]) -> set[date]:
    return {day for day in days if asked and asked[0] <= day <= asked[-1]}


def cannot_tell(reason: str, asked: Sequence[date]) -> Break:
    day = pd.Timestamp(asked[0]) if asked else None
    return Break(False, day, math.nan, math.nan, math.nan, CANNOT_TELL, reason)


def _at(about: Subject, days: Sequence[date]) -> list[Answer]:
    """Of one day, or of several near to one another together."""

    def ask(references: Mapping[str, pd.Series[float]], others: Sequence[date]) -> Break:
        return detection.test_together(about.usual, references, days, others=others)

    return answers(about, days, ask)


def _scanned(about: Subject) -> Answer:
    """Anywhere, beside all that is known.

    No month near to a change of a reference is tried, so that a step there would be found in a
    month beside it. Where one is found so, the references that did not change then are asked alone.
    """
    found = _anywhere(about)
    if not found.found.flagged or found.found.date is None:
        return found
    month = pd.Period(found.found.date, "M")
    steady = tuple(one for one in about.held if not _near(month, one.days))
    if not steady or len(steady) == len(about.held):
        return found
    again = _anywhere(replace(about, held=steady))
    return again if again.found.flagged else found


def _anywhere(about: Subject) -> Answer:
    def ask(references: Mapping[str, pd.Series[float]], others: Sequence[date]) -> Break:
        return detection.scan(about.usual, references, known=others)

    return answers(about, (), ask)[-1]


def _near(month: pd.Period, days: Iterable[date]) -> bool:
    return any(abs((pd.Period(day, "M") - month).n) <= YEAR for day in days)


# --- rows of mart.break_estimate -----------------------------------------------------------------


def of(subjects: Iterable[Subject]) -> list[Row]:
    """Rows of mart.break_estimate of some series, in their order."""
    return [row for about in subjects for row in _rows(about)]


def _rows(about: Subject) -> Iterator[Row]:
    answers = {day: _at(about, [day]) for day in about.days}
    for change in about.changes:
        for day in change.test_dates:
            for answer in answers.get(day, ()) if change.id in about.days.get(day, ()) else ():
                yield row(about, AT, answer, change.id, [day])
    for days in near_to_one_another(about.days):
        ids = dict.fromkeys(id for day in days for id in about.days[day])
        for answer in _at(about, days):
            yield row(about, TOGETHER, answer, " ".join(ids), days)
    found = _scanned(about)
    yield row(about, SCAN, found, None, ())


def near_to_one_another(days: Iterable[date]) -> list[list[date]]:
    """Days that lie within twelve months of the first of them; no day by itself."""
    groups: list[list[date]] = []
    for day in sorted(days):
        if groups and day <= _year_after(groups[-1][0]):
            groups[-1].append(day)
        else:
            groups.append([day])
    return [group for group in groups if len(group) > 1]


def _year_after(day: date) -> date:
    return (pd.Timestamp(day) + pd.DateOffset(years=1)).date()


def row(
    about: Subject,
    method: str,
    answer: Answer,
    change_id: str | None,
    days: Sequence[date],
    share: Share | None = None,
) -> Row:
    """One row. `share`: what of the change is recording, where it is not that of the like months
    around the days."""
    found = answer.found
    share = share or (share_of(about, answer, days) if days else NO_SHARE)
    return {
        "series": about.indicator.series,
        "area_code": about.area_code,
        "reference": answer.reference,
        "change_id": change_id,
        "effective_date": days[0] if days else _day(found.date),
        "method": method,
        **{name: number(getattr(found, at)) for name, at in _NUMBERS.items()},
        "flagged": found.flagged,
        "verdict": found.verdict,
        "recording_share": share.share,
        "indicator": about.indicator.indicator,
        "area_name": about.area_name,
        "combined": answer.combined,
        "strength": answer.strength or None,
        "effective_last": days[-1] if days else _day(found.date),
        "beside": " ".join(day.isoformat() for day in answer.beside) or None,
        "direction": _direction(found),
        **dict(zip(_PER_CENT, map(per_cent, (found.step, found.lower, found.upper)), strict=True)),
        "months_before": found.months_before,
        "months_after": found.months_after,
        "total": number(share.total[0]),
        "total_lower_95": number(share.total[1]),
        "total_upper_95": number(share.total[2]),
        "share_note": share.note or None,
        "recording_share_lower_95": share.lower,
        "recording_share_upper_95": share.upper,
        "covered_by": " ".join(covering(about, found)) or None if method == SCAN else None,
        "reason": found.reason,
        "synthetic": about.synthetic,
    }


_NUMBERS = {"step": "step", "lower_95": "lower", "upper_95": "upper"}
_PER_CENT = ("percent", "percent_lower_95", "percent_upper_95")


def number(value: float) -> float | None:
    return None if math.isnan(value) else value


def per_cent(log: float) -> float | None:
    """A change in natural logarithms as a percentage."""
    return None if math.isnan(log) else 100 * math.expm1(log)


def _day(found: pd.Timestamp | None) -> date | None:
    return None if found is None else found.date()


def _direction(found: Break) -> str | None:
    if found.verdict == NOT_FLAGGED:
        return "none beyond chance"
    if found.verdict != FLAGGED:
        return None
    return "up" if found.step > 0 else "down"


# --- the share due to recording ------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """`total`: change of the counts as recorded with 95 % limits, natural logarithms; `share`: of
    it due to recording, None with the reason in `note`. `lower`, `upper`: by the limits of the
    step, the total taken as it is."""

    total: tuple[float, float, float]
    share: float | None
    note: str
    lower: float | None = None
    upper: float | None = None


NO_SHARE = Share((math.nan, math.nan, math.nan), None, "")


def share_of(about: Subject, answer: Answer, days: Sequence[date]) -> Share:
    """How much of the change of the counts around some days is due to recording.

    The months from the last day on, up to a year and to the next known change, are compared with
    the same months before the first day.
    """
    found = answer.found
    if math.isnan(found.step):
        return replace(NO_SHARE, note="not determinable: there is no step")
    windows = _like_months(about, days)
    if isinstance(windows, str):
        return replace(NO_SHARE, note=f"not determinable: {windows}")
    before, after = (float(about.counts.reindex(months).sum()) for months in windows)
    dispersion = dispersion_of(about.usual, windows[0][0])
    return share_in(detection.parts(before, after, found, dispersion=dispersion), answer)


def share_in(parts: Parts, answer: Answer) -> Share:
    """The share that the parts of a change give; none where the reference is weak."""
    if answer.strength != STRONG:
        return Share(parts.total, None, "not printed: the reference is weak")
    if parts.share is None:
        return Share(parts.total, None, parts.note)
    _, lower, upper = parts.recording
    limits = sorted(min(max(limit / parts.total[0], 0.0), 1.0) for limit in (lower, upper))
    return Share(parts.total, parts.share, parts.note, *limits)


def _like_months(about: Subject, days: Sequence[date]) -> tuple[Months, Months] | str:
    """The months before the days and those after them that are compared, or why there are none."""
    first, new = pd.Period(days[0], "M"), pd.Period(days[-1], "M") + int(days[-1].day > 1)
    later = (pd.Period(day, "M") - 1 for day in about.days if day > days[-1])
    last = min([about.counts.index[-1], new + YEAR - 1, *later])
    after = pd.period_range(new, last, freq="M")
    before = after - YEAR * ((last - first).n // YEAR + 1)
    counted = about.counts[about.counts > 0].index
    if not len(after) or not after.append(before).isin(counted).all():
        return "not all of the like months before and after have a count"
    other = [day for day in about.days if before[0] < pd.Period(day, "M") < first]
    if other:
        ids = ", ".join(dict.fromkeys(id for day in other for id in about.days[day]))
        return f"another change lies in the like months before: {ids}"
    return before, after


def dispersion_of(counts: pd.Series[float], until: pd.Period) -> float:
    """Variance over mean of yearly counts before a month, at least 1: from the changes of whole
    twelve months to the next, what chance alone would give taken for 1."""
    months = counts[(counts.index < until) & (counts > 0)]
    totals = []
    for back in range(1, len(months) // YEAR + 1):
        year = pd.period_range(until - YEAR * back, periods=YEAR, freq="M")
        if not year.isin(months.index).all():
            break
        totals.append(float(months.reindex(year).sum()))
    if len(totals) < 2:
        return 1.0
    one, other = np.array(totals[:-1]), np.array(totals[1:])
    return max(1.0, float(np.mean(np.log(one / other) ** 2 / (1 / one + 1 / other))))


# --- what nobody listed --------------------------------------------------------------------------


def covering(about: Subject, found: Break) -> list[str]:
    """Changes and events, of the series or a reference, in whose time the month of a step lies, or
    just after an event, whose own months are left out."""
    if found.date is None:
        return []
    month = pd.Period(found.date, "M")
    changes = {
        change.id: change
        for change in (*about.changes, *(c for h in about.held for c in h.changes))
    }
    return [
        change.id
        for change in changes.values()
        if change.materiality in TAKES_EFFECT
        and pd.Period(change.effective_first, "M") <= month <= _last_month(change)
    ]


def _last_month(change: Change) -> pd.Period:
    return pd.Period(change.effective_last, "M") + int(change.materiality == "event")


def check(rows: Sequence[Row], untold: Collection[str] = ()) -> Check:
    """The check for breaks that no catalogued change explains; a warning, since it takes a person
    to say what happened. `untold`: indicators of which nothing may be told here."""
    scanned = [row for row in rows if row["method"] == SCAN]
    odd = [row for row in scanned if row["flagged"] and not row["covered_by"]]
    words = "; ".join(_untold(row) if _behind(row) & set(untold) else _told(row) for row in odd)
    repair = "ask who records it what changed, and add a row to definitional_changes.csv"
    told = sum(row["verdict"] != CANNOT_TELL for row in scanned)
    return Check(
        ABOUT,
        CHECK.name,
        not odd,
        f"unexplained break: {words}. {repair}"
        if odd
        else f"{told} of {len(scanned)} series can be scanned, none breaks unexplained",
        failed_rows=len(odd),
    )


def _behind(row: Row) -> set[str]:
    """The indicators that a row rests on."""
    return {row["indicator"], *(row["reference"] or "").split(" + ")}


def _untold(row: Row) -> str:
    return f"{row['series']} ({row['indicator']}): not for everybody, see mart.break_estimate"


def _told(row: Row) -> str:
    place = f"{row['series']} ({row['indicator']}) against {row['reference']}"
    month = row["effective_date"]
    when = f"{MONTH_NAMES[month.month - 1]} {month.year}" if month else "no single month"
    if row["percent"] is None:
        return f"{place}, {when}: {row['reason']}"
    size, low, high = (f"{row[name]:+.0f}" for name in _PER_CENT)
    return f"{place}, {when}: {size} % ({low} to {high})"
