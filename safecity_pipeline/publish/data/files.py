"""The tables of an edition as CSV: UTF-8, commas, one head row, rows in a stated order.

Belongs here: how a value is spelt in a file. Does not belong here: what a column means (`tables`),
and how the files are described (`package`, `web`).

Null is an empty cell, an empty text is two quotation marks. A list is written as JSON. A text that
a spreadsheet might take for a formula is made harmless.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline import tables
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.harmless import harmless_sql
from safecity_pipeline.tables import Column, Table, quoted

FOLDER = "data"


@dataclass(frozen=True)
class Written:
    """A table and its file: how many rows and bytes, and their hash."""

    table: Table
    rows: int
    bytes: int
    sha256: str

    @property
    def file(self) -> str:
        """Its name in the folder of the files."""
        return f"{self.table.name}.csv"

    @property
    def path(self) -> str:
        """Its path in the folder of the edition."""
        return f"{FOLDER}/{self.file}"


def write(edition: Edition) -> list[Written]:
    """Every table that is shared as CSV, in the order of their declaration."""
    (edition.folder / FOLDER).mkdir(exist_ok=True)
    return [_write(edition, table) for table in tables.TABLES if table.public]


def _write(edition: Edition, table: Table) -> Written:
    file = edition.folder / FOLDER / f"{table.name}.csv"
    cells = ", ".join(f'{_cell(column)} AS "{column.name}"' for column in table.columns)
    statement = f"SELECT {cells} FROM (SELECT * FROM {table.full_name} ORDER BY {_order(table)})"
    found = edition.connection.execute(
        f"COPY ({statement}) TO {quoted(str(file))} (FORMAT csv, HEADER, DELIMITER ',')"
    ).fetchall()
    content = file.read_bytes()
    return Written(table, found[0][0], len(content), hashlib.sha256(content).hexdigest())


def _order(table: Table) -> str:
    """By the key, where there is one, and by all other columns in their order."""
    key = tables.KEYS.get(table.full_name, ())
    others = [column.name for column in table.columns if column.name not in key]
    return ", ".join(f'"{name}"' for name in (*key, *others))


def _cell(column: Column) -> str:
    """A column as it is spelt in a file."""
    name = f'"{column.name}"'
    if column.sql_type == "VARCHAR":
        return harmless_sql(name)
    if column.sql_type == "TIMESTAMP":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"to_json({name})" if column.sql_type.endswith("[]") else name


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """A description, in the order in which it is made."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
