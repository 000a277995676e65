"""Victims of recorded crime: a police force's export, one row a link of a crime and a victim.

A row is a *victimisation*: somebody hit by two crimes has two rows, and so has a crime with two
victims. It is no victim (count those by `victimisation_of_year`), and crimes without a victim, such
as possession of drugs, have no row. Businesses and the Crown are victims too, without identifier,
age or sex; a share of people counts persons only. Rows are from a live system: a later export of a
month has more links, so it replaces the earlier one.

Vulnerable, as the assessment of 2014/15 means it: under 18 at the time of the offence, or the
quality of the evidence likely to be affected by mental disorder, significant impairment or physical
disability. Where the age is blank and no flag is set, the row counts as not vulnerable: the share
is the least that it can be. Names, addresses and dates of birth are not asked for, and not read.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Derived, Places, Source, Window
from safecity_pipeline.vocabulary import AGE_BANDS, OFFENCE_GROUPS, SEXES

PERSON, TYPES = "person", ("person", "business", "state")
FLAGS = ("mental_disorder", "impairment", "disability")
ADULT, OLDEST = 18, 115
AGE_BAND = " ".join(f"WHEN age_at_offence < {end} THEN '{band}'" for end, band in AGE_BANDS.items())


class PoliceVictim(pa.DataFrameModel):
    """A victim of a recorded crime: one link of a crime and a person, a business or the state."""

    crime_reference: Series[str] = pa.Field(
        description="The force's reference of the crime",
        metadata={"example": ("44140000123", "44140000124")},
    )
    recorded_date: Series[str] = pa.Field(
        description="Day on which the crime was recorded; it sets the year",
        metadata={"stored": False, "example": ("09/04/2014", "09/04/2014")},
    )
    district: Series[str] = pa.Field(
        description="District of the force in which the crime happened, a local authority",
        metadata={"example": ("Southampton", "Southampton")},
    )
    offence_group: Series[str] = pa.Field(
        description="Offence group of the Home Office",
        metadata={"example": ("Violence against the person", "Theft offences")},
    )
    victim: Series[str] = pa.Field(
        nullable=True,
        description="Pseudonym of a person; null for a business or the state",
        metadata={"person": True, "random": True, "example": ("N1000001", "")},
    )
    victim_type: Series[str] = pa.Field(
        description="person, business or state",
        metadata={"example": ("Person", "Business")},
    )
    age_at_offence: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="Age in whole years at the time of the offence, where it is known",
        metadata={"example": ("34", "")},
    )
    sex: Series[str] = pa.Field(
        nullable=True,
        description="male, female or unknown",
        metadata={"example": ("F", "")},
    )
    mental_disorder: Series[str] = pa.Field(
        nullable=True,
        description="Y: a mental disorder is likely to affect the quality of the evidence",
        metadata={"example": ("N", "")},
    )
    impairment: Series[str] = pa.Field(
        nullable=True,
        description="Y: a significant impairment of intelligence and social functioning is",
        metadata={"example": ("N", "")},
    )
    disability: Series[str] = pa.Field(
        nullable=True,
        description="Y: a physical disability is",
        metadata={"example": ("Y", "")},
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

    @pa.check("victim_type", name="victim_type_known", error="a victim is one of the known types")
    def victim_type_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(TYPES)

    @pa.check("sex", name="sex_known", error="sex is male, female or unknown")
    def sex_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(SEXES)

    @pa.check("age_at_offence", name="age_in_range", error=f"an age lies between 0 and {OLDEST}")
    def age_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, OLDEST)

    @pa.check("mental_disorder", name="mental_disorder_form", error="a flag is Y or N")
    def mental_disorder_form(cls, values: pd.Series) -> pd.Series:
        return values.isin(("Y", "N"))

    @pa.check("impairment", name="impairment_form", error="a flag is Y or N")
    def impairment_form(cls, values: pd.Series) -> pd.Series:
        return values.isin(("Y", "N"))

    @pa.check("disability", name="disability_form", error="a flag is Y or N")
    def disability_form(cls, values: pd.Series) -> pd.Series:
        return values.isin(("Y", "N"))

    @pa.dataframe_check(
        name="person_identified",
        error="a person has an identifier, and nobody else has one",
        ignore_na=False,
        statistics={"columns": ("victim_type", "victim")},
    )
    def person_identified(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["victim_type"] == PERSON) == rows["victim"].notna()

    @pa.dataframe_check(
        name="only_persons_have_an_age",
        error="a business or the state has no age",
        ignore_na=False,
        statistics={"columns": ("victim_type", "age_at_offence")},
    )
    def only_persons_have_an_age(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["victim_type"] == PERSON) | rows["age_at_offence"].isna()

    @pa.dataframe_check(
        name="recorded_before_extracted",
        error="a crime is recorded before it is extracted",
        ignore_na=False,
        statistics={"columns": ("recorded_date", "extracted")},
    )
    def recorded_before_extracted(cls, rows: pd.DataFrame) -> pd.Series:
        recorded, extracted = (
            map(period.export_day, rows[one]) for one in ("recorded_date", "extracted")
        )
        return pd.Series(period.in_order(recorded, extracted), rows.index)


def is_vulnerable(
    places: Places, victim_type: str, age: int | None, *flags: str | None
) -> bool | None:
    """Under 18, or with any flag; of a person only. What is not known is not counted."""
    if victim_type != PERSON:
        return None
    return (age is not None and int(age) < ADULT) or "Y" in flags


SOURCE = Source(
    name="police_victim",
    title="Victims of recorded crime by crime and victim",
    supplier="the police force's records system",
    licence="Not for publication: under an information sharing agreement",
    due_days=60,
    # Victims are added, and found vulnerable, while a crime is inquired into: half a year.
    settles_after=183,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=2_000_000,
    model=PoliceVictim,
    geography="area_code",
    period_start="month",
    period_end="month_end",
    key=("crime_reference", "victim"),
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
            "vulnerable",
            "BOOLEAN",
            ("victim_type", "age_at_offence", *FLAGS),
            is_vulnerable,
            "Under 18, or evidence likely affected by mental disorder, impairment or disability",
        ),
    ),
    windows=(
        Window(
            "victimisations_in_year",
            "BIGINT",
            "CASE WHEN victim IS NOT NULL THEN count(DISTINCT crime_reference) "
            "OVER (PARTITION BY area_code, financial_year, victim) END",
            "Crimes of the area and financial year of which this person was a victim",
            of_year=True,
        ),
        Window(
            "victimisation_of_year",
            "BIGINT",
            "CASE WHEN victim IS NOT NULL THEN row_number() OVER (PARTITION BY area_code, "
            "financial_year, victim ORDER BY recorded_on, crime_reference) END",
            "Which one of these this row is; the first counts the person",
            of_year=True,
        ),
        Window(
            "age_band",
            "VARCHAR",
            f"CASE {AGE_BAND} END",
            "Band of the age at the offence; empty where it is not known",
        ),
        Window(
            "victim_sex",
            "VARCHAR",
            "CASE WHEN sex IN ('male', 'female') THEN sex END",
            "Sex of the victim; empty where it is not known",
        ),
    ),
)
