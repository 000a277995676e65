"""Declared entries, read strictly: which keys there are, and which words a key may hold.

Belongs here: the refusals that all loaders of TOML share, with the nearest known word. Does not
belong here: any declaration (`indicators`, `assessments`).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Refused


def toml(file: Path, name: str) -> dict[str, Any]:
    """The tables of a file that people know as `name`. Raises Refused where it is no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"not TOML: {error}", name, repair="mend the file at that place") from None


def keys(place: str, entry: Any, known: set[str], needed: set[str]) -> None:
    """Raises Refused for a key that is not known, and for one that is missing."""
    if not isinstance(entry, dict):
        raise Refused("an entry is a table", place, entry, "write it as [key], or as { … }")
    for unknown in sorted(set(entry) - known):
        near = difflib.get_close_matches(unknown, known, 1)
        repair = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        raise Refused("unknown key", place, unknown, repair)
    for missing in sorted(needed - set(entry)):
        raise Refused(f"{missing} is missing", place, repair=f"add {missing} = …")


def one_of(place: str, what: str, value: object, known: Iterable[object]) -> None:
    """Raises Refused for a word that is not among those known."""
    listed = list(known)
    if value not in listed:
        near = difflib.get_close_matches(str(value), map(str, listed), 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        repair = f"known: {', '.join(map(str, listed))}{meant}"
        raise Refused(f"unknown {what}", place, value, repair)


def day(place: str, what: str, text: object) -> None:
    """Raises Refused for what is not a day such as 2013-05-01."""
    if period.bare_day(text) is None or "/" in str(text):
        raise Refused(f"{what} is a day", place, text, "write it as 2013-05-01")


def names(kind: type) -> set[str]:
    """The fields of a dataclass."""
    return {one.name for one in fields(kind)}


def required(kind: type) -> set[str]:
    """Those of them that have no default."""
    return {one.name for one in fields(kind) if one.default is MISSING}
