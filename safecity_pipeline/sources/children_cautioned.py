"""Children cautioned or sentenced, as the Youth Justice Board's local figures give them.

One row is a count of children or a rate per 10,000 aged 10-17, which stand in one value column.
The publisher names today's areas on rows of earlier years (a 2023 code on 2014/15), so the area is
found by code alone. Belongs here: the two measures and how they must agree. Does not belong here:
rates of the Department for Education (`youth_justice`).
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

MEASURES = ("count", "rate_per_10_000")


class ChildrenCautioned(pa.DataFrameModel):
    """Children cautioned or sentenced in one area and financial year: a number, or a rate."""

    received_code: Series[str] = pa.Field(
        description="Code of the area as received, nine characters",
        metadata={"stored": False, "example": ("E06000045", "E92000001")},
    )
    area_name: Series[str] = pa.Field(
        description="Its name", metadata={"example": ("Southampton", "England")}
    )
    financial_year: Series[str] = pa.Field(
        description="Financial year in which the children were cautioned or sentenced",
        metadata={"parse": "financial_year", "example": ("2014/15", "2014/15")},
    )
    measure: Series[str] = pa.Field(
        description="count: children; rate_per_10_000: of the children aged 10-17",
        metadata={"example": ("count", "rate_per_10_000")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The number or the rate",
        metadata={"markers": True, "example": ("204", "69")},
    )

    @pa.check(
        "measure",
        name="measure_known",
        error="the measure is the count of children or the rate per 10,000 aged 10-17",
        statistics={"allowed": MEASURES},
    )
    def measure_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(MEASURES)

    @pa.dataframe_check(
        name="value_in_range",
        error="a count lies between 0 and 1,000,000 and is whole, a rate between 0 and 10,000",
        ignore_na=False,
        statistics={"columns": ("measure", "value")},
    )
    def value_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        count, value = rows["measure"] == "count", rows["value"]
        end = count.map({True: 1_000_000, False: 10_000})
        within = (value >= 0) & (value <= end) & (~count | (value % 1 == 0))
        return value.isna() | within


def _area(places: Places, received_code: str) -> str | None:
    return places.known_code(received_code)


def _start(places: Places, financial_year: str) -> date:
    return period.parse(financial_year).start


def _end(places: Places, financial_year: str) -> date:
    return period.parse(financial_year).end


# Count and rate of one area and year say how many children live there, which hardly changes from
# year to year. Where they say something else, the one that fits its own neighbours worse is wrong.
RATE_AGAINST_COUNT = """
WITH pair AS (
    SELECT _extract, area_code, area_name, year(period_end) AS year,
        max(value) FILTER (measure = 'count') AS children,
        max(value) FILTER (measure = 'rate_per_10_000') AS rate,
        max(_row) FILTER (measure = 'count') AS children_row,
        max(_row) FILTER (measure = 'rate_per_10_000') AS rate_row
    FROM candidate
    GROUP BY ALL
    HAVING children > 0 AND rate > 0
), usual AS (
    SELECT *, 10000 * children / (rate + 0.5) AS fewest, 10000 * children / (rate - 0.5) AS most,
        median(10000 * children / rate) OVER area AS population,
        count(*) OVER area AS years,
        abs(ln(children / median(children) OVER near)) AS children_off,
        abs(ln(rate / median(rate) OVER near)) AS rate_off
    FROM pair
    WINDOW area AS (PARTITION BY _extract, area_code),
        near AS (PARTITION BY _extract, area_code ORDER BY year
            RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING)
)
SELECT _extract, CASE WHEN children_off > rate_off THEN children_row ELSE rate_row END AS _row,
    printf('%s %d: %.10g at %.10g per 10,000 are of %.0f aged 10-17, other years of %.0f',
        area_name, year, children, rate, 10000 * children / rate, population) AS got
FROM usual
WHERE years >= 3 AND abs(children_off - rate_off) > ln($threshold)
    AND (fewest > population * $threshold OR most * $threshold < population)
"""
# Twice the difference of the roots: about 1.4 by chance alone, however large the numbers.
LIKE_LAST_YEAR = """
WITH figure AS (
    SELECT area_code, year(period_end) AS year, any_value(value) AS value
    FROM clean.children_cautioned
    WHERE measure = 'count' AND value IS NOT NULL
    GROUP BY ALL
)
SELECT count(*) FROM figure AS now JOIN figure AS before USING (area_code)
WHERE before.year = now.year - 1
    AND 2 * abs(sqrt(now.value) - sqrt(before.value)) > $threshold
    AND abs(ln(greatest(now.value, 1) / greatest(before.value, 1))) > 0.5
"""

SOURCE = Source(
    name="children_cautioned",
    title="Children cautioned or sentenced by area and year",
    supplier="Youth Justice Board",
    licence="Open Government Licence v3.0",
    due_days=300,
    assurance="A2",
    sensitivity="public",
    maximum_rows=20_000,
    model=ChildrenCautioned,
    table="measure",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("received_code", "financial_year", "measure"),
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("received_code",),
            _area,
            "Area: local authority or England",
            refusal="the area code is one that areas.csv knows",
        ),
        Derived("period_start", "DATE", ("financial_year",), _start, "First day of the year"),
        Derived("period_end", "DATE", ("financial_year",), _end, "Last day of the year"),
    ),
    across=(
        CrossRow(
            "rate_against_count",
            "count and rate of an area mean about as many children aged 10-17 in every year",
            RATE_AGAINST_COUNT,
            over="extract",
        ),
        CrossRow(
            "like_last_year",
            "a count lies near the year before's, allowing for small numbers",
            LIKE_LAST_YEAR,
        ),
    ),
)
