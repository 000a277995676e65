"""Whether five years show a trend, on one definition only.

Belongs here: the window of years, cut at the last change of definition, and the test on it. Does
not belong here: one year against another (`compare`), the wording (`sentences`).

Five whole years that end with the one judged, none missing, none on another definition than the
last: fewer, and no trend is told, which is not "no change". A change of definition thus starts the
window anew. Proportions: the Cochran–Armitage test. Counts and rates: a line through the values,
weighted by their intervals. A trend is told where the statistic is above 9.5495 (χ² of one degree
of freedom at 99.8 %) and keeps its direction whichever year is left out: METHODS, section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safecity_pipeline import statistics
from safecity_pipeline.breaks import Broken

YEARS = 5
TREND, OVER = "trend", "five years"  # comparison and comparator in mart.finding
COMPARED_WITH = "five_years"  # who is compared with five years ago has a trend as well
KINDS = ("year", "calendar_year")  # others overlap, or are none of their own
CRITICAL = 9.5495
OF_THE_NORMAL = 3.92  # standard errors in a 95 % interval

Between = Callable[[str, str], Broken]
"""Labels of an earlier and a later year → the changes of definition in between."""


@dataclass(frozen=True)
class Point:
    """The cases of a year and what they are divided by; None where there is no base."""

    cases: float
    base: float | None = None


@dataclass(frozen=True)
class Window:
    """The years that a trend may rest on, and what cuts them off from those before."""

    labels: tuple[str, ...]
    cut_by: Broken

    @property
    def whole(self) -> bool:
        return len(self.labels) == YEARS


def window(labels: Sequence[str], there: Callable[[str], bool], between: Between) -> Window:
    """The last of `labels` (YEARS of them, in order) that have a figure, without a gap, and are on
    the definition of the last of them."""
    last = labels[-1]
    kept: list[str] = []
    for label in reversed(labels):
        if not there(label):
            return Window(tuple(kept), Broken())
        # A year within which a definition changed is mixed, and beside itself all the same.
        if kept and (broken := between(label, last)).material:
            return Window(tuple(kept), broken)
        kept.insert(0, label)
    return Window(tuple(kept), Broken())


def direction(points: Sequence[Point], share: bool) -> int:
    """1 for up, -1 for down, 0 where five years show neither. `share`: the cases are a part of the
    base. Raises ValueError for another number of years."""
    if len(points) != YEARS:
        raise ValueError(f"a trend: it rests on {YEARS} years; got: {len(points)}")
    found = _of_shares if share else _of_rates
    years = list(enumerate(points))
    slope, statistic = found(years)
    if statistic <= CRITICAL or not slope:
        return 0
    without = (found([one for one in years if one[0] != left])[0] for left, _ in years)
    return (1 if slope > 0 else -1) if all(one * slope > 0 for one in without) else 0


Years = Sequence[tuple[int, Point]]


def _of_shares(years: Years) -> tuple[float, float]:
    """Slope of a share a year, and the Cochran–Armitage statistic; 0 where all or none are cases,
    or nobody is."""
    total = sum(one.base or 0.0 for _, one in years)
    if not total:
        return 0.0, 0.0
    share = sum(one.cases for _, one in years) / total
    middle = sum(year * (one.base or 0.0) for year, one in years) / total
    spread = sum((one.base or 0.0) * (year - middle) ** 2 for year, one in years)
    off = sum(year * (one.cases - (one.base or 0.0) * share) for year, one in years)
    if not spread or not 0 < share < 1:
        return 0.0, 0.0
    return off / spread, off**2 / (share * (1 - share) * spread)


def _of_rates(years: Years) -> tuple[float, float]:
    """Slope of the weighted line a year, and its squared ratio to its standard error."""
    bases = [1.0 if one.base is None else one.base for _, one in years]
    values, lower, upper = statistics.rates([one.cases for _, one in years], bases, 1)
    errors = [(high - low) / OF_THE_NORMAL for low, high in zip(lower, upper, strict=True)]
    weights = [1 / error**2 for error in errors]
    middle = sum(w * year for w, (year, _) in zip(weights, years, strict=True)) / sum(weights)
    spread = sum(w * (year - middle) ** 2 for w, (year, _) in zip(weights, years, strict=True))
    each = zip(weights, years, values, strict=True)
    slope = sum(w * (year - middle) * value for w, (year, _), value in each) / spread
    return float(slope), float(slope**2 * spread)
