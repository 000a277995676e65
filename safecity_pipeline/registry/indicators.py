"""Indicators: declared in TOML by subject, read strictly.

Belongs here: the loader that refuses what it does not understand, naming file and entry. Does
not belong here: computing anything (`measure`), or any indicator (`indicators/*.toml`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Part, Refused, Source
from safecity_pipeline.registry import entries
from safecity_pipeline.registry.entries import day, keys, names, one_of, required

PACKAGED = Path(__file__).parent / "indicators"
INDICATOR_KEYS = names(Indicator) - {"indicator", "subject"}
PART_KEYS = names(Part)
PUBLISHED = "published"
KINDS = ("rate", "proportion", "count", PUBLISHED)
PER_CENT = "per cent"
POLARITIES = ("low_is_good", "high_is_good", "none")
FORCES = ("home", "all")
MOST_DECIMALS = 6
COMPARISONS = ("previous_period", "previous_year", "five_years", "group_average", "peer_rank")
SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "and or not in is null like ilike between case when then else end true false distinct as "
        "date interval cast",
    )
)


def load(
    sources: Mapping[str, Source], groups: Iterable[str], folder: Path = PACKAGED
) -> dict[str, Indicator]:
    """Every declared indicator by key. Raises Refused naming the file, the entry and the repair."""
    found: dict[str, Indicator] = {}
    for file in sorted(folder.glob("*.toml")):
        for key, entry in entries.toml(file, file.name).items():
            place = f"{file.name} [{key}]"
            if key in found:
                first = f"{found[key].subject}.toml"
                repair = f"it is declared in {first} already; give one of the two another key"
                raise Refused("an indicator is declared once", place, key, repair)
            found[key] = _indicator(place, key, file.stem, entry, sources, set(groups))
    return found


def _indicator(
    place: str,
    key: str,
    subject: str,
    entry: Any,
    sources: Mapping[str, Source],
    groups: set[str],
) -> Indicator:
    published = isinstance(entry, dict) and entry.get("kind") == PUBLISHED
    main = "value" if published else "numerator"
    keys(place, entry, INDICATOR_KEYS, required(Indicator) - {"indicator", "subject"} | {main})
    make = _published_part if published else _part
    parts = {
        name: make(f"{place} {name}", entry[name], sources)
        for name in ("value", "numerator", "denominator")
        if name in entry
    }
    _texts(place, entry)
    built = {**entry, **parts}
    built["compare"] = tuple(_comparisons(place, entry["compare"]))
    built["by"] = tuple(_dimensions(place, entry, parts, sources))
    indicator = Indicator(indicator=key, subject=subject, **built)
    _words(place, indicator, groups)
    return indicator


def _dimensions(
    place: str, entry: Mapping[str, Any], parts: Mapping[str, Part], sources: Mapping[str, Source]
) -> list[str]:
    """Columns by which it is taken apart: of counts, and of shares of counts of one source. A rate
    would need its denominator by the same column."""
    by = entry.get("by", [])
    if not isinstance(by, list):
        raise Refused("by is a list of columns", place, by, 'write by = ["ward"]')
    if by and (entry.get("kind") not in ("count", "proportion") or "numerator" not in parts):
        rule = "only a count or a proportion is taken apart"
        raise Refused(rule, place, entry.get("kind"), "drop the key by")
    if by and len({part.source for part in parts.values()}) > 1:
        raise Refused("parts are counted in one source", place, by, "drop the key by")
    for column in by:
        source = sources[parts["numerator"].source]
        one_of(place, f"column of {source.name}", column, columns_of(source))
        if source.tallies or any(map(_marks(source).intersection, map(_words_of, parts.values()))):
            rule = "rows are taken apart that are events, and no numbers that a marker may hide"
            raise Refused(rule, place, column, "drop the key by")
    return by


def _words_of(part: Part) -> set[str]:
    return {*names_in(part.where), *names_in(part.aggregate)}


def _marks(source: Source) -> set[str]:
    """The columns in which markers may stand."""
    columns = source.schema.columns
    return {name for name, column in columns.items() if (column.metadata or {}).get("markers")}


def _words(place: str, indicator: Indicator, groups: set[str]) -> None:
    one_of(place, "kind", indicator.kind, KINDS)
    one_of(place, "polarity", indicator.polarity, POLARITIES)
    if indicator.peer_group is not None:
        one_of(place, "peer_group", indicator.peer_group, sorted(groups))
    elif {"peer_rank", "group_average"} & set(indicator.compare):
        known = f"known: {', '.join(sorted(groups))}"
        raise Refused("peer_rank and group_average need a peer_group", place, repair=known)
    if indicator.stand_ins not in (True, False) or (
        indicator.stand_ins and not indicator.peer_group
    ):
        rule = "stand_ins is true or false, and speaks of the peers of a peer_group"
        raise Refused(rule, place, indicator.stand_ins, "drop it, or add the peer_group")
    if indicator.kind == PUBLISHED:
        _published(place, indicator)
    elif indicator.rounded_to is not None:
        rule = "rounded_to is said of a figure that its publisher rounds"
        raise Refused(rule, place, indicator.rounded_to, 'drop the key, or kind = "published"')
    elif indicator.value is not None:
        rule = "value is the key of a published figure"
        raise Refused(rule, place, indicator.kind, 'drop the key, or write kind = "published"')
    elif (indicator.kind == "count") != (indicator.denominator is None):
        rule = "a count has no denominator; a rate and a proportion have one"
        raise Refused(rule, place, indicator.kind, "add the denominator, or change the kind")
    _whole(place, "per", indicator.per, 1)
    _whole(place, "decimals", indicator.decimals, 0, MOST_DECIMALS)


def _published(place: str, indicator: Indicator) -> None:
    """A published figure stands in one source, and is averaged only where its counts are known."""
    beside = [part for part in (indicator.numerator, indicator.denominator) if part is not None]
    for part in beside:
        if part.source != indicator.main.source:
            repair = "take numerator and denominator from the source of the value"
            raise Refused("a published figure has one source", place, part.source, repair)
    step = indicator.rounded_to
    if step is not None and (not isinstance(step, int | float) or step is True or step <= 0):
        rule = "rounded_to is a number above nought, the step of the last decimal"
        raise Refused(rule, place, step, "write rounded_to = 0.1")
    if indicator.unit == PER_CENT and indicator.per != 100:
        raise Refused(f"{PER_CENT} is per 100", place, indicator.per, "write per = 100")
    if "group_average" in indicator.compare and (indicator.unit != PER_CENT or len(beside) < 2):
        rule = f"only figures {PER_CENT} whose numerator and denominator are published average"
        raise Refused(rule, place, "group_average", "drop the comparison, or add both parts")


def _texts(place: str, entry: Mapping[str, Any]) -> None:
    for key in ("title", "unit", "series", "notes"):
        if not isinstance(entry.get(key, ""), str):
            raise Refused(f"{key} is a text", place, entry[key], f'write {key} = "…"')


def _whole(place: str, key: str, value: object, least: int, most: int = 10**9) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    if not whole:
        rule = f"{key} is a whole number from {least} to {most:,}"
        raise Refused(rule, place, value, f"write {key} = {least}")


def _comparisons(place: str, listed: object) -> list[str]:
    if not isinstance(listed, list):
        raise Refused("compare is a list", place, listed, 'write compare = ["previous_year"]')
    for comparison in listed:
        _comparison(place, comparison)
        if listed.count(comparison) > 1:
            raise Refused("a comparison is listed once", place, comparison, "drop the second")
    return listed


def _comparison(place: str, comparison: object) -> None:
    if isinstance(comparison, str) and comparison.startswith("baseline:"):
        try:
            base = period.parse(comparison.removeprefix("baseline:"))
        except ValueError as error:
            raise Refused(f"a baseline names a period: {error}", place, comparison) from None
        if base.kind not in ("year", "calendar_year"):
            repair = "write it as baseline:2009-10, or baseline:2009CY for a calendar year"
            rule = "a baseline is a calendar or a financial year"
            raise Refused(rule, place, comparison, repair)
        return
    one_of(place, "compare", comparison, (*COMPARISONS, "baseline:YEAR"))


def _part(place: str, entry: Any, sources: Mapping[str, Source]) -> Part:
    keys(place, entry, PART_KEYS, {"source"})
    one_of(place, "source", entry["source"], sources)
    source = sources[entry["source"]]
    part = Part(**entry)
    if part.since is not None:
        day(place, "since", part.since)
    for clause in (part.where, part.aggregate):
        _columns_exist(place, clause, source)
    _markers_seen(place, part, source)
    _forces(place, part, source)
    return part


def _markers_seen(place: str, part: Part, source: Source) -> None:
    """A sum is null where a marker stands among its numbers. That is watched in one column, and a
    condition on such a column would drop the markers without a word."""
    marked = _marks(source)
    if found := marked & set(names_in(part.where)):
        rule = "a condition does not name a column in which markers may stand"
        raise Refused(rule, place, min(found), f"ask for {min(found)}_status instead")
    if len(found := marked & set(names_in(part.aggregate))) > 1:
        rule = "an aggregate names one column in which markers may stand"
        raise Refused(rule, place, ", ".join(sorted(found)), "derive a column in the source")


def _published_part(place: str, entry: Any, sources: Mapping[str, Source]) -> Part:
    """Where one published cell stands; `aggregate` is the column that holds it."""
    if isinstance(entry, dict):
        entry = {"aggregate": "value", **entry}
    part = _part(place, entry, sources)
    known = columns_of(sources[part.source])
    if part.aggregate not in known:
        rule = "the aggregate of a published figure is a column: the one cell is taken over"
        raise Refused(rule, place, part.aggregate, f"known: {', '.join(known)}")
    return part


def _forces(place: str, part: Part, source: Source) -> None:
    if source.home_force is None:
        if part.forces is not None:
            rule = f"rows of {source.name} name no force"
            raise Refused(rule, place, part.forces, "drop the key forces")
        return
    if part.forces is None:
        rule = f"forces is missing: rows of {source.name} come from several forces"
        raise Refused(rule, place, repair=f"say which count for an area: {' or '.join(FORCES)}")
    one_of(place, "forces", part.forces, FORCES)


def columns_of(source: Source) -> list[str]:
    """The columns that an indicator may name: stored ones, status and marker of those in which a
    marker may stand, derived ones, and windows."""
    schema = source.schema
    stored = [
        name
        for name, column in schema.columns.items()
        if (column.metadata or {}).get("stored", True)
    ]
    marked = [name for name in stored if (schema.columns[name].metadata or {}).get("markers")]
    said = [f"{name}_{what}" for name in marked for what in ("status", "marker")]
    derived = [one.name for one in source.derived]
    return [*stored, *derived, *said, *(window.name for window in source.windows)]


def is_percentage(indicator: Indicator) -> bool:
    """Whether it is a percentage of a whole: a change is in points, and starts from 0 too."""
    published = indicator.kind == PUBLISHED and indicator.unit == PER_CENT
    return published or indicator.kind == "proportion"


def names_in(clause: str) -> list[str]:
    """The words of an SQL fragment that are neither texts nor functions."""
    bare = re.sub(r"'(?:[^']|'')*'", "", clause)
    return re.findall(r"[A-Za-z_][A-Za-z_0-9]*(?!\w|\s*\()", bare)


def _columns_exist(place: str, clause: object, source: Source) -> None:
    if not isinstance(clause, str):
        repair = "write the clause in quotes"
        raise Refused("where and aggregate are SQL texts", place, clause, repair)
    known = columns_of(source)
    for word in names_in(clause):
        if word.lower() not in SQL_WORDS and word not in known:
            near = difflib.get_close_matches(word, known, 1)
            repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise Refused(f"{source.name} has no such column", place, word, repair)
