"""The Dagster floor: the same steps as assets, what operators see of them, and when they run."""

import json
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import ASSET_CHECK_EVENTS
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.backfill import execute_backfill_iteration
from small_folder import (
    APRIL,
    MAY,
    POPULATION,
    environment,
    own_environment,
    small_settings,
    street,
    street_row,
    write_small,
)

import safecity_pipeline
from safecity_pipeline import cli, sources, upkeep
from safecity_pipeline.definitions import defs
from safecity_pipeline.orchestration import assets, automation, home, run, storage, years
from safecity_pipeline.refresh import Refresh, Report
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse

CHECKOUT = Path(safecity_pipeline.__file__).parents[1]
SOURCES = set(sources.discover())
EXPECTED = {
    "meta/extract",
    "mart/indicator_value",
    "mart/break_estimate",
    "mart/comparable_value",
    "mart/finding",
    "mart/revision",
    "mart/claim",
    "mart/target",
    "mart/draft",
    "meta/waiver",
    "release",
    "release_diff",
} | {f"clean/{name}" for name in SOURCES}


@dataclass
class Ran:
    """A run as Dagster stored it."""

    outcome: run.Outcome
    checks: dict[tuple[str, str], tuple[bool, str]] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)


def ran_on_disk(chosen: Settings) -> Ran:
    """Refresh as the command does, and read what the instance in DAGSTER_HOME kept of it."""
    outcome = run.refresh(chosen)
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        return kept_of(outcome, instance)


def ran_in_memory(chosen: Settings) -> Ran:
    """The same where the instance makes no difference: on disk it takes many seconds."""
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "from_config", lambda _: nullcontext(instance))
        return kept_of(run.refresh(chosen), instance)


def kept_of(outcome: run.Outcome, instance: dg.DagsterInstance) -> Ran:
    found = Ran(outcome)
    for entry in instance.all_logs(instance.get_runs(limit=1)[0].run_id):
        event = entry.dagster_event
        if event and event.is_step_materialization:
            made = event.step_materialization_data.materialization
            found.metadata[made.asset_key.to_user_string()] = {
                name: value.value for name, value in made.metadata.items()
            }
        elif event and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            key = (check.asset_key.to_user_string(), check.check_name)
            found.checks[key] = (check.passed, check.severity.value)
    return found


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    with own_environment():
        yield


@pytest.fixture(scope="module", autouse=True)
def same_code() -> Iterator[None]:
    """A release is made from the code too; these tests hold while somebody edits it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("safecity_pipeline.refresh.code_version", lambda: "of these tests")
        yield


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small folder, with a row in May that two rules refuse."""
    found = small_settings(tmp_path_factory.mktemp("orchestration"))
    write_small(found.raw)
    bad = street_row("2014-05", kind="Piracy", latitude="5")
    (found.raw / MAY).write_text(street([street_row("2014-05"), bad]), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def first(chosen: Settings) -> Ran:
    with own_environment():
        return ran_on_disk(chosen)


def stored_checks(chosen: Settings) -> dict[tuple[str, str], tuple[bool, str]]:
    connection = Warehouse(chosen.warehouse).read_release()
    try:
        rows = connection.execute(
            "SELECT source, check_name, passed, severity FROM meta.check_result"
        ).fetchall()
    finally:
        connection.close()
    others = {"raw": "meta/extract", "claims": "mart/claim", "waivers": "meta/waiver"}
    others |= {"breaks": "mart/break_estimate", "narrative": "mart/draft"}
    return {
        (others.get(source, f"clean/{source}"), name): (passed, severity)
        for source, name, passed, severity in rows
    }


# --- the code location -------------------------------------------------------------------------


def test_the_assets_are_the_steps_in_their_order() -> None:
    graph = defs.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    cleaned = {f"clean/{name}" for name in SOURCES}
    assert parents == {
        "meta/extract": set(),
        **{name: {"meta/extract"} for name in cleaned},
        "mart/indicator_value": cleaned,
        "mart/break_estimate": {"mart/indicator_value"},
        "mart/comparable_value": {"mart/indicator_value"},
        "mart/finding": {"mart/indicator_value", "mart/break_estimate"},
        "mart/claim": {"mart/finding"},
        "mart/target": {"mart/finding"},
        "mart/revision": {"mart/indicator_value"},
        "mart/draft": {"mart/claim", "mart/target"},
        "meta/waiver": {"mart/draft", "mart/revision", "mart/comparable_value"},
        "release": {"meta/waiver"},
        "release_diff": {"release"},
    }


def test_years_are_keys_in_order_from_the_oldest_change_to_the_year_after_this_one() -> None:
    assert years.keys(date(2015, 3, 31))[-2:] == ["2014-15", "2015-16"]
    assert years.keys(date(2015, 4, 1))[-2:] == ["2015-16", "2016-17"]
    assert years.keys(date(2001, 4, 1)) == ["2001-02", "2002-03"]
    graph = defs.resolve_asset_graph()
    partitioned = {key: graph.get(key) for key in graph.get_all_asset_keys()}
    by_year = {key for key, node in partitioned.items() if node.partitions_def}
    assert by_year == {assets.VALUES, assets.FINDINGS}
    one_run = dg.BackfillPolicy.single_run()
    assert {partitioned[key].backfill_policy for key in by_year} == {one_run}


def test_every_way_to_run_it_stays_in_one_process() -> None:
    assert defs.resolve_job_def("refresh").executor_def.name == "in_process"
    assert defs.resolve_implicit_global_asset_job_def().executor_def.name == "in_process"


def test_the_schedule_is_annual_in_local_time_and_off() -> None:
    schedule = defs.resolve_schedule_def("annual_refresh")
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert (schedule.execution_timezone, schedule.job_name) == ("Europe/London", "refresh")
    minute, hour, day, month, weekday = str(schedule.cron_schedule).split()
    assert "*" not in (minute, hour, day, month) and weekday == "*"


def test_it_loads_from_the_workspace_file_whatever_the_configuration(tmp_path: Path) -> None:
    if not (CHECKOUT / "workspace.yaml").is_file():
        pytest.skip("workspace.yaml lies in a checkout only")
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=CHECKOUT,
        env=environment(DAGSTER_HOME=str(tmp_path), SAFECITY_CONFIG=str(tmp_path / "none.toml")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Validation successful" in done.stdout + done.stderr


# --- a run -------------------------------------------------------------------------------------


def test_a_run_publishes_and_makes_every_asset(first: Ran, chosen: Settings) -> None:
    assert first.outcome.success and first.outcome.published
    assert set(first.metadata) == EXPECTED
    current = Warehouse(chosen.warehouse).current()
    assert current is not None and current.name == first.outcome.release


def test_checks_in_the_interface_are_those_of_the_release(first: Ran, chosen: Settings) -> None:
    assert first.checks == stored_checks(chosen)
    declared = {(key.asset_key.to_user_string(), key.name) for key in check_keys()}
    assert set(first.checks) == declared
    failed = {name for (_, name), (passed, _) in first.checks.items() if not passed}
    assert failed == {"crime_type_known", "latitude_in_range", "arrivals"}


def check_keys() -> set[dg.AssetCheckKey]:
    return set(defs.resolve_asset_graph().asset_check_keys)


def test_operators_see_counts_and_files_and_columns(first: Ran) -> None:
    street_crime = first.metadata["clean/street_crime"]
    assert street_crime["dagster/row_count"] == 4  # 3 in April, 1 in May
    assert (street_crime["rows_read"], street_crime["rows_quarantined"]) == (7, 1)
    assert street_crime["files"] == f"- {APRIL} (read)\n- {MAY} (read)"
    listed = first.metadata["meta/extract"]["files"].replace("\\_", "_")
    assert listed == f"- {APRIL} (read)\n- {MAY} (read)\n- {POPULATION} (read)"
    graph = defs.resolve_asset_graph()
    counted = dict(first.metadata["release_diff"])  # the first release: nothing differs from none
    assert counted.pop("compared") is True and set(counted.values()) == {0}
    columns = graph.get(dg.AssetKey(["mart", "finding"])).metadata["dagster/column_schema"]
    assert "sentence" in {column.name for column in columns.columns}


def test_operators_see_what_each_asset_cost_as_numbers_that_dagster_plots(first: Ran) -> None:
    for name in EXPECTED - {"release", "release_diff"}:
        found = first.metadata[name]
        assert isinstance(found["seconds"], float) and found["seconds"] > 0, name
        if sys.platform != "win32":
            assert isinstance(found["peak_megabytes"], int) and found["peak_megabytes"] > 10, name
    for name in ("clean/street_crime", "mart/indicator_value", "mart/finding"):
        assert first.metadata[name]["rows_per_second"] > 0
        assert first.metadata[name]["dagster/row_count"] > 0


def test_what_is_printed_is_not_kept_in_dagsters_home(first: Ran, chosen: Settings) -> None:
    kept = chosen.warehouse / "build" / "dagster"
    assert [file.name for file in kept.rglob("*") if file.suffix in (".out", ".err")] == []


def test_dagsters_own_storage_reads_what_the_kept_connections_wrote(
    first: Ran, chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(chosen.warehouse / "build" / "dagster", tmp_path / "copy")
    written = tmp_path / "copy" / "dagster.yaml"
    settings, kept, _ = written.read_text("utf-8").partition("storage:\n  custom:")
    assert kept
    written.write_text(settings, encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path / "copy")) as plain:
        assert kept_of(first.outcome, plain) == first
        assert set(plain.get_materialized_partitions(assets.FINDINGS)) == set(years.YEARS)
        latest = plain.event_log_storage.get_latest_asset_check_execution_by_key(list(check_keys()))
    assert {key.name for key, one in latest.items() if one.status.value == "FAILED"} == {
        "crime_type_known",
        "latitude_in_range",
        "arrivals",
    }
    assert set(latest) == check_keys()


def test_events_are_stored_row_for_row_as_dagster_stores_them(
    first: Ran, chosen: Settings, tmp_path: Path
) -> None:
    os.environ.update(home.environment(chosen))
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        entries = instance.all_logs(instance.get_run_records(ascending=True)[0].dagster_run.run_id)
    few = [entry for entry in entries if entry.step_key in ("meta__extract", "mart__finding")]
    of_assets = {dg.DagsterEventType.ASSET_MATERIALIZATION, *ASSET_CHECK_EVENTS}
    without_run = [
        entry._replace(run_id="") for entry in few if entry.dagster_event_type in of_assets
    ]
    kinds = [entry.dagster_event_type for entry in few]
    ended = kinds.index(dg.DagsterEventType.STEP_SUCCESS) + 1
    logs = [
        storage.KeptEventLog(str(tmp_path / "kept")),
        SqliteEventLogStorage(str(tmp_path / "plain")),
    ]
    # What a step has said is on the disk when it ends, for every other process.
    for entries in (few[:ended], [*few[ended:], *without_run[::-15]]):
        for log in logs:
            for entry in entries:
                log.store_event(entry)
        assert stored_rows(tmp_path / "kept") == stored_rows(tmp_path / "plain")


def test_events_that_could_not_be_stored_are_stored_with_the_next(
    first: Ran, chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.environ.update(home.environment(chosen))
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        entries = instance.all_logs(instance.get_run_records(ascending=True)[0].dagster_run.run_id)
    few = [entry for entry in entries if entry.step_key == "mart__finding"]
    log = storage.KeptEventLog(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(storage.KeptEventLog, "store_event_batch", _is_locked)
        for entry in few:
            with suppress(sqlite3.OperationalError):
                log.store_event(entry)
    assert len(log.get_logs_for_run(few[0].run_id)) == len(few) > 5


def _is_locked(*given: object) -> None:
    raise sqlite3.OperationalError("database is locked")


def test_a_server_that_runs_on_sees_the_code_that_was_installed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = upkeep.all_code()
    folder = tmp_path / "safecity_pipeline"
    folder.mkdir()
    (folder / "__init__.py").write_text("# another version")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(safecity_pipeline, "__file__", str(folder / "__init__.py"))
            automation.standing()
            assert upkeep.all_code() != before
    finally:
        upkeep.all_code.cache_clear()
    assert upkeep.all_code() == before


def stored_rows(folder: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Every row of every table of the event log, without the moment at which it was stored."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            database.row_factory = sqlite3.Row
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                rows = database.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
                moments = {"create_timestamp", "migration_completed"}
                found[file.name, table] = [
                    {name: row[name] for name in row.keys() if name not in moments}  # noqa: SIM118
                    for row in rows
                ]
    return found


def test_a_run_with_nothing_new_shows_the_same_checks_and_publishes_nothing(
    first: Ran, chosen: Settings
) -> None:
    second = ran_in_memory(chosen)
    assert second.outcome == run.Outcome(True, first.outcome.release, published=False)
    assert second.checks == first.checks
    # No rows where nothing was done: a nought would be a dent in the plot over the runs.
    assert "dagster/row_count" not in second.metadata["clean/street_crime"]
    assert second.metadata["clean/street_crime"]["unchanged"] is True


def test_a_run_that_was_killed_is_called_failed_though_nothing_is_new(
    first: Ran, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.environ.update(home.environment(chosen))
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        killed = instance.create_run_for_job(
            defs.resolve_job_def("refresh"), status=dg.DagsterRunStatus.STARTED
        )
    with pytest.raises(ConnectionError), home.under_way(chosen.warehouse):
        raise ConnectionError  # as a process that ends: what follows is not done
    arguments = ["refresh", "--raw", str(chosen.raw), "--warehouse", str(chosen.warehouse)]
    monkeypatch.setattr(sys, "argv", ["safecity", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0 and not home.cut_off(chosen.warehouse)
    # What the command reads of its call is what a run reads of its environment: nothing is new.
    current = Warehouse(chosen.warehouse).current()
    assert current is not None and current.name == first.outcome.release
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        run_now = instance.get_run_by_id(killed.run_id)
        assert run_now is not None and run_now.status == dg.DagsterRunStatus.FAILURE


def test_records_that_cannot_be_written_end_the_run_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, as SQLite sees it: no database may grow beyond 60 pages."""

    def small(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    monkeypatch.setattr("safecity_pipeline.orchestration.storage._relaxed", small)
    full = small_settings(tmp_path)
    write_small(full.raw)
    words = "the run broke off: Dagster's records: database or disk is full"
    assert run.refresh(full) == run.Outcome(False, failure=words)
    assert home.cut_off(full.warehouse) and Warehouse(full.warehouse).current() is None


def test_a_blocking_check_stops_the_run_in_words(first: Ran, chosen: Settings) -> None:
    planted = chosen.raw / "synthetic-2014-06-hampshire-street.csv"
    planted.write_text(street([street_row("2014-06")]), encoding="utf-8")
    try:
        stopped = ran_in_memory(chosen)
    finally:
        planted.unlink()
    assert not stopped.outcome.success
    said = "nothing is published: synthetic and real extracts lie in one folder"
    assert stopped.outcome.failure == said
    assert set(stopped.metadata) == {"meta/extract"}
    assert stopped.checks["meta/extract", "synthetic_apart"] == (False, "ERROR")
    current = Warehouse(chosen.warehouse).current()
    assert current is not None and current.name == first.outcome.release


def test_dagsters_settings_say_no_path_and_no_telemetry(first: Ran, chosen: Settings) -> None:
    written = (chosen.warehouse / "build" / "dagster" / "dagster.yaml").read_text("utf-8")
    assert "telemetry:\n  enabled: false" in written
    assert str(chosen.warehouse) not in written


# --- years -------------------------------------------------------------------------------------


FIVE = ["2010-11", "2011-12", "2012-13", "2013-14", "2014-15"]
FIVE_AS_TAGS = {
    "dagster/asset_partition_range_start": FIVE[0],
    "dagster/asset_partition_range_end": FIVE[-1],
}


@contextmanager
def years_asked_for() -> Iterator[dict[str, list[str]]]:
    """The years that each step of the marts is told to make anew; the steps do nothing else."""
    told: dict[str, list[str]] = {}

    def step(name: str) -> Any:
        def done(_: Refresh, years: Sequence[str] = ()) -> Report:
            told[name] = list(years)
            return Report()

        return done

    with pytest.MonkeyPatch.context() as patch:
        for name in ("indicators", "findings"):
            patch.setattr(Refresh, name, step(name))
        yield told


def steps_of_marts(job: dg.JobDefinition, tags: dict[str, str]) -> dict[str, list[str]]:
    """What the two steps are told in a run of the job; every year of it must then be there."""
    both = [assets.VALUES, assets.FINDINGS]
    with years_asked_for() as told, dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(
            instance=instance, asset_selection=both, tags=tags, run_config=run.QUIET
        )
        assert instance.get_runs_count() == 1
        made = {frozenset(instance.get_materialized_partitions(key)) for key in both}
    assert made == {frozenset(FIVE if tags else years.YEARS)}
    return told


def test_a_refresh_is_of_every_year_and_forces_none_but_those_that_are_picked(
    chosen: Settings,
) -> None:
    os.environ.update(home.environment(chosen))
    job = defs.resolve_job_def("refresh")
    assert steps_of_marts(job, {}) == {"indicators": [], "findings": []}
    assert steps_of_marts(job, FIVE_AS_TAGS) == {"indicators": FIVE, "findings": FIVE}


def test_a_backfill_of_five_years_is_one_run(first: Ran, chosen: Settings) -> None:
    """From the request, through Dagster's own daemon and code server, to the steps."""
    os.environ.update(home.environment(chosen))
    both = {assets.VALUES, assets.FINDINGS}
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        before = instance.get_runs_count()
        [queued] = backfilled(both, FIVE, instance)
        assert instance.get_runs_count() == before + 1
    assert queued.asset_selection == both
    assert {name: queued.tags[name] for name in FIVE_AS_TAGS} == FIVE_AS_TAGS
    job = defs.resolve_implicit_global_asset_job_def()
    assert steps_of_marts(job, dict(queued.tags)) == {"indicators": FIVE, "findings": FIVE}


def backfilled(
    keys: set[dg.AssetKey], partitions: Sequence[str], instance: dg.DagsterInstance
) -> Sequence[dg.DagsterRun]:
    """The runs that one round of Dagster's backfill daemon puts into the queue."""
    target = ModuleTarget("safecity_pipeline.definitions", None, None, "safecity_pipeline")
    with create_test_daemon_workspace_context(target, instance) as workspace:
        request = PartitionBackfill.from_asset_partitions(
            backfill_id="five",
            asset_graph=workspace.create_request_context().asset_graph,
            partition_names=partitions,
            asset_selection=list(keys),
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
        instance.add_backfill(request)
        errors = [*execute_backfill_iteration(workspace, logging.getLogger("backfill"))]
        assert not any(errors)
        return instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": "five"}))


# --- the sensor --------------------------------------------------------------------------------


@dataclass
class Sensor:
    """The sensor with its memory from tick to tick."""

    cursor: str | None = None

    def tick(self) -> str | None:
        """The key of the run that it asks for, or None where it skips."""
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, cursor=self.cursor)
            answer = defs.resolve_sensor_def("raw_changed")(context)
            self.cursor = context.cursor
        assert isinstance(answer, dg.RunRequest | dg.SkipReason)
        return answer.run_key if isinstance(answer, dg.RunRequest) else None


def test_the_sensor_asks_once_for_each_change_and_for_one_that_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path)
    monkeypatch.setenv("SAFECITY_RAW", str(tmp_path))
    sensor = Sensor()
    keys = [sensor.tick()]
    assert sensor.tick() is None

    os.utime(tmp_path / APRIL, (1, 1))  # touched, not changed
    assert sensor.tick() is None

    june = tmp_path / "2014-06-hampshire-street.csv"
    june.write_text(street([street_row("2014-06")]), encoding="utf-8")
    repeated = Sensor(sensor.cursor).tick()  # a tick whose cursor was not kept asks for one run
    keys.append(sensor.tick())
    assert repeated == keys[-1]
    assert sensor.tick() is None

    june.unlink()  # Dagster never runs a key twice: the old content must have a new one
    keys.append(sensor.tick())
    assert None not in keys and len(set(keys)) == 3


def test_nothing_new_is_a_tick_that_says_so_and_no_run(first: Ran, chosen: Settings) -> None:
    told = {"SAFECITY_RAW": str(chosen.raw), "SAFECITY_WAREHOUSE": str(chosen.warehouse)}
    words = f"nothing has changed since release {first.outcome.release}"
    june = chosen.raw / "2014-06-hampshire-street.csv"
    with own_environment(**told), dg.DagsterInstance.ephemeral() as instance:
        schedule, sensor = defs.resolve_schedule_def("annual_refresh"), Sensor()
        tick = dg.build_schedule_context(instance=instance)
        at_rest = schedule.evaluate_tick(tick)
        assert (at_rest.run_requests, at_rest.skip_message) == ([], words)
        assert sensor.tick() is None  # switched on after the release was made
        june.write_text(street([street_row("2014-06")]), encoding="utf-8")
        try:
            asked = schedule.evaluate_tick(dg.build_schedule_context(instance=instance))
            assert sensor.tick() is not None
        finally:
            june.unlink()
    [request] = asked.run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == years.YEARS[0]


def test_the_sensor_is_off_until_it_is_switched_on() -> None:
    sensor = defs.resolve_sensor_def("raw_changed")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.job_name == "refresh"


# --- the web interface -------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def asked(url: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(720):  # three minutes: a busy machine starts slowly
        assert server.poll() is None, "the web interface has ended"
        try:
            asked(url)
            return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"no answer from {url}")


def test_the_web_interface_shows_the_runs_of_the_command(first: Ran, chosen: Settings) -> None:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "safecity_pipeline", "ui", "--port", str(port), "--read-only"],
        env=environment(SAFECITY_RAW=str(chosen.raw), SAFECITY_WAREHOUSE=str(chosen.warehouse)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/server_info", server)
        query = "{ runsOrError { ... on Runs { results { jobName status } } } }"
        found = asked(f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode())
    finally:
        os.killpg(server.pid, 15)
        server.wait()
    runs = found["data"]["runsOrError"]["results"]
    assert {"jobName": "refresh", "status": "SUCCESS"} in runs
