"""What is declared: layouts, indicators, areas and peers, claims, and the loader of all of them.

Belongs here: facts and declarations, each in a file that an analyst can edit, and loaders that
refuse what they do not understand. Does not belong here: what a row means (`sources`), reading
extracts (`ingest`), computing (`measure`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline import sources
from safecity_pipeline.model import Indicator, Layout, Refused, Source
from safecity_pipeline.registry import (
    assessments,
    changes,
    corrections,
    indicators,
    layouts,
    stand_ins,
    thresholds,
    waivers,
)
from safecity_pipeline.registry.areas import Area, Areas
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.changes import Changes
from safecity_pipeline.registry.stand_ins import StandIns
from safecity_pipeline.registry.waivers import Waiver

HERE = Path(__file__).parent
OWN = (thresholds.FILE, waivers.PACKAGED, corrections.PACKAGED)  # a deployment may have one too


@dataclass(frozen=True)
class Registry:
    """Everything declared. `digest` changes when any of it does, `areas_digest` with the areas."""

    sources: Mapping[str, Source]
    layouts: tuple[Layout, ...]
    indicators: Mapping[str, Indicator]
    areas: Areas
    stand_ins: StandIns
    changes: Changes
    assessments: tuple[Assessment, ...]
    digest: str
    areas_digest: str
    waivers: tuple[Waiver, ...] = ()

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
    """Everything declared, a deployment's own `layouts/`, `assessments/`, `thresholds.csv`,
    `waivers.toml` and `corrections.toml` (beside its safecity.toml) included.

    Raises Refused naming file, entry and repair for whatever is not understood.
    """
    # The packaged settings lie beside the packaged declarations, which are nobody's own.
    beside = config.parent if config and config.parent != HERE else None
    own = beside / "layouts" if beside else None
    documents = beside / "assessments" if beside else None
    known = corrections.bind(thresholds.bind(sources.discover(), beside), beside)
    areas = Areas.load()
    groups = {str(row["group"]) for row in areas.peer_rows()}
    listed = changes.load(sources=known, areas=areas)
    declared = indicators.load(known, groups)
    for indicator in declared.values():
        listed.named(indicator.series, f"{indicator.subject}.toml [{indicator.indicator}]")
    files = [file for folder in (HERE, own, documents) if folder for file in _declared_in(folder)]
    files += [beside / one.name for one in OWN] if beside else []
    return Registry(
        known,
        layouts.load(known, own),
        declared,
        areas,
        stand_ins.load(areas),
        listed,
        assessments.load(declared, documents),
        _digest(files),
        _digest([HERE / "areas.csv"]),
        waivers.load(declared, [one.id for one in listed.changes], beside),
    )


def _declared_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in (".toml", ".csv"))


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in filter(Path.is_file, files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
