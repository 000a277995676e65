"""Where a table stands in a sheet: its head's rows, its first row, its end; what is said above it.

Belongs here: guesses from the form of rows alone, and what becomes of a layout's `end`, `titles`
and `facts`. Does not belong here: what the columns are (`drift`), which of several guesses is
right (`sheet_drift`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from safecity_pipeline.ingest import heads, reading
from safecity_pipeline.ingest.likeness import MARKER_LIKE
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.model import Layout

FIGURE = re.compile(rf"[-+(]?[£$]?\d[\d,]*(\.\d+)?\)?%?|\d+-\d+|{MARKER_LIKE.pattern}")
YEAR = re.compile(r"(?:19|20)\d\d")
YEAR_IN_TEXT = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:[-/]\d{2}(?!\d))?(?:[-/](?:19|20)\d\d)?(?!\d{2})"
)
LOOK_AHEAD, RUN = 10, 0.6
BOTTOMS, MOST_HEAD_ROWS = 3, 5
LAST_GAP = 15  # rows without figures, after which a table is over
MOST_ROWS = 200_000
LONGEST_START = 40


@dataclass(frozen=True)
class Stand:
    """Physical rows of a head, and the first row of data."""

    head_rows: tuple[int, ...]
    first_row: int


@dataclass(frozen=True)
class End:
    """What ends a table: the pattern (None: nothing does) and the last row of data (None: the
    sheet's last); `same`: as the layout says it. `unclear` is what no pattern can be made of."""

    pattern: str | None
    last_row: int | None
    same: bool
    why: str = "as in the layout"
    unclear: str = ""


def stands(sheet: Sheet, layout: Layout) -> tuple[Stand, ...]:
    """Where the head of a layout's table may stand, the likeliest first: where the layout says,
    as many rows above the first data, and any few rows above them."""
    found = [Stand(layout.head_rows, first_row(layout))]
    data = _first_data(sheet.top) or 0
    for bottom in _bottoms(sheet, data):
        below = bottom + 1 if not _filled(sheet, bottom + 1, data - 1) else data
        shift = bottom - max(layout.head_rows)
        found.append(_trimmed(sheet, [row + shift for row in layout.head_rows], below))
        blocks = range(bottom, max(0, bottom - MOST_HEAD_ROWS), -1)
        found += [_trimmed(sheet, range(top, bottom + 1), below) for top in blocks]
    inside = [one for one in found if one.head_rows[0] > 0 and one.head_rows[-1] <= len(sheet.top)]
    above = [one for one in inside if not eats_data(sheet, one)]
    return tuple(dict.fromkeys(above or inside))


def _trimmed(sheet: Sheet, head_rows: Sequence[int], first_row: int) -> Stand:
    """Without blank rows at the head's top."""
    filled = (row for row in head_rows if row > 0 and any(sheet.filled[row - 1]))
    top = next(filled, head_rows[-1])
    return Stand(tuple(row for row in head_rows if row >= top), first_row)


def eats_data(sheet: Sheet, stand: Stand) -> bool:
    """Whether a head reaches into the rows of figures, so that it would take one of them."""
    data = _first_data(sheet.top)
    return data is not None and stand.head_rows[-1] >= data


def first_row(layout: Layout) -> int:
    return layout.first_row or max(layout.head_rows) + 1


def has_data(sheet: Sheet) -> bool:
    """Whether rows of figures stand anywhere in the top of a sheet."""
    return _first_data(sheet.top) is not None


def head_at(sheet: Sheet, stand: Stand, footnotes: bool) -> tuple[str, ...]:
    """The head that the survey would make of these rows."""
    return heads.made([sheet.filled[row - 1] for row in stand.head_rows], footnotes)


def titles_above(sheet: Sheet, stand: Stand) -> tuple[str, ...]:
    """The texts above the head."""
    return tuple(cell for row in sheet.top[: stand.head_rows[0] - 1] for cell in row if cell)


def _bottoms(sheet: Sheet, data: int) -> list[int]:
    rows = [row for row in range(data - 1, 0, -1) if any(sheet.top[row - 1])]
    return rows[:BOTTOMS]


def _filled(sheet: Sheet, first: int, last: int) -> bool:
    return any(any(cells) for cells in sheet.top[first - 1 : last])


def _first_data(top: Sequence[Sequence[str]]) -> int | None:
    """The first row of figures, from 1, that most of the rows after it are like."""
    for is_data in (_is_data, _has_figures):
        for at, cells in enumerate(top):
            if at and is_data(cells):
                after = [is_data(row) for row in top[at:] if any(row)][:LOOK_AHEAD]
                if sum(after) >= RUN * len(after):
                    return at + 1
    return None


def _is_data(cells: Sequence[str]) -> bool:
    """A row of a name and figures, which are not only years."""
    filled = [cell for cell in cells if cell]
    figures = [cell for cell in filled if FIGURE.fullmatch(cell)]
    return len(figures) < len(filled) and not all(YEAR.fullmatch(one) for one in figures)


def _has_figures(cells: Sequence[str]) -> bool:
    return any(FIGURE.fullmatch(cell) for cell in cells if cell)


# --- the end -------------------------------------------------------------------------------------


def end_of(sheet: Sheet, first: int, layout: Layout) -> End:
    """The layout's own end where a row has it still, else what stands after the last figures."""
    if layout.end is None and sheet.rows > MOST_ROWS:
        return End(None, None, True)
    rows = list(islice(_from(sheet, first), MOST_ROWS))
    if layout.end is not None:
        ends = re.compile(layout.end)
        found = next((row for row, cells in rows if any(map(ends.fullmatch, cells))), None)
        if found:
            return End(layout.end, found - 1, True)
    last = _last_data(rows)
    after = next(((row, cells) for row, cells in rows if row > last), None)
    if last < first or after is None:
        return End(None, None, layout.end is None, "the table goes on to the sheet's end")
    return _ended_by(next(cell for cell in after[1] if cell), after[0], rows)


def _from(sheet: Sheet, first: int) -> Iterator[tuple[int, Sequence[str]]]:
    return ((row, cells) for row, cells in reading.read_rows(sheet) if row >= first)


def _last_data(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    last = gap = 0
    for row, cells in rows:
        if _is_data(cells):
            last, gap = row, 0
        else:
            gap += 1
        if gap > LAST_GAP:
            break
    return last


def _ended_by(text: str, row: int, rows: Sequence[tuple[int, Sequence[str]]]) -> End:
    """A pattern for the text below the table that fits no cell in it."""
    data = [cell for number, cells in rows if number < row for cell in cells]
    for pattern in _starts(text):
        if not any(re.fullmatch(pattern, cell) for cell in data):
            return End(pattern, row - 1, False, f"row {row}, the first one below the figures")
    return End(None, row - 1, False, unclear=f"row {row}, which looks like the rows above it")


def _starts(text: str) -> Iterator[str]:
    if match := re.match(r"\(?\d{1,2}[.)] ", text):
        yield f"{re.escape(match[0])}(?s:.*)"
    if match := re.match(r"[^\W\d_]+ ?:", text):
        yield f"{re.escape(match[0])}(?s:.*)"
    if len(text) > LONGEST_START:
        yield f"{re.escape(text[:LONGEST_START])}(?s:.*)"
    yield re.escape(text)


# --- what is said beside the rows ----------------------------------------------------------------


@dataclass(frozen=True)
class Beside:
    """Patterns that find what the rows do not say; `why` of each that is new; `lacking`: columns
    that nothing says."""

    titles: str | None
    facts: str | None
    why: dict[str, str]
    lacking: tuple[str, ...]


def beside(
    layout: Layout,
    titles: Sequence[str],
    name: str,
    needed: Sequence[str],
    is_one: Callable[[str, str], bool],
) -> Beside:
    """How the columns `needed` are said above the head or in the file's name: as the layout finds
    them, else as the one year that stands there. `is_one(column, text)`: whether it may be one."""
    found = {"titles": layout.titles, "facts": layout.facts}
    why: dict[str, str] = {}
    lacking = []
    for column in needed:
        if _says(layout.titles, column, titles) or _says(layout.facts, column, [name]):
            continue
        made = _made("titles", column, titles, is_one) or _made("facts", column, [name], is_one)
        if made and made[0] not in why:
            found[made[0]], why[made[0]] = made[1], made[2]
        else:
            lacking.append(column)
    return Beside(found["titles"], found["facts"], why, tuple(lacking))


def _says(pattern: str | None, column: str, texts: Sequence[str]) -> bool:
    matches = (re.fullmatch(pattern, text) for text in texts) if pattern else ()
    return any(match.groupdict().get(column) for match in matches if match)


def _made(
    key: str, column: str, texts: Sequence[str], is_one: Callable[[str, str], bool]
) -> tuple[str, str, str] | None:
    """Key, pattern and reason, where one year only stands in these texts."""
    told = [
        (text, match)
        for text in texts
        for match in YEAR_IN_TEXT.finditer(text)
        if is_one(column, match[0])
    ]
    if len({match[0] for _, match in told}) != 1:
        return None
    text, match = told[0]
    group = f"(?P<{column}>{re.sub(r'[0-9]+', _digits, re.escape(match[0]))})"
    if key == "facts":
        return key, f"(?:.*\\D)?{group}(?:\\D.*)?", "the one year in the file's name"
    before, after = re.escape(text[: match.start()]), re.escape(text[match.end() :])
    return key, f"{before}{group}{after}", "the one year above the head"


def _digits(match: re.Match[str]) -> str:
    return rf"\d{{{len(match[0])}}}"
