"""The guard over DuckDB's files: a process that opens one by other means drops DuckDB's lock.

On POSIX systems a lock belongs to process and file, and closing any descriptor of the file gives it
up. So, looked at from outside at every event of a refresh: nothing opens a database, or its log,
that this process has open already. (DuckDB itself sees to it that it opens none twice.)

Here: what breaks that rule. Not here: events (`faulty`).
"""

from __future__ import annotations

from pathlib import Path

FOUND = "violations.txt"
DESCRIPTORS = Path("/proc/self/fd")
Inode = tuple[int, int]


class Violations:
    """What breaks the rule below a folder, a line each in its file FOUND."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / FOUND
        self.file.touch()

    def look(self, event: str) -> None:
        """Judge an event that is just about to happen."""
        what, _, name = event.partition(" ")
        if what in ("open", "shutil.copyfile") and self._inode(name) in self._databases():
            with self.file.open("a", encoding="utf-8") as handle:
                handle.write(f"{event}\n")

    def _databases(self) -> set[Inode]:
        """Databases and their logs that this process has open."""
        held: set[Inode] = set()
        for entry in DESCRIPTORS.iterdir():
            try:
                if entry.readlink().suffix in (".duckdb", ".wal"):
                    found = entry.stat()
                    held.add((found.st_dev, found.st_ino))
            except OSError:  # the listing's own, closed by now
                continue
        return held

    def _inode(self, name: str) -> Inode | None:
        try:
            found = (self.folder / name).stat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino)
