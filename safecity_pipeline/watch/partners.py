"""Which categories that went belong to which that came: what was counted before must be found
after.

Two sides belong together where the counts before, moved as all else moved meanwhile, are the counts
after, within the noise of the categories that stayed. A category that stayed may have given or
taken a part, where it fell or rose far out of line with the others. Where counts do not agree, or
several categories could have given the same, nothing is joined.

Belongs here: conservation, and the shares of a crosswalk. Does not belong here: which categories
came or went (`edges`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations

import numpy as np

LIMIT = 3.0
"""Standard deviations within which two sums are taken for the same."""
OUT_OF_LINE = 3.0
IN_DOUBT = 2.0
LEAST_NOISE, USUAL_NOISE = 0.05, 0.15
"""Of a log change: never taken for smaller; and where too few categories stayed to tell."""
FEW = 50.0
"""Of less than that a log change says little."""
PART = 0.05
"""Of the whole that changed: a smaller share, or a smaller gift, is not told."""
MANY_AREAS = 8
DRAWS = 200
WIDE = 0.4
"""A share whose limits lie farther apart is not told, nor one that may be below LEAST_SHARE; from
TOLD on it is told that there may be one."""
LEAST_SHARE, TOLD = 0.025, 0.1
LOOSE = 2.0
"""Up to that factor between what went and what came, several are told as one change, unjoined."""
MOST_PAIRED = 5


@dataclass(frozen=True)
class Share:
    """`share` of what `old` counted goes to `new`; None where the counts cannot tell. The limits
    (95 %) come from the differences between areas; None where one sum leaves no choice."""

    old: int
    new: int
    share: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, eq=False)
class Sides:
    """What every category counted before and after a change, by area: the same areas, and as many
    periods (`before`, `after`: their numbers)."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    count_before: np.ndarray
    count_after: np.ndarray
    changed: frozenset[int]

    @cached_property
    def stayed(self) -> np.ndarray:
        """Categories that were there on both sides and are large enough to tell."""
        large = (self.sum_before >= FEW) & (self.sum_after >= FEW)
        large[list(self.changed)] = False
        return np.flatnonzero(large)

    @cached_property
    def sum_before(self) -> np.ndarray:
        return np.asarray(self.count_before.sum(axis=0))

    @cached_property
    def sum_after(self) -> np.ndarray:
        return np.asarray(self.count_after.sum(axis=0))

    @cached_property
    def moved(self) -> float:
        """The middle log change of the categories that stayed."""
        return float(np.median(self._moves)) if len(self._moves) else 0.0

    @cached_property
    def noise(self) -> float:
        """Robust standard deviation of these log changes."""
        if len(self._moves) < 4:
            return USUAL_NOISE
        spread = 1.4826 * float(np.median(np.abs(self._moves - self.moved)))
        return max(LEAST_NOISE, spread)

    @cached_property
    def _moves(self) -> np.ndarray:
        return np.asarray(np.log(self.sum_after[self.stayed] / self.sum_before[self.stayed]))

    def expected(self, category: int) -> float:
        """What it would count after, had it moved as the others did."""
        return float(self.sum_before[category] * np.exp(self.moved))

    def out_of_line(self, category: int) -> float:
        """How far its change is from the others', in standard deviations."""
        before, after = self.sum_before[category], self.sum_after[category]
        spread = np.sqrt(self.noise**2 + 1 / before + 1 / after)
        return float((np.log(after / before) - self.moved) / spread)

    def agree(self, gone: float, come: float) -> bool:
        """Whether what went (moved as the others) and what came are the same sum."""
        if gone < 1 or come < 1:
            return False
        spread = np.sqrt(self.noise**2 + 1 / gone + 1 / come)
        return bool(abs(np.log(come / gone)) <= LIMIT * spread)


@dataclass(frozen=True)
class Joined:
    """Categories that went, that came, and that stayed and gave or took a part."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    gave: tuple[int, ...] = ()
    took: tuple[int, ...] = ()
    agree: bool = False


def joined(
    sides: Sides, old: Sequence[int], new: Sequence[int], near: Sequence[int]
) -> list[Joined]:
    """What belongs together. `near`: categories that stayed and may have given or taken."""
    whole = _with_others(sides, tuple(old), tuple(new), near)
    if not whole.agree:
        if len(whole.old) + len(whole.new) > 2 and _near_enough(sides, old, new):
            return [Joined(tuple(old), tuple(new))]
        alone = [Joined((one,), ()) for one in old] + [Joined((), (one,)) for one in new]
        return alone if old and new else [_with_one(sides, one, near) for one in alone]
    if whole.gave or whole.took:
        return [whole]
    return _paired(sides, whole) or [whole]


def _near_enough(sides: Sides, old: Sequence[int], new: Sequence[int]) -> bool:
    if not (old and new):
        return False
    ratio = sides.sum_after[list(new)].sum() / max(sum(map(sides.expected, old)), 1.0)
    return bool(1 / LOOSE <= ratio <= LOOSE)


def _gone(sides: Sides, one: Joined) -> float:
    given = sum(sides.expected(each) - sides.sum_after[each] for each in one.gave)
    return float(sum(sides.expected(each) for each in one.old) + given)


def _come(sides: Sides, one: Joined) -> float:
    taken = sum(sides.sum_after[each] - sides.expected(each) for each in one.took)
    return float(sum(sides.sum_after[each] for each in one.new) + taken)


def _judged(sides: Sides, one: Joined) -> Joined:
    return replace(one, agree=sides.agree(_gone(sides, one), _come(sides, one)))


def _with_others(
    sides: Sides, old: tuple[int, ...], new: tuple[int, ...], near: Sequence[int]
) -> Joined:
    """Old and new, and with them as many as it takes of those that stayed and are out of line, the
    one farthest out first."""
    one = _judged(sides, Joined(old, new))
    if not (old and new):
        return one
    gives = _come(sides, one) > _gone(sides, one)
    sign = -1 if gives else 1
    size = PART * max(_come(sides, one), _gone(sides, one))
    ranked = sorted(
        (one for one in near if sides.out_of_line(one) * sign >= IN_DOUBT),
        key=lambda one: -sides.out_of_line(one) * sign,
    )
    for other in ranked:
        if abs(sides.expected(other) - sides.sum_after[other]) < size:
            continue
        if one.agree and abs(sides.out_of_line(other)) < OUT_OF_LINE:
            continue
        more = (
            replace(one, gave=(*one.gave, other))
            if gives
            else replace(one, took=(*one.took, other))
        )
        more = _judged(sides, more)
        if more.agree or not one.agree:
            one = more
    return one


def _with_one(sides: Sides, alone: Joined, near: Sequence[int]) -> Joined:
    """A category that came (went) with the one that gave it (took it), where only one could."""
    sign = -1 if alone.new else 1
    could = []
    for other in near:
        with_other = _judged(
            sides, replace(alone, gave=(other,)) if alone.new else replace(alone, took=(other,))
        )
        if with_other.agree and sides.out_of_line(other) * sign >= OUT_OF_LINE:
            could.append(with_other)
    return could[0] if len(could) == 1 else alone


def _paired(sides: Sides, whole: Joined) -> list[Joined]:
    """Old and new one by one, where there is exactly one way in which each pair agrees."""
    if not 2 <= len(whole.old) == len(whole.new) <= MOST_PAIRED:
        return []
    ways = []
    for new in permutations(whole.new):
        pairs = [_judged(sides, Joined((a,), (b,))) for a, b in zip(whole.old, new, strict=True)]
        if all(pair.agree for pair in pairs):
            ways.append(pairs)
    return ways[0] if len(ways) == 1 else []


# --- shares ------------------------------------------------------------------------------------


def shares(sides: Sides, one: Joined) -> list[Share]:
    """The crosswalk of what belongs together: old → new, and the share of the old one.

    Of one that gave a part it is the share of the part; and where several went or gave, what became
    of such a part is not told: how large it was is itself a guess.
    """
    if not one.agree:
        return []
    old, new = (*one.old, *one.gave), (*one.new, *one.took)
    if len(new) == 1:
        return [Share(each, new[0], 1.0) for each in old]
    if len(old) == 1:
        came = [_came(sides, one, each).sum() for each in new]
        return [
            Share(old[0], each, float(count / sum(came)))
            for each, count in zip(new, came, strict=True)
        ]
    return _by_areas(sides, one, old, new)


def _went(sides: Sides, one: Joined, category: int) -> np.ndarray:
    """By area, what the category lost, moved as the others did."""
    expected = sides.count_before[:, category] * np.exp(sides.moved)
    if category in one.old:
        return np.asarray(expected)
    return np.asarray(np.maximum(expected - sides.count_after[:, category], 0))


def _came(sides: Sides, one: Joined, category: int) -> np.ndarray:
    if category in one.new:
        return np.asarray(sides.count_after[:, category])
    expected = sides.count_before[:, category] * np.exp(sides.moved)
    return np.asarray(np.maximum(sides.count_after[:, category] - expected, 0))


def _by_areas(sides: Sides, one: Joined, old: Sequence[int], new: Sequence[int]) -> list[Share]:
    """Several into several: areas differ in how much they had of each, and that tells. Where it
    does not tell well enough, no share is stated."""
    went = np.column_stack([_went(sides, one, each) for each in old])
    came = np.column_stack([_came(sides, one, each) for each in new])
    if len(went) < MANY_AREAS:
        return [Share(a, b, None) for a in one.old for b in new]
    best = _fitted(went, came)
    random = np.random.default_rng(20130501)
    drawn = np.array(
        [
            _fitted(went[rows], came[rows])
            for rows in random.integers(0, len(went), (DRAWS, len(went)))
        ]
    )
    lower, upper = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [
        _share(a, b, best[i, j], lower[i, j], upper[i, j])
        for i, a in enumerate(one.old)
        for j, b in enumerate(new)
        if best[i, j] >= TOLD or lower[i, j] >= LEAST_SHARE
    ]


def _share(old: int, new: int, share: float, lower: float, upper: float) -> Share:
    known = lower >= LEAST_SHARE and upper - lower <= WIDE
    return Share(old, new, float(share) if known else None, float(lower), min(float(upper), 1.0))


def _fitted(went: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Shares (old × new), none below 0 and those of one old category adding up to 1, with which the
    areas' old counts come nearest to their new ones. Areas weigh by chance: variance as count."""
    from scipy.optimize import nnls  # half a second, which a refresh without new categories spares

    came = came * (went.sum() / max(came.sum(), 1.0))
    weight = 1 / np.sqrt(np.maximum(went.sum(axis=1), 1.0))
    rows, columns = went.shape[1], came.shape[1]
    left = np.kron(went * weight[:, None], np.eye(columns))
    right = (came * weight[:, None]).ravel()
    firm = 1e3 * np.sqrt((went**2 * weight[:, None] ** 2).sum() / max(rows, 1))
    adding = firm * np.kron(np.eye(rows), np.ones((1, columns)))
    solved, _ = nnls(np.vstack([left, adding]), np.concatenate([right, np.full(rows, firm)]))
    return np.asarray(solved.reshape(rows, columns))
