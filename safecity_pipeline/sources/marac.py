"""High-risk domestic abuse: cases heard at multi-agency risk assessment conferences (MARAC).

One row is a MARAC and a quarter: cases, those of them that are repeats, and the children in their
households, as the MARAC returned them to SafeLives (CAADA until 2015). A case is not a victim: one
who comes back within twelve months is another case, a repeat. A row is no person, and a quarter
that was not returned is an estimate of SafeLives (proxied), which is marked and counted.

Belongs here: which area a MARAC is of, and how a row must agree with itself and with the rolling
twelve months printed beside it. Does not belong here: how a return spells its columns (layout).

Traps: what counts as a repeat was widened in 2016, from a further crime to any abuse. A low share
of repeats may mean that they are missed. Several MARACs may be of one authority, one of several, or
of a whole county: then the county is the area. The rate is per woman and year: the women of each
quarter count a quarter, so that four quarters together have the rate of a year, and three too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

SUBMITTED, PROXIED = "submitted", "proxied"
QUARTERS_OF_A_YEAR = 4
_ADDED_WORDS = re.compile(
    r"(?i)\s+(MARAC|City|Borough|District|county ?wide|combined|UA)$|^LB( of)?\s+"
)
_PARTED = re.compile(r"\s+[-\N{EN DASH}]\s+|:\s+|\s*[()]")


class Marac(pa.DataFrameModel):
    """Cases heard at one MARAC in one quarter."""

    marac: Series[str] = pa.Field(
        description="The MARAC's name as returned",
        metadata={"example": ("Southampton", "East Sussex - Hastings and Rother")},
    )
    police_force: Series[str] = pa.Field(
        nullable=True,
        description="Police force area in which it lies",
        metadata={"example": ("Hampshire", "Sussex")},
    )
    quarter: Series[str] = pa.Field(
        description="Quarter in which the cases were heard",
        metadata={"example": ("Q4 2014/15", "Jan-Mar 2015")},
    )
    data_status: Series[str] = pa.Field(
        description="submitted: returned by the MARAC; proxied: estimated by SafeLives",
        metadata={"example": ("submitted", "proxied")},
    )
    adult_females: Series[pd.Int64Dtype] = pa.Field(
        description="Females aged 16 and over who live in the MARAC's area",
        metadata={"example": ("100000", "71000")},
    )
    population_vintage: Series[str] = pa.Field(
        nullable=True,
        description="Which population estimate that is",
        metadata={"example": ("mid-2013", "mid-2013")},
    )
    cases: Series[float] = pa.Field(
        nullable=True,
        description="Cases heard in the quarter",
        metadata={"markers": True, "example": ("100", "56")},
    )
    repeats: Series[float] = pa.Field(
        nullable=True,
        description="Of the cases, those heard before within twelve months",
        metadata={"markers": True, "example": ("22", "18")},
    )
    children: Series[float] = pa.Field(
        nullable=True,
        description="Children in the households of the cases",
        metadata={"markers": True, "example": ("130", "70")},
    )
    police_referrals: Series[float] = pa.Field(
        nullable=True,
        description="Of the cases, those that the police referred",
        metadata={"markers": True, "example": ("64", "40")},
    )
    rolling_cases: Series[float] = pa.Field(
        nullable=True,
        description="Cases of the twelve months that end with the quarter, as printed beside",
        metadata={"markers": True, "example": ("400", "220")},
    )
    rolling_repeats: Series[float] = pa.Field(
        nullable=True,
        description="Repeats of those twelve months, as printed beside",
        metadata={"markers": True, "example": ("88", "71")},
    )

    @pa.check(
        "data_status",
        name="data_status_known",
        error="a quarter is submitted or proxied",
        statistics={"allowed": (SUBMITTED, PROXIED)},
    )
    def data_status_known(cls, values: pd.Series) -> pd.Series:
        return values.isin((SUBMITTED, PROXIED))

    @pa.check(
        "adult_females",
        name="adult_females_in_range",
        error="between 500 and 3,000,000 females aged 16 and over live in a MARAC's area",
    )
    def adult_females_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(500, 3_000_000)

    @pa.check(
        "cases",
        name="cases_in_range",
        error="a MARAC hears a whole number of cases, from 0 to 3,000 a quarter",
    )
    def cases_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 3_000) & (values % 1 == 0)

    @pa.check(
        "children",
        name="children_in_range",
        error="children are a whole number from 0 to 10,000 a quarter",
    )
    def children_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 10_000) & (values % 1 == 0)

    @pa.dataframe_check(
        name="repeats_are_cases",
        error="repeats are a whole number from 0 to that of the cases",
        ignore_na=False,
        statistics={"columns": ("repeats", "cases")},
    )
    def repeats_are_cases(cls, rows: pd.DataFrame) -> pd.Series:
        repeats = rows["repeats"]
        return ~((repeats < 0) | (repeats % 1 > 0) | (repeats > rows["cases"]))

    @pa.dataframe_check(
        name="referrals_are_cases",
        error="the police refer no more cases than are heard",
        ignore_na=False,
        statistics={"columns": ("police_referrals", "cases")},
    )
    def referrals_are_cases(cls, rows: pd.DataFrame) -> pd.Series:
        return ~(rows["police_referrals"] > rows["cases"])


def area_of(places: Places, marac: str) -> str | None:
    """The authority or county that a MARAC's name means; None for one of several authorities.

    The narrowest place named goes first: `Essex (Southend)` is Southend-on-Sea, while
    `East Sussex - Hastings and Rother`, two districts of it, is East Sussex.
    """
    for name in _names_in(marac):
        code = places.upper_tier(name) or places.local_authority(name)
        if code is not None:
            return code
    return None


def _names_in(marac: str) -> Iterator[str]:
    """The whole name and its parts, each as it is and without words that are no part of it."""
    whole = " ".join(marac.split())
    for part in filter(None, (whole, *reversed(_PARTED.split(whole)))):
        for name in (part, part.replace(" & ", " and ")):
            bare = _ADDED_WORDS.sub("", name)
            yield from (name, bare, _ADDED_WORDS.sub("", bare))


def _woman_years(places: Places, adult_females: int) -> float:
    return adult_females / QUARTERS_OF_A_YEAR


# Four quarters of which one was returned again after the next ones were printed differ too.
ROLLING_IS_ITS_QUARTERS = """
WITH added AS (
    SELECT marac, rolling_cases, rolling_repeats,
        sum(cases) OVER four AS cases, sum(repeats) OVER four AS repeats,
        count(cases) OVER four AS quarters
    FROM clean.marac
    WINDOW four AS (PARTITION BY marac ORDER BY period_end
        RANGE BETWEEN INTERVAL 300 DAYS PRECEDING AND CURRENT ROW)
)
SELECT count(*) FROM added
WHERE quarters = 4
    AND (abs(rolling_cases - cases) > $threshold OR abs(rolling_repeats - repeats) > $threshold)
"""
MOSTLY_SUBMITTED = """
SELECT count(*) FROM (
    SELECT marac FROM clean.marac GROUP BY marac, year(period_start - INTERVAL 3 MONTHS)
    HAVING count(*) FILTER (estimated) > $threshold)
"""
MARAC_HAS_AREA = """
SELECT count(DISTINCT marac) FROM clean.marac WHERE area_code IS NULL
"""
CASES_LIKE_LAST_YEAR = """
SELECT count(*) FROM clean.marac AS this JOIN clean.marac AS before USING (marac)
WHERE before.period_start = this.period_start - INTERVAL 1 YEAR
    AND 2 * abs(sqrt(this.cases) - sqrt(before.cases)) > $threshold
    AND abs(ln(greatest(this.cases, 1) / greatest(before.cases, 1))) > 0.5
"""

SOURCE = Source(
    name="marac",
    title="High-risk domestic abuse cases heard at MARACs, by quarter",
    supplier="SafeLives (CAADA until 2015)",
    licence="Restricted to partners",
    due_days=60,
    assurance="A1",
    sensitivity="official-sensitive",
    maximum_rows=20_000,
    model=Marac,
    geography="coalesce(area_code, marac)",
    period_start="period_start",
    period_end="period_end",
    key=("marac", "quarter"),
    tallies=True,
    estimated="estimated",
    cadence="quarterly",
    audience="public",
    disclosure="under_5",
    minimum_rows=4,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("marac",),
            area_of,
            "Authority or county that the MARAC is of; null for one of several authorities",
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
            "estimated",
            "BOOLEAN",
            ("data_status",),
            lambda places, data_status: data_status == PROXIED,
            "Whether SafeLives estimated the quarter, since it was not returned",
        ),
        Derived(
            "woman_years",
            "DOUBLE",
            ("adult_females",),
            _woman_years,
            "Females aged 16 and over times a quarter of a year, the denominator of yearly rates",
        ),
    ),
    across=(
        CrossRow(
            "rolling_is_its_quarters",
            "the rolling twelve months printed beside a quarter are its four quarters",
            ROLLING_IS_ITS_QUARTERS,
        ),
        CrossRow(
            "mostly_submitted",
            "a MARAC has returned its quarters of a year, and few are estimated",
            MOSTLY_SUBMITTED,
        ),
        CrossRow(
            "marac_has_area",
            "a MARAC is of an authority or a county that areas.csv knows",
            MARAC_HAS_AREA,
        ),
        CrossRow(
            "cases_like_last_year",
            "cases are about as many as in the same quarter of the year before",
            CASES_LIKE_LAST_YEAR,
        ),
    ),
)
