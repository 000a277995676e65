"""Public health indicators by area, as Public Health England's Fingertips publishes them.

One row is one indicator, sex, age, area and period, with the publisher's value, its interval and
what it was made of. Rows of a category (a decile of deprivation) are no areas: layouts leave them
out, or England would be there 21 times. A value that is not there has its reason in the note
beside it. Not here: what of it is an indicator of ours.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

LONGEST_SPAN = 20  # years
SEXES = ("Female", "Male", "Not applicable", "Persons")
_YEARS = r"\d{4}(?:/\d{2})?"
_SPAN = re.compile(rf"(?P<first>{_YEARS})(?: ?- ?(?P<last>(?:\d\d)?\d\d(?:/\d\d)?))?")
_QUARTER = re.compile(rf"(?P<year>{_YEARS}) Q(?P<quarter>[1-4])")
_PER = (
    (r"%|percentage|per cent", 100.0),
    (r"(/|per )\s*100,?000", 100_000.0),
    (r"(/|per )\s*10,?000", 10_000.0),
    (r"(/|per )\s*1,?000", 1_000.0),
)


class Fingertips(pa.DataFrameModel):
    """One public health indicator for one sex, age, area and period, as published."""

    indicator_id: Series[str] = pa.Field(
        description="Fingertips' number of the indicator",
        metadata={"example": ("90813", "92315")},
    )
    indicator_name: Series[str] = pa.Field(
        description="Its name",
        metadata={
            "example": (
                "Hospital admissions as a result of self-harm (10-24 years)",
                "Percentage of children where there is a cause for concern",
            )
        },
    )
    published_code: Series[str] = pa.Field(
        description="Area code as published, which may be a former one",
        metadata={"example": ("E06000045", "E06000036")},
    )
    area_name: Series[str] = pa.Field(
        description="Area as published", metadata={"example": ("Southampton", "Bracknell Forest")}
    )
    area_type: Series[str] = pa.Field(
        description="Kind of area as published: England, Country, Region, County & UA …",
        metadata={"example": ("County & UA", "County & UA")},
    )
    sex: Series[str] = pa.Field(
        description="Persons, Male or Female", metadata={"example": ("Persons", "Persons")}
    )
    age: Series[str] = pa.Field(
        description="Age band in the publisher's words",
        metadata={"example": ("10-24 yrs", "5-16 yrs")},
    )
    time_period: Series[str] = pa.Field(
        description="Period as published: 2015, 2016/17, 2013 - 15, 2015/16 - 17/18, 2018 Q1",
        metadata={"example": ("2017/18", "2016/17")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The publisher's figure; its unit stands in the indicator's name, or nowhere",
        metadata={"markers": True, "note": "value_note", "example": ("421.2", "")},
    )
    lower_95: Series[float] = pa.Field(
        nullable=True,
        description="Lower limit of the publisher's 95 % interval",
        metadata={"example": ("390.1", "")},
    )
    upper_95: Series[float] = pa.Field(
        nullable=True,
        description="Upper limit of the publisher's 95 % interval",
        metadata={"example": ("454.0", "")},
    )
    count: Series[float] = pa.Field(
        nullable=True,
        description="Events or persons counted; not whole where they are modelled",
        metadata={"markers": True, "note": "value_note", "example": ("610", "")},
    )
    denominator: Series[float] = pa.Field(
        nullable=True,
        description="Persons (or whatever is divided by)",
        metadata={"markers": True, "example": ("144824", "")},
    )
    value_note: Series[str] = pa.Field(
        nullable=True,
        description="The publisher's remark on the value: estimated, suppressed, combined",
        metadata={"example": ("", "Value suppressed for disclosure control reasons")},
    )

    @pa.check("indicator_id", name="indicator_id_form", error="an indicator's number is digits")
    def indicator_id_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"\d{1,6}")

    @pa.check(
        "sex",
        name="sex_known",
        error="the sex is Persons, Male, Female or Not applicable",
        statistics={"allowed": SEXES},
    )
    def sex_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(SEXES)

    @pa.check("count", name="count_in_range", error="a count lies between 0 and 1,000,000,000")
    def count_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 1_000_000_000)

    @pa.check(
        "denominator",
        name="denominator_in_range",
        error="a denominator lies between 0 and 10,000,000,000",
    )
    def denominator_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 10_000_000_000)

    @pa.dataframe_check(
        name="value_within_limits",
        error="the value lies within its 95 % interval",
        statistics={"columns": ("value", "lower_95", "upper_95")},
    )
    def value_within_limits(cls, rows: pd.DataFrame) -> pd.Series:
        given = rows[["value", "lower_95", "upper_95"]].notna().all(axis=1)
        return ~given | rows["value"].between(rows["lower_95"], rows["upper_95"])


def read_period(label: str) -> tuple[date, date] | None:
    """First and last day of a Fingertips label, None for one that is not understood.

    A year alone is a calendar year, `2016/17` a financial year, `2013 - 15` and
    `2015/16 - 17/18` several of them, `2018 Q1` and `2017/18 Q1` a quarter of either. Where the
    publisher means a school year by `2016/17`, the label does not say so.
    """
    try:
        if quarter := _QUARTER.fullmatch(label):
            return _quarter(quarter["year"], quarter["quarter"])
        span = _SPAN.fullmatch(label)
        if not span:
            return None
        first = _year(span["first"])
        last = _year(_in_full(span["first"], span["last"])) if span["last"] else first
    except ValueError:
        return None
    years = last.start.year - first.start.year
    right = last.kind == first.kind and (1 <= years < LONGEST_SPAN or not span["last"])
    return (first.start, last.end) if right else None


def _quarter(year: str, quarter: str) -> tuple[date, date]:
    label = f"{year}Q{quarter}"
    found = period.financial_quarter(year, quarter) if "/" in year else period.parse(label)
    return found.start, found.end


def _year(label: str) -> period.Period:
    return period.read_financial_year(label) if "/" in label else period.calendar_year(int(label))


def _in_full(first: str, last: str) -> str:
    """`17/18` after `2015/16` as `2017/18`; the century changes where the years would run back."""
    if re.match(r"\d{4}", last):
        return last
    century = int(first[:2]) + (int(last[:2]) < int(first[2:4]))
    return f"{century:02d}{last}"


def _start(places: Places, label: str | None) -> date | None:
    found = read_period(label or "")
    return found[0] if found else None


def _end(places: Places, label: str | None) -> date | None:
    found = read_period(label or "")
    return found[1] if found else None


def stated_per(places: Places, name: str) -> float | None:
    """The scale that an indicator's name states: 100 for a percentage, 100,000 for a rate of so
    many; None where it states none."""
    return next((per for words, per in _PER if re.search(words, name.lower())), None)


# Expected is what the publisher's own count and denominator give. Where the name states no scale,
# it is the power of ten that most rows of the indicator agree on; an indicator that is itself a
# number has its count for a value. Age-standardised rates differ from the plain rate by up to a
# third: the threshold is a factor.
SHARE_FITS_COUNT = """
WITH read AS (
    SELECT _extract, _row, value, "count", denominator, stated_per,
           median(value / "count") OVER indicator AS of_count,
           median(value * denominator / "count") OVER indicator AS usual
    FROM candidate WHERE value > 0 AND "count" > 0 AND denominator > 0
    WINDOW indicator AS (PARTITION BY _extract, indicator_id)
), expected AS (
    SELECT *, CASE WHEN of_count BETWEEN 0.99 AND 1.01 THEN "count"
                   ELSE coalesce(stated_per, pow(10, round(log10(usual)))) * "count" / denominator
              END AS fitting
    FROM read
)
SELECT _extract, _row, printf('value %g, where its count %g and denominator %g give %g',
                              value, "count", denominator, fitting) AS got
FROM expected WHERE greatest(value / fitting, fitting / value) > $threshold
"""

# Only where all nine regions are there. A number adds up; any other value lies among theirs.
ENGLAND_IS_ITS_REGIONS = """
WITH regional AS (
    SELECT _extract, indicator_id, sex, age, time_period, sum("count") AS together,
           count("count") AS counted, min(value) AS lowest, max(value) AS highest,
           count(value) AS valued
    FROM candidate WHERE starts_with(area_code, 'E12') GROUP BY ALL
    HAVING count(DISTINCT area_code) = 9 AND count(*) = 9
)
SELECT e._extract, e._row, printf('England has count %s and value %s; its regions %s, and %s to %s',
       coalesce(e."count"::VARCHAR, 'none'), coalesce(e.value::VARCHAR, 'none'),
       coalesce(together::VARCHAR, 'none'), coalesce(lowest::VARCHAR, 'none'),
       coalesce(highest::VARCHAR, 'none')) AS got
FROM candidate e JOIN regional r USING (_extract, indicator_id, sex, age, time_period)
WHERE e.area_code = 'E92000001' AND (
    (counted = 9 AND abs(e."count" - together) > $threshold * together)
    OR (valued = 9 AND e.value IS DISTINCT FROM e."count"
        AND (e.value < lowest * (1 - $threshold) OR e.value > highest * (1 + $threshold))))
"""

# The threshold is the share by which a count may change beyond what chance does to small ones.
COUNT_NEAR_LAST_YEAR = """
SELECT count(*) FROM clean.fingertips AS a JOIN clean.fingertips AS b
    USING (indicator_id, sex, age, area_code)
WHERE b.period_start = a.period_start + INTERVAL 1 YEAR
  AND b.period_end = a.period_end + INTERVAL 1 YEAR
  AND abs(b."count" - a."count")
      > $threshold * greatest(a."count", b."count") + 3 * sqrt(a."count" + b."count")
"""


SOURCE = Source(
    name="fingertips",
    title="Public health indicators of Fingertips",
    supplier="Public Health England",
    licence="Open Government Licence v3.0",
    due_days=365,
    assurance="A2",
    sensitivity="public",
    maximum_rows=3_000_000,
    model=Fingertips,
    table="concat_ws('/', indicator_id, sex, age)",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("indicator_id", "sex", "age", "published_code", "time_period"),
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("published_code",),
            lambda places, code: places.known_code(code),
            "Area, by the code in use now",
            refusal="the area code is one that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("time_period",),
            _start,
            "First day of the period; a year alone is a calendar year, 2016/17 a financial one",
            refusal="the period is a year such as 2015 or 2016/17, several such as 2013 - 15 or "
            "2015/16 - 17/18, or a quarter such as 2018 Q1",
        ),
        Derived("period_end", "DATE", ("time_period",), _end, "Last day of the period"),
        Derived(
            "stated_per",
            "DOUBLE",
            ("indicator_name",),
            stated_per,
            "Scale that the indicator's name states: 100 for a percentage; null where none",
        ),
    ),
    across=(
        CrossRow(
            "share_fits_count",
            "a share or rate is what its own count and denominator give",
            SHARE_FITS_COUNT,
            over="extract",
        ),
        CrossRow(
            "england_is_its_regions",
            "England's count is the sum of its regions', and its value lies among theirs",
            ENGLAND_IS_ITS_REGIONS,
            over="extract",
        ),
        CrossRow(
            "count_near_last_year",
            "a count has not changed since the year before by more than such counts do",
            COUNT_NEAR_LAST_YEAR,
        ),
    ),
)
