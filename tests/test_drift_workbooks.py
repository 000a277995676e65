"""`safecity drift` on workbooks: the entry that it prints reads the altered copy as the original.

Every file is an altered copy of one drawn sheet, spelt like table LA4 of the Department for
Education's workbook of 2014, which a packaged layout reads. The real workbook and the long
extract are altered too, where real data is at hand.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from altered import altered_workbook
from conftest import Bench
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

from safecity_pipeline.ingest import likeness, spread, standing
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.registry import Registry, layouts
from safecity_pipeline.supplier import drift_report

SOURCE = "looked_after_children"
ORIGINAL, COPY = "SFR49_2014_LATables.xlsx", "SFR34_2015_LATables.xlsx"
SHEET = "Table LA4"
AREAS = (
    "Southampton Portsmouth Bristol,~City~of Sheffield Derby Luton Plymouth Coventry Swindon "
    "Leeds Bradford Reading Slough Hampshire Kent Surrey Essex Norfolk Suffolk Devon Dorset"
)
NAMES = ["ENGLAND", "SOUTH EAST", *(name.replace("~", " ") for name in AREAS.split())]
LOOKED_AFTER = (
    "Number of children looked after at 31 March who had been looked after for at least 12 months2"
)
AGED_10 = "Number of looked after children aged 10 or older at 31 March3"
PARENT = "Looked after children aged 10 and above"
CONVICTED = "Number convicted or subject to a final warning or reprimand during the year4"
PERCENT = "Percentage convicted or subject to a final warning or reprimand during the year"
# A            B             C (spacer)  D        E (spacer)  F          G
HEAD: list[list[object]] = [
    ["Table LA4: Offending by children who had been looked after"],
    ["Years: 2014"],
    ["Coverage: England"],
    [],
    [None, LOOKED_AFTER, None, AGED_10, None, PARENT, None],
    [None, None, None, None, None, CONVICTED, PERCENT],
    [],
]
NOTES: list[list[object]] = [
    [],
    [None, None, None, None, None, None, "Source: SSDA 903"],
    ["1. Figures are rounded."],
    ["2. Excludes children under short term placements."],
]
Values = list[tuple[object, ...]]
Alter = Callable[[Worksheet], None]
FIGURES = (
    "SELECT area_code, measure, value, value_status, value_marker "
    "FROM clean.looked_after_children WHERE table_name = 'offending' ORDER BY ALL"
)


def figures(number: int) -> list[object]:
    """1,000 children, 500 of them aged 10 or over, of whom so many are convicted; x where few."""
    convicted = 10 * (number % 7)
    few = number % 7 == 0
    return [1000, None, 500, None, "x" if few else convicted, "x" if few else convicted / 5]


def drawn(path: Path, alter: Alter | None = None) -> Path:
    """The sheet among notes and a hidden sheet, altered."""
    book = Workbook()
    notes = book.active
    assert isinstance(notes, Worksheet)
    notes.title = "Index"
    notes.append(["Table LA4", "Offending"])
    sheet = book.create_sheet(SHEET)
    rows = [[name, *figures(number)] for number, name in enumerate(NAMES)]
    for row in [*HEAD, *rows[:1], [], *rows[1:], *NOTES]:
        sheet.append(row)
    sheet.merge_cells("F5:G5")
    if alter:
        alter(sheet)
    book.create_sheet("Workings").sheet_state = "hidden"
    book.save(path)
    return path


def told(file: Path, known: Registry, source: str | None = None) -> tuple[bool, str]:
    report = drift_report.report(file, known, source)
    return report.good, "\n".join(report.lines)


def adopted(folder: Path, known: Registry, source: str, output: str) -> Registry:
    """The whole output of the command saved as a deployment's own layouts."""
    own = folder / "deployment" / "layouts"
    own.mkdir(parents=True, exist_ok=True)
    (own / f"{source}.toml").write_text(output, encoding="utf-8")
    return replace(known, layouts=layouts.load(known.sources, own))


def read(folder: Path, file: Path, known: Registry, source: str, figures: str = FIGURES) -> Values:
    """What a refresh makes of a file."""
    bench = Bench(folder, known)
    bench.put(file.name, file.read_bytes())
    bench.take_in(source)
    return bench.rows(figures)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Values:
    """What a refresh makes of the original."""
    folder = tmp_path_factory.mktemp("original")
    return read(folder, drawn(folder / ORIGINAL), known, SOURCE)


def by_entry(folder: Path, known: Registry, file: Path) -> tuple[Values, str]:
    """The copy's figures by the printed entry, and what was printed."""
    good, output = told(file, known)
    assert not good
    return read(folder, file, adopted(folder, known, SOURCE, output), SOURCE), output


# --- alterations ----------------------------------------------------------------------------------


def renamed(sheet: Worksheet) -> None:
    sheet.title = "LAI1"


def codes_left(sheet: Worksheet, head: str | None = "LA number") -> None:
    """A column of numbers on the left; the head's merged cells move along."""
    sheet.unmerge_cells("F5:G5")
    sheet.insert_cols(1)
    sheet.merge_cells("G5:H5")
    sheet["A5"] = head
    for row in range(8, 8 + len(NAMES) + 1):
        if sheet.cell(row, 2).value:
            sheet.cell(row, 1, 200 + row)


def edition_of_2015(sheet: Worksheet) -> None:
    """Everything that is known of it at once."""
    renamed(sheet)
    sheet["A2"] = "Year ending 31 March 2015"
    for cell in sheet["A"]:
        if isinstance(cell.value, str) and cell.value.isupper():
            cell.value = cell.value.title()
    codes_left(sheet)
    sheet["G6"] = "Number convicted or subject to youth cautions during the year3"


def title_above(sheet: Worksheet) -> None:
    sheet.unmerge_cells("F5:G5")
    sheet.insert_rows(1, 2)
    sheet.merge_cells("F7:G7")
    sheet["A1"] = "Children looked after in England"


def reworded(sheet: Worksheet) -> None:
    sheet["B5"] = "Children looked after for at least 12 months at 31 March, number5"
    sheet["F6"] = "Number convicted or made subject to a youth caution during the year6"
    sheet["G6"] = "Percentage convicted, or made subject to a youth caution"


def reordered(sheet: Worksheet) -> None:
    for row in range(5, 8 + len(NAMES) + 1):
        first, second = sheet.cell(row, 2).value, sheet.cell(row, 4).value
        sheet.cell(row, 2).value, sheet.cell(row, 4).value = second, first
    sheet.title = "LAI1"


def one_head_row(sheet: Worksheet) -> None:
    sheet.unmerge_cells("F5:G5")
    sheet["F5"], sheet["G5"] = CONVICTED, PERCENT
    sheet.delete_rows(6, 2)


def no_source_line(sheet: Worksheet) -> None:
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value == "Source: SSDA 903":
                cell.value = None


def code_column_without_head(sheet: Worksheet) -> None:
    codes_left(sheet, None)


ALTERED: dict[str, tuple[Alter, tuple[str, ...]]] = {
    "renamed": (renamed, ('sheet renamed: "LAI1", not "*LA4"',)),
    "column on the left": (code_column_without_head, ('"(2)" is authority: 0.90',)),
    "edition of 2015": (
        edition_of_2015,
        ('sheet renamed: "LAI1"', 'new: "LA number"', 'titles (likely): "Year\\\\ ending'),
    ),
    "title above": (title_above, ("moved: the head is rows 7, 8, not rows 5, 6; data from row 9",)),
    "reworded": (reworded, ('words of "Number convicted or subject to"',)),
    "reordered": (reordered, ('sheet renamed: "LAI1"',)),
    "one head row": (one_head_row, ("moved: the head is row 5, not rows 5, 6",)),
    "another end": (no_source_line, ("the end of the table:", "the first one below the figures")),
}


@pytest.mark.parametrize("case", ALTERED)
def test_the_printed_entry_reads_the_copy_as_the_original(
    tmp_path: Path, known: Registry, before: Values, case: str
) -> None:
    alter, words = ALTERED[case]
    after, output = by_entry(tmp_path, known, drawn(tmp_path / COPY, alter))
    assert after == before, output
    assert len(before) == 4 * len(NAMES)
    assert {row[3] for row in before} >= {"ok", "suppressed", "rounded"}
    for said in words:
        assert said in output
    assert "tried: with the entry below the file is read as looked_after_children" in output


def test_the_edition_of_2015_is_of_2015(tmp_path: Path, known: Registry) -> None:
    file = drawn(tmp_path / COPY, edition_of_2015)
    own = adopted(tmp_path, known, SOURCE, told(file, known)[1])
    years = f"SELECT DISTINCT year FROM clean.{SOURCE}"
    assert read(tmp_path / "b", file, own, SOURCE, years) == [(2015,)]


# --- what cannot be told --------------------------------------------------------------------------


def far_reworded(sheet: Worksheet) -> None:
    sheet["F6"] = "Number found guilty or cautioned"
    sheet["G6"] = "Percentage found guilty or cautioned"


def test_a_head_too_far_from_the_old_one_is_left_to_a_person(
    tmp_path: Path, known: Registry
) -> None:
    file = drawn(tmp_path / COPY, far_reworded)
    _, output = told(file, known)
    assert "missing: no head brings convicted, convicted_percent" in output
    after = read(tmp_path / "a", file, adopted(tmp_path, known, SOURCE, output), SOURCE)
    assert {row[1] for row in after} == {"looked_after_12_months", "aged_10_and_over"}


def two_alike(sheet: Worksheet) -> None:
    sheet["B5"] = "Number of children looked after at 31 March for at least 12 months, boys"
    sheet["C5"] = "Number of children looked after at 31 March for at least 12 months, girls"
    for row in range(8, 8 + len(NAMES) + 1):
        sheet.cell(row, 3).value = sheet.cell(row, 2).value


def test_two_heads_for_one_label_are_said_and_left_as_comments(
    tmp_path: Path, known: Registry
) -> None:
    _, output = told(drawn(tmp_path / COPY, two_alike), known)
    assert "cannot tell whether" in output
    commented = [line for line in output.splitlines() if line.startswith("# cannot tell, under")]
    assert any("boys" in line for line in commented)
    assert any("girls" in line for line in commented)
    assert not any("boys" in line for line in output.splitlines() if not line.startswith("#"))


def dropped(sheet: Worksheet) -> None:
    renamed(sheet)
    sheet.delete_cols(7)


def test_a_column_that_is_gone_is_named_and_the_rest_is_read(
    tmp_path: Path, known: Registry, before: Values
) -> None:
    after, output = by_entry(tmp_path, known, drawn(tmp_path / COPY, dropped))
    assert "missing: no head brings convicted_percent" in output
    assert after == [row for row in before if row[1] != "convicted_percent"]


def unknown_marker(sheet: Worksheet) -> None:
    for row in sheet.iter_rows(min_row=8):
        for cell in row:
            if cell.value == "x":
                cell.value = "c"


def test_a_marker_that_is_not_declared_is_counted_and_never_guessed(
    tmp_path: Path, known: Registry, before: Values
) -> None:
    file = drawn(tmp_path / COPY, unknown_marker)
    cells = 2 * sum(number % 7 == 0 for number in range(len(NAMES)))
    _, output = told(file, known)
    assert f'markers not declared, each costs its cell: "c" {cells} times' in output
    assert f'# "c" = "?"  # {cells} cells' in output
    # Once a person has decided, the copy is read as the original but for the marker itself.
    decided = output.replace('# "c" = "?"', '"c" = "suppressed"')
    after = read(tmp_path / "b", file, adopted(tmp_path, known, SOURCE, decided), SOURCE)
    assert [row[:4] for row in after] == [row[:4] for row in before]


# --- years side by side ---------------------------------------------------------------------------


def years_side_by_side(sheet: Worksheet) -> None:
    """Two years, each with all four measures, below a row of years."""
    renamed(sheet)
    sheet.unmerge_cells("F5:G5")
    sheet["A2"] = "Years: 2014-2015"
    sheet.insert_rows(5)
    for row in range(6, 10 + len(NAMES)):
        for column in range(2, 8):
            sheet.cell(row, column + 7).value = sheet.cell(row, column).value
    for first, last, year in ((2, 7, 2014), (9, 14, 2015)):
        sheet.cell(5, first, year)
        sheet.merge_cells(start_row=5, end_row=5, start_column=first, end_column=last)
        sheet.merge_cells(start_row=6, end_row=6, start_column=last - 1, end_column=last)


def test_years_that_stand_side_by_side_become_part_of_the_labels(
    tmp_path: Path, known: Registry, before: Values
) -> None:
    file = drawn(tmp_path / COPY, years_side_by_side)
    _, output = told(file, known)
    assert "years stand side by side" in output
    of_both = FIGURES.replace("area_code,", "year, area_code,")
    after = read(tmp_path / "b", file, adopted(tmp_path, known, SOURCE, output), SOURCE, of_both)
    assert [row[1:] for row in after if row[0] == 2014] == before
    assert [row[1:] for row in after if row[0] == 2015] == before


# --- a file in a known form, and others -----------------------------------------------------------


def test_a_workbook_in_a_known_form_needs_nothing(tmp_path: Path, known: Registry) -> None:
    good, output = told(drawn(tmp_path / ORIGINAL), known)
    assert good
    assert 'sheet "Table LA4": read by layout [la4_2014], nothing changed' in output
    assert 'sheets that no layout should read: "Index"' in output
    assert 'hidden, so not read: "Workings"' in output


def test_a_workbook_of_something_else_is_claimed_by_no_source(
    tmp_path: Path, known: Registry
) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in [["Dish", "Eggs", "Minutes"], *(["Cake", n, n + 20] for n in range(30))]:
        sheet.append(row)
    book.save(tmp_path / "recipes.xlsx")
    good, output = told(tmp_path / "recipes.xlsx", known)
    assert not good
    assert "no sheet is like a source that is known" in output
    assert 'sheets that no layout should read: "Sheet"' in output


def test_another_name_of_the_file_is_proposed_too(
    tmp_path: Path, known: Registry, before: Values
) -> None:
    file = drawn(tmp_path / "children in care 2014 [final].xlsx", renamed)
    after, output = by_entry(tmp_path, known, file)
    assert 'files = ["children in care * [[]final].xlsx"]' in output
    assert after == before


# --- the long extract, and text files with the same keys ------------------------------------------

LONG_HEAD = "Short Desc,Data item,Years,LA and Regions,Values,LA Number,Region"
NEW_HEAD = "Item code,Indicator,Time period,Area,Value,LA Code,Government Office Region"
PLACES = {"Southampton": "852", "Portsmouth": "851", "Hampshire": "850", "Surrey": "936"}
LONG_FIGURES = (
    "SELECT item, year_label, area_code, value, value_status FROM clean.youth_justice ORDER BY ALL"
)


def long_extract(head: str) -> str:
    """Two items of ours and one of others, four areas, ten years; a marker in every fifth row."""
    rows = [
        [item, item.lower(), str(2008 + year), area, str(100 + year), number, "South East"]
        for item in ("FirstYJS", "ReoffYO15-17", "RTA")
        for year in range(10)
        for area, number in PLACES.items()
    ]
    rows = [row if at % 5 else [*row[:4], "-", *row[5:]] for at, row in enumerate(rows)]
    rows = [row if row[0] != "ReoffYO15-17" else [*row[:4], *part(row), *row[5:]] for row in rows]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head.split(","), *rows])
    return out.getvalue()


def part(row: list[str]) -> list[str]:
    """A percentage is no more than 100."""
    return ["-" if row[4] == "-" else str(int(row[4]) - 70)]


def test_the_long_extract_with_other_heads_is_read_by_its_rows(
    tmp_path: Path, known: Registry
) -> None:
    old, new = tmp_path / "bds_long_0.csv", tmp_path / "bds_long_2026.csv"
    old.write_text(long_extract(LONG_HEAD), encoding="utf-8")
    new.write_text(long_extract(NEW_HEAD), encoding="utf-8")
    _, output = told(new, known)
    before = read(tmp_path / "a", old, known, "youth_justice", LONG_FIGURES)
    own = adopted(tmp_path, known, "youth_justice", output)
    after = read(tmp_path / "b", new, own, "youth_justice", LONG_FIGURES)
    assert after == before
    assert len(before) == 2 * 10 * len(PLACES)
    assert "80 rows looked through (those that the layout keeps)" in output
    assert 'rows are kept by "Short Desc", now "Item code"' in output
    assert "all of the rows pass its look-up" in output  # a year for its item
    assert 'new: "Indicator", "Government Office Region"' in output


def test_rows_that_no_head_tells_apart_are_not_let_in(tmp_path: Path, known: Registry) -> None:
    """Without the head that leaves the deciles out, England would come in with each of them."""
    head = (
        "Indicator ID,Indicator Name,Area Code,Area Name,Area Type,Sex,Age,{},Time period,Value,"
        "Lower CI 95.0 limit,Upper CI 95.0 limit,Count,Denominator,Value note"
    )
    rows = [
        f"1,Some rate,E06000045,Southampton,County & UA,Persons,15-24 yrs,{decile},2014/15,"
        "5.5,5.1,5.9,55,1000,"
        for decile in ("", *(["Deprivation deciles"] * 10))
    ]
    file = tmp_path / "indicators-2026.data.csv"
    file.write_text("\n".join([head.format("Breakdown"), *rows]) + "\n", encoding="utf-8")
    _, output = told(file, known)
    assert 'missing and needed: rows are kept by "Category Type"' in output
    assert "does not read the file yet: the head is not known by which rows" in output
    file.write_text("\n".join([head.format("category type"), *rows]) + "\n", encoding="utf-8")
    _, output = told(file, known)
    assert '"category type" = ""' in output
    assert "1 rows looked through (those that the layout keeps)" in output
    assert "tried: with the entry below the file is read as fingertips" in output


def test_an_entry_carries_over_what_still_holds(tmp_path: Path, known: Registry) -> None:
    """Values that a layout translates are known by what they mean."""
    head = "area_type,area_code,area_name,indicator,year,measure,value"
    rows = [
        f"UA,E0600004{at % 4 + 3},Place {at % 4},Children cautioned or sentenced,"
        f"{2010 + at // 8}/{11 + at // 8},{('Count', 'Per 10000 aged 10-17')[at % 2]},{at}"
        for at in range(32)
    ]
    text = "\n".join([head, *rows]).replace("Per 10000", '"Per 10,000').replace("-17,", '-17",')
    file = tmp_path / "children_offending.csv"
    file.write_text(text + "\n", encoding="utf-8")
    _, output = told(file, known)
    name = "local_as_in_children_offending"
    assert f'[{name}.values.measure]\n"Count" = "count"' in output
    assert f'[{name}.only]\n"indicator" = "(?i)Children cautioned or sentenced"' in output
    assert '"measure" = "measure"  # 1.00: same head; all of the values are in its list' in output
    assert '"year" = "financial_year"  # 0.90: head unlike; all of the values pass' in output
    assert "tried: with the entry below the file is read as children_cautioned" in output


# --- by hand --------------------------------------------------------------------------------------


def test_what_a_pattern_says_in_words() -> None:
    assert likeness.said_by(r"(\d{4}) / Number of .* up to date") == "Number of up to date"
    assert likeness.said_by(r"(.* / )?Number convicted .*") == "Number convicted"
    assert likeness.said_by("([A-Z].*)") == ""


def test_wording_by_hand() -> None:
    said = ["Number convicted", "Percentage convicted"]
    # number and percentage are said once, convicted twice: each is worth 1, 1 and 1/2
    assert likeness.wording("Number convicted", said[0], said) == 1.0
    recall, precision = 1 / 1.5, 1 / 2
    assert likeness.wording("Number guilty", said[0], said) == pytest.approx(
        0.75 * recall + 0.25 * precision
    )
    alike = 0.75 * 0.5 / 1.5 + 0.25 / 2
    assert likeness.wording("Number convicted", said[1], said) == pytest.approx(alike / 2)


def test_patterns_that_fit_anything_are_known() -> None:
    assert spread.is_any("([A-Z].*)")
    assert not spread.is_any(r"population_(\d{4})")


def sheet_of(rows: list[list[str]]) -> Sheet:
    top = tuple(tuple(row) for row in rows)
    return Sheet("a", True, None, len(rows), len(rows[0]), (), top, top)


def test_a_row_of_years_is_a_head_and_no_data(known: Registry) -> None:
    layout = next(one for one in known.layouts if one.name == "la4_2014")
    rows = [["Title", "", ""], ["", "2014", "2015"], ["Area", "Number", "Number"]]
    rows += [[f"Area {n}", str(n), "x"] for n in range(5)]
    found = standing.stands(sheet_of(rows), layout)
    assert standing.Stand((2, 3), 4) in found
    assert all(max(one.head_rows) < 4 for one in found)


# --- real data ------------------------------------------------------------------------------------


def only(known: Registry, name: str) -> Registry:
    """With the layouts of such a name only, since other sheets say nothing here."""
    return replace(known, layouts=tuple(one for one in known.layouts if one.name.startswith(name)))


def test_the_real_workbook_has_not_drifted_and_its_altered_copy_reads_the_same(
    tmp_path: Path, real_data: Path, known: Registry
) -> None:
    original = real_data / "dfe-looked-after-children" / ORIGINAL
    assert told(original, known)[0]
    copy = altered_workbook(original, tmp_path / COPY, year="2015")
    good, output = told(copy, known)
    assert not good
    assert output.count("nothing changed") == 9
    assert 'sheet renamed: "LAI1", not "*LA4"' in output
    own = adopted(tmp_path, known, SOURCE, output)
    before = read(tmp_path / "a", original, only(known, "la4_2014"), SOURCE)
    after = read(tmp_path / "b", copy, only(own, "la4_2014_as_in"), SOURCE)
    assert after == before
    assert len(before) > 600


def test_the_real_long_extract_has_not_drifted(real_data: Path, known: Registry) -> None:
    good, output = told(real_data / "dfe-lait-2024-11-19" / "bds_long_0.parquet", known)
    assert good, output
    assert "8,160 rows looked through (those that the layout keeps)" in output
