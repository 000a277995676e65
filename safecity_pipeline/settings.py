"""A deployment's own settings: `safecity.toml`, two folders, and where they are taken from.

Belongs here: which area, which year, which folders. Does not belong here: anything that can be
derived from them (the force, the peers: see `registry`).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from safecity_pipeline.model import Refused

KNOWN = {
    *("area_code", "area_name", "year", "as_of"),
    *("raw", "warehouse", "keep_releases", "keep_restricted"),
    *("audience", "embargo"),  # by source: see registry.audiences
    "sign_off",
    "boundaries",  # for maps: see registry.boundaries
}
SIGN_OFF = {"dimensions", "by", "on"}


@dataclass(frozen=True)
class SignOff:
    """Who lets out which tables of small areas of an indicator, and when. `by`: a role."""

    indicator: str
    dimensions: tuple[str, ...]
    by: str
    on: date


@dataclass(frozen=True)
class Settings:
    """What one deployment says of itself. A relative folder is taken from the working folder.

    `as_of`: the day on which it is judged which extracts are due; None: that of the refresh.
    """

    area_code: str
    area_name: str
    year: str
    raw: Path = Path("raw")
    warehouse: Path = Path("warehouse")
    keep_releases: int = 5
    keep_restricted: int = 2
    config: Path | None = None
    as_of: date | None = None
    sign_off: tuple[SignOff, ...] = ()

    def with_folders(self, raw: Path | None, warehouse: Path | None) -> Settings:
        """The same settings with the folders of a command line, where it names any."""
        return replace(self, raw=raw or self.raw, warehouse=warehouse or self.warehouse)

    def of_year(self, year: str, as_of: date | None = None) -> Settings:
        """The same settings for a year. The day on which arrivals are judged belongs to its year:
        another year has its own (`as_of`), or none."""
        kept = self.as_of if year == self.year else None
        return replace(self, year=year, as_of=as_of or kept)


def load(config: Path | None = None) -> Settings:
    """Read `config`, or SAFECITY_CONFIG, or `safecity.toml` here, or the packaged Southampton.

    SAFECITY_RAW, SAFECITY_WAREHOUSE, SAFECITY_YEAR and SAFECITY_AS_OF win over the file; a relative
    folder in the file is taken from the folder that the file lies in. Raises Refused naming the key
    at fault.
    """
    path = config or _named_by_environment() or _beside()
    entries = _read(path)
    found = Settings(
        area_code=_text(entries, "area_code", path),
        area_name=_text(entries, "area_name", path),
        year=_text(entries, "year", path),
        raw=_folder("SAFECITY_RAW", entries, "raw", path),
        warehouse=_folder("SAFECITY_WAREHOUSE", entries, "warehouse", path),
        keep_releases=_count(entries, "keep_releases", 5, path),
        keep_restricted=_count(entries, "keep_restricted", 2, path),
        config=path,
        as_of=_day(entries, path),
        sign_off=tuple(_sign_offs(entries, path)),
    )
    told = os.environ.get("SAFECITY_AS_OF")
    as_of = read_day(told, "SAFECITY_AS_OF") if told else None
    return found.of_year(os.environ.get("SAFECITY_YEAR") or found.year, as_of)


def read_day(text: str, place: str) -> date:
    """A day such as 2015-11-30. Raises Refused, naming the place, for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("not a day", place, text, "write it as 2015-11-30") from None


PACKAGED = Path(__file__).parent / "registry" / "southampton.toml"


def _named_by_environment() -> Path | None:
    named = os.environ.get("SAFECITY_CONFIG")
    return Path(named) if named else None


def _beside() -> Path:
    beside = Path("safecity.toml")
    return beside if beside.is_file() else PACKAGED


def _read(path: Path) -> dict[str, object]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(
            "no such configuration",
            str(path),
            repair="name a safecity.toml with --config or SAFECITY_CONFIG",
        ) from None
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError:
        raise Refused("not UTF-8 text", str(path), repair="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"not TOML: {error}", str(path)) from None
    unknown = sorted(set(entries) - KNOWN)
    if unknown:
        raise Refused("unknown key", str(path), unknown[0], f"known: {', '.join(sorted(KNOWN))}")
    return entries


def _text(entries: dict[str, object], key: str, path: Path) -> str:
    value = entries.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{key} must be a text", str(path), value, f'write {key} = "…"')
    return value.strip()


def _day(entries: dict[str, object], path: Path) -> date | None:
    value = entries.get("as_of")
    if value is None or type(value) is date:
        return value
    return read_day(str(value), f"{path}, as_of")


def _sign_offs(entries: dict[str, object], path: Path) -> Iterator[SignOff]:
    """`[sign_off.INDICATOR]`: dimensions, by, on."""
    declared = entries.get("sign_off", {})
    form = 'write [sign_off.INDICATOR] with dimensions = ["ward"], by = "role", on = 2015-11-20'
    if not isinstance(declared, dict):
        raise Refused("sign_off must be a table", str(path), declared, form)
    for key, said in declared.items():
        place = f"{path}, sign_off.{key}"
        if not isinstance(said, dict) or set(said) != SIGN_OFF:
            raise Refused("a sign-off says of what, by whom and when", place, said, form)
        named, day = said["dimensions"], said["on"]
        if not isinstance(named, list) or not named or not all(isinstance(x, str) for x in named):
            raise Refused("dimensions must be a list of texts", place, named, form)
        if type(day) is not date:
            raise Refused("not a day", place, day, form)
        yield SignOff(key, tuple(named), _text(said, "by", path), day)


def _count(entries: dict[str, object], key: str, otherwise: int, path: Path) -> int:
    value = entries.get(key, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Refused(f"{key} must be a whole number from 1", str(path), value)
    return value


def _folder(variable: str, entries: dict[str, object], key: str, path: Path) -> Path:
    if from_environment := os.environ.get(variable):
        return Path(from_environment)
    base = path.parent if path != PACKAGED else Path()
    return base / _text({key: key} | entries, key, path)
