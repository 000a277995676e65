"""Attendances at an emergency department after an assault: what a hospital trust shares with the
partnership under Information Sharing to Tackle Violence (ISTV, standard ISB 1594).

One row is one attendance, not one victim and not one assault: no identifier of the patient is in
the set, so somebody who came twice counts twice. The minimum set is day and time of the assault,
kind of place, weapon, and the specific place in words. The last is free text that may name people,
so no layout reads it.

Which area: that in which the department stands, and so the place of **attendance**, as the file's
name or a manifest says it. It is the one place that every row has; the place of the assault is
told in words only. The hospital serves more than the city, so some of its patients were assaulted
elsewhere, or live elsewhere: `residence`, where the trust gives it, tells how many, and decides
nothing. The window of the night is by arrival.

Traps. Reception staff ask while they register, so the hour may be missing, and the share that is
missing changes with the trust's system; such a row is in no window of the night. The trust merges
monthly files, whose heads then stand among the rows. Coding changes when trusts begin to share
(from September 2014) and with the Emergency Care Data Set (October 2017).
Not here: hospital admissions, and what the police recorded of the same assault.
"""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

LOCATION_TYPES = (
    *("Pub or club", "Street", "Home", "Workplace", "School or college", "Public transport"),
    *("Licensed premises outside", "Park or open space", "Other", "Not known"),
)
WEAPONS = (
    *("None (bodily force)", "Bottle or glass", "Blunt object", "Knife or sharp object"),
    *("Firearm", "Other", "Not known"),
)
RELATIONSHIPS = (
    *("Stranger", "Acquaintance or friend", "Partner or former partner", "Other family"),
    *("Door staff", "Police officer", "Other", "Not known"),
)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
# What names lose when they are made part of a file's name.
_ENDINGS = ("", ", City of", ", County of", " upon Hull, City of")


class EdAssault(pa.DataFrameModel):
    """One attendance at an emergency department after an assault."""

    area_name: Series[str] = pa.Field(
        description="Local authority in which the department stands, as the file's name or a "
        "manifest says it",
        metadata={"stored": False, "example": ("southampton", "southampton")},
    )
    arrival_date: Series[str] = pa.Field(
        description="Day of arrival, as received",
        metadata={"stored": False, "example": ("05/04/2014", "06/04/2014")},
    )
    arrival_time: Series[str] = pa.Field(
        nullable=True,
        description="Time of arrival; empty where it was not noted",
        metadata={"example": ("23:52", "00:35")},
    )
    assault_date: Series[str] = pa.Field(
        nullable=True,
        description="Day of the assault, as received",
        metadata={"stored": False, "example": ("05/04/2014", "")},
    )
    assault_time: Series[str] = pa.Field(
        nullable=True,
        description="Time of the assault, which patients often do not know",
        metadata={"example": ("22:30", "")},
    )
    location_type: Series[str] = pa.Field(
        nullable=True,
        description="Kind of place of the assault",
        metadata={"example": ("Pub or club", "Home")},
    )
    weapon: Series[str] = pa.Field(
        nullable=True,
        description="What the patient was struck with",
        metadata={"example": ("None (bodily force)", "Bottle or glass")},
    )
    relationship: Series[str] = pa.Field(
        nullable=True,
        description="Who the assailant was to the patient",
        metadata={"example": ("Stranger", "Partner or former partner")},
    )
    residence: Series[str] = pa.Field(
        nullable=True,
        description="Local authority in which the patient lives, as received",
        metadata={"example": ("Southampton", "New Forest")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the trust made the extract, as received",
        metadata={"stored": False, "example": ("2015-05-11", "2015-05-11")},
    )

    @pa.check(
        "arrival_time",
        name="arrival_time_form",
        error="a time of arrival is written 23:41, from 00:00 to 23:59, or empty",
    )
    def arrival_time_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(_TIME)

    @pa.check(
        "assault_time",
        name="assault_time_form",
        error="a time of the assault is written 23:41, from 00:00 to 23:59, or empty",
    )
    def assault_time_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(_TIME)

    @pa.check(
        "location_type",
        name="location_type_known",
        error="the kind of place is one that the source knows; a layout translates others",
        statistics={"allowed": LOCATION_TYPES},
    )
    def location_type_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(LOCATION_TYPES)

    @pa.check(
        "weapon",
        name="weapon_known",
        error="the weapon is one that the source knows; a layout translates others",
        statistics={"allowed": WEAPONS},
    )
    def weapon_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(WEAPONS)

    @pa.check(
        "relationship",
        name="relationship_known",
        error="the relationship is one that the source knows; a layout translates others",
        statistics={"allowed": RELATIONSHIPS},
    )
    def relationship_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(RELATIONSHIPS)

    @pa.dataframe_check(
        name="assault_before_arrival",
        error="the assault was on or before the day of arrival",
        statistics={"columns": ("assault_date", "arrival_date")},
    )
    def assault_before_arrival(cls, rows: pd.DataFrame) -> pd.Series:
        return _in_order(rows["assault_date"], rows["arrival_date"])

    @pa.dataframe_check(
        name="arrival_before_extracted",
        error="the arrival was on or before the day of the extract",
        statistics={"columns": ("arrival_date", "extracted")},
    )
    def arrival_before_extracted(cls, rows: pd.DataFrame) -> pd.Series:
        return _in_order(rows["arrival_date"], rows["extracted"])


def _in_order(earlier: pd.Series, later: pd.Series) -> pd.Series:
    days = (map(period.bare_day, texts) for texts in (earlier, later))
    return pd.Series(period.in_order(*days), earlier.index)


def _area(places: Places, name: str) -> str | None:
    """By name as it stands, or with its hyphens taken for blanks, as in a file's name."""
    spelt = [name, name.replace("-", " ")]
    found = (places.local_authority(one + more) for more in _ENDINGS for one in spelt)
    return next(filter(None, found), None)


def _hour(places: Places, time: str | None) -> int | None:
    return int(time[:2]) if time and _TIME.fullmatch(time) else None


# The threshold is the share of a year's attendances that may lack their hour.
HOURS_NOTED = """
SELECT count(*) FROM (
    SELECT area_code, year(month - INTERVAL 3 MONTH) AS year,
           count(*) FILTER (hour IS NULL) / count(*) AS lacking
    FROM clean.ed_assault GROUP BY ALL
) WHERE lacking > $threshold
"""


SOURCE = Source(
    name="ed_assault",
    title="Attendances at emergency departments after an assault (ISTV)",
    supplier="the hospital trust",
    licence="shared under the partnership's information sharing agreement",
    due_days=30,
    # Attendances are coded after the patient has left: late ones within a quarter.
    settles_after=92,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=50_000,
    model=EdAssault,
    geography="area_code",
    period_start="month",
    period_end="last_day(month)",
    cadence="monthly",
    audience="public",
    disclosure="under_8",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "Local authority in which the department stands: the place of attendance",
            refusal="the area is a local authority that areas.csv knows",
        ),
        Derived(
            "arrived_on",
            "DATE",
            ("arrival_date",),
            lambda places, text: period.bare_day(text),
            "Day of arrival",
            refusal="the day is written 05/04/2014 or 2014-04-05, and is in the calendar",
        ),
        Derived(
            "month",
            "DATE",
            ("arrival_date",),
            lambda places, text: period.first_of_month(period.bare_day(text)),
            "First day of the month of arrival",
        ),
        Derived("hour", "INTEGER", ("arrival_time",), _hour, "Hour of arrival, 0-23, or null"),
        Derived(
            "assaulted_on",
            "DATE",
            ("assault_date",),
            lambda places, text: period.bare_day(text),
            "Day of the assault; null where it is not known",
            refusal="the day is written 05/04/2014 or 2014-04-05, is in the calendar, or is empty",
        ),
        Derived(
            "residence_code",
            "VARCHAR",
            ("residence",),
            lambda places, name: places.local_authority(name),
            "Local authority in which the patient lives; null where it is not known",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.bare_day(text),
            "Day on which the trust made the extract",
            refusal="the day of the extract is written 2015-05-11 or 11/05/2015",
        ),
    ),
    across=(
        CrossRow(
            "hours_noted",
            "most attendances of a year have their hour, or no window of the night is comparable",
            HOURS_NOTED,
        ),
    ),
)
