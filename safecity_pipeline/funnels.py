"""Funnel limits around a group's value, widened by how much its areas differ beyond chance.

Belongs here: the arithmetic, pure. Does not belong here: intervals, changes and ranks
(`statistics`), drawing (`publish.report`).

After Spiegelhalter, "Handling over-dispersion of performance indicators" (2005): on the square root
of a rate, or the arc sine of the square root of a share, every area of `n` has the variance
1 / (4 n). What the areas vary beyond that, after the outermost tenths are drawn in, is an additive
variance between areas. With twenty thousand crimes an area, limits of chance alone would put every
area outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

DRAWN_IN = 0.1
"""Share of the areas at either end that count as the one before them: one odd area is no spread."""

Z = {0.95: 1.959963984540054, 0.998: 3.090232306167814}
"""Normal quantiles of the two usual limits."""


@dataclass(frozen=True)
class Funnel:
    """Limits around `centre`. `between`: variance between areas, on the scale that evens chance
    out; 0 where the areas differ no more than chance lets them. `share`: of a proportion."""

    centre: float
    between: float
    share: bool

    def limits(
        self, n: float, confidence: float = 0.95, widened: bool = True
    ) -> tuple[float, float]:
        """Lower and upper limit for an area of `n`, per one of `n`."""
        to, back = _SCALES[self.share]
        spread = Z[confidence] * math.sqrt(1 / (4 * n) + self.between * widened)
        return back(to(self.centre) - spread), back(to(self.centre) + spread)


def funnel(counts: Sequence[float], bases: Sequence[float], share: bool = False) -> Funnel:
    """The funnel of a group's areas: `counts` of events in `bases`, of persons or of cases.

    Raises ValueError for fewer than two areas, a base that is not above 0, a count below 0, and for
    a share above 1.
    """
    if len(counts) != len(bases) or len(counts) < 2:
        raise ValueError(f"funnel: two areas or more, each with its base; got: {len(counts)}")
    if any(base <= 0 for base in bases) or any(count < 0 for count in counts):
        raise ValueError("funnel: a base is above 0, and a count not below it")
    if share and any(count > base for count, base in zip(counts, bases, strict=True)):
        raise ValueError("funnel: no more cases than there are")
    centre = sum(counts) / sum(bases)
    return Funnel(centre, _between(counts, bases, centre, _SCALES[share][0]), share)


def _between(
    counts: Sequence[float], bases: Sequence[float], centre: float, to: Callable[[float], float]
) -> float:
    """By the method of moments, from scores with the outermost drawn in."""
    scores = sorted(
        (to(count / base) - to(centre)) * math.sqrt(4 * base)
        for count, base in zip(counts, bases, strict=True)
    )
    outer = math.floor(DRAWN_IN * len(scores))
    least, most = scores[outer], scores[-1 - outer]
    squares = sum(min(max(score, least), most) ** 2 for score in scores)
    weights = [4 * base for base in bases]
    total = sum(weights) - sum(weight**2 for weight in weights) / sum(weights)
    return max(0.0, (squares - (len(scores) - 1)) / total)


def _root(rate: float) -> float:
    return math.sqrt(rate)


def _square(scaled: float) -> float:
    return max(0.0, scaled) ** 2


def _arc(share: float) -> float:
    return math.asin(math.sqrt(share))


def _sine(scaled: float) -> float:
    return math.sin(min(max(0.0, scaled), math.pi / 2)) ** 2


_SCALES = {False: (_root, _square), True: (_arc, _sine)}
