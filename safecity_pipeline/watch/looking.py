"""All changes of the categories of one source, judged against the catalogue.

Belongs here: from clean rows to what was seen. Does not belong here: tables and checks
(`bookkeeping`, `refresh`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from safecity_pipeline.model import Classification, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.watch import changes, counts, expected
from safecity_pipeline.watch.expected import Seen

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def seen(connection: DuckDBPyConnection, source: Source, known: Registry) -> list[Seen]:
    """What is to be seen in the clean rows of a source, by column, in the order of time."""
    return [
        expected.judged(one, known.changes, known.areas)
        for column in source.classified
        for one in _in(connection, source, column, known)
    ]


def _in(
    connection: DuckDBPyConnection, source: Source, column: Classification, known: Registry
) -> Iterator[Seen]:
    indicators = known.indicators.values()
    for counted in counts.of_source(connection, source, column, bodies_followed(known.areas)):
        for one in changes.found(counted):
            series = expected.series_of(connection, source, column, one.keys, indicators)
            yield Seen(source.name, column.column, one, series)


def bodies_followed(areas: Areas) -> dict[str, str]:
    """Body without an area → the one that took its place, where there is one: its categories go on
    under another name."""
    return {
        area.code: area.successors[0]
        for area in areas.areas
        if area.type == "body" and len(area.successors) == 1
    }
