"""Crime rates of a most similar group as iQuanta exports them.

Here: what a sheet says beside its rows, the average that is no place, limits that are rounding, and
what the sample's export gives. Not here: workbooks in general (`test_reading`), ranks of counted
rates (`test_compare`).
"""

from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from conftest import Bench, check_named
from hypothesis import given
from hypothesis import strategies as st
from part_of_sample import SOUTHAMPTON, Part

from safecity_pipeline import compare, statistics
from safecity_pipeline.model import Finding, Refused
from safecity_pipeline.registry import Registry, indicators
from safecity_pipeline.sample import Plan, city
from safecity_pipeline.sample import peer_crime as exports
from safecity_pipeline.sources import peer_crime

FILE = "iquanta-all-crime.csv"
TITLES = (
    "Crimes per 1,000 residents",
    "Offence group: All crime",
    '"Most similar group of Southampton: Bristol; Derby, and others"',
    "Exported on 20/04/2015",
)
HEAD = "Area,Feb 2015,Mar 2015,12 months to Mar 2014,12 months to Mar 2015"


def export(*rows: str, titles: tuple[str, ...] = TITLES, head: str = HEAD) -> str:
    return "\n".join([*titles, "", head, *rows, "", "Source: iQuanta", ""])


GOOD = (
    "Hampshire - Southampton,8.12,8.4,93.4,100.9",
    "Avon & Somerset - Bristol,9.01,-,101.5,110",
    "Derby,6.5,6.55,78.1,n/a",
    "MSG average,7.88,7.48,91,105.5",
)


def test_a_sheet_says_its_group_its_offences_and_its_day_above_the_table(bench: Bench) -> None:
    bench.put(FILE, export(*GOOD))
    made = bench.take_in("peer_crime")
    assert bench.rows(
        "SELECT DISTINCT offence_group, group_of, group_code, membership, extracted_on "
        "FROM clean.peer_crime"
    ) == [
        ("All crime", "Southampton", SOUTHAMPTON, "Bristol; Derby, and others", date(2015, 4, 20))
    ]
    # 4 titles, a blank row, the head; 4 of data; a blank row and the source: 12
    ledger = made.ledger.iloc[0]
    assert (ledger["rows_read"], ledger["rows_valid"], ledger["rows_excluded"]) == (12, 4, 8)
    assert check_named(made, "ledger_adds_up").passed


def test_areas_are_found_by_name_and_the_average_is_no_area(bench: Bench) -> None:
    bench.put(FILE, export(*GOOD))
    bench.take_in("peer_crime")
    assert bench.rows(
        "SELECT DISTINCT area_name, area_code, is_average, place FROM clean.peer_crime ORDER BY 1"
    ) == [
        ("Avon & Somerset - Bristol", "E06000023", False, "E06000023"),
        ("Derby", "E06000015", False, "E06000015"),
        ("Hampshire - Southampton", SOUTHAMPTON, False, SOUTHAMPTON),
        ("MSG average", None, True, "average"),
    ]


def test_a_rate_lies_within_half_a_unit_of_its_last_decimal(bench: Bench) -> None:
    """8.4 in a column of hundredths is 8.40: 8.395 to 8.405. 110 in one of tenths: ± 0.05."""
    bench.put(FILE, export(*GOOD))
    bench.take_in("peer_crime")
    assert bench.rows(
        "SELECT period_label, covers, period_start, period_end, value, lower_95, upper_95, "
        f"value_status FROM clean.peer_crime WHERE area_code IN ('{SOUTHAMPTON}', 'E06000023') "
        "AND period_end = DATE '2015-03-31' ORDER BY area_code DESC, covers"
    ) == [
        ("Mar 2015", "month", date(2015, 3, 1), date(2015, 3, 31), 8.4, 8.395, 8.405, "ok"),
        ("12 months to Mar 2015", "twelve months", date(2014, 4, 1), date(2015, 3, 31),
         100.9, 100.85, 100.95, "ok"),
        ("Mar 2015", "month", date(2015, 3, 1), date(2015, 3, 31), None, None, None,
         "not_available"),
        ("12 months to Mar 2015", "twelve months", date(2014, 4, 1), date(2015, 3, 31),
         110, 109.95, 110.05, "ok"),
    ]  # fmt: skip


def test_a_rate_of_nought_has_no_limit_below_nought(bench: Bench) -> None:
    bench.put(FILE, export("Southampton,0,0.01,93.4,0"))
    bench.take_in("peer_crime")
    assert bench.rows("SELECT lower_95, upper_95 FROM clean.peer_crime WHERE value = 0") == [
        (0, 0.005),
        (0, 0.05),
    ]


BAD = [
    ("Wessex - Westshire,7,7,90,90", "place_known"),
    ("Reading,7.123,7,90,90", "value_rounded"),
    ("Luton,7,7,90,90.25", "value_rounded"),
    ("Slough,7,7,90,1001", "value_in_range"),
    ("Derby,7,7,90,90", "key_unique"),
]


def test_a_row_that_breaks_one_rule_is_refused_for_it(bench: Bench) -> None:
    bench.put(FILE, export(*GOOD, *(row for row, _ in BAD)))
    bench.take_in("peer_crime")
    expected = {at: [rule] for at, (_, rule) in enumerate(BAD, start=11)}
    assert bench.quarantined("peer_crime") == expected


def test_an_average_outside_its_members_is_refused_and_they_stand(bench: Bench) -> None:
    bench.put(FILE, export(*GOOD[:3], "MSG average,7.88,7.48,91,1.1"))
    bench.take_in("peer_crime")
    assert bench.quarantined("peer_crime") == {10: ["average_among_members"]}
    assert bench.rows("SELECT count(*) FROM clean.peer_crime") == [(12,)]


def test_months_that_do_not_add_up_to_their_year_are_noticed(bench: Bench) -> None:
    """12 × 8.4 = 100.8; that of the twelve months is 100.9 in the one area and 102 in the other."""
    months = [f"{month} 2014" for month in exports._MONTHS[:9]]
    months += [f"{month} 2015" for month in exports._MONTHS[9:]]
    head = ",".join(["Area", *months, "12 months to Mar 2015"])
    rows = [f"{name},{','.join(['8.4'] * 12)},{year}" for name, year in
            (("Southampton", "100.9"), ("Derby", "102"))]  # fmt: skip
    bench.put(FILE, export(*rows, head=head))
    made = bench.take_in("peer_crime")
    assert check_named(made, "months_add_up").failed_rows == 1


@pytest.mark.parametrize(
    ("title", "words"),
    [
        (1, "neither the rows, nor the file's name, nor a manifest say its offence_group"),
        (2, "say its group_of"),
        (3, "say its extracted"),
    ],
)
def test_a_sheet_without_a_title_that_is_needed_is_refused(
    bench: Bench, title: int, words: str
) -> None:
    titles = tuple("" if at == title else text for at, text in enumerate(TITLES))
    bench.put(FILE, export(*GOOD, titles=titles))
    found = bench.extract(FILE)
    assert found.status == "refused"
    assert words in found.message


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("Mar 2015", "2015-03-01", "2015-03-31"),
        ("12 months to Mar 2015", "2014-04-01", "2015-03-31"),
        ("12 months to Dec 2014", "2014-01-01", "2014-12-31"),
    ],
)
def test_a_head_says_which_days_it_covers(label: str, first: str, last: str) -> None:
    found = peer_crime.span(label)
    assert found is not None
    assert (found.start, found.end) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("label", ["", "March 2015", "Mrz 2015", "6 months to Mar 2015", "2015"])
def test_another_head_is_no_span(label: str) -> None:
    assert peer_crime.span(label) is None


# --- the sample ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def part(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Part:
    return Part(tmp_path_factory.mktemp("part"), known, ["peer_crime"], Plan(seed=request.param))


@pytest.mark.parametrize(
    ("indicator", "of"),
    [("iquanta_all_crime_rate", ""), ("iquanta_violence_rate", city.VIOLENCE)],
)
def test_southampton_has_the_rounded_rate_of_its_recorded_offences(
    part: Part, indicator: str, of: str
) -> None:
    offences = {year: city.sum_of(city.offences(part.plan, year), of) for year in part.plan.years}
    expected = {
        year: pytest.approx(1_000 * count / city.RESIDENTS, abs=0.05 + 1e-9)
        for year, count in offences.items()
    }
    assert part.values(indicator) == expected


def test_limits_beside_a_figure_are_its_rounding(part: Part) -> None:
    rows = part.figures("iquanta_all_crime_rate")
    rows = rows[rows["period"] == "2014-15"]
    assert len(rows) == 15
    assert (rows["upper_95"] - rows["lower_95"]).round(9).eq(0.1).all()
    assert rows["numerator"].isna().all()


@pytest.mark.parametrize("indicator", ["iquanta_all_crime_rate", "iquanta_violence_rate"])
def test_southampton_is_third_highest_of_fifteen_with_neighbours_near(
    part: Part, indicator: str
) -> None:
    """So that the loss of a tenth of its crimes, 10 %, changes its place."""
    rows = part.figures(indicator)
    rates = rows[rows["period"] == "2014-15"].set_index("area_code")["value"]
    assert len(rates) == 15
    own = rates[SOUTHAMPTON]
    assert dict(zip(rates.index, statistics.rank(rates), strict=True))[SOUTHAMPTON] == 3
    assert own < rates[rates > own].min() < 1.05 * own
    assert own > rates[rates < own].max() > 0.95 * own


def test_the_average_is_kept_by_group_and_month_and_has_no_code(part: Part) -> None:
    found = part.rows(
        "SELECT offence_group, period_label, count(*) FILTER (is_average), "
        "avg(value) FILTER (NOT is_average), any_value(value) FILTER (is_average) "
        "FROM clean.peer_crime WHERE covers = 'twelve months' AND period_end = DATE '2015-03-31' "
        "GROUP BY ALL"
    )
    assert len(found) == 3
    for _, _, averages, mean, printed in found:
        assert averages == 1
        assert printed == pytest.approx(mean, abs=0.11)
    assert part.rows(
        "SELECT count(*) FROM clean.peer_crime WHERE is_average AND area_code IS NOT NULL"
    ) == [(0,)]


def test_two_rows_are_bad_and_each_is_refused_for_its_fault(part: Part) -> None:
    rules = Counter(rule for (rule,) in part.rows("SELECT rules[1] FROM quarantine.peer_crime"))
    assert rules == {"average_among_members": 1, "place_known": 1}
    assert check_named(part.taken["peer_crime"], "months_add_up").passed


@pytest.mark.parametrize(
    ("rates", "ranges"),
    [
        # 100.9 is 100.85 to 100.95, 100.8 lies below all of it; the two of 100.9 may be either
        ([100.8, 100.9, 100.9, 101], [(4, 4), (2, 3), (2, 3), (1, 1)]),
        ([100.9, 100.9, 100.9], [(1, 3)] * 3),
        ([100.9, None, 7], [(1, 1), (None, None), (2, 2)]),
    ],
)
def test_a_rank_of_rounded_rates_is_a_range(
    rates: list[float | None], ranges: list[tuple[int | None, int | None]]
) -> None:
    assert statistics.rank_range(rates, 0.1) == ranges


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_no_unrounded_rate_has_a_place_outside_its_range(hundredths: list[int]) -> None:
    exact = [number / 100 + 0.001 for number in hundredths]
    ranges = statistics.rank_range([round(one, 1) for one in exact], 0.1)
    for place, (first, last) in zip(statistics.rank(exact), ranges, strict=True):
        assert place is not None and first is not None and last is not None
        assert first <= place <= last


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the step must be above 0.*0\.1 for one decimal"):
        statistics.rank_range([1.0], 0)


def ranked(part: Part, known: Registry, rows: pd.DataFrame) -> Finding:
    indicator = known.indicators["iquanta_all_crime_rate"]
    found = compare.findings(
        indicator,
        compare.series_of(rows.assign(area_name="x"), stock=False, published=True),
        SOUTHAMPTON,
        "Southampton",
        lambda name, day: known.areas.peer_group(name, SOUTHAMPTON, day),
    )
    wanted = ("peer_rank", SOUTHAMPTON, "2014-15")
    (rank,) = (one for one in found if (one.comparison, one.area_code, one.period) == wanted)
    return rank


def test_the_rank_of_the_city_is_what_rounding_leaves_of_it(part: Part, known: Registry) -> None:
    rows = part.figures("iquanta_all_crime_rate")
    rank = ranked(part, known, rows)
    assert (rank.rank_high, rank.rank_best, rank.rank_of) == (3, 13, 15)
    assert (rank.rank_lower_95, rank.rank_upper_95) == (3, 3)
    same = (rows["area_code"] == "E06000033") & (rows["period"] == "2014-15")
    rows.loc[same, "value"] = rank.value
    rank = ranked(part, known, rows)
    assert (rank.rank_lower_95, rank.rank_upper_95) == (3, 4)
    assert "(3rd to 4th highest, by rounding alone)" in rank.sentence


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rounded_to = 0.1", "rounded_to = 0", "rounded_to is a number above nought"),
        ("rounded_to = 0.1", 'rounded_to = "0.1"', "rounded_to is a number above nought"),
    ],
)
def test_a_slip_in_the_step_of_rounding_is_refused(
    tmp_path: Path, known: Registry, old: str, new: str, words: str
) -> None:
    text = (indicators.PACKAGED / "peers.toml").read_text(encoding="utf-8")
    (tmp_path / "peers.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused, match=words):
        indicators.load(known.sources, ["crime_most_similar"], tmp_path)
