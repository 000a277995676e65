"""Register of a partnership's actions: meetings by neighbourhood, plans, awards and events.

One row an action that is due. Kinds: `PACT meetings` (Police and Communities Together: one row for
each neighbourhood of the area and year, held or not, with the Community Priorities agreed),
`Prevent action`, `Artsmark award` (its item is the level), and `Event`. Belongs here: what was due,
and whether it was done. Does not belong here: what came of it; a register says what was done.

Traps. A neighbourhood whose row is lacking had no meeting that anybody can show: coverage is of the
neighbourhoods that the area has, where the register states their number (a line above the head, or
the manifest), and of those listed where it does not. An action belongs to the financial year in
which it is due, so a register may bring a row of the next year (an engagement event of September
2015 in the register of 2014-15): of a year that was not over on the day of the register there is no
figure yet. The levels of Artsmark were revised in 2015/16.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline import period
from safecity_pipeline.model import CrossRow, Derived, Places, Source, Window

PACT = "PACT meetings"
KINDS = (PACT, "Prevent action", "Artsmark award", "Event")
STATUSES = ("complete", "in progress", "not started", "cancelled")
PRIORITIES, MOST_PRIORITIES = 3, 20
MOST_NEIGHBOURHOODS = 500


class PartnershipAction(pa.DataFrameModel):
    """An action of a partnership that is due in a financial year."""

    area_name: Series[str] = pa.Field(
        description="Partnership or authority, as the file's name or a manifest states it",
        metadata={"stored": False, "example": ("southampton", "st-helens")},
    )
    extracted: Series[str] = pa.Field(
        description="Day on which the rows were taken from the supplier's system, as the file's "
        "name or a manifest states it",
        metadata={"stored": False, "example": ("2015-05-12", "2015-06-30")},
    )
    neighbourhoods_stated: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="How many neighbourhoods the area has, as a line above the head or a manifest "
        "states it; empty where neither does",
        metadata={"example": ("1", "1")},
    )
    ref: Series[str] = pa.Field(
        description="The register's own number of the action",
        metadata={"example": ("A101", "A102")},
    )
    kind: Series[str] = pa.Field(
        description="Kind of action",
        metadata={"example": ("PACT meetings", "Prevent action")},
    )
    item: Series[str] = pa.Field(
        description="What is due, in few words; of an award its level",
        metadata={"example": ("Meetings of the year", "Training of school staff")},
    )
    neighbourhood: Series[str] = pa.Field(
        nullable=True,
        description="Neighbourhood of a PACT meeting; empty for actions of the whole area",
        metadata={"example": ("Portswood", "")},
    )
    due: Series[str] = pa.Field(
        description="Day on which the action is due",
        metadata={"stored": False, "example": ("31/03/2015", "30/09/2014")},
    )
    status: Series[str] = pa.Field(
        description="complete, in progress, not started or cancelled",
        metadata={"example": ("complete", "in progress")},
    )
    done: Series[str] = pa.Field(
        nullable=True,
        description="Day on which it was complete; empty until then",
        metadata={"stored": False, "example": ("19/02/2015", "")},
    )
    priorities: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="Community Priorities agreed at PACT meetings",
        metadata={"example": ("3", "")},
    )

    @pa.check(
        "kind",
        name="kind_known",
        error="the kind is one that the source names",
        statistics={"allowed": KINDS},
    )
    def kind_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(KINDS)

    @pa.check(
        "status",
        name="status_known",
        error="the status is complete, in progress, not started or cancelled",
        statistics={"allowed": STATUSES},
    )
    def status_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(STATUSES)

    @pa.check(
        "neighbourhoods_stated",
        name="neighbourhoods_in_range",
        error=f"an area has between 1 and {MOST_NEIGHBOURHOODS} neighbourhoods",
    )
    def neighbourhoods_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(1, MOST_NEIGHBOURHOODS)

    @pa.check(
        "priorities",
        name="priorities_in_range",
        error=f"between 0 and {MOST_PRIORITIES} priorities are agreed",
    )
    def priorities_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(0, MOST_PRIORITIES)

    @pa.dataframe_check(
        name="done_where_complete",
        error="a day of completion stands where an action is complete, and nowhere else",
        ignore_na=False,
        statistics={"columns": ("status", "done")},
    )
    def done_where_complete(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["status"].eq("complete") == rows["done"].notna()

    @pa.dataframe_check(
        name="meetings_have_a_neighbourhood",
        error="PACT meetings have a neighbourhood",
        ignore_na=False,
        statistics={"columns": ("kind", "neighbourhood")},
    )
    def meetings_have_a_neighbourhood(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["kind"].ne(PACT) | rows["neighbourhood"].notna()

    @pa.dataframe_check(
        name="priorities_of_meetings",
        error="Community Priorities are agreed at PACT meetings",
        ignore_na=False,
        statistics={"columns": ("kind", "priorities")},
    )
    def priorities_of_meetings(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["kind"].eq(PACT) | rows["priorities"].isna()


def _year_due(text: str) -> period.Period | None:
    day = period.day_or_none(text)
    return period.financial_year_of(day) if day else None


def _start(places: Places, text: str) -> date | None:
    return period.first_day(_year_due(text))


def _end(places: Places, text: str) -> date | None:
    return period.last_day(_year_due(text))


def _enough(places: Places, kind: str, priorities: int | None) -> str | None:
    if kind != PACT:
        return None
    return "yes" if (priorities or 0) >= PRIORITIES else "no"


ONE_ROW_A_NEIGHBOURHOOD = """
SELECT _extract, _row, printf('%s again', neighbourhood) AS got FROM candidate
WHERE kind = 'PACT meetings'
QUALIFY row_number() OVER (
    PARTITION BY _extract, lower(neighbourhood), period_start ORDER BY _row) > 1
"""
# One case for each sheet and year whose register lists fewer neighbourhoods than it says there are.
ALL_NEIGHBOURHOODS = """
SELECT _extract, min(_row) AS _row,
    printf('%d of %d', count(DISTINCT lower(neighbourhood)), neighbourhoods_stated) AS got
FROM candidate WHERE kind = 'PACT meetings'
GROUP BY _extract, period_start, neighbourhoods_stated
HAVING count(DISTINCT lower(neighbourhood)) < neighbourhoods_stated
"""
# Once for each area and year, on the first of its rows: the number stated, or that of those listed.
NEIGHBOURHOODS = """
CASE WHEN kind = 'PACT meetings' AND row_number() OVER (
        PARTITION BY kind, area_code, period_start ORDER BY _extract_id, _row) = 1
    THEN greatest(
        count(DISTINCT lower(neighbourhood)) OVER (PARTITION BY kind, area_code, period_start),
        max(neighbourhoods_stated) OVER (PARTITION BY kind, area_code, period_start)) END
"""

SOURCE = Source(
    name="partnership_action",
    title="Register of the partnership's actions",
    supplier="the partnership's secretariat",
    licence="held by the partnership",
    due_days=30,
    # What was done by the end of a year is entered at the meetings after it.
    settles_after=92,
    assurance="A0",
    sensitivity="official",
    maximum_rows=10_000,
    model=PartnershipAction,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("ref",),
    minimum_rows=5,
    cadence="yearly",
    audience="public",
    disclosure="none",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            lambda places, name: places.of_file_name(name),
            "Partnership or authority",
            refusal="the area is a partnership or an authority that areas.csv knows",
        ),
        Derived(
            "extracted_on",
            "DATE",
            ("extracted",),
            lambda places, text: period.day_or_none(text),
            "Day on which the rows were taken from the supplier's system",
            refusal="the day of extraction is one such as 2015-05-12",
        ),
        Derived(
            "due_on",
            "DATE",
            ("due",),
            lambda places, text: period.day_or_none(text),
            "Day on which the action is due",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "done_on",
            "DATE",
            ("done",),
            lambda places, text: period.day_or_none(text),
            "Day on which it was complete",
            refusal="a day is written as 31/03/2015 or 2015-03-31",
        ),
        Derived(
            "three_priorities",
            "VARCHAR",
            ("kind", "priorities"),
            _enough,
            "Whether a neighbourhood has three Community Priorities or more; of meetings only",
        ),
        Derived("period_start", "DATE", ("due",), _start, "1 April of the year in which it is due"),
        Derived("period_end", "DATE", ("due",), _end, "31 March of the year in which it is due"),
    ),
    windows=(
        Window(
            "neighbourhoods_of_area",
            "BIGINT",
            NEIGHBOURHOODS,
            "Neighbourhoods of the area, on one row of meetings a year: as the register states it, "
            "and no fewer than it lists",
        ),
    ),
    across=(
        CrossRow(
            "all_neighbourhoods_listed",
            "a register lists as many neighbourhoods as it says there are",
            ALL_NEIGHBOURHOODS,
            over="extract",
        ),
        CrossRow(
            "one_row_a_neighbourhood",
            "a neighbourhood has one row of PACT meetings a year",
            ONE_ROW_A_NEIGHBOURHOOD,
            over="extract",
        ),
    ),
)
