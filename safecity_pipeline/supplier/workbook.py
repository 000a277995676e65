"""How an .xlsx is written that is safe to open: texts stay texts, and a file of others stays.

Belongs here: cells, styles, sheets, saving whole or not at all. Does not belong here: what the
sheets say (`errors_workbook`, `template`).

A cell is never a formula, whatever it begins with: its type is text, its format is text, and it
is marked as quoted, so that it stays one when somebody edits it. Characters that XML cannot hold
are shown by a symbol in their place.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.packaging.core import DocumentProperties  # type: ignore[import-untyped]
from openpyxl.styles import Alignment, Font, PatternFill  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]
from openpyxl.worksheet.datavalidation import DataValidation  # type: ignore[import-untyped]
from openpyxl.worksheet.properties import PageSetupProperties  # type: ignore[import-untyped]
from openpyxl.xml.functions import fromstring  # type: ignore[import-untyped]

OURS = "safecity"
LAST_ROW = 1_048_576
LONGEST = 32_767
CUT = " … (cut here: a cell of a workbook holds no more)"
TEXT = "@"
NARROW = 0.95  # a letter is a little narrower than the digit that a column's width counts
WIDEST_PAGE = 260  # characters that a landscape page holds legibly
LINE, TALLEST = 15.0, 409.0  # heights in points: a line of text, and the most that a row may have
LONGEST_TITLE = 31
REFUSED_IN_TITLES = re.compile(r"[\[\]:*?/\\\t\n]")
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
PLAIN, HEAD, STRONG, TITLE, MARKED, EXAMPLE = (
    "plain",
    "head",
    "strong",
    "title",
    "marked",
    "example",
)
NAME = {"name": "Calibri"}
FONTS = {
    HEAD: Font(**NAME, size=11, bold=True, color="FFFFFF"),
    STRONG: Font(**NAME, size=11, bold=True),
    TITLE: Font(**NAME, size=14, bold=True),
    EXAMPLE: Font(**NAME, size=11, italic=True, color="7F6000"),
}
FILLS = {
    HEAD: PatternFill("solid", fgColor="1F3864"),
    MARKED: PatternFill("solid", fgColor="F8CBAD"),
    EXAMPLE: PatternFill("solid", fgColor="FFF2CC"),
}

Value = str | int | None


def writable(text: str) -> str:
    """The text as a cell of a workbook can hold it: no control characters, no more than fits.

    A control character becomes its visible symbol, any other that XML refuses U+FFFD. What reads
    like Excel's own escape (`_x0041_`) is escaped, so that it is shown as it stands.
    """
    shown = UNWRITABLE.sub(lambda found: _symbol(ord(found[0])), text)
    escaped = ESCAPE.sub("_x005F_", shown)
    return escaped if len(escaped) <= LONGEST else escaped[: LONGEST - len(CUT)] + CUT


def _symbol(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def acceptable(title: str) -> str:
    """The title as Excel accepts it: no more than 31 characters, and none of some."""
    kept = UNWRITABLE.sub("", REFUSED_IN_TITLES.sub("-", title))[:LONGEST_TITLE].strip("'")
    return kept if kept.strip() else "Sheet"


class Book:
    """A workbook written row by row, sheet after sheet, in bounded memory."""

    def __init__(self, title: str) -> None:
        self._book = openpyxl.Workbook(write_only=True)
        made = DocumentProperties(creator=OURS, lastModifiedBy=OURS, title=title)
        self._book.properties = made
        self._titles: set[str] = set()

    def sheet(self, title: str, widths: Sequence[float]) -> Sheet:
        """A sheet with columns of these widths, in characters; its name is changed where Excel
        would not accept it, or where there is one of that name."""
        return Sheet(self._book.create_sheet(self._free(title)), widths)

    def _free(self, title: str) -> str:
        wanted = acceptable(title)
        named, number = wanted, 1
        while named.lower() in self._titles:
            number += 1
            mark = f" ({number})"
            named = wanted[: LONGEST_TITLE - len(mark)] + mark
        self._titles.add(named.lower())
        return named

    def save(self, to: Path) -> None:
        """Write the file whole or not at all. Raises OSError where it cannot be written."""
        part = to.with_name(f".{to.name}.part")
        try:
            self._book.save(part)
            part.replace(to)
        finally:
            self._let_go()
            part.unlink(missing_ok=True)

    def _let_go(self) -> None:
        """Close the sheets of a book that could not be saved: else each complains on the
        terminal, with a stack trace, when it is collected."""
        for sheet in self._book.worksheets:
            if not sheet.closed:
                with suppress(OSError):
                    sheet.close()


class Sheet:
    """One sheet of a Book; rows are only ever added at its end."""

    def __init__(self, sheet: Any, widths: Sequence[float]) -> None:
        self._sheet = sheet
        self._styles: dict[tuple[str, bool], Any] = {}
        self._widths = tuple(widths)
        self.rows = 0
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.fitToHeight = 0  # as many pages as it takes, legible ones
        self._sheet.page_setup.fitToWidth = max(1, ceil(sum(widths) / WIDEST_PAGE))
        self._sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        for position, width in enumerate(widths, 1):
            self._sheet.column_dimensions[get_column_letter(position)].width = width

    def head(self, heads: Sequence[str], frozen_columns: int = 0) -> None:
        """A first row that stays in view."""
        self.keep_in_view(1, frozen_columns)
        self.add(heads, HEAD)

    def keep_in_view(self, rows: int, columns: int = 0) -> None:
        """So many rows and columns stay when the rest is scrolled. Before the first row."""
        self._sheet.freeze_panes = f"{get_column_letter(columns + 1)}{rows + 1}"
        self._sheet.print_title_rows = f"1:{rows}"
        if columns:
            self._sheet.print_title_cols = f"A:{get_column_letter(columns)}"

    def add(
        self, values: Sequence[Value], style: str = PLAIN, marked: Collection[int] = ()
    ) -> None:
        """One row; a text is written as a text whatever it holds, and never interpreted.
        `marked`: positions of cells to point at, the first is 0."""
        self.rows += 1
        if style not in (TITLE, STRONG) and (height := self._height(values)) > LINE:
            self._sheet.row_dimensions[self.rows].height = height
        styles = [MARKED if at in marked else style for at in range(len(values))]
        self._sheet.append(
            [
                # An empty cell costs as much as a full one, and shows only where it is coloured.
                None
                if value is None or (value == "" and each == PLAIN)
                else self._cell(value, each)
                for value, each in zip(values, styles, strict=True)
            ]
        )

    def _height(self, values: Sequence[Value]) -> float:
        """Of a row in which every text shows whole: not every program fits it by itself."""
        lines = [
            sum(max(1, ceil(len(line) * NARROW / width)) for line in value.split("\n"))
            for value, width in zip(values, self._widths, strict=False)
            if isinstance(value, str)
        ]
        return min(TALLEST, LINE * max(lines, default=1))

    def text_columns(self, count: int) -> None:
        """Empty cells below are texts too, so that 2014-09 typed there does not become a date.
        To be called before the first row."""
        for position in range(1, count + 1):
            self._sheet.column_dimensions[get_column_letter(position)].number_format = TEXT

    def choices(
        self, column: int, listed: str, may_be_empty: bool, words: str, first_row: int = 2
    ) -> None:
        """A drop-down in the column (the first is 1), of the values in the range `listed`."""
        name = get_column_letter(column)
        offered = DataValidation(type="list", formula1=listed, allow_blank=may_be_empty)
        offered.showErrorMessage, offered.errorTitle = True, "Not an allowed value"
        offered.error = words[:225]
        offered.add(f"{name}{first_row}:{name}{LAST_ROW}")
        self._sheet.data_validations.append(offered)

    def filtered(self, columns: int, head_row: int = 1) -> None:
        """Filter buttons on the head; to be called after the last row of the table."""
        last = f"{get_column_letter(columns)}{max(self.rows, head_row)}"
        self._sheet.auto_filter.ref = f"A{head_row}:{last}"

    def _cell(self, value: str | int, style: str) -> object:
        text = isinstance(value, str)
        cell = WriteOnlyCell(self._sheet)
        if (style, text) not in self._styles:
            self._styles[style, text] = _styled(WriteOnlyCell(self._sheet), style, text)
        # Sharing the finished style is ten times as fast as styling each cell.
        cell._style = self._styles[style, text]
        cell._value = writable(value) if isinstance(value, str) else value
        cell.data_type = "s" if text and value else "n"
        return cell


def _styled(styled: Any, style: str, text: bool) -> Any:
    side = {} if text else {"horizontal": "right", "indent": 1}
    styled.alignment = Alignment(wrap_text=style not in (TITLE, STRONG), vertical="top", **side)
    styled.number_format = TEXT if text else "#,##0"
    styled.quotePrefix = text
    if style in FONTS:
        styled.font = FONTS[style]
    if style in FILLS:
        styled.fill = FILLS[style]
    return styled._style


def is_ours(path: Path) -> bool:
    """We wrote the workbook, and nobody has saved it since."""
    try:
        with zipfile.ZipFile(path) as archive:
            properties = DocumentProperties.from_tree(fromstring(archive.read("docProps/core.xml")))
    except (OSError, zipfile.BadZipFile, KeyError, SyntaxError, ValueError, TypeError):
        return False
    return bool(properties.creator == properties.lastModifiedBy == OURS)


def may_write(path: Path) -> bool:
    """Nothing of anybody else's is lost by writing there."""
    return not path.exists() or is_ours(path)


def letter(column: int) -> str:
    """Name of a column; the first is 1, and A."""
    return str(get_column_letter(column))


def inside(folder: Path, other: Path) -> bool:
    """The folder is the other one, or lies below it, whatever links lead there."""
    return folder.resolve().is_relative_to(other.resolve())
