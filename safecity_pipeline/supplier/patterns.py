"""Texts that fit a pattern of a layout: heads, markers and file names to show to a supplier.

Belongs here: making examples of a regular expression or of a pattern over file names. Does not
belong here: what a pattern is about (`template`, `rulebook`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product

# The standard library's own parser: there is no public way to take a pattern apart.
from re import _parser  # type: ignore[attr-defined]
from typing import Any

ANYTHING = "…"
MOST_TRIED, MOST_EACH = 200, 12
DIGITS = {2: "14", 4: "2014"}  # what so many digits in a row most likely are: a year

Groups = Mapping[int, str]


def examples(pattern: str, groups: Groups | None = None) -> list[str]:
    """Texts that the pattern matches in full, the plainest first; none where none is found.

    `groups`: what stands in a group, by its number.
    """
    try:
        parsed = _parser.parse(pattern)
    except re.error:
        return []
    made = islice(_sequence(parsed, groups or {}), MOST_TRIED)
    return list(dict.fromkeys(text for text in made if re.fullmatch(pattern, text)))


def _sequence(parsed: Any, groups: Groups) -> Iterator[str]:
    choices = [list(islice(_part(str(kind), of, groups), MOST_EACH)) for kind, of in parsed]
    return map("".join, product(*choices))


def _part(kind: str, of: Any, groups: Groups) -> Iterator[str]:
    if kind == "LITERAL":
        yield chr(of)
    elif kind == "IN":
        yield from _of_set(of)
    elif kind == "BRANCH":
        for branch in of[1]:
            yield from _sequence(branch, groups)
    elif kind == "SUBPATTERN":
        yield from [groups[of[0]]] if of[0] in groups else _sequence(of[-1], groups)
    elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
        yield from _repeated(of[0], of[2], groups)
    elif kind == "ANY":
        yield "."
    elif kind == "NOT_LITERAL":
        yield ANYTHING
    else:
        yield ""  # a place, such as the end, or what is only looked at


def _repeated(least: int, of: Any, groups: Groups) -> Iterator[str]:
    """A part that may lack is left out first; `.*` is shown as an ellipsis."""
    one = next(_sequence(of, groups), "")
    if str(of[0][0]) == "ANY":
        yield ANYTHING
        return
    if least == 0:
        yield ""
    if one.isdigit() and least in DIGITS:
        yield DIGITS[least]
    elif one == "a" and least == 1:
        yield "name"  # of letters, such as a force's in the name of a file
    yield one * max(least, 1)


def _of_set(members: Any) -> Iterator[str]:
    kinds = {"CATEGORY_DIGIT": "5", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
    for kind, of in members:
        if str(kind) == "LITERAL":
            yield chr(of)
        elif str(kind) == "RANGE":
            yield chr(of[0])
        else:
            yield kinds.get(str(of), ANYTHING)


def plainest(pattern: str, groups: Groups | None = None) -> Iterator[str]:
    """Examples without what stands for anything."""
    for text in examples(pattern, groups):
        if re.fullmatch(pattern, text.replace(ANYTHING, "")):
            yield text.replace(ANYTHING, "")


def file_names(pattern: str) -> Iterator[str]:
    """Names that a pattern over file names fits; where it leaves a choice, the last one first."""
    joined = re.sub(r"\*+$|^\*+|\*+(?=\.)", "", pattern).replace("*", "-").replace("?", "0")
    parts = re.split(r"(\[[^]]+\])", joined)
    choices = [_characters(part[1:-1]) if part[:1] == "[" else [part] for part in parts]
    return map("".join, product(*choices))


def _characters(listed: str) -> list[str]:
    """`0-3` as 3, 2, 1, 0."""
    filled = re.sub(
        r"(.)-(.)", lambda span: "".join(map(chr, range(ord(span[1]), ord(span[2]) + 1))), listed
    )
    return list(reversed(filled))


def alternatives(pattern: str) -> list[str]:
    """The parts of a pattern that a bar outside all brackets separates."""
    parts, depth, at = [""], 0, 0
    while at < len(pattern):
        sign = pattern[at : at + 2] if pattern[at] == "\\" else pattern[at]
        depth += (sign in ("(", "[")) - (sign in (")", "]"))
        if sign == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
        at += len(sign)
    return parts
