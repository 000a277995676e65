"""What a release of `safecity refresh` says, in the form in which results are compared.

    python -m benchmarks.contestants.ours WAREHOUSE RESULT.duckdb

The counts by LSOA are no indicator; they are asked of the release as an analyst would, and their
cost is added to ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

MONTHS = """
    SELECT month AS period_start, area_code, lsoa_code, crime_type, count(*) AS rows
    FROM release.clean.street_crime GROUP BY ALL"""
YEAR = "make_date(year(period_start) - (month(period_start) < 4)::INTEGER, 4, 1) AS period_start"


def counts(warehouse: Path, result: Path) -> None:
    """Write `area_count` and `lsoa_count` of the newest release into a DuckDB file."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "600MB"})
    restricted = warehouse / "current" / "restricted" / "safecity_restricted.duckdb"
    connection.execute(f"ATTACH '{restricted}' AS release (READ_ONLY)")
    connection.execute(f"ATTACH '{result}' AS result; USE result")
    connection.execute(f"CREATE TEMP TABLE by_month AS {MONTHS}")
    for kind in ("area", "lsoa"):
        connection.execute(f"""
            CREATE TABLE {kind}_count AS
            SELECT 'month' AS period_kind, period_start, {kind}_code, crime_type,
                   sum(rows)::BIGINT AS rows
            FROM by_month {"WHERE area_code IS NOT NULL" if kind == "area" else ""} GROUP BY ALL
            UNION ALL
            SELECT 'year', {YEAR}, {kind}_code, crime_type, sum(rows)::BIGINT
            FROM by_month {"WHERE area_code IS NOT NULL" if kind == "area" else ""} GROUP BY ALL
            """)
    connection.close()


def rows(warehouse: Path, result: Path) -> None:
    """Copy clean rows and quarantine beside the counts, for the checker; not measured."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    restricted = warehouse / "current" / "restricted" / "safecity_restricted.duckdb"
    connection.execute(f"ATTACH '{restricted}' AS release (READ_ONLY)")
    connection.execute(f"ATTACH '{result}' AS result (RECOVERY_MODE no_wal_writes); USE result")
    file = "JOIN release.meta.extract e ON e.extract_id = r._extract_id"
    connection.execute(f"""
        CREATE TABLE clean AS
        SELECT e.file, r._row AS row, r.* FROM release.clean.street_crime r {file};
        CREATE TABLE quarantine AS
        SELECT e.file, r._row AS row, r.rules, r.received
        FROM release.quarantine.street_crime r {file};
        CREATE TABLE published_count AS
        SELECT indicator, period_kind, period_start, area_code, numerator::BIGINT AS rows
        FROM release.mart.indicator_value
        WHERE indicator IN ('all_crime_rate', 'asb_rate', 'burglary_rate')
          AND period_kind IN ('month', 'year') AND dimension = 'all';
        """)
    connection.close()


if __name__ == "__main__":
    counts(Path(sys.argv[1]), Path(sys.argv[2]))
