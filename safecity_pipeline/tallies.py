"""Rows of a source counted once by what indicators ask of them, and kept from refresh to refresh.

A dozen indicators then read a few thousand counts, and not a dozen times millions of rows; and
where one extract came, only its rows are counted.

Belongs here: which extracts have to be counted anew, and that the counts are those of the rows.
Does not belong here: what indicators ask (`measure`), when an extract's rows may have changed
(`upkeep` gives each a version).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from safecity_pipeline import upkeep
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STATE = """
CREATE TABLE IF NOT EXISTS build.tallied (
    source VARCHAR, columns VARCHAR, extract_id VARCHAR, version VARCHAR);
"""


def bring_up_to_date(
    connection: DuckDBPyConnection, asked: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Count the rows of each source by the columns that are asked for, which begin with
    `_extract_id`; answers the tables, with `_rows` as their last column.

    The caller holds the transaction.
    """
    return {name: _of(connection, name, ", ".join(columns)) for name, columns in asked.items()}


def _of(connection: DuckDBPyConnection, source: str, columns: str) -> str:
    table, rows = f"build.tally_{source}", f"clean.{source}"
    stored = connection.execute(
        "SELECT extract_id, version FROM build.tallied WHERE source = ? AND columns = ?",
        [source, columns],
    ).fetchall()
    wanted = upkeep.versions_of_extracts(connection, source)
    stands = {extract_id for extract_id, version in stored if wanted.get(extract_id) == version}
    if not stands:
        _create(connection, table, rows, columns)
    elif len(stands) < max(len(wanted), len(stored)):
        _count_others(connection, table, rows, columns, stands)
    if stands and not _counts_are_right(connection, table, rows):
        _create(connection, table, rows, columns)
    connection.execute("DELETE FROM build.tallied WHERE source = ?", [source])
    noted = [(source, columns, extract_id, version) for extract_id, version in wanted.items()]
    if noted:
        upkeep.insert(connection, "build.tallied", noted)
    return table


def _create(connection: DuckDBPyConnection, table: str, rows: str, columns: str) -> None:
    counted = f"SELECT {columns}, count(*) AS _rows FROM {rows} GROUP BY ALL"
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {counted}")


def _count_others(
    connection: DuckDBPyConnection, table: str, rows: str, columns: str, stands: set[str]
) -> None:
    """Count the rows of all extracts but those that stand."""
    others = f"_extract_id NOT IN ({', '.join(map(quoted, sorted(stands)))})"
    connection.execute(f"DELETE FROM {table} WHERE {others}")
    connection.execute(
        f"INSERT INTO {table} SELECT {columns}, count(*) FROM {rows} WHERE {others} GROUP BY ALL"
    )


def _counts_are_right(connection: DuckDBPyConnection, table: str, rows: str) -> bool:
    """Whether as many rows of each extract are counted as there are: a figure rests on it."""
    kept = f"SELECT _extract_id, sum(_rows)::BIGINT FROM {table} GROUP BY ALL"
    there = f"SELECT _extract_id, count(*) FROM {rows} GROUP BY ALL"
    off = connection.execute(
        f"SELECT 1 FROM ((({kept}) EXCEPT ({there})) UNION ALL (({there}) EXCEPT ({kept}))) LIMIT 1"
    ).fetchall()  # to its end: a result that is left open is in the way of the next statement
    return not off
