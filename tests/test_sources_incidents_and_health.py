"""Incidents of command and control, and attendances at an emergency department after an assault.

Here: what their rows mean, which are refused, which extract of a month counts, and the claims of
the assessment that rest on them, recomputed from the sample. Not here: reading in general
(`test_ingest`), ranks and intervals.
"""

from datetime import date

import pytest
from conftest import Bench, check_named
from part_of_sample import Part

from safecity_pipeline.model import Places
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import Plan, police_incident
from safecity_pipeline.sample import ed_assault as attendances
from safecity_pipeline.sources import ed_assault
from safecity_pipeline.sources import police_incident as incidents

HEAD = (
    "Incident Number,Date Created,Time Created,Opening Code,Opening Description,Closing Code,"
    "Closing Description,Grade,Channel,Duplicate,Duplicate Of,ASB Category,District,Beat,Ward"
)
FILE = "hampshire-incidents-2014-15-extracted-{}.csv"


def row(
    number: str = "HC-1",
    day: str = "05/04/2014",
    time: str = "23:10",
    opened: str = "Violence - assault",
    closed: str = "Crime - recorded",
    grade: str = "1",
    repeats: str = "N,",
    category: str = "",
    district: str = "Southampton",
    channel: str = "999",
) -> str:
    what = f"V1,{opened},C1,{closed},{grade},{channel},{repeats},{category}"
    return f"{number},{day},{time},{what},{district},SC01,Bargate"


def extract(*rows: str, head: str = HEAD) -> str:
    return "\r\n".join([head, *rows, ""])


def taken(bench: Bench, *rows: str, on: str = "2015-04-14") -> None:
    bench.put(FILE.format(on), extract(*rows))
    bench.take_in("police_incident")


# --- incidents -----------------------------------------------------------------------------------


def test_an_incident_is_placed_in_its_month_hour_district_and_groups(bench: Bench) -> None:
    taken(bench, row(), row("HC-2", opened="ASB - noise", closed="", district="", grade=""))
    assert bench.rows(
        "SELECT area_code, created_on, month, hour, opening_group, closing_group, grade, "
        "extracted_on FROM clean.police_incident ORDER BY _row"
    ) == [
        ("E06000045", date(2014, 4, 5), date(2014, 4, 1), 23, "Violence", "Crime", "1",
         date(2015, 4, 14)),
        (None, date(2014, 4, 5), date(2014, 4, 1), 23, "ASB", None, None, date(2015, 4, 14)),
    ]  # fmt: skip


BAD_INCIDENTS = [
    (row("HC 2"), "incident_number_form"),
    (row("HC-1"), "key_unique"),
    (row("HC-2", day="31/02/2014"), "created_on_known"),
    (row("HC-3", day="04/05/14"), "created_on_known"),
    (row("HC-4", day="15/04/2015"), "created_before_extracted"),
    (row("HC-5", time="24:00"), "created_time_form"),
    (row("HC-6", opened="Assault - in progress"), "opening_group_known"),
    (row("HC-7", opened=""), "opening_description_present"),
    (row("HC-8", closed="Nuisance - noise"), "closing_group_known"),
    (row("HC-9", grade="9"), "grade_known"),
    (row("HC-10", channel="Pigeon"), "channel_known"),
    (row("HC-11", repeats="N,HC-1"), "duplicate_flag_agrees"),
    (row("HC-12", repeats="Y,HC-12"), "duplicate_of_itself"),
    (row("HC-13", repeats=","), "duplicate_present"),
    (row("HC-14", category="Nuisance"), "category_of_asb"),
    (row("HC-15", closed="", category="Nuisance"), "category_of_asb"),
    (row("HC-16", closed="ASB - noise", category="Loud"), "asb_category_known"),
    (row("HC-17", district="Nowhere-on-Sea"), "area_code_known"),
    (row("HC-18") + ",more", "row_whole"),
]


def test_an_incident_that_breaks_one_rule_is_refused_for_it(bench: Bench) -> None:
    taken(bench, row(), *(bad for bad, _ in BAD_INCIDENTS), row("HC-99", repeats="Y,HC-1"))
    expected = {at: [rule] for at, (_, rule) in enumerate(BAD_INCIDENTS, start=3)}
    assert bench.quarantined("police_incident") == expected
    assert bench.rows("SELECT count(*) FROM clean.police_incident") == [(2,)]


def test_words_of_the_force_are_translated_by_the_layout(bench: Bench) -> None:
    taken(bench, row(grade="2 - Priority", channel="Web", repeats="No,"))
    found = bench.rows("SELECT grade, channel, duplicate FROM clean.police_incident")
    assert found == [("2", "Online", "N")]


def test_the_earlier_system_is_read_like_the_later_one(bench: Bench) -> None:
    head = (
        "Log No,Date,Time,Open Type,Open Type Text,Result,Result Text,Response,Source,Dup,LA,Beat"
    )
    line = "7,2010-04-05,2310,A1,ASB - noise,N0,ASB - rowdy,Routine,Non-emergency,N,Southampton,S1"
    bench.put("hampshire-incidents-extracted-2011-04-14.csv", extract(line, head=head))
    bench.take_in("police_incident")
    assert bench.rows(
        "SELECT created_on, hour, grade, channel, closing_group, asb_category, duplicate_of "
        "FROM clean.police_incident"
    ) == [(date(2010, 4, 5), 23, "3", "0845", "ASB", None, None)]


def test_an_extract_that_does_not_say_when_it_was_made_is_refused_with_the_repair(
    bench: Bench,
) -> None:
    bench.put("incidents-extracted.csv", extract(row()))
    found = bench.extract("incidents-extracted.csv")
    assert found.status == "refused"
    assert "write a manifest.csv beside it: file,extracted" in found.message
    bench.put("manifest.csv", "file,extracted\nincidents-extracted.csv,14/04/2015\n")
    bench.take_in("police_incident")
    assert bench.rows("SELECT extracted_on FROM clean.police_incident") == [(date(2015, 4, 14),)]


def test_the_later_extract_of_a_month_takes_the_place_of_the_earlier(bench: Bench) -> None:
    """April came twice, May once: 2 of April as they stand in June, and 1 of May."""
    early, late = FILE.format("2014-05-02"), FILE.format("2014-06-02")
    bench.put(early, extract(row("HC-1"), row("HC-2")))
    bench.put(late, extract(row("HC-1"), row("HC-2", repeats="Y,HC-1"), row("HC-3", "01/05/2014")))
    bench.put("manifest.csv", f"file,published_on\n{early},2014-05-02\n{late},2014-06-02\n")
    made = bench.take_in("police_incident")
    assert bench.rows(
        "SELECT month(month), count(*), count(*) FILTER (duplicate = 'N'), any_value(extracted_on) "
        "FROM clean.police_incident GROUP BY 1 ORDER BY 1"
    ) == [(4, 2, 1, date(2014, 6, 2)), (5, 1, 1, date(2014, 6, 2))]
    assert made.ledger["excluded_superseded"].sum() == 2
    assert check_named(made, "ledger_adds_up").passed


def test_a_duplicate_without_its_original_is_noticed(bench: Bench) -> None:
    bench.put(FILE.format("2015-04-14"), extract(row(), row("HC-2", repeats="Y,HC-99")))
    made = bench.take_in("police_incident")
    assert check_named(made, "duplicates_have_originals").failed_rows == 1


def test_a_month_that_was_cut_short_is_noticed(bench: Bench) -> None:
    """120 in April 2014 and 40 in April 2015: 80 fewer, where 60 + 3 √160 = 98 would be odd;
    10 are 110 fewer, and odd: 60 + 3 √130 = 94."""
    for count, failed in ((40, 0), (10, 1)):
        then = [row(f"HC-A{number}") for number in range(120)]
        now = [row(f"HC-B{number}", "05/04/2015") for number in range(count)]
        bench.put(FILE.format("2015-05-14"), extract(*then, *now))
        made = bench.take_in("police_incident")
        assert check_named(made, "month_near_last_year").failed_rows == failed


def test_free_text_of_the_log_is_not_stored(bench: Bench) -> None:
    text = extract(row() + ",caller says", head=HEAD + ",Log Remarks")
    bench.put(FILE.format("2015-04-14"), text)
    bench.take_in("police_incident")
    ((found,),) = bench.rows("SELECT one::VARCHAR FROM clean.police_incident AS one")
    assert "caller says" not in found


# --- attendances ---------------------------------------------------------------------------------

ED_HEAD = (
    "Arrival Date,Arrival Time,Assault Date,Assault Time,Location Type,Assault Location,Weapon,"
    "Relationship to Assailant,Local Authority of Residence"
)
ED_FILE = "southampton-ed-assaults-2014-15-extracted-2015-05-11.csv"
GOOD = "06/04/2014,00:40,05/04/2014,23:30,Pub / Club,the Anchor,Fist / foot,Stranger,New Forest"


def attended(bench: Bench, *rows: str, file: str = ED_FILE) -> None:
    bench.put(file, extract(*rows, head=ED_HEAD))
    bench.take_in("ed_assault")


def test_an_attendance_belongs_to_the_area_of_the_department_by_its_arrival(bench: Bench) -> None:
    attended(bench, GOOD, "06/04/2014,,,,Own home,,Unknown,Partner,")
    assert bench.rows(
        "SELECT area_code, arrived_on, month, hour, assaulted_on, location_type, weapon, "
        "relationship, residence_code FROM clean.ed_assault ORDER BY _row"
    ) == [
        ("E06000045", date(2014, 4, 6), date(2014, 4, 1), 0, date(2014, 4, 5), "Pub or club",
         "None (bodily force)", "Stranger", "E07000091"),
        ("E06000045", date(2014, 4, 6), date(2014, 4, 1), None, None, "Home", "Not known",
         "Partner or former partner", None),
    ]  # fmt: skip


def test_the_specific_place_is_not_stored(bench: Bench) -> None:
    attended(bench, GOOD)
    ((found,),) = bench.rows("SELECT one::VARCHAR FROM clean.ed_assault AS one")
    assert "Anchor" not in found


def test_heads_of_merged_months_are_left_out_and_counted(bench: Bench) -> None:
    bench.put(ED_FILE, extract(GOOD, ED_HEAD, GOOD.replace("/04/", "/05/"), head=ED_HEAD))
    made = bench.take_in("ed_assault")
    ledger = made.ledger.iloc[0]
    assert (ledger["rows_read"], ledger["rows_valid"], ledger["excluded_other"]) == (4, 2, 1)
    assert check_named(made, "ledger_adds_up").passed


def test_what_is_not_read_of_a_refused_attendance_is_kept_nowhere(bench: Bench) -> None:
    """It may say who was hit, and where they live; of a row whose cells slipped, any cell may."""
    named = GOOD.replace("the Anchor", "flat of Jane Roe")
    slipped = f"{named.replace('00:40', 'Jane Roe')},one cell more"
    attended(bench, named.replace("00:40", "24:40"), slipped)
    kept = named.replace("00:40", "24:40").replace("flat of Jane Roe", "(withheld)")
    received = bench.rows("SELECT _row, received FROM quarantine.ed_assault ORDER BY _row")
    assert received == [(2, kept), (3, None)]
    reasons = bench.rows("SELECT reasons::VARCHAR FROM quarantine.ed_assault")
    assert len(reasons) == 2 and not any("Roe" in text for (text,) in reasons)


BAD_ATTENDANCES = [
    (("00:40", "24:40"), "arrival_time_form"),
    (("06/04/2014,", "31/04/2014,"), "arrived_on_known"),
    (("06/04/2014,", "11/06/2015,"), "arrival_before_extracted"),
    (("05/04/2014", "07/04/2014"), "assault_before_arrival"),
    (("05/04/2014", "yesterday"), "assaulted_on_known"),
    (("23:30", "late"), "assault_time_form"),
    (("Pub / Club", "See notes"), "location_type_known"),
    (("Fist / foot", "Handbag"), "weapon_known"),
    (("Stranger", "Mr Smith"), "relationship_known"),
]


def test_an_attendance_that_breaks_one_rule_is_refused_for_it(bench: Bench) -> None:
    attended(bench, GOOD, *(GOOD.replace(*change) for change, _ in BAD_ATTENDANCES))
    expected = {at: [rule] for at, (_, rule) in enumerate(BAD_ATTENDANCES, start=3)}
    assert bench.quarantined("ed_assault") == expected
    assert bench.rows("SELECT count(*) FROM clean.ed_assault") == [(1,)]


def test_a_year_that_lacks_many_hours_is_noticed(bench: Bench) -> None:
    rows = [GOOD] * 8 + [GOOD.replace("00:40", "")] * 2  # two in ten
    bench.put(ED_FILE, extract(*rows, head=ED_HEAD))
    assert check_named(bench.take_in("ed_assault"), "hours_noted").failed_rows == 1


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("southampton", "E06000045"),
        ("brighton-and-hove", "E06000043"),
        ("southend-on-sea", "E06000033"),
        ("bristol", "E06000023"),
        ("herefordshire", "E06000019"),
        ("kingston-upon-hull", "E06000010"),
        ("cardiff", "W06000015"),
        ("nowhere", None),
    ],
)
def test_the_area_in_a_file_name_is_any_authority(
    known: Registry, named: str, code: str | None
) -> None:
    places: Places = known.areas
    (derived,) = (one for one in ed_assault.SOURCE.derived if one.name == "area_code")
    assert derived.make(places, named) == code


# --- the claims, from the sample -----------------------------------------------------------------

MODULES = ("police_incident", "ed_assault")
SEEDS = (2014, pytest.param(7, marks=pytest.mark.nightly))


@pytest.fixture(scope="module", params=SEEDS)
def part(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Registry
) -> Part:
    return Part(tmp_path_factory.mktemp("part"), known, MODULES, Plan(seed=request.param))


def test_recorded_asb_has_not_increased_c02(part: Part) -> None:
    assert -3 < part.change("asb_incidents_count") < -2


def test_asb_categories_are_shares_and_none_before_there_were_any(part: Part) -> None:
    shares = [part.values(f"asb_{one}_share") for one in ("personal", "nuisance", "environmental")]
    assert {one["2010-11"] for one in shares} == {None}
    assert sum(one["2014-15"] or 0 for one in shares) == pytest.approx(100)


@pytest.mark.parametrize(
    "indicator", ["calls_for_service_count", "calls_for_service_grades_1_2_count"]
)
def test_calls_have_not_increased_c31(part: Part, indicator: str) -> None:
    assert -1.3 < part.change(indicator) < -0.7


def test_calls_are_distinct_incidents_whatever_they_closed_as(part: Part) -> None:
    """The city's calls are those that the generator opened, and no duplicate among them."""
    opened = {year: police_incident.opened(part.plan, year) for year in part.plan.years}
    assert part.values("calls_for_service_count") == {
        year: sum(counts.values()) for year, counts in opened.items()
    }
    assert part.values("calls_violence_count") == {
        year: counts["Violence"] for year, counts in opened.items()
    }
    ((rows,),) = part.rows("SELECT count(*) FROM clean.police_incident WHERE area_code IS NOT NULL")
    assert rows > sum(sum(counts.values()) for counts in opened.values())


def test_night_time_assaults_fell_by_twelve_per_cent_in_one_window_of_three_c04(
    part: Part,
) -> None:
    changes = {
        window: part.change(f"ed_assaults_night_{window}_count")
        for window in ("22_06", "20_04", "18_06")
    }
    assert -12.5 < changes.pop("22_06") <= -11.5
    assert all(-9 < change < -2 for change in changes.values())


def test_nine_months_came_twice_and_the_later_extract_stands(part: Part) -> None:
    """In January fewer duplicates had been found: more distinct incidents of the same months."""
    months = "month BETWEEN DATE '2014-04-01' AND DATE '2014-12-31' AND area_code = 'E06000045'"
    distinct = (
        f"SELECT count(*) FILTER (duplicate = 'N'), max(extracted_on) FROM {{}} WHERE {months}"
    )
    ((now, on),) = part.rows(distinct.format("clean.police_incident"))
    ((then, before),) = part.rows(distinct.format("set_aside.police_incident"))
    assert then > now
    assert (before, on) == (date(2015, 1, 9), date(2015, 4, 14))


def test_recording_moves_neither_calls_nor_attendances_and_a_real_change_both() -> None:
    plain, no_step, real = Plan(), Plan(recording_step=0), Plan(real_change=0.2)
    assert police_incident.opened(no_step, "2014-15") == police_incident.opened(plain, "2014-15")
    assert attendances.counts(no_step, "2014-15") == attendances.counts(plain, "2014-15")
    before, after = (police_incident.opened(one, "2014-15") for one in (plain, real))
    assert {group for group in before if before[group] != after[group]} == {"Violence"}
    assert after["Violence"] == round(1.2 * before["Violence"])
    assert sum(attendances.counts(real, "2014-15").values()) == pytest.approx(
        1.2 * sum(attendances.counts(plain, "2014-15").values()), abs=3
    )


def test_every_year_of_the_plan_has_its_extract(part: Part) -> None:
    for source, more in (("police_incident", 1), ("ed_assault", 0)):
        files = [one.file for one in part.deliveries if one.source == source]
        assert len(files) == len(part.plan.years) + more
        assert all(any(f"-{year}-extracted" in one for one in files) for year in part.plan.years)


def test_groups_are_told_by_the_words_before_the_dash() -> None:
    assert incidents.opening_group("violence - assault") == "Violence"
    assert incidents.opening_group("Violence") == "Violence"
    assert incidents.opening_group("Violence-assault") is None
    assert incidents.closing_group("Crime related incident - none") == "Crime related incident"
