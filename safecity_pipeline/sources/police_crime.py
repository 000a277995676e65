"""Recorded crimes as a police force exports them from its own records system.

A row is one crime or, in the other form in which forces send it, one crime with one of its persons
and one of its qualifiers: such rows are folded into one crime by the reference, and the ledger says
how many were. The day of recording sets the month and year to which a crime belongs, not the day
it was committed. A crime that was cancelled stays as a row and is marked; indicators leave it out.

What it is not: an incident or a call (`police_incident`), nor a victim, suspect or offender. No
column that tells who somebody is is read: a force should leave them out of the export, since a row
that is refused is kept as it came.

Traps. A Home Office code is a text (`8N`, `37.2`, `105A`). A flag is as good as the officer who set
it, and its use changes over time. Fraud went to Action Fraud in 2011 to 2013. A crime whose day of
recording was put right between two exports is in another month in the later one, so it may be there
twice, or not at all, where only one of the two months came again: `reference_counted_once` sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from safecity_pipeline.model import Classification, CrossRow, Derived, Fold, Places, Source, Window
from safecity_pipeline.vocabulary import OFFENCE_GROUPS

REFERENCE = "[0-9A-Za-z][0-9A-Za-z/-]{3,24}"
NOT_COUNTED = ("Cancelled", "No crime", "Transferred")
STATUSES = ("Open", "Filed", "Finalised", *NOT_COUNTED)
STRANDS = {
    "racial": ("racial", "race", "racist", "race or ethnicity"),
    "religious": ("religious", "religion", "faith", "religion or belief"),
    "sexual_orientation": ("sexual orientation", "homophobic"),
    "transgender": ("transgender", "transphobic"),
    "disability": ("disability", "disablist"),
}
"""The five strands that are monitored → how forces write them."""

STRANDS_FLAGGED = ", ".join(
    f"CASE WHEN hate_{strand} THEN '{strand.replace('_', ' ')}' END" for strand in STRANDS
)
STRAND_OF = {word: strand for strand, words in STRANDS.items() for word in words}
NO_STRAND, OTHER_STRANDS = "", ("other", "not monitored", "alternative subculture")
_HATE = re.compile(r"hate(?: crime| incident)?\W*(.*)")
_PARTED = re.compile(r"[;|,]")
_ADDED = re.compile(
    r"\W*\b(city council|borough council|district council|city|borough|district|csp|ua|council)\W*",
    re.IGNORECASE,
)


def _text(words: str, first: str, second: str, *, nullable: bool = False, **more: object) -> Any:
    metadata = {"example": (first, second), **more}
    return pa.Field(nullable=nullable, description=words, metadata=metadata)


def _time(
    words: str, first: str, second: str, *, nullable: bool = False, kind: str = "moment"
) -> Any:
    metadata = {"parse": kind, "example": (first, second)}
    return pa.Field(nullable=nullable, description=words, metadata=metadata)


class PoliceCrime(pa.DataFrameModel):
    """One crime recorded by a police force."""

    crime_reference: Series[str] = _text(
        "The force's reference of the crime", "44140000001", "44140000002", form=REFERENCE
    )
    offence_code: Series[str] = _text(
        "Home Office offence code, newest classification; a text", "8N", "37.2"
    )
    offence_description: Series[str] = _text(
        "Offence in words", "Assault with injury", "Aggravated vehicle taking", nullable=True
    )
    offence_group: Series[str] = _text(
        "Offence group of the Home Office", "Violence against the person", "Theft offences"
    )
    offence_subgroup: Series[str] = _text(
        "Offence subgroup of the Home Office", "Violence with injury", "Theft of a motor vehicle"
    )
    recorded_at: Series[pd.Timestamp] = _time(
        "Day, and time if stated, at which it was recorded: it sets month and year",
        *("09/04/2014 13:05", "10/04/2014 08:40"),
    )
    committed_from: Series[pd.Timestamp] = _time(
        "Earliest time at which it may have been committed",
        *("08/04/2014 22:30", ""),
        nullable=True,
    )
    committed_to: Series[pd.Timestamp] = _time(
        "Latest such time", "08/04/2014 23:10", "", nullable=True
    )
    district: Series[str] = _text(
        "District or Community Safety Partnership in which it was committed",
        *("Southampton", "Eastleigh"),
    )
    ward: Series[str] = _text(
        "Ward, as the force names it", "Bargate", "", nullable=True, open=True
    )
    beat: Series[str] = _text("Beat of the force", "SC01", "", nullable=True)
    lsoa_code: Series[str] = _text(
        "Lower layer super output area of the place", "E01017139", "", nullable=True
    )
    location_type: Series[str] = _text("Kind of place", "Public house or club", "", nullable=True)
    outcome: Series[str] = _text(
        "Outcome at the time of the export; empty while none is reached",
        *("Charge or summons", ""),
        nullable=True,
    )
    outcome_on: Series[pd.Timestamp] = _time(
        "Day of the outcome", "02/05/2014", "", nullable=True, kind="day"
    )
    first_classification: Series[str] = _text(
        "What it was taken for at first", "8N", "", nullable=True
    )
    current_classification: Series[str] = _text(
        "What it is taken for at the time of the export", "8N", "", nullable=True
    )
    status: Series[str] = _text(
        "State of the record; cancelled, no crime and transferred do not count", "Open", "Filed"
    )
    qualifiers: Series[str] = _text(
        "Flags of the crime, parted by semicolons", "Domestic; Alcohol", "", nullable=True
    )
    extracted_on: Series[pd.Timestamp] = _time(
        "Day on which the force made the export", "14/04/2015", "14/04/2015", kind="day"
    )

    @pa.check(
        "crime_reference",
        name="crime_reference_form",
        error="a crime reference is 4 to 25 letters, digits, slashes or hyphens",
    )
    def crime_reference_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(REFERENCE)

    @pa.check(
        "ward",
        name="ward_form",
        error="a ward is a name of at most 50 characters and two digits",
    )
    def ward_form(cls, values: pd.Series) -> pd.Series:
        return values.str.len().le(50) & values.str.count("[0-9]").le(2)

    @pa.check(
        "offence_code",
        name="offence_code_form",
        error="an offence code is 1 to 20 letters, digits, dots, slashes or blanks",
    )
    def offence_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[0-9A-Za-z][0-9A-Za-z./ ]{0,19}")

    @pa.check(
        "offence_group",
        name="offence_group_known",
        error="the offence group is one of the Home Office's since 2013",
        statistics={"allowed": OFFENCE_GROUPS},
    )
    def offence_group_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(OFFENCE_GROUPS)

    @pa.check(
        "recorded_at",
        name="recorded_in_range",
        error="a crime was recorded between April 2002 and today",
    )
    def recorded_in_range(cls, values: pd.Series) -> pd.Series:
        return values.between(pd.Timestamp(2002, 4, 1), pd.Timestamp.now())

    @pa.check("lsoa_code", name="lsoa_code_form", error="an LSOA code is E01 or W01 and six digits")
    def lsoa_code_form(cls, values: pd.Series) -> pd.Series:
        return values.str.fullmatch(r"[EW]01\d{6}")

    @pa.check(
        "status",
        name="status_known",
        error="the state of the record is one that is known, since some do not count",
        statistics={"allowed": STATUSES},
    )
    def status_known(cls, values: pd.Series) -> pd.Series:
        return values.isin(STATUSES)

    @pa.check(
        "qualifiers",
        name="hate_strand_known",
        error="a hate qualifier names race, religion, sexual orientation, transgender, disability, "
        "or says that it is another",
    )
    def hate_strand_known(cls, values: pd.Series) -> pd.Series:
        return values.map(lambda cell: None not in list(_strands(cell)))

    @pa.dataframe_check(
        name="committed_in_order",
        error="a crime was committed before the end of the time at which it may have been",
        statistics={"columns": ("committed_from", "committed_to")},
    )
    def committed_in_order(cls, rows: pd.DataFrame) -> pd.Series:
        return ~(rows["committed_from"] > rows["committed_to"])  # either may be absent

    @pa.dataframe_check(
        name="committed_before_recorded",
        error="a crime is not recorded on a day before it was committed",
        statistics={"columns": ("committed_from", "recorded_at")},
    )
    def committed_before_recorded(cls, rows: pd.DataFrame) -> pd.Series:
        since: pd.Series = rows["committed_from"].dt.normalize()
        return ~(since > rows["recorded_at"])

    @pa.dataframe_check(
        name="outcome_stated",
        error="a day of an outcome stands beside an outcome",
        ignore_na=False,
        statistics={"columns": ("outcome", "outcome_on")},
    )
    def outcome_stated(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["outcome"].notna() | rows["outcome_on"].isna()


def qualifiers_of(cell: str) -> list[str]:
    """The flags in a cell, in small letters, each once."""
    parts = (" ".join(part.split()).casefold() for part in _PARTED.split(cell))
    return list(dict.fromkeys(part for part in parts if part))


def _strands(cell: str) -> Iterator[str | None]:
    """Of each hate flag its strand; NO_STRAND where it names none, or one that is not monitored;
    None where nobody knows the word."""
    for qualifier in qualifiers_of(cell):
        if found := _HATE.fullmatch(qualifier):
            unsaid = found[1] in (NO_STRAND, *OTHER_STRANDS)
            yield NO_STRAND if unsaid else STRAND_OF.get(found[1])


def strands_of(cell: str) -> set[str]:
    """The monitored strands that a cell names."""
    return {strand for strand in _strands(cell) if strand}


def is_hate(cell: str) -> bool:
    """A flag of one of the five strands, or of hate without a strand. Hate that is `other` than
    the five is in no official figure."""
    bare = any(
        found[1] == NO_STRAND for found in map(_HATE.fullmatch, qualifiers_of(cell)) if found
    )
    return bare or bool(strands_of(cell))


def _names(cell: str, word: str) -> bool:
    return any(one.startswith(word) for one in qualifiers_of(cell))


def area(places: Places, district: str) -> str | None:
    """The authority or partnership, though a force may add a word to its name."""
    for name in (district, _ADDED.sub(" ", district).strip()):
        if found := places.local_authority(name) or places.csp(name):
            return found
    return None


# The state of the record stands beside the flags so that a crime without any has an answer too.
_FLAGS = ("qualifiers", "status")


def _flag(name: str, words: str, holds: Callable[[str], bool]) -> Derived:
    def make(places: Places, cell: str | None, status: str) -> bool:
        return holds(cell or "")

    return Derived(name, "BOOLEAN", _FLAGS, make, words)


def _strand_flag(strand: str) -> Derived:
    words = f"A hate flag of the strand {strand.replace('_', ' ')}"
    return _flag(f"hate_{strand}", words, lambda cell: strand in strands_of(cell))


SOURCE = Source(
    name="police_crime",
    title="Recorded crimes, exported from a police force's records system",
    supplier="police force",
    licence="information sharing agreement",
    due_days=60,
    # Crimes are cancelled and reclassified for some months; outcomes come in for a year.
    settles_after=365,
    assurance="A1",
    sensitivity="personal",
    maximum_rows=2_000_000,
    model=PoliceCrime,
    classified=(
        Classification("offence_group"),
        Classification("offence_subgroup", "offence_group"),
        Classification("offence_code", "offence_subgroup", "offence_description"),
    ),
    geography="area_code",
    period_start="date_trunc('month', recorded_at)::DATE",
    period_end="last_day(recorded_at)",
    windows=(
        Window(
            "hour_of_week",
            "VARCHAR",
            # A day without a time reads as its midnight.
            "CASE WHEN committed_from <> date_trunc('day', committed_from) "
            "THEN strftime(committed_from, '%u %a %H:00') END",
            "Day and hour at which it was committed, or began: 5 Fri 23:00; empty where not known, "
            "and for midnight to the minute, which is what stands where only the day is known",
        ),
        Window(
            "hate_strand",
            "VARCHAR[]",
            f"list_filter([{STRANDS_FLAGGED}], lambda one: one IS NOT NULL)",
            "Strands of hate that are flagged; empty where none is, or none is named",
        ),
    ),
    fold=Fold(
        key=("crime_reference",),
        joined=("qualifiers",),
        same=("offence_code", "recorded_at", "district", "status"),
    ),
    derived=(
        Derived(
            "area_code",
            "VARCHAR",
            ("district",),
            area,
            "Local authority or partnership of the district",
            refusal="the district is an authority or partnership that areas.csv knows",
        ),
        Derived(
            "cancelled",
            "BOOLEAN",
            ("status",),
            lambda places, status: status in NOT_COUNTED,
            "No crime after all, or another force's: kept, and left out by indicators",
        ),
        _flag("alcohol", "Flagged as affected by alcohol", lambda cell: _names(cell, "alcohol")),
        _flag("domestic_abuse", "Flagged as domestic", lambda cell: _names(cell, "domestic")),
        _flag(
            "hate", "Flagged as hate crime of one of the five strands, or of none named", is_hate
        ),
        *map(_strand_flag, STRANDS),
        Derived(
            "hate_strands",
            "BIGINT",
            _FLAGS,
            lambda places, cell, status: len(strands_of(cell or "")),
            "How many of the five strands are flagged; a crime may have several",
        ),
    ),
    across=(
        CrossRow(
            "reference_counted_once",
            "a crime counts in one area and month; else its day or district was changed between "
            "two exports of which both count in part",
            "SELECT count(*) FROM (SELECT crime_reference FROM clean.police_crime "
            "GROUP BY crime_reference HAVING count(*) > 1)",
        ),
    ),
    minimum_rows=100,
    cadence="quarterly",
    audience="public",
    disclosure="under_5",
)
