"""Nothing of a cell leaves the restricted database: not by an exception, a log, or Dagster.

What stands in the cells is the name and number below, planted where a supplier might leave such
things: in free text, in cells that rules refuse, in a broken line, in a file without a head.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pandera.pandas as pa
import pytest
from small_folder import (
    APRIL,
    MAY,
    dagster_home,
    own_environment,
    small_settings,
    street,
    street_row,
    write_small,
)

from safecity_pipeline import measure
from safecity_pipeline.orchestration import run
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse

PERSON = "Zaphod Beeblebrox 943 476 5919"
PARTS = (b"Zaphod", b"Beeblebrox", b"943 476")


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    with own_environment(DAGSTER_HOME=dagster_home()):
        yield


@pytest.fixture
def planted(tmp_path: Path) -> Settings:
    """The small folder with the person in it, seven times over."""
    chosen = small_settings(tmp_path)
    write_small(chosen.raw)
    free_text = street_row("2014-04", location=PERSON)
    refused = [
        street_row("2014-05", kind=PERSON),
        street_row("2014-05", latitude=PERSON),
        street_row(PERSON),
        f"{PERSON}{street_row('2014-05')}",
        f'"{PERSON},unclosed',
    ]
    april = street([free_text, street_row("2014-04")])
    (chosen.raw / APRIL).write_text(april, encoding="utf-8")
    (chosen.raw / MAY).write_text(street(refused), encoding="utf-8")
    headless = street_row("2014-06", location=PERSON) + "\n"
    (chosen.raw / "2014-06-hampshire-street.csv").write_text(headless, encoding="utf-8")
    return chosen


def told_to_others(chosen: Settings) -> dict[str, bytes]:
    """Every file that is not restricted: Dagster's home whole, and the public database as text."""
    home = Path(dagster_home())
    told = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(name.endswith(".db") for name in told)
    if Warehouse(chosen.warehouse).current() is not None:
        told["public"] = "\n".join(public_texts(chosen)).encode()
    return told


def public_texts(chosen: Settings) -> Iterator[str]:
    connection = Warehouse(chosen.warehouse).read_release()
    try:
        for (table,) in connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        ).fetchall():
            yield connection.execute(f"FROM {table}").df().to_csv()
    finally:
        connection.close()


def assert_nobody_is_named(
    chosen: Settings, outcome: run.Outcome, caplog: pytest.LogCaptureFixture, printed: str
) -> None:
    told = told_to_others(chosen)
    told["outcome"] = repr(outcome).encode()
    told["log"] = f"{caplog.text} {[vars(record) for record in caplog.records]}".encode()
    told["printed"] = printed.encode()
    found = {name for name, content in told.items() for part in PARTS if part in content}
    assert found == set()


def test_cells_go_into_the_restricted_database_and_nowhere_else(
    planted: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fails(connection: duckdb.DuckDBPyConnection, *_: object) -> None:
        connection.execute("SELECT CAST(location AS INTEGER) FROM clean.street_crime")

    caplog.set_level(logging.DEBUG)
    with monkeypatch.context() as patch:
        patch.setattr(measure, "values", fails)
        outcome = run.refresh(planted)
    assert outcome.failure.startswith("mart/indicator_value: ConversionException at refresh.py:")
    assert_nobody_is_named(planted, outcome, caplog, "".join(capfd.readouterr()))

    outcome = run.refresh(planted)
    assert outcome.published
    assert_nobody_is_named(planted, outcome, caplog, "".join(capfd.readouterr()))
    connection = Warehouse(planted.warehouse).read_release(restricted=True)
    try:
        kept = connection.execute(
            "SELECT (SELECT count(*) FROM clean.street_crime WHERE contains(location, $1)), "
            "count(*) FILTER (contains(received, $1)), "
            "count(*) FILTER (contains(reasons::VARCHAR, $1)) FROM quarantine.street_crime",
            [PERSON],
        ).fetchall()
    finally:
        connection.close()
    # One name in free text; five refused lines, the broken one with its place and reason only.
    assert kept == [(1, 5, 4)]


def pandas_quotes() -> None:
    pd.Series([PERSON]).astype("int64")


def duckdb_quotes() -> None:
    duckdb.execute("SELECT CAST($1 AS INTEGER)", [PERSON])


def pandera_quotes() -> None:
    column = pa.Column(str, pa.Check.isin(["Drugs"]))
    pa.DataFrameSchema({"crime_type": column}).validate(pd.DataFrame({"crime_type": [PERSON]}))


def all_of_them_in_a_chain() -> None:
    """One raised from another (`__cause__`), while two more were being handled (`__context__`)."""
    try:
        pandera_quotes()
    except pa.errors.SchemaError:
        try:
            duckdb_quotes()
        except duckdb.Error:
            try:
                pandas_quotes()
            except ValueError as error:
                raise OSError(PERSON) from error


def test_an_exception_that_quotes_a_cell_leaves_a_step_without_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for quote in (pandera_quotes, duckdb_quotes, pandas_quotes, all_of_them_in_a_chain):
        with pytest.raises(Exception, match="Zaphod"):
            quote()
    caplog.set_level(logging.DEBUG)
    chosen = small_settings(tmp_path)
    write_small(chosen.raw)
    monkeypatch.setattr(
        "safecity_pipeline.ingest.survey.gather", lambda *_: all_of_them_in_a_chain()
    )
    outcome = run.refresh(chosen)
    assert not outcome.success
    # What is left says which step, which kind of error and where in our code.
    assert outcome.failure.startswith("meta/extract: ") and " at refresh.py:" in outcome.failure
    assert_nobody_is_named(chosen, outcome, caplog, "".join(capfd.readouterr()))
