"""The little Markdown that the analyst's words are written in, as HTML.

Headings (#), paragraphs, lists (- or 1.), quotations (>), **strong**, *emphasis*, `code` and
[links](https://…); whatever else stands there stays as it is. Belongs here: text → blocks → HTML,
everything escaped. Does not belong here: what a key stands for (`named`).

What a key stands for is no Markdown: it is put in when all the rest is done, by way of a hole.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HOLE = "\ue000"
_MARKED_UP = (
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.S), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])", re.S), r"<em>\1</em>"),
    (re.compile(r"(?<!!)\[([^\[\]\n]+)\]\((https?://[^\s()]+)\)"), r'<a href="\2">\1</a>'),
)
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)", re.S)
_ITEM = re.compile(r"[ \t]*(?:[-*]|(\d+)[.)])[ \t]+")
_QUOTED = re.compile(r"^[ \t]*&gt;[ \t]?", re.M)
DEEPEST = 6


@dataclass(frozen=True)
class Block:
    """Lines without an empty one between them; `line`: the first."""

    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """The text, cut at empty lines and around headings; nothing but blanks is left out."""
    gathered: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        alone = _HEADING.match(line)
        if gathered and (alone or not line.strip()):
            yield Block("\n".join(gathered), first)
            gathered = []
        if alone:
            yield Block(line, number)
        elif line.strip():
            first = first if gathered else number
            gathered.append(line)
    if gathered:
        yield Block("\n".join(gathered), first)


def to_html(runs: Sequence[tuple[str, str | None]], level: int) -> str:
    """One block as HTML. `runs`: its text, run by run, each with the HTML that takes its place or
    None where it is prose; `level`: of the heading that # stands for."""
    holes = [into for _, into in runs if into is not None]
    numbers = iter(range(len(holes)))
    prose = "".join(
        _escaped(text) if into is None else f"{_HOLE}{next(numbers)}{_HOLE}" for text, into in runs
    )
    return re.sub(f"{_HOLE}(\\d+){_HOLE}", lambda found: holes[int(found[1])], _block(prose, level))


def _escaped(text: str) -> str:
    return html.escape(text).replace(_HOLE, f"&#{ord(_HOLE)};")


def _block(prose: str, level: int) -> str:
    if heading := _HEADING.fullmatch(prose):
        deep = min(len(heading[1]) + level - 1, DEEPEST)
        return f"<h{deep}>{_inline(heading[2])}</h{deep}>"
    lines = prose.split("\n")
    if all(_QUOTED.match(line) for line in lines):
        return f"<blockquote><p>{_inline(_QUOTED.sub('', prose))}</p></blockquote>"
    if found := _ITEM.match(prose):
        return _list(lines, found[1])
    return f"<p>{_inline(prose)}</p>"


def _list(lines: Sequence[str], first: str | None) -> str:
    """Items; a line that begins none goes on with the one before. One list counts, or it does not:
    the first item says which."""
    items: list[str] = []
    for line in lines:
        found = _ITEM.match(line)
        if found and (found[1] is None) == (first is None):
            items.append(line[found.end() :])
        else:
            items[-1] += f"\n{line}"
    name = "ul" if first is None else "ol"
    start = f' start="{int(first)}"' if first and int(first) != 1 else ""
    listed = "".join(f"<li>{_inline(one)}</li>" for one in items)
    return f"<{name}{start}>{listed}</{name}>"


def _inline(prose: str) -> str:
    """Code first: what stands in it is no markup."""
    parts = _CODE.split(prose)
    return "".join(
        f"<code>{part}</code>" if place % 2 else _marked_up(part)
        for place, part in enumerate(parts)
    )


def _marked_up(prose: str) -> str:
    for pattern, into in _MARKED_UP:
        prose = pattern.sub(into, prose)
    return prose
