"""What the synthetic street-level crimes are: types, seasons, outcomes, in invented shares.

Here: tables of weights, and the mixes made of them.
Not here: where the crimes lie and how a file is built (`street`).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

ANTI_SOCIAL_BEHAVIOUR = "Anti-social behaviour"
VIOLENCE = "Violence and sexual offences"

# Share of all rows in per cent; swing from the year's mean to midsummer, as a share (negative:
# a winter crime).
_TYPES: dict[str, tuple[float, float]] = {
    ANTI_SOCIAL_BEHAVIOUR: (40.0, 0.20),
    VIOLENCE: (13.0, 0.08),
    "Criminal damage and arson": (9.0, 0.02),
    "Other theft": (8.0, 0.05),
    "Shoplifting": (6.5, -0.04),
    "Burglary": (6.5, -0.12),
    "Vehicle crime": (5.5, -0.06),
    "Public order": (3.5, 0.10),
    "Drugs": (3.0, 0.0),
    "Bicycle theft": (2.0, 0.35),
    "Theft from the person": (1.2, -0.05),
    "Other crime": (0.9, 0.0),
    "Possession of weapons": (0.5, 0.0),
    "Robbery": (0.4, -0.05),
}

# A table, not a cosine: the same on every machine to the last bit.
_SUMMER = (-0.9, -0.8, -0.3, 0.1, 0.5, 0.9, 1.0, 0.9, 0.4, 0.0, -0.5, -0.7)
_SECOND_YEAR = {VIOLENCE: 1.25, "Public order": 1.15, "Burglary": 0.93}
_SECOND_YEAR_FROM = "2014-04"
# By the month from which it holds, 2013-14 is 1: crime fell, violence did not.
_TREND = {"2013-04": 1.0, "2012-04": 1.04, "2011-04": 1.17, "2010-12": 1.24}

_NO_SUSPECT = "Investigation complete; no suspect identified"
_UNABLE = "Unable to prosecute suspect"
_RARE = {
    "Suspect charged as part of another case": 0.6,
    "Formal action is not in the public interest": 0.8,
    "Defendant found not guilty": 0.5,
    "Defendant sent to Crown Court": 0.1,
    "Court case unable to proceed": 0.4,
    "Court result unavailable": 1.2,
    "Offender ordered to pay compensation": 0.2,
    "Offender otherwise dealt with": 0.2,
    "Offender given absolute discharge": 0.1,
    "Offender given conditional discharge": 0.8,
    "Offender given suspended prison sentence": 0.5,
    "Offender sent to prison": 1.0,
    "Offender given community sentence": 1.4,
    "Offender fined": 1.0,
    "Offender given penalty notice": 0.6,
    "Offender deprived of property": 0.1,
}
_COMMON = ("Under investigation", "Awaiting court outcome", "Local resolution")
_DETECTED = ("Drugs", "Shoplifting", "Possession of weapons")
_AGAINST_PERSONS = (VIOLENCE, "Public order", "Other crime")


@dataclass(frozen=True)
class Mix:
    """Words with weights: `bounds` are the weights added up, `total` the last of them."""

    words: tuple[str, ...]
    bounds: tuple[float, ...]

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> "Mix":
        # Not sum(): from Python 3.12 it rounds otherwise than before.
        return cls(tuple(weights), tuple(accumulate(weights.values())))

    @property
    def total(self) -> float:
        return self.bounds[-1]

    def pick(self, draw: float) -> str:
        """Return the word on which `draw`, from [0, 1), falls."""
        return self.words[bisect_right(self.bounds, draw * self.total, hi=len(self.words) - 1)]


@cache
def types_in(month: str) -> Mix:
    """Return the crime types of `month` ('2014-04'); their total is about 1."""
    summer = _SUMMER[int(month[5:]) - 1]
    second_year = _SECOND_YEAR if month >= _SECOND_YEAR_FROM else {}
    level = next(level for since, level in _TREND.items() if month >= since)
    return Mix.of(
        {
            crime_type: share
            / 100
            * (1 + swing * summer)
            * second_year.get(crime_type, 1.0)
            * (1.0 if crime_type == VIOLENCE else level)
            for crime_type, (share, swing) in _TYPES.items()
        }
    )


@cache
def outcomes_of(crime_type: str) -> Mix:
    """Return the outcomes of a crime type; anti-social behaviour has none ('')."""
    if crime_type == ANTI_SOCIAL_BEHAVIOUR:
        return Mix.of({"": 1.0})
    if crime_type in _DETECTED:
        common, no_suspect, unable = (22.0, 22.0, 10.0), 14.0, 6.0
    elif crime_type in _AGAINST_PERSONS:
        common, no_suspect, unable = (24.0, 13.0, 6.0), 14.0, 30.0
    else:
        common, no_suspect, unable = (16.0, 4.0, 2.0), 64.0, 6.0
    weights = dict(zip(_COMMON, common, strict=True))
    weights |= {_NO_SUSPECT: no_suspect, _UNABLE: unable, "Offender given a caution": 3.0} | _RARE
    if crime_type == "Drugs":
        weights["Offender given a drugs possession warning"] = 20.0
    return Mix.of(weights)
