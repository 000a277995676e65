"""What is told of a source's categories: rows of meta.classification_change, and the check.

Belongs here: columns, and what is left out of them. Of a source that is not for everybody no count
is told, since what a category lost may be a number that is hidden elsewhere. Does not belong here:
the command that prints them (`categories`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Check, CheckSpec, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.watch import proposal
from safecity_pipeline.watch.expected import Seen

CHECK = CheckSpec(
    "categories_changed", "every change of the categories is in definitional_changes.csv"
)
MOST = 3
"""Changes that a message tells; the table has them all."""
REPAIR = (
    "`safecity classification` lists what is new, and `--csv` writes the rows for "
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
    change, shown = one.change, counts_shown(source)
    walk = proposal.crosswalk(one, proposed or " ".join(one.expected_by))
    row = proposal.row(one, source, known.areas, proposed, shown)
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
        **_counts(one, shown),
        "share": _share(change.share, shown),
        "expected_by": " ".join(one.expected_by) or None,
        "what": proposal.in_words(change, shown),
        "proposed_id": proposed or None,
        "proposed_row": proposal.as_csv([list(row.values())]).strip() if proposed else None,
        "crosswalk": proposal.as_csv(walk).strip() or None,
    }


def _counts(one: Seen, shown: bool) -> Row:
    change = one.change
    before, after = (
        period.describe_coverage(*days) if days else None for days in (change.before, change.after)
    )
    return {
        "count_before": change.count_before if shown else None,
        "count_after": change.count_after if shown else None,
        "counted_before": before,
        "counted_after": after,
    }


def _share(share: float | None, shown: bool) -> float | None:
    return share if share is None or shown else round(share, 2)


def check(source: Source, rows: Sequence[Row]) -> Check:
    """Whether the catalogue covers every change. It warns, and stops nothing."""
    news = [row for row in rows if not row["expected_by"]]
    if not news:
        return Check(source.name, CHECK.name, True, CHECK.words)
    more = [f"{len(news) - MOST} more"] * (len(news) > MOST)
    told = [f"{row['classification']}, {row['what']}" for row in news[:MOST]]
    message = f"categories changed: {'. '.join([*told, *more])}. {REPAIR}"
    return Check(source.name, CHECK.name, False, message, failed_rows=len(news))
