"""The CSV files of a release, and what describes them.

Here: that a file holds its table, row for row, and no formula; that other programs' rules for data
packages and CSV on the Web are kept; that documented recipes and snippets run. Not here: the
workbook (`test_workbook`), and what may be shared at all (`test_disclosure`).
"""

import csv
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import drawn_edition
import duckdb
import pytest
from drawn_edition import HOSTILE, edition
from frictionless import validate
from hypothesis import example, given
from hypothesis import strategies as st

from safecity_pipeline import tables
from safecity_pipeline.publish import data
from safecity_pipeline.publish.data import dictionary
from safecity_pipeline.publish.harmless import harmless, harmless_sql, is_danger, original
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

RECIPES = Path(__file__).parent.parent / "docs" / "recipes.md"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_edition.draw(tmp_path_factory.mktemp("drawn"), drawn_edition.rows())


@pytest.fixture(scope="module")
def written(release: Path, tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Path:
    """The folder of the drawn edition with its open data, to be left as it is."""
    into = tmp_path_factory.mktemp("written")
    with edition(release, into, known) as one:
        data.write(one)
    return into


# --- the files -----------------------------------------------------------------------------------


def in_file(folder: Path, table: Table) -> list[tuple[Any, ...]]:
    """The rows of a file as they were before they were spelt: texts as DuckDB's reader finds them,
    since Python's does not tell an empty cell from an empty text."""
    file = folder / "data" / f"{table.name}.csv"
    found = duckdb.connect().execute(
        f"SELECT * FROM read_csv('{file}', all_varchar = true, header = true, strict_mode = true, "
        "allow_quoted_nulls = false, quote = '\"', escape = '\"', delim = ',')"
    )
    assert [column[0] for column in found.description or ()] == [one.name for one in table.columns]
    return [
        tuple(
            None if cell is None else read(cell, column.sql_type)
            for cell, column in zip(row, table.columns, strict=True)
        )
        for row in found.fetchall()
    ]


def read(cell: str, sql_type: str) -> object:
    if sql_type == "VARCHAR":
        return original(cell)
    if sql_type == "VARCHAR[]":
        return json.loads(cell)
    if sql_type == "TIMESTAMP":
        return datetime.fromisoformat(cell.removesuffix("Z"))
    if sql_type == "BOOLEAN":
        return {"true": True, "false": False}[cell]
    if sql_type == "DATE":
        return datetime.strptime(cell, "%Y-%m-%d").date()
    return float(cell)


def in_database(release: Path, table: Table) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(release / "public" / "safecity.duckdb"), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table.full_name}").fetchall()


@pytest.mark.parametrize("table", drawn_edition.shared(), ids=lambda one: one.full_name)
def test_a_file_holds_its_table_row_for_row(release: Path, written: Path, table: Table) -> None:
    assert sorted(in_file(written, table), key=repr) == sorted(
        [tuple(float(c) if type(c) is int else c for c in r) for r in in_database(release, table)],
        key=repr,
    )


def cells(folder: Path) -> Iterator[str]:
    for file in (folder / "data").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                yield from row


def test_no_cell_of_any_file_is_a_formula(written: Path) -> None:
    found = list(cells(written))
    assert [cell for cell in found if cell[:1] in tuple("=+@\t\r\n")] == []
    minus = {cell for cell in found if cell.startswith("-")}
    assert minus == {"-31.7"}  # the claims', which is a number
    assert "'-2+3" in found and "'=Brighton" in found  # so that there was something to find


def test_null_suppressed_and_nought_are_told_apart(written: Path) -> None:
    found = {
        row[4]: (row[15], row[19], row[20])
        for row in in_file(written, tables.INDICATOR_VALUE)
        if row[1] == drawn_edition.AREA and row[6] == "all"
    }
    assert found["2013-14"] == (0.0, "B", None)
    assert found["2012-13"] == (None, "C", "not shown")
    assert found["2011-12"] == (None, "M", "=not received")
    raw = (written / "data" / "indicator_value.csv").read_text(encoding="utf-8")
    (hidden,) = (line for line in raw.splitlines() if ",2012-13," in line)
    assert ",,,,,per 1,000" not in hidden and ',true,,,,,,"per 1,000 residents",C,' in hidden


def test_the_same_rows_make_the_same_bytes_in_whatever_order_they_lie(
    tmp_path: Path, written: Path, known: Registry
) -> None:
    turned = {name: list(reversed(rows)) for name, rows in drawn_edition.rows().items()}
    with edition(drawn_edition.draw(tmp_path / "drawn", turned), tmp_path / "into", known) as one:
        data.write(one)
    names = sorted(str(path.relative_to(written)) for path in written.rglob("*.*"))
    assert len(names) == len(drawn_edition.shared()) + 4
    assert [
        n for n in names if (tmp_path / "into" / n).read_bytes() != (written / n).read_bytes()
    ] == []


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8))
@example("'-5")
@example("''=")
@example("-31.7 %")
@example("\xa0=1")
def test_what_is_made_harmless_is_no_danger_and_comes_back(text: str) -> None:
    made = harmless(text)
    assert original(made) == text
    assert made == text or made == f"'{text}"
    assert made.lstrip(" \xa0\v\f")[:1] not in tuple("=+@\t\r\n") and (
        not made.startswith("-") or re.fullmatch(r"-[\d.,]+( ?%)?", made)
    )
    asked = f"SELECT {harmless_sql('text')} FROM (SELECT ?::VARCHAR AS text)"
    assert duckdb.execute(asked, [text]).fetchall() == [(made,)]


# --- descriptions --------------------------------------------------------------------------------


def test_the_data_package_is_valid_and_notices_a_changed_digit(
    tmp_path: Path, release: Path, known: Registry
) -> None:
    with edition(release, tmp_path, known) as one:
        data.write(one)
    report = validate(str(tmp_path / "datapackage.json"))
    assert report.valid, report.flatten(["name", "message"])
    assert len(report.tasks) == len(drawn_edition.shared())
    file = tmp_path / "data" / "indicator_value.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("20.25", "20.26", 1), encoding="utf-8")
    assert not validate(str(tmp_path / "datapackage.json")).valid


def test_a_file_with_a_code_or_a_reference_that_nobody_declared_is_not_valid(
    tmp_path: Path, known: Registry
) -> None:
    for field, wrong in (("obs_status", "Q"), ("area_code", "E09999999")):
        rows = drawn_edition.rows()
        rows["mart.indicator_value"][0][field] = wrong
        folder = tmp_path / field
        with edition(drawn_edition.draw(folder / "drawn", rows), folder / "into", known) as one:
            data.write(one)
        report = validate(str(folder / "into" / "datapackage.json"))
        found = report.flatten(["type"])
        assert found == [["constraint-error" if field == "obs_status" else "foreign-key"]], found


def test_each_source_is_named_with_its_terms(written: Path) -> None:
    package = json.loads((written / "datapackage.json").read_text(encoding="utf-8"))
    named = {one["name"]: one for one in package["sources"]}
    assert set(named) == {"marac", "street_crime"}
    assert "Open Government Licence v3.0" in named["street_crime"]["attribution"]
    assert named["marac"]["licence"] == "Restricted to partners"
    assert package["licenses"][0]["name"] == "by-source"  # not all of them are open
    assert package["title"].startswith("Made-up data")


def test_the_partners_edition_is_marked_and_under_no_open_licence(
    tmp_path: Path, release: Path, known: Registry
) -> None:
    with edition(release, tmp_path, known, "partners") as one:
        data.write(one)
    package = json.loads((tmp_path / "datapackage.json").read_text(encoding="utf-8"))
    assert package["description"].startswith("OFFICIAL-SENSITIVE: for partners")
    assert package["licenses"][0]["name"] == "by-source"
    entry = json.loads((tmp_path / "dcat.jsonld").read_text(encoding="utf-8"))
    assert entry["dct:accessRights"] == "OFFICIAL-SENSITIVE"
    page = _Page((tmp_path / "dictionary.html").read_text(encoding="utf-8"))
    assert "OFFICIAL-SENSITIVE" in page.words


DATATYPES = {"string", "double", "integer", "boolean", "date", "dateTime", "json"}
OF_TABLES = {"url", "dc:title", "dc:description", "tableSchema"}
OF_COLUMNS = {"name", "titles", "dc:description", "datatype"}


def test_the_metadata_keep_the_rules_of_csv_on_the_web(written: Path) -> None:
    """The rules of the recommendation (tabular metadata, section 5) that can be held offline."""
    group = json.loads((written / "data" / "csv-metadata.json").read_text(encoding="utf-8"))
    assert group["@context"] == ["http://www.w3.org/ns/csvw", {"@language": "en"}]
    assert all(key == "tables" or key[:3] == "dc:" for key in group if key != "@context")
    heads = {}
    for table in group["tables"]:
        assert set(table) == OF_TABLES
        with (written / "data" / table["url"]).open(encoding="utf-8", newline="") as lines:
            heads[table["url"]] = next(csv.reader(lines))
        columns = table["tableSchema"]["columns"]
        assert [one["titles"] for one in columns] == heads[table["url"]]
        for one in columns:
            assert set(one) == OF_COLUMNS
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.]*", one["name"])  # no leading underscore
            kind = one["datatype"]
            assert (kind["base"] if isinstance(kind, dict) else kind) in DATATYPES
    for table in group["tables"]:
        schema = table["tableSchema"]
        assert set(schema) <= {"columns", "primaryKey", "foreignKeys"}
        assert set(schema.get("primaryKey", ())) <= set(heads[table["url"]])
        for key in schema.get("foreignKeys", ()):
            assert key["columnReference"] in heads[table["url"]]
            assert key["reference"]["columnReference"] in heads[key["reference"]["resource"]]


def test_the_catalogue_entry_points_at_files_that_are_there_and_leaves_nothing_out(
    written: Path,
) -> None:
    entry = json.loads((written / "dcat.jsonld").read_text(encoding="utf-8"))
    assert entry["@type"] == "dcat:Dataset"
    assert entry["dct:temporal"]["dcat:endDate"]["@value"] == "2015-03-31"
    found = entry["dcat:distribution"]
    assert {one["dcat:downloadURL"]["@id"] for one in found} == {
        f"data/{file.name}" for file in (written / "data").glob("*.csv")
    }
    for one in found:
        content = (written / one["dcat:downloadURL"]["@id"]).read_bytes()
        assert one["dcat:byteSize"] == len(content)
        checksum = one["spdx:checksum"]["spdx:checksumValue"]
        assert checksum == hashlib.sha256(content).hexdigest()


class _Page(HTMLParser):
    """The words of a page, the addresses that it leads to, and the places that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: set[str] = set()
        self.places: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.links |= {value for name in ("href", "src") if (value := given.get(name))}
        self.places += [value for value in (given.get("id"),) if value]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_the_dictionary_tells_every_meaning_and_no_row(written: Path, known: Registry) -> None:
    text = (written / "dictionary.html").read_text(encoding="utf-8")
    page = _Page(text)
    said = set(page.words)
    of_sources = [dictionary.of_rows(source) for source in known.sources.values()]
    for table in (*drawn_edition.shared(), *of_sources):
        assert {column.comment for column in table.columns} <= said, table.full_name
    assert set(tables.CODES["obs_status"].values()) <= said
    assert "Made-up data: synthetic extracts, not real figures." in said
    assert "<b>MARAC</b>" not in text and "script" not in page.tags  # what is told is a text
    assert not {word for word in said if word and word in HOSTILE}
    assert {one for one in page.links if not one.startswith(("#", "data/"))} == set()
    assert {one[1:] for one in page.links if one.startswith("#")} <= set(page.places)
    assert len(page.places) == len(set(page.places))


# --- a release of the whole sample ---------------------------------------------------------------


def test_keys_and_references_hold_in_a_release(whole_sample: Path) -> None:
    file = whole_sample / "warehouse" / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:

        def one(statement: str) -> int:
            found = connection.execute(statement).fetchone()
            assert found is not None
            return int(found[0])

        for name, key in tables.KEYS.items():
            null = " OR ".join(f'"{part}" IS NULL' for part in key)
            assert one(f"SELECT count(*) FROM {name} WHERE {null}") == 0, name
            listed = ", ".join(f'"{part}"' for part in key)
            twice = f"SELECT count(*) - count(DISTINCT ({listed})) FROM {name}"
            assert one(twice) == 0, name
        for name, references in tables.REFERENCES.items():
            for column, to in references.items():
                (named,) = tables.KEYS[to.full_name]
                lost = f"SELECT count(*) FROM {name} t ANTI JOIN {to.full_name} o "
                assert one(f"{lost} ON t.{column} = o.{named}") == 0, f"{name}.{column}"
        codes = connection.execute(
            "SELECT DISTINCT obs_status FROM mart.indicator_value"
        ).fetchall()
        assert {code for (code,) in codes} <= set(tables.CODES["obs_status"])


def test_the_package_of_a_release_is_valid_and_counts_its_rows(whole_sample: Path) -> None:
    public = whole_sample / "warehouse" / "current" / "public"
    report = validate(str(public / "datapackage.json"))
    assert report.valid, report.flatten(["name", "message"])
    with duckdb.connect(str(public / "safecity.duckdb"), read_only=True) as connection:
        for task in report.tasks:
            (table,) = (one for one in drawn_edition.shared() if one.name == task.name)
            counted = connection.execute(f"SELECT count(*) FROM {table.full_name}").fetchone()
            assert counted == (task.stats.get("rows", 0),), task.name


def blocks(language: str) -> list[str]:
    """The pieces of a language in the recipes."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", RECIPES.read_text(encoding="utf-8"), re.M | re.S
    )


def titled(block: str) -> str:
    return block.splitlines()[0][:50]


@pytest.mark.parametrize("recipe", blocks("sql"), ids=titled)
def test_a_recipe_answers_rows_of_a_release(whole_sample: Path, recipe: str) -> None:
    file = whole_sample / "warehouse" / "current" / "public" / "safecity.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute(recipe).fetchall() != []


@pytest.mark.parametrize("snippet", blocks("python"), ids=titled)
def test_a_snippet_runs_beside_a_release(whole_sample: Path, snippet: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=whole_sample, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.strip(), done.stderr


def test_recipes_and_snippets_are_there() -> None:
    assert len(blocks("sql")) >= 8 and len(blocks("python")) >= 2
    assert blocks("r") and blocks("sh")


def test_dangers_of_the_drawn_texts_are_known() -> None:
    assert [text for text in HOSTILE if not is_danger(text)] == list(HOSTILE[10:])
