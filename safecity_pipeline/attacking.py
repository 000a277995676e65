"""An outsider reads the shareable database of a release.

Belongs here: which of its tables state a figure of an area and period, or count people's affairs,
and how they are read; what an earlier release tells that this one does not. Does not belong here:
what a figure states and how figures add up (`outsider`).

Claims, estimates and comparable values are computed from what may be shared alone, so that they
tell nothing beyond it; values that they repeat are read all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecity_pipeline import measure, outsider, tables, warehouse
from safecity_pipeline.outsider import Members, Number, Outsider
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WHOLE = "dimension = 'all'"
# Tables beside values and findings: the columns of period and value. What stands in those of
# BEFORE was told, or would have been, before now.
NOW: tuple[tuple[Table, str, str, str], ...] = (
    (tables.COMPARABLE_VALUE, "period", "value", WHOLE),
    (tables.COMPARABLE_VALUE, "period", "comparable_value * exp(-step)", WHOLE),
    (tables.REVISION, "period", "value", "true"),
    (tables.PRINTED, "period", "value", "true"),
    (tables.DRAFT, "period", "value", "figure = 'value'"),
    (tables.DRAFT, "base_period", "base_value", "figure = 'value'"),
)
BEFORE: tuple[tuple[Table, str, str, str], ...] = (
    (tables.REVISION, "period", "first_value", "true"),
    (tables.PRINTED, "period", "printed_value", "true"),
)


def read(one: Outsider, connection: DuckDBPyConnection, indicators: Sequence[str]) -> None:
    """Have an outsider read what a release tells of some indicators, and of their sources."""
    one.read_values(_values(connection, indicators))
    one.read_findings(_findings(connection, indicators))
    one.read_figures(_figures(connection, NOW, indicators), again=False)
    one.read_figures(_figures(connection, BEFORE, indicators), again=True)
    _read_ledger(one, connection)


def read_again(one: Outsider, releases: Iterable[Path], sql: Mapping[str, str]) -> list[str]:
    """Have an outsider read what earlier releases tell, the newest first. Answers their names.

    `sql`: how each indicator is computed now. What was computed otherwise tells nothing of it, and
    neither do figures of made-up extracts of real ones.
    """
    read_of = []
    for folder in sorted(releases, reverse=True):
        with warehouse.opened(folder, edition=warehouse.fullest(folder)) as connection:
            before = _statements(connection)
            same = [key for key, statement in sql.items() if before.get(key) == statement]
            one.read_values(_values(connection, same), again=True)
            one.read_findings(_findings(connection, same), again=True)
            one.read_figures(_figures(connection, NOW, same), again=True)
        read_of.append(folder.name)
    return read_of


def given_away(
    known: Registry,
    releases: Iterable[Path],
    sql: Mapping[str, str],
    areas: Mapping[str, list[Members]],
) -> frozenset[Number]:
    """Numbers that follow from earlier releases alone more closely than their rule allows, as where
    they were published under a weaker one. To refuse another release does not take them back."""
    kept = sorted(releases, reverse=True)
    if not kept:
        return frozenset()
    one = Outsider(known)
    with warehouse.opened(kept[0], edition=warehouse.fullest(kept[0])) as connection:
        before = _statements(connection)
        same = [key for key, statement in sql.items() if before.get(key) == statement]
        read(one, connection, same)
    read_again(one, kept[1:], sql)
    one.add_up(areas)
    return frozenset(one.judged().narrow)


def earlier(releases: Path, synthetic: bool) -> list[Path]:
    """The releases that are kept, of made-up extracts or of real ones."""
    found = []
    for folder in sorted(releases.glob("[!.]*")):
        with warehouse.opened(folder) as connection:
            (made_up,) = connection.execute("SELECT synthetic FROM meta.release").fetchall()[0]
        if bool(made_up) is synthetic:
            found.append(folder)
    return found


def statements(known: Registry, indicators: Iterable[str]) -> dict[str, str]:
    """How some indicators are computed, as meta.indicator says it."""
    return {key: measure.sql(known.indicators[key], known.sources) for key in indicators}


def _statements(connection: DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("SELECT indicator, sql FROM meta.indicator").fetchall())


def _values(connection: DuckDBPyConnection, indicators: Sequence[str]) -> list[dict[str, Any]]:
    return _rows(connection, tables.INDICATOR_VALUE, outsider.VALUE, indicators)


def _findings(connection: DuckDBPyConnection, indicators: Sequence[str]) -> list[dict[str, Any]]:
    changes = f"{WHOLE} AND compared_start IS NOT NULL"
    return _rows(connection, tables.FINDING, outsider.FINDING, indicators, changes)


def _rows(
    connection: DuckDBPyConnection,
    table: Table,
    columns: Sequence[str],
    indicators: Sequence[str],
    only: str = "true",
) -> list[dict[str, Any]]:
    found = connection.execute(
        f"SELECT {', '.join(columns)} FROM {table.full_name} "
        f"WHERE list_contains(?::VARCHAR[], indicator) AND {only} ORDER BY ALL",
        [list(indicators)],
    )
    return warehouse.named_rows(found)


def _figures(
    connection: DuckDBPyConnection,
    stated: Iterable[tuple[Table, str, str, str]],
    indicators: Sequence[str],
) -> Iterator[tuple[str, str, str, float | None]]:
    for table, label, value, only in stated:
        yield from connection.execute(
            f"SELECT indicator, area_code, {label}, {value} FROM {table.full_name} "
            f"WHERE list_contains(?::VARCHAR[], indicator) AND {only} ORDER BY ALL",
            [list(indicators)],
        ).fetchall()


def _read_ledger(one: Outsider, connection: DuckDBPyConnection) -> None:
    """How many rows units and files have, of sources whose rows are events."""
    units = connection.execute(
        "SELECT source, extract_id, unit, period, rows FROM meta.extract_unit "
        "JOIN meta.extract AS e USING (extract_id) WHERE extract_unit.status = 'counted' "
        "AND e.status = 'read' ORDER BY ALL"
    ).fetchall()
    files = connection.execute(
        "SELECT source, extract_id, rows_valid FROM meta.extract WHERE status = 'read' ORDER BY ALL"
    ).fetchall()
    one.read_ledger(units, files)
