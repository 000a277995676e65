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
    lists = {key: tuple(entry[key]) for key in ("files", "ignored", "given") if key in entry}
    return Layout(source=source.name, name=name, **{**entry, **lists})


def _check_columns(place: str, entry: Mapping[str, Any], source: Source) -> None:
    known = set(source.model.to_schema().columns)
    named = [*entry["columns"].values(), *entry.get("given", [])]
    named += [entry[key] for key in ("wide_label", "wide_value") if key in entry]
    for pattern in (*entry.get("ignored", []), *entry.get("wide", {})):
        _compiled(place, pattern)
    named += _compiled(place, entry.get("facts", "")).groupindex
    for column in named:
        if column not in known:
            raise Refused(f"{source.name} has no such column", place, column, _one_of(known))


def _check_forms(place: str, entry: Mapping[str, Any]) -> None:
    for key, value in entry.items():
        form, is_right = FORMS[key]
        if not is_right(value):
            raise Refused(f"{key} is {form}", place, value, f"write {key} as {form}")
    wide = [key for key in ("wide", "wide_label", "wide_value") if key not in entry]
    if 0 < len(wide) < 3:
        rule = "wide, wide_label and wide_value go together"
        raise Refused(rule, place, repair=f"add {wide[0]}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


TEXT, LIST = ("a text", _is_text), ("a list of texts", _is_list)
TABLE = ("a table of texts", _is_table)
LISTS, TABLES = ("files", "ignored", "given"), ("columns", "wide")
FORMS = {key: LIST if key in LISTS else TABLE if key in TABLES else TEXT for key in KEYS}


def _compiled(place: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        repair = "mend the regular expression"
        raise Refused(f"not a pattern: {error}", place, pattern, repair) from None


def _one_of(names: object) -> str:
    return "known: " + ", ".join(sorted(names))  # type: ignore[call-overload]
