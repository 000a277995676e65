"""Readers of a warehouse in processes of their own, while refreshes come to harm.

`passer_by` follows `current`, and opens it whenever it is another and twice a second in between, as
a dashboard does; `analyst` keeps connections open with a result half read. Each writes down what it
saw, by `print_of`, and every error.

Here: reading and remembering. Not here: what they should have seen.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb
from faulty import end_of, start, until
from same_release import TIMES

PUBLIC = Path("current", "public", "safecity.duckdb")
RESTRICTED = Path("current", "restricted", "safecity_restricted.duckdb")
STOP = "stop"
BETWEEN_LOOKS = 0.5  # seconds; a look takes a tenth of that, and refreshes want processors too
OPEN_RESULT = "SELECT i FROM range(200_000) r(i), (SELECT 1 FROM meta.release)"


@dataclass
class Seen:
    """Prints of releases, in order without repetition; how many looks; errors."""

    prints: list[str] = field(default_factory=list)
    looks: int = 0
    errors: list[str] = field(default_factory=list)

    def note(self, found: str) -> None:
        self.looks += 1
        if found not in self.prints[-1:]:
            self.prints.append(found)


class Watched:
    """Onlookers of a warehouse for as long as a `with` lasts; afterwards, what they saw."""

    def __init__(self, warehouse: Path, notes: Path) -> None:
        self.warehouse, self.notes = warehouse, notes
        self.processes: dict[str, BaseProcess] = {}

    def __enter__(self) -> Watched:
        self.notes.mkdir(parents=True)
        for one in (passer_by, analyst):
            self.processes[one.__name__] = start(one, self.warehouse, self.notes)
        for name in self.processes:
            until((self.notes / f"{name} is ready").exists)
        return self

    def __exit__(self, *error: object) -> None:
        (self.notes / STOP).touch()
        assert [end_of(one) for one in self.processes.values()] == [0, 0]

    def saw(self, name: str) -> Seen:
        return Seen(**json.loads((self.notes / name).read_text(encoding="utf-8")))


def passer_by(warehouse: Path, notes: Path) -> None:
    """Look at the newest release again and again, and at once where it is another."""
    seen = Seen()
    release, again, last = Path(), 0.0, False
    while not last:
        last = (notes / STOP).exists()
        try:
            now = (warehouse / "current").readlink()
            if last or now != release or time.monotonic() > again:
                seen.note(look(warehouse / PUBLIC))
                release, again = now, time.monotonic() + BETWEEN_LOOKS
        except Exception as error:
            seen.errors.append(repr(error))
        (notes / "passer_by is ready").touch()
        time.sleep(0.002)
    _write(notes / "passer_by", seen)


def analyst(warehouse: Path, notes: Path) -> None:
    """Hold one release, public and restricted, each with an open result; at the end connect
    anew."""
    seen = Seen()
    try:
        files = [(warehouse / name) for name in (PUBLIC, RESTRICTED)]
        held = [connected(file) for file in files]
        for connection in held:
            connection.execute("SET enable_progress_bar = false")
        half_read = [connection.execute(OPEN_RESULT) for connection in held]
        for result in half_read:
            result.fetchmany(1)
        (notes / "analyst is ready").touch()
        until((notes / STOP).exists)
        for connection, result in zip(held, half_read, strict=True):
            assert len(result.fetchall()) == 199_999
            print_of(connection)
        seen.note(print_of(held[0]))
        for connection in held:
            connection.close()
        seen.note(look(warehouse / PUBLIC))
    except Exception as error:
        seen.errors.append(repr(error))
    _write(notes / "analyst", seen)


def look(database: Path) -> str:
    """Print of a release, read over a connection made now."""
    connection = connected(database)
    try:
        return print_of(connection)
    finally:
        connection.close()


def connected(database: Path) -> duckdb.DuckDBPyConnection:
    """A reader's connection, with one thread: of tables this small, threads only take turns."""
    return duckdb.connect(str(database), read_only=True, config={"threads": 1})


def print_of(connection: duckdb.DuckDBPyConnection) -> str:
    """One text for all rows of all tables, but for what two runs may differ in."""
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL"
    ).fetchall()
    found = [(name, *_sum(connection, name)) for (name,) in tables if name != "meta.run_cost"]
    return json.dumps(found)


def _sum(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    left_out = ", ".join(TIMES.get(table, ()))
    columns = f"* EXCLUDE ({left_out})" if left_out else "*"
    [row] = connection.execute(
        f"SELECT count(*), coalesce(bit_xor(hash(t)), 0) FROM (SELECT {columns} FROM {table}) t"
    ).fetchall()
    return row[0], row[1]


def _write(file: Path, seen: Seen) -> None:
    file.write_text(json.dumps(asdict(seen)), encoding="utf-8")
