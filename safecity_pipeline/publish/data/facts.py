"""What every description of an edition says: its title, what it is made from, and on what terms.

Belongs here: words and facts that several descriptions share. Does not belong here: the form of any
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from safecity_pipeline.period import parse
from safecity_pipeline.publish.edition import Edition

OPEN = "Open Government Licence v3.0"
OPEN_NAME = "OGL-UK-3.0"
OPEN_PATH = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
MADE_UP = "Made-up data: synthetic extracts, not real figures."
MADE_HARMLESS = (
    "A text that a spreadsheet might take for a formula has an apostrophe before it, which is not "
    "part of it."
)


@dataclass(frozen=True)
class SourceFacts:
    """A source of which extracts were read, and how it must be named."""

    key: str
    title: str
    supplier: str
    licence: str

    @property
    def is_open(self) -> bool:
        return self.licence == OPEN

    @property
    def attribution(self) -> str:
        """The words by which whoever uses the figures names their source."""
        if self.is_open:
            return (
                f"Source: {self.supplier}, {self.title}. Contains public sector information "
                f"licensed under the {OPEN}."
            )
        return (
            f"Source: {self.supplier}, {self.title}. Terms of its extracts: {self.licence}. Here "
            "stand only figures made of them, after disclosure control."
        )


@dataclass(frozen=True)
class Facts:
    """What is told of an edition as a whole."""

    area_code: str
    area_name: str
    year: str
    stamp: str
    published_at: datetime
    synthetic: bool
    marking: str
    sources: tuple[SourceFacts, ...]

    @property
    def name(self) -> str:
        """A name for programs."""
        return f"safecity-{self.area_code.lower()}-{self.year}"

    @property
    def title(self) -> str:
        mark = "Made-up data: " * self.synthetic
        return f"{mark}Community safety in {self.area_name}, {self.printed}"

    @property
    def printed(self) -> str:
        """The year in words."""
        return parse(self.year).printed

    @property
    def description(self) -> str:
        """What the tables hold, in a paragraph."""
        return " ".join(
            [
                *([f"{self.marking}: for partners, not for publication."] * bool(self.marking)),
                *([MADE_UP] * self.synthetic),
                f"Figures of crime, disorder and safety in {self.area_name} and the areas that it "
                "is compared with: values with 95 % intervals, comparisons that say whether a "
                "definition changed in between, and what became of every extract.",
                "A figure that must not be shown is empty, with obs_status C and a reason; 0 is 0.",
                MADE_HARMLESS,
            ]
        )

    @property
    def published(self) -> str:
        """Time of publication as all descriptions spell it."""
        return f"{self.published_at.isoformat(timespec='seconds')}Z"

    @property
    def all_open(self) -> bool:
        """Whether everybody may use all of it under the open licence."""
        return not self.marking and all(one.is_open for one in self.sources)


def of(edition: Edition) -> Facts:
    """The facts of an edition, from its own database."""
    row: dict[str, Any] = edition.facts
    return Facts(
        area_code=row["area_code"],
        area_name=row["area_name"],
        year=row["year"],
        stamp=row["stamp"],
        published_at=row["published_at"],
        synthetic=row["synthetic"],
        marking=edition.marking,
        sources=tuple(_sources(edition)),
    )


def _sources(edition: Edition) -> list[SourceFacts]:
    found = edition.rows(
        "SELECT source AS key, title, supplier, licence FROM meta.source WHERE source IN "
        "(SELECT source FROM meta.extract WHERE status = 'read') ORDER BY source"
    )
    return [SourceFacts(**row) for row in found]
