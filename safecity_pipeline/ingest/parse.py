"""Text to typed value and status, before any rule looks at it.

Belongs here: the forms in which suppliers write numbers, months and years. Does not belong here:
whether a value is plausible (the source's model). Status is `ok`, `absent` (empty cell) or `text`
(something stands there that is not of the column's kind).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
from pandera.api.pandas.components import Column

from safecity_pipeline import period

OK, ABSENT, TEXT = "ok", "absent", "text"
WHOLE = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)")
NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d{1,2})?")
LARGEST = 10**18 - 1
IN_WORDS = {
    "text": "a text",
    "whole": "a whole number of at most 18 digits",
    "number": "a number",
    "month": "a month such as 2014-09",
    "financial_year": "a financial year such as 2014/15",
}
SQL_TYPES = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "number": "DOUBLE",
    "month": "DATE",
    "financial_year": "VARCHAR",
}


def kind_of(column: Column) -> str:
    """The kind of a model's column: declared in its metadata, else by its type."""
    declared = (column.metadata or {}).get("parse")
    if declared:
        return str(declared)
    name = str(column.dtype).lower()
    return "whole" if name.startswith("int") else "number" if name.startswith("float") else "text"


def parse(raw: pd.Series, kind: str) -> pd.DataFrame:
    """One row a text: `raw`, `value` (typed, null unless ok) and `status`.

    `raw` holds texts or None. Blanks around a value do not belong to it.
    """
    if kind == "text":
        return _texts(raw)
    read = READERS[kind]
    answers = [_answer(text, read) for text in raw]
    frame = pd.DataFrame({"raw": raw.array, "status": [status for _, status in answers]})
    frame["value"] = _typed(pd.Series([value for value, _ in answers], dtype=object), kind)
    return frame


def _texts(raw: pd.Series) -> pd.DataFrame:
    """Vectorised, since a bulk source has millions of distinct references."""
    value = raw.str.strip()
    value = value.where(value != "", None)
    status = value.isna().map({True: ABSENT, False: OK})
    return pd.DataFrame({"raw": raw.array, "value": value.array, "status": status.array})


def _answer(text: object, read: Callable[[str], object]) -> tuple[object, str]:
    stripped = text.strip() if isinstance(text, str) else ""
    if not stripped:
        return None, ABSENT
    try:
        return read(stripped), OK
    except ValueError:
        return None, TEXT


def _whole(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    value = int(text.replace(",", ""))
    if abs(value) > LARGEST:
        raise ValueError("no table holds a number of that size")
    return value


def _number(text: str) -> float:
    if not NUMBER.fullmatch(text) or not any(character.isdigit() for character in text):
        raise ValueError("not a number")
    return float(text.replace(",", ""))


def _month(text: str) -> pd.Timestamp:
    return pd.Timestamp(period.read_month(text).start)


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
