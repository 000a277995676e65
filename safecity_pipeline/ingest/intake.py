"""One source's extracts brought up to date in the work database.

Only what changed is read: an extract already stored under the same rules and facts stays, one
that is gone leaves, a new one is added; then every unit is decided again and rows are moved
between `clean` and `set_aside` where a decision changed.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import safecity_pipeline
from safecity_pipeline import tables
from safecity_pipeline.ingest import adding, corrections, ledger, pseudonyms, rules, schema, units
from safecity_pipeline.ingest.pseudonyms import Door
from safecity_pipeline.ingest.units import Decision, Unit
from safecity_pipeline.model import Check, CheckSpec, Extract, Places, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)
ENGINE = (
    "intake",
    "adding",
    "survey",
    "manifests",
    "heads",
    "blocks",
    "lines",
    "transcripts",
    "reading",
    "parse",
    "pseudonyms",
    "rules",
    "stage",
    "folding",
    "corrections",
    "load",
    "plain",
    "schema",
    "ledger",
)
SPREADSHEET_ROWS = (65_536, 1_048_576)

Transaction = Callable[["DuckDBPyConnection"], AbstractContextManager[None]]


@dataclass(frozen=True)
class Decided:
    """What becomes of each unit; extract → the newest day on which its rows say that they were
    taken out."""

    decisions: list[Decision]
    extracted: dict[str, date]


@dataclass
class Intake:
    """What became of a source's extracts."""

    source: Source
    ledger: pd.DataFrame = field(default_factory=pd.DataFrame)
    decisions: list[Decision] = field(default_factory=list)
    extracted: dict[str, date] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    read: int = 0


def rules_hash(source: Source, areas_digest: str) -> str:
    """Changes when anything changes that decides how this source's extracts are read."""
    module = inspect.getsourcefile(source.model)
    declared = [(rule.name, rule.severity, rule.threshold) for rule in source.across]
    code = _code_behind(Path(str(module)))
    parts = (areas_digest, code, declared, source.corrections, *pseudonyms.behind(source))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@cache
def _code_behind(module: Path) -> str:
    folder = Path(safecity_pipeline.__file__).parent
    engine = [
        file
        for name in ENGINE
        for file in (folder / "ingest").glob(
            f"{name}*/**/*.py" if name == "reading" else f"{name}.py"
        )
    ]
    lookups = [folder / "period.py", folder / "registry" / "areas.py"]
    digest = hashlib.sha256()
    for file in [module, *lookups, *sorted(engine)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def take_in(
    connection: DuckDBPyConnection,
    source: Source,
    extracts: Sequence[Extract],
    places: Places,
    rules_version: str,
    scratch: Path,
    transaction: Transaction,
    door: Door | None = None,
) -> Intake:
    """Bring the tables of one source up to date with the extracts that are there. `door`: replaces
    identifiers of persons, unless given by the deployment's key."""
    fresh, found = read_in(
        connection, source, extracts, places, rules_version, scratch, transaction, door
    )
    intake = Intake(source, read=fresh)
    intake.decisions, intake.extracted = found.decisions, found.extracted
    intake.refused = _refused(connection, source)
    intake.ledger = ledger.sheets(connection, source)
    intake.checks = _checks(connection, intake)
    return intake


def read_in(
    connection: DuckDBPyConnection,
    source: Source,
    extracts: Sequence[Extract],
    places: Places,
    rules_version: str,
    scratch: Path,
    transaction: Transaction,
    door: Door | None = None,
) -> tuple[int, Decided]:
    """Bring the rows of one source up to date; answers how many extracts were read, and what
    becomes of each unit."""
    door = door or Door.of(source)
    with transaction(connection):
        _prepare(connection, source, rules_version)
        fresh = _changed(connection, source, extracts)
        fresh = adding.refuse(connection, source, fresh, door.closed_to(fresh))
    adding.add_all(connection, source, fresh, places, scratch, transaction, door)
    with transaction(connection):
        found = decided(connection, source, extracts)
        _set_aside(connection, source, found.decisions)
    return len(fresh), found


def is_kept(connection: DuckDBPyConnection, source: Source, rules_version: str) -> bool:
    """Whether rows of the source may be stored that were judged by these rules."""
    state = connection.execute(
        "SELECT rules_hash FROM build.source_state WHERE source = ?", [source.name]
    ).fetchall()
    return state == [(rules_version,)]


def adopt(
    connection: DuckDBPyConnection, source: Source, rules_version: str, database: str
) -> None:
    """Make all that is stored of a source what another database holds of it and of nothing else,
    read by the same rules. The caller holds the transaction.

    What is kept of it is not touched: a row must not come twice.
    """
    if is_kept(connection, source, rules_version):
        return
    _prepare(connection, source, rules_version)
    rows = [f"{place}.{source.name}" for place in ("clean", "set_aside", "quarantine")]
    for name in (*rows, "build.ingested", "build.unit", *adding.BESIDE):
        connection.execute(f"INSERT INTO {name} SELECT * FROM {database}.{name}")


def _prepare(connection: DuckDBPyConnection, source: Source, rules_version: str) -> None:
    """Make the source's tables, or make them anew where its rules have changed."""
    if is_kept(connection, source, rules_version):
        return
    for table in (
        schema.clean_table(source),
        schema.clean_table(source, "set_aside"),
        schema.quarantine_table(source),
    ):
        connection.execute(tables.create(table))
    for name in ("build.source_state", "build.ingested", "build.unit", *adding.BESIDE):
        connection.execute(f"DELETE FROM {name} WHERE source = ?", [source.name])
    connection.execute("INSERT INTO build.source_state VALUES (?, ?)", [source.name, rules_version])


def _changed(
    connection: DuckDBPyConnection, source: Source, extracts: Sequence[Extract]
) -> list[Extract]:
    """Forget what is gone or is read otherwise now; answer what has to be read."""
    stored = dict(
        connection.execute(
            "SELECT extract_id, any_value(read_as) FROM build.ingested WHERE source = ? GROUP BY 1",
            [source.name],
        ).fetchall()
    )
    wanted = {extract.extract_id: adding.read_as(extract) for extract in extracts}
    for extract_id, read_as in stored.items():
        if wanted.get(extract_id) != read_as:
            adding.forget(connection, source, extract_id)
    return [one for one in extracts if stored.get(one.extract_id) != wanted[one.extract_id]]


def decided(connection: DuckDBPyConnection, source: Source, extracts: Sequence[Extract]) -> Decided:
    """What becomes of each unit of the extracts that are stored."""
    present = {extract.extract_id: extract for extract in extracts}
    came, extracted = delivered(connection, source), extraction_days(connection, source)
    found = units.resolve(came, present, source.own_file_first, extracted)
    return Decided(found, extracted)


def delivered(connection: DuckDBPyConnection, source: Source) -> list[Unit]:
    """What every extract that is there brought, counted or not."""
    rows = connection.execute(
        "SELECT extract_id, unit_table, geography, period_start, period_end, rows "
        "FROM build.unit WHERE source = ? ORDER BY ALL",
        [source.name],
    ).fetchall()
    return [Unit(*row) for row in rows]


def extraction_days(connection: DuckDBPyConnection, source: Source) -> dict[str, date]:
    """Extract → newest day on which its rows say that they were taken out."""
    if not schema.is_dated(source):
        return {}
    rows = " UNION ALL ".join(
        f"SELECT _extract_id, {schema.EXTRACTED_ON} FROM {place}.{source.name}"
        for place in ("clean", "set_aside")
    )
    found = connection.execute(
        f"SELECT _extract_id, max({schema.EXTRACTED_ON}) AS newest FROM ({rows}) GROUP BY 1 "
        "HAVING newest IS NOT NULL"
    ).fetchall()
    return dict(found)


def _set_aside(
    connection: DuckDBPyConnection, source: Source, decisions: Sequence[Decision]
) -> None:
    """Move rows of superseded units out of `clean`, and those that count again back."""
    aside = connection.execute(f"SELECT 1 FROM set_aside.{source.name} LIMIT 1").fetchall()
    if not aside and all(one.counted for one in decisions):
        return
    losing = pd.DataFrame(
        [
            (one.unit.extract_id, one.unit.table, one.unit.geography, one.unit.start, one.unit.end)
            for one in decisions
            if not one.counted
        ],
        columns=["extract_id", "unit_table", "geography", "period_start", "period_end"],
        dtype=object,
    )
    connection.register("losing_now", losing)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE losing AS SELECT extract_id::VARCHAR AS _losing_extract, "
        "unit_table::VARCHAR AS _losing_table, geography::VARCHAR AS _losing_geography, "
        "period_start::DATE AS _losing_start, period_end::DATE AS _losing_end FROM losing_now"
    )
    connection.unregister("losing_now")
    _move(connection, source, "set_aside", "clean", "ANTI")
    _move(connection, source, "clean", "set_aside", "SEMI")


def _move(
    connection: DuckDBPyConnection, source: Source, origin: str, target: str, join: str
) -> None:
    """Move the rows of `origin` that are (SEMI) or are not (ANTI) among the losing units."""
    unit = f"(_extract_id, {adding.unit_columns(source)})"
    losing = "(_losing_extract, _losing_table, _losing_geography, _losing_start, _losing_end)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE moving AS SELECT r.rowid AS _place "
        f"FROM {origin}.{source.name} AS r {join} JOIN losing ON {unit} = {losing}"
    )
    row = connection.execute("SELECT count(*) FROM moving").fetchone()
    if not row or row[0] == 0:
        return
    chosen = f"FROM {origin}.{source.name} WHERE rowid IN (SELECT _place FROM moving)"
    connection.execute(f"INSERT INTO {target}.{source.name} SELECT * {chosen}")
    connection.execute(f"DELETE {chosen}")


def _refused(connection: DuckDBPyConnection, source: Source) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT extract_id, message FROM build.ingested WHERE source = ? AND message <> ''",
            [source.name],
        ).fetchall()
    )


def _checks(connection: DuckDBPyConnection, intake: Intake) -> list[Check]:
    source = intake.source
    by_hash = [one for one in intake.decisions if one.reason in units.REASONS[3:]]
    sums = intake.ledger.groupby("extract_id")[["rows_read", "excluded_layout"]].sum()
    rows = sums["rows_read"] - sums["excluded_layout"]
    off = ~rows.between(source.minimum_rows, source.maximum_rows or math.inf)
    cut = intake.ledger[intake.ledger["rows_read"].isin(SPREADSHEET_ROWS)]
    return [
        ledger.check(source, intake.ledger, ledger.uneven(connection, source)),
        Check(
            source.name,
            "extracts_readable",
            not intake.refused,
            f"extracts that could not be read: {len(intake.refused)}",
            failed_rows=len(intake.refused),
        ),
        Check(
            source.name,
            "volume",
            not off.any(),
            f"extracts with fewer rows than the declared {source.minimum_rows:,}, or more than "
            f"{source.maximum_rows or math.inf:,}: {off.sum()}",
            failed_rows=int(off.sum()),
        ),
        Check(
            source.name,
            "sheets_uncut",
            cut.empty,
            f"sheets with exactly as many rows as a spreadsheet holds, cut on saving?: {len(cut)}",
            failed_rows=len(cut),
        ),
        Check(
            source.name,
            "units_dated",
            not by_hash,
            f"units that came twice with no date to decide by: {len(by_hash)}",
            failed_rows=len(by_hash),
        ),
        ledger.cell_check(connection, source),
        corrections.check(connection, source),
        *ledger.rule_checks(connection, source),
        *ledger.across_checks(connection, source),
    ]


ALWAYS = (
    CheckSpec("ledger_adds_up", "rows read = valid + quarantined + excluded", "ERROR"),
    CheckSpec("extracts_readable", "every extract that is recognised can be read"),
    CheckSpec("volume", "every extract has as many rows as its source declares to expect"),
    CheckSpec("sheets_uncut", "no sheet has exactly as many rows as a spreadsheet holds"),
    CheckSpec("units_dated", "where a unit came twice, a date or an own file decides"),
    CheckSpec("cells_read", "every cell for a number holds one, or a marker that is declared"),
    corrections.CHECK,
)


def check_specs(source: Source) -> tuple[CheckSpec, ...]:
    """Every check of a source, in the order in which `take_in` makes them."""
    named = (CheckSpec(name, words) for name, words in rules.words(source).items())
    across = (CheckSpec(rule.name, rule.message) for rule in source.across)
    return (*ALWAYS, *named, *across)
