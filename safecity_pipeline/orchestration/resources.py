"""The refresh that all assets of one run share; it holds the warehouse's lock until the run ends.

Belongs here: what a run needs from outside. The in-process executor makes the resource once a run.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from safecity_pipeline import settings
from safecity_pipeline.orchestration.guard import guarded
from safecity_pipeline.refresh import Refresh


@dg.resource(description="One refresh of the configured warehouse; holds its lock during the run.")
def refresh_resource(context: dg.InitResourceContext) -> Iterator[Refresh]:
    run_id = context.run.run_id if context.run else ""
    refresh = guarded("settings", lambda: Refresh(settings.load(), run_id))
    lock = refresh.warehouse.lock(f"run {run_id[:8]}")
    guarded("lock", lock.__enter__)
    try:
        refresh.warehouse.sweep()
        with refresh.at_work():
            yield refresh
    finally:
        lock.__exit__(None, None, None)
