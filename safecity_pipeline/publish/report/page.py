"""The report as one page, and the leaflet: what stands where, as HTML.

Belongs here: laying out what the other modules of the report offer; every text is escaped by the
form. Does not belong here: any figure, any wording of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from safecity_pipeline import phrases
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.patterns import Pattern
from safecity_pipeline.publish.report import board, drawing, maps, parts, pictures, words
from safecity_pipeline.publish.report.board import Boxes, Line
from safecity_pipeline.publish.report.drawing import Drawing
from safecity_pipeline.publish.report.figures import Figures
from safecity_pipeline.publish.report.parts import Section
from safecity_pipeline.publish.report.pictures import Picture
from safecity_pipeline.publish.report.words import Cell
from safecity_pipeline.registry.assessments.outlines import Outline
from safecity_pipeline.sentences import written

FORMS = Path(__file__).parent / "templates"
FACTS_ON_A_PAGE = 14


@dataclass(frozen=True)
class Additions:
    """What others offer for the page, as HTML that they have escaped. `words`: the analyst's own,
    by the key of a part, and `summary`, `gaps`, `methods`; `patterns`: when and where; `gaps`: what
    is not known; `lineage`: the page, beside this one, that
    has an anchor for each indicator."""

    words: Mapping[str, str] = field(default_factory=dict)
    patterns: str = ""
    gaps: str = ""
    lineage: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that the page shows."""

    figures: Figures
    lines: Sequence[Line]
    boxes: Boxes
    first: Sequence[Picture]
    more: Sequence[Picture]
    levels: Sequence[Picture]
    sections: Sequence[Section]
    residents: Section
    maps: Sequence[Picture] = ()
    no_maps: Sequence[str] = ()

    @property
    def board_rows(self) -> list[tuple[Cell, ...]]:
        """The board's table as rows of cells, the first with what a line is about."""
        return [(Cell(line.title), *line.cells) for line in self.lines]

    @property
    def pictures(self) -> Iterator[Picture]:
        """All that are drawn."""
        every = [*self.first, *self.levels, *self.more, *self.maps]
        every += [one for part in (*self.sections, self.residents) for one in part.pictures]
        return (one for one in every if one.chart is not None)


def made(edition: Edition, outline: Outline, found: Sequence[Pattern] = ()) -> Report:
    """What the report of an edition shows. `found`: its patterns, for maps."""
    shown, everything = outline.board, [*outline.parts, outline.residents]
    keys = [*shown.types, *shown.months, *shown.peers, *shown.funnels, *shown.years]
    known = Figures(edition, [*keys, *(key for part in everything for key in part.shows)])
    months = [pictures.months(known, key) for key in shown.months]
    peers = [pictures.peers(known, key) for key in shown.peers]
    drawn, undrawn = maps.of(known, found)
    return Report(
        known,
        board.lines(known, shown.types),
        board.boxes(known, shown.types),
        [*months[:1], *peers[:1]],
        [*months[1:], *peers[1:], *(pictures.funnel(known, key) for key in shown.funnels)],
        [pictures.small(known, shown.years)] if shown.years else [],
        [parts.priority(known, part) for part in outline.parts],
        parts.residents(known, outline.residents),
        drawn,
        undrawn,
    )


def html(
    report: Report,
    drawn: Mapping[str, Drawing],
    marking: str = "",
    additions: Additions | None = None,
) -> str:
    """The page."""
    form = _form(report, marking, drawn).get_template("assessment.html.j2")
    return str(
        form.render(
            report=report,
            additions=additions or Additions(),
            changes=board.explained(report.figures, report.lines),
            peers=_peers(report.figures),
            decimals=_decimals(report),
            shorthand=words.SHORTHAND,
        )
    )


def leaflet(
    report: Report, outline: Outline, drawn: Mapping[str, Drawing], marking: str = ""
) -> str:
    """Two pages for residents: the facts, what is aimed at, and what residents say."""
    known, chosen = report.figures, outline.leaflet
    facts = [sentence for _, sentence in parts.told(known, chosen.facts)]
    aims: dict[str, dict[str, None]] = {}
    for row in known.targets:
        aims.setdefault(str(row["priority"]), {})[str(row["action"])] = None
    form = _form(report, marking, drawn).get_template("leaflet.html.j2")
    return str(
        form.render(
            report=report,
            facts_told=facts[:FACTS_ON_A_PAGE],
            said=[sentence for _, sentence in parts.told(known, chosen.residents)],
            aims={title: list(actions) for title, actions in aims.items()},
        )
    )


@cache
def _forms() -> Any:
    """The forms of all pages: to understand one takes longer than to fill it in."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FORMS, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _form(report: Report, marking: str, drawn: Mapping[str, Drawing]) -> Any:
    """The forms, and what any of them may ask for: all of it is of this report."""
    from markupsafe import Markup

    form, known = _forms(), report.figures
    form.globals.update(
        facts=known.edition.facts,
        area=known.name,
        year=words.printed(known.year),
        last=words.printed(known.last),
        file_of=known.year,
        published=written(known.edition.facts["published_at"].date()),
        marking=marking,
        style=Markup((FORMS / "style.css").read_text(encoding="utf-8")),
        dark=drawing.COLOURS,
        ours=Markup,
        reasons=reasons,
        picture={key: Markup(drawing.inline(one.svg, key)) for key, one in drawn.items()},
    )
    return form


def reasons(rows: Sequence[Sequence[Cell]], mark: str = words.SUPPRESSED) -> list[str]:
    """Why figures of a table are not shown, each reason once with whom it concerns; what a mark
    means anyway is no reason."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for cell in row:
            if mark in cell.marks and cell.why not in ("", words.SHORTHAND[mark]):
                found.setdefault(cell.why, {})[row[0].text] = None
    return [f"{'; '.join(whose)}: {why}" for why, whose in found.items()]


def _peers(known: Figures) -> list[str]:
    """The names of the areas that the assessed one is compared with, by group."""
    areas = known.edition.registry.areas
    named: dict[str, None] = {}
    for key in known.keys:
        group = known.group(key, known.year)
        for code in group.members if group else ():
            area = areas.by_code(code)
            named[phrases.name(area.name) if area else code] = None
    return [name for name in named if name != known.name]


def _decimals(report: Report) -> list[tuple[str, str, int]]:
    """How each type is rounded."""
    return [(line.title, line.unit, line.indicator.decimals) for line in report.lines]
