"""Figures that had unequal time to settle get a note, and stay comparable.

Here: the rule, how old a figure is, and where the note stands: findings, claims, targets. Not here:
what did change between two extracts (`test_revisions`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from safecity_pipeline import claims, compare, maturity, measure, period, tables, targets, warehouse
from safecity_pipeline.breaks import Broken
from safecity_pipeline.compare import Series, Value
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Finding, Indicator, Part, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.aims import Aim, Target
from safecity_pipeline.registry.assessments.statements import Claim, Reading

HOME, PEER = "E06000045", "E06000023"


@pytest.mark.parametrize(
    ("days", "settles_after", "noted"),
    [
        ((14, 379), 365, True),  # the one may still move, the other hardly
        ((14, 104), 365, True),  # neither has settled, and they are not equally old
        ((14, 14), 365, False),
        ((14, 45), 365, False),  # a month: what two yearly extracts differ by
        ((14, 46), 365, True),
        ((340, 2000), 365, False),  # 340 of 365 days, and all of them
        ((400, 2000), 365, False),
        ((14, 38), 92, True),  # more than a quarter of 92 days, which are 23
        ((14, 37), 92, False),
        ((14, 379), None, False),  # does not change any more
        ((14, None), 365, False),
        ((14, 20, 200), 365, True),
        ((), 365, False),
    ],
)
def test_which_figures_are_of_unequal_maturity(
    days: Sequence[int | None], settles_after: int | None, noted: bool
) -> None:
    assert maturity.unequal(days, settles_after) is noted
    assert maturity.unequal(days[::-1], settles_after) is noted


def test_the_note_says_both_ages_and_which_figure_may_change() -> None:
    assert maturity.of_change("2014-15", 14, "2013-14", 379, 365) == (
        "2014/15 had 14 days to settle before it was taken out, 2013/14 had 379 days: "
        "a newer extract may change 2014/15"
    )
    base_is_younger = maturity.of_change("2014M05", 200, "2014M04", 1, 365)
    assert base_is_younger is not None
    assert "April 2014 had 1 day: a newer extract may change April 2014" in base_is_younger
    assert maturity.of_change("2014-15", 14, "2013-14", 20, 365) is None
    assert maturity.of_change("2014-15", None, "2013-14", 379, 365) is None


def test_every_source_that_is_extracted_from_a_living_system_says_when_it_settles(
    known: Registry,
) -> None:
    """But for two, whose figures are final when they are delivered: a return of tests made, and
    accounts that are closed."""
    silent = {
        name
        for name, source in known.sources.items()
        if schema.is_dated(source) and source.settles_after is None
    }
    assert silent == {"test_purchase", "late_night_levy"}
    settling = {name for name, source in known.sources.items() if source.settles_after}
    assert all(schema.is_dated(known.sources[name]) for name in settling)


# --- how old a figure is -------------------------------------------------------------------------

ARREST = Indicator("x", "X", "s", "arrests", "count", 1, "x", "none", (), Part("police_arrest"))


def aged(source: Source, rows: Sequence[tuple[str, str, str | None]]) -> dict[str, tuple[Any, Any]]:
    """Label → day of extraction and days to settle, of rows: area, first of month, extracted on."""
    connection = warehouse.memory()
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT, schema.clean_table(source)):
        connection.execute(tables.create(table))
    connection.execute("INSERT INTO meta.area (area_code) VALUES (?)", [HOME])
    connection.execute(
        "INSERT INTO meta.extract (extract_id, received_at) VALUES ('e', DATE '2016-01-01')"
    )
    for area, month, day in rows:
        end = period.parse(month[:7].replace("-", "M")).end
        connection.execute(
            f"INSERT INTO {source.clean} (_extract_id, area_code, month, month_end, extracted_on) "
            "VALUES ('e', ?, ?, ?, ?)",
            [area, month, end, day],
        )
    found = measure.values(connection, ARREST, {source.name: source}).astype(object)
    found = found.where(found.notna(), None)
    told = zip(found["period"], found["extracted_on"], found["maturity_days"], strict=True)
    return {label: (day.date().isoformat(), days) for label, day, days in told}


def test_a_figure_is_as_old_as_its_least_settled_part(known: Registry) -> None:
    rows = [
        (HOME, "2014-04-01", "2014-05-14"),  # 14 days after
        (HOME, "2014-05-01", "2014-06-30"),  # 30 days
        (HOME, "2014-05-01", "2014-06-20"),  # 20 days: another row of the same month
        (HOME, "2014-06-01", "2014-07-14"),  # 14 days too, and newer
    ]
    assert aged(known.sources["police_arrest"], rows) == {
        "2014M04": ("2014-05-14", 14),
        "2014M05": ("2014-06-20", 20),
        "2014M06": ("2014-07-14", 14),
        "2014-15": ("2014-07-14", 14),
    }


def test_a_year_has_the_day_of_its_least_settled_part_and_not_its_newest_day(
    known: Registry,
) -> None:
    rows = [(HOME, "2014-04-01", "2014-05-04"), (HOME, "2014-05-01", "2014-06-30")]
    assert aged(known.sources["police_arrest"], rows)["2014-15"] == ("2014-05-04", 4)


def test_a_figure_whose_rows_state_no_day_has_the_day_of_receipt_and_no_age(
    known: Registry,
) -> None:
    rows = [(HOME, "2014-04-01", None)]
    found = aged(known.sources["police_arrest"], rows)
    assert found["2014M04"] == ("2016-01-01", None)


# --- where the note stands -----------------------------------------------------------------------

THEFTS = Indicator(
    indicator="thefts",
    title="Thefts",
    subject="s",
    unit="thefts",
    kind="count",
    per=1,
    series="thefts",
    polarity="low_is_good",
    compare=("previous_year", "peer_rank", "group_average"),
    numerator=Part("police_crime"),
    peer_group="near",
)


def year(label: str, count: float, days: int | None) -> Value:
    span = period.parse(label)
    return Value(label, "year", span.start, span.start, span.end, True, count, None, maturity=days)


def series(area: str, *values: Value, settles_after: int | None = 365) -> Series:
    named = {value.period: value for value in values}
    return Series(area, area, False, named, settles_after)


def findings(*found: Series) -> dict[tuple[str, str, str], Finding]:
    group = PeerGroup("near", "2015", HOME, tuple(one.area_code for one in found))
    made = compare.findings(
        THEFTS, {one.area_code: one for one in found}, HOME, "Home", lambda *_: group
    )
    return {(one.area_code, one.comparison, one.period): one for one in made}


def test_a_change_of_unequal_maturity_is_comparable_and_noted() -> None:
    own = series(HOME, year("2013-14", 500, 379), year("2014-15", 400, 14))
    found = findings(own)[HOME, "previous_year", "2014-15"]
    assert (found.status, found.significance) == ("comparable", "better")
    assert (found.maturity_days, found.base_maturity_days) == (14, 379)
    assert found.maturity_note and found.sentence.endswith(f"; {found.maturity_note}.")
    alike = series(HOME, year("2013-14", 500, 14), year("2014-15", 400, 14))
    plain = findings(alike)[HOME, "previous_year", "2014-15"]
    assert (plain.maturity_note, "settle" in plain.sentence) == (None, False)
    assert (plain.maturity_days, plain.base_maturity_days) == (14, 14)


def test_months_that_are_left_out_of_a_comparison_say_nothing_of_its_age() -> None:
    """May was taken out late in 2013, and 2014 has no May yet: April is compared with April."""
    own = series(HOME)
    for label, days in (("2013M04", 14), ("2013M05", 3), ("2014M04", 14)):
        month = period.parse(label)
        ends = (month.start, month.start, month.end)
        own.values[label] = Value(label, "month", *ends, True, 100, None, maturity=days)
    for label, days, last in (("2013-14", 3, date(2013, 5, 31)), ("2014-15", 14, None)):
        start = period.parse(label).start
        end = last or start + timedelta(29)
        own.values[label] = Value(label, "year", start, start, end, False, 100, None, maturity=days)
    found = findings(own)[HOME, "previous_year", "2014-15"]
    assert (found.status, found.maturity_days, found.base_maturity_days) == ("part_year", 14, 14)


def test_areas_of_unequal_maturity_are_ranked_with_a_note() -> None:
    one, other = (series(area, year("2014-15", 400, 14)) for area in (HOME, PEER))
    older = series(PEER, year("2014-15", 300, 200))
    for comparison in ("peer_rank", "group_average"):
        noted = findings(one, older)[HOME, comparison, "2014-15"]
        assert "the areas' figures had from 14 to 200 days to settle" in noted.sentence
        assert (noted.status, noted.maturity_days) == ("comparable", 14)
        plain = findings(one, other)[HOME, comparison, "2014-15"]
        assert (plain.maturity_note, plain.maturity_days) == (None, 14)


@pytest.mark.parametrize(("base_days", "noted"), [(379, True), (20, False)])
def test_a_claim_of_a_change_says_so_in_its_reason(base_days: int, noted: bool) -> None:
    columns = ("indicator", "area_code", "period", "numerator", "maturity_days")
    rows = [("thefts", HOME, "2013-14", 500, base_days), ("thefts", HOME, "2014-15", 400, 14)]
    values = pd.DataFrame(rows, columns=list(columns)).assign(
        dimension="all", value=1.0, complete=True, denominator_vintage=None, lower_95=None
    )
    ranks = pd.DataFrame({"comparison": [], "dimension": []})
    known = claims.figures(
        HOME, values, ranks, {}, lambda *_: (), lambda *_: Broken(), {"thefts": 365}
    )
    reading = Reading(
        "so", figure="change_of_count", indicator="thefts", period="2014-15", base="2013-14"
    )
    claim = Claim("C99", "s", "s", "-20", "per cent", "rounded", 0, 1, (reading,), caveat="Mind")
    (row,) = claims.of([Assessment("t", HOME, "2014-15", (claim,), ())], known, True)
    note = maturity.of_change("2014-15", 14, "2013-14", base_days, 365)
    assert (note is not None) is noted
    middle = f". {note}" if note else ""
    assert row["reason"] == f"reproduced by: so{middle}. Mind"
    assert row["verdict"] == "reproduced"


def test_a_target_says_so_in_its_reason() -> None:
    own = series(HOME, year("2013-14", 800, 379), year("2014-15", 704, 14))

    def against(one: Indicator, its: Series, label: str, base: str) -> Finding:
        return compare.against(one, its, label, base)

    counted = replace(THEFTS, compare=())
    known = targets.Known(
        HOME, {"thefts": counted}, {"thefts": own}, {}, against, lambda *_: Broken()
    )
    aim = Aim(name="so", indicator="thefts", wants="less", base="2013-14")
    target = Target("T01", "C60", "p", "a", "l", "lp", "2016-17", (aim,))
    (row,) = targets.of([Assessment("t", HOME, "2014-15", (), (target,))], known, False)
    assert row["verdict"] == "met"
    assert row["reason"].startswith("change -12.0 % (-20.5 to -2.6). 2014/15 had 14 days to settle")
