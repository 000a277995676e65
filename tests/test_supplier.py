"""What suppliers get: the workbook of errors, the template, and where they are written.

Workbooks are read back with openpyxl, which reports a formula as one: a text that could be taken
for a formula must come back as a text.
"""

import csv
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
from safecity_pipeline.ingest import parse, rules, survey
from safecity_pipeline.model import Refused
from safecity_pipeline.registry import Registry
from safecity_pipeline.supplier import checking, errors_workbook, rulebook, template, workbook

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


def filled_in(source: str, known: Registry, folder: Path) -> Path:
    """The template as written, its sheet Data saved as the layout wants, with a manifest that
    says what the rows do not."""
    asked = template.of(source, known)
    template.write(asked, folder / "template.xlsx", ELSEWHERE)
    sheet = openpyxl.load_workbook(folder / "template.xlsx")["Data"]
    rows = [["" if cell is None else cell for cell in row] for row in sheet.values]
    with (folder / asked.file_name).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=asked.layout.delimiter).writerows(rows)
    names = ["file", *(field.name for field in asked.facts)]
    said = [asked.file_name, *(field.examples[0] for field in asked.facts)]
    (folder / "manifest.csv").write_text(f"{','.join(names)}\n{','.join(said)}\n")
    return folder / asked.file_name


@pytest.mark.parametrize("source", SOURCES)
def test_the_example_rows_pass_the_rules_of_their_own_source(
    source: str, known: Registry, tmp_path: Path
) -> None:
    verdict = checking.check(filled_in(source, known, tmp_path), known)
    assert verdict.good, verdict.lines
    assert verdict.source and verdict.source.name == source
    assert verdict.counts and verdict.counts.good == template.EXAMPLES
    assert verdict.warnings == ()


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_is_explained_and_every_rule_said(
    source: str, known: Registry, tmp_path: Path
) -> None:
    to = tmp_path / "template.xlsx"
    asked = template.of(source, known)
    template.write(asked, to, ELSEWHERE)

    explained = {row[0]: row[1:] for row in cells(to, "Columns")[1:]}
    heads = cells(to, "Data")[0]
    assert heads == [head for head in explained if "(not a column" not in head]
    columns = known.sources[source].model.to_schema().columns
    for field in asked.heads:
        meaning, kind, empty, *_ = explained[field.head]
        assert str(columns[field.name].description) in meaning
        assert kind == parse.IN_WORDS[parse.kind_of(columns[field.name])]
        assert empty == ("yes" if columns[field.name].nullable else "no")
    assert {*rules.words(known.sources[source])} <= {row[0] for row in cells(to, "Rules")}


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
    with pytest.raises(Refused, match="known: population"):
        template.of("weather", known)
    assert (tmp_path / "mine.xlsx").read_bytes() == b"mine"


@pytest.mark.parametrize("source", SOURCES)
def test_the_rulebook_names_columns_by_their_heads(source: str, known: Registry) -> None:
    layout = template.of(source, known).layout
    named = rulebook.heads(layout)
    book = rulebook.rulebook(known.sources[source], named)
    assert list(book) == list(rules.words(known.sources[source]))
    for name, head in named.items():
        if rule := book.get(f"{name}_present"):
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
