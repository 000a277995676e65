"""A zip archive looked at before anything in it is unpacked.

Belongs here: what its directory declares. Python's zipfile never unpacks more of an entry than is
declared, so the declared sizes are an upper bound, and a lie is found out by the checksum.

Entities can only be declared before a document's first element, so each part is read that far
with expat, and refused there. After that the standard library's parser, which is written in C, may
read it: defusedxml gives the same safety with a parser in Python, and took ten times as long.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NoReturn
from xml.parsers import expat
from zipfile import ZipFile

from safecity_pipeline.ingest.reading.limits import Limits
from safecity_pipeline.model import Refused

PASSWORD = "open it, and save it without a password"
FEWER = "open it, keep the sheets with data in a new workbook, and save that"
ENCRYPTED = 0x1
CHUNK = 1 << 16


class _Begun(Exception):
    """The document's first element is reached."""


def check(path: Path, limits: Limits) -> None:
    """Raises Refused, with the numbers, where unpacking would exceed the limits, and BadZipFile
    where the file is no whole archive."""
    with ZipFile(path) as archive:
        _check_sizes(archive, path.stat().st_size, limits)
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                _check_entities(stream)


def _check_sizes(archive: ZipFile, size: int, limits: Limits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise Refused(f"an archive of more than {limits.entries:,} parts", "", len(entries), FEWER)
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise Refused("a file with a password is not read", repair=PASSWORD)
    expanded = sum(entry.file_size for entry in entries)
    if expanded > limits.expanded:
        raise Refused(
            f"unpacks to more than {limits.expanded:,} bytes", "", f"{expanded:,} bytes", FEWER
        )
    if expanded > limits.ratio_from and expanded > limits.ratio * size:
        raise Refused(
            f"unpacks to more than {limits.ratio} times its size",
            "",
            f"{size:,} bytes that unpack to {expanded:,}",
            FEWER,
        )


def _check_entities(stream: IO[bytes]) -> None:
    """Every part, whatever its name: a workbook may call a sheet as it likes. What is no XML says
    so before an element begins, and is nobody's to parse."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = _begun
    parser.EntityDeclHandler = _declared
    try:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk, False)
    except (_Begun, expat.ExpatError):
        return


def _begun(*_: Any) -> NoReturn:
    raise _Begun


def _declared(*_: Any) -> NoReturn:
    raise Refused(
        "declares XML entities, which no spreadsheet program writes",
        repair="do not open it; ask the supplier what made it",
    )
