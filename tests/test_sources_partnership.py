"""What the partnership and its smaller services send: forms, rules, and the sample's figures.

Here: mediation, the register of actions, The Prince's Trust, test purchases, the Late Night Levy,
emerging issues. Not here: the survey (test_sources_survey).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import pytest
from conftest import Bench, check_named
from sampled import assert_as_declared, lay, measured

from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import Plan, partnership

Cells = Sequence[str]
SOURCES = (
    *("emerging_issue", "late_night_levy", "mediation", "partnership_action", "programme"),
    "test_purchase",
)


def table(*rows: Cells) -> str:
    return "\r\n".join(",".join(row) for row in rows) + "\r\n"


def refused(bench: Bench, source: str) -> dict[int, list[str]]:
    """Rows that are refused with their rules; the ledger adds up."""
    assert check_named(bench.take_in(source), "ledger_adds_up").passed
    return bench.quarantined(source)


def told(bad: Sequence[tuple[Cells, str]], first: int) -> dict[int, list[str]]:
    """Each bad row has the one fault that stands beside it; they stand together from `first` on."""
    return {row: [rule] for row, (_, rule) in enumerate(bad, first)}


# --- mediation -----------------------------------------------------------------------------------

CASES = ("Case ref", "Date referred", "Accepted?", "Date closed", "Outcome")
MEDIATION = "southampton-mediation-cases-2014-15-extracted-{}.csv"


def case(ref: str, outcome: str = "", accepted: str = "Yes", closed: str = "30/07/2014") -> Cells:
    return ref, "14/05/2014", accepted, closed if outcome else "", outcome


def test_a_success_rate_is_of_the_cases_closed_accepted_or_referred(
    bench: Bench, known: Registry
) -> None:
    cases = [case("1", "Resolved"), case("2", "Resolved"), case("3", "Partly resolved"), case("4")]
    refusals = [case("5", accepted="No")]
    bench.put(MEDIATION.format("2015-05-12"), table(CASES, *cases, *refusals))
    assert refused(bench, "mediation") == {}
    found = {
        name: measured(bench, known, name)["2014-15"]
        for name in known.indicators
        if name.startswith("mediation_")
    }
    assert {name: (row["numerator"], row["denominator"]) for name, row in found.items()} == {
        "mediation_success": (2, 3),  # 1 and 2 of 1 to 3
        "mediation_success_of_accepted": (2, 4),  # and 4, which is open
        "mediation_success_of_referred": (2, 5),  # and 5, which was not taken on
    }
    assert bench.rows(
        "SELECT stage, referred_on, closed_on, extracted_on, area_code FROM clean.mediation "
        "WHERE case_ref IN ('1', '5') ORDER BY case_ref"
    ) == [
        ("closed", date(2014, 5, 14), date(2014, 7, 30), date(2015, 5, 12), "E06000045"),
        ("not accepted", date(2014, 5, 14), None, date(2015, 5, 12), "E06000045"),
    ]


def test_each_case_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        (("1", "14/05/2014", "Yes", "30/07/2014", ""), "closed_with_outcome"),
        (("1", "14/05/2014", "Yes", "", "Resolved"), "closed_with_outcome"),
        (("1", "14/05/2014", "No", "30/07/2014", "Resolved"), "closed_was_accepted"),
        (("1", "14/05/2014", "Yes", "01/04/2015", "Resolved"), "closed_in_its_year"),
        (("1", "31/07/2014", "Yes", "30/07/2014", "Resolved"), "referred_before_closed"),
        (("1", "14/05/2014", "Perhaps", "", ""), "accepted_known"),
        (("1", "14/05/2014", "Yes", "30/07/2014", "Happy"), "outcome_known"),
        (("1", "5/14/2014", "Yes", "", ""), "referred_on_known"),
        (("0", "14/05/2014", "Yes", "", ""), "key_unique"),
    ]
    rows = [(ref if ref == "0" else str(at), *row) for at, ((ref, *row), _) in enumerate(bad, 1)]
    bench.put(MEDIATION.format("2015-05-12"), table(CASES, case("0"), *rows))
    assert refused(bench, "mediation") == told(bad, 3)


@pytest.mark.parametrize("vouched", [True, False])
def test_a_later_extract_of_the_year_takes_the_place_of_the_earlier(
    bench: Bench, vouched: bool
) -> None:
    """By the manifest's dates, or by those in the files' names."""
    early, late = MEDIATION.format("2015-04-17"), MEDIATION.format("2015-06-30")
    before = table(CASES, case("1"), case("2"))
    bench.put(early, before)
    for number in range(3, 99):  # until the hash, which goes before nothing, would decide otherwise
        after = table(CASES, case("1", "Resolved"), case("2"), case(str(number)))
        if sha256(after.encode()).digest() > sha256(before.encode()).digest():
            break
    bench.put(late, after)
    lines = [f"{early},2015-04-17", f"{late},2015-06-30"]
    if vouched:
        bench.put("manifest.csv", "\n".join(["file,published_on", *lines]) + "\n")
    ledger = bench.take_in("mediation").ledger
    assert sorted(ledger["excluded_superseded"]) == [0, 2]
    assert bench.rows("SELECT count(*), count(outcome) FROM clean.mediation") == [(3, 1)]


# --- register of actions -------------------------------------------------------------------------

ACTIONS = (
    *("Ref", "Kind", "Item", "Neighbourhood", "Due", "Status", "Date done"),
    "Priorities agreed",
)
REGISTER = "southampton-partnership-register-2014-15-extracted-2015-10-05.csv"
MEET = ("PACT meetings", "Meetings of the year")


def test_coverage_is_of_all_neighbourhoods_that_the_register_lists(
    bench: Bench, known: Registry
) -> None:
    bench.put(
        REGISTER,
        table(
            ACTIONS,
            ("1", *MEET, "Shirley", "31/03/2015", "Complete", "10/06/2014", "3"),
            ("2", *MEET, "Bargate", "31/03/2015", "Complete", "10/07/2014", "2"),
            ("3", *MEET, "Bassett", "31/03/2015", "Not started", "", ""),
            ("4", "Prevent action", "Plan", "", "30/09/2014", "Complete", "01/10/2014", ""),
            ("5", "Prevent action", "Report", "", "30/09/2014", "Cancelled", "", ""),
            (
                "6",
                "Event",
                "Prevent engagement event",
                "",
                "16/09/2015",
                "Complete",
                "16/09/2015",
                "",
            ),
        ),
    )
    assert refused(bench, "partnership_action") == {}

    def parts(name: str) -> dict[str, tuple[float, float | None]]:
        rows = measured(bench, known, name)
        return {label: (row["numerator"], row["denominator"]) for label, row in rows.items()}

    assert parts("pact_coverage")["2014-15"] == (2, 3)
    assert parts("neighbourhoods_with_three_priorities")["2014-15"] == (1, 3)
    assert parts("prevent_actions_done")["2014-15"] == (1, 1)  # the cancelled one is not due
    # C26: September 2015 lies outside the year, and its own is not over: no figure of that yet.
    assert parts("prevent_event_count") == {"2014-15": (0, None)}


def register(stated: str, *names: str) -> str:
    """A register below a title, in which every neighbourhood met."""
    meetings = [
        (f"{at}", *MEET, name, "31/03/2015", "Complete", "10/06/2014", "3")
        for at, name in enumerate(names)
    ]
    rest = [""] * (len(ACTIONS) - 1)
    return table(("Register of actions 2014/15", *rest), (stated, *rest), ACTIONS, *meetings)


@pytest.mark.parametrize(
    ("stated", "of", "lacking"),
    [
        ("Neighbourhoods in the area: 4", 4, 1),  # Sholing has no row: 3 of 4
        ("Neighbourhoods in the area: 3", 3, 0),
        ("Neighbourhoods: 2", 3, 0),  # no fewer than it lists
        ("", 3, 0),  # not stated: those listed
    ],
)
def test_coverage_is_of_the_neighbourhoods_that_a_register_says_there_are(
    bench: Bench, known: Registry, stated: str, of: int, lacking: int
) -> None:
    bench.put(REGISTER, register(stated, "Shirley", "Bargate", "Bassett"))
    taken = bench.take_in("partnership_action")
    assert bench.quarantined("partnership_action") == {}
    for name in ("pact_coverage", "neighbourhoods_with_three_priorities"):
        row = measured(bench, known, name)["2014-15"]
        assert (row["numerator"], row["denominator"]) == (3, of)
    check = check_named(taken, "all_neighbourhoods_listed")
    assert (check.failed_rows, check.severity) == (lacking, "WARN")


def test_each_action_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        (("Event", "Forum", "", "31/03/2015", "Complete", "", ""), "done_where_complete"),
        (
            ("Event", "Forum", "", "31/03/2015", "In progress", "01/02/2015", ""),
            "done_where_complete",
        ),
        ((*MEET, "", "31/03/2015", "Not started", "", ""), "meetings_have_a_neighbourhood"),
        (("Event", "Forum", "", "31/03/2015", "Not started", "", "3"), "priorities_of_meetings"),
        ((*MEET, "Shirley", "31/03/2015", "Not started", "", "21"), "priorities_in_range"),
        ((*MEET, "BASSETT", "31/03/2015", "Not started", "", ""), "one_row_a_neighbourhood"),
        (("Party", "Forum", "", "31/03/2015", "Not started", "", ""), "kind_known"),
        (("Event", "Forum", "", "31/03/2015", "Soon", "", ""), "status_known"),
        (("Event", "Forum", "", "spring", "Not started", "", ""), "due_on_known"),
    ]
    good = ("1", *MEET, "Bassett", "31/03/2015", "Not started", "", "")
    rows = [(f"B{at}", *row) for at, (row, _) in enumerate(bad)]
    bench.put(REGISTER, table(ACTIONS, good, *rows))
    assert refused(bench, "partnership_action") == told(bad, 3)


# --- The Prince's Trust --------------------------------------------------------------------------

PLACES = (
    *("Course", "Course start", "Completed (Y/N)", "Date completed"),
    "Progression within 3 months",
)
TRUST = "southampton-princes-trust-attendees-2014-15-extracted-2015-07-31.csv"


def test_equal_rows_are_two_attendees_and_completers_another_base(
    bench: Bench, known: Registry
) -> None:
    twin = ("PT-1", "08/09/2014", "Y", "28/11/2014", "Training")
    bench.put(
        TRUST,
        table(
            PLACES,
            twin,
            twin,
            ("PT-1", "08/09/2014", "Y", "28/11/2014", "Not known"),
            ("PT-1", "08/09/2014", "N", "", "Employment"),
            ("PT-1", "08/09/2014", "N", "", "None"),
        ),
    )
    assert refused(bench, "programme") == {}
    of_all = measured(bench, known, "princes_trust_progression")["2014-15"]
    completers = measured(bench, known, "princes_trust_progression_of_completers")["2014-15"]
    assert (of_all["numerator"], of_all["denominator"]) == (3, 5)
    assert (completers["numerator"], completers["denominator"]) == (2, 3)


def test_each_place_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        (("PT-1", "08/09/2014", "Y", "", "None"), "ended_where_completed"),
        (("PT-1", "08/09/2013", "N", "", "None"), "started_in_its_year"),
        (("PT-1", "08/09/2014", "?", "", "None"), "completed_known"),
        (("PT-1", "08/09/2014", "N", "", "Abroad"), "followed_known"),
    ]
    bench.put(TRUST, table(PLACES, *(row for row, _ in bad)))
    assert refused(bench, "programme") == told(bad, 2)


# --- test purchases ------------------------------------------------------------------------------

TESTS = ("Test ref", "Date of test", "Premises type", "Intelligence-led (Y/N)", "Sold (Y/N)")
TITLE: tuple[Cells, Cells] = (("Test purchases of alcohol 2014/15", *[""] * 4), [""] * 5)
PURCHASES = "southampton-test-purchases-extracted-2015-05-29.csv"


def test_the_title_names_the_year_of_the_tests(bench: Bench, known: Registry) -> None:
    rows = [("T1", "14/06/2014", "Pub or bar", "Y", "Y"), ("T2", "15/06/2014", "Other", "N", "N")]
    bench.put(PURCHASES, table(*TITLE, TESTS, *rows))
    assert refused(bench, "test_purchase") == {}
    found = measured(bench, known, "test_purchase_failure_share")
    assert {label: row["value"] for label, row in found.items()} == {"2014-15": 50}


def test_each_test_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        (("T1", "01/04/2015", "Other", "N", "N"), "tested_in_its_year"),
        (("T1", "14/06/2014", "Petrol station", "N", "N"), "premises_known"),
        (("T1", "14/06/2014", "Other", "N", "maybe"), "sold_known"),
        (("T1", "14/06/2014", "Other", "", "N"), "intelligence_led_present"),
        (("T1", "31/06/2014", "Other", "N", "N"), "tested_on_known"),
    ]
    rows = [(f"T{at}", *row[1:]) for at, (row, _) in enumerate(bad)]
    bench.put(PURCHASES, table(*TITLE, TESTS, *rows))
    assert refused(bench, "test_purchase") == told(bad, 4)


# --- Late Night Levy -----------------------------------------------------------------------------

STATEMENT = (
    *("Levy year from", "Levy year to", "Levy income (£)", "Administration costs (£)"),
    *("Paid to the Police and Crime Commissioner (£)", "Kept by the council (£)"),
    *("Report published (Y/N)", "Date of report"),
)
LEVY = "southampton-late-night-levy-extracted-2016-02-12.csv"
SPAN = ("01/11/2014", "31/10/2015")


def test_a_levy_year_stands_under_its_own_twelve_months(bench: Bench, known: Registry) -> None:
    # 152,000 - 12,000 = 140,000, of which 98,000 are 70 per cent
    row = (*SPAN, '"152,000"', "12000", "98000", "42000", "Y", "29/01/2016")
    bench.put(LEVY, table(STATEMENT, row))
    assert refused(bench, "late_night_levy") == {}
    income = measured(bench, known, "late_night_levy_income")
    reports = measured(bench, known, "late_night_levy_report_count")
    assert {label: row["value"] for label, row in income.items()} == {"2015M10-P12M": 152_000}
    assert {label: row["value"] for label, row in reports.items()} == {"2015M10-P12M": 1}


def test_each_statement_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        ((*SPAN, "152000", "12000", "98000", "41000", "N", ""), "all_is_shared_out"),
        (
            ("01/11/2015", "31/10/2016", "152000", "12000", "97000", "43000", "N", ""),
            "police_have_their_share",
        ),
        (
            ("01/11/2016", "31/10/2017", "152000", "12000", "98000", "42000", "Y", ""),
            "reported_where_published",
        ),
        (
            ("01/11/2017", "31/03/2018", "152000", "12000", "98000", "42000", "N", ""),
            "period_start_known",
        ),
        (("01/11/2018", "31/10/2019", "-1", "0", "0", "-1", "N", ""), "income_in_range"),
    ]
    bench.put(LEVY, table(STATEMENT, *(row for row, _ in bad)))
    assert refused(bench, "late_night_levy") == told(bad, 2)


# --- emerging issues -----------------------------------------------------------------------------

ISSUES = "southampton-emerging-issues-2014-15.csv"
ABOVE = (["Emerging issues", "", ""], ["Extracted: 12/05/2015", "", ""], [""] * 3)
HEAD = ["Quarter", "Issue", "Recorded"]
NOTE = ["* fewer than 5 are not shown", "", ""]


def of_issue(*cells: str, issue: str = "Modern slavery") -> list[Cells]:
    return [(f"Q{at} 2014/15", issue, cell) for at, cell in enumerate(cells, 1)]


def test_quarters_add_up_to_a_year_unless_one_is_hidden(bench: Bench, known: Registry) -> None:
    violence = of_issue("7", "5", "0", "9", issue="Honour-based violence")
    bench.put(ISSUES, table(*ABOVE, HEAD, *of_issue("6", "*", "0", "8"), *violence, NOTE))
    assert refused(bench, "emerging_issue") == {}
    hidden = measured(bench, known, "emerging_modern_slavery_count")
    told = {label: (row["value"], row["obs_status"]) for label, row in hidden.items()}
    assert told == {
        "2014Q2": (6, "A"),
        "2014Q3": (None, "C"),
        "2014Q4": (0, "A"),
        "2015Q1": (8, "A"),
        "2014-15": (None, "C"),
    }
    assert hidden["2014Q3"]["suppressed_reason"] == "below 5, says the publisher: *"
    whole = measured(bench, known, "emerging_honour_based_violence_count")
    assert whole["2014-15"]["value"] == 21  # 7 + 5 + 0 + 9
    # No row at all is no number, and not 0.
    assert measured(bench, known, "emerging_fgm_count") == {}
    assert bench.rows("SELECT DISTINCT extracted_on FROM clean.emerging_issue") == [
        (date(2015, 5, 12),)
    ]


def test_each_number_that_cannot_be_is_refused_for_its_own_fault(
    bench: Bench,
) -> None:
    bad: list[tuple[Cells, str]] = [
        (("Q5 2014/15", "Modern slavery", "6"), "period_start_known"),
        (("2014Q1", "Modern slavery", "6"), "period_start_known"),
        (("Q1 2014/15", "Forced marriage", "6"), "issue_known"),
        (("Q2 2014/15", "Modern slavery", "6.5"), "recorded_whole"),
        (("Q3 2014/15", "Modern slavery", "-6"), "recorded_in_range"),
    ]
    bench.put(ISSUES, table(*ABOVE, HEAD, *(row for row, _ in bad), NOTE))
    assert refused(bench, "emerging_issue") == told(bad, 5)


# --- the sample ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def sampled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("partnership"), known)
    deliveries = partnership.deliveries(Plan(seed=request.param))
    lay(bench, deliveries)
    for source in SOURCES:
        own = [one for one in deliveries if one.source == source]
        assert_as_declared(bench.take_in(source), bench, own)
    return bench


@pytest.mark.parametrize(
    ("indicator", "period", "above", "below"),
    [
        ("mediation_success", "2014-15", 89.5, 90.5),  # C17
        ("pact_coverage", "2014-15", 100, 100.1),  # C16
        ("neighbourhoods_with_three_priorities", "2014-15", 100, 100.1),  # C40
        ("prevent_actions_done", "2014-15", 58, 59),  # C52, a target of 100: 7 of 12
        ("prevent_event_count", "2014-15", 0, 0.1),  # C26
        ("princes_trust_progression", "2014-15", 65, 69),  # C44, a target of 70
        ("gold_artsmark_count", "2014-15", 0, 0.1),  # C56
        ("test_purchase_failure_share", "2014-15", 5, 35),  # C50, a baseline of no figure
        ("late_night_levy_report_count", "2015M10-P12M", 1, 1.1),  # C47
        ("late_night_levy_income", "2015M10-P12M", 142_000, 158_000),
        ("emerging_met_children_count", "2014-15", 300, 500),  # C53, not measurable
        ("emerging_modern_slavery_count", "2014-15", 20, 40),
        ("emerging_honour_based_violence_count", "2014-15", 60, 90),
    ],
)
def test_the_figures_of_the_assessment(
    sampled: Bench, known: Registry, indicator: str, period: str, above: float, below: float
) -> None:
    assert above <= measured(sampled, known, indicator)[period]["value"] < below


def test_the_bases_of_mediation_are_three_numbers(sampled: Bench, known: Registry) -> None:
    names = ["mediation_success", "mediation_success_of_accepted", "mediation_success_of_referred"]
    closed, accepted, referred = (measured(sampled, known, one)["2014-15"] for one in names)
    assert closed["value"] - 4 > accepted["value"] > referred["value"] + 4


def test_small_numbers_are_hidden_in_the_sample_too(sampled: Bench, known: Registry) -> None:
    early = measured(sampled, known, "emerging_modern_slavery_count")["2010-11"]
    assert (early["value"], early["obs_status"]) == (None, "C")


def test_an_event_told_early_is_counted_once_when_its_own_register_comes() -> None:
    through = {year: partnership.deliveries(Plan(through=year)) for year in ("2014-15", "2016-17")}
    register = "synthetic-southampton-partnership-register-2014-15-extracted-2015-10-05.csv"
    twice = {
        year: one.delivered_twice
        for year, deliveries in through.items()
        for one in deliveries
        if one.file.endswith(register)
    }
    assert twice == {"2014-15": 0, "2016-17": 1}
