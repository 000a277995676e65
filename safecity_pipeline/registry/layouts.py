"""Layouts: how suppliers spell a source, one TOML file a source.

Belongs here: reading and refusing. A deployment's own `layouts/` beside its safecity.toml goes
before the packaged ones. Does not belong here: what a row means (`sources`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from safecity_pipeline.model import Layout, Refused, Source

PACKAGED = Path(__file__).parent / "layouts"
KEYS = {field.name for field in fields(Layout)} - {"source", "name"}


def load(sources: Mapping[str, Source], own: Path | None = None) -> tuple[Layout, ...]:
    """Every layout, the deployment's own first. Raises Refused naming file and entry."""
    folders = [folder for folder in (own, PACKAGED) if folder and folder.is_dir()]
    return tuple(
        layout
        for folder in folders
        for file in sorted(folder.glob("*.toml"))
        for layout in _file(file, sources)
    )


def _file(file: Path, sources: Mapping[str, Source]) -> list[Layout]:
    if file.stem not in sources:
        raise Refused(
            "a layout file is named after a source", file.name, file.stem, _one_of(sources)
        )
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(
            f"not TOML: {error}", file.name, repair="mend the file at that place"
        ) from None
    return [_layout(file, name, entry, sources[file.stem]) for name, entry in entries.items()]


def _layout(file: Path, name: str, entry: object, source: Source) -> Layout:
    place = f"{file.name} [{name}]"
    if not isinstance(entry, dict):
        raise Refused("an entry is a table", place, entry, "write it as [key]")
    unknown = sorted(set(entry) - KEYS)
    if unknown:
        raise Refused("unknown key", place, unknown[0], _one_of(KEYS))
    for missing in sorted({"title", "files", "columns"} - set(entry)):
        raise Refused(f"{missing} is missing", place, repair=f"add {missing} = …")
    _check_forms(place, entry)
    _check_columns(place, entry, source)
    _check_markers(place, entry)
    lists = {key: tuple(entry[key]) for key in entry if FORMS[key] in (LIST, NUMBERS)}
    return Layout(source=source.name, name=name, **{**entry, **lists})


def _check_columns(place: str, entry: Mapping[str, Any], source: Source) -> None:
    known = set(source.schema.columns)
    named = [*entry["columns"].values(), *entry.get("given", [])]
    named += [*entry.get("says", {}), *entry.get("values", {})]
    named += entry.get("wide_label", "").split("|") if "wide_label" in entry else []
    named += [entry["wide_value"]] if "wide_value" in entry else []
    for key in ("ignored", "wide", "markers", "notes"):
        for pattern in entry.get(key, []):
            _compiled(place, pattern)
    for pattern in entry.get("only", {}).values():
        _compiled(place, pattern)
    for key in ("facts", "titles", "end", "rounded"):
        groups = _compiled(place, entry.get(key, "")).groupindex
        named += groups if key in ("facts", "titles") else ()
    for column in named:
        if column not in known:
            raise Refused(f"{source.name} has no such column", place, column, _one_of(known))


def _check_markers(place: str, entry: Mapping[str, Any]) -> None:
    for key in ("markers", "notes", "wide"):
        for pattern, template in entry.get(key, {}).items():
            _check_groups(place, pattern, template)
    first, head = entry.get("first_row"), max(entry.get("head_rows", [1]))
    if first is not None and first <= head:
        raise Refused("the data begin after the head", place, first, f"head_rows end at {head}")
    for pattern, status in {**entry.get("markers", {}), **entry.get("notes", {})}.items():
        if not STATUS.fullmatch(status):
            raise Refused(f"the marker {pattern!r} has no such status", place, status, STATUSES)
    labels = entry.get("wide_label", "").count("|")
    for pattern, label in entry.get("wide", {}).items():
        if label.count("|") != labels:
            rule = f"the label of {pattern!r} has as many parts as wide_label"
            raise Refused(rule, place, label, "part them by |")


def _check_groups(place: str, pattern: str, template: str) -> None:
    """A status or label may use only groups that its pattern has."""
    known = _compiled(place, pattern)
    numbers = {int(number) for number in re.findall(r"\\(?:g<)?(\d+)", template)}
    names = set(re.findall(r"\\g<([A-Za-z_]\w*)>", template))
    if max(numbers, default=0) > known.groups or names - set(known.groupindex):
        raise Refused(f"the pattern {pattern!r} has no such group", place, template)


def _check_forms(place: str, entry: Mapping[str, Any]) -> None:
    for key, value in entry.items():
        form, is_right = FORMS[key]
        if not is_right(value):
            raise Refused(f"{key} is {form}", place, value, f"write {key} as {form}")
    wide = [key for key in ("wide", "wide_label", "wide_value") if key not in entry]
    if 0 < len(wide) < 3:
        rule = "wide, wide_label and wide_value go together"
        raise Refused(rule, place, repair=f"add {wide[0]}")


STATUS = re.compile(r"suppressed|not_available|not_applicable|rounded|below:(\d+(\.\d+)?|\\[1-9])")
STATUSES = "known: suppressed, not_available, not_applicable, rounded, below: and a number"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_full_table(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_tables(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_full_table, value.values()))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_numbers(value: object) -> bool:
    """Row numbers or years: whole numbers from 1, in order."""
    if not isinstance(value, list) or not value or not all(map(_is_number, value)):
        return False
    return value == sorted(set(value)) and value[0] > 0


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


TEXT, LIST = ("a text", _is_text), ("a list of texts", _is_list)
TABLE, PATTERNS = ("a table of texts", _is_full_table), ("a table of patterns", _is_table)
TABLES = ("a table of tables of texts", _is_tables)
NUMBER, NUMBERS = ("a whole number", _is_number), ("a list of whole numbers in order", _is_numbers)
TRUTH = ("true or false", _is_truth)
FORMS = dict.fromkeys(KEYS, TEXT) | {
    **dict.fromkeys(("files", "ignored", "given"), LIST),
    **dict.fromkeys(("columns", "wide", "says", "markers", "notes"), TABLE),
    "only": PATTERNS,
    "values": TABLES,
    **dict.fromkeys(("years", "head_rows"), NUMBERS),
    **dict.fromkeys(("first_row", "short_rows"), NUMBER),
    **dict.fromkeys(("footnotes", "head_spans"), TRUTH),
}


def _compiled(place: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        repair = "mend the regular expression"
        raise Refused(f"not a pattern: {error}", place, pattern, repair) from None


def _one_of(names: object) -> str:
    return "known: " + ", ".join(sorted(names))  # type: ignore[call-overload]
