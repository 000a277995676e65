"""The steps of a refresh: survey, take in each source, indicators, findings, claims and targets,
drafts, waivers, release.

Belongs here: what each step does to the work database, in plain functions that answer what a
caller may show. Does not belong here: scheduling and the web interface (`orchestration`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pandas as pd
from duckdb import DuckDBPyConnection

import safecity_pipeline
from safecity_pipeline import (
    allowing,
    arrivals,
    attacking,
    audiences,
    bookkeeping,
    breakdowns,
    breaks,
    claims,
    comparable,
    compare,
    drafts,
    editions,
    estimates,
    helper,
    lineage,
    marks,
    measure,
    outsider,
    period,
    printed,
    registry,
    revisions,
    shareable,
    sharing,
    tables,
    tallies,
    targets,
    typed,
    upkeep,
    waivers,
    warehouse,
    withheld,
    yearly,
)
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.claims import Figures
from safecity_pipeline.compare import Series
from safecity_pipeline.cost import Cost, measured
from safecity_pipeline.drafts import DraftedFrom
from safecity_pipeline.estimates import Place, Subject
from safecity_pipeline.helper import Helper, Here
from safecity_pipeline.ingest import (
    adding,
    corrections,
    intake,
    ledger,
    pseudonyms,
    survey,
    transcripts,
)
from safecity_pipeline.ingest.intake import Decided, Intake
from safecity_pipeline.ingest.survey import Survey
from safecity_pipeline.model import Check, Extract, Finding, Indicator, Refused, Row
from safecity_pipeline.period import Period
from safecity_pipeline.printed import NOTHING_PRINTED, FirstPrinted
from safecity_pipeline.publish import changes_page, latest, products
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.indicators import PUBLISHED
from safecity_pipeline.registry.references import Judged
from safecity_pipeline.settings import Settings
from safecity_pipeline.tables import Table
from safecity_pipeline.targets import Known
from safecity_pipeline.waivers import Waivers
from safecity_pipeline.warehouse import Warehouse, transaction
from safecity_pipeline.watch import looking, told

log = logging.getLogger(__name__)

RANKS_AND_NOTES = " AND (comparison = 'peer_rank' OR comparable_note IS NOT NULL)"
AT_ONCE = 2  # indicators computed at the same time
MANY_ROWS = 200_000  # read in one step: opening the database anew takes as long as some hundred

RowsOf = Mapping[str, Sequence[compare.Row]]
Cells = tuple[Any, ...]

BESIDE_FINDINGS = (["mart/indicator_value"], ["mart/comparable_value", "mart/revision"])
"""Steps beside those that lead to the findings and on; each stage after the one before."""

STATE = """
CREATE TABLE IF NOT EXISTS build.check_result (
    run_id VARCHAR, source VARCHAR, check_name VARCHAR, period VARCHAR, severity VARCHAR,
    passed BOOLEAN, failed_rows BIGINT, message VARCHAR);
CREATE TABLE IF NOT EXISTS build.run_cost (
    step VARCHAR, seconds DOUBLE, rows BIGINT, peak_megabytes DOUBLE, cpu_seconds DOUBLE,
    rows_per_second DOUBLE);
CREATE TABLE IF NOT EXISTS build.step_state (step VARCHAR, made_from VARCHAR, sequence BIGINT);
"""


@dataclass
class Report:
    """What a step did: facts for people (never a cell of an extract), and its checks.

    `rows`: of the table that the step keeps; `handled`: those that it had to read or make for it.
    `taken_in`: the source and state that it leaves. `helped`: what it cost another process.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    rows: int = 0
    handled: int = 0
    taken_in: tuple[str, str] | None = None
    helped: Cost = field(default_factory=Cost)


def _as_it_is(table: Table) -> Table:
    return table


def _as_it_may_be_shared(table: Table) -> Table:
    return table.shareable


@dataclass(frozen=True)
class FindingsOf:
    """Rows of the values of one indicator, to be compared in the second process."""

    indicator: str
    rows: Sequence[compare.Row]

    def done(self, here: Here) -> list[Cells]:
        return _refresh_in(here).found_of(self.indicator, self.rows)


@dataclass(frozen=True)
class Product:
    """One thing that is written for an edition of a release, to be made in the second process: into
    a folder of its own, so that what is left of it when the refresh dies lies in the scratch
    folder. `previous`: the release before."""

    release: Path
    which: tuple[str, int]
    previous: Path | None

    def done(self, here: Here) -> Path:
        folder = here.warehouse.scratch / f"{self}-{os.getpid()}"
        folder.mkdir(parents=True)
        try:
            about = here.registry, here.settings, self.previous
            products.write(self.release, self.which, *about, into=folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # the refresh needs the room
            raise
        return folder

    def __str__(self) -> str:
        audience, number = self.which
        return f"{audience}-{number}"


class MadeReady:
    """What the second process does for the products while there is nothing else for it to do."""

    def done(self, here: Here) -> None:
        products.make_ready()


class Refresh:
    """One refresh of one warehouse. Each step opens the work database for itself, or takes the one
    that is kept open (`at_work`).

    The caller holds the warehouse's lock (`Warehouse.lock`) over all steps.
    """

    def __init__(self, settings: Settings, run_id: str = "") -> None:
        self.settings = settings
        self.warehouse = Warehouse(
            settings.warehouse, ledger.STATE + upkeep.STATE + tallies.STATE + STATE
        )
        self.run_id = run_id or warehouse.stamp_now()
        upkeep.all_code()  # as it is now, at the beginning
        self._kept: ExitStack | None = None
        self._open: DuckDBPyConnection | None = None
        self._helper: Helper | None = None

    @cached_property
    def registry(self) -> Registry:
        """Everything declared. Raises Refused where any of it is not understood."""
        known = waivers.proven(registry.load(self.settings.config))
        return withheld.proven(known, self.settings.sign_off)

    @cached_property
    def area_code(self) -> str:
        """The assessed area, as the registry spells its code. Raises Refused where it has none."""
        return self.registry.area(self.settings.area_code).code

    @cached_property
    def survey(self) -> Survey:
        known = self.registry
        found = self.gathered
        log.info("%d files in %s", len(found.extracts), self.settings.raw.name)
        return survey.recognise(found, known.layouts, known.sources, self.warehouse.scratch)

    @property
    def gathered(self) -> Survey:
        """The files by name, hash and manifest only: enough to tell whether any is new."""
        return self._gathering[0]

    @cached_property
    def _gathering(self) -> tuple[Survey, Cost]:
        with measured() as meter:
            found = survey.gather(self.settings.raw, self.warehouse.hashes)
        return found, meter.read()

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of all that a release is made from."""
        found = self.gathered
        extracts = sorted(repr((e.file, e.sha256, e.vouched)) for e in found.extracts)
        # A file that was promised and did not come is news too: its warning must be seen.
        extracts += [repr((found.missing, found.faults))]
        one = self.settings
        chosen = (self.area_code, one.area_name, one.year, one.as_of, one.sign_off)
        return {
            "code": code_version(),
            "configuration": _hash(repr(chosen)),
            "registry": self.registry.release_digest,
            "extracts": _hash("\n".join(extracts)),
            "key_id": pseudonyms.key_id(synthetic=any(e.synthetic for e in found.extracts)),
            # One that expires changes no file: only the day tells.
            "waivers": _hash(repr([one.waiver for one in self._waivers.in_force])),
            "embargoes": _hash(
                repr(audiences.under_embargo(self.registry.sources, self._judged_on))
            ),
        }

    @cached_property
    def _judged_on(self) -> date:
        """The day on which it is judged what is due, and which waivers and embargoes hold."""
        return self.settings.as_of or datetime.now(UTC).date()

    @cached_property
    def _waivers(self) -> Waivers:
        return Waivers(self.registry.waivers, self._judged_on)

    @cached_property
    def _untold(self) -> audiences.Withheld:
        """What no message may tell: it stands in the public database too."""
        return audiences.withheld(self.registry, audiences.PUBLIC, self._judged_on)

    @cached_property
    def nothing_new(self) -> bool:
        """The newest release was made from exactly what is there now."""
        facts = self.warehouse.release_facts()
        return (
            facts is not None
            and all(facts.get(name) == value for name, value in self.fingerprint.items())
            and not self._days_passed
        )

    @property
    def _days_passed(self) -> bool:
        """What nobody set a day for is judged otherwise today than when it was released: what did
        not come is seen by nothing else."""
        if self.settings.as_of:
            return False
        today = datetime.now(UTC).date()
        return any(
            arrivals.judged(row, today)["status"] != row["status"]
            for row in self.warehouse.arrivals()
        )

    # --- steps -------------------------------------------------------------------------------

    def look(self) -> Report:
        """Survey raw/, and write down areas, peers, sources and indicators."""
        if self.nothing_new:
            return self._unchanged("raw")
        with self._step("meta/extract", self._gathering[1]) as (connection, report):
            self._ask_for_help(connection)
            with transaction(connection):
                self._write_registry(connection)
                warehouse.fill(
                    connection, tables.DRIFT, bookkeeping.drift_rows(self.survey.extracts)
                )
                standing = self._standing_in(connection)
                # Of the others nothing is remembered: their ledger is emptied here.
                upkeep.keep_taken_in(connection, standing)
                stands = [e.extract_id for name in standing for e in self._extracts_of(name)]
                for table, rows in bookkeeping.survey_rows(self.survey, self._withdrawn).items():
                    upkeep.fill_but(connection, table, rows, stands)
                # Each source writes its own when it is taken in, or left as it is.
                for table in (tables.ARRIVAL, tables.CORRECTION):
                    warehouse.fill(connection, table, pd.DataFrame())
                upkeep.keep_watched(connection, self._classified)
            report.checks = bookkeeping.survey_checks(self.survey, self._withdrawn)
            report.rows = report.handled = len(self.survey.extracts)
            report.facts = {"files": bookkeeping.listing(self.survey.extracts)}
            self._share_work(connection)
        return report

    def _ask_for_help(self, connection: DuckDBPyConnection) -> None:
        """Begin a second process where there is much for it to read, and somebody to end it. Of a
        source with a file as large as that it would read nothing."""
        if self._kept is None or self._helper or not helper.pays():
            return
        kept = self._kept_sources(connection)
        stored = connection.execute("SELECT extract_id, source FROM build.ingested").fetchall()
        there = {extract_id for extract_id, source in stored if source in kept}
        files = [e for e in self.gathered.extracts if e.bytes <= helper.LARGEST]
        unread = sum(e.bytes for e in files if e.extract_id not in there)
        if unread >= helper.WORTH_IT:
            with suppress(OSError):  # where none can be started, one is enough
                self._helper = Helper(self._agreed)

    def _share_work(self, connection: DuckDBPyConnection) -> None:
        """Offer the second process the sources of which nothing is stored that may stand."""
        if self._helper:
            kept = self._kept_sources(connection)
            unread = (name for name in self.registry.sources if name not in kept)
            self._helper.offer(helper.of_sources(map(self._work_on, unread)))

    @property
    def _agreed(self) -> helper.Agreed:
        return helper.Agreed(self.settings, self.warehouse, helper.made_from(self.registry))

    def _kept_sources(self, connection: DuckDBPyConnection) -> set[str]:
        return {
            name
            for name, source in self.registry.sources.items()
            if intake.is_kept(connection, source, self._rules_hash(name))
        }

    def _work_on(self, name: str) -> helper.TakeIn:
        extracts = tuple(self._extracts_of(name))
        made = transcripts.made_of(extract.sha256 for extract in extracts)
        return helper.TakeIn(name, extracts, self._rules_hash(name), made)

    def _taken_over(self, connection: DuckDBPyConnection, name: str) -> Cost:
        """Copy what the second process has read of a source, if it has; answers what it cost."""
        made = self._helper.answer(name) if self._helper else None
        if made is None:
            return Cost()
        source = self.registry.sources[name]
        with warehouse.reading(connection, made.value, "helper"), transaction(connection):
            intake.adopt(connection, source, self._rules_hash(name), "helper")
        self.warehouse.drop_beside(made.value)
        count = len(self._extracts_of(name))
        log.info("%s: %d of %d files read", name, count, count)
        return made.cost

    def _write_registry(self, connection: DuckDBPyConnection) -> None:
        """Write down everything declared, unless it stands there as it is."""
        state = upkeep.of_registry(self.registry)
        if upkeep.taken_in(connection).get(upkeep.REGISTRY) == state:
            return
        for table, rows in bookkeeping.registry_rows(self.registry).items():
            warehouse.fill(connection, table, rows)
        upkeep.forget(connection, upkeep.REGISTRY)
        upkeep.note_taken_in(connection, upkeep.REGISTRY, state)

    def take_in(self, name: str) -> Report:
        """Bring one source's clean rows up to date with raw/."""
        if self.nothing_new:
            return self._unchanged(name)
        with self._step(f"clean/{name}") as (connection, report):
            if upkeep.taken_in(connection).get(name) == self._state_of(name):
                found = self._left_as_it_is(connection, name, report)
            else:
                found = self._take_in(connection, name, report)
            self._note_arrivals(connection, name, report, found)
            self._note_corrections(connection, name)
            self._watch(connection, name, report)
        if report.handled > MANY_ROWS:
            self._close()  # with whatever the reading of rows left in memory
        return report

    def _take_in(self, connection: DuckDBPyConnection, name: str, report: Report) -> Decided:
        source, extracts = self.registry.sources[name], self._extracts_of(name)
        before = upkeep.read(connection, name)
        upkeep.forget(connection, name)
        report.helped = self._taken_over(connection, name)
        taken = intake.take_in(
            connection,
            source,
            extracts,
            self.registry.areas,
            self._rules_hash(name),
            self.warehouse.scratch,
            transaction,
        )
        with transaction(connection):
            self._write_ledger(connection, taken, extracts)
            upkeep.note(connection, name, taken.decisions, extracts)
        fresh = {extract_id for extract_id, *_ in upkeep.read(connection, name) - before}
        report.checks = taken.checks
        report.rows = int(taken.ledger["rows_valid"].sum())
        newly = taken.ledger["extract_id"].isin(fresh)
        report.handled = int(taken.ledger.loc[newly, "rows_read"].sum())
        report.facts = bookkeeping.intake_facts(taken, extracts)
        report.taken_in = name, self._state_of(name)
        return Decided(taken.decisions, taken.extracted)

    def _left_as_it_is(self, connection: DuckDBPyConnection, name: str, report: Report) -> Decided:
        """Nothing that decides about the source has changed: its rows, ledger and checks stand."""
        report.checks = _checks_in(connection, "build", name)
        report.facts = bookkeeping.stored_facts(connection, name, self._extracts_of(name))
        report.rows = int(report.facts["rows_valid"])
        return intake.decided(connection, self.registry.sources[name], self._extracts_of(name))

    def _note_arrivals(
        self,
        connection: DuckDBPyConnection,
        name: str,
        report: Report,
        found: Decided,
    ) -> None:
        """Write the source's part of the arrival board, and judge it. What was due passes with the
        days, so that this is done of a source that is left as it is too."""
        source, extracts = self.registry.sources[name], self._extracts_of(name)
        days = {
            one.extract_id: arrivals.came(one, found.extracted.get(one.extract_id))
            for one in extracts
        }
        taken_out = found.extracted
        over = [
            one
            for one in found.decisions
            if taken_out.get(one.unit.extract_id, one.unit.end) >= one.unit.end
        ]
        rows = arrivals.board(source, over, days, self._asked)
        with transaction(connection):
            connection.execute("DELETE FROM meta.arrival WHERE source = ?", [name])
            names = [column.name for column in tables.ARRIVAL.columns]
            upkeep.insert(connection, "meta.arrival", [tuple(map(row.get, names)) for row in rows])
        others = [one for one in report.checks if one.check_name != arrivals.CHECK.name]
        judged = arrivals.check(source, rows)
        report.checks = [*others, judged]
        report.facts["periods_lacking"] = judged.failed_rows

    def _note_corrections(self, connection: DuckDBPyConnection, name: str) -> None:
        """Write the source's part of meta.correction, of a source that is left as it is too."""
        source = self.registry.sources[name]
        if not source.corrections:
            return
        came = corrections.outcomes(connection, source)
        rows = corrections.rows(source, came, self._synthetic)
        names = [column.name for column in tables.CORRECTION.columns]
        with transaction(connection):
            connection.execute("DELETE FROM meta.correction WHERE source = ?", [name])
            if rows:
                listed = [tuple(map(row.get, names)) for row in rows]
                upkeep.insert(connection, "meta.correction", listed)

    def _watch(self, connection: DuckDBPyConnection, name: str, report: Report) -> None:
        """Write down how the source's categories changed, and judge it. A row of the catalogue may
        have come since, so that this is looked at where the source is left as it is too."""
        source = self.registry.sources[name]
        if not source.classified:
            return
        version = upkeep.versions(connection).get(name, "")
        state = upkeep.of_watch(self.registry, version, self._synthetic)
        if upkeep.watched(connection, name) != state:
            there = bool(self._extracts_of(name))
            seen = looking.seen(connection, source, self.registry) if there else []
            rows = told.rows(seen, source, self.registry, self._synthetic)
            with transaction(connection):
                upkeep.replace_watched(connection, name, rows, state)
        found = upkeep.classification_changes(connection, name)
        others = [one for one in report.checks if one.check_name != told.CHECK.name]
        report.checks = [*others, told.check(source, found)]
        report.facts["categories_changed"] = len(found)

    @property
    def _classified(self) -> list[str]:
        return [name for name, source in self.registry.sources.items() if source.classified]

    @cached_property
    def _asked(self) -> arrivals.Asked:
        """The years that the assessment looks at, and the day on which arrivals are judged."""
        known, name = self.registry, self.settings.area_name
        area = known.area(self.area_code)
        codes = {area.code: name, area.csp_code: name, area.force_code: f"the force of {name}"}
        year = _assessed(self.settings.year)
        return arrivals.Asked(
            arrivals.first_day(known.indicators.values(), year),
            year.end,
            self._judged_on,
            {code: called for code, called in codes.items() if code},
            self._synthetic,
        )

    def _extracts_of(self, name: str) -> list[Extract]:
        return self._extracts_by_source.get(name, [])

    @cached_property
    def _extracts_by_source(self) -> dict[str, list[Extract]]:
        found: dict[str, list[Extract]] = {}
        for one in self.survey.extracts:
            if one.status == "read" and one.source:
                found.setdefault(one.source, []).append(one)
        return found

    def _rules_hash(self, name: str) -> str:
        return intake.rules_hash(self.registry.sources[name], self.registry.areas_digest)

    def _state_of(self, name: str) -> str:
        source = self.registry.sources[name]
        return upkeep.of_source(source, self._rules_hash(name), self._extracts_of(name))

    def _standing_in(self, connection: DuckDBPyConnection) -> list[str]:
        """The sources that are left as they are."""
        taken = upkeep.taken_in(connection)
        return [one for one in self.registry.sources if taken.get(one) == self._state_of(one)]

    def indicators(self, years: Sequence[str] = ()) -> Report:
        """Bring mart.indicator_value up to date: only indicators are computed of which a source,
        the declaration or the code changed.

        `years`: financial years such as "2014-15"; what has a value in a period that ends in one
        of them is computed in any case. Where nothing at all is new, the release stands.
        """
        if self.nothing_new:
            return self._unchanged()
        with self._step("mart/indicator_value") as (connection, report):
            upkeep.make_ready(connection, tables.INDICATOR_VALUE)
            wanted = upkeep.of_values(self.registry, self._home, upkeep.versions(connection))
            stale = upkeep.stale(connection, tables.INDICATOR_VALUE, wanted, years)
            rows = self._values(connection, [self.registry.indicators[key] for key in stale])
            self._replace(connection, tables.INDICATOR_VALUE, rows, stale, wanted)
            report.handled = len(rows)
            report.rows, areas = _counts(
                connection, "SELECT count(*), count(DISTINCT area_code) FROM mart.indicator_value"
            )
            report.facts = {"values": report.rows, "areas": areas, **_made(stale, wanted)}
        return report

    def findings(self, years: Sequence[str] = ()) -> Report:
        """Bring mart.finding up to date for the assessed area and its peers: only those are made
        anew whose values changed, or their declaration, peers, definitional changes or code.

        `years`: as for `indicators`.
        """
        if self.nothing_new:
            return self._unchanged()
        with self._step("mart/finding") as (connection, report):
            for table in (tables.INDICATOR_VALUE, tables.FINDING):
                upkeep.make_ready(connection, table)
            hashes = upkeep.hashes_of_values(connection)
            waived = self._waivers.of_indicators()
            wanted = upkeep.of_findings(self.registry, self._home, hashes, waived)
            stale = upkeep.stale(connection, tables.FINDING, wanted, years)
            rows, report.helped = self._compared(connection, stale)
            self._replace(connection, tables.FINDING, rows, stale, wanted)
            report.handled = len(rows)
            (report.rows,) = _counts(connection, "SELECT count(*) FROM mart.finding")
            report.facts = {"findings": report.rows, **_made(stale, wanted)}
        return report

    def estimates(self) -> Report:
        """Bring mart.break_estimate up to date: only of those series whose values changed, or
        those of a reference, or the changes that reach either."""
        if self.nothing_new:
            return self._unchanged(estimates.ABOUT)
        with self._step("mart/break_estimate") as (connection, report):
            for table in (tables.INDICATOR_VALUE, tables.BREAK_ESTIMATE):
                upkeep.make_ready(connection, table)
            hashes, home = upkeep.hashes_of_values(connection), (*self._home, self.settings.year)
            wanted = upkeep.of_estimates(self.registry, home, hashes, self._synthetic)
            stale = upkeep.stale(connection, tables.BREAK_ESTIMATE, wanted)
            rows = self._estimated(connection, stale)
            self._replace(connection, tables.BREAK_ESTIMATE, rows, stale, wanted)
            report.handled = len(rows)
            found = _rows_in(connection, tables.BREAK_ESTIMATE)
            report.checks = [estimates.check(found, self._untold.indicators)]
            report.rows = len(found)
            report.facts = {"estimates": report.rows, **_made(stale, wanted)}
        return report

    def comparables(self) -> Report:
        """Bring mart.comparable_value up to date: each figure on its newest definition."""
        if self.nothing_new:
            return self._unchanged()
        with self._step("mart/comparable_value") as (connection, report):
            for table in (tables.INDICATOR_VALUE, tables.COMPARABLE_VALUE):
                upkeep.make_ready(connection, table)
            hashes = upkeep.hashes_of_values(connection)
            wanted = upkeep.of_comparables(self.registry, self._home, hashes, self._synthetic)
            stale = upkeep.stale(connection, tables.COMPARABLE_VALUE, wanted)
            rows = self._compared_like(connection, stale)
            self._replace(connection, tables.COMPARABLE_VALUE, rows, stale, wanted)
            report.handled = len(rows)
            (report.rows,) = _counts(connection, "SELECT count(*) FROM mart.comparable_value")
            report.facts = {"values": report.rows, **_made(stale, wanted)}
        return report

    def revisions(self) -> Report:
        """Bring mart.revision up to date: only of those indicators of which a source changed."""
        if self.nothing_new:
            return self._unchanged()
        with self._step("mart/revision") as (connection, report):
            for table in (tables.INDICATOR_VALUE, tables.REVISION):
                upkeep.make_ready(connection, table)
            at = upkeep.versions(connection)
            wanted = upkeep.of_revisions(self.registry, self._home, at, self._synthetic)
            stale = upkeep.stale(connection, tables.REVISION, wanted)
            with transaction(connection):
                indicators = [self.registry.indicators[key] for key in stale]
                sources = self.registry.sources
                rows = revisions.of(connection, indicators, sources, self._synthetic)
            self._replace(connection, tables.REVISION, rows, stale, wanted)
            self._write_printed(connection)
            report.handled = len(rows)
            (report.rows,) = _counts(connection, "SELECT count(*) FROM mart.revision")
            report.facts = {"revisions": report.rows, **_made(stale, wanted)}
        return report

    def claims(self) -> Report:
        """Recompute every sentence of the published assessment. It takes no time, so that it is
        always all of them."""
        if self.nothing_new:
            return self._unchanged(claims.ABOUT)
        with self._step("mart/claim") as (connection, report):
            assessments = self.registry.assessments
            figures = self._figures(connection, assessments)
            rows = claims.of(assessments, figures, self._synthetic)
            with transaction(connection):
                warehouse.fill(connection, tables.CLAIM, pd.DataFrame(rows))
            guarded = shareable.rules(self.registry.indicators, self.registry.sources)
            report.checks = [claims.check(rows, {*guarded, *self._untold.indicators})]
            report.rows = report.handled = len(rows)
            report.facts = dict(Counter(str(row["verdict"]) for row in rows))
        return report

    def targets(self) -> Report:
        """Judge every target of the published assessment anew."""
        if self.nothing_new:
            return self._unchanged()
        with self._step("mart/target") as (connection, report):
            known = self._standings(connection, self.registry.assessments)
            rows = targets.of(self.registry.assessments, known, self._synthetic)
            with transaction(connection):
                warehouse.fill(connection, tables.TARGET, pd.DataFrame(rows))
            report.rows = report.handled = len(rows)
            report.facts = dict(Counter(str(row["verdict"]) for row in rows))
        return report

    def drafts(self) -> Report:
        """Draft every sentence of the published assessment for the year of the release, and look
        over the analyst's own."""
        if self.nothing_new:
            return self._unchanged(typed.ABOUT)
        with self._step("mart/draft") as (connection, report):
            rows = drafts.of(self.registry.assessments, self._drafted_from(connection))
            with transaction(connection):
                warehouse.fill(connection, tables.DRAFT, pd.DataFrame(rows))
            report.checks = [self._typed(connection)]
            report.rows = report.handled = len(rows)
            report.facts = dict(Counter(str(row["status"]) for row in rows))
        return report

    def _typed(self, connection: DuckDBPyConnection) -> Check:
        """The check on numbers that were typed into the analyst's words."""
        year, known = self.settings.year, self.registry
        passages = known.narrative.of_year(year)
        if not any(one.typed for one in passages):
            return typed.check(passages, {})
        keys = typed.unguarded(known.indicators, known.sources)
        rows = warehouse.of_area(connection, self.area_code, keys, typed.periods(year))
        return typed.check(passages, typed.figures(known.indicators, *rows, year))

    def waivers(self) -> Report:
        """Judge every waiver by all checks and comparisons there are; the last step before the
        release, so that it sees all of them."""
        if self.nothing_new:
            return self._unchanged(waivers.ABOUT)
        with self._step("meta/waiver") as (connection, report):
            broken = self._broken(connection)
            rows = self._waivers.rows(_checks_in(connection, "build"), broken)
            with transaction(connection):
                warehouse.fill(connection, tables.WAIVER, pd.DataFrame(rows))
            report.checks = waivers.checks(rows)
            report.rows = report.handled = len(rows)
            report.facts = dict(Counter(str(row["status"]) for row in rows))
        return report

    def _broken(self, connection: DuckDBPyConnection) -> list[dict[str, Any]]:
        """The comparisons that waivers may speak of."""
        keys = sorted({one.indicator for one in self._waivers.declared if one.indicator})
        if not keys:
            return []
        names = ("indicator", "comparison", "period", "base_period", "status", "broken_by")
        found = connection.execute(
            f"SELECT {', '.join(names)} FROM mart.finding "
            "WHERE status = ? AND list_contains(?::VARCHAR[], indicator)",
            [waivers.BROKEN, keys],
        ).fetchall()
        return [dict(zip(names, row, strict=True)) for row in found]

    def release(self) -> Report:
        """Assert the ledger, and publish. Raises Refused where that must not happen."""
        if self.nothing_new:
            facts = self.warehouse.release_facts() or {}
            late = self.after_the_switch()  # a run may have been killed between it and this
            return Report({"published": False, "release": str(facts.get("stamp"))} | late)
        stamp = warehouse.stamp_now()
        with measured() as meter:
            with self._work() as connection:
                self._may_publish(connection)
                if self._helper:
                    self._helper.offer({"products": MadeReady()})
                with transaction(connection):
                    self._write_release(connection, stamp)
                    self._make_shareable(connection)
            self._close()
            public = [table for table in tables.TABLES if table.public]
            self.warehouse.publish(stamp, public, self._write_products)
            late = self.after_the_switch()
        log.info("release %s published", stamp)
        return Report({"published": True, "release": stamp, **late, **meter.read().facts(0)})

    def after_the_switch(self) -> dict[str, Any]:
        """Bring warehouse/latest up to date with the newest release, and drop what is old. Answers
        which copies could not be replaced, where there are any."""
        newest = self.warehouse.current()
        late = latest.bring(newest, self.warehouse.folder) if newest else []
        self.warehouse.prune(self.settings.keep_releases, self.settings.keep_restricted)
        return {"not_replaced_in_latest": late} if late else {}

    def release_diff(self) -> Report:
        """Count what differs from the release before, as the newest release tells it. It is told
        and never judged: nothing fails for it."""
        folder = self.warehouse.current()
        return Report(changes_page.counts(folder) if folder else {"compared": False})

    def _write_products(self, folder: Path) -> None:
        """Write what people are handed beside the databases of a release, into its folder. Raises
        Refused where the audit finds what must not be shown."""
        previous = self.warehouse.current()
        wanted = [Product(folder, which, previous) for which in products.listed()]
        if self._helper:  # from the other end, until both meet
            self._helper.offer({str(one): one for one in reversed(wanted)})
        try:
            products.attack(folder, self.registry, self.settings)
            for one in wanted:
                self._write_product(one)
        finally:
            if self._helper:
                self._helper.join()
        for edition in tables.EDITIONS:
            products.make_private(folder, edition)

    def _write_product(self, one: Product) -> None:
        made = self._helper.answer(str(one)) if self._helper else None
        if made:
            warehouse.move_into(made.value, warehouse.edition_folder(one.release, one.which[0]))
        else:
            about = self.registry, self.settings, one.previous
            products.write(one.release, one.which, *about)

    def _unchanged(self, about: str | None = None) -> Report:
        """No data work: the newest release stands, and so do its checks."""
        return Report({"unchanged": True}, [one for one in self._standing if one.source == about])

    @cached_property
    def _standing(self) -> list[Check]:
        """Every check of the newest release."""
        connection = self.warehouse.read_release()
        try:
            return _checks_in(connection, "meta")
        finally:
            connection.close()

    # --- what the steps write ------------------------------------------------------------------

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the work database open from one step to the next: opening and closing it takes as
        long as a small step. A step that fails or that reads rows closes it, and so does a
        release."""
        with ExitStack() as self._kept:
            try:
                yield
            finally:
                if self._helper:
                    self._helper.close()
                self._helper = None
                self._close()
                self._kept = None

    @contextmanager
    def _work(self) -> Iterator[DuckDBPyConnection]:
        if self._kept is None:
            with self.warehouse.open_work() as connection:
                yield connection
            return
        if self._open is None:
            self._open = self._kept.enter_context(self.warehouse.open_work())
        try:
            yield self._open
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._open = None
        if self._kept is not None:
            self._kept.close()

    @contextmanager
    def _step(
        self, name: str, before: Cost | None = None
    ) -> Iterator[tuple[DuckDBPyConnection, Report]]:
        """The open work database and a report; on leaving, checks and cost are stored.

        `before`: what was spent on the step before it opened the database.
        """
        report = Report()
        with measured() as meter, self._work() as connection:
            yield connection, report
            with transaction(connection):
                # Stored as they are: what is accepted of them changes with the days.
                self._store_checks(connection, name, report.checks)
                report.checks = [self._waivers.on(check) for check in report.checks]
                self._note_state(connection, name)
                if report.taken_in:
                    upkeep.note_taken_in(connection, *report.taken_in)
                cost = meter.read() + (before or Cost()) + report.helped
                self._store_cost(connection, name, report, cost)

    def _store_cost(
        self, connection: DuckDBPyConnection, step: str, report: Report, cost: Cost
    ) -> None:
        connection.execute("DELETE FROM build.run_cost WHERE step = ?", [step])
        connection.execute(
            "INSERT INTO build.run_cost VALUES (?, ?, ?, ?, ?, ?)",
            [
                step,
                cost.seconds,
                report.handled,
                cost.peak_megabytes,
                cost.cpu_seconds,
                cost.per_second(report.handled),
            ],
        )
        report.facts |= cost.facts(report.handled)

    def _write_printed(self, connection: DuckDBPyConnection) -> None:
        """What earlier assessments printed, beside the same as it stands: few, and always all."""
        figures = printed.of_one_kind(self.registry.published, self._synthetic)
        keys = sorted({one.indicator for one in figures})
        found = connection.execute(
            "SELECT indicator, area_code, period, value FROM mart.indicator_value "
            "WHERE dimension = 'all' AND list_contains(?::VARCHAR[], indicator)",
            [keys],
        ).fetchall()
        values = {(key, area, label): value for key, area, label, value in found}
        names = {area.code: area.name for area in self.registry.areas.areas}
        names[self.area_code] = self.settings.area_name
        rows = printed.rows(figures, values, self.registry.indicators, names)
        with transaction(connection):
            warehouse.fill(connection, tables.PRINTED, pd.DataFrame(list(rows)))

    def _printed_first(self, indicator: Indicator) -> FirstPrinted:
        """What a sentence may tell of it: by how few a small number moved, none says."""
        if shareable.rule_of(indicator, self.registry.sources) != "none":
            return NOTHING_PRINTED
        return printed.of_indicator(self.registry.published, indicator.indicator)

    def _note_state(self, connection: DuckDBPyConnection, step: str) -> None:
        connection.execute("DELETE FROM build.step_state WHERE step = ?", [step])
        connection.execute(
            "INSERT INTO build.step_state "
            "SELECT ?, ?, coalesce(max(sequence), 0) + 1 FROM build.step_state",
            [step, repr(self.fingerprint)],
        )

    def _up_to_date(self, connection: DuckDBPyConnection) -> bool:
        """Every step was taken on what is there now, each after the steps that it rests on.

        In the web interface single assets can be made anew; without this a release could
        join new extracts to old figures.
        """
        taken = {
            step: sequence
            for step, made_from, sequence in connection.execute(
                "SELECT step, made_from, sequence FROM build.step_state"
            ).fetchall()
            if made_from == repr(self.fingerprint)
        }
        stages = [
            ["meta/extract"],
            [f"clean/{name}" for name in self.registry.sources],
            ["mart/indicator_value"],
            ["mart/break_estimate"],
            ["mart/finding"],
            ["mart/claim", "mart/target"],
            ["mart/draft"],
            ["meta/waiver"],
        ]
        return all(_taken_in_order(taken, one) for one in (stages, BESIDE_FINDINGS))

    def _store_checks(self, connection: DuckDBPyConnection, step: str, checks: list[Check]) -> None:
        about = {check.source for check in checks} or {step}
        connection.execute(
            "DELETE FROM build.check_result WHERE list_contains(?::VARCHAR[], source)",
            [sorted(about)],
        )
        rows = [
            (
                self.run_id,
                check.source,
                check.check_name,
                check.period,
                check.severity,
                check.passed,
                check.failed_rows,
                check.message,
            )
            for check in checks
        ]
        if rows:
            upkeep.insert(connection, "build.check_result", rows)

    @cached_property
    def _withdrawn(self) -> dict[str, str]:
        if self.warehouse.current() is None:
            return {}
        connection = self.warehouse.read_release()
        try:
            before = connection.execute(
                "SELECT file, extract_id FROM meta.extract WHERE status <> 'withdrawn'"
            ).fetchall()
        finally:
            connection.close()
        present = {extract.file for extract in self.survey.extracts}
        return {file: extract_id for file, extract_id in before if file not in present}

    def _write_ledger(
        self, connection: DuckDBPyConnection, taken: Intake, extracts: list[Extract]
    ) -> None:
        """Replace the source's rows of meta.extract, extract_sheet and extract_unit."""
        if not extracts:
            return
        ids = [extract.extract_id for extract in extracts]
        for table, rows in bookkeeping.ledger_rows(taken, extracts, self.registry.areas).items():
            connection.execute(
                f"DELETE FROM {table.full_name} WHERE list_contains(?, extract_id)", [ids]
            )
            if not rows.empty:
                upkeep.insert_frame(connection, table.full_name, rows)

    @property
    def _home(self) -> tuple[str, str]:
        return self.area_code, self.settings.area_name

    def _replace(
        self,
        connection: DuckDBPyConnection,
        table: Table,
        rows: pd.DataFrame,
        made: Sequence[str],
        wanted: Mapping[str, str | None],
    ) -> None:
        """Replace what was made anew; where nothing was and nothing is gone, the table stands."""
        if made or upkeep.gone(connection, table, wanted):
            with transaction(connection):
                upkeep.replace(connection, table, rows, made, wanted)

    def _values(
        self, connection: DuckDBPyConnection, indicators: Sequence[Indicator]
    ) -> pd.DataFrame:
        """Rows of mart.indicator_value of some indicators."""
        there = measure.received(connection, indicators, self.registry.sources)
        with transaction(connection):
            counted = self._tallied(connection, there)
        found = self._side_by_side(connection, there, counted)
        return self._named(pd.concat(found, ignore_index=True)) if found else pd.DataFrame()

    def _side_by_side(
        self, connection: DuckDBPyConnection, there: Sequence[Indicator], counted: measure.Tallies
    ) -> list[pd.DataFrame]:
        """The values of each indicator, two at a time: most of the time the database plans."""
        idle: SimpleQueue[DuckDBPyConnection] = SimpleQueue()

        def values(one: Indicator) -> pd.DataFrame:
            own = idle.get()
            try:
                return self._values_of(own, one, counted)
            finally:
                idle.put(own)

        with ExitStack() as ending:
            for _ in range(AT_ONCE):
                idle.put(ending.enter_context(closing(adding.beside(connection))))
            pool = ending.enter_context(ThreadPoolExecutor(AT_ONCE))
            return list(pool.map(values, there))

    def _tallied(
        self, connection: DuckDBPyConnection, stale: Sequence[Indicator]
    ) -> dict[str, str]:
        """The tables of counts that these indicators need: by all that any indicator asks, so that
        they are of use the next time, whichever are stale then."""
        sources = self.registry.sources
        asked = measure.to_tally(self.registry.indicators.values(), sources)
        needed = {name: asked[name] for name in measure.to_tally(stale, sources)}
        return tallies.bring_up_to_date(connection, needed)

    def _values_of(
        self, connection: DuckDBPyConnection, indicator: Indicator, counted: measure.Tallies
    ) -> pd.DataFrame:
        try:
            whole = measure.values(connection, indicator, self.registry.sources, counted)
            rows = breakdowns.values(connection, indicator, self.registry.sources, whole)
            return marks.marked(rows, self._broken_by(indicator))
        except Exception:
            # Planning all statements beforehand took as long as running them.
            measure.prove(connection, [indicator], self.registry.sources)
            raise

    def _compared(
        self, connection: DuckDBPyConnection, keys: Sequence[str]
    ) -> tuple[pd.DataFrame, Cost]:
        """Rows of mart.finding of some indicators; and what it cost the second process."""
        values = connection.execute(
            "SELECT * FROM mart.indicator_value "
            "WHERE list_contains(?::VARCHAR[], indicator) AND dimension = 'all' ORDER BY ALL",
            [list(keys)],
        ).df()
        rows_of: dict[str, list[compare.Row]] = {key: [] for key in keys}
        for key, row in zip(values["indicator"], compare.rows_of(values), strict=True):
            rows_of[key].append(row)
        printed.of_one_kind(self.registry.published, self._synthetic)
        by = self._made_by_both if self._helper else self._made_by_one
        made, helped = by(rows_of)
        names = [one.name for one in fields(Finding)]
        rows = [dict(zip(names, cells, strict=True)) for found in made for cells in found]
        waived = ({**row, "waived_by": self._waivers.of_finding(row)} for row in rows)
        known = self._known_of_recording(connection, keys)
        return pd.DataFrame(list(allowing.rows(waived, known))), helped

    def _known_of_recording(
        self, connection: DuckDBPyConnection, keys: Sequence[str]
    ) -> allowing.Known:
        """The series that some indicators belong to, with their references."""
        bases = {key: one for key, one in comparable.bases(self.registry).items() if key in keys}
        chosen = list({one.indicator: one for one in bases.values()}.values())
        made = self._subjects(connection, chosen, _as_it_is) if chosen else []
        subjects = {one.indicator: about for one, about in zip(chosen, made, strict=True)}
        own = {key: subjects[one.indicator] for key, one in bases.items()}
        changes = self.registry.changes.changes
        immaterial = frozenset(one.id for one in changes if one.materiality != "material")
        return allowing.Known(own, self.registry.indicators, immaterial)

    def _made_by_one(self, rows_of: RowsOf) -> tuple[list[list[Cells]], Cost]:
        """Findings of each indicator, two at a time: a third of it is drawing ranks, which leaves
        Python to others meanwhile."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            made = list(pool.map(lambda key: self.found_of(key, rows_of[key]), rows_of))
        return made, Cost()

    def _made_by_both(self, rows_of: RowsOf) -> tuple[list[list[Cells]], Cost]:
        """The same, some of it by the second process."""
        assert self._helper
        by_size = sorted(rows_of, key=lambda key: -len(rows_of[key]))
        self._helper.offer({key: FindingsOf(key, rows_of[key]) for key in by_size})
        made, helped = [], Cost()
        for key, rows in rows_of.items():
            theirs = self._helper.answer(key)
            made.append(theirs.value if theirs else self.found_of(key, rows))
            # At the same time, so that it takes no longer.
            helped += replace(theirs.cost, seconds=0.0) if theirs else Cost()
        return made, helped

    def found_of(self, key: str, rows: Sequence[compare.Row]) -> list[Cells]:
        """Findings of one indicator, of rows of its values: the fields of each."""
        return [
            tuple(vars(one).values()) for one in self._findings(self.registry.indicators[key], rows)
        ]

    def _estimated(
        self,
        connection: DuckDBPyConnection,
        keys: Sequence[str],
        of: Callable[[Table], Table] = _as_it_is,
    ) -> pd.DataFrame:
        """Rows of mart.break_estimate of some indicators."""
        chosen = [judged for judged in self.registry.references if judged.indicator in set(keys)]
        subjects = self._subjects(connection, chosen, of)
        made = (estimates.of, comparable.of_years, yearly.of)
        return pd.DataFrame([row for of in made for row in of(subjects)])

    def _compared_like(
        self,
        connection: DuckDBPyConnection,
        keys: Sequence[str],
        of: Callable[[Table], Table] = _as_it_is,
    ) -> pd.DataFrame:
        """Rows of mart.comparable_value of some indicators."""
        bases = {key: one for key, one in comparable.bases(self.registry).items() if key in keys}
        chosen = list({one.indicator: one for one in bases.values()}.values())
        made = zip(chosen, self._subjects(connection, chosen, of), strict=True)
        subjects = {judged.indicator: about for judged, about in made}
        values = self._whole_values(connection, keys, of)
        rows = [
            row
            for key, judged in bases.items()
            for row in comparable.of_values(
                self.registry.indicators[key],
                subjects[judged.indicator],
                values[(values["indicator"] == key) & (values["area_code"] == self.area_code)],
                self._place,
                self.registry,
            )
        ]
        return pd.DataFrame(rows)

    def _subjects(
        self,
        connection: DuckDBPyConnection,
        chosen: Sequence[Judged],
        of: Callable[[Table], Table],
    ) -> list[Subject]:
        values = self._whole_values(connection, [key for one in chosen for key in one.keys], of)
        return [
            estimates.subject(judged, values, self._place, self.registry, self._synthetic)
            for judged in chosen
        ]

    def _whole_values(
        self, connection: DuckDBPyConnection, keys: Sequence[str], of: Callable[[Table], Table]
    ) -> pd.DataFrame:
        """Years of all areas and months of the assessed one, of some indicators."""
        return connection.execute(
            f"SELECT * FROM {of(tables.INDICATOR_VALUE).full_name} WHERE dimension = 'all' "
            "AND (area_code = ? OR period_kind = 'year') "
            "AND list_contains(?::VARCHAR[], indicator) ORDER BY ALL",
            [self.area_code, sorted(set(keys))],
        ).df()

    @cached_property
    def _place(self) -> Place:
        """The assessed area, with the peers that it has at the end of the year assessed."""
        areas, end = self.registry.areas, _assessed(self.settings.year).end
        groups = {str(row["group"]) for row in areas.peer_rows()}
        found = {group: self._group_on(group, end) for group in groups}
        peers = {group: one.members[1:] for group, one in found.items() if one}
        force = areas.home_force(self.area_code)
        return Place(self.area_code, self.settings.area_name, force, peers)

    def _named(self, rows: pd.DataFrame) -> pd.DataFrame:
        areas = {area.code: area for area in self.registry.areas.areas}
        rows["area_name"] = rows["area_code"].map(lambda code: areas[code].name)
        rows["area_type"] = rows["area_code"].map(lambda code: areas[code].type)
        home = rows["area_code"] == self.area_code
        rows.loc[home, "area_name"] = self.settings.area_name
        return rows

    def _findings(self, indicator: Indicator, rows: Sequence[compare.Row]) -> Iterator[Finding]:
        found = self._series_of(indicator, rows)
        return compare.findings(
            indicator,
            found,
            self.area_code,
            self.settings.area_name,
            self._group_on,
            self._broken_by(indicator),
            self.registry.stand_ins.of,
            self._printed_first(indicator),
            self._ranks_unlike(indicator),
        )

    def _series_of(self, indicator: Indicator, rows: Sequence[compare.Row]) -> dict[str, Series]:
        stock = indicator.denominator is not None and measure.is_stock(
            self.registry.sources[indicator.denominator.source]
        )
        settles = self.registry.sources[indicator.main.source].settles_after
        return compare.series_from(rows, stock, indicator.kind == PUBLISHED, settles)

    def _group_on(self, group: str, day: date) -> PeerGroup | None:
        return self.registry.areas.peer_group(group, self.area_code, day)

    def _broken_by(self, indicator: Indicator) -> compare.BrokenBy:
        reaching = self.registry.reaching[indicator.indicator]
        force = self.registry.areas.home_force

        @cache
        def concerning(area_code: str) -> list[Change]:
            """Once an area, and not at each of thousands of comparisons."""
            return [one for one in reaching if one.concerns(area_code, force(area_code))]

        def broken_by(area_code: str, earlier: Days, later: Days) -> Broken:
            where = [(area_code, force(area_code))]
            return breaks.among(concerning(area_code), where, earlier, later)

        return broken_by

    @property
    def _synthetic(self) -> bool:
        return any(e.synthetic for e in self.survey.extracts if e.status == "read")

    def _figures(
        self,
        connection: DuckDBPyConnection,
        assessments: Sequence[Assessment],
        of: Callable[[Table], Table] = _as_it_is,
    ) -> Figures:
        indicators = self.registry.indicators
        needed = claims.indicators_of(assessments)
        of_them = "WHERE dimension = 'all' AND list_contains(?::VARCHAR[], indicator)"
        values, ranks = (
            connection.execute(
                f"SELECT * FROM {of(table).full_name} {of_them}{only}", [needed]
            ).df()
            for table, only in (
                (tables.INDICATOR_VALUE, ""),
                (tables.FINDING, RANKS_AND_NOTES),
            )
        )
        return claims.figures(
            self.area_code,
            values,
            ranks,
            {key: one.peer_group for key, one in indicators.items() if one.peer_group},
            self._peers_in,
            lambda key, *about: self._broken_by(indicators[key])(*about),
            {
                key: self.registry.sources[one.main.source].settles_after
                for key, one in indicators.items()
            },
        )

    def _drafted_from(self, connection: DuckDBPyConnection) -> DraftedFrom:
        found = connection.execute("SELECT * FROM mart.target ORDER BY rowid").df().astype(object)
        plain: list[dict[str, Any]] = found.where(found.notna(), None).to_dict("records")  # type: ignore[assignment]
        return DraftedFrom(
            self._figures(connection, self.registry.assessments),
            self.registry.indicators,
            plain,
            self.settings.year,
            self.settings.area_name,
            lambda code: self.registry.area(code).name,
            self._synthetic,
        )

    def _standings(
        self,
        connection: DuckDBPyConnection,
        assessments: Sequence[Assessment],
        of: Callable[[Table], Table] = _as_it_is,
    ) -> Known:
        """The assessed area's own series and ranks."""
        of_area = "WHERE dimension = 'all' AND area_code = ?"
        values, ranks = (
            connection.execute(
                f"SELECT * FROM {of(table).full_name} {of_area}", [self.area_code]
            ).df()
            for table in (tables.INDICATOR_VALUE, tables.FINDING)
        )
        aims = {
            aim.indicator
            for assessment in assessments
            for target in assessment.targets
            for aim in target.aim
        }
        indicators = {key: self.registry.indicators[key] for key in sorted(aims)}
        series = {
            key: self._series_of(one, compare.rows_of(values[values["indicator"] == key])).get(
                self.area_code
            )
            for key, one in indicators.items()
        }
        return Known(
            self.area_code,
            indicators,
            {key: one for key, one in series.items() if one},
            targets.ranks_in(ranks),
            lambda one, of, label, base: compare.against(
                one, of, label, base, self._broken_by(one)
            ),
            self._ranks_broken_by,
        )

    def _ranks_broken_by(self, indicator: Indicator, earlier: Days, later: Days) -> Broken:
        """What breaks a comparison of ranks: changes of what is counted in any area of the group,
        and changes of the group."""
        found = self._group_on(str(indicator.peer_group), later.end)
        members = found.members if found else (self.area_code,)
        return self._ranks_unlike(indicator)(members, earlier, later)

    def _ranks_unlike(self, indicator: Indicator) -> compare.RanksBrokenBy:
        near = reach.reaching_ranks(self.registry.changes, indicator)
        force = self.registry.areas.home_force

        def broken_by(members: Sequence[str], earlier: Days, later: Days) -> Broken:
            return breaks.among(near, ((one, force(one)) for one in members), earlier, later)

        return broken_by

    def _peers_in(self, group: str, label: str) -> tuple[str, ...]:
        """The area's peers in the group as it was at the end of a period."""
        found = self._group_on(group, period.parse(label).end)
        return found.members[1:] if found else ()

    def _may_publish(self, connection: DuckDBPyConnection) -> None:
        if not self._up_to_date(connection):
            raise Refused(
                "nothing is published: not every step was taken on the extracts that are there now",
                repair="run the whole refresh, not single assets of it",
            )
        judged = [self._waivers.on(check) for check in _checks_in(connection, "build")]
        failed = sorted({(one.source, one.message) for one in judged if one.stops})
        off = connection.execute(
            "SELECT count(*) FROM meta.extract "
            "WHERE rows_read <> rows_valid + rows_quarantined + rows_excluded"
        ).fetchone()
        if failed or (off and off[0]):
            words = "; ".join(f"{source}: {message}" for source, message in failed)
            raise Refused(
                f"nothing is published: {words or 'the ledger does not add up'}",
                repair="the last release stands; mend the extracts and refresh again",
            )
        read = connection.execute(
            "SELECT count(*) FROM meta.extract WHERE status = 'read'"
        ).fetchone()
        if not read or read[0] == 0:
            raise Refused(
                "nothing is published: no extract could be read",
                str(self.settings.raw),
                repair="put extracts there; `safecity check FILE` says what is wrong with one",
            )

    @property
    def _kept_before(self) -> list[Path]:
        """The releases that readers may have: what they tell cannot be hidden any more."""
        return attacking.earlier(self.warehouse.releases, self._synthetic)

    def _make_shareable(self, connection: DuckDBPyConnection) -> None:
        """Write beside each table that states figures what disclosure control leaves of it, and
        what of that each edition may have."""
        of, synthetic = _as_it_may_be_shared, self._synthetic
        again = sharing.Again(
            claims=lambda some: claims.of(some, self._figures(connection, some, of), synthetic),
            targets=lambda some: targets.of(some, self._standings(connection, some, of), synthetic),
            estimates=lambda some: self._estimated(connection, some, of),
            comparables=lambda some: self._compared_like(connection, some, of),
        )
        kept = self._kept_before
        sql = attacking.statements(
            self.registry, shareable.rules(self.registry.indicators, self.registry.sources)
        )
        sharing.write(
            connection,
            self.registry,
            self.area_code,
            again,
            lambda one: attacking.read_again(one, kept, sql),
            self.settings.sign_off,
            attacking.given_away(
                self.registry, kept, sql, outsider.members(self.registry.areas.member_rows())
            ),
        )

        def claims_of(edition: str, some: Sequence[Assessment]) -> list[Row]:
            figures = self._figures(connection, some, lambda table: table.of(edition))
            return claims.of(some, figures, synthetic)

        editions.write(connection, self.registry, self._judged_on, claims_of)

    def _write_release(self, connection: DuckDBPyConnection, stamp: str) -> None:
        results = connection.execute("SELECT * FROM build.check_result ORDER BY ALL").df()
        warehouse.fill(connection, tables.CHECK_RESULT, self._with_waivers(results))
        costs = connection.execute("SELECT * FROM build.run_cost ORDER BY ALL").df()
        warehouse.fill(connection, tables.RUN_COST, costs)
        facts = {
            "stamp": stamp,
            "area_code": self.area_code,
            "area_name": self.settings.area_name,
            "year": self.settings.year,
            "synthetic": self._synthetic,
            "published_at": datetime.now(UTC).replace(tzinfo=None),
            **self.fingerprint,
            "as_of": self.settings.as_of,
            "judged_on": self._judged_on,
            **upkeep.code_behind(),
            "packages": upkeep.packages(),
            "assessments": _hash(repr(self.registry.assessments)),
            "edition": "restricted",
        }
        warehouse.fill(connection, tables.RELEASE, pd.DataFrame([facts]))
        rows = lineage.rows(self.registry, bookkeeping.counted(connection))
        warehouse.fill(connection, tables.LINEAGE, pd.DataFrame(rows))

    def _with_waivers(self, results: pd.DataFrame) -> pd.DataFrame:
        """Results of checks, with who accepts those that fail."""
        plain = results.astype(object).where(results.notna(), None)
        names = [field.name for field in fields(Check) if field.name != "waived_by"]
        judged = [self._waivers.on(Check(*row)) for row in plain[names].to_numpy()]
        said: dict[str, Any] = {"message": [one.message for one in judged]}
        return plain.assign(
            **said, waived_by=pd.Series([one.waived_by for one in judged], dtype=object)
        )


@cache
def _refresh_in(here: Here) -> Refresh:
    """A refresh in the second process: one, for what it looks up once is looked up once."""
    one = Refresh(here.settings)
    one.registry = here.registry
    return one


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _taken_in_order(taken: Mapping[str, int], stages: Sequence[Sequence[str]]) -> bool:
    """Whether every step of each stage was taken, after all of the stage before."""
    if not all(step in taken for stage in stages for step in stage):
        return False
    spans = [[taken[step] for step in stage] for stage in stages]
    return all(max(one) < min(other) for one, other in pairwise(spans))


def _assessed(year: str) -> Period:
    try:
        return period.parse(year)
    except ValueError as error:
        raise Refused(f"not a financial year: {error}", "year", year) from None


def code_version() -> str:
    """Version of the pipeline and a hash of its code."""
    return f"{safecity_pipeline.__version__}+{upkeep.all_code()}"


def _checks_in(
    connection: DuckDBPyConnection, schema: str, source: str | None = None
) -> list[Check]:
    """Stored results of checks, of one source or of all."""
    waived = "waived_by" if schema == "meta" else "NULL"  # see `_step`
    rows = connection.execute(
        "SELECT source, check_name, passed, message, severity, period, coalesce(failed_rows, 0), "
        f"{waived} FROM {schema}.check_result WHERE source = coalesce(?, source) ORDER BY rowid",
        [source],
    ).fetchall()
    return [Check(*row) for row in rows]


def _rows_in(connection: DuckDBPyConnection, table: Table) -> list[dict[str, Any]]:
    """The rows of a table, dates as dates and None for what is missing."""
    found = connection.execute(f"SELECT * FROM {table.full_name} ORDER BY ALL")
    return warehouse.named_rows(found)


def _counts(connection: DuckDBPyConnection, statement: str) -> tuple[int, ...]:
    """The one row of counts that a statement answers."""
    return connection.execute(statement).fetchall()[0]


def _made(stale: Sequence[str], wanted: Mapping[str, str | None]) -> dict[str, int]:
    """How many indicators were made anew, and of how many the rows stand."""
    return {"computed": len(stale), "kept": len(wanted) - len(stale)}
