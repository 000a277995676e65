"""CONTRIBUTING.md as it stands: each of its examples, in a copy of the project of its own, is one
place touched and nothing else, and does what the document says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_folder import environment, write_small

import safecity_pipeline
from safecity_pipeline import warehouse

PACKAGE = Path(safecity_pipeline.__file__).parent
DOCUMENT = PACKAGE.parent / "CONTRIBUTING.md"
BLOCK = re.compile(
    r"^`(safecity_pipeline/[^`]+)`(, at its end)?:\n\n```\w+\n(.*?)^```$", re.M | re.S
)
REFRESH = """
import sys
from pathlib import Path
from safecity_pipeline import settings
from small_folder import refresh
chosen = settings.load(settings.PACKAGED)
refresh(chosen.with_folders(Path(sys.argv[1]) / "raw", Path(sys.argv[1]) / "warehouse"))
"""


def examples(heading: str) -> list[tuple[str, str, str]]:
    """File, whether it is added to, and text of each example under a heading."""
    (text,) = re.findall(
        rf"^## {heading}\n(.*?)(?=^## |\Z)", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S
    )
    return BLOCK.findall(text)


def released(folder: Path, heading: str) -> Any:
    """A connection to what a refresh publishes with the examples under a heading."""
    copy = folder / "copy"
    shutil.copytree(
        PACKAGE, copy / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    found = examples(heading)
    assert found, heading
    for file, added, text in found:
        place = copy / file
        assert place.exists() == bool(added), f"{file}: the document says otherwise"
        place.write_text((place.read_text(encoding="utf-8") + "\n" if added else "") + text)
    write_small(folder / "raw")
    complaints = "Month,Type of noise\n2014-04,music\n2014-04,dogs\n2014-05,whales\n"
    (folder / "raw" / "southampton-noise-2014.csv").write_text(complaints)
    paths = f"{copy}:{Path(__file__).parent}"
    subprocess.run(
        [sys.executable, "-c", REFRESH, str(folder)],
        check=True,
        env=environment(PYTHONPATH=paths, PYTHONDONTWRITEBYTECODE="1"),
        cwd=folder,
    )
    return warehouse.Warehouse(folder / "warehouse").read_release()


def rows(folder: Path, heading: str, statement: str) -> list[tuple[Any, ...]]:
    connection = released(folder, heading)
    try:
        found: list[tuple[Any, ...]] = connection.execute(statement).fetchall()
        return found
    finally:
        connection.close()


def test_a_source(tmp_path: Path) -> None:
    said = "SELECT rows_read, rows_valid, rows_quarantined, rows_excluded FROM meta.extract"
    found = rows(tmp_path, "A source", f"{said} WHERE source = 'noise_complaint'")
    assert found == [(4, 2, 1, 1)]  # a head, music and dogs; whales are in quarantine


def test_an_indicator(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        "An indicator",
        "SELECT period, value FROM mart.indicator_value WHERE indicator = 'bicycle_theft_rate' "
        "AND area_code = 'E06000045' ORDER BY period",
    )
    # no row says so, and the area has been received: 0
    assert found == [("2014-15", 0.0), ("2014M04", 0.0), ("2014M05", 0.0)]


@pytest.mark.parametrize(
    ("heading", "statement", "expected"),
    [
        (
            "A claim",
            "SELECT claim, computed, verdict FROM mart.claim WHERE claim = 'X01'",
            [("X01", 3.0, "reproduced")],
        ),
        (
            "A target",
            "SELECT target, verdict FROM mart.target WHERE target = 'X01'",
            [("X01", "not_measurable")],  # two months are no year
        ),
    ],
)
def test_a_claim_and_a_target(
    tmp_path: Path, heading: str, statement: str, expected: list[tuple[Any, ...]]
) -> None:
    assert rows(tmp_path, heading, statement) == expected


def test_a_waiver(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        "A waiver",
        "SELECT passed, waived_by, status FROM meta.check_result AS c, meta.waiver "
        "WHERE c.check_name = 'files_recognised'",
    )
    assert found == [(False, "noise_not_read_yet", "active")]


def test_a_correction(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        "A correction",
        "SELECT rows_read, rows_valid, rows_excluded, c.rows, c.status, correction "
        "FROM meta.extract AS e, meta.correction AS c WHERE e.file LIKE '2014-04-%'",
    )
    # a head and three rows, of which the second is left out
    assert found == [(4, 2, 2, 1, "applied", "a_test_row")]
