"""The analyst's own words in an edition: figures in the place of their keys, paragraph by
paragraph, and which paragraphs must be read again since a figure in them has moved.

Belongs here: words of a section as HTML, and what was accepted against what is. Does not belong
here: reading the files (`registry.narrative`), the words for one key (`named`), Markdown
(`markdown`), the page in which they stand (`report`).

A key's words are compared with those that it stood for when the text was accepted: what a reader
does not see has not moved. What it stood for is never printed: it may have been hidden since.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from safecity_pipeline.publish import markdown, named
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.markdown import Block
from safecity_pipeline.publish.named import MARKS, Said
from safecity_pipeline.registry.narrative import Accepted, Key, Passage, Piece, pieces

REVIEW = "For review: a figure in this paragraph has changed since it was accepted."
WITHHELD = (named.SUPPRESSED, named.LACKING)


@dataclass(frozen=True)
class Figure:
    """A key in a paragraph, what it stands for, and what it stood for when it was accepted (None:
    never yet)."""

    key: Key
    line: int
    said: Said
    accepted: str | None
    moved: bool


@dataclass(frozen=True)
class Paragraph:
    """A block of the text with its figures. `text`: as plain words; `html`: as a page has it."""

    line: int
    text: str
    html: str
    figures: tuple[Figure, ...]

    @property
    def for_review(self) -> bool:
        return any(figure.moved for figure in self.figures)


@dataclass(frozen=True)
class Section:
    """The words of one section, in order."""

    section: str
    title: str
    file: str
    paragraphs: tuple[Paragraph, ...]

    @property
    def figures(self) -> list[Figure]:
        return [figure for paragraph in self.paragraphs for figure in paragraph.figures]


def sections(edition: Edition, level: int = 3) -> list[Section]:
    """Every section that was written for the edition's year. `level`: of the heading that a #
    stands for."""
    year = str(edition.facts["year"])
    passages = edition.registry.narrative.of_year(year)
    keys = {piece.key for passage in passages for piece in passage.pieces if piece.key}
    said = named.of(edition, year, keys)
    accepted = edition.registry.narrative.accepted_words(year)
    titles = edition.registry.narrative.sections
    judged = _Judged(said, accepted, edition.audience)
    return [
        Section(
            passage.section,
            titles[passage.section],
            passage.file,
            tuple(_paragraphs(passage, judged, level)),
        )
        for passage in passages
    ]


def fragments(edition: Edition, level: int = 3) -> dict[str, str]:
    """Section → its words as HTML, to be put into a page; a section without words has none."""
    return {one.section: fragment(one) for one in sections(edition, level)}


def fragment(section: Section) -> str:
    """One section as HTML; a paragraph whose figures moved says so, in words."""
    return "\n".join(map(_shown, section.paragraphs))


def accepted_now(section: Section) -> list[Accepted]:
    """What is accepted with a section: every key with the words that it stands for."""
    return [Accepted(section.section, one.key.written, one.said.text) for one in section.figures]


def _shown(paragraph: Paragraph) -> str:
    if not paragraph.for_review:
        return paragraph.html
    note = f'<p class="review-note"><strong>{html.escape(REVIEW)}</strong></p>'
    return f'<div class="for-review">{note}{paragraph.html}</div>'


@dataclass(frozen=True)
class _Judged:
    said: Mapping[Key, Said]
    accepted: Mapping[tuple[str, str], str]
    audience: str

    def figure(self, section: str, key: Key, line: int) -> Figure:
        said = self.said[key]
        accepted = self.accepted.get((section, key.written))
        return Figure(key, line, said, accepted, self._moved(said, accepted))

    def _moved(self, said: Said, accepted: str | None) -> bool:
        """What is accepted is what the public reads: a figure that is not for them has not moved
        where others may see it."""
        if accepted is None or accepted == said.text:
            return False
        unseen = any(accepted.endswith(f"[{mark}]") for mark in WITHHELD)
        return self.audience == "public" or not unseen


def _paragraphs(passage: Passage, judged: _Judged, level: int) -> Iterator[Paragraph]:
    for block in markdown.blocks(passage.text):
        yield _paragraph(passage.section, block, judged, level)


def _paragraph(section: str, block: Block, judged: _Judged, level: int) -> Paragraph:
    found = list(pieces(block.text))
    figures = tuple(
        judged.figure(section, piece.key, block.line + piece.line - 1)
        for piece in found
        if piece.key
    )
    plain = "".join(judged.said[one.key].text if one.key else one.text for one in found)
    runs = [(one.text, _figure_html(one, judged)) for one in found]
    return Paragraph(block.line, plain, markdown.to_html(runs, level), figures)


def _figure_html(piece: Piece, judged: _Judged) -> str | None:
    if piece.key is None:
        return None
    said = judged.said[piece.key]
    words = html.escape(said.words)
    if not said.mark:
        return words
    return f'{words} <abbr title="{html.escape(MARKS[said.mark])}">[{said.mark}]</abbr>'
