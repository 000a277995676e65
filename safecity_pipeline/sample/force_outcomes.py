"""Synthetic yearly counts by force, type and outcome, as a third party makes them of street data.

Here: one row for each year, type, force and outcome, lines ended by a carriage return alone, a
count under the head `f0_`, types relabelled in 2013 so that both sets occur in that year.
Not here: the street-level crimes of the sample, with which these counts do not agree: they are of
whole forces, the sample's street files of a few rows.
"""

from collections.abc import Iterator, Sequence

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.places import FORCES, Force
from safecity_pipeline.sample.plan import Plan

FILE = "force_outcomes/synthetic-crime outcomes by category force year 2012-16.csv"
HEAD = ("Year", "f0_", "crime_type", "reported_by", "last_outcome_category")
YEARS = range(2012, 2017)
RELABELLED = 2013
ANTI_SOCIAL_BEHAVIOUR = "Anti-social behaviour"
_COUNT_STREAM = 80
# Rows per 1,000 residents a year, invented.
_RATES = {
    ANTI_SOCIAL_BEHAVIOUR: 35.0,
    "Burglary": 6.0,
    "Criminal damage and arson": 8.5,
    "Drugs": 2.8,
    "Other crime": 0.9,
    "Other theft": 7.0,
    "Robbery": 0.4,
    "Shoplifting": 5.8,
    "Vehicle crime": 4.0,
}
_UNTIL = {"Public disorder and weapons": 2.6, "Violent crime": 9.5}
_SINCE = {
    "Bicycle theft": 1.8,
    "Possession of weapons": 0.3,
    "Public order": 3.2,
    "Theft from the person": 0.7,
    "Violence and sexual offences": 10.0,
}
_SHARE_BEFORE_RELABELLING = 0.33
_OUTCOMES = {
    "Investigation complete; no suspect identified": 0.55,
    "Unable to prosecute suspect": 0.28,
    "Local resolution": 0.13,
    "": 0.04,
}


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one file of five years and the sample's seven forces."""
    rows: list[Sequence[str | int]] = [HEAD]
    for year in reversed(YEARS):
        for number, force in enumerate(FORCES):
            rows += _rows(plan.seed, year, number, force)
    content = table_to_bytes(rows, "\r")
    return [Delivery(FILE, "force_outcomes", content, len(rows), "2017-02-01")]


def _rows(
    seed: int, year: int, number: int, force: Force
) -> Iterator[tuple[int, int, str, str, str]]:
    for at, (crime_type, rate) in enumerate(_types(year).items()):
        chance = stream(seed, _COUNT_STREAM, year, number, at)
        # Anti-social behaviour has no outcome.
        outcomes = {"": 1.0} if crime_type == ANTI_SOCIAL_BEHAVIOUR else _OUTCOMES
        for outcome, share in outcomes.items():
            expected = force.population / 1_000 * rate * share
            count = int(expected * (0.9 + 0.2 * float(chance.random())) + float(chance.random()))
            if count:
                yield year, count, crime_type, force.street_name, outcome


def _types(year: int) -> dict[str, float]:
    before, since = (year <= RELABELLED), (year >= RELABELLED)
    types = dict(_RATES)
    both = before and since
    if before:
        share = _SHARE_BEFORE_RELABELLING if both else 1.0
        types |= {crime_type: rate * share for crime_type, rate in _UNTIL.items()}
    if since:
        share = 1 - _SHARE_BEFORE_RELABELLING if both else 1.0
        types |= {crime_type: rate * share for crime_type, rate in _SINCE.items()}
    return types
