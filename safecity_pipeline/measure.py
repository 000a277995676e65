"""Indicator to SQL: the one place where a value is computed, or a published one is taken over.

Belongs here: the statement that gives numerator and denominator by area and period, and the
interval around their quotient. Does not belong here: comparing values (`compare`).

An area and period is *received* when the source has any row of it from the area's home force (or
any row at all, where rows name no force); a received area with no event is 0, the rest is absent.
A marker in place of a number is neither: the figure is null, and says which marker stood there.

A force or a country of which a source has no row of its own has the sum of its areas, where the
source says that they add up and every one of them is received: all its forces, else all its
authorities and partnerships.

A *published* figure is one cell as its publisher printed it: never divided, never added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline import statistics
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Indicator, Part, Refused, Source, Window
from safecity_pipeline.registry.indicators import PER_CENT, PUBLISHED, columns_of, names_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AMBIGUOUS = "ambiguous"
LIMITS = ("lower_95", "upper_95")
"""The columns in which a source keeps the limits that its publisher printed beside a value."""

MISSING = {
    "suppressed": "suppressed by the publisher",
    "not_available": "not available from the publisher",
    "not_applicable": "not applicable, says the publisher",
    "rounded": "given as a range, or rounded away, by the publisher",
    "text": "neither a number nor a known marker",
}
"""Status of a cell without a number → why there is no value."""


COUNTED = "count(*)"
ESTIMATED = "E"
Tallies = Mapping[str, str]
"""Source → table of its rows counted by what indicators ask of them, see `to_tally`."""


def to_tally(
    indicators: Iterable[Indicator], sources: Mapping[str, Source]
) -> dict[str, list[str]]:
    """Source → columns by which its rows are to be counted, so that the counts answer all that
    these indicators ask of them."""
    asked: dict[str, set[str]] = {}
    for part in (part for indicator in indicators for part in _parts(indicator)):
        if _is_tallied(part, sources[part.source]):
            asked.setdefault(part.source, set()).update(names_in(part.where))
    return {name: _needed(sources[name], columns) for name, columns in asked.items()}


def _needed(source: Source, columns: set[str]) -> list[str]:
    said = f"{source.period_start} {source.period_end} {source.home_force or ''} {is_over(source)}"
    said += f" {source.estimated or ''}"
    needed = columns | set(names_in(said)) | {"area_code"}
    return ["_extract_id", *sorted(needed & set(columns_of(source)))]


def received(
    connection: DuckDBPyConnection, indicators: Iterable[Indicator], sources: Mapping[str, Source]
) -> list[Indicator]:
    """Those that can have a value at all: their main source has a row. To plan a statement costs as
    much without any rows as with millions."""
    found = list(indicators)
    asked = dict.fromkeys(one.main.source for one in found)
    there = {
        name
        for name in asked
        if connection.execute(f"SELECT 1 FROM {sources[name].clean} LIMIT 1").fetchone()
    }
    return [one for one in found if one.main.source in there]


def _parts(indicator: Indicator) -> list[Part]:
    return [part for part in (indicator.numerator, indicator.denominator) if part]


def _is_tallied(part: Part, source: Source) -> bool:
    """Counts of rows by day or longer; by the minute there would be as many counts as rows."""
    types = schema.types(source)
    said = names_in(f"{source.period_start} {source.period_end}")
    by_the_minute = any(types.get(name) == "TIMESTAMP" for name in said)
    plain = part.aggregate == COUNTED and not is_stock(source)
    return plain and not by_the_minute and not windows_of(part, source)


def rows_of(indicator: Indicator, source: Source, *columns: str) -> str:
    """The clean rows of an indicator's source, with the windows that it or `columns` name."""
    named = {word for part in _parts(indicator) for word in _named_by(part)}
    return _with_windows(_needed_windows({*named, *columns}, source), source)


def _named_by(part: Part) -> set[str]:
    return {*names_in(part.where), *names_in(part.aggregate)}


def windows_of(part: Part, source: Source) -> list[Window]:
    return _needed_windows(_named_by(part), source)


def _needed_windows(named: set[str], source: Source) -> list[Window]:
    """The windows that are named, and those that they rest on, in the order of declaration."""
    needed = []
    for window in reversed(source.windows):
        if window.name in named:
            needed.append(window)
            named.update(names_in(window.expression))
    return needed[::-1]


def _rows_of(part: Part, source: Source) -> str:
    """The clean rows, with the windows that a part needs."""
    return _with_windows(windows_of(part, source), source)


def _with_windows(windows: Iterable[Window], source: Source) -> str:
    rows = source.clean
    for window in windows:
        told = f"CAST({window.expression} AS {window.sql_type}) AS {window.name}"
        rows = f"(SELECT *, {told} FROM {rows})"
    return rows


def cells_sql(part: Part, source: Source, tallies: Tallies | None = None) -> str:
    """Value of one part by area and by the finest period that the source's rows have.

    Where a marker stands among the numbers to be added, the sum is null, with that marker and its
    status (of several the last by name).
    """
    table = (tallies or {}).get(source.name) if _is_tallied(part, source) else None
    aggregate, rows = (part.aggregate, COUNTED) if table is None else ("sum(_rows)", "sum(_rows)")
    home = f"_home = {source.home_force}" if source.home_force else "true"
    there = f"({part.where})" if source.tallies else home
    needed = part.forces == "all" or source.tallies
    received = f"HAVING {rows} FILTER (WHERE {there}) > 0" if needed else ""
    counted = home if part.forces == "home" else "true"
    total = f"coalesce({aggregate} FILTER (WHERE {part.where}), 0)"
    value, odd = total, "NULL::STRUCT(status VARCHAR, marker VARCHAR)"
    if column := _marked(part, source):
        odd = (
            f"max(struct_pack(status := {column}_status, marker := {column}_marker)) "
            f"FILTER (WHERE ({part.where}) AND {column} IS NULL)"
        )
        value = f"CASE WHEN {odd} IS NULL THEN {total} END"
    return f"""
        SELECT _area AS area_code, {source.period_start} AS period_start,
               {source.period_end} AS period_end, {value} AS part_value, {odd} AS odd,
               {is_estimated(part, source)} AS estimated, max(_received_at) AS received_at,
               {_taken_out(source)} AS taken_out
        {_from(part, source, table)}
        WHERE {counted} AND {is_told(part, source)}
        GROUP BY ALL {received}"""


def _taken_out(source: Source) -> str:
    """The first day on which any of these rows was taken out of a living system."""
    return f"min({schema.EXTRACTED_ON})" if schema.is_dated(source) else "NULL::DATE"


def is_estimated(part: Part, source: Source) -> str:
    """Whether any of the rows that a part counts is its supplier's estimate, as an aggregate."""
    if source.estimated is None:
        return "false"
    return f"coalesce(bool_or({source.estimated}) FILTER (WHERE {part.where}), false)"


def is_told(part: Part, source: Source) -> str:
    """The condition that a row's period can have a figure of a part."""
    begun = f" AND {source.period_start} >= DATE '{part.since}'" if part.since else ""
    return f"{is_over(source)}{begun}"


def is_over(source: Source) -> str:
    """The condition that a row's period was over when the row was taken out of a living system: a
    month of which half is there has no figure yet."""
    if not schema.is_dated(source):
        return "true"
    return f"({schema.EXTRACTED_ON} >= {source.period_end}) IS NOT FALSE"


def single_sql(part: Part, source: Source) -> str:
    """The one cell of a published figure by area and period, with the publisher's own limits.

    More than one row for an area and period is an error of declaration or of delivery: the value
    is null and `ambiguous`, since nobody here can say which one is meant.
    """
    column = part.aggregate
    home = f"_home = {source.home_force}" if part.forces == "home" else "true"
    status, marker = f"CASE WHEN {column} IS NULL THEN 'not_available' ELSE 'ok' END", "NULL"
    if _marked(part, source):
        status, marker = f"{column}_status", f"{column}_marker"
    one = f"count(*) = 1 AND max({column}) IS NOT NULL"
    limits = [
        f"CASE WHEN {one} THEN max({limit}) END" if _has_limits(part, source) else "NULL"
        for limit in LIMITS
    ]
    return f"""
        SELECT _area AS area_code, {source.period_start} AS period_start,
               {source.period_end} AS period_end,
               CASE WHEN {one} THEN max({column}) END AS part_value,
               CASE WHEN count(*) > 1
                    THEN struct_pack(status := '{AMBIGUOUS}', marker := NULL::VARCHAR)
                    WHEN NOT ({one})
                    THEN struct_pack(status := max({status}), marker := max({marker})::VARCHAR)
                    END AS odd,
               {limits[0]}::DOUBLE AS lower_95, {limits[1]}::DOUBLE AS upper_95,
               {is_estimated(part, source)} AS estimated, max(_received_at) AS received_at,
               {_taken_out(source)} AS taken_out
        {_from(part, source)}
        WHERE ({part.where}) AND {home} AND {is_told(part, source)}
        GROUP BY ALL"""


def _from(part: Part, source: Source, table: str | None = None) -> str:
    return f"""FROM {table or _rows_of(part, source)} AS r
        JOIN (SELECT area_code AS _area, force_code AS _home FROM meta.area) ON _area = r.area_code
        LEFT JOIN (SELECT extract_id AS _id, received_at AS _received_at FROM meta.extract)
               ON _id = r._extract_id"""


def _marked(part: Part, source: Source) -> str | None:
    """The column that a part adds up, or takes, where a marker may stand in it."""
    named = names_in(part.aggregate)
    return next((column for column in schema.marked(source) if column in named), None)


def _has_limits(part: Part, source: Source) -> bool:
    return part.aggregate == "value" and set(LIMITS) <= set(columns_of(source))


def rows_behind_sql(part: Part, source: Source) -> str:
    """Rows by file and sheet behind one part: counted ones, and all of the area and period; the
    physical row of one that is counted; the file's hash, and the layout that read the sheet.

    Parameters: area code, first and last day of the period. A stock (a population) is taken for
    the year in which the period begins, over the area's local authorities; of a sum over areas, the
    rows of these.
    """
    counts, rows = _behind(part, source)
    return f"""
        SELECT e.file, _sheet, count(*) FILTER (WHERE {counts}) AS counted, count(*),
               min(_row) FILTER (WHERE {counts}), any_value(e.sha256), any_value(s.layout)
        {rows} GROUP BY e.file, _sheet ORDER BY e.file, _sheet"""


def places_behind_sql(part: Part, source: Source) -> str:
    """File, sheet and physical row of every row that is counted; parameters as above."""
    counts, rows = _behind(part, source)
    return f"SELECT e.file, _sheet, _row {rows} AND ({counts}) ORDER BY ALL"


def _behind(part: Part, source: Source) -> tuple[str, str]:
    """Which rows of an area and period a part counts, and all of them."""
    home = (
        f"{source.home_force} = (SELECT force_code FROM meta.area WHERE area_code = $1)"
        if part.forces == "home"
        else "true"
    )
    if is_stock(source):
        within = (
            "r.area_code IN (SELECT member_code FROM meta.area_member WHERE area_code = $1) "
            f"AND year({source.period_start}) = year($2) AND $3 IS NOT NULL"
        )
    else:
        days = f"{source.period_start} >= $2 AND {source.period_end} <= $3"
        parts = f" OR r.area_code IN ({_parts_behind_sql(source, days)})" if source.adds_up else ""
        within = f"(r.area_code = $1{parts}) AND {days}"
    told = "true" if is_stock(source) else is_told(part, source)
    rows = f"""FROM {_rows_of(part, source)} AS r
        JOIN (SELECT extract_id, file, sha256 FROM meta.extract) AS e
            ON e.extract_id = r._extract_id
        LEFT JOIN (SELECT extract_id, sheet, layout FROM meta.extract_sheet) AS s
            ON (s.extract_id, s.sheet) = (r._extract_id, r._sheet)
        WHERE {within}"""
    return f"({part.where}) AND {home} AND {told}", rows


def _parts_behind_sql(source: Source, days: str) -> str:
    """The areas of which a force or a country is the sum in these days; none where it has rows."""
    return f"""
        WITH there AS (SELECT DISTINCT area_code FROM {source.clean} WHERE {days})
        SELECT part FROM (
            SELECT part, by_force FROM ({WHOLES}) JOIN there ON area_code = part
            WHERE whole = $1 AND $1 NOT IN (FROM there)
            QUALIFY count(*) OVER (PARTITION BY by_force) = n)
        QUALIFY by_force = max(by_force) OVER ()"""


def labelled_sql(cells: str) -> str:
    """Cells with the kind and the label of their period, as `period.spanning` gives them.

    Days of no kind have neither; a source whose rows speak of such is refused by the ledger.
    """
    return f"""
        SELECT *,
               CASE WHEN kind IN ('twelve_months', 'years_together')
                    THEN strftime(period_end, '%YM%m') || '-P' || months || 'M'
                    WHEN kind = 'year'
                    THEN fiscal || '-' || lpad(((fiscal + 1) % 100)::VARCHAR, 2, '0')
                    WHEN kind = 'calendar_year' THEN year(period_start) || 'CY'
                    WHEN kind = 'quarter'
                    THEN year(period_start) || 'Q' || quarter(period_start)
                    WHEN kind = 'month' THEN strftime(period_start, '%YM%m')
                    WHEN kind = 'snapshot' THEN strftime(period_start, '%Y-%m-%d') END AS period
        FROM (
            SELECT *, year(period_start) - (month(period_start) < 4)::INTEGER AS fiscal,
                   datediff('month', period_start, period_end) + 1 AS months,
                   CASE WHEN period_start = period_end THEN 'snapshot'
                        WHEN day(period_start) > 1 OR period_end <> last_day(period_end) THEN NULL
                        WHEN months = 1 THEN 'month'
                        WHEN months = 3 AND month(period_start) % 3 = 1 THEN 'quarter'
                        WHEN months = 12 AND month(period_start) = 4 THEN 'year'
                        WHEN months = 12 AND month(period_start) = 1 THEN 'calendar_year'
                        WHEN months = 12 THEN 'twelve_months'
                        WHEN months > 12 AND months % 12 = 0 THEN 'years_together' END AS kind
            FROM ({cells}))"""


MATURITY = "datediff('day', period_end, taken_out)"
WHOLE = f"""area_code, kind AS period_kind, period, period_start, period_end,
               period_start AS coverage_start, period_end AS coverage_end, months AS months_covered,
               part_value, odd, estimated, received_at, taken_out, {MATURITY} AS maturity_days"""

SUMMED = """CASE WHEN count(part_value) = count(*) THEN sum(part_value) {only} END AS part_value,
               max(odd) AS odd, bool_or(estimated) AS estimated, max(received_at) AS received_at,
               first(taken_out ORDER BY maturity_days, taken_out DESC) AS taken_out,
               min(maturity_days) AS maturity_days"""


def _published_sql(part: Part, source: Source) -> str:
    """The cells of a published figure, each with its own period: nothing is added up."""
    return f"""
        SELECT {WHOLE}, lower_95, upper_95
        FROM ({labelled_sql(single_sql(part, source))}) WHERE kind IS NOT NULL"""


def _periods_sql(part: Part, source: Source, tallies: Tallies | None = None) -> str:
    """The cells, and the financial years that months and quarters add up to, with what they cover.

    Where a year came both whole and by quarters, the whole stands: nothing is counted twice. A
    year of which a part is hidden by a marker is null: the rest would be no sum. A year is as
    mature as that part of it which had least time to settle, and taken out on the day of that part.
    """
    told = f"""
        SELECT {WHOLE} FROM dated WHERE kind <> 'year'
        UNION ALL BY NAME
        SELECT area_code, 'year' AS period_kind,
               fiscal || '-' || lpad(((fiscal + 1) % 100)::VARCHAR, 2, '0') AS period,
               make_date(fiscal, 4, 1) AS period_start, make_date(fiscal + 1, 3, 31) AS period_end,
               min(period_start) AS coverage_start, max(period_end) AS coverage_end,
               sum(months)::BIGINT AS months_covered, {SUMMED.format(only="")}
        FROM (SELECT *, {MATURITY} AS maturity_days FROM dated
              WHERE kind IN ('month', 'quarter', 'year')
              QUALIFY months = max(months) OVER (PARTITION BY area_code, fiscal))
        GROUP BY area_code, fiscal"""
    dated = f"WITH dated AS ({labelled_sql(cells_sql(part, source, tallies))})"
    return f"{dated}, told AS ({told}) {_with_wholes_sql()}" if source.adds_up else f"{dated}{told}"


WHOLES = """
    SELECT w.area_code AS whole, p.area_code AS part, member_code, n, size,
           t.area_type = 'police_force' AS by_force,
           member_code = min(member_code) OVER (PARTITION BY w.area_code, p.area_code) AS once
    FROM (SELECT *, count(*) OVER (PARTITION BY area_code) AS n FROM {members}) AS w
    JOIN meta.area AS a ON a.area_code = w.area_code AND a.area_type IN ('police_force', 'country')
    JOIN (SELECT *, count(*) OVER (PARTITION BY area_code) AS size FROM {members}) AS p
        USING (member_code)
    JOIN meta.area AS t ON t.area_code = p.area_code AND p.area_code <> w.area_code
        AND t.area_type IN ('local_authority', 'csp', 'police_force')""".format(
    members="(FROM meta.area_member WHERE as_of = (SELECT min(as_of) FROM meta.area_member))"
)
"""Of which areas a force or a country is the sum: a row for each authority (`member_code`) of each
of them, in the oldest geography, in which later authorities are whole predecessors."""

IN_FULL = "count(*) = n AND count(DISTINCT member_code) = n AND sum(size) FILTER (once) = n"
"""Parts of a whole, by authority, hold each of its authorities once, and no other."""


def _with_wholes_sql() -> str:
    """What is told, and the sums over the areas of a force or a country of which nothing is."""
    period = "period_kind, period, period_start, period_end, coverage_start, coverage_end, "
    period += "months_covered"
    return f"""
        FROM told UNION ALL BY NAME
        SELECT * EXCLUDE (by_force) FROM (
            SELECT whole AS area_code, by_force, {period}, {SUMMED.format(only="FILTER (once)")}
            FROM told JOIN ({WHOLES}) ON part = area_code
            GROUP BY whole, n, by_force, {period} HAVING {IN_FULL}
            QUALIFY by_force = max(by_force) OVER (PARTITION BY whole, period))
        ANTI JOIN told USING (area_code, period)"""


def _snapshot_sql(part: Part, source: Source) -> str:
    """A stock at one date in the year, summed over an area's local authorities; an area counts
    only where every one of them is there, by the newest geography for which that holds."""
    return f"""
        SELECT area_code, year, part_value, vintage FROM (
            SELECT m.area_code, m.as_of, year({source.period_start}) AS year,
                   {part.aggregate} FILTER (WHERE {part.where}) AS part_value,
                   max(vintage) AS vintage, count(DISTINCT _member) AS present, any_value(n) AS n
            FROM (SELECT *, area_code AS _member FROM {_rows_of(part, source)}) AS r
            JOIN (SELECT *, count(*) OVER (PARTITION BY area_code, as_of) AS n
                  FROM meta.area_member) AS m ON m.member_code = r._member
            GROUP BY ALL)
        WHERE present = n
        QUALIFY row_number() OVER (PARTITION BY area_code, year ORDER BY as_of DESC) = 1"""


def sql(indicator: Indicator, sources: Mapping[str, Source], tallies: Tallies | None = None) -> str:
    """The whole statement: numerator, denominator and coverage by area and period; of a published
    figure the value too, with the publisher's limits. It reads clean rows, or their tallies.

    A rate over a stock takes the stock of the calendar year in which the period begins, and has
    none for several years together; over a count it takes the count of exactly the same months.
    """
    if indicator.kind == PUBLISHED:
        return _statement_of_published(indicator, sources)
    assert indicator.numerator is not None
    numerator = _periods_sql(indicator.numerator, sources[indicator.numerator.source], tallies)
    columns = f"{_columns('n')}, n.part_value::DOUBLE AS numerator"
    if indicator.denominator is None:
        return (
            f"SELECT {columns}, NULL::DOUBLE AS denominator, NULL::VARCHAR AS denominator_vintage, "
            f"n.odd, n.estimated FROM ({numerator}) AS n ORDER BY ALL"
        )
    source = sources[indicator.denominator.source]
    if is_stock(source):
        joined = (
            f"LEFT JOIN ({_snapshot_sql(indicator.denominator, source)}) AS d "
            "ON d.area_code = n.area_code AND d.year = year(n.period_start) "
            "AND n.months_covered <= 12"
        )
        vintage, odd, estimated = "d.vintage", "n.odd", "n.estimated"
    else:
        joined = (
            f"LEFT JOIN ({_periods_sql(indicator.denominator, source, tallies)}) AS d "
            "ON (d.area_code, d.period, d.coverage_start, d.coverage_end, d.months_covered) = "
            "(n.area_code, n.period, n.coverage_start, n.coverage_end, n.months_covered)"
        )
        vintage, odd = "NULL::VARCHAR", "coalesce(n.odd, d.odd)"
        estimated = "n.estimated OR coalesce(d.estimated, false)"
    return (
        f"SELECT {columns}, d.part_value::DOUBLE AS denominator, {vintage} AS denominator_vintage, "
        f"{odd} AS odd, {estimated} AS estimated FROM ({numerator}) AS n {joined} ORDER BY ALL"
    )


def _columns(of: str) -> str:
    names = "area_code period_kind period period_start period_end coverage_start coverage_end"
    names += " months_covered maturity_days"
    extracted = f"coalesce({of}.taken_out, {of}.received_at) AS extracted_on"
    return ", ".join([*(f"{of}.{name}" for name in names.split()), extracted])


def _statement_of_published(indicator: Indicator, sources: Mapping[str, Source]) -> str:
    """The value, and the numerator and denominator that the publisher prints beside it."""
    assert indicator.value is not None
    source = sources[indicator.value.source]
    told, joined = {}, []
    for name, part in (("numerator", indicator.numerator), ("denominator", indicator.denominator)):
        told[name] = f"{name}.part_value::DOUBLE" if part else "NULL::DOUBLE"
        if part:
            joined.append(
                f"LEFT JOIN ({_published_sql(part, source)}) AS {name} "
                f"ON ({name}.area_code, {name}.period) = (v.area_code, v.period)"
            )
    return (
        f"SELECT {_columns('v')}, {told['numerator']} AS numerator, "
        f"{told['denominator']} AS denominator, NULL::VARCHAR AS denominator_vintage, "
        "v.odd, v.estimated, "
        "v.part_value::DOUBLE AS value, v.lower_95, v.upper_95 "
        f"FROM ({_published_sql(indicator.value, source)}) AS v {' '.join(joined)} ORDER BY ALL"
    )


def is_stock(source: Source) -> bool:
    """Its rows speak of a date and not of a span: a population, not a count of events."""
    return source.period_start == source.period_end


def prove(
    connection: DuckDBPyConnection,
    indicators: Iterable[Indicator],
    sources: Mapping[str, Source],
) -> None:
    """Have the database plan every statement against its tables. Raises Refused by entry."""
    for indicator in indicators:
        try:
            connection.execute(f"EXPLAIN {sql(indicator, sources)}").fetchall()
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "_duckdb":
                raise
            raise Refused(
                f"the database cannot plan it: {str(error).splitlines()[0]}",
                f"{indicator.subject}.toml [{indicator.indicator}]",
            ) from None


def values(
    connection: DuckDBPyConnection,
    indicator: Indicator,
    sources: Mapping[str, Source],
    tallies: Tallies | None = None,
) -> pd.DataFrame:
    """The indicator's rows of mart.indicator_value, without names of areas.

    Value and limits are in the indicator's unit. A missing denominator gives a null value with
    status M and the reason; a proportion over no cases likewise. A cell that the publisher
    suppressed, or says only to lie below a number, gives status C, any other marker M, and the
    reason quotes the marker. A value that rests on a row that its supplier estimated has status E.
    """
    rows = connection.execute(sql(indicator, sources, tallies)).df()
    rows["value"], rows["lower_95"], rows["upper_95"] = with_interval(indicator, rows)
    chosen = _not_by_chance(connection, indicator, sources[indicator.main.source], rows)
    rows.loc[chosen, ["lower_95", "upper_95"]] = float("nan")
    rows["indicator"], rows["unit"] = indicator.indicator, indicator.unit
    rows["dimension"] = rows["dimension_value"] = "all"
    rows["complete"] = (rows["period_kind"] != "year") | (rows["months_covered"] == 12)
    if _looks_over_a_year(indicator, sources):
        rows = rows[(rows["period_kind"] == "year") & rows["complete"]].reset_index(drop=True)
    facts = zip(rows["value"], rows["odd"], rows["estimated"], strict=True)
    why = [_why(value, odd, estimated) for value, odd, estimated in facts]
    rows["obs_status"] = pd.Series([status for status, _ in why], rows.index, dtype=object)
    rows["suppressed_reason"] = pd.Series([said for _, said in why], rows.index, dtype=object)
    return rows.drop(columns=["odd", "estimated"])


def _looks_over_a_year(indicator: Indicator, sources: Mapping[str, Source]) -> bool:
    """It names what is worked out over a year: in a part of it, everybody has done less."""
    parts = _parts(indicator)
    return any(
        window.of_year for part in parts for window in windows_of(part, sources[part.source])
    )


def _not_by_chance(
    connection: DuckDBPyConnection, indicator: Indicator, source: Source, rows: pd.DataFrame
) -> pd.Series:
    """Which figures rest on a row that is no part of a random sample: what an interval says of
    chance is not true of them."""
    if source.by_chance is None or indicator.kind == PUBLISHED:
        return pd.Series(False, index=rows.index)
    found = connection.execute(
        f"SELECT DISTINCT area_code, {source.period_start}, {source.period_end} "
        f"FROM {source.clean} WHERE ({source.by_chance}) IS NOT TRUE"
    ).fetchall()
    spans = zip(rows["area_code"], rows["period_start"], rows["period_end"], strict=True)
    inside = [
        any(
            area == code and start.date() <= last and first <= end.date()
            for code, first, last in found
        )
        for area, start, end in spans
    ]
    return pd.Series(inside, index=rows.index, dtype=bool)


def _why(
    value: float, odd: Mapping[str, str | None] | None, estimated: bool
) -> tuple[str, str | None]:
    """The SDMX status of a value, and the reason where there is none."""
    if not pd.isna(value):
        return (ESTIMATED if estimated else "A"), None
    if not isinstance(odd, Mapping):
        return "M", "missing_denominator"
    status, marker = str(odd["status"]), odd["marker"]
    if status == AMBIGUOUS:
        return "M", AMBIGUOUS
    limit = status.removeprefix("below:")
    words = MISSING.get(status, f"below {limit}, says the publisher")
    # What stood where a number belongs may be anything: only a declared marker is repeated.
    quoted = "" if status == "text" or marker is None else f": {marker or 'an empty cell'}"
    hidden = status == "suppressed" or limit != status
    return ("C" if hidden else "M"), words + quoted


def with_interval(
    indicator: Indicator, rows: pd.DataFrame
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Value, lower and upper limit of each row, from its numerator and denominator."""
    numerator, denominator = rows["numerator"], rows["denominator"]
    if indicator.kind == PUBLISHED:
        return _published_interval(indicator, rows)
    if indicator.kind == "proportion":
        found = statistics.proportions(numerator, denominator, indicator.per)
    elif indicator.kind == "count":
        found = statistics.rates(numerator, pd.Series(1.0, index=rows.index), indicator.per)
    else:
        found = statistics.rates(numerator, denominator, indicator.per)
    value, lower, upper = (pd.Series(part, index=rows.index) for part in found)
    return value, lower, upper


def _published_interval(
    indicator: Indicator, rows: pd.DataFrame
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """The value as published, with its publisher's limits, or Wilson's, or none.

    Wilson's is for a percentage whose denominator is printed. Its cases are value × denominator /
    100 and not the numerator that is printed too: publishers round counts (to 5 or 10), while the
    percentage rests on the unrounded ones. A rate without counts has no interval: none can be
    known, and none is made up.
    """
    value, lower, upper = rows["value"], rows["lower_95"], rows["upper_95"]
    if is_share(indicator):
        cases = value * rows["denominator"] / indicator.per
        _, *wilson = statistics.proportions(cases, rows["denominator"], indicator.per)
        limits = [pd.Series(limit, index=rows.index) for limit in wilson]
        neither = lower.isna() & upper.isna()
        lower, upper = lower.mask(neither, limits[0]), upper.mask(neither, limits[1])
    return value, lower, upper


def is_share(indicator: Indicator) -> bool:
    """A published percentage of which the publisher prints both counts."""
    counts = indicator.numerator is not None and indicator.denominator is not None
    return indicator.kind == PUBLISHED and indicator.unit == PER_CENT and counts
