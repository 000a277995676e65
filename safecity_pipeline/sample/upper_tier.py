"""England, its regions and some upper-tier authorities, with invented numbers of children.

Here: the areas that tables of youth justice, looked-after children and health print, how each is
made up, and counts drawn so that a region is the sum of its parts and England that of its regions.
Not here: districts and forces (`places`), and what is counted. Names, codes and numbers of areas
are public; numbers of children are round inventions of about the size that such areas have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from safecity_pipeline.sample.delivery import stream

COUNTRY, REGION, HALF, AUTHORITY = "country", "region", "half", "authority"
ENGLAND = "England"
_LEVEL_STREAM, _YEAR_STREAM = 40, 41
_HIGH = 1.2  # the assessment finds Southampton among the highest of its peers


@dataclass(frozen=True)
class Leaf:
    """An authority, or what is left of a region (without a name, and never printed).

    `children` are those aged 10 to 17, `looked_after` those looked after for twelve months or
    more; both invented, in persons. `half` is Inner or Outer London.
    """

    region: str
    children: int
    looked_after: int
    name: str = ""
    code: str = ""
    dfe_number: str = ""
    half: str = ""


@dataclass(frozen=True)
class Area:
    """An area that tables print; `leaves` are the places in LEAVES of what it is made up of."""

    name: str
    code: str
    dfe_number: str
    level: str
    region: str
    leaves: tuple[int, ...]

    def total(self, counts: Sequence[int]) -> int:
        """Add up what was counted, one number for each of LEAVES."""
        return sum(counts[leaf] for leaf in self.leaves)


INNER, OUTER = "Inner London", "Outer London"
# Name, code, number at the Department for Education; children of the whole, in thousands, and
# looked-after children.
_REGIONS = (
    ("North East", "E12000001", "980", 230, 2_900),
    ("North West", "E12000002", "981", 660, 8_400),
    ("Yorkshire and the Humber", "E12000003", "982", 490, 5_300),
    ("East Midlands", "E12000004", "983", 420, 3_300),
    ("West Midlands", "E12000005", "984", 540, 6_300),
    ("East of England", "E12000006", "985", 550, 4_400),
    ("London", "E12000007", "986", 750, 6_700),
    ("South East", "E12000008", "989", 810, 6_400),
    ("South West", "E12000009", "990", 470, 3_800),
)
_HALVES = ((INNER, "E13000001", "987", 270, 3_000), (OUTER, "E13000002", "988", 480, 3_700))
_AUTHORITIES = (
    Leaf("Yorkshire and the Humber", 47_000, 380, "Sheffield", "E08000019", "373"),
    Leaf("East Midlands", 23_500, 330, "Derby", "E06000015", "831"),
    Leaf("East Midlands", 67_000, 560, "Northamptonshire", "E10000021", "928"),
    Leaf("East Midlands", 3_800, 25, "Rutland", "E06000017", "857"),
    Leaf("East of England", 110_000, 680, "Hertfordshire", "E10000015", "919"),
    Leaf("East of England", 22_000, 270, "Luton", "E06000032", "821"),
    Leaf("East of England", 16_000, 170, "Southend-on-Sea", "E06000033", "882"),
    Leaf("London", 27_000, 230, "Hillingdon", "E09000017", "312", OUTER),
    Leaf("London", 23_000, 200, "Hounslow", "E09000018", "313", OUTER),
    Leaf("South East", 22_000, 320, "Brighton and Hove", "E06000043", "846"),
    Leaf("South East", 48_000, 400, "East Sussex", "E10000011", "845"),
    Leaf("South East", 17_500, 220, "Portsmouth", "E06000044", "851"),
    Leaf("South East", 12_500, 150, "Reading", "E06000038", "870"),
    Leaf("South East", 14_500, 130, "Slough", "E06000039", "871"),
    Leaf("South East", 19_500, 330, "Southampton", "E06000045", "852"),
    Leaf("South West", 35_000, 480, "Bristol, City of", "E06000023", "801"),
    Leaf("South West", 200, 0, "Isles of Scilly", "E06000053", "420"),
    Leaf("South West", 25_000, 110, "South Gloucestershire", "E06000025", "803"),
)


def _rest(region: str, thousands: int, looked_after: int, half: str = "") -> Leaf:
    named = [leaf for leaf in _AUTHORITIES if leaf.region == region and leaf.half == half]
    children = 1_000 * thousands - sum(leaf.children for leaf in named)
    return Leaf(region, children, looked_after - sum(x.looked_after for x in named), half=half)


LEAVES = (
    *_AUTHORITIES,
    *(_rest(name, children, kept) for name, _, _, children, kept in _REGIONS if name != "London"),
    *(_rest("London", children, kept, half) for half, _, _, children, kept in _HALVES),
)


def _areas_of(region: str, code: str, number: str) -> list[Area]:
    """The region, then its authorities; London's stand below the half that they lie in."""
    inside = [at for at, leaf in enumerate(LEAVES) if leaf.region == region]
    areas = [Area(region, code, number, REGION, region, tuple(inside))]
    for half in _HALVES if region == "London" else (("", "", ""),):
        within = [at for at in inside if LEAVES[at].half == half[0]]
        if half[0]:
            areas.append(Area(*half[:3], HALF, region, tuple(within)))
        areas += [_printed(at) for at in within if LEAVES[at].name]
    return areas


def _printed(at: int) -> Area:
    leaf = LEAVES[at]
    return Area(leaf.name, leaf.code, leaf.dfe_number, AUTHORITY, leaf.region, (at,))


AREAS = (
    Area(ENGLAND, "E92000001", "970", COUNTRY, "", tuple(range(len(LEAVES)))),
    *(area for name, code, number, *_ in _REGIONS for area in _areas_of(name, code, number)),
)
REGION_CODES = {area.name: area.code for area in AREAS if area.level == REGION}
CHILDREN = tuple(leaf.children for leaf in LEAVES)
LOOKED_AFTER = tuple(leaf.looked_after for leaf in LEAVES)


def drawn(
    seed: int, measure: int, year: int, bases: Sequence[int], share: float, spread: float = 0.5
) -> list[int]:
    """Draw how many of each leaf's `bases` are counted in `year`, about `share` of them.

    A leaf keeps its level, which lies within half a `spread` of 1, in every year of a measure.
    """
    return [
        min(base, _count(base * share * _level(seed, measure, at, spread), seed, measure, at, year))
        for at, base in enumerate(bases)
    ]


def _level(seed: int, measure: int, at: int, spread: float) -> float:
    if LEAVES[at].name == "Southampton" and spread == 0.5:
        return _HIGH
    # What is left of a region is many authorities together, whose levels even out.
    width = spread if LEAVES[at].name else spread / 2
    return 1 - width / 2 + width * float(stream(seed, _LEVEL_STREAM, measure, at).random())


def _count(expected: float, seed: int, measure: int, at: int, year: int) -> int:
    chance: np.random.Generator = stream(seed, _YEAR_STREAM, measure, at, year)
    return int(expected * (0.96 + 0.08 * float(chance.random())) + float(chance.random()))
