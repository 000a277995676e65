"""The sha256 of files, remembered from one refresh to the next.

Belongs here: which files have to be read again to know their hash. Does not belong here: what a
hash is good for (`survey`).

A file is not read again while the file system says the same of it as before: size, both times,
number and device. The time of the last change of state is not a program's to set, on the file
systems of Linux and macOS, so an older time of writing that was put back is seen. The hash of a
file that had changed just before is not remembered: the file could have changed once more within
one tick of the clock, or by a writer in memory whose pages have not gone to the disk. Windows keeps
no such time, so nothing is remembered there.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

SETTLED = 60.0  # seconds: more than the coarsest clock, and than Linux leaves pages unwritten

Told = tuple[int, int, int, int, int]
"""What the file system says of a file."""


class Digests:
    """Hashes of files, kept in a JSON file that may be lost at any time."""

    def __init__(self, kept_in: Path | None = None) -> None:
        self.kept_in = kept_in
        self._known = _read(kept_in)
        self._now: dict[str, tuple[Told, str]] = {}

    def of(self, file: Path) -> str:
        """Hash of a file's bytes, as 64 hexadecimal characters."""
        begun, told = time.time(), _told(file)
        known = self._known.get(_key(file))
        digest = known[1] if known and known[0] == told else _sha256(file)
        if _settled(told, begun) and told == _told(file):
            self._now[_key(file)] = told, digest
        return digest

    def keep(self) -> None:
        """Remember the files that were asked for since, and no others."""
        if self.kept_in is None or self._now == self._known or sys.platform == "win32":
            return
        fresh = self.kept_in.with_name(f".{self.kept_in.name}.{os.getpid()}")
        with suppress(OSError):  # it spares time, and nothing rests on it
            try:
                fresh.write_text(json.dumps(self._now), encoding="utf-8")
                os.replace(fresh, self.kept_in)
            finally:
                fresh.unlink(missing_ok=True)


def _read(kept_in: Path | None) -> dict[str, tuple[Told, str]]:
    try:
        rows = json.loads(kept_in.read_bytes()) if kept_in else {}
        return {name: ((a, b, c, d, e), digest) for name, ((a, b, c, d, e), digest) in rows.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _key(file: Path) -> str:
    return str(file.absolute())


def _told(file: Path) -> Told:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _settled(told: Told, at: float) -> bool:
    return max(told[1], told[2]) / 1e9 < at - SETTLED


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
