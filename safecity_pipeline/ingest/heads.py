"""The head of a table: several rows made into one text a column, each unlike the others.

Belongs here: joining, footnotes, names that stand twice. Does not belong here: what a head means
(a layout), or finding the rows (`survey`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

JOINT = " / "
# Digits that follow a word or a closing mark without a blank: "31 March3", "years)2,4", "Oral%1".
FOOTNOTES = re.compile(r"(?<=[^\W\d_]|[)\]'\"%*’”])\d{1,2}(?:,\s?\d{1,2})*$")


def made(rows: Sequence[Sequence[str]], footnotes: bool = False) -> tuple[str, ...]:
    """One head a column from the head rows, merged cells filled. Parts that say the same as the
    one above them, as a cell merged over rows does, are said once."""
    columns = zip(*rows, strict=True)
    return told_apart(_joined(column, footnotes) for column in columns)


def carried(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Head rows in which the empty cells of all but the last say what the one to their left does,
    as the merged cells of a workbook do that was saved as text."""
    return [*(_filled(row) for row in rows[:-1]), *rows[-1:]]


def _filled(row: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for cell in row:
        filled.append(cell or (filled[-1] if filled else ""))
    return filled


def told_apart(heads: Iterable[str]) -> tuple[str, ...]:
    """The second "Total" as "Total (2)", and so on; the second without a name as "(2)"."""
    seen: Counter[str] = Counter()
    named = []
    for head in heads:
        seen[head] += 1
        named.append(head if seen[head] == 1 else f"{head} ({seen[head]})".strip())
    return tuple(named)


def without_place(head: str) -> str:
    """A head without the place that told it apart, or could have: "(2021)" may be its own."""
    return re.sub(r" ?\(([2-9]|[1-9]\d)\)$", "", head)


def _joined(parts: Iterable[str], footnotes: bool) -> str:
    kept: list[str] = []
    for part in parts:
        text = " ".join(part.split())
        text = FOOTNOTES.sub("", text) if footnotes else text
        if text and text not in kept[-1:]:
            kept.append(text)
    return JOINT.join(kept)
