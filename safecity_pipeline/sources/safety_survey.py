"""Community safety survey of a partnership: what residents answered, one row a respondent.

A survey tool exports one column an option, below two head rows: the question, and the option. In
it 1 is ticked and 0 is not; an empty cell means that the respondent was not asked, which is not
the same as no answer (0 in every option). A clean row is one option of one question and
respondent. Belongs here: the questions that indicators use, which options they have, and who is
asked them. Does not belong here: the wording and the heads of a tool (the layout), free text,
addresses and e-mail (columns that are not read), and the other questions of the form.

Traps. A survey that anybody may answer is no random sample: its figures hold of its respondents,
so they have no interval (`sampling`). A question may be asked only of those who gave a certain
answer before: its base is theirs. "Don't know" is an answer, and no valid one in a percentage.
Weights are optional; the tool leaves the column empty where there are none. Days are written
month first (06/23/2015). A survey is of the calendar year that its file names.
"""

from __future__ import annotations

import re
from datetime import date, datetime

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import CrossRow, Derived, Places, Source

NOT_KNOWN = "not known"
SAFE = ("very safe", "fairly safe", "neither", "fairly unsafe", "very unsafe", NOT_KNOWN)
ISSUE = ("very big", "fairly big", "not very big", "not an issue", NOT_KNOWN)
YES_NO = ("yes", "no", NOT_KNOWN)
OPTIONS = {
    "safe_at_home": SAFE,
    "safe_by_day": SAFE,
    "safe_at_night": SAFE,
    "violence": ISSUE,
    "asb": ISSUE,
    "litter": ISSUE,
    "drunk_or_rowdy": ISSUE,
    "vandalism": ISSUE,
    "teenagers": ISSUE,
    "noisy_neighbours": ISSUE,
    "drugs": ISSUE,
    "abandoned_vehicles": ISSUE,
    "asb_experienced": YES_NO,
    "asb_reported": YES_NO,
}
# Question → the question and the answer that lead to it.
ROUTED = {"asb_reported": ("asb_experienced", "yes")}
SAMPLINGS = ("random", "quota", "self_selected", "unknown")
LARGEST_WEIGHT = 20


class SafetySurvey(pa.DataFrameModel):
    """One option of one question for one respondent of a community safety survey."""

    area_name: Series[str] = pa.Field(
        description="Partnership or authority, as the file's name or a manifest states it",
        metadata={"stored": False, "example": ("southampton", "st-helens")},
    )
    year: Series[pd.Int64Dtype] = pa.Field(
        description="Calendar year of the survey", metadata={"example": ("2015", "2015")}
    )
    sampling: Series[str] = pa.Field(
        description="How respondents were found: random, quota, self_selected (anybody could "
        "answer) or unknown",
        metadata={"example": ("self_selected", "self_selected")},
    )
    respondent: Series[str] = pa.Field(
        description="Number that the survey tool gave to the response; no person's",
        metadata={"example": ("4012345001", "4012345002")},
    )
    started: Series[str] = pa.Field(
        description="When the response was begun, month first, as the survey tool writes it",
        metadata={"stored": False, "example": ("06/23/2015 10:15:00", "07/01/2015 18:40:12")},
    )
    weight: Series[float] = pa.Field(
        nullable=True,
        description="Weight of the respondent; empty where the survey is not weighted",
        metadata={"example": ("", "1.25")},
    )
    question: Series[str] = pa.Field(
        description="Question, by a short name that stays when its wording changes",
        metadata={"example": ("safe_at_night", "asb")},
    )
    option: Series[str] = pa.Field(
        description="Option of the question; `not known` is don't know or don't remember",
        metadata={"example": ("very safe", "fairly big")},
    )
    ticked: Series[pd.Int64Dtype] = pa.Field(
        nullable=True,
        description="1 where the option was chosen, 0 where not, empty where the respondent was "
        "not asked",
        metadata={"example": ("1", "0")},
    )

    @pa.check("year", name="year_in_range", error="the year lies between 2000 and 2100")
    def year_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(2000, 2100)

    @pa.check(
        "sampling",
        name="sampling_known",
        error="the sampling is random, quota, self_selected or unknown",
        statistics={"allowed": SAMPLINGS},
    )
    def sampling_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(SAMPLINGS)

    @pa.check(
        "weight",
        name="weight_in_range",
        error=f"a weight is more than 0 and at most {LARGEST_WEIGHT}",
    )
    def weight_in_range(cls, values: pd.Series) -> pd.Series:
        return (values > 0) & (values <= LARGEST_WEIGHT)

    @pa.check("ticked", name="ticked_or_not", error="a cell is 1, 0 or empty")
    def ticked_or_not(cls, values: pd.Series) -> pd.Series:
        return values.isin((0, 1))

    @pa.dataframe_check(
        name="option_of_question",
        error="the option is one of its question's",
        statistics={"columns": ("question", "option")},
    )
    def option_of_question(cls, rows: pd.DataFrame) -> pd.Series:
        asked = zip(rows["question"], rows["option"], strict=True)
        known = [option in OPTIONS.get(question, ()) for question, option in asked]
        return pd.Series(known, index=rows.index, dtype=bool)

    @pa.dataframe_check(
        name="answered_in_its_year",
        error="a response was begun in the year of its survey, on a day such as 06/23/2015",
        statistics={"columns": ("started", "year")},
    )
    def answered_in_its_year(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["started"].map(_year_begun).eq(rows["year"]).astype(bool)


def _year_begun(started: str) -> int:
    """The year of a day written month first; 0 where there is no such day."""
    found = re.match(r"(\d{1,2}/\d{1,2}/\d{4})(?: |$)", started)
    try:
        return datetime.strptime(found[1], "%m/%d/%Y").year if found else 0
    except ValueError:
        return 0


def _counted(places: Places, ticked: int | None, weight: float | None) -> float | None:
    if ticked is None:
        return None
    return (1.0 if weight is None else weight) if ticked else 0.0


ONE_ANSWER = """
SELECT _extract, _row, string_agg(printf('%s: %d options', question, options), '; ' ORDER BY
    question) AS got
FROM (SELECT _extract, _row, question, count(*) FILTER (ticked = 1) AS options
      FROM candidate GROUP BY ALL)
WHERE options > 1
GROUP BY _extract, _row
"""
_LED = " UNION ALL ".join(
    f"SELECT '{question}' AS question, '{before}' AS before, '{answer}' AS answer"
    for question, (before, answer) in ROUTED.items()
)
ASKED_AS_LED = f"""
SELECT c._extract, c._row, any_value(printf('%s, though %s is not %s', c.question, before, answer))
    AS got
FROM candidate c JOIN ({_LED}) led USING (question)
    ANTI JOIN candidate b ON b._extract = c._extract AND b._row = c._row
        AND b.question = before AND b.option = answer AND b.ticked = 1
WHERE c.ticked IS NOT NULL
GROUP BY c._extract, c._row
"""

SOURCE = Source(
    name="safety_survey",
    title="Community safety survey of residents",
    supplier="the council's survey team",
    licence="held by the partnership",
    due_days=120,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=100_000,
    model=SafetySurvey,
    geography="area_code",
    period_start="period_start",
    period_end="period_end",
    key=("respondent", "question", "option"),
    by_chance="sampling = 'random' AND coalesce(weight, 1) = 1",
    minimum_rows=50,
    cadence="every two years",
    audience="public",
    disclosure="under_5",
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("area_name",),
            lambda places, name: places.of_file_name(name),
            "Partnership or authority whose residents were asked",
            refusal="the area is a partnership or an authority that areas.csv knows",
        ),
        Derived(
            "counted",
            "DOUBLE",
            ("ticked", "weight"),
            _counted,
            "What a chosen option counts for: the respondent's weight, or 1 where there is none; 0 "
            "where it was not chosen, nothing where it was not asked",
        ),
        Derived(
            "period_start",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 1, 1),
            "1 January of the survey's year",
        ),
        Derived(
            "period_end",
            "DATE",
            ("year",),
            lambda places, year: date(int(year), 12, 31),
            "31 December of the survey's year",
        ),
    ),
    across=(
        CrossRow(
            "one_answer",
            "a respondent has at most one answer to a question",
            ONE_ANSWER,
            over="extract",
        ),
        CrossRow(
            "asked_as_led",
            "a question that follows from an answer is asked of those who gave it",
            ASKED_AS_LED,
            over="extract",
        ),
    ),
)
