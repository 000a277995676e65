"""manifest.csv: what a person vouches for, of the files beside or below it.

Belongs here: reading manifests, and saying which lines cannot be read. Does not belong here:
holding a file against what is said of it (`survey`, `load`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from safecity_pipeline.model import Refused, Vouched

TRUE_WORDS = {"yes", "true", "1"}


def below(raw: Path) -> tuple[dict[Path, Vouched], list[str]]:
    """What every manifest below `raw` vouches for, by path of the file, and faults in words."""
    return read(sorted(raw.rglob("manifest.csv")), raw)


def read(manifests: Iterable[Path], raw: Path) -> tuple[dict[Path, Vouched], list[str]]:
    """The same of these manifests; those that are not there are passed over."""
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
