"""Synthetic children cautioned or sentenced, in the form of the Youth Justice Board's figures.

Here: counts and rates, which stand in one column; `NA` where a comparison or a figure is lacking;
and the code that Sheffield had later, on rows of every year.
Not here: the counts themselves (`youth_offending`).
"""

from collections.abc import Sequence

from safecity_pipeline.sample import youth_offending
from safecity_pipeline.sample.delivery import Delivery, table_to_bytes
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.upper_tier import AREAS, AUTHORITY, CHILDREN, COUNTRY, Area

FILE = "children_cautioned/synthetic-children_offending.csv"
HEAD = (
    *("area_code", "area_name", "area_type", "period", "indicator", "measure", "unit", "value"),
    *("compared_to_England", "inequality"),
)
INDICATOR = "Children cautioned or sentenced"
LACKING = "NA"
_LATER_CODES = {"E08000019": "E08000039"}
_FEWEST_CHILDREN = 1_000


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the one file: two rows for each year and area, England and authorities."""
    rows: list[Sequence[str | int]] = [HEAD]
    for year in youth_offending.YEARS:
        counts = youth_offending.cautioned(plan.seed, year)
        for area in AREAS:
            if area.level in (COUNTRY, AUTHORITY):
                rows += _pair(area, year, counts)
    content = table_to_bytes(rows, "\n")
    return [Delivery(FILE, "children_cautioned", content, len(rows), "2025-01-30")]


def _pair(area: Area, year: int, counts: Sequence[int]) -> list[Sequence[str | int]]:
    children, cautioned = area.total(CHILDREN), area.total(counts)
    rate = (2 * cautioned * 10_000 + children) // (2 * children)
    known = children >= _FEWEST_CHILDREN
    start = (_LATER_CODES.get(area.code, area.code), area.name)
    kind = "Country" if area.level == COUNTRY else "UA"
    label = f"{year}/{(year + 1) % 100:02d}"
    return [
        (*start, kind, label, INDICATOR, measure, "Children", value, LACKING, LACKING)
        for measure, value in (
            ("Count", cautioned if known else LACKING),
            ("Per 10,000 aged 10-17", rate if known else LACKING),
        )
    ]
