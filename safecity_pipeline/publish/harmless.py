"""Texts that no spreadsheet takes for a formula, whoever wrote them.

Belongs here: which texts are a danger, and what stands in their place, in Python and in SQL: the
same rule. Does not belong here: which tables are written, and how.

A spreadsheet that opens a CSV takes a text that begins with = + - @ for a formula, blanks before it
or not; some do after a tab or a line end. Such a text gets an apostrophe before it, which is how
spreadsheets themselves mark a text. A plain number in a column of texts (-31.7) does no harm. What
begins with apostrophes and is a danger behind them gets one more, so that taking one away from
every text that is a danger gives back each text as it was (`original`).
"""

from __future__ import annotations

import re

_BLANKS = "'\\t\\n\\x0B\\f\\r \\x{A0}"
_SIGNS = "=+\\-@\\t\\n\\r\\x{FF1D}\\x{FF0B}\\x{FF0D}\\x{FF20}"
_DANGER = f"^[{_BLANKS}]*[{_SIGNS}]"
_NUMBER = "[+-]?[0-9][0-9.,]*( ?%)?"
_FOUND = re.compile(re.sub(r"\\x\{(\w+)\}", lambda one: chr(int(one[1], 16)), _DANGER))
_PLAIN = re.compile(_NUMBER)
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def is_danger(text: str) -> bool:
    """Whether a spreadsheet might take it for a formula."""
    return bool(_FOUND.match(text)) and not _PLAIN.fullmatch(text)


def harmless(text: str) -> str:
    """The text as it stands in a file of open data."""
    return f"'{text}" if is_danger(text) else text


def original(text: str) -> str:
    """What a text of a file of open data was before it was made harmless."""
    return text[1:] if text.startswith("'") and is_danger(text) else text


def harmless_sql(column: str) -> str:
    """The same as `harmless`, of a column of texts. What begins with a letter is told at once: the
    look at the whole text costs a hundred times as much."""
    first = f"({column} < '0' OR {column} > '9' AND {column} < 'A' OR {column} > '~')"
    found = f"regexp_matches({column}, {_sql(_DANGER)})"
    plain = f"regexp_full_match({column}, {_sql(_NUMBER)})"
    return f"CASE WHEN {first} AND {found} AND NOT {plain} THEN '''' || {column} ELSE {column} END"


def _sql(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def visible(text: str) -> str:
    """The text as XML can hold it: a control character by its symbol, any other by U+FFFD."""
    return _UNWRITABLE.sub(lambda found: _symbol(ord(found[0])), text)


def _symbol(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"
