"""A batch of extracts of one layout: staged as text, judged, split into clean and quarantine.

Belongs here: reading into `stage`, the split, and the two counts that the ledger compares. Does
not belong here: which extracts need reading (`warehouse`), or which delivery of a unit counts
(`units`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from duckdb import Error as DatabaseError

from safecity_pipeline.ingest import lines, rules, schema
from safecity_pipeline.ingest.lines import Lines
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import Extract, Layout, Places, Refused, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HEAD_ROWS = 1


@dataclass(frozen=True)
class SheetCount:
    """Physical rows of one sheet, counted by the scan and not by the loader.

    `cells`: clean rows that a physical row gives, one unless the table is wide.
    """

    extract_id: str
    sheet: str
    rows_read: int
    layout: int
    blank: int
    cells: int


@dataclass
class Staged:
    """A batch that is read and judged, but not stored yet."""

    source: Source
    extracts: list[Extract]
    scans: dict[int, Lines] = field(default_factory=dict)
    refused: list[Extract] = field(default_factory=list)

    def counts(self) -> list[SheetCount]:
        """Physical rows of every extract that could be read, as the scan counted them."""
        return [
            SheetCount(
                self.extracts[number].extract_id,
                "",
                scan.total,
                HEAD_ROWS,
                len(scan.blank),
                _cells(self.extracts[number]),
            )
            for number, scan in self.scans.items()
        ]


def _cells(extract: Extract) -> int:
    layout = extract.layout
    assert layout is not None
    return max(1, sum(wide_label(layout, cell) is not None for cell in extract.head))


def judge(
    connection: DuckDBPyConnection,
    source: Source,
    extracts: Sequence[Extract],
    places: Places,
    scratch: Path,
) -> Staged:
    """Read the extracts (of one layout) as text and find every reason against every row.

    Works in temporary tables only; an extract that cannot be read is refused by itself.
    """
    staged = Staged(source, list(extracts))
    _new_stage(connection, source)
    for number, extract in enumerate(extracts):
        try:
            staged.scans[number] = _stage(connection, source, extract, number, scratch)
        except Refused as refused:
            staged.refused.append(replace(extract, status="refused", message=str(refused)))
    heads = _heads(extracts[0])
    rules.run(connection, source, heads, places)
    _mark_broken(connection, staged.scans)
    _mark_repeated(connection, source, heads)
    return staged


def store(connection: DuckDBPyConnection, staged: Staged) -> None:
    """Append the judged rows to `clean.<source>` and `quarantine.<source>`.

    The caller holds the transaction, so that an extract is stored whole or not at all.
    """
    _quarantine(connection, staged.source, staged.extracts, staged.scans)
    _clean(connection, staged.source, staged.extracts)


def _heads(extract: Extract) -> dict[str, str]:
    """Our column → the head under which this supplier sends it."""
    assert extract.layout is not None
    named = {ours: theirs for theirs, ours in extract.layout.columns.items()}
    present = {
        extract.layout.columns[cell]: cell
        for cell in extract.head
        if cell in extract.layout.columns
    }
    told = dict.fromkeys(extract.given, "the file's name or manifest")
    return {**named, **present, **told}


def _new_stage(connection: DuckDBPyConnection, source: Source) -> None:
    columns = ", ".join(f"{name} VARCHAR" for name in source.model.to_schema().columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE stage (_extract INTEGER, _row BIGINT, {columns})"
    )


def _stage(
    connection: DuckDBPyConnection, source: Source, extract: Extract, number: int, scratch: Path
) -> Lines:
    layout = extract.layout
    assert layout is not None
    scan = lines.scan(extract.path, len(extract.head), layout.delimiter)
    _vouched(extract, scan)
    path, mended = extract.path, scratch / f"{extract.extract_id}.csv"
    if not scan.clean:
        lines.write_mended(path, scan, len(extract.head), mended, layout.delimiter)
        path = mended
    try:
        connection.execute(_insert(source, layout, extract, number, path))
    except DatabaseError:
        # Its message quotes the row, so it goes no further.
        raise Refused(
            "cannot be read as delimited text", repair="save it as CSV in UTF-8"
        ) from None
    finally:
        mended.unlink(missing_ok=True)
    return scan


def _vouched(extract: Extract, scan: Lines) -> None:
    """A supplier may count the head and blank rows or not; a file that was cut agrees with none.

    One that counts neither and loses exactly its last row is not noticed: sha256 is surer.
    """
    promised = extract.vouched.rows if extract.vouched else None
    filled = scan.total - len(scan.blank)
    counts = {scan.total, scan.total - HEAD_ROWS, filled, filled - HEAD_ROWS}
    if promised is not None and promised not in counts:
        raise Refused(
            f"manifest.csv vouches for {promised} rows, the file has {scan.total} with its head",
            repair="the file may have been cut: ask the supplier to send it again",
        )


def _insert(source: Source, layout: Layout, extract: Extract, number: int, path: Path) -> str:
    cells = [f"c{position}" for position in range(len(extract.head))]
    columns = ", ".join(f"{quoted(cell)}: 'VARCHAR'" for cell in cells)
    read = (
        f"SELECT row_number() OVER () + {HEAD_ROWS} AS _row, * FROM read_csv({_literal(path)}, "
        f"columns = {{{columns}}}, "
        f"header = true, auto_detect = false, strict_mode = true, encoding = 'utf-8', "
        f"delim = {quoted(layout.delimiter)}, quote = '\"', escape = '\"')"
    )
    present = f"coalesce({', '.join(cells)}) IS NOT NULL" if len(cells) > 1 else "c0 IS NOT NULL"
    rows = f"SELECT * FROM ({read}) WHERE {present}"
    at = {cell: f"c{position}" for position, cell in enumerate(extract.head)}
    if layout.wide:
        rows, at = _unpivoted(layout, extract.head, rows, at)
    selected = _selected(source, layout, extract, at)
    return f"INSERT INTO stage SELECT {number}, _row, {selected} FROM ({rows})"


def _literal(path: Path) -> str:
    """The path for `read_csv`, which would take some characters of it for a pattern."""
    return quoted(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))


def _selected(source: Source, layout: Layout, extract: Extract, at: Mapping[str, str]) -> str:
    found = {layout.columns[cell]: at[cell] for cell in extract.head if cell in layout.columns}
    if layout.wide:
        found |= {str(layout.wide_label): "_label", str(layout.wide_value): "_value"}
    return ", ".join(
        found.get(name)
        or (quoted(extract.given[name]) if name in extract.given else "CAST(NULL AS VARCHAR)")
        for name in source.model.to_schema().columns
    )


def _unpivoted(
    layout: Layout, head: Sequence[str], rows: str, at: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """One staged row a wide column; the physical row number stays the same."""
    labels = {at[cell]: label for cell in head if (label := wide_label(layout, cell))}
    renamed = ", ".join(f"{column} AS {quoted_name(label)}" for column, label in labels.items())
    kept = [at[cell] for cell in head if cell in layout.columns]
    listed = ", ".join(quoted_name(label) for label in labels.values())
    return (
        f"SELECT * FROM (SELECT _row, {', '.join(kept)}, {renamed} FROM ({rows})) "
        f"UNPIVOT INCLUDE NULLS (_value FOR _label IN ({listed}))",
        {cell: at[cell] for cell in head if cell in layout.columns},
    )


def quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _mark_broken(connection: DuckDBPyConnection, scans: Mapping[int, Lines]) -> None:
    broken = [
        (number, row, -2, "row_whole", words)
        for number, scan in scans.items()
        for row, words in scan.broken.items()
    ]
    if broken:
        connection.executemany("INSERT INTO bad VALUES (?, ?, ?, ?, ?)", broken)


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


def _quarantine(
    connection: DuckDBPyConnection,
    source: Source,
    extracts: Sequence[Extract],
    scans: Mapping[int, Lines],
) -> None:
    rows = connection.execute("SELECT DISTINCT _extract, _row FROM bad").df()
    if rows.empty:
        return
    received = pd.DataFrame(
        [
            (number, extract.extract_id, row, text)
            for number, extract in enumerate(extracts)
            if (bad := set(rows.loc[rows["_extract"] == number, "_row"]))
            for row, text in lines.as_received(extract.path, bad).items()
        ],
        columns=["_extract", "_extract_id", "_row", "received"],
    ).astype({"received": object})
    connection.register("received_now", received)
    # Several cells of a wide row may break one rule: each reason is said once.
    connection.execute(
        f"""INSERT INTO quarantine.{source.name}
        SELECT r._extract_id, '', r._row, list(b.reason ORDER BY b.position, b.reason), r.received,
               list(b.rule ORDER BY b.position, b.reason)
        FROM received_now r
        JOIN (SELECT DISTINCT _extract, _row, position, rule, reason FROM bad) b
          ON b._extract = r._extract AND b._row = r._row
        GROUP BY r._extract_id, r._row, r.received ORDER BY r._extract_id, r._row"""
    )
    connection.unregister("received_now")


def _clean(connection: DuckDBPyConnection, source: Source, extracts: Sequence[Extract]) -> None:
    ids = pd.DataFrame(
        {"_extract": range(len(extracts)), "_extract_id": [e.extract_id for e in extracts]}
    ).astype({"_extract_id": object})
    connection.register("extract_now", ids)
    typed = {name: _value(connection, name, kind) for name, kind in schema.stored(source).items()}
    derived = [f"derived_{d.name}.value AS {d.name}" for d in source.derived]
    joins = [
        f"LEFT JOIN typed_{name} ON typed_{name}.raw = s.{name}"
        for name, value in typed.items()
        if value != f"s.{name}"
    ]
    joins += [_derived_join(d.name, d.columns) for d in source.derived]
    values = [f"{value} AS {name}" for name, value in typed.items()]
    connection.execute(
        f"INSERT INTO {source.clean} SELECT e._extract_id, '', s._row, "
        f"{', '.join([*values, *derived])} FROM stage s "
        f"JOIN extract_now e ON e._extract = s._extract {' '.join(joins)} "
        "ANTI JOIN (SELECT DISTINCT _extract, _row FROM bad) b "
        "ON b._extract = s._extract AND b._row = s._row"
    )
    connection.unregister("extract_now")


def _value(connection: DuckDBPyConnection, name: str, kind: str) -> str:
    if kind not in ("text", "financial_year"):
        return f"typed_{name}.value"
    row = connection.execute(f"SELECT count(*) FROM typed_{name}").fetchone()
    if not row or row[0] == 0:
        return f"s.{name}"
    return f"CASE WHEN typed_{name}.raw IS NULL THEN s.{name} ELSE typed_{name}.value END"


def _derived_join(name: str, columns: Sequence[str]) -> str:
    same = [f"derived_{name}.raw_{column} IS NOT DISTINCT FROM s.{column}" for column in columns]
    return f"LEFT JOIN derived_{name} ON {' AND '.join(same)}"
