"""Seeded street-level extracts for benchmarks: many monthly files of one shape.

    python benchmarks/generate_street.py FOLDER [--rows 5000000] [--files 60] [--seed 1]

Each file is one force's month as data.police.uk publishes it (12 columns, CRLF), with half a per
cent of bad rows in seven ways. Everything in it is made up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
FORCE = "Hampshire Constabulary"
AREAS = ("Southampton", "Portsmouth", "Eastleigh", "Fareham", "Gosport", "Havant", "New Forest")
TYPES = (
    ("Anti-social behaviour", 0.38),
    ("Violence and sexual offences", 0.15),
    ("Criminal damage and arson", 0.09),
    ("Other theft", 0.09),
    ("Shoplifting", 0.07),
    ("Burglary", 0.07),
    ("Vehicle crime", 0.06),
    ("Public order", 0.03),
    ("Drugs", 0.03),
    ("Bicycle theft", 0.02),
    ("Robbery", 0.01),
)
OUTCOMES = (
    "Investigation complete; no suspect identified",
    "Unable to prosecute suspect",
    "Under investigation",
    "Awaiting court outcome",
    "Local resolution",
)
POINTS, PLACES = 29_610, 1_123
BAD_SHARE = 0.005


def months(count: int) -> list[str]:
    """`count` months from January 2012."""
    return [f"{2012 + index // 12}-{index % 12 + 1:02}" for index in range(count)]


def spoil(line: str, way: int) -> str:
    """One of seven faults: in type, month, latitude (range, text), reference, area, cell count."""
    cells = line.split(",")
    if way == 0:
        cells[9] = "Burgling"
    elif way == 1:
        cells[1] = "2014-13"
    elif way == 2:
        cells[5] = "91.5"
    elif way == 3:
        cells[5] = "north"
    elif way == 4:
        cells[0] = "not-a-reference"
    elif way == 5:
        cells[7] = "X01000000"
    else:
        cells.append("one too many")
    return ",".join(cells)


def lines(generator: np.random.Generator, month: str, count: int) -> list[str]:
    """The rows of one file, without its head."""
    shares = np.array([share for _, share in TYPES])
    kinds = generator.choice(len(TYPES), size=count, p=shares / shares.sum())
    points = generator.integers(0, POINTS, size=count)
    outcomes = generator.integers(0, len(OUTCOMES), size=count)
    references = generator.bytes(32 * count).hex()
    bad = generator.random(count) < BAD_SHARE
    ways = generator.integers(0, 7, size=count)
    made = []
    for row in range(count):
        point = int(points[row])
        place = point % PLACES
        asb = kinds[row] == 0
        line = (
            f"{'' if asb else references[64 * row : 64 * row + 64]},{month},{FORCE},{FORCE},"
            f"{-1.5 + point % 200 / 400:.6f},{50.8 + point // 200 / 400:.6f},"
            f"On or near Made-up Street {point},E01{900_000 + place:06},"
            f"{AREAS[place % len(AREAS)]} {place // 7 + 1:03}A,{TYPES[kinds[row]][0]},"
            f"{'' if asb else OUTCOMES[outcomes[row]]},"
        )
        made.append(spoil(line, int(ways[row])) if bad[row] else line)
    return made


def write(folder: Path, rows: int, files: int, seed: int) -> None:
    """Write `files` files with `rows` rows together."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.Generator(np.random.PCG64(seed))
    for month in months(files):
        made = lines(generator, month, rows // files)
        text = "\r\n".join([HEAD, *made, ""])
        (folder / f"synthetic-{month}-hampshire-street.csv").write_bytes(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.folder, given.rows, given.files, given.seed)


if __name__ == "__main__":
    main()
