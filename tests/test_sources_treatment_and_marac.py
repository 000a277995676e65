"""Treatment, MARACs and perpetrators in programmes: meaning, rules, and the sentences on them.

Here: what the three sources mean and refuse, the suppliers' spellings of twelve months and of
quarters, and the published figures as the whole pipeline computes them from the sample. Not here:
the reading of titles, heads and markers as such (test_reading, test_sheets).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from conftest import Bench, check_named
from refreshed import ENGLAND, Refreshed

from safecity_pipeline import period
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import marac as sample_of_maracs
from safecity_pipeline.sample import perpetrators as sample_of_perpetrators
from safecity_pipeline.sample import treatment as sample_of_treatment
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sources.marac import area_of

# --- spellings of periods ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("to 31/03/2015", "2014-15"),
        ("12 months to 31/03/2015", "2014-15"),
        ("01/04/2014 to 31/03/2015", "2014-15"),
        ("Apr 14 to Mar 15", "2014-15"),
        ("April 2014 - March 2015", "2014-15"),
        ("Apr 2014 \N{EN DASH} Mar 2015", "2014-15"),
        ("Jan 2014 to Dec 2014", "2014CY"),
        ("to 29/02/2012", "2012M02-P12M"),
    ],
)
def test_twelve_months_are_read_as_suppliers_write_them(text: str, label: str) -> None:
    assert period.read_twelve_months(text).label == label


@pytest.mark.parametrize(
    "text",
    [
        "to 30/03/2015",  # no end of a month
        "to 28/02/2012",
        "02/04/2014 to 31/03/2015",
        "Apr 14 to Feb 15",  # eleven months
        "Mar 14 to Mar 15",
        "Apr 14 to Mar 16",
        "to 31/13/2015",
        "2014-15",
        "",
    ],
)
def test_other_spans_and_spellings_are_no_twelve_months(text: str) -> None:
    with pytest.raises(ValueError, match="twelve months"):
        period.read_twelve_months(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Q4 2014/15", "2015Q1"),
        ("2014/15 Q1", "2014Q2"),
        ("Jan-Mar 2015", "2015Q1"),
        ("October to December 2014", "2014Q4"),
    ],
)
def test_quarters_are_those_of_the_financial_year(text: str, label: str) -> None:
    assert period.read_quarter(text).label == label


@pytest.mark.parametrize("text", ["Q5 2014/15", "Q4 2014/16", "Feb-Apr 2014", "Q4 2014", "2015Q1"])
def test_other_spellings_are_no_quarters(text: str) -> None:
    with pytest.raises(ValueError, match=r"quarter|financial year"):
        period.read_quarter(text)


# --- treatment -----------------------------------------------------------------------------------

DOWNLOAD = "Area,Drug group,Period,Numerator,Denominator,Rate,National rate"


def download(*rows: str) -> str:
    return "\n".join([DOWNLOAD, *rows])


def test_each_rule_of_treatment_refuses_its_row_and_no_other(bench: Bench) -> None:
    months = "Apr 14 to Mar 15"
    bench.put(
        "ndtms.csv",
        download(
            f"Southampton,Alcohol only,{months},47,100,47.0,38.0",
            f"Derby,Alcohol only,{months},*,12,*,38.0",
            f"Luton,Alcohol only,{months},3,12,25.0,38.0",  # a number that is to be hidden
            f"Slough,Alcohol only,{months},50,40,-,38.0",
            f"Reading,Alcohol only,{months},20,50,41.0,38.0",  # 20 of 50 is 40.0
            f"Hounslow,Cannabis,{months},20,50,40.0,38.0",
            f"Hillingdon,Alcohol only,{months},20.5,50,41.0,38.0",
            f"Watford,Alcohol only,{months},20,50,40.0,38.0",  # a district
            "Sheffield,Alcohol only,Apr 14 to Feb 15,20,50,40.0,38.0",
            f"Cardiff,Alcohol only,{months},20,50,40.0,138",
        ),
    )
    taken = bench.take_in("treatment")
    assert bench.quarantined("treatment") == {
        4: ["small_numbers_hidden"],
        5: ["completed_of_those_in_treatment"],
        6: ["percent_fits_clients"],
        7: ["group_known"],
        8: ["completed_whole"],
        9: ["area_code_known"],
        10: ["period_start_known"],
        11: ["england_in_range"],
    }
    assert check_named(taken, "ledger_adds_up").passed
    assert bench.rows(
        "SELECT area_code, completed, completed_status, in_treatment, completed_percent "
        "FROM clean.treatment ORDER BY _row"
    ) == [
        ("E06000045", 47, "ok", 100, 47.0),
        ("E06000015", None, "suppressed", 12, None),
    ]


REPORT_HEAD = ",".join(sample_of_treatment.REPORT_HEAD)


def report(*rows: str, title: str = "NDTMS") -> str:
    return "\n".join([title, "Completions", "Adults", "", REPORT_HEAD, *rows, "", "Note: * is few"])


def test_a_report_with_titles_gives_the_same_as_a_download(bench: Bench) -> None:
    bench.put("ndtms-report.csv", report("Southampton,Alcohol only,to 31/03/2015,47,100,47.0,38,-"))
    taken = bench.take_in("treatment")
    # eight physical rows: four above the head, the head, one of data, a blank one and the note
    (ledger,) = taken.ledger.to_dict("records")
    assert (ledger["rows_read"], ledger["rows_valid"], ledger["rows_excluded"]) == (8, 1, 7)
    assert bench.rows(
        "SELECT substance_group, period_start::VARCHAR, period_end::VARCHAR FROM clean.treatment"
    ) == [("alcohol_only", "2014-04-01", "2015-03-31")]


def test_alcohol_as_the_main_substance_is_another_group_than_alcohol_only(bench: Bench) -> None:
    bench.put("ndtms.csv", download("Southampton,Alcohol,Apr 12 to Mar 13,40,100,40.0,36.0"))
    bench.take_in("treatment")
    assert bench.rows("SELECT substance_group FROM clean.treatment") == [("alcohol_primary",)]


def test_a_national_rate_of_another_column_is_refused_where_it_stands(bench: Bench) -> None:
    bench.put(
        "ndtms.csv",
        download(
            "England,Alcohol only,Apr 14 to Mar 15,380,1000,38.0,38.0",
            "Southampton,Alcohol only,Apr 14 to Mar 15,47,100,47.0,38.1",  # the last decimal
            "Derby,Alcohol only,Apr 14 to Mar 15,40,100,40.0,7.5",
            "Derby,Opiates,Apr 14 to Mar 15,7,100,7.0,7.5",  # England has no row of this group
        ),
    )
    bench.take_in("treatment")
    assert bench.quarantined("treatment") == {4: ["england_beside"]}


def test_rolling_periods_that_overlap_stand_beside_each_other_and_a_report_sent_again_wins(
    bench: Bench,
) -> None:
    """Two reports have nine months in common; they are two figures, and each counts once."""
    december, march = "to 31/12/2014", "to 31/03/2015"
    row = "Southampton,Alcohol only,{},{},100,{}.0,38.0,-"
    bench.put("a/ndtms.csv", report(row.format(december, 45, 45)))
    bench.put("b/ndtms.csv", report(row.format(december, 46, 46), row.format(march, 47, 47)))
    bench.put("manifest.csv", "file,published_on\na/ndtms.csv,2015-08-13\nb/ndtms.csv,2015-11-12\n")
    taken = bench.take_in("treatment")
    assert bench.rows(
        "SELECT twelve_months, completed FROM clean.treatment ORDER BY period_end"
    ) == [(december, 46), (march, 47)]
    assert sorted(taken.ledger["excluded_superseded"]) == [0, 1]


# --- MARACs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marac", "code"),
    [
        ("Southampton", "E06000045"),
        ("Southampton City MARAC", "E06000045"),
        ("Derby City", "E06000015"),
        ("Brighton & Hove", "E06000043"),
        ("Barking & Dagenham", "E09000002"),
        ("LB Hillingdon", "E09000017"),
        ("LB of Hounslow", "E09000018"),
        ("Bedfordshire: Luton", "E06000032"),
        ("Essex (Southend)", "E06000033"),  # and not the county
        ("Essex - Southend", "E06000033"),
        ("Northamptonshire (countywide)", "E10000021"),
        ("Hertfordshire countywide", "E10000015"),
        ("East Sussex - Hastings and Rother", "E10000011"),
        ("Hertfordshire \N{EN DASH} Watford", "E07000103"),
        ("Cardiff", "W06000015"),
        ("Central Lancashire", None),
        ("Westshire MARAC", None),
    ],
)
def test_the_area_of_a_marac_is_the_narrowest_that_its_name_names(
    known: Registry, marac: str, code: str | None
) -> None:
    assert area_of(known.areas, marac) == code


MARAC_HEAD = ",".join(sample_of_maracs.SAFELIVES_HEAD)


def marac_row(
    counts: Sequence[object],
    *,
    quarter: str = "Q1 2014/15",
    marac: str = "Southampton",
    status: str = "Submitted",
    rolling: str = ",",
) -> str:
    """`counts`: cases, repeats, children, referred by the police and by others."""
    told = ",".join(map(str, counts))
    return f"{marac},Hampshire,{quarter},{status},100000,mid-2013,{told},{rolling}"


def maracs(*rows: str) -> str:
    return "\n".join([MARAC_HEAD, *rows])


def test_each_rule_of_a_marac_refuses_its_row_and_no_other(bench: Bench) -> None:
    bench.put(
        "marac.csv",
        maracs(
            marac_row((100, 22, 130, 60, 40)),
            marac_row((100, 100, "n/a", 100, 0), quarter="Jul-Sep 2014"),
            marac_row((100, 101, 130, 60, 40), quarter="Q3 2014/15"),
            marac_row((100, 22, 130, 101, 0), quarter="Q4 2014/15"),
            marac_row((99.5, 22, 130, 60, 40), marac="Derby"),
            marac_row((100, 22, -1, 60, 40), marac="Luton"),
            marac_row((100, 22, 130, 60, 40), marac="Slough", status="Guessed"),
            marac_row((100, 22, 130, 60, 40), marac="Reading", quarter="Feb-Apr 2014"),
        ),
    )
    bench.take_in("marac")
    assert bench.quarantined("marac") == {
        4: ["repeats_are_cases"],
        5: ["referrals_are_cases"],
        6: ["cases_in_range"],
        7: ["children_in_range"],
        8: ["data_status_known"],
        9: ["period_start_known"],
    }
    assert bench.rows(
        "SELECT quarter, period_end::VARCHAR, children, children_status, woman_years, estimated "
        "FROM clean.marac ORDER BY _row"
    ) == [
        ("Q1 2014/15", "2014-06-30", 130, "ok", 25_000, False),
        ("Jul-Sep 2014", "2014-09-30", None, "not_available", 25_000, False),
    ]


def test_the_return_of_caada_says_yes_where_safelives_says_proxied(bench: Bench) -> None:
    head = ",".join(sample_of_maracs.CAADA_HEAD)
    rows = [
        f"Southampton,Hampshire,2011/12 Q{n},{proxy},94000,mid-2010,90,20,110,60,30"
        for n, proxy in ((1, "No"), (2, "Yes"))
    ]
    bench.put("caada.csv", "\n".join([head, *rows]))
    bench.take_in("marac")
    assert bench.rows("SELECT period_start::VARCHAR, estimated FROM clean.marac ORDER BY 1") == [
        ("2011-04-01", False),
        ("2011-07-01", True),
    ]


def four_quarters(last_rolling: str) -> list[str]:
    """100 cases a quarter and 20 + 21 + 22 + 23 = 86 repeats."""
    return [
        marac_row(
            (100, 19 + n, 130, 60, 40),
            quarter=f"Q{n} 2014/15",
            rolling=last_rolling if n == 4 else ",",
        )
        for n in range(1, 5)
    ]


@pytest.mark.parametrize(("rolling", "odd"), [("400,86", 0), ("400,85", 1), ("401,86", 1)])
def test_the_rolling_twelve_months_beside_a_quarter_are_its_four(
    bench: Bench, rolling: str, odd: int
) -> None:
    bench.put("marac.csv", maracs(*four_quarters(rolling)))
    taken = bench.take_in("marac")
    assert check_named(taken, "rolling_is_its_quarters").failed_rows == odd


def test_estimates_and_maracs_without_an_area_are_told(bench: Bench) -> None:
    rows = [
        marac_row((90, 20, 100, 50, 40), quarter=f"Q{n} 2014/15", marac=marac, status=status)
        for n in (1, 2)
        for marac, status in (
            ("Southampton", "Proxied"),
            ("Central Lancashire", "Submitted"),
            ("Derby", ("Submitted", "Proxied")[n - 1]),  # one of two is not many
        )
    ]
    bench.put("marac.csv", maracs(*rows))
    taken = bench.take_in("marac")
    assert check_named(taken, "mostly_submitted").failed_rows == 1
    assert check_named(taken, "marac_has_area").failed_rows == 1


def test_a_proxied_quarter_gives_way_to_what_is_submitted_later(bench: Bench) -> None:
    early = marac_row((93, 23, 120, 60, 33), status="Proxied")
    bench.put("a/marac.csv", maracs(early))
    bench.put("b/marac.csv", maracs(marac_row((90, 20, 117, 60, 30))))
    bench.put("manifest.csv", "file,published_on\na/marac.csv,2015-02-12\nb/marac.csv,2015-07-28\n")
    bench.take_in("marac")
    assert bench.rows("SELECT cases, estimated FROM clean.marac") == [(90, False)]


# --- perpetrators --------------------------------------------------------------------------------

COMPANY_HEAD = ",".join(sample_of_perpetrators.COMPANY_HEAD)
OF_COMPANY = "crc-perpetrators-2015-05-08.csv"


def perpetrators(*rows: str) -> str:
    return "\n".join([COMPANY_HEAD, *rows])


def test_each_rule_of_perpetrators_refuses_its_row_and_no_other(bench: Bench) -> None:
    bench.put(
        OF_COMPANY,
        perpetrators(
            "South,Southampton,Jan-Mar 2015,180,31,22,12",
            "South,Eastleigh,Jan-Mar 2015,40,6,<5,-",
            "South,Portsmouth,Jan-Mar 2015,20,31,12,12",
            "South,Fareham,Jan-Mar 2015,20,15,12.5,12",
            "South,Waterside,Jan-Mar 2015,20,15,12,12",
            "South,Gosport,Quarter 4,20,15,12,12",
        ),
    )
    bench.take_in("perpetrator_programme")
    assert bench.quarantined("perpetrator_programme") == {
        4: ["engaged_are_identified"],
        5: ["numbers_in_range"],
        6: ["area_code_known"],
        7: ["period_start_known"],
    }
    assert bench.rows(
        "SELECT area_code, engaged, engaged_status, completed_status, extracted_on::VARCHAR "
        "FROM clean.perpetrator_programme ORDER BY _row"
    ) == [
        ("E06000045", 22, "ok", "ok", "2015-05-08"),
        ("E07000086", None, "below:5", "not_available", "2015-05-08"),
    ]


def test_a_return_extracted_again_wins_quarter_by_quarter(bench: Bench) -> None:
    """The first extract brings two quarters, the second one of them again."""
    first, second = "crc-perpetrators-2015-02-06.csv", OF_COMPANY
    bench.put(
        first,
        perpetrators(
            "South,Southampton,Jul-Sep 2014,170,30,20,10",
            "South,Southampton,Oct-Dec 2014,160,30,20,10",
        ),
    )
    bench.put(second, perpetrators("South,Southampton,Oct-Dec 2014,175,30,21,10"))
    bench.put("manifest.csv", f"file,published_on\n{first},2015-02-06\n{second},2015-05-08\n")
    bench.take_in("perpetrator_programme")
    assert bench.rows(
        "SELECT quarter, identified, extracted_on::VARCHAR FROM clean.perpetrator_programme "
        "ORDER BY period_start"
    ) == [("Jul-Sep 2014", 170, "2015-02-06"), ("Oct-Dec 2014", 175, "2015-05-08")]


# --- the sentences -------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    modules = (sample_of_treatment, sample_of_maracs, sample_of_perpetrators)
    return Refreshed(tmp_path_factory.mktemp("told"), modules, Plan(seed=request.param))


def test_47_per_cent_of_alcohol_clients_complete_and_38_in_england(told: Refreshed) -> None:
    """C05, C06: the twelve months to March 2015 are the financial year 2014/15."""
    row = told.row("alcohol_treatment_success", "2014-15")
    assert 46.5 <= row.value < 47.5
    assert abs(row.value - 100 * row.numerator / row.denominator) <= 0.05
    assert 37.5 <= told.value("alcohol_treatment_success", "2014-15", ENGLAND) < 38.5
    # 0.9 x 47 is 42.3: a tenth fewer completions would print another number
    assert not 46.5 <= 0.9 * row.value < 47.5


def test_all_substance_groups_have_every_year_and_the_quarters_between(told: Refreshed) -> None:
    """C48: what the target is set on, a group each."""
    for group in ("opiate", "non_opiate", "alcohol"):
        indicator = f"{group}_treatment_success"
        assert told.years(indicator) == list(Plan().years)
        assert told.value(indicator, "2014M09-P12M") > 0
        assert told.value(indicator, "2014CY") > 0
    assert told.rank("alcohol_treatment_success", "2014-15")[2] == 14  # Cardiff has none


def test_22_per_cent_of_marac_cases_are_repeats_and_it_was_so_before(told: Refreshed) -> None:
    """C08; C54 is set on their number. 94 in 2012/13 stand in the partnership's earlier plan."""
    row = told.row("marac_repeat_share", "2014-15")
    assert 21.5 <= row.value < 22.5
    assert row.value == pytest.approx(100 * row.numerator / row.denominator)
    assert told.value("marac_repeats_count", "2014-15") == row.numerator
    assert told.value("marac_repeats_count", "2012-13") == 94
    assert told.years("marac_repeat_share") == list(Plan().years)
    assert all(19 <= told.value("marac_repeat_share", year) <= 25 for year in Plan().years)
    assert row.upper_95 < 28  # the least that SafeLives expects


def test_the_rate_of_marac_cases_is_the_second_highest_of_fifteen(told: Refreshed) -> None:
    """C11; with a tenth of its cases less the city would not be second any more."""
    assert told.rank("marac_case_rate", "2014-15") == (2, None, 15)
    row = told.row("marac_case_rate", "2014-15")
    assert row.value == pytest.approx(10_000 * row.numerator / row.denominator)
    assert row.denominator == 97_000  # four quarters of the year's women
    *_, third, own, highest = told.ranked("marac_case_rate", "2014-15")
    assert own == row.value
    assert 0.95 * own < third < own < highest < 1.05 * own
    assert 0.9 * own < third


@pytest.mark.parametrize("indicator", ["marac_case_rate", "marac_repeat_share"])
def test_a_proxied_quarter_and_its_year_are_estimates(told: Refreshed, indicator: str) -> None:
    """The sample proxies one quarter a year, of another MARAC each, never the city's."""
    values = told.values[(told.values["indicator"] == indicator)]
    marked = values[values["obs_status"] == "E"]
    quarters, years = (marked[marked["period_kind"] == kind] for kind in ("quarter", "year"))
    # The first of 2009-10 and of 2013-14; between them it goes back by one a year.
    assert sorted(quarters["period"]) == (
        ["2009Q2", "2011Q1", "2011Q4", "2012Q3", "2013Q2", "2015Q1"]
    )
    assert list(years.sort_values("period")["period"]) == list(Plan().years)
    assert sorted(years["area_code"]) == sorted(quarters["area_code"])
    # B: another definition of domestic abuse than in the quarter or year before (D13)
    assert set(values["obs_status"]) == {"A", "B", "E"}


def test_a_quarter_has_the_rate_of_a_year(told: Refreshed) -> None:
    """A quarter of the women beside a quarter of the cases."""
    year = told.value("marac_case_rate", "2014-15")
    rates = [told.value("marac_case_rate", quarter) for quarter in ("2014Q2", "2014Q4")]
    assert all(0.75 * year < rate < 1.25 * year for rate in rates)


def test_perpetrators_in_programmes_are_counted_and_set_beside_those_identified(
    told: Refreshed,
) -> None:
    """C51 is set on both."""
    row = told.row("perpetrators_in_programmes_share", "2014-15")
    assert told.value("perpetrators_in_programmes_count", "2014-15") == row.numerator
    assert row.value == pytest.approx(100 * row.numerator / row.denominator)
    assert 5 < row.value < 20
