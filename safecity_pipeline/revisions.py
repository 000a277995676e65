"""Figures as first extracted, beside the same figures as they stand.

Suppliers send periods again: by then crimes were cancelled and cases closed. The extracts that gave
way are kept, so a figure can be worked out of what came first of each part, and of today's rows for
the parts that came once.

Belongs here: which parts came again, and both figures of every period that has such a part. Does
not belong here: which delivery counts, or came first (`ingest.units`), how a figure is computed
(`measure`), how old it is (`maturity`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from safecity_pipeline import measure, period, sentences
from safecity_pipeline.ingest import adding, intake, schema, units
from safecity_pipeline.ingest.units import Unit
from safecity_pipeline.model import Indicator, Source
from safecity_pipeline.registry import reach
from safecity_pipeline.registry.indicators import PUBLISHED, is_percentage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PLACES = ("clean", "set_aside")
PART_AGAIN = """
CREATE OR REPLACE TEMP TABLE part_again (
    source VARCHAR, area_code VARCHAR, first_day DATE, last_day DATE,
    first_extracted_on DATE, extracted_on DATE)
"""
"""What came more than once: an area and span of days, and when it was extracted."""


@dataclass(frozen=True)
class AsFirstExtracted(Source):
    """A source whose rows are those of the first extract of each part."""

    @property
    def clean(self) -> str:
        return f"first_{self.name}"


@dataclass(frozen=True)
class Again:
    """What of a source came more than once. `first`: what stood when each part came first;
    `today`: what counts."""

    source: Source
    first: frozenset[Unit]
    today: frozenset[Unit]

    @property
    def years(self) -> set[int]:
        """The financial years of which a part came again, by the year in which they begin."""
        changed = self.first ^ self.today
        return {year for unit in changed for year in _years(unit)}


def of(
    connection: DuckDBPyConnection,
    indicators: Iterable[Indicator],
    sources: Mapping[str, Source],
    synthetic: bool,
) -> pd.DataFrame:
    """Rows of mart.revision of some indicators, whose values stand in mart.indicator_value.

    The caller holds the transaction, in which temporary tables are made and dropped.
    """
    listed = list(indicators)
    again = came_again(connection, _named_by(listed, sources))
    if not again:
        return pd.DataFrame()
    as_first = {**sources, **_as_first(connection, again)}
    rows = [
        row
        for indicator in listed
        if again.keys() & reach.counted_from(indicator)
        for row in _rows(connection, indicator, as_first, synthetic)
    ]
    for table in (*(as_first[name].clean for name in again), "part_again", "chosen"):
        connection.execute(f"DROP TABLE {table}")
    return pd.DataFrame(rows)


def _named_by(indicators: Iterable[Indicator], sources: Mapping[str, Source]) -> list[Source]:
    names = {name for one in indicators for name in reach.counted_from(one)}
    return [sources[name] for name in sorted(names) if schema.is_dated(sources[name])]


# --- what came again -----------------------------------------------------------------------------


def came_again(connection: DuckDBPyConnection, sources: Iterable[Source]) -> dict[str, Again]:
    """The sources of which a part that had come before was extracted again."""
    found = {}
    for source in sources:
        aside = connection.execute(f"SELECT 1 FROM set_aside.{source.name} LIMIT 1").fetchall()
        one = _again(connection, source) if aside else None
        if one and one.first != one.today:
            found[source.name] = one
    return found


def _again(connection: DuckDBPyConnection, source: Source) -> Again:
    rows = connection.execute(
        f"SELECT DISTINCT _extract_id, {adding.unit_columns(source)} FROM set_aside.{source.name}"
    ).fetchall()
    gave_way = set(rows)
    every = intake.delivered(connection, source)
    today = [one for one in every if _key(one) not in gave_way]
    extracted = intake.extraction_days(connection, source)
    first = units.first_delivered(every, today, extracted)
    return Again(source, frozenset(first), frozenset(today))


def _key(unit: Unit) -> tuple[object, ...]:
    return unit.extract_id, unit.table, unit.geography, unit.start, unit.end


def _years(unit: Unit) -> range:
    first, last = (_year_of(day) for day in (unit.start, unit.end))
    return range(first, last + 1)


@cache
def _year_of(day: date) -> int:
    """The year in which the financial year of a day begins; a period is slow to make."""
    return period.financial_year_of(day).start.year


def _as_first(
    connection: DuckDBPyConnection, again: Mapping[str, Again]
) -> dict[str, AsFirstExtracted]:
    """The sources with their first rows, of the years of which any part of any source came again,
    and all that came again in `part_again`."""
    connection.execute(PART_AGAIN)
    years = {year for one in again.values() for year in one.years}
    found = {}
    for name, one in again.items():
        made = AsFirstExtracted(**{of.name: getattr(one.source, of.name) for of in fields(Source)})
        _choose(connection, (unit for unit in one.first if years.intersection(_years(unit))))
        rows = " UNION ALL BY NAME ".join(_chosen(one.source, place) for place in PLACES)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {made.clean} AS {rows}")
        _note_parts(connection, one)
        found[name] = made
    return found


def _choose(connection: DuckDBPyConnection, chosen: Iterable[Unit]) -> None:
    """Put units where `_chosen` looks for them."""
    columns = ["extract_id", "unit_table", "geography", "period_start", "period_end"]
    listed = pd.DataFrame([_key(one) for one in chosen], columns=columns, dtype=object)
    connection.register("chosen_now", listed)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS SELECT extract_id::VARCHAR AS _chosen_extract, "
        "unit_table::VARCHAR AS _chosen_table, geography::VARCHAR AS _chosen_geography, "
        "period_start::DATE AS _chosen_start, period_end::DATE AS _chosen_end FROM chosen_now"
    )
    connection.unregister("chosen_now")


def _chosen(source: Source, place: str) -> str:
    """The rows of the chosen units, in `clean` or `set_aside`."""
    unit = f"(_extract_id, {adding.unit_columns(source)})"
    chosen = "(_chosen_extract, _chosen_table, _chosen_geography, _chosen_start, _chosen_end)"
    return f"SELECT r.* FROM {place}.{source.name} AS r SEMI JOIN chosen ON {unit} = {chosen}"


def _note_parts(connection: DuckDBPyConnection, again: Again) -> None:
    """By area and days: what came first and gave way, and what stands in its place."""
    source, day = again.source, schema.EXTRACTED_ON
    for place, units_there in zip(
        PLACES, (again.today - again.first, again.first - again.today), strict=True
    ):
        _choose(connection, units_there)
        connection.execute(
            f"INSERT INTO part_again SELECT $1, area_code, {source.period_start}, "
            f"{source.period_end}, min({day}), max({day}) "
            f"FROM ({_chosen(source, place)}) WHERE area_code IS NOT NULL GROUP BY ALL",
            [source.name],
        )


# --- both figures --------------------------------------------------------------------------------


def _rows(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    as_first: Mapping[str, Source],
    synthetic: bool,
) -> Iterator[dict[str, Any]]:
    rows = connection.execute(
        _statement(indicator, as_first),
        [indicator.indicator, sorted(reach.counted_from(indicator))],
    ).df()
    if rows.empty:
        return
    published = rows.assign(lower_95=float("nan"), upper_95=float("nan"))
    rows["first_value"], *_ = measure.with_interval(indicator, published)
    plain = rows.astype(object)
    for row in plain.where(plain.notna(), None).to_dict("records"):
        yield _row(indicator, {str(name): cell for name, cell in row.items()}, synthetic)


def _statement(indicator: Indicator, as_first: Mapping[str, Source]) -> str:
    """Each figure by first extracts beside the one of today, where a part of its period came again.

    `numerator`, `denominator` (and `value`, of a published figure) are the first ones. Parameters:
    the indicator, its sources.
    """
    printed = ", f.value" if indicator.kind == PUBLISHED else ""
    return f"""
        SELECT v.indicator, v.area_code, v.area_name, v.period, v.period_kind,
               v.complete, v.coverage_start, v.coverage_end,
               v.value AS value_today, f.numerator, f.denominator{printed},
               f.months_covered = v.months_covered AS alike,
               min(p.first_extracted_on) AS first_extracted_on,
               max(p.extracted_on) AS extracted_on
        FROM ({measure.sql(indicator, as_first)}) AS f
        JOIN mart.indicator_value AS v
          ON (v.area_code, v.period) = (f.area_code, f.period)
             AND v.indicator = $1 AND v.dimension = 'all'
        JOIN part_again AS p
          ON p.area_code = v.area_code AND list_contains($2::VARCHAR[], p.source)
             AND p.first_day >= v.period_start AND p.last_day <= v.period_end
        GROUP BY ALL ORDER BY ALL"""


def _row(indicator: Indicator, row: Mapping[str, Any], synthetic: bool) -> dict[str, Any]:
    copied = ("indicator", "area_code", "area_name", "period", "period_kind", "first_value")
    told = {
        **{name: row[name] for name in copied},
        "first_numerator": row["numerator"],
        "first_denominator": row["denominator"],
        "first_extracted_on": row["first_extracted_on"].date(),
        "value": row["value_today"],
        "extracted_on": row["extracted_on"].date(),
        "change": _change(indicator, row),
        "change_unit": "percentage points" if is_percentage(indicator) else "percent",
        "synthetic": synthetic,
    }
    return {**told, "sentence": _sentence(indicator, told, _when(row))}


def _when(row: Mapping[str, Any]) -> str:
    """The period, or the days of it that are covered."""
    if row["complete"]:
        return period.parse(row["period"]).printed
    days = (pd.Timestamp(row[name]).date() for name in ("coverage_start", "coverage_end"))
    return period.describe_coverage(*days)


def _change(indicator: Indicator, row: Mapping[str, Any]) -> float | None:
    """None where a figure is missing, where the first is 0 and no percentage can be given, and
    where the two do not cover the same months."""
    first, now = row["first_value"], row["value_today"]
    if first is None or now is None or not row["alike"]:
        return None
    if is_percentage(indicator):
        return float(now - first)
    return 100 * (now - first) / first if first else None


def _sentence(indicator: Indicator, told: Mapping[str, Any], when: str) -> str:
    title = indicator.title.removesuffix(f" {indicator.unit}")
    first, now = (
        f"{_figure(indicator, told[name])} {words} {sentences.written(told[day])}{behind}"
        for name, words, day, behind in (
            ("first_value", "as first extracted, from", "first_extracted_on", " on"),
            ("value", "with what was extracted again by", "extracted_on", ""),
        )
    )
    return f"{title}, {told['area_name']}, {when}: {first}; {now}{_by(told)}."


def _figure(indicator: Indicator, value: float | None) -> str:
    if value is None:
        return "no figure"
    return f"{sentences.rounded(value, indicator.decimals)} {indicator.unit}"


def _by(told: Mapping[str, Any]) -> str:
    if told["change"] is None:
        return ""
    if told["change"] == 0:
        return " (unchanged)"
    unit = "%" if told["change_unit"] == "percent" else "percentage points"
    return f" ({sentences.signed(told['change'])} {unit})"
