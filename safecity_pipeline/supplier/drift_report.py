"""`safecity drift`: what changed in a file's form, in words, and the layout entry that reads it.

Belongs here: words, and trying the entry on the file. Does not belong here: finding out what
changed (`ingest.drift`, `ingest.sheet_drift`), the entry (`layout_entry`), judging rows
(`checking`).

Where an entry is printed, the words before it are comments of TOML, so that the whole output may
be saved as the layout file that its last words name.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.ingest import (
    drift,
    lines,
    parse,
    peek,
    sheet_drift,
    standing,
    survey,
    transcripts,
)
from safecity_pipeline.ingest.drift import Categories, Drift, Mapped, Retyped
from safecity_pipeline.ingest.evidence import Known
from safecity_pipeline.ingest.likeness import AGREE, Score, share
from safecity_pipeline.ingest.peek import Table
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.ingest.sheet_drift import Found
from safecity_pipeline.ingest.spread import Wide
from safecity_pipeline.ingest.standing import Beside
from safecity_pipeline.model import Extract, Layout, Refused
from safecity_pipeline.registry import Registry, layouts
from safecity_pipeline.supplier.layout_entry import CONTROL, Entry, fits, json_text

TEXT = (".csv", ".csv.gz")
ONE_ROW = (1,)
MOST_LISTED = 12


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
    earlier = _earlier(since, known) if since else {}
    title = f"{file.name}: "
    try:
        _comparable(file)
        found = survey.survey_one(file, known.layouts, known.sources)
        refusing = next((one.layout for one in found.readings if one.layout), None)
        if refusing and refusing.refuse and source in (None, refusing.source):
            said = f"{title}is {_named(refusing)}, which is always refused: {refusing.refuse}"
            return Report(False, (said,))
        if _is_text(file) or file.suffix.lower() == ".parquet":
            return _of_table(file, known, source, found, earlier)
        return _of_workbook(file, known, source, found, earlier)
    except Refused as refused:
        return Report(False, (f"{title}cannot be compared: {refused}",))


def _is_text(file: Path) -> bool:
    return file.name.lower().endswith(TEXT)


def _comparable(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix in survey.RESAVE:
        raise Refused(f"{suffix} workbooks are not read", path.name, repair=survey.RESAVE[suffix])
    if not (_is_text(path) or transcripts.needed(path)):
        raise Refused(
            "only .csv, .csv.gz, .xlsx, .ods and .parquet are compared with the layouts",
            path.name,
            repair="save the table as CSV in UTF-8 and compare that",
        )


def _earlier(since: Path, known: Registry) -> dict[str, Table]:
    """An earlier file's tables by the layout that reads them; by "" where a file is one table."""
    _comparable(since)
    if _is_text(since):
        return {"": peek.of_file(since)}
    found = survey.survey_one(since, known.layouts, known.sources)
    sheets = {one.name: one for one in transcripts.of(since, found.sha256).sheets}
    if found.status != "read":
        raise Refused("no layout reads the earlier file", since.name, repair="name another one")
    tables = {
        str(one.layout and one.layout.name): peek.of_sheet(
            sheets[one.sheet], one.head, one.first_row, one.last_row
        )
        for one in found.read
    }
    return tables | ({"": next(iter(tables.values()))} if len(tables) == 1 else {})


# --- one table -----------------------------------------------------------------------------------


def _of_table(
    file: Path, known: Registry, source: str | None, found: Extract, earlier: dict[str, Table]
) -> Report:
    """A text file or a parquet file: one table, whose head is the first row."""
    title = f"{file.name}: "
    candidates = _candidates(known, found, source)
    table = _table(file, found, candidates)
    nearest = drift.examine(table, candidates, earlier.get(""))
    if nearest is None or not (nearest.claimed or source):
        return Report(False, tuple(_unclaimed(title, found, nearest)))
    return _reported(title, file, found, nearest, known)


def _table(file: Path, found: Extract, candidates: Known) -> Table:
    if _is_text(file):
        return peek.of_file(file, max((one.short_rows for one in candidates.layouts), default=0))
    sheet = transcripts.of(file, found.sha256).sheets[0]
    head = standing.head_at(sheet, standing.Stand(ONE_ROW, 2), footnotes=False)
    return peek.of_sheet(sheet, head, 2, None)


def _candidates(known: Registry, found: Extract, source: str | None) -> Known:
    """The layout that reads the file as it is, else all of them."""
    listed = [
        one for one in known.layouts if source in (None, one.source) and one.head_rows == ONE_ROW
    ]
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


def _reported(title: str, file: Path, found: Extract, nearest: Drift, known: Registry) -> Report:
    read = found.status == "read" and found.layout == nearest.layout
    flaw = found.message or (_unreadable(found) if read else "its head is another")
    read = read and not flaw
    good = read and not nearest.changed
    beside = _beside(nearest, (), found, known)
    words = [f"{title}nearest to {_named(nearest.layout)}, score {nearest.score:.2f}"]
    words += [f"  {line}" for line in _looked(nearest)]
    words += [f"  {line}" for line in _state(nearest, read, good, flaw)]
    words += [f"  {line}" for line in _changes(nearest, beside)]
    if good:
        return Report(True, (*words, "  no new layout is needed"))
    known_form = found.status == "refused" or found.layout == nearest.layout
    if known_form and not nearest.changed:
        return Report(False, (*words, "  its form is known: no new layout helps"))
    if not nearest.mapped:
        return Report(False, (*words, "  no head could be mapped, so there is no entry"))
    entry = Entry(file.name, nearest, beside)
    words += [f"  {line}" for line in _tried(file, [entry], known)]
    return Report(False, tuple(words), entry.text)


def _looked(nearest: Drift) -> Iterator[str]:
    looked = nearest.looked
    left_out = " (those that the layout keeps)" if nearest.only else ""
    yield (
        f"{looked.read:,} rows looked through{left_out}, "
        f"the values of {len(looked.rows):,} of them tried"
    )
    if not looked.read:
        yield "no row has as many cells as the head, so its values say nothing"


def _unreadable(found: Extract) -> str:
    """Why the lines of a file that is recognised cannot be read at all; else nothing."""
    if not _is_text(found.path):
        return ""
    [reading], layout = found.readings, found.layout
    assert layout is not None
    cells, short = len(reading.head), layout.short_rows
    try:
        scan = lines.scan(found.path, cells, layout.delimiter, short_rows=short)
    except Refused as refused:
        return str(refused)
    rows = scan.total - len(scan.blank) - lines.HEAD_ROW
    whole = rows == 0 or len(scan.broken) < rows
    return "" if whole else f"every row is broken: {next(iter(scan.broken.values()))}"


def _beside(one: Drift, titles: Sequence[str], found: Extract, known: Registry) -> Beside:
    """How what the rows do not say is said by the file's name, or above the head."""
    layout, source = one.layout, known.sources[one.layout.source]
    test = Known(known.sources, known.layouts, known.areas).tests[source.name]
    vouched = found.vouched
    told = {*layout.says, *(vouched.facts if vouched else ())}
    told |= {"financial_year"} if vouched and vouched.period else set()
    told |= {mapped.column for mapped in one.mapped}
    told |= set(str(layout.wide_label).split("|")) if one.wide else set()
    columns = source.schema.columns
    needed = [one for one in layout.given if one not in told and not columns[one].nullable]

    def is_one(column: str, text: str) -> bool:
        kind = test[column].kind
        return kind in ("whole", "financial_year") and test[column].ask([text])[1] == {text}

    return standing.beside(layout, titles, found.path.name, needed, is_one)


def _named(layout: Layout) -> str:
    return f"{layout.source} [{layout.name}], {layout.title}"


# --- a workbook ----------------------------------------------------------------------------------


def _of_workbook(
    file: Path, known: Registry, source: str | None, found: Extract, earlier: dict[str, Table]
) -> Report:
    """Every visible sheet that a layout should read."""
    sheets = transcripts.of(file, found.sha256).sheets
    claimed = _claimed(sheets, known, source, found, earlier)
    if not claimed:
        words = [f"{file.name}: no sheet is like a source that is known"]
        words += [f"  {line}" for line in _others(sheets, ())]
        return Report(False, tuple(words))
    pieces = [(one, _beside(one.drift, one.titles, found, known)) for one in claimed]
    refusals = {one.sheet: one.message for one in found.readings if not one.layout}
    words = [f"{file.name}: nearest to {claimed[0].layout.source}, {len(sheets)} sheets"]
    for one, beside in pieces:
        words += [f"  {line}" for line in _of_sheet(one, beside, refusals.get(one.sheet.name, ""))]
    words += [f"  {line}" for line in _others(sheets, claimed)]
    if all(_is_good(one) for one in claimed):
        return Report(True, (*words, "  no new layout is needed"))
    entries = [
        Entry(file.name, one.drift, beside, one)
        for one, beside in pieces
        if not _is_good(one) and (one.drift.mapped or one.drift.wide)
    ]
    words += [f"  {line}" for line in _tried(file, entries, known)]
    return Report(False, tuple(words), "\n".join(entry.text for entry in entries))


def _claimed(
    sheets: Sequence[Sheet],
    known: Registry,
    source: str | None,
    found: Extract,
    earlier: dict[str, Table],
) -> tuple[Found, ...]:
    """The sheets of the likeliest source: the one that reads some already, else the one whose
    layouts are nearest, of those that read files of that name, else of all."""
    read = {one.sheet: one for one in found.read if source in (None, found.source)}
    compared = Known(known.sources, known.layouts, known.areas)
    best: tuple[Found, ...] = ()
    for names in _likely_sources(known, source, found.path.name, found.source if read else None):
        for name in names:
            of_one = Known(known.sources, compared.of(name), known.areas)
            tried = sheet_drift.of_sheets(sheets, read, of_one, earlier)
            kept = tuple(one for one in tried if one.drift.claimed)
            kept = kept or (_nearest(tried) if source else ())
            best = max(best, kept, key=_weight)
        if best:
            break
    return best


def _nearest(tried: Sequence[Found]) -> tuple[Found, ...]:
    return tuple(sorted(tried, key=lambda one: drift.rank(one.drift))[-1:])


def _weight(found: Sequence[Found]) -> float:
    return sum(one.drift.score for one in found)


def _likely_sources(
    known: Registry, source: str | None, file: str, reads: str | None
) -> Iterator[list[str]]:
    if one := source or reads:
        yield [one]
        return
    by_name = [one.source for one in known.layouts if any(fits(file, f) for f in one.files)]
    yield sorted(set(by_name))
    yield sorted({one.source for one in known.layouts} - set(by_name))


def _is_good(one: Found) -> bool:
    return one.is_read and not one.drift.changed


def _of_sheet(one: Found, beside: Beside, refusal: str) -> Iterator[str]:
    name, layout = json_text(one.sheet.name), one.layout
    if _is_good(one):
        yield f"sheet {name}: read by layout [{layout.name}], nothing changed"
        yield from (f"  {line}" for line in _changes(one.drift, beside))
        return
    yield f"sheet {name}: nearest to [{layout.name}], {layout.title}, score {one.drift.score:.2f}"
    yield from (f"  {line}" for line in _looked(one.drift))
    unread = refusal in ("", survey.UNREAD)
    flaw = "it stands otherwise" if unread else refusal.removeprefix(f"[{layout.name}] ")
    yield from (f"  {line}" for line in _state(one.drift, one.is_read, False, flaw))
    yield from (f"  {line}" for line in _whereabouts(one))
    yield from (f"  {line}" for line in _changes(one.drift, beside))


def _whereabouts(one: Found) -> Iterator[str]:
    layout, stand = one.layout, one.stand
    if layout.sheet and not fits(one.sheet.name, layout.sheet):
        yield f"sheet renamed: {json_text(one.sheet.name)}, not {json_text(layout.sheet)}"
    if one.moved:
        was = f"not {_rows(layout.head_rows)}; " if stand.head_rows != layout.head_rows else ""
        yield f"moved: the head is {_rows(stand.head_rows)}, {was}data from row {stand.first_row}"
    if one.adopted:
        yield "years stand side by side: the year is part of the heads, and not said above them"
    if one.end.unclear:
        yield f"cannot tell what ends the table: {one.end.unclear}"
    elif not one.end.same:
        yield f"the end of the table: {json_text(one.end.pattern or 'none')}, {one.end.why}"
    if one.rivals:
        yield f"sheets that are like it too, and get no entry: {_listed(one.rivals)}"


def _rows(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"row{'s' * (len(numbers) > 1)} {listed}"


def _others(sheets: Sequence[Sheet], claimed: Sequence[Found]) -> Iterator[str]:
    named = {one.sheet.name for one in claimed}
    unread = [one.name for one in sheets if one.visible and one.name not in named]
    hidden = [one.name for one in sheets if not one.visible]
    if unread:
        yield f"sheets that no layout should read: {', '.join(map(json_text, unread))}"
    if hidden:
        yield f"hidden, so not read: {', '.join(map(json_text, hidden))}"


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


def _changes(one: Drift, beside: Beside) -> Iterator[str]:
    yield from _missing(one, beside)
    yield from _kept(one)
    for mapped in one.renamed:
        yield f"renamed (likely): {_why(mapped)}"
    for wide in one.wide:
        if not wide.same:
            yield f"renamed (likely): {_widely(wide)}"
    yield from _untold(one)
    if one.new:
        yield f"new: {_listed(one.new)}"
    if one.twice:
        yield f"heads of several columns, which no layout tells apart: {_listed(one.twice)}"
    if one.moved:
        places = (f"{json_text(cell)} is column {one.head.index(cell) + 1}" for cell in one.moved)
        yield f"moved: {', '.join(places)} (a layout goes by heads, not by places)"
    for retyped in one.retyped:
        yield f"retyped: {_retyped(retyped)}"
    for category in one.categories:
        yield from _categories(category)
    yield from _odd(one)
    if one.delimiter != one.layout.delimiter:
        yield f"columns are parted by {one.delimiter!r}, not by {one.layout.delimiter!r}"


def _missing(one: Drift, beside: Beside) -> Iterator[str]:
    given = [name for name in one.missing_given if name not in beside.lacking]
    for rule, names in (
        ("missing and needed", one.missing_needed),
        (
            "not in the rows, so the file's name or a manifest must say it",
            (*given, *beside.lacking),
        ),
        ("missing, which is allowed", one.missing_optional),
    ):
        if names:
            yield f"{rule}: {', '.join(_with_heads(one.layout, name) for name in names)}"
    if one.wide and one.missing_labels:
        yield f"missing: no head brings {', '.join(map(_unlabelled, one.missing_labels))}"
    for key, why in beside.why.items():
        pattern = beside.titles if key == "titles" else beside.facts
        yield f"{key} (likely): {json_text(str(pattern))}, {why}"


def _unlabelled(label: str) -> str:
    """A label as a layout writes it, with an ellipsis for what the head fills in."""
    return re.sub(r"\\\d", "…", label)


def _widely(wide: Wide) -> str:
    score = wide.score
    return (
        f"{_listed(wide.heads)}, by the pattern {wide.pattern}, is {_unlabelled(wide.label)}: "
        f"{score.value:.2f}, {score.reason}"
    )


def _kept(one: Drift) -> Iterator[str]:
    """What became of the heads by which rows are left out."""
    for kept in one.kept:
        said = f"rows are kept by {json_text(kept.key)}"
        if kept.head is None:
            yield f"missing and needed: {said}, and {kept.reason}"
        elif not kept.fits:
            yield f"{said}, and no row fits {json_text(kept.pattern)}: nothing would be read"
        elif kept.head != kept.key:
            yield f"{said}, now {json_text(kept.head)}: {kept.reason}"


def _odd(one: Drift) -> Iterator[str]:
    if one.odd:
        counted = [
            f"{json_text(text) if text else '(empty)'} {cells:,} time{'s' * (cells != 1)}"
            for text, cells in sorted(one.odd.items(), key=lambda pair: -pair[1])
        ]
        yield f"markers not declared, each costs its cell: {_some(counted)}"


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
            f"{one.layout.wide_label} {_unlabelled(wide.label)}: "
            f"{wide.score.value:.2f}, {wide.score.reason}"
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


# --- trying it -----------------------------------------------------------------------------------


def _tried(file: Path, entries: Sequence[Entry], known: Registry) -> Iterator[str]:
    """Read the file by the entries, as a refresh would begin to."""
    source = entries[0].layout.source
    home = f"layouts/{source}.toml beside safecity.toml"
    try:
        text = "\n".join(entry.text for entry in entries)
        proposed = {one.name: one for one in _loaded(source, text, known)}
        found = survey.survey_one(file, (*proposed.values(), *known.layouts), known.sources)
        for entry in entries:
            _read_by(found, entry, proposed[entry.name])
        broken = _broken(found) if _is_text(file) else 0
    except Refused as refused:
        yield f"tried: the entry below does not read the file yet: {refused}"
        yield f"complete the entry, look it over, and put it into {home}"
        return
    lost = f", but for {broken:,} broken rows" if broken else ""
    yield f"tried: with the entry below the file is read as {source}{lost}"
    yield f"look every line over, and put it into {home}; then safecity check says how rows fare"


def _broken(found: Extract) -> int:
    assert found.layout is not None
    [reading], layout = found.readings, found.layout
    cells, short = len(reading.head), layout.short_rows
    return len(lines.scan(found.path, cells, layout.delimiter, short_rows=short).broken)


def _read_by(found: Extract, entry: Entry, proposed: Layout) -> None:
    """Raises Refused where the file, or the entry's sheet of it, is not read by the entry."""
    sheet = entry.found.sheet.name if entry.found else None
    reading = next((one for one in found.readings if sheet in (None, one.sheet)), None)
    if reading is None or reading.layout is None:
        said = reading.message if reading else found.message
        raise Refused(said, f"sheet {sheet}" if sheet else "")
    if reading.layout != proposed:
        raise Refused(
            f"[{reading.layout.name}] finds more heads and goes before it; complete the entry first"
        )
    if found.status != "read":
        raise Refused(found.message)
    lacking = [one.key for one in entry.drift.kept if one.head is None]
    if lacking:
        raise Refused("the head is not known by which rows are left out", got=lacking[0])


def _loaded(source: str, entries: str, known: Registry) -> tuple[Layout, ...]:
    """The entries as a refresh would load them, without the packaged ones."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{source}.toml").write_text(entries, encoding="utf-8")
        loaded = layouts.load(known.sources, Path(folder))
    return tuple(one for one in loaded if one not in known.layouts)
