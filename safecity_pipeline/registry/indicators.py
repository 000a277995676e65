"""Indicators: declared in TOML by subject, read strictly.

Belongs here: the loader that refuses what it does not understand, naming file and entry. Does
not belong here: computing anything (`measure`), or any indicator (`indicators/*.toml`).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Part, Refused, Source

PACKAGED = Path(__file__).parent / "indicators"
INDICATOR_KEYS = {field.name for field in fields(Indicator)} - {"indicator", "subject"}
PART_KEYS = {field.name for field in fields(Part)}
KINDS = ("rate", "proportion", "count")
POLARITIES = ("low_is_good", "high_is_good", "none")
FORCES = ("home", "all")
COMPARISONS = ("previous_period", "previous_year", "five_years", "group_average", "peer_rank")
SQL_WORDS = frozenset(
    ["and", "or", "not", "in", "is", "null", "like", "ilike", "between", "case", "when", "then", "else", "end", "true", "false", "distinct", "as", "date", "interval", "cast"]
)


def load(
    sources: Mapping[str, Source], groups: Iterable[str], folder: Path = PACKAGED
) -> dict[str, Indicator]:
    """Every declared indicator by key. Raises Refused naming the file, the entry and the repair."""
    found: dict[str, Indicator] = {}
    for file in sorted(folder.glob("*.toml")):
        for key, entry in _entries(file).items():
            place = f"{file.name} [{key}]"
            if key in found:
                raise Refused("an indicator is declared once", place, key)
            found[key] = _indicator(place, key, file.stem, entry, sources, set(groups))
    return found


def _entries(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"not TOML: {error}", str(file)) from None


def _indicator(
    place: str,
    key: str,
    subject: str,
    entry: Any,
    sources: Mapping[str, Source],
    groups: set[str],
) -> Indicator:
    _keys(place, entry, INDICATOR_KEYS, _needed(Indicator, {"indicator", "subject"}))
    numerator = _part(f"{place} numerator", entry["numerator"], sources)
    denominator = (
        _part(f"{place} denominator", entry["denominator"], sources)
        if "denominator" in entry
        else None
    )
    built = {**entry, "numerator": numerator, "denominator": denominator}
    built["compare"] = tuple(entry["compare"])
    indicator = Indicator(indicator=key, subject=subject, **built)
    _words(place, indicator, groups)
    return indicator


def _words(place: str, indicator: Indicator, groups: set[str]) -> None:
    _one_of(place, "kind", indicator.kind, KINDS)
    _one_of(place, "polarity", indicator.polarity, POLARITIES)
    for comparison in indicator.compare:
        _comparison(place, comparison)
    if indicator.peer_group is not None:
        _one_of(place, "peer_group", indicator.peer_group, groups)
    elif {"peer_rank", "group_average"} & set(indicator.compare):
        raise Refused("a rank needs a peer_group", place)
    if (indicator.kind == "count") != (indicator.denominator is None):
        raise Refused("a count has no denominator; a rate and a proportion have one", place)
    if isinstance(indicator.per, bool) or not isinstance(indicator.per, int) or indicator.per < 1:
        raise Refused("per is a whole number from 1", place, indicator.per)


def _comparison(place: str, comparison: object) -> None:
    if isinstance(comparison, str) and comparison.startswith("baseline:"):
        try:
            period.parse(comparison.removeprefix("baseline:"))
        except ValueError as error:
            raise Refused(f"a baseline names a period: {error}", place, comparison) from None
        return
    _one_of(place, "compare", comparison, (*COMPARISONS, "baseline:YEAR"))


def _part(place: str, entry: Any, sources: Mapping[str, Source]) -> Part:
    _keys(place, entry, PART_KEYS, {"source"})
    _one_of(place, "source", entry["source"], sources)
    source = sources[entry["source"]]
    part = Part(**entry)
    for clause in (part.where, part.aggregate):
        _columns_exist(place, clause, source)
    _forces(place, part, source)
    return part


def _forces(place: str, part: Part, source: Source) -> None:
    if source.home_force is None:
        if part.forces is not None:
            raise Refused(f"rows of {source.name} name no force", place, part.forces)
        return
    _one_of(place, "forces (which force's rows count for an area)", part.forces, FORCES)


def columns_of(source: Source) -> list[str]:
    """The columns that an indicator may name: stored ones and derived ones."""
    schema = source.model.to_schema()
    stored = [
        name
        for name, column in schema.columns.items()
        if (column.metadata or {}).get("stored", True)
    ]
    return [*stored, *(derived.name for derived in source.derived)]


def _columns_exist(place: str, clause: object, source: Source) -> None:
    if not isinstance(clause, str):
        raise Refused("where and aggregate are SQL texts", place, clause)
    bare = re.sub(r"'(?:[^']|'')*'", "", clause)
    known = columns_of(source)
    for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]*(?!\w|\s*\()", bare):
        if word.lower() not in SQL_WORDS and word not in known:
            near = difflib.get_close_matches(word, known, 1)
            repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise Refused(f"{source.name} has no such column", place, word, repair)


def _keys(place: str, entry: Any, known: set[str], needed: set[str]) -> None:
    if not isinstance(entry, dict):
        raise Refused("an entry is a table", place, entry)
    for unknown in sorted(set(entry) - known):
        near = difflib.get_close_matches(unknown, known, 1)
        repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        raise Refused("unknown key", place, unknown, repair)
    for missing in sorted(needed - set(entry)):
        raise Refused(f"{missing} is missing", place)


def _needed(kind: type, without: set[str]) -> set[str]:
    required = {f.name for f in fields(kind) if f.default is MISSING}  # type: ignore[arg-type]
    return required - without


def _one_of(place: str, what: str, value: object, known: Iterable[object]) -> None:
    if value not in list(known):
        raise Refused(f"unknown {what}", place, value, f"known: {', '.join(map(str, known))}")
