"""Rows that tell of one thing put together, where a source declares it (`Source.fold`).

Belongs here: which rows of a sheet are one, what the one row says, how many went into it, and those
that cannot be of one thing. Does not belong here: whether a row is right by itself (`rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from safecity_pipeline.ingest import stage
from safecity_pipeline.ingest.stage import Staged
from safecity_pipeline.model import Fold
from safecity_pipeline.tables import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RULE = "folded_rows_agree"
POSITION = -1  # of its reason among those of a row: before what is wrong with one column
GOOD = "SELECT * FROM stage ANTI JOIN bad USING (_extract, _row)"
OF_ONE = "FROM keyed JOIN several USING (_extract, _key)"


def fold(
    connection: DuckDBPyConnection, staged: Staged, how: Fold, heads: Mapping[str, str]
) -> None:
    """Leave on the stage one row of each key among the rows that no rule refuses, and count the
    others. `heads`: our column → the supplier's head, for the words."""
    _find_several(connection, how)
    if stage.number_from(connection, "SELECT count(*) FROM several") == 0:
        return
    _mark_unlike(connection, how, heads)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE folded AS SELECT _extract, _row, _first "
        f"{OF_ONE} ANTI JOIN bad USING (_extract, _row) WHERE _row > _first"
    )
    _join_texts(connection, how)
    connection.execute("DELETE FROM stage USING folded AS f WHERE " + _same_row("stage", "f"))
    counted = "SELECT _extract, count(*) FROM folded GROUP BY _extract"
    for number, rows in connection.execute(counted).fetchall():
        staged.counts[number] = replace(staged.counts[number], folded=rows)


def _find_several(connection: DuckDBPyConnection, how: Fold) -> None:
    """`keyed`: good rows with their key. `several`: keys of more than one, with the first row."""
    key = ", ".join(f"trim({column})" for column in how.key)
    given = " AND ".join(f"trim({column}) <> ''" for column in how.key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE keyed AS SELECT _extract, _row, row({key}) AS _key "
        f"FROM ({GOOD}) WHERE {given}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE several AS SELECT _extract, _key, min(_row) AS _first "
        "FROM keyed GROUP BY ALL HAVING count(*) > 1"
    )


def _mark_unlike(connection: DuckDBPyConnection, how: Fold, heads: Mapping[str, str]) -> None:
    """Rows that say otherwise than the first of their key in what must be the same."""
    if not how.same:
        return
    cases = [f"CASE WHEN {_unlike(name)} THEN {_words(name, heads)} END" for name in how.same]
    said = ", ".join(cases)
    any_unlike = " OR ".join(_unlike(name) for name in how.same)
    connection.execute(
        f"INSERT INTO bad SELECT _extract, _row, {POSITION}, {quoted(RULE)}, "
        f"concat_ws('; ', {said}) FROM (SELECT * {OF_ONE}) AS k "
        "JOIN stage AS s USING (_extract, _row) "
        "JOIN stage AS f ON f._extract = k._extract AND f._row = k._first "
        f"WHERE _row > _first AND ({any_unlike})"
    )


def _unlike(column: str) -> str:
    return f"nullif(trim(s.{column}), '') IS DISTINCT FROM nullif(trim(f.{column}), '')"


def _words(column: str, heads: Mapping[str, str]) -> str:
    head = quoted(f"{heads.get(column, column)}: not as on row ")
    mark = quoted("'")
    got = f"coalesce({mark} || s.{column} || {mark}, 'nothing')"
    return f"{head} || _first || ', which tells of the same thing; got: ' || {got}"


def _join_texts(connection: DuckDBPyConnection, how: Fold) -> None:
    """Give the first row of each key the texts of them all, in the order of the rows."""
    for column in how.joined:
        parted = quoted(how.separator)
        connection.execute(
            f"UPDATE stage SET {column} = j.text FROM ("
            f"SELECT _extract, _first AS _row, string_agg(text, {parted} ORDER BY _at) AS text "
            f"FROM (SELECT f._extract, _first, trim(s.{column}) AS text, min(s._row) AS _at "
            "FROM (FROM folded UNION SELECT _extract, _first, _first FROM folded) AS f "
            "JOIN stage AS s USING (_extract, _row) "
            f"WHERE trim(s.{column}) <> '' GROUP BY ALL) GROUP BY ALL) AS j WHERE "
            + _same_row("stage", "j")
        )


def _same_row(one: str, other: str) -> str:
    return f"{one}._extract = {other}._extract AND {one}._row = {other}._row"
