"""Which sheet of a workbook is which layout's, and what of it has changed.

Belongs here: trying layouts where a table may stand in a sheet, first by its heads, then, for the
likeliest, in depth; and giving each sheet to one layout and each layout to one sheet. Does not
belong here: the comparison itself (`drift`), words (`supplier.drift_report`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from safecity_pipeline.ingest import drift, heads, likeness, peek, spread, standing
from safecity_pipeline.ingest.drift import Drift
from safecity_pipeline.ingest.evidence import Known
from safecity_pipeline.ingest.peek import Table
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.ingest.standing import End, Stand
from safecity_pipeline.model import Layout, Reading

TRIED = 3  # of the likeliest for a sheet, in depth
LIKELY, ALIKE = 0.3, 0.5
DOUBLED = 0.8  # what a head is worth of which two columns mean the same


@dataclass(frozen=True)
class Found:
    """A sheet, the layout that it is nearest to, where its table stands, and what has changed.

    `rivals`: sheets that are like the same layout, and less. `adopted`: the layout's years stand
    side by side here, so that it has become another one.
    """

    sheet: Sheet
    drift: Drift
    stand: Stand
    end: End
    adopted: bool = False
    is_read: bool = False
    rivals: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        return self.drift.layout

    @property
    def moved(self) -> bool:
        """Whether the table stands elsewhere than the layout says."""
        own = Stand(self.layout.head_rows, standing.first_row(self.layout))
        return self.stand != own

    @property
    def titles(self) -> tuple[str, ...]:
        return standing.titles_above(self.sheet, self.stand)


@dataclass(frozen=True)
class _Try:
    """A layout at one place of a sheet; `order` prefers the place that the layout says."""

    layout: Layout
    stand: Stand
    head: tuple[str, ...]
    likely: float
    order: int
    adopted: bool = False


def of_sheets(
    sheets: Sequence[Sheet],
    read: Mapping[str, Reading],
    known: Known,
    since: Mapping[str, Table],
) -> tuple[Found, ...]:
    """The visible sheets that some layout should read, each with its own layout, in their order.

    `read`: sheets that a layout reads as they are. `since`: an earlier file's tables, by layout.
    """
    found = [
        _as_read(sheet, read[sheet.name], known, since) for sheet in sheets if sheet.name in read
    ]
    taken = {one.layout.name for one in found}
    rest = [sheet for sheet in sheets if sheet.name not in read and sheet.visible]
    open_layouts = [one for one in known.layouts if not one.refuse and one.name not in taken]
    tried = [one for sheet in rest for one in _tried(sheet, open_layouts, known, since)]
    found += _given_out(tried)
    order = {sheet.name: place for place, sheet in enumerate(sheets)}
    return tuple(sorted(found, key=lambda one: order[one.sheet.name]))


def _as_read(sheet: Sheet, reading: Reading, known: Known, since: Mapping[str, Table]) -> Found:
    """By the layout that reads it; where something has changed, perhaps from another place."""
    layout = reading.layout
    assert layout is not None
    stand = Stand(layout.head_rows, reading.first_row)
    end = End(layout.end, reading.last_row, True)
    own = _Try(layout, stand, reading.head, 1.0, 0)
    one = replace(_examined(sheet, own, end, known, since), is_read=True)
    if not one.drift.changed:
        return one
    other = _likeliest(sheet, layout, known)
    if other is None or other.stand == stand:
        return one
    elsewhere = _examined(sheet, other, None, known, since)
    if standing.eats_data(sheet, stand) and elsewhere.drift.claimed:
        return elsewhere
    return max(one, elsewhere, key=lambda found: drift.rank(found.drift))


def _given_out(found: Iterable[Found]) -> list[Found]:
    """The best pairs first, one layout a sheet and one sheet a layout, all of one source."""
    best = sorted(found, key=lambda one: drift.rank(one.drift), reverse=True)
    given: dict[str, Found] = {}
    sheets: set[str] = set()
    for one in best:
        name = one.layout.name
        if one.sheet.name in sheets:
            continue
        if name not in given:
            given[name] = one
            sheets.add(one.sheet.name)
        elif one.drift.claimed and given[name].drift.claimed:
            rivals = dict.fromkeys((*given[name].rivals, one.sheet.name))
            given[name] = replace(given[name], rivals=tuple(rivals))
    return [
        replace(one, rivals=tuple(name for name in one.rivals if name not in sheets))
        for one in given.values()
    ]


# --- one sheet -----------------------------------------------------------------------------------


def _tried(
    sheet: Sheet, layouts: Sequence[Layout], known: Known, since: Mapping[str, Table]
) -> list[Found]:
    if not standing.has_data(sheet):
        return []
    tries = [one for layout in layouts if (one := _likeliest(sheet, layout, known))]
    best = sorted((one for one in tries if one.likely >= LIKELY), key=_order)
    return [_examined(sheet, one, None, known, since) for one in best[:TRIED]]


def _order(one: _Try) -> tuple[float, int]:
    return -one.likely, one.order


def _likeliest(sheet: Sheet, layout: Layout, known: Known) -> _Try | None:
    """The best place for a layout in a sheet, by heads alone."""
    is_year = _year_test(layout, known)
    found = []
    for order, stand in enumerate(standing.stands(sheet, layout)):
        head = standing.head_at(sheet, stand, layout.footnotes)
        found.append(_Try(layout, stand, head, _likely(layout, head), 2 * order))
        if adopted := spread.by_year(layout, head, is_year):
            found.append(_Try(adopted, stand, head, _likely(adopted, head), 2 * order - 1, True))
    return min(found, key=_order, default=None)


def _year_test(layout: Layout, known: Known) -> Callable[[str], bool]:
    tests = known.tests[layout.source]

    def is_year(column: str) -> bool:
        return tests[column].kind == "whole" and tests[column].ask(["2014"])[1] == {"2014"}

    return is_year


def _likely(layout: Layout, head: Sequence[str]) -> float:
    """The share of a layout's heads and patterns that a head brings, or says alike."""
    columns: dict[str, float] = {}
    for spelling, column in layout.columns.items():
        columns[column] = max(columns.get(column, 0.0), _spelt(spelling, head))
    said = [likeness.said_by(pattern) for pattern in layout.wide]
    labels: dict[str, float] = {}
    for (pattern, label), words in zip(layout.wide.items(), said, strict=True):
        best = max((_worded(pattern, words, said, cell) for cell in head), default=0.0)
        labels[label] = max(labels.get(label, 0.0), best)
    share = sum((*columns.values(), *labels.values())) / (len(columns) + len(labels))
    return share * DOUBLED if _doubles(layout, head) else share


def _doubles(layout: Layout, head: Sequence[str]) -> bool:
    """Whether a head that the layout reads stands twice, as where a row above it is left out."""
    pairs = ((heads.without_place(cell), cell) for cell in head)
    return any(
        first not in ("", cell)
        and (first in layout.columns or spread.label(layout, first) is not None)
        and not (cell in layout.columns or spread.label(layout, cell) is not None)
        for first, cell in pairs
    )


def _spelt(spelling: str, head: Sequence[str]) -> float:
    if spelling in head:
        return 1.0 if spelling else ALIKE
    plain = likeness.plain(spelling)
    return 0.9 if plain and any(likeness.plain(cell) == plain for cell in head) else 0.0


def _worded(pattern: str, words: str, said: Sequence[str], cell: str) -> float:
    if not cell:
        return 0.0
    if re.fullmatch(pattern, cell):
        return ALIKE if spread.is_any(pattern) else 1.0
    alike = likeness.wording(cell, words, said) if words else 0.0
    return alike if alike >= ALIKE else 0.0


def _examined(
    sheet: Sheet, one: _Try, end: End | None, known: Known, since: Mapping[str, Table]
) -> Found:
    end = end or standing.end_of(sheet, one.stand.first_row, one.layout)
    table = peek.of_sheet(sheet, one.head, one.stand.first_row, end.last_row)
    earlier = since.get(one.layout.name)
    found = drift.compare(table.peek(), one.layout, known, earlier.peek() if earlier else None)
    done = drift.finished(table, found, known, earlier)
    return Found(sheet, done, one.stand, end, one.adopted)
