"""The transcript of a workbook or a parquet file, made once and kept while it is needed.

Belongs here: who has been transcribed already. Does not belong here: the transcribing (`reading`).
Transcripts hold rows in clear, so they lie in folders that nobody else may look into: a
warehouse's scratch folder, or one that goes when the process ends.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from safecity_pipeline.ingest import reading
from safecity_pipeline.ingest.reading import Transcript

SUFFIXES = (".xlsx", ".ods", ".parquet")

_made: dict[str, Transcript] = {}


def needed(path: Path) -> bool:
    """Whether files of this kind are read from a transcript."""
    return path.suffix.lower() in SUFFIXES


def of(path: Path, sha256: str, scratch: Path | None = None) -> Transcript:
    """The transcript of a file, made now unless it is there. Raises Refused."""
    known = _made.get(sha256)
    if known and all(sheet.path is None or sheet.path.is_file() for sheet in known.sheets):
        return known
    into = (scratch or Path(_own_folder().name)) / f"transcript-{sha256[:16]}"
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    _made[sha256] = reading.transcribe(path, into)
    return _made[sha256]


def drop(sha256: str) -> None:
    """Remove a transcript that is not needed any more."""
    made = _made.pop(sha256, None)
    for sheet in made.sheets if made else ():
        if sheet.path:
            shutil.rmtree(sheet.path.parent, ignore_errors=True)


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="safecity-")
