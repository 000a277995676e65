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
from dataclasses import dataclass
from pathlib import Path

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
    geography="'everywhere'",
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
    small = whole and abs(int(cells[2].replace(",", ""))) < 10**18
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
LINES = st.lists(st.tuples(WHOLE_LINE | BLANK | BROKEN | NOISE, st.sampled_from([b"\n", b"\r\n"])))
HEAD_END = st.sampled_from([b"\n", b"\r\n"])


@settings(max_examples=400, deadline=None, derandomize=False)
@example([(written(("a", "b", "1"), 0), b"\r\n"), (written(("c", "d", "2"), 0), b"\n")] * 2,
         b"\r\n", True, False, False)  # fmt: skip
@example([(written(("a", "b", "9" * 30), 0), b"\n")], b"\n", True, False, False)
@example([], b"\n", False, True, False)
@given(LINES, HEAD_END, st.booleans(), st.booleans(), st.booleans())
def test_every_physical_line_ends_in_exactly_one_place(
    lines: list[tuple[Line, bytes]],
    head_end: bytes,
    last_end: bool,
    mark: bool,
    packed: bool,
) -> None:
    content = (b"\xef\xbb\xbf" if mark else b"") + HEAD + head_end
    content += b"".join(line.content + end for line, end in lines)
    if not last_end and lines:
        content = content[: -len(lines[-1][1])]
    physical = content.split(b"\n")
    total = len(physical) - (physical[-1] == b"")  # a final line end closes a line, no more
    expected = {row: line for row, (line, _) in enumerate(lines, 2) if row <= total}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), registry.load(), {"toy": TOY}, (TOYS,))
        bench.put(
            "toys.csv.gz" if packed else "toys.csv", gzip.compress(content) if packed else content
        )
        taken = bench.take_in("toy")
        clean = {
            row: cells
            for row, *cells in bench.rows("SELECT _row, name, kind, number FROM clean.toy")
        }
        clean_rows = [row for (row,) in bench.rows("SELECT _row FROM clean.toy")]
        quarantined = [row for (row,) in bench.rows("SELECT _row FROM quarantine.toy")]
        bench.connection.close()

    # The ledger: read as counted in the bytes, and the three parts add up to it.
    [ledger] = taken.ledger.to_dict("records")
    assert ledger["rows_read"] == total
    assert ledger["rows_valid"] == len(clean_rows)
    assert ledger["rows_quarantined"] == len(quarantined)
    assert total == len(clean_rows) + len(quarantined) + ledger["rows_excluded"]
    assert check_named(taken, "ledger_adds_up").passed
    # The places: no row twice, and what is in neither table is the head or blank.
    assert len({*clean_rows, *quarantined}) == len(clean_rows) + len(quarantined)
    elsewhere = set(range(1, total + 1)) - {*clean_rows, *quarantined}
    assert elsewhere - {1} <= {
        row for row, line in expected.items() if line.must_be in ("blank", None)
    }
    assert 1 in elsewhere and len(elsewhere) == ledger["rows_excluded"]
    for row, line in expected.items():
        where = "clean" if row in clean else "quarantined" if row in quarantined else "blank"
        assert line.must_be in (where, None), (row, line)
        if where == "clean" and line.cells is not None:
            name, kind, number = line.cells
            same = [name.strip() or None, kind.strip() or None, int(number.replace(",", ""))]
            assert clean[row] == same


ROBBERIES = (
    "CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code,Number of Offences\n"
    "Southampton,Robbery of business property,Robbery,Robbery,34A,3\n"
    "Southampton,Robbery of business property,Robbery,Robbery,34A,3\n"
    "Southampton,Robbery of personal property,Robbery,Robbery,34B,-2\n"
    ",,,,,\n"
    "Southampton,Robbery of personal property,Robbery,Robbery,34B,many\n"
)


@pytest.mark.parametrize(
    ("tampering", "off"),
    [
        ("DELETE FROM clean.recorded_crime WHERE _row = 4", 1),
        ("DELETE FROM quarantine.recorded_crime", 1),
        ("INSERT INTO quarantine.recorded_crime SELECT * FROM quarantine.recorded_crime", 1),
        ("INSERT INTO clean.recorded_crime BY NAME SELECT * FROM clean.recorded_crime WHERE _row = 4", 1),
        ("INSERT INTO clean.recorded_crime SELECT * FROM clean.recorded_crime", 3),
    ],
)  # fmt: skip
def test_ledger_notices_a_tampered_table(bench: Bench, tampering: str, off: int) -> None:
    bench.put("crime_csp.csv", ROBBERIES)
    bench.put("manifest.csv", "file,period\ncrime_csp.csv,2011-12\n")
    # 6 rows = 3 valid + 1 quarantined ("many") + 2 excluded (head, blank)
    [ledger] = bench.take_in("recorded_crime").ledger.to_dict("records")
    assert [ledger[f"rows_{part}"] for part in ("read", "valid", "quarantined", "excluded")] == [
        6, 3, 1, 2,
    ]  # fmt: skip
    bench.connection.execute(tampering)
    check = check_named(bench.take_in("recorded_crime"), "ledger_adds_up")
    assert (check.passed, check.failed_rows, check.severity) == (False, off, "ERROR")
