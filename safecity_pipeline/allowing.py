"""A change across a definition, with what is known of it when the definition is held still.

Belongs here: which findings get that, their columns and the words. Does not belong here: the step
and what is left without it (`comparable`), the rest of the sentence (`sentences`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecity_pipeline import comparable, estimates, period
from safecity_pipeline.comparable import Comparable, Moved
from safecity_pipeline.estimates import Subject
from safecity_pipeline.model import Indicator
from safecity_pipeline.registry.indicators import is_percentage
from safecity_pipeline.sentences import PERCENT, listed, signed

COLUMNS = ("comparable_change", "comparable_lower_95", "comparable_upper_95")
RESTS_ON, NOTE = "comparable_rests_on", "comparable_note"
AFAR = ", as far as series show that follow it only from afar"


@dataclass(frozen=True)
class Known:
    """What is known of the assessed area's series: the subject that each indicator belongs to, all
    indicators by key, and the ids of the changes that break no comparison."""

    subjects: Mapping[str, Subject]
    indicators: Mapping[str, Indicator]
    immaterial: frozenset[str] = frozenset()


def rows(findings: Iterable[dict[str, Any]], known: Known) -> Iterator[dict[str, Any]]:
    """Fields of findings, those of broken changes with what is left when recording is allowed for.
    All have the columns; `sentence` ends with the note."""
    nothing = dict.fromkeys((*COLUMNS, RESTS_ON, NOTE))
    for row in findings:
        found = _comparable(row, known)
        yield {**row, **(_told(row, found, known) if found else nothing)}


def _comparable(row: Mapping[str, Any], known: Known) -> Comparable | None:
    about = known.subjects.get(row["indicator"])
    if about is None or row["area_code"] != about.area_code or not _is_broken_change(row):
        return None
    if is_percentage(known.indicators[row["indicator"]]):
        return None
    earlier, later = (period.parse(row[name]) for name in ("base_period", "period"))
    if row["compared_months"] not in (None, len(later.months)):
        return None
    found = comparable.comparable(about, earlier, later, (row["base_value"], row["value"]))
    # Another source of the series may have changes of its own, of which no step is known; and so
    # may the one whose months give the step, which the figure has not.
    broken = set(str(row["broken_by"]).split()) - known.immaterial
    return found if found and broken == set(found.changes) else None


def _is_broken_change(row: Mapping[str, Any]) -> bool:
    figures = (row["change"], row["value"], row["base_value"])
    return row["status"] == "definition_changed" and None not in figures


def _told(row: Mapping[str, Any], found: Comparable, known: Known) -> dict[str, Any]:
    said = note(found, known.indicators)
    limits = (found.change, found.lower, found.upper)
    return {
        **dict(zip(COLUMNS, limits, strict=True)),
        RESTS_ON: estimates.AND.join(one.reference for one in found.references),
        NOTE: said,
        "sentence": f"{row['sentence']} {said}",
    }


def note(found: Comparable, indicators: Mapping[str, Indicator]) -> str:
    """What a careful reader wants to know: what the references did, and the change that is left."""
    moved = [_moved(one, indicators[one.reference].title) for one in found.references]
    beside = f"Over the same period {listed(moved)}; allowing" if moved else "Allowing"
    afar = AFAR if _is_weak(found) else ""
    months = listed(dict.fromkeys(f"{day:%B %Y}" for day in found.days))
    return (
        f"{beside} for the change in recording ({months}){afar}, the comparable change is "
        f"{_size(found.change)} (likely {signed(found.lower)} to {_size(found.upper)})."
    )


def _is_weak(found: Comparable) -> bool:
    return found.strength == "weak"


def _moved(one: Moved, title: str) -> str:
    what = title[:1].lower() + title[1:]
    if one.lower is None or one.upper is None:
        return f"{what} changed by {_size(one.change)}"
    size = f"({_size(one.change)}, likely {signed(one.lower)} to {_size(one.upper)})"
    if one.lower <= 0 <= one.upper:
        return f"{what} did not clearly change {size}"
    return f"{what} {'rose' if one.change > 0 else 'fell'} {size}"


def _size(percent: float) -> str:
    return f"{signed(percent)}{PERCENT}"
