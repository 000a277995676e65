"""What is written for each edition, in the order of this list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safecity_pipeline import warehouse
from safecity_pipeline.publish import report
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings

PRODUCTS: tuple[Callable[[Edition], None], ...] = (report.write,)


def write(release: Path, known: Registry, settings: Settings) -> None:
    """Write every product of a release whose databases are made, into the folder of its edition."""
    with warehouse.opened(release) as connection:
        public = Edition("public", release / "public", connection, known, settings)
        for product in PRODUCTS:
            product(public)
