"""An analyst's path: a jump looks odd, a row is declared, and a refresh re-words the sentence.

The commands are those of the README, run as they stand there, on two years of street-level crime
in which burglary jumps. Not here: what a row may say (`test_changes`), single steps (`test_marks`,
`test_compare`).
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_folder import POPULATION, refresh_databases, street, street_row
from test_cli import Call, call  # noqa: F401

from safecity_pipeline import settings
from safecity_pipeline.registry.changes import FILE

README = Path(__file__).parent.parent / "README.md"
COMMANDS = """
    safecity changes --indicator burglary_rate
    safecity declare burglary_rate 2015-06-01 "the force counts attempts too" --scope force
    safecity refresh
    safecity changes --indicator burglary_rate
    safecity changes
"""
CONFIG = """
area_code = "E06000045"
area_name = "Southampton"
year = "2015-16"
as_of = 2016-11-30
"""
MONTHS = [f"{2014 + (number + 3) // 12}-{(number + 3) % 12 + 1:02}" for number in range(24)]
SENTENCE = (
    "SELECT sentence FROM mart.finding WHERE indicator = 'burglary_rate' "
    "AND comparison = 'previous_year' AND period = '2015-16'"
)


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment, refreshed: two burglaries a month, from June 2015 on six."""
    folder = tmp_path_factory.mktemp("refreshed")
    raw = folder / "raw"
    raw.mkdir()
    (folder / "safecity.toml").write_text(CONFIG, encoding="utf-8")
    for month in MONTHS:
        rows = [street_row(month, kind="Burglary")] * (6 if month >= "2015-06" else 2)
        text = street([*rows, street_row(month)])
        (raw / f"{month}-hampshire-street.csv").write_text(text, encoding="utf-8")
    people = "ladcode20,laname20,country,population_2014,population_2015\n"
    (raw / POPULATION).write_text(f"{people}E06000045,Southampton,E,240000,240000\n")
    chosen = settings.load(folder / "safecity.toml")
    refresh_databases(chosen.with_folders(raw, folder / "warehouse"))
    return folder


@pytest.fixture
def town(refreshed: Path, tmp_path: Path) -> Path:
    """The same in the working folder."""
    shutil.copytree(refreshed, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def commands() -> list[list[str]]:
    """The commands of the path, in order: as the README has them, where it does."""
    text = README.read_text(encoding="utf-8")
    found = re.findall(r"^#+ A jump that looks odd\n(.*?)(?=^## )", text, re.M | re.S)
    lines = re.findall(r"^    (safecity .*)$", (found or [COMMANDS])[0], re.M)
    return [shlex.split(line)[1:] for line in lines]


def released(town: Path, statement: str) -> list[Any]:
    database = town / "warehouse" / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def sentence(town: Path) -> str:
    ((found,),) = released(town, SENTENCE)
    return str(found)


def year(printed: str) -> str:
    """The line of 2015/16."""
    (line,) = (one for one in printed.splitlines() if one.strip().startswith("2015/16"))
    return line


def test_from_an_odd_jump_to_a_row_and_a_sentence_worded_anew(
    town: Path,
    call: Call,  # noqa: F811
) -> None:
    assert ", up 166.7 % on 2014/15 (likely" in sentence(town)
    answers = [call(*arguments) for arguments in commands()]
    assert [answer.status for answer in answers] == [0] * 5, answers
    before, declared, _, after, listed = (answer.out for answer in answers)
    # 10 months × 6 + 2 × 2 = 64 against 12 × 2 = 24, of 240,000 people: 0.27 and 0.10 per 1,000
    assert "0.27" in year(before) and "+166.7 %" in year(before)
    assert year(before).endswith("no change of definition is declared")
    assert "S01" in declared and (town / FILE).is_file()
    assert year(after).endswith("not like for like: S01")
    assert "recorded 166.7 % more than in 2014/15" in sentence(town)
    assert "the force counts attempts too, S01" in sentence(town)
    assert sentence(town) in after
    # of the values with one before them: 2015M06 and 2015-16
    assert "marks 2 values and breaks " in listed[listed.index(", S01") :]
    explained = call("explain", "burglary_rate").out
    assert "not on the definition of the figure before it: S01" in explained
    _only_what_it_reaches_is_made_anew(town)


def _only_what_it_reaches_is_made_anew(town: Path) -> None:
    handled = dict(released(town, "SELECT step, rows FROM meta.run_cost"))
    values = "SELECT count(*) FROM mart.indicator_value"
    ((reached,),) = released(town, f"{values} WHERE indicator = 'burglary_rate'")
    ((every,),) = released(town, values)
    assert handled["mart/indicator_value"] == reached < every
    assert not any(rows for step, rows in handled.items() if step.startswith("clean/"))
    marked = "SELECT period FROM mart.indicator_value WHERE series_break = 'S01' ORDER BY period"
    assert released(town, marked) == [("2015-16",), ("2015M06",)]
    rows = "SELECT id, declared_by FROM meta.definitional_change WHERE id LIKE 'S%'"
    assert released(town, rows) == [("S01", "deployment")]


def test_a_row_that_is_refused_leaves_the_file_as_it_was(town: Path, call: Call) -> None:  # noqa: F811
    first = call("declare", "burglary_rate", "2015-06-01", "sheds are burgled too")
    assert first.status == 0, first.err
    before = (town / FILE).read_bytes()
    for arguments, words in (
        (("burglary_rate", "1 June 2015", "x"), "not a date"),
        (("burglary_rates", "2015-06-01", "x"), "no such indicator"),
        (("burglary_rate", "2015-06-01", "x", "--scope", "city"), "unknown scope"),
        (("burglary_rate", "2015-06-01", "x", "--kind", "rumour"), "unknown kind of change"),
    ):
        answer = call("declare", *arguments)
        assert (answer.status, words in answer.err) == (2, True), answer.err
        assert (town / FILE).read_bytes() == before
    second = call("declare", "asb_rate", "2015-06-01", "a, b", "--scope", "supplier")
    assert second.status == 0 and "S02" in second.out
    assert before in (town / FILE).read_bytes()


def test_without_a_configuration_of_its_own_there_is_no_place_for_a_row(
    tmp_path: Path,
    call: Call,  # noqa: F811
) -> None:
    answer = call("declare", "burglary_rate", "2015-06-01", "x")
    assert answer.status == 2 and "make a safecity.toml" in answer.err


def test_the_catalogue_says_what_each_change_does(town: Path, call: Call) -> None:  # noqa: F811
    assert call("declare", "burglary_rate", "2017-06-01", "x").status == 0
    told = {
        found[1]: block
        for block in call("changes").out.split("\n\n")
        if (found := re.search(r", ([DS]\d\d)$", block.splitlines()[0]))
    }
    assert "reaches no indicator: recorded by Action Fraud" in told["D05"]
    assert "before the figures" in told["D46"]
    assert "after the figures" in told["D33"]
    # asb: 2014M12 beside 2014M11 … each of its months, and both years, on D22's days
    assert re.search(r"marks \d+ values and breaks \d+ comparisons", told["D22"])
    assert "not in the release yet" in told["S01"]
    shutil.rmtree(town / "warehouse")
    assert "There is no release yet" in call("changes").out


def test_a_release_of_an_older_version_is_told_so(town: Path, call: Call) -> None:  # noqa: F811
    database = town / "warehouse" / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("ALTER TABLE mart.indicator_value DROP COLUMN series_break")
    answer = call("changes")
    assert answer.status == 1 and "run `safecity refresh`" in answer.err
