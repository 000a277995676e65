"""What a key of the analyst's words stands for: a figure of an edition, in words.

Belongs here: from `[[violence_rate:change]]` to words with the indicator's own decimals and unit,
its likely range, and whatever must be minded of it. Does not belong here: reading keys
(`registry.narrative`), any figure that the edition's database does not hold: what is hidden there
cannot be named.

A mark stands behind words that need one: [c] suppressed, [x] not available, [b] not like for like,
[e] estimated in part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from safecity_pipeline import period, phrases, sentences
from safecity_pipeline.allowing import AFAR
from safecity_pipeline.breaks import TWO_EDITIONS, Broken
from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.shorthand import MEANING
from safecity_pipeline.registry.narrative import Key
from safecity_pipeline.sentences import ordinal, rounded

SUPPRESSED, LACKING, BROKEN, ESTIMATED = "c", "x", "b", "e"
MARKS = {mark.strip("[]"): meaning for mark, meaning in MEANING.items()}
CHANGE_DECIMALS = 1
SHORT = ("month", "quarter")
WHY_NO_VALUE = {"missing_denominator": "the figure that it is divided by is missing"}
HIDDEN = "suppressed"

_VALUES = """
SELECT indicator, period, period_kind, dimension, dimension_value, period_start, period_end,
       coverage_start, coverage_end, complete, numerator, value, lower_95, upper_95,
       obs_status, suppressed_reason
FROM mart.indicator_value
WHERE area_code = ? AND list_contains(?::VARCHAR[], indicator) ORDER BY ALL"""
_FINDINGS = """
SELECT * FROM mart.finding
WHERE area_code = ? AND dimension = 'all' AND comparison IN ('previous_year', 'peer_rank')
      AND list_contains(?::VARCHAR[], indicator) ORDER BY ALL"""


@dataclass(frozen=True)
class Said:
    """The words for a key, without the mark that stands behind them."""

    words: str
    mark: str = ""

    @property
    def text(self) -> str:
        return f"{self.words} [{self.mark}]" if self.mark else self.words


def of(edition: Edition, year: str, keys: Collection[Key]) -> dict[Key, Said]:
    """What each key stands for in a narrative of a year."""
    known = _Figures(edition, year, sorted({key.indicator for key in keys}))
    return {key: known.said(key) for key in keys}


class _Figures:
    def __init__(self, edition: Edition, year: str, indicators: list[str]) -> None:
        self.registry, self.year = edition.registry, year
        area = edition.facts["area_code"]
        values = edition.rows(_VALUES, [area, indicators]) if indicators else []
        found = edition.rows(_FINDINGS, [area, indicators]) if indicators else []
        self.values = {
            (row["indicator"], row["period"], row["dimension"], row["dimension_value"]): row
            for row in values
        }
        self.findings = {(row["indicator"], row["period"], row["comparison"]): row for row in found}

    def said(self, key: Key) -> Said:
        indicator = self.registry.indicators[key.indicator]
        label = self._label(key)
        if label is None:
            return _none(f"there is none up to {phrases.printed(self.year)}", LACKING)
        said = self._part(key, indicator, label)
        # A figure of another period than the reader takes for granted says of which.
        elsewhere = not key.period and label != self.year and not said.words.startswith("no figure")
        told = key.part not in ("sentence", "previous") and elsewhere
        return Said(f"{said.words} ({phrases.printed(label)})", said.mark) if told else said

    def _part(self, key: Key, indicator: Indicator, label: str) -> Said:
        if key.part in ("change", "sentence"):
            return self._of_change(key, indicator, label)
        if key.part == "rank":
            return self._rank(indicator, label)
        back = key.part == "previous"
        at = period.parse(label).year_before(1).label if back else label
        row = self._row(key, at)
        if row is None:
            return self._not_there(key, at)
        if row["value"] is None:
            return _withheld(row)
        return {"number": _number, "interval": _interval}.get(key.part, _level)(indicator, row)

    def _label(self, key: Key) -> str | None:
        """The period that a key speaks of: its own, the year, or the newest that is no part of
        one and begins before the year ends: a survey of 2015 is one of 2014/15."""
        if key.period:
            return period.parse(key.period).label
        own = [
            row
            for row in self.values.values()
            if row["indicator"] == key.indicator and row["period_kind"] not in SHORT
        ]
        if any(row["period"] == self.year for row in own):
            return self.year
        end = period.parse(self.year).end
        before = [row for row in own if row["period_start"] <= end]
        newest = max(before, key=lambda row: (row["period_end"], row["period"]), default=None)
        return str(newest["period"]) if newest else None

    def _row(self, key: Key, label: str) -> Row | None:
        of = (key.dimension, key.member) if key.dimension else ("all", "all")
        return self.values.get((key.indicator, label, *of))

    def _not_there(self, key: Key, label: str) -> Said:
        when = phrases.printed(label)
        if not key.dimension:
            return _none(f"there is none for {when}", LACKING)
        members = {
            member
            for indicator, at, dimension, member in self.values
            if (indicator, at, dimension) == (key.indicator, label, key.dimension)
        }
        near = _nearest(key.member, members)
        meant = f"; did you mean {near}?" if near else ""
        what = f"{key.dimension.replace('_', ' ')} {key.member}"
        return _none(f"there is no {what} in {when}{meant}", LACKING)

    # --- comparisons -----------------------------------------------------------------------------

    def _of_change(self, key: Key, indicator: Indicator, label: str) -> Said:
        row = self.findings.get((key.indicator, label, "previous_year"))
        if row is None:
            return _none(f"no change is known for {phrases.printed(label)}", LACKING)
        if key.part == "sentence":
            return Said(str(row["sentence"]), _mark_of(row))
        if row["change"] is None:
            return Said(f"not compared: {_why_not(indicator, row)}", _mark_of(row))
        return Said(f"{self._changed(row)}{_notes(row)}", _mark_of(row))

    def _changed(self, row: Row) -> str:
        if row["status"] != "definition_changed":
            return f"{_change(row)} on {_base(row)}{_over(row)}"
        unlike = sentences.unlike(self._broken(row).words or None)
        return f"{_recorded(row)}{_over(row)}, which is {unlike}{_allowing(row)}"

    def _rank(self, indicator: Indicator, label: str) -> Said:
        row = self.findings.get((indicator.indicator, label, "peer_rank"))
        if row is None:
            return _none(f"no rank is known for {phrases.printed(label)}", LACKING)
        if row["rank_high"] is None:
            return Said(f"not ranked: {_why_not(indicator, row)}", _mark_of(row))
        words = _place(row)
        broken = self._broken(row)
        if not broken.material:
            return Said(words)
        unlike = f"not to be set beside the rank before it ({broken.words})"
        return Said(f"{words}; {unlike}", BROKEN)

    def _broken(self, row: Row) -> Broken:
        """The changes of definition in a comparison, in words."""
        ids = str(row["broken_by"] or "").split()
        known = {one.id: one for one in self.registry.changes.changes}
        material = tuple(
            one for one in ids if one not in known or known[one].materiality == "material"
        )
        told = {one: known[one].told for one in ids if one in known}
        return Broken(material, told={**told, **TWO_EDITIONS.told})


# --- levels --------------------------------------------------------------------------------------


def _none(why: str, mark: str) -> Said:
    return Said(f"no figure ({why})", mark)


def _withheld(row: Row) -> Said:
    reason = str(row["suppressed_reason"] or "not known")
    hidden = row["obs_status"] == "C"
    return _none(WHY_NO_VALUE.get(reason, reason), SUPPRESSED if hidden else LACKING)


def _level(indicator: Indicator, row: Row) -> Said:
    """8,560 crimes; 13.6 per 1,000 residents; 47%."""
    value = f"{rounded(row['value'], indicator.decimals)}{phrases.unit(indicator)}"
    return _told(value, row)


def _number(indicator: Indicator, row: Row) -> Said:
    if row["numerator"] is None:
        return _none("its publisher gives none", LACKING)
    return _told(rounded(row["numerator"], 0), row)


def _interval(indicator: Indicator, row: Row) -> Said:
    if row["lower_95"] is None or row["upper_95"] is None:
        return Said("no likely range can be given", LACKING)
    sign = phrases.sign(indicator)
    limits = phrases.between(row["lower_95"], row["upper_95"], indicator.decimals, sign)
    return _told(f"likely {limits}{'' if sign else phrases.unit(indicator)}", row)


def _told(words: str, row: Row) -> Said:
    """With the months that are covered, where it is not the whole period, and its mark."""
    if not row["complete"] and row["coverage_start"] and row["coverage_end"]:
        words += f" ({period.describe_coverage(row['coverage_start'], row['coverage_end'])} only)"
    return Said(words, ESTIMATED if row["obs_status"] == "E" else "")


# --- changes -------------------------------------------------------------------------------------


def _change(row: Row) -> str:
    """Up 5.2% (likely between 3.1% and 7.4%); a direction only beyond chance."""
    change, lower, upper = row["change"], row["change_lower_95"], row["change_upper_95"]
    behind, unit = _units(row)
    if lower is None or upper is None:
        return f"a difference of {_sized(row, signed=True)} ({sentences.NO_VERDICT})"
    if lower <= 0 <= upper:
        limits = phrases.between_signed(lower, upper, CHANGE_DECIMALS, behind)
        return f"no clear change ({_sized(row, signed=True)}, likely {limits}{unit})"
    limits = phrases.between_sizes(lower, upper, CHANGE_DECIMALS, behind)
    return f"{'up' if change > 0 else 'down'} {_sized(row)} (likely {limits}{unit})"


def _recorded(row: Row) -> str:
    """Across a change of definition nothing went up or down: it was recorded."""
    lower, upper = row["change_lower_95"], row["change_upper_95"]
    behind, unit = _units(row)
    if lower is None or upper is None:
        said = f"a difference of {_sized(row, signed=True)} on {_base(row)} in what was recorded"
        return f"{said} ({sentences.NO_VERDICT})"
    limits = f"likely {phrases.between_signed(lower, upper, CHANGE_DECIMALS, behind)}{unit}"
    if lower <= 0 <= upper:
        size = _sized(row, signed=True)
        return f"no clear change on {_base(row)} in what was recorded ({size}, {limits})"
    more, less = ("more", "less") if behind else ("higher", "lower")
    than = f"{more if row['change'] > 0 else less} than in {_base(row)}"
    return f"recorded {_sized(row)} {than} ({limits})"


def _units(row: Row) -> tuple[str, str]:
    """What stands behind each number of a change, and behind the last."""
    return ("%", "") if row["change_unit"] == "percent" else ("", " percentage points")


def _sized(row: Row, signed: bool = False) -> str:
    number = (phrases.signed if signed else phrases.size)(row["change"], CHANGE_DECIMALS)
    behind, _ = _units(row)
    return f"{number}{behind}" if behind else phrases.with_word(number, phrases.POINTS)


def _base(row: Row) -> str:
    return phrases.printed(row["base_period"]) if row["base_period"] else "the other areas"


def _over(row: Row) -> str:
    """The months that are compared, where they are not the whole period."""
    first, last = row["compared_start"], row["compared_end"]
    whole = period.parse(row["period"])
    if not isinstance(first, date) or (first, last) == (whole.start, whole.end):
        return ""
    return f", over {period.describe_coverage(first, last)}"


def _allowing(row: Row) -> str:
    """What is left of a broken change when recording is allowed for."""
    if row["comparable_change"] is None:
        return ""
    like = {
        "change": row["comparable_change"],
        "change_lower_95": row["comparable_lower_95"],
        "change_upper_95": row["comparable_upper_95"],
        "change_unit": "percent",
    }
    afar = AFAR if AFAR in str(row["comparable_note"]) else ""
    return f"; allowing for the change in recording{afar}: {_change(like)}"


def _notes(row: Row) -> str:
    notes = (row["maturity_note"], row["printed_note"])
    return "".join(f"; {note}" for note in notes if note)


def _why_not(indicator: Indicator, row: Row) -> str:
    divisor = indicator.denominator.source.replace("_", " ") if indicator.denominator else ""
    words = sentences.WHY_NOT.get(row["status"], "no like figures").format(
        base=_base(row), divisor=divisor
    )
    return words.removeprefix("no figure: ")


def _mark_of(row: Row) -> str:
    if row["status"] == HIDDEN:
        return SUPPRESSED
    if row["status"] == "definition_changed":
        return BROKEN
    return LACKING if row["change"] is None else ""


# --- ranks and members ---------------------------------------------------------------------------


def _place(row: Row) -> str:
    """2nd highest of 15 (likely between 1st and 3rd highest); position 14 where 1 is best."""
    high, of = row["rank_high"], row["rank_of"]
    end = "lowest" if high == of else phrases.place(high, "highest")
    words = f"{end} of {of}{_over(row)}"
    lower, upper = row["rank_lower_95"], row["rank_upper_95"]
    if lower is not None and upper is not None and lower != upper:
        words += f" (likely between {ordinal(lower)} and {ordinal(upper)} highest)"
    if row["rank_best"] is not None:
        words += f"; position {row['rank_best']} where 1 is best"
    return words


def _nearest(member: str, members: Iterable[str]) -> str | None:
    import difflib

    spelt: Mapping[str, Any] = {one.casefold(): one for one in members}
    near = difflib.get_close_matches(member.casefold(), sorted(spelt), 1)
    return str(spelt[near[0]]) if near else None
