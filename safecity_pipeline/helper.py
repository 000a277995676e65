"""A second process that takes in sources too: on two cores that takes half the time.

Here: the process, which sources it is given, and what it hands over: a database of its own in the
scratch folder for each source, from which the refresh copies the rows. Not here: taking in
(`ingest.intake`), and what a refresh makes of the rows.

A source comes over whole or not at all. What befalls the process costs time and nothing else: what
it did not hand over is taken in by the refresh itself, and so what is wrong is said there.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import BinaryIO

from safecity_pipeline import registry
from safecity_pipeline.cost import Cost, measured
from safecity_pipeline.ingest import intake, transcripts
from safecity_pipeline.ingest.reading import Transcript
from safecity_pipeline.model import Extract
from safecity_pipeline.registry import Registry
from safecity_pipeline.warehouse import Warehouse, transaction

COMMAND = (sys.executable, "-c", f"from {__name__} import serve; serve()")
ROOT = Path(__file__).resolve().parents[1]
# Bytes of extracts to be read: below, the process would not begin before the work is done.
WORTH_IT = 2 << 20
# Bytes of one source's extracts. A larger one stays with the refresh, where it keeps both cores
# busy by itself, and so there is no second process that holds much memory.
LARGEST = 16 << 20


def pays() -> bool:
    """Whether there is a second processor."""
    return (os.cpu_count() or 1) > 1


@dataclass(frozen=True)
class Work:
    """One source to take in. `rules_version`: by which rules, as the refresh understands them."""

    source: str
    extracts: tuple[Extract, ...]
    rules_version: str
    transcripts: tuple[tuple[transcripts.Which, Transcript], ...]

    @property
    def bytes(self) -> int:
        return sum(extract.bytes for extract in self.extracts)


@dataclass(frozen=True)
class HandedOver:
    """A database that holds one source as the work database would, and what it has cost."""

    file: Path
    cost: Cost


class Helper:
    """The second process, from when the object is made until `close`."""

    def __init__(self, warehouse: Warehouse, config: Path | None) -> None:
        self._left: dict[str, Work] = {}
        self._begun: dict[str, Future[HandedOver | None]] = {}
        self._sharing_out = Lock()
        self._asking: Thread | None = None
        pipe = subprocess.PIPE
        # In a folder of ours, for `-c` looks for modules in the current one first.
        self._process = subprocess.Popen(
            COMMAND, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        with suppress(OSError):  # it has ended already, which will show
            _say(self._process.stdin, (Path.cwd(), warehouse, config))

    def share(self, work: Iterable[Work]) -> None:
        """Offer it sources, of which it takes the largest first. To be called once."""
        offered = [one for one in work if 0 < one.bytes <= LARGEST]
        self._left = {one.source: one for one in sorted(offered, key=lambda one: -one.bytes)}
        self._asking = Thread(target=self._ask, daemon=True)
        self._asking.start()

    def handed_over(self, source: str) -> HandedOver | None:
        """A source that it has begun, awaited; None where the caller has to take it in."""
        with self._sharing_out:
            self._left.pop(source, None)
            begun = self._begun.get(source)
        return begun.result() if begun else None

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._sharing_out:
            self._left.clear()
        self._process.kill()
        if self._asking:
            self._asking.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it did not live to read
                assert stream
                stream.close()

    def _ask(self) -> None:
        """Give it one source after another, until none is left or it has ended."""
        while work := self._next():
            answer = None
            try:
                _say(self._process.stdin, work)
                answer = pickle.load(_there(self._process.stdout))
            except Exception:  # whatever it is that a broken answer makes of pickle
                with self._sharing_out:
                    self._left.clear()
            self._begun[work.source].set_result(answer)

    def _next(self) -> Work | None:
        with self._sharing_out:
            name = next(iter(self._left), None)
            if name is None:
                return None
            self._begun[name] = Future()
            return self._left.pop(name)


def _say(stream: object, what: object) -> None:
    pickle.dump(what, _there(stream))
    _there(stream).flush()


def _there(stream: object) -> BinaryIO:
    assert stream
    return stream  # type: ignore[return-value]


# --- in the second process -----------------------------------------------------------------------


def serve() -> None:
    """A warehouse, then one source after another; of each a database or nothing, until nothing more
    comes."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray word would spoil the answers
    folder, warehouse, config = pickle.load(asked)
    os.chdir(folder)  # the folders of a configuration may be relative to it
    known = registry.load(config)
    while True:
        try:
            work = pickle.load(asked)
        except EOFError:
            return
        _say(answers, _answer(warehouse, known, work))


def _answer(warehouse: Warehouse, known: Registry, work: Work) -> HandedOver | None:
    try:
        return _taken_in(warehouse, known, work)
    except Exception:  # the refresh will come upon it, and say it
        return None


def _taken_in(warehouse: Warehouse, known: Registry, work: Work) -> HandedOver | None:
    source = known.sources[work.source]
    if intake.rules_hash(source, known.areas_digest) != work.rules_version:
        return None  # the code or the registry changed under our feet
    transcripts.remember(work.transcripts)
    file = warehouse.scratch / f"taken-in-{work.source}.duckdb"
    with measured() as meter, warehouse.open_beside(file) as connection:
        intake.read_in(
            connection,
            source,
            work.extracts,
            known.areas,
            work.rules_version,
            warehouse.scratch,
            transaction,
        )
    return HandedOver(file, meter.read())
