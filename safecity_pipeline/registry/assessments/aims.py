"""The targets of a published assessment: its table of actions, and when each target is met.

Belongs here: reading `targets.toml` strictly. Does not belong here: judging (`targets`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry import entries
from safecity_pipeline.registry.assessments.statements import Claim

WANTS = ("more", "less", "at_least", "better_rank")
UNITS = ("percent", "points")
VERDICTS = ("not_measurable", "not_like_for_like")


@dataclass(frozen=True)
class Aim:
    """One measure of a target. `wants` "more" or "less" than in the period `base`, by `by` where it
    says how much ("percent" of the base, or "points"); "at_least" `by`; a "better_rank" among the
    peers than in `base`. The period judged is the newest one after `base` of the same kind, not
    after the target's date."""

    name: str
    indicator: str
    wants: str
    base: str = ""
    by: float = 0.0
    unit: str = "percent"


@dataclass(frozen=True)
class Target:
    """One line of the table of actions. `claim`: the sentence that states it; `due`: the financial
    year in which it ends. A target that cannot be judged has a `verdict` and its `reason`."""

    target: str
    claim: str
    priority: str
    action: str
    lead_agency: str
    lead_partnership: str
    due: str
    aim: tuple[Aim, ...] = ()
    verdict: str = ""
    reason: str = ""
    caveat: str = ""


def load(
    file: Path, indicators: Mapping[str, Indicator], claims: Sequence[Claim]
) -> tuple[Target, ...]:
    """The targets of one file. Raises Refused by file and entry."""
    name = f"{file.parent.name}/{file.name}"
    known = [one.claim for one in claims]
    return tuple(
        _target(f"{name} [{key}]", key, entry, indicators, known)
        for key, entry in entries.toml(file, name).items()
    )


def _target(
    place: str, key: str, entry: Any, indicators: Mapping[str, Indicator], claims: Sequence[str]
) -> Target:
    needed = entries.required(Target) - {"target"}
    entries.keys(place, entry, entries.names(Target) - {"target"}, needed)
    entries.one_of(place, "claim", entry["claim"], claims)
    aims = tuple(_aim(place, one, indicators) for one in entry.get("aim", ()))
    target = Target(key, **{**entry, "aim": aims})
    if not aims:
        entries.one_of(place, "verdict", target.verdict, VERDICTS)
    if bool(aims) == bool(target.verdict) or (target.verdict and not target.reason):
        rule = "a target has aims, or a verdict and its reason"
        raise Refused(rule, place, repair="add aim = [ … ], or verdict = … and reason = …")
    return target


def _aim(place: str, entry: Any, indicators: Mapping[str, Indicator]) -> Aim:
    entries.keys(place, entry, entries.names(Aim), entries.required(Aim))
    aim = Aim(**entry)
    entries.one_of(place, "indicator", aim.indicator, indicators)
    entries.one_of(place, "wants", aim.wants, WANTS)
    entries.one_of(place, "unit", aim.unit, UNITS)
    try:
        period.parse(aim.base)
    except ValueError as error:
        raise Refused(f"base is not a period: {error}", place, aim.base, "write 2014-15") from None
    if aim.wants == "better_rank" and "peer_rank" not in indicators[aim.indicator].compare:
        rule = "a rank needs an indicator that is ranked"
        raise Refused(rule, place, aim.indicator, 'add "peer_rank" to its compare')
    return aim
