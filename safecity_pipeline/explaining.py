"""`safecity explain`: a published figure taken apart, down to files and row counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from duckdb import DuckDBPyConnection

from safecity_pipeline import measure, shareable
from safecity_pipeline.model import Indicator, Part, Refused
from safecity_pipeline.period import parse
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse


def explain(
    settings: Settings,
    known: Registry,
    key: str,
    area: str | None,
    period: str | None,
    rows: bool = False,
) -> list[str]:
    """Lines that take one value apart. Raises Refused where there is no such value.

    `rows`: with the place of every row that is counted, for those who may read rows.
    """
    indicator = known.indicator(key)
    code = known.area(area or settings.area_code).code
    house = Warehouse(settings.warehouse)
    connection = house.read_release()
    try:
        value = _value(connection, indicator, code, period)
        comparable = _comparable(connection, value)
        statement = connection.execute(
            "SELECT sql FROM meta.indicator WHERE indicator = ?", [key]
        ).fetchall()[0][0]
    finally:
        connection.close()
    return [
        *_formula(indicator),
        *_figures(indicator, value),
        *comparable,
        *_behind(house, known, indicator, value),
        *(_places(house, known, indicator, value) if rows else []),
        "SQL, over the restricted database (all areas and periods):",
        *(f"  {line}" for line in str(statement).splitlines() if line.strip()),
    ]


def _value(
    connection: DuckDBPyConnection, indicator: Indicator, code: str, period: str | None
) -> dict[str, Any]:
    rows = connection.execute(
        "SELECT * FROM mart.indicator_value WHERE indicator = ? AND area_code = ? "
        "AND (period = ? OR (? IS NULL AND period_kind NOT IN ('month', 'quarter'))) "
        "ORDER BY period_start DESC LIMIT 1",
        [indicator.indicator, code, period, period],
    ).df()
    if rows.empty:
        there = connection.execute(
            "SELECT DISTINCT period FROM mart.indicator_value WHERE indicator = ? "
            "AND area_code = ? ORDER BY period",
            [indicator.indicator, code],
        ).fetchall()
        periods = ", ".join(row[0] for row in there) or "none"
        raise Refused(
            "the release has no such value",
            f"{indicator.indicator}, area {code}",
            period,
            f"periods there are: {periods}",
        )
    return {str(name): value for name, value in rows.iloc[0].items()}


def _formula(indicator: Indicator) -> list[str]:
    lines = [f"{indicator.indicator}: {indicator.title} ({indicator.unit})"]
    if indicator.value is not None:
        lines.append(
            "  = value as published; numerator and denominator, if any, as printed beside it"
        )
    elif indicator.denominator is None:
        lines.append(f"  = numerator × {indicator.per:,}")
    else:
        lines.append(f"  = numerator × {indicator.per:,} / denominator")
    lines += [f"  {name}: {_part(part)}" for name, part in _parts(indicator)]
    return lines + [f"  note: {indicator.notes}"] * bool(indicator.notes)


def _part(part: Part) -> str:
    whose = {"home": ", rows of the home force only", "all": ", rows of every force"}
    where = "" if part.where == "true" else f" where {part.where}"
    return f"{part.aggregate} of {part.source}{where}{whose.get(part.forces or '', '')}"


def _figures(indicator: Indicator, value: dict[str, Any]) -> list[str]:
    def number(name: str) -> str:
        return "not known" if value[name] != value[name] else f"{value[name]:,.10g}"

    whole = "" if value["complete"] else f"; covers {value['months_covered']} months only"
    limits = f"95 % interval {number('lower_95')} to {number('upper_95')}"
    interval = "no interval" if value["lower_95"] != value["lower_95"] else limits
    why = value["suppressed_reason"]
    no_value = f" ({why})" if isinstance(why, str) else ""
    lines = [
        f"{value['area_name']} ({value['area_code']}), {parse(value['period']).printed}{whole}",
        f"  value {number('value')}{no_value} {indicator.unit}, {interval}",
    ]
    if indicator.numerator is not None:
        lines.append(f"  numerator {number('numerator')}, denominator {number('denominator')}")
    if isinstance(value["denominator_vintage"], str):
        lines.append(f"  population estimates of edition {value['denominator_vintage']}")
    if isinstance(changed := value.get("series_break"), str):
        lines.append(
            f"  not on the definition of the figure before it: {changed}; `safecity changes`"
        )
    return lines


def _comparable(connection: DuckDBPyConnection, value: dict[str, Any]) -> list[str]:
    """The value on the newest definition, where that is another one; older releases know none."""
    there = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'mart' "
        "AND table_name = 'comparable_value' AND database_name = current_database()"
    ).fetchall()
    if not there:
        return []
    rows = connection.execute(
        "SELECT comparable_value, lower_95, upper_95, definition_of, changes, status, reason "
        "FROM mart.comparable_value WHERE (indicator, area_code, period) = (?, ?, ?) "
        "AND status IN ('estimated', 'cannot_tell')",
        [value[name] for name in ("indicator", "area_code", "period")],
    ).fetchall()
    return [f"  {_on_newest(*row)}" for row in rows]


def _on_newest(
    figure: float | None,
    lower: float | None,
    upper: float | None,
    year: str,
    changes: str | None,
    status: str,
    reason: str,
) -> str:
    definition = f"on the definition of {parse(year).printed}"
    if status == "cannot_tell" or figure is None:
        return f"{definition}: cannot be told ({reason})"
    limits = f", {lower:,.4g} to {upper:,.4g}" if lower is not None and upper is not None else ""
    return f"{definition}: {figure:,.4g}{limits}, allowing for {changes}"


def _behind(
    house: Warehouse, known: Registry, indicator: Indicator, value: dict[str, Any]
) -> list[str]:
    """Extracts and row counts; they lie in the restricted database, which older releases lack."""
    try:
        connection = house.read_release(restricted=True)
    except Refused:
        return ["  (the restricted part of this release is not here: no extracts can be shown)"]
    try:
        return [
            line
            for name, part in _parts(indicator)
            for line in _rows_behind(connection, known, name, part, value)
        ]
    finally:
        connection.close()


def _parts(indicator: Indicator) -> list[tuple[str, Part]]:
    parts = {
        "value": indicator.value,
        "numerator": indicator.numerator,
        "denominator": indicator.denominator,
    }
    return [(name, part) for name, part in parts.items() if part is not None]


def _rows_behind(
    connection: DuckDBPyConnection, known: Registry, name: str, part: Part, value: dict[str, Any]
) -> list[str]:
    statement = measure.rows_behind_sql(part, known.sources[part.source])
    rows = connection.execute(
        statement, [value["area_code"], value["period_start"], value["period_end"]]
    ).fetchall()
    if value["suppressed_reason"] == shareable.WHY:
        files = dict.fromkeys(_place(file, sheet) for file, sheet, *_ in rows)
        return [f"extracts behind the {name}:", *(f"  {place}" for place in files)]
    lines = [f"extracts behind the {name}:"]
    for file, sheet, counted, there, row, sha256, layout in rows:
        told = _counted(counted, row)
        lines.append(f"  {_place(file, sheet)}: {told} of {there:,} for the area and period")
        lines.append(f"    read by layout {layout}; SHA-256 {sha256}")
    return lines


def _place(file: str, sheet: str) -> str:
    return f"{file}, sheet {sheet}" if sheet else file


def _counted(counted: int, row: int | None) -> str:
    """One row by its place, so that it can be looked up in the extract; many by their number."""
    return f"{counted:,} rows counted" if counted != 1 else f"1 row counted (row {row:,})"


def _places(
    house: Warehouse, known: Registry, indicator: Indicator, value: dict[str, Any]
) -> list[str]:
    """Where every row lies that is counted. Raises Refused where rows are not here to read."""
    connection = house.read_release(restricted=True)
    try:
        asked = [value["area_code"], value["period_start"], value["period_end"]]
        found = {
            name: connection.execute(
                measure.places_behind_sql(part, known.sources[part.source]), asked
            ).fetchall()
            for name, part in _parts(indicator)
        }
    finally:
        connection.close()
    lines = []
    for name, rows in found.items():
        lines.append(f"rows of the {name}, by file and sheet (the first row of a sheet is 1):")
        for (file, sheet), placed in groupby(rows, key=lambda row: row[:2]):
            numbers = [row for _, _, row in placed]
            lines.append(f"  {_place(file, sheet)}: {_in_runs(numbers)}")
    return lines


def _in_runs(numbers: Sequence[int]) -> str:
    """Numbers in order as 2-4, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
