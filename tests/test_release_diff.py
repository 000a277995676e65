"""What changed between two releases, and why: a chain of releases; what changes of one at the same
time reaches other rows.

Two cities, Southampton and its peer Brighton, with 240,000 residents each, so that the counts rank
as the rates do. Here: the differences, their causes, and the page, the table and the command that
tell them. Not here: how a release is made (`test_incremental`).
"""

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from small_folder import APRIL, MAY, POPULATION, street, street_row
from test_incremental import PLAIN, Town
from typer.testing import CliRunner

from safecity_pipeline import cli, shareable, warehouse
from safecity_pipeline.publish import changes_page, differences
from safecity_pipeline.publish.causes import (
    CODE,
    CONFIGURATION,
    DECLARATION,
    DEFINITION,
    DISCLOSURE,
    MENDED,
    REBASED,
    RECEIPT,
    SUPERSEDED,
    UNKNOWN,
    WAIVER,
    WITHDRAWN,
)
from safecity_pipeline.publish.changes_page import Changes
from safecity_pipeline.publish.differences import (
    CHANGED,
    MARKED,
    RANKED,
    VANISHED,
    WORDED,
    Difference,
)
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.changes import Change, Scope

HOME, PEER = "E06000045", "E06000043"
NEWER_POPULATION = "MYEB3_summary_(2020_geog21).csv"
CORRECTED = "2014-05-hampshire-street-corrected.csv"
SUSSEX = "2014-{}-sussex-street.csv"
# Figures of a value; days and months covered are no figures.
VALUES = "mart.indicator_value"


def of_brighton(month: str, rows: int) -> str:
    """A month of Sussex, all in Brighton."""
    made = street([street_row(month)] * rows).replace("Hampshire Constabulary", "Sussex Police")
    return made.replace("E01017180,Southampton 029D", "E01016990,Brighton and Hove 001A")


def residents(southampton: int, column: str = "ladcode20,laname20") -> str:
    return (
        f"{column},country,population_2014\nE06000045,Southampton,E,{southampton}\n"
        "E06000043,Brighton and Hove,E,240000\n"
    )


class Chain:
    """A town whose releases are kept by name."""

    def __init__(self, town: Town) -> None:
        self.town, self.made = town, dict[str, Path]()

    def release(self, name: str) -> None:
        self.town.refresh(replace(self.town.settings, keep_releases=20, keep_restricted=20))
        current = warehouse.Warehouse(self.town.settings.warehouse).current()
        assert current is not None and current not in self.made.values()
        self.made[name] = current

    def between(self, earlier: str, later: str) -> Changes:
        with warehouse.opened(self.made[later]) as connection:
            return changes_page.between(connection, self.made[earlier])


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Chain:
    town = Town(tmp_path_factory.mktemp("chain"), known, PLAIN, whole=True)
    town.put(APRIL, street([street_row("2014-04")] * 3))
    town.put(MAY, street([street_row("2014-05")] * 2))
    town.put(SUSSEX.format("04"), of_brighton("2014-04", 3))
    town.put(SUSSEX.format("05"), of_brighton("2014-05", 3))
    town.put(POPULATION, residents(240_000))
    made = Chain(town)
    made.release("first")
    town.put(MAY, street([street_row("2014-05")] * 4))
    town.declare(changes=replace(known.changes, changes=(*known.changes.changes, of_asb(known))))
    made.release("mended")
    (town.raw / POPULATION).unlink()
    town.put(NEWER_POPULATION, residents(250_000))
    made.release("rebased")
    (town.raw / MAY).unlink()
    town.put(CORRECTED, street([street_row("2014-05")] * 6))
    rate = town.known.indicators["burglary_rate"]
    declared = {**town.known.indicators, "burglary_rate": replace(rate, per=10_000)}
    town.declare(indicators=declared)
    made.release("superseded")
    (town.raw / APRIL).unlink()
    made.release("withdrawn")
    return made


def of_asb(known: Registry) -> Change:
    """A change of what anti-social behaviour is, in May 2014."""
    model = next(one for one in known.changes.changes if one.materiality == "material")
    day = date(2014, 5, 1)
    return replace(
        model,
        id="X99",
        effective_date=day,
        effective_first=day,
        effective_last=day,
        series_scope="=asb.incidents",
        scope=Scope.of("=asb.incidents"),
        area_code=None,
        area_scope="national",
    )


def values(found: Changes) -> dict[tuple[str, str, str], tuple[str, tuple[str, ...]]]:
    """Indicator, area and period of each value that differs → what, and the kinds of its causes."""
    return {
        (one.get("indicator"), one.get("area_code"), one.get("period")): (
            one.kind,
            tuple(dict.fromkeys(cause.kind for cause in causes)),
        )
        for one, causes in found.rows
        if one.of.table.full_name == VALUES
    }


def about(found: Changes, *indicators: str) -> Changes:
    """The same of some indicators alone."""
    return replace(found, rows=[row for row in found.rows if row[0].get("indicator") in indicators])


def words(found: Changes) -> set[tuple[str, str]]:
    """The causes of any row."""
    return {(cause.kind, cause.words) for _, causes in found.rows for cause in causes}


def test_a_mended_extract_moves_exactly_the_values_that_count_its_rows(chain: Chain) -> None:
    """May was 2 and is 4, so that the year was 3 + 2 = 5 and is 7, of 240,000 residents."""
    found = about(chain.between("first", "mended"), "all_crime_rate", "burglary_rate")
    assert values(found) == {
        ("all_crime_rate", HOME, "2014M05"): (CHANGED, (MENDED,)),
        ("all_crime_rate", HOME, "2014-15"): (CHANGED, (MENDED,)),
    }
    cells = {
        one.get("period"): ((one.before or {})["value"], (one.after or {})["value"])
        for one, _ in found.rows
        if one.of.table.full_name == VALUES
    }
    assert cells == {
        "2014M05": pytest.approx((2 / 240, 4 / 240)),
        "2014-15": pytest.approx((5 / 240, 7 / 240)),
    }
    assert words(found) == {(MENDED, MAY)}
    # Both cities change places: 2 against 3 crimes in May, and 5 against 6 in the year.
    ranked = {
        (one.get("area_code"), one.get("period")): (one.before, one.after)
        for one, _ in found.rows
        if one.kind == RANKED
    }
    assert {(HOME, "2014M05"), (HOME, "2014-15"), (PEER, "2014-15")} <= ranked.keys()
    assert {period for _, period in ranked} == {"2014M05", "2014-15"}
    for (area, _), (before, after) in ranked.items():
        places = ((before or {})["rank_high"], (after or {})["rank_high"])
        assert places == ((2, 1) if area == HOME else (1, 2))


def test_it_names_just_the_rows_that_the_databases_do_not_share(chain: Chain) -> None:
    """Against another way to ask: EXCEPT in both directions, table by table."""
    names = list(chain.made)
    for earlier, later in pairwise(names):
        found = chain.between(earlier, later)
        with duckdb.connect() as connection:
            for name in (earlier, later):
                file = warehouse.database(chain.made[name])
                connection.execute(f"ATTACH '{file}' AS {name} (READ_ONLY)")
            for one in differences.TABLES:
                table = one.table.full_name
                counted = [
                    connection.execute(
                        f"SELECT count(*) FROM (FROM {a}.{table} EXCEPT ALL FROM {b}.{table})"
                    ).fetchall()[0][0]
                    for a, b in ((earlier, later), (later, earlier))
                ]
                of_it = [each for each, _ in found.rows if each.of is one]
                told = [
                    sum(side is not None for side in sides)
                    for sides in zip(*((each.before, each.after) for each in of_it), strict=True)
                ] or [0, 0]
                assert told == counted, (earlier, later, table)


def test_a_catalogue_row_marks_what_it_reaches_and_nothing_else_is_the_cause(chain: Chain) -> None:
    """The same two releases: no row of anti-social behaviour counts what was mended of May."""
    found = chain.between("first", "mended")
    asb = about(found, "asb_rate")
    assert set(values(asb).values()) == {(MARKED, (DEFINITION,))}
    assert words(asb) == {(DEFINITION, "X99 was added in the catalogue")}
    (may,) = (
        one
        for one, _ in asb.rows
        if (one.of.table.full_name, one.get("area_code"), one.get("period"))
        == (VALUES, HOME, "2014M05")
    )
    marks = [(row or {})["series_break"] for row in (may.before, may.after)]
    assert marks == ["D22", "D22 X99"]
    assert words(found) == words(asb) | {(MENDED, MAY)}


def test_another_edition_of_the_population_is_told_as_such(chain: Chain) -> None:
    """240,000 residents became 250,000: every rate moves, and no count of crimes does. Brighton
    kept its number, and has another edition behind it."""
    found = chain.between("mended", "rebased")
    assert {key: told for key, told in values(found).items() if key[1] == HOME} == {
        (key, HOME, label): (CHANGED, (REBASED,))
        for key in ("all_crime_rate", "asb_rate", "burglary_rate")
        for label in ("2014M04", "2014M05", "2014-15")
    }
    assert {told for key, told in values(found).items() if key[1] == PEER} == {(MARKED, (REBASED,))}
    assert words(found) == {(REBASED, "edition 2019_geog20 → 2020_geog21")}


def test_an_extract_in_the_place_of_another_and_an_entry_that_reads_otherwise(chain: Chain) -> None:
    """Both in one release: of burglaries there are none, so that only their scale tells."""
    found = chain.between("rebased", "superseded")
    crime, burglary = about(found, "all_crime_rate"), about(found, "burglary_rate")
    assert values(crime) == {
        ("all_crime_rate", HOME, "2014M05"): (CHANGED, (SUPERSEDED,)),
        ("all_crime_rate", HOME, "2014-15"): (CHANGED, (SUPERSEDED,)),
    }
    assert words(crime) == {(SUPERSEDED, f"{MAY} by {CORRECTED}")}
    assert {told for _, told in values(burglary).items()} == {(CHANGED, (DECLARATION,))}
    assert words(burglary) == {(DECLARATION, "burglary_rate: per")}
    assert about(found, "asb_rate").rows == []


def test_an_extract_that_is_gone_takes_its_values_along(chain: Chain) -> None:
    """What is marked against the value before it is marked otherwise without that."""
    found = chain.between("superseded", "withdrawn")
    gone = {key for key, (kind, _) in values(found).items() if kind == VANISHED}
    assert gone == {
        (key, HOME, "2014M04") for key in ("all_crime_rate", "asb_rate", "burglary_rate")
    }
    assert values(found)["asb_rate", HOME, "2014M05"] == (MARKED, (WITHDRAWN,))
    assert words(found) == {(WITHDRAWN, APRIL)}


def test_where_several_could_be_the_cause_all_are_told_and_none_is_sure(chain: Chain) -> None:
    """Across two releases May was mended, and every rate has another edition behind it."""
    found = chain.between("first", "rebased")
    may, april = (values(found)["all_crime_rate", HOME, f"2014M0{month}"] for month in (5, 4))
    assert may == (CHANGED, (MENDED, REBASED))
    assert april == (CHANGED, (REBASED,))  # of which nothing was mended
    causes = {one.get("period"): both for one, both in about(found, "all_crime_rate").rows}
    assert changes_page.why(causes["2014M05"]).startswith("could be any of: ")


def test_changed_code_is_a_cause_only_of_what_its_code_makes(chain: Chain, tmp_path: Path) -> None:
    """Two releases whose code differs, and one value with it: nothing else could have done it, and
    if the code behind values were the same, nothing would be known."""
    altered = tmp_path / "altered"
    shutil.copytree(chain.made["first"], altered)
    with duckdb.connect(str(warehouse.database(altered))) as connection:
        connection.execute("UPDATE meta.release SET code = 'older', code_of_values = 'older'")
        connection.execute(
            "UPDATE mart.indicator_value SET value = value + 1 "
            "WHERE indicator = 'asb_rate' AND period = '2014M04' AND area_code = ?",
            [HOME],
        )
    for expected in (CODE, UNKNOWN):
        with warehouse.opened(chain.made["first"]) as connection:
            found = changes_page.between(connection, altered)
        assert values(found) == {("asb_rate", HOME, "2014M04"): (CHANGED, (expected,))}
        assert found.differs and {cause.kind for cause in found.differs} == {CODE}
        with duckdb.connect(str(warehouse.database(altered))) as connection:
            told = _fact(chain.made["first"], "code_of_values")
            connection.execute("UPDATE meta.release SET code_of_values = ?", [told])


def _fact(release: Path, name: str) -> str:
    with warehouse.opened(release) as connection:
        return str(connection.execute(f"SELECT {name} FROM meta.release").fetchall()[0][0])


ASB_IN_APRIL = f"indicator = 'asb_rate' AND period = '2014M04' AND area_code = '{HOME}'"


@pytest.mark.parametrize(
    ("recorded", "figure", "kind", "cause"),
    [
        (
            "meta.source SET disclosure = 'under_5' WHERE source = 'street_crime'",
            "mart.indicator_value SET value = NULL, numerator = NULL, obs_status = 'C', "
            f"suppressed_reason = '{shareable.WHY}' WHERE {ASB_IN_APRIL}",
            CHANGED,
            DISCLOSURE,
        ),
        (
            "meta.release SET waivers = 'other'",
            "mart.finding SET waived_by = 'W1' "
            f"WHERE {ASB_IN_APRIL} AND comparison = 'previous_year'",
            MARKED,
            WAIVER,
        ),
        (
            "meta.release SET configuration = 'other', area_name = 'Hampton'",
            f"mart.indicator_value SET area_name = 'Hampton' WHERE {ASB_IN_APRIL}",
            WORDED,
            CONFIGURATION,
        ),
        (
            f"meta.extract SET received_at = received_at - 1 WHERE file = '{APRIL}'",
            f"mart.indicator_value SET extracted_on = extracted_on - 1 WHERE {ASB_IN_APRIL}",
            MARKED,
            RECEIPT,
        ),
    ],
)
def test_what_is_no_extract_is_told_as_what_it_is(
    recorded: str, figure: str, kind: str, cause: str, chain: Chain, tmp_path: Path
) -> None:
    """An earlier release of which one thing was recorded otherwise, and one row with it; without
    the first, it is not known why the second differs."""
    altered = tmp_path / "altered"
    shutil.copytree(chain.made["first"], altered)
    for statement, expected in ((figure, UNKNOWN), (recorded, cause)):
        with duckdb.connect(str(warehouse.database(altered))) as connection:
            connection.execute(f"UPDATE {statement}")
        with warehouse.opened(chain.made["first"]) as connection:
            found = changes_page.between(connection, altered)
        ((one, causes),) = found.rows
        assert (one.kind, [each.kind for each in causes]) == (kind, [expected])


# --- page, table, command ------------------------------------------------------------------------


def test_each_release_tells_what_changed_since_the_one_before(chain: Chain) -> None:
    first = chain.made["first"] / "public"
    assert "there is none to compare it with" in (first / "changes.html").read_text("utf-8")
    public = chain.made["mended"] / "public"
    with (public / "changes.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = chain.between("first", "mended")
    assert len(rows) == len(found.rows) > 4
    may = next(row for row in rows if (row["table"], row["period"]) == (VALUES, "2014M05"))
    assert (float(may["before"]), float(may["after"])) == pytest.approx((2 / 240, 4 / 240))
    assert (may["cause"], may["sure"]) == (MENDED, "true") and MAY in may["because"]
    page = (public / "changes.html").read_text("utf-8")
    assert page == changes_page.page(found)  # made again, it is the same
    assert f"{MENDED}: {MAY}" in page and "http" not in page
    counted = changes_page.counts(chain.made["mended"])
    assert counted == {"compared": True} | {
        kind.replace(" ", "_"): count for kind, count in found.counts.items()
    }


def test_a_release_before_it_that_cannot_be_read_does_not_stop_a_publication(
    chain: Chain, tmp_path: Path
) -> None:
    """One that lacks a table, one that is no database, and none at all."""
    older, spoilt, folder = (tmp_path / name for name in ("older", "spoilt", "public"))
    for copy in (older, spoilt):
        shutil.copytree(chain.made["first"], copy)
    folder.mkdir()
    with duckdb.connect(str(warehouse.database(older))) as connection:
        connection.execute("DROP TABLE meta.extract_unit")
    warehouse.database(spoilt).write_bytes(b"no database")
    town = chain.town
    with warehouse.opened(chain.made["mended"]) as connection:
        for previous, words in (
            (older, "it has no meta.extract_unit"),
            (spoilt, "its database cannot be opened"),
            (tmp_path / "none", "This is the first release here"),
        ):
            one = Edition("public", folder, connection, town.known, town.settings, previous)
            changes_page.write(one)
            assert words in (folder / "changes.html").read_text("utf-8")
            table = (folder / "changes.csv").read_text("utf-8")
            assert table.count("\n") == 1  # its head


@pytest.fixture
def run(chain: Chain) -> Callable[..., tuple[int, str]]:
    def call(*arguments: str) -> tuple[int, str]:
        home = ["--warehouse", str(chain.town.settings.warehouse)]
        answer = CliRunner().invoke(cli.app, ["diff", *arguments, *home])
        return answer.exit_code, f"{answer.output}{answer.exception or ''}"

    return call


def test_the_command_names_releases_and_writes_both_files(
    chain: Chain, run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    earlier, later = chain.made["first"].name, str(chain.made["mended"])
    status, told = run(earlier, later, "--html", str(page), "--csv", str(table))
    assert status == 0 and "all_crime_rate: " in told and f"because of: {MENDED}: {MAY}" in told
    assert (
        "Southampton, May 2014: value 0.008333 → 0.01667" in told
    )  # 2 and 4 of 240,000, per 1,000
    public = chain.made["mended"] / "public"
    assert page.read_bytes() == (public / "changes.html").read_bytes()
    assert table.read_bytes() == (public / "changes.csv").read_bytes()
    status, told = run()  # the one before the newest, and the newest
    assert status == 0 and f"{WITHDRAWN}: {APRIL}" in told
    status, told = run("20010101T000000000000Z")
    assert status == 1 and "no such release" in told and chain.made["first"].name in told


def test_what_a_release_keeps_back_is_not_told_of_the_one_before(
    tmp_path: Path, known: Registry
) -> None:
    """April's 3 crimes were public, and are for partners now; May's file is gone as well."""
    town = Town(tmp_path, known, PLAIN, whole=True)
    town.put(APRIL, street([street_row("2014-04")] * 3))
    town.put(MAY, street([street_row("2014-05")] * 2))
    town.put(POPULATION, residents(240_000))
    made = Chain(town)
    made.release("open")
    street_crime = replace(known.sources["street_crime"], audience="partners")
    town.declare(sources={**known.sources, "street_crime": street_crime})
    (town.raw / MAY).unlink()
    made.release("closed")
    found = about(made.between("open", "closed"), "all_crime_rate")
    figures = {one.get("period"): one for one, _ in found.rows if one.of.table.full_name == VALUES}
    assert (figures["2014M04"].before or {})["value"] == pytest.approx(3 / 240)
    assert figures["2014M05"].kind == VANISHED
    for one, causes in found.rows:
        assert changes_page._cells(one, causes)["before"] is None
        assert changes_page.printed(one)[0] == "not told any more"
    page = (made.made["closed"] / "public" / "changes.html").read_text("utf-8")
    assert "not told any more" in page and "0.0125" not in page  # 3 of 240,000, per 1,000


def test_a_number_that_is_small_now_is_not_told_as_it_was() -> None:
    before = {"indicator": "n", "value": 3.0, "suppressed_reason": None}
    after = {"indicator": "n", "value": None, "suppressed_reason": shareable.WHY}
    one = Difference(differences.TABLES[0], before, after, ("value", "suppressed_reason"), CHANGED)
    assert changes_page._cells(one, [])["before"] is None
    assert changes_page.printed(one) == ("not told any more", "none")


def test_a_reason_of_a_claim_may_tell_of_any_figure(chain: Chain, tmp_path: Path) -> None:
    """Other readings stand in a claim's reason, and no release records of which indicators: that
    the code differs as well makes it no sure cause."""
    for name, reason in (("first", "other readings: 8"), ("mended", "other readings: 7.951")):
        shutil.copytree(chain.made[name], tmp_path / name)
        with duckdb.connect(str(warehouse.database(tmp_path / name))) as connection:
            connection.execute("UPDATE meta.release SET code = ?", [name])
            connection.execute("DELETE FROM mart.claim")
            claim = ["C27", "recorded_crime_count", reason]
            connection.execute(
                "INSERT INTO mart.claim (claim, indicator, reason) VALUES (?, ?, ?)", claim
            )
    with warehouse.opened(tmp_path / "mended") as connection:
        found = changes_page.between(connection, tmp_path / "first")
    (causes,) = [both for one, both in found.rows if one.get("claim") == "C27"]
    assert {CODE, MENDED} <= {cause.kind for cause in causes}
    assert changes_page.why(causes).startswith("could be any of: ")


def test_great_numbers_are_told_in_digits() -> None:
    assert [changes_page._printed(22049.0, digits) for digits in (4, 5)] == ["22,049"] * 2
    assert changes_page._printed(22049.25, 6) == "22,049.2"
    assert changes_page._printed(91.811538, 4) == "91.81"


def test_a_text_that_a_spreadsheet_would_run_stays_a_text() -> None:
    assert [changes_page._safe(cell) for cell in ("=1+1", "@A", -1.5, "plain", None, True)] == [
        "'=1+1",
        "'@A",
        -1.5,
        "plain",
        None,
        "true",
    ]
