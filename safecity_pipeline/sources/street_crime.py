"""Street-level crime and anti-social behaviour, as data.police.uk publishes it.

One row is one crime or one ASB incident, placed at an anonymous map point. A Crime ID is not a
key: ASB has none, British Transport Police seldom, and Northern Ireland repeats them.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import Classification, Derived, Places, Source

REFERENCE = "[0-9a-f]{64}"
LONGEST = 200
PRINTED = "[!-~]([ -~]{0,198}[!-~])?"  # at most LONGEST characters, no blank at an end
CRIME_TYPES = (
    "Anti-social behaviour",
    "Bicycle theft",
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Possession of weapons",
    "Public disorder and weapons",  # until April 2013
    "Public order",
    "Robbery",
    "Shoplifting",
    "Theft from the person",
    "Vehicle crime",
    "Violence and sexual offences",
    "Violent crime",  # until April 2013
)
OUTCOMES = (
    "Action to be taken by another organisation",
    "Awaiting court outcome",
    "Court case unable to proceed",
    "Court result unavailable",
    "Defendant found not guilty",
    "Defendant sent to Crown Court",
    "Formal action is not in the public interest",
    "Further action is not in the public interest",
    "Further investigation is not in the public interest",
    "Investigation complete; no suspect identified",
    "Local resolution",
    "Offender deprived of property",
    "Offender fined",
    "Offender given a caution",
    "Offender given a drugs possession warning",
    "Offender given absolute discharge",
    "Offender given community sentence",
    "Offender given conditional discharge",
    "Offender given penalty notice",
    "Offender given suspended prison sentence",
    "Offender ordered to pay compensation",
    "Offender otherwise dealt with",
    "Offender sent to prison",
    "Status update unavailable",
    "Suspect charged",
    "Suspect charged as part of another case",
    "Unable to prosecute suspect",
    "Under investigation",
)


class StreetCrime(pa.DataFrameModel):
    """One crime or anti-social behaviour incident at street level."""

    crime_id: Series[str] = pa.Field(
        nullable=True,
        description="Publisher's reference, 64 hexadecimal characters; not a key",
        metadata={"form": REFERENCE, "random": True, "example": ("0123456789abcdef" * 4, "")},
    )
    month: Series[pd.Timestamp] = pa.Field(
        description="Month in which it was reported, as its first day",
        metadata={"parse": "month", "example": ("2014-09", "2014-09")},
    )
    reported_by: Series[str] = pa.Field(
        description="Force that supplied the row",
        metadata={"example": ("Hampshire Constabulary", "Hampshire Constabulary")},
    )
    falls_within: Series[str] = pa.Field(
        description="Force in whose area it lies",
        metadata={"example": ("Hampshire Constabulary", "Hampshire Constabulary")},
    )
    longitude: Series[float] = pa.Field(
        nullable=True,
        description="Of the anonymous map point, degrees east (WGS 84)",
        metadata={"example": ("-1.396622", "-1.398936")},
    )
    latitude: Series[float] = pa.Field(
        nullable=True,
        description="Of the anonymous map point, degrees north (WGS 84)",
        metadata={"example": ("50.904600", "50.906023")},
    )
    location: Series[str] = pa.Field(
        nullable=True,
        description="Name of the map point",
        metadata={
            "form": PRINTED,
            "example": ("On or near St Mary Street", "On or near Broad Green"),
        },
    )
    lsoa_code: Series[str] = pa.Field(
        nullable=True,
        description="Lower layer super output area of the map point: its code",
        metadata={"example": ("E01017139", "E01017139")},
    )
    lsoa_name: Series[str] = pa.Field(
        nullable=True,
        description="Its name, which begins with the local authority",
        metadata={"example": ("Southampton 029A", "Southampton 029A")},
    )
    crime_type: Series[str] = pa.Field(
        description="Category of data.police.uk",
        metadata={"example": ("Burglary", "Anti-social behaviour")},
    )
    last_outcome_category: Series[str] = pa.Field(
        nullable=True,
        description="Newest outcome at the time of publication",
        metadata={"example": ("Under investigation", "")},
    )
    context: Series[str] = pa.Field(
        nullable=True, description="Remarks of the force", metadata={"example": ("", "")}
    )
    file_month: Series[pd.Timestamp] = pa.Field(
        nullable=True,
        description="Month that the file's name states",
        metadata={"parse": "month", "stored": False, "example": ("2014-09", "2014-09")},
    )

    @pa.check(
        "crime_id",
        name="crime_id_form",
        error="a Crime ID is 64 characters out of 0-9 and a-f, or empty",
    )
    def crime_id_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(REFERENCE)

    @pa.check(
        "month",
        name="month_in_range",
        error="the month lies between December 2010, when publication began, and this month",
    )
    def month_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(pd.Timestamp(2010, 12, 1), pd.Timestamp.now())

    @pa.check(
        "longitude",
        name="longitude_in_range",
        error="a longitude of the United Kingdom lies between -9 and 2 degrees",
    )
    def longitude_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(-9, 2)

    @pa.check(
        "latitude",
        name="latitude_in_range",
        error="a latitude of the United Kingdom lies between 49 and 61 degrees",
    )
    def latitude_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(49, 61)

    @pa.check("location", name="location_length", error="a location has at most 200 characters")
    def location_length(cls, values: pd.Series) -> pd.Series:
        return values.str.len() <= LONGEST

    @pa.check("lsoa_code", name="lsoa_code_form", error="an LSOA code is E01 or W01 and six digits")
    def lsoa_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[EW]01\d{6}")

    @pa.check(
        "lsoa_name",
        name="lsoa_name_form",
        error="an LSOA name is a local authority, three digits and a capital letter",
    )
    def lsoa_name_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"\S.* \d{3}[A-Z]")

    @pa.check(
        "crime_type",
        name="crime_type_known",
        error="the crime type is one of data.police.uk's",
        statistics={"allowed": CRIME_TYPES},
    )
    def crime_type_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(CRIME_TYPES)

    @pa.check(
        "last_outcome_category",
        name="outcome_known",
        error="the outcome is one of data.police.uk's, or empty",
        statistics={"allowed": OUTCOMES},
    )
    def outcome_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OUTCOMES)

    @pa.dataframe_check(
        name="position_whole",
        error="a row has both longitude and latitude, or neither",
        statistics={"columns": ("longitude", "latitude")},
    )
    def position_whole(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["longitude"].isna() == rows["latitude"].isna()

    @pa.dataframe_check(
        name="lsoa_whole",
        error="a row has both LSOA code and LSOA name, or neither",
        statistics={"columns": ("lsoa_code", "lsoa_name")},
    )
    def lsoa_whole(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["lsoa_code"].isna() == rows["lsoa_name"].isna()

    @pa.dataframe_check(
        name="month_of_file",
        error="the month is the one that the file's name states",
        statistics={"columns": ("month", "file_month")},
    )
    def month_of_file(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["file_month"].isna() | (rows["month"] == rows["file_month"])


def _force(places: Places, name: str) -> str | None:
    return places.force(name) or places.body(name)


SOURCE = Source(
    name="street_crime",
    title="Street-level crime and anti-social behaviour",
    supplier="data.police.uk",
    licence="Open Government Licence v3.0",
    due_days=60,
    assurance="A1",
    sensitivity="public",
    maximum_rows=5_000_000,
    model=StreetCrime,
    classified=(Classification("crime_type"),),
    geography="force_code",
    period_start="month",
    period_end="last_day(month)",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("lsoa_name",),
            lambda places, name: places.of_lsoa_name(name),
            "Local authority of the LSOA; null where the row has none",
            refusal="the LSOA name begins with a local authority that areas.csv knows",
        ),
        Derived(
            "force_code",
            "VARCHAR",
            ("reported_by",),
            _force,
            "Force that supplied the row: its code, or a word for a body without an area",
            refusal="the reporting force is one that areas.csv knows",
        ),
        Derived(
            "within_force_code",
            "VARCHAR",
            ("falls_within",),
            _force,
            "Force in whose area the row lies, as the supplier says",
            refusal="the force it falls within is one that areas.csv knows",
        ),
    ),
    home_force="force_code",
    own_file_first=True,
    cadence="monthly",
)
