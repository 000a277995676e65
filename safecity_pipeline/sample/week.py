"""Days of the week and hours of the day of the sample's events, by what kind of event it is.

Here: invented weights of the 168 hours of a week: evenings out end in fights on Friday and Saturday
night, goods are stolen on working days while shops and offices are open, homes are broken into
while people are at work; and the choice of another day within an event's own month, so that no
month's number depends on them. Not here: how many events there are, and their season.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Draws = NDArray[np.float64]
NIGHT_OUT, AT_WORK, AT_HOME, EVEN = range(4)
"""Kinds of events: of the night's bars and streets, of working days, of homes, of any time."""

DAYS, HOURS = 7, 24
_NIGHT_ENDS, _EVENING_BEGINS = 5, 20
# Tenths of what the hours alone would be, Monday first: before 05:00, by day, and from 20:00 on.
_TENTHS = {
    NIGHT_OUT: ((5, 4, 4, 5, 6, 30, 22), (9, 9, 9, 9, 10, 11, 10), (6, 6, 7, 8, 16, 20, 8)),
    AT_WORK: ((10,) * 7, (11, 11, 11, 11, 12, 9, 6), (10, 10, 10, 10, 11, 10, 7)),
    AT_HOME: ((9, 8, 8, 8, 9, 13, 13), (11, 11, 11, 11, 11, 9, 8), (9, 9, 9, 9, 12, 13, 9)),
    EVEN: ((10,) * 7,) * 3,
}


def weights(kind: int, hours: Sequence[int]) -> Numbers:
    """Weights by weekday (Monday first) and hour, for events of a kind whose hours of the day have
    these weights on average."""
    night, by_day, evening = _TENTHS[kind]
    tenths = [night] * _NIGHT_ENDS + [by_day] * (_EVENING_BEGINS - _NIGHT_ENDS)
    tenths += [evening] * (HOURS - _EVENING_BEGINS)
    return np.array(tenths, np.int64).T * np.array(hours, np.int64)


def moved(first: date, days: Numbers, draws: Draws, by_weekday: Sequence[int]) -> Numbers:
    """Another day of the same month for each day (counted from `first`, 1 April), as likely as its
    weekday's weight says."""
    spans = _months(first)
    until = np.array([0, *accumulate(by_weekday[_weekday(first, at)] for at in range(spans[-1]))])
    month = np.searchsorted(spans, days, side="right") - 1
    low, high = until[spans[month]], until[spans[month + 1]]
    wanted = low + np.floor(draws * (high - low)).astype(np.int64)
    found: Numbers = np.searchsorted(until, wanted, side="right") - 1
    return found


def hours_of(table: Numbers, weekdays: Numbers, draws: Draws) -> Numbers:
    """An hour for each weekday (0 is Monday), as likely as the table's row of that day says."""
    found = np.zeros(len(weekdays), np.int64)
    for weekday, row in enumerate(table):
        bounds = np.cumsum(row)
        chosen = weekdays == weekday
        wanted = np.floor(draws[chosen] * bounds[-1])
        found[chosen] = np.searchsorted(bounds, wanted, side="right")
    return found


def weekdays_of(first: date, days: Numbers) -> Numbers:
    """The weekday of each day counted from `first`; Monday is 0."""
    found: Numbers = (days + first.weekday()) % DAYS
    return found


def _weekday(first: date, day: int) -> int:
    return (first.weekday() + day) % DAYS


def _months(first: date) -> Numbers:
    """The first day of each month of the financial year, counted from 1 April; and its end."""
    starts = [date(first.year + (month < 4), month, 1) for month in (*range(4, 13), 1, 2, 3)]
    after = date(first.year + 1, 4, 1)
    return np.array([(day - first) // timedelta(1) for day in (*starts, after)])
