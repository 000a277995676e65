"""A source's pandera model, run over distinct values instead of rows.

Five million rows have 30 thousand positions and 14 crime types: each rule is asked once for each
distinct value (or combination of the columns that it names), and what fails is joined back to
the rows. So a rule is declared once, for an extract of 40 rows or of 40 million.

A column whose texts are nearly all different, such as a reference, says in the model which form
they have (`form`, a regular expression that Python and the database understand alike). Texts of
that form need no rule and no type; only the others come to pandera.

Works on a table `stage` (`_extract`, `_row`, then one text column for each column of the model)
and leaves `bad` (one row a reason) and one table `typed_<column>` for each column whose value is
not its text. Does not belong here: where rows go afterwards (`load`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.engines.pandas_engine import Engine

from safecity_pipeline.ingest import parse, stage
from safecity_pipeline.ingest.schema import is_marked
from safecity_pipeline.model import Derived, Layout, Places, Source
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandera.api.pandas.components import Column

CHUNK = 250_000
KEPT = 250_000


BAD = """
CREATE OR REPLACE TEMP TABLE bad
    (_extract INTEGER, _row BIGINT, position INTEGER, rule VARCHAR, reason VARCHAR);
CREATE OR REPLACE TEMP TABLE bad_cell
    (_extract INTEGER, _row BIGINT, column_name VARCHAR, rule VARCHAR, reason VARCHAR);
CREATE OR REPLACE TEMP TABLE noted (_extract INTEGER, _row BIGINT, rule VARCHAR, got VARCHAR);
"""


@dataclass(frozen=True)
class Distinct:
    """The distinct texts of a column: `raw`, `value`, `status`, and whether no rule refuses them
    (`usable`)."""

    frame: pd.DataFrame

    @cached_property
    def places(self) -> dict[object, int]:
        """Text → its row of the frame; of usable ones."""
        usable = zip(_objects(self.frame["raw"]), self.frame["usable"].tolist(), strict=True)
        return {text: at for at, (text, good) in enumerate(usable) if good}

    @cached_property
    def values(self) -> list[object]:
        """The values as Python has them, by row of the frame."""
        return _objects(self.frame["value"])


def run(
    connection: DuckDBPyConnection,
    source: Source,
    layout: Layout,
    heads: Mapping[str, str],
    places: Places,
) -> dict[str, Distinct]:
    """Fill `bad`, `bad_cell` and the typed tables; answers the distinct values of the columns that
    have few.

    `heads`: our column → the supplier's head, for the words.
    """
    connection.execute(BAD)
    schema = source.schema
    known: dict[str, Distinct] = {}
    for position, (name, column) in enumerate(schema.columns.items()):
        judged = _column(connection, name, column, layout, heads.get(name, name), position)
        if judged is not None:
            known[name] = judged
    offset = len(schema.columns)
    for position, check in enumerate(schema.checks, offset):
        _across(connection, check, known, heads, position)
    for position, derived in enumerate(source.derived, offset + len(schema.checks)):
        if not of_joined(source, derived):
            _derive(connection, derived, known, heads, places, position)
    return known


def of_joined(source: Source, derived: Derived) -> bool:
    """Whether a column is derived from one that folding puts together."""
    return source.fold is not None and not {*source.fold.joined}.isdisjoint(derived.columns)


def derive_folded(
    connection: DuckDBPyConnection,
    source: Source,
    known: Mapping[str, Distinct],
    places: Places,
) -> None:
    """Derive what is worked out of joined columns. `known`: what `run` answered."""
    assert source.fold is not None
    texts = {name: _texts_of_good_rows(connection, name) for name in source.fold.joined}
    for derived in source.derived:
        if of_joined(source, derived):
            if derived.refusal:
                raise RuntimeError(f"{derived.name}: a column of joined ones refuses no row")
            _derive(connection, derived, {**known, **texts}, {}, places, 0)


def _texts_of_good_rows(connection: DuckDBPyConnection, name: str) -> Distinct:
    """The texts of a column as they stand now; usable are those of some row that is not refused."""
    found = connection.execute(
        f"SELECT {name} AS raw, bool_or(b._row IS NULL) AS usable FROM stage s LEFT JOIN "
        f"(SELECT DISTINCT _extract, _row FROM bad) b USING (_extract, _row) GROUP BY ALL"
    ).df()
    values = parse.parse(found["raw"].astype("str"), "text")
    return Distinct(values.assign(usable=found["usable"].to_numpy(dtype=bool)))


def words(source: Source) -> dict[str, str]:
    """Every rule of a source, by name, in words; in the order in which a row's reasons come."""
    schema = source.schema
    said = {"row_whole": "a row has as many cells as the head, closed quotation marks, UTF-8 text"}
    if source.key:
        said["key_unique"] = f"no two rows of a file share {', '.join(source.key)}"
    if source.fold and source.fold.same:
        key, same = ", ".join(source.fold.key), ", ".join(source.fold.same)
        said["folded_rows_agree"] = f"rows of one {key} agree in {same}"
    for name, column in schema.columns.items():
        said |= _words_of(name, column)
    said |= {str(check.name): str(check.error) for check in schema.checks}
    unknown = [derived for derived in source.derived if derived.refusal]
    return said | {f"{derived.name}_known": str(derived.refusal) for derived in unknown}


def _words_of(name: str, column: Column) -> dict[str, str]:
    kind = parse.kind_of(column)
    marker = " or a marker that the layout declares" * is_marked(column)
    said = {} if kind == "text" else {f"{name}_kind": f"{name} is {parse.IN_WORDS[kind]}{marker}"}
    if not column.nullable:
        said[f"{name}_present"] = f"{name} is not empty"
    return said | {str(check.name): str(check.error) for check in column.checks}


def _column(
    connection: DuckDBPyConnection,
    name: str,
    column: Column,
    layout: Layout,
    head: str,
    position: int,
) -> Distinct | None:
    """Judge one column; answers its distinct values, typed and marked, if they are few."""
    kind, marked, form = parse.kind_of(column), is_marked(column), form_of(column)
    kept: list[pd.DataFrame] = []
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE typed_{name} "
        f"(raw VARCHAR, value {parse.SQL_TYPES[kind]}, status VARCHAR)"
    )
    for raw in _distinct(connection, name, form):
        values = parse.parse(raw, kind, layout.markers if marked else None)
        if marked:
            values = _without_unknown(connection, values, name, kind, layout, head)
        values["usable"] = True
        if kind != "text" or not column.nullable or column.checks:
            if found := _failures(values, name, column, kind, head):
                failures = pd.concat(found, ignore_index=True)
                values["usable"] = ~values["raw"].isin(failures["raw"]) | values["raw"].isna()
                _mark(connection, failures, (name,), position)
            if column.nullable is False:
                values["usable"] &= values["status"] == parse.OK
        _keep_typed(connection, name, values, kind, marked)
        kept.append(values)
    together = kept[0] if len(kept) == 1 else pd.concat(kept, ignore_index=True)
    return Distinct(together) if len(together) <= KEPT and form is None else None


def form_of(column: Column) -> str | None:
    """The form of which a column's texts may be without being asked one by one; they are kept as
    they stand, so no other column than one of texts can have a form."""
    form = (column.metadata or {}).get("form")
    if form is not None and parse.kind_of(column) != "text":
        raise RuntimeError(f"{column.name}: a column that is not of texts has no form")
    return None if form is None else str(form)


def _without_unknown(
    connection: DuckDBPyConnection,
    values: pd.DataFrame,
    name: str,
    kind: str,
    layout: Layout,
    head: str,
) -> pd.DataFrame:
    """Cells that are neither a number nor a declared marker cost themselves their value, and
    their row nothing: each is named in `bad_cell`."""
    unknown = values["status"].isin((parse.TEXT, parse.ABSENT))
    words = f"not {parse.IN_WORDS[kind]}, and no marker that the layout declares"
    failing = _reasons(values["raw"][unknown], f"{name}_kind", words)
    failing.loc[failing["raw"].isna(), "reason"] = "empty, which the layout gives no meaning"
    column = quoted(head)
    if layout.wide and name == layout.wide_value:
        column = " || ' ' || ".join(f"s.{part}" for part in str(layout.wide_label).split("|"))
    if not failing.empty:
        connection.register("failing", _plain(failing))
        connection.execute(
            f"INSERT INTO bad_cell SELECT s._extract, s._row, {column}, f.rule, "
            f"{column} || ': ' || f.reason FROM stage s JOIN failing f "
            f"ON s.{name} IS NOT DISTINCT FROM f.raw"
        )
        connection.unregister("failing")
    values.loc[unknown, "status"] = parse.TEXT
    return values


def _distinct(connection: DuckDBPyConnection, name: str, form: str | None) -> Iterator[pd.Series]:
    """The texts of a column, each once, in chunks; none that is of the form."""
    known = f"{name} IS NOT NULL AND regexp_full_match({name}, {quoted(form)})" if form else "false"
    texts = f"SELECT DISTINCT {name} AS raw FROM stage WHERE NOT ({known})"
    found = connection.execute(f"{texts} LIMIT {CHUNK + 1}").fetchall()
    if len(found) <= CHUNK:
        yield pd.Series([text for (text,) in found], dtype="str")
        return
    connection.execute(f"CREATE OR REPLACE TEMP TABLE values_now AS {texts}")
    count = stage.number_from(connection, "SELECT count(*) FROM values_now")
    for start in range(0, count, CHUNK):
        frame = connection.execute(
            f"SELECT raw FROM values_now ORDER BY rowid LIMIT {CHUNK} OFFSET {start}"
        ).df()
        yield frame["raw"].astype("str")


def _failures(
    values: pd.DataFrame, name: str, column: Column, kind: str, head: str
) -> list[pd.DataFrame]:
    """`raw`, `rule`, `reason` for each distinct value that the column refuses, by rule; rules that
    refuse none are not among them."""
    found, unread = [], values["status"] == parse.TEXT
    if unread.any():
        if not is_marked(column):
            words = f"{head}: not {parse.IN_WORDS[kind]}"
            found.append(_reasons(values["raw"][unread], f"{name}_kind", words))
        values = values[~unread]
    typed = pd.DataFrame({name: values["value"]})
    for rule, words, failing in _refused(typed, name, column):
        found.append(_reasons(values["raw"].loc[failing], rule, f"{head}: {words}"))
    return found


def _refused(typed: pd.DataFrame, name: str, column: Column) -> Iterator[tuple[str, str, pd.Index]]:
    if _passes(typed[name], column):
        return
    try:
        column.validate(typed, lazy=True)
        return
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    words = {str(check.error): str(check.name) for check in column.checks}
    for said, group in cases.groupby("check", sort=False):
        failing = typed.index[typed.index.isin(group["index"].dropna())]
        if said == "not_nullable":
            yield f"{name}_present", "must not be empty", typed.index[typed[name].isna()]
        elif said in words:
            yield words[said], str(said), failing
        else:
            raise RuntimeError(f"{name}: pandera failed on {said}")


def _passes(values: pd.Series, column: Column) -> bool:
    """Whether pandera certainly refuses none. Asking its checks takes half as long as `validate`,
    which is left to say what is wrong."""
    if column.unique or (values.hasnans and not column.nullable):
        return False
    # Of some types pandera answers for each value, of others once.
    fits = column.dtype is None or column.dtype.check(Engine.dtype(values.dtype), values)
    if not np.asarray(fits).all():
        return False
    return all(bool(check(values).check_passed) for check in column.checks)


def _reasons(raw: pd.Series, rule: str, words: str) -> pd.DataFrame:
    said = [words if pd.isna(text) else f"{words}; got: {text!r}" for text in raw]
    return pd.DataFrame({"raw": raw.array, "rule": rule, "reason": said})


def _mark(
    connection: DuckDBPyConnection, failures: pd.DataFrame, columns: tuple[str, ...], position: int
) -> None:
    """Give every row that holds a failing value (or combination) its reason."""
    if failures.empty:
        return
    keys = ["raw"] if len(columns) == 1 else [f"raw_{column}" for column in columns]
    same = " AND ".join(
        f"s.{column} IS NOT DISTINCT FROM f.{key}"
        for column, key in zip(columns, keys, strict=True)
    )
    connection.register("failing", _plain(failures))
    connection.execute(
        f"INSERT INTO bad SELECT s._extract, s._row, {position}, f.rule, f.reason "
        f"FROM stage s JOIN failing f ON {same}"
    )
    connection.unregister("failing")


def _keep_typed(
    connection: DuckDBPyConnection, name: str, values: pd.DataFrame, kind: str, marked: bool
) -> None:
    """Texts that are their own value need no table; rows fall back to the text itself."""
    kept = values if marked else values[values["status"] == parse.OK]
    if kind in ("text", "financial_year"):
        kept = values[(values["value"] != values["raw"]) & values["raw"].notna()]
    if kept.empty:
        return
    connection.register("typed_now", _plain(kept.drop(columns="usable")))
    connection.execute(f"INSERT INTO typed_{name} SELECT raw, value, status FROM typed_now")
    connection.unregister("typed_now")


def _combinations(
    connection: DuckDBPyConnection, columns: tuple[str, ...], known: Mapping[str, Distinct]
) -> tuple[list[tuple[object, ...]], list[tuple[int, ...]]]:
    """Distinct combinations of texts that are all usable; and where each text is among the known
    ones of its column."""
    if lacking := [name for name in columns if name not in known]:
        raise RuntimeError(f"too many values to combine: {', '.join(lacking)}")
    places = [known[name].places for name in columns]
    if len(columns) == 1:  # its distinct values are known, so the rows need not be asked again
        return [(text,) for text in places[0]], [(at,) for at in places[0].values()]
    rows = connection.execute(f"SELECT DISTINCT {', '.join(columns)} FROM stage").fetchall()
    usable = [row for row in rows if all(text in at for text, at in zip(row, places, strict=True))]
    return usable, [tuple(at[text] for text, at in zip(row, places, strict=True)) for row in usable]


def _across(
    connection: DuckDBPyConnection,
    check: pa.Check,
    known: Mapping[str, Distinct],
    heads: Mapping[str, str],
    position: int,
) -> None:
    """A rule that names several columns, over their distinct combinations."""
    columns = tuple((check.statistics or {})["columns"])
    texts, rows = _combinations(connection, columns, known)
    if not rows:
        return
    typed = {
        name: known[name].frame["value"].take(list(ats)).array
        for name, ats in zip(columns, zip(*rows, strict=True), strict=True)
    }
    combined = pd.DataFrame(typed)
    holds = check(combined).check_output.reindex(combined.index, fill_value=True).astype(bool)
    failing = [text for text, good in zip(texts, holds, strict=True) if not good]
    _refuse(connection, failing, columns, heads, str(check.name), str(check.error), position)


def _refuse(
    connection: DuckDBPyConnection,
    texts: Sequence[tuple[object, ...]],
    columns: tuple[str, ...],
    heads: Mapping[str, str],
    rule: str,
    words: str,
    position: int,
) -> None:
    """Give every row that holds one of the combinations of texts its reason."""
    names = ["raw"] if len(columns) == 1 else [f"raw_{column}" for column in columns]
    failing = pd.DataFrame(texts, columns=names, dtype=object)
    failing["rule"] = rule
    failing["reason"] = _said_of(texts, columns, heads, words)
    _mark(connection, failing, columns, position)


def _said_of(
    texts: Sequence[tuple[object, ...]],
    columns: tuple[str, ...],
    heads: Mapping[str, str],
    words: str,
) -> list[str]:
    where = ", ".join(heads.get(column, column) for column in columns)
    got = [", ".join("nothing" if one is None else repr(one) for one in row) for row in texts]
    return [f"{where}: {words}; got: {each}" for each in got]


def _derive(
    connection: DuckDBPyConnection,
    derived: Derived,
    known: Mapping[str, Distinct],
    heads: Mapping[str, str],
    places: Places,
    position: int,
) -> None:
    """Make `derived_<name>` (raw columns → value), and refuse what must be known and is not."""
    columns = derived.columns
    texts, rows = _combinations(connection, columns, known)
    values = [known[name].values for name in columns]
    given = [[each[at] for each, at in zip(values, row, strict=True)] for row in rows]
    there = [any(value is not None for value in row) for row in given]
    made = [
        derived.make(places, *row) if some else None for row, some in zip(given, there, strict=True)
    ]
    found = pd.Series(made, dtype=object)
    _keep_derived(connection, derived, texts, found)
    if derived.refusal:
        lacking = [
            text
            for text, some, none in zip(texts, there, found.isna(), strict=True)
            if some and none
        ]
        rule = f"{derived.name}_known"
        _refuse(connection, lacking, columns, heads, rule, derived.refusal, position)


def _keep_derived(
    connection: DuckDBPyConnection,
    derived: Derived,
    texts: Sequence[tuple[object, ...]],
    values: pd.Series,
) -> None:
    raws = [f"raw_{column}" for column in derived.columns]
    told = pd.DataFrame(texts, columns=raws, dtype=object)
    told["value"] = values
    connection.register("derived_now", _plain(told))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE derived_{derived.name} AS SELECT "
        + ", ".join(f"CAST({raw} AS VARCHAR) AS {raw}" for raw in raws)
        + f", CAST(value AS {derived.sql_type}) AS value FROM derived_now"
    )
    connection.unregister("derived_now")


def _objects(values: pd.Series) -> list[object]:
    """As Python has them, None for every kind of null."""
    return _with_none(values).tolist()


def _with_none(values: pd.Series) -> pd.Series:
    objects = values.astype(object)
    return objects.where(objects.notna(), None) if objects.hasnans else objects


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """With None for every kind of null in text columns, as DuckDB reads object columns."""
    return pd.DataFrame(
        {
            name: _with_none(column) if column.dtype in (object, "str") else column
            for name, column in frame.items()
        }
    )
