"""Corrections applied: rows on the stage, in our columns and our words, before any rule sees them.

Everything is judged as received, so that the order of entries does not matter: which rows an entry
means, and whether its guard still finds what was wrong. Per sheet an entry ends as

    applied   its rows are changed, or left out and counted as excluded
    mended    a row meant does not hold what was expected: nothing of the sheet is changed by it
    overlap   another entry changes the same cells: the later one changes nothing
    part      it would leave out a part of a row of a wide table: nothing is changed

and a sheet in which it means no row says nothing of it. Belongs here: that, the trace of what was
changed, and the check. Does not belong here: reading the entries (`registry.corrections`).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline.ingest import parse, schema
from safecity_pipeline.ingest.stage import Staged
from safecity_pipeline.model import Check, CheckSpec, Correction, Extract, Range, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

APPLIED, MENDED, OVERLAP, PART, UNMATCHED = "applied", "mended", "overlap", "part", "unmatched"
CHECK = CheckSpec("corrections_hold", "every correction finds the error that it corrects", "ERROR")
TROUBLE = {
    MENDED: "the supplier has mended the file, which does not hold any more what is expected: "
    "delete the entry",
    OVERLAP: "another correction changes the same cells: put them into one",
    PART: "it excludes a part of a row of a wide table: replace the cell instead",
    UNMATCHED: "no extract that can be read has a row that it means: delete the entry, or mend its "
    "files, row or where",
}
"""What is wrong with an entry, the worst first."""


def concerns(one: Correction, extract: Extract) -> bool:
    """Whether an entry speaks of a file."""
    if one.sha256 is not None and not extract.sha256.startswith(one.sha256):
        return False
    if one.files is None:
        return True
    name = extract.file if "/" in one.files else extract.file.rpartition("/")[2]
    return fnmatch.fnmatch(name.lower(), one.files.lower())


def of_extract(source: Source, extract: Extract) -> bool:
    """Whether any correction speaks of the extract."""
    return any(concerns(one, extract) for one in source.corrections)


# --- on the stage --------------------------------------------------------------------------------


def apply(connection: DuckDBPyConnection, staged: Staged) -> None:
    """Correct the rows on the stage, keep what they were in the temporary table `corrected`, and
    note on `staged` what came of each entry."""
    meant = [(one, _numbers(one, staged)) for one in staged.source.corrections]
    changes = [_Change(connection, staged, one, numbers) for one, numbers in meant if numbers]
    if not changes:
        return
    for at, change in enumerate(changes):
        change.judge(changes[:at])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE corrected (_extract INTEGER, _row BIGINT, "
        "correction VARCHAR, action VARCHAR, column_name VARCHAR, received VARCHAR, "
        "corrected_to VARCHAR)"
    )
    for change in changes:
        connection.execute(f"INSERT INTO corrected {change.trace()}")
    _rewrite(connection, staged, [change for change in changes if change.applied])
    _count(connection, staged)
    staged.corrected = [row for change in changes for row in change.outcomes()]


def _numbers(one: Correction, staged: Staged) -> list[int]:
    """The pieces that can be read and of which an entry speaks."""
    return [
        number
        for number in staged.scans
        if concerns(one, staged.pieces[number].extract)
        and one.sheet in (None, staged.pieces[number].reading.sheet)
    ]


def _rewrite(connection: DuckDBPyConnection, staged: Staged, changes: Sequence[_Change]) -> None:
    """The stage anew in one pass, so that every change sees the rows as received."""
    cases: dict[str, list[str]] = {}
    for change in changes:
        if change.one.column is not None:
            cases.setdefault(change.one.column, []).append(change.case())
    names = staged.source.schema.columns
    columns = [
        f"CASE {' '.join(cases[name])} ELSE s.{name} END AS {name}" if name in cases else name
        for name in names
    ]
    left_out = [change.rows() for change in changes if change.one.action == "exclude"]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE stage_corrected AS SELECT _extract, _row, "
        f"{', '.join(columns)} FROM stage AS s WHERE NOT ({' OR '.join(left_out) or 'false'})"
    )
    connection.execute("DROP TABLE stage; ALTER TABLE stage_corrected RENAME TO stage")


def _count(connection: DuckDBPyConnection, staged: Staged) -> None:
    counted = connection.execute(
        "SELECT _extract, count(DISTINCT _row) FROM corrected WHERE action = 'exclude' GROUP BY 1"
    ).fetchall()
    for number, rows in counted:
        staged.counts[number] = replace(staged.counts[number], corrected=rows)


@dataclass
class _Change:
    """One entry and the pieces of which it speaks; `applied`: those that it changes."""

    connection: DuckDBPyConnection
    staged: Staged
    one: Correction
    numbers: Sequence[int]

    def __post_init__(self) -> None:
        self.found: dict[int, str] = {}
        self.meant = self._meant()
        self.applied: list[int] = []

    def judge(self, earlier: Sequence[_Change]) -> None:
        """Find out what comes of the entry in each piece."""
        held = self._held()
        counted = self.connection.execute(
            f"SELECT _extract, bool_and({held}) FROM stage AS s "
            f"WHERE {_among(self.numbers)} AND {self.meant} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        self.found = {number: APPLIED if holds else MENDED for number, holds in counted}
        self._refuse_parts()
        for other in earlier:
            if _touch(self.one, other.one):
                self._mark(f"SELECT DISTINCT _extract FROM stage AS s WHERE {other.rows()} "
                           f"AND {self.meant}", OVERLAP)  # fmt: skip
        self.applied = [number for number, came in self.found.items() if came == APPLIED]

    def rows(self) -> str:
        """The condition of the rows that are changed."""
        return f"({_among(self.applied)} AND {self.meant})"

    def case(self) -> str:
        """What the column holds instead."""
        assert self.one.column is not None
        if self.one.action == "replace":
            return f"WHEN {self.rows()} THEN {quoted(self.one.value or '')}"
        products = self._products()
        cases = " ".join(f"WHEN {quoted(old)} THEN {quoted(new)}" for old, new in products.items())
        column = f"s.{self.one.column}"
        return f"WHEN {self.rows()} THEN CASE {column} {cases} ELSE {column} END" if cases else ""

    def trace(self) -> str:
        """The statement that gives what the changed rows held, and hold instead."""
        said = f"{quoted(self.one.correction)}, {quoted(self.one.action)}"
        if self.one.column is None:
            named = sorted({*self.one.where, *self.one.expect})
            if not schema.guarded(self.staged.source):
                named = list(self.staged.source.schema.columns)
            pairs = ", ".join(f"{quoted(name)}, s.{name}" for name in named)
            kept = f"NULL, json_object({pairs})::VARCHAR, NULL"
            return f"SELECT _extract, _row, {said}, {kept} FROM stage AS s WHERE {self.rows()}"
        column, case = f"s.{self.one.column}", self.case()
        now = f"CASE {case} END" if case else column
        return (
            f"SELECT _extract, _row, {said}, {quoted(self.one.column)}, {column}, {now} AS now "
            f"FROM stage AS s WHERE {self.rows()} AND now IS DISTINCT FROM {column}"
        )

    def outcomes(self) -> Iterable[tuple[int, str, str, int]]:
        """Piece, entry, what came of it, and rows changed."""
        changed = dict(
            self.connection.execute(
                "SELECT _extract, count(DISTINCT _row) FROM corrected WHERE correction = ? "
                "GROUP BY 1",
                [self.one.correction],
            ).fetchall()
        )
        for number, came in self.found.items():
            yield number, self.one.correction, came, changed.get(number, 0)

    def _meant(self) -> str:
        """The condition of the rows that are meant; lines that are broken are none."""
        asked = [self._holds(name, texts) for name, texts in self.one.where.items()]
        asked += [f"s._row = {self.one.row}"] if self.one.row is not None else []
        for number in self.numbers:
            if broken := self.staged.scans[number].broken:
                listed = ", ".join(map(str, broken))
                asked.append(f"NOT (s._extract = {number} AND s._row IN ({listed}))")
        return f"({' AND '.join(asked)})"

    def _held(self) -> str:
        """The condition of a row in which stands what is expected; to be multiplied, a number."""
        held = [self._holds(name, texts) for name, texts in self.one.expect.items()]
        if self.one.action == "multiply":
            numbers = ", ".join(map(quoted, self._products())) or "NULL"
            held.append(f"coalesce(s.{self.one.column} IN ({numbers}), false)")
        return " AND ".join(held)

    def _holds(self, name: str, expected: tuple[str, ...] | Range) -> str:
        """The condition of a cell that is one of some texts, or means the same."""
        fitting = _fitting(self._texts(name), expected, self._kind(name))
        listed = ", ".join(map(quoted, fitting)) or "NULL"
        return f"coalesce(coalesce(s.{name}, '') IN ({listed}), false)"

    def _texts(self, name: str) -> list[str]:
        found = self.connection.execute(
            f"SELECT DISTINCT coalesce({name}, '') FROM stage WHERE {_among(self.numbers)}"
        ).fetchall()
        return [text for (text,) in found]

    def _kind(self, name: str) -> str:
        return parse.kind_of(self.staged.source.schema.columns[name])

    def _products(self) -> dict[str, str]:
        """Text → the same multiplied, of the texts that are numbers."""
        assert self.one.column is not None and self.one.factor is not None
        factor, kind = Decimal(repr(self.one.factor)), self._kind(self.one.column)
        return {
            text: _written(Decimal(str(value)) * factor)
            for text, value in _meanings(self._texts(self.one.column), kind).items()
            if isinstance(value, int | float)
        }

    def _refuse_parts(self) -> None:
        """A row of a wide table gives several rows of the stage, and leaves it whole."""
        if self.one.action == "exclude":
            self._mark(
                f"SELECT DISTINCT _extract FROM stage AS s WHERE {_among(self.numbers)} "
                f"GROUP BY _extract, _row HAVING bool_or({self.meant}) AND NOT "
                f"bool_and({self.meant})",
                PART,
            )

    def _mark(self, pieces: str, came: str) -> None:
        for (number,) in self.connection.execute(pieces).fetchall():
            if self.found.get(number) == APPLIED:
                self.found[number] = came


def _touch(one: Correction, other: Correction) -> bool:
    """Whether two entries could change the same cell, or one a row that the other leaves out."""
    return one.column == other.column or "exclude" in (one.action, other.action)


def _among(numbers: Iterable[int]) -> str:
    return f"_extract IN ({', '.join(map(str, numbers)) or 'NULL'})"


def _fitting(texts: Sequence[str], expected: tuple[str, ...] | Range, kind: str) -> list[str]:
    """The texts that are expected, as they stand or by their meaning."""
    known = _meanings(texts, kind)
    if isinstance(expected, Range):
        numbers = ((text, value) for text, value in known.items() if isinstance(value, int | float))
        return [text for text, value in numbers if expected.least <= value <= expected.most]
    meant = set(_meanings(expected, kind).values())
    return [text for text in texts if text.strip() in expected or known.get(text) in meant]


def _meanings(texts: Sequence[str], kind: str) -> dict[str, object]:
    """Text → its value, of those that are of the kind."""
    read = parse.parse(pd.Series(texts, dtype="str"), kind)
    good = (read["status"] == parse.OK) & read["value"].notna()
    values = read["value"][good].astype(object).tolist()
    return dict(zip(read["raw"][good], values, strict=True))


def _written(number: Decimal) -> str:
    """Without an exponent, and without decimals that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- what came of them ---------------------------------------------------------------------------


def store(connection: DuckDBPyConnection, staged: Staged) -> None:
    """Keep the trace, and what came of each entry. The caller holds the transaction and has
    registered the pieces as `piece_now`."""
    if not staged.corrected:
        return
    name = quoted(staged.source.name)
    connection.execute(
        f"INSERT INTO quarantine.correction SELECT {name}, p._extract_id, p._sheet, c._row, "
        "c.correction, c.action, c.column_name, c.received, c.corrected_to "
        "FROM corrected AS c JOIN piece_now AS p USING (_extract) ORDER BY ALL"
    )
    for number, correction, came, rows in staged.corrected:
        piece = staged.pieces[number]
        connection.execute(
            "INSERT INTO build.corrected VALUES (?, ?, ?, ?, ?, ?)",
            [staged.source.name, piece.extract.extract_id, piece.reading.sheet, correction, came,
             rows],
        )  # fmt: skip


def outcomes(connection: DuckDBPyConnection, source: Source) -> dict[str, tuple[str, int, int]]:
    """Entry → what came of it, in the worst of its sheets; extracts and rows that it changed."""
    rows = connection.execute(
        "SELECT correction, list(DISTINCT outcome), count(DISTINCT _extract_id) FILTER (rows > 0), "
        "sum(rows)::BIGINT FROM build.corrected WHERE source = ? GROUP BY 1",
        [source.name],
    ).fetchall()
    found = {
        name: (next((one for one in TROUBLE if one in came), APPLIED), extracts, changed)
        for name, came, extracts, changed in rows
    }
    nothing = (UNMATCHED, 0, 0)
    return {one.correction: found.get(one.correction, nothing) for one in source.corrections}


def check(connection: DuckDBPyConnection, source: Source) -> Check:
    """Whether every correction of the source still finds its error."""
    came = outcomes(connection, source)
    bad = [
        f"{one.place}: {TROUBLE[status]}"
        for one in source.corrections
        if (status := came[one.correction][0]) in TROUBLE
    ]
    words = "; ".join(bad) or CHECK.words
    return Check(source.name, CHECK.name, not bad, words, CHECK.severity, failed_rows=len(bad))


def rows(
    source: Source, came: Mapping[str, tuple[str, int, int]], synthetic: bool
) -> list[dict[str, object]]:
    """Rows of meta.correction of one source: nothing of what the cells hold."""
    told = ("correction", "source", "action", "files", "sha256", "column", "place")
    said = ("reason", "reported_on", "reported_to")
    return [
        {
            **{name: getattr(one, name) for name in (*told, *said)},
            "column_name": one.column,
            **dict(zip(("status", "extracts", "rows"), came[one.correction], strict=True)),
            "synthetic": synthetic,
        }
        for one in source.corrections
    ]
