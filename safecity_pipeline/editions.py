"""The tables of each edition, beside those that disclosure control leaves: without what its readers
may not see, row for row.

A row that rests on a withheld source stays, without figures and with the reason in words. Most
tables are views in the work file, so that they are copied once, into the database of the edition;
claims and drafts are looked at one by one.

Belongs here: what is left out of each table. Does not belong here: who may see what, and why not
(`audiences`), and small numbers (`sharing`, `shareable`), which are gone before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline import audiences, claims, shareable, sharing, tables, targets, warehouse
from safecity_pipeline.audiences import Withheld
from safecity_pipeline.model import Row
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.statements import Claim
from safecity_pipeline.tables import Table, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPUTED = ("computed", "computed_lower_95", "computed_upper_95")
REFERENCES = "string_split(coalesce({}, ''), ' + ')"
CAPITAL = "upper(left(left_out, 1)) || substr(left_out, 2) || '.'"
WITHOUT_NUMBERS = (
    "regexp_replace(message, '[0-9]([0-9.,]*[0-9])?', '…', 'g') || '; numbers are ' || left_out"
)
LEDGER = ["rows_read", "rows_valid", "rows_quarantined", "rows_excluded"]
ESTIMATED = [
    *("step", "lower_95", "upper_95", "direction", "percent", "percent_lower_95"),
    *("percent_upper_95", "total", "total_lower_95", "total_upper_95", "share_note"),
    *("recording_share", "recording_share_lower_95", "recording_share_upper_95"),
    *("months_before", "months_after", "national", "local", "peers_note"),
]
FOUND = ["change_id", "effective_date", "effective_last", "covered_by"]
"""What a scan finds; of other methods it is what they are asked."""
STATED = ["baseline", "target_value", "current", "change_lower_95", "change_upper_95"]

Again = Callable[[str, Sequence[Assessment]], list[Row]]
"""Claims of some assessments, computed from the tables of an edition alone."""


@dataclass(frozen=True)
class LeavingOut:
    """What becomes of the rows of a table that an edition leaves out.

    `test`: SQL for whether a row rests on one of a list, {}, of names. `reasons`: by such name.
    `gone`: columns that are null then. `said`: columns that say something else, as SQL, in which
    `left_out` is the reason. `other`: columns of any row, as SQL.
    """

    test: str
    reasons: Mapping[str, str]
    gone: Sequence[str] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[str, str] = field(default_factory=dict)

    def select(self, table: Table) -> str:
        """The rows of the table as they may be shared, without what is left out."""
        changed = [f"CASE WHEN left_out IS NULL THEN {name} END AS {name}" for name in self.gone]
        changed += [
            f"CASE WHEN left_out IS NULL THEN {name} ELSE {words} END AS {name}"
            for name, words in self.said.items()
        ]
        changed += [f"{words} AS {name}" for name, words in self.other.items()]
        return (
            f"SELECT * EXCLUDE (left_out) REPLACE ({', '.join(changed)}) FROM "
            f"(SELECT *, {self._reason()} AS left_out FROM {table.shareable.full_name})"
        )

    def _reason(self) -> str:
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.reasons.items():
            by_reason.setdefault(reason, []).append(name)
        cases = [
            f"WHEN {self.test.format(_listed(by_reason[reason]))} THEN {quoted(reason)}"
            for reason in sorted(by_reason, key=audiences.in_order)
        ]
        return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def write(connection: DuckDBPyConnection, known: Registry, day: date, again: Again) -> None:
    """The guarded tables of every edition of a release of that day. The caller holds the
    transaction; what disclosure control leaves is written (`sharing.write`)."""
    watched = tables.CLASSIFICATION_CHANGE
    connection.execute(
        f"CREATE OR REPLACE VIEW {watched.shareable.full_name} AS FROM {watched.full_name}"
    )
    for edition in tables.EDITIONS:
        out = audiences.withheld(known, edition, day)
        for table, leaving_out in _rules(known, out).items():
            connection.execute(
                f"CREATE OR REPLACE VIEW {table.of(edition).full_name} AS "
                f"{leaving_out.select(table)}"
            )
        _write_claims(connection, known, edition, out, again)
        _write_drafts(connection, edition, out)


def _rules(known: Registry, out: Withheld) -> dict[Table, LeavingOut]:
    return _of_figures(known, out) | _of_the_ledger(out)


def _of_figures(known: Registry, out: Withheld) -> dict[Table, LeavingOut]:
    own, why = "indicator IN ({})", out.indicators
    of_reference = f"list_append({REFERENCES.format('reference')}, indicator)"
    return {
        tables.INDICATOR_VALUE: LeavingOut(
            own, why, shareable.FIGURES, {"obs_status": "'C'", "suppressed_reason": "left_out"}
        ),
        tables.FINDING: _of_findings(known, out),
        tables.REVISION: LeavingOut(
            own, why, [*shareable.REVISED, "change_unit"], {"sentence": CAPITAL}
        ),
        tables.PRINTED: LeavingOut(
            own, why, [*shareable.PRINTED, "change_unit"], {"sentence": CAPITAL}
        ),
        tables.BREAK_ESTIMATE: LeavingOut(
            f"list_has_any({of_reference}, [{{}}])",
            why,
            ESTIMATED,
            {"flagged": "false", "verdict": "'cannot_tell'", "reason": "left_out"}
            | {name: f"CASE WHEN method <> 'scan' THEN {name} END" for name in FOUND},
        ),
        tables.COMPARABLE_VALUE: _of_comparable_values(out),
        tables.TARGET: LeavingOut(
            own, why, STATED, {"verdict": f"'{targets.NOT_MEASURABLE}'", "reason": "left_out"}
        ),
    }


def _of_findings(known: Registry, out: Withheld) -> LeavingOut:
    """A finding that stands loses what is left when recording is allowed for, where that was worked
    out with what is left out."""
    resting = _listed(sharing.resting_on(out.indicators.keys(), known))
    behind = f"list_append({REFERENCES.format('comparable_rests_on')}, indicator)"
    allowed = f"(left_out IS NULL AND NOT list_has_any({behind}, [{resting}]::VARCHAR[]))"
    titles = {key: _called(known, key) for key in out.indicators}
    start = f"{_chosen('indicator', titles)} || ', ' || area_name || ', '"
    rest = f"substr(sentence, length({start}) + 1)"
    # Where and when stand before the first colon after the title, which may have one of its own.
    when = f"CASE WHEN starts_with(sentence, {start}) AND contains({rest}, ':') "
    when += f"THEN split_part({rest}, ':', 1) ELSE period END"
    told = f"{start} || {when} || ': ' || left_out || '.'"
    without = "replace(sentence, ' ' || comparable_note, '')"
    stands = f"CASE WHEN {allowed} OR comparable_note IS NULL THEN sentence ELSE {without} END"
    others = [name for name in shareable.OF_OTHERS if name not in shareable.ALLOWING]
    return LeavingOut(
        "indicator IN ({})",
        out.indicators,
        ["value", "maturity_note", "printed_note", *others],
        {"status": quoted(shareable.HIDDEN)},
        {name: f"CASE WHEN {allowed} THEN {name} END" for name in shareable.ALLOWING}
        | {"sentence": f"CASE WHEN left_out IS NULL THEN {stands} ELSE {told} END"},
    )


def _called(known: Registry, key: str) -> str:
    one = known.indicators[key]
    return one.title.removesuffix(f" {one.unit}")


def _of_comparable_values(out: Withheld) -> LeavingOut:
    """What is as recorded rests on itself alone."""
    behind = (
        f"list_append(list_append({REFERENCES.format('reference')}, estimated_from), indicator)"
    )
    keys = f"CASE WHEN status = 'as_recorded' THEN [indicator] ELSE {behind} END"
    own = f"list_contains([{_listed(out.indicators)}]::VARCHAR[], indicator)"
    return LeavingOut(
        f"list_has_any({keys}, [{{}}])",
        out.indicators,
        ["comparable_value", "lower_95", "upper_95", "step"],
        {
            "value": f"CASE WHEN NOT {own} THEN value END",
            "status": f"CASE WHEN {own} THEN 'no_value' ELSE 'cannot_tell' END",
            "reason": "left_out",
        },
    )


def _of_the_ledger(out: Withheld) -> dict[Table, LeavingOut]:
    """How many rows a source has is a figure too, and so is what its checks count."""
    own, why = "source IN ({})", out.sources
    of_extract = "extract_id IN (SELECT extract_id FROM meta.extract WHERE source IN ({}))"
    excluded = [
        one.name for one in tables.EXTRACT_SHEET.columns if one.name.startswith("excluded_")
    ]
    told = {"message": WITHOUT_NUMBERS, "failed_rows": "if(passed, 0, NULL)"}
    counted = ["count_before", "count_after", "share", "proposed_row", "crosswalk"]
    return {
        tables.EXTRACT: LeavingOut(own, why, ["bytes", *LEDGER]),
        tables.EXTRACT_SHEET: LeavingOut(of_extract, why, [*LEDGER, *excluded]),
        tables.EXTRACT_UNIT: LeavingOut(of_extract, why, ["rows"]),
        tables.ARRIVAL: LeavingOut(own, why, ["rows"]),
        tables.CORRECTION: LeavingOut(own, why, ["rows"], {"reason": "left_out"}),
        tables.CHECK_RESULT: LeavingOut(own, why, said=told),
        tables.CLASSIFICATION_CHANGE: LeavingOut(own, why, counted, {"what": "left_out"}),
        tables.RUN_COST: LeavingOut(
            "step IN ({})",
            {f"clean/{name}": reason for name, reason in why.items()},
            ["rows", "rows_per_second"],
        ),
    }


# --- claims and drafts, one by one -------------------------------------------------------------


def _write_claims(
    connection: DuckDBPyConnection, known: Registry, edition: str, out: Withheld, again: Again
) -> None:
    """Claims, each beside the same one computed from what the edition shows."""
    rows: list[Row] = list(sharing.rows_of(connection, tables.CLAIM.shareable))
    asked = {*claims.indicators_of(known.assessments), *_references(known)}
    if asked & out.indicators.keys():
        declared = [claim for one in known.assessments for claim in one.claims]
        anew = again(edition, known.assessments)
        rows = list(_claims(rows, anew, declared, out))
    warehouse.fill(connection, tables.CLAIM.of(edition), pd.DataFrame(rows))


def _references(known: Registry) -> Iterator[str]:
    """What the notes of claims rest on."""
    return (key for one in known.references for key in one.keys)


def _claims(
    rows: Sequence[Row], anew: Sequence[Row], declared: Sequence[Claim], out: Withheld
) -> Iterator[Row]:
    for row, other, claim in zip(rows, anew, declared, strict=True):
        yield claim_without(row, other, claim, out)


def claim_without(row: Row, anew: Row, claim: Claim, out: Withheld) -> Row:
    """A row of mart.claim without a figure that rests on what is left out. `anew`: the same,
    computed without that. The verdict stands: it speaks of the number that was published."""
    by_reading = {
        one.name: [key for key in (one.indicator, *one.among) if key in out.indicators]
        for one in claim.reading
    }
    touched = {out.indicators[key] for keys in by_reading.values() for key in keys}
    if not touched:
        # What is null by disclosure control says so; of the rest, a note may be left out.
        return row if row["computed"] is None else {**row, "reason": anew["reason"]}
    same = all(row[name] == anew[name] for name in (*COMPUTED, "reading"))
    if row["computed"] is not None and same and not by_reading.get(row["reading"]):
        return {**row, "reason": anew["reason"]}
    return {**row, **dict.fromkeys(COMPUTED), "reason": audiences.strictest_reason(touched)}


def _write_drafts(connection: DuckDBPyConnection, edition: str, out: Withheld) -> None:
    notes = connection.execute(
        f"SELECT comparable_note FROM {tables.FINDING.shareable.full_name} "
        f"WHERE comparable_note IS NOT NULL EXCEPT "
        f"SELECT comparable_note FROM {tables.FINDING.of(edition).full_name} ORDER BY 1"
    ).fetchall()
    drafted = sharing.rows_of(connection, tables.DRAFT.shareable)
    kept = shareable.without_notes(drafted, [note for (note,) in notes])
    rows = [draft_without(row, out) for row in kept]
    warehouse.fill(connection, tables.DRAFT.of(edition), pd.DataFrame(rows))


def draft_without(row: Row, out: Withheld) -> Row:
    """A row of mart.draft, without its words where a figure behind it is left out."""
    behind = [key.partition("/")[0] for key in (row["figures"] or "").split()]
    touched = {out.indicators[key] for key in (*behind, row["indicator"]) if key in out.indicators}
    if not touched:
        return row
    why = audiences.strictest_reason(touched)
    said = f"{why[0].upper()}{why[1:]}."
    # Of a target it says how that was judged, too.
    rests_on = (row["rests_on"] or "").partition(", judged as ")[0] or None
    gone = dict.fromkeys(shareable.DRAFTED)
    return {**row, **gone, "sentence": said, "rests_on": rests_on}


# --- SQL ---------------------------------------------------------------------------------------


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(map(quoted, names))


def _chosen(column: str, words: Mapping[str, str]) -> str:
    """The words for each value of a column, as SQL."""
    cases = [f"WHEN {quoted(one)} THEN {quoted(said)}" for one, said in words.items()]
    return f"CASE {column} {' '.join(cases)} END" if cases else "NULL::VARCHAR"
