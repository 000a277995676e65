"""Tables of small areas that nobody may see until somebody has signed for them.

Belongs here: which tables those are (wards and LSOAs of domestic abuse and of young people), what a
deployment's sign-off lets out, and that one which lets nothing out is refused. Does not belong
here: numbers that are too small (`disclosure`), which are hidden in a table that is signed off too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import SignOff

SMALL_AREAS = ("ward", "lsoa")
"""First word of the name of a breakdown."""


@dataclass(frozen=True)
class Topic:
    """What makes an indicator one of a topic: the subject under which it is declared, a term of its
    series, a source that it rests on, or a column that its conditions ask for."""

    name: str
    subjects: tuple[str, ...]
    terms: tuple[str, ...]
    sources: tuple[str, ...]
    columns: tuple[str, ...]

    def has(self, one: Indicator) -> bool:
        parts = [part for part in (one.value, one.numerator, one.denominator) if part]
        asked = {word for part in parts for word in re.findall(r"\w+", part.where)}
        return bool(
            one.subject in self.subjects
            or {*one.series.split(".")} & {*self.terms}
            or {part.source for part in parts} & {*self.sources}
            or asked & {*self.columns}
        )


TOPICS = (
    Topic(
        "domestic abuse",
        subjects=("domestic_abuse",),
        terms=("domestic_abuse", "domestic_abuse_arrests", "marac"),
        sources=("marac", "perpetrator_programme"),
        columns=("domestic_abuse",),
    ),
    Topic(
        "young people",
        subjects=("youth", "youth_service"),
        terms=("youth", "met_children"),
        sources=(
            *("youth_offending", "youth_justice", "youth_summary"),
            *("looked_after_children", "children_cautioned", "programme"),
        ),
        columns=("child", "child_sex", "looked_after"),
    ),
)


def topic(indicator: Indicator) -> Topic | None:
    """The topic of which an indicator is, if of any whose small areas are withheld."""
    return next((one for one in TOPICS if one.has(indicator)), None)


def is_small_area(dimension: str) -> bool:
    """Whether a breakdown is one by small areas: ward, lsoa, lsoa_code …"""
    return dimension.partition("_")[0] in SMALL_AREAS


def by_indicator(
    known: Registry, signed_off: Iterable[SignOff] = ()
) -> dict[str, tuple[Topic, list[str]]]:
    """The indicators that are taken apart by small areas for which nobody has signed: the topic,
    and those breakdowns."""
    let_out = {(one.indicator, dimension) for one in signed_off for dimension in one.dimensions}
    found = {}
    for key, indicator in known.indicators.items():
        kinds = [one for one in indicator.by if is_small_area(one) and (key, one) not in let_out]
        if kinds and (of := topic(indicator)):
            found[key] = of, kinds
    return found


def proven(known: Registry, signed_off: Iterable[SignOff]) -> Registry:
    """What is declared, if every sign-off lets something out. Raises Refused."""
    withheld = by_indicator(known)
    for one in signed_off:
        _, kinds = withheld.get(one.indicator, (None, []))
        for dimension in one.dimensions:
            if dimension not in kinds:
                raise Refused(
                    "a sign-off names a table of small areas that is withheld",
                    f"sign_off.{one.indicator}",
                    dimension,
                    f"withheld of it: {', '.join(kinds) or 'nothing'}",
                )
    return known


def without(
    values: pd.DataFrame, withheld: Mapping[str, tuple[Topic, list[str]]], figures: list[str]
) -> pd.DataFrame:
    """Rows of mart.indicator_value without the figures of withheld tables."""
    shown = values.reset_index(drop=True)
    for key, (found, kinds) in withheld.items():
        off = (shown["indicator"] == key) & shown["dimension"].isin(kinds)
        shown.loc[off, figures] = float("nan")
        shown.loc[off, "obs_status"] = "C"
        shown.loc[off, "suppressed_reason"] = why(found)
    return shown


def why(found: Topic) -> str:
    """The reason that stands in the place of a withheld figure."""
    return f"withheld: small areas of {found.name}, which nobody has signed off"
