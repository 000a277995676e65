"""What the report of an assessment shows, and in which order.

Belongs here: reading `report.toml`, beside the claims of an assessment, strictly. Does not belong
here: making the report (`publish.report`), or what an indicator, a sentence or a target is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry import entries
from safecity_pipeline.registry.assessments.aims import Target
from safecity_pipeline.registry.assessments.statements import Claim

KEY = re.compile(r"[a-z][a-z_]*")


@dataclass(frozen=True)
class Board:
    """What a board looks for first, each a list of indicators. `types`: the lines of its table, in
    order; `months`: drawn by month, the first on page one; `peers`: drawn beside the most similar
    areas, the first on page one; `funnels`: drawn against the size of these areas; `years`: small
    pictures of each year's level."""

    types: tuple[str, ...]
    months: tuple[str, ...]
    peers: tuple[str, ...]
    funnels: tuple[str, ...] = ()
    years: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A priority, or what residents say: its sentences, and the indicators that are drawn with the
    table behind them. Targets stand in the part whose `title` is their priority. `key`: the word
    by which other files name the part."""

    key: str
    title: str
    claims: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaflet:
    """The sentences that residents are sent, as few as two pages hold."""

    facts: tuple[str, ...]
    residents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outline:
    """The whole report: page one, the priorities in order, residents' views, and the leaflet."""

    board: Board
    parts: tuple[Part, ...]
    residents: Part
    leaflet: Leaflet


def load(
    file: Path,
    indicators: Mapping[str, Indicator],
    claims: Sequence[Claim],
    targets: Sequence[Target],
) -> Outline:
    """The outline of one file. Raises Refused by file and entry."""
    name = f"{file.parent.name}/{file.name}"
    found = entries.toml(file, name)
    entries.keys(
        name,
        found,
        {"board", "priority", "residents", "leaflet"},
        entries.names(Outline) - {"parts"},
    )
    known = [one.claim for one in claims]
    board = Board(**_listed(f"{name} [board]", found["board"], Board, indicators, "indicator"))
    _ranked(f"{name} [board]", (*board.peers, *board.funnels), indicators)
    parts = tuple(
        _part(f"{name} [[priority]] {number}", entry, indicators, known)
        for number, entry in enumerate(found.get("priority", ()), start=1)
    )
    residents = {"key": "residents", **found["residents"]}
    outline = Outline(
        board,
        parts,
        _part(f"{name} [residents]", residents, indicators, known),
        Leaflet(**_listed(f"{name} [leaflet]", found["leaflet"], Leaflet, known, "claim")),
    )
    _complete(name, outline, targets)
    return outline


def _listed(
    place: str, entry: Any, kind: type, known: Iterable[str], what: str
) -> dict[str, tuple[str, ...]]:
    """The keys of an entry, each a list of known words that holds none twice."""
    entries.keys(place, entry, entries.names(kind), entries.required(kind))
    return {key: _words(f"{place} {key}", listed, known, what) for key, listed in entry.items()}


def _words(place: str, listed: Any, known: Iterable[str], what: str) -> tuple[str, ...]:
    if not isinstance(listed, list):
        raise Refused(f"not a list of keys ({what})", place, listed, 'write it as ["…", "…"]')
    for word in listed:
        entries.one_of(place, what, word, known)
        if listed.count(word) > 1:
            raise Refused("a list names each once", place, word, "drop the second")
    return tuple(listed)


def _ranked(place: str, listed: Iterable[str], indicators: Mapping[str, Indicator]) -> None:
    for key in listed:
        if "peer_rank" not in indicators[key].compare:
            rule = "an indicator beside the most similar areas is one that is ranked"
            raise Refused(rule, place, key, 'add "peer_rank" to its compare, or drop it here')


def _part(
    place: str, entry: Any, indicators: Mapping[str, Indicator], claims: Sequence[str]
) -> Part:
    entries.keys(place, entry, entries.names(Part), entries.required(Part))
    if not KEY.fullmatch(str(entry["key"])):
        raise Refused("key is a word in small letters", place, entry["key"], 'write key = "crime"')
    return Part(
        key=entry["key"],
        title=str(entry["title"]),
        claims=_words(f"{place} claims", entry.get("claims", []), claims, "claim"),
        shows=_words(f"{place} shows", entry.get("shows", []), indicators, "indicator"),
    )


def _complete(name: str, outline: Outline, targets: Sequence[Target]) -> None:
    """No target falls between the parts, and no two parts have one name."""
    keys = [part.key for part in (*outline.parts, outline.residents)]
    for key in keys:
        if keys.count(key) > 1:
            raise Refused("two parts of a report have one key", name, key, "rename one of them")
    titles = [part.title for part in outline.parts]
    for target in targets:
        entries.one_of(
            f"{name} [[priority]] title", f"priority of {target.target}", target.priority, titles
        )
