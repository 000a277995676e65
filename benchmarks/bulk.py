"""Bulk: the same files taken in by a script, by pandas and pandera, and by us.

Belongs here: who takes part, and that their results are equal row for row. Does not belong here:
how a contestant works (`contestants`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import checker
from benchmarks.contestants import ours
from benchmarks.measuring import ROOT, Measure, least, python, run, safecity
from benchmarks.ratios import Chapter, Ratio

AREAS = ROOT / "safecity_pipeline" / "registry" / "areas.csv"
SCRIPT, PANDAS, OURS = "hand-written DuckDB script", "pandas + pandera", "ours"
DIRECT, COMMAND = "ours: the steps called directly", "ours: safecity refresh"
COUNTS = "ours: counts by LSOA, from the release"
ROUNDS = 3


def measure_all(
    raw: Path, work: Path, rounds: int = 1
) -> tuple[dict[str, Measure], dict[str, Path]]:
    """Every contestant's cost, the least of some rounds in which each has its turn, and the DuckDB
    file of its results in the last one. `raw` is only read."""
    costs: dict[str, list[Measure]] = {}
    for number in range(rounds):
        place = work / str(number)
        place.mkdir()
        measures, results = _one_round(raw, place)
        for name, measure in measures.items():
            costs.setdefault(name, []).append(measure)
        if number + 1 < rounds:
            shutil.rmtree(place)
    ours.rows(place / "warehouse", results[OURS])
    return {name: least(each) for name, each in costs.items()}, results


def _one_round(raw: Path, work: Path) -> tuple[dict[str, Measure], dict[str, Path]]:
    results = {name: work / f"{at}.duckdb" for at, name in enumerate((SCRIPT, PANDAS, OURS))}
    module, warehouse = "benchmarks.contestants", work / "warehouse"
    ours_is = {"SAFECITY_CONFIG": packaged_settings()}
    measures = {
        SCRIPT: run(python("-m", f"{module}.script", raw, AREAS, results[SCRIPT])),
        DIRECT: run(python("-m", f"{module}.direct", raw, work / "direct"), **ours_is),
        COMMAND: run(safecity("refresh", "--raw", raw, "--warehouse", warehouse), **ours_is),
        COUNTS: run(python("-m", f"{module}.ours", warehouse, results[OURS])),
        PANDAS: run(python("-m", f"{module}.pandas_pandera", raw, results[PANDAS])),
    }
    return measures, results


def packaged_settings() -> str:
    """The worked case, whatever safecity.toml lies about."""
    return str(ROOT / "safecity_pipeline" / "registry" / "southampton.toml")


def bulk(raw: Path, work: Path) -> Chapter:
    """The contest on the extracts in `raw`: ours are the steps called directly, which is the job
    that the others do too, and the whole command under Dagster; each has every goal."""
    measures, results = measure_all(raw, work, ROUNDS)
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
        _ahead("the steps, CPU", pandas.cpu / steps.cpu),
        _ahead("the steps, wall", pandas.wall / steps.wall),
        _ahead("the command under Dagster, CPU", pandas.cpu / total.cpu),
        _ahead("the command under Dagster, wall", pandas.wall / total.wall),
        Ratio("ours, the command: peak memory of all its processes", total.peak, 1024, unit="MB"),
    ]
    chapter.notes = [
        checker.told(results[SCRIPT], len(sorted(raw.glob("*.csv")))),
        f"The least of {ROUNDS} rounds; of memory the most.",
    ]
    return chapter


def _ahead(which: str, value: float) -> Ratio:
    return Ratio(f"pandas + pandera / ours, {which}", value, 3, at_least=True)
