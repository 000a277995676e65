"""Proven reoffending of adult and young offenders by area: local tables of the Ministry of Justice.

A clean row is one figure: a measure of one area's cohort, adult or youth. A cohort is those who
were cautioned, convicted or released within twelve months; whether they reoffend is watched for
twelve more, and courts are given six. So a cohort is named by its own twelve months, and what was
known in 2014/15 is the cohort of 2012/13.

Belongs here: the measures, what a cohort's label means and how a row must agree with itself. Does
not belong here: the wide tables' heads (layouts), or rates by age band of the Department for
Education (`youth_justice`).

Traps: the binary rate (who reoffends at all) and the frequency (reoffences per reoffender) rank
areas differently. Previous offences per offender say what offenders had done before the cohort, not
in it. Cohorts of consecutive quarters have nine months in common. From the cohort of October 2015
on the measure is another one (single quarters, another source): not the same figures. Areas of
young offenders are those of the youth offending teams, counties as a rule, Wales too.
"""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

KINDS = ("adult", "youth")
MOST = {
    "offenders": 1_000_000,
    "reoffenders": 1_000_000,
    "reoffences": 5_000_000,
    "previous_offences": 50_000_000,
    "reoffending_percent": 100,
    "reoffences_per_reoffender": 50,
    "previous_offences_per_offender": 200,
}
"""Measure → the most that any area has."""
COUNTS = ("offenders", "reoffenders", "reoffences", "previous_offences")
_TEAM = re.compile(r"(?i) (YOT|YOS|Youth Offending (Team|Service))$")


class Reoffending(pa.DataFrameModel):
    """One measure of proven reoffending of one area's cohort."""

    cohort_kind: Series[str] = pa.Field(
        description="adult, or youth: aged 10 to 17 when the cohort began",
        metadata={"example": ("adult", "youth")},
    )
    area_name: Series[str] = pa.Field(
        description="Upper-tier authority or youth offending team, region or England",
        metadata={"example": ("Southampton", "England")},
    )
    cohort: Series[str] = pa.Field(
        description="The twelve months in which offenders entered the cohort",
        metadata={"example": ("Apr 2012 - Mar 2013", "Jan 2012 - Dec 2012")},
    )
    measure: Series[str] = pa.Field(
        description="What is counted; one with per or percent in its name is an average",
        metadata={"example": ("reoffending_percent", "offenders")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The number, the percentage or the average",
        metadata={"markers": True, "example": ("27.1", "2100")},
    )

    @pa.check(
        "cohort_kind",
        name="cohort_kind_known",
        error="a cohort is of adults or of young offenders",
        statistics={"allowed": KINDS},
    )
    def cohort_kind_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(KINDS)

    @pa.check(
        "measure",
        name="measure_known",
        error="the measure is one that the source names",
        statistics={"allowed": tuple(MOST)},
    )
    def measure_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(MOST)

    @pa.dataframe_check(
        name="value_in_range",
        error="a figure lies between 0 and the most that its measure can be, counts are whole",
        ignore_na=False,
        statistics={"columns": ("measure", "value")},
    )
    def value_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        value, most = rows["value"], rows["measure"].map(MOST)
        fraction = rows["measure"].isin(COUNTS) & (value % 1 > 0)
        return ~((value < 0) | (value > most) | fraction)


def _area(places: Places, area_name: str) -> str | None:
    name = _TEAM.sub("", " ".join(area_name.split()))
    return places.upper_tier(name) or places.region(name)


# $threshold is a little more than half the last decimal of a percentage; of averages, which have
# two decimals, it is a tenth of that.
AVERAGES_FIT_COUNTS = """
WITH cohorts AS (
    SELECT _extract, _row, cohort,
        max(value) FILTER (measure = 'offenders') AS offenders,
        max(value) FILTER (measure = 'reoffenders') AS reoffenders,
        max(value) FILTER (measure = 'reoffences') AS reoffences,
        max(value) FILTER (measure = 'previous_offences') AS previous,
        max(value) FILTER (measure = 'reoffending_percent') AS percent,
        max(value) FILTER (measure = 'reoffences_per_reoffender') AS frequency,
        max(value) FILTER (measure = 'previous_offences_per_offender') AS history
    FROM candidate GROUP BY ALL
), said AS (
    SELECT _extract, _row, cohort, unnest([
        CASE WHEN reoffenders > offenders
            THEN printf('%.10g of %.10g offenders', reoffenders, offenders) END,
        CASE WHEN reoffences < reoffenders
            THEN printf('%.10g reoffences of %.10g reoffenders', reoffences, reoffenders) END,
        CASE WHEN abs(percent - 100 * reoffenders / nullif(offenders, 0)) > $threshold
            THEN printf('%.10g per cent for %.10g of %.10g', percent, reoffenders, offenders) END,
        CASE WHEN abs(frequency - reoffences / nullif(reoffenders, 0)) > $threshold / 10
            THEN printf('%.10g for %.10g of %.10g', frequency, reoffences, reoffenders) END,
        CASE WHEN abs(history - previous / nullif(offenders, 0)) > $threshold / 10
            THEN printf('%.10g for %.10g of %.10g', history, previous, offenders) END]) AS odd
    FROM cohorts
)
SELECT _extract, _row, string_agg(cohort || ': ' || odd, '; ' ORDER BY cohort, odd) AS got
FROM said WHERE odd IS NOT NULL GROUP BY _extract, _row
"""
OFFENDERS_LIKE_YEAR_BEFORE = """
SELECT count(*) FROM clean.reoffending AS this JOIN clean.reoffending AS before
    USING (cohort_kind, area_code, measure)
WHERE measure = 'offenders' AND before.period_start = this.period_start - INTERVAL 1 YEAR
    AND 2 * abs(sqrt(this.value) - sqrt(before.value)) > $threshold
    AND abs(ln(greatest(this.value, 1) / greatest(before.value, 1))) > 0.4
"""

SOURCE = Source(
    name="reoffending",
    title="Proven reoffending of adult and young offenders, by area and cohort",
    supplier="Ministry of Justice",
    licence="Open Government Licence v3.0",
    due_days=900,
    assurance="A3",
    sensitivity="public",
    maximum_rows=100_000,
    model=Reoffending,
    table="cohort_kind || '.' || measure || ' to ' || period_end",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("cohort_kind", "area_name", "cohort", "measure"),
    tallies=True,
    cadence="quarterly",
    minimum_rows=2,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "Upper-tier authority, region, England or Wales",
            refusal="the area is an upper-tier authority or a region that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("cohort",),
            lambda places, text: period.first_day(period.twelve_months_or_none(text)),
            "First day of the cohort",
            refusal="the cohort is twelve whole months, such as Apr 2012 - Mar 2013",
        ),
        Derived(
            "period_end",
            "DATE",
            ("cohort",),
            lambda places, text: period.last_day(period.twelve_months_or_none(text)),
            "Last day of the cohort",
        ),
    ),
    across=(
        CrossRow(
            "averages_fit_counts",
            "percentage and averages of a cohort are those of its counts",
            AVERAGES_FIT_COUNTS,
            over="extract",
        ),
        CrossRow(
            "offenders_like_year_before",
            "a cohort is about as large as that of the year before",
            OFFENDERS_LIKE_YEAR_BEFORE,
        ),
    ),
)
