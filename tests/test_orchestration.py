"""The Dagster floor: the same steps as assets, what operators see of them, and when they run."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
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
from safecity_pipeline import sources
from safecity_pipeline.definitions import defs
from safecity_pipeline.orchestration import run
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse

CHECKOUT = Path(safecity_pipeline.__file__).parents[1]
SOURCES = set(sources.discover())
EXPECTED = {"meta/extract", "mart/indicator_value", "mart/finding", "release"} | {
    f"clean/{name}" for name in SOURCES
}


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
    return {
        ("meta/extract" if source == "raw" else f"clean/{source}", name): (passed, severity)
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
        "mart/finding": {"mart/indicator_value"},
        "release": {"mart/finding"},
    }


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
    assert failed == {"crime_type_known", "latitude_in_range"}


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
    columns = graph.get(dg.AssetKey(["mart", "finding"])).metadata["dagster/column_schema"]
    assert "sentence" in {column.name for column in columns.columns}


def test_a_run_with_nothing_new_shows_the_same_checks_and_publishes_nothing(
    first: Ran, chosen: Settings
) -> None:
    second = ran_in_memory(chosen)
    assert second.outcome == run.Outcome(True, first.outcome.release, published=False)
    assert second.checks == first.checks


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
