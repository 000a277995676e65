"""The steps of a refresh: survey, take in each source, indicators, findings, release.

Belongs here: what each step does to the work database, in plain functions that answer what a
caller may show. Does not belong here: scheduling and the web interface (`orchestration`).
"""

from __future__ import annotations

import hashlib
import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from duckdb import DuckDBPyConnection

import safecity_pipeline
from safecity_pipeline import compare, measure, registry, tables, warehouse
from safecity_pipeline.ingest import intake, survey
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.model import Check, Extract, Indicator, Refused
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.areas import PeerGroup
from safecity_pipeline.settings import Settings
from safecity_pipeline.tables import Table
from safecity_pipeline.warehouse import Warehouse, transaction

log = logging.getLogger(__name__)

STATE = """
CREATE TABLE IF NOT EXISTS build.check_result (
    run_id VARCHAR, source VARCHAR, check_name VARCHAR, period VARCHAR, severity VARCHAR,
    passed BOOLEAN, failed_rows BIGINT, message VARCHAR);
CREATE TABLE IF NOT EXISTS build.run_cost (
    step VARCHAR, seconds DOUBLE, rows BIGINT, peak_megabytes DOUBLE);
"""


@dataclass
class Report:
    """What a step did: facts for people (never a cell of an extract), and its checks."""

    facts: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    rows: int = 0


class Refresh:
    """One refresh of one warehouse. Each step opens the work database for itself.

    The caller holds the warehouse's lock (`Warehouse.lock`) over all steps.
    """

    def __init__(self, settings: Settings, run_id: str = "") -> None:
        self.settings = settings
        self.warehouse = Warehouse(settings.warehouse)
        self.run_id = run_id or warehouse.stamp_now()

    @cached_property
    def registry(self) -> Registry:
        return registry.load(self.settings.config)

    @cached_property
    def survey(self) -> survey.Survey:
        found = survey.survey(self.settings.raw, self.registry.layouts, self.registry.sources)
        log.info("%d files in %s", len(found.extracts), self.settings.raw.name)
        return found

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of all that a release is made from."""
        extracts = sorted(repr((e.file, e.sha256, e.vouched)) for e in self.survey.extracts)
        chosen = (self.settings.area_code, self.settings.area_name, self.settings.year)
        return {
            "code": code_version(),
            "configuration": _hash(repr(chosen)),
            "registry": self.registry.digest,
            "extracts": _hash("\n".join(extracts)),
        }

    @cached_property
    def nothing_new(self) -> bool:
        """The newest release was made from exactly what is there now."""
        facts = self.warehouse.release_facts()
        return facts is not None and all(
            facts.get(name) == value for name, value in self.fingerprint.items()
        )

    # --- steps -------------------------------------------------------------------------------

    def look(self) -> Report:
        """Survey raw/, and write down areas, peers, sources and indicators."""
        with self._step("meta/extract") as (connection, report):
            with transaction(connection):
                self._write_registry(connection)
                warehouse.fill(connection, tables.EXTRACT, self._extract_rows())
                warehouse.fill(connection, tables.EXTRACT_SHEET, pd.DataFrame())
                warehouse.fill(connection, tables.EXTRACT_UNIT, pd.DataFrame())
            report.checks = self._survey_checks()
            report.rows = len(self.survey.extracts)
            report.facts = {"files": _listing(self.survey.extracts)}
        return report

    def take_in(self, name: str) -> Report:
        """Bring one source's clean rows up to date with raw/."""
        source = self.registry.sources[name]
        extracts = [e for e in self.survey.extracts if e.status == "read" and e.source == name]
        with self._step(f"clean/{name}") as (connection, report):
            taken = intake.take_in(
                connection,
                source,
                extracts,
                self.registry.areas,
                intake.rules_hash(source, self.registry.digest),
                self.warehouse.scratch,
                transaction,
            )
            with transaction(connection):
                self._write_ledger(connection, taken, extracts)
            report.checks = taken.checks
            report.rows = int(taken.ledger["rows_valid"].sum())
            report.facts = _intake_facts(taken, extracts)
        return report

    def indicators(self) -> Report:
        """Compute mart.indicator_value."""
        with self._step("mart/indicator_value") as (connection, report):
            measure.prove(connection, self.registry.indicators.values(), self.registry.sources)
            values = [
                measure.values(connection, indicator, self.registry.sources)
                for indicator in self.registry.indicators.values()
            ]
            rows = self._named(pd.concat(values, ignore_index=True))
            with transaction(connection):
                warehouse.fill(connection, tables.INDICATOR_VALUE, rows)
            report.rows = len(rows)
            report.facts = {"values": len(rows), "areas": int(rows["area_code"].nunique())}
        return report

    def findings(self) -> Report:
        """Compute mart.finding for the assessed area and its peers."""
        with self._step("mart/finding") as (connection, report):
            values = connection.execute("SELECT * FROM mart.indicator_value ORDER BY ALL").df()
            made = [
                finding
                for key, indicator in self.registry.indicators.items()
                for finding in self._findings(indicator, values[values["indicator"] == key])
            ]
            with transaction(connection):
                warehouse.fill(connection, tables.FINDING, pd.DataFrame([vars(f) for f in made]))
            report.rows = len(made)
            report.facts = {"findings": len(made)}
        return report

    def release(self) -> Report:
        """Assert the ledger, and publish. Raises Refused where that must not happen."""
        if self.nothing_new:
            facts = self.warehouse.release_facts() or {}
            return Report({"published": False, "release": str(facts.get("stamp"))})
        stamp = warehouse.stamp_now()
        with self._step("release") as (connection, report):
            self._may_publish(connection)
            with transaction(connection):
                self._write_release(connection, stamp)
        self.warehouse.publish(stamp, [table for table in tables.TABLES if table.public])
        self.warehouse.prune(self.settings.keep_releases, self.settings.keep_restricted)
        log.info("release %s published", stamp)
        report.facts = {"published": True, "release": stamp}
        return report

    # --- what the steps write ------------------------------------------------------------------

    @contextmanager
    def _step(self, name: str) -> Iterator[tuple[DuckDBPyConnection, Report]]:
        """The open work database and a report; on leaving, checks and cost are stored."""
        began = time.monotonic()
        report = Report()
        with self.warehouse.open_work() as connection:
            connection.execute(STATE)
            yield connection, report
            with transaction(connection):
                self._store_checks(connection, name, report.checks)
                connection.execute("DELETE FROM build.run_cost WHERE step = ?", [name])
                connection.execute(
                    "INSERT INTO build.run_cost VALUES (?, ?, ?, ?)",
                    [name, time.monotonic() - began, report.rows, _peak_megabytes()],
                )

    def _store_checks(self, connection: DuckDBPyConnection, step: str, checks: list[Check]) -> None:
        about = {check.source for check in checks} or {step}
        for source in about:
            connection.execute("DELETE FROM build.check_result WHERE source = ?", [source])
        rows = [
            (self.run_id, c.source, c.check_name, c.period, c.severity, c.passed, c.failed_rows)
            + (c.message,)
            for c in checks
        ]
        if rows:
            connection.executemany(
                "INSERT INTO build.check_result VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def _write_registry(self, connection: DuckDBPyConnection) -> None:
        areas = self.registry.areas
        renamed = {"code": "area_code", "name": "area_name", "type": "area_type"}
        dated = {"start": "start_date", "end": "end_date"}
        rows = pd.DataFrame(areas.rows()).rename(columns=renamed | dated)
        warehouse.fill(connection, tables.AREA, rows)
        warehouse.fill(connection, tables.AREA_MEMBER, pd.DataFrame(areas.member_rows()))
        peers = pd.DataFrame(areas.peer_rows()).rename(columns={"group": "peer_group"})
        warehouse.fill(connection, tables.PEER, peers)
        warehouse.fill(connection, tables.SOURCE, self._source_rows())
        warehouse.fill(connection, tables.INDICATOR, self._indicator_rows())

    def _source_rows(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "source": source.name,
                "title": source.title,
                "supplier": source.supplier,
                "licence": source.licence,
                "cadence": source.cadence,
                "audience": source.audience,
                "disclosure": source.disclosure,
                "rules_hash": intake.rules_hash(source, self.registry.digest),
            }
            for source in self.registry.sources.values()
        )

    def _indicator_rows(self) -> pd.DataFrame:
        known = self.registry.sources
        return pd.DataFrame(
            {
                **{name: getattr(one, name) for name in INDICATOR_FACTS},
                "disclosure": known[one.numerator.source].disclosure,
                "sql": measure.sql(one, known),
            }
            for one in self.registry.indicators.values()
        )

    def _extract_rows(self) -> pd.DataFrame:
        """Every file of raw/ as surveyed, and those of the last release that are gone."""
        rows = [_extract_row(extract) for extract in self.survey.extracts]
        for file, extract_id in self._withdrawn().items():
            rows.append(
                {
                    "extract_id": extract_id,
                    "file": file,
                    "status": "withdrawn",
                    "message": "it was in the last release and is not in raw/ any more",
                    **NO_ROWS,
                }
            )
        return pd.DataFrame(rows, columns=[column.name for column in tables.EXTRACT.columns])

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

    def _survey_checks(self) -> list[Check]:
        extracts = self.survey.extracts
        unknown = [e for e in extracts if e.status == "unrecognised"]
        refused = [e for e in extracts if e.status == "refused"]
        gone = self._withdrawn()
        made_up = {e.synthetic for e in extracts if e.status == "read"}
        return [
            _check("files_recognised", unknown, "files that no source reads"),
            _check("files_usable", refused, "files are refused before reading"),
            _check("files_still_there", gone, "files of the last release are withdrawn"),
            _check("manifests_kept", self.survey.missing, "files that a manifest names are absent"),
            _check("manifests_readable", self.survey.faults, "manifests cannot be read"),
            Check(
                "raw",
                "synthetic_apart",
                len(made_up) < 2,
                "synthetic and real extracts lie in one folder"
                if len(made_up) > 1
                else "synthetic and real extracts are not mixed",
                "ERROR",
            ),
        ]

    def _write_ledger(
        self, connection: DuckDBPyConnection, taken: Intake, extracts: list[Extract]
    ) -> None:
        """Replace the source's rows of meta.extract, extract_sheet and extract_unit."""
        ids = [extract.extract_id for extract in extracts]
        files = _with_rows(extracts, taken)
        units = _unit_rows(taken)
        for table, rows in (
            (tables.EXTRACT, files),
            (tables.EXTRACT_SHEET, taken.ledger),
            (tables.EXTRACT_UNIT, units),
        ):
            connection.execute(
                f"DELETE FROM {table.full_name} WHERE list_contains(?, extract_id)", [ids]
            )
            if not rows.empty:
                plain = rows.astype(object).where(rows.notna(), None)
                connection.register("rows_now", plain)
                connection.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM rows_now")
                connection.unregister("rows_now")

    def _named(self, rows: pd.DataFrame) -> pd.DataFrame:
        areas = {area.code: area for area in self.registry.areas.areas}
        rows["area_name"] = rows["area_code"].map(lambda code: areas[code].name)
        rows["area_type"] = rows["area_code"].map(lambda code: areas[code].type)
        home = rows["area_code"] == self.settings.area_code
        rows.loc[home, "area_name"] = self.settings.area_name
        return rows.sort_values(["indicator", "area_code", "period_start", "period_kind"])

    def _findings(self, indicator: Indicator, values: pd.DataFrame) -> Iterator[compare.Finding]:
        sources = self.registry.sources
        stock = indicator.denominator is not None and measure.is_stock(
            sources[indicator.denominator.source]
        )
        found = compare.series_of(values, stock)
        return compare.findings(
            indicator, found, self.settings.area_code, self.settings.area_name, self._group_on
        )

    def _group_on(self, group: str, day: date) -> PeerGroup | None:
        return self.registry.areas.peer_group(group, self.settings.area_code, day)

    def _may_publish(self, connection: DuckDBPyConnection) -> None:
        failed = connection.execute(
            "SELECT source, check_name, message FROM build.check_result "
            "WHERE severity = 'ERROR' AND NOT passed ORDER BY ALL"
        ).fetchall()
        off = connection.execute(
            "SELECT count(*) FROM meta.extract "
            "WHERE rows_read <> rows_valid + rows_quarantined + rows_excluded"
        ).fetchone()
        if failed or (off and off[0]):
            words = "; ".join(f"{source}: {message}" for source, _, message in failed)
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

    def _write_release(self, connection: DuckDBPyConnection, stamp: str) -> None:
        for table, name in ((tables.CHECK_RESULT, "check_result"), (tables.RUN_COST, "run_cost")):
            rows = connection.execute(f"SELECT * FROM build.{name} ORDER BY ALL").df()
            warehouse.fill(connection, table, rows)
        facts = {
            "stamp": stamp,
            "area_code": self.settings.area_code,
            "area_name": self.settings.area_name,
            "year": self.settings.year,
            "synthetic": any(e.synthetic for e in self.survey.extracts if e.status == "read"),
            "published_at": datetime.now(UTC).replace(tzinfo=None),
            **self.fingerprint,
        }
        warehouse.fill(connection, tables.RELEASE, pd.DataFrame([facts]))


NO_ROWS = {"rows_read": 0, "rows_valid": 0, "rows_quarantined": 0, "rows_excluded": 0}
INDICATOR_FACTS = (
    "indicator",
    "title",
    "subject",
    "unit",
    "series",
    "polarity",
    "kind",
    "per",
    "peer_group",
    "notes",
)


def _extract_row(extract: Extract) -> dict[str, Any]:
    return {
        "extract_id": extract.extract_id,
        "source": extract.source,
        "file": extract.file,
        "sha256": extract.sha256,
        "bytes": extract.bytes,
        **NO_ROWS,
        "status": extract.status,
        "received_at": extract.received_at,
        "message": extract.message,
        "layout": extract.layout.name if extract.layout else None,
        "vouched": extract.vouched is not None,
        "synthetic": extract.synthetic,
    }


def _with_rows(extracts: list[Extract], taken: Intake) -> pd.DataFrame:
    """Rows of meta.extract with what became of each extract's rows."""
    columns = list(NO_ROWS)
    sums = taken.ledger.groupby("extract_id")[columns].sum().to_dict("index")
    counted = {one.unit.extract_id for one in taken.decisions if one.counted}
    lost = {one.unit.extract_id for one in taken.decisions if not one.counted} - counted
    rows = []
    for extract in extracts:
        row = {**_extract_row(extract), **sums.get(extract.extract_id, {})}
        if extract.extract_id in taken.refused:
            row |= {"status": "refused", "message": taken.refused[extract.extract_id]}
        elif extract.extract_id in lost:
            row |= {"status": "superseded", "message": "other extracts deliver all its units"}
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.name for column in tables.EXTRACT.columns])


def _unit_rows(taken: Intake) -> pd.DataFrame:
    from safecity_pipeline import period

    def label(one: Any) -> str:
        return period.spanning(one.unit.start, one.unit.end).label

    return pd.DataFrame(
        {
            "extract_id": one.unit.extract_id,
            "unit": f"{one.unit.table}/{one.unit.geography}"
            if one.unit.table
            else one.unit.geography,
            "period": label(one),
            "rows": one.unit.rows,
            "status": "counted" if one.counted else "superseded",
            "superseded_by": one.superseded_by,
            "reason": one.reason,
        }
        for one in taken.decisions
    )


def _intake_facts(taken: Intake, extracts: list[Extract]) -> dict[str, Any]:
    sums = {name: int(taken.ledger[name].sum()) for name in NO_ROWS}
    superseded = sum(not one.counted for one in taken.decisions)
    return {**sums, "units_superseded": superseded, "files": _listing(extracts)}


def _listing(extracts: Any) -> list[str]:
    return [f"{extract.file} ({extract.status})" for extract in extracts]


def _check(name: str, found: Any, words: str) -> Check:
    return Check("raw", name, not found, f"{len(found)} {words}", failed_rows=len(found))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_version() -> str:
    """Version of the pipeline and a hash of its code."""
    folder = Path(safecity_pipeline.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return f"{safecity_pipeline.__version__}+{digest.hexdigest()[:12]}"


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def released_table(table: Table) -> bool:
    return table.public
