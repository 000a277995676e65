"""Values that are on another definition than the one before them: SDMX status B.

Belongs here: which value stands before which, and the mark. Does not belong here: which days a
change breaks (`breaks`), comparisons of any other two periods (`compare`).

"B" is defined by SDMX against the preceding observation, so a value is marked where the comparison
with the last value before it of its own series is broken: the same area, kind of period and part.
A change within a year thus marks that year, which is mixed, and the one after it; one on its first
day marks that year alone. A period without a figure is passed over, so that no gap hides a break.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd

from safecity_pipeline.breaks import TWO_EDITIONS, Broken, Days

BREAK, NORMAL = "B", "A"
OF_A_SERIES = ["area_code", "period_kind", "dimension", "dimension_value"]
BEFORE = ["coverage_start", "coverage_end", "denominator_vintage"]

BrokenBy = Callable[[str, Days, Days], Broken]
"""Area code, earlier days, later days → the definitional changes in between."""


def marked(rows: pd.DataFrame, broken_by: BrokenBy) -> pd.DataFrame:
    """Rows of mart.indicator_value of one indicator, with the column `series_break`.

    `series_break`: ids of the material changes between a value and the one before it, parted by
    blanks, and `denominator_vintage` where they are divided by different editions; None where there
    is no such change, or no value before. Status A becomes B then; E, M and C stay: an estimate
    stays one, and where there is no figure none is on another definition.
    """
    rows = rows.reset_index(drop=True)
    there = rows[rows["value"].notna()].sort_values("period_start", kind="stable")
    before = there.groupby(OF_A_SERIES, sort=False)[BEFORE].shift()
    pairs = there[["area_code", *BEFORE]].join(before.add_suffix("_before"))
    pairs = pairs[pairs["coverage_start_before"].notna()]
    asked: dict[tuple[str, Days, Days], tuple[str, ...]] = {}
    ids: dict[int, str] = {}
    for index, area, then, now, rebased in _pairs(pairs):
        key = area, then, now
        if key not in asked:
            asked[key] = broken_by(*key).material
        if found := (*asked[key], *(TWO_EDITIONS.material if rebased else ())):
            ids[index] = " ".join(found)
    told = pd.Series([ids.get(index) for index in rows.index], rows.index, dtype=object)
    status = rows["obs_status"].mask(told.notna() & (rows["obs_status"] == NORMAL), BREAK)
    return rows.assign(series_break=told, obs_status=status)


def _pairs(pairs: pd.DataFrame) -> list[tuple[int, str, Days, Days, bool]]:
    """Index, area, the days of the value before, those of the value, and whether the editions of
    what they are divided by differ."""
    days = {
        name: _days(pairs[name])
        for name in (f"coverage_{end}{of}" for end in ("start", "end") for of in ("", "_before"))
    }
    then = map(Days, days["coverage_start_before"], days["coverage_end_before"])
    now = map(Days, days["coverage_start"], days["coverage_end"])
    mine, theirs = pairs["denominator_vintage"], pairs["denominator_vintage_before"]
    rebased = (mine != theirs) & (mine.notna() | theirs.notna())
    return list(zip(pairs.index, pairs["area_code"], then, now, rebased, strict=True))


def _days(column: pd.Series) -> list[date]:
    return [day.date() for day in pd.to_datetime(column)]
