"""Places on a programme for young people (The Prince's Trust), one row an attendee.

A return lists who began a course in a financial year, without any identity: two rows may be equal,
and are two people. Belongs here: whether a course was completed, and whether education, employment
or training followed within three months. Does not belong here: who they are.

Traps: a share is of all attendees or of those who completed. Progression is known three months
after a course's end, so a return that was extracted sooner has too little of it; what is not known
counts as none.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Source

YES_NO = ("yes", "no")
PROGRESSED = ("employment", "education", "training")
FOLLOWED = (*PROGRESSED, "none", "not known")


class Programme(pa.DataFrameModel):
    """An attendee of a programme's course, without identity."""

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
    course: Series[str] = pa.Field(
        description="The course's own number",
        metadata={"example": ("PT-27", "PT-28")},
    )
    started: Series[str] = pa.Field(
        description="First day of the course",
        metadata={"stored": False, "example": ("08/09/2014", "12/01/2015")},
    )
    completed: Series[str] = pa.Field(
        description="Whether the attendee completed the course: yes or no",
        metadata={"example": ("yes", "no")},
    )
    ended: Series[str] = pa.Field(
        nullable=True,
        description="Day on which the attendee completed it; empty where not",
        metadata={"stored": False, "example": ("28/11/2014", "")},
    )
    followed: Series[str] = pa.Field(
        description="What followed within three months",
        metadata={"example": ("employment", "none")},
    )

    @pa.check(
        "completed",
        name="completed_known",
        error="a course is completed, yes or no",
        statistics={"allowed": YES_NO},
    )
    def completed_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(YES_NO)

    @pa.check(
        "followed",
        name="followed_known",
        error="what followed is employment, education, training, none or not known",
        statistics={"allowed": FOLLOWED},
    )
    def followed_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(FOLLOWED)

    @pa.dataframe_check(
        name="ended_where_completed",
        error="a day of completion stands where the course was completed, and nowhere else",
        ignore_na=False,
        statistics={"columns": ("completed", "ended")},
    )
    def ended_where_completed(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["completed"].eq("yes") == rows["ended"].notna()

    @pa.dataframe_check(
        name="started_in_its_year",
        error="a course began in the year of its return",
        ignore_na=False,
        statistics={"columns": ("started", "financial_year")},
    )
    def started_in_its_year(cls, rows: pd.DataFrame) -> pd.Series:
        days = map(period.day_or_none, rows["started"])
        holds = map(period.in_financial_year, days, rows["financial_year"])
        return pd.Series(list(holds), index=rows.index, dtype=bool)


SOURCE = Source(
    name="programme",
    title="Places on The Prince's Trust programme",
    supplier="the fire and rescue service",
    licence="held by the partnership",
    due_days=60,
    # What followed a course is known three months after it, and courses overlap two years.
    settles_after=183,
    assurance="A0",
    sensitivity="personal",
    maximum_rows=10_000,
    model=Programme,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
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
            "started_on",
            "DATE",
            ("started",),
            lambda places, text: period.day_or_none(text),
            "First day of the course",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "ended_on",
            "DATE",
            ("ended",),
            lambda places, text: period.day_or_none(text),
            "Day of completion",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "progressed",
            "VARCHAR",
            ("followed",),
            lambda places, followed: "yes" if followed in PROGRESSED else "no",
            "Whether employment, education or training followed within three months",
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
