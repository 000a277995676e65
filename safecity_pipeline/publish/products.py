"""What is written for each edition, in the order of this list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safecity_pipeline import warehouse
from safecity_pipeline.publish import changes_page, lineage_page
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings

PRODUCTS: tuple[Callable[[Edition], None], ...] = (changes_page.write, lineage_page.write)


def write(release: Path, known: Registry, settings: Settings, previous: Path | None = None) -> None:
    """Write every product of a release whose databases are made, into the folder of its edition.

    `previous`: folder of the release before.
    """
    with warehouse.opened(release) as connection:
        public = Edition("public", release / "public", connection, known, settings, previous)
        for product in PRODUCTS:
            product(public)
