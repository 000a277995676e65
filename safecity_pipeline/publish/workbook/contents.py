"""Which sheets the workbook has, and the rows of each: what a manager and an analyst look up.

Belongs here: which rows and columns of the edition's database stand on a sheet, in which order,
and what stands in place of a figure that there is none of. Does not belong here: how a sheet is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.period import Period, parse
from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.shorthand import MISSING, NOT_APPLICABLE, SUPPRESSED
from safecity_pipeline.publish.workbook.cells import (
    MARKS,
    Cell,
    Head,
    Number,
    TableSheet,
    count,
    day,
    number,
    plain_number,
    text,
    words,
    yes_or_no,
)

COMPARISONS = {
    "previous_period": "the period before",
    "previous_year": "the year before",
    "five_years": "the four years before, together",
    "trend": "trend over five years",
    "group_average": "average of the peer group",
    "peer_rank": "place in the peer group",
}
WITHOUT_CHANGE = ("peer_rank", "group_average")
WITHOUT_BASE = ("peer_rank", "trend")
LOWER, UPPER = (
    Head("Likely from", 12, "interval"),
    Head("Likely to", 12, "interval"),
)
ABOUT = (Head("Subject", 18), Head("Indicator", 48))
FIGURE = (
    *(Head("Value", 12), Head("Unit", 22), LOWER, UPPER, Head("Numerator", 14)),
    *(Head("Denominator", 14), Head("Mark", 9, "mark"), Head("Why", 32)),
    Head("Changes since the value before", 18, "break"),
)
VALUES = "mart.indicator_value v JOIN meta.indicator i USING (indicator)"
IN_ORDER = "subject, title, indicator"


def of(edition: Edition) -> list[TableSheet]:
    """Every sheet that has a row; where there is none, there is no sheet."""
    asked = _Asked(edition, str(edition.facts["area_code"]), parse(str(edition.facts["year"])))
    made = (
        *(_findings(asked), _years(asked), _months(asked), _areas(asked), _breakdowns(asked)),
        *(_targets(asked), _claims(asked), _drafts(asked)),
        *(_breaks(asked), _comparable(asked), _changes(asked)),
        *(_arrivals(asked), _indicators(asked), _sources(asked)),
    )
    return [one for one in made if one.rows]


@dataclass(frozen=True)
class _Asked:
    """An edition, its area and its year."""

    edition: Edition
    area_code: str
    year: Period

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        return self.edition.rows(statement, values)

    def decimals(self, row: Row) -> int:
        """As the indicator of a row declares them."""
        known: Indicator | None = self.edition.registry.indicators.get(str(row["indicator"]))
        return known.decimals if known else 1


def _subject(row: Row) -> str:
    return str(row["subject"]).replace("_", " ")


# --- findings and values -------------------------------------------------------------------------


def _findings(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        "SELECT f.*, i.subject, i.title, v.unit FROM mart.finding f "
        "JOIN mart.indicator_value v "
        "USING (indicator, area_code, period, dimension, dimension_value) "
        "JOIN meta.indicator i USING (indicator) "
        "WHERE f.area_code = ? AND f.dimension = 'all' "
        "AND v.period_kind NOT IN ('month', 'quarter') AND v.period_end BETWEEN ? AND ? "
        f"ORDER BY {IN_ORDER}, f.period, f.comparison, f.comparator, f.base_period",
        asked.area_code,
        asked.year.start,
        asked.year.end,
    )
    heads = (
        *ABOUT,
        *(Head("Period", 11), Head("Compared with", 26), Head("Finding", 80), Head("Value", 12)),
        *(Head("Unit", 22), Head("Compared value", 12), Head("Change", 11)),
        *(Head("Unit of change", 14), LOWER, UPPER, Head("Direction", 12)),
        *(Head("Place, 1 is highest", 11, "rank"), Head("Place, 1 is best", 11, "rank")),
        *(Head("Areas in the group", 11, "rank"), Head("Status", 16)),
        *(Head("Changes in between", 16, "break"),),
    )
    return TableSheet(
        "Findings", "Findings of the year", heads, [_finding(row, asked) for row in rows]
    )


def _finding(row: Row, asked: _Asked) -> tuple[Cell, ...]:
    hidden = SUPPRESSED if row["status"] == "suppressed" else MISSING
    ranked = row["comparison"] == "peer_rank"
    change = NOT_APPLICABLE if row["comparison"] in WITHOUT_CHANGE else hidden
    base = NOT_APPLICABLE if row["comparison"] in WITHOUT_BASE else hidden
    limit = change if row["change"] is None else NOT_APPLICABLE
    place = hidden if ranked else NOT_APPLICABLE
    best = place if row["rank_high"] is None else NOT_APPLICABLE
    decimals = asked.decimals(row)
    return (
        *(_subject(row), row["title"], _period(row["period"]), _compared_with(row)),
        text(row["sentence"], MISSING),
        *(number(row["value"], decimals, hidden), text(row["unit"])),
        *(number(row["base_value"], decimals, base), number(row["change"], 1, change)),
        text(row["change_unit"]),
        *(number(row["change_lower_95"], 1, limit), number(row["change_upper_95"], 1, limit)),
        text(row["significance"]),
        *(number(row["rank_high"], 0, place), number(row["rank_best"], 0, best)),
        *(number(row["rank_of"], 0, place), text(row["status"]).replace("_", " ")),
        text(row["broken_by"]),
    )


def _compared_with(row: Row) -> str:
    comparison, _, year = str(row["comparison"]).partition(":")
    said = COMPARISONS.get(comparison, comparison.replace("_", " "))
    base = year or row["base_period"]
    return f"{said}: {_period(base)}" if base and comparison != "trend" else said


def _period(label: str) -> str:
    return parse(label).printed


def _years(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        f"SELECT v.*, subject, title FROM {VALUES} "
        "WHERE area_code = ? AND dimension = 'all' AND period_kind NOT IN ('month', 'quarter') "
        f"ORDER BY {IN_ORDER}, period_start, period",
        asked.area_code,
    )
    return TableSheet(
        "Values by year",
        "Values by year",
        (*ABOUT, Head("Period", 22), Head("Whole period", 9), *FIGURE),
        [
            (
                *(_subject(row), row["title"], _period(row["period"])),
                *(yes_or_no(row["complete"]), *_figure(row, asked)),
            )
            for row in rows
        ],
    )


def _figure(row: Row, asked: _Asked) -> tuple[Cell, ...]:
    """What the columns FIGURE hold."""
    why = SUPPRESSED if row["obs_status"] == "C" else MISSING
    none = NOT_APPLICABLE if row["value"] is not None else why
    decimals = asked.decimals(row)
    return (
        *(number(row["value"], decimals, why), text(row["unit"])),
        *(number(row["lower_95"], decimals, none), number(row["upper_95"], decimals, none)),
        *(count(row["numerator"], otherwise=none), count(row["denominator"], otherwise=none)),
        text(MARKS.get(str(row["obs_status"]), row["obs_status"])),
        text(row["suppressed_reason"]).replace("_", " "),
        text(row["series_break"]),
    )


def _months(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        f"SELECT v.*, subject, title FROM {VALUES} "
        "WHERE area_code = ? AND dimension = 'all' AND period_kind IN ('month', 'quarter') "
        f"ORDER BY {IN_ORDER}, period_kind, period_start",
        asked.area_code,
    )
    return TableSheet(
        "Months",
        "Values by month and quarter",
        (*ABOUT, Head("Period", 22), Head("First day", 12), *FIGURE),
        [
            (
                *(_subject(row), row["title"], _period(row["period"])),
                *(day(row["period_start"]), *_figure(row, asked)),
            )
            for row in rows
        ],
    )


def _areas(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        f"SELECT v.*, subject, title FROM {VALUES} "
        "WHERE period = ? AND dimension = 'all' "
        f"ORDER BY {IN_ORDER}, area_code <> ?, area_name, area_code",
        asked.year.label,
        asked.area_code,
    )
    return TableSheet(
        "Areas compared",
        "Values of the area and of those that it is compared with",
        (*ABOUT, Head("Area", 26), Head("Kind of area", 16), *FIGURE),
        [
            (
                *(_subject(row), row["title"], text(row["area_name"])),
                *(text(row["area_type"]).replace("_", " "), *_figure(row, asked)),
            )
            for row in rows
        ],
    )


def _breakdowns(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        f"SELECT v.*, subject, title FROM {VALUES} "
        "WHERE area_code = ? AND period = ? AND dimension <> 'all' "
        f"ORDER BY {IN_ORDER}, dimension, try_cast(dimension_value AS INTEGER), dimension_value",
        asked.area_code,
        asked.year.label,
    )
    return TableSheet(
        "Breakdowns",
        "Values of the year, taken apart",
        (*ABOUT, Head("By", 16), Head("Part", 26), *FIGURE),
        [
            (
                *(_subject(row), row["title"], text(row["dimension"]).replace("_", " ")),
                *(text(row["dimension_value"]), *_figure(row, asked)),
            )
            for row in rows
        ],
    )


# --- what the assessment says --------------------------------------------------------------------


def _targets(asked: _Asked) -> TableSheet:
    rows = asked.rows("SELECT * FROM mart.target ORDER BY target, measure, indicator, claim")
    heads = (
        *(Head("Target", 9), Head("Priority", 26), Head("Action", 60), Head("Measure", 30)),
        *(Head("Leads", 24), Head("Verdict", 16), Head("Why", 60), Head("Baseline", 12)),
        *(Head("To be reached", 12), Head("Current", 12), Head("Period", 11), Head("Due", 11)),
    )
    return TableSheet("Targets", "Where each target stands", heads, [_target(row) for row in rows])


def _target(row: Row) -> tuple[Cell, ...]:
    judged = row["verdict"] in ("met", "not_met", "not_shown")
    why = SUPPRESSED if judged else MISSING
    return (
        *(row["target"], text(row["priority"]), text(row["action"]), text(row["measure"])),
        text(row["lead_agency"]),
        *(text(row["verdict"]).replace("_", " "), text(row["reason"])),
        *(count(row["baseline"], otherwise=why), count(row["target_value"], otherwise=why)),
        count(row["current"], otherwise=why),
        *(_or_none(row["period"]), _or_none(row["due"])),
    )


def _or_none(label: str | None) -> str:
    return _period(label) if label else NOT_APPLICABLE


def _claims(asked: _Asked) -> TableSheet:
    rows = asked.rows("SELECT * FROM mart.claim ORDER BY claim")
    heads = (
        *(Head("Claim", 8), Head("Section", 24), Head("Sentence as published", 80)),
        *(Head("Published", 11), Head("Recomputed", 11), LOWER, UPPER, Head("Unit", 18)),
        *(Head("Verdict", 16), Head("Comparable", 16), Head("Why", 60)),
        Head("Changes in between", 16, "break"),
    )
    return TableSheet(
        "Claims", "Sentences of the published assessment", heads, [_claim(row) for row in rows]
    )


def _claim(row: Row) -> tuple[Cell, ...]:
    why = MISSING if str(row["verdict"]).startswith("not_") else SUPPRESSED
    limit = why if row["computed"] is None else NOT_APPLICABLE
    return (
        *(row["claim"], text(row["section"]), text(row["statement"])),
        *(plain_number(row["published"]), number(row["computed"], 1, why)),
        number(row["computed_lower_95"], 1, limit),
        number(row["computed_upper_95"], 1, limit),
        *(text(row["unit"]), text(row["verdict"]).replace("_", " ")),
        *(text(row["comparability"]).replace("_", " "), text(row["reason"])),
        text(row["broken_by"]),
    )


def _drafts(asked: _Asked) -> TableSheet:
    rows = asked.rows("SELECT * FROM mart.draft ORDER BY assessment, claim")
    heads = (
        *(Head("Claim", 8), Head("Section", 24), Head("Draft", 80), Head("As published", 60)),
        *(Head("Status", 16), Head("Rests on", 60), Head("To mind", 40)),
        Head("Changes in between", 16, "break"),
    )
    made = [
        (
            *(row["claim"], text(row["section"]), text(row["sentence"]), text(row["statement"])),
            *(text(row["status"]).replace("_", " "), text(row["rests_on"]), text(row["caveat"])),
            text(row["broken_by"]),
        )
        for row in rows
    ]
    return TableSheet("Drafts", "Sentences drafted for the year", heads, made)


# --- breaks --------------------------------------------------------------------------------------


def _breaks(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        "SELECT * FROM mart.break_estimate WHERE combined OR method = 'scan' ORDER BY series, "
        "area_code, effective_date, method, change_id, base_period, period, reference"
    )
    heads = (
        *(Head("Series", 34), Head("Area", 20), Head("Changes", 14, "break"), Head("From", 12)),
        *(Head("Years", 20), Head("How", 18), Head("Step in per cent", 11), LOWER, UPPER),
        *(Head("Verdict", 18), Head("Share of the change due to recording, per cent", 16)),
        *(Head("Why", 70), Head("References", 40)),
    )
    return TableSheet(
        "Breaks", "How large changes of recording were", heads, [_break(row) for row in rows]
    )


def _break(row: Row) -> tuple[Cell, ...]:
    years = [_period(one) for one in (row["base_period"], row["period"]) if one]
    share = row["recording_share"]
    limit = MISSING if row["percent"] is None else NOT_APPLICABLE
    return (
        *(row["series"], text(row["area_name"]), text(row["change_id"])),
        *(day(row["effective_date"], NOT_APPLICABLE), text(" to ".join(years))),
        *(text(row["method"]).replace("_", " "), number(row["percent"], 1)),
        number(row["percent_lower_95"], 1, limit),
        number(row["percent_upper_95"], 1, limit),
        text(row["verdict"]).replace("_", " "),
        number(None if share is None else 100 * share, 0),
        text(words((row["reason"], row["share_note"]))),
        text(row["reference"]),
    )


def _comparable(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        "SELECT c.*, i.subject, i.title FROM mart.comparable_value c "
        "JOIN meta.indicator i USING (indicator) "
        f"ORDER BY {IN_ORDER}, c.dimension, c.dimension_value, c.period_kind DESC, c.period_start"
    )
    heads = (
        *(*ABOUT, Head("Period", 18), Head("As recorded", 12)),
        *(Head("On the newest definition", 13, "comparable"), LOWER, UPPER, Head("Unit", 22)),
        *(Head("Definition of", 12), Head("Changes allowed for", 16, "break")),
        *(Head("Status", 14), Head("Why", 60)),
    )
    made = [_on_newest(row, asked) for row in rows]
    return TableSheet("Comparable values", "Values on one definition", heads, made)


def _on_newest(row: Row, asked: _Asked) -> tuple[Cell, ...]:
    limit = MISSING if row["comparable_value"] is None else NOT_APPLICABLE
    decimals = asked.decimals(row)
    return (
        *(_subject(row), row["title"], _period(row["period"])),
        *(number(row["value"], decimals), number(row["comparable_value"], decimals)),
        *(number(row["lower_95"], decimals, limit), number(row["upper_95"], decimals, limit)),
        *(text(row["unit"]), _or_none(row["definition_of"]), text(row["changes"])),
        *(text(row["status"]).replace("_", " "), text(row["reason"])),
    )


def _changes(asked: _Asked) -> TableSheet:
    rows = asked.rows("SELECT * FROM meta.definitional_change ORDER BY effective_date, id")
    heads = (
        *(Head("Change", 9), Head("In force from", 13), Head("Kind", 18), Head("What changed", 80)),
        *(Head("In short", 40), Head("Where", 14), Head("Weight", 12), Head("Status", 12)),
        *(Head("Stated in", 50),),
    )
    made = [
        (
            *(row["id"], day(row["effective_date"]), text(row["kind"]), text(row["what_changed"])),
            *(text(row["in_short"]), text(row["area_scope"]), text(row["materiality"])),
            *(text(row["status"]), text(row["source_name"])),
        )
        for row in rows
    ]
    return TableSheet("Definition changes", "Changes of what is counted", heads, made)


# --- what it rests on ----------------------------------------------------------------------------

WHAT_LACKS = ("missing", "overdue", "incomplete", "never_arrived", "due", "not_over")


def _arrivals(asked: _Asked) -> TableSheet:
    rows = asked.rows(
        "SELECT a.*, s.title FROM meta.arrival a JOIN meta.source s USING (source) "
        "ORDER BY coalesce(list_position(?::VARCHAR[], a.status), 99), source, period_start, "
        "period",
        list(WHAT_LACKS),
    )
    heads = (
        *(Head("Source", 50), Head("Supplier", 40), Head("Period", 22), Head("Status", 18)),
        *(Head("Due on", 12), Head("Arrived on", 12), Head("Days late", 9)),
        Head("Areas that lack", 10),
        Head("What else to know", 50),
    )
    made = [
        (
            *(text(row["title"]), text(row["supplier"]), _or_none(row["period"])),
            *(text(row["status"]).replace("_", " "), day(row["due_on"], NOT_APPLICABLE)),
            *(day(row["arrived_on"]), number(row["days_late"], 0, NOT_APPLICABLE)),
            *(number(row["areas_missing"], 0, NOT_APPLICABLE), text(row["note"])),
        )
        for row in rows
    ]
    return TableSheet("Arrivals", "What came, what lacks, what is due; gaps first", heads, made)


def _indicators(asked: _Asked) -> TableSheet:
    rows = asked.rows(f"SELECT * FROM meta.indicator ORDER BY {IN_ORDER}")
    heads = (
        *(*ABOUT, Head("Key in the data", 34), Head("Unit", 26), Head("Kind", 12)),
        *(Head("Which end is good", 14), Head("Series", 34), Head("Peer group", 24)),
        Head("Notes", 80),
    )
    made = [
        (
            *(_subject(row), row["title"], row["indicator"], text(row["unit"]), text(row["kind"])),
            *(text(row["polarity"]).replace("_", " "), text(row["series"])),
            *(text(row["peer_group"]).replace("_", " "), text(row["notes"])),
        )
        for row in rows
    ]
    return TableSheet("Indicators", "What is measured", heads, made)


def _sources(asked: _Asked) -> TableSheet:
    counts = {row["source"]: row for row in _ledger(asked)}
    heads = (
        *(Head("Source", 44), Head("Supplier", 40), Head("Files read", 9), Head("Rows read", 12)),
        *(Head("Rows refused", 12), Head("Terms of use", 40), Head("To be named as", 80)),
    )
    made = [
        (
            *(one.title, one.supplier),
            *_counted(counts[one.key]),
            *(one.licence, one.attribution),
        )
        for one in facts.of(asked.edition).sources
    ]
    return TableSheet("Sources", "What the figures are made from", heads, made)


def _ledger(asked: _Asked) -> list[dict[str, Any]]:
    return asked.rows(
        "SELECT source, count(*) AS files, sum(rows_read) AS rows_read, "
        "sum(rows_quarantined) AS refused, bool_or(rows_quarantined IS NULL) AS hidden "
        "FROM meta.extract WHERE status = 'read' GROUP BY source"
    )


def _counted(row: Mapping[str, Any]) -> Iterator[Cell]:
    """Files and rows of a source; what of any file is hidden is hidden of all."""
    yield Number(row["files"])
    yield number(row["rows_read"], 0, SUPPRESSED)
    yield number(None if row["hidden"] else row["refused"], 0, SUPPRESSED)
