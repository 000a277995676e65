"""Changes across a definition with what is left when recording is allowed for, in words.

Here: which findings get it, the words, what of it is shared, and that a refresh makes it anew.
Not here: the step and what is left (`test_comparable`), the sample (`test_assessment`).
"""

from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pytest
from part_of_sample import SOUTHAMPTON
from test_comparable import stepped

from safecity_pipeline import allowing, shareable, sharing, tables
from safecity_pipeline.comparable import Comparable, Moved
from safecity_pipeline.registry import Registry

COUNT, INJURY = "violence_count", "violence_with_injury_count"
FOUND = Comparable(
    -2.04,
    -9.06,
    5.84,
    (25.0, 21.0, 29.0),
    (27.6, 10.0, 45.0),
    ("D22",),
    (date(2014, 4, 1),),
    (),
    "strong",
    1.0,
    "",
)


def told(known: Registry, **fields: Any) -> dict[str, Any]:
    """One finding, by its fields, of a series that rose by steps in April and November 2014."""
    indicators = dict(known.indicators)
    indicators["calls"] = replace(indicators[COUNT], indicator="calls", title="Calls for help")
    about = replace(stepped(known), area_code=SOUTHAMPTON)
    usual = {
        "indicator": COUNT,
        "area_code": SOUTHAMPTON,
        "period": "2015-16",
        "base_period": "2013-14",
        "compared_months": 12,
        "value": 1210.0,
        "base_value": 1000.0,
        "change": 21.0,
        "status": "definition_changed",
        "broken_by": "X1",
        "sentence": "Recorded.",
    }
    series = allowing.Known({COUNT: about}, indicators, frozenset({"D33"}))
    (row,) = allowing.rows([usual | fields], series)
    return row


def test_a_broken_change_says_what_is_left_of_it(known: Registry) -> None:
    """1,210 / 1,000 as recorded, of which the steps of 1.1 and 1.1 leave nothing."""
    row = told(known)
    change, lower, upper = (row[name] for name in allowing.COLUMNS)
    assert lower < 0 < upper and abs(change) < 3
    assert row["sentence"] == f"Recorded. {row['comparable_note']}"
    assert row["comparable_note"].startswith("Over the same period calls for help did not clearly")
    assert "recording (April 2014 and November 2014), the comparable" in row["comparable_note"]
    assert row["comparable_note"].endswith(f"(likely {lower:.1f} to +{upper:.1f} %).")
    assert row["comparable_rests_on"] == "calls"


def test_a_change_that_is_only_noted_stands_in_no_way(known: Registry) -> None:
    assert told(known, broken_by="X1 D33")["comparable_note"] == told(known)["comparable_note"]


@pytest.mark.parametrize(
    "fields",
    [
        {"broken_by": "D33"},  # X1 reaches the months alone, and not the figure
        {"broken_by": "X1 D46"},  # of one source only: nobody knows its step
        {"broken_by": "X1 denominator_vintage"},
        {"status": "comparable"},
        {"area_code": "E06000043"},
        {"indicator": "burglary_rate"},
        {"compared_months": 7},
        {"value": 0.0},
        {"change": None},
        {"period": "2013-14", "base_period": "2012-13"},  # no step lies between
    ],
)
def test_where_that_is_not_known_nothing_is_said(known: Registry, fields: dict[str, Any]) -> None:
    row = told(known, **fields)
    assert row["sentence"] == "Recorded."
    assert {row[name] for name in (*allowing.COLUMNS, allowing.NOTE, allowing.RESTS_ON)} == {None}


@pytest.mark.parametrize(
    ("moved", "strength", "note"),
    [
        (
            (Moved(INJURY, 3.12, 1.04, 5.2),),
            "strong",
            "Over the same period violence with injury rose (+3.1 %, likely +1.0 to +5.2 %); "
            "allowing for the change in recording (April 2014), the comparable change is -2.0 % "
            "(likely -9.1 to +5.8 %).",
        ),
        (
            (
                Moved(COUNT, -3.12, -5.2, -1.04),
                Moved("violence_with_injury_count", 2.0, None, None),
            ),
            "weak",
            "Over the same period violence against the person fell (-3.1 %, likely -5.2 to -1.0 %) "
            "and violence with injury changed by +2.0 %; allowing for the change in recording "
            "(April 2014), as far as series show that follow it only from afar, the comparable "
            "change is -2.0 % (likely -9.1 to +5.8 %).",
        ),
        (
            (),
            "strong",
            "Allowing for the change in recording (April 2014), the comparable change is -2.0 % "
            "(likely -9.1 to +5.8 %).",
        ),
    ],
)
def test_the_words(known: Registry, moved: Any, strength: str, note: str) -> None:
    found = replace(FOUND, references=moved, strength=strength)
    assert allowing.note(found, known.indicators) == note


def test_what_rests_on_a_series_of_which_something_is_hidden_is_not_shared() -> None:
    table = tables.FINDING.shareable
    with duckdb.connect() as connection:
        connection.execute(f"CREATE SCHEMA {table.schema}")
        connection.execute(tables.create(table))
        for indicator, rests_on in (("a", "calls"), ("b", "calls + ed"), ("ed", "calls")):
            connection.execute(
                f"INSERT INTO {table.full_name} (indicator, sentence, comparable_note, "
                "comparable_change, comparable_rests_on) VALUES (?, 'Said. Note.', 'Note.', 1, ?)",
                [indicator, rests_on],
            )
        connection.execute(f"INSERT INTO {table.full_name} (indicator, sentence) VALUES ('c', 'C')")
        sharing._leave_out_what_rests_on(connection, ["ed"])
        found = connection.execute(
            f"SELECT indicator, sentence, comparable_note, comparable_change FROM {table.full_name}"
        ).fetchall()
    assert sorted(found) == [
        ("a", "Said. Note.", "Note.", 1.0),
        ("b", "Said.", None, None),
        ("c", "C", None, None),
        ("ed", "Said.", None, None),
    ]


def test_nor_what_rests_on_its_months_nor_the_same_words_in_a_draft(known: Registry) -> None:
    """The rate is published, and its step is that of the force's own months."""
    off = sharing.resting_on({COUNT}, known)
    assert COUNT in off and "recorded_violence_rate" in off and INJURY not in off
    kept = shareable.without_notes(
        [{"sentence": "Said. Note. More."}, {"sentence": "Said. Other."}, {"sentence": None}],
        ["Note."],
    )
    assert [row["sentence"] for row in kept] == ["Said. More.", "Said. Other.", None]
