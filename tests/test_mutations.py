"""A seeded mutator plants bad rows; exactly those are in quarantine, each with all its reasons.

Here: every kind of fault, on tables written here and on copies of real files, against a run
without faults. Not here: arbitrary bytes (`test_conservation`).
"""

import csv
import gzip
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from conftest import Bench, Rows

Benches = Callable[[str], Bench]
CRIME = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Fault:
    """A kind of bad row: cells to overwrite or a line to spoil, and the rules that it breaks.

    `only` says on which rows it can be planted: those where these columns are filled.
    """

    name: str
    rules: tuple[str, ...]
    cells: Mapping[str, str] | None = None
    line: Callable[[bytes], bytes] | None = None
    only: tuple[str, ...] = ()


WHOLE = ("row_whole",)
LINE_FAULTS = (
    Fault("one cell too many", WHOLE, line=lambda line: line + b","),
    Fault("one cell too few", WHOLE, line=lambda line: line.rpartition(b",")[0]),
    Fault("quotation mark not closed", WHOLE, line=lambda line: b'"' + line),
    Fault("not UTF-8", WHOLE, line=lambda line: b"\xe9" + line),
    Fault("NUL byte", WHOLE, line=lambda line: line[:3] + b"\0" + line[3:]),
    Fault("line end inside", WHOLE, line=lambda line: line[:3] + b"\r" + line[3:]),
)
PLACE = ("Longitude", "Latitude", "LSOA code", "LSOA name")
STREET = (
    *LINE_FAULTS,
    Fault("month impossible", ("month_kind",), {"Month": "2014-13"}),
    Fault("month in the future", ("month_in_range",), {"Month": "2091-01"}),
    Fault("month absent", ("month_present",), {"Month": " "}),
    Fault("crime type unknown", ("crime_type_known",), {"Crime type": "Piracy"}),
    Fault("latitude a text", ("latitude_kind",), {"Latitude": "north"}, only=PLACE),
    Fault("latitude too far", ("latitude_in_range",), {"Latitude": "71.5"}, only=PLACE),
    Fault("longitude absent alone", ("position_whole",), {"Longitude": ""}, only=PLACE),
    Fault("LSOA code malformed", ("lsoa_code_form",), {"LSOA code": "E0100001"}, only=PLACE),
    Fault("authority unknown", ("area_code_known",), {"LSOA name": "Atlantis 001A"}, only=PLACE),
    Fault("LSOA name malformed", ("lsoa_name_form",), {"LSOA name": "Southampton"}, only=PLACE),
    Fault("LSOA code without name", ("lsoa_whole",), {"LSOA name": ""}, only=PLACE),
    Fault("Crime ID malformed", ("crime_id_form",), {"Crime ID": "0123"}),
    Fault("reporting force unknown", ("force_code_known",), {"Reported by": "Cloud Constabulary"}),
    Fault("outcome unknown", ("outcome_known",), {"Last outcome category": "Forgiven"}),
    Fault(
        "five at once",
        ("crime_id_form", "month_kind", "reported_by_present", "crime_type_known", "outcome_known"),
        {"Crime ID": "x", "Month": "May", "Reported by": "", "Crime type": "Piracy"}
        | {"Last outcome category": "Forgiven"},
    ),
)
OTHER_MONTH = Fault("month of another file", ("month_of_file",), {"Month": "2013-05"})
COUNTED = (
    *LINE_FAULTS,
    Fault("count 12.5", ("number_of_offences_kind",), {"Number of Offences": "12.5"}),
    Fault("count a text", ("number_of_offences_kind",), {"Number of Offences": "many"}),
    Fault("count endless", ("number_of_offences_kind",), {"Number of Offences": "9" * 30}),
    Fault("count empty", ("number_of_offences_present",), {"Number of Offences": "  "}),
    Fault("count too large", ("offences_in_range",), {"Number of Offences": "1000001"}),
    Fault("group unknown", ("offence_group_known",), {"Offence Group": "Piracy"}),
    Fault("code empty", ("offence_code_present",), {"Offence Code": ""}),
    Fault("code malformed", ("offence_code_form",), {"Offence Code": "34A;34B"}),
    Fault(
        "two at once",
        ("offence_group_known", "number_of_offences_kind"),
        {"Offence Group": "Piracy", "Number of Offences": "1 or 2"},
    ),
)
BY_PARTNERSHIP = (
    *COUNTED,
    Fault("partnership unknown", ("area_code_known",), {"CSP Name": "Atlantis"}),
    Fault("no area", ("area_named",), {"CSP Name": ""}),
)
BY_FORCE = (
    *COUNTED,
    Fault("force unknown", ("area_code_known",), {"Force Name": "Atlantis"}),
    Fault("quarter 5", ("quarter_known",), {"Financial Quarter": "5"}),
    Fault("year of two years", ("financial_year_kind",), {"Financial Year": "2014/16"}),
    Fault("year to come", ("year_in_range",), {"Financial Year": "2091/92"}),
    Fault("year absent", ("financial_year_present",), {"Financial Year": ""}),
)
RESIDENTS = (
    *LINE_FAULTS,
    Fault("negative", ("persons_in_range",), {"population_2012": "-90152"}),
    Fault("a text", ("persons_kind",), {"population_2012": "c. 90,000"}),
    Fault("empty", ("persons_present",), {"population_2012": ""}),
    Fault("thousands of millions", ("persons_in_range",), {"population_2012": "90152000000"}),
    Fault("two years bad", ("persons_kind", "persons_in_range"),
          {"population_2011": "0", "population_2012": "x"}),
    Fault("wrong country", ("country_of_code",), {"country": "N"}),
    Fault("unknown country", ("country_known",), {"country": "F"}),
    Fault("code malformed", ("area_code_form",), {"ladcode20": "E0600045"}),
)  # fmt: skip


def planted(
    content: bytes, faults: Sequence[Fault], seed: int
) -> tuple[bytes, dict[int, tuple[str, ...]], dict[int, Fault]]:
    """`content` with each fault on a row of its own, and the rules broken by physical row."""
    end = b"\r\n" if b"\r\n" in content[:1000] else b"\n"
    lines = content.removesuffix(end).split(end)
    head = [cell.strip() for cell in lines[0].decode("utf-8-sig").split(",")]
    rows = list(range(1, len(lines)))
    random.Random(seed).shuffle(rows)
    broken: dict[int, tuple[str, ...]] = {}
    kinds: dict[int, Fault] = {}
    for fault in faults:
        position = next(row for row in rows if _fits(fault, head, lines[row]))
        rows.remove(position)
        lines[position] = _spoilt(fault, head, lines[position])
        broken[position + 1], kinds[position + 1] = fault.rules, fault
    return end.join(lines) + end, broken, kinds


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8")]))


def _fits(fault: Fault, head: list[str], line: bytes) -> bool:
    cells = _cells(line)
    return len(cells) == len(head) and all(cells[head.index(name)] for name in fault.only)


def _spoilt(fault: Fault, head: list[str], line: bytes) -> bytes:
    if fault.line:
        return fault.line(line)
    cells = _cells(line)
    for name, value in (fault.cells or {}).items():
        cells[head.index(name)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue().encode()


def assert_only_those_move(
    benches: Benches,
    source: str,
    file: str,
    content: bytes,
    faults: Sequence[Fault],
    more: str = "",
) -> None:
    """Take in the file as it is and with the faults, and compare row by row."""
    spoilt, broken, kinds = planted(content, faults, seed=20141124)
    before, after = benches("before"), benches("after")
    for bench, some in ((before, content), (after, spoilt)):
        bench.put(file, gzip.compress(some, 1, mtime=0) if file.endswith(".gz") else some)
        bench.put("manifest.csv", more) if more else None
        [ledger] = bench.take_in(source).ledger.to_dict("records")
        # Every source reads the plain rows without a complaint, so the faults are all there is.
        assert ledger["rows_read"] == some.count(b"\n")
        assert ledger["rows_quarantined"] == (len(faults) if bench is after else 0)
        assert ledger["rows_valid"] == ledger["rows_read"] - 1 - ledger["rows_quarantined"]
    found = {row: tuple(rules) for row, rules in after.quarantined(source).items()}
    assert {row: sorted(rules) for row, rules in found.items()} == {
        row: sorted(rules) for row, rules in broken.items()
    }, {fault.name: row for row, fault in kinds.items()}
    assert clean_rows(after, source) == [
        row for row in clean_rows(before, source) if row[0] not in broken
    ]
    received: dict[int, str] = dict(after.rows(f"SELECT _row, received FROM quarantine.{source}"))
    physical = spoilt.split(b"\n")
    for row, text in received.items():
        shown = physical[row - 1].removesuffix(b"\r").decode(errors="replace")
        assert text == shown.replace("\0", "\N{REPLACEMENT CHARACTER}")


def clean_rows(bench: Bench, source: str) -> Rows:
    """Clean rows, those set aside included, row number first and without extract and sheet."""
    return bench.rows(
        f"SELECT * EXCLUDE (_extract_id, _sheet) FROM (FROM clean.{source} UNION ALL "
        f"FROM set_aside.{source}) ORDER BY ALL"
    )


# --- tables written here ----------------------------------------------------------------------

STREET_HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
FORCE = "Hampshire Constabulary,Hampshire Constabulary"
AT = "-1.404,50.909,On or near High Street,E01017139,Southampton 029A"
SPOT = "On or near a street"


def street_table(rows: int) -> bytes:
    """A row in four has no place, one in five no Crime ID: as in the real files."""
    lines = [STREET_HEAD]
    for number in range(rows):
        crime = "" if number % 5 == 0 else f"{number:064x}"
        place = ",,No Location,," if number % 4 == 0 else AT
        lines.append(f"{crime},2014-01,{FORCE},{place},Burglary,Under investigation,")
    return "\r\n".join([*lines, ""]).encode()


def partnership_table(rows: int) -> bytes:
    head = "CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code"
    lines = [f"{head},Number of Offences"]
    lines += [f"Southampton,Robbery,Robbery,Robbery,34A,{number - 3}" for number in range(rows)]
    return "\n".join([*lines, ""]).encode()


def force_table(rows: int) -> bytes:
    head = "Financial Year,Financial Quarter,Force Name,Offence Description,Offence Group"
    lines = [f"{head},Offence Subgroup,Offence Code,Number of Offences"]
    lines += [
        f"2014/15,{1 + number % 4},Hampshire,Robbery,Robbery,Robbery,34A, {number} "
        for number in range(rows)
    ]
    return "\n".join([*lines, ""]).encode()


def population_table(rows: int) -> bytes:
    lines = ["ladcode20,laname20,country,population_2011,births_2012,population_2012"]
    lines += [
        f"E060000{number:02},Place {number},E,90152,{number},9{number:04}" for number in range(rows)
    ]
    return "\n".join([*lines, ""]).encode()  # fmt: skip


@pytest.mark.parametrize(
    ("source", "file", "content", "faults"),
    [
        ("street_crime", "2014-01-hampshire-street.csv", street_table(60), (*STREET, OTHER_MONTH)),
        ("recorded_crime", "some_csp.csv", partnership_table(30), BY_PARTNERSHIP),
        ("recorded_crime", "some_pfa.csv", force_table(30), BY_FORCE),
        ("population", "MYEB3_(2019_geog20).csv", population_table(30), RESIDENTS),
    ],
    ids=["street", "partnership", "force", "population"],
)
def test_exactly_the_planted_rows_are_in_quarantine(
    benches: Benches, source: str, file: str, content: bytes, faults: tuple[Fault, ...]
) -> None:
    period = "file,period\nsome_csp.csv,2011-12\n" if file == "some_csp.csv" else ""
    assert_only_those_move(benches, source, file, content, faults, period)


def test_reasons_name_the_suppliers_column_and_what_was_got(bench: Bench) -> None:
    row = f"x,2014-02,{FORCE},-1.4,,{SPOT},E01017139,Southampton 029A,Piracy,,"
    bench.put("2014-01-hampshire-street.csv", f"{STREET_HEAD}\n{row}\n")
    bench.take_in("street_crime")
    [(reasons, received)] = bench.rows("SELECT reasons, received FROM quarantine.street_crime")
    assert received == row
    told = "Month, the file's name or manifest: "
    starts = ("Crime ID: ", "Crime type: ", "Longitude, Latitude: ", told)
    got = ("got: 'x'", "got: 'Piracy'", "got: '-1.4', nothing", "got: '2014-02', '2014-01'")
    assert len(reasons) == 4
    for reason, start, end in zip(reasons, starts, got, strict=True):
        assert reason.startswith(start) and reason.endswith(end)


def test_a_repeated_area_leaves_the_first_row_in_place(bench: Bench) -> None:
    table = population_table(3) + b"E06000001 ,Place 1,E,1,1,1\n"
    bench.put("MYEB3_(2019_geog20).csv", table)
    bench.take_in("population")
    assert bench.quarantined("population") == {5: ["key_unique"]}
    # 3 areas x 2 years
    assert bench.rows("SELECT count(*) FROM clean.population") == [(6,)]


# --- copies of real files ---------------------------------------------------------------------


REAL: tuple[tuple[str, str, int | None, tuple[Fault, ...]], ...] = (
    ("street_crime", "police-uk-hampshire/2014-01-*", None, (*STREET, OTHER_MONTH)),
    ("street_crime", "police-uk-msg-subset/*", 20_000, STREET),
    ("street_crime", "police-uk-other-forces/*-btp-*", None, (*STREET, OTHER_MONTH)),
    ("recorded_crime", "prc-csp-2011-12/crime_data_by_csp.csv", None, BY_PARTNERSHIP),
    ("recorded_crime", "prc-pfa-2017-18/*", None, BY_FORCE),
    ("population", "ons-population/MYEB3*", None, RESIDENTS),
)


def _text(path: Path, rows: int | None) -> bytes:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as handle:
        return b"".join(islice(handle, rows))


@pytest.mark.parametrize(
    ("source", "pattern", "rows", "faults"),
    REAL,
    ids=["hampshire", "several", "railways", "partnership", "force", "population"],
)
def test_exactly_the_rows_planted_in_a_real_file_are_in_quarantine(
    benches: Benches,
    real_data: Path,
    source: str,
    pattern: str,
    rows: int | None,
    faults: tuple[Fault, ...],
) -> None:
    [path] = real_data.glob(pattern)
    period = f"file,period\n{path.name},2011-12\n" if "csp" in path.name else ""
    assert_only_those_move(benches, source, path.name, _text(path, rows), faults, period)
