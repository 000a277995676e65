"""A small edition, drawn: every table that is shared, with a few rows of each, texts of all sorts.

Here: what the tests of open data and of the workbook share. Not here: a release that a refresh
makes (`small_folder`, `conftest.whole_sample`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from safecity_pipeline import settings, tables, warehouse
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

HOSTILE = (
    '=HYPERLINK("http://example.invalid","look")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "'=1+1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "{=1+1}",
    "[look](http://example.invalid)",
    "$$interval$$",
    "<script>alert(1)</script>",
    'a, "b"\r\nc; d',
    "\N{EM DASH}",
    "bell \x07, escape _x0041_",
    "",
)
"""Texts of which each is a trap for some reader."""

AREA, OTHER, INDICATOR = "E06000045", "E06000043", "violence_rate"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def value(**given: Any) -> dict[str, Any]:
    """A row of mart.indicator_value: a year of the assessed area, but for what is given."""
    row: dict[str, Any] = {
        "indicator": INDICATOR,
        "area_code": AREA,
        "area_name": "Southampton",
        "area_type": "local_authority",
        "period": "2014-15",
        "period_kind": "year",
        "dimension": "all",
        "dimension_value": "all",
        "period_start": date(2014, 4, 1),
        "period_end": date(2015, 3, 31),
        "complete": True,
        "numerator": 30.0,
        "denominator": 1000.0,
        "value": 30.0,
        "lower_95": 20.25,
        "upper_95": 42.5,
        "unit": "per 1,000 residents",
        "obs_status": "A",
    }
    return row | given


def finding(**given: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "indicator": INDICATOR,
        "area_code": AREA,
        "area_name": "Southampton",
        "dimension": "all",
        "dimension_value": "all",
        "comparison": "previous_year",
        "comparator": "2013-14",
        "period": "2014-15",
        "base_period": "2013-14",
        "value": 30.0,
        "base_value": 25.0,
        "change": 20.0,
        "change_unit": "percent",
        "status": "comparable",
        "sentence": "Violence rose.",
    }
    return row | given


HIDDEN = {
    **dict.fromkeys(("numerator", "denominator", "value", "lower_95", "upper_95")),
    "obs_status": "C",
    "suppressed_reason": "not shown",
}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Rows that hold together: what refers to another row refers to one that is there."""
    return {**_figures(), **_declared(), **_received()}


def _figures() -> dict[str, list[dict[str, Any]]]:
    return {
        "mart.indicator_value": [
            value(),
            value(period="2013-14", obs_status="B", series_break="D22", numerator=0.0, value=0.0),
            value(period="2012-13", **HIDDEN),
            value(period="2011-12", value=None, obs_status="M", suppressed_reason="=not received"),
            value(area_code=OTHER, area_name="=Brighton", numerator=1e-7),
            *(
                value(dimension="ward", dimension_value=text, numerator=float(at))
                for at, text in enumerate(HOSTILE)
            ),
        ],
        "mart.finding": [
            finding(),
            finding(comparison="trend", comparator=None, base_period=None, sentence="=1+1"),
        ],
        "mart.claim": [
            {"claim": f"C{at:02}", "statement": text, "published": "-31.7", "verdict": "differs"}
            for at, text in enumerate(HOSTILE)
        ],
    }


def _declared() -> dict[str, list[dict[str, Any]]]:
    return {
        "meta.indicator": [
            {
                "indicator": INDICATOR,
                "title": "Violence per 1,000 residents",
                "subject": "crime",
                "unit": "per 1,000 residents",
                "kind": "rate",
                "polarity": "low_is_good",
            }
        ],
        "meta.area": [
            {"area_code": AREA, "area_name": "Southampton", "area_type": "local_authority"},
            {"area_code": OTHER, "area_name": "=Brighton", "area_type": "local_authority"},
        ],
        "meta.source": [
            {
                "source": "street_crime",
                "title": "Street-level crime",
                "supplier": "data.police.uk",
                "licence": "Open Government Licence v3.0",
            },
            {
                "source": "marac",
                "title": "<b>MARAC</b>",
                "supplier": "=SafeLives",
                "licence": "Restricted to partners",
            },
        ],
    }


def _received() -> dict[str, list[dict[str, Any]]]:
    return {
        "meta.extract": [
            {"extract_id": "e1", "source": "street_crime", "status": "read", "file": "=1/a.csv"},
            {"extract_id": "e2", "source": "marac", "status": "read", "rows_read": 7},
        ],
        "meta.extract_sheet": [{"extract_id": "e1", "sheet": "", "rows_read": 0}],
        "meta.classification_change": [
            {
                "source": "street_crime",
                "kind": "appeared",
                "old_categories": [],
                "new_categories": list(HOSTILE),
                "share": 0.1,
            },
            {"source": "street_crime", "kind": "vanished", "old_categories": None},
        ],
        "meta.release": [
            {
                "stamp": "20150930T120000000000Z",
                "area_code": AREA,
                "area_name": "Southampton",
                "year": "2014-15",
                "synthetic": True,
                "published_at": datetime(2015, 9, 30, 12, 0, 0, 250000),
            }
        ],
    }


def draw(release: Path, filled: Rows) -> Path:
    """The public database of a release, in its folder."""
    (release / "public").mkdir(parents=True)
    with duckdb.connect(str(release / "public" / "safecity.duckdb")) as connection:
        for table in shared():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            connection.execute(tables.create(table))
            for row in filled.get(table.full_name, ()):
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"INSERT INTO {table.full_name} ({names}) VALUES ({marks})", list(row.values())
                )
    return release


def shared() -> list[Table]:
    return [table for table in tables.TABLES if table.public]


@contextmanager
def edition(
    release: Path, into: Path, known: Registry, audience: str = "public"
) -> Iterator[Edition]:
    """The edition of a drawn release, to be written into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    with warehouse.opened(release) as connection:
        chosen = settings.load(settings.PACKAGED)
        yield Edition(audience, into, connection, known, chosen)
