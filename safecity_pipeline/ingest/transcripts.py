"""Transcripts: made once and kept while they are needed, of workbooks, parquet and some text files.

Belongs here: which files need one, who has been transcribed already, and the transcript of a text
file whose table does not begin with a head in row 1. Does not belong here: transcribing workbooks
and parquet (`reading`). Transcripts hold rows in clear, so they lie in folders that nobody else may
look into: a warehouse's scratch folder, or one that goes when the process ends.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from pathlib import Path

from safecity_pipeline.ingest import blocks, reading
from safecity_pipeline.ingest.reading import TOP, Sheet, Transcript
from safecity_pipeline.model import Layout, Refused

SUFFIXES = (".xlsx", ".ods", ".parquet")

Which = tuple[str, str]
"""The hash of a file, and what parts its cells."""

_made: dict[Which, Transcript] = {}


def needed(path: Path, layout: Layout | None = None) -> bool:
    """Whether a file is read from a transcript: by its kind, or because the layout says that its
    table stands elsewhere than from row 1 to the end."""
    return path.suffix.lower() in SUFFIXES or (layout is not None and stands_apart(layout))


def stands_apart(layout: Layout) -> bool:
    """Whether a text file of this layout has rows above its head, or below its data."""
    return layout.head_rows != (1,) or layout.first_row is not None or layout.end is not None


def of(path: Path, sha256: str, scratch: Path | None = None, delimiter: str = ",") -> Transcript:
    """The transcript of a file, made now unless it is there. Raises Refused."""
    known = _made.get((sha256, delimiter))
    if known and all(sheet.path is None or sheet.path.is_file() for sheet in known.sheets):
        return known
    into = (scratch or Path(_own_folder().name)) / f"transcript-{sha256[:16]}"
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    by_kind = path.suffix.lower() in SUFFIXES
    made = reading.transcribe(path, into) if by_kind else _of_text(path, into, delimiter)
    _made[sha256, delimiter] = made
    return made


def made_of(files: Iterable[str]) -> tuple[tuple[Which, Transcript], ...]:
    """The transcripts that are there of files, by hash: for another process, to `remember`."""
    wanted = set(files)
    return tuple((which, made) for which, made in _made.items() if which[0] in wanted)


def remember(made: Iterable[tuple[Which, Transcript]]) -> None:
    """Take transcripts that another process has made, and drop them when they are not needed."""
    _made.update(made)


def drop(sha256: str) -> None:
    """Remove the transcripts of a file that are not needed any more."""
    for key in [key for key in _made if key[0] == sha256]:
        for sheet in _made.pop(key).sheets:
            if sheet.path:
                shutil.rmtree(sheet.path.parent, ignore_errors=True)


def _of_text(path: Path, into: Path, delimiter: str) -> Transcript:
    """A text file as a sheet without a name; a row is a record, as in `lines`. Raises Refused."""
    rows = [tuple(cell.strip() for cell in row) for row in _records(path, delimiter)]
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((len(row) for row in rows), default=0)
    filled = [(*row, *("",) * (width - len(row))) for row in rows]
    folder = Path(tempfile.mkdtemp(dir=into))
    with (folder / "001.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerows((number, *row) for number, row in enumerate(filled, 1) if any(row))
    top = tuple(filled[:TOP])
    blank = _runs([number for number, row in enumerate(filled, 1) if not any(row)])
    sheet = Sheet("", True, folder / "001.csv", len(rows), width, blank, top, top)
    return Transcript((sheet,))


def _records(path: Path, delimiter: str) -> list[list[str]]:
    try:
        with blocks.open_bytes(path) as handle:
            text = io.TextIOWrapper(handle, encoding="utf-8-sig", newline="")
            return list(csv.reader(text, delimiter=delimiter, strict=True))
    except blocks.UNREADABLE as error:
        what = f"cannot be read to its end: {blocks.damage(error)}"
        raise Refused(what, repair="send it again") from None
    except UnicodeDecodeError:
        raise Refused("not UTF-8 text", repair="save it as CSV in UTF-8") from None
    except csv.Error:
        raise Refused(
            "a quotation mark is not closed, or closed too early",
            repair="export it again as CSV in UTF-8",
        ) from None


def _runs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """Numbers in order as runs (first, last)."""
    runs = (list(run) for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]))
    return tuple((run[0][1], run[-1][1]) for run in runs)


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="safecity-")
