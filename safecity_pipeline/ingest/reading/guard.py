"""The parent's side: start the child, wait no longer than allowed, believe only its result file.

Belongs here: the process, and the words for what stopped it. Does not belong here: reading a file
that came from outside. The child's streams go nowhere: a library may quote a cell on them.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safecity_pipeline.ingest.reading.limits import Limits
from safecity_pipeline.ingest.reading.transcript import Transcript, sheet_of
from safecity_pipeline.model import Refused

CHILD = "safecity_pipeline.ingest.reading.child"
RESULT = "result.json"
NO_ROOM = 28  # the child's exit status
ROOT = Path(__file__).resolve().parents[3]
SMALLER = "keep the table that is wanted in a file of its own, and send that"
REASONS = {
    "damaged": ("is cut short or damaged", "ask the supplier to send it again"),
    "malformed": (
        "cannot be read as the kind of file that its name says",
        "open it in Excel or LibreOffice, look whether it is whole, and save it as .xlsx",
    ),
    "memory": ("takes more memory to read than allowed", SMALLER),
    "time": ("takes longer to read than allowed", SMALLER),
    "stopped": ("stopped the program that reads it", SMALLER),
}


def transcribe(path: Path, into: Path, *, limits: Limits | None = None) -> Transcript:
    """Every visible sheet of a workbook (.xlsx, .ods), or a parquet file, as CSV in a new folder
    below `into` (made where absent) that only its owner may read; the caller deletes it.

    Raises Refused, and leaves no file behind, where the file is damaged, hostile, locked by a
    password, or larger than `limits` allows; OSError where there is no room for transcripts. On
    Windows the limits on memory and CPU time are not enforced, see `Limits`.
    """
    into.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sheets-", dir=into)).resolve()
    try:
        result = _run(path.resolve(), folder, limits or Limits())
        return Transcript(tuple(sheet_of(record, folder) for record in _sheets(result)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(path: Path, folder: Path, limits: Limits) -> dict[str, Any]:
    command = [sys.executable, "-m", CHILD, str(path), str(folder), json.dumps(asdict(limits))]
    try:
        # In a folder of ours, for `-m` looks for modules in the current one first.
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limits.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refused("time") from None
    if done.returncode == NO_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if done.returncode != 0:
        raise _refused("time" if _out_of_time(done.returncode) else "stopped")
    written = folder / RESULT
    result: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    written.unlink()
    return result


def _sheets(result: dict[str, Any]) -> list[dict[str, Any]]:
    if "refused" in result:
        raise Refused(**result["refused"])
    if "reason" in result:
        raise _refused(result["reason"])
    sheets: list[dict[str, Any]] = result["sheets"]
    return sheets


def _out_of_time(status: int) -> bool:
    if sys.platform == "win32":
        return False
    import signal

    return status == -signal.SIGXCPU


def _refused(reason: str) -> Refused:
    rule, repair = REASONS[reason]
    return Refused(rule, repair=repair)
