"""Text to typed value and status, before any rule looks at it.

Belongs here: the forms in which suppliers write numbers, months and years, and what stands in
place of a number. Does not belong here: whether a value is plausible (the source's model), which
markers a supplier uses (the layout). Status is `ok`, `absent` (empty cell), `text` (something
stands there that is not of the column's kind), or the word that a layout declares for a marker.
"""

from __future__ import annotations

import itertools
import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandera.api.pandas.components import Column

from safecity_pipeline import period
from safecity_pipeline.model import Refused

OK, ABSENT, TEXT = "ok", "absent", "text"
SUPPRESSED, NOT_AVAILABLE, NOT_APPLICABLE = "suppressed", "not_available", "not_applicable"
ROUNDED, BELOW = "rounded", "below:"
STATUSES = (SUPPRESSED, NOT_AVAILABLE, NOT_APPLICABLE, ROUNDED)
LIMIT = re.compile(r"\d+(\.\d+)?", re.ASCII)
GROUP = re.compile(r"\\([1-9])")  # what a status may take from the marker
WHOLE = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)")
NUMBER = re.compile(r"(?=[+-]?\.?\d)[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d{1,2})?")
MINUS = "\N{MINUS SIGN}"
IN_BRACKETS = re.compile(rf"\(([^()+{MINUS}-]+)\)")
LARGEST = 10**18 - 1
IN_WORDS = {
    "text": "a text",
    "whole": "a whole number of at most 18 digits",
    "number": "a number",
    "month": "a month such as 2014-09",
    "financial_year": "a financial year such as 2014/15",
    "moment": "a day, with or without a time, such as 09/04/2014 13:05 or 2014-04-09 13:05",
    "day": "a day such as 09/04/2014 or 2014-04-09",
}
SQL_TYPES = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "number": "DOUBLE",
    "month": "DATE",
    "financial_year": "VARCHAR",
    "moment": "TIMESTAMP",
    "day": "DATE",
}
DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%b-%Y", "%d %b %Y", "%d.%m.%Y")
TIMES = (" %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", "")
SHAPES = {"%d": ("9", "99"), "%m": ("9", "99"), "%H": ("9", "99"), "%M": ("99",), "%S": ("99",)}
SHAPES |= {"%Y": ("9999",), "%b": ("AAA",), "T": ("A",)}
AS_SHAPE = str.maketrans(
    dict.fromkeys("0123456789", "9") | dict.fromkeys(string.ascii_letters, "A")
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAMES = {name: number for number, name in enumerate(MONTHS, 1)}
EARLIEST, LATEST = 1700, 2200  # years; what lies far from them no table holds


def kind_of(column: Column) -> str:
    """The kind of a model's column: declared in its metadata, else by its type."""
    declared = (column.metadata or {}).get("parse")
    if declared:
        return str(declared)
    name = str(column.dtype).lower()
    return "whole" if name.startswith("int") else "number" if name.startswith("float") else "text"


def is_status(word: str) -> bool:
    """Whether a layout may declare this for a marker: a status word, or `below:` and a number.

    In place of the number may stand a group of the marker's pattern: `below:\\1`.
    """
    if not word.startswith(BELOW):
        return word in STATUSES
    limit = word.removeprefix(BELOW)
    return bool(LIMIT.fullmatch(limit) or GROUP.fullmatch(limit))


@dataclass(frozen=True)
class Marker:
    """A pattern over a stripped cell, and the status that it stands for."""

    pattern: re.Pattern[str]
    status: str


def read_markers(markers: Mapping[str, str]) -> tuple[Marker, ...]:
    """A layout's markers, in order. Raises Refused for what is no pattern or no status."""
    return tuple(_marker(pattern, status) for pattern, status in markers.items())


def _marker(pattern: str, status: str) -> Marker:
    place = f"the marker {pattern!r}"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise Refused(f"not a pattern: {error}", place, repair="mend the expression") from None
    repair = f"known: {', '.join(STATUSES)}, {BELOW} and a number, or a group such as {BELOW}\\1"
    if not is_status(status):
        raise Refused("no such status", place, status, repair)
    group = GROUP.search(status)
    if group and int(group[1]) > compiled.groups:
        raise Refused("the pattern has no such group", place, status, repair)
    return Marker(compiled, status)


def parse(raw: pd.Series, kind: str, markers: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row a text: `raw`, `value` (typed, null unless ok) and `status`.

    `raw` holds texts or None. Blanks around a value, no-break ones too, do not belong to it.
    A number may have commas between thousands, a sign (a true minus sign too), or brackets that
    make it negative; one of kind "number" may end in a per cent sign, and 7.5% is 7.5, since
    percentages are kept per hundred everywhere: a source whose column is a share of one has to
    ask for another form. Days are as in Britain: 09/04/2014 is in April, never in September.

    `markers`: pattern → status, tried in order on what is no value; a pattern that matches "" is
    for empty cells. Columns of texts have none. Raises Refused for markers that cannot be used.
    """
    if kind == "text":
        return _texts(raw)
    if kind in ("moment", "day"):
        return _moments(raw, kind, read_markers(markers or {}))
    read, declared = READERS[kind], read_markers(markers or {})
    answers = [_answer(text, read, declared) for text in raw]
    value = _typed(pd.Series([value for value, _ in answers], dtype=object), kind)
    return _framed(raw, value, [status for _, status in answers])


def is_read(text: str, kind: str) -> bool:
    """Whether a text is of a kind: what `parse` says of it alone, without markers."""
    if kind in READERS:
        return _answer(text, READERS[kind], ())[1] == OK
    return bool(parse(pd.Series([text], dtype="str"), kind)["status"].iloc[0] == OK)


def _framed(raw: pd.Series, value: pd.Series, status: Sequence[str]) -> pd.DataFrame:
    told = pd.Series(status, index=raw.index, dtype="str")
    return pd.DataFrame({"raw": raw.array, "value": value.array, "status": told.array})


def _stripped(raw: pd.Series) -> list[str]:
    """The texts without blanks around them, "" for none."""
    return [text.strip() if isinstance(text, str) else "" for text in raw]


def _texts(raw: pd.Series) -> pd.DataFrame:
    texts = _stripped(raw)
    value = pd.Series([text or None for text in texts], dtype="str")
    return _framed(raw, value, [OK if text else ABSENT for text in texts])


@dataclass(frozen=True)
class Form:
    """Where the parts of a moment stand in a text of one shape: from and to, by %Y, %m and so on.

    A shape has 9 for any digit and A for any letter.
    """

    shape: str
    parts: Mapping[str, tuple[int, int]]

    def read(self, texts: pd.Series) -> NDArray[np.datetime64]:
        """Their moments; none for the 31st of February, the 25th hour and far-away years."""
        codes = texts.to_numpy(dtype=f"U{len(self.shape)}").view(np.uint32)
        table = codes.reshape(len(texts), len(self.shape)).astype(np.int64) - ord("0")
        number = {name: self._number(table, name) for name in ("%Y", "%d", "%H", "%M", "%S")}
        named = "%b" in self.parts
        month = self._named_month(texts) if named else self._number(table, "%m")
        first = ((number["%Y"] - 1970) * 12 + month - 1).astype("datetime64[M]")
        day = first.astype("datetime64[D]") + (number["%d"] - 1)
        seconds = (number["%H"] * 60 + number["%M"]) * 60 + number["%S"]
        there = (month >= 1) & (month <= 12) & (day.astype("datetime64[M]") == first)
        there &= (number["%H"] < 24) & (number["%M"] < 60) & (number["%S"] < 60)
        there &= (number["%Y"] >= EARLIEST) & (number["%Y"] <= LATEST)
        moment = np.where(there, day, np.datetime64("NaT")).astype("datetime64[s]")
        found: NDArray[np.datetime64] = (moment + seconds).astype("datetime64[ns]")
        return found

    def _number(self, table: NDArray[np.int64], name: str) -> NDArray[np.int64]:
        start, end = self.parts.get(name, (0, 0))
        found = np.zeros(len(table), np.int64)
        for at in range(start, end):
            found = found * 10 + table[:, at]
        return found

    def _named_month(self, texts: pd.Series) -> NDArray[np.int64]:
        start, end = self.parts["%b"]
        numbers = texts.str[start:end].str.lower().map(MONTH_NAMES)
        return np.asarray(numbers.fillna(0), dtype=np.int64)


def _forms(written: Sequence[str]) -> dict[str, Form]:
    """By shape: a day or month may have one digit or two."""
    found = {}
    for form in written:
        names = re.findall(r"%.|.", form)
        for texts in itertools.product(*(SHAPES.get(name, (name,)) for name in names)):
            ends = list(itertools.accumulate(map(len, texts)))
            starts = [0, *ends]
            parts = dict(zip(names, zip(starts, ends, strict=False), strict=True))
            found["".join(texts)] = Form("".join(texts), parts)
    return found


FORMS = {"day": _forms(DAYS), "moment": _forms([day + time for day in DAYS for time in TIMES])}


def _moments(raw: pd.Series, kind: str, declared: Sequence[Marker]) -> pd.DataFrame:
    """Vectorised, since nearly every row of a force's extract has its own."""
    text = pd.Series(_stripped(raw), dtype="str")
    shapes = pd.Series([each.translate(AS_SHAPE) for each in text], dtype="str")
    value = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    for shape, texts in text.groupby(shapes):
        if str(shape) in FORMS[kind]:
            value[texts.index] = FORMS[kind][str(shape)].read(texts)
    status = [
        OK if there else TEXT if each else ABSENT
        for there, each in zip(value.notna(), text, strict=True)
    ]
    for at in value.index[value.isna()] if declared else ():
        status[at] = _status(text[at], declared) or status[at]
    return _framed(raw, value, status)


def _answer(
    text: object, read: Callable[[str], object], markers: Sequence[Marker]
) -> tuple[object, str]:
    stripped = text.strip() if isinstance(text, str) else ""
    if not stripped:
        return None, _status(stripped, markers) or ABSENT
    try:
        return read(stripped), OK
    except ValueError:
        return None, _status(stripped, markers) or TEXT


def _status(text: str, markers: Sequence[Marker]) -> str | None:
    """The status of the first marker that the text is; None where it is none.

    A limit is written without commas: `<1,000` is `below:1000`.
    """
    for marker in markers:
        match = marker.pattern.fullmatch(text)
        if match is None:
            continue
        if not marker.status.startswith(BELOW):
            return marker.status
        limit = match.expand(marker.status).removeprefix(BELOW).replace(",", "").strip()
        return f"{BELOW}{limit}" if LIMIT.fullmatch(limit) else None
    return None


def _plain(text: str) -> str:
    """Signs in one form: -12 for a true minus sign before 12, and for (12)."""
    if text.startswith(MINUS):
        return f"-{text[1:]}"
    negative = IN_BRACKETS.fullmatch(text) if text.startswith("(") else None
    return f"-{negative[1]}" if negative else text


def _whole(text: str) -> int:
    text = _plain(text)
    if not WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    value = int(text.replace(",", ""))
    if abs(value) > LARGEST:
        raise ValueError("no table holds a number of that size")
    return value


def _number(text: str) -> float:
    text = _plain(text)
    if text.endswith("%"):
        text = text[:-1].rstrip()
    if not NUMBER.fullmatch(text):
        raise ValueError("not a number")
    value = float(text.replace(",", ""))
    if not math.isfinite(value):
        raise ValueError("no table holds a number of that size")
    return value


def _month(text: str) -> pd.Timestamp:
    return pd.Timestamp(period.read_month(text).start).as_unit("ns")  # too old or far: ValueError


def _financial_year(text: str) -> str:
    return period.read_financial_year(text).label


READERS: dict[str, Callable[[str], object]] = {
    "whole": _whole,
    "number": _number,
    "month": _month,
    "financial_year": _financial_year,
}


def _typed(values: pd.Series, kind: str) -> pd.Series:
    dtypes = {"whole": "Int64", "number": "float64", "month": "datetime64[ns]"}
    return values.astype(dtypes.get(kind, "str"))  # type: ignore[call-overload,no-any-return]
