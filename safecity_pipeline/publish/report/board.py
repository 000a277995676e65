"""What a board looks for first: one table of types, and three boxes.

Belongs here: which figures of the release stand in a line of that table, and into which box a
change falls. A comparison that a change of definition broke never counts as better or worse: it
stands in the third box. Does not belong here: which types there are (`report.toml` of an
assessment), how a number is printed (`words`), drawing (`pictures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from safecity_pipeline import phrases
from safecity_pipeline.model import Indicator
from safecity_pipeline.publish.report import words
from safecity_pipeline.publish.report.figures import ENGLAND, Figures, Row
from safecity_pipeline.publish.report.words import Cell
from safecity_pipeline.sentences import rounded, signed, written

BROKEN = "definition_changed"
SAYS = {
    "better": "better",
    "worse": "worse",
    "higher": "higher; neither good nor bad in itself",
    "lower": "lower; neither good nor bad in itself",
    "same": "no clear change",
    "similar": "no clear change",
}
BREAKS = "material"
MATERIAL = {"materiality": BREAKS}
BOXES = ("better", "worse", "recorded", "neither", "untold")
NOT_TOLD = "cannot be told"
DIFFERENT = "not like for like"


@dataclass(frozen=True)
class Line:
    """One type: its numbers, their change, what may be said of it, its rate beside others, and its
    place in the group. `changes`: ids of the definitional changes in between, and of those between
    the two places."""

    indicator: Indicator
    title: str
    unit: str
    last: Cell
    now: Cell
    difference: Cell
    change: Cell
    says: str
    rate: Cell
    force: Cell
    england: Cell
    average: Cell
    place: Cell
    place_last: Cell
    changes: tuple[str, ...] = ()
    changes_of_place: tuple[str, ...] = ()

    @property
    def cells(self) -> Sequence[Cell]:
        """The figures in the order of the table's columns."""
        changed = (self.last, self.now, self.difference, self.change)
        beside = (self.rate, self.force, self.england, self.average)
        return (*changed, *beside, self.place, self.place_last)


@dataclass(frozen=True)
class Item:
    """A line of a box: what changed, by how much, and what else must be known. `seems`: it looks
    different as it is recorded."""

    key: str
    title: str
    said: str
    note: str = ""
    seems: bool = True


@dataclass(frozen=True)
class Boxes:
    """What got better, what got worse, and what only looks different because it is recorded
    differently; `neither`: clear changes of which no end is good; `untold`: changes of which nobody
    can say whether they are more than chance; `same`: titles without a clear change."""

    better: tuple[Item, ...]
    worse: tuple[Item, ...]
    recorded: tuple[Item, ...]
    neither: tuple[Item, ...]
    untold: tuple[Item, ...]
    same: tuple[str, ...] = ()


def lines(known: Figures, types: Sequence[str]) -> list[Line]:
    """The board's table."""
    return [_line(known, key) for key in types]


def _line(known: Figures, key: str) -> Line:
    indicator = known.indicator(key)
    now, last = known.value(key, known.year), known.value(key, known.last)
    found = known.finding(key, "previous_year")
    broken = found is not None and found["status"] == BROKEN
    return Line(
        indicator,
        words.title(indicator),
        indicator.unit,
        words.number(last),
        words.number(now),
        _difference(now, last, broken),
        words.change(found) if found else words.nothing(words.MISSING, "nothing to compare"),
        says(found),
        _rate(indicator, now),
        _rate_of(known, indicator, known.force),
        _rate_of(known, indicator, ENGLAND),
        _average(known, indicator),
        place=_place(known, indicator, known.year),
        place_last=_bare(_place(known, indicator, known.last)),
        changes=_ids(known, found) if broken else (),
        changes_of_place=_ids(known, known.finding(key, "peer_rank")),
    )


def _place(known: Figures, indicator: Indicator, label: str) -> Cell:
    """In the group; an indicator that is not ranked has no place."""
    if "peer_rank" not in indicator.compare:
        return words.nothing(words.NOT_APPLICABLE)
    found = known.finding(indicator.indicator, "peer_rank", label)
    return words.place(found) if found else words.nothing(words.MISSING)


def _bare(cell: Cell) -> Cell:
    """Last year's place is for setting this year's beside it: without its range and marks."""
    return Cell(cell.text, cell.value, why=cell.why) if cell.text else cell


def _ids(known: Figures, found: Row | None) -> tuple[str, ...]:
    """The changes of definition that break a comparison; those that are only noted are left out."""
    if found is None or not found["broken_by"]:
        return ()
    listed = str(found["broken_by"]).split()
    return tuple(one for one in listed if known.changes.get(one, MATERIAL)["materiality"] == BREAKS)


def _difference(now: Row | None, last: Row | None, broken: bool) -> Cell:
    """Of the two numbers, where both are whole years."""
    one, other = words.number(now), words.number(last)
    lacking = next((cell for cell in (one, other) if cell.value is None), None)
    if lacking is not None:
        return lacking
    if words.PART in (*one.marks, *other.marks):
        return words.nothing(words.PART, "one of the two years is not whole")
    assert one.value is not None and other.value is not None
    size = one.value - other.value
    text = rounded(size, 0)
    marks = (words.BREAK,) if broken else ()
    return Cell(f"+{text}" if size > 0 else text, size, marks)


def _rate(indicator: Indicator, row: Row | None) -> Cell:
    """A number has no rate; an area of which no extract tells has no figure."""
    if indicator.kind == "count":
        return words.nothing(words.NOT_APPLICABLE)
    return words.level(indicator, row)


def _rate_of(known: Figures, indicator: Indicator, area: str) -> Cell:
    """The rate of a larger area, to set the area's beside, or which part of it did not come."""
    row = known.value(indicator.indicator, known.year, area)
    if indicator.kind == "count" or (row and row["value"] is not None):
        return replace(_rate(indicator, row), likely="")
    if row is None and known.value(indicator.indicator, known.year) is None:
        return words.lacking(None)
    if row is None:
        return words.nothing(words.MISSING, _not_told(known, indicator))
    if row["suppressed_reason"] != words.NO_DENOMINATOR or indicator.denominator is None:
        return words.lacking(row)
    title = known.sources[indicator.denominator.source]["title"]
    number = rounded(row["numerator"], 0)
    return words.nothing(
        words.MISSING,
        f"the number came ({number}), but “{title}” does not tell of all of {known.name_of(area)}",
    )


def _not_told(known: Figures, indicator: Indicator) -> str:
    """Of which larger areas no extract tells, neither as such nor of all that they consist of."""
    title = known.sources[indicator.main.source]["title"]
    lacking = [
        known.name_of(area)
        for area in (known.force, ENGLAND)
        if known.value(indicator.indicator, known.year, area) is None
    ]
    return f"no extract of “{title}” tells of all of {' or of '.join(lacking)}"


def _average(known: Figures, indicator: Indicator) -> Cell:
    """The group's average, with what the area is beside it."""
    if "group_average" not in indicator.compare:
        return words.nothing(words.NOT_APPLICABLE, "no average is made of this")
    found = known.finding(indicator.indicator, "group_average")
    if found is None or found["base_value"] is None:
        return words.nothing(words.MISSING)
    marks = (words.PART,) if found["status"] == "unequal_coverage" else ()
    return Cell(rounded(found["base_value"], indicator.decimals), found["base_value"], marks)


def says(found: Row | None) -> str:
    """What may be said of a change, in words."""
    if found is None or found["change"] is None:
        return NOT_TOLD
    if found["status"] == BROKEN:
        return DIFFERENT
    return SAYS.get(str(found["significance"]), NOT_TOLD)


# --- the three boxes -----------------------------------------------------------------------------


def boxes(known: Figures, types: Sequence[str]) -> Boxes:
    """Every type with a change on the year before, in one of the boxes."""
    found: dict[str, list[Item]] = {}
    same = []
    for key, row in _changed(known, types):
        box = _box(row)
        if box == "same":
            same.append(words.title(known.indicator(key)))
        else:
            found.setdefault(box, []).append(_item(known, key, row, box))
    named = {name: tuple(found.get(name, ())) for name in BOXES}
    return Boxes(**named, same=tuple(same))


def _changed(known: Figures, types: Sequence[str]) -> Iterator[tuple[str, Row]]:
    for key in types:
        row = known.finding(key, "previous_year")
        if row is not None and row["change"] is not None:
            yield key, row


def _box(row: Row) -> str:
    if row["status"] == BROKEN:
        return "recorded"
    said = str(row["significance"])
    by_word = {"higher": "neither", "lower": "neither", "same": "same", "similar": "same"}
    return said if said in ("better", "worse") else by_word.get(said, "untold")


def _item(known: Figures, key: str, row: Row, box: str) -> Item:
    cell = words.change(row)
    unit = words.unit_of_change(row)
    likely = f" ({cell.likely}{unit})" if cell.likely else ""
    said = f"{cell.text}{unit}{likely}"
    title = words.title(known.indicator(key))
    if box == "recorded":
        return Item(key, title, f"recorded {said}", _allowing(row), _seems(row))
    told = row["significance"] in SAYS
    return Item(key, title, said, "" if told else "nobody can say whether that is more than chance")


def _allowing(row: Row) -> str:
    """What is left of a broken change on one definition, or that nobody can tell."""
    lower, upper = row["comparable_lower_95"], row["comparable_upper_95"]
    if row["comparable_change"] is None or lower is None or upper is None:
        return "how much of that is recording cannot be told"
    clear = "no clear change" if lower <= 0 <= upper else "a change remains"
    limits = phrases.between_signed(lower, upper, 1)
    return f"on one definition {clear}: {signed(row['comparable_change'])} % (likely {limits} %)"


def _seems(row: Row) -> bool:
    """Whether it looks different at all, as it is recorded."""
    lower, upper = row["change_lower_95"], row["change_upper_95"]
    return lower is None or upper is None or not lower <= 0 <= upper


def explained(known: Figures, table: Sequence[Line]) -> Mapping[str, str]:
    """The definitional changes that the table marks, in words, by id."""
    ids = dict.fromkeys(one for line in table for one in (*line.changes, *line.changes_of_place))
    return {one: told(known.changes[one]) for one in ids if one in known.changes}


def told(row: Row) -> str:
    """A change of definition with its day, or its first and last."""
    first, last = row["effective_first"], row["effective_last"]
    when = f"{row['effective_date']:%-d %B %Y}" if row["effective_date"] else ""
    if first and last and first != last:
        when = f"{written(first)} to {written(last)}"
    return f"{when}: {row['in_short'] or row['what_changed']}"
