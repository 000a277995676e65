"""The same files described for the web: CSV on the Web (W3C), and DCAT for catalogues of data.

Belongs here: the form of both. Does not belong here: meanings (`tables`), words (`facts`). All
addresses are relative to the file, so that a release may lie anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecity_pipeline import tables
from safecity_pipeline.period import parse
from safecity_pipeline.publish.data import facts
from safecity_pipeline.publish.data.facts import Facts
from safecity_pipeline.publish.data.files import FOLDER, Written, write_json
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.tables import Column, Table

CSVW = f"{FOLDER}/csv-metadata.json"  # where the standard says that a reader of a CSV looks
DCAT = "dcat.jsonld"
TYPES: dict[str, object] = {
    "VARCHAR": "string",
    "DOUBLE": "double",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "BOOLEAN": {"base": "boolean", "format": "true|false"},
    "DATE": "date",
    "TIMESTAMP": "dateTime",
    "VARCHAR[]": "json",
}
AREAS = "http://statistics.data.gov.uk/id/statistical-geography/"
WORDS = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def write(edition: Edition, written: Sequence[Written]) -> None:
    """Both descriptions."""
    about = facts.of(edition)
    write_json(edition.folder / CSVW, _group(about, written))
    write_json(edition.folder / DCAT, _dataset(about, written))


# --- CSV on the Web ------------------------------------------------------------------------------


def _group(about: Facts, written: Sequence[Written]) -> dict[str, object]:
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": about.title,
        "dc:description": about.description,
        "dc:issued": about.published,
        "dc:identifier": about.stamp,
        "dc:license": facts.OPEN_PATH if about.all_open else "../dictionary.html",
        "dc:source": [one.attribution for one in about.sources],
        "tables": [_table(one) for one in written],
    }


def _table(one: Written) -> dict[str, object]:
    return {
        "url": one.file,
        "dc:title": one.table.full_name,
        "dc:description": one.table.comment,
        "tableSchema": _schema(one.table),
    }


def _schema(table: Table) -> dict[str, object]:
    schema: dict[str, object] = {"columns": [_column(column) for column in table.columns]}
    if key := tables.KEYS.get(table.full_name):
        schema["primaryKey"] = list(key)
    if references := tables.REFERENCES.get(table.full_name):
        schema["foreignKeys"] = [_foreign_key(name, to) for name, to in references.items()]
    return schema


def _column(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "titles": column.name,
        "dc:description": column.comment,
        "datatype": _type(column),
    }


def _type(column: Column) -> object:
    if codes := tables.CODES.get(column.name):
        return {"base": "string", "format": "|".join(codes)}
    return TYPES[column.sql_type]


def _foreign_key(name: str, to: Table) -> dict[str, object]:
    (key,) = tables.KEYS[to.full_name]
    return {
        "columnReference": name,
        "reference": {"resource": f"{to.name}.csv", "columnReference": key},
    }


# --- DCAT ----------------------------------------------------------------------------------------


def _dataset(about: Facts, written: Sequence[Written]) -> dict[str, object]:
    year = parse(about.year)
    return {
        "@context": WORDS,
        "@id": f"urn:safecity:{about.stamp}",
        "@type": "dcat:Dataset",
        "dct:title": about.title,
        "dct:description": about.description,
        "dct:identifier": about.name,
        "dcat:version": about.stamp,
        "dct:issued": _typed(about.published, "dateTime"),
        "dct:language": "en",
        "dct:publisher": _agent(f"Community Safety Partnership of {about.area_name}"),
        "dct:spatial": {"@id": f"{AREAS}{about.area_code}"},
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _typed(year.start.isoformat(), "date"),
            "dcat:endDate": _typed(year.end.isoformat(), "date"),
        },
        "dcat:keyword": ["crime", "anti-social behaviour", "community safety", about.area_name],
        "dct:license": _terms(about.all_open),
        "dct:accessRights": about.marking or "public",
        "dct:source": [
            {
                "dct:title": one.title,
                "dct:publisher": _agent(one.supplier),
                "dct:rights": one.attribution,
            }
            for one in about.sources
        ],
        "dct:conformsTo": {"@id": "datapackage.json"},
        "dcat:distribution": [_distribution(one) for one in written],
    }


def _terms(is_open: bool) -> dict[str, str]:
    return {"@id": facts.OPEN_PATH if is_open else "dictionary.html"}


def _agent(name: str) -> dict[str, str]:
    return {"@type": "foaf:Agent", "foaf:name": name}


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _distribution(one: Written) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "dct:title": one.table.full_name,
        "dct:description": one.table.comment,
        "dcat:downloadURL": {"@id": one.path},
        "dcat:mediaType": "text/csv",
        "dcat:byteSize": one.bytes,
        "spdx:checksum": {"spdx:algorithm": "sha256", "spdx:checksumValue": one.sha256},
    }
