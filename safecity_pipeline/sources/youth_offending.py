"""Outcomes and interventions of a Youth Offending Service, as its case system exports them.

Two lists of the system (ChildView, or YOIS before it) are read, one file a financial year each:

* `outcome`: one row a disposal given to a child in the year, out of court or by a court. Its day
  is the day of the decision. Custody, serious offences and looked-after children are counted here:
  counted when an order ends, a year's custody would be the sentences of the year before.
* `closed`: one row an intervention that ended in the year. Its day is the last one. Suitable
  accommodation and education, training or employment (ETE) are judged here, at the end.

A row is not a child: a child with two orders has two rows, under one code. It is not an offence
either: an outcome names its most serious offence, with the Youth Justice Board's seriousness
(gravity) score, 1 to 8. Voluntary work (prevention, community resolutions) stands among the closed
interventions and is in no measure.

What a child needs to be fully engaged is the Board's: 25 hours a week of suitable provision at
school age, 16 hours after it. The system's own tick says only that the provision is suitable.

The only identifier read is the case system's own code of a child, and it is replaced at the door;
columns that name children otherwise are not read (see the layout). A measure of children takes the
last intervention of each in the year.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Classification, Derived, Places, Source, Window

CLOSED, OUTCOME = "closed", "outcome"
YES, NO = "yes", "no"
SEXES = ("male", "female", "not_known")
SCHOOL_AGE, POST_16 = "school_age", "post_16"
HOURS_NEEDED = {SCHOOL_AGE: 25, POST_16: 16}
GROUPS = {
    "voluntary": ("community_resolution", "prevention_programme"),
    "pre_court": (
        "reprimand",  # to 7 April 2013, with the final warning; then cautions
        "final_warning",
        "youth_caution",
        "youth_conditional_caution",
    ),
    "first_tier": (
        "absolute_discharge",
        "conditional_discharge",
        "fine",
        "compensation_order",
        "reparation_order",
        "referral_order",
    ),
    "community": ("youth_rehabilitation_order",),
    "custody": ("detention_and_training_order", "section_90", "section_91", "section_226"),
}
GROUP_OF = {disposal: group for group, disposals in GROUPS.items() for disposal in disposals}
YOUNGEST, OLDEST = 10, 18  # an order may run on past the eighteenth birthday
MOST_HOURS = 60
_DAY = re.compile(
    r"(?:(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})"
    r"|(?P<iso>\d{4}-\d\d-\d\d))(?: 00:00(?::00)?)?"
)


class YouthOffending(pa.DataFrameModel):
    """A disposal given to a child, or an intervention with a child that ended."""

    record: Series[str] = pa.Field(
        description="outcome: a disposal given in the year; closed: an intervention ended in it",
        metadata={"example": (CLOSED, OUTCOME)},
    )
    authority: Series[str] = pa.Field(
        description="Authority of the service, as the file's name or a manifest says it",
        metadata={"stored": False, "example": ("southampton", "brighton-and-hove")},
    )
    financial_year: Series[str] = pa.Field(
        description="Financial year that the file covers, the whole of it",
        metadata={"parse": "financial_year", "example": ("2014-15", "2014-15")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the list was taken from the live system",
        metadata={"stored": False, "example": ("2015-04-20", "2015-04-20")},
    )
    reference: Series[str] = pa.Field(
        description="The case system's number of the intervention or the outcome",
        metadata={"example": ("INT-100234", "OUT-200345")},
    )
    child: Series[str] = pa.Field(
        description="Pseudonym of the child, in place of the case system's own code",
        metadata={"person": True, "example": ("YOS-4F2A91", "YOS-07C3D8")},
    )
    sex: Series[str] = pa.Field(
        nullable=True,
        description="male, female or not_known",
        metadata={"example": ("male", "female")},
    )
    age: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="Age in years at the outcome, or at the start of the intervention",
        metadata={"example": ("15", "17")},
    )
    looked_after: Series[str] = pa.Field(
        nullable=True,
        description="Whether the child was looked after then: yes or no; empty: not recorded",
        metadata={"example": (NO, YES)},
    )
    disposal: Series[str] = pa.Field(
        description="The disposal or order; see disposal_group",
        metadata={"example": ("referral_order", "youth_caution")},
    )
    offence: Series[str] = pa.Field(
        nullable=True,
        description="Most serious offence of the outcome, in the case system's words",
        metadata={"example": ("Theft and handling", "Violence against the person")},
    )
    seriousness: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="The Youth Justice Board's seriousness score of that offence, 1 to 8",
        metadata={"example": ("3", "5")},
    )
    started: Series[str] = pa.Field(
        description="Day of the outcome, or first day of the intervention, as written",
        metadata={"stored": False, "example": ("14/05/2014", "02/09/2014")},
    )
    ended: Series[str] = pa.Field(
        nullable=True,
        description="Last day of the intervention, as written",
        metadata={"stored": False, "example": ("12/02/2015", "31/03/2015")},
    )
    end_reason: Series[str] = pa.Field(
        nullable=True,
        description="Why the intervention ended, in the case system's words",
        metadata={"example": ("Completed", "")},
    )
    accommodation_suitable: Series[str] = pa.Field(
        nullable=True,
        description="Whether the child lived in suitable accommodation at the end: yes or no; "
        "empty: not recorded",
        metadata={"example": (YES, "")},
    )
    ete_suitable: Series[str] = pa.Field(
        nullable=True,
        description="Whether education, training or employment at the end was suitable: yes or "
        "no; empty: not recorded",
        metadata={"example": (YES, "")},
    )
    ete_hours: Series[float] = pa.Field(
        nullable=True,
        description="Hours of it a week",
        metadata={"example": ("25", "")},
    )
    ete_phase: Series[str] = pa.Field(
        nullable=True,
        description="school_age or post_16: how many hours are full engagement",
        metadata={"example": (SCHOOL_AGE, "")},
    )

    @pa.check(
        "record",
        name="record_known",
        error="a row is an outcome or a closed intervention",
        statistics={"allowed": (CLOSED, OUTCOME)},
    )
    def record_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((CLOSED, OUTCOME))

    @pa.check(
        "extracted",
        name="extracted_readable",
        error="the day of extraction is written 2015-04-20 or 20/04/2015",
    )
    def extracted_readable(cls, values: pd.Series) -> pd.Series:
        return values.map(read_day).notna()

    @pa.check(
        "sex",
        name="sex_known",
        error="sex is male, female or not_known",
        statistics={"allowed": SEXES},
    )
    def sex_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(SEXES)

    @pa.check("age", name="age_in_range", error=f"a child is {YOUNGEST} to {OLDEST} years old")
    def age_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(YOUNGEST, OLDEST)

    @pa.check(
        "looked_after",
        name="looked_after_known",
        error="looked after is yes or no, or empty",
        statistics={"allowed": (YES, NO)},
    )
    def looked_after_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((YES, NO))

    @pa.check(
        "disposal",
        name="disposal_known",
        error="the disposal is one that the source names",
        statistics={"allowed": tuple(GROUP_OF)},
    )
    def disposal_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(tuple(GROUP_OF))

    @pa.check("seriousness", name="seriousness_in_range", error="a seriousness score is 1 to 8")
    def seriousness_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1, 8)

    @pa.check("started", name="started_readable", error="a day is written 14/05/2014, and exists")
    def started_readable(cls, values: pd.Series) -> pd.Series:
        return values.map(read_day).notna()

    @pa.check("ended", name="ended_readable", error="a day is written 14/05/2014, and exists")
    def ended_readable(cls, values: pd.Series) -> pd.Series:
        return values.map(read_day).notna()

    @pa.check(
        "accommodation_suitable",
        name="accommodation_known",
        error="accommodation is suitable (yes) or not (no), or empty",
        statistics={"allowed": (YES, NO)},
    )
    def accommodation_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((YES, NO))

    @pa.check(
        "ete_suitable",
        name="ete_known",
        error="education, training or employment is suitable (yes) or not (no), or empty",
        statistics={"allowed": (YES, NO)},
    )
    def ete_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((YES, NO))

    @pa.check(
        "ete_hours",
        name="ete_hours_in_range",
        error=f"hours a week lie between 0 and {MOST_HOURS}",
    )
    def ete_hours_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, MOST_HOURS)

    @pa.check(
        "ete_phase",
        name="ete_phase_known",
        error="a child is of school age or past it (post 16)",
        statistics={"allowed": (SCHOOL_AGE, POST_16)},
    )
    def ete_phase_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((SCHOOL_AGE, POST_16))

    @pa.dataframe_check(
        name="closed_has_an_end",
        error="a closed intervention has its last day; open ones belong in no list of closed ones",
        ignore_na=False,
        statistics={"columns": ("record", "ended")},
    )
    def closed_has_an_end(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows["record"] != CLOSED) | rows["ended"].notna()

    @pa.dataframe_check(
        name="ended_after_start",
        error="an intervention does not end before it starts",
        ignore_na=False,
        statistics={"columns": ("started", "ended")},
    )
    def ended_after_start(cls, rows: pd.DataFrame) -> pd.Series:
        days = zip(rows["started"].map(read_day), rows["ended"].map(read_day), strict=True)
        return pd.Series([not end or start <= end for start, end in days], index=rows.index)

    @pa.dataframe_check(
        name="extracted_after_the_year",
        error="a list is taken when its year is over: of a part of a year nothing is counted here",
        ignore_na=False,
        statistics={"columns": ("financial_year", "extracted")},
    )
    def extracted_after_the_year(cls, rows: pd.DataFrame) -> pd.Series:
        over = rows["financial_year"].map(lambda label: period.parse(label).end)
        return rows["extracted"].map(read_day) > over


def read_day(text: object) -> date | None:
    """The day that a text is: 14/05/2014 or 2014-05-14, with a midnight or without; else None."""
    found = _DAY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _area(places: Places, authority: str) -> str | None:
    """By code, or by name; the name may be a part of a file's name, with hyphens for blanks."""
    found = places.known_code(authority)
    for name in (authority, authority.replace("-", " ")):
        found = found or places.upper_tier(name) or places.local_authority(name)
    return found


def _day(places: Places, written: str | None) -> date | None:
    return read_day(written)


def _start(
    places: Places, financial_year: str, record: str, started: str, ended: str | None
) -> date | None:
    """The first day of the year if the row's day lies in it; a row without its day has another
    fault, and is told of that one."""
    year = period.parse(financial_year)
    day = read_day(ended if record == CLOSED else started)
    return year.start if day is None or year.start <= day <= year.end else None


def _end(places: Places, financial_year: str) -> date:
    return period.parse(financial_year).end


def _group(places: Places, disposal: str) -> str | None:
    return GROUP_OF.get(disposal)


def _engaged(
    places: Places, ete_suitable: str | None, ete_hours: float | None, ete_phase: str | None
) -> bool | None:
    """Suitable, and for as many hours as the phase needs; unknown where one of them is."""
    if ete_suitable == NO:
        return False
    if ete_suitable is None or ete_hours is None or ete_phase is None:
        return None
    return ete_hours >= HOURS_NEEDED[ete_phase]


SOURCE = Source(
    name="youth_offending",
    title="Outcomes and closed interventions of a Youth Offending Service",
    supplier="Youth Offending Service (case system)",
    licence="restricted: information sharing agreement of the partnership",
    due_days=60,
    # Closures, and where a child lived and learnt, are entered up to half a year late.
    settles_after=183,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=50_000,
    model=YouthOffending,
    table="record",
    classified=(Classification("disposal", series=("youth.first_time_entrants",)),),
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("record", "reference"),
    link_domain="young_person",
    audience="public",
    disclosure="under_5",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("authority",),
            _area,
            "Authority of the service",
            refusal="the authority is one that areas.csv knows, by its name or its code",
        ),
        Derived("extracted_on", "DATE", ("extracted",), _day, "Day of extraction"),
        Derived("started_on", "DATE", ("started",), _day, "Day of the outcome, or first day"),
        Derived("ended_on", "DATE", ("ended",), _day, "Last day of the intervention"),
        Derived(
            "period_start",
            "DATE",
            ("financial_year", "record", "started", "ended"),
            _start,
            "First day of the financial year of the outcome, or of the intervention's end",
            refusal="the day of the outcome, or the last day of the intervention, lies in the "
            "financial year of the file",
        ),
        Derived("period_end", "DATE", ("financial_year",), _end, "Last day of that year"),
        Derived(
            "disposal_group",
            "VARCHAR",
            ("disposal",),
            _group,
            "voluntary, pre_court, or a sentence of a court: first_tier, community, custody",
        ),
        Derived(
            "fully_engaged",
            "BOOLEAN",
            ("ete_suitable", "ete_hours", "ete_phase"),
            _engaged,
            "Whether education, training or employment was suitable and full: 25 hours at school "
            "age, 16 after it; empty where one of these is not recorded",
        ),
    ),
    windows=(
        Window(
            "last_of_child",
            "BOOLEAN",
            "row_number() OVER (PARTITION BY record, area_code, period_start, child, "
            "disposal_group = 'voluntary' "
            "ORDER BY coalesce(ended_on, started_on) DESC, started_on DESC, reference DESC) = 1",
            "Whether it is the child's last intervention that ended in the year, or its last "
            "outcome; voluntary work by itself",
        ),
        Window(
            "child_sex",
            "VARCHAR",
            "CASE WHEN sex IN ('male', 'female') THEN sex END",
            "Sex of the child; empty where it is not known",
        ),
    ),
)
