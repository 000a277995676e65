"""Arrests, and those for domestic abuse among them: a police force's export from custody.

A row is an arrest, not a person (who may be arrested often) and not a crime (an arrest may be for
several). `domestic_abuse` is the flag of the custody record. The disposal is that of the day of the
export: somebody on bail is charged or released later, so a later export of a month replaces the
earlier one, and two years are comparable only when both were extracted as long after their end.

The denominator of the charge rate is arrests, not crimes: it does not fall when more crimes are
recorded. The day of the export stands in the file's name. Names, addresses and dates of birth are
not asked for, and not read.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Source

DISPOSALS = (
    "charged",
    "summonsed",
    "cautioned",
    "community resolution",
    "penalty notice",
    "no further action",
    "bailed",
    "other",
)


class PoliceArrest(pa.DataFrameModel):
    """An arrest, and how it was disposed of by the day of the export."""

    arrest_reference: Series[str] = pa.Field(
        description="Reference of the custody record",
        metadata={"example": ("44CR/14/000123", "44CR/14/000124")},
    )
    arrest_date: Series[str] = pa.Field(
        description="Day of the arrest, a time after it is left out",
        metadata={"stored": False, "example": ("09/04/2014 23:40", "10/04/2014 01:15")},
    )
    arrestee: Series[str] = pa.Field(
        description="Pseudonym of the person arrested",
        metadata={"person": True, "random": True, "example": ("N1000001", "N1000002")},
    )
    domestic_abuse: Series[str] = pa.Field(
        description="Y: flagged as domestic abuse",
        metadata={"example": ("Y", "N")},
    )
    disposal: Series[str] = pa.Field(
        description="How the arrest was disposed of: charged, no further action and so on",
        metadata={"example": ("Charged", "No further action")},
    )
    district: Series[str] = pa.Field(
        description="District of the force that made the arrest, a local authority",
        metadata={"example": ("Southampton", "Southampton")},
    )
    extracted: Series[str] = pa.Field(
        description="Day of the export",
        metadata={"stored": False, "example": ("2015-05-08", "2015-05-08")},
    )

    @pa.check("domestic_abuse", name="domestic_abuse_form", error="a flag is Y or N")
    def domestic_abuse_form(cls, values: pd.Series) -> pd.Series:
        return values.isin(("Y", "N"))

    @pa.check("disposal", name="disposal_known", error="a disposal is one of the known ones")
    def disposal_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(DISPOSALS)

    @pa.dataframe_check(
        name="arrested_before_extracted",
        error="an arrest is made before it is extracted",
        ignore_na=False,
        statistics={"columns": ("arrest_date", "extracted")},
    )
    def arrested_before_extracted(cls, rows: pd.DataFrame) -> pd.Series:
        arrested, extracted = (
            map(period.export_day, rows[one]) for one in ("arrest_date", "extracted")
        )
        return pd.Series(period.in_order(arrested, extracted), rows.index)


SOURCE = Source(
    name="police_arrest",
    title="Arrests, those for domestic abuse flagged, and their disposal",
    supplier="the police force's custody system",
    licence="Not for publication: under an information sharing agreement",
    due_days=60,
    # The disposal of those on bail comes months after the arrest.
    settles_after=183,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=500_000,
    model=PoliceArrest,
    geography="area_code",
    period_start="month",
    period_end="month_end",
    key=("arrest_reference",),
    link_domain="police_person",
    audience="public",
    disclosure="under_5",
    minimum_rows=50,
    derived=(
        Derived(
            "arrested_on",
            "DATE",
            ("arrest_date",),
            lambda places, text: period.export_day(text),
            "Day of the arrest",
            refusal="a day is written as 09/04/2014",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.export_day(text),
            "Day of the export",
            refusal="a day is written as 2015-05-08",
        ),
        Derived(
            "area_code",
            "VARCHAR",
            ("district",),
            lambda places, name: places.of_district(name),
            "Local authority of the district",
            refusal="a district is a local authority that areas.csv knows",
        ),
        Derived(
            "month",
            "DATE",
            ("arrest_date",),
            lambda places, text: period.first_of_month(period.export_day(text)),
            "First day of the month of the arrest",
        ),
        Derived(
            "month_end",
            "DATE",
            ("arrest_date",),
            lambda places, text: period.last_of_month(period.export_day(text)),
            "Last day of the month of the arrest",
        ),
    ),
)
