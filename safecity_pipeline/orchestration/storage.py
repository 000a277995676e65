"""Dagster's own records in SQLite, with connections that stay open and events stored in bursts.

A refresh leaves some three thousand events, most of them of checks. Dagster's SQLite storage opens
and closes a database three times for each, which takes longer than the steps of a small refresh.
Here the same rows are stored in the same databases through connections that are kept, and in one
transaction for all that a step says at its end, its outputs and checks by one statement each; a
home can be read and written with either storage.

Belongs here: how connections are made and kept, and when and how events are written. Does not
belong here: what is written, which is Dagster's. What is overridden of Dagster's, private methods
too, is that of the version that is pinned.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation,
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import ASSET_CHECK_EVENTS
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


Row = dict[str, Any]
PLANNED, SUCCEEDED, FAILED = (
    AssetCheckExecutionRecordStatus.PLANNED,
    AssetCheckExecutionRecordStatus.SUCCEEDED,
    AssetCheckExecutionRecordStatus.FAILED,
)
INSERTED = SqlEventLogStorageTable.insert().returning(
    SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
)
_KEY = ("asset_key", "check_name", "run_id")
_OF_CHECK = AssetCheckExecutionsTable.c
MADE = (
    AssetCheckExecutionsTable.update()
    .where(*(_OF_CHECK[name] == bindparam(f"now_{name}") for name in _KEY))
    .where(_OF_CHECK.partition.is_(None))
    .values(
        {
            name: bindparam(f"now_{name}")
            for name in (
                "execution_status",
                "evaluation_event",
                "evaluation_event_timestamp",
                "evaluation_event_storage_id",
                "materialization_event_storage_id",
            )
        }
    )
)


def _alike(event: EventLogEntry) -> bool:
    """Whether an event is stored with its neighbours: an output, or a check of a whole asset."""
    of = event.dagster_event.event_specific_data if event.dagster_event else None
    if isinstance(of, AssetCheckEvaluationPlanned):
        return of.partitions_subset is None
    if isinstance(of, AssetCheckEvaluation):
        return of.partition is None and bool(event.run_id)
    return event.dagster_event_type == DagsterEventType.STEP_OUTPUT


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
        """As Dagster stores each, in one transaction a database. The runs' end first: the index
        never has an event that its run lacks."""
        with self.index_connection(), ExitStack() as stack:
            for run_id in dict.fromkeys(event.run_id for event in events):
                stack.enter_context(self.run_connection(run_id))
            for (run_id, alike), burst in groupby(events, lambda one: (one.run_id, _alike(one))):
                if alike:
                    self._store_burst(run_id, list(burst))
                else:
                    for event in burst:
                        super().store_event(event)

    def _store_burst(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Outputs, and checks planned and made, of one run: each put into words once, where Dagster
        does so three times, and stored by one statement for all."""
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        checks = [
            (event, row)
            for event, row in zip(events, rows, strict=True)
            if event.dagster_event_type in ASSET_CHECK_EVENTS
        ]
        if not checks:
            return
        with self.index_connection() as connection:
            ids = connection.execute(INSERTED, [row for _, row in checks]).scalars().all()
            executions = [
                self._execution(event, row, number)
                for (event, row), number in zip(checks, ids, strict=True)
            ]
            self._store_executions(connection, [event for event, _ in checks], executions)

    def _execution(self, event: EventLogEntry, row: Mapping[str, Any], number: int) -> Row:
        """What the table of checks says of one that is planned, or was made."""
        of = event.get_dagster_event().event_specific_data
        assert isinstance(of, AssetCheckEvaluationPlanned | AssetCheckEvaluation)
        made = of if isinstance(of, AssetCheckEvaluation) else None
        target = made.target_materialization_data if made else None
        status = PLANNED if made is None else SUCCEEDED if made.passed else FAILED
        return {
            "asset_key": of.asset_key.to_string(),
            "check_name": of.check_name,
            "run_id": event.run_id,
            "execution_status": status.value,
            "evaluation_event": row["event"],
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": number,
            "materialization_event_storage_id": target.storage_id if target else None,
        }

    def _store_executions(
        self, connection: Connection, events: Sequence[EventLogEntry], executions: Sequence[Row]
    ) -> None:
        both = list(zip(events, executions, strict=True))
        planned = [one for _, one in both if one["execution_status"] == PLANNED.value]
        made = [(event, one) for event, one in both if one["execution_status"] != PLANNED.value]
        if planned:
            connection.execute(AssetCheckExecutionsTable.insert(), planned)
        if not made:
            return
        changed = connection.execute(
            MADE, [{f"now_{name}": cell for name, cell in one.items()} for _, one in made]
        ).rowcount
        if changed != len(made):  # one that was never planned, or planned twice
            for event, one in made:
                self._update_asset_check_evaluation(event, one["evaluation_event_storage_id"])

    def _store_held(self) -> None:
        events, self._held = self._held, []
        try:
            if events:
                self.store_event_batch(events)
        except BaseException:
            self._held = [*events, *self._held]  # their writer was told that they are stored
            raise

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
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> KeptStorage:
        return cls(config_value["base_dir"], inst_data)


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
