"""Crime rates of a most similar group, as police analysts export them from iQuanta.

A sheet is one offence group, wide: one row an area of the group, one column a month or twelve
months together; a clean row is one of its cells. The export gives areas by name, often with their
force before them, and no codes; who belongs to the group stands in the title only. The group's own
average is a row among the areas: it is kept, with `is_average` and without a code, so that no
indicator takes it for a place.

Rates come **rounded** and without counts, so nothing can be computed from them but a range: the
unrounded rate lies within half a unit of the last decimal, `lower_95` to `upper_95`. These limits
are the publisher's rounding and not chance: there is no sampling interval, since none can be known.
A rank made from such rates is a range wherever limits of two areas overlap. The number of decimals
is the layout's word for its columns, since a spreadsheet drops closing noughts; a rate with more
of them is refused.

Traps. The resident population behind the rates is iQuanta's own, so a rate differs a little from
one by mid-year estimates. Membership changed in 2013 and changes again: the title says whose it is.
Restricted to police and partnership analysts. Not here: iQuanta's bars, whose method is not public.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source

AVERAGE = re.compile(r"(MSG|Most similar (group|family)) average", re.I)
OFFENCE_GROUPS = (
    *("All crime", "Violence against the person", "Violence with injury", "Sexual offences"),
    *("Robbery", "Burglary in a dwelling", "Burglary other than in a dwelling", "Vehicle crime"),
    *("Shoplifting", "Theft offences", "Criminal damage and arson", "Drug offences"),
    "Public order offences",
)
MOST_DECIMALS = 3
_DAY = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_LABEL = re.compile(r"(12 months to )?([A-Z][a-z]{2} \d{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PeerCrime(pa.DataFrameModel):
    """A rounded rate of one offence group in one area, or in the group, and one span of time."""

    area_name: Series[str] = pa.Field(
        description="The area as the export names it, or its words for the group's average",
        metadata={"example": ("Hampshire - Southampton", "MSG average")},
    )
    group_of: Series[str] = pa.Field(
        description="Area whose most similar group it is, as the title names it",
        metadata={"example": ("Southampton", "Southampton")},
    )
    membership: Series[str] = pa.Field(
        nullable=True,
        description="Members of the group, as the title lists them",
        metadata={"example": ("Bristol; Derby; Reading", "Bristol; Derby; Reading")},
    )
    offence_group: Series[str] = pa.Field(
        description="Offence group, as the title names it",
        metadata={"example": ("All crime", "All crime")},
    )
    period_label: Series[str] = pa.Field(
        description="Span as the column's head names it: a month, or twelve months together",
        metadata={"example": ("12 months to Mar 2015", "12 months to Mar 2015")},
    )
    decimals: Series[pd.Int64Dtype] = pa.Field(
        description="Decimals to which the column is rounded, as the layout says",
        metadata={"example": ("1", "1")},
    )
    value: Series[float] = pa.Field(
        nullable=True,
        description="Crimes per 1,000 residents, rounded",
        metadata={"markers": True, "example": ("101.7", "92.3")},
    )
    extracted: Series[str] = pa.Field(
        description="Day of the export, as the title says it",
        metadata={"stored": False, "example": ("20/04/2015", "20/04/2015")},
    )

    @pa.check(
        "offence_group",
        name="offence_group_known",
        error="the offence group is one that the source knows; a layout translates others",
        statistics={"allowed": OFFENCE_GROUPS},
    )
    def offence_group_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OFFENCE_GROUPS)

    @pa.check("decimals", name="decimals_few", error="a rate is rounded to 0 to 3 decimals")
    def decimals_few(cls, values: pd.Series) -> pd.Series:
        return values.between(0, MOST_DECIMALS)

    @pa.check("value", name="value_in_range", error="a rate lies between 0 and 1,000 per 1,000")
    def value_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, 1_000)

    @pa.dataframe_check(
        name="value_rounded",
        error="a rate has no more decimals than the layout says of its column",
        statistics={"columns": ("value", "decimals")},
    )
    def value_rounded(cls, rows: pd.DataFrame) -> pd.Series:
        units = rows["value"] * 10.0 ** rows["decimals"].astype(float)
        return rows["value"].isna() | ((units - units.round()).abs() < 1e-6)


def is_average(name: str) -> bool:
    """Whether a row is the group's average and no area."""
    return AVERAGE.fullmatch(name.strip()) is not None


def _area(places: Places, name: str | None) -> str | None:
    """By name, with or without the force before it: "Hampshire - Southampton"."""
    if not name or is_average(name):
        return None
    return places.csp(name) or places.csp(name.rpartition(" - ")[2])


def _place(places: Places, name: str | None) -> str | None:
    return "average" if name and is_average(name) else _area(places, name)


def span(label: str | None) -> period.Period | None:
    """The days of `Mar 2015` or `12 months to Mar 2015`; None for anything else."""
    found = _LABEL.fullmatch(label or "")
    if found is None or found[2][:3] not in _MONTHS:
        return None
    first = date(int(found[2][4:]), _MONTHS.index(found[2][:3]) + 1, 1)
    month = period.month(first)
    return period.twelve_months_to(month.end) if found[1] else month


def _start(places: Places, label: str | None) -> date | None:
    return period.first_day(span(label))


def _end(places: Places, label: str | None) -> date | None:
    return period.last_day(span(label))


def _covers(places: Places, label: str | None) -> str | None:
    found = span(label)
    if found is None:
        return None
    return "month" if found.kind == "month" else "twelve months"


def _lower(places: Places, value: float | None, decimals: int | None) -> float | None:
    """Half a unit of the last decimal below, and not below nought."""
    if value is None or decimals is None:
        return None
    return max(0.0, _tidy(value - 0.5 * 10.0**-decimals, decimals))


def _upper(places: Places, value: float | None, decimals: int | None) -> float | None:
    if value is None or decimals is None:
        return None
    return _tidy(value + 0.5 * 10.0**-decimals, decimals)


def _tidy(limit: float, decimals: int) -> float:
    """Without the noise of binary fractions: two areas' limits must meet where they do."""
    return round(limit, int(decimals) + 1)


def _day(places: Places, text: str | None) -> date | None:
    found = _DAY.fullmatch(text or "")
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


AVERAGE_AMONG_MEMBERS = """
WITH spread AS (
    SELECT _extract, period_label, max(_row) FILTER (is_average) AS _row,
        max(value) FILTER (is_average) AS value, min(value) FILTER (NOT is_average) AS lowest,
        max(value) FILTER (NOT is_average) AS highest
    FROM candidate WHERE value IS NOT NULL GROUP BY ALL
)
SELECT _extract, _row, string_agg(printf('%s: %g, its members have %g to %g',
    period_label, value, lowest, highest), '; ' ORDER BY period_label) AS got
FROM spread WHERE value < lowest - $threshold OR value > highest + $threshold
GROUP BY _extract, _row
"""

# Twelve roundings of half a hundredth and one of half a tenth add up to 0.11.
MONTHS_ADD_UP = """
WITH figure AS (
    SELECT *, coalesce(area_code, 'average of ' || group_code) AS place FROM clean.peer_crime
), added AS (
    SELECT y.offence_group, y.place, y.period_label, y.value AS year, sum(m.value) AS months
    FROM figure AS y JOIN figure AS m USING (offence_group, place)
    WHERE y.covers = 'twelve months' AND m.covers = 'month'
      AND m.period_start BETWEEN y.period_start AND y.period_end
    GROUP BY ALL HAVING count(m.value) = 12
)
SELECT count(*) FROM added WHERE abs(year - months) > $threshold
"""


SOURCE = Source(
    name="peer_crime",
    title="Crime rates of a most similar group (iQuanta)",
    supplier="iQuanta, exported by the police force's analysts",
    licence="restricted to police and partnership analysts",
    due_days=60,
    # Forces send their months again: the tool's figures are provisional for a quarter.
    settles_after=92,
    assurance="A1",
    sensitivity="official-sensitive",
    maximum_rows=20_000,
    model=PeerCrime,
    table="offence_group || ', ' || period_label",
    geography="coalesce(area_code, 'average of ' || group_code)",
    period_start="period_start",
    period_end="period_end",
    key=("area_name", "period_label"),
    tallies=True,
    audience="analysts",
    minimum_rows=2,
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            _area,
            "Partnership or authority; null for the group's average",
        ),
        Derived(
            "place",
            "VARCHAR",
            ("area_name",),
            _place,
            "The same code, or the word average",
            refusal="the area is one that areas.csv knows, with its force before it or not, or "
            "'MSG average'",
        ),
        Derived(
            "is_average",
            "BOOLEAN",
            ("area_name",),
            lambda places, name: is_average(name),
            "Whether it is the group's average and no area",
        ),
        Derived(
            "group_code",
            "VARCHAR",
            ("group_of",),
            _area,
            "Area whose most similar group it is",
            refusal="the title says whose group it is, by a name that areas.csv knows",
        ),
        Derived(
            "period_start",
            "DATE",
            ("period_label",),
            _start,
            "First day of the span",
            refusal="a span is a month such as 'Mar 2015', or '12 months to Mar 2015'",
        ),
        Derived("period_end", "DATE", ("period_label",), _end, "Last day of the span"),
        Derived(
            "covers",
            "VARCHAR",
            ("period_label",),
            _covers,
            "What the span is: month, or twelve months",
        ),
        Derived(
            "lower_95",
            "DOUBLE",
            ("value", "decimals"),
            _lower,
            "Least rate that rounds to the value: the limits are rounding, not chance",
        ),
        Derived(
            "upper_95",
            "DOUBLE",
            ("value", "decimals"),
            _upper,
            "Rate from which on another value is printed: rounding, not chance",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            _day,
            "Day of the export",
            refusal="the day of the export is written 20/04/2015",
        ),
    ),
    across=(
        CrossRow(
            "average_among_members",
            "the group's average lies between the lowest and the highest of its members",
            AVERAGE_AMONG_MEMBERS,
            over="extract",
        ),
        CrossRow(
            "months_add_up",
            "twelve monthly rates add up to that of the twelve months, but for rounding",
            MONTHS_ADD_UP,
        ),
    ),
)
