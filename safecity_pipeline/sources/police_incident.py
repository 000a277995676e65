"""Incidents of the police force's command and control: its own export, whatever the channel.

One row is one incident as it was opened: what the caller said (opening code), how fast the force
meant to come (grade), how it came in (channel), and what it turned out to be (closing code). It is
not a crime: a call about violence may close as nothing, and a crime may be recorded without a call.

Two things are counted, by different columns, and must not be mixed. Calls for service are counted
by **opening** code, with duplicates out and all channels together: they are the reference series
for a change of recording, and a closing code follows recording policy. Anti-social behaviour is
counted by **closing** code, as the National Standard for Incident Recording (NSIR) has it.

Traps. Several people call about one event: those rows are marked as duplicates of the first, some
of them only days later, so an early extract has more distinct incidents than a late one of the
same months. The three categories of anti-social behaviour began in April 2011; before it there
were fourteen, and the category is empty. An incident that is still open has no closing code.
The force covers several districts; an incident whose place is not known has none, and is counted
nowhere. The wording before " - " of a description is the group; a layout translates others.
Not here: free text of the log, names, numbers of callers, addresses: a layout never reads them.
"""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Classification, CrossRow, Derived, Places, Source

NUMBER = "[!-~]{1,40}"
VIOLENCE, ASB = "Violence", "ASB"
OPENING_GROUPS = (
    *(ASB, VIOLENCE, "Sexual offence", "Robbery", "Burglary", "Vehicle crime", "Theft"),
    *("Criminal damage", "Drugs", "Domestic incident", "Concern for safety", "Missing person"),
    *("Suspicious circumstances", "Road traffic", "Alarm", "Hoax or abandoned call"),
    "Administration",
)
CLOSING_GROUPS = (
    *(ASB, "Crime", "Crime related incident", "Public safety", "Transport", "Administration"),
)
CHANNELS = ("999", "101", "0845", "Online", "Front counter", "Officer", "Other")
GRADES = ("1", "2", "3", "4", "5")
ASB_CATEGORIES = ("Personal", "Nuisance", "Environmental")
_TIME = re.compile(r"([01]\d|2[0-3]):?[0-5]\d(:[0-5]\d)?", re.ASCII)


class PoliceIncident(pa.DataFrameModel):
    """One incident of the police force's command and control."""

    incident_number: Series[str] = pa.Field(
        description="The force's number of the incident",
        metadata={"form": NUMBER, "example": ("HC-20140401-0001", "HC-20140401-0002")},
    )
    created_date: Series[str] = pa.Field(
        description="Day on which it was opened, as received",
        metadata={"stored": False, "example": ("01/04/2014", "01/04/2014")},
    )
    created_time: Series[str] = pa.Field(
        description="Time of day at which it was opened",
        metadata={"example": ("00:14", "00:31")},
    )
    opening_code: Series[str] = pa.Field(
        description="The force's code of what was reported",
        metadata={"example": ("V1", "A2")},
    )
    opening_description: Series[str] = pa.Field(
        description="What was reported: a group, and after ' - ' what of it",
        metadata={"example": ("Violence - assault", "ASB - rowdy behaviour")},
    )
    closing_code: Series[str] = pa.Field(
        nullable=True,
        description="The force's code of what it turned out to be; empty while it is open",
        metadata={"example": ("C1", "N2")},
    )
    closing_description: Series[str] = pa.Field(
        nullable=True,
        description="What it turned out to be: a group of the NSIR, and after ' - ' what of it",
        metadata={"example": ("Crime - recorded", "ASB - rowdy behaviour")},
    )
    grade: Series[str] = pa.Field(
        nullable=True,
        description="Urgency: 1 immediate, 2 priority, 3 and more later; empty where not graded",
        metadata={"example": ("1", "2")},
    )
    channel: Series[str] = pa.Field(
        description="How it came in; 0845 was the number before 101",
        metadata={"example": ("999", "101")},
    )
    duplicate: Series[str] = pa.Field(
        description="Y where another incident about the same event was there already, else N",
        metadata={"example": ("N", "Y")},
    )
    duplicate_of: Series[str] = pa.Field(
        nullable=True,
        description="Number of that incident, where the force gives it",
        metadata={"example": ("", "HC-20140401-0001")},
    )
    asb_category: Series[str] = pa.Field(
        nullable=True,
        description="Personal, Nuisance or Environmental, where it closed as anti-social "
        "behaviour; empty before April 2011",
        metadata={"example": ("", "Nuisance")},
    )
    district: Series[str] = pa.Field(
        nullable=True,
        description="Local authority in which it happened; empty where the place is not known",
        metadata={"example": ("Southampton", "Eastleigh")},
    )
    beat: Series[str] = pa.Field(
        nullable=True,
        description="The force's beat",
        metadata={"example": ("SC03", "EN01")},
    )
    ward: Series[str] = pa.Field(
        nullable=True,
        description="Electoral ward",
        metadata={"open": True, "example": ("Bargate", "")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the force made the extract, as received",
        metadata={"stored": False, "example": ("2015-04-14", "2015-04-14")},
    )

    @pa.check(
        "ward",
        name="ward_form",
        error="a ward is a name of at most 50 characters and two digits",
    )
    def ward_form(cls, values: pd.Series) -> pd.Series:
        return values.str.len().le(50) & values.str.count("[0-9]").le(2)

    @pa.check(
        "incident_number",
        name="incident_number_form",
        error="an incident's number has at most 40 characters and no blank",
    )
    def incident_number_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(NUMBER)

    @pa.check(
        "created_time",
        name="created_time_form",
        error="a time of day is written 23:41 or 23:41:05, from 00:00 to 23:59",
    )
    def created_time_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(_TIME)

    @pa.check(
        "grade",
        name="grade_known",
        error="a grade is a number from 1 to 5, or empty; a layout translates words",
        statistics={"allowed": GRADES},
    )
    def grade_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(GRADES)

    @pa.check(
        "channel",
        name="channel_known",
        error="the channel is one that the source knows; a layout translates others",
        statistics={"allowed": CHANNELS},
    )
    def channel_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(CHANNELS)

    @pa.check(
        "duplicate",
        name="duplicate_known",
        error="duplicate is Y or N",
        statistics={"allowed": ("Y", "N")},
    )
    def duplicate_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(["Y", "N"])

    @pa.check(
        "asb_category",
        name="asb_category_known",
        error="the category is Personal, Nuisance or Environmental, or empty",
        statistics={"allowed": ASB_CATEGORIES},
    )
    def asb_category_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(ASB_CATEGORIES)

    @pa.dataframe_check(
        name="duplicate_flag_agrees",
        error="an incident that names the one it repeats is marked as a duplicate",
        statistics={"columns": ("duplicate", "duplicate_of")},
    )
    def duplicate_flag_agrees(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["duplicate_of"].isna() | (rows["duplicate"] == "Y")

    @pa.dataframe_check(
        name="category_of_asb",
        error="only what closed as ASB has a category of anti-social behaviour",
        statistics={"columns": ("closing_description", "asb_category")},
    )
    def category_of_asb(cls, rows: pd.DataFrame) -> pd.Series:
        closed = rows["closing_description"].map(closing_group, na_action="ignore")
        return rows["asb_category"].isna() | (closed == ASB).fillna(False).astype(bool)

    @pa.dataframe_check(
        name="created_before_extracted",
        error="an incident was opened on or before the day of the extract",
        statistics={"columns": ("created_date", "extracted")},
    )
    def created_before_extracted(cls, rows: pd.DataFrame) -> pd.Series:
        created, extracted = (
            map(period.bare_day, rows[one]) for one in ("created_date", "extracted")
        )
        return pd.Series(period.in_order(created, extracted), rows.index)


def _group(description: str | None, known: tuple[str, ...]) -> str | None:
    named = (description or "").partition(" - ")[0].strip().casefold()
    return next((one for one in known if one.casefold() == named), None)


def opening_group(description: str | None) -> str | None:
    """The group of what was reported, by the words before " - "."""
    return _group(description, OPENING_GROUPS)


def closing_group(description: str | None) -> str | None:
    """The group of the NSIR of what it turned out to be."""
    return _group(description, CLOSING_GROUPS)


def _hour(places: Places, time: str | None) -> int | None:
    return int(time[:2]) if time and _TIME.fullmatch(time) else None


REPEATS_ITSELF = """
SELECT _extract, _row, incident_number AS got FROM candidate
WHERE duplicate_of = incident_number
"""

DUPLICATES_HAVE_ORIGINALS = """
SELECT count(*) FROM clean.police_incident AS later
ANTI JOIN clean.police_incident AS first ON first.incident_number = later.duplicate_of
WHERE later.duplicate_of IS NOT NULL
"""

# The threshold is the share by which a month may change beyond what chance does to small numbers.
MONTH_NEAR_LAST_YEAR = """
WITH monthly AS (
    SELECT area_code, month, count(*) AS n FROM clean.police_incident
    WHERE area_code IS NOT NULL GROUP BY ALL
)
SELECT count(*) FROM monthly AS a JOIN monthly AS b
  ON b.area_code = a.area_code AND b.month = a.month + INTERVAL 1 YEAR
WHERE abs(b.n - a.n) > $threshold * greatest(a.n, b.n) + 3 * sqrt(a.n + b.n)
"""


SOURCE = Source(
    name="police_incident",
    title="Incidents of the police force's command and control",
    supplier="the police force",
    licence="shared under the partnership's information sharing agreement",
    due_days=60,
    # Duplicates are found, and closing codes reviewed, within a quarter.
    settles_after=92,
    assurance="A1",
    sensitivity="official-sensitive",
    maximum_rows=5_000_000,
    model=PoliceIncident,
    classified=(
        Classification("opening_code", words="opening_description"),
        Classification("closing_code", words="closing_description"),
        Classification("channel", series=("calls",)),
        Classification("asb_category"),
    ),
    geography="coalesce(area_code, 'place not known')",
    period_start="month",
    period_end="last_day(month)",
    key=("incident_number",),
    audience="public",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("district",),
            lambda places, name: places.local_authority(name),
            "Local authority; null where the place is not known",
            refusal="the district is a local authority that areas.csv knows, or empty",
        ),
        Derived(
            "created_on",
            "DATE",
            ("created_date",),
            lambda places, text: period.bare_day(text),
            "Day on which it was opened",
            refusal="the day is written 01/04/2014 or 2014-04-01, and is in the calendar",
        ),
        Derived(
            "month",
            "DATE",
            ("created_date",),
            lambda places, text: period.first_of_month(period.bare_day(text)),
            "First day of its month",
        ),
        Derived("hour", "INTEGER", ("created_time",), _hour, "Hour in which it was opened, 0-23"),
        Derived(
            "opening_group",
            "VARCHAR",
            ("opening_description",),
            lambda places, text: opening_group(text),
            "Group of what was reported; by this, calls for service are counted",
            refusal="what was reported begins with a group that the source knows, such as "
            "'Violence - '; a layout translates other words",
        ),
        Derived(
            "closing_group",
            "VARCHAR",
            ("closing_description",),
            lambda places, text: closing_group(text),
            "Group of what it turned out to be; null while it is open",
            refusal="what it turned out to be begins with a group of the NSIR, such as 'ASB - '; "
            "a layout translates other words",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.bare_day(text),
            "Day on which the force made the extract",
            refusal="the day of the extract is written 2015-04-14 or 14/04/2015",
        ),
    ),
    across=(
        CrossRow(
            "duplicate_of_itself",
            "an incident repeats another one and not itself",
            REPEATS_ITSELF,
            over="extract",
        ),
        CrossRow(
            "duplicates_have_originals",
            "the incident that a duplicate names is there",
            DUPLICATES_HAVE_ORIGINALS,
        ),
        CrossRow(
            "month_near_last_year",
            "incidents of a month have not changed since the year before by more than such "
            "numbers do: a month that was cut short",
            MONTH_NEAR_LAST_YEAR,
        ),
    ),
)
