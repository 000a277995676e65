"""Plain copies under names that never change, and hostile names on their way through a refresh.

Here: bringing the copies up to date, one that cannot be replaced, a refresh that had been cut off;
and what a supplier may write that reaches the files. Not here: what stands in the files.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from small_folder import STREET_HEAD, refresh, small_settings, street, street_row, write_small

from safecity_pipeline.publish import latest
from safecity_pipeline.refresh import Report
from safecity_pipeline.settings import Settings


def released(folder: Path, year: str, **tables: str) -> Path:
    """A release with a workbook and some tables."""
    public = folder / "public"
    (public / "data").mkdir(parents=True)
    (public / f"assessment-{year}.xlsx").write_text(f"workbook of {year}")
    (public / "safecity.duckdb").write_text("a database")
    for name, content in tables.items():
        (public / "data" / f"{name}.csv").write_text(content)
    return folder


def copies(warehouse: Path) -> dict[str, str]:
    found = sorted((warehouse / "latest").iterdir())
    return {file.name: file.read_text() if file.is_file() else "a folder" for file in found}


def test_copies_keep_their_names_from_year_to_year(tmp_path: Path) -> None:
    first = released(tmp_path / "1", "2013-14", claim="a", gone="b")
    assert latest.bring(first, tmp_path) == []
    assert copies(tmp_path) == {
        "assessment.xlsx": "workbook of 2013-14",
        "claim.csv": "a",
        "gone.csv": "b",
    }
    (tmp_path / "latest" / "my own.xlsx").write_text("somebody's")
    (tmp_path / "latest" / ".claim.csv.part").write_text("half, from a crash")
    second = released(tmp_path / "2", "2014-15", claim="c", new="d")
    assert latest.bring(second, tmp_path) == []
    assert copies(tmp_path) == {
        "assessment.xlsx": "workbook of 2014-15",
        "claim.csv": "c",
        "my own.xlsx": "somebody's",
        "new.csv": "d",
    }


def test_one_that_cannot_be_replaced_is_told_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "PAUSES", (0, 0))
    (tmp_path / "latest" / "claim.csv").mkdir(parents=True)  # a folder cannot be replaced by a file
    release = released(tmp_path / "1", "2014-15", claim="c", new="d")
    assert latest.bring(release, tmp_path) == ["claim.csv"]
    assert copies(tmp_path) == {
        "assessment.xlsx": "workbook of 2014-15",
        "claim.csv": "a folder",
        "new.csv": "d",
    }
    assert "claim.csv" in caplog.text
    (tmp_path / "latest" / "claim.csv").rmdir()
    assert latest.bring(release, tmp_path) == []
    assert copies(tmp_path)["claim.csv"] == "c"


# --- through a refresh ---------------------------------------------------------------------------

FOLDER, FILE, HEAD = "=2+2", "-1+1.csv", "=cmd|' /C calc'!A0"
HOSTILE = "=HYPERLINK('http://example.invalid')"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Report]:
    """A refresh of extracts whose folder, file, head, category and manifest are traps, of an area
    with such a name."""
    folder = tmp_path_factory.mktemp("hostile")
    chosen = replace(small_settings(folder), area_name="=Southampton")
    write_small(chosen.raw)
    (chosen.raw / FOLDER).mkdir()
    rows = [street_row("2014-06", kind=HOSTILE), street_row("2014-06")]
    content = street(f"{row},@SUM(1)" for row in rows).replace(STREET_HEAD, f"{STREET_HEAD},{HEAD}")
    (chosen.raw / FOLDER / "2014-06-hampshire-street.csv").write_text(content, encoding="utf-8")
    (chosen.raw / FOLDER / "manifest.csv").write_text(
        "file,source,published_on,remark\n2014-06-hampshire-street.csv,street_crime,2014-07-01,=1+1"
        "\n",
        encoding="utf-8",
    )
    (chosen.raw / FILE).write_text("a,b\n1,2\n", encoding="utf-8")
    return chosen, refresh(chosen)


def cells(folder: Path) -> Iterator[str]:
    for file in folder.glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                yield from row


def test_what_suppliers_write_stays_text_in_files_and_workbook(
    hostile: tuple[Settings, Report],
) -> None:
    public = hostile[0].warehouse / "current" / "public"
    found = set(cells(public / "data"))
    assert {
        f"'{HEAD}",
        f"'{FILE}",
        f"'{FOLDER}/2014-06-hampshire-street.csv",
        "'=Southampton",
    } <= found
    assert [cell for cell in found if cell[:1] in tuple("=+@\t\r\n")] == []
    assert HOSTILE not in " ".join(found)  # an unknown category is in quarantine, not handed out
    book = openpyxl.load_workbook(public / "assessment-2014-15.xlsx")
    texts = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in texts}
    named = [cell for cell in texts if cell.value == "=Southampton"]
    assert named and all(cell.quotePrefix and cell.data_type == "s" for cell in named)


def test_a_refresh_that_was_cut_off_after_the_switch_is_made_good(
    hostile: tuple[Settings, Report],
) -> None:
    chosen, first = hostile
    public, beside = chosen.warehouse / "current" / "public", chosen.warehouse / "latest"
    assert first.facts["published"] and "not_replaced_in_latest" not in first.facts
    wanted = {file.name: file.read_bytes() for file in (public / "data").glob("*.csv")}
    wanted["assessment.xlsx"] = (public / "assessment-2014-15.xlsx").read_bytes()
    assert {file.name: file.read_bytes() for file in beside.iterdir()} == wanted
    (beside / "claim.csv").write_text("of an older release", encoding="utf-8")
    (beside / "assessment.xlsx").unlink()
    again = refresh(chosen)
    assert not again.facts["published"]
    assert {file.name: file.read_bytes() for file in beside.iterdir()} == wanted
