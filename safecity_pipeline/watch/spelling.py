"""One category written in several ways: case, blanks, punctuation, `&` for `and`.

Belongs here: which spellings mean one category, and how like two names are. Does not belong here:
names that mean the same and look otherwise; nobody can tell these by the letters.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
_DROPPED = re.compile("[.'\u2019]")
_SPLIT = re.compile(r"[^0-9a-z]+")
_REMARK = re.compile(r"\([^()]*\)")
_NUMBER = re.compile(r"[0-9]+")
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "by", "for", "in", "of", "on", "or", "other", "than", "the", "to")
)


def key(label: str) -> str:
    """The same for all spellings of one category: "Drugs & alcohol" and "drugs and  Alcohol"."""
    plain = unicodedata.normalize("NFKC", label).casefold().replace("&", " and ")
    return " ".join(_SPLIT.split(_DROPPED.sub("", plain))).strip()


def code_key(code: str) -> str:
    """The same of a code, in which a dot or a slash has a meaning: 1/4.1, 37.2."""
    return " ".join(unicodedata.normalize("NFKC", code).upper().split())


def is_label(text: str) -> bool:
    """Whether a text may be the name of a category: short, on one line, with a letter or digit."""
    return len(text) <= LONGEST and text.isprintable() and bool(key(text))


def likeness(one: str, other: str) -> float:
    """From 0 to 1: the words that two names share, among those of either; small words, and remarks
    in brackets, left out."""
    bare = (_REMARK.sub(" ", name) for name in (one, other))
    mine, theirs = (set(key(name).split()) - _SMALL_WORDS for name in bare)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def same_number(one: str, other: str) -> bool:
    """Whether two codes begin with the same number: 28A and 28E."""
    found = _NUMBER.match(one), _NUMBER.match(other)
    return all(found) and found[0][0] == found[1][0]  # type: ignore[index]
