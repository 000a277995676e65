"""What of a table differs from the layouts that are known, and which column is likely which.

Belongs here: comparing a look into a table (`peek`) with layouts, as one frozen `Drift`; nothing
is written. Does not belong here: how alike two columns are (`likeness`, `evidence`), the columns
of a wide table (`spread`), where a table stands in a workbook (`standing`, `sheet_drift`), words
and the proposed entry (`supplier`).

Columns are assigned, each head to at most one of ours. A pair is taken when it is sure enough
(`SURE`) and far surer than every other pair of that head or of that column (`MARGIN`); what is
taken leaves the others fewer rivals, so it is asked again until nothing more is certain. The
order of columns plays no part. What is left is told as candidates, and never taken.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from safecity_pipeline.ingest import heads, likeness, parse, schema, spread
from safecity_pipeline.ingest.evidence import Known, Told
from safecity_pipeline.ingest.likeness import AGREE, DENY, Passing, Score
from safecity_pipeline.ingest.peek import Peek, Table
from safecity_pipeline.ingest.spread import CANDIDATE, MARGIN, STRONG, SURE, Spread, Wide
from safecity_pipeline.model import Layout, Source

CLAIMED = 0.5  # as the survey: more than half of a layout's columns
NOTABLE = 0.001  # of the rows; less is a bad row and not a new category
MOST_CANDIDATES = 3
REPEATED = 5  # rows a category has on average, where only the data say that it is one
PATTERNS_WEIGH = 2  # at least, since a wide table is little but its values


@dataclass(frozen=True)
class Mapped:
    """A head taken for a column of ours; `same`: the layout spells it so already."""

    column: str
    head: str
    position: int
    score: Score
    same: bool


@dataclass(frozen=True)
class Untold:
    """A column of ours for which no head is sure, with the heads that come into question."""

    column: str
    candidates: tuple[tuple[str, Score], ...]
    why: str


@dataclass(frozen=True)
class Retyped:
    """A mapped column whose values are not what they were: shares of kind and of rules."""

    column: str
    head: str
    kind: str
    found: Passing
    example: str


@dataclass(frozen=True)
class Categories:
    """Values of a column that are new or gone. `against`: its list, the areas, an earlier file."""

    column: str
    head: str
    against: str
    appeared: Mapping[str, int] = field(default_factory=dict)
    vanished: tuple[str, ...] = ()
    notable: bool = False


@dataclass(frozen=True)
class Kept:
    """A head by which a layout leaves rows out (`only`), and the head that is now it, if any."""

    key: str
    pattern: str
    head: str | None
    reason: str
    fits: bool = True


@dataclass(frozen=True)
class Drift:
    """A table against the layout that it is nearest to. `score`: share of our columns found.

    `missing_labels`: labels of a wide table that no head brings. `odd`: cells in place of numbers
    that are no declared marker → how many; `judged`: of how many cells.
    """

    layout: Layout
    head: tuple[str, ...]
    score: float
    delimiter: str
    mapped: tuple[Mapped, ...]
    wide: tuple[Wide, ...]
    wide_candidates: tuple[Wide, ...]
    missing_labels: tuple[str, ...]
    kept: tuple[Kept, ...]
    untold: tuple[Untold, ...]
    missing_needed: tuple[str, ...]
    missing_given: tuple[str, ...]
    missing_optional: tuple[str, ...]
    new: tuple[str, ...]
    twice: tuple[str, ...]
    moved: tuple[str, ...]
    retyped: tuple[Retyped, ...]
    categories: tuple[Categories, ...]
    looked: Peek
    odd: Mapping[str, int] = field(default_factory=dict)
    judged: int = 0

    @property
    def claimed(self) -> bool:
        return self.score > CLAIMED

    @property
    def renamed(self) -> tuple[Mapped, ...]:
        return tuple(one for one in self.mapped if not one.same)

    @property
    def only(self) -> dict[str, str]:
        """Head → pattern of the rows that are meant, by the heads of this table."""
        return {one.head: one.pattern for one in self.kept if one.head is not None}

    @property
    def odd_notable(self) -> bool:
        return sum(self.odd.values()) > NOTABLE * self.judged

    @property
    def changed(self) -> bool:
        """Something that the layout would lose or misread, though it may read the file."""
        strong = any(one.candidates and one.candidates[0][1].value >= STRONG for one in self.untold)
        wide = any(not one.same for one in (*self.wide, *self.wide_candidates))
        worn = self.missing_needed or self.retyped or self.renamed or strong or wide
        kept = any(one.head != one.key or not one.fits for one in self.kept)
        appeared = any(one.notable for one in self.categories) or self.odd_notable
        return bool(worn or kept or appeared or self.delimiter != self.layout.delimiter)


def nearest(looked: Peek, known: Known, since: Peek | None = None) -> Drift | None:
    """The table against each layout of `known`; the nearest one. None where there is no layout."""
    found = []
    for name in sorted({layout.source for layout in known.layouts if not layout.refuse}):
        told = Told(looked, known, name)
        found += [_compared(told, layout, since) for layout in known.of(name)]
    return max(found, key=rank, default=None)


def compare(looked: Peek, layout: Layout, known: Known, since: Peek | None = None) -> Drift:
    """The table against one layout, which need not be one of `known`."""
    return _compared(Told(looked, known, layout.source), layout, since)


def examine(table: Table, known: Known, since: Table | None = None) -> Drift | None:
    """The nearest layout, and the table compared with it once more, by the rows that are meant.

    Counts the cells that are neither number nor marker over the whole table.
    """
    if len(known.layouts) == 1 and set(known.layouts[0].only) <= set(table.head):
        [layout] = known.layouts  # its rows are known, so one look is enough
        looked = table.peek(layout.only)
        if looked.read:
            one = compare(looked, layout, known, _meant(since, layout) if since else None)
            return _with_odd_cells(table, one, known.sources[layout.source])
    first = nearest(table.peek(), known, since.peek() if since else None)
    return finished(table, first, known, since) if first else None


def finished(table: Table, one: Drift, known: Known, since: Table | None = None) -> Drift:
    """The comparison with one layout, over the rows that are meant, with its odd cells."""
    if one.only:
        looked = table.peek(one.only)
        if looked.read:
            earlier = _meant(since, one.layout) if since else None
            one = replace(compare(looked, one.layout, known, earlier), kept=one.kept)
        else:
            one = replace(one, kept=tuple(replace(kept, fits=False) for kept in one.kept))
    return _with_odd_cells(table, one, known.sources[one.layout.source])


def _meant(since: Table, layout: Layout) -> Peek:
    there = {head: pattern for head, pattern in layout.only.items() if head in since.head}
    return since.peek(there)


def rank(drift: Drift) -> tuple[float, int]:
    return drift.score, sum(one.same for one in drift.mapped)


def _compared(told: Told, layout: Layout, since: Peek | None) -> Drift:
    head = told.looked.head
    wanted = tuple(dict.fromkeys(layout.columns.values()))
    twice = _twice(told, layout)
    free = [
        at
        for at, cell in enumerate(head)
        if heads.without_place(cell) not in twice
        and not _ignored(layout, cell)
        and not _is_spread(layout, cell)
    ]
    mapped = _assigned(told, layout, free, wanted)
    taken = {one.position for one in mapped}
    left = [at for at in range(len(head)) if at not in taken and not _ignored(layout, head[at])]
    widened = spread.of_heads(told, layout, left)
    spent = {cell for one in (*widened.taken, *widened.candidates) for cell in one.heads}
    left = [at for at in left if head[at] not in spent and at in free]
    kept = _kept(told, layout, mapped, left)
    left = [at for at in left if head[at] not in {one.head for one in kept}]
    missing = [column for column in wanted if column not in {one.column for one in mapped}]
    untold = _untold(told, layout, missing, left)
    lacking = _lacking(told.source, layout, missing, bool(widened.taken))
    return Drift(
        layout=layout,
        head=head,
        score=_score(wanted, mapped, untold, widened, layout),
        delimiter=told.looked.delimiter,
        mapped=mapped,
        wide=widened.taken,
        wide_candidates=widened.candidates,
        missing_labels=widened.missing,
        kept=kept,
        untold=untold,
        missing_needed=lacking[0],
        missing_given=lacking[1],
        missing_optional=lacking[2],
        new=tuple(head[at] for at in left if _is_told(told, at)),
        twice=tuple(cell for cell in dict.fromkeys(head) if cell in twice),
        moved=_moved(mapped, _order(told, layout, wanted, since)),
        retyped=_retyped(told, mapped) + _retyped_wide(told, layout, widened.taken),
        categories=_categories(told, mapped) + _since(told, layout, mapped, since),
        looked=told.looked,
    )


def _twice(told: Told, layout: Layout) -> set[str]:
    """Heads of several columns of which the layout does not say which is which."""
    head = told.looked.head
    return {
        first
        for at, cell in enumerate(head)
        if (first := heads.without_place(cell)) not in ("", cell)
        and first in head
        and not (cell in layout.columns or spread.label(layout, cell) or _ignored(layout, cell))
        and _is_told(told, at)
    }


def _ignored(layout: Layout, cell: str) -> bool:
    return any(re.fullmatch(pattern, cell) for pattern in layout.ignored)


def _is_spread(layout: Layout, cell: str) -> bool:
    """Whether a head is one of a wide table's for sure, whatever its values."""
    if cell in layout.columns:
        return False
    return any(re.fullmatch(one, cell) and not spread.is_any(one) for one in layout.wide)


def _is_told(told: Told, at: int) -> bool:
    """Spacer columns have no values and no head of their own, and are no news."""
    cell = heads.without_place(told.looked.head[at])
    above = any(other.startswith(cell + heads.JOINT) for other in told.looked.head)
    return bool(told.looked.column(at)) or not (cell == "" or above)


def _score(
    wanted: Sequence[str],
    mapped: Sequence[Mapped],
    untold: Sequence[Untold],
    widened: Spread,
    layout: Layout,
) -> float:
    """Mean sureness over our columns and labels; a column that two heads fit counts, since it is
    there."""
    sure = sum(one.score.value for one in mapped)
    rivals = [one.candidates[0][1].value for one in untold if one.candidates]
    sure += sum(value for value in rivals if value >= SURE)
    of = float(len(wanted))
    if layout.wide:
        labels = set(layout.wide.values())
        best = dict.fromkeys(labels, 0.0)
        for one in widened.taken:
            best[one.label] = max(best.get(one.label, 0.0), one.score.value)
        weight = max(PATTERNS_WEIGH, len(labels))
        sure, of = sure + weight * sum(best.values()) / len(labels), of + weight
    return sure / of


# --- rows that are left out ----------------------------------------------------------------------


def _kept(
    told: Told, layout: Layout, mapped: Sequence[Mapped], left: Sequence[int]
) -> tuple[Kept, ...]:
    return tuple(_kept_by(told, layout, key, mapped, left) for key in layout.only)


def _kept_by(
    told: Told, layout: Layout, key: str, mapped: Sequence[Mapped], left: Sequence[int]
) -> Kept:
    pattern, head = layout.only[key], told.looked.head
    if key in head:
        return Kept(key, pattern, key, "same head")
    ours = layout.columns.get(key)
    moved = next((one for one in mapped if one.column == ours), None)
    if moved:
        return Kept(key, pattern, moved.head, f"it is {ours}: {moved.score.reason}")
    scored = sorted(
        ((likeness.names(head[at], [key], key), at) for at in left), key=lambda one: -one[0][0]
    )
    if scored and scored[0][0][0] >= SURE and _some_fit(told, scored[0][1], pattern):
        return Kept(key, pattern, head[scored[0][1]], scored[0][0][1])
    return Kept(key, pattern, None, "no head is sure to be it")


def _some_fit(told: Told, at: int, pattern: str) -> bool:
    compiled = re.compile(pattern)
    return any(compiled.fullmatch(row[at].strip()) for row in told.looked.rows)


# --- cells in place of numbers -------------------------------------------------------------------


def _with_odd_cells(table: Table, one: Drift, source: Source) -> Drift:
    """Cells of columns whose values have a status that are neither number nor declared marker."""
    marked = set(schema.marked(source))
    spread_heads = [cell for wide in one.wide for cell in wide.heads]
    there = {mapped.head: mapped.column for mapped in one.mapped if mapped.column in marked}
    if str(one.layout.wide_value) in marked:
        there |= dict.fromkeys(spread_heads, str(one.layout.wide_value))
    columns = source.schema.columns
    odd: Counter[str] = Counter()
    for kind in {parse.kind_of(columns[name]) for name in there.values()}:
        listed = [cell for cell, name in there.items() if parse.kind_of(columns[name]) == kind]
        found = table.odd_cells(listed, one.only)
        odd.update({text: found[text] for text in _undeclared(list(found), kind, one.layout)})
    return replace(one, odd=dict(odd), judged=one.looked.read * len(there))


def _undeclared(texts: Sequence[str], kind: str, layout: Layout) -> list[str]:
    read = parse.parse(pd.Series(list(texts), dtype="str"), kind, layout.markers)
    return [
        text
        for text, status in zip(texts, read["status"], strict=True)
        if status in (parse.TEXT, parse.ABSENT)
    ]


# --- which head is which column ------------------------------------------------------------------


def _assigned(
    told: Told, layout: Layout, free: Sequence[int], wanted: Sequence[str]
) -> tuple[Mapped, ...]:
    head = told.looked.head
    sound = [at for at in free if not told.contradicts(at, wanted)]
    said = {
        at: layout.columns[head[at]]
        for at in sound
        if head[at] in layout.columns
        and (head[at] or not told.belied_or_silent(at, layout.columns[""]))
    }
    same = Counter(said.values())
    found = {at: column for at, column in said.items() if same[column] == 1}
    heads = {at for at in sound if at not in found}
    columns = set(wanted) - set(found.values())
    while sure := _sure(told, heads, columns) or _sure_together(told, found, heads, columns):
        found |= sure
        heads -= set(sure)
        columns -= set(sure.values())
    return tuple(
        Mapped(column, head[at], at, told.scores[at][column], head[at] in layout.columns)
        for at, column in sorted(found.items())
    )


def _sure(told: Told, heads: set[int], columns: set[str]) -> dict[int, str]:
    """Pairs that leave no doubt among what is open; no two of them share a head or a column."""
    return {
        at: column
        for at in heads
        for column in columns
        if (score := told.scores[at][column]).value >= SURE
        and all(_surer(score, told.scores[at][other]) for other in columns if other != column)
        and all(_surer(score, told.scores[other][column]) for other in heads if other != at)
    }


def _sure_together(
    told: Told, found: Mapping[int, str], heads: set[int], columns: set[str]
) -> dict[int, str]:
    """Pairs that look-ups of several columns make sure, once the other columns are found."""
    for column in columns:
        told.ask_together(found, heads, column)
    return _sure(told, heads, columns)


def _surer(score: Score, other: Score) -> bool:
    return score.doubt * MARGIN < other.doubt


def _untold(
    told: Told, layout: Layout, missing: Sequence[str], left: Sequence[int]
) -> tuple[Untold, ...]:
    found = []
    for column in missing:
        scored = [(told.looked.head[at], told.doubted(at, column)) for at in left]
        best = sorted(scored, key=lambda pair: (-pair[1].value, pair[0]))
        kept = tuple(pair for pair in best if pair[1].value >= CANDIDATE)[:MOST_CANDIDATES]
        if kept:
            found.append(Untold(column, kept, _why(told, layout, column, kept)))
    return tuple(found)


def _why(told: Told, layout: Layout, column: str, kept: Sequence[tuple[str, Score]]) -> str:
    wanted = tuple(layout.columns.values())
    at = {cell: place for place, cell in enumerate(told.looked.head)}
    if any(told.contradicts(at[cell], wanted) for cell, _ in kept):
        return "the head says one of our columns, the values another"
    if kept[0][1].value >= SURE:
        return "it fits another column as well, or another head fits as well"
    return "nothing is sure enough"


def _lacking(
    source: Source, layout: Layout, missing: Sequence[str], has_wide: bool
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What is needed; what a file's name or a manifest may say instead; what may be absent."""
    columns = source.schema.columns
    absent = list(missing)
    if layout.wide and not has_wide:
        absent += [*str(layout.wide_label).split("|"), str(layout.wide_value)]
    given = [name for name in absent if name in layout.given]
    needed = [name for name in absent if name not in given and not columns[name].nullable]
    optional = [name for name in absent if name not in given and name not in needed]
    return tuple(needed), tuple(given), tuple(optional)


# --- what became of the columns ------------------------------------------------------------------


def _order(told: Told, layout: Layout, wanted: Sequence[str], since: Peek | None) -> Sequence[str]:
    if since is None:
        return wanted
    return [layout.columns[cell] for cell in since.head if cell in layout.columns]


def _moved(mapped: Sequence[Mapped], order: Sequence[str]) -> tuple[str, ...]:
    """Heads outside of the longest run that still stands in the old order."""
    known = [one for one in mapped if one.column in order]
    places = [order.index(one.column) for one in known]
    kept = _longest_rising(places)
    return tuple(one.head for one, place in zip(known, places, strict=True) if place not in kept)


def _longest_rising(places: Sequence[int]) -> set[int]:
    ends: list[int] = []
    chains: list[list[int]] = []
    for place in places:
        at = bisect_left(ends, place)
        chain = [*(chains[at - 1] if at else []), place]
        ends[at : at + 1], chains[at : at + 1] = [place], [chain]
    return set(chains[-1]) if chains else set()


def _retyped(told: Told, mapped: Sequence[Mapped]) -> tuple[Retyped, ...]:
    return tuple(
        _changed_type(told, one.column, one.head, one.position)
        for one in mapped
        if one.column in told.passing[one.position]
        and _is_retyped(told.passing[one.position][one.column])
    )


def _retyped_wide(told: Told, layout: Layout, wide: Sequence[Wide]) -> tuple[Retyped, ...]:
    column = str(layout.wide_value)
    spread = {cell for one in wide for cell in one.heads}
    return tuple(
        _changed_type(told, column, cell, at)
        for at, cell in enumerate(told.looked.head)
        if cell in spread and column in told.passing[at] and _is_retyped(told.passing[at][column])
    )


def _is_retyped(found: Passing) -> bool:
    return found.kind < AGREE or found.rules < DENY


def _changed_type(told: Told, column: str, head: str, at: int) -> Retyped:
    test, found = told.tests[column], told.passing[at][column]
    values = list(dict.fromkeys(told.looked.column(at)))
    of_kind, passed = test.ask(values)
    right = of_kind if found.kind < AGREE else passed
    example = next((value for value in values if value not in right), "")
    return Retyped(column, head, test.kind, found, example)


def _categories(told: Told, mapped: Sequence[Mapped]) -> tuple[Categories, ...]:
    """Against the model's lists and the areas that are known."""
    found = []
    for one in mapped:
        counts, test = told.looked.counts[one.position], told.tests[one.column]
        listed = schema.allowed(test.column)
        named = test.looks_up and not test.column.checks
        if not counts or not (listed or named):
            continue
        if _is_retyped(told.passing[one.position][one.column]):
            continue
        _, good = test.ask(list(counts))
        appeared = {value: rows for value, rows in counts.items() if value not in good}
        there = {test.meant.get(value, value) for value in counts}
        vanished = tuple(value for value in listed if value not in there)
        most = max(appeared.values(), default=0)
        notable = bool(appeared) and most >= NOTABLE * sum(counts.values())
        against = "its list" if listed else "the areas that are known"
        found.append(Categories(one.column, one.head, against, appeared, vanished, notable))
    return tuple(one for one in found if one.appeared or one.vanished)


def _since(
    told: Told, layout: Layout, mapped: Sequence[Mapped], since: Peek | None
) -> tuple[Categories, ...]:
    """Against an earlier file, for columns of few and repeated texts in both."""
    if since is None:
        return ()
    before = _compared(Told(since, told.known, told.source.name), layout, None)
    at = {one.column: one.position for one in before.mapped}
    found = []
    for one in mapped:
        if one.column not in at or told.tests[one.column].kind != "text":
            continue
        now, then = told.looked.counts[one.position], since.counts[at[one.column]]
        if now is None or then is None or not _are_categories(told, one.column, now, then):
            continue
        appeared = {value: rows for value, rows in now.items() if value not in then}
        vanished = tuple(sorted(set(then) - set(now)))
        found.append(Categories(one.column, one.head, "the earlier file", appeared, vanished))
    return tuple(one for one in found if one.appeared or one.vanished)


def _are_categories(
    told: Told, column: str, now: Mapping[str, int], then: Mapping[str, int]
) -> bool:
    test = told.tests[column]
    if schema.allowed(test.column) or (test.looks_up and not test.column.checks):
        return True
    return all(counts and sum(counts.values()) >= REPEATED * len(counts) for counts in (now, then))
