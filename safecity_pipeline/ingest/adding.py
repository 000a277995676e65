"""Extracts that have to be read: judged and stored in batches, a few at the same time.

Belongs here: which extracts make a batch, what is stored in one transaction, and what is noted of
an extract when all of it is stored. Does not belong here: which have to be read (`intake`), how one
is judged (`load`, `plain`).
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from duckdb import InvalidInputException

from safecity_pipeline import tables
from safecity_pipeline.ingest import corrections, ledger, load, plain, stage, transcripts
from safecity_pipeline.ingest.plain import Known
from safecity_pipeline.ingest.pseudonyms import Door
from safecity_pipeline.ingest.stage import Piece, SheetCount, Staged
from safecity_pipeline.model import Extract, Places, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

BATCH_BYTES = 64 << 20  # of text, as much as memory is meant to hold at once at each desk
PLAIN_BYTES = 512 << 20  # where only what is not plain is held
WORKERS = 2  # batches judged at the same time
UNDER_WAY = "under way"
# What is said of rows and cells beside their tables.
BESIDE = ("quarantine.cell", "quarantine.correction", "build.noted", "build.corrected")
# A street-level .csv.gz of Hampshire unpacks to 5.3 times its size; a workbook's cells to ten.
UNPACKED = {".gz": 6, ".xlsx": 10, ".ods": 10, ".parquet": 10}

Spelling = tuple[str, tuple[str, ...]]
Transaction = Callable[["DuckDBPyConnection"], AbstractContextManager[None]]


@dataclass(frozen=True)
class Alike:
    """Pieces of one spelling that may be plain, and what is known of their texts at all desks. The
    first one teaches: its rows are all judged, and meanwhile the others are made ready."""

    pieces: Sequence[Piece]
    known: Known

    @property
    def first(self) -> Extract:
        return self.pieces[0].extract


@dataclass
class Desk:
    """A connection of its own at which one batch after the other is judged. `alike`: by spelling,
    where there is much to be gained by it."""

    connection: DuckDBPyConnection
    source: Source
    places: Places
    scratch: Path
    transaction: Transaction
    alike: Mapping[Spelling, Alike]
    door: Door

    def add(self, batch: Sequence[Extract]) -> None:
        """Judge and store extracts of one spelling, or one of several."""
        alike = self.alike.get(_spelling(self.source, batch[0]))
        if alike and batch[0] is alike.first:
            self._teach(batch, alike)
        elif not (alike and self._add_plain(batch, alike.known)):
            for part in _as_large_as(BATCH_BYTES, batch):
                self._add(part)

    def _teach(self, batch: Sequence[Extract], alike: Alike) -> None:
        """Judge every row of the first piece, and let all desks know its texts."""
        try:
            staged = plain.teach(
                self.connection, alike.known, alike.pieces, self.places, self.scratch
            )
        finally:
            alike.known.taught.set()
        with self.transaction(self.connection):
            load.store(self.connection, staged, self.scratch)
            stage.still_the_same(staged.pieces)
            note(self.connection, self.source, batch, [staged])

    def _add_plain(self, batch: Sequence[Extract], known: Known) -> bool:
        """Add plain rows as they stand and judge the others; or answer that it cannot be done."""
        pieces = [Piece(extract, reading) for extract in batch for reading in extract.read]
        with stage.opened(self.connection, self.source, pieces, self.scratch) as staged:
            known.taught.wait()
            if not known.is_of_use:
                return False
            try:
                with self.transaction(self.connection):
                    plain.add(self.connection, known, staged, self.places, self.scratch)
                    load.store(self.connection, staged, self.scratch)
                    stage.still_the_same(pieces)
                    note(self.connection, self.source, batch, [staged])
            except InvalidInputException:
                known.helps = False  # one of them cannot be read: it is found out which
                return False
            known.learn(self.connection, staged)
        return True

    def _add(self, batch: Sequence[Extract]) -> None:
        """Judge every row and store the sheets, those of one spelling in one transaction. Where
        there are several spellings, the extract is under way until all of them are stored; one that
        a crash leaves so is forgotten and read again."""
        pieces = [Piece(extract, reading) for extract in batch for reading in extract.read]
        groups = [list(alike) for _, alike in groupby(pieces, key=lambda piece: piece.spelling)]
        if len(groups) > 1:
            ids = [extract.extract_id for extract in batch]
            under_way = dict.fromkeys(ids, UNDER_WAY)
            ledger.note_refused(self.connection, self.source, under_way, dict.fromkeys(ids, ""))
        stored: list[Staged] = []
        for group in groups:
            staged = load.judge(
                self.connection, self.source, group, self.places, self.scratch, self.door
            )
            with self.transaction(self.connection):
                load.store(self.connection, staged, self.scratch)
                stage.still_the_same(group)
                stored.append(staged)
                if len(stored) == len(groups):
                    note(self.connection, self.source, batch, stored)


def add_all(
    connection: DuckDBPyConnection,
    source: Source,
    fresh: Sequence[Extract],
    places: Places,
    scratch: Path,
    transaction: Transaction,
    door: Door,
) -> None:
    """Judge and store what has to be read, at a few desks: what DuckDB does at one leaves it
    waiting for what Python does at another."""
    if not fresh:
        return
    idle: SimpleQueue[Desk] = SimpleQueue()
    alike = _alike(source, fresh)
    batches = list(_batches(source, fresh, alike))
    workers = min(WORKERS, len(batches))

    def add(batch: Sequence[Extract]) -> int:
        desk = idle.get()
        try:
            desk.add(batch)
        finally:
            idle.put(desk)
        return len(batch)

    with ExitStack() as ending:
        if workers > 1:
            ending.enter_context(plain.side_by_side(connection))
        for _ in range(workers):
            own = ending.enter_context(closing(beside(connection)))
            idle.put(Desk(own, source, places, scratch, transaction, alike, door))
        pool = ending.enter_context(ThreadPoolExecutor(workers))
        ending.callback(pool.shutdown, cancel_futures=True)
        done = 0
        for count in pool.map(add, batches):
            done += count
            log.info("%s: %d of %d files read", source.name, done, len(fresh))
    # Not before: two files of one content, at two desks, are read from one transcript.
    for extract in fresh:
        transcripts.drop(extract.sha256)


def _batches(
    source: Source, extracts: Sequence[Extract], alike: Mapping[Spelling, Alike]
) -> Iterator[Sequence[Extract]]:
    """Extracts of one layout and head; a workbook of several sheets by itself.

    Where rows may be plain, the first one comes alone, since what is learnt of it helps with the
    others; then a small batch for each desk, for what is seldom; and the others in large ones.
    """
    spelt = partial(_spelling, source)
    by_head = sorted(extracts, key=lambda one: (spelt(one), one.file))
    for spelling, group in groupby(by_head, key=spelt):
        listed = list(group)
        if spelling in alike:
            yield listed[:1]
            yield from _a_few_first(listed[1:])
        else:
            yield from _as_large_as(BATCH_BYTES, listed)


def _a_few_first(extracts: Sequence[Extract]) -> Iterator[Sequence[Extract]]:
    """A small batch for each desk, and the others as large as may be, so that the desks end at the
    same time."""
    small = max(BATCH_BYTES, sum(map(size, extracts)) // (6 * WORKERS))
    few = list(islice(_as_large_as(small, extracts), WORKERS))
    yield from few
    others = extracts[sum(map(len, few)) :]
    share = sum(map(size, others)) // WORKERS + max(map(size, others), default=0)
    yield from _as_large_as(max(BATCH_BYTES, min(PLAIN_BYTES, share)), others)


def _as_large_as(most: int, extracts: Sequence[Extract]) -> Iterator[list[Extract]]:
    """In order, as many together as have at most so many bytes; at least one."""
    batch: list[Extract] = []
    for extract in extracts:
        if batch and sum(map(size, batch)) + size(extract) > most:
            yield batch
            batch = []
        batch.append(extract)
    if batch:
        yield batch


def size(extract: Extract) -> int:
    """Bytes of its rows as text, about."""
    return extract.bytes * UNPACKED.get(extract.path.suffix.lower(), 1)


def _spelling(source: Source, extract: Extract) -> Spelling:
    # Sheets of several layouts, or of one layout and several heads; or rows to be corrected.
    if len(extract.read) != 1 or corrections.of_extract(source, extract):
        return extract.extract_id, ()
    return extract.layout.name if extract.layout else "", extract.read[0].head


def _alike(source: Source, extracts: Sequence[Extract]) -> dict[Spelling, Alike]:
    """Pieces that can be plain, by spelling, where there are so many that it pays."""
    alike: dict[Spelling, list[Piece]] = defaultdict(list)
    for extract in sorted(extracts, key=lambda one: (_spelling(source, one), one.file)):
        for piece in (Piece(extract, reading) for reading in extract.read):
            if plain.can_be(source, piece) and not corrections.of_extract(source, extract):
                alike[_spelling(source, extract)].append(piece)
    large = [
        (spelling, pieces)
        for spelling, pieces in alike.items()
        if len(pieces) > 1 and sum(size(piece.extract) for piece in pieces) > BATCH_BYTES // 2
    ]
    return {
        spelling: Alike(pieces, Known(source, number))
        for number, (spelling, pieces) in enumerate(large)
    }


def beside(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Another connection to the same database, with temporary tables of its own."""
    row = connection.execute("SELECT current_database()").fetchone()
    own = connection.cursor()
    own.execute(f"USE {row[0] if row else 'memory'}")
    return own


def read_as(extract: Extract) -> str:
    """Everything beside content and rules that decides how the extract is read."""
    vouched = extract.vouched.rows if extract.vouched else None
    facts = repr((extract.readings, vouched))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def forget(connection: DuckDBPyConnection, source: Source, extract_id: str) -> None:
    for place in ("clean", "set_aside", "quarantine"):
        connection.execute(f"DELETE FROM {place}.{source.name} WHERE {ledger.among([extract_id])}")
    for name in ("ingested", "unit"):
        connection.execute(f"DELETE FROM build.{name} WHERE extract_id = ?", [extract_id])
    for name in BESIDE:
        connection.execute(f"DELETE FROM {name} WHERE _extract_id = ?", [extract_id])


def refuse(
    connection: DuckDBPyConnection,
    source: Source,
    extracts: Sequence[Extract],
    reasons: Mapping[str, str],
) -> list[Extract]:
    """Remember that some extracts are not read at all, and why; answers the others."""
    refused = [one for one in extracts if one.extract_id in reasons]
    manner = {one.extract_id: read_as(one) for one in refused}
    ledger.note_refused(connection, source, manner, {one: reasons[one] for one in manner})
    for extract in refused:
        transcripts.drop(extract.sha256)
    return [one for one in extracts if one.extract_id not in reasons]


def note(
    connection: DuckDBPyConnection, source: Source, batch: Sequence[Extract], stored: list[Staged]
) -> None:
    """Remember every sheet with its count: those read, those not read, and files refused."""
    manner = {extract.extract_id: read_as(extract) for extract in batch}
    ids = list(manner)
    refused = {one.extract_id: one.message for staged in stored for one in staged.refused}
    refused |= _told_twice(connection, source, batch) | _note_units(connection, source, ids)
    connection.execute("DELETE FROM build.ingested WHERE list_contains(?, extract_id)", [ids])
    for extract_id in refused:
        forget(connection, source, extract_id)  # other sheets of it may have been stored
    ledger.note_refused(connection, source, manner, refused)
    counts = [count for staged in stored for count in staged.counts.values()]
    counts += [
        SheetCount(extract.extract_id, one.sheet, one.rows, one.rows, 0)
        for extract in batch
        for one in extract.readings
        if one.layout is None
    ]
    stands = [count for count in counts if count.extract_id not in refused]
    ledger.note(connection, source, manner, stands)


def _told_twice(
    connection: DuckDBPyConnection, source: Source, batch: Sequence[Extract]
) -> dict[str, str]:
    """Workbooks in which two sheets deliver one unit, which would count twice; with the reason."""
    ids = [extract.extract_id for extract in batch if len(extract.read) > 1]
    if not ids:
        return {}
    found = connection.execute(
        f"SELECT DISTINCT _extract_id, min(_sheet), max(_sheet) FROM {source.clean} "
        f"WHERE {ledger.among(ids)} GROUP BY _extract_id, {unit_columns(source)} "
        "HAVING count(DISTINCT _sheet) > 1"
    ).fetchall()
    return {
        extract_id: f"the sheets {first} and {last} deliver the same figures; keep one of them"
        for extract_id, first, last in found
    }


def _note_units(
    connection: DuckDBPyConnection, source: Source, extract_ids: list[str]
) -> dict[str, str]:
    """Remember what the extracts deliver; answers those with rows of which nobody can say when
    they happened, with the reason."""
    connection.execute(
        f"INSERT INTO build.unit SELECT _extract_id, {tables.quoted(source.name)}, "
        f"{unit_columns(source)}, count(*) FROM {source.clean} "
        f"WHERE {ledger.among(extract_ids)} GROUP BY ALL"
    )
    found = connection.execute(
        "SELECT DISTINCT extract_id FROM build.unit WHERE list_contains(?, extract_id) "
        "AND (period_start IS NULL OR period_end IS NULL)",
        [extract_ids],
    ).fetchall()
    return {extract_id: "it has rows without a period" for (extract_id,) in found}


def unit_columns(source: Source) -> str:
    return f"{source.table}, {source.geography}, {source.period_start}, {source.period_end}"
