"""`safecity check`: one file judged by the rules of its source, in words for its supplier.

Belongs here: the judgement and its words. Does not belong here: the workbook that lists every bad
row (`errors_workbook`).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from safecity_pipeline import warehouse
from safecity_pipeline.ingest import intake, rules, survey
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.model import Extract, Source
from safecity_pipeline.registry import Registry

EXAMPLES = 3
BAD = ["sheet", "row", "reasons", "rules", "received"]


@dataclass(frozen=True)
class Counts:
    """The ledger of one file: physical rows read = good + refused + left out (head, blank)."""

    read: int
    good: int
    refused: int
    left_out: int
    head: int
    blank: int


@dataclass(frozen=True)
class Verdict:
    """Whether all rows of a file can be used, and what to tell whoever sent it.

    `refusal`: why the whole file cannot be. `bad`: one row a bad row, with columns sheet, row,
    reasons, rules (two lists of one order) and received (the physical row).
    """

    found: Extract
    source: Source | None = None
    refusal: str | None = None
    advice: str | None = None
    counts: Counts | None = None
    warnings: tuple[str, ...] = ()
    bad: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=BAD))

    @property
    def good(self) -> bool:
        return self.refusal is None and self.bad.empty

    @property
    def lines(self) -> list[str]:
        """What the command prints."""
        title = f"{self.found.path.name}: "
        if self.refusal is not None:
            refused = "" if self.found.status == "unrecognised" else "refused: "
            advice = [f"  {self.advice}"] if self.advice else []
            return [f"{title}{refused}{self.refusal}", *advice]
        assert self.source and self.found.layout and self.counts
        said = _reasons(self.bad, self.source) + [
            f"  to look at: {words}" for words in self.warnings
        ]
        return [
            f"{title}read as {self.source.name}: {self.found.layout.title}",
            _counted(self.counts),
            *(said or ["  every row is good"]),
        ]


def check(file: Path, known: Registry) -> Verdict:
    """Judge one file, with the manifest beside it, in a database in memory."""
    found = survey.survey_one(file, known.layouts, known.sources)
    if found.status == "unrecognised":
        names = ", ".join(sorted({p for layout in known.layouts for p in layout.files}))
        return Verdict(found, refusal=found.message, advice=f"names that are read: {names}")
    if found.layout is None or found.status == "refused":
        return Verdict(found, refusal=found.message)
    return _judged(found, known.sources[found.layout.source], known)


def _judged(found: Extract, source: Source, known: Registry) -> Verdict:
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
            return Verdict(found, source, refusal=next(iter(taken.refused.values())))
        bad = connection.execute(
            f"SELECT _sheet AS sheet, _row AS row, reasons, rules, received "
            f"FROM quarantine.{source.name} ORDER BY _sheet, _row"
        ).df()
    finally:
        connection.close()
    return Verdict(found, source, counts=_counts(taken), warnings=_warnings(taken), bad=bad)


def _counts(taken: Intake) -> Counts:
    names = ("read", "valid", "quarantined", "excluded")
    rows = [int(taken.ledger[f"rows_{name}"].sum()) for name in names]
    left_out = [int(taken.ledger[f"excluded_{name}"].sum()) for name in ("layout", "blank")]
    return Counts(*rows, *left_out)


def _counted(rows: Counts) -> str:
    return (
        f"  {rows.read:,} rows = {rows.good:,} good + {rows.refused:,} refused + "
        f"{rows.left_out:,} left out ({rows.head:,} head, {rows.blank:,} blank)"
    )


def by_rule(bad: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rule → its rows (row, reason), the rule that is met first first."""
    pairs = [
        (rule, row, reason)
        for row, reasons, broken in bad[["row", "reasons", "rules"]].to_numpy().tolist()
        for rule, reason in zip(broken, reasons, strict=True)
    ]
    table = pd.DataFrame(pairs, columns=["rule", "row", "reason"])
    return {str(rule): group for rule, group in table.groupby("rule", sort=False)}


def _reasons(bad: pd.DataFrame, source: Source) -> list[str]:
    """Every rule broken, with its count and the first rows that break it."""
    known = rules.words(source)
    return [
        line
        for rule, group in by_rule(bad).items()
        for line in _of_rule(known.get(rule, rule), group)
    ]


def _of_rule(words: str, group: pd.DataFrame) -> list[str]:
    """One rule; what its reasons have in common is said once, at the top."""
    count = group["row"].nunique()
    parted = [reason.partition("; got: ") for reason in group["reason"]]
    same = len({said for said, _, _ in parted}) == 1
    lines = [f"  {parted[0][0] if same else words}: {count:,} row{'s' * (count != 1)}"]
    for row, (said, _, got) in list(zip(group["row"], parted, strict=True))[:EXAMPLES]:
        more = [*([] if same else [said]), *([f"got: {got}"] if got else [])]
        lines.append(
            f"    row {row}{', ' if same and got else ': ' if more else ''}{'; '.join(more)}"
        )
    return lines


def _warnings(taken: Intake) -> tuple[str, ...]:
    names = {"volume", *(rule.name for rule in taken.source.across)}
    return tuple(
        check.message for check in taken.checks if check.check_name in names and not check.passed
    )
