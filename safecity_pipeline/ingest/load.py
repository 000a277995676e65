"""A batch of sheets of one layout: judged on the stage, split into clean and quarantine.

Belongs here: every reason against every row, and where the rows go. Does not belong here: which
extracts need reading (`intake`), reading them (`stage`), the rules themselves (`rules`), rows that
need no judging (`plain`), or which delivery of a unit counts (`units`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from duckdb import Error as DatabaseError

from safecity_pipeline.ingest import (
    corrections,
    folding,
    lines,
    reading,
    rules,
    schema,
    stage,
    transcripts,
)
from safecity_pipeline.ingest.lines import Lines
from safecity_pipeline.ingest.pseudonyms import Door, written
from safecity_pipeline.ingest.stage import Piece, Staged
from safecity_pipeline.model import Layout, Places, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge(
    connection: DuckDBPyConnection,
    source: Source,
    pieces: Sequence[Piece],
    places: Places,
    scratch: Path,
    door: Door,
) -> Staged:
    """Read the pieces (of one spelling) as text and find every reason against every row.

    Works in temporary tables only; a piece that cannot be read is refused by itself. Identifiers of
    persons are replaced before anything else; then known errors are corrected.
    """
    with stage.opened(connection, source, pieces, scratch) as staged:
        stage.fill(connection, staged)
        staged.door = door
        door.replace(connection, staged.pieces)
        corrections.apply(connection, staged)
    stage.still_the_same(staged.pieces)
    judge_stage(connection, staged, places)
    door.hush(connection, {number: scan.broken for number, scan in staged.scans.items()})
    return staged


def judge_stage(connection: DuckDBPyConnection, staged: Staged, places: Places) -> None:
    """Find every reason against every row of the stage, and against rows that are none."""
    source, first = staged.source, staged.pieces[0]
    named = _heads(first)
    known = rules.run(connection, source, first.layout, named, places)
    _mark_broken(connection, staged.scans)
    if source.fold:
        folding.fold(connection, staged, source.fold, named)
        rules.derive_folded(connection, source, known, places)
    _mark_repeated(connection, source, named)
    if any(rule.over == "extract" for rule in source.across):
        _across_rows(connection, staged)
    # A row that is refused anyway tells all that is wrong with it.
    connection.execute(
        f"INSERT INTO bad SELECT _extract, _row, {len(rules.words(source))}, rule, reason "
        "FROM bad_cell SEMI JOIN bad USING (_extract, _row)"
    )


def store(connection: DuckDBPyConnection, staged: Staged, scratch: Path) -> None:
    """Append the judged rows to `clean.<source>` and `quarantine.<source>`, and the bad cells of
    rows that stand to `quarantine.cell`.

    The caller holds the transaction, so that a piece is stored whole or not at all.
    """
    source = staged.source
    _quarantine(connection, staged, scratch)
    with _Registered(connection, "piece_now", _numbered(staged.pieces)):
        connection.execute(f"INSERT INTO {source.clean} {_clean_rows(connection, staged)}")
        connection.execute(
            f"INSERT INTO quarantine.cell SELECT {quoted(source.name)}, p._extract_id, p._sheet, "
            "c._row, c.column_name, c.rule, c.reason FROM bad_cell c JOIN piece_now p "
            "USING (_extract) ANTI JOIN bad USING (_extract, _row) ORDER BY ALL"
        )
        connection.execute(
            f"INSERT INTO build.noted SELECT {quoted(source.name)}, p._extract_id, p._sheet, "
            "n._row, n.rule, n.got FROM noted n JOIN piece_now p USING (_extract) ORDER BY ALL"
        )
        corrections.store(connection, staged)


class _Registered:
    """A frame that the database sees under a name for as long as a `with` lasts."""

    def __init__(self, connection: DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
        self.connection, self.name, self.frame = connection, name, frame

    def __enter__(self) -> None:
        self.connection.register(self.name, self.frame)

    def __exit__(self, *error: object) -> None:
        # In a transaction that has failed this fails too, and would hide why.
        with suppress(DatabaseError) if any(error) else nullcontext():
            self.connection.unregister(self.name)


def _numbered(pieces: Sequence[Piece]) -> pd.DataFrame:
    rows = [(n, one.extract.extract_id, one.reading.sheet) for n, one in enumerate(pieces)]
    frame = pd.DataFrame(rows, columns=["_extract", "_extract_id", "_sheet"])
    return frame.astype({"_extract_id": object, "_sheet": object})


def _heads(piece: Piece) -> dict[str, str]:
    """Our column → the head under which this supplier sends it."""
    columns = piece.layout.columns
    named = {ours: theirs for theirs, ours in columns.items()}
    present = {columns[cell]: cell for cell in piece.reading.head if cell in columns}
    told = dict.fromkeys(piece.reading.given, "the file's name or manifest")
    return {ours: theirs or "(no head)" for ours, theirs in {**named, **present, **told}.items()}


# --- reasons against rows ------------------------------------------------------------------------


def _mark_broken(connection: DuckDBPyConnection, scans: Mapping[int, Lines]) -> None:
    rows = pd.DataFrame(
        [
            (number, row, words)
            for number, scan in scans.items()
            for row, words in scan.broken.items()
        ],
        columns=["_extract", "_row", "words"],
    ).astype({"words": object})
    if not rows.empty:
        with _Registered(connection, "broken_now", rows):
            connection.execute(
                "INSERT INTO bad SELECT _extract, _row, -2, 'row_whole', words FROM broken_now"
            )


def _mark_repeated(
    connection: DuckDBPyConnection, source: Source, heads: Mapping[str, str]
) -> None:
    """The second and later rows of one key; the first one, by place in the file, stays."""
    if not source.key:
        return
    key = ", ".join(f"trim({column})" for column in source.key)
    given = " AND ".join(f"trim({column}) <> ''" for column in source.key)
    words = ", ".join(heads.get(column, column) for column in source.key)
    connection.execute(
        f"INSERT INTO bad SELECT _extract, _row, -1, 'key_unique', "
        f"{quoted(words + ': already given on row ')} || _first FROM (SELECT _extract, _row, "
        f"min(_row) OVER (PARTITION BY _extract, {key}) AS _first FROM stage "
        f"WHERE {source.key_where} AND {given}) WHERE _row > _first"
    )


def _across_rows(connection: DuckDBPyConnection, staged: Staged) -> None:
    """Rules over several rows of an extract, on the rows that no other rule refuses."""
    source = staged.source
    with _Registered(connection, "piece_now", _numbered(staged.pieces)):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE candidate AS "
            f"SELECT s._extract, {_selection(connection, staged)} {GOOD}"
        )
    position = len(rules.words(source))
    for rule in source.across:
        if rule.over != "extract" or rule.severity == "off":
            continue
        parameters = {"threshold": rule.threshold} if "$threshold" in rule.sql else {}
        found = f"FROM ({rule.sql}) GROUP BY _extract, _row"
        name, said = quoted(rule.name), quoted(f"{rule.message}; got: ")
        if rule.severity == "quarantine":
            reason = f"{position}, {name}, {said} || coalesce(any_value(got), '')"
            connection.execute(
                f"INSERT INTO bad SELECT _extract, _row, {reason} {found}", parameters
            )
        else:
            noted = f"SELECT _extract, _row, {name}, any_value(got) {found}"
            connection.execute(f"INSERT INTO noted {noted}", parameters)


def _quarantine(connection: DuckDBPyConnection, staged: Staged, scratch: Path) -> None:
    rows = connection.execute("SELECT DISTINCT _extract, _row FROM bad").df()
    if rows.empty:
        return
    received = pd.DataFrame(
        [
            (number, piece.extract.extract_id, piece.reading.sheet, row, text)
            for number, piece in enumerate(staged.pieces)
            if (bad := set(rows.loc[rows["_extract"] == number, "_row"]))
            for row, text in _kept(staged, number, bad, scratch).items()
        ],
        columns=["_extract", "_extract_id", "_sheet", "_row", "received"],
    ).astype({"received": object, "_sheet": object, "_extract_id": object})
    with _Registered(connection, "received_now", received):
        # Several cells of a wide row may break one rule: each reason is said once.
        connection.execute(
            f"""INSERT INTO quarantine.{staged.source.name}
            SELECT r._extract_id, r._sheet, r._row,
                   list(b.reason ORDER BY b.position, b.reason), r.received,
                   list(b.rule ORDER BY b.position, b.reason)
            FROM received_now r
            JOIN (SELECT DISTINCT _extract, _row, position, rule, reason FROM bad) b
              ON b._extract = r._extract AND b._row = r._row
            GROUP BY r._extract_id, r._sheet, r._row, r.received
            ORDER BY r._extract_id, r._sheet, r._row"""
        )


def _kept(staged: Staged, number: int, rows: set[int], scratch: Path) -> Mapping[int, str | None]:
    """What is kept of refused rows: of a guarded source, without what may name a person."""
    piece, scan, door = staged.pieces[number], staged.scans[number], staged.door
    received = _as_received(piece, rows, scan, scratch)
    if door is None or not door.guards:
        return received
    return {
        row: door.received(piece, text, row not in scan.broken) for row, text in received.items()
    }


def _as_received(piece: Piece, rows: set[int], scan: Lines, scratch: Path) -> dict[int, str]:
    """The physical rows as they came; those of a workbook as cells parted by commas."""
    if not transcripts.needed(piece.extract.path, piece.layout):
        return lines.as_received(piece.extract.path, scan, rows)
    listed = reading.read_rows(stage.sheet_of(piece, scratch))
    return {row: written(cells) for row, cells in listed if row in rows}


# --- the rows that stand -------------------------------------------------------------------------

GOOD = (
    "ANTI JOIN (SELECT DISTINCT _extract, _row FROM bad) b "
    "ON b._extract = s._extract AND b._row = s._row"
)


def _clean_rows(connection: DuckDBPyConnection, staged: Staged) -> str:
    """The statement that gives the rows of `clean.<source>`."""
    if any(rule.over == "extract" for rule in staged.source.across):
        return f"SELECT s.* EXCLUDE (_extract) FROM candidate AS s {GOOD}"
    return f"SELECT {_selection(connection, staged)} {GOOD}"


def _selection(connection: DuckDBPyConnection, staged: Staged) -> str:
    """Columns of the clean table, and what they are selected from."""
    told = values_of(connection, staged)
    columns = [f"{expression} AS {name}" for name, (expression, _) in told.items()]
    joins = dict.fromkeys(join for _, join in told.values())
    return (
        f"p._extract_id, p._sheet, s._row, {', '.join(columns)} FROM stage s {' '.join(joins)} "
        "JOIN piece_now p ON p._extract = s._extract"
    )


def values_of(connection: DuckDBPyConnection, staged: Staged) -> dict[str, tuple[str, str]]:
    """Column of the clean table → expression over the stage `s`, and the join that it needs."""
    source, layout = staged.source, staged.pieces[0].layout
    marked, told = schema.marked(source), {}
    for name, kind in schema.stored(source).items():
        value = f"typed_{name}.value" if name in marked else _value(connection, name, kind)
        same = "IS NOT DISTINCT FROM" if name in marked else "="
        join = f"LEFT JOIN typed_{name} ON typed_{name}.raw {same} s.{name}"
        told[name] = value, "" if value == f"s.{name}" else join
        if name in marked:
            status, marker = _with_status(connection, name, layout, marked[name])
            told |= {f"{name}_status": (status, join), f"{name}_marker": (marker, join)}
    for one in source.derived:
        told[one.name] = f"derived_{one.name}.value", _derived_join(one.name, one.columns)
    return told


def _with_status(
    connection: DuckDBPyConnection, name: str, layout: Layout, note: str | None
) -> tuple[str, str]:
    """Status and marker of a column in which markers may stand in place of a number. `note`: the
    column that may say why a cell of this one is empty."""
    status = f"typed_{name}.status"
    cases = [f"WHEN {status} = 'ok' AND {_is_rounded(connection, name, layout)} THEN 'rounded'"]
    for pattern, meant in layout.notes.items() if note else ():
        texts = f"SELECT DISTINCT {note} FROM stage WHERE {note} IS NOT NULL"
        fitting = ", ".join(map(quoted, stage.fitting(connection, texts, pattern))) or "NULL"
        said = f"{status} = 'not_available' AND s.{note} IN ({fitting})"
        cases.append(f"WHEN {said} THEN {quoted(meant)}")
    received = f"CASE WHEN typed_{name}.value IS NULL THEN coalesce(trim(s.{name}), '') END"
    told = f"CASE {' '.join(cases)} ELSE {status} END"
    return told, received


def _is_rounded(connection: DuckDBPyConnection, name: str, layout: Layout) -> str:
    """Whether the publisher rounds the number: by its label in a wide table, else by column."""
    if layout.rounded is None:
        return "false"
    if layout.wide and name == layout.wide_value:
        label = " || '|' || ".join(stage.label_columns(layout))
        fitting = stage.fitting(connection, f"SELECT DISTINCT {label} FROM stage", layout.rounded)
        label = " || '|' || ".join(f"s.{part}" for part in stage.label_columns(layout))
        return f"{label} IN ({', '.join(map(quoted, fitting)) or 'NULL'})"
    return "true" if re.fullmatch(layout.rounded, name) else "false"


def _value(connection: DuckDBPyConnection, name: str, kind: str) -> str:
    if kind not in ("text", "financial_year"):
        return f"typed_{name}.value"
    if stage.number_from(connection, f"SELECT count(*) FROM typed_{name}") == 0:
        return f"s.{name}"
    return f"CASE WHEN typed_{name}.raw IS NULL THEN s.{name} ELSE typed_{name}.value END"


def _derived_join(name: str, columns: Sequence[str]) -> str:
    same = [f"derived_{name}.raw_{column} IS NOT DISTINCT FROM s.{column}" for column in columns]
    return f"LEFT JOIN derived_{name} ON {' AND '.join(same)}"
