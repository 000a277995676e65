"""Made-up boundaries of the sample's wards and LSOAs: a city of crooked blocks, as GeoJSON.

Here: where the wards and LSOAs of the force's exports would lie, drawn by chance from a seed. A
ward is the nine LSOAs that it consists of, so that both kinds fit. The pipeline is packaged with
what `python -m safecity_pipeline.sample.boundaries FOLDER` writes, and uses it for made-up figures
alone. Not here: how many crimes there are (`city`), and any real boundary.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from safecity_pipeline.sample import crime_scenes
from safecity_pipeline.sample.delivery import stream

SEED = 2014
NOTE = "Made up: no such place exists. Drawn by chance for the synthetic sample."
_STREAM = 64
_SIDE = 3  # LSOAs of a ward from west to east, and from south to north
_WARDS_IN_A_ROW = 4
_CELLS = _SIDE * _WARDS_IN_A_ROW
_MIDDLE, _SIZE = (-1.40, 50.91), (0.145, 0.085)  # degrees, all of them
_CORNER, _BEND = 0.24, 0.12  # of a cell, how far chance moves a corner, and the middle of an edge
# From the north-west: those with most crime lie about the middle of the shore in the south.
_PLACED = (
    *("Heathrise", "Uplands", "Brickfields", "Sandpit"),
    *("Long Meadow", "Church Field", "Northgate", "Fairmead"),
    *("Mill Brook", "Old Common", "Castle", "Priory Park"),
    *("Westmarsh", "Harbour View", "Quayside", "Ferry"),
)

Corner = tuple[int, int]
Point = tuple[float, float]


def layers(seed: int = SEED) -> dict[str, str]:
    """File → GeoJSON of the wards, and of the LSOAs."""
    of_wards = [
        (f"E0590{number:04d}", ward, _square(_corner(ward), _SIDE))
        for number, ward in enumerate(_PLACED, 1)
    ]
    of_lsoas = [(lsoa, ward, _square(corner, 1)) for lsoa, ward, corner in _lsoas()]
    return {"wards.geojson": _layer(seed, of_wards), "lsoas.geojson": _layer(seed, of_lsoas)}


def _corner(ward: str) -> Corner:
    """The north-western corner of a ward, in cells."""
    row, column = divmod(_PLACED.index(ward), _WARDS_IN_A_ROW)
    return column * _SIDE, row * _SIDE


def _lsoas() -> Iterator[tuple[str, str, Corner]]:
    """Each LSOA with its ward and its corner, the first of a ward in the north-west of it."""
    turns = dict.fromkeys(_PLACED, 0)
    for cell in crime_scenes.SPOTS["Southampton"].cells:
        _, ward, _, lsoa = cell.split(",")
        down, across = divmod(turns[ward], _SIDE)
        turns[ward] += 1
        west, north = _corner(ward)
        yield lsoa, ward, (west + across, north + down)


def _square(corner: Corner, side: int) -> list[Corner]:
    """The corners around a block of cells, anticlockwise from the north-west, closed."""
    west, north = corner
    east, south = west + side, north + side
    down = [(west, at) for at in range(north, south)]
    along = [(at, south) for at in range(west, east)]
    up = [(east, at) for at in range(south, north, -1)]
    back = [(at, north) for at in range(east, west, -1)]
    return [*down, *along, *up, *back, corner]


def _layer(seed: int, areas: Sequence[tuple[str, str, list[Corner]]]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "ward": ward},
            "geometry": {"type": "Polygon", "coordinates": [_ring(seed, corners)]},
        }
        for code, ward, corners in areas
    ]
    told = ",\n".join(json.dumps(one) for one in features)
    head = f'"type": "FeatureCollection", "synthetic": true, "note": {json.dumps(NOTE)}'
    return f'{{{head}, "features": [\n{told}\n]}}\n'


def _ring(seed: int, corners: Sequence[Corner]) -> list[Point]:
    """The corners with the middle of each edge, which is the same from both of its sides."""
    points = []
    for one, other in pairwise(corners):
        points += [_place(seed, one), _bend(seed, *sorted((one, other)))]
    return [*points, _place(seed, corners[0])]


@cache
def _chances(seed: int) -> list[list[list[float]]]:
    """By column and row: draws for a corner and for the edges to the east and to the south."""
    size = _CELLS + 1
    draws: list[list[list[float]]] = stream(seed, _STREAM).random((size, size, 6)).tolist()
    return draws


def _place(seed: int, corner: Corner) -> Point:
    column, row = corner
    east, south = (_CORNER * (2 * one - 1) for one in _chances(seed)[column][row][:2])
    return _on_earth(column + east, row + south)


def _bend(seed: int, first: Corner, second: Corner) -> Point:
    """A point about halfway between two corners, of which the first is the western or northern."""
    column, row = first
    to_the_east, to_the_south = slice(2, 4), slice(4, 6)
    draws = _chances(seed)[column][row][to_the_east if row == second[1] else to_the_south]
    (west, north), (east, south) = _place(seed, first), _place(seed, second)
    moved = [_BEND * (2 * one - 1) / _CELLS * size for one, size in zip(draws, _SIZE, strict=True)]
    return round((west + east) / 2 + moved[0], 4), round((north + south) / 2 + moved[1], 4)


def _on_earth(column: float, row: float) -> Point:
    """Degrees of a place in cells: the city is narrower in the south, and its shore is a bay."""
    across, down = column / _CELLS - 0.5, row / _CELLS
    narrower = 1 - 0.35 * down * down
    bay = 0.9 * down * (0.25 - across * across)
    return (
        round(_MIDDLE[0] + _SIZE[0] * across * narrower, 4),
        round(_MIDDLE[1] + _SIZE[1] * (0.5 - down * 0.85 - bay * 0.5), 4),
    )


def write(folder: Path) -> None:
    for name, text in layers().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
