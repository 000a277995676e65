"""Published sentences, recomputed: each claim of an assessment from values and findings.

Belongs here: what a reading's figure is, and the verdict on a claim. Does not belong here: the
claims (`registry.assessments`), values (`measure`), ranks and changes as such (`compare`).

The verdict judges arithmetic alone: a claim can be reproduced and be across a change of definition
all the same; that is its comparability.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import pandas as pd

from safecity_pipeline import breaks, maturity, measure, period, statistics
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Check, CheckSpec, Row
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.statements import CHANGES, RANKS, Claim, Reading
from safecity_pipeline.registry.indicators import PER_CENT

REPRODUCED, DIFFERS, NOT_COMPUTABLE = "reproduced", "differs", "not_computable"
CHECK = CheckSpec(
    "claims_reproduced",
    "every sentence of the published assessment whose extracts are here comes out as published",
)
ABOUT = "claims"
AGAINST_PEERS = "change_against_peers"
OF_COUNTS = ("change_of_count", AGAINST_PEERS)
OF_ONE_AREA = tuple(one for one in CHANGES if one != AGAINST_PEERS)
WHOLE = "comparable"  # status of a rank in which every area has its whole period

BrokenBy = Callable[[str, str, Days, Days], Broken]
"""Changes of definition by indicator, area, earlier and later days."""


@dataclass(frozen=True)
class Figures:
    """What claims are computed from: rows of mart.indicator_value by indicator, area and period,
    rows of mart.finding with ranks likewise, the peers of an area in a group on a day, and the days
    in which an indicator's figures settle. `allowing`: by indicator, area, period and base, what is
    left of a change across a definition."""

    area_code: str
    values: Mapping[tuple[str, str, str], Row]
    ranks: Mapping[tuple[str, str, str], Row]
    groups: Mapping[str, str]
    peers: Callable[[str, str], Sequence[str]]
    broken_by: BrokenBy
    settles: Mapping[str, int | None] = field(default_factory=dict)
    allowing: Mapping[tuple[str, str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Computed:
    """A reading's figure with its limits and what it rests on, or why there is none: `why` names
    indicator and period, `lacking` is for readers who know of what they read."""

    reading: Reading
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    why: str = ""
    note: str = ""
    lacking: str = ""

    def told(self) -> str:
        """The reading in words, with its figure."""
        if self.value is None:
            return f"{self.reading.name}: {self.why}"
        return f"{self.reading.name}: {self.value:.4g}{self.note}"


class Missing(LookupError):
    """There is no figure: `why` as claims tell it, `lacking` for readers."""

    def __init__(self, why: str, lacking: str) -> None:
        super().__init__(why)
        self.why, self.lacking = why, lacking


def figures(
    area_code: str,
    values: pd.DataFrame,
    findings: pd.DataFrame,
    groups: Mapping[str, str],
    peers: Callable[[str, str], Sequence[str]],
    broken_by: BrokenBy,
    settles: Mapping[str, int | None] | None = None,
) -> Figures:
    """What claims are computed from. `groups`: indicator → peer group; `settles`: → days."""
    ranked = findings[findings["comparison"] == "peer_rank"]
    keyed = _by_key(values), _by_key(ranked)
    known = findings[findings["comparable_note"].notna()] if "comparable_note" in findings else None
    allowing = {} if known is None else _notes(known)
    return Figures(area_code, *keyed, groups, peers, broken_by, settles or {}, allowing)


def _notes(findings: pd.DataFrame) -> dict[tuple[str, str, str, str], str]:
    columns = ("indicator", "area_code", "period", "base_period", "comparable_note")
    cells = zip(*(findings[name].tolist() for name in columns), strict=True)
    return {(key, area, label, base): note for key, area, label, base, note in cells}


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
    plain = whole.where(whole.notna(), None)
    # Whole columns: `to_dict` asks of each of a million cells what it is.
    names = [str(name) for name in plain]
    cells = zip(*(plain[name].tolist() for name in names), strict=True)
    records = (dict(zip(names, row, strict=True)) for row in cells)
    return {(one["indicator"], one["area_code"], one["period"]): one for one in records}


def of(assessments: Iterable[Assessment], known: Figures, synthetic: bool) -> list[Row]:
    """Rows of mart.claim: every claim about the assessed area."""
    return [
        _row(claim, known, synthetic)
        for assessment in assessments
        if assessment.area_code == known.area_code
        for claim in assessment.claims
    ]


def check(rows: Sequence[Row], guarded: Collection[str] = ()) -> Check:
    """Warns of each claim that differs, by its sentence. `guarded`: indicators of which a figure
    may have to be hidden, and is not told here."""
    off = [row for row in rows if row["verdict"] == DIFFERS]
    words = "; ".join(
        f"{row['claim']} “{row['statement']}”: published {row['published']}, computed "
        + ("another figure, see mart.claim" if row["indicator"] in guarded else _told(row))
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


def _told(row: Row) -> str:
    """The figure of a claim, as a message has it."""
    return f"{row['computed']:.4g}"


# --- one claim ---------------------------------------------------------------------------------


def _row(claim: Claim, known: Figures, synthetic: bool) -> Row:
    computed = [compute(reading, known) for reading in claim.reading]
    there = [one for one in computed if one.value is not None]
    holding = [one for one in there if holds(claim, one.value)]
    chosen = next(iter([*holding, *there]), None)
    broken = broken_in(chosen.reading, known) if chosen else None
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
        "reason": _reason(claim, computed, holding, _to_mind(chosen, known)),
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


def _reason(
    claim: Claim, computed: Sequence[Computed], holding: Sequence[Computed], to_mind: str | None
) -> str | None:
    """Why it is not computable; else the other readings side by side, and what to mind."""
    if not claim.reading:
        return claim.reason
    by = f"reproduced by: {holding[0].reading.name}{holding[0].note}" if holding else ""
    others = "; ".join(one.told() for one in computed if one not in holding[:1])
    beside = f"other readings: {others}" if by and others else others
    return ". ".join(filter(None, [by, beside, to_mind, claim.caveat])) or None


def _to_mind(chosen: Computed | None, known: Figures) -> str | None:
    said = [estimated(chosen, known), unsettled(chosen, known), allowing(chosen, known)]
    return ". ".join(filter(None, said)) or None


def estimated(chosen: Computed | None, known: Figures) -> str | None:
    """What must be said where a figure, or the base of its change, is somebody's estimate."""
    if chosen is None:
        return None
    one, area = chosen.reading, chosen.reading.area or known.area_code
    rows = (known.values.get((one.indicator, area, label)) for label in (one.period, one.base))
    if not any(row is not None and row.get("obs_status") == measure.ESTIMATED for row in rows):
        return None
    return "it rests in part on an estimate of the supplier"


def allowing(chosen: Computed | None, known: Figures) -> str | None:
    """What is left of a change across a definition, where that is known; without its full stop."""
    if chosen is None or chosen.reading.figure not in OF_ONE_AREA:
        return None
    one, area = chosen.reading, chosen.reading.area or known.area_code
    note = known.allowing.get((one.indicator, area, one.period, one.base))
    return note.removesuffix(".") if note else None


def unsettled(chosen: Computed | None, known: Figures) -> str | None:
    """What must be said where the two figures of a change had unequal time to settle."""
    if chosen is None or chosen.reading.figure not in CHANGES:
        return None
    one, area = chosen.reading, chosen.reading.area or known.area_code
    rows = [known.values[one.indicator, area, label] for label in (one.period, one.base)]
    days, before = (_whole_number(row.get("maturity_days")) for row in rows)
    settles = known.settles.get(one.indicator)
    return maturity.of_change(one.period, days, one.base, before, settles)


def _whole_number(cell: float | None) -> int | None:
    return None if cell is None else int(cell)


def _comparability(broken: Broken | None) -> str | None:
    if broken is None:
        return None
    return "definition_changed" if broken.material else "comparable"


def broken_in(reading: Reading, known: Figures) -> Broken | None:
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


def compute(reading: Reading, known: Figures) -> Computed:
    """The figure of a reading, or why there is none."""
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
            change = _change(reading, known, area)
            return Computed(reading, change, *_likely(reading, known, area))
        return _level(reading, known, area)
    except Missing as missing:
        return Computed(reading, why=missing.why, lacking=missing.lacking)


def _whole(known: Figures, indicator: str, area: str, label: str) -> Row:
    """The value's row. Raises Missing where there is none of the whole period."""
    row = known.values.get((indicator, area, label))
    when = period.parse(label).printed
    if row is None:
        raise Missing(f"{indicator} has no figure for {label}", f"no extract covers {when}")
    if row["value"] is None:
        why = row["suppressed_reason"]
        raise Missing(f"{indicator} {label}: {why}", f"that for {when} is not known: {why}")
    if not row["complete"]:
        part = "the extracts cover only a part of"
        raise Missing(f"{indicator} {label}: {part} it", f"{part} {when}")
    return row


def _level(reading: Reading, known: Figures, area: str) -> Computed:
    row = _whole(known, reading.indicator, area, reading.period)
    if reading.figure == "count":
        return Computed(reading, _number(row, "numerator", reading))
    return Computed(reading, row["value"], row["lower_95"], row["upper_95"])


def _number(row: Row, column: str, reading: Reading) -> float:
    if row[column] is None:
        lacking = f"no {column} is known for {period.parse(row['period']).printed}"
        raise Missing(f"{reading.indicator} {row['period']}: no {column} is known", lacking)
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
        when = period.parse(reading.base).printed
        lacking = f"it was 0 in {when}, of which there is no percentage"
        raise Missing(f"{reading.indicator} {reading.base}: nothing can be divided by 0", lacking)
    return 100 * (now - base) / base


def _likely(reading: Reading, known: Figures, area: str) -> tuple[float | None, float | None]:
    """The 95 % interval of a change, in its unit; (None, None) where counts are not known, where
    they do not make the values, or where chance is not known to be the only sampling."""
    now, base = (
        known.values[reading.indicator, area, label] for label in (reading.period, reading.base)
    )
    if now["lower_95"] is None or base["lower_95"] is None:
        return None, None
    if reading.figure == "difference":
        return _likely_points(base, now)
    x0, x1 = base["numerator"], now["numerator"]
    if x0 is None or x1 is None or x0 <= 0 or x1 < 0:
        return None, None
    if reading.figure in OF_COUNTS:
        found = statistics.change(x0, x1)
    elif _scale([base, now]):
        found = statistics.change(x0, x1, base["denominator"], now["denominator"])
    else:
        return None, None
    return found.lower, found.upper


def _likely_points(base: Row, now: Row) -> tuple[float | None, float | None]:
    """Of the difference of two shares. The cases are worked out of the share, as for its own
    interval: a numerator printed beside a published one is rounded."""
    rows = (base, now)
    shares = all(row["unit"] == PER_CENT and 0 <= row["value"] <= 100 for row in rows)
    if not shares or not all(row["denominator"] for row in rows):
        return None, None
    (x0, n0), (x1, n1) = (
        (row["value"] * row["denominator"] / 100, row["denominator"]) for row in rows
    )
    found = statistics.change_of_proportion(x0, n0, x1, n1)
    return found.lower, found.upper


def _scale(rows: Sequence[Row]) -> float | None:
    """What numerator / denominator is multiplied by; None where the values are not made of them."""
    if not all(row["denominator"] for row in rows):
        return None
    pairs = [(row["value"], row["numerator"] / row["denominator"]) for row in rows]
    scales = {round(value / quotient, 6) for value, quotient in pairs if quotient}
    if len(scales) != 1 or any(value and not quotient for value, quotient in pairs):
        return None
    return float(scales.pop())


def _against_peers(reading: Reading, known: Figures, area: str) -> Computed:
    """By how many points the change of the area's count is above the median of its peers'. Raises
    Missing where fewer than half of them have a figure for both periods."""
    peers = known.peers(known.groups.get(reading.indicator, ""), reading.period)
    changes = changes_of_peers(reading, known)
    rose = sum(change > 0 for change in changes)
    note = f" ({rose} of {len(changes)} peers rose, {len(peers)} in the group)"
    return Computed(reading, _change(reading, known, area) - median(changes), note=note)


def changes_of_peers(reading: Reading, known: Figures) -> list[float]:
    """The change of each peer that has a figure for both periods, in per cent. Raises Missing where
    fewer than half of them have one."""
    peers = known.peers(known.groups.get(reading.indicator, ""), reading.period)
    changes = list(_changes_of(reading, known, peers))
    if 2 * len(changes) < len(peers) or not changes:
        there = f"{len(changes)} of {len(peers)} peers have a figure for both"
        raise Missing(f"{reading.indicator}: {there}", f"only {there} periods")
    return changes


def _changes_of(reading: Reading, known: Figures, areas: Sequence[str]) -> Iterator[float]:
    for area in areas:
        try:
            yield _change(reading, known, area)
        except Missing:
            continue


def _rank(reading: Reading, known: Figures, area: str) -> Computed:
    row = known.ranks.get((reading.indicator, area, reading.period))
    if row is None or row["rank_high"] is None:
        when = period.parse(reading.period).printed
        lacking = f"there is no rank for {when}"
        raise Missing(f"{reading.indicator} has no rank for {reading.period}", lacking)
    if row["status"] != WHOLE:
        lacking = "not every area ranked has a figure of the whole period"
        raise Missing(
            f"{reading.indicator} {reading.period}: ranked is a part: {row['status']}", lacking
        )
    if reading.figure == "rank_high":
        return Computed(reading, row["rank_high"], row["rank_lower_95"], row["rank_upper_95"])
    if reading.figure == "rank_low":
        place = 1.0 + sum(one["value"] < row["value"] for one in ranked_with(reading, known))
        return Computed(reading, place, *_from_the_lowest(row))
    if row["rank_best"] is None:
        raise Missing(f"{reading.indicator}: neither end is good", "neither end of it is good")
    ranking = ranked_with(reading, known)
    from_high = all(one["rank_best"] == one["rank_high"] for one in ranking)
    limits = (row["rank_lower_95"], row["rank_upper_95"]) if from_high else _from_the_lowest(row)
    return Computed(reading, row["rank_best"], *limits)


def _from_the_lowest(row: Row) -> tuple[float | None, float | None]:
    """The limits of a rank, counted from the other end."""
    if row["rank_lower_95"] is None or row["rank_upper_95"] is None:
        return None, None
    return row["rank_of"] + 1 - row["rank_upper_95"], row["rank_of"] + 1 - row["rank_lower_95"]


def ranked_with(reading: Reading, known: Figures) -> list[Row]:
    """The ranks of all areas that are ranked together."""
    return [
        row
        for (indicator, _, label), row in known.ranks.items()
        if (indicator, label) == (reading.indicator, reading.period) and row["rank_high"]
    ]


def _place_among(reading: Reading, known: Figures, area: str) -> float:
    own = _whole(known, reading.indicator, area, reading.period)["value"]
    others = [_whole(known, one, area, reading.period)["value"] for one in reading.among]
    higher = [other for other in others if other > own and not math.isclose(other, own)]
    return 1.0 + len(higher)
