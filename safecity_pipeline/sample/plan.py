"""What a sample is to tell: its chance, its years, and the change of recording that is built in.

Here: `Plan`, which every source's module is given.
Not here: any figure of a source, and what happens in the city by year (`city`).
"""

from dataclasses import dataclass

FIRST_YEAR = 2009
ASSESSED = "2014-15"
LAST_YEARS = ("2014-15", "2015-16", "2016-17")
RECORDING_STEP = 0.255


@dataclass(frozen=True)
class Plan:
    """`seed`: of all chance. `through`: the last financial year.

    `recording_step`: by which share better recording raised recorded violence on 1 April 2014, and
    for good (0.255 is +25.5 %); smaller effects elsewhere follow it. `real_change`: by which share
    violence itself changed then, in calls for service and in emergency departments too.
    """

    seed: int = 2014
    through: str = ASSESSED
    recording_step: float = RECORDING_STEP
    real_change: float = 0.0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise _refusal("a seed is a whole number from 0", self.seed, "give such a number")
        if self.through not in LAST_YEARS:
            listed = ", ".join(LAST_YEARS)
            raise _refusal("the sample ends with a year that it knows", self.through, listed)
        for name in ("recording_step", "real_change"):
            if not -0.5 <= getattr(self, name) <= 1:
                rule = f"{name.replace('_', ' ')} is a share from -0.5 to 1"
                raise _refusal(rule, getattr(self, name), "0.25 is +25 %")

    @property
    def years(self) -> tuple[str, ...]:
        """The financial years, as '2009-10', from the first to the last."""
        last = int(self.through[:4])
        return tuple(f"{year}-{(year + 1) % 100:02d}" for year in range(FIRST_YEAR, last + 1))


def _refusal(rule: str, got: object, repair: str) -> ValueError:
    return ValueError(f"{rule}; got: {got!r}; {repair}")
