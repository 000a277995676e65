"""`safecity drift`: what changed in a file's form, in words, and the layout entry that reads it.

Belongs here: words, the entry, and trying the entry on the file. Does not belong here: finding out
what changed (`ingest.drift`), judging rows (`checking`).

Where an entry is printed, the words before it are comments of TOML, so that the whole output may
be saved as the layout file that its last words name.
"""

from __future__ import annotations

import glob
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from safecity_pipeline.ingest import drift, lines, parse, survey
from safecity_pipeline.ingest.drift import Categories, Drift, Known, Mapped, Retyped
from safecity_pipeline.ingest.likeness import AGREE, Score, share
from safecity_pipeline.ingest.peek import Peek, peek
from safecity_pipeline.model import Extract, Layout, Refused
from safecity_pipeline.registry import Registry, layouts

READ = (".csv", ".csv.gz")
MOST_LISTED = 12
LETTERS = 3
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a comment of TOML holds none
REASON = "as in the layout"


@dataclass(frozen=True)
class Report:
    """What to tell; `good`: a layout reads the file as it is. `entry`: TOML, empty where none."""

    good: bool
    words: tuple[str, ...]
    entry: str = ""

    @property
    def lines(self) -> list[str]:
        """What the command prints."""
        if not self.entry:
            return list(self.words)
        said = (CONTROL.sub(" ", line).rstrip() for line in self.words)
        return [*(f"# {line}" for line in said), "", *self.entry.split("\n")[:-1]]


def report(
    file: Path, known: Registry, source: str | None = None, since: Path | None = None
) -> Report:
    """Compare a file with the layouts of all sources, or of one.

    Raises Refused where `since`, an earlier file, cannot be read.
    """
    earlier = _peeked(since) if since else None
    title = f"{file.name}: "
    try:
        looked = _peeked(file)
    except Refused as refused:
        return Report(False, (f"{title}cannot be compared: {refused}",))
    found = survey.survey_one(file, known.layouts, known.sources)
    if found.layout and found.layout.refuse and source in (None, found.source):
        said = f"{title}is {_named(found.layout)}, which is always refused: {found.layout.refuse}"
        return Report(False, (said,))
    nearest = drift.nearest(looked, _candidates(known, found, source), earlier)
    if nearest is None or not (nearest.claimed or source):
        return Report(False, tuple(_unclaimed(title, found, nearest)))
    return _reported(title, file, looked, found, nearest, known)


def _peeked(path: Path) -> Peek:
    if path.suffix.lower() in survey.RESAVE:
        raise Refused(
            f"{path.suffix} workbooks are not read", path.name, repair=survey.RESAVE[path.suffix]
        )
    if not path.name.lower().endswith(READ):
        raise Refused(
            "only .csv and .csv.gz are compared with the layouts so far; other forms not yet",
            path.name,
            repair="save the sheet as CSV in UTF-8 and compare that",
        )
    return peek(path)


def _candidates(known: Registry, found: Extract, source: str | None) -> Known:
    """The layout that reads the file as it is, else all of them."""
    listed = [one for one in known.layouts if source in (None, one.source)]
    if found.status == "read":
        listed = [one for one in listed if one == found.layout] or listed
    return Known(known.sources, listed, known.areas)


def _unclaimed(title: str, found: Extract, nearest: Drift | None) -> Iterator[str]:
    yield f"{title}like no source that is known"
    if nearest:
        yield (
            f"  nearest: {_named(nearest.layout)}, score {nearest.score:.2f}; "
            f"a layout is proposed above {drift.CLAIMED:.2f}"
        )
        yield "  if it is one all the same, name the source with --source"
    if found.status == "refused":
        yield f"  {found.message}"


def _reported(
    title: str, file: Path, looked: Peek, found: Extract, nearest: Drift, known: Registry
) -> Report:
    read = found.status == "read" and found.layout == nearest.layout
    flaw = found.message or (_unreadable(found) if read else "its head is another")
    read = read and not flaw
    good = read and not nearest.changed
    words = [
        f"{title}nearest to {_named(nearest.layout)}, score {nearest.score:.2f}",
        f"  {looked.read:,} rows looked through, the values of {len(looked.rows):,} of them tried",
    ]
    if not looked.read:
        words.append("  no row has as many cells as the head, so its values say nothing")
    words += [f"  {line}" for line in _state(nearest, read, good, flaw)]
    words += [f"  {line}" for line in _changes(nearest, looked)]
    if good:
        return Report(True, (*words, "  no new layout is needed"))
    known_form = found.status == "refused" or found.layout == nearest.layout
    if known_form and not nearest.changed:
        return Report(False, (*words, "  its form is known: no new layout helps"))
    if not nearest.mapped:
        return Report(False, (*words, "  no head could be mapped, so there is no entry"))
    entry = _Entry(file, nearest).text()
    words += [f"  {line}" for line in _tried(file, nearest, entry, known)]
    return Report(False, tuple(words), entry)


def _unreadable(found: Extract) -> str:
    """Why the lines of a file that is recognised cannot be read at all; else nothing."""
    assert found.layout is not None
    try:
        scan = lines.scan(found.path, len(found.head), found.layout.delimiter)
    except Refused as refused:
        return str(refused)
    rows = scan.total - len(scan.blank) - lines.HEAD_ROW
    whole = rows == 0 or len(scan.broken) < rows
    return "" if whole else f"every row is broken: {next(iter(scan.broken.values()))}"


def _named(layout: Layout) -> str:
    return f"{layout.source} [{layout.name}], {layout.title}"


# --- words ---------------------------------------------------------------------------------------


def _state(nearest: Drift, read: bool, good: bool, flaw: str) -> Iterator[str]:
    if good:
        yield "the layout reads it as it is"
    elif read:
        yield "the layout reads it, and would lose or refuse what is named below"
    else:
        yield f"no layout reads it as it is: {flaw}"
    if not nearest.claimed:
        yield f"a file like this is claimed for the source only because you named it ({CLAIM})"


CLAIM = f"its score is not above {drift.CLAIMED:.2f}"


def _changes(one: Drift, looked: Peek) -> Iterator[str]:
    yield from _missing(one)
    for mapped in one.renamed:
        yield f"renamed (likely): {_why(mapped)}"
    for wide in one.wide:
        if not wide.same:
            yield f"renamed (likely): {_listed(wide.heads)}, by the pattern {wide.pattern}"
    yield from _untold(one)
    if one.new:
        yield f"new: {_listed(one.new)}"
    if one.twice:
        yield f"heads of several columns, which no layout tells apart: {_listed(one.twice)}"
    if one.moved:
        places = (
            f"{json_text(cell)} is column {looked.head.index(cell) + 1}" for cell in one.moved
        )
        yield f"moved: {', '.join(places)} (a layout goes by heads, not by places)"
    for retyped in one.retyped:
        yield f"retyped: {_retyped(retyped)}"
    for category in one.categories:
        yield from _categories(category)
    if one.delimiter != one.layout.delimiter:
        yield f"columns are parted by {one.delimiter!r}, not by {one.layout.delimiter!r}"


def _missing(one: Drift) -> Iterator[str]:
    for rule, names in (
        ("missing and needed", one.missing_needed),
        ("not in the rows, so the file's name or a manifest must say it", one.missing_given),
        ("missing, which is allowed", one.missing_optional),
    ):
        if names:
            yield f"{rule}: {', '.join(_with_heads(one.layout, name) for name in names)}"


def _with_heads(layout: Layout, column: str) -> str:
    heads = [head for head, ours in layout.columns.items() if ours == column]
    return f"{column} ({' or '.join(map(json_text, heads))})" if heads else column


def _why(mapped: Mapped) -> str:
    score = mapped.score
    return f"{json_text(mapped.head)} is {mapped.column}: {score.value:.2f}, {score.reason}"


def _untold(one: Drift) -> Iterator[str]:
    for untold in one.untold:
        said = "; ".join(_candidate(*pair) for pair in untold.candidates)
        yield f"cannot tell which head is {untold.column}, {untold.why}: {said}"
    for wide in one.wide_candidates:
        yield (
            f"cannot tell whether {_listed(wide.heads)} are {one.layout.wide_value} by "
            f"{one.layout.wide_label}: {wide.score.value:.2f}, {wide.score.reason}"
        )


def _candidate(head: str, score: Score) -> str:
    return f"{json_text(head)} {score.value:.2f} ({score.reason})"


def _retyped(one: Retyped) -> str:
    got = f"; got: {one.example!r}" if one.example else ""
    what = (
        f"{share(one.found.kind)} of the values are {parse.IN_WORDS[one.kind]}"
        if one.found.kind < AGREE
        else f"{share(one.found.rules)} of the values pass the rules of {one.column}"
    )
    return (
        f"{json_text(one.head)} ({one.column}): {what}{got}; a layout cannot mend values, ask the "
        "supplier for them in the old form"
    )


def _categories(one: Categories) -> Iterator[str]:
    said = f"{json_text(one.head)} ({one.column})"
    if one.appeared:
        counted = [
            f"{json_text(value)} {rows:,} row{'s' * (rows != 1)}"
            for value, rows in sorted(one.appeared.items(), key=lambda pair: -pair[1])
        ]
        yield f"appeared in {said}, not in {one.against}: {_some(counted)}"
    if one.vanished:
        never = "" if one.against == "the earlier file" else ", or never in it"
        yield f"vanished from {said}{never}, of {one.against}: {_listed(one.vanished)}"


def _listed(cells: Iterable[str]) -> str:
    return _some([json_text(cell) if cell else "(no head)" for cell in cells])


def _some(said: list[str]) -> str:
    more = len(said) - MOST_LISTED
    return ", ".join(said[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


# --- the entry -----------------------------------------------------------------------------------


def json_text(text: str) -> str:
    """A basic string of TOML, which is JSON's but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class _Entry:
    """The TOML of a layout that spells our columns as one file does."""

    file: Path
    found: Drift

    @property
    def name(self) -> str:
        stem = re.sub(r"[^a-z0-9]+", "_", self.file.name.lower().partition(".csv")[0])
        return f"{self.found.layout.name}_as_in_{stem.strip('_')[:60] or 'file'}"

    def text(self) -> str:
        return "\n".join([*self._about(), "", *self._columns(), *self._wide()]) + "\n"

    def _about(self) -> Iterator[str]:
        layout = self.found.layout
        yield f"[{self.name}]"
        yield f"title = {json_text(f'{layout.title}, as in {self.file.name}')}"
        patterns, why = _patterns(self.file.name, layout)
        yield f"files = [{', '.join(map(json_text, patterns))}]  # {why}"
        if self.found.delimiter != ",":
            yield f"delimiter = {json_text(self.found.delimiter)}"
        if layout.facts:
            yield f"facts = {json_text(layout.facts)}  # {REASON}"
        for key in ("given", "ignored"):
            if listed := getattr(layout, key):
                yield f"{key} = [{', '.join(map(json_text, listed))}]  # {REASON}"
        if self.found.wide:
            yield f"wide_label = {json_text(str(layout.wide_label))}"
            yield f"wide_value = {json_text(str(layout.wide_value))}"

    def _columns(self) -> Iterator[str]:
        yield f"[{self.name}.columns]"
        retyped = {one.head for one in self.found.retyped}
        for one in self.found.mapped:
            mark = "RETYPED, its values will be refused; " * (one.head in retyped)
            why = f"{one.score.value:.2f}: {mark}{one.score.reason}"
            yield f"{_pair(one.head, one.column)}  # {why}"
        for untold in self.found.untold:
            yield f"# cannot tell: {untold.column}, {untold.why}"
            for head, score in untold.candidates:
                yield f"# {_pair(head, untold.column)}  # {score.value:.2f}: {score.reason}"
        silent = {one.column for one in self.found.untold}
        for column in self.found.missing_needed:
            if column not in silent:
                yield f"# {column} is needed, and no head comes into question"

    def _wide(self) -> Iterator[str]:
        chosen, doubtful = self.found.wide, self.found.wide_candidates
        if chosen:
            yield f"\n[{self.name}.wide]"
        for one in chosen:
            yield (f"{_pair(one.pattern, one.label)}  # {one.score.value:.2f}: {one.score.reason}")
        for one in doubtful:
            yield f"# cannot tell, under [{self.name}.wide]: {_pair(one.pattern, one.label)}"


def _pair(theirs: str, ours: str) -> str:
    return f"{json_text(theirs)} = {json_text(ours)}"


def _patterns(name: str, layout: Layout) -> tuple[tuple[str, ...], str]:
    """The layout's own patterns where the name fits one, else the name with * for its numbers."""
    if any(fnmatch(name.lower(), pattern.lower()) for pattern in layout.files):
        return layout.files, REASON
    general = re.sub(r"\d+", "*", glob.escape(name))
    if sum(letter.isalpha() for letter in general.partition(".")[0]) < LETTERS:
        return (glob.escape(name),), "this name only: without its numbers it says nothing"
    return (general,), "from the file's name, * for its numbers"


# --- trying it -----------------------------------------------------------------------------------


def _tried(file: Path, nearest: Drift, entry: str, known: Registry) -> Iterator[str]:
    """Read the file by the entry, as a refresh would begin to."""
    home = f"layouts/{nearest.layout.source}.toml beside safecity.toml"
    try:
        proposed = _loaded(nearest.layout.source, entry, known)
        found = survey.survey_one(file, (proposed, *known.layouts), known.sources)
        if found.status != "read" or found.layout != proposed:
            raise Refused(found.message or _before(found))
        scanned = lines.scan(file, len(found.head), proposed.delimiter)
    except Refused as refused:
        yield f"tried: the entry below does not read the file yet: {refused}"
        yield f"complete the entry, look it over, and put it into {home}"
        return
    broken = f", but for {len(scanned.broken):,} broken rows" if scanned.broken else ""
    yield f"tried: with the entry below the file is read as {proposed.source}{broken}"
    yield f"look every line over, and put it into {home}; then safecity check says how rows fare"


def _before(found: Extract) -> str:
    assert found.layout is not None
    return f"[{found.layout.name}] finds more heads and goes before it; complete the entry first"


def _loaded(source: str, entry: str, known: Registry) -> Layout:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{source}.toml").write_text(entry, encoding="utf-8")
        return layouts.load(known.sources, Path(folder))[0]
