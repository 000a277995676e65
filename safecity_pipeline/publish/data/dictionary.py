"""dictionary.html: what every table, column, code, indicator and source of a release means.

Belongs here: which meanings are told, and the page. Does not belong here: the meanings themselves
(`tables`, the models of the sources, the declared indicators), and any row of an extract: of what
stands in the restricted database only the columns are told.
"""

from __future__ import annotations

import re
from pathlib import Path

from safecity_pipeline import tables
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Source
from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

FILE = "dictionary.html"
TEMPLATE = Path(__file__).parent / "templates" / "dictionary.html.j2"
INDICATOR_COLUMNS = "indicator, title, subject, unit, kind, series, polarity, notes"


def write(edition: Edition) -> None:
    """The page, beside the folder of the files."""
    from jinja2 import Environment, StrictUndefined

    about = facts.of(edition)
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["anchor"] = anchor
    page = made.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        about=about,
        made_up=facts.MADE_UP,
        made_harmless=facts.MADE_HARMLESS,
        tables=[one for one in tables.TABLES if one.public],
        keys=tables.KEYS,
        codes=tables.CODES,
        indicators=edition.rows(f"SELECT {INDICATOR_COLUMNS} FROM meta.indicator ORDER BY ALL"),
        sources=[(one, of_rows(one)) for one in _sources(edition.registry)],
    )
    (edition.folder / FILE).write_text(page, encoding="utf-8", newline="\n")


def anchor(name: str) -> str:
    """A name as the end of an address."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())


def of_rows(source: Source) -> Table:
    """What a row of the source means, as its clean rows stand in the restricted database."""
    return schema.clean_table(source)


def _sources(known: Registry) -> list[Source]:
    return [known.sources[name] for name in sorted(known.sources)]
