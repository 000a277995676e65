"""Synthetic recorded crime: tables by community safety partnership and by police force area.

Here: for each year a partnership file, and a force file with its padded counts and its
non-geographic body, from the assessed year on with England's other forces by the year. The
partnership files name neither year nor quarter (the manifest says the year, and a code comes four
times), but for the oldest, which is of the form that names both.
Not here: how many offences there are (`city`, `neighbours`), the offence codes (`offences`) and the
areas (`places`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from safecity_pipeline.sample import city
from safecity_pipeline.sample.delivery import Delivery, compressed, stream, table_to_bytes
from safecity_pipeline.sample.neighbours import FOLLOWS, SOUTHAMPTON, offences
from safecity_pipeline.sample.offences import OFFENCES, SUBGROUPS, Offence
from safecity_pipeline.sample.places import FORCE_OF, FORCES, PEERS, Force, Place, other_forces
from safecity_pipeline.sample.plan import ASSESSED, Plan

CSP_HEAD = (
    "CSP Name",
    "Offence Description",
    "Offence Group",
    "Offence Subgroup",
    "Offence Code",
    "Number of Offences",
)
FORCE_HEAD = ("Financial Year", "Financial Quarter", "Force Name", *CSP_HEAD[1:])
OLD_HEAD = ("Financial Year", "Financial Quarter", "Force Name", *CSP_HEAD[:5], "Offence Count")
QUARTERS = (1, 2, 3, 4)
CORRECTIONS = 6
_ACTION_FRAUD_FROM = "2011-12"
# Of forces, by financial year, 2013-14 is 1; groups that follow the change of recording stood.
_TREND = {
    "2009-10": 1.24,
    "2010-11": 1.18,
    "2011-12": 1.12,
    "2012-13": 1.02,
    "2013-14": 1.0,
    "2014-15": 1.0,
    "2015-16": 1.02,
    "2016-17": 1.04,
}
_CSP_STREAM, _FORCE_STREAM, _LEVEL_STREAM, _OTHERS_STREAM = 20, 21, 22, 23
_FIRST_LEVEL, _FIRST_LEVEL_OF_OTHERS = 100, 200
Counts = list[list[int]]
Row = Sequence[str | int]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return a partnership file for each year, the oldest in its other form, and a force file."""
    tables = [_csp_file(plan, year) for year in plan.years]
    return [*tables, *(_force_file(plan, year) for year in plan.years)]


def _csp_file(plan: Plan, year: str) -> Delivery:
    """Build one partnership file: a row for each area, quarter and code."""
    chance = stream(plan.seed, _CSP_STREAM, int(year[:4]))
    counts = {place: _by_quarter(plan, place, year, chance) for place in PEERS}
    _take_back(list(counts.values()), chance)
    old = year == plan.years[0]
    rows = list(_old_rows(year, counts) if old else _csp_rows(counts))
    # Years before the two that the assessment compares are packed, so that the sample stays small.
    packed = year < city.BEFORE
    return _delivery("csp", year, rows, packed, period="" if old else year)


def _delivery(
    table: str, year: str, rows: Sequence[Row], packed: bool, period: str = ""
) -> Delivery:
    content = table_to_bytes(rows, "\n")
    return Delivery(
        f"recorded_crime/synthetic-prc-{table}-{year}.csv{'.gz' if packed else ''}",
        "recorded_crime",
        compressed(content) if packed else content,
        len(rows),
        _published_on(year),
        period=period,
    )


def _csp_rows(counts: Mapping[Place, Counts]) -> Iterator[Row]:
    yield CSP_HEAD
    for place, quarters in counts.items():
        for cells in quarters:
            for offence, count in zip(OFFENCES, cells, strict=True):
                yield (place.name, *_cells(offence), count)


def _old_rows(year: str, counts: Mapping[Place, Counts]) -> Iterator[Row]:
    yield OLD_HEAD
    stated = year.replace("-", "/")
    for place, quarters in counts.items():
        for quarter, cells in zip(QUARTERS, quarters, strict=True):
            for offence, count in zip(OFFENCES, cells, strict=True):
                yield (stated, quarter, _force_of(place), place.name, *_cells(offence), count)


def _cells(offence: Offence) -> tuple[str, str, str, str]:
    return offence.description, offence.group, offence.subgroup, offence.code


def _force_of(place: Place) -> str:
    named = (force.recorded_name for force in FORCES if force.slug == place.force)
    return FORCE_OF.get(place.name) or next(named)


def _published_on(year: str) -> str:
    return f"{int(year[:4]) + 1}-07-16"


def _by_quarter(plan: Plan, place: Place, year: str, chance: np.random.Generator) -> Counts:
    """An area's offences in each quarter, in the order of OFFENCES: the city's by their days."""
    if place is SOUTHAMPTON:
        return _of_the_city(plan, year)
    yearly = offences(plan, place, year)
    weights = 0.9 + 0.2 * chance.random((len(OFFENCES), len(QUARTERS)))
    until = np.cumsum(weights, axis=1) / np.sum(weights, axis=1, keepdims=True)
    until[:, -1] = 1.0
    ends = (until * np.array([[yearly[one.code]] for one in OFFENCES])).astype(int)
    spread = [[last - first for first, last in pairwise((0, *row))] for row in ends.tolist()]
    return [list(quarter) for quarter in zip(*spread, strict=True)]


def _of_the_city(plan: Plan, year: str) -> Counts:
    place_of = {one.code: number for number, one in enumerate(OFFENCES)}
    counts = [[0] * len(OFFENCES) for _ in QUARTERS]
    for crime in city.recorded(plan, year):
        counts[(crime.day.month - 4) % 12 // 3][place_of[crime.offence.code]] += 1
    return counts


def _take_back(areas: Sequence[Counts], chance: np.random.Generator) -> None:
    """Let a few offences be counted in one quarter and be taken back in the last, as corrections
    are in the published tables; a year's sum is what it was."""
    zeros = [(area, code) for area in areas for code, count in enumerate(area[-1]) if count == 0]
    order = np.argsort(chance.random(len(zeros)), kind="stable")
    for turn, index in enumerate(order[:CORRECTIONS]):
        area, code = zeros[int(index)]
        taken_back = 1 if turn else 2
        area[0][code] += taken_back
        area[-1][code] -= taken_back


def _force_file(plan: Plan, year: str) -> Delivery:
    """Build a force file: a row for each quarter, force and code, and Action Fraud's total."""
    chance = stream(plan.seed, _FORCE_STREAM, int(year[:4]))
    levels = [_levels(plan.seed, _FIRST_LEVEL + number) for number in range(len(FORCES))]
    counts: Counts = [
        _counts(force.population, level, plan, year, chance)
        for _ in QUARTERS
        for force, level in zip(FORCES, levels, strict=True)
    ]
    _correct(counts, chance)
    stated = year.replace("-", "/")
    rows: list[Row] = [FORCE_HEAD]
    for quarter in QUARTERS:
        if year >= _ACTION_FRAUD_FROM:
            rows.append((stated, quarter, *_action_fraud(chance)))
        of_quarter = counts[(quarter - 1) * len(FORCES) : quarter * len(FORCES)]
        rows += _force_rows(stated, quarter, FORCES, of_quarter)
    if year >= ASSESSED:  # by the year, so that they are few rows
        rows += _force_rows(stated, "", *_of_others(plan, year))
    return _delivery("pfa", year, rows, packed=year < ASSESSED)


def _force_rows(
    stated: str, quarter: int | str, forces: Sequence[Force], counts: Counts
) -> Iterator[Row]:
    for force, of_force in zip(forces, counts, strict=True):
        for offence, count in zip(OFFENCES, of_force, strict=True):
            about = (stated, quarter, force.recorded_name)
            yield (*about, *_force_cells(offence), padded(count))


def _of_others(plan: Plan, year: str) -> tuple[Sequence[Force], Counts]:
    """The rest of England's forces, and the year's counts of each."""
    forces, counts = other_forces(), []
    for number, force in enumerate(forces):
        chance = stream(plan.seed, _OTHERS_STREAM, int(year[:4]), number)
        levels = _levels(plan.seed, _FIRST_LEVEL_OF_OTHERS + number)
        quarters = [_counts(force.population, levels, plan, year, chance) for _ in QUARTERS]
        counts.append([sum(each) for each in zip(*quarters, strict=True)])
    return forces, counts


def padded(count: int) -> str:
    """Write a count as the force tables do: blanks around it, `-00 ` for none, `-1 ` for less."""
    if count == 0:
        return "-00 "
    return f" {count} " if count > 0 else f"{count} "


def _action_fraud(chance: np.random.Generator) -> tuple[str, ...]:
    description = "Fraud offences recorded by Action Fraud"
    count = padded(int(chance.integers(50_000, 60_000)))
    body = ("Action Fraud", description, "Fraud offences", "Fraud: action fraud", "AF")
    return (*body, count)


def _force_cells(offence: Offence) -> tuple[str, str, str, str]:
    # The force tables repeat the description of a robbery as its subgroup; the others do not.
    subgroup = offence.description if offence.group == "Robbery" else offence.subgroup
    return offence.description, offence.group, subgroup, offence.code


def _levels(seed: int, number: int) -> dict[str, float]:
    """Draw how far a force lies from the invented rates, by subgroup."""
    chance = stream(seed, _LEVEL_STREAM, number)
    return {subgroup: 0.75 + 0.5 * float(chance.random()) for subgroup in SUBGROUPS}


def _counts(
    population: int,
    levels: Mapping[str, float],
    plan: Plan,
    year: str,
    chance: np.random.Generator,
) -> list[int]:
    """Draw one quarter's counts of a force, in the order of OFFENCES."""
    counts = []
    for offence in OFFENCES:
        yearly = population / 100_000 * offence.rate * levels[offence.subgroup]
        share = FOLLOWS.get(offence.group, 0.0)
        step = 1 + plan.recording_step * share if year >= ASSESSED else 1.0
        fallen = 1.0 if share else _TREND[year]
        expected = yearly / len(QUARTERS) * step * fallen
        spread = 0.9 + 0.2 * float(chance.random())
        counts.append(int(expected * spread + float(chance.random())))
    return counts


def _correct(counts: Counts, chance: np.random.Generator) -> None:
    """Put small negative corrections in place of a few zeros, as the published tables have them."""
    zeros = [(at, code) for at, row in enumerate(counts) for code, n in enumerate(row) if n == 0]
    order = np.argsort(chance.random(len(zeros)), kind="stable")
    for turn, index in enumerate(order[:CORRECTIONS]):
        at, code = zeros[int(index)]
        counts[at][code] = -1 if turn else -2
