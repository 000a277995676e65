"""How large the t of a step must be before it is more than chance: a table made by simulation.

Belongs here: the table's grid, and reading it. Does not belong here: making it (`tabulation`), the
regression (`regression`).

Ordinary tables of t do not hold: months are correlated, the slope has a prior, and `scan` takes
the largest of many. So the regression is run on series without any step, of known
autocorrelation, and the table says which |t| a given share of them exceeds. The autocorrelation
estimated from residuals is too low (the model takes up part of it), and more so the shorter the
series; so the table carries the mean estimate beside each true value, and is entered with the
estimate. An estimate scatters, which is why the shares are 3.5 % at a fixed date and 1.5 % for a
scan: with estimated autocorrelation both then give 1 to 6 % false alarms (`simulation`).
"""

from __future__ import annotations

import csv
import math
from functools import cache
from itertools import groupby, product
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGE", "FILE", "MONTHS", "NOISES", "critical_fixed", "critical_scan", "sides"]

Array = NDArray[np.float64]
Number = TypeVar("Number", int, float)

FILE = Path(__file__).parent / "critical_values.csv"

EDGE = 9
"""`scan` tries no month nearer to an end than this."""

MONTHS = (24, 36, 48, 60, 84, 120)
SHORTER = (6, 9, 12, 18, 24, 36, 60)
NOISES = (0.04, 0.07, 0.12, 0.2)


def critical_fixed(months: int, shorter: int, noise: float, estimated: float) -> float:
    """The |t| that a step at a date known beforehand must exceed; with it, 95 % limits too.

    `months` with figures, of which `shorter` on the shorter side of the date; `noise` and
    `estimated` autocorrelation as `regression.Fits` gives them. Between the lines of the table
    linear, beyond its ends as at the end. The estimate is entered with half of its standard error
    added: months that also carry chance of their own look less correlated than they are.
    """
    estimated += math.sqrt(max(1 - estimated**2, 0) / months) / 2
    weighted = product(_between(MONTHS, months), _between(NOISES, noise))
    return sum(
        months_weight * noise_weight * weight * _entered("fixed", row, side, column, estimated)
        for (row, months_weight), (column, noise_weight) in weighted
        for side, weight in _between(sides(row), shorter)
    )


def critical_scan(months: int, noise: float, estimated: float) -> float:
    """The |t| that the largest of a scan must exceed; as `critical_fixed`."""
    weighted = product(_between(MONTHS, months), _between(NOISES, noise))
    return sum(
        months_weight * noise_weight * _entered("scan", row, 0, column, estimated)
        for (row, months_weight), (column, noise_weight) in weighted
    )


def _between(grid: tuple[Number, ...], value: float) -> list[tuple[Number, float]]:
    """The neighbours of a value on a grid, with their weights."""
    above = next((at for at, one in enumerate(grid) if one >= value), len(grid) - 1)
    if above == 0 or grid[above] <= value:
        return [(grid[above], 1.0)]
    share = (value - grid[above - 1]) / (grid[above] - grid[above - 1])
    return [(grid[above - 1], 1 - share), (grid[above], share)]


def sides(months: int) -> tuple[int, ...]:
    """Of the shorter sides tabulated those that so many months can have."""
    return tuple(side for side in SHORTER if 2 * side <= months)


def _entered(test: str, months: int, shorter: int, noise: float, estimated: float) -> float:
    estimates, criticals = _table()[test, months, shorter, noise]
    return float(np.interp(estimated, estimates, criticals))


@cache
def _table() -> dict[tuple[str, int, int, float], tuple[Array, Array]]:
    """By test, months, shorter side and noise: estimates and the critical values beside them."""
    with FILE.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))

    def key(row: dict[str, str]) -> tuple[str, int, int, float]:
        return row["test"], int(row["months"]), int(row["shorter"]), float(row["noise"])

    curves = {
        which: [*zip(*map(_point, lines), strict=True)] for which, lines in groupby(rows, key)
    }
    return {which: (np.array(curve[0]), np.array(curve[1])) for which, curve in curves.items()}


def _point(row: dict[str, str]) -> tuple[float, float]:
    return float(row["estimated"]), float(row["critical"])
