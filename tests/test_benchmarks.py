"""The benchmark's claim that its contestants give equal results, row for row; and its checker.

Here: small files, all contestants, the real command. Not here: any time (`python -m benchmarks`).
"""

from pathlib import Path

import duckdb
import pytest

from benchmarks import checker, generate_street
from benchmarks.bulk import OURS, PANDAS, SCRIPT, measure_all
from benchmarks.measuring import Failed, python, run
from benchmarks.ratios import Chapter, Ratio

ROWS, FILES = 6_000, 3
SECOND = "synthetic-2012-02-hampshire-street.csv"

# Line → what is put into its cells (by number), beside the seven faults that the generator makes.
ODD: dict[int, dict[int, str]] = {
    20: {2: "Nobody's Police"},
    30: {4: "", 7: "", 9: ""},
    40: {1: "2012-03", 8: "Nowhere 001A"},
    50: {1: "2009-02", 4: "99", 5: "abc", 6: "x" * 201, 8: "Southampton", 10: "Hm"},
    60: {0: "ABC", 1: "", 2: "", 3: ""},
    70: {1: "2014-13", 4: "", 5: "north"},
}
BROKEN = {
    11: ["row_whole"],
    21: ["force_code_known"],
    31: ["crime_type_present", "lsoa_whole", "position_whole"],
    41: ["area_code_known", "month_of_file"],
    # a rule across columns is not asked where one of them is wrong by itself
    51: [
        "latitude_kind",
        "location_length",
        "longitude_in_range",
        "lsoa_name_form",
        "month_in_range",
        "outcome_known",
    ],
    61: ["crime_id_form", "falls_within_present", "month_present", "reported_by_present"],
    71: ["latitude_kind", "month_kind"],
}


def spoil(path: Path) -> None:
    """Put the odd cells into a file, and take the last cell from its line 11."""
    lines = path.read_bytes().decode().split("\r\n")
    lines[10] = lines[10].rpartition(",")[0]
    for at, cells in ODD.items():
        row = lines[at].split(",")
        for number, text in cells.items():
            row[number] = text
        lines[at] = ",".join(row)
    path.write_bytes("\r\n".join(lines).encode())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("benchmark")
    generate_street.write(folder / "raw", ROWS, FILES, seed=1)
    spoil(folder / "raw" / SECOND)
    _, made = measure_all(folder / "raw", folder)
    return made


@pytest.mark.parametrize("contestant", [PANDAS, OURS])
def test_every_contestant_has_the_results_of_the_script(
    results: dict[str, Path], contestant: str
) -> None:
    assert [str(one) for one in checker.differences(results[SCRIPT], results[contestant])] == []


def test_the_script_refuses_what_is_wrong_for_every_reason(results: dict[str, Path]) -> None:
    with duckdb.connect(str(results[SCRIPT]), read_only=True) as connection:
        found = connection.execute(
            "SELECT row, list_sort(rules) FROM quarantine WHERE file = ?", [SECOND]
        ).fetchall()
        rows = connection.execute(
            "SELECT (SELECT count(*) FROM clean) + (SELECT count(*) FROM quarantine)"
        ).fetchone()
    assert BROKEN.items() <= dict(found).items()
    assert rows == (ROWS,)


def test_the_indicators_of_the_release_are_the_counts(results: dict[str, Path]) -> None:
    assert checker.published(results[OURS]) == []


@pytest.mark.parametrize(
    ("change", "what", "only"),
    [
        ("UPDATE clean SET latitude = latitude + 1e-9 WHERE row = 2", "clean rows", (3, 3)),
        ("INSERT INTO clean FROM clean WHERE row = 2", "clean rows", (0, 3)),
        ("UPDATE quarantine SET rules = ['other'] WHERE row = 41", "quarantine", (1, 1)),
        ("DELETE FROM quarantine WHERE row = 51", "quarantine", (1, 0)),
        ("UPDATE lsoa_count SET rows = 0", "counts by LSOA", None),
        ("DELETE FROM area_count WHERE period_kind = 'year'", "counts by area", None),
    ],
)
def test_the_checker_finds_what_differs(
    results: dict[str, Path],
    tmp_path: Path,
    change: str,
    what: str,
    only: tuple[int, int] | None,
) -> None:
    altered = tmp_path / "altered.duckdb"
    altered.write_bytes(results[PANDAS].read_bytes())
    with duckdb.connect(str(altered)) as connection:
        connection.execute(change)
    found = checker.differences(results[SCRIPT], altered)
    assert found
    assert all(one.what.startswith(what) for one in found)
    if only:
        sums = sum(one.only_left for one in found), sum(one.only_right for one in found)
        assert sums == only


def test_the_checker_finds_a_numerator_that_is_not_the_count(
    results: dict[str, Path], tmp_path: Path
) -> None:
    altered = tmp_path / "altered.duckdb"
    altered.write_bytes(results[OURS].read_bytes())
    with duckdb.connect(str(altered)) as connection:
        connection.execute(
            "UPDATE published_count SET rows = rows + 1 WHERE indicator = 'asb_rate' "
            "AND period_kind = 'year' AND area_code = 'E06000045'"
        )
    # January to March 2012 are one financial year
    assert [(one.only_left, one.only_right) for one in checker.published(altered)] == [(1, 1)]


HOLD = "kept = b'x' * (100 << 20); import time; time.sleep(0.4)"  # 100 megabytes
ABOVE = f"import subprocess, sys; {HOLD}; subprocess.run([sys.executable, '-c', {HOLD!r}])"


@pytest.mark.parametrize(("program", "least"), [(HOLD, 100), (ABOVE, 200)])
def test_memory_is_that_of_the_process_and_all_below_it(program: str, least: int) -> None:
    assert least <= run(python("-c", program)).peak < least + 100


def test_processor_seconds_are_those_of_children_too() -> None:
    child = "import time\nwhile time.process_time() < 0.5: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert run(python("-c", parent)).cpu >= 0.5


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(Failed, match=r"(?s)exit status 3.*what it said"):
        run(python("-c", "import sys; print('what it said'); sys.exit(3)"))


@pytest.mark.parametrize(
    ("value", "at_least", "holds"), [(2.0, False, True), (2.1, False, False), (1.9, True, False)]
)
def test_a_ratio_stands_beside_its_goal(value: float, at_least: bool, holds: bool) -> None:
    ratio = Ratio("ours / script", value, 2, at_least)
    assert ratio.holds is holds
    assert ratio.cells[1:] == (
        f"{value:.3g} ×",
        "≥ 2 ×" if at_least else "≤ 2 ×",
        "yes" if holds else "**no**",
    )


def test_no_ratio_counts_where_results_differ() -> None:
    ratios = [Ratio("ours / script", 1, 2)]
    assert Chapter("Bulk", ratios).holds
    assert not Chapter("Bulk", ratios, differences=["clean rows: 1 only left"]).holds
