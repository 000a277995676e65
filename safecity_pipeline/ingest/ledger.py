"""The ledger: per extract and sheet, rows read = valid + quarantined + excluded.

`rows_read` was counted by the scan of physical lines; valid, quarantined and superseded rows are
counted here in the tables where they lie. Nothing is computed as a remainder, so a row that was
lost or doubled on the way shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safecity_pipeline import tables
from safecity_pipeline.ingest import rules, schema
from safecity_pipeline.ingest.stage import SheetCount
from safecity_pipeline.model import Check, CrossRow, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STATE = f"""
CREATE TABLE IF NOT EXISTS build.source_state (source VARCHAR, rules_hash VARCHAR);
CREATE TABLE IF NOT EXISTS build.ingested (
    extract_id VARCHAR, source VARCHAR, read_as VARCHAR, message VARCHAR, sheet VARCHAR,
    rows_read BIGINT, layout BIGINT, blank BIGINT, other BIGINT, cells BIGINT,
    uneven BIGINT, folded BIGINT, corrected BIGINT);
CREATE TABLE IF NOT EXISTS build.unit (
    extract_id VARCHAR, source VARCHAR, unit_table VARCHAR, geography VARCHAR,
    period_start DATE, period_end DATE, rows BIGINT);
CREATE TABLE IF NOT EXISTS build.noted (
    source VARCHAR, _extract_id VARCHAR, _sheet VARCHAR, _row BIGINT, rule VARCHAR, got VARCHAR);
CREATE TABLE IF NOT EXISTS build.corrected (
    source VARCHAR, _extract_id VARCHAR, _sheet VARCHAR, correction VARCHAR, outcome VARCHAR,
    rows BIGINT);
{tables.create_once(schema.CELL)};
{tables.create_once(schema.CORRECTION)};
"""


def note(
    connection: DuckDBPyConnection,
    source: Source,
    read_as: Mapping[str, str],
    counts: Sequence[SheetCount],
) -> None:
    """Remember that sheets are stored, with the scan's counts. `read_as`: by extract."""
    off = _uneven(connection, source, counts)
    rows = [
        [
            one.extract_id,
            source.name,
            read_as[one.extract_id],
            "",
            one.sheet,
            one.rows_read,
            one.layout,
            one.blank,
            one.other,
            one.cells,
            off.get((one.extract_id, one.sheet), 0),
            one.folded,
            one.corrected,
        ]
        for one in counts
    ]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO build.ingested VALUES ({marks})", rows)


def note_refused(
    connection: DuckDBPyConnection,
    source: Source,
    read_as: Mapping[str, str],
    messages: Mapping[str, str],
) -> None:
    """Remember extracts without a sheet that counts, and why."""
    rows = [[one, source.name, read_as[one], message] for one, message in messages.items()]
    if rows:
        connection.executemany(
            "INSERT INTO build.ingested VALUES (?, ?, ?, ?, '', 0, 0, 0, 0, 0, 0, 0, 0)", rows
        )


def sheets(connection: DuckDBPyConnection, source: Source) -> pd.DataFrame:
    """Rows of meta.extract_sheet for one source. A wide row counts once, however many cells it
    gave; it is superseded only when none of them counts."""
    rows, unless_it_counts = "count(*)", ""
    if _has_wide_sheets(connection, source):
        rows = "count(DISTINCT _row)"
        unless_it_counts = f"ANTI JOIN clean.{source.name} AS c USING (_extract_id, _sheet, _row)"
    return connection.execute(
        f"""
        WITH valid AS (
            SELECT _extract_id, _sheet, {rows} AS n FROM clean.{source.name} GROUP BY ALL),
        quarantined AS (
            SELECT _extract_id, _sheet, count(*) AS n FROM quarantine.{source.name} GROUP BY ALL),
        superseded AS (
            SELECT _extract_id, _sheet, {rows} AS n
            FROM set_aside.{source.name} AS s {unless_it_counts} GROUP BY ALL)
        SELECT i.extract_id, i.sheet, i.rows_read, coalesce(v.n, 0) AS rows_valid,
               coalesce(q.n, 0) AS rows_quarantined,
               i.layout + i.blank + i.other + i.folded + i.corrected + coalesce(s.n, 0)
                   AS rows_excluded,
               i.layout AS excluded_layout, i.blank AS excluded_blank,
               coalesce(s.n, 0) AS excluded_superseded, i.other AS excluded_other,
               i.folded AS excluded_folded, i.corrected AS excluded_corrected
        FROM build.ingested AS i
        LEFT JOIN valid v ON v._extract_id = i.extract_id AND v._sheet = i.sheet
        LEFT JOIN quarantined q ON q._extract_id = i.extract_id AND q._sheet = i.sheet
        LEFT JOIN superseded s ON s._extract_id = i.extract_id AND s._sheet = i.sheet
        WHERE i.source = ? AND i.message = '' ORDER BY ALL""",
        [source.name],
    ).df()


def _has_wide_sheets(connection: DuckDBPyConnection, source: Source) -> bool:
    row = connection.execute(
        "SELECT coalesce(max(cells), 0) > 1 FROM build.ingested WHERE source = ?", [source.name]
    ).fetchone()
    return bool(row and row[0])


def uneven(connection: DuckDBPyConnection, source: Source) -> int:
    """Clean rows that come too many or too few times: each physical row gives one, or one a column
    if wide.

    Of wide sheets, whose rows are counted once however many cells they gave, they are looked for
    among all that is stored; of others, `sheets` shows them, but for one that was stored twice
    while another was lost, which was looked for when they were stored.
    """
    if not _has_wide_sheets(connection, source):
        statement = "SELECT coalesce(sum(uneven), 0) FROM build.ingested WHERE source = ?"
    else:
        statement = f"""
        SELECT coalesce(sum(abs(stored.n - i.cells)), 0) FROM (
            SELECT _extract_id, _sheet, _row, count(*) AS n FROM (
                SELECT _extract_id, _sheet, _row FROM clean.{source.name} UNION ALL
                SELECT _extract_id, _sheet, _row FROM set_aside.{source.name}) GROUP BY ALL) stored
        JOIN build.ingested AS i ON i.extract_id = stored._extract_id AND i.sheet = stored._sheet
        WHERE i.source = ? AND i.message = ''"""
    row = connection.execute(statement, [source.name]).fetchone()
    return int(row[0]) if row else 0


def _uneven(
    connection: DuckDBPyConnection, source: Source, counts: Sequence[SheetCount]
) -> dict[tuple[str, str], int]:
    """Clean rows too many or too few, by extract and sheet, of sheets that were just stored: each
    physical row gives one, or one a column if wide.

    Counting physical rows cannot show that one is stored twice while another is lost; this does.
    """
    off = {}
    for one in counts:
        times = np.bincount(rows_of(connection, source, one.extract_id, one.sheet))
        off[one.extract_id, one.sheet] = int(np.abs(times[times > 0] - one.cells).sum())
    return off


def rows_of(
    connection: DuckDBPyConnection, source: Source, extract_id: str, sheet: str
) -> NDArray[np.int64]:
    """Physical rows of a sheet that have given clean rows, as often as they have."""
    found = connection.execute(
        f"SELECT _row FROM {source.clean} WHERE {among([extract_id])} "
        f"AND _sheet = {tables.quoted(sheet)}"
    ).fetchnumpy()
    rows: NDArray[np.int64] = np.asarray(found["_row"])
    return rows


def among(extract_ids: Sequence[str]) -> str:
    """A condition that lets the database pass over the row groups of other extracts."""
    return f"_extract_id IN ({', '.join(map(tables.quoted, extract_ids)) or 'NULL'})"


def check(source: Source, ledger: pd.DataFrame, uneven: int = 0) -> Check:
    """The one check of a source that stops a publication. `uneven`: as the function says."""
    off = (
        ledger["rows_read"]
        - ledger["rows_valid"]
        - ledger["rows_quarantined"]
        - ledger["rows_excluded"]
    )
    lost = int(off.abs().sum()) + uneven
    message = (
        f"{int(ledger['rows_read'].sum())} rows read = {int(ledger['rows_valid'].sum())} valid + "
        f"{int(ledger['rows_quarantined'].sum())} quarantined + "
        f"{int(ledger['rows_excluded'].sum())} excluded"
    )
    if lost:
        sheets = int((off != 0).sum())
        message = f"the ledger does not add up, by {lost} rows ({sheets} sheets, {uneven} doubled)"
    return Check(source.name, "ledger_adds_up", lost == 0, message, "ERROR", failed_rows=lost)


def rule_checks(connection: DuckDBPyConnection, source: Source) -> list[Check]:
    """One check a rule: how many rows it has put into quarantine."""
    broken = dict(
        connection.execute(
            f"SELECT rule, count(*) FROM (SELECT DISTINCT _extract_id, _sheet, _row, "
            f"unnest(rules) AS rule FROM quarantine.{source.name}) GROUP BY rule"
        ).fetchall()
    )
    return [
        Check(
            source.name,
            name,
            name not in broken,
            f"{_rows(broken[name])} in quarantine, for: {words}" if name in broken else words,
            failed_rows=broken.get(name, 0),
        )
        for name, words in rules.words(source).items()
    ]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def across_checks(connection: DuckDBPyConnection, source: Source) -> list[Check]:
    """The rules that look across rows; each is a warning with a count."""
    checks = []
    for rule in source.across:
        found = 0 if rule.severity == "off" else _found(connection, source, rule)
        in_quarantine = f"not so: {_rows(found)} in quarantine"
        happened = in_quarantine if rule.severity == "quarantine" else f"not so in cases: {found}"
        message = rule.message if found == 0 else f"{rule.message}; {happened}"
        if rule.severity == "off":
            message = f"{rule.message}: switched off in thresholds.csv"
        checks.append(Check(source.name, rule.name, found == 0, message, failed_rows=found))
    return checks


def _found(connection: DuckDBPyConnection, source: Source, rule: CrossRow) -> int:
    """How many cases a rule finds: now, or when the rows were read."""
    if rule.over == "clean":
        parameters = {"threshold": rule.threshold} if "$threshold" in rule.sql else {}
        row = connection.execute(rule.sql, parameters).fetchone()
    elif rule.severity == "quarantine":
        row = connection.execute(
            f"SELECT count(*) FROM quarantine.{source.name} WHERE list_contains(rules, ?)",
            [rule.name],
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT count(*) FROM build.noted WHERE source = ? AND rule = ?",
            [source.name, rule.name],
        ).fetchone()
    return int(row[0]) if row else 0


def cell_check(connection: DuckDBPyConnection, source: Source) -> Check:
    """Cells that cost themselves their value, and nothing else."""
    row = connection.execute(
        "SELECT count(*) FROM quarantine.cell WHERE source = ?", [source.name]
    ).fetchone()
    count = int(row[0]) if row else 0
    words = "cells that are neither a number nor a declared marker, see quarantine.cell"
    return Check(source.name, "cells_read", count == 0, f"{words}: {count}", failed_rows=count)
