"""Identifiers of persons: replaced at the door, in no file of a warehouse, linked within a domain.

Here: the pseudonym, its key, and that nothing of a person gets past the door. Not here: what the
sources with persons mean (test_sources_police_people), nor cells of other sources (test_privacy).
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from conftest import Bench
from duckdb import DuckDBPyConnection
from small_folder import dagster_home, own_environment, small_settings, write_small

from safecity_pipeline import bookkeeping, tables
from safecity_pipeline.ingest import intake, plain, pseudonyms
from safecity_pipeline.ingest.pseudonyms import DEMO, WITHHELD, Key, pseudonym
from safecity_pipeline.ingest.stage import Piece
from safecity_pipeline.model import Refused
from safecity_pipeline.orchestration import run
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings
from safecity_pipeline.supplier import checking, errors_workbook
from safecity_pipeline.warehouse import Warehouse

KEY, OTHER_KEY = "k" * 32, "another key, of more than enough characters"
DOMAIN = "police_person"
# Somebody, as two systems write the same identifier; and a name in a column that nobody asked for.
PERSON, AS_TYPED, NAME = "ZQ4765919", " zq 4765 919", "Beeblebrox"
PARTS = (b"4765919", b"4765 919", NAME.encode())
HEAD = (
    "Crime Ref,Recorded Date,District,HO Offence Group,Victim Nominal Ref,Victim Type,"
    "Age at Offence,Sex,Mental Disorder,Significant Impairment,Physical Disability,Extract Date"
)
OFFENDERS = (
    "Crime Ref,Offender Nominal Ref,Age at Offence,Sex,HO Code,HO Offence Group,Recorded Date,"
    "Detected Date,Outcome,District"
)


def victim(reference: int, who: str = PERSON, *, age: str = "34", sex: str = "F") -> str:
    group = "Theft offences"
    start = f"{reference},09/04/2014,Southampton,{group},{who},Person"
    return f"{start},{age},{sex},N,N,N,08/05/2015"


def victims(*rows: str, more: str = "") -> str:
    return "\n".join([HEAD + more, *rows]) + "\n"


def offenders(*rows: str) -> str:
    above = ["Offenders of detected crimes", "Extracted: 08/05/2015 06:00", "", OFFENDERS]
    return "\n".join([*above, *rows, f"Total rows: {len(rows)}"]) + "\n"


def offender(
    reference: int, who: str = PERSON, *, age: str = "34", outcome: str = "Charged"
) -> str:
    days = "09/04/2014 13:05,19/04/2014"
    return f"{reference},{who},{age},M,46,Theft offences,{days},{outcome},Southampton"


# Good, bad by a cell, without its line's end quoted, too long, too short, given twice, and slipped
# by one column, so that the person stands where the type belongs.
VICTIMS = victims(
    victim(1) + f",{NAME}",
    victim(2, AS_TYPED) + f",{NAME}",
    victim(3, age="340") + f",{NAME}",
    victim(4, AS_TYPED, sex="neither") + f",{NAME}",
    f'5,"{PERSON},{NAME}',
    victim(6) + f",{NAME},{PERSON}",
    f"7,{PERSON},{NAME}",
    victim(1) + f",{NAME}",
    f"8,09/04/2014,Southampton,Theft offences,N1,{PERSON},34,F,N,N,N,08/05/2015,{NAME}",
    more=",Victim Name",
)
REPORT = offenders(
    offender(1),
    offender(2, AS_TYPED),
    offender(3, age="340"),
    offender(4, outcome="Let off"),
    offender(5) + f",{PERSON}",
    f"6,N1,{PERSON},M,46,Theft offences,09/04/2014,19/04/2014,Charged,Southampton",
)


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    with own_environment(DAGSTER_HOME=dagster_home(), SAFECITY_PSEUDONYM_KEY=KEY):
        yield


# --- the pseudonym -------------------------------------------------------------------------------


def test_a_pseudonym_is_the_keyed_hash_of_one_spelling() -> None:
    sub_key = hmac.new(b"secret", b"safecity link domain\0police_person", hashlib.sha256).digest()
    assert Key(b"secret").of_domain(DOMAIN) == sub_key
    told = hmac.new(sub_key, b"ZQ4765919", hashlib.sha256).hexdigest()[:32]
    for spelling in (PERSON, AS_TYPED, PERSON.lower(), f"\N{NO-BREAK SPACE}{PERSON}\t"):
        assert pseudonym(spelling, sub_key) == told
    assert pseudonym(" ", sub_key) is None
    assert pseudonym("ZQ4765918", sub_key) != told
    assert pseudonym(PERSON, Key(b"secret").of_domain("another")) != told
    assert pseudonym(PERSON, Key(b"Secret").of_domain(DOMAIN)) != told


def test_a_key_comes_from_the_environment_or_a_file_and_is_not_shown(tmp_path: Path) -> None:
    key = pseudonyms.from_environment()
    assert key == Key(KEY.encode())
    assert KEY not in repr(key)
    assert len(Key(b"a").key_id) == 8 and Key(b"a").key_id != Key(b"b").key_id
    file = tmp_path / "key"
    file.write_text(f"{OTHER_KEY}\n", encoding="utf-8")
    with own_environment(SAFECITY_PSEUDONYM_KEY_FILE=str(file)):
        assert pseudonyms.from_environment() == Key(OTHER_KEY.encode())
    with own_environment():
        assert pseudonyms.from_environment() is None
        assert (pseudonyms.key_id(), pseudonyms.key_id(synthetic=True)) == ("", DEMO.key_id)


@pytest.mark.parametrize("short", ["secret", "k" * 31])
def test_a_short_key_is_refused_without_being_told(short: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(short, encoding="utf-8")
    for variables in (
        {"SAFECITY_PSEUDONYM_KEY": short},
        {"SAFECITY_PSEUDONYM_KEY_FILE": str(tmp_path / "key")},
    ):
        with own_environment(**variables), pytest.raises(Refused, match="fewer than 32") as told:
            pseudonyms.from_environment()
        assert f"{short};" not in str(told.value) and f"{short!r}" not in str(told.value)


def test_a_key_file_that_is_not_there_or_lies_in_the_repository_is_refused(tmp_path: Path) -> None:
    inside = pseudonyms.PROJECT / "README.md"
    for file, rule in ((tmp_path / "none", "cannot be read"), (inside, "inside the repository")):
        with (
            own_environment(SAFECITY_PSEUDONYM_KEY_FILE=str(file)),
            pytest.raises(Refused, match=rule),
        ):
            pseudonyms.from_environment()


# --- nothing gets past the door ------------------------------------------------------------------


def planted(folder: Path) -> Settings:
    """The small folder, and the person in every kind of row of two exports."""
    chosen = small_settings(folder)
    write_small(chosen.raw)
    (chosen.raw / "victims.csv.gz").write_bytes(gzip.compress(VICTIMS.encode()))
    (chosen.raw / "offenders.csv").write_text(REPORT, encoding="utf-8")
    return chosen


def tables_holding(connection: DuckDBPyConnection) -> set[str]:
    """Tables of any open database with any part of the person: stored, a text may be packed."""
    named = connection.execute(
        "SELECT concat_ws('.', database_name, schema_name, table_name) FROM duckdb_tables()"
    ).fetchall()
    parts = "|".join(part.decode().lower() for part in PARTS)
    asked = "SELECT 1 FROM {} AS t WHERE regexp_matches(lower(t::VARCHAR), ?) LIMIT 1"
    return {name for (name,) in named if connection.execute(asked.format(name), [parts]).fetchall()}


def holding(told: Iterable[tuple[str, bytes]]) -> set[str]:
    """Names of what holds any part of the person."""
    return {name for name, content in told for part in PARTS if part.lower() in content.lower()}


def everywhere(chosen: Settings) -> set[str]:
    """What holds any part of the person: of all files below the warehouse and in Dagster's home,
    and of all tables."""
    folders = (chosen.warehouse, Path(dagster_home()))
    files = [path for folder in folders for path in folder.rglob("*")]
    files = [path for path in files if path.is_file() and not path.is_symlink()]
    found = holding((str(path), path.read_bytes()) for path in files)
    kept = Warehouse(chosen.warehouse)
    for restricted in (True, False):
        with closing(kept.read_release(restricted=restricted)) as connection:
            found |= tables_holding(connection)
    with kept.lock(), kept.open_work() as work:
        return found | tables_holding(work)


def test_no_file_of_a_warehouse_holds_an_identifier(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = planted(tmp_path)
    outcome = run.refresh(chosen)
    assert outcome.published, outcome.failure
    assert everywhere(chosen) == set()
    assert list((chosen.warehouse / "build").glob("scratch/**/*")) == []
    said = [*capfd.readouterr(), caplog.text, repr([vars(one) for one in caplog.records])]
    assert holding(("said", text.encode()) for text in said) == set()
    with closing(Warehouse(chosen.warehouse).read_release(restricted=True)) as connection:
        kept = connection.execute(
            "SELECT victim, count(*), (SELECT count(*) FROM clean.police_offender AS o "
            "WHERE o.offender = v.victim) FROM clean.police_victim AS v GROUP BY ALL"
        ).fetchall()
        refused = connection.execute(
            "SELECT (SELECT count(*) FROM quarantine.police_victim), "
            "(SELECT count(*) FROM quarantine.police_offender)"
        ).fetchall()
        (key_id,) = connection.execute("SELECT key_id FROM meta.release").fetchall()[0]
    # The same person in both, two good rows in each.
    assert kept == [(pseudonym(PERSON, Key(KEY.encode()).of_domain(DOMAIN)), 2, 2)]
    assert refused == [(7, 4)]
    assert key_id == Key(KEY.encode()).key_id


def test_a_refused_row_is_kept_with_a_pseudonym_and_a_broken_one_by_its_place(bench: Bench) -> None:
    bench.put("victims.csv", VICTIMS)
    bench.take_in("police_victim")
    told = pseudonym(PERSON, Key(KEY.encode()).of_domain(DOMAIN))
    start, end = "09/04/2014,Southampton,Theft offences", f"N,N,N,08/05/2015,{WITHHELD}"
    kept = bench.rows("SELECT _row, received, reasons FROM quarantine.police_victim ORDER BY _row")
    assert {row: received for row, received, _ in kept} == {
        4: f"3,{start},{told},Person,340,F,{end}",
        5: f"4,{start},{told},Person,34,neither,{end}",
        6: None,
        7: None,
        8: None,
        9: f"1,{start},{told},Person,34,F,{end}",
        10: f"8,{start},{pseudonym('N1', Key(KEY.encode()).of_domain(DOMAIN))},{WITHHELD},"
        f"34,F,{end}",
    }
    reasons = {row: said for row, _, said in kept}
    assert reasons[4] == ["Age at Offence: an age lies between 0 and 115; got: '340'"]
    assert reasons[10][0] == "Victim Type: a victim is one of the known types"


def test_a_row_of_a_report_that_is_too_long_is_kept_by_its_place_and_reason(bench: Bench) -> None:
    bench.put("offenders.csv", REPORT)
    bench.take_in("police_offender")
    kept = bench.rows("SELECT _row, received, reasons FROM quarantine.police_offender")
    found = {row: (received, reasons) for row, received, reasons in kept}
    assert found[9] == (None, ["the row has more cells than the head, which has 10"])
    assert sorted(found) == [7, 8, 9, 10]


def test_rows_of_persons_are_never_known_by_their_texts(bench: Bench) -> None:
    bench.put("victims.csv", VICTIMS)
    extract = bench.extract("victims.csv")
    keyless = replace(bench.sources["police_victim"], key=())
    assert not plain.can_be(keyless, Piece(extract, extract.readings[0]))


# --- keys and domains ----------------------------------------------------------------------------


def persons(bench: Bench, source: str = "police_victim", column: str = "victim") -> set[str]:
    bench.take_in(source)
    return {row[0] for row in bench.rows(f"SELECT DISTINCT {column} FROM clean.{source}")}


def test_a_person_is_the_same_within_a_domain_and_with_a_key_only(
    benches: Callable[[str], Bench],
) -> None:
    bench = benches("one")
    bench.put("victims.csv", victims(victim(1)))
    bench.put("offenders.csv", offenders(offender(1, AS_TYPED)))
    known = persons(bench)
    assert persons(bench, "police_offender", "offender") == known
    apart = dict(bench.sources)
    apart["police_victim"] = replace(apart["police_victim"], link_domain="another")
    other = benches("two")
    other.sources = apart
    other.put("victims.csv", victims(victim(1)))
    assert not persons(other) & known
    # Another key: everything is read anew.
    with own_environment(SAFECITY_PSEUDONYM_KEY=OTHER_KEY):
        assert not persons(bench) & known
    assert persons(bench) == known


def test_another_key_concerns_only_sources_of_persons(known: Registry) -> None:
    before = {name: intake.rules_hash(one, "") for name, one in known.sources.items()}
    with own_environment(SAFECITY_PSEUDONYM_KEY=OTHER_KEY):
        after = {name: intake.rules_hash(one, "") for name, one in known.sources.items()}
    changed = {name for name in before if before[name] != after[name]}
    assert {"police_victim", "police_offender", "police_arrest"} <= changed
    assert not {"street_crime", "recorded_crime", "population"} & changed


def test_a_real_extract_without_a_key_is_refused_and_nothing_of_it_is_stored(bench: Bench) -> None:
    bench.put("victims.csv", VICTIMS)
    bench.put("offenders.csv", REPORT)
    for source, file in (("police_victim", "victims.csv"), ("police_offender", "offenders.csv")):
        with own_environment():
            taken = bench.take_in(source)
        told = bookkeeping.ledger_rows(taken, [bench.extract(file)], bench.areas)[tables.EXTRACT]
        assert list(told["status"]) == ["refused"]
        assert "set SAFECITY_PSEUDONYM_KEY to a secret" in told["message"][0]
        for schema in ("clean", "set_aside", "quarantine"):
            assert bench.rows(f"SELECT count(*) FROM {schema}.{source}") == [(0,)]
        assert tables_holding(bench.connection) == set()
        assert list(bench.scratch.rglob("*.csv")) == []
        # With a key the same extract is news.
        assert bench.take_in(source).ledger["rows_valid"].sum() == 2


def test_synthetic_extracts_need_no_key_and_take_the_published_one(bench: Bench) -> None:
    bench.put("synthetic-victims.csv", victims(victim(1)))
    with own_environment():
        found = persons(bench)
    assert found == {pseudonym(PERSON, DEMO.of_domain(DOMAIN))} == persons(bench)


# --- back to the supplier ------------------------------------------------------------------------


def test_what_goes_back_to_a_supplier_shows_no_person_and_needs_no_key(
    tmp_path: Path, known: Registry
) -> None:
    file = tmp_path / "victims.csv"
    file.write_text(VICTIMS, encoding="utf-8")
    with own_environment():
        verdict = checking.check(file, known)
    assert verdict.counts and (verdict.counts.good, verdict.counts.refused) == (2, 7)
    assert holding(("line", line.encode()) for line in verdict.lines) == set()
    errors_workbook.write(verdict, tmp_path / "errors.xlsx")
    book = openpyxl.load_workbook(tmp_path / "errors.xlsx")
    cells = [
        str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
    ]
    assert holding(("cell", cell.encode()) for cell in cells) == set()
    head, *rows = book["Rows"].values
    at = head.index("Victim Nominal Ref")
    assert {row[at] for row in rows if row[at]} == {WITHHELD}
