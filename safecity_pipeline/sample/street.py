"""Synthetic street-level crime in the form of data.police.uk.

Here: every month since December 2010, when the publication began. Of the last six months of the
year assessed one file for each force and month, and one compilation that repeats some of them and
brings a force that has no files of its own; of all that lies before or after, one compilation of
all forces for each financial year.
Not here: the mix of crimes (`crime_mix`), the planted faults (`street_faults`), areas (`places`).
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from safecity_pipeline.sample import crime_mix
from safecity_pipeline.sample.delivery import Delivery, compressed, lines_to_bytes, stream
from safecity_pipeline.sample.places import FORCES, PLACES, Force, Place
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sample.street_faults import (
    FAULTS,
    LSOA_NAME,
    MONTH,
    Fields,
    plant,
)

HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,"
    "LSOA code,LSOA name,Crime type,Last outcome category,Context"
)
BEGAN = "2010-12"
COMPILATION = "street/synthetic-2014-10_2014-11-street-compilation.csv.gz"
YEAR_COMPILATION = "street/synthetic-{}_{}-street-compilation.csv.gz"
OWN_MONTHS = ("2014-10", "2014-11", "2014-12", "2015-01", "2015-02", "2015-03")
COMPILED_MONTHS = OWN_MONTHS[:2]
REPEATED_FORCE = "hampshire"
REPEATED_LSOA_STEM = "Southampton"

SOURCE = "street_crime"
# The forces' own files are the later statement, so they also win where the newest is taken.
_OWN_PUBLISHED_ON, _COMPILATION_PUBLISHED_ON = "2015-05-29", "2015-01-30"
_FAULTS_BY_TURN = (1, 0, 2, 1, 0, 1, 0, 1)
_COMPILATION_FAULTS = (
    "unknown_crime_type",
    "crime_id_too_short",
    "latitude_alone",
    "one_field_too_many",
)
_ONE_BAD_IN = 230  # rows of a year's compilation
_LSOAS, _STREETS_IN_LSOA, _FIRST_LSOA = 40, 3, 900_000
_NO_LOCATION_SHARE = 0.012
_GEOGRAPHY_STREAM, _ROWS_STREAM, _FAULT_STREAM, _COMPILATION_STREAM = 10, 11, 12, 13
_YEAR_STREAM = 14

Street = tuple[str, str, str, str, str]
NO_LOCATION: Street = ("", "", "No Location", "", "")
Streets = Mapping[str, Sequence[Street]]


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the forces' own files, month by month, and after them the compilations."""
    streets = {p.lsoa_stem: _streets_of(plan.seed, p) for p in PLACES if p.street_rows}
    own_forces = [force for force in FORCES if force.own_files]
    files: list[Delivery] = []
    repeated: list[Fields] = []
    for month in OWN_MONTHS:
        for force in own_forces:
            rows = _rows(plan.seed, force, month, streets)
            if force.slug == REPEATED_FORCE and month in COMPILED_MONTHS:
                repeated += [r for r in rows if r[LSOA_NAME].startswith(REPEATED_LSOA_STEM)]
            files.append(_own_file(plan.seed, force, month, rows, len(files)))
    files.append(_compilation(plan.seed, repeated, streets))
    compiled = (_year_compilation(plan.seed, year, streets) for year in plan.years if _months(year))
    return [*files, *compiled]


def _months(year: str) -> list[str]:
    """The months of a financial year, as '2014-04', that were published, and not in own files."""
    first = int(year[:4])
    months = [f"{first}-{month:02d}" for month in range(4, 13)]
    months += [f"{first + 1}-{month:02d}" for month in range(1, 4)]
    return [month for month in months if month >= BEGAN and month not in OWN_MONTHS]


def _own_file(seed: int, force: Force, month: str, rows: list[Fields], turn: int) -> Delivery:
    """Plant this file's faults in a copy of `rows` and encode it; one file in three is gzipped."""
    spoilt = list(rows)
    planted = plant(spoilt, _faults_of(turn), stream(seed, _FAULT_STREAM, turn))
    lines = [HEAD, *(",".join(row) for row in spoilt)]
    content = lines_to_bytes(lines, "\r\n")
    zipped = (int(month[5:]) + FORCES.index(force)) % 3 == 0
    return Delivery(
        f"street/{month}/synthetic-{month}-{force.slug}-street.csv{'.gz' if zipped else ''}",
        SOURCE,
        compressed(content) if zipped else content,
        len(lines),
        _OWN_PUBLISHED_ON,
        planted=planted,
    )


def _faults_of(turn: int) -> list[str]:
    """Return the kinds of fault for the file of this number, every kind in its turn."""
    kinds = list(FAULTS)
    number = _FAULTS_BY_TURN[turn % len(_FAULTS_BY_TURN)]
    return [kinds[(2 * turn + step) % len(kinds)] for step in range(number)]


def _compilation(seed: int, repeated: list[Fields], streets: Streets) -> Delivery:
    """Build the compilation: rows delivered elsewhere too, and those of forces without files."""
    brought = [
        row
        for force in FORCES
        if not force.own_files
        for month in COMPILED_MONTHS
        for row in _rows(seed, force, month, streets)
        if row[LSOA_NAME]
    ]
    planted = plant(brought, _COMPILATION_FAULTS, stream(seed, _COMPILATION_STREAM))
    # By month alone: a spoilt row may have lost the fields that a finer order would read.
    rows = sorted([*repeated, *brought], key=lambda row: row[MONTH])
    lines = [HEAD, *(",".join(row) for row in rows)]
    return Delivery(
        COMPILATION,
        SOURCE,
        compressed(lines_to_bytes(lines, "\n")),
        len(lines),
        _COMPILATION_PUBLISHED_ON,
        planted=planted,
        delivered_twice=len(repeated),
    )


def _year_compilation(seed: int, year: str, streets: Streets) -> Delivery:
    """Build the compilation of a year: all forces, month by month."""
    months = _months(year)
    rows = [
        row for month in months for force in FORCES for row in _rows(seed, force, month, streets)
    ]
    kinds = [_COMPILATION_FAULTS[turn % 4] for turn in range(len(rows) // _ONE_BAD_IN)]
    planted = plant(rows, kinds, stream(seed, _YEAR_STREAM, int(year[:4])))
    lines = [HEAD, *(",".join(row) for row in rows)]
    return Delivery(
        YEAR_COMPILATION.format(months[0], months[-1]),
        SOURCE,
        compressed(lines_to_bytes(lines, "\n")),
        len(lines),
        f"{int(year[:4]) + 1}-05-29",
        planted=planted,
    )


def _rows(seed: int, force: Force, month: str, streets: Streets) -> list[Fields]:
    """Draw the good rows of one force and month, in the order of their LSOA, unplaced ones last."""
    chance = stream(seed, _ROWS_STREAM, FORCES.index(force), int(month[:4]), int(month[5:]))
    drawn = [
        (crime_type, outcome, street)
        for place in PLACES
        if place.force == force.slug
        for crime_type, outcome, street in _crimes(place, month, streets, chance)
    ]
    drawn.sort(key=lambda crime: (crime[2] == NO_LOCATION, crime[2][-1]))
    return [
        _fields(f"{seed}/{force.slug}/{month}/{number}", force, month, crime)
        for number, crime in enumerate(drawn)
    ]


def _crimes(
    place: Place, month: str, streets: Streets, chance: np.random.Generator
) -> list[tuple[str, str, Street]]:
    """Draw one area's crimes of a month as type, outcome and street."""
    types = crime_mix.types_in(month)
    spread = 0.95 + 0.1 * float(chance.random())
    number = round(place.street_rows * types.total * spread)
    draws: list[list[float]] = chance.random((number, 4)).tolist()
    return [_crime(types, streets[place.lsoa_stem], draw) for draw in draws]


def _crime(
    types: crime_mix.Mix, local: Sequence[Street], draw: list[float]
) -> tuple[str, str, Street]:
    """Turn four draws from [0, 1) into one crime: its type, outcome and street."""
    crime_type = types.pick(draw[0])
    outcome = crime_mix.outcomes_of(crime_type).pick(draw[1])
    # Squared, so that the first streets are the busy ones: a city has a centre.
    street = local[int(draw[2] * draw[2] * len(local))]
    unplaced = draw[3] < _NO_LOCATION_SHARE
    return crime_type, outcome, NO_LOCATION if unplaced else street


def _fields(key: str, force: Force, month: str, crime: tuple[str, str, Street]) -> Fields:
    """Write one crime as the twelve fields of the file; anti-social behaviour has no Crime ID."""
    crime_type, outcome, (longitude, latitude, location, lsoa_code, lsoa_name) = crime
    anti_social = crime_type == crime_mix.ANTI_SOCIAL_BEHAVIOUR
    crime_id = "" if anti_social else hashlib.sha256(f"synthetic/{key}".encode()).hexdigest()
    who = [force.street_name, force.street_name]
    where = [longitude, latitude, location, lsoa_code, lsoa_name]
    return [crime_id, month, *who, *where, crime_type, outcome, ""]


def _streets_of(seed: int, place: Place) -> list[Street]:
    """Lay out an area: invented streets in LSOAs whose codes no real LSOA has."""
    chance = stream(seed, _GEOGRAPHY_STREAM, PLACES.index(place))
    first = _FIRST_LSOA + PLACES.index(place) * 1_000
    streets = []
    for number in range(_LSOAS * _STREETS_IN_LSOA):
        lsoa = number // _STREETS_IN_LSOA
        longitude = (place.longitude + int(chance.integers(-30_000, 30_001))) / 1_000_000
        latitude = (place.latitude + int(chance.integers(-20_000, 20_001))) / 1_000_000
        streets.append(
            (
                f"{longitude:.6f}",
                f"{latitude:.6f}",
                f"On or near Synthetic Street {number + 1}",
                f"E01{first + lsoa:06d}",
                f"{place.lsoa_stem} {lsoa // 5 + 1:03d}{'ABCDE'[lsoa % 5]}",
            )
        )
    return streets
