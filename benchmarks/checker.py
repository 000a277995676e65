"""Whether two contestants' results are equal, row for row; and where not, what differs.

Belongs here: what is compared, and in which form. Does not belong here: how a contestant gets
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

NAMES = (
    "crime_id",
    "month",
    "reported_by",
    "falls_within",
    "longitude",
    "latitude",
    "location",
    "lsoa_code",
    "lsoa_name",
    "crime_type",
    "last_outcome_category",
    "context",
)
CLEAN = ("row", *NAMES, "area_code")
SHOWN = 3


@dataclass(frozen=True)
class Difference:
    """Rows of one table that only one side has, with a few of them."""

    what: str
    only_left: int
    only_right: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.what}: {self.only_left} only left, {self.only_right} only right"]
        return "\n  ".join([*lines, *self.examples])


def differences(left: Path, right: Path) -> list[Difference]:
    """What two result files (DuckDB, as `contestants` describes) do not have in common.

    Multisets are compared, by `EXCEPT ALL` both ways: clean rows and quarantine file by file, then
    the counts. Nothing is sampled.
    """
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    try:
        for side, path in (("left_one", left), ("right_one", right)):
            connection.execute(f"ATTACH '{path}' AS {side} (READ_ONLY)")
        return [*_by_file(connection), *_counts(connection)]
    finally:
        connection.close()


def _by_file(connection: DuckDBPyConnection) -> list[Difference]:
    sides = [
        f"SELECT file FROM {side}.{table}"
        for side in ("left_one", "right_one")
        for table in ("clean", "quarantine")
    ]
    files = connection.execute(f"{' UNION '.join(sides)} ORDER BY file").fetchall()
    found = []
    for (file,) in files:
        which = f"WHERE file = '{file}'"
        columns = ", ".join(f"{name}::{_plain(name)} AS {name}" for name in CLEAN)
        found.append(_compared(connection, f"clean rows of {file}", f"clean {which}", columns))
        reasons = "row::BIGINT AS row, list_sort(rules) AS rules"
        found.append(_compared(connection, f"quarantine of {file}", f"quarantine {which}", reasons))
    return [one for one in found if one]


def _plain(name: str) -> str:
    kinds = {"row": "BIGINT", "month": "DATE", "longitude": "DOUBLE", "latitude": "DOUBLE"}
    return kinds.get(name, "VARCHAR")


def _counts(connection: DuckDBPyConnection) -> list[Difference]:
    shared = "period_kind::VARCHAR, period_start::DATE, crime_type::VARCHAR, rows::BIGINT"
    found = [
        _compared(connection, "counts by area", "area_count", f"area_code::VARCHAR, {shared}"),
        _compared(connection, "counts by LSOA", "lsoa_count", f"lsoa_code::VARCHAR, {shared}"),
    ]
    return [one for one in found if one]


def _compared(
    connection: DuckDBPyConnection, what: str, origin: str, columns: str
) -> Difference | None:
    for side in ("left_one", "right_one"):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {side}_now AS SELECT {columns} FROM {side}.{origin}"
        )
    counts, examples = [], []
    for one, other in (("left_one", "right_one"), ("right_one", "left_one")):
        only = f"(FROM {one}_now EXCEPT ALL FROM {other}_now)"
        row = connection.execute(f"SELECT count(*) FROM {only}").fetchone()
        counts.append(int(row[0]) if row else 0)
        if counts[-1]:
            shown = connection.execute(f"FROM {only} ORDER BY ALL LIMIT {SHOWN}").fetchall()
            examples += [f"only {one.removesuffix('_one')}: {each}" for each in shown]
    return Difference(what, counts[0], counts[1], tuple(examples)) if any(counts) else None


PUBLISHED = {
    "all_crime_rate": "crime_type <> 'Anti-social behaviour'",
    "asb_rate": "crime_type = 'Anti-social behaviour'",
    "burglary_rate": "crime_type = 'Burglary'",
}


def published(result: Path) -> list[Difference]:
    """Where the numerators of a release's indicators are not the counts by area.

    `result` has `area_count` and `published_count` (indicator, period_kind, period_start,
    area_code, rows).
    """
    counted = " UNION ALL ".join(
        f"SELECT '{indicator}' AS indicator, * EXCLUDE (crime_type) REPLACE (sum(rows) AS rows) "
        f"FROM result.area_count WHERE {which} GROUP BY ALL"
        for indicator, which in PUBLISHED.items()
    )
    connection = duckdb.connect()
    try:
        connection.execute(f"ATTACH '{result}' AS result (READ_ONLY)")
        for side, origin in (("left_one", f"({counted})"), ("right_one", "result.published_count")):
            connection.execute(f"CREATE SCHEMA {side}")
            connection.execute(f"CREATE TABLE {side}.count_now AS FROM {origin}")
        columns = (
            "indicator, period_kind::VARCHAR, period_start::DATE, area_code::VARCHAR, rows::BIGINT"
        )
        found = _compared(connection, "numerators of indicators", "count_now", columns)
        return [found] if found else []
    finally:
        connection.close()


def told(result: Path, files: int) -> str:
    """What was compared, in words."""
    connection = duckdb.connect(str(result), read_only=True)
    try:
        clean, bad, areas, lsoas = (
            int((connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,))[0])
            for table in ("clean", "quarantine", "area_count", "lsoa_count")
        )
    finally:
        connection.close()
    return (
        f"Compared row for row, nothing sampled: {clean:,} clean rows and {bad:,} quarantined ones "
        f"(with all their reasons and line numbers) of {files} files, {areas:,} counts by month or "
        f"year, area and crime type, {lsoas:,} by month or year, LSOA and crime type."
    )
