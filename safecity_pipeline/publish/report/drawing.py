"""Pictures as Vega-Lite declares them, and their rendering without a browser or a network.

Belongs here: how lines, dots and limits look. Does not belong here: which figures are drawn, and
what they say (`pictures`). Whatever colour tells is told by form too: a dash, a shape, a letter.

An axis of time is counted in steps and labelled, so that no machine's time zone moves a month.
altair is imported when something is drawn: importing it costs more than a command's help.
"""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Datum = Mapping[str, Any]
Spec = dict[str, Any]
"""A picture as Vega-Lite has it."""

INK, QUIET, GRID = "#1b1b1b", "#595959", "#d6d6d6"
RECORDED, COMPARABLE, BREAK = "#1d5a96", "#a34700", "#6b3fa0"
CLASSES = ("#d5e6f5", "#b3d0ea", "#8cb5dc", "#6b9acb", "#4575a8")
"""Of a map, from the fewest: an outline of INK is told from each, and a name of INK from all but
the last, on which one of PAPER is."""
PAPER = "#fefefe"
"""Not white, which is no colour at all on a dark screen."""
COLOURS = {
    **dict(zip(CLASSES, ("#1d2c3b", "#28435d", "#335b80", "#4172a0", "#5a8cbf"), strict=True)),
    PAPER: "#14171a",
    INK: "#f2f2f2",
    QUIET: "#c4c4c4",
    GRID: "#4a4f55",
    RECORDED: "#8ec5ff",
    COMPARABLE: "#ffb066",
    BREAK: "#cfb0ff",
}
"""Each colour of a picture, and what takes its place where a reader's screen is dark."""

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
WIDTH, HEIGHT = 420, 230
TITLE, TEXT = 13, 12
ROW = 19
SCALE = 1.5
"""Pixels of the files for other programs, by one of the page."""

LETTERS_OF_A_LINE = 56
MARKUP_OF_PARTS = re.compile(r' (?:role|aria-\w+)="[^"]*"')
"""A picture is one image with one text: its parts need not be told one by one."""

AS_RECORDED, ROLLING, ON_ONE = "as recorded", "mean of twelve months", "on the newest definition"
ROLLING_ON_ONE = "mean of twelve months, on the newest definition"
STYLES = {
    AS_RECORDED: (RECORDED, [1, 0]),
    ROLLING: (INK, [1, 0]),
    ON_ONE: (COMPARABLE, [6, 3]),
    ROLLING_ON_ONE: (COMPARABLE, [6, 3]),
}
CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "white",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **{"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        **{"labelColor": INK, "titleColor": INK, "gridColor": GRID},
        **{"domainColor": QUIET, "tickColor": QUIET, "labelLimit": 170},
    },
    "legend": {
        **{"orient": "top", "direction": "vertical", "title": None, "labelFontSize": 12},
        **{"labelColor": INK, "symbolStrokeWidth": 2.5, "symbolSize": 300, "labelLimit": 380},
    },
    "header": {"labelFontSize": 12, "labelColor": INK, "title": None, "labelLimit": 190},
    "text": {"fontSize": 12, "color": INK},
}


class Drawn(Protocol):
    """A picture that Vega does not draw."""

    def svg(self, title: Sequence[str], warning: str) -> str: ...


@dataclass(frozen=True)
class Zone:
    """A change of definition on an axis of steps: from one step to another, with its letter."""

    first: float
    last: float
    letter: str


@dataclass(frozen=True)
class Drawing:
    """A picture as files hold it."""

    svg: str
    png: bytes


# --- lines ---------------------------------------------------------------------------------------


class _Sheet:
    """The rows behind the layers of a picture, by name: altair copies what is not named, cell by
    cell."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Datum]] = {}

    def of(self, rows: Iterable[Datum]) -> Any:
        """A layer of these rows."""
        import altair as alt

        name = f"rows_{len(self.rows)}"
        self.rows[name] = list(rows)
        return alt.Chart(alt.NamedData(name))

    def whole(self, layers: Sequence[Any], height: int) -> Spec:
        """The layers as one picture, as wide as all are. Put together as they are told, for altair
        copies each layer whole, again and again, when it is asked to."""
        layered = [one.to_dict(validate=False, context={"top_level": False}) for one in layers]
        fitted = {"type": "fit-x", "contains": "padding"}
        size = {"width": WIDTH, "height": height, "autosize": fitted}
        return {"layer": layered, **size, "datasets": self.rows}

    def with_rows(self, chart: Any) -> Spec:
        return {**chart.to_dict(validate=False), "datasets": self.rows}


def _spread() -> dict[str, Any]:
    """The channels of a likely range that stands upright. Each channel is named by its class: of a
    text alone altair asks its whole schema what it may be."""
    import altair as alt

    return {"y": alt.Y("lower:Q"), "y2": alt.Y2("upper:Q")}


def lines(points: Sequence[Datum], labels: Sequence[str], zones: Sequence[Zone], unit: str) -> Spec:
    """Series over steps. `points`: step, value, lower, upper, series, segment; the line is drawn
    within a segment alone. `labels`: of the steps, "" for one without."""
    import altair as alt

    sheet, x, y = _Sheet(), _steps(labels), alt.Y("value:Q", title=unit)
    shown = list(dict.fromkeys(str(one["series"]) for one in points))
    recorded = [one for one in points if one["series"] == AS_RECORDED]
    dots = sheet.of(recorded).mark_point(size=26, filled=True, color=RECORDED, opacity=1)
    layers = [
        *_ranges(sheet, points, x),
        *_zones(sheet, zones),
        _strokes(sheet, points, x, y, shown),
        dots.encode(x=x, y=y),
    ]
    return sheet.whole(layers, HEIGHT)


def _steps(labels: Sequence[str]) -> Any:
    import altair as alt

    shown = [step for step, label in enumerate(labels) if label]
    axis = alt.Axis(values=shown, labelExpr=f"{list(labels)}[datum.value]", grid=False, title=None)
    return alt.X("step:Q", axis=axis, scale=alt.Scale(domain=[-0.5, len(labels) - 0.5], nice=False))


def _ranges(sheet: _Sheet, points: Sequence[Datum], x: Any) -> list[Any]:
    """The likely range, where one is known: a band along a line, a bar about a figure alone."""
    import altair as alt

    known = [one for one in points if one["lower"] is not None]
    many = Counter(one["segment"] for one in known)
    along = [one for one in known if many[one["segment"]] > 1]
    alone = [one for one in known if many[one["segment"]] == 1]
    drawn = []
    if along:
        band = sheet.of(along).mark_area(opacity=0.2, color=QUIET)
        drawn.append(band.encode(x=x, detail=alt.Detail("segment:N"), **_spread()))
    if alone:
        bars = sheet.of(alone).mark_rule(color=QUIET, strokeWidth=1)
        drawn.append(bars.encode(x=x, **_spread()))
    return drawn


def _strokes(sheet: _Sheet, points: Sequence[Datum], x: Any, y: Any, shown: Sequence[str]) -> Any:
    import altair as alt

    styles = [STYLES[name] for name in shown]
    colour = alt.Scale(domain=shown, range=[one[0] for one in styles])
    dash = alt.Scale(domain=shown, range=[one[1] for one in styles])
    encoded = {
        "color": alt.Color("series:N", scale=colour, sort=shown),
        "strokeDash": alt.StrokeDash("series:N", scale=dash, sort=shown),
    }
    line = sheet.of(points).mark_line(strokeWidth=2)
    return line.encode(x=x, y=y, detail=alt.Detail("segment:N"), **encoded)


def _zones(sheet: _Sheet, zones: Sequence[Zone]) -> list[Any]:
    """Where what is counted changes: a band or a line from top to bottom, with its letter."""
    import altair as alt

    if not zones:
        return []
    rows = [{"step": one.first, "to": one.last, "letter": one.letter} for one in zones]
    at, to = alt.X("step:Q"), alt.X2("to:Q")
    rule = sheet.of(rows).mark_rule(color=BREAK, strokeDash=[2, 3], strokeWidth=1.5)
    said = sheet.of(rows).mark_text(align="left", dx=4, y=8, color=BREAK, fontWeight="bold")
    layers = [rule.encode(x=at), said.encode(x=at, text=alt.Text("letter:N"))]
    if wide := [row for row in rows if row["to"] != row["step"]]:
        over = sheet.of(wide).mark_rect(color=BREAK, opacity=0.12)
        layers.insert(0, over.encode(x=at, x2=to))
    return layers


# --- areas ---------------------------------------------------------------------------------------


def dots(points: Sequence[Datum], average: float | None, unit: str, own: str) -> Spec:
    """Areas ranked by their figure, each with its interval. `points`: name, value, lower, upper."""
    import altair as alt

    sheet, names = _Sheet(), [one["name"] for one in points]
    test = f"datum.value === {_text(own)}"
    bold = {"condition": {"test": test, "value": "bold"}, "value": "normal"}
    axis = alt.Axis(title=None, labelFontWeight=bold, ticks=False, domain=False)
    y = alt.Y("name:N", sort=names, axis=axis)
    x = alt.X("value:Q", title=unit, scale=alt.Scale(zero=True))
    known = sheet.of(one for one in points if one["lower"] is not None)
    layers = [known.mark_rule(color=QUIET).encode(x=alt.X("lower:Q"), x2=alt.X2("upper:Q"), y=y)]
    layers += _picked_out(sheet, points, own, x, y)
    if average is not None:
        mean = sheet.of([{"value": average, "said": "average"}])
        layers.append(mean.mark_rule(strokeDash=[4, 3], color=INK).encode(x=x))
        words = mean.mark_text(align="left", dx=4, y=-6, color=INK)
        layers.append(words.encode(x=x, text=alt.Text("said:N")))
    return sheet.whole(layers, ROW * len(names))


def _picked_out(sheet: _Sheet, points: Sequence[Datum], own: str, x: Any, y: Any) -> list[Any]:
    """The assessed area as a large diamond, the others as circles."""
    others = sheet.of(one for one in points if one["name"] != own)
    ours = sheet.of(one for one in points if one["name"] == own)
    circle = others.mark_point(shape="circle", filled=True, size=55, color=QUIET, opacity=1)
    diamond = ours.mark_point(shape="diamond", filled=True, size=190, color=RECORDED, opacity=1)
    return [one.encode(x=x, y=y) for one in (circle, diamond)]


def funnel(
    points: Sequence[Datum], limits: Sequence[Datum], centre: float, base: str, unit: str, own: str
) -> Spec:
    """Areas by size and figure, with the limits around the group's value. `points`: name, base,
    value; `limits`: base, lower, upper, which."""
    import altair as alt

    sheet = _Sheet()
    x = alt.X("base:Q", title=base, scale=alt.Scale(zero=False, nice=True))
    y = alt.Y("value:Q", title=unit)
    which = list(dict.fromkeys(str(one["which"]) for one in limits))
    dash = alt.StrokeDash("which:N", scale=alt.Scale(domain=which, range=[[6, 3], [2, 2]]))
    edges = sheet.of(limits).mark_line(color=QUIET)
    layers = [
        edges.encode(x=x, y=alt.Y(f"{end}:Q", title=unit), strokeDash=dash)
        for end in ("lower", "upper")
    ]
    layers.append(sheet.of([{"value": centre}]).mark_rule(color=INK).encode(y=y))
    layers += _picked_out(sheet, points, own, x, y)
    ours = sheet.of(one for one in points if one["name"] == own)
    named = ours.mark_text(dy=-13, fontWeight="bold", color=INK)
    layers.append(named.encode(x=x, y=y, text=alt.Text("name:N")))
    return sheet.whole(layers, HEIGHT)


# --- many at once --------------------------------------------------------------------------------


def small(points: Sequence[Datum], labels: Sequence[str]) -> Spec:
    """One small picture a type, each on a scale of its own. `points`: title, step, value, lower,
    upper, segment."""
    import altair as alt

    sheet = _Sheet()
    titles = list(dict.fromkeys(str(one["title"]) for one in points))
    ends = [label if step in (0, len(labels) - 1) else "" for step, label in enumerate(labels)]
    x, y = _steps(ends), alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3))
    data = sheet.of(points).data
    band = alt.Chart().mark_area(opacity=0.2, color=QUIET)
    line = alt.Chart().mark_line(strokeWidth=2, color=RECORDED)
    dot = alt.Chart().mark_point(size=20, filled=True, color=RECORDED, opacity=1)
    layers = (
        band.encode(x=x, detail=alt.Detail("segment:N"), **_spread()),
        line.encode(x=x, y=y, detail=alt.Detail("segment:N")),
        dot.encode(x=x, y=y),
    )
    drawn = alt.layer(*layers, data=data).properties(width=155, height=64)
    header = alt.Header(labelAnchor="start")
    facet = alt.Facet("title:N", sort=titles, header=header)
    every = drawn.facet(facet=facet, columns=2, spacing=12).resolve_scale(y="independent")
    return sheet.with_rows(every)


def shares(points: Sequence[Datum], unit: str) -> Spec:
    """Answers to questions in two years or more. `points`: name, value, year."""
    import altair as alt

    sheet = _Sheet()
    broken = [{**one, "name": "\n".join(textwrap.wrap(str(one["name"]), 30))} for one in points]
    names = list(dict.fromkeys(one["name"] for one in broken))
    years = list(dict.fromkeys(str(one["year"]) for one in points))
    split = alt.Axis(title=None, labelExpr="split(datum.label, '\\n')", domain=False)
    y = alt.Y("name:N", sort=names, axis=split)
    x = alt.X("value:Q", title=unit, scale=alt.Scale(domain=[0, 100]))
    legend = alt.Legend(symbolSize=110, direction="horizontal")
    shape = alt.Scale(domain=years, range=["circle", "diamond", "square", "cross"][: len(years)])
    colour = alt.Scale(domain=years, range=[QUIET, RECORDED, INK, COMPARABLE][: len(years)])
    encoded = {
        "shape": alt.Shape("year:N", scale=shape, sort=years, legend=legend),
        "color": alt.Color("year:N", scale=colour, sort=years, legend=legend),
    }
    dot = sheet.of(broken).mark_point(size=110, opacity=1, strokeWidth=2)
    return sheet.whole([dot.encode(x=x, y=y, **encoded)], 62 * len(names))


def _text(words: str) -> str:
    """A text inside an expression of Vega."""
    kept = words.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{kept}'"


# --- rendering -----------------------------------------------------------------------------------


def make_ready() -> None:
    """Start what renders: the first picture waits for it."""
    import altair  # noqa: F401
    import vl_convert

    nothing: Spec = {"data": {"values": []}, "mark": "point"}
    vl_convert.vegalite_to_svg(json.dumps(nothing))


def render(chart: Spec | Drawn, title: str, says: str, warning: str = "") -> Drawing:
    """The files of a picture; both tell what it shows to who does not see it. `warning`: stands
    above it wherever it is pasted: made up, or not for everybody."""
    import vl_convert

    lines = textwrap.wrap(title, LETTERS_OF_A_LINE)
    drawn = (
        _by_vega(chart, lines, warning) if isinstance(chart, dict) else chart.svg(lines, warning)
    )
    return Drawing(_titled(drawn, title, says), vl_convert.svg_to_png(drawn, scale=SCALE))


def _by_vega(chart: Spec, title: Sequence[str], warning: str) -> str:
    import vl_convert

    head: Spec = {"text": title, "anchor": "start"}
    head |= {"fontSize": TITLE, "frame": "bounds", "offset": 10, "color": INK}
    if warning:
        head |= {"subtitle": warning, "subtitleColor": BREAK, "subtitleFontSize": TEXT}
    return str(vl_convert.vegalite_to_svg(json.dumps({**chart, "title": head, "config": CONFIG})))


def _titled(svg: str, title: str, says: str) -> str:
    told = f"<title>{html.escape(title)}</title><desc>{html.escape(says)}</desc>"
    start, rest = MARKUP_OF_PARTS.sub("", svg).split(">", 1)
    return f'{start} role="img">{told}{rest}'


def inline(svg: str, key: str) -> str:
    """A picture as part of a page: ids of its own, no names of schemas, sized by the page."""
    bare = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    bare = re.sub(r'\bid="', f'id="{key}-', bare)
    bare = re.sub(r"url\(#", f"url(#{key}-", bare)
    named = bare.replace("<title>", f'<title id="{key}-title">', 1)
    named = named.replace("<desc>", f'<desc id="{key}-desc">', 1)
    named = named.replace("<svg ", f'<svg aria-labelledby="{key}-title {key}-desc" ', 1)
    return re.sub(r'(<svg [^>]*?) width="[^"]*" height="[^"]*"', r"\1", named, count=1)
