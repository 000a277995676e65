"""What the pipeline computes of some modules of the sample: values and ranks of indicators.

Here: what the tests of several sources' sentences share; the steps of a refresh up to the values,
without findings of every area and a release. Not here: the bench that takes one source in without
indicators (`conftest`).
"""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from small_folder import small_settings

from safecity_pipeline import compare
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.sample import folder
from safecity_pipeline.sample.plan import Plan

CITY, ENGLAND = "E06000045", "E92000001"
# The fourteen peers of Southampton; counties stand in for three districts.
OTHERS = (
    *("E10000011", "E08000019", "E10000015", "E06000033", "E06000032", "E09000017", "E06000039"),
    *("E09000018", "E06000015", "E06000043", "E10000021", "W06000015", "E06000023", "E06000038"),
)


class Refreshed:
    """Values, and the city's ranks, that the pipeline makes of the files of sample modules."""

    def __init__(self, into: Path, modules: Iterable[ModuleType], plan: Plan) -> None:
        files = [file for module in modules for file in module.deliveries(plan)]
        settings = small_settings(into)
        folder.lay(settings.raw, files, plan.seed)
        self.refresh = one = Refresh(settings)
        with one.warehouse.lock():
            with one.at_work():
                one.look()
                for source in one.registry.sources:
                    one.take_in(source)
                one.indicators()
            with one.warehouse.open_work() as connection:
                self.values = connection.execute("SELECT * FROM mart.indicator_value").df()

    def _rows(self, indicator: str, period: str) -> dict[str, Any]:
        """Area → its row."""
        wanted = (self.values["indicator"] == indicator) & (self.values["period"] == period)
        rows = self.values[wanted]
        return {str(row.area_code): row for row in rows.itertuples()}

    def row(self, indicator: str, period: str, area: str = CITY) -> Any:
        return self._rows(indicator, period)[area]

    def value(self, indicator: str, period: str, area: str = CITY) -> float:
        return float(self.row(indicator, period, area).value)

    def years(self, indicator: str) -> list[str]:
        """The financial years for which the city has a value."""
        values = self.values
        wanted = (values["indicator"] == indicator) & (values["area_code"] == CITY)
        wanted &= (values["period_kind"] == "year") & values["value"].notna()
        return sorted(values[wanted]["period"])

    def ranked(self, indicator: str, period: str) -> list[float]:
        """Values of the city and of its peers, the lowest first."""
        rows = self._rows(indicator, period)
        found = [float(rows[code].value) for code in (CITY, *OTHERS) if code in rows]
        return sorted(found)

    def rank(self, indicator: str, period: str) -> tuple[int | None, int | None, int | None]:
        """The city's rank from the highest, from the best, and of how many."""
        known = self.refresh.registry
        declared = known.indicators[indicator]
        rows = self.values[self.values["indicator"] == indicator]
        rows = rows[rows["period"] == period]
        found = compare.findings(
            declared,
            compare.series_of(rows, False, declared.kind == "published"),
            CITY,
            "Southampton",
            lambda group, day: known.areas.peer_group(group, CITY, day),
            stand_ins=known.stand_ins.of,
        )
        ranks = (each for each in found if each.comparison == "peer_rank")
        (one,) = (each for each in ranks if each.area_code == CITY)
        return one.rank_high, one.rank_best, one.rank_of
