"""A change of categories in words, as a row of definitional_changes.csv, and as a crosswalk.

The row is a draft: what the extracts cannot say (who decided it, its name) is left to the analyst,
and its status is "to verify".

Belongs here: words and columns. Does not belong here: what is told to whom (`bookkeeping`,
`relabelled`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence

from safecity_pipeline import period
from safecity_pipeline.model import Source
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.registry.changes import CHANGE_COLUMNS
from safecity_pipeline.watch.changes import Change, Crossed
from safecity_pipeline.watch.counts import Days
from safecity_pipeline.watch.expected import Seen

CROSSWALK_COLUMNS = [
    *("change", "source", "column", "old", "new", "share", "lower_95", "upper_95", "status")
]
MOST_NAMED = 3
LARGE = 0.05
"""Of all that is counted: what breaks comparisons though no indicator asks for the categories."""
_ONE_AREA = {"police_force": "force", "local_authority": "one peer"}
_DIRECTIONS = {"appeared": "up, by a new category", "vanished": "down, by a category less"}
_HANDLING = {
    "respelt": "map the new spelling to the old one in the layout; nothing else changed",
    "renamed": "map the old name to the new one; count them as one category",
    "appeared": "[b]; no figure of it before; find out where such cases were counted until then",
    "vanished": "[b]; no figure of it after; find out where such cases are counted since then",
    "emptied": "[b]; use one of the two classifications; only their total may be comparable",
}
_MANY = "[b]; compare only the total of the categories in the crosswalk"


def in_words(change: Change) -> str:
    """What happened, when, where and how large, in one sentence without a full stop."""
    parts = [f"{_when(change)}{_where(change)}: {what(change)}"]
    if size := _size(change):
        parts.append(size)
    if change.reason:
        parts.append(change.reason)
    return "; ".join(parts)


def what(change: Change, most: int | None = MOST_NAMED) -> str:
    """What happened, without when and where."""
    old, new = _listed(change.old, most), _listed(change.new, most)
    gave, took = _listed(change.gave, most), _listed(change.took, most)
    given = f" with a part of {gave}" if gave and old else f"a part of {gave}" if gave else ""
    taken = f" and went into {took} in part" if took and new else took
    if change.kind == "emptied":
        return f"{old} are listed and not counted any more, and {new} are counted instead"
    if change.kind == "respelt":
        return f"{old} is written {new}"
    if change.kind == "renamed":
        return f"{old} became {new}"
    if not (old or gave):
        return f"{new} is new"
    if not (new or took):
        return f"{old} is not counted any more"
    return f"{old}{given} became {new}{taken}"


def _listed(names: Sequence[str], most: int | None) -> str:
    shown = [f'"{name}"' for name in (names if most is None else names[:most])]
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _when(change: Change) -> str:
    if change.kind == "emptied":
        return f"by {_day(change.last)}"
    if change.first == change.last:
        return f"from {_day(change.first)} on"
    about = f", by the counts about {_month(change.about)}" if change.about else ""
    return f"within {period.describe_coverage(change.first, change.last)}{about}"


def _day(day: object) -> str:
    return period.describe_coverage(day, day)  # type: ignore[arg-type]


def _month(day: object) -> str:
    return period.month(day).printed  # type: ignore[arg-type]


def _where(change: Change) -> str:
    if change.areas_of < 2:
        return ""
    return f", in {len(change.areas)} of {change.areas_of} areas"


def _size(change: Change) -> str:
    if change.share is None:
        return ""
    share = f"{max(change.share * 100, 0.1):.1f} % of all that the same areas count"
    told = [
        f"{count:,.0f} in {_span(days)}"
        for count, days in (
            (change.count_before, change.before),
            (change.count_after, change.after),
        )
        if count and days
    ]
    return f"{' and '.join(told)}, {share}" if told else share


def _span(days: Days) -> str:
    return period.describe_coverage(*days)


def key(seen: Seen, taken: Collection[str] = ()) -> str:
    """An id for the row: where and when; with a number where that is taken."""
    change = seen.change
    stem = f"W-{seen.source}-{seen.column}-{change.last:%Y-%m}"
    number = 2
    found = stem
    while found in taken:
        found, number = f"{stem}-{number}", number + 1
    return found


def row(seen: Seen, source: Source, areas: Areas, key: str) -> dict[str, str]:
    """The columns of definitional_changes.csv."""
    change = seen.change
    scope, code = _area(change, areas)
    day = change.about or change.first
    one_day = change.about or (change.first if change.first == change.last else None)
    return dict.fromkeys(CHANGE_COLUMNS, "") | {
        "id": key,
        "effective_date": day.isoformat(),
        "effective_first": change.first.isoformat(),
        "effective_last": change.last.isoformat(),
        "test_dates": one_day.isoformat() if one_day and change.kind != "respelt" else "",
        "kind": "classification",
        "what_changed": what(change, None),
        "in_short": "the categories changed by which it is counted",
        "series_scope": " ".join(seen.series) or f"@{seen.source}",
        "materiality": _materiality(seen),
        "affects": "; ".join(change.categories),
        "area_scope": scope,
        "area_code": code,
        "expected_direction": _direction(change),
        "size_if_published": f"not known; in the extracts: {_size(change) or 'not told'}",
        "back_series": "not known",
        "handling": _HANDLING.get(change.kind, _MANY),
        "source_name": f"classification watch over the extracts of {seen.source}: {source.title}",
        "status": "to verify",
    }


def _materiality(seen: Seen) -> str:
    """Proposed is what breaks no more than it must: a row without a series reaches all that is
    counted from the source."""
    if seen.change.kind == "respelt":
        return "negligible"
    if seen.series:
        return "material"
    large = (seen.change.share or 0) >= LARGE and seen.change.kind != "renamed"
    return "material" if large else "negligible"


def _direction(change: Change) -> str:
    if change.kind in ("respelt", "renamed"):
        return "none"
    return _DIRECTIONS.get(change.kind, "categories not comparable, total roughly so")


def _area(change: Change, areas: Areas) -> tuple[str, str]:
    """area_scope and area_code: one area where one of several shows it and the catalogue can say
    so, else national, by force where some show it and some do not."""
    known = areas.by_code(change.areas[0]) if len(change.areas) == 1 < change.areas_of else None
    if known and known.type in _ONE_AREA:
        return _ONE_AREA[known.type], known.code
    everywhere = len(change.areas) == change.areas_of
    return ("national" if everywhere else "national, force-dated"), ""


def crosswalk(seen: Seen, key: str) -> list[list[str]]:
    """Rows of CROSSWALK_COLUMNS. A share that the counts cannot tell is empty, with what limits
    they set."""
    return [
        [
            key,
            seen.source,
            seen.column,
            *(_harmless(name) for name in (line.old, line.new)),
            *(_number(part) for part in (line.share, line.lower, line.upper)),
            f"{_known(line, seen.change)}to verify",
        ]
        for line in seen.change.crosswalk
    ]


def _known(line: Crossed, change: Change) -> str:
    if line.share is None:
        return "share not known; "
    return "of the part that it lost; " if line.old in change.gave else ""


def _number(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"


def _harmless(name: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@\t\r" else name


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as lines of CSV."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()
