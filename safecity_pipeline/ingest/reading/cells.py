"""A cell's value → its text. Pure.

Belongs here: how numbers, dates, times and truth values are spelt in a transcript, whatever kind
of file they came from. Does not belong here: what a text means; markers and numbers with commas are
left as they are.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta

UNCACHED = "#FORMULA"
NOT_A_NUMBER = "#NUM!"
EXACT = 1 << 53


def as_text(value: object) -> str:
    """The text of a value; "" for None.

    Numbers have 15 significant digits, which is what a spreadsheet shows and what takes the noise
    off 5.6000000000000005; whole ones have no point. A date and time at midnight is a date. Text
    loses the blanks around it, and its line ends become LF.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()


def number(text: str) -> int | float:
    """The number that a file spells with a point; whole ones stay exact. Raises ValueError."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else float(text)


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return NOT_A_NUMBER
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return f"{value:.15g}"


def _duration(value: timedelta) -> str:
    """Hours may exceed 24, as in a cell formatted [h]:mm:ss."""
    sign, span = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(span // timedelta(seconds=1), 60)
    hours, minutes = divmod(minutes, 60)
    part = f".{span.microseconds:06d}" if span.microseconds else ""
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{part}"
