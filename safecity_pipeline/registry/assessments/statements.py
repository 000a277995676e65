"""The sentences of a published assessment that have a number, and how each can be computed.

Belongs here: reading `claims.toml` strictly. Does not belong here: computing or judging (`claims`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry import entries

ASSESSMENT = "assessment"
RULES = ("rounded", "over", "just_under", "not_above", "within")
RANKS = ("rank_high", "rank_low", "rank_best")
CHANGES = ("change", "change_of_count", "difference", "change_against_peers")
FIGURES = ("value", "count", *CHANGES, *RANKS, "place_among", "members")
DIRECTION = re.compile(
    r"\b(up|down|rose|ris(es?|en|ing)|fell|fall(s|en|ing)?|(in|de)creas\w+|reduc\w+|improv\w+|worse\w*)\b",
    re.IGNORECASE,
)
VERDICTS = ("not_computable", "not_comparable")


@dataclass(frozen=True)
class Reading:
    """One way to understand a sentence, as a figure that can be computed.

    `figure`: "value" of the indicator in `period`; "count", its numerator; "change" of the value
    since `base` in per cent, "change_of_count" of the numerator, "difference" in the value's unit;
    "change_against_peers", by how many points the change of the area's count differs from the
    median of its peers'; "rank_high" (1 is the highest), "rank_low" (1 is the lowest), "rank_best"
    (1 is the best by polarity) in the peer group; "place_among", the place of its value among those
    of the indicators listed in `among`, 1 is the highest; "members", how many peers the area has in
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
class Wording:
    """How the sentence is drafted for another year. `subject`: what it speaks of, for the middle of
    a sentence ("reports of violent crime"), else the indicator's title; `caveat`: what residents
    must know to read it. Neither may say a direction: that follows from the figures of the year.
    `since`: of a level, the earlier period that the sentence compares it with.
    """

    subject: str = ""
    caveat: str = ""
    since: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence with its number, its readings in the order of likelihood, and when it holds.

    `published` is a number, or "" where the sentence has none. `rule`: "rounded", the figure
    rounded to `decimals` is the number (a half goes up); "over", above it by less than
    `tolerance`; "just_under", below it by no more than that; "not_above"; "within" `tolerance` of
    it. A claim without readings has a `verdict` and its `reason`. `draft`: its words in another
    year.
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
    draft: Wording = Wording()

    @property
    def number(self) -> float | None:
        return float(self.published) if self.published else None


def load(file: Path, indicators: Mapping[str, Indicator]) -> tuple[tuple[Claim, ...], str, str]:
    """The claims of one file, with the title of the document and the code of its area."""
    name = f"{file.parent.name}/{file.name}"
    found = entries.toml(file, name)
    said = found.pop(ASSESSMENT, None)
    entries.keys(f"{name} [{ASSESSMENT}]", said, {"title", "area_code"}, {"title", "area_code"})
    claims = tuple(_claim(f"{name} [{key}]", key, one, indicators) for key, one in found.items())
    return claims, said["title"], said["area_code"]


def _claim(place: str, key: str, entry: Any, indicators: Mapping[str, Indicator]) -> Claim:
    entries.keys(place, entry, entries.names(Claim) - {"claim"}, {"section", "statement"})
    readings = tuple(_reading(place, one, indicators) for one in _listed(place, entry))
    wording = _wording(place, entry.get("draft", {}))
    if wording.since and not (readings and readings[0].figure == "value"):
        rule = "only a level is compared since a period"
        raise Refused(rule, f"{place} draft", wording.since, 'drop it, or read as figure = "value"')
    claim = Claim(key, **{**entry, "reading": readings, "draft": wording})
    entries.one_of(place, "rule", claim.rule, RULES)
    if not readings:
        entries.one_of(place, "verdict", claim.verdict, VERDICTS)
    if bool(readings) == bool(claim.verdict) or (claim.verdict and not claim.reason):
        rule = "a claim has readings, or a verdict and its reason"
        raise Refused(rule, place, repair="add [[reading]], or verdict = … and reason = …")
    try:
        _ = claim.number
    except (TypeError, ValueError):
        repair = 'write it as published = "-31.7", in quotes and without a unit'
        raise Refused("published is a number", place, claim.published, repair) from None
    return claim


def _wording(place: str, entry: Any) -> Wording:
    entries.keys(f"{place} draft", entry, entries.names(Wording), set())
    if "since" in entry:
        _period(f"{place} draft", entry["since"])
    for words in entry.values():
        if found := DIRECTION.search(str(words)):
            rule = "the words of a draft say no direction: that follows from the figures"
            raise Refused(rule, f"{place} draft", found[0], "say what is counted")
    return Wording(**entry)


def _listed(place: str, entry: Mapping[str, Any]) -> Iterator[Any]:
    listed = entry.get("reading", [])
    if not isinstance(listed, list):
        raise Refused("reading is a list of tables", place, repair="write [[C01.reading]]")
    yield from listed


def _reading(place: str, entry: Any, indicators: Mapping[str, Indicator]) -> Reading:
    entries.keys(place, entry, entries.names(Reading), {"name", "figure", "period"})
    reading = Reading(**{**entry, "among": tuple(entry.get("among", ()))})
    entries.one_of(place, "figure", reading.figure, FIGURES)
    for label in filter(None, (reading.period, reading.base)):
        _period(place, label)
    if (reading.figure in CHANGES) != bool(reading.base):
        rule = "a change has a base, and nothing else has one"
        raise Refused(rule, place, reading.figure, f"{', '.join(CHANGES)} are changes")
    if reading.figure == "members":
        return reading
    for key in (reading.indicator, *reading.among):
        entries.one_of(place, "indicator", key, indicators)
    if reading.figure in RANKS and "peer_rank" not in indicators[reading.indicator].compare:
        rule = "a rank needs an indicator that is ranked"
        raise Refused(rule, place, reading.indicator, 'add "peer_rank" to its compare')
    return reading


def _period(place: str, label: str) -> None:
    try:
        period.parse(label)
    except ValueError as error:
        raise Refused(f"not a period: {error}", place, label, "write 2014-15") from None
