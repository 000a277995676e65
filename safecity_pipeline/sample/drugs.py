"""Synthetic seizures of drugs in the form of the Home Office, and admissions of a third party.

Here: seizures of the years to 2014-15, one column a drug, the year in the file's name only; in
2014-15 ketamine's column was moved and its head was not, so that from there on the heads are one
column late and the last is there twice. Of later years no table is known here, nor written. And
admissions, transposed: one row a year, one column a health
area, some of several authorities; the last year's row does not belong to the columns.
Not here: quantities, and the areas of other sources.
"""

from collections.abc import Mapping, Sequence

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import Plan

SEIZURES = "drugs/synthetic-Seizures{}.csv"
ADMISSIONS = "drugs/synthetic-drug-misuse-admissions.csv"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LEVEL_STREAM, _SEIZURE_STREAM, _ADMISSION_STREAM = 70, 71, 72
BORDER_FORCE = "Border Force"

# Force and its seizures a year, an invented round number.
_FORCES = {
    "Cleveland": 2_100,
    "Durham": 1_800,
    "Northumbria": 4_400,
    "Cheshire": 900,
    "Cumbria": 1_300,
    "Greater Manchester": 7_000,
    "Lancashire": 2_600,
    "Merseyside": 9_500,
    "Humberside": 2_200,
    "North Yorkshire": 2_000,
    "South Yorkshire": 3_100,
    "West Yorkshire": 6_500,
    "Derbyshire": 2_300,
    "Leicestershire": 2_400,
    "Lincolnshire": 1_500,
    "Northamptonshire": 1_600,
    "Nottinghamshire": 3_500,
    "Staffordshire": 1_900,
    "Warwickshire": 1_000,
    "West Mercia": 2_500,
    "West Midlands": 6_000,
    "Bedfordshire": 1_500,
    "Cambridgeshire": 2_100,
    "Essex": 4_200,
    "Hertfordshire": 3_000,
    "Norfolk": 2_100,
    "Suffolk": 1_900,
    "London, City of": 700,
    "Metropolitan Police": 48_000,
    "Hampshire": 5_200,
    "Kent": 3_300,
    "Surrey": 2_900,
    "Sussex": 4_300,
    "Thames Valley": 6_300,
    "Avon and Somerset": 4_600,
    "Devon and Cornwall": 3_200,
    "Dorset": 1_900,
    "Gloucestershire": 1_600,
    "Wiltshire": 1_400,
    "British Transport Police": 3_000,
    BORDER_FORCE: 6_000,
}
_SHARES_A = {
    "Cocaine": 0.090,
    "Crack": 0.024,
    "Ecstasy": 0.017,
    "Heroin": 0.045,
    "LSD": 0.001,
    "Methadone": 0.005,
    "Morphine": 0.002,
    "Other Class A": 0.006,
}
_SHARES_B = {
    "All Cannabis": 0.730,
    "Amphetamines": 0.038,
    "Barbiturates": 0.001,
    "Other Class B": 0.012,
}
_SHARES_C = {
    "Anabolic{}steroids": 0.003,
    "Benzodiazepines": 0.016,
    "GHB": 0.001,
    "Temazepam": 0.001,
    "Other Class C": 0.010,
}
_KETAMINE, _KETAMINE_SHARE = "Ketamine", 0.009
_TOTAL_A, _TOTAL_B, _TOTAL_C = "Total Class A", "Total Class B", "Total Class C"
_UNKNOWN, _ALL_DRUGS, _UNKNOWN_SHARE = "Unknown", "All drugs", 0.02
# Border Force sends these columns empty.
_NOT_STATED = ("Methadone", "Barbiturates", "GHB", "Temazepam")
_OVERLAP = 50  # one seizure in so many is of two drugs, and counts once in a total

_HEAD_TO_2013_14 = (
    *("Police force", _ALL_DRUGS, *_SHARES_A, _TOTAL_A, *_SHARES_B, _TOTAL_B),
    *("Anabolic0steroids", "Benzodiazepines", "GHB", _KETAMINE, "Temazepam", "Other Class C"),
    *(_TOTAL_C, _UNKNOWN),
)
_HEAD_OF_2014_15 = (
    *("Police force", _ALL_DRUGS, *_SHARES_A, _TOTAL_A, *_SHARES_B, _TOTAL_B),
    *("Anabolic-steroids", "Benzodiazepines", "GHB", _KETAMINE, "Temazepam", "Other Class C"),
    *("Other Class C", _UNKNOWN),
)
# What stands in the columns, in order: of the earlier table what its heads say.
_AS_HEADED = tuple(head.replace("0", "{}") for head in _HEAD_TO_2013_14[1:])
_MOVED_IN = "14-15"
_AS_MOVED = (
    *(_ALL_DRUGS, *_SHARES_A, _TOTAL_A, "All Cannabis", "Amphetamines", "Barbiturates"),
    *(_KETAMINE, "Other Class B", _TOTAL_B, "Anabolic{}steroids", "Benzodiazepines", "GHB"),
    *("Temazepam", "Other Class C", _TOTAL_C, _UNKNOWN),
)
# Seizures by financial year, 2013-14 is 1.
_LEVEL = {
    "09-10": 1.16,
    "10-11": 1.1,
    "11-12": 1.11,
    "12-13": 1.0,
    "13-14": 1.0,
    _MOVED_IN: 0.9,
}

# Health area and its admissions a year, an invented round number.
_HEALTH_AREAS = {
    "Bournemouth and Poole": 100,
    "Brighton and Hove": 110,
    "Bristol, City of": 140,
    "Cornwall and Isles of Scilly": 160,
    "Derby": 85,
    "East Berkshire": 60,
    "East Sussex": 120,
    "Essex": 260,
    "Hampshire": 240,
    "Hertfordshire": 190,
    "Hillingdon": 45,
    "Hounslow": 40,
    "Leicestershire and Rutland": 95,
    "Luton": 30,
    "Northamptonshire": 210,
    "Portsmouth": 65,
    "Sheffield": 105,
    "South Gloucestershire": 50,
    "Southampton": 90,
}
_ADMISSION_YEARS = range(2009, 2020)
_ROUNDED_FROM = 2018
_MISPLACED_YEAR = 2019
_NOT_THERE = (2012, "Hounslow")
_WITH_DECIMALS = "Derby"


def deliveries(plan: Plan) -> list[Delivery]:
    """Return the seizures of each year and the admissions of eleven."""
    return [*(_seizures(plan.seed, year) for year in _LEVEL), _admissions(plan.seed)]


def _seizures(seed: int, year: str) -> Delivery:
    moved = year == _MOVED_IN
    columns = _AS_MOVED if moved else _AS_HEADED
    rows: list[Sequence[str | int]] = [_HEAD_OF_2014_15 if moved else _HEAD_TO_2013_14]
    for number, force in enumerate(_FORCES):
        seized = _seized(seed, number, force, year)
        rows.append((force, *(seized[drug] for drug in columns)))
    # The last row has no line end, and the mark is there in one year and not the other.
    content = table_to_bytes(rows, "\r\n").removesuffix(b"\r\n")
    content = (_BYTE_ORDER_MARK if moved else b"") + content
    file = SEIZURES.format(year)
    return Delivery(file, "drug_seizures", content, len(rows), f"20{year[3:]}-11-20")


def _seized(seed: int, number: int, force: str, year: str) -> Mapping[str, str | int]:
    """Seizures by drug, and totals in which a seizure of several drugs counts once."""
    ketamine = {_KETAMINE: _KETAMINE_SHARE}
    in_b = year == _MOVED_IN
    classes = {
        _TOTAL_A: _drawn(seed, number, force, year, _SHARES_A),
        _TOTAL_B: _drawn(seed, number, force, year, _SHARES_B | (ketamine if in_b else {})),
        _TOTAL_C: _drawn(seed, number, force, year, _SHARES_C | ({} if in_b else ketamine)),
        _UNKNOWN: _drawn(seed, number, force, year, {_UNKNOWN: _UNKNOWN_SHARE}),
    }
    drugs = {drug: count for parts in classes.values() for drug, count in parts.items()}
    totals = {total: _together(parts) for total, parts in classes.items()}
    all_drugs = {_ALL_DRUGS: _together(totals)}
    lacking = dict.fromkeys(_NOT_STATED if force == BORDER_FORCE else (), "")
    return {**drugs, **totals, **all_drugs, **lacking}


def _drawn(
    seed: int, number: int, force: str, year: str, shares: Mapping[str, float]
) -> dict[str, int]:
    drugs = [drug for drug in shares if force != BORDER_FORCE or drug not in _NOT_STATED]
    counts = {}
    for drug in drugs:
        key = _drug_key(drug)
        level = 0.8 + 0.4 * float(stream(seed, _LEVEL_STREAM, number, key).random())
        chance = stream(seed, _SEIZURE_STREAM, number, key, int(year[:2]))
        expected = _FORCES[force] * shares[drug] * level * _LEVEL[year]
        spread = 0.95 + 0.1 * float(chance.random())
        counts[drug] = int(expected * spread + float(chance.random()))
    return counts


def _drug_key(drug: str) -> int:
    return [*_SHARES_A, *_SHARES_B, *_SHARES_C, _KETAMINE, _UNKNOWN].index(drug)


def _together(parts: Mapping[str, int]) -> int:
    largest, others = max(parts.values()), sum(parts.values()) - max(parts.values())
    return largest + others - others // _OVERLAP


def _admissions(seed: int) -> Delivery:
    rows: list[Sequence[str | int]] = [("year", *_HEALTH_AREAS)]
    for year in _ADMISSION_YEARS:
        cells = [_admitted(seed, year, number, area) for number, area in enumerate(_HEALTH_AREAS)]
        moved = len(cells) // 2 if year == _MISPLACED_YEAR else 0
        rows.append((year, *cells[moved:], *cells[:moved]))
    content = table_to_bytes(rows, "\n")
    return Delivery(ADMISSIONS, "drug_admissions", content, len(rows), "2020-03-12", planted=1)


def _admitted(seed: int, year: int, number: int, area: str) -> str:
    if (year, area) == _NOT_THERE:
        return ""
    chance = stream(seed, _ADMISSION_STREAM, year, number)
    grown = 1 + 0.03 * (year - _ADMISSION_YEARS[0])
    persons = int(_HEALTH_AREAS[area] * grown * (0.92 + 0.16 * float(chance.random())))
    if year >= _ROUNDED_FROM:
        persons = (persons + 2) // 5 * 5
    return f"{persons}.0" if area == _WITH_DECIMALS else str(persons)
