"""Mid-year population estimates of the Office for National Statistics by sex and year of age.

The denominator of what happens to some residents only: first-time entrants per child aged 10 to
17, MARAC cases per woman aged 16 and over. The published table (MYEB1) has a row an area, sex and
age and a column a year; a clean row is one area, sex, age and year. Age 90 means 90 and over. Sex
is 1 for males and 2 for females. Not here: the totals (`population`), which are the same persons.

Trap: a sum over ages does not show that one is lacking. So an area that lacks any that others have
counts not at all.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import CrossRow, Source

COUNTRIES = ("E", "W", "S", "N")
MALE, FEMALE = 1, 2
OLDEST = 90
GROUPS = 2 * (OLDEST + 1)


class PopulationByAge(pa.DataFrameModel):
    """Residents of one local authority, of one sex and age, at the middle of one year."""

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
    sex: Series[pd.Int64Dtype] = pa.Field(
        description="1 male, 2 female", metadata={"example": ("2", "2")}
    )
    age: Series[pd.Int64Dtype] = pa.Field(
        description="Age in years; 90 is 90 and over", metadata={"example": ("17", "17")}
    )
    year: Series[pd.Int64Dtype] = pa.Field(
        description="The estimate is for 30 June of this year",
        metadata={"example": ("2014", "2014")},
    )
    persons: Series[pd.Int64Dtype] = pa.Field(
        description="Usual residents", metadata={"example": ("1400", "1000")}
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

    @pa.check("sex", name="sex_known", error="the sex is 1 (male) or 2 (female)")
    def sex_known(cls, values: pd.Series) -> pd.Series:
        return values.isin([MALE, FEMALE])

    @pa.check("age", name="age_in_range", error="an age lies between 0 and 90, which is the rest")
    def age_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, OLDEST)

    @pa.check("year", name="year_in_range", error="the year lies between 1981 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1981, 2100)

    @pa.check(
        "persons",
        name="persons_in_range",
        error="of one sex and age, a local authority has between 0 and 50,000 residents",
    )
    def persons_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 50_000)

    @pa.dataframe_check(
        name="country_of_code",
        error="the country is the first letter of the area code",
        statistics={"columns": ("area_code", "country")},
    )
    def country_of_code(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["area_code"].str[:1] == rows["country"]


AGES_LIKE_OTHERS = """
SELECT _extract, _row, printf('%s has %d sexes and ages in %d, other areas have %d',
       any_value(area_code), min(found), arg_min(year, found), any_value(most)) AS got
FROM (SELECT *, max(found) OVER (PARTITION BY _extract) AS most
      FROM (SELECT *, count(*) OVER (PARTITION BY _extract, area_code, year) AS found
            FROM candidate))
WHERE found < most GROUP BY _extract, _row
"""

SOURCE = Source(
    name="population_by_age",
    title="Mid-year population estimates by sex and year of age",
    supplier="Office for National Statistics",
    licence="Open Government Licence v3.0",
    due_days=90,
    assurance="A3",
    sensitivity="public",
    maximum_rows=200_000,
    model=PopulationByAge,
    geography="country",
    period_start="make_date(year, 6, 30)",
    period_end="make_date(year, 6, 30)",
    key=("area_code", "year", "sex", "age"),
    across=(
        CrossRow(
            "ages_like_others",
            "an area has every sex and age that other areas have, or its residents of some ages "
            "would be too few",
            AGES_LIKE_OTHERS,
            over="extract",
        ),
    ),
    minimum_rows=GROUPS,
)
