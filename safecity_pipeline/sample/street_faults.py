"""The faults planted in the synthetic street-level files: one kind to a row.

Here: each kind of fault, as a function from a good row's fields to a bad one's, and the planting.
Not here: good rows (`street`), and the rules that should find the faults (the source's own).
"""

from collections.abc import Callable, Sequence

import numpy as np

Fields = list[str]
Fault = Callable[[Fields], Fields]

CRIME_ID, MONTH, REPORTED_BY, FALLS_WITHIN, LONGITUDE, LATITUDE = range(6)
LOCATION, LSOA_CODE, LSOA_NAME, CRIME_TYPE, LAST_OUTCOME_CATEGORY, CONTEXT = range(6, 12)


def _with(fields: Fields, at: int, cell: str) -> Fields:
    return [*fields[:at], cell, *fields[at + 1 :]]


def _month_of_another_file(fields: Fields) -> Fields:
    year, month = int(fields[MONTH][:4]), int(fields[MONTH][5:])
    earlier = f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"
    return _with(fields, MONTH, earlier)


def _impossible_month(fields: Fields) -> Fields:
    return _with(fields, MONTH, f"{fields[MONTH][:4]}-13")


def _unknown_crime_type(fields: Fields) -> Fields:
    return _with(fields, CRIME_TYPE, "Cattle rustling")


def _latitude_out_of_range(fields: Fields) -> Fields:
    return _with(fields, LATITUDE, f"1{fields[LATITUDE]}")


def _latitude_as_text(fields: Fields) -> Fields:
    return _with(fields, LATITUDE, "north")


def _longitude_alone(fields: Fields) -> Fields:
    return _with(fields, LATITUDE, "")


def _latitude_alone(fields: Fields) -> Fields:
    return _with(fields, LONGITUDE, "")


def _crime_id_too_short(fields: Fields) -> Fields:
    return _with(fields, CRIME_ID, fields[CRIME_ID][:-1])


def _crime_id_not_hexadecimal(fields: Fields) -> Fields:
    return _with(fields, CRIME_ID, "z" + fields[CRIME_ID][1:])


def _lsoa_code_too_short(fields: Fields) -> Fields:
    return _with(fields, LSOA_CODE, fields[LSOA_CODE][:-1])


def _unknown_force(fields: Fields) -> Fields:
    return _with(_with(fields, REPORTED_BY, "Camelot Police"), FALLS_WITHIN, "Camelot Police")


def _one_field_too_many(fields: Fields) -> Fields:
    # As it happens in practice: a comma in a street's name that nobody quoted.
    return _with(fields, LOCATION, f"{fields[LOCATION]},Rear")


def _one_field_too_few(fields: Fields) -> Fields:
    return fields[:-1]


FAULTS: dict[str, Fault] = {
    "month_of_another_file": _month_of_another_file,
    "impossible_month": _impossible_month,
    "unknown_crime_type": _unknown_crime_type,
    "latitude_out_of_range": _latitude_out_of_range,
    "latitude_as_text": _latitude_as_text,
    "longitude_alone": _longitude_alone,
    "latitude_alone": _latitude_alone,
    "crime_id_too_short": _crime_id_too_short,
    "crime_id_not_hexadecimal": _crime_id_not_hexadecimal,
    "lsoa_code_too_short": _lsoa_code_too_short,
    "unknown_force": _unknown_force,
    "one_field_too_many": _one_field_too_many,
    "one_field_too_few": _one_field_too_few,
}


def plant(rows: list[Fields], kinds: Sequence[str], chance: np.random.Generator) -> int:
    """Spoil one row of `rows` for each of `kinds`, in place; return how many were spoilt.

    Only rows with a Crime ID and a position are taken, so that each kind has something to spoil.
    """
    fit = [at for at, row in enumerate(rows) if row[CRIME_ID] and row[LATITUDE]]
    order = np.argsort(chance.random(len(fit)), kind="stable")
    chosen = [fit[int(index)] for index in order[: len(kinds)]]
    for at, kind in zip(chosen, kinds, strict=True):
        rows[at] = FAULTS[kind](rows[at])
    return len(chosen)
