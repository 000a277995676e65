"""Figures as an earlier assessment printed them, beside the same figures as they stand.

Belongs here: both figures side by side, in rows and in words; what `safecity keep` keeps. Does not
belong here: the files of what was printed (`registry.published`), what of a figure was extracted
again (`revisions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

from safecity_pipeline import period, sentences
from safecity_pipeline.model import Finding, Indicator, Refused
from safecity_pipeline.registry.indicators import is_percentage
from safecity_pipeline.registry.published import PrintedFigure

FirstPrinted = Mapping[tuple[str, str], PrintedFigure]
"""Area and period → the first assessment's figure of one indicator."""

NOTHING_PRINTED: FirstPrinted = MappingProxyType({})


def of_indicator(figures: Iterable[PrintedFigure], key: str) -> FirstPrinted:
    """What was printed first of an indicator; `figures` with the earliest assessment first."""
    found: dict[tuple[str, str], PrintedFigure] = {}
    for one in figures:
        if one.indicator == key:
            found.setdefault((one.area_code, one.period), one)
    return found


def of_one_kind(figures: Sequence[PrintedFigure], synthetic: bool) -> Sequence[PrintedFigure]:
    """The same. Raises Refused where made-up figures would stand beside real ones."""
    for one in figures:
        if one.synthetic != synthetic:
            kinds = ("real", "synthetic")
            raise Refused(
                f"figures printed from {kinds[one.synthetic]} extracts, and the extracts are "
                f"{kinds[synthetic]}",
                f"published/, assessment {one.assessment}",
                repair="move that file away",
            )
    return figures


# --- beside today's figures ----------------------------------------------------------------------


def noted(indicator: Indicator, finding: Finding, first: FirstPrinted) -> Finding:
    """A comparison with a period of which another figure was printed says so."""
    was = first.get((finding.area_code, finding.base_period or ""))
    if was is None or finding.base_value is None or _in_part(finding):
        return finding
    then, now = (
        sentences.rounded(one, indicator.decimals) for one in (was.value, finding.base_value)
    )
    if then == now:
        return finding
    when = period.parse(was.period).printed
    note = f"for {when} {then} was printed on {sentences.written(was.printed_on)}, and it is {now}"
    return replace(finding, printed_note=f"{note} by the newest extracts")


def _in_part(finding: Finding) -> bool:
    """Whether other months are compared than those of the whole period that was printed."""
    months = finding.compared_months
    return months is not None and months != len(period.parse(finding.period).months)


def rows(
    figures: Iterable[PrintedFigure],
    values: Mapping[tuple[str, str, str], float | None],
    indicators: Mapping[str, Indicator],
    name_of: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """Rows of mart.printed. `values`: today's, by indicator, area and period."""
    for one in figures:
        indicator = indicators[one.indicator]
        value = values.get((one.indicator, one.area_code, one.period))
        told = {
            "indicator": one.indicator,
            "area_code": one.area_code,
            "area_name": name_of[one.area_code],
            "period": one.period,
            "assessment": one.assessment,
            "printed_on": one.printed_on,
            "printed_value": one.value,
            "value": value,
            "change": _change(indicator, one.value, value),
            "change_unit": "percentage points" if is_percentage(indicator) else "percent",
            "synthetic": one.synthetic,
        }
        yield {**told, "sentence": _sentence(indicator, told)}


def _change(indicator: Indicator, then: float, now: float | None) -> float | None:
    """From what was printed to the same rounding of today's figure; None on a printed 0."""
    if now is None:
        return None
    alike = float(sentences.rounded(now, indicator.decimals).replace(",", ""))
    if is_percentage(indicator):
        return alike - then
    return 100 * (alike - then) / then if then else None


def _sentence(indicator: Indicator, told: Mapping[str, Any]) -> str:
    title = indicator.title.removesuffix(f" {indicator.unit}")
    when, edition = (period.parse(told[name]).printed for name in ("period", "assessment"))
    then = f"{sentences.rounded(told['printed_value'], indicator.decimals)} {indicator.unit}"
    day = sentences.written(told["printed_on"])
    said = f"printed as {then} in the assessment of {edition}, on {day}"
    return f"{title}, {told['area_name']}, {when}: {said}; {_now(indicator, told)}."


def _now(indicator: Indicator, told: Mapping[str, Any]) -> str:
    if told["value"] is None:
        return "there is no figure now"
    if told["change"] == 0:
        return "that is how it stands"
    now = f"it stands at {sentences.rounded(told['value'], indicator.decimals)}"
    if told["change"] is None:
        return now
    unit = "%" if told["change_unit"] == "percent" else "percentage points"
    return f"{now} ({sentences.signed(told['change'])} {unit})"


# --- keeping what a release prints ---------------------------------------------------------------


def kept(
    values: Iterable[Mapping[str, Any]],
    indicators: Mapping[str, Indicator],
    year: str,
    day: date,
    synthetic: bool,
) -> list[PrintedFigure]:
    """What an assessment of `year` prints of rows of mart.indicator_value: each figure of a whole
    period that ends in the year, rounded as it is printed."""
    last = period.parse(year)
    return [
        PrintedFigure(
            year, day, row["indicator"], row["area_code"], row["period"], shown, synthetic
        )
        for row in values
        if row["value"] is not None
        and row["complete"]
        and row["dimension"] == "all"
        and last.start <= row["period_end"] <= last.end
        and len(period.parse(row["period"]).months) != 1
        for shown in [_printed(indicators[row["indicator"]], row["value"])]
    ]


def _printed(indicator: Indicator, value: float) -> float:
    return float(sentences.rounded(value, indicator.decimals).replace(",", ""))
