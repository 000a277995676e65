"""How severe each rule that looks across rows is, and its threshold: one table for all sources.

Belongs here: reading thresholds.csv, and giving every rule its line. Does not belong here: the
rules (the source's module), or running them (`ingest`). A deployment's own thresholds.csv, beside
its safecity.toml, goes before the packaged one, line by line.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from safecity_pipeline.model import CrossRow, Refused, Source

FILE = Path(__file__).parent / "thresholds.csv"
COLUMNS = ["source", "rule", "severity", "threshold", "meaning"]
SEVERITIES = ("quarantine", "warn", "off")


@dataclass(frozen=True)
class Line:
    """One line of the table: how severe a rule is, and the number that it compares with."""

    place: str
    severity: str
    threshold: float | None
    meaning: str


def bind(sources: Mapping[str, Source], own: Path | None = None) -> dict[str, Source]:
    """The sources, each rule with its severity and threshold.

    `own`: a deployment's folder. Raises Refused for a line without a rule, a rule without a line,
    and a line that the rule cannot mean.
    """
    lines = dict(_lines(FILE))
    if own and (own / FILE.name).is_file():
        lines |= dict(_lines(own / FILE.name))
    known = {(source.name, rule.name) for source in sources.values() for rule in source.across}
    for key, line in lines.items():
        if key not in known:
            repair = f"known: {', '.join(sorted(f'{source},{rule}' for source, rule in known))}"
            raise Refused("no source has such a rule", line.place, ",".join(key), repair)
    return {
        name: replace(source, across=tuple(_bound(source, rule, lines) for rule in source.across))
        for name, source in sources.items()
    }


def _bound(source: Source, rule: CrossRow, lines: Mapping[tuple[str, str], Line]) -> CrossRow:
    line = lines.get((source.name, rule.name))
    if line is None:
        repair = f"add the line {source.name},{rule.name},warn,,what it is for"
        raise Refused("a rule across rows has a line", FILE.name, rule.name, repair)
    if line.severity == "quarantine" and rule.over != "extract":
        words = "a rule that looks at all extracts together sends no row to quarantine"
        raise Refused(words, line.place, line.severity, "write warn or off")
    if ("$threshold" in rule.sql) != (line.threshold is not None):
        words = "needs a threshold" if line.threshold is None else "has no threshold"
        raise Refused(f"the rule {rule.name} {words}", line.place, line.threshold)
    return replace(rule, severity=line.severity, threshold=line.threshold)


def _lines(file: Path) -> Iterator[tuple[tuple[str, str], Line]]:
    seen: set[tuple[str, str]] = set()
    with file.open(encoding="utf-8-sig", newline="") as handle:
        table = csv.DictReader(handle)
        if table.fieldnames != COLUMNS:
            raise Refused("other columns than expected", str(file), table.fieldnames, str(COLUMNS))
        for number, row in enumerate(table, 2):
            key, place = (row["source"], row["rule"]), f"{file.name}, row {number}"
            if key in seen:
                raise Refused("a rule has one line", place, ",".join(key), "drop the second")
            seen.add(key)
            yield key, _line(row, place)


def _line(row: Mapping[str, str], place: str) -> Line:
    if row["severity"] not in SEVERITIES:
        repair = f"known: {', '.join(SEVERITIES)}"
        raise Refused("unknown severity", place, row["severity"], repair)
    try:
        threshold = float(row["threshold"]) if row["threshold"] else None
    except ValueError:
        threshold = math.nan
    if threshold is not None and not math.isfinite(threshold):
        raise Refused("a threshold is a number", place, row["threshold"], "write it as 2.5")
    return Line(place, row["severity"], threshold, row["meaning"])
