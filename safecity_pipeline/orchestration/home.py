"""Before Dagster is started: its home and settings, and whether there is anything to start it for.

Belongs here: what the command must know to decide, so dagster is not imported. Does not belong
here: the storage that the settings name (`storage`), the run itself (`run`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safecity_pipeline.refresh import Refresh
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import make_private

INSTANCE = """\
# Written by safecity; edit it freely. One run at a time: DuckDB has one writer.
telemetry:
  enabled: false
nux:
  enabled: false
python_logs:
  managed_python_loggers: [safecity_pipeline]
  python_log_level: INFO
concurrency:
  runs:
    max_concurrent_runs: 1
# What a library prints may hold a cell: it is not kept. The steps' own log lines are events.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
# Dagster's SQLite files, written through connections that stay open. Without these lines Dagster
# reads and writes the same files, several times slower.
storage:
  custom:
    module: safecity_pipeline.orchestration.storage
    class: KeptStorage
    config:
      base_dir:
        env: DAGSTER_HOME
"""

WORKSPACE = """\
# Written by safecity: the code location that the web interface and the daemon load.
load_from:
  - python_module:
      module_name: safecity_pipeline.definitions
      location_name: safecity_pipeline
"""


def folder(warehouse: Path) -> Path:
    """DAGSTER_HOME, or a folder in the warehouse's build folder. Makes nothing."""
    return Path(os.environ.get("DAGSTER_HOME") or warehouse / "build" / "dagster").absolute()


def ready(warehouse: Path) -> Path:
    """The home, made where it is not there, with settings where it has none."""
    home = folder(warehouse)
    if not os.environ.get("DAGSTER_HOME"):
        make_private(home.parent)
    home.mkdir(parents=True, exist_ok=True)
    for name, text in (("dagster.yaml", INSTANCE), ("workspace.yaml", WORKSPACE)):
        if not (home / name).exists():
            fresh = home / f".{name}.new"  # a disk may fill up in the midst of it
            fresh.write_text(text, encoding="utf-8")
            os.replace(fresh, home / name)
    return home


def environment(settings: Settings) -> dict[str, str]:
    """What a process that loads the code location must be told. Makes the home ready."""
    told = {
        "SAFECITY_RAW": str(settings.raw.absolute()),
        "SAFECITY_WAREHOUSE": str(settings.warehouse.absolute()),
        "SAFECITY_YEAR": settings.year,
        "SAFECITY_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
        "DAGSTER_HOME": str(ready(settings.warehouse)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # dagster's own commands recommend each other at every start
        "PYTHONWARNINGS": "ignore:Function",
    }
    if settings.config:
        told["SAFECITY_CONFIG"] = str(settings.config.absolute())
    return told


def standing(refresh: Refresh) -> str:
    """Stamp of the newest release where a refresh has nothing to do, or nothing. Reads the names
    and hashes of all extracts. What goes wrong here goes wrong in the run, which says it in words
    and never in the value of a cell."""
    try:
        if not refresh.nothing_new:
            return ""
        return str((refresh.warehouse.release_facts() or {}).get("stamp", ""))
    except Exception:
        return ""


@contextmanager
def under_way(warehouse: Path) -> Iterator[None]:
    """Leave a mark for the time of a run; it stays where the run does not come to its end."""
    mark = _mark(warehouse)
    mark.touch()
    yield
    mark.unlink(missing_ok=True)


def cut_off(warehouse: Path) -> bool:
    """Whether a run's process was killed, so that Dagster still shows the run as under way. Asked
    by whoever holds the warehouse's lock."""
    return _mark(warehouse).exists()


def _mark(warehouse: Path) -> Path:
    return folder(warehouse) / "run-under-way"
