"""What is written for each edition, in the order of this list, once an audit has found nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safecity_pipeline import tables, warehouse
from safecity_pipeline.publish import audit, changes_page, data, lineage_page, report, workbook
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.publish.report import drawing
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings

Product = Callable[[Edition], None]
PRODUCTS: dict[str, tuple[Product, ...]] = {
    "public": (report.write, workbook.write, data.write, changes_page.write, lineage_page.write),
    "partners": (report.write, workbook.write),
}


def listed() -> list[tuple[str, int]]:
    """Every product, by edition and number in it, in the order in which one process makes them."""
    return [(edition, n) for edition in reversed(tables.EDITIONS) for n in _numbers(edition)]


def _numbers(edition: str) -> range:
    return range(len(PRODUCTS[edition]))


def write(
    release: Path,
    which: tuple[str, int],
    known: Registry,
    settings: Settings,
    previous: Path | None = None,
    into: Path | None = None,
) -> None:
    """Write one product of an edition. `into`: another folder than the edition's own."""
    audience, number = which
    folder = into or warehouse.edition_folder(release, audience)
    with warehouse.opened(release, edition=audience) as connection:
        product = PRODUCTS[audience][number]
        product(Edition(audience, folder, connection, known, settings, previous))


def make_ready() -> None:
    """Have everything there that pictures and tables are drawn by: it takes a second to begin."""
    import gptables  # type: ignore[import-untyped]  # noqa: F401

    drawing.make_ready()


def make_private(release: Path, audience: str) -> None:
    """What is not for the public is nobody else's to open, wherever it is copied from here."""
    if audience == "public":
        return
    for path in warehouse.edition_folder(release, audience).rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def attack(release: Path, known: Registry, settings: Settings) -> None:
    """Have the audit attack the edition that tells most, in which all that the others tell stands,
    and write its report into each. Raises Refused where it succeeds."""
    fullest = tables.EDITIONS[0]
    folders = {one: warehouse.edition_folder(release, one) for one in tables.EDITIONS}
    with warehouse.opened(release, edition=fullest) as connection:
        found = audit.report(Edition(fullest, folders[fullest], connection, known, settings))
    for folder in folders.values():
        (folder / audit.FILE).write_text(found, encoding="utf-8")
