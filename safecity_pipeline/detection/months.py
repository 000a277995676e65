"""Monthly counts as they come → logarithms by month.

Belongs here: what a monthly series is, which of its months count, what is refused. Does not belong
here: any statistics.

A month is missing where it is absent from the index, NaN, or 0. The logarithm of 0 does not exist,
and in a series of hundreds a month 0 is a month that was not delivered. Where more than one month
in twenty is 0, the counts are too small for the logarithm (0 is then an observation like others,
and leaving it out would flatter the rest), and no verdict is given: pool areas, or take years.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date

import numpy as np
import pandas as pd

__all__ = ["logarithms", "month_of", "sparse", "start_of"]

ZEROS_BEARABLE = 0.05


def logarithms(name: Hashable, series: pd.Series[float]) -> pd.Series[float]:
    """The natural logarithm of each month that has a count above 0, in order of time.

    `series`: counts by month, indexed by monthly periods or by dates, one a month, in any order.
    The index of the result is the month's number, year x 12 + month - 1. Raises ValueError for an
    index that is not of months, a month given twice, a negative or infinite count.
    """
    counts = _counts(name, series)
    present = counts[counts > 0].sort_index()
    return pd.Series(np.log(present.to_numpy()), index=present.index)


def sparse(series: pd.Series[float]) -> bool:
    """Whether more than one month in twenty counts 0: too little for a logarithm."""
    zeros, present = int((series == 0).sum()), int(series.notna().sum())
    return zeros > ZEROS_BEARABLE * present


def month_of(day: date) -> int:
    """The number of the month in which a day lies."""
    return day.year * 12 + day.month - 1


def start_of(month: int) -> pd.Timestamp:
    """The first day of the month of a number."""
    return pd.Timestamp(month // 12, month % 12 + 1, 1)


def _counts(name: Hashable, series: pd.Series[float]) -> pd.Series[float]:
    if not isinstance(series, pd.Series):
        raise _refusal(name, "is no pandas Series", type(series).__name__, "index it by month")
    values = pd.to_numeric(series, errors="raise").astype("float64")
    counts = pd.Series(values.to_numpy(), index=_numbers(name, series.index))
    twice = counts.index[counts.index.duplicated()]
    if len(twice):
        got = f"{start_of(int(twice[0])):%Y-%m}"
        raise _refusal(name, "has a month twice", got, "give one count a month")
    bad = counts[(counts < 0) | np.isinf(counts)]
    if len(bad):
        got = f"{bad.iloc[0]} in {start_of(int(bad.index[0])):%Y-%m}"
        raise _refusal(name, "has a count that cannot be", got, "a missing month is NaN")
    return counts


def _numbers(name: Hashable, index: pd.Index) -> pd.Index:
    if isinstance(index, pd.DatetimeIndex):
        return pd.Index(index.year * 12 + index.month - 1)
    if isinstance(index, pd.PeriodIndex) and index.freqstr == "M":
        return pd.Index(index.year * 12 + index.month - 1)
    got = getattr(index, "freqstr", None) or index.dtype
    raise _refusal(name, "is not indexed by months", got, 'pd.period_range(…, freq="M")')


def _refusal(name: Hashable, what: str, got: object, repair: str) -> ValueError:
    return ValueError(f"series {name!r} {what}; got: {got!r}; {repair}")
