"""`safecity diff`: two releases named by their caller, and what changed between them."""

from __future__ import annotations

from pathlib import Path

from safecity_pipeline import warehouse
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import changes_page
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse


def told(
    settings: Settings, earlier: str, later: str, page: Path | None, table: Path | None
) -> list[str]:
    """Lines for a terminal; `page` and `table` are written where they are named. Raises Refused
    for a release that is not there, or is the other one, and a file that cannot be written."""
    house = Warehouse(settings.warehouse)
    old, new = house.release(earlier), house.release(later)
    if old.resolve() == new.resolve():
        raise Refused("these are the same release", got=f"{earlier}, {later}")
    for file in filter(None, (page, table)):
        if file.resolve().is_relative_to(settings.raw.resolve()):
            raise Refused("nothing is written into the folder of extracts", str(file))
    with warehouse.opened(new) as connection:
        found = changes_page.between(connection, old)
    try:
        if page:
            page.write_text(changes_page.page(found), encoding="utf-8", newline="\n")
        if table:
            changes_page.write_table(found.rows, table, found.synthetic)
    except OSError as error:
        place = error.filename or ""
        raise Refused(f"cannot be written: {error.strerror}", str(place)) from None
    return changes_page.lines(found)
