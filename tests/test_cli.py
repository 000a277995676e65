"""The command, as people meet it: what it prints, its exit status, and no stack trace ever.

Mostly in this process, where an exception that escapes fails the test by itself.
"""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from small_folder import (
    APRIL,
    MAY,
    environment,
    own_environment,
    refresh_databases,
    small_settings,
    street,
    street_row,
    write_small,
)

from safecity_pipeline import cli, sample, sources
from safecity_pipeline.model import Refused
from safecity_pipeline.sample import Plan, SampleFile
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import PUBLIC, Warehouse


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small folder, refreshed."""
    chosen = small_settings(tmp_path_factory.mktemp("published"))
    write_small(chosen.raw)
    refresh_databases(chosen)
    return chosen


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Run the command in an empty working folder, with an environment of its own.

    Dagster keeps its runs in memory here; `test_orchestration` and `test_privacy` look at disk.
    """

    def called(*arguments: object, **given: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["safecity", *map(str, arguments)])
        capsys.readouterr()
        with (
            own_environment(**given),
            pytest.raises(SystemExit) as ended,
        ):
            cli.main()
        return Answer(int(ended.value.code or 0), *capsys.readouterr())

    instance = dg.DagsterInstance
    monkeypatch.setattr(instance, "from_config", lambda _: instance.ephemeral())
    monkeypatch.setattr("safecity_pipeline.refresh.code_version", lambda: "of these tests")
    monkeypatch.chdir(tmp_path)
    return called


def configuration(file: Path, **entries: str) -> Path:
    """A safecity.toml: Southampton's, but for the entries given (as TOML)."""
    known = {"area_code": '"E06000045"', "area_name": '"Southampton"', "year": '"2014-15"'}
    lines = [f"{key} = {value}" for key, value in (known | entries).items()]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def facts(warehouse: Path) -> dict[str, object]:
    return Warehouse(warehouse).release_facts() or {}


# --- the program -------------------------------------------------------------------------------


def test_help_names_every_command_and_exit_status(call: Call) -> None:
    answer = call("--help")
    commands = re.findall(r"^  (\w+)  +(.*)$", answer.out.partition("Commands:")[2], re.MULTILINE)
    assert {name for name, _ in commands} >= {"demo", "sample", "refresh", "check", "explain", "ui"}
    assert [said for _, said in commands if said.endswith("...")] == []
    status = " ".join(answer.out.split())
    assert "0 done; 1 something was refused; 2 the call or configuration is wrong" in status
    assert call("refresh", "--help").status == call("explain", "--help").status == 0


def test_help_waits_for_no_heavy_library() -> None:
    heavy = {"dagster", "pandas", "duckdb", "pandera", "scipy", "numpy", "openpyxl"}
    shown = subprocess.run(
        [sys.executable, "-c", "import safecity_pipeline.cli, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "safecity_pipeline.cli" in shown.stdout.split()
    assert heavy.isdisjoint(shown.stdout.split())


def test_the_module_is_the_program(tmp_path: Path) -> None:
    as_module = subprocess.run(
        [sys.executable, "-m", "safecity_pipeline", "frobnicate"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert as_module.returncode == 2
    assert "No such command 'frobnicate'" in as_module.stderr
    assert "Traceback" not in as_module.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["check"],
        ["refresh", "--colour", "red"],
        ["ui", "--port", "70000"],
        ["sample", "made", "--seed", "-1"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_2(arguments: list[str], call: Call) -> None:
    assert call(*arguments).status == 2


# --- demo and sample ---------------------------------------------------------------------------


def assert_demo_did_it_all(call: Call, folder: Path, sources: int) -> None:
    """Sample, ledger, release and findings; and a second refresh has nothing to do."""
    done = call("demo", folder)
    assert done.status == 0
    head = rf"^\d+ synthetic extracts with [\d,]+ rows in {re.escape(str(folder / 'raw'))}$"
    assert re.search(head, done.out, re.MULTILINE)
    ledger = re.findall(
        r"([\d,]+) rows read = ([\d,]+) valid \+ ([\d,]+) quarantined \+ ([\d,]+) excluded",
        done.out,
    )
    assert len(ledger) == sources
    for counts in ledger:
        read, valid, bad, out = (int(count.replace(",", "")) for count in counts)
        assert read == valid + bad + out and valid > 0
    assert "made from synthetic extracts" in done.out
    assert (folder / "warehouse" / "current" / "public" / PUBLIC).is_file()
    assert "Everything in it is made up." in done.out

    again = call("refresh", "--raw", folder / "raw", "--warehouse", folder / "warehouse")
    stamp = facts(folder / "warehouse")["stamp"]
    words = f"Nothing has changed since release {stamp}; nothing was published.\n"
    assert (again.status, again.out) == (0, words)


def test_the_demo_goes_from_sample_to_release(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(folder: Path, plan: Plan, meanwhile: Callable[[], object]) -> list[SampleFile]:
        meanwhile()
        write_small(folder)
        for file in folder.iterdir():
            file.rename(folder / f"synthetic-{file.name}")
        return [SampleFile(APRIL, "street_crime", rows=4, planted=0, delivered_twice=0)]

    monkeypatch.setattr(sample, "write", written)  # the whole of it takes half a minute
    assert_demo_did_it_all(call, tmp_path / "here", sources=2)


@pytest.mark.nightly
def test_the_demo_does_the_whole_job(call: Call, tmp_path: Path) -> None:
    assert_demo_did_it_all(call, tmp_path / "here", sources=len(sources.discover()))


def test_a_sample_is_not_laid_over_other_files(call: Call, tmp_path: Path) -> None:
    write_small(tmp_path / "real")
    answer = call("sample", "real")
    assert answer.status == 2 and f"got: {APRIL!r}" in answer.err
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert call("sample", "file").status == 2
    answer = call("sample", "file/below")
    assert answer.status == 2 and "file/below: cannot be written: " in answer.err


# --- check -------------------------------------------------------------------------------------


def test_check_tells_a_supplier_rule_row_and_what_was_got(call: Call, tmp_path: Path) -> None:
    bad = [street_row("2014-05"), *[street_row("2014-05", kind="Piracy")] * 4, "too,few,cells"]
    (tmp_path / MAY).write_text(street(bad), encoding="utf-8")
    answer = call("check", "--no-workbook", MAY)
    assert answer.status == 1
    first, *others = answer.out.splitlines()
    assert first.startswith(f"{MAY}: read as street_crime: ")
    # A head, one good row, four pirates on rows 3 to 6, a short row 7; three examples a rule.
    assert sorted(others) == sorted(
        [
            "  7 rows = 1 good + 5 refused + 1 left out (1 head, 0 blank)",
            "  Crime type: the crime type is one of data.police.uk's: 4 rows",
            "    row 3, got: 'Piracy'",
            "    row 4, got: 'Piracy'",
            "    row 5, got: 'Piracy'",
            "  the row has 3 cells, the head has 12: 1 row",
            "    row 7",
        ]
    )
    assert [path.name for path in tmp_path.iterdir()] == [MAY]  # nothing is stored


def test_check_says_that_every_row_of_a_clean_file_is_good(call: Call, tmp_path: Path) -> None:
    write_small(tmp_path)
    answer = call("check", APRIL, MAY)
    assert answer.status == 0
    assert answer.out.count("every row is good") == 2
    assert "4 rows = 3 good + 0 refused + 1 left out" in answer.out


def test_check_of_several_files_is_as_good_as_the_worst(call: Call, tmp_path: Path) -> None:
    write_small(tmp_path)
    (tmp_path / "letter.txt").write_text("Dear Sir", encoding="utf-8")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    answer = call("check", "--no-workbook", APRIL, "letter.txt", "old.xls")
    assert answer.status == 1
    assert f"{APRIL}: read as street_crime" in answer.out
    assert "letter.txt: no source reads a file of this name and head" in answer.out
    assert "old.xls: refused: .xls workbooks are not read; open it in Excel" in answer.out
    # A call that names a file that is not there is refused before anything is judged.
    answer = call("check", APRIL, "none.csv")
    assert (answer.status, answer.out) == (2, "") and "no such file: none.csv" in answer.err


# --- explain -----------------------------------------------------------------------------------


def test_explain_takes_a_figure_down_to_its_files(call: Call, published: Settings) -> None:
    answer = call("explain", "all_crime_rate", "--warehouse", published.warehouse)
    assert answer.status == 0
    lines = [line.strip() for line in answer.out.splitlines()]
    assert "numerator 5, denominator 240,000" in lines  # 3 in April and 2 in May
    assert f"{APRIL}: 3 rows counted of 3 for the area and period" in lines
    assert f"{MAY}: 2 rows counted of 2 for the area and period" in lines
    # One row is told by its place, so that it can be looked up.
    assert any(": 1 row counted (row 2) of 1 for" in line for line in lines)
    assert "Southampton (E06000045), 2014/15; covers 2 months only" in lines
    assert lines[lines.index("SQL, over the restricted database (all areas and periods):") + 1]


def test_explain_takes_a_month_and_an_area_by_name(call: Call, published: Settings) -> None:
    asked = ("explain", "all_crime_rate", "--area", "Southampton", "--period", "2014M04")
    answer = call(*asked, SAFECITY_WAREHOUSE=str(published.warehouse))
    assert answer.status == 0 and "numerator 3, denominator 240,000" in answer.out
    assert APRIL in answer.out and MAY not in answer.out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["crime"], 2, "no such indicator; got: 'crime'; known: "),
        (["all_crime_rate", "--area", "Atlantis"], 2, "no such area in areas.csv; got: 'Atlantis'"),
        (["all_crime_rate", "--period", "last year"], 2, "got: 'last year'"),
        (["all_crime_rate", "--period", "1999-00"], 1, "periods there are: 2014-15, 2014M04"),
        (["all_crime_rate", "--area", "Sheffield"], 1, "the release has no such value"),
        (["all_crime_rate", "--warehouse", "none"], 1, "no release has been published here yet"),
    ],
)
def test_explain_says_what_there_is_not(
    arguments: list[str], status: int, words: str, call: Call, published: Settings
) -> None:
    answer = call("explain", *arguments, SAFECITY_WAREHOUSE=str(published.warehouse))
    assert (answer.status, answer.out) == (status, "") and words in answer.err


# --- drafts ------------------------------------------------------------------------------------


def test_draft_prints_every_sentence_by_section(call: Call, published: Settings) -> None:
    home = ("--warehouse", published.warehouse)
    answer = call("draft", *home)
    lines = answer.out.splitlines()
    assert (answer.status, lines[0]) == (0, "Drafts for 2014/15, after the assessment of 2014/15")
    assert [line for line in lines[1:] if line and not line.startswith("- ")] == [
        "Crime facts",
        "Achievements",
        "Priorities",
        "Targets for March 2017",
        "Survey 2015",
    ]
    drafted = [line for line in lines if line.startswith("- ")]
    assert [line[-5:] for line in drafted] == [f"[C{number:02d}]" for number in range(1, 68)]
    assert drafted[0] == "- Domestic burglaries: no figure, since no extract covers 2014/15. [C01]"
    beside = call("draft", "--beside", *home).out.splitlines()
    said = "    published for 2014/15: Domestic burglaries have fallen by 31.7% over the past five "
    assert beside[beside.index(drafted[0]) + 1] == f"{said}years."


def test_draft_writes_a_table_once(call: Call, published: Settings, tmp_path: Path) -> None:
    file = tmp_path / "drafts.csv"
    asked = ("draft", "--csv", file, "--warehouse", published.warehouse)
    assert call(*asked).status == 0
    with file.open(encoding="utf-8-sig", newline="") as written:
        rows = list(csv.DictReader(written))
    assert (len(rows), rows[0]["claim"], rows[0]["status"]) == (67, "C01", "no_figure")
    again = call(*asked)
    assert again.status == 1 and "a file of that name is there already" in again.err
    inside = call(
        *asked[:2], published.raw / "drafts.csv", *asked[3:], SAFECITY_RAW=str(published.raw)
    )
    assert inside.status == 1 and "nothing is written into the folder of extracts" in inside.err


def test_draft_says_how_another_year_is_drafted(call: Call, published: Settings) -> None:
    asked = ("draft", "--warehouse", published.warehouse, "--year")
    assert call(*asked, "2014-15").status == 0
    other = call(*asked, "2015-16")
    assert (other.status, other.out) == (1, "")
    assert "drafts 2014-15 and no other year" in other.err
    assert "safecity refresh --year 2015-16" in other.err


# --- configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"colour": '"red"'}, "unknown key; got: 'colour'; known: area_code, "),
        ({"area_code": '"E99"'}, "no such area in areas.csv; got: 'E99'"),
        ({"area_code": "6"}, "area_code must be a text; got: 6"),
        ({"year": '"2014"'}, "ambiguous: write 2014CY"),
        ({"year": '"2014M04"'}, "the assessment is of a financial year; got: '2014M04'"),
        ({"raw": "3"}, "raw must be a text; got: 3"),
        ({"keep_releases": "0"}, "keep_releases must be a whole number from 1; got: 0"),
        ({"year": "["}, "not TOML"),
    ],
)
def test_a_configuration_at_fault_is_2_and_named(
    entries: dict[str, str], words: str, call: Call, tmp_path: Path
) -> None:
    write_small(tmp_path / "raw")
    configuration(tmp_path / "safecity.toml", **entries)
    for answer in (call("refresh"), call("refresh", SAFECITY_CONFIG="safecity.toml")):
        assert (answer.status, answer.out) == (2, "") and words in answer.err
    assert not (tmp_path / "warehouse").exists()


def test_a_configuration_that_is_no_text_file_is_2(call: Call, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    said = {name: call("refresh", "--config", name) for name in ("none", "folder", "bytes.toml")}
    assert {name: answer.status for name, answer in said.items()} == dict.fromkeys(said, 2)
    assert "none: no such configuration; name a safecity.toml" in said["none"].err
    assert "folder: cannot be read: " in said["folder"].err
    assert "bytes.toml: not UTF-8 text" in said["bytes.toml"].err


def test_folders_and_year_come_from_options_then_environment_then_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[Settings] = []

    def begun(chosen: Settings) -> None:
        began.append(chosen)
        raise Refused("this test has seen enough")

    write_small(tmp_path / "extracts")
    (tmp_path / "deployment").mkdir()
    own = {"area_name": '"Soton"', "raw": '"nowhere"', "warehouse": '"unused"'}
    config = configuration(tmp_path / "deployment" / "safecity.toml", **own)
    monkeypatch.setattr("safecity_pipeline.refresh.Refresh", begun)
    answer = call(
        *("refresh", "--warehouse", "by-option", "--year", "2013-14"),
        SAFECITY_CONFIG=str(config),
        SAFECITY_RAW=str(tmp_path / "extracts"),
        SAFECITY_WAREHOUSE=str(tmp_path / "by-environment"),
    )
    assert (answer.status, answer.err) == (2, "safecity: this test has seen enough\n")
    [settings] = began
    assert (settings.area_name, settings.year) == ("Soton", "2013-14")
    assert settings.raw == tmp_path / "extracts"
    assert settings.warehouse == Path("by-option")


# --- refresh that is refused -------------------------------------------------------------------


def test_a_folder_of_extracts_that_is_not_there_is_2(call: Call, tmp_path: Path) -> None:
    answer = call("refresh", "--raw", "nowhere")
    assert answer.status == 2 and "nowhere: no such folder of extracts" in answer.err
    assert not (tmp_path / "warehouse").exists()


def test_an_empty_folder_publishes_nothing_and_says_what_to_do(call: Call, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    answer = call("refresh")
    assert answer.status == 1
    assert "nothing is published: no extract could be read; put extracts there" in answer.err
    assert not (tmp_path / "warehouse" / "current").exists()


def test_a_warehouse_that_is_a_file_is_refused_in_words(call: Call, tmp_path: Path) -> None:
    write_small(tmp_path / "raw")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place in ("file", "file/below"):
        answer = call("refresh", "--warehouse", place)
        assert answer.status == 1
        assert f"{place}: a warehouse cannot be made or written there" in answer.err


UNCHANGED = """
import sys
from safecity_pipeline import cli
sys.modules["safecity_pipeline.orchestration.run"] = None
sys.modules["dagster"] = None
cli.main()
"""


def test_nothing_new_is_said_without_starting_dagster(
    call: Call, tmp_path: Path, published: Settings
) -> None:
    folders = ("--raw", published.raw, "--warehouse", published.warehouse)
    shown = subprocess.run(
        [sys.executable, "-c", UNCHANGED, "refresh", *map(str, folders)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    words = f"Nothing has changed since release {facts(published.warehouse)['stamp']}"
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == f"{words}; nothing was published.\n"


HOLDER = """
import sys
from pathlib import Path
from safecity_pipeline.warehouse import Warehouse
with Warehouse(Path("warehouse")).lock("safecity refresh"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_refreshes_at_once(call: Call, tmp_path: Path) -> None:
    write_small(tmp_path / "raw")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        answer = call("refresh")
    assert answer.status == 1
    who = rf"safecity refresh, process {first.pid} on \S+ since \d{{4}}-\d\d-\d\dT"
    assert re.search(f"another refresh holds this warehouse: {who}", answer.err)
