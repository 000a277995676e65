"""Pictures with what they say and the table behind them, made of a release's figures.

Belongs here: which figures are drawn, where a line is broken, and the text for who does not see the
picture. Does not belong here: how it looks (`drawing`), which pictures there are (`parts`).

A line is drawn between two figures only where nothing that is counted changed between them. A mean
of twelve months is drawn only where all of them are on one definition; beside it stands the mean of
the figures on the newest definition, where the release has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecity_pipeline import funnels, period, phrases
from safecity_pipeline.model import Indicator
from safecity_pipeline.publish.report import board, drawing, words
from safecity_pipeline.publish.report.drawing import Drawn, Spec, Zone
from safecity_pipeline.publish.report.figures import Figures, Row
from safecity_pipeline.publish.report.words import Cell
from safecity_pipeline.registry.indicators import PER_CENT
from safecity_pipeline.sentences import rounded

MONTHS, MONTHS_OF_A_YEAR = 36, 12
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STEPS_OF_A_LIMIT = 24


@dataclass(frozen=True)
class Table:
    """A table that pastes into a document: its first column says what a line is about."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Source:
    """Who published figures, under which terms, and the files that delivered them, with the
    beginning of each one's hash."""

    title: str
    supplier: str
    licence: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """`key`: the name of its files; `says`: what it shows, in words; `notes`: what happened where a
    line is broken, by letter; `sources`: who published what it rests on, and in which files.
    `indicator`: the one that is drawn. `long`: the table is long, and folded until it is asked for.
    """

    key: str
    title: str
    says: str
    chart: Spec | Drawn | None
    table: Table
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    indicator: str = ""
    long: bool = False


# --- time ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """Figures in order, with the ids of the changes of definition between each and the one
    before."""

    rows: Sequence[Row]

    def broken(self, step: int) -> bool:
        return bool(self.rows[step]["series_break"])

    def segments(self) -> list[int]:
        """The number of the stretch to which each figure belongs: without a gap, and without a
        change of definition."""
        found, number = [], 0
        for step, row in enumerate(self.rows):
            gap = step > 0 and self.rows[step - 1]["value"] is None
            number += self.broken(step) or gap or row["value"] is None
            found.append(number)
        return found

    def zones(self) -> tuple[list[Zone], list[str]]:
        """The stretches over which what is counted changes, and the ids at work in each."""
        zones: list[Zone] = []
        ids: list[dict[str, None]] = []
        for step in range(len(self.rows)):
            if not self.broken(step):
                continue
            if step == 0 or not self.broken(step - 1):
                zones.append(Zone(step - 0.5, step - 0.5, LETTERS[len(zones) % len(LETTERS)]))
                ids.append({})
            zones[-1] = Zone(zones[-1].first, step - 0.5, zones[-1].letter)
            ids[-1].update(dict.fromkeys(str(self.rows[step]["series_break"]).split()))
        return zones, [" ".join(one) for one in ids]


def _noted(known: Figures, zones: Sequence[Zone], ids: Sequence[str]) -> tuple[str, ...]:
    """What changed at each letter."""
    return tuple(
        f"{zone.letter}: {'; '.join(_change(known, one) for one in listed.split())}"
        for zone, listed in zip(zones, ids, strict=True)
    )


def _change(known: Figures, change: str) -> str:
    row = known.changes.get(change)
    return f"{board.told(row)} ({change})" if row else change


def months(known: Figures, key: str) -> Picture:
    """Thirty-six months to the end of the year, with the mean of twelve."""
    indicator, every = known.indicator(key), list(known.months(key))
    shown = every[-MONTHS:]
    whole, series = Series(every), Series(shown)
    zones, ids = series.zones()
    points = [
        *_points(series, drawing.AS_RECORDED),
        *_rolling(whole, len(shown)),
        *_rolling_on_one(known, key, every, len(shown)),
    ]
    labels = [
        words.printed(row["period"]) if row["period_start"].month in (4, 10) else ""
        for row in shown
    ]
    title = f"{words.title(indicator)}, {known.name}, by month"
    return Picture(
        f"months-{key}",
        title,
        _months_say(known, indicator, shown, ids),
        drawing.lines(points, labels, zones, indicator.unit) if _enough(shown, 3) else None,
        _table(known, indicator, title, "Month", shown),
        _noted(known, zones, ids),
        sources(known, key, known.year, shown),
        key,
        long=True,
    )


def _points(series: Series, name: str) -> Iterator[dict[str, Any]]:
    for step, (row, segment) in enumerate(zip(series.rows, series.segments(), strict=True)):
        if row["value"] is not None:
            yield _point(step, row["value"], name, segment, row["lower_95"], row["upper_95"])


def _point(
    step: int,
    value: float,
    name: str,
    segment: int,
    lower: float | None = None,
    upper: float | None = None,
) -> dict[str, Any]:
    return {
        **{"step": step, "value": value, "series": name, "segment": f"{name} {segment}"},
        **{"lower": lower, "upper": upper},
    }


def _rolling(series: Series, shown: int) -> Iterator[dict[str, Any]]:
    """The mean of each month and the eleven before, where no definition changed among them."""
    before, segment = len(series.rows) - shown, 0
    for step in range(shown):
        end = before + step + 1
        window = range(end - MONTHS_OF_A_YEAR, end)
        if window[0] < 0 or any(series.broken(one) for one in window[1:]):
            segment += 1
            continue
        values = [series.rows[one]["value"] for one in window]
        if None in values:
            segment += 1
            continue
        yield _point(step, sum(values) / len(values), drawing.ROLLING, segment)


def _rolling_on_one(
    known: Figures, key: str, rows: Sequence[Row], shown: int
) -> Iterator[dict[str, Any]]:
    """The same of the figures on the newest definition, where there are any beside the recorded."""
    found = [known.comparable(key, row["period"]) for row in rows]
    if all(row is None or row["status"] == "as_recorded" for row in found):
        return
    for step in range(shown):
        end = len(rows) - shown + step + 1
        window = found[max(0, end - MONTHS_OF_A_YEAR) : end]
        values = [row["comparable_value"] for row in window if row is not None]
        if len(values) == MONTHS_OF_A_YEAR:
            mean = sum(values) / len(values)
            yield _point(step, mean, drawing.ROLLING_ON_ONE, 0)


def _months_say(known: Figures, indicator: Indicator, rows: Sequence[Row], ids: list[str]) -> str:
    told = [row for row in rows if row["value"] is not None]
    if not told:
        return "No figure by month."
    least, most = min(told, key=_value), max(told, key=_value)
    decimals = _telling(indicator, least["value"], most["value"])
    ends = " and ".join(
        f"the {word} {rounded(row['value'], decimals)} in {words.printed(row['period'])}"
        for word, row in (("lowest", least), ("highest", most))
    )
    broken = _broken_words(Series(rows), len(ids))
    return f"Of {len(told)} months {ends} ({indicator.unit}).{broken} {_said(known, indicator)}"


def _enough(rows: Sequence[Row], least: int) -> bool:
    """Whether there are as many figures as a picture needs to show more than a table does."""
    return sum(row["value"] is not None for row in rows) >= least


def _telling(indicator: Indicator, least: float, most: float) -> int:
    """So many decimals that two figures which differ are not printed as one."""
    places = indicator.decimals
    while places < phrases.MOST_DECIMALS and rounded(least, places) == rounded(most, places):
        places += 1
    return places


def _value(row: Row) -> float:
    return float(row["value"])


def _broken_words(series: Series, stretches: int) -> str:
    """How often a line is broken: once between each two neighbours that are not like for like; many
    of them may lie side by side in one stretch."""
    many = sum(map(series.broken, range(len(series.rows))))
    if not many:
        return ""
    times = {1: "once", 2: "twice"}.get(many, f"{many} times")
    if many > stretches:
        times += " in one stretch" if stretches == 1 else f" in {stretches} stretches"
    return f" The line is broken {times}, where what is counted changed."


def _said(known: Figures, indicator: Indicator) -> str:
    """The finding on the year before, as the release words it."""
    found = known.finding(indicator.indicator, "previous_year")
    return str(found["sentence"]) if found else ""


def _table(
    known: Figures, indicator: Indicator, title: str, when: str, rows: Sequence[Row]
) -> Table:
    """Each figure with its range; with the same on the newest definition, where that differs."""
    on_one = [known.comparable(indicator.indicator, row["period"]) for row in rows]
    told = any(one is not None and one["status"] != "as_recorded" for one in on_one)
    recorded = (when, f"As recorded ({indicator.unit})", "Likely between")
    heads = (*recorded, *(("On the newest definition", "Likely between") if told else ()))
    lines = [
        (*_recorded(indicator, row), *(_on_one(indicator, one) if told else ()))
        for row, one in zip(rows, on_one, strict=True)
    ]
    return Table(title, heads, tuple(lines))


def _recorded(indicator: Indicator, row: Row) -> tuple[Cell, Cell, Cell]:
    cell = words.level(indicator, row)
    return Cell(words.printed(row["period"])), _marked(cell, row), _between(cell)


def _on_one(indicator: Indicator, found: Row | None) -> tuple[Cell, Cell]:
    if found is None:
        return words.nothing(words.MISSING, "cannot be told"), words.nothing(words.MISSING)
    told = {"value": found["comparable_value"], "obs_status": "A", "complete": True}
    cell = words.level(indicator, {**found, **told})
    return _marked(cell), _between(cell)


def _marked(cell: Cell, row: Row | None = None) -> Cell:
    """A figure whose range stands in a column of its own; B is against the value before it."""
    broken = (words.BREAK,) * bool(row and row["series_break"])
    return Cell(cell.text, cell.value, (*cell.marks, *broken), why=cell.why)


def _between(cell: Cell) -> Cell:
    """The range of a figure, for a column that is headed so."""
    if cell.likely:
        return Cell(cell.likely.removeprefix("likely between "))
    return words.nothing(words.LOW) if cell.text else Cell("", marks=cell.marks, why=cell.why)


def years(known: Figures, key: str) -> Picture:
    """An indicator's years, with intervals, its breaks, and the same on the newest definition."""
    indicator, rows = known.indicator(key), list(known.years(key))
    series = Series(rows)
    zones, ids = series.zones()
    points = [*_points(series, drawing.AS_RECORDED), *_years_on_one(known, key, rows)]
    title = f"{words.title(indicator)}, {known.name}, by year"
    return Picture(
        f"years-{key}",
        title,
        _years_say(known, indicator, rows, ids),
        drawing.lines(points, _thinned(rows), zones, indicator.unit) if _enough(rows, 2) else None,
        _table(known, indicator, title, "Year", rows),
        _noted(known, zones, ids),
        sources(known, key, known.newest(key), rows),
        key,
    )


def _thinned(rows: Sequence[Row]) -> list[str]:
    """Labels of years, of which not more stand than a phone can show."""
    every = 1 if len(rows) <= 7 else 2
    last = len(rows) - 1
    return [
        words.printed(row["period"]) if (last - step) % every == 0 else ""
        for step, row in enumerate(rows)
    ]


def _years_on_one(known: Figures, key: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    found = [known.comparable(key, row["period"]) for row in rows]
    if all(row is None or row["status"] == "as_recorded" for row in found):
        return
    segment = 0
    for step, row in enumerate(found):
        if row is None:
            segment += 1
            continue
        limits = (row["lower_95"], row["upper_95"])
        yield _point(step, row["comparable_value"], drawing.ON_ONE, segment, *limits)


def _years_say(known: Figures, indicator: Indicator, rows: Sequence[Row], ids: list[str]) -> str:
    told = [row for row in rows if row["value"] is not None]
    if not told:
        return "No figure by year."
    first, last = (
        f"{rounded(row['value'], indicator.decimals)} in {words.printed(row['period'])}"
        for row in (told[0], told[-1])
    )
    begun = f"{first}, {last} ({indicator.unit})." if len(told) > 1 else f"{last}."
    return f"{begun}{_broken_words(Series(rows), len(ids))} {_said(known, indicator)}".strip()


# --- beside other areas --------------------------------------------------------------------------


def peers(known: Figures, key: str) -> Picture:
    """The peer group ranked, with intervals and its average, the area picked out."""
    indicator, label = known.indicator(key), known.newest(key)
    every = known.beside(key, label)
    ranked = sorted((row for row in every if row["value"] is not None), key=_by_size)
    found = known.finding(key, "group_average", label)
    average = found["base_value"] if found else None
    points = [
        {
            **{"name": _name(row), "value": row["value"]},
            **{"lower": row["lower_95"], "upper": row["upper_95"]},
        }
        for row in ranked
    ]
    title = f"{words.title(indicator)}, {words.printed(label)}, most similar areas"
    rank = known.finding(key, "peer_rank", label)
    return Picture(
        f"peers-{key}",
        title,
        str(rank["sentence"]) if rank else "The area has no place in its group.",
        drawing.dots(points, average, indicator.unit, known.name) if _enough(ranked, 2) else None,
        _peers_table(indicator, title, ranked, average),
        (_absent(known, key, label, every),),
        sources(known, key, label, every),
        key,
        long=True,
    )


def _by_size(row: Row) -> tuple[float, str]:
    return -row["value"], row["area_name"]


def _name(row: Row) -> str:
    return phrases.name(str(row["area_name"]))


def _absent(known: Figures, key: str, label: str, rows: Sequence[Row]) -> str:
    """How many of the group there are figures for: who is not shown is not forgotten."""
    group = known.group(key, label)
    many = len(group.members) if group else 0
    there = sum(row["value"] is not None for row in rows)
    return f"{there} of the {many} areas of the group have a figure."


def _peers_table(
    indicator: Indicator, title: str, rows: Sequence[Row], average: float | None
) -> Table:
    lines = [
        (Cell(_name(row)), _marked(cell), _between(cell))
        for row, cell in ((row, words.level(indicator, row)) for row in rows)
    ]
    if average is not None:
        mean = Cell(rounded(average, indicator.decimals), average)
        lines.append((Cell("Average of the group"), mean, words.nothing(words.NOT_APPLICABLE)))
    return Table(title, ("Area", indicator.unit, "Likely between"), tuple(lines))


def funnel(known: Figures, key: str) -> Picture:
    """The group's areas by size, with limits that allow for how much such areas differ."""
    indicator, label = known.indicator(key), known.newest(key)
    rows = [
        row
        for row in known.beside(key, label)
        if row["numerator"] is not None and row["denominator"] and row["value"] is not None
    ]
    title = f"{words.title(indicator)}, {words.printed(label)}, by size of the area"
    if len(rows) < 3:
        empty = Table(title, ("Area",), ())
        return Picture(f"funnel-{key}", title, "Too few areas have a figure.", None, empty)
    counts, bases = ([row[name] for row in rows] for name in ("numerator", "denominator"))
    limits = funnels.funnel(counts, bases, share=indicator.unit == PER_CENT)
    outside = _outside(limits, rows)
    ours = [row for row in outside if row["area_code"] == known.area]
    return Picture(
        f"funnel-{key}",
        title,
        _funnel_says(known, rows, outside, bool(ours)),
        _funnel_chart(indicator, rows, limits, known.name),
        _funnel_table(indicator, title, rows, limits),
        (_widened(limits, rows),),
        sources(known, key, label, rows),
        key,
        long=True,
    )


def _widened(limits: funnels.Funnel, rows: Sequence[Row]) -> str:
    """What the limits allow for, and how many would be outside if they did not."""
    if not limits.between:
        return "The limits are those of chance alone: these areas differ by no more than that."
    return (
        "The limits are widened by how much these areas differ from one another in any case; "
        "limits of chance alone would put "
        f"{len(_outside(limits, rows, widened=False))} of {len(rows)} outside."
    )


def _outside(limits: funnels.Funnel, rows: Sequence[Row], widened: bool = True) -> list[Row]:
    found = []
    for row in rows:
        lower, upper = limits.limits(row["denominator"], widened=widened)
        if not lower <= row["numerator"] / row["denominator"] <= upper:
            found.append(row)
    return found


def _funnel_says(known: Figures, rows: Sequence[Row], outside: Sequence[Row], ours: bool) -> str:
    where = "outside" if ours else "inside"
    return (
        f"{known.name} lies {where} the limits within which 95 of 100 areas like these lie; "
        f"{len(outside)} of {len(rows)} areas lie outside."
    )


def _funnel_chart(
    indicator: Indicator, rows: Sequence[Row], limits: funnels.Funnel, own: str
) -> Spec:
    least, most = (pick(row["denominator"] for row in rows) for pick in (min, max))
    step = (most - least) / STEPS_OF_A_LIMIT
    bases = [least + step * number for number in range(STEPS_OF_A_LIMIT + 1)]
    drawn = [
        {
            **{"base": base, "which": f"{confidence * 100:g} of 100 areas"},
            **dict(
                zip(("lower", "upper"), _scaled(indicator, limits, base, confidence), strict=True)
            ),
        }
        for confidence in funnels.Z
        for base in bases
    ]
    points = [
        {"name": _name(row), "base": row["denominator"], "value": row["value"]} for row in rows
    ]
    centre = limits.centre * indicator.per
    return drawing.funnel(points, drawn, centre, _base(indicator), indicator.unit, own)


def _scaled(
    indicator: Indicator, limits: funnels.Funnel, base: float, confidence: float
) -> tuple[float, float]:
    lower, upper = limits.limits(base, confidence)
    return lower * indicator.per, upper * indicator.per


def _base(indicator: Indicator) -> str:
    """Residents, of per 1,000 residents."""
    return indicator.unit.split(" ", 2)[-1].capitalize() if indicator.per > 100 else "Cases"


def _funnel_table(
    indicator: Indicator, title: str, rows: Sequence[Row], limits: funnels.Funnel
) -> Table:
    heads = ("Area", _base(indicator), indicator.unit, "Limits (95 of 100 areas)")
    lines = []
    for row in sorted(rows, key=_by_size):
        lower, upper = _scaled(indicator, limits, row["denominator"], 0.95)
        span = f"{rounded(lower, indicator.decimals)} to {rounded(upper, indicator.decimals)}"
        size = Cell(rounded(row["denominator"], 0), row["denominator"])
        figure = _marked(words.level(indicator, row))
        lines.append((Cell(_name(row)), size, figure, Cell(span)))
    return Table(title, heads, tuple(lines))


# --- many at once --------------------------------------------------------------------------------


def small(known: Figures, keys: Sequence[str]) -> Picture:
    """The years of many types side by side, each on its own scale."""
    labels = list(dict.fromkeys(row["period"] for key in keys for row in known.years(key)))
    labels.sort(key=lambda label: period.parse(label).start)
    points = [point for key in keys for point in _small_points(known, key, labels)]
    title = f"Levels by year, {known.name}"
    printed = [words.printed(label) for label in labels]
    rows = tuple(_small_row(known, key, labels) for key in keys)
    return Picture(
        "levels",
        title,
        f"{len(keys)} types of crime and anti-social behaviour by year, each on its own scale; "
        "a line is broken where what is counted changed. The table below holds every figure.",
        drawing.small(points, printed) if len(labels) > 1 else None,
        Table(title, ("Type", "Unit", *printed), rows),
    )


def _small_points(known: Figures, key: str, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    rows = list(known.years(key))
    title = words.title(known.indicator(key))
    for row, segment in zip(rows, Series(rows).segments(), strict=True):
        if row["value"] is not None:
            step = labels.index(row["period"])
            point = _point(step, row["value"], "", segment, row["lower_95"], row["upper_95"])
            yield {**point, "title": title}


def _small_row(known: Figures, key: str, labels: Sequence[str]) -> tuple[Cell, ...]:
    indicator = known.indicator(key)
    cells = []
    for label in labels:
        row = known.value(key, label)
        cells.append(_marked(words.level(indicator, row), row))
    return (Cell(words.title(indicator)), Cell(indicator.unit), *cells)


def answers(known: Figures, keys: Sequence[str]) -> Picture:
    """Shares of who answered a survey, by year."""
    points, rows = [], []
    for key in keys:
        indicator = known.indicator(key)
        told = [row for row in known.years(key) if row["value"] is not None]
        for row in told:
            name, year = words.title(indicator), words.printed(row["period"])
            points.append({"name": name, "value": row["value"], "year": year})
            cell = words.level(indicator, row)
            rows.append((Cell(name), Cell(year), _marked(cell), _between(cell)))
    title = f"What those who answered the survey say, {known.name}"
    return Picture(
        "residents",
        title,
        _answers_say(known, points),
        drawing.shares(points, PER_CENT) if points else None,
        Table(title, ("Statement", "Year", PER_CENT, "Likely between"), tuple(rows)),
        sources=sources(known, keys[0], known.newest(keys[0]), known.years(keys[0]))
        if keys
        else (),
    )


def _of_answers(known: Figures, key: str) -> tuple[Source, ...]:
    return sources(known, key, known.newest(key), known.years(key))


def _answers_say(known: Figures, points: Sequence[Mapping[str, Any]]) -> str:
    if not points:
        return f"No survey tells of {known.name}."
    newest = max(str(one["year"]) for one in points)
    told = [
        f"{one['name']}: {rounded(one['value'], 0)} %" for one in points if one["year"] == newest
    ]
    return f"{newest}: {'; '.join(told)}."


# --- where it comes from -------------------------------------------------------------------------


def sources(known: Figures, key: str, label: str, shown: Sequence[Row]) -> tuple[Source, ...]:
    """Who published what figures rest on, and the files of their areas and period: none where there
    is no figure."""
    indicator = known.indicator(key)
    parts = [part for part in (indicator.value, indicator.numerator, indicator.denominator) if part]
    there = [row for row in shown if not row["value"] is row["numerator"] is None]
    areas = sorted({row["area_code"] for row in there})
    found = []
    for name in dict.fromkeys(part.source for part in parts):
        row = known.sources[name]
        told = known.extracts(key, name, label, areas) if areas else ()
        files = tuple((file, digest[:12]) for file, digest in told)
        found.append(Source(row["title"], row["supplier"], phrases.capital(row["licence"]), files))
    return tuple(found)
