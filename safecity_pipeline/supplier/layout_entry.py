"""The TOML of a layout that reads a file as it is: each mapping with its score and reason.

Belongs here: which keys an entry has, and how they are spelt. Does not belong here: what changed
(`ingest.drift`), trying the entry, and what else is said (`drift_report`).
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from safecity_pipeline.ingest.drift import Drift
from safecity_pipeline.ingest.sheet_drift import Found
from safecity_pipeline.ingest.standing import Beside
from safecity_pipeline.model import Layout

LETTERS = 3
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a comment of TOML holds none
REASON = "as in the layout"
SUFFIX = re.compile(r"(\.csv|\.xlsx|\.ods|\.parquet)(\.gz)?$", re.IGNORECASE)
STATUSES = "suppressed, not_available, not_applicable, rounded or below:5"
MOST_ODD = 20


def json_text(text: str) -> str:
    """A basic string of TOML, which is JSON's but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class Entry:
    """The layout that spells our columns as one file, or one sheet of it (`found`), does."""

    file: str
    drift: Drift
    beside: Beside
    found: Found | None = None

    @property
    def layout(self) -> Layout:
        return self.drift.layout

    @property
    def name(self) -> str:
        stem = re.sub(r"[^a-z0-9]+", "_", SUFFIX.sub("", self.file).lower())
        return f"{self.layout.name}_as_in_{stem.strip('_')[:60] or 'file'}"

    @property
    def text(self) -> str:
        parts = [self._about(), self._place(), self._beside(), self._spread()]
        tables = [self._only(), self._says(), self._columns(), self._values()]
        tables += [self._wide(), self._markers()]
        lines = [line for part in parts for line in part]
        for table in tables:
            listed = list(table)
            lines += ["", *listed] if listed else []
        return "\n".join(lines) + "\n"

    # --- the entry itself ------------------------------------------------------------------------

    def _about(self) -> Iterator[str]:
        yield f"[{self.name}]"
        yield f"title = {json_text(f'{self.layout.title}, as in {self.file}')}"
        patterns, why = _patterns(self.file, self.layout)
        yield f"files = {_list(patterns)}  # {why}"

    def _place(self) -> Iterator[str]:
        if self.found:
            yield from _where(self.found)
        if self.drift.delimiter != ",":
            yield f"delimiter = {json_text(self.drift.delimiter)}"
        if self.layout.short_rows:
            yield f"short_rows = {self.layout.short_rows}  # {REASON}"
        if self.layout.footnotes:
            yield f"footnotes = true  # {REASON}"
        if self.layout.ignored:
            yield f"ignored = {_list(self.layout.ignored)}  # {REASON}"

    def _beside(self) -> Iterator[str]:
        for key, pattern in (("facts", self.beside.facts), ("titles", self.beside.titles)):
            if pattern:
                yield f"{key} = {json_text(pattern)}  # {self.beside.why.get(key, REASON)}"
        for column in self.beside.lacking:
            yield _comment(f"cannot tell: nothing in the file says its {column}")
        if self.layout.given:
            yield f"given = {_list(self.layout.given)}  # {REASON}"
        if self.layout.years:
            yield _comment(f"years = {list(self.layout.years)}: narrow it where it must be")

    def _spread(self) -> Iterator[str]:
        if self.drift.wide:
            yield f"wide_label = {json_text(str(self.layout.wide_label))}"
            yield f"wide_value = {json_text(str(self.layout.wide_value))}"
        if self.layout.rounded:
            yield f"rounded = {json_text(self.layout.rounded)}  # {REASON}"

    # --- its tables ------------------------------------------------------------------------------

    def _only(self) -> Iterator[str]:
        if self.drift.kept:
            yield f"[{self.name}.only]"
        for one in self.drift.kept:
            if one.head is None:
                yield _comment(f"cannot tell: {one.reason}; without it rows come in that must not")
                yield _comment(_pair(one.key, one.pattern))
            else:
                yield f"{_pair(one.head, one.pattern)}  # {_clean(one.reason)}"

    def _says(self) -> Iterator[str]:
        yield from _table(f"{self.name}.says", self.layout.says)

    def _columns(self) -> Iterator[str]:
        yield f"[{self.name}.columns]"
        retyped = {one.head for one in self.drift.retyped}
        for one in self.drift.mapped:
            mark = "RETYPED, its values will be refused; " * (one.head in retyped)
            why = f"{one.score.value:.2f}: {mark}{one.score.reason}"
            yield f"{_pair(one.head, one.column)}  # {_clean(why)}"
        for untold in self.drift.untold:
            yield _comment(f"cannot tell: {untold.column}, {untold.why}")
            for head, score in untold.candidates:
                why = f"{score.value:.2f}: {score.reason}"
                yield _comment(f"{_pair(head, untold.column)}  # {why}")
        silent = {one.column for one in self.drift.untold} | set(self.beside.lacking)
        for column in self.drift.missing_needed:
            if column not in silent:
                yield _comment(f"{column} is needed, and no head comes into question")

    def _values(self) -> Iterator[str]:
        for column, meant in self.layout.values.items():
            yield from _table(f"{self.name}.values.{column}", meant)

    def _wide(self) -> Iterator[str]:
        if self.drift.wide:
            yield f"[{self.name}.wide]"
        for one in self.drift.wide:
            why = f"{one.score.value:.2f}: {one.score.reason}"
            yield f"{_pair(one.pattern, one.label)}  # {_clean(why)}"
        for one in self.drift.wide_candidates:
            why = f"{one.score.value:.2f}: {one.score.reason}"
            said = f"cannot tell, under [{self.name}.wide]: {_pair(one.pattern, one.label)}"
            yield _comment(f"{said}  # {why}")
        for label in self.drift.missing_labels if self.drift.wide else ():
            yield _comment(f"no head is sure to be {label}")

    def _markers(self) -> Iterator[str]:
        odd = sorted(self.drift.odd.items(), key=lambda pair: -pair[1])
        if self.layout.markers or odd:
            yield f"[{self.name}.markers]"
        for pattern, status in self.layout.markers.items():
            yield f"{_pair(pattern, status)}  # {REASON}"
        if odd:
            yield _comment(f"cannot tell what these are; choose {STATUSES}, or leave them refused:")
        for text, cells in odd[:MOST_ODD]:
            yield _comment(f'{json_text(re.escape(text))} = "?"  # {cells:,} cells')


def _where(found: Found) -> Iterator[str]:
    """Where the table stands in the workbook."""
    layout, stand, end = found.layout, found.stand, found.end
    if found.sheet.name:
        same = layout.sheet is not None and fits(found.sheet.name, layout.sheet)
        pattern = str(layout.sheet) if same else glob.escape(found.sheet.name)
        why = REASON if same else "the sheet's new name"
        yield f"sheet = {json_text(pattern)}  # {why}"
    yield f"head_rows = {list(stand.head_rows)}{'' if found.moved else f'  # {REASON}'}"
    if stand.first_row != max(stand.head_rows) + 1:
        yield f"first_row = {stand.first_row}"
    if end.pattern:
        yield f"end = {json_text(end.pattern)}  # {_clean(end.why)}"
    elif end.unclear:
        yield _comment(f"cannot tell what ends the table: {end.unclear}")


def fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern of a layout, as the survey asks it."""
    return fnmatch(name.lower(), pattern.lower())


def _table(name: str, content: Mapping[str, str]) -> Iterator[str]:
    if content:
        yield f"[{name}]"
    for key, text in content.items():
        yield f"{_pair(key, text)}  # {REASON}"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(json_text, texts))}]"


def _pair(theirs: str, ours: str) -> str:
    return f"{json_text(theirs)} = {json_text(ours)}"


def _comment(words: str) -> str:
    return f"# {_clean(words)}"


def _clean(words: str) -> str:
    return CONTROL.sub(" ", words).rstrip()


def _patterns(name: str, layout: Layout) -> tuple[tuple[str, ...], str]:
    """The layout's own patterns where the name fits one, else the name with * for its numbers."""
    if any(fits(name, pattern) for pattern in layout.files):
        return layout.files, REASON
    general = re.sub(r"\d+", "*", glob.escape(name))
    if sum(letter.isalpha() for letter in general.partition(".")[0]) < LETTERS:
        return (glob.escape(name),), "this name only: without its numbers it says nothing"
    return (general,), "from the file's name, * for its numbers"
