"""Police recorded crime, the Home Office's open tables by partnership and by force.

One row is a number of offences of one code in one area and one year or quarter. A negative
number is a correction of an earlier count and is kept. Rows of one code may repeat: a merged
partnership has one for each of its former parts, so the rows of an area are added up.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import Classification, CrossRow, Derived, Places, Source

OFFENCE_GROUPS = (
    "Burglary",
    "Criminal damage",
    "Criminal damage and arson",
    "Drug offences",
    "Fraud and forgery",
    "Fraud offences",
    "Miscellaneous crimes",
    "Miscellaneous crimes against society",
    "Offences against vehicles",
    "Other offences",
    "Other theft offences",
    "Possession of weapons offences",
    "Public order offences",
    "Robbery",
    "Sexual offences",
    "Theft offences",
    "Violence against the person",
)
OFFENCES = "sum(number_of_offences)"
DWELLING_RULE = {"28A", "28B", "28C", "28D", "29", "30A", "30B", "31"}
RESIDENTIAL_RULE = {"28E", "28F", "28G", "28H", "29A", "30C", "30D", "31A"}


class RecordedCrime(pa.DataFrameModel):
    """A number of recorded offences of one code in one area and period."""

    financial_year: Series[str] = pa.Field(
        description="Financial year of recording, such as 2014-15",
        metadata={"parse": "financial_year", "example": ("2014/15", "2014/15")},
    )
    financial_quarter: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="1 is April to June; empty where the table is yearly",
        metadata={"example": ("1", "1")},
    )
    force_name: Series[str] = pa.Field(
        nullable=True,
        description="Force, or body without an area, as the Home Office spells it",
        metadata={"example": ("Hampshire", "Hampshire")},
    )
    csp_name: Series[str] = pa.Field(
        nullable=True,
        description="Community Safety Partnership, as the Home Office spells it",
        metadata={"example": ("Southampton", "Southampton")},
    )
    offence_description: Series[str] = pa.Field(
        description="Offence in words",
        metadata={"example": ("Burglary in a dwelling", "Robbery of personal property")},
    )
    offence_group: Series[str] = pa.Field(
        description="Offence group of the Home Office",
        metadata={"example": ("Theft offences", "Robbery")},
    )
    offence_subgroup: Series[str] = pa.Field(
        nullable=True,
        description="Offence subgroup",
        metadata={"example": ("Domestic burglary", "Robbery")},
    )
    offence_code: Series[str] = pa.Field(
        description="Home Office offence code; a text: 28A, 37.2, 4.10 are not numbers",
        metadata={"example": ("28A", "34B")},
    )
    number_of_offences: Series[pd.Int64Dtype] = pa.Field(
        description="Offences recorded; negative where an earlier count is corrected",
        metadata={"example": ("70", "-1")},
    )

    @pa.check(
        "financial_quarter",
        name="quarter_known",
        error="the financial quarter is 1, 2, 3 or 4, or empty in a yearly table",
    )
    def quarter_known(cls, values: pd.Series) -> pd.Series:
        return values.between(1, 4)

    @pa.check(
        "financial_year",
        name="year_in_range",
        error="the financial year lies between 2002-03 and the present one",
    )
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between("2002-03", period.financial_year_of(date.today()).label)

    @pa.check(
        "offence_group",
        name="offence_group_known",
        error="the offence group is a Home Office one",
        statistics={"allowed": OFFENCE_GROUPS},
    )
    def offence_group_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OFFENCE_GROUPS)

    @pa.check(
        "offence_code",
        name="offence_code_form",
        error="an offence code is 1 to 20 letters, digits, dots, slashes or blanks",
    )
    def offence_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[0-9A-Za-z][0-9A-Za-z./ ]{0,19}")

    @pa.check(
        "number_of_offences",
        name="offences_in_range",
        error="a number of offences lies between -10,000 and 1,000,000",
    )
    def offences_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(-10_000, 1_000_000)

    @pa.dataframe_check(
        name="area_named",
        error="a row names a partnership or a force",
        ignore_na=False,  # else pandera lets a row pass in which both are absent
        statistics={"columns": ("force_name", "csp_name")},
    )
    def area_named(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["force_name"].notna() | rows["csp_name"].notna()


def _area(places: Places, csp_name: str | None, force_name: str | None) -> str | None:
    """Code of the partnership where one is named, else of the force or body."""
    if csp_name is not None:
        return places.csp(csp_name)
    return None if force_name is None else places.force(force_name) or places.body(force_name)


def _geographic(places: Places, csp_name: str | None, force_name: str | None) -> bool:
    return csp_name is not None or places.body(force_name or "") is None


def _start(places: Places, year: str, quarter: int | None) -> date:
    return _period(year, quarter).start


def _end(places: Places, year: str, quarter: int | None) -> date:
    return _period(year, quarter).end


def _period(year: str, quarter: int | None) -> period.Period:
    whole = period.parse(year)
    return whole if quarter is None else period.financial_quarter(year, str(quarter))


def burglary_rule(places: Places, offence_code: str) -> str | None:
    """Which classification of burglary a code belongs to: the one that ended in March 2017
    (dwelling / other building) or the one that followed (residential / business and community);
    None for every other offence."""
    if offence_code in DWELLING_RULE:
        return "dwelling"
    return "residential" if offence_code in RESIDENTIAL_RULE else None


SOURCE = Source(
    name="recorded_crime",
    title="Police recorded crime by partnership and by force",
    supplier="Home Office",
    licence="Open Government Licence v3.0",
    due_days=110,
    assurance="A2",
    sensitivity="public",
    maximum_rows=2_000_000,
    model=RecordedCrime,
    tallies=True,
    adds_up=True,
    table="CASE WHEN csp_name IS NULL THEN 'force' ELSE 'csp' END",
    classified=(
        Classification("offence_group", count=OFFENCES),
        Classification("offence_subgroup", "offence_group", count=OFFENCES),
        Classification("offence_code", "offence_subgroup", "offence_description", OFFENCES),
    ),
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("csp_name", "force_name"),
            _area,
            "Area: local authority, partnership of several, force, or a body without an area",
            refusal="the partnership or force is one that areas.csv knows",
        ),
        Derived(
            "geographic",
            "BOOLEAN",
            ("csp_name", "force_name"),
            _geographic,
            "False for bodies without an area (Action Fraud, British Transport Police …)",
        ),
        Derived(
            "period_start",
            "DATE",
            ("financial_year", "financial_quarter"),
            _start,
            "First day of the year or quarter",
        ),
        Derived(
            "period_end",
            "DATE",
            ("financial_year", "financial_quarter"),
            _end,
            "Last day of the year or quarter",
        ),
        Derived(
            "burglary_rule",
            "VARCHAR",
            ("offence_code",),
            burglary_rule,
            "Classification of burglary that the row uses: dwelling (to March 2017) or residential",
        ),
    ),
    across=(
        CrossRow(
            "rows_even",
            "every offence code of a partnership and period has as many rows as its other codes",
            "SELECT count(*) FROM (SELECT n, mode(n) OVER (PARTITION BY _extract_id, csp_name, "
            "period_start) AS m FROM (SELECT _extract_id, csp_name, offence_code, period_start, "
            "count(*) AS n FROM clean.recorded_crime WHERE csp_name IS NOT NULL GROUP BY ALL)) "
            "WHERE n <> m",
        ),
        CrossRow(
            "rows_even_by_force",
            "every force has as many rows of an offence code in a quarter as the other forces",
            "SELECT count(*) FROM (SELECT n, mode(n) OVER (PARTITION BY _extract_id, offence_code) "
            "AS m FROM (SELECT _extract_id, force_name, offence_code, period_start, count(*) AS n "
            "FROM clean.recorded_crime WHERE csp_name IS NULL GROUP BY ALL)) WHERE n <> m",
        ),
    ),
)
