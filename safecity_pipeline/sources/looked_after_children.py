"""Outcomes of looked-after children by local authority: the Department for Education's tables.

A clean row is one cell: a measure of one table for one area and year. Belongs here: the names of
tables and measures (the same in every generation of files: the workbook with a sheet a table, and
the underlying CSV files), which area a row means, and how the figures of one area, of England and
of its regions must agree. Does not belong here: heads, markers and footnotes (the layouts).

Figures of authorities are rounded to 5 in the workbook and exact in the CSV files; those of
regions and of England are always rounded to 10. Percentages are made from unrounded numbers. A
measure stands in several tables where the publisher repeats it (looked_after_12_months).
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import CrossRow, Derived, Places, Source

TABLES = (
    "looked_after",
    "offending",
    "substance_misuse",
    "health",
    "sdq",
    "after_year_11",
    "key_stage_1",
    "key_stage_2",
    "key_stage_4",
    "special_needs",
    "exclusions",
    "absence",
)
# The publisher counts these over the school year that ended in the year named.
SCHOOL_YEAR_TABLES = ("key_stage_1", "key_stage_2", "key_stage_4", "exclusions", "absence")
GLUED_FOOTNOTE = re.compile(r"(?<=[^\W\d_])\d{1,2}(,\d{1,2})*$")

# Parts, their total, and whether they are all of it. Where one is not known, nothing is said.
PARTS = (
    (("aged_10_and_over",), "looked_after_12_months", False),
    (("aged_5_and_under",), "looked_after_12_months", False),
    (("aged_5_to_16",), "looked_after_12_months", False),
    (("convicted",), "aged_10_and_over", False),
    (("substance_misuse",), "looked_after_12_months", False),
    (("substance_intervention", "substance_refused"), "substance_misuse", False),
    (("immunised",), "looked_after_12_months", False),
    (("teeth_checked",), "looked_after_12_months", False),
    (("health_assessed",), "looked_after_12_months", False),
    (("development_assessed",), "aged_5_and_under", False),
    (("sdq_scored",), "aged_5_to_16", False),
    (("sdq_normal", "sdq_borderline", "sdq_concern"), "sdq_scored", True),
    (("sdq_scored_4_to_16",), "aged_4_to_16", False),
    (
        ("sdq_normal_4_to_16", "sdq_borderline_4_to_16", "sdq_concern_4_to_16"),
        "sdq_scored_4_to_16",
        True,
    ),
    (("sen_none", "sen_any"), "sen_matched", True),
    (("sen_without_statement", "sen_with_statement"), "sen_any", True),
)
# Percentage, its numerator and denominator, and half the step to which the percentage is rounded.
SHARES = (
    ("convicted_percent", "convicted", "aged_10_and_over", 0.05),
    ("substance_misuse_percent", "substance_misuse", "looked_after_12_months", 0.05),
    ("sdq_scored_percent", "sdq_scored", "aged_5_to_16", 0.5),
    ("sen_none_percent", "sen_none", "sen_matched", 0.05),
    ("sen_without_statement_percent", "sen_without_statement", "sen_matched", 0.05),
    ("sen_with_statement_percent", "sen_with_statement", "sen_matched", 0.05),
    ("sen_any_percent", "sen_any", "sen_matched", 0.05),
)
MEASURE_FORM = r"[a-z][a-z0-9_]*"


class LookedAfterChildren(pa.DataFrameModel):
    """One figure of looked-after children: a measure of a table for one area and year."""

    received_code: Series[str] = pa.Field(
        nullable=True,
        description="Code of the area as received, nine characters; empty where a file has none",
        metadata={"stored": False, "example": ("E06000045", "")},
    )
    authority: Series[str] = pa.Field(
        nullable=True,
        description="The area as the table names it: a local authority, or a region or England "
        "where they stand among the authorities",
        metadata={"stored": False, "example": ("Southampton", "SOUTH EAST")},
    )
    region: Series[str] = pa.Field(
        nullable=True,
        description="Region, where it has a column of its own",
        metadata={"stored": False, "example": ("South East", "South East")},
    )
    country: Series[str] = pa.Field(
        nullable=True,
        description="Country, where it has a column of its own",
        metadata={"stored": False, "example": ("England", "England")},
    )
    year: Series[pd.Int64Dtype] = pa.Field(
        description="The year that ended on 31 March of this year; in tables of schools, the "
        "school year that ended in it",
        metadata={"example": ("2014", "2014")},
    )
    table_name: Series[str] = pa.Field(
        description="Subject of the publisher's table",
        metadata={"example": ("offending", "offending")},
    )
    measure: Series[str] = pa.Field(
        description="What is counted; one that ends in _percent is a percentage",
        metadata={"example": ("aged_10_and_over", "convicted_percent")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="The number, the percentage or the average",
        metadata={"markers": True, "example": ("160", "7.5")},
    )

    @pa.check(
        "received_code",
        name="code_form",
        error="an area code is E and eight digits",
    )
    def code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"E\d{8}")

    @pa.check("year", name="year_in_range", error="the year lies between 2000 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(2000, 2100)

    @pa.check(
        "table_name",
        name="table_known",
        error="the table is one that the source names",
        statistics={"allowed": TABLES},
    )
    def table_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(TABLES)

    @pa.check(
        "measure",
        name="measure_form",
        error="a measure's name is small letters, digits and underscores",
    )
    def measure_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(MEASURE_FORM)

    @pa.dataframe_check(
        name="area_named",
        error="a row names an area",
        ignore_na=False,
        statistics={"columns": ("authority", "region", "country")},
    )
    def area_named(cls, rows: pd.DataFrame) -> pd.Series:
        return rows.notna().any(axis=1)

    @pa.dataframe_check(
        name="value_in_range",
        error="a percentage lies between 0 and 100, a number between 0 and 10,000,000",
        ignore_na=False,
        statistics={"columns": ("measure", "value")},
    )
    def value_in_range(cls, rows: pd.DataFrame) -> pd.Series:
        percentage = rows["measure"].str.endswith("_percent").astype(bool)
        end = percentage.map({True: 100, False: 10_000_000})
        return rows["value"].isna() | ((rows["value"] >= 0) & (rows["value"] <= end))


def _area(
    places: Places,
    received_code: str | None,
    authority: str | None,
    region: str | None,
    country: str | None,
) -> str | None:
    """By code, else by name. A name goes first where it is a region's or England's: one file has
    London's code on the rows of Inner and Outer London."""
    name = _name(places, authority, region, country)
    wide = places.region(name) if name else None
    if wide or received_code is None:
        return wide or (places.upper_tier(name) if name else None)
    return places.known_code(received_code)


def _name(
    places: Places, authority: str | None, region: str | None, country: str | None
) -> str | None:
    """The narrowest area that the row names, without blanks and footnotes."""
    name = authority or region or country
    return GLUED_FOOTNOTE.sub("", " ".join(name.split())) if name else None


def _start(places: Places, table_name: str, year: int) -> date:
    return date(year - 1, 9 if table_name in SCHOOL_YEAR_TABLES else 4, 1)


def _end(places: Places, table_name: str, year: int) -> date:
    return date(year, 8 if table_name in SCHOOL_YEAR_TABLES else 3, 31)


# --- rules that look across rows -----------------------------------------------------------------

IS_COUNT = r"NOT regexp_matches(measure, '(_percent|_score)$')"
ENGLAND, REGIONS, NINE = "'E92000001'", "'E12%'", 9
LONDON, HALVES, TWO = "'E12000007'", "'E13%'", 2


def _sums(total: str, parts: str, number: int, table: str, extract: str) -> str:
    """`figure` (the total's and the parts' rows), `sums` (measures whose parts are all there) and
    `apart` (sums that do not agree). $threshold is half the step to which figures are rounded."""
    key = f"{extract}, table_name, year, measure"
    return f"""
WITH figure AS (
    SELECT *, area_code = {total} AS whole FROM {table}
    WHERE value IS NOT NULL AND {IS_COUNT} AND (area_code = {total} OR area_code LIKE {parts})
), sums AS (
    SELECT {key}, sum(value) FILTER (whole) AS total, sum(value) FILTER (NOT whole) AS parts,
        $threshold * {number + 1} AS slack, abs(total - parts) <= slack AS agrees
    FROM figure GROUP BY ALL
    HAVING count(*) FILTER (whole) = 1 AND count(*) FILTER (NOT whole) = {number}
), apart AS (SELECT *, count(*) OVER (PARTITION BY {extract}, table_name, year) AS disagreements
    FROM sums WHERE NOT agrees
)"""


def culprits(total: str, parts: str, number: int) -> str:
    """The rows, of a total and its parts, that alone can be wrong where they do not add up.

    Its `proper` figure is what the others leave for a row. A part can be wrong if that lies between
    nothing and the total (half of it, where there are many parts). The total is wrong if no part
    can be. Else it is the one row, if there is one only, whose figure is its proper one with the
    point in another place, or that is usual in other measures of the table and would be in this
    one with its proper figure. Figures too small for their rounding tell nothing; where no figure
    tells, nobody is accused here, and the rule over clean rows warns.
    """
    most = "total / 2" if number > TWO else "total"
    same = "PARTITION BY _extract, table_name, year, measure"
    return f"""{_sums(total, parts, number, "candidate", "_extract")}, usual AS (
    SELECT _extract, _row, table_name, median(value / total) AS share
    FROM figure JOIN sums USING (_extract, table_name, year, measure)
    WHERE agrees AND total > 0 AND NOT whole GROUP BY ALL
), judged AS (
    SELECT _extract, _row, table_name, year, measure, whole, value, disagreements, slack,
        CASE WHEN whole THEN parts ELSE value + total - parts END AS proper,
        share * total AS expected, proper < 2 * slack AS small,
        NOT whole AND proper BETWEEN -slack AND {most} AS possible,
        ln(greatest(value, 1)) - ln(greatest(proper, 1)) AS wrong,
        ln(greatest(proper, 1)) - ln(greatest(expected, 1)) AS left_over,
        round(wrong / ln(10)) AS places,
        (whole OR possible) AND NOT small AND places <> 0
            AND abs(value / 10 ** places - proper) <= slack AS shifted
    FROM figure JOIN apart USING (_extract, table_name, year, measure)
        LEFT JOIN usual USING (_extract, _row, table_name)
), told AS (
    SELECT *, count(*) FILTER (possible) OVER ({same}) AS possibles,
        CASE WHEN expected IS NULL THEN shifted AND disagreements = count(*)
                FILTER (shifted OR (small AND possible)) OVER
                (PARTITION BY _extract, _row, table_name, year)
            WHEN shifted THEN abs(left_over) < abs(wrong + left_over)
            ELSE possible AND NOT small AND abs(left_over) < ln(1.5)
                AND abs(wrong + left_over) > ln(2) END AS explains
    FROM judged
), alone AS (SELECT *, count(*) FILTER (explains) OVER ({same}) AS explanations FROM told)
SELECT _extract, _row, string_agg(printf('%s %d: %.10g, where %s %.10g', measure, year,
    value, CASE WHEN whole THEN 'its parts add up to' ELSE 'the total leaves' END, proper),
    '; ' ORDER BY year, measure) AS got
FROM alone
WHERE (whole AND possibles = 0) OR (explains AND explanations = 1)
GROUP BY _extract, _row"""


def unexplained(total: str, parts: str, number: int) -> str:
    """How many figures disagree with their parts among the rows that stand."""
    sums = _sums(total, parts, number, "clean.looked_after_children", "_extract_id, _sheet")
    return f"{sums} SELECT count(*) FROM apart"


# How far each figure may be from the unrounded one; $threshold is that of a rounded authority.
_WITH_SLACK = """
WITH figure AS (
    SELECT _extract, _row, table_name, year, measure, value,
        CASE WHEN area_code LIKE 'E12%' OR area_code LIKE 'E13%' OR area_code = 'E92000001'
            THEN 2 * $threshold WHEN value_status = 'rounded' THEN $threshold ELSE 0 END AS slack
    FROM candidate WHERE value IS NOT NULL
)"""


def _values(rows: list[str]) -> str:
    return "(VALUES " + ", ".join(rows) + ")"


def _parts_rows() -> list[str]:
    return [
        f"({number}, '{part}', {len(parts)}, '{total}', {str(all_of_it).lower()})"
        for number, (parts, total, all_of_it) in enumerate(PARTS)
        for part in parts
    ]


PARTS_AGAINST_TOTAL = f"""{_WITH_SLACK}, part AS (
    SELECT p.number, p.total AS of, p.all_of_it, f._extract, f._row, f.year,
        sum(f.value) AS added, sum(f.slack) AS slack, string_agg(f.measure, ' + ') AS names
    FROM figure f JOIN {_values(_parts_rows())} p(number, name, parts, total, all_of_it)
        ON f.measure = p.name
    GROUP BY ALL HAVING count(*) = any_value(p.parts)
)
SELECT p._extract, p._row, string_agg(printf('%s %d: %.10g, %s: %.10g',
    p.names, p.year, p.added, p.of, t.value), '; ' ORDER BY p.year, p.number) AS got
FROM part p JOIN figure t
    ON t._extract = p._extract AND t._row = p._row AND t.year = p.year AND t.measure = p.of
WHERE p.added - t.value > p.slack + t.slack
    OR (p.all_of_it AND t.value - p.added > p.slack + t.slack)
GROUP BY p._extract, p._row"""

_SHARES_ROWS = [f"('{s}', '{n}', '{d}', {half})" for s, n, d, half in SHARES]
SHARE_AGAINST_COUNTS = f"""{_WITH_SLACK}
SELECT s._extract, s._row, string_agg(printf('%s %d: %.10g, %s of %s: %.10g of %.10g',
    s.measure, s.year, s.value, n.measure, d.measure, n.value, d.value), '; '
    ORDER BY s.year, s.measure) AS got
FROM figure s
JOIN {_values(_SHARES_ROWS)} share(name, numerator, denominator, half) ON s.measure = share.name
JOIN figure n ON n._extract = s._extract AND n._row = s._row AND n.year = s.year
    AND n.measure = share.numerator
JOIN figure d ON d._extract = s._extract AND d._row = s._row AND d.year = s.year
    AND d.measure = share.denominator
WHERE d.value > d.slack
    AND (s.value + half + 1e-9 < 100 * greatest(n.value - n.slack, 0) / (d.value + d.slack)
        OR s.value - half - 1e-9 > 100 * (n.value + n.slack) / (d.value - d.slack))
GROUP BY s._extract, s._row"""

_FIGURES = """
WITH figure AS (
    SELECT area_code, measure, year, any_value(value) AS value
    FROM clean.looked_after_children WHERE value IS NOT NULL AND {}
    GROUP BY ALL
)
SELECT count(*) FROM figure AS now JOIN figure AS before USING (area_code, measure)
WHERE before.year = now.year - 1 AND """
# Twice the difference of the roots is about 1.4 by chance alone, however large the numbers; and
# large numbers change by more than chance, so that only a change by half or more is told.
COUNTS_LIKE_LAST_YEAR = f"""{_FIGURES.format(IS_COUNT)}
    2 * abs(sqrt(now.value) - sqrt(before.value)) > $threshold
    AND greatest(now.value, before.value) > 1.5 * least(now.value, before.value)"""
SHARES_LIKE_LAST_YEAR = f"""{_FIGURES.format("measure LIKE '%_percent'")}
    abs(now.value - before.value) > 20 + $threshold * least(now.value, 100 - now.value)"""

SOURCE = Source(
    name="looked_after_children",
    title="Outcomes of looked-after children by local authority, region and year",
    supplier="Department for Education",
    licence="Open Government Licence v3.0",
    due_days=270,
    assurance="A3",
    sensitivity="public",
    maximum_rows=20_000,
    model=LookedAfterChildren,
    table="table_name || '.' || measure",
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    derived=(
        Derived(
            "area_name",
            "VARCHAR",
            ("authority", "region", "country"),
            _name,
            "The narrowest area that the row names, without footnotes",
        ),
        Derived(
            "area_code",
            "VARCHAR",
            ("received_code", "authority", "region", "country"),
            _area,
            "Local authority, region, Inner or Outer London, or England",
            refusal="the area is one that areas.csv knows, by its code or else by its name",
        ),
        Derived("period_start", "DATE", ("table_name", "year"), _start, "First day of the year"),
        Derived("period_end", "DATE", ("table_name", "year"), _end, "Last day of the year"),
    ),
    across=(
        CrossRow(
            "england_against_regions",
            "England is the sum of its nine regions, within rounding",
            culprits(ENGLAND, REGIONS, NINE),
            over="extract",
        ),
        CrossRow(
            "london_against_halves",
            "London is Inner and Outer London together, within rounding",
            culprits(LONDON, HALVES, TWO),
            over="extract",
        ),
        CrossRow(
            "parts_against_total",
            "the parts of a number are no more than it, and all of them make it, within rounding",
            PARTS_AGAINST_TOTAL,
            over="extract",
        ),
        CrossRow(
            "share_against_counts",
            "a percentage is what its rounded numbers allow",
            SHARE_AGAINST_COUNTS,
            over="extract",
        ),
        CrossRow(
            "england_unexplained",
            "England is the sum of its regions, where no single row is at fault",
            unexplained(ENGLAND, REGIONS, NINE),
        ),
        CrossRow(
            "london_unexplained",
            "London is the sum of its halves, where no single row is at fault",
            unexplained(LONDON, HALVES, TWO),
        ),
        CrossRow(
            "counts_like_last_year",
            "a number lies near the year before's, allowing for small numbers",
            COUNTS_LIKE_LAST_YEAR,
        ),
        CrossRow(
            "shares_like_last_year",
            "a percentage lies near the year before's, allowing for small numbers",
            SHARES_LIKE_LAST_YEAR,
        ),
    ),
)
