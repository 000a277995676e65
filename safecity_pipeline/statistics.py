"""Intervals, changes, ranks and verdicts: the arithmetic behind every printed figure.

Belongs here: pure functions from counts to estimates, on scalars or on whole columns, using numpy
and scipy alone. The formulas and the reasons for choosing them are in METHODS, section 1.

Does not belong here: which figures are compared (`compare`), whether a definition changed between
two periods (`breaks`), rounding and suppression (`disclosure`), and anything that reads a file.

Nothing is rounded here, and a value is x * multiplier / n, multiplied first: 29 / 200 * 100 falls
just short of 14.5 in binary, and would be printed as 14. In a column a missing result is NaN; in
an `Interval` a missing limit is None. scipy is imported inside the functions, since importing it
costs more than a command's help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NOT_COMPARED",
    "Interval",
    "benchmark",
    "byar_limits",
    "change",
    "change_of_proportion",
    "proportion",
    "proportions",
    "rank",
    "rank_interval",
    "rank_range",
    "rate",
    "rates",
]

Column = NDArray[np.float64]
Numbers = ArrayLike | Sequence[float | None]

EVENTS_FOR_BYAR = 10
"""From this many events Byar's approximation is used; below it, the exact Poisson limits."""

WORDS_BY_POLARITY = {
    "low_is_good": ("better", "same", "worse"),
    "high_is_good": ("worse", "same", "better"),
    "none": ("lower", "similar", "higher"),
}
"""For each polarity the verdict when the area is below, at and above the benchmark."""

NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence limits, all in one unit.

    A limit is None where the method gives none; `method` names what made the limits.
    """

    value: float
    lower: float | None
    upper: float | None
    method: str


# --- rates and proportions ---------------------------------------------------------------------


def proportion(x: float, n: float, multiplier: float = 1, confidence: float = 0.95) -> Interval:
    """Proportion `x * multiplier / n` with its Wilson score interval.

    `x` of the `n` are the ones meant; `multiplier` 100 gives per cent.
    Raises ValueError when a number is missing, x < 0, n <= 0 or x > n.
    Source: Wilson (1927); the values of PHEindicatormethods `phe_proportion`.
    """
    _require_share("proportion", x, n)
    return _single(proportions([x], [n], multiplier, confidence), "Wilson")


def rate(x: float, n: float, multiplier: float = 100_000, confidence: float = 0.95) -> Interval:
    """Rate of `x` events on a base of `n`, per `multiplier`, with Poisson limits.

    Fewer than 10 events: exact limits (`method` "Exact"); from 10: Byar's ("Byars"). The count may
    exceed the base. Raises ValueError when a number is missing, x < 0 or n <= 0.
    Source: Breslow and Day (1987), vol. II; the values of PHEindicatormethods `phe_rate`.
    """
    _require_count("rate", x)
    _require_base("rate", n)
    method = "Exact" if x < EVENTS_FOR_BYAR else "Byars"
    return _single(rates([x], [n], multiplier, confidence), method)


def proportions(
    x: Numbers, n: Numbers, multiplier: float = 1, confidence: float = 0.95
) -> tuple[Column, Column, Column]:
    """Value, lower and upper Wilson limit of a whole column of proportions, as float64 arrays.

    `x` and `n` are of one shape, or broadcast to one; None, NaN and masked entries are missing.
    All three are NaN where x or n is missing or n <= 0. The value alone stands, without limits,
    where x < 0 or x > n: net corrections of a count can make it so. Raises ValueError for a bad
    multiplier or confidence only.
    """
    _require_settings("proportions", multiplier, confidence)
    counts, bases = _pairs(x, n)
    possible = (counts >= 0) & (counts <= bases)
    lower, upper = _wilson_limits(
        np.where(possible, counts, np.nan), bases, _normal_quantile(confidence)
    )
    return counts * multiplier / bases, lower * multiplier, upper * multiplier


def rates(
    x: Numbers, n: Numbers, multiplier: float = 100_000, confidence: float = 0.95
) -> tuple[Column, Column, Column]:
    """Value, lower and upper limit of a whole column of rates, as float64 arrays.

    Like `proportions`, with the limits of `rate`: NaN where x or n is missing or n <= 0; where
    x < 0 (a net correction) the value alone stands, without limits.
    """
    _require_settings("rates", multiplier, confidence)
    counts, bases = _pairs(x, n)
    lower, upper = _count_limits(np.where(counts >= 0, counts, np.nan), confidence)
    return counts * multiplier / bases, lower * multiplier / bases, upper * multiplier / bases


def byar_limits(events: Numbers, confidence: float = 0.95) -> tuple[Column, Column]:
    """Byar's approximate lower and upper limits of Poisson counts, in events.

    The lower limit is NaN where its cube is negative, as for 1 event at 99.8 %: a negative number
    of events is no limit. Both are NaN for a missing or negative count.
    """
    counts = _column(events)
    counts = np.where(counts >= 0, counts, np.nan)
    z = _normal_quantile(confidence)
    positive = np.where(counts > 0, counts, np.nan)
    lower_root = 1 - 1 / (9 * positive) - z / (3 * np.sqrt(positive))
    above = counts + 1
    upper_root = 1 - 1 / (9 * above) + z / (3 * np.sqrt(above))
    lower = np.where(lower_root >= 0, positive * lower_root**3, np.nan)
    return lower, above * upper_root**3


def _count_limits(counts: Column, confidence: float) -> tuple[Column, Column]:
    """Exact limits below 10 events, Byar's from 10; NaN where the count is."""
    lower, upper = byar_limits(counts, confidence)
    few = counts < EVENTS_FOR_BYAR
    lower[few], upper[few] = _exact_limits(counts[few], confidence)
    return lower, upper


def _exact_limits(counts: Column, confidence: float) -> tuple[Column, Column]:
    """Exact Poisson limits: the chi-squared quantiles written as gamma quantiles.

    chi2.ppf(q, 2x) / 2 is gammaincinv(x, q), which spares the import of scipy.stats. A million
    rows hold a handful of distinct small counts, so each is solved for once.
    """
    from scipy.special import gammainccinv, gammaincinv

    tail = (1 - confidence) / 2
    distinct, position = np.unique(counts, return_inverse=True)
    solved = np.where(distinct > 0, distinct, 1.0)
    lower = np.where(distinct > 0, _column(gammaincinv(solved, tail)), 0.0)
    upper = _column(gammainccinv(distinct + 1, tail))
    return lower[position], upper[position]


def _wilson_limits(counts: Column, bases: Column, z: float) -> tuple[Column, Column]:
    """Wilson limits of counts / bases: the two roots of one quadratic.

    The lower root is taken from the product of the roots, which loses no digits when it is small
    and is exactly 0 for a count of 0.
    """
    spread = z * np.sqrt(z * z + 4 * counts * (1 - counts / bases))
    upper = (2 * counts + z * z + spread) / (2 * (bases + z * z))
    lower = counts / bases * (counts / (bases + z * z)) / upper
    return lower, np.where(counts == bases, 1.0, upper)


def _wilson_of_one(count: float, base: float, z: float) -> tuple[float, float]:
    """`_wilson_limits` of one share, to the last bit: an array of one takes ten times as long, and
    changes are asked for by the ten thousand. A test holds the two together."""
    spread = z * math.sqrt(z * z + 4 * count * (1 - count / base))
    upper = (2 * count + z * z + spread) / (2 * (base + z * z))
    lower = count / base * (count / (base + z * z)) / upper
    return lower, 1.0 if count == base else upper


# --- changes -----------------------------------------------------------------------------------


def change(
    x0: float,
    x1: float,
    n0: float | None = None,
    n1: float | None = None,
    confidence: float = 0.95,
    dispersion: float = 1.0,
) -> Interval:
    """Percentage change of a count, or with bases of a rate, from period 0 to period 1.

    `100 * (r1 / r0 - 1)`, exact conditional: given x0 + x1, x1 is binomial; its Wilson limits are
    turned back into a ratio and multiplied by n0 / n1. `dispersion` is the variance of the series
    over its mean, from its own history; above 1, log-normal limits of variance
    dispersion * (1/x1 + 1/x0). Counts before any scaling, bases in any one unit.

    Raises ValueError ("zero base") when x0 is 0, and when a count is negative or missing, only one
    base is given, a base is not positive, or dispersion is below 1.
    Worked: 800 to 704 is -12.0 % (-20.5 to -2.6).
    """
    _require_count("change", x0)
    _require_count("change", x1)
    if x0 == 0:
        raise _refusal(
            "change: nothing can be a percentage of a zero base", x0, "report the two counts"
        )
    _require_dispersion("change", dispersion)
    _require_confidence("change", confidence)
    base0, base1 = _bases_of_change(n0, n1)
    # a sum out of a database may be a Decimal, which no float multiplies
    x0, x1 = float(x0), float(x1)
    lower, upper, method = _ratio_limits(x0, x1, _normal_quantile(confidence), float(dispersion))
    return Interval(
        # one division, so that 20 to 16 is -20 and not -19.999999999999996
        100 * (x1 * base0 - x0 * base1) / (x0 * base1),
        100 * (lower * (base0 / base1) - 1),
        100 * (upper * (base0 / base1) - 1),
        method,
    )


def change_of_proportion(
    x0: float, n0: float, x1: float, n1: float, confidence: float = 0.95
) -> Interval:
    """Change of a proportion from period 0 to period 1, in percentage points.

    `100 * (x1/n1 - x0/n0)` with Newcombe's hybrid score limits.
    Raises ValueError when a number is missing, a count is outside 0 to its base, or a base <= 0.
    Source: Newcombe (1998), Statistics in Medicine 17: 873-890, method 10.
    """
    _require_share("change_of_proportion", x0, n0)
    _require_share("change_of_proportion", x1, n1)
    _require_confidence("change_of_proportion", confidence)
    z = _normal_quantile(confidence)
    # a sum out of a database may be a Decimal, which no float multiplies
    x0, n0, x1, n1 = float(x0), float(n0), float(x1), float(n1)
    value0, value1 = x0 * 100 / n0, x1 * 100 / n1
    lower0, upper0 = (100 * limit for limit in _wilson_of_one(x0, n0, z))
    lower1, upper1 = (100 * limit for limit in _wilson_of_one(x1, n1, z))
    difference = value1 - value0
    down = math.hypot(value1 - lower1, upper0 - value0)
    up = math.hypot(upper1 - value1, value0 - lower0)
    return Interval(difference, difference - down, difference + up, "Newcombe hybrid score")


def _ratio_limits(x0: float, x1: float, z: float, dispersion: float) -> tuple[float, float, str]:
    if dispersion == 1:
        return *_conditional_limits(x0, x1, z), "exact conditional"
    if x1 == 0:
        # log(0) has no variance; shrinking both counts by the dispersion is the same widening
        shrunk = _conditional_limits(x0 / dispersion, 0.0, z)
        return *shrunk, "exact conditional on counts / dispersion"
    half_width = z * math.sqrt(dispersion * (1 / x1 + 1 / x0))
    ratio = x1 / x0
    return ratio * math.exp(-half_width), ratio * math.exp(half_width), "over-dispersed log-normal"


def _conditional_limits(x0: float, x1: float, z: float) -> tuple[float, float]:
    """Limits of x1 / x0 from the Wilson limits of both shares of the sum.

    The limits of one share are one minus those of the other; dividing the two keeps every digit.
    """
    lower0, upper0 = _wilson_of_one(x0, x0 + x1, z)
    lower1, upper1 = _wilson_of_one(x1, x0 + x1, z)
    return lower1 / upper0, upper1 / lower0


def _bases_of_change(n0: float | None, n1: float | None) -> tuple[float, float]:
    if n0 is None and n1 is None:
        return 1.0, 1.0
    if n0 is None or n1 is None:
        raise _refusal(
            "change: a rate needs the base of both periods",
            (n0, n1),
            "give n0 and n1, or neither for a change of the count",
        )
    _require_base("change", n0)
    _require_base("change", n1)
    return float(n0), float(n1)


# --- ranks -------------------------------------------------------------------------------------


def rank(values: Iterable[float | None], higher_first: bool = True) -> list[int | None]:
    """Competition rank of each value, as a list in the order given: 1, 2, 2, 4.

    Equal values share the smallest place. Give unrounded values: rounding makes ties. None and NaN
    are not ranked (None) and take no place. `higher_first` False makes the lowest value 1.
    """
    column = _column(list(values))
    ranked = ~np.isnan(column)
    places: list[int | None] = [None] * column.size
    signed = column[ranked] if higher_first else -column[ranked]
    found = _places(signed[np.newaxis, :])[:, 0]
    for position, place in zip(np.flatnonzero(ranked), found, strict=True):
        places[int(position)] = int(place)
    return places


def rank_range(values: Iterable[float | None], step: float) -> list[tuple[int | None, int | None]]:
    """For each rounded value the first and last place that it may have unrounded; 1 is the highest.

    A value rounded to `step` lies within half of it, so that two of them are surely in order where
    they are a step apart. Chance is no part of it. (None, None) for a value that is missing, which
    takes no place. Raises ValueError for a step that is not above 0.
    """
    if not step > 0:
        raise _refusal("rank_range: the step must be above 0", step, "0.1 for one decimal")
    column = _column(list(values))
    known = column[~np.isnan(column)]
    apart = step * (1 - 1e-6)  # 100.9 - 100.8 is a little less than 0.1
    return [
        (None, None)
        if math.isnan(one)
        else (1 + int((known - one > apart).sum()), known.size - int((one - known > apart).sum()))
        for one in column.tolist()
    ]


def rank_interval(
    numerators: Sequence[float | None],
    denominators: Sequence[float | None],
    kind: str = "rate",
    draws: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
    dispersion: float = 1.0,
) -> list[tuple[int | None, int | None]]:
    """For each area the lowest and highest rank that chance allows; 1 is the highest value.

    Each draw takes a plausible value for every area and ranks them: Gamma(x + 0.5) / n for `kind`
    "rate", Beta(x + 0.5, n - x + 0.5) for "proportion". `dispersion` widens both: the mean stays
    and the variance is multiplied (for a proportion: very nearly). One seed gives one answer, for
    areas in one order.

    (None, None) for an area whose pair is missing, has n <= 0, or whose count no distribution
    covers (x < 0, or x > n for a proportion); it takes no place. Raises ValueError for another
    kind, draws < 1, or a dispersion below 1.
    """
    draw = _DRAWS.get(kind)
    if draw is None:
        raise _refusal("rank_interval: unknown kind", kind, f"write {' or '.join(_DRAWS)}")
    if draws < 1:
        raise _refusal("rank_interval: draws must be 1 or more", draws, "the usual is 10000")
    _require_dispersion("rank_interval", dispersion)
    _require_confidence("rank_interval", confidence)
    if len(numerators) != len(denominators):
        raise _refusal(
            "rank_interval: every numerator needs its denominator",
            (len(numerators), len(denominators)),
            "give None for what is missing",
        )
    counts, bases = _pairs(numerators, denominators)
    drawn = (counts >= 0) & ((counts <= bases) | (kind == "rate"))
    # PCG64 by name: numpy may one day change what default_rng means
    generator = np.random.Generator(np.random.PCG64(seed))
    samples = draw(generator, counts[drawn], bases[drawn], draws, dispersion)
    return _limits_of_places(_places(samples), drawn, confidence)


def _limits_of_places(
    places: NDArray[np.unsignedinteger], drawn: NDArray[np.bool_], confidence: float
) -> list[tuple[int | None, int | None]]:
    limits: list[tuple[int | None, int | None]] = [(None, None)] * drawn.size
    if not drawn.any():
        return limits
    tail = (1 - confidence) / 2
    for position, one in zip(np.flatnonzero(drawn), places, strict=True):
        until = np.cumsum(np.bincount(one))
        limits[int(position)] = (_quantile(until, tail), _quantile(until, 1 - tail))
    return limits


def _quantile(until: NDArray[np.int64], share: float) -> int:
    """The place below which, itself included, such a share of the draws lies: one that was drawn,
    never one between two. `until`: how many draws lie at each place or below it."""
    draws = int(until[-1])
    return int(np.searchsorted(until, max(math.ceil(draws * share), 1)))


def _draw_rates(
    generator: np.random.Generator, counts: Column, bases: Column, draws: int, dispersion: float
) -> Column:
    shape = (counts + 0.5) / dispersion
    return generator.gamma(shape, dispersion, size=(draws, counts.size)) / bases


def _draw_proportions(
    generator: np.random.Generator, counts: Column, bases: Column, draws: int, dispersion: float
) -> Column:
    hits, misses = (counts + 0.5) / dispersion, (bases - counts + 0.5) / dispersion
    return generator.beta(hits, misses, size=(draws, counts.size))


_DRAWS: dict[str, Callable[[np.random.Generator, Column, Column, int, float], Column]] = {
    "rate": _draw_rates,
    "proportion": _draw_proportions,
}


def _places(rows: Column) -> NDArray[np.unsignedinteger]:
    """Rank within each row, the highest first, equal values sharing the smallest place; a row for
    each column of `rows`.

    A place is one more than the number of those above. To count them, area by area, takes a fifth
    of the time of sorting thousands of short rows.
    """
    areas = np.ascontiguousarray(rows.T)
    places = np.ones(areas.shape, dtype=np.min_scalar_type(len(areas)))
    for one in areas:
        places += one > areas
    return places


# --- against a benchmark -----------------------------------------------------------------------


def benchmark(interval: Interval | None, benchmark_value: float | None, polarity: str) -> str:
    """How an area compares with a fixed value: one word.

    Inside the interval, ends included: "same". Otherwise "better" or "worse" by `polarity`
    ("low_is_good", "high_is_good"). Polarity "none": "lower", "similar", "higher". A missing
    value, limit or benchmark (None or NaN): "not compared". Raises ValueError for another polarity.
    """
    words = WORDS_BY_POLARITY.get(polarity)
    if words is None:
        raise _refusal(
            "benchmark: unknown polarity", polarity, f"write one of {', '.join(WORDS_BY_POLARITY)}"
        )
    if interval is None or _is_missing(interval.value) or benchmark_value is None:
        return NOT_COMPARED
    if interval.lower is None or interval.upper is None:
        return NOT_COMPARED
    if any(math.isnan(number) for number in (interval.lower, interval.upper, benchmark_value)):
        return NOT_COMPARED
    below, inside, above = words
    if interval.upper < benchmark_value:
        return below
    return above if interval.lower > benchmark_value else inside


# --- columns and refusals ----------------------------------------------------------------------


def _column(values: Numbers) -> Column:
    """A float64 array of one dimension or more, NaN for None and for masked entries."""
    if isinstance(values, np.ma.MaskedArray):
        # DuckDB hands out nulls as a mask, which asarray would silently drop
        values = np.ma.filled(values.astype(np.float64), np.nan)
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def _pairs(x: Numbers, n: Numbers) -> tuple[Column, Column]:
    """Both columns in one shape, and both NaN wherever the pair gives no value."""
    counts, bases = _column(x), _column(n)
    try:
        counts, bases = np.broadcast_arrays(counts, bases)
    except ValueError:
        raise _refusal(
            "statistics: both columns must be of one shape",
            (counts.shape, bases.shape),
            "give a denominator for every count, or one for all",
        ) from None
    usable = np.isfinite(counts) & np.isfinite(bases) & (bases > 0)
    return np.where(usable, counts, np.nan), np.where(usable, bases, np.nan)


def _single(columns: tuple[Column, Column, Column], method: str) -> Interval:
    value, lower, upper = (float(column[0]) for column in columns)
    return Interval(value, _none_if_nan(lower), _none_if_nan(upper), method)


def _none_if_nan(number: float) -> float | None:
    return None if math.isnan(number) else number


def _is_missing(number: float | None) -> bool:
    return number is None or math.isnan(number)


@cache
def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))


def _refusal(rule: str, got: object, repair: str) -> ValueError:
    return ValueError(f"{rule}; got: {got!r}; {repair}")


def _require_count(place: str, x: float | None) -> None:
    if x is None or not math.isfinite(x) or x < 0:
        raise _refusal(
            f"{place}: a count must be a number of 0 or more",
            x,
            "leave out what is missing; net corrections below 0 have a value but no interval",
        )


def _require_base(place: str, n: float | None) -> None:
    if n is None or not math.isfinite(n) or n <= 0:
        raise _refusal(
            f"{place}: a base must be a number above 0", n, "leave out an area without a base"
        )


def _require_share(place: str, x: float | None, n: float | None) -> None:
    _require_count(place, x)
    _require_base(place, n)
    if x is not None and n is not None and x > n:
        raise _refusal(
            f"{place}: a count cannot exceed its base",
            (x, n),
            "check that x counts members of n; for events, which may repeat, use rate",
        )


def _require_dispersion(place: str, dispersion: float) -> None:
    if not math.isfinite(dispersion) or dispersion < 1:
        raise _refusal(
            f"{place}: dispersion is never below 1", dispersion, "give 1 for plain Poisson"
        )


def _require_confidence(place: str, confidence: float) -> None:
    if not 0 < confidence < 1:
        raise _refusal(
            f"{place}: confidence must lie between 0 and 1", confidence, "write 95 % as 0.95"
        )


def _require_settings(place: str, multiplier: float, confidence: float) -> None:
    _require_confidence(place, confidence)
    if not math.isfinite(multiplier) or multiplier <= 0:
        raise _refusal(
            f"{place}: the multiplier must be a number above 0", multiplier, "as in per 1000"
        )
