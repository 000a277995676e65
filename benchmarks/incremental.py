"""Incremental: what one new file costs beside a refresh of all; that nothing new costs nothing.

Belongs here: the sequence of refreshes of one warehouse, and reading what each cost. Does not
belong here: that the releases are right (the tests hold them against clean runs).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.bulk import packaged_settings
from benchmarks.measuring import Measure, least, run, safecity
from benchmarks.ratios import Chapter, Ratio
from safecity_pipeline.ingest.digests import SETTLED

ROUNDS = 3
Work = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Step:
    """One refresh: its process, and the work on data that the release says it did, in seconds."""

    process: Measure
    wall: float
    cpu: float
    release: str

    @property
    def data_work(self) -> Measure:
        return Measure(self.wall, self.cpu, self.process.peak)


def incremental(extracts: Path, work: Path) -> Chapter:
    """All files of `extracts` but the last; then the last too; then nothing; then only a touch. Of
    the first two the least of some rounds, each in a warehouse of its own."""
    *files, last = sorted(extracts.glob("*.csv"))
    raw = work / "raw"
    raw.mkdir(parents=True)
    for file in files:
        _lay(file, raw)
    time.sleep(SETTLED + 1)  # as files that have lain there for a while
    rounds = [_round(last, raw, work / str(number)) for number in range(ROUNDS)]
    full = least([each[0].data_work for each in rounds])
    one = least([each[1].data_work for each in rounds])
    chapter = Chapter("Incremental")
    chapter.ratios = [
        Ratio("one new file / all, CPU of the steps", one.cpu / full.cpu, 0.1),
        Ratio("one new file / all, wall of the steps", one.wall / full.wall, 0.1),
    ]
    chapter.measures = {
        f"steps, {len(files)} files": full,
        f"safecity refresh, {len(files)} files": least([each[0].process for each in rounds]),
        "steps, one new file": one,
        "safecity refresh, one new file": least([each[1].process for each in rounds]),
    }
    _lay(last, raw)
    _nothing_new(chapter, raw / last.name, work / str(ROUNDS - 1), rounds[-1][1].release)
    chapter.notes = [
        "The steps' cost is the sum of `meta.run_cost`, so without starting Python and Dagster, "
        "without importing what the steps need (half a second, done before the first step), and "
        "without the copy of the file that is published; the whole process stands beside it. One "
        "file keeps one core busy and all keep two, so that by the clock the ratio is larger. "
        f"The least of {ROUNDS} rounds; of memory the most."
    ]
    return chapter


def _round(last: Path, raw: Path, warehouse: Path) -> tuple[Step, Step]:
    """What all files in `raw` cost, and then one more, which goes again."""
    full = _refresh(raw, warehouse)
    _lay(last, raw)
    one = _refresh(raw, warehouse)
    (raw / last.name).unlink()
    return full, one


def _nothing_new(chapter: Chapter, file: Path, warehouse: Path, release: str) -> None:
    for what, touch in (("nothing new", False), ("a file's time touched", True)):
        before = _state(warehouse)
        if touch:
            os.utime(file)
        after = _refresh(file.parent, warehouse)
        changed = _changed(before, _state(warehouse)) + (after.release != release)
        chapter.ratios.append(Ratio(f"{what}: database files written", changed, 0, unit="files"))
        chapter.measures[f"safecity refresh, {what}"] = after.process


def _lay(file: Path, raw: Path) -> None:
    os.link(file, raw / file.name)


def _refresh(raw: Path, warehouse: Path) -> Step:
    command = safecity("refresh", "--raw", raw, "--warehouse", warehouse)
    process = run(command, SAFECITY_CONFIG=packaged_settings())
    file = warehouse / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute(
            "SELECT sum(seconds), sum(cpu_seconds), (SELECT stamp FROM meta.release) "
            "FROM meta.run_cost"
        ).fetchone()
    assert row
    return Step(process, row[0], row[1], row[2])


def _state(warehouse: Path) -> Work:
    """Size and time of writing of every database file: those of releases and the one that the
    steps work on."""
    return {
        str(path.relative_to(warehouse)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(warehouse.rglob("*.duckdb"))
        if not path.is_symlink()
    }


def _changed(before: Work, after: Work) -> int:
    return len(set(before.items()) ^ set(after.items()))
