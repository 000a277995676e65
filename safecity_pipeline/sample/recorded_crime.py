"""Synthetic recorded crime: tables by community safety partnership and by police force area.

Here: two partnership files, which name neither year nor quarter (the manifest says the year, and
a code comes four times), and one force file with its padded counts and its non-geographic body.
Not here: the offence codes (`offences`) and the areas (`places`).
"""

from collections.abc import Sequence

import numpy as np

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.offences import OFFENCES, SUBGROUPS, Offence
from safecity_pipeline.sample.places import FORCES, PEERS
from safecity_pipeline.sample.plan import Plan

CSP_HEAD = (
    "CSP Name",
    "Offence Description",
    "Offence Group",
    "Offence Subgroup",
    "Offence Code",
    "Number of Offences",
)
FORCE_HEAD = ("Financial Year", "Financial Quarter", "Force Name", *CSP_HEAD[1:])
QUARTERS = (1, 2, 3, 4)
CORRECTIONS = 6
_PUBLISHED_ON = {"2013-14": "2014-07-17", "2014-15": "2015-07-16"}
_CSP_STREAM, _FORCE_STREAM, _LEVEL_STREAM = 20, 21, 22

# The story of the published assessment: violence up by a quarter, burglary down, in one year.
_CHANGE_2014_15 = {
    "Violence against the person": 1.25,
    "Sexual offences": 1.30,
    "Public order offences": 1.15,
}
_SUBGROUP_CHANGE_2014_15 = {"Domestic burglary": 0.90, "Non-domestic burglary": 0.97}

Counts = list[list[int]]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the partnership files of 2013-14 and 2014-15 and the force file of 2014-15."""
    return [
        _csp_file(plan.seed, "2013-14"),
        _csp_file(plan.seed, "2014-15"),
        _force_file(plan.seed),
    ]


def _csp_file(seed: int, year: str) -> Delivery:
    """Build one partnership file: a row for each area, quarter and code, then the corrections."""
    chance = stream(seed, _CSP_STREAM, int(year[:4]))
    levels = [_levels(seed, place.name, number) for number, place in enumerate(PEERS)]
    counts: Counts = [
        _counts(place.population, level, year, chance)
        for place, level in zip(PEERS, levels, strict=True)
        for _ in QUARTERS
    ]
    _correct(counts, chance)
    names = [place.name for place in PEERS for _ in QUARTERS]
    rows: list[Sequence[str | int]] = [CSP_HEAD]
    for name, quarter_counts in zip(names, counts, strict=True):
        rows += [
            (name, offence.description, offence.group, offence.subgroup, offence.code, count)
            for offence, count in zip(OFFENCES, quarter_counts, strict=True)
        ]
    file = f"recorded_crime/synthetic-prc-csp-{year}.csv"
    content = table_to_bytes(rows, "\n")
    return Delivery(file, "recorded_crime", content, len(rows), _PUBLISHED_ON[year], period=year)


def _force_file(seed: int) -> Delivery:
    """Build the force file: a row for each quarter, force and code, and Action Fraud's total."""
    chance = stream(seed, _FORCE_STREAM)
    levels = [_levels(seed, force.slug, 100 + number) for number, force in enumerate(FORCES)]
    counts: Counts = [
        _counts(force.population, level, "2014-15", chance)
        for _ in QUARTERS
        for force, level in zip(FORCES, levels, strict=True)
    ]
    _correct(counts, chance)
    rows: list[Sequence[str | int]] = [FORCE_HEAD]
    for quarter in QUARTERS:
        rows.append(_action_fraud(quarter, chance))
        for number, force in enumerate(FORCES):
            quarter_counts = counts[(quarter - 1) * len(FORCES) + number]
            rows += [
                ("2014/15", quarter, force.recorded_name, *_force_cells(offence), padded(count))
                for offence, count in zip(OFFENCES, quarter_counts, strict=True)
            ]
    file = "recorded_crime/synthetic-prc-pfa-2014-15.csv"
    content = table_to_bytes(rows, "\n")
    return Delivery(file, "recorded_crime", content, len(rows), _PUBLISHED_ON["2014-15"])


def padded(count: int) -> str:
    """Write a count as the force tables do: blanks around it, `-00 ` for none, `-1 ` for less."""
    if count == 0:
        return "-00 "
    return f" {count} " if count > 0 else f"{count} "


def _action_fraud(quarter: int, chance: np.random.Generator) -> tuple[str | int, ...]:
    description = "Fraud offences recorded by Action Fraud"
    count = padded(int(chance.integers(50_000, 60_000)))
    body = ("Action Fraud", description, "Fraud offences", "Fraud: action fraud", "AF")
    return ("2014/15", quarter, *body, count)


def _force_cells(offence: Offence) -> tuple[str, str, str, str]:
    # The force tables repeat the description of a robbery as its subgroup; the others do not.
    subgroup = offence.description if offence.group == "Robbery" else offence.subgroup
    return offence.description, offence.group, subgroup, offence.code


def _levels(seed: int, name: str, number: int) -> dict[str, float]:
    """Draw how far an area lies from the invented rates, by subgroup; the same in every year."""
    chance = stream(seed, _LEVEL_STREAM, number)
    levels = {subgroup: 0.75 + 0.5 * float(chance.random()) for subgroup in SUBGROUPS}
    if name == "Southampton":
        # Above the range drawn for the others: the assessment finds it the highest.
        levels["Non-domestic burglary"] = 1.5
    return levels


def _counts(
    population: int, levels: dict[str, float], year: str, chance: np.random.Generator
) -> list[int]:
    """Draw one quarter's counts, in the order of OFFENCES."""
    counts = []
    for offence in OFFENCES:
        yearly = population / 100_000 * offence.rate * levels[offence.subgroup]
        expected = yearly / len(QUARTERS) * _change(offence, year)
        spread = 0.9 + 0.2 * float(chance.random())
        counts.append(int(expected * spread + float(chance.random())))
    return counts


def _change(offence: Offence, year: str) -> float:
    if year != "2014-15":
        return 1.0
    by_group = _CHANGE_2014_15.get(offence.group, 1.0)
    return _SUBGROUP_CHANGE_2014_15.get(offence.subgroup, by_group)


def _correct(counts: Counts, chance: np.random.Generator) -> None:
    """Put small negative corrections in place of a few zeros, as the published tables have them."""
    zeros = [(at, code) for at, row in enumerate(counts) for code, n in enumerate(row) if n == 0]
    order = np.argsort(chance.random(len(zeros)), kind="stable")
    for turn, index in enumerate(order[:CORRECTIONS]):
        at, code = zeros[int(index)]
        counts[at][code] = -1 if turn else -2
