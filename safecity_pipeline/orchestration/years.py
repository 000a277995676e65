"""Financial years as partitions of the figures, and which of them a run was asked to make anew.

Static keys, as `2014-15`: Dagster has no partitions by year that begin in April. A run speaks of
a range of them (the tags of `ALL`), never of one: `partition_key` raises there.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from safecity_pipeline import period

JOB = "refresh"
FIRST = 2001  # the year before the oldest definitional change; no extract goes back further


def keys(today: date) -> list[str]:
    """From 2001-02 to the year after the present one, which may begin while Dagster runs."""
    last = period.financial_year_of(today).start.year + 1
    return [period.financial_year(year).label for year in range(FIRST, last + 1)]


YEARS = keys(date.today())
PARTITIONS = dg.StaticPartitionsDefinition(YEARS)
ALL = {
    "dagster/asset_partition_range_start": YEARS[0],
    "dagster/asset_partition_range_end": YEARS[-1],
}


def asked_for(context: dg.AssetExecutionContext) -> list[str]:
    """The years that somebody picked, to be made anew whatever stands there; none in a whole
    refresh, which makes what has changed."""
    if not (context.has_partition_key_range or context.has_partition_key):
        return []
    picked = list(context.partition_keys)
    return [] if picked == YEARS and context.job_name == JOB else picked
