"""Findings in words, as a careful statistician would say them.

Belongs here: wording only. A sentence says "up" or "down" only where the interval of the change
excludes no change, names the months where a year is not whole, and says which end a rank counts
from. Does not belong here: deciding anything (`compare`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

ESTIMATED = "; this rests in part on an estimate of the supplier"
NO_VERDICT = "no interval can be given, so nobody can say whether that is more than chance"


def worded(indicator: Indicator, finding: Finding, standing_in: Sequence[StandIn] = ()) -> Finding:
    """The finding with its sentence; `standing_in`: who is compared in the place of a peer."""
    sentence = _sentence(indicator, finding, standing_in)
    return Finding(**{**vars(finding), "sentence": sentence})  # replace() asks field by field


def _sentence(indicator: Indicator, finding: Finding, standing_in: Sequence[StandIn]) -> str:
    # The figure carries the unit; a title that ends in it would say it twice.
    title = indicator.title.removesuffix(f" {indicator.unit}")
    said = [_figure(indicator, finding.value)] if finding.value is not None else []
    among = finding.rank_high is not None or finding.comparison == "group_average"
    instead = _instead(standing_in) if among and finding.value is not None else ""
    said.append(_said(indicator, finding) + instead + (ESTIMATED if finding.estimated else ""))
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
        return _change(finding) + _broken(finding)
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
    lower, upper = finding.change_lower_95, finding.change_upper_95
    percent = finding.change_unit == "percent"
    unit, short = (" %", " %") if percent else (" percentage points", " points")
    since = f" on {_base_when(finding)}"
    if lower is None or upper is None:
        if finding.change == 0:
            return f"the same figure as for {_base_when(finding)}"
        return f"{signed(finding.change)}{unit}{since} ({NO_VERDICT})"
    likely = f"likely {signed(lower)} to {signed(upper)}{short}"
    if lower <= 0 <= upper:
        return f"no clear change{since} ({signed(finding.change)}{unit}, {likely})"
    return (
        f"{'up' if finding.change > 0 else 'down'} {_size(finding.change)}{unit}{since} ({likely})"
    )


def _broken(finding: Finding) -> str:
    """A caveat where the definition changed in between; what was only noted needs none."""
    if finding.status != "definition_changed":
        return ""
    changes = finding.broken_materially
    return f"; not like for like: what is counted, or how, changed in between ({changes})"


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


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
