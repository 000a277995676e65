"""warehouse/latest/: plain copies of the newest release's CSV files and workbook under names that
never change, for programs that remember a path: Excel, Power BI.

Belongs here: bringing these copies up to date, one by one, each whole or as it was. Does not belong
here: the release, which is switched to at once (`warehouse`), and anything that is not for the
public.

A program that holds a copy open may keep it from being replaced: then it is tried again, told, and
left to the next refresh.
"""

from __future__ import annotations

import filecmp
import logging
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from safecity_pipeline.publish.data import files

log = logging.getLogger(__name__)

FOLDER = "latest"
WORKBOOK = "assessment.xlsx"
PART = ".part"
PAUSES = (0.0, 0.2, 0.8)
"""Seconds before each try."""


def bring(release: Path, warehouse: Path) -> list[str]:
    """Bring the copies up to date with a release that is there. Answers the names of those that
    could not be replaced, and are older now than the others."""
    folder = warehouse / FOLDER
    wanted = _wanted(release / "public")
    left = list(wanted)
    for pause in PAUSES:
        if left:
            time.sleep(pause)
            left = [name for name in left if not _replaced(wanted[name], folder / name)]
    _remove_what_is_no_more(folder, wanted)
    if left:
        log.warning(
            "%s: not replaced, and of an older release: %s; close what holds them open, the next "
            "refresh tries again",
            FOLDER,
            ", ".join(left),
        )
    return left


def _wanted(public: Path) -> Mapping[str, Path]:
    """Name of a copy → the file that it is one of."""
    found = {one.name: one for one in sorted((public / files.FOLDER).glob("*.csv"))}
    for workbook in public.glob("assessment-*.xlsx"):
        found[WORKBOOK] = workbook
    return found


def _replaced(file: Path, copy: Path) -> bool:
    """Whether the copy is what the file is, after it was made so where it was not."""
    part = copy.with_name(f".{copy.name}{PART}")
    try:
        if copy.is_file() and filecmp.cmp(file, copy, shallow=False):
            return True
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, part)
        os.replace(part, copy)
    except OSError:  # held open, not ours to write, or no room: it stays as it was
        with suppress(OSError):
            part.unlink()
        return False
    return True


def _remove_what_is_no_more(folder: Path, wanted: Iterable[str]) -> None:
    """Copies of tables that the release has not: they would grow old unnoticed; and what a crash
    left half written."""
    kept = set(wanted)
    for old in [*folder.glob("*.csv"), *folder.glob(f".*{PART}")]:
        if kept and old.name not in kept:
            with suppress(OSError):
                old.unlink()
