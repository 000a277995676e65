"""The arrival board: which periods are expected, what is said of each, and the board as text.

Here: drawn deliveries with their dates in sight, periods generated and held against plain
arithmetic, the board of the whole sample, the command. Not here: which extract counts
(`test_ingest`).
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from oracle import drawn
from same_release import differences
from small_folder import own_environment, refresh_databases, small_settings, write_small

from safecity_pipeline import arrivals, board, cli, period, settings, sources
from safecity_pipeline.arrivals import Asked, Came
from safecity_pipeline.ingest.units import Decision, Unit
from safecity_pipeline.model import Extract, Refused, Source, Vouched
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings

AS_OF = date(2015, 11, 30)


def source(cadence: str = "yearly", due_days: int | None = 60) -> Source:
    known = sources.discover()["mediation"]
    return replace(known, name="told", supplier="the teller", cadence=cadence, due_days=due_days)


def asked(as_of: date = AS_OF, **more: Any) -> Asked:
    """The years from 2009-10 to 2014-15."""
    return Asked(date(2009, 4, 1), date(2015, 3, 31), as_of, **more)


def delivered(text: str) -> tuple[list[Decision], dict[str, Came]]:
    """Of a drawn table: extract, its period by label, the day on which it came; and where they are
    drawn, area, rows and the extract that goes before."""
    rows = drawn(text)
    decisions = [
        Decision(
            Unit(row["extract"], "", row.get("area") or "A", of.start, of.end, row.get("rows", 1)),
            row.get("gives_way_to"),
        )
        for row in rows
        for of in [period.parse(str(row["period"]))]
    ]
    return decisions, {row["extract"]: Came(row["came"], "received") for row in rows}


def made(of: Source, text: str, on: Asked | None = None) -> arrivals.Board:
    return arrivals.board(of, *delivered(text), on or asked())


def told(rows: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in names) for row in rows]


def as_drawn(text: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in drawn(text)]


# --- what is said of a period --------------------------------------------------------------------


def test_a_gap_between_years_is_missing_and_the_end_overdue() -> None:
    # due 60 days after 31 March: 30 May
    rows = made(
        source(),
        """
        extract period   came
        one     2011-12  2012-05-30
        two     2013-14  2014-06-01
        """,
    )
    assert told(rows, "period", "due_on", "arrived_on", "status", "days_late") == as_drawn("""
        period   due_on      arrived_on  status        days_late
        2011-12  2012-05-30  2012-05-30  arrived       .
        2012-13  2013-05-30  .           missing       914
        2013-14  2014-05-30  2014-06-01  arrived_late  2
        2014-15  2015-05-30  .           overdue       184
    """)
    assert (AS_OF - date(2013, 5, 30)).days == 914


@pytest.mark.parametrize(
    "row",
    drawn("""
        as_of       status    days_late
        2014-12-01  not_over  .
        2015-03-31  not_over  .
        2015-04-01  due       .
        2015-05-30  due       .
        2015-05-31  overdue   1
        2026-11-23  overdue   4195
    """),
    ids=lambda row: str(row["as_of"]),
)
def test_a_period_is_awaited_until_its_due_day_is_over(row: dict[str, Any]) -> None:
    found = made(source(), "extract period came\none 2013-14 2014-05-01", asked(row["as_of"]))
    last = {name: found[-1][name] for name in ("as_of", "status", "days_late")}
    assert (found[-1]["period"], last) == ("2014-15", row)
    earlier = made(source(), "extract period came\none 2013-14 2014-05-01", asked(date(2014, 4, 1)))
    assert [arrivals.judged(one, row["as_of"]) for one in earlier] == found


def test_nothing_after_the_assessed_year_is_waited_for_and_what_came_of_it_is_not_shown() -> None:
    rows = made(
        source(),
        """
        extract period        came
        one     2008-09       2009-05-01
        two     2009-10       2010-05-01
        two     2010-11       2011-05-01
        two     2011-12       2012-05-01
        two     2012-13       2013-05-01
        two     2013-14       2014-05-01
        two     2014-15       2015-05-01
        two     2015-16       2016-05-01
        """,
        asked(date(2026, 11, 23)),
    )
    years = ["2009-10", "2010-11", "2011-12", "2012-13", "2013-14", "2014-15"]
    assert [row["period"] for row in rows] == years


def test_of_several_periods_in_one_file_only_the_newest_is_called_late() -> None:
    rows = made(
        source("monthly", 30),
        """
        extract period   came
        one     2014M12  2015-01-05
        two     2015M01  2015-04-30
        two     2015M02  2015-04-30
        two     2015M03  2015-05-01
        """,
    )
    assert told(rows, "period", "due_on", "status", "days_late") == as_drawn("""
        period   due_on      status           days_late
        2014M12  2015-01-30  arrived          .
        2015M01  2015-03-02  came_with_later  .
        2015M02  2015-03-30  came_with_later  .
        2015M03  2015-04-30  arrived_late     1
    """)


def test_months_that_come_by_the_year_make_up_the_year() -> None:
    months = [f"2014M{month:02d}" for month in range(4, 13)] + ["2015M01", "2015M02", "2015M03"]
    lines = [f"{'one' if place < 8 else 'two'} {label}" for place, label in enumerate(months)]
    days = {"one": "2014-12-15", "two": "2015-05-31"}
    text = "\n".join(["extract period came", *(f"{one} {days[one[:3]]}" for one in lines)])
    (row,) = made(source(), text)
    assert (row["period"], row["status"], row["days_late"]) == ("2014-15", "arrived_late", 1)
    assert (row["extracts"], row["rows"], row["arrived_on"]) == ("one, two", 12, date(2015, 5, 31))
    (part,) = made(source(), "\n".join(text.splitlines()[:9]))
    assert (part["status"], part["note"], part["delivered"]) == (
        "incomplete",
        "8 of 12 months",
        "part",
    )
    (waits,) = made(source(), "\n".join(text.splitlines()[:9]), asked(date(2015, 5, 30)))
    assert (waits["status"], waits["days_late"]) == ("due", None)
    hole = [line for line in text.splitlines() if "2014M08" not in line]
    (holed,) = made(source(), "\n".join(hole))
    assert (holed["status"], holed["note"]) == ("incomplete", "11 of 12 months")


def test_a_source_that_begins_within_a_year_is_not_asked_for_what_was_before() -> None:
    months = ["2013M11", "2013M12", "2014M01", "2014M02", "2014M03"]
    text = "\n".join(["extract period came", *(f"one {label} 2014-05-01" for label in months)])
    first, second = made(source(), text)
    assert told([first, second], "period", "status") == [
        ("2013-14", "arrived"),
        ("2014-15", "overdue"),
    ]
    assert first["note"] == "it begins 1 November 2013"


def test_an_edition_of_rolling_months_that_is_skipped_is_covered_and_no_gap() -> None:
    rows = made(
        source("quarterly"),
        """
        extract period        came
        one     2013-14       2014-05-01
        two     2014CY        2015-02-01
        """,
    )
    # to March 2014 and to December 2014: April 2013 to December 2014 without a day lacking
    assert told(rows, "period", "status") == as_drawn("""
        period        status
        2013-14       arrived
        2014M06-P12M  covered
        2014M09-P12M  covered
        2014CY        arrived
        2014-15       overdue
    """)


def test_surveys_every_two_years_may_slip_by_one() -> None:
    text = "extract period came\none 2009CY 2009-12-01\ntwo 2012CY 2012-12-01"
    assert told(made(source("every two years"), text), "period", "status") == [
        ("2009CY", "arrived"),
        ("2012CY", "arrived"),
        # the next, 2014, ends within the assessed year
        ("2014CY", "overdue"),
    ]
    late = "extract period came\none 2009CY 2009-12-01\ntwo 2013CY 2013-12-01"
    assert ("2011CY", "missing") in told(made(source("every two years"), late), "period", "status")


def test_snapshots_come_on_their_day_of_the_year() -> None:
    text = "extract period came\none 2012-06-30 2012-08-01\ntwo 2014-06-30 ."
    assert told(made(source(), text), "period", "status", "arrived_on") == [
        ("2012-06-30", "arrived", date(2012, 8, 1)),
        ("2013-06-30", "missing", None),
        ("2014-06-30", "arrived", None),  # when it came is not known: it is not called late
    ]


def test_financial_and_calendar_years_of_one_source_are_two_series() -> None:
    text = """
        extract period   came
        one     2012-13  2013-04-30
        one     2013CY   2013-04-30
        one     2014-15  2013-04-30
    """
    assert told(made(source(), text), "period", "status") == [
        ("2012-13", "arrived"),
        ("2013CY", "arrived"),
        ("2013-14", "missing"),
        ("2014CY", "overdue"),
        ("2014-15", "arrived"),
    ]


def test_a_period_without_the_assessed_area_is_incomplete_and_other_areas_are_counted() -> None:
    text = """
        extract period   came        area rows gives_way_to
        old     2012-13  2013-04-30  B    4    .
        one     2013-14  2014-04-30  A    5    two
        two     2013-14  2014-05-02  A    6    .
        one     2013-14  2014-04-29  B    7    .
        one     2013-14  2014-04-29  C    8    .
        two     2014-15  2015-04-30  B    9    .
    """
    rows = made(source(), text, asked(home={"Z": "its partnership", "A": "Southampton", "B": "?"}))
    names = ("period", "status", "areas", "areas_missing", "extracts", "rows", "note", "days_late")
    assert told(rows, *names) == [
        # before the assessed area is told of for the first time, nobody waits for it
        ("2012-13", "arrived", 1, 2, "old", 4, "without Southampton", None),
        ("2013-14", "arrived", 3, 0, "one, two", 21, None, None),
        ("2014-15", "incomplete", 1, 2, "two", 9, "without Southampton", 184),
    ]
    found = arrivals.check(source(), rows)
    assert found.message.startswith(
        "here in part only: 2014-15 (due 30 May 2015; without Southampton); ask for it"
    )


def test_months_of_other_areas_do_not_stand_for_those_of_the_assessed() -> None:
    rows = made(
        source("quarterly"),
        """
        extract period   came        area
        one     2015M01  2015-04-30  A
        one     2015M02  2015-04-30  A
        one     2015M01  2015-04-30  B
        one     2015M02  2015-04-30  B
        one     2015M03  2015-04-30  B
        """,
        asked(home={"A": "Southampton"}),
    )
    assert told(rows, "period", "status", "note") == [("2015Q1", "incomplete", "2 of 3 months")]


def test_a_period_whose_rows_all_give_way_is_superseded() -> None:
    text = "extract period came gives_way_to\none 2014-15 2015-04-30 two"
    (row,) = made(source(), text)
    assert (row["status"], row["rows"], row["extracts"]) == ("superseded", 0, "")


def test_without_a_declared_due_day_only_gaps_are_found() -> None:
    text = "extract period came\none 2011-12 2012-05-30\ntwo 2013-14 2014-06-01"
    rows = made(source(due_days=None), text)
    assert told(rows, "period", "due_on", "status", "days_late") == [
        ("2011-12", None, "arrived", None),
        ("2012-13", None, "missing", None),
        ("2013-14", None, "arrived", None),
        ("2014-15", None, "overdue", None),
    ]


def test_a_source_of_which_nothing_came_has_one_row_and_no_warning() -> None:
    (never,) = arrivals.board(source(), [], {}, asked(synthetic=True))
    assert (never["status"], never.get("period"), never["synthetic"]) == (
        "never_arrived",
        None,
        True,
    )
    (later,) = made(source(), "extract period came\none 2016-17 2017-05-01")
    assert (later["status"], later.get("period")) == ("outside", None)
    assert arrivals.check(source(), [never]).passed and arrivals.check(source(), [later]).passed


def test_the_warning_names_periods_due_days_supplier_and_what_to_do() -> None:
    rows = made(source(), "extract period came\none 2009-10 2010-05-30\ntwo 2013-14 2014-06-01")
    found = arrivals.check(source(), rows)
    assert (found.passed, found.severity, found.period, found.failed_rows) == (
        *(False, "WARN"),
        "2010-11",
        4,
    )
    assert found.message == (
        "missing between periods that came: 2010-11 (due 30 May 2011), 2011-12 (due 30 May 2012), "
        "2012-13 (due 30 May 2013); overdue: 2014-15 (due 30 May 2015); "
        "ask for it (the teller), and put the extract into raw/"
    )


VOUCHED = Vouched("f", received_on=date(2015, 5, 3), published_on=date(2015, 5, 2))
EXTRACTED = date(2015, 5, 1)


@pytest.mark.parametrize(
    ("vouched", "extracted", "expected"),
    [
        (VOUCHED, EXTRACTED, Came(date(2015, 5, 3), "received")),
        (replace(VOUCHED, received_on=None), EXTRACTED, Came(date(2015, 5, 2), "published")),
        (Vouched("f"), EXTRACTED, Came(EXTRACTED, "extracted")),
        (None, EXTRACTED, Came(EXTRACTED, "extracted")),
        (None, None, Came()),
    ],
)
def test_the_day_of_arrival_is_stated_and_never_that_of_the_file(
    vouched: Vouched | None, extracted: date | None, expected: Came
) -> None:
    of_the_file = date(2026, 1, 1)
    extract = Extract("e", "f", Path("f"), "", 0, "read", "", of_the_file, vouched)
    assert arrivals.came(extract, extracted) == expected


# --- expected periods against plain arithmetic ---------------------------------------------------


def _month(number: int) -> date:
    """The first day of a month, counted from January 2009."""
    return date(2009 + number // 12, number % 12 + 1, 1)


def _span(first: int, length: int) -> period.Period:
    return period.spanning(_month(first), _month(first + length) - timedelta(1))


@given(
    st.sampled_from(
        [("monthly", 1, 1), ("quarterly", 3, 3), ("yearly", 12, 12), ("quarterly", 3, 12)]
    ),
    st.sets(st.integers(0, 30), min_size=1, max_size=12),
    st.integers(0, 90),
)
@effort(max_examples=60, deadline=None)
def test_every_expected_period_stands_once(
    kind: tuple[str, int, int], numbers: set[int], last_month: int
) -> None:
    """Periods are numbered: number n starts n steps after April 2009."""
    cadence, step, length = kind
    last = _month(last_month + 4) - timedelta(1)
    spans = {number: _span(3 + number * step, length) for number in range(200)}
    came = [Decision(Unit("e", "", "A", spans[n].start, spans[n].end, 1)) for n in sorted(numbers)]
    window = Asked(date(2009, 4, 1), last, date(2030, 1, 1))
    rows = arrivals.board(source(cadence), came, {}, window)

    covered = {month for n in numbers for month in spans[n].months}
    expected: dict[str | None, str] = {}
    for n in range(min(numbers), 200):
        if spans[n].start > last or (n > max(numbers) and spans[n].end > last):
            break
        whole = set(spans[n].months) <= covered
        absent = "covered" if whole else "missing" if n < max(numbers) else "overdue"
        expected[spans[n].label] = "arrived" if n in numbers else absent
    assert {row.get("period"): row["status"] for row in rows} == (expected or {None: "outside"})
    assert len(rows) == max(1, len(expected))


@given(st.dates(date(2009, 1, 1), date(2020, 12, 31)), st.integers(0, 60))
def test_a_snapshot_moves_by_months_to_its_day_or_the_last(day: date, months: int) -> None:
    moved = period.snapshot(day).later(months)
    expected = _month((day.year - 2009) * 12 + day.month - 1 + months)
    assert (moved.start.year, moved.start.month) == (expected.year, expected.month)
    assert moved.start.day == day.day or (moved.start + timedelta(1)).month != moved.start.month


def test_every_cadence_that_a_source_declares_is_known() -> None:
    known = sources.discover().values()
    assert {one.cadence for one in known} <= set(arrivals.STEPS)


def test_the_years_looked_at_begin_with_the_oldest_baseline_or_five_years_before(
    known: Registry,
) -> None:
    indicators = known.indicators.values()
    assert arrivals.first_day(indicators, period.parse("2014-15")) == date(2009, 4, 1)
    assert arrivals.first_day(indicators, period.parse("2019-20")) == date(2009, 4, 1)
    assert arrivals.first_day([], period.parse("2019-20")) == date(2014, 4, 1)


# --- in a release --------------------------------------------------------------------------------


def rows_of(warehouse: Path, statement: str, database: str = "public/safecity.duckdb") -> list[Any]:
    with duckdb.connect(str(warehouse / "current" / database), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_of_the_sample_nothing_is_missing(
    whole_sample: Path,
) -> None:
    warehouse = whole_sample / "warehouse"
    bad = (
        "SELECT source, period FROM meta.arrival WHERE status IN ('missing','overdue','incomplete')"
    )
    assert rows_of(warehouse, bad) == []
    failed = (
        "SELECT source, period FROM meta.check_result WHERE check_name = 'arrivals' AND NOT passed"
    )
    assert rows_of(warehouse, failed) == []
    every = rows_of(warehouse, "SELECT source, period FROM meta.arrival")
    assert {name for name, _ in every} == set(sources.discover())
    assert [one for one, times in Counter(every).items() if times > 1] == []
    assert rows_of(warehouse, "SELECT bool_and(synthetic), any_value(as_of) FROM meta.arrival") == [
        (True, AS_OF)
    ]


def test_the_boards_rows_and_extracts_are_those_of_the_ledger(whole_sample: Path) -> None:
    warehouse = whole_sample / "warehouse"
    for name in ("ed_assault", "police_crime", "mediation", "marac"):
        counted = (
            "SELECT extract_id, sum(u.rows)::BIGINT FROM meta.extract_unit AS u "
            "JOIN meta.extract USING (extract_id) "
            f"WHERE source = '{name}' AND u.status = 'counted' GROUP BY 1"
        )
        restricted = "restricted/safecity_restricted.duckdb"
        ledger = dict(rows_of(warehouse, counted, restricted))
        told = f"SELECT extracts, rows FROM meta.arrival WHERE source = '{name}'"
        board = rows_of(warehouse, told, restricted)
        assert {one for extracts, _ in board for one in extracts.split(", ")} == set(ledger)
        assert sum(rows for _, rows in board) == sum(ledger.values())


def test_days_of_arrival_in_the_sample_are_those_of_its_manifests(whole_sample: Path) -> None:
    warehouse = whole_sample / "warehouse"
    last = (
        "SELECT due_on, arrived_on, arrived_by, status, days_late FROM meta.arrival "
        "WHERE source = 'ed_assault' AND period = '2015M03'"
    )
    days = (date(2015, 4, 30), date(2015, 5, 11), "published")
    assert rows_of(warehouse, last) == [(*days, "arrived_late", 11)]


def test_the_board_of_the_sample_is_read_at_a_glance(whole_sample: Path) -> None:
    chosen = settings.load(settings.PACKAGED).with_folders(None, whole_sample / "warehouse")
    told = board.of(chosen)
    assert max(len(line) for line in told) <= board.WIDTH
    assert told[0].endswith(", made from synthetic extracts.")
    count = len(sources.discover())
    assert told[1:6] == [
        "Arrivals for 2014/15 as of 30 Nov 2015.",
        f"Of {count} sources 0 with a gap, 0 overdue, 0 here in part, {count} up to date.",
        "",
        "  source                 here to        next due     state",
        "  children_cautioned     2014-15                     up to date",
    ]
    waits = "  reoffending            2012-13        17 Dec 2015  up to date"
    assert waits in told
    later = board.of(chosen, date(2015, 12, 18))
    assert "  reoffending            2012-13        18 Mar 2016  overdue: 2013M06-P12M" in later


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    """Two months of Hampshire, April and May 2014, and the population of that June."""
    chosen = small_settings(tmp_path)
    write_small(chosen.raw)
    return chosen


def test_the_command_prints_the_board_for_any_day(
    small: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refresh_databases(small)

    def called(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["safecity", "status", *arguments])
        capsys.readouterr()
        with own_environment(), pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    monkeypatch.chdir(small.raw.parent)
    there = ("--warehouse", str(small.warehouse))
    status, out, _ = called(*there)
    assert status == 0
    assert "Of 2 sources 0 with a gap, 1 overdue, 0 here in part, 1 up to date." in out
    assert (
        "  street_crime           2014M05                     overdue: 2014M06 … 2015M03 (10)"
        in out
    )
    assert "  population             2014-06-30                  up to date" in out
    assert "Never came, which may be as it should: children_cautioned, drug_admissions" in out
    # June is due 60 days after its end
    _, out, _ = called(*there, "--as-of", "2014-08-29")
    assert "  street_crime           2014M05        29 Aug 2014  up to date" in out
    _, out, _ = called(*there, "--as-of", "2014-08-30")
    assert "  street_crime           2014M05        29 Sep 2014  overdue: 2014M06" in out
    status, _, error = called(*there, "--as-of", "30/08/2014")
    assert status == 2 and "write it as 2015-11-30" in error
    status, _, error = called("--warehouse", "elsewhere")
    assert status == 1 and "no release" in error


def test_another_day_judges_anew_what_is_left_as_it_is(small: Settings, tmp_path: Path) -> None:
    refresh_databases(small)
    of_source = "FROM meta.arrival WHERE source = 'street_crime'"
    statuses = f"SELECT status, count(*) {of_source} GROUP BY 1 ORDER BY 1"
    assert rows_of(small.warehouse, statuses) == [("arrived", 2), ("overdue", 10)]
    early = replace(small, as_of=date(2014, 8, 1))
    assert refresh_databases(early).facts["published"]
    expected = [("arrived", 2), ("due", 2), ("not_over", 8)]
    assert rows_of(small.warehouse, statuses) == expected
    failed = "SELECT count(*) FROM meta.check_result WHERE check_name = 'arrivals' AND NOT passed"
    assert rows_of(small.warehouse, failed) == [(0,)]
    clean = replace(early, warehouse=tmp_path / "clean")
    refresh_databases(clean)
    assert differences(small.warehouse, clean.warehouse) == []
    assert not refresh_databases(early).facts["published"]


# --- the day that is set ------------------------------------------------------------------------


def test_the_day_belongs_to_its_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "safecity.toml"
    file.write_text(
        'area_code = "E06000045"\narea_name = "S"\nyear = "2014-15"\nas_of = 2015-11-30'
    )
    with own_environment():
        chosen = settings.load(file)
        assert chosen.as_of == AS_OF
        assert chosen.of_year("2015-16").as_of is None
        assert chosen.of_year("2015-16", date(2016, 6, 1)).as_of == date(2016, 6, 1)
        assert chosen.of_year("2014-15").as_of == AS_OF
    with own_environment(SAFECITY_YEAR="2015-16"):
        assert settings.load(file).as_of is None
    with own_environment(SAFECITY_AS_OF="2015-10-01"):
        assert settings.load(file).as_of == date(2015, 10, 1)
    with own_environment(SAFECITY_AS_OF="tomorrow"), pytest.raises(Refused, match="SAFECITY_AS_OF"):
        settings.load(file)
    file.write_text(file.read_text().replace("2015-11-30", "2015"))
    with own_environment(), pytest.raises(Refused, match="as_of: not a day"):
        settings.load(file)
