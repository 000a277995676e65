"""Days and times as suppliers write them, and what is none.

Here: the kinds "day" and "moment", held against the standard library. Not here: other kinds
(`test_parse`).
"""

from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecity_pipeline.ingest import parse

DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%b-%Y", "%d %b %Y", "%d.%m.%Y")
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S")


def read(kind: str, *texts: str | None) -> list[tuple[datetime | None, str]]:
    frame = parse.parse(pd.Series(list(texts), dtype="str"), kind)
    values = [None if pd.isna(value) else value.to_pydatetime() for value in frame["value"]]
    return list(zip(values, frame["status"], strict=True))


@given(
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 12, 31)),
    st.sampled_from(DAYS),
    st.sampled_from(TIMES),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_a_moment_is_read_as_it_was_written(
    moment: datetime, day: str, time: str, case: type[str]
) -> None:
    text = moment.strftime(day + time)
    text = text if "T" in time else case(text)
    assert read("moment", text) == [
        (datetime.strptime(moment.strftime(day + time), day + time), "ok")
    ]
    if not time:
        midnight = datetime(moment.year, moment.month, moment.day)
        assert read("day", f" {text} ") == [(midnight, "ok")]


@given(st.text("0123456789/- :T.", max_size=19))
def test_what_the_library_cannot_read_is_none(text: str) -> None:
    possible = set()
    for day in DAYS:
        for time in TIMES:
            try:
                possible.add(datetime.strptime(text.strip(), day + time))
            except ValueError:
                continue
    (found, status) = read("moment", text)[0]
    assert found in {*possible, None}
    assert status == ("ok" if found else "text" if text.strip() else "absent")


def test_days_are_british_and_days_that_never_were_are_refused() -> None:
    assert read("moment", "09/04/2014 13:05", "9/4/2014 7:05") == [
        (datetime(2014, 4, 9, 13, 5), "ok"),
        (datetime(2014, 4, 9, 7, 5), "ok"),
    ]
    never = ("31/04/2014", "29/02/2011", "04/13/2014", "00/01/2014", "01/00/2014", "01/01/9999")
    assert [status for _, status in read("moment", *never)] == ["text"] * 6
    assert read("moment", "29/02/2012")[0][1] == "ok"
    assert [status for _, status in read("moment", "09/04/2014 24:00", "09/04/2014 10:60")] == [
        "text",
        "text",
    ]


@pytest.mark.parametrize("text", ["09/04/2014 00:00", "09/04/14", "April 2014", "41738"])
def test_a_day_has_no_time_and_a_whole_year(text: str) -> None:
    assert read("day", text) == [(None, "text")]


def test_a_marker_may_stand_in_place_of_a_day() -> None:
    frame = parse.parse(pd.Series(["n/k", "x", None], dtype="str"), "day", {"n/k": "not_available"})
    assert frame["status"].tolist() == ["not_available", "text", "absent"]
