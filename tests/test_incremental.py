"""A refresh makes anew what a change touches and nothing else, and its release is that of a clean
run, whatever lay in raw/ before.

Three sources of the registry, to be quick: street-level crime as text, population, and
looked-after children as a workbook; two where the workbook has no part (`plain`). Not here: a
refresh that is interrupted (`faults`).
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from same_release import differences
from small_folder import (
    APRIL,
    MAY,
    POPULATION,
    lightly,
    small_settings,
    street,
    street_row,
    write_small,
)
from test_structure import of_the_project

from safecity_pipeline import cost, measure, registry, tallies, upkeep, warehouse
from safecity_pipeline.ingest import intake, units
from safecity_pipeline.model import Refused, Source
from safecity_pipeline.refresh import Refresh, Report
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import looked_after_workbook
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse

BOOK = "SFR49_2014_LATables.xlsx"
PLAIN = ("street_crime", "population")
KEPT = (*PLAIN, "looked_after_children")
STREET = ("all_crime_rate", "asb_rate", "burglary_rate")
INDICATORS = (*STREET, "looked_after_convicted", "looked_after_substance_misuse")
COUNTED = ("rows_read", "rows_valid", "rows_quarantined", "rows_excluded", "units_superseded")
MANIFEST = "file,source,period,published_on,rows,synthetic\n"
HAMPSHIRE = "hampshire-street.csv"


def cut(known: Registry, kept: Sequence[str] = KEPT) -> Registry:
    """A few sources of it, and the indicators of ours that need no other."""
    asked = (known.indicators[key] for key in INDICATORS)
    return replace(
        known,
        sources={name: known.sources[name] for name in kept},
        layouts=tuple(one for one in known.layouts if one.source in kept),
        assessments=(),
        indicators={one.indicator: one for one in asked if one.main.source in kept},
    )


class Town:
    """A folder of extracts, what is declared, and a warehouse; `differs` asks a clean run.
    `whole`: its releases have pages and files too, and not databases alone."""

    def __init__(
        self, folder: Path, known: Registry, kept: Sequence[str] = KEPT, whole: bool = False
    ) -> None:
        self.folder, self.known = folder, cut(known, kept)
        self.making = nullcontext if whole else lightly
        self.settings = small_settings(folder)
        self.raw = self.settings.raw
        self.clean = 0

    def put(self, file: str, content: str | bytes) -> None:
        path = self.raw / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def move(self, old: str, new: str) -> None:
        (self.raw / new).parent.mkdir(parents=True, exist_ok=True)
        (self.raw / old).rename(self.raw / new)

    def declare(self, **other: Any) -> None:
        """The registry with something else in it, which its digest tells."""
        digest = f"{self.known.digest}, {', '.join(other)}"
        self.known = replace(self.known, digest=digest, **other)

    def begun(self, settings: Settings | None = None) -> Refresh:
        """A refresh of which no step is taken yet."""
        one = Refresh(settings or self.settings)
        one.__dict__["registry"] = self.known
        return one

    def refresh(self, settings: Settings | None = None) -> dict[str, Report]:
        """Every step in order; their reports by name."""
        one = self.begun(settings)
        with self.making(), one.warehouse.lock():
            one.warehouse.sweep()
            with one.at_work():
                return {
                    "raw": one.look(),
                    **{source: one.take_in(source) for source in self.known.sources},
                    "values": one.indicators(),
                    "estimates": one.estimates(),
                    "comparables": one.comparables(),
                    "findings": one.findings(),
                    "revisions": one.revisions(),
                    "claims": one.claims(),
                    "targets": one.targets(),
                    "drafts": one.drafts(),
                    "waivers": one.waivers(),
                    "release": one.release(),
                }

    def differs(self) -> list[str]:
        """How the release differs from that of a clean run of what is there now."""
        self.clean += 1
        other = self.settings.with_folders(self.raw, self.folder / f"clean-{self.clean}")
        self.refresh(other)
        found = differences(self.settings.warehouse, other.warehouse)
        shutil.rmtree(other.warehouse)
        return found


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Of tables this small, DuckDB's threads only take turns."""
    connect = warehouse._connect

    def connected(scratch: Path) -> Any:
        return connect(scratch).execute("SET threads = 1")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "_connect", connected)
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Town:
    """Four months of street-level crime, the population, and the workbook; refreshed once."""
    made = Town(tmp_path_factory.mktemp("first"), known)
    write_small(made.raw)
    for number in (6, 7):
        made.put(f"2014-{number:02}-{HAMPSHIRE}", month(number))
    # Made-up and real extracts are not mixed, so the workbook goes by a name of its own.
    made.put(BOOK, looked_after_workbook.deliveries(Plan())[0].content)
    made.refresh()
    return made


@pytest.fixture(scope="module")
def first_plain(tmp_path_factory: pytest.TempPathFactory, known: Registry) -> Town:
    """Two months of street-level crime and the population, refreshed once."""
    made = Town(tmp_path_factory.mktemp("plain"), known, PLAIN)
    write_small(made.raw)
    made.refresh()
    return made


@pytest.fixture
def town(tmp_path: Path, known: Registry, first: Town) -> Town:
    return copied(first, tmp_path / "town", known)


@pytest.fixture
def plain(tmp_path: Path, known: Registry, first_plain: Town) -> Town:
    return copied(first_plain, tmp_path / "plain", known)


def copied(first: Town, folder: Path, known: Registry) -> Town:
    """The same folder and warehouse again; files keep their dates."""
    shutil.copytree(first.folder, folder, symlinks=True)
    return Town(folder, known, tuple(first.known.sources))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of indicators whose values were computed, as they were."""
    keys: list[str] = []
    values = measure.values

    def noted(connection: Any, indicator: Any, *more: Any) -> Any:
        keys.append(indicator.indicator)
        return values(connection, indicator, *more)

    monkeypatch.setattr(measure, "values", noted)
    return keys


def handled(reports: Mapping[str, Report]) -> dict[str, int]:
    return {source: reports[source].handled for source in KEPT if source in reports}


def counts(report: Report) -> tuple[int, int]:
    return report.facts["computed"], report.facts["kept"]


def month(number: int, rows: int = 2, **more: str) -> str:
    return street([street_row(f"2014-{number:02}", **more)] * rows)


# --- what is made anew ---------------------------------------------------------------------------


def test_a_new_street_file_is_read_alone_and_only_street_indicators_are_computed(
    town: Town, computed: list[str]
) -> None:
    town.put(f"2014-08-{HAMPSHIRE}", month(8))
    reports = town.refresh()
    # its head and two rows; the other months have 4 + 3 + 3 + 3 lines, which nobody reads again
    assert handled(reports) == {"street_crime": 3, "population": 0, "looked_after_children": 0}
    assert set(computed) == {"all_crime_rate", "asb_rate", "burglary_rate"}
    assert counts(reports["values"]) == (3, 2)
    # no row speaks of antisocial behaviour or burglary: but the rates of a new month are 0, not
    # absent, so all three have a value more
    assert counts(reports["findings"]) == (3, 2)
    assert town.differs() == []


def test_only_the_rows_of_a_new_extract_are_counted(
    plain: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.put(f"2014-08-{HAMPSHIRE}", month(8))
    counted: list[set[str]] = []
    count_others = tallies._count_others

    def noted(connection: Any, table: str, rows: str, columns: str, stands: set[str]) -> None:
        counted.append(stands)
        count_others(connection, table, rows, columns, stands)

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "_count_others", noted)
        patch.setattr(tallies, "_create", _dies)
        plain.refresh()
    assert [len(stands) for stands in counted] == [2]  # April and May
    assert plain.differs() == []


def test_counts_that_are_not_those_of_the_rows_are_made_anew(plain: Town) -> None:
    warehouse = Warehouse(plain.settings.warehouse, Refresh(plain.settings).warehouse.shape)
    with warehouse.lock(), warehouse.open_work() as connection:
        connection.execute("UPDATE build.tally_street_crime SET _rows = _rows + 1 WHERE rowid = 0")
    plain.put(f"2014-08-{HAMPSHIRE}", month(8))
    plain.refresh()
    assert plain.differs() == []


def test_a_changed_threshold_reads_its_source_again_and_nothing_else(
    town: Town, computed: list[str]
) -> None:
    (town.folder / "safecity.toml").write_text(
        'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n'
    )
    (town.folder / "thresholds.csv").write_text(
        "source,rule,severity,threshold,meaning\n"
        "looked_after_children,england_against_regions,warn,7,wider here\n"
    )
    town.known = cut(registry.load(town.folder / "safecity.toml"))
    reports = town.refresh()
    rows = handled(reports)
    assert rows.pop("looked_after_children") > 0
    assert set(rows.values()) == {0}
    assert set(computed) == {"looked_after_convicted", "looked_after_substance_misuse"}
    assert counts(reports["values"]) == (2, 3)
    assert reports["findings"].facts["computed"] <= 2


def test_a_declaration_makes_anew_what_rests_on_it(plain: Town, computed: list[str]) -> None:
    """An entry, a list of peers, a definitional change, and an entry that goes, one by one."""
    known = plain.known
    burglary = known.indicators["burglary_rate"]
    alone = replace(burglary, per=burglary.per * 10, peer_group=None)
    plain.declare(indicators={**known.indicators, "burglary_rate": alone})
    reports = plain.refresh()
    assert set(handled(reports).values()) == {0}
    assert computed == ["burglary_rate"]
    assert counts(reports["findings"]) == (1, 2)

    computed.clear()
    plain.declare(areas=replace(known.areas, _peers=known.areas._peers[1:]))
    assert counts(plain.refresh()["findings"]) == (2, 1)  # burglary has no peers

    # a value says where its definition changed; what is only noted is told in findings alone
    for materiality, again in (("negligible", []), ("material", ["asb_rate"])):
        of_asb = [one for one in known.changes.changes if one.series_scope == "asb"]
        gone = next(one for one in of_asb if one.materiality == materiality)
        rest = tuple(one for one in known.changes.changes if one is not gone)
        plain.declare(changes=replace(known.changes, changes=rest))
        known = plain.known
        reports = plain.refresh()
        assert computed == again
        assert counts(reports["findings"]) == (1, 2)
        assert set(handled(reports).values()) == {0}
    computed.clear()

    left = {key: one for key, one in plain.known.indicators.items() if key != "asb_rate"}
    plain.declare(indicators=left)
    assert counts(plain.refresh()["findings"]) == (0, 2)
    assert computed == []
    assert plain.differs() == []


def test_a_file_that_was_received_another_day_dates_its_values(plain: Town) -> None:
    os.utime(plain.raw / MAY, (1_500_000_000, 1_500_000_000))
    plain.put("note.txt", "something new, so that the steps have work")
    plain.refresh()
    assert plain.differs() == []


def test_named_years_are_made_anew(town: Town, computed: list[str]) -> None:
    town.put("note.txt", "something new, so that the steps have work")
    one = town.begun()
    with one.warehouse.lock():
        one.look()
        for source in KEPT:
            one.take_in(source)
        assert counts(one.indicators(["2020-21"]))[0] == 0
        one.indicators(["2007-08", "2014-15"])
        assert set(computed) == {"all_crime_rate", "asb_rate", "burglary_rate"}
        one.findings(["2014-15"])
        with pytest.raises(Refused, match="not a financial year"):
            one.indicators(["2014CY"])
        one.indicators()
        one.estimates()
        one.comparables()
        one.findings()
        one.revisions()
        one.claims()
        one.targets()
        one.drafts()
        one.waivers()
        one.release()
    assert town.differs() == []


def test_nothing_new_opens_no_file_under_construction(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: Warehouse) -> None:
        raise AssertionError("the work file was opened")

    before = town.settings.warehouse.joinpath("current").resolve()
    monkeypatch.setattr(Warehouse, "open_work", never)
    reports = town.refresh()
    assert reports["release"].facts["published"] is False
    assert before == town.settings.warehouse.joinpath("current").resolve()


# --- the same release as a clean run's -----------------------------------------------------------


LATER = f"2015-01-10/2014-06-{HAMPSHIRE}"
NOVEMBER, JULY = f"2013-11-{HAMPSHIRE}", f"2014-07-{HAMPSHIRE}"


def test_whatever_came_and_went_the_release_is_that_of_a_clean_run(town: Town) -> None:
    town.put(NOVEMBER, street([street_row("2013-11")] * 4))  # older, and late
    (town.raw / MAY).unlink()
    town.move(APRIL, f"again/{APRIL}")
    town.put(LATER, month(6, 5, kind="Burglary"))  # the month is there already, from no day
    town.move(BOOK, f"old/{BOOK}")
    town.put("manifest.csv", f"{MANIFEST}{JULY},,,,9,\n")  # which has two rows and a head
    reports = town.refresh()
    status = dict(rows_of(town, "SELECT file, status FROM meta.extract"))
    assert status == {
        NOVEMBER: "read",
        MAY: "withdrawn",
        APRIL: "withdrawn",
        f"again/{APRIL}": "read",
        LATER: "read",
        f"2014-06-{HAMPSHIRE}": "superseded",
        JULY: "refused",
        BOOK: "withdrawn",
        f"old/{BOOK}": "read",
        POPULATION: "read",
    }
    # heads and rows: November 1 + 4, April 1 + 3, the later June 1 + 5
    assert handled(reports)["street_crime"] == 15
    assert town.differs() == []

    town.put(MAY, month(5, 3))
    town.move(f"again/{APRIL}", APRIL)
    (town.raw / LATER).unlink()
    # The later day of the two decides, though its file comes first by name.
    town.put(f"again/{JULY}", month(7, 1))
    town.put("again/manifest.csv", f"{MANIFEST}{JULY},,,2015-06-01,,\n")
    town.put("manifest.csv", f"{MANIFEST}{JULY},,,2015-07-01,3,\n")
    town.refresh()
    july = "SELECT status FROM meta.extract WHERE ends_with(file, '2014-07-hampshire-street.csv')"
    assert rows_of(town, f"{july} ORDER BY file") == [("read",), ("superseded",)]
    assert town.differs() == []


def rows_of(town: Town, statement: str) -> list[tuple[Any, ...]]:
    connection = Warehouse(town.settings.warehouse).read_release()
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_a_changed_layout_reads_its_files_again(plain: Town) -> None:
    layouts = tuple(
        replace(one, values={"crime_type": {"Drugs": "Burglary"}})
        if one.source == "street_crime"
        else one
        for one in plain.known.layouts
    )
    plain.declare(layouts=layouts)
    # two heads, and 3 + 2 rows
    assert handled(plain.refresh()) == {"street_crime": 7, "population": 0}
    assert plain.differs() == []


def test_a_source_whose_extracts_are_the_same_is_left_as_it_is(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even decided again, yet all that is said of it stands: ledger, checks and facts."""
    taken = intake.take_in

    def street_only(connection: Any, source: Any, *more: Any) -> Any:
        assert source.name == "street_crime"
        return taken(connection, source, *more)

    whole = town.refresh(town.settings.with_folders(town.raw, town.folder / "other"))
    town.put(f"2014-08-{HAMPSHIRE}", month(8))
    with monkeypatch.context() as patch:
        patch.setattr(intake, "take_in", street_only)
        reports = town.refresh()
    for name in ("population", "looked_after_children"):
        assert reports[name].checks == whole[name].checks
        told = {fact: reports[name].facts[fact] for fact in whole[name].facts if fact in COUNTED}
        assert told == {fact: whole[name].facts[fact] for fact in COUNTED}
        assert reports[name].rows == whole[name].rows > 0
    assert town.differs() == []


def test_a_ledger_that_was_emptied_and_not_written_again_is_written(plain: Town) -> None:
    """The run dies after the survey that saw a new file; the file goes again."""
    august = f"2014-08-{HAMPSHIRE}"
    plain.put(august, month(8))
    one = plain.begun()
    with one.warehouse.lock():
        one.look()
    (plain.raw / august).unlink()
    plain.put("note.txt", "something new, so that the steps have work")
    plain.refresh()
    assert plain.differs() == []


@pytest.mark.parametrize("source", registry.load(None).sources.values(), ids=lambda one: one.name)
def test_a_rule_across_rows_looks_at_its_own_source_alone(source: Source) -> None:
    """So that a source may be left as it is, whatever became of the others."""
    named = {
        found
        for one in source.across
        for found in re.findall(r"\b(?:clean|set_aside|quarantine|mart|meta)\.\w+", one.sql)
    }
    assert named <= {source.clean}


def test_figures_made_of_half_a_delivery_are_made_anew_though_it_is_withdrawn(
    plain: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step dies when rows are stored and not yet decided upon; somebody has the figures made in
    the web interface all the same; then the new file goes."""
    august = f"2014-08-{HAMPSHIRE}"
    plain.put(august, month(8))
    one = plain.begun()
    with one.warehouse.lock():
        one.look()
        with monkeypatch.context() as patch:
            patch.setattr(units, "resolve", _dies)
            with pytest.raises(RuntimeError):
                one.take_in("street_crime")
        one.indicators(["2014-15"])
    (plain.raw / august).unlink()
    plain.put("note.txt", "something new, so that the steps have work")
    plain.refresh()
    assert plain.differs() == []


def _dies(*given: object) -> None:
    raise RuntimeError


MONTHS = st.integers(4, 6)
FOLDERS = st.sampled_from(["", "2015-01-10/", "2015-02-10/", "some/"])


class Deliveries(RuleBasedStateMachine):
    """Any files that come, change, move and go, with a refresh now and then."""

    first: Town
    folder: Path
    known: Registry
    differing: list[list[str]]  # of each sequence: how its last release differs from a clean run's

    @initialize()
    def begin(self) -> None:
        number = len(self.differing)
        self.town = copied(self.first, self.folder / str(number), self.known)

    def files(self) -> list[str]:
        found = self.town.raw.rglob("*street.csv")
        return sorted(path.relative_to(self.town.raw).as_posix() for path in found)

    @rule(number=MONTHS, folder=FOLDERS, rows=st.integers(1, 3), refresh=st.booleans())
    def deliver(self, number: int, folder: str, rows: int, refresh: bool) -> None:
        self.town.put(f"{folder}2014-{number:02}-{HAMPSHIRE}", month(number, rows))
        self._then(refresh)

    @rule(data=st.data(), refresh=st.booleans())
    def withdraw(self, data: st.DataObject, refresh: bool) -> None:
        if files := self.files():
            (self.town.raw / data.draw(st.sampled_from(files))).unlink()
        self._then(refresh)

    @rule(data=st.data(), folder=FOLDERS, refresh=st.booleans())
    def rename(self, data: st.DataObject, folder: str, refresh: bool) -> None:
        if files := self.files():
            old = self.town.raw / data.draw(st.sampled_from(files))
            new = self.town.raw / folder / old.name
            new.parent.mkdir(exist_ok=True)
            old.replace(new)
        self._then(refresh)

    @rule(data=st.data(), day=st.integers(1, 3), refresh=st.booleans())
    def vouch(self, data: st.DataObject, day: int, refresh: bool) -> None:
        if files := self.files():
            file = self.town.raw / data.draw(st.sampled_from(files))
            line = f"{file.name},,,2015-03-{day:02},,\n"
            (file.parent / "manifest.csv").write_text(MANIFEST + line)
        self._then(refresh)

    def _then(self, refresh: bool) -> None:
        if refresh:
            self.town.refresh()

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.refresh()
            self.differing.append(self.town.differs())
            shutil.rmtree(self.town.folder)
            assert self.differing[-1] == []  # so that a sequence is shortened as far as it fails


def after_any_sequence(
    first: Town, folder: Path, known: Registry, examples: int, steps: int
) -> list[list[str]]:
    """How the release after each of so many sequences differs from that of a clean run."""

    class Here(Deliveries):
        pass

    Here.first, Here.folder, Here.known, Here.differing = first, folder, known, []
    run_state_machine_as_test(
        Here,
        settings=limits(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Here.differing


def test_after_a_few_deliveries_the_release_is_that_of_a_clean_run(
    first_plain: Town, tmp_path: Path, known: Registry
) -> None:
    found = after_any_sequence(first_plain, tmp_path, known, examples=2, steps=3)
    assert found == [[], []]


@pytest.mark.nightly
def test_after_any_deliveries_the_release_is_that_of_a_clean_run(
    first_plain: Town, tmp_path: Path, known: Registry
) -> None:
    found = after_any_sequence(first_plain, tmp_path, known, examples=25, steps=6)
    assert found == [[]] * 25


# --- an older version's file ---------------------------------------------------------------------


def test_figures_of_an_older_shape_are_made_anew(town: Town) -> None:
    """A version of the pipeline whose tables had other columns left them in the work file."""
    with Refresh(town.settings).warehouse.open_work() as connection:
        for table in ("mart.indicator_value", "mart.finding"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN area_name")
    town.put(f"2014-09-{HAMPSHIRE}", month(9, 2))
    assert town.refresh()["values"].facts["kept"] == 0
    assert town.differs() == []


# --- code and cost -------------------------------------------------------------------------------


def behind(names: Iterable[str]) -> set[str]:
    """Modules and all that they import, for as long as it is of the project."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += of_the_project(name)
    return found


def test_all_code_that_decides_a_figure_is_in_its_state() -> None:
    deciding = {"refresh", "upkeep", "tallies", "breakdowns"}
    assert {*behind(["measure", "marks", "registry.reach"]), *deciding} == set(upkeep.BEHIND_VALUES)
    of_findings = {*behind(["measure", "marks", "compare", "registry.reach"]), *deciding}
    of_findings |= {"waivers", "registry.waivers"}
    assert of_findings == set(upkeep.BEHIND_FINDINGS)


def test_every_step_says_what_it_cost(town: Town) -> None:
    connection = Warehouse(town.settings.warehouse).read_release()
    columns = "step, rows, seconds, cpu_seconds, rows_per_second, peak_megabytes"
    rows = connection.execute(f"SELECT {columns} FROM meta.run_cost ORDER BY step").fetchall()
    connection.close()
    clean = [f"clean/{source}" for source in sorted(KEPT)]
    assert [row[0] for row in rows] == [
        *clean,
        "mart/break_estimate",
        "mart/claim",
        "mart/comparable_value",
        "mart/draft",
        "mart/finding",
        "mart/indicator_value",
        "mart/revision",
        "mart/target",
        "meta/extract",
        "meta/waiver",
    ]
    assert {row[0]: row[1] for row in rows}["clean/street_crime"] == 13
    for _, handled_rows, seconds, cpu_seconds, speed, peak in rows:
        assert seconds > 0 and cpu_seconds > 0
        assert speed == (pytest.approx(handled_rows / seconds) if handled_rows else None)
        assert peak is None or peak > 1


@pytest.mark.skipif(not cost.RESET.exists(), reason="no high-water mark that can be begun anew")
def test_the_peak_is_of_the_block_and_not_of_the_process_so_far() -> None:
    with cost.measured() as large:
        held = bytearray(b"x") * (200 * cost.MEGABYTE)
        del held
    with cost.measured() as small:
        pass
    peaks = large.read().peak_megabytes, small.read().peak_megabytes
    assert peaks[0] is not None and peaks[1] is not None
    assert peaks[0] - peaks[1] > 150
