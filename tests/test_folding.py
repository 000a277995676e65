"""Rows that tell of one thing become one, and none of them vanishes from the ledger.

Here: folding on a made-up source, row by row, and against a fold in plain Python on arbitrary
tables. Not here: the source that needs it (`test_sources_police`), files of other sources
(`test_conservation`).
"""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import Bench, check_named
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.typing import Series

from safecity_pipeline import registry
from safecity_pipeline.ingest import plain, rules
from safecity_pipeline.ingest.stage import Piece
from safecity_pipeline.model import CrossRow, Derived, Fold, Layout, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.supplier import checking


class Case(pa.DataFrameModel):
    """A case by each of its flags; some have no number."""

    reference: Series[str] = pa.Field(nullable=True, description="Number of the case")
    code: Series[str] = pa.Field(description="What it is")
    flags: Series[str] = pa.Field(nullable=True, description="A flag, or several")
    weight: Series[pd.Int64Dtype] = pa.Field(nullable=True, description="A whole number")


CASES = Source(
    name="cases",
    title="Cases",
    supplier="nobody",
    licence="none",
    model=Case,
    geography="_extract_id",
    period_start="DATE '2014-04-01'",
    period_end="DATE '2015-03-31'",
    minimum_rows=0,
    fold=Fold(key=("reference",), joined=("flags",), same=("code",)),
    derived=(
        Derived(
            "number_of_flags",
            "BIGINT",
            ("flags", "code"),
            lambda places, flags, code: len((flags or "").split("; ")) if flags else 0,
            "How many flags it has",
        ),
        Derived("first_letter", "VARCHAR", ("code",), lambda places, code: code[0], "Of the code"),
    ),
)
LAYOUT = Layout(
    source="cases",
    name="cases",
    title="as this test spells them",
    files=("*cases.csv",),
    columns={"Ref": "reference", "Code": "code", "Flags": "flags", "Weight": "weight"},
)


@cache
def loaded() -> Registry:
    return registry.load()


def bench_of(folder: Path, source: Source = CASES) -> Bench:
    return Bench(folder, loaded(), {"cases": source}, (LAYOUT,))


def written(*rows: str) -> str:
    return "\n".join(["Ref,Code,Flags,Weight", *rows, ""])


CLEAN = "SELECT _row, reference, code, flags, weight, number_of_flags FROM clean.cases ORDER BY 1"


def test_rows_of_one_case_become_one_in_the_place_of_the_first(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written("A,x,red,1", "B,y,,2", " A ,x,blue,3", "A,x,red,4", "B,y,red,5"))
    [ledger] = bench.take_in("cases").ledger.to_dict("records")
    assert bench.rows(CLEAN) == [
        (2, "A", "x", "red; blue", 1, 2),  # each flag once, in the order of the rows
        (3, "B", "y", "red", 2, 1),
    ]
    # head 1 + valid 2 + folded 3 (rows 4, 5 and 6) = 6
    parts = ("rows_read", "rows_valid", "rows_quarantined", "rows_excluded", "excluded_folded")
    assert [ledger[part] for part in parts] == [6, 2, 0, 4, 3]


def test_what_is_derived_of_no_joined_column_is_there_as_well(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written("A,x,red,1", "A,x,blue,1", "B,y,,2"))
    bench.take_in("cases")
    assert bench.rows("SELECT first_letter FROM clean.cases ORDER BY _row") == [("x",), ("y",)]


def test_a_row_that_cannot_be_of_the_same_case_is_refused_and_the_first_stands(
    tmp_path: Path,
) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written("A,x,red,1", "A,z,blue,2", "A,x,green,3"))
    taken = bench.take_in("cases")
    assert bench.rows(CLEAN) == [(2, "A", "x", "red; green", 1, 2)]
    assert bench.rows("SELECT _row, rules, reasons FROM quarantine.cases") == [
        (
            3,
            ["folded_rows_agree"],
            ["Code: not as on row 2, which tells of the same thing; got: 'z'"],
        )
    ]
    check = check_named(taken, "folded_rows_agree")
    assert (check.passed, check.failed_rows) == (False, 1)
    assert check_named(taken, "ledger_adds_up").passed


def test_a_bad_row_takes_nothing_with_it_and_sets_no_standard(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    # Row 2 has no code and row 3 a weight that is none: what row 4 says of the code holds.
    bench.put("cases.csv", written("A,,red,1", "A,w,blue,many", "A,x,green,3", "A,x,grey,4"))
    bench.take_in("cases")
    assert bench.rows(CLEAN) == [(4, "A", "x", "green; grey", 3, 2)]
    assert bench.quarantined("cases") == {2: ["code_present"], 3: ["weight_kind"]}


def test_rows_without_a_number_stand_by_themselves(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written(",x,red,1", ",x,red,1", " ,x,red,1"))
    [ledger] = bench.take_in("cases").ledger.to_dict("records")
    assert (ledger["rows_valid"], ledger["excluded_folded"]) == (3, 0)


def test_cases_of_two_files_are_not_folded_into_each_other(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    for name in ("a-cases.csv", "b-cases.csv"):
        bench.put(name, written("A,x,red,1", "A,x,blue,1"))
    taken = bench.take_in("cases")
    assert bench.rows("SELECT flags FROM clean.cases") == [("red; blue",)] * 2
    assert taken.ledger["excluded_folded"].tolist() == [1, 1]


def test_a_rule_across_rows_sees_the_folded_ones(tmp_path: Path) -> None:
    heavy = CrossRow(
        "few_flags",
        "a case has at most two flags",
        "SELECT _extract, _row, flags AS got FROM candidate WHERE number_of_flags > 2",
        over="extract",
        severity="quarantine",
    )
    bench = bench_of(tmp_path, replace(CASES, across=(heavy,)))
    bench.put("cases.csv", written("A,x,red,1", "A,x,blue,1", "A,x,grey,1", "B,y,red,1"))
    taken = bench.take_in("cases")
    assert bench.quarantined("cases") == {2: ["few_flags"]}
    [ledger] = taken.ledger.to_dict("records")
    # head 1 + valid 1 (B) + quarantined 1 (A) + folded 2 = 5
    parts = ("rows_read", "rows_valid", "rows_quarantined", "excluded_folded")
    assert [ledger[part] for part in parts] == [5, 1, 1, 2]


def test_a_column_of_joined_ones_may_not_refuse(tmp_path: Path) -> None:
    strict = replace(CASES.derived[0], refusal="it has flags")
    bench = bench_of(tmp_path, replace(CASES, derived=(strict,)))
    bench.put("cases.csv", written("A,x,red,1"))
    with pytest.raises(RuntimeError, match="number_of_flags: a column of joined ones"):
        bench.take_in("cases")


@pytest.mark.parametrize("fold", [CASES.fold, None])
def test_folded_rows_are_never_plain(tmp_path: Path, fold: Fold | None) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written("A,x,red,1"))
    extract = bench.extract("cases.csv")
    source = replace(CASES, fold=fold)
    assert plain.can_be(source, Piece(extract, extract.readings[0])) is (fold is None)
    assert ("folded_rows_agree" in rules.words(source)) is (fold is not None)


@pytest.mark.parametrize(
    ("tampering", "off"),
    [
        ("DELETE FROM clean.cases WHERE _row = 2", 1),
        ("UPDATE build.ingested SET folded = 0", 1),
        ("INSERT INTO clean.cases FROM clean.cases WHERE _row = 2", 1),
    ],
)
def test_the_ledger_notices_what_folding_did_not_do(
    tmp_path: Path, tampering: str, off: int
) -> None:
    bench = bench_of(tmp_path)
    bench.put("cases.csv", written("A,x,red,1", "A,x,blue,2", "B,y,,3"))
    assert check_named(bench.take_in("cases"), "ledger_adds_up").passed
    bench.connection.execute(tampering)
    check = check_named(bench.take_in("cases"), "ledger_adds_up")
    assert (check.passed, check.failed_rows) == (False, off)


def test_a_supplier_is_told_how_many_rows_were_folded() -> None:
    counts = checking.Counts(6, 2, 0, 4, 1, 0, folded=3)
    assert "(1 head, 0 blank, 3 folded into another)" in checking.counted(counts)


# --- against plain Python ------------------------------------------------------------------------

CELL = st.sampled_from(["A", "B", "C", " A", "", "a"])
ROW = st.tuples(
    CELL,
    st.sampled_from(["x", "x", "x", "y", ""]),
    st.sampled_from(["red", "blue", "", "red; blue"]),
    st.sampled_from(["1", "2", "", "many"]),
)
Cells = tuple[str, str, str, str]


def folded_plainly(
    rows: Sequence[Cells],
) -> tuple[dict[int, tuple[str | None, str | None]], set[int], int]:
    """Physical row → reference and flags; rows refused; how many were folded."""
    clean: dict[int, tuple[str | None, str | None]] = {}
    flags: dict[int, list[str]] = defaultdict(list)
    first: dict[str, int] = {}
    refused, folded = set(), 0
    for number, (reference, code, flag, weight) in enumerate(rows, 2):
        if not any((reference.strip(), code, flag, weight)):
            continue
        key = reference.strip()
        unlike = key in first and rows[first[key] - 2][1] != code
        if not code or weight == "many" or unlike:
            refused.add(number)
        else:
            at = first.setdefault(key, number) if key else number
            folded += at != number
            flags[at] += [flag] if flag and flag not in flags[at] else []
            clean[at] = (key or None, "; ".join(flags[at]) or None)
    return clean, refused, folded


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.lists(ROW, max_size=12), min_size=2, max_size=5))
def test_every_row_ends_in_exactly_one_place_when_rows_are_folded(
    files: list[list[Cells]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = bench_of(Path(folder))
        for number, rows in enumerate(files):
            bench.put(f"{number}-cases.csv", written(*(",".join(row) for row in rows)))
        taken = bench.take_in("cases")
        assert check_named(taken, "ledger_adds_up").passed
        ledgers = {row["extract_id"]: row for row in taken.ledger.to_dict("records")}
        for extract, rows in zip(bench.look().extracts, files, strict=True):
            of_this = f"WHERE _extract_id = '{extract.extract_id}'"
            clean, refused, folded = folded_plainly(rows)
            found = bench.rows(f"SELECT _row, reference, flags FROM clean.cases {of_this}")
            bad = bench.rows(f"SELECT _row FROM quarantine.cases {of_this}")
            ledger = ledgers[extract.extract_id]
            assert {row: tuple(cells) for row, *cells in found} == clean
            assert len(found) == len(clean) == ledger["rows_valid"]
            assert {row for (row,) in bad} == refused
            assert len(bad) == len(refused) == ledger["rows_quarantined"]
            assert folded == ledger["excluded_folded"]
            blank = ledger["excluded_blank"]
            assert (
                ledger["rows_read"] == len(rows) + 1 == len(clean) + len(bad) + folded + blank + 1
            )
        bench.connection.close()
