"""Corrections: known errors of a source, what is done about them, and what must stand there still.

Belongs here: reading `corrections.toml`, the packaged one and a deployment's own beside its
safecity.toml, and giving every source its entries. Does not belong here: changing rows
(`ingest.corrections`).

Which rows. `files`: a pattern over file names (over paths below raw/, where it holds a slash), or
`sha256` of one extract, its first 8 digits or more; `sheet` of a workbook. `row`: the physical row;
`where`: column → value, or a list of values; both must hold. A column is one of the source's model,
and its cell is compared by what it means: 1,234 is 1234.

What is done. `action`: "replace" the cell of `column` by `value`, "multiply" it by `factor`, or
"exclude" the row.

The guard. `expect`: what stands there as received, in `column`, or as column → value, a list of
values, or { at_least = …, at_most = … } for numbers. Where any row meant says otherwise, the
supplier has mended the file: nothing of it is changed, and the entry must go.

Columns that hold identifiers of persons can neither be asked for nor changed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pandera.api.pandas.components import Column

from safecity_pipeline.model import Correction, Range, Refused, Source
from safecity_pipeline.registry import entries
from safecity_pipeline.registry.waivers import day, declared, role, text

PACKAGED = Path(__file__).parent / "corrections.toml"
ACTIONS: Mapping[str, frozenset[str]] = {
    "replace": frozenset({"column", "value"}),
    "multiply": frozenset({"column", "factor"}),
    "exclude": frozenset(),
}
"""What is done, and the keys that only this action has."""

_NEEDED = frozenset({"source", "action", "expect", "reason", "reported_on", "reported_to"})
_WHICH = frozenset({"files", "sha256", "sheet", "row", "where"})
_DIGITS = re.compile(r"[0-9a-f]{8,64}")
_RANGE = {"at_least", "at_most"}


def bind(sources: Mapping[str, Source], own: Path | None = None) -> dict[str, Source]:
    """The sources, each with its corrections in the order of the files. `own`: a deployment's
    folder. Raises Refused naming file, entry and repair."""
    found: dict[str, list[Correction]] = {}
    for key, entry, place in declared(PACKAGED, own):
        one = _correction(key, entry, place, sources)
        found.setdefault(one.source, []).append(one)
    return {
        name: replace(source, corrections=tuple(found.get(name, ())))
        for name, source in sources.items()
    }


def _correction(
    key: str, entry: Mapping[str, Any], place: str, sources: Mapping[str, Source]
) -> Correction:
    every = frozenset().union(*ACTIONS.values())
    entries.keys(place, entry, {*_NEEDED, *_WHICH, *every}, {*_NEEDED})
    entries.one_of(place, "source", entry["source"], sources)
    entries.one_of(place, "action", entry["action"], ACTIONS)
    own = ACTIONS[entry["action"]]
    entries.keys(place, entry, {*_NEEDED, *_WHICH, *own}, {*own})
    columns = _columns(sources[entry["source"]])
    column = _column(place, entry["column"], columns) if "column" in entry else None
    made = Correction(
        key,
        place,
        entry["source"],
        entry["action"],
        text(place, "reason", entry["reason"]),
        day(place, "reported_on", entry["reported_on"]),
        role(place, "reported_to", entry["reported_to"]),
        _expected(place, entry["expect"], column, columns),
        text(place, "files", entry["files"]) if "files" in entry else None,
        _hash(place, entry["sha256"]) if "sha256" in entry else None,
        text(place, "sheet", entry["sheet"]) if "sheet" in entry else None,
        _row(place, entry["row"]) if "row" in entry else None,
        _where(place, entry.get("where", {}), columns),
        column,
        _text(place, "value", entry["value"]) if "value" in entry else None,
        _factor(place, entry["factor"]) if "factor" in entry else None,
    )
    _says_which(made)
    return made


def _says_which(one: Correction) -> None:
    if one.files is None and one.sha256 is None:
        raise Refused("a correction says which files", one.place, repair="add files or sha256")
    if one.row is None and not one.where:
        raise Refused("a correction says which rows", one.place, repair="add row or where")
    if one.column is not None and one.column not in one.expect:
        rule = "expect says what the column holds as received"
        raise Refused(rule, one.place, sorted(one.expect), f"add {one.column} to it")
    known = one.expect.get(one.column or "", ())
    if one.value is not None and not isinstance(known, Range) and one.value in known:
        rule = "a correction changes what it expects"
        raise Refused(rule, one.place, one.value, "mend value, or expect")


def _columns(source: Source) -> Mapping[str, Column]:
    columns: Mapping[str, Column] = source.schema.columns
    return columns


def _column(place: str, name: object, columns: Mapping[str, Column]) -> str:
    named = text(place, "column", name)
    entries.one_of(place, "column of the source", named, columns)
    if (columns[named].metadata or {}).get("person"):
        rule = "a column that identifies persons is neither asked for nor corrected"
        raise Refused(rule, place, named, "select the rows by other columns, or by row")
    return named


def _where(
    place: str, entry: object, columns: Mapping[str, Column]
) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(entry, dict):
        raise Refused("where is a table", place, entry, 'write where = { column = "value" }')
    return {_column(place, key, columns): _texts(place, key, one) for key, one in entry.items()}


def _expected(
    place: str, entry: object, column: str | None, columns: Mapping[str, Column]
) -> Mapping[str, tuple[str, ...] | Range]:
    if not isinstance(entry, dict):
        if column is None:
            rule = "expect names columns, and what they hold as received"
            raise Refused(rule, place, entry, 'write expect = { column = "value" }')
        return {column: _texts(place, "expect", entry)}
    if not entry:
        raise Refused("a correction has a guard", place, repair="say in expect what stands there")
    return {
        _column(place, key, columns): _range(place, one)
        if isinstance(one, dict)
        else _texts(place, key, one)
        for key, one in entry.items()
    }


def _range(place: str, entry: Mapping[str, Any]) -> Range:
    entries.keys(place, entry, _RANGE, set())
    if not entry:
        raise Refused("a range has an end", place, repair="add at_least or at_most")
    ends = {key: _number(place, key, value) for key, value in entry.items()}
    return Range(ends.get("at_least", -math.inf), ends.get("at_most", math.inf))


def _texts(place: str, what: str, value: object) -> tuple[str, ...]:
    """What a cell may hold, as texts; the empty one is an empty cell."""
    listed: Sequence[object] = value if isinstance(value, list) else [value]
    if not listed:
        raise Refused(f"{what} is a value, or a list of them", place, value, "add a value")
    return tuple(_text(place, what, one) for one in listed)


def _text(place: str, what: str, value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if type(value) is date:
        return value.isoformat()
    return f"{_number(place, what, value)!r}".removesuffix(".0")


def _number(place: str, what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(f"{what} is a text, a number or a day", place, value, f'write {what} = "…"')
    return value


def _factor(place: str, value: object) -> float:
    factor = _number(place, "factor", value)
    if factor in (0, 1):
        raise Refused("a factor changes a number, and keeps it", place, value, "write factor = 100")
    return factor


def _row(place: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refused("row is a physical row, the first is 1", place, value, "write row = 17")
    return value


def _hash(place: str, value: object) -> str:
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        rule = "sha256 is 8 to 64 hexadecimal digits, in small letters"
        raise Refused(rule, place, value, "take it from meta.extract")
    return value
