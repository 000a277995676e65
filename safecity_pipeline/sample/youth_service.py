"""What a Youth Offending Service does in a year, in numbers: invented, and held to the assessment.

Here: by financial year, the sentences and closed interventions of Southampton, and first-time
entrants and custody of the fifteen areas that are ranked. The assessment's figures come out of them
whatever the seed: 93.9 and 95.6 % in suitable accommodation, 49.1 and 64.4 % in education, training
or employment, custody's share of sentences 1.3 points down, first-time entrants 35 % down, and
position 14 of 15. Not here: the children and the rows (`youth_cases`), the workbooks
(`youth_summary`). Other years' numbers are only plausible.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from safecity_pipeline.sample.delivery import stream
from safecity_pipeline.sample.plan import FIRST_YEAR

SOUTHAMPTON = "Southampton"
ASSESSED = 2014
_SENTENCES, _CLOSED, _ENTRANTS, _LEVELS, _PEERS, _CUSTODY_OF_PEERS = range(300, 306)

# One number a financial year from FIRST_YEAR on.
_CUSTODIAL = (34, 31, 27, 24, 21, 17, 15, 13)
_COURT = (640, 560, 450, 340, 250, 240, 220, 200)
_PRE_COURT = (420, 380, 300, 240, 170, 120, 105, 95)
_SERIOUS = (84, 79, 70, 63, 57, 52, 47, 44)
_INTERVENTIONS = (420, 390, 320, 280, 250, 225, 205, 190)
# Tenths of a per cent of the interventions for which it is recorded.
_ACCOMMODATED = (924, 931, 928, 934, 939, 956, 951, 959)
_ENGAGED = (417, 442, 491, 563, 608, 644, 661, 683)
_FALL_IN_CUSTODY_SHARE = 1.3  # percentage points, 2013-14 to 2014-15

_LEFT_OF_ENTRANTS = 0.65
# First-time entrants as a multiple of those of 2013-14, in Southampton; and the level of the other
# areas as a multiple of 2014-15's.
_ENTRANTS_OF_CITY = (2.05, 1.75, 1.45, 1.20, 1.0, _LEFT_OF_ENTRANTS, 0.61, 0.55)
_LEVEL_OF_OTHERS = (2.30, 1.95, 1.60, 1.30, 1.12, 1.0, 0.93, 0.86)

# Team and its children aged 10 to 17, invented.
CHILDREN = {
    SOUTHAMPTON: 19_500,
    "Brighton and Hove": 22_000,
    "Bristol": 35_000,
    "Cardiff": 31_000,
    "Derby": 23_500,
    "East Sussex": 48_000,
    "Hertfordshire": 110_000,
    "Hillingdon": 27_000,
    "Hounslow": 23_000,
    "Luton": 22_000,
    "Northamptonshire": 67_000,
    "Reading": 12_500,
    "Sheffield": 47_000,
    "Slough": 14_500,
    "Southend-on-Sea": 16_000,
}
_NEIGHBOURS_IN_RANK = ("Sheffield", "Bristol")


@dataclass(frozen=True)
class Sentenced:
    """Outcomes of a year in Southampton. `serious`: of them with a seriousness of 5 or more."""

    pre_court: int
    court: int
    custodial: int
    serious: int


@dataclass(frozen=True)
class Ended:
    """Interventions that ended in a year: all, and for how many of those of which it is recorded
    accommodation was suitable, and education, training or employment was suitable and full."""

    interventions: int
    recorded_accommodation: int
    accommodated: int
    recorded_engagement: int
    engaged: int


def sentenced(seed: int, year: int) -> Sentenced:
    """Return the outcomes of the financial year that begins in `year`."""
    at = year - FIRST_YEAR
    chance = stream(seed, _SENTENCES, year)
    pre_court = _PRE_COURT[at] + int(chance.integers(-6, 7))
    serious = _SERIOUS[at] + int(chance.integers(-2, 3))
    return Sentenced(pre_court, _court(seed, year), _CUSTODIAL[at], serious)


def _court(seed: int, year: int) -> int:
    """How many sentences: in 2014-15 as many as make custody's share what it has to be."""
    at = year - FIRST_YEAR
    if year != ASSESSED:
        return _COURT[at] + int(stream(seed, _SENTENCES, year, 1).integers(-8, 9))
    before = 100 * _CUSTODIAL[at - 1] / _court(seed, year - 1)
    return round(100 * _CUSTODIAL[at] / (before - _FALL_IN_CUSTODY_SHARE))


def ended(seed: int, year: int) -> Ended:
    """Return the interventions that ended in the financial year that begins in `year`."""
    at = year - FIRST_YEAR
    chance = stream(seed, _CLOSED, year)
    least = _INTERVENTIONS[at] + int(chance.integers(0, 12))
    recorded, accommodated = _nearest(least, _ACCOMMODATED[at])
    with_hours, engaged = _nearest(least, _ENGAGED[at])
    interventions = max(recorded, with_hours) + 2 + int(chance.integers(0, 5))
    return Ended(interventions, recorded, accommodated, with_hours, engaged)


def _nearest(of: int, tenths: int) -> tuple[int, int]:
    """The first whole from `of` on, with its part, of which so many tenths of a per cent are to be
    had: so nearly that a difference of two of them is a difference of the tenths too."""
    while True:
        part = round(of * tenths / 1000)
        if abs(1000 * part - tenths * of) < 0.24 * of:
            return of, part
        of += 1


def entrants(seed: int, year: int) -> Mapping[str, int]:
    """Return the first-time entrants by team in the financial year that begins in `year`."""
    city = _entrants_of_city(seed, year)
    others = _LEVEL_OF_OTHERS[year - FIRST_YEAR]
    rate = 100_000 * _entrants_of_city(seed, ASSESSED) / CHILDREN[SOUTHAMPTON]
    found = {SOUTHAMPTON: city}
    for number, team in enumerate(list(CHILDREN)[1:]):
        spread = _spread(seed, _PEERS, number, year)
        level = rate * _level(seed, number, team) * others * spread
        found[team] = round(level * CHILDREN[team] / 100_000)
    return found


def _entrants_of_city(seed: int, year: int) -> int:
    base = 150 + int(stream(seed, _ENTRANTS).integers(0, 21))
    if year == ASSESSED - 1:
        return base
    around = (
        1.0 if year == ASSESSED else 0.98 + 0.04 * float(stream(seed, _ENTRANTS, year).random())
    )
    return round(base * _ENTRANTS_OF_CITY[year - FIRST_YEAR] * around)


def _spread(seed: int, measure: int, number: int, year: int) -> float:
    """Chance of a year about a team's level; none in the year whose ranks are told."""
    if year == ASSESSED:
        return 1.0
    return 0.96 + 0.08 * float(stream(seed, measure, number, year).random())


def _level(seed: int, number: int, team: str) -> float:
    """A team's level as a multiple of Southampton's: one lies just above it, one just below, and
    all the others clearly below."""
    part = float(stream(seed, _LEVELS, number).random())
    above, below = _NEIGHBOURS_IN_RANK[:: 1 if seed % 2 else -1]
    if team == above:
        return 1.02 + 0.02 * part
    return 0.955 + 0.02 * part if team == below else 0.45 + 0.4 * part


def custody(seed: int, year: int) -> Mapping[str, int]:
    """Return the custodial sentences by team in the financial year that begins in `year`."""
    found = {SOUTHAMPTON: _CUSTODIAL[year - FIRST_YEAR]}
    rate = _CUSTODIAL[year - FIRST_YEAR] / CHILDREN[SOUTHAMPTON]
    for number, team in enumerate(list(CHILDREN)[1:]):
        level = 0.25 + 0.7 * float(stream(seed, _CUSTODY_OF_PEERS, number).random())
        chance = float(stream(seed, _CUSTODY_OF_PEERS, number, year).random())
        found[team] = int(rate * level * CHILDREN[team] + chance)
    return found
