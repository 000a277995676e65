"""No row is lost, doubled or misplaced between a file's bytes and the tables.

Here: the ledger against counts made from the bytes alone, on tables of arbitrary content, and a
ledger that notices tampering. Not here: which rows are wrong and why (`test_mutations`), how
files are recognised or delivered twice (`test_ingest`).
"""

import csv
import gzip
import io
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import Bench, check_named
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandera.typing import Series

from safecity_pipeline import registry
from safecity_pipeline.model import Layout, Source


class Toy(pa.DataFrameModel):
    """Three columns: two texts that may be empty, and a whole number that may not."""

    name: Series[str] = pa.Field(nullable=True, description="A text")
    kind: Series[str] = pa.Field(nullable=True, description="A text")
    number: Series[pd.Int64Dtype] = pa.Field(description="A whole number")


TOY = Source(
    name="toy",
    title="Toys",
    supplier="nobody",
    licence="none",
    model=Toy,
    geography="_extract_id",
    period_start="DATE '2014-04-01'",
    period_end="DATE '2015-03-31'",
    minimum_rows=0,
)
TOYS = Layout(
    source="toy",
    name="toys",
    title="as this test spells them",
    files=("*toys.csv", "*toys.csv.gz"),
    columns={"Name": "name", "Kind": "kind", "Number": "number"},
)
HEAD = b"Name,Kind,Number"


@dataclass(frozen=True)
class Line:
    """A physical line, and what must become of it where its making decides that."""

    content: bytes
    cells: tuple[str, str, str] | None = None
    must_be: str | None = None


def written(cells: tuple[str, str, str], quoting: int) -> Line:
    out = io.StringIO()
    csv.writer(out, lineterminator="", quoting=quoting).writerow(cells)  # type: ignore[arg-type]
    if not any(cells):
        return Line(out.getvalue().encode(), must_be="blank")
    whole = re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)", cells[2].strip())
    small = len(out.getvalue()) < 100_000 and whole and abs(int(cells[2].replace(",", ""))) < 10**18
    return Line(out.getvalue().encode(), cells, "clean" if small else "quarantined")


# Any text in a cell but line ends and NUL, which no cell of one physical line can hold.
CELL = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8
) | st.sampled_from(["", " ", '"', ",", '",', "NA", "null", "\ufeff", " 7 ", "é", "#", "\\"])
NUMBER = st.sampled_from(["", "7", " 66776 ", "-00", "12.5", "1,234", "x", "9" * 19, "9" * 40])
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
WHOLE_LINE = st.builds(written, st.tuples(CELL, CELL, NUMBER | CELL), QUOTING)
BLANK = st.sampled_from([b"", b" ", b",,", b'"","",""', b"\t"]).map(
    lambda content: Line(content, must_be="blank")
)
BROKEN = st.sampled_from(
    [b"a,b", b"a,b,1,2", b'"a,b,1', b'a,b,"1', b'"a"x,b,1', b"\xff,b,1", b"a\0,b,1", b"a\rb,c,1"]
).map(lambda content: Line(content, must_be="quarantined"))
NOISE = st.binary(max_size=12).map(lambda some: Line(some.replace(b"\n", b"")))
END = st.sampled_from([b"\n", b"\r\n"])


@dataclass(frozen=True)
class Table:
    """A file: its lines with their ends, and the ways in which files of one content differ."""

    lines: list[tuple[Line, bytes]]
    head_end: bytes = b"\n"
    last_end: bool = True
    mark: bool = False
    packed: bool = False

    @property
    def content(self) -> bytes:
        content = (b"\xef\xbb\xbf" if self.mark else b"") + HEAD + self.head_end
        content += b"".join(line.content + end for line, end in self.lines)
        if self.last_end or not self.lines:
            return content
        return content[: -len(self.lines[-1][1])]


LINES = st.lists(st.tuples(WHOLE_LINE | BLANK | BROKEN | NOISE, END), max_size=12)
TABLE = st.builds(Table, LINES, END, st.booleans(), st.booleans(), st.booleans())
ONE, TWO = written(("a", "b", "1"), csv.QUOTE_MINIMAL), written(("c", "d", "2"), csv.QUOTE_MINIMAL)
HARD = [
    Table([(ONE, b"\r\n"), (TWO, b"\n")] * 2, b"\r\n"),
    Table([]),
    # One line end of another kind, and a last line without any, look alike when counted.
    Table([(ONE, b"\r\n"), (TWO, b"\r\n")], b"\n", last_end=False),
    Table([(ONE, b"\r\n"), (TWO, b"\n"), (ONE, b"\r\n")], b"\r\n"),
    Table([(written(("a", "b" * 200_000, "1"), csv.QUOTE_MINIMAL), b"\n"), (ONE, b"\n")]),
    Table([(written(("a", "b", "9" * 30), csv.QUOTE_MINIMAL), b"\n"), (ONE, b"\n")]),
]


@settings(max_examples=10, deadline=None, derandomize=True)
@example(HARD)
@given(st.lists(TABLE, min_size=3, max_size=6))
def test_every_physical_line_ends_in_exactly_one_place(tables: list[Table]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), registry.load(), {"toy": TOY}, (TOYS,))
        for number, table in enumerate(tables):
            name, content = f"{number}-toys.csv", table.content
            if table.packed:
                name, content = f"{name}.gz", gzip.compress(content)
            bench.put(name, content)
        taken = bench.take_in("toy")
        assert check_named(taken, "ledger_adds_up").passed
        ledgers = {row["extract_id"]: row for row in taken.ledger.to_dict("records")}
        for extract, table in zip(bench.look().extracts, tables, strict=True):
            assert_conserved(bench, extract.extract_id, table, ledgers[extract.extract_id])
        bench.connection.close()


def assert_conserved(
    bench: Bench, extract_id: str, table: Table, ledger: Mapping[Any, Any]
) -> None:
    physical = table.content.split(b"\n")
    total = len(physical) - (physical[-1] == b"")  # a final line end closes a line, no more
    expected = {row: line for row, (line, _) in enumerate(table.lines, 2) if row <= total}
    of_this = f"WHERE _extract_id = '{extract_id}'"
    clean = bench.rows(f"SELECT _row, name, kind, number FROM clean.toy {of_this}")
    quarantined = [row for (row,) in bench.rows(f"SELECT _row FROM quarantine.toy {of_this}")]
    kept = {row: cells for row, *cells in clean}

    # The ledger: read as counted in the bytes, and the three parts add up to it.
    assert ledger["rows_read"] == total
    assert ledger["rows_valid"] == len(clean)
    assert ledger["rows_quarantined"] == len(quarantined)
    assert total == len(clean) + len(quarantined) + ledger["rows_excluded"]
    # The places: no row twice, and what is in neither table is the head or blank.
    assert len({*kept, *quarantined}) == len(clean) + len(quarantined)
    elsewhere = set(range(1, total + 1)) - {*kept, *quarantined}
    assert 1 in elsewhere and len(elsewhere) == ledger["rows_excluded"]
    for row, line in expected.items():
        where = "clean" if row in kept else "quarantined" if row in quarantined else "blank"
        assert line.must_be in (where, None), (row, line)
        assert where != "blank" or not line.content.decode().strip('\ufeff\t\x0b\x0c\r ,"')
        if where == "clean" and line.cells is not None:
            name, kind, number = line.cells
            same = [name.strip() or None, kind.strip() or None, int(number.replace(",", ""))]
            assert kept[row] == same


@pytest.mark.parametrize(
    ("tampering", "off"),
    [
        ("DELETE FROM clean.toy WHERE _row = 4", 1),
        ("DELETE FROM quarantine.toy", 1),
        ("INSERT INTO quarantine.toy SELECT * FROM quarantine.toy", 1),
        ("INSERT INTO clean.toy FROM clean.toy WHERE _row = 4", 1),
        ("INSERT INTO clean.toy FROM clean.toy", 3),
    ],
)
def test_ledger_notices_a_tampered_table(tmp_path: Path, tampering: str, off: int) -> None:
    bench = Bench(tmp_path, registry.load(), {"toy": TOY}, (TOYS,))
    bench.put("toys.csv", "Name,Kind,Number\na,b,1\na,b,1\nc,d,-2\n,,\ne,f,many\n")
    # 6 rows = 3 valid + 1 quarantined ("many") + 2 excluded (head, blank)
    [ledger] = bench.take_in("toy").ledger.to_dict("records")
    parts = [ledger[f"rows_{part}"] for part in ("read", "valid", "quarantined", "excluded")]
    assert parts == [6, 3, 1, 2]
    bench.connection.execute(tampering)
    check = check_named(bench.take_in("toy"), "ledger_adds_up")
    assert (check.passed, check.failed_rows, check.severity) == (False, off, "ERROR")
