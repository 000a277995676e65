"""Figures that earlier assessments printed: `published/*.csv` beside a deployment's safecity.toml.

Belongs here: reading and refusing the files that `safecity keep` writes, or that somebody typed
from a printed report. Does not belong here: what became of a figure since (`printed`). They are
declared, not looked up in old releases, so that a refresh gives what a clean run gives.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

from safecity_pipeline import period
from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry.areas import Areas

FOLDER = "published"


@dataclass(frozen=True)
class PrintedFigure:
    """One line of such a file. `value` in the indicator's unit, rounded as it was printed;
    `synthetic`: it rests on made-up extracts."""

    assessment: str
    printed_on: date
    indicator: str
    area_code: str
    period: str
    value: float
    synthetic: bool


COLUMNS = [one.name for one in fields(PrintedFigure)]


def load(
    beside: Path | None, indicators: Mapping[str, Indicator], areas: Areas
) -> tuple[PrintedFigure, ...]:
    """Every printed figure, the earliest first; `beside`: the deployment's folder.

    Raises Refused naming file, line and repair for a line that is not understood, and for a figure
    that one assessment printed twice.
    """
    files = sorted((beside / FOLDER).glob("*.csv")) if beside else []
    found: dict[tuple[str, ...], PrintedFigure] = {}
    for file in files:
        for place, line in _lines(file):
            one = _figure(line, place, indicators, areas)
            key = (one.assessment, one.indicator, one.area_code, one.period)
            if key in found:
                raise Refused("an assessment prints a figure once", place, ", ".join(key))
            found[key] = one
    return tuple(sorted(found.values(), key=astuple))


def write(file: Path, figures: Iterable[PrintedFigure]) -> int:
    """Write figures as a file that `load` reads, and answer how many. Raises Refused where a file
    of that name is there: what was printed does not change."""
    file.parent.mkdir(exist_ok=True)
    try:
        with file.open("x", encoding="utf-8", newline="") as handle:
            lines = [_line(one) for one in figures]
            csv.writer(handle, lineterminator="\n").writerows([COLUMNS, *lines])
    except FileExistsError:
        rule = "what an assessment printed is kept once"
        repair = "delete the file first if nothing of it was printed after all"
        raise Refused(rule, str(file), repair=repair) from None
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", str(file)) from None
    return len(lines)


def _line(one: PrintedFigure) -> list[str]:
    *texts, value, synthetic = astuple(one)
    return [*map(str, texts), f"{value:.12g}", "yes" if synthetic else "no"]


def _lines(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        table = csv.DictReader(handle, restkey="", restval="")
        if table.fieldnames != COLUMNS:
            got = ", ".join(table.fieldnames or ())
            raise Refused("other columns than expected", file.name, got, ", ".join(COLUMNS))
        for row in table:
            place = f"{file.name}, line {table.line_num}"
            if "" in row:
                raise Refused("more cells than columns", place, repair="quote a cell with a comma")
            yield place, {name: cell.strip() for name, cell in row.items()}


def _figure(
    line: Mapping[str, str], place: str, indicators: Mapping[str, Indicator], areas: Areas
) -> PrintedFigure:
    if line["indicator"] not in indicators:
        raise Refused("no such indicator", place, line["indicator"], "see meta.indicator")
    if areas.by_code(line["area_code"]) is None:
        raise Refused("no such area in areas.csv", place, line["area_code"])
    if line["synthetic"] not in ("yes", "no"):
        raise Refused("synthetic is yes or no", place, line["synthetic"])
    return PrintedFigure(
        _period(line["assessment"], place),
        _day(line["printed_on"], place),
        line["indicator"],
        line["area_code"],
        _period(line["period"], place),
        _value(line["value"], place),
        line["synthetic"] == "yes",
    )


def _period(text: str, place: str) -> str:
    try:
        return period.parse(text).label
    except ValueError as error:
        raise Refused(str(error), place) from None


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("not a day", place, text, "write it as 2015-11-30") from None


def _value(text: str, place: str) -> float:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused("not a number", place, text, "write it as 8560 or 13.6")
    return value
