"""What `safecity classes` prints and writes: changes of categories, the new ones first.

Belongs here: text for a terminal, and two files for a spreadsheet. Does not belong here: finding
changes, and proposing rows (`watch`).
"""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safecity_pipeline import tables
from safecity_pipeline.model import Refused
from safecity_pipeline.registry.changes import CHANGE_COLUMNS
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse, named_rows
from safecity_pipeline.watch.proposal import CROSSWALK_COLUMNS

WIDTH = 100
ROWS, CROSSWALK = "definitional_changes.csv", "crosswalk.csv"

Row = Mapping[str, Any]


def of(settings: Settings) -> tuple[Row, list[dict[str, Any]]]:
    """Facts of the newest release, and its rows of meta.classification_change. Raises Refused
    where there is no release, or one that an earlier version made."""
    warehouse = Warehouse(settings.warehouse)
    connection = warehouse.read_release()
    try:
        table = tables.CLASSIFICATION_CHANGE
        (there,) = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
            [table.schema, table.name],
        ).fetchall()
        if not there[0]:
            rule = "the release was made before categories were watched"
            raise Refused(rule, repair="run `safecity refresh`")
        found = connection.execute(
            f"SELECT * FROM {table.full_name} "
            "ORDER BY expected_by IS NOT NULL, source, classification, first_day, what"
        )
        rows = named_rows(found)
        return warehouse.release_facts() or {}, rows
    finally:
        connection.close()


def lines(release: Row, rows: Sequence[Row], everything: bool) -> list[str]:
    """The changes in words: those that no row of the catalogue covers; or all."""
    new = [row for row in rows if not row["expected_by"]]
    covered = [row for row in rows if row["expected_by"]]
    made_up = ", made from synthetic extracts" * bool(release.get("synthetic"))
    told = [
        f"Release {release.get('stamp')}{made_up}.",
        f"Changes of categories: {len(rows)} found in the extracts, "
        f"{len(covered)} covered by definitional_changes.csv, {len(new)} new.",
    ]
    for row in [*new, *(covered if everything else [])]:
        told += ["", *_change(row)]
    if new:
        told += ["", "To paste and verify the new ones: safecity classes --csv FOLDER"]
    if covered and not everything:
        told += ["", "Those that are covered: safecity classes --all"]
    return told


def _change(row: Row) -> Iterator[str]:
    state = f"expected, {row['expected_by']}" if row["expected_by"] else "new"
    yield f"{row['source']}, {row['classification']}: {row['kind']} ({state})"
    yield from textwrap.wrap(f"{row['what']}.", WIDTH, initial_indent="  ", subsequent_indent="  ")
    for line in _crosswalk([row]):
        yield f"    {line['old']} -> {line['new']}: {_share(line)}"


def _share(line: Row) -> str:
    limits = ""
    if line["lower_95"]:
        limits = f" ({_percent(line['lower_95'])} to {_percent(line['upper_95'])} %)"
    return f"{_percent(line['share'])} %{limits}" if line["share"] else f"share not known{limits}"


def _percent(share: str) -> str:
    return f"{float(share) * 100:.0f}"


def _crosswalk(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        dict(zip(CROSSWALK_COLUMNS, cells, strict=True))
        for row in rows
        for cells in csv.reader((row["crosswalk"] or "").splitlines())
    ]


def write(rows: Sequence[Row], folder: Path, raw: Path) -> list[Path]:
    """The new changes as rows of the catalogue, and the crosswalk of all, as CSV that Excel opens.

    Raises Refused for a folder in `raw`, for files that are there already, and where nothing can be
    written.
    """
    if folder.resolve().is_relative_to(raw.resolve()):
        rule = "nothing is written into the folder of extracts"
        raise Refused(rule, str(folder), repair="name another place: --csv")
    proposed = [next(csv.reader([row["proposed_row"]])) for row in rows if row["proposed_row"]]
    crossed = [list(line.values()) for line in _crosswalk(rows)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [
            _written(folder / ROWS, CHANGE_COLUMNS, proposed),
            _written(folder / CROSSWALK, CROSSWALK_COLUMNS, crossed),
        ]
    except FileExistsError as error:
        rule = "a file of that name is there already"
        raise Refused(rule, str(error.filename), repair="name another folder: --csv") from None
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", str(folder)) from None


def _written(file: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with file.open("x", encoding="utf-8-sig", newline="") as written:
        csv.writer(written).writerows([head, *rows])
    return file
