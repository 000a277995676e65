"""The steps of a refresh called one after the other, without Dagster.

python -m benchmarks.contestants.direct RAW WAREHOUSE
"""

from __future__ import annotations

import sys
from pathlib import Path

from safecity_pipeline import settings
from safecity_pipeline.refresh import Refresh


def run(raw: Path, warehouse: Path) -> None:
    """Publish what is in `raw`, with the packaged settings."""
    refresh = Refresh(settings.load(settings.PACKAGED).with_folders(raw, warehouse))
    with refresh.warehouse.lock("the benchmark"):
        refresh.warehouse.sweep()
        with refresh.at_work():
            refresh.look()
            for source in refresh.registry.sources:
                refresh.take_in(source)
            refresh.indicators()
            refresh.estimates()
            refresh.comparables()
            refresh.findings()
            refresh.revisions()
            refresh.claims()
            refresh.targets()
            refresh.drafts()
            refresh.waivers()
            refresh.release()


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
