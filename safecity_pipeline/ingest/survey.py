"""Which files lie in raw/, what they are, and what is said of them before a row is read.

Belongs here: finding, hashing, recognising by name *and* head, refusing. Does not belong here:
manifests (`manifests`), how a head is made (`heads`), rows. Every file becomes one Extract,
recognised or not; nothing is passed over in silence but README.md, manifest.csv, hidden files, and
workbooks that `safecity check` wrote.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from safecity_pipeline.ingest import heads, lines, manifests, parse, reading, transcripts
from safecity_pipeline.ingest.digests import Digests
from safecity_pipeline.ingest.reading import Sheet
from safecity_pipeline.model import Extract, Layout, Reading, Refused, Source, Vouched

NOT_EXTRACTS = {"README.md", "manifest.csv"}
ERRORS_WORKBOOK = ".errors.xlsx"
RESAVE = {
    ".xls": "open it in Excel or LibreOffice and save it as .xlsx",
    ".xlsb": "open it in Excel and save it as .xlsx",
    ".xlsm": "save it as .xlsx, without macros",
}
READERS = 2  # files hashed at the same time
OLD_OR_LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")
UNREAD, HIDDEN = "no layout reads this sheet", "hidden, so not read"


@dataclass(frozen=True)
class Survey:
    """Every extract in a folder, and what the manifests promise that is not there."""

    extracts: tuple[Extract, ...]
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=())


def survey(
    raw: Path,
    layouts: Iterable[Layout],
    sources: Mapping[str, Source],
    scratch: Path | None = None,
) -> Survey:
    """Find every file below `raw` and say what it is; see `gather` and `recognise`."""
    return recognise(gather(raw), layouts, sources, scratch)


def gather(raw: Path, kept_in: Path | None = None) -> Survey:
    """Every file below `raw`, with its hash and what manifests say; not looked into yet.

    `kept_in`: a file in which hashes are remembered. Raises Refused where there is no such folder.
    """
    if not raw.is_dir():
        raise Refused("no such folder of extracts", str(raw), repair="name one with --raw")
    files = sorted(path for path in raw.rglob("*") if path.is_file() and _is_extract(raw, path))
    vouched, faults = manifests.below(raw)
    digests = Digests(kept_in)
    with ThreadPoolExecutor(READERS) as pool:  # hashing a gigabyte lets other threads run
        found = pool.map(lambda path: _found(path, raw, vouched.get(path), digests), files)
        extracts = tuple(found)
    digests.keep()
    present = set(files)
    missing = tuple(str(path.relative_to(raw)) for path in vouched if path not in present)
    return Survey(extracts, missing, tuple(faults))


def recognise(
    found: Survey,
    layouts: Iterable[Layout],
    sources: Mapping[str, Source],
    scratch: Path | None = None,
) -> Survey:
    """The same, each file looked into. `scratch`: where transcripts of workbooks are kept."""
    known = tuple(layouts)
    _transcribe(found.extracts, scratch)
    extracts = tuple(_looked_into(one, known, sources, scratch) for one in found.extracts)
    return replace(found, extracts=extracts)


def _transcribe(extracts: Iterable[Extract], scratch: Path | None) -> None:
    """Make the transcripts of workbooks, some at the same time: each has a process of its own. What
    is wrong with one is said when it is looked into."""

    def one(extract: Extract) -> None:
        with suppress(Refused, OSError):
            _readable(extract)
            transcripts.of(extract.path, extract.sha256, scratch)

    books = {e.sha256: e for e in extracts if transcripts.needed(e.path)}
    if len(books) > 1 and scratch:  # without it they share a folder that is made by the first
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(one, books.values()))


def survey_one(file: Path, layouts: Iterable[Layout], sources: Mapping[str, Source]) -> Extract:
    """One file by itself, with what a manifest beside it says."""
    vouched, _ = manifests.read([file.parent / "manifest.csv"], file.parent)
    found = _found(file, file.parent, vouched.get(file), Digests())
    return _looked_into(found, tuple(layouts), sources, None)


def _is_extract(raw: Path, path: Path) -> bool:
    parts = path.relative_to(raw).parts
    hidden = any(part.startswith((".", "~$")) for part in parts)
    ours = path.name in NOT_EXTRACTS or ERRORS_WORKBOOK in path.name.lower()
    return not (ours or hidden)


def _found(path: Path, raw: Path, vouched: Vouched | None, digests: Digests) -> Extract:
    seen = glance(path)
    file, digest = path.relative_to(raw).as_posix(), digests.of(path)
    return Extract(
        extract_id=hashlib.sha256(f"{file}\n{digest}".encode()).hexdigest()[:16],
        file=file,
        path=path,
        sha256=digest,
        bytes=seen[0],
        status="unrecognised",
        message="no source reads a file of this name and head",
        received_at=_received(path, vouched),
        vouched=vouched,
        synthetic=path.name.startswith("synthetic-") or bool(vouched and vouched.synthetic),
        seen=seen,
    )


def glance(path: Path) -> tuple[int, int]:
    """Size and time of the last change: enough to tell that a file changed while it was read."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _looked_into(
    extract: Extract,
    layouts: tuple[Layout, ...],
    sources: Mapping[str, Source],
    scratch: Path | None,
) -> Extract:
    """What one file is, from its name, its head and its manifest; status `read` when it can be."""
    try:
        _readable(extract)
        return _recognised(extract, layouts, sources, scratch)
    except Refused as refused:
        return _refused(extract, refused)


def _refused(extract: Extract, refused: Refused) -> Extract:
    """Its owner is told what was got; a release, which others read, is not."""
    told, public = str(refused), refused.in_public()
    return replace(extract, status="refused", message=told, public_message=public)


def _recognised(
    extract: Extract,
    layouts: tuple[Layout, ...],
    sources: Mapping[str, Source],
    scratch: Path | None,
) -> Extract:
    name = extract.path.name.lower()
    named = _named_source(extract, sources)
    fitting = tuple(one for one in layouts if _name_fits(one, extract.path.name, named))
    if name.endswith((".csv", ".csv.gz")):
        found = _text(extract, fitting, sources)
        return found if found.readings else _text_apart(found, fitting, sources, scratch)
    if transcripts.needed(extract.path) and fitting:
        return _sheets(extract, fitting, sources, scratch)
    return extract


def _named_source(extract: Extract, sources: Mapping[str, Source]) -> str | None:
    named = extract.vouched.source if extract.vouched else None
    if named and named not in sources:
        raise Refused(
            "manifest.csv names a source that is not known",
            got=named,
            repair=f"known: {', '.join(sources)}",
        )
    return named


def _text(extract: Extract, layouts: tuple[Layout, ...], sources: Mapping[str, Source]) -> Extract:
    marks = {",", *(layout.delimiter for layout in layouts)}
    read = {mark: lines.head_of(extract.path, mark) for mark in marks}
    seen = {mark: heads.told_apart(head) for mark, head in read.items()}
    plain = [one for one in layouts if not transcripts.stands_apart(one)]
    fitting = [one for one in plain if _year_fits(extract, (), one)]
    layout = _best([(one, seen[one.delimiter]) for one in fitting])
    if layout is None:
        return extract
    reading = Reading("", layout, seen[layout.delimiter])
    try:
        given = _given(extract, reading, (), sources[layout.source])
    except Refused as refused:
        return _refused(replace(extract, readings=(reading,)), refused)
    readings = (replace(reading, given=given),)
    return replace(extract, readings=readings, status="read", message="")


def _text_apart(
    extract: Extract,
    layouts: tuple[Layout, ...],
    sources: Mapping[str, Source],
    scratch: Path | None,
) -> Extract:
    """A text file with rows above its head or below its data, as a sheet without a name."""
    apart = [one for one in layouts if transcripts.stands_apart(one) and one.sheet is None]
    for delimiter in dict.fromkeys(one.delimiter for one in apart):
        alike = tuple(one for one in apart if one.delimiter == delimiter)
        found = _sheets(extract, alike, sources, scratch, delimiter)
        if found.status != "unrecognised":
            return found
    return extract


# --- sheets --------------------------------------------------------------------------------------


def _sheets(
    extract: Extract,
    layouts: tuple[Layout, ...],
    sources: Mapping[str, Source],
    scratch: Path | None,
    delimiter: str = ",",
) -> Extract:
    """Every sheet by itself: one that cannot be read leaves the others as they are."""
    transcript = transcripts.of(extract.path, extract.sha256, scratch, delimiter)
    found = [_sheet(extract, sheet, layouts, sources) for sheet in transcript.sheets]
    readings = tuple(_of_one_source(found))
    extract = replace(extract, readings=readings)
    refused = [one for one in readings if one.refused]
    said = "; ".join(f"sheet {one.sheet}: {one.message}" for one in refused)
    public = "; ".join(f"sheet {one.sheet}: {one.public_message}" for one in refused)
    if not extract.read and not refused:
        return replace(extract, message=f"no layout reads any of its {len(readings)} sheets")
    status = "read" if extract.read else "refused"
    return replace(extract, status=status, message=said, public_message=public)


def _of_one_source(readings: Sequence[Reading]) -> Iterator[Reading]:
    """A file is of one source, that of the first sheet read."""
    source = next((one.layout.source for one in readings if one.layout), None)
    for one in readings:
        other = one.layout is not None and one.layout.source != source
        yield replace(one, layout=None, message=f"not of source {source}") if other else one


def _sheet(
    extract: Extract, sheet: Sheet, layouts: tuple[Layout, ...], sources: Mapping[str, Source]
) -> Reading:
    unread = Reading(sheet.name, rows=sheet.rows, message=UNREAD if sheet.visible else HIDDEN)
    fitting = [one for one in layouts if sheet.visible and _sheet_fits(one, sheet.name)]
    fitting = [one for one in fitting if _year_fits(extract, _titles(sheet, one), one)]
    layout = _best([(one, _head(sheet, one)) for one in fitting])
    if layout is None:
        return unread
    reading = Reading(sheet.name, layout, _head(sheet, layout), rows=sheet.rows)
    try:
        given = _given(extract, reading, _titles(sheet, layout), sources[layout.source])
        first, last = _data_rows(sheet, layout)
    except Refused as refused:
        told = f"[{layout.name}] {refused}", f"[{layout.name}] {refused.in_public()}"
        return replace(unread, message=told[0], public_message=told[1], refused=True)
    spacers = _spacers(sheet, reading.head, first)
    return replace(reading, given=given, first_row=first, last_row=last, spacers=spacers)


def _spacers(sheet: Sheet, head: Sequence[str], first: int) -> tuple[str, ...]:
    data = sheet.top[first - 1 :]
    return tuple(cell for at, cell in enumerate(head) if not any(row[at] for row in data))


def _sheet_fits(layout: Layout, name: str) -> bool:
    return layout.sheet is None or fnmatch.fnmatch(name.lower(), layout.sheet.lower())


def _head(sheet: Sheet, layout: Layout) -> tuple[str, ...]:
    given = [sheet.filled[row - 1] for row in layout.head_rows if row <= len(sheet.filled)]
    rows = heads.carried(given) if layout.head_spans else given
    return heads.made(rows, layout.footnotes) if rows else ()


def _titles(sheet: Sheet, layout: Layout) -> tuple[str, ...]:
    """The texts above the head."""
    return tuple(cell for row in sheet.top[: min(layout.head_rows) - 1] for cell in row if cell)


def _year_fits(extract: Extract, titles: Sequence[str], layout: Layout) -> bool:
    """Whether the year that the file states lies in the layout's; a layout without years fits,
    and so does a file that states none."""
    facts = _facts(extract, layout, titles)
    told = facts.get("year") or facts.get("financial_year", "")
    if not layout.years or not (match := re.match(r"\d{4}", told)):
        return True
    return layout.years[0] <= int(match[0]) <= layout.years[-1]


def _data_rows(sheet: Sheet, layout: Layout) -> tuple[int, int]:
    """First and last physical row of the table. Raises Refused where its end is not found."""
    first = layout.first_row or max(layout.head_rows) + 1
    if max(layout.head_rows) > min(sheet.rows, len(sheet.top)) or first > sheet.rows + 1:
        raise Refused(
            "the sheet ends before the rows that the layout names",
            got=f"{sheet.rows} rows",
            repair="mend the layout's head_rows and first_row",
        )
    if layout.end is None:
        return first, sheet.rows
    ends = re.compile(layout.end)
    for row, cells in reading.read_rows(sheet):
        if row >= first and any(ends.fullmatch(cell) for cell in cells):
            return first, row - 1
    raise Refused(
        "the end of the table is not found",
        repair=f"no row has a cell of the form {layout.end!r}; mend the layout's end",
    )


def _readable(extract: Extract) -> None:
    suffix = extract.path.suffix.lower()
    if suffix in RESAVE:
        raise Refused(f"{suffix} workbooks are not read", repair=RESAVE[suffix])
    if extract.bytes == 0:
        raise Refused("the file is empty", repair="ask the supplier to send it again")
    if suffix in (".xlsx", ".ods") and _starts_with(extract.path, OLD_OR_LOCKED):
        raise Refused(
            "a workbook with a password, or an old .xls under a new name, is not read",
            repair="open it, and save it as .xlsx without a password",
        )
    vouched = extract.vouched
    if vouched and vouched.sha256 and vouched.sha256.lower() != extract.sha256:
        raise Refused(
            "its content is not the one that manifest.csv vouches for (sha256)",
            got=extract.sha256,
            repair="ask the supplier to send it again, or mend the manifest",
        )


def _starts_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as handle:
        return handle.read(len(mark)) == mark


def _best(made: Iterable[tuple[Layout, tuple[str, ...]]]) -> Layout | None:
    """The layout of whose heads most are there: more than half of ours."""
    scored = [(_share(layout, head), _known_heads(layout, head), layout) for layout, head in made]
    fitting = [entry for entry in scored if entry[0] > 0.5]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def _known_heads(layout: Layout, head: tuple[str, ...]) -> int:
    return len(set(head) & set(layout.columns))


def _name_fits(layout: Layout, name: str, named: str | None) -> bool:
    if named:
        return layout.source == named
    return any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in layout.files)


def _share(layout: Layout, head: tuple[str, ...]) -> float:
    """Share of our columns, and of the patterns of a wide table, that the head brings."""
    wanted = len(set(layout.columns.values())) + len(layout.wide)
    found = {layout.columns[cell] for cell in head if cell in layout.columns}
    wide = [one for one in layout.wide if any(re.fullmatch(one, cell) for cell in head)]
    return (len(found) + len(wide)) / wanted


def _given(
    extract: Extract, reading: Reading, titles: Sequence[str], source: Source
) -> dict[str, str]:
    """Check the head against the layout, and find what neither head nor rows say."""
    layout = reading.layout
    assert layout is not None
    if layout.refuse:
        raise Refused(layout.refuse)
    present = _columns_present(reading.head, layout)
    told = {**_facts(extract, layout, titles), **layout.says}
    given = {
        name: told[name]
        for name in (*layout.given, *layout.says)
        if name not in present and name in told
    }
    for cell in layout.only:
        if cell not in reading.head:
            raise _lacking_head(cell)
    for name, column in source.schema.columns.items():
        if not column.nullable and name not in present and name not in given:
            raise _lacking(name, layout)
        if name in given:
            _meant(name, given[name], parse.kind_of(column))
    return given


def _meant(name: str, text: str, kind: str) -> None:
    """What a manifest or a file's name says holds for every row, so it must be readable."""
    if not parse.is_read(text, kind):
        raise Refused(
            f"its {name}, as the manifest or the file's name states it, is not "
            f"{parse.IN_WORDS[kind]}",
            got=text,
            repair="mend the manifest, or the file's name",
        )


def _columns_present(head: tuple[str, ...], layout: Layout) -> set[str]:
    present: set[str] = set()
    labels: set[str] = set()
    for cell in head:
        column, label = layout.columns.get(cell), wide_label(layout, cell)
        if column in present or label in labels or _doubles(cell, head, layout):
            raise Refused("two columns of the head mean the same", "head", cell)
        present |= {column} if column else set()
        labels |= {label} if label else set()
    wide = {*(layout.wide_label or "").split("|"), layout.wide_value or ""}
    return present | wide if labels else present


def _doubles(cell: str, head: Sequence[str], layout: Layout) -> bool:
    """A second column of a name that the layout reads, and of which it says nothing."""
    first = heads.without_place(cell)
    if first in (cell, "") or first not in head:
        return False
    said = cell in layout.columns or wide_label(layout, cell) is not None
    ignored = any(re.fullmatch(pattern, cell) for pattern in layout.ignored)
    read = first in layout.columns or wide_label(layout, first) is not None
    return read and not said and not ignored


def extra_heads(reading: Reading) -> tuple[str, ...]:
    """Heads of which the layout says nothing, not even that they are ignored; of a sheet also
    columns without a head that hold something."""
    layout = reading.layout
    assert layout is not None
    known = {*layout.columns, *layout.only, *reading.spacers}
    return tuple(
        cell
        for cell in reading.head
        if (heads.without_place(cell) or reading.sheet)
        and cell not in known
        and wide_label(layout, cell) is None
        and not any(re.fullmatch(pattern, cell) for pattern in layout.ignored)
    )


def absent_columns(reading: Reading) -> tuple[str, ...]:
    """Our columns that the layout reads and that neither rows nor anything beside them bring, and
    the patterns of a wide table that no head fits."""
    layout = reading.layout
    assert layout is not None
    present = _columns_present(reading.head, layout) | set(reading.given)
    columns = dict.fromkeys(one for one in layout.columns.values() if one not in present)
    wide = [one for one in layout.wide if not any(re.fullmatch(one, cell) for cell in reading.head)]
    return (*columns, *wide)


def wide_label(layout: Layout, cell: str) -> str | None:
    """The label of a head that is one of a wide table's columns of values, else None."""
    parts = label_parts(layout, cell)
    return None if parts is None else "|".join(parts)


def label_parts(layout: Layout, cell: str) -> tuple[str, ...] | None:
    """The same, one text for each column of ours that the label says."""
    for pattern, label in layout.wide.items():
        if match := re.fullmatch(pattern, cell):
            return tuple(match.expand(part) for part in label.split("|"))
    return None


def _facts(extract: Extract, layout: Layout, titles: Sequence[str]) -> dict[str, str]:
    """What is said beside the rows: by the manifest first, which a person wrote, then by the
    texts above the head, then by the file's name."""
    told: dict[str, str] = {}
    if layout.facts and (match := re.fullmatch(layout.facts, extract.path.name)):
        told |= {name: text for name, text in match.groupdict().items() if text}
    for title in titles if layout.titles else ():
        if match := re.fullmatch(str(layout.titles), title):
            told |= {name: text for name, text in match.groupdict().items() if text}
    vouched = extract.vouched
    if vouched and vouched.period:
        told["financial_year"] = vouched.period
    return {**told, **(vouched.facts if vouched else {})}


def _lacking(name: str, layout: Layout) -> Refused:
    if name in layout.given:
        return Refused(
            f"neither the rows, nor the file's name, nor a manifest say its {name}",
            repair=f"write a manifest.csv beside it: file,{_manifest_column(name)}",
        )
    return _lacking_head(
        " or ".join(head for head, ours in layout.columns.items() if ours == name) or name
    )


def _lacking_head(head: str) -> Refused:
    return Refused(
        f"the column {head} is missing",
        "head",
        repair="ask the supplier for the column, or describe their spelling in a layout",
    )


def _manifest_column(name: str) -> str:
    return "period" if name == "financial_year" else name


def _received(path: Path, vouched: Vouched | None) -> date:
    if vouched and vouched.received_on:
        return vouched.received_on
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
