"""A published figure is declared as strictly as a computed one.

Here: the keys of kind "published" and of stand-ins. Not here: what all indicators share
(`test_registry`), what the declarations compute (`test_measure`).
"""

from pathlib import Path

import pytest

from safecity_pipeline import sources
from safecity_pipeline.model import Indicator, Part, Refused
from safecity_pipeline.registry import Registry, indicators

SHARE = """
[convicted]
title = "Looked-after children convicted"
unit = "per cent"
kind = "published"
per = 100
series = "convicted"
polarity = "low_is_good"
peer_group = "near"
stand_ins = true
compare = ["previous_year", "baseline:2009CY", "group_average", "peer_rank"]
value = { source = "looked_after_children", where = "measure = 'convicted_percent'" }
numerator = { source = "looked_after_children", where = "measure = 'convicted'" }
denominator = { source = "looked_after_children", where = "measure = 'aged_10_and_over'" }
"""


def declared(folder: Path, text: str) -> Indicator:
    (folder / "youth.toml").write_text(text, encoding="utf-8")
    return indicators.load(sources.discover(), ["near"], folder)["convicted"]


def test_the_entry_that_the_refusals_below_spoil_is_sound(tmp_path: Path) -> None:
    found = declared(tmp_path, SHARE)
    assert found.main == Part("looked_after_children", "measure = 'convicted_percent'", "value")
    assert found.stand_ins is True


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("value =", "valu =", "unknown key; got: 'valu'; did you mean value?"),
        ("value = { source", "notes = 'x' # {", "value is missing; add value"),
        ('"published"', '"rate"', "value is the key of a published figure; got: 'rate'"),
        ("per = 100\n", "per = 1000\n", "per cent is per 100; got: 1000; write per = 100"),
        ("stand_ins = true", "stand_ins = 1.5", "stand_ins is true or false"),
        ('"per cent"', '"per 100"', "only figures per cent whose numerator and denominator"),
        (
            'numerator = { source = "looked_after_children", where = "measure = \'convicted\'" }',
            "",
            "only figures per cent whose numerator and denominator are published average",
        ),
        (
            'numerator = { source = "looked_after_children", where = "measure = \'convicted\'"',
            'numerator = { source = "children_cautioned"',
            "a published figure has one source; got: 'children_cautioned'",
        ),
        (
            "'convicted_percent'\"",
            '\'convicted_percent\'", aggregate = "max(value)"',
            "the aggregate of a published figure is a column.*got: .max.value",
        ),
        ("measure = 'convicted_percent'", "measur = 'x'", "no such column; got: 'measur'"),
    ],
)
def test_a_slip_in_a_published_figure_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in SHARE
    with pytest.raises(Refused, match=words) as refusal:
        declared(tmp_path, SHARE.replace(old, new, 1))
    assert str(refusal.value).startswith("youth.toml [convicted]")


def test_stand_ins_speak_of_peers(tmp_path: Path) -> None:
    alone = SHARE.replace('peer_group = "near"', "").replace(', "group_average", "peer_rank"', "")
    with pytest.raises(Refused, match="stand_ins is true or false, and speaks of the peers"):
        declared(tmp_path, alone)


def test_status_and_marker_of_a_cell_may_be_named(tmp_path: Path) -> None:
    clause = "measure = 'convicted_percent' AND value_status = 'ok' AND value_marker IS NULL"
    found = declared(tmp_path, SHARE.replace("measure = 'convicted_percent'", clause))
    assert found.main.where == clause


@pytest.mark.parametrize(
    ("indicator", "change"),
    [
        ("first_time_entrants_rate", "D15"),
        ("looked_after_convicted", "D15"),
        ("youth_reoffending_10_14", "D29"),
        ("youth_reoffending_15_17", "D11"),
        ("force_no_suspect_identified", "D14"),
    ],
)
def test_a_catalogued_change_reaches_the_series_of_the_figure(
    known: Registry, indicator: str, change: str
) -> None:
    declared = known.indicators[indicator]
    (found,) = (one for one in known.changes.changes if one.id == change)
    assert known.changes.reaches(found, declared.series, {declared.main.source})
