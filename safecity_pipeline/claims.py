"""Published sentences, recomputed: each claim of an assessment from values and findings.

Belongs here: what a reading's figure is, and the verdict on a claim. Does not belong here: the
claims (`registry.assessments`), values (`measure`), ranks and changes as such (`compare`).

The verdict judges arithmetic alone: a claim can be reproduced and be across a change of definition
all the same; that is its comparability.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from safecity_pipeline import breaks, period
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Check, CheckSpec, Row
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.statements import CHANGES, RANKS, Claim, Reading

REPRODUCED, DIFFERS, NOT_COMPUTABLE = "reproduced", "differs", "not_computable"
CHECK = CheckSpec(
    "claims_reproduced",
    "every sentence of the published assessment whose extracts are here comes out as published",
)
ABOUT = "claims"
AGAINST_PEERS = "change_against_peers"
OF_COUNTS = ("change_of_count", AGAINST_PEERS)
WHOLE = "comparable"  # status of a rank in which every area has its whole period

BrokenBy = Callable[[str, str, Days, Days], Broken]
"""Changes of definition by indicator, area, earlier and later days."""


@dataclass(frozen=True)
class Figures:
    """What claims are computed from: rows of mart.indicator_value by indicator, area and period,
    rows of mart.finding with ranks likewise, the peers of an area in a group on a day."""

    area_code: str
    values: Mapping[tuple[str, str, str], Row]
    ranks: Mapping[tuple[str, str, str], Row]
    groups: Mapping[str, str]
    peers: Callable[[str, str], Sequence[str]]
    broken_by: BrokenBy


@dataclass(frozen=True)
class Computed:
    """A reading's figure with its limits and what it rests on, or why there is none."""

    reading: Reading
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    why: str = ""
    note: str = ""

    def told(self) -> str:
        """The reading in words, with its figure."""
        if self.value is None:
            return f"{self.reading.name}: {self.why}"
        return f"{self.reading.name}: {self.value:.4g}{self.note}"


def figures(
    area_code: str,
    values: pd.DataFrame,
    findings: pd.DataFrame,
    groups: Mapping[str, str],
    peers: Callable[[str, str], Sequence[str]],
    broken_by: BrokenBy,
) -> Figures:
    """What claims are computed from. `groups`: indicator → peer group."""
    ranked = findings[findings["comparison"] == "peer_rank"]
    return Figures(area_code, _by_key(values), _by_key(ranked), groups, peers, broken_by)


def indicators_of(assessments: Iterable[Assessment]) -> list[str]:
    """The indicators that any claim rests on."""
    readings = [
        reading
        for assessment in assessments
        for claim in assessment.claims
        for reading in claim.reading
    ]
    return sorted({key for one in readings for key in (one.indicator, *one.among) if key})


def _by_key(rows: pd.DataFrame) -> dict[tuple[str, str, str], Row]:
    whole = rows[rows["dimension"] == "all"].astype(object)
    plain: list[dict[str, Any]] = whole.where(whole.notna(), None).to_dict("records")  # type: ignore[assignment]
    return {(r["indicator"], r["area_code"], r["period"]): r for r in plain}


def of(assessments: Iterable[Assessment], known: Figures, synthetic: bool) -> list[Row]:
    """Rows of mart.claim: every claim about the assessed area."""
    return [
        _row(claim, known, synthetic)
        for assessment in assessments
        if assessment.area_code == known.area_code
        for claim in assessment.claims
    ]


def check(rows: Sequence[Row]) -> Check:
    """Warns of each claim that differs, by its sentence."""
    off = [row for row in rows if row["verdict"] == DIFFERS]
    words = "; ".join(
        f"{row['claim']} “{row['statement']}”: published {row['published']}, "
        f"computed {row['computed']:.4g}"
        for row in off
    )
    holds = sum(row["verdict"] == REPRODUCED for row in rows)
    return Check(
        ABOUT,
        CHECK.name,
        not off,
        words or f"{holds} of {len(rows)} claims are reproduced, none differs",
        failed_rows=len(off),
    )


# --- one claim ---------------------------------------------------------------------------------


def _row(claim: Claim, known: Figures, synthetic: bool) -> Row:
    computed = [_compute(reading, known) for reading in claim.reading]
    there = [one for one in computed if one.value is not None]
    holding = [one for one in there if holds(claim, one.value)]
    chosen = next(iter([*holding, *there]), None)
    broken = _broken(chosen.reading, known) if chosen else None
    return {
        "claim": claim.claim,
        "section": claim.section,
        "statement": claim.statement,
        "published": claim.published or None,
        "computed": chosen.value if chosen else None,
        "computed_lower_95": chosen.lower if chosen else None,
        "computed_upper_95": chosen.upper if chosen else None,
        "unit": claim.unit or None,
        "verdict": _verdict(claim, there, holding),
        "reason": _reason(claim, computed, holding),
        "comparability": _comparability(broken),
        "broken_by": " ".join(broken.ids) or None if broken else None,
        "indicator": chosen.reading.indicator or None if chosen else _first_indicator(claim),
        "reading": chosen.reading.name if chosen else None,
        "synthetic": synthetic,
    }


def _first_indicator(claim: Claim) -> str | None:
    return next((one.indicator for one in claim.reading if one.indicator), None)


def _verdict(claim: Claim, there: Sequence[Computed], holding: Sequence[Computed]) -> str:
    if not claim.reading:
        return claim.verdict
    if not there or claim.number is None:
        return NOT_COMPUTABLE
    return REPRODUCED if holding else DIFFERS


def _reason(claim: Claim, computed: Sequence[Computed], holding: Sequence[Computed]) -> str | None:
    """Why it is not computable; else the other readings side by side, and what to mind."""
    if not claim.reading:
        return claim.reason
    by = f"reproduced by: {holding[0].reading.name}{holding[0].note}" if holding else ""
    others = "; ".join(one.told() for one in computed if one not in holding[:1])
    beside = f"other readings: {others}" if by and others else others
    return ". ".join(filter(None, [by, beside, claim.caveat])) or None


def _comparability(broken: Broken | None) -> str | None:
    if broken is None:
        return None
    return "definition_changed" if broken.material else "comparable"


def _broken(reading: Reading, known: Figures) -> Broken | None:
    """The changes of definition in a change, of every area that it rests on, and two editions of
    its denominator; None where nothing is compared over time."""
    if reading.figure not in CHANGES:
        return None
    earlier, later = (period.parse(label) for label in (reading.base, reading.period))
    days = [Days(one.start, one.end) for one in (earlier, later)]
    areas = [reading.area or known.area_code]
    if reading.figure == AGAINST_PEERS:
        areas += known.peers(known.groups.get(reading.indicator, ""), reading.period)
    found = [known.broken_by(reading.indicator, area, *days) for area in areas]
    return breaks.together([*found, _two_editions(reading, known, areas[0])])


def _two_editions(reading: Reading, known: Figures, area: str) -> Broken:
    """Two values that were divided by different editions of the estimates differ in definition; a
    change of counts does not look at what they are divided by."""
    if reading.figure in OF_COUNTS:
        return Broken()
    rows = [known.values[reading.indicator, area, one] for one in (reading.base, reading.period)]
    one, other = (row["denominator_vintage"] for row in rows)
    return breaks.TWO_EDITIONS if one != other else Broken()


def holds(claim: Claim, value: float | None) -> bool:
    """Whether a figure is what the sentence says. False where either has no number."""
    number, slack = claim.number, claim.tolerance
    if number is None or value is None:
        return False
    # Ten digits are enough for any figure, and not so many that 25.5 is a little less.
    value = round(value, 10)
    if claim.rule == "rounded":
        half = 0.5 / 10**claim.decimals
        return bool(round(number - half, 10) <= value < round(number + half, 10))
    if claim.rule == "over":
        return number < value <= number + slack
    if claim.rule == "just_under":
        return number - slack <= value < number
    if claim.rule == "not_above":
        return value <= number
    return abs(value - number) <= slack


# --- one reading -------------------------------------------------------------------------------


def _compute(reading: Reading, known: Figures) -> Computed:
    area = reading.area or known.area_code
    try:
        if reading.figure == "members":
            return Computed(reading, float(len(known.peers(reading.group, reading.period))))
        if reading.figure in RANKS:
            return _rank(reading, known, area)
        if reading.figure == "place_among":
            return Computed(reading, _place_among(reading, known, area))
        if reading.figure == AGAINST_PEERS:
            return _against_peers(reading, known, area)
        if reading.figure in CHANGES:
            return Computed(reading, _change(reading, known, area))
        return _level(reading, known, area)
    except LookupError as missing:
        return Computed(reading, why=str(missing.args[0]))


def _whole(known: Figures, indicator: str, area: str, label: str) -> Row:
    """The value's row. Raises LookupError, saying why, where there is none of the whole period."""
    row = known.values.get((indicator, area, label))
    if row is None:
        raise LookupError(f"{indicator} has no figure for {label}")
    if row["value"] is None:
        raise LookupError(f"{indicator} {label}: {row['suppressed_reason']}")
    if not row["complete"]:
        raise LookupError(f"{indicator} {label}: the extracts cover only a part of it")
    return row


def _level(reading: Reading, known: Figures, area: str) -> Computed:
    row = _whole(known, reading.indicator, area, reading.period)
    if reading.figure == "count":
        return Computed(reading, _number(row, "numerator", reading))
    return Computed(reading, row["value"], row["lower_95"], row["upper_95"])


def _number(row: Row, column: str, reading: Reading) -> float:
    if row[column] is None:
        raise LookupError(f"{reading.indicator} {row['period']}: no {column} is known")
    return float(row[column])


def _change(reading: Reading, known: Figures, area: str) -> float:
    column = "numerator" if reading.figure in OF_COUNTS else "value"
    now, base = (
        _number(_whole(known, reading.indicator, area, label), column, reading)
        for label in (reading.period, reading.base)
    )
    if reading.figure == "difference":
        return now - base
    if not base:
        raise LookupError(f"{reading.indicator} {reading.base}: nothing can be divided by 0")
    return 100 * (now - base) / base


def _against_peers(reading: Reading, known: Figures, area: str) -> Computed:
    """By how many points the change of the area's count is above the median of its peers'. Raises
    LookupError where fewer than half of them have a figure for both periods."""
    peers = known.peers(known.groups.get(reading.indicator, ""), reading.period)
    changes = list(_changes_of(reading, known, peers))
    if 2 * len(changes) < len(peers) or not changes:
        raise LookupError(
            f"{reading.indicator}: {len(changes)} of {len(peers)} peers have a figure for both"
        )
    rose = sum(change > 0 for change in changes)
    note = f" ({rose} of {len(changes)} peers rose, {len(peers)} in the group)"
    return Computed(reading, _change(reading, known, area) - median(changes), note=note)


def _changes_of(reading: Reading, known: Figures, areas: Sequence[str]) -> Iterator[float]:
    for area in areas:
        try:
            yield _change(reading, known, area)
        except LookupError:
            continue


def _rank(reading: Reading, known: Figures, area: str) -> Computed:
    row = known.ranks.get((reading.indicator, area, reading.period))
    if row is None or row["rank_high"] is None:
        raise LookupError(f"{reading.indicator} has no rank for {reading.period}")
    if row["status"] != WHOLE:
        raise LookupError(
            f"{reading.indicator} {reading.period}: ranked is a part: {row['status']}"
        )
    if reading.figure == "rank_high":
        return Computed(reading, row["rank_high"], row["rank_lower_95"], row["rank_upper_95"])
    if reading.figure == "rank_low":
        return Computed(reading, 1.0 + sum(one < row["value"] for one in _ranked(reading, known)))
    if row["rank_best"] is None:
        raise LookupError(f"{reading.indicator}: neither end is good")
    return Computed(reading, row["rank_best"])


def _ranked(reading: Reading, known: Figures) -> Iterator[float]:
    """The values of all areas that are ranked together."""
    for (indicator, _, label), row in known.ranks.items():
        if (indicator, label) == (reading.indicator, reading.period) and row["rank_high"]:
            yield row["value"]


def _place_among(reading: Reading, known: Figures, area: str) -> float:
    own = _whole(known, reading.indicator, area, reading.period)["value"]
    others = [_whole(known, one, area, reading.period)["value"] for one in reading.among]
    higher = [other for other in others if other > own and not math.isclose(other, own)]
    return 1.0 + len(higher)
