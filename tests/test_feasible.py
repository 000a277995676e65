"""What sums leave possible of numbers that are not known, against trying out every table.

Tables are drawn as they would be published; `?` is not shown. Four values must stay possible of a
number that may be below 5, as the rule says of itself that a hidden one is 1, 2, 3 or 4.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from safecity_pipeline import feasible
from safecity_pipeline.feasible import Asked, Judged, Line

ASKED = Asked(5, 4)


def judged(drawn: str, least: float = 1.0) -> Judged:
    """A two-way table with its margins, last row and column; every `?` is `least` or more."""
    table = [line.split() for line in drawn.strip().splitlines()]
    cells = {(r, c): cell for r, row in enumerate(table) for c, cell in enumerate(row)}
    ranges = {
        place: (least, math.inf) if cell == "?" else (float(cell), float(cell))
        for place, cell in cells.items()
    }
    down, across = range(len(table) - 1), range(len(table[0]) - 1)
    end, side = len(table) - 1, len(table[0]) - 1
    lines = [feasible.equal((r, side), [(r, c) for c in across]) for r in (*down, end)]
    if down:
        lines += [feasible.equal((end, c), [(r, c) for r in down]) for c in (*across, side)]
    hidden = {place: ASKED for place, cell in cells.items() if cell == "?"}
    return feasible.judge(ranges, lines, hidden)


def test_one_hidden_cell_follows_from_its_row() -> None:
    found = judged("""
        ?  9  12
        8  7  15
        11 16 27
    """)
    assert found.narrow == {(0, 0): (3, 3)}


def test_two_hidden_cells_of_a_row_protect_one_another_if_there_is_room() -> None:
    """? + ? = 5 leaves 1 to 4 of each; ? + ? = 4 leaves 1 to 3."""
    assert judged("? ? 9 14").narrow == {}
    assert judged("? ? 9 13").narrow == {(0, 0): (1, 3), (0, 1): (1, 3)}


AROUND = """
    ?  ?  5  6  20
    ?  ?  7  8  24
    ?  9  ?  ?  23
    3  4  ?  ?  20
    15 20 26 26 87
"""


def test_only_all_sums_together_give_a_cell_away() -> None:
    """In every row and column two or more are hidden. The first two rows and columns have
    a + b = 9, c + d = 9, b + d = 7 and a + c + e = 12: so a + c = 9 + 9 - 7 = 11, and e = 1."""
    assert set(judged(AROUND).narrow) == {(2, 0)}
    # Three more of e and of its sums: e = 4, and it is known all the same.
    assert set(
        judged(AROUND.replace("23", "26").replace("15 20 26 26 87", "18 20 26 26 90")).narrow
    )
    # Were b hidden in the margin as well, b + d could be anything.
    assert judged(AROUND.replace("15 20 26 26 87", "15 ? ? 26 87")).narrow == {}


def test_a_number_that_can_only_be_great_or_nothing_is_no_secret() -> None:
    assert judged("? 9 15").narrow == {}
    assert judged("? 9 9", least=0.0).narrow == {}


def test_of_rounded_numbers_more_is_possible() -> None:
    """20 and 25, rounded to 5, are 18 to 22 and 23 to 27: what is hidden beside 20 of 25 is from 1
    to 9. As exact numbers they would leave 5."""
    hidden = {"hidden": Asked(8, 7)}
    ranges = {"hidden": (1.0, math.inf), "part": (18.0, 22.0), "all": (23.0, 27.0)}
    line = feasible.equal("all", ("part", "hidden"))
    assert feasible.judge(ranges, [line], hidden).narrow == {}
    exact = {**ranges, "part": (20.0, 20.0), "all": (25.0, 25.0)}
    assert feasible.judge(exact, [line], hidden).narrow == {"hidden": (5, 5)}


def test_whole_numbers_leave_less_than_the_numbers_between_them() -> None:
    """2a + 2b + 2c = 2d + 13 - 6e has no whole solution at all; a + b = b + c = a + c = 3 has 1.5
    of each, and no whole one."""
    ranges = dict.fromkeys("abc", (0.0, 10.0))
    lines = [
        Line(tuple((one, 1.0) for one in pair), 3.0, 3.0)
        for pair in itertools.combinations("abc", 2)
    ]
    found = feasible.judge(ranges, lines, {"a": Asked(5, 4)})
    assert found.narrow == {} and len(found.contradictory) == 1


def test_sums_that_cannot_hold_are_said_to() -> None:
    assert len(judged("? 9 3").contradictory) == 1


LINES = st.lists(
    st.tuples(
        st.lists(st.sampled_from((-1, 0, 1)), min_size=4, max_size=4).filter(any),
        st.integers(0, 6),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
)
TRUTHS = st.lists(st.integers(0, 8), min_size=4, max_size=4)


@given(TRUTHS, LINES)
@hypothesis_settings(max_examples=150, deadline=None)
def test_the_judgement_is_that_of_trying_out_every_table(
    truth: list[int], drawn: list[tuple[list[int], int, int]]
) -> None:
    """Four numbers from 0 to 8 with sums of some of them, known exactly or to within a few."""
    lines = []
    for coefficients, below, above in drawn:
        total = sum(by * n for by, n in zip(coefficients, truth, strict=True))
        terms = tuple((at, float(by)) for at, by in enumerate(coefficients) if by)
        exact = below > 3
        lines.append(Line(terms, total - (0 if exact else below), total + (0 if exact else above)))
    every = np.indices((9,) * 4).reshape(4, -1)
    for one in lines:
        total = np.sum([by * every[at] for at, by in one.terms], axis=0)
        every = every[:, (one.low <= total) & (total <= one.high)]
    spans = [(values.min(), values.max()) for values in every]
    small = [bool(low < 5 and high > 0 and high - low + 1 < 4) for low, high in spans]
    expected = {at for at in range(4) if small[at]}
    ranges = dict.fromkeys(range(4), (0.0, 8.0))
    found = feasible.judge(ranges, lines, dict.fromkeys(range(4), ASKED))
    assert set(found.narrow) == expected and not found.contradictory


@pytest.mark.parametrize("far", [1, 20_000])
def test_a_number_may_be_far_above_its_least(far: int) -> None:
    """The first look goes no further than ten thousand; the second has no such end."""
    ranges = {"a": (1.0, math.inf), "b": (1.0, math.inf)}
    lines = [Line((("a", 1.0), ("b", -1.0)), far, far)]
    asked = {"b": ASKED}
    assert feasible.judge(ranges, lines, asked).narrow == {}
