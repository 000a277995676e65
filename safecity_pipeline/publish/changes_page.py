"""What changed since the release before: a page, a table, and lines for a terminal.

Belongs here: telling differences with their causes. Does not belong here: finding either
(`differences`, `causes`). Of two releases nothing is told but what stands in both shareable
databases.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from safecity_pipeline import period, tables, warehouse
from safecity_pipeline.publish import differences, plain_page
from safecity_pipeline.publish.causes import Cause, Causes
from safecity_pipeline.publish.differences import BEFORE, KINDS, Difference
from safecity_pipeline.publish.edition import Edition

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TITLE = "What changed between two releases"
PAGE, TABLE = "changes.html", "changes.csv"
COLUMNS = (
    *("table", "entry", "indicator", "area_code", "area_name", "period", "base_period"),
    *("dimension", "dimension_value", "comparison", "what", "column", "before", "after"),
    *("columns", "cause", "sure", "because", "synthetic"),
)
NEEDED = (tables.RELEASE, tables.EXTRACT, tables.EXTRACT_UNIT, tables.INDICATOR, tables.SOURCE)
SHOWN = 40  # rows of an indicator on the page; the table has all
CAUSES_SHOWN = 12
NO_MORE, MOST_DIGITS = "not told any more", 18
FORMULA = ("=", "+", "-", "@", "\t", "\r")
OTHER = "Sentences, targets and others without an indicator"

Told = tuple[Difference, tuple[Cause, ...]]


@dataclass(frozen=True)
class Changes:
    """What differs between two releases, and why; `facts` of both, the earlier first."""

    facts: tuple[Mapping[str, Any], Mapping[str, Any]]
    rows: Sequence[Told]
    differs: Sequence[Cause]
    not_compared: Sequence[str]
    titles: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows differ, by kind of difference."""
        found = Counter(one.kind for one, _ in self.rows)
        return {kind: found[kind] for kind in KINDS}

    @property
    def synthetic(self) -> bool:
        return any(bool(one["synthetic"]) for one in self.facts)


def between(connection: DuckDBPyConnection, earlier: Path) -> Changes:
    """What differs between the shareable database that is open and that of an earlier release, by
    its folder."""
    with warehouse.reading(connection, warehouse.database(earlier), BEFORE):
        causes = Causes(connection)
        return Changes(
            (causes.before.facts, causes.after.facts),
            [
                (replace(one, left_out=one.get("indicator") in causes.after.left_out), both)
                for one, both in causes.of_all(differences.between(connection))
            ],
            causes.summary(),
            differences.not_compared(connection),
            {key: str(row["title"]) for key, row in causes.titled.items()},
        )


# --- the product ---------------------------------------------------------------------------------


def write(edition: Edition) -> None:
    """The page and the table of an edition. A release before it that cannot be read is no reason
    not to publish: the page says so."""
    found, why = _since(edition)
    synthetic = bool(edition.facts["synthetic"])
    write_table(found.rows if found else [], edition.folder / TABLE, synthetic)
    text = page(found) if found else _nothing(why, synthetic)
    (edition.folder / PAGE).write_text(text, encoding="utf-8", newline="\n")


def _since(edition: Edition) -> tuple[Changes | None, str]:
    if edition.previous is None or not warehouse.database(edition.previous).is_file():
        return None, "This is the first release here: there is none to compare it with."
    why = _unreadable(edition.connection, edition.previous)
    return (None, why) if why else (between(edition.connection, edition.previous), "")


def _unreadable(connection: DuckDBPyConnection, release: Path) -> str:
    """Why a release cannot be compared with, in words; nothing where it can."""
    said = f"The release before, {release.name}, cannot be compared with"
    try:
        with warehouse.reading(connection, warehouse.database(release), BEFORE):
            there = differences.columns_of(connection, BEFORE)
    except duckdb.Error as error:
        return f"{said}: its database cannot be opened ({type(error).__name__})."
    lacking = [table.full_name for table in NEEDED if table.full_name not in there]
    return f"{said}: it has no {', '.join(lacking)}." if lacking else ""


def counts(release: Path) -> dict[str, int | bool]:
    """Of a release, what its table of changes counts; of one without, that nothing is compared."""
    file = release / "public" / TABLE
    if not file.is_file():
        return {"compared": False}
    with file.open(encoding="utf-8", newline="") as handle:
        found = Counter(row["what"] for row in csv.DictReader(handle))
    return {"compared": True, **{kind.replace(" ", "_"): found[kind] for kind in KINDS}}


# --- the table -----------------------------------------------------------------------------------


def write_table(rows: Iterable[Told], file: Path, synthetic: bool) -> None:
    """Every difference as a CSV, one row each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one, causes in rows:
            cells = _cells(one, causes) | {"synthetic": synthetic}
            writer.writerow([_safe(cells[name]) for name in COLUMNS])


def _cells(one: Difference, causes: Sequence[Cause]) -> dict[str, Any]:
    columns = (
        *("indicator", "area_code", "area_name", "period", "base_period"),
        *("dimension", "dimension_value", "comparison"),
    )
    kinds = list(dict.fromkeys(cause.kind for cause in causes))
    return {
        "table": one.of.table.full_name,
        "entry": one.get("claim") or one.get("target") or one.get("series"),
        **{name: one.get(name) for name in columns},
        "what": one.kind,
        "column": one.shown,
        "before": None if differences.is_told_no_more(one) else (one.before or {}).get(one.shown),
        "after": (one.after or {}).get(one.shown),
        "columns": " ".join(one.columns),
        "cause": " or ".join(kinds),
        "sure": len(kinds) == 1,
        "because": _because(causes),
    }


def _because(causes: Sequence[Cause]) -> str:
    told = [f"{cause.kind}: {cause.words}" for cause in causes[:CAUSES_SHOWN]]
    more = len(causes) - CAUSES_SHOWN
    return "; ".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _safe(cell: object) -> object:
    """Numbers as they are; a text that a spreadsheet would take for a formula stays a text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


# --- the page ------------------------------------------------------------------------------------


def page(found: Changes) -> str:
    """The whole page: what the releases were made of, counts, and the rows by indicator."""
    return plain_page.page(TITLE, _body(found), found.synthetic)


def _nothing(why: str, synthetic: bool) -> str:
    return plain_page.page(TITLE, [f"<p>{escape(why)}</p>"], synthetic)


def _body(found: Changes) -> Iterator[str]:
    old, new = found.facts
    yield f"<p>Release {escape(new['stamp'])} beside release {escape(old['stamp'])}.</p>"
    yield f"<p>{escape(_in_all(found))}</p>"
    yield "<h2>What the releases were made from</h2>"
    yield plain_page.listed(map(escape, _made_from(found)))
    if found.not_compared:
        lacking = escape(", ".join(found.not_compared))
        yield f"<p>Not compared, since the earlier release has none: {lacking}.</p>"
    grouped = _grouped(found.rows)
    if not grouped:
        return
    yield "<h2>By indicator</h2>"
    yield plain_page.table(
        "Rows that differ, by indicator",
        ["Indicator", *map(str.capitalize, KINDS), "Cause"],
        [_counted(name, found.titles.get(name, name), rows) for name, rows in grouped.items()],
    )
    for name, rows in grouped.items():
        yield f'<h3 id="{escape(name)}">{escape(found.titles.get(name, name))}</h3>'
        more = len(rows) - SHOWN
        yield _rows_of(name, sorted(rows, key=_importance)[:SHOWN])
        if more > 0:
            yield f'<p>And {more:,} more, in <a href="{TABLE}">{TABLE}</a>.</p>'


def _in_all(found: Changes) -> str:
    told = [f"{count:,} {kind}" for kind, count in found.counts.items() if count]
    if not told:
        return "No row of any published table differs. Compared as stored, exactly."
    return (
        f"Rows of the published tables that differ: {', '.join(told)}. Compared as stored, exactly."
    )


def _made_from(found: Changes) -> list[str]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for cause in found.differs:
        by_kind[cause.kind].append(cause.words)
    told = [f"{kind}: {', '.join(words)}" for kind, words in by_kind.items()]
    return told or ["Nothing that releases record differs."]


def _grouped(rows: Iterable[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for one in rows:
        found[str(one[0].get("indicator") or OTHER)].append(one)
    return dict(sorted(found.items()))


def _counted(name: str, title: str, rows: Sequence[Told]) -> list[str]:
    kinds = Counter(one.kind for one, _ in rows)
    why = Counter(" or ".join(dict.fromkeys(c.kind for c in causes)) for _, causes in rows)
    told = ", ".join(f"{words} ({count:,})" for words, count in why.most_common(4))
    link = f'<a href="#{escape(name)}">{escape(title)}</a>'
    return [link, *(f"{kinds[kind]:,}" if kinds[kind] else "–" for kind in KINDS), escape(told)]


def _importance(told: Told) -> tuple[object, ...]:
    """Figures before words, values before what rests on them, whole before parts."""
    one, _ = told
    place = [each.table.full_name for each in differences.TABLES].index(one.of.table.full_name)
    return KINDS.index(one.kind), place, one.get("dimension") not in (None, "all")


def _rows_of(name: str, rows: Iterable[Told]) -> str:
    return plain_page.table(
        f"Rows of {name} that differ",
        ["What", "Difference", "Before", "After", "Cause"],
        [
            [
                escape(_what(one)),
                escape(f"{one.kind} ({one.shown})"),
                *map(escape, printed(one)),
                escape(why(causes)),
            ]
            for one, causes in rows
        ],
    )


def _what(one: Difference) -> str:
    """Which row it is, in few words."""
    table = one.of.table.name.replace("_", " ")
    area = one.get("area_name") or one.get("area_code")
    label, base = (_when(one.get(name)) for name in ("period", "base_period"))
    told = [
        *(one.get(name) for name in ("claim", "target", "series") if name in one.of.key),
        area,
        f"{label} on {base}" if base else label,
        None if one.get("dimension") in (None, "all") else one.get("dimension_value"),
        one.get("comparison"),
    ]
    return f"{table}: " + ", ".join(str(each) for each in told if each is not None)


def _when(label: str | None) -> str | None:
    """A period as people write it."""
    try:
        return period.parse(label).printed if label else None
    except ValueError:
        return label


def printed(one: Difference) -> tuple[str, str]:
    """What is shown of it, before and after: of numbers no more digits than tell them apart."""
    before, after = ((row or {}).get(one.shown) for row in (one.before, one.after))
    if differences.is_told_no_more(one):
        return NO_MORE, _printed(after, MOST_DIGITS)
    for digits in range(4, MOST_DIGITS):
        told = _printed(before, digits), _printed(after, digits)
        if told[0] != told[1]:
            break
    return told


def _printed(cell: object, digits: int) -> str:
    if cell is None or cell != cell:
        return "none"
    if not isinstance(cell, float):
        return str(cell)
    whole = abs(cell) >= 10**digits  # 22,049 has five: not 2.205e+04
    return f"{cell:,.0f}" if whole else f"{cell:,.{digits}g}"


def why(causes: Sequence[Cause]) -> str:
    """The causes in words: of several kinds it could be any."""
    several = len({cause.kind for cause in causes}) > 1
    return f"could be any of: {_because(causes)}" if several else _because(causes)


# --- the terminal --------------------------------------------------------------------------------


def lines(found: Changes) -> list[str]:
    """A summary: what was made from what, and by indicator how much differs, and why."""
    old, new = found.facts
    told = [
        f"{old['stamp']} → {new['stamp']}",
        *([plain_page.MADE_UP.replace("on this page ", "")] if found.synthetic else []),
        _in_all(found),
        *(f"  {words}" for words in _made_from(found)),
    ]
    for name, rows in _grouped(found.rows).items():
        kinds = Counter(one.kind for one, _ in rows)
        causes = Counter(cause for _, both in rows for cause in both)
        several = len({cause.kind for cause in causes}) > 1
        told.append(f"{name}: " + ", ".join(f"{kinds[k]:,} {k}" for k in KINDS if kinds[k]))
        told.append(
            "  could be: " * several
            + "  because of: " * (not several)
            + _because([cause for cause, _ in causes.most_common()])
        )
        told += [f"    {_line(one)}" for one, _ in sorted(rows, key=_importance)[:3]]
    if found.not_compared:
        told.append(f"not compared: {', '.join(found.not_compared)}")
    return told


def _line(one: Difference) -> str:
    before, after = printed(one)
    return f"{_what(one)}: {one.shown} {before} → {after}"
