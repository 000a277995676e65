"""The synthetic sample: repeatable, counted exactly, in the suppliers' forms, never among others.

The rules by which a street-level row is bad are written here a second time, plainly, so that the
planted counts are checked against the bytes and not against the code that planted them.
"""

import csv
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from safecity_pipeline import sample
from safecity_pipeline.sample import SampleFile

# Of the text of all extracts at seed 2014. It changes when the sample is changed on purpose; that
# it changes otherwise means another machine or library draws another sample.
TEXT_SHA256 = "a57ddd593c773f95f3157837c6eeb43c303deedf30e2274c82aa15e67e678c1f"

Written = tuple[Path, list[SampleFile]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("sample") / "raw"
    return folder, sample.write(folder)


def text_of(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


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
    return next(file for file in files if file.file.endswith("-street-compilation.csv.gz"))


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
    first, last = int(labels[0][5:]), int(labels[-1][5:])
    return {f"{labels[0][:4]}-{month:02d}" for month in range(first, last + 1)}


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
    sample.write(tmp_path / "other", seed=7)
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
    counted = {file.file: text_of(folder / file.file).count(b"\n") for file in files}
    assert {file.file: file.rows for file in files} == counted
    vouched = {}
    for manifest in folder.rglob("manifest.csv"):
        for row in records_of(folder, manifest.relative_to(folder).as_posix()):
            assert row["synthetic"] == "yes"
            vouched[(manifest.parent / row["file"]).relative_to(folder).as_posix()] = (
                row["source"],
                int(row["rows"]),
            )
    assert vouched == {file.file: (file.source, file.rows) for file in files}


def test_nothing_else_lies_in_the_folder_and_every_extract_is_named_synthetic(
    written: Written,
) -> None:
    folder, files = written
    names = {name for name in bytes_of(folder) if not name.endswith("manifest.csv")}
    assert names == {file.file for file in files} | {"README.md"}
    assert all(file.file.rsplit("/")[-1].startswith("synthetic-") for file in files)
    assert sum(map(len, bytes_of(folder).values())) < 6_000_000


@pytest.mark.parametrize("seed", [2014, 7])
def test_planted_rows_are_counted_exactly_and_have_one_fault_each(
    tmp_path: Path, seed: int
) -> None:
    street = named(sample.write(tmp_path / "raw", seed=seed), "street_crime")
    found = {file.file: list(bad_lines(tmp_path / "raw", file)) for file in street}
    assert {name: len(bad) for name, bad in found.items()} == {
        file.file: file.planted for file in street
    }
    kinds = Counter(tuple(reasons) for bad in found.values() for reasons in bad)
    assert all(len(reasons) == 1 for reasons in kinds)
    assert len(kinds) == 12  # each rule of `faults`, and 11 or 13 fields
    # 18 files of 8 turns with 1+0+2+1+0+1+2+0 faults, and 4 in the compilation: 18 x 7 + 4
    assert sum(kinds.values()) == 130


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


def test_own_files_cover_two_years_of_six_forces_and_end_lines_as_the_supplier_does(
    written: Written,
) -> None:
    folder, files = written
    street = named(files, "street_crime")
    compilation = compilation_of(files)
    own = [file for file in street if file != compilation]
    assert len(own) == 24 * 6
    assert len({file.file.split("/")[1] for file in own}) == 24
    for file in own:
        text = text_of(folder / file.file)
        assert text.count(b"\r\n") == text.count(b"\n")
    assert b"\r" not in text_of(folder / compilation.file)
    assert 25_000 < sum(file.rows for file in street) < 30_000


def test_compilation_repeats_hampshire_and_brings_northamptonshire(written: Written) -> None:
    folder, files = written
    compilation = compilation_of(files)
    assert sum(file.delivered_twice for file in files) == compilation.delivered_twice
    lines = street_lines(folder, compilation)
    repeated = {line for line in lines if ",Hampshire Constabulary," in line}
    assert {line.split(",")[1] for line in repeated} == {"2014-04", "2014-05", "2014-06"}
    assert sum(",Hampshire Constabulary," in line for line in lines) == compilation.delivered_twice
    own = [
        file
        for file in files
        if re.search(r"2014-0[456]-hampshire-street", file.file) and file != compilation
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
    folder, _ = written
    for year in ("2013-14", "2014-15"):
        rows = records_of(folder, f"recorded_crime/synthetic-prc-csp-{year}.csv")
        cells = Counter((row["CSP Name"], row["Offence Code"]) for row in rows)
        assert set(cells.values()) == {4}
        assert len({area for area, _ in cells}) == 15
        assert {code for area, code in cells if area == "Bristol, City of"} >= {"4.1", "4.10"}
        assert sum(int(row["Number of Offences"]) < 0 for row in rows) == 6
        assert not re.search("year|quarter", ",".join(rows[0]), flags=re.IGNORECASE)
    periods = {
        row["file"]: row["period"] for row in records_of(folder, "recorded_crime/manifest.csv")
    }
    assert periods["synthetic-prc-csp-2013-14.csv"] == "2013-14"
    assert periods["synthetic-prc-csp-2014-15.csv"] == "2014-15"


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
        for year in range(2012, 2016):
            gained = int(row[f"births_{year}"]) - int(row[f"deaths_{year}"])
            for part in ("internal_net", "international_net", "other_change"):
                gained += int(row[f"{part}_{year}"])
            before, after = row[f"population_{year - 1}"], row[f"population_{year}"]
            assert int(after) == int(before) + gained
    assert {"Bristol, City of", "Portsmouth", "Eastleigh"} <= {row["laname20"] for row in rows}
    assert text_of(folder / file.file).startswith(b"ladcode20,laname20,country,population_2011,")
    assert text_of(folder / file.file).count(b"\r\n") == file.rows


def test_writes_over_an_earlier_sample(tmp_path: Path) -> None:
    sample.write(tmp_path / "fresh", seed=3)
    sample.write(tmp_path / "reused", seed=4)
    sample.write(tmp_path / "reused", seed=3)
    assert bytes_of(tmp_path / "reused") == bytes_of(tmp_path / "fresh")


@pytest.mark.parametrize("foreign", ["2014-04-hampshire-street.csv", "README.md", "a/b/notes.txt"])
def test_refuses_a_folder_of_others_and_leaves_it_as_it_was(tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / foreign).write_text("somebody's own", encoding="utf-8")
    with pytest.raises(FileExistsError, match=rf"got: '{foreign}'; name another folder"):
        sample.write(tmp_path)
    assert bytes_of(tmp_path) == {foreign: b"somebody's own"}


def test_refuses_an_earlier_sample_to_which_a_real_extract_was_added(tmp_path: Path) -> None:
    sample.write(tmp_path, seed=3)
    (tmp_path / "street" / "2014-04-hampshire-street.csv").write_bytes(b"real")
    before = bytes_of(tmp_path)
    with pytest.raises(FileExistsError, match=r"got: 'street/2014-04-hampshire-street\.csv'"):
        sample.write(tmp_path, seed=4)
    assert bytes_of(tmp_path) == before


def test_refuses_to_write_through_a_link_that_bears_the_name_of_its_own_file(
    tmp_path: Path,
) -> None:
    folder, elsewhere = tmp_path / "raw", tmp_path / "real.csv"
    (first, *_) = sample.write(folder, seed=3)
    elsewhere.write_bytes(b"real")
    (folder / first.file).unlink()
    try:
        (folder / first.file).symlink_to(elsewhere)
    except OSError as refusal:
        pytest.skip(f"this account may not make symbolic links: {refusal}")
    with pytest.raises(FileExistsError, match="name another folder"):
        sample.write(folder, seed=3)
    assert elsewhere.read_bytes() == b"real"


def test_refuses_a_file_in_place_of_the_folder_and_a_negative_seed(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"")
    with pytest.raises(FileExistsError, match="is a file"):
        sample.write(tmp_path / "raw")
    with pytest.raises(ValueError, match="got: -1"):
        sample.write(tmp_path / "new", seed=-1)
    assert not (tmp_path / "new").exists()
