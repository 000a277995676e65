"""What a source counted, by area, period and category, as an array.

Belongs here: reading the clean rows of one classification, and laying them out. Does not belong
here: what is to be seen in them (`edges`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safecity_pipeline.model import Classification, Source
from safecity_pipeline.watch import spelling

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Days = tuple[date, date]
SOME_ROWS = 5
COLUMNS = ("kind", "area", "start", "end", "label", "within", "words", "count")


@dataclass(frozen=True, eq=False)
class Counts:
    """One classification of one kind of table, in periods of one length.

    `count[area, period, category]`: what was counted; `listed`: whether the table has such a row,
    be it of 0. `within`, `words`: of each category, as it was written last; empty for none.
    `spelt[category]`: spelling → the same array of it alone, where there is more than one.
    """

    months: int
    areas: tuple[str, ...]
    periods: tuple[Days, ...]
    categories: tuple[str, ...]
    within: tuple[str, ...]
    words: tuple[str, ...]
    count: np.ndarray
    listed: np.ndarray
    spelt: Mapping[int, Mapping[str, np.ndarray]]

    @cached_property
    def delivered(self) -> np.ndarray:
        """Whether an area has any row in a period: without one, nothing is known of it."""
        return np.asarray(self.listed.any(axis=2))

    @cached_property
    def total(self) -> np.ndarray:
        """Everything counted, by area and period."""
        return np.asarray(self.count.sum(axis=2))

    def named(self, category: int) -> str:
        """Its name for people: a code with its words."""
        name, words = self.categories[category], self.words[category]
        return f"{name} {words}" if words else name


def statement(source: Source, one: Classification) -> str:
    """SQL over the clean table: COLUMNS. A code's words are those that most of its rows have; where
    rows are about persons, at least SOME_ROWS: what stands in one cell alone is not told."""
    least = 1 if source.sensitivity == "public" else SOME_ROWS
    within = one.within or "NULL"
    counted = (
        f"SELECT {source.table} AS kind, {source.geography} AS area, "
        f"({source.period_start})::DATE AS start, ({source.period_end})::DATE AS end, "
        f'"{one.column}" AS label, {within} AS within, ({one.count})::DOUBLE AS count '
        f'FROM {source.clean} WHERE "{one.column}" IS NOT NULL GROUP BY ALL '
        "HAVING area IS NOT NULL AND start IS NOT NULL"
    )
    words = one.words or "NULL"
    said = (
        f'SELECT "{one.column}" AS label, {words} AS words, count(*) AS rows FROM {source.clean} '
        f"GROUP BY ALL HAVING count(*) >= {least}"
    )
    # Of two that as many rows have, always the same one, in whatever order the files came.
    order = "{'rows': rows, 'words': words}"
    most = f"SELECT label, arg_max(words, {order}) AS words FROM said GROUP BY label"
    return (
        f"WITH counted AS ({counted}), said AS ({said}), most AS ({most}) "
        "SELECT counted.*, words FROM counted LEFT JOIN most USING (label) ORDER BY ALL"
    )


def of_source(
    connection: DuckDBPyConnection,
    source: Source,
    one: Classification,
    followed_by: Mapping[str, str],
) -> list[Counts]:
    """The counts of one classification: by kind of table and length of period.

    `followed_by`: code of an area or body → the one that took its place.
    """
    rows = connection.execute(statement(source, one)).df()
    rows["area"] = rows["area"].map(
        {code: followed_by.get(code, code) for code in rows["area"].unique()}
    )
    return list(laid_out(rows, codes=one.words is not None))


def laid_out(rows: pd.DataFrame, codes: bool = False) -> Iterator[Counts]:
    """Rows of COLUMNS → an array for each kind and length. `codes`: labels are codes. Of a hundred
    thousand rows some hundred labels are looked at, each once."""
    key = spelling.code_key if codes else spelling.key
    texts = (one for one in rows["label"].unique() if isinstance(one, str))
    keys = {label: key(label) for label in texts if spelling.is_label(label)}
    rows = rows[rows["label"].isin(list(keys))].copy()
    rows["key"] = rows["label"].map(keys)
    rows["start"], rows["end"] = pd.to_datetime(rows["start"]), pd.to_datetime(rows["end"])
    rows["months"] = _months(rows["end"]) - _months(rows["start"]) + 1
    tables = rows[["kind", "months"]].drop_duplicates().itertuples(index=False, name=None)
    for kind, months in sorted(tables):
        yield _array(rows[(rows["kind"] == kind) & (rows["months"] == months)], int(months))


def _months(days: pd.Series) -> pd.Series:
    months: pd.Series = days.dt.year * 12 + days.dt.month
    return months


def _array(rows: pd.DataFrame, months: int) -> Counts:
    areas = sorted(rows["area"].unique())
    spans = pd.MultiIndex.from_frame(rows[["start", "end"]])
    periods = spans.unique().sort_values()
    newest = rows.sort_values(["start", "label"]).drop_duplicates("key", keep="last")
    newest = newest.sort_values("label")
    keys = list(newest["key"])
    where = (
        pd.Index(areas).get_indexer(rows["area"]),
        periods.get_indexer(spans),
        pd.Index(keys).get_indexer(rows["key"]),
    )
    shape = (len(areas), len(periods), len(keys))
    listed = np.zeros(shape, bool)
    listed[where] = True
    return Counts(
        months,
        tuple(areas),
        tuple((start.date(), end.date()) for start, end in periods),
        tuple(newest["label"]),
        tuple(_texts(newest["within"])),
        tuple(_texts(newest["words"])),
        _summed(shape, where, rows["count"]),
        listed,
        _spelt(rows, where, keys, shape[:2]),
    )


def _texts(values: pd.Series) -> list[str]:
    """On one line each, whatever stood in the cell: lines of a crosswalk are made of them."""
    return [" ".join(value.split()) if isinstance(value, str) else "" for value in values]


def _summed(shape: tuple[int, ...], where: tuple[np.ndarray, ...], count: pd.Series) -> np.ndarray:
    summed = np.zeros(shape)
    np.add.at(summed, where, count.fillna(0).to_numpy())
    return summed


def _spelt(
    rows: pd.DataFrame, where: tuple[np.ndarray, ...], keys: Sequence[str], shape: tuple[int, ...]
) -> dict[int, dict[str, np.ndarray]]:
    several = rows.groupby("key")["label"].nunique()
    found: dict[int, dict[str, np.ndarray]] = {}
    for key in several[several > 1].index:
        own = (rows["key"] == key).to_numpy()
        found[keys.index(key)] = {
            str(label): _summed(
                shape, (where[0][own & it], where[1][own & it]), rows["count"][own & it]
            )
            for label in sorted(set(rows["label"][own]))
            for it in [(rows["label"] == label).to_numpy()]
        }
    return found
