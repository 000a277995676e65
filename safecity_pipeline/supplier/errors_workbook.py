"""FILE.errors.xlsx: what `safecity check` found in a file, for the person who mends it.

Belongs here: its three sheets, and where it is put. Does not belong here: judging (`checking`),
cells and styles (`workbook`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from safecity_pipeline.ingest.survey import ERRORS_WORKBOOK
from safecity_pipeline.model import Layout
from safecity_pipeline.supplier import checking, rulebook, workbook
from safecity_pipeline.supplier.checking import Verdict
from safecity_pipeline.supplier.workbook import STRONG, TITLE, Book, Value

ROWS_A_SHEET = 1_000_000  # below the 1,048,576 that a sheet can hold
WIDEST, NARROWEST, SAMPLED = 32, 9, 200
AS_RECEIVED = "Line as received"
USE = (
    "Sheet Rules: every rule that was broken, in how many rows, and what to do about it.",
    "Sheet Rows: every refused row as it was sent, with its place in the file and all reasons. "
    "The cells that a reason speaks of are coloured. Filter a column by the button in its head.",
    "Please correct the rows in the system they come from and send the whole file again; rows "
    "that are not listed here are good.",
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
    if verdict.refusal is None:
        _rows(book, verdict)
    book.save(to)


def _summary(book: Book, verdict: Verdict) -> None:
    sheet = book.sheet("Summary", (16, 100))
    sheet.add(["What safecity check found"], TITLE)
    sheet.add([])
    for label, words in _facts(verdict):
        sheet.add([label, words])
    for label, count, words in _ledger(verdict):
        sheet.add([label, f"{count:,}{words}"])
    sheet.add([])
    sheet.add(["How to use it"], STRONG)
    for number, words in enumerate(USE if verdict.refusal is None else REFUSED_USE, 1):
        sheet.add([number, words])


def _facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    found = verdict.found
    yield "File", found.path.name
    yield "SHA-256", found.sha256
    if verdict.source:
        yield "Read as", f"{verdict.source.title} ({verdict.source.name})"
    if found.layout:
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
    yield "Left out", rows.left_out, f" ({rows.head:,} head, {rows.blank:,} blank)"


def _rules(book: Book, verdict: Verdict) -> None:
    sheet = book.sheet("Rules", (24, 64, 30, 10, 76))
    sheet.head(["Rule", "In words", "Columns", "Rows", "What to do"])
    if verdict.refusal is not None:
        rows = verdict.counts.read if verdict.counts else "all"
        sheet.add(["file", verdict.refusal, "", rows, verdict.advice or REFUSED_USE[1]])
    for rule, count in _broken(verdict):
        sheet.add([rule.name, rule.words, ", ".join(rule.heads), count, rule.repair])
    sheet.filtered(5)


def _broken(verdict: Verdict) -> Iterator[tuple[rulebook.Rule, int]]:
    """The broken rules with their rows, in the order of the source's rules."""
    if verdict.source is None or verdict.found.layout is None:
        return
    broken = checking.by_rule(verdict.bad)
    named = rulebook.heads(verdict.found.layout, verdict.found.head)
    known = rulebook.rulebook(verdict.source, named)
    for name in (*(name for name in known if name in broken), *(broken.keys() - known.keys())):
        words = str(broken[name]["reason"].iloc[0]).partition("; got: ")[0]
        rule = known.get(name) or rulebook.Rule(name, words, (), "Correct the rows.")
        yield rule, int(broken[name]["row"].nunique())


def _rows(book: Book, verdict: Verdict) -> None:
    """Every bad row; as many sheets as they need."""
    layout, heads = verdict.found.layout, verdict.found.head
    assert layout is not None
    lines = [AS_RECEIVED] if _any_broken(verdict, layout) else []
    columns = ["Sheet", "Row", "Reasons", *lines, *heads]
    widths = [8, 8, 60, *(60 for _ in lines), *_widths(verdict, layout)]
    for start in range(0, max(len(verdict.bad), 1), ROWS_A_SHEET):
        number = start // ROWS_A_SHEET + 1
        sheet = book.sheet("Rows" if number == 1 else f"Rows {number}", widths)
        sheet.head(columns, frozen_columns=2)
        for place, row, reasons, _, received in _bad(verdict, start):
            cells = _cells(received, heads, layout)
            first: list[Value] = [place or "–", row, "\n".join(reasons)]
            first += [received if cells is None else "" for _ in lines]
            faulty = {len(first) + at for at in _named(reasons, heads)}
            sheet.add([*first, *(cells or [])], marked=faulty)
        sheet.filtered(len(columns))


def _bad(verdict: Verdict, start: int) -> Iterator[tuple[str, int, list[str], list[str], str]]:
    for sheet, row, reasons, rules, received in verdict.bad.iloc[
        start : start + ROWS_A_SHEET
    ].itertuples(index=False):
        kept = received if isinstance(received, str) else "(not kept)"
        yield str(sheet), int(row), list(map(str, reasons)), list(map(str, rules)), kept


def _cells(received: str, heads: Sequence[str], layout: Layout) -> list[str] | None:
    """The row's cells as sent, or None where it does not fall into as many as the head has."""
    try:
        cells = next(csv.reader([received], delimiter=layout.delimiter, strict=True), [])
    except csv.Error:
        return None
    return cells if len(cells) == len(heads) else None


def _any_broken(verdict: Verdict, layout: Layout) -> bool:
    heads = verdict.found.head
    return any(_cells(row[4], heads, layout) is None for row in _bad(verdict, 0))


def _named(reasons: Sequence[str], heads: Sequence[str]) -> set[int]:
    """Positions of the heads that reasons begin with: `Longitude, Latitude: …`."""
    places: Mapping[str, int] = {head: at for at, head in enumerate(heads)}
    named = {head for reason in reasons for head in reason.partition(": ")[0].split(", ")}
    return {places[head] for head in named if head in places}


def _widths(verdict: Verdict, layout: Layout) -> list[int]:
    """As wide as the head and the first cells need, within bounds."""
    heads = verdict.found.head
    rows = [_cells(row[4], heads, layout) for row in islice(_bad(verdict, 0), SAMPLED)]
    table = pd.DataFrame([heads, *(cells for cells in rows if cells is not None)])
    longest = table.map(lambda cell: len(str(cell))).max()
    return [int(min(WIDEST, max(NARROWEST, length + 4))) for length in longest]
