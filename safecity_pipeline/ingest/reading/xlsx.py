"""An .xlsx workbook → rows of text, with openpyxl for the values.

Belongs here: what openpyxl does not tell in its read-only mode, read from a sheet's XML beforehand:
merged ranges, formulas without a stored value, and how far the filled cells reach. Whatever the
stored dimension says is ignored. Does not belong here: limits and form of a transcript, and what
`archive` has looked for before: entities.
"""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import iterparse
from zipfile import ZipFile

from safecity_pipeline.ingest.reading.cells import UNCACHED, as_text
from safecity_pipeline.ingest.reading.limits import Limits
from safecity_pipeline.ingest.reading.transcript import TOP, Range
from safecity_pipeline.ingest.reading.writing import Book, SheetWriter, place_of, within
from safecity_pipeline.model import Refused

# openpyxl declares no types, whichever way a type checker is told to look at it.
openpyxl: Any = importlib.import_module("openpyxl")

SAVE_AGAIN = "open it in Excel or LibreOffice, and save it as .xlsx"
STRICT = "http://purl.oclc.org/ooxml/"
RELATION_ID = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ESCAPED = re.compile(r"_x000([9AaDd])_")
REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]+)(?::\$?([A-Z]{1,3})\$?([0-9]+))?")


@dataclass(frozen=True)
class Part:
    """A worksheet as the workbook lists it, and where in the archive it lies."""

    name: str
    visible: bool
    path: str


@dataclass
class Outline:
    """`filled`: row → its columns whose formula has no stored value, for every row with a filled
    cell. `columns`: the last one that may be filled."""

    rows: int = 0
    columns: int = 0
    filled: dict[int, tuple[int, ...]] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)


def read(path: Path, book: Book) -> None:
    """Every worksheet, in the workbook's order; charts on sheets of their own are passed over."""
    with ZipFile(path) as archive:
        parts = list(_parts(archive))
        if len({part.name for part in parts}) < len(parts):
            raise Refused("two sheets bear one name", repair=SAVE_AGAIN)
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        for part in parts:
            if not part.visible:
                book.hide(part.name)
                continue
            with archive.open(part.path) as stream:
                outline = _outline(stream, place_of(part.name), book.limits)
            writer = book.sheet(part.name)
            _write(workbook[part.name], outline, writer)
            writer.finish(outline.merged)


def _parts(archive: ZipFile) -> Iterator[Part]:
    main = next(
        target
        for kind, target in _relations(archive, "").values()
        if kind.endswith("/officeDocument")
    )
    relations = _relations(archive, main)
    with archive.open(main) as stream:
        for _, element in iterparse(stream):
            if _local(element.tag) == "sheet":
                kind, target = relations[element.attrib[f"{{{RELATION_ID}}}id"]]
                if kind.endswith("/worksheet"):
                    visible = element.get("state", "visible") == "visible"
                    yield Part(element.attrib["name"], visible, target)


def _relations(archive: ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Id → kind and target of what a part of the archive refers to; "" is the archive itself."""
    folder, name = posixpath.split(part)
    found: dict[str, tuple[str, str]] = {}
    with archive.open(posixpath.join(folder, "_rels", f"{name}.rels")) as stream:
        for _, element in iterparse(stream):
            if _local(element.tag) == "Relationship":
                kind = element.get("Type", "")
                if kind.startswith(STRICT):
                    raise Refused("a Strict Open XML workbook is not read", repair=SAVE_AGAIN)
                target = posixpath.normpath(posixpath.join("/", folder, element.attrib["Target"]))
                found[element.attrib["Id"]] = (kind, target.lstrip("/"))
    return found


def _outline(stream: IO[bytes], place: str, limits: Limits) -> Outline:
    outline, row = Outline(), 0
    for _, element in iterparse(stream):
        name = _local(element.tag)
        if name == "row":
            number = int(element.get("r") or row + 1)
            _ascending(row, number, place)
            row = number
            _outline_row(element, row, outline, place)
            within(outline.rows, outline.columns, place, limits)
            element.clear()
        elif name == "mergeCell":
            merged = _range(element.get("ref", ""))
            if merged[0] <= TOP:
                outline.merged.append(merged)
    return outline


def _outline_row(row: Any, number: int, outline: Outline, place: str) -> None:
    column, uncached, filled = 0, [], False
    for cell in row:
        reference = cell.get("r")
        following = column_of(reference.rstrip("0123456789")) if reference else column + 1
        _ascending(column, following, place)
        column = following
        state = _state(cell)
        if state is not None:
            filled = True
            outline.columns = max(outline.columns, column)
            if state == UNCACHED:
                uncached.append(column)
    if filled:
        outline.rows = number
        outline.filled[number] = tuple(uncached)


def _state(cell: Any) -> str | None:
    """None for an empty cell, UNCACHED for a formula without a stored value, else "". An empty
    text that a formula gave is a stored value, and marked as text."""
    within_cell = {_local(child.tag): child for child in cell}
    value = within_cell.get("v")
    if "is" in within_cell or (value is not None and value.text):
        return ""
    if "f" not in within_cell or (cell.get("t") == "str" and value is not None):
        return None
    return UNCACHED


def _ascending(last: int, following: int, place: str) -> None:
    """openpyxl passes over what stands out of order, in silence."""
    if following <= last:
        raise Refused("its rows or cells stand out of order", place, repair=SAVE_AGAIN)


def _write(sheet: Any, outline: Outline, writer: SheetWriter) -> None:
    if not outline.filled:
        return
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=outline.rows, max_col=outline.columns, values_only=True)
    # Not to the stream's end: filters and formats that follow the rows have felled openpyxl.
    for number, values in enumerate(islice(rows, outline.rows), start=1):
        if number in outline.filled:
            cells = [_text(value) for value in values]
            for column in outline.filled[number]:
                cells[column - 1] = UNCACHED
            writer.put(number, cells)


def _text(value: object) -> str:
    """Line ends and tabs that the format spells _x000D_ are put back."""
    if isinstance(value, str) and "_x000" in value:
        value = ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
    return as_text(value)


def _range(reference: str) -> Range:
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError("not a range")
    left, top, right, bottom = match.groups()
    return int(top), column_of(left), int(bottom or top), column_of(right or left)


@lru_cache(maxsize=20_000)
def column_of(letters: str) -> int:
    """A is 1, Z is 26, AA is 27. Raises ValueError for anything but one to three letters."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise ValueError("not a column")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
