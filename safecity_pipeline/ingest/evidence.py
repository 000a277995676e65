"""What the heads and the values of one table say, for the columns of one source.

Belongs here: the score of every pair of a head and a column of ours. Does not belong here: which
pairs are taken (`drift`, `spread`), how alike two texts are (`likeness`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from safecity_pipeline.ingest import likeness
from safecity_pipeline.ingest.likeness import (
    AGREE,
    DEMANDING,
    DEMANDING_WORTH,
    DENY,
    DIGITS,
    TYPICAL,
    Score,
)
from safecity_pipeline.ingest.peek import Peek
from safecity_pipeline.model import Derived, Layout, Places, Source

TOGETHER = 300  # rows are enough to ask a look-up of several columns
KEPT = "some of its values are those that the layout keeps"


@dataclass(frozen=True)
class Known:
    """What files are compared with. Tests of columns are made once."""

    sources: Mapping[str, Source]
    layouts: Sequence[Layout]
    places: Places

    @cached_property
    def tests(self) -> dict[str, dict[str, likeness.Test]]:
        return {
            name: {
                column: likeness.Test.of(column, self.sources[name], self.places, self.of(name))
                for column in self.sources[name].schema.columns
            }
            for name in {layout.source for layout in self.layouts}
        }

    def of(self, source: str) -> tuple[Layout, ...]:
        """The layouts of a source that read something."""
        return tuple(one for one in self.layouts if one.source == source and not one.refuse)


@dataclass(frozen=True)
class _LookUp:
    """A look-up of several columns, asked for one of them; `at`: where those found stand."""

    derived: Derived
    column: str
    at: Mapping[str, int]
    places: Places

    def knows(self, row: Sequence[str], text: str) -> bool:
        values = [
            text.strip() if name == self.column else self._other(row, name)
            for name in self.derived.columns
        ]
        return self.derived.make(self.places, *values) is not None

    def _other(self, row: Sequence[str], name: str) -> str | None:
        return (row[self.at[name]].strip() or None) if name in self.at else None

    def worth(self, rows: Sequence[Sequence[str]]) -> float:
        """What it says to pass, by how many of typical cells would; nothing where a row lacks
        what the look-up needs."""
        whole = [row for row in rows if all(row[at].strip() for at in self.at.values())]
        if not whole or set(self.derived.columns) - {self.column} - set(self.at):
            return 0.0
        passing = sum(self.knows(whole[0], text) for text in TYPICAL) / len(TYPICAL)
        return DEMANDING_WORTH if passing <= DEMANDING else 0.0


class Told:
    """What heads and values of one table say, for the columns of one source."""

    def __init__(self, looked: Peek, known: Known, source: str) -> None:
        self.looked, self.known, self.source = looked, known, known.sources[source]
        self.tests = known.tests[source]
        values = [looked.column(at) for at in range(len(looked.head))]
        self.passing = likeness.passing(self.tests, values)
        self.spellings: dict[str, list[str]] = {column: [] for column in self.tests}
        self.kept: dict[str, list[re.Pattern[str]]] = {column: [] for column in self.tests}
        for layout in known.of(source):
            for head, column in layout.columns.items():
                self.spellings[column].append(head)
                if layout.only.get(head):
                    self.kept[column].append(re.compile(layout.only[head]))
        self.scores = [
            {column: self._score(at, column) for column in self.tests}
            for at in range(len(looked.head))
        ]

    def _score(self, at: int, column: str) -> Score:
        name = likeness.names(self.looked.head[at], self.spellings[column], column)
        found = self.passing[at].get(column)
        if found and self.fits(at, self.kept[column]):
            value = 1 - (1 - name[0]) * (1 - likeness.STRICT_WORTH)
            return Score(value, name[0], found.rules, f"{name[1]}; {KEPT}")
        return likeness.join(name, self.tests[column], found)

    def fits(self, at: int, patterns: Sequence[re.Pattern[str]]) -> bool:
        """Whether a value of a column fits one of these patterns."""
        values = self.looked.counts[at] or set(self.looked.column(at))
        return any(one.fullmatch(value) for one in patterns for value in values)

    def doubted(self, at: int, column: str) -> Score:
        """The score of a pair that was not taken: a head that its values belie counts half."""
        score = self.scores[at][column]
        return replace(score, value=score.value / 2) if self.belied(at, column) else score

    def belied(self, at: int, column: str) -> bool:
        """Whether most values of a column are none of ours."""
        found = self.passing[at].get(column)
        return found is not None and found.rules < DENY

    def belied_or_silent(self, at: int, column: str) -> bool:
        """A column without a head is known by its values only: every spacer has none."""
        return column not in self.passing[at] or self.belied(at, column)

    def ask_together(self, found: Mapping[int, str], heads: Iterable[int], column: str) -> None:
        """Score heads for a column once more by a look-up that takes other columns too, which are
        found by now: a year that is one for its row's item. `found`: place → column."""
        at = {ours: place for place, ours in found.items()}
        for derived in self.source.derived:
            others = [one for one in derived.columns if one != column]
            texts = all(self.tests[one].kind == "text" for one in derived.columns)
            if derived.refusal and texts and column in derived.columns and set(others) & set(at):
                self._together(_LookUp(derived, column, at, self.known.places), heads)

    def _together(self, look_up: _LookUp, heads: Iterable[int]) -> None:
        rows = self.looked.rows[:: max(1, len(self.looked.rows) // TOGETHER)]
        worth = look_up.worth(rows)
        for head in heads:
            given = [row for row in rows if row[head].strip()]
            share = sum(look_up.knows(row, row[head]) for row in given) / max(1, len(given))
            if worth and share >= DENY:
                score = self.scores[head][look_up.column]
                doubt = (1 - score.name) * (1 - worth * share)
                said = f"{score.reason}; {likeness.share(share)} of the rows pass its look-up"
                self.scores[head][look_up.column] = replace(score, value=1 - doubt, reason=said)

    def contradicts(self, at: int, wanted: Iterable[str]) -> bool:
        """Whether a head says one of our columns, and its values another and not that one."""
        found = self.passing[at]
        denied = {
            column
            for column in wanted
            if self.scores[at][column].name >= DIGITS and self.belied(at, column)
        }
        return bool(denied) and any(
            found[column].rules >= AGREE
            and self.tests[column].worth(found[column].distinct) >= DEMANDING_WORTH
            for column in set(wanted) - denied
            if column in found
        )
