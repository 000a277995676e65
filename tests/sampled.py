"""Extracts of the sample taken in on a bench, and the figures of indicators that follow from them.

Here: what tests of several sources need to compute a claim's value. Not here: any expected value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conftest import Bench

from safecity_pipeline import measure, tables
from safecity_pipeline.ingest.intake import Intake
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample.delivery import Delivery, table_to_bytes
from safecity_pipeline.sample.folder import MANIFEST_HEAD

SOUTHAMPTON = "E06000045"


def lay(bench: Bench, deliveries: Sequence[Delivery]) -> None:
    """Put files on the bench with the manifests that the sample gives them."""
    manifests: dict[str, list[tuple[str | int, ...]]] = {}
    for one in deliveries:
        bench.put(one.file, one.content)
        folder, _, name = one.file.rpartition("/")
        row = (name, one.source, one.period, one.published_on, one.rows, "yes")
        manifests.setdefault(folder, [MANIFEST_HEAD]).append(row)
    for folder, rows in manifests.items():
        bench.put(f"{folder}/manifest.csv", table_to_bytes(rows, "\n"))


def measured(bench: Bench, known: Registry, indicator: str) -> dict[str, dict[str, Any]]:
    """Southampton's figures by period, of what the bench has taken in."""
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT):
        bench.connection.execute(tables.create_once(table))
    if not bench.rows("SELECT 1 FROM meta.area LIMIT 1"):
        area = [SOUTHAMPTON, "Southampton", known.areas.home_force(SOUTHAMPTON)]
        bench.connection.execute(
            "INSERT INTO meta.area (area_code, area_name, force_code) VALUES (?, ?, ?)", area
        )
    rows = measure.values(bench.connection, known.indicators[indicator], known.sources)
    own = rows[rows["area_code"] == SOUTHAMPTON].astype(object)
    own = own.where(own.notna(), None)
    return {
        str(row["period"]): {str(name): cell for name, cell in row.items()}
        for row in own.to_dict("records")
    }


def assert_as_declared(taken: Intake, bench: Bench, deliveries: Sequence[Delivery]) -> None:
    """The ledger says of each file what its delivery says, and adds up."""
    names = {one.extract_id: one.file for one in bench.look().extracts}
    told = {
        names[row["extract_id"]]: (
            row["rows_read"],
            row["rows_quarantined"],
            row["excluded_superseded"],
            row["rows_excluded"] - row["excluded_superseded"],
        )
        for row in taken.ledger.to_dict("records")
    }
    assert told == {
        one.file: (one.rows, one.planted, one.delivered_twice, one.left_out) for one in deliveries
    }
    assert all(check.passed for check in taken.checks if check.severity == "ERROR")
