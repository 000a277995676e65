"""Making critical_values.csv: the regression run on series of known correlation without a step.

    python -m safecity_pipeline.detection.tabulation      writes it anew (about 2 minutes)

Belongs here: the seeded script. Does not belong here: reading the table, and why it is needed
(`critical`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safecity_pipeline.detection.critical import EDGE, FILE, MONTHS, NOISES, sides
from safecity_pipeline.detection.regression import fit, step_columns

__all__ = ["AUTOCORRELATIONS", "Cell", "cell", "simulate", "write"]

Array = NDArray[np.float64]

COLUMNS = ["test", "months", "shorter", "noise", "autocorrelation", "estimated", "critical"]
AUTOCORRELATIONS = tuple(round(0.1 * tenth, 1) for tenth in range(9))
DRAWS, SEED = 20_000, 2014

SHARES = {"fixed": 0.035, "scan": 0.015}
"""The share of series without a step whose |t| is larger, were the autocorrelation known."""


@dataclass(frozen=True)
class Cell:
    """One line of the table.

    `shorter`: months on the shorter side of a fixed date, 0 for a scan; `noise`: residual standard
    deviation, natural logs; `estimated`: the mean of the estimates of `autocorrelation`.
    """

    test: str
    months: int
    shorter: int
    noise: float
    autocorrelation: float
    estimated: float
    critical: float


def simulate(draws: int = DRAWS, seed: int = SEED) -> Iterator[Cell]:
    """Every cell of the table, in its order."""
    for test, months in product(SHARES, MONTHS):
        for shorter, noise in product(sides(months) if test == "fixed" else (0,), NOISES):
            for correlation in AUTOCORRELATIONS:
                yield cell(test, months, shorter, noise, correlation, draws, seed)


def cell(
    test: str,
    months: int,
    shorter: int,
    noise: float,
    autocorrelation: float,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Cell:
    """One cell, from `draws` series without a step."""
    numbers = np.arange(months)
    starts = [months - shorter] if test == "fixed" else range(EDGE, months - EDGE + 1)
    values = noise * _correlated(draws, months, autocorrelation, seed)
    found = fit(values, numbers, step_columns(numbers, np.array(starts)))
    largest = np.abs(found.statistic).max(axis=1)
    critical = float(np.quantile(largest, 1 - SHARES[test]))
    estimated = float(found.autocorrelation.mean())
    return Cell(test, months, shorter, noise, autocorrelation, estimated, critical)


def write(file: Path = FILE) -> None:
    """Make the table anew."""
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in simulate():
            key = (one.test, one.months, one.shorter, one.noise, one.autocorrelation)
            writer.writerow([*key, f"{one.estimated:.3f}", f"{one.critical:.2f}"])


@lru_cache(maxsize=len(AUTOCORRELATIONS))
def _correlated(draws: int, months: int, autocorrelation: float, seed: int) -> Array:
    """Series x months of standard deviation 1, each month's correlation with the next as given."""
    fresh = np.random.default_rng(seed).standard_normal((months, draws))
    fresh[1:] *= np.sqrt(1 - autocorrelation**2)
    for month in range(1, months):
        fresh[month] += autocorrelation * fresh[month - 1]
    return np.ascontiguousarray(fresh.T)


if __name__ == "__main__":
    write()
