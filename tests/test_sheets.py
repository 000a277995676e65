"""Sheets of workbooks through the spine: heads of several rows, markers, ends, rules across rows.

The drawn workbook has what real ones have: a title, a head of two rows with merged cells, a
spacer column, footnote digits, a region among the areas, notes below, a sheet of something else,
a hidden one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import Bench, check_named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]
from pandera.typing import Series

from safecity_pipeline import bookkeeping
from safecity_pipeline.ingest import heads
from safecity_pipeline.model import CrossRow, Layout, Source
from safecity_pipeline.registry import Registry


class Care(pa.DataFrameModel):
    """A number of children in one area and year."""

    area_name: Series[str] = pa.Field(description="Area")
    year: Series[pd.Int64Dtype] = pa.Field(description="Year ending in March")
    measure: Series[str] = pa.Field(description="What is counted")
    value: Series[float] = pa.Field(
        nullable=True, description="How many", metadata={"markers": True}
    )

    @pa.check("value", name="value_possible", error="a number of children is not below 0")
    def value_possible(cls, values: pd.Series) -> pd.Series:
        return values >= 0


WHOLE_IS_PARTS = """
    SELECT w._extract, w._row, w.value::VARCHAR || ' against ' || p.value::VARCHAR AS got
    FROM candidate w
    JOIN (SELECT _extract, year, measure, sum(value) AS value FROM candidate
          WHERE area_name <> 'ENGLAND' GROUP BY ALL) p USING (_extract, year, measure)
    WHERE w.area_name = 'ENGLAND' AND abs(w.value - p.value) > $threshold"""

SOURCE = Source(
    name="care",
    title="Children in care",
    supplier="Nobody",
    licence="none",
    model=Care,
    geography="area_name",
    period_start="make_date(year, 3, 31)",
    period_end="make_date(year, 3, 31)",
    key=("area_name", "year", "measure"),
    across=(
        CrossRow(
            "whole_is_parts",
            "England is the sum of the rest",
            WHOLE_IS_PARTS,
            over="extract",
            severity="quarantine",
            threshold=10,
        ),
    ),
)
LAYOUT = Layout(
    source="care",
    name="care_2014",
    title="Table 1 of the workbook",
    files=("care*.xlsx",),
    sheet="Table 1",
    columns={"": "area_name"},
    head_rows=(3, 4),
    end=r"Source: .*",
    footnotes=True,
    titles=r"Years: (?P<year>\d{4})",
    given=("year",),
    wide={"Children in care": "in_care", "Aged 10 or over / Convicted": "convicted"},
    wide_label="measure",
    wide_value="value",
    ignored=("Aged 10 or over / Per cent",),
    markers={"x": "suppressed", r"\.": "not_applicable", r"<(\d+)": r"below:\1"},
    rounded="in_care",
)
#         A            B                    C (spacer) D                    E
DRAWN: list[list[object]] = [
    ["Table 1: children in care1"],
    ["Years: 2014"],
    [None, "Children in care2", None, "Aged 10 or over", None],
    [None, None, None, "Convicted3,4", "Per cent"],
    [],
    ["ENGLAND", 300, None, 40, 13.3],
    ["Ashton", 200, None, 30, 15.000000000000002],
    ["Barton", 100, None, "x", "x"],
    ["Corton", "<5", None, ".", "."],
    [],
    [None, None, None, None, "Source: nobody"],
    ["1. Drawn for a test"],
]
IN_CARE = "SELECT area_name, value, value_status, value_marker FROM clean.care WHERE measure = "


def drawn(rows: list[list[object]], merged: tuple[str, ...] = ("B3:B4", "D3:E3")) -> Workbook:
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = "Index"
    first.append(["What is in here"])
    sheet = book.create_sheet("Table 1")
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    book.create_sheet("Workings").append(["nobody's business"])
    book["Workings"].sheet_state = "hidden"
    return book


Made = Callable[..., Bench]


@pytest.fixture
def made(tmp_path: Path, known: Registry) -> Made:
    def make(rows: list[list[object]], layout: Layout = LAYOUT) -> Bench:
        bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
        drawn(rows).save(bench.raw / "care.xlsx")
        bench.take_in("care")
        return bench

    return make


def with_cell(row: int, column: int, value: object) -> list[list[object]]:
    """The drawn sheet with one cell (from 1) altered."""
    rows = [list(cells) for cells in DRAWN]
    rows[row - 1][column - 1] = value
    return rows


def test_every_cell_is_a_value_with_a_status(made: Made) -> None:
    bench = made(DRAWN)
    assert bench.rows(f"{IN_CARE} 'in_care' ORDER BY _row") == [
        ("ENGLAND", 300.0, "rounded", None),
        ("Ashton", 200.0, "rounded", None),
        ("Barton", 100.0, "rounded", None),
        ("Corton", None, "below:5", "<5"),
    ]
    assert bench.rows(f"{IN_CARE} 'convicted' ORDER BY _row") == [
        ("ENGLAND", 40.0, "ok", None),
        ("Ashton", 30.0, "ok", None),
        ("Barton", None, "suppressed", "x"),
        ("Corton", None, "not_applicable", "."),
    ]
    assert bench.rows("SELECT DISTINCT year FROM clean.care") == [(2014,)]


def test_the_ledger_counts_every_row_of_every_sheet(made: Made) -> None:
    bench = made(DRAWN)
    # Table 1: 12 rows = 4 of data + 6 above and below (titles 2, head 2, notes 2) + blank 5 and 10.
    read = bench.rows(
        "SELECT sheet, rows_read, layout, blank, other, cells FROM build.ingested ORDER BY sheet"
    )
    assert read == [
        ("Index", 1, 1, 0, 0, 1),
        ("Table 1", 12, 6, 2, 0, 2),
        ("Workings", 0, 0, 0, 0, 1),
    ]
    messages = {one.sheet: one.message for one in bench.extract("care.xlsx").readings}
    assert messages["Index"] == "no layout reads this sheet"
    assert messages["Workings"].startswith("hidden")


def test_an_unknown_marker_costs_its_cell_and_is_named(made: Made) -> None:
    bench = made(with_cell(8, 4, "n/k"))
    assert bench.rows(f"{IN_CARE} 'convicted' AND area_name = 'Barton'") == [
        ("Barton", None, "text", "n/k")
    ]
    assert bench.rows(f"{IN_CARE} 'in_care' AND area_name = 'Barton'") == [
        ("Barton", 100.0, "rounded", None)
    ]
    ((sheet, row, column, rule, reason),) = bench.rows(
        "SELECT _sheet, _row, column_name, rule, reason FROM quarantine.cell"
    )
    assert (sheet, row, column, rule) == ("Table 1", 8, "convicted", "value_kind")
    assert reason.endswith("got: 'n/k'")
    assert bench.quarantined("care") == {}


def test_an_empty_cell_that_the_layout_does_not_declare_is_named_too(made: Made) -> None:
    bench = made(with_cell(8, 4, None))
    assert bench.rows("SELECT _row, column_name FROM quarantine.cell") == [(8, "convicted")]
    assert bench.rows(f"{IN_CARE} 'convicted' AND area_name = 'Barton'") == [
        ("Barton", None, "text", "")
    ]


def test_a_row_ten_times_too_large_is_quarantined_and_its_parts_stand(made: Made) -> None:
    bench = made(with_cell(6, 2, 3000))  # England 3,000; Ashton 200 + Barton 100 = 300
    assert bench.quarantined("care") == {6: ["whole_is_parts"]}
    ((received, reasons),) = bench.rows("SELECT received, reasons FROM quarantine.care")
    assert received == "ENGLAND,3000,,40,13.3"
    assert reasons == ["England is the sum of the rest; got: 3000.0 against 300.0"]
    assert {row[0] for row in bench.rows("SELECT area_name FROM clean.care")} == {
        "Ashton",
        "Barton",
        "Corton",
    }


def test_a_refused_row_tells_of_its_cells_too(made: Made) -> None:
    rows = with_cell(8, 4, "n/k")
    rows[7][1] = -1
    bench = made(rows)
    assert bench.quarantined("care")[8] == ["value_possible", "value_kind"]
    assert bench.rows("SELECT count(*) FROM quarantine.cell") == [(0,)]


def test_a_sheet_whose_end_is_not_found_is_refused_by_name(made: Made) -> None:
    bench = made(with_cell(11, 5, "Quelle: nobody"))
    found = bench.extract("care.xlsx")
    assert found.status == "refused"
    assert "sheet Table 1" in found.message and "the end of the table" in found.message


def test_two_sheets_that_deliver_one_unit_are_not_both_counted(
    tmp_path: Path, known: Registry
) -> None:
    layout = Layout(**{**vars(LAYOUT), "sheet": "Table*"})
    bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
    book = drawn(DRAWN)
    book.copy_worksheet(book["Table 1"]).title = "Table 2"
    book.save(bench.raw / "care.xlsx")
    (reason,) = bench.take_in("care").refused.values()
    assert reason == "the sheets Table 1 and Table 2 deliver the same figures; keep one of them"
    assert bench.rows("SELECT count(*) FROM clean.care") == [(0,)]


def test_labels_are_texts_and_no_names_of_columns(tmp_path: Path, known: Registry) -> None:
    columns = {"columns": {"Area": "area_name", "Year": "year"}, "head_rows": (1,)}
    wide = {"wide": {"(?i)(c|_row).*": r"\g<0>"}, "end": None, "titles": None, "given": ()}
    layout = Layout(**{**vars(LAYOUT), **columns, **wide, "rounded": None, "footnotes": False})
    bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
    heads_of_it: list[object] = ["Area", "Year", "c0", "C0", "_row", "c'a"]
    drawn([heads_of_it, ["Ashton", 2014, 1, 2, 3, 4]], ()).save(bench.raw / "care.xlsx")
    bench.take_in("care")
    assert bench.rows("SELECT measure, value FROM clean.care ORDER BY value") == [
        ("c0", 1.0),
        ("C0", 2.0),
        ("_row", 3.0),
        ("c'a", 4.0),
    ]


def test_rows_of_other_items_are_left_out_by_any_pattern_and_counted(
    tmp_path: Path, known: Registry
) -> None:
    columns = {"Area": "area_name", "Year": "year", "Item": "measure", "Value": "value"}
    layout = Layout(
        source="care",
        name="long",
        title="Long",
        files=("care*.csv",),
        columns=columns,
        only={"Item": r"(?<!not )wanted|Ynys \w+"},
        values={"measure": {"wanted": "in_care"}},
        markers={"": "not_available"},
    )
    bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
    items = ("wanted", "not wanted", "Ynys Môn", "", "other")
    rows = [f"Area {at},2014,{item},{at}" for at, item in enumerate(items)]
    bench.put("care.csv", "\n".join([",".join(columns), *rows, ""]))
    (row,) = bench.take_in("care").ledger.to_dict("records")
    # six rows: the head, two that are wanted, three that are not
    assert (row["rows_read"], row["rows_valid"], row["excluded_other"]) == (6, 2, 3)
    assert bench.rows("SELECT measure, value FROM clean.care ORDER BY value") == [
        ("in_care", 0.0),
        ("Ynys Môn", 2.0),
    ]


TITLED = """Table 1: children in care\r
"Years: 2014"\r
\r
Area;Children in care;Convicted\r
Ashton;200;30\r
"Bar\nton";100;x\r
Corton;1;2;slipped\r
\r
Source: nobody\r
"""


def test_a_text_file_may_have_titles_and_notes_too(tmp_path: Path, known: Registry) -> None:
    apart = {"files": ("care*.csv",), "sheet": None, "head_rows": (4,), "delimiter": ";"}
    meant = {"columns": {"Area": "area_name"}, "wide": {"Children in care": "in_care"}}
    layout = Layout(**{**vars(LAYOUT), **apart, **meant, "ignored": ("Convicted",)})
    bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
    bench.put("care.csv", TITLED)
    (row,) = bench.take_in("care").ledger.to_dict("records")
    # nine rows: titles 2, blank 3, head 4, data 5-7, blank 8, the note 9
    assert (row["rows_read"], row["excluded_layout"], row["excluded_blank"]) == (9, 5, 1)
    assert (row["rows_valid"], row["rows_quarantined"]) == (2, 1)
    assert bench.rows("SELECT area_name, year, value, _row FROM clean.care ORDER BY _row") == [
        ("Ashton", 2014, 200.0, 5),
        ("Bar\nton", 2014, 100.0, 6),
    ]
    assert bench.quarantined("care") == {7: ["row_whole"]}


@pytest.mark.parametrize("place", ["clean", "set_aside"])
def test_a_cell_that_is_there_twice_shows_whenever_it_came_to_be(made: Made, place: str) -> None:
    """Rows of a wide table are counted once, however many cells they gave."""
    bench = made(DRAWN)
    assert check_named(bench.take_in("care"), "ledger_adds_up").passed
    one = "SELECT * FROM clean.care WHERE area_name = 'Ashton' AND measure = 'in_care'"
    bench.connection.execute(f"INSERT INTO {place}.care {one}")
    found = check_named(bench.take_in("care"), "ledger_adds_up")
    assert not found.passed
    assert "1 doubled" in found.message


def of_two_years(value: int) -> Workbook:
    """Table 1 of 2014 and Table 2 of 2013, which another layout reads."""
    book = drawn(with_cell(7, 2, value))
    second = book.copy_worksheet(book["Table 1"])
    second.title, second["A2"] = "Table 2", "Years: 2013"
    return book


@pytest.mark.parametrize(("write", "left"), [("note", 8), ("load.store", 0)])
def test_what_a_crash_leaves_half_read_is_forgotten(
    tmp_path: Path, known: Registry, monkeypatch: pytest.MonkeyPatch, write: str, left: int
) -> None:
    """Sheets of two layouts are stored one after the other; the crash is in the second one (what
    the first one gave is there: 8 rows), or in the first."""
    second = Layout(**{**vars(LAYOUT), "name": "care_two", "sheet": "Table 2"})
    bench = Bench(tmp_path, known, {"care": SOURCE}, (LAYOUT, second))
    of_two_years(200).save(bench.raw / "care.xlsx")
    with monkeypatch.context() as patch:
        patch.setattr(f"safecity_pipeline.ingest.adding.{write}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.take_in("care")
    assert bench.rows("SELECT count(*) FROM clean.care") == [(left,)]
    of_two_years(201).save(bench.raw / "care.xlsx")  # and the file is another by now
    taken = bench.take_in("care")
    assert check_named(taken, "ledger_adds_up").passed
    found = bench.rows(
        "SELECT year, value FROM clean.care WHERE measure = 'in_care' "
        "AND area_name = 'Ashton' ORDER BY year"
    )
    assert found == [(2013, 201.0), (2014, 201.0)]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", [{"head_rows": (3, 40)}, {"first_row": 40}])
def test_a_layout_of_rows_that_the_sheet_has_not_refuses_the_sheet(
    made: Made, place: dict[str, Any]
) -> None:
    found = made(DRAWN, Layout(**{**vars(LAYOUT), **place})).extract("care.xlsx")
    assert found.status in ("refused", "unrecognised")
    assert not found.read


def test_a_sheet_that_is_meant_and_not_read_is_told(made: Made) -> None:
    found = made(with_cell(11, 5, "Quelle: nobody")).look()
    checks = {one.check_name: one for one in bookkeeping.survey_checks(found, ())}
    assert (checks["sheets_usable"].passed, checks["sheets_usable"].failed_rows) == (False, 1)
    sound = {one.check_name: one for one in bookkeeping.survey_checks(made(DRAWN).look(), ())}
    assert sound["sheets_usable"].passed


def test_columns_that_come_or_go_are_listed(made: Made) -> None:
    rows = [[*cells, None] for cells in DRAWN]
    rows[2][1], rows[2][5], rows[5][5] = "Children cared for", "Extra", 7
    found = bookkeeping.drift_rows(made(rows).look().extracts)
    assert set(zip(found["kind"], found["name"], strict=True)) == {
        ("new", "Children cared for"),
        ("new", "Extra"),
        ("absent", "Children in care"),
    }


def test_a_message_that_quotes_the_file_is_not_published(made: Made) -> None:
    layout = Layout(**{**vars(LAYOUT), "wide": {".*(Children|Convicted).*": "in_care"}})
    (extract,) = made(DRAWN, layout).look().extracts
    assert "got: " in extract.message and "Convicted" in extract.message
    public = bookkeeping.extract_rows([extract], {})["message"].iloc[0]
    assert "two columns of the head mean the same" in public and "Convicted" not in public


def test_a_year_outside_the_layout_is_another_layouts(made: Made) -> None:
    newer = Layout(**{**vars(LAYOUT), "years": (2015, 2020)})
    assert made(DRAWN, newer).extract("care.xlsx").status == "unrecognised"
    older = Layout(**{**vars(LAYOUT), "years": (2010, 2014)})
    assert made(DRAWN, older).extract("care.xlsx").status == "read"


def test_several_years_side_by_side_are_parted_by_their_label(
    tmp_path: Path, known: Registry
) -> None:
    rows: list[list[object]] = [
        ["Area", 2013, None, 2014, None],
        [None, "Children in care1", "Convicted", "Children in care", "Convicted"],
        ["Ashton", 1, 2, 3, 4],
    ]
    layout = Layout(
        source="care",
        name="side_by_side",
        title="Years side by side",
        files=("care*.xlsx",),
        columns={"Area": "area_name"},
        head_rows=(1, 2),
        footnotes=True,
        wide={
            r"(\d{4}) / Children in care": r"\1|in_care",
            r"(\d{4}) / Convicted": r"\1|convicted",
        },
        wide_label="year|measure",
        wide_value="value",
    )
    bench = Bench(tmp_path, known, {"care": SOURCE}, (layout,))
    drawn(rows, ("B1:C1", "D1:E1")).save(bench.raw / "care.xlsx")
    bench.take_in("care")
    assert bench.rows("SELECT year, measure, value FROM clean.care ORDER BY ALL") == [
        (2013, "convicted", 2.0),
        (2013, "in_care", 1.0),
        (2014, "convicted", 4.0),
        (2014, "in_care", 3.0),
    ]


@pytest.mark.parametrize(
    ("rows", "footnotes", "wanted"),
    [
        ([["Year", "Area"]], False, ("Year", "Area")),
        ([["Total", "Total", "Total"]], False, ("Total", "Total (2)", "Total (3)")),
        ([["", "", "A"]], False, ("", "(2)", "A")),
        ([["A", "B", "B"], ["A", "C", "D"]], False, ("A", "B / C", "B / D")),
        ([["At 31 March3", "Level 46 in"]], True, ("At 31 March", "Level 46 in")),
        ([["At 31 March3"]], False, ("At 31 March3",)),
        ([["Aged 10", "(5 terms)3", "Key Stage 2"]], True, ("Aged 10", "(5 terms)", "Key Stage 2")),
        ([["Sat tests4,5"]], True, ("Sat tests",)),
        ([["  Two \n lines "]], False, ("Two lines",)),
    ],
)
def test_heads(rows: list[list[str]], footnotes: bool, wanted: tuple[str, ...]) -> None:
    assert heads.made(rows, footnotes) == wanted


CELLS = st.one_of(
    st.none(),
    st.integers(-10, 10**6),
    st.floats(0, 10**6, allow_nan=False).map(lambda number: round(number, 4)),
    st.sampled_from(["x", ".", "<5", "n/k", " x ", "1,250", "=1+", "#N/A", "ENGLAND"]),
)
NAMES = st.one_of(st.integers(1, 99).map("Area {}".format), st.sampled_from(["ENGLAND", None, " "]))
ROWS = st.lists(st.tuples(NAMES, CELLS, st.none(), CELLS, CELLS), max_size=12)
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(rows=ROWS)
def test_of_any_sheet_every_cell_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, known: Registry, rows: list[tuple[object, ...]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("any"), known, {"care": SOURCE}, (LAYOUT,))
    drawn([*DRAWN[:4], *map(list, rows), *DRAWN[-2:]]).save(bench.raw / "care.xlsx")
    (row,) = bench.take_in("care").ledger.query("sheet == 'Table 1'").to_dict("records")
    physical = {n: cells for n, cells in enumerate(rows, 5) if any(map(said, cells))}
    assert row["rows_read"] == 6 + len(rows)
    assert row["excluded_layout"] == 6
    assert row["excluded_blank"] == len(rows) - len(physical)
    assert row["rows_valid"] + row["rows_quarantined"] == len(physical)
    clean = bench.rows("SELECT _row, measure, value, value_marker FROM clean.care")
    refused = set(bench.quarantined("care"))
    wanted = {(n, m) for n in physical.keys() - refused for m in ("in_care", "convicted")}
    assert {(n, measure) for n, measure, _, _ in clean} == wanted and len(clean) == len(wanted)
    for n, measure, value, marker in clean:
        sent = said(physical[n][1 if measure == "in_care" else 3])
        assert marker == sent if value is None else value == float(sent.replace(",", ""))


def said(cell: object) -> str:
    """A cell as the transcript says it: fifteen digits, no blanks around it; a formula that nobody
    has computed is not taken for an empty cell."""
    if isinstance(cell, str) and cell.startswith("="):
        return "#FORMULA"
    return f"{cell:.15g}" if isinstance(cell, float) else "" if cell is None else str(cell).strip()


def test_cells_that_were_refused_are_one_check(made: Made) -> None:
    bench = made(with_cell(8, 4, "n/k"))
    taken = bench.take_in("care")
    check = check_named(taken, "cells_read")
    assert (check.passed, check.failed_rows) == (False, 1)
