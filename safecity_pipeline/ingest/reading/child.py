"""The child process: one file in, transcripts and one result file out; nothing on any stream.

Belongs here: what a reader's exception amounts to, in one word. Does not belong here: a message;
messages of libraries quote cells, so no exception of theirs leaves this process.
Called as: python -m safecity_pipeline.ingest.reading.child FILE FOLDER LIMITS-AS-JSON
"""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safecity_pipeline.ingest.reading import archive
from safecity_pipeline.ingest.reading.guard import NO_ROOM, RESULT
from safecity_pipeline.ingest.reading.limits import Limits, enforce
from safecity_pipeline.ingest.reading.writing import Book, as_refusal
from safecity_pipeline.model import Refused

READERS = {".xlsx": "xlsx", ".ods": "ods", ".parquet": "parquet"}
OLD_OR_LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)


def main(arguments: list[str]) -> int:
    """Exit status 0 whenever the result file was written, whatever it says; NO_ROOM where the disk
    was full, which says nothing of the file."""
    file, folder, limits = Path(arguments[0]), Path(arguments[1]), json.loads(arguments[2])
    warnings.simplefilter("ignore")
    # Millions of elements live at once and few are garbage; looking for it takes most of the time.
    gc.set_threshold(1_000_000, 100, 100)
    # openpyxl and duckdb import these where they can, need neither here, and take a second.
    for needless in ("numpy", "pandas", "PIL", "pyarrow"):
        sys.modules[needless] = None  # type: ignore[assignment]
    # `archive` looks for entities instead, and leaves the faster parser.
    os.environ.update(OPENPYXL_DEFUSEDXML="False", OPENPYXL_LXML="False")
    try:
        result = _result(file, folder, Limits(**limits))
        (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")
    except OSError as error:
        return NO_ROOM if _is_no_room(error) else 1
    return 0


def _result(file: Path, folder: Path, limits: Limits) -> dict[str, Any]:
    try:
        enforce(limits)
        book = Book(folder, limits)
        _read(file, book)
    except Refused as refused:
        return {"refused": as_refusal(refused)}
    except Exception as error:
        if any(_is_no_room(one) for one in _chain(error)):
            raise OSError(errno.ENOSPC, "no room") from None
        return {"reason": _reason(error)}
    return {"sheets": [asdict(record) for record in book.records]}


def _read(file: Path, book: Book) -> None:
    suffix = file.suffix.lower()
    if suffix not in READERS:
        raise Refused(f"{suffix or 'such'} files are not read here", repair="save it as .xlsx")
    with file.open("rb") as handle:
        if handle.read(len(OLD_OR_LOCKED)) == OLD_OR_LOCKED:
            raise Refused(
                "a workbook with a password, or an old .xls under a new name, is not read",
                repair="open it, and save it as .xlsx without a password",
            )
    if suffix != ".parquet":
        archive.check(file, book.limits)
    reader = importlib.import_module(f"safecity_pipeline.ingest.reading.{READERS[suffix]}")
    reader.read(file, book)


def _reason(error: BaseException) -> str:
    chain = tuple(_chain(error))
    if any(isinstance(one, MemoryError) or _is_duckdb_memory(one) for one in chain):
        return "memory"
    if any(isinstance(one, DAMAGED) for one in chain):
        return "damaged"
    return "malformed"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_no_room(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_duckdb_memory(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryException"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
