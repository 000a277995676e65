"""What is told of a source's categories: rows of meta.classification_change, and the check.

Belongs here: columns, and what is left out of them. Of a source that is not for everybody no count
is told, and shares only roughly: with a number that is shown elsewhere, either could give a small
one away. Does not belong here: the command that prints them (`categories`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Check, CheckSpec, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.watch import proposal
from safecity_pipeline.watch.changes import Change
from safecity_pipeline.watch.counts import Days
from safecity_pipeline.watch.expected import Seen

CHECK = CheckSpec(
    "categories_changed", "every change of the categories is in definitional_changes.csv"
)
ROUGH = 0.1
MOST = 3
"""Changes that a message tells; the table has them all."""
REPAIR = (
    "`safecity classes` lists what is new, and `--csv` writes the rows for "
    "definitional_changes.csv; verify them, and add them"
)

Row = dict[str, Any]


def counts_shown(source: Source) -> bool:
    """Whether numbers of its categories may be told to anybody."""
    return source.audience == "public" and source.disclosure == "none"


def rows(seen: Sequence[Seen], source: Source, known: Registry, synthetic: bool) -> list[Row]:
    """Rows of meta.classification_change, in the order of column and time."""
    taken = {one.id for one in known.changes.changes}
    found = []
    for one in seen:
        proposed = ""
        if not one.expected_by:
            proposed = proposal.key(one, taken)
            taken.add(proposed)
        found.append(_row(one, source, known, proposed) | {"synthetic": synthetic})
    return found


def _row(one: Seen, source: Source, known: Registry, proposed: str) -> Row:
    if not counts_shown(source):
        one = replace(one, change=_roughly(one.change))
    change = one.change
    walk = proposal.crosswalk(one, proposed or " ".join(one.expected_by))
    row = proposal.row(one, source, known.areas, proposed)
    return {
        "source": one.source,
        "classification": one.column,
        "kind": change.kind,
        "old_categories": list(change.old),
        "new_categories": list(change.new),
        "changed_in_part": [*change.gave, *change.took],
        "period": period.spanning(*change.period).label,
        "first_day": change.first,
        "last_day": change.last,
        "areas": len(change.areas),
        "areas_of": change.areas_of,
        "count_before": change.count_before,
        "count_after": change.count_after,
        "counted_before": _span(change.before),
        "counted_after": _span(change.after),
        "share": change.share,
        "expected_by": " ".join(one.expected_by) or None,
        "what": proposal.in_words(change),
        "proposed_id": proposed or None,
        "proposed_row": proposal.as_csv([list(row.values())]).strip() if proposed else None,
        "crosswalk": proposal.as_csv(walk).strip() or None,
    }


def _roughly(change: Change) -> Change:
    """Without counts, and with shares to the nearest ROUGH."""
    return replace(
        change,
        count_before=None,
        count_after=None,
        share=_rough(change.share),
        crosswalk=tuple(
            replace(line, share=_rough(line.share), lower=None, upper=None)
            for line in change.crosswalk
        ),
    )


def _rough(share: float | None) -> float | None:
    """None for what is nearest to none."""
    return (round(share / ROUGH) * ROUGH or None) if share else None


def _span(days: Days | None) -> str | None:
    return period.describe_coverage(*days) if days else None


def check(source: Source, rows: Sequence[Row]) -> Check:
    """Whether the catalogue covers every change. It warns, and stops nothing."""
    news = [row for row in rows if not row["expected_by"]]
    if not news:
        return Check(source.name, CHECK.name, True, CHECK.words)
    more = [f"{len(news) - MOST} more"] * (len(news) > MOST)
    told = [f"{row['classification']}, {row['what']}" for row in news[:MOST]]
    message = f"categories changed: {'. '.join([*told, *more])}. {REPAIR}"
    return Check(source.name, CHECK.name, False, message, failed_rows=len(news))
