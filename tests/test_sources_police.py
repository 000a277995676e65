"""A police force's own recorded crimes: rows, flags, units, and the assessment's sentences.

Here: what a row means on drawn tables, and the claims C27, C28, C29, C32, C33, C42 and C46 from the
sample, at two seeds. Not here: folding in general (`test_folding`), days and times
(`test_parse_moments`).
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from conftest import Bench, check_named

from safecity_pipeline import bookkeeping, measure, tables, warehouse
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import city, crime_flags, folder, police_crime, population
from safecity_pipeline.sample.delivery import Delivery
from safecity_pipeline.sample.plan import Plan
from safecity_pipeline.sources import police_crime as source

SOUTHAMPTON = "E06000045"
HEAD = (
    "Crime Ref,HO Code,HO Offence,HO Group,HO Sub Group,Recorded Date,Committed From,Committed To,"
    "District,Ward,Beat,LSOA,Location Type,Outcome,Outcome Date,First Classification,"
    "Current Classification,Crime Status,Qualifiers,Extracted On"
)
BY_PERSON = HEAD.replace("Qualifiers", "Qualifier,Person No,Person Role")
GOOD = {
    "Crime Ref": "44140000001",
    "HO Code": "8N",
    "HO Offence": "Assault with injury",
    "HO Group": "Violence against the person",
    "HO Sub Group": "Violence with injury",
    "Recorded Date": "09/04/2014 13:05",
    "Committed From": "08/04/2014 22:30",
    "Committed To": "08/04/2014 23:10",
    "District": "Southampton",
    "Ward": "Quayside",
    "Beat": "SQ00A",
    "LSOA": "E01950001",
    "Location Type": "Public house or club",
    "Outcome": "Caution",
    "Outcome Date": "02/05/2014",
    "First Classification": "8N",
    "Current Classification": "8N",
    "Crime Status": "Filed",
    "Qualifiers": "Domestic; Alcohol",
    "Extracted On": "14/04/2015",
}


def row(number: int = 1, **changed: str) -> str:
    """A good row but for what is changed; `Crime_Ref` stands for the head `Crime Ref`."""
    cells = GOOD | {"Crime Ref": f"4414{number:07d}"}
    cells |= {name.replace("_", " "): text for name, text in changed.items()}
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells.values())
    return out.getvalue()


def extract(*rows: str, head: str = HEAD) -> str:
    return "\r\n".join([head, *rows, ""])


FILE = "rms-crimes-2014-15.csv"


# --- rows ----------------------------------------------------------------------------------------


def test_a_row_is_a_crime_in_the_month_of_its_recording(bench: Bench) -> None:
    bench.put(FILE, extract(row(Committed_From="31/03/2014 22:30", Committed_To="")))
    bench.take_in("police_crime")
    assert bench.quarantined("police_crime") == {}
    assert bench.rows(
        "SELECT crime_reference, offence_code, recorded_at, committed_from, committed_to, "
        "area_code, outcome_on, extracted_on, cancelled FROM clean.police_crime"
    ) == [
        (
            "44140000001",
            "8N",
            datetime(2014, 4, 9, 13, 5),
            datetime(2014, 3, 31, 22, 30),
            None,
            SOUTHAMPTON,
            date(2014, 5, 2),
            date(2015, 4, 14),
            False,
        )
    ]
    units = bench.rows("SELECT geography, period_start, period_end, rows FROM build.unit")
    assert units == [(SOUTHAMPTON, date(2014, 4, 1), date(2014, 4, 30), 1)]


BAD = [
    ({"Crime_Ref": "#REF!"}, "crime_reference_form"),
    ({"HO_Code": ""}, "offence_code_present"),
    ({"HO_Code": "8N?"}, "offence_code_form"),
    ({"HO_Group": "Violence"}, "offence_group_known"),
    ({"HO_Sub_Group": ""}, "offence_subgroup_present"),
    ({"Recorded_Date": "31/04/2014 13:05"}, "recorded_at_kind"),
    ({"Recorded_Date": "09/04/1914 13:05"}, "recorded_in_range"),
    ({"Committed_To": "08/04/2014 22:29"}, "committed_in_order"),
    ({"Committed_From": "10/04/2014 00:00", "Committed_To": ""}, "committed_before_recorded"),
    ({"District": "Sothampton"}, "area_code_known"),
    ({"Ward": "Bargate, 12 Anna 07700"}, "ward_form"),
    ({"LSOA": "E0195"}, "lsoa_code_form"),
    ({"Outcome": ""}, "outcome_stated"),
    ({"Crime_Status": "see notes"}, "status_known"),
    ({"Qualifiers": "Alcohol; Hate - raical"}, "hate_strand_known"),
    ({"Extracted_On": "14/04/2015 09:00"}, "extracted_on_kind"),
]


def test_each_rule_refuses_its_row_and_no_other(bench: Bench) -> None:
    bad = [row(n, **changed) for n, (changed, _) in enumerate(BAD)]
    bench.put(FILE, extract(row(100), *bad, row(101)))
    taken = bench.take_in("police_crime")
    refused = {number: [rule] for number, (_, rule) in enumerate(BAD, 3)}
    assert bench.quarantined("police_crime") == refused
    assert bench.rows("SELECT count(*) FROM clean.police_crime") == [(2,)]
    assert check_named(taken, "ledger_adds_up").passed


def test_every_rule_of_the_model_has_a_bad_row_above() -> None:
    declared = {str(check.name) for check in source.PoliceCrime.to_schema().checks}
    for column in source.PoliceCrime.to_schema().columns.values():
        declared |= {str(check.name) for check in column.checks}
    assert declared <= {rule for _, rule in BAD}


def test_codes_that_look_like_numbers_stay_as_they_are(bench: Bench) -> None:
    codes = ["4.1", "4.10", "37.2", "1", "105A"]
    bench.put(FILE, extract(*(row(n, HO_Code=code) for n, code in enumerate(codes))))
    bench.take_in("police_crime")
    assert bench.rows("SELECT offence_code FROM clean.police_crime ORDER BY _row") == [
        (code,) for code in codes
    ]


@pytest.mark.parametrize(
    ("district", "code"),
    [
        ("SOUTHAMPTON", SOUTHAMPTON),
        ("Southampton City", SOUTHAMPTON),
        ("Southampton City Council", SOUTHAMPTON),
        ("Eastleigh Borough", "E07000086"),
        ("Portsmouth CSP", "E06000044"),
        ("Bristol, City of", "E06000023"),
        ("City of London", "E09000001"),
        ("Vale of Glamorgan", "W06000014"),
        ("Isle of Nowhere", None),
    ],
)
def test_a_force_may_add_a_word_to_a_districts_name(
    known: Registry, district: str, code: str | None
) -> None:
    assert source.area(known.areas, district) == code


def test_a_cancelled_crime_stays_and_is_marked(bench: Bench) -> None:
    states = ("Recorded", "Filed", "No-crime", "Cancelled", "Transferred out")
    bench.put(FILE, extract(*(row(n, Crime_Status=one) for n, one in enumerate(states))))
    bench.take_in("police_crime")
    found = bench.rows("SELECT cancelled FROM clean.police_crime ORDER BY _row")
    assert found == [(False,), (False,), (True,), (True,), (True,)]


# --- flags ---------------------------------------------------------------------------------------

FLAGS = "alcohol, domestic_abuse, hate, hate_racial, hate_disability, hate_strands"


CELLS = {
    "Domestic; Alcohol; Hate - racial": (True, True, True, True, False, 1),
    "HATE CRIME: Racist|alcohol related": (True, False, True, True, False, 1),
    "Hate - racial; Hate - disability": (False, False, True, True, True, 2),
    "Hate - racial; hate -  Race": (False, False, True, True, False, 1),
    "Hate": (False, False, True, False, False, 0),
    "Hate - other": (False, False, False, False, False, 0),
    "Knife, Youth related": (False, False, False, False, False, 0),
    "": (False, False, False, False, False, 0),
}


def test_the_flags_of_a_cell_are_told_apart(bench: Bench) -> None:
    bench.put(FILE, extract(*(row(n, Qualifiers=cell) for n, cell in enumerate(CELLS))))
    bench.take_in("police_crime")
    found = bench.rows(f"SELECT {FLAGS} FROM clean.police_crime ORDER BY _row")
    assert found == list(CELLS.values())


def test_one_row_a_person_and_flag_is_one_crime_with_all_its_flags(bench: Bench) -> None:
    def person(number: int, flag: str, who: str, **changed: str) -> str:
        return row(number, Qualifiers=f"{flag}{who}", **changed).replace('"', "")

    bench.put(
        FILE,
        extract(
            person(1, "Domestic", ",1,Victim"),
            person(1, "Hate - racial", ",1,Victim"),
            person(2, "", ",1,Victim"),
            person(1, "Domestic", ",2,Suspect"),
            person(1, "Alcohol", ",2,Suspect", HO_Code="46"),  # not the same crime
            head=BY_PERSON,
        ),
    )
    taken = bench.take_in("police_crime")
    assert bench.rows(
        f"SELECT _row, qualifiers, {FLAGS} FROM clean.police_crime ORDER BY _row"
    ) == [
        (2, "Domestic; Hate - racial", False, True, True, True, False, 1),
        (4, None, False, False, False, False, False, 0),
    ]
    assert bench.quarantined("police_crime") == {6: ["folded_rows_agree"]}
    [ledger] = taken.ledger.to_dict("records")
    # head 1 + valid 2 + quarantined 1 + folded 2 (rows 3 and 5) = 6
    assert (ledger["rows_read"], ledger["excluded_folded"]) == (6, 2)
    assert check_named(taken, "ledger_adds_up").passed


# --- units ---------------------------------------------------------------------------------------


def manifest(**published_on: str) -> str:
    lines = [f"{name}.csv,police_crime,{day}" for name, day in published_on.items()]
    return "\n".join(["file,source,published_on", *lines, ""])


def test_a_later_export_takes_the_place_of_its_months_and_areas_only(bench: Bench) -> None:
    april, may = "09/04/2014 13:05", "09/05/2014 13:05"
    bench.put("manifest.csv", manifest(rms_crimes_1="2015-04-14", rms_crimes_2="2015-10-06"))
    bench.put(
        "rms_crimes_1.csv",
        extract(
            row(1, Recorded_Date=april),
            row(2, Recorded_Date=may, Outcome="", Outcome_Date=""),
            row(3, Recorded_Date=may, District="Eastleigh"),
        ),
    )
    bench.put("rms_crimes_2.csv", extract(row(2, Recorded_Date=may, Crime_Status="No-crime")))
    taken = bench.take_in("police_crime")
    assert bench.rows(
        "SELECT crime_reference, outcome, cancelled FROM clean.police_crime ORDER BY 1"
    ) == [
        ("44140000001", "Caution", False),
        ("44140000002", "Caution", True),
        ("44140000003", "Caution", False),
    ]
    assert sorted(taken.ledger["excluded_superseded"]) == [0, 1]
    assert check_named(taken, "reference_counted_once").passed


def test_a_crime_moved_to_another_month_between_exports_is_seen(bench: Bench) -> None:
    bench.put("manifest.csv", manifest(rms_crimes_1="2015-04-14", rms_crimes_2="2015-10-06"))
    bench.put("rms_crimes_1.csv", extract(row(1), row(2)))
    bench.put("rms_crimes_2.csv", extract(row(2, Recorded_Date="09/05/2014 13:05")))
    check = check_named(bench.take_in("police_crime"), "reference_counted_once")
    assert (check.passed, check.failed_rows, check.severity) == (False, 1, "WARN")


def test_another_years_heads_mean_the_same(bench: Bench) -> None:
    other = HEAD.replace("HO Code", "HO Classification Code").replace("District", "CSP")
    bench.put(FILE, extract(row(), head=other))
    bench.take_in("police_crime")
    assert bench.rows("SELECT offence_code, area_code FROM clean.police_crime") == [
        ("8N", SOUTHAMPTON)
    ]


def test_an_export_without_a_column_that_a_figure_needs_is_refused_whole(bench: Bench) -> None:
    bench.put(FILE, extract(row(), head=HEAD.replace("Crime Status", "State")))
    assert bench.extract(FILE).status == "refused"
    assert "the column Crime Status is missing" in bench.extract(FILE).message


# --- the sample ----------------------------------------------------------------------------------


class SomeYears(Plan):
    """The years that the sentences compare, and one by person; `test_sample` has the others."""

    @property
    def years(self) -> tuple[str, ...]:
        return ("2012-13", "2013-14", "2014-15")


class Sample:
    """What the pipeline makes of the force's files, and the indicators over them."""

    def __init__(self, made: Path, known: Registry, plan: Plan) -> None:
        self.plan, self.known, self.bench = plan, known, Bench(made, known)
        self.files = police_crime.deliveries(plan)
        folder.lay(self.bench.raw, [*self.files, *population.deliveries(plan)], plan.seed)
        self.taken = self.bench.take_in("police_crime")
        self.bench.take_in("population")
        rows = bookkeeping.registry_rows(known)
        rows[tables.EXTRACT] = bookkeeping.extract_rows(self.bench.look().extracts, {})
        for table in (tables.AREA, tables.AREA_MEMBER, tables.EXTRACT):
            warehouse.fill(self.bench.connection, table, rows[table])

    @cached_property
    def figures(self) -> dict[str, pd.DataFrame]:
        """Yearly values of Southampton by indicator."""
        found = {}
        for name, indicator in self.known.indicators.items():
            if indicator.main.source == "police_crime":
                values = measure.values(self.bench.connection, indicator, self.known.sources)
                own = (values["area_code"] == SOUTHAMPTON) & (values["period_kind"] == "year")
                found[name] = values[own & values["complete"]].set_index("period")
        return found

    def value(self, indicator: str, year: str) -> float:
        return float(self.figures[indicator]["value"][year])

    def change(self, indicator: str) -> float:
        """From 2013-14 to 2014-15, in per cent."""
        after, before = (self.value(indicator, year) for year in ("2014-15", "2013-14"))
        return 100 * (after / before - 1)

    def read(self, file: Delivery) -> list[dict[str, str]]:
        text = gzip.decompress(file.content).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module", params=[2014, pytest.param(7, marks=pytest.mark.nightly)])
def sampled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Sample:
    return Sample(tmp_path_factory.mktemp("police"), known, SomeYears(request.param))


# Claim, indicator, and what the rounding rule accepts.
CLAIMS: list[tuple[str, str, Callable[[float], bool]]] = [
    ("C27", "recorded_crime_count", lambda change: 7.5 <= change < 8.5),
    ("C28", "violence_count", lambda change: 25 < change < 26),
    ("C29", "hate_crime_count", lambda change: 47.5 <= change < 50),
    ("C32", "alcohol_related_crime_count", lambda change: 13.45 <= change < 13.55),
    ("C33", "domestic_abuse_crime_count", lambda change: 21.5 <= change < 22.5),
]


@pytest.mark.parametrize(("claim", "indicator", "holds"), CLAIMS, ids=[one[0] for one in CLAIMS])
def test_the_published_change_comes_out(
    sampled: Sample, claim: str, indicator: str, holds: Callable[[float], bool]
) -> None:
    assert holds(sampled.change(indicator)), (claim, sampled.change(indicator))


def test_only_violence_against_the_person_is_up_by_just_over_a_quarter(sampled: Sample) -> None:
    """C28 says which grouping it means by the number alone; the older one gives another."""
    assert not 25 < sampled.change("violence_old_definition_count") < 26


def test_targets_have_their_baseline_of_2014_15(sampled: Sample) -> None:
    """C42 and C46: serious sexual offences, and alcohol-related violence per 1,000 residents."""
    recorded = city.recorded(sampled.plan, "2014-15")
    serious = sum(one.offence.code in ("19C", "20A") for one in recorded)
    assert sampled.value("serious_sexual_offences_count", "2014-15") == serious > 100
    rates = sampled.figures["alcohol_related_violence_rate"]
    numerator, denominator = rates["numerator"]["2014-15"], rates["denominator"]["2014-15"]
    assert rates["value"]["2014-15"] == pytest.approx(1000 * numerator / denominator)
    assert 8 < rates["value"]["2014-15"] < 16


def test_hate_crimes_are_few_enough_and_some_have_two_strands(sampled: Sample) -> None:
    crimes, strands = (
        sampled.figures[name]["value"] for name in ("hate_crime_count", "hate_crime_strands_count")
    )
    assert crimes["2012-13"] == 308
    assert 325 <= crimes["2013-14"] <= 335
    assert crimes["2014-15"] < strands["2014-15"] < 1.1 * crimes["2014-15"]


def test_every_year_has_the_citys_own_crimes_by_code_and_month(sampled: Sample) -> None:
    found = sampled.bench.rows(
        "SELECT offence_code, date_trunc('month', recorded_at)::DATE, count(*) "
        f"FROM clean.police_crime WHERE NOT cancelled AND area_code = '{SOUTHAMPTON}' GROUP BY ALL"
    )
    expected = Counter(
        (one.offence.code, one.day.replace(day=1))
        for year in sampled.plan.years
        for one in city.recorded(sampled.plan, year)
    )
    assert {(code, month): count for code, month, count in found} == expected


def test_the_ledger_says_of_every_file_what_the_sample_says(sampled: Sample) -> None:
    files = {extract.extract_id: extract.file for extract in sampled.bench.look().extracts}
    counted = {files[row["extract_id"]]: row for row in sampled.taken.ledger.to_dict("records")}
    assert set(counted) == {file.file for file in sampled.files}
    for file in sampled.files:
        ledger = counted[file.file]
        parts = ("rows_read", "rows_quarantined", "excluded_superseded", "excluded_folded")
        assert [ledger[part] for part in parts] == [
            file.rows,
            file.planted,
            file.delivered_twice,
            file.folded,
        ], file.file
        valid = file.rows - 1 - file.planted - file.delivered_twice - file.folded
        assert ledger["rows_valid"] == valid
    assert not sampled.taken.refused
    assert check_named(sampled.taken, "reference_counted_once").passed


def test_rows_by_person_are_about_a_seventh_more_than_the_crimes(sampled: Sample) -> None:
    folded = {file.file[-14:-7]: file for file in sampled.files if file.folded}
    assert {*folded} == {*police_crime.BY_PERSON} & {*sampled.plan.years}
    for file in folded.values():
        crimes = file.rows - 1 - file.planted - file.folded
        assert 1.12 < (crimes + file.folded) / crimes < 1.18


def test_bad_rows_are_one_in_two_hundred_and_of_many_kinds(sampled: Sample) -> None:
    kinds = sampled.bench.rows("SELECT DISTINCT unnest(rules) FROM quarantine.police_crime")
    assert len(kinds) == 10
    yearly = [file for file in sampled.files if file.planted]
    assert all(0.004 < file.planted / file.rows < 0.006 for file in yearly)


def test_the_later_export_has_more_outcomes_and_fewer_crimes(sampled: Sample) -> None:
    first, again = (
        next(file for file in sampled.files if part in file.file)
        for part in ("crimes-2013-14", "2014-01-to")
    )
    later = {row["Crime Ref"]: row for row in sampled.read(again)}
    earlier = {row["Crime Ref"]: row for row in sampled.read(first) if row["Crime Ref"] in later}
    assert len(earlier) == len(later) == first.delivered_twice
    outcomes = [sum(row["Outcome"] != "" for row in rows.values()) for rows in (earlier, later)]
    assert outcomes[0] * 1.2 < outcomes[1]
    cancelled = [
        {ref for ref, row in rows.items() if row["Crime Status"] in ("Cancelled", "No-crime")}
        for rows in (earlier, later)
    ]
    assert cancelled[0] < cancelled[1]


def test_the_sample_is_seen_to_fail_without_the_change_of_recording() -> None:
    """Violence, domestic abuse, hate crime and the total rest on it, and alcohol does not."""
    plan, flat = Plan(2014), Plan(2014, recording_step=0)

    def change(of: Plan, flag: str) -> float:
        before, after = (crime_flags.flagged(of, flag, year) for year in ("2013-14", "2014-15"))
        return 100 * (after / before - 1)

    def total(of: Plan, group: str) -> float:
        before, after = (city.offences(of, year) for year in ("2013-14", "2014-15"))
        return 100 * (city.sum_of(after, group) / city.sum_of(before, group) - 1)

    assert total(flat, city.VIOLENCE) == pytest.approx(0, abs=0.1)
    assert total(flat, "") < 2 < 7.5 < total(plan, "")
    assert change(flat, crime_flags.DOMESTIC) < 5
    assert change(flat, crime_flags.HATE) < 25
    assert change(flat, crime_flags.ALCOHOL) == change(plan, crime_flags.ALCOHOL)


@pytest.mark.parametrize("seed", range(20))
def test_flags_meet_the_published_changes_with_any_seed(seed: int) -> None:
    bounds = {"Hate": (47.5, 50), "Alcohol": (13.45, 13.55), "Domestic": (21.5, 22.5)}
    for flag, (least, most) in bounds.items():
        before, after = (
            crime_flags.flagged(Plan(seed), flag, year) for year in ("2013-14", "2014-15")
        )
        assert least <= 100 * (after / before - 1) < most
