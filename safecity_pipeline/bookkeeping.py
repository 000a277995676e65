"""Rows of the meta tables: what the release says of its extracts, sources, indicators and areas.

Pure: from surveys, intakes and the registry to rows. Belongs here: the bookkeeping that readers
see. Does not belong here: writing tables (`warehouse`), deciding anything (`ingest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Sized
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from safecity_pipeline import audiences, measure, period, shareable, tables
from safecity_pipeline.ingest import intake, pseudonyms, schema
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.ingest.survey import Survey, absent_columns, extra_heads
from safecity_pipeline.ingest.units import Decision
from safecity_pipeline.lineage import Counted
from safecity_pipeline.model import Check, CheckSpec, Extract
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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
SURVEY_CHECKS = (
    CheckSpec("files_recognised", "a source reads every file"),
    CheckSpec("files_usable", "no file is refused before reading"),
    CheckSpec("files_still_there", "no file of the last release is gone"),
    CheckSpec("manifests_kept", "every file that a manifest names is there"),
    CheckSpec("manifests_readable", "every manifest can be read"),
    CheckSpec("sheets_usable", "every sheet that a layout is meant for can be read"),
    CheckSpec("columns_known", "no file has a column of which its layout says nothing"),
    CheckSpec("synthetic_apart", "synthetic and real extracts are not mixed", "ERROR"),
)


def registry_rows(known: Registry) -> dict[Table, pd.DataFrame]:
    """Everything declared, by table."""
    renamed = {"code": "area_code", "name": "area_name", "type": "area_type"}
    dated = {"start": "start_date", "end": "end_date"}
    peers = pd.DataFrame(known.areas.peer_rows())
    peers["stand_in_code"] = [
        known.stand_ins.code(str(row["group"]), str(row["version"]), str(row["peer_code"]))
        for row in known.areas.peer_rows()
    ]
    return {
        tables.AREA: pd.DataFrame(known.areas.rows()).rename(columns=renamed | dated),
        tables.AREA_MEMBER: pd.DataFrame(known.areas.member_rows()),
        tables.SERIES: pd.DataFrame(known.changes.series_rows()),
        tables.DEFINITIONAL_CHANGE: pd.DataFrame(known.changes.rows()),
        tables.PEER: peers.rename(columns={"group": "peer_group"}),
        tables.SOURCE: _source_rows(known),
        tables.INDICATOR: _indicator_rows(known),
    }


def _source_rows(known: Registry) -> pd.DataFrame:
    expected = ("minimum_rows", "maximum_rows", "due_days", "assurance", "sensitivity")
    told = ("title", "supplier", "licence", "cadence", "audience", "disclosure", "settles_after")
    facts = (*told, *expected, "embargo_until")
    return pd.DataFrame(
        {
            "source": source.name,
            **{fact: getattr(source, fact) for fact in facts},
            "rules_hash": intake.rules_hash(source, known.areas_digest),
            "link_domain": pseudonyms.domain(source) if schema.personal(source) else None,
            "layouts_hash": _hash([one for one in known.layouts if one.source == source.name]),
        }
        for source in known.sources.values()
    )


def _indicator_rows(known: Registry) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{fact: getattr(indicator, fact) for fact in INDICATOR_FACTS},
            "disclosure": shareable.rule_of(indicator, known.sources),
            "audience": audiences.of_indicator(indicator, known.sources),
            "embargo_until": audiences.embargo_of(indicator, known.sources),
            "sql": measure.sql(indicator, known.sources),
            "declared": _hash(indicator),
        }
        for indicator in known.indicators.values()
    )


def _hash(declared: object) -> str:
    return hashlib.sha256(repr(declared).encode()).hexdigest()[:16]


def survey_rows(survey: Survey, withdrawn: Mapping[str, str]) -> dict[Table, pd.DataFrame]:
    """What the ledger says of the extracts before any is taken in, by table."""
    return {
        tables.EXTRACT: extract_rows(survey.extracts, withdrawn),
        tables.EXTRACT_SHEET: pd.DataFrame(),
        tables.EXTRACT_UNIT: pd.DataFrame(),
    }


def extract_rows(extracts: Iterable[Extract], withdrawn: Mapping[str, str]) -> pd.DataFrame:
    """Every file of raw/ as surveyed, and those of the last release that are gone (by id)."""
    rows = [_extract_row(extract) for extract in extracts]
    gone = "it was in the last release and is not in raw/ any more"
    rows += [
        {"extract_id": each, "file": file, "status": "withdrawn", "message": gone, **NO_ROWS}
        for file, each in withdrawn.items()
    ]
    return pd.DataFrame(rows, columns=[column.name for column in tables.EXTRACT.columns])


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
        "message": extract.public_message or extract.message,
        "layout": extract.layout.name if extract.layout else None,
        "vouched": extract.vouched is not None,
        "synthetic": extract.synthetic,
    }


def drift_rows(extracts: Iterable[Extract]) -> pd.DataFrame:
    """Heads that a layout does not know, and columns that it reads and does not find."""
    rows = [
        (extract.extract_id, sheet.sheet, sheet.layout.name, kind, name)
        for extract in extracts
        for sheet in extract.read
        if sheet.layout and extract.status == "read"
        for kind, names in (("new", extra_heads(sheet)), ("absent", absent_columns(sheet)))
        for name in names
    ]
    return pd.DataFrame(rows, columns=[column.name for column in tables.DRIFT.columns])


def ledger_rows(taken: Intake, extracts: list[Extract], areas: Areas) -> dict[Table, pd.DataFrame]:
    """What became of one source's extracts: its rows of the three ledger tables."""
    return {
        tables.EXTRACT: _with_rows(taken, extracts),
        tables.EXTRACT_SHEET: _sheet_rows(taken, extracts),
        tables.EXTRACT_UNIT: _unit_rows(taken.decisions, areas),
    }


def _with_rows(taken: Intake, extracts: list[Extract]) -> pd.DataFrame:
    sums = taken.ledger.groupby("extract_id")[list(NO_ROWS)].sum().to_dict("index")
    counted = {one.unit.extract_id for one in taken.decisions if one.counted}
    lost = {one.unit.extract_id for one in taken.decisions if not one.counted} - counted
    rows = []
    for extract in extracts:
        row: dict[str, Any] = {**_extract_row(extract)}
        row |= {str(name): count for name, count in sums.get(extract.extract_id, {}).items()}
        if extract.extract_id in taken.refused:
            row |= {"status": "refused", "message": taken.refused[extract.extract_id]}
        elif extract.extract_id in lost:
            row |= {"status": "superseded", "message": "other extracts deliver all its units"}
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.name for column in tables.EXTRACT.columns])


def _sheet_rows(taken: Intake, extracts: list[Extract]) -> pd.DataFrame:
    """The ledger by sheet, with the layout that reads each sheet or why none does."""
    said = pd.DataFrame(
        [
            (
                one.extract_id,
                sheet.sheet,
                layout.name if layout else None,
                sheet.public_message or sheet.message,
            )
            for one in extracts
            for sheet in one.readings
            for layout in [sheet.layout]
        ],
        columns=["extract_id", "sheet", "layout", "message"],
    )
    return taken.ledger.merge(said, how="left", on=["extract_id", "sheet"])


def _unit_rows(decisions: Sequence[Decision], areas: Areas) -> pd.DataFrame:
    spans = {(one.unit.start, one.unit.end) for one in decisions}
    labels = {span: period.spanning(*span).label for span in spans}  # few, of thousands of units
    found = {code: areas.by_code(code) for code in {one.unit.geography for one in decisions}}
    names = {code: area.name if area else code for code, area in found.items()}
    return pd.DataFrame([_unit_row(one, labels, names) for one in decisions])


def _unit_row(
    one: Decision, labels: Mapping[tuple[date, date], str], names: Mapping[str, str]
) -> dict[str, Any]:
    unit = one.unit
    name = names[unit.geography]
    return {
        "extract_id": unit.extract_id,
        "unit": f"{unit.table}/{name}" if unit.table else name,
        "period": labels[unit.start, unit.end],
        "rows": unit.rows,
        "status": "counted" if one.counted else "superseded",
        "superseded_by": one.superseded_by,
        "reason": one.reason,
    }


def survey_checks(survey: Survey, withdrawn: Sized) -> list[Check]:
    """What the survey of raw/ finds worth saying; in the order of SURVEY_CHECKS."""
    unknown = [one for one in survey.extracts if one.status == "unrecognised"]
    refused = [one for one in survey.extracts if one.status == "refused"]
    new = drift_rows(survey.extracts)
    lame = [sheet for one in survey.extracts for sheet in one.readings if sheet.refused]
    made_up = {one.synthetic for one in survey.extracts if one.status == "read"}
    apart = "synthetic and real extracts are not mixed"
    mixed = "synthetic and real extracts lie in one folder"
    return [
        _check("files_recognised", unknown, "files that no source reads"),
        _check("files_usable", refused, "files refused before reading"),
        _check("files_still_there", withdrawn, "files of the last release that are gone"),
        _check(
            "manifests_kept", survey.missing, "files that a manifest names and that are not there"
        ),
        _check("manifests_readable", survey.faults, "faults in manifests"),
        _check("sheets_usable", lame, "sheets that a layout is meant for and cannot read"),
        _check("columns_known", new[new["kind"] == "new"], "columns that no layout speaks of"),
        Check(
            "raw",
            "synthetic_apart",
            len(made_up) < 2,
            mixed if len(made_up) > 1 else apart,
            "ERROR",
        ),
    ]


def _check(name: str, found: Sized, words: str) -> Check:
    count = len(found)
    return Check("raw", name, count == 0, f"{words}: {count}", failed_rows=count)


def listing(extracts: Iterable[Extract]) -> list[str]:
    """Files with their status, for operators."""
    return [f"{extract.file} ({extract.status})" for extract in extracts]


def intake_facts(taken: Intake, extracts: list[Extract]) -> dict[str, Any]:
    """Counts and the file list of one source; never rows."""
    sums = {name: int(taken.ledger[name].sum()) for name in NO_ROWS}
    superseded = sum(not one.counted for one in taken.decisions)
    return {**sums, "units_superseded": superseded, "files": listing(extracts)}


def stored_facts(
    connection: DuckDBPyConnection, source: str, extracts: list[Extract]
) -> dict[str, Any]:
    """The same as `intake_facts`, of a source that is left as it is."""
    sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in NO_ROWS)
    counted = connection.execute(
        f"SELECT {sums} FROM meta.extract WHERE source = ?", [source]
    ).fetchall()[0]
    superseded = connection.execute(
        "SELECT count(*) FROM meta.extract_unit SEMI JOIN (SELECT extract_id FROM meta.extract "
        "WHERE source = ?) USING (extract_id) WHERE status = 'superseded'",
        [source],
    ).fetchall()[0]
    found = dict(zip(NO_ROWS, counted, strict=True))
    return {**found, "units_superseded": superseded[0], "files": listing(extracts)}


def counted(connection: DuckDBPyConnection) -> dict[str, Counted]:
    """Source → its extracts of which rows count, and the layouts by which they were read."""
    rows = connection.execute(
        "SELECT source, list_sort(list(DISTINCT extract_id)), "
        "list_sort(list(DISTINCT s.layout) FILTER (WHERE s.layout IS NOT NULL)) "
        "FROM meta.extract AS e JOIN meta.extract_sheet AS s USING (extract_id) "
        "WHERE extract_id IN (SELECT extract_id FROM meta.extract_unit WHERE status = 'counted') "
        "GROUP BY source ORDER BY source"
    ).fetchall()
    return {source: Counted(tuple(ids), tuple(named or ())) for source, ids, named in rows}
