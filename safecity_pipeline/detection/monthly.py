"""Was there a step in recorded / reference, and how large: at a known date, or at any.

Belongs here: `test_at` (method A of METHODS, section 3), `scan` (method B), and what several
references together say. Does not belong here: the regression and its critical values
(`regression`, `critical`), years instead of months (`annual`).

Counts are asked for, not rates: see `months` for months without a count and months that count 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safecity_pipeline.detection.critical import EDGE, critical_fixed, critical_scan
from safecity_pipeline.detection.months import logarithms, month_of, sparse, start_of
from safecity_pipeline.detection.regression import Fits, fit, step_columns
from safecity_pipeline.detection.verdicts import CANNOT_TELL, DISAGREE, FLAGGED, NOT_FLAGGED

__all__ = ["REFERENCE_ERROR", "Break", "scan", "test_at", "test_together"]

Day = date | pd.Period | str
Months = NDArray[np.int64]

MONTHS_IN_ALL = 24
MONTHS_BEFORE = 12
MONTHS_AFTER = 6
"""Fewer with figures in all, before the date or after it (or to the next known change): cannot
tell."""

REFERENCE_ERROR = 2.086 * 0.03
"""How far a reference by itself may stray from what it stands for, as a 95 % half-width: 3 %, t
with 20 degrees of freedom (METHODS, section 3, "Size"). No figure of the series shows this."""


@dataclass(frozen=True)
class Break:
    """What was found of one step.

    `flagged`: the step is beyond chance. `date`: the day asked for; of a scan the first day of the
    month in which the largest step starts, flagged or not; None where nothing could be tried.
    `step`, `lower`, `upper`: the size of the step and its 95 % limits, natural logarithms of
    recorded / reference (0.182 is a rise by 20 %); NaN where no single number can be given.
    `verdict`: one of `verdicts`; `reason`: the same as a sentence.

    The limits are wider than the test: they also allow for an error of the reference itself. So a
    step may be flagged (the ratio did change) whose limits still hold 0 (it need not be
    recording).

    `error`: of the step, as if months were independent; `statistic` and `critical`: step / error,
    and what its absolute value had to exceed, since they are not.
    `noise`, `autocorrelation`: of the residuals, as estimated. `months_before`, `months_after`:
    months with figures, to the end or to the next known change; `omitted`: months between the
    first and the last that have none, or lie in the time of change. `references`: those used;
    `by_reference`: what each says alone.
    """

    flagged: bool
    date: pd.Timestamp | None
    step: float
    lower: float
    upper: float
    verdict: str
    reason: str
    error: float = math.nan
    statistic: float = math.nan
    critical: float = math.nan
    noise: float = math.nan
    autocorrelation: float = math.nan
    months_before: int = 0
    months_after: int = 0
    omitted: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    by_reference: Mapping[str, Break] = field(default_factory=dict)


def test_at(
    recorded: pd.Series[float],
    references: Mapping[str, pd.Series[float]],
    date: Day,
    *,
    until: Day | None = None,  # noqa: PT028
    others: Iterable[Day] = (),  # noqa: PT028
) -> Break:
    """Whether recorded / reference stepped at a date known beforehand, and by how much.

    `recorded`: counts by month, as recorded; `references`: by name, counts that the change does
    not touch. Indexed by monthly periods or dates. `date`: the day on which the change took
    effect; the new level starts with the first month that begins on it or later, and a month
    within which it falls is left out. `until`: the day from which the new practice was complete,
    where it came gradually: the months between are left out. `others`: days of other known
    changes, which get steps of their own, so that the limits widen by what the months cannot tell
    apart. A step that is not among them but that a scan would flag is named in `reason`: the one
    at the date is then judged beside it, with limits that hold the size with and without it.

    Step and limits are natural logarithms. Several references are first scanned against each
    other; where they agree, they are combined by inverse variance, and half of their disagreement
    goes into the limits; where not, the verdict is `references_disagree`, without a number, and
    `flagged` only if each alone says so with the same sign. `cannot_tell`: no reference, fewer
    than 24 months, 12 before or 6 after the date (6 from another known change), or counts too
    small for logarithms.

    Raises ValueError for a series that is not monthly counts, a date that is none, and an `until`
    before the date. Source: METHODS, section 3, method A; critical values by simulation.
    """
    first = _day(date)
    span = Span(first, first if until is None else _day(until))
    if span.until < span.start:
        raise ValueError(f"until lies before the date; got: {date!r}, {until!r}; swap them")
    known = tuple(day for day in _days(others) if not span.start <= day <= span.until)
    return _judged(recorded, references, Fixed(span, known))


def test_together(
    recorded: pd.Series[float],
    references: Mapping[str, pd.Series[float]],
    dates: Sequence[Day],
    *,
    others: Iterable[Day] = (),  # noqa: PT028
) -> Break:
    """The joint effect of changes that lie too near to each other to be told apart.

    The level before the first of `dates` is compared with that from the last on; the months
    between are left out. Of two changes within twelve months this is the number to print; with
    `test_at(…, others=…)` each of them has limits as wide as they deserve. Otherwise as `test_at`.
    """
    if not dates:
        raise ValueError("a joint test needs dates; got: none; name the days of the changes")
    days = _days(dates)
    return test_at(recorded, references, days[0], until=days[-1], others=others)


def scan(
    recorded: pd.Series[float],
    references: Mapping[str, pd.Series[float]],
    *,
    known: Iterable[Day] = (),
) -> Break:
    """Whether recorded / reference stepped at any month, and where it stepped most.

    Every month is tried that has at least nine others on either side (and six to a known change);
    the largest |t| counts, against critical values for the largest of a series without a step.
    `known`: days of catalogued changes, which get steps of their own, so that only what they do
    not explain is found. One step is found at a time: catalogue it, and scan again.

    The limits allow for the search. Everything else, several references too, as `test_at`.
    Raises ValueError for a series that is not monthly counts. Source: METHODS, section 3, method B.
    """
    return _judged(recorded, references, Anywhere(_days(known)))


# pytest would take these for tests wherever a test module imports them by name
test_at.__test__ = False  # type: ignore[attr-defined]
test_together.__test__ = False  # type: ignore[attr-defined]


# --- one ratio -----------------------------------------------------------------------------------


class Span(NamedTuple):
    """The days on which a change began and was complete; one day for most."""

    start: date
    until: date

    @property
    def new_from(self) -> int:
        """The first month that is wholly new."""
        return month_of(self.until) + (self.until.day > 1)

    def mixed(self, months: Months) -> NDArray[np.bool_]:
        """Which months are neither wholly old nor wholly new."""
        return (months >= month_of(self.start)) & (months < self.new_from)


class Ratio(NamedTuple):
    """The logarithm of recorded / reference, or of two references, by month.

    `sparse`: the names of those of the two that count 0 too often.
    """

    values: NDArray[np.float64]
    months: Months
    sparse: tuple[str, ...] = ()

    def without(self, spans: Iterable[Span]) -> Ratio:
        kept = np.ones(len(self.months), dtype=bool)
        for span in spans:
            kept &= ~span.mixed(self.months)
        return Ratio(self.values[kept], self.months[kept], self.sparse)


class Fixed(NamedTuple):
    """The question of `test_at`: a step at a span, beside those of other known days."""

    span: Span
    known: tuple[date, ...]

    def answer(self, ratio: Ratio) -> Break:
        """What one ratio says; cannot_tell where it has too few months."""
        day = pd.Timestamp(self.span.start)
        ratio, starts = self._cleared(ratio)
        if lacking := _lacking(ratio, self.span.new_from, starts):
            return replace(_untold(lacking), date=day)
        found = _at(ratio, self.span.new_from, starts, day, critical_fixed)
        return self._beside_unlisted(found, ratio)

    def _beside_unlisted(self, found: Break, ratio: Ratio) -> Break:
        """What was found, or where the figures hold another step, this one beside that.

        The limits then hold both readings.
        """
        month = self.span.new_from
        unlisted = Anywhere((*self.known, start_of(month).date())).answer(ratio)
        if not unlisted.flagged:
            return found
        starts = [*_starts(self.known), month_of(_day(unlisted.date))]
        beside = _at(ratio, month, sorted(starts), found.date, critical_fixed)
        return replace(
            beside,
            lower=min(found.lower, beside.lower),
            upper=max(found.upper, beside.upper),
            reason=f"{beside.reason}, beside an unlisted step in {unlisted.date:%Y-%m}",
        )

    def size(self, ratio: Ratio) -> float:
        """The step, however few the months."""
        ratio, starts = self._cleared(ratio)
        return float(_fitted(ratio, [self.span.new_from], starts).step[0, 0])

    def settled(self, found: Break) -> Fixed:
        return self

    def _cleared(self, ratio: Ratio) -> tuple[Ratio, list[int]]:
        """Without mixed months; the other steps, but for those that no month tells from this."""
        ratio = ratio.without([self.span, *(Span(day, day) for day in self.known)])
        number = (ratio.months < self.span.new_from).sum()
        starts = _starts(self.known)
        return ratio, [one for one in starts if (ratio.months < one).sum() != number]


class Anywhere(NamedTuple):
    """The question of `scan`: a step in any month, beside those of known days."""

    known: tuple[date, ...]

    def answer(self, ratio: Ratio) -> Break:
        """What one ratio says; cannot_tell where it has too few months."""
        ratio, starts = ratio.without(Span(day, day) for day in self.known), _starts(self.known)
        tried = _candidates(ratio.months, starts)
        lacking = _lacking_in_all(ratio) or ("" if tried else "no month is far from every change")
        if lacking:
            return _untold(lacking)
        month = tried[int(_fitted(ratio, tried, starts).best[0])]
        return _at(ratio, month, starts, start_of(month), _critical_of_scan)

    def settled(self, found: Break) -> Fixed:
        """The question of the month that was found."""
        day = _day(found.date)
        return Fixed(Span(day, day), self.known)


def _critical_of_scan(months: int, shorter: int, noise: float, estimated: float) -> float:
    return critical_scan(months, noise, estimated)


def _at(
    ratio: Ratio,
    month: int,
    starts: list[int],
    day: pd.Timestamp | None,
    critical_value: Callable[[int, int, float, float], float],
) -> Break:
    """The step at the start of a month, judged by a critical value."""
    found = _fitted(ratio, [month], starts)
    step, error = float(found.step[0, 0]), float(found.error[0, 0])
    statistic, noise = float(found.statistic[0, 0]), float(found.noise[0])
    correlation = float(found.autocorrelation[0])
    before, after = _around(ratio.months, month, starts)
    critical = critical_value(len(ratio.months), min(before, after), noise, correlation)
    flagged = abs(statistic) > critical
    half = math.hypot(critical * error, REFERENCE_ERROR)
    return Break(
        flagged=flagged,
        date=day,
        step=step,
        lower=step - half,
        upper=step + half,
        verdict=FLAGGED if flagged else NOT_FLAGGED,
        reason=f"|t| is {abs(statistic):.2f}; chance gives up to {critical:.2f}",
        error=error,
        statistic=statistic,
        critical=critical,
        noise=noise,
        autocorrelation=correlation,
        months_before=before,
        months_after=after,
        omitted=_omitted(ratio.months),
    )


def _fitted(ratio: Ratio, tried: Sequence[int], starts: Sequence[int]) -> Fits:
    others = step_columns(ratio.months, np.array(starts)) if starts else None
    columns = step_columns(ratio.months, np.array(tried))
    return fit(ratio.values[None, :], ratio.months, columns, others)


def _starts(known: Iterable[date]) -> list[int]:
    return sorted({Span(day, day).new_from for day in known})


def _candidates(months: Months, starts: list[int]) -> list[int]:
    return [
        int(month)
        for month in months[EDGE : len(months) - EDGE + 1]
        if min(_around(months, int(month), starts)) >= MONTHS_AFTER
    ]


def _around(months: Months, month: int, starts: list[int]) -> tuple[int, int]:
    """How many months with figures lie before and after a month, to the next known changes."""
    since = max((one for one in starts if one <= month), default=0)
    until = min((one for one in starts if one > month), default=int(months[-1]) + 1)
    first, here, last = np.searchsorted(months, [since, month, until]).tolist()
    return here - first, last - here


def _lacking(ratio: Ratio, month: int, starts: list[int]) -> str:
    """Why a step at a month cannot be told; empty where it can."""
    if reason := _lacking_in_all(ratio):
        return reason
    before, after = _around(ratio.months, month, [])
    if before < MONTHS_BEFORE:
        return f"{before} months with figures before the change; {MONTHS_BEFORE} are needed"
    if after < MONTHS_AFTER:
        return f"{after} months with figures after the change; {MONTHS_AFTER} are needed"
    if min(_around(ratio.months, month, starts)) < MONTHS_AFTER:
        return f"another known change lies within {MONTHS_AFTER} months; test the two together"
    return ""


def _lacking_in_all(ratio: Ratio) -> str:
    if ratio.sparse:
        return f"too many months count 0: {', '.join(ratio.sparse)}; pool areas, or take years"
    if len(ratio.months) < MONTHS_IN_ALL:
        return f"{len(ratio.months)} months with both figures; {MONTHS_IN_ALL} are needed"
    return ""


def _omitted(months: Months) -> tuple[str, ...]:
    absent = sorted(set(range(int(months[0]), int(months[-1]))) - set(months.tolist()))
    return tuple(f"{month // 12}M{month % 12 + 1:02d}" for month in absent)


def _untold(reason: str) -> Break:
    return Break(False, None, math.nan, math.nan, math.nan, CANNOT_TELL, reason)


# --- several references --------------------------------------------------------------------------


def _judged(
    recorded: pd.Series[float],
    references: Mapping[str, pd.Series[float]],
    question: Fixed | Anywhere,
) -> Break:
    """What all references together say."""
    ratios = _ratios(recorded, references)
    alone = {
        name: replace(question.answer(one), references=(name,)) for name, one in ratios.items()
    }
    usable = {name: one for name, one in alone.items() if one.verdict != CANNOT_TELL}
    if not usable:
        return _none_usable(alone)
    if len(usable) == 1:
        return replace(next(iter(usable.values())), by_reference=alone)
    logs = {name: logarithms(name, references[name]) for name in usable}
    if differ := _differing(logs, Anywhere(question.known)):
        return replace(_no_single_number(usable, differ), by_reference=alone)
    combined = _combined(logs, {name: one.noise**-2 for name, one in usable.items()})
    joint = question.answer(_ratio(logarithms("recorded", recorded), combined))
    if joint.verdict == CANNOT_TELL:
        return replace(joint, by_reference=alone)
    steps = [question.settled(joint).size(ratios[name]) for name in usable]
    return replace(_widened(joint, steps), references=tuple(usable), by_reference=alone)


def _ratios(
    recorded: pd.Series[float], references: Mapping[str, pd.Series[float]]
) -> dict[str, Ratio]:
    counted = logarithms("recorded", recorded)
    against = {name: logarithms(name, series) for name, series in references.items()}
    own = ("recorded",) if sparse(recorded) else ()
    return {
        name: _ratio(counted, one, (*own, name) if sparse(references[name]) else own)
        for name, one in against.items()
    }


def _ratio(above: pd.Series[float], below: pd.Series[float], zeros: tuple[str, ...] = ()) -> Ratio:
    both = (above - below).dropna()
    return Ratio(np.asarray(both, dtype=np.float64), both.index.to_numpy(dtype=np.int64), zeros)


def _none_usable(alone: Mapping[str, Break]) -> Break:
    if not alone:
        return _untold("no reference series")
    reasons = "; ".join(f"{name}: {one.reason}" for name, one in alone.items())
    day = next(iter(alone.values())).date
    return replace(_untold(reasons), date=day, by_reference=alone)


def _differing(
    usable: Mapping[str, pd.Series[float]], question: Anywhere
) -> tuple[str, str, Break] | None:
    """The first two references between which a step is found, and the step."""
    for one, other in combinations(usable, 2):
        found = question.answer(_ratio(usable[one], usable[other]))
        if found.flagged:
            return one, other, found
    return None


def _no_single_number(usable: Mapping[str, Break], differ: tuple[str, str, Break]) -> Break:
    one, other, found = differ
    words = f"{one} stepped against {other} by {found.step:+.3f} in {found.date:%Y-%m}"
    days = {each.date for each in usable.values()}
    rising = {each.step > 0 for each in usable.values()}
    return replace(
        _untold(f"{words}: one of them is no reference"),
        flagged=len(rising) == 1 and all(each.flagged for each in usable.values()),
        date=next(iter(days)) if len(days) == 1 else None,
        verdict=DISAGREE,
        references=tuple(usable),
    )


def _combined(
    logs: Mapping[str, pd.Series[float]], weights: Mapping[str, float]
) -> pd.Series[float]:
    """The weighted mean of the references' logarithms, of the months that all of them have."""
    weighted = pd.DataFrame({name: one * weights[name] for name, one in logs.items()})
    return weighted.dropna().sum(axis=1) / sum(weights.values())


def _widened(joint: Break, steps: Sequence[float]) -> Break:
    """The joint step, its limits allowing for half of what the references differ by."""
    strayed = max(REFERENCE_ERROR, (max(steps) - min(steps)) / 2)
    half = math.hypot(joint.critical * joint.error, strayed)
    lower, upper = joint.step - half, joint.step + half
    return replace(joint, lower=min(lower, joint.lower), upper=max(upper, joint.upper))


def _days(given: Iterable[Day]) -> tuple[date, ...]:
    return tuple(sorted({_day(one) for one in given}))


def _day(given: object) -> date:
    """A day, from a date, a timestamp, a monthly period (its first day) or an ISO text."""
    day: object = pd.Timestamp(given) if isinstance(given, np.datetime64) else given
    if isinstance(given, str):
        # pandas reads "April" as this year's, and the year 2010-11 as November
        try:
            day = date.fromisoformat(given)
        except ValueError:
            day = None
    elif isinstance(given, pd.Period):
        day = given.start_time
    if not isinstance(day, date) or pd.isna(day):
        raise ValueError(f"no day; got: {given!r}; write it as 2014-04-01")
    return pd.Timestamp(day).date()
