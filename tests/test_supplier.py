"""What suppliers get: the workbook of errors, the template, and where they are written.

Workbooks are read back with openpyxl, which reports a formula as one: a text that could be taken
for a formula must come back as a text.
"""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]
from typer.testing import CliRunner

from safecity_pipeline import sources
from safecity_pipeline.cli import app
from safecity_pipeline.ingest import parse, rules, schema, survey
from safecity_pipeline.model import Layout, Refused
from safecity_pipeline.registry import Registry, layouts
from safecity_pipeline.supplier import (
    checking,
    errors_workbook,
    patterns,
    rulebook,
    template,
    workbook,
)
from safecity_pipeline.supplier.template import Template

HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
FORCE = "Hampshire Constabulary,Hampshire Constabulary"
NAME = "2014-09-hampshire-street.csv"
ELSEWHERE = Path("no such folder of extracts")


def street_row(
    crime_id: str = "", place: str = "Above Bar", kind: str = "Drugs", context: str = ""
) -> str:
    area = "E01017180,Southampton 029D"
    return f"{crime_id},2014-09,{FORCE},-1.4,50.9,{place},{area},{kind},,{context}"


def put(folder: Path, *rows: str, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8", newline="")
    return folder / name


def write(file: Path, known: Registry, raw: Path = ELSEWHERE) -> str:
    return errors_workbook.put(checking.check(file, known), raw, set())


def cells(file: Path, sheet: str) -> list[list[Any]]:
    """Rows of a sheet without trailing empty cells."""
    book = openpyxl.load_workbook(file)
    rows = [list(row) for row in book[sheet].iter_rows(values_only=True)]
    return [
        row[: max((at + 1 for at, c in enumerate(row) if c is not None), default=0)] for row in rows
    ]


# --- the workbook of errors --------------------------------------------------------------------


def test_every_bad_row_stands_in_the_workbook_as_sent_with_all_its_reasons(
    tmp_path: Path, known: Registry
) -> None:
    good = street_row()
    two_faults = street_row(crime_id="abc", kind="Fishing")
    cut = street_row().rpartition(",")[0]
    file = put(tmp_path, good, two_faults, cut, "", good)

    write(file, known)

    head, faulty, broken = cells(tmp_path / f"{NAME}.errors.xlsx", "Rows")
    assert head == ["Sheet", "Row", "Reasons", "Line as received", *HEAD.split(",")]
    assert faulty[1] == 3
    assert faulty[2].split("\n") == [
        "Crime ID: a Crime ID is 64 characters out of 0-9 and a-f, or empty; got: 'abc'",
        "Crime type: the crime type is one of data.police.uk's; got: 'Fishing'",
    ]
    assert [cell or "" for cell in faulty[4:]] == two_faults.rstrip(",").split(",")
    assert broken[1:] == [4, "the row has 11 cells, the head has 12", cut]


def test_the_summary_adds_up_and_every_broken_rule_has_its_count_and_what_to_do(
    tmp_path: Path, known: Registry
) -> None:
    bad = [street_row(kind="Fishing"), street_row(kind="Fishing", crime_id="abc")]
    file = put(tmp_path, street_row(), *bad, "")

    write(file, known)

    written = tmp_path / f"{NAME}.errors.xlsx"
    summary = {row[0]: row[1] for row in cells(written, "Summary") if len(row) > 1}
    assert summary["Rows read"] == "5 = good + refused + left out"  # 1 + 2 + (1 head, 1 blank)
    assert (summary["Good"], summary["Refused"]) == ("1", "2")
    assert summary["Left out"] == "2 (1 head, 1 blank)"
    _, *broken = cells(written, "Rules")
    assert [(row[0], row[2], row[3]) for row in broken] == [
        ("crime_id_form", "Crime ID", 1),
        ("crime_type_known", "Crime type", 2),
    ]
    assert all(row[4].endswith(".") for row in broken)


def test_the_cells_that_a_reason_speaks_of_are_coloured(tmp_path: Path, known: Registry) -> None:
    write(put(tmp_path, street_row(kind="Fishing")), known)

    sheet = openpyxl.load_workbook(tmp_path / f"{NAME}.errors.xlsx")["Rows"]
    assert [cell.value for cell in sheet[2] if cell.fill.fill_type] == ["Fishing"]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:O2"


def test_a_text_that_looks_like_a_formula_stays_a_text(tmp_path: Path, known: Registry) -> None:
    texts = ("=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0", "\t=1+1")
    write(
        put(tmp_path, *[street_row(place=text, context=text, kind=text) for text in texts]), known
    )

    sheet = openpyxl.load_workbook(tmp_path / f"{NAME}.errors.xlsx")["Rows"]
    for row, text in enumerate(texts, 2):
        sent = [cell for cell in sheet[row] if cell.value == text]
        assert [(cell.data_type, cell.number_format, cell.quotePrefix) for cell in sent] == [
            ("s", "@", True)
        ] * 3


AWKWARD = st.lists(st.sampled_from(["_x0041_", "_x005F", "_", "x0042_", "=", "\0", "\ufffe", "é"]))


@given(st.text() | AWKWARD.map("".join))
def test_a_workbook_shows_any_text_as_it_is_but_for_what_no_workbook_can_hold(text: str) -> None:
    shown = unescape(workbook.writable(text))  # as Excel reads it
    assert len(shown) == len(text)
    for sent, seen in zip(text, shown, strict=True):
        assert seen == sent or (workbook.UNWRITABLE.match(sent) and seen.isprintable())


def test_a_text_that_a_cell_cannot_hold_is_cut_and_says_so(tmp_path: Path, known: Registry) -> None:
    file = put(tmp_path, street_row(place="x" * 40_000))

    write(file, known)

    sent = cells(tmp_path / f"{NAME}.errors.xlsx", "Rows")[1][9]
    assert len(sent) == 32_767
    assert sent.endswith(workbook.CUT)


def test_control_characters_of_a_broken_line_are_shown_and_the_workbook_opens(
    tmp_path: Path, known: Registry
) -> None:
    file = put(tmp_path, "a\0b\x01\ufffe_x0041_\r,c")

    write(file, known)

    line = cells(tmp_path / f"{NAME}.errors.xlsx", "Rows")[1][3]
    # NUL was replaced on reading; Excel and LibreOffice show `_x005F_` as the underscore it is.
    assert line == "a\ufffdb\u2401\ufffd_x005F_x0041_\u240d,c"


def test_a_file_that_is_refused_as_a_whole_has_a_workbook_that_says_why(
    tmp_path: Path, known: Registry
) -> None:
    file = tmp_path / "letter.csv"
    file.write_text("a,b\n1,2\n")

    write(file, known)

    written = tmp_path / "letter.csv.errors.xlsx"
    assert openpyxl.load_workbook(written).sheetnames == ["Summary", "Rules"]
    _, [rule, words, *_] = cells(written, "Rules")
    assert (rule, words) == ("file", "no source reads a file of this name and head")


def test_more_bad_rows_than_a_sheet_holds_go_on_in_another(
    tmp_path: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors_workbook, "ROWS_A_SHEET", 2)
    write(put(tmp_path, *[street_row(kind="Fishing")] * 5), known)

    written = tmp_path / f"{NAME}.errors.xlsx"
    assert openpyxl.load_workbook(written).sheetnames[2:] == ["Rows", "Rows 2", "Rows 3"]
    sheets = ("Rows", "Rows 2", "Rows 3")
    assert [row[1] for sheet in sheets for row in cells(written, sheet)[1:]] == [2, 3, 4, 5, 6]


# --- workbooks, markers and rules across rows ---------------------------------------------------

HEAD_5 = ["", "Number of looked after children aged 10 or older at 31 March3", "Offending", ""]
HEAD_6 = [
    "",
    "",
    "Number convicted or subject to a warning4",
    "Percentage convicted or subject to one",
]
WHOLE = ["Southampton", 160, 10, 6.3]
LA4, LA5 = "Table LA4", "Table LA5"
LA5_HEAD = (
    "Number identified as having a substance misuse problem in the year",
    "Number who received an intervention for it",
    "Number who were offered an intervention but refused it",
)


def sheet_of(book: openpyxl.Workbook, name: str, rows: list[list[object]], end: str) -> None:
    """A table of the 2014 workbook: title, year, head on rows 5 and 6, data from row 7."""
    sheet = book.create_sheet(name)
    for row in [["Looked after children"], ["Years: 2014"], [], [], HEAD_5, HEAD_6, *rows, [end]]:
        sheet.append(row)
    sheet.merge_cells("C5:D5")


def children(folder: Path, *rows: list[object]) -> Path:
    """A workbook of an index, table LA4 with these rows, LA5 without its end, a hidden sheet."""
    book = openpyxl.Workbook()
    book.active.title = "Index"
    book.active.append(["Contents"])
    sheet_of(book, LA4, list(rows), "Source: drawn for a test")
    sheet_of(book, LA5, [WHOLE], "no more")
    book[LA5].unmerge_cells("C5:D5")
    for cell, head in zip(("B5", "C5", "D5"), LA5_HEAD, strict=True):
        book[LA5][cell] = head
    book.create_sheet("Workings").append(["nobody's business"])
    book["Workings"].sheet_state = "hidden"
    book.save(folder / "SFR49_2014_LATables.xlsx")
    return folder / "SFR49_2014_LATables.xlsx"


BAD_WORKBOOK: tuple[list[object], ...] = (
    WHOLE,
    ["Sowthampton", 90, 5, 5.6],
    ["Portsmouth", 120, "n/k", "x"],
    ["Kent", None, 30, 2.5],
)


def test_a_workbook_is_judged_sheet_by_sheet(tmp_path: Path, known: Registry) -> None:
    verdict = checking.check(children(tmp_path, *BAD_WORKBOOK), known)

    # Six rows above the data, four of data, one below: 11 = 3 + 1 + 7.
    said = "11 rows = 3 good + 1 refused + 7 left out (7 outside the table, 0 blank)"
    assert not verdict.good
    assert [line.strip() for line in verdict.lines[:3]] == [
        "SFR49_2014_LATables.xlsx: read as looked_after_children, 1 of 4 sheets",
        f"sheet {LA4}, as “Table LA4: offending”",
        f"{said}; 2 cells refused",
    ]
    (refused,) = [line for line in verdict.lines if LA5 in line]
    assert "is refused, all of its 8 rows" in refused and "end of the table" in refused
    assert "  sheet Index: no layout reads this sheet" in verdict.lines
    assert "  sheet Workings: hidden, so not read" in verdict.lines
    assert "    sheet Table LA4, row 8, got: 'Sowthampton'" in verdict.lines
    assert verdict.lines[-2:] == [
        f"    sheet {LA4}, row 9, Offending / Number convicted or subject to a … (column C): "
        "got: 'n/k'",
        f"    sheet {LA4}, row 10, Number of looked after children aged 10 or older at 31 March "
        "(column B): (empty)",
    ]


def test_the_workbook_of_a_workbook_has_its_sheets_rows_and_cells(
    tmp_path: Path, known: Registry
) -> None:
    write(children(tmp_path, *BAD_WORKBOOK), known)

    written = tmp_path / "SFR49_2014_LATables.xlsx.errors.xlsx"
    names = ["Summary", "Rules", f"Rows {LA4}", "Cells"]
    assert openpyxl.load_workbook(written).sheetnames == names
    summary = {row[0]: row[2:] for row in cells(written, "Summary") if len(row) == 7}
    assert summary[LA4] == [11, 3, 1, 7, 2]
    assert summary[LA5] == [8, 0, 0, 8, 0]
    head, row = cells(written, f"Rows {LA4}")
    assert head[:4] == ["Sheet", "Row", "Reasons", "column A"]
    assert head[5] == "Offending / Number convicted or subject to a warning"
    assert row[:2] == [LA4, 8] and row[3:] == ["Sowthampton", "90", "5", "5.6"]
    _, marker, empty = cells(written, "Cells")
    assert marker[:5] == [LA4, 9, "C9", head[5], "n/k"]
    assert empty[:3] == [LA4, 10, "B10"] and empty[4] == "(empty)"
    rules_said = {row[0]: row for row in cells(written, "Rules")}
    assert rules_said["value_kind"][3] == "2 cells"
    assert "“x” (suppressed), “.” (does not apply)" in rules_said["value_kind"][4]
    assert rules_said["area_code_known"][2:4] == ["column A", 1]


def test_a_refused_cell_alone_is_something_to_mend(tmp_path: Path, known: Registry) -> None:
    file = tmp_path / "children-offending.csv"
    head, row, _ = template.of("children_cautioned", known).rows
    file.write_text(f"{','.join(head)}\n{','.join(row).replace('204', 'few')}\n")

    verdict = checking.check(file, known)

    assert verdict.counts and (verdict.counts.good, verdict.counts.cells) == (1, 1)
    assert verdict.lines[-1] == "    row 2, value (column E): got: 'few'"
    assert CliRunner().invoke(app, ["check", "--no-workbook", str(file)]).exit_code == 1


def seizures(folder: Path, known: Registry, **altered: str) -> Path:
    """The template's two rows, with other numbers in the first."""
    head, first, second = template.of("drug_seizures", known).rows
    first = [altered.get(name, cell) for name, cell in zip(head, first, strict=True)]
    with (folder / "Seizures13-14.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([head, first, second])
    return folder / "Seizures13-14.csv"


def test_a_rule_across_rows_is_told_with_its_row_and_the_cells_it_names(
    tmp_path: Path, known: Registry
) -> None:
    # Of the seven drugs of class A each has 140, so their total is 140 at least, and not 1.
    file = seizures(tmp_path, known, **{"Total Class A": "1"})
    write(file, known)

    written = tmp_path / f"{file.name}.errors.xlsx"
    _, rule = cells(written, "Rules")
    assert (rule[0], rule[3]) == ("totals_hold_parts", 1)
    assert "Compare the row" in rule[4]
    sheet = openpyxl.load_workbook(written)["Rows"]
    coloured = [cell.column for cell in sheet[2] if cell.fill.fill_type]
    assert [sheet.cell(1, column).value for column in coloured] == ["Total Class A"]


def test_a_bad_value_of_a_wide_table_is_told_under_its_own_head(
    tmp_path: Path, known: Registry
) -> None:
    verdict = checking.check(seizures(tmp_path, known, Heroin="-3"), known)
    assert verdict.lines[2:4] == [
        "  Heroin: a value lies between 0 and 1,000,000: 1 row",
        "    row 2, got: '-3'",
    ]


def test_a_rule_that_only_warns_names_its_first_rows_and_refuses_nothing(
    tmp_path: Path, known: Registry
) -> None:
    source = known.sources["drug_seizures"]
    milder = tuple(replace(rule, severity="warn") for rule in source.across)
    lenient = replace(known, sources={**known.sources, source.name: replace(source, across=milder)})
    file = seizures(tmp_path, known, **{"Total Class A": "1"})

    verdict = checking.check(file, lenient)

    assert verdict.good and verdict.counts and verdict.counts.good == 2
    told = next(words for words in verdict.warnings if words.startswith("a class has"))
    assert "\nrow 2, got: " in told and "Total class A 1" in told


def test_a_head_that_is_not_found_is_named_beside_the_one_that_is_not_known(
    tmp_path: Path, known: Registry
) -> None:
    file = seizures(tmp_path, known)
    file.write_text(file.read_text(encoding="utf-8").replace("Heroin", "Heroine", 1), "utf-8")

    verdict = checking.check(file, known)

    said = "columns not found: Heroin; columns not known, and not read: Heroine"
    assert said in verdict.warnings


@given(st.text() | st.sampled_from(["Rows " + "x" * 40, "'", "a:b/c", "[]", "Rows"]))
def test_a_sheet_has_a_name_that_excel_accepts_and_no_two_the_same(title: str) -> None:
    book = workbook.Book("a test")
    named = [book.sheet(one, (10,))._sheet.title for one in (title, title.upper(), title)]
    for name in named:
        assert 0 < len(name) <= 31 and not set(name) & set("[]:*?/\\")
        assert name[0] != "'" != name[-1]
    assert len({name.lower() for name in named}) == 3


def test_the_real_workbook_with_a_few_cells_damaged(
    tmp_path: Path, known: Registry, real_data: Path
) -> None:
    sent = real_data / "dfe-looked-after-children" / "SFR49_2014_LATables.xlsx"
    book = openpyxl.load_workbook(sent)
    book[LA4]["G157"] = "n/k"
    book[LA4]["A60"] = "Nowhere"
    book.save(tmp_path / sent.name)

    verdict = checking.check(tmp_path / sent.name, known)

    counts = {one.reading.sheet: one.counts for one in verdict.sheets}
    assert len(counts) == 10
    # 164 areas, one of them not known; every row of every sheet is accounted for.
    assert (counts[LA4].good, counts[LA4].refused, counts[LA4].cells) == (163, 1, 1)
    assert all(one.read == one.good + one.refused + one.left_out for one in counts.values())
    assert list(verdict.cells[["sheet", "row", "received"]].iloc[0]) == [LA4, 157, "n/k"]
    assert "Percentage convicted" in verdict.cells["head"].iloc[0]


# --- where it is written -----------------------------------------------------------------------


def test_nothing_is_written_into_raw_and_two_files_of_one_name_have_two_workbooks(
    tmp_path: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, here = tmp_path / "raw", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    files = [put(raw / month, street_row(kind="Fishing")) for month in ("a", "b")]
    written: set[Path] = set()

    said = [errors_workbook.put(checking.check(file, known), raw, written) for file in files]

    assert "nothing is written into raw/" in said[0]
    assert sorted(path.name for path in raw.rglob("*.xlsx")) == []
    assert sorted(path.name for path in here.iterdir()) == [
        f"{NAME}.2.errors.xlsx",
        f"{NAME}.errors.xlsx",
    ]


def test_where_it_cannot_be_written_beside_the_file_it_is_written_here(
    tmp_path: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, here = put(tmp_path / "shared", street_row(kind="Fishing")), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    in_the_way = file.parent / f".{NAME}.errors.xlsx.part"
    in_the_way.mkdir()

    assert "cannot be written to" in write(file, known)
    assert sorted(path.name for path in file.parent.iterdir()) == [in_the_way.name, NAME]
    assert [path.name for path in here.iterdir()] == [f"{NAME}.errors.xlsx"]


def test_an_earlier_workbook_is_overwritten_unless_somebody_has_saved_it_since(
    tmp_path: Path, known: Registry
) -> None:
    file, beside = put(tmp_path, street_row(kind="Fishing")), tmp_path / f"{NAME}.errors.xlsx"
    write(file, known)
    write(put(tmp_path, *[street_row(kind="Fishing")] * 2), known)
    assert len(cells(beside, "Rows")) == 1 + 2
    assert not list(tmp_path.glob("*.2.errors.xlsx"))

    book = openpyxl.load_workbook(beside)
    book["Rows"]["A2"] = "asked on Monday"
    book.properties.lastModifiedBy = "A person"
    book.save(beside)
    write(file, known)

    assert cells(beside, "Rows")[1][0] == "asked on Monday"
    assert len(cells(tmp_path / f"{NAME}.2.errors.xlsx", "Rows")) == 1 + 2


def test_a_workbook_of_errors_in_raw_is_not_an_extract(tmp_path: Path, known: Registry) -> None:
    file = put(tmp_path, street_row(kind="Fishing"))
    write(file, known)

    found = survey.survey(tmp_path, known.layouts, known.sources)
    assert [extract.file for extract in found.extracts] == [NAME]
    assert errors_workbook.is_one(tmp_path / f"{NAME}.errors.xlsx")


# --- the template ------------------------------------------------------------------------------

SOURCES = tuple(sources.discover())
LAYOUTS = tuple(one for one in layouts.load(sources.discover()) if not one.refuse)


def filled_in(asked: Template, folder: Path) -> Path:
    """The template as written and sent back: as it is where its layout reads workbooks, else its
    sheet Data saved as text, with a manifest that says what the rows do not."""
    if not asked.as_text:
        template.write(asked, folder / asked.file_name, ELSEWHERE)
        return folder / asked.file_name
    template.write(asked, folder / "template.xlsx", ELSEWHERE)
    sheet = openpyxl.load_workbook(folder / "template.xlsx")["Data"]
    rows = [["" if cell is None else cell for cell in row] for row in sheet.values]
    with (folder / asked.file_name).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=asked.layout.delimiter).writerows(rows)
    names = ["file", *(field.name for field in asked.facts)]
    said = [asked.file_name, *(field.examples[0] for field in asked.facts)]
    (folder / "manifest.csv").write_text(f"{','.join(names)}\n{','.join(said)}\n")
    return folder / asked.file_name


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.source}-{layout.name}")
def test_the_example_rows_pass_the_rules_of_their_own_source(
    layout: Layout, known: Registry, tmp_path: Path
) -> None:
    """Of every layout, as if it were the only one: those of the workbooks too."""
    only = replace(known, layouts=(layout,))
    verdict = checking.check(filled_in(template.of(layout.source, only), tmp_path), only)
    assert verdict.good, verdict.lines
    assert verdict.source and verdict.source.name == layout.source
    assert verdict.counts and verdict.counts.good == template.EXAMPLES
    # Two rows are fewer than some sources declare; nothing else is odd about them.
    assert [words for words in verdict.warnings if "or more are expected" not in words] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_template_that_is_sent_back_is_read_among_all_layouts(
    source: str, known: Registry, tmp_path: Path
) -> None:
    asked = template.of(source, known)
    verdict = checking.check(filled_in(asked, tmp_path), known)
    assert verdict.good and verdict.found.layout == asked.layout, verdict.lines


def test_a_source_of_workbooks_only_has_a_template_that_is_sent_back_itself(
    known: Registry, tmp_path: Path
) -> None:
    """Its sheet of data has the name, the titles, the two head rows and the end of table LA4."""
    only = replace(known, layouts=tuple(one for one in known.layouts if one.name == "la4_2014"))
    asked = template.of("looked_after_children", only)
    template.write(asked, tmp_path / asked.file_name, ELSEWHERE)

    verdict = checking.check(tmp_path / asked.file_name, only)

    assert verdict.good, verdict.lines
    (judged,) = verdict.sheets
    assert judged.reading.sheet == "LA4" and judged.reading.first_row == 7
    assert judged.counts.good == template.EXAMPLES
    read_me = "\n".join(str(row[-1]) for row in cells(tmp_path / asked.file_name, "Read me") if row)
    assert "Keep the name of sheet LA4" in read_me


def test_markers_are_explained_where_numbers_are_asked_for(known: Registry, tmp_path: Path) -> None:
    template.write(template.of("youth_justice", known), tmp_path / "t.xlsx", ELSEWHERE)
    explained = {row[0]: row for row in cells(tmp_path / "t.xlsx", "Columns")}
    _, _, kind, empty, allowed, _ = explained["Values"]
    assert (kind, empty) == ("a number", "no")
    assert "“c” or “x” (suppressed)" in allowed and "“<5” (below 5; or another number" in allowed


def test_every_pattern_of_a_wide_table_and_of_a_marker_has_an_example(known: Registry) -> None:
    for layout in known.layouts:
        lacking = [one for one in (*layout.wide, *layout.markers) if not patterns.examples(one)]
        assert lacking == [], layout.name


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_is_explained_and_every_rule_said(
    source: str, known: Registry, tmp_path: Path
) -> None:
    to = tmp_path / "template.xlsx"
    asked = template.of(source, known)
    template.write(asked, to, ELSEWHERE)

    explained = {row[0]: row[1:] for row in cells(to, "Columns")[1:]}
    if asked.layout.head_rows == (1,):
        heads = cells(to, "Data")[0]
        assert heads == [head for head in explained if "(not a column" not in head]
    columns = known.sources[source].model.to_schema().columns
    for field in (one for one in asked.heads if one.name in columns):
        meaning, kind, empty, allowed, *_ = [*explained[field.head], ""]
        assert str(columns[field.name].description) in meaning
        assert kind == parse.IN_WORDS[parse.kind_of(columns[field.name])]
        if schema.is_marked(columns[field.name]):
            assert (empty == "yes") == ("an empty cell" in allowed)
            assert all(marker.meaning in allowed for marker in rulebook.markers(asked.layout))
        else:
            assert empty == ("yes" if columns[field.name].nullable else "no")
    said = {row[0] for row in cells(to, "Rules")}
    across = {rule.name for rule in known.sources[source].across}
    book = rulebook.rulebook(known.sources[source], rulebook.spelling(asked.layout))
    not_theirs = {name for name, rule in book.items() if {*rule.columns} & {*asked.layout.says}}
    assert {*rules.words(known.sources[source]), *across} <= said | not_theirs


@pytest.mark.parametrize("source", SOURCES)
def test_a_declared_list_is_the_one_that_the_rule_holds_to(source: str, known: Registry) -> None:
    for name, column in known.sources[source].model.to_schema().columns.items():
        for check in column.checks:
            values = (check.statistics or {}).get("allowed", ())
            if values:
                asked = pd.Series([*values, "none of these"], name=name, dtype="str")
                assert check(asked).check_output.tolist() == [True] * len(values) + [False]


def test_a_column_with_a_list_offers_it(known: Registry, tmp_path: Path) -> None:
    template.write(template.of("street_crime", known), tmp_path / "t.xlsx", ELSEWHERE)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    offered = {str(one.sqref): one for one in book["Data"].data_validations.dataValidation}

    assert set(offered) == {"J2:J1048576", "K2:K1048576"}  # Crime type, Last outcome category
    assert offered["J2:J1048576"].formula1 == "'Allowed values'!$A$2:$A$17"  # 16 crime types
    assert book["Allowed values"]["A2"].value == "Anti-social behaviour"
    assert book["Allowed values"]["A17"].value == "Violent crime"
    assert book["Allowed values"].sheet_state == "visible"
    assert not offered["J2:J1048576"].allow_blank and offered["K2:K1048576"].allow_blank


def test_what_is_typed_into_data_stays_as_typed(known: Registry, tmp_path: Path) -> None:
    """Else a spreadsheet makes a date of the month 2014-09."""
    template.write(template.of("street_crime", known), tmp_path / "t.xlsx", ELSEWHERE)
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["Data"]
    assert sheet.column_dimensions["B"].number_format == "@"
    assert sheet.freeze_panes == "A2"


def test_a_wide_table_has_one_head_an_example_of_its_pattern(known: Registry) -> None:
    heads = [field.head for field in template.of("population", known).heads]
    assert heads == ["ladcode18", "laname18", "country", "population_2014"]


def test_a_template_leaves_other_files_and_raw_alone(known: Registry, tmp_path: Path) -> None:
    asked = template.of("population", known)
    (tmp_path / "mine.xlsx").write_bytes(b"mine")
    with pytest.raises(Refused, match="there already"):
        template.write(asked, tmp_path / "mine.xlsx", ELSEWHERE)
    with pytest.raises(Refused, match="folder of extracts"):
        template.write(asked, tmp_path / "below" / "t.xlsx", tmp_path)
    with pytest.raises(Refused, match=r"known: .*population"):
        template.of("weather", known)
    assert (tmp_path / "mine.xlsx").read_bytes() == b"mine"


@pytest.mark.parametrize("source", SOURCES)
def test_the_rulebook_names_columns_by_their_heads(source: str, known: Registry) -> None:
    layout = template.of(source, known).layout
    spelt = rulebook.spelling(layout)
    declared = known.sources[source]
    book = rulebook.rulebook(declared, spelt)
    assert list(book) == [*rules.words(declared), *(rule.name for rule in declared.across)]
    for head, name in layout.columns.items():
        if (rule := book.get(f"{name}_present")) and spelt.named[name] == head:
            assert (rule.words, rule.heads) == (f"{head} is not empty", (head,))


# --- the commands ------------------------------------------------------------------------------


def test_the_commands_say_where_they_wrote_and_end_with_the_right_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAFECITY_RAW", str(ELSEWHERE))
    file = put(Path("sent"), street_row(kind="Fishing"))
    run = CliRunner().invoke

    quiet = run(app, ["check", "--no-workbook", str(file)])
    assert (quiet.exit_code, list(Path("sent").glob("*.xlsx"))) == (1, [])

    told = run(app, ["check", str(file)])
    written = f"{file}.errors.xlsx"
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (1, f"  all of it: {written}")
    assert run(app, ["check", written]).exit_code == 0  # passed over: it is no extract

    assert (
        run(app, ["check", str(put(Path("sent"), street_row(), name="good-street.csv"))]).exit_code
        == 0
    )
    assert [path.name for path in Path("sent").glob("*.xlsx")] == [Path(written).name]

    asked = run(app, ["template", "population"])
    assert (asked.exit_code, asked.stdout) == (0, "population.template.xlsx\n")
    assert run(app, ["template", "weather"]).exit_code == 2
