"""Numbers, months, years and markers in every form in which they are sent.

Here: parse(written(x)) = x for each form, and that nothing else is taken for a value. Not here:
what happens to a cell that is none (`test_conservation`, `test_mutations`).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline.ingest import parse
from safecity_pipeline.model import Refused

MARKERS = {
    "x|c": parse.SUPPRESSED,
    r"\.": parse.NOT_APPLICABLE,
    r"\.\.|NA|": parse.NOT_AVAILABLE,
    "-": parse.NOT_APPLICABLE,
    "~": parse.ROUNDED,
    r"<\s?([\d,.]+)": r"below:\1",
    "low": "below:5",
}
NO_BREAK = "\N{NO-BREAK SPACE}"


def parsed(texts: list[str | None], kind: str, marked: bool = False) -> list[tuple[Any, str]]:
    """(value or None, status) of each text."""
    frame = parse.parse(pd.Series(texts, dtype="str"), kind, MARKERS if marked else None)
    assert list(frame["raw"].where(frame["raw"].notna(), None)) == texts
    values = frame["value"].astype(object).where(frame["value"].notna(), None)
    return list(zip(values, frame["status"], strict=True))


# --- numbers -------------------------------------------------------------------------------------

# Each takes a number without an exponent and gives its text, or None where it has no such form.
FORMS: dict[str, Callable[[Decimal], str | None]] = {
    "plain": lambda number: f"{number:f}",
    "thousands": lambda number: f"{number:,f}",
    "padded": lambda number: f"  {number:f} ",
    "no-break blanks": lambda number: f"{NO_BREAK}{number:f}{NO_BREAK}",
    "signed": lambda number: f"{number:+f}",
    "signed thousands": lambda number: f"{number:+,f}",
    "true minus": lambda number: f"{number:,f}".replace("-", "\N{MINUS SIGN}"),
    "brackets": lambda number: f"({-number:,f})" if number < 0 else None,
    "leading zeros": lambda number: f"{number:024f}",
}
PERCENT = ("{}%", "{} %", "{}" + NO_BREAK + "%")
WHOLE = st.integers(-(10**18) + 1, 10**18 - 1)
POINT = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-(10**15), 10**15),
    st.integers(0, 6),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(WHOLE, min_size=1, max_size=5), st.lists(POINT, min_size=1, max_size=5))
def test_a_number_is_itself_in_every_form(wholes: list[int], points: list[Decimal]) -> None:
    for form in FORMS.values():
        written = {text: number for number in wholes if (text := form(Decimal(number)))}
        expected = [(number, parse.OK) for number in written.values()]
        assert parsed([*written], "whole") == expected
        assert parsed([*written], "whole", marked=True) == expected
        sent = {text: float(number) for number in points if (text := form(number))}
        answers = [(number, parse.OK) for number in sent.values()]
        assert parsed([*sent], "number") == answers
        for percent in PERCENT:
            inside = [text.replace(")", "") for text in sent]  # of brackets: (7.5%)
            texts: list[str | None] = [
                percent.format(text) + ")" * text.startswith("(") for text in inside
            ]
            assert parsed(texts, "number", marked=True) == answers


@settings(deadline=None)
@given(st.floats(-1e99, 1e99).filter(lambda number: number == 0 or abs(number) > 1e-99))
def test_a_float_comes_back_with_all_its_noise(number: float) -> None:
    assert parsed([repr(number)], "number") == [(number, parse.OK)]


NO_NUMBERS = [
    *("1,23", "12,34,567", ",123", "1,2345", "1 234", f"1{NO_BREAK}234", "1.234.567", "1,234,"),
    *("--1", "+-1", "-+1", "1-", "- 1", "−−1", "(−1)", "(-1)", "(+1)", "((1))", "-(1)", "(1", "1)"),
    *("()", "%", "-%", "%1", "1%%", "1‰", ".", "5.", "e5", "1e", "1e999", "9" * 400, "1e99" + "9"),
    *(
        "½",
        "²",
        "1/2",
        "0x1f",
        "1_000",
        "inf",
        "nan",
        "NaN",
        "Infinity",
        "None",
        "TRUE",
        "£5",
        "5p",
    ),
]


@pytest.mark.parametrize("kind", ["whole", "number"])
def test_what_may_be_read_in_two_ways_is_no_number(kind: str) -> None:
    assert parsed([*NO_NUMBERS], kind) == [(None, parse.TEXT)] * len(NO_NUMBERS)


def test_a_whole_number_has_no_point_no_exponent_and_18_digits() -> None:
    texts: list[str | None] = ["1.0", "1e3", "5%", "1" + "0" * 18, "-1" + "0" * 18, "9" * 18]
    expected = [(None, parse.TEXT)] * 5 + [(10**18 - 1, parse.OK)]
    assert parsed(texts, "whole") == expected


# --- months and years ----------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1700, 2200), st.integers(1, 12), st.sampled_from(["{}", " {} ", NO_BREAK + "{}"])
)
def test_months_and_financial_years_are_themselves(year: int, month: int, around: str) -> None:
    written = around.format(f"{year}-{month:02}")
    assert parsed([written], "month") == [(pd.Timestamp(year, month, 1), parse.OK)]
    following = f"{(year + 1) % 100:02}"
    forms = (f"{year}/{following}", f"{year}-{following}", f"{year}/{year + 1}")
    label = f"{year}-{following}"
    for form in forms:
        assert parsed([around.format(form)], "financial_year") == [(label, parse.OK)]


def test_a_month_that_no_table_holds_is_a_text() -> None:
    assert parsed(["0001-01", "9999-12", "2014-13", "2014-9"], "month") == [(None, parse.TEXT)] * 4


# --- markers -------------------------------------------------------------------------------------

STANDS_FOR = {
    "x": "suppressed",
    "c": "suppressed",
    ".": "not_applicable",
    "-": "not_applicable",
    "..": "not_available",
    "NA": "not_available",
    "": "not_available",
    "~": "rounded",
    "<90": "below:90",
    "< 1,000": "below:1000",
    "<2.5": "below:2.5",
    "low": "below:5",
    # Like a marker, and none: another case, no number, a bare pattern.
    "X": "text",
    "na": "text",
    "<": "text",
    "<,": "text",
    "<1.2.3": "text",
    "xx": "text",
    "...": "text",
}


@pytest.mark.parametrize("kind", ["whole", "number"])
@pytest.mark.parametrize("around", ["{}", " {} ", NO_BREAK + "{}" + NO_BREAK])
def test_every_marker_has_its_status_and_no_value(kind: str, around: str) -> None:
    texts: list[str | None] = [around.format(marker) for marker in STANDS_FOR]
    expected = [(None, status) for status in STANDS_FOR.values()]
    assert parsed(texts, kind, marked=True) == expected


@settings(max_examples=30, deadline=None)
@given(limit=st.decimals(0, 10**9, places=2) | st.integers(0, 10**9))
def test_below_keeps_its_number(limit: Decimal | int) -> None:
    for written in (f"<{limit}", f"< {limit:,}", f" <{limit}"):
        assert parsed([written], "number", marked=True) == [(None, f"below:{limit}")]


def test_an_empty_cell_is_absent_unless_a_pattern_is_for_it() -> None:
    empty = pd.Series([None, "", "  ", NO_BREAK], dtype="str")
    assert set(parse.parse(empty, "whole")["status"]) == {parse.ABSENT}
    assert set(parse.parse(empty, "whole", {"x": "suppressed"})["status"]) == {parse.ABSENT}
    assert set(parse.parse(empty, "whole", {r"-?": "suppressed"})["status"]) == {"suppressed"}


def test_a_number_goes_before_a_marker_and_an_earlier_marker_before_a_later() -> None:
    markers = {r"-\d": "suppressed", "a.*": "not_available", ".*": "not_applicable"}
    frame = parse.parse(pd.Series(["-9", "ab", "b", ""], dtype="str"), "whole", markers)
    assert list(frame["status"]) == ["ok", "not_available", "not_applicable", "not_applicable"]
    assert frame["value"].iloc[0] == -9


NEAR_A_NUMBER = st.text(st.sampled_from("0123456789,.+-−()%<xce~ \N{NO-BREAK SPACE}"), max_size=9)


@settings(max_examples=60, deadline=None)
@given(st.lists(NEAR_A_NUMBER | st.text(max_size=9), max_size=30))
def test_no_text_is_a_number_and_a_marker_and_nothing_raises(texts: list[str | None]) -> None:
    for kind in parse.READERS:
        plain, marked = parsed(texts, kind), parsed(texts, kind, marked=True)
        for text, (value, status), (with_markers, word) in zip(texts, plain, marked, strict=True):
            assert (value is not None) == (status == parse.OK)
            assert with_markers == value
            if status == parse.OK:
                assert word == parse.OK
                assert kind not in ("whole", "number") or not set(str(text)) & set("<xc~")
            else:
                assert word == parse.TEXT or parse.is_status(word)
    for text, (value, status) in zip(texts, parsed(texts, "whole"), strict=True):
        if status == parse.OK:
            assert parsed([text], "number") == [(float(value), parse.OK)]


def test_status_words() -> None:
    known = ["suppressed", "not_available", "not_applicable", "rounded", "below:5", "below:2.5"]
    assert all(map(parse.is_status, [*known, r"below:\1"]))
    unknown = ["", "ok", "text", "absent", "Suppressed", "below:", "below", "below:x", "below:-1"]
    assert not any(map(parse.is_status, [*unknown, "below: 5", r"below:\0", r"suppressed\1"]))


@pytest.mark.parametrize(
    ("pattern", "status", "words"),
    [("(", "suppressed", "not a pattern"), ("x", "gone", "no such status"),
     ("<(1)", r"below:\2", "no such group")],
)  # fmt: skip
def test_markers_that_cannot_be_used_are_refused(pattern: str, status: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        parse.parse(pd.Series(["x"], dtype="str"), "whole", {pattern: status})
