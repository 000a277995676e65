"""Households by local authority: projections for England, estimates for Wales.

The denominator of domestic burglary, which happens to dwellings and not to residents. The tables
are wide, one column a year; a clean row is one area and one year, at mid-year. Traps: some tables
count in thousands and some in households, and only a title says which; a projection goes on for
25 years and is replaced by the next every second year, so its base is kept as the vintage; England
and its regions stand among the authorities; and England's table has no Welsh authority, so that a
rank among areas of both countries needs both tables.

A projection is no count: it says how many there would be if past trends went on, and households
are not dwellings (some are empty, some are shared).
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import Derived, Places, Source

THOUSAND = 1000
THOUSANDS = "thousands"
UNITS = (THOUSANDS, "number of households", "households")


class Households(pa.DataFrameModel):
    """Households of one local authority, region or country at the middle of one year."""

    area_code: Series[str] = pa.Field(
        description="Code of the area, nine characters",
        metadata={"example": ("E06000045", "E07000091")},
    )
    area_name: Series[str] = pa.Field(
        description="Its name; England and its regions in capitals",
        metadata={"example": ("Southampton UA", "New Forest")},
    )
    year: Series[pd.Int64Dtype] = pa.Field(
        description="The figure is for 30 June of this year", metadata={"example": ("2014", "2014")}
    )
    figure: Series[float] = pa.Field(
        description="Households or thousands of them, as given_in says",
        metadata={"example": ("100000", "76500")},
    )
    given_in: Series[str] = pa.Field(
        description="What the figure counts in, as the table's title says",
        metadata={"example": ("Number of households", "Number of households")},
    )
    vintage: Series[str] = pa.Field(
        description="Edition: the base year of a projection, or the last year of estimates",
        metadata={"example": ("2012-based", "2012-based")},
    )

    @pa.check("area_code", name="area_code_form", error="an area code is E or W and eight digits")
    def area_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[EW]\d{8}")

    @pa.check("year", name="year_in_range", error="the year lies between 1981 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1981, 2100)

    @pa.check("given_in", name="unit_known", error="a table counts in households or in thousands")
    def unit_known(cls, values: pd.Series) -> pd.Series:
        return values.str.lower().isin(UNITS)

    @pa.dataframe_check(
        name="households_in_range",
        error="an area has between 500 and 40,000,000 households, in whole numbers unless the "
        "table is in thousands",
        statistics={"columns": ("figure", "given_in")},
    )
    def households_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        thousands = rows["given_in"].str.lower() == THOUSANDS
        households = rows["figure"].where(~thousands, rows["figure"] * THOUSAND)
        whole = thousands | (rows["figure"] % 1 == 0)
        return whole & households.between(500, 40_000_000)


def households(places: Places, figure: float, given_in: str) -> int:
    """How many households a figure means."""
    return round(figure * THOUSAND) if given_in.lower() == THOUSANDS else round(figure)


SOURCE = Source(
    name="households",
    title="Household projections and estimates by local authority",
    supplier="Department for Communities and Local Government; Welsh Government",
    licence="Open Government Licence v3.0",
    due_days=500,
    assurance="A3",
    sensitivity="public",
    maximum_rows=2_000,
    model=Households,
    geography="area_code[1]",
    period_start="make_date(year, 6, 30)",
    period_end="make_date(year, 6, 30)",
    key=("area_code", "year"),
    derived=(
        Derived(
            "households",
            "BIGINT",
            ("figure", "given_in"),
            households,
            "Households, whatever the table counts in",
        ),
    ),
    cadence="every two years",
)
