"""Issues that partners have begun to record lately, one row a quarter and issue.

A table of the safeguarding partners: missing, exploited and trafficked children together; modern
slavery; female genital mutilation; honour-based violence. The number is what was recorded, by any
of the partners. Belongs here: those small numbers, with `*` in place of one to four. Does not
belong here: how many there are; a rise may be better recording, and is hoped for.

Traps. A year of which a quarter is hidden has no sum. New duties and offence codes (modern slavery
April 2015, reporting of genital mutilation October 2015) raise what is recorded. Whether records
are accurate is not told by their number: that needs an audit.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Places, Source

ISSUES = (
    "missing, exploited and trafficked children",
    "modern slavery",
    "female genital mutilation",
    "honour-based violence",
)


class EmergingIssue(pa.DataFrameModel):
    """What partners recorded of one issue in one quarter."""

    area_name: Series[str] = pa.Field(
        description="Partnership or authority, as the file's name or a manifest states it",
        metadata={"stored": False, "example": ("southampton", "st-helens")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the rows were taken from the supplier's system, as the file's "
        "name or a manifest states it",
        metadata={"stored": False, "example": ("2015-05-12", "2015-06-30")},
    )
    quarter: Series[str] = pa.Field(
        description="Quarter of the financial year: Q1 2014/15 is April to June 2014",
        metadata={"example": ("Q1 2014/15", "Q4 2014/15")},
    )
    issue: Series[str] = pa.Field(
        description="What was recorded",
        metadata={"example": ("modern slavery", "honour-based violence")},
    )
    recorded: Series[float] = pa.Field(
        nullable=True,
        description="How many were recorded",
        metadata={"markers": True, "example": ("12", "0")},
    )

    @pa.check(
        "issue",
        name="issue_known",
        error="the issue is one that the source names",
        statistics={"allowed": ISSUES},
    )
    def issue_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(ISSUES)

    @pa.check("recorded", name="recorded_in_range", error="between 0 and 5,000 are recorded")
    def recorded_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 5_000)

    @pa.check("recorded", name="recorded_whole", error="what is recorded is a whole number")
    def recorded_whole(cls, values: pd.Series) -> pd.Series:
        return values % 1 == 0


def _quarter(text: str) -> period.Period | None:
    found = re.fullmatch(r"Q([1-4]) (\d{4}[/-]\d\d)", " ".join(text.split()))
    try:
        return period.financial_quarter(found[2], found[1]) if found else None
    except ValueError:
        return None


def _start(places: Places, text: str) -> date | None:
    return period.first_day(_quarter(text))


def _end(places: Places, text: str) -> date | None:
    return period.last_day(_quarter(text))


SOURCE = Source(
    name="emerging_issue",
    title="Issues that partners have begun to record",
    supplier="the safeguarding partners",
    licence="held by the partnership",
    due_days=60,
    # What a partner finds out later is added to the quarter in which it happened.
    settles_after=183,
    assurance="A0",
    sensitivity="official-sensitive",
    maximum_rows=2_000,
    model=EmergingIssue,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("quarter", "issue"),
    tallies=True,
    minimum_rows=4,
    cadence="quarterly",
    audience="partners",
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
            "period_start",
            "DATE",
            ("quarter",),
            _start,
            "First day of the quarter",
            refusal="a quarter is written as Q1 2014/15",
        ),
        Derived("period_end", "DATE", ("quarter",), _end, "Last day of the quarter"),
    ),
)
