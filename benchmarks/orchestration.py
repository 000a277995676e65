"""Orchestration: what Dagster costs above the steps themselves, and how soon the command answers.

Belongs here: the demo's sample, refreshed by the command and by a script that calls the same steps.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.bulk import packaged_settings
from benchmarks.measuring import Measure, least, python, run, safecity
from benchmarks.ratios import Chapter, Ratio

RUNS, STARTS = 3, 5


def orchestration(work: Path) -> Chapter:
    """The sample refreshed both ways, each into a warehouse of its own; the best of three runs."""
    raw = work / "raw"
    run(safecity("sample", raw))
    under = _best(
        [safecity("refresh", "--raw", raw, "--warehouse", work / f"under{n}") for n in range(RUNS)]
    )
    direct = _best(
        [
            python("-m", "benchmarks.contestants.direct", raw, work / f"direct{n}")
            for n in range(RUNS)
        ]
    )
    return Chapter(
        "Orchestration",
        [
            Ratio("safecity refresh / the steps called directly, CPU", under.cpu / direct.cpu, 2),
            Ratio(
                "safecity refresh / the steps called directly, wall", under.wall / direct.wall, 2
            ),
        ],
        {"safecity refresh": under, "the steps called directly": direct},
        [f"The demo's sample into an empty warehouse; the best of {RUNS} runs each."],
    )


def _best(commands: list[list[str]]) -> Measure:
    return least([run(command, SAFECITY_CONFIG=packaged_settings()) for command in commands])


def help_text() -> Chapter:
    """`safecity --help` against the import of dagster alone."""
    answer = least([run(safecity("--help")) for _ in range(STARTS)])
    dagster = least([run(python("-c", "import dagster")) for _ in range(STARTS)])
    return Chapter(
        "Help",
        [
            Ratio("safecity --help / import dagster, wall", answer.wall / dagster.wall, 0.5),
            Ratio("safecity --help / import dagster, CPU", answer.cpu / dagster.cpu, 0.5),
        ],
        {"safecity --help": answer, 'python -c "import dagster"': dagster},
        [f"The best of {STARTS} runs each."],
    )
