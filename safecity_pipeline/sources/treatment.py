"""Drug and alcohol treatment completed: report tables of the National Drug Treatment Monitoring
System (NDTMS).

One row is an area, a substance group and rolling twelve months: how many of all who were in
treatment completed it and did not come back within six months. A row is never a client, and that
nobody came back is read here, not derived: only the supplier can follow a client between services.

Belongs here: what the groups and the twelve months mean, and how a row must agree with itself and
with England. Does not belong here: how a report spells them (the layout).

Traps: the figure lags, since the six months have to pass. The groups of 2014/15 (opiate,
non-opiate only, alcohol only, alcohol and non-opiate) part clients in another way than the tables
before, where a client of several substances was an alcohol client by the main one: such rows are
of the group alcohol_primary, and never of alcohol_only. Numbers below five are hidden. Rolling
periods overlap, so each is a table of its own when deliveries are compared.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

GROUPS = (
    "opiate",
    "non_opiate_only",
    "alcohol_only",
    "alcohol_and_non_opiate",
    "alcohol_primary",
)
FEWEST_SHOWN = 5
HALF_A_STEP = 0.05 + 1e-9
"""Percentages are printed with one decimal."""


class Treatment(pa.DataFrameModel):
    """Clients of one substance group who completed treatment, in one area and twelve months."""

    area_name: Series[str] = pa.Field(
        description="Upper-tier authority, region or England, as the table names it",
        metadata={"example": ("Southampton", "England")},
    )
    substance_group: Series[str] = pa.Field(
        description="What the clients are treated for; every client is in one group",
        metadata={"example": ("alcohol_only", "opiate")},
    )
    twelve_months: Series[str] = pa.Field(
        description="The rolling twelve months, by their end or by both ends",
        metadata={"example": ("to 31/03/2015", "Apr 14 to Mar 15")},
    )
    completed: Series[float] = pa.Field(
        nullable=True,
        description="Clients who completed treatment and did not come back within six months",
        metadata={"markers": True, "example": ("47", "*")},
    )
    in_treatment: Series[float] = pa.Field(
        nullable=True,
        description="All clients in treatment in the twelve months",
        metadata={"markers": True, "example": ("100", "61")},
    )
    completed_percent: Series[float] = pa.Field(
        nullable=True,
        description="The first of the second, per cent, as printed",
        metadata={"markers": True, "example": ("47.0", "*")},
    )
    england_percent: Series[float] = pa.Field(
        nullable=True,
        description="England's figure for the same group and months, printed beside each area",
        metadata={"markers": True, "example": ("38.1", "7.6")},
    )

    @pa.check(
        "substance_group",
        name="group_known",
        error="the substance group is one that the source names",
        statistics={"allowed": GROUPS},
    )
    def group_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(GROUPS)

    @pa.check("completed", name="completed_whole", error="clients are a whole number from 0")
    def completed_whole(cls, values: pd.Series) -> pd.Series:
        return (values >= 0) & (values % 1 == 0)

    @pa.check(
        "completed",
        name="small_numbers_hidden",
        error="numbers of clients from 1 to 4 are hidden by the supplier, not shown",
    )
    def small_numbers_hidden(cls, values: pd.Series) -> pd.Series:
        return ~values.between(1, FEWEST_SHOWN - 1)

    @pa.check(
        "in_treatment",
        name="in_treatment_in_range",
        error="clients in treatment are a whole number from 0 to 1,000,000",
    )
    def in_treatment_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 1_000_000) & (values % 1 == 0)

    @pa.check("completed_percent", name="percent_in_range", error="per cent: from 0 to 100")
    def percent_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 100)

    @pa.check("england_percent", name="england_in_range", error="per cent: from 0 to 100")
    def england_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 100)

    @pa.dataframe_check(
        name="completed_of_those_in_treatment",
        error="no more clients complete treatment than are in it",
        ignore_na=False,
        statistics={"columns": ("completed", "in_treatment")},
    )
    def completed_of_those_in_treatment(cls, rows: pd.DataFrame) -> pd.Series:
        return ~(rows["completed"] > rows["in_treatment"])

    @pa.dataframe_check(
        name="percent_fits_clients",
        error="the percentage is that of the clients beside it, to one decimal",
        ignore_na=False,
        statistics={"columns": ("completed", "in_treatment", "completed_percent")},
    )
    def percent_fits_clients(cls, rows: pd.DataFrame) -> pd.Series:
        made = 100 * rows["completed"] / rows["in_treatment"]
        return ~((made - rows["completed_percent"]).abs() > HALF_A_STEP)


def _area(places: Places, area_name: str) -> str | None:
    return places.upper_tier(area_name) or places.region(area_name)


# A column of England's that was pasted from another group or other months shows here: it would be
# quoted as the national figure of this one.
ENGLAND_BESIDE = """
SELECT this._extract, this._row, printf('%s, %s: %.10g beside %s, England itself has %.10g',
    this.substance_group, this.twelve_months, this.england_percent, this.area_name,
    england.completed_percent) AS got
FROM candidate AS this JOIN candidate AS england USING (_extract, substance_group, period_end)
WHERE england.area_code = 'E92000001'
    AND abs(this.england_percent - england.completed_percent) > $threshold
"""
# Rolling periods have nine months in common with the one a quarter before.
IN_TREATMENT_LIKE_BEFORE = """
SELECT count(*) FROM clean.treatment AS this JOIN clean.treatment AS before
    USING (area_code, substance_group)
WHERE before.period_end = last_day(this.period_end - INTERVAL 3 MONTHS)
    AND 2 * abs(sqrt(this.in_treatment) - sqrt(before.in_treatment)) > $threshold
    AND abs(ln(greatest(this.in_treatment, 1) / greatest(before.in_treatment, 1))) > 0.25
"""

SOURCE = Source(
    name="treatment",
    title="Drug and alcohol treatment completed, by area, substance group and twelve months",
    supplier="National Drug Treatment Monitoring System (Public Health England)",
    licence="Restricted to partners until published",
    due_days=60,
    assurance="A2",
    sensitivity="official-sensitive",
    maximum_rows=20_000,
    model=Treatment,
    table="substance_group || ' to ' || period_end",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("area_name", "substance_group", "twelve_months"),
    tallies=True,
    cadence="quarterly",
    audience="public",
    disclosure="under_5",
    minimum_rows=4,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "Upper-tier authority, region or England",
            refusal="the area is an upper-tier authority or a region that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("twelve_months",),
            lambda places, text: period.first_day(period.twelve_months_or_none(text)),
            "First day of the twelve months",
            refusal="the period is twelve whole months: to 31/03/2015, or Apr 14 to Mar 15",
        ),
        Derived(
            "period_end",
            "DATE",
            ("twelve_months",),
            lambda places, text: period.last_day(period.twelve_months_or_none(text)),
            "Last day of the twelve months",
        ),
    ),
    across=(
        CrossRow(
            "england_beside",
            "England's percentage beside an area is that of England's own row",
            ENGLAND_BESIDE,
            over="extract",
        ),
        CrossRow(
            "in_treatment_like_before",
            "clients in treatment are about as many as in the twelve months a quarter before",
            IN_TREATMENT_LIKE_BEFORE,
        ),
    ),
)
