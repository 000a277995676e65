"""`safecity narrative`: the analyst's own words beside the newest release.

Belongs here: which sections there are, what each names and what became of it, as text; accepting
it. Does not belong here: what a key stands for (`publish`), reading the files
(`registry.narrative`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from safecity_pipeline import registry, typed, warehouse
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import narrative
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.narrative import Figure, Section
from safecity_pipeline.registry import Registry
from safecity_pipeline.registry.narrative import ACCEPTED, FOLDER, Accepted, Passage, write
from safecity_pipeline.settings import PACKAGED, Settings
from safecity_pipeline.warehouse import Warehouse


def listed(settings: Settings) -> list[str]:
    """A line a section, and below it what must be looked at. Raises Refused where there is no
    release, or no place for words."""
    folder, known = _folder(settings), registry.load(settings.config)
    with closing(Warehouse(settings.warehouse).read_release()) as connection:
        edition = Edition("public", folder, connection, known, settings)
        year = str(edition.facts["year"])
        written = {one.section: one for one in narrative.sections(edition)}
        matches = _matches(edition, year)
    passages = {one.section: one for one in known.narrative.of_year(year)}
    head = f"{folder / year}, beside the release {edition.facts['stamp']}"
    return [
        head,
        *(
            line
            for section, title in known.narrative.sections.items()
            for line in _told(section, title, written.get(section), passages.get(section), matches)
        ),
        *_gone(known, year, list(written.values())),
    ]


def accept(settings: Settings, section: str | None = None) -> tuple[Path, int]:
    """Accept the words of all sections, or of one, with the figures of the newest release: the
    file, and how many figures were accepted. Raises Refused as `listed`, and where there is no
    such section."""
    folder, known = _folder(settings), registry.load(settings.config)
    with closing(Warehouse(settings.warehouse).read_release()) as connection:
        edition = Edition("public", folder, connection, known, settings)
        year = str(edition.facts["year"])
        found = narrative.sections(edition)
    there = [one.section for one in found]
    if not there or (section and section not in there):
        rule = f"nothing is written for {year}" + (f" under {section}" if section else "")
        repair = f"write {folder.name}/{year}/{section or 'summary'}.md"
        raise Refused(rule, str(folder), ", ".join(there), repair)
    new = [one for each in found if section in (None, each.section) for one in _now(each)]
    kept = [
        one
        for one in (known.narrative.accepted or {}).get(year, ())
        if section and one.section != section
    ]
    file = folder / year / ACCEPTED
    write(file, [*kept, *new])
    return file, len(set(new))


def _now(section: Section) -> list[Accepted]:
    return narrative.accepted_now(section)


def _folder(settings: Settings) -> Path:
    if settings.config is None or settings.config == PACKAGED:
        rule = "the analyst's words lie beside your own safecity.toml"
        raise Refused(rule, repair="copy the one of README.md, or name it: --config")
    return settings.config.parent / FOLDER


def _matches(edition: Edition, year: str) -> typed.Matches:
    """The numbers that a key could name: whatever the edition holds, so that one that is guarded
    follows from now on what may be shared of it."""
    area, indicators = edition.facts["area_code"], edition.registry.indicators
    rows = warehouse.of_area(edition.connection, area, list(indicators), typed.periods(year))
    return typed.figures(indicators, *rows, year)


def _told(
    key: str,
    title: str,
    section: Section | None,
    passage: Passage | None,
    matches: typed.Matches,
) -> Iterator[str]:
    if section is None or passage is None:
        yield f"  {key}.md  {title}: not written"
        return
    review = sum(one.for_review for one in section.paragraphs)
    new = {one.key.written for one in section.figures if one.accepted is None}
    counts = [
        _many(len(section.paragraphs), "paragraph"),
        _many(len(section.figures), "figure"),
        *([f"{review} for review"] if review else []),
        *([f"{len(new)} not accepted yet"] if new else []),
    ]
    yield f"  {key}.md  {title}: {', '.join(counts)}"
    for figure in section.figures:
        yield from _figure(figure)
    yield from _typed(passage, section, matches)


def _figure(figure: Figure) -> Iterator[str]:
    state = "for review" if figure.moved else "new" if figure.accepted is None else "accepted"
    yield f"    line {figure.line}: [[{figure.key.written}]] {state}: {figure.said.text}"
    if figure.moved:
        yield f"      it was accepted as: {figure.accepted}"


def _typed(passage: Passage, section: Section, matches: typed.Matches) -> Iterator[str]:
    near = {one.key.indicator for one in section.figures}
    for number in passage.typed:
        keys = typed.suggested(number.text, matches, near)
        names = " or ".join(f"[[{key.written}]]" for key in keys)
        what = f"name it by key: {names}" if names else "it matches no finding of the release"
        yield f"    line {number.line}: {number.text} is typed; {what}"


def _gone(known: Registry, year: str, written: Sequence[Section]) -> Iterator[str]:
    """What was accepted and stands in no text any more."""
    there = {(one.section, figure.key.written) for one in written for figure in one.figures}
    gone = sorted(set(known.narrative.accepted_words(year)) - there)
    if gone:
        yield f"  {ACCEPTED}: {_many(len(gone), 'figure')} that the words name no more"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
