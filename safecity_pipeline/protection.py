"""More is hidden, until no hidden number follows from all that is shown together.

Belongs here: what else to hide where several sums together say more of a hidden number than its
rule allows. Does not belong here: what follows from a single sum (`disclosure`), how sums are read
from rows (`outsider`), and the audit of what is published (`publish.audit`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pandas as pd

from safecity_pipeline import outsider, shareable
from safecity_pipeline.feasible import EXACT, Line
from safecity_pipeline.outsider import Members, Number, Outsider
from safecity_pipeline.registry import Registry

ROUNDS = 40  # what cannot be protected in so many is left to the audit, which refuses it


def protected(
    shown: pd.DataFrame,
    known: Registry,
    areas: Mapping[str, list[Members]],
    told_before: Callable[[Outsider], object] = lambda one: None,
    given_away: AbstractSet[Number] = frozenset(),
) -> pd.DataFrame:
    """Rows of mart.indicator_value as they may be shared, without those that several sums need to
    give away another. `told_before`: has an outsider read what was published before; `given_away`:
    what follows from that alone, which nothing can protect any more.

    First by itself: what was told before may leave nothing to hide that would protect a number from
    both, and a release has to withstand who has no other.
    """
    shown = _hidden_beside(shown.reset_index(drop=True), known, areas)
    return _hidden_beside(shown, known, areas, told_before, given_away)


def _hidden_beside(
    shown: pd.DataFrame,
    known: Registry,
    areas: Mapping[str, list[Members]],
    told_before: Callable[[Outsider], object] | None = None,
    given_away: AbstractSet[Number] = frozenset(),
) -> pd.DataFrame:
    rows = _plain(shown)
    one = Outsider(known)
    one.read_values(rows)
    if told_before:
        told_before(one)
        if not one.told:
            return shown
    one.add_up(areas)
    judged, hidden = one.judged(), set[int]()
    for _ in range(ROUNDS):
        chosen = _beside(one, judged.narrow.keys() - given_away)
        if not chosen:
            break
        hidden |= {row["row"] for number in chosen for row in one.rows_of[number]}
        judged = one.judged({touched for number in chosen for touched in one.hide(number)})
    return _without(shown, sorted(hidden))


def _plain(shown: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as Python has them, with their place: None for what is missing, dates as dates."""
    asked = shown[list(outsider.VALUE)].copy()
    for name in ("coverage_start", "coverage_end"):
        asked[name] = asked[name].dt.date
    plain = asked.astype(object).where(asked.notna(), None)
    columns = [plain[name].tolist() for name in outsider.VALUE]
    return [
        {**dict(zip(outsider.VALUE, cells, strict=True)), "row": row}
        for row, cells in enumerate(zip(*columns, strict=True))
    ]


def _beside(one: Outsider, narrow: Iterable[Number]) -> list[Number]:
    """What to hide next: for each number that is known too closely another of a sum in which it
    stands, the smallest; one at a time of the numbers that stand in one sum."""
    standing: dict[Number, list[Line]] = {}
    for line in one.lines:
        for number, _ in line.terms:
            standing.setdefault(number, []).append(line)
    chosen: list[Number] = []
    served: set[int] = set()
    for number in sorted(narrow):
        lines = standing.get(number, [])
        if served.isdisjoint(map(id, lines)) and (found := _smallest(one, number, standing)):
            chosen.append(found)
            served |= set(map(id, lines))
    return list(dict.fromkeys(chosen))


def _smallest(
    one: Outsider, number: Number, standing: Mapping[Number, list[Line]]
) -> Number | None:
    """The smallest known number that can be hidden, of the nearest sums that have one: a part
    rather than a whole; to hide a 0, or what was published before, would protect nothing."""
    seen, ring = {number}, [number]
    while ring:
        lines = [line for member in ring for line in standing.get(member, [])]
        terms = dict(term for line in lines for term in line.terms if term[0] not in seen)
        free: list[tuple[bool, float, Number]] = [
            (by < 0, abs(one.ranges[other][0]), other)
            for other, by in terms.items()
            if _can_be_hidden(one, other)
        ]
        if free:
            return min(free)[-1]
        seen |= set(terms)
        ring = [other for other in terms if _is_open(one, other)]
    return None


def _is_open(one: Outsider, number: Number) -> bool:
    low, high = one.ranges[number]
    return high - low > EXACT


def _can_be_hidden(one: Outsider, number: Number) -> bool:
    """Whether a number is shown, is not 0, and was never told before."""
    rows = one.rows_of.get(number, ())
    stands = any(row["suppressed_reason"] is None for row in rows)
    return stands and number not in one.told and one.ranges[number] != (0.0, 0.0)


def _without(shown: pd.DataFrame, rows: list[int]) -> pd.DataFrame:
    """The same with some rows hidden."""
    shown.loc[rows, shareable.FIGURES] = float("nan")
    shown.loc[rows, "obs_status"] = "C"
    shown.loc[rows, "suppressed_reason"] = shareable.WHY
    return shown
