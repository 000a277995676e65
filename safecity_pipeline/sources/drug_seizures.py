"""Seizures of drugs by police forces and Border Force, the Home Office's yearly tables.

A published table is wide, one column a drug and one row a force; a clean row is one force, drug
and year, either a number of seizures or a quantity. A seizure of several drugs counts once under
each of them and once in every total, so a total lies between its largest part and the sum of its
parts. Which head means which drug is the layouts' matter: in 2014-15 the heads do not fit the
values. The files state no units; `unit` is what the Home Office's bulletins use, to verify for
the drugs counted in doses. Not here: seizures under other laws, and purity.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

MEASURES = ("seizures", "quantity")
UNITS = ("seizures", "kg", "thousand doses", "plants")
ALL_DRUGS, UNKNOWN = "All drugs", "Unknown"
CLASSES = {
    "Total class A": (
        *("Cocaine", "Crack", "Ecstasy", "Heroin", "LSD", "Methadone", "Morphine"),
        "Other class A",
    ),
    "Total class B": (
        *("All cannabis", "Herbal cannabis", "Cannabis resin", "Cannabis plants"),
        *("Amphetamines", "Barbiturates", "Other class B"),
    ),
    "Total class C": (
        *("Anabolic steroids", "Benzodiazepines", "GHB", "Temazepam", "Other class C"),
    ),
}
KETAMINE = "Ketamine"
DRUGS = (ALL_DRUGS, UNKNOWN, KETAMINE, *CLASSES, *(drug for of in CLASSES.values() for drug in of))
KETAMINE_IN_CLASS_B = "2014-15"  # reclassified on 10 June 2014; the table has the year under B


class DrugSeizures(pa.DataFrameModel):
    """Seizures of one drug (or class of drugs) by one force in one year, or their quantity."""

    force_name: Series[str] = pa.Field(
        description="Force, British Transport Police or Border Force, as the Home Office spells it",
        metadata={"example": ("Dorset", "Border Force")},
    )
    financial_year: Series[str] = pa.Field(
        description="Financial year as the file's name states it: 14-15",
        metadata={"stored": False, "example": ("14-15", "14-15")},
    )
    measure: Series[str] = pa.Field(
        description="seizures (a number of them) or quantity",
        metadata={"example": ("seizures", "seizures")},
    )
    drug: Series[str] = pa.Field(
        description="Drug, the rest or total of a class, or all drugs",
        metadata={"example": ("Cocaine", "Total class A")},
    )
    unit: Series[str] = pa.Field(
        description="seizures, kg, thousand doses or plants; not in the file, see the layout",
        metadata={"example": ("seizures", "seizures")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="Seizures, or the quantity in that unit",
        metadata={"markers": True, "example": ("140", "332")},
    )

    @pa.check(
        "financial_year",
        name="financial_year_form",
        error="the financial year is written 14-15, 2014-15 or 2014/15",
    )
    def financial_year_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"\d\d(\d\d)?[-/]\d\d")

    @pa.check(
        "measure",
        name="measure_known",
        error="the measure is seizures or quantity",
        statistics={"allowed": MEASURES},
    )
    def measure_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(MEASURES)

    @pa.check(
        "drug",
        name="drug_known",
        error="the drug is one of the Home Office's tables",
        statistics={"allowed": DRUGS},
    )
    def drug_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(DRUGS)

    @pa.check(
        "unit",
        name="unit_known",
        error="the unit is seizures, kg, thousand doses or plants",
        statistics={"allowed": UNITS},
    )
    def unit_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(UNITS)

    @pa.check("value", name="value_in_range", error="a value lies between 0 and 1,000,000")
    def value_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 1_000_000)

    @pa.dataframe_check(
        name="seizures_whole",
        error="seizures and plants are whole numbers",
        statistics={"columns": ("unit", "value")},
    )
    def seizures_whole(cls, rows: pd.DataFrame) -> pd.Series:
        counted = rows["unit"].isin(["seizures", "plants"]) & rows["value"].notna()
        return ~counted | (rows["value"] % 1 == 0)


def read_year(label: str | None) -> period.Period | None:
    """The year of `14-15`, `2014-15` or `2014/15`; None where the second is not the next."""
    text = label or ""
    try:
        return period.read_financial_year(f"20{text}" if len(text) == len("14-15") else text)
    except ValueError:
        return None


def _year(places: Places, label: str | None) -> str | None:
    found = read_year(label)
    return found.label if found else None


def _start(places: Places, label: str | None) -> date | None:
    return period.first_day(read_year(label))


def _end(places: Places, label: str | None) -> date | None:
    return period.last_day(read_year(label))


def part_of(places: Places, drug: str | None, financial_year: str | None) -> str | None:
    """The total that a column is part of: a drug of its class, a class of all drugs."""
    year = _year(places, financial_year)
    if drug is None or year is None or drug == ALL_DRUGS:
        return None
    if drug == KETAMINE:
        return "Total class B" if year >= KETAMINE_IN_CLASS_B else "Total class C"
    return next((total for total, drugs in CLASSES.items() if drug in drugs), ALL_DRUGS)


# Where a part is not stated, their sum is not known and only the largest one tells.
TOTALS_HOLD_PARTS = """
WITH parts AS (
    SELECT _extract, _row, part_of AS drug, max(value) AS largest, sum(value) AS together,
           count(*) - count(value) AS unstated
    FROM candidate WHERE measure = 'seizures' AND part_of IS NOT NULL GROUP BY ALL
)
SELECT _extract, _row,
       string_agg(printf('%s %g, of parts up to %g and %g together',
                         drug, t.value, largest, together), '; ' ORDER BY drug) AS got
FROM candidate AS t JOIN parts USING (_extract, _row, drug)
WHERE t.measure = 'seizures'
  AND (t.value < largest OR (unstated = 0 AND t.value > together))
GROUP BY _extract, _row
"""

QUANTITY_HAS_SEIZURES = """
WITH yearly AS (
    SELECT area_code, year, measure, value,
           CASE WHEN contains(lower(drug), 'cannabis') THEN 'All cannabis' ELSE drug END AS drug
    FROM clean.drug_seizures
)
SELECT count(*) FROM (
    SELECT sum(value) FILTER (measure = 'quantity') AS quantity,
           sum(value) FILTER (measure = 'seizures') AS seizures
    FROM yearly GROUP BY area_code, year, drug
) WHERE quantity > 0 AND seizures = 0
"""

# The threshold is the share by which a number may change beyond what chance does to small ones.
SEIZURES_NEAR_LAST_YEAR = """
SELECT count(*) FROM clean.drug_seizures AS a JOIN clean.drug_seizures AS b
    USING (area_code, measure, drug)
WHERE measure = 'seizures' AND b.period_start = a.period_start + INTERVAL 1 YEAR
  AND abs(b.value - a.value) > $threshold * greatest(a.value, b.value) + 3 * sqrt(a.value + b.value)
"""


SOURCE = Source(
    name="drug_seizures",
    title="Seizures of drugs by force",
    supplier="Home Office",
    licence="Open Government Licence v3.0",
    due_days=300,
    assurance="A3",
    sensitivity="public",
    maximum_rows=5_000,
    model=DrugSeizures,
    table="measure",
    geography="area_code",
    tallies=True,
    period_start="period_start",
    period_end="period_end",
    key=("force_name", "measure", "drug"),
    minimum_rows=30,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("force_name",),
            lambda places, name: places.force(name) or places.body(name),
            "Force, or a word for a body without an area",
            refusal="the force or body is one that areas.csv knows",
        ),
        Derived(
            "year",
            "VARCHAR",
            ("financial_year",),
            _year,
            "Financial year, such as 2014-15",
            refusal="the second year follows the first",
        ),
        Derived("period_start", "DATE", ("financial_year",), _start, "1 April of the year"),
        Derived("period_end", "DATE", ("financial_year",), _end, "31 March of the year"),
        Derived(
            "part_of",
            "VARCHAR",
            ("drug", "financial_year"),
            part_of,
            "Total of which it is a part, in that year; null for all drugs",
        ),
    ),
    across=(
        CrossRow(
            "totals_hold_parts",
            "a class has at least as many seizures as its most seized drug and at most as many as "
            "its drugs together, and so has the total of its classes",
            TOTALS_HOLD_PARTS,
            over="extract",
        ),
        CrossRow(
            "quantity_has_seizures",
            "where a force has a quantity of a drug it has seizures of it",
            QUANTITY_HAS_SEIZURES,
        ),
        CrossRow(
            "seizures_near_last_year",
            "seizures have not changed since the year before by more than such numbers do",
            SEIZURES_NEAR_LAST_YEAR,
        ),
    ),
)
