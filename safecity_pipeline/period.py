"""Periods of time: one label, one printed form and one pair of dates for each.

Belongs here: the labels of the contract, the dates they stand for, steps to earlier and later
periods, readers for publishers' spellings, each of which refuses every other spelling, and what
sources ask of a day or a period that may be missing.

Does not belong here: finding the period of an extract in its file name or head (`ingest`), whether
an extract covers a period (`measure`), and whether two periods may be compared (`breaks`).

A label never needs guessing: `2010-11` is always a financial year, since a month is `2010M11`.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, NoReturn, TypeVar, get_args

__all__ = [
    "KINDS",
    "Kind",
    "Period",
    "bare_day",
    "calendar_year",
    "day_or_none",
    "describe_coverage",
    "export_day",
    "financial_quarter",
    "financial_year",
    "financial_year_label",
    "financial_year_of",
    "first_day",
    "first_of_month",
    "in_financial_year",
    "in_order",
    "last_day",
    "last_of_month",
    "month",
    "parse",
    "quarter_of",
    "quarter_or_none",
    "read_day",
    "read_financial_year",
    "read_month",
    "read_quarter",
    "read_twelve_months",
    "snapshot",
    "spanning",
    "twelve_months_or_none",
    "twelve_months_to",
    "years_together",
]

Kind = Literal[
    "year", "month", "quarter", "calendar_year", "twelve_months", "years_together", "snapshot"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# not calendar.month_name, which follows the machine's language
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)

_EVERY_MONTH = tuple(range(1, 13))
# kind -> its length in months, and the months in which it may start; of years_together the least
_SPANS: dict[Kind, tuple[int, tuple[int, ...]]] = {
    "year": (12, (4,)),
    "month": (1, _EVERY_MONTH),
    "quarter": (3, (1, 4, 7, 10)),
    "calendar_year": (12, (1,)),
    "twelve_months": (12, _EVERY_MONTH),
    "years_together": (24, _EVERY_MONTH),
}

_LABELS_ALLOWED = (
    "write a financial year as 2014-15, a month as 2014M09, a calendar quarter as 2014Q3, "
    "a calendar year as 2014CY, twelve months as 2014M12-P12M, three years taken together as "
    "2014M12-P36M, a day as 2014-03-31"
)


@dataclass(frozen=True, order=True, slots=True)
class Period:
    """A span of whole days, first and last included, of one kind.

    Kinds: `year` (financial, 1 April to 31 March), `month`, `quarter` (calendar), `calendar_year`,
    `twelve_months` (any twelve whole months), `years_together` (two years or more of whole months,
    such as three pooled into one figure) and `snapshot` (one day). Periods of one kind sort by
    time. Raises ValueError when the dates are not a span of that kind.
    """

    kind: Kind
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            _refuse("period: unknown kind", self.kind, f"write one of {', '.join(KINDS)}")
        if type(self.start) is not date or type(self.end) is not date:
            _refuse(
                "period: start and end are dates without time",
                (self.start, self.end),
                "take .date() of a datetime",
            )
        if not _is_span(self.kind, self.start, self.end):
            _refuse(
                f"period: these dates are no {self.kind}",
                (self.start.isoformat(), self.end.isoformat()),
                "use spanning(start, end) to find the kind of two dates",
            )

    @property
    def label(self) -> str:
        """The key stored in tables, which `parse` reads back."""
        return _LABELS[self.kind](self)

    @property
    def printed(self) -> str:
        """The form for readers: 2014/15, September 2014, twelve months to December 2014."""
        return _PRINTED[self.kind](self)

    @property
    def months(self) -> tuple[date, ...]:
        """The first day of every month covered, in order; none for a snapshot."""
        if self.kind == "snapshot":
            return ()
        length = _months_between(self.start, self.end)
        return tuple(_months_after(self.start, step) for step in range(length))

    def previous(self) -> Period:
        """The period of the same kind and length that ends the day before this one starts.

        Raises ValueError for a snapshot, which has no length: use `year_before`.
        """
        return self._moved(-self._length())

    def next(self) -> Period:
        """The period of the same kind and length that starts the day after this one ends."""
        return self._moved(self._length())

    def year_before(self, n: int = 1) -> Period:
        """The same span `n` years earlier; for 29 February in a common year, 28 February.

        Spans of several years overlap with those of the years just before: see `previous`.
        """
        if self.kind == "snapshot":
            return snapshot(_years_before(self.start, n))
        return self._moved(-12 * n)

    def later(self, months: int) -> Period:
        """The span of the same length that starts so many months later: three after 2013-14 come
        the twelve months to June 2014. A snapshot moves to the same day of the month, or to its
        last where there is no such day."""
        start = _months_after(self.start.replace(day=1), months)
        if self.kind == "snapshot":
            last = _month_end(start)
            return snapshot(last.replace(day=min(self.start.day, last.day)))
        return spanning(start, _last_day(start, len(self.months)))

    def _moved(self, months: int) -> Period:
        start = _months_after(self.start, months)
        return Period(self.kind, start, _last_day(start, _months_between(self.start, self.end)))

    def _length(self) -> int:
        if self.kind == "snapshot":
            _refuse(
                "period: nothing comes just before or after a snapshot",
                self.label,
                "use year_before for the same day of another year",
            )
        return _months_between(self.start, self.end)


# --- labels ------------------------------------------------------------------------------------


def parse(label: str) -> Period:
    """The period of a label of the contract.

    Raises ValueError for any other text, and says so when it could mean two things: a publisher's
    spelling is read by the reader that names it (`read_month`, `read_financial_year`).
    """
    if not isinstance(label, str):
        _refuse("period label: must be text", label, _LABELS_ALLOWED)
    for pattern, make in _PARSERS:
        if found := re.fullmatch(pattern, label):
            return _made(make, label, found)
    _refuse("period label: not a form that is known", label, _hint(label))


def _year_from(label: str, found: re.Match[str]) -> Period:
    first, second = int(found[1]), int(found[2])
    if second == (first + 1) % 100:
        return financial_year(first)
    following = f"{first}-{(first + 1) % 100:02d}"
    if 1 <= second <= 12:
        _refuse(
            "period label: ambiguous between a month and a slip in a financial year",
            label,
            f"write {first}M{second:02d} for {MONTH_NAMES[second - 1]} {first}, "
            f"or {following} for the financial year",
        )
    _refuse(
        "period label: the second part of a financial year must be the next year",
        label,
        f"write {following}",
    )


def _month_from(label: str, found: re.Match[str]) -> Period:
    return month(date(int(found[1]), int(found[2]), 1))


def _quarter_from(label: str, found: re.Match[str]) -> Period:
    return _of("quarter", date(int(found[1]), 3 * int(found[2]) - 2, 1))


def _calendar_year_from(label: str, found: re.Match[str]) -> Period:
    return calendar_year(int(found[1]))


def _twelve_months_from(label: str, found: re.Match[str]) -> Period:
    return twelve_months_to(date(int(found[1]), int(found[2]), 1))


def _years_together_from(label: str, found: re.Match[str]) -> Period:
    last, months = date(int(found[1]), int(found[2]), 1), int(found[3])
    if months % 12 or months < 24:
        _refuse(
            "period label: years taken together are 24 months, 36 and so on",
            label,
            f"write {label.partition('-')[0]}-P36M for three years",
        )
    return years_together(last, months // 12)


def _snapshot_from(label: str, found: re.Match[str]) -> Period:
    return snapshot(date(int(found[1]), int(found[2]), int(found[3])))


_Maker = Callable[[str, "re.Match[str]"], Period]
_YEAR, _MONTH, _TWO = "([0-9]{4})", "(0[1-9]|1[0-2])", "([0-9]{2})"
_PARSERS: tuple[tuple[str, _Maker], ...] = (
    (f"{_YEAR}-{_TWO}", _year_from),
    (f"{_YEAR}M{_MONTH}", _month_from),
    (f"{_YEAR}Q([1-4])", _quarter_from),
    (f"{_YEAR}CY", _calendar_year_from),
    (f"{_YEAR}M{_MONTH}-P12M", _twelve_months_from),
    (f"{_YEAR}M{_MONTH}-P([1-9][0-9]{{1,2}})M", _years_together_from),
    (f"{_YEAR}-{_TWO}-{_TWO}", _snapshot_from),
)


def _made(make: _Maker, label: str, found: re.Match[str]) -> Period:
    """The period, or a refusal that shows the label where the calendar has no such date."""
    try:
        return make(label, found)
    except _Refused:
        raise
    except (ValueError, OverflowError):
        _refuse("period label: no such date in the calendar", label, _LABELS_ALLOWED)


def _hint(label: str) -> str:
    if re.fullmatch(_YEAR, label):
        return (
            f"ambiguous: write {label}CY for the calendar year, or the financial year "
            "with both its years"
        )
    if re.fullmatch(f"{_YEAR}/([0-9]{{2}}|[0-9]{{4}})", label):
        return "write a financial year as 2014-15, or read it with read_financial_year"
    return _LABELS_ALLOWED


# --- publishers' spellings ---------------------------------------------------------------------


def read_month(text: str) -> Period:
    """The month of a publisher's `2014-09`. Raises ValueError for any other spelling."""
    found = isinstance(text, str) and re.fullmatch(f"{_YEAR}-{_MONTH}", text)
    if not found:
        _refuse(
            "month: must be the year, a hyphen and the month 01 to 12",
            text,
            "write September 2014 as 2014-09, or declare the source's own date form",
        )
    return _made(_month_from, text, found)


def read_day(text: str) -> date:
    """The day of a supplier's `2015-03-31` or `31/03/2015`; a midnight after it says nothing.

    Raises ValueError for any other spelling: 3/31/2015 is no day, and 31/03/15 of no known century.
    """
    midnight = "(?:[T ]00:00(?::00)?)?"
    plain = text.strip() if isinstance(text, str) else ""
    if found := re.fullmatch(f"{_YEAR}-{_TWO}-{_TWO}{midnight}", plain):
        parts = found.groups()
    elif found := re.fullmatch(f"{_TWO}/{_TWO}/{_YEAR}{midnight}", plain):
        parts = found.groups()[::-1]
    else:
        _refuse("day: not a spelling that is known", text, "write 2015-03-31 or 31/03/2015")
    year, month_number, day = map(int, parts)
    return date(year, month_number, day)


def read_financial_year(text: str) -> Period:
    """The financial year of a publisher's `2017/18`, `2017-18` or `2017/2018`.

    Raises ValueError for any other spelling, and when the second year is not the next one.
    """
    forms = f"{_YEAR}(?:[/-]{_TWO}|/{_YEAR})"
    found = isinstance(text, str) and re.fullmatch(forms, text)
    repair = "write 2017/18, 2017-18 or 2017/2018"
    if not found:
        _refuse("financial year: not a spelling that is known", text, repair)
    following = f"{int(found[1]) + 1:04d}"
    if (found[3] or following[:-2] + found[2]) != following:
        _refuse("financial year: the second part must be the next year", text, repair)
    return _made(lambda _, match: financial_year(int(match[1])), text, found)


def financial_quarter(year: str, quarter: str) -> Period:
    """The calendar quarter that is quarter `1` to `4` of a financial year.

    `year` as `read_financial_year` takes it. Quarter 1 is April to June, as the Home Office counts,
    so ("2017/18", "4") is January to March 2018. Raises ValueError for anything else.
    """
    if quarter not in ("1", "2", "3", "4"):
        _refuse(
            "financial quarter: must be the text 1, 2, 3 or 4",
            quarter,
            "1 is April to June, 4 is January to March",
        )
    start = read_financial_year(year).start
    return _of("quarter", _months_after(start, 3 * (int(quarter) - 1)))


def read_quarter(text: str) -> Period:
    """The quarter of a supplier's `Q4 2014/15`, `2014/15 Q4` or `Jan-Mar 2015`.

    A number counts quarters of the financial year. Raises ValueError for any other spelling, and
    where three months are no calendar quarter.
    """
    plain = " ".join(text.split()) if isinstance(text, str) else ""
    if found := re.fullmatch(_NUMBERED_QUARTER, plain):
        return financial_quarter(found[2] or found[3], found[1] or found[4])
    if found := re.fullmatch(rf"([A-Za-z]+) ?{_TO} ?([A-Za-z]+) (\d{{4}}|\d\d)", plain):
        start, end = _named_month(f"{found[1]} {found[3]}"), _named_month(f"{found[2]} {found[3]}")
        if start and end and _is_span("quarter", start, _month_end(end)):
            return _of("quarter", start)
    _refuse(
        "quarter: not a spelling that is known",
        text,
        "write January to March 2015 as Q4 2014/15, or as Jan-Mar 2015",
    )


def read_twelve_months(text: str) -> Period:
    """The twelve whole months of a supplier's `to 31/03/2015`, `01/04/2014 to 31/03/2015`,
    `Apr 14 to Mar 15` or `April 2014 - March 2015`.

    April to March is a financial year, January to December a calendar year. Raises ValueError for
    any other spelling, and for other spans than twelve whole months.
    """
    plain = " ".join(text.split()).removeprefix("12 months ") if isinstance(text, str) else ""
    found = re.fullmatch(rf"(?:(.+?) ?)?{_TO} ?(.+)", plain)
    end = _month_said(found[2], last=True) if found else None
    start = _month_said(found[1], last=False) if found and found[1] else None
    if found and end and (start or not found[1]):
        whole = twelve_months_to(end)
        if start in (None, whole.start):
            return spanning(whole.start, whole.end)
    _refuse(
        "twelve months: not a spelling that is known, or not twelve whole months",
        text,
        "write April 2014 to March 2015 as to 31/03/2015, or as Apr 14 to Mar 15",
    )


_TO = "(?:to|[-\N{EN DASH}])"
_NUMBERED_QUARTER = r"Q([1-4]) (\d{4}/\d\d)|(\d{4}/\d\d) Q([1-4])"


def _month_said(text: str, last: bool) -> date | None:
    """The first day of a month given by name, or by its first or `last` day as 31/03/2015."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text)
    if not found:
        return _named_month(text)
    try:
        day = date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None
    is_end = day == _month_end(day)
    return day.replace(day=1) if (is_end if last else day.day == 1) else None


def _named_month(text: str) -> date | None:
    """The first day of Mar 15, Mar 2015 or March 2015; two digits are of this century."""
    found = re.fullmatch(r"([A-Za-z]{3,9}) (\d{4}|\d\d)", text)
    named = [n for n in MONTH_NAMES if found and found[1].lower() in (n.lower(), n[:3].lower())]
    if not found or not named:
        return None
    year = int(found[2]) + (2000 if len(found[2]) == 2 else 0)
    return date(year, MONTH_NAMES.index(named[0]) + 1, 1) if year >= 1900 else None


# --- publishers' spellings, where a source's own rule says what is wrong -----------------------

_Read = TypeVar("_Read")


def day_or_none(text: object) -> date | None:
    """The day that `read_day` reads, None where it refuses."""
    return _or_none(read_day, text)


def quarter_or_none(text: object) -> Period | None:
    """The quarter that `read_quarter` reads, None where it refuses."""
    return _or_none(read_quarter, text)


def twelve_months_or_none(text: object) -> Period | None:
    """The twelve months that `read_twelve_months` reads, None where it refuses."""
    return _or_none(read_twelve_months, text)


def _or_none(read: Callable[..., _Read], text: object) -> _Read | None:
    try:
        return read(text)
    except ValueError:
        return None


def bare_day(text: object) -> date | None:
    """The day of `05/04/2014` or `2014-04-05`, with nothing around it; None for anything else, 31
    February too."""
    return _day_found(_BARE_DAY.fullmatch(text) if isinstance(text, str) else None)


@lru_cache(maxsize=1 << 15)  # several columns are derived of each day
def export_day(text: object) -> date | None:
    """The day of a police export's `09/04/2014`, `9/4/2014 13:05` or `2014-04-09`, whatever its
    time; None for anything else."""
    return _day_found(_EXPORT_DAY.fullmatch(str(text).strip()))


_BARE_DAY = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)/(\d\d)/(\d{4}))", re.ASCII)
_EXPORT_DAY = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d?)/(\d\d?)/(\d{4}))(?:[ T]\d\d?:\d\d(?::\d\d)?)?"
)


def _day_found(found: re.Match[str] | None) -> date | None:
    """Of a pattern whose first three groups are year, month and day, or its next three day, month
    and year."""
    if found is None:
        return None
    year, month_number, day = found.groups()[:3] if found[1] else found.groups()[:2:-1]
    try:
        return date(int(year), int(month_number), int(day))
    except ValueError:
        return None


# --- of a day or a period that may be missing --------------------------------------------------


def first_day(of: Period | None) -> date | None:
    """The first day of a period, None of none."""
    return of.start if of else None


def last_day(of: Period | None) -> date | None:
    """The last day of a period, None of none."""
    return of.end if of else None


def first_of_month(day: date | None) -> date | None:
    """The first day of the month that holds the day."""
    return day.replace(day=1) if day else None


def last_of_month(day: date | None) -> date | None:
    """The last day of the month that holds the day."""
    return _month_end(day) if day else None


def financial_year_label(day: date | None) -> str | None:
    """The label of the financial year that holds the day, such as 2014-15."""
    return financial_year_of(day).label if day else None


def in_financial_year(day: date | None, year: object) -> bool:
    """Whether a day lies in a financial year, as `read_financial_year` takes it; true where either
    is missing, which breaks another rule."""
    if day is None or not isinstance(year, str):
        return True
    whole = read_financial_year(year)
    return whole.start <= day <= whole.end


def in_order(earlier: Iterable[date | None], later: Iterable[date | None]) -> list[bool]:
    """Of each two days whether the one does not come after the other; true where either is
    missing, which breaks another rule."""
    return [not (a and b) or a <= b for a, b in zip(earlier, later, strict=True)]


# --- from dates --------------------------------------------------------------------------------


def month(day: date) -> Period:
    """The month that holds the day."""
    return _of("month", date(day.year, day.month, 1))


def quarter_of(day: date) -> Period:
    """The calendar quarter that holds the day: July to September is the third."""
    return _of("quarter", date(day.year, (day.month - 1) // 3 * 3 + 1, 1))


def calendar_year(year: int) -> Period:
    """January to December of the year."""
    return _of("calendar_year", date(year, 1, 1))


def financial_year(start_year: int) -> Period:
    """1 April of `start_year` to 31 March of the next."""
    return _of("year", date(start_year, 4, 1))


def financial_year_of(day: date) -> Period:
    """The financial year that holds the day: 31 March 2015 is in 2014/15."""
    return financial_year(day.year if day.month >= 4 else day.year - 1)


def twelve_months_to(day: date) -> Period:
    """The twelve whole months of which the month that holds the day is the last."""
    return _of("twelve_months", _months_after(date(day.year, day.month, 1), -11))


def years_together(day: date, years: int) -> Period:
    """So many whole years, two or more, of which the month that holds the day is the last."""
    last = date(day.year, day.month, 1)
    return Period("years_together", _months_after(last, 1 - 12 * years), _month_end(last))


def snapshot(day: date) -> Period:
    """The state on one day."""
    plain = date(day.year, day.month, day.day)
    return Period("snapshot", plain, plain)


def spanning(start: date, end: date) -> Period:
    """The period that covers exactly these days, first and last included.

    Twelve months from April are a financial year and from January a calendar year; any other
    twelve are `twelve_months`; two years or more are `years_together`. Raises ValueError when no
    kind covers the days exactly.
    """
    for kind in KINDS:
        if _is_span(kind, start, end):
            return Period(kind, start, end)
    _refuse(
        "period: no kind covers exactly these days",
        (start.isoformat(), end.isoformat()),
        "give whole months: one, a calendar quarter, a year or several, or one day twice",
    )


def describe_coverage(start: date, end: date) -> str:
    """What the days from `start` to `end` are called: April to November 2014.

    Days are named only where a month is not whole. Raises ValueError when `end` is before `start`.
    """
    if end < start:
        _refuse(
            "coverage: the end is before the start",
            (start.isoformat(), end.isoformat()),
            "give the first day first",
        )
    whole_months = start.day == 1 and end == _month_end(end)
    if not whole_months:
        return _day(start) if start == end else f"{_day(start)} to {_day(end)}"
    if (start.year, start.month) == (end.year, end.month):
        return _month_and_year(start)
    first = MONTH_NAMES[start.month - 1] if start.year == end.year else _month_and_year(start)
    return f"{first} to {_month_and_year(end)}"


# --- helpers -----------------------------------------------------------------------------------


def _of(kind: Kind, start: date) -> Period:
    """The period of a kind (not a snapshot) that starts on the first of a month."""
    return Period(kind, start, _last_day(start, _SPANS[kind][0]))


def _is_span(kind: Kind, start: date, end: date) -> bool:
    if kind == "snapshot":
        return start == end
    length, starting_months = _SPANS[kind]
    if start.day != 1 or start.month not in starting_months:
        return False
    if kind == "years_together":
        length = max(length, _months_between(start, end))
        return length % 12 == 0 and length < 1000 and end == _last_day(start, length)
    return end == _last_day(start, length)


def _last_day(start: date, length: int) -> date:
    """The last day of the month that is number `length` from the one that starts with `start`."""
    return _month_end(_months_after(start, length - 1))


def _month_end(day: date) -> date:
    return date(day.year, day.month, monthrange(day.year, day.month)[1])


def _months_after(first_of_month: date, count: int) -> date:
    years, month_index = divmod(first_of_month.month - 1 + count, 12)
    return date(first_of_month.year + years, month_index + 1, 1)


def _months_between(start: date, end: date) -> int:
    """How many months the days from `start` to `end` touch."""
    return (end.year - start.year) * 12 + end.month - start.month + 1


def _years_before(day: date, count: int) -> date:
    year = day.year - count
    if (day.month, day.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return date(year, day.month, day.day)


def _month_and_year(day: date) -> str:
    return f"{MONTH_NAMES[day.month - 1]} {day.year}"


def _day(day: date) -> str:
    return f"{day.day} {_month_and_year(day)}"


def _two_years(period: Period, separator: str) -> str:
    return f"{period.start.year:04d}{separator}{period.end.year % 100:02d}"


def _month_label(day: date) -> str:
    return f"{day.year:04d}M{day.month:02d}"


def _printed_together(period: Period) -> str:
    """From the first of its years to the last, as each would be printed."""
    first = spanning(period.start, _last_day(period.start, 12))
    last = spanning(_months_after(period.start, len(period.months) - 12), period.end)
    if first.kind == "twelve_months":
        return describe_coverage(period.start, period.end)
    return f"{first.printed} to {last.printed}"


_LABELS: dict[Kind, Callable[[Period], str]] = {
    "year": lambda period: _two_years(period, "-"),
    "month": lambda period: _month_label(period.start),
    "quarter": lambda period: f"{period.start.year:04d}Q{period.end.month // 3}",
    "calendar_year": lambda period: f"{period.start.year:04d}CY",
    "twelve_months": lambda period: f"{_month_label(period.end)}-P12M",
    "years_together": lambda period: f"{_month_label(period.end)}-P{len(period.months)}M",
    "snapshot": lambda period: period.start.isoformat(),
}
_PRINTED: dict[Kind, Callable[[Period], str]] = {
    "year": lambda period: _two_years(period, "/"),
    "month": lambda period: _month_and_year(period.start),
    "quarter": lambda period: describe_coverage(period.start, period.end),
    "calendar_year": lambda period: str(period.start.year),
    "twelve_months": lambda period: f"twelve months to {_month_and_year(period.end)}",
    "years_together": _printed_together,
    "snapshot": lambda period: _day(period.start),
}


class _Refused(ValueError):
    """A refusal that already says what is wrong, so that `parse` need not."""


def _refuse(rule: str, got: object, repair: str) -> NoReturn:
    raise _Refused(f"{rule}; got: {got!r}; {repair}")
