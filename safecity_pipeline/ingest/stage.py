"""Sheets of one layout as text in the table `stage`, one row of it a row of theirs.

Belongs here: opening a piece (the scan of its lines, a mended copy where a strict reader cannot
take it as it lies), the statement that gives its rows as columns of the source's model, and the
counts that the ledger compares. Does not belong here: what the cells are worth (`rules`), or where
rows go afterwards (`load`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import InvalidInputException

from safecity_pipeline.ingest import heads, lines, reading, transcripts
from safecity_pipeline.ingest.lines import Lines
from safecity_pipeline.ingest.survey import glance, label_parts, wide_label
from safecity_pipeline.model import Extract, Layout, Reading, Refused, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from safecity_pipeline.ingest.pseudonyms import Door

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
    gives, one unless the table is wide. `folded`: rows put together with an earlier one.
    `corrected`: rows that a correction leaves out.
    """

    extract_id: str
    sheet: str
    rows_read: int
    layout: int
    blank: int
    other: int = 0
    cells: int = 1
    folded: int = 0
    corrected: int = 0


@dataclass
class Staged:
    """A batch that is read and judged, but not stored yet. Numbers are places in `pieces`.

    `rows`: statements that give the rows of the pieces that can be read. `copies`: files made for
    them, which go afterwards. `door`: where identifiers of persons were replaced; plain rows, which
    have none, pass no door. `corrected`: piece, correction, what came of it, and rows changed.
    """

    source: Source
    pieces: list[Piece]
    counts: dict[int, SheetCount] = field(default_factory=dict)
    scans: dict[int, Lines] = field(default_factory=dict)
    refused: list[Extract] = field(default_factory=list)
    rows: dict[int, str] = field(default_factory=dict)
    copies: list[Path] = field(default_factory=list)
    door: Door | None = None
    corrected: list[tuple[int, str, str, int]] = field(default_factory=list)

    def refuse(self, number: int, message: str) -> None:
        """Nothing of this piece is read."""
        self.refused.append(replace(self.pieces[number].extract, status="refused", message=message))
        for known in (self.scans, self.counts, self.rows):
            known.pop(number, None)


# --- the stage -----------------------------------------------------------------------------------


@contextmanager
def opened(
    connection: DuckDBPyConnection, source: Source, pieces: Sequence[Piece], scratch: Path
) -> Iterator[Staged]:
    """The pieces, each with the statement that gives its rows; one that cannot be read is refused
    by itself. Copies go when the `with` ends."""
    staged = Staged(source, list(pieces))
    try:
        for number in range(len(staged.pieces)):
            try:
                staged.rows[number] = _rows_of(connection, staged, number, scratch)
            except Refused as refused:
                staged.refuse(number, str(refused))
        yield staged
    finally:
        for copy in staged.copies:
            copy.unlink(missing_ok=True)


def fill(connection: DuckDBPyConnection, staged: Staged, more: Sequence[str] = ()) -> None:
    """Make the table `stage` of all the pieces, and of what more statements give, by one statement:
    DuckDB is slow to append to a table that holds rows already. What proves unreadable now is
    refused by itself."""
    try:
        put(connection, staged.source, [*staged.rows.values(), *more])
    except InvalidInputException:
        _leave_out_unreadable(connection, staged)
        put(connection, staged.source, [*staged.rows.values(), *more])


def put(connection: DuckDBPyConnection, source: Source, parts: Iterable[str]) -> None:
    """Make the table `stage` of what some statements give."""
    names = source.schema.columns
    nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in names)
    empty = f"SELECT NULL::INTEGER AS _extract, NULL::BIGINT AS _row, {nothing} WHERE false"
    rows = " UNION ALL ".join([empty, *parts])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE stage AS {rows}")


def _leave_out_unreadable(connection: DuckDBPyConnection, staged: Staged) -> None:
    """What the database says of them quotes the row, so it goes no further."""
    for number, rows in list(staged.rows.items()):
        try:
            put(connection, staged.source, [rows])
        except InvalidInputException:
            refused = Refused("cannot be read as delimited text", repair="save it as CSV in UTF-8")
            staged.refuse(number, str(refused))


def still_the_same(pieces: Iterable[Piece]) -> None:
    """To be asked in the transaction, when all has been read: bad rows are read once more when they
    are stored. And before, lest what is judged in vain be called unreadable. Raises Refused where a
    file is not any more what was hashed: rows may be of the one content, and of the other."""
    for extract in (piece.extract for piece in pieces):
        if extract.seen is not None and extract.seen != glance(extract.path):
            raise Refused(
                "the file changed while it was being read",
                extract.file,
                repair=lines.AGAIN,
            )


def _rows_of(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
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
        rows, other = selected_rows(
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
    rows = read_text(path, columns, True, piece.layout.delimiter)
    return f"SELECT row_number() OVER () + {HEAD_ROWS} AS _row, * FROM ({rows})"


def read_text(path: Path, columns: str, header: bool, delimiter: str = ",") -> str:
    """The statement that reads a delimited text of which every row is whole."""
    return (
        f"SELECT * FROM read_csv({literal(path)}, columns = {{{columns}}}, "
        f"header = {str(header).lower()}, auto_detect = false, strict_mode = true, "
        f"encoding = 'utf-8', delim = {quoted(delimiter)}, quote = '\"', escape = '\"')"
    )


def _transcribed(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    """A sheet of a workbook, or a parquet file, from its transcript."""
    piece = staged.pieces[number]
    sheet = sheet_of(piece, scratch)
    first, last = piece.reading.first_row, piece.reading.last_row or sheet.rows
    blank = sheet.blank_rows(first, last)
    if piece.extract.read[0] == piece.reading:
        _vouched_sheets(piece.extract, scratch)
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(sheet.columns))
    rows = read_text(sheet.path or Path(), f"'_row': 'BIGINT', {columns}", False)
    rows += f" WHERE _row BETWEEN {first} AND {last}"
    selected, other = selected_rows(connection, staged.source, piece, number, rows)
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
    """Rows that a manifest vouches for are those of all the sheets that are read; of a text file,
    whose titles and notes are rows like others, they may be all of it too."""
    promised = extract.vouched.rows if extract.vouched else None
    pieces = [Piece(extract, reading) for reading in extract.read]
    if not transcripts.needed(extract.path) and promised == sheet_of(pieces[0], scratch).rows:
        return
    sheets = [(piece.reading, sheet_of(piece, scratch)) for piece in pieces]
    total = sum((r.last_row or s.rows) - r.first_row + 1 + HEAD_ROWS for r, s in sheets)
    blank = sum(s.blank_rows(r.first_row, r.last_row) for r, s in sheets)
    _vouched(extract, total, blank, len(sheets) * HEAD_ROWS)


def sheet_of(piece: Piece, scratch: Path) -> reading.Sheet:
    extract, delimiter = piece.extract, piece.layout.delimiter
    transcript = transcripts.of(extract.path, extract.sha256, scratch, delimiter)
    return next(sheet for sheet in transcript.sheets if sheet.name == piece.reading.sheet)


def literal(path: Path) -> str:
    """The path for `read_csv`, which would take some characters of it for a pattern."""
    return quoted(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))


def selected_rows(
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
        other = number_from(connection, f"SELECT count(*) FROM ({filled}) WHERE NOT ({wanted})")
        filled = f"SELECT * FROM ({filled}) WHERE {wanted}"
    if layout.wide:
        filled, at = _unpivoted(layout, head, filled, at)
    selected = _selected(source, piece, at)
    return f"SELECT {number} AS _extract, _row, {selected} FROM ({filled})", other


def number_from(connection: DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _wanted(
    connection: DuckDBPyConnection, layout: Layout, at: Mapping[str, str], rows: str
) -> str:
    """The rows that `only` keeps: those whose cell is one of the texts that fit its pattern."""
    kept = []
    for cell, pattern in layout.only.items():
        text = f"coalesce({at[cell]}, '')"
        meant = fitting(connection, f"SELECT DISTINCT {text} FROM ({rows})", pattern)
        kept.append(f"{text} IN ({', '.join(map(quoted, meant)) or 'NULL'})")
    # None of no texts is NULL, which is not true; and its opposite has to be true.
    return f"coalesce({' AND '.join(kept)}, false)"


def fitting(connection: DuckDBPyConnection, texts: str, pattern: str) -> list[str]:
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
        found |= {name: name for name in (*label_columns(layout), str(layout.wide_value))}
    for name, meant in layout.values.items():
        if name in found:
            found[name] = _translated(found[name], meant)
    return ", ".join(
        f"CAST({found.get(name, 'NULL')} AS VARCHAR) AS {name}" for name in source.schema.columns
    )


def label_columns(layout: Layout) -> list[str]:
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
    names = ", ".join(["_wide", *label_columns(layout)])
    return (
        f"SELECT * FROM (SELECT {kept}, {', '.join(wide)} FROM ({rows})) "
        f"UNPIVOT INCLUDE NULLS ({layout.wide_value} FOR _wide IN ({', '.join(wide)})) "
        f"JOIN (VALUES {told}) AS told ({names}) USING (_wide)",
        {cell: at[cell] for cell in head if cell in layout.columns},
    )
