"""The code location `safecity_pipeline` for Dagster."""

from __future__ import annotations

import dagster as dg

from safecity_pipeline.orchestration import assets, automation
from safecity_pipeline.orchestration.resources import refresh_resource

_job = automation.job()

defs = dg.Definitions(
    assets=assets.build(),
    jobs=[_job],
    schedules=[automation.schedule(_job)],
    sensors=[automation.sensor(_job)],
    resources={"refresh": refresh_resource},
    executor=dg.in_process_executor,
)
