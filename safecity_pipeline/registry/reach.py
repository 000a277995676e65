"""Which indicators a definitional change reaches, and the refusal of one that could reach none.

Belongs here: what an indicator is counted from, as scopes mean it, and what can be told of changes
and series only beside the indicators. Does not belong here: the changes and the terms of a scope
(`changes`), which periods a change breaks (`breaks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry.changes import FILE, Change, Changes

PEERS = "peers"
"""The series of what a peer group is made of: it bears on ranks, and on no value."""


def counted_from(indicator: Indicator) -> frozenset[str]:
    """The sources of its parts: a ratio is touched by what changes in either of them."""
    parts = (indicator.value, indicator.numerator, indicator.denominator)
    return frozenset(part.source for part in parts if part)


def reaches(changes: Changes, change: Change, indicator: Indicator) -> bool:
    """Whether a change reaches what an indicator counts, in the areas that it concerns."""
    return changes.reaches(change, indicator.series, counted_from(indicator))


def reaching_ranks(changes: Changes, indicator: Indicator) -> list[Change]:
    """The changes that a rank of one period cannot be set beside that of another across: of what
    is counted, and of the group."""
    return [
        one
        for one in changes.changes
        if reaches(changes, one, indicator) or changes.reaches(one, PEERS, frozenset())
    ]


def check(changes: Changes, indicators: Mapping[str, Indicator]) -> None:
    """Raises Refused for an indicator's series that is not known; for a series that no indicator
    uses and no reason parks, or that is parked and used; and for a term of a change that names what
    no indicator is counted from."""
    for one in indicators.values():
        changes.named(one.series, f"{one.subject}.toml [{one.indicator}]")
    used = {one.series for one in indicators.values()}
    for name, series in changes.series.items():
        if name not in used and not series.parked:
            rule, repair = "no indicator uses this series", "say in `parked` why, or drop it"
            raise Refused(rule, f"series.csv, {name}", name, repair)
        if name in used and series.parked:
            rule, repair = "an indicator uses this parked series", "leave `parked` blank"
            raise Refused(rule, f"series.csv, {name}", series.parked, repair)
    for change in changes.changes:
        _check_sources(change, indicators.values())


def _check_sources(change: Change, indicators: Iterable[Indicator]) -> None:
    """A source from which nothing is counted, and a series that a supplier has no part in."""
    place = f"{FILE}, {change.id}"
    named = {name for sign, name in change.scope.terms if sign == "@"}
    from_it = [(one, counted_from(one)) for one in indicators]
    for name in sorted(named):
        if not any(name in sources for _, sources in from_it):
            rule = "this term reaches nothing: no indicator is counted from the source"
            raise Refused(rule, place, f"@{name}", "name a source that an indicator asks")
    others = any(sign in ("", "=") for sign, _ in change.scope.terms)
    for sign, name in change.scope.terms:
        if sign != "!" or others:
            continue
        if not any(named & sources and _below(one.series, name) for one, sources in from_it):
            rule = "this term excludes nothing: nothing of the kind is counted from the source"
            raise Refused(rule, place, f"!{name}", "drop it, or name what is counted from it")


def _below(series: str, name: str) -> bool:
    return series == name or series.startswith(f"{name}.")
