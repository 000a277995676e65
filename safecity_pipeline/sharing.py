"""The tables of the shareable database, written beside the others into the work file.

Belongs here: reading what states a figure, writing what may be shared of it, and that neither a row
is lost nor one is doubled on the way. Does not belong here: what may be shared (`shareable`), and
how figures are compared (`refresh` hands that in).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from safecity_pipeline import (
    comparable,
    outsider,
    protection,
    shareable,
    tables,
    warehouse,
    withheld,
)
from safecity_pipeline.model import Refused, Row
from safecity_pipeline.outsider import Number, Outsider
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.settings import SignOff
from safecity_pipeline.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VALUE = ("indicator", "area_code", "period", "dimension", "dimension_value")
FINDING = (*VALUE, "comparison", "comparator")
LEDGER = "ledger_adds_up"
REVISION = ("indicator", "area_code", "period")
PRINTED = (*REVISION, "assessment")
Statements = Callable[[Sequence[Assessment]], list[Row]]


@dataclass(frozen=True)
class Again:
    """Claims, and targets, of some assessments; estimates, and comparable values, of some
    indicators: computed anew from what may be shared alone."""

    claims: Statements
    targets: Statements
    estimates: Callable[[Sequence[str]], pd.DataFrame]
    comparables: Callable[[Sequence[str]], pd.DataFrame]


def write(
    connection: DuckDBPyConnection,
    known: Registry,
    area_code: str,
    again: Again,
    told_before: Callable[[Outsider], object] = lambda one: None,
    signed_off: Sequence[SignOff] = (),
    given_away: AbstractSet[Number] = frozenset(),
) -> None:
    """Every guarded table as it may be shared. The caller holds the transaction.

    `area_code`: the assessed area. `told_before`: has an outsider read the releases that are kept.
    `signed_off`: tables of small areas that need not be withheld. `given_away`: what follows from
    these releases alone.
    """
    rules = shareable.rules(known.indicators, known.sources)
    rounded = [key for key, rule in rules.items() if rule.step]
    small_areas = withheld.by_indicator(known, signed_off)
    asked = sorted({*rules, *small_areas})
    values = _rows_about(connection, tables.INDICATOR_VALUE, asked)
    shown = withheld.without(values, small_areas, shareable.FIGURES)
    shown = shareable.values(shown, known.indicators, known.sources)
    areas = outsider.members(known.areas.member_rows())
    shown = protection.protected(shown, known, areas, told_before, given_away)
    _write(connection, tables.INDICATOR_VALUE, VALUE, _other(values, shown, rounded))
    hidden = shareable.hidden_periods(shown, rounded)
    findings = _rows_about(connection, tables.FINDING, sorted({key for key, _ in hidden}))
    kept = shareable.findings(findings, shown, known.indicators, rounded)
    _write(connection, tables.FINDING, FINDING, _other(findings, kept, rounded))
    own = "WHERE dimension = 'all' AND area_code = $1"
    _leave_out_what_rests_on(
        connection, resting_on(_shown_otherwise(connection, own, area_code), known)
    )
    _write_statements(connection, known, again)
    drafted = shareable.drafts(
        rows_of(connection, tables.DRAFT), shareable.places_hidden(shown, rounded)
    )
    drafted = shareable.without_notes(drafted, _notes_left_out(connection))
    warehouse.fill(connection, tables.DRAFT.shareable, pd.DataFrame(drafted))
    revised = _rows_about(connection, tables.REVISION, list(rules))
    kept = shareable.revisions(revised, shown, rules, rounded)
    _write(connection, tables.REVISION, REVISION, _other(revised, kept, rounded))
    as_printed = _rows_about(connection, tables.PRINTED, list(rules))
    counts = [key for key, one in known.indicators.items() if one.kind == "count"]
    kept = shareable.figures_printed(as_printed, shown, rules, rounded, counts)
    _write(connection, tables.PRINTED, PRINTED, _other(as_printed, kept, rounded))
    _write_estimates(connection, known, area_code, again)
    _write_ledger(connection, known, shown)
    ruled = [one.name for one in known.sources.values() if one.disclosure != "none"]
    for table in (tables.ARRIVAL, tables.CORRECTION):
        _write_without_rows(connection, table, ruled)
    _write_totals(connection, ruled)


def resting_on(hidden: AbstractSet[str], known: Registry) -> list[str]:
    """The hidden indicators, and those whose steps are worked out with the months of one."""
    by_months = {
        key for key, judged in comparable.bases(known).items() if judged.indicator in hidden
    }
    return sorted(hidden | by_months)


def _notes_left_out(connection: DuckDBPyConnection) -> list[str]:
    """What is said in findings of changes with recording allowed for, and is not shared."""
    found = connection.execute(
        f"SELECT comparable_note FROM {tables.FINDING.full_name} WHERE comparable_note IS NOT NULL "
        f"EXCEPT SELECT comparable_note FROM {tables.FINDING.shareable.full_name} ORDER BY 1"
    ).fetchall()
    return [note for (note,) in found]


def _leave_out_what_rests_on(connection: DuckDBPyConnection, hidden: Sequence[str]) -> None:
    """A step in or against a series of which something is hidden was worked out with it: of such
    changes, which are the assessed area's own, what is left when recording is allowed for is not
    shared."""
    rests_on = "list_append(string_split(comparable_rests_on, ' + '), indicator)"
    off = ", ".join(f"{name} = NULL" for name in shareable.ALLOWING)
    connection.execute(
        f"UPDATE {tables.FINDING.shareable.full_name} SET {off}, "
        "sentence = replace(sentence, ' ' || comparable_note, '') "
        f"WHERE comparable_note IS NOT NULL AND list_has_any({rests_on}, ?::VARCHAR[])",
        [hidden],
    )


def _rows_about(
    connection: DuckDBPyConnection, table: Table, indicators: Sequence[str]
) -> pd.DataFrame:
    return connection.execute(
        f"SELECT * FROM {table.full_name} WHERE list_contains(?::VARCHAR[], indicator) "
        "ORDER BY ALL",
        [indicators],
    ).df()


def _other(rows: pd.DataFrame, shown: pd.DataFrame, rounded: Sequence[str]) -> pd.DataFrame:
    """The rows that differ from what stands in the restricted database."""
    said = "sentence" if "sentence" in shown else "suppressed_reason"
    other = shown[said].fillna("") != rows[said].fillna("")
    return shown[other | shown["indicator"].isin(rounded)]


def _write(
    connection: DuckDBPyConnection, table: Table, key: Sequence[str], other: pd.DataFrame
) -> None:
    """The rows of a table, with `other` in the place of theirs. Raises Refused where that is not
    row for row."""
    warehouse.fill(connection, table.shareable, other)
    same = " AND ".join(f"o.{name} IS NOT DISTINCT FROM t.{name}" for name in key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_in_order AS FROM {table.shareable.full_name} "
        f"UNION ALL SELECT * FROM {table.full_name} AS t WHERE NOT EXISTS "
        f"(SELECT 1 FROM {table.shareable.full_name} AS o WHERE {same})"
    )
    connection.execute(tables.create(table.shareable))
    connection.execute(
        f"INSERT INTO {table.shareable.full_name} SELECT * FROM rows_in_order ORDER BY ALL"
    )
    connection.execute("DROP TABLE rows_in_order")
    _refuse_unless_whole(connection, table)


def _refuse_unless_whole(connection: DuckDBPyConnection, table: Table) -> None:
    there, shared = (
        connection.execute(f"SELECT count(*) FROM {name}").fetchall()
        for name in (table.full_name, table.shareable.full_name)
    )
    if there != shared:
        raise Refused(
            "nothing is published: what may be shared has not the rows of the table",
            table.full_name,
            f"{shared[0][0]} of {there[0][0]} rows",
        )


def rows_of(connection: DuckDBPyConnection, table: Table) -> list[dict[str, Any]]:
    """The rows of a table in their order."""
    found = connection.execute(f"SELECT * FROM {table.full_name} ORDER BY rowid")
    return warehouse.named_rows(found)


def _write_statements(connection: DuckDBPyConnection, known: Registry, again: Again) -> None:
    """Claims and targets, each beside the same one computed anew: what comes out the same rests on
    nothing hidden. Row by row, since two assessments may name a claim alike."""
    for table, made, shared in (
        (tables.CLAIM, again.claims, shareable.claims),
        (tables.TARGET, again.targets, shareable.targets),
    ):
        rows = shared(rows_of(connection, table), made(known.assessments))
        warehouse.fill(connection, table.shareable, pd.DataFrame(rows))


def _write_estimates(
    connection: DuckDBPyConnection, known: Registry, area_code: str, again: Again
) -> None:
    """Estimates and comparable values as they stand, but for those that rest on a value which is
    not shown as it is: these are made of what is shown."""
    of_area = "WHERE dimension = 'all' AND (area_code = $1 OR period_kind = 'year')"
    other = _shown_otherwise(connection, of_area, area_code)
    resting = {one.indicator: set(one.keys) for one in known.references}
    bases = {key: {key, *one.keys} for key, one in comparable.bases(known).items()}
    for table, behind, made in (
        (tables.BREAK_ESTIMATE, resting, again.estimates),
        (tables.COMPARABLE_VALUE, bases, again.comparables),
    ):
        anew = [key for key, keys in behind.items() if keys & other]
        _write_anew(connection, table, anew, made(anew) if anew else pd.DataFrame())


def _shown_otherwise(connection: DuckDBPyConnection, which: str, area_code: str) -> set[str]:
    """The indicators of which a value is not shared as it is; `which`: of which values, $1 the
    assessed area."""
    rows = connection.execute(
        f"SELECT DISTINCT indicator FROM (FROM {tables.INDICATOR_VALUE.full_name} {which} "
        f"EXCEPT FROM {tables.INDICATOR_VALUE.shareable.full_name} {which})",
        [area_code],
    ).fetchall()
    return {indicator for (indicator,) in rows}


def _write_anew(
    connection: DuckDBPyConnection, table: Table, anew: Sequence[str], rows: pd.DataFrame
) -> None:
    """A table with other rows of some indicators, in an order that does not tell of which."""
    warehouse.fill(connection, table.shareable, rows)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_in_order AS FROM {table.shareable.full_name} "
        f"UNION ALL SELECT * FROM {table.full_name} "
        "WHERE NOT list_contains(?::VARCHAR[], indicator)",
        [list(anew)],
    )
    connection.execute(tables.create(table.shareable))
    connection.execute(
        f"INSERT INTO {table.shareable.full_name} SELECT * FROM rows_in_order ORDER BY ALL"
    )
    connection.execute("DROP TABLE rows_in_order")


def _write_totals(connection: DuckDBPyConnection, ruled: Sequence[str]) -> None:
    """Checks and costs without how many rows a source with a rule has in all: with the files that
    are counted, that is the number of the one that is not."""
    told = "source || ': rows read = valid + quarantined + excluded, in every file and sheet'"
    counted = f"list_contains(?::VARCHAR[], source) AND check_name = '{LEDGER}' AND passed"
    rows = "list_contains(?::VARCHAR[], step)"
    of_step = [f"clean/{name}" for name in ruled]
    for table, changed, names in (
        (
            tables.CHECK_RESULT,
            f"CASE WHEN {counted} THEN {told} ELSE message END AS message",
            [list(ruled)],
        ),
        (
            tables.RUN_COST,
            f"CASE WHEN NOT {rows} THEN rows END AS rows, "
            f"CASE WHEN NOT {rows} THEN rows_per_second END AS rows_per_second",
            [of_step, of_step],
        ),
    ):
        connection.execute(tables.create(table.shareable))
        connection.execute(
            f"INSERT INTO {table.shareable.full_name} SELECT * REPLACE ({changed}) "
            f"FROM {table.full_name} ORDER BY ALL",
            names,
        )


def _write_without_rows(connection: DuckDBPyConnection, table: Table, ruled: Sequence[str]) -> None:
    """A table as it is, but for how many rows of a source with a rule it speaks of."""
    connection.execute(tables.create(table.shareable))
    connection.execute(
        f"INSERT INTO {table.shareable.full_name} SELECT * REPLACE "
        f"(CASE WHEN NOT list_contains(?::VARCHAR[], source) THEN rows END AS rows) "
        f"FROM {table.full_name}",
        [list(ruled)],
    )


def _write_ledger(connection: DuckDBPyConnection, known: Registry, shown: pd.DataFrame) -> None:
    """The ledger as it is, but for what counts a few events. The work file is nobody's to read, so
    that a row may be changed in it."""
    for table in (tables.EXTRACT, tables.EXTRACT_SHEET, tables.EXTRACT_UNIT):
        connection.execute(tables.create(table.shareable))
        connection.execute(
            f"INSERT INTO {table.shareable.full_name} SELECT * FROM {table.full_name}"
        )
    files, units = (
        connection.execute(statement).df()
        for statement in (
            "SELECT extract_id, source, rows_valid FROM meta.extract WHERE source IS NOT NULL",
            "SELECT extract_id, source, unit, period, rows FROM meta.extract_unit "
            "JOIN meta.extract USING (extract_id)",
        )
    )
    small = shareable.few_events(files, units, shown, known.indicators, known.sources)
    if small.units:
        named = pd.DataFrame(small.units, columns=["extract_id", "unit", "period"], dtype=object)
        connection.register("small_now", named)
        connection.execute(
            f"UPDATE {tables.EXTRACT_UNIT.shareable.full_name} AS u SET rows = NULL FROM small_now "
            "AS s WHERE (u.extract_id, u.unit, u.period) = (s.extract_id, s.unit, s.period)"
        )
        connection.unregister("small_now")
    for table in (tables.EXTRACT, tables.EXTRACT_SHEET) if small.files else ():
        counts = [
            one.name
            for one in table.columns
            if one.name == "bytes" or one.name.startswith(("rows_", "excluded_"))
        ]
        connection.execute(
            f"UPDATE {table.shareable.full_name} SET {', '.join(f'{n} = NULL' for n in counts)} "
            "WHERE list_contains(?::VARCHAR[], extract_id)",
            [sorted(small.files)],
        )
