"""Releases: what lies in one, who may read what, and that a refresh never leaves half of one."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from small_folder import (
    APRIL,
    MAY,
    environment,
    refresh_databases,
    small_settings,
    street,
    street_row,
    write_small,
)

from safecity_pipeline import tables, warehouse
from safecity_pipeline.ingest import load, stage
from safecity_pipeline.model import Refused
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import PARTNERS, PUBLIC, RESTRICTED, Warehouse

Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module", autouse=True)
def same_code() -> Iterator[None]:
    """A release is made from the code too; these tests hold while somebody edits it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("safecity_pipeline.refresh.code_version", lambda: "of these tests")
        yield


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small folder, refreshed once. Tests look at it and leave it as it is."""
    chosen = small_settings(tmp_path_factory.mktemp("published"))
    write_small(chosen.raw)
    refresh_databases(chosen)
    return chosen


@pytest.fixture(scope="module")
def prepared(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same with a row more in April, and all steps taken but the release."""
    chosen = copy_of(published, tmp_path_factory.mktemp("prepared"))
    (chosen.raw / APRIL).write_text(street([street_row("2014-04")] * 4), encoding="utf-8")
    one = Refresh(chosen)
    with one.warehouse.lock():
        one.look()
        for source in one.registry.sources:
            one.take_in(source)
        one.indicators()
        one.estimates()
        one.comparables()
        one.findings()
        one.revisions()
        one.claims()
        one.targets()
        one.drafts()
        one.waivers()
    return chosen


def copy_of(chosen: Settings, folder: Path) -> Settings:
    for part in (chosen.raw, chosen.warehouse):
        shutil.copytree(part, folder / part.name, symlinks=True)
    return small_settings(folder)


@pytest.fixture
def again(published: Settings, tmp_path: Path) -> Settings:
    """A copy of the published folder, to be changed."""
    return copy_of(published, tmp_path / "again")


def release_step(chosen: Settings) -> None:
    one = Refresh(chosen)
    with one.warehouse.lock():
        one.warehouse.sweep()
        one.release()


def read(chosen: Settings, statement: str, restricted: bool = False) -> Rows:
    connection = Warehouse(chosen.warehouse).read_release(restricted)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def stamp(chosen: Settings) -> object:
    return read(chosen, "SELECT stamp FROM meta.release")[0][0]


def crimes_in_april(chosen: Settings) -> object:
    """All crime in Southampton, April 2014: the rows of one extract."""
    return read(
        chosen,
        "SELECT numerator FROM mart.indicator_value WHERE indicator = 'all_crime_rate' "
        "AND area_code = 'E06000045' AND period = '2014M04'",
    )[0][0]


def releases(chosen: Settings) -> list[str]:
    return sorted(path.name for path in (chosen.warehouse / "releases").iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- what lies in a release --------------------------------------------------------------------


def test_a_release_is_a_folder_under_its_stamp_and_current_is_a_relative_link(
    published: Settings,
) -> None:
    home = published.warehouse
    assert (home / "current").readlink() == Path("releases") / str(stamp(published))
    files = {path.relative_to(home / "current") for path in (home / "current").rglob("*.duckdb*")}
    restricted = Path("restricted")
    partners = restricted / "partners" / PARTNERS
    assert files == {Path("public") / PUBLIC, restricted / RESTRICTED, partners}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_rows_lie_where_nobody_else_may_look(published: Settings) -> None:
    restricted = published.warehouse / "current" / "restricted"
    assert (mode(restricted), mode(restricted / RESTRICTED)) == (0o700, 0o600)
    partners = restricted / "partners"
    assert (mode(partners), mode(partners / PARTNERS)) == (0o700, 0o600)
    assert mode(published.warehouse / "build") == 0o700


def test_the_public_database_holds_the_declared_tables_and_no_rows_of_extracts(
    published: Settings,
) -> None:
    found = read(published, "SELECT schema_name, table_name FROM duckdb_tables()")
    assert set(found) == {(one.schema, one.name) for one in tables.TABLES if one.public}
    schemas = {row[0] for row in read(published, "SELECT schema_name FROM duckdb_schemas()")}
    assert schemas.isdisjoint({"clean", "quarantine", "set_aside", "build"})


def test_every_public_table_and_column_says_what_it_means(published: Settings) -> None:
    said = read(published, "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()")
    assert said and [name for name, comment in said if not comment] == []
    columns = read(
        published,
        "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = 'release'",
    )
    declared = {
        (one.full_name, column.name, column.comment)
        for one in tables.TABLES
        if one.public
        for column in one.columns
    }
    assert set(columns) == declared


def test_every_restricted_table_says_what_it_means_too(published: Settings) -> None:
    said = read(
        published,
        "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()",
        restricted=True,
    )
    assert "quarantine.cell" in {name for name, _ in said}
    assert [name for name, comment in said if not comment] == []


def test_the_restricted_database_holds_rows_with_their_place_and_nothing_of_the_build(
    published: Settings,
) -> None:
    schemas = {
        row[0]
        for row in read(
            published,
            "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal",
            restricted=True,
        )
    }
    assert {"clean", "quarantine", "mart", "meta"} <= schemas and "build" not in schemas
    rows = read(
        published,
        "SELECT file, _row, crime_type FROM clean.street_crime AS c "
        "JOIN meta.extract AS e ON e.extract_id = c._extract_id WHERE file = '"
        + MAY
        + "' ORDER BY _row",
        restricted=True,
    )
    assert rows == [(MAY, 2, "Drugs"), (MAY, 3, "Drugs")]


@pytest.mark.parametrize("restricted", [False, True])
def test_clients_of_duckdb_1_5_read_it(published: Settings, restricted: bool) -> None:
    rows = read(
        published,
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'release'",
        restricted,
    )
    assert rows == [("v1.5.0+",)]


@pytest.mark.parametrize("restricted", [False, True])
def test_nothing_stored_is_an_absolute_path(published: Settings, restricted: bool) -> None:
    place = tables.quoted(str(published.raw.parent))
    connection = Warehouse(published.warehouse).read_release(restricted)
    try:
        columns = connection.execute(
            "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'release' AND starts_with(data_type, 'VARCHAR')"
        ).fetchall()
        holding = [
            (table, column)
            for table, column in columns
            if connection.execute(
                f"SELECT 1 FROM {table} WHERE contains({column}::VARCHAR, {place}) LIMIT 1"
            ).fetchall()
        ]
    finally:
        connection.close()
    assert ("meta.extract", "file") in columns and holding == []


# --- what is published when --------------------------------------------------------------------


def test_nothing_new_publishes_nothing_and_a_touched_file_is_nothing_new(again: Settings) -> None:
    before = stamp(again)
    os.utime(again.raw / APRIL, (1, 1))
    report = refresh_databases(again)
    assert report.facts == {"published": False, "release": before}
    assert releases(again) == [before]


def test_a_reader_keeps_its_release_while_the_next_is_published(again: Settings) -> None:
    before = stamp(again)
    chosen = replace(again, keep_restricted=1)
    with reader(chosen.warehouse / "current" / "public" / PUBLIC) as ask:
        assert ask("held") == before
        (chosen.raw / APRIL).write_text(street([street_row("2014-04")] * 4), encoding="utf-8")
        after = refresh_databases(chosen).facts["release"]
        assert after != before
        assert ask("held") == before
        assert ask("fresh") == after
    assert crimes_in_april(chosen) == 4
    # The row-level part of the release before is gone, its figures are not.
    assert not (chosen.warehouse / "releases" / str(before) / "restricted").exists()
    assert (chosen.warehouse / "releases" / str(before) / "public" / PUBLIC).is_file()


READER = """
import duckdb, sys
def connected():
    return duckdb.connect(sys.argv[1], read_only=True)
held = connected()
for line in sys.stdin:
    one = held if line.strip() == "held" else connected()
    print(one.execute("SELECT stamp FROM meta.release").fetchall()[0][0], flush=True)
"""


class reader:
    """An analyst's session in a process of its own, which asks an open or a fresh connection."""

    def __init__(self, database: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Callable[[str], str]:
        return self.ask

    def ask(self, which: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{which}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def test_a_withdrawn_file_is_named_and_its_rows_leave(again: Settings) -> None:
    (again.raw / APRIL).unlink()
    refresh_databases(again)
    assert read(again, f"SELECT status, rows_valid FROM meta.extract WHERE file = '{APRIL}'") == [
        ("withdrawn", 0)
    ]
    assert read(
        again,
        "SELECT severity, passed, failed_rows, message FROM meta.check_result "
        "WHERE check_name = 'files_still_there'",
    ) == [("WARN", False, 1, "files of the last release that are gone: 1")]
    rows = read(again, "SELECT count(*) FROM clean.street_crime", restricted=True)
    assert rows == [(2,)]  # those of May


def test_a_promised_file_that_did_not_come_is_news(again: Settings) -> None:
    before = stamp(again)
    (again.raw / "manifest.csv").write_text("file\n2014-06-hampshire-street.csv\n")
    refresh_databases(again)
    assert stamp(again) != before
    assert read(
        again,
        "SELECT passed, failed_rows FROM meta.check_result WHERE check_name = 'manifests_kept'",
    ) == [(False, 1)]


# --- what stops a publication ------------------------------------------------------------------


def assert_refused(chosen: Settings, action: Callable[[Settings], object], match: str) -> None:
    """The action is refused with these words, and the last release stands."""
    before = stamp(chosen)
    with pytest.raises(Refused, match=match):
        action(chosen)
    assert stamp(chosen) == before and crimes_in_april(chosen) == 3
    assert releases(chosen) == [before]


def test_made_up_and_real_extracts_are_not_published_together(again: Settings) -> None:
    shutil.copy(again.raw / MAY, again.raw / "synthetic-2014-06-hampshire-street.csv")
    assert_refused(again, refresh_databases, "synthetic and real extracts lie in one folder")


def test_a_row_that_is_lost_on_the_way_stops_publication(
    again: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = load.store

    def forgetful(
        connection: duckdb.DuckDBPyConnection, staged: stage.Staged, scratch: Path
    ) -> None:
        stored(connection, staged, scratch)
        connection.execute(
            "DELETE FROM clean.street_crime "
            "WHERE rowid = (SELECT max(rowid) FROM clean.street_crime)"
        )

    (again.raw / MAY).write_text(street([street_row("2014-05")] * 5), encoding="utf-8")
    monkeypatch.setattr(load, "store", forgetful)
    assert_refused(again, refresh_databases, "nothing is published: street_crime: ")


def test_a_single_step_cannot_join_new_extracts_to_old_figures(
    again: Settings, prepared: Settings, tmp_path: Path
) -> None:
    (again.raw / APRIL).write_text(street([street_row("2014-04")] * 4), encoding="utf-8")
    assert_refused(again, release_step, "not every step was taken")

    late = copy_of(prepared, tmp_path / "late")  # figures made before the rows were taken in
    one = Refresh(late)
    with one.warehouse.lock():
        one.take_in("street_crime")
    assert_refused(late, release_step, "not every step was taken")


# --- interruption ------------------------------------------------------------------------------


def failing(real: Callable[..., object], after: bool) -> Callable[..., object]:
    """The step, which breaks down before or after it has done its work."""

    def broken(*arguments: object, **named: object) -> object:
        if after:
            real(*arguments, **named)
        raise OSError(28, os.strerror(28))

    return broken


STEPS = {
    "copy": (shutil, "copyfile"),
    "finish": (warehouse, "_finish"),
    "flush": (warehouse, "_flush"),
    "rename": (Path, "rename"),
    "flush folder": (warehouse, "_flush_folder"),
    "link": (Path, "symlink_to"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows switches by a pointer file")
@pytest.mark.parametrize(
    ("step", "after"), [*((step, False) for step in STEPS), ("finish", True), ("rename", True)]
)
def test_a_breakdown_while_publishing_leaves_the_old_release_and_no_rubbish(
    step: str, after: bool, prepared: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = copy_of(prepared, tmp_path / "interrupted")
    before = stamp(chosen)
    where, name = STEPS[step]
    with monkeypatch.context() as patch:
        patch.setattr(where, name, failing(getattr(where, name), after))
        with pytest.raises(Refused, match="the disk is full"):
            release_step(chosen)
    assert stamp(chosen) == before and crimes_in_april(chosen) == 3

    release_step(chosen)
    assert crimes_in_april(chosen) == 4
    assert releases(chosen) == [before, stamp(chosen)]
    left = {path.name for path in (chosen.warehouse / "build").iterdir() if path.is_file()}
    assert {name for name in left if not name.startswith("work-")} <= {
        "refresh.lock",
        "hashes.json",
    }
    assert {path.name for path in chosen.warehouse.iterdir()} == {
        *("build", "current", "latest", "releases")
    }


def test_what_breaks_down_for_another_reason_is_not_called_a_full_disk(again: Settings) -> None:
    """DuckDB's words for a full disk are the system's; any other error goes its way."""
    house = Refresh(again).warehouse
    with house.lock():
        with pytest.raises(PermissionError), house.open_work():
            raise PermissionError(13, os.strerror(13))
        with pytest.raises(duckdb.CatalogException), house.open_work() as connection:
            connection.execute("SELECT * FROM no_such_table")
        with pytest.raises(Refused, match="the disk is full"), house.open_work():
            raise duckdb.TransactionException(f"Failed to commit: {os.strerror(28)}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows switches by a pointer file")
def test_a_breakdown_of_the_switch_itself(
    prepared: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = copy_of(prepared, tmp_path / "interrupted")
    before, real = stamp(chosen), os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing(real, after=False))
        with pytest.raises(Refused, match="the disk is full"):
            release_step(chosen)
    assert stamp(chosen) == before

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing(real, after=True))
        with pytest.raises(Refused, match="the disk is full"):
            release_step(chosen)
    after = stamp(chosen)  # the switch was made: this is the release now, and it stays
    Warehouse(chosen.warehouse).sweep()
    assert stamp(chosen) == after != before and crimes_in_april(chosen) == 4
    assert releases(chosen) == [before, after]


def test_the_first_release_of_all_is_whole_or_not_there(
    prepared: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = copy_of(prepared, tmp_path / "first")
    shutil.rmtree(chosen.warehouse / "releases")
    (chosen.warehouse / "current").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "_switch", failing(Warehouse._switch, after=False))
        with pytest.raises(Refused, match="the disk is full"):
            release_step(chosen)
    with pytest.raises(Refused, match="no release has been published here yet"):
        stamp(chosen)
    release_step(chosen)
    assert releases(chosen) == [stamp(chosen)]


def test_releases_outlive_a_lost_link(again: Settings) -> None:
    """Copying a warehouse may lose its symbolic link; a refresh must not take that for rubbish."""
    before = releases(again)
    (again.warehouse / "current").unlink()
    Warehouse(again.warehouse).sweep()
    assert releases(again) == before


def test_a_spoilt_file_under_construction_is_made_again(again: Settings) -> None:
    [work] = (again.warehouse / "build").glob("work-*.duckdb")
    work.write_bytes(b"spoilt by a crash" * 1000)
    (again.raw / APRIL).write_text(street([street_row("2014-04")] * 4), encoding="utf-8")
    refresh_databases(again)
    assert crimes_in_april(again) == 4


def test_a_file_under_construction_that_another_program_has_open_is_left_alone(
    again: Settings,
) -> None:
    [work] = (again.warehouse / "build").glob("work-*.duckdb")
    before = work.stat().st_ino
    (again.raw / APRIL).write_text(street([street_row("2014-04")] * 4), encoding="utf-8")
    with reader(work) as ask:
        assert ask("held") == stamp(again)
        assert_refused(
            again, refresh_databases, "another program has the file under construction open"
        )
    assert work.stat().st_ino == before
    refresh_databases(again)
    assert crimes_in_april(again) == 4


DIES_WRITING = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("UPDATE meta.release SET stamp = 'written last'")
os._exit(0)
"""


def test_what_stands_in_the_log_only_is_published_too_and_no_other_state_is(
    again: Settings,
) -> None:
    [work] = (again.warehouse / "build").glob("work-*.duckdb")
    house = Refresh(again).warehouse
    public = [table for table in tables.TABLES if table.public]
    with house.lock():
        house.scratch.mkdir(exist_ok=True)
        before = releases(again)
        with pytest.raises(Refused, match="the copy is not what was made"):
            house.publish("written last", public)
        assert releases(again) == before == [stamp(again)]
        subprocess.run([sys.executable, "-c", DIES_WRITING, str(work)], check=True)
        assert work.with_name(f"{work.name}.wal").is_file()
        house.publish("written last", public)
    assert stamp(again) == "written last"


def test_no_row_in_clear_is_left_in_the_scratch_folder(again: Settings) -> None:
    scratch = Warehouse(again.warehouse).scratch
    with Warehouse(again.warehouse).lock():
        scratch.mkdir(exist_ok=True)
        (scratch / "transcript.csv").write_text("a row", encoding="utf-8")
    assert not scratch.exists()


# --- pruning -----------------------------------------------------------------------------------


@pytest.fixture
def six(tmp_path: Path) -> Warehouse:
    """Six releases named 1 to 6; `current` is set by the test."""
    for name in "123456":
        for part in ("public", "restricted"):
            (tmp_path / "releases" / name / part).mkdir(parents=True)
    return Warehouse(tmp_path)


def kept(house: Warehouse) -> dict[str, bool]:
    """Release → whether its restricted part is there."""
    return {path.name: (path / "restricted").is_dir() for path in sorted(house.releases.iterdir())}


def test_restricted_parts_of_older_releases_go_first(six: Warehouse) -> None:
    (six.folder / "current").symlink_to("releases/6")
    six.prune(keep=4, keep_restricted=2)
    assert kept(six) == {"3": False, "4": False, "5": True, "6": True}
    six.prune(keep=1, keep_restricted=5)
    assert kept(six) == {"6": True}


def test_the_current_release_stays_even_where_the_clock_was_set_back(six: Warehouse) -> None:
    (six.folder / "current").symlink_to("releases/1")
    six.sweep()
    six.prune(keep=2, keep_restricted=1)
    assert kept(six) == {"1": True, "6": False}


def test_what_was_current_just_now_stays_for_those_on_their_way_to_it(
    six: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader is led from `current` to 5, and opens it when 6 is current already."""
    (six.folder / "current").symlink_to("releases/6")
    found: list[dict[str, bool]] = []
    monkeypatch.setattr("time.sleep", lambda seconds: found.append(kept(six) if seconds else {}))
    six.prune(keep=1, keep_restricted=1)
    assert found == [dict.fromkeys("123456", True)]
    assert kept(six) == {"6": True}
    os.utime(six.folder / "current", (1, 1), follow_symlinks=False)
    (six.releases / "5").mkdir()
    six.prune(keep=1, keep_restricted=1)
    assert found[1:] == [{}]  # it has not waited


# --- one refresh at a time ---------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from safecity_pipeline.warehouse import Warehouse
with Warehouse(Path(sys.argv[1])).lock("a long refresh"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of tmp_path until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_refresh_is_refused_by_name_and_a_dead_one_holds_nothing(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    house = Warehouse(tmp_path)
    who = rf"a long refresh, process {holder.pid} on \S+ since \d{{4}}-\d\d-\d\dT"
    with pytest.raises(Refused, match=who), house.lock():
        pass
    holder.kill()
    holder.wait()
    with house.lock(), house.lock():  # re-entrant in one process
        pass
    assert not (house.build / "refresh.holder.json").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_warehouse_where_none_can_be_is_refused_in_words(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with (
        pytest.raises(Refused, match="a warehouse cannot be made or written there"),
        Warehouse(tmp_path / place).lock(),
    ):
        pass
