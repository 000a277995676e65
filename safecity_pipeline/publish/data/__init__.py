"""Open data: every table of an edition as CSV, and what machines and people must know to read it.

    files           the tables as CSV, in a stated order
    facts           what all descriptions say: title, licence, who is named as the source
    package         datapackage.json (Frictionless Data)
    web             csv-metadata.json (CSV on the Web), dcat.jsonld (a catalogue's entry)
    dictionary      dictionary.html: what each table, column, code and source means

Columns, types, meanings, keys and codes come from `tables`, those of a source's rows from its
model: all of this says the same, since it is said once.

Belongs here: how an edition is handed on to other programs. Does not belong here: a figure, a
wording of one, and what may be shared.
"""

from __future__ import annotations

from safecity_pipeline.publish.data import dictionary, files, package, web
from safecity_pipeline.publish.edition import Edition


def write(edition: Edition) -> None:
    """The CSV files of an edition, and beside them what describes them."""
    written = files.write(edition)
    package.write(edition, written)
    web.write(edition, written)
    dictionary.write(edition)
