"""The synthetic sample: repeatable, counted exactly, in the suppliers' forms, never among others.

The rules by which a street-level row is bad are written here a second time, plainly, so that the
planted counts are checked against the bytes and not against the code that planted them. The files
of the other sources are held against what the pipeline makes of them.
"""

import csv
import gzip
import hashlib
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl  # type: ignore[import-untyped]
import pytest
from small_folder import refresh

from safecity_pipeline import period, registry, sample, settings
from safecity_pipeline.sample import SampleFile, street
from safecity_pipeline.sample.workbook import Sheet, to_bytes
from safecity_pipeline.warehouse import Warehouse

# Of the text of all extracts at seed 2014. It changes when the sample is changed on purpose; that
# it changes otherwise means another machine or library draws another sample.
TEXT_SHA256 = "59f7f7802be26baf83954219c8ecb0d1b0490033f7587746ba2be3c7b8662a66"

Written = tuple[Path, list[SampleFile]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("sample") / "raw"
    return folder, sample.write(folder)


def text_of(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        return repr([(sheet.title, cells_of(sheet)) for sheet in book_of(path)]).encode()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def book_of(path: Path) -> Any:
    return openpyxl.load_workbook(path)


def cells_of(sheet: Any) -> list[tuple[str, str | float]]:
    filled = (cell for row in sheet.iter_rows() for cell in row if cell.value is not None)
    return [(cell.coordinate, cell.value) for cell in filled]


def rows_of(path: Path) -> int:
    """Rows of a text file, a quoted line break within one; of a workbook those of its sheets."""
    if path.suffix == ".xlsx":
        last = (
            max(row[0].row for row in sheet.iter_rows() if filled(row)) for sheet in book_of(path)
        )
        return sum(last)
    return sum(1 for _ in csv.reader(io.StringIO(text_of(path).decode("utf-8-sig"), newline="")))


def filled(row: tuple[Any, ...]) -> bool:
    return any(cell.value is not None for cell in row)


def bytes_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def records_of(folder: Path, file: str) -> list[dict[str, str]]:
    text = text_of(folder / file).decode("utf-8")
    return list(csv.DictReader(text.splitlines()))


def street_lines(folder: Path, file: SampleFile) -> list[str]:
    return text_of(folder / file.file).decode("utf-8").splitlines()[1:]


def named(files: list[SampleFile], source: str) -> list[SampleFile]:
    return [file for file in files if file.source == source]


def compilation_of(files: list[SampleFile]) -> SampleFile:
    return next(file for file in files if file.file == street.COMPILATION)


def own_files_of(files: list[SampleFile]) -> list[SampleFile]:
    """The forces' own street-level files: not the compilation, nor those of whole years."""
    return [file for file in named(files, "street_crime") if "compilation" not in file.file]


CRIME_TYPES = {
    "Anti-social behaviour",
    "Bicycle theft",
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Possession of weapons",
    "Public order",
    "Robbery",
    "Shoplifting",
    "Theft from the person",
    "Vehicle crime",
    "Violence and sexual offences",
}
FORCES = {
    "Avon and Somerset Constabulary",
    "Derbyshire Constabulary",
    "Hampshire Constabulary",
    "Northamptonshire Police",
    "South Yorkshire Police",
    "Sussex Police",
    "Thames Valley Police",
}


def faults(line: str, months: set[str]) -> list[str]:
    """Say what is wrong with one street-level line of a file that speaks of `months`."""
    cells = line.split(",")
    if len(cells) != 12:
        return [f"{len(cells)} fields"]
    crime_id, month, reported_by, falls_within, longitude, latitude = cells[:6]
    lsoa_code, crime_type = cells[7], cells[9]
    number = re.compile(r"-?\d+\.\d{6}")
    degrees = float(latitude) if number.fullmatch(latitude) else None
    rules = {
        "crime id length": len(crime_id) in (0, 64),
        "crime id letters": re.fullmatch("[0-9a-f]*", crime_id) is not None,
        "not a month": re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month) is not None,
        "other month": month in months or month.endswith("-13"),
        "force": reported_by == falls_within and reported_by in FORCES,
        "half a position": (longitude == "") == (latitude == ""),
        "latitude is text": degrees is not None or latitude == "",
        "latitude range": degrees is None or 49 <= degrees <= 61,
        "lsoa code": re.fullmatch(r"|E019\d{5}", lsoa_code) is not None,
        "crime type": crime_type in CRIME_TYPES,
    }
    return [rule for rule, kept in rules.items() if not kept]


def months_of(file: SampleFile) -> set[str]:
    labels: list[str] = re.findall(r"\d{4}-\d{2}", file.file.rsplit("/")[-1])
    first, last = (12 * int(label[:4]) + int(label[5:]) - 1 for label in (labels[0], labels[-1]))
    return {f"{number // 12}-{number % 12 + 1:02d}" for number in range(first, last + 1)}


def bad_lines(folder: Path, file: SampleFile) -> Iterator[list[str]]:
    for line in street_lines(folder, file):
        if found := faults(line, months_of(file)):
            yield found


def test_same_seed_gives_the_same_bytes_and_another_seed_others(
    written: Written, tmp_path: Path
) -> None:
    folder, files = written
    assert sample.write(tmp_path / "again") == files
    assert bytes_of(tmp_path / "again") == bytes_of(folder)
    sample.write(tmp_path / "other", sample.Plan(seed=7))
    first, other = bytes_of(folder), bytes_of(tmp_path / "other")
    assert first.keys() == other.keys()
    assert [file.file for file in files if first[file.file] == other[file.file]] == []


def test_the_text_is_the_same_on_every_machine(written: Written) -> None:
    folder, files = written
    digest = hashlib.sha256()
    for file in files:
        digest.update(text_of(folder / file.file))
    assert digest.hexdigest() == TEXT_SHA256


def test_physical_rows_are_those_reported_and_those_of_the_manifests(written: Written) -> None:
    folder, files = written
    counted = {file.file: rows_of(folder / file.file) for file in files}
    assert {file.file: file.rows for file in files} == counted
    vouched = {}
    for manifest in folder.rglob("manifest.csv"):
        for row in records_of(folder, manifest.relative_to(folder).as_posix()):
            assert row["synthetic"] == "yes"
            name = (manifest.parent / row["file"]).relative_to(folder).as_posix()
            vouched[name] = (row["source"], int(row["rows"]))
    # Of a workbook, and of a text with titles, a manifest vouches for the rows of its tables.
    assert vouched == {file.file: (file.source, vouched_rows(folder, file)) for file in files}


def vouched_rows(folder: Path, file: SampleFile) -> int:
    of_tables = file.file.endswith(".xlsx") or has_titles(folder / file.file)
    return file.rows - file.left_out if of_tables else file.rows


def has_titles(path: Path) -> bool:
    """Whether the first line of a text is a title, which is one cell."""
    return b"," not in text_of(path).splitlines()[0]


def test_nothing_else_lies_in_the_folder_and_every_extract_is_named_synthetic(
    written: Written,
) -> None:
    folder, files = written
    names = {name for name in bytes_of(folder) if not name.endswith("manifest.csv")}
    assert names == {file.file for file in files} | {"README.md"}
    assert all(file.file.rsplit("/")[-1].startswith("synthetic-") for file in files)
    assert sum(map(len, bytes_of(folder).values())) < 20_000_000


@pytest.mark.parametrize("seed", [2014, pytest.param(7, marks=pytest.mark.nightly)])
def test_planted_rows_are_counted_exactly_and_have_one_fault_each(
    tmp_path: Path, seed: int
) -> None:
    files = named(sample.write(tmp_path / "raw", sample.Plan(seed=seed)), "street_crime")
    found = {file.file: list(bad_lines(tmp_path / "raw", file)) for file in files}
    assert {name: len(bad) for name, bad in found.items()} == {
        file.file: file.planted for file in files
    }
    kinds = Counter(tuple(reasons) for bad in found.values() for reasons in bad)
    assert all(len(reasons) == 1 for reasons in kinds)
    assert len(kinds) == 12  # each rule of `faults`, and 11 or 13 fields
    # 36 turns: 4 times 8 with 1+0+2+1+0+1+0+1 faults, and 4 with 1+0+2+1: 4 x 6 + 4
    assert sum(file.planted for file in own_files_of(files)) == 28
    # And one row in 200, all in all.
    assert 1 / 240 < sum(kinds.values()) / sum(file.rows for file in files) < 1 / 180


def test_good_street_rows_keep_the_suppliers_habits(written: Written) -> None:
    folder, files = written
    types: Counter[str] = Counter()
    unplaced = 0
    for file in named(files, "street_crime"):
        for line in street_lines(folder, file):
            if faults(line, months_of(file)):
                continue
            cells = line.split(",")
            anti_social = cells[9] == "Anti-social behaviour"
            assert (cells[0] == "") == (cells[10] == "") == anti_social
            assert (cells[6] == "No Location") == (cells[4] == "") == (cells[7] == "")
            assert cells[11] == ""
            types[cells[9]] += 1
            unplaced += cells[6] == "No Location"
    assert set(types) == CRIME_TYPES
    assert 0.36 < types["Anti-social behaviour"] / types.total() < 0.44
    assert unplaced > 100


def test_street_files_cover_every_month_published_and_end_lines_as_the_supplier_does(
    written: Written,
) -> None:
    folder, files = written
    own, compilation = own_files_of(files), compilation_of(files)
    years = [file for file in named(files, "street_crime") if file not in (*own, compilation)]
    assert len(own) == 6 * 6
    assert len({file.file.split("/")[1] for file in own}) == 6
    for file in own:
        text = text_of(folder / file.file)
        assert text.count(b"\r\n") == text.count(b"\n")
    assert b"\r" not in text_of(folder / compilation.file)
    # Since December 2010: 4 months of 2010-11, then 12 a year.
    assert len({month for file in (*own, *years) for month in months_of(file)}) == 4 + 4 * 12
    for file in years:
        spoken = {line.split(",")[1] for line in street_lines(folder, file)}
        assert spoken == months_of(file)
    assert 24_000 < sum(file.rows for file in named(files, "street_crime")) < 27_000


def test_compilation_repeats_hampshire_and_brings_northamptonshire(written: Written) -> None:
    folder, files = written
    compilation = compilation_of(files)
    assert sum(file.delivered_twice for file in named(files, "street_crime")) == (
        compilation.delivered_twice
    )
    lines = street_lines(folder, compilation)
    repeated = {line for line in lines if ",Hampshire Constabulary," in line}
    assert {line.split(",")[1] for line in repeated} == {"2014-10", "2014-11"}
    assert sum(",Hampshire Constabulary," in line for line in lines) == compilation.delivered_twice
    own = [
        file
        for file in files
        if re.search(r"2014-1[01]-hampshire-street", file.file) and file != compilation
    ]
    delivered = {line for file in own for line in street_lines(folder, file)}
    # What the own files lack of it are the good versions of rows that were spoilt there.
    assert len(repeated - delivered) <= sum(file.planted for file in own)
    brought = {line for line in lines if ",Northamptonshire Police," in line}
    assert {line.split(",")[8][:-5] for line in brought if line.count(",") == 11} == {"Northampton"}
    assert not any("northamptonshire" in file.file for file in files)


def test_crime_ids_name_one_row_each_within_the_own_files(written: Written) -> None:
    folder, files = written
    own = [file for file in named(files, "street_crime") if not file.delivered_twice]
    ids = Counter(line.split(",")[0] for file in own for line in street_lines(folder, file))
    del ids[""]
    assert set(ids.values()) == {1}


def test_partnership_tables_bring_each_code_four_times_for_fifteen_areas(
    written: Written,
) -> None:
    folder, files = written
    periods = {
        row["file"]: row["period"] for row in records_of(folder, "recorded_crime/manifest.csv")
    }
    tables = [file for file in named(files, "recorded_crime") if "-csp-" in file.file]
    assert len(tables) == 6
    for file, year in zip(tables, sample.Plan().years, strict=True):
        rows = records_of(folder, file.file)
        cells = Counter((row["CSP Name"], row["Offence Code"]) for row in rows)
        assert set(cells.values()) == {4}
        assert len({area for area, _ in cells}) == 15
        assert {code for area, code in cells if area == "Bristol, City of"} >= {"4.1", "4.10"}
        oldest = year == "2009-10"
        count = "Offence Count" if oldest else "Number of Offences"
        assert sum(int(row[count]) < 0 for row in rows) == 6
        says_when = re.search("year|quarter", ",".join(rows[0]), flags=re.IGNORECASE) is not None
        assert (says_when, periods[file.file.split("/")[1]]) == (oldest, "" if oldest else year)
        assert (folder / file.file).stat().st_size < 1_000_000


def test_force_table_pads_counts_and_has_a_body_without_a_territory(written: Written) -> None:
    folder, _ = written
    rows = records_of(folder, "recorded_crime/synthetic-prc-pfa-2014-15.csv")
    counts = [row["Number of Offences"] for row in rows]
    assert all(re.fullmatch(r" [1-9]\d* |-00 |-[1-9] ", count) for count in counts)
    assert "-00 " in counts
    assert "-1 " in counts
    assert sum(row["Force Name"] == "Action Fraud" for row in rows) == 4
    assert {"37.2", "4.1", "4.10"} <= {row["Offence Code"] for row in rows}
    assert {row["Financial Year"] for row in rows} == {"2014/15"}


def test_population_is_that_of_the_year_before_and_what_changed_it(written: Written) -> None:
    folder, files = written
    (file,) = named(files, "population")
    rows = records_of(folder, file.file)
    for row in rows:
        for year in range(2010, 2017):
            gained = int(row[f"births_{year}"]) - int(row[f"deaths_{year}"])
            for part in ("internal_net", "international_net", "other_change"):
                gained += int(row[f"{part}_{year}"])
            before, after = row[f"population_{year - 1}"], row[f"population_{year}"]
            assert int(after) == int(before) + gained
    assert {"Bristol, City of", "Portsmouth", "Eastleigh"} <= {row["laname20"] for row in rows}
    assert text_of(folder / file.file).startswith(b"ladcode20,laname20,country,population_2009,")
    assert text_of(folder / file.file).count(b"\r\n") == file.rows


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """How a sample comes to lie in a folder does not depend on how much it is."""
    monkeypatch.setattr(sample, "_deliveries", lambda plan, _: street.deliveries(plan))


def test_writes_over_an_earlier_sample(tmp_path: Path, few: None) -> None:
    sample.write(tmp_path / "fresh", sample.Plan(seed=3))
    sample.write(tmp_path / "reused", sample.Plan(seed=4))
    sample.write(tmp_path / "reused", sample.Plan(seed=3))
    assert bytes_of(tmp_path / "reused") == bytes_of(tmp_path / "fresh")


@pytest.mark.parametrize("foreign", ["2014-04-hampshire-street.csv", "README.md", "a/b/notes.txt"])
def test_refuses_a_folder_of_others_and_leaves_it_as_it_was(
    tmp_path: Path, few: None, foreign: str
) -> None:
    (tmp_path / foreign).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / foreign).write_text("somebody's own", encoding="utf-8")
    with pytest.raises(FileExistsError, match=rf"got: '{foreign}'; name another folder"):
        sample.write(tmp_path)
    assert bytes_of(tmp_path) == {foreign: b"somebody's own"}


def test_refuses_an_earlier_sample_to_which_a_real_extract_was_added(
    tmp_path: Path, few: None
) -> None:
    sample.write(tmp_path, sample.Plan(seed=3))
    (tmp_path / "street" / "2014-04-hampshire-street.csv").write_bytes(b"real")
    before = bytes_of(tmp_path)
    with pytest.raises(FileExistsError, match=r"got: 'street/2014-04-hampshire-street\.csv'"):
        sample.write(tmp_path, sample.Plan(seed=4))
    assert bytes_of(tmp_path) == before


def test_refuses_to_write_through_a_link_that_bears_the_name_of_its_own_file(
    tmp_path: Path,
    few: None,
) -> None:
    folder, elsewhere = tmp_path / "raw", tmp_path / "real.csv"
    (first, *_) = sample.write(folder, sample.Plan(seed=3))
    elsewhere.write_bytes(b"real")
    (folder / first.file).unlink()
    try:
        (folder / first.file).symlink_to(elsewhere)
    except OSError as refusal:
        pytest.skip(f"this account may not make symbolic links: {refusal}")
    with pytest.raises(FileExistsError, match="name another folder"):
        sample.write(folder, sample.Plan(seed=3))
    assert elsewhere.read_bytes() == b"real"


def test_refuses_a_file_in_place_of_the_folder_and_a_negative_seed(
    tmp_path: Path, few: None
) -> None:
    (tmp_path / "raw").write_bytes(b"")
    with pytest.raises(FileExistsError, match="is a file"):
        sample.write(tmp_path / "raw")
    with pytest.raises(ValueError, match="got: -1"):
        sample.write(tmp_path / "new", sample.Plan(seed=-1))
    assert not (tmp_path / "new").exists()


# --- what the pipeline makes of it ----------------------------------------------------------------


class TakenIn:
    """A release made of the sample, and what the sample says of its files."""

    def __init__(self, folder: Path, files: list[SampleFile]) -> None:
        self.files = {file.file: file for file in files}
        self.connection = Warehouse(folder / "warehouse").read_release(restricted=True)
        self.extracts = {
            file: Extracted(*facts)
            for file, *facts in self.answers(
                "SELECT file, status, source, synthetic, rows_read, rows_valid, "
                "rows_quarantined, rows_excluded FROM meta.extract"
            )
        }

    @property
    def sources(self) -> set[str]:
        return {file.source for file in self.files.values()}

    def answers(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement).fetchall()


class Extracted(NamedTuple):
    """A row of meta.extract."""

    status: str
    source: str
    synthetic: bool
    rows_read: int
    rows_valid: int
    rows_quarantined: int
    rows_excluded: int


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def taken_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, written: Written
) -> Iterator[TakenIn]:
    if request.param == sample.Plan().seed:
        made = TakenIn(request.getfixturevalue("whole_sample"), written[1])
    else:
        folder = tmp_path_factory.mktemp("taken")
        files = sample.write(folder / "raw", sample.Plan(seed=request.param))
        chosen = settings.load(settings.PACKAGED)
        refresh(chosen.with_folders(folder / "raw", folder / "warehouse"))
        made = TakenIn(folder, files)
    yield made
    made.connection.close()


def test_every_source_is_in_the_sample(written: Written) -> None:
    _, files = written
    assert {file.source for file in files} == set(registry.load().sources)


def test_every_file_is_read_and_its_rows_are_those_declared(taken_in: TakenIn) -> None:
    assert set(taken_in.extracts) == set(taken_in.files)
    for name, file in taken_in.files.items():
        elsewhere = file.folded + file.delivered_twice
        found = taken_in.extracts[name]
        assert found == Extracted(
            "superseded" if not found.rows_valid else "read",
            file.source,
            True,
            rows_read=file.rows,
            rows_valid=file.rows - file.left_out - file.planted - elsewhere,
            rows_quarantined=file.planted,
            rows_excluded=file.left_out + elsewhere,
        )


# Where the real publication does not tell of a year, nor does the sample.
LACKS = {
    "fingertips": {2009},
    "force_outcomes": {2009, 2010},
    "late_night_levy": {2009, 2010, 2011, 2012, 2013},
    "reoffending": {2013, 2014},
    "safety_survey": {2009, 2010, 2011},  # and the odd years between two surveys have one's half
    "street_crime": {2009},
}


def test_every_source_tells_of_every_financial_year_but_where_its_supplier_does_not(
    taken_in: TakenIn,
) -> None:
    told: dict[str, set[int]] = {source: set() for source in taken_in.sources}
    for source, label in taken_in.answers(
        "SELECT DISTINCT source, period FROM meta.extract_unit JOIN meta.extract USING (extract_id)"
    ):
        spoken = period.parse(label)
        told[source] |= set(range(financial_year(spoken.start), financial_year(spoken.end) + 1))
    wanted = {int(year[:4]) for year in sample.Plan().years}
    assert {source: wanted - years for source, years in told.items() if wanted - years} == LACKS


def financial_year(day: date) -> int:
    return day.year - (day.month < 4)


def test_each_planted_row_is_refused_for_its_own_fault(taken_in: TakenIn) -> None:
    planted: Counter[str] = Counter()
    for file in taken_in.files.values():
        planted[file.source] += file.planted
    refused = {
        source: [
            reasons for (reasons,) in taken_in.answers(f"SELECT reasons FROM quarantine.{source}")
        ]
        for source in taken_in.sources
    }
    assert {source: len(rows) for source, rows in refused.items()} == dict(planted)
    del refused["street_crime"]  # a month that is none is not the file's month either
    assert {len(reasons) for rows in refused.values() for reasons in rows} == {1}
    sheets = taken_in.answers("SELECT DISTINCT _sheet FROM quarantine.looked_after_children")
    assert set(sheets) == {("Table LA4",), ("Table LA5",)}


def test_the_one_unknown_marker_costs_its_cell_and_not_its_row(taken_in: TakenIn) -> None:
    cells = taken_in.answers("SELECT source, column_name, _row FROM quarantine.cell")
    [(source, column, row)] = cells
    assert (source, column) == ("youth_justice", "Values")
    kept = taken_in.answers(
        "SELECT item, value, value_status, value_marker FROM clean.youth_justice "
        f"WHERE _row = {row}"
    )
    assert kept == [("FirstYJS", None, "text", "u")]
    assert sum(file.planted_cells for file in taken_in.files.values()) == 1


def test_no_warning_but_those_of_what_is_planted(taken_in: TakenIn) -> None:
    failed = set(
        taken_in.answers("SELECT source, check_name FROM meta.check_result WHERE NOT passed")
    )
    planted = {
        (source, rule)
        for source in taken_in.sources
        for (rules,) in taken_in.answers(f"SELECT rules FROM quarantine.{source}")
        for rule in rules
    }
    assert ("drug_admissions", "row_belongs_to_columns") in planted
    assert failed == planted | {("youth_justice", "cells_read")}


def peers_or_counties() -> set[str]:
    """The group of Southampton, counties for districts, without the Welsh one: fourteen areas."""
    known = registry.load()
    group = known.areas.peer_group("crime_most_similar", "E06000045", date(2015, 3, 31))
    assert group is not None
    stand_ins = known.stand_ins.of(group)
    members = {stand_ins[code].code if code in stand_ins else code for code in group.members}
    return {code for code in members if code.startswith("E")}


@pytest.mark.parametrize(
    ("source", "figure"),
    [
        ("youth_justice", "item = 'FirstYJS' AND year_label = '2015'"),
        ("youth_justice", "item = 'ReoffYO' AND year_label = '2015'"),
        ("youth_justice", "item = 'ReoffYO15-17' AND year_label = '2015'"),
        ("youth_justice", "item = 'YJS_Caution-Sentence10-17_YO' AND year_label = '2014-15'"),
        ("children_cautioned", "measure = 'count' AND year(period_start) = 2014"),
        ("fingertips", "indicator_id = '90813' AND time_period = '2014/15'"),
    ],
)
def test_all_peers_of_england_have_a_figure(taken_in: TakenIn, source: str, figure: str) -> None:
    """Sheffield too, whose later code stands in the figures of the Youth Justice Board."""
    needed = peers_or_counties()
    assert len(needed) == 14
    found = taken_in.answers(
        f"SELECT area_code FROM clean.{source} WHERE {figure} AND value IS NOT NULL"
    )
    assert needed <= {area for (area,) in found}


def test_violence_peaks_in_the_nights_of_the_weekend_and_theft_on_working_days(
    taken_in: TakenIn,
) -> None:
    by_hour = dict(
        taken_in.answers(
            "SELECT dimension_value, numerator FROM mart.indicator_value "
            "WHERE indicator = 'violence_count' AND dimension = 'hour_of_week' "
            "AND area_code = 'E06000045' AND period = '2014-15'"
        )
    )
    del by_hour["not known"]
    # Three hours each, from Monday's first: of 56 the busiest are those around midnight of Friday
    # and Saturday, and the first of all are Saturday's from 00:00.
    hours = [by_hour[hour] for hour in sorted(by_hour)]
    threes = [sum(hours[at : at + 3]) for at in range(0, len(hours), 3)]
    assert len(threes) == 7 * 8
    friday_night, saturday_night = 4 * 8 + 7, 5 * 8 + 7
    busiest = sorted(range(len(threes)), key=lambda at: -threes[at])
    assert busiest[0] == friday_night + 1
    assert set(busiest[:4]) == {
        *(friday_night, friday_night + 1),
        *(saturday_night, saturday_night + 1),
    }
    tuesday = 1 * 8
    assert threes[friday_night + 1] > 4 * threes[tuesday]
    thefts = dict(
        taken_in.answers(
            "SELECT isodow(committed_from), count(*) FROM clean.police_crime "
            "WHERE offence_group = 'Theft offences' GROUP BY ALL"
        )
    )
    assert max(thefts[6], thefts[7]) < min(thefts[day] for day in range(1, 6))


@pytest.mark.parametrize(
    ("source", "day", "night_out"),
    [
        ("police_incident", "created_on", "opening_group = 'Violence'"),
        ("ed_assault", "arrived_on", "true"),
    ],
)
def test_calls_and_hospitals_have_their_busy_nights_too(
    taken_in: TakenIn, source: str, day: str, night_out: str
) -> None:
    nights = dict(
        taken_in.answers(
            f"SELECT isodow({day}), count(*) FROM clean.{source} "
            f"WHERE {night_out} AND hour < 4 GROUP BY ALL"
        )
    )
    assert min(nights[6], nights[7]) > 3 * max(nights[day] for day in range(1, 5))


# As published for England.
@pytest.mark.parametrize(
    ("source", "figure", "published"),
    [
        ("youth_justice", "item = 'FirstYJS' AND year_label = '2015'", 407),
        ("children_cautioned", "measure = 'count' AND year(period_start) = 2014", 36_018),
        ("looked_after_children", "measure = 'aged_10_and_over' AND year = 2014", 30_660),
        ("looked_after_children", "measure = 'convicted' AND year = 2014", 1_710),
    ],
)
def test_england_is_of_about_the_size_that_is_published_and_is_not_copied(
    taken_in: TakenIn, source: str, figure: str, published: int
) -> None:
    ((value,),) = taken_in.answers(
        f"SELECT value FROM clean.{source} WHERE {figure} AND area_code = 'E92000001'"
    )
    assert 0.85 * published < value < 1.15 * published
    assert value != published


def test_workbook_has_what_makes_the_suppliers_hard_to_read(written: Written) -> None:
    folder, _ = written
    book = book_of(folder / "looked_after_children/synthetic-SFR49_2014_LATables.xlsx")
    assert book.sheetnames == ["Index", "Table LA4", "Table LA5"]
    offending = book["Table LA4"]
    assert {str(cells) for cells in offending.merged_cells.ranges} >= {"B5:B6", "F5:G5"}
    assert offending.max_column == 256  # IV; the table ends in column G
    assert max(cell.column for row in offending.iter_rows() for cell in row if cell.value) == 7
    assert {cell.value for cell in offending["C"]} == {None}
    said = [value for _, value in cells_of(offending)]
    assert {"ENGLAND", "INNER LONDON", "x", ".", "Source: invented"} <= set(said)
    assert str(offending["D5"].value).endswith("31 March3")
    assert any(len(repr(value)) > 15 for value in said if isinstance(value, float))
    # London's halves stand below it, and are it.
    london = {str(row[0].value): row[1].value for row in offending.iter_rows(min_row=8)}
    assert abs(london["LONDON"] - london["INNER LONDON"] - london["OUTER LONDON"]) <= 10


def test_workbook_bytes_hold_no_clock_and_no_packing() -> None:
    content = to_bytes([Sheet("one", {(1, 1): "a", (2, 2): 0.1}, styled=("D1",))])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for part in archive.infolist():
            assert part.date_time == (1980, 1, 1, 0, 0, 0)
            assert part.compress_type == zipfile.ZIP_STORED
        written = re.findall(rb"\d{4}-\d\d-\d\dT[\d:]+Z", archive.read("docProps/core.xml"))
    assert set(written) == {b"2014-12-10T09:30:00Z"}


def test_text_files_have_their_suppliers_habits(written: Written) -> None:
    folder, files = written
    text = {file.file: text_of(folder / file.file) for file in files}
    outcomes = next(content for name, content in text.items() if name.startswith("force_outcomes"))
    assert b"\n" not in outcomes
    assert b",Violent crime," in outcomes.split(b"\r2012,")[0]  # in 2013 too, beside the new types
    health = text["fingertips/synthetic-indicators-CountyUA.data.csv"].decode()
    head, *records = csv.reader(io.StringIO(health, newline=""))
    assert (len(head), {len(record) for record in records}) == (26, {25})
    assert any("\n" in record[1] for record in records)
    earlier = text["drugs/synthetic-Seizures13-14.csv"]
    later = text["drugs/synthetic-Seizures14-15.csv"]
    assert (earlier[:3], later[:3]) == (b"Pol", b"\xef\xbb\xbf")
    assert later.split(b"\r\n")[0].split(b",").count(b"Other Class C") == 2
    bare = text["looked_after_children/synthetic-SFR32_2012_OC2_LA_Tables_UD.csv"]
    assert re.search(rb',North East ,,,,"\d,\d{3}"', bare)


def test_seizures_of_ketamine_are_read_from_the_column_that_holds_them(taken_in: TakenIn) -> None:
    """A force has about as many in both years; "Benzodiazepines", which the heads of 2014-15 have
    over anabolic steroids, would be a fifth of last year's."""
    years = taken_in.answers(
        "SELECT drug, sum(value) FILTER (year = '2014-15') / sum(value) FILTER (year = '2013-14') "
        "FROM clean.drug_seizures WHERE area_code <> 'BORDER_FORCE' GROUP BY drug"
    )
    assert len(years) == 23
    assert [drug for drug, ratio in years if not 0.7 < ratio < 1.3 and drug[:5] != "Total"] == []
