"""Run the job `refresh` from the command line, in the instance that the web interface shows."""

from __future__ import annotations

import atexit
import gc
import os
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import dagster as dg
from sqlalchemy.exc import DatabaseError

from safecity_pipeline.orchestration import home, years
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its release, whether it is new, or the words of what failed."""

    success: bool
    release: str = ""
    published: bool = False
    failure: str = ""


def refresh(settings: Settings, begun: Refresh | None = None) -> Outcome:
    """Run the whole job in this process and say how it ended.

    `begun` has looked at the extracts already, and its caller holds the warehouse's lock; without
    it the run makes its own.
    """
    try:
        os.environ.update(home.environment(settings))
        with home.under_way(settings.warehouse):
            return _run(str(home.folder(settings.warehouse)), begun)
    except (OSError, DatabaseError) as error:
        # Dagster's records cannot be written: a full disk, a damaged file.
        return Outcome(False, failure=f"the run broke off: {_reason(error)}")


def ready() -> dg.Definitions:
    """The code location. What the steps would import is there before their cost is taken."""
    import pandera.backends.pandas.builtin_checks  # noqa: F401
    import scipy.special  # noqa: F401

    from safecity_pipeline.definitions import defs
    from safecity_pipeline.orchestration import storage  # noqa: F401

    # What is imported stays until the end. To look through it for garbage, again and again, took
    # as long as all claims, targets and drafts.
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end some of it is cleared away by those who count it
    return defs


def _run(folder: str, begun: Refresh | None) -> Outcome:
    defs = ready()
    given: dict[str, Any] = {}
    if begun:
        begun.run_id = str(uuid.uuid4())
        given = {"run_id": begun.run_id, "resources": {"refresh": begun}}
    kept_open = begun.at_work() if begun else nullcontext()
    with kept_open, dg.DagsterInstance.from_config(folder) as instance:
        _bury(instance)
        result = defs.resolve_job_def(years.JOB).execute_in_process(
            instance=instance,
            run_config=QUIET,
            raise_on_error=False,
            tags={"from": "safecity"},
            **given,
        )
    if not result.success:
        return Outcome(False, failure=_failure(result))
    facts = result.asset_materializations_for_node("release")[0].metadata
    return Outcome(True, str(facts["release"].value), bool(facts["published"].value))


def _reason(error: OSError | DatabaseError) -> str:
    """What the operating system or SQLite says; neither quotes a value."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    words = str(error.orig or type(error).__name__)
    # SQLite says no more than this where it cannot enlarge what it has mapped.
    hint = "; is the disk full?" if "disk I/O error" in words else ""
    return f"Dagster's records: {words}{hint}"


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
