"""Perpetrators of domestic abuse: identified by probation, and engaged in programmes.

One row is a local authority and a quarter: perpetrators newly identified, referred to a programme,
engaged in one (who began it in the quarter) and completing one, as the Probation Trust and, from
June 2014, the Community Rehabilitation Company (CRC) return them. A row is no person.

Belongs here: which area and quarter a row means, and how it must agree with itself. Does not belong
here: the heads of both suppliers (the layout).

Traps: who was identified in one quarter may begin in a later one, so the share is one of flows and
not of the same persons. More are identified when more is recorded, which lowers the share. The
return is run again: it says when it was extracted, and the later one wins.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source


class PerpetratorProgramme(pa.DataFrameModel):
    """Perpetrators identified and engaged in programmes, in one area and quarter."""

    area_name: Series[str] = pa.Field(
        description="Local authority", metadata={"example": ("Southampton", "New Forest")}
    )
    quarter: Series[str] = pa.Field(
        description="Quarter of the return",
        metadata={"example": ("Q4 2014/15", "Apr-Jun 2014")},
    )
    identified: Series[float] = pa.Field(
        nullable=True,
        description="Perpetrators of domestic abuse newly identified in the quarter",
        metadata={"markers": True, "example": ("180", "40")},
    )
    referred: Series[float] = pa.Field(
        nullable=True,
        description="Perpetrators referred to a programme in the quarter",
        metadata={"markers": True, "example": ("31", "6")},
    )
    engaged: Series[float] = pa.Field(
        nullable=True,
        description="Perpetrators who began a programme in the quarter",
        metadata={"markers": True, "example": ("22", "<5")},
    )
    completed: Series[float] = pa.Field(
        nullable=True,
        description="Perpetrators who completed a programme in the quarter",
        metadata={"markers": True, "example": ("12", "<5")},
    )
    extract_date: Series[str] = pa.Field(
        nullable=True,
        description="Day on which the return was extracted, from the file's name",
        metadata={"stored": False, "example": ("2015-05-08", "2015-05-08")},
    )

    @pa.dataframe_check(
        name="numbers_in_range",
        error="perpetrators are whole numbers from 0 to 20,000 a quarter",
        ignore_na=False,
        statistics={"columns": ("identified", "referred", "engaged", "completed")},
    )
    def numbers_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        return ~((rows < 0) | (rows > 20_000) | (rows % 1 > 0)).any(axis=1)

    @pa.dataframe_check(
        name="engaged_are_identified",
        error="no more perpetrators are engaged or referred than are identified",
        ignore_na=False,
        statistics={"columns": ("identified", "referred", "engaged")},
    )
    def engaged_are_identified(cls, rows: pd.DataFrame) -> pd.Series:
        identified = rows["identified"]
        return ~((rows["engaged"] > identified) | (rows["referred"] > identified))


def _area(places: Places, area_name: str) -> str | None:
    return places.local_authority(area_name) or places.upper_tier(area_name)


def _extracted_on(places: Places, extract_date: str) -> date | None:
    try:
        return date.fromisoformat(extract_date)
    except ValueError:
        return None


IDENTIFIED_LIKE_BEFORE = """
SELECT count(*) FROM clean.perpetrator_programme AS this
JOIN clean.perpetrator_programme AS before USING (area_code)
WHERE before.period_start = this.period_start - INTERVAL 1 YEAR
    AND 2 * abs(sqrt(this.identified) - sqrt(before.identified)) > $threshold
    AND abs(ln(greatest(this.identified, 1) / greatest(before.identified, 1))) > 0.5
"""

SOURCE = Source(
    name="perpetrator_programme",
    title="Perpetrators of domestic abuse identified and engaged in programmes, by quarter",
    supplier="Probation Trust, from June 2014 Community Rehabilitation Company",
    licence="Restricted to partners",
    due_days=60,
    # Who engaged is reported late: courses begin months after the referral.
    settles_after=183,
    assurance="A0",
    sensitivity="official-sensitive",
    maximum_rows=5_000,
    model=PerpetratorProgramme,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("area_name", "quarter"),
    tallies=True,
    cadence="quarterly",
    audience="partners",
    disclosure="under_5",
    minimum_rows=1,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "Local authority",
            refusal="the area is a local authority that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("quarter",),
            lambda places, text: period.first_day(period.quarter_or_none(text)),
            "First day of the quarter",
            refusal="the quarter is written as Q4 2014/15, or as Jan-Mar 2015",
        ),
        Derived(
            "period_end",
            "DATE",
            ("quarter",),
            lambda places, text: period.last_day(period.quarter_or_none(text)),
            "Last day of the quarter",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extract_date",),
            _extracted_on,
            "Day on which the return was extracted",
            refusal="the day of extraction is written as 2015-05-08",
        ),
    ),
    across=(
        CrossRow(
            "identified_like_before",
            "perpetrators identified are about as many as in the same quarter of the year before",
            IDENTIFIED_LIKE_BEFORE,
        ),
    ),
)
