"""The areas and forces of the sample: real names and codes, invented sizes.

Here: the local authorities, the police forces, and how large each is in the sample; and the rest of
England (`elsewhere.csv`), of which the sample has residents and what its forces record. Names and
codes are public geography, so that the sample meets the same area registry as real extracts do.
Not here: any figure that was published about them. Populations are round inventions, and LSOA
codes begin at 900000, where no real one lies.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Force:
    """A police force: its part of a file's name, its names with two suppliers, its people.

    `population` is invented, in persons.
    """

    slug: str
    street_name: str
    recorded_name: str
    population: int
    own_files: bool = True


@dataclass(frozen=True)
class Place:
    """A local authority district.

    `population` is the invented one of mid-2011, in persons; `street_rows` the mean number of
    street-level rows a month, 0 where the sample has none; `longitude` and `latitude` its middle
    in millionths of a degree; `lsoa_stem` what its LSOA names begin with.
    """

    code: str
    name: str
    country: str
    population: int
    peer: bool = False
    force: str = ""
    street_rows: int = 0
    longitude: int = 0
    latitude: int = 0
    lsoa_stem: str = ""


FORCES = (
    Force("hampshire", "Hampshire Constabulary", "Hampshire", 1_910_000),
    Force("avon-and-somerset", "Avon and Somerset Constabulary", "Avon and Somerset", 1_620_000),
    Force("sussex", "Sussex Police", "Sussex", 1_630_000),
    Force("south-yorkshire", "South Yorkshire Police", "South Yorkshire", 1_350_000),
    Force("derbyshire", "Derbyshire Constabulary", "Derbyshire", 1_020_000),
    Force("thames-valley", "Thames Valley Police", "Thames Valley", 2_290_000),
    Force(
        "northamptonshire", "Northamptonshire Police", "Northamptonshire", 700_000, own_files=False
    ),
)


def _street(
    code: str,
    name: str,
    population: int,
    force: str,
    rows: int,
    middle: tuple[int, int],
    *,
    peer: bool = True,
    stem: str = "",
) -> Place:
    return Place(code, name, "E", population, peer, force, rows, *middle, stem or name)


PLACES = (
    _street("E06000045", "Southampton", 236_000, "hampshire", 60, (-1_400_000, 50_910_000)),
    _street(
        "E06000023",
        "Bristol, City of",
        427_000,
        "avon-and-somerset",
        65,
        (-2_590_000, 51_460_000),
        stem="Bristol",
    ),
    _street("E06000043", "Brighton and Hove", 273_000, "sussex", 45, (-140_000, 50_830_000)),
    _street("E07000061", "Eastbourne", 99_000, "sussex", 21, (280_000, 50_780_000)),
    _street("E08000019", "Sheffield", 552_000, "south-yorkshire", 66, (-1_460_000, 53_385_000)),
    _street("E06000015", "Derby", 249_000, "derbyshire", 64, (-1_470_000, 52_915_000)),
    _street("E06000038", "Reading", 156_000, "thames-valley", 35, (-975_000, 51_455_000)),
    _street("E06000039", "Slough", 141_000, "thames-valley", 31, (-595_000, 51_510_000)),
    _street("E07000154", "Northampton", 212_000, "northamptonshire", 44, (-890_000, 52_240_000)),
    Place("E06000032", "Luton", "E", 204_000, peer=True),
    Place("E06000033", "Southend-on-Sea", "E", 174_000, peer=True),
    Place("E07000103", "Watford", "E", 91_000, peer=True),
    Place("E09000017", "Hillingdon", "E", 275_000, peer=True),
    Place("E09000018", "Hounslow", "E", 255_000, peer=True),
    Place("W06000015", "Cardiff", "W", 345_000, peer=True),
    _street(
        "E06000044", "Portsmouth", 205_000, "hampshire", 5, (-1_080_000, 50_805_000), peer=False
    ),
    _street(
        "E07000086", "Eastleigh", 126_000, "hampshire", 4, (-1_350_000, 50_965_000), peer=False
    ),
    Place("E06000025", "South Gloucestershire", "E", 263_000),
    Place("E07000063", "Lewes", "E", 98_000),
    Place("E08000018", "Rotherham", "E", 258_000),
    Place("E07000032", "Amber Valley", "E", 122_000),
    Place("E06000041", "Wokingham", "E", 155_000),
    Place("E07000087", "Fareham", "E", 112_000),
    Place("E07000091", "New Forest", "E", 177_000),
    Place("E07000093", "Test Valley", "E", 117_000),
    Place("E07000094", "Winchester", "E", 117_000),
    Place("E06000016", "Leicester", "E", 330_000),
    Place("S12000049", "Glasgow City", "S", 593_000),
    Place("N09000003", "Belfast", "N", 334_000),
)

PEERS = tuple(place for place in PLACES if place.peer)

FORCE_OF = {
    "Luton": "Bedfordshire",
    "Southend-on-Sea": "Essex",
    "Watford": "Hertfordshire",
    "Hillingdon": "Metropolitan Police",
    "Hounslow": "Metropolitan Police",
    "Cardiff": "South Wales",
    "Leicester": "Leicestershire",
}
"""The force of places whose force has no street-level files, as the Home Office names it."""


@cache
def elsewhere() -> tuple[Place, ...]:
    """The other authorities of England; `force` as the Home Office names it."""
    return tuple(
        Place(row["code"], row["name"], "E", int(row["population"]), force=row["force"])
        for row in _rows()
    )


@cache
def other_forces() -> tuple[Force, ...]:
    """The other forces of England, each as large as its authorities together."""
    people = Counter[str]()
    for place in elsewhere():
        people[place.force] += place.population
    for place in PLACES:
        people[FORCE_OF.get(place.name, "")] += place.population
    own = {force.recorded_name for force in FORCES}
    return tuple(
        Force("", "", name, people[name], own_files=False)
        for name in sorted({place.force for place in elsewhere()} - own)
    )


def _rows() -> list[dict[str, str]]:
    with (Path(__file__).parent / "elsewhere.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
