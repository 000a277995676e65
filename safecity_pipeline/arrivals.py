"""The arrival board: which periods of each source an assessment waits for, and what came of each.

A source says how often it comes (`cadence`) and how many days after the end of a period its extract
is due (`due_days`). What it is expected to bring follows from what it brought before: from its
first period on, every further one by its cadence, to the end of the assessed year.

Belongs here: expected periods, their status, the check on them; pure, from units of extracts to
rows of meta.arrival. Does not belong here: which extract counts (`ingest.units`), the board as text
(`board`).

Traps. A publication of rolling twelve months that comes every quarter may skip an edition without
leaving a day uncovered: such a period is `covered`, and no gap. Extracts by month that come once a
year make up one period of the year, which has come when its last month has. One file may bring many
periods: of the earlier ones nobody knows when they first came, so that they are not called late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.ingest.units import Decision
from safecity_pipeline.model import Check, CheckSpec, Extract, Indicator, Source
from safecity_pipeline.period import Period

STEPS = {"monthly": 1, "quarterly": 3, "yearly": 12, "every two years": 24}
"""Months from one period of a source to the next, by its cadence."""

TROUBLE = ("missing", "overdue", "incomplete")
"""What somebody must ask for, the worst first: a gap between periods that came is the likeliest to
pass for a change. Incomplete: some of its months are here, or other areas but not the assessed."""

CHECK = CheckSpec("arrivals", "every period that is due has come")
MOST = 3  # periods of one kind of trouble that a message names

Board = list[dict[str, Any]]
Rows = Mapping[str, Any]
Spans = Iterable[tuple[date, date]]


@dataclass(frozen=True)
class Asked:
    """What a board is made for. `first`, `last`: the days of the years that the assessment looks
    at; `as_of`: the day on which it is judged what is due; `home`: codes by which a source may tell
    of the assessed area, such as its own and its police force's, the nearest first → what they are
    called."""

    first: date
    last: date
    as_of: date
    home: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False


@dataclass(frozen=True)
class Came:
    """The day on which an extract came, as far as anybody states one, and who states it."""

    day: date | None = None
    stated: str | None = None


def came(extract: Extract, extracted: date | None) -> Came:
    """The day of receipt or else of publication, by the manifest; else that on which the rows were
    taken out (`extracted`). The file's own time is never looked at."""
    vouched = extract.vouched
    stated = {
        "received": vouched.received_on if vouched else None,
        "published": vouched.published_on if vouched else None,
        "extracted": extracted,
    }
    known = (Came(day, name) for name, day in stated.items() if day)
    return next(known, Came())


def first_day(indicators: Iterable[Indicator], year: Period) -> date:
    """The first day that figures of the assessed year are compared with: five years before it, or
    the oldest baseline that an indicator names."""
    named = (
        comparison.partition(":")[2]
        for indicator in indicators
        for comparison in indicator.compare
        if comparison.startswith("baseline:")
    )
    return min([year.year_before(5).start, *(period.parse(label).start for label in named)])


def board(
    source: Source, decisions: Sequence[Decision], days: Mapping[str, Came], asked: Asked
) -> Board:
    """Rows of meta.arrival of one source, by period: each that is expected, and each that came, of
    the years asked for. A source of which nothing came has one row without a period.

    `days`: extract → when it came.
    """
    common: dict[str, Any] = {"source": source.name, "supplier": source.supplier}
    common |= {"as_of": asked.as_of, "synthetic": asked.synthetic}
    if not decisions:
        return [{**common, "status": "never_arrived", "delivered": "none"}]
    found = [
        {**common, **row}
        for slots in _series(source, decisions).values()
        for row in _Series(source, slots, days, asked).rows()
    ]
    if not found:
        note = "it came, but no period of the years that are looked at"
        return [{**common, "status": "outside", "delivered": "none", "note": note}]
    found.sort(key=lambda row: (row["period_start"], row["period_end"]))
    return [judged(row, asked.as_of) for row in found]


def expected(came: Iterable[Period], step: int, last: date) -> Iterator[Period]:
    """Each period that came, those lacking in between, and those that follow up to the day `last`.

    `came`: periods of one length; `step`: months from one to the next. A period that came somewhat
    after its turn, as a survey in its third year instead of its second, stands for it; one is
    lacking where a whole step stays free.
    """
    ordered = sorted(set(came), key=lambda one: one.end)
    for one, following in zip(ordered, [*ordered[1:], None], strict=True):
        yield one
        between = one.later(step)
        while between.later(step).end <= following.end if following else between.end <= last:
            yield between
            between = between.later(step)


def judged(row: Rows, as_of: date) -> dict[str, Any]:
    """A row with the status that it has on a day, which matters where its period is not here."""
    if row["delivered"] not in ("none", "part") or not row["period_start"]:
        return {**row, "as_of": as_of}
    due_on, late = row["due_on"], None
    if as_of <= row["period_end"]:
        status = "not_over"
    elif due_on and as_of <= due_on:
        status = "due"
    else:
        status = "missing" if row["later_came"] else "overdue"
        status = "incomplete" if row["delivered"] == "part" else status
        late = (as_of - due_on).days if due_on else None
    return {**row, "as_of": as_of, "status": status, "days_late": late}


def check(source: Source, rows: Sequence[Rows]) -> Check:
    """Whether every period that is due has come. A source of which nothing ever came passes: a
    partnership need not have each."""
    bad = [row for status in TROUBLE for row in rows if row["status"] == status]
    if not bad:
        return Check(source.name, CHECK.name, True, CHECK.words)
    parts = [_told(status, [row for row in bad if row["status"] == status]) for status in TROUBLE]
    ask = f"ask for it ({source.supplier}), and put the extract into raw/"
    message = "; ".join([*(part for part in parts if part), ask])
    return Check(
        source.name, CHECK.name, False, message, period=bad[0]["period"], failed_rows=len(bad)
    )


WORDS = {
    "missing": "missing between periods that came",
    "overdue": "overdue",
    "incomplete": "here in part only",
}


def _told(status: str, rows: Sequence[Rows]) -> str:
    """In words the first few periods of one kind of trouble, and how many more there are."""
    if not rows:
        return ""
    named = [_named(row) for row in rows[:MOST]]
    more = [f"{len(rows) - MOST} more"] * (len(rows) > MOST)
    return f"{WORDS[status]}: {', '.join([*named, *more])}"


def _named(row: Rows) -> str:
    due_on = row["due_on"]
    due = f"due {period.describe_coverage(due_on, due_on)}" if due_on else "no due day is declared"
    note = f"; {row['note']}" if row["status"] == "incomplete" and row.get("note") else ""
    return f"{row['period']} ({due}{note})"


# --- what came, by period ------------------------------------------------------------------------

Slots = dict[Period, list[Decision]]
Shape = tuple[int, int]


def _series(source: Source, decisions: Iterable[Decision]) -> dict[Shape, Slots]:
    """What came, by the shape of its periods: their length in months and the month in which they
    end. Financial and calendar years of one source are two series."""
    step = STEPS[source.cadence]
    found: dict[Shape, Slots] = defaultdict(lambda: defaultdict(list))
    pieces: dict[tuple[date, date], list[Decision]] = defaultdict(list)
    for decision in decisions:
        pieces[decision.unit.start, decision.unit.end].append(decision)
    for span, of_span in pieces.items():
        slot = _slot(period.spanning(*span), step)
        shape = len(slot.months), slot.end.month % min(step, 12)
        found[shape][slot] += of_span
    return found


def _slot(of: Period, step: int) -> Period:
    """The quarter or financial year that a shorter period of a source of that cadence is a piece
    of; other periods stand for themselves."""
    if of.kind == "snapshot" or len(of.months) >= min(step, 12):
        return of
    return period.quarter_of(of.start) if step == 3 else period.financial_year_of(of.start)


class _Series:
    """The periods of one source and shape."""

    def __init__(
        self, source: Source, slots: Slots, days: Mapping[str, Came], asked: Asked
    ) -> None:
        self.source, self.slots, self.days, self.asked = source, slots, days, asked
        areas = {code for slot in slots for code in self._areas(slot)}
        self.own = next((code for code in asked.home if code in areas), None)
        # A period has come when the assessed area's has, where the source tells of it at all.
        mine = {slot: [one for one in slots[slot] if self._is_own(one)] for slot in slots}
        self.mine = {slot: pieces for slot, pieces in mine.items() if pieces}
        self.begins, self.first = _first(slots), _first(self.mine)
        self.last = max(slot.start for slot in self.mine)
        self.newest: dict[str, date] = {}
        for slot, pieces in self.mine.items():
            for one in pieces:
                key = one.unit.extract_id
                self.newest[key] = max(slot.start, self.newest.get(key, date.min))

    def _is_own(self, one: Decision) -> bool:
        return self.own in (None, one.unit.geography)

    def rows(self) -> Iterator[dict[str, Any]]:
        asked = self.asked
        found = expected(self.slots, STEPS[self.source.cadence], asked.last)
        looked_at = [one for one in found if asked.first <= one.end and one.start <= asked.last]
        areas = {code for slot in looked_at for code in self._areas(slot)}
        for slot in looked_at:
            yield self._here(slot, areas) if slot in self.slots else self._not_here(slot)

    def _areas(self, slot: Period) -> set[str]:
        return {one.unit.geography for one in self.slots.get(slot, [])}

    def _common(self, slot: Period) -> dict[str, Any]:
        due = self.source.due_days
        return {
            "period": slot.label,
            "period_start": slot.start,
            "period_end": slot.end,
            "due_on": slot.end + timedelta(due) if due is not None else None,
            "later_came": slot.start < self.last,
        }

    def _not_here(self, slot: Period) -> dict[str, Any]:
        """A period that did not come; `covered` where others that came hold all its days."""
        spans = [(one.start, one.end) for one in self.mine if one.start != one.end]
        if covers(spans, slot.start, slot.end):
            return {**self._common(slot), "delivered": "covered", "status": "covered"}
        return {**self._common(slot), "delivered": "none"}

    def _here(self, slot: Period, areas: set[str]) -> dict[str, Any]:
        pieces, mine = self.slots[slot], self.mine.get(slot, [])
        # Before the assessed area was told of for the first time, others are not asked about it.
        decisive = pieces if slot.end < self.first else mine
        begin = self.first if mine else self.begins
        whole = covers(_spans(decisive), max(slot.start, begin), slot.end)
        counted = [one.unit for one in pieces if one.counted]
        row = {
            **self._common(slot),
            "delivered": "whole" if whole else "part",
            "extracts": ", ".join(sorted({unit.extract_id for unit in counted})),
            "rows": sum(unit.rows for unit in counted),
            "areas": len(self._areas(slot)),
            "areas_missing": len(areas - self._areas(slot)),
            "note": self._note(slot, mine, begin, whole),
        }
        return row | self._arrival(slot, decisive, begin, row["due_on"]) if whole else row

    def _note(self, slot: Period, mine: Sequence[Decision], begin: date, whole: bool) -> str | None:
        if not mine:
            return f"without {self.asked.home[str(self.own)]}"
        here = {month for span in _spans(mine) for month in period.spanning(*span).months}
        if len(here) >= len(slot.months):
            return None
        begins = f"it begins {period.describe_coverage(begin, begin)}"
        return begins if whole else f"{len(here)} of {len(slot.months)} months"

    def _arrival(
        self, slot: Period, pieces: Sequence[Decision], begin: date, due_on: date | None
    ) -> dict[str, Any]:
        """Status and day of a period that is here: that of the extract that made it whole."""
        extract_id = self._made_whole(slot, pieces, begin)
        day = self.days.get(extract_id, Came())
        late = (day.day - due_on).days if day.day and due_on and day.day > due_on else None
        status = "arrived_late" if late else "arrived"
        if late and self.newest.get(extract_id, date.min) > slot.start:
            status, late = "came_with_later", None
        if not any(one.counted for one in pieces):
            status, late = "superseded", None
        return {
            "status": status,
            "arrived_on": day.day,
            "arrived_by": day.stated,
            "days_late": late,
        }

    def _made_whole(self, slot: Period, pieces: Sequence[Decision], begin: date) -> str:
        """The extract with which the period was whole; those without a day come last."""

        def order(extract_id: str) -> tuple[date, str]:
            return self.days.get(extract_id, Came()).day or date.max, extract_id

        listed = sorted({one.unit.extract_id for one in pieces}, key=order)
        there: list[Decision] = []
        for extract_id in listed:
            there += [one for one in pieces if one.unit.extract_id == extract_id]
            if covers(_spans(there), max(slot.start, begin), slot.end):
                return extract_id
        return listed[-1]


def _first(slots: Slots) -> date:
    return min(one.unit.start for pieces in slots.values() for one in pieces)


def covers(spans: Spans, first: date, last: date) -> bool:
    """Whether spans of days, ends included, hold every day from `first` to `last`."""
    reach = first
    for start, end in sorted(spans):
        if start > reach:
            break
        reach = max(reach, end + timedelta(1))
    return reach > last


def _spans(decisions: Iterable[Decision]) -> set[tuple[date, date]]:
    return {(one.unit.start, one.unit.end) for one in decisions}
