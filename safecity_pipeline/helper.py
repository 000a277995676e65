"""A second process of a refresh: on two cores what it takes a share of takes half the time.

Here: the process, how pieces of work are shared out between it and the refresh, and the taking in
of a source there: into a database of its own in the scratch folder, from which the refresh copies
the rows. Not here: how a source is taken in (`ingest.intake`), and what a refresh makes of it.

A piece comes over whole or not at all. What befalls the process costs time and nothing else: what
it did not hand over is done by the refresh itself, and so what is wrong is said there.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any, Protocol

from safecity_pipeline import registry, upkeep
from safecity_pipeline.cost import Cost, measured
from safecity_pipeline.ingest import adding, intake, transcripts
from safecity_pipeline.ingest.reading import Transcript
from safecity_pipeline.model import Extract
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse, transaction

COMMAND = (sys.executable, "-c", f"from {__name__} import serve; serve()")
ROOT = Path(__file__).resolve().parents[1]
# Bytes of extracts to be read: below, the process would not begin before the work is done.
WORTH_IT = 2 << 20
# Bytes of one source's rows as text. A larger one stays with the refresh, where it keeps both cores
# busy by itself, and so there is no second process that holds much memory beside it.
LARGEST = 8 << 20


def pays() -> bool:
    """Whether there is a second processor."""
    return (os.cpu_count() or 1) > 1


@dataclass(frozen=True)
class Agreed:
    """What both processes must have alike, or the second one does nothing. `made_from`: hashes of
    code and registry."""

    settings: Settings
    warehouse: Warehouse
    made_from: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Here:
    """What a piece of work finds in the second process, one for all pieces."""

    settings: Settings
    warehouse: Warehouse
    registry: Registry


class Piece(Protocol):
    """A piece of work that goes from one process to the other, as its answer does. Raises where it
    is better done by the refresh."""

    def done(self, here: Here) -> object: ...


@dataclass(frozen=True)
class Answer:
    """What came of a piece of work, and what it has cost."""

    value: Any
    cost: Cost


class Helper:
    """The second process, from when the object is made until `close`."""

    def __init__(self, agreed: Agreed) -> None:
        self._left: dict[str, Piece] = {}
        self._begun: dict[str, Future[Answer | None]] = {}
        self._sharing_out = Lock()
        self._asking: Thread | None = None
        pipe = subprocess.PIPE
        # In a folder of ours, for `-c` looks for modules in the current one first.
        self._process = subprocess.Popen(
            COMMAND, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        with suppress(OSError):  # it has ended already, which will show
            _say(self._process.stdin, (Path.cwd(), agreed))

    def offer(self, pieces: Mapping[str, Piece]) -> None:
        """Let it begin with the first of some pieces, while the caller asks for one after the
        other. What is left of an earlier offer is the caller's."""
        self.join()
        self._left, self._begun = dict(pieces), {}
        self._asking = Thread(target=self._ask, daemon=True)
        self._asking.start()

    def answer(self, name: str) -> Answer | None:
        """The answer to a piece that it has begun, awaited; None where the caller has to do it."""
        with self._sharing_out:
            self._left.pop(name, None)
            begun = self._begun.pop(name, None)
        return begun.result() if begun else None

    def join(self) -> None:
        """Wait until it is at nothing."""
        with self._sharing_out:
            self._left.clear()
        if self._asking:
            self._asking.join()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it did not live to read
                assert stream
                stream.close()

    def _ask(self) -> None:
        """Give it one piece after another, until none is left or it has ended."""
        while begun := self._next():
            piece, future = begun
            answer = None
            try:
                _say(self._process.stdin, piece)
                answer = _heard(self._process.stdout)
            except Exception:  # whatever it is that a broken answer makes of pickle
                self._process.kill()  # its next answer would be to this question
                with self._sharing_out:
                    self._left.clear()
            future.set_result(answer)

    def _next(self) -> tuple[Piece, Future[Answer | None]] | None:
        with self._sharing_out:
            name = next(iter(self._left), None)
            if name is None:
                return None
            future = self._begun[name] = Future()
            return self._left.pop(name), future


def _say(stream: IO[bytes] | None, what: object) -> None:
    assert stream
    pickle.dump(what, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _heard(stream: IO[bytes] | None) -> Any:
    assert stream
    return pickle.load(stream)


def serve() -> None:
    """The second process: what both have alike, then one piece after another; to each an answer or
    None, until nothing more comes."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray word would spoil the answers
    folder, agreed = _heard(asked)
    os.chdir(folder)  # the folders of a configuration may be relative to it
    gc.freeze()  # what is imported stays: it need not be looked through for garbage
    here = Here(agreed.settings, agreed.warehouse, registry.load(agreed.settings.config))
    alike = made_from(here.registry) == agreed.made_from
    while True:
        try:
            piece = _heard(asked)
        except EOFError:
            return
        _say(answers, _answer(piece, here) if alike else None)


def made_from(known: Registry) -> tuple[str, str]:
    """Hashes of the code and of what is declared, the analyst's own words included."""
    return upkeep.all_code(), known.release_digest


def _answer(piece: Piece, here: Here) -> Answer | None:
    try:
        with measured() as meter:
            value = piece.done(here)
    except Exception:  # the refresh will come upon it, and say it
        return None
    return Answer(value, meter.read())


# --- a source -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TakeIn:
    """One source to take in. `rules_version`: by which rules, as the refresh understands them."""

    source: str
    extracts: tuple[Extract, ...]
    rules_version: str
    transcripts: tuple[tuple[transcripts.Which, Transcript], ...]

    @property
    def bytes(self) -> int:
        return sum(map(adding.size, self.extracts))

    def done(self, here: Here) -> Path:
        """The file of a database that holds the source as the work database would."""
        source, warehouse = here.registry.sources[self.source], here.warehouse
        if intake.rules_hash(source, here.registry.areas_digest) != self.rules_version:
            raise ValueError("another key for pseudonyms")
        transcripts.remember(self.transcripts)
        # Of this process: that of a refresh which was killed may be at the same source still.
        file = warehouse.scratch / f"taken-in-{self.source}-{os.getpid()}.duckdb"
        try:
            with warehouse.open_beside(file) as connection:
                intake.read_in(
                    connection,
                    source,
                    self.extracts,
                    here.registry.areas,
                    self.rules_version,
                    warehouse.scratch,
                    transaction,
                )
        except BaseException:
            warehouse.drop_beside(file)  # the refresh needs the room
            raise
        return file


def of_sources(sources: Iterable[TakeIn]) -> dict[str, TakeIn]:
    """What the second process is offered of them, the largest first."""
    offered = [one for one in sources if 0 < one.bytes <= LARGEST]
    return {one.source: one for one in sorted(offered, key=lambda one: -one.bytes)}
