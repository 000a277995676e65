"""The report of an assessment, its charts as files, and the leaflet: pages that need nothing else.

    figures         what is read of the edition's database
    words           a figure as a table prints it, or why there is none
    board           page one: the table of types, and what got better, worse, or only looks so
    drawing         how pictures look, and their rendering
    pictures        pictures with what they say, the table behind them, and their sources
    maps            figures by ward and LSOA on declared boundaries; cartography: how a map looks
    parts           priorities, residents' views
    page            all of it as HTML

Belongs here: laying out what a release says. Does not belong here: computing, wording or hiding any
of it; what the report of an assessment shows is declared (`registry.assessments.outlines`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safecity_pipeline.publish import gaps, lineage_page, narrative, patterns
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.patterns import Pattern
from safecity_pipeline.publish.report import drawing, page
from safecity_pipeline.publish.report.drawing import Drawing
from safecity_pipeline.publish.report.page import Additions, Report
from safecity_pipeline.registry.assessments.outlines import Outline

MADE_UP = "Made up: it rests on synthetic extracts"


def write(edition: Edition, additions: Additions | None = None) -> None:
    """Write assessment-<year>.html, leaflet-<year>.html and charts/ into the edition's folder.
    Nothing where no assessment says what a report shows."""
    outline = chosen(edition)
    if outline is None:
        return
    marking = edition.marking
    found = patterns.of(edition)
    report = page.made(edition, outline, found)
    drawn = _drawn(report, edition.folder / "charts", marking)
    year = edition.facts["year"]
    for name, text in (
        ("assessment", page.html(report, drawn, marking, additions or _offered(edition, found))),
        ("leaflet", page.leaflet(report, outline, drawn, marking)),
    ):
        _write(edition.folder / f"{name}-{year}.html", text)


def _offered(edition: Edition, found: Sequence[Pattern]) -> Additions:
    """The analyst's own words, patterns, gaps; and where the page on lineage lies."""
    return Additions(
        narrative.fragments(edition),
        "\n".join(patterns.fragment(one) for one in found),
        gaps.fragment(gaps.of(edition)),
        "" if edition.marking else lineage_page.PAGE,
    )


def chosen(edition: Edition) -> Outline | None:
    """What the report shows: as the newest assessment of the area declares, up to the year of the
    release, or as its first where the year lies before all; of an area without one, as any does."""
    year, area = edition.facts["year"], edition.facts["area_code"]
    told = [one for one in edition.registry.assessments if one.report]
    known = [one for one in told if one.area_code == area] or told
    until = [one for one in known if one.year <= year]
    newest = max(until, key=lambda one: one.year, default=None)
    return (newest or min(known, key=lambda one: one.year)).report if known else None


def _drawn(report: Report, folder: Path, marking: str) -> Mapping[str, Drawing]:
    """Every picture of the report, and its two files."""
    folder.mkdir(exist_ok=True)
    made_up = MADE_UP if report.figures.edition.facts["synthetic"] else ""
    warning = ". ".join(filter(None, (marking, made_up)))
    found = {}
    for one in report.pictures:
        assert one.chart is not None
        found[one.key] = drawn = drawing.render(one.chart, one.title, one.says, warning)
        _write(folder / f"{one.key}.svg", drawn.svg)
        (folder / f"{one.key}.png").write_bytes(drawn.png)
    return found


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
