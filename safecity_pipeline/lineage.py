"""Where each published column comes from: column → statement → clean columns → heads and extracts.

Belongs here: rows of meta.lineage, worked out of what is declared (indicators, sources, layouts)
and of the ledger. Does not belong here: the statements themselves (`measure`), and telling people
(`explaining`, `publish.lineage_page`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecity_pipeline import measure, tables
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Indicator, Layout, Part, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.indicators import columns_of, names_in
from safecity_pipeline.tables import Table

AREA = ("meta.area",)
FIGURES = "the rows that the part counts, adds up or takes"
"""In the place of columns: those that `where` and `aggregate` of the part name."""


@dataclass(frozen=True)
class Made:
    """How a column of mart.indicator_value is made: in words, of which columns of the statement's
    answer, of rows of which parts ("main": the value as published, else the numerator), and what
    these rows are asked for."""

    words: str
    answer: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    asked: str = ""
    tables: tuple[str, ...] = ()


ALL = ("value", "numerator", "denominator")
_SPAN = Made("period of the rows; months and quarters add up to years", (), ("main",), "period")
_INTERVAL = Made(
    "95 % interval: Wilson's of a share, Byar's of a count or rate, else as published",
    ("numerator", "denominator", "value", "lower_95", "upper_95"),
    ALL,
    FIGURES,
)
_MISSING = Made(
    "whether a figure is known, and why not: markers, estimates, breaks",
    ("numerator", "denominator", "odd", "estimated"),
    ALL,
    FIGURES,
    ("meta.definitional_change",),
)

COLUMNS: Mapping[str, Made] = {
    "indicator": Made("key of the declaration", tables=("meta.indicator",)),
    "area_code": Made("area of the rows", ("area_code",), ("main",), "area", AREA),
    "area_name": Made("name of the area", ("area_code",), (), "", AREA),
    "area_type": Made("kind of the area", ("area_code",), (), "", AREA),
    **dict.fromkeys(
        ("period", "period_kind", "period_start", "period_end"),
        _SPAN,
    ),
    "dimension": Made("column by which the figure is taken apart", tables=("meta.indicator",)),
    "dimension_value": Made(
        "all, or the word of the rows in that column",
        (),
        ("main",),
        "dimension",
        ("meta.indicator",),
    ),
    "coverage_start": Made("first day of the rows of the period", (), ("main",), "period"),
    "coverage_end": Made("last day of the rows of the period", (), ("main",), "period"),
    "complete": Made(
        "whether twelve months of a year are there", ("months_covered",), ("main",), "period"
    ),
    "numerator": Made("as counted", ("numerator",), ("numerator",), FIGURES),
    "denominator": Made("as counted", ("denominator",), ("denominator",), FIGURES, AREA),
    "value": Made("", ("numerator", "denominator", "value"), ALL, FIGURES),
    "lower_95": _INTERVAL,
    "upper_95": _INTERVAL,
    "unit": Made("unit of the declaration", tables=("meta.indicator",)),
    "obs_status": _MISSING,
    "suppressed_reason": _MISSING,
    "extracted_on": Made(
        "day on which the rows were taken out, else that of receipt",
        ("extracted_on",),
        ("main",),
        "extraction",
        ("meta.extract",),
    ),
    "denominator_vintage": Made(
        "edition of the population estimates", ("denominator_vintage",), ("denominator",), "vintage"
    ),
    "months_covered": Made(
        "months of the period that the rows cover", ("months_covered",), ("main",), "period"
    ),
    "maturity_days": Made(
        "days from the period's end to the extraction", ("maturity_days",), ("main",), "extraction"
    ),
    "series_break": Made(
        "material changes between it and the value before it",
        tables=("meta.definitional_change", "meta.series"),
    ),
}
"""A test holds that every column of the table stands here."""

VALUES = tables.INDICATOR_VALUE.full_name
OTHERS: Mapping[Table, tuple[str, ...]] = {
    tables.FINDING: (VALUES, "mart.break_estimate", "meta.peer", "meta.definitional_change"),
    tables.REVISION: (VALUES, "meta.extract_unit"),
    tables.PRINTED: (VALUES,),
    tables.BREAK_ESTIMATE: (VALUES, "meta.peer", "meta.definitional_change"),
    tables.COMPARABLE_VALUE: (VALUES, "meta.definitional_change"),
    tables.CLAIM: (VALUES, "mart.finding"),
    tables.TARGET: (VALUES, "mart.finding"),
    tables.DRAFT: (VALUES, "mart.finding", "mart.target"),
}
"""Tables of mart that are made of others; a test holds that all of them stand here."""


@dataclass(frozen=True)
class Counted:
    """What the ledger says of a source: its extracts of which rows count, and their layouts."""

    extracts: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()


def rows(known: Registry, counted: Mapping[str, Counted]) -> list[dict[str, Any]]:
    """Rows of meta.lineage. `counted`: by source; one that lacks has sent nothing."""
    found = [
        row
        for indicator in known.indicators.values()
        for row in _of_indicator(indicator, known, counted)
    ]
    others = [
        {
            "table_name": table.full_name,
            "column_name": column.name,
            "made_by": column.comment,
            "rests_on": list(rests_on),
        }
        for table, rests_on in OTHERS.items()
        for column in table.columns
    ]
    return found + others


def parts_of(indicator: Indicator) -> dict[str, Part]:
    """The parts that an indicator has, by name."""
    parts = {name: getattr(indicator, name) for name in ALL}
    return {name: part for name, part in parts.items() if part is not None}


def _of_indicator(
    indicator: Indicator, known: Registry, counted: Mapping[str, Counted]
) -> Iterator[dict[str, Any]]:
    asked = {
        name: _Asked(part, known.sources[part.source], indicator.by)
        for name, part in parts_of(indicator).items()
    }
    heads = {one.source.name: _heads(one.source, known.layouts) for one in asked.values()}
    for column, made in COLUMNS.items():
        row = {
            "table_name": VALUES,
            "column_name": column,
            "indicator": indicator.indicator,
            "made_by": made.words or formula(indicator),
            "statement_columns": _answered(indicator, column, made),
        }
        wanted = _wanted(indicator, column, made)
        there = [name for name in wanted if name in asked]
        if not there:
            yield {**row, "rests_on": list(made.tables)}
        for name in there:
            one = asked[name]
            ledger = counted.get(one.source.name, Counted())
            columns = one.columns(made.asked)
            by_head = heads[one.source.name]
            yield {
                **row,
                "part": name,
                "rests_on": [one.source.clean, *made.tables],
                "source": one.source.name,
                "clean_table": one.source.clean,
                "clean_columns": columns,
                "heads": sorted({head for each in columns for head in by_head.get(each, ())}),
                "layouts": list(ledger.layouts),
                "extracts": list(ledger.extracts),
                "within": one.within,
                "geography": one.geography,
            }


def _wanted(indicator: Indicator, column: str, made: Made) -> list[str]:
    """The parts whose rows a column is made from. Beside a published value the others are told, and
    not divided."""
    main = "value" if indicator.value else "numerator"
    if made.asked == "dimension" and not indicator.by:
        return []
    if column == "value" and indicator.value:
        return [main]
    return [main if one == "main" else one for one in made.parts]


def _answered(indicator: Indicator, column: str, made: Made) -> list[str]:
    """Columns of the answer of its statement: of a figure that is worked out, only the parts."""
    found = made.answer or (() if made.tables else (column,))
    worked_out = indicator.value is None
    return [one for one in found if not (worked_out and one in ("value", "lower_95", "upper_95"))]


def formula(indicator: Indicator) -> str:
    """How the value follows from its parts, in words."""
    if indicator.value is not None:
        return "as published; numerator and denominator, if any, as printed beside it"
    if indicator.denominator is None:
        return f"numerator × {indicator.per:,}"
    return f"numerator × {indicator.per:,} / denominator"


class _Asked:
    """What a part asks of the rows of its source."""

    def __init__(self, part: Part, source: Source, by: Sequence[str]) -> None:
        self.part, self.source, self.by = part, source, by
        self.windows = {one.name: one for one in source.windows}

    def columns(self, what: str) -> list[str]:
        """Columns of the clean table that are asked for something, in their order; a column that is
        worked out over several rows stands for those that it is worked out of."""
        clause = {
            FIGURES: f"{self.part.aggregate} {self.part.where} {self.source.estimated or ''}",
            "area": f"area_code {self.source.home_force if self.part.forces else ''}",
            "period": f"{self.source.period_start} {self.source.period_end}",
            "dimension": " ".join(self.by),
            "extraction": schema.EXTRACTED_ON,
            "vintage": "vintage",
        }[what]
        named = self._unfolded(names_in(clause))
        return [one for one in columns_of(self.source) if one in named]

    def _unfolded(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for name in names:
            window = self.windows.get(name)
            found |= self._unfolded(names_in(window.expression)) if window else {name}
        return found

    @property
    def within(self) -> str:
        """Of which time the rows are: a window that is not of a year may look over any."""
        if measure.is_stock(self.source):
            return "year_of_period"
        named = measure.windows_of(self.part, self.source)
        far = any(re.search(r"\bOVER\b", one.expression) and not one.of_year for one in named)
        return "any" if far else "period"

    @property
    def geography(self) -> str:
        """Of which place the units are that it counts; "any" where that cannot be told."""
        named = names_in(self.source.geography)
        if measure.is_stock(self.source):
            return "any"
        if self.source.home_force in named and self.part.forces == "home":
            return "home_force"
        if "area_code" not in named:
            return "any"
        return "area_and_parts" if self.source.adds_up else "area"


def _heads(source: Source, layouts: Iterable[Layout]) -> dict[str, list[str]]:
    """Clean column → the heads by which its layouts know it, or those that it is derived from."""
    found: dict[str, list[str]] = {}
    for layout in layouts:
        if layout.source == source.name:
            for head, column in layout.columns.items():
                found.setdefault(column, []).append(head)
            wide = [*(layout.wide_label or "").split("|"), layout.wide_value or ""]
            for column in wide if layout.wide else ():
                found.setdefault(column.strip(), []).append(f"each of {', '.join(layout.wide)}")
            for pattern, place in ((layout.facts, "file name"), (layout.titles, "titles")):
                for column in re.compile(pattern or "").groupindex:
                    found.setdefault(column, []).append(f"({place})")
    for one in source.derived:
        behind = [head for name in one.columns for head in found.get(name, ())]
        found.setdefault(one.name, []).extend(behind)
    return found
