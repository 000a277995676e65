"""Indicator to SQL: the one place where a value is computed.

Belongs here: the statement that gives numerator and denominator by area and period, and the
interval around their quotient. Does not belong here: comparing values (`compare`).

An area and period is *received* when the source has any row of it from the area's home force (or
any row at all, where rows name no force); a received area with no event is 0, the rest is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline import statistics
from safecity_pipeline.model import Indicator, Part, Refused, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def cells_sql(part: Part, source: Source) -> str:
    """Value of one part by area and by the finest period that the source's rows have."""
    home = f"_home = {source.home_force}" if source.home_force else "true"
    received = f"HAVING count(*) FILTER (WHERE {home}) > 0" if part.forces == "all" else ""
    counted = home if part.forces == "home" else "true"
    return f"""
        SELECT _area AS area_code, {source.period_start} AS period_start,
               {source.period_end} AS period_end,
               coalesce({part.aggregate} FILTER (WHERE {part.where}), 0) AS part_value,
               max(_received_at) AS received_at
        FROM {source.clean} AS r
        JOIN (SELECT area_code AS _area, force_code AS _home FROM meta.area) ON _area = r.area_code
        LEFT JOIN (SELECT extract_id AS _id, received_at AS _received_at FROM meta.extract)
               ON _id = r._extract_id
        WHERE {counted}
        GROUP BY ALL {received}"""


def rows_behind_sql(part: Part, source: Source) -> str:
    """Rows by file behind one part: counted ones, and all of the area and period.

    Parameters: area code, first and last day of the period. A stock (a population) is taken for
    the year in which the period begins, over the area's local authorities.
    """
    home = (
        f"{source.home_force} = (SELECT force_code FROM meta.area WHERE area_code = $1)"
        if part.forces == "home"
        else "true"
    )
    if is_stock(source):
        within = (
            "r.area_code IN (SELECT member_code FROM meta.area_member WHERE area_code = $1) "
            f"AND year({source.period_start}) = year($2) AND $3 IS NOT NULL"
        )
    else:
        within = f"r.area_code = $1 AND {source.period_start} BETWEEN $2 AND $3"
    return f"""
        SELECT e.file, count(*) FILTER (WHERE ({part.where}) AND {home}) AS counted, count(*)
        FROM {source.clean} AS r
        JOIN (SELECT extract_id, file FROM meta.extract) AS e ON e.extract_id = r._extract_id
        WHERE {within} GROUP BY e.file ORDER BY e.file"""


def _periods_sql(part: Part, source: Source) -> str:
    """The cells, and the financial years that they add up to, with what they cover.

    Where a year came both whole and by quarters, the whole stands: nothing is counted twice.
    """
    return f"""
        WITH cell AS ({cells_sql(part, source)}),
        dated AS (
            SELECT *, datediff('month', period_start, period_end) + 1 AS months,
                   year(period_start) - (month(period_start) < 4)::INTEGER AS fiscal
            FROM cell)
        SELECT area_code,
               CASE months WHEN 1 THEN 'month' ELSE 'quarter' END AS period_kind,
               CASE months WHEN 1 THEN strftime(period_start, '%YM%m')
                    ELSE year(period_start) || 'Q' || quarter(period_start) END AS period,
               period_start, period_end, period_start AS coverage_start,
               period_end AS coverage_end, months AS months_covered, part_value, received_at
        FROM dated WHERE months < 12
        UNION ALL BY NAME
        SELECT area_code, 'year' AS period_kind,
               fiscal || '-' || lpad(((fiscal + 1) % 100)::VARCHAR, 2, '0') AS period,
               make_date(fiscal, 4, 1) AS period_start, make_date(fiscal + 1, 3, 31) AS period_end,
               min(period_start) AS coverage_start, max(period_end) AS coverage_end,
               sum(months)::BIGINT AS months_covered, sum(part_value) AS part_value,
               max(received_at) AS received_at
        FROM (SELECT * FROM dated
              QUALIFY months = max(months) OVER (PARTITION BY area_code, fiscal))
        GROUP BY area_code, fiscal"""


def _snapshot_sql(part: Part, source: Source) -> str:
    """A stock at one date in the year, summed over an area's local authorities; an area counts
    only where every one of them is there, by the newest geography for which that holds."""
    return f"""
        SELECT area_code, year, part_value, vintage FROM (
            SELECT m.area_code, m.as_of, year({source.period_start}) AS year,
                   {part.aggregate} FILTER (WHERE {part.where}) AS part_value,
                   max(vintage) AS vintage, count(DISTINCT _member) AS present, any_value(n) AS n
            FROM (SELECT *, area_code AS _member FROM {source.clean}) AS r
            JOIN (SELECT *, count(*) OVER (PARTITION BY area_code, as_of) AS n
                  FROM meta.area_member) AS m ON m.member_code = r._member
            GROUP BY ALL)
        WHERE present = n
        QUALIFY row_number() OVER (PARTITION BY area_code, year ORDER BY as_of DESC) = 1"""


def sql(indicator: Indicator, sources: Mapping[str, Source]) -> str:
    """The whole statement: numerator, denominator and coverage by area and period.

    A rate over a stock takes the stock of the calendar year in which the period begins; over a
    count it takes the count of exactly the same months, or none.
    """
    numerator = _periods_sql(indicator.numerator, sources[indicator.numerator.source])
    columns = (
        "n.area_code, n.period_kind, n.period, n.period_start, n.period_end, n.coverage_start, "
        "n.coverage_end, n.months_covered, n.received_at, n.part_value::DOUBLE AS numerator, "
    )
    if indicator.denominator is None:
        return (
            f"SELECT {columns} NULL::DOUBLE AS denominator, NULL::VARCHAR AS denominator_vintage "
            f"FROM ({numerator}) AS n ORDER BY ALL"
        )
    source = sources[indicator.denominator.source]
    if is_stock(source):
        joined = (
            f"LEFT JOIN ({_snapshot_sql(indicator.denominator, source)}) AS d "
            "ON d.area_code = n.area_code AND d.year = year(n.period_start)"
        )
        vintage = "d.vintage"
    else:
        joined = (
            f"LEFT JOIN ({_periods_sql(indicator.denominator, source)}) AS d "
            "ON (d.area_code, d.period, d.coverage_start, d.coverage_end, d.months_covered) = "
            "(n.area_code, n.period, n.coverage_start, n.coverage_end, n.months_covered)"
        )
        vintage = "NULL::VARCHAR"
    return (
        f"SELECT {columns} d.part_value::DOUBLE AS denominator, {vintage} AS denominator_vintage "
        f"FROM ({numerator}) AS n {joined} ORDER BY ALL"
    )


def is_stock(source: Source) -> bool:
    """Its rows speak of a date and not of a span: a population, not a count of events."""
    return source.period_start == source.period_end


def prove(
    connection: DuckDBPyConnection,
    indicators: Iterable[Indicator],
    sources: Mapping[str, Source],
) -> None:
    """Have the database plan every statement against its tables. Raises Refused by entry."""
    for indicator in indicators:
        try:
            connection.execute(f"EXPLAIN {sql(indicator, sources)}").fetchall()
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "_duckdb":
                raise
            raise Refused(
                f"the database cannot plan it: {str(error).splitlines()[0]}",
                f"{indicator.subject}.toml [{indicator.indicator}]",
            ) from None


def values(
    connection: DuckDBPyConnection, indicator: Indicator, sources: Mapping[str, Source]
) -> pd.DataFrame:
    """The indicator's rows of mart.indicator_value, without names of areas.

    Value and limits are in the indicator's unit. A missing denominator gives a null value with
    status M and the reason; a proportion over no cases likewise.
    """
    rows = connection.execute(sql(indicator, sources)).df()
    rows["value"], rows["lower_95"], rows["upper_95"] = _with_interval(indicator, rows)
    rows["indicator"], rows["unit"] = indicator.indicator, indicator.unit
    rows["dimension"] = rows["dimension_value"] = "all"
    rows["complete"] = rows["months_covered"] == rows["period_kind"].map(MONTHS)
    rows["obs_status"] = rows["value"].notna().map({True: "A", False: "M"})
    rows["suppressed_reason"] = rows["value"].isna().map({True: "missing_denominator", False: None})
    return rows.rename(columns={"received_at": "extracted_on"})


MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _with_interval(
    indicator: Indicator, rows: pd.DataFrame
) -> tuple[pd.Series, pd.Series, pd.Series]:
    numerator, denominator = rows["numerator"], rows["denominator"]
    if indicator.kind == "proportion":
        found = statistics.proportions(numerator, denominator, indicator.per)
    elif indicator.kind == "count":
        found = statistics.rates(numerator, pd.Series(1.0, index=rows.index), indicator.per)
    else:
        found = statistics.rates(numerator, denominator, indicator.per)
    value, lower, upper = (pd.Series(part, index=rows.index) for part in found)
    return value, lower, upper
