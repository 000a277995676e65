"""How a map looks: areas by class, those without a class, and whose boundaries they are.

Belongs here: projection, where a name fits, and the picture itself. Does not belong here: which
areas have which class, and what is said of them (`maps`).

It is written as it stands, and not by Vega: for paths and a few words that takes a tenth of a
second each, and knows neither a pattern nor an area's name under the mouse. A city is flat:
longitude is scaled by the cosine of the middle latitude, so that no order of the points in a ring
matters. Classes go from pale to strong, on a dark screen from dark to bright, and are told apart
without hue; what has no class is hatched or dotted.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise, product

from safecity_pipeline.publish.report.drawing import (
    BREAK,
    CLASSES,
    FONT,
    INK,
    PAPER,
    QUIET,
    TEXT,
    TITLE,
    WIDTH,
)
from safecity_pipeline.registry.boundaries import Ring, Shape

HATCHED, DOTTED = "hatched", "dotted"
PATTERNS = {
    HATCHED: f'<path d="M0 7L7 0M-1 1L1 -1M6 8L8 6" stroke="{QUIET}" stroke-width="1.2"/>',
    DOTTED: f'<circle cx="3.5" cy="3.5" r="1" fill="{QUIET}"/>',
}
PATTERN = 7
"""Pixels, after which it begins again."""

HIGHEST = 400
LEAST = 10**-4
"""Degrees: of a map that is but a line."""
MARGIN = 5
NAME, LINE, LETTER = 11, 13, 6.0
"""Of what is written on areas, in pixels: its size, the height of a line, the width of a letter."""
OF_A_CREDIT = 74
"""Letters of a line."""
ROW, SWATCH = 20, 14
ACROSS = 16
"""Lines across an area, less one, on which the place for its name is sought."""


@dataclass(frozen=True)
class Band:
    """Areas that are drawn alike. `says`: its line in the legend; `fill`: a colour, or the name of
    a pattern."""

    says: str
    fill: str

    @property
    def paint(self) -> str:
        return f"url(#{self.fill})" if self.fill in PATTERNS else self.fill

    @property
    def ink(self) -> str:
        return PAPER if self.fill == CLASSES[-1] else INK


@dataclass(frozen=True)
class Area:
    """An area as it is drawn. `says`: under the mouse; `names`: what may be written on it, in
    lines; the first that fits is."""

    shape: Shape
    band: Band
    says: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Map:
    """`bands`: in the order of the legend, whose head is `head`; `credit`: whose boundaries they
    are, below the map wherever it is pasted."""

    areas: tuple[Area, ...]
    bands: tuple[Band, ...]
    head: str
    credit: str

    def svg(self, title: Sequence[str], warning: str) -> str:
        """The picture, from top to bottom."""
        page = _Page()
        for line in title:
            page.line(line, TITLE, 17, ' font-weight="bold"')
        if warning:
            page.line(warning, TEXT, 17, colour=BREAK)
        page.line(self.head, TEXT, 22)
        page.legend(self.bands)
        page.areas(self.areas)
        for line in textwrap.wrap(self.credit, OF_A_CREDIT):
            page.line(line, NAME, 14, colour=QUIET)
        return page.whole()


def colours(many: int) -> tuple[str, ...]:
    """Those of so many classes, from the fewest, as far apart as they can be."""
    last = len(CLASSES) - 1
    if many < 2:
        return CLASSES[:many]
    return tuple(CLASSES[round(one * last / (many - 1))] for one in range(many))


# --- the picture ---------------------------------------------------------------------------------


class _Page:
    """What is drawn so far, and how far down that reaches."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._down = float(MARGIN)

    def line(self, words: str, size: int, height: int, more: str = "", colour: str = INK) -> None:
        self._down += height
        self._parts.append(_text(words, MARGIN, self._down - 4, size, colour, more))

    def legend(self, bands: Sequence[Band]) -> None:
        """The classes in two columns, whatever is none in a line of its own below."""
        of_class = [one for one in bands if one.fill not in PATTERNS]
        half = -(-len(of_class) // 2)
        for at, one in enumerate(of_class):
            column, row = divmod(at, half)
            self._swatch(one, MARGIN + column * WIDTH / 2, self._down + row * ROW)
        self._down += half * ROW
        for one in bands:
            if one not in of_class:
                self._swatch(one, MARGIN, self._down)
                self._down += ROW

    def _swatch(self, band: Band, x: float, y: float) -> None:
        side = f'width="{SWATCH}" height="{SWATCH}"'
        drawn = f'<rect x="{_short(x)}" y="{_short(y + 3)}" {side} fill="{band.paint}"'
        self._parts.append(f'{drawn} stroke="{INK}"/>')
        self._parts.append(_text(band.says, x + SWATCH + 6, y + SWATCH, TEXT, INK))

    def areas(self, areas: Sequence[Area]) -> None:
        flat, height = _flat([one.shape for one in areas])
        drawn = [
            f'<path d="{_path(shape)}" fill="{one.band.paint}"><title>{escape(one.says)}</title>'
            "</path>"
            for one, shape in zip(areas, flat, strict=True)
        ]
        named = [part for one, shape in zip(areas, flat, strict=True) for part in _name(one, shape)]
        down = _short(self._down + 2 * MARGIN)
        outlined = f'stroke="{INK}" stroke-width="0.8" stroke-linejoin="round"'
        self._parts += [
            f'<g transform="translate({MARGIN},{down})">',
            f'<g {outlined} fill-rule="evenodd">{"".join(drawn)}</g>',
            f'<g text-anchor="middle">{"".join(named)}</g></g>',
        ]
        self._down += height + 3 * MARGIN

    def whole(self) -> str:
        wide, high = WIDTH + 2 * MARGIN, math.ceil(self._down) + MARGIN
        size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
        patterns = "".join(
            f'<pattern id="{name}" width="{PATTERN}" height="{PATTERN}" '
            f'patternUnits="userSpaceOnUse"><rect width="{PATTERN}" height="{PATTERN}" '
            f'fill="white"/>{marks}</pattern>'
            for name, marks in PATTERNS.items()
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" class="marks" {size}>'
            f'<defs>{patterns}</defs><rect width="{wide}" height="{high}" fill="white"/>'
            f'<g font-family="{FONT}">{"".join(self._parts)}</g></svg>'
        )


def _text(words: str, x: float, y: float, size: int, colour: str, more: str = "") -> str:
    at = f'x="{_short(x)}" y="{_short(y)}" font-size="{size}px" fill="{colour}"{more}'
    return f"<text {at}>{escape(words)}</text>"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _path(shape: Shape) -> str:
    return "".join(
        f"M{'L'.join(f'{_short(x)},{_short(y)}' for x, y in ring[:-1])}Z"
        for polygon in shape
        for ring in polygon
    )


# --- from degrees to pixels ----------------------------------------------------------------------


def _flat(shapes: Sequence[Shape]) -> tuple[list[Shape], float]:
    """The shapes in pixels from the north-western corner, and how high they are together."""
    points = [point for shape in shapes for polygon in shape for point in polygon[0]]
    west, east = (end(one for one, _ in points) for end in (min, max))
    south, north = (end(one for _, one in points) for end in (min, max))
    narrow = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * narrow, LEAST), max(north - south, LEAST)
    scale = min(WIDTH / wide, HIGHEST / high)
    aside = (WIDTH - wide * scale) / 2

    def placed(ring: Ring) -> Ring:
        return tuple((aside + (x - west) * narrow * scale, (north - y) * scale) for x, y in ring)

    found = [tuple(tuple(placed(ring) for ring in polygon) for polygon in one) for one in shapes]
    return found, high * scale


# --- names ---------------------------------------------------------------------------------------


def _name(area: Area, shape: Shape) -> Iterator[str]:
    """The first of its names that fits where the area has most room, line by line; none where none
    does."""
    if not area.names:
        return
    x, y, wide, high = _room(max(shape, key=lambda one: abs(_size(one[0]))))
    for name in area.names:
        fitting = textwrap.TextWrapper(max(int(wide / LETTER), 1), break_long_words=False)
        lines = [line for each in name.split("\n") for line in fitting.wrap(each)]
        if max(map(len, lines)) * LETTER <= wide and len(lines) * LINE <= high:
            high = len(lines) * LINE
            if area.band.fill in PATTERNS:
                yield _paper(x, y, max(map(len, lines)) * LETTER, high)
            first = y - (high - LINE) / 2 + NAME * 0.35
            for number, line in enumerate(lines):
                yield _text(line, x, first + number * LINE, NAME, area.band.ink)
            return


def _paper(x: float, y: float, wide: float, high: float) -> str:
    """What a name stands on where a pattern would run through it."""
    at = f'x="{_short(x - wide / 2)}" y="{_short(y - high / 2)}"'
    return f'<rect {at} width="{_short(wide)}" height="{_short(high)}" fill="{PAPER}"/>'


def _size(ring: Ring) -> float:
    return sum(x * below - left * y for (x, y), (left, below) in pairwise(ring)) / 2


def _room(polygon: Sequence[Ring]) -> tuple[float, float, float, float]:
    """Where a name has most room in a polygon: its middle, and how wide and high the room is."""
    ys = [y for _, y in polygon[0]]
    top, bottom = min(ys), max(ys)
    best = (0.0, 0.0, 0.0, 0.0)
    for step in range(1, ACROSS):
        y = top + (bottom - top) * step / ACROSS
        high = 2 * min(y - top, bottom - y)
        for left, right in _free(polygon, y):
            if (right - left) * high > best[2] * best[3]:
                best = ((left + right) / 2, y, right - left, high)
    return best


def _free(polygon: Sequence[Ring], y: float) -> Iterator[tuple[float, float]]:
    """The stretches in which two lines of words have room, one above and one below."""
    for ends in product(*(list(_inside(polygon, y + by)) for by in (-LINE, 0, LINE))):
        left, right = max(one for one, _ in ends), min(one for _, one in ends)
        if left < right:
            yield left, right


def _inside(polygon: Sequence[Ring], y: float) -> Iterator[tuple[float, float]]:
    """The stretches of a line from west to east that lie in a polygon, out of its holes."""
    crossed = sorted(
        before[0] + (y - before[1]) * (after[0] - before[0]) / (after[1] - before[1])
        for ring in polygon
        for before, after in pairwise(ring)
        if (before[1] <= y) != (after[1] <= y)
    )
    yield from zip(crossed[::2], crossed[1::2], strict=False)
