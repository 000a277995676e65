"""Plain rows of bulk extracts: those made of nothing but texts that are known to be good.

Millions of rows repeat a few thousand texts. Once a text has stood in a row that broke no rule (or
a combination of texts, where a rule or a derived column looks at several columns together), it is
known, with its value. A row of known texts alone breaks no rule either, so it goes from the file
straight into `clean`; only the rest of the rows is staged and judged, and teaches what is new.

Belongs here: which columns are looked at together, what is known of them, and adding the plain rows
of a file. Does not belong here: judging (`load`, `rules`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

import numpy as np

from safecity_pipeline.ingest import ledger, lines, load, rules, schema, stage, transcripts
from safecity_pipeline.ingest.stage import Piece, Staged
from safecity_pipeline.model import Places, Source
from safecity_pipeline.tables import ASIDE, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST = 250_000  # combinations of one group: to look up more of them costs as much as judging
SAMPLE = 20  # rows of each file from which is learnt beforehand what all of its rows say
FEW = 3  # combinations that are asked for in words
HALF = 0.5
LEARNT = f"{ASIDE}.learnt"  # a schema that all connections see


def can_be(source: Source, piece: Piece) -> bool:
    """Whether rows of this piece can be judged by their texts alone, each by itself."""
    layout = piece.layout
    across = any(rule.over == "extract" for rule in source.across)
    apart = transcripts.needed(piece.extract.path, layout)
    odd = layout.wide or layout.only or schema.marked(source)
    several = source.key or source.fold
    return not (across or several or apart or odd or schema.guarded(source))


@dataclass(frozen=True)
class Group:
    """Columns of the model that are looked at together, and the clean columns that follow."""

    name: str
    columns: tuple[str, ...]
    values: tuple[str, ...]

    def joined(self, table: str) -> str:
        same = [f"{self.name}.raw_{name} IS NOT DISTINCT FROM s.{name}" for name in self.columns]
        return f"JOIN {table} AS {self.name} ON {' AND '.join(same)}"


def groups_of(source: Source) -> tuple[Group, ...]:
    """The groups of a source. A column of which a form vouches, and that nothing else looks at,
    is in none."""
    model = source.schema
    together = [{*(check.statistics or {})["columns"]} for check in model.checks]
    together += [{*derived.columns} for derived in source.derived]
    looked_at = {name for names in together for name in names}
    alone = [{n} for n, column in model.columns.items() if not rules.form_of(column)]
    parts: list[set[str]] = []
    for names in [*alone, *({name} for name in looked_at), *together]:
        touching = [part for part in parts if part & names]
        parts = [part for part in parts if not part & names] + [names.union(*touching)]
    return tuple(_group(source, at, part) for at, part in enumerate(sorted(map(sorted, parts))))


def _group(source: Source, at: int, part: list[str]) -> Group:
    stored = [name for name in schema.stored(source) if name in part]
    derived = [one.name for one in source.derived if set(one.columns) <= set(part)]
    return Group(f"known_{at}", tuple(part), (*stored, *derived))


class Known:
    """What is known of the texts of one spelling, for all connections. `number` tells spellings
    apart; `taught` is set when there is something to be known, or never will be."""

    def __init__(self, source: Source, number: int) -> None:
        self.source, self.number = source, number
        self.groups = groups_of(source)
        self.lessons = 0
        self.helps = True
        self.taught = Event()
        self._one_by_one = Lock()

    @property
    def is_of_use(self) -> bool:
        """A whole file is known, and knowing it spares more than it costs."""
        return self.lessons > 0 and self.helps

    def table(self, group: Group) -> str:
        return f"{LEARNT}.spelling_{self.number}_{group.name}"

    def learn(self, connection: DuckDBPyConnection, staged: Staged) -> None:
        """Remember the texts of the rows on the stage that broke no rule. Not in a transaction:
        what was learnt in between at another connection must be seen, lest it be there twice."""
        told = load.values_of(connection, staged)
        with self._one_by_one:
            for group in self.groups if self.helps else ():
                self._add(connection, group, _texts_of(group, told))
            self.lessons += 1

    def _add(self, connection: DuckDBPyConnection, group: Group, found: str) -> None:
        table = self.table(group)
        same = [f"k.raw_{name} IS NOT DISTINCT FROM f.raw_{name}" for name in group.columns]
        new = f"SELECT f.* FROM ({found}) AS f ANTI JOIN {table} AS k ON {' AND '.join(same)}"
        connection.execute(
            f"INSERT INTO {table} {new}" if self.lessons else f"CREATE TABLE {table} AS {found}"
        )
        known = stage.number_from(connection, f"SELECT count(*) FROM {table}")
        self.helps = self.helps and known <= MOST

    def add(
        self,
        connection: DuckDBPyConnection,
        staged: Staged,
        number: int,
        asked: dict[tuple[str, ...], LookedUp],
    ) -> None:
        """Add the plain rows of one piece to `clean`. `asked`: how groups are looked up, as found
        out in this transaction, in which nothing more is learnt."""
        piece = staged.pieces[number]
        looked_up = []
        for group in self.groups:
            given = piece.reading.given
            said = tuple(f"raw_{n} = {quoted(given[n])}" for n in group.columns if n in given)
            if (group.name, *said) not in asked:
                asked[group.name, *said] = self._looked_up(connection, group, said)
            looked_up.append(asked[group.name, *said])
        value = {name: text for one in looked_up for name, text in one.values.items()}
        columns = [*schema.stored(self.source), *(one.name for one in self.source.derived)]
        selected = [value.get(name, f"s.{name}") for name in columns]
        named = f"{quoted(piece.extract.extract_id)}, {quoted(piece.reading.sheet)}, s._row"
        conditions = [*(one.condition for one in looked_up), self._formed()]
        connection.execute(
            f"INSERT INTO {self.source.clean} SELECT {', '.join([named, *selected])} "
            f"FROM ({staged.rows[number]}) AS s {' '.join(one.join for one in looked_up)} "
            f"WHERE {' AND '.join(conditions)}"
        )

    def _looked_up(
        self, connection: DuckDBPyConnection, group: Group, said: Sequence[str]
    ) -> LookedUp:
        """How a group is looked up: by a join, or in words where only a few texts can be meant.

        `said`: what all rows of the piece say, as conditions.
        """
        columns = [*(f"raw_{name}" for name in group.columns), *group.values]
        listed = ", ".join(f"{name}::VARCHAR" for name in columns)
        few = connection.execute(
            f"SELECT {listed} FROM {self.table(group)} WHERE {' AND '.join(['true', *said])} "
            f"LIMIT {FEW + 1}"
        ).fetchall()
        if len(few) > FEW:
            joined = group.joined(self.table(group))
            return LookedUp({name: f"{group.name}.{name}" for name in group.values}, joined)
        width = len(group.columns)
        meant = [_is(group.columns, row[:width]) for row in few]
        types = schema.types(self.source)
        values = {
            name: _case(meant, [row[width + at] for row in few], types[name])
            for at, name in enumerate(group.values)
        }
        return LookedUp(values, condition=f"({' OR '.join(meant) or 'false'})")

    def _formed(self) -> str:
        """Columns in no group are of their form; or empty, where they may be."""
        grouped = {name for group in self.groups for name in group.columns}
        conditions = ["true"]
        for name, column in self.source.schema.columns.items():
            if name not in grouped:
                formed = f"regexp_full_match(s.{name}, {quoted(str(rules.form_of(column)))})"
                conditions.append(f"(s.{name} IS NULL OR {formed})" if column.nullable else formed)
        return " AND ".join(conditions)


def _texts_of(group: Group, told: Mapping[str, tuple[str, str]]) -> str:
    """The statement that gives the combinations of a group in the good rows of the stage."""
    values = [f"{told[name][0]} AS {name}" for name in group.values]
    joins = dict.fromkeys(told[name][1] for name in group.values)
    raws = [f"s.{name} AS raw_{name}" for name in group.columns]
    return (
        f"SELECT DISTINCT {', '.join([*raws, *values])} FROM stage s {' '.join(joins)} {load.GOOD}"
    )


@dataclass(frozen=True)
class LookedUp:
    """Clean column → expression; what it has to be joined to, and the condition of being known."""

    values: Mapping[str, str]
    join: str = ""
    condition: str = "true"


def _is(columns: Sequence[str], texts: Sequence[str | None]) -> str:
    same = [
        f"s.{name} IS NULL" if text is None else f"s.{name} = {quoted(text)}"
        for name, text in zip(columns, texts, strict=True)
    ]
    return f"({' AND '.join(same)})"


def _case(meant: Sequence[str], texts: Sequence[str | None], kind: str) -> str:
    """One of a few values, by which condition holds."""
    values = [f"CAST({'NULL' if text is None else quoted(text)} AS {kind})" for text in texts]
    if len(set(values)) == 1:
        return values[0]
    cases = [f"WHEN {one} THEN {value}" for one, value in zip(meant, values, strict=True)]
    return f"CASE {' '.join(cases)} END" if cases else f"CAST(NULL AS {kind})"


def add(
    connection: DuckDBPyConnection, known: Known, staged: Staged, places: Places, scratch: Path
) -> None:
    """Add the plain rows of the pieces, and judge the others on the stage.

    The caller holds the transaction, and stores what is on the stage. Raises InvalidInputException
    where the database cannot read one of them after all: then judge them the other way.
    """
    asked: dict[tuple[str, ...], LookedUp] = {}
    for number in staged.rows:
        known.add(connection, staged, number, asked)
    rest = [_rest(connection, staged, number, scratch) for number in staged.rows]
    _judge(connection, staged, rest, places)
    left = stage.number_from(connection, "SELECT count(*) FROM stage")
    known.helps &= left <= HALF * sum(count.rows_read for count in staged.counts.values())


def teach(
    connection: DuckDBPyConnection,
    known: Known,
    pieces: Sequence[Piece],
    places: Places,
    scratch: Path,
) -> Staged:
    """Judge every row of the first piece, and learn from them; answers it, judged, to be stored.

    The first rows of all the others are learnt from too: a month or a manifest's word that all rows
    of a file share would make every one of them new. Where the piece cannot be read, nothing is.
    """
    everyone = Staged(known.source, list(pieces))
    with stage.opened(connection, known.source, pieces[:1], scratch) as staged:
        try:
            rows = [_first_rows(connection, everyone, at, scratch) for at in range(1, len(pieces))]
            stage.fill(connection, staged, rows)
        finally:
            for copy in everyone.copies:
                copy.unlink(missing_ok=True)
    stage.still_the_same(pieces[:1])
    load.judge_stage(connection, staged, places)
    if staged.rows:
        known.learn(connection, staged)
    for table in ("stage", "bad", "bad_cell", "noted"):
        connection.execute(f"DELETE FROM {table} WHERE _extract > 0")
    return staged


def _first_rows(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    piece = staged.pieces[number]
    sample = scratch / f"{piece.extract.extract_id}.first.csv"
    staged.copies.append(sample)
    cells, delimiter = len(piece.reading.head), piece.layout.delimiter
    lines.write_first(piece.extract.path, cells, SAMPLE, sample, delimiter)
    return _numbered(connection, staged, number, sample)


def _judge(
    connection: DuckDBPyConnection, staged: Staged, rows: Iterable[str], places: Places
) -> None:
    stage.put(connection, staged.source, rows)
    load.judge_stage(connection, staged, places)


def _rest(connection: DuckDBPyConnection, staged: Staged, number: int, scratch: Path) -> str:
    """The statement that gives the rows of a piece that are not plain, from a file of their own."""
    piece, scan = staged.pieces[number], staged.scans[number]
    there = np.zeros(scan.total + 1, bool)
    there[: lines.HEAD_ROW + 1] = True
    there[[*scan.blank, *scan.broken]] = True
    extract_id, sheet = piece.extract.extract_id, piece.reading.sheet
    added = ledger.rows_of(connection, staged.source, extract_id, sheet)
    there[added[added <= scan.total]] = True  # there are more where the file grows meanwhile
    rest = scratch / f"{piece.extract.extract_id}.rest.csv"
    staged.copies.append(rest)
    lines.write_numbered(
        piece.extract.path,
        scan,
        np.flatnonzero(~there).tolist(),
        rest,
        len(piece.reading.head),
        piece.layout.delimiter,
        short_rows=piece.layout.short_rows,
    )
    return _numbered(connection, staged, number, rest)


def _numbered(connection: DuckDBPyConnection, staged: Staged, number: int, path: Path) -> str:
    """The statement that gives rows of a piece from a file in which each follows its number."""
    piece = staged.pieces[number]
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(piece.reading.head)))
    rows = stage.read_text(path, f"'_row': 'BIGINT', {columns}", False, piece.layout.delimiter)
    return stage.selected_rows(connection, staged.source, piece, number, rows)[0]


@contextmanager
def side_by_side(connection: DuckDBPyConnection) -> Iterator[None]:
    """Settings for several connections that read text at the same time, and a place for what they
    learn.

    Each does its own work on one thread, which is less of it. Joins stay in the order in which the
    statements have them: the planner knows nothing of the size of a text file, and would rather
    build a table of its rows than of what is known.
    """
    try:
        connection.execute("SET threads = 1")
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        connection.execute(f"CREATE SCHEMA {LEARNT}")
        yield
    finally:
        connection.execute(f"DROP SCHEMA IF EXISTS {LEARNT} CASCADE")
        connection.execute("RESET threads; RESET disabled_optimizers")
