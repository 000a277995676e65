"""A refresh of some sources of the sample, and what it tells of an indicator.

Here: what the tests of several sources' sentences share. Not here: the bench that takes one source
in without a release (`conftest`).
"""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from small_folder import refresh, small_settings

from safecity_pipeline.refresh import Refresh
from safecity_pipeline.sample import folder
from safecity_pipeline.sample.plan import Plan

CITY, ENGLAND = "E06000045", "E92000001"


class Refreshed:
    """Values and findings that the whole pipeline makes of the files of some sample modules."""

    def __init__(self, into: Path, modules: Iterable[ModuleType], plan: Plan) -> None:
        files = [file for module in modules for file in module.deliveries(plan)]
        settings = small_settings(into)
        folder.lay(settings.raw, files, plan.seed)
        refresh(settings)
        self.connection = Refresh(settings).warehouse.read_release(restricted=True)

    def asked(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, list(parameters)).fetchall()

    def counts(self, indicator: str, period: str, area: str = CITY) -> tuple[Any, ...]:
        """Value, numerator, denominator."""
        (found,) = self.asked(
            "SELECT value, numerator, denominator FROM mart.indicator_value "
            "WHERE (indicator, period, area_code) = (?, ?, ?)",
            *(indicator, period, area),
        )
        return found

    def value(self, indicator: str, period: str, area: str = CITY) -> float:
        return float(self.counts(indicator, period, area)[0])

    def of_peers(self, indicator: str, period: str) -> dict[str, float]:
        """Values of the city and of all that are ranked with it."""
        others = ", ".join(f"'{code}'" for code in OTHERS)
        found = self.asked(
            "SELECT area_code, value FROM mart.indicator_value WHERE (indicator, period) = (?, ?) "
            f"AND area_code IN ('{CITY}', {others}) AND value IS NOT NULL",
            *(indicator, period),
        )
        return dict(found)

    def rank(self, indicator: str, period: str) -> tuple[Any, ...]:
        """Rank from the highest, rank from the best, and of how many."""
        (found,) = self.asked(
            "SELECT rank_high, rank_best, rank_of FROM mart.finding WHERE "
            "(indicator, period, area_code, comparison) = (?, ?, ?, 'peer_rank')",
            *(indicator, period, CITY),
        )
        return found


# The fourteen peers of Southampton; counties stand in for three districts.
OTHERS = (
    *("E10000011", "E08000019", "E10000015", "E06000033", "E06000032", "E09000017", "E06000039"),
    *("E09000018", "E06000015", "E06000043", "E10000021", "W06000015", "E06000023", "E06000038"),
)
