"""Write `registry/areas.csv` and `registry/area_members.csv` from published lookups.

    python tools/make_areas.py REAL_DATA_FOLDER [OUTPUT_FOLDER]

Belongs here: reading the lookups with their quirks, and the small tables of facts that no lookup
holds, each with its source. The same input gives the same bytes.

Does not belong here: looking names up (`registry/areas.py`), peer groups (`registry/peers.csv`,
kept by hand), and anything that is not a fact about names, codes, dates or membership.

Read below REAL_DATA_FOLDER: `lookups/` (authority, partnership and force in 2017 and 2021; LSOA to
region; names of forces), `ons-population/` (authorities of 2020), the names of forces in
`prc-pfa-2017-18/` and `police-uk-outcomes-by-force/`; of the Department for Education the two
tables of `dfe-looked-after-children/` that set code, number and name side by side (counties come
from there), and of `dfe-lait-2024-11-19/` the list of numbers and, in the long extract, the half of
London in which each borough is.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

import duckdb
import openpyxl  # type: ignore[import-untyped]

# The geographies in which populations and extracts are published: authorities changed then.
GEOGRAPHY_DATES = ("2009-04-01", "2019-04-01", "2020-04-01", "2021-04-01", "2023-04-01")


@dataclass(frozen=True)
class Reorganisation:
    """Whole authorities that one new authority replaced on a day."""

    day: str
    code: str
    name: str
    predecessors: tuple[str, ...]

    @property
    def eve(self) -> str:
        """The last day of the predecessors."""
        return (date.fromisoformat(self.day) - timedelta(days=1)).isoformat()


# Sources: the Bournemouth, Dorset and Poole (Structural Changes), East Suffolk, West Suffolk and
# Somerset West and Taunton (Local Government Changes) Orders 2018; the Buckinghamshire (Structural
# Changes) Order 2019; the Northamptonshire (Structural Changes) Order 2020; the Cumbria, the North
# Yorkshire and the Somerset (Structural Changes) Orders 2022. Codes: ONS Code History Database.
REORGANISATION_TABLE = """
2019-04-01|E06000058|Bournemouth, Christchurch and Poole|E06000028 E06000029 E07000048
2019-04-01|E06000059|Dorset|E07000049 E07000050 E07000051 E07000052 E07000053
2019-04-01|E07000244|East Suffolk|E07000205 E07000206
2019-04-01|E07000245|West Suffolk|E07000201 E07000204
2019-04-01|E07000246|Somerset West and Taunton|E07000190 E07000191
2020-04-01|E06000060|Buckinghamshire|E07000004 E07000005 E07000006 E07000007
2021-04-01|E06000061|North Northamptonshire|E07000150 E07000152 E07000153 E07000156
2021-04-01|E06000062|West Northamptonshire|E07000151 E07000154 E07000155
2023-04-01|E06000063|Cumberland|E07000026 E07000028 E07000029
2023-04-01|E06000064|Westmorland and Furness|E07000027 E07000030 E07000031
2023-04-01|E06000065|North Yorkshire|E07000163 E07000164 E07000165 E07000166 E07000167 \
E07000168 E07000169
2023-04-01|E06000066|Somerset|E07000187 E07000188 E07000189 E07000246
"""

# The districts of each county council on 1 April 2009. Source: Local Government Act 1972, schedule
# 1, as changed by the orders of 1995 to 2009; the tests hold them against published populations of
# counties. Codes of districts follow the alphabet within a county, so that ranges are enough; the
# last four of Hertfordshire are the recoded ones (see FORMER_CODES).
COUNTY_DISTRICTS = {
    "E10000002": "E07000004-E07000007",  # Buckinghamshire
    "E10000003": "E07000008-E07000012",  # Cambridgeshire
    "E10000006": "E07000026-E07000031",  # Cumbria
    "E10000007": "E07000032-E07000039",  # Derbyshire
    "E10000008": "E07000040-E07000047",  # Devon
    "E10000009": "E07000048-E07000053",  # Dorset
    "E10000011": "E07000061-E07000065",  # East Sussex
    "E10000012": "E07000066-E07000077",  # Essex
    "E10000013": "E07000078-E07000083",  # Gloucestershire
    "E10000014": "E07000084-E07000094",  # Hampshire
    "E10000015": "E07000095-E07000104 E07000240-E07000243",  # Hertfordshire
    "E10000016": "E07000105-E07000116",  # Kent
    "E10000017": "E07000117-E07000128",  # Lancashire
    "E10000018": "E07000129-E07000135",  # Leicestershire
    "E10000019": "E07000136-E07000142",  # Lincolnshire
    "E10000020": "E07000143-E07000149",  # Norfolk
    "E10000021": "E07000150-E07000156",  # Northamptonshire
    "E10000023": "E07000163-E07000169",  # North Yorkshire
    "E10000024": "E07000170-E07000176",  # Nottinghamshire
    "E10000025": "E07000177-E07000181",  # Oxfordshire
    "E10000027": "E07000187-E07000191",  # Somerset
    "E10000028": "E07000192-E07000199",  # Staffordshire
    "E10000029": "E07000200-E07000206",  # Suffolk
    "E10000030": "E07000207-E07000217",  # Surrey
    "E10000031": "E07000218-E07000222",  # Warwickshire
    "E10000032": "E07000223-E07000229",  # West Sussex
    "E10000034": "E07000234-E07000239",  # Worcestershire
}

# Codes that ONS replaced when a boundary moved a little and the authority went on under its name
# (Code History Database): 2012-2013, and South Yorkshire in 2025. Current is what the 2020
# population file and the 2021 lookup use.
FORMER_CODES = {
    "E06000048": "E06000057",  # Northumberland
    "E07000097": "E07000242",  # East Hertfordshire
    "E07000100": "E07000240",  # St Albans
    "E07000101": "E07000243",  # Stevenage
    "E07000104": "E07000241",  # Welwyn Hatfield
    "E08000020": "E08000037",  # Gateshead
    "E08000038": "E08000016",  # Barnsley, from 2025
    "E08000039": "E08000019",  # Sheffield, from 2025
}

# The 2021 lookup gives these new authorities the code of a smaller partnership of former districts
# (Buckinghamshire is "Wycombe"): a best fit of areas, not a fact about partnerships. Left blank.
BEST_FIT_ONLY = {"E06000058", "E06000059", "E06000060", "E06000061", "E06000062", "E07000244"}

# Partnerships of several authorities that ended with them: last day, successors.
ENDED_PARTNERSHIPS = {
    "E22000357": ("2021-03-31", "E06000062"),  # Daventry and South Northamptonshire
    "E22000367": ("2019-03-31", "E06000058 E06000059"),  # Dorset: Christchurch went to the former
}

# Names that no lookup holds.
# * Home Office partnerships, year to March 2012 (crime_data_by_csp.csv). The two `Somerset East_…`
#   rows have four rows an offence code, as one authority has (a merged one has 8 to 24), and the
#   volume of that district: each is read as the district that it names.
# * Third-party totals by partnership: `Elmbridge, Surrey` and the like.
# * Census 2011 and LSOA names: The Vale of Glamorgan; 2001: Rhondda, Cynon, Taff.
# * DfE, tables of looked-after children (SFR49/2014), which have names without codes: South Gloucs,
#   Medway Towns … (those with codes, such as City of Bristol, are read from the files); regions in
#   SFR32/2012.
NAMES = {
    "E06000008": "Blackburn with Darwin",
    "E06000010": "Kingston upon Hull",
    "E06000019": "Herefordshire",
    "E06000021": "Stoke on Trent",
    "E06000022": "Bath & N E Somerset",
    "E06000023": "Bristol",
    "E06000025": "South Gloucs",
    "E06000035": "Medway Towns",
    "E07000146": "King’s Lynn and West Norfolk",
    "E07000187": "Somerset East_Mendip",
    "E07000189": "Somerset East_South Somerset",
    "E07000207": "Elmbridge, Surrey",
    "E07000216": "Waverley, Surrey",
    "E08000013": "St Helens",
    "E09000012": "Hackney, London",
    "E09000014": "Haringey, London",
    "E09000016": "Havering, London",
    "E09000030": "Tower Hamlets, London",
    "W06000014": "The Vale of Glamorgan",
    "W06000016": "Rhondda, Cynon, Taff|Rhondda Cynon Taff",
    # Home Office, year to March 2012; the lookups say North Devon and South Worcester
    "E22000363": "Northern Devon",
    "E22000332": "South Worcestershire",
    # forces that changed their public name since
    "E23000030": "Hampshire and Isle of Wight Constabulary|Hampshire and Isle of Wight",
    "E23000036": "Avon and Somerset Police",
    "E12000003": "Yorks & the Humber",
    # lookup of LSOAs
    "E12000006": "East",
}

# Recorders of crime without an area of England and Wales: code, name, other names, country,
# first day, last day, successor. UK Finance took over from Financial Fraud Action UK in July 2017.
BODIES = (
    ("ACTION_FRAUD", "Action Fraud", "", "", "", "", ""),
    ("BORDER_FORCE", "Border Force", "", "", "", "", ""),
    ("BTP", "British Transport Police", "BTP", "", "", "", ""),
    ("CIFAS", "CIFAS", "", "", "", "", ""),
    ("FFA_UK", "Financial Fraud Action UK", "FFA UK", "", "", "2017-06-30", "UK_FINANCE"),
    ("PSNI", "Police Service of Northern Ireland", "PSNI", "Northern Ireland", "", "", ""),
    ("UK_FINANCE", "UK Finance", "", "", "2017-07-01", "", ""),
)

REGION_NAMES = {
    "E12000001": "North East",
    "E12000002": "North West",
    "E12000003": "Yorkshire and The Humber",
    "E12000004": "East Midlands",
    "E12000005": "West Midlands",
    "E12000006": "East of England",
    "E12000007": "London",
    "E12000008": "South East",
    "E12000009": "South West",
}
# Code, and the name in the list of DfE numbers. Which borough is in which half is read from the
# long extract. It agrees with the codes of ONS and with DfE's tables of 2014: Haringey and Newham
# are inner, Greenwich is outer. The list of numbers puts Greenwich into Inner London, as the London
# Government Act 1963 did.
LONDON_HALVES = {
    "Inner London": ("E13000001", "London (Inner)"),
    "Outer London": ("E13000002", "London (Outer)"),
}
DFE_NATIONAL = "999"  # England in SFR34/2015, which has letters for regions
DFE_DISCONTINUED = {"1000"}  # "England (discontinued)"
DFE_TYPES = ("local_authority", "region", "subregion", "country")
ENGLAND, WALES, LONDON = "E92000001", "W92000004", "E12000007"
CITY_OF_LONDON_AS_ONS_SPELLS_IT = "london, city of"


@dataclass
class Row:
    """A row of areas.csv while it is put together."""

    code: str
    name: str
    type: str
    country: str = ""
    region_code: str = ""
    force_code: str = ""
    csp_code: str = ""
    start: str = ""
    end: str = ""
    successors: str = ""
    dfe_number: str = ""
    aliases: str = ""

    def also_called(self, *spellings: str) -> None:
        """Add spellings that differ from those known, beyond case and blanks."""
        known = {_key(name): name for name in self.names()}
        for spelling in spellings:
            if spelling.strip():
                known.setdefault(_key(spelling), spelling.strip())
        others = {key: name for key, name in known.items() if key != _key(self.name)}
        self.aliases = "|".join(name for _, name in sorted(others.items()))

    def names(self) -> list[str]:
        """The official name and every other spelling."""
        return [self.name, *filter(None, self.aliases.split("|"))]

    def existed_on(self, day: str) -> bool:
        """Whether it existed on that day; ISO dates compare as text."""
        return self.start <= day and (not self.end or day <= self.end)


@dataclass(frozen=True)
class Assignment:
    """What a lookup says of one authority."""

    name: str
    csp_code: str
    csp_name: str
    force_code: str
    force_name: str


Rows = dict[str, Row]
Lookup = dict[str, Assignment]
Members = list[tuple[str, str, str]]


def read_lookup(path: Path, delimiter: str) -> Lookup:
    """Authority code -> assignment; both lookups have these six columns first, under own heads."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.reader(lines, delimiter=delimiter)
        next(table)
        return {cells[0]: Assignment(*cells[1:6]) for cells in table}


def read_column(path: Path, column: str, encoding: str = "utf-8-sig") -> Iterator[str]:
    """The cells of one column of a comma-separated file."""
    with path.open(encoding=encoding, newline="") as lines:
        for row in csv.DictReader(lines):
            yield row[column]


def read_lsoa_areas(path: Path) -> dict[str, tuple[str, set[str]]]:
    """Current authority code -> its region, and how it is spelt there (`… UA`, LSOA stem, code)."""
    areas: dict[str, tuple[str, set[str]]] = {}
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            written = row["Local authority code"]
            code = FORMER_CODES.get(written, written)
            _, names = areas.setdefault(code, (row["Region code"], set()))
            stem = re.sub(r" \d{3}[A-Z]$", "", row["LSOA Name"])
            names |= {row["Local authority name"], stem}
    return areas


def read_dfe_list(path: Path) -> dict[str, str]:
    """Number of the Department for Education -> name; several numbers may have one name."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    sheet = book["Sheet1"]
    sheet.reset_dimensions()
    cells = sheet.iter_rows(min_row=2, max_col=2, values_only=True)
    names = {str(number): str(name) for number, name in cells if name is not None}
    book.close()
    return {number: name for number, name in names.items() if number not in DFE_DISCONTINUED}


def read_dfe_codes(folder: Path) -> dict[str, tuple[str, list[str]]]:
    """Code of an authority -> its DfE number, and its names: 2012 and 2015, all upper-tier ones."""
    found: dict[str, tuple[str, list[str]]] = {}
    for file, columns in (
        ("SFR32_2012_OC2_LA_Tables_UD.csv", ("la_9digit", "la_code", "la_name")),
        ("SFR34_OC22015.csv", ("New_geog_code", "geog_c", "geog_n")),
    ):
        with (folder / file).open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                written, number, name = (row[column].strip() for column in columns)
                if number.isdigit() and number != DFE_NATIONAL:
                    code = FORMER_CODES.get(written, written)
                    held, names = found.setdefault(code, (number, []))
                    if held != number:
                        raise SystemExit(f"{file}: {code} has two DfE numbers: {held}, {number}")
                    names.append(name)
    return found


def read_halves_of_london(path: Path) -> dict[str, str]:
    """DfE number of a borough -> `Inner London` or `Outer London`."""
    query = """
        SELECT DISTINCT "LA Number"::INTEGER::VARCHAR, "Region" FROM read_parquet($1)
        WHERE "Region" IN ('Inner London', 'Outer London')"""
    return dict(duckdb.connect().execute(query, [str(path)]).fetchall())


def reorganisations() -> list[Reorganisation]:
    """The table of reorganisations, oldest first."""
    rows = [line.split("|") for line in REORGANISATION_TABLE.strip().splitlines()]
    return [Reorganisation(day, code, name, tuple(old.split())) for day, code, name, old in rows]


def local_authorities(lookup_2017: Lookup, lookup_2021: Lookup) -> Rows:
    """Every authority of the lookups and of the reorganisations; newest name, no region yet."""
    rows: Rows = {}
    for code, entry in [*lookup_2021.items(), *lookup_2017.items()]:
        row = rows.setdefault(code, _new_authority(code, entry))
        row.also_called(entry.name)
    for change in reorganisations():
        row = rows.setdefault(change.code, Row(change.code, change.name, "local_authority"))
        row.start = change.day
        old = [rows[code] for code in change.predecessors]
        for predecessor in old:
            predecessor.end, predecessor.successors = change.eve, change.code
        row.force_code = row.force_code or _shared(one.force_code for one in old)
        if change.code not in BEST_FIT_ONLY:
            row.csp_code = row.csp_code or _shared(one.csp_code for one in old)
    return rows


def _new_authority(code: str, entry: Assignment) -> Row:
    csp_code = "" if code in BEST_FIT_ONLY else entry.csp_code
    return Row(code, entry.name, "local_authority", force_code=entry.force_code, csp_code=csp_code)


def place_in_regions(authorities: Rows, lsoa_areas: dict[str, tuple[str, set[str]]]) -> None:
    """Fill region and country; an authority younger than the LSOA file takes its predecessors'."""
    for row in authorities.values():
        row.country = _country(row.code)
        row.region_code = WALES if row.code.startswith("W") else ""
        if row.code in lsoa_areas:
            row.region_code, names = lsoa_areas[row.code]
            row.also_called(*names)
    for change in reorganisations():
        old = (authorities[code].region_code for code in change.predecessors)
        authorities[change.code].region_code = _shared(old)


def partnerships(lookups: Iterable[Lookup], authorities: Rows) -> Rows:
    """Partnerships of several authorities; the name of a partnership of one becomes its alias."""
    rows: Rows = {}
    for lookup in lookups:
        grouped: dict[tuple[str, str], list[str]] = {}
        for code, entry in lookup.items():
            if code not in BEST_FIT_ONLY:
                grouped.setdefault((entry.csp_code, entry.csp_name), []).append(code)
        for (csp_code, csp_name), codes in grouped.items():
            if len(codes) > 1:
                rows.setdefault(csp_code, _partnership(csp_code, csp_name, authorities[codes[0]]))
            elif csp_code not in rows:
                authorities[codes[0]].also_called(csp_name)
    return rows


def _partnership(code: str, name: str, member: Row) -> Row:
    end, successors = ENDED_PARTNERSHIPS.get(code, ("", ""))
    return Row(
        code,
        name,
        "csp",
        member.country,
        member.region_code,
        member.force_code,
        code,
        end=end,
        successors=successors,
    )


def police_forces(lookups: Iterable[Lookup], authorities: Rows) -> Rows:
    """The 43 territorial forces under their ONS names."""
    regions: dict[str, set[str]] = {}
    for row in authorities.values():
        regions.setdefault(row.force_code, set()).add(row.region_code)
    names = {entry.force_code: entry.force_name for one in lookups for entry in one.values()}
    return {
        code: Row(
            code, name, "police_force", _country(code), _shared(regions[code]), force_code=code
        )
        for code, name in names.items()
    }


def name_forces(forces: Rows, spellings: Iterable[str]) -> None:
    """Give each spelling of a publisher to its force; one that fits none and no body is refused."""
    by_key = {_force_key(row.name): row for row in forces.values()}
    bodies = {_key(name) for body in BODIES for name in body[:3]}
    for spelling in spellings:
        row = by_key.get(_force_key(spelling))
        if row is not None:
            row.also_called(spelling)
        elif _key(spelling) not in bodies:
            raise SystemExit(f"no force of this name; got: {spelling!r}; add it to NAMES or BODIES")


def _force_key(name: str) -> str:
    """Names of one force agree in this key: `Dyfed Powys Police`, `dyfed-powys`, `Dyfed-Powys`."""
    words = _key(name).replace("&", "and").replace("-", " ")
    words = re.sub(r" (police service|police|constabulary)$", "", words)
    return CITY_OF_LONDON_AS_ONS_SPELLS_IT if words == "city of london" else words


def read_force_spellings(folder: Path) -> list[str]:
    """Every spelling of a force in the lookup of forces, the Home Office table and street files."""
    forces = folder / "lookups" / "forces.csv"
    home_office = next((folder / "prc-pfa-2017-18").glob("*.csv"))
    street = folder / "police-uk-outcomes-by-force" / "outcomes_by_force.csv"
    lsoa = folder / "lookups" / "PoliceforceLSOA.csv.gz"
    with gzip.open(lsoa, "rt", encoding="utf-8-sig", newline="") as lines:
        written = {row["Police_force"] for row in csv.DictReader(lines)} - {""}
    written |= set(read_column(forces, "id")) | set(read_column(forces, "Label"))
    written |= set(read_column(home_office, "Force Name"))
    return sorted(written | set(read_column(street, "Force")))


def regions_and_countries() -> Rows:
    """The nine regions, England, and Wales."""
    rows = {
        code: Row(code, name, "region", "England", code, aliases=f"{name} region")
        for code, name in REGION_NAMES.items()
    }
    rows[ENGLAND] = Row(ENGLAND, "England", "country", "England")
    rows[WALES] = Row(WALES, "Wales", "country", "Wales", WALES)
    return rows


def bodies() -> Rows:
    """The bodies without an area."""
    rows: Rows = {}
    for code, name, other, country, start, end, successor in BODIES:
        rows[code] = Row(code, name, "body", country, start=start, end=end, successors=successor)
        rows[code].also_called(other)
    return rows


def spell_ampersands(rows: Rows) -> None:
    """Publishers write `&` for `and` and the other way round: hold both for every name."""
    for row in rows.values():
        names = row.names()
        row.also_called(*(name.replace(" and ", " & ") for name in names))
        row.also_called(*(name.replace(" & ", " and ") for name in names))


def counties(dfe_codes: dict[str, tuple[str, list[str]]], authorities: Rows) -> Rows:
    """The county councils of 2009 with the region and force of their districts, and their end."""
    named = {code: names for code, (_, names) in dfe_codes.items() if code.startswith("E10")}
    if named.keys() != COUNTY_DISTRICTS.keys():
        raise SystemExit(f"not the counties listed: {named.keys() ^ COUNTY_DISTRICTS.keys()}")
    placed = sorted(code for county in named for code in districts(county, authorities))
    if placed != sorted(c for c, a in authorities.items() if c.startswith("E07") and not a.start):
        raise SystemExit("a district belongs to no county, or to two")
    return {code: _county(code, names[-1], authorities) for code, names in sorted(named.items())}


def _county(code: str, name: str, authorities: Rows) -> Row:
    within = [authorities[district] for district in districts(code, authorities)]
    last = {_last_district(district, authorities) for district in districts(code, authorities)}
    row = Row(code, name, "county", "England")
    row.region_code = _shared(one.region_code for one in within)
    row.force_code = _shared(one.force_code for one in within)
    row.end = _shared(authorities[district].end for district in last)
    row.successors = " ".join(sorted({authorities[d].successors for d in last} - {""}))
    return row


def districts(county: str, authorities: Rows) -> list[str]:
    """The codes of a county's districts on 1 April 2009."""
    ranges = [part.partition("-")[::2] for part in COUNTY_DISTRICTS[county].split()]
    first_day = [code for code, row in sorted(authorities.items()) if not row.start]
    return [code for first, last in ranges for code in first_day if first <= code <= last]


def _last_district(code: str, authorities: Rows) -> str:
    """The district itself, or the last of the districts that followed it."""
    successor = authorities[code].successors
    return _last_district(successor, authorities) if successor.startswith("E07") else code


def halves_of_london() -> Rows:
    """Inner and Outer London."""
    return {
        code: Row(code, name, "subregion", "England", LONDON, aliases=other)
        for name, (code, other) in LONDON_HALVES.items()
    }


def number_for_dfe(
    rows: Rows, coded: dict[str, tuple[str, list[str]]], listed: dict[str, str]
) -> None:
    """Give each DfE number to its area: by code where a table has it, else by the area's name.

    The number of a county also goes to the one authority of its name that replaced it; the list
    has new numbers where the boundary changed, and names those before as `Dorset (Pre LG)`.
    """
    for code, (number, names) in coded.items():
        rows[code].dfe_number = number
        rows[code].also_called(*names, listed[number])
    by_name = {_key(name): number for number, name in listed.items()}
    for row in rows.values():
        if row.type in DFE_TYPES and not row.code.startswith("E07") and not row.dfe_number:
            row.dfe_number = _shared(by_name[k] for k in map(_key, row.names()) if k in by_name)
    missing = listed.keys() - {row.dfe_number for row in rows.values()}
    if missing:
        raise SystemExit(f"DfE numbers of no area: {sorted(missing)}")


def members(rows: Rows, authorities: Rows) -> Members:
    """The authorities of every area at each geography date; an authority is its own only member."""
    made = [line for row in authorities.values() for line in _authority_members(row, authorities)]
    for row in rows.values():
        if row.type in ("csp", "police_force", "region", "country"):
            for day in filter(row.existed_on, GEOGRAPHY_DATES):
                made += [
                    (row.code, day, one.code)
                    for one in authorities.values()
                    if one.existed_on(day) and _within(one, row)
                ]
    return sorted(made)


def county_members(county: str, authorities: Rows) -> Members:
    """The districts of a county by geography date, and the authorities that came of them.

    None for a geography in which the county cannot be put together: Christchurch, of Dorset, is in
    one authority with Bournemouth and Poole since 2019.
    """
    made: Members = []
    for day in GEOGRAPHY_DATES:
        founding = districts(county, authorities)
        now = {_successor_on(code, day, authorities) for code in founding}
        sources = {c for c in authorities if _successor_on(c, day, authorities) in now}
        before = {code for code in sources if not authorities[code].start}
        if before == set(founding):
            made += [(county, day, code) for code in sorted(now)]
    return made


def _successor_on(code: str, day: str, authorities: Rows) -> str:
    row = authorities[code]
    if row.end and row.end < day:
        return _successor_on(row.successors, day, authorities)
    return code


def borough_members(rows: Rows, halves: dict[str, str]) -> Members:
    """The boroughs of Inner and of Outer London; they have not changed since 1994."""
    boroughs = {r.dfe_number: r.code for r in rows.values() if r.code.startswith("E09")}
    if boroughs.keys() != halves.keys():
        raise SystemExit(f"not the boroughs of London: {boroughs.keys() ^ halves.keys()}")
    return [
        (LONDON_HALVES[half][0], day, boroughs[number])
        for number, half in halves.items()
        for day in GEOGRAPHY_DATES
    ]


def _authority_members(row: Row, authorities: Rows) -> Members:
    """Itself from its start; before that, in older geographies, the authorities it replaced."""
    first = row.start or GEOGRAPHY_DATES[0]
    made = [(row.code, first, row.code)]
    for day in GEOGRAPHY_DATES:
        if day < first:
            old = (one for one in authorities.values() if one.existed_on(day))
            made += [(row.code, day, o.code) for o in old if _became(o, row.code, authorities)]
    return made


def _became(row: Row, code: str, authorities: Rows) -> bool:
    if not row.successors:
        return False
    return row.successors == code or _became(authorities[row.successors], code, authorities)


def _within(authority: Row, area: Row) -> bool:
    if area.type == "country":
        return authority.country == area.name
    column = {"csp": "csp_code", "police_force": "force_code", "region": "region_code"}[area.type]
    return str(getattr(authority, column)) == area.code


def _shared(values: Iterable[str]) -> str:
    """The value when all agree, else blank."""
    different = set(values)
    return different.pop() if len(different) == 1 else ""


def _country(code: str) -> str:
    return "Wales" if code.startswith("W") else "England"


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def make(folder: Path) -> tuple[Rows, Members]:
    """Read everything below `folder` and put the two tables together."""
    lookups, lait = folder / "lookups", folder / "dfe-lait-2024-11-19"
    older = read_lookup(next(lookups.glob("Local_Authority_District_to_*2017*.csv")), ",")
    newer = read_lookup(lookups / "lad_to_csp.csv", ";")
    dfe_codes = read_dfe_codes(folder / "dfe-looked-after-children")
    authorities = local_authorities(older, newer)
    place_in_regions(authorities, read_lsoa_areas(lookups / "PoliceforceLSOA.csv.gz"))
    name_as_in_population(authorities, next((folder / "ons-population").glob("MYEB3*.csv")))
    forces = police_forces((older, newer), authorities)
    name_forces(forces, read_force_spellings(folder))
    rows = authorities | partnerships((older, newer), authorities) | forces
    rows |= counties(dfe_codes, authorities) | halves_of_london()
    rows |= regions_and_countries() | bodies()
    for code, names in NAMES.items():
        rows[code].also_called(*names.split("|"))
    number_for_dfe(rows, dfe_codes, read_dfe_list(lait / "LA code list.xlsx"))
    spell_ampersands(rows)
    for old, current in FORMER_CODES.items():
        rows[current].also_called(old)
    made = members(rows, authorities)
    made += [line for code in COUNTY_DISTRICTS for line in county_members(code, authorities)]
    made += borough_members(rows, read_halves_of_london(lait / "bds_long_0.parquet"))
    return rows, sorted(made)


def name_as_in_population(authorities: Rows, path: Path) -> None:
    """Add the spellings of the population file, such as `Dorset (unitary authority)`."""
    codes = read_column(path, "ladcode20", "cp1252")
    for code, name in zip(codes, read_column(path, "laname20", "cp1252"), strict=True):
        if code in authorities:
            authorities[code].also_called(name)
        elif code[0] in "EW":
            raise SystemExit(f"{path.name}: authority in no lookup; got: {code!r} {name!r}")


def write(path: Path, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write one table as UTF-8 with LF, on any system."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def main(arguments: list[str]) -> None:
    """Write both files to the registry, or to the folder named second."""
    if len(arguments) not in (1, 2):
        raise SystemExit("usage: python tools/make_areas.py REAL_DATA_FOLDER [OUTPUT_FOLDER]")
    registry = Path(__file__).parents[1] / "safecity_pipeline" / "registry"
    output = Path(arguments[1]) if len(arguments) == 2 else registry
    rows, made = make(Path(arguments[0]))
    columns = [column.name for column in fields(Row)]
    ordered = ([getattr(rows[code], c) for c in columns] for code in sorted(rows))
    write(output / "areas.csv", columns, ordered)
    write(output / "area_members.csv", ("area_code", "as_of", "member_code"), made)


if __name__ == "__main__":
    main(sys.argv[1:])
