"""SOURCE.template.xlsx: the workbook to send out to whoever is to supply a source.

Belongs here: its sheets, all of them made from the source's model and its first layout, so that
it cannot promise what the rules refuse. Does not belong here: meaning and examples (`sources`),
spelling (`registry/layouts`), cells and styles (`workbook`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecity_pipeline.ingest import parse, schema
from safecity_pipeline.ingest.survey import wide_label
from safecity_pipeline.model import Layout, Refused, Source
from safecity_pipeline.registry import Registry
from safecity_pipeline.supplier import rulebook, workbook
from safecity_pipeline.supplier.workbook import EXAMPLE, STRONG, TITLE, Book

if TYPE_CHECKING:
    from pandera.api.pandas.components import Column

EXAMPLES = 2
LISTS = "Allowed values"
OTHERWISE = {"text": "text", "whole": "1", "number": "1.5", "month": "2014-09"}
OTHERWISE |= {"financial_year": "2014/15"}


@dataclass(frozen=True)
class Field:
    """One head of the template, or (`head` empty) a fact that the rows do not have."""

    head: str
    name: str
    meaning: str
    kind: str
    may_be_empty: bool
    allowed: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """What is asked of a supplier: by which layout, under which heads, with which facts beside."""

    source: Source
    layout: Layout
    heads: tuple[Field, ...]
    facts: tuple[Field, ...]

    @property
    def rows(self) -> list[list[str]]:
        """The head and the example rows of the sheet Data."""
        examples = [[field.examples[row] for field in self.heads] for row in range(EXAMPLES)]
        return [[field.head for field in self.heads], *examples]

    @property
    def file_name(self) -> str:
        """A name that the layout recognises."""
        return self.layout.files[0].replace("*", "").replace("?", "0")


def of(source_name: str, known: Registry) -> Template:
    """The template of a source, by its first layout that is not refused. Raises Refused."""
    if source_name not in known.sources:
        listed = ", ".join(known.sources)
        raise Refused("no such source", got=source_name, repair=f"known: {listed}")
    source = known.sources[source_name]
    layouts = [one for one in known.layouts if one.source == source_name and not one.refuse]
    if not layouts:
        raise Refused("the source has no layout to ask for", source_name, repair="describe one")
    return Template(source, layouts[0], *_fields(source, layouts[0]))


def _fields(source: Source, layout: Layout) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    columns = source.model.to_schema().columns
    named = rulebook.heads(layout)
    asked = {head: ours for ours, head in named.items()}
    heads = [
        _field(head, asked[head], columns[asked[head]]) for head in layout.columns if head in asked
    ]
    heads += [_wide_field(layout, pattern, columns) for pattern in layout.wide]
    unasked = [name for name in layout.given if name not in named]
    return tuple(heads), tuple(_field("", name, columns[name]) for name in unasked)


def _field(head: str, name: str, column: Column) -> Field:
    kind, values = parse.kind_of(column), schema.allowed(column)
    otherwise = "" if column.nullable else values[0] if values else OTHERWISE[kind]
    examples = tuple((column.metadata or {}).get("example", (otherwise,) * EXAMPLES))
    meaning = str(column.description or name)
    return Field(head, name, meaning, kind, bool(column.nullable), values, examples)


def _wide_field(layout: Layout, pattern: str, columns: dict[str, Column]) -> Field:
    """The column of values under one head as an example: the label's example put into the
    pattern."""
    label, value = str(layout.wide_label), str(layout.wide_value)
    of_label = _field("", label, columns[label])
    wanted = of_label.examples[0]
    head = re.sub(
        r"\\(.)", r"\1", re.sub(r"\((?:[^()\\]|\\.)*\)", lambda _: wanted, pattern, count=1)
    )
    if wide_label(layout, head) != wanted:
        place = f"{layout.source}.toml [{layout.name}] wide"
        raise Refused("no example head can be made of the pattern", place, pattern)
    field = _field(head, value, columns[value])
    meaning = f"{field.meaning}. One such column for each {label}. {of_label.meaning}"
    return Field(head, value, meaning, *_after_meaning(field))


def _after_meaning(field: Field) -> tuple[str, bool, tuple[str, ...], tuple[str, ...]]:
    return field.kind, field.may_be_empty, field.allowed, field.examples


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
    widths = [
        min(40, max(12, *(len(text) + 4 for text in (field.head, *field.examples))))
        for field in template.heads
    ]
    sheet = book.sheet("Data", widths)
    sheet.text_columns(len(widths))
    head, *examples = template.rows
    sheet.head(head)
    for row in examples:
        sheet.add(row, EXAMPLE)
    for at, field in enumerate(listed, 1):
        name = workbook.letter(at)
        values = f"'{LISTS}'!${name}$2:${name}${len(field.allowed) + 1}"
        words = f"{field.head} is one of the values in sheet {LISTS}."
        column = template.heads.index(field) + 1
        sheet.choices(column, values, field.may_be_empty, words)


def _columns(book: Book, template: Template) -> None:
    heads = ["Head", "Meaning", "Kind of value", "May be empty", "Allowed values", "Example"]
    sheet = book.sheet("Columns", (26, 60, 40, 15, 50, 40))
    sheet.head(heads)
    for field in template.heads:
        sheet.add([field.head, *_described(field)])
    for field in template.facts:
        sheet.add([f"{field.name} (not a column, see Read me)", *_described(field)])
    sheet.filtered(len(heads))


def _described(field: Field) -> list[str]:
    allowed = "\n".join(field.allowed) if len(field.allowed) <= rulebook.FEW else _see(field)
    example = next(filter(None, field.examples), "")
    empty = "yes" if field.may_be_empty else "no"
    return [field.meaning, parse.IN_WORDS[field.kind], empty, allowed, example]


def _see(field: Field) -> str:
    return f"one of {len(field.allowed)}: sheet {LISTS}, and the list in the cell"


def _rules(book: Book, template: Template) -> None:
    sheet = book.sheet("Rules", (28, 80, 34))
    sheet.head(["Rule", "In words", "Columns"])
    for rule in rulebook.rulebook(template.source, rulebook.heads(template.layout)).values():
        sheet.add([rule.name, rule.words, ", ".join(rule.heads)])
    for across in template.source.across:
        sheet.add([across.name, f"{across.message} (a warning)", ""])
    sheet.filtered(3)


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
        sheet.add(["", "Say it in the file's name as agreed, or in your message:"])
        for field in template.facts:
            needed = "if you can" if field.may_be_empty else "needed"
            sheet.add(["", f"{field.name} ({needed}): {field.meaning}, as {field.examples[0]}"])


def _steps(template: Template) -> Iterator[str]:
    patterns = " or ".join(template.layout.files)
    yield "Sheet Columns says what each column means; sheet Rules what is refused, row by row."
    yield (
        "Write your rows into sheet Data below its head, which stays as it is. "
        "Every cell there is a text, so that nothing is changed as you type."
    )
    yield "Delete the two coloured example rows: they are made up."
    if template.layout.wide:
        yield "Add a column like the last one for every further period, with its head so changed."
    yield (
        f"Save sheet Data as “CSV UTF-8”, cells separated by {_separator(template.layout)}, "
        f"under a name such as {template.file_name} (what is read: {patterns})."
    )
    yield "Send it. Should rows be refused, you get a workbook that says which, and why."


def _separator(layout: Layout) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs"}
    return names.get(layout.delimiter, layout.delimiter)
