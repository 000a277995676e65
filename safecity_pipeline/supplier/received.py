"""A refused row as its supplier knows it: cells below heads, and reasons that name those heads.

Belongs here: taking a received row apart, and which of its cells a reason speaks of. Does not
belong here: the reasons (`ingest.rules`), or where they are shown (`checking`, `errors_workbook`).

The rules speak of our columns. Where a table is wide, the column of values and its labels are
many heads of the supplier's; and where a layout reads no column of a name, the name says nothing
to a supplier. So the names that a reason begins with are replaced by heads that were sent.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from safecity_pipeline.ingest import heads, transcripts
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import Reading, Source
from safecity_pipeline.supplier import rulebook, workbook

GOT = "; got: "
NOTHING = "nothing"
ONE_GOT = re.compile(rf"{NOTHING}|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


class Received:
    """How the rows of one sheet are taken apart."""

    def __init__(self, path: Path, source: Source, reading: Reading) -> None:
        assert reading.layout is not None
        self.reading, self.layout = reading, reading.layout
        self.ours = tuple(source.schema.columns)
        # The rows of a transcript are written with commas, whatever the layout says of texts.
        self.delimiter = (
            "," if transcripts.needed(path, reading.layout) else reading.layout.delimiter
        )
        self.heads = [
            head if heads.without_place(head) else f"column {letter(at)}"
            for at, head in enumerate(reading.head)
        ]

    def cells(self, row: str) -> list[str] | None:
        """The row's cells as sent, or None where it does not fall into as many as the head has."""
        try:
            cells = next(csv.reader([row], delimiter=self.delimiter, strict=True), [])
        except csv.Error:
            return None
        return cells if len(cells) == len(self.heads) else None

    def faulty(self, reasons: Sequence[str], cells: Sequence[str]) -> set[int]:
        """Positions of the cells that reasons speak of."""
        return {at for reason in reasons for at in self._faulty(reason, cells)}

    def reason(self, reason: str, row: str | None) -> str:
        """The reason in the heads that were sent; as it is where it names none, or all of them."""
        names = _named(reason, self._names)
        if not names or all(name in self.reading.head for name in names):
            return reason
        cells = self.cells(row) if row is not None else None
        places = self._faulty(reason, cells) if cells else set()
        said, mark, got = reason.removeprefix(f"{', '.join(names)}: ").partition(GOT)
        sent = ", ".join(self.heads[at] for at in sorted(places)) or self._beside(names)
        return f"{sent}: {said}{mark}{self._got(names, got)}" if sent else reason

    def _beside(self, names: Sequence[str]) -> str:
        """What is told beside the rows; nothing else has a place to be named by."""
        told = {*self.reading.given, *self.layout.says, rulebook.BESIDE}
        return rulebook.BESIDE if set(names) <= told else ""

    def _got(self, names: Sequence[str], got: str) -> str:
        """What was got without what is not in the file at all."""
        values = ONE_GOT.findall(got)
        if len(values) != len(names) or ", ".join(values) != got:
            return got
        kept = [
            value
            for name, value in zip(names, values, strict=True)
            if value != NOTHING or self._names[name] is not None
        ]
        return ", ".join(kept) or NOTHING

    def _faulty(self, reason: str, cells: Sequence[str]) -> set[int]:
        names = _named(reason, self._names)
        wide = {*str(self.layout.wide_label).split("|"), self.layout.wide_value}
        columns = {at for name in names if (at := self._names[name]) is not None}
        if self.layout.wide and (not names or wide & {*names}):
            return columns | self._figures(reason, cells, labels_only=not names)
        return columns

    @cached_property
    def _names(self) -> dict[str, int | None]:
        """What a reason may call a column, longest first → its position; None where it is not in
        the rows, or stands in several columns."""
        places: dict[str, int | None] = dict.fromkeys((*self.ours, rulebook.BESIDE))
        for at, head in reversed(list(enumerate(self.reading.head))):
            places |= {self.heads[at]: at, head or rulebook.NO_HEAD: at}
        return dict(sorted(places.items(), key=lambda entry: -len(entry[0])))

    def _figures(self, reason: str, cells: Sequence[str], labels_only: bool) -> set[int]:
        """The cells of a wide table that a reason speaks of: those whose value it got, under the
        label that it got if it got one; of a rule across rows, those whose label it names."""
        got = reason.partition(GOT)[2]
        scores: dict[int, int] = {}
        for at, label in self._labels.items():
            parts = label.split("|")
            told = sum(_word(part, got) for part in parts)
            if told == len(parts) if labels_only else repr(cells[at]) in got:
                scores[at] = told
        return {at for at, score in scores.items() if score == max(scores.values())}

    @cached_property
    def _labels(self) -> dict[int, str]:
        labelled = (
            (at, wide_label(self.layout, head)) for at, head in enumerate(self.reading.head)
        )
        return {at: label for at, label in labelled if label is not None}


def letter(at: int) -> str:
    """Name of a column in a spreadsheet; the first is 0, and A."""
    return workbook.letter(at + 1)


def _word(text: str, inside: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", inside) is not None


def _named(reason: str, names: Sequence[str] | dict[str, int | None]) -> list[str]:
    """The names of columns that a reason begins with: `Longitude, Latitude: …`. A name may hold
    commas and colons itself, so `names` come longest first."""
    found: list[str] = []
    while name := next((n for n in names if reason.startswith((f"{n}, ", f"{n}: "))), ""):
        found.append(name)
        ended, reason = reason[len(name)] == ":", reason[len(name) + 2 :]
        if ended:
            return found
    return []
