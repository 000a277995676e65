"""Every rule of a source in the words and heads of its supplier, with what to do about it.

Belongs here: saying, the markers too. Does not belong here: the rules themselves (`sources`),
running them (`ingest.rules`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safecity_pipeline.ingest import parse, rules, schema
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import CrossRow, Layout, Source
from safecity_pipeline.supplier import patterns, workbook

if TYPE_CHECKING:
    from pandera.api.pandas.components import Column

FEW = 6
MOST_MARKERS = 3  # spellings of one marker that are shown
WIDE_LABEL, WIDE_VALUE = "the heads of the figures", "the columns of figures"
BESIDE, NO_HEAD = "the file's name or manifest", "(no head)"
MEANINGS = {
    parse.SUPPRESSED: "suppressed",
    parse.NOT_AVAILABLE: "not available",
    parse.NOT_APPLICABLE: "does not apply",
    parse.ROUNDED: "rounded to a range",
}


@dataclass(frozen=True)
class Rule:
    """One rule: its name, itself in words, the supplier's heads it speaks of, what to do.

    `columns`: the same as our columns, some of which may have no head.
    """

    name: str
    words: str
    heads: tuple[str, ...]
    repair: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spelling:
    """How a layout spells a source. `named`: our column → the words for it; `sent`: the heads."""

    layout: Layout
    named: dict[str, str]
    sent: tuple[str, ...] = field(default=())

    def heads(self, column: str) -> tuple[str, ...]:
        """The heads under which a column of ours stands; none where it is not in the rows."""
        layout = self.layout
        if layout.wide and column == layout.wide_value:
            return tuple(head for head in self.sent if wide_label(layout, head) is not None)
        return (self.named[column],) if column in layout.columns.values() else ()

    def value(self, column: str, ours: str) -> str:
        """A value of ours as the supplier writes it."""
        theirs = self.layout.values.get(column, {})
        return next((text for text, meant in theirs.items() if meant == ours), ours)

    def listed(self, columns: Iterable[str]) -> str:
        """Columns as the supplier calls them; those that the file does not have are left out."""
        columns = tuple(columns)
        known = dict.fromkeys(self.named[column] for column in columns if column in self.named)
        return ", ".join(known or columns)


def spelling(layout: Layout, sent: Iterable[str] = ()) -> Spelling:
    """Of our columns, the head that was sent, else the layout's first."""
    sent = tuple(sent)
    named = dict.fromkeys((*layout.given, *layout.says), BESIDE)
    if layout.wide:
        named |= dict.fromkeys(str(layout.wide_label).split("|"), WIDE_LABEL)
        named[str(layout.wide_value)] = WIDE_VALUE
    found: dict[str, str] = {}
    for head in (*(head for head in sent if head in layout.columns), *layout.columns):
        found.setdefault(layout.columns[head], head or _unnamed(head, sent))
    return Spelling(layout, named | found, sent)


def _unnamed(head: str, sent: tuple[str, ...]) -> str:
    """How to call a column without a head: by its place, where that is known."""
    return f"column {workbook.letter(sent.index(head) + 1)}" if head in sent else NO_HEAD


# --- markers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marker:
    """What may stand in place of a number, in the forms to show, and what it means."""

    forms: tuple[str, ...]
    meaning: str

    @property
    def words(self) -> str:
        shown = " or ".join(f"“{form}”" if form else "an empty cell" for form in self.forms)
        return f"{shown} ({self.meaning})"


def markers(layout: Layout) -> tuple[Marker, ...]:
    """The markers that a layout declares, those of one meaning together."""
    forms: dict[str, tuple[str, ...]] = {}
    for pattern, status in layout.markers.items():
        marker = _marker(pattern, status)
        forms[marker.meaning] = forms.get(marker.meaning, ()) + marker.forms
    return tuple(Marker(shown, meaning) for meaning, shown in forms.items())


def _marker(pattern: str, status: str) -> Marker:
    forms = tuple(patterns.examples(pattern)[:MOST_MARKERS]) or (pattern,)
    if not status.startswith(parse.BELOW):
        return Marker(forms, MEANINGS[status])
    limit = status.removeprefix(parse.BELOW)
    if not parse.GROUP.fullmatch(limit):
        return Marker(forms, f"below {limit}")
    return Marker(forms[:1], f"below {_limit(pattern, forms[0])}; or another number so")


def _limit(pattern: str, form: str) -> str:
    match = re.fullmatch(pattern, form)
    return match[1] if match and match.groups() else "that number"


def number_or_marker(layout: Layout) -> str:
    """What a cell for a number may hold: `a number, or one of the markers: x (suppressed), …`."""
    said = [marker.words for marker in markers(layout)]
    if len(said) < 2:
        return " or ".join(["a number", *said])
    return f"a number, or one of the markers: {', '.join(said)}"


# --- rules ---------------------------------------------------------------------------------------


def rulebook(source: Source, spelt: Spelling) -> dict[str, Rule]:
    """Every rule by name, in the order in which a row's reasons come; those that look across
    rows last."""
    about = {rule: (columns, repair) for rule, columns, repair in _repairs(source, spelt)}
    book = {
        name: Rule(
            name,
            _in_their_heads(name, words, about[name][0], spelt),
            tuple(head for column in about[name][0] for head in spelt.heads(column)),
            about[name][1],
            about[name][0],
        )
        for name, words in rules.words(source).items()
    }
    return book | {rule.name: _across(rule) for rule in source.across if rule.severity != "off"}


def _across(rule: CrossRow) -> Rule:
    if rule.severity == "quarantine":
        repair = (
            "Compare the row with those that its reason speaks of, and correct the one that is "
            "wrong; if all are right, tell us: then the rule is too narrow."
        )
        return Rule(rule.name, f"across rows: {rule.message}", (), repair)
    words = f"across rows: {rule.message} (you are told, and nothing is refused)"
    return Rule(rule.name, words, (), "Look whether the numbers are right; they are used as sent.")


def _in_their_heads(name: str, words: str, columns: tuple[str, ...], spelt: Spelling) -> str:
    """Words that the pipeline made begin with our name of a column, or list such names."""
    if name == "key_unique":
        return f"no two rows of a file share {spelt.listed(_key(columns, spelt))}"
    if not columns or name not in (f"{columns[0]}_kind", f"{columns[0]}_present"):
        return words
    column, head = columns[0], spelt.named.get(columns[0], columns[0])
    if name.endswith("_present") and head in ABSENT:
        return ABSENT[head].format(column)
    if words.endswith(MARKED):
        each = "each cell of " if head == WIDE_VALUE else ""
        return f"{each}{head} is {number_or_marker(spelt.layout)}"
    return words.replace(column, head, 1)


def _key(columns: tuple[str, ...], spelt: Spelling) -> tuple[str, ...]:
    """Those that rows can share: not what holds for all of them, nor heads."""
    return tuple(column for column in columns if spelt.heads(column)) or columns


MARKED = "or a marker that the layout declares"
ABSENT = {BESIDE: f"{BESIDE} says the {{}}", WIDE_LABEL: f"{WIDE_LABEL} stay as they are"}
MENDED = {
    BESIDE: "Say the {} in the file's name, or in a manifest.csv beside it.",
    WIDE_LABEL: f"Leave {WIDE_LABEL} as they are.",
}


def _repairs(source: Source, spelt: Spelling) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Rule, our columns, what to do."""
    yield "row_whole", (), "Export the row again: one line, every cell there, text in UTF-8."
    listed = spelt.listed(_key(source.key, spelt))
    yield "key_unique", source.key, f"Keep the right one of the rows that share {listed}."
    if source.fold:
        shared, same = spelt.listed(source.fold.key), spelt.listed(source.fold.same)
        repair = f"Rows that share {shared} tell of one thing: give them one and the same {same}."
        yield "folded_rows_agree", source.fold.same, repair
    schema_ = source.schema
    for name, column in schema_.columns.items():
        yield from _column_repairs(name, column, spelt)
    for check in schema_.checks:
        columns = tuple((check.statistics or {})["columns"])
        yield str(check.name), columns, _correct(spelt.listed(columns))
    for derived in source.derived:
        if derived.refusal:
            heads = spelt.listed(derived.columns)
            yield (
                f"{derived.name}_known",
                derived.columns,
                f"Check the spelling in {heads}; if it is right, tell us: we add the name.",
            )


def _column_repairs(
    name: str, column: Column, spelt: Spelling
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    head = spelt.named.get(name, name)
    form = parse.IN_WORDS[parse.kind_of(column)]
    if schema.is_marked(column):
        form = number_or_marker(spelt.layout)
        write = f"Write in {head} {form}."
    else:
        write = f"Write {head} as {form}."
    yield f"{name}_kind", (name,), write
    yield f"{name}_present", (name,), MENDED.get(head, f"Fill {head} in.").format(name)
    for check in column.checks:
        allowed = tuple(map(str, (check.statistics or {}).get("allowed", ())))
        values = tuple(spelt.value(name, value) for value in allowed)
        yield str(check.name), (name,), _of_list(head, values) if values else _correct(head)


def _of_list(head: str, values: tuple[str, ...]) -> str:
    if len(values) <= FEW:
        return f"Write {head} as one of: {', '.join(values)}."
    return f"Write {head} as one of its {len(values)} allowed values; the template lists them."


def _correct(listed: str) -> str:
    return f"Correct {listed}; if the cell is right, tell us: then the rule is wrong."
