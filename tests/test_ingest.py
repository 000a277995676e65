"""Which files are read, what is believed of them, and which of two deliveries counts.

Here: recognition, manifests, units delivered twice, values that must survive, and what a refresh
may not do (write to raw/, read again what it knows). Not here: bad rows (`test_mutations`), the
ledger over arbitrary bytes (`test_conservation`).
"""

import gzip
import hashlib
import os
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import Bench, Rows, check_named
from hypothesis import given
from hypothesis import strategies as st

from safecity_pipeline import settings, sources, warehouse
from safecity_pipeline.ingest import (
    adding,
    intake,
    lines,
    load,
    parse,
    plain,
    rules,
    transcripts,
    units,
)
from safecity_pipeline.ingest.plain import Known
from safecity_pipeline.ingest.stage import Staged
from safecity_pipeline.model import Refused, Source
from safecity_pipeline.refresh import Refresh

CSP_HEAD = (
    "CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code,Number of Offences"
)
STREET_HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
HAMPSHIRE, DORSET = "Hampshire Constabulary", "Dorset Police"


def csp(*counts: int | str, name: str = "Southampton", code: str = "34A") -> str:
    rows = [f"{name},Robbery,Robbery,Robbery,{code},{count}" for count in counts]
    return "\n".join([CSP_HEAD, *rows, ""])


def street(*rows: tuple[str, str, str], crime: str = "") -> str:
    """Rows of (force, month, crime type), none of which has a place."""
    cells = [f"{crime},{month},{force},{force},,,,,,{kind},," for force, month, kind in rows]
    return "\n".join([STREET_HEAD, *cells, ""])


def counted(bench: Bench, source: str = "recorded_crime") -> list[int]:
    return [n for (n,) in bench.rows(f"SELECT number_of_offences FROM clean.{source} ORDER BY 1")]


# --- recognition ---------------------------------------------------------------------------------

WIDE = "ladcode20,laname20,country,population_2011,population_2012\nE06000045,Southampton,E,1,2\n"
CSP = csp(3)
LONG = "\n".join([CSP_HEAD, *(f"{random.Random(n).random()},,,,," for n in range(60_000))])
FILES = [
    # A name that no layout has, and a name that one has with another's head.
    ("notes.txt", b"to do", "unrecognised", "no source reads"),
    ("figures.csv", CSP.encode(), "unrecognised", "no source reads"),
    ("other_csp.csv", b"Area,Count\nA,1\n", "unrecognised", "no source reads"),
    ("lacking_csp_2.csv", CSP.replace("Offence Code", "Code").encode(), "refused",
     "the column Offence Code is missing"),
    ("totals_csp.csv", b"CSP Name,Crimes Of Dishonesty,Total\nA,1,1\n", "refused", "no period"),
    ("table.xls", b"\xd0\xcf\x11\xe0", "refused", "save it as .xlsx"),
    ("empty_csp.csv", b"", "refused", "empty"),
    ("utf16_csp.csv", CSP.encode("utf-16"), "refused", "save it as CSV in UTF-8"),
    ("utf16be_csp.csv", CSP.encode("utf-16-be"), "refused", "save it as CSV in UTF-8"),
    ("latin_csp.csv", CSP.replace("CSP", "C\xe9P").encode("latin-1"), "refused", "UTF-8"),
    ("cut_csp.csv.gz", gzip.compress(CSP.encode())[:-12], "refused", "cannot be read"),
    ("not_csp.csv.gz", CSP.encode(), "refused", "cannot be read"),
    ("noperiod_csp.csv", CSP.encode(), "refused", "file,period"),
    ("twice_csp.csv", CSP.replace("CSP Name", "Offence Count").encode(), "refused",
     "two columns of the head mean the same"),
    ("MYEB3_(2019).csv", WIDE.replace("2011", "2012").encode(), "refused",
     "two columns of the head mean the same"),
    ("MYEB3.csv", WIDE.encode(), "refused", "vintage"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "content", "status", "words"), FILES, ids=[f[0] for f in FILES])
def test_a_file_that_cannot_be_used_is_told_apart(
    bench: Bench, file: str, content: bytes, status: str, words: str
) -> None:
    bench.put(file, content)
    bench.put("manifest.csv", "file,period\nlacking_csp_2.csv,2011-12\n")
    extract = bench.extract(file)
    assert extract.status == status
    assert words in extract.message


CORRUPT = bytearray(gzip.compress(LONG.encode()))
CORRUPT[-100_000:] = b"\xff" * 100_000


PROVES_UNREADABLE = {
    "cut_csp.csv.gz": (gzip.compress(LONG.encode())[:-100_000], "cannot be read to its end"),
    "spoilt_csp.csv.gz": (bytes(CORRUPT), "cannot be read to its end"),
    "open_csp.csv": (CSP.replace("\n", ',"x\n').encode(), "head: a quotation mark"),
}


def test_a_file_that_proves_unreadable_costs_itself_only(bench: Bench) -> None:
    bench.put("good_csp.csv", CSP)
    for file, (content, _) in PROVES_UNREADABLE.items():
        bench.put(file, content)
    files = "".join(f"{file},2011-12\n" for file in ("good_csp.csv", *PROVES_UNREADABLE))
    bench.put("manifest.csv", f"file,period\n{files}")
    assert {extract.status for extract in bench.look().extracts} == {"read"}
    taken = bench.take_in("recorded_crime")
    for file, (_, words) in PROVES_UNREADABLE.items():
        assert words in taken.refused[bench.extract(file).extract_id]
    assert counted(bench) == [3]
    assert check_named(taken, "ledger_adds_up").passed
    assert check_named(taken, "extracts_readable").failed_rows == len(PROVES_UNREADABLE)


SHUFFLED = (
    "Number of Offences,Offence Code,Offence Subgroup,Offence Group,CSP Name,Offence Description"
)
SPELT = [
    ("a_csp.csv", b"\xef\xbb\xbf" + CSP.encode()),
    ("b_csp.csv", CSP.replace("\n", "\r\n").encode()),
    ("c_csp.csv", CSP.replace("CSP Name,", "  CSP  Name ,").encode()),
    ("d_csp.csv", CSP.replace("CSP Name,", '"CSP Name",').encode()),
    ("e_csp.csv", f"{SHUFFLED}\n3,34A,Robbery,Robbery,Southampton,Robbery\n".encode()),
    ("f_csp.csv", CSP.replace("\n", ",x\n").encode()),  # a column that nobody asked for
    ("g_csp.csv", CSP.replace("Number of Offences", "Offence Count").encode()),
    ("h_csp.csv.gz", gzip.compress(CSP.encode())),
    ("I_CSP.CSV.GZ", gzip.compress(CSP.encode())),
    ("j_csp (1).csv", CSP.encode()),
    ("k_csp [2].csv", CSP.encode()),
    ("l_csp, south's.csv", CSP.encode()),
]


def test_spellings_of_one_table_are_read_alike(bench: Bench) -> None:
    for year, (file, content) in enumerate(SPELT, 2004):
        bench.put(file, content)
        manifest = bench.raw / "manifest.csv"
        before = manifest.read_text() if year > 2004 else "file,period\n"
        manifest.write_text(f'{before}"{file}",{year}-{(year + 1) % 100:02}\n')
    bench.take_in("recorded_crime")
    rows = bench.rows("SELECT financial_year, csp_name, offence_code, number_of_offences "
                      "FROM clean.recorded_crime ORDER BY 1")  # fmt: skip
    assert rows == [(f"{2004 + n}-{5 + n:02}", "Southampton", "34A", 3) for n in range(len(SPELT))]


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_name_that_looks_like_a_pattern_reads_that_file_only(bench: Bench) -> None:
    bench.put("new_csp*.csv", csp(1))
    bench.put("new_csp_2.csv", csp(2, name="Bristol"))
    bench.put("manifest.csv", "file,period\nnew_csp*.csv,2011-12\nnew_csp_2.csv,2012-13\n")
    taken = bench.take_in("recorded_crime")
    assert counted(bench) == [1, 2]
    assert check_named(taken, "ledger_adds_up").passed


# --- manifests -----------------------------------------------------------------------------------


def test_manifest_says_what_the_file_does_not(bench: Bench) -> None:
    bench.put("2012/Table 4.csv", csp(3))
    digest = hashlib.sha256(csp(3).encode()).hexdigest().upper()
    bench.put(
        "2012/manifest.csv",
        "file,source,period,rows,sha256,received_on,published_on,note\n"
        f"Table 4.csv,recorded_crime,2011/12,1,{digest},2012-08-01,2012-07-19,as sent\n"
        "Table 5.csv,recorded_crime,2011/12,,,,,\n",
    )
    bench.take_in("recorded_crime")
    assert bench.rows("SELECT financial_year FROM clean.recorded_crime") == [("2011-12",)]
    extract = bench.extract("2012/Table 4.csv")
    assert extract.received_at is not None and extract.received_at.isoformat() == "2012-08-01"
    assert bench.look().missing == (str(Path("2012", "Table 5.csv")),)


def test_a_file_that_differs_from_its_manifest_is_refused(bench: Bench) -> None:
    """A supplier counts the 5 rows of the whole file without its head, or 6 with it."""
    whole = csp(1, 2, 3, 4, 5)
    lines_of = whole.splitlines(keepends=True)
    said = ["file,period,rows,sha256"]
    right, wrong = (hashlib.sha256(some.encode()).hexdigest() for some in (whole, "another"))
    for number, (kept, rows, digest, _) in enumerate(DIFFERING):
        # Cut at a row end: nothing but the manifest can tell.
        bench.put(f"{number}_csp.csv", "".join(lines_of[:kept]))
        stated = {"": "", "right": right, "wrong": wrong}[digest]
        said.append(f'{number}_csp.csv,{2004 + number}-{5 + number:02},"{rows}",{stated}')
    bench.put("manifest.csv", "\n".join(said))
    bench.take_in("recorded_crime")
    years = bench.rows("SELECT DISTINCT left(financial_year, 4)::INT - 2004 FROM "
                       "clean.recorded_crime ORDER BY 1")  # fmt: skip
    assert [number for (number,) in years] == [n for n, case in enumerate(DIFFERING) if case[3]]


# Lines kept, rows and hash that the manifest states, and whether the file may be used.
DIFFERING = [
    (6, "5", "", True),
    (6, "6", "", True),
    (6, "", "right", True),
    (6, "6", "right", True),
    (6, "4", "", False),
    (6, "1,000", "", False),
    (5, "6", "", False),
    (4, "5", "", False),
    (2, "5", "", False),
    (6, "5", "wrong", False),
    (5, "", "right", False),
]


def test_a_broken_line_of_a_manifest_costs_that_line_only(bench: Bench) -> None:
    broken = [
        ",2011-12,,",
        "/a.csv,2011-12,,",
        "../a.csv,2011-12,,",
        "a.csv,,yesterday,",
        "a.csv,,,x",
    ]
    bench.put("new_csp.csv", csp(3))
    lines_of = ["file,period,received_on,rows", *broken, "new_csp.csv,2011-12,,"]
    bench.put("manifest.csv", "\n".join(lines_of))
    assert len(bench.look().faults) == len(broken)
    bench.take_in("recorded_crime")
    assert counted(bench) == [3]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"\0\0\0", b'"', b"file\n"])
def test_a_broken_manifest_never_stops_the_survey(bench: Bench, content: bytes) -> None:
    bench.put("new_csp.csv", csp(3))
    bench.put("manifest.csv", content)
    assert bench.extract("new_csp.csv").status == "refused"  # nothing says its period


# --- units delivered twice -----------------------------------------------------------------------

BURGLARY, DRUGS = "Burglary", "Drugs"


def test_own_file_goes_before_a_compilation_however_new(bench: Bench) -> None:
    january, february = (HAMPSHIRE, "2014-01", BURGLARY), (HAMPSHIRE, "2014-02", BURGLARY)
    bench.put(
        "all-street.csv", street(january, january, january, february, (DORSET, "2014-01", DRUGS))
    )
    bench.put("2014-01-hampshire-street.csv", street(january, (HAMPSHIRE, "2014-01", DRUGS)))
    bench.put("manifest.csv", "file,published_on\nall-street.csv,2015-01-01\n")
    taken = bench.take_in("street_crime")
    # Of the own file 2; of the compilation 5 - 3 delivered twice.
    found = bench.rows("SELECT reported_by, month(month), count(*) FROM clean.street_crime "
                       "GROUP BY ALL ORDER BY ALL")  # fmt: skip
    assert found == [(DORSET, 1, 1), (HAMPSHIRE, 1, 2), (HAMPSHIRE, 2, 1)]
    ledger = taken.ledger.set_index("extract_id").to_dict("index")
    parts = ("rows_read", "rows_valid", "excluded_layout", "excluded_superseded")
    several, own = (ledger[bench.extract(file).extract_id]
                    for file in ("all-street.csv", "2014-01-hampshire-street.csv"))  # fmt: skip
    assert [several[part] for part in parts] == [6, 2, 1, 3]
    assert [own[part] for part in parts] == [3, 2, 1, 0]
    assert check_named(taken, "ledger_adds_up").passed
    assert [d.reason for d in taken.decisions if not d.counted] == [
        "a file of one unit goes before a compilation"
    ]
    (bench.raw / "2014-01-hampshire-street.csv").unlink()
    assert check_named(bench.take_in("street_crime"), "ledger_adds_up").passed
    assert bench.rows("SELECT count(*) FROM clean.street_crime") == [(5,)]


DATED = [
    # The manifest's date, against the dates of the folders.
    ("2014-09-01/old_csp.csv", "2014-08-01/new_csp.csv", ("2012-07-01", "2012-07-02"), 1),
    ("2014-09-01/old_csp.csv", "new_csp.csv", ("", "2012-07-02"), 1),
    # No manifest's date: the folder's; the file's name is no folder.
    ("2014-08/old_csp.csv", "2014-09/new_csp.csv", ("", ""), 2),
    ("20140831/2014-12_old_csp.csv", "sent 20140901/new_csp.csv", ("", ""), 2),
    # Neither: content decides, and that is said.
    ("old_csp.csv", "new_csp.csv", ("", ""), 3),
]


def test_dates_decide_before_content(bench: Bench) -> None:
    # By hash the smaller goes first, so only a date can make the larger win.
    first, last = sorted((1, 2), key=lambda n: hashlib.sha256(csp(n).encode()).hexdigest())
    said: dict[Path, str] = {}
    for number, (old, new, stated, _) in enumerate(DATED):
        for file, count, day in zip((old, new), (first, last), stated, strict=True):
            path = bench.put(f"case {number}/{file}", csp(count))
            known = said.get(path.parent, "file,period,published_on\n")
            said[path.parent] = f"{known}{path.name},{2004 + number}-{5 + number:02},{day}\n"
    for folder, lines_of in said.items():
        (folder / "manifest.csv").write_text(lines_of)
    taken = bench.take_in("recorded_crime")
    found = bench.rows("SELECT number_of_offences FROM clean.recorded_crime ORDER BY period_start")
    assert found == [(last,)] * 4 + [(first,)]
    lost = sorted((d.unit.start, d.reason) for d in taken.decisions if not d.counted)
    assert [reason for _, reason in lost] == [units.REASONS[reason] for *_, reason in DATED]
    check = check_named(taken, "units_dated")
    assert (check.passed, check.failed_rows, check.severity) == (False, 1, "WARN")
    assert check_named(taken, "ledger_adds_up").passed


def everything(bench: Bench) -> dict[str, Rows]:
    return {
        place: bench.rows(f"SELECT * FROM {place}.recorded_crime ORDER BY ALL")
        for place in ("clean", "set_aside", "quarantine")
    }


def test_any_way_to_a_folder_gives_the_tables_of_a_clean_run(
    benches: Callable[[str], Bench],
) -> None:
    """After every change, incremental and from nothing are the same, row by row."""
    bench = benches("step by step")
    bench.put("manifest.csv", "")

    def deliver(folder: str, content: str) -> Callable[[], object]:
        bench.put(f"{folder}/manifest.csv", "file,period\nnew_csp.csv,2011-12\n")
        return lambda: bench.put(f"{folder}/new_csp.csv", content)

    bristol = csp(7, "many", name="Bristol").removeprefix(CSP_HEAD + "\n")
    moved = bench.raw / "2012-10"
    steps: dict[str, tuple[Callable[[], object], list[int]]] = {
        "a first delivery": (deliver("2012-07", csp(1) + bristol), [1, 7]),
        "one that supersedes a unit": (deliver("2012-09", csp(3, 3)), [3, 3, 7]),
        "a late older one": (deliver("2012-08", csp(2) + bristol), [3, 3, 7]),
        "a renamed folder": (lambda: (bench.raw / "2012-07").rename(moved), [1, 7]),
        "another content": (lambda: bench.put("2012-09/new_csp.csv", csp(4, 5)), [1, 7]),
        "the newest withdrawn": (lambda: (moved / "new_csp.csv").unlink(), [4, 5, 7]),
    }
    for name, (change, expected) in steps.items():
        change()
        taken = bench.take_in("recorded_crime")
        assert counted(bench) == expected, name
        assert check_named(taken, "ledger_adds_up").passed, name
        anew = benches(name)
        anew.raw = bench.raw
        fresh = anew.take_in("recorded_crime")
        assert everything(bench) == everything(anew), name
        assert taken.ledger.equals(fresh.ledger), name


# --- values that must survive --------------------------------------------------------------------


def test_equal_rows_and_equal_crime_ids_are_kept(bench: Bench) -> None:
    same = (HAMPSHIRE, "2014-01", BURGLARY)
    bench.put(
        "2014-01-hampshire-street.csv", street(same, same, (*same[:2], DRUGS), crime="a" * 64)
    )
    bench.take_in("street_crime")
    rows = bench.rows("SELECT _row, crime_id, crime_type FROM clean.street_crime ORDER BY 1")
    assert rows == [(2, "a" * 64, BURGLARY), (3, "a" * 64, BURGLARY), (4, "a" * 64, DRUGS)]


def test_corrections_texts_and_padded_numbers(bench: Bench) -> None:
    codes = ["28A", "37.2", "4.10", "1/4.1/4.10/4.2", "034", "1e3"]
    counts = [" 66776 ", "-00", "-6", '"1,234"', "+7", "0012"]
    rows = [f" Bristol ,R,Robbery, ,{code},{n}" for code, n in zip(codes, counts, strict=True)]
    bench.put("new_csp.csv", "\n".join([CSP_HEAD, *rows]))
    bench.put("manifest.csv", "file,period\nnew_csp.csv,2011-12\n")
    bench.take_in("recorded_crime")
    found = bench.rows("SELECT offence_code, number_of_offences, csp_name, offence_subgroup, "
                       "area_code FROM clean.recorded_crime ORDER BY _row")  # fmt: skip
    numbers = [66776, 0, -6, 1234, 7, 12]
    assert found == [
        (c, n, "Bristol", None, "E06000023") for c, n in zip(codes, numbers, strict=True)
    ]


def test_blanks_in_a_nullable_cell_are_nothing(bench: Bench) -> None:
    row = f" ,2014-01,{HAMPSHIRE},{HAMPSHIRE}, , , , , ,{BURGLARY}, , "
    bench.put("2014-01-hampshire-street.csv", f"{STREET_HEAD}\n{row}\n")
    bench.take_in("street_crime")
    columns = "crime_id, longitude, latitude, location, lsoa_code, lsoa_name, area_code"
    assert bench.rows(f"SELECT {columns} FROM clean.street_crime") == [(None,) * 7]


def test_a_stray_row_is_kept_and_warned_of(bench: Bench) -> None:
    """Two rows a code, and one of 34B too many."""
    code = "South Gloucestershire,Robbery,Robbery,Robbery"
    rows = [f"{code},{c},1" for c in ("34A", "34A", "34B", "34B", "34B", "28A", "28A")]
    bench.put("new_csp.csv", "\n".join([CSP_HEAD, *rows]))
    bench.put("manifest.csv", "file,period\nnew_csp.csv,2011-12\n")
    check = check_named(bench.take_in("recorded_crime"), "rows_even")
    assert (check.passed, check.failed_rows, check.severity) == (False, 1, "WARN")
    assert len(counted(bench)) == 7


def test_a_code_that_ends_with_a_year_is_no_stray_row(bench: Bench) -> None:
    """34A in both years, 34B in the first only: one row each in every period."""
    rows = ["2014/15,Southampton,R,Robbery,R,34A,1", "2014/15,Southampton,R,Robbery,R,34B,1"]
    rows += ["2015/16,Southampton,R,Robbery,R,34A,1"]
    bench.put("new_csp.csv", "\n".join([f"Financial Year,{CSP_HEAD}", *rows]))
    assert check_named(bench.take_in("recorded_crime"), "rows_even").passed


def test_real_partnership_table_keeps_its_quirks(bench: Bench, real_data: Path) -> None:
    folder = real_data / "prc-csp-2011-12"
    for name in ("crime_data_by_csp.csv", "manifest.csv"):
        bench.put(name, (folder / name).read_bytes())
    taken = bench.take_in("recorded_crime")
    [facts] = bench.rows("SELECT count(*), count(*) FILTER (number_of_offences < 0), "
                         "min(number_of_offences) FROM clean.recorded_crime")  # fmt: skip
    assert facts == (15_577, 68, -6)
    assert check_named(taken, "rows_even").failed_rows == 1
    non_domestic = "area_code = 'E06000045' AND offence_code IN ('30A', '30B', '31')"
    assert bench.rows(
        f"SELECT sum(number_of_offences) FROM clean.recorded_crime WHERE {non_domestic}"
    ) == [(1666,)]


# --- what a refresh may not do -------------------------------------------------------------------


@pytest.fixture
def folder(bench: Bench) -> Path:
    """Files of several kinds: plain, packed, to be mended, refused, unrecognised."""
    bench.put("2014-01-hampshire-street.csv", street((HAMPSHIRE, "2014-01", BURGLARY)))
    bench.put("2014-02-hampshire-street.csv.gz", gzip.compress(f'{STREET_HEAD},"x\n'.encode()))
    bench.put("new_csp.csv", csp(1) + '\n"open\n')
    bench.put("old_csp.csv", csp(1))
    bench.put("MYEB3_(2019).csv", WIDE)
    bench.put("letter.txt", "Dear all")
    bench.put("manifest.csv", "file,period\nnew_csp.csv,2011-12\nabsent_csp.csv,2011-12\n")
    bench.put("sub/manifest.csv", "file,rows\nx.csv,dozens\n")
    return bench.raw


def test_a_refresh_tells_of_every_file_and_writes_to_none(folder: Path, tmp_path: Path) -> None:
    before = state(folder)
    for path in before:
        path.chmod(0o555)
    one = Refresh(settings.load(settings.PACKAGED).with_folders(folder, tmp_path / "warehouse"))
    with one.warehouse.lock():
        one.look()
        for name in one.registry.sources:
            one.take_in(name)
        with one.warehouse.open_work() as connection:
            found = dict(connection.execute("SELECT file, status FROM meta.extract").fetchall())
            warned = connection.execute(
                "SELECT check_name, severity FROM build.check_result WHERE source = 'raw' "
                "AND NOT passed ORDER BY 1"
            ).fetchall()
    for path in before:
        path.chmod(0o755)
    assert state(folder) == before
    assert found == {
        "2014-01-hampshire-street.csv": "read",
        "2014-02-hampshire-street.csv.gz": "refused",
        "new_csp.csv": "read",
        "old_csp.csv": "refused",
        "MYEB3_(2019).csv": "read",
        "letter.txt": "unrecognised",
    }
    expected = ("files_recognised", "files_usable", "manifests_kept", "manifests_readable")
    assert warned == [(name, "WARN") for name in ("columns_known", *expected)]


def state(folder: Path) -> dict[Path, tuple[int, str]]:
    """Every path below the folder and itself: time of its last change, and hash of its bytes."""
    return {
        path: (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder",
        )
        for path in [folder, *folder.rglob("*")]
    }


def test_only_what_changed_is_read_again(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[str] = []
    scan, known = lines.scan, intake.rules_hash

    def noted(path: Path, *told: Any, **more: Any) -> lines.Lines:
        scanned.append(path.name)
        return scan(path, *told, **more)

    def read_now() -> list[str]:
        scanned.clear()
        for source in ("recorded_crime", "street_crime"):
            bench.take_in(source)
        return sorted(scanned)

    def another(source: Source, declared: str) -> str:
        return known(source, declared) + ("x" if source.name == "street_crime" else "")

    monkeypatch.setattr(lines, "scan", noted)
    street_files = ["2014-01-hampshire-street.csv", "2014-02-hampshire-street.csv.gz"]
    assert read_now() == [*street_files, "new_csp.csv"]
    assert read_now() == []
    bench.put("new_csp.csv", csp(2))
    assert read_now() == ["new_csp.csv"]
    bench.put("manifest.csv", "file,period\nnew_csp.csv,2012-13\n")
    assert read_now() == ["new_csp.csv"]
    monkeypatch.setattr(intake, "rules_hash", another)
    assert read_now() == street_files
    assert read_now() == []


# --- many files at once --------------------------------------------------------------------------


CELLS: tuple[tuple[str, ...], ...] = (
    ("ab" * 32, "cd" * 32, "", "no reference", " " + "ef" * 32),
    ("2014-01", "2014-02", "2014-13", ""),
    (HAMPSHIRE, DORSET, f" {HAMPSHIRE}", "Nobody's Police"),
    (HAMPSHIRE, DORSET, ""),
    ("-1.4", "-1.40", "", "91", "west"),
    ("50.9", "", "5.09e1", "0"),
    (
        "On or near High Street",
        '"On, or ""near"""',
        '"On\nor near"',
        "x" * 201,
        " Quay ",
        "caf\xe9",
    ),
    ("E01017139", "", "X01017139"),
    ("Southampton 029A", "", "Nowhere 001A", "Southampton"),
    ("Burglary", "Anti-social behaviour", "Burgling", ""),
    ("", "Under investigation", "Unheard of"),
    ("", "", "a remark"),
)


def at_random(seed: int, month: str) -> str:
    """Rows most of whose cells are the first of their kind, blank and broken lines among them."""
    chance = random.Random(seed)
    lines_made = []
    for _ in range(150):
        row = [chance.choice((cells[0],) * 12 + cells) for cells in CELLS]
        row[1] = month if row[1] == CELLS[1][0] else row[1]
        line = ",".join(row)
        odd = chance.choice(
            ("", "," * 11, line + ",more", line[:-9] + '"', line.replace("H", "\0"))
        )
        lines_made.append(odd if chance.random() < 0.05 else line)
    return "\n".join([STREET_HEAD, *lines_made, ""])


@pytest.mark.parametrize("most", [plain.MOST, 5], ids=["much is known", "no more than five"])
def test_rows_that_need_no_judging_are_those_that_judging_would_let_pass(
    benches: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Seven months, one file unreadable: in one batch, each row judged; or each file by itself, two
    at the same time, and rows of known texts straight into the table."""
    found, straight = [], []
    add = Known.add

    def counted_add(known: Known, *given: Any) -> None:
        straight.append(given)
        add(known, *given)

    monkeypatch.setattr(Known, "add", counted_add)
    for name, size in (("together", 1 << 30), ("alone", 1)):
        monkeypatch.setattr(adding, "BATCH_BYTES", size)
        monkeypatch.setattr(plain, "MOST", most)
        bench = benches(name)
        for month in range(1, 7):
            when = f"2014-{month:02}"
            bench.put(f"{when}-hampshire-street.csv", at_random(month, when))
        bench.put("2014-07-hampshire-street.csv", street().replace("\n", ',"x\n'))
        taken = bench.take_in("street_crime")
        assert check_named(taken, "ledger_adds_up").passed
        assert bool(straight) == (name == "alone" and most > 5)
        tables = ("clean.street_crime", "quarantine.street_crime", "build.ingested", "build.unit")
        found.append([bench.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables])
        assert min(map(len, found[-1])) > 6
    assert found[0] == found[1]


def test_texts_judged_in_parts_are_judged_alike(
    benches: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, size in (("at once", 250_000), ("in parts", 2)):
        monkeypatch.setattr(rules, "CHUNK", size)
        bench = benches(name)
        bench.put("2014-01-hampshire-street.csv", at_random(1, "2014-01"))
        assert check_named(bench.take_in("street_crime"), "ledger_adds_up").passed
        tables = ("clean.street_crime", "quarantine.street_crime")
        found.append([bench.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables])
        assert min(map(len, found[-1])) > 6
    assert found[0] == found[1]


def test_a_batch_that_fails_ends_the_work_and_says_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "BATCH_BYTES", 1)
    for month in range(1, 7):
        when = f"2014-{month:02}"
        bench.put(f"{when}-hampshire-street.csv", street((HAMPSHIRE, when, "Burglary")))
    scan = lines.scan

    def grows(path: Path, *given: Any, **named: Any) -> lines.Lines:
        found = scan(path, *given, **named)
        if path.name.startswith("2014-02"):
            path.write_text(path.read_text() * 2)
        return found

    monkeypatch.setattr(lines, "scan", grows)
    with pytest.raises(Refused, match="changed while it was being read"):
        bench.take_in("street_crime")
    assert (2,) not in bench.rows("SELECT month(month) FROM clean.street_crime")


@pytest.mark.parametrize("size", [adding.BATCH_BYTES, 1], ids=["each judged", "known texts pass"])
def test_a_file_that_changes_before_its_bad_rows_are_kept_ends_the_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """They are read once more; what stands there by then is another content's."""
    monkeypatch.setattr(adding, "BATCH_BYTES", size)
    for month in range(1, 4):
        when = f"2014-{month:02}"
        bench.put(f"{when}-hampshire-street.csv", at_random(month, when))
    keep = load._quarantine

    def overtaken(connection: Any, staged: Staged, scratch: Path) -> None:
        for path in (piece.extract.path for piece in staged.pieces):
            if path.name.startswith("2014-03"):
                path.write_text(path.read_text().replace("Hampshire", "Wiltshire"))
        keep(connection, staged, scratch)

    monkeypatch.setattr(load, "_quarantine", overtaken)
    with pytest.raises(Refused, match="changed while it was being read"):
        bench.take_in("street_crime")
    assert (3,) not in bench.rows("SELECT month(month) FROM clean.street_crime")
    assert bench.rows("SELECT * FROM quarantine.street_crime WHERE received LIKE '%Wilts%'") == []


def test_transcripts_stay_until_nobody_can_be_reading_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one content share one; each is a batch, and the batches go side by side."""
    head, row = STREET_HEAD.split(","), f",2014-01,{HAMPSHIRE},{HAMPSHIRE},,,,,,Burglary,,"
    frame = pd.DataFrame([row.split(",")] * 3, columns=head).astype(str)
    connection = warehouse.memory()
    connection.register("frame", frame)
    first = bench.raw / "2014-01-hampshire-street.parquet"
    connection.execute(f"COPY frame TO '{first}' (FORMAT parquet)")
    (bench.raw / "again").mkdir()
    (bench.raw / "again" / first.name).write_bytes(first.read_bytes())
    noted = []

    def dropped(_: str) -> None:
        noted.append(bench.rows("SELECT count(DISTINCT extract_id) FROM build.ingested")[0][0])

    monkeypatch.setattr(transcripts, "drop", dropped)
    bench.layouts = tuple(
        replace(one, files=("*street*.parquet",))
        for one in bench.layouts
        if one.name == "street_2013"
    )
    taken = bench.take_in("street_crime")
    assert check_named(taken, "ledger_adds_up").passed
    assert (taken.read, noted) == (2, [2, 2])


# --- forms ---------------------------------------------------------------------------------------

FORMS = [
    pytest.param(source, name, form, id=f"{source.name}.{name}")
    for source in sources.discover().values()
    for name, column in source.model.to_schema().columns.items()
    if (form := rules.form_of(column))
]


def test_only_a_column_of_texts_may_say_a_form() -> None:
    """Of a number or a month the text is not the value, and nobody would have read it."""
    column = pa.Column(float, metadata={"form": "[0-9]+"}, name="rate")
    with pytest.raises(RuntimeError, match="rate: a column that is not of texts has no form"):
        rules.form_of(column)


@pytest.mark.parametrize(("source", "name", "form"), FORMS)
def test_texts_of_the_form_that_a_column_says_break_no_rule(
    source: Source, name: str, form: str
) -> None:
    """So that nobody has to ask them one by one. Python and the database mean the same by it."""
    column = source.model.to_schema().columns[name]
    connection = warehouse.memory()

    @given(st.from_regex(form, fullmatch=True), st.text(max_size=2), st.booleans())
    def holds(text: str, more: str, before: bool) -> None:
        parsed = parse.parse(pd.Series([text], dtype="str"), parse.kind_of(column))
        assert (parsed["value"][0], parsed["status"][0]) == (text, parse.OK)
        column.validate(pd.DataFrame({name: parsed["value"].astype("str")}))
        changed = more + text if before else text + more
        asked = connection.execute("SELECT regexp_full_match(?, ?)", [changed, form]).fetchone()
        assert asked == (bool(re.fullmatch(form, changed)),)

    holds()
