"""What is declared: layouts, indicators, areas and peers, claims, and the loader of all of them.

Belongs here: facts and declarations, each in a file that an analyst can edit, and loaders that
refuse what they do not understand. Does not belong here: what a row means (`sources`), reading
extracts (`ingest`), computing (`measure`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from safecity_pipeline import sources
from safecity_pipeline.model import Indicator, Layout, Refused, Source
from safecity_pipeline.registry import (
    assessments,
    audiences,
    boundaries,
    changes,
    corrections,
    indicators,
    layouts,
    narrative,
    published,
    reach,
    references,
    stand_ins,
    thresholds,
    waivers,
)
from safecity_pipeline.registry.areas import Area, Areas
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.boundaries import Boundaries
from safecity_pipeline.registry.changes import Change, Changes
from safecity_pipeline.registry.narrative import NO_WORDS, Narrative
from safecity_pipeline.registry.published import PrintedFigure
from safecity_pipeline.registry.references import Judged
from safecity_pipeline.registry.stand_ins import StandIns
from safecity_pipeline.registry.waivers import Waiver

HERE = Path(__file__).parent
OWN = (
    *(changes.FILE, thresholds.FILE.name, references.FILE.name),
    *(waivers.PACKAGED.name, corrections.PACKAGED.name),
)
"""Files of which a deployment may have its own."""


@dataclass(frozen=True)
class Registry:
    """Everything declared. `digest` changes when any of it does, `areas_digest` with the areas."""

    sources: Mapping[str, Source]
    layouts: tuple[Layout, ...]
    indicators: Mapping[str, Indicator]
    areas: Areas
    stand_ins: StandIns
    changes: Changes
    references: tuple[Judged, ...]
    assessments: tuple[Assessment, ...]
    published: tuple[PrintedFigure, ...]
    digest: str
    areas_digest: str
    waivers: tuple[Waiver, ...] = ()
    narrative: Narrative = NO_WORDS
    boundaries: tuple[Boundaries, ...] = ()

    @property
    def release_digest(self) -> str:
        """Changes with whatever a release is made from: words and boundaries beside all that is
        declared, on which no figure rests."""
        words = self.narrative.digest if self.narrative.passages else ""
        both = f"{self.digest} {words} {boundaries.digest(self.boundaries)}"
        return hashlib.sha256(both.encode()).hexdigest()[:16]

    @cached_property
    def reaching(self) -> Mapping[str, tuple[Change, ...]]:
        """Indicator → the definitional changes that reach it in any area. A refresh asks for them
        at every step, and at each of thousands of comparisons."""
        every = self.changes.changes
        return {
            key: tuple(one for one in every if reach.reaches(self.changes, one, indicator))
            for key, indicator in self.indicators.items()
        }

    def indicator(self, key: str) -> Indicator:
        """The indicator of that key. Raises Refused, listing the keys there are."""
        if key not in self.indicators:
            known = ", ".join(self.indicators)
            raise Refused("no such indicator", got=key, repair=f"known: {known}")
        return self.indicators[key]

    def area(self, code_or_name: str) -> Area:
        """An area by code, or a local authority or partnership by name. Raises Refused."""
        found = self.areas.by_code(code_or_name)
        code = None if found else self.areas.csp(code_or_name) or self.areas.force(code_or_name)
        found = found or (self.areas.by_code(code) if code else None)
        if found is None:
            raise Refused(
                "no such area in areas.csv",
                got=code_or_name,
                repair="give a code such as E06000045, or a name such as Southampton",
            )
        return found


def load(config: Path | None = None) -> Registry:
    """Everything declared, a deployment's own (beside its safecity.toml) included:
    `layouts/`, `assessments/`, `published/`, `narrative/`, `thresholds.csv`,
    `definitional_changes.csv`, `references.csv`, `waivers.toml` and `corrections.toml`, and who
    may see which source, boundaries for maps.

    Raises Refused naming file, entry and repair for whatever is not understood.
    """
    # The packaged settings lie beside the packaged declarations, which are nobody's own.
    beside = config.parent if config and config.parent != HERE else None
    own = beside / "layouts" if beside else None
    documents = beside / "assessments" if beside else None
    known = corrections.bind(thresholds.bind(sources.discover(), beside), beside)
    said = audiences.said(config if beside else None, known)
    known = audiences.bind(known, said)
    areas = Areas.load()
    groups = {str(row["group"]) for row in areas.peer_rows()}
    listed = changes.load(sources=known, areas=areas, own=beside)
    declared = indicators.load(known, groups)
    reach.check(listed, declared)
    documented = assessments.load(declared, documents)
    printed = beside / published.FOLDER if beside else None
    folders = (HERE, own, documents, printed)
    files = [file for folder in folders if folder for file in _declared_in(folder)]
    files += [beside / name for name in OWN] if beside else []
    return Registry(
        known,
        layouts.load(known, own),
        declared,
        areas,
        stand_ins.load(areas),
        listed,
        references.load(declared, listed, beside),
        documented,
        published.load(beside, declared, areas),
        _digest(files, repr(said) if any(said) else ""),
        _digest([HERE / "areas.csv"]),
        waivers.load(declared, [one.id for one in listed.changes], beside),
        narrative.load(beside, declared, documented),
        boundaries.load(config if beside else None),
    )


def _declared_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in (".toml", ".csv"))


def _digest(files: list[Path], said: str = "") -> str:
    digest = hashlib.sha256(said.encode())
    for file in filter(Path.is_file, files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
