"""How the workbook is written: gptables, with cells that are quick to write and safe to open.

gptables makes the cover, the contents, the notes, and each sheet's title, legend and marked table,
to the guidance. What it does to cells is done here: it takes some milliseconds a cell, reads a text
as Markdown (a link) or as the name of a note, and refuses a text without a letter. Here a text is a
text whatever it holds, and marked as quoted where a spreadsheet might take it for a formula once
somebody edits it. No cell is merged, none is empty, and no colour says anything.

Belongs here: the form of the file. Does not belong here: what stands in it (`contents`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
from gptables import Cover, GPTable, GPWorkbook  # type: ignore[import-untyped]
from gptables.core.wrappers import GPWorksheet  # type: ignore[import-untyped]

from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.data.facts import Facts
from safecity_pipeline.publish.harmless import is_danger, visible
from safecity_pipeline.publish.shorthand import MEANING
from safecity_pipeline.publish.workbook.cells import Head, Number, TableSheet

LONGEST = 32_767  # characters that a cell holds
CUT = " … (cut here: a cell holds no more)"
NEVER_INTERPRETED = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "in_memory": True,
}
A4 = 9
LINE, TALLEST = 15.75, 409.0  # points: of a line of text, and the most that a row may have
NARROW = 0.95  # a letter of the theme's font against the digit that a column's width counts
WIDEST_PAGE = 240  # characters that a landscape page holds legibly
NOTES = {
    "interval": "The limits of the 95 % interval: the figure is likely between them. Where there "
    "are none, chance is not what the figure is uncertain by.",
    "break": "A change of what is counted or recorded lies in between, see the sheet Definition "
    "changes: the figures are not like for like.",
    "rank": "Places in the group of the most similar areas on that day. 1 is the highest value; "
    "where one end is good, the best place is told as well.",
    "comparable": "What would have been recorded on the newest definition, by series that the "
    "change did not touch.",
    "mark": "Status of the figure, in shorthand; none where there is nothing to mind.",
}


def write(file: Path, about: Facts, listed: Sequence[TableSheet]) -> None:
    """The whole workbook. The same rows make the same bytes."""
    # The writer has an error of its own for a full disk; what fails in memory fails here.
    content = BytesIO()
    book = _Book(content, NEVER_INTERPRETED)
    book.set_properties(
        {
            "title": about.title,
            "subject": f"Release {about.stamp}",
            "author": "safecity",
            "created": about.published_at,
        }
    )
    made = {one.label: _table(one, about) for one in listed}
    cover = _cover(about, [one.label for one in listed])
    book.add_worksheet(cover.cover_label).write_cover(cover)
    book._update_annotations(made)
    told = _told(about)
    before = {"Contents": book.make_table_of_contents(made, subtitles=told)}
    if book._annotations:
        before["Notes"] = _notes(book, told)
    for label, table in (before | made).items():
        sheet = book.add_worksheet(label)
        sheet.write_gptable(table, True, book._annotations)
    for sheet in book.worksheets():
        _make_printable(sheet, about.marking)
    book.close()
    file.write_bytes(content.getvalue())


def _told(about: Facts) -> list[str]:
    """What every sheet says below its title."""
    return [line for line in (about.marking, facts.MADE_UP * about.synthetic) if line]


def _cover(about: Facts, labels: Sequence[str]) -> Cover:
    day = about.published_at
    return Cover(
        title=_shown(about.title),
        intro=[
            *_told(about),
            f"Release {about.stamp}, published {day.day} {day:%B %Y}.",
            "The figures behind the strategic assessment, for managers and analysts: one table a "
            f"sheet, {len(labels)} of them, listed on the sheet Contents.",
        ],
        about=[
            "Numbers are shown with the decimals that each indicator declares; a cell may "
            "hold more.",
            "Shorthand stands in brackets in place of a number, or in the column Mark:",
            *(f"{short} {meaning}." for short, meaning in MEANING.items()),
            "Every table of the release, with all its columns, is in the folder data; what they "
            "mean is in dictionary.html.",
            "Sources, their terms, and how to name them: see the sheet Sources.",
        ],
        contact=[_shown(f"The Community Safety Partnership of {about.area_name}.")],
    )


def _notes(book: _Book, told: list[str]) -> GPTable:
    """The notes that some sheet refers to, numbered as they are met."""
    used = [key for key in NOTES if key in book._annotations]
    table = book.make_notesheet(
        pd.DataFrame({"key": used, "Note": [NOTES[key] for key in used]}, dtype=object)
    )
    table.set_subtitles(told)
    table._set_data_range()
    return table


class _Table(GPTable):  # type: ignore[misc]
    """A table with the widths of its columns. Only heads refer to notes, never a cell."""

    widths: tuple[int, ...] = ()

    def _get_references_from_table(self) -> list[str]:
        references: list[str] = self._get_references_from_attr(self.table.columns.to_list())
        return references


def _table(one: TableSheet, about: Facts) -> _Table:
    rows = pd.DataFrame(
        {head.words: [row[at] for row in one.rows] for at, head in enumerate(one.heads)},
        dtype=object,
    )
    legend = [f"{short} {MEANING[short]}" for short in one.shorthand]
    made = _Table(
        table=rows,
        table_name=one.label.lower().replace(" ", "_"),
        title=_shown(f"{one.title}: {about.area_name}, {about.printed}"),
        subtitles=_told(about),
        instructions=_instructions(one.heads),
        legend=legend,
        source=_shown(one.source) or None,
        table_notes={head.words: f"$${head.note}$$" for head in one.heads if head.note} or None,
        index_columns={},
    )
    made.widths = tuple(head.width for head in one.heads)
    return made


def _instructions(heads: Sequence[Head]) -> str:
    if any(head.note for head in heads):
        return (
            "This worksheet contains one table. Some heads refer to notes, which can be found on "
            "the notes worksheet."
        )
    return "This worksheet contains one table."


def _make_printable(sheet: Any, marking: str) -> None:
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(max(1, ceil(sheet.width / WIDEST_PAGE)), 0)
    marked = marking.replace("&", "&&")
    sheet.set_header(f"&C{marked}" if marking else "")
    sheet.set_footer(f"&L{marked}&R&A, page &P of &N" if marking else "&R&A, page &P of &N")


class _Book(GPWorkbook):  # type: ignore[misc]
    """A workbook whose sheets write cells as this module does."""

    def add_worksheet(self, name: str | None = None, gridlines: str = "hide_all") -> Any:
        sheet = super(GPWorkbook, self).add_worksheet(name, _Sheet)
        sheet.theme = self.theme
        sheet._workbook = self
        sheet.hide_gridlines(2)
        sheet.made_formats, sheet.width = {}, 0.0
        return sheet


class _Sheet(GPWorksheet):  # type: ignore[misc]
    """A sheet whose cells are what they are."""

    made_formats: dict[tuple[object, ...], Any]
    width: float

    def write_cover(self, cover: Cover) -> None:
        """The cover, with rows as high as their text: not every program sees to it by itself."""
        super().write_cover(cover)
        told = [*cover.intro, "", *cover.about, "", *cover.contact]
        for row, words in enumerate(told, 2):
            if words:
                self.set_row(row, _height([words], [cover.width]))

    def _replace_url_in_attr(self, data: Any) -> Any:
        """A text stays one, even where it reads like a link in Markdown."""
        return data

    def _parse_table_urls(self, gptable: GPTable) -> None:
        """The same, of the cells of a table."""

    def _reference_table_annotations(
        self, gptable: GPTable, reference_order: Sequence[str]
    ) -> None:
        """Notes are named in heads alone; a cell that reads like the name of one is a text."""
        heads = list(gptable.table.columns)
        gptable.table.columns = self._replace_reference_in_attr(heads, reference_order)

    def _write_table_elements(
        self, pos: list[int], gptable: GPTable, auto_width: bool
    ) -> list[int]:
        """Heads, cells, widths, and the mark by which programs know the table."""
        top, heads = pos[0], list(gptable.table.columns)
        columns = [gptable.table[head].tolist() for head in heads]
        widths = [_width(gptable, at, column) for at, column in enumerate(columns)]
        for at, (head, column) in enumerate(zip(heads, columns, strict=True)):
            self.write_string(top, at, head, self._format_of(self.theme.column_heading_format))
            self._put_column(top + 1, at, column)
            self.set_column(at, at, widths[at])
        for row, cells in enumerate([heads, *zip(*columns, strict=True)], top):
            self.set_row(row, _height(cells, widths))
        self.width = sum(widths)
        self.repeat_rows(top)
        bottom = top + len(gptable.table)
        formats = pd.DataFrame([[dict(self.theme.column_heading_format) for _ in heads]])
        gptable.data_range = [top, 0, bottom, len(heads) - 1]
        self._mark_data_as_worksheet_table(gptable, formats)
        return [bottom + 1, 0]

    def _put_column(self, top: int, at: int, column: Sequence[Any]) -> None:
        # In a column of numbers what stands in place of one stands where numbers do.
        side = "right" if any(isinstance(cell, Number) for cell in column) else "left"
        for row, cell in enumerate(column, top):
            self._put_cell(row, at, cell, side)

    def _put_cell(self, row: int, at: int, cell: Any, side: str) -> None:
        base = self.theme.data_format
        right = {"align": "right", "indent": 1}
        if isinstance(cell, Number):
            shape = self._format_of(base, num_format=_number_format(cell.decimals), **right)
            self.write_number(row, at, cell.value, shape)
        elif isinstance(cell, int):
            self.write_number(row, at, cell, self._format_of(base, num_format="0", **right))
        elif isinstance(cell, date):
            shape = self._format_of(base, num_format="yyyy-mm-dd", **right)
            self.write_datetime(row, at, cell, shape)
        elif isinstance(cell, dict):
            self._write_dict_as_url(self._workbook, row, at, cell, base)
        else:
            words = "\n".join(cell) if isinstance(cell, list) else cell
            beside = {"align": side, "indent": int(side == "right")}
            shape = self._format_of(base, quote_prefix=is_danger(words), **beside)
            self.write_string(row, at, _shown(words), shape)

    def _format_of(self, base: Mapping[str, Any], **more: Any) -> Any:
        """A format, made once: to share one is a hundred times as fast as to make one a cell."""
        key = (id(base), *more.items())  # the theme's own, which outlive the sheet
        if key not in self.made_formats:
            self.made_formats[key] = self._workbook.add_format({**base, "valign": "top", **more})
        return self.made_formats[key]


def _width(gptable: GPTable, at: int, column: Sequence[Any]) -> float:
    if isinstance(gptable, _Table):
        return gptable.widths[at]
    longest = max((len(str(cell)) for cell in column), default=0)
    return min(80, max(16, longest))


def _height(cells: Sequence[Any], widths: Sequence[float]) -> float:
    """Of a row in which every text shows whole."""
    lines = max(_lines(cell, width) for cell, width in zip(cells, widths, strict=True))
    return min(TALLEST, LINE * lines)


def _lines(cell: Any, width: float) -> int:
    if isinstance(cell, list):
        return sum(_lines(one, width) for one in cell)
    if not isinstance(cell, str):
        return 1
    return sum(max(1, ceil(len(line) * NARROW / width)) for line in cell.split("\n"))


def _number_format(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _shown(words: str) -> str:
    """A text as a cell can hold it."""
    shown = visible(words)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - len(CUT)] + CUT
