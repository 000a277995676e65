"""The catalogue of definitional changes for people: what each change does to a release, what lies
between the figures of one indicator, and a row of one's own.

Belongs here: what `safecity changes` and `safecity declare` print and write. Does not belong
here: what a change reaches (`registry.reach`) and which comparisons it breaks (`breaks`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecity_pipeline import registry, sentences
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.period import describe_coverage, parse
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.changes import FILE, NEEDED, Change
from safecity_pipeline.settings import PACKAGED, Settings
from safecity_pipeline.warehouse import Warehouse, named_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCOPES = ("area", "force", "supplier", "national")
WRITTEN = [*NEEDED, "area_code"]


@dataclass(frozen=True)
class Effect:
    """What one change does to the assessed area's figures in a release."""

    values: int = 0
    comparisons: int = 0


@dataclass(frozen=True)
class Release:
    """What of a release the catalogue is set against: the changes that it knows, the first and the
    last day of the area's figures, and the effect of each change."""

    ids: frozenset[str]
    first: date | None
    last: date | None
    effects: Mapping[str, Effect]


def listed(settings: Settings, known: Registry) -> list[str]:
    """Every change, what it reaches, and what it does to the newest release."""
    release = _release(settings, known)
    own = [one for one in known.changes.changes if one.own]
    packaged = len(known.changes.changes) - len(own)
    lines = [
        f"{packaged} changes of definition are in the package, {len(own)} beside safecity.toml."
    ]
    if release is None:
        lines.append("There is no release yet: what they do to figures is told after a refresh.")
    elif release.first and release.last:
        lines.append(
            f"Figures of {settings.area_name}: {describe_coverage(release.first, release.last)}."
        )
    return lines + [line for one in known.changes.changes for line in _told(one, known, release)]


def _told(change: Change, known: Registry, release: Release | None) -> Iterator[str]:
    whose = f", {change.area_code}" if change.area_code else ""
    yield ""
    yield f"{change.told}"
    yield (
        f"  {change.kind}, {change.materiality}; {change.area_scope}{whose}; "
        f"scope: {change.series_scope}; {change.status}"
    )
    reached = [
        one for one in known.indicators.values() if reach.reaches(known.changes, change, one)
    ]
    if not reached:
        yield f"  reaches no indicator: {_parked(change, known)}"
        return
    keys = ", ".join(one.indicator for one in reached[:3])
    more = f" and {len(reached) - 3} more" if len(reached) > 3 else ""
    does = f"; {_does(change, release)}" if release else ""
    yield f"  reaches {keys}{more}{does}"


def _parked(change: Change, known: Registry) -> str:
    """Why, as its series say."""
    named = [name for sign, name in change.scope.terms if sign in ("", "=")]
    found = (known.changes.series[name].parked for name in named)
    return "; ".join(dict.fromkeys(filter(None, found))) or "see series.csv"


def _does(change: Change, release: Release) -> str:
    if change.id not in release.ids:
        return "not in the release yet: run `safecity refresh`"
    effect = release.effects.get(change.id, Effect())
    if effect.values or effect.comparisons:
        if change.materiality != "material":
            return f"noted beside {_many(effect.comparisons, 'comparison')}"
        values, comparisons = (
            _many(effect.values, "value"),
            _many(effect.comparisons, "comparison"),
        )
        return f"marks {values} and breaks {comparisons}"
    if release.last and change.effective_first > release.last:
        return "after the figures"
    if release.first and change.effective_last <= release.first:
        return "before the figures"
    return "between no two figures of the area"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


# --- one indicator -------------------------------------------------------------------------------


def of_indicator(settings: Settings, known: Registry, key: str, area: str | None) -> list[str]:
    """The yearly figures of an indicator, what lies between each and the one before, and every
    change that reaches it. Raises Refused where there is no release, or none of such figures."""
    indicator, code = known.indicator(key), known.area(area or settings.area_code).code
    connection = _opened(Warehouse(settings.warehouse))
    try:
        rows = _years(connection, key, code)
    finally:
        connection.close()
    if not rows:
        raise Refused("the release has no figure of it", f"{key}, area {code}")
    reaching = [
        one for one in known.changes.changes if reach.reaches(known.changes, one, indicator)
    ]
    return [
        f"{key}: {indicator.title}; series {indicator.series}",
        f"{rows[0]['area_name']} ({code}), each figure beside the one of a year before:",
        *(_beside(indicator, row) for row in rows),
        *(f"In words: {row['sentence']}" for row in rows[-1:] if row["sentence"]),
        "Changes of definition that reach it:",
        *(f"  {_short(one)}" for one in reaching or ()),
        *["  none"] * (not reaching),
        "A change that is missing here:",
        f'  safecity declare {key} 2014-06-01 "what changed"',
    ]


def _short(change: Change) -> str:
    rest = "" if change.materiality == "material" else f" ({change.materiality}: noted only)"
    return f"{change.told}{rest}"


def _years(connection: DuckDBPyConnection, key: str, code: str) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT v.area_name, v.period, v.complete, v.value, v.obs_status, v.series_break, "
        "v.suppressed_reason, f.status, f.broken_by, f.change, f.change_unit, f.change_lower_95, "
        "f.change_upper_95, f.sentence FROM mart.indicator_value AS v LEFT JOIN mart.finding AS f "
        "ON (f.indicator, f.area_code, f.period, f.dimension, f.comparison) = "
        "(v.indicator, v.area_code, v.period, v.dimension, 'previous_year') "
        "WHERE v.indicator = ? AND v.area_code = ? AND v.dimension = 'all' "
        "AND v.period_kind NOT IN ('month', 'quarter') ORDER BY v.period_start, v.period",
        [key, code],
    )
    return named_rows(found)


def _beside(indicator: Indicator, row: Mapping[str, Any]) -> str:
    """A year: its figure, the change on the year before, and what lies between them."""
    when = parse(row["period"]).printed + ("" if row["complete"] else " (part)")
    if row["value"] is None:
        return f"  {when:<16} no figure: {row['suppressed_reason']}"
    figure = f"  {when:<16} {sentences.rounded(row['value'], indicator.decimals):>10}"
    if row["change"] is None:
        return f"{figure}  {_marked(row)}".rstrip()
    unit = "%" if row["change_unit"] == "percent" else "points"
    lower, upper = row["change_lower_95"], row["change_upper_95"]
    likely = "no interval" if lower is None or upper is None else _span(lower, upper)
    changed = f"{sentences.signed(row['change'])} {unit} ({likely})"
    return f"{figure}  {changed:<36} {_between(row)}"


def _span(lower: float, upper: float) -> str:
    return f"{sentences.signed(lower)} to {sentences.signed(upper)}"


def _between(row: Mapping[str, Any]) -> str:
    if row["status"] == "definition_changed":
        return f"not like for like: {row['broken_by']}"
    if row["broken_by"]:
        return f"noted: {row['broken_by']}"
    return "no change of definition is declared"


def _marked(row: Mapping[str, Any]) -> str:
    return f"unlike the figure before: {row['series_break']}" if row["series_break"] else ""


# --- what a release knows ------------------------------------------------------------------------


def _release(settings: Settings, known: Registry) -> Release | None:
    house = Warehouse(settings.warehouse)
    if house.current() is None:
        return None
    area = known.area(settings.area_code).code
    connection = _opened(house)
    try:
        ids = connection.execute("SELECT id FROM meta.definitional_change").fetchall()
        ((first, last),) = connection.execute(
            "SELECT min(coverage_start), max(coverage_end) FROM mart.indicator_value "
            "WHERE area_code = ?",
            [area],
        ).fetchall()
        values = _counted(connection, "mart.indicator_value", "series_break", "value", area)
        comparisons = _counted(
            connection, "mart.finding", "broken_by", "coalesce(change, rank_high)", area
        )
    finally:
        connection.close()
    effects = {one: Effect(values.get(one, 0), comparisons.get(one, 0)) for (one,) in ids}
    return Release(frozenset(effects), first, last, effects)


def _opened(house: Warehouse) -> DuckDBPyConnection:
    """The newest release. Raises Refused for one that does not know which values are marked."""
    connection = house.read_release()
    if connection.execute(
        "SELECT 1 FROM information_schema.columns WHERE table_catalog = 'release' "
        "AND table_name = 'indicator_value' AND column_name = 'series_break'"
    ).fetchall():
        return connection
    connection.close()
    rule = "the release is of a version that did not mark values"
    raise Refused(rule, repair="run `safecity refresh`")


def _counted(
    connection: DuckDBPyConnection, table: str, column: str, figure: str, area: str
) -> dict[str, int]:
    """Id of a change → rows of the area that name it and have a figure."""
    rows = connection.execute(
        f"SELECT unnest(string_split({column}, ' ')), count(*) FROM {table} "
        f"WHERE area_code = ? AND {column} IS NOT NULL AND {figure} IS NOT NULL GROUP BY 1",
        [area],
    ).fetchall()
    return dict(rows)


# --- a row of one's own ---------------------------------------------------------------------------


def add(
    settings: Settings, known: Registry, key: str, day: str, what: str, scope: str, kind: str
) -> list[str]:
    """Write a row into the deployment's own catalogue, and say what it reaches.

    The row says that what `key` measures changed on `day` in the assessed area (`scope` area), its
    force, with those who supply its source (supplier), or everywhere (national). Raises Refused,
    leaving the file as it was, for a row that the catalogue does not understand, and where the
    deployment has no folder of its own.
    """
    if settings.config is None or settings.config == PACKAGED:
        repair = "make a safecity.toml: your own rows stand beside it"
        raise Refused("this deployment has no configuration of its own", repair=repair)
    indicator = known.indicator(key)
    row = _row(indicator, known, settings, scope) | {
        "id": _free_id(known),
        "effective_date": day,
        "what_changed": what,
        "kind": kind,
    }
    file = settings.config.parent / FILE
    after = _written(file, row, settings.config)
    (added,) = (one for one in after.changes.changes if one.id == row["id"])
    return [
        f"{file}: {added.told}",
        *list(_told(added, after, None))[2:],
        "  every column may be edited there; `safecity refresh` makes anew what it reaches",
    ]


def _row(indicator: Indicator, known: Registry, settings: Settings, scope: str) -> dict[str, str]:
    area = known.area(settings.area_code)
    if scope not in SCOPES:
        raise Refused("unknown scope", "--scope", scope, f"known: {', '.join(SCOPES)}")
    whose = {"area": area.code, "supplier": area.code, "force": area.force_code or area.code}
    return {
        "series_scope": f"@{indicator.main.source}" if scope == "supplier" else indicator.series,
        "materiality": "material",
        "area_scope": scope,
        "area_code": whose.get(scope, ""),
        "status": "to verify",
    }


def _free_id(known: Registry) -> str:
    taken = {one.id for one in known.changes.changes}
    return next(one for one in (f"S{number:02}" for number in range(1, 1000)) if one not in taken)


def _written(file: Path, row: Mapping[str, str], config: Path) -> Registry:
    """The registry with the row. Where that is refused the file is as before."""
    before = file.read_bytes() if file.is_file() else None
    try:
        file.write_bytes((before or b"") + _as_csv(row, before).encode())
    except OSError as error:
        repair = "close it where a spreadsheet has it open, and allow writing"
        raise Refused(f"cannot be written: {error.strerror}", str(file), repair=repair) from None
    try:
        return registry.load(config)
    except Refused:
        file.unlink() if before is None else file.write_bytes(before)
        raise


def _as_csv(row: Mapping[str, str], before: bytes | None) -> str:
    """The row, under the head that the file has; with a head where it has none."""
    text = (before or b"").decode("utf-8-sig")
    head: Sequence[str] = next(csv.reader(io.StringIO(text)), [])
    lines = io.StringIO()
    if text and not text.endswith("\n"):
        lines.write("\n")
    table = csv.DictWriter(lines, head or WRITTEN, extrasaction="ignore", lineterminator="\n")
    if not head:
        table.writeheader()
    table.writerow({name: row.get(name, "") for name in head or WRITTEN})
    return lines.getvalue()
