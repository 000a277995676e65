"""`safecity draft` and `safecity keep`: what an assessment takes from a release.

Belongs here: laying out what stands in mart.draft as plain text to paste, or as a table; keeping
what is printed. Does not belong here: drafting (`drafts`), what becomes of it later (`printed`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from safecity_pipeline import printed, registry, tables
from safecity_pipeline.model import Refused
from safecity_pipeline.period import parse
from safecity_pipeline.registry import published
from safecity_pipeline.settings import PACKAGED, Settings
from safecity_pipeline.warehouse import Warehouse, named_rows

Rows = Sequence[Mapping[str, Any]]


def drafts_of(settings: Settings, year: str | None = None) -> Rows:
    """Rows of mart.draft of the newest release, in the order of the assessment. Raises Refused
    where it has none, or is of another `year`."""
    connection = Warehouse(settings.warehouse).read_release()
    try:
        made_in = connection.execute("SELECT year FROM meta.release").fetchall()[0][0]
        tables_there = connection.execute(
            "SELECT 1 FROM information_schema.tables "
            "WHERE table_catalog = 'release' AND table_schema = 'mart' AND table_name = 'draft'"
        ).fetchall()
        found = connection.execute(
            f"SELECT * FROM {tables.DRAFT.full_name} ORDER BY rowid" if tables_there else "SELECT 1"
        )
        rows = named_rows(found)
    finally:
        connection.close()
    _check(made_in, year, rows if tables_there else [])
    return rows


def _check(made_in: str, year: str | None, rows: Rows) -> None:
    if year and year != made_in:
        repair = f"run `safecity refresh --year {year}` with the extracts of that year in raw/"
        raise Refused(f"the release drafts {made_in} and no other year", "--year", year, repair)
    if not rows:
        rule = "the release has no drafts: there is no published assessment of its area"
        raise Refused(rule, repair="declare one, see CONTRIBUTING.md, and refresh")


def text(rows: Rows, beside: bool = False) -> list[str]:
    """Lines by section of the assessment, ready to paste. `beside`: with each published sentence
    under its draft."""
    return [*_head(rows), *(line for section in _sections(rows) for line in _laid(section, beside))]


def _head(rows: Rows) -> Iterator[str]:
    first = rows[0]
    year, written = (parse(first[name]).printed for name in ("year", "assessment"))
    yield f"Drafts for {year}, after the assessment of {written}"
    if first["synthetic"]:
        yield "Everything in them is made up: they rest on synthetic extracts."


def _sections(rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
    for _, found in groupby(rows, key=lambda row: (row["assessment"], row["section"])):
        yield list(found)


def _laid(section: Rows, beside: bool) -> Iterator[str]:
    yield from ("", section[0]["section"], "")
    for row in section:
        yield f"- {row['sentence']} [{row['claim']}]"
        if beside:
            yield f"    published for {parse(row['assessment']).printed}: {row['statement']}"


def write_table(rows: Rows, file: Path, raw: Path) -> None:
    """Every column of mart.draft as a CSV that Excel opens. Raises Refused for a place in `raw`,
    for a file that is there already (somebody may have edited it), and where it cannot be written.
    """
    if file.resolve().is_relative_to(raw.resolve()):
        rule = "nothing is written into the folder of extracts"
        raise Refused(rule, str(file), repair="name another place: --csv")
    try:
        with file.open("x", encoding="utf-8-sig", newline="") as written:
            writer = csv.DictWriter(written, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    except FileExistsError:
        rule = "a file of that name is there already"
        raise Refused(rule, str(file), repair="name another: --csv") from None
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", str(file)) from None


def keep_printed(settings: Settings, day: date) -> tuple[Path, int]:
    """Keep what the newest release prints of the assessed area, as published on `day`: the file
    beside the deployment's safecity.toml, and how many figures. Raises Refused where there is no
    such place, no release, or that year was kept before."""
    if settings.config is None or settings.config == PACKAGED:
        rule = "what is printed is kept beside your own safecity.toml"
        raise Refused(rule, repair="copy the one of README.md, or name it: --config")
    known = registry.load(settings.config)
    year, synthetic, values = _printed_by(settings, known.area(settings.area_code).code)
    figures = printed.kept(values, known.indicators, year, day, synthetic)
    file = settings.config.parent / published.FOLDER / f"{year}.csv"
    return file, published.write(file, figures)


def _printed_by(settings: Settings, area_code: str) -> tuple[str, bool, Rows]:
    """Of the newest release: its year, whether it is made up, and its values of an area, as they
    may be shared."""
    connection = Warehouse(settings.warehouse).read_release()
    try:
        made = connection.execute("SELECT year, synthetic FROM meta.release").fetchall()
        found = connection.execute(
            f"SELECT * FROM {tables.INDICATOR_VALUE.full_name} WHERE area_code = ? ORDER BY ALL",
            [area_code],
        )
        return *made[0], named_rows(found)
    finally:
        connection.close()
