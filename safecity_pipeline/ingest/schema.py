"""Tables of a source, made from its model: clean rows, rows set aside, quarantine.

One declaration (the pandera model and the derived columns) gives the parser's types, the rules,
these tables and their comments, so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from pandera.api.pandas.components import Column as ModelColumn

from safecity_pipeline.ingest import parse
from safecity_pipeline.model import Source
from safecity_pipeline.tables import Column, Table

PLACE = (
    Column("_extract_id", "VARCHAR", "Extract that the row came in, see meta.extract"),
    Column("_sheet", "VARCHAR", "Sheet; empty for a text file"),
    Column("_row", "BIGINT", "Physical row of the sheet, the first is 1"),
)


def stored(source: Source) -> dict[str, str]:
    """Columns of the model that clean rows keep, with their kinds."""
    columns = source.schema.columns
    return {
        name: parse.kind_of(column)
        for name, column in columns.items()
        if (column.metadata or {}).get("stored", True)
    }


def types(source: Source) -> dict[str, str]:
    """The database's types of stored and derived columns."""
    derived = {one.name: one.sql_type for one in source.derived}
    return {name: parse.SQL_TYPES[kind] for name, kind in stored(source).items()} | derived


def marked(source: Source) -> dict[str, str | None]:
    """Columns in which a marker may stand in place of a number, so that their value has a status;
    with the column, if any, that says in words why there is no number."""
    columns = source.schema.columns
    return {
        name: (columns[name].metadata or {}).get("note")
        for name in stored(source)
        if is_marked(columns[name])
    }


def is_marked(column: ModelColumn) -> bool:
    return bool((column.metadata or {}).get("markers"))


def is_open(source: Source, name: str) -> bool:
    """Whether nobody knows beforehand which words may stand in a column of the model."""
    column = source.schema.columns.get(name)
    return column is not None and bool((column.metadata or {}).get("open"))


def personal(source: Source) -> tuple[str, ...]:
    """Columns of the model that hold identifiers of persons, which are replaced at the door."""
    columns = source.schema.columns
    found = [name for name, column in columns.items() if (column.metadata or {}).get("person")]
    if other := [name for name in found if parse.kind_of(columns[name]) != "text"]:
        raise RuntimeError(f"{source.name}: an identifier is a text: {', '.join(other)}")
    return tuple(found)


EXTRACTED_ON = "extracted_on"


def is_dated(source: Source) -> bool:
    """Whether its rows say on which day they were taken from the supplier's system."""
    return EXTRACTED_ON in types(source)


GUARDED = ("official-sensitive", "personal")


def guarded(source: Source) -> bool:
    """Whether what its layouts do not read may say something of a person, so that nobody keeps it:
    the free text of an incident, an address."""
    return bool(personal(source)) or source.sensitivity in GUARDED


def clean_table(source: Source, schema: str = "clean") -> Table:
    """The typed rows of a source; `schema` set_aside holds those of superseded units."""
    model = source.schema.columns
    columns = [
        column for name, kind in stored(source).items() for column in _columns(name, kind, model)
    ]
    columns += [
        Column(derived.name, derived.sql_type, derived.description) for derived in source.derived
    ]
    which = "" if schema == "clean" else " (rows of units that another extract delivers)"
    meaning = (source.model.__doc__ or source.title).strip()
    return Table(schema, source.name, meaning + which, (*PLACE, *columns), public=False)


def _columns(name: str, kind: str, model: Mapping[str, ModelColumn]) -> list[Column]:
    random = bool((model[name].metadata or {}).get("random"))
    column = Column(name, parse.SQL_TYPES[kind], str(model[name].description), random)
    if not is_marked(model[name]):
        return [column]
    status = "ok, rounded, suppressed, not_available, not_applicable, below:n or text (not read)"
    return [
        column,
        Column(f"{name}_status", "VARCHAR", f"What {name} is: {status}"),
        Column(f"{name}_marker", "VARCHAR", f"The cell as received, where {name} is null"),
    ]


def quarantine_table(source: Source) -> Table:
    """The rows of a source that were refused, as received, with all their reasons."""
    columns = (
        *PLACE,
        Column("reasons", "VARCHAR[]", "Every reason in words"),
        Column("received", "VARCHAR", "The physical row as received"),
        Column("rules", "VARCHAR[]", "Names of the rules broken, in the same order"),
    )
    return Table("quarantine", source.name, f"Refused rows: {source.title}", columns, public=False)


CELL = Table(
    "quarantine",
    "cell",
    "Cells that were refused while their rows stand: neither a number nor a declared marker.",
    (
        Column("source", "VARCHAR", "Source, see meta.source"),
        *PLACE,
        Column("column_name", "VARCHAR", "The supplier's head, or the label of a wide table"),
        Column("rule", "VARCHAR", "Name of the rule broken"),
        Column("reason", "VARCHAR", "The reason in words, with what was got"),
    ),
    public=False,
)


CORRECTION = Table(
    "quarantine",
    "correction",
    "Cells and rows that a correction changed, as received; a row that it leaves out is one line, "
    "with its cells by column.",
    (
        Column("source", "VARCHAR", "Source, see meta.source"),
        *PLACE,
        Column("correction", "VARCHAR", "Key of the correction, see meta.correction"),
        Column("action", "VARCHAR", "replace, multiply or exclude"),
        Column("column_name", "VARCHAR", "Our column; null where the row is left out"),
        Column("received", "VARCHAR", "The cell as received, in our words; of a row, its cells"),
        Column("corrected_to", "VARCHAR", "What it was read as instead"),
    ),
    public=False,
)


def allowed(column: ModelColumn) -> tuple[str, ...]:
    """The values that a column may have, where one of its rules is a list; else none."""
    for check in column.checks:
        if listed := (check.statistics or {}).get("allowed"):
            return tuple(map(str, listed))
    return ()
