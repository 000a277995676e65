"""Findings in words, as a careful statistician would say them.

Belongs here: wording only. A sentence says "rose" or "fell" only where the interval of the change
excludes no change, names the months where a year is not whole, and says which end a rank counts
from. Does not belong here: deciding anything (`compare`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from safecity_pipeline import period
from safecity_pipeline.model import Indicator

if TYPE_CHECKING:
    from safecity_pipeline.compare import Finding

WHY_NOT = {
    "missing_base": "cannot be compared: there is no figure for {base}",
    "zero_base": "cannot be given as a percentage: the figure for {base} was 0",
    "missing_denominator": "cannot be given as a rate: a population estimate is missing",
    "not_received": "is not known: no extract covers it",
    "no_peer_group": "is not ranked: no peer group is declared for the area",
    "unequal_coverage": "cannot be compared: the areas have no months in common",
    "cannot_tell": "cannot be compared: a count is below 0 after corrections",
}


def worded(indicator: Indicator, finding: Finding) -> Finding:
    """The finding with its sentence."""
    return replace(finding, sentence=_sentence(indicator, finding))


def _sentence(indicator: Indicator, finding: Finding) -> str:
    subject = f"{indicator.title}, {finding.area_name}, {_when(finding)}"
    if finding.rank_high is not None:
        return f"{subject}: {_figure(indicator, finding.value)}, {_rank(finding)}."
    if finding.change is not None:
        return f"{subject}: {_figure(indicator, finding.value)}. {_change(finding)}."
    if finding.comparison == "group_average" and finding.base_value is not None:
        return f"{subject}: {_figure(indicator, finding.value)}, {_against(indicator, finding)}."
    base = period.parse(finding.base_period).printed if finding.base_period else ""
    why = WHY_NOT.get(finding.status, "cannot be compared").format(base=base)
    known = f" ({_figure(indicator, finding.value)})" if finding.value is not None else ""
    return f"{subject}{known}: {why}."


def _when(finding: Finding) -> str:
    whole = period.parse(finding.period)
    if finding.compared_start is None or finding.compared_end is None:
        return whole.printed
    if (finding.compared_start, finding.compared_end) == (whole.start, whole.end):
        return whole.printed
    covered = period.describe_coverage(finding.compared_start, finding.compared_end)
    return f"{covered} (part of {whole.printed})"


def _figure(indicator: Indicator, value: float | None) -> str:
    return (
        "not known" if value is None else f"{rounded(value, indicator.decimals)} {indicator.unit}"
    )


def _change(finding: Finding) -> str:
    assert finding.change is not None and finding.base_period is not None
    unit = " %" if finding.change_unit == "percent" else " percentage points"
    lower, upper = finding.change_lower_95, finding.change_upper_95
    size = f"{rounded(abs(finding.change), 1)}{unit}"
    likely = ""
    if lower is not None and upper is not None:
        likely = f" (likely between {signed(lower)} and {signed(upper)}{unit})"
    since = f" on {_base_when(finding)}"
    if lower is None or upper is None or lower <= 0 <= upper:
        return f"No clear change{since}: {signed(finding.change)}{unit}{likely}"
    return f"{'Up' if finding.change > 0 else 'Down'} {size}{since}{likely}"


def _base_when(finding: Finding) -> str:
    base = period.parse(str(finding.base_period))
    start, end = finding.compared_start, finding.compared_end
    now = period.parse(finding.period)
    if start is None or end is None or (start, end) == (now.start, now.end):
        return base.printed
    return f"the same months of {base.printed}"


def _rank(finding: Finding) -> str:
    high, of = finding.rank_high, finding.rank_of
    place = "highest" if high == 1 else f"{ordinal(high or 0)} highest"
    words = f"{place} of {of}"
    if finding.rank_lower_95 is not None and finding.rank_lower_95 != finding.rank_upper_95:
        words += f" (likely between {finding.rank_lower_95} and {finding.rank_upper_95})"
    if finding.rank_best is not None:
        words += f"; position {finding.rank_best} where 1 is best"
    if finding.status == "unequal_coverage":
        words += "; over the months that all of them cover"
    return words


def _against(indicator: Indicator, finding: Finding) -> str:
    average = _figure(indicator, finding.base_value)
    words = {
        "better": "better than",
        "worse": "worse than",
        "lower": "lower than",
        "higher": "higher than",
    }.get(str(finding.significance), "similar to")
    return f"{words} the group's {average}"


def rounded(value: float, decimals: int) -> str:
    """Half away from zero, as published figures are, with thousands separated."""
    scaled = abs(value) * 10**decimals
    # A figure such as 14.5 must not fall to 14.499999 by its binary form.
    whole = int(scaled + 0.5 + 1e-9)
    text = f"{whole / 10**decimals:,.{decimals}f}"
    return f"-{text}" if value < 0 and whole else text


def signed(value: float) -> str:
    text = rounded(value, 1)
    return text if text.startswith("-") else f"+{text}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"
