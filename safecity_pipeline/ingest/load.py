"""A batch of sheets of one layout: staged as text, judged, split into clean and quarantine.

Belongs here: reading into `stage`, the split, and the counts that the ledger compares. Does not
belong here: which extracts need reading (`intake`), the rules (`rules`), or which delivery of a
unit counts (`units`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from duckdb import Error as DatabaseError
from duckdb import InvalidInputException

from safecity_pipeline.ingest import heads, lines, reading, rules, schema, transcripts
from safecity_pipeline.ingest.lines import Lines
from safecity_pipeline.ingest.survey import glance, label_parts, wide_label
from safecity_pipeline.model import Extract, Layout, Places, Reading, Refused, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HEAD_ROWS = 1


@dataclass(frozen=True)
class Piece:
    """One sheet of an extract, with the layout that reads it."""

    extract: Extract
    reading: Reading

    @property
    def layout(self) -> Layout:
        assert self.reading.layout is not None
        return self.reading.layout

    @property
    def spelling(self) -> tuple[object, ...]:
        """Pieces that are judged together have the same."""
        return self.layout, self.reading.head


@dataclass(frozen=True)
class SheetCount:
    """Physical rows of one sheet, counted by the scan and not by the loader.

    `other`: rows that the layout leaves out by `only`. `cells`: clean rows that a physical row
    gives, one unless the table is wide.
    """

    extract_id: str
    sheet: str
    rows_read: int
    layout: int
    blank: int
    other: int = 0
    cells: int = 1


@dataclass
class Staged:
    """A batch that is read and judged, but not stored yet. Numbers are places in `pieces`.

    `copies`: mended files, which go when the stage is filled.
    """

    source: Source
    pieces: list[Piece]
    counts: dict[int, SheetCount] = field(default_factory=dict)
    scans: dict[int, Lines] = field(default_factory=dict)
    refused: list[Extract] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)

    def refuse(self, number: int, message: str) -> None:
        self.refused.append(replace(self.pieces[number].extract, status="refused", message=message))
        self.scans.pop(number, None)
        self.counts.pop(number, None)


def judge(
    connection: DuckDBPyConnection,
    source: Source,
    pieces: Sequence[Piece],
    places: Places,
    scratch: Path,
) -> Staged:
    """Read the pieces (of one spelling) as text and find every reason against every row.

    Works in temporary tables only; a piece that cannot be read is refused by itself.
    """
    staged = Staged(source, list(pieces))
    _fill_stage(connection, staged, scratch)
    named = _heads(pieces[0])
    rules.run(connection, source, pieces[0].layout, named, places)
    _mark_broken(connection, staged.scans)
    _mark_repeated(connection, source, named)
    if any(rule.over == "extract" for rule in source.across):
        _across_rows(connection, staged)
    # A row that is refused anyway tells all that is wrong with it.
    connection.execute(
        f"INSERT INTO bad SELECT _extract, _row, {len(rules.words(source))}, rule, reason "
        "FROM bad_cell SEMI JOIN bad USING (_extract, _row)"
    )
    return staged


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


# --- into the stage ------------------------------------------------------------------------------


def _fill_stage(connection: DuckDBPyConnection, staged: Staged, scratch: Path) -> None:
    """All the pieces as text in the table `stage`, by one statement: DuckDB is slow to append to a
    table that holds rows already. A piece that cannot be read is refused by itself."""
    parts: dict[int, str] = {}
    try:
        for number in range(len(staged.pieces)):
            try:
                parts[number] = _staged(connection, staged, number, scratch)
            except Refused as refused:
                staged.refuse(number, str(refused))
        try:
            _stage(connection, staged.source, parts)
        except InvalidInputException:
            _stage(connection, staged.source, _readable(connection, staged, parts))
    finally:
        for copy in staged.copies:
            copy.unlink(missing_ok=True)
    for piece in staged.pieces:
        _still_the_same(piece.extract)


def _stage(connection: DuckDBPyConnection, source: Source, parts: Mapping[int, str]) -> None:
    names = source.model.to_schema().columns
    nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in names)
    empty = f"SELECT NULL::INTEGER AS _extract, NULL::BIGINT AS _row, {nothing} WHERE false"
    rows = " UNION ALL ".join([empty, *parts.values()])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE stage AS {rows}")


def _readable(
    connection: DuckDBPyConnection, staged: Staged, parts: Mapping[int, str]
) -> dict[int, str]:
    """Those of the parts that can be read. What the database says of the others quotes the row,
    so it goes no further."""
    readable = dict(parts)
    for number, rows in parts.items():
        try:
            _stage(connection, staged.source, {number: rows})
        except InvalidInputException:
            del readable[number]
            refused = Refused("cannot be read as delimited text", repair="save it as CSV in UTF-8")
            staged.refuse(number, str(refused))
    return readable


def _still_the_same(extract: Extract) -> None:
    """Raises Refused where the file is not any more what was hashed: some of its rows may be of
    the one content, and some of the other."""
    if extract.seen is not None and extract.seen != glance(extract.path):
        raise Refused(
            "the file changed while it was being read",
            extract.file,
            repair="refresh again when it has been copied whole; the last release stands",
        )


def _staged(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    """The statement that gives the rows of one piece for the stage."""
    piece = staged.pieces[number]
    read = _transcribed if transcripts.needed(piece.extract.path, piece.layout) else _delimited
    return read(connection, staged, number, scratch)


def _delimited(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    """A text file: as it lies where a strict reader can take it, else a mended copy."""
    piece = staged.pieces[number]
    extract, layout, head = piece.extract, piece.layout, piece.reading.head
    scan = lines.scan(extract.path, len(head), layout.delimiter, short_rows=layout.short_rows)
    _vouched(extract, scan.total, len(scan.blank))
    path, mended = extract.path, scratch / f"{extract.extract_id}.csv"
    if not scan.clean:
        staged.copies.append(mended)
        lines.write_mended(
            path, scan, len(head), mended, layout.delimiter, short_rows=layout.short_rows
        )
        path = mended
    try:
        rows, other = _selected_rows(
            connection, staged.source, piece, number, _delimited_rows(piece, path)
        )
    except InvalidInputException:
        raise Refused(
            "cannot be read as delimited text", repair="save it as CSV in UTF-8"
        ) from None
    staged.scans[number] = scan
    staged.counts[number] = _count(piece, scan.total, HEAD_ROWS, len(scan.blank), other)
    return rows


def _count(piece: Piece, rows: int, layout: int, blank: int, other: int) -> SheetCount:
    extract_id, sheet = piece.extract.extract_id, piece.reading.sheet
    return SheetCount(extract_id, sheet, rows, layout, blank, other, _cells(piece))


def _cells(piece: Piece) -> int:
    return max(1, sum(wide_label(piece.layout, cell) is not None for cell in piece.reading.head))


def _vouched(extract: Extract, total: int, blank: int, heads: int = HEAD_ROWS) -> None:
    """A supplier may count the head and blank rows or not; a file that was cut agrees with none.

    One that counts neither and loses exactly its last row is not noticed: sha256 is surer.
    """
    promised = extract.vouched.rows if extract.vouched else None
    filled = total - blank
    if promised is not None and promised not in {total, total - heads, filled, filled - heads}:
        raise Refused(
            f"manifest.csv vouches for {promised} rows, the file has {total} with its head",
            repair="the file may have been cut: ask the supplier to send it again",
        )


def _delimited_rows(piece: Piece, path: Path) -> str:
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(piece.reading.head)))
    return (
        f"SELECT row_number() OVER () + {HEAD_ROWS} AS _row, * FROM read_csv({_literal(path)}, "
        f"columns = {{{columns}}}, "
        f"header = true, auto_detect = false, strict_mode = true, encoding = 'utf-8', "
        f"delim = {quoted(piece.layout.delimiter)}, quote = '\"', escape = '\"')"
    )


def _transcribed(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    """A sheet of a workbook, or a parquet file, from its transcript."""
    piece = staged.pieces[number]
    sheet = _sheet(piece, scratch)
    first, last = piece.reading.first_row, piece.reading.last_row or sheet.rows
    blank = sheet.blank_rows(first, last)
    if piece.extract.read[0] == piece.reading:
        _vouched_sheets(piece.extract, scratch)
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(sheet.columns))
    rows = (
        f"SELECT * FROM read_csv({_literal(sheet.path or Path())}, "
        f"columns = {{'_row': 'BIGINT', {columns}}}, header = false, auto_detect = false, "
        "strict_mode = true, encoding = 'utf-8', delim = ',', quote = '\"', escape = '\"') "
        f"WHERE _row BETWEEN {first} AND {last}"
    )
    selected, other = _selected_rows(connection, staged.source, piece, number, rows)
    outside = sheet.rows - (last - first + 1)
    staged.scans[number] = Lines(sheet.rows, broken=_beyond_the_head(piece, sheet, first, last))
    staged.counts[number] = _count(piece, sheet.rows, outside, blank, other)
    return selected


def _beyond_the_head(piece: Piece, sheet: reading.Sheet, first: int, last: int) -> dict[int, str]:
    """Rows of a text file with cells right of its last head: they have slipped. A sheet's columns
    without a head are told in meta.drift instead."""
    if transcripts.needed(piece.extract.path):
        return {}
    named = [at for at, cell in enumerate(piece.reading.head, 1) if heads.without_place(cell)]
    width = max(named, default=len(piece.reading.head))
    words = f"the row has more cells than the head, which has {width}"
    rows = reading.read_rows(sheet)
    return {row: words for row, cells in rows if first <= row <= last and any(cells[width:])}


def _vouched_sheets(extract: Extract, scratch: Path) -> None:
    """Rows that a manifest vouches for are those of all the sheets that are read."""
    pieces = [Piece(extract, reading) for reading in extract.read]
    sheets = [(piece.reading, _sheet(piece, scratch)) for piece in pieces]
    total = sum((r.last_row or s.rows) - r.first_row + 1 + HEAD_ROWS for r, s in sheets)
    blank = sum(s.blank_rows(r.first_row, r.last_row) for r, s in sheets)
    _vouched(extract, total, blank, len(sheets) * HEAD_ROWS)


def _sheet(piece: Piece, scratch: Path) -> reading.Sheet:
    extract, delimiter = piece.extract, piece.layout.delimiter
    transcript = transcripts.of(extract.path, extract.sha256, scratch, delimiter)
    return next(sheet for sheet in transcript.sheets if sheet.name == piece.reading.sheet)


def _literal(path: Path) -> str:
    """The path for `read_csv`, which would take some characters of it for a pattern."""
    return quoted(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))


def _selected_rows(
    connection: DuckDBPyConnection, source: Source, piece: Piece, number: int, rows: str
) -> tuple[str, int]:
    """The rows of one piece as columns of the stage; and how many the layout leaves out by
    `only`."""
    head, layout = piece.reading.head, piece.layout
    cells = ", ".join(f"c{at}" for at in range(len(head)))
    filled = f"SELECT * FROM ({rows}) WHERE coalesce({cells}, NULL) IS NOT NULL"
    at = {cell: f"c{position}" for position, cell in enumerate(head)}
    other = 0
    if layout.only:
        wanted = _wanted(connection, layout, at, filled)
        other = _number(connection, f"SELECT count(*) FROM ({filled}) WHERE NOT ({wanted})")
        filled = f"SELECT * FROM ({filled}) WHERE {wanted}"
    if layout.wide:
        filled, at = _unpivoted(layout, head, filled, at)
    selected = _selected(source, piece, at)
    return f"SELECT {number} AS _extract, _row, {selected} FROM ({filled})", other


def _number(connection: DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _wanted(
    connection: DuckDBPyConnection, layout: Layout, at: Mapping[str, str], rows: str
) -> str:
    """The rows that `only` keeps: those whose cell is one of the texts that fit its pattern."""
    kept = []
    for cell, pattern in layout.only.items():
        text = f"coalesce({at[cell]}, '')"
        fitting = _fitting(connection, f"SELECT DISTINCT {text} FROM ({rows})", pattern)
        kept.append(f"{text} IN ({', '.join(map(quoted, fitting)) or 'NULL'})")
    # None of no texts is NULL, which is not true; and its opposite has to be true.
    return f"coalesce({' AND '.join(kept)}, false)"


def _fitting(connection: DuckDBPyConnection, texts: str, pattern: str) -> list[str]:
    """Of the texts that a statement gives, those that a pattern fits: asked of Python, since the
    database has another language of patterns than the layouts."""
    found = [str(row[0]) for row in connection.execute(texts).fetchall()]
    return [text for text in found if re.fullmatch(pattern, text.strip())]


def _selected(source: Source, piece: Piece, at: Mapping[str, str]) -> str:
    layout, given = piece.layout, piece.reading.given
    columns = layout.columns
    found = {name: quoted(text) for name, text in given.items()}
    found |= {columns[cell]: at[cell] for cell in piece.reading.head if cell in columns}
    if layout.wide:
        found |= {name: name for name in (*_label_columns(layout), str(layout.wide_value))}
    for name, meant in layout.values.items():
        if name in found:
            found[name] = _translated(found[name], meant)
    return ", ".join(
        f"CAST({found.get(name, 'NULL')} AS VARCHAR) AS {name}"
        for name in source.model.to_schema().columns
    )


def _label_columns(layout: Layout) -> list[str]:
    """Our columns that the label of a wide column says."""
    return str(layout.wide_label).split("|")


def _translated(column: str, meant: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in meant.items())
    return f"CASE trim({column}) {cases} ELSE {column} END"


def _unpivoted(
    layout: Layout, head: Sequence[str], rows: str, at: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """One staged row a wide column; the physical row number stays the same."""
    wide = {at[cell]: label for cell in head if (label := label_parts(layout, cell)) is not None}
    kept = ", ".join(["_row", *(at[cell] for cell in head if cell in layout.columns)])
    told = ", ".join(
        f"({', '.join(map(quoted, (column, *label)))})" for column, label in wide.items()
    )
    names = ", ".join(["_wide", *_label_columns(layout)])
    return (
        f"SELECT * FROM (SELECT {kept}, {', '.join(wide)} FROM ({rows})) "
        f"UNPIVOT INCLUDE NULLS ({layout.wide_value} FOR _wide IN ({', '.join(wide)})) "
        f"JOIN (VALUES {told}) AS told ({names}) USING (_wide)",
        {cell: at[cell] for cell in head if cell in layout.columns},
    )


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
            for row, text in _as_received(piece, bad, staged.scans[number], scratch).items()
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


def _as_received(piece: Piece, rows: set[int], scan: Lines, scratch: Path) -> dict[int, str]:
    """The physical rows as they came; those of a workbook as cells parted by commas."""
    if not transcripts.needed(piece.extract.path, piece.layout):
        return lines.as_received(piece.extract.path, rows, scan.joined)
    listed = reading.read_rows(_sheet(piece, scratch))
    return {row: _written(cells) for row, cells in listed if row in rows}


def _written(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


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
    source, layout = staged.source, staged.pieces[0].layout
    marked = schema.marked(source)
    columns, joins = ["p._extract_id", "p._sheet", "s._row"], []
    for name, kind in schema.stored(source).items():
        value = f"typed_{name}.value" if name in marked else _value(connection, name, kind)
        columns.append(f"{value} AS {name}")
        columns += _with_status(connection, name, layout, marked[name]) if name in marked else []
        same = "IS NOT DISTINCT FROM" if name in marked else "="
        if value != f"s.{name}":
            joins.append(f"LEFT JOIN typed_{name} ON typed_{name}.raw {same} s.{name}")
    columns += [f"derived_{d.name}.value AS {d.name}" for d in source.derived]
    joins += [_derived_join(d.name, d.columns) for d in source.derived]
    joins.append("JOIN piece_now p ON p._extract = s._extract")
    return f"{', '.join(columns)} FROM stage s {' '.join(joins)}"


def _with_status(
    connection: DuckDBPyConnection, name: str, layout: Layout, note: str | None
) -> list[str]:
    """Status and marker of a column in which markers may stand in place of a number. `note`: the
    column that may say why a cell of this one is empty."""
    status = f"typed_{name}.status"
    cases = [f"WHEN {status} = 'ok' AND {_is_rounded(connection, name, layout)} THEN 'rounded'"]
    for pattern, meant in layout.notes.items() if note else ():
        texts = f"SELECT DISTINCT {note} FROM stage WHERE {note} IS NOT NULL"
        fitting = ", ".join(map(quoted, _fitting(connection, texts, pattern))) or "NULL"
        said = f"{status} = 'not_available' AND s.{note} IN ({fitting})"
        cases.append(f"WHEN {said} THEN {quoted(meant)}")
    received = f"CASE WHEN typed_{name}.value IS NULL THEN coalesce(trim(s.{name}), '') END"
    told = f"CASE {' '.join(cases)} ELSE {status} END"
    return [f"{told} AS {name}_status", f"{received} AS {name}_marker"]


def _is_rounded(connection: DuckDBPyConnection, name: str, layout: Layout) -> str:
    """Whether the publisher rounds the number: by its label in a wide table, else by column."""
    if layout.rounded is None:
        return "false"
    if layout.wide and name == layout.wide_value:
        label = " || '|' || ".join(_label_columns(layout))
        fitting = _fitting(connection, f"SELECT DISTINCT {label} FROM stage", layout.rounded)
        label = " || '|' || ".join(f"s.{part}" for part in _label_columns(layout))
        return f"{label} IN ({', '.join(map(quoted, fitting)) or 'NULL'})"
    return "true" if re.fullmatch(layout.rounded, name) else "false"


def _value(connection: DuckDBPyConnection, name: str, kind: str) -> str:
    if kind not in ("text", "financial_year"):
        return f"typed_{name}.value"
    if _number(connection, f"SELECT count(*) FROM typed_{name}") == 0:
        return f"s.{name}"
    return f"CASE WHEN typed_{name}.raw IS NULL THEN s.{name} ELSE typed_{name}.value END"


def _derived_join(name: str, columns: Sequence[str]) -> str:
    same = [f"derived_{name}.raw_{column} IS NOT DISTINCT FROM s.{column}" for column in columns]
    return f"LEFT JOIN derived_{name} ON {' AND '.join(same)}"
