"""When a refresh runs by itself: once a year, or when raw/ changes. Both are off at first.

Where the newest release was made from just what is there, neither starts a run: the tick says so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import dagster as dg

from safecity_pipeline import settings, upkeep
from safecity_pipeline.model import Refused
from safecity_pipeline.orchestration import home, years
from safecity_pipeline.refresh import Refresh

ANNUALLY = "0 6 1 6 *"  # 1 June at six: the year to March is complete at most suppliers by then


def job() -> dg.UnresolvedAssetJobDefinition:
    """The whole refresh, all years, in one run and one process: DuckDB has one writer."""
    return dg.define_asset_job(
        years.JOB,
        selection=dg.AssetSelection.all(),
        tags=years.ALL,
        description=(
            "Everything from the files in raw/ to a published release, in one run. Where the "
            "interface asks for partitions choose All: what has not changed is not made again."
        ),
        executor_def=dg.in_process_executor,
    )


def schedule(target: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="annual_refresh",
        job=target,
        cron_schedule=ANNUALLY,
        execution_timezone="Europe/London",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="The annual refresh, on 1 June",
    )
    def annual_refresh() -> dg.RunRequest | dg.SkipReason:
        return standing() or dg.RunRequest(tags=years.ALL)

    return annual_refresh


def sensor(target: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="raw_changed",
        job=target,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="A refresh when a file under raw/ came, went or changed",
    )
    def raw_changed(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        raw = settings.load().raw
        seen, content, key = (context.cursor or "  ").split(" ")
        glance = glance_at(raw)
        if glance == seen:
            return dg.SkipReason("nothing under raw/ has changed")
        content_now = content_of(raw)
        if content_now == content:
            context.update_cursor(f"{glance} {content} {key}")
            return dg.SkipReason("files under raw/ were touched, their content is the same")
        key = next_key(key, content_now)
        context.update_cursor(f"{glance} {content_now} {key}")
        return standing() or dg.RunRequest(run_key=key, tags=years.ALL)

    return raw_changed


def standing() -> dg.SkipReason | None:
    """The words for it where the newest release was made from just what is there.

    This process may be days old. A run is one of its own and has the code that lies there now.
    """
    upkeep.all_code.cache_clear()
    try:
        stamp = home.standing(Refresh(settings.load()))
    except Refused:  # a run says it, and fails for all to see
        return None
    return dg.SkipReason(f"nothing has changed since release {stamp}") if stamp else None


def next_key(last: str, content: str) -> str:
    """Key under which one run is asked for. It follows from the last one, so that content which
    comes back (a file came and went) is a run of its own, and a repeated tick is not."""
    return hashlib.sha256(f"{last}\n{content}".encode()).hexdigest()


def _files(raw: Path) -> list[Path]:
    return sorted(path for path in raw.rglob("*") if path.is_file() and path.name[0] != ".")


def glance_at(raw: Path) -> str:
    """Cheap: paths, sizes and times. Only a difference here is worth reading the files for."""
    digest = hashlib.sha256()
    for path in _files(raw):
        found = path.stat()
        digest.update(repr((path.as_posix(), found.st_size, found.st_mtime_ns)).encode())
    return digest.hexdigest()


def content_of(raw: Path) -> str:
    """Paths and contents."""
    digest = hashlib.sha256()
    for path in _files(raw):
        with path.open("rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
        digest.update(f"{path.relative_to(raw).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()
