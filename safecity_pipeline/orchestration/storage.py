"""Dagster's own records in SQLite, with connections that stay open.

A refresh leaves some eight hundred events, most of them the results of checks. Dagster's SQLite
storage opens and closes a database three times for each, and compiles every statement anew, which
takes longer than the steps of a small refresh. Here the same databases, with the same tables, are written
through connections that are kept; a home can be read with either storage.

Belongs here: how connections are made and kept. Does not belong here: what is stored, which is
Dagster's.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

KEPT_OPEN = 4  # databases: the index, the run under way, and what somebody looks at


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's event log, one database a run and an index, whose connections are kept."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._known: set[str] = set()
        self._one_by_one = threading.RLock()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._one_by_one, self._engine(shard).begin() as connection:
            yield connection

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

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._one_by_one:
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
    )
    event.listen(engine, "connect", _relaxed)
    return engine


def _relaxed(connection: Any, _: Any) -> None:
    """Flush at checkpoints and not at each event: a power cut may cost the last events of a run
    that it killed, never the database."""
    connection.execute("PRAGMA synchronous = NORMAL")
