"""Hospital admissions for drug misuse by area and year, as a third party compiled them.

The file is transposed: one row a year, one column an area; a clean row is one area and one year.
It says neither what it counts (primary diagnosis or any mention, persons or admissions) nor by
which kind of year, so a year is taken as it is labelled, a calendar year: to verify before a rate
is printed from it. From 2018 every number is a multiple of five, as rounding for disclosure makes
it; an empty cell is not explained. Areas are health areas by name; those of several authorities
(Bournemouth and Poole) have no code. Not here: populations of the same shape.

Which areas the names mean is told by the third party's populations of the same columns: in 2014
they are, to the person, the Office for National Statistics' for the authorities of 2020, but for
the two areas of OTHER_THAN_NAMED (and for Cherwell, counted in Nottinghamshire).
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import CrossRow, Derived, Places, Source

# Dorset: 369,485 residents in 2014, as in the unitary authority of 2019 and not in the county
# before it. Essex: 1,775,471, as with Southend-on-Sea and Thurrock, which are no columns.
OTHER_THAN_NAMED = {"Dorset": "E06000059", "Essex": None}


class DrugAdmissions(pa.DataFrameModel):
    """Hospital admissions for drug misuse in one area and year."""

    year: Series[pd.Int64Dtype] = pa.Field(
        description="Year as labelled; taken for a calendar year, which the file does not say",
        metadata={"example": ("2014", "2015")},
    )
    area_name: Series[str] = pa.Field(
        description="Area as spelt in the head", metadata={"example": ("Southampton", "Plymouth")}
    )
    persons: Series[float] = pa.Field(
        nullable=True,
        description="Admissions (or persons admitted: not said); multiples of five from 2018",
        metadata={"markers": True, "example": ("100", "75")},
    )

    @pa.check("year", name="year_in_range", error="the year lies between 1990 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1990, 2100)

    @pa.check(
        "persons",
        name="persons_in_range",
        error="an area has between 0 and 5,000 admissions for drug misuse a year",
    )
    def persons_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 5_000)

    @pa.check("persons", name="persons_whole", error="admissions are a whole number")
    def persons_whole(cls, values: pd.Series) -> pd.Series:
        return values % 1 == 0


def _area(places: Places, name: str) -> str | None:
    return OTHER_THAN_NAMED[name] if name in OTHER_THAN_NAMED else places.upper_tier(name)


# 2 (√x1 - √x0) is what chance alone makes of two counts, with a standard deviation of √2 whatever
# their size. A row is a year of all areas: when more than half of them leave the range at once, it
# is the columns that have moved and not the areas.
ROW_BELONGS_TO_COLUMNS = """
WITH paired AS (
    SELECT this._extract, this._row, this.year,
           2 * abs(sqrt(this.persons) - sqrt(before.persons)) > $threshold AS outside
    FROM candidate AS this JOIN candidate AS before
      ON before._extract = this._extract AND before.area_name = this.area_name
     AND before.year = this.year - 1
    WHERE this.persons IS NOT NULL AND before.persons IS NOT NULL
)
SELECT _extract, _row, printf('the year %d: its values do not belong to these columns: %d of %d '
       'areas lie outside the range of the year before', year, count(*) FILTER (outside), count(*))
       AS got
FROM paired GROUP BY _extract, _row, year HAVING count(*) FILTER (outside) * 2 > count(*)
"""

PERSONS_NEAR_LAST_YEAR = """
SELECT count(*) FROM clean.drug_admissions AS this JOIN clean.drug_admissions AS before
    ON before.area_name = this.area_name AND before.year = this.year - 1
WHERE 2 * abs(sqrt(this.persons) - sqrt(before.persons)) > $threshold
"""


SOURCE = Source(
    name="drug_admissions",
    title="Hospital admissions for drug misuse (what is counted is not stated)",
    supplier="a third party, after NHS Digital",
    licence="Open Government Licence v3.0",
    due_days=365,
    assurance="A0",
    sensitivity="public",
    maximum_rows=200,
    model=DrugAdmissions,
    geography="coalesce(area_code, area_name)",
    tallies=True,
    period_start="period_start",
    period_end="period_end",
    key=("year", "area_name"),
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "County, unitary authority or borough of that name; null for areas of several",
        ),
        Derived(
            "period_start",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 1, 1),
            "1 January of the year as labelled",
        ),
        Derived(
            "period_end",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 12, 31),
            "31 December of the year as labelled",
        ),
    ),
    across=(
        CrossRow(
            "row_belongs_to_columns",
            "a year's values lie near those of the year before in at least half of the areas, or "
            "they do not belong to these columns",
            ROW_BELONGS_TO_COLUMNS,
            over="extract",
        ),
        CrossRow(
            "persons_near_last_year",
            "admissions of an area have not changed since the year before by more than such "
            "numbers do",
            PERSONS_NEAR_LAST_YEAR,
        ),
    ),
)
