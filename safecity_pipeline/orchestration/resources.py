"""The refresh that all assets of one run share; it holds the warehouse's lock until the run ends.

Belongs here: what a run needs from outside, and the Dagster instance that the command line and
the web interface share. The in-process executor makes the resource once a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from safecity_pipeline import settings
from safecity_pipeline.orchestration.guard import guarded
from safecity_pipeline.refresh import Refresh
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
"""

WORKSPACE = """\
# Written by safecity: the code location that the web interface and the daemon load.
load_from:
  - python_module:
      module_name: safecity_pipeline.definitions
      location_name: safecity_pipeline
"""


@dg.resource(description="One refresh of the configured warehouse; holds its lock during the run.")
def refresh_resource(context: dg.InitResourceContext) -> Iterator[Refresh]:
    run_id = context.run.run_id if context.run else ""
    refresh = guarded("settings", lambda: Refresh(settings.load(), run_id))
    lock = refresh.warehouse.lock(f"run {run_id[:8]}")
    guarded("lock", lock.__enter__)
    try:
        refresh.warehouse.sweep()
        yield refresh
    finally:
        lock.__exit__(None, None, None)


def home(warehouse: Path) -> Path:
    """Dagster's home: DAGSTER_HOME, or a folder in the warehouse's build folder; made ready."""
    named = os.environ.get("DAGSTER_HOME")
    folder = Path(named or warehouse / "build" / "dagster").absolute()
    if not named:
        make_private(folder.parent)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("dagster.yaml", INSTANCE), ("workspace.yaml", WORKSPACE)):
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")
    return folder
