"""A release made anew from raw/: the same byte for byte, or refused, or named where it differs."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from small_folder import (
    APRIL,
    MAY,
    POPULATION,
    refresh_databases,
    small_settings,
    street,
    street_row,
    write_small,
)
from typer.testing import CliRunner

from safecity_pipeline import cli, rebuilding, warehouse
from safecity_pipeline.model import Refused
from safecity_pipeline.rebuilding import Recorded
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    chosen = small_settings(tmp_path_factory.mktemp("rebuild"))
    write_small(chosen.raw)
    refresh_databases(chosen)
    return chosen


@pytest.fixture
def house(published: Settings, tmp_path: Path) -> Settings:
    """A copy of its own, files with their dates."""
    root = published.raw.parent
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    return published.with_folders(tmp_path / "copy" / "raw", tmp_path / "copy" / "warehouse")


def current(chosen: Settings) -> Path:
    found = Warehouse(chosen.warehouse).current()
    assert found is not None
    return found


def test_a_release_is_the_same_when_it_is_made_anew(house: Settings) -> None:
    """Though a file was touched, one lies in another folder, and a month has come since that would
    change its figures; the warehouse is left as it was."""
    os.utime(house.raw / APRIL, (1_500_000_000, 1_500_000_000))
    (house.raw / "archive").mkdir()
    (house.raw / MAY).rename(house.raw / "archive" / MAY)
    (house.raw / "2014-06-hampshire-street.csv").write_text(street([street_row("2014-06")]))
    before = contents(house)
    folders = ["--raw", str(house.raw), "--warehouse", str(house.warehouse)]
    answer = CliRunner().invoke(cli.app, ["rebuild", current(house).name, *folders])
    assert answer.exit_code == 0, answer.output
    assert "is the same when it is made anew" in answer.output
    with duckdb.connect() as connection:
        counted = []
        for restricted in (False, True):
            file = warehouse.database(current(house), restricted)
            connection.execute(f"ATTACH '{file}' AS one (READ_ONLY)")
            rows = connection.execute(
                "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'one'"
            ).fetchall()
            counted.append(rows[0][0] - 1)  # what the run cost is not compared
            connection.execute("DETACH one")
    assert f"public: {counted[0]} of {counted[0]} tables are the same" in answer.output
    assert f"restricted: {counted[1]} of {counted[1]} tables are the same" in answer.output
    assert contents(house) == before


def test_it_is_hidden_from_those_who_had_the_releases_before_it_and_no_later_one(
    house: Settings,
) -> None:
    first = current(house)
    (house.raw / "2014-06-hampshire-street.csv").write_text(street([street_row("2014-06")]))
    refresh_databases(house)
    releases, scratch = first.parent, replace(house, warehouse=house.warehouse / "elsewhere")

    def before(release: Path) -> list[Path]:
        return rebuilding.Again(scratch, Recorded.of(release), releases)._kept_before

    assert (before(first), before(current(house))) == ([], [first])


def contents(house: Settings) -> list[Path]:
    """Everything in the warehouse, but what is swept away."""
    found = sorted(path.relative_to(house.warehouse) for path in house.warehouse.rglob("*"))
    return [path for path in found if path.parts[:2] != ("build", "scratch")]


def test_a_tampered_release_is_not_the_same_and_the_place_is_named(
    published: Settings, tmp_path: Path
) -> None:
    """One figure of the shareable database, and one row of the other, beside the true ones."""
    true, tampered = current(published), tmp_path / "tampered"
    shutil.copytree(true, tampered)
    with duckdb.connect(str(warehouse.database(tampered))) as connection:
        connection.execute(
            "UPDATE mart.indicator_value SET value = nextafter(value, 1) "
            "WHERE indicator = 'all_crime_rate' AND period = '2014M04'"
        )
    with duckdb.connect(str(warehouse.database(tampered, restricted=True))) as connection:
        connection.execute("DELETE FROM clean.street_crime WHERE month = '2014-05-01' AND _row = 3")
    then = Recorded.of(true)
    assert rebuilding._compared(then, true, true, tmp_path).equal
    found = rebuilding._compared(then, tampered, true, tmp_path)
    told = "\n".join(found.lines)
    assert not found.equal and "is not the same when made anew" in told
    assert (
        "mart.indicator_value: 1 rows of the release and 1 made anew differ, the first at "
        "indicator all_crime_rate, area_code E06000045, period 2014M04, dimension all" in told
    )
    assert "clean.street_crime: 0 rows of the release and 1 made anew differ" in told
    assert "_row 3" in told and "Above Bar" not in told  # its place, and nothing of the row
    assert told.count(" differ, the first at ") == 2


def changed(house: Settings) -> None:
    text = (house.raw / MAY).read_bytes()
    (house.raw / MAY).write_bytes(text.replace(b"Drugs", b"Drugz", 1))


def gone(house: Settings) -> None:
    (house.raw / POPULATION).unlink()


def promised(house: Settings) -> None:
    (house.raw / "manifest.csv").write_text(f"file,published_on\n{MAY},2015-01-01\n")


def other_code(house: Settings) -> None:
    _record(house, "code = '0.0.9+abc'")


def other_registry(house: Settings) -> None:
    _record(house, "registry = 'other'")


def _record(house: Settings, what: str) -> None:
    """As if something else had been recorded when it was made."""
    with duckdb.connect(str(warehouse.database(current(house)))) as connection:
        connection.execute(f"UPDATE meta.release SET {what}")


@pytest.mark.parametrize(
    ("altered", "words"),
    [
        (changed, f"extracts that it was made from are not here: {MAY} is changed"),
        (gone, f"extracts that it was made from are not here: {POPULATION} is gone"),
        (promised, "a manifest beside them, or what it promises, is not"),
        (other_code, "another version of the code made it: 0.0.9+abc"),
        (other_registry, "what is declared is not as it was"),
    ],
)
def test_what_lacks_for_making_it_anew_is_named(
    altered: Callable[[Settings], None], words: str, house: Settings
) -> None:
    altered(house)
    with pytest.raises(Refused, match=re.escape(words)):
        rebuilding.rebuild(house, "current")
    assert not (house.warehouse / "build" / "scratch").exists()


def test_a_release_that_is_not_there_is_refused_and_those_there_are_named(house: Settings) -> None:
    stamp = current(house).name
    with pytest.raises(Refused, match=f"no such release; got: 'previous'; there are: {stamp}"):
        rebuilding.rebuild(house, "previous")
