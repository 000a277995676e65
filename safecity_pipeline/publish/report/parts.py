"""The parts of the report after page one: priorities and what residents say.

Belongs here: which sentences, pictures and targets stand in a part, as its outline declares. Does
not belong here: their words (`drafts`, `targets`), drawing, the page (`page`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecity_pipeline.publish.report import pictures, words
from safecity_pipeline.publish.report.figures import Figures, Row
from safecity_pipeline.publish.report.pictures import Picture, Table
from safecity_pipeline.publish.report.words import Cell
from safecity_pipeline.registry.assessments.outlines import Part
from safecity_pipeline.sentences import rounded
from safecity_pipeline.targets import BETTER_RANK

VERDICTS = {
    "met": "met",
    "not_met": "not met",
    "not_shown": "not shown: chance may explain the figures",
    "not_measurable": "cannot be measured",
    "not_like_for_like": "cannot be said: not like for like",
}
TARGET_HEADS = (
    *("Target", "Who leads", "Measured by", "Start", "To reach", "Now"),
    *("Where it stands", "Why"),
)


@dataclass(frozen=True)
class Section:
    """A part as it is shown. `sentences`: with the key of the claim they are drafted after."""

    key: str
    title: str
    sentences: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    targets: Table | None = None


def priority(known: Figures, part: Part) -> Section:
    """A priority with its sentences, a picture of each indicator, and its targets."""
    drawn = tuple(pictures.years(known, key) for key in part.shows)
    return Section(part.key, part.title, sentences(known, part), drawn, _targets(known, part.title))


def residents(known: Figures, part: Part) -> Section:
    drawn = (pictures.answers(known, part.shows),) if part.shows else ()
    return Section(part.key, part.title, sentences(known, part), drawn)


def sentences(known: Figures, part: Part) -> tuple[tuple[str, str], ...]:
    """The drafts of a part; where the area has no assessment, what was found of its indicators."""
    drafted = tuple(told(known, part.claims))
    if drafted or known.drafts:
        return drafted
    found = ((key, known.finding(key, "previous_year", known.newest(key))) for key in part.shows)
    return tuple((key, str(row["sentence"])) for key, row in found if row)


def told(known: Figures, claims: Sequence[str]) -> Iterator[tuple[str, str]]:
    for claim in claims:
        if row := known.drafts.get(claim):
            yield claim, str(row["sentence"])


# --- targets -------------------------------------------------------------------------------------


def _targets(known: Figures, title: str) -> Table | None:
    rows = [_target(known, row) for row in known.targets if row["priority"] == title]
    return Table(f"Targets: {title}", TARGET_HEADS, tuple(rows)) if rows else None


def _target(known: Figures, row: Row) -> tuple[Cell, ...]:
    return (
        Cell(str(row["action"])),
        Cell(str(row["lead_agency"])),
        Cell(str(row["measure"] or "")) if row["measure"] else words.nothing(words.NOT_APPLICABLE),
        *(_aimed(known, row, name) for name in ("baseline", "target_value", "current")),
        Cell(VERDICTS.get(str(row["verdict"]), str(row["verdict"]))),
        Cell(str(row["reason"] or "")),
    )


def _aimed(known: Figures, row: Row, name: str) -> Cell:
    if row[name] is None:
        return words.nothing(words.MISSING, str(row["reason"] or ""))
    return Cell(rounded(row[name], _decimals(known, row, name)), row[name])


def _decimals(known: Figures, row: Row, name: str) -> int:
    """Those of the indicator; a place has none, and 12.8, a fifth below 16, is not printed as 13,
    which would not reach it."""
    indicator = known.edition.registry.indicators.get(str(row["indicator"]))
    if indicator is None:
        return 1
    if _is_place(known, row):
        return 0
    return indicator.decimals or int(row[name] != round(row[name]))


def _is_place(known: Figures, row: Row) -> bool:
    """Whether a measure of a target is a place among the most similar areas."""
    return any(
        (target.target, aim.name, aim.wants) == (row["target"], row["measure"], BETTER_RANK)
        for one in known.edition.registry.assessments
        for target in one.targets
        for aim in target.aim
    )
