"""A level step beside trend and season, for many series and many dates at once.

Belongs here: linear algebra on arrays. Does not belong here: which dates are tried, how large a t
is large (`critical`), and what is said of it (`monthly`).

The model of a log ratio y in month m: level + slope + two harmonics of twelve months + any other
known steps + the step that is asked for. The slope has a prior of mean 0 and sd 2 % a year, since
a year of a new level and a steep slope look alike; the rest is free. Level, harmonics and known
steps are projected out, which leaves two unknowns and a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fits", "fit", "step_columns"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

SLOPE_SD = 0.02
"""Prior standard deviation of the slope of the log ratio, a year."""

NOISE_FLOOR = 0.001
"""No monthly ratio is steadier than 0.1 %: without a floor a made-up, exact one divides by 0."""


@dataclass(frozen=True)
class Fits:
    """Of each series (rows) the step at each date tried (columns), and what is left at the best.

    `step`, `error`: natural logs; `statistic` = step / error, its error taken as if months were
    independent. Of each series: `best`, the column of the largest |statistic|; there, the residual
    standard deviation `noise` and `autocorrelation` of lag 1, both as estimated, uncorrected.
    """

    step: Array
    error: Array
    statistic: Array
    best: Numbers
    noise: Array
    autocorrelation: Array


def step_columns(months: Numbers, starts: Numbers) -> Array:
    """One row a step: 0 before the month in which it starts, 1 from then on."""
    return (months[None, :] >= starts[:, None]).astype(np.float64)


def fit(values: Array, months: Numbers, steps: Array, others: Array | None = None) -> Fits:
    """Fit every step of `steps` to every series of `values`, one step at a time.

    `values`: series x months, natural logs, none missing; `months`: their numbers, ascending, gaps
    allowed; `steps`: dates tried x months; `others`: known steps x months, in every fit.
    A step that cannot be told from the rest of the model has statistic 0.
    """
    basis = _basis(months, others)
    centred = (months - months.mean()) / 12
    left = _without(values, basis)
    slope, step = _without(centred[None, :], basis)[0], _without(steps, basis)
    both = _Moments.of(left, slope, step)
    free = max(len(months) - basis.shape[1] - 2, 1)
    variance = np.maximum(both.residual() / free, NOISE_FLOOR**2)
    slopes, sizes, errors = both.shrunk(variance)
    statistic = sizes / errors
    best, row = np.abs(statistic).argmax(axis=1), np.arange(len(values))
    residual = left - slopes[row, best][:, None] * slope - sizes[row, best][:, None] * step[best]
    return Fits(
        sizes,
        errors,
        statistic,
        best,
        np.sqrt(variance[row, best]),
        _autocorrelation(residual, np.diff(months) == 1),
    )


@dataclass(frozen=True)
class _Moments:
    """Sums of products of what the projection leaves: of slope s, steps z and values y."""

    ss: float
    zz: Array
    sz: Array
    sy: Array
    zy: Array
    yy: Array

    @classmethod
    def of(cls, values: Array, slope: Array, steps: Array) -> _Moments:
        return cls(
            float(slope @ slope),
            (steps * steps).sum(axis=1),
            steps @ slope,
            (values @ slope)[:, None],
            values @ steps.T,
            (values * values).sum(axis=1)[:, None],
        )

    def residual(self) -> Array:
        """The sum of squares that a free slope and step leave."""
        slope, step = self._solved(self.ss, self._determinant(self.ss))
        return self.yy - slope * self.sy - step * self.zy

    def shrunk(self, variance: Array) -> tuple[Array, Array, Array]:
        """Slope, step and the step's error, the slope drawn towards 0 by its prior."""
        ss = self.ss + variance / SLOPE_SD**2
        determinant = self._determinant(ss)
        slope, step = self._solved(ss, determinant)
        error = np.sqrt(variance * ss / determinant)
        return slope, step, np.where(np.isinf(determinant), np.inf, error)

    def _determinant(self, ss: float | Array) -> Array:
        whole: Array = np.asarray(ss * self.zz)
        rest = whole - self.sz**2
        # infinite where a step lies within what is projected out: its size is then 0
        lost = (self.zz < 1e-9) | (rest < 1e-9 * whole)
        return np.where(lost, np.inf, rest)

    def _solved(self, ss: float | Array, determinant: Array) -> tuple[Array, Array]:
        slope = (self.zz * self.sy - self.sz * self.zy) / determinant
        return slope, (ss * self.zy - self.sz * self.sy) / determinant


def _basis(months: Numbers, others: Array | None) -> Array:
    """An orthonormal basis of level, season and known steps, months x rank."""
    turn = 2 * np.pi * months / 12
    rows = [np.ones(len(months))]
    rows += [wave(times * turn) for times in (1, 2) for wave in (np.cos, np.sin)]
    columns = np.vstack(rows if others is None else [*rows, others]).T
    left, weights, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, weights > 1e-9 * weights[0]])


def _without(rows: Array, basis: Array) -> Array:
    return np.asarray(rows - (rows @ basis) @ basis.T)


def _autocorrelation(residual: Array, adjacent: NDArray[np.bool_]) -> Array:
    """Of lag 1 over the pairs of adjacent months; 0 where nothing is left to correlate."""
    products = (residual[:, 1:] * residual[:, :-1])[:, adjacent].sum(axis=1)
    squares = (residual * residual).sum(axis=1) * adjacent.sum() / (residual.shape[1] - 1)
    something = squares > 1e-12
    return np.where(something, products / np.where(something, squares, 1.0), 0.0)
