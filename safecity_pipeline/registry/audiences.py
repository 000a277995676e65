"""Who may see the figures of a source, and from which day on, where a deployment says otherwise.

Belongs here: reading `[audience]` and `[embargo]` of a safecity.toml, and refusing what names no
source, audience or day. Does not belong here: what is left out of an edition because of it
(`safecity_pipeline.audiences`), and the settings in the same file (`settings`).

    [audience]
    police_crime = "partners"

    [embargo]
    treatment = 2015-12-01      # the first day on which the public may see it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from safecity_pipeline.model import Refused, Source
from safecity_pipeline.registry import entries

AUDIENCES = ("public", "partners", "analysts")
"""From the widest to the strictest: each may see what those before it may."""
Said = tuple[Mapping[str, str], Mapping[str, date]]


def said(config: Path | None, sources: Mapping[str, Source]) -> Said:
    """Source → audience, and source → first day for the public, of a deployment's own settings.

    Raises Refused naming file, table and the nearest name for whatever is not understood.
    """
    if config is None or not config.is_file():
        return {}, {}
    found = entries.toml(config, config.name)
    audiences = _table(found, "audience", config.name, sources)
    embargoes = _table(found, "embargo", config.name, sources)
    for source, audience in audiences.items():
        entries.one_of(f"{config.name} [audience] {source}", "audience", audience, AUDIENCES)
    for source, day in embargoes.items():
        if type(day) is not date:
            place = f"{config.name} [embargo] {source}"
            raise Refused("an embargo ends on a day", place, day, f"write {source} = 2015-12-01")
    return audiences, embargoes


def _table(
    found: Mapping[str, Any], name: str, file: str, sources: Mapping[str, Source]
) -> dict[str, Any]:
    table = found.get(name, {})
    place = f"{file} [{name}]"
    if not isinstance(table, dict):
        raise Refused("one line a source", place, table, f"write [{name}], and below it source = …")
    for source in table:
        entries.one_of(place, "source", source, sources)
    return dict(table)


def bind(sources: Mapping[str, Source], told: Said) -> dict[str, Source]:
    """The sources, with what a deployment says of them."""
    audiences, embargoes = told
    return {
        name: replace(
            source,
            audience=audiences.get(name, source.audience),
            embargo_until=embargoes.get(name, source.embargo_until),
        )
        for name, source in sources.items()
    }
