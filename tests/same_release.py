"""Whether two warehouses hold the same release: every table of both databases, row for row.

Here: the comparison that the tests of incremental refreshes and of crashes share. Left out is what
two runs may differ in, and nothing else: stamps, run ids, times, costs, and what a run remembers of
files that are gone.
"""

from pathlib import Path

import duckdb

DATABASES = ("public/safecity.duckdb", "restricted/safecity_restricted.duckdb")
TIMES = {"meta.release": ("stamp", "published_at"), "meta.check_result": ("run_id",)}
HISTORY = {
    "meta.extract": "status <> 'withdrawn'",
    "meta.check_result": "check_name <> 'files_still_there'",
    "meta.run_cost": "false",
}
ORDERED = "mart"  # what analysts read first has the same order as well

Shape = dict[str, list[tuple[str, str]]]


def differences(one: Path, other: Path) -> list[str]:
    """What differs between the newest releases of two warehouse folders, a line a table; nothing
    where they are equal."""
    return [
        f"{Path(database).stem} {found}"
        for database in DATABASES
        for found in _between(one / "current" / database, other / "current" / database)
    ]


def _between(one: Path, other: Path) -> list[str]:
    connection = duckdb.connect(config={"threads": 1})  # most tables are small
    try:
        for name, file in (("one", one), ("other", other)):
            connection.execute(f"ATTACH '{file.resolve()}' AS \"{name}\" (READ_ONLY)")
        shapes = _shape(connection, "one"), _shape(connection, "other")
        if shapes[0] != shapes[1]:
            names = sorted(table for table in {**shapes[0], **shapes[1]})
            unlike = [name for name in names if shapes[0].get(name) != shapes[1].get(name)]
            return [f"{name}: not the same columns" for name in unlike]
        found = (_rows_between(connection, table, shapes[0][table]) for table in shapes[0])
        return [line for line in found if line]
    finally:
        connection.close()


def _shape(connection: duckdb.DuckDBPyConnection, database: str) -> Shape:
    """Every table with its columns and their types, in order."""
    columns = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? ORDER BY 1, column_index",
        [database],
    ).fetchall()
    shape: Shape = {}
    for table, column, kind in columns:
        shape.setdefault(table, []).append((column, kind))
    return shape


def _rows_between(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[tuple[str, str]]
) -> str | None:
    compared = ", ".join(f'"{name}"' for name, _ in columns if name not in TIMES.get(table, ()))
    one, other = (
        f'SELECT {compared} FROM "{database}".{table} WHERE {HISTORY.get(table, "true")}'
        for database in ("one", "other")
    )
    if _few(connection, one) and connection.execute(one).fetchall() == (
        connection.execute(other).fetchall()
    ):
        return None  # as nearly all are, and this is quicker than to ask for the difference
    only = [
        connection.execute(f"({mine}) EXCEPT ALL ({theirs})").fetchall()
        for mine, theirs in ((one, other), (other, one))
    ]
    if any(only):
        samples = "; ".join(str(min(rows, key=str)) for rows in only if rows)
        return f"{table}: {len(only[0])} and {len(only[1])} rows stand in one only, as {samples}"
    if table.startswith(f"{ORDERED}.") and _few(connection, one):
        return f"{table}: the same rows in another order"
    return None


def _few(connection: duckdb.DuckDBPyConnection, rows: str) -> bool:
    counted = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()
    return counted is not None and counted[0] < 100_000
