"""Mid-year population estimates of the Office for National Statistics, by local authority.

The published table is wide, one column a year; a clean row is one area and one year. The
vintage (edition and geography) is kept on every row, since a rate is only as comparable as its
denominator.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import Source

COUNTRIES = ("E", "W", "S", "N")


class Population(pa.DataFrameModel):
    """Residents of one local authority at the middle of one year."""

    area_code: Series[str] = pa.Field(
        description="Code of the local authority, nine characters",
        metadata={"example": ("E06000045", "E07000091")},
    )
    area_name: Series[str] = pa.Field(
        description="Its name", metadata={"example": ("Southampton", "New Forest")}
    )
    country: Series[str] = pa.Field(
        description="E, W, S or N: the country it lies in", metadata={"example": ("E", "E")}
    )
    year: Series[pd.Int64Dtype] = pa.Field(
        description="The estimate is for 30 June of this year",
        metadata={"example": ("2014", "2014")},
    )
    persons: Series[pd.Int64Dtype] = pa.Field(
        description="Usual residents of all ages", metadata={"example": ("240000", "180000")}
    )
    vintage: Series[str] = pa.Field(
        description="Edition of the estimates: last year, geography",
        metadata={"example": ("2019_geog20", "2019_geog20")},
    )

    @pa.check(
        "area_code",
        name="area_code_form",
        error="an area code is E, W, S or N and eight digits",
    )
    def area_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[EWSN]\d{8}")

    @pa.check(
        "country",
        name="country_known",
        error="the country is E, W, S or N",
        statistics={"allowed": COUNTRIES},
    )
    def country_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(COUNTRIES)

    @pa.check("year", name="year_in_range", error="the year lies between 1981 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1981, 2100)

    @pa.check(
        "persons",
        name="persons_in_range",
        error="a local authority has between 1 and 5,000,000 residents",
    )
    def persons_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1, 5_000_000)

    @pa.dataframe_check(
        name="country_of_code",
        error="the country is the first letter of the area code",
        statistics={"columns": ("area_code", "country")},
    )
    def country_of_code(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["area_code"].str[:1] == rows["country"]


SOURCE = Source(
    name="population",
    title="Mid-year population estimates",
    supplier="Office for National Statistics",
    licence="Open Government Licence v3.0",
    due_days=90,
    assurance="A3",
    sensitivity="public",
    maximum_rows=1_000,
    model=Population,
    geography="country",
    period_start="make_date(year, 6, 30)",
    period_end="make_date(year, 6, 30)",
    key=("area_code", "year"),
)
