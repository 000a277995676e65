"""Where published columns come from: held against the statements, the tables and the ledger."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_folder import (
    APRIL,
    MAY,
    POPULATION,
    environment,
    refresh,
    small_settings,
    street_row,
    write_small,
)

from safecity_pipeline import lineage, measure, tables, warehouse
from safecity_pipeline.explaining import explain
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Refused
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.indicators import names_in
from safecity_pipeline.sample import looked_after_workbook
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse

BOOK = "SFR49_2014_LATables.xlsx"
VALUES = tables.INDICATOR_VALUE.full_name
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two months of crime (3 and 2 rows), a population, and a workbook."""
    chosen = small_settings(tmp_path_factory.mktemp("lineage"))
    write_small(chosen.raw)
    (chosen.raw / BOOK).write_bytes(looked_after_workbook.deliveries(Plan())[0].content)
    refresh(chosen)
    return chosen


@pytest.fixture(scope="module")
def rows(published: Settings) -> list[Row]:
    with warehouse.opened(current(published)) as connection:
        return list(warehouse.named_rows(connection.execute("SELECT * FROM meta.lineage")))


def current(chosen: Settings) -> Path:
    found = Warehouse(chosen.warehouse).current()
    assert found is not None
    return found


def of(rows: list[Row], indicator: str, column: str) -> dict[str | None, Row]:
    """Part → its row."""
    wanted = ("indicator", "column_name", "table_name")
    asked = (indicator, column, VALUES)
    return {row["part"]: row for row in rows if tuple(row[name] for name in wanted) == asked}


def test_every_column_of_every_indicator_has_its_lineage(rows: list[Row], known: Registry) -> None:
    there = {(row["indicator"], row["column_name"]) for row in rows if row["table_name"] == VALUES}
    columns = [column.name for column in tables.INDICATOR_VALUE.columns]
    assert there == {(key, column) for key in known.indicators for column in columns}
    figures = [row for row in rows if row["column_name"] == "value" and row["table_name"] == VALUES]
    assert {(row["indicator"], row["part"]) for row in figures} == {
        (key, part)
        for key, one in known.indicators.items()
        for part in (["value"] if one.value else lineage.parts_of(one))
    }
    told = [(row["indicator"], row["column_name"], row["part"]) for row in rows if row["indicator"]]
    assert len(told) == len(set(told))


def test_every_column_of_the_other_figures_names_the_tables_it_rests_on(rows: list[Row]) -> None:
    marts = {one for one in tables.TABLES if one.schema == "mart"}
    assert {tables.INDICATOR_VALUE, *lineage.OTHERS} == marts
    for table in lineage.OTHERS:
        told = [row for row in rows if row["table_name"] == table.full_name]
        assert [row["column_name"] for row in told] == [one.name for one in table.columns]
        assert all(row["rests_on"] and row["made_by"] for row in told)
    names = {one.full_name for one in tables.TABLES}
    clean = {f"clean.{row['source']}" for row in rows if row["source"]}
    assert {name for row in rows for name in row["rests_on"]} <= names | clean


def test_it_names_what_the_statement_answers_and_what_it_asks(
    rows: list[Row], known: Registry
) -> None:
    """Each statement is planned against its empty tables: its answer has every column named. Each
    column of a clean table that is named is one of that table, and stands in the statement."""
    connection = warehouse.memory()
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT):
        connection.execute(tables.create_once(table))
    for source in known.sources.values():
        connection.execute(tables.create_once(schema.clean_table(source)))
    for key, indicator in known.indicators.items():
        statement = measure.sql(indicator, known.sources)
        answered = {row[0] for row in connection.execute(f"DESCRIBE {statement}").fetchall()}
        asked = set(names_in(statement))
        for row in (one for one in rows if one["indicator"] == key):
            assert set(row["statement_columns"]) <= answered, (key, row["column_name"])
            if row["part"]:
                there = {c.name for c in schema.clean_table(known.sources[row["source"]]).columns}
                taken_apart = row["column_name"] == "dimension_value"  # by other statements
                assert set(row["clean_columns"]) <= (there if taken_apart else there & asked), row
                assert row["clean_table"] in statement
    assert of(rows, "burglary_rate", "denominator")["denominator"]["clean_columns"] == ["persons"]


def test_a_rate_is_taken_down_to_heads_layouts_and_extracts(
    rows: list[Row], published: Settings
) -> None:
    """Of the extracts themselves: their names and heads are in the files of `small_folder`."""
    with warehouse.opened(current(published)) as connection:
        found = connection.execute("SELECT extract_id, file FROM meta.extract").fetchall()
        files = dict(found)
    parts = of(rows, "all_crime_rate", "value")
    cases, base = parts["numerator"], parts["denominator"]
    assert cases["made_by"] == "numerator × 1,000 / denominator"
    assert (cases["clean_columns"], cases["heads"]) == (["crime_type"], ["Crime type"])
    assert (cases["layouts"], base["layouts"]) == (["street_2013"], ["myeb3"])
    assert {files[one] for one in cases["extracts"]} == {APRIL, MAY}
    assert [files[one] for one in base["extracts"]] == [POPULATION]
    assert (cases["within"], cases["geography"]) == ("period", "home_force")
    assert base["within"] == "year_of_period"
    area = of(rows, "all_crime_rate", "area_code")["numerator"]
    assert area["heads"] == ["LSOA name", "Reported by"]  # that the codes are derived from
    nothing = of(rows, "mediation_cases", "value") or of(rows, "first_time_entrants_rate", "value")
    assert all(row["extracts"] == [] for row in nothing.values())  # nothing of it came


def test_a_column_worked_out_over_rows_stands_for_what_it_is_worked_out_of(
    rows: list[Row], known: Registry
) -> None:
    windows = {
        (name, one.name): one for name, source in known.sources.items() for one in source.windows
    }
    named = {
        (part.source, word): (key, name)
        for key, one in known.indicators.items()
        for name, part in lineage.parts_of(one).items()
        if not one.value
        for word in names_in(part.where)
        if (part.source, word) in windows
    }
    assert len(named) > 3
    for (source, window), (key, part) in named.items():
        row = of(rows, key, "value")[part]
        assert window not in row["clean_columns"] and row["clean_columns"]
        # A window that looks over no year may look over any time.
        one = windows[source, window]
        if " OVER " in f" {one.expression} " and not one.of_year:
            assert row["within"] == "any", (key, window)


class Page(HTMLParser):
    """Anchors, links to them, and what else a page asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if tag == "a" else []
        self.fetched += [told["src"] or ""] if "src" in told else [tag] * (tag == "link")


def test_the_page_has_an_anchor_for_every_indicator_and_every_link_leads_somewhere(
    published: Settings, known: Registry
) -> None:
    folder = current(published) / "public"
    text = (folder / "lineage.html").read_text("utf-8")
    page = Page(text)
    assert set(known.indicators) <= set(page.ids) and len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert page.fetched == []
    with warehouse.opened(current(published)) as connection:
        hashes = connection.execute("SELECT file, sha256 FROM meta.extract").fetchall()
    assert len(hashes) == 4 and all(file in text and sha256 in text for file, sha256 in hashes)


# --- explain -------------------------------------------------------------------------------------


def test_explain_tells_counts_by_file_and_sheet(published: Settings, known: Registry) -> None:
    lines = explain(published, known, "all_crime_rate", None, "2014-15")
    assert f"  {APRIL}: 3 rows counted of 3 for the area and period" in lines
    (after,) = (lines[n + 1] for n, line in enumerate(lines) if line.startswith(f"  {MAY}"))
    assert after.startswith("    read by layout street_2013; SHA-256 ")
    workbook = explain(published, known, "looked_after_convicted", None, None)
    assert any(line.startswith(f"  {BOOK}, sheet ") for line in workbook)
    assert not any("by file and sheet" in line for line in lines)


def test_explain_tells_where_rows_lie_when_asked(published: Settings, known: Registry) -> None:
    """The head is row 1: three crimes of April in rows 2 to 4, two of May in rows 2 and 3."""
    lines = explain(published, known, "all_crime_rate", None, "2014-15", rows=True)
    first = lines.index("rows of the numerator, by file and sheet (the first row of a sheet is 1):")
    assert lines[first + 1 : first + 3] == [f"  {APRIL}: 2-4", f"  {MAY}: 2-3"]
    assert "Above Bar" in street_row("2014-04") and "Above Bar" not in "\n".join(lines)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_where_rows_lie_goes_to_a_terminal_only(published: Settings) -> None:
    command = [sys.executable, "-m", "safecity_pipeline", "explain", "all_crime_rate", "--rows"]
    command += ["--warehouse", str(published.warehouse)]
    piped = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert (piped.returncode, piped.stdout) == (2, "") and "to a terminal only" in piped.stderr
    ours, theirs = pty.openpty()
    shown = subprocess.run(command, stdout=theirs, env=environment(), check=False)
    os.close(theirs)
    assert shown.returncode == 0
    assert f"{APRIL}: 2-4" in os.read(ours, 1_000_000).decode()
    os.close(ours)


def test_without_the_restricted_database_no_row_is_told(
    published: Settings, known: Registry, tmp_path: Path
) -> None:
    alone = tmp_path / "warehouse" / "releases" / "20150101T000000000000Z" / "public"
    alone.mkdir(parents=True)
    with duckdb.connect(str(alone / "safecity.duckdb")) as connection:
        connection.execute(f"ATTACH '{warehouse.database(current(published))}' AS made (READ_ONLY)")
        connection.execute("COPY FROM DATABASE made TO safecity")
    (tmp_path / "warehouse" / "current").symlink_to(Path("releases") / alone.parent.name)
    elsewhere = published.with_folders(None, tmp_path / "warehouse")
    told = explain(elsewhere, known, "all_crime_rate", None, "2014-15")
    assert any("the restricted part of this release is not here" in line for line in told)
    with pytest.raises(Refused, match="no release has been published here yet"):
        explain(elsewhere, known, "all_crime_rate", None, "2014-15", rows=True)
