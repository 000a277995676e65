"""datapackage.json: the files of an edition described as Frictionless Data asks for.

Belongs here: the form of a data package. Does not belong here: meanings (`tables`), words
(`facts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecity_pipeline import tables
from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.data.facts import Facts
from safecity_pipeline.publish.data.files import Written, write_json
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.tables import Column, Table

FILE = "datapackage.json"
TYPES = {
    "VARCHAR": "string",
    "DOUBLE": "number",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "VARCHAR[]": "array",
}


def write(edition: Edition, written: Sequence[Written]) -> None:
    """The description beside the folder of the files."""
    write_json(edition.folder / FILE, _package(facts.of(edition), written))


def _package(about: Facts, written: Sequence[Written]) -> dict[str, object]:
    return {
        "profile": "tabular-data-package",
        "name": about.name,
        "title": about.title,
        "description": about.description,
        "version": about.stamp,
        "created": about.published,
        "keywords": ["crime", "anti-social behaviour", "community safety", about.area_name],
        "licenses": [_licence(about)],
        "sources": [
            {
                "title": f"{one.supplier}: {one.title}",
                "name": one.key,
                "licence": one.licence,
                "attribution": one.attribution,
            }
            for one in about.sources
        ],
        "resources": [_resource(one) for one in written],
    }


def _licence(about: Facts) -> dict[str, str]:
    """Of the whole: the open one only where every source is under it."""
    if about.all_open:
        return {"name": facts.OPEN_NAME, "path": facts.OPEN_PATH, "title": facts.OPEN}
    return {
        "name": "by-source",
        "path": "dictionary.html",
        "title": "By source: see `sources`, and the terms of each in the dictionary",
    }


def _resource(one: Written) -> dict[str, object]:
    return {
        "name": one.table.name,
        "title": one.table.full_name,
        "description": one.table.comment,
        "path": one.path,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": one.bytes,
        "hash": f"sha256:{one.sha256}",
        "rows": one.rows,
        "schema": _schema(one.table),
    }


def _schema(table: Table) -> dict[str, object]:
    key = tables.KEYS.get(table.full_name, ())
    schema: dict[str, object] = {
        "fields": [_field(column, column.name in key) for column in table.columns],
        "missingValues": [""],
    }
    if key:
        schema["primaryKey"] = list(key)
    if references := tables.REFERENCES.get(table.full_name):
        schema["foreignKeys"] = [_foreign_key(name, to) for name, to in references.items()]
    return schema


def _field(column: Column, in_key: bool) -> dict[str, object]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": TYPES[column.sql_type],
        "description": column.comment,
    }
    # An empty text is a key as good as any; a reader of CSV cannot tell it from none.
    if codes := tables.CODES.get(column.name):
        field["constraints"] = {"enum": list(codes)}
    elif in_key and column.sql_type != "VARCHAR":
        field["constraints"] = {"required": True}
    return field


def _foreign_key(name: str, to: Table) -> dict[str, object]:
    (key,) = tables.KEYS[to.full_name]
    return {"fields": [name], "reference": {"resource": to.name, "fields": [key]}}
