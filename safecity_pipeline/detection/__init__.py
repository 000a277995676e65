"""Finding a change of recording in the figures, and sizing it: pure statistics.

    months        monthly counts as they come → logarithms by month; what is missing or refused
    regression    a level step beside trend and season, for many series and dates at once
    critical      how large the t of a step must be, from a table; tabulation: what makes it
    verdicts      the words of the answer
    monthly       `test_at` and `scan`: was there a step in recorded / reference, and how large
    annual        the same of two years' totals, the noise taken from the peers; parts of a change
    simulation    the acceptance figures, each beside its goal

Belongs here: arithmetic on counts that the caller hands over. Does not belong here: which series a
change reaches (`breaks`, `registry.changes`), which reference a series has, any file or database.

The idea (METHODS, section 3): recorded crime alone cannot tell a change of recording from one of
crime. A reference series that recording does not touch, such as calls for service, can: the ratio
of the two stays where it was when crime changes, and steps when recording does. Everything is on
natural logarithms: a step of 0.182 is a rise by exp(0.182) = 1.20.
"""

from safecity_pipeline.detection.annual import Noise, Parts, annual, noise_between_years, parts
from safecity_pipeline.detection.monthly import Break, scan, test_at, test_together
from safecity_pipeline.detection.verdicts import CANNOT_TELL, DISAGREE, FLAGGED, NOT_FLAGGED

__all__ = [
    "CANNOT_TELL",
    "DISAGREE",
    "FLAGGED",
    "NOT_FLAGGED",
    "Break",
    "Noise",
    "Parts",
    "annual",
    "noise_between_years",
    "parts",
    "scan",
    "test_at",
    "test_together",
]
