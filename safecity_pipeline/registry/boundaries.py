"""Boundaries of wards and LSOAs for maps: GeoJSON files that a deployment declares, with dates.

    [boundaries.wards-2011]
    level = "ward"                            # or "lsoa"
    file = "boundaries/wards-2011.geojson"    # from the folder of safecity.toml
    property = "WD11NM"                       # a ward's name, an LSOA's code: as the figures have
    from = 2011-05-05                         # the first day on which they are in force
    until = 2018-05-02                        # the last; left out while they still are
    attribution = "Contains OS data © Crown copyright and database right 2015."

Belongs here: reading and refusing them, and which are in force in a period. Does not belong here:
which areas have figures, and drawing (`publish.report.maps`).

A file that says `"synthetic": true` at its top is made up. It is for made-up figures alone, and no
other is for these: those of the sample are packaged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from safecity_pipeline.model import Refused
from safecity_pipeline.period import Period
from safecity_pipeline.registry import entries

PACKAGED = Path(__file__).parent / "synthetic" / "boundaries.toml"
LEVELS = ("ward", "lsoa")
NEEDED = {"level", "file", "property", "from", "attribution"}
MOST_BYTES = 10_000_000
DECIMALS = 4
"""Of a degree: seven to eleven metres, less than a map of a city can show."""

LONGITUDES, LATITUDES = (-9.0, 3.0), (49.0, 61.0)
EASTINGS, NORTHINGS = (0.0, 700_000.0), (0.0, 1_300_000.0)
WGS84 = ("CRS84", "4326", "WGS84", "WGS 84", "4258")  # the last: ETRS89, less than a metre off
AS_WGS84 = "reproject to WGS84 (EPSG:4326) and save it as GeoJSON"

Point = tuple[float, float]
Ring = tuple[Point, ...]
Shape = tuple[tuple[Ring, ...], ...]
"""The polygons of an area, each its outline and then its holes, in degrees east and north."""


@dataclass(frozen=True)
class Boundaries:
    """One set. `start`, `end`: the first and last day on which it is in force, None while it is;
    `shapes`: by what the figures call an area; `digest`: of the file and what is declared."""

    key: str
    level: str
    file: str
    attribution: str
    start: date
    end: date | None
    synthetic: bool
    digest: str
    shapes: Mapping[str, Shape]

    @property
    def last(self) -> date:
        return self.end or date.max

    def holds(self, within: Period) -> bool:
        """Whether it is in force on every day of a period."""
        return self.start <= within.start and within.end <= self.last

    def meets(self, within: Period) -> bool:
        """Whether it is in force on any day of a period."""
        return self.start <= within.end and within.start <= self.last


def load(config: Path | None = None) -> tuple[Boundaries, ...]:
    """Those of a deployment's safecity.toml, and those of the sample at the levels of which it has
    no made-up ones of its own. Raises Refused."""
    own = list(_declared(config)) if config and config.is_file() else []
    made_up = {one.level for one in own if one.synthetic}
    _refuse_overlaps(own, config.name if config else "")
    return (*own, *(one for one in _declared(PACKAGED) if one.level not in made_up))


def digest(known: Iterable[Boundaries]) -> str:
    """Changes with whatever is declared of them, and with every byte of their files."""
    return " ".join(one.digest for one in known)


def _declared(config: Path) -> Iterator[Boundaries]:
    table = entries.toml(config, config.name).get("boundaries", {})
    if not isinstance(table, dict):
        place = f"{config.name} [boundaries]"
        raise Refused(
            "one table a set", place, table, "write [boundaries.wards-2011], and below it"
        )
    for key, entry in table.items():
        yield _one(key, entry, f"{config.name} [boundaries.{key}]", config.parent)


def _one(key: str, entry: Any, place: str, beside: Path) -> Boundaries:
    entries.keys(place, entry, NEEDED | {"until"}, NEEDED)
    entries.one_of(place, "level", entry["level"], LEVELS)
    for name in ("file", "property", "attribution"):
        if not _is_text(entry[name]):
            raise Refused(f"{name} is a text", place, entry[name], f'write {name} = "…"')
    for name in ("from", "until"):
        if name in entry and type(entry[name]) is not date:
            raise Refused(f"{name} is a day", place, entry[name], f"write {name} = 2011-05-05")
    start, end = entry["from"], entry.get("until")
    if end and end < start:
        raise Refused("until lies before from", place, end, f"from is {start}: mend one of them")
    content = _content(beside / entry["file"], f"{place} file", entry["file"])
    document = _document(content, entry["file"])
    return Boundaries(
        key,
        entry["level"],
        entry["file"],
        entry["attribution"].strip(),
        start,
        end,
        document.get("synthetic") is True,
        hashlib.sha256(repr(sorted(entry.items())).encode() + content).hexdigest()[:16],
        _shapes(document, entry["file"], entry["property"]),
    )


def _is_text(value: object) -> bool:
    """Whether something can be written on a map."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _refuse_overlaps(own: Sequence[Boundaries], name: str) -> None:
    for level in LEVELS:
        ordered = sorted(
            (one for one in own if one.level == level), key=lambda one: (one.start, one.key)
        )
        for earlier, later in pairwise(ordered):
            if later.start <= earlier.last:
                rule = f"{earlier.key} is still in force then: two sets on one day"
                repair = f"end {earlier.key} on the day before, with until = …"
                place = f"{name} [boundaries.{later.key}] from"
                raise Refused(rule, place, later.start.isoformat(), repair)


# --- the file ------------------------------------------------------------------------------------


def _content(file: Path, place: str, name: str) -> bytes:
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            rule = f"larger than {MOST_BYTES // 1_000_000} MB"
            repair = "keep the areas of yours alone, and take generalised boundaries"
            raise Refused(rule, place, f"{name}: {size // 1_000_000} MB", repair)
        return file.read_bytes()
    except FileNotFoundError:
        raise Refused("no such file", place, name, "put it there, or mend the path") from None
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}", place, name) from None


def _document(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused("not GeoJSON: no JSON text", name, repair=AS_WGS84) from None
    if not isinstance(found, dict):
        found = {"type": type(found).__name__}
    if found.get("type") != "FeatureCollection" or not isinstance(found.get("features"), list):
        kind = found.get("type")
        repair = f"save the areas as a FeatureCollection; {AS_WGS84}"
        raise Refused("not GeoJSON of areas: no FeatureCollection", name, kind, repair)
    system = found.get("crs")
    if system is not None and not any(one in json.dumps(system) for one in WGS84):
        raise Refused("not in longitude and latitude", name, system, AS_WGS84)
    if not found["features"]:
        raise Refused("no area stands in it", name, repair="export the areas of yours")
    return dict(found)


def _no_number(word: str) -> float:
    raise ValueError(word)


def _shapes(document: Mapping[str, Any], name: str, wanted: str) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for number, feature in enumerate(document["features"], 1):
        place = f"{name}, feature {number}"
        code = _code(feature, place, wanted)
        if code in found:
            repair = "name each area once: join its parts to a MultiPolygon, keep your areas alone"
            raise Refused("an area that is there already", place, code, repair)
        found[code] = _shape(feature.get("geometry"), f"{place} ({code})")
    return found


def _code(feature: Any, place: str, wanted: str) -> str:
    told = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(told, dict) or wanted not in told:
        listed = ", ".join(sorted(told)) if isinstance(told, dict) else None
        repair = "name one of its properties with property = …"
        raise Refused(f"no property {wanted}", place, listed, repair)
    code = told[wanted]
    if not _is_text(code):
        repair = "name a property that holds names or codes"
        raise Refused(f"{wanted} is no text", place, code, repair)
    return str(code).strip()


def _shape(geometry: Any, place: str) -> Shape:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        repair = "export areas, neither lines nor points"
        raise Refused("not a Polygon or MultiPolygon", place, kind, repair)
    parts = geometry.get("coordinates")
    polygons = [parts] if kind == "Polygon" else parts
    if not _are_lists(polygons):
        raise Refused("not GeoJSON: no coordinates", place, repair=AS_WGS84)
    return tuple(tuple(_ring(ring, place) for ring in polygon) for polygon in polygons)


def _are_lists(polygons: Any) -> bool:
    """Whether there are polygons, and rings in each."""
    return (
        isinstance(polygons, list)
        and bool(polygons)
        and all(isinstance(one, list) and one for one in polygons)
    )


def _ring(ring: Any, place: str) -> Ring:
    if not isinstance(ring, list) or len(ring) < 4:
        many = len(ring) if isinstance(ring, list) else ring
        raise Refused("a ring has four positions or more", place, many, "mend the area")
    points = [_point(one, place) for one in ring]
    if points[0] != points[-1]:
        repair = "close each ring: its last position is its first"
        raise Refused("a ring that is not closed", place, list(points[-1]), repair)
    if len(set(points)) < 3:
        raise Refused("a ring that holds no area", place, list(points[0]), "mend the area")
    return _simplified(points)


def _point(position: Any, place: str) -> Point:
    if (
        not isinstance(position, list)
        or len(position) < 2
        or not all(type(one) in (int, float) for one in position[:2])
    ):
        raise Refused("a position is two numbers", place, position, AS_WGS84)
    east, north = position[:2]
    if not (_within(east, LONGITUDES) and _within(north, LATITUDES)):
        raise Refused(*_misplaced(east, north, place))
    return float(east), float(north)


def _within(number: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= number <= bounds[1]


def _misplaced(east: float, north: float, place: str) -> tuple[str, str, object, str]:
    """Rule, place, got and repair of a position that lies nowhere near."""
    got = [east, north]
    if _within(east, LATITUDES) and _within(north, LONGITUDES):
        return "latitude stands before longitude", place, got, "put longitude first"
    if max(abs(east), abs(north)) > 180 and _within(east, EASTINGS) and _within(north, NORTHINGS):
        return "looks like British National Grid", place, got, AS_WGS84
    return "no longitude and latitude of these islands", place, got, AS_WGS84


def _simplified(points: Sequence[Point]) -> Ring:
    """With so many decimals as a map can show, without what is then told twice; neighbours stay
    neighbours. What would vanish stays as it is."""
    rounded = [(round(east, DECIMALS), round(north, DECIMALS)) for east, north in points]
    kept = [rounded[0], *(one for before, one in pairwise(rounded) if one != before)]
    return tuple(kept if len(set(kept)) > 2 else points)
