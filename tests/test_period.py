"""Periods: the labels, what they cover, what is refused, and steps through time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline import period
from safecity_pipeline.period import Period

# a shared machine may take its time, above all for the first import of scipy
unhurried = settings(deadline=None)
DAYS = st.dates(date(1900, 1, 1), date(2150, 12, 31))
MAKERS = {
    "year": period.financial_year_of,
    "month": period.month,
    "quarter": period.quarter_of,
    "calendar_year": lambda day: period.calendar_year(day.year),
    "twelve_months": period.twelve_months_to,
    "years_together": lambda day: period.years_together(day, 2 + day.day % 4),
    "snapshot": period.snapshot,
}
PERIODS = st.builds(lambda kind, day: MAKERS[kind](day), st.sampled_from(period.KINDS), DAYS)
LASTING = PERIODS.filter(lambda one: one.kind != "snapshot")


@pytest.mark.parametrize(
    ("label", "kind", "start", "end", "printed"),
    [
        ("2014-15", "year", "2014-04-01", "2015-03-31", "2014/15"),
        ("2010-11", "year", "2010-04-01", "2011-03-31", "2010/11"),
        ("1999-00", "year", "1999-04-01", "2000-03-31", "1999/00"),
        ("2014M09", "month", "2014-09-01", "2014-09-30", "September 2014"),
        ("2016M02", "month", "2016-02-01", "2016-02-29", "February 2016"),
        ("2014Q3", "quarter", "2014-07-01", "2014-09-30", "July to September 2014"),
        ("2014CY", "calendar_year", "2014-01-01", "2014-12-31", "2014"),
        (
            "2014M12-P12M",
            "twelve_months",
            "2014-01-01",
            "2014-12-31",
            "twelve months to December 2014",
        ),
        (
            "2015M09-P12M",
            "twelve_months",
            "2014-10-01",
            "2015-09-30",
            "twelve months to September 2015",
        ),
        ("2015M12-P36M", "years_together", "2013-01-01", "2015-12-31", "2013 to 2015"),
        ("2018M03-P36M", "years_together", "2015-04-01", "2018-03-31", "2015/16 to 2017/18"),
        (
            "2015M09-P24M",
            "years_together",
            "2013-10-01",
            "2015-09-30",
            "October 2013 to September 2015",
        ),
        ("2014-03-31", "snapshot", "2014-03-31", "2014-03-31", "31 March 2014"),
    ],
)
def test_labels(label: str, kind: str, start: str, end: str, printed: str) -> None:
    found = period.parse(label)
    assert (found.kind, found.start.isoformat(), found.end.isoformat()) == (kind, start, end)
    assert (found.label, found.printed) == (label, printed)


@unhurried
@given(PERIODS)
def test_every_label_reads_back(one: Period) -> None:
    assert period.parse(one.label) == one


@unhurried
@given(DAYS, st.sampled_from(period.KINDS))
def test_the_period_of_a_day_holds_it(day: date, kind: str) -> None:
    found = MAKERS[kind](day)
    assert found.kind == kind
    assert found.start <= day <= found.end


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("2014-09", "ambiguous.*got: '2014-09'; write 2014M09 for September 2014, or 2014-15"),
        ("2014-16", "must be the next year; got: '2014-16'; write 2014-15"),
        ("2014-13", "must be the next year"),
        ("2014-00", "must be the next year"),
        ("2014", "ambiguous: write 2014CY"),
        ("2014/15", "write a financial year as 2014-15"),
        ("2014/2015", "write a financial year as 2014-15"),
        ("2014-2015", "got: '2014-2015'"),
        ("2014M9", "got: '2014M9'"),
        ("2014M13", "got: '2014M13'"),
        ("2014m09", "got: '2014m09'"),
        ("2014Q5", "got: '2014Q5'"),
        ("2014M12-P11M", "24 months, 36 and so on; got: '2014M12-P11M'; write 2014M12-P36M for"),
        ("2014M12-P30M", "24 months, 36 and so on; got: '2014M12-P30M'"),
        ("0001M12-P36M", "no such date in the calendar; got: '0001M12-P36M'"),
        ("2014M12-P036M", "got: '2014M12-P036M'"),
        ("2014-02-30", "no such date in the calendar; got: '2014-02-30'"),
        ("0000-01", "no such date in the calendar; got: '0000-01'"),
        ("9999CY ", "got: '9999CY '"),
        (" 2014-15", "got: ' 2014-15'"),
        ("2014-15\n", "got: "),
        ("２０１４-15", "got: "),
        ("31/03/2014", "got: '31/03/2014'"),
        ("", "got: ''"),
        (2014, "must be text; got: 2014"),
        (None, "must be text; got: None"),
    ],
)
def test_every_other_label_is_refused(label: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        period.parse(label)


@unhurried
@given(st.text(alphabet="0123456789-MQCYP/ ", max_size=14))
def test_whatever_is_accepted_is_a_label(text: str) -> None:
    try:
        found = period.parse(text)
    except ValueError:
        with pytest.raises(ValueError, match=re.escape(f"got: {text!r}")):
            period.parse(text)
    else:
        assert found.label == text


# --- dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("year", date(2014, 1, 1), date(2014, 12, 31)),
        ("year", date(2014, 4, 1), date(2015, 3, 30)),
        ("month", date(2014, 4, 2), date(2014, 4, 30)),
        ("quarter", date(2014, 2, 1), date(2014, 4, 30)),
        ("snapshot", date(2014, 3, 30), date(2014, 3, 31)),
        ("years_together", date(2014, 1, 1), date(2014, 12, 31)),
        ("years_together", date(2014, 1, 1), date(2016, 6, 30)),
        ("years_together", date(2014, 1, 1), date(2016, 12, 30)),
        ("years_together", date(2016, 1, 1), date(2014, 12, 31)),
        ("week", date(2014, 3, 3), date(2014, 3, 9)),
        ("snapshot", datetime(2014, 3, 31), datetime(2014, 3, 31)),
        ("month", datetime(2014, 4, 1), date(2014, 4, 30)),
    ],
)
def test_dates_that_are_no_such_span_are_refused(kind: str, start: date, end: date) -> None:
    with pytest.raises(ValueError, match="got: "):
        Period(kind, start, end)  # type: ignore[arg-type]


def test_months_covered() -> None:
    months = period.parse("2014-15").months
    assert len(months) == 12
    assert (months[0], months[8], months[-1]) == (
        date(2014, 4, 1),
        date(2014, 12, 1),
        date(2015, 3, 1),
    )
    assert period.parse("2014M09").months == (date(2014, 9, 1),)
    assert period.parse("2014-03-31").months == ()


def test_periods_of_a_kind_sort_by_time() -> None:
    labels = ["2014M10", "2013M12", "2014M09"]
    assert [one.label for one in sorted(map(period.parse, labels))] == [
        "2013M12",
        "2014M09",
        "2014M10",
    ]


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        (date(2014, 4, 1), date(2015, 3, 31), "2014-15"),
        (date(2014, 1, 1), date(2014, 12, 31), "2014CY"),
        (date(2014, 10, 1), date(2015, 9, 30), "2015M09-P12M"),
        (date(2014, 4, 1), date(2014, 6, 30), "2014Q2"),
        (date(2016, 2, 1), date(2016, 2, 29), "2016M02"),
        (date(2013, 1, 1), date(2015, 12, 31), "2015M12-P36M"),
        (date(2014, 3, 31), date(2014, 3, 31), "2014-03-31"),
    ],
)
def test_spanning(start: date, end: date, label: str) -> None:
    assert period.spanning(start, end).label == label


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2014, 4, 1), date(2014, 11, 30)),  # eight months
        (date(2014, 2, 1), date(2014, 4, 30)),  # three, across two quarters
        (date(2014, 4, 1), date(2014, 4, 29)),
        (date(2015, 3, 31), date(2014, 4, 1)),
    ],
)
def test_spanning_refuses_what_no_kind_covers(start: date, end: date) -> None:
    with pytest.raises(ValueError, match=rf"got: \('{start.isoformat()}', '{end.isoformat()}'\)"):
        period.spanning(start, end)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2014, 4, 1), date(2014, 11, 30), "April to November 2014"),
        (date(2013, 11, 1), date(2014, 2, 28), "November 2013 to February 2014"),
        (date(2014, 9, 1), date(2014, 9, 30), "September 2014"),
        (date(2014, 4, 1), date(2014, 11, 29), "1 April 2014 to 29 November 2014"),
        (date(2014, 3, 31), date(2014, 3, 31), "31 March 2014"),
    ],
)
def test_describe_coverage(start: date, end: date, words: str) -> None:
    assert period.describe_coverage(start, end) == words


def test_coverage_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="before the start; got: "):
        period.describe_coverage(date(2014, 5, 1), date(2014, 4, 30))


# --- steps -------------------------------------------------------------------------------------


@unhurried
@given(LASTING)
def test_previous_and_next_adjoin_and_undo_each_other(one: Period) -> None:
    before = one.previous()
    assert before.kind == one.kind
    assert before.end + timedelta(days=1) == one.start
    assert before.next() == one
    assert one.next().previous() == one


@unhurried
@given(LASTING, st.integers(1, 10))
def test_year_before_keeps_the_months(one: Period, years: int) -> None:
    earlier = one.year_before(years)
    assert earlier.kind == one.kind
    assert [(day.year + years, day.month) for day in earlier.months] == [
        (day.year, day.month) for day in one.months
    ]


@pytest.mark.parametrize(
    ("label", "years", "earlier"),
    [
        ("2014-15", 1, "2013-14"),
        ("2014-15", 5, "2009-10"),
        ("2017M02", 1, "2016M02"),
        ("2014M12-P12M", 1, "2013M12-P12M"),
        ("2014-03-31", 4, "2010-03-31"),
        ("2015M12-P36M", 1, "2014M12-P36M"),
        ("2016-02-29", 1, "2015-02-28"),
        ("2016-02-29", 4, "2012-02-29"),
        ("2104-02-29", 4, "2100-02-28"),
    ],
)
def test_year_before(label: str, years: int, earlier: str) -> None:
    assert period.parse(label).year_before(years).label == earlier


def test_years_together_come_after_years_that_they_do_not_share() -> None:
    assert period.parse("2015M12-P36M").previous().label == "2012M12-P36M"
    assert len(period.parse("2015M12-P36M").months) == 36


def test_nothing_is_just_before_a_snapshot() -> None:
    with pytest.raises(ValueError, match="got: '2014-03-31'; use year_before"):
        period.parse("2014-03-31").previous()


# --- publishers' spellings ---------------------------------------------------------------------


def test_read_month() -> None:
    assert period.read_month("2014-09").label == "2014M09"
    assert period.read_month("2010-11").label == "2010M11"


@pytest.mark.parametrize(
    "text",
    ["2014-9", "2014-13", "2014-00", "2014M09", "2014-09-01", "2014-09 ", "", None, "0000-01"],
)
def test_read_month_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match="got: "):
        period.read_month(text)


@pytest.mark.parametrize("text", ["2017/18", "2017-18", "2017/2018"])
def test_read_financial_year(text: str) -> None:
    assert period.read_financial_year(text).label == "2017-18"


def test_read_financial_year_across_the_century() -> None:
    assert period.read_financial_year("1999/00").label == "1999-00"
    assert period.read_financial_year("1999/2000").label == "1999-00"


@pytest.mark.parametrize(
    "text",
    [
        "2017/19",
        "2017/2019",
        "1999/1900",
        "2017-2018",
        "2017",
        "17/18",
        "2017/18p",
        "2017 / 18",
        None,
    ],
)
def test_read_financial_year_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match="got: "):
        period.read_financial_year(text)


@pytest.mark.parametrize(
    ("quarter", "label"), [("1", "2017Q2"), ("2", "2017Q3"), ("3", "2017Q4"), ("4", "2018Q1")]
)
def test_home_office_quarters_start_in_april(quarter: str, label: str) -> None:
    assert period.financial_quarter("2017/18", quarter).label == label


@pytest.mark.parametrize(
    ("year", "quarter"), [("2017/18", "5"), ("2017/18", "Q1"), ("2017/18", 1), ("2017", "1")]
)
def test_financial_quarter_refuses_the_rest(year: str, quarter: str) -> None:
    with pytest.raises(ValueError, match="got: "):
        period.financial_quarter(year, quarter)


# --- days and periods that may be missing ------------------------------------------------------

NINTH_OF_APRIL = {
    # spelling: whether day_or_none, bare_day and export_day read it
    "09/04/2014": (True, True, True),
    "2014-04-09": (True, True, True),
    " 09/04/2014 ": (True, False, True),
    "2014-04-09T00:00": (True, False, True),
    "09/04/2014 00:00:00": (True, False, True),
    "09/04/2014 13:05": (False, False, True),
    "2014-04-09T13:05:59": (False, False, True),
    "9/4/2014": (False, False, True),
    "9/4/2014 9:05": (False, False, True),
    "2014-4-9": (False, False, False),
    "09/04/14": (False, False, False),
    "20140409": (False, False, False),
    "09/04/2014 a": (False, False, False),
    "09/04/2014, 09/04/2014": (False, False, False),
}


@pytest.mark.parametrize("text", NINTH_OF_APRIL)
def test_each_reader_of_days_takes_its_own_spellings_and_no_other(text: str) -> None:
    found = [read(text) for read in (period.day_or_none, period.bare_day, period.export_day)]
    assert found == [date(2014, 4, 9) if reads else None for reads in NINTH_OF_APRIL[text]]


@pytest.mark.parametrize("read", [period.day_or_none, period.bare_day, period.export_day])
@pytest.mark.parametrize(
    "cell", ["31/02/2014", "2014-02-29", "04/13/2014", "0000-01-01", "", "None", None, float("nan")]
)
def test_what_is_no_day_is_none(read: Callable[[object], date | None], cell: object) -> None:
    assert read(cell) is None


@given(DAYS)
@unhurried
def test_every_day_is_read_back_in_both_forms(day: date) -> None:
    for text in (day.isoformat(), f"{day:%d/%m/}{day.year:04d}"):
        assert period.day_or_none(text) == period.bare_day(text) == period.export_day(text) == day


def test_a_quarter_and_twelve_months_are_none_where_their_readers_refuse() -> None:
    quarter = period.quarter_or_none("Q4 2014/15")
    assert quarter == period.read_quarter("Jan-Mar 2015")
    year = period.twelve_months_or_none("Apr 14 to Mar 15")
    assert year == period.financial_year(2014)
    assert (period.first_day(quarter), period.last_day(quarter)) == (
        date(2015, 1, 1),
        date(2015, 3, 31),
    )
    assert (period.first_day(year), period.last_day(year)) == (date(2014, 4, 1), date(2015, 3, 31))
    for text in ("Q5 2014/15", "Feb-Apr 2015", "to 30/03/2015", "", None):
        assert period.quarter_or_none(text) is period.twelve_months_or_none(text) is None
    assert period.first_day(None) is period.last_day(None) is None


@given(DAYS)
@unhurried
def test_month_and_year_of_a_day_are_those_of_the_periods_that_hold_it(day: date) -> None:
    month, year = period.month(day), period.financial_year_of(day)
    assert (period.first_of_month(day), period.last_of_month(day)) == (month.start, month.end)
    assert period.financial_year_label(day) == year.label
    for held in (year.start, day, year.end):
        assert period.in_financial_year(held, year.label)
    assert not period.in_financial_year(day, year.next().label)
    assert not period.in_financial_year(day, year.previous().label)


def test_what_is_missing_has_no_month_or_year_and_breaks_no_rule_of_order() -> None:
    for ask in (period.first_of_month, period.last_of_month, period.financial_year_label):
        assert ask(None) is None
    assert period.in_financial_year(None, "2014-15")
    assert period.in_financial_year(date(2009, 1, 1), None)
    assert period.in_financial_year(date(2009, 1, 1), float("nan"))
    early, late = date(2014, 4, 9), date(2014, 4, 10)
    first, second = [early, early, late, None, late, None], [late, early, early, early, None, None]
    assert period.in_order(first, second) == [True, True, False, True, True, True]
    with pytest.raises(ValueError, match="shorter"):
        period.in_order([early], [])
