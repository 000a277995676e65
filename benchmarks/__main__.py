"""Measure speed and memory as ratios, each beside its goal.

    python -m benchmarks [--rows 5000000] [--files 60] [--only bulk,incremental,orchestration,help]
                         [--work FOLDER] [--write docs/performance.md]

Ends with exit status 1 where results differ or a ratio does not hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import generate_street
from benchmarks.bulk import bulk
from benchmarks.incremental import incremental
from benchmarks.measuring import python, run
from benchmarks.orchestration import help_text, orchestration
from benchmarks.ratios import Chapter

CHAPTERS = ("bulk", "incremental", "orchestration", "help")
LIBRARIES = ("duckdb", "pandas", "pandera", "dagster")
BEGIN, END = "<!-- made by python -m benchmarks: begin -->", "<!-- made: end -->"
COMPILED = ("safecity_pipeline.definitions", "safecity_pipeline.refresh", "pandera.pandas")
SEED = 1


def main() -> int:
    """Run the chapters that are asked for; answers the exit status."""
    given = arguments()
    chapters = []
    run(python("-c", f"import {', '.join(COMPILED)}"))
    with folder(given.work) as work:
        for name in given.only:
            began = time.monotonic()
            chapters.append(chapter(name, work / name, given.rows, given.files))
            print(f"{chapters[-1].markdown()}\n\n({time.monotonic() - began:.0f} s)\n", flush=True)
    if given.write:
        write(given.write, document(chapters, given.rows, given.files))
    held = sum(one.holds for one in chapters)
    print(f"{held} of {len(chapters)} chapters hold")
    return 0 if held == len(chapters) else 1


def arguments() -> argparse.Namespace:
    """What the command line says; `only` is a list of chapters."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks", None, __doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of all files together")
    parser.add_argument("--files", type=int, default=60, help="monthly files")
    parser.add_argument("--only", default=",".join(CHAPTERS), help="chapters, parted by commas")
    parser.add_argument("--work", type=Path, help="folder to work in, kept; else a temporary one")
    parser.add_argument("--write", type=Path, help="document whose tables are made anew")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := sorted(set(given.only) - set(CHAPTERS)):
        parser.error(f"--only: no such chapter: {', '.join(unknown)}; there are {CHAPTERS}")
    return given


@contextmanager
def folder(named: Path | None) -> Iterator[Path]:
    """The folder that was named, or one that is removed afterwards."""
    work = named or Path(tempfile.mkdtemp(prefix="safecity-benchmarks-"))
    try:
        yield work.resolve()
    finally:
        if named is None:
            shutil.rmtree(work, ignore_errors=True)


def chapter(name: str, work: Path, rows: int, files: int) -> Chapter:
    """Run one chapter in a folder of its own, which must be new."""
    work.mkdir(parents=True)
    if name == "help":
        return help_text()
    if name == "orchestration":
        return orchestration(work)
    extracts = work / "extracts"
    if name == "bulk":
        generate_street.write(extracts, rows, files, SEED)
        return bulk(extracts, work)
    generate_street.write(extracts, rows // files * (files + 1), files + 1, SEED)
    return incremental(extracts, work)


# --- the document ----------------------------------------------------------------------------


def document(chapters: list[Chapter], rows: int, files: int) -> str:
    """When, where and with what; then the chapters."""
    with open("/proc/meminfo", encoding="ascii") as handle:
        memory = int(handle.readline().split()[1]) / (1 << 20)
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    told = (
        f"{datetime.now(UTC):%-d %B %Y}; {rows:,} rows in {files} files; {processor()}, "
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB; "
        f"Python {platform.python_version()}, {versions}."
    )
    return "\n\n".join([told, *(one.markdown() for one in chapters)])


def processor() -> str:
    """The processor's name, as Linux tells it."""
    with open("/proc/cpuinfo", encoding="utf-8") as handle:
        names = [line.partition(":")[2].strip() for line in handle if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(path: Path, made: str) -> None:
    """Put the tables between the marks of a document, or at its end where it has none."""
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Performance\n"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(
        f"{before.rstrip()}\n\n{BEGIN}\n\n{made}\n\n{END}\n{after}".rstrip() + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    sys.exit(main())
