"""Neighbour disputes referred to an independent mediation service, one row a case.

A yearly return lists the cases that were on the service's books in a financial year: those closed
in it, and those open at its end, which stand in the next year's return again. Belongs here: how far
a case came, and with which outcome. Does not belong here: who the neighbours are; the reference is
the service's own, and no address is read.

Trap: a success rate is of the cases closed, accepted or referred, which are three numbers. Partly
resolved is not resolved. Cases that are still open have no outcome yet.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Places, Source

YES_NO = ("yes", "no")
OUTCOMES = ("resolved", "partly resolved", "not resolved", "withdrawn")


class Mediation(pa.DataFrameModel):
    """A neighbour dispute that was on a mediation service's books in a financial year."""

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
        description="Financial year, as the file's name states it",
        metadata={"parse": "financial_year", "example": ("2014-15", "2013-14")},
    )
    case_ref: Series[str] = pa.Field(
        description="The service's reference of the case; no person's",
        metadata={"example": ("IM-1401", "IM-1402")},
    )
    referred: Series[str] = pa.Field(
        description="Day of referral",
        metadata={"stored": False, "example": ("14/05/2014", "02/09/2014")},
    )
    accepted: Series[str] = pa.Field(
        description="Whether the service took the case on: yes or no",
        metadata={"example": ("yes", "yes")},
    )
    closed: Series[str] = pa.Field(
        nullable=True,
        description="Day on which the case was closed; empty while it is open, or where it "
        "was not taken on",
        metadata={"stored": False, "example": ("30/07/2014", "")},
    )
    outcome: Series[str] = pa.Field(
        nullable=True,
        description="Outcome of a closed case",
        metadata={"example": ("resolved", "")},
    )

    @pa.check(
        "accepted",
        name="accepted_known",
        error="a case is accepted, yes or no",
        statistics={"allowed": YES_NO},
    )
    def accepted_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(YES_NO)

    @pa.check(
        "outcome",
        name="outcome_known",
        error="the outcome is resolved, partly resolved, not resolved or withdrawn",
        statistics={"allowed": OUTCOMES},
    )
    def outcome_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OUTCOMES)

    @pa.dataframe_check(
        name="closed_with_outcome",
        error="a case has an outcome where it is closed, and nowhere else",
        ignore_na=False,
        statistics={"columns": ("closed", "outcome")},
    )
    def closed_with_outcome(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["closed"].notna() == rows["outcome"].notna()

    @pa.dataframe_check(
        name="closed_was_accepted",
        error="a closed case was accepted",
        ignore_na=False,
        statistics={"columns": ("accepted", "closed")},
    )
    def closed_was_accepted(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["closed"].isna() | rows["accepted"].eq("yes")

    @pa.dataframe_check(
        name="closed_in_its_year",
        error="a case was closed in the year of its return",
        ignore_na=False,
        statistics={"columns": ("closed", "financial_year")},
    )
    def closed_in_its_year(cls, rows: pd.DataFrame) -> pd.Series:
        days = map(period.day_or_none, rows["closed"])
        holds = map(period.in_financial_year, days, rows["financial_year"])
        return pd.Series(list(holds), index=rows.index, dtype=bool)

    @pa.dataframe_check(
        name="referred_before_closed",
        error="a case was referred before it was closed",
        ignore_na=False,
        statistics={"columns": ("referred", "closed")},
    )
    def referred_before_closed(cls, rows: pd.DataFrame) -> pd.Series:
        referred, closed = (map(period.day_or_none, rows[one]) for one in ("referred", "closed"))
        return pd.Series(period.in_order(referred, closed), index=rows.index, dtype=bool)


def _stage(places: Places, accepted: str, closed: str | None) -> str:
    if accepted != "yes":
        return "not accepted"
    return "open" if closed is None else "closed"


SOURCE = Source(
    name="mediation",
    title="Neighbour disputes referred to mediation",
    supplier="the Independent Mediation service",
    licence="held by the partnership",
    due_days=60,
    # Closing papers of a year are entered in the quarter after it.
    settles_after=92,
    assurance="A0",
    sensitivity="official-sensitive",
    maximum_rows=20_000,
    model=Mediation,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("case_ref",),
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
            "referred_on",
            "DATE",
            ("referred",),
            lambda places, text: period.day_or_none(text),
            "Day of referral",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "closed_on",
            "DATE",
            ("closed",),
            lambda places, text: period.day_or_none(text),
            "Day on which the case was closed",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "stage",
            "VARCHAR",
            ("accepted", "closed"),
            _stage,
            "How far the case came: not accepted, open or closed",
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
