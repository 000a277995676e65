"""What most would write: pandas and pandera, file by file, with the rules that the source declares.

    python -m benchmarks.contestants.pandas_pandera RAW RESULT.duckdb

The same pandera model as ours, asked of every row instead of every distinct value. Belongs here:
plain pandas, as fast as it goes without leaving its idiom (columns of few values as categories
would hide from pandera what is a text). Not here: the project's engine; of the project only the
model and the list of areas are used, so that the rules are the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pandera.pandas as pa

from benchmarks.checker import NAMES
from safecity_pipeline import registry
from safecity_pipeline.registry.areas import Areas
from safecity_pipeline.sources.street_crime import StreetCrime

FIRST = 2  # physical line of the first row below the head
TABLES = """
    CREATE TABLE clean (
        file VARCHAR, row INTEGER, crime_id VARCHAR, month DATE, reported_by VARCHAR,
        falls_within VARCHAR, longitude DOUBLE, latitude DOUBLE, location VARCHAR,
        lsoa_code VARCHAR, lsoa_name VARCHAR, crime_type VARCHAR, last_outcome_category VARCHAR,
        context VARCHAR, area_code VARCHAR);
    CREATE TABLE quarantine (file VARCHAR, row INTEGER, rules VARCHAR[], received VARCHAR);
    """


def read(path: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Whole rows as text, and all lines as received, both by physical line number.

    One name more than there are columns, or pandas refuses the file or shifts its rows; the lines
    are counted besides, since pandas fills a short row up.
    """
    received = pd.Series(path.read_text(encoding="utf-8").splitlines()[1:])
    frame = pd.read_csv(
        path,
        names=[*NAMES, "beyond"],
        header=None,
        skiprows=1,
        dtype=str,
        keep_default_na=False,
        index_col=False,
    )
    frame.index += FIRST
    received.index += FIRST
    assert len(frame) == len(received), "a cell holds a line break, or a line is blank"
    whole = [line.count(",") == len(NAMES) - 1 for line in received]
    rows = frame.loc[whole, NAMES]
    return rows.where(rows != "", None), received


def typed(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The columns in their types, null where a cell is not of its kind."""
    parsed = rows.copy()
    parsed["month"] = pd.to_datetime(rows["month"], format="%Y-%m", errors="coerce")
    for name in ("longitude", "latitude"):
        parsed[name] = pd.to_numeric(rows[name], errors="coerce")
    stated = path.name.removeprefix("synthetic-")[:7]
    parsed["file_month"] = pd.to_datetime(stated, format="%Y-%m")
    return parsed


def reasons(rows: pd.DataFrame, parsed: pd.DataFrame) -> pd.DataFrame:
    """`row`, `column` and `rule` of every rule that a cell breaks, or (column null) a row."""
    unread = [
        pd.DataFrame(
            {"row": rows.index[parsed[name].isna() & rows[name].notna()], "column": name}
        ).assign(rule=f"{name}_kind")
        for name in ("month", "longitude", "latitude")
    ]
    kinds = pd.concat(unread, ignore_index=True)
    try:
        StreetCrime.validate(parsed, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _named(errors.failure_cases, kinds)
    return kinds


def _named(cases: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """Pandera's table of failures under the names of the rules, with those of kind.

    A cell that is not of its kind is null by now and breaks no other rule; a rule across columns
    is asked only where each of them is in order.
    """
    schema = StreetCrime.to_schema()
    across = {str(check.error): check for check in schema.checks}
    single = {str(c.error): str(c.name) for one in schema.columns.values() for c in one.checks}
    found = (
        cases[["index", "column", "check"]].astype({"check": str}).rename(columns={"index": "row"})
    )
    cells = found[~found["check"].isin(across)].copy()
    present = cells["column"].astype(str) + "_present"
    cells["rule"] = cells["check"].map(single).where(cells["check"] != "not_nullable", present)
    cells = pd.concat([kinds, cells.drop(columns="check")]).drop_duplicates(["row", "column"])
    made = [cells]
    for said, check in across.items():
        odd = cells["row"][cells["column"].isin((check.statistics or {})["columns"])]
        failing = pd.Series(found["row"][found["check"] == said].unique())
        rest = failing[~failing.isin(odd)]
        made.append(pd.DataFrame({"row": rest, "column": None, "rule": str(check.name)}))
    return pd.concat(made, ignore_index=True)


def derive(parsed: pd.DataFrame, odd: pd.DataFrame, areas: Areas) -> tuple[pd.Series, pd.DataFrame]:
    """The area of each row, and the rows whose area or force nobody knows, `odd` cells apart."""

    def code(column: str, of: Callable[[str], str | None]) -> pd.Series:
        found = {text: of(text) for text in parsed[column].dropna().unique()}
        return parsed[column].map(found)

    def force(name: str) -> str | None:
        return areas.force(name) or areas.body(name)

    area = code("lsoa_name", areas.of_lsoa_name)
    derived = {
        "area_code_known": ("lsoa_name", area),
        "force_code_known": ("reported_by", code("reported_by", force)),
        "within_force_code_known": ("falls_within", code("falls_within", force)),
    }
    unknown = []
    for rule, (column, codes) in derived.items():
        rows = parsed.index[codes.isna() & parsed[column].notna()]
        rows = rows[~rows.isin(odd["row"][odd["column"] == column])]
        unknown.append(pd.DataFrame({"row": rows, "rule": rule}))
    return area, pd.concat(unknown, ignore_index=True)


def take_in(connection: duckdb.DuckDBPyConnection, path: Path, areas: Areas) -> pd.DataFrame:
    """Store one file's clean and quarantined rows; answers its counts by month, area and LSOA."""
    rows, received = read(path)
    parsed = typed(rows, path)
    odd = reasons(rows, parsed)
    area, unknown = derive(parsed, odd, areas)
    broken = pd.DataFrame({"row": received.index.difference(rows.index), "rule": "row_whole"})
    bad = pd.concat([broken, odd, unknown], ignore_index=True)
    quarantine = bad.groupby("row")["rule"].agg(list).rename("rules").reset_index()
    quarantine["received"] = received.loc[quarantine["row"]].array
    quarantine.insert(0, "file", path.name)
    clean = parsed.drop(columns="file_month").assign(area_code=area)
    clean = clean[~clean.index.isin(quarantine["row"])]
    clean = clean.rename_axis("row").reset_index()
    clean.insert(0, "file", path.name)
    for table, frame in (("quarantine", quarantine), ("clean", clean)):
        connection.register("frame_now", frame)
        connection.execute(f"INSERT INTO {table} SELECT * FROM frame_now")
        connection.unregister("frame_now")
    keys = ["month", "area_code", "lsoa_code", "crime_type"]
    return clean.groupby(keys, dropna=False).size().rename("rows").reset_index()


def count(connection: duckdb.DuckDBPyConnection, months: pd.DataFrame) -> None:
    """Write `area_count` and `lsoa_count`, by month and by financial year."""
    months = months.rename(columns={"month": "period_start"})
    first = months["period_start"].dt.year - (months["period_start"].dt.month < 4)
    years = months.assign(period_start=pd.to_datetime(first.astype(str) + "-04-01"))
    both = pd.concat([months.assign(period_kind="month"), years.assign(period_kind="year")])
    for kind in ("area", "lsoa"):
        keys = ["period_kind", "period_start", f"{kind}_code", "crime_type"]
        frame = both.groupby(keys, dropna=kind == "area")["rows"].sum().reset_index()
        connection.register("frame_now", frame)
        connection.execute(f"CREATE TABLE {kind}_count AS SELECT * FROM frame_now")
        connection.unregister("frame_now")


def run(raw: Path, result: Path) -> None:
    """Do the whole job, one file after the other."""
    areas = registry.load(None).areas
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"ATTACH '{result}' AS result (RECOVERY_MODE no_wal_writes); USE result")
        connection.execute(TABLES)
        counts = [take_in(connection, path, areas) for path in sorted(raw.glob("*.csv"))]
        count(connection, pd.concat(counts, ignore_index=True))


if __name__ == "__main__":
    run(*map(Path, sys.argv[1:3]))
