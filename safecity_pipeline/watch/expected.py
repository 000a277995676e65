"""Which row of the catalogue covers a change of categories, so that it surprises nobody.

A row covers it when it took effect in the same days, reaches a series that the categories belong to
(or the source), and the areas, and is of a kind that changes categories: a drive to record more
crime gives a category no other name. A category belongs to the series of the indicators that count
it, so that nobody has to say so twice.

Belongs here: the match. Does not belong here: the catalogue (`registry.changes`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from safecity_pipeline.model import Classification, Indicator, Source
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.registry.changes import Change as Catalogued
from safecity_pipeline.registry.changes import Changes
from safecity_pipeline.watch.changes import Change
from safecity_pipeline.watch.edges import WHOLE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_CATEGORIES = (
    *("recording behaviour", "recording standard", "inspection"),
    *("event", "denominator", "comparator"),
)
"""Kinds and natures of change that rename and divide nothing."""
IN_DOUBT = timedelta(days=31)
"""By which the day of a row may be wrong that is still to be verified."""
MOSTLY = 0.5
LISTED_FOR_YEARS = 3
"""How long a table may list categories after they ended."""


@dataclass(frozen=True)
class Seen:
    """A change of the categories of a source's column, and the series that they belong to: the most
    particular ones; none where no indicator asks for them."""

    source: str
    column: str
    change: Change
    series: tuple[str, ...]
    expected_by: tuple[str, ...] = ()


def series_of(
    connection: DuckDBPyConnection,
    source: Source,
    one: Classification,
    categories: Collection[str],
    indicators: Iterable[Indicator],
) -> tuple[str, ...]:
    """The series of the indicators that ask for a classified column and count at least half of the
    rows of a category; where none does, those that the classification says."""
    columns = {each.column for each in source.classified}
    windows = {each.name for each in source.windows}
    asking = [
        (indicator.series, part.where)
        for indicator in indicators
        for part in (indicator.value, indicator.numerator, indicator.denominator)
        if part and part.source == source.name and part is indicator.main
        for words in [set(re.findall(r"\w+", part.where))]
        if words & columns and not words & windows
    ]
    if not asking or not categories:
        return one.series
    counted = ", ".join(
        f"count(*) FILTER (WHERE {where}) >= {MOSTLY} * count(*)" for _, where in asking
    )
    answers = connection.execute(
        f'SELECT {counted} FROM {source.clean} WHERE list_contains(?::VARCHAR[], "{one.column}") '
        f'GROUP BY "{one.column}"',
        [list(categories)],
    ).fetchall()
    found = {
        series
        for of_category in answers
        for (series, _), counts in zip(asking, of_category, strict=True)
        if counts
    }
    most = (name for name in found if not any(_below(more, name) for more in found))
    return tuple(sorted(most)) or one.series


def _below(series: str, name: str) -> bool:
    return series.startswith(f"{name}.")


def judged(seen: Seen, changes: Changes, areas: Areas) -> Seen:
    """With the ids of the rows of the catalogue that cover it."""
    covering = [
        one.id
        for one in changes.changes
        if not {one.kind, one.nature} & set(NO_CATEGORIES)
        and one.materiality != "event"
        and _in_time(one, seen.change)
        and _reaches(one, changes, seen)
        and _concerns(one, seen.change, areas)
    ]
    return replace(seen, expected_by=tuple(covering))


def _concerns(one: Catalogued, change: Change, areas: Areas) -> bool:
    """All areas that show it; words that stand for no area, such as "place not known", aside."""
    known = [area for area in change.areas if areas.by_code(area)]
    if not known:
        return one.area_code is None
    return all(one.concerns(area, areas.home_force(area)) for area in known)


def _in_time(one: Catalogued, change: Change) -> bool:
    length = change.period[1] - change.period[0]
    # So much of a period may be over that still counts as whole.
    doubt = max((1 - WHOLE) * length, IN_DOUBT if "verify" in one.status else timedelta(0))
    first = change.first
    if change.kind == "emptied":
        first = date(first.year - LISTED_FOR_YEARS, first.month, 1)
    return one.effective_first <= change.last + doubt and one.effective_last >= first - doubt


def _reaches(one: Catalogued, changes: Changes, seen: Seen) -> bool:
    """A row about a part of the series counts too: which of the categories it means, nobody says.
    A row about a part of all crime does not, or any row would."""
    sources = {seen.source}
    if any(sign == "@" and name in sources for sign, name in one.scope.terms):
        return True
    return any(
        changes.reaches(one, series, sources)
        or ("." in series and any(_below(name, series) for s, name in one.scope.terms if s != "!"))
        for series in seen.series
    )
