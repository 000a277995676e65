"""Published assessments: each sentence with a number, and how it can be computed.

Belongs here: reading `<year>/claims.toml` strictly, the packaged ones and a deployment's own
`assessments/`, beside its safecity.toml. Does not belong here: computing or judging (`claims`).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused

HERE = Path(__file__).parent
FILE = "claims.toml"
ASSESSMENT = "assessment"
RULES = ("rounded", "over", "just_under", "not_above", "within")
RANKS = ("rank_high", "rank_low", "rank_best")
CHANGES = ("change", "change_of_count", "difference", "change_against_peers")
FIGURES = ("value", "count", *CHANGES, *RANKS, "place_among", "members")
VERDICTS = ("not_computable", "not_comparable")


@dataclass(frozen=True)
class Reading:
    """One way to understand a sentence, as a figure that can be computed.

    `figure`: "value" of the indicator in `period`; "count", its numerator; "change" of the value
    since `base` in per cent, "change_of_count" of the numerator, "difference" in the value's unit;
    "change_against_peers", by how many points the area's change differs from the median of its
    peers'; "rank_high" (1 is the highest), "rank_low" (1 is the lowest), "rank_best" (1 is the
    best by polarity) in the peer group; "place_among", the place of its value among those of the
    indicators listed in `among`, 1 is the highest; "members", how many peers the area has in
    `group`. `area`: a code, where the sentence does not speak of the assessed area.
    """

    name: str
    figure: str
    period: str
    indicator: str = ""
    base: str = ""
    area: str = ""
    group: str = ""
    among: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """One sentence with its number, its readings in the order of likelihood, and when it holds.

    `published` is a number, or "" where the sentence has none. `rule`: "rounded", the figure
    rounded to `decimals` is the number (a half goes up); "over", above it by less than
    `tolerance`; "just_under", below it by no more than that; "not_above"; "within" `tolerance` of
    it. A claim without readings has a `verdict` and its `reason`.
    """

    claim: str
    section: str
    statement: str
    published: str = ""
    unit: str = ""
    rule: str = "rounded"
    decimals: int = 0
    tolerance: float = 1.0
    reading: tuple[Reading, ...] = ()
    verdict: str = ""
    reason: str = ""
    caveat: str = ""

    @property
    def number(self) -> float | None:
        return float(self.published) if self.published else None


@dataclass(frozen=True)
class Assessment:
    """A published document: of which area and year it speaks, and its claims in order."""

    title: str
    area_code: str
    year: str
    claims: tuple[Claim, ...]


def load(indicators: Mapping[str, Indicator], own: Path | None = None) -> tuple[Assessment, ...]:
    """Every assessment, a deployment's `own` folder included. Raises Refused by file and entry."""
    folders = [HERE, *([own] if own else [])]
    files = [file for folder in folders for file in sorted(folder.glob(f"*/{FILE}"))]
    return tuple(_assessment(file, indicators) for file in files)


def _assessment(file: Path, indicators: Mapping[str, Indicator]) -> Assessment:
    name = f"{file.parent.name}/{file.name}"
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"not TOML: {error}", name, repair="mend it at that place") from None
    said = entries.pop(ASSESSMENT, None)
    _keys(f"{name} [{ASSESSMENT}]", said, {"title", "area_code", "year"}, {"title", "area_code"})
    claims = tuple(_claim(f"{name} [{key}]", key, one, indicators) for key, one in entries.items())
    return Assessment(said["title"], said["area_code"], file.parent.name, claims)


def _claim(place: str, key: str, entry: Any, indicators: Mapping[str, Indicator]) -> Claim:
    _keys(place, entry, _names(Claim) - {"claim"}, {"section", "statement"})
    readings = tuple(_reading(place, one, indicators) for one in _listed(place, entry))
    claim = Claim(key, **{**entry, "reading": readings})
    _one_of(place, "rule", claim.rule, RULES)
    if not readings:
        _one_of(place, "verdict", claim.verdict, VERDICTS)
    if bool(readings) == bool(claim.verdict) or (claim.verdict and not claim.reason):
        rule = "a claim has readings, or a verdict and its reason"
        raise Refused(rule, place, repair="add [[reading]], or verdict = … and reason = …")
    try:
        _ = claim.number
    except (TypeError, ValueError):
        repair = 'write it as published = "-31.7", in quotes and without a unit'
        raise Refused("published is a number", place, claim.published, repair) from None
    return claim


def _listed(place: str, entry: Mapping[str, Any]) -> Iterator[Any]:
    listed = entry.get("reading", [])
    if not isinstance(listed, list):
        raise Refused("reading is a list of tables", place, repair="write [[C01.reading]]")
    yield from listed


def _reading(place: str, entry: Any, indicators: Mapping[str, Indicator]) -> Reading:
    _keys(place, entry, _names(Reading), {"name", "figure", "period"})
    reading = Reading(**{**entry, "among": tuple(entry.get("among", ()))})
    _one_of(place, "figure", reading.figure, FIGURES)
    for label in filter(None, (reading.period, reading.base)):
        _period(place, label)
    if (reading.figure in CHANGES) != bool(reading.base):
        rule = "a change has a base, and nothing else has one"
        raise Refused(rule, place, reading.figure, f"{', '.join(CHANGES)} are changes")
    if reading.figure == "members":
        return reading
    for key in (reading.indicator, *reading.among):
        _one_of(place, "indicator", key, indicators)
    if reading.figure in RANKS and "peer_rank" not in indicators[reading.indicator].compare:
        rule = "a rank needs an indicator that is ranked"
        raise Refused(rule, place, reading.indicator, 'add "peer_rank" to its compare')
    return reading


def _period(place: str, label: str) -> None:
    try:
        period.parse(label)
    except ValueError as error:
        raise Refused(f"not a period: {error}", place, label, "write 2014-15") from None


def _names(kind: type) -> set[str]:
    return {one.name for one in fields(kind)}


def _keys(place: str, entry: Any, known: set[str], needed: set[str]) -> None:
    if not isinstance(entry, dict):
        raise Refused("an entry is a table", place, entry, "write it as [C01]")
    for unknown in sorted(set(entry) - known):
        near = difflib.get_close_matches(unknown, known, 1)
        repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        raise Refused("unknown key", place, unknown, repair)
    for missing in sorted(needed - set(entry)):
        raise Refused(f"{missing} is missing", place, repair=f"add {missing} = …")


def _one_of(place: str, what: str, value: object, known: Iterable[str]) -> None:
    listed = list(known)
    if value not in listed:
        near = difflib.get_close_matches(str(value), listed, 1)
        repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(listed)}"
        raise Refused(f"unknown {what}", place, value, repair)
