"""The warehouse: the file under construction, the releases, the switch, and the lock.

    warehouse/build/            the pipeline's own (folder 0700): lock, work-*.duckdb, scratch,
                                the release being published, Dagster's home
    warehouse/releases/<stamp>/public/safecity.duckdb      beside what `publish` makes of it
    warehouse/releases/<stamp>/restricted/safecity_restricted.duckdb      (folder 0700)
    warehouse/releases/<stamp>/restricted/partners/safecity_partners.duckdb    beside the same
    warehouse/current           relative symlink to the newest release
    warehouse/latest/           copies under names that never change (`publish.latest`)

A release is a folder that never changes once it has its name, so a reader keeps what it opened
and a refresh never waits for readers. This is the only module that opens a DuckDB file; nothing
ever opens one by other means while DuckDB has it open (that would drop its lock).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from duckdb import DuckDBPyConnection
from filelock import FileLock, Timeout

from safecity_pipeline import tables
from safecity_pipeline.model import Refused
from safecity_pipeline.tables import Table, quoted

STORAGE_VERSION = "v1.5.0"
PUBLIC, RESTRICTED, PARTNERS = (
    *("safecity.duckdb", "safecity_restricted.duckdb"),
    "safecity_partners.duckdb",
)
FILES = {"public": PUBLIC, "partners": PARTNERS}
MEMORY_LIMIT = "600MB"
# Words of DuckDB's where another process has a file open, and where this one has.
IN_USE = ("Could not set lock", "is already attached")
# Seconds. A reader follows `current` first and opens then; what it was led to must still be there.
LINGER = 1.0


class Warehouse:
    """One warehouse folder. Making the object touches nothing.

    `shape`: the pipeline's own tables in the work file, as DDL. A version of the pipeline with
    other tables starts a work file of its own; everything in it can be made again from raw/.
    """

    def __init__(self, folder: Path, shape: str = "") -> None:
        self.shape = shape
        self.folder = folder
        self.build = folder / "build"
        self.releases = folder / "releases"
        self.scratch = self.build / "scratch"
        self.publishing = self.build / "publishing"
        self.hashes = self.build / "hashes.json"
        self.work = self.build / f"work-{hashlib.sha256(shape.encode()).hexdigest()[:8]}.duckdb"

    # --- one refresh at a time ---------------------------------------------------------------

    @contextmanager
    def lock(self, what: str = "a refresh") -> Iterator[None]:
        """Hold the warehouse for writing; re-entrant in one process. Raises Refused, saying who
        holds it."""
        lock = FileLock(self.build / "refresh.lock", timeout=0, is_singleton=True)
        holder = self.build / "refresh.holder.json"
        try:
            make_private(self.build)
            lock.acquire()
        except Timeout:
            raise Refused(
                f"another refresh holds this warehouse: {_held_by(holder)}",
                str(self.folder),
                repair="wait until it has ended, or stop it",
            ) from None
        except OSError as error:
            raise Refused(
                f"a warehouse cannot be made or written there: {error.strerror}",
                str(self.folder),
                repair="name another folder with --warehouse",
            ) from None
        try:
            if lock.lock_counter == 1:
                # It only tells others who we are; a full disk says so elsewhere.
                with contextlib.suppress(OSError):
                    holder.write_text(json.dumps(_holder(what)), encoding="utf-8")
            yield
        finally:
            if lock.lock_counter == 1:
                # What a source did not ask for again lies there in clear, and nobody needs it now.
                shutil.rmtree(self.scratch, ignore_errors=True)
                holder.unlink(missing_ok=True)
            lock.release()

    # --- the file under construction ---------------------------------------------------------

    @contextmanager
    def open_work(self) -> Iterator[DuckDBPyConnection]:
        """The file under construction, made where it is not there. The caller holds the lock.

        Raises Refused where another program has it open, or the disk is full.
        """
        with self._room():
            self.scratch.mkdir(parents=True, exist_ok=True)
            connection = self._attached()
            try:
                self._furnish(connection)
                yield connection
            finally:
                connection.close()

    @contextmanager
    def open_beside(self, file: Path) -> Iterator[DuckDBPyConnection]:
        """A new database with the tables of the file under construction, and nothing in them."""
        connection = _connect(self.scratch)
        try:
            _attach(connection, file, "work")
            self._furnish(connection)
            yield connection
        finally:
            connection.close()

    def drop_beside(self, file: Path) -> None:
        """Remove such a database, with whatever DuckDB left beside it, as far as it can be."""
        for one in (file, _log_of(file)):
            with contextlib.suppress(OSError):  # a sweep removes it
                one.unlink()

    def _furnish(self, connection: DuckDBPyConnection) -> None:
        connection.execute(f"USE work; ATTACH ':memory:' AS {tables.ASIDE}")
        for schema in ("build", "clean", "set_aside", "quarantine", "mart", "meta"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(self.shape or "SELECT 1")

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Say so in words where something breaks down because the disk is full."""
        try:
            yield
        except (OSError, duckdb.Error) as error:
            # DuckDB hands on the system's words, and has no number for them.
            full = error.errno == errno.ENOSPC if isinstance(error, OSError) else False
            if not full and os.strerror(errno.ENOSPC) not in str(error):
                raise
            raise Refused(
                "the disk is full",
                str(self.folder),
                repair="make room and refresh again; what was published stands",
            ) from None

    def _attached(self) -> DuckDBPyConnection:
        connection = _connect(self.scratch)
        try:
            _attach(connection, self.work, "work")
            return connection
        except duckdb.Error as error:
            connection.close()
            if any(words in str(error) for words in IN_USE):
                raise Refused(
                    "another program has the file under construction open",
                    str(self.work),
                    repair="close it there; what is for reading is warehouse/current",
                ) from None
            # Spoilt by a crash of the machine: everything in it can be made again from raw/.
            for file in (self.work, _log_of(self.work)):
                file.unlink(missing_ok=True)
        connection = _connect(self.scratch)
        _attach(connection, self.work, "work")
        return connection

    # --- releases ------------------------------------------------------------------------------

    def current(self) -> Path | None:
        """Folder of the newest release, or None before the first."""
        link, pointer = self.folder / "current", self.folder / "current.txt"
        if link.is_dir():
            return self.releases / link.resolve().name
        if pointer.is_file():
            named = self.releases / pointer.read_text(encoding="utf-8").strip()
            return named if named.is_dir() else None
        return None

    def release(self, named: str) -> Path:
        """Folder of a release: by its stamp, `current`, `previous` (the one before it), or a path.
        Raises Refused, listing those there are."""
        now, there = self.current(), self.stamps()
        earlier = [stamp for stamp in there if now and stamp < now.name]
        if named == "current" and now:
            return now
        if named == "previous" and earlier:
            return self.releases / earlier[-1]
        if named in there:
            return self.releases / named
        if database(Path(named), False).is_file():
            return Path(named)
        known = ", ".join(there) or "none; run `safecity refresh`"
        raise Refused("no such release", str(self.folder), named, f"there are: {known}")

    def stamps(self) -> list[str]:
        """Names of the releases that are there, the oldest first."""
        return sorted(path.name for path in self.releases.glob("[!.]*"))

    def read_release(self, restricted: bool = False) -> DuckDBPyConnection:
        """A read-only connection to the newest release. Raises Refused where there is none."""
        folder = self.current()
        file = database(folder, restricted) if folder else None
        if file is None or not file.is_file():
            raise Refused(
                "no release has been published here yet",
                str(self.folder),
                repair="run `safecity refresh`, or name another folder with --warehouse",
            )
        connection = duckdb.connect()
        connection.execute(f"ATTACH {quoted(str(file))} AS release (READ_ONLY)")
        connection.execute("USE release")
        return connection

    def release_facts(self) -> dict[str, Any] | None:
        """The one row of meta.release of the newest release."""
        if self.current() is None:
            return None
        connection = self.read_release()
        try:
            row = connection.execute("SELECT * FROM meta.release").df().iloc[0]
            return {str(name): value for name, value in row.items()}
        finally:
            connection.close()

    def arrivals(self) -> list[dict[str, Any]]:
        """The rows of meta.arrival of the newest release."""
        connection = self.read_release()
        try:
            found = connection.execute("SELECT * FROM meta.arrival")
            return named_rows(found)
        finally:
            connection.close()

    def publish(
        self,
        stamp: str,
        public: Iterable[Table],
        beside: Callable[[Path], None] = lambda folder: None,
    ) -> Path:
        """Make a release of the closed work file and switch to it. Returns its folder.

        `beside`: writes what else belongs to the release into its folder, once the databases are
        there; what it raises, nothing is published for.

        Everything is written under a name that no reader looks for, then named, then pointed to:
        a reader sees the whole old release or the whole new one. Each of the three is on the disk
        before the next begins, so that this holds when the power fails, too. What breaks down on
        the way leaves nothing. Raises Refused where what was made is not the release meant, or
        the disk is full.
        """
        partial, folder = self.releases / f".partial-{stamp}", self.releases / stamp
        try:
            with self._room():
                self._mark(stamp)
                self._settle()
                self._make(partial, stamp, list(public))
                beside(partial)
                _flush_all(partial)
                partial.rename(folder)
                self._switch(stamp)
        except BaseException:
            # A full disk is not kept full by what cannot be finished.
            shutil.rmtree(partial, ignore_errors=True)
            self._unpublish()
            raise
        self.publishing.unlink()
        return folder

    def _mark(self, stamp: str) -> None:
        """Remember what is being published, so that what a crash leaves of it is known."""
        self.publishing.write_text(stamp, encoding="utf-8")
        _flush(self.publishing)
        _flush_folder(self.build)

    def _settle(self) -> None:
        """See that the work file holds all that was written. Where closing it could not take its
        log in, that is done now: a copy without it would be an older state."""
        if not _log_of(self.work).exists():
            return
        connection = _connect(self.scratch)
        try:
            _attach(connection, self.work, "work")
            connection.execute("CHECKPOINT work")
        finally:
            connection.close()
        if _log_of(self.work).exists():
            raise Refused("nothing is published: the work file cannot be closed", str(self.work))

    def _make(self, partial: Path, stamp: str, public: list[Table]) -> None:
        """The databases of a release under a name that nobody looks for."""
        restricted = database(partial, True)
        shared = {one: edition_folder(partial, one) / FILES[one] for one in tables.EDITIONS}
        shared["public"].parent.mkdir(parents=True)
        for private in (restricted, shared["partners"]):
            private.parent.mkdir(mode=0o700)
        shutil.copyfile(self.work, restricted)
        restricted.chmod(0o600)
        _finish(restricted, shared, public, self.scratch)
        shared["partners"].chmod(0o600)
        if not all(_holds(file, stamp) for file in (restricted, *shared.values())):
            raise Refused("nothing is published: the copy is not what was made", str(partial))

    def _switch(self, stamp: str) -> None:
        _flush_folder(self.releases)
        if sys.platform == "win32":  # an open file's folder cannot be replaced there
            pointer = self.folder / "current.txt.new"
            pointer.write_text(stamp, encoding="utf-8")
            os.replace(pointer, self.folder / "current.txt")
            return
        fresh = self.folder / ".current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / stamp, target_is_directory=True)
        os.replace(fresh, self.folder / "current")
        _flush_folder(self.folder)

    def sweep(self) -> None:
        """Remove what an interrupted refresh left, and work files of another shape."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for file in self.build.glob("work-*.duckdb*"):
            if not file.name.startswith(self.work.name):
                file.unlink()
        for file in self.build.glob(f".{self.hashes.name}.*"):
            file.unlink(missing_ok=True)
        for folder in self.releases.glob(".partial-*"):
            shutil.rmtree(folder, ignore_errors=True)
        self._unpublish()

    def _unpublish(self) -> None:
        """Remove a release that was named, but to which nobody was ever pointed."""
        if not self.publishing.is_file():
            return
        stamp, now = self.publishing.read_text(encoding="utf-8"), self.current()
        if stamp and (now is None or now.name != stamp):
            shutil.rmtree(self.releases / stamp, ignore_errors=True)
        self.publishing.unlink()

    def prune(self, keep: int, keep_restricted: int) -> None:
        """Drop the oldest releases, and the row-level parts of older ones first; never those of
        the current one, whatever the clock said when it was named."""
        now = self.current()
        older = sorted(
            (path for path in self.releases.glob("[!.]*") if path != now),
            reverse=True,
        )
        if now and older and min(keep, keep_restricted) == 1:
            self._linger()
        for folder in older[keep_restricted - 1 :]:
            self._drop(folder / "restricted")
        for folder in older[keep - 1 :]:
            self._drop(folder)

    def _linger(self) -> None:
        """Wait until nobody can be on the way to the release that was current before."""
        link, pointer = self.folder / "current", self.folder / "current.txt"
        switched = (link if link.is_symlink() else pointer).lstat().st_mtime
        time.sleep(min(max(switched + LINGER - time.time(), 0), LINGER))

    def _drop(self, folder: Path) -> None:
        """Remove a folder whole, or leave it whole where a reader holds it open (Windows)."""
        doomed = self.releases / f".partial-{'-'.join(folder.relative_to(self.releases).parts)}"
        try:
            folder.rename(doomed)
        except OSError:
            return
        shutil.rmtree(doomed, ignore_errors=True)


def make_private(folder: Path) -> None:
    """Make a folder, with those above it, that nobody else may look into: rows lie in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):  # another user's folder is theirs to open
        folder.chmod(0o700)


def memory(shape: str = "") -> DuckDBPyConnection:
    """A database in memory, for looking at one file or planning a statement. `shape`: statements
    that make what it begins with."""
    connection = duckdb.connect()
    connection.execute(f"ATTACH ':memory:' AS {tables.ASIDE}")
    for schema in ("build", "clean", "set_aside", "quarantine", "mart", "meta"):
        connection.execute(f"CREATE SCHEMA {schema}")
    if shape:
        connection.execute(shape)
    return connection


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def reading(connection: DuckDBPyConnection, file: Path, name: str) -> Iterator[None]:
    """Have another database, that nobody has open, readable under a name."""
    connection.execute(f"ATTACH {quoted(str(file))} AS {name} (READ_ONLY)")
    try:
        yield
    finally:
        connection.execute(f"DETACH {name}")


@contextmanager
def opened(
    release: Path, restricted: bool = False, edition: str = "public", as_name: str = "release"
) -> Iterator[DuckDBPyConnection]:
    """A read-only connection to a database of a release, by the folder of the release."""
    connection = duckdb.connect()
    try:
        shared = edition_folder(release, edition) / FILES[edition]
        file = quoted(str(database(release, True) if restricted else shared))
        connection.execute(f"ATTACH {file} AS {as_name} (READ_ONLY); USE {as_name}")
        yield connection
    finally:
        connection.close()


def of_area(
    connection: DuckDBPyConnection, area: str, indicators: list[str], periods: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Values and findings of an area for some indicators and periods."""
    about = (
        "WHERE area_code = ? AND list_contains(?::VARCHAR[], indicator) "
        "AND list_contains(?::VARCHAR[], period) ORDER BY ALL"
    )
    values, findings = (
        named_rows(
            connection.execute(f"SELECT * FROM {table} {about}", [area, indicators, periods])
        )
        for table in (tables.INDICATOR_VALUE.full_name, tables.FINDING.full_name)
    )
    return values, findings


def database(release: Path, restricted: bool = False) -> Path:
    """The shareable database of a release, or the other, by the folder of the release."""
    return release / "restricted" / RESTRICTED if restricted else release / "public" / PUBLIC


def named_rows(found: DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a statement that was run, by the names of their columns."""
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def fill(connection: DuckDBPyConnection, table: Table, rows: pd.DataFrame) -> None:
    """Replace a declared table by the rows; a column that they lack is null."""
    connection.execute(tables.create(table))
    if rows.empty:
        return
    named = [column.name for column in table.columns if column.name in rows.columns]
    listed = ", ".join(f'"{name}"' for name in named)
    plain = rows[named].astype(object).where(rows[named].notna(), None)
    connection.register("rows_now", plain)
    casts = ", ".join(
        f'CAST("{column.name}" AS {column.sql_type})'
        for column in table.columns
        if column.name in named
    )
    connection.execute(f"INSERT INTO {table.full_name} ({listed}) SELECT {casts} FROM rows_now")
    connection.unregister("rows_now")


def stamp_now() -> str:
    """Name of a release made now: UTC, to the microsecond, so that names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _connect(scratch: Path) -> DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = {quoted(str(scratch))}")
    connection.execute(f"SET memory_limit = {quoted(MEMORY_LIMIT)}")
    connection.execute("SET autoinstall_known_extensions = false")
    return connection


def _attach(connection: DuckDBPyConnection, file: Path, name: str) -> None:
    connection.execute(
        f"ATTACH {quoted(str(file))} AS {name} (STORAGE_VERSION {quoted(STORAGE_VERSION)})"
    )


def edition_folder(release: Path, edition: str) -> Path:
    """Where the database and the files of an edition lie in a release."""
    return release / "public" if edition == "public" else release / "restricted" / edition


def move_into(made: Path, folder: Path) -> None:
    """Move everything that lies in a folder into another one of the same warehouse."""
    for path in sorted(made.iterdir()):
        path.rename(folder / path.name)
    made.rmdir()


def fullest(release: Path) -> str:
    """The edition that tells most of those that a release has still."""
    there = (one for one in tables.EDITIONS if edition_folder(release, one).is_dir())
    return next(there, "public")


def _finish(
    restricted: Path, editions: Mapping[str, Path], shared: list[Table], scratch: Path
) -> None:
    """Copy the tables of each edition out of the copy, and drop the pipeline's own schema from it.

    What may not be shared never enters the public file: what was written into a file and changed
    afterwards may still be read out of it.
    """
    connection = _connect(scratch)
    try:
        _attach(connection, restricted, "restricted")
        for edition, file in editions.items():
            _attach(connection, file, edition)
            connection.execute(f"USE {edition}")
            for schema in sorted({table.schema for table in shared}):
                connection.execute(f"CREATE SCHEMA {schema}")
            for table in shared:
                connection.execute(tables.create(table))
                connection.execute(
                    f"INSERT INTO {edition}.{table.full_name} BY NAME {_rows_for(edition, table)}"
                )
            connection.execute(f"CHECKPOINT {edition}")
        connection.execute("DROP SCHEMA IF EXISTS restricted.build CASCADE")
        connection.execute("CHECKPOINT restricted")
    finally:
        connection.close()


def _rows_for(edition: str, table: Table) -> str:
    """The rows of a table for an edition, in the database that is attached as `restricted`."""
    says = any(column.name == "edition" for column in table.columns)
    named = f" REPLACE ({quoted(edition)} AS edition)" if says else ""
    return f"SELECT *{named} FROM restricted.{table.of(edition).full_name}"


def _holds(database: Path, stamp: str) -> bool:
    """Whether a closed database is that of the release, whole by itself, as readers find it."""
    connection = duckdb.connect()
    try:
        connection.execute(f"ATTACH {quoted(str(database))} AS made (READ_ONLY)")
        found = connection.execute("SELECT stamp FROM made.meta.release").fetchall()
        return found == [(stamp,)] and not _log_of(database).exists()
    finally:
        connection.close()


def _log_of(database: Path) -> Path:
    """Where DuckDB writes first, and what it leaves beside a database where it was killed."""
    return database.with_name(f"{database.name}.wal")


def _holder(what: str) -> Mapping[str, object]:
    return {
        "what": what,
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _held_by(holder: Path) -> str:
    try:
        facts = json.loads(holder.read_text(encoding="utf-8"))
        return (
            f"{facts['what']}, process {facts['process']} on {facts['host']} since {facts['since']}"
        )
    except (OSError, ValueError, KeyError):
        return "it has only just begun"


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_all(folder: Path) -> None:
    """Have a folder on the disk with everything in it."""
    for path in sorted(folder.rglob("*"), reverse=True):
        (_flush_folder if path.is_dir() else _flush)(path)
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
