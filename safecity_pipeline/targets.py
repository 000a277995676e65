"""The targets of a published assessment: where each stands, and whether it is met.

Belongs here: the verdict on a target from its baseline, its newest figure and the interval of the
change. Does not belong here: the targets (`registry.assessments`), changes as such (`compare`).

A target counts as met only where chance is no likely reason of the change. Where that cannot be
said it is `not_shown`, which is no failure: a fall by a fifth of twenty cases cannot be shown in
one year. Across a change of definition nothing is like for like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from safecity_pipeline import compare, period
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.compare import Series
from safecity_pipeline.model import Finding, Indicator, Row
from safecity_pipeline.period import Period
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.aims import Aim, Target

MET, NOT_MET, NOT_SHOWN = "met", "not_met", "not_shown"
NOT_MEASURABLE, NOT_LIKE_FOR_LIKE = "not_measurable", "not_like_for_like"
AT_LEAST, BETTER_RANK = "at_least", "better_rank"
WHOLE = "comparable"  # status of a rank in which every area has its whole period

Against = Callable[[Indicator, Series, str, str], Finding]
"""The change of a series from one period to another: indicator, series, period, base."""
BrokenBy = Callable[[Indicator, Days, Days], Broken]
"""Changes of definition of an indicator, or of its peer group, between earlier and later days."""


@dataclass(frozen=True)
class Known:
    """What targets are judged from: the assessed area's series by indicator, its ranks by indicator
    and period, how a change is found, and what breaks a comparison of ranks."""

    area_code: str
    indicators: Mapping[str, Indicator]
    series: Mapping[str, Series]
    ranks: Mapping[tuple[str, str], Row]
    against: Against
    broken_by: BrokenBy


@dataclass(frozen=True)
class Judged:
    """Where an aim stands. `level`: the figure that has to be reached, or bettered."""

    verdict: str
    reason: str
    baseline: float | None = None
    level: float | None = None
    current: float | None = None
    label: str | None = None
    finding: Finding | None = None


def ranks_in(findings: pd.DataFrame) -> dict[tuple[str, str], Row]:
    """Rows of mart.finding of one area that give it a place among its peers."""
    ranked = findings[findings["comparison"] == "peer_rank"].astype(object)
    plain: list[dict[str, Any]] = ranked.where(ranked.notna(), None).to_dict("records")  # type: ignore[assignment]
    return {(row["indicator"], row["period"]): row for row in plain}


def of(assessments: Iterable[Assessment], known: Known, synthetic: bool) -> list[Row]:
    """Rows of mart.target: one for each aim of each target about the assessed area."""
    return [
        row
        for assessment in assessments
        if assessment.area_code == known.area_code
        for target in assessment.targets
        for row in _rows(target, known, synthetic)
    ]


def _rows(target: Target, known: Known, synthetic: bool) -> Iterator[Row]:
    for aim in target.aim or (None,):
        judged = _judged(aim, target, known) if aim else Judged(target.verdict, target.reason)
        yield {
            "target": target.target,
            "priority": target.priority,
            "action": target.action,
            "lead_agency": target.lead_agency,
            "lead_partnership": target.lead_partnership,
            "baseline": judged.baseline,
            "target_value": judged.level,
            "current": judged.current,
            "verdict": judged.verdict,
            "reason": ". ".join(filter(None, [judged.reason, target.caveat])) or None,
            "claim": target.claim,
            "measure": aim.name if aim else None,
            "indicator": aim.indicator if aim else None,
            "base_period": aim.base if aim else None,
            "period": judged.label,
            "due": target.due,
            "change_lower_95": judged.finding.change_lower_95 if judged.finding else None,
            "change_upper_95": judged.finding.change_upper_95 if judged.finding else None,
            "synthetic": synthetic,
        }


# --- one aim -----------------------------------------------------------------------------------


def _judged(aim: Aim, target: Target, known: Known) -> Judged:
    if aim.wants == BETTER_RANK:
        return _by_rank(aim, target, known)
    series = known.series.get(aim.indicator)
    start = series.values.get(aim.base) if series else None
    if series is None or start is None or start.lacking:
        return Judged(NOT_MEASURABLE, f"{aim.indicator} has no figure for {aim.base}")
    indicator = known.indicators[aim.indicator]
    baseline = compare.figure(indicator, series, aim.base)
    level = _level(aim, baseline)
    whole = [label for label, one in series.values.items() if one.complete and not one.lacking]
    label = _newest(whole, aim.base, target.due)
    if label is None:
        return Judged(NOT_MEASURABLE, f"no figure after {aim.base} yet", baseline, level)
    found = known.against(indicator, series, label, aim.base)
    verdict, why = _verdict(aim, found, level)
    said = ". ".join(filter(None, [why, found.maturity_note]))
    return Judged(verdict, said, baseline, level, found.value, label, found)


def _newest(labels: Iterable[str], base: str, due: str) -> str | None:
    """The newest period after the base and of its kind that ends not later than the target."""
    first, last = period.parse(base), period.parse(due).end
    later = [
        one
        for one in map(period.parse, labels)
        if one.kind == first.kind and first.start < one.start and one.end <= last
    ]
    newest: Period | None = max(later, key=lambda one: one.start, default=None)
    return newest.label if newest else None


def _level(aim: Aim, baseline: float | None) -> float | None:
    if aim.wants == AT_LEAST:
        return aim.by
    if baseline is None:
        return None
    by = aim.by if aim.wants == "more" else -aim.by
    return baseline + by if aim.unit == "points" else baseline * (1 + by / 100)


def _verdict(aim: Aim, found: Finding, level: float | None) -> tuple[str, str]:
    if found.value is None or level is None:
        return NOT_MEASURABLE, f"there is no figure: {found.status}"
    if aim.wants == AT_LEAST:
        reached = found.value >= level
        return (MET if reached else NOT_MET), f"{found.value:.4g} against {level:.4g}"
    if found.status == "definition_changed":
        return NOT_LIKE_FOR_LIKE, f"a definition changed in between: {found.broken_by}"
    if found.change is None:
        return NOT_MEASURABLE, f"the change cannot be computed: {found.status}"
    return _of_change(aim, found, level)


def _of_change(aim: Aim, found: Finding, level: float) -> tuple[str, str]:
    """By the interval of the change. Met: the level is reached, and no change at all lies outside
    the interval. Not met: all of the interval falls short of the level."""
    assert found.value is not None and found.change is not None and found.base_value is not None
    lower, upper = found.change_lower_95, found.change_upper_95
    points = found.change_unit != "percent"
    unit = "points" if points else "%"
    if lower is None or upper is None:
        return NOT_SHOWN, f"change {found.change:+.1f} {unit}, of which no interval is known"
    said = f"change {found.change:+.1f} {unit} ({lower:+.1f} to {upper:+.1f})"
    aimed = level - found.base_value
    aimed = aimed if points else 100 * aimed / found.base_value
    more = aim.wants == "more"
    if upper < aimed if more else lower > aimed:
        return NOT_MET, said
    reached = found.change >= aimed if more else found.change <= aimed
    shown = lower > 0 if more else upper < 0
    return (MET if reached and shown else NOT_SHOWN), said


def _by_rank(aim: Aim, target: Target, known: Known) -> Judged:
    """A better place than in the base, by more than the ranks' intervals."""
    whole = {
        label: row
        for (key, label), row in known.ranks.items()
        if key == aim.indicator and row["rank_best"] is not None and row["status"] == WHOLE
    }
    if aim.base not in whole:
        return Judged(NOT_MEASURABLE, f"{aim.indicator} has no rank for {aim.base}")
    before, label = whole[aim.base], _newest(whole, aim.base, target.due)
    start = float(before["rank_best"])
    if label is None:
        return Judged(NOT_MEASURABLE, f"no rank after {aim.base} yet", start, start)
    now, days = whole[label], [Days(*_days(one)) for one in (aim.base, label)]
    place = float(now["rank_best"])
    said = f"place {place:.0f} of {now['rank_of']:.0f}, before {start:.0f}; 1 is the best"
    broken = known.broken_by(known.indicators[aim.indicator], days[0], days[1])
    unlike = any(before[name] != now[name] for name in ("comparator", "rank_of"))
    if broken.material or unlike:
        ids = " ".join(broken.ids) or "the areas that are ranked"
        why = f"{said}. A definition changed in between: {ids}"
        return Judged(NOT_LIKE_FOR_LIKE, why, start, start, place, label)
    verdict = NOT_SHOWN if _overlap(before, now) else MET if place < start else NOT_MET
    return Judged(verdict, said, start, start, place, label)


def _days(label: str) -> tuple[date, date]:
    parsed = period.parse(label)
    return parsed.start, parsed.end


def _overlap(one: Row, other: Row) -> bool:
    """Whether the intervals of two ranks share a place; True where one of them has none."""
    limits = [one["rank_lower_95"], one["rank_upper_95"]]
    others = [other["rank_lower_95"], other["rank_upper_95"]]
    if None in (*limits, *others):
        return True
    return bool(limits[0] <= others[1] and others[0] <= limits[1])
