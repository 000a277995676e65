"""Bulk: the same files taken in by a script, by pandas and pandera, and by us.

Belongs here: who takes part, and that their results are equal row for row. Does not belong here:
how a contestant works (`contestants`).
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import checker
from benchmarks.contestants import ours
from benchmarks.measuring import ROOT, Measure, python, run, safecity
from benchmarks.ratios import Chapter, Ratio

AREAS = ROOT / "safecity_pipeline" / "registry" / "areas.csv"
SCRIPT, PANDAS, OURS = "hand-written DuckDB script", "pandas + pandera", "ours"
DIRECT, COMMAND = "ours: the steps called directly", "ours: safecity refresh"
COUNTS = "ours: counts by LSOA, from the release"


def measure_all(raw: Path, work: Path) -> tuple[dict[str, Measure], dict[str, Path]]:
    """Every contestant's cost, and the DuckDB file of its results. `raw` is only read."""
    results = {name: work / f"{at}.duckdb" for at, name in enumerate((SCRIPT, PANDAS, OURS))}
    module, warehouse = "benchmarks.contestants", work / "warehouse"
    measures = {
        SCRIPT: run(python("-m", f"{module}.script", raw, AREAS, results[SCRIPT])),
        DIRECT: run(
            python("-m", f"{module}.direct", raw, work / "direct"),
            SAFECITY_CONFIG=packaged_settings(),
        ),
        COMMAND: run(
            safecity("refresh", "--raw", raw, "--warehouse", warehouse),
            SAFECITY_CONFIG=packaged_settings(),
        ),
        COUNTS: run(python("-m", f"{module}.ours", warehouse, results[OURS])),
        PANDAS: run(python("-m", f"{module}.pandas_pandera", raw, results[PANDAS])),
    }
    ours.rows(warehouse, results[OURS])
    return measures, results


def packaged_settings() -> str:
    """The worked case, whatever safecity.toml lies about."""
    return str(ROOT / "safecity_pipeline" / "registry" / "southampton.toml")


def bulk(raw: Path, work: Path) -> Chapter:
    """The contest on the extracts in `raw`."""
    measures, results = measure_all(raw, work)
    total, steps = measures[COMMAND] + measures[COUNTS], measures[DIRECT] + measures[COUNTS]
    script, pandas = measures[SCRIPT], measures[PANDAS]
    chapter = Chapter("Bulk", measures=measures)
    chapter.differences = [
        f"{name}: {difference}"
        for name in (PANDAS, OURS)
        for difference in checker.differences(results[SCRIPT], results[name])
    ]
    chapter.differences += map(str, checker.published(results[OURS]))
    chapter.ratios = [
        Ratio("ours, the steps / script, CPU", steps.cpu / script.cpu, 2),
        Ratio("ours, the steps / script, wall", steps.wall / script.wall, 2),
        Ratio("ours, the command under Dagster / script, CPU", total.cpu / script.cpu, 2),
        Ratio("ours, the command under Dagster / script, wall", total.wall / script.wall, 2),
        Ratio("pandas + pandera / ours, CPU", pandas.cpu / total.cpu, 3, at_least=True),
        Ratio("pandas + pandera / ours, wall", pandas.wall / total.wall, 3, at_least=True),
        Ratio("ours, peak memory of all its processes", total.peak, 1024, unit="MB"),
    ]
    chapter.notes = [checker.told(results[SCRIPT], len(sorted(raw.glob("*.csv"))))]
    return chapter
