"""A parquet file → rows of text, by DuckDB in memory.

Belongs here: the text of each type, to the same rules as `cells`. Only the child imports this
module: it opens a database, though never a file of the warehouse's.
"""

from __future__ import annotations

import csv
import glob
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from safecity_pipeline.ingest.reading.cells import EXACT, NOT_A_NUMBER, as_text
from safecity_pipeline.ingest.reading.transcript import TOP, Record
from safecity_pipeline.ingest.reading.writing import LONG, STRAY, Book, within
from safecity_pipeline.model import Refused

MAGIC = b"PAR1"
BODY = "body.csv"
BLANKS = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())
BLANK = r"[\t-\r\x1c-\x20\x{85}\p{Z}]"
UNEVEN = rf"^{BLANK}|{BLANK}$|\r"
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def read(path: Path, book: Book) -> None:
    """One sheet without a name: the names of the columns in row 1, the file's rows from row 2 on,
    in their order."""
    _refuse_cut(path)
    with duckdb.connect(":memory:", config=SETTINGS) as connection:
        table = f"read_parquet({_quoted(glob.escape(str(path)))}, file_row_number = true)"
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
        columns = [(str(name), str(kind)) for name, kind, *_ in described[:-1]]
        within(1, len(columns), "", book.limits)
        connection.execute(f"CREATE VIEW texts AS {_texts(table, columns)}")
        rows = _check(connection, len(columns), book)
        blank = _runs(connection, len(columns))
        file = _write(connection, [name for name, _ in columns], book)
    while blank and blank[-1][1] == rows:
        rows = blank.pop()[0] - 1
    book.add(Record("", file.name, rows, len(columns), tuple(blank)))


def _refuse_cut(path: Path) -> None:
    with path.open("rb") as handle:
        head = handle.read(len(MAGIC))
        handle.seek(max(0, path.stat().st_size - len(MAGIC)))
        if (head, handle.read()) != (MAGIC, MAGIC):
            raise zipfile.BadZipFile


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _texts(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """A statement with the columns `row`, `c1`, `c2`, …; an empty text is null."""
    named = ", ".join(f"c{number}" for number in range(1, len(columns) + 1))
    texts = ", ".join(
        f"nullif({_expression(f'c{number}', kind)}, '') AS c{number}"
        for number, (_, kind) in enumerate(columns, start=1)
    )
    return f"SELECT row + 2 AS row, {texts} FROM {table} AS raw({named}, row)"


def _expression(column: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        # By way of its text, a FLOAT keeps the digits that it has, and gets no noise.
        return _number(column if kind == "DOUBLE" else f"CAST({column}::VARCHAR AS DOUBLE)")
    if kind == "BOOLEAN":
        return f"CASE {column} WHEN true THEN 'TRUE' WHEN false THEN 'FALSE' END"
    if kind.startswith("DECIMAL"):
        return f"regexp_replace({column}::VARCHAR, '(\\.[0-9]*?)0+$', '\\1').rtrim('.')"
    if kind.startswith("TIMESTAMP") and "ZONE" not in kind:
        moment = f"rtrim(rtrim(strftime({column}, '%Y-%m-%dT%H:%M:%S.%f'), '0'), '.')"
        midnight = f"{column} = {column}::DATE"
        return f"CASE WHEN {midnight} THEN ({column}::DATE)::VARCHAR ELSE {moment} END"
    if kind in ("DATE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return f"{column}::VARCHAR"
    return _plain(f"{column}::VARCHAR")


def _plain(text: str) -> str:
    """Few texts need it, and trimming many kinds of blank costs ten times the look whether."""
    lines = f"regexp_replace({text}, '\\r\\n?', chr(10), 'g')"
    trimmed = f"trim({lines}, {_quoted(BLANKS)})"
    return f"CASE WHEN regexp_matches({text}, {_quoted(UNEVEN)}) THEN {trimmed} ELSE {text} END"


def _number(value: str) -> str:
    return (
        f"CASE WHEN NOT isfinite({value}) THEN '{NOT_A_NUMBER}'"
        f" WHEN {value} = trunc({value}) AND abs({value}) < {EXACT}"
        f" THEN CAST({value} AS BIGINT)::VARCHAR ELSE printf('%.15g', {value}) END"
    )


def _check(connection: Any, columns: int, book: Book) -> int:
    """The number of physical rows. Raises Refused where they are too many, or hold too much."""
    limits = book.limits
    (count,) = connection.execute("SELECT count(*) FROM texts").fetchone()
    if count * columns > limits.parquet_cells:
        raise Refused(f"has more than {limits.parquet_cells:,} cells", got=count, repair=STRAY)
    names = [f"coalesce(length(c{number}), 0)" for number in range(1, columns + 1)]
    zeros = " OR ".join(f"contains(c{number}, chr(0))" for number in range(1, columns + 1))
    cell, row, top, every, zero = connection.execute(
        f"SELECT max(cell), max(row_letters), sum(row_letters) FILTER (row <= {TOP}),"
        f" sum(row_letters), coalesce(bool_or(zero), false)"
        f" FROM (SELECT row, greatest({', '.join(names)}, 0) AS cell,"
        f" {' + '.join(names)} AS row_letters, {zeros} AS zero FROM texts)"
    ).fetchone()
    for what, got, most in (
        ("a cell holds", cell, limits.cell_letters),
        ("a row holds", row, limits.row_letters),
        ("the first rows hold", top, limits.top_letters),
        ("it holds", every, limits.letters),
    ):
        if (got or 0) > most:
            raise Refused(f"{what} more than {most:,} letters", got=got, repair=LONG)
    if zero:
        raise Refused("a text holds the character NUL", repair="ask the supplier to take it out")
    return int(count) + 1


def _runs(connection: Any, columns: int) -> list[tuple[int, int]]:
    """The rows without a filled cell, as runs (first, last)."""
    found = connection.execute(
        "SELECT min(row), max(row) FROM (SELECT row, row - row_number() OVER (ORDER BY row) AS run"
        f" FROM texts WHERE {_filled(columns)} IS NULL) GROUP BY run ORDER BY 1"
    ).fetchall()
    return [(int(first), int(last)) for first, last in found]


def _filled(columns: int) -> str:
    return f"coalesce({', '.join(f'c{number}' for number in range(1, columns + 1))})"


def _write(connection: Any, names: Sequence[str], book: Book) -> Path:
    """DuckDB writes the rows; the row of names, which has no row number of the file's, is ours."""
    body, path = book.folder / BODY, book.new_file()
    connection.execute(
        f"COPY (SELECT * FROM texts WHERE {_filled(len(names))} IS NOT NULL) TO"
        f" {_quoted(str(body))} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
    )
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerow([1, *[as_text(name) for name in names]])
    with path.open("ab") as whole, body.open("rb") as rows:
        shutil.copyfileobj(rows, whole)
    body.unlink()
    return path
