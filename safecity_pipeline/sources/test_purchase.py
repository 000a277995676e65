"""Test purchases of alcohol by volunteers under age, one row a test.

A return of Trading Standards: a title that names the financial year, then a row a test. Belongs
here: when, in which kind of premises, and whether alcohol was sold. Does not belong here: which
premises, and who bought.

Trap: tests that follow intelligence are aimed at those who probably sell. They are no random sample
of premises, so a share of failed tests follows what is tested as much as how sellers behave.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Source

YES_NO = ("yes", "no")
PREMISES = ("off-licence", "supermarket", "convenience store", "pub or bar", "other")


class PurchaseUnderAge(pa.DataFrameModel):
    """A test purchase of alcohol by somebody under age."""

    area_name: Series[str] = pa.Field(
        description="Partnership or authority, as the file's name or a manifest states it",
        metadata={"stored": False, "example": ("southampton", "st-helens")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the rows were taken from the supplier's system, as the file's "
        "name or a manifest states it",
        metadata={"stored": False, "example": ("2015-05-12", "2015-06-30")},
    )
    financial_year: Series[str] = pa.Field(
        description="Financial year, as the title above the head states it",
        metadata={"parse": "financial_year", "example": ("2014-15", "2013-14")},
    )
    test: Series[str] = pa.Field(
        description="Trading Standards' reference of the test",
        metadata={"example": ("TP-001", "TP-002")},
    )
    tested: Series[str] = pa.Field(
        description="Day of the test",
        metadata={"stored": False, "example": ("14/06/2014", "09/12/2014")},
    )
    premises: Series[str] = pa.Field(
        description="Kind of premises",
        metadata={"example": ("off-licence", "pub or bar")},
    )
    intelligence_led: Series[str] = pa.Field(
        description="Whether the test followed intelligence: yes or no",
        metadata={"example": ("yes", "no")},
    )
    sold: Series[str] = pa.Field(
        description="Whether alcohol was sold: yes or no; yes is a failed test",
        metadata={"example": ("no", "yes")},
    )

    @pa.check(
        "premises",
        name="premises_known",
        error="the kind of premises is one that the source names",
        statistics={"allowed": PREMISES},
    )
    def premises_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(PREMISES)

    @pa.check(
        "intelligence_led",
        name="intelligence_led_known",
        error="a test is intelligence-led, yes or no",
        statistics={"allowed": YES_NO},
    )
    def intelligence_led_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(YES_NO)

    @pa.check(
        "sold",
        name="sold_known",
        error="alcohol was sold, yes or no",
        statistics={"allowed": YES_NO},
    )
    def sold_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(YES_NO)

    @pa.dataframe_check(
        name="tested_in_its_year",
        error="a test was made in the year of its return",
        ignore_na=False,
        statistics={"columns": ("tested", "financial_year")},
    )
    def tested_in_its_year(cls, rows: pd.DataFrame) -> pd.Series:
        days = map(period.day_or_none, rows["tested"])
        holds = map(period.in_financial_year, days, rows["financial_year"])
        return pd.Series(list(holds), index=rows.index, dtype=bool)


SOURCE = Source(
    name="test_purchase",
    title="Test purchases of alcohol under age",
    supplier="the council's Trading Standards",
    licence="held by the partnership",
    due_days=60,
    assurance="A0",
    sensitivity="official",
    maximum_rows=20_000,
    model=PurchaseUnderAge,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("test",),
    minimum_rows=5,
    cadence="yearly",
    audience="public",
    disclosure="under_5",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            lambda places, name: places.of_file_name(name),
            "Partnership or authority",
            refusal="the area is a partnership or an authority that areas.csv knows",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.day_or_none(text),
            "Day on which the rows were taken from the supplier's system",
            refusal="the day of extraction is one such as 2015-05-12",
        ),
        Derived(
            "tested_on",
            "DATE",
            ("tested",),
            lambda places, text: period.day_or_none(text),
            "Day of the test",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "period_start",
            "DATE",
            ("financial_year",),
            lambda places, year: period.read_financial_year(year).start,
            "1 April of the year",
        ),
        Derived(
            "period_end",
            "DATE",
            ("financial_year",),
            lambda places, year: period.read_financial_year(year).end,
            "31 March of the year",
        ),
    ),
)
