"""How alike a supplier's column is to one of ours: by its head, and by its values.

Belongs here: the two scores and how they are joined. Does not belong here: which column is taken
for which (`drift`).

A head scores by the best of our spellings of it; a column of values by the share that passes the
kind, the rules and the look-ups of our column. How much that says depends on how few other things
would pass: nearly every text is a location, and only an LSOA code is an LSOA code. That is
measured on `TYPICAL`, cells such as stand in any table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

import pandas as pd
from pandera.api.pandas.components import Column

from safecity_pipeline.ingest import parse, schema
from safecity_pipeline.model import Derived, Layout, Places, Source

# Names: what each likeness is worth.
SAME, CASE, DIGITS, LEAST_RATIO = 1.0, 0.97, 0.9, 0.6
NO_HEAD = 0.6  # every spacer column has none
SHORT, SHORT_WORD = 0.85, 0.75  # of several words, of one: Count is not short for country
RATIO_LESS = 0.1  # Context and Contact are 0.86 alike, and not the same thing
# Values: share of typical cells that pass → what it is worth that all of a column's do.
STRICT, DEMANDING, LOOSE = 0.02, 0.2, 0.7
STRICT_WORTH, DEMANDING_WORTH, LOOSE_WORTH = 0.9, 0.85, 0.4
RICH = 20  # distinct values without which a demanding column may be met by chance
AGREE, DENY = 0.9, 0.5
DISTINCT = 500
CELLS = 20_000
# What stands in place of a number in tables that one has not seen: x, .., [c], <5, n/a.
MARKER_LIKE = re.compile(r"[^\w\s]{1,3}|[A-Za-z]{1,3}|\[\w{1,4}\]|[<>]=? ?[\d,.]+|[Nn]/[Aa]")
_ANY = (
    "0|1|2|3|4|5|7|10|12|14|18|25|42|60|87|100|137|250|999|1204|4500|18020|240000|46,590|8123456"
    "|0.3|1.7|12.5|37.4|50.2|98.6|-1.3|-3|1.25e3|2011|2014|2013|2014-03-31|31/03/2014|Sep-14"
    "|01 April 2014|Q1|April|Y|N|Yes|No|M|F|E|W|S|Male|Female|Persons|Total|All|England|UA|x|-|NA"
    "|10-17|15-24 yrs|Under 18|per 1,000|£12.50|12%|SO14 7LY|E06000045|E12000008|A1|B-204|AB123456"
    "|J Smith|j.smith@example.org|High Street|On or near High Street|see note 2|Soup, onions"
    "|d41d8cd98f00b204e9800998ecf8427e|023 8083 3000|https://example.org|439500|112300"
)
TYPICAL = tuple(_ANY.split("|"))


@dataclass(frozen=True)
class Score:
    """How sure it is that a head is one of our columns (0 to 1), and why."""

    value: float
    name: float
    values: float | None
    reason: str

    @property
    def doubt(self) -> float:
        return 1 - self.value


@dataclass(frozen=True)
class Passing:
    """Of the values of one column, the share that is of our column's kind, and that passes all."""

    kind: float
    rules: float
    distinct: int


def plain(name: str) -> str:
    """A head without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name.casefold())


def names(head: str, spellings: Iterable[str], column: str) -> tuple[float, str]:
    """The worth of a head for a column of ours that is known under these spellings; why."""
    known = tuple(spellings)
    if head in known:
        return (SAME, "same head") if head else (NO_HEAD, "no head, as in the layout")
    return max((_alike(head, spelling) for spelling in (*known, column)), key=lambda one: one[0])


def _alike(head: str, spelling: str) -> tuple[float, str]:
    mine, theirs = plain(spelling), plain(head)
    if not theirs:
        return 0.0, "no head"
    if mine == theirs:
        return CASE, f'same head as "{spelling}" but for case, blanks or punctuation'
    if _digits(mine) == _digits(theirs):
        return DIGITS, f'same head as "{spelling}" but for its number'
    ratio = SequenceMatcher(None, mine, theirs, autojunk=False).ratio()
    alike = ratio - RATIO_LESS if ratio >= LEAST_RATIO else 0.0
    words = _shortened(head, spelling)
    short = 0.0 if not words else SHORT_WORD if words == 1 else SHORT
    if short > alike:
        return short, f'"{spelling}" shortened or lengthened'
    return alike, f'spelling alike to "{spelling}" {ratio:.2f}' if alike else "head unlike"


def _digits(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _shortened(one: str, other: str) -> int:
    """How many words they have, if each is the other's beginning, of three letters at least."""
    first, second = (re.findall(r"[^\W_]+", name.casefold()) for name in (one, other))
    if len(first) != len(second):
        return 0
    pairs = [sorted(pair, key=len) for pair in zip(first, second, strict=True)]
    short = all(a == b or (len(a) >= 3 and b.startswith(a)) for a, b in pairs)
    return len(pairs) if short else 0


# --- heads of several words -----------------------------------------------------------------------

SMALL = frozenset(
    re.findall(
        r"\w+",
        "a an and any as at been by for from had has in is of on or the their to was who were with",
    )
)
SMALL_WORTH = 0.1
STEM = 6  # letters: reprimand and reprimands are one word
SHARES = frozenset(("percent", "percen", "%", "propor"))
RECALL, PRECISION = 0.75, 0.25


@lru_cache(maxsize=50_000)
def words(text: str) -> frozenset[str]:
    """The words of a head by their first six letters, without case and numbers."""
    found = re.findall(r"[^\W\d_]+|%", text.casefold())
    return frozenset(word[:STEM] for word in found)


@lru_cache(maxsize=5_000)
def said_by(pattern: str) -> str:
    """What a pattern over heads says in letters: `(\\d{4}) / Number of .*` is `Number of`."""
    text = re.sub(r"\((?:\?[:a-zA-Z]*)?[^()]*\)[?*+]?", " ", pattern)
    text = re.sub(r"\\[dwsDWS](\{[\d,]+\})?[?*+]?|\.[*+?]|\[[^]]*\]", " ", text)
    text = re.sub(r"\\(.)", r"\1", text)
    return " ".join(re.sub(r"[*+?^$|{}]", " ", text).split()).strip(" /")


def wording(head: str, said: str, rivals: Sequence[str]) -> float:
    """How much of what a pattern says a head says too (0 to 1).

    Words that several of the layout's patterns say weigh less. A percentage is no number.
    """
    theirs, ours = words(head), words(said)
    if not ours or not theirs:
        return 0.0
    common = ours & theirs
    weight = {word: _weight(word, rivals) for word in ours}
    recall = sum(weight[word] for word in common) / sum(weight.values())
    last = words(head.rpartition(" / ")[2]) - SMALL
    precision = len(last & ours) / len(last) if last else 1.0
    score = RECALL * recall + PRECISION * precision
    return score / 2 if bool(theirs & SHARES) != bool(ours & SHARES) else score


def _weight(word: str, rivals: Sequence[str]) -> float:
    if word in SMALL:
        return SMALL_WORTH
    return 1 / max(1, sum(word in words(rival) for rival in rivals))


# --- values ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Test:
    """What a text must be, to be a value of one column; `typical`: share of any cells that is."""

    name: str
    column: Column
    kind: str
    source: Source
    places: Places
    meant: Mapping[str, str] = field(default_factory=dict)
    markers: tuple[re.Pattern[str], ...] = ()
    typical: float = 1.0

    @classmethod
    def of(cls, name: str, source: Source, places: Places, layouts: Iterable[Layout] = ()) -> Test:
        """The test of a column; values that a layout translates are asked as what they mean."""
        column = source.schema.columns[name]
        layouts = tuple(layouts)
        markers = tuple(
            re.compile(pattern) for pattern in sorted({p for one in layouts for p in one.markers})
        )
        meant = {
            theirs: ours
            for layout in layouts
            for theirs, ours in layout.values.get(name, {}).items()
        }
        bare = cls(name, column, parse.kind_of(column), source, places, meant, markers)
        _, passed = bare.ask(TYPICAL)
        return replace(bare, typical=len(passed) / len(TYPICAL))

    def worth(self, distinct: int) -> float:
        """What it says when all of a column's values pass."""
        if self.typical <= STRICT:
            return STRICT_WORTH
        if self.typical <= DEMANDING and distinct >= RICH:
            return DEMANDING_WORTH
        return LOOSE_WORTH if self.typical <= LOOSE else 0.0

    def ask(self, texts: Sequence[str]) -> tuple[set[str], set[str]]:
        """Which texts are of the kind, and which of them pass rules and look-ups too."""
        if self.meant:
            return self._translated(texts)
        if self.kind == "text" and not (self.column.checks or self.looks_up):
            return set(texts), set(texts)
        frame = parse.parse(pd.Series(list(texts), dtype="str"), self.kind)
        frame = frame[frame["status"] == parse.OK]
        of_kind = set(frame["raw"])
        if frame.empty:
            return of_kind, set()
        values = frame["value"].astype("str") if self.kind == "text" else frame["value"]
        good = pd.Series(True, index=frame.index)
        for check in self.column.checks:
            good &= check(values).check_output.astype(bool)
        pairs = zip(frame["raw"][good], frame["value"][good], strict=True)
        return of_kind, {str(raw) for raw, value in pairs if self._known(value)}

    def _translated(self, texts: Sequence[str]) -> tuple[set[str], set[str]]:
        ours = {text: self.meant.get(text, text) for text in texts}
        kind, passed = replace(self, meant={}).ask(sorted(set(ours.values())))
        return (
            {text for text in texts if ours[text] in kind},
            {text for text in texts if ours[text] in passed},
        )

    def says_nothing(self, text: str) -> bool:
        """A marker in a column of numbers is no sign for or against it."""
        known = schema.is_marked(self.column) and (MARKER_LIKE, *self.markers)
        return bool(known) and any(one.fullmatch(text) for one in known or ())

    def _known(self, value: object) -> bool:
        """A place that a look-up refuses is no value of its column."""
        return all(
            derived.make(self.places, *self._alone(derived.columns, value)) is not None
            for derived in self._look_ups
        )

    @cached_property
    def _look_ups(self) -> tuple[Derived, ...]:
        """Those that can be asked of this column alone: the others they need may be absent."""
        columns = self.source.schema.columns
        return tuple(
            derived
            for derived in self.source.derived
            if derived.refusal
            and self.name in derived.columns
            and all(columns[one].nullable for one in derived.columns if one != self.name)
        )

    def areas(self, texts: Sequence[str]) -> float:
        """The share of texts that the source knows for an area, where it need not know all."""
        found = [d for d in self.source.derived if d.name == "area_code" and not d.refusal]
        for derived in found:
            if texts and derived.columns == (self.name,):
                return sum(derived.make(self.places, text) is not None for text in texts) / len(
                    texts
                )
        return 0.0

    def _alone(self, columns: tuple[str, ...], value: object) -> list[object]:
        return [value if column == self.name else None for column in columns]

    @property
    def looks_up(self) -> bool:
        return bool(self._look_ups)


def passing(
    tests: Mapping[str, Test], columns: Sequence[Sequence[str]]
) -> list[dict[str, Passing]]:
    """For each of a file's columns (its values, none empty) the shares by column of ours.

    Each test is asked once, over the distinct values of all columns together.
    """
    most = max(20, min(DISTINCT, CELLS // max(1, len(columns))))
    counted = [_thinned(Counter(values), most) for values in columns]
    texts = sorted(set().union(*counted)) if counted else []
    answers = {name: test.ask(texts) for name, test in tests.items()}
    return [
        {
            name: _shares(judged, *answer)
            for name, answer in answers.items()
            if (judged := _telling(tests[name], counter))
        }
        for counter in counted
    ]


def _telling(test: Test, counter: Mapping[str, int]) -> Mapping[str, int]:
    if not schema.is_marked(test.column):
        return counter
    return {text: rows for text, rows in counter.items() if not test.says_nothing(text)}


def _thinned(counter: Counter[str], most: int) -> dict[str, int]:
    kept = list(counter)[:: max(1, -(-len(counter) // most))]
    return {value: counter[value] for value in kept}


def _shares(counter: Mapping[str, int], of_kind: set[str], passed: set[str]) -> Passing:
    whole = sum(counter.values())
    kind = sum(rows for value, rows in counter.items() if value in of_kind)
    rules = sum(rows for value, rows in counter.items() if value in passed)
    return Passing(kind / whole, rules / whole, len(counter))


def join(name: tuple[float, str], test: Test, found: Passing | None) -> Score:
    """One score of the two: each of them takes away its part of the doubt.

    Values that fail the rules halve what the head is worth, unless the heads are the same but for
    case or a number: then the values have changed, not the column.
    """
    worth, said = name
    if found is None:
        return Score(worth, worth, None, f"{said}; no values")
    if found.rules < DENY:
        worth = worth if worth >= DIGITS else worth / 2
        return Score(worth, name[0], found.rules, f"{said}; {_said(test, found)}")
    told = test.worth(found.distinct) * found.rules
    if worth < DIGITS and found.rules < AGREE:
        worth, told = worth * found.rules, told * found.rules
    return Score(
        1 - (1 - worth) * (1 - told), name[0], found.rules, f"{said}; {_said(test, found)}"
    )


def _said(test: Test, found: Passing) -> str:
    if test.typical == 1.0:
        return "any text would do"
    what = "are in its list" if schema.allowed(test.column) else "pass its rules"
    what = "are places that it knows" if test.looks_up and found.rules else what
    loosely = "" if test.worth(found.distinct) >= DEMANDING_WORTH else ", as many others would"
    return f"{share(found.rules)} of the values {what}{loosely}"


def share(part: float) -> str:
    """A share in words that never round to all or to none."""
    if part in (0.0, 1.0):
        return "all" if part else "none"
    return f"{min(max(round(100 * part), 1), 99)} %"
