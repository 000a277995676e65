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
            "a layout file is named after a source", str(file), file.stem, _one_of(sources)
        )
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"not TOML: {error}", str(file)) from None
    return [_layout(file, name, entry, sources[file.stem]) for name, entry in entries.items()]


def _layout(file: Path, name: str, entry: object, source: Source) -> Layout:
    place = f"{file.name} [{name}]"
    if not isinstance(entry, dict):
        raise Refused("an entry is a table", place, entry)
    unknown = sorted(set(entry) - KEYS)
    if unknown:
        raise Refused("unknown key", place, unknown[0], _one_of(KEYS))
    for missing in {"title", "files", "columns"} - set(entry):
        raise Refused(f"{missing} is missing", place)
    _check_columns(place, entry, source)
    lists = {key: tuple(entry[key]) for key in ("files", "ignored", "given") if key in entry}
    return Layout(source=source.name, name=name, **{**entry, **lists})


def _check_columns(place: str, entry: Mapping[str, object], source: Source) -> None:
    known = set(source.model.to_schema().columns)
    columns = entry["columns"]
    assert isinstance(columns, dict)
    given = entry.get("given", [])
    named = [*columns.values(), *(given if isinstance(given, list) else [])]
    named += [entry[key] for key in ("wide_label", "wide_value") if key in entry]
    for column in named:
        if column not in known:
            raise Refused(f"{source.name} has no such column", place, column, _one_of(known))
    for pattern in (entry.get("facts"), *_patterns(entry)):
        _compiled(place, pattern)


def _patterns(entry: Mapping[str, object]) -> list[object]:
    ignored, wide = entry.get("ignored", []), entry.get("wide", {})
    return [
        *(ignored if isinstance(ignored, list) else []),
        *(wide if isinstance(wide, dict) else {}),
    ]


def _compiled(place: str, pattern: object) -> None:
    if pattern is None:
        return
    try:
        re.compile(str(pattern))
    except re.error as error:
        raise Refused(f"not a pattern: {error}", place, pattern) from None


def _one_of(names: object) -> str:
    return "known: " + ", ".join(sorted(names))  # type: ignore[call-overload]
