"""An indicator by the dimensions that its source has: ward, hour of the week, age band, strand.

Belongs here: the years of an indicator, taken apart by one column at a time. Does not belong here:
the figure of the whole (`measure`), from which a part takes its period and how much of it is
covered: a ward without a crime in May had none, while an area without a row has not been received.

Parts add up to the whole, but for a column that holds a list (a crime of two hate strands is in
both). A row that says nothing in the column is in the part "not known".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline import measure
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Indicator, Part, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

YEARS = ("year", "calendar_year")
NOT_KNOWN = "not known"
OFTEN = 20  # rows that a word must have, where nobody knows beforehand which words there are
WHOLE = ["area_code", "period"]
KEPT = "period_kind period_start period_end coverage_start coverage_end months_covered complete "
KEPT += "extracted_on maturity_days"


def values(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    sources: Mapping[str, Source],
    whole: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of mart.indicator_value of every dimension of an indicator. `whole`: its own rows."""
    years = whole[whole["period_kind"].isin(YEARS)]
    parts = [
        _finished(indicator, column, _parts_of(connection, indicator, sources, column, years))
        for column in indicator.by
    ]
    return pd.concat([whole, *parts], ignore_index=True) if parts else whole


def _parts_of(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    sources: Mapping[str, Source],
    column: str,
    years: pd.DataFrame,
) -> pd.DataFrame:
    """Numerator and denominator of every part of every year; one without an event has 0."""
    keys = [*WHOLE, "dimension_value"]
    counted = connection.execute(sql(indicator, sources, column)).df().set_index(keys)
    found = counted.index.to_frame(index=False)[["area_code", "dimension_value"]].drop_duplicates()
    kept = years[[*WHOLE, *KEPT.split(), "denominator_vintage"]]
    kept = kept.assign(by_chance=years["lower_95"].notna() | years["value"].isna())
    rows = kept.merge(found, on="area_code").join(counted, on=keys)
    rows["numerator"] = rows["numerator"].fillna(0.0)
    rows["estimated"] = rows["estimated"].eq(True)
    if indicator.denominator is not None:
        rows["denominator"] = rows["denominator"].fillna(0.0)
    base = "numerator" if indicator.denominator is None else "denominator"
    return rows[~_not_asked(rows, base)].reset_index(drop=True)


def _not_asked(rows: pd.DataFrame, base: str) -> pd.Series:
    """The parts of a period of which no row says to which part it belongs: their 0 is none."""
    named = rows["dimension_value"] != NOT_KNOWN
    counts = rows[base].abs()
    keys = [rows[one] for one in WHOLE]
    told = counts.where(named, 0.0).groupby(keys).transform("sum")
    untold = counts.where(~named, 0.0).groupby(keys).transform("sum")
    return named & (told == 0) & (untold > 0)


def _finished(indicator: Indicator, column: str, rows: pd.DataFrame) -> pd.DataFrame:
    rows["value"], rows["lower_95"], rows["upper_95"] = measure.with_interval(indicator, rows)
    # Where chance did not choose who is in the whole, it did not choose who is in a part.
    rows.loc[~rows.pop("by_chance").astype(bool), ["lower_95", "upper_95"]] = float("nan")
    rows["indicator"], rows["unit"], rows["dimension"] = indicator.indicator, indicator.unit, column
    missing, estimated = rows["value"].isna(), rows.pop("estimated")
    rows["obs_status"] = estimated.map({True: measure.ESTIMATED, False: "A"}).mask(missing, "M")
    rows["suppressed_reason"] = missing.map({True: "missing_denominator", False: None})
    return rows


def sql(indicator: Indicator, sources: Mapping[str, Source], column: str) -> str:
    """The statement: numerator and denominator by area, year and part."""
    part = indicator.main
    source = sources[part.source]
    told = [f"{_counted(part)} AS numerator", f"{_counted(indicator.denominator)} AS denominator"]
    parts = [one for one in (part, indicator.denominator) if one]
    estimated = " OR ".join(measure.is_estimated(one, source) for one in parts)
    told.append(f"{estimated} AS estimated")
    cells = f"""
        SELECT _area AS area_code, {source.period_start} AS period_start,
               {source.period_end} AS period_end, coalesce(_part::VARCHAR, '{NOT_KNOWN}')
               AS dimension_value, {", ".join(told)}
        FROM ({_rows(indicator, source, column)}) AS r
        JOIN (SELECT area_code AS _area, force_code AS _home FROM meta.area) ON _area = r.area_code
        WHERE {f"_home = {source.home_force}" if part.forces == "home" else "true"}
          AND {measure.is_told(part, source)}
        GROUP BY ALL"""
    return f"""
        SELECT area_code, dimension_value,
               CASE WHEN kind = 'calendar_year' THEN period
                    ELSE fiscal || '-' || lpad(((fiscal + 1) % 100)::VARCHAR, 2, '0') END AS period,
               sum(numerator)::DOUBLE AS numerator, sum(denominator)::DOUBLE AS denominator,
               bool_or(estimated) AS estimated
        FROM (SELECT * FROM ({measure.labelled_sql(cells)})
              WHERE kind IN ('month', 'quarter', 'year', 'calendar_year')
              QUALIFY months = max(months) OVER (PARTITION BY area_code, fiscal,
                                                 kind = 'calendar_year'))
        GROUP BY ALL ORDER BY ALL"""


def _counted(part: Part | None) -> str:
    return f"coalesce({part.aggregate} FILTER (WHERE {part.where}), 0)" if part else "NULL"


def adds_up(source: Source, column: str) -> bool:
    """Whether parts by this column add up to the whole: not where it holds a list."""
    types = {**schema.types(source), **{one.name: one.sql_type for one in source.windows}}
    return not types.get(column, "").endswith("[]")


def _rows(indicator: Indicator, source: Source, column: str) -> str:
    """The clean rows with `_part`; a row whose column is a list comes once for each entry."""
    rows = measure.rows_of(indicator, source, column)
    if schema.is_open(source, column):
        # A word that hardly ever comes is no ward: it may be a name that slipped into the column.
        often = f"count(*) OVER (PARTITION BY {column}) >= {OFTEN}"
        return f"SELECT *, CASE WHEN {often} THEN {column} END AS _part FROM {rows}"
    if adds_up(source, column):
        return f"SELECT *, {column} AS _part FROM {rows}"
    listed = f"CASE WHEN len({column}) > 0 THEN {column} ELSE [NULL] END"
    return f"SELECT *, unnest({listed}) AS _part FROM {rows}"
