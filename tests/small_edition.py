"""An edition drawn by hand: a database of the contract's tables, with the few rows that a test
needs.

Here: what the tests of published words share. Not here: any row.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from safecity_pipeline import period, settings, tables, warehouse
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

CITY, YEAR = "E06000045", "2014-15"
Rows = Sequence[Mapping[str, Any]]


@contextmanager
def edition(
    known: Registry, rows: Mapping[Table, Rows], audience: str = "public", **replaced: Any
) -> Iterator[Edition]:
    """An edition of these rows; tables of which none are given are there, and empty. `replaced`:
    fields of the registry."""
    connection = warehouse.memory()
    try:
        release: dict[str, Any] = {
            "stamp": "S1",
            "area_code": CITY,
            "area_name": "Southampton",
            "year": YEAR,
        }
        release |= {"synthetic": True, "published_at": datetime(2015, 12, 1)}
        for table in tables.TABLES:
            given = [release] if table is tables.RELEASE else rows.get(table, ())
            warehouse.fill(connection, table, pd.DataFrame([dict(one) for one in given]))
        chosen = settings.load(settings.PACKAGED)
        one = replace(known, **replaced)
        yield Edition(audience, Path("nowhere"), connection, one, chosen)
    finally:
        connection.close()


def value(
    indicator: str, label: str, value: float | None, part: str = "all/all", **more: Any
) -> dict[str, Any]:
    """A row of mart.indicator_value of the city; `part`: dimension/member."""
    dimension, _, member = part.partition("/")
    one = period.parse(label)
    return {
        "indicator": indicator,
        "area_code": CITY,
        "area_name": "Southampton",
        "period": label,
        "period_kind": one.kind,
        "dimension": dimension,
        "dimension_value": member,
        "period_start": one.start,
        "period_end": one.end,
        "coverage_start": one.start,
        "coverage_end": one.end,
        "complete": True,
        "value": value,
        "numerator": value,
        "lower_95": None,
        "upper_95": None,
        "obs_status": "A" if value is not None else "M",
        **more,
    }


def hidden(indicator: str, label: str, part: str = "all/all") -> dict[str, Any]:
    """The same of a figure that may not be shown."""
    why = "not shown, so that no small number can be worked out"
    return value(indicator, label, None, part, obs_status="C", suppressed_reason=why)


def finding(
    indicator: str, label: str = YEAR, comparison: str = "previous_year", **more: Any
) -> dict[str, Any]:
    """A row of mart.finding of the city."""
    one = period.parse(label)
    base = one.year_before(1).label if comparison == "previous_year" else None
    return {
        "indicator": indicator,
        "area_code": CITY,
        "area_name": "Southampton",
        "dimension": "all",
        "dimension_value": "all",
        "comparison": comparison,
        "comparator": base or "a group",
        "period": label,
        "base_period": base,
        "change": None,
        "rank_high": None,
        "change_unit": "percent",
        "status": "comparable",
        "sentence": "A finding.",
        "compared_start": one.start,
        "compared_end": one.end,
        **more,
    }
