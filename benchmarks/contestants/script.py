"""The limit: one hand-written DuckDB script, tuned for exactly this job and for no other.

    python -m benchmarks.contestants.script RAW AREAS.csv RESULT.duckdb

It knows in advance what ours finds out: that there are twelve columns in this order, that no cell
holds a line break, that each file is one month. Each file is read once; lists are ENUM types, so
that the cast is both the check and the storage; a reference is kept as 32 bytes. Not here: anything
of the project, whose imports alone would cost it three seconds.

Tried on 0.5 to 2 million rows, two threads (CPU seconds a million rows):

* text staged, rules over the staged table, clean rows by an anti join         13
* an ENUM cast of empty cells, which fails 38 times in a hundred               +3, hence nullif
* locations cast to an ENUM of which the file has some that are missing       436
  (a cast that fails looks for the nearest of 27 thousand words, also under TRY_CAST)
* typed in one INSERT a file, bad rows deleted afterwards                       5.1
* the same, one transaction over all files                                      4.0
* the same, one INSERT of a UNION ALL over all files                            4.3
* the same, two connections with half of the files each, a commit a file        4.5
* the same, two connections with one transaction each: kept                     3.4
* locations and LSOAs as text, not as ENUM: nothing lost, and nothing to know in advance
* no write-ahead log (RECOVERY_MODE no_wal_writes): a crash loses the file, which a script may
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

CELLS = [f"c{at}" for at in range(13)]  # one more than there are, to catch rows that have it
CONNECTIONS = 2
CRIME_TYPES = (
    "Anti-social behaviour",
    "Bicycle theft",
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Possession of weapons",
    "Public disorder and weapons",
    "Public order",
    "Robbery",
    "Shoplifting",
    "Theft from the person",
    "Vehicle crime",
    "Violence and sexual offences",
    "Violent crime",
)
OUTCOMES = (
    "Action to be taken by another organisation",
    "Awaiting court outcome",
    "Court case unable to proceed",
    "Court result unavailable",
    "Defendant found not guilty",
    "Defendant sent to Crown Court",
    "Formal action is not in the public interest",
    "Further action is not in the public interest",
    "Further investigation is not in the public interest",
    "Investigation complete; no suspect identified",
    "Local resolution",
    "Offender deprived of property",
    "Offender fined",
    "Offender given a caution",
    "Offender given a drugs possession warning",
    "Offender given absolute discharge",
    "Offender given community sentence",
    "Offender given conditional discharge",
    "Offender given penalty notice",
    "Offender given suspended prison sentence",
    "Offender ordered to pay compensation",
    "Offender otherwise dealt with",
    "Offender sent to prison",
    "Status update unavailable",
    "Suspect charged",
    "Suspect charged as part of another case",
    "Unable to prosecute suspect",
    "Under investigation",
)
A_MONTH = "regexp_full_match(c1, '[0-9]{4}-(0[1-9]|1[0-2])')"


def listed(texts: Sequence[str]) -> str:
    """Texts as SQL literals."""
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)


def names_of(areas: Path, *kinds: str) -> str:
    """Names and aliases of the areas of some kinds, with their codes."""
    return f"""
        SELECT DISTINCT ON (name) name, code
        FROM (SELECT code, unnest([name] || coalesce(string_split(aliases, '|'), [])) AS name
              FROM read_csv('{areas}', header = true, all_varchar = true)
              WHERE type IN ({listed(kinds)})) ORDER BY name, code"""


def prepare(connection: DuckDBPyConnection, areas: Path) -> None:
    """The lists as types, and the empty tables."""
    connection.execute(f"""
        CREATE TABLE authority AS {names_of(areas, "local_authority")};
        CREATE TABLE force AS {names_of(areas, "police_force", "body")};
        CREATE TYPE area_name AS ENUM (SELECT name FROM authority);
        CREATE TYPE force_name AS ENUM (SELECT name FROM force);
        CREATE TYPE crime_type AS ENUM ({listed(CRIME_TYPES)});
        CREATE TYPE outcome AS ENUM ({listed(OUTCOMES)});
        CREATE TYPE month AS ENUM (
            SELECT strftime(day, '%Y-%m') FROM
            generate_series(DATE '2010-12-01', current_date, INTERVAL 1 MONTH) AS months(day));
        CREATE TABLE clean_row (
            file VARCHAR, row INTEGER, crime_id BLOB, month month, reported_by force_name,
            falls_within force_name, longitude DOUBLE, latitude DOUBLE, location VARCHAR,
            lsoa_code VARCHAR, lsoa_name VARCHAR, crime_type crime_type,
            last_outcome_category outcome, context VARCHAR, area area_name,
            received VARCHAR[]);
        """)


TYPED = """
    CASE WHEN regexp_full_match(c0, '[0-9a-f]{64}') THEN unhex(c0) END AS crime_id,
    TRY_CAST(nullif(c1, '') AS month) AS month,
    TRY_CAST(nullif(c2, '') AS force_name) AS reported_by,
    TRY_CAST(nullif(c3, '') AS force_name) AS falls_within,
    TRY_CAST(nullif(c4, '') AS DOUBLE) AS longitude,
    TRY_CAST(nullif(c5, '') AS DOUBLE) AS latitude,
    TRY_CAST(nullif(left(c8, -5), '') AS area_name) AS area,
    TRY_CAST(nullif(c9, '') AS crime_type) AS crime_type,
    TRY_CAST(nullif(c10, '') AS outcome) AS last_outcome_category"""

A_CODE = "regexp_full_match(c7, '[EW]01[0-9]{6}')"
A_NAME = r"regexp_full_match(c8, '\S.* [0-9]{3}[A-Z]')"
# The rules again, in the words of a database. `row_whole` goes alone, and a rule across columns is
# asked only where each of them is in order.
RULES = {
    "crime_id_form": "c0 <> '' AND crime_id IS NULL",
    "month_present": "c1 = ''",
    "month_kind": f"c1 <> '' AND NOT {A_MONTH}",
    "month_in_range": f"month IS NULL AND {A_MONTH}",
    "month_of_file": "c1 <> file_month AND month IS NOT NULL",
    "reported_by_present": "c2 = ''",
    "force_code_known": "c2 <> '' AND reported_by IS NULL",
    "falls_within_present": "c3 = ''",
    "within_force_code_known": "c3 <> '' AND falls_within IS NULL",
    "longitude_kind": "c4 <> '' AND longitude IS NULL",
    "longitude_in_range": "longitude NOT BETWEEN -9 AND 2",
    "latitude_kind": "c5 <> '' AND latitude IS NULL",
    "latitude_in_range": "latitude NOT BETWEEN 49 AND 61",
    "position_whole": """(c4 = '') <> (c5 = '') AND (c4 = '' OR longitude BETWEEN -9 AND 2)
        AND (c5 = '' OR latitude BETWEEN 49 AND 61)""",
    "location_length": "length(c6) > 200",
    "lsoa_code_form": f"c7 <> '' AND NOT {A_CODE}",
    "lsoa_name_form": f"c8 <> '' AND NOT {A_NAME}",
    "lsoa_whole": f"(c7 = '') <> (c8 = '') AND (c7 = '' OR {A_CODE}) AND (c8 = '' OR {A_NAME})",
    "area_code_known": f"c8 <> '' AND {A_NAME} AND area IS NULL",
    "crime_type_present": "c9 = ''",
    "crime_type_known": "c9 <> '' AND crime_type IS NULL",
    "outcome_known": "c10 <> '' AND last_outcome_category IS NULL",
}
BROKEN = "c11 IS NULL OR c12 IS NOT NULL"
# Asked of every row, so with as few tests as will do; the rules say why afterwards.
BAD = f"""
    c11 IS NULL OR c12 IS NOT NULL OR (c0 <> '' AND crime_id IS NULL)
    OR month IS NULL OR c1 <> file_month OR reported_by IS NULL OR falls_within IS NULL
    OR (c4 = '') <> (c5 = '')
    OR (c4 <> '' AND (longitude BETWEEN -9 AND 2) IS NOT TRUE)
    OR (c5 <> '' AND (latitude BETWEEN 49 AND 61) IS NOT TRUE)
    OR (strlen(c6) > 200 AND length(c6) > 200) OR (c7 = '') <> (c8 = '')
    OR (c7 <> '' AND NOT {A_CODE}) OR (c8 <> '' AND (area IS NULL OR NOT {A_NAME}))
    OR crime_type IS NULL OR (c10 <> '' AND last_outcome_category IS NULL)"""


def month_of(file: str) -> str:
    """Month that a file's name states, as SQL over the name."""
    return f"left(replace({file}, 'synthetic-', ''), 7)"


def load(connection: DuckDBPyConnection, path: Path) -> None:
    """Add one file; a bad row keeps its cells as received in the last column."""
    columns = ", ".join(f"'{cell}': 'VARCHAR'" for cell in CELLS)
    file = listed([path.name])
    connection.execute(f"""
        INSERT INTO clean_row
        SELECT {file}, row, crime_id, month, reported_by, falls_within, longitude, latitude,
               nullif(c6, ''), nullif(c7, ''), nullif(c8, ''), crime_type, last_outcome_category,
               nullif(c11, ''), area, CASE WHEN {BAD} THEN [{", ".join(CELLS)}] END
        FROM (SELECT row_number() OVER () + 1 AS row, {month_of(file)} AS file_month, *, {TYPED}
              FROM read_csv('{path}', columns = {{{columns}}}, header = true, delim = ',',
                            quote = '"', escape = '"', auto_detect = false, nullstr = '\\N',
                            null_padding = true))
        """)


def load_all(connection: DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Several files in one transaction, on a connection of their own."""
    with connection.cursor() as own:
        own.execute("USE result; BEGIN")
        for path in paths:
            load(own, path)
        own.execute("COMMIT")


def quarantine(connection: DuckDBPyConnection) -> None:
    """Move the bad rows out, each with all the rules that it breaks."""
    cells = ", ".join(f"received[{at}] AS {cell}" for at, cell in enumerate(CELLS, 1))
    broken = [f"CASE WHEN NOT ({BROKEN}) AND ({test}) THEN '{name}' END"
              for name, test in RULES.items()]  # fmt: skip
    reasons = ", ".join([f"CASE WHEN {BROKEN} THEN 'row_whole' END", *broken])
    connection.execute(f"""
        CREATE TABLE quarantine AS
        SELECT file, row, list_filter([{reasons}], lambda rule: rule IS NOT NULL) AS rules,
               array_to_string(received, ',') AS received
        FROM (SELECT *, {cells}, {month_of("file")} AS file_month
              FROM clean_row WHERE received IS NOT NULL);
        DELETE FROM clean_row WHERE received IS NOT NULL;
        """)


YEAR = "make_date(year(period_start) - (month(period_start) < 4)::INTEGER, 4, 1) AS period_start"
COUNTS = f"""
    CREATE TEMP TABLE by_month AS
    SELECT (month::VARCHAR || '-01')::DATE AS period_start, area, lsoa_code, crime_type, rows
    FROM (SELECT month, area, lsoa_code, crime_type, count(*) AS rows FROM clean_row GROUP BY ALL);
    CREATE TABLE lsoa_count AS
    SELECT 'month' AS period_kind, * EXCLUDE (area) FROM by_month
    UNION ALL
    SELECT 'year', {YEAR}, lsoa_code, crime_type, sum(rows)::BIGINT FROM by_month GROUP BY ALL;
    CREATE TEMP TABLE by_area AS
    SELECT period_start, code AS area_code, crime_type, sum(rows)::BIGINT AS rows
    FROM by_month JOIN authority ON name = area::VARCHAR GROUP BY ALL;
    CREATE TABLE area_count AS
    SELECT 'month' AS period_kind, * FROM by_area
    UNION ALL
    SELECT 'year', {YEAR}, area_code, crime_type, sum(rows)::BIGINT FROM by_area GROUP BY ALL;
    CREATE VIEW clean AS
    SELECT c.* EXCLUDE (area, received)
               REPLACE (lower(hex(crime_id)) AS crime_id, (month::VARCHAR || '-01')::DATE AS month),
           code AS area_code
    FROM clean_row c LEFT JOIN authority ON name = area::VARCHAR;
    """


def run(raw: Path, areas: Path, result: Path) -> None:
    """Do the whole job: one pass over the files, quarantine, counts."""
    with duckdb.connect() as connection:
        # A cast pushed into read_csv would be a strict one.
        connection.execute("SET threads = 1; SET disabled_optimizers = 'type_pushdown'")
        connection.execute(f"ATTACH '{result}' AS result (RECOVERY_MODE no_wal_writes)")
        connection.execute("USE result")
        prepare(connection, areas)
        paths = sorted(raw.glob("*.csv"))
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            halves = [paths[start::CONNECTIONS] for start in range(CONNECTIONS)]
            list(pool.map(load_all, [connection] * CONNECTIONS, halves))
        connection.execute("SET threads = 2")
        quarantine(connection)
        connection.execute(COUNTS)


if __name__ == "__main__":
    run(*map(Path, sys.argv[1:4]))
