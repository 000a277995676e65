"""Findings in words, as a careful statistician would say them.

Belongs here: wording only. A sentence says "up" or "down" only where the interval of the change
excludes no change and no definition changed in between, names the months where a year is not whole,
and says which end a rank counts from. Does not belong here: deciding anything (`compare`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache

from safecity_pipeline import period
from safecity_pipeline.model import Finding, Indicator
from safecity_pipeline.registry.stand_ins import StandIn

WHY_NOT = {
    "missing_base": "no like figure for {base} to compare it with",
    "zero_base": "no percentage change on {base}, when it was 0",
    "missing_denominator": "no figure: the {divisor} figure that it is divided by is missing",
    "not_received": "no figure: no extract covers it",
    "suppressed": "no figure: its publisher suppressed it",
    "not_available": "no figure: its publisher gives none",
    "ambiguous": "no figure: the extracts give several, and do not say which one holds",
    "no_peer_group": "no peer group is declared for the area",
    "no_peer_data": "no other area of its peer group has a figure",
    "unequal_coverage": "the areas of its peer group have no months in common",
    "cannot_tell": "not compared with {base}: corrections put a count below 0 or above its whole",
}

PERCENT = " %"
ESTIMATED = "; this rests in part on an estimate of the supplier"
NO_VERDICT = "no interval can be given, so nobody can say whether that is more than chance"


def worded(indicator: Indicator, finding: Finding, standing_in: Sequence[StandIn] = ()) -> Finding:
    """The finding with its sentence; `standing_in`: who is compared in the place of a peer."""
    sentence = _sentence(indicator, finding, standing_in)
    return Finding(**{**vars(finding), "sentence": sentence})  # replace() asks field by field


def withheld(
    indicator: Indicator, area_name: str, sentence: str, value: float | None, why: str
) -> str:
    """A finding's sentence without what may not be shown of it; `value` where that may be."""
    title = indicator.title.removesuffix(f" {indicator.unit}")
    # Where and when stand before the first colon after the title, which may have one of its own.
    start = len(f"{title}, {area_name}, ")
    told = [] if value is None else [_figure(indicator, value), "the comparison"]
    return f"{sentence[: sentence.index(':', start)]}: {', '.join(told)}{' ' * bool(told)}{why}."


def _sentence(indicator: Indicator, finding: Finding, standing_in: Sequence[StandIn]) -> str:
    # The figure carries the unit; a title that ends in it would say it twice.
    title = indicator.title.removesuffix(f" {indicator.unit}")
    said = [_figure(indicator, finding.value)] if finding.value is not None else []
    among = finding.rank_high is not None or finding.comparison == "group_average"
    instead = _instead(standing_in) if among and finding.value is not None else ""
    behind = (ESTIMATED if finding.estimated else "") + _unsettled(finding)
    said.append(_said(indicator, finding) + instead + behind)
    return f"{title}, {finding.area_name}, {_when(finding)}: {', '.join(said)}."


def _instead(standing_in: Sequence[StandIn]) -> str:
    """For Eastbourne and Watford their counties: East Sussex is another place than Eastbourne."""
    if not standing_in:
        return ""
    peers = listed(one.peer_name for one in standing_in)
    counties = list(dict.fromkeys(one.name for one in standing_in))
    whose = "its county" if len(standing_in) == 1 else "their counties"
    if len(standing_in) > 1 and len(counties) == 1:
        whose = "their county"
    return f"; for {peers} {whose} {listed(counties)}"


def listed(names: Iterable[str]) -> str:
    """A, B and C."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _said(indicator: Indicator, finding: Finding) -> str:
    if finding.rank_high is not None:
        return _rank(indicator, finding)
    if finding.change is not None:
        broken = finding.status == "definition_changed"
        return _recorded(finding) if broken else _change(finding)
    if finding.comparison == "group_average" and finding.base_value is not None:
        return _against(indicator, finding)
    divisor = indicator.denominator.source.replace("_", " ") if indicator.denominator else ""
    return WHY_NOT.get(_why(finding), "not compared").format(
        base=_base_when(finding), divisor=divisor
    )


def _why(finding: Finding) -> str:
    """A figure whose base alone has no denominator is there, but has nothing to stand against."""
    if finding.status == "missing_denominator" and finding.value is not None:
        return "missing_base"
    return finding.status


@cache
def _printed(label: str) -> str:
    """A hundred labels come back in thousands of findings, and a period is slow to make."""
    return period.parse(label).printed


@cache
def _length(label: str) -> int:
    """How many months a period has."""
    return len(period.parse(label).months)


def _when(finding: Finding) -> str:
    start, end, months = finding.compared_start, finding.compared_end, finding.compared_months
    if start is None or end is None or months is None or _is_whole(finding):
        return _printed(finding.period)
    covered = period.describe_coverage(start, end)
    spanned = (end.year - start.year) * 12 + end.month - start.month + 1
    return covered if months == spanned else f"{covered} ({months} of these {spanned} months)"


def _is_whole(finding: Finding) -> bool:
    """Every month of the period is compared, or the finding does not say which are."""
    return finding.compared_months in (None, _length(finding.period))


def _figure(indicator: Indicator, value: float) -> str:
    return f"{rounded(value, indicator.decimals)} {indicator.unit}"


def _change(finding: Finding) -> str:
    assert finding.change is not None
    unit, since, likely = _unit(finding), f" on {_base_when(finding)}", _likely(finding)
    if finding.change_lower_95 is None or finding.change_upper_95 is None:
        if finding.change == 0:
            return f"the same figure as for {_base_when(finding)}"
        return f"{signed(finding.change)}{unit}{since} ({likely})"
    if _unclear(finding):
        return f"no clear change{since} ({signed(finding.change)}{unit}, {likely})"
    return (
        f"{'up' if finding.change > 0 else 'down'} {_size(finding.change)}{unit}{since} ({likely})"
    )


def _recorded(finding: Finding) -> str:
    """Across a change of definition: what was recorded, in which nothing went up or down."""
    assert finding.change is not None
    unit, since, likely = _unit(finding), _base_when(finding), _likely(finding)
    different = f"which is {unlike(finding.broken_materially)}"
    if _unclear(finding):
        size = f"{signed(finding.change)}{unit}"
        return f"no clear change on {since} in what was recorded ({size}, {likely}), {different}"
    if finding.change == 0:
        return f"the same figure as was recorded for {since} ({likely}), {different}"
    more, less = ("more", "less") if unit == PERCENT else ("higher", "lower")
    size = f"{_size(finding.change)}{unit} {more if finding.change > 0 else less}"
    return f"recorded {size} than in {since} ({likely}), {different}"


def _unit(finding: Finding) -> str:
    return PERCENT if finding.change_unit == "percent" else " percentage points"


def _likely(finding: Finding) -> str:
    lower, upper = finding.change_lower_95, finding.change_upper_95
    if lower is None or upper is None:
        return NO_VERDICT
    short = PERCENT if finding.change_unit == "percent" else " points"
    return f"likely {signed(lower)} to {signed(upper)}{short}"


def _unclear(finding: Finding) -> bool:
    """Whether the interval of the change includes no change."""
    lower, upper = finding.change_lower_95, finding.change_upper_95
    return lower is not None and upper is not None and lower <= 0 <= upper


def unlike(changes: str | None) -> str:
    """Why two figures are not like for like; `changes`: in words, where they are known."""
    why = "not like for like: what is counted, or how, changed in between"
    return f"{why} ({changes})" if changes else why


def _unsettled(finding: Finding) -> str:
    """A caveat where the two figures had unequal time to settle, or the base moved since."""
    notes = (finding.maturity_note, finding.printed_note)
    return "".join(f"; {note}" for note in notes if note)


def _size(change: float) -> str:
    size = rounded(abs(change), 1)
    return "less than 0.1" if size == "0.0" else size


def _base_when(finding: Finding) -> str:
    if finding.base_period is None:
        return "the other areas"
    base = _printed(finding.base_period)
    return (
        base if _is_whole(finding) or finding.base_value is None else f"the same months of {base}"
    )


def _rank(indicator: Indicator, finding: Finding) -> str:
    words = f"{_place(finding)} of {finding.rank_of}"
    lower, upper = finding.rank_lower_95, finding.rank_upper_95
    if lower is not None and upper is not None and lower != upper:
        span = f"{ordinal(lower)} to {ordinal(upper)} highest"
        words += f" ({span}, by rounding alone)" if indicator.rounded_to else f" (likely {span})"
    if finding.rank_best is not None:
        words += f"; position {finding.rank_best} where 1 is best"
    if finding.status == "unequal_coverage":
        words += "; over the months that all of them cover"
    return words + _without(finding)


def _place(finding: Finding) -> str:
    """Which end a rank counts from; the last place has nobody beside it and is the lowest."""
    high = finding.rank_high or 0
    if high == finding.rank_of:
        return "lowest"
    return "highest" if high == 1 else f"{ordinal(high)} highest"


def _without(finding: Finding) -> str:
    lacking = (finding.group_size or 0) - (finding.rank_of or 0)
    if lacking <= 0:
        return ""
    return f"; {lacking} of the group's {finding.group_size} areas {_have(lacking)} no figure"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _against(indicator: Indicator, finding: Finding) -> str:
    assert finding.base_value is not None
    average = rounded(finding.base_value, indicator.decimals)
    words = {
        "better": "better than ",
        "worse": "worse than ",
        "lower": "lower than ",
        "higher": "higher than ",
        "same": "similar to ",
        "similar": "similar to ",
    }.get(str(finding.significance), "not compared with ")
    return f"{words}the peer group's {average}"


def rounded(value: float, decimals: int) -> str:
    """Half away from zero, as published figures are, with thousands separated."""
    scaled = abs(value) * 10**decimals
    # A figure such as 14.5 must not fall to 14.499999 by its binary form.
    whole = int(scaled + 0.5 + 1e-9)
    text = f"{whole / 10**decimals:,.{decimals}f}"
    return f"-{text}" if value < 0 and whole else text


def signed(value: float) -> str:
    """With its sign, to one decimal; what rounds to nothing has none."""
    text = rounded(value, 1)
    return text if text.startswith("-") or text == "0.0" else f"+{text}"


def written(day: date) -> str:
    """A day for readers: 1 April 2014."""
    return f"{day.day} {day:%B %Y}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
