"""Corrections: a known error is changed or left out, traceably, until its supplier mends the file.

Here: entries refused, what an entry changes and what it does not, the ledger, the guard, and a
release that is that of a clean run. Not here: waivers (`test_waivers`).
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Bench, check_named
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from same_release import differences
from small_folder import MAY, POPULATION, refresh_databases, street, street_row, write_small
from test_conservation import HEAD, TOY, TOYS

from safecity_pipeline import registry, settings, summary
from safecity_pipeline.ingest import adding
from safecity_pipeline.model import Check, Correction, Range, Refused, Source
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry, corrections
from safecity_pipeline.settings import Settings
from safecity_pipeline.supplier import checking
from safecity_pipeline.warehouse import Warehouse

CONFIG = 'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n'
DIGIT = """
[a_digit_too_many]
source = "population"
files = "MYEB3*.csv"
where = { area_code = "E06000045", year = "2014" }
action = "replace"
column = "persons"
expect = 2400000
value = 240000
reason = "A digit too many."
reported_on = 2015-06-01
reported_to = "Office for National Statistics"
"""


def read(folder: Path, text: str) -> dict[str, Source]:
    (folder / "corrections.toml").write_text(text, encoding="utf-8")
    return corrections.bind(registry.load().sources, folder)


# --- entries -------------------------------------------------------------------------------------


def test_none_is_packaged_and_the_examples_in_the_file_are_sound(
    tmp_path: Path, known: Registry
) -> None:
    assert not any(source.corrections for source in known.sources.values())
    text = corrections.PACKAGED.read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or "[" in line]
    found = read(tmp_path, "\n".join(lines))
    actions = {
        one.correction: one.action for source in found.values() for one in source.corrections
    }
    assert actions == {
        "population_typing_error": "replace",
        "thefts_in_thousands": "multiply",
        "a_test_row": "exclude",
    }


SLIPS = [
    ("value =", "valu =", "unknown key; got: 'valu'; did you mean value?"),
    ("value = 240000", "", "value is missing; add value"),
    ("value = 240000", "factor = 0.1", "unknown key; got: 'factor'"),
    ('"population"', '"populations"', "unknown source; .*did you mean population"),
    ('"replace"', '"replaces"', "unknown action; .*did you mean replace"),
    ('column = "persons"', 'column = "person"', "unknown column of the source; .*mean persons"),
    ("year = ", "yaer = ", "unknown column of the source; got: 'yaer'; .*did you mean year"),
    ('files = "MYEB3*.csv"', "", "says which files; add files or sha256"),
    ('where = { area_code = "E06000045", year = "2014" }', "", "says which rows; add row or where"),
    ('where = { area_code = "E06000045", year = "2014" }', "row = 0", "row is a physical row"),
    ('where = { area_code = "E06000045", year = "2014" }', "where = 7", "where is a table; got: 7"),
    ('files = "MYEB3*.csv"', 'sha256 = "MYEB"', "sha256 is 8 to 64 hexadecimal digits"),
    ("expect = 2400000", "", "expect is missing; add expect"),
    ("expect = 2400000", "expect = { }", "a correction has a guard"),
    ("expect = 2400000", "expect = []", "expect is a value, or a list of them"),
    ("expect = 2400000", "expect = true", "expect is a text, a number or a day; got: True"),
    ("expect = 2400000", 'expect = { year = "2014" }', "expect says what the column holds as rec"),
    ("expect = 2400000", "expect = { persons = {} }", "a range has an end"),
    ("expect = 2400000", "expect = 240000", "changes what it expects; got: '240000'"),
    ("2015-06-01", '"last June"', "reported_on is a day; got: 'last June'"),
    ("Office for National Statistics", "Dr Who", "reported_to is a role or a body, and never a"),
    ('"A digit too many."', "7", "reason is a text; got: 7"),
]


@pytest.mark.parametrize(("old", "new", "words"), SLIPS)
def test_a_slip_is_refused_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in DIGIT
    with pytest.raises(Refused, match=words) as refusal:
        read(tmp_path, DIGIT.replace(old, new, 1))
    assert str(refusal.value).startswith("corrections.toml [a_digit_too_many]")


@pytest.mark.parametrize("key", ["where", "expect", "column"])
def test_nobody_is_asked_for_or_changed(tmp_path: Path, known: Registry, key: str) -> None:
    columns = known.sources["police_offender"].model.to_schema().columns
    assert (columns["offender"].metadata or {})["person"]
    said = {"where": "outcome", "expect": "outcome", "column": "outcome"} | {key: "offender"}
    entry = f"""
[somebody]
source = "police_offender"
files = "*"
where = {{ {said["where"]} = "x" }}
action = "replace"
column = "{said["column"]}"
expect = {{ {said["expect"]} = "x" }}
value = "y"
reason = "wrong"
reported_on = 2015-06-01
reported_to = "the force"
"""
    with pytest.raises(Refused, match=r"\[somebody\]: a column that identifies persons is neither"):
        read(tmp_path, entry)


# --- what an entry changes -----------------------------------------------------------------------

BASE = Correction(
    "one", "corrections.toml [one]", "toy", "replace", "wrong", date(2015, 6, 1), "nobody",
    {"number": ("1",)}, files="*toys.csv", where={"kind": ("a",)}, column="number", value="10",
)  # fmt: skip
TIMES = replace(BASE, action="multiply", value=None, factor=0.1)
OUT = replace(BASE, action="exclude", column=None, value=None)


def toys(folder: Path, lines: Sequence[str], *entries: Correction, file: str = "toys.csv") -> Bench:
    bench = Bench(folder, registry.load(), {"toy": replace(TOY, corrections=entries)}, (TOYS,))
    bench.put(file, "\n".join([HEAD.decode(), *lines]) + "\n")
    return bench


def numbers(bench: Bench) -> dict[int, Any]:
    return dict(bench.rows("SELECT _row, number FROM clean.toy ORDER BY _row"))


def judged(bench: Bench) -> Check:
    return check_named(bench.take_in("toy"), "corrections_hold")


#    row    2        3        4        5 of the file
LINES = ["x,a,1", "y,b,1", "x,a,1", "z,c,7"]


@pytest.mark.parametrize(
    ("entry", "now"),
    [
        (BASE, {2: 10, 3: 1, 4: 10, 5: 7}),
        (replace(BASE, where={"kind": ("a", "b")}), {2: 10, 3: 10, 4: 10, 5: 7}),
        (replace(BASE, row=4), {2: 1, 3: 1, 4: 10, 5: 7}),
        (replace(BASE, row=3, where={}), {2: 1, 3: 10, 4: 1, 5: 7}),
        (replace(BASE, expect={"number": Range(0, 1)}), {2: 10, 3: 1, 4: 10, 5: 7}),
        (replace(BASE, expect={"number": ("1",), "name": ("x",)}), {2: 10, 3: 1, 4: 10, 5: 7}),
        (replace(TIMES, factor=100), {2: 100, 3: 1, 4: 100, 5: 7}),
        (OUT, {3: 1, 5: 7}),
        (replace(OUT, row=2), {3: 1, 4: 1, 5: 7}),
    ],
)
def test_rows_meant_are_changed_and_no_others(
    tmp_path: Path, entry: Correction, now: dict[int, int]
) -> None:
    bench = toys(tmp_path, LINES, entry)
    taken = bench.take_in("toy")
    assert check_named(taken, "ledger_adds_up").passed
    assert check_named(taken, "corrections_hold").passed
    assert numbers(bench) == now


def test_the_rules_see_what_was_corrected(tmp_path: Path) -> None:
    entry = replace(TIMES, factor=2.5, where={"kind": ("c",)}, expect={"number": ("7",)})
    bench = toys(tmp_path, LINES, entry)
    assert judged(bench).passed
    assert bench.quarantined("toy") == {5: ["number_kind"]}  # 7 × 2.5 = 17.5, no whole number


def test_a_number_is_compared_by_what_it_means_and_a_row_left_out_is_traceable(
    tmp_path: Path,
) -> None:
    lines = ['x,a,"1,000"', "y,a, 1000 ", "z,b,1000"]
    entry = replace(OUT, expect={"number": ("1000",)})
    bench = toys(tmp_path, lines, entry)
    (row,) = bench.take_in("toy").ledger.to_dict("records")
    # 4 rows = 1 valid + 0 quarantined + 3 excluded: the head, and two that are corrected
    parts = ("rows_read", "rows_valid", "rows_quarantined", "rows_excluded", "excluded_corrected")
    assert [row[part] for part in parts] == [4, 1, 0, 3, 2]
    kept = bench.rows("SELECT _row, correction, action, received FROM quarantine.correction")
    assert [(place, *more) for place, *more, _ in kept] == [
        (2, "one", "exclude"),
        (3, "one", "exclude"),
    ]
    assert [json.loads(cells) for *_, cells in kept] == [
        {"name": "x", "kind": "a", "number": "1,000"},
        {"name": "y", "kind": "a", "number": " 1000 "},
    ]


def test_what_stood_there_is_kept_and_no_guarded_row(tmp_path: Path) -> None:
    bench = toys(tmp_path / "open", LINES, BASE)
    bench.take_in("toy")
    trace = "SELECT source, _row, column_name, received, corrected_to FROM quarantine.correction"
    assert bench.rows(f"{trace} ORDER BY _row") == [
        ("toy", 2, "number", "1", "10"),
        ("toy", 4, "number", "1", "10"),
    ]
    closed = toys(tmp_path / "closed", LINES, replace(OUT, row=2))
    closed.sources = {"toy": replace(closed.sources["toy"], sensitivity="personal")}
    closed.take_in("toy")
    [(cells,)] = closed.rows("SELECT received FROM quarantine.correction")
    assert json.loads(cells) == {"kind": "a", "number": "1"}  # and not the name


@pytest.mark.parametrize("mended", ["x,a,2", "x,a,", "x,a,one"])
@pytest.mark.parametrize("entry", [BASE, TIMES, OUT])
def test_once_a_row_says_otherwise_nothing_is_changed_and_the_entry_must_go(
    tmp_path: Path, entry: Correction, mended: str
) -> None:
    bench = toys(tmp_path, [*LINES, mended], entry)
    check = judged(bench)
    assert (check.passed, check.severity) == (False, "ERROR")
    assert check.message.startswith("corrections.toml [one]: the supplier has mended the file")
    assert check.message.endswith("delete the entry")
    assert {row: numbers(bench)[row] for row in (2, 3, 4, 5)} == {2: 1, 3: 1, 4: 1, 5: 7}
    assert bench.rows("FROM quarantine.correction") == []


@pytest.mark.parametrize("cell", ["-", ""])
@pytest.mark.parametrize("others", [[], ["y,b,1"]])
def test_what_is_no_number_cannot_be_multiplied_and_the_entry_does_not_lie_dormant(
    tmp_path: Path, cell: str, others: list[str]
) -> None:
    bench = toys(tmp_path, [f"x,a,{cell}", *others], replace(TIMES, expect={"number": (cell,)}))
    check = judged(bench)
    assert not check.passed
    assert check.failed_rows == 1


@pytest.mark.parametrize(
    "entry",
    [
        replace(BASE, where={"kind": ("d",)}),
        replace(BASE, row=9),
        replace(BASE, files="*tags.csv"),
        replace(BASE, files=None, sha256="0" * 8),
        replace(BASE, sheet="Sheet1"),
    ],
)
def test_an_entry_that_means_no_row_cannot_lie_dormant(tmp_path: Path, entry: Correction) -> None:
    bench = toys(tmp_path, LINES, entry)
    check = judged(bench)
    assert (
        not check.passed and "no extract that can be read has a row that it means" in check.message
    )
    assert numbers(bench) == {2: 1, 3: 1, 4: 1, 5: 7}


def test_files_are_told_by_name_path_or_hash(tmp_path: Path) -> None:
    bench = toys(tmp_path, LINES, BASE, file="2014/toys.csv")
    (found,) = bench.look().extracts
    entries = [
        replace(BASE, files="TOYS.csv"),
        replace(BASE, files="2014/*.csv"),
        replace(BASE, files=None, sha256=found.sha256[:8]),
    ]
    for entry in entries:
        bench.sources = {"toy": replace(TOY, corrections=(entry,))}
        assert judged(bench).passed, entry
    bench.sources = {"toy": replace(TOY, corrections=(replace(BASE, files="2015/*.csv"),))}
    assert not judged(bench).passed


def test_two_entries_see_the_rows_as_received_and_share_no_cell(tmp_path: Path) -> None:
    kind = replace(BASE, correction="two", column="kind", value="b", expect={"kind": ("a",)})
    other = replace(BASE, correction="two", where={"kind": ("b",)})
    for entries, now in (((kind, BASE), {2: 10, 3: 1, 4: 10, 5: 7}),
                         ((BASE, other), {2: 10, 3: 10, 4: 10, 5: 7})):  # fmt: skip
        bench = toys(tmp_path / entries[0].correction, LINES, *entries)
        assert judged(bench).passed
        assert numbers(bench) == now
    again = replace(BASE, correction="two", row=2, value="3")
    for second in (again, replace(OUT, correction="two", row=2)):
        bench = toys(tmp_path / second.action, LINES, BASE, second)
        check = judged(bench)
        assert not check.passed and "another correction changes the same cells" in check.message
        assert numbers(bench) == {2: 10, 3: 1, 4: 10, 5: 7}


def test_a_line_that_is_broken_is_not_meant(tmp_path: Path) -> None:
    bench = toys(tmp_path, [*LINES, "x,a,1,1"], OUT)
    taken = bench.take_in("toy")
    assert check_named(taken, "ledger_adds_up").passed
    assert bench.quarantined("toy") == {6: ["row_whole"]}


TEXTS = st.sampled_from(["a", "b", "", " a "])
NUMBERS = st.sampled_from(["1", "2", "1,000", " 1", "x", ""])
ROWS = st.lists(st.tuples(TEXTS, TEXTS, NUMBERS), max_size=10)
ENTRY = st.builds(
    lambda base, kinds, expected, row: replace(
        base, where={"kind": tuple(kinds)}, expect={"number": tuple(expected)}, row=row
    ),
    st.sampled_from([BASE, TIMES, OUT]),
    st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(["1", "2", "1000", "x", ""]), min_size=2, max_size=5, unique=True),
    st.none() | st.integers(2, 6),
)


def meaning(text: str) -> str:
    return text.strip().replace(",", "")


def oracle(rows: Sequence[tuple[str, str, str]], entry: Correction) -> tuple[dict[int, str], int]:
    """Row → its number as text, where it stays; and how many rows are left out."""
    kinds, expected = entry.where["kind"], entry.expect["number"]
    assert not isinstance(expected, Range)
    meant = [
        at
        for at, row in enumerate(rows, 2)
        if any(cell.strip() for cell in row)  # a blank row is none
        and row[1].strip() in kinds
        and entry.row in (None, at)
    ]
    held = all(meaning(rows[at - 2][2]) in expected for at in meant)
    now = {at: number for at, (*_, number) in enumerate(rows, 2)}
    for at in meant if held else ():
        if entry.action == "exclude":
            del now[at]
        elif entry.action == "replace":
            now[at] = "10"
        elif meaning(now[at]).isdigit():
            now[at] = str(int(meaning(now[at])) / 10).removesuffix(".0")
    return now, len(rows) - len(now)


@limits(max_examples=25, deadline=None, derandomize=True)
@example([("a", "a", "1"), ("a", "a", "1,000")], replace(TIMES, expect={"number": ("1", "1000")}))
@given(ROWS, ENTRY)
def test_no_row_is_lost_and_all_that_is_changed_is_told(
    rows: list[tuple[str, str, str]], entry: Correction
) -> None:
    lines = [",".join(f'"{cell}"' for cell in row) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        bench = toys(Path(folder), lines, entry)
        taken = bench.take_in("toy")
        assert check_named(taken, "ledger_adds_up").passed
        (ledger,) = taken.ledger.to_dict("records")
        now, left_out = oracle(rows, entry)
        expected = {at: whole(text) for at, text in now.items()}
        assert numbers(bench) == {at: n for at, n in expected.items() if n is not None}
        assert ledger["excluded_corrected"] == left_out
        assert ledger["rows_read"] == len(rows) + 1
        changed = bench.rows("SELECT DISTINCT _row FROM quarantine.correction")
        assert {at for (at,) in changed} == {
            at for at, (*_, number) in enumerate(rows, 2) if now.get(at) != number
        }
        bench.connection.close()


def whole(text: str) -> int | None:
    return int(meaning(text)) if meaning(text).isdigit() else None


def test_a_correction_of_one_file_of_many_changes_that_file_alone(
    tmp_path: Path, known: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of bulk extracts that are plain pass no stage: those of a corrected file must."""
    monkeypatch.setattr(adding, "BATCH_BYTES", 64)
    source = known.sources["street_crime"]
    entry = replace(
        BASE, source="street_crime", files=MAY, where={"crime_type": ("Drugs",)},
        column="crime_type", value="Burglary", expect={"crime_type": ("Drugs",)},
    )  # fmt: skip
    corrected = {**known.sources, "street_crime": replace(source, corrections=(entry,))}
    bench = Bench(tmp_path, known, corrected)
    write_small(bench.raw)
    for number in (6, 7):
        rows_of_month = street([street_row(f"2014-{number:02}")] * 2)
        bench.put(f"2014-{number:02}-hampshire-street.csv", rows_of_month)
    assert check_named(bench.take_in("street_crime"), "corrections_hold").passed
    kinds = "SELECT month::VARCHAR, crime_type, count(*) FROM clean.street_crime GROUP BY ALL"
    assert bench.rows(f"{kinds} ORDER BY 1") == [
        ("2014-04-01", "Drugs", 3),
        ("2014-05-01", "Burglary", 2),
        ("2014-06-01", "Drugs", 2),
        ("2014-07-01", "Drugs", 2),
    ]


# --- a refresh -----------------------------------------------------------------------------------


def deployment(folder: Path, *entries: str) -> Settings:
    """The small folder, in which the population has a digit too many."""
    (folder / "safecity.toml").write_text(f"{CONFIG}as_of = 2015-11-30\n", encoding="utf-8")
    (folder / "corrections.toml").write_text("".join(entries), encoding="utf-8")
    write_small(folder / "raw")
    population(folder, 2_400_000)
    chosen = settings.load(folder / "safecity.toml")
    return chosen.with_folders(folder / "raw", folder / "warehouse")


def population(folder: Path, persons: int) -> None:
    head = "ladcode20,laname20,country,population_2013,population_2014\n"
    line = f"E06000045,Southampton,E,239000,{persons}\n"
    (folder / "raw" / POPULATION).write_text(head + line, encoding="utf-8")


def rows(chosen: Settings, statement: str, restricted: bool = False) -> list[tuple[Any, ...]]:
    connection = Warehouse(chosen.warehouse).read_release(restricted)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


RATE = (
    "SELECT denominator FROM mart.indicator_value WHERE indicator = 'all_crime_rate' "
    "AND period = '2014M04' AND area_code = 'E06000045'"
)


def test_a_correction_reaches_the_figures_and_ends_with_the_suppliers_mended_file(
    tmp_path: Path, known: Registry
) -> None:
    chosen = deployment(tmp_path)
    refresh_databases(chosen)
    (wrong,) = rows(chosen, RATE)
    before = read_again(chosen)

    (tmp_path / "corrections.toml").write_text(DIGIT, encoding="utf-8")
    refresh_databases(chosen)
    (right,) = rows(chosen, RATE)
    assert wrong[0] == pytest.approx(10 * right[0])  # 2,400,000 and 240,000
    said = "SELECT correction, status, extracts, rows, synthetic FROM meta.correction"
    assert rows(chosen, said) == [("a_digit_too_many", "applied", 1, 1, False)]
    trace = "SELECT column_name, received, corrected_to FROM quarantine.correction"
    assert rows(chosen, trace, restricted=True) == [("persons", "2400000", "240000")]
    told = "corrected: population: a_digit_too_many (1 row): A digit too many. Office for National"
    assert told in "\n".join(summary.of(chosen))
    # The population was read again, and nothing else was.
    after = read_again(chosen)
    assert {name for name in after if after[name] != before[name]} == {"population"}
    assert_as_clean(chosen, tmp_path)
    # Its supplier is told of the file as it is.
    lines = "\n".join(checking.check(tmp_path / "raw" / POPULATION, known).lines)
    assert "240000" not in lines

    population(tmp_path, 240_000)
    with pytest.raises(Refused, match=r"\[a_digit_too_many\]: the supplier has mended the file"):
        refresh_databases(chosen)
    assert rows(chosen, RATE) == [right]  # the last release stands
    (tmp_path / "corrections.toml").write_text("", encoding="utf-8")
    refresh_databases(chosen)
    assert rows(chosen, RATE) == [right]
    assert rows(chosen, said) == []
    assert_as_clean(chosen, tmp_path)


def read_again(chosen: Settings) -> dict[str, str]:
    """Source → version of its rows."""
    home = Warehouse(chosen.warehouse, Refresh(chosen).warehouse.shape)
    with home.lock(), home.open_work() as connection:
        return dict(connection.execute("FROM build.source_version").fetchall())


def assert_as_clean(chosen: Settings, folder: Path) -> None:
    other = replace(chosen, warehouse=folder / "clean")
    refresh_databases(other)
    assert differences(chosen.warehouse, other.warehouse) == []


def test_a_row_of_a_wide_table_is_left_out_whole_or_not_at_all(
    tmp_path: Path, known: Registry
) -> None:
    base = replace(
        OUT, source="population", files="MYEB3*", where={"area_code": ("E06000045",)},
        expect={"country": ("E",)},
    )  # fmt: skip
    for entry, holds, excluded in (
        (base, True, 1),
        (replace(base, where={"year": ("2014",)}), False, 0),
    ):
        sources = {**known.sources}
        sources["population"] = replace(sources["population"], corrections=(entry,))
        bench = Bench(tmp_path / str(holds), known, sources)
        population(bench.raw.parent, 2_400_000)
        taken = bench.take_in("population")
        assert check_named(taken, "ledger_adds_up").passed
        assert check_named(taken, "corrections_hold").passed == holds
        assert list(taken.ledger["excluded_corrected"]) == [excluded]
