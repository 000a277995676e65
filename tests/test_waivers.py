"""Waivers: what is accepted shows, changes no verdict, ends by itself, and cannot lie dormant.

Here: entries refused, what a waiver matches, a refresh with waivers, expiry, and a release that is
that of a clean run. Not here: the Dagster side of other checks (`test_orchestration`).
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from same_release import differences
from small_folder import (
    MAY,
    dagster_home,
    own_environment,
    refresh_databases,
    street,
    street_row,
    write_small,
)

from safecity_pipeline import board, breaks, settings, summary, waivers
from safecity_pipeline.model import Check, Refused
from safecity_pipeline.orchestration import assets, run
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry import waivers as declared
from safecity_pipeline.registry.waivers import Waiver
from safecity_pipeline.settings import Settings
from safecity_pipeline.waivers import Waivers
from safecity_pipeline.warehouse import Warehouse

CONFIG = 'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n'
PIRACY = """
[piracy]
check = "crime_type_known"
source = "street_crime"
role = "Head of community safety"
reason = "The force has been asked."
accepted_on = 2015-06-01
until = 2016-03-31
"""
BURGLARY = """
[burglary_2014]
indicator = "burglary_rate"
comparison = "previous_year"
period = "2014-15"
base_period = "2013-14"
change = "D22"
role = "Head of community safety"
reason = "Printed with a note."
accepted_on = 2015-06-01
until = 2016-03-31
"""


def read(folder: Path, text: str, known: Registry) -> tuple[Waiver, ...]:
    (folder / "waivers.toml").write_text(text, encoding="utf-8")
    changes = [one.id for one in known.changes.changes]
    return declared.load(known.indicators, changes, folder)


# --- entries -------------------------------------------------------------------------------------


def test_none_is_packaged_and_the_examples_in_the_file_are_sound(
    tmp_path: Path, known: Registry
) -> None:
    assert known.waivers == ()
    text = declared.PACKAGED.read_text(encoding="utf-8")
    examples = [
        line.removeprefix("# ") for line in text.splitlines() if " = " in line or "[" in line
    ]
    found = read(tmp_path, "\n".join(examples), known)
    assert [one.waiver for one in found] == ["ambulance_gap", "violence_2014"]
    waivers.proven(replace(known, waivers=found))


def test_the_name_of_two_editions_is_that_of_the_breaks() -> None:
    assert breaks.TWO_EDITIONS.ids == (declared.EDITIONS,)


SLIPS = [
    (PIRACY, "check =", "chek =", "unknown key; got: 'check'|unknown key; got: 'chek'"),
    (PIRACY, "until = 2016-03-31", "", "until is missing; add until"),
    (PIRACY, "until = 2016-03-31", "until = 2015-01-01", "ends after it was accepted; got: '2015"),
    (PIRACY, "2016-03-31", '"next year"', "until is a day; got: 'next year'; write it as 2013"),
    (PIRACY, "2016-03-31", "2016-03-31T00:00:00", "until is a day; got: datetime"),
    (PIRACY, "2016-03-31", '"2015-02-30"', "until is a day; got: '2015-02-30'"),
    (PIRACY, '"The force has been asked."', '" "', "reason is a text"),
    (PIRACY, "Head of community safety", "Mrs Marvin, police", "role is a role or a body, and nev"),
    (PIRACY, "Head of community safety", "m@example.org", "role is a role or a body, and never"),
    (PIRACY, "source =", "indicator =", "unknown key; got: 'indicator'"),
    (PIRACY, 'source = "street_crime"', "", "source is missing"),
    (PIRACY, "source =", "at_most = 0\nsource =", "at_most is a whole number from 1; got: 0"),
    (PIRACY, "source =", 'period = "2014"\nsource =', "period is a period: .*write it as 2014-15"),
    (BURGLARY, "burglary_rate", "burglary_rat", "unknown indicator; .*did you mean burglary_rate"),
    (BURGLARY, '"D22"', '"D222"', "unknown definitional change; .*did you mean D22"),
    (BURGLARY, "previous_year", "last_year", "unknown comparison of the indicator; got: 'last_ye"),
    ("piracy = 1", "", "", "an entry is a table; got: 1"),
    ('["a b"]', "", "", "a key is of letters"),
    (PIRACY, "[piracy]", "[piracy", "not TOML"),
]


@pytest.mark.parametrize(("entry", "old", "new", "words"), SLIPS)
def test_a_slip_is_refused_with_its_place(
    tmp_path: Path, known: Registry, entry: str, old: str, new: str, words: str
) -> None:
    assert old in entry
    with pytest.raises(Refused, match=words) as refusal:
        read(tmp_path, entry.replace(old, new, 1), known)
    assert str(refusal.value).startswith("waivers.toml")


def test_a_waiver_of_comparisons_says_which(tmp_path: Path, known: Registry) -> None:
    kept = [
        line for line in BURGLARY.splitlines() if not line.startswith(("period", "base", "chan"))
    ]
    with pytest.raises(Refused, match=r"\[burglary_2014\]: .*says which; add period, base_period"):
        read(tmp_path, "\n".join(kept), known)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "crime_type_known",
            "crime_type_know",
            "unknown check of street_crime; .*crime_type_known",
        ),
        ("street_crime", "street_crimes", "unknown source; .*did you mean street_crime"),
        ("crime_type_known", "ledger_adds_up", "nobody can accept that this check fails"),
        ("2015-06-01", "2016-02-01", "accepted on a day that has not come; got: '2016-02-01'"),
    ],
)
def test_a_check_is_one_that_is_made_and_may_fail(
    tmp_path: Path, known: Registry, old: str, new: str, words: str
) -> None:
    found = read(tmp_path, PIRACY.replace(old, new), known)
    with pytest.raises(Refused, match=rf"waivers.toml \[piracy\]: {words}"):
        waivers.proven(replace(known, waivers=found), date(2015, 12, 1))


@pytest.mark.parametrize(
    ("source", "check"),
    [("street_crime", "categories_changed"), ("breaks", "unexplained_break")],
)
def test_what_the_watch_and_the_scan_warn_of_can_be_accepted(
    tmp_path: Path, known: Registry, source: str, check: str
) -> None:
    named = PIRACY.replace("street_crime", source).replace("crime_type_known", check)
    found = read(tmp_path, named, known)
    waivers.proven(replace(known, waivers=found), date(2015, 12, 1))


def test_every_check_of_a_refresh_is_known_by_name(known: Registry, whole_sample: Path) -> None:
    """A new kind of check must be put among those that can be waived."""
    home = Warehouse(whole_sample / "warehouse")
    connection = home.read_release()
    made = connection.execute(
        "SELECT DISTINCT source, check_name FROM meta.check_result"
    ).fetchall()
    connection.close()
    some = Waiver("a", "", "r", "r", date(2015, 1, 1), date(2015, 1, 1))
    named = [
        replace(some, source=source, check_name=name)
        for source, name in made
        if name not in waivers.NEVER and source != waivers.ABOUT
    ]
    assert len(named) > 100
    waivers.proven(replace(known, waivers=tuple(named)))


# --- what is matched -----------------------------------------------------------------------------

#            until        as of        check fails   →  waived, status
CASES = [
    ("2015-12-31", "2015-12-30", True, True, "active"),
    ("2015-12-31", "2015-12-31", True, True, "active"),
    ("2015-12-31", "2016-01-01", True, False, "expired"),
    ("2015-12-31", "2015-12-30", False, False, "unmatched"),
    ("2015-12-31", "2016-01-01", False, False, "unmatched"),
]


@pytest.mark.parametrize(("until", "as_of", "fails", "waived", "status"), CASES)
def test_a_waiver_holds_to_its_last_day_and_while_it_matches(
    until: str, as_of: str, fails: bool, waived: bool, status: str
) -> None:
    one = Waiver(
        "w", "waivers.toml [w]", "Head", "asked", date(2015, 1, 1), date.fromisoformat(until),
        check_name="volume", source="marac",
    )  # fmt: skip
    judge = Waivers((one,), date.fromisoformat(as_of))
    check = Check("marac", "volume", not fails, "too few", "ERROR")
    seen = judge.on(check)
    assert (seen.passed, seen.severity) == (check.passed, check.severity)  # the verdict stays
    assert (seen.waived_by, seen.stops) == ("w" if waived else None, fails and not waived)
    said = {
        "active": "too few; accepted until 31 December 2015 by Head (waiver w): asked",
        "expired": "too few; the waiver w expired on 31 December 2015",
        "unmatched": "too few",
    }
    assert seen.message == said[status]
    (row,) = judge.rows([check], [])
    assert (row["status"], row["matches"]) == (status, int(fails))
    match, current = waivers.checks([row])
    assert (match.severity, match.passed) == ("ERROR", status != "unmatched")
    assert (current.severity, current.passed) == ("WARN", status != "expired")
    assert status != "unmatched" or "waivers.toml [w]; delete the entry" in match.message


def test_more_than_was_accepted_counts_again() -> None:
    day = date(2015, 12, 31)
    one = Waiver("w", "p", "Head", "asked", day, day, "volume", "marac", at_most=3)
    judge = Waivers((one,), day)
    for failed, waived, status in ((3, "w", "active"), (4, None, "exceeded")):
        check = Check("marac", "volume", False, "too few", failed_rows=failed)
        assert judge.on(check).waived_by == waived
        (row,) = judge.rows([check], [])
        assert row["status"] == waivers.judged(row, day) == status
        assert waivers.checks([row])[1].passed == bool(waived)
        assert waivers.judged(row, date(2016, 1, 1)) == "expired"
    assert judge.on(check).message == "too few; the waiver w accepts 3 and no more"


FINDING = {
    "indicator": "violence_rate",
    "comparison": "previous_year",
    "period": "2014-15",
    "base_period": "2013-14",
    "status": "definition_changed",
    "broken_by": "D22 D30",
}


@pytest.mark.parametrize(
    ("asked", "found", "accepted"),
    [
        ({"change_id": "D22"}, {}, True),
        ({"change_id": "D2"}, {}, False),
        ({"period": "2014-15", "base_period": "2013-14"}, {}, True),
        ({"period": "2014-15"}, {"period": "2013-14"}, False),
        ({"change_id": "D22", "comparison": "five_years"}, {}, False),
        ({"change_id": "D22"}, {"status": "comparable"}, False),
        ({"change_id": "D22"}, {"broken_by": None}, False),
        ({"change_id": "D22"}, {"indicator": "burglary_rate"}, False),
    ],
)
def test_a_waiver_accepts_the_comparisons_it_names(
    asked: dict[str, Any], found: dict[str, Any], accepted: bool
) -> None:
    day = date(2015, 1, 1)
    one = Waiver("w", "", "Head", "noted", day, day, indicator="violence_rate", **asked)
    assert Waivers((one,), day).of_finding({**FINDING, **found}) == ("w" if accepted else None)


def test_what_is_accepted_is_a_warning_in_dagster_and_stops_nothing() -> None:
    failed = Check("marac", "volume", False, "too few", "ERROR", waived_by="w")
    assert assets._result(failed).severity == assets.SEVERITIES["WARN"]
    assert not assets._result(failed).passed
    assert assets._result(replace(failed, waived_by=None)).severity == assets.SEVERITIES["ERROR"]


# --- a refresh -----------------------------------------------------------------------------------


def deployment(folder: Path, *entries: str, as_of: str = "2015-11-30") -> Settings:
    """Two months of street-level crime with a row of a kind that nobody knows."""
    (folder / "safecity.toml").write_text(f"{CONFIG}as_of = {as_of}\n", encoding="utf-8")
    (folder / "waivers.toml").write_text("".join(entries), encoding="utf-8")
    write_small(folder / "raw")
    bad = street_row("2014-05", kind="Piracy")
    (folder / "raw" / MAY).write_text(street([street_row("2014-05"), bad]), encoding="utf-8")
    chosen = settings.load(folder / "safecity.toml")
    return chosen.with_folders(folder / "raw", folder / "warehouse")


def rows(chosen: Settings, statement: str) -> list[tuple[Any, ...]]:
    connection = Warehouse(chosen.warehouse).read_release()
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


PASSED = (
    "SELECT passed, severity, waived_by, message FROM meta.check_result "
    "WHERE source = 'street_crime' AND check_name = 'crime_type_known'"
)


def test_a_waiver_shows_ends_by_itself_and_must_go_when_nothing_is_left_to_accept(
    tmp_path: Path,
) -> None:
    chosen = deployment(tmp_path, PIRACY)
    refresh_databases(chosen)
    (check,) = rows(chosen, PASSED)
    assert check[:3] == (False, "WARN", "piracy")
    assert check[3].endswith(
        "accepted until 31 March 2016 by Head of community safety (waiver piracy): "
        "The force has been asked."
    )
    assert rows(chosen, "SELECT waiver, status, matches FROM meta.waiver") == [
        ("piracy", "active", 1)
    ]
    told = "\n".join(summary.of(chosen))
    assert "accepted: street_crime: " in told and "look at: street_crime: 1 row" not in told
    assert "piracy: active, until 31 March 2016" in "\n".join(board.of(chosen))
    assert "piracy: expired" in "\n".join(board.of(chosen, date(2016, 4, 1)))

    # The days pass, and nothing else: the check counts again.
    later = replace(chosen, as_of=date(2016, 4, 1))
    assert refresh_databases(later).facts["published"]
    (check,) = rows(later, PASSED)
    assert check[2] is None and check[3].endswith("the waiver piracy expired on 31 March 2016")
    current = "SELECT passed, severity FROM meta.check_result WHERE check_name = 'waivers_current'"
    assert rows(later, current) == [(False, "WARN")]
    assert not refresh_databases(later).facts["published"]  # it is said once, and nothing is new

    # The force sends the month again, without the row.
    write_small(tmp_path / "raw")
    with pytest.raises(Refused, match=r"waivers.toml \[piracy\]; delete the entry"):
        refresh_databases(chosen)
    assert len(rows(later, PASSED)) == 1  # the last release stands
    (tmp_path / "waivers.toml").write_text("", encoding="utf-8")
    assert refresh_databases(chosen).facts["published"]
    assert_as_clean(chosen, tmp_path)


def assert_as_clean(chosen: Settings, folder: Path) -> None:
    other = replace(chosen, warehouse=folder / "clean")
    refresh_databases(other)
    assert differences(chosen.warehouse, other.warehouse) == []


@pytest.mark.nightly
def test_without_a_day_that_is_set_a_waiver_ends_with_the_days_that_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(deployment(tmp_path, PIRACY), as_of=None)
    on: list[date] = [date(2016, 3, 31)]
    monkeypatch.setattr(Refresh, "_judged_on", property(lambda _: on[0]))
    monkeypatch.setattr(Refresh, "_days_passed", False)  # of arrivals
    refresh_databases(chosen)
    assert not refresh_databases(chosen).facts["published"]
    on[0] = date(2016, 4, 1)
    assert refresh_databases(chosen).facts["published"]
    assert rows(chosen, "SELECT status FROM meta.waiver") == [("expired",)]
    assert_as_clean(chosen, tmp_path)


def test_dagster_shows_it_and_a_dormant_one_stops_the_publication(tmp_path: Path) -> None:
    dormant = PIRACY.replace("[piracy]", "[gone]").replace("crime_type_known", "sheets_uncut")
    with own_environment(DAGSTER_HOME=dagster_home()):
        assert run.refresh(deployment(tmp_path, PIRACY)).published
        outcome = run.refresh(deployment(tmp_path, PIRACY, dormant))
    assert not outcome.success
    assert "waivers.toml [gone]; delete the entry" in outcome.failure
    assert "piracy" not in outcome.failure
