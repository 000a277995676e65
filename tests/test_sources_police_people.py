"""Victims, offenders and arrests: what a row means, the unit, and the published figures.

Here: the three sources on drawn rows, the windows against plain Python, and the claims C09, C10,
C34 and C35 recomputed from the sample. Not here: what becomes of identifiers (test_pseudonyms).
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import pytest
from conftest import Bench
from hypothesis import given, settings
from hypothesis import strategies as st
from small_folder import own_environment

from safecity_pipeline import bookkeeping, measure, tables, warehouse
from safecity_pipeline.ingest import schema
from safecity_pipeline.model import Part
from safecity_pipeline.registry import Registry
from safecity_pipeline.sample import Plan, folder, police_arrest, police_offender, police_victim
from safecity_pipeline.sample.delivery import Delivery
from safecity_pipeline.sources import police_victim as victims_source

SEEDS = (2014, pytest.param(7, marks=pytest.mark.nightly))
SOUTHAMPTON = "E06000045"


@pytest.fixture(autouse=True, scope="module")
def own() -> Iterator[None]:
    with own_environment(SAFECITY_PSEUDONYM_KEY="k" * 32):
        yield


def with_meta(bench: Bench, known: Registry) -> Bench:
    """What a measure joins: areas, and the extracts that are there."""
    areas = bookkeeping.registry_rows(known)[tables.AREA]
    warehouse.fill(bench.connection, tables.AREA, areas)
    extracts = bookkeeping.extract_rows(bench.look().extracts, {})
    warehouse.fill(bench.connection, tables.EXTRACT, extracts)
    return bench


def by_year(bench: Bench, known: Registry, indicator: str) -> dict[str, tuple[float, float]]:
    """Financial year → numerator and denominator in Southampton."""
    found = measure.values(
        with_meta(bench, known).connection, known.indicators[indicator], bench.sources
    )
    years = found[(found["period_kind"] == "year") & (found["area_code"] == SOUTHAMPTON)]
    return {
        year: (x, n)
        for year, x, n in zip(
            years["period"], years["numerator"], years["denominator"], strict=True
        )
    }


def share(counts: tuple[float, float]) -> float:
    return 100 * counts[0] / counts[1]


# --- victims -------------------------------------------------------------------------------------

VICTIMS = (
    "Crime Ref,Recorded Date,District,HO Offence Group,Victim Nominal Ref,Victim Type,"
    "Age at Offence,Sex,Mental Disorder,Significant Impairment,Physical Disability,Extract Date"
)
PERSON = "1,09/04/2014,Southampton,Theft offences,N1,Person,34,F,N,N,N,08/05/2015"
BUSINESS = "2,09/04/2014,Southampton,Theft offences,,Business,,,,,,08/05/2015"


def altered(row: str, **cells: str) -> str:
    """A row with cells replaced: c0 is the first."""
    parts = row.split(",")
    for name, cell in cells.items():
        parts[int(name[1:])] = cell
    return ",".join(parts)


def put(bench: Bench, file: str, head: str, *rows: str) -> None:
    bench.put(file, "\n".join([head, *rows]) + "\n")


FAULTY_VICTIMS = (
    (altered(PERSON, c0=""), ["crime_reference_present"]),
    (altered(PERSON, c1="31/02/2014"), ["recorded_on_known"]),
    (altered(PERSON, c1="04/30/2014"), ["recorded_on_known"]),
    (altered(PERSON, c1="09/05/2015"), ["recorded_before_extracted"]),
    (altered(PERSON, c2="Area 51"), ["area_code_known"]),
    (altered(PERSON, c3="N1000001"), ["offence_group_known"]),
    (altered(PERSON, c4=""), ["person_identified"]),
    (altered(BUSINESS, c4="N1"), ["person_identified"]),
    (altered(PERSON, c5="Animal"), ["victim_type_known"]),
    (altered(PERSON, c6="116"), ["age_in_range"]),
    (altered(PERSON, c6="34.5"), ["age_at_offence_kind"]),
    (altered(BUSINESS, c6="34"), ["only_persons_have_an_age"]),
    (altered(PERSON, c7="X"), ["sex_known"]),
    (altered(PERSON, c9="Maybe"), ["impairment_form"]),
    (altered(PERSON, c11=""), ["extracted_present"]),
    (altered(PERSON, c0="0 Jane Doe"), ["crime_reference_form"]),
    (f"{PERSON},34", ["row_whole"]),
)


def numbered(faulty: Sequence[tuple[str, list[str]]]) -> list[str]:
    """The rows, each of a reference of its own, but for those whose fault that is."""
    return [
        row if row.startswith((",", "0")) else altered(row, c0=f"{at}")
        for at, (row, _) in enumerate(faulty, 100)
    ]


def test_each_row_of_a_victim_is_refused_for_its_own_fault(bench: Bench) -> None:
    put(bench, "victims.csv", VICTIMS, PERSON, BUSINESS, *numbered(FAULTY_VICTIMS))
    bench.take_in("police_victim")
    wanted = {at: rules for at, (_, rules) in enumerate(FAULTY_VICTIMS, 4)}
    assert bench.quarantined("police_victim") == wanted


@pytest.mark.parametrize(
    ("kind", "age", "flags", "vulnerable"),
    [
        ("person", 17, "NNN", True),
        ("person", 18, "NNN", False),
        ("person", 0, "NNN", True),
        ("person", 40, "YNN", True),
        ("person", 40, "NYN", True),
        ("person", 40, "NNY", True),
        ("person", None, "NNN", False),  # not known is not counted
        ("person", None, "NNY", True),
        ("business", None, "NNN", None),
    ],
)
def test_vulnerable_is_what_the_assessment_says(
    known: Registry, kind: str, age: int | None, flags: str, vulnerable: bool | None
) -> None:
    assert victims_source.is_vulnerable(known.areas, kind, age, *flags) is vulnerable


@pytest.mark.parametrize(
    ("spelt", "code"),
    [
        ("Southampton", SOUTHAMPTON),
        ("SOUTHAMPTON CITY", SOUTHAMPTON),
        ("City of Southampton", SOUTHAMPTON),
        ("Test Valley District", "E07000093"),
        ("Bristol, City of", "E06000023"),
        ("Cardiff", "W06000015"),
        ("Camberwick", None),
    ],
)
def test_a_district_is_found_as_forces_write_it(
    known: Registry, spelt: str, code: str | None
) -> None:
    assert known.areas.of_district(spelt) == code


def test_a_victim_of_two_crimes_is_two_victimisations_and_one_repeat_victim(
    bench: Bench, known: Registry
) -> None:
    rows = [
        altered(PERSON, c0="1", c4="N1", c6="17"),
        altered(PERSON, c0="2", c4="n 1", c1="09/03/2015", c6="18"),  # another month of the year
        altered(PERSON, c0="3", c4="N1", c1="09/04/2015"),  # another year
        altered(PERSON, c0="4", c4="N2"),
        altered(PERSON, c0="4", c4="N3"),  # one crime, two victims
        *(
            altered(BUSINESS, c0=f"5{month}", c1=f"09/{month:02d}/{2014 + (month < 4)}")
            for month in range(1, 13)
        ),
    ]
    put(bench, "victims.csv", VICTIMS, *rows)
    bench.take_in("police_victim")
    assert bench.quarantined("police_victim") == {}
    # 1 of 4 victimisations; N1 of N1, N2, N3
    assert by_year(bench, known, "vulnerable_victims_share")["2014-15"] == (1, 4)
    # April 2015 is no whole year: everybody was hit less often in it.
    assert by_year(bench, known, "repeat_victims_share") == {"2014-15": (1, 3)}


# --- offenders -----------------------------------------------------------------------------------

OFFENDERS = (
    "Crime Ref,Offender Nominal Ref,Age at Offence,Sex,HO Code,HO Offence Group,Recorded Date,"
    "Detected Date,Outcome,District"
)
OFFENDER = "1,N1,34,M,4.10,Theft offences,09/04/2014 13:05,19/04/2014,Charged,Southampton"


def report(*rows: str, extracted: str = "08/05/2015 06:00") -> str:
    above = ["Offenders of detected crimes", f"Extracted: {extracted}", "", OFFENDERS]
    return "\n".join([*above, *rows, f"Total rows: {len(rows)}"]) + "\n"


FAULTY_OFFENDERS = (
    (altered(OFFENDER, c1=" "), ["offender_present"]),
    (altered(OFFENDER, c2="9"), ["age_in_range"]),
    (altered(OFFENDER, c4=""), ["offence_code_present"]),
    (altered(OFFENDER, c5="N1000001"), ["offence_group_known"]),
    (altered(OFFENDER, c6="2014"), ["recorded_on_known"]),
    (altered(OFFENDER, c0="0 Jane Doe"), ["crime_reference_form"]),
    (altered(OFFENDER, c7="08/04/2014"), ["recorded_before_detected"]),
    (altered(OFFENDER, c7="09/05/2015"), ["detected_before_extracted"]),
    (altered(OFFENDER, c8="Let off"), ["outcome_known"]),
    (altered(OFFENDER, c9="Elsewhere"), ["area_code_known"]),
    (altered(OFFENDER, c0="0"), ["key_unique"]),
    (f"{OFFENDER},see note", ["row_whole"]),
)


def test_each_row_of_an_offender_is_refused_for_its_own_fault(bench: Bench) -> None:
    good = altered(OFFENDER, c0="0")
    bench.put("offenders.csv", report(good, *numbered(FAULTY_OFFENDERS)))
    taken = bench.take_in("police_offender")
    wanted = {at: rules for at, (_, rules) in enumerate(FAULTY_OFFENDERS, 6)}
    assert bench.quarantined("police_offender") == wanted
    assert bench.rows("SELECT offence_code, extracted_on FROM clean.police_offender") == [
        ("4.10", date(2015, 5, 8))
    ]
    assert list(taken.ledger["excluded_layout"]) == [5]


Link = tuple[int, int, int | None, str]  # crime, offender, age, year


def repeat_adults(links: Sequence[Link]) -> dict[str, tuple[int, int]]:
    """The same in plain Python: crimes by repeating adults, and all, by financial year."""
    crimes_of: dict[tuple[str, int], set[int]] = defaultdict(set)
    for crime, offender, _, year in links:
        crimes_of[year, offender].add(crime)
    found: dict[str, tuple[int, int]] = {}
    for year in sorted({link[3] for link in links}):
        crimes = {crime for crime, _, _, when in links if when == year}
        repeated = {
            crime
            for crime, offender, age, when in links
            if when == year and age is not None and age >= 18 and len(crimes_of[year, offender]) > 1
        }
        found[year] = len(repeated), len(crimes)
    return found


OF_YEAR = {"2013-14": date(2013, 5, 1), "2014-15": date(2014, 5, 1)}
LINKS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.integers(0, 5),
        st.sampled_from([None, 15, 17, 18, 40]),
        st.sampled_from(sorted(OF_YEAR)),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda link: (link[0], link[1], link[3]),
)


@given(LINKS)
@settings(max_examples=25, deadline=None)
def test_windows_count_what_plain_python_counts(
    tmp_path_factory: pytest.TempPathFactory, known: Registry, links: list[Link]
) -> None:
    bench = _windows_bench(tmp_path_factory, known)
    bench.connection.execute("DELETE FROM clean.police_offender")
    # A crime of nobody else in each month, so that the years are whole: what is worked out over a
    # year has no figure of a part of one.
    others = [
        (f"{year}M{month}", f"P{month}", None, year, _in_month(OF_YEAR[year], month))
        for year in {link[3] for link in links}
        for month in range(12)
    ]
    theirs = [
        (f"{year}/{crime}", f"N{who}", age, year, OF_YEAR[year]) for crime, who, age, year in links
    ]
    for at, (crime, offender, age, year, month) in enumerate([*theirs, *others]):
        bench.connection.execute(
            "INSERT INTO clean.police_offender BY NAME SELECT ? AS _row, ? AS crime_reference, "
            "? AS offender, ? AS adult, ? AS financial_year, ? AS area_code, "
            "?::DATE AS month, last_day(?::DATE) AS month_end",
            [
                *(at, crime, offender, None if age is None else age >= 18, year),
                *(SOUTHAMPTON, month, month),
            ],
        )
    indicator = known.indicators["repeat_offender_crime_share"]
    found = measure.values(bench.connection, indicator, bench.sources)
    years = found[found["period_kind"] == "year"]
    told = zip(years["period"], years["numerator"], years["denominator"], strict=True)
    expected = {year: (x, n + 12) for year, (x, n) in repeat_adults(links).items()}
    assert {year: (x, n) for year, x, n in told} == expected


def _in_month(day: date, later: int) -> date:
    """The first of the month so many months after the April of a day's year."""
    return day.replace(year=day.year + (later > 8), month=(3 + later) % 12 + 1, day=1)


_made: dict[str, Bench] = {}


def _windows_bench(factory: pytest.TempPathFactory, known: Registry) -> Bench:
    if "one" not in _made:
        _made["one"] = with_meta(Bench(factory.mktemp("windows"), known), known)
        table = schema.clean_table(known.sources["police_offender"])
        _made["one"].connection.execute(tables.create(table))
    return _made["one"]


def test_a_part_with_a_window_is_not_tallied_and_others_do_not_compute_it(known: Registry) -> None:
    source = known.sources["police_offender"]
    repeat = known.indicators["repeat_offender_crime_share"]
    assert measure.to_tally([repeat], known.sources) == {}
    told = measure.cells_sql(Part("police_offender", "by_repeat_adult"), source)
    # what it rests on comes with it, what it does not rest on does not
    assert "AS offences_in_year" in told and "AS link_of_crime" not in told
    assert "OVER" not in measure.cells_sql(Part("police_offender", "adult"), source)


# --- arrests -------------------------------------------------------------------------------------

ARRESTS = "Custody Ref,Arrest Date,Detainee Nominal Ref,Domestic Abuse,Disposal,District"
ARREST = "44CR/14/1,09/04/2014 23:40,N1,Y,Charged,Southampton"
SENT = "arrests-2014-15-extracted-{}.csv"


FAULTY_ARRESTS = (
    (altered(ARREST, c1="31/04/2014 10:00"), ["arrested_on_known"]),
    (altered(ARREST, c1="09/05/2015 10:00"), ["arrested_before_extracted"]),
    (altered(ARREST, c2=""), ["arrestee_present"]),
    (altered(ARREST, c3="?"), ["domestic_abuse_form"]),
    (altered(ARREST, c4="Escaped"), ["disposal_known"]),
    (altered(ARREST, c5="Eastbourn"), ["area_code_known"]),
    (altered(ARREST, c0="0"), ["key_unique"]),
)


def test_each_row_of_an_arrest_is_refused_for_its_own_fault(bench: Bench) -> None:
    rows = [altered(ARREST, c0="0"), *numbered(FAULTY_ARRESTS)]
    put(bench, SENT.format("2015-05-08"), ARRESTS, *rows)
    bench.take_in("police_arrest")
    wanted = {at: rules for at, (_, rules) in enumerate(FAULTY_ARRESTS, 3)}
    assert bench.quarantined("police_arrest") == wanted


def test_a_later_export_of_a_month_replaces_the_earlier_one(bench: Bench, known: Registry) -> None:
    may = altered(ARREST, c0="2", c1="09/05/2014 01:00")
    manifest = "file,published_on\n"
    for sent, disposal in (("2014-10-09", "Bailed"), ("2015-05-08", "Charged")):
        rows = [altered(row, c4=disposal) for row in (ARREST, may)]
        # The early one alone has an arrest in June.
        rows += [altered(may, c0="3", c1="09/06/2014 01:00")] * (sent == "2014-10-09")
        put(bench, SENT.format(sent), ARRESTS, *rows)
        manifest += f"{SENT.format(sent)},{sent}\n"
    bench.put("manifest.csv", manifest)
    taken = bench.take_in("police_arrest")
    assert sorted(taken.ledger["excluded_superseded"]) == [0, 2]
    assert bench.rows(
        "SELECT arrest_reference, disposal, extracted_on FROM clean.police_arrest ORDER BY 1"
    ) == [
        ("2", "charged", date(2015, 5, 8)),
        ("3", "charged", date(2014, 10, 9)),
        ("44CR/14/1", "charged", date(2015, 5, 8)),
    ]


def test_a_summons_is_a_charge_and_words_of_the_old_system_are_read(
    bench: Bench, known: Registry
) -> None:
    disposals = ("CHARGE", "SUMMONS", "NFA", "BAIL", "CAUTION")
    rows = [altered(ARREST, c0=str(at), c4=said) for at, said in enumerate(disposals)]
    rows.append(altered(ARREST, c0="9", c3="No"))
    put(bench, SENT.format("2015-05-08"), ARRESTS.replace("Domestic Abuse", "DV Marker"), *rows)
    bench.take_in("police_arrest")
    assert bench.quarantined("police_arrest") == {}
    assert by_year(bench, known, "domestic_abuse_arrests_charged")["2014-15"] == (2, 5)


# --- the published figures, from the sample ------------------------------------------------------


def of_sample(
    bench: Bench, deliveries: Sequence[Delivery], years: Sequence[str], without: int = 0
) -> Bench:
    """The sample's files of some years, taken in; `without`: every so many-th row left out."""
    chosen = [one for one in deliveries if any(year in one.file for year in years)]
    folder.lay(bench.raw, chosen, 2014)
    for one in chosen if without else ():
        path = bench.raw / one.file
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        kept = [line for at, line in enumerate(lines) if at < 5 or at % without]
        path.write_bytes(gzip.compress(b"".join(kept)))
        (path.parent / "manifest.csv").unlink(missing_ok=True)
    bench.take_in(chosen[0].source)
    return bench


@pytest.mark.parametrize("seed", SEEDS)
def test_the_share_of_vulnerable_victims_is_the_published_one(
    benches: Callable[[str], Bench], known: Registry, seed: int
) -> None:
    """C34: 12.5 % of victims in 2014/15."""
    files = police_victim.deliveries(Plan(seed=seed))
    bench = of_sample(benches("whole"), files, ["2014-15"])
    counts = by_year(bench, known, "vulnerable_victims_share")["2014-15"]
    assert 12.45 <= share(counts) < 12.55
    assert 8 < share(by_year(bench, known, "repeat_victims_share")["2014-15"]) < 20
    fewer = of_sample(benches("fewer"), files, ["2014-15"], without=10)
    left = by_year(fewer, known, "vulnerable_victims_share")["2014-15"]
    assert left[1] < 0.93 * counts[1] and share(left) != share(counts)


@pytest.mark.parametrize("seed", SEEDS)
def test_adults_who_offend_repeatedly_have_the_published_share(
    benches: Callable[[str], Bench], known: Registry, seed: int
) -> None:
    """C35: over 61 % of (detected) crime in 2014/15; without a tenth of the links it is not."""
    files = police_offender.deliveries(Plan(seed=seed))
    bench = of_sample(benches("whole"), files, ["2014-15"])
    counts = by_year(bench, known, "repeat_offender_crime_share")["2014-15"]
    assert 61 < share(counts) < 62
    links = len(bench.rows("SELECT 1 FROM clean.police_offender"))
    assert counts[1] < links  # some crimes have two offenders
    fewer = of_sample(benches("fewer"), files, ["2014-15"], without=10)
    assert share(by_year(fewer, known, "repeat_offender_crime_share")["2014-15"]) < 61


@pytest.mark.parametrize("seed", SEEDS)
def test_domestic_abuse_arrests_that_led_to_a_charge_are_the_published_ones(
    bench: Bench, known: Registry, seed: int
) -> None:
    """C10: 43.2 % in 2014/15; C09: 30 % four years earlier, which is 2010/11 and not 2011/12."""
    files = police_arrest.deliveries(Plan(seed=seed))
    of_sample(bench, files, ["2010-11", "2011-12", "2014-15"])
    found = by_year(bench, known, "domestic_abuse_arrests_charged")
    assert 43.15 <= share(found["2014-15"]) < 43.25
    assert 29.5 <= share(found["2010-11"]) < 30.5
    assert not 29.5 <= share(found["2011-12"]) < 30.5


def test_arrests_are_there_for_the_years_of_the_targets_too() -> None:
    plan = Plan(through="2016-17")
    files = police_arrest.deliveries(plan)
    assert len(files) == len(plan.years) + 1
    assert all(one.planted >= 1 for one in files)
    assert [one.delivered_twice > 0 for one in files].count(True) == 1
