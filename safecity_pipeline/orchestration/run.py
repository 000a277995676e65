"""Run the job `refresh` from the command line, in the instance that the web interface shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from safecity_pipeline.orchestration.resources import home
from safecity_pipeline.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its release, whether it is new, or the words of what failed."""

    success: bool
    release: str = ""
    published: bool = False
    failure: str = ""


def environment(settings: Settings) -> dict[str, str]:
    """What a process that loads the code location must be told."""
    told = {
        "SAFECITY_RAW": str(settings.raw.absolute()),
        "SAFECITY_WAREHOUSE": str(settings.warehouse.absolute()),
        "SAFECITY_YEAR": settings.year,
        "DAGSTER_HOME": str(home(settings.warehouse)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # dagster's own commands recommend each other at every start
        "PYTHONWARNINGS": "ignore:Function",
    }
    if settings.config:
        told["SAFECITY_CONFIG"] = str(settings.config.absolute())
    return told


def refresh(settings: Settings) -> Outcome:
    """Run the whole job in this process and say how it ended."""
    os.environ.update(environment(settings))
    from safecity_pipeline.definitions import defs

    folder = Path(os.environ["DAGSTER_HOME"])
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        _bury(instance)
        result = defs.resolve_job_def("refresh").execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False, tags={"from": "safecity"}
        )
    if not result.success:
        return Outcome(False, failure=_failure(result))
    facts = result.asset_materializations_for_node("release")[0].metadata
    return Outcome(True, str(facts["release"].value), bool(facts["published"].value))


def _bury(instance: dg.DagsterInstance) -> None:
    """Call runs failed whose process was killed: the caller holds the warehouse's lock, so no
    other run is at work, and one left as started would keep the interface's queue waiting."""
    status = dg.DagsterRunStatus
    begun = [status.NOT_STARTED, status.STARTING, status.STARTED]
    for run in instance.get_runs(dg.RunsFilter(statuses=begun)):
        instance.report_run_failed(run, "its process ended before the run did")


def _failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            described = data.user_failure_data.description if data.user_failure_data else None
            if described:
                return described
    stopped = [
        event.asset_check_evaluation_data.description
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and event.asset_check_evaluation_data.severity == dg.AssetCheckSeverity.ERROR
        and not event.asset_check_evaluation_data.passed
    ]
    if stopped:
        return f"nothing is published: {'; '.join(map(str, stopped))}"
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        if event.is_failure and error:
            return _innermost(error)
    return "the run failed; `safecity ui` shows where"


def _innermost(error: Any) -> str:
    """The words of the cause of all: what was refused before the first step began."""
    while error.cause:
        error = error.cause
    message = str(error.message)
    return message.partition(": ")[2].strip() or message.strip()
