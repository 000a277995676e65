"""SOURCE.template.xlsx: the workbook to send out to whoever is to supply a source.

Belongs here: its sheets, all of them made from the source's model and one of its layouts, so that
it cannot promise what the rules refuse. Does not belong here: meaning and examples (`sources`),
spelling (`registry/layouts`), cells and styles (`workbook`).

The layout is the first that is plain text with one row of heads, which a person can fill in. A
source whose layouts are all of workbooks gets the first of them: then the sheet of data has that
layout's name, its rows above the head, its head rows and its last row.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safecity_pipeline.ingest import parse, schema
from safecity_pipeline.ingest.heads import JOINT
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import Layout, Refused, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.supplier import patterns, rulebook, workbook
from safecity_pipeline.supplier.rulebook import Spelling
from safecity_pipeline.supplier.workbook import EXAMPLE, HEAD, STRONG, TITLE, Book

if TYPE_CHECKING:
    from pandera.api.pandas.components import Column

EXAMPLES = 2
DATA, LISTS = "Data", "Allowed values"
TEXT_FILES, WORKBOOKS = (".csv",), (".xlsx",)
OTHERWISE = {"text": "text", "whole": "1", "number": "1.5", "month": "2014-09"}
OTHERWISE |= {"financial_year": "2014/15", "moment": "09/04/2014 13:05", "day": "09/04/2014"}


@dataclass(frozen=True)
class Field:
    """One column of the template, or a fact that the rows do not have (then `head` is its name).

    `instead`: the markers that may stand in place of a number, in words.
    """

    head: str
    name: str
    meaning: str
    kind: str
    may_be_empty: bool
    allowed: tuple[str, ...]
    examples: tuple[str, ...]
    instead: str = ""


@dataclass(frozen=True)
class Template:
    """What is asked of a supplier: by which layout, under which heads, with which facts beside.

    `file_name`: one that the layout recognises. `said`: the facts that this name states.
    """

    source: Source
    layout: Layout
    heads: tuple[Field, ...]
    facts: tuple[Field, ...]
    file_name: str
    said: frozenset[str] = frozenset()

    @property
    def rows(self) -> list[list[str]]:
        """The head and the example rows of the sheet of data, as one row each."""
        examples = [[field.examples[row] for field in self.heads] for row in range(EXAMPLES)]
        return [[field.head for field in self.heads], *examples]

    @property
    def as_workbook(self) -> bool:
        """The layout reads workbooks, so the template itself can be sent back."""
        return any(name.lower().endswith(WORKBOOKS) for name in self.layout.files)

    @property
    def as_text(self) -> bool:
        return _is_text(self.layout)

    @property
    def data_sheet(self) -> str:
        """Name of the sheet of data, which the layout recognises."""
        if self.layout.sheet is None:
            return DATA
        return next(patterns.file_names(self.layout.sheet)) or DATA


def of(source_name: str, known: Registry) -> Template:
    """The template of a source. Raises Refused where the source is not known, or cannot be asked
    for."""
    if source_name not in known.sources:
        listed = ", ".join(known.sources)
        raise Refused("no such source", got=source_name, repair=f"known: {listed}")
    source = known.sources[source_name]
    layouts = [one for one in known.layouts if one.source == source_name and not one.refuse]
    if not layouts:
        raise Refused("the source has no layout to ask for", source_name, repair="describe one")
    layout = next(filter(_is_text, layouts), layouts[0])
    heads, facts = _fields(source, layout)
    return Template(source, layout, heads, facts, *_file_name(layout, facts, source, known))


def _is_text(layout: Layout) -> bool:
    """Plain text; with titles above its head only where the layout reads no workbooks."""
    names = [name.lower() for name in layout.files]
    if layout.sheet is not None or not any(name.endswith(TEXT_FILES) for name in names):
        return False
    return layout.head_rows == (1,) or not any(name.endswith(WORKBOOKS) for name in names)


def _file_name(
    layout: Layout, facts: Sequence[Field], source: Source, known: Registry
) -> tuple[str, frozenset[str]]:
    """A name that the layout recognises, and what it states: such as states something that the
    source understands, newer ones first."""
    suffixes = TEXT_FILES if _is_text(layout) else WORKBOOKS
    named = [name for name in layout.files if name.lower().endswith(suffixes)] or layout.files[:1]
    names = [name for pattern in reversed(named) for name in patterns.file_names(pattern)]
    groups = _groups(layout.facts or "", facts)
    names += [
        name
        for name in patterns.plainest(layout.facts or "", groups)
        if any(fnmatch.fnmatch(name, pattern) for pattern in named)
    ]
    for name in names if layout.facts else ():
        match = re.fullmatch(str(layout.facts), name)
        told = {key: text for key, text in match.groupdict().items() if text} if match else {}
        if told and _understood(source, told, known):
            return name, frozenset(told)
    return next(patterns.file_names(named[0])), frozenset()


def _groups(pattern: str, facts: Sequence[Field]) -> dict[int, str]:
    """Number of a pattern's named group → the example of the fact of that name."""
    named = re.compile(pattern).groupindex
    return {named[fact.name]: fact.examples[0] for fact in facts if fact.name in named}


def _understood(source: Source, facts: Mapping[str, str], known: Registry) -> bool:
    """Whether the columns that are made of these facts alone can be made."""
    made = [
        derived.make(known.areas, *(facts[name] for name in derived.columns))
        for derived in source.derived
        if derived.refusal and set(derived.columns) <= facts.keys()
    ]
    return None not in made


# --- what is asked for ---------------------------------------------------------------------------


def _fields(source: Source, layout: Layout) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    columns = source.schema.columns
    spelt = rulebook.spelling(layout)
    asked = _first_heads(layout)
    fields = [_field(head, name, columns[name], spelt) for head, name in asked.items()]
    fields += [_only_field(head, layout) for head in layout.only if head not in layout.columns]
    fields += [_wide(spelt, pattern, source) for pattern in layout.wide]
    beside = [name for name in layout.given if name not in asked.values()]
    facts = tuple(_field(name, name, columns[name], spelt) for name in beside)
    return tuple(_with_numbers_and_markers(fields, layout)), facts


def _first_heads(layout: Layout) -> dict[str, str]:
    """Head → our column, the first head of each, in the layout's order."""
    first: dict[str, str] = {}
    for head, name in layout.columns.items():
        first.setdefault(name, head)
    return {head: name for name, head in first.items()}


def _field(head: str, name: str, column: Column, spelt: Spelling) -> Field:
    kind = parse.kind_of(column)
    values = tuple(spelt.value(name, value) for value in schema.allowed(column))
    otherwise = "" if column.nullable else values[0] if values else OTHERWISE[kind]
    examples = tuple((column.metadata or {}).get("example", (otherwise,) * EXAMPLES))
    examples = tuple(spelt.value(name, example) for example in examples)
    meaning = str(column.description or name)
    field = Field(head, name, meaning, kind, bool(column.nullable), values, examples)
    if not schema.is_marked(column):
        return field
    empty = any(re.fullmatch(pattern, "") for pattern in spelt.layout.markers)
    instead = rulebook.number_or_marker(spelt.layout)
    return replace(field, may_be_empty=empty, instead=instead)


def _only_field(head: str, layout: Layout) -> Field:
    """A column that says which rows are meant, and of which nothing else is read."""
    pattern = layout.only[head]
    wanted = patterns.examples(pattern) or [pattern]
    said = wanted[0] or "nothing: the cell is empty"
    meaning = f"Says which rows are meant; only those are read in which it is {said}"
    return Field(head, head, meaning, "text", wanted[0] == "", (), (wanted[0],) * EXAMPLES)


def _wide(spelt: Spelling, pattern: str, source: Source) -> Field:
    """A column of values under a head that is an example of the pattern: with the label's own
    example in it where the label is not fixed. Raises Refused where no such head can be made."""
    layout, columns = spelt.layout, source.schema.columns
    names, value = str(layout.wide_label).split("|"), str(layout.wide_value)
    parts = dict(zip(names, layout.wide[pattern].split("|"), strict=True))
    head = _wide_head(layout, pattern, _grouped(spelt, parts, source))
    told = dict(zip(names, str(wide_label(layout, head)).split("|"), strict=True))
    field = _field(head, value, columns[value], spelt)
    fixed = [f"{name} {told[name]}" for name, part in parts.items() if not _is_group(part)]
    about = [f"{field.meaning}. Here: {', '.join(fixed)}" if fixed else field.meaning]
    about += [
        f"One such column for each {name}. {columns[name].description}"
        for name, part in parts.items()
        if _is_group(part)
    ]
    meant = replace(field, meaning=". ".join(about))
    if not fixed:
        return meant
    possible = [text for text in field.examples if _allowed(source, {**told, value: text})]
    return replace(meant, examples=(*possible, *field.examples)[:1] * EXAMPLES)


def _grouped(spelt: Spelling, parts: Mapping[str, str], source: Source) -> dict[int, str]:
    """Number of the group that a part of a label is → the example of that column."""
    columns = source.schema.columns
    return {
        int(part[1:]): _field("", name, columns[name], spelt).examples[0]
        for name, part in parts.items()
        if _is_group(part)
    }


def _wide_head(layout: Layout, pattern: str, groups: Mapping[int, str]) -> str:
    # A pattern may not fit the column's own example: its question has other options.
    for head in (*patterns.examples(pattern, groups), *patterns.examples(pattern)):
        if wide_label(layout, head) is not None:
            return head
    place = f"{layout.source}.toml [{layout.name}] wide"
    raise Refused("no example head can be made of the pattern", place, pattern)


def _allowed(source: Source, texts: Mapping[str, str]) -> bool:
    """Whether the rules over several columns allow these values beside each other."""
    model = source.schema
    row = pd.DataFrame(
        {
            name: parse.parse(pd.Series([text], dtype="str"), parse.kind_of(model.columns[name]))[
                "value"
            ]
            for name, text in texts.items()
        }
    )
    asked = ((check, list((check.statistics or {})["columns"])) for check in model.checks)
    return all(
        bool(check(row[columns]).check_output.all())
        for check, columns in asked
        if {*columns} <= {*texts}
    )


def _is_group(part: str) -> bool:
    return re.fullmatch(r"\\\d", part) is not None


def _with_numbers_and_markers(fields: Sequence[Field], layout: Layout) -> Iterator[Field]:
    """Example rows of a table with columns of several meanings: a number in the first of them,
    and in the others the markers in turn, since made-up numbers would have to fit each other."""
    forms = [form for marker in rulebook.markers(layout) for form in marker.forms if form]
    wide = [field for field in fields if wide_label(layout, field.head) is not None]
    for field in fields:
        at = wide.index(field) if field in wide else 0
        if at and forms and len(layout.wide) > 1:
            yield replace(field, examples=(forms[(at - 1) % len(forms)],) * EXAMPLES)
        else:
            yield field


def write(template: Template, to: Path, raw: Path) -> None:
    """Write the workbook. Raises Refused for a place in `raw`, and where a file lies already that
    is not ours or that somebody has saved since."""
    if workbook.inside(to.parent, raw):
        rule = "nothing is written into the folder of extracts"
        raise Refused(rule, str(to), repair="name another place: --to")
    if not workbook.may_write(to):
        raise Refused("a file of that name is there already", str(to), repair="name another: --to")
    book = Book(f"Template: {template.source.title}")
    _read_me(book, template)
    listed = [field for field in template.heads if field.allowed]
    _data(book, template, listed)
    _columns(book, template)
    _rules(book, template)
    if listed:
        _lists(book, listed)
    try:
        book.save(to)
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", str(to)) from None


def _data(book: Book, template: Template, listed: Sequence[Field]) -> None:
    layout, fields = template.layout, template.heads
    widths = [
        min(40, max(12, *(len(text) + 4 for text in (field.head, *field.examples))))
        for field in fields
    ]
    above = list(_above(template))
    sheet = book.sheet(template.data_sheet, widths)
    sheet.text_columns(len(widths))
    sheet.keep_in_view(len(above))
    for number, row in enumerate(above, 1):
        sheet.add(row, HEAD if number in layout.head_rows else STRONG)
    for row in template.rows[1:]:
        sheet.add(row, EXAMPLE)
    if layout.end is not None and not template.as_text:
        sheet.add([_fitting(layout.end)])
    for at, field in enumerate(listed, 1):
        name = workbook.letter(at)
        values = f"'{LISTS}'!${name}$2:${name}${len(field.allowed) + 1}"
        words = f"{field.head} is one of the values in sheet {LISTS}."
        column = fields.index(field) + 1
        sheet.choices(column, values, field.may_be_empty, words, len(above) + 1)


def _above(template: Template) -> Iterator[list[str]]:
    """The rows above the data as the layout of a workbook wants them: titles, then the head,
    whose parts stand one below the other."""
    layout = template.layout
    parts = [field.head.split(JOINT) for field in template.heads]
    titles = iter(patterns.alternatives(layout.titles) if layout.titles else ())
    first = layout.first_row or max(layout.head_rows) + 1
    for row in range(1, first):
        if row in layout.head_rows:
            at = layout.head_rows.index(row)
            yield [one[at] if at < len(one) else "" for one in parts]
        else:
            title = next(titles, None)
            yield [_fitting(title, template.facts)] if title else []


def _fitting(pattern: str, facts: Sequence[Field] = ()) -> str:
    """An example of the pattern in which its named groups say the facts."""
    return next(iter(patterns.examples(pattern, _groups(pattern, facts))), pattern)


def _columns(book: Book, template: Template) -> None:
    heads = ["Head", "Meaning", "Kind of value", "May be empty", "Allowed values", "Example"]
    sheet = book.sheet("Columns", (26, 60, 40, 15, 50, 40))
    sheet.head(heads)
    for field in template.heads:
        sheet.add([field.head or rulebook.NO_HEAD, *_described(field)])
    for field in template.facts:
        sheet.add([f"{field.name} (not a column, see Read me)", *_described(field)])
    sheet.filtered(len(heads))


def _described(field: Field) -> list[str]:
    allowed = "\n".join(field.allowed) if len(field.allowed) <= rulebook.FEW else _see(field)
    allowed = field.instead or allowed
    example = next(filter(None, field.examples), "")
    empty = "yes" if field.may_be_empty else "no"
    return [field.meaning, parse.IN_WORDS[field.kind], empty, allowed, example]


def _see(field: Field) -> str:
    return f"one of {len(field.allowed)}: sheet {LISTS}, and the list in the cell"


def _rules(book: Book, template: Template) -> None:
    sheet = book.sheet("Rules", (28, 80, 34))
    sheet.head(["Rule", "In words", "Columns"])
    spelt = rulebook.spelling(template.layout, [field.head for field in template.heads])
    for rule in rulebook.rulebook(template.source, spelt).values():
        if not rule.columns or not set(rule.columns) <= set(template.layout.says):
            sheet.add([rule.name, rule.words, _heads(rule.heads)])
    sheet.filtered(3)


def _heads(listed: Sequence[str]) -> str:
    more = len(listed) - rulebook.FEW
    shown = "\n".join(listed[: rulebook.FEW])
    return f"{shown}\nand {more} more" if more > 0 else shown


def _lists(book: Book, listed: Sequence[Field]) -> None:
    widths = [max(14, *(len(value) + 4 for value in field.allowed)) for field in listed]
    sheet = book.sheet(LISTS, widths)
    sheet.head([field.head for field in listed])
    for row in range(max(len(field.allowed) for field in listed)):
        sheet.add([field.allowed[row] if row < len(field.allowed) else None for field in listed])


def _read_me(book: Book, template: Template) -> None:
    sheet = book.sheet("Read me", (6, 110))
    sheet.add([template.source.title], TITLE)
    sheet.add([])
    sheet.add(["How to fill it in and send it"], STRONG)
    for number, words in enumerate(_steps(template), 1):
        sheet.add([number, words])
    if template.facts:
        sheet.add([])
        sheet.add(["What the rows do not say"], STRONG)
        sheet.add(["", _beside(template)])
        for field in template.facts:
            needed = "if you can" if field.may_be_empty else "needed"
            said = f"{field.name} ({needed}): {field.meaning}, as {field.examples[0]}"
            named = f"; the file's name may say it: {template.file_name}"
            sheet.add(["", said + named * (field.name in template.said)])


def _beside(template: Template) -> str:
    if not template.as_text and template.layout.titles:
        return "Say it above the head, as the example does:"
    return "Say it in the file's name as agreed, or in your message:"


def _steps(template: Template) -> Iterator[str]:
    sheet = template.data_sheet
    yield "Sheet Columns says what each column means; sheet Rules what is refused, row by row."
    yield (
        f"Write your rows into sheet {sheet} below its head, which stays as it is. "
        "Every cell there is a text, so that nothing is changed as you type."
    )
    yield "Delete the two coloured example rows: they are made up."
    if any(field.instead for field in template.heads):
        yield (
            "Where there is no number, write one of the markers that sheet Columns lists, and "
            "never a word of your own: a cell with any other text counts as not read."
        )
    for name, pattern in _growing(template.layout):
        yield (
            f"Add a column for every further {name.replace('_', ' ')}, with a head like "
            f"“{_example_head(template, pattern)}”."
        )
    yield from _sending(template)
    yield "Send it. Should rows be refused, you get a workbook that says which, and why."


def _growing(layout: Layout) -> Iterator[tuple[str, str]]:
    """Our column of a label that is not fixed, and the first pattern whose label it is."""
    names = str(layout.wide_label).split("|")
    seen: set[str] = set()
    for pattern, label in layout.wide.items():
        for name, part in zip(names, label.split("|"), strict=True):
            if _is_group(part) and name not in seen:
                seen.add(name)
                yield name, pattern


def _example_head(template: Template, pattern: str) -> str:
    return next(field.head for field in template.heads if re.fullmatch(pattern, field.head))


def _sending(template: Template) -> Iterator[str]:
    read = " or ".join(template.layout.files)
    if not template.as_text:
        yield (
            f"Keep the name of sheet {template.data_sheet}, the rows above its head and its last "
            f"row. Save the workbook under a name such as {template.file_name} (what is read: "
            f"{read})."
        )
        return
    yield (
        f"Save sheet {template.data_sheet} as “CSV UTF-8”, cells separated by "
        f"{_separator(template.layout)}, under a name such as {template.file_name} (what is "
        f"read: {read})." + " Or send the workbook itself under such a name." * template.as_workbook
    )


def _separator(layout: Layout) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs"}
    return names.get(layout.delimiter, layout.delimiter)
