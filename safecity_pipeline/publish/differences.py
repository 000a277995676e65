"""Which rows of the published tables differ between two releases, and in what.

Both databases are open on one connection, the earlier under the name `before`. Compared as stored,
exactly; columns that only one of them has are left out, and so is a table that only one has.
Belongs here: finding and naming differences. Does not belong here: why they differ (`causes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecity_pipeline import shareable, sharing, tables
from safecity_pipeline.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BEFORE, AFTER = "before", "release"
CHANGED, APPEARED, VANISHED = "changed", "appeared", "vanished"
RANKED, WORDED, MARKED = "re-ranked", "re-worded", "marked otherwise"
KINDS = (CHANGED, APPEARED, VANISHED, RANKED, WORDED, MARKED)
PAIR = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Compared:
    """A table: the columns that say which row is which; those in which a difference is one of a
    figure, the first of them that differs is shown; those that hold words only."""

    table: Table
    key: tuple[str, ...]
    figures: tuple[str, ...]
    words: tuple[str, ...] = ("sentence",)


KEPT_BACK = ("suppressed_reason", "reason", "sentence")
LEFT_OUT = ("for partners only: ", "for analysts only: ", "under embargo until ")
LIMITS = ("lower_95", "upper_95")
TABLES = (
    Compared(
        tables.INDICATOR_VALUE,
        sharing.VALUE,
        ("value", "numerator", "denominator", *LIMITS),
        ("area_name", "unit"),
    ),
    Compared(
        tables.FINDING,
        sharing.FINDING,
        (
            *("change", "value", "base_value", "change_lower_95", "change_upper_95"),
            *shareable.RANK,
            *("significance", "comparable_change", "comparable_lower_95", "comparable_upper_95"),
        ),
        ("sentence", "area_name", "maturity_note", "printed_note", "comparable_note"),
    ),
    Compared(tables.REVISION, sharing.REVISION, ("value", "first_value", "change")),
    Compared(tables.PRINTED, sharing.PRINTED, ("value", "printed_value", "change")),
    Compared(
        tables.BREAK_ESTIMATE,
        (
            *("series", "indicator", "area_code", "reference", "change_id", "effective_date"),
            *("effective_last", "method", "base_period", "period"),
        ),
        ("step", *LIMITS, "percent", "verdict", "recording_share", "total", "national", "local"),
        ("reason", "share_note", "peers_note", "area_name"),
    ),
    Compared(
        tables.COMPARABLE_VALUE, sharing.VALUE, ("comparable_value", "value", *LIMITS), ("reason",)
    ),
    Compared(
        tables.CLAIM,
        ("claim",),
        ("computed", "verdict", "computed_lower_95", "computed_upper_95"),
        ("statement", "reason", "reading", "section"),
    ),
    Compared(
        tables.TARGET,
        ("target", "measure"),
        ("current", "verdict", "baseline", "target_value", "change_lower_95", "change_upper_95"),
        ("action", "reason", "lead_agency", "lead_partnership", "priority"),
    ),
    Compared(
        tables.DRAFT,
        ("claim", "assessment"),
        tuple(shareable.DRAFTED),
        ("sentence", "statement", "rests_on", "caveat", "section"),
    ),
)


@dataclass(frozen=True)
class Difference:
    """A row that differs: as it was and as it is (None: it was not, or is no more), the columns
    that differ, and what kind of difference that is. `left_out`: the newer release leaves
    out what it is of, for whose it is."""

    of: Compared
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    columns: tuple[str, ...]
    kind: str
    left_out: bool = False

    def get(self, column: str) -> Any:
        """A cell that both rows share, or that of the one that there is."""
        row = self.after if self.after is not None else self.before
        return (row or {}).get(column)

    def either(self, column: str) -> list[Any]:
        """What stands in a column before or after, without nulls."""
        cells = [(row or {}).get(column) for row in (self.before, self.after)]
        return [one for one in dict.fromkeys(cells) if one is not None]

    @property
    def shown(self) -> str:
        """The column that tells it best."""
        preferred = (*self.of.figures, *self.of.words)
        if self.kind == RANKED:
            preferred = (*shareable.RANK, *preferred)
        if self.before is None or self.after is None:
            return next((one for one in preferred if self.get(one) is not None), preferred[0])
        return next((one for one in preferred if one in self.columns), self.columns[0])


def is_told_no_more(one: Difference) -> bool:
    """Whether the newer release keeps back what the earlier one says there: then it is not to be
    read in what the newer one says of the earlier, either."""
    if one.left_out:
        return True
    if one.before is None or one.after is None:
        return False
    gone = any(
        one.before.get(name) is not None and one.after.get(name) is None for name in one.of.figures
    )
    said = [str(one.after.get(name) or "") for name in (*KEPT_BACK, *one.of.words)]
    return gone or any(part in text.lower() for text in said for part in LEFT_OUT)


def between(connection: DuckDBPyConnection) -> list[Difference]:
    """Every row that differs, table by table and in the order of their keys."""
    there = {name: columns_of(connection, name) for name in (BEFORE, AFTER)}
    return [
        found
        for one in TABLES
        if all(one.table.full_name in columns for columns in there.values())
        for found in _of_table(connection, one, there)
    ]


def not_compared(connection: DuckDBPyConnection) -> list[str]:
    """Tables and columns of the newer release that the earlier one has not: older code made it."""
    before, after = (columns_of(connection, name) for name in (BEFORE, AFTER))
    lacking = []
    for one in TABLES:
        name = one.table.full_name
        if name not in before:
            lacking += [name] * (name in after)
            continue
        mine, theirs = after.get(name, []), before[name]
        lacking += [f"{name}.{column}" for column in mine if column not in theirs]
    return lacking


def columns_of(connection: DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """Table → its columns, of one of the databases."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) "
        "FROM duckdb_columns() WHERE database_name = ? GROUP BY 1",
        [database],
    ).fetchall()
    return dict(rows)


def _of_table(
    connection: DuckDBPyConnection, one: Compared, there: Mapping[str, Mapping[str, Sequence[str]]]
) -> Iterator[Difference]:
    """Rows of like keys are one row; where a key stands twice, the first is like the first."""
    name = one.table.full_name
    both = [each for each in there[AFTER][name] if each in there[BEFORE][name]]
    key = [each for each in one.key if each in both]
    listed = ", ".join(f'"{each}"' for each in both)
    of_key = ", ".join(f'"{each}"' for each in key)
    numbered = (
        f"(SELECT {listed}, row_number() OVER (PARTITION BY {of_key} ORDER BY rowid) AS nth "
        f"FROM {{}}.{name})"
    )
    same = " AND ".join(f'b."{each}" IS NOT DISTINCT FROM a."{each}"' for each in (*key, "nth"))
    told = ", ".join(f'{side}."{each}"' for side in ("b", "a") for each in (*both, "nth"))
    rows = connection.execute(
        f"SELECT {told} FROM {numbered.format(BEFORE)} AS b FULL JOIN {numbered.format(AFTER)} AS "
        f"a ON {same} WHERE a IS DISTINCT FROM b "
        f"ORDER BY {', '.join(f'coalesce(a.{each}, b.{each})' for each in (*key, 'nth'))}"
    ).fetchall()
    width = len(both) + 1
    for row in rows:
        cells = (row[:width], row[width:])
        old, new = (dict(zip(both, half, strict=False)) if half[-1] else None for half in cells)
        yield _difference(one, old, new)


def _difference(
    one: Compared, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Difference:
    if old is None or new is None:
        return Difference(one, old, new, (), APPEARED if old is None else VANISHED)
    unlike = tuple(name for name in new if not _same(old[name], new[name]))
    return Difference(one, old, new, unlike, _kind(one, set(unlike)))


def _same(one: object, other: object) -> bool:
    both_nan = one != one and other != other
    return one == other or both_nan


def _kind(one: Compared, unlike: set[str]) -> str:
    if unlike & set(shareable.RANK):
        return RANKED
    if unlike & set(one.figures):
        return CHANGED
    return WORDED if unlike <= set(one.words) else MARKED
