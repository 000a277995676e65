"""FILE.errors.xlsx: what `safecity check` found in a file, for the person who mends it.

Belongs here: its sheets (summary, rules, the bad rows of each sheet of the file, the refused
cells), and where it is put. Does not belong here: judging (`checking`), cells and styles
(`workbook`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from safecity_pipeline.ingest.survey import ERRORS_WORKBOOK
from safecity_pipeline.model import Reading
from safecity_pipeline.supplier import checking, rulebook, workbook
from safecity_pipeline.supplier.checking import Counts, Verdict
from safecity_pipeline.supplier.received import GOT, Received, letter
from safecity_pipeline.supplier.workbook import HEAD, STRONG, TITLE, Book, Value

ROWS_A_SHEET = 1_000_000  # below the 1,048,576 that a sheet can hold
WIDEST, NARROWEST, SAMPLED = 32, 9, 200
OF_SHEETS = ("Sheet", "Read as", "Rows", "Good", "Refused", "Left out", "Cells refused")
AS_RECEIVED = "Line as received"
RULES_USE = "Sheet Rules: every rule that was broken, how often, and what to do about it."
ROWS_USE = (
    "Sheet Rows: every refused row as it was sent, with its place in the file and all reasons. "
    "The cells that a reason speaks of are coloured. Filter a column by the button in its head."
)
SHEETS_USE = "There is a sheet Rows for each sheet of the file that has refused rows."
CELLS_USE = (
    "Sheet Cells: every cell that could not be read while its row could, with its place and what "
    "stood there. The row is used without the value of the cell."
)
LAST_USE = (
    "Please correct the data in the system they come from and send the whole file again; what "
    "is not listed here is good.",
    "This workbook holds rows of the file: protect it as you protect the file.",
)
REFUSED_USE = (
    "No row was judged: the file cannot be read until this is mended.",
    "Please correct it and send the whole file again.",
)


def is_one(file: Path) -> bool:
    """The file is itself such a workbook, not an extract."""
    return ERRORS_WORKBOOK in file.name.lower()


def put(verdict: Verdict, raw: Path, taken: set[Path]) -> str:
    """Write the workbook beside the file, or into the working folder where that must not be.

    Nothing in `raw` is ever written to; a workbook of somebody else, or one of ours that somebody
    has saved since, stays. `taken`: those written so far, which grows. The answer says where it
    is, or why it could not be written.
    """
    beside, here = verdict.found.path.parent, Path()
    kept = workbook.inside(beside, raw)
    folders = [here] if kept else [beside, here]
    for folder in folders:
        if workbook.inside(folder, raw):
            continue
        try:
            to = _free(folder, verdict.found.path.name, taken)
            write(verdict, to)
        except OSError:
            continue
        taken.add(to.resolve())
        why = "nothing is written into raw/" if kept else "the file's folder cannot be written to"
        return f"{to}" if folder == beside else f"{to} (here, since {why})"
    return "not written: neither the file's folder nor this one can be, or is outside raw/"


def _free(folder: Path, name: str, taken: set[Path]) -> Path:
    to, number = folder / f"{name}{ERRORS_WORKBOOK}", 1
    while to.resolve() in taken or not workbook.may_write(to):
        number += 1
        to = folder / f"{name}.{number}{ERRORS_WORKBOOK}"
    return to


def write(verdict: Verdict, to: Path) -> None:
    """The workbook of one verdict. Raises OSError where `to` cannot be written."""
    book = Book(f"What safecity check found in {verdict.found.path.name}")
    _summary(book, verdict)
    _rules(book, verdict)
    for judged in verdict.sheets:
        bad = verdict.bad[verdict.bad["sheet"] == judged.reading.sheet]
        if not bad.empty:
            assert verdict.source is not None
            _rows(book, Received(verdict.found.path, verdict.source, judged.reading), bad)
    if not verdict.cells.empty:
        _cells(book, verdict)
    book.save(to)


# --- summary -------------------------------------------------------------------------------------


def _summary(book: Book, verdict: Verdict) -> None:
    several = len(verdict.found.readings) > 1
    sheet = book.sheet("Summary", (26, 100, *([9, 9, 9, 9, 9] if several else [])))
    sheet.add(["What safecity check found"], TITLE)
    sheet.add([])
    for label, words in _facts(verdict):
        sheet.add([label, words])
    for label, count, words in _ledger(verdict):
        sheet.add([label, f"{count:,}{words}"])
    if several and verdict.refusal is None:
        sheet.add([])
        sheet.add(OF_SHEETS, HEAD)
        for row in _sheets(verdict):
            sheet.add(row)
    sheet.add([])
    sheet.add(["How to use it"], STRONG)
    for number, words in enumerate(_use(verdict), 1):
        sheet.add([number, words])


def _use(verdict: Verdict) -> tuple[str, ...]:
    if verdict.refusal is not None:
        return REFUSED_USE
    rows = [ROWS_USE] if len(verdict.bad) else []
    rows += [SHEETS_USE] if rows and len(verdict.found.readings) > 1 else []
    cells = [CELLS_USE] if len(verdict.cells) else []
    return (RULES_USE, *rows, *cells, *LAST_USE)


def _facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    found = verdict.found
    yield "File", found.path.name
    yield "SHA-256", found.sha256
    if verdict.source:
        yield "Read as", f"{verdict.source.title} ({verdict.source.name})"
    if found.layout and len(found.readings) == 1:
        yield "By layout", f"{found.layout.title} ({found.layout.name})"
    if verdict.refusal is not None:
        yield "Refused", verdict.refusal
    if verdict.advice:
        yield "Advice", verdict.advice
    for words in verdict.warnings:
        yield "To look at", words


def _ledger(verdict: Verdict) -> Iterator[tuple[str, int, str]]:
    rows = verdict.counts
    if rows is None:
        return
    yield "Rows read", rows.read, " = good + refused + left out"
    yield "Good", rows.good, ""
    yield "Refused", rows.refused, ""
    yield "Left out", rows.left_out, f" ({', '.join(_left_out(verdict, rows))})"
    if rows.cells:
        yield "Cells refused", rows.cells, " (their rows are good, but for them)"


def _left_out(verdict: Verdict, rows: Counts) -> Iterator[str]:
    text = len(verdict.found.readings) == 1 and not verdict.found.readings[0].sheet
    yield f"{rows.head:,} {'head' if text else 'outside the tables'}"
    yield f"{rows.blank:,} blank"
    if rows.other:
        yield f"{rows.other:,} that are not meant"
    if rows.folded:
        yield f"{rows.folded:,} folded into another"


def _sheets(verdict: Verdict) -> Iterator[list[Value]]:
    """A line for each sheet of the file, read or not."""
    judged = {one.reading.sheet: one.counts for one in verdict.sheets}
    for reading in verdict.found.readings:
        rows = judged.get(reading.sheet)
        if rows is None or reading.layout is None:
            yield [reading.sheet, f"– ({reading.message})", reading.rows, 0, 0, reading.rows, 0]
        else:
            counted: list[Value] = [rows.read, rows.good, rows.refused, rows.left_out, rows.cells]
            yield [reading.sheet, reading.layout.title, *counted]


# --- rules ---------------------------------------------------------------------------------------


def _rules(book: Book, verdict: Verdict) -> None:
    sheet = book.sheet("Rules", (26, 64, 40, 10, 76))
    sheet.head(["Rule", "In words", "Columns", "Rows (or cells)", "What to do"])
    if verdict.refusal is not None:
        rows = verdict.counts.read if verdict.counts else "all"
        sheet.add(["file", verdict.refusal, "", rows, verdict.advice or REFUSED_USE[1]])
    for refused in verdict.refused_sheets:
        where = f"sheet {refused.sheet}"
        sheet.add(["sheet", f"{where}: {refused.message}", "", refused.rows, REFUSED_USE[1]])
    for rule, count in _broken(verdict):
        sheet.add([rule.name, rule.words, "\n".join(_shown(rule.heads)), count, rule.repair])
    sheet.filtered(5)


def _shown(heads: Sequence[str]) -> Iterator[str]:
    yield from heads[: rulebook.FEW]
    if len(heads) > rulebook.FEW:
        yield f"and {len(heads) - rulebook.FEW} more"


def _broken(verdict: Verdict) -> Iterator[tuple[rulebook.Rule, int | str]]:
    """The broken rules with their rows, in the order of the source's rules; then those that
    cells broke."""
    rows = checking.by_rule(verdict.bad)
    cells = {str(rule): group for rule, group in verdict.cells.groupby("rule", sort=False)}
    books = _books(verdict)
    order = {name: at for at, name in enumerate(next(iter(books.values()), {}))}
    for broken in (rows, cells):
        for name in sorted(broken, key=lambda name: order.get(name, len(order))):
            group = broken[name]
            count = checking.rows_of(group) if broken is rows else len(group)
            rule = _said(books, name, group)
            yield rule, count if broken is rows else f"{count:,} cell{'s' * (count != 1)}"


def _books(verdict: Verdict) -> dict[str, dict[str, rulebook.Rule]]:
    """Sheet → the rules as it spells them."""
    source = verdict.source
    return {
        judged.reading.sheet: rulebook.rulebook(source, _spelt(judged.reading))
        for judged in verdict.sheets
        if source is not None
    }


def _spelt(reading: Reading) -> rulebook.Spelling:
    assert reading.layout is not None
    return rulebook.spelling(reading.layout, reading.head)


def _said(
    of_sheets: Mapping[str, dict[str, rulebook.Rule]], name: str, group: pd.DataFrame
) -> rulebook.Rule:
    """The rule in the words of the first sheet that breaks it; the heads of all that do."""
    broken = set(group["sheet"])
    books = [book for sheet, book in of_sheets.items() if sheet in broken]
    if name not in books[0]:
        words = str(group["reason"].iloc[0]).partition(GOT)[0]
        return rulebook.Rule(name, words, (), "Correct the rows.")
    named = group["head"] if "head" in group else [h for book in books for h in book[name].heads]
    first = books[0][name]
    return rulebook.Rule(name, first.words, tuple(dict.fromkeys(named)), first.repair)


# --- rows ----------------------------------------------------------------------------------------


def _rows(book: Book, received: Received, bad: pd.DataFrame) -> None:
    """Every bad row of a sheet; as many sheets as they need."""
    broken = any(received.cells(row) is None for _, _, row in _bad(bad, 0))
    lines = [AS_RECEIVED] * broken
    columns = ["Sheet", "Row", "Reasons", *lines, *received.heads]
    place = received.reading.sheet
    first_widths = [min(WIDEST, max(8, len(place) + 2)), 8, 60, *(60 for _ in lines)]
    for start in range(0, len(bad), ROWS_A_SHEET):
        number = start // ROWS_A_SHEET + 1
        title = "Rows" if number == 1 else f"Rows {number}"
        sheet = book.sheet(f"{title} {place}".strip(), [*first_widths, *_widths(received, bad)])
        sheet.head(columns, frozen_columns=2)
        for row, reasons, line in _bad(bad, start):
            cells = received.cells(line)
            first: list[Value] = [place or "–", row, "\n".join(reasons)]
            first += [line if cells is None else "" for _ in lines]
            faulty = received.faulty(reasons, cells) if cells else set()
            sheet.add([*first, *(cells or [])], marked={len(first) + at for at in faulty})
        sheet.filtered(len(columns))


def _bad(bad: pd.DataFrame, start: int) -> Iterator[tuple[int, list[str], str]]:
    """Row, reasons, and the row as received."""
    rows = bad[["row", "reasons", "received"]].iloc[start : start + ROWS_A_SHEET]
    for row, reasons, received in rows.itertuples(index=False):
        yield int(row), list(reasons), received if isinstance(received, str) else "(not kept)"


def _widths(received: Received, bad: pd.DataFrame) -> list[int]:
    """As wide as the head and the first cells need, within bounds."""
    rows = [received.cells(line) for _, _, line in islice(_bad(bad, 0), SAMPLED)]
    table = pd.DataFrame([received.heads, *(cells for cells in rows if cells is not None)])
    longest = table.map(lambda cell: len(str(cell))).max()
    return [int(min(WIDEST, max(NARROWEST, length + 4))) for length in longest]


# --- cells ---------------------------------------------------------------------------------------


def _cells(book: Book, verdict: Verdict) -> None:
    """Every refused cell of the rows that stand; as many sheets as they need."""
    for start in range(0, len(verdict.cells), ROWS_A_SHEET):
        number = start // ROWS_A_SHEET + 1
        sheet = book.sheet("Cells" if number == 1 else f"Cells {number}", (22, 9, 9, 60, 30, 70))
        sheet.head(["Sheet", "Row", "Cell", "Column", "As received", "Reason"])
        shown = verdict.cells.iloc[start : start + ROWS_A_SHEET]
        for place, row, at, head, _, reason, received in shown.itertuples(index=False):
            cell = "" if pd.isna(at) else f"{letter(int(at))}{row}"
            said = str(reason).partition(GOT)[0]
            sheet.add([place or "–", int(row), cell, head, received or checking.EMPTY, said])
        sheet.filtered(6)
