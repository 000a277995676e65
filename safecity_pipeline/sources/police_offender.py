"""Who committed the detected crimes: a police force's export, one row a link of offender and crime.

A row says that a crime was put down to a person when it was detected. It is no crime (one with two
offenders has two rows; `link_of_crime` = 1 counts it once), no conviction, and nothing is said of
crimes that nobody was found to have committed: shares are of detected crime only, and what is
cleared up easily, such as shoplifting and drugs, has the larger part in them. Rows are from a live
system: a later export of a month replaces the earlier one.

The export is a report with its title and day above the head and a count of its rows below the data.
Names, addresses and dates of birth are not asked for, and not read.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Places, Source, Window
from safecity_pipeline.vocabulary import AGE_BANDS, OFFENCE_GROUPS, SEXES

OUTCOMES = (
    "charged",
    "summonsed",
    "cautioned",
    "penalty notice",
    "drugs warning",
    "community resolution",
    "taken into consideration",
)
RESPONSIBLE, ADULT, OLDEST = 10, 18, 115
AGE_BAND = " ".join(f"WHEN age_at_offence < {end} THEN '{band}'" for end, band in AGE_BANDS.items())


class PoliceOffender(pa.DataFrameModel):
    """An offender of a detected crime: one link of a crime and a person."""

    crime_reference: Series[str] = pa.Field(
        description="The force's reference of the crime",
        metadata={"example": ("44140000123", "44140000124")},
    )
    offender: Series[str] = pa.Field(
        description="Pseudonym of the offender",
        metadata={"person": True, "random": True, "example": ("N1000001", "N1000002")},
    )
    age_at_offence: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="Age in whole years at the time of the offence, where it is known",
        metadata={"example": ("34", "16")},
    )
    sex: Series[str] = pa.Field(
        nullable=True,
        description="male, female or unknown",
        metadata={"example": ("M", "F")},
    )
    offence_code: Series[str] = pa.Field(
        description="Offence code of the Home Office, a text: 4.1 is not 4.10",
        metadata={"example": ("8N", "46")},
    )
    offence_group: Series[str] = pa.Field(
        description="Offence group of the Home Office",
        metadata={"example": ("Violence against the person", "Theft offences")},
    )
    recorded_date: Series[str] = pa.Field(
        description="Day on which the crime was recorded, a time after it is left out",
        metadata={"stored": False, "example": ("09/04/2014 13:05", "09/04/2014 14:20")},
    )
    detected_date: Series[str] = pa.Field(
        description="Day on which it was detected",
        metadata={"stored": False, "example": ("19/04/2014", "09/04/2014")},
    )
    outcome: Series[str] = pa.Field(
        description="How it was detected: charged, cautioned and so on",
        metadata={"example": ("Charged", "Cautioned")},
    )
    district: Series[str] = pa.Field(
        description="District of the force in which the crime happened, a local authority",
        metadata={"example": ("Southampton", "Southampton")},
    )
    extracted: Series[str] = pa.Field(
        description="Day of the export",
        metadata={"stored": False, "example": ("08/05/2015", "08/05/2015")},
    )

    @pa.check(
        "crime_reference",
        name="crime_reference_form",
        error="a crime reference is 1 to 25 letters, digits, slashes, dots or hyphens",
    )
    def crime_reference_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch("[0-9A-Za-z][0-9A-Za-z./-]{0,24}")

    @pa.check(
        "offence_group",
        name="offence_group_known",
        error="the offence group is one of the Home Office's since 2013",
        statistics={"allowed": OFFENCE_GROUPS},
    )
    def offence_group_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OFFENCE_GROUPS)

    @pa.check(
        "age_at_offence",
        name="age_in_range",
        error=f"an offender is at least {RESPONSIBLE} years old, and at most {OLDEST}",
    )
    def age_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(RESPONSIBLE, OLDEST)

    @pa.check("sex", name="sex_known", error="sex is male, female or unknown")
    def sex_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(SEXES)

    @pa.check("outcome", name="outcome_known", error="an outcome is one of the known ones")
    def outcome_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OUTCOMES)

    @pa.dataframe_check(
        name="recorded_before_detected",
        error="a crime is recorded before it is detected",
        ignore_na=False,
        statistics={"columns": ("recorded_date", "detected_date")},
    )
    def recorded_before_detected(cls, rows: pd.DataFrame) -> pd.Series:
        return _in_order(rows["recorded_date"], rows["detected_date"])

    @pa.dataframe_check(
        name="detected_before_extracted",
        error="a crime is detected before it is extracted",
        ignore_na=False,
        statistics={"columns": ("detected_date", "extracted")},
    )
    def detected_before_extracted(cls, rows: pd.DataFrame) -> pd.Series:
        return _in_order(rows["detected_date"], rows["extracted"])


def _in_order(earlier: pd.Series, later: pd.Series) -> pd.Series:
    days = (map(period.export_day, texts) for texts in (earlier, later))
    return pd.Series(period.in_order(*days), earlier.index)


def _is_adult(places: Places, age: int) -> bool:
    return int(age) >= ADULT


SOURCE = Source(
    name="police_offender",
    title="Offenders of detected crimes by crime and offender",
    supplier="the police force's records system",
    licence="Not for publication: under an information sharing agreement",
    due_days=60,
    # Who did it is known when a crime is detected, for many within a year.
    settles_after=365,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=1_000_000,
    model=PoliceOffender,
    geography="area_code",
    period_start="month",
    period_end="month_end",
    key=("crime_reference", "offender"),
    link_domain="police_person",
    audience="public",
    disclosure="under_5",
    minimum_rows=100,
    derived=(
        Derived(
            "recorded_on",
            "DATE",
            ("recorded_date",),
            lambda places, text: period.export_day(text),
            "Day on which the crime was recorded",
            refusal="a day is written as 09/04/2014",
        ),
        Derived(
            "detected_on",
            "DATE",
            ("detected_date",),
            lambda places, text: period.export_day(text),
            "Day on which the crime was detected",
            refusal="a day is written as 19/04/2014",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.export_day(text),
            "Day of the export",
            refusal="a day is written as 08/05/2015",
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
            ("recorded_date",),
            lambda places, text: period.first_of_month(period.export_day(text)),
            "First day of the month of recording",
        ),
        Derived(
            "month_end",
            "DATE",
            ("recorded_date",),
            lambda places, text: period.last_of_month(period.export_day(text)),
            "Last day of the month of recording",
        ),
        Derived(
            "financial_year",
            "VARCHAR",
            ("recorded_date",),
            lambda places, text: period.financial_year_label(period.export_day(text)),
            "Financial year of recording, such as 2014-15",
        ),
        Derived(
            "adult",
            "BOOLEAN",
            ("age_at_offence",),
            _is_adult,
            "18 or older at the time of the offence; null where the age is not known",
        ),
    ),
    windows=(
        Window(
            "offences_in_year",
            "BIGINT",
            "count(DISTINCT crime_reference) "
            "OVER (PARTITION BY area_code, financial_year, offender)",
            "Detected crimes of this offender in the area and financial year",
            of_year=True,
        ),
        Window(
            "by_repeat_adult",
            "BOOLEAN",
            "coalesce(bool_or(adult AND offences_in_year >= 2) "
            "OVER (PARTITION BY area_code, financial_year, crime_reference), false)",
            "An adult with two or more offences in the year has a part in this crime",
            of_year=True,
        ),
        Window(
            "link_of_crime",
            "BIGINT",
            "row_number() OVER (PARTITION BY area_code, financial_year, crime_reference "
            "ORDER BY offender)",
            "Which one of the crime's links this row is; the first counts the crime",
        ),
        Window(
            "offence_of_year",
            "BIGINT",
            "row_number() OVER (PARTITION BY area_code, financial_year, offender "
            "ORDER BY recorded_on, crime_reference)",
            "Which of the offender's offences in the area and year this row is; the first counts "
            "the person",
            of_year=True,
        ),
        Window(
            "age_band",
            "VARCHAR",
            f"CASE {AGE_BAND} END",
            "Band of the age at the offence; empty where it is not known",
        ),
        Window(
            "offender_sex",
            "VARCHAR",
            "CASE WHEN sex IN ('male', 'female') THEN sex END",
            "Sex of the offender; empty where it is not known",
        ),
    ),
)
