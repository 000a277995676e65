"""The analyst's own words: `narrative/<year>/<section>.md` beside a deployment's safecity.toml.

A figure is named by key and never typed: `[[violence_rate:change]]`, of another period
`[[violence_rate@2013-14:value]]`, of a part `[[recorded_crime_count/ward=Bargate:value]]`. Brackets
that hold no key stay as they are. `narrative/<year>/figures.csv` holds the words that each key
stood for when somebody accepted the text; `safecity narrative --accept` writes it.

Belongs here: reading and refusing these files, and telling numbers that were typed. Does not belong
here: what a key stands for (`publish.narrative`). They are declared, not looked up in old releases,
so that a refresh gives what a clean run gives.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry.assessments import Assessment

FOLDER, ACCEPTED, README = "narrative", "figures.csv", "readme.md"
FIRST = {"summary": "Summary"}
LAST = {
    "levels": "Levels, and most similar areas",
    "patterns": "When and where",
    "residents": "What residents say",
    "gaps": "Gaps in knowledge",
    "methods": "Methods",
}
"""Sections before and after the parts that the report of an assessment declares."""

PARTS = {
    "value": "the figure with its unit",
    "number": "the events counted in it",
    "previous": "the figure of the year before",
    "interval": "its likely range",
    "change": "the change on the year before, with its likely range and what to mind",
    "rank": "its place in the peer group",
    "sentence": "the finding about that change, whole",
}
NEEDS = {"change": "previous_year", "sentence": "previous_year", "rank": "peer_rank"}
"""The comparison that an indicator must declare for a part."""

_BRACKETS = re.compile(r"\[\[([^\[\]\n]*)\]\]")
_KEY = re.compile(
    r"\s*(?P<indicator>\w+)\s*(?:@\s*(?P<period>[^/:]*?)\s*)?"
    r"(?:/\s*(?P<dimension>\w+)\s*=\s*(?P<member>.*?)\s*)?:\s*(?P<part>\w+)\s*"
)
_TYPED = re.compile(r"(?<![\w.,/:])(?<![A-Za-z]-)[+-]?\d[\d,]*(?:\.\d+)?(?![\w/:]|[.,]\d)")
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_NO_FIGURE = re.compile(
    rf"""
    \[\[[^\[\]\n]*\]\]                                  # a key
    | `[^`\n]*`                                         # what is quoted as code
    | "[^"\n]*" | \u201c[^\u201d\n]*\u201d              # titles in quotation marks
    | \]\([^)\s]*\)                                     # where a link leads to
    | \b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:\s+\d{{4}})?   # 1 April 2014
    | {_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}  # April 1, 2014
    | \b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b                 # 01/04/2014
    | \b(?:19|20)\d\d-\d\d-\d\d\b                       # 2014-04-01
    | \b(?:19|20)\d\d(?:\s?[/\u2013-]\s?(?:\d{{4}}|\d\d))?\b   # 2014, 2014/15, 2014-2015
    | ^[ \t]*(?:>[ \t]*)*\#*[ \t]*\d+[.)](?=\s)         # the number of a list or heading
    """,
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True)
class Key:
    """What stands between double brackets. `period`: "" for the year of the narrative; `dimension`
    and `member`: "" for the whole."""

    indicator: str
    part: str
    period: str = ""
    dimension: str = ""
    member: str = ""

    @property
    def written(self) -> str:
        """As people write it, without blanks and brackets."""
        at = f"@{self.period}" if self.period else ""
        of = f"/{self.dimension}={self.member}" if self.dimension else ""
        return f"{self.indicator}{at}{of}:{self.part}"


@dataclass(frozen=True)
class Piece:
    """A run of the text as it stands; `key`: what it names, where it is a key."""

    text: str
    line: int
    key: Key | None = None


@dataclass(frozen=True)
class Typed:
    """A number in the prose that no key gave, as it was typed."""

    text: str
    line: int


@dataclass(frozen=True)
class Passage:
    """The words of one section. `file`: as people know it, narrative/2014-15/summary.md."""

    year: str
    section: str
    file: str
    text: str

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return tuple(pieces(self.text))

    @property
    def typed(self) -> tuple[Typed, ...]:
        return tuple(typed(self.text))


@dataclass(frozen=True)
class Accepted:
    """One line of figures.csv: the words that a key stood for when its section was accepted."""

    section: str
    key: str
    words: str


@dataclass(frozen=True)
class Narrative:
    """Every passage, by year and in the order of the sections; what was accepted, by year.
    `sections`: key and title of each section that there may be."""

    sections: Mapping[str, str]
    passages: tuple[Passage, ...] = ()
    accepted: Mapping[str, tuple[Accepted, ...]] | None = None

    def of_year(self, year: str) -> list[Passage]:
        return [one for one in self.passages if one.year == year]

    @property
    def digest(self) -> str:
        """Changes with any word, and with what is accepted."""
        accepted = sorted((self.accepted or {}).items())
        told = repr((self.passages, accepted))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def accepted_words(self, year: str) -> dict[tuple[str, str], str]:
        """Section and key → the words accepted."""
        return {(one.section, one.key): one.words for one in (self.accepted or {}).get(year, ())}


NO_WORDS = Narrative({})

# --- the text ------------------------------------------------------------------------------------


def pieces(text: str) -> Iterator[Piece]:
    """The text, cut before and behind each key; put together again, it is the text."""
    done, line = 0, 1
    for found in _BRACKETS.finditer(text):
        key = read_key(found[1])
        if key is None:
            continue
        if before := text[done : found.start()]:
            yield Piece(before, line)
            line += before.count("\n")
        yield Piece(found[0], line, key)
        done = found.end()
    if rest := text[done:]:
        yield Piece(rest, line)


def read_key(inside: str) -> Key | None:
    """What stands between double brackets as a key, or None: `[[see below]]` is none, and neither
    is `[[Note: later]]`."""
    found = _KEY.fullmatch(inside)
    if not found or ("_" not in found["indicator"] and re.search(r"\s", inside)):
        return None
    return Key(
        found["indicator"],
        found["part"],
        found["period"] or "",
        found["dimension"] or "",
        found["member"] or "",
    )


def typed(text: str) -> Iterator[Typed]:
    """The numbers in a text that nobody named by key; years, dates, numbers of a list and what
    stands in quotation marks are none."""
    blanked = _NO_FIGURE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in _TYPED.finditer(blanked):
        yield Typed(found[0].strip(","), text.count("\n", 0, found.start()) + 1)


# --- the files -----------------------------------------------------------------------------------


def sections_of(assessments: Iterable[Assessment]) -> dict[str, str]:
    """Key and title of every section that a report has: the summary, each part, and what follows
    them."""
    parts = {
        part.key: part.title
        for assessment in assessments
        for part in (assessment.report.parts if assessment.report else ())
    }
    return {**FIRST, **parts, **LAST}


def load(
    beside: Path | None, indicators: Mapping[str, Indicator], assessments: Sequence[Assessment]
) -> Narrative:
    """Every passage of a deployment's folder. Raises Refused naming file, line and repair for a
    section that there is not, and a key that names nothing."""
    sections = sections_of(assessments)
    folder = beside / FOLDER if beside else None
    if folder is None or not folder.is_dir():
        return Narrative(sections)
    years = [one for one in sorted(folder.glob("[!.]*")) if one.is_dir()]
    found = [
        passage for year in years for passage in _passages(year, _year(year), sections, indicators)
    ]
    accepted = {year.name: tuple(_accepted(year / ACCEPTED)) for year in years}
    return Narrative(sections, tuple(found), accepted)


def _year(folder: Path) -> str:
    try:
        if (found := period.parse(folder.name)).kind == "year":
            return found.label
    except ValueError:
        pass
    rule = "a folder of the narrative is named by its financial year"
    raise Refused(rule, f"{FOLDER}/{folder.name}", folder.name, "rename it, as 2014-15")


def _passages(
    folder: Path, year: str, sections: Mapping[str, str], indicators: Mapping[str, Indicator]
) -> list[Passage]:
    files = {file.stem: file for file in folder.glob("*.md") if file.name.casefold() != README}
    for stem in sorted(set(files) - set(sections)):
        near = difflib.get_close_matches(stem, sections, 1)
        meant = f"did you mean {near[0]}.md? " if near else ""
        repair = f"{meant}known: {', '.join(sections)}"
        raise Refused("no such section", f"{FOLDER}/{folder.name}/{stem}.md", stem, repair)
    return [
        _passage(files[section], year, section, indicators)
        for section in sections
        if section in files
    ]


def _passage(file: Path, year: str, section: str, indicators: Mapping[str, Indicator]) -> Passage:
    place = f"{FOLDER}/{file.parent.name}/{file.name}"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not UTF-8 text", place, repair="save it as UTF-8") from None
    for found in _BRACKETS.finditer(text):
        if found[1].strip() in indicators:
            at = f"{place}, line {text.count(chr(10), 0, found.start()) + 1}"
            raise Refused("a key says what of it", at, found[0], _parts(found[1].strip()))
    passage = Passage(year, section, place, text)
    for piece in passage.pieces:
        if piece.key:
            check(piece.key, f"{place}, line {piece.line}", indicators)
    return passage


def check(key: Key, place: str, indicators: Mapping[str, Indicator]) -> None:
    """Raises Refused where a key names no indicator, part, period or breakdown, with what is
    spelt much like it."""
    _known("indicator", key.indicator, indicators, place, key)
    _known("part of a figure", key.part, PARTS, place, key)
    indicator = indicators[key.indicator]
    if key.dimension:
        _known(f"breakdown of {key.indicator}", key.dimension, indicator.by, place, key)
    try:
        _ = period.parse(key.period).label if key.period else ""
    except ValueError as error:
        raise Refused(f"not a period: {error}", place, key.written, "write @2013-14") from None
    wanted = NEEDS.get(key.part)
    if wanted and (wanted not in indicator.compare or key.dimension):
        rule = f"{key.indicator} has no {key.part}: it is not compared like that"
        raise Refused(rule, place, key.written, f"name another part: {', '.join(PARTS)}")


def _known(what: str, word: str, known: Iterable[str], place: str, key: Key) -> None:
    listed = list(known)
    if word in listed:
        return
    near = difflib.get_close_matches(word, listed, 3)
    repair = f"did you mean {' or '.join(near)}?" if near else ""
    if not near:
        few = ", ".join(listed) if len(listed) < 20 else "see meta.indicator"
        repair = f"known: {few or 'none'}"
    raise Refused(f"unknown {what}: {word}", place, f"[[{key.written}]]", repair)


def _parts(indicator: str) -> str:
    return f"write [[{indicator}:value]], or another of {', '.join(PARTS)}"


# --- what was accepted ---------------------------------------------------------------------------

COLUMNS = [one.name for one in fields(Accepted)]


def _accepted(file: Path) -> list[Accepted]:
    place = f"{FOLDER}/{file.parent.name}/{file.name}"
    try:
        return list(_lines(file, place)) if file.is_file() else []
    except (UnicodeDecodeError, csv.Error):
        repair = "write it anew: safecity narrative --accept"
        raise Refused("not a CSV file in UTF-8", place, repair=repair) from None


def _lines(file: Path, place: str) -> Iterator[Accepted]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        table = csv.DictReader(handle, restkey="", restval="")
        if table.fieldnames != COLUMNS:
            got = ", ".join(table.fieldnames or ())
            repair = "write it anew: safecity narrative --accept"
            raise Refused("other columns than expected", place, got, repair)
        for row in table:
            yield Accepted(*(row[name] for name in COLUMNS))


def write(file: Path, accepted: Iterable[Accepted]) -> int:
    """Write what was accepted as a file that `load` reads, and answer how many figures. Raises
    Refused where it cannot be written."""
    lines = sorted(set(map(astuple, accepted)))
    beside = file.with_name(f"{file.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([COLUMNS, *lines])
        beside.replace(file)
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", str(file)) from None
    return len(lines)
