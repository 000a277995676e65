"""Categories that come, go or are divided anew, found in drawn tables, in noise, and in real files.

Tables are drawn by category and period; one area unless another is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Bench
from small_folder import after_taking_in, small_settings

from safecity_pipeline import categories, warehouse
from safecity_pipeline.model import Check, Classification, Refused
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry, changes
from safecity_pipeline.watch import looking, proposal, told
from safecity_pipeline.watch.changes import Change, Crossed, found
from safecity_pipeline.watch.counts import laid_out, of_source
from safecity_pipeline.watch.expected import Seen, judged, series_of

Cell = tuple[str, date, date, str, float]


def span(label: str) -> tuple[date, date]:
    """2013, or 2013-05."""
    year, _, month = label.partition("-")
    if not month:
        return date(int(year), 1, 1), date(int(year), 12, 31)
    start = pd.Timestamp(int(year), int(month), 1)
    return start.date(), (start + pd.offsets.MonthEnd()).date()


def drawn(table: str, area: str = "E1") -> list[Cell]:
    """A table of counts; a dash is no row."""
    head, *rows = (line.split("|") for line in table.strip().splitlines())
    periods = [cell.strip() for cell in head[1:]]
    return [
        (area, *span(label), row[0].strip(), float(cell))
        for row in rows
        for label, cell in zip(periods, row[1:], strict=True)
        if cell.strip() != "-"
    ]


def seen(
    cells: Iterable[Cell], within: str | None = None, words: str | None = None
) -> list[Change]:
    rows = pd.DataFrame(cells, columns=["area", "start", "end", "label", "count"])
    rows = rows.assign(kind="", within=within, words=words)
    return [one for counts in laid_out(rows) for one in found(counts)]


# Four categories that stay move by +1 % or so: the noise is taken for 5 %, the least.
STAYING = """
Burglary        | 1000 | 1010 | 1020 | 1030
Robbery         |  500 |  505 |  510 |  515
Drugs           |  800 |  808 |  816 |  824
Shoplifting     |  700 |  707 |  714 |  721
"""
YEARS = "| 2011 | 2012 | 2013 | 2014"


def with_staying(rows: str, area: str = "E1") -> list[Cell]:
    return drawn(f"{YEARS}\n{STAYING.strip()}\n{rows.strip()}", area)


def test_a_category_that_takes_another_ones_place_with_the_same_count_is_renamed() -> None:
    (one,) = seen(
        with_staying("""
        Assault     |  400 |  404 |    - |    -
        Hurting     |    - |    - |  408 |  412
        """)
    )
    assert (one.kind, one.old, one.new) == ("renamed", ("Assault",), ("Hurting",))
    assert one.first == one.last == date(2013, 1, 1)
    assert (one.count_before, one.count_after) == (404, 408)  # of 2012 and 2013
    assert [line.share for line in one.crosswalk] == [1.0]


def test_one_into_two_is_a_split_with_the_shares_of_the_counts() -> None:
    (one,) = seen(
        with_staying("""
        Assault     |  400 |  400 |    - |    -
        With injury |    - |    - |  100 |  100
        Without     |    - |    - |  300 |  300
        """)
    )
    assert one.kind == "split"
    shares = {line.new: line.share for line in one.crosswalk}
    assert shares == {"With injury": 0.25, "Without": 0.75}


def test_two_into_one_are_merged() -> None:
    (one,) = seen(
        with_staying("""
        With injury |  100 |  100 |    - |    -
        Without     |  300 |  300 |    - |    -
        Assault     |    - |    - |  404 |  404
        """)
    )
    assert (one.kind, one.new) == ("merged", ("Assault",))
    assert {line.old: line.share for line in one.crosswalk} == {"With injury": 1, "Without": 1}


def test_a_part_of_a_category_that_stays_is_split_off() -> None:
    # Theft falls from 2,000 to 1,400; bicycles, which are new, are 600.
    (one,) = seen(
        with_staying("""
        Theft       | 2000 | 2000 | 1400 | 1400
        Bicycles    |    - |    - |  600 |  610
        """)
    )
    assert (one.kind, one.old, one.new, one.gave) == ("split", (), ("Bicycles",), ("Theft",))


def test_counts_that_do_not_agree_join_nothing() -> None:
    appeared, vanished = sorted(
        seen(
            with_staying("""
            Assault     |  400 |  404 |    - |    -
            Bicycles    |    - |    - |  120 |  130
            """)
        ),
        key=lambda one: one.kind,
    )
    assert (appeared.kind, vanished.kind) == ("appeared", "vanished")
    assert not appeared.crosswalk and not vanished.crosswalk
    assert "Assault came or went; the counts do not show" in appeared.reason


def test_two_that_change_places_with_two_are_told_apart_only_where_one_way_agrees() -> None:
    # 400 → 404 and 90 → 91: the other way round would be off by a factor of four.
    apart = seen(
        with_staying("""
        Assault     |  400 |  400 |    - |    -
        Weapons     |   90 |   90 |    - |    -
        Hurting     |    - |    - |  404 |  404
        Arms        |    - |    - |   91 |   91
        """)
    )
    assert [(one.kind, one.old, one.new) for one in apart] == [
        ("renamed", ("Assault",), ("Hurting",)),
        ("renamed", ("Weapons",), ("Arms",)),
    ]
    # 400 and 404 may each be either: both are told, and no share is.
    (alike,) = seen(
        with_staying("""
        Assault     |  400 |  400 |    - |    -
        Weapons     |  404 |  404 |    - |    -
        Hurting     |    - |    - |  404 |  404
        Arms        |    - |    - |  400 |  400
        """)
    )
    assert alike.kind == "redrawn"
    assert {line.share for line in alike.crosswalk} == {None}


def test_within_a_divided_year_the_change_is_dated_by_how_it_divides() -> None:
    # 100 of 300 before, 200 of 300 after: a third of the year had passed.
    (one,) = seen(
        with_staying("""
        Assault     |  300 |  300 |  100 |    -
        Hurting     |    - |    - |  200 |  300
        """)
    )
    assert (one.kind, one.first, one.last) == ("renamed", date(2013, 1, 1), date(2013, 12, 31))
    assert one.about == date(2013, 5, 1)
    assert (one.count_before, one.count_after) == (300, 300)


def test_a_missing_file_ends_nothing_and_an_area_that_begins_late_begins_nothing() -> None:
    late = "| 2013 | 2014\nBurglary | 100 | 100\nFraud | 900 | 900"
    early = "| 2011 | 2012\nBurglary | 100 | 100\nTreason | 900 | 900"
    assert seen([*with_staying(""), *drawn(late, "E2"), *drawn(early, "E3")]) == []


def test_a_rare_category_may_be_absent_for_a_while() -> None:
    # 8, 10 and then none: with an ordinary scatter that is no wonder.
    assert seen(with_staying("Treason |  8 |  10 |  0 |  0")) == []
    assert seen(with_staying("Treason |  - |   - |  9 | 12")) == []


def test_a_burst_of_one_month_is_no_new_category() -> None:
    months = [f"2013-{month:02}" for month in range(1, 13)]
    table = "|" + "|".join(months) + "\n" + "Burglary" + "|5000" * 12 + "\nRiot" + "|-" * 11 + "|40"
    assert seen(drawn(table)) == []


def test_a_few_late_corrections_do_not_keep_a_category_alive() -> None:
    (one,) = seen(with_staying("Fraud | 900 | 900 | -1 | 1"))
    assert (one.kind, one.first) == ("vanished", date(2013, 1, 1))


def test_another_spelling_is_told_as_such_and_never_as_a_new_category() -> None:
    (one,) = seen(
        with_staying("""
        Drugs & alcohol     |  400 |  404 |    - |    -
        Drugs  and Alcohol  |    - |    - |  408 |  412
        """)
    )
    assert (one.kind, one.old, one.new) == (
        "respelt",
        ("Drugs & alcohol",),
        ("Drugs  and Alcohol",),
    )
    # Two forces that always write it differently have changed nothing.
    assert (
        seen([*with_staying("ASB | 9 | 9 | 9 | 9"), *with_staying("asb | 9 | 9 | 9 | 9", "E2")])
        == []
    )


def test_a_spelling_of_a_few_rows_is_not_told() -> None:
    assert seen(with_staying("ASB | 400 | 400 | 400 | -\nA.S.B. | - | - | - | 3")) == []


def test_a_cell_that_slipped_becomes_no_category() -> None:
    prose = "the caller said that " + "a man at the door " * 10
    assert seen(with_staying(f"{prose} | - | - | 400 | 400")) == []
    assert seen(with_staying("Jane Example | - | - | 15 | 4")) == []


def test_a_change_that_some_areas_made_says_how_many() -> None:
    new = "Assault | 400 | 404 | - | -\nHurting | - | - | 408 | 412"
    old = "Assault | 400 | 404 | 408 | 412\nHurting | - | - | - | -"
    cells = [*with_staying(new, "E1"), *with_staying(new, "E2"), *with_staying(old, "E3")]
    (one,) = seen(cells)
    assert (one.kind, one.areas, one.areas_of) == ("renamed", ("E1", "E2"), 3)


def test_two_classifications_in_one_table_are_seen_though_nothing_changed_in_it() -> None:
    table = """
    | 2013 | 2014
    Burglary in a dwelling (outcome only)           |    0 |    0
    Attempted burglary in a dwelling (outcome only) |    0 |    0
    Burglary residential                            | 4000 | 4100
    Attempted burglary residential                  | 2000 | 2050
    """
    (one,) = seen(drawn(table), within="Domestic burglary")
    assert one.kind == "emptied"
    assert [(line.old[:9], line.new, line.share) for line in one.crosswalk] == [
        ("Attempted", "Attempted burglary residential", None),
        ("Burglary ", "Burglary residential", None),
    ]
    rare = "| 2013 | 2014\nTreason | 0 | 0\nRegicide | 0 | 0\nAssault | 4000 | 4100"
    assert seen(drawn(rare), within="Violence") == []


def test_several_into_several_are_told_apart_by_how_areas_differ() -> None:
    # a → x whole; b → 40 % y, 60 % z. Forty areas differ in their mixture, chance on top.
    random = np.random.default_rng(1)
    cells = []
    for area in range(40):
        a, b = random.integers(200, 4000, 2)
        sizes = {"x": a, "y": 0.4 * b, "z": 0.6 * b}
        for year in (2011, 2012):
            cells += [(f"E{area}", *span(str(year)), k, n) for k, n in (("a", a), ("b", b))]
        for year in (2013, 2014):
            cells += [
                (f"E{area}", *span(str(year)), name, float(random.poisson(size)))
                for name, size in sizes.items()
            ]
        for name in ("p", "q", "r", "s"):
            cells += [
                (f"E{area}", *span(str(year)), name, float(random.poisson(3000)))
                for year in (2011, 2012, 2013, 2014)
            ]
    (one,) = seen(cells)
    shares = {(line.old, line.new): line.share for line in one.crosswalk}
    assert set(shares) == {("a", "x"), ("b", "y"), ("b", "z")}
    assert [round(float(share or 0), 1) for share in shares.values()] == [1.0, 0.4, 0.6]


def test_scatter_alone_is_no_change() -> None:
    """100 tables of 20 categories, from 1 to 1,000 a month, with an ordinary scatter of 30 %."""
    random = np.random.default_rng(7)
    false = 0
    for _ in range(100):
        usual = 10 ** random.uniform(0, 3, 20)
        level = usual * random.gamma(1 / 0.09, 0.09, (24, 20))
        counts = random.poisson(level)
        cells = [
            ("E1", *span(f"{2013 + month // 12}-{month % 12 + 1:02}"), f"c{kind}", float(number))
            for month, row in enumerate(counts)
            for kind, number in enumerate(row)
            if number
        ]
        false += bool(seen(cells))
    assert false <= 1


# --- the catalogue ------------------------------------------------------------------------------

RELABELLED = Change(
    "redrawn",
    ("Violent crime",),
    ("Violence and sexual offences",),
    date(2013, 1, 1),
    date(2013, 12, 31),
    ("E23000030",),
    1,
    (date(2013, 1, 1), date(2013, 12, 31)),
    share=0.2,
)


def covering(known: Registry, one: Seen, **other: object) -> tuple[str, ...]:
    """The rows that cover it, of a catalogue in which D46 alone stands, changed."""
    d46 = next(row for row in known.changes.changes if row.id == "D46")
    row = replace(d46, **other) if other else d46  # type: ignore[arg-type]
    if "series_scope" in other:
        row = replace(row, scope=changes.Scope.of(row.series_scope))
    alone = replace(known.changes, changes=(row,))
    return judged(one, alone, known.areas).expected_by


def test_a_row_covers_a_change_of_its_days_scope_area_and_kind(known: Registry) -> None:
    one = Seen("force_outcomes", "crime_type", RELABELLED, ())
    assert covering(known, one) == ("D46",)
    assert (
        covering(known, one, effective_first=date(2014, 3, 1), effective_last=date(2014, 3, 1))
        == ()
    )
    assert covering(known, one, series_scope="@street_crime") == ()
    assert covering(known, one, area_code="E23000001") == ()
    assert covering(known, one, area_code="E23000030") == ("D46",)
    assert covering(known, one, kind="recording behaviour") == ()
    assert covering(known, one, materiality="event") == ()


def test_a_row_by_series_covers_the_categories_that_indicators_count_as_it(known: Registry) -> None:
    one = Seen("recorded_crime", "offence_code", RELABELLED, ("recorded_crime.burglary",))
    assert covering(known, one, series_scope="recorded_crime") == ("D46",)
    assert covering(known, one, series_scope="recorded_crime.burglary.domestic") == ("D46",)
    assert covering(known, one, series_scope="recorded_crime.drugs") == ()
    everything = replace(one, series=("recorded_crime",))
    assert covering(known, everything, series_scope="recorded_crime.drugs") == ()


def test_a_proposed_row_can_be_pasted_and_then_covers_what_it_was_proposed_for(
    known: Registry, tmp_path: Path
) -> None:
    one = Seen("force_outcomes", "crime_type", RELABELLED, ())
    key = proposal.key(one, taken={"W-force_outcomes-crime_type-2013-12"})
    assert key == "W-force_outcomes-crime_type-2013-12-2"
    row = proposal.row(one, known.sources["force_outcomes"], known.areas, key)
    packaged = Path(changes.__file__).parent
    text = (packaged / "definitional_changes.csv").read_text(encoding="utf-8")
    pasted = text + proposal.as_csv([list(row.values())])
    (tmp_path / "definitional_changes.csv").write_text(pasted, encoding="utf-8")
    (tmp_path / "series.csv").write_bytes((packaged / "series.csv").read_bytes())
    again = changes.load(tmp_path)
    assert again.changes[-1].status == "to verify"
    assert judged(one, again, known.areas).expected_by == ("D46", key)


# --- in a refresh -------------------------------------------------------------------------------

HEAD = (
    "Financial Year,Financial Quarter,Force Name,Offence Description,Offence Group,"
    "Offence Subgroup,Offence Code,Number of Offences"
)
STOLEN = "Theft offences,Other theft offences"


def recorded(quarter: int, **counts: int) -> list[str]:
    return [
        f"2014/15,{quarter},Hampshire,Offence {code},{STOLEN},{code[1:]},{count}"
        for code, count in counts.items()
    ]


def steps(one: Refresh) -> Check:
    """A refresh; the check of the categories of recorded crime."""
    with one.warehouse.lock(), one.at_work():
        one.look()
        for source in one.registry.sources:
            report = one.take_in(source)
            if source == "recorded_crime":
                (found,) = [c for c in report.checks if c.check_name == "categories_changed"]
            else:
                names = [c.check_name for c in report.checks]
                watched = bool(one.registry.sources[source].classified)
                assert ("categories_changed" in names) == watched
        after_taking_in(one)
    return found


def test_a_refresh_warns_of_what_is_new_until_the_catalogue_has_it(
    tmp_path: Path, known: Registry
) -> None:
    """Code 49 becomes 49A in the third quarter: 400 before, 404 after."""
    chosen = small_settings(tmp_path)
    rows = [
        row
        for quarter in (1, 2, 3, 4)
        for new in ("c49" if quarter < 3 else "c49A",)
        for row in recorded(quarter, c40=800, c41=700, c43=900, c44=600, **{new: 398 + 2 * quarter})
    ]
    chosen.raw.mkdir(parents=True)
    (chosen.raw / "prc-pfa.csv").write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    found = steps(Refresh(chosen))
    assert (found.passed, found.severity, found.failed_rows) == (False, "WARN", 1)
    assert 'offence_code, from 1 October 2014 on: "49 Offence c49" became "49A' in found.message
    assert "802 in April to September 2014 and 810 in October 2014 to March 2015" in found.message
    assert "--csv" in found.message

    release, told_rows = categories.of(chosen)
    (row,) = told_rows
    assert (row["kind"], row["expected_by"], row["synthetic"]) == ("renamed", None, False)
    assert row["period"] == "2014Q4"
    lines = categories.lines(release, told_rows, everything=False)
    assert "1 found in the extracts, 0 covered by definitional_changes.csv, 1 new" in lines[1]
    assert "    49 Offence c49 -> 49A Offence c49A: 100 %" in lines

    catalogue, crosswalk = categories.write(told_rows, tmp_path / "out", chosen.raw)
    assert "W-recorded_crime-offence_code-2014-10" in catalogue.read_text(encoding="utf-8-sig")
    assert crosswalk.read_text(encoding="utf-8-sig").count("\n") == 2
    with pytest.raises(Refused, match="there already"):
        categories.write(told_rows, tmp_path / "out", chosen.raw)
    with pytest.raises(Refused, match="folder of extracts"):
        categories.write(told_rows, chosen.raw / "out", chosen.raw)

    again = Refresh(chosen)
    again.registry = with_row(known, row["proposed_row"], tmp_path)
    assert steps(again).passed
    (after,) = categories.of(chosen)[1]
    assert (after["expected_by"], after["proposed_row"]) == (row["proposed_id"], None)


def with_row(known: Registry, row: str, folder: Path) -> Registry:
    """Everything declared, with one more row in the catalogue."""
    packaged = Path(changes.__file__).parent
    (folder / "registry").mkdir()
    text = (packaged / "definitional_changes.csv").read_text(encoding="utf-8")
    more = folder / "registry" / "definitional_changes.csv"
    more.write_text(f"{text}{row}\n", encoding="utf-8")
    (folder / "registry" / "series.csv").write_bytes((packaged / "series.csv").read_bytes())
    return replace(known, changes=changes.load(folder / "registry"), digest="with one more row")


def test_words_of_a_code_that_stand_in_a_few_rows_about_persons_are_told_nowhere(
    known: Registry,
) -> None:
    source = known.sources["police_crime"]
    connection = warehouse.memory()
    connection.execute(
        "CREATE SCHEMA IF NOT EXISTS clean; CREATE OR REPLACE TABLE clean.police_crime AS "
        "SELECT 'E06000045' AS area_code, DATE '2014-04-01' AS recorded_at, 'Other' AS "
        "offence_subgroup, code AS offence_code, words AS offence_description FROM (VALUES "
        "('8N', 'Assault', 90), ('8N', 'Zoe Example hit him', 4), ('9A', 'Joe Example', 4)) "
        "AS t(code, words, n), range(n)"
    )
    (counted,) = of_source(connection, source, source.classified[-1], {})
    assert [counted.named(i) for i in range(2)] == ["8N Assault", "9A"]
    assert counted.count.sum() == 98


@pytest.mark.parametrize("order", ["words", "words DESC"])
def test_of_words_that_as_many_rows_have_the_same_are_told_in_whatever_order_files_came(
    known: Registry, order: str
) -> None:
    source = known.sources["street_crime"]
    connection = warehouse.memory()
    connection.execute(
        "CREATE SCHEMA IF NOT EXISTS clean; CREATE TABLE clean.street_crime AS SELECT 'E23000030' "
        "AS force_code, DATE '2014-04-01' AS month, 'street' AS file_kind, '8N' AS crime_type, "
        "words AS context FROM (VALUES (E'Assault\\n without injury'), ('Assault')) AS t(words), "
        f"range(20) ORDER BY {order}"
    )
    source = replace(source, table="'street'")
    by_code = replace(source.classified[0], words="context")
    (counted,) = of_source(connection, source, by_code, {})
    # On one line, since the lines of a crosswalk are made of it.
    assert counted.named(0) == "8N Assault without injury"


def test_of_a_source_that_is_not_for_everybody_no_count_is_told(known: Registry) -> None:
    change = replace(RELABELLED, count_before=812.0, count_after=799.0, share=0.2345)
    crossed = Crossed(change.old[0], change.new[0], 0.0412)
    change = replace(change, before=change.period, after=change.period, crosswalk=(crossed,))
    for name, before, share in (("police_crime", None, 0.2), ("street_crime", 812.0, 0.2345)):
        one = Seen(name, "offence_group", change, ())
        (row,) = told.rows([one], known.sources[name], known, synthetic=True)
        assert (row["count_before"], row["share"], row["synthetic"]) == (before, share, True)
        for number in ("812", "799", "0.04"):
            told_somewhere = any(number in str(cell) for cell in row.values())
            assert told_somewhere == (before is not None)


# --- real files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, known: Registry, real_data: Path) -> Bench:
    made = Bench(tmp_path_factory.mktemp("watch"), known)
    for folder in ("police-uk-outcomes-by-force", "prc-pfa-2017-18", "prc-csp-2011-12"):
        for file in (real_data / folder).iterdir():
            made.put(f"{folder}/{file.name}", file.read_bytes())
    made.take_in("force_outcomes")
    made.take_in("recorded_crime")
    return made


def without(known: Registry, *ids: str) -> Registry:
    rows = tuple(one for one in known.changes.changes if one.id not in ids)
    return replace(known, changes=replace(known.changes, changes=rows))


def test_the_relabelling_of_2013_is_found_in_the_real_file(taken: Bench, known: Registry) -> None:
    source = known.sources["force_outcomes"]
    (one,) = looking.seen(taken.connection, source, without(known, "D46"))
    change = one.change
    assert change.old == ("Public disorder and weapons", "Violent crime")
    assert change.new == (
        *("Bicycle theft", "Possession of weapons", "Public order", "Theft from the person"),
        "Violence and sexual offences",
    )
    assert change.gave == ("Other crime", "Other theft")
    assert (change.first.year, change.last.year, change.about) == (2013, 2013, date(2013, 5, 1))
    assert (len(change.areas), change.areas_of) == (45, 45)
    # By the file itself: 147,405 + 676,732 of 2012, and the five new types of 2014.
    assert change.count_before == 147_405 + 676_732
    assert change.count_after == 95_021 + 21_415 + 152_113 + 81_964 + 839_521
    told = {(line.old, line.new): line.share for line in change.crosswalk if line.share}
    assert set(told) == {("Violent crime", "Violence and sexual offences")}
    assert told["Violent crime", "Violence and sexual offences"] > 0.85
    assert one.expected_by == ()
    (with_it,) = looking.seen(taken.connection, source, known)
    assert with_it.expected_by == ("D46",)


def test_both_classifications_of_burglary_are_found_in_the_real_file(
    taken: Bench, known: Registry
) -> None:
    source = known.sources["recorded_crime"]
    all_found = looking.seen(taken.connection, source, without(known, "D28"))
    burglary = [one for one in all_found if one.change.kind == "emptied"]
    assert [one.series for one in burglary] == [
        ("recorded_crime.burglary.domestic",),
        ("recorded_crime.burglary.non_domestic",),
    ]
    pairs = [
        (line.old[:3].strip(), line.new[:3].strip())
        for one in burglary
        for line in one.change.crosswalk
    ]
    assert pairs == [
        *(("28A", "28E"), ("28B", "28F"), ("28C", "28G"), ("28D", "28H"), ("29", "29A")),
        *(("30A", "30C"), ("30B", "30D"), ("31", "31A")),
    ]
    assert {one.expected_by for one in all_found} == {()}
    with_it = looking.seen(taken.connection, source, known)
    assert [one.expected_by for one in with_it if one.change.kind == "emptied"] == [("D28",)] * 2
    # What else changed in that table: a body's new name, on both levels; and nothing else.
    others = [one.change for one in all_found if one.change.kind != "emptied"]
    assert [(one.kind, one.first) for one in others] == [("renamed", date(2017, 7, 1))] * 2
    assert {line.share for one in others for line in one.crosswalk} == {1.0}


def test_a_category_has_the_series_of_the_indicators_that_count_it(
    taken: Bench, known: Registry
) -> None:
    source = known.sources["recorded_crime"]
    column = Classification("offence_code", "offence_subgroup", "offence_description")

    def asked(*codes: str) -> tuple[str, ...]:
        return series_of(taken.connection, source, column, codes, known.indicators.values())

    assert asked("28A", "30A") == (
        "recorded_crime.burglary.domestic",
        "recorded_crime.burglary.non_domestic",
    )
    assert asked("80") == ("recorded_crime",)
    assert asked("AF") == ()
