"""The workbook of a release: to the guidance on accessible spreadsheets, and safe to open.

Here: what stands in its cells and how, on a drawn edition, and its rows against a release of the
whole sample. Not here: the CSV files (`test_open_data`), the figures themselves.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import drawn_edition
import duckdb
import openpyxl  # type: ignore[import-untyped]
import pytest
from drawn_edition import HOSTILE, edition, finding

from safecity_pipeline.publish import workbook
from safecity_pipeline.publish.harmless import is_danger, visible
from safecity_pipeline.publish.shorthand import MEANING
from safecity_pipeline.registry import Registry

FIRST = ["Cover", "Contents", "Notes"]
FILE = "assessment-2014-15.xlsx"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_edition.draw(tmp_path_factory.mktemp("drawn"), drawn_edition.rows())


@pytest.fixture(scope="module")
def file(release: Path, tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Path:
    return written(release, tmp_path_factory.mktemp("written"), known)


def written(release: Path, into: Path, known: Registry, audience: str = "public") -> Path:
    with edition(release, into, known, audience) as one:
        workbook.write(one)
    return into / FILE


@pytest.fixture(scope="module")
def book(file: Path) -> Any:
    return openpyxl.load_workbook(file)


def table(sheet: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The heads of a sheet's one table, without the notes they refer to, and its rows of cells."""
    ((_, where),) = sheet.tables.items()
    head, *rows = sheet[where]
    return [str(cell.value).partition("\n")[0] for cell in head], rows


def column(sheet: Any, head: str) -> list[Any]:
    heads, rows = table(sheet)
    return [row[heads.index(head)] for row in rows]


def of_tables(book: Any) -> Iterator[Any]:
    return (sheet for sheet in book.worksheets if sheet.title not in FIRST)


# --- the guidance --------------------------------------------------------------------------------


def test_cover_contents_notes_and_then_one_table_a_sheet(book: Any) -> None:
    assert book.sheetnames[:3] == FIRST
    assert column(book["Contents"], "Sheet name")[0].hyperlink.location == "'Findings'!A1"
    listed = [cell.value for cell in column(book["Contents"], "Sheet name")]
    assert listed == book.sheetnames[3:]
    assert "Targets" not in listed  # none is drawn: no sheet, and no entry
    for sheet in of_tables(book):
        ((name, where),) = sheet.tables.items()
        assert where.startswith("A") and sheet.dimensions.endswith(where.partition(":")[2]), name
        heads, _ = table(sheet)
        assert all(heads) and sheet["A1"].font.b and not sheet["A2"].font.b


def test_no_merged_no_empty_cell_no_colour_and_no_formula(book: Any) -> None:
    for sheet in book.worksheets:
        assert not sheet.merged_cells.ranges
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert {cell.fill.fill_type for cell in cells} == {None}
        colours = {cell.font.color.rgb for cell in cells if cell.font.color and not cell.hyperlink}
        assert not [one for one in colours if isinstance(one, str)], sheet.title
        assert "f" not in {cell.data_type for cell in cells}
        if sheet.title != "Cover":
            _, rows = table(sheet)
            assert [
                cell.coordinate for row in rows for cell in row if cell.value in (None, "")
            ] == []


def test_shorthand_is_explained_on_the_sheet_where_it_stands(book: Any) -> None:
    for sheet in of_tables(book):
        _, rows = table(sheet)
        used = {cell.value for row in rows for cell in row} & set(MEANING)
        above = [str(sheet.cell(row, 1).value) for row in range(1, rows[0][0].row - 1)]
        told = {line.partition(" ")[0] for line in above if line.startswith("[")}
        assert told == used, sheet.title


def test_notes_that_heads_name_are_on_the_sheet_of_notes(book: Any) -> None:
    numbers = {cell.value for cell in column(book["Notes"], "Note number")}
    named = set()
    for sheet in of_tables(book):
        ((_, where),) = sheet.tables.items()
        for cell in sheet[where][0]:
            _, _, note = str(cell.value).partition("\n[note ")
            named |= {int(note.rstrip("]"))} if note else set()
    assert named == numbers == set(range(1, len(numbers) + 1))


def test_made_up_data_says_so_on_every_sheet(book: Any) -> None:
    for sheet in book.worksheets:
        first = [str(sheet.cell(row, 1).value) for row in range(1, 6)]
        assert any("Made-up data" in line for line in first), sheet.title


# --- cells ---------------------------------------------------------------------------------------


def test_values_are_numbers_and_what_is_none_says_why(book: Any) -> None:
    sheet = book["Values by year"]
    by_period = {
        period.value: (shown.value, mark.value, why.value, lower.value)
        for period, shown, mark, why, lower in zip(
            *(column(sheet, head) for head in ("Period", "Value", "Mark", "Why", "Likely from")),
            strict=True,
        )
    }
    assert by_period == {
        "2014/15": (30, "none", "[z]", 20.25),
        "2013/14": (0, "[b]", "[z]", 20.25),
        "2012/13": ("[c]", "[c]", "not shown", "[c]"),
        "2011/12": ("[x]", "[x]", "=not received", 20.25),
    }
    (*_, shown) = column(sheet, "Value")
    assert shown.data_type == "n" and shown.number_format == "#,##0.0"


def test_a_suppressed_finding_is_not_one_that_nobody_could_make(
    tmp_path: Path, known: Registry
) -> None:
    rows = drawn_edition.rows()
    none = dict.fromkeys(("value", "base_value", "change"))
    rows["mart.finding"] = [
        finding(comparison="five_years", status="suppressed", **none),
        finding(status="missing_base", base_value=None, change=None),
        finding(comparison="peer_rank", base_period=None, base_value=None, change=None,
                rank_high=2, rank_of=15),
    ]  # fmt: skip
    book = openpyxl.load_workbook(
        written(drawn_edition.draw(tmp_path / "drawn", rows), tmp_path / "into", known)
    )
    heads = ("Value", "Compared value", "Change", "Place, 1 is highest", "Place, 1 is best")
    found = zip(*(column(book["Findings"], head) for head in heads), strict=True)
    assert [tuple(cell.value for cell in row) for row in found] == [
        ("[c]", "[c]", "[c]", "[z]", "[z]"),
        (30, "[z]", "[z]", 2, "[z]"),
        (30, "[x]", "[x]", "[z]", "[z]"),
    ]


def test_a_text_is_a_text_whatever_it_holds(book: Any) -> None:
    """No formula, no link, no name of a note; and none becomes one once it is edited."""
    found = {cell.value: cell for cell in column(book["Breakdowns"], "Part")}
    # A line end within a cell is one character in XML.
    wanted = {visible(text): text for text in HOSTILE if text.strip()}
    assert set(found) == {*wanted, "[z]"}
    for shown, text in wanted.items():
        assert found[shown].data_type == "s" and found[shown].hyperlink is None
        assert found[shown].quotePrefix == is_danger(text), text
    claims = column(book["Claims"], "Published")
    assert {(cell.value, cell.data_type) for cell in claims} == {(-31.7, "n")}
    links = [cell for sheet in of_tables(book) for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in links if cell.hyperlink] == []


def test_a_text_that_is_too_long_is_cut_and_says_so(tmp_path: Path, known: Registry) -> None:
    rows = drawn_edition.rows()
    rows["mart.claim"] = [{"claim": "C01", "statement": "x" * 40_000, "verdict": "differs"}]
    book = openpyxl.load_workbook(
        written(drawn_edition.draw(tmp_path / "drawn", rows), tmp_path / "into", known)
    )
    (cell,) = column(book["Claims"], "Sentence as published")
    assert len(cell.value) == 32_767 and cell.value.endswith("(cut here: a cell holds no more)")


# --- the file ------------------------------------------------------------------------------------


def test_the_same_release_makes_the_same_bytes(
    tmp_path: Path, release: Path, file: Path, book: Any, known: Registry
) -> None:
    assert written(release, tmp_path, known).read_bytes() == file.read_bytes()
    assert book.properties.created == datetime(2015, 9, 30, 12, 0, 0)


def test_the_marking_stands_on_every_sheet_of_the_partners_edition(
    tmp_path: Path, release: Path, book: Any, known: Registry
) -> None:
    marked = openpyxl.load_workbook(written(release, tmp_path, known, "partners"))
    for sheet in marked.worksheets:
        assert "OFFICIAL-SENSITIVE" in [sheet.cell(row, 1).value for row in range(1, 4)]
        assert sheet.oddHeader.center.text == "OFFICIAL-SENSITIVE"
    for sheet in book.worksheets:
        assert not sheet.oddHeader.center.text
        for row in sheet.iter_rows(values_only=True):
            assert "OFFICIAL-SENSITIVE" not in row


def test_a_release_without_figures_has_a_workbook_without_their_sheets(
    tmp_path: Path, known: Registry, recwarn: pytest.WarningsRecorder
) -> None:
    rows = drawn_edition.rows()
    few = {name: rows[name] for name in ("meta.release", "meta.indicator")}
    book = openpyxl.load_workbook(
        written(drawn_edition.draw(tmp_path / "drawn", few), tmp_path / "into", known)
    )
    assert book.sheetnames == ["Cover", "Contents", "Indicators"]
    assert [str(one.message) for one in recwarn if "gptables" in one.filename] == []


# --- a release of the whole sample ---------------------------------------------------------------

YEAR = "period_kind NOT IN ('month', 'quarter')"
OF_CITY = "mart.indicator_value JOIN meta.release r USING (area_code)"
COUNTS = {
    "Findings": "mart.finding JOIN meta.release r USING (area_code) JOIN (SELECT DISTINCT period, "
    f"period_end FROM mart.indicator_value WHERE {YEAR}) USING (period) WHERE dimension = 'all' "
    "AND period_end BETWEEN DATE '2014-04-01' AND DATE '2015-03-31'",
    "Values by year": f"{OF_CITY} WHERE dimension = 'all' AND {YEAR}",
    "Months": f"{OF_CITY} WHERE dimension = 'all' AND NOT {YEAR}",
    "Areas compared": "mart.indicator_value WHERE dimension = 'all' AND period = '2014-15'",
    "Breakdowns": f"{OF_CITY} WHERE dimension <> 'all' AND period = r.year",
    "Targets": "mart.target",
    "Claims": "mart.claim",
    "Drafts": "mart.draft",
    "Breaks": "mart.break_estimate WHERE combined OR method = 'scan'",
    "Comparable values": "mart.comparable_value",
    "Definition changes": "meta.definitional_change",
    "Arrivals": "meta.arrival",
    "Indicators": "meta.indicator",
    "Sources": "(SELECT DISTINCT source FROM meta.extract WHERE status = 'read')",
}


def test_the_sheets_of_a_release_hold_as_many_rows_as_its_tables(whole_sample: Path) -> None:
    public = whole_sample / "warehouse" / "current" / "public"
    book = openpyxl.load_workbook(public / FILE)
    with duckdb.connect(str(public / "safecity.duckdb"), read_only=True) as connection:
        counted = {
            sheet: connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
            for sheet, rows in COUNTS.items()
        }
        hidden = connection.execute(
            f"SELECT count(*) FROM {OF_CITY} WHERE dimension = 'all' AND {YEAR} "
            "AND obs_status = 'C'"
        ).fetchall()
    assert {sheet.title: len(table(sheet)[1]) for sheet in of_tables(book)} == counted
    shown = [cell.value for cell in column(book["Values by year"], "Value")]
    assert [(shown.count("[c]"),)] == hidden
    assert all(isinstance(one, int | float) for one in shown if one not in MEANING)
