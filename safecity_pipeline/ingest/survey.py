"""Which files lie in raw/, what they are, and what is said of them before a row is read.

Belongs here: finding, hashing, the manifest, recognising by name *and* head, refusing. Does not
belong here: rows. Every file becomes one Extract, recognised or not; nothing is passed over in
silence but README.md, manifest.csv, hidden files, and workbooks that `safecity check` wrote.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from safecity_pipeline.ingest import parse
from safecity_pipeline.model import Extract, Layout, Refused, Source, Vouched

NOT_EXTRACTS = {"README.md", "manifest.csv"}
ERRORS_WORKBOOK = ".errors.xlsx"
RESAVE = {
    ".xls": "open it in Excel or LibreOffice and save it as .xlsx",
    ".xlsb": "open it in Excel and save it as .xlsx",
    ".xlsm": "save it as .xlsx, without macros",
}
OLD_OR_LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")
HEAD_BYTES = 1 << 20
UNREADABLE = (OSError, EOFError, zlib.error)
TRUE_WORDS = {"yes", "true", "1"}


@dataclass(frozen=True)
class Survey:
    """Every extract in a folder, and what the manifests promise that is not there."""

    extracts: tuple[Extract, ...]
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=())


def survey(raw: Path, layouts: Iterable[Layout], sources: Mapping[str, Source]) -> Survey:
    """Look at every file below `raw`. Raises Refused where there is no such folder."""
    if not raw.is_dir():
        raise Refused("no such folder of extracts", str(raw), repair="name one with --raw")
    files = sorted(path for path in raw.rglob("*") if path.is_file() and _is_extract(raw, path))
    vouched, faults = _manifests(raw)
    known = tuple(layouts)
    extracts = tuple(look(path, raw, known, sources, vouched.get(path)) for path in files)
    present = set(files)
    missing = tuple(str(path.relative_to(raw)) for path in vouched if path not in present)
    return Survey(extracts, missing, tuple(faults))


def survey_one(file: Path, layouts: Iterable[Layout], sources: Mapping[str, Source]) -> Extract:
    """One file by itself, with what a manifest beside it says."""
    vouched, _ = _manifests_in([file.parent / "manifest.csv"], file.parent)
    return look(file, file.parent, tuple(layouts), sources, vouched.get(file))


def _is_extract(raw: Path, path: Path) -> bool:
    parts = path.relative_to(raw).parts
    hidden = any(part.startswith((".", "~$")) for part in parts)
    ours = path.name in NOT_EXTRACTS or ERRORS_WORKBOOK in path.name.lower()
    return not (ours or hidden)


def look(
    path: Path,
    raw: Path,
    layouts: tuple[Layout, ...],
    sources: Mapping[str, Source],
    vouched: Vouched | None,
) -> Extract:
    """What one file is, from its name, its head and its manifest; status `read` when it can be."""
    file = path.relative_to(raw).as_posix()
    digest = _sha256(path)
    extract = Extract(
        extract_id=hashlib.sha256(f"{file}\n{digest}".encode()).hexdigest()[:16],
        file=file,
        path=path,
        sha256=digest,
        bytes=path.stat().st_size,
        status="unrecognised",
        message="no source reads a file of this name and head",
        received_at=_received(path, vouched),
        vouched=vouched,
        synthetic=path.name.startswith("synthetic-") or bool(vouched and vouched.synthetic),
    )
    try:
        return _recognised(extract, layouts, sources)
    except Refused as refused:
        return replace(extract, status="refused", message=str(refused))


def _recognised(
    extract: Extract, layouts: tuple[Layout, ...], sources: Mapping[str, Source]
) -> Extract:
    _readable(extract)
    if not extract.path.name.lower().endswith((".csv", ".csv.gz")):
        return extract
    named = extract.vouched.source if extract.vouched else None
    if named and named not in sources:
        raise Refused(
            "manifest.csv names a source that is not known",
            got=named,
            repair=f"known: {', '.join(sources)}",
        )
    marks = {",", *(layout.delimiter for layout in layouts)}
    heads = {mark: read_head(extract.path, mark) for mark in marks}
    layout = _best(extract, heads, layouts)
    if layout is None:
        return extract
    head = heads[layout.delimiter]
    found = replace(extract, layout=layout, head=head, status="read", message="")
    try:
        return _given(found, sources[layout.source])
    except Refused as refused:
        return replace(found, status="refused", message=str(refused))


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


def read_head(path: Path, delimiter: str = ",") -> tuple[str, ...]:
    """The first line's cells, without byte-order mark and surrounding blanks. Raises Refused."""
    try:
        with open_bytes(path) as handle:
            first = handle.read(HEAD_BYTES).splitlines()
    except UNREADABLE as error:
        raise Refused(f"cannot be read: {damage(error)}", repair="send it again") from None
    if not first or b"\0" in first[0]:
        raise Refused("not a text file", repair="save it as CSV in UTF-8")
    try:
        line = first[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not UTF-8 text", repair="save it as CSV in UTF-8") from None
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        raise Refused("its first line is no row of a table", repair="save it as CSV") from None
    return tuple(" ".join(cell.split()) for cell in cells)


def damage(error: Exception) -> str:
    """What reading met, in words that hold nothing of the file."""
    return "damaged archive" if isinstance(error, zlib.error) else type(error).__name__


def open_bytes(path: Path) -> gzip.GzipFile:
    """The file's bytes, unpacked where its name ends in .gz."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rb")  # type: ignore[return-value]


def _best(
    extract: Extract, heads: Mapping[str, tuple[str, ...]], layouts: Iterable[Layout]
) -> Layout | None:
    """The layout whose name fits and of whose heads most are there: more than half of ours.

    `heads`: the file's head as each delimiter splits it.
    """
    named = extract.vouched.source if extract.vouched else None
    scored = [
        (
            _share(layout, heads[layout.delimiter]),
            len(set(heads[layout.delimiter]) & set(layout.columns)),
            layout,
        )
        for layout in layouts
        if _name_fits(layout, extract.path.name, named)
    ]
    fitting = [entry for entry in scored if entry[0] > 0.5]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def _name_fits(layout: Layout, name: str, named: str | None) -> bool:
    if named:
        return layout.source == named
    return any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in layout.files)


def _share(layout: Layout, head: tuple[str, ...]) -> float:
    wanted = set(layout.columns.values())
    return len({layout.columns[cell] for cell in head if cell in layout.columns}) / len(wanted)


def _given(extract: Extract, source: Source) -> Extract:
    """Check the head against the layout, and find what neither head nor rows say."""
    layout = extract.layout
    assert layout is not None
    if layout.refuse:
        raise Refused(layout.refuse)
    present = _columns_present(extract.head, layout)
    given = {
        name: value
        for name in layout.given
        if name not in present and (value := _fact(extract, layout, name)) is not None
    }
    for name, column in source.model.to_schema().columns.items():
        if not column.nullable and name not in present and name not in given:
            raise _lacking(name, layout)
        if name in given:
            _meant(name, given[name], parse.kind_of(column))
    return replace(extract, given=given)


def _meant(name: str, text: str, kind: str) -> None:
    """What a manifest or a file's name says holds for every row, so it must be readable."""
    if parse.parse(pd.Series([text], dtype="str"), kind)["status"].iloc[0] != parse.OK:
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
        if column in present or label in labels:
            raise Refused("two columns of the head mean the same", "head", cell)
        present |= {column} if column else set()
        labels |= {label} if label else set()
    return present | {layout.wide_label or "", layout.wide_value or ""} if labels else present


def wide_label(layout: Layout, cell: str) -> str | None:
    """The label of a head that is one of a wide table's columns of values, else None."""
    for pattern, label in layout.wide.items():
        if match := re.fullmatch(pattern, cell):
            return match.expand(label)
    return None


def _fact(extract: Extract, layout: Layout, name: str) -> str | None:
    """From the manifest first, which a person wrote, then from the file's name."""
    vouched = extract.vouched
    if vouched and name in vouched.facts:
        return vouched.facts[name]
    if vouched and vouched.period and name == "financial_year":
        return vouched.period
    match = re.fullmatch(layout.facts, extract.path.name) if layout.facts else None
    return match.groupdict().get(name) if match else None


def _lacking(name: str, layout: Layout) -> Refused:
    if name in layout.given:
        return Refused(
            f"neither the rows, nor the file's name, nor a manifest say its {name}",
            repair=f"write a manifest.csv beside it: file,{_manifest_column(name)}",
        )
    heads = [head for head, ours in layout.columns.items() if ours == name]
    return Refused(
        f"the column {' or '.join(heads) or name} is missing",
        "head",
        repair="ask the supplier for the column, or describe their spelling in a layout",
    )


def _manifest_column(name: str) -> str:
    return "period" if name == "financial_year" else name


def _manifests(raw: Path) -> tuple[dict[Path, Vouched], list[str]]:
    return _manifests_in(sorted(raw.rglob("manifest.csv")), raw)


def _manifests_in(manifests: Iterable[Path], raw: Path) -> tuple[dict[Path, Vouched], list[str]]:
    vouched: dict[Path, Vouched] = {}
    faults: list[str] = []
    for manifest in manifests:
        if not manifest.is_file():
            continue
        named = manifest.relative_to(raw).as_posix()
        try:
            rows = _manifest_rows(manifest)
        except (UnicodeDecodeError, csv.Error):
            faults.append(f"{named}: is not a CSV file in UTF-8")
            continue
        for row in rows:
            try:
                entry = _vouched(row)
            except Refused as refused:
                faults.append(f"{named}: {refused}")
            else:
                vouched[manifest.parent / entry.file] = entry
    return vouched, faults


def _manifest_rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8-sig", newline="") as handle:
        return [
            {key.strip(): (value or "").strip() for key, value in row.items() if key}
            for row in csv.DictReader(handle)
        ]


def _vouched(row: Mapping[str, str]) -> Vouched:
    if not row.get("file"):
        raise Refused("a line of a manifest names a file", "column file", row.get("file"))
    if Path(row["file"]).is_absolute() or ".." in Path(row["file"]).parts:
        raise Refused("a manifest speaks of files beside or below it", "column file", row["file"])
    known = {"file", "source", "period", "received_on", "published_on", "rows", "sha256"}
    return Vouched(
        file=row["file"],
        source=row.get("source") or None,
        period=row.get("period") or None,
        received_on=_date(row, "received_on"),
        published_on=_date(row, "published_on"),
        rows=_rows(row),
        sha256=row.get("sha256") or None,
        synthetic=row.get("synthetic", "").lower() in TRUE_WORDS,
        facts={key: value for key, value in row.items() if value and key not in known},
    )


def _date(row: Mapping[str, str], name: str) -> date | None:
    text = row.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{name} is a date such as 2015-05-31", row["file"], text) from None


def _rows(row: Mapping[str, str]) -> int | None:
    text = row.get("rows", "").replace(",", "")
    if not text:
        return None
    if not text.isdigit():
        raise Refused("rows is a whole number", row["file"], text)
    return int(text)


def _received(path: Path, vouched: Vouched | None) -> date:
    if vouched and vouched.received_on:
        return vouched.received_on
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
