"""The frame of a page that stands by itself: one file, no script, nothing fetched; for screens of
any width, light and dark, and paper.

Belongs here: frame, tables and escaping. Does not belong here: what a page says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

MADE_UP = "Everything on this page is made up: it rests on synthetic extracts."
STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #767676; --soft: #f2f2f2;
  --link: #0b4f8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f0f0; --paper: #161616; --line: #8c8c8c;
  --soft: #262626; --link: #8cc4f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); }
h1 { font-size: 1.75rem; line-height: 1.2; }
h2 { margin-top: 2rem; } h3 { margin: 1.5rem 0 .25rem; }
.note { border-left: .4rem solid var(--line); background: var(--soft); padding: .5rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
tbody th { font-weight: 400; min-width: 16ch; } td:last-child { min-width: 24ch; }
td code { overflow-wrap: normal; } td .hash { overflow-wrap: anywhere; font-size: .85em; }
thead th { background: var(--soft); }
pre { white-space: pre-wrap; background: var(--soft); padding: .5rem; }
@media print { body { max-width: none; font-size: 9pt; } a { color: inherit; } }
""".strip()


def page(title: str, body: Iterable[str], synthetic: bool) -> str:
    """A whole page. `body`: HTML, escaped already."""
    said = f'<p class="note"><strong>{MADE_UP}</strong></p>' if synthetic else ""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en-GB">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{escape(title)}</h1>",
            *filter(None, [said]),
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with its caption; the first cell of a row is its head. Cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    told = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{told}\n</tbody></table></div>"
    )


def listed(items: Iterable[str]) -> str:
    """A list of HTML items."""
    return "<ul>" + "".join(f"<li>{one}</li>" for one in items) + "</ul>"
