"""What the figures were made from, and so which of them a refresh must make anew.

A source's *version* changes when its clean rows, or the dates on which they were received, may have
changed; the same extracts read by the same rules have the same version, whatever lay there in
between. Its *state* is a hash of all that decides what becomes of its extracts; where it is the one
of the last time, rows, ledger and checks stand.

An indicator's *state* is a hash of all that its values, or its findings, rest on: of its
declaration, the versions of its sources, the areas, and the code. Where the state is the stored
one, the rows stand.

Belongs here: versions, states, and putting rows that were made anew in the place of the old ones,
in an order that does not tell which were. Does not belong here: making rows (`measure`, `compare`),
or when a source is read again (`ingest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace as changed
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import safecity_pipeline
from safecity_pipeline import comparable, measure, period, tables, warehouse
from safecity_pipeline.ingest.units import Decision
from safecity_pipeline.model import Extract, Indicator, Refused, Source
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.references import Judged
from safecity_pipeline.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STATE = """
CREATE TABLE IF NOT EXISTS build.source_version (source VARCHAR, version VARCHAR);
CREATE TABLE IF NOT EXISTS build.extract_version (
    source VARCHAR, extract_id VARCHAR, version VARCHAR);
CREATE TABLE IF NOT EXISTS build.taken_in (source VARCHAR, state VARCHAR);
CREATE TABLE IF NOT EXISTS build.made_from (table_name VARCHAR, indicator VARCHAR, state VARCHAR);
CREATE TABLE IF NOT EXISTS build.watched (source VARCHAR, state VARCHAR);
"""

BEHIND_VALUES = (
    "refresh",
    "upkeep",
    "tallies",
    "measure",
    "breakdowns",
    "statistics",
    "period",
    "model",
    "tables",
    "ingest.schema",
    "ingest.parse",
    "registry.entries",
    "registry.indicators",
    "marks",
    "breaks",
    # `breaks` offers them, and no value rests on them.
    *("detection", "detection.annual", "detection.critical", "detection.monthly"),
    *("detection.months", "detection.regression", "detection.verdicts"),
    "registry.areas",
    "registry.changes",
    "registry.reach",
    "sources",
)
BEHIND_FINDINGS = (
    *BEHIND_VALUES,
    *("compare", "trends", "maturity", "sentences", "printed"),
    *("registry.published", "registry.stand_ins", "waivers", "registry.waivers"),
)
"""The modules whose code decides a figure; a test holds them against what they import."""

COMPUTED_WITH = ("duckdb", "numpy", "pandas", "pandera", "scipy")

REGISTRY = "(registry)"
"""In the place of a source's name: everything declared."""

CODE = (".py", ".j2", ".css")
"""Files of the package that decide what a release holds; what is declared has its own hash."""

FEW = 50

Read = frozenset[tuple[str, ...]]


# --- versions of sources -------------------------------------------------------------------------


def read(connection: DuckDBPyConnection, source: str) -> Read:
    """Extract, how it was read and by which rules, of all extracts that gave clean rows."""
    rows = connection.execute(
        "SELECT DISTINCT extract_id, read_as, rules_hash "
        "FROM build.ingested JOIN build.source_state USING (source) "
        "WHERE source = ? AND message = ''",
        [source],
    ).fetchall()
    return frozenset(rows)


def forget(connection: DuckDBPyConnection, source: str) -> None:
    """The source's rows are about to change: until they are noted, nothing is made of them that
    would be taken for up to date later."""
    for table in ("source_version", "extract_version", "taken_in"):
        connection.execute(f"DELETE FROM build.{table} WHERE source = ?", [source])


def note(
    connection: DuckDBPyConnection,
    source: str,
    decisions: Sequence[Decision],
    extracts: Iterable[Extract],
) -> None:
    """Store the versions of the source's rows, and of each extract's, as they now are."""
    rows = read(connection, source)
    ids = {row[0] for row in rows}
    received = sorted(repr((e.extract_id, e.received_at)) for e in extracts if e.extract_id in ids)
    counted = sorted(repr((one.unit, one.counted)) for one in decisions)
    forget(connection, source)
    connection.execute(
        "INSERT INTO build.source_version VALUES (?, ?)",
        [source, _hash(sorted(rows), received, counted)],
    )
    _note_extracts(connection, source, rows, decisions)


def _note_extracts(
    connection: DuckDBPyConnection, source: str, rows: Read, decisions: Sequence[Decision]
) -> None:
    """Store the version of each extract's rows: how it was read, and which of its units count."""
    units: dict[str, list[str]] = {}
    for one in decisions:
        units.setdefault(one.unit.extract_id, []).append(repr((one.unit, one.counted)))
    noted = [
        (source, row[0], _hash(all_code(), row, sorted(units.get(row[0], [])))) for row in rows
    ]
    if noted:
        insert(connection, "build.extract_version", noted)


def versions_of_extracts(connection: DuckDBPyConnection, source: str) -> dict[str, str]:
    """Extract → version of its rows; none where the source's rows are half changed."""
    return dict(
        connection.execute(
            "SELECT extract_id, version FROM build.extract_version WHERE source = ?", [source]
        ).fetchall()
    )


def versions(connection: DuckDBPyConnection) -> dict[str, str]:
    """Source → version; one whose rows are half changed is missing."""
    rows = connection.execute("SELECT source, version FROM build.source_version").fetchall()
    return dict(rows)


# --- states of sources ---------------------------------------------------------------------------


def of_source(source: Source, rules_version: str, extracts: Iterable[Extract]) -> str:
    """State of a source whose extracts, as surveyed, are these."""
    seen = sorted(repr(changed(one, path=Path(), seen=None)) for one in extracts)
    declared = (source.minimum_rows, source.maximum_rows, source.own_file_first)
    return _hash(all_code(), rules_version, declared, seen)


def of_registry(known: Registry) -> str:
    """State of everything declared."""
    return _hash(all_code(), known.digest)


def taken_in(connection: DuckDBPyConnection) -> dict[str, str]:
    """Source (or REGISTRY) → state in which it was last taken in, whole."""
    return dict(connection.execute("SELECT source, state FROM build.taken_in").fetchall())


def keep_taken_in(connection: DuckDBPyConnection, sources: Sequence[str]) -> None:
    """Forget the states of all other sources."""
    connection.execute(
        "DELETE FROM build.taken_in WHERE NOT list_contains(?::VARCHAR[], source)",
        [[REGISTRY, *sources]],
    )


def note_taken_in(connection: DuckDBPyConnection, source: str, state: str) -> None:
    connection.execute("INSERT INTO build.taken_in VALUES (?, ?)", [source, state])


# --- what was seen of a source's categories --------------------------------------------------


def of_watch(known: Registry, version: str, synthetic: bool) -> str:
    """State of what is to be seen in the rows of a source, which have a version: every row of the
    catalogue may cover it, and every indicator may ask for its categories."""
    return _hash(all_code(), known.digest, version, synthetic)


def watched(connection: DuckDBPyConnection, source: str) -> str | None:
    """State in which the source's categories were last looked at."""
    rows = connection.execute(
        "SELECT state FROM build.watched WHERE source = ?", [source]
    ).fetchall()
    return str(rows[0][0]) if rows else None


def keep_watched(connection: DuckDBPyConnection, sources: Sequence[str]) -> None:
    """Forget the categories of all other sources. Makes the table where it is not there."""
    make_ready(connection, tables.CLASSIFICATION_CHANGE)
    for table in (tables.CLASSIFICATION_CHANGE.full_name, "build.watched"):
        connection.execute(
            f"DELETE FROM {table} WHERE NOT list_contains(?::VARCHAR[], source)", [list(sources)]
        )


def replace_watched(
    connection: DuckDBPyConnection,
    source: str,
    rows: Sequence[Mapping[str, object]],
    state: str,
) -> None:
    """Put the rows of meta.classification_change of one source in the place of the old ones. The
    caller holds the transaction."""
    table = tables.CLASSIFICATION_CHANGE
    connection.execute(f"DELETE FROM {table.full_name} WHERE source = ?", [source])
    if rows:
        names = [column.name for column in table.columns]
        insert(connection, table.full_name, [tuple(map(row.get, names)) for row in rows])
    connection.execute("DELETE FROM build.watched WHERE source = ?", [source])
    connection.execute("INSERT INTO build.watched VALUES (?, ?)", [source, state])


def classification_changes(connection: DuckDBPyConnection, source: str) -> list[dict[str, Any]]:
    """The rows of meta.classification_change of one source."""
    found = connection.execute(
        f"SELECT * FROM {tables.CLASSIFICATION_CHANGE.full_name} WHERE source = ? ORDER BY rowid",
        [source],
    )
    return warehouse.named_rows(found)


# --- states of indicators ------------------------------------------------------------------------


def of_values(known: Registry, home: Sequence[str], at: Mapping[str, str]) -> dict[str, str | None]:
    """Indicator → state of its values; None where a source's rows are half changed.

    `home`: code and name of the assessed area; `at`: the sources' versions.
    """
    common = _hash(_code(BEHIND_VALUES), home, _areas(known), known.areas.member_rows())
    return {
        key: _state_of_values(common, indicator, known, at)
        for key, indicator in known.indicators.items()
    }


def _state_of_values(
    common: str, indicator: Indicator, known: Registry, at: Mapping[str, str]
) -> str | None:
    sources = sorted(reach.counted_from(indicator))
    if not all(source in at for source in sources):
        return None
    behind = [(source, at[source]) for source in sources]
    changes = [_breaks(one) for one in reaching(indicator, known) if one.materiality == "material"]
    return _hash(common, indicator, measure.sql(indicator, known.sources), behind, changes)


def _breaks(change: Change) -> tuple[object, ...]:
    """What of a change decides which values it marks; its words do not."""
    return change.id, change.effective_first, change.effective_last, change.area_code


def of_revisions(
    known: Registry, home: Sequence[str], at: Mapping[str, str], synthetic: bool
) -> dict[str, str | None]:
    """Indicator → state of its revisions: they rest on the same sources as its values."""
    values = of_values(known, home, at)
    return {key: state and _hash(all_code(), state, synthetic) for key, state in values.items()}


def of_findings(
    known: Registry,
    home: Sequence[str],
    values: Mapping[str, str],
    waived: Mapping[str, object] | None = None,
) -> dict[str, str | None]:
    """Indicator → state of its findings. `values`: hash of each indicator's values; `waived`: what
    is accepted of its comparisons."""
    common = _hash(_code(BEHIND_FINDINGS), home, _areas(known))
    bases = comparable.bases(known)
    return {
        key: _hash(
            common,
            indicator,
            values.get(key),
            *_compared_by(indicator, known),
            (waived or {}).get(key),
            _allowing(bases[key], known, values) if key in bases else None,
        )
        for key, indicator in known.indicators.items()
    }


def _allowing(judged: Judged, known: Registry, values: Mapping[str, str]) -> list[object]:
    """What is left of its broken changes rests on its references, and on much of the code."""
    return [all_code(), judged, _behind(judged.keys, known, values)]


def of_estimates(
    known: Registry, home: Sequence[str], values: Mapping[str, str], synthetic: bool
) -> dict[str, str | None]:
    """Indicator with references → state of its estimates: their values, and what changed them.
    One of which an indicator is not declared has none.

    `home`: code and name of the assessed area, and the year assessed, which decides its peers;
    `values`: as for `of_findings`.
    """
    common = _hash(all_code(), home, _areas(known), known.areas.peer_rows(), synthetic)
    return {
        judged.indicator: _hash(common, judged, _behind(judged.keys, known, values))
        for judged in known.references
        if known.indicators.keys() >= set(judged.keys)
    }


def of_comparables(
    known: Registry, home: Sequence[str], values: Mapping[str, str], synthetic: bool
) -> dict[str, str | None]:
    """Indicator → state of its comparable values: its own, and those of what they rest on."""
    common = _hash(all_code(), home, _areas(known), synthetic)
    return {
        key: _hash(
            common, known.indicators[key], judged, _behind((key, *judged.keys), known, values)
        )
        for key, judged in comparable.bases(known).items()
    }


def _behind(keys: Iterable[str], known: Registry, values: Mapping[str, str]) -> list[object]:
    """Whole indicators: a title stands in words, and a peer group decides who the peers are."""
    behind = [known.indicators[key] for key in keys]
    return [(one, values.get(one.indicator), reaching(one, known)) for one in behind]


def _compared_by(indicator: Indicator, known: Registry) -> list[object]:
    """What bears on one indicator: the peers, their stand-ins, the definitional changes,
    what assessments printed of it, and how long its figures take to settle."""
    group = indicator.peer_group
    stand_ins = sorted(known.stand_ins.by_group.items()) if indicator.stand_ins else []
    stock = indicator.denominator and measure.is_stock(known.sources[indicator.denominator.source])
    return [
        stock,
        known.sources[indicator.main.source].settles_after,
        [row for row in known.areas.peer_rows() if row["group"] == group],
        [found for found in stand_ins if found[0][0] == group],
        [one for one in known.published if one.indicator == indicator.indicator],
        [known.sources[one].disclosure for one in sorted(reach.counted_from(indicator))],
        reach.reaching_ranks(known.changes, indicator) if group else reaching(indicator, known),
    ]


def reaching(indicator: Indicator, known: Registry) -> list[Change]:
    """The definitional changes that reach an indicator: others may come and go without it."""
    return list(known.reaching[indicator.indicator])


def hashes_of_values(connection: DuckDBPyConnection) -> dict[str, str]:
    """Indicator → hash of its rows, of all that a comparison looks at, in any order."""
    rows = connection.execute(
        "SELECT indicator, bit_xor(md5_number(v::VARCHAR))::VARCHAR "
        "FROM (SELECT * EXCLUDE (extracted_on) FROM mart.indicator_value) AS v GROUP BY 1"
    ).fetchall()
    return dict(rows)


def _areas(known: Registry) -> str:
    return _hash(known.areas.rows())


@cache
def all_code() -> str:
    """Hash of the package's code, and of the forms that its pages are written by."""
    digest = hashlib.sha256()
    root = Path(safecity_pipeline.__file__).parent
    for file in sorted(one for kind in CODE for one in root.rglob(f"*{kind}")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def code_behind() -> dict[str, str]:
    """Hashes of the code that a value, and a finding, rests on: where one is the same, no such
    figure can differ for the code's sake, once its rows were read alike."""
    return {
        "code_of_values": _code(BEHIND_VALUES),
        "code_of_findings": _code(BEHIND_FINDINGS),
    }


def packages() -> str:
    """What figures are computed with, beside this package: names and versions."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in COMPUTED_WITH)


@cache
def _code(modules: tuple[str, ...]) -> str:
    root = Path(safecity_pipeline.__file__).parent
    places = [root.joinpath(*name.split(".")) for name in modules]
    files = [(place.with_suffix(".py"), place / "__init__.py") for place in places]
    return _hash(*((one if one.is_file() else other).read_bytes() for one, other in files))


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# --- what is stale, and its replacement ----------------------------------------------------------


def make_ready(connection: DuckDBPyConnection, table: Table) -> None:
    """Make a table of figures where it is not there. One with other columns, which an older version
    left, goes, and with it what is said of its rows."""
    stored = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = "
        "current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index",
        [table.schema, table.name],
    ).fetchall()
    if stored == [(column.name, column.sql_type) for column in table.columns]:
        return
    connection.execute(tables.create(table))
    connection.execute("DELETE FROM build.made_from WHERE table_name = ?", [table.full_name])


def stale(
    connection: DuckDBPyConnection,
    table: Table,
    wanted: Mapping[str, str | None],
    years: Sequence[str] = (),
) -> list[str]:
    """The indicators whose rows of `table` must be made anew, in the order of `wanted`.

    `years`: financial years such as "2014-15"; an indicator with a value in a period that ends in
    one of them is made anew in any case. Raises Refused for what is no financial year.
    """
    rows = connection.execute(
        "SELECT indicator, state FROM build.made_from WHERE table_name = ?", [table.full_name]
    ).fetchall()
    stored = dict(rows)
    named = _with_values_in(connection, years) if years else set()
    return [
        key
        for key, state in wanted.items()
        if state is None or stored.get(key) != state or key in named
    ]


def _with_values_in(connection: DuckDBPyConnection, years: Sequence[str]) -> set[str]:
    spans = pd.DataFrame([_span(year) for year in years], columns=["first", "last"])
    connection.register("years_now", spans)
    rows = connection.execute(
        "SELECT DISTINCT indicator FROM mart.indicator_value "
        "JOIN years_now ON period_end BETWEEN first::DATE AND last::DATE"
    ).fetchall()
    connection.unregister("years_now")
    return {indicator for (indicator,) in rows}


def _span(year: str) -> tuple[str, str]:
    try:
        found = period.parse(year)
    except ValueError as error:
        raise Refused(f"not a financial year: {error}", got=year, repair="write 2014-15") from None
    if found.kind != "year":
        raise Refused("not a financial year", got=year, repair="write 2014-15")
    return found.start.isoformat(), found.end.isoformat()


def replace(
    connection: DuckDBPyConnection,
    table: Table,
    rows: pd.DataFrame,
    made: Sequence[str],
    wanted: Mapping[str, str | None],
) -> None:
    """Put `rows`, those of the indicators `made`, in the place of theirs, and store all states.

    Rows of an indicator that is declared no more leave. The table is in the order of its columns
    then, from left to right. The caller holds the transaction.
    """
    stand = [key for key in wanted if key not in set(made)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_in_order AS SELECT * FROM {table.full_name} "
        "WHERE list_contains(?::VARCHAR[], indicator)",
        [stand],
    )
    warehouse.fill(connection, table, rows)
    connection.execute(f"INSERT INTO rows_in_order SELECT * FROM {table.full_name}")
    connection.execute(tables.create(table))
    connection.execute(f"INSERT INTO {table.full_name} SELECT * FROM rows_in_order ORDER BY ALL")
    connection.execute("DROP TABLE rows_in_order")
    connection.execute("DELETE FROM build.made_from WHERE table_name = ?", [table.full_name])
    states = [(table.full_name, key, state) for key, state in wanted.items() if state]
    if states:
        insert(connection, "build.made_from", states)


def fill_but(
    connection: DuckDBPyConnection, table: Table, rows: pd.DataFrame, stands: Sequence[str]
) -> None:
    """Replace a table by the rows, but for those of the extracts (by id) that stand as stored."""
    stored = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = ? AND table_name = ?",
        [table.schema, table.name],
    ).fetchall()
    if not stands or stored == [(0,)]:
        warehouse.fill(connection, table, rows)
        return
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE standing AS SELECT * FROM {table.full_name} "
        "WHERE list_contains(?::VARCHAR[], extract_id)",
        [list(stands)],
    )
    warehouse.fill(connection, table, rows[~rows["extract_id"].isin(stands)] if len(rows) else rows)
    connection.execute(f"INSERT INTO {table.full_name} SELECT * FROM standing")
    connection.execute("DROP TABLE standing")


def insert(connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Add a few rows by one statement: one for each row takes longer than most steps."""
    places = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
    cells = [cell for row in rows for cell in row]
    connection.execute(f"INSERT INTO {table} VALUES {places}", cells)


def insert_frame(connection: DuckDBPyConnection, table: str, rows: pd.DataFrame) -> None:
    """Add the rows of a frame, by the names of its columns; NaN and the like are null."""
    if len(rows) > FEW:
        plain = rows.astype(object).where(rows.notna(), None)
        connection.register("rows_now", plain)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_now")
        connection.unregister("rows_now")
        return
    # To look at a frame of a few rows takes the database longer than to be given them.
    columns = [
        [None if lacking else cell for cell, lacking in zip(column, column.isna(), strict=True)]
        for column in (rows[name].astype(object) for name in rows)
    ]
    names = ", ".join(f'"{name}"' for name in rows)
    insert(connection, f"{table} ({names})", list(zip(*columns, strict=True)))


def gone(
    connection: DuckDBPyConnection, table: Table, wanted: Mapping[str, str | None]
) -> list[str]:
    """Indicators that have rows in `table` and are declared no more."""
    rows = connection.execute(f"SELECT DISTINCT indicator FROM {table.full_name}").fetchall()
    return sorted({indicator for (indicator,) in rows} - set(wanted))
