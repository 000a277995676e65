"""A folder of three small extracts, and a refresh of it without Dagster.

Here: what the tests of warehouse, orchestration, privacy and command line share. Not here: the
bench that takes one source in (`conftest`).
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from safecity_pipeline import settings
from safecity_pipeline.publish import products
from safecity_pipeline.refresh import Refresh, Report
from safecity_pipeline.settings import Settings

STREET_HEAD = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
POPULATION = "MYEB3_summary_(2019_geog20).csv"
APRIL, MAY = "2014-04-hampshire-street.csv", "2014-05-hampshire-street.csv"
OURS = ("SAFECITY_", "DAGSTER_")


def street_row(
    month: str,
    *,
    location: str = "On or near Above Bar",
    latitude: str = "50.9",
    kind: str = "Drugs",
) -> str:
    force = "Hampshire Constabulary"
    place = f"-1.4,{latitude},{location},E01017180,Southampton 029D"
    return f",{month},{force},{force},{place},{kind},Under investigation,"


def street(rows: Iterable[str]) -> str:
    return "\n".join([STREET_HEAD, *rows]) + "\n"


def write_small(raw: Path) -> None:
    """Two months of Hampshire (3 and 2 rows) and the population of Southampton."""
    raw.mkdir(parents=True, exist_ok=True)
    (raw / APRIL).write_text(street([street_row("2014-04")] * 3), encoding="utf-8")
    (raw / MAY).write_text(street([street_row("2014-05")] * 2), encoding="utf-8")
    (raw / POPULATION).write_text(
        "ladcode20,laname20,country,population_2014\nE06000045,Southampton,E,240000\n",
        encoding="utf-8",
    )


def small_settings(folder: Path) -> Settings:
    chosen = settings.load(settings.PACKAGED)
    return chosen.with_folders(folder / "raw", folder / "warehouse")


def refresh(chosen: Settings, run_id: str = "") -> Report:
    """All steps in order, as the job takes them; the report of the last."""
    one = Refresh(chosen, run_id)
    with one.warehouse.lock():
        one.warehouse.sweep()
        with one.at_work():
            one.look()
            for source in one.registry.sources:
                one.take_in(source)
            return after_taking_in(one)


def refresh_databases(chosen: Settings, run_id: str = "") -> Report:
    """The same `lightly`."""
    with lightly():
        return refresh(chosen, run_id)


@contextmanager
def lightly() -> Iterator[None]:
    """Releases that are made in here are databases and the audit of them. For tests that look at
    tables: to draw and print from these takes as long again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "PRODUCTS", dict.fromkeys(products.PRODUCTS, ()))
        yield


def after_taking_in(one: Refresh) -> Report:
    """All later steps in order; the report of the last."""
    for step in (one.indicators, one.estimates, one.comparables, one.findings, one.revisions):
        step()
    for step in (one.claims, one.targets, one.drafts, one.waivers):
        step()
    return one.release()


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of the project, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {"DAGSTER_DISABLE_TELEMETRY": "1"} | more


@cache
def dagster_home() -> str:
    """One home of Dagster for the runs of several tests: making one takes seconds."""
    folder = tempfile.mkdtemp(prefix="dagster-home-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def own_environment(**more: str) -> Iterator[None]:
    """This process with the environment of `environment`; afterwards as before."""
    before = dict(os.environ)
    wanted = environment(**more)
    try:
        os.environ.clear()
        os.environ.update(wanted)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
