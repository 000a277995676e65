"""Waivers: which failing check, or broken comparison, a role accepts until a day, and why.

Belongs here: reading `waivers.toml`, the packaged one and a deployment's own beside its
safecity.toml, and refusing an entry that could mean nothing or name a person. Does not belong here:
what a waiver does to a check or a finding (`safecity_pipeline.waivers`).

An entry accepts either a check (`check`, `source`; `period`, where the check names one) or
comparisons (`indicator`, and `period`, `base_period` or `change`; `comparison`, as previous_year).
What is left out may be anything. `at_most`: so many failed rows of the check are accepted, and no
more; a waiver without it accepts whatever the check finds. `role`: who answers for it, a role and
never a person. `until`: the last day on which it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry import entries

PACKAGED = Path(__file__).parent / "waivers.toml"
EDITIONS = "denominator_vintage"
"""What breaks a comparison beside the changes of the catalogue: two editions of the estimates."""

_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PERSON = re.compile(r"@|\b(mr|mrs|ms|miss|mx|dr|prof|cllr|sir|dame)\b", re.I)
_SAID = {"role", "reason", "accepted_on", "until"}
_OF_CHECK = {"check", "source"}
_MORE_OF_CHECK = {"at_most"}
_OF_FINDING = {"indicator", "comparison", "base_period", "change"}


@dataclass(frozen=True)
class Waiver:
    """One entry; what is None is not asked. `place`: file and entry, for those who must mend it."""

    waiver: str
    place: str
    role: str
    reason: str
    accepted_on: date
    until: date
    check_name: str | None = None
    source: str | None = None
    indicator: str | None = None
    comparison: str | None = None
    period: str | None = None
    base_period: str | None = None
    change_id: str | None = None
    at_most: int | None = None


def load(
    indicators: Mapping[str, Indicator], changes: Collection[str], own: Path | None = None
) -> tuple[Waiver, ...]:
    """Every waiver, the packaged ones first. `changes`: ids of definitional changes; `own`: a
    deployment's folder.

    Raises Refused naming file, entry and repair. Names of checks are known further up only.
    """
    return tuple(
        _waiver(key, entry, place, indicators, {*changes, EDITIONS})
        for key, entry, place in declared(PACKAGED, own)
    )


def declared(packaged: Path, own: Path | None) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Key, entry and place of each entry of a packaged file, and of a deployment's file of the same
    name; a key stands once in both together."""
    seen: dict[str, str] = {}
    for file in [packaged, *([own / packaged.name] if own else [])]:
        for key, entry in entries.toml(file, file.name).items() if file.is_file() else ():
            place = f"{file.name} [{key}]"
            if not _KEY.fullmatch(key):
                rule = "a key is of letters, digits, _ and -"
                raise Refused(rule, place, key, "write it as [late_population]")
            if key in seen:
                raise Refused("declared once", place, key, "give one of the two another key")
            seen[key] = place
            yield key, entry, place


def _waiver(
    key: str,
    entry: Mapping[str, Any],
    place: str,
    indicators: Mapping[str, Indicator],
    changes: Collection[str],
) -> Waiver:
    about_check = isinstance(entry, dict) and "check" in entry
    known = {*_SAID, "period"} | (_OF_CHECK | _MORE_OF_CHECK if about_check else _OF_FINDING)
    entries.keys(place, entry, known, _SAID | (_OF_CHECK if about_check else {"indicator"}))
    made = Waiver(
        key,
        place,
        role(place, "role", entry["role"]),
        text(place, "reason", entry["reason"]),
        day(place, "accepted_on", entry["accepted_on"]),
        day(place, "until", entry["until"]),
        _optional(place, "check", entry),
        _optional(place, "source", entry),
        _optional(place, "indicator", entry),
        _optional(place, "comparison", entry),
        _optional(place, "period", entry, _label),
        _optional(place, "base_period", entry, _label),
        _optional(place, "change", entry),
        _count(place, entry["at_most"]) if "at_most" in entry else None,
    )
    if made.until < made.accepted_on:
        rule = "a waiver ends after it was accepted"
        raise Refused(rule, place, made.until.isoformat(), "mend until, or accepted_on")
    if made.indicator is not None:
        _of_finding(place, made, indicators, changes)
    return made


def _of_finding(
    place: str, made: Waiver, indicators: Mapping[str, Indicator], changes: Collection[str]
) -> None:
    entries.one_of(place, "indicator", made.indicator, indicators)
    compared = indicators[str(made.indicator)].compare
    if made.comparison is not None:
        entries.one_of(place, "comparison of the indicator", made.comparison, compared)
    if made.change_id is not None:
        entries.one_of(place, "definitional change", made.change_id, sorted(changes))
    if not (made.period or made.base_period or made.change_id):
        rule = "a waiver of comparisons says which"
        raise Refused(rule, place, repair="add period, base_period or change")


# --- what the keys may hold ----------------------------------------------------------------------


def text(place: str, what: str, value: object) -> str:
    """Raises Refused for what is no text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{what} is a text", place, value, f'write {what} = "…"')
    return " ".join(value.split())


def role(place: str, what: str, value: object) -> str:
    """A role or a body. Raises Refused for what looks like a person's name or address."""
    said = text(place, what, value)
    if _PERSON.search(said):
        rule = f"{what} is a role or a body, and never a person"
        raise Refused(rule, place, said, "write it as Head of community safety")
    return said


def day(place: str, what: str, value: object) -> date:
    """A day, as TOML has it or as text. Raises Refused for anything else, a moment too."""
    if type(value) is date:
        return value
    entries.day(place, what, value)
    return date.fromisoformat(str(value))


def _count(place: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refused("at_most is a whole number from 1", place, value, "write at_most = 3")
    return value


def _label(place: str, what: str, value: object) -> str:
    said = text(place, what, value)
    try:
        return period.parse(said).label
    except ValueError as error:
        raise Refused(f"{what} is a period: {error}", place, said, "write it as 2014-15") from None


def _optional(
    place: str,
    what: str,
    entry: Mapping[str, Any],
    read: Callable[[str, str, object], str] = text,
) -> str | None:
    return read(place, what, entry[what]) if what in entry else None
