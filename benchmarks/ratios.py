"""A ratio beside its goal, and how it is told.

Belongs here: numbers and words. Does not belong here: measuring.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.measuring import Measure


@dataclass(frozen=True)
class Ratio:
    """A quotient (or, with a unit, a figure) that is to stay under or over its goal."""

    what: str
    value: float
    goal: float
    at_least: bool = False
    unit: str = "×"

    @property
    def holds(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """For a table: what, measured, goal, whether it holds."""
        sign = "≥" if self.at_least else "≤"
        verdict = "yes" if self.holds else "**no**"
        return self.what, self._told(self.value), f"{sign} {self._told(self.goal)}", verdict

    def _told(self, number: float) -> str:
        return f"{number:.0f} {self.unit}" if self.unit != "×" else f"{number:.3g} ×"


@dataclass
class Chapter:
    """One group of measurements: ratios, the figures behind them, and whether they may count.

    `notes`: sentences; `differences`: where results differ, in which case no ratio means anything.
    """

    title: str
    ratios: list[Ratio] = field(default_factory=list)
    measures: dict[str, Measure] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.differences and all(ratio.holds for ratio in self.ratios)

    def markdown(self) -> str:
        """Two tables and the notes."""
        parts = [f"## {self.title}", *self.notes]
        parts.append(table(("Ratio", "Measured", "Goal", "Holds"), (r.cells for r in self.ratios)))
        head = ("Behind it", "Wall s", "CPU s", "Peak MB")
        parts.append(table(head, map(_figures, self.measures.items())))
        if self.differences:
            parts.append("**Results differ:**\n\n" + "\n".join(f"* {d}" for d in self.differences))
        return "\n\n".join(parts)


def _figures(entry: tuple[str, Measure]) -> tuple[str, ...]:
    name, measure = entry
    return name, f"{measure.wall:.2f}", f"{measure.cpu:.2f}", f"{measure.peak:.0f}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Markdown; all columns but the first are of numbers."""
    lines = [head, ("---", *["--:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
