"""Maps of the figures by ward and LSOA, where boundaries are declared for the whole year.

Belongs here: which map there is and why there is none, its classes, what it says, and whom it does
not show. Does not belong here: any figure (`patterns` offers those that an edition shows), how a
map looks (`cartography`), reading boundaries (`registry.boundaries`).

Classes hold about the same number of areas each, and their bounds are those of figures that are
shown: a hidden figure moves none, and its area has no class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from safecity_pipeline import period, phrases
from safecity_pipeline.publish.patterns import LSOA, WARD, Part, Pattern
from safecity_pipeline.publish.report import cartography, words
from safecity_pipeline.publish.report.cartography import Area, Band, Map
from safecity_pipeline.publish.report.figures import Figures
from safecity_pipeline.publish.report.pictures import Picture, Table, sources
from safecity_pipeline.publish.report.words import Cell
from safecity_pipeline.registry.boundaries import Boundaries, Shape
from safecity_pipeline.sentences import listed, rounded, written

LEVELS = {WARD: "ward", LSOA: "lsoa"}
NAMES = {WARD: ("ward", "wards"), LSOA: ("LSOA", "LSOAs")}
MANY = 15  # areas, from which on there are five classes and not four
HIGHEST = 5  # places that the text tells
AT_MOST = 10  # names in a row
HIDDEN = "not shown, to protect small numbers"
NUMBERS = (
    "The map shows numbers and not rates: an area may have more because it is larger, or because "
    "more people are about in it."
)


@dataclass(frozen=True)
class Class:
    """Areas of a map that are drawn alike: `least` and `most` are figures that some of them have;
    `size`: how many."""

    least: float
    most: float
    size: int


def of(known: Figures, patterns: Sequence[Pattern]) -> tuple[list[Picture], list[str]]:
    """The maps of all patterns by ward or LSOA, and why there is none where there could be one."""
    maps, reasons = [], dict[str, None]()
    for one in patterns:
        if one.kind not in LEVELS or not any(part.count is not None for part in one.parts):
            continue
        found = chosen(known, one)
        if isinstance(found, Boundaries):
            maps.append(_map(known, one, found))
        elif found:
            reasons[found] = None
    return maps, list(reasons)


# --- boundaries ----------------------------------------------------------------------------------


def chosen(known: Figures, pattern: Pattern) -> Boundaries | str:
    """The boundaries that are in force during the whole period; else why there is no map, in words;
    empty where none are declared."""
    synthetic = bool(known.edition.facts["synthetic"])
    level = LEVELS[pattern.kind]
    declared = sorted(
        (
            one
            for one in known.edition.registry.boundaries
            if one.level == level and one.synthetic == synthetic
        ),
        key=lambda one: one.start,
    )
    if not declared:
        return ""
    within = period.parse(pattern.period)
    if why := _not_one(declared, within, NAMES[pattern.kind][0]):
        return why
    (found,) = (one for one in declared if one.holds(within))
    if not any(part.member in found.shapes for part in pattern.parts):
        several = NAMES[pattern.kind][1]
        what = f"{phrases.title(known.indicator(pattern.indicator))} by {NAMES[pattern.kind][0]}"
        return (
            f"There is no map of {what}: none of the {several} of the figures is among the "
            f"boundaries in force in {within.printed}."
        )
    return found


def _not_one(declared: Sequence[Boundaries], within: period.Period, name: str) -> str:
    """Why no set holds for a whole period; empty where one does."""
    met = [one for one in declared if one.meets(within)]
    if any(one.holds(within) for one in met):
        return ""
    none = f"There is no map by {name}"
    if not met:
        return f"{none}: no {name} boundaries are declared for {within.printed}."
    if len(met) > 1:
        days = listed(written(one.start) for one in met[1:])
        return f"{none}: {name} boundaries changed within {within.printed}, on {days}."
    (only,) = met
    if only.start > within.start:
        return f"{none}: {name} boundaries are declared from {written(only.start)} on alone."
    day = only.last + timedelta(days=1)
    return f"{none}: no {name} boundaries are declared from {written(day)} on."


# --- one map -------------------------------------------------------------------------------------


def _map(known: Figures, pattern: Pattern, boundaries: Boundaries) -> Picture:
    key, kind = pattern.indicator, pattern.kind
    indicator, when = known.indicator(key), words.printed(pattern.period)
    title = f"{words.title(indicator)}, {known.name}, {when}, by {NAMES[kind][0]}"
    placed = {one.member: one for one in pattern.parts if one.member in boundaries.shapes}
    found = classes([one.count for one in placed.values() if one.count is not None])
    bands = _bands(found, placed, boundaries, NAMES[kind])
    areas = tuple(
        _area(bands, placed.get(code), code, shape, kind)
        for code, shape in sorted(boundaries.shapes.items())
    )
    unit, several = phrases.capital(indicator.unit), NAMES[kind][1]
    head = f"{unit}, in classes of about as many {several} each (quantiles)"
    credit = f"Boundaries: {boundaries.attribution}"
    return Picture(
        f"map-{LEVELS[kind]}-{key}",
        title,
        _says(pattern, indicator.unit),
        Map(areas, tuple(band for _, band in bands), head, credit),
        _table(pattern, title, indicator.unit) if kind == LSOA else Table(title, (), ()),
        (NUMBERS, *_missing(pattern, boundaries), _credit(boundaries, NAMES[kind][1])),
        sources(known, key, pattern.period, known.years(key)),
        key,
        long=kind == LSOA,
    )


def classes(values: Sequence[float]) -> list[Class]:
    """Classes of about as many values each, from the least; those that tie share one."""
    ordered, most = sorted(values), 5 if len(values) >= MANY else 4
    ends = dict.fromkeys(
        ordered[-(-len(ordered) * step // most) - 1] for step in range(1, most + 1)
    )
    found, begun = [], 0
    for end in ends:
        members = [one for one in ordered[begun:] if one <= end]
        if members:
            found.append(Class(members[0], end, len(members)))
        begun += len(members)
    return found


Bands = list[tuple[Class | None, Band]]
"""Each with its class; of those without one the first is hidden, the other has no figure."""


def _bands(
    found: Sequence[Class],
    placed: Mapping[str, Part],
    boundaries: Boundaries,
    names: tuple[str, str],
) -> Bands:
    colours = cartography.colours(len(found))
    shown: Bands = [
        (one, Band(f"{_range(one)} ({_many(one.size, names)})", colour))
        for one, colour in zip(found, colours, strict=True)
    ]
    hidden = sum(one.count is None for one in placed.values())
    without = len(boundaries.shapes) - len(placed)
    if hidden:
        says = f"{words.SUPPRESSED} {HIDDEN} ({_many(hidden, names)})"
        shown.append((None, Band(says, cartography.HATCHED)))
    if without:
        says = f"{words.MISSING} no figure ({_many(without, names)})"
        shown.append((None, Band(says, cartography.DOTTED)))
    return shown


def _area(bands: Bands, part: Part | None, code: str, shape: Shape, kind: str) -> Area:
    """An area with its class, or with what it has instead. On a ward stands its name, where that
    has room, and its figure."""
    figure = _figure(part)
    names = (f"{code}\n{figure}", figure) if kind == WARD else ()
    return Area(shape, _band(bands, part), f"{code}: {figure}", names)


def _figure(part: Part | None) -> str:
    if part is None:
        return words.MISSING
    return words.SUPPRESSED if part.count is None else _number(part.count)


def _band(bands: Bands, part: Part | None) -> Band:
    if part is None or part.count is None:
        wanted = cartography.DOTTED if part is None else cartography.HATCHED
        return next(band for _, band in bands if band.fill == wanted)
    return next(band for one, band in bands if one and one.least <= part.count <= one.most)


def _range(one: Class) -> str:
    if one.least == one.most:
        return _number(one.least)
    return f"{_number(one.least)} to {_number(one.most)}"


# --- in words ------------------------------------------------------------------------------------


def _says(pattern: Pattern, unit: str) -> str:
    """Who has most, the highest places, who has fewest, and how many are not shown."""
    names, shown = NAMES[pattern.kind], [one for one in pattern.parts if one.count is not None]
    whole = sum(one.count or 0 for one in shown)
    first = [one for one in shown if one.place == 1]
    high = [one for one in shown if one.place and one.place <= HIGHEST]
    least = min(one.count or 0 for one in shown)
    fewest = [one.member for one in shown if one.count == least]
    hidden = len(pattern.parts) - len(shown)
    each = [f"{one.member} ({_number(one.count or 0)})" for one in high]
    told = [
        f"{_listed([one.member for one in first])} {'has' if len(first) == 1 else 'have each'} the "
        f"most, {_number(first[0].count or 0)} of {_number(whole)} {unit} in {len(shown)} "
        f"{names[len(shown) > 1]}.",
        f"The highest are {_listed(each)}.",
        f"Fewest: {_listed(fewest)} ({_number(least)}).",
    ]
    if hidden:
        told.append(f"{_many(hidden, names)} {'is' if hidden == 1 else 'are'} {HIDDEN}.")
    return " ".join(told)


def _missing(pattern: Pattern, boundaries: Boundaries) -> Iterator[str]:
    """Areas that only the figures have, or only the map."""
    names = NAMES[pattern.kind]
    members = [one.member for one in pattern.parts]
    off = [one for one in members if one not in boundaries.shapes]
    if off:
        verb = "is" if len(off) == 1 else "are"
        yield f"{_many(len(off), names)} of the figures {verb} not on this map: {_listed(off)}."
    empty = sorted(set(boundaries.shapes) - set(members))
    if empty:
        verb = "has" if len(empty) == 1 else "have"
        yield f"{_many(len(empty), names)} of this map {verb} no figure: {_listed(empty)}."


def _credit(boundaries: Boundaries, several: str) -> str:
    until = f" to {written(boundaries.end)}" if boundaries.end else ""
    name = boundaries.file.replace("\\", "/").rpartition("/")[2]
    return (
        f"Boundaries of {several} in force from {written(boundaries.start)}{until} ({name}, "
        f"{boundaries.digest[:12]}). {boundaries.attribution}"
    )


def _table(pattern: Pattern, title: str, unit: str) -> Table:
    """Each area with its figure, as the map has them."""
    rows = tuple(
        (
            Cell(one.member),
            words.nothing(words.SUPPRESSED, HIDDEN)
            if one.count is None
            else Cell(_number(one.count), one.count),
            Cell(str(one.place or "")),
        )
        for one in pattern.parts
    )
    return Table(title, (NAMES[pattern.kind][0], phrases.capital(unit), "Place"), rows)


def _number(count: float) -> str:
    return rounded(count, 0)


def _many(count: int, names: tuple[str, str]) -> str:
    return f"{count} {names[count != 1]}"


def _listed(names: Sequence[str]) -> str:
    """Names in a row; of many the first, and how many more there are."""
    if len(names) <= AT_MOST:
        return listed(names)
    return listed([*names[:AT_MOST], f"{len(names) - AT_MOST} more"])
