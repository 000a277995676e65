"""Every indicator down to its clean columns, the supplier's heads and files: a page.

Belongs here: telling what stands in meta.lineage, meta.indicator and the ledger. Each indicator has
the anchor of its key, so that others link to `lineage.html#burglary_rate`. Does not belong here:
working any of it out (`lineage`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from safecity_pipeline import tables
from safecity_pipeline.publish import plain_page
from safecity_pipeline.publish.edition import Edition

PAGE = "lineage.html"
Rows = Sequence[Mapping[str, Any]]
WITHIN = {
    "period": "of the period",
    "year_of_period": "of the calendar year in which the period begins",
    "any": "of any time: it looks over several",
}


def write(edition: Edition) -> None:
    """Write the page into the folder of an edition."""
    indicators = edition.rows("SELECT * FROM meta.indicator ORDER BY indicator")
    parts = edition.rows(
        f"SELECT * FROM {tables.LINEAGE.full_name} "
        "WHERE column_name = 'value' AND part IS NOT NULL "
        "ORDER BY indicator, list_position(['value', 'numerator', 'denominator'], part)"
    )
    text = plain_page.page(
        "Where each figure comes from",
        _body(edition, indicators, parts),
        bool(edition.facts["synthetic"]),
    )
    (edition.folder / PAGE).write_text(text, encoding="utf-8", newline="\n")


def _body(edition: Edition, indicators: Rows, parts: Rows) -> Iterator[str]:
    by_indicator: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for part in parts:
        by_indicator[part["indicator"]].append(part)
    yield (
        "<p>From a printed number to the statement that computes it, the columns that it asks, the "
        "supplier's heads and the files. The same stands in the table <code>meta.lineage</code> of "
        f"<code>safecity.duckdb</code>, by column. Release {escape(edition.facts['stamp'])}.</p>"
    )
    yield '<nav aria-label="Indicators"><h2>Indicators</h2>'
    links = (
        f'<a href="#{escape(one["indicator"])}">{escape(one["title"])}</a>' for one in indicators
    )
    yield plain_page.listed(links) + "</nav>"
    for one in indicators:
        yield from _of_indicator(one, by_indicator[one["indicator"]])
    yield "<h2>Sources and their files</h2>"
    yield from _sources(edition)


def _of_indicator(one: Mapping[str, Any], parts: Rows) -> Iterator[str]:
    key = escape(one["indicator"])
    yield f'<h3 id="{key}">{escape(one["title"])} <code>{key}</code></h3>'
    made = parts[0]["made_by"] if parts else ""
    yield f"<p>{escape(one['unit'])} = {escape(made)}</p>"
    if parts:
        yield plain_page.table(
            f"Parts of {one['indicator']}",
            ["Part", "Clean table", "Columns", "Supplier's heads", "Layouts", "Rows", "Files"],
            map(_part, parts),
        )
    yield (
        "<details><summary>SQL, over the restricted database</summary>"
        f"<pre>{escape(_trimmed(one['sql']))}</pre></details>"
    )


def _trimmed(statement: str) -> str:
    return "\n".join(line for line in statement.splitlines() if line.strip())


def _part(part: Mapping[str, Any]) -> list[str]:
    count = len(part["extracts"])
    files = f"{count} file{'s' * (count != 1)}" if count else "none came"
    return [
        escape(part["part"]),
        f"<code>{escape(part['clean_table'])}</code>",
        _codes(part["clean_columns"]) or "rows, whatever stands in them",
        ", ".join(map(escape, part["heads"])) or "–",
        _codes(part["layouts"]) or "–",
        escape(WITHIN[part["within"]]),
        f'<a href="#source-{escape(part["source"])}">{files}</a>',
    ]


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"<code>{escape(name)}</code>" for name in names)


def _sources(edition: Edition) -> Iterator[str]:
    """Every source of which a row counts, with its files by hash and their sheets."""
    sheets: dict[str, list[str]] = defaultdict(list)
    for row in edition.rows(
        "SELECT extract_id, sheet, layout FROM meta.extract_sheet WHERE layout IS NOT NULL "
        "ORDER BY extract_id, sheet"
    ):
        name = f"sheet {row['sheet']}" if row["sheet"] else "the text"
        sheets[row["extract_id"]].append(f"{escape(name)}, by <code>{escape(row['layout'])}</code>")
    files: dict[str, list[list[str]]] = defaultdict(list)
    for row in edition.rows(
        "SELECT extract_id, source, file, sha256, status FROM meta.extract "
        "WHERE source IS NOT NULL AND status <> 'withdrawn' ORDER BY source, file"
    ):
        cells = [escape(row["file"]), f'<code class="hash">{row["sha256"]}</code>']
        read = "; ".join(sheets[row["extract_id"]])
        files[row["source"]].append([*cells, read or "none", escape(row["status"])])
    for source in edition.rows("SELECT * FROM meta.source ORDER BY source"):
        key = escape(source["source"])
        yield f'<h3 id="source-{key}">{escape(source["title"])} <code>{key}</code></h3>'
        yield f"<p>{escape(source['supplier'])}. {escape(source['licence'] or '')}</p>"
        if files[source["source"]]:
            heads = ["File", "SHA-256", "Read", "Status"]
            yield plain_page.table(f"Files of {source['source']}", heads, files[source["source"]])
        else:
            yield "<p>Nothing of it came.</p>"
