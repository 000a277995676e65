"""Dagster's own records in SQLite, with connections that stay open and events stored in bursts.

A refresh leaves some nine hundred events, most of them of checks. Dagster's SQLite storage opens
and closes a database three times for each, and makes and compiles every statement anew, which
takes longer than the steps of a small refresh. Here the same rows go into the same tables of the
same databases, in one transaction for all that a step says at its end; a home can be read and
written with either storage.

Belongs here: how connections are made and kept, and when and how events are written. Does not
belong here: which tables and rows there are, which is Dagster's. What is overridden or called of
Dagster's, private methods too, is that of the version that is pinned.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster import (
    DagsterEventType,
    DagsterInvariantViolationError,
    EventLogEntry,
)
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    EVENT_TYPE_TO_PIPELINE_RUN_STATUS,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, bindparam, create_engine
from sqlalchemy import event as hook
from sqlalchemy.pool import QueuePool

KEPT_OPEN = 4  # databases: the index, the run under way, and what somebody looks at

# What comes in bursts: a run's plan, and what our steps report when their work is done. Something
# else follows at once: that the run is queued or starts, that the step ends or fails.
HELD = {
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.STEP_OUTPUT,
}
INDEXED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}

# Made once, so that SQLAlchemy finds what it compiled.
INSERT_EVENT = SqlEventLogStorageTable.insert()
INSERT_CHECK = AssetCheckExecutionsTable.insert()
OF_CHECK = ("asset_key", "check_name", "run_id", "partition")
UPDATE_CHECK = AssetCheckExecutionsTable.update().where(
    *(
        AssetCheckExecutionsTable.c[name].is_not_distinct_from(bindparam(f"of_{name}"))
        for name in OF_CHECK
    )
)

Row = dict[str, Any]
Stored = Sequence[tuple[EventLogEntry, Row]]


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's event log, one database a run and an index, whose connections are kept."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._begun: dict[str, Connection] = {}
        self._held: list[EventLogEntry] = []
        self._known: set[str] = set()
        self._one_by_one = threading.RLock()
        super().__init__(base_dir, inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """At once, with what was held, or held until another event comes, somebody reads in this
        process, or the storage is closed."""
        with self._one_by_one:
            self._held.append(event)
            of_step = event.run_id and event.step_key
            if not (of_step and event.dagster_event_type in HELD):
                self._store_held()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """What Dagster's `store_event` does for each, in one transaction a database. The run's
        ends first: the index never has an event that its run lacks."""
        stored = [(event, self._event_to_row(event)) for event in events]
        with self.index_connection() as index, ExitStack() as stack:
            for run_id in dict.fromkeys(event.run_id for event in events):
                run = stack.enter_context(self.run_connection(run_id))
                run.execute(INSERT_EVENT, [row for _, row in stored if row["run_id"] == run_id])
            self._store_in_index(index, stored)

    def _store_held(self) -> None:
        events, self._held = self._held, []
        if events:
            self.store_event_batch(events)

    def _store_in_index(self, index: Connection, stored: Stored) -> None:
        of_assets: list[tuple[EventLogEntry, int]] = []
        for event, row in stored:
            if event.dagster_event_type not in INDEXED:
                continue
            event_id = index.execute(INSERT_EVENT, row).lastrowid
            if event.dagster_event_type in ASSET_EVENTS:
                of_assets.append((event, event_id))
            elif event.dagster_event_type in ASSET_CHECK_EVENTS and _is_seldom(event):
                self.store_asset_check_event(event, event_id)
            elif event.dagster_event_type in ASSET_CHECK_EVENTS:
                _store_check(index, _check(event, row, event_id))
        self._store_of_assets(index, of_assets)

    def _store_of_assets(
        self, index: Connection, stored: Sequence[tuple[EventLogEntry, int]]
    ) -> None:
        """Of the many that an asset has of one kind, one a year, the last is what stays."""
        last: dict[Any, tuple[EventLogEntry, int]] = {}
        for event, event_id in stored:
            self._store_asset_event_tags(index, [event], [event_id])
            kind = (event.get_dagster_event().asset_key, event.dagster_event_type)
            last.pop(kind, None)  # in the order of the last ones
            last[kind] = (event, event_id)
        for event, event_id in last.values():
            self._store_asset_event(index, event, event_id)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction; what the same thread asks for within it is a part of it."""
        with self._one_by_one:
            if not self._begun:
                self._store_held()
            if shard in self._begun:
                yield self._begun[shard]
                return
            with self._engine(shard).begin() as connection:
                self._begun[shard] = connection
                try:
                    yield connection
                finally:
                    del self._begun[shard]

    def _engine(self, shard: str) -> Engine:
        """The engine of one database, made ready at its first use."""
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = _engine(self.conn_string_for_shard(shard))
            self._initdb(engine)
        self._engines[shard] = engine
        while len(self._engines) > KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Asked twice for each check; a table that is there stays."""
        if table_name not in self._known and super().has_table(table_name):
            self._known.add(table_name)
        return table_name in self._known

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        """Asked for each event of an asset; a column that is there stays."""
        known = f"{AssetKeyTable.name}.{column_name}"
        if known not in self._known and super()._has_asset_key_col_on_connection(conn, column_name):
            self._known.add(known)
        return known in self._known

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._one_by_one:
            try:
                self._store_held()
            finally:
                while self._engines:
                    self._engines.popitem()[1].dispose()


class KeptStorage(DagsterSqliteStorage):
    """What `dagster.yaml` names: Dagster's SQLite storage, with the event log above."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        _read_migrations_once()
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> KeptStorage:
        return cls(config_value["base_dir"], inst_data)


def _store_check(index: Connection, row: Row) -> None:
    """A check that has run goes into the row that its plan has left, or a new one without."""
    place = {f"of_{name}": row[name] for name in OF_CHECK}
    planned = row["execution_status"] == AssetCheckExecutionRecordStatus.PLANNED.value
    updated = 0 if planned else index.execute(UPDATE_CHECK, place | row).rowcount
    if updated == 0:
        index.execute(INSERT_CHECK, row)
    elif updated > 1:
        raise DagsterInvariantViolationError("a check was planned more than once in one run")


def _check(event: EventLogEntry, row: Row, event_id: int) -> Row:
    check: Any = event.get_dagster_event().event_specific_data
    shared = {
        "asset_key": check.asset_key.to_string(),
        "check_name": check.check_name,
        "partition": None,
        "run_id": row["run_id"],
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
    }
    if event.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
        return shared
    status = AssetCheckExecutionRecordStatus
    target = check.target_materialization_data
    return shared | {
        "partition": check.partition,
        "execution_status": (status.SUCCEEDED if check.passed else status.FAILED).value,
        "materialization_event_storage_id": target.storage_id if target else None,
    }


def _is_seldom(event: EventLogEntry) -> bool:
    """A check that was reported by hand, without a run, or is planned by partition."""
    data = event.get_dagster_event().event_specific_data
    return not event.run_id or getattr(data, "partitions_subset", None) is not None


def _engine(place: str) -> Engine:
    engine = create_engine(
        place,
        poolclass=QueuePool,
        pool_size=1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # no message of an error quotes what was to be stored
    )
    hook.listen(engine, "connect", _relaxed)
    return engine


def _relaxed(connection: Any, _: Any) -> None:
    """Flush at checkpoints and not at each event: a power cut may cost the last events of a run
    that it killed, never the database."""
    connection.execute("PRAGMA synchronous = NORMAL")


@cache
def _read_migrations_once() -> None:
    """Alembic reads Dagster's ninety migrations at each question for a database's revision, ten
    times for a new home, though they are the same for every database and stay as they are."""
    read: dict[str | None, ScriptDirectory] = {}
    from_config = ScriptDirectory.from_config

    def kept(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in read:
            read[place] = from_config(config)
        return read[place]

    ScriptDirectory.from_config = staticmethod(kept)  # type: ignore[method-assign]
