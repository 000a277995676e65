"""How many children are cautioned, enter the justice system or offend again: invented counts.

Here: counts by leaf of `upper_tier` and year, about as many as published for all England.
Not here: the tables that print them (`youth_justice`, `children_cautioned`).
"""

from safecity_pipeline.sample.upper_tier import CHILDREN, drawn

YEARS = tuple(range(2009, 2020))
_ENTRANTS, _CAUTIONED, _YOUNGER, _OLDER, _YOUNGER_AGAIN, _OLDER_AGAIN = range(6)
# First-time entrants per 100,000 aged 10 to 17 in the years of YEARS, and cautioned or sentenced
# per 10,000 in the financial years that begin in them.
_ENTRANTS_RATE = (1060, 900, 740, 590, 490, 430, 400, 350, 310, 260, 230)
_CAUTIONED_RATE = (195, 165, 135, 105, 86, 74, 64, 55, 52, 44, 38)
# Of the cautioned: who is 10 to 14, who 15 to 17; and of these, who offends again.
_YOUNGER_SHARE, _OLDER_SHARE = 0.22, 0.78
_YOUNGER_REOFFENDING, _OLDER_REOFFENDING = 0.39, 0.37


def entrants(seed: int, year: int) -> list[int]:
    """Return first-time entrants of a calendar year, one number for each leaf."""
    share = _ENTRANTS_RATE[year - YEARS[0]] / 100_000
    return drawn(seed, _ENTRANTS, year, CHILDREN, share)


def cautioned(seed: int, year: int) -> list[int]:
    """Return children cautioned or sentenced in the financial year that begins in `year`."""
    share = _CAUTIONED_RATE[year - YEARS[0]] / 10_000
    return drawn(seed, _CAUTIONED, year, CHILDREN, share)


def younger(seed: int, year: int) -> tuple[list[int], list[int]]:
    """Return offenders aged 10 to 14 of the financial year, and those who offend again."""
    cohort = drawn(seed, _YOUNGER, year, cautioned(seed, year), _YOUNGER_SHARE, 0.1)
    return cohort, drawn(seed, _YOUNGER_AGAIN, year, cohort, _YOUNGER_REOFFENDING, 0.3)


def older(seed: int, year: int) -> tuple[list[int], list[int]]:
    """Return offenders aged 15 to 17 of the financial year, and those who offend again."""
    cohort = drawn(seed, _OLDER, year, cautioned(seed, year), _OLDER_SHARE, 0.1)
    return cohort, drawn(seed, _OLDER_AGAIN, year, cohort, _OLDER_REOFFENDING, 0.3)
