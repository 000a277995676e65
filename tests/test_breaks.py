"""Definitional changes: what the register refuses, what a scope reaches, which pairs break."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline import breaks, period, registry
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.model import Refused
from safecity_pipeline.period import Period
from safecity_pipeline.registry import changes
from safecity_pipeline.registry.changes import CHANGE_COLUMNS, Changes, Scope

PACKAGED = Path(changes.__file__).parent
CHANGES_FILE, SERIES_FILE = "definitional_changes.csv", "series.csv"
SOUTHAMPTON, HAMPSHIRE = "E06000045", "E23000030"
BRISTOL, AVON_AND_SOMERSET = "E06000023", "E23000036"
STREET, HOME_OFFICE = {"street_crime", "population"}, {"recorded_crime", "population"}
STALKING = "recorded_crime.violence.stalking_harassment.stalking"
NO_SOURCE: set[str] = set()


@cache
def packaged() -> Changes:
    return changes.load()


def broken(
    series: str,
    earlier: str,
    later: str,
    sources: set[str] = HOME_OFFICE,
    area: tuple[str, str] = (SOUTHAMPTON, HAMPSHIRE),
) -> Broken:
    spans = (period.parse(earlier), period.parse(later))
    return breaks.between(packaged(), series, sources, *area, *spans)


def a_change(**cells: str) -> dict[str, str]:
    """A row of the register, national, material and of the one day `on`, but for `cells`."""
    on = cells.pop("on", "2014-11-18")
    row = dict.fromkeys(CHANGE_COLUMNS, "") | {
        "id": "X1",
        "effective_first": on,
        "effective_date": on,
        "effective_last": on,
        "series_scope": "recorded_crime",
        "kind": "counting rule",
        "materiality": "material",
        "area_scope": "national",
        "status": "sure",
    }
    return row | cells


def register(folder: Path, *rows: dict[str, str], keep: bool = False) -> Path:
    """A folder with the packaged series and these changes, after the packaged ones with `keep`."""
    shutil.copy(PACKAGED / SERIES_FILE, folder)
    if keep:
        shutil.copy(PACKAGED / CHANGES_FILE, folder)
    with (folder / CHANGES_FILE).open("a", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, CHANGE_COLUMNS)
        if not keep:
            table.writeheader()
        table.writerows(rows)
    return folder


def only(folder: Path, **cells: str) -> Changes:
    return changes.load(register(folder, a_change(**cells)))


# --- which pairs ---------------------------------------------------------------------------------


def test_a_change_within_a_year_breaks_the_pairs_on_both_sides_of_it(tmp_path: Path) -> None:
    found = only(tmp_path, on="2014-11-18")
    years = [period.financial_year(year) for year in range(2012, 2018)]
    pairs = [
        (earlier.label, later.label)
        for earlier, later in pairwise(years)
        if breaks.between(found, "recorded_crime", NO_SOURCE, "X", None, earlier, later).material
    ]
    assert pairs == [("2013-14", "2014-15"), ("2014-15", "2015-16")]


@pytest.mark.parametrize(
    ("earlier", "later", "breaks_it"),
    [
        ("2016-17", "2017-18", True),
        ("2009-10", "2017-18", True),
        ("2015-16", "2016-17", False),
        # 1 April 2017 is the first day of 2017/18, which is thus all of one definition
        ("2017-18", "2018-19", False),
    ],
)
def test_a_change_on_the_first_day_of_a_year_leaves_that_year_a_good_base(
    earlier: str, later: str, breaks_it: bool
) -> None:
    found = broken("recorded_crime.burglary.domestic", earlier, later)
    assert ("D28" in found.material) is breaks_it


@settings(deadline=None)
@given(
    day=st.dates(date(2000, 1, 1), date(2030, 12, 31)),
    of_day=st.sampled_from([period.financial_year_of, period.month, period.quarter_of]),
)
def test_of_adjacent_pairs_the_two_around_a_change_break(
    day: date, of_day: Callable[[date], Period]
) -> None:
    register_row = packaged().changes[0]
    change = replace(register_row, effective_first=day, effective_date=day, effective_last=day)
    found = Changes((change,), packaged().series)
    within = of_day(day)
    before, after = within.previous(), within.next()
    hit = [
        bool(breaks.between(found, "recorded_crime", NO_SOURCE, "X", None, *pair).material)
        for pair in pairwise([before.previous(), before, within, after, after.next()])
    ]
    assert hit == [False, True, day != within.start, False]


@pytest.mark.parametrize(
    ("earlier", "later", "breaks_it"),
    [
        # D22 came between 15 January and 30 November 2014
        ("2013M12", "2014M01", True),
        ("2014M01", "2014M02", True),
        ("2014M06", "2014M07", True),
        ("2014M11", "2014M12", True),
        ("2013M11", "2013M12", False),
        ("2014M12", "2015M01", False),
        ("2013M09", "2014M09", True),
        ("2012-13", "2013-14", True),
        ("2011-12", "2012-13", False),
        ("2015-16", "2016-17", False),
    ],
)
def test_a_change_that_came_over_months_breaks_what_any_of_its_days_breaks(
    earlier: str, later: str, breaks_it: bool
) -> None:
    assert ("D22" in broken("recorded_crime.robbery", earlier, later).material) is breaks_it


def test_of_a_part_year_the_compared_days_decide(tmp_path: Path) -> None:
    found = only(tmp_path, on="2014-12-10")
    spans = Days(date(2013, 4, 1), date(2013, 11, 30)), Days(date(2014, 4, 1), date(2014, 11, 30))
    years = period.parse("2013-14"), period.parse("2014-15")
    where = found, "recorded_crime", NO_SOURCE, "X", None
    assert breaks.between(*where, *spans) == Broken()
    assert breaks.between(*where, *years) == Broken(material=("X1",))


def test_only_a_material_change_breaks_the_others_are_noted() -> None:
    # D09 (new law, 20 October 2014) is negligible, D22 and D23 are material
    asb = broken("asb.incidents", "2013-14", "2014-15")
    assert asb == Broken(material=("D22", "D23"), noted=("D09",))
    assert asb.ids == ("D22", "D23", "D09")
    # D51, the disorder of August 2011, is an event
    burglary = broken("recorded_crime.burglary", "2010-11", "2011-12")
    assert burglary == Broken(noted=("D51",))


def test_the_first_two_that_break_a_comparison_are_told_and_further_ones_named() -> None:
    asb = broken("asb.incidents", "2013-14", "2014-15")
    assert asb.words == (
        "15 January 2014 to 30 November 2014: police forces record crime more fully, D22; "
        "18 November 2014 to 31 March 2015: an inspection finds that a fifth of crimes go "
        "unrecorded, D23"
    )
    both = breaks.together([Broken(("X1", "X2"), told={"X1": "one"}), Broken(("X3", "X4"))])
    assert both.words == "one; X2; also X3, X4"
    assert Broken(noted=("D09",)).words == ""


def test_periods_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="starts before the earlier"):
        broken("recorded_crime", "2014-15", "2013-14")


# --- which series, source and area ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "earlier", "later", "material"),
    [
        ("recorded_crime", "2013-14", "2014-15", ("D22", "D23")),
        ("recorded_crime.robbery", "2013-14", "2014-15", ("D22", "D23")),
        # recorded_crime !recorded_crime.burglary: D22 excludes it with all below it
        ("recorded_crime.burglary", "2013-14", "2014-15", ()),
        ("recorded_crime.burglary.domestic", "2013-14", "2014-15", ()),
        # D28: the groups changed, their total did not
        ("recorded_crime.burglary.domestic", "2016-17", "2017-18", ("D28",)),
        ("recorded_crime.burglary.non_domestic", "2016-17", "2017-18", ("D28",)),
        ("recorded_crime.burglary", "2016-17", "2017-18", ()),
        # asb !asb.incidents: D08 changed the categories, not their total
        ("asb", "2010-11", "2011-12", ("D08",)),
        ("asb.incidents", "2010-11", "2011-12", ()),
        # =recorded_crime =recorded_crime.violence: D30 reaches those alone
        ("recorded_crime", "2017-18", "2018-19", ("D30",)),
        ("recorded_crime.violence", "2017-18", "2018-19", ("D30",)),
        ("recorded_crime.violence.with_injury", "2017-18", "2018-19", ()),
        ("recorded_crime.robbery", "2017-18", "2018-19", ()),
        # a change of a part does not reach the whole: D47 separated 8L and 8Q within it
        (STALKING, "2013-14", "2014-15", ("D22", "D23", "D47")),
        ("recorded_crime.violence", "2013-14", "2014-15", ("D22", "D23")),
        # the mixture: D26 changed violence, D43 sexual offences, D48 moved a part within violence
        ("recorded_crime.violence_and_sexual", "2013-14", "2014-15", ("D22", "D23")),
        ("recorded_crime.violence_and_sexual", "2016-17", "2017-18", ()),
        ("recorded_crime.violence_and_sexual", "2014M12", "2015M04", ("D23", "D26", "D43")),
        ("outcomes.no_suspect", "2012-13", "2013-14", ("D14",)),
    ],
)
def test_a_scope_reaches_what_it_names(
    series: str, earlier: str, later: str, material: tuple[str, ...]
) -> None:
    assert broken(series, earlier, later).material == material


def test_a_change_of_one_sources_coding_touches_that_source_only() -> None:
    # D46: data.police.uk changed its categories in May 2013
    pair = ("recorded_crime.burglary", "2012-13", "2013-14")
    assert broken(*pair, sources=STREET).material == ("D46",)
    assert broken(*pair, sources=HOME_OFFICE).material == ()


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        ("a", {"a", "a.b", "a.b.c", "a.mixed"}),
        ("a.b", {"a.b", "a.b.c", "a.mixed"}),
        ("=a", {"a"}),
        ("=a.b", {"a.b", "a.mixed"}),
        ("a.b.c", {"a.b.c"}),
        ("a !a.b", {"a", "a.mixed"}),
        ("a !a.b !x", {"a"}),
        ("a !a.mixed", {"a", "a.b", "a.b.c"}),
        ("a.b =a.b !a.b.c", {"a.b", "a.mixed"}),
        ("x", {"a.mixed", "x"}),
        ("ab a.b !a.b", {"ab"}),
        ("@street", {"a", "a.b", "a.b.c", "a.mixed", "ab", "x"}),
        ("@street !a", {"ab", "x"}),
        ("@other", set()),
    ],
)
def test_the_terms_of_a_scope(scope: str, reached: set[str]) -> None:
    mixes = {"a.mixed": ("a.b", "x")}
    series = ("a", "a.b", "a.b.c", "a.mixed", "ab", "x")
    read = Scope.of(scope)
    assert {one for one in series if read.reaches(one, mixes.get(one, ()), {"street"})} == reached


def test_a_change_of_one_force_stays_in_that_force() -> None:
    # D50: Hampshire's new records system, October 2015
    pair = ("recorded_crime.hate", "2015M09", "2015M10")
    assert broken(*pair, area=(SOUTHAMPTON, HAMPSHIRE)).material == ("D50",)
    assert broken(*pair, area=(HAMPSHIRE, HAMPSHIRE)).material == ("D50",)
    assert broken(*pair, area=(BRISTOL, AVON_AND_SOMERSET)).material == ()


def test_a_change_of_one_peer_stays_with_that_peer(tmp_path: Path) -> None:
    found = only(tmp_path, area_scope="one peer", area_code="E07000154")
    spans = period.parse("2013-14"), period.parse("2014-15")
    northampton = breaks.between(found, "asb", NO_SOURCE, "E07000154", "E23000022", *spans)
    assert northampton == Broken()  # its scope is recorded_crime
    where = found, "recorded_crime", NO_SOURCE
    assert breaks.between(*where, "E07000154", "E23000022", *spans).material == ("X1",)
    assert breaks.between(*where, "E07000151", "E23000022", *spans).material == ()


# --- the register --------------------------------------------------------------------------------


def test_adding_a_row_is_enough(tmp_path: Path) -> None:
    row = a_change(id="D53", on="2014-06-01", series_scope="recorded_crime.burglary")
    found = changes.load(register(tmp_path, row, keep=True))
    spans = period.parse("2013-14"), period.parse("2014-15")
    where = "recorded_crime.burglary", HOME_OFFICE, SOUTHAMPTON, HAMPSHIRE
    assert breaks.between(packaged(), *where, *spans).material == ()
    assert breaks.between(found, *where, *spans).material == ("D53",)


def test_the_packaged_register_holds_every_change_with_its_series() -> None:
    rows = packaged().rows()
    assert [row["id"] for row in rows[:52]] == [f"D{number:02d}" for number in range(1, 53)]
    assert all(list(row) == [*CHANGE_COLUMNS, "declared_by"] for row in rows)
    assert {row["declared_by"] for row in rows} == {"package"}
    badge = rows[21]
    assert badge["effective_last"] == date(2014, 11, 30)
    assert badge["test_dates"] == "2014-04-01 2014-11-01"
    assert badge["area_code"] is None
    mixed = next(row for row in packaged().series_rows() if row["also"])
    assert mixed["series"] == "recorded_crime.violence_and_sexual"
    assert mixed["also"] == "recorded_crime.violence recorded_crime.sexual"


def test_every_indicator_has_a_series_and_every_idle_series_a_reason() -> None:
    declared = registry.load().indicators.values()
    used = {packaged().named(one.series, one.indicator).series for one in declared}
    assert {name for name, one in packaged().series.items() if not one.parked} <= used
    # what `between` leaves to others, see its module, no indicator may count
    assert not {name for name in used if name.split(".")[0] in ("population", "peers")}


def test_an_indicators_misspelt_series_is_refused() -> None:
    with pytest.raises(Refused, match=r"got: 'recorded_crime.burglery'.*recorded_crime.burglary"):
        broken("recorded_crime.burglery", "2013-14", "2014-15")


@pytest.mark.parametrize(
    ("cells", "rule", "got"),
    [
        ({"series_scope": "recorded_crime.burglery"}, "unknown series", "recorded_crime.burglery"),
        ({"series_scope": "asb !asb.incident"}, "unknown series", "asb.incident"),
        ({"series_scope": "=recorded_crimes"}, "unknown series", "recorded_crimes"),
        ({"series_scope": "asb @street"}, "unknown source", "street"),
        ({"series_scope": "!asb"}, "reaches nothing", "!asb"),
        ({"series_scope": ""}, "reaches nothing", ""),
        ({"materiality": "Material"}, "unknown materiality", "Material"),
        ({"effective_date": "18/11/2014"}, "not a date", "18/11/2014"),
        ({"effective_last": ""}, "not a date", ""),
        ({"test_dates": "2014-11-31"}, "not a date", "2014-11-31"),
        (
            {"effective_first": "2014-11-19"},
            "out of order",
            ("2014-11-19", "2014-11-18", "2014-11-18"),
        ),
        ({"area_scope": "nationwide"}, "unknown words in area_scope", "nationwide"),
        ({"area_scope": "force"}, "needs the code of a police_force", ""),
        ({"area_scope": "force", "area_code": SOUTHAMPTON}, "police_force", SOUTHAMPTON),
        ({"area_code": HAMPSHIRE}, "a national change has no area_code", HAMPSHIRE),
        ({"status": ""}, "needs a status", ""),
        ({"status": "unsure"}, "needs a status", "unsure"),
        ({"kind": "counting rules"}, "unknown kind", "counting rules"),
        ({"materiality": "event"}, "contradict", "kind counting rule, materiality event"),
        ({"kind": "event"}, "contradict", "kind event, materiality material"),
        # it would be excluded, were it included
        ({"series_scope": "recorded_crime !asb"}, "excludes nothing", "!asb"),
        ({"series_scope": "=asb !asb.personal"}, "excludes nothing", "!asb.personal"),
        ({"series_scope": "asb =asb.personal !asb.personal"}, "reaches nothing", "=asb.personal"),
        ({"series_scope": "calls asb.personal !asb"}, "reaches nothing", "asb.personal"),
        ({"reference_series": "call"}, "unknown series in reference_series", "call"),
        (
            {"reference_series": "calls recorded_crime.drugs"},
            "no reference for itself",
            "recorded_crime.drugs",
        ),
        # a slip of the year: 2041 for 2014
        ({"effective_last": "2041-11-30"}, "more than five years", "2014-11-18 to 2041-11-30"),
        ({"on": "2104-11-18"}, "no data reach", "2104-11-18"),
        ({"on": "0214-11-18"}, "no data reach", "0214-11-18"),
        ({"test_dates": "2014-11-01 2015-11-01"}, "not within the change", "2015-11-01"),
        ({"area_scope": "supplier"}, "needs the code of a local_authority", ""),
        (
            {"area_scope": "supplier", "area_code": SOUTHAMPTON},
            "scope of a supplier's change is what it supplies",
            "recorded_crime",
        ),
    ],
)
def test_a_row_that_could_lie_dormant_is_refused(
    tmp_path: Path, cells: dict[str, str], rule: str, got: object
) -> None:
    with pytest.raises(Refused) as refused:
        only(tmp_path, **cells)
    assert rule in refused.value.rule
    assert refused.value.got == got
    assert refused.value.repair
    assert f"{CHANGES_FILE}, row 2, X1" in refused.value.place


def test_an_id_stands_for_one_change(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"two rows have this name.*got: 'D22'"):
        changes.load(register(tmp_path, a_change(id="D22"), keep=True))


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ("a.b,Part,,\n", "the series above is not listed"),
        ("a,Whole,,\na,Again,,\n", "two rows have this name"),
        ("a,Mixture,,b\n", "unknown series in also"),
        ("a,Mixture,,a\n", "no part of itself"),
        ("a,Mixture,,b\nb,Mixture,,c\nc,Part,,\n", "itself a mixture"),
        ("A b,Name,,\n", "not the name of a series"),
        ("a,,,\n", "needs a title"),
        ("a,Title\n", "a row must have 4 cells"),
    ],
)
def test_a_list_of_series_that_is_no_tree_is_refused(tmp_path: Path, rows: str, rule: str) -> None:
    register(tmp_path)
    (tmp_path / SERIES_FILE).write_text(f"series,title,parked,also\n{rows}", encoding="utf-8")
    with pytest.raises(Refused, match=f"{SERIES_FILE}.*{rule}"):
        changes.load(tmp_path)
