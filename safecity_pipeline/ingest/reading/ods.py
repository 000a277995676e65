"""An .ods workbook → rows of text, from its content.xml.

Belongs here: OpenDocument's way of saying values, repetition, spans and hidden sheets. Does not
belong here: limits and form of a transcript. Source: OpenDocument 1.3, part 3, chapters 9 and 19.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse
from zipfile import ZipFile

from safecity_pipeline.ingest.reading import archive
from safecity_pipeline.ingest.reading.cells import UNCACHED, as_text, number
from safecity_pipeline.ingest.reading.transcript import TOP, Range
from safecity_pipeline.ingest.reading.writing import Book, SheetWriter, place_of, within
from safecity_pipeline.model import Refused

CONTENT = "content.xml"
MANIFEST = "META-INF/manifest.xml"
WHOLLY_ENCRYPTED = "encrypted-package"
NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns"
OFFICE, TABLE, TEXT, STYLE = (
    f"{{{NAMESPACE}:{name}:1.0}}" for name in ("office", "table", "text", "style")
)
SPREADSHEET, SHEET, ROW = f"{OFFICE}spreadsheet", f"{TABLE}table", f"{TABLE}table-row"
CELLS = {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}
PARAGRAPH = f"{TEXT}p"
INSIDE = {*CELLS, PARAGRAPH}
STYLE_NAME, STYLE_PROPERTIES = f"{STYLE}style", f"{STYLE}table-properties"
NUMBERS = {"float", "percentage", "currency"}
ERROR = re.compile(r"#|Err:\d")
DURATION = re.compile(r"(-?)P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")


def read(path: Path, book: Book) -> None:
    """Every sheet, in the workbook's order."""
    with ZipFile(path) as package:
        _refuse_encrypted(package)
        reader = _Reader(book)
        with package.open(CONTENT) as stream:
            for event, element in iterparse(stream, events=("start", "end")):
                if element.tag not in INSIDE:
                    (reader.start if event == "start" else reader.end)(element)


def _refuse_encrypted(package: ZipFile) -> None:
    names = set(package.namelist())
    encrypted = WHOLLY_ENCRYPTED in names
    if MANIFEST in names:
        with package.open(MANIFEST) as stream:
            encrypted |= any(e.tag.endswith("}encryption-data") for _, e in iterparse(stream))
    if encrypted:
        raise Refused("a workbook with a password is not read", repair=archive.PASSWORD)


class _Reader:
    """Follows the document element by element, but for those inside a row. Tables that stand
    elsewhere than directly in the spreadsheet (in a cell, in a link to another file) are no
    sheets."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.path: list[str] = []
        self.style = ""
        self.hidden: set[str] = set()
        self.writer: SheetWriter | None = None
        self.row = 0
        self.merged: list[Range] = []

    def start(self, element: Any) -> None:
        if element.tag == STYLE_NAME:
            self.style = element.get(f"{STYLE}name", "")
        elif element.tag == STYLE_PROPERTIES:
            if element.get(f"{TABLE}display") == "false":
                self.hidden.add(self.style)
        elif element.tag == SHEET and self.path[-1:] == [SPREADSHEET]:
            self._open(element)
        self.path.append(element.tag)

    def end(self, element: Any) -> None:
        self.path.pop()
        if element.tag == SHEET and self.path[-1:] == [SPREADSHEET]:
            if self.writer:
                self.writer.finish(self.merged)
            self.writer = None
            element.clear()
        elif element.tag == ROW and self.path.count(SHEET) == 1:
            if self.writer:
                self._row(element, self.writer)
            element.clear()

    def _open(self, element: Any) -> None:
        name = element.get(f"{TABLE}name", "")
        self.row, self.merged = 0, []
        if element.get(f"{TABLE}style-name") in self.hidden:
            self.book.hide(name)
        else:
            self.writer = self.book.sheet(name)

    def _row(self, row: Any, writer: SheetWriter) -> None:
        cells: list[str] = []
        column = 0
        for cell in row:
            if cell.tag not in CELLS:
                continue
            if not (cell.attrib or len(cell)):
                column += 1
                continue
            repeated = _count(cell, "number-columns-repeated")
            self._span(cell, column)
            if text := _text(cell):
                within(self.row + 1, column + repeated, writer.place, self.book.limits)
                cells += [""] * (column - len(cells)) + [text] * repeated
            column += repeated
        repeated = _count(row, "number-rows-repeated")
        if cells:
            within(self.row + repeated, len(cells), place_of(writer.name), self.book.limits)
            for following in range(repeated):
                writer.put(self.row + 1 + following, list(cells))
        self.row += repeated

    def _span(self, cell: Any, column: int) -> None:
        wide, high = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
        if wide * high > 1 and self.row < TOP:
            self.merged.append((self.row + 1, column + 1, self.row + high, column + wide))


def _count(element: Any, attribute: str) -> int:
    stored = element.attrib.get(f"{TABLE}{attribute}")
    return max(1, int(stored)) if stored else 1


def _text(cell: Any) -> str:
    """What the cell holds; for a formula that failed, the error that it shows: LibreOffice stores
    an empty text, or a zero, beside it."""
    kind = cell.get(f"{OFFICE}value-type")
    formula = cell.get(f"{TABLE}formula") is not None
    if kind is None and not len(cell):
        return UNCACHED if formula else ""
    shown = _shown(cell)
    if kind is None or (formula and ERROR.match(shown)):
        return shown or (UNCACHED if formula else "")
    stored = cell.get(f"{OFFICE}{_attribute(kind)}")
    return shown if stored is None else _of_kind(kind, stored)


def _attribute(kind: str) -> str:
    return "value" if kind in NUMBERS else f"{kind}-value"


def _of_kind(kind: str, stored: str) -> str:
    make: Callable[[str], object] = str
    if kind in NUMBERS:
        make = number
    elif kind == "boolean":
        make = {"true": True, "false": False}.__getitem__
    elif kind == "date":
        make = _moment
    elif kind == "time":
        make = _duration
    return as_text(make(stored))


def _moment(stored: str) -> datetime | str:
    """A date before the year 1 or after 9999 stays as it is spelt."""
    try:
        return datetime.fromisoformat(stored)
    except ValueError:
        return stored


def _duration(stored: str) -> timedelta | str:
    match = DURATION.fullmatch(stored)
    if match is None:
        return stored
    sign, *parts = match.groups()
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in parts)
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -span if sign else span


def _shown(cell: Any) -> str:
    """The paragraphs of a cell; a comment hangs beside them and is not read."""
    paragraphs = [_inner(child) for child in cell if child.tag == PARAGRAPH]
    return as_text("\n".join(paragraphs))


def _inner(element: Any) -> str:
    pieces = [element.text or ""]
    for child in element:
        if child.tag == f"{TEXT}s":
            pieces.append(" " * min(int(child.get(f"{TEXT}c", "1")), 1_000))
        elif child.tag == f"{TEXT}tab":
            pieces.append("\t")
        elif child.tag == f"{TEXT}line-break":
            pieces.append("\n")
        elif child.tag != f"{OFFICE}annotation":
            pieces.append(_inner(child))
        pieces.append(child.tail or "")
    return "".join(pieces)
