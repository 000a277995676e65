"""Published assessments: their sentences with a number, and their targets.

Belongs here: finding the documents, one folder a year, the packaged ones and those in a
deployment's own `assessments/`, beside its safecity.toml. Does not belong here: what a claim
(`statements`) or a target (`aims`) is, what its report shows (`outlines`), computing or judging
(`claims`, `targets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry.assessments import aims, outlines, statements
from safecity_pipeline.registry.assessments.aims import Target
from safecity_pipeline.registry.assessments.outlines import Outline
from safecity_pipeline.registry.assessments.statements import Claim

HERE = Path(__file__).parent
CLAIMS, TARGETS, REPORT = "claims.toml", "targets.toml", "report.toml"


@dataclass(frozen=True)
class Assessment:
    """A published document: of which area and year it speaks, its claims and targets in order, and
    what its report shows, where that is declared."""

    title: str
    area_code: str
    year: str
    claims: tuple[Claim, ...]
    targets: tuple[Target, ...] = ()
    report: Outline | None = None


def load(indicators: Mapping[str, Indicator], own: Path | None = None) -> tuple[Assessment, ...]:
    """Every assessment, a deployment's `own` folder included. Raises Refused by file and entry."""
    folders = [HERE, *([own] if own else [])]
    files = [file for folder in folders for file in sorted(folder.glob(f"*/{CLAIMS}"))]
    return tuple(_assessment(file, indicators) for file in files)


def _assessment(file: Path, indicators: Mapping[str, Indicator]) -> Assessment:
    _check_year(file.parent.name)
    claims, title, area_code = statements.load(file, indicators)
    beside = file.with_name(TARGETS)
    targets = aims.load(beside, indicators, claims) if beside.is_file() else ()
    shown = file.with_name(REPORT)
    report = outlines.load(shown, indicators, claims, targets) if shown.is_file() else None
    return Assessment(title, area_code, file.parent.name, claims, targets, report)


def _check_year(folder: str) -> None:
    try:
        if period.parse(folder).kind == "year":
            return
    except ValueError:
        pass
    rule = "the folder of an assessment is named by its financial year"
    raise Refused(rule, f"assessments/{folder}", folder, "rename it, as 2014-15")
