"""A source's counts → the changes of its categories.

Belongs here: putting edges of one time together, sizing them, and naming what happened. Does not
belong here: words for people and for the catalogue (`proposal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from safecity_pipeline.watch import edges, partners, spelling
from safecity_pipeline.watch.counts import Counts, Days
from safecity_pipeline.watch.edges import Edge
from safecity_pipeline.watch.partners import Joined, Share, Sides

Kind = Literal[
    "renamed", "respelt", "split", "merged", "redrawn", "appeared", "vanished", "emptied"
]

LOCAL_SHARE = 0.01
"""A category that comes or goes in some areas only, and belongs to no other, is told from that
share of all they count on: of smaller ones every force has some."""
LIKE = 0.3
"""Two names are of one thing from that likeness on, where one of them is listed and empty."""
SAME_NUMBER = 0.2
TOLD_FROM = 5


@dataclass(frozen=True)
class Crossed:
    """A line of the crosswalk: names, and the share of what the old one counted (of the part that
    it lost, where it stayed); None where the counts cannot tell."""

    old: str
    new: str
    share: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Change:
    """What happened to categories at one time.

    `old` went, `new` came; `gave` and `took` stayed, and lost or gained a part. `first`, `last`:
    the days between which it happened; of `emptied` it is known only that it was by `last`.
    `period`: the first that shows it. `areas`: those that show it; `areas_of`: those that could.
    `count_before`, `count_after`: what the old and the new counted in `before` and `after`, spans
    as long as each other, in the areas of which both are known; `share`: of all counted there. None
    where there is no such span.
    `about`: the first of a month, where a divided period lets one guess the day. `reason`: what
    else to know. `keys`: the categories as the column spells them, without their words.
    """

    kind: Kind
    old: tuple[str, ...]
    new: tuple[str, ...]
    first: date
    last: date
    areas: tuple[str, ...]
    areas_of: int
    period: Days
    gave: tuple[str, ...] = ()
    took: tuple[str, ...] = ()
    count_before: float | None = None
    count_after: float | None = None
    before: Days | None = None
    after: Days | None = None
    share: float | None = None
    crosswalk: tuple[Crossed, ...] = ()
    reason: str = ""
    keys: tuple[str, ...] = ()
    about: date | None = None

    @property
    def categories(self) -> tuple[str, ...]:
        return (*self.old, *self.new, *self.gave, *self.took)


def found(counts: Counts) -> list[Change]:
    """All changes of the categories of one classification, in the order of time."""
    changes = [one for some in _at_one_time(edges.found(counts)) for one in _of(counts, some)]
    every = [*changes, *_respelt(counts), *_emptied(counts)]
    return sorted(every, key=lambda one: (one.first, one.last, one.old, one.new))


def _at_one_time(found: Iterable[Edge]) -> list[list[Edge]]:
    """Edges whose days overlap, in areas that overlap."""
    groups: list[list[Edge]] = []
    for one in sorted(found, key=lambda edge: (edge.first, edge.last)):
        near = [group for group in groups if any(_overlap(one, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), one])
    return groups


def _overlap(one: Edge, other: Edge) -> bool:
    shared = set(one.areas) & set(other.areas)
    alike = 2 * len(shared) >= max(len(one.areas), len(other.areas))
    return one.first <= other.last and other.first <= one.last and alike


def _of(counts: Counts, at_once: Sequence[Edge]) -> Iterator[Change]:
    """The changes of one time: what stands in one broader class first, then the rest."""
    classes: dict[str, list[Edge]] = {}
    for edge in at_once:
        classes.setdefault(counts.within[edge.category], []).append(edge)
    rest: list[Edge] = []
    for within, some in classes.items():
        if len({edge.kind for edge in some}) == 2:
            yield from _changes(counts, some, _staying(counts, at_once, within))
        else:
            rest += some
    if len({edge.kind for edge in rest}) == 2:
        yield from _changes(counts, rest, _staying(counts, at_once, None))
        return
    for within in dict.fromkeys(counts.within[edge.category] for edge in rest):
        some = [edge for edge in rest if counts.within[edge.category] == within]
        for edge in some:
            yield from _changes(counts, [edge], _staying(counts, at_once, within))


def _staying(counts: Counts, at_once: Sequence[Edge], within: str | None) -> list[int]:
    moving = {edge.category for edge in at_once}
    return [
        one
        for one in range(len(counts.categories))
        if one not in moving and within in (None, counts.within[one])
    ]


def _changes(counts: Counts, some: Sequence[Edge], staying: Sequence[int]) -> Iterator[Change]:
    first, last = _between(some)
    areas = sorted({area for edge in some for area in edge.areas})
    moving = frozenset(edge.category for edge in some)
    sides = _sides(counts, areas, first, last, moving)
    old = [edge.category for edge in some if edge.kind == "vanished"]
    new = [edge.category for edge in some if edge.kind == "appeared"]
    if sides is None:
        parts = [Joined((one,), ()) for one in old] + [Joined((), (one,)) for one in new]
    else:
        near = [one for one in staying if one in set(sides.stayed.tolist())]
        parts = partners.joined(sides, old, new, near)
    for one in parts:
        own = [edge for edge in some if edge.category in (*one.old, *one.new)]
        if _worth_telling(counts, own, one):
            beside = moving - {*one.old, *one.new}
            yield _change(counts, one, own, sides, (first, last), beside)


def _worth_telling(counts: Counts, own: Sequence[Edge], one: Joined) -> bool:
    """What comes or goes by itself in a few of many areas is told only where it is large."""
    if one.agree or any(2 * len(edge.areas) > edge.of for edge in own):
        return True
    areas = sorted({area for edge in own for area in edge.areas})
    usual = float(np.median(counts.total[areas].sum(axis=0)))
    return sum(edge.size for edge in own) >= LOCAL_SHARE * usual


def _between(some: Sequence[Edge]) -> tuple[date, date]:
    first, last = max(edge.first for edge in some), min(edge.last for edge in some)
    if first <= last:
        return first, last
    return min(edge.first for edge in some), max(edge.last for edge in some)


def _sides(
    counts: Counts, areas: Sequence[int], first: date, last: date, moving: frozenset[int]
) -> Sides | None:
    """As many periods before as after the change, at most a year; None where a side has none."""
    before = [i for i, (_, end) in enumerate(counts.periods) if end < first]
    after = [i for i, (start, _) in enumerate(counts.periods) if start >= last]
    after = after or [i for i, (start, _) in enumerate(counts.periods) if start >= first]
    before = before or [i for i, (_, end) in enumerate(counts.periods) if end < last]
    delivered = counts.delivered[list(areas)]
    before, after = ([i for i in some if delivered[:, i].any()] for some in (before, after))
    number = min(len(before), len(after), max(1, 12 // counts.months))
    if not number:
        return None
    before, after = before[-number:], after[:number]
    here = np.array(areas)[delivered[:, [*before, *after]].all(axis=1)]
    if not len(here):
        return None
    was, then = (counts.count[here][:, some].sum(axis=1) for some in (before, after))
    return Sides(tuple(before), tuple(after), was, then, moving)


def _change(
    counts: Counts,
    one: Joined,
    own: Sequence[Edge],
    sides: Sides | None,
    days: tuple[date, date],
    beside: Iterable[int],
) -> Change:
    areas = sorted({area for edge in own for area in edge.areas})
    old, new, gave, took = (_names(counts, some) for some in (one.old, one.new, one.gave, one.took))
    alone = len(own) == 1
    first, last = (own[0].first, own[0].last) if alone and not one.agree else days
    size = _size(counts, one, sides) if sides else {}
    crossed = partners.shares(sides, one) if sides else []
    return Change(
        _kind(one),
        old,
        new,
        first,
        last,
        tuple(counts.areas[area] for area in areas),
        max(edge.of for edge in own),
        next((span for span in counts.periods if span[1] >= first), counts.periods[-1]),
        gave,
        took,
        crosswalk=tuple(_crossed(counts, share) for share in crossed),
        reason=_reason(one, _names(counts, sorted(beside))),
        about=_about(counts, one, sides, days, areas) if sides else None,
        keys=tuple(counts.categories[i] for i in (*one.old, *one.new)),
        **size,
    )


def _kind(one: Joined) -> Kind:
    if not one.agree:
        return "redrawn" if one.old and one.new else "appeared" if one.new else "vanished"
    old, new = len(one.old) + len(one.gave), len(one.new) + len(one.took)
    if old == new == 1:
        return "split" if one.gave else "merged" if one.took else "renamed"
    return "split" if old == 1 else "merged" if new == 1 else "redrawn"


def _reason(one: Joined, beside: Sequence[str]) -> str:
    if one.agree:
        return ""
    if one.old and one.new:
        return "what they counted before and after does not agree, so that no share is told"
    if not beside:
        return ""
    return (
        f"at the same time {', '.join(beside)} came or went; the counts do not show that it "
        "belongs to this"
    )


def _about(
    counts: Counts, one: Joined, sides: Sides, days: tuple[date, date], areas: Sequence[int]
) -> date | None:
    """The first of a month near which it happened, by how the one divided period divides; None
    where no period is divided."""
    number = [i for i, span in enumerate(counts.periods) if span == days]
    if not number:
        return None
    divided = counts.count[list(areas)][:, number[0]].sum(axis=0)
    parts = []
    if sum_before := sides.sum_before[list(one.old)].sum():
        parts.append(divided[list(one.old)].sum() / (sum_before / len(sides.before)))
    if sum_after := sides.sum_after[list(one.new)].sum():
        parts.append(1 - divided[list(one.new)].sum() / (sum_after / len(sides.after)))
    if not parts or days[0] == days[1] or counts.months == 1:
        return None
    part = min(1.0, max(0.0, float(np.mean(parts))))
    months = round(part * counts.months)
    year, month = divmod(days[0].year * 12 + days[0].month - 1 + months, 12)
    return min(date(year, month + 1, 1), days[1])


def _size(counts: Counts, one: Joined, sides: Sides) -> dict[str, Any]:
    before = float(sides.sum_before[list(one.old)].sum()) if one.old else 0.0
    after = float(sides.sum_after[list(one.new)].sum()) if one.new else 0.0
    every = max(float(sides.sum_before.sum()), 1.0), max(float(sides.sum_after.sum()), 1.0)
    return {
        "count_before": before,
        "count_after": after,
        "before": (counts.periods[sides.before[0]][0], counts.periods[sides.before[-1]][1]),
        "after": (counts.periods[sides.after[0]][0], counts.periods[sides.after[-1]][1]),
        "share": max(before / every[0], after / every[1]),
    }


def _names(counts: Counts, categories: Iterable[int]) -> tuple[str, ...]:
    return tuple(counts.named(one) for one in categories)


def _crossed(counts: Counts, one: Share) -> Crossed:
    return Crossed(counts.named(one.old), counts.named(one.new), one.share, one.lower, one.upper)


# --- spelt otherwise ----------------------------------------------------------------------------


def _respelt(counts: Counts) -> Iterator[Change]:
    """A category written in one way up to a period and in another from it on, by when."""
    for category, ways in counts.spelt.items():
        by_turn: dict[tuple[str, str, int], list[int]] = {}
        for area in range(len(counts.areas)):
            for turn in _turns({way: count[area] for way, count in ways.items()}):
                by_turn.setdefault(turn, []).append(area)
        for (old, new, at), areas in sorted(by_turn.items()):
            one = _spelt(counts, category, (old, new, at), areas)
            if one:
                yield one


def _turns(ways: dict[str, np.ndarray]) -> Iterator[tuple[str, str, int]]:
    """Old spelling, new spelling, first period of the new one: only where they do not overlap."""
    spans = sorted(
        (int(used[0]), int(used[-1]), way)
        for way, count in ways.items()
        for used in [np.flatnonzero(count)]
        if len(used)
    )
    for (_, until, old), (since, _, new) in pairwise(spans):
        if until < since:
            yield old, new, since


def _spelt(
    counts: Counts, category: int, turn: tuple[str, str, int], areas: list[int]
) -> Change | None:
    old, new, at = turn
    ways = counts.spelt[category]
    before, after = (float(np.abs(ways[way][areas]).sum()) for way in (old, new))
    if min(before, after) < TOLD_FROM:
        return None
    start = counts.periods[at][0]
    named = tuple(sorted({spelling.key(old), spelling.key(new)}))
    return Change(
        "respelt",
        (old,),
        (new,),
        start,
        start,
        tuple(counts.areas[area] for area in areas),
        int((counts.count[:, :, category] != 0).any(axis=1).sum()),
        counts.periods[at],
        crosswalk=(Crossed(old, new, 1.0),),
        reason="the same category, written otherwise",
        keys=(counts.categories[category], *named),
    )


# --- listed and empty ---------------------------------------------------------------------------


def _emptied(counts: Counts) -> list[Change]:
    """Categories of one broader class that are listed everywhere and counted nowhere, while others
    of much the same names are counted: two classifications in one table."""
    empty = edges.without_counts(counts)
    classes = sorted({counts.within[one] for one in empty})
    return [
        _empty(counts, gone, pairs)
        for gone in ([one for one in empty if counts.within[one] == name] for name in classes)
        for live in [_live(counts, gone)]
        if len(gone) > 1 and 2 * len(gone) >= len(live)
        for pairs in [{one: _most_like(counts, one, live) for one in gone}]
        if sum(like is not None for like in pairs.values()) > 1
    ]


def _live(counts: Counts, empty: Sequence[int]) -> list[int]:
    """What is counted in the class of the empty ones."""
    return [
        one
        for one in range(len(counts.categories))
        if one not in empty and counts.within[one] == counts.within[empty[0]]
        if counts.count[:, :, one].sum() >= edges.ENOUGH
    ]


def _most_like(counts: Counts, one: int, others: Sequence[int]) -> int | None:
    """The one whose name, and number, is most like; None where none is like enough."""
    likeness = {other: _likeness(counts, one, other) for other in others}
    best = max(likeness, key=lambda other: likeness[other], default=None)
    return best if best is not None and likeness[best] >= LIKE else None


def _likeness(counts: Counts, one: int, other: int) -> float:
    if not counts.words[one]:
        return spelling.likeness(counts.categories[one], counts.categories[other])
    number = spelling.same_number(counts.categories[one], counts.categories[other])
    return spelling.likeness(counts.words[one], counts.words[other]) + SAME_NUMBER * number


def _empty(counts: Counts, old: Sequence[int], pairs: Mapping[int, int | None]) -> Change:
    live = _live(counts, old)
    after = float(counts.count[:, :, live].sum())
    every = max(float(counts.count.sum()), 1.0)
    areas = np.flatnonzero(counts.count[:, :, live].sum(axis=(1, 2)) > 0)
    start = counts.periods[0][0]
    return Change(
        "emptied",
        _names(counts, old),
        _names(counts, live),
        start,
        start,
        tuple(counts.areas[area] for area in areas),
        int(counts.listed[:, :, old].any(axis=(1, 2)).sum()),
        counts.periods[0],
        count_before=None,
        count_after=after,
        after=(start, counts.periods[-1][1]),
        share=after / every,
        crosswalk=tuple(
            Crossed(counts.named(a), counts.named(b), None)
            for a, b in pairs.items()
            if b is not None
        ),
        reason="they are still listed, and from the first period of the extracts on not counted; "
        "which became which is by the likeness of names alone",
        keys=tuple(counts.categories[i] for i in (*old, *live)),
    )
