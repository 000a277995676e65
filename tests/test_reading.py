"""Workbooks and parquet become plain text, whole, and no file harms the one who reads it.

Every file is made here: .xlsx by openpyxl, .ods by hand, parquet by DuckDB. What a guard must
withstand goes through the child process; what a cell becomes is mostly read in this one.
"""

import csv
import importlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline import warehouse
from safecity_pipeline.ingest.reading import (
    TOP,
    Limits,
    Sheet,
    Transcript,
    ods,
    read_rows,
    transcribe,
    xlsx,
)
from safecity_pipeline.ingest.reading.cells import as_text
from safecity_pipeline.ingest.reading.transcript import sheet_of
from safecity_pipeline.ingest.reading.writing import Book
from safecity_pipeline.model import Refused

openpyxl: Any = importlib.import_module("openpyxl")
Table = list[list[Any]]
SECRET = "Joan Exampleton 943 476 5919"
NAMESPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
    for short in ("office", "table", "text", "style")
)


def save(path: Path, sheets: Mapping[str, Table], change: Callable[[Any], object] = id) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                put(sheet.cell(number, column), value)
    change(workbook)
    workbook.save(path)
    return path


def put(cell: Any, value: Any) -> None:
    """A text stays a text, even one that begins with an equals sign."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"


def patch(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """The same archive with one part changed; what no well-meaning program would write."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts.get(part, b"").decode()).encode()
    return pack(path, parts)


def pack(path: Path, parts: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def save_ods(path: Path, tables: str, before: str = "") -> Path:
    content = (
        f"<?xml version='1.0' encoding='UTF-8'?>{before}<office:document-content {NAMESPACES}>"
        "<office:automatic-styles>"
        "<style:style style:name='hid' style:family='table'>"
        "<style:table-properties table:display='false'/></style:style>"
        "<style:style style:name='seen' style:family='table'>"
        "<style:table-properties table:display='true'/></style:style>"
        f"</office:automatic-styles><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return pack(path, {"mimetype": kind, "content.xml": content})


def ods_table(name: str, rows: Table) -> str:
    body = "".join(
        f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows
    )
    return f"<table:table table:name={quoteattr(name)} table:style-name='seen'>{body}</table:table>"


def ods_cell(value: Any) -> str:
    """A cell as LibreOffice stores it."""

    def typed(kind: str, attribute: str, stored: str) -> str:
        return (
            f"<table:table-cell office:value-type='{kind}' office:{attribute}='{stored}'>"
            "<text:p>as shown</text:p></table:table-cell>"
        )

    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        return typed("boolean", "boolean-value", str(value).lower())
    if isinstance(value, int | float):
        return typed("float", "value", repr(value))
    if isinstance(value, datetime | date):
        return typed("date", "date-value", value.isoformat())
    if isinstance(value, time):
        return typed("time", "time-value", value.strftime("PT%HH%MM%SS"))
    paragraphs = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
    return f"<table:table-cell office:value-type='string'>{paragraphs}</table:table-cell>"


def here(reader: ModuleType, path: Path, folder: Path) -> list[Sheet]:
    """What the child would do, in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    book = Book(folder, Limits())
    reader.read(path, book)
    return [sheet_of(asdict(record), folder) for record in book.records]


def grid(sheet: Sheet) -> list[list[str]]:
    """The whole sheet, blank rows included."""
    known = dict(read_rows(sheet))
    blank = ("",) * sheet.columns
    return [list(known.get(row, blank)) for row in range(1, sheet.rows + 1)]


def named(transcript: Transcript, name: str) -> Sheet:
    return next(sheet for sheet in transcript.sheets if sheet.name == name)


# What a cell becomes


CELLS: list[tuple[Any, str]] = [
    (1750, "1750"),
    (5.6000000000000005, "5.6"),
    (13.600000000000001, "13.6"),
    (301.0, "301"),
    (-0.0, "0"),
    (1234567890123456.0, "1234567890123456"),
    (0.075, "0.075"),
    (True, "TRUE"),
    (False, "FALSE"),
    (date(2014, 3, 31), "2014-03-31"),
    (datetime(2014, 3, 31, 0, 0), "2014-03-31"),
    (datetime(2014, 3, 31, 10, 30), "2014-03-31T10:30:00"),
    (time(10, 30), "10:30:00"),
    ("\u00a0 Yorkshire  and\nThe Humber \t", "Yorkshire  and\nThe Humber"),
    ("46,590", "46,590"),
    ("NA", "NA"),
    ("=not a formula", "=not a formula"),
    ('he said "x", twice', 'he said "x", twice'),
    (" \u00a0", ""),
]


def test_a_cell_becomes_the_same_text_from_either_kind_of_workbook(tmp_path: Path) -> None:
    rows = [[value] for value, _ in CELLS] + [["end"]]
    expected = [[text] for _, text in CELLS] + [["end"]]
    saved = save(tmp_path / "a.xlsx", {"t": rows})
    saved_ods = save_ods(tmp_path / "a.ods", ods_table("t", rows))
    assert grid(here(xlsx, saved, tmp_path / "x")[0]) == expected
    assert grid(here(ods, saved_ods, tmp_path / "o")[0]) == expected


def test_durations_infinities_and_line_ends_have_a_form_too() -> None:
    assert as_text(timedelta(hours=25, minutes=30)) == "25:30:00"
    assert as_text(-timedelta(minutes=90)) == "-01:30:00"
    assert as_text(float("nan")) == as_text(float("inf")) == "#NUM!"
    assert as_text("a\r\nb\rc") == "a\nb\nc"


@given(st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-300))
def test_a_number_keeps_fifteen_digits(value: float) -> None:
    assert float(as_text(value)) == pytest.approx(value, rel=1e-14, abs=0)
    assert not as_text(value).endswith(".0")


LETTERS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")) | st.just("\n"), max_size=8)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    # Of ten digits: the writer of .xlsx rounds to sixteen before the reader rounds to fifteen.
    st.floats(-1e5, 1e5).map(lambda value: round(value, 5)),
    st.dates(date(1901, 1, 1), date(2199, 12, 31)),
    LETTERS,
)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(VALUES, max_size=5), max_size=6))
def test_one_table_reads_alike_from_xlsx_and_ods(
    rows: Table, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("alike")
    (one,) = here(xlsx, save(folder / "a.xlsx", {"t": rows}), folder / "x")
    (two,) = here(ods, save_ods(folder / "a.ods", ods_table("t", rows)), folder / "o")
    width = max((len(row) for row in rows), default=0)
    texts = [[as_text(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
    while texts and not any(texts[-1]):
        texts.pop()
    used = max((n for row in texts for n, text in enumerate(row, 1) if text), default=0)
    assert grid(one) == grid(two) == [row[:used] for row in texts]
    assert (one.rows, one.columns, one.blank) == (two.rows, two.columns, two.blank)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(TEXTS.map(as_text), max_size=4), min_size=1, max_size=8))
def test_duckdb_and_python_read_a_transcript_as_it_was_written(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [*rows, ["last", 'a"b', "line\nbreak", "#x"]]
    folder = tmp_path_factory.mktemp("transcript")
    book = Book(folder, Limits())
    writer = book.sheet("t")
    for number, row in enumerate(rows, start=1):
        writer.put(number, list(row))
    writer.finish(())
    sheet = sheet_of(asdict(book.records[0]), folder)
    written = [(n, *row, *[""] * (4 - len(row))) for n, row in enumerate(rows, 1) if any(row)]
    assert [(number, *cells) for number, cells in read_rows(sheet)] == written
    assert by_duckdb(sheet) == written
    assert sheet.blank_rows() == len(rows) - len(written)


def by_duckdb(sheet: Sheet) -> list[tuple[Any, ...]]:
    """As ingest loads it: strict, all text."""
    assert sheet.path is not None
    names = ["_row", *(f"c{number}" for number in range(sheet.columns))]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    statement = (
        f"SELECT _row::INTEGER, {', '.join(f'coalesce({n}, $$$$)' for n in names[1:])}"
        f" FROM read_csv('{sheet.path.as_posix()}', header = false, auto_detect = false,"
        f" columns = {{{columns}}}, strict_mode = true, quote = '\"', escape = '\"')"
    )
    return warehouse.memory().execute(statement).fetchall()


# What a workbook holds


def hide_and_chart(workbook: Any) -> None:
    workbook["first"].sheet_state = "veryHidden"
    workbook["notes"].sheet_state = "hidden"
    workbook.create_chartsheet("chart", 0).add_chart(openpyxl.chart.BarChart())


def test_visible_sheets_are_transcribed_hidden_ones_listed_charts_passed_over(
    tmp_path: Path,
) -> None:
    tables: dict[str, Table] = {"first": [[SECRET]], "data": [["a"]], "notes": [[1]], "empty": []}
    read = transcribe(save(tmp_path / "a.xlsx", tables, hide_and_chart), tmp_path / "into")
    assert [(sheet.name, sheet.visible) for sheet in read.sheets] == [
        ("first", False),
        ("data", True),
        ("notes", False),
        ("empty", True),
    ]
    hidden, data, _, empty = read.sheets
    assert hidden.path is None and list(read_rows(hidden)) == []
    assert grid(data) == [["a"]] and by_duckdb(data) == [(1, "a")]
    assert (empty.rows, empty.columns, empty.top, grid(empty)) == (0, 0, (), [])
    written = [path for path in (tmp_path / "into").rglob("*") if path.is_file()]
    assert sorted(written) == sorted(sheet.path for sheet in read.visible if sheet.path)
    assert all(SECRET not in path.read_text(encoding="utf-8") for path in written)


def test_formulas_without_a_value_and_errors_are_seen(tmp_path: Path) -> None:
    """openpyxl stores no value for a formula, as other programs do that do not calculate."""
    path = save(tmp_path / "a.xlsx", {"t": [[None, "end"], [None, "end"], [None, "end"]]})

    def formulas(xml: str) -> str:
        cells = (
            '<row r="1"><c r="A1"><f>1/0</f></c>',
            '<row r="2"><c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>',
            '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c>',
        )
        for number, cell in enumerate(cells, start=1):
            xml = xml.replace(f'<row r="{number}">', cell)
        return xml

    patch(path, "xl/worksheets/sheet1.xml", formulas)
    (sheet,) = here(xlsx, path, tmp_path / "x")
    assert grid(sheet) == [["#FORMULA", "end"], ["#DIV/0!", "end"], ["", "end"]]
    workbook = openpyxl.load_workbook(path)
    workbook["t"]["A1"] = "=SUM(1, 1)"
    workbook.save(path)
    assert grid(here(xlsx, path, tmp_path / "y")[0])[0] == ["#FORMULA", "end"]


def test_shared_strings_as_excel_stores_them(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", {"t": [[0, 1]]})
    strings = (
        "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>"
        "<si><r><t>31 March</t></r><r><rPr><vertAlign val='superscript'/></rPr><t>3</t></r></si>"
        "<si><t xml:space='preserve'> one_x000D_\ntwo </t></si></sst>"
    )
    declared = (
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml" /></Types>'
    )
    patch(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('t="n"', 't="s"'))
    patch(path, "[Content_Types].xml", lambda xml: xml.replace("</Types>", declared))
    patch(path, "xl/sharedStrings.xml", lambda _: strings)
    assert grid(here(xlsx, path, tmp_path / "x")[0]) == [["31 March3", "one\ntwo"]]


def merge(workbook: Any) -> None:
    workbook["t"].merge_cells("B1:C1")
    workbook["t"].merge_cells("A1:A2")
    workbook["t"].merge_cells("A4:Z900")


MERGED: Table = [["area", "looked after", None], [None, "number", "%"], ["Leeds", 10, 7.5], ["end"]]


def test_merged_cells_are_filled_in_a_second_view(tmp_path: Path) -> None:
    """area | looked after |          area | looked after | looked after
    | number       | %   →    area | number       | %
    """
    (sheet,) = here(xlsx, save(tmp_path / "a.xlsx", {"t": MERGED}, merge), tmp_path / "x")
    assert sheet.top[:2] == (("area", "looked after", ""), ("", "number", "%"))
    assert sheet.filled == (
        ("area", "looked after", "looked after"),
        ("area", "number", "%"),
        ("Leeds", "10", "7.5"),
        ("end", "end", "end"),
    )
    assert grid(sheet) == [list(row) for row in sheet.top]


def test_rows_beyond_the_top_and_blank_runs_are_counted(tmp_path: Path) -> None:
    rows: Table = [["a"], [], [], ["b"], *([n] for n in range(5, 101)), [None, None], ["end"]]
    (sheet,) = here(xlsx, save(tmp_path / "a.xlsx", {"t": rows}), tmp_path / "x")
    assert (sheet.rows, sheet.columns, sheet.blank) == (102, 1, ((2, 3), (101, 101)))
    assert len(sheet.top) == TOP and sheet.top[:5] == (("a",), ("",), ("",), ("b",), ("5",))
    counted = [sheet.blank_rows(), sheet.blank_rows(3), sheet.blank_rows(1, 2)]
    assert counted == [2 + 1, 1 + 1, 1]
    assert sheet.blank_rows(4, 100) == 0 and sheet.blank_rows(103, 2_000) == 0


@pytest.mark.parametrize("dimension", ["A1", "A1:B1", "B2:C900000", "A1:XFD1048576"])
def test_a_wrong_stored_dimension_loses_no_cell(tmp_path: Path, dimension: str) -> None:
    table: Table = [[row * 10 + column for column in range(4)] for row in range(3)]
    path = save(tmp_path / "a.xlsx", {"t": table})
    patch(
        path,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace('<dimension ref="A1:D3"', f'<dimension ref="{dimension}"'),
    )
    (sheet,) = here(xlsx, path, tmp_path / "x")
    assert grid(sheet) == [[str(cell) for cell in row] for row in table]


def test_formatted_cells_without_content_make_a_sheet_no_larger(tmp_path: Path) -> None:
    def paint(workbook: Any) -> None:
        for place in ("IV1", "A900", "XFD2"):
            workbook["t"][place].number_format = "0.00"

    (sheet,) = here(xlsx, save(tmp_path / "a.xlsx", {"t": [[1, 2], [3]]}, paint), tmp_path / "x")
    assert (sheet.rows, sheet.columns, grid(sheet)) == (2, 2, [["1", "2"], ["3", ""]])


ODS = """
<table:table table:name='linked' table:style-name='hid'><table:table-row><table:table-cell
  office:value-type='string'><text:p>hidden</text:p></table:table-cell></table:table-row>
</table:table>
<table:table table:name='t' table:style-name='seen'>
 <table:table-header-rows><table:table-row>
  <table:table-cell office:value-type='string' table:number-columns-spanned='2'
   table:number-rows-spanned='1'><office:annotation><text:p>a comment</text:p></office:annotation>
   <text:p>looked<text:s text:c='2'/><text:span>after</text:span></text:p><text:p>2014</text:p>
  </table:table-cell><table:covered-table-cell/>
  <table:table-cell table:number-columns-repeated='16382'/>
 </table:table-row></table:table-header-rows>
 <table:table-row table:number-rows-repeated='2'>
  <table:table-cell office:value-type='float' office:value='7' table:number-columns-repeated='2'>
   <text:p>7.0</text:p></table:table-cell>
 </table:table-row>
 <table:table-row table:number-rows-repeated='3'><table:table-cell/></table:table-row>
 <table:table-row table:visibility='collapse'>
  <table:table-cell office:value-type='percentage' office:value='0.075'><text:p>7.5%</text:p>
   </table:table-cell>
  <table:table-cell table:formula='of:=1/0' office:value-type='string' office:string-value=''>
   <text:p>#DIV/0!</text:p></table:table-cell>
  <table:table-cell table:formula='of:=1/0' office:value-type='float' office:value='0'>
   <text:p>Err:502</text:p></table:table-cell>
  <table:table-cell table:formula='of:=A1'/>
  <table:table-cell office:value-type='time' office:time-value='PT25H30M00S'/>
 </table:table-row>
 <table:table-row table:number-rows-repeated='1048569'>
  <table:table-cell table:number-columns-repeated='16384'/></table:table-row>
</table:table>
"""


def test_an_ods_sheet_with_repeats_spans_errors_and_comments(tmp_path: Path) -> None:
    read = transcribe(save_ods(tmp_path / "a.ods", ODS), tmp_path / "into")
    assert [(sheet.name, sheet.visible) for sheet in read.sheets] == [
        ("linked", False),
        ("t", True),
    ]
    sheet = named(read, "t")
    assert grid(sheet) == [
        ["looked  after\n2014", "", "", "", ""],
        ["7", "7", "", "", ""],
        ["7", "7", "", "", ""],
        *[[""] * 5] * 3,
        ["0.075", "#DIV/0!", "Err:502", "#FORMULA", "25:30:00"],
    ]
    assert sheet.filled[0] == ("looked  after\n2014", "looked  after\n2014", "", "", "")
    assert sheet.blank == ((4, 6),) and len(by_duckdb(sheet)) == 4


# Parquet


def test_parquet_is_text_with_the_names_in_row_one(tmp_path: Path) -> None:
    path = tmp_path / "it's [1].parquet"
    connection = warehouse.memory()
    connection.execute(
        "CREATE TABLE t AS SELECT * FROM (VALUES"
        " (301.0::DOUBLE, 5.6000000000000005::DOUBLE, 5.6::FLOAT, 12.50::DECIMAL(9, 2), 7,"
        "  true, DATE '2014-03-31', TIMESTAMP '2014-03-31 00:00:00', chr(160) || ' a\"b '),"
        " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '  '),"
        " ('nan', 1e20, 301.0, 100.00, -1, false, NULL, TIMESTAMP '2014-03-31 10:30:00',"
        "  'x,' || chr(13) || chr(10) || 'y')) AS t(\"LA Number\", b, c, d, e, f, g, h, i)"
    )
    quoted = str(path).replace("'", "''")
    connection.execute(f"COPY t TO '{quoted}' (FORMAT parquet)")
    (sheet,) = transcribe(path, tmp_path / "into").sheets
    assert (sheet.name, sheet.visible, sheet.rows, sheet.columns) == ("", True, 4, 9)
    assert grid(sheet) == [
        ["LA Number", "b", "c", "d", "e", "f", "g", "h", "i"],
        ["301", "5.6", "5.6", "12.5", "7", "TRUE", "2014-03-31", "2014-03-31", 'a"b'],
        [""] * 9,
        ["#NUM!", "1e+20", "301", "100", "-1", "FALSE", "", "2014-03-31T10:30:00", "x,\ny"],
    ]
    assert sheet.blank == ((3, 3),) and [row[0] for row in by_duckdb(sheet)] == [1, 2, 4]


# What a guard must withstand


def cell_at(reference: str) -> Callable[[Any], None]:
    def change(workbook: Any) -> None:
        workbook["t"][reference] = SECRET

    return change


BOMB = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>"


def hostile(kind: str, folder: Path) -> Path:
    book, page = folder / "a.xlsx", folder / "a.ods"
    match kind:
        case "far right":
            save(book, {"t": []}, cell_at("XFD1048576"))
        case "expands":
            save(book, {"t": [[SECRET]]})
            with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("xl/media/zeros.xml", bytes(60_000_000))
        case "entities":
            save(book, {"t": [[SECRET]]})
            patch(book, "xl/worksheets/sheet1.xml", lambda xml: BOMB + xml)
        case "entities in styles":
            save(book, {"t": [[SECRET]]})
            patch(book, "xl/styles.xml", lambda xml: BOMB + xml)
        case "entities in ods":
            return save_ods(page, ods_table("t", [[SECRET]]), BOMB)
        case "cut short":
            save(book, {"t": [[SECRET]] * 50})
            book.write_bytes(book.read_bytes()[:-200])
        case "flipped":
            book.write_bytes(flipped(save(book, {"t": [[SECRET]] * 50})))
        case "no workbook":
            pack(book, {"word/document.xml": SECRET})
        case "a web page":
            book.write_text(f"<html><table><tr><td>{SECRET}</td></tr></table></html>")
        case "old":
            book.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + SECRET.encode() * 20)
        case "out of order":
            save(book, {"t": [["a", SECRET]]})
            patch(book, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('r="B1"', 'r="A1"'))
        case "locked ods":
            save_ods(page, ods_table("t", [[SECRET]]))
            listed = "<m:manifest xmlns:m='urn:x'><m:file-entry><m:encryption-data/></m:file-entry>"
            with zipfile.ZipFile(page, "a") as archive:
                archive.writestr("META-INF/manifest.xml", f"{listed}</m:manifest>")
            return page
        case "repeats":
            row = f"<table:table-row table:number-rows-repeated='1000000'>{ods_cell(7)}"
            cells = row.replace(
                "<table:table-cell ", "<table:table-cell table:number-columns-repeated='3000' "
            )
            return save_ods(page, f"<table:table>{cells}</table:table-row></table:table>")
        case "parquet cut short":
            cut = folder / "a.parquet"
            cut.write_bytes(b"PAR1" + SECRET.encode() * 50)
            return cut
        case "parquet of noise":
            noise = folder / "a.parquet"
            noise.write_bytes(b"PAR1" + SECRET.encode() * 50 + b"PAR1")
            return noise
        case other:
            return folder / f"a{other}"
    return book


def flipped(path: Path) -> bytes:
    """One byte changed in the middle of the sheet's packed rows: its checksum does not fit."""
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    content = bytearray(path.read_bytes())
    content[part.header_offset + 80 + part.compress_size // 2] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("far right", "to the right of column 4,000.*row 1048576, column 16,384.*delete the stray"),
        ("expands", "more than 200 times its size.*bytes that unpack to 60,0.*new workbook"),
        ("entities", "declares XML entities.*do not open it"),
        ("entities in styles", "declares XML entities"),
        ("entities in ods", "declares XML entities"),
        ("cut short", "cut short or damaged.*send it again"),
        ("flipped", "damaged|cannot be read"),
        ("no workbook", "cannot be read as the kind of file.*save it as .xlsx"),
        ("a web page", "cut short or damaged"),
        ("old", "password, or an old .xls.*save it as .xlsx without a password"),
        ("out of order", "sheet 't': its rows or cells stand out of order.*save it as .xlsx"),
        ("locked ods", "with a password.*save it without a password"),
        ("repeats", "more than 5,000,000 filled cells"),
        ("parquet cut short", "cut short or damaged"),
        ("parquet of noise", "cannot be read"),
    ],
)
def test_a_hostile_or_broken_file_is_refused_with_the_repair_and_leaves_nothing(
    tmp_path: Path, kind: str, words: str
) -> None:
    path = hostile(kind, tmp_path)
    with pytest.raises(Refused, match=words) as refused:
        transcribe(path, tmp_path / "into")
    assert refused.value.repair and SECRET not in str(refused.value)
    assert list((tmp_path / "into").iterdir()) == []


def test_one_cell_far_below_makes_a_small_transcript(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", {"t": [["a"]]}, cell_at("C1048576"))
    (sheet,) = transcribe(path, tmp_path / "into").sheets
    assert list(read_rows(sheet)) == [(1, ("a", "", "")), (1_048_576, ("", "", SECRET))]
    assert (sheet.rows, sheet.blank) == (1_048_576, ((2, 1_048_575),))
    assert sheet.blank_rows() == 1_048_574 and len(sheet.top) == TOP


SMALL: Table = [["abc", "de"], ["f", "g"]]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(columns=1), "to the right of column 1"),
        (Limits(rows=1), "below row 1"),
        (Limits(cells=3), "more than 3 filled cells"),
        (Limits(sheets=0), "more than 0 sheets"),
        (Limits(cell_letters=2), "row 1: a cell holds more than 2 letters; got: 3"),
        (Limits(row_letters=4), "row 1: a row holds more than 4 letters; got: 5"),
        (Limits(letters=6), "more text than a table"),
        (Limits(top_letters=6), "more text than a table"),
        (Limits(expanded=10), "unpacks to more than 10 bytes"),
        (Limits(entries=1), "more than 1 parts; got: 2"),
    ],
)
def test_each_limit_holds(tmp_path: Path, limits: Limits, words: str) -> None:
    """2 rows, 2 columns, 4 cells of 3 + 2 + 1 + 1 = 7 letters, in an archive of two parts."""
    path = save_ods(tmp_path / "a.ods", ods_table("t", SMALL))
    with pytest.raises(Refused, match=words):
        transcribe(path, tmp_path / "into", limits=limits)
    exact = Limits(
        columns=2, rows=2, cells=4, sheets=1, cell_letters=3, row_letters=5, letters=7, entries=2
    )
    assert grid(transcribe(path, tmp_path, limits=exact).sheets[0]) == SMALL


@pytest.mark.skipif(sys.platform == "win32", reason="Windows enforces no such limits")
@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(address_space=160_000_000), "takes more memory"),
        (Limits(cpu_seconds=1), "takes longer"),
        (Limits(wall_seconds=0.5), "takes longer"),
    ],
)
def test_memory_and_time_run_out_in_the_child_alone(
    tmp_path: Path, limits: Limits, words: str
) -> None:
    """A row of five million cells: 85 million bytes of XML that make some 500 of objects."""
    cells = "<table:table-cell/>" * 5_000_000
    row = f"<table:table><table:table-row>{cells}</table:table-row></table:table>"
    path = save_ods(tmp_path / "a.ods", row)
    with pytest.raises(Refused, match=words):
        transcribe(path, tmp_path / "into", limits=Limits(**{**asdict(limits), "ratio": 10_000}))
    assert list((tmp_path / "into").iterdir()) == []


def test_merged_ranges_that_lie_upon_each_other_are_refused(tmp_path: Path) -> None:
    def overlap(workbook: Any) -> None:
        workbook["t"].merge_cells("A1:B2")

    path = save(tmp_path / "a.xlsx", {"t": SMALL}, overlap)
    more = '<mergeCell ref="A1:A2" /></mergeCells>'
    patch(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("</mergeCells>", more))
    with pytest.raises(Refused, match="merged cells overlap"):
        here(xlsx, path, tmp_path / "x")


@pytest.mark.parametrize("kind", ["flipped", "entities", "out of order", "parquet of noise"])
def test_the_child_writes_no_word_to_its_streams(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "safecity_pipeline.ingest.reading.child"]
    command += [str(hostile(kind, tmp_path)), str(tmp_path), "{}"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert SECRET not in (tmp_path / "result.json").read_text(encoding="utf-8")


def test_the_child_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    path = save_ods(tmp_path / "a.ods", ods_table("t", SMALL))
    script = (
        "import sys; from safecity_pipeline.ingest.reading import child;"
        "child.main(sys.argv[1:]); heavy = {'pandas', 'pandera', 'dagster', 'numpy', 'duckdb'};"
        "sys.exit(1 if any(sys.modules.get(name) for name in heavy) else 0)"
    )
    command = [sys.executable, "-c", script, str(path), str(tmp_path), "{}"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


# Real files


@pytest.fixture(scope="module")
def looked_after(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Transcript:
    return transcribe(real_data / LOOKED_AFTER, tmp_path_factory.mktemp("looked-after"))


LOOKED_AFTER = "dfe-looked-after-children/SFR49_2014_LATables.xlsx"


def test_the_looked_after_workbook(looked_after: Transcript) -> None:
    assert [sheet.name for sheet in looked_after.visible] == [
        "Index",
        *(f"Table LA{number}" for number in range(1, 11)),
    ]
    table = named(looked_after, "Table LA4")
    assert (table.rows, table.columns) == (192, 7)
    assert dict(read_rows(table))[157] == ("Southampton", "345", "", "160", "", "10", "7.5")
    assert table.top[4][5:] == ("Looked after children aged 10 and above", "")
    assert table.filled[4][5:] == ("Looked after children aged 10 and above",) * 2
    assert named(looked_after, "Table LA1").columns == 8


def test_the_marker_x_stands_in_the_looked_after_workbook_as_often_as_it_is_told(
    looked_after: Transcript,
) -> None:
    """Whole cells that read "x", over all eleven sheets."""
    cells = (text for sheet in looked_after.visible for _, row in read_rows(sheet) for text in row)
    assert sum(text == "x" for text in cells) == 4_321


def test_every_cell_of_the_looked_after_workbook_stands_where_openpyxl_sees_it(
    looked_after: Transcript, real_data: Path
) -> None:
    """openpyxl in its other mode, which builds each sheet whole."""
    workbook = openpyxl.load_workbook(real_data / LOOKED_AFTER, data_only=True)
    for sheet in looked_after.visible:
        theirs = {
            (cell.row, cell.column): as_text(cell.value)
            for row in workbook[sheet.name].iter_rows()
            for cell in row
            if as_text(cell.value)
        }
        ours = {
            (row, column): text
            for row, cells in read_rows(sheet)
            for column, text in enumerate(cells, start=1)
            if text
        }
        assert ours == theirs, sheet.name


def test_the_long_extract_of_the_department_for_education(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "dfe-lait-2024-11-19/bds_long_0.parquet"
    (sheet,) = transcribe(path, tmp_path).sheets
    assert (sheet.rows, sheet.columns, sheet.blank) == (531_930 + 1, 7, ())
    assert sheet.top[0][:2] == ("Short Desc", "Data item")
    assert sheet.top[1][3:6] == ("Barking and Dagenham", "12.44", "301")
    assert sheet.path is not None
    with sheet.path.open(encoding="utf-8", newline="") as handle:
        rows = [int(row[0]) for row in csv.reader(handle)]
    assert rows == list(range(1, 531_932))
