"""Every rule of a source in the words and heads of its supplier, with what to do about it.

Belongs here: saying. Does not belong here: the rules themselves (`sources`), running them
(`ingest.rules`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecity_pipeline.ingest import parse, rules
from safecity_pipeline.model import Layout, Source

if TYPE_CHECKING:
    from pandera.api.pandas.components import Column

FEW = 6


@dataclass(frozen=True)
class Rule:
    """One rule: its name, itself in words, the supplier's heads it speaks of, what to do."""

    name: str
    words: str
    heads: tuple[str, ...]
    repair: str


def heads(layout: Layout, sent: Iterable[str] = ()) -> dict[str, str]:
    """Our column → the supplier's head: the one that was sent, else the layout's first."""
    found: dict[str, str] = {}
    for head in (*(head for head in sent if head in layout.columns), *layout.columns):
        found.setdefault(layout.columns[head], head)
    return found


def rulebook(source: Source, named: Mapping[str, str]) -> dict[str, Rule]:
    """Every rule by name, in the order in which a row's reasons come. `named`: as `heads`."""
    about = {rule: (columns, repair) for rule, columns, repair in _repairs(source, named)}
    return {
        name: Rule(
            name,
            _in_their_heads(name, words, about[name][0], named),
            tuple(named.get(column, column) for column in about[name][0]),
            about[name][1],
        )
        for name, words in rules.words(source).items()
    }


def _in_their_heads(
    name: str, words: str, columns: tuple[str, ...], named: Mapping[str, str]
) -> str:
    """Words that the pipeline made begin with our name of a column, or list such names."""
    if name == "key_unique":
        return f"no two rows of a file share {_listed(columns, named)}"
    if columns and name in (f"{columns[0]}_kind", f"{columns[0]}_present"):
        return words.replace(columns[0], named.get(columns[0], columns[0]), 1)
    return words


def _listed(columns: Iterable[str], named: Mapping[str, str]) -> str:
    return ", ".join(named.get(column, column) for column in columns)


def _repairs(
    source: Source, named: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Rule, our columns, what to do."""
    yield "row_whole", (), "Export the row again: one line, every cell there, text in UTF-8."
    listed = _listed(source.key, named)
    yield "key_unique", source.key, f"Keep the right one of the rows that share {listed}."
    schema = source.model.to_schema()
    for name, column in schema.columns.items():
        yield from _column_repairs(name, column, named.get(name, name))
    for check in schema.checks:
        columns = tuple((check.statistics or {})["columns"])
        yield str(check.name), columns, _correct(_listed(columns, named))
    for derived in source.derived:
        if derived.refusal:
            yield (
                f"{derived.name}_known",
                derived.columns,
                f"Check the spelling in {_listed(derived.columns, named)}; if it is right, tell "
                "us: we add the name.",
            )


def _column_repairs(
    name: str, column: Column, head: str
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    yield f"{name}_kind", (name,), f"Write {head} as {parse.IN_WORDS[parse.kind_of(column)]}."
    yield f"{name}_present", (name,), f"Fill {head} in."
    for check in column.checks:
        values = tuple(map(str, (check.statistics or {}).get("allowed", ())))
        yield str(check.name), (name,), _of_list(head, values) if values else _correct(head)


def _of_list(head: str, values: tuple[str, ...]) -> str:
    if len(values) <= FEW:
        return f"Write {head} as one of: {', '.join(values)}."
    return f"Write {head} as one of its {len(values)} allowed values; the template lists them."


def _correct(listed: str) -> str:
    return f"Correct {listed}; if the cell is right, tell us: then the rule is wrong."
