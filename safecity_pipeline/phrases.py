"""Numbers, places and periods as a document for residents prints them.

Belongs here: spelling, and which figures are printed when rounding would hide what they say. Does
not belong here: sentences (`drafts`, `standings`), the style of findings (`sentences`).
"""

from __future__ import annotations

import math

from safecity_pipeline import period
from safecity_pipeline.model import Indicator
from safecity_pipeline.registry.indicators import PER_CENT
from safecity_pipeline.sentences import ordinal, rounded

MOST_DECIMALS = 3
POINTS = "percentage points"


def printed(label: str) -> str:
    """2014/15, of 2014-15."""
    return period.parse(label).printed


def last_month(label: str) -> str:
    """March 2017, of 2016-17."""
    return period.month(period.parse(label).end).printed


def capital(words: str) -> str:
    """As a sentence begins."""
    return words[:1].upper() + words[1:]


def small(words: str) -> str:
    """As it goes on; an abbreviation stays as it is."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def ended(words: str) -> str:
    """With a full stop."""
    return words if words.endswith(".") else f"{words}."


def title(indicator: Indicator) -> str:
    """Without the "per 1,000 residents" that stands behind every figure."""
    per = indicator.unit.startswith("per ")
    return indicator.title.replace(f" {indicator.unit}", "") if per else indicator.title


def sign(indicator: Indicator) -> str:
    """%, or nothing."""
    return "%" if indicator.unit == PER_CENT else ""


def unit(indicator: Indicator) -> str:
    """What stands behind a figure: 47%, 8.0 per 1,000 residents."""
    return sign(indicator) or f" {indicator.unit}"


def over(value: float, decimals: int) -> str:
    """Over 25, of 25.5: the sentence speaks of the number that is exceeded."""
    # Ten digits are enough for any figure, and not so many that 25.3 is a little less.
    scaled = round(value * 10**decimals, 10)
    text = rounded(math.floor(scaled) / 10**decimals, decimals)
    return text if scaled == math.floor(scaled) else f"over {text}"


def size(value: float, decimals: int) -> str:
    """How large a change is; one that is there is not printed as 0."""
    return rounded(abs(value), telling(decimals, value))


def signed(value: float, decimals: int) -> str:
    """With its sign; what is there is not printed as 0."""
    text = rounded(value, telling(decimals, value))
    return text if value <= 0 else f"+{text}"


def with_word(number: str, word: str) -> str:
    """1 percentage point, 2 percentage points."""
    one = number.lstrip("+-") == "1"
    return f"{number} {word.removesuffix('s') if one and word == POINTS else word}".rstrip()


def between(lower: float, upper: float, decimals: int, behind: str = "") -> str:
    """Between 42% and 52%; two limits that differ are not printed as one."""
    places = decimals
    while places < MOST_DECIMALS and lower < upper and _same(lower, upper, places):
        places += 1
    return f"between {rounded(lower, places)}{behind} and {rounded(upper, places)}{behind}"


def between_signed(lower: float, upper: float, decimals: int, behind: str = "") -> str:
    """Between -5% and +1%."""
    places = telling(decimals, lower, upper)
    return f"between {signed(lower, places)}{behind} and {signed(upper, places)}{behind}"


def between_sizes(lower: float, upper: float, decimals: int, behind: str = "") -> str:
    """Of a change whose interval excludes 0: between its smaller and its larger size."""
    smaller, larger = sorted((abs(lower), abs(upper)))
    return between(smaller, larger, telling(decimals, smaller), behind)


def place(number: int, end: str) -> str:
    """3rd highest; the first is the highest itself."""
    return end if number == 1 else f"{ordinal(number)} {end}"


def places(lower: int, upper: int, end: str) -> str:
    """Between 2nd and 6th highest."""
    first = end if lower == 1 else ordinal(lower)
    return f"between {first} and {place(upper, end)}"


def name(area: str) -> str:
    """City of Bristol, of Bristol, City of."""
    first, comma, rest = area.partition(", ")
    return f"{capital(rest)} {first}" if comma and rest.endswith(" of") else area


def _same(one: float, other: float, decimals: int) -> bool:
    return rounded(one, decimals) == rounded(other, decimals)


def _is_seen(number: float, decimals: int) -> bool:
    return not _same(abs(number), 0.0, decimals)


def telling(decimals: int, *numbers: float) -> int:
    """So many decimals, or more, that none of the numbers looks like 0 which is none."""
    for many in range(decimals, MOST_DECIMALS):
        if all(not number or _is_seen(number, many) for number in numbers):
            return many
    return MOST_DECIMALS
