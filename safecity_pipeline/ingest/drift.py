"""What of a file differs from the layouts that are known, and which column is likely which.

Belongs here: comparing a look into a file (`peek`) with layouts, as one frozen `Drift`; nothing
is read or written. Does not belong here: how alike two columns are (`likeness`), words and the
proposed entry (`supplier.drift_report`).

Columns are assigned, each head to at most one of ours. A pair is taken when it is sure enough
(`SURE`) and far surer than every other pair of that head or of that column (`MARGIN`); what is
taken leaves the others fewer rivals, so it is asked again until nothing more is certain. The
order of columns plays no part. What is left is told as candidates, and never taken.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from safecity_pipeline.ingest import likeness, schema
from safecity_pipeline.ingest.likeness import AGREE, DEMANDING_WORTH, DENY, DIGITS, Passing, Score
from safecity_pipeline.ingest.peek import Peek
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import Layout, Places, Source

SURE = 0.8  # values alone that only such a column has, or a head with a letter or two changed
MARGIN = 2.0  # the next best pair leaves at least twice the doubt
CLAIMED = 0.5  # as the survey: more than half of a layout's columns
CANDIDATE, STRONG = 0.35, 0.5
NOTABLE = 0.001  # of the rows; less is a bad row and not a new category
MOST_CANDIDATES = 3
REPEATED = 5  # rows a category has on average, where only the data say that it is one


@dataclass(frozen=True)
class Mapped:
    """A head taken for a column of ours; `same`: the layout spells it so already."""

    column: str
    head: str
    position: int
    score: Score
    same: bool


@dataclass(frozen=True)
class Wide:
    """Heads taken for a wide table's columns of values: pattern → label, as in a layout."""

    pattern: str
    label: str
    heads: tuple[str, ...]
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
class Drift:
    """A file against the layout that it is nearest to. `score`: share of our columns found."""

    layout: Layout
    score: float
    claimed: bool
    delimiter: str
    mapped: tuple[Mapped, ...]
    wide: tuple[Wide, ...]
    wide_candidates: tuple[Wide, ...]
    untold: tuple[Untold, ...]
    missing_needed: tuple[str, ...]
    missing_given: tuple[str, ...]
    missing_optional: tuple[str, ...]
    new: tuple[str, ...]
    twice: tuple[str, ...]
    moved: tuple[str, ...]
    retyped: tuple[Retyped, ...]
    categories: tuple[Categories, ...]

    @property
    def renamed(self) -> tuple[Mapped, ...]:
        return tuple(one for one in self.mapped if not one.same)

    @property
    def changed(self) -> bool:
        """Something that the layout would lose or misread, though it may read the file."""
        strong = any(one.candidates and one.candidates[0][1].value >= STRONG for one in self.untold)
        wide = any(not one.same for one in (*self.wide, *self.wide_candidates))
        worn = self.missing_needed or self.retyped or self.renamed or strong or wide
        appeared = any(one.notable for one in self.categories)
        return bool(worn or appeared or self.delimiter != self.layout.delimiter)


@dataclass(frozen=True)
class Known:
    """What files are compared with. Tests of columns are made once."""

    sources: Mapping[str, Source]
    layouts: Sequence[Layout]
    places: Places

    @cached_property
    def tests(self) -> dict[str, dict[str, likeness.Test]]:
        return {
            name: {
                column: likeness.Test.of(column, source, self.places)
                for column in source.model.to_schema().columns
            }
            for name, source in self.sources.items()
        }


def nearest(looked: Peek, known: Known, since: Peek | None = None) -> Drift | None:
    """The file against each layout of `known`; the nearest one. None where there is no layout."""
    found = []
    for name in sorted({layout.source for layout in known.layouts if not layout.refuse}):
        told = _Told(looked, known, name)
        mine = [one for one in known.layouts if one.source == name and not one.refuse]
        found += [_compared(told, layout, since) for layout in mine]
    return max(found, key=_rank, default=None)


def _rank(drift: Drift) -> tuple[float, int]:
    return drift.score, sum(one.same for one in drift.mapped)


class _Told:
    """What heads and values of one file say, for the columns of one source."""

    def __init__(self, looked: Peek, known: Known, source: str) -> None:
        self.looked, self.known, self.source = looked, known, known.sources[source]
        self.tests = known.tests[source]
        values = [looked.column(at) for at in range(len(looked.head))]
        self.passing = likeness.passing(self.tests, values)
        self.spellings: dict[str, list[str]] = {column: [] for column in self.tests}
        for layout in known.layouts:
            if layout.source == source and not layout.refuse:
                for head, column in layout.columns.items():
                    self.spellings[column].append(head)
        self.scores = [
            {column: self._score(at, column) for column in self.tests}
            for at in range(len(looked.head))
        ]

    def _score(self, at: int, column: str) -> Score:
        name = likeness.names(self.looked.head[at], self.spellings[column], column)
        return likeness.join(name, self.tests[column], self.passing[at].get(column))

    def doubted(self, at: int, column: str) -> Score:
        """The score of a pair that was not taken: a head that its values belie counts half."""
        score = self.scores[at][column]
        belied = score.values is not None and score.values < DENY
        return replace(score, value=score.value / 2) if belied else score

    def contradicts(self, at: int, wanted: Iterable[str]) -> bool:
        """Whether a head says one of our columns, and its values another and not that one."""
        found = self.passing[at]
        denied = {
            column
            for column in wanted
            if self.scores[at][column].name >= DIGITS
            and column in found
            and found[column].rules < DENY
        }
        return bool(denied) and any(
            found[column].rules >= AGREE
            and self.tests[column].worth(found[column].distinct) >= DEMANDING_WORTH
            for column in set(wanted) - denied
        )


def _compared(told: _Told, layout: Layout, since: Peek | None) -> Drift:
    head = told.looked.head
    wanted = tuple(dict.fromkeys(layout.columns.values()))
    twice = {cell for cell, count in Counter(head).items() if count > 1}
    free = [
        at
        for at, cell in enumerate(head)
        if cell not in twice and not _ignored(layout, cell) and not wide_label(layout, cell)
    ]
    mapped = _assigned(told, layout, free, wanted)
    taken = {one.position for one in mapped}
    left = [at for at in free if at not in taken]
    wide, wide_candidates = _wide(told, layout, left)
    spread = {cell for one in wide for cell in one.heads}
    left = [at for at in left if head[at] not in spread]
    missing = [column for column in wanted if column not in {one.column for one in mapped}]
    untold = _untold(told, layout, missing, left)
    lacking = _lacking(told.source, layout, missing, bool(wide))
    score = _score(wanted, mapped, untold, wide, layout)
    return Drift(
        layout=layout,
        score=score,
        claimed=score > CLAIMED,
        delimiter=told.looked.delimiter,
        mapped=mapped,
        wide=wide,
        wide_candidates=wide_candidates,
        untold=untold,
        missing_needed=lacking[0],
        missing_given=lacking[1],
        missing_optional=lacking[2],
        new=tuple(head[at] for at in left),
        twice=tuple(cell for cell in dict.fromkeys(head) if cell in twice),
        moved=_moved(mapped, _order(told, layout, wanted, since)),
        retyped=_retyped(told, mapped) + _retyped_wide(told, layout, wide),
        categories=_categories(told, mapped) + _since(told, layout, mapped, since),
    )


def _ignored(layout: Layout, cell: str) -> bool:
    return any(re.fullmatch(pattern, cell) for pattern in layout.ignored)


def _score(
    wanted: Sequence[str],
    mapped: Sequence[Mapped],
    untold: Sequence[Untold],
    wide: Sequence[Wide],
    layout: Layout,
) -> float:
    """Mean sureness over our columns; one that two heads fit counts, since it is there."""
    sure = sum(one.score.value for one in mapped)
    rivals = [one.candidates[0][1].value for one in untold if one.candidates]
    sure += sum(value for value in rivals if value >= SURE)
    of = len(wanted)
    if layout.wide:
        sure, of = sure + 2 * max((one.score.value for one in wide), default=0.0), of + 2
    return sure / of


# --- which head is which column ------------------------------------------------------------------


def _assigned(
    told: _Told, layout: Layout, free: Sequence[int], wanted: Sequence[str]
) -> tuple[Mapped, ...]:
    head = told.looked.head
    sound = [at for at in free if not told.contradicts(at, wanted)]
    same = Counter(layout.columns[head[at]] for at in sound if head[at] in layout.columns)
    found = {
        at: layout.columns[head[at]]
        for at in sound
        if same.get(layout.columns.get(head[at], "")) == 1
    }
    heads = {at for at in sound if at not in found}
    columns = set(wanted) - set(found.values())
    while sure := _sure(told, heads, columns):
        found |= sure
        heads -= set(sure)
        columns -= set(sure.values())
    return tuple(
        Mapped(column, head[at], at, told.scores[at][column], head[at] in layout.columns)
        for at, column in sorted(found.items())
    )


def _sure(told: _Told, heads: set[int], columns: set[str]) -> dict[int, str]:
    """Pairs that leave no doubt among what is open; no two of them share a head or a column."""
    return {
        at: column
        for at in heads
        for column in columns
        if (score := told.scores[at][column]).value >= SURE
        and all(_surer(score, told.scores[at][other]) for other in columns if other != column)
        and all(_surer(score, told.scores[other][column]) for other in heads if other != at)
    }


def _surer(score: Score, other: Score) -> bool:
    return score.doubt * MARGIN < other.doubt


def _untold(
    told: _Told, layout: Layout, missing: Sequence[str], left: Sequence[int]
) -> tuple[Untold, ...]:
    found = []
    for column in missing:
        scored = [(told.looked.head[at], told.doubted(at, column)) for at in left]
        best = sorted(scored, key=lambda pair: (-pair[1].value, pair[0]))
        kept = tuple(pair for pair in best if pair[1].value >= CANDIDATE)[:MOST_CANDIDATES]
        if kept:
            found.append(Untold(column, kept, _why(told, layout, column, kept)))
    return tuple(found)


def _why(told: _Told, layout: Layout, column: str, kept: Sequence[tuple[str, Score]]) -> str:
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
    columns = source.model.to_schema().columns
    absent = list(missing)
    if layout.wide and not has_wide:
        absent += [str(layout.wide_label), str(layout.wide_value)]
    given = [name for name in absent if name in layout.given]
    needed = [name for name in absent if name not in given and not columns[name].nullable]
    optional = [name for name in absent if name not in given and name not in needed]
    return tuple(needed), tuple(given), tuple(optional)


# --- one column a year ---------------------------------------------------------------------------


def _wide(
    told: _Told, layout: Layout, left: Sequence[int]
) -> tuple[tuple[Wide, ...], tuple[Wide, ...]]:
    """The layout's own patterns where heads fit them, else templates of heads that may."""
    if not layout.wide:
        return (), ()
    head = told.looked.head
    own = [
        Wide(pattern, label, cells, Score(1.0, 1.0, None, "same heads"), True)
        for pattern, label in layout.wide.items()
        if (cells := tuple(cell for cell in head if re.fullmatch(pattern, cell)))
    ]
    if own:
        return tuple(own), ()
    found = [
        one for template in _templates(head, left) if (one := _template(told, layout, template))
    ]
    best = sorted(found, key=lambda one: (-one.score.value, one.pattern))
    kept = [one for one in best if one.score.value >= CANDIDATE]
    alone = len(kept) == 1 or (len(kept) > 1 and _surer(kept[0].score, kept[1].score))
    if kept and alone and kept[0].score.value >= SURE:
        return (kept[0],), ()
    return (), tuple(kept[:MOST_CANDIDATES])


def _templates(head: Sequence[str], left: Sequence[int]) -> list[list[int]]:
    """Places of heads that differ in one number only."""
    grouped: dict[str, list[int]] = {}
    for at in left:
        if len(re.findall(r"\d+", head[at])) == 1:
            grouped.setdefault(re.sub(r"\d+", "#", head[at]), []).append(at)
    return list(grouped.values())


def _template(told: _Told, layout: Layout, places: Sequence[int]) -> Wide | None:
    head, label, value = told.looked.head, str(layout.wide_label), str(layout.wide_value)
    before, number, after = re.split(r"(\d+)", head[places[0]])
    numbers = [re.findall(r"\d+", head[at])[0] for at in places]
    _, labels = told.tests[label].ask(numbers)
    if set(numbers) - labels or {len(one) for one in numbers} != {len(number)}:
        return None
    found = [told.passing[at][value] for at in places if told.passing[at]]
    if not found:
        return None
    pattern, theirs = max(
        layout.wide.items(), key=lambda pair: likeness.names(before, [_stem(pair[0])], value)[0]
    )
    least = min(found, key=lambda one: one.rules)
    name = likeness.names(f"{before} {after}".strip(), [_stem(pattern)], value)
    score = likeness.join(name, told.tests[value], least)
    made = f"{re.escape(before)}(\\d{{{len(number)}}}){re.escape(after)}"
    return Wide(made, theirs, tuple(head[at] for at in places), score, False)


def _stem(pattern: str) -> str:
    """What a pattern of heads says in letters: `population_(\\d{4})` is `population_`."""
    return re.sub(r"\(.*\)|\\.|[^\w ]", "", pattern)


# --- what became of the columns ------------------------------------------------------------------


def _order(told: _Told, layout: Layout, wanted: Sequence[str], since: Peek | None) -> Sequence[str]:
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


def _retyped(told: _Told, mapped: Sequence[Mapped]) -> tuple[Retyped, ...]:
    return tuple(
        _changed_type(told, one.column, one.head, one.position)
        for one in mapped
        if one.column in told.passing[one.position]
        and _is_retyped(told.passing[one.position][one.column])
    )


def _retyped_wide(told: _Told, layout: Layout, wide: Sequence[Wide]) -> tuple[Retyped, ...]:
    column = str(layout.wide_value)
    spread = {cell for one in wide for cell in one.heads}
    return tuple(
        _changed_type(told, column, cell, at)
        for at, cell in enumerate(told.looked.head)
        if cell in spread and column in told.passing[at] and _is_retyped(told.passing[at][column])
    )


def _is_retyped(found: Passing) -> bool:
    return found.kind < AGREE or found.rules < DENY


def _changed_type(told: _Told, column: str, head: str, at: int) -> Retyped:
    test, found = told.tests[column], told.passing[at][column]
    values = list(dict.fromkeys(told.looked.column(at)))
    of_kind, passed = test.ask(values)
    right = of_kind if found.kind < AGREE else passed
    example = next((value for value in values if value not in right), "")
    return Retyped(column, head, test.kind, found, example)


def _categories(told: _Told, mapped: Sequence[Mapped]) -> tuple[Categories, ...]:
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
        vanished = tuple(value for value in listed if value not in counts)
        most = max(appeared.values(), default=0)
        notable = bool(appeared) and most >= NOTABLE * sum(counts.values())
        against = "its list" if listed else "the areas that are known"
        found.append(Categories(one.column, one.head, against, appeared, vanished, notable))
    return tuple(one for one in found if one.appeared or one.vanished)


def _since(
    told: _Told, layout: Layout, mapped: Sequence[Mapped], since: Peek | None
) -> tuple[Categories, ...]:
    """Against an earlier file, for columns of few and repeated texts in both."""
    if since is None:
        return ()
    before = _compared(_Told(since, told.known, told.source.name), layout, None)
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
    told: _Told, column: str, now: Mapping[str, int], then: Mapping[str, int]
) -> bool:
    test = told.tests[column]
    if schema.allowed(test.column) or (test.looks_up and not test.column.checks):
        return True
    return all(counts and sum(counts.values()) >= REPEATED * len(counts) for counts in (now, then))
