"""The Youth Justice Board's quarterly Youth Data Summary: a workbook, one sheet an indicator.

A clean row is one cell: a measure of one table for one youth offending team and twelve months. A
sheet has a row a team; beside the team's own figures stand its family's average (ten or so similar
teams, chosen by the Board), its region's (or its police and crime commissioner's area) and England
and Wales'. These are measures of the team's row, and no areas of their own.

Each workbook brings the twelve months to the end of its quarter and the twelve months before, as
they are known by then: where the next year's workbook is there, its column of the year before goes
before what was first published, so that a change is always taken from one release. Rolling years
overlap, so those that end in different months are different series. Reoffending is of a cohort two
years back.

Not here: the long extract's rate of first-time entrants by calendar year (`youth_justice`), the
Ministry of Justice's own tables, and the service's own cases (`youth_offending`). First-time
entrants are from the Police National Computer, by where the child lives.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

TABLES = ("first_time_entrants", "custody", "reoffending")
COUNTS = ("number", "cohort", "reoffenders", "reoffences")
PERCENTAGES = ("binary_rate", "family_binary_rate", "region_binary_rate", "national_binary_rate")
CHANGES = ("change_percent", "change_points")
RATES = (
    *("rate", "family_rate", "region_rate", "national_rate"),
    "frequency_rate",
)
MEASURES = (*COUNTS, *PERCENTAGES, *CHANGES, *RATES)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPAN = re.compile(r"([a-z]{3})[a-z]* (\d{4}) ?(?:-|–|to) ?([a-z]{3})[a-z]* (\d{4})", re.IGNORECASE)
_KIND = re.compile(
    r" (youth (offending|justice) (team|service|partnership)|y[oj][st])$", re.IGNORECASE
)


class YouthSummary(pa.DataFrameModel):
    """One figure of the Youth Data Summary: a measure of a team and twelve months."""

    table_name: Series[str] = pa.Field(
        description="Subject of the sheet",
        metadata={"example": ("first_time_entrants", "custody")},
    )
    team: Series[str] = pa.Field(
        description="Youth offending team as spelt; mostly the name of its authority",
        metadata={"example": ("Southampton", "Bristol YOT")},
    )
    twelve_months: Series[str] = pa.Field(
        description="The twelve months as the head spells them",
        metadata={"example": ("Apr 2014 - Mar 2015", "Jan 2014 - Dec 2014")},
    )
    measure: Series[str] = pa.Field(
        description="number, rate (first-time entrants per 100,000, custody per 1,000, both of "
        "those aged 10 to 17), change_percent of the rate; of reoffending cohort, reoffenders, "
        "reoffences, binary_rate, frequency_rate, change_points; family_, region_ and national_ "
        "figures stand beside the team's",
        metadata={"example": ("number", "rate")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The number, the rate, the percentage or the change",
        metadata={"markers": True, "example": ("104", "0.87")},
    )

    @pa.check(
        "table_name",
        name="table_known",
        error="the table is one that the source names",
        statistics={"allowed": TABLES},
    )
    def table_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(TABLES)

    @pa.check(
        "twelve_months",
        name="twelve_months_known",
        error="the head names twelve months, as Apr 2014 - Mar 2015",
    )
    def twelve_months_known(cls, values: pd.Series) -> pd.Series:
        return values.map(read_span).notna()

    @pa.check(
        "measure",
        name="measure_known",
        error="the measure is one that the source names",
        statistics={"allowed": MEASURES},
    )
    def measure_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(MEASURES)

    @pa.dataframe_check(
        name="value_in_range",
        error="a number is whole and 0 to 100,000, a percentage 0 to 100, a change -100 to 1,000, "
        "a rate 0 to 10,000",
        ignore_na=False,
        statistics={"columns": ("measure", "value")},
    )
    def value_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        value, measure = rows["value"], rows["measure"]
        most = measure.map(_most)
        least = measure.isin(CHANGES).map({True: -100, False: 0})
        whole = ~measure.isin(COUNTS) | (value % 1 == 0)
        return value.isna() | ((value >= least) & (value <= most) & whole)


def _most(measure: str) -> int:
    """The largest value that a measure can have."""
    if measure in PERCENTAGES:
        return 100
    if measure in CHANGES:
        return 1_000
    return 100_000 if measure in COUNTS else 10_000


def read_span(text: object) -> period.Period | None:
    """The twelve months that a head such as "Apr 2014 - Mar 2015" names; None for anything else."""
    found = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or not {found[1].lower(), found[3].lower()} <= set(_MONTHS):
        return None
    first = date(int(found[2]), _MONTHS.index(found[1].lower()) + 1, 1)
    last = date(int(found[4]), _MONTHS.index(found[3].lower()) + 1, 1)
    span = period.twelve_months_to(last)
    return span if span.start == first else None


def _area(places: Places, team: str) -> str | None:
    """By the authority's name; a team of several authorities has no code, and keeps its name."""
    name = _KIND.sub("", " ".join(team.split()))
    return places.upper_tier(name) or places.local_authority(name)


def _start(places: Places, twelve_months: str) -> date | None:
    return period.first_day(read_span(twelve_months))


def _end(places: Places, twelve_months: str) -> date | None:
    return period.last_day(read_span(twelve_months))


# How far a printed rate may be from the unrounded one: first-time entrants are printed whole,
# custody to two decimals. $threshold is half the step to which the change itself is rounded.
CHANGE_FITS_RATES = """
WITH rate AS (
    SELECT _extract, _row, table_name, period_end, value,
        CASE table_name WHEN 'custody' THEN 0.005 ELSE 0.5 END AS half
    FROM candidate WHERE measure = 'rate' AND value > 0
)
SELECT c._extract, c._row, printf('%s: a change of %.10g %%, the rates are %.10g and %.10g',
    c.team, c.value, before.value, now.value) AS got
FROM candidate c
JOIN rate now ON (now._extract, now._row, now.period_end) = (c._extract, c._row, c.period_end)
JOIN rate before ON (before._extract, before._row) = (c._extract, c._row)
    AND year(before.period_end) = year(c.period_end) - 1
    AND month(before.period_end) = month(c.period_end)
WHERE c.measure = 'change_percent' AND c.value IS NOT NULL
    AND abs(c.value - 100 * (now.value / before.value - 1)) > $threshold
        + 100 * now.half * (before.value + now.value) / before.value ** 2
"""

SOURCE = Source(
    name="youth_summary",
    title="Youth Data Summary: first-time entrants, custody and reoffending by team",
    supplier="Youth Justice Board",
    licence="restricted until published: for services and their partners",
    due_days=90,
    assurance="A2",
    sensitivity="official-sensitive",
    maximum_rows=20_000,
    model=YouthSummary,
    table="table_name || '.' || measure || '.to_' || strftime(period_end, '%m')",
    geography="coalesce(area_code, team)",
    period_start="period_start",
    period_end="period_end",
    key=("table_name", "team", "twelve_months", "measure"),
    tallies=True,
    cadence="quarterly",
    audience="public",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("team",),
            _area,
            "Authority of the team; empty for a team of several authorities",
        ),
        Derived("period_start", "DATE", ("twelve_months",), _start, "First of the twelve months"),
        Derived("period_end", "DATE", ("twelve_months",), _end, "Last day of the twelve months"),
    ),
    across=(
        CrossRow(
            "change_fits_rates",
            "a change in per cent is the one from the year before's rate to this year's",
            CHANGE_FITS_RATES,
            over="extract",
        ),
    ),
)
