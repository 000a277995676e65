"""The community safety survey: how an export is read, who is asked what, and what the sample says.

Here: heads of two rows in a text file, ticks, routes, weights, sampling; the published figures of
2015 from the sample. Not here: other wide tables (test_sheets).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from conftest import Bench, check_named
from sampled import assert_as_declared, lay, measured

from safecity_pipeline import compare, measure
from safecity_pipeline.ingest import heads
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import Plan, safety_survey

FILE = "southampton-community-safety-survey-2015.csv"
NIGHT = "How safe or unsafe do you feel when outside in your local area after dark?"
FEEL = ("Very safe", "Fairly safe", "Neither safe nor unsafe", "Fairly unsafe", "Very unsafe")
SEEN = "Have you seen or experienced anti-social behaviour in the last 12 months?"
ABOUT = ("Respondent ID", "Start Date", "IP Address")
HEAD = (
    [*ABOUT, NIGHT, *[""] * 5, SEEN, "", "", "Did you report it to anyone?", "", "", "Weight"],
    [*[""] * 3, *FEEL, "Don't know", *("Yes", "No", "Don't know") * 2, ""],
)
# Answers are places of the options; "-" no answer, "" not asked.
Answers = tuple[str, str, str]


def ticks(answer: str, options: int) -> list[str]:
    if not answer:
        return [""] * options
    return ["1" if answer == str(at) else "0" for at in range(options)]


def response(
    number: int, answers: Answers, weight: str = "", started: str = "06/23/2015 10:15:00"
) -> list[str]:
    night, seen, reported = answers
    cells = [*ticks(night, 6), *ticks(seen, 3), *ticks(reported, 3)]
    return [str(number), started, "", *cells, weight]


def export(*rows: Sequence[str]) -> str:
    return "\r\n".join(",".join(row) for row in (*HEAD, *rows)) + "\r\n"


@pytest.fixture
def small(benches: Callable[[str], Bench], known: Registry) -> Bench:
    """A bench on which a survey of three questions is whole."""
    bench = benches("small")
    (layout,) = (one for one in known.layouts if one.source == "safety_survey")
    asked = ("after dark", "Have you seen", "Did you report")
    wide = {head: label for head, label in layout.wide.items() if any(a in head for a in asked)}
    bench.layouts = (replace(layout, wide=wide),)
    return bench


def test_a_question_stands_above_its_first_option_and_is_meant_by_the_others() -> None:
    rows = [["Number", "Q1", "", "Q2", ""], ["", "Yes", "No", "Yes", ""]]
    assert heads.made(heads.carried(rows)) == ("Number", "Q1 / Yes", "Q1 / No", "Q2 / Yes", "Q2")
    assert heads.made(rows) == ("Number", "Q1 / Yes", "No", "Q2 / Yes", "")


def test_a_respondent_has_a_row_for_each_option_and_blank_is_not_asked(small: Bench) -> None:
    small.put(FILE, export(response(1, ("1", "1", ""))))
    small.take_in("safety_survey")
    assert small.rows(
        "SELECT question, count(*), count(ticked), any_value(option) FILTER (ticked = 1) "
        "FROM clean.safety_survey GROUP BY question ORDER BY question"
    ) == [
        ("asb_experienced", 3, 3, "no"),
        ("asb_reported", 3, 0, None),  # of those alone who have seen any
        ("safe_at_night", 6, 6, "fairly safe"),
    ]
    assert small.rows(
        "SELECT DISTINCT respondent, area_code, period_start, period_end, sampling "
        "FROM clean.safety_survey"
    ) == [("1", "E06000045", date(2015, 1, 1), date(2015, 12, 31), "self_selected")]


def test_columns_of_persons_are_neither_read_nor_told_as_new(small: Bench) -> None:
    small.put(FILE, export(response(1, ("0", "1", ""))))
    taken = small.take_in("safety_survey")
    columns = [
        name for (name,) in small.rows("SELECT column_name FROM (DESCRIBE clean.safety_survey)")
    ]
    assert "ip_address" not in columns and "started" not in columns
    assert [check.message for check in taken.checks if not check.passed] == [
        "extracts with fewer rows than the declared 50, or more than 100,000: 1"
    ]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (response(1, ("0", "1", "0")), "asked_as_led"),  # reported what was not seen
        ([*response(1, ("0", "0", ""))[:4], "1", *response(1, ("0", "0", ""))[5:]], "one_answer"),
        (response(1, ("0", "1", ""), started="06/23/2014 10:15:00"), "answered_in_its_year"),
        (response(1, ("0", "1", ""), started="23/06/2015 10:15:00"), "answered_in_its_year"),
        (response(1, ("0", "1", ""), weight="0"), "weight_in_range"),
        (response(1, ("0", "1", ""), weight="20.1"), "weight_in_range"),
        (["", *response(1, ("0", "1", ""))[1:]], "respondent_present"),
        ([*response(1, ("0", "1", ""))[:3], "2", *response(1, ("", "1", ""))[4:]], "ticked_or_not"),
        (response(2, ("0", "1", "")), "key_unique"),  # sent twice
    ],
)
def test_a_bad_response_is_refused_whole_and_the_others_stand(
    small: Bench, row: list[str], rule: str
) -> None:
    small.put(FILE, export(response(2, ("0", "1", "")), row, response(3, ("-", "0", "1"))))
    taken = small.take_in("safety_survey")
    assert small.quarantined("safety_survey") == {4: [rule]}
    assert small.rows("SELECT DISTINCT _row FROM clean.safety_survey ORDER BY 1") == [(3,), (5,)]
    assert check_named(taken, "ledger_adds_up").passed


def test_each_question_has_the_base_of_those_with_a_valid_answer(
    small: Bench, known: Registry
) -> None:
    small.put(
        FILE,
        export(
            response(1, ("0", "0", "0")),  # very safe; seen and reported
            response(2, ("3", "0", "1")),  # fairly unsafe; seen, not reported
            response(3, ("5", "0", "2")),  # don't know; seen, does not remember
            response(4, ("-", "1", "")),  # no answer; not seen
            response(5, ("1", "2", "")),  # fairly safe; does not know
        ),
    )
    small.take_in("safety_survey")
    night = measured(small, known, "safe_at_night")["2015CY"]
    assert (night["numerator"], night["denominator"]) == (2, 3)  # 1 and 5 of 1, 2 and 5
    reported = measured(small, known, "asb_reported")["2015CY"]
    assert (reported["numerator"], reported["denominator"]) == (1, 2)  # 1 of 1 and 2


def test_weights_count_where_there_are_any(small: Bench, known: Registry) -> None:
    small.put(FILE, export(response(1, ("0", "1", ""), "1.5"), response(2, ("4", "1", ""))))
    small.take_in("safety_survey")
    night = measured(small, known, "safe_at_night")["2015CY"]
    assert (night["numerator"], night["denominator"], night["value"]) == (1.5, 2.5, 60)


def by_sampling(small: Bench, sampling: str, weight: str = "") -> None:
    (layout,) = small.layouts
    small.layouts = (replace(layout, says={"sampling": sampling}),)
    small.put(FILE, export(*(response(at, (str(at % 4), "1", ""), weight) for at in range(60))))
    small.take_in("safety_survey")


def test_a_random_sample_has_an_interval(small: Bench, known: Registry) -> None:
    by_sampling(small, "random")
    found = measured(small, known, "safe_at_night")["2015CY"]
    # 30 of 60, Wilson
    assert (found["value"], round(found["lower_95"], 1), round(found["upper_95"], 1)) == (
        50,
        37.7,
        62.3,
    )


@pytest.mark.parametrize(
    ("sampling", "weight"),
    [("self_selected", ""), ("quota", ""), ("unknown", ""), ("random", "1.5")],
)
def test_people_who_chose_to_answer_give_a_figure_and_no_interval(
    small: Bench, known: Registry, sampling: str, weight: str
) -> None:
    """Nor do weights, whose effective sample size nobody has computed."""
    by_sampling(small, sampling, weight)
    found = measured(small, known, "safe_at_night")["2015CY"]
    limits = found["lower_95"], found["upper_95"]
    assert (found["value"], found["obs_status"], limits) == (50, "A", (None, None))


def test_a_sampling_that_nobody_knows_is_refused(small: Bench) -> None:
    by_sampling(small, "convenience")
    assert set(map(tuple, small.quarantined("safety_survey").values())) == {("sampling_known",)}


# --- the sample ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def surveyed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Bench:
    folder: Path = tmp_path_factory.mktemp("survey")
    bench = Bench(folder, known)
    deliveries = safety_survey.deliveries(Plan(seed=request.param))
    lay(bench, deliveries)
    taken = bench.take_in("safety_survey")
    assert_as_declared(taken, bench, deliveries)
    return bench


@pytest.mark.parametrize(
    ("indicator", "above", "below"),
    [
        ("safe_at_home", 90.0001, 91),  # C61
        ("safe_by_day", 84.5, 85.5),  # C62
        ("safe_at_night", 51.5, 52.5),  # C63
        ("violence_not_an_issue", 62.5, 63.5),  # C64
        ("asb_an_issue", 51.5, 52.5),  # C65
    ],
)
def test_the_published_percentages_of_2015(
    surveyed: Bench, known: Registry, indicator: str, above: float, below: float
) -> None:
    found = measured(surveyed, known, indicator)
    assert set(found) == {"2013CY", "2015CY"}
    assert above <= found["2015CY"]["value"] < below
    assert 1_000 < found["2015CY"]["denominator"] < 1_140


def test_litter_is_the_first_concern_and_people_drunk_or_rowdy_the_second(
    surveyed: Bench, known: Registry
) -> None:
    """C66, C67; one answer apart, so that the loss of a tenth of the rows can turn them."""
    problems = [one for one in known.indicators if one.startswith("local_problem_")]
    found = {one: measured(surveyed, known, one)["2015CY"]["value"] for one in problems}
    assert len(found) == 7
    assert sorted(found, key=lambda one: -found[one])[:2] == [
        "local_problem_litter",
        "local_problem_drunk_or_rowdy",
    ]
    first, second = (
        measured(surveyed, known, f"local_problem_{one}")["2015CY"]
        for one in ("litter", "drunk_or_rowdy")
    )
    assert first["denominator"] == second["denominator"]
    assert first["numerator"] == second["numerator"] + 1


def test_a_change_between_two_open_surveys_has_neither_interval_nor_verdict(
    surveyed: Bench, known: Registry
) -> None:
    """C39: it rose, and nobody can say by more than who happened to answer."""
    indicator = known.indicators["safe_at_night"]
    measured(surveyed, known, "safe_at_night")  # the areas
    values = measure.values(surveyed.connection, indicator, known.sources)
    values["area_name"] = "Southampton"
    series = compare.series_of(values, stock=False)
    found = compare.findings(indicator, series, "E06000045", "Southampton", lambda name, day: None)
    (change,) = (one for one in found if one.change is not None)
    assert (change.period, change.base_period) == ("2015CY", "2013CY")
    assert change.change and change.change > 0
    assert (change.change_lower_95, change.significance) == (None, "not compared")
    assert "no interval can be given" in change.sentence


def test_the_survey_after_the_assessment_is_there_on_request() -> None:
    assert len(safety_survey.deliveries(Plan())) == 2
    assert len(safety_survey.deliveries(Plan(through="2015-16"))) == 2
    assert len(safety_survey.deliveries(Plan(through="2016-17"))) == 3
