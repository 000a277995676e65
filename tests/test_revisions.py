"""Figures as first extracted beside today's: drawn extracts of a made-up source.

Here: which part came first, both figures and their change, against drawn tables and against plain
Python; that a refresh leaves what a clean run would. Not here: unequal time to settle
(`test_maturity`), which delivery counts (`test_ingest`).
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandera.typing import Series
from same_release import differences
from small_folder import after_taking_in, small_settings

from safecity_pipeline import measure, period, registry, revisions, tables, warehouse
from safecity_pipeline.ingest import units
from safecity_pipeline.ingest.units import Unit
from safecity_pipeline.model import Derived, Indicator, Layout, Part, Places, Source
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry

CITY, TOWN = "E06000045", "E07000086"
HEAD = "Area,Month,Solved,Extracted"


class Calls(pa.DataFrameModel):
    """One call for service."""

    area: Series[str] = pa.Field(description="Code of the area")
    began: Series[str] = pa.Field(description="First day of its month")
    solved: Series[str] = pa.Field(description="yes or no")
    extracted: Series[str] = pa.Field(description="Day of the extract")


def _day(places: Places, text: str) -> date:
    return date.fromisoformat(text)


CALLS = Source(
    "drawn_calls",
    "Calls",
    "test",
    "none",
    Calls,
    geography="area_code",
    period_start="month",
    period_end="last_day(month)",
    settles_after=92,
    derived=(
        Derived("area_code", "VARCHAR", ("area",), lambda places, area: area, "Area"),
        Derived("month", "DATE", ("began",), _day, "First day of its month"),
        Derived("extracted_on", "DATE", ("extracted",), _day, "Day of the extract"),
    ),
)
LAYOUT = Layout(
    "drawn_calls",
    "drawn",
    "as this test spells them",
    ("*calls*.csv",),
    {"Area": "area", "Month": "began", "Solved": "solved", "Extracted": "extracted"},
)
COUNT = Indicator("calls", "Calls", "s", "calls", "count", 1, "calls", "none", (), Part(CALLS.name))
SHARE = replace(
    COUNT,
    indicator="solved",
    title="Calls solved",
    unit="per cent",
    kind="proportion",
    per=100,
    numerator=Part(CALLS.name, "solved = 'yes'"),
    denominator=Part(CALLS.name),
)
SOURCES = {CALLS.name: CALLS}

# A cell: calls/solved of the city in a month; "-": the extract does not have the month.
DRAWN = """
    extracted    2014-04  2014-05  2014-06
    2014-07-14   5/2      4/1      3/0
    2014-10-06   -        6/3      3/0
"""
Cells = Mapping[tuple[str, str], tuple[int, int]]


def drawn(text: str) -> dict[str, Cells]:
    """Day of an extract → area and month → calls and solved ones; of the city."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    found: dict[str, Cells] = {}
    for day, *cells in lines:
        found[day] = {
            (CITY, month): (int(cell.split("/")[0]), int(cell.split("/")[1]))
            for month, cell in zip(head[1:], cells, strict=True)
            if cell != "-"
        }
    return found


def written(day: str, cells: Cells) -> str:
    lines = [HEAD]
    for (area, month), (count, solved) in cells.items():
        said = ["yes"] * solved + ["no"] * (count - solved)
        lines += [f"{area},{month}-01,{one},{day[:10]}" for one in said]
    return "\n".join([*lines, ""])


def laid(folder: Path, known: Registry, extracts: Mapping[str, Cells]) -> Bench:
    """A bench that took these extracts in and has their values; the key begins with the day."""
    bench = Bench(folder, known, SOURCES, (LAYOUT,))
    for number, (day, cells) in enumerate(extracts.items()):
        bench.put(f"{number}-calls-{day}.csv", written(day, cells))
    for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT):
        bench.connection.execute(tables.create(table))
    for code, name in ((CITY, "City"), (TOWN, "Town")):
        bench.connection.execute(
            "INSERT INTO meta.area (area_code, area_name) VALUES (?, ?)", [code, name]
        )
    taken(bench)
    return bench


def taken(bench: Bench) -> None:
    bench.take_in(CALLS.name)
    values = [measure.values(bench.connection, one, SOURCES) for one in (COUNT, SHARE)]
    rows = pd.concat(values, ignore_index=True)
    rows["area_name"] = rows["area_code"].map({CITY: "City", TOWN: "Town"})
    warehouse.fill(bench.connection, tables.INDICATOR_VALUE, rows)


def revised(bench: Bench, indicator: Indicator = COUNT) -> dict[tuple[str, str], dict[str, Any]]:
    with warehouse.transaction(bench.connection):
        rows = revisions.of(bench.connection, [indicator], SOURCES, synthetic=True)
    return {
        (row["area_code"], row["period"]): {str(name): cell for name, cell in row.items()}
        for row in rows.to_dict("records")
    }


def test_a_year_as_first_extracted_and_as_it_stands(tmp_path: Path, known: Registry) -> None:
    found = revised(laid(tmp_path, known, drawn(DRAWN)))
    assert {key[1]: (row["first_value"], row["value"]) for key, row in found.items()} == {
        "2014M05": (4, 6),
        "2014M06": (3, 3),  # came again, and is the same
        "2014-15": (12, 14),  # 5 + 4 + 3, and 5 + 6 + 3; April came once, and has no row
    }
    year = found[CITY, "2014-15"]
    assert year["change"] == pytest.approx(100 * 2 / 12)
    days = (year["first_extracted_on"], year["extracted_on"])
    assert days == (date(2014, 7, 14), date(2014, 10, 6))
    assert year["sentence"] == (
        "Calls, City, April to June 2014: 12.0 calls as first extracted, from 14 July 2014 on; "
        "14.0 calls with what was extracted again by 6 October 2014 (+16.7 %)."
    )
    assert found[CITY, "2014M06"]["sentence"].endswith("by 6 October 2014 (unchanged).")
    assert (year["period_kind"], year["synthetic"]) == ("year", True)


def test_a_share_changes_in_points_with_both_its_counts(tmp_path: Path, known: Registry) -> None:
    row = revised(laid(tmp_path, known, drawn(DRAWN)), SHARE)[CITY, "2014-15"]
    # 3 of 12 are 25 %; 2 + 3 + 0 of 14 are 35.7 %
    assert (row["first_numerator"], row["first_denominator"], row["first_value"]) == (3, 12, 25)
    assert row["value"] == pytest.approx(500 / 14)
    assert (row["change"], row["change_unit"]) == (
        pytest.approx(500 / 14 - 25),
        "percentage points",
    )


@pytest.mark.parametrize(
    ("extracts", "year"),
    [
        # once
        ("extracted 2014-04 2014-05\n 2014-07-14 5/2 4/1", None),
        # the last of three counts, and the first was the first
        ("extracted 2014-04\n 2014-05-14 5/2\n 2014-06-14 9/1\n 2014-07-14 7/1", (5, 7)),
        # a month that is not over has no figure yet, so that this was not the first
        ("extracted 2014-04\n 2014-04-20 3/2\n 2014-05-14 5/2", None),
        ("extracted 2014-04\n 2014-04-20 3/2\n 2014-05-14 5/2\n 2014-06-14 6/2", (5, 6)),
        # of two extracts of one day nobody can say which was first
        ("extracted 2014-04\n 2014-05-14a 5/2\n 2014-05-14b 6/2", None),
        # each month by its own first extract: 5 of May, and 2 of July
        ("extracted 2014-04 2014-05\n 2014-05-14 5/2 -\n 2014-07-14 8/2 2/1", (7, 10)),
    ],
)
def test_which_extract_was_the_first(
    tmp_path: Path, known: Registry, extracts: str, year: tuple[int, int] | None
) -> None:
    row = revised(laid(tmp_path, known, drawn(extracts))).get((CITY, "2014-15"))
    assert (row and (row["first_value"], row["value"])) == year


def test_a_part_that_gave_way_to_another_shape_is_compared_over_like_months_only() -> None:
    """A year by one extract, after a month by another: the month alone is no first figure of it."""
    april = Unit("a", "", CITY, date(2014, 4, 1), date(2014, 4, 30), 5)
    year = Unit("b", "", CITY, date(2014, 4, 1), date(2015, 3, 31), 90)
    days = {"a": date(2014, 5, 14), "b": date(2015, 4, 14)}
    assert units.first_delivered([april, year], [year], days) == [april]
    row = {"first_value": 5.0, "value_today": 90.0, "alike": False}
    assert revisions._change(COUNT, row) is None


def test_an_area_of_which_nothing_came_again_has_no_row(tmp_path: Path, known: Registry) -> None:
    extracts = drawn(DRAWN)
    first = {**extracts["2014-07-14"], (TOWN, "2014-05"): (8, 8)}
    found = revised(laid(tmp_path, known, {**extracts, "2014-07-14": first}))
    assert {area for area, _ in found} == {CITY}


def test_without_the_later_extract_there_is_nothing_to_tell(
    tmp_path: Path, known: Registry
) -> None:
    bench = laid(tmp_path, known, drawn(DRAWN))
    assert revised(bench)
    (bench.raw / "1-calls-2014-10-06.csv").unlink()
    taken(bench)
    assert revised(bench) == {}
    left = "SELECT table_name FROM duckdb_tables() WHERE temporary AND table_name LIKE 'first_%'"
    assert bench.rows(left) == []


# --- against plain Python ------------------------------------------------------------------------

MONTHS = ("2013-12", "2014-02", "2014-03", "2014-04", "2014-05")
DAYS = [f"{date(2014, 1, 10) + timedelta(45 * turn)}" for turn in range(5)]
CELLS = st.dictionaries(
    st.tuples(st.sampled_from([CITY, TOWN]), st.sampled_from(MONTHS)),
    st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=1,
)


def by_hand(extracts: Mapping[str, Cells]) -> dict[tuple[str, str], tuple[float, float]]:
    """Area and label → calls as first extracted, and as they stand, where a part came again."""
    came: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for day, cells in sorted(extracts.items()):
        for (area, month), (count, _) in cells.items():
            if date.fromisoformat(day) >= period.parse(month.replace("-", "M")).end:
                came[area, month].append((day, count))
    figures: dict[tuple[str, str], list[tuple[int, int, bool]]] = defaultdict(list)
    for (area, month), told in came.items():
        span = period.parse(month.replace("-", "M"))
        for label in (span.label, period.financial_year_of(span.start).label):
            figures[area, label].append((told[0][1], told[-1][1], len(told) > 1))
    return {
        key: (sum(one[0] for one in parts), sum(one[1] for one in parts))
        for key, parts in figures.items()
        if any(again for *_, again in parts)
    }


@cache
def loaded() -> Registry:
    """A fixture would be written out in full with every example."""
    return registry.load()


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(DAYS), CELLS, min_size=2))
def test_first_figures_are_those_of_plain_python(extracts: Mapping[str, Cells]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        found = revised(laid(folder, loaded(), extracts))
    finally:
        shutil.rmtree(folder)
    both = {key: (row["first_value"], row["value"]) for key, row in found.items()}
    assert both == by_hand(extracts)


# --- in a refresh --------------------------------------------------------------------------------


def refreshed(folder: Path, raw: Path, declared: Registry) -> Path:
    one = Refresh(small_settings(folder).with_folders(raw, folder / "warehouse"))
    one.__dict__["registry"] = declared
    with one.warehouse.lock(), one.at_work():
        one.look()
        one.take_in(CALLS.name)
        after_taking_in(one)
    return folder / "warehouse"


def test_extracts_that_come_and_go_leave_the_revisions_of_a_clean_run(
    tmp_path: Path, known: Registry
) -> None:
    declared = replace(
        known,
        sources=SOURCES,
        layouts=(LAYOUT,),
        assessments=(),
        indicators={one.indicator: one for one in (COUNT, SHARE)},
    )
    raw, extracts = tmp_path / "raw", drawn(DRAWN)
    raw.mkdir()
    first, later = (written(day, cells) for day, cells in extracts.items())
    (raw / "0-calls.csv").write_text(first)
    kept = refreshed(tmp_path / "kept", raw, declared)
    shutil.copytree(kept, tmp_path / "without", symlinks=True)
    assert told(kept) == 0

    (raw / "1-calls.csv").write_text(later)
    refreshed(tmp_path / "kept", raw, declared)
    assert differences(kept, refreshed(tmp_path / "clean", raw, declared)) == []
    assert told(kept) == 6  # two indicators, of May, June and the year

    (raw / "1-calls.csv").unlink()
    refreshed(tmp_path / "kept", raw, declared)
    assert differences(kept, tmp_path / "without") == []


def told(released: Path) -> int:
    """Rows in the shareable database; they leave nothing else behind."""
    connection = warehouse.Warehouse(released).read_release()
    try:
        rows = connection.execute("SELECT count(*), count(sentence) FROM mart.revision").fetchall()
        left = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'part_again'")
        assert left.fetchall() == []
    finally:
        connection.close()
    assert rows[0][0] == rows[0][1]
    return int(rows[0][0])
