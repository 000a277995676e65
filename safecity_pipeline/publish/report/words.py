"""Figures as the report prints them: a cell is what stands there, or why nothing does.

Belongs here: rounding by the indicator's own decimals, intervals in words, shorthand. Does not
belong here: which figures are shown (`board`, `parts`), sentences that a release holds already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safecity_pipeline import period, phrases
from safecity_pipeline.model import Indicator
from safecity_pipeline.publish.shorthand import (
    BREAK,
    ESTIMATED,
    MEANING,
    MISSING,
    NOT_APPLICABLE,
    SUPPRESSED,
)
from safecity_pipeline.sentences import rounded, signed

__all__ = [
    "BREAK",
    "ESTIMATED",
    "LOW",
    "MISSING",
    "NOT_APPLICABLE",
    "PART",
    "SHORTHAND",
    "SUPPRESSED",
    "Cell",
]

PART, LOW = "[p]", "[u]"
SHORTHAND = MEANING | {
    PART: "the extracts cover only a part of the year",
    LOW: "no likely range can be given: who was counted chose to be",
}
NO_DENOMINATOR = "missing_denominator"
LACKS = {NO_DENOMINATOR: "the number came; what it is divided by did not"}
NO_BASE = "there is nothing like it to compare it with"


@dataclass(frozen=True)
class Cell:
    """What a table prints. `value`: the figure as it stands in the release, unrounded; `marks`:
    shorthand behind it; `likely`: its interval in words; `why`: why there is no figure."""

    text: str
    value: float | None = None
    marks: tuple[str, ...] = ()
    likely: str = ""
    why: str = ""


def nothing(mark: str, why: str = "") -> Cell:
    """A cell without a figure; never an empty one."""
    return Cell("", marks=(mark,), why=why or SHORTHAND[mark])


def lacking(row: Mapping[str, Any] | None) -> Cell:
    """Why a row of mart.indicator_value has no figure."""
    if row is None:
        return nothing(MISSING)
    mark = SUPPRESSED if row["obs_status"] == "C" else MISSING
    reason = str(row["suppressed_reason"] or SHORTHAND[mark])
    return nothing(mark, LACKS.get(reason, reason))


def marks_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The shorthand of a figure itself: a part of the year, an estimate."""
    part = (PART,) if row["complete"] is False else ()
    return part + ((ESTIMATED,) if row["obs_status"] == "E" else ())


def level(indicator: Indicator, row: Mapping[str, Any] | None) -> Cell:
    """A figure with its interval."""
    if row is None or row["value"] is None:
        return lacking(row)
    text = rounded(row["value"], indicator.decimals)
    return Cell(text, row["value"], marks_of(row), likely(indicator, row))


def number(row: Mapping[str, Any] | None) -> Cell:
    """How many were counted: what stands above the line of a rate or a share."""
    if row is None or (row["numerator"] is None and row["value"] is None):
        return lacking(row)
    if row["numerator"] is None:
        return nothing(MISSING, "its publisher prints no number beside the rate")
    return Cell(rounded(row["numerator"], 0), row["numerator"], marks_of(row))


def likely(indicator: Indicator, row: Mapping[str, Any]) -> str:
    """Likely between 42 and 52; nothing where no interval is known."""
    lower, upper = row["lower_95"], row["upper_95"]
    if lower is None or upper is None:
        return ""
    return f"likely {phrases.between(lower, upper, indicator.decimals)}"


def change(row: Mapping[str, Any]) -> Cell:
    """A change with its interval; a sign is no verdict, and one across a definition is marked."""
    if row["change"] is None:
        hidden = row["status"] == "suppressed"
        return nothing(SUPPRESSED if hidden else MISSING, "" if hidden else NO_BASE)
    broken = (BREAK,) if row["status"] == "definition_changed" else ()
    return Cell(signed(row["change"]), row["change"], broken, likely_change(row))


def likely_change(row: Mapping[str, Any]) -> str:
    lower, upper = row["change_lower_95"], row["change_upper_95"]
    if lower is None or upper is None:
        return ""
    return f"likely {phrases.between_signed(lower, upper, 1)}"


def unit_of_change(row: Mapping[str, Any]) -> str:
    return " %" if row["change_unit"] == "percent" else " percentage points"


def place(row: Mapping[str, Any]) -> Cell:
    """A place in the group with its direction: 3rd highest of 15, 13th best. The mark
    of a break says that it is not to be set beside the place before it."""
    if row["rank_high"] is None:
        return nothing(MISSING, "no place: the figure, or those of the group, are missing")
    text = f"{phrases.place(row['rank_high'], 'highest')} of {row['rank_of']}"
    if row["rank_best"] is not None:
        text += f", {_best(row)}"
    broken = (BREAK,) if row["broken_by"] else ()
    return Cell(text, row["rank_high"], broken, _likely_place(row))


def _best(row: Mapping[str, Any]) -> str:
    if row["rank_best"] == row["rank_of"]:
        return "the worst"
    return phrases.place(row["rank_best"], "best")


def _likely_place(row: Mapping[str, Any]) -> str:
    lower, upper = row["rank_lower_95"], row["rank_upper_95"]
    if lower is None or upper is None or lower == upper:
        return ""
    return f"likely {phrases.places(lower, upper, 'highest')}"


def title(indicator: Indicator) -> str:
    """What is counted, without its unit and its publisher."""
    return phrases.title(indicator).removesuffix(" (Home Office)")


def printed(label: str) -> str:
    return period.parse(label).printed
