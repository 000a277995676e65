"""One edition of a release: for whom it is made, and the only database that it may be made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from safecity_pipeline import warehouse
from safecity_pipeline.registry import Registry
from safecity_pipeline.settings import Settings

SENSITIVE = "OFFICIAL-SENSITIVE"


@dataclass(frozen=True)
class Edition:
    """`audience`: "public" or "partners". `folder`: where its files are written; it is there.
    `connection`: its database, open for reading, with the schemas mart and meta.

    What is made of an edition depends on nothing else, so that it can be made again byte for byte:
    no clock, no random number, no order that the database does not state.
    """

    audience: str
    folder: Path
    connection: DuckDBPyConnection
    registry: Registry
    settings: Settings

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows that a statement answers, by the names of their columns; None for null."""
        return warehouse.named_rows(self.connection.execute(statement, list(values)))

    @property
    def marking(self) -> str:
        """What stands on every page and sheet; empty where anybody may read them."""
        return "" if self.audience == "public" else SENSITIVE

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The one row of meta.release: stamp, area, year, synthetic, published_at, hashes."""
        return self.rows("SELECT * FROM meta.release")[0]
