"""A file is read again to know its hash unless nothing about it can have changed.

Files of a test have only just been written, which is not trusted; so the clock of these tests is an
hour ahead, but where it says otherwise.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from safecity_pipeline.ingest import digests, survey
from safecity_pipeline.ingest.digests import Digests

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is remembered there")

HOUR = 3600.0


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "time", SimpleNamespace(time=lambda: time.time() + HOUR))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read, as they were."""
    names: list[str] = []
    hashed = digests._sha256

    def noted(file: Path) -> str:
        names.append(file.name)
        return hashed(file)

    monkeypatch.setattr(digests, "_sha256", noted)
    return names


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in ("one.csv", "two.csv"):
        (folder / name).write_text(f"{name},1\n")
    return folder


def gathered(raw: Path) -> dict[str, str]:
    """File → hash, as the survey of a refresh finds it."""
    found = survey.gather(raw, raw.parent / "hashes.json").extracts
    return {one.file: one.sha256 for one in found}


def by_hand(raw: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in raw.iterdir()}


@pytest.mark.usefixtures("ahead")
def test_only_what_changed_is_read_again(raw: Path, read: list[str]) -> None:
    assert gathered(raw) == by_hand(raw)
    assert sorted(read) == ["one.csv", "two.csv"]
    read.clear()
    (raw / "two.csv").write_text("two,22\n")
    (raw / "three.csv").write_text("3\n")
    assert gathered(raw) == by_hand(raw)
    assert sorted(read) == ["three.csv", "two.csv"]
    read.clear()
    assert gathered(raw) == by_hand(raw)
    assert read == []


@pytest.mark.usefixtures("ahead")
def test_other_content_of_the_same_size_and_time_is_seen(raw: Path) -> None:
    gathered(raw)
    before = (raw / "one.csv").stat()
    (raw / "one.csv").write_text("one.csv,2\n")
    os.utime(raw / "one.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (raw / "one.csv").stat().st_mtime_ns == before.st_mtime_ns
    assert gathered(raw) == by_hand(raw)


@pytest.mark.usefixtures("ahead")
def test_two_files_that_change_places_are_seen(raw: Path) -> None:
    gathered(raw)
    (raw / "one.csv").rename(raw / "else.csv")
    (raw / "two.csv").rename(raw / "one.csv")
    (raw / "else.csv").rename(raw / "two.csv")
    assert gathered(raw) == by_hand(raw)


def test_a_file_that_has_only_just_changed_is_not_trusted(raw: Path, read: list[str]) -> None:
    gathered(raw)
    gathered(raw)
    assert sorted(read) == ["one.csv", "one.csv", "two.csv", "two.csv"]


@pytest.mark.usefixtures("ahead")
def test_a_file_that_changes_while_it_is_read_is_not_trusted(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = digests._sha256

    def overtaken(file: Path) -> str:
        found = hashed(file)
        file.write_text("later\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(digests, "_sha256", overtaken)
        gathered(raw)
    assert gathered(raw) == by_hand(raw)


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("spoilt", ["", "{", "[]", "null", '{"a": 1}', '{"a": [[1, 2], "x"]}'])
def test_what_was_remembered_may_be_lost(raw: Path, spoilt: str, read: list[str]) -> None:
    (raw.parent / "hashes.json").write_text(spoilt)
    assert gathered(raw) == by_hand(raw)
    assert len(read) == 2


@pytest.mark.usefixtures("ahead")
def test_files_that_are_gone_are_forgotten(raw: Path) -> None:
    gathered(raw)
    (raw / "one.csv").unlink()
    gathered(raw)
    kept = json.loads((raw.parent / "hashes.json").read_text())
    assert [Path(name).name for name in kept] == ["two.csv"]


@pytest.mark.usefixtures("ahead")
def test_a_place_that_cannot_be_written_costs_time_only(raw: Path) -> None:
    digest = Digests(raw / "no such folder" / "hashes.json")
    assert digest.of(raw / "one.csv") == by_hand(raw)["one.csv"]
    digest.keep()
