"""Synthetic lists of a Youth Offending Service's case system: outcomes, and interventions closed.

Here: two files a financial year. That of closed interventions has YOIS's heads and words to 2010-11
and ChildView's since; children stand under codes, since the columns that name them were left out on
export. Two rows a file are bad, of eleven kinds, and the closed interventions of 2013-14 were
extracted twice: in April some closures and some places to live were not recorded yet. Not here: how
many there are of what (`youth_service`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

from safecity_pipeline.sample.delivery import Delivery, stream, table_to_bytes
from safecity_pipeline.sample.plan import FIRST_YEAR, Plan
from safecity_pipeline.sample.youth_service import Ended, ended, sentenced

CLOSED = "youth_offending/synthetic-southampton-yos-closed-interventions-{}-extracted-{}.csv"
OUTCOMES = "youth_offending/synthetic-southampton-yos-outcomes-{}-extracted-{}.csv"
LAST_YEAR_OF_YOIS = 2010
EXTRACTED_TWICE, LATER = 2013, date(2014, 10, 13)
_LATE_CLOSURES, _LATE_PLACES = 4, 6
_POOL, _OUTCOME, _END, _FAULT = range(310, 314)
_YOUTH_CAUTIONS_FROM = date(2013, 4, 8)
_PREVENTION = 6  # closed interventions a year that are voluntary
_SCHOOL_AGE_HOURS, _POST_16_HOURS = 25, 16

_HEADS_OF_CLOSED = {
    "YOIS": (
        *("Programme No", "Person No", "Sex", "Age", "LAC", "Order", "Offence Category"),
        *("Seriousness", "Date From", "Date To", "Closure Reason", "Accomm Suitable"),
        *("ETE Suitable", "ETE Hrs", "ETE Phase"),
    ),
    "ChildView": (
        *("Intervention ID", "Client ID", "Gender", "Age at Start", "Looked After Status"),
        *("Legal Outcome", "Main Offence", "Gravity Score", "Start Date", "End Date"),
        *("End Reason", "Suitable Accommodation at End", "Suitable ETE at End"),
        *("ETE Hours at End", "School Age or Post 16"),
    ),
}
# Outcomes were taken over into the new system, and extracted again from it.
_OUTCOMES_OF_CHILDVIEW = (
    *("Outcome ID", "Client ID", "Gender", "Age at Outcome", "Looked After Status"),
    *("Legal Outcome", "Main Offence", "Gravity Score", "Outcome Date"),
)
_HEADS_OF_OUTCOMES = dict.fromkeys(("YOIS", "ChildView"), _OUTCOMES_OF_CHILDVIEW)
# What ChildView says, in YOIS's words.
_IN_YOIS = {
    "Male": "M",
    "Female": "F",
    "Not Known": "U",
    "Yes": "Y",
    "No": "N",
    "School Age": "S",
    "Post 16": "P",
    "Youth Rehabilitation Order": "YRO",
    "Detention and Training Order": "DTO",
}
_FIRST_TIER = (
    *("Referral Order",) * 8,
    *("Reparation Order", "Conditional Discharge", "Fine", "Absolute Discharge"),
)
_SERIOUS_OFFENCES = (
    *("Robbery", "Violence against the person", "Domestic burglary", "Sexual offences", "Drugs"),
)
_OTHER_OFFENCES = (
    *("Theft and handling", "Criminal damage", "Public order", "Motoring offences", "Drugs"),
    *("Violence against the person", "Breach of order"),
)
_REASONS = ("Completed", "Completed", "Completed", "Revoked", "Transferred", "Reached 18")

Of = TypeVar("Of")
Cells = list[str]


@dataclass(frozen=True)
class Child:
    """A child known to the service. `born`: the year of age 0, of which no day is told."""

    code: str
    sex: str
    born: int
    looked_after: bool

    def age(self, year: int) -> int:
        """Completed years in the financial year that begins in `year`."""
        return year - self.born


@dataclass(frozen=True)
class Row:
    """An outcome, or with its last five columns a closed intervention."""

    reference: str
    child: Child
    disposal: str
    offence: str
    seriousness: int
    started: date
    ended: date | None = None
    reason: str = ""
    accommodated: str = ""
    suitable: str = ""
    hours: str = ""

    def cells(self, year: int) -> Cells:
        """The row in ChildView's words."""
        child, day = self.child, self.started
        first_day_of = year if self.ended is None else day.year - (day.month < 4)
        first = [self.reference, child.code, child.sex, str(child.age(first_day_of))]
        first += ["Yes" if child.looked_after else "No", self.disposal, self.offence]
        first += [str(self.seriousness), _written(day)]
        if self.ended is None:
            return first
        phase = "School Age" if child.age(year) < 16 else "Post 16"
        last = [_written(self.ended), self.reason, self.accommodated, self.suitable, self.hours]
        return [*first, *last, phase]


_REFERENCE, _CODE, _AGE, _ORDER, _SCORE, _FIRST_DAY, _LAST_DAY, _HOURS = 0, 1, 3, 5, 7, 8, 9, 13


def deliveries(plan: Plan) -> list[Delivery]:
    """Return outcomes and closed interventions of every year, of one year the latter twice."""
    found = []
    for label in plan.years:
        year = int(label[:4])
        found.append(_outcomes(plan.seed, label, year))
        closed = _with_faults(plan.seed, year, _closed(plan.seed, year), _FAULTS_OF_CLOSED)
        if year == EXTRACTED_TWICE:
            found.append(_early(label, year, closed))
            found.append(_file(CLOSED, _HEADS_OF_CLOSED, label, year, LATER, closed))
        else:
            day = _taken(year)
            found.append(_file(CLOSED, _HEADS_OF_CLOSED, label, year, day, closed))
    return found


def _outcomes(seed: int, label: str, year: int) -> Delivery:
    rows = _with_faults(seed, year, _given(seed, year), _FAULTS_OF_OUTCOMES)
    return _file(OUTCOMES, _HEADS_OF_OUTCOMES, label, year, _taken(year), rows)


def _taken(year: int) -> date:
    """The day of a year's extracts, three weeks after it."""
    return date(year + 1, 4, 20 + year % 3)


def _file(
    name: str,
    heads: Mapping[str, Sequence[str]],
    label: str,
    year: int,
    day: date,
    rows: Sequence[Cells],
    superseded: bool = False,
) -> Delivery:
    old = year <= LAST_YEAR_OF_YOIS
    head = heads["YOIS" if old else "ChildView"]
    if head == _HEADS_OF_CLOSED["YOIS"]:
        rows = [[_IN_YOIS.get(cell, cell) for cell in row] for row in rows]
    return Delivery(
        name.format(label, day.isoformat()),
        "youth_offending",
        table_to_bytes([head, *rows], "\r\n"),
        len(rows) + 1,
        day.isoformat(),
        planted=_FAULTS_A_FILE,
        delivered_twice=len(rows) - _FAULTS_A_FILE if superseded else 0,
    )


def _early(label: str, year: int, rows: Sequence[Cells]) -> Delivery:
    """The list as it was in April: the last rows are not there yet, nor some places to live."""
    known = [list(row) for row in rows[:-_LATE_CLOSURES]]
    for row in known[-_LATE_PLACES:]:
        row[_LAST_DAY + 2] = ""
    return _file(CLOSED, _HEADS_OF_CLOSED, label, year, _taken(year), known, superseded=True)


# --- children ------------------------------------------------------------------------------------


def _children(seed: int, year: int) -> list[Child]:
    """Those new to the service in `year`, and those of the two years before who are not yet 18."""
    new = [_new(seed, since) for since in (year, year - 1, year - 2)]
    return [*new[0], *(child for earlier in new[1:] for child in earlier if child.age(year) < 18)]


def _new(seed: int, year: int) -> list[Child]:
    chance = stream(seed, _POOL, year)
    at = min(max(year, FIRST_YEAR), 2016)
    number = sentenced(seed, at).pre_court + sentenced(seed, at).court // 3
    return [_child(chance, seed, year, serial) for serial in range(number)]


def _child(chance: np.random.Generator, seed: int, year: int, serial: int) -> Child:
    # Another code for every number, since factor and modulus share none; the first sign a digit.
    code = ((year - 2000) * 2_000 + serial + seed * 48_271) * 10_368_889 % 0xA00000
    sex = "Male" if chance.random() < 0.79 else "Female" if chance.random() < 0.98 else "Not Known"
    age = 17 - int(7 * float(chance.random()) ** 2)
    return Child(f"YOS-{code:06X}", sex, year - age, bool(chance.random() < 0.07))


# --- rows ----------------------------------------------------------------------------------------


def _given(seed: int, year: int) -> list[Cells]:
    """Outcomes of a year: one child is sentenced to custody twice, all others once."""
    chance, counts = stream(seed, _OUTCOME, year), sentenced(seed, year)
    children = _children(seed, year)
    older = _shuffled(chance, [child for child in children if child.age(year) >= 14])
    custodial = [*older[: counts.custodial - 1], older[0]]
    disposals = ["Detention and Training Order"] * (counts.custodial - 1) + ["Section 91"]
    first_tier = counts.court - counts.custodial - counts.court // 3
    disposals += ["Youth Rehabilitation Order"] * (counts.court // 3)
    disposals += [_of(chance, _FIRST_TIER) for _ in range(first_tier)]
    disposals += [""] * counts.pre_court
    others = [_of(chance, children) for _ in range(len(disposals) - counts.custodial)]
    # The most severe sentences stand first, so the serious offences do too.
    rows = [
        _outcome(chance, year, child, disposal, place < counts.serious)
        for place, (child, disposal) in enumerate(
            zip([*custodial, *others], disposals, strict=True)
        )
    ]
    return _numbered("OUT", year, sorted(rows, key=lambda row: row.started))


def _outcome(
    chance: np.random.Generator, year: int, child: Child, disposal: str, serious: bool
) -> Row:
    day = _day_in(chance, year)
    if not disposal:
        again = chance.random() < 0.3
        earlier = "Final Warning" if again else "Reprimand"
        later = "Youth Conditional Caution" if again else "Youth Caution"
        disposal = later if day >= _YOUTH_CAUTIONS_FROM else earlier
    return Row("", child, disposal, *_offence(chance, serious), day)


def _offence(chance: np.random.Generator, serious: bool) -> tuple[str, int]:
    if serious:
        return _of(chance, _SERIOUS_OFFENCES), 5 + int(4 * float(chance.random()) ** 2)
    return _of(chance, _OTHER_OFFENCES), 1 + int(chance.integers(4))


def _closed(seed: int, year: int) -> list[Cells]:
    """Interventions that ended in a year; a child may have several of them."""
    chance, counts = stream(seed, _END, year), ended(seed, year)
    children = _children(seed, year)
    rows = [
        _ended(chance, year, _of(chance, children), accommodated, engaged)
        for accommodated, engaged in zip(*_judged(chance, counts), strict=True)
    ]
    prevention = [
        _ended(chance, year, _of(chance, children), "No", False) for _ in range(_PREVENTION)
    ]
    rows += [replace(row, disposal="Prevention Programme") for row in prevention]
    return _numbered("INT", year, sorted(rows, key=lambda row: row.ended or row.started))


def _judged(chance: np.random.Generator, counts: Ended) -> tuple[list[str], list[bool | None]]:
    """How each intervention ended: where the child lived, and whether it was fully engaged."""
    lived = ["Yes"] * counts.accommodated
    lived += ["No"] * (counts.recorded_accommodation - counts.accommodated)
    lived += [""] * (counts.interventions - counts.recorded_accommodation)
    engaged: list[bool | None] = [True] * counts.engaged
    engaged += [False] * (counts.recorded_engagement - counts.engaged)
    engaged += [None] * (counts.interventions - counts.recorded_engagement)
    return _shuffled(chance, lived), _shuffled(chance, engaged)


def _ended(
    chance: np.random.Generator, year: int, child: Child, accommodated: str, engaged: bool | None
) -> Row:
    end = _day_in(chance, year)
    start = end - timedelta(days=60 + int(chance.integers(240)))
    order = _of(chance, ("Youth Caution", "Referral Order", "Referral Order", "", ""))
    if not order:
        order = _of(chance, ("Youth Rehabilitation Order", "Detention and Training Order"))
    if order == "Youth Caution" and start < _YOUTH_CAUTIONS_FROM:
        order = "Final Warning"
    needed = _SCHOOL_AGE_HOURS if child.age(year) < 16 else _POST_16_HOURS
    suitable, hours = _engagement(chance, engaged, needed)
    offence, score = _offence(chance, bool(chance.random() < 0.12))
    reason = _of(chance, _REASONS)
    return Row("", child, order, offence, score, start, end, reason, accommodated, suitable, hours)


def _engagement(chance: np.random.Generator, engaged: bool | None, needed: int) -> tuple[str, str]:
    """Whether it was suitable, and the hours a week: too few are no full engagement, whatever the
    system's tick says."""
    if engaged:
        return "Yes", str(needed + int(chance.integers(8)))
    if engaged is None:
        return ("Yes", "") if chance.random() < 0.5 else ("", "")
    if chance.random() < 0.4:
        return "Yes", str(4 + int(chance.integers(needed - 4)))
    return "No", str(int(chance.integers(12)))


def _numbered(prefix: str, year: int, rows: Sequence[Row]) -> list[Cells]:
    first = (year - 2000) * 10_000
    return [
        replace(row, reference=f"{prefix}-{first + number}").cells(year)
        for number, row in enumerate(rows, 1)
    ]


# --- faults --------------------------------------------------------------------------------------

Fault = Callable[[Cells], None]


def _set(place: int, text: str) -> Fault:
    def put(row: Cells) -> None:
        row[place] = text

    return put


def _ends_before_it_starts(row: Cells) -> None:
    day, month, year = map(int, row[_LAST_DAY].split("/"))
    row[_FIRST_DAY] = _written(date(year, month, day) + timedelta(days=31))


def _is_there_twice(row: Cells) -> None:
    """A copy as it stands, under the number of the other."""


_FAULTS_A_FILE = 2
_FAULTS_OF_CLOSED: tuple[Fault, ...] = (
    _set(_SCORE, "9"),
    _is_there_twice,
    _set(_LAST_DAY, "31/02/2012"),
    _set(_HOURS, "250"),
    _set(_LAST_DAY, ""),
    _set(_AGE, "71"),
    _ends_before_it_starts,
)
_FAULTS_OF_OUTCOMES: tuple[Fault, ...] = (
    _set(_FIRST_DAY, "01/04/2001"),
    _set(_ORDER, "Refferal Order"),
    _set(_CODE, ""),
    _is_there_twice,
    _set(_SCORE, "0"),
)


def _with_faults(
    seed: int, year: int, rows: Sequence[Cells], faults: Sequence[Fault]
) -> list[Cells]:
    """The rows, and copies of two of them among the first that have one fault each."""
    chance = stream(seed, _FAULT, year, len(faults))
    made = [list(row) for row in rows]
    for number in range(_FAULTS_A_FILE):
        place = int(chance.integers(len(rows) // 2))
        wrong = list(made[place])
        fault = faults[(_FAULTS_A_FILE * (year - FIRST_YEAR) + number) % len(faults)]
        if fault is not _is_there_twice:
            wrong[_REFERENCE] = f"{wrong[_REFERENCE]}{'AB'[number]}"
        fault(wrong)
        made.insert(place + 1, wrong)
    return made


# --- chance --------------------------------------------------------------------------------------


def _of(chance: np.random.Generator, listed: Sequence[Of]) -> Of:
    return listed[int(chance.integers(len(listed)))]


def _shuffled(chance: np.random.Generator, listed: Sequence[Of]) -> list[Of]:
    """In another order; of draws that are the same on every machine."""
    left = list(listed)
    for last in range(len(left) - 1, 0, -1):
        other = int(chance.integers(last + 1))
        left[last], left[other] = left[other], left[last]
    return left


def _day_in(chance: np.random.Generator, year: int) -> date:
    return date(year, 4, 1) + timedelta(days=int(chance.integers(365)))


def _written(day: date) -> str:
    return day.strftime("%d/%m/%Y")
