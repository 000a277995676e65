"""Figures as first extracted, beside the same figures as they stand.

Suppliers send periods again: by then crimes were cancelled and cases closed. The extracts that gave
way are kept, so a figure can be worked out of what came first of each part, and of today's rows for
the parts that came once.

Belongs here: which parts came again, and both figures of every period that has such a part. Does
not belong here: which delivery counts, or came first (`ingest.units`), how a figure is computed
(`measure`), how old it is (`maturity`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from safecity_pipeline import measure, period, sentences
from safecity_pipeline.ingest import adding, intake, schema, units
from safecity_pipeline.ingest.units import Unit
from safecity_pipeline.model import Indicator, Source
from safecity_pipeline.registry.indicators import PER_CENT, PUBLISHED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = ("value", "numerator", "denominator", "months_covered")


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


@dataclass(frozen=True)
class Days:
    """On which days the part of an area between two days was extracted, first and last."""

    area_code: str
    start: date
    end: date
    first: date | None
    last: date | None


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
    years = {year for one in again.values() for year in one.years}
    as_first = dict(sources)
    days: dict[str, list[Days]] = {}
    for name, one in again.items():
        as_first[name] = _as_first(connection, one, years)
        days[name] = _days(connection, one)
    touched = [one for one in listed if again.keys() & _sources_of(one)]
    rows = [
        row
        for indicator in touched
        for row in _rows(connection, indicator, as_first, _of_all(days, indicator), synthetic)
    ]
    for name in again:
        connection.execute(f"DROP TABLE {as_first[name].clean}")
    return pd.DataFrame(rows)


def _sources_of(indicator: Indicator) -> set[str]:
    parts = (indicator.value, indicator.numerator, indicator.denominator)
    return {part.source for part in parts if part}


def _named_by(indicators: Iterable[Indicator], sources: Mapping[str, Source]) -> list[Source]:
    names = {name for one in indicators for name in _sources_of(one)}
    return [sources[name] for name in sorted(names) if schema.is_dated(sources[name])]


def _of_all(days: Mapping[str, Sequence[Days]], indicator: Indicator) -> list[Days]:
    return [one for name in _sources_of(indicator) for one in days.get(name, ())]


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
    first, last = (period.financial_year_of(day).start.year for day in (unit.start, unit.end))
    return range(first, last + 1)


def _as_first(connection: DuckDBPyConnection, again: Again, years: set[int]) -> AsFirstExtracted:
    """The source with its table of first rows, of the years of which any part came again."""
    source = again.source
    made = AsFirstExtracted(**{one.name: getattr(source, one.name) for one in fields(Source)})
    chosen = [one for one in again.first if years.intersection(_years(one))]
    rows = " UNION ALL BY NAME ".join(
        _rows_in(source, place) for place in (f"clean.{source.name}", f"set_aside.{source.name}")
    )
    _choose(connection, chosen)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {made.clean} AS {rows}")
    return made


def _choose(connection: DuckDBPyConnection, chosen: Iterable[Unit]) -> None:
    """Put units where `_rows_in` looks for them."""
    columns = ["extract_id", "unit_table", "geography", "period_start", "period_end"]
    listed = pd.DataFrame([_key(one) for one in chosen], columns=columns, dtype=object)
    connection.register("chosen_now", listed)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS SELECT extract_id::VARCHAR AS _chosen_extract, "
        "unit_table::VARCHAR AS _chosen_table, geography::VARCHAR AS _chosen_geography, "
        "period_start::DATE AS _chosen_start, period_end::DATE AS _chosen_end FROM chosen_now"
    )
    connection.unregister("chosen_now")


def _rows_in(source: Source, table: str) -> str:
    """The rows of the chosen units."""
    unit = f"(_extract_id, {adding.unit_columns(source)})"
    chosen = "(_chosen_extract, _chosen_table, _chosen_geography, _chosen_start, _chosen_end)"
    return f"SELECT r.* FROM {table} AS r SEMI JOIN chosen ON {unit} = {chosen}"


def _days(connection: DuckDBPyConnection, again: Again) -> list[Days]:
    """By area and part that came again: when first, and when last."""
    source = again.source
    told = []
    for table, chosen in (
        ("set_aside", again.first - again.today),
        ("clean", again.today - again.first),
    ):
        _choose(connection, chosen)
        rows = _rows_in(source, f"{table}.{source.name}")
        told += connection.execute(
            f"SELECT area_code, {source.period_start}, {source.period_end}, "
            f"min({schema.EXTRACTED_ON}), max({schema.EXTRACTED_ON}) FROM ({rows}) GROUP BY ALL"
        ).fetchall()
    connection.execute("DROP TABLE chosen")
    return [Days(*row) for row in told if row[0] is not None]


# --- both figures --------------------------------------------------------------------------------


def _rows(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    as_first: Mapping[str, Source],
    days: Sequence[Days],
    synthetic: bool,
) -> Iterator[dict[str, Any]]:
    first = measure.values(connection, indicator, as_first)
    for row in _beside_today(connection, indicator, first):
        inside = [one for one in days if _is_part(one, row)]
        if inside:
            yield _row(indicator, row, inside, synthetic)


def _beside_today(
    connection: DuckDBPyConnection, indicator: Indicator, first: pd.DataFrame
) -> list[dict[str, Any]]:
    """Each first figure (its columns begin with first_) with the one of today."""
    today = connection.execute(
        "SELECT * FROM mart.indicator_value WHERE indicator = ? AND dimension = 'all'",
        [indicator.indicator],
    ).df()
    kept = first[["area_code", "period", *COLUMNS]]
    kept = kept.rename(columns={name: f"first_{name}" for name in COLUMNS})
    both = today.merge(kept, on=["area_code", "period"]).astype(object)
    plain: list[dict[str, Any]] = both.where(both.notna(), None).to_dict("records")  # type: ignore[assignment]
    return plain


def _is_part(one: Days, row: Mapping[str, Any]) -> bool:
    start, end = row["period_start"].date(), row["period_end"].date()
    return one.area_code == row["area_code"] and bool(start <= one.start and one.end <= end)


def _row(
    indicator: Indicator, row: Mapping[str, Any], days: Sequence[Days], synthetic: bool
) -> dict[str, Any]:
    copied = ("indicator", "area_code", "area_name", "period", "period_kind", "value")
    of_first = [f"first_{name}" for name in COLUMNS[:3]]
    told = {
        **{name: row[name] for name in (*copied, *of_first)},
        "first_extracted_on": min(one.first for one in days if one.first),
        "extracted_on": max(one.last for one in days if one.last),
        "change": _change(indicator, row),
        "change_unit": "percentage points" if _is_share(indicator) else "percent",
        "synthetic": synthetic,
    }
    return {**told, "sentence": _sentence(indicator, told)}


def _is_share(indicator: Indicator) -> bool:
    published = indicator.kind == PUBLISHED and indicator.unit == PER_CENT
    return published or indicator.kind == "proportion"


def _change(indicator: Indicator, row: Mapping[str, Any]) -> float | None:
    """None where a figure is missing, where the first is 0 and no percentage can be given, and
    where the two do not cover the same months."""
    first, now = row["first_value"], row["value"]
    if first is None or now is None or row["first_months_covered"] != row["months_covered"]:
        return None
    if _is_share(indicator):
        return float(now - first)
    return 100 * (now - first) / first if first else None


def _sentence(indicator: Indicator, told: Mapping[str, Any]) -> str:
    title = indicator.title.removesuffix(f" {indicator.unit}")
    when = period.parse(told["period"]).printed
    first, now = (
        f"{_figure(indicator, told[name])} {words} {_written(told[day])}"
        for name, words, day in (
            ("first_value", "as first extracted on", "first_extracted_on"),
            ("value", "with what was extracted again by", "extracted_on"),
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


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
