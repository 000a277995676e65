"""`safecity drift`: what changed in a file's form, and the entry that reads it.

Every file is an altered copy of one drawn table of 60 rows, so each test shows what was altered
and what must be said of it. Entries are tried where a deployment would put them.
"""

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from safecity_pipeline import cli, registry
from safecity_pipeline import sample as synthetic
from safecity_pipeline.ingest import drift, evidence, likeness, peek, spread, transcripts
from safecity_pipeline.model import Layout, Refused
from safecity_pipeline.registry import Registry, layouts
from safecity_pipeline.supplier import checking, drift_report

Table = list[list[str]]
NAME = "2014-09-hampshire-street.csv"
FORCES = ("Hampshire Constabulary", "Dorset Police", "Sussex Police")
KINDS = ("Burglary", "Drugs", "Shoplifting", "Vehicle crime", "Robbery")
SPELLINGS = {
    "crime_id": "Crime ID",
    "month": "Month",
    "reported_by": "Reported by",
    "falls_within": "Falls within",
    "longitude": "Longitude",
    "latitude": "Latitude",
    "location": "Location",
    "lsoa_code": "LSOA code",
    "lsoa_name": "LSOA name",
    "crime_type": "Crime type",
    "last_outcome_category": "Last outcome category",
    "context": "Context",
}
OURS, HEAD = list(SPELLINGS), list(SPELLINGS.values())


def street(rows: int = 60) -> Table:
    """A head and rows of three forces, with some distance between the points."""
    draw = random.Random(2014)
    return [HEAD] + [
        [
            f"{draw.getrandbits(256):064x}",
            "2014-09",
            FORCES[row % 3],
            FORCES[row % 3],
            f"{-1.4 + row / 1000:.6f}",
            f"{50.9 + row / 1000:.6f}",
            f"On or near Street {row}",
            f"E010{17180 + row}",
            f"Southampton {row % 30 + 1:03}A",
            KINDS[row % 5],
            "Under investigation" if row % 2 else "",
            "",
        ]
        for row in range(rows)
    ]


def csp(rows: int = 60) -> Table:
    names, groups = ("Southampton", "Bristol", "Sheffield"), ("Robbery", "Drug offences")
    head = "CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code"
    return [[*head.split(","), "Number of Offences"]] + [
        [names[n % 3], f"Some offence {n % 7}", groups[n % 2], "Any", f"{n % 7 + 1}A", str(n - 2)]
        for n in range(rows)
    ]


def population(stem: str = "population_", code: str = "ladcode20") -> Table:
    years = [f"{stem}{year}" for year in range(2010, 2015)]
    areas = [("EWSN"[n % 4], f"060000{n:02}") for n in range(40)]
    rows = [[letter + digits, f"Area {digits}", letter, *["1000"] * 5] for letter, digits in areas]
    return [[code, "laname20", "country", *years], *rows]


def renamed(table: Table, **heads: str) -> Table:
    """With other heads, by our names of street columns."""
    at = {SPELLINGS[ours]: theirs for ours, theirs in heads.items()}
    return [[at.get(cell, cell) for cell in table[0]], *table[1:]]


def without(table: Table, head: str) -> Table:
    at = table[0].index(head)
    return [row[:at] + row[at + 1 :] for row in table]


def changed(table: Table, head: str, value: str, every: int = 1) -> Table:
    at = table[0].index(head)
    return [
        [*row[:at], value, *row[at + 1 :]] if number and number % every == 0 else row
        for number, row in enumerate(table)
    ]


def left(table: Table, head: str, cell: str = "x") -> Table:
    return [[head if row is table[0] else cell, *row] for row in table]


def put(folder: Path, table: Table, name: str = NAME, delimiter: str = ",") -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    path = folder / name
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def told(file: Path, known: Registry, **more: object) -> tuple[bool, str, Layout | None]:
    """Whether it is read as it is, all that is printed, and the entry as it loads."""
    report = drift_report.report(file, known, **more)  # type: ignore[arg-type]
    text = "\n".join(report.lines)
    if not report.entry:
        return report.good, text, None
    source = text.partition("nearest to ")[2].split()[0]
    saved = deployment(file.parent, source, text)
    return report.good, text, layouts.load(known.sources, saved)[0]


def deployment(folder: Path, source: str, output: str) -> Path:
    """Save the whole output of the command as a deployment's own layout file."""
    own = folder / "deployment" / "layouts"
    own.mkdir(parents=True, exist_ok=True)
    (own / f"{source}.toml").write_text(output, encoding="utf-8")
    return own


def reads_every_row(file: Path, source: str, output: str) -> bool:
    own = deployment(file.parent, source, output)
    adopted = registry.load(own.parent / "safecity.toml")
    verdict = checking.check(file, adopted)
    return verdict.good and verdict.found.layout == adopted.layouts[0]


@pytest.fixture(scope="module")
def compared(known: Registry) -> evidence.Known:
    return evidence.Known(known.sources, known.layouts, known.areas)


def mapping(compared: evidence.Known, table: Table) -> dict[str, str]:
    """Head → our column, of the nearest layout."""
    found = drift.nearest(peek.of_rows(table[0], table[1:]), compared)
    assert found is not None
    return {one.head: one.column for one in found.mapped}


# --- files that are read --------------------------------------------------------------------------


def test_a_file_in_a_known_form_needs_nothing(tmp_path: Path, known: Registry) -> None:
    good, text, entry = told(put(tmp_path, street()), known)
    assert (good, entry) == (True, None)
    assert "nearest to street_crime [street_2013]" in text
    assert "no new layout is needed" in text
    assert not any(word in text for word in ("new:", "moved", "renamed", "retyped", "appeared"))


def test_what_the_layout_reads_all_the_same_is_listed_only(tmp_path: Path, known: Registry) -> None:
    table = left(without(street(), "Context"), "Row")
    table = [[row[0], *row[2:], row[1]] for row in table]  # Crime ID goes to the end
    good, text, _ = told(put(tmp_path, table), known)
    assert good
    assert 'new: "Row"' in text
    assert 'missing, which is allowed: context ("Context")' in text
    assert 'moved: "Crime ID" is column 12' in text


# --- files that have changed ----------------------------------------------------------------------

SPELT = renamed(
    street(),
    month="MONTH",
    crime_type="Crime  Type ",
    lsoa_code="LSOA code (2021)",
    reported_by="Reported-by",
    last_outcome_category="Last outcome",
    location="Locations",
)
TELLING = renamed(
    street(),
    crime_id="Ref",
    month="Period",
    longitude="X",
    latitude="Y",
    lsoa_code="A1",
    lsoa_name="A2",
    crime_type="B1",
    last_outcome_category="B2",
)
READABLE = {
    "case and spelling": (SPELT, NAME, "street_crime", 12),
    "heads that say nothing": (TELLING, NAME, "street_crime", 12),
    "a column added on the left": (left(SPELT, ""), NAME, "street_crime", 12),
    "another name": (street(), "crimes 2026-01 [final].csv", "street_crime", 12),
    "an optional column dropped": (without(SPELT, "Context"), NAME, "street_crime", 11),
    "population, next codes": (
        population("pop_", "ladcode24"),
        "MYEB3_(2024_geog24).csv",
        "population",
        3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READABLE)
def test_the_printed_entry_loads_and_reads_the_file(
    tmp_path: Path, known: Registry, case: str
) -> None:
    table, name, source, columns = READABLE[case]
    file = put(tmp_path, table, name)
    good, text, entry = told(file, known)
    assert not good
    assert entry is not None
    assert len(entry.columns) == columns
    assert f"tried: with the entry below the file is read as {source}" in text
    assert reads_every_row(file, source, text)


def test_values_tell_what_heads_do_not(compared: evidence.Known) -> None:
    assert mapping(compared, TELLING) == dict(zip(TELLING[0], OURS, strict=True))


def test_each_line_of_an_entry_says_score_and_reason(tmp_path: Path, known: Registry) -> None:
    _, text, _ = told(put(tmp_path, renamed(SPELT, crime_id="Ref")), known)
    lines = {line.partition(" = ")[0].strip('"'): line for line in text.splitlines()}
    assert "# 1.00: same head; all of the values pass its rules" in lines["Longitude"]
    assert "but for case, blanks or punctuation" in lines["MONTH"]
    assert "# 0.90: head unlike; all of the values pass" in lines["Ref"]
    ratio = 2 * 8 / (8 + 12)  # lsoacode, lsoacode2021
    assert f'spelling alike to "LSOA code" {ratio:.2f}' in lines["LSOA code (2021)"]


def test_a_column_of_values_is_not_taken_for_another_by_its_head(
    tmp_path: Path, known: Registry
) -> None:
    table = renamed(street(), longitude="Latitude", latitude="Longitude")
    good, text, entry = told(put(tmp_path, table), known)
    assert not good
    assert entry is not None
    assert not {"longitude", "latitude"} & set(entry.columns.values())
    assert "cannot tell which head is longitude, the head says one" in text


def test_two_columns_of_the_same_values_are_not_told_apart(tmp_path: Path, known: Registry) -> None:
    file = put(tmp_path, renamed(street(), reported_by="P", falls_within="Q"))
    good, text, entry = told(file, known)
    assert not good
    assert entry is not None
    assert not {"P", "Q"} & set(entry.columns)
    assert "missing and needed: reported_by" in text
    assert "cannot tell which head is falls_within, it fits another" in text
    assert '# "P" = "reported_by"  # 0.90' in text
    assert "the entry below does not read the file yet" in text
    # What stands there as a comment becomes an entry that reads it, once a person has chosen.
    chosen = text.replace('# "P" = "reported_by"', '"P" = "reported_by"')
    chosen = chosen.replace('# "Q" = "falls_within"', '"Q" = "falls_within"')
    assert reads_every_row(file, "street_crime", chosen)


def test_one_of_two_named_the_other_follows(compared: evidence.Known) -> None:
    table = renamed(street(), falls_within="Q")
    assert mapping(compared, table)["Q"] == "falls_within"


@pytest.mark.parametrize("head", ["Offenders", "Contact", "Count"])
def test_a_head_somewhat_alike_is_no_proof(compared: evidence.Known, head: str) -> None:
    table = csp()
    table[0] = [head if cell == "Number of Offences" else cell for cell in table[0]]
    assert head not in mapping(compared, table)
    assert head not in mapping(compared, changed(renamed(street(), context=head), head, "any"))


def test_a_needed_column_that_is_gone_is_named(tmp_path: Path, known: Registry) -> None:
    good, text, entry = told(put(tmp_path, without(street(), "Crime type")), known)
    assert not good
    assert entry is not None
    assert 'missing and needed: crime_type ("Crime type")' in text
    assert "# crime_type is needed, and no head comes into question" in text


def test_another_kind_of_value_is_named_and_not_hidden(tmp_path: Path, known: Registry) -> None:
    good, text, _ = told(put(tmp_path, changed(street(), "Month", "Sep-14")), known)
    assert not good
    assert 'retyped: "Month" (month): none of the values are a month such as 2014-09' in text
    assert "got: 'Sep-14'" in text
    assert '"Month" = "month"  # 1.00: RETYPED' in text
    good, text, _ = told(put(tmp_path, changed(street(), "Latitude", "-", every=2)), known)
    assert not good
    assert 'retyped: "Latitude" (latitude): 50 % of the values are a number' in text


def test_categories_that_appear_or_vanish(tmp_path: Path, known: Registry) -> None:
    before = put(tmp_path, street(), "2014-08-hampshire-street.csv")
    table = changed(street(), "Crime type", "Piracy", every=5)  # 12 of 60, all the robberies
    table = changed(table, "Falls within", "Rutland Police", every=30)
    good, text, _ = told(put(tmp_path, table), known, since=before)
    assert not good
    assert 'appeared in "Crime type" (crime_type), not in its list: "Piracy" 12 rows' in text
    assert 'not in the areas that are known: "Rutland Police" 2 rows' in text
    assert f'vanished from "Crime type" (crime_type), of the earlier file: "{KINDS[4]}"' in text


def test_one_bad_row_of_many_is_not_a_new_category(tmp_path: Path, known: Registry) -> None:
    table = street(1_500)
    table[1400] = [*table[1400][:9], "Piracy", *table[1400][10:]]
    good, text, _ = told(put(tmp_path, table), known)
    assert good
    assert '"Piracy" 1 row' in text


def test_two_columns_of_one_head_are_said(tmp_path: Path, known: Registry) -> None:
    table = left(street(), "Crime type", "Drugs")
    good, text, _ = told(put(tmp_path, table), known)
    assert not good
    assert 'heads of several columns, which no layout tells apart: "Crime type"' in text


def test_rows_of_another_length_are_said(tmp_path: Path, known: Registry) -> None:
    table = [HEAD, *(row[:-1] for row in street()[1:])]
    good, text, _ = told(put(tmp_path, table), known)
    assert not good
    assert "no row has as many cells as the head" in text
    assert "every row is broken: the row has 11 cells, the head has 12" in text


# --- columns that are years -----------------------------------------------------------------------


def test_years_of_something_else_are_candidates_only(tmp_path: Path, known: Registry) -> None:
    file = put(tmp_path, population("residents_"), "MYEB3_(2019_geog20).csv")
    good, text, entry = told(file, known, source="population")
    assert not good
    assert entry is not None
    assert not entry.wide
    assert 'cannot tell whether "residents_2010"' in text


# --- files that are nothing of ours ---------------------------------------------------------------

RECIPE: Table = [["Dish", "Eggs", "Minutes", "Flour"]] + [
    [f"Cake {n}", str(n % 4 + 1), str(n + 20), str(100 + n)] for n in range(60)
]


@pytest.mark.parametrize("name", ["recipe.csv", "recipe_csp_street.csv"])
def test_a_recipe_is_claimed_by_no_source(tmp_path: Path, known: Registry, name: str) -> None:
    good, text, entry = told(put(tmp_path, RECIPE, name), known)
    assert (good, entry) == (False, None)
    assert "like no source that is known" in text


def test_a_source_named_is_compared_all_the_same(tmp_path: Path, known: Registry) -> None:
    good, text, entry = told(put(tmp_path, RECIPE, "recipe.csv"), known, source="street_crime")
    assert (good, entry) == (False, None)
    assert "only because you named it" in text
    assert "missing and needed: month" in text


def test_semicolons_are_seen(tmp_path: Path, known: Registry) -> None:
    good, _, entry = told(put(tmp_path, street(), delimiter=";"), known)
    assert not good
    assert entry is not None
    assert entry.delimiter == ";"
    assert len(entry.columns) == 12


def test_line_ends_in_cells_cost_nothing_and_open_quotation_marks_their_own_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.csv"
    file.write_text('a,b\n1,"x\ny"\n2,"open\n3,z\n4,"said ""so"""\n', encoding="utf-8")
    assert peek.peek(file).rows == (("1", "x\ny"), ("3", "z"), ("4", 'said "so"'))


def test_odd_heads_and_names_make_no_odd_entry(tmp_path: Path, known: Registry) -> None:
    odd = 'Crime "type" \\ # = [x]\x7f\x01 \u2028é'
    file = put(tmp_path, renamed(street(), crime_type=odd), "a # \x07 'crime'.csv")
    _, text, entry = told(file, known)
    assert entry is not None
    assert entry.columns[" ".join(odd.split())] == "crime_type"
    assert reads_every_row(file, "street_crime", text)


# --- the order of columns -------------------------------------------------------------------------


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(13)), table=st.sampled_from([SPELT, TELLING]))
def test_shuffling_columns_never_changes_the_mapping(
    compared: evidence.Known, order: list[int], table: Table
) -> None:
    table = left(renamed(table, falls_within="Q", reported_by="P"), "Foo")
    shuffled = [[row[at] for at in order] for row in table]
    assert mapping(compared, shuffled) == mapping(compared, table)


# --- the two scores -------------------------------------------------------------------------------


def test_names_by_hand() -> None:
    def worth(head: str, spelling: str) -> float:
        return likeness.names(head, [spelling], "none")[0]

    assert worth("Month", "Month") == likeness.SAME
    assert worth(" month", "Month") == likeness.CASE
    assert worth("ladcode24", "ladcode20") == likeness.DIGITS
    assert worth("Offence Desc", "Offence Description") == likeness.SHORT
    assert worth("Locations", "Location") == pytest.approx(2 * 8 / (9 + 8) - 0.1)
    assert worth("Content", "Context") == pytest.approx(2 * 6 / (7 + 7) - 0.1)
    assert worth("Content", "Context") < spread.SURE < worth("Locations", "Location")
    assert worth("Count", "country") < spread.SURE
    assert worth("", "Context") == 0


def test_how_demanding_a_column_is_follows_from_its_rules(compared: evidence.Known) -> None:
    crimes, recorded = compared.tests["street_crime"], compared.tests["recorded_crime"]
    assert crimes["crime_type"].typical == 0  # no typical cell is a crime type
    assert crimes["location"].typical == 1  # every one is a location
    assert crimes["lsoa_code"].worth(1) == likeness.STRICT_WORTH
    assert crimes["latitude"].worth(1) < crimes["latitude"].worth(100)  # two numbers may chance
    assert recorded["number_of_offences"].worth(100) == likeness.LOOSE_WORTH


# --- the command ----------------------------------------------------------------------------------


def test_exit_status(tmp_path: Path) -> None:
    def status(*arguments: object) -> int:
        return CliRunner().invoke(cli.app, ["drift", *map(str, arguments)]).exit_code

    good, bad = put(tmp_path, street()), put(tmp_path, RECIPE, "recipe.csv")
    book = tmp_path / "book.xlsx"
    book.write_bytes(b"PK")
    assert status(good) == 0
    assert status(bad) == 1
    assert status(book) == 1
    assert status(tmp_path / "none.csv") == 2
    assert status(good, "--source", "recipes") == 2
    assert status(good, "--since", tmp_path / "none.csv") == 2
    assert status(good, "--since", book) == 2


def test_what_is_no_table_is_answered_in_words(tmp_path: Path, known: Registry) -> None:
    for name, words in (
        ("a.xlsx", "cut short or damaged"),
        ("a.ods", "cut short or damaged"),
        ("a.parquet", "damaged"),
        ("a.xls", "save it as .xlsx"),
        ("a.pdf", "only .csv"),
    ):
        (tmp_path / name).write_bytes(b"PK")
        good, text, entry = told(tmp_path / name, known)
        assert (good, entry) == (False, None)
        assert "cannot be compared" in text
        assert words in text


def test_an_earlier_file_that_cannot_be_read_is_refused(tmp_path: Path, known: Registry) -> None:
    since = tmp_path / "since.csv"
    since.write_bytes(b"")
    with pytest.raises(Refused, match="not a text file"):
        drift_report.report(put(tmp_path, street()), known, since=since)


# --- the sample and real data ---------------------------------------------------------------------


def test_the_sample_has_not_drifted(tmp_path: Path, known: Registry) -> None:
    """But for words that are planted, in lists that have none such."""
    written = synthetic.write(tmp_path)
    # One of each source, of the files with the fewest faults the last.
    chosen = {one.source: one for one in sorted(written, key=lambda one: -one.planted)}
    # Texts with titles above their head are not understood by drift yet.
    titled = {one.source for one in known.layouts if transcripts.stands_apart(one)}
    for source in [one for one in titled if chosen[one].file.endswith((".csv", ".csv.gz"))]:
        del chosen[source]
    assert len(chosen) > 20
    assert {"street_crime", "recorded_crime", "population"} <= set(chosen)
    for source, file in chosen.items():
        report = drift_report.report(tmp_path / file.file, known)
        text = "\n".join(report.lines)
        assert f"nearest to {source}" in text
        assert report.good or (file.planted and "appeared in" in text), text


REAL = {
    "police-uk-hampshire/2014-09-hampshire-street.csv.gz": True,
    "police-uk-other-forces/2014-09-btp-street.csv.gz": True,
    "prc-csp-2011-12/crime_data_by_csp.csv": True,
    "prc-pfa-2017-18/prc-pfa-mar2013-onwards-tables201718.csv": True,
    "ons-population/*.csv": True,
    "prc-csp-2011-12/crime_totals_by_csp.csv": False,
    "fingertips/*southeast.csv": True,
    "fingertips/indicators-CountyUA.data.csv": True,
    "yjb-children-cautioned/*.csv": True,
    "drugs/misuse.csv": True,
    "drugs/population_la.csv": False,
    "drugs/Seizures13-14.csv": True,
    "drugs/Seizures14-15.csv": True,
    "drugs/Quantities14-15.csv": True,
    "dfe-looked-after-children/SFR32*.csv": True,
    "dfe-looked-after-children/SFR34*.csv": True,
    "lookups/lad_to_csp.csv": False,
    "lookups/PoliceforceLSOA.csv.gz": False,
    "police-uk-outcomes-by-force/crime outcomes*.csv": True,
    "police-uk-outcomes-by-force/outcomes_by_force.csv": False,
}


def test_real_files_that_are_read_have_not_drifted_and_others_are_not_claimed(
    real_data: Path, known: Registry
) -> None:
    for pattern, is_read in REAL.items():
        [file] = real_data.glob(pattern)
        report = drift_report.report(file, known)
        assert report.good == is_read, report.lines
        assert report.entry == "", file.name


def test_real_rows_under_heads_that_say_nothing(
    tmp_path: Path, real_data: Path, known: Registry
) -> None:
    """A year of the Home Office's table with four heads changed, three of them beyond likeness."""
    [file] = (real_data / "prc-pfa-2017-18").glob("*.csv")
    text = file.read_text(encoding="utf-8-sig").replace("Force Name", "Constabulary or body", 1)
    text = text.replace("Financial Year", "FY", 1).replace("Offence Group", "Level 1", 1)
    (tmp_path / file.name).write_text(text.replace("Number of", "Nr of", 1), encoding="utf-8")
    _, said, entry = told(tmp_path / file.name, known)
    assert entry is not None
    assert entry.columns["FY"] == "financial_year"
    assert entry.columns["Constabulary or body"] == "force_name"
    assert entry.columns["Level 1"] == "offence_group"
    assert entry.columns["Nr of Offences"] == "number_of_offences"
    assert "is read as recorded_crime" in said
