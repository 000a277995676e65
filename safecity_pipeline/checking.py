"""`safecity check`: one file judged by the rules of its source, in words for its supplier."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from safecity_pipeline import warehouse
from safecity_pipeline.ingest import intake, survey
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.model import Extract
from safecity_pipeline.registry import Registry

EXAMPLES = 3


@dataclass(frozen=True)
class Verdict:
    """Whether all rows of a file can be used, and what to tell whoever sent it."""

    good: bool
    lines: list[str]


def check(file: Path, known: Registry) -> Verdict:
    """Judge one file, with the manifest beside it, in a database in memory."""
    found = survey.survey_one(file, known.layouts, known.sources)
    title = f"{file.name}: "
    if found.status == "unrecognised":
        names = ", ".join(sorted({p for layout in known.layouts for p in layout.files}))
        return Verdict(False, [f"{title}{found.message}", f"  names that are read: {names}"])
    if found.status == "refused":
        return Verdict(False, [f"{title}refused: {found.message}"])
    return _judged(title, found, known)


def _judged(title: str, found: Extract, known: Registry) -> Verdict:
    assert found.layout is not None
    source = known.sources[found.layout.source]
    connection = warehouse.memory()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            taken = intake.take_in(
                connection,
                source,
                [found],
                known.areas,
                "check",
                Path(scratch),
                warehouse.transaction,
            )
        if taken.refused:
            return Verdict(False, [f"{title}refused: {next(iter(taken.refused.values()))}"])
        rows = connection.execute(
            f"SELECT _row, reasons, rules FROM quarantine.{source.name} ORDER BY _row"
        ).df()
    finally:
        connection.close()
    lines = [f"{title}read as {source.name}: {found.layout.title}", *_counts(taken)]
    lines += _reasons(rows) + _warnings(taken)
    if len(lines) == 2:
        lines.append("  every row is good")
    return Verdict(rows.empty, lines)


def _counts(taken: Intake) -> list[str]:
    sheet = taken.ledger.iloc[0]
    return [
        f"  {sheet['rows_read']:,} rows = {sheet['rows_valid']:,} good + "
        f"{sheet['rows_quarantined']:,} refused + {sheet['rows_excluded']:,} left out "
        f"({sheet['excluded_layout']:,} head, {sheet['excluded_blank']:,} blank)"
    ]


def _reasons(rows: pd.DataFrame) -> list[str]:
    """Every rule broken, with its count and the first rows that break it."""
    pairs = [
        (rule, place, reason)
        for place, reasons, rules in rows.to_numpy().tolist()
        for rule, reason in zip(rules, reasons, strict=True)
    ]
    lines = []
    for _, group in pd.DataFrame(pairs, columns=["rule", "row", "reason"]).groupby(
        "rule", sort=False
    ):
        words = str(group["reason"].iloc[0]).partition("; got: ")[0]
        count = group["row"].nunique()
        lines.append(f"  {words}: {count:,} row{'s' * (count != 1)}")
        for row, reason in group[["row", "reason"]].head(EXAMPLES).itertuples(index=False):
            got = str(reason).partition("; got: ")[2]
            lines.append(f"    row {row}{f', got: {got}' if got else ''}")
    return lines


def _warnings(taken: Intake) -> list[str]:
    names = {"volume", *(rule.name for rule in taken.source.across)}
    return [
        f"  to look at: {check.message}"
        for check in taken.checks
        if check.check_name in names and not check.passed
    ]
