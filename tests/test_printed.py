"""What an assessment printed, and what became of it: kept, read again, beside newer extracts.

Here: `safecity keep`, the files that it writes, mart.printed, the note in sentences, and what of it
is not shared. Not here: what of a figure was extracted again (`test_revisions`).
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from same_release import differences
from small_folder import POPULATION, environment, refresh_databases, street, street_row

from safecity_pipeline import cli, document, registry, settings, shareable
from safecity_pipeline.disclosure import Rule
from safecity_pipeline.model import Refused
from safecity_pipeline.registry import published
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.settings import Settings

CITY = "E06000045"
RATE = "drug_offences_rate"
HEAD = "assessment,printed_on,indicator,area_code,period,value,synthetic"
LINE = f"2013-14,2014-12-01,{RATE},{CITY},2013-14,3.0,no"


def months(year: int) -> Iterable[str]:
    return [f"{year + (month < 4)}-{month:02}" for month in (*range(4, 13), *range(1, 4))]


def put(raw: Path, month: str, crimes: int) -> None:
    rows = street([street_row(month)] * crimes)
    (raw / f"{month}-hampshire-street.csv").write_text(rows, encoding="utf-8")


@pytest.fixture
def deployment(tmp_path: Path) -> Settings:
    """Two years with 60 drug offences a month, of 240,000 residents: 3.0 per 1,000 in each."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for year in (2013, 2014):
        for month in months(year):
            put(raw, month, 60)
    head = "ladcode20,laname20,country,population_2013,population_2014"
    line = f"{CITY},Southampton,E,240000,240000"
    (raw / POPULATION).write_text(f"{head}\n{line}\n", encoding="utf-8")
    config = tmp_path / "safecity.toml"
    config.write_text(settings.PACKAGED.read_text(encoding="utf-8"), encoding="utf-8")
    return settings.load(config).with_folders(raw, tmp_path / "warehouse")


def released(chosen: Settings, statement: str) -> list[tuple[Any, ...]]:
    file = chosen.warehouse / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_a_figure_as_printed_last_year_and_as_it_stands(deployment: Settings) -> None:
    refresh_databases(deployment.of_year("2013-14"))
    file, figures = document.keep_printed(deployment, date(2014, 12, 1))
    assert file == deployment.raw.parent / "published" / "2013-14.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    assert head == HEAD
    assert LINE.replace("3.0,", "3,") in lines
    assert figures == len(lines) > 1

    put(deployment.raw, "2014-03", 60 + 24)  # the supplier found 24 more: 744 / 240 = 3.1
    refresh_databases(deployment)
    told = "SELECT * EXCLUDE (area_name, sentence), sentence FROM mart.printed"
    ((*row, sentence),) = released(deployment, f"{told} WHERE indicator = '{RATE}'")
    assert row[:6] == [RATE, CITY, "2013-14", "2013-14", date(2014, 12, 1), 3.0]
    assert row[6:] == [pytest.approx(3.1), pytest.approx(100 * 0.1 / 3.0), "percent", False]
    assert "2013/14: printed as 3.00 per 1,000 residents in the assessment of " in sentence
    assert sentence.endswith("of 2013/14, on 1 December 2014; it stands at 3.10 (+3.3 %).")
    noted = released(
        deployment,
        f"SELECT printed_note, sentence FROM mart.finding WHERE indicator = '{RATE}' "
        f"AND area_code = '{CITY}' AND comparison = 'previous_year' AND period = '2014-15'",
    )
    note = "for 2013/14 3.00 was printed on 1 December 2014, and it is 3.10 by the newest extracts"
    assert [(said, note in sentence) for said, sentence in noted] == [(note, True)]


def test_a_kept_file_gives_what_a_clean_run_gives(deployment: Settings, tmp_path: Path) -> None:
    refresh_databases(deployment)
    kept = deployment.raw.parent / "published" / "2013-14.csv"
    kept.parent.mkdir()
    kept.write_text(f"{HEAD}\n{LINE.replace('3.0', '2.9')}\n", encoding="utf-8")
    refresh_databases(deployment)
    said = f"SELECT count(*) FROM mart.finding WHERE indicator = '{RATE}' AND printed_note <> ''"
    assert released(deployment, said) == [(1,)]
    clean = replace(deployment, warehouse=tmp_path / "clean")
    refresh_databases(clean)
    assert differences(deployment.warehouse, clean.warehouse) == []


def test_what_was_printed_is_kept_once_and_beside_ones_own_settings(deployment: Settings) -> None:
    refresh_databases(deployment)
    document.keep_printed(deployment, date(2015, 12, 1))
    with pytest.raises(Refused, match="is kept once; delete the file first"):
        document.keep_printed(deployment, date(2016, 1, 1))
    with pytest.raises(Refused, match="beside your own"):
        document.keep_printed(replace(deployment, config=settings.PACKAGED), date(2015, 12, 1))


def test_made_up_figures_do_not_stand_beside_real_ones(deployment: Settings) -> None:
    kept = deployment.raw.parent / "published" / "2013-14.csv"
    kept.parent.mkdir()
    kept.write_text(f"{HEAD}\n{LINE.replace(',no', ',yes')}\n", encoding="utf-8")
    with pytest.raises(Refused, match="printed from synthetic extracts, and the extracts are real"):
        refresh_databases(deployment)


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        (["assessment,value"], "2013.csv.*other columns.*got: 'assessment, value'"),
        ([HEAD, LINE, LINE], "2013.csv, line 3.*once"),
        ([HEAD, LINE.replace(RATE, "drugs")], "line 2.*no such indicator.*got: 'drugs'"),
        ([HEAD, LINE.replace(CITY, "E06999999")], "line 2.*no such area.*got: 'E06999999'"),
        ([HEAD, LINE.replace("2014-12-01", "1.12.14")], "line 2.*not a day.*got: '1.12.14'"),
        ([HEAD, LINE.replace("3.0", "three")], "line 2.*not a number.*got: 'three'"),
        ([HEAD, LINE.replace("3.0", "nan")], "line 2.*not a number.*got: 'nan'"),
        ([HEAD, LINE.replace(",no", ",maybe")], "line 2.*yes or no.*got: 'maybe'"),
        ([HEAD, LINE.replace("2013-14,2014", "2013-15,2014")], "line 2"),
        ([HEAD, LINE.replace("3.0", "8,560")], "line 2.*more cells than columns"),
    ],
)
def test_a_file_that_is_not_understood(tmp_path: Path, lines: list[str], refusal: str) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "2013.csv").write_text("\n".join(lines), encoding="utf-8")
    known = registry.load().indicators
    with pytest.raises(Refused) as refused:
        published.load(tmp_path, known, Areas.load())
    assert pd.Series([str(refused.value)]).str.contains(refusal, regex=True).all(), refused.value


# Printed and today's cases; the rule hides 1 to 4.
MOVED = """
    indicator  printed  now   told
    count      20       25    yes
    count      20       23    no
    count      20       20    no
    count      20       -     no
    rate       2.0      2.9   no
"""


def test_by_how_few_a_small_number_moved_is_not_shared() -> None:
    lines = [line.split() for line in MOVED.strip().splitlines()[1:]]
    keys = [(key, f"A{number}", "2013-14") for number, (key, *_) in enumerate(lines)]
    named = pd.DataFrame(keys, columns=["indicator", "area_code", "period"])
    now = [math.nan if cell == "-" else float(cell) for _, _, cell, _ in lines]
    shown = named.assign(dimension="all", value=now)
    rows = named.assign(
        printed_value=[float(cell) for _, cell, *_ in lines],
        value=now,
        change=1.0,
        change_unit="percent",
        sentence="told",
    )
    rules = {"count": Rule(5), "rate": Rule(5)}
    kept = shareable.figures_printed(rows, shown, rules, rounded=(), counts=("count",))
    assert ["yes" if one == "told" else "no" for one in kept["sentence"]] == [
        line[-1] for line in lines
    ]
    gone = kept[kept["sentence"] != "told"]
    assert gone[["printed_value", "value", "change"]].isna().all(axis=None)


def test_a_small_number_that_was_printed_is_not_shared_nor_by_how_few_two_editions_differ() -> None:
    """3 when printed; 80, 83 and 90 of the same figure, of which 83 gives 3 away beside 80."""
    named = pd.DataFrame(
        [("count", area, "2013-14") for area in "BAAA"],
        columns=["indicator", "area_code", "period"],
    )
    shown = named.drop_duplicates().assign(dimension="all", value=[10.0, 110.0])
    rows = named.assign(
        printed_value=[3.0, 80.0, 83.0, 90.0], value=1.0, change=1.0, change_unit="percent",
        sentence="told",
    )  # fmt: skip
    kept = shareable.figures_printed(rows, shown, {"count": Rule(5)}, (), ("count",))
    assert kept["printed_value"].dropna().to_list() == [80.0, 90.0]
    assert (kept["sentence"] == "told").to_list() == [False, True, False, True]


def test_the_command_says_what_it_kept(
    deployment: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refresh_databases(deployment)
    for name in environment():
        monkeypatch.delenv(name, raising=False) if name.startswith("SAFECITY_") else None
    config, home = str(deployment.config), str(deployment.warehouse)
    called = ["safecity", "keep", "--on", "2015-12-01", "--config", config, "--warehouse", home]
    for status, said in ((0, r"\d+ figures kept in .*2014-15\.csv"), (2, "kept once")):
        monkeypatch.setattr("sys.argv", called)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert int(ended.value.code or 0) == status
        told = "".join(capsys.readouterr())
        assert pd.Series([told]).str.contains(said).all(), told
