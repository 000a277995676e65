"""Every record of a delimited text comes back, whatever ends it and whatever its cells hold.

Here: records from bytes to the table that a strict reader makes of them, on arbitrary tables and
arbitrary damage. Not here: what becomes of rows after that (`test_conservation`).
"""

import gzip
import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safecity_pipeline import warehouse
from safecity_pipeline.ingest import blocks, lines
from safecity_pipeline.model import Refused
from safecity_pipeline.tables import quoted

MARK = b"\xef\xbb\xbf"
BREAK = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class Read:
    """What became of a file: its head, its scan, and row number → cells for rows that are there."""

    head: tuple[str, ...]
    scan: lines.Lines
    rows: dict[int, tuple[str | None, ...]]
    received: dict[int, str]

    @property
    def odd(self) -> set[int]:
        return {*self.scan.blank, *self.scan.broken}


def read(content: bytes, delimiter: str = ",", short_rows: int = 0) -> Read:
    """Read a file as a refresh does: head, scan, copy where it must be mended, DuckDB."""
    with tempfile.TemporaryDirectory() as folder:
        path, mended = Path(folder, "a.csv"), Path(folder, "mended.csv")
        path.write_bytes(content)
        head = lines.head_of(path, delimiter)
        if not head:
            raise Refused("no head, so no layout reads it")
        scan = lines.scan(path, len(head), delimiter, short_rows=short_rows)
        if not scan.clean:
            lines.write_mended(path, scan, len(head), mended, delimiter, short_rows=short_rows)
        table = _table(path if scan.clean else mended, len(head), delimiter)
        received = lines.as_received(path, scan, set(range(1, scan.total + 1)))
    rows = {row: tuple(cells) for row, *cells in table}
    assert list(rows) == list(range(2, scan.total + 1))
    return Read(head, scan, {row: c for row, c in rows.items() if any(c)}, received)


def _table(path: Path, cells: int, delimiter: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(f"c{at}: 'VARCHAR'" for at in range(cells))
    return (
        _database()
        .execute(
            f"SELECT row_number() OVER () + 1, * FROM read_csv({quoted(str(path))}, "
            f"columns = {{{columns}}}, header = true, auto_detect = false, strict_mode = true, "
            f"encoding = 'utf-8', delim = {quoted(delimiter)}, quote = '\"', escape = '\"')"
        )
        .fetchall()
    )


@cache
def _database() -> DuckDBPyConnection:
    connection = warehouse.memory()
    connection.execute("SET threads = 4")
    return connection


def written(rows: Sequence[Sequence[str]], end: str, delimiter: str, always: bool = False) -> bytes:
    def cell(text: str) -> str:
        needs = always or set(text) & {'"', "\r", "\n", delimiter}
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(map(cell, row)) + end for row in rows).encode()


def plain(text: str) -> str:
    """A cell as it must come back: a line break in it is a blank."""
    return BREAK.sub(" ", text)


# --- arbitrary tables ----------------------------------------------------------------------------

HARD = [
    "",
    " ",
    '"',
    '""',
    ",",
    ";",
    '",',
    "\n",
    "\r",
    "\r\n",
    'a\n"b"\n',
    "NA",
    "\ufeff",
    "#",
    "é",
]
CELL = st.sampled_from(HARD) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6
)
END = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A head and rows of as many cells; the last column perhaps empty, its head too."""
    columns = draw(st.integers(2, 4))
    row = st.lists(CELL, min_size=columns, max_size=columns)
    head = draw(row.filter(lambda cells: "\ufeff" not in cells[0] and any(cells)))
    rows = draw(st.lists(row, max_size=6))
    trailing = [""] * draw(st.booleans())
    return [[*cells, *trailing] for cells in [head, *rows]]


@settings(max_examples=120, deadline=None)
@given(tables(), END, st.sampled_from([",", ";"]), st.booleans(), st.booleans(), st.booleans())
def test_every_record_comes_back_with_its_cells(
    table: list[list[str]], end: str, delimiter: str, mark: bool, always: bool, closed: bool
) -> None:
    content = (MARK if mark else b"") + written(table, end, delimiter, always)
    found = read(content if closed else content.removesuffix(end.encode()), delimiter)
    head, *rows = table
    assert found.head == tuple(" ".join(cell.split()) for cell in head)
    assert found.scan.total == len(table)
    assert found.scan.broken == {}
    numbered = {at: cells for at, cells in enumerate(rows, 2) if any(cells)}
    assert found.rows == {
        at: tuple(plain(cell) or None for cell in cells) for at, cells in numbered.items()
    }
    assert {*found.scan.blank} == {*range(2, len(table) + 1)} - {*numbered}
    for at, cells in enumerate(table, 1):
        assert found.received[at] == written([cells], "", delimiter, always).decode()


# --- arbitrary damage ----------------------------------------------------------------------------

BITS = [b'"', b'""', b"\r", b"\n", b"\0", b"\xff", b",", b"", MARK]
DAMAGE = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 8), st.sampled_from(BITS)), max_size=4
)


@settings(max_examples=150, deadline=None)
@example([["a", "b"], ["1", "2"], ["x", "y"]], "\n", False, [(4, 0, b'"'), (11, 0, b'"')])
@example([["a", "b"], ["1", "2"], ["x", "y"]], "\r", False, [(4, 0, b"\n"), (9, 0, b"\n")])
@given(tables(), END, st.booleans(), DAMAGE)
def test_whatever_is_damaged_every_record_is_counted_in_one_place(
    table: list[list[str]], end: str, always: bool, damage: list[tuple[int, int, bytes]]
) -> None:
    content = written(table, end, ",", always)
    for at, deleted, put in damage:
        content = content[:at] + put + content[at + deleted :]
    try:
        found = read(content)
    except Refused:
        return
    # total = blank + broken + good, of which the head is one
    assert not {*found.scan.blank} & {*found.scan.broken}
    assert found.odd - {lines.HEAD_ROW} == {*range(2, found.scan.total + 1)} - {*found.rows}
    # and no byte but line ends is in no record, or in two
    together = "".join(found.received.values())
    shown = content.removeprefix(MARK).decode(errors="replace").replace("\0", "\ufffd")
    assert BREAK.sub("", together) == BREAK.sub("", shown)


# --- line ends -----------------------------------------------------------------------------------

ROWS = {2: ("1", "x"), 3: ("2", "y"), 4: ("3", "z")}


@pytest.mark.parametrize(
    ("content", "clean"),
    [
        (b"a,b\n1,x\n2,y\n3,z\n", True),
        (b"a,b\n1,x\n2,y\n3,z", True),
        (b"a,b\r\n1,x\r\n2,y\r\n3,z", True),
        (b"a,b\r1,x\r2,y\r3,z\r", False),
        (b"a,b\r1,x\r2,y\r3,z", False),
        (b"a,b\r\n1,x\n2,y\r\n3,z\n", False),
        (b"a,b\r1,x\r2,y\r\n3,z", False),
        (b"a,b\r1,x\r2,y\n3,z\r", False),
        (b"a,b\n1,x\n2,y\n3,z\r", False),
    ],
)
def test_any_line_end(content: bytes, clean: bool) -> None:
    found = read(content)
    assert (found.rows, found.scan.total, found.scan.clean) == (ROWS, 4, clean)


def test_a_stray_carriage_return_is_an_error_of_its_row_only() -> None:
    found = read(b'a,b\n1\r,x\n2,y\n3,z\r\r\n4,"p\rq"\n')
    words = "a line end stands inside the row"
    assert found.scan.broken == {2: words, 4: words}
    assert found.rows == {3: ("2", "y"), 5: ("4", "p q")}
    assert found.received[2] == "1\r,x"


def test_lines_across_blocks_are_whole(tmp_path: Path) -> None:
    """3 MB of rows that end in a carriage return and sometimes in both: three blocks."""
    row = "x" * 46
    ends = ["\r\n" if number % 7 == 0 else "\r" for number in range(60_000)]
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{row},{n}{end}" for n, end in enumerate(ends)), newline="")
    scan = lines.scan(path, 2)
    assert (scan.total, scan.blank, scan.broken, scan.clean) == (60_000, [], {}, False)
    chosen = {1, 20_000, 40_001, 60_000}
    assert lines.as_received(path, scan, chosen) == {n: f"{row},{n - 1}" for n in chosen}


def test_all_is_the_same_however_little_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may take all the lines of a block, and those of the last one in vain."""

    def found() -> tuple[object, ...]:
        all_of_it = read(b'a,b\n1,x\r\n2,"p\nq"\n3,\xc3\xa9\n4,"open\n5,y\n\n6,z')
        scan = all_of_it.scan
        return all_of_it.rows, all_of_it.received, scan.broken, scan.blank, scan.ends, scan.odd

    expected = found()
    for size in (1, 5, 12, 20):
        for module, name in ((blocks, "SAMPLE"), (blocks, "BLOCK"), (lines, "BLOCK")):
            monkeypatch.setattr(module, name, size)
        assert found() == expected


def test_chosen_rows_are_written_as_the_mended_copy_has_them(tmp_path: Path) -> None:
    path, chosen = tmp_path / "a.csv.gz", tmp_path / "chosen.csv"
    path.write_bytes(gzip.compress(b'a,b\r\n1,x\r\n2,"p\r\nq"\r\n,\r\n3\r\n0,u\r\n4,y'))
    scan = lines.scan(path, 2, short_rows=1)
    lines.write_numbered(path, scan, [7, 2, 3, 5], chosen, 2, short_rows=1)
    assert chosen.read_bytes() == b"2,1,x\n3,2,p q\n5,3,\n7,4,y\n"
    lines.write_numbered(path, scan, [], chosen, 2, short_rows=1)
    assert chosen.read_bytes() == b""


def test_a_line_without_an_end_costs_one_row_however_long() -> None:
    endless = b"2," + b"y" * (3 * blocks.BLOCK)
    found = read(b"a,b\n1,x\n" + endless + b"\n3,z\n" + b"4," + b"v" * blocks.LONGEST + b"\n5,w")
    assert found.scan.broken == dict.fromkeys((3, 5), "the row is longer than 100,000 bytes")
    assert found.rows == {2: ("1", "x"), 4: ("3", "z"), 6: ("5", "w")}
    assert len(found.received[3]) == blocks.LONGEST


# --- quoted line breaks --------------------------------------------------------------------------

NOT_CLOSED = "a quotation mark in the row is not closed, or closed too early"


def test_row_numbers_count_records() -> None:
    found = read(b'"a\n(of all)",b\r\n1,"x\r\n\r\ny"\r\n,\r\n2,"said ""so""\n"\r\n3,z\r\n')
    assert found.head == ("a (of all)", "b")
    assert found.rows == {2: ("1", "x  y"), 4: ("2", 'said "so" '), 5: ("3", "z")}
    assert (found.scan.total, found.scan.blank, found.scan.broken) == (5, [3], {})
    assert found.received[2] == '1,"x\r\n\r\ny"'


@pytest.mark.parametrize(
    "lost",
    [
        b'1,"open',
        b'"1,open',
        b'1,"open"x',
        b'1,"closed twice\n5,6"",7',
        b'1,"four cells\nin all",2,3',
    ],
)
def test_a_mark_that_is_not_closed_costs_its_own_line(lost: bytes) -> None:
    found = read(b"a,b\n0,v\n" + lost + b"\n2,y\n3,z\n")
    more = lost.count(b"\n")
    assert found.scan.broken[3] == NOT_CLOSED
    assert found.scan.total == 5 + more
    assert found.rows == {2: ("0", "v"), 4 + more: ("2", "y"), 5 + more: ("3", "z")}


def test_a_record_has_at_most_50_lines_and_100_000_bytes() -> None:
    def found(content: bytes) -> tuple[int, int]:
        scan = read(b"a,b\n" + content + b"\n3,z\n").scan
        return scan.total, len(scan.broken)

    def cell(breaks: int, letters: int = 1) -> bytes:
        return b'1,"' + b"\n".join([b"v" * letters] * (breaks + 1)) + b'"'

    assert found(cell(49)) == (3, 0)
    assert found(cell(50)) == (3 + 50, 51)
    assert found(cell(9, 9_900)) == (3, 0)
    assert found(cell(9, 10_001)) == (3 + 9, 10)


def test_an_archive_cut_inside_a_quoted_cell_is_refused(tmp_path: Path) -> None:
    """Looking for the closing mark must not take the damage for the end of the file."""
    rows = (blocks.BLOCK - 200) // 4  # the mark stands in the first block, the damage beyond it
    tail = b"".join(b"%x\n" % random.Random(number).getrandbits(64) for number in range(2_000))
    packed = gzip.compress(b"a,b\n" + b"1,x\n" * rows + b'2,"' + tail)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed[:-999])
    assert lines.head_of(path) == ("a", "b")
    with pytest.raises(Refused, match="cannot be read to its end"):
        lines.scan(path, 2)


# --- cells too few or too many -------------------------------------------------------------------


def test_hundreds_of_cells_too_many_are_counted() -> None:
    found = read(b"a,b\n1,x\n2" + b"," * 257 + b"\n3,z\n")
    assert found.scan.broken == {3: "the row has 258 cells, the head has 2"}


def test_short_rows_are_filled_so_far_as_the_layout_says() -> None:
    content = b'a,b,c,d\n1,2,3,4\n5,6,7\n8,"9\n"\n10\n'
    none, one, two = (read(content, short_rows=short) for short in (0, 1, 2))
    assert [len(found.scan.broken) for found in (none, one, two)] == [4, 3, 1]
    assert two.rows == {
        2: ("1", "2", "3", "4"),
        3: ("5", "6", "7", None),
        4: ("8", "9 ", None, None),
    }
    assert two.scan.broken == {5: "the row has 1 cells, the head has 4"}


def test_a_delimiter_at_the_end_of_every_row_is_cut_and_of_some_is_a_fault() -> None:
    always = read(b'a,b\n1,x,\n\n,,\n2,"y,z",\n')
    assert always.rows == {2: ("1", "x"), 5: ("2", "y,z")}
    assert (always.scan.blank, always.scan.broken, always.scan.clean) == ([3, 4], {}, False)
    # A comma in a street's name, and nothing in the last column, looks the same.
    some = read(b"street,town,note\nHigh Street,Bath,\nHigh Street, north,Bath,\n")
    assert some.scan.broken == {3: "the row has 4 cells, the head has 3"}
    assert some.rows == {2: ("High Street", "Bath", None)}


def test_a_table_of_one_column_keeps_its_row_numbers() -> None:
    found = read(b'a\n1\n\n"2\n3"\n""\nx,y\n4\n')
    assert found.rows == {2: ("1",), 4: ("2 3",), 7: ("4",)}
    assert (found.scan.blank, [*found.scan.broken]) == ([3, 5], [6])


def test_a_column_without_a_name_is_one(tmp_path: Path) -> None:
    found = read(MARK + b"name;number;\r\nA;1;\r\nB;2;x\r\n", ";")
    assert found.head == ("name", "number", "")
    assert found.rows == {2: ("A", "1", None), 3: ("B", "2", "x")}
    assert found.scan.clean


# --- real files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "short_rows", "total", "joined"),
    [
        # 47,577 rows and the head, not one line feed
        ("police-uk-outcomes-by-force/crime outcomes*.csv", 0, 47_578, 0),
        # 852 rows on two lines each, one cell short, and the head
        ("fingertips/indicators-CountyUA.data.csv", 1, 853, 852),
        ("lookups/lad_population.csv", 0, 405, 0),
        ("lookups/lad_to_csp.csv", 0, 342, 0),
    ],
)
def test_real_files_are_read_whole(
    real_data: Path, pattern: str, short_rows: int, total: int, joined: int
) -> None:
    [path] = real_data.glob(pattern)
    delimiter = ";" if "lad_to_csp" in pattern else ","
    found = read(path.read_bytes(), delimiter, short_rows)
    assert (found.scan.total, len(found.scan.joined), found.odd) == (total, joined, set())
    assert len(found.rows) == total - lines.HEAD_ROW
