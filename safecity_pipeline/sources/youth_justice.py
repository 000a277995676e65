"""Youth justice and looked-after items of the Department for Education's long extract (LAIT).

One row is a published rate or percentage of one item in one area and one year; the extract holds
no counts. Belongs here: which of the tool's items are meant, what their year labels stand for, and
what a plausible figure is. Does not belong here: how an edition spells its columns (the layout),
or counts (`looked_after_children`, `children_cautioned`).

What a year label means differs by item and stands nowhere in the extract. From the publisher's
LAIT Data Dictionary (columns Description, Methodology, Year_Type and y_axis_name; 2024-11-19):

* FirstYJS: "Year Ending December", Calendar Year, per 100,000 aged 10-17. 2015 is that year.
* ReoffYO (aged 10-14), ReoffYO15-17: Financial Year, per cent of the cohort of that year.
* LAC_Convictions, LACSubstance: Financial Year, per cent of children looked after for twelve
  months or more. 2015 is the year that ended on 31 March 2015.
* YJS_Caution-Sentence10-17_YO: Financial Year, labelled 2015-16. Its unit is said to be per 10,000
  on the axis and per 1,000 in the description; the figures are per 1,000.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

# Item -> the kind of year that its label names; the first pattern that fits.
KINDS_OF_YEAR = (
    (r"FirstYJS.*", "calendar_year"),
    (r"ReoffYO.*|YJS_.*|LAC_?Conviction.*|LAC_?Substance.*", "year"),
)
PERCENTAGES = r"ReoffYO.*|LAC_?Conviction.*|LAC_?Substance.*"
PERCENTAGES_END, RATES_END = 100, 10_000
REGIONS_NEEDED = 5  # of nine, to say anything of England's place among them


class YouthJustice(pa.DataFrameModel):
    """A published rate or percentage of one youth justice item in one area and year."""

    item: Series[str] = pa.Field(
        description="The publisher's short name of the item",
        metadata={"example": ("FirstYJS", "ReoffYO15-17")},
    )
    description: Series[str] = pa.Field(
        nullable=True,
        description="The item in words; the publisher gives it with the first year only",
        metadata={"example": ("First Time entrants to the Youth Justice System", "")},
    )
    year_label: Series[str] = pa.Field(
        description="The publisher's year; see period_start and period_end for what it means",
        metadata={"example": ("2015", "2016")},
    )
    area_name: Series[str] = pa.Field(
        description="Local authority, region or England",
        metadata={"example": ("Southampton", "South East")},
    )
    dfe_number: Series[str] = pa.Field(
        nullable=True,
        description="Number of the area at the Department for Education",
        metadata={"example": ("852", "989")},
    )
    region: Series[str] = pa.Field(
        nullable=True,
        description="Region that the authority lies in, as the publisher names it",
        metadata={"example": ("South East", "NA")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The figure, in the unit of its item",
        metadata={"markers": True, "example": ("540", "43.66")},
    )

    @pa.check(
        "dfe_number",
        name="dfe_number_form",
        error="a number of the Department for Education has three digits",
    )
    def dfe_number_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"\d{3}(\.0)?")

    @pa.dataframe_check(
        name="value_in_range",
        error="a percentage lies between 0 and 100, a rate between 0 and 10,000",
        ignore_na=False,
        statistics={"columns": ("item", "value")},
    )
    def value_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        percentage = rows["item"].str.fullmatch(PERCENTAGES, case=False).astype(bool)
        end = percentage.map({True: PERCENTAGES_END, False: RATES_END})
        return rows["value"].isna() | ((rows["value"] >= 0) & (rows["value"] <= end))


def _area(places: Places, dfe_number: str | None, area_name: str) -> str | None:
    """By number where the row has one: names are spelt in many ways."""
    if dfe_number is not None:
        return places.of_dfe_number(dfe_number)
    return places.upper_tier(area_name) or places.region(area_name)


def meant(item: str, year_label: str) -> period.Period | None:
    """The period that an item's year label stands for; None where that is not known.

    A bare year is a calendar year or the year that ended on its 31 March, by item. A label of two
    years is the financial year, for items of financial years only.
    """
    fitting = (kind for items, kind in KINDS_OF_YEAR if re.fullmatch(items, item, re.I))
    kind = next(fitting, None)
    if re.fullmatch(r"(19|20)\d\d", year_label):
        year = int(year_label)
        return {
            "calendar_year": period.calendar_year(year),
            "year": period.financial_year(year - 1),
        }.get(kind or "")
    try:
        return period.read_financial_year(year_label) if kind == "year" else None
    except ValueError:
        return None


def _start(places: Places, item: str, year_label: str) -> date | None:
    return period.first_day(meant(item, year_label))


def _end(places: Places, item: str, year_label: str) -> date | None:
    return period.last_day(meant(item, year_label))


# England's rate is a mean of its regions' rates, weighted by their children: it lies among them.
_WITH_ENGLAND = f"""
WITH figure AS (
    SELECT _extract, _row, item, year_label, area_code, area_name, value
    FROM candidate
    WHERE value IS NOT NULL AND (area_code = 'E92000001' OR area_code LIKE 'E12%')
), england AS (
    SELECT _extract, item, year_label,
        max(_row) FILTER (area_code = 'E92000001') AS _row,
        max(value) FILTER (area_code = 'E92000001') AS value,
        min(value) FILTER (area_code <> 'E92000001') AS lowest,
        max(value) FILTER (area_code <> 'E92000001') AS highest
    FROM figure
    GROUP BY ALL
    HAVING count(*) FILTER (area_code <> 'E92000001') >= {REGIONS_NEEDED}
)
"""
ENGLAND_AMONG_REGIONS = f"""{_WITH_ENGLAND}
SELECT _extract, _row, printf('%s %s: %.10g, its regions have %.10g to %.10g',
    item, year_label, value, lowest, highest) AS got
FROM england
WHERE value < lowest - $threshold OR value > highest + $threshold
"""
# Where England itself is not among its regions, nothing can be said of a region by comparing.
REGION_LIKE_ENGLAND = f"""{_WITH_ENGLAND}
SELECT f._extract, f._row, printf('%s %s %s: %.10g, England has %.10g',
    item, year_label, f.area_name, f.value, e.value) AS got
FROM figure f JOIN england e USING (_extract, item, year_label)
WHERE f.area_code <> 'E92000001' AND e.value BETWEEN e.lowest AND e.highest AND e.value > 0
    AND (f.value > e.value * $threshold OR f.value * $threshold < e.value)
"""
# An absolute part beside the relative one: a rate of few children leaps.
LIKE_LAST_YEAR = r"""
WITH figure AS (
    SELECT item, area_code, year(period_end) AS year, any_value(value) AS value,
        CASE WHEN item LIKE 'FirstYJS%' THEN 100 WHEN item LIKE 'YJS\_%' ESCAPE '\' THEN 3
            WHEN item LIKE 'LAC%' THEN 8 ELSE 20 END AS absolute
    FROM clean.youth_justice
    WHERE value IS NOT NULL
    GROUP BY ALL
)
SELECT count(*) FROM figure AS now JOIN figure AS before USING (item, area_code)
WHERE before.year = now.year - 1
    AND abs(now.value - before.value) > now.absolute + $threshold * before.value
"""

SOURCE = Source(
    name="youth_justice",
    title="Youth justice rates by local authority, region and year",
    supplier="Department for Education (Local Authority Interactive Tool)",
    licence="Open Government Licence v3.0",
    due_days=400,
    assurance="A2",
    sensitivity="public",
    maximum_rows=2_000_000,
    model=YouthJustice,
    table="item",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("item", "year_label", "area_name"),
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("dfe_number", "area_name"),
            _area,
            "Local authority, region or England",
            refusal="the area is one that areas.csv knows, by its number or else by its name",
        ),
        Derived(
            "period_start",
            "DATE",
            ("item", "year_label"),
            _start,
            "First day of the year that the label means for this item",
            refusal="what the year means is known for the item: 2015, or 2014-15 where its years "
            "are financial ones",
        ),
        Derived(
            "period_end",
            "DATE",
            ("item", "year_label"),
            _end,
            "Last day of that year",
        ),
    ),
    across=(
        CrossRow(
            "england_among_regions",
            "England's rate lies between the lowest and the highest of its regions",
            ENGLAND_AMONG_REGIONS,
            over="extract",
        ),
        CrossRow(
            "region_like_england",
            "a region's rate is no multiple and no fraction of England's",
            REGION_LIKE_ENGLAND,
            over="extract",
        ),
        CrossRow(
            "like_last_year",
            "a rate lies near the year before's, allowing for small numbers",
            LIKE_LAST_YEAR,
        ),
    ),
)
