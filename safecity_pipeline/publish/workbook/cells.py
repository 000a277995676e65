"""What stands in a cell, and what a sheet is made of.

Belongs here: numbers, texts, shorthand. Does not belong here: which sheets there are (`contents`),
and how they are written (`sheets`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from safecity_pipeline.publish.shorthand import (
    BREAK,
    ESTIMATED,
    MEANING,
    MISSING,
    NOT_APPLICABLE,
    SUPPRESSED,
)

MARKS = {"A": "none", "B": BREAK, "C": SUPPRESSED, "E": ESTIMATED, "M": MISSING}


class Number(NamedTuple):
    """A number, and how many decimals of it are shown."""

    value: float
    decimals: int = 0


Cell = str | Number | date


@dataclass(frozen=True)
class Head:
    """A column: its words, how wide it is in characters, and the key of the note on it."""

    words: str
    width: int = 14
    note: str = ""


@dataclass(frozen=True)
class TableSheet:
    """One sheet with one table."""

    label: str
    title: str
    heads: tuple[Head, ...]
    rows: Sequence[tuple[Cell, ...]]
    source: str = ""

    @property
    def shorthand(self) -> list[str]:
        """The shorthand that stands in its cells."""
        used = {cell for row in self.rows for cell in row if isinstance(cell, str)}
        return [one for one in MEANING if one in used]


def number(value: float | None, decimals: int = 0, otherwise: str = MISSING) -> Cell:
    """A figure, or why there is none."""
    return otherwise if value is None else Number(value, decimals)


def count(value: float | None, decimals: int = 1, otherwise: str = MISSING) -> Cell:
    """A number that is whole as a rule; `decimals` where it is not."""
    return number(value, decimals if value is not None and value % 1 else 0, otherwise)


def text(value: object, otherwise: str = NOT_APPLICABLE) -> str:
    """A text; never an empty cell, of which nobody knows whether something lacks."""
    words = "" if value is None else str(value)
    return words if words.strip() else otherwise


def day(value: date | None, otherwise: str = MISSING) -> Cell:
    return value or otherwise


def plain_number(value: str | None) -> Cell:
    """A number that stands in a column of texts, as a number."""
    try:
        given = float(value or "")
    except ValueError:
        return text(value)
    return Number(given, len((value or "").partition(".")[2]))


def yes_or_no(value: bool | None) -> str:
    return NOT_APPLICABLE if value is None else "yes" if value else "no"


def words(parts: Iterable[object]) -> str:
    """Those of the parts that say something, one after the other."""
    return ". ".join(str(part) for part in parts if part)
