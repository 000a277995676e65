"""The Late Night Levy by levy year: what came in, what it cost, and to whom the rest went.

One row a levy year, as the licensing authority must publish it: income, costs of administration,
and the rest, of which at least 70 per cent goes to the Police and Crime Commissioner (Police Reform
and Social Responsibility Act 2011). Belongs here: those amounts, and whether the report on spending
was published. Does not belong here: who paid.

Trap: a levy year begins when the levy was introduced, and is no financial year; its figures stand
under the twelve months that it covers.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Places, Source

YES_NO = ("yes", "no")
LEAST_TO_POLICE = 0.7
ROUNDED = 1.0  # pounds


class LateNightLevy(pa.DataFrameModel):
    """A levy year of the Late Night Levy."""

    area_name: Series[str] = pa.Field(
        description="Partnership or authority, as the file's name or a manifest states it",
        metadata={"stored": False, "example": ("southampton", "st-helens")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the rows were taken from the supplier's system, as the file's "
        "name or a manifest states it",
        metadata={"stored": False, "example": ("2015-05-12", "2015-06-30")},
    )
    first: Series[str] = pa.Field(
        description="First day of the levy year",
        metadata={"stored": False, "example": ("01/11/2014", "01/11/2015")},
    )
    last: Series[str] = pa.Field(
        description="Last day of the levy year",
        metadata={"stored": False, "example": ("31/10/2015", "31/10/2016")},
    )
    income: Series[float] = pa.Field(
        description="Levy paid by licensed premises, in pounds",
        metadata={"example": ("152000", "148500")},
    )
    costs: Series[float] = pa.Field(
        description="Costs of administration, in pounds", metadata={"example": ("12000", "11500")}
    )
    to_police: Series[float] = pa.Field(
        description="Paid to the Police and Crime Commissioner, in pounds",
        metadata={"example": ("98000", "95900")},
    )
    to_council: Series[float] = pa.Field(
        description="Kept by the council, in pounds", metadata={"example": ("42000", "41100")}
    )
    report: Series[str] = pa.Field(
        description="Whether the report on spending was published: yes or no",
        metadata={"example": ("yes", "no")},
    )
    reported: Series[str] = pa.Field(
        nullable=True,
        description="Day of publication; empty until then",
        metadata={"stored": False, "example": ("29/01/2016", "")},
    )

    @pa.check(
        "report",
        name="report_known",
        error="the report was published, yes or no",
        statistics={"allowed": YES_NO},
    )
    def report_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(YES_NO)

    @pa.check(
        "income", name="income_in_range", error="an amount lies between 0 and 50,000,000 pounds"
    )
    def income_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 50_000_000)

    @pa.check(
        "costs", name="costs_in_range", error="an amount lies between 0 and 50,000,000 pounds"
    )
    def costs_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 50_000_000)

    @pa.dataframe_check(
        name="all_is_shared_out",
        error="the shares of police and council are the income less the costs",
        ignore_na=False,
        statistics={"columns": ("income", "costs", "to_police", "to_council")},
    )
    def all_is_shared_out(cls, rows: pd.DataFrame) -> pd.Series:
        rest = rows["income"] - rows["costs"]
        return (rest - rows["to_police"] - rows["to_council"]).abs() <= ROUNDED

    @pa.dataframe_check(
        name="police_have_their_share",
        error="at least 70 per cent of the rest go to the Police and Crime Commissioner",
        ignore_na=False,
        statistics={"columns": ("to_police", "to_council")},
    )
    def police_have_their_share(cls, rows: pd.DataFrame) -> pd.Series:
        rest = rows["to_police"] + rows["to_council"]
        return rows["to_police"] + ROUNDED >= LEAST_TO_POLICE * rest

    @pa.dataframe_check(
        name="reported_where_published",
        error="a day of publication stands where the report was published, and nowhere else",
        ignore_na=False,
        statistics={"columns": ("report", "reported")},
    )
    def reported_where_published(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["report"].eq("yes") == rows["reported"].notna()


def _levy_year(first: str, last: str) -> period.Period | None:
    """Twelve whole months, or nothing."""
    start, end = period.day_or_none(first), period.day_or_none(last)
    if start is None or end is None:
        return None
    whole = period.twelve_months_to(end)
    return whole if (whole.start, whole.end) == (start, end) else None


def _start(places: Places, first: str, last: str) -> date | None:
    return period.first_day(_levy_year(first, last))


def _end(places: Places, first: str, last: str) -> date | None:
    return period.last_day(_levy_year(first, last))


SOURCE = Source(
    name="late_night_levy",
    title="Late Night Levy by levy year",
    supplier="the council's licensing team",
    licence="held by the partnership",
    due_days=90,
    assurance="A1",
    sensitivity="public",
    maximum_rows=100,
    model=LateNightLevy,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("first",),
    minimum_rows=1,
    cadence="yearly",
    audience="public",
    disclosure="none",
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
            "reported_on",
            "DATE",
            ("reported",),
            lambda places, text: period.day_or_none(text),
            "Day on which the report was published",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "period_start",
            "DATE",
            ("first", "last"),
            _start,
            "First day of the levy year",
            refusal="a levy year is twelve whole months",
        ),
        Derived("period_end", "DATE", ("first", "last"), _end, "Last day of the levy year"),
    ),
)
