"""The sample's extracts of some sources, taken in, and the figures that indicators make of them.

Here: what tests that hold a source's sample against the published claims share. Not here: the whole
sample (`test_sample`), whole refreshes (`test_measure`).
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from conftest import Bench

from safecity_pipeline import measure
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import Plan, folder
from safecity_pipeline.sample.delivery import Delivery

SOUTHAMPTON = "E06000045"


def deliveries(module: str, plan: Plan) -> list[Delivery]:
    found: list[Delivery] = import_module(f"safecity_pipeline.sample.{module}").deliveries(plan)
    return found


class Part:
    """What some modules of the sample wrote, taken in as a refresh does it."""

    def __init__(self, place: Path, known: Registry, modules: Sequence[str], plan: Plan) -> None:
        self.plan, self.known, self.bench = plan, known, Bench(place, known)
        self.deliveries = [one for module in modules for one in deliveries(module, plan)]
        folder.lay(self.bench.raw, self.deliveries, plan.seed)
        sources = dict.fromkeys(one.source for one in self.deliveries)
        self.taken: dict[str, Intake] = {name: self.bench.take_in(name) for name in sources}
        self._describe()

    def _describe(self) -> None:
        """The tables of areas and extracts, as far as statements ask of them."""
        areas = pd.DataFrame(self.known.areas.rows())[["code", "force_code"]]
        self.rows("CREATE SCHEMA IF NOT EXISTS meta")  # and whatever was asked last is done with
        self.bench.connection.register("areas_now", areas)
        self.rows("CREATE TABLE meta.area AS SELECT code AS area_code, force_code FROM areas_now")
        self.rows(
            "CREATE TABLE meta.extract AS SELECT DISTINCT extract_id, NULL::DATE AS received_at "
            "FROM build.ingested"
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.bench.rows(statement)

    def figures(self, indicator: str) -> pd.DataFrame:
        """Rows of mart.indicator_value of one indicator."""
        found = self.known.indicators[indicator]
        return measure.values(self.bench.connection, found, self.known.sources)

    def values(self, indicator: str) -> dict[str, float | None]:
        """The city's values by financial year."""
        rows = self.figures(indicator)
        rows = rows[(rows["area_code"] == SOUTHAMPTON) & (rows["period_kind"] == "year")]
        pairs = zip(rows["period"], rows["value"], strict=True)
        return {label: None if pd.isna(value) else float(value) for label, value in pairs}

    def change(self, indicator: str, earlier: str = "2013-14", later: str = "2014-15") -> float:
        """Per cent, as the claims state it."""
        found = self.values(indicator)
        before, after = found[earlier], found[later]
        assert before is not None and after is not None
        return 100 * (after / before - 1)
