"""Which delivery of a unit counts: each (source, table, geography, period) is counted once.

Belongs here: the order among extracts and the decision. Does not belong here: moving rows. A
file's own modification time is never looked at: copying a folder must not change a figure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from safecity_pipeline.model import Extract

DATE_IN_PATH = re.compile(
    r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?(?!\d)"
)


@dataclass(frozen=True)
class Unit:
    """What one extract delivers of one table, geography and period."""

    extract_id: str
    table: str
    geography: str
    start: date
    end: date
    rows: int


@dataclass(frozen=True)
class Decision:
    """Whether a unit counts, and if not, which extract counts in its place and why."""

    unit: Unit
    superseded_by: str | None = None
    reason: str | None = None

    @property
    def counted(self) -> bool:
        return self.superseded_by is None


def resolve(
    units: Iterable[Unit],
    extracts: Mapping[str, Extract],
    own_file_first: bool,
    extracted: Mapping[str, date],
) -> list[Decision]:
    """Decide every unit. Units of one table and geography conflict where their periods overlap.

    `extracted`: extract → the day on which its rows say that they were taken out.
    """
    listed = list(units)
    order = _order(listed, extracts, own_file_first, extracted)
    rivals: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in listed:
        rivals[unit.table, unit.geography].append(unit)
    decisions: list[Decision] = []
    for group in rivals.values():
        decisions += _decide(group, order)
    return decisions


def _decide(group: Sequence[Unit], order: Mapping[str, tuple[object, ...]]) -> list[Decision]:
    """First come the extracts that go first; a unit that overlaps an accepted one of another
    extract gives way to it."""
    decisions: list[Decision] = []
    accepted: list[Unit] = []
    for unit in sorted(group, key=lambda one: (order[one.extract_id], one.start)):
        winner = next((other for other in accepted if _rivals(unit, other)), None)
        if winner is None:
            accepted.append(unit)
            decisions.append(Decision(unit))
        else:
            why = _reason(order[winner.extract_id], order[unit.extract_id])
            decisions.append(Decision(unit, winner.extract_id, why))
    return decisions


def first_delivered(
    units: Iterable[Unit], counted: Iterable[Unit], extracted: Mapping[str, date]
) -> list[Unit]:
    """What stood when each unit was extracted for the first time: of units that overlap, the one
    that was taken out first, if it was over by then; each stands in the place of all others.

    `counted`: those that count today; of two extracts of one day they are the first. An extract of
    which no day is known comes last.
    """
    today = set(counted)
    rivals: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in units:
        if unit in today or extracted.get(unit.extract_id, date.min) >= unit.end:
            rivals[unit.table, unit.geography].append(unit)
    first: list[Unit] = []
    for group in rivals.values():
        accepted: list[Unit] = []
        for unit in sorted(group, key=lambda one: _age(one, today, extracted)):
            if not any(_rivals(unit, other) for other in accepted):
                accepted.append(unit)
        first += accepted
    return first


def _age(unit: Unit, today: set[Unit], extracted: Mapping[str, date]) -> tuple[object, ...]:
    day = extracted.get(unit.extract_id, date.max)
    return day, unit not in today, unit.extract_id, unit.start


def _rivals(one: Unit, other: Unit) -> bool:
    overlap = one.start <= other.end and other.start <= one.end
    return overlap and one.extract_id != other.extract_id


def _order(
    units: Sequence[Unit],
    extracts: Mapping[str, Extract],
    own_file_first: bool,
    extracted: Mapping[str, date],
) -> dict[str, tuple[object, ...]]:
    """Sort keys, smallest first: own file, newest stated date, newest date in the path, hash."""
    delivered: dict[str, int] = defaultdict(int)
    for unit in units:
        delivered[unit.extract_id] += 1
    return {
        extract_id: (
            0 if own_file_first and delivered[extract_id] == 1 else 1,
            _stated(extracts[extract_id], extracted),
            -date_in_path(extracts[extract_id].file).toordinal(),
            extracts[extract_id].sha256,
            extracts[extract_id].file,
        )
        for extract_id in delivered
    }


def _stated(extract: Extract, extracted: Mapping[str, date]) -> tuple[int, int]:
    """The day of extraction that the rows state, and of two of one day that of publication, else of
    receipt; newest first. What was taken out later knows more, whenever it was sent."""
    vouched = extract.vouched
    published = vouched.published_on if vouched else None
    received = vouched.received_on if vouched else None
    sent = published or received or date.min
    return -extracted.get(extract.extract_id, sent).toordinal(), -sent.toordinal()


def date_in_path(file: str) -> date:
    """The newest date that the folders of a path state (not the file's name, whose date is its
    period); the first day where only a month is stated; date.min where none is."""
    folders = "/".join(file.split("/")[:-1])
    found = [date.min]
    for year, month, day in DATE_IN_PATH.findall(folders):
        try:
            found.append(date(int(year), int(month), int(day or 1)))
        except ValueError:
            continue
    return max(found)


REASONS = (
    "a file of one unit goes before a compilation",
    "its stated date of extraction, publication or receipt is later",
    "the date in its path is later",
    "no date decides: the smaller content hash goes first",
    "the content is the same: the first path goes first",
)


def _reason(winner: tuple[object, ...], loser: tuple[object, ...]) -> str:
    differing = next(i for i, (a, b) in enumerate(zip(winner, loser, strict=True)) if a != b)
    return REASONS[differing]
