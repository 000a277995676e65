"""`safecity check`: one file judged by the rules of its source, in words for its supplier.

Belongs here: the judgement and its words. Does not belong here: the workbook that lists every bad
row and cell (`errors_workbook`).
"""

from __future__ import annotations

import ast
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline import warehouse
from safecity_pipeline.ingest import intake, rules, survey
from safecity_pipeline.ingest.heads import JOINT
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.ingest.ledger import STATE
from safecity_pipeline.ingest.pseudonyms import Door, throwaway
from safecity_pipeline.ingest.reading.cells import UNCACHED
from safecity_pipeline.model import Extract, Reading, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.supplier import patterns
from safecity_pipeline.supplier.received import GOT, Received, letter

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLES = 3
MOST_CELLS = 12  # kinds of refused cells that are told one by one
LONGEST_HEAD, SHORTEST = 70, 20
EMPTY = "(empty)"
BAD = ["sheet", "row", "reasons", "rules", "received"]
CELLS = ["sheet", "row", "position", "head", "rule", "reason", "received"]
NOTED = ["sheet", "row", "rule", "got"]
UNCACHED_SAID = "a formula whose result is not stored: open the workbook, save it and send it again"
UNCUT = "exactly as many rows as a spreadsheet can hold: was the table cut on saving?"


@dataclass(frozen=True)
class Counts:
    """The ledger of a file or a sheet: physical rows read = good + refused + left out.

    Left out are: head (titles and notes of a sheet too), blank, other (rows that the layout does
    not mean), folded (put together with an earlier row of the same thing). `cells`: refused cells
    of rows that stand.
    """

    read: int
    good: int
    refused: int
    left_out: int
    head: int
    blank: int
    other: int = 0
    cells: int = 0
    folded: int = 0


@dataclass(frozen=True)
class Judged:
    """One sheet that a layout read, with its counts."""

    reading: Reading
    counts: Counts


@dataclass(frozen=True)
class Verdict:
    """Whether all of a file can be used, and what to tell whoever sent it.

    `refusal`: why the whole file cannot be. `sheets`: those that a layout read; a text file is one
    without a name. `bad`: one row a bad row, with columns sheet, row, reasons, rules (two lists of
    one order) and received (the physical row). `cells`: one row a refused cell of a row that
    stands: sheet, row, position (of its column, the first is 0; None if not known), head, rule,
    reason and received. `warnings`: what may be right, and is to be looked at.
    """

    found: Extract
    source: Source | None = None
    refusal: str | None = None
    advice: str | None = None
    sheets: tuple[Judged, ...] = ()
    counts: Counts | None = None
    warnings: tuple[str, ...] = ()
    bad: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=BAD))
    cells: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CELLS))

    @property
    def good(self) -> bool:
        refused = self.refusal is not None or self.refused_sheets
        return not refused and self.bad.empty and self.cells.empty

    @property
    def refused_sheets(self) -> tuple[Reading, ...]:
        """Sheets that a layout means to read, and cannot."""
        known = ("", survey.UNREAD, survey.HIDDEN)
        return tuple(one for one in self.found.readings if one.message not in known)

    @property
    def unread_sheets(self) -> dict[str, list[str]]:
        """Why sheets were not read → their names; those that no layout means to read."""
        unread: dict[str, list[str]] = {}
        for one in self.found.readings:
            if one.layout is None and one.message in (survey.UNREAD, survey.HIDDEN):
                unread.setdefault(one.message, []).append(one.sheet)
        return unread

    @property
    def lines(self) -> list[str]:
        """What the command prints."""
        title = f"{self.found.path.name}: "
        if self.refusal is not None:
            refused = "" if self.found.status == "unrecognised" else "refused: "
            advice = [f"  {self.advice}"] if self.advice else []
            return [f"{title}{refused}{self.refusal}", *advice]
        assert self.source and self.counts
        said = [*_reasons(self.bad, self.source), *_of_cells(self.cells)]
        said += [f"  to look at: {words}".replace("\n", "\n    ") for words in self.warnings]
        good = not said and not self.refused_sheets
        return [*_read(self, title), *(["  every row is good"] if good else said)]


# --- judging -------------------------------------------------------------------------------------


def check(file: Path, known: Registry) -> Verdict:
    """Judge one file, with the manifest beside it, in a database in memory."""
    found = survey.survey_one(file, known.layouts, known.sources)
    if found.status == "unrecognised":
        return Verdict(found, refusal=found.message, advice=_advice(found, known))
    if found.layout is None or found.status == "refused":
        return Verdict(found, refusal=found.message)
    return _judged(found, known.sources[found.layout.source], known)


def _advice(found: Extract, known: Registry) -> str:
    if found.readings:
        listed = ", ".join(one.sheet or "(no name)" for one in found.readings)
        return f"its sheets: {listed}; `safecity drift FILE` says which layout comes nearest"
    names = ", ".join(sorted({p for layout in known.layouts for p in layout.files}))
    return f"names that are read: {names}"


def _judged(found: Extract, source: Source, known: Registry) -> Verdict:
    source = replace(source, corrections=())  # its supplier is to see what is wrong with it
    connection = warehouse.memory(STATE)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            taken = intake.take_in(
                connection,
                source,
                [found],
                known.areas,
                "check",
                Path(scratch),
                warehouse.transaction,
                Door(source, throwaway(), hides=True),
            )
        if taken.refused:
            return Verdict(found, source, refusal=next(iter(taken.refused.values())))
        return _told(connection, found, taken)
    finally:
        connection.close()


def _told(connection: DuckDBPyConnection, found: Extract, taken: Intake) -> Verdict:
    cells = _cells(connection, found)
    noted = _table(connection, "rule, got", "build.noted", NOTED)
    bad = _table(connection, "reasons, rules, received", f"quarantine.{taken.source.name}", BAD)
    bad["reasons"] = _in_their_heads(bad, found, taken.source)
    order = {one.sheet: number for number, one in enumerate(found.readings)}
    bad = bad.sort_values(["sheet", "row"], key=lambda c: c.map(order) if c.name == "sheet" else c)
    sheets = tuple(_sheets(found, taken, cells))
    return Verdict(
        found,
        taken.source,
        sheets=sheets,
        counts=_counts(taken.ledger, len(cells)),
        warnings=(*_warnings(taken, noted), *_of_sheets(sheets, taken.source)),
        bad=bad.reset_index(drop=True),
        cells=cells,
    )


def _in_their_heads(bad: pd.DataFrame, found: Extract, source: Source) -> pd.Series:
    known = {one.sheet: Received(found.path, source, one) for one in found.read}
    said = [
        [known[sheet].reason(reason, row if isinstance(row, str) else None) for reason in reasons]
        for sheet, reasons, row in bad[["sheet", "reasons", "received"]].itertuples(index=False)
    ]
    return pd.Series(said, index=bad.index, dtype=object)


def _table(
    connection: DuckDBPyConnection, columns: str, table: str, names: list[str]
) -> pd.DataFrame:
    frame = connection.execute(
        f"SELECT _sheet, _row, {columns} FROM {table} ORDER BY _sheet, _row"
    ).df()
    return frame.set_axis(names, axis="columns")


def _sheets(found: Extract, taken: Intake, cells: pd.DataFrame) -> Iterator[Judged]:
    for reading in found.read:
        ledger = taken.ledger[taken.ledger["sheet"] == reading.sheet]
        yield Judged(reading, _counts(ledger, int((cells["sheet"] == reading.sheet).sum())))


def _counts(ledger: pd.DataFrame, cells: int) -> Counts:
    names = ("read", "valid", "quarantined", "excluded")
    read, good, refused, left_out = (int(ledger[f"rows_{name}"].sum()) for name in names)
    head, blank, other, folded = (
        int(ledger[f"excluded_{name}"].sum()) for name in ("layout", "blank", "other", "folded")
    )
    return Counts(read, good, refused, left_out, head, blank, other, cells, folded)


# --- refused cells -------------------------------------------------------------------------------


def _cells(connection: DuckDBPyConnection, found: Extract) -> pd.DataFrame:
    """The refused cells with their place: the column's head as sent, not our label of it."""
    kept = _table(
        connection, "column_name, rule, reason", "quarantine.cell", ["sheet", "row", *CELLS[3:6]]
    )
    places = {one.sheet: _places(one) for one in found.read}
    rows = []
    for sheet, row, named, rule, reason in kept.itertuples(index=False):
        position, head = places[sheet].get(named, (None, named))
        said = reason.removeprefix(f"{named}: ")
        received = _received(said)
        said = f"{UNCACHED_SAID}{GOT}{received!r}" if received == UNCACHED else said
        rows.append((sheet, row, position, head, rule, said, received))
    frame = pd.DataFrame(rows, columns=CELLS)
    order = {one.sheet: number for number, one in enumerate(found.readings)}
    return frame.assign(sheet_order=frame["sheet"].map(order)).sort_values(
        ["sheet_order", "row", "position"], ignore_index=True
    )[CELLS]


def _places(reading: Reading) -> dict[str, tuple[int, str]]:
    """What `quarantine.cell` calls a column → its position and its head."""
    assert reading.layout is not None
    found: dict[str, tuple[int, str]] = {}
    for position, head in enumerate(reading.head):
        label = survey.wide_label(reading.layout, head)
        found.setdefault(label.replace("|", " ") if label else head, (position, head))
    return found


def _received(reason: str) -> str:
    """The cell as it came, out of the words that the rule says of it."""
    _, _, shown = reason.partition(GOT)
    return str(ast.literal_eval(shown)) if shown else ""


# --- words ---------------------------------------------------------------------------------------


def place(sheet: object, *rows: object) -> str:
    """Where rows stand, as a person looks it up."""
    listed = f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows))}"
    return f"sheet {sheet}, {listed}" if sheet else listed


def short(head: str) -> str:
    """A head that fits into a line; of each part of one of several rows, its beginning."""
    parts = head.split(JOINT)
    width = LONGEST_HEAD // len(parts)
    return JOINT.join(
        textwrap.shorten(part, max(width, SHORTEST), placeholder=" …") for part in parts
    )


def _read(verdict: Verdict, title: str) -> Iterator[str]:
    """Which layout read which sheet, the rows, and the sheets that were not read."""
    assert verdict.source and verdict.counts
    sheets, source = verdict.sheets, verdict.source
    if len(sheets) == 1 and len(verdict.found.readings) == 1:
        yield f"{title}read as {source.name}: {_layout_title(sheets[0].reading)}"
    else:
        yield f"{title}read as {source.name}, {len(sheets)} of {len(verdict.found.readings)} sheets"
        for one in sheets:
            yield f"  sheet {one.reading.sheet}, as “{_layout_title(one.reading)}”"
            yield f"  {counted(one.counts, sheet=True)}"
    for reading in verdict.refused_sheets:
        rows = _many(reading.rows, "row")
        yield f"  sheet {reading.sheet} is refused, all of its {rows}: {reading.message}"
    for reason, names in verdict.unread_sheets.items():
        yield f"  sheet{'s' * (len(names) > 1)} {', '.join(names)}: {reason}"
    if len(verdict.found.readings) > 1:
        yield f"  all sheets: {counted(verdict.counts, sheet=True).lstrip()}"
    else:
        yield counted(verdict.counts, sheet=bool(sheets[0].reading.sheet))


def _layout_title(reading: Reading) -> str:
    assert reading.layout is not None
    return reading.layout.title


def counted(rows: Counts, sheet: bool = False) -> str:
    """The ledger in one line; of a sheet, what is no table is more than a head."""
    head = "outside the table" if sheet else "head"
    other = f", {rows.other:,} that are not meant" if rows.other else ""
    other += f", {rows.folded:,} folded into another" if rows.folded else ""
    cells = f"; {_many(rows.cells, 'cell')} refused" if rows.cells else ""
    return (
        f"  {rows.read:,} rows = {rows.good:,} good + {rows.refused:,} refused + "
        f"{rows.left_out:,} left out ({rows.head:,} {head}, {rows.blank:,} blank{other}){cells}"
    )


def by_rule(bad: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rule → its rows (sheet, row, reason), the rule that is met first first."""
    pairs = [
        (rule, sheet, row, reason)
        for sheet, row, reasons, broken in bad[BAD[:4]].itertuples(index=False)
        for rule, reason in zip(broken, reasons, strict=True)
    ]
    table = pd.DataFrame(pairs, columns=["rule", "sheet", "row", "reason"])
    return {str(rule): group for rule, group in table.groupby("rule", sort=False)}


def rows_of(group: pd.DataFrame) -> int:
    """How many rows of a file a table speaks of, each once."""
    return len(group.drop_duplicates(["sheet", "row"]))


def _reasons(bad: pd.DataFrame, source: Source) -> list[str]:
    """Every rule broken, with its count and the first rows that break it."""
    known = rules.words(source) | {rule.name: rule.message for rule in source.across}
    return [
        line
        for rule, group in by_rule(bad).items()
        for line in _of_rule(known.get(rule, rule), group)
    ]


def _of_rule(words: str, group: pd.DataFrame) -> list[str]:
    """One rule; what its reasons have in common is said once, at the top."""
    count = rows_of(group)
    parted = [reason.partition(GOT) for reason in group["reason"]]
    same = len({said for said, _, _ in parted}) == 1
    lines = [f"  {parted[0][0] if same else words}: {_many(count, 'row')}"]
    shown = zip(group["sheet"], group["row"], parted, strict=True)
    for sheet, row, (said, _, got) in list(shown)[:EXAMPLES]:
        more = [*([] if same else [said]), *([f"got: {got}"] if got else [])]
        mark = ", " if same and got else ": " if more else ""
        lines.append(f"    {place(sheet, row)}{mark}{'; '.join(more)}")
    return lines


def _of_cells(cells: pd.DataFrame) -> Iterator[str]:
    """Refused cells by column and by what stood there, with the first places."""
    if cells.empty:
        return
    count = _many(len(cells), "cell")
    yield f"  neither a number nor a marker that is known, so without a value: {count}"
    groups = list(cells.groupby(["sheet", "head", "received"], sort=False, dropna=False))
    for (sheet, head, received), group in groups[:MOST_CELLS]:
        first = place(sheet, *group["row"][:EXAMPLES])
        more = f" and {len(group) - EXAMPLES:,} more" if len(group) > EXAMPLES else ""
        where = f"{first}{more}, {_column(str(head), group)}"
        yield f"    {where}: got: {received!r}" if received else f"    {where}: {EMPTY}"
    if len(groups) > MOST_CELLS:
        yield f"    and {len(groups) - MOST_CELLS:,} more columns or values"


def _column(head: str, group: pd.DataFrame) -> str:
    position = group["position"].iloc[0]
    lettered = "" if pd.isna(position) else f"column {letter(int(position))}"
    return f"{short(head)} ({lettered})" if head and lettered else short(head) or lettered


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


# --- to look at ----------------------------------------------------------------------------------


def _warnings(taken: Intake, noted: pd.DataFrame) -> Iterator[str]:
    """Rules across rows that only warn, with the first rows where they are known."""
    failed = {check.check_name: check for check in taken.checks if not check.passed}
    for rule in taken.source.across:
        if rule.severity != "warn" or rule.name not in failed:
            continue
        rows = noted[noted["rule"] == rule.name]
        if rows.empty:
            yield failed[rule.name].message
        else:
            yield "\n".join([f"{rule.message}: {_many(len(rows), 'row')}", *_first(rows)])


def _first(rows: pd.DataFrame) -> Iterator[str]:
    for sheet, row, _, got in rows[:EXAMPLES].itertuples(index=False):
        yield f"{place(sheet, row)}, got: {got}"


def _of_sheets(sheets: tuple[Judged, ...], source: Source) -> Iterator[str]:
    """What is odd about a sheet as a whole: too short, cut, or with heads that are not found."""
    for one in sheets:
        where = f"sheet {one.reading.sheet}: " if one.reading.sheet else ""
        rows = one.counts.read - one.counts.head
        if rows < source.minimum_rows:
            yield f"{where}{_many(rows, 'row')}, where {source.minimum_rows:,} or more are expected"
        if one.counts.read in intake.SPREADSHEET_ROWS:
            yield f"{where}{UNCUT}"
        if unknown := _lost(one.reading):
            yield f"{where}{unknown}"


def _lost(reading: Reading) -> str:
    """Columns that the layout looks for and does not find, with the heads that it does not know:
    one may be the other, written otherwise."""
    layout = reading.layout
    assert layout is not None
    heads = {ours: head for head, ours in reversed(list(layout.columns.items()))}
    absent = [
        heads.get(one) or next(iter(patterns.examples(one)), one)
        for one in survey.absent_columns(reading)
    ]
    unknown = survey.extra_heads(reading)
    if not absent or not unknown:
        return ""
    listed = (", ".join(map(short, told)) for told in (absent, unknown))
    return "columns not found: {}; columns not known, and not read: {}".format(*listed)
