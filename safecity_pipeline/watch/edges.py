"""Where a category begins or ends, beyond chance.

A category begins in a period when it had none before and enough after: so many that none before
would be a wonder. The measure is its share of all that the same areas counted, so that a file that
is missing ends nothing and an area that only now delivers begins nothing. What it would have been
before is its middle share after, and not its mean, so that one burst does not make a category; and
counts scatter more than chance alone, by `SCATTER`.

Belongs here: beginnings, ends, and categories that are listed and never counted. Does not belong
here: what belongs to what (`partners`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from safecity_pipeline.watch.counts import Counts

Kind = Literal["appeared", "vanished"]

SCATTER = 0.25
"""Variance over mean squared, beyond chance, of one category from period to period: sd 50 %."""
UNLIKELY = 1e-5
ENOUGH = 20.0
"""Of less no category is named: it may be a slip of the pen, or tell of a person."""
TRACE = 0.005
"""Of what would be expected: a few late corrections do not keep a category alive."""
WHOLE = 0.9
"""A first or last period with less than this of the usual share was divided by the change."""
SUSTAINED_MONTHS = 3
LARGE_SHARE = 0.01
"""A category of that share of everything need not be there for SUSTAINED_MONTHS."""


@dataclass(frozen=True)
class Edge:
    """A category begins (`appeared`) or ends (`vanished`).

    `at`: number of the first period that has it, or of the last. `first`, `last`: the days between
    which the change came. `areas`: those that show it, by number; `of`: those that count the
    category or whose other periods would let one see it. `size`: what a period of it counts.
    """

    kind: Kind
    category: int
    at: int
    first: date
    last: date
    areas: tuple[int, ...]
    of: int
    size: float


def found(counts: Counts) -> list[Edge]:
    """All edges: of all areas together; and where these show none, of the areas that do."""
    edges = []
    for category in range(len(counts.categories)):
        for kind in ("appeared", "vanished"):
            edges += _of(counts, category, kind)
    return edges


def _of(counts: Counts, category: int, kind: Kind) -> list[Edge]:
    every = np.flatnonzero(counts.count[:, :, category].any(axis=1))
    if not len(every):
        return []
    together = _among(counts, category, kind, every, UNLIKELY)
    if together:
        return [together]
    alone = [
        _among(counts, category, kind, every[[i]], UNLIKELY / len(every))
        for i in range(len(every) if len(every) > 1 else 0)
    ]
    return _same_period([one for one in alone if one], len(every))


def _same_period(edges: list[Edge], of: int) -> list[Edge]:
    """Edges of single areas → one for each period, with the areas that have it."""
    by_period: dict[int, list[Edge]] = {}
    for one in edges:
        by_period.setdefault(one.at, []).append(one)
    return [
        Edge(
            some[0].kind,
            some[0].category,
            at,
            min(one.first for one in some),
            max(one.last for one in some),
            tuple(area for one in some for area in one.areas),
            of,
            sum(one.size for one in some),
        )
        for at, some in sorted(by_period.items())
    ]


def _among(
    counts: Counts, category: int, kind: Kind, areas: np.ndarray, unlikely: float
) -> Edge | None:
    """The edge of a category in these areas together, if there is one.

    Time runs backwards for an end, so that both are a beginning.
    """
    turned = slice(None) if kind == "appeared" else slice(None, None, -1)
    count = counts.count[areas][:, turned, category]
    total = np.where(counts.delivered[areas], counts.total[areas], 0.0)[:, turned]
    onset = _onset(count.sum(axis=0), total.sum(axis=0))
    if onset is None or onset == 0:
        return None
    both = (total[:, :onset].sum(axis=1) > 0) & (total[:, onset:].sum(axis=1) > 0)
    count, total = count[both], total[both]
    if not both.any() or _onset(count.sum(axis=0), total.sum(axis=0)) != onset:
        return None
    if not _beyond_chance(count.sum(axis=0), total.sum(axis=0), onset, counts.months, unlikely):
        return None
    shows = areas[both][(count[:, onset:].sum(axis=1) > 0)]
    share = _middle_share(count.sum(axis=0), total.sum(axis=0), onset)
    size = share * float(np.median(total.sum(axis=0)[total.sum(axis=0) > 0]))
    first, last, at = _days(counts, kind, onset, count.sum(axis=0), total.sum(axis=0))
    return Edge(
        kind, category, at, first, last, tuple(int(area) for area in shows), int(both.sum()), size
    )


def _onset(count: np.ndarray, total: np.ndarray) -> int | None:
    """The first period in which there is more than a trace; None where there is none."""
    there = (count > 0) & (total > 0)
    if not there.any():
        return None
    usual = float(np.median(count[there] / total[there]))
    return int(np.argmax(there & (count > TRACE * usual * total)))


def _middle_share(count: np.ndarray, total: np.ndarray, onset: int) -> float:
    """Of the total, from the period after the onset on (which may be divided) while it lasts."""
    last = len(count) - int(np.argmax(count[::-1] > 0))
    start = onset + 1 if last > onset + 1 else onset
    some = slice(start, last)
    known = total[some] > 0
    return float(np.median(count[some][known] / total[some][known])) if known.any() else 0.0


def _beyond_chance(
    count: np.ndarray, total: np.ndarray, onset: int, months: int, unlikely: float
) -> bool:
    share = _middle_share(count, total, onset)
    before = total[:onset][total[:onset] > 0]
    chance = -np.log1p(SCATTER * share * before).sum() / SCATTER
    there = count[onset:]
    sustained = months > 1 or (there > 0).sum() >= SUSTAINED_MONTHS or share >= LARGE_SHARE
    return bool(chance < np.log(unlikely) and there.sum() >= ENOUGH and sustained)


def _days(
    counts: Counts, kind: Kind, onset: int, count: np.ndarray, total: np.ndarray
) -> tuple[date, date, int]:
    """Between which days it came, and the period's number in the order of time.

    Where the first (last) period with it has as large a share of it as the others, it came with the
    period (ended after it); else within.
    """
    at = onset if kind == "appeared" else len(counts.periods) - 1 - onset
    start, end = counts.periods[at]
    later = [step for step in range(onset + 1, len(count)) if total[step] > 0 and count[step] > 0]
    usual = _middle_share(count, total, onset)
    divided = not later or count[onset] < WHOLE * usual * total[onset]
    delivered = [step for step in range(onset) if total[step] > 0]
    other = counts.periods[_in_time(counts, kind, max(delivered))]
    if kind == "appeared":
        return min(start, other[1] + timedelta(1)), (end if divided else start), at
    border = max(end + timedelta(1), other[0])
    return (start if divided else end + timedelta(1)), border, at


def _in_time(counts: Counts, kind: Kind, step: int) -> int:
    return step if kind == "appeared" else len(counts.periods) - 1 - step


def without_counts(counts: Counts) -> list[int]:
    """Categories that most periods of most areas list, as 0, and none counts, but for a trace."""
    listed = counts.listed[counts.delivered] & (counts.count[counts.delivered] == 0)
    whole = listed.mean(axis=0) > 0.5
    counted = np.abs(counts.count).sum(axis=(0, 1))
    every = float(np.abs(counts.count).sum())
    return [int(one) for one in np.flatnonzero(whole & (counted < 5) & (counted <= every * 1e-4))]
