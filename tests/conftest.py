"""What several tests share: a bench that takes extracts in, and where real data is found.

Here: fixtures. Not here: anything that a single test file needs.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
from small_folder import refresh

from safecity_pipeline import registry, sample, settings, warehouse
from safecity_pipeline.ingest import intake, ledger, survey
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.model import Check, Extract, Layout, Source
from safecity_pipeline.registry import Registry

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

Rows = list[tuple[Any, ...]]

MEMORY = Path("/dev/shm")  # a file system in memory, where there is one
ROOM = 4 << 30  # bytes: several times what the temporary folders of a run hold at once


def pytest_configure() -> None:
    """Have temporary folders in memory where there is ample room. Whatever is published is flushed
    to the disk step by step, and to wait for a real one takes longer than all else in a small
    release. Where somebody says TMPDIR, they lie there."""
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is asked again


def _has_room(folder: Path) -> bool:
    if not os.access(folder, os.W_OK) or shutil.disk_usage(folder).free < ROOM:
        return False
    said = (line.split() for line in Path("/proc/meminfo").read_text("utf-8").splitlines())
    kilobytes = next((int(words[1]) for words in said if words[0] == "MemAvailable:"), 0)
    return kilobytes << 10 >= 2 * ROOM


class Bench:
    """A folder of extracts and a database in memory; `take_in` does what a refresh does to one
    source, without a release."""

    def __init__(
        self,
        folder: Path,
        known: Registry,
        sources: Mapping[str, Source] | None = None,
        layouts: tuple[Layout, ...] = (),
    ) -> None:
        self.raw, self.scratch = folder / "raw", folder / "scratch"
        for made in (self.raw, self.scratch):
            made.mkdir(parents=True, exist_ok=True)
        self.sources, self.layouts = sources or known.sources, layouts or known.layouts
        self.areas = known.areas
        self.declared = "hash of what is declared"
        self.connection = warehouse.memory(ledger.STATE)

    def put(self, file: str, content: str | bytes) -> Path:
        path = self.raw / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def look(self) -> survey.Survey:
        return survey.survey(self.raw, self.layouts, self.sources)

    def extract(self, file: str) -> Extract:
        return next(one for one in self.look().extracts if one.file == file)

    def take_in(self, source: str) -> Intake:
        ready = [e for e in self.look().extracts if e.status == "read" and e.source == source]
        return intake.take_in(
            self.connection,
            self.sources[source],
            ready,
            self.areas,
            intake.rules_hash(self.sources[source], self.declared),
            self.scratch,
            warehouse.transaction,
        )

    def rows(self, statement: str) -> Rows:
        return self.connection.execute(statement).fetchall()

    def quarantined(self, source: str) -> dict[int, list[str]]:
        """Physical row → rules broken; for a bench that holds one extract of the source."""
        return dict(self.rows(f"SELECT _row, rules FROM quarantine.{source}"))


def check_named(taken: Intake, name: str) -> Check:
    return next(check for check in taken.checks if check.check_name == name)


@pytest.fixture(scope="session")
def known() -> Registry:
    return registry.load()


@pytest.fixture
def bench(tmp_path: Path, known: Registry) -> Bench:
    return Bench(tmp_path, known)


@pytest.fixture
def benches(tmp_path: Path, known: Registry) -> Callable[[str], Bench]:
    """Several benches, each under a name of its own."""
    return lambda name: Bench(tmp_path / name, known)


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("SAFECITY_REAL_DATA")
    if not folder:
        pytest.skip("SAFECITY_REAL_DATA names no folder of real extracts")
    return Path(folder)


@pytest.fixture(scope="session")
def whole_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole sample in raw/ and its release in warehouse/, to be left as it is.
    One for all workers: making it takes a minute."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "whole-sample"
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            sample.write(folder / "raw")
            chosen = settings.load(settings.PACKAGED)
            refresh(chosen.with_folders(folder / "raw", folder / "warehouse"))
            (folder / "made").touch()
    return folder
