"""Who may see a figure: what an edition of a release must leave out, and why, in words.

    public      what is for the public, once no embargo holds it back
    partners    that, what is under embargo, and what is for the partners of the partnership alone

A figure is for those who may see all of its sources. Disclosure control comes first, and says
nothing of this: it asks whether a number is small, and not whose it is.

Belongs here: the strictest audience of several sources, embargoes on a day, and the reasons. Does
not belong here: who may see a source (the source itself, `registry.audiences`), and the tables of
an edition (`editions`). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Source
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.audiences import AUDIENCES

PUBLIC, PARTNERS, ANALYSTS = AUDIENCES
EMBARGO = "under embargo until"


@dataclass(frozen=True)
class Withheld:
    """What an edition leaves out: sources and indicators, each with its reason."""

    sources: Mapping[str, str]
    indicators: Mapping[str, str]


def strictest(audiences: Iterable[str]) -> str:
    """The audience of a figure that rests on several sources."""
    return max(audiences, key=AUDIENCES.index, default=PUBLIC)


def of_indicator(indicator: Indicator, sources: Mapping[str, Source]) -> str:
    """Who may see the figures of an indicator."""
    return strictest(sources[name].audience for name in reach.counted_from(indicator))


def embargo_of(indicator: Indicator, sources: Mapping[str, Source]) -> date | None:
    """The first day on which the public may see its figures: the last of its sources'."""
    days = [sources[name].embargo_until for name in reach.counted_from(indicator)]
    return max((day for day in days if day), default=None)


def under_embargo(sources: Mapping[str, Source], day: date) -> list[str]:
    """The sources of which the public may not see a figure yet."""
    return [one.name for one in sources.values() if one.embargo_until and day < one.embargo_until]


def withheld(known: Registry, edition: str, day: date) -> Withheld:
    """What an edition, "public" or "partners", of a release of that day leaves out."""
    indicators = {
        key: words
        for key, one in known.indicators.items()
        if (words := why(map(known.sources.__getitem__, reach.counted_from(one)), edition, day))
    }
    sources = {
        name: words for name, one in known.sources.items() if (words := why([one], edition, day))
    }
    return Withheld(sources, indicators)


def why(sources: Iterable[Source], edition: str, day: date) -> str | None:
    """Why an edition does not show what rests on these sources; None where it does. Of several
    reasons the strictest: one that no day ends goes before an embargo."""
    rests_on = sorted(sources, key=lambda one: one.name)
    audience = strictest(one.audience for one in rests_on)
    if AUDIENCES.index(audience) > AUDIENCES.index(edition):
        titles = _titles(one for one in rests_on if one.audience == audience)
        return f"for {audience} only: {titles}"
    days = [one.embargo_until for one in rests_on if one.embargo_until and day < one.embargo_until]
    if edition != PUBLIC or not days:
        return None
    titles = _titles(one for one in rests_on if one.embargo_until == max(days))
    return f"{EMBARGO} {period.describe_coverage(max(days), max(days))}: {titles}"


def strictest_reason(reasons: Collection[str]) -> str:
    """The one reason of what rests on several figures that are left out."""
    return min(reasons, key=in_order)


def in_order(reason: str) -> tuple[int, str]:
    """Sorts reasons, the strictest first."""
    for place, audience in enumerate((ANALYSTS, PARTNERS)):
        if reason.startswith(f"for {audience} only"):
            return place, reason
    return len(AUDIENCES), reason


def _titles(sources: Iterable[Source]) -> str:
    return " and ".join(one.title for one in sources)
