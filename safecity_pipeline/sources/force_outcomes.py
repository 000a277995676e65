"""Crimes by force, type and newest outcome, a third party's yearly counts of data.police.uk.

One row is a number of crimes (or ASB incidents) that one force reported in one calendar year, of
one type and with one outcome. Types were relabelled in 2013, so both sets occur in that year and
neither is a whole year of it. An empty outcome is one that is not stated; ASB never has one. Not
here: the crimes themselves (`street_crime`).
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import Classification, CrossRow, Derived, Places, Source

RELABELLED = 2013
ASB = "Anti-social behaviour"
TYPES_THROUGHOUT = (
    ASB,
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Robbery",
    "Shoplifting",
    "Vehicle crime",
)
TYPES_UNTIL = ("Public disorder and weapons", "Violent crime")
TYPES_SINCE = (
    "Bicycle theft",
    "Possession of weapons",
    "Public order",
    "Theft from the person",
    "Violence and sexual offences",
)
CRIME_TYPES = tuple(sorted((*TYPES_THROUGHOUT, *TYPES_UNTIL, *TYPES_SINCE)))
OUTCOMES = (
    "Action to be taken by another organisation",
    "Awaiting court outcome",
    "Court case unable to proceed",
    "Court result unavailable",
    "Defendant found not guilty",
    "Defendant sent to Crown Court",
    "Formal action is not in the public interest",
    "Further action is not in the public interest",
    "Further investigation is not in the public interest",
    "Investigation complete; no suspect identified",
    "Local resolution",
    "Offender deprived of property",
    "Offender fined",
    "Offender given a caution",
    "Offender given a drugs possession warning",
    "Offender given absolute discharge",
    "Offender given community sentence",
    "Offender given conditional discharge",
    "Offender given penalty notice",
    "Offender given suspended prison sentence",
    "Offender ordered to pay compensation",
    "Offender otherwise dealt with",
    "Offender sent to prison",
    "Status update unavailable",
    "Suspect charged",
    "Suspect charged as part of another case",
    "Unable to prosecute suspect",
    "Under investigation",
)


class ForceOutcomes(pa.DataFrameModel):
    """A number of crimes of one force, calendar year, type and newest outcome."""

    year: Series[pd.Int64Dtype] = pa.Field(
        description="Calendar year in which they were reported",
        metadata={"example": ("2014", "2014")},
    )
    crime_type: Series[str] = pa.Field(
        description="Category of data.police.uk; the categories changed during 2013",
        metadata={"example": ("Burglary", "Anti-social behaviour")},
    )
    reported_by: Series[str] = pa.Field(
        description="Force that supplied the crimes",
        metadata={"example": ("Hampshire Constabulary", "Hampshire Constabulary")},
    )
    last_outcome_category: Series[str] = pa.Field(
        nullable=True,
        description="Newest outcome at the time of publication; empty where none is stated",
        metadata={"example": ("Local resolution", "")},
    )
    number_of_crimes: Series[pd.Int64Dtype] = pa.Field(
        description="Crimes or ASB incidents", metadata={"example": ("53", "25000")}
    )

    @pa.check(
        "year",
        name="year_in_range",
        error="the year lies between 2010, when publication began, and the present one",
    )
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(2010, date.today().year)

    @pa.check(
        "crime_type",
        name="crime_type_known",
        error="the crime type is one of data.police.uk's",
        statistics={"allowed": CRIME_TYPES},
    )
    def crime_type_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(CRIME_TYPES)

    @pa.check(
        "last_outcome_category",
        name="outcome_known",
        error="the outcome is one of data.police.uk's, or empty",
        statistics={"allowed": OUTCOMES},
    )
    def outcome_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OUTCOMES)

    @pa.check(
        "number_of_crimes",
        name="crimes_in_range",
        error="a number of crimes lies between 1 and 1,000,000",
    )
    def crimes_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1, 1_000_000)

    @pa.dataframe_check(
        name="crime_type_of_its_year",
        error="violent crime, and public disorder and weapons, end in 2013; the types that took "
        "their place begin in 2013",
        statistics={"columns": ("crime_type", "year")},
    )
    def crime_type_of_its_year(cls, rows: pd.DataFrame) -> pd.Series:
        late = rows["crime_type"].isin(TYPES_UNTIL) & (rows["year"] > RELABELLED)
        early = rows["crime_type"].isin(TYPES_SINCE) & (rows["year"] < RELABELLED)
        return ~(late | early)

    @pa.dataframe_check(
        name="asb_has_no_outcome",
        error="anti-social behaviour has no outcome",
        statistics={"columns": ("crime_type", "last_outcome_category")},
    )
    def asb_has_no_outcome(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["crime_type"] != ASB) | rows["last_outcome_category"].isna()


def _force(places: Places, name: str) -> str | None:
    return places.force(name) or places.body(name)


# The key of a source is asked of filled cells only, and the outcome may be empty.
UNSTATED_ONCE = """
SELECT _extract, _row, printf('already given on row %d', first_row) AS got FROM (
    SELECT _extract, _row,
           min(_row) OVER (PARTITION BY _extract, year, crime_type, reported_by) AS first_row
    FROM candidate WHERE last_outcome_category IS NULL
) WHERE _row > first_row
"""

# The threshold is the share by which a number may change beyond what chance does to small ones.
CRIMES_NEAR_LAST_YEAR = """
WITH yearly AS (
    SELECT area_code, year, sum(number_of_crimes) AS crimes FROM clean.force_outcomes GROUP BY ALL
)
SELECT count(*) FROM yearly AS this JOIN yearly AS before
    ON before.area_code = this.area_code AND before.year = this.year - 1
WHERE abs(this.crimes - before.crimes)
      > $threshold * greatest(this.crimes, before.crimes) + 3 * sqrt(this.crimes + before.crimes)
"""


SOURCE = Source(
    name="force_outcomes",
    title="Crimes by force, type and outcome, yearly counts",
    supplier="data.police.uk, counted by a third party",
    licence="Open Government Licence v3.0",
    due_days=365,
    assurance="A0",
    sensitivity="public",
    maximum_rows=2_000_000,
    model=ForceOutcomes,
    classified=(Classification("crime_type", count="sum(number_of_crimes)"),),
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("year", "crime_type", "reported_by", "last_outcome_category"),
    minimum_rows=1000,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("reported_by",),
            _force,
            "Force that supplied them: its code, or a word for a body without an area here",
            refusal="the reporting force is one that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 1, 1),
            "1 January of the year",
        ),
        Derived(
            "period_end",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 12, 31),
            "31 December of the year",
        ),
    ),
    across=(
        CrossRow(
            "unstated_once",
            "a force has one row without an outcome for each year and type",
            UNSTATED_ONCE,
            over="extract",
        ),
        CrossRow(
            "crimes_near_last_year",
            "crimes of a force have not changed since the year before by more than such numbers do",
            CRIMES_NEAR_LAST_YEAR,
        ),
    ),
)
