"""Which name means which area: unitary traps, reorganisations, and every name in the real files."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecity_pipeline.model import Refused
from safecity_pipeline.registry import areas as module
from safecity_pipeline.registry.areas import Area, Areas

REGISTRY = Path(module.__file__).parent
AREAS = Areas.load()
DISTRICTS_OF_DORSET = tuple(f"E0700004{n}" for n in "89") + tuple(f"E0700005{n}" for n in "0123")


@pytest.fixture(scope="module")
def real() -> Path:
    folder = os.environ.get("SAFECITY_REAL_DATA")
    if not folder:
        pytest.skip("SAFECITY_REAL_DATA is not set: no real files to check names against")
    return Path(folder)


def area_of(code: str) -> Area:
    area = AREAS.by_code(code)
    assert area is not None, code
    return area


def column(path: Path, name: str, encoding: str = "utf-8-sig") -> set[str]:
    with path.open(encoding=encoding, newline="") as lines:
        return {row[name] for row in csv.DictReader(lines)}


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Southampton", "E06000045"),
        ("Southampton UA", "E06000045"),
        ("Bristol", "E06000023"),
        ("Bristol, City of", "E06000023"),
        ("Bristol, City of UA", "E06000023"),
        ("Herefordshire", "E06000019"),
        ("Herefordshire, County of", "E06000019"),
        ("Kingston upon Hull", "E06000010"),
        ("Kingston Upon Hull, City of", "E06000010"),
        ("County Durham", "E06000047"),
        ("Rhondda Cynon Taf", "W06000016"),
        ("Rhondda, Cynon, Taff", "W06000016"),
        ("The Vale of Glamorgan", "W06000014"),
        ("Southend-on-Sea", "E06000033"),
        ("King's Lynn and West Norfolk", "E07000146"),
        ("King’s Lynn and West Norfolk", "E07000146"),
        ("Brighton & Hove", "E06000043"),
        ("St. Helens", "E08000013"),
        ("St Helens", "E08000013"),
        ("Shepway", "E07000112"),
        ("Folkestone and Hythe", "E07000112"),
    ],
)
def test_an_authority_is_known_by_every_spelling_of_its_publishers(name: str, code: str) -> None:
    assert AREAS.local_authority(name) == code
    assert AREAS.of_lsoa_name(f"{name} 001A") == code
    assert AREAS.csp(name) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("London, City of", "E23000034"),
        ("City of London Police", "E23000034"),
        ("Metropolitan Police Service", "E23000001"),
        ("Hampshire Constabulary", "E23000030"),
        ("Hampshire and Isle of Wight Constabulary", "E23000030"),
        ("Hampshire & Isle of Wight Constabulary", "E23000030"),
        ("Devon & Cornwall", "E23000035"),
        ("Devon and Cornwall Police", "E23000035"),
        ("Avon & Somerset Constabulary", "E23000036"),
        ("Dyfed Powys Police", "W15000004"),
        ("Dyfed-Powys", "W15000004"),
        ("Humberside Constabulary", "E23000012"),
        ("Humberside Police", "E23000012"),
    ],
)
def test_a_force_is_known_by_every_spelling_of_its_publishers(name: str, code: str) -> None:
    assert AREAS.force(name) == code
    assert AREAS.body(name) is None


def test_one_name_means_another_area_in_another_kind() -> None:
    assert AREAS.force("Dorset") == "E23000039"
    assert AREAS.csp("Dorset") == "E22000367"
    assert AREAS.local_authority("Dorset") == "E06000059"
    assert AREAS.csp("North Devon") == AREAS.csp("Northern Devon") == "E22000363"
    assert AREAS.local_authority("North Devon") == "E07000043"
    assert AREAS.region("West Midlands") == "E12000005"
    assert AREAS.force("West Midlands") == "E23000014"
    assert AREAS.country("England") == "E92000001"


def test_a_date_tells_the_old_county_from_the_new_authority_of_the_same_name() -> None:
    assert AREAS.csp("Dorset", on=date(2019, 3, 31)) == "E22000367"
    assert AREAS.csp("Dorset", on=date(2019, 4, 1)) == "E06000059"
    assert AREAS.local_authority("Dorset", on=date(2014, 4, 1)) is None
    assert AREAS.local_authority("Northampton", on=date(2021, 3, 31)) == "E07000154"
    assert AREAS.local_authority("Northampton", on=date(2021, 4, 1)) is None


def test_a_body_without_an_area_is_never_a_force() -> None:
    bodies = {
        "British Transport Police": "BTP",
        "Action Fraud": "ACTION_FRAUD",
        "CIFAS": "CIFAS",
        "UK Finance": "UK_FINANCE",
        "Financial Fraud Action UK": "FFA_UK",
        "Police Service of Northern Ireland": "PSNI",
    }
    assert {name: AREAS.body(name) for name in bodies} == bodies
    assert [AREAS.force(name) for name in bodies] == [None] * 6
    assert [AREAS.members(code, date(2020, 4, 1)) for code in bodies.values()] == [()] * 6


@given(
    area=st.sampled_from(AREAS.areas),
    pick=st.integers(0, 20),
    upper=st.booleans(),
    blanks=st.sampled_from([" ", "  ", "\t", "\u00a0"]),
)
def test_case_and_blanks_never_matter(area: Area, pick: int, upper: bool, blanks: str) -> None:
    look_up = {
        "local_authority": AREAS.local_authority,
        "csp": AREAS.csp,
        "police_force": AREAS.force,
        "region": AREAS.region,
        "country": AREAS.country,
        "body": AREAS.body,
    }[area.type]
    name = area.names[pick % len(area.names)]
    written = blanks + blanks.join((name.upper() if upper else name.lower()).split()) + blanks
    assert look_up(written) == area.code


@given(st.sampled_from(AREAS.areas), st.sampled_from(["x", "s", "-", "."]))
def test_a_name_that_is_almost_right_is_unknown(area: Area, slip: str) -> None:
    known = {" ".join(name.split()).casefold() for one in AREAS.areas for name in one.names}
    for wrong in (area.name + slip, slip + area.name, area.name[:-1]):
        if wrong.casefold() not in known:
            assert AREAS.local_authority(wrong) is None
            assert AREAS.csp(wrong) is None
            assert AREAS.force(wrong) is None
            assert AREAS.body(wrong) is None


@pytest.mark.parametrize(
    "name",
    ["", "Southampton", "Southampton 01A", "Southampton 001", "Southampton 001a", "001A",
     "Southampton001A", "Atlantis 001A", "Southampton 001AB", "Southampton ٠٠١A"],
)  # fmt: skip
def test_what_is_not_an_lsoa_name_belongs_nowhere(name: str) -> None:
    assert AREAS.of_lsoa_name(name) is None


# ---------------------------------------------------------------- codes, dates, membership


def test_a_code_finds_its_area_also_under_former_and_partnership_codes() -> None:
    assert area_of("E06000048") is area_of("E06000057")  # Northumberland, recoded in 2013
    assert area_of("E08000039").name == "Sheffield"  # recoded in 2025
    assert area_of("E22000145").code == "E07000112"  # a partnership that is one authority
    assert area_of("E22000318").name == "Wycombe"  # not Buckinghamshire, its best fit in 2021
    assert AREAS.by_code("E99999999") is None


def test_southampton_has_all_its_facts() -> None:
    southampton = area_of("E06000045")
    assert (southampton.region_code, southampton.force_code) == ("E12000008", "E23000030")
    assert (southampton.csp_code, southampton.dfe_number) == ("E22000120", "852")
    assert AREAS.home_force("E06000045") == "E23000030"
    assert AREAS.home_force("E22000374") == "E23000030"  # North Hampshire partnership
    assert AREAS.home_force("E92000001") is None


def test_every_authority_has_force_region_and_open_ended_dates_only_without_successor() -> None:
    authorities = [area for area in AREAS.areas if area.type == "local_authority"]
    assert {area_of(a.force_code or "").type for a in authorities} == {"police_force"}
    assert {area_of(a.region_code or "").type for a in authorities} == {"region", "country"}
    assert all((a.end is None) == (not a.successors) for a in authorities)
    assert len({a.force_code for a in authorities}) == 43
    # 2019: -8 +2 (Dorset), -4 +2 (Suffolk), -2 +1 (Somerset); 2020: -4 +1 (Buckinghamshire);
    # 2021: -7 +2 (Northamptonshire); 2023: -6 +2 (Cumbria), -7 +1 (North Yorkshire), -4 +1
    days = [date(year, 4, 1) for year in (2009, 2019, 2020, 2021, 2023)]
    counts = [sum(a.existed_on(day) for a in authorities) for day in days]
    assert counts == [348, 339, 336, 331, 318]


def test_members_follow_reorganisations() -> None:
    suffolk = ("E07000200", "E07000201", "E07000203", "E07000204")
    assert AREAS.members("E22000373", date(2014, 6, 30)) == suffolk
    assert AREAS.members("E22000373", date(2019, 4, 1)) == ("E07000200", "E07000203", "E07000245")
    assert AREAS.members("E22000367", date(2014, 6, 30)) == DISTRICTS_OF_DORSET
    # a new authority is its whole predecessors in an older geography, through two changes
    taunton_deane_and_west_somerset = ("E07000190", "E07000191")
    assert AREAS.members("E06000066", date(2009, 4, 1)) == (
        "E07000187",
        "E07000188",
        "E07000189",
        *taunton_deane_and_west_somerset,
    )
    assert AREAS.members("E06000066", date(2020, 4, 1))[-1] == "E07000246"
    assert AREAS.members("E06000066", date(2023, 4, 1)) == ("E06000066",)
    assert AREAS.members("E06000045", date(2020, 4, 1)) == ("E06000045",)
    assert AREAS.members("E06000045", date(2009, 3, 31)) == ()
    assert AREAS.members("nowhere", date(2020, 4, 1)) == ()


@pytest.mark.parametrize("year", [2009, 2019, 2020, 2021, 2023])
def test_forces_and_regions_each_divide_the_authorities_of_a_date_without_rest(year: int) -> None:
    day = date(year, 4, 1)
    everywhere = sorted(
        area.code for area in AREAS.areas if area.type == "local_authority" and area.existed_on(day)
    )
    for kinds in ({"police_force"}, {"country"}):
        parts = [AREAS.members(a.code, day) for a in AREAS.areas if a.type in kinds]
        assert sorted(code for part in parts for code in part) == everywhere
    regions = [AREAS.members(a.code, day) for a in AREAS.areas if a.type == "region"]
    england = AREAS.members("E92000001", day)
    assert sorted(code for part in regions for code in part) == sorted(england)


# ---------------------------------------------------------------- peers


def test_southampton_is_compared_with_the_fourteen_areas_that_the_assessment_names() -> None:
    named = [
        *("Eastbourne", "Sheffield", "Watford", "Southend-on-Sea", "Luton", "Hillingdon"),
        *("Slough", "Hounslow", "Derby", "Brighton & Hove", "Northampton", "Cardiff"),
        *("Bristol", "Reading"),
    ]
    for day in (date(2010, 4, 1), date(2015, 3, 31), date(2024, 4, 1)):  # frozen
        group = AREAS.peer_group("crime_most_similar", "E06000045", day)
        assert group is not None
        assert (group.version, group.area_code) == ("2015", "E06000045")
        assert group.members == ("E06000045", *(AREAS.local_authority(name) for name in named))
    assert AREAS.peer_group("crime_most_similar", "E06000044", date(2015, 3, 31)) is None
    assert AREAS.peer_group("another", "E06000045", date(2015, 3, 31)) is None


PEER_HEAD = "group,version,area_code,peer_code,applies_from,applies_to,source\n"


def with_peers(folder: Path, *rows: str) -> Areas:
    for name in ("areas.csv", "area_members.csv"):
        shutil.copy(REGISTRY / name, folder / name)
    (folder / "peers.csv").write_text(PEER_HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return Areas.load(folder)


def test_a_dated_version_applies_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    areas = with_peers(
        tmp_path,
        "crime,1,E06000045,E06000044,,2014-03-31,here",
        "crime,2,E06000045,E06000023,2014-04-01,,here",
    )
    before = areas.peer_group("crime", "E06000045", date(2014, 3, 31))
    after = areas.peer_group("crime", "E06000045", date(2014, 4, 1))
    assert before is not None and before.members == ("E06000045", "E06000044")
    assert after is not None and after.members == ("E06000045", "E06000023")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ["c,1,E06000045,E06000044,,2014-04-01,s", "c,2,E06000045,E06000023,2014-04-01,,s"],
            "two versions apply on one day",
        ),
        (["c,1,E06000045,E06000999,,,s"], "'E06000999'"),
        (["c,1,E06000045,E06000045,,,s"], "no peer of itself"),
        (["c,1,E06000045,E06000044,2014/15,,s"], "row 2: not a date; got: '2014/15'"),
        (["c,1,E06000045"], "row 2: a row must have 7 cells; got: 3"),
    ],
)
def test_a_bad_peer_file_is_refused_with_its_place(
    tmp_path: Path, rows: list[str], words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        with_peers(tmp_path, *rows)
    assert words in str(refusal.value)
    assert "peers.csv" in str(refusal.value)


# ---------------------------------------------------------------- loading


def with_areas_changed(folder: Path, old: str, new: str) -> Areas:
    for name in ("areas.csv", "area_members.csv", "peers.csv"):
        shutil.copy(REGISTRY / name, folder / name)
    text = (REGISTRY / "areas.csv").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / "areas.csv").write_text(text.replace(old, new), encoding="utf-8")
    return Areas.load(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",Southampton UA\n", ",PORTSMOUTH  ua\n", ["E06000044 (Portsmouth)", "E06000045 (South"]),
        (",Southampton UA\n", ",E06000048\n", ["Southampton", "Northumberland"]),
        (",E22000120,", ",E22000318,", ["Southampton", "Wycombe"]),
        ("E06000045,Southampton,local_authority", "E06000045,Southampton,city", ["'city'"]),
        ("2020-03-31,E06000060,,\nE07000005", "31/03/20,E06000060,,\nE07000005", ["'31/03/20'"]),
        ("E12000008,E23000030,E22000120", "E12000008,E23000099,E22000120", ["'E23000099'"]),
        ("code,name,type", "code,title,type", ["other columns", "'title'"]),
    ],
)  # fmt: skip
def test_areas_that_contradict_themselves_are_refused_by_name(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    with pytest.raises(Refused) as refusal:
        with_areas_changed(tmp_path, old, new)
    assert all(word in str(refusal.value) for word in [*words, "areas.csv"]), refusal.value


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"areas\.csv: no such file"):
        Areas.load(tmp_path)


def test_table_rows_say_what_the_files_say() -> None:
    with (REGISTRY / "areas.csv").open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))
    made = [{k: "" if v is None else str(v) for k, v in row.items()} for row in AREAS.rows()]
    assert made == written
    assert AREAS.member_rows()[0]["as_of"] == date(2009, 4, 1)
    assert {tuple(row) for row in AREAS.peer_rows()} == {tuple(PEER_HEAD.strip().split(","))}


# ---------------------------------------------------------------- the real files


def test_every_partnership_of_the_home_office_file_is_one_area_of_its_own(real: Path) -> None:
    names = column(real / "prc-csp-2011-12" / "crime_data_by_csp.csv", "CSP Name", "cp1252")
    codes = {name: AREAS.csp(name) for name in names}
    assert len(names) == 323
    assert [name for name, code in codes.items() if code is None] == []
    assert len(set(codes.values())) == 323
    on_the_day = {name: AREAS.csp(name, on=date(2012, 3, 31)) for name in names}
    assert on_the_day == codes


def test_the_partnerships_of_the_home_office_file_cover_every_authority_once(real: Path) -> None:
    names = column(real / "prc-csp-2011-12" / "crime_data_by_csp.csv", "CSP Name", "cp1252")
    day = date(2012, 3, 31)
    covered = [code for name in names for code in AREAS.members(AREAS.csp(name) or "", day)]
    assert len(covered) == len(set(covered))
    england_and_wales = {*AREAS.members("E92000001", day), *AREAS.members("W92000004", day)}
    assert england_and_wales - set(covered) == set()


def test_every_force_of_the_home_office_table_and_of_the_lookups_is_known(real: Path) -> None:
    table = next((real / "prc-pfa-2017-18").glob("*.csv"))
    names = column(table, "Force Name", "cp1252")
    outcomes = column(real / "police-uk-outcomes-by-force" / "outcomes_by_force.csv", "Force")
    seizures = column(real / "drugs" / "Seizures14-15.csv", "Police force")
    labels = column(real / "lookups" / "forces.csv", "Label")
    for spellings in (names, outcomes, seizures, labels):
        found = {name: (AREAS.force(name), AREAS.body(name)) for name in spellings}
        assert [n for n, (force, body) in found.items() if (force is None) == (body is None)] == []
    assert len({AREAS.force(name) for name in names} - {None}) == 43
    assert len({AREAS.force(name) for name in outcomes} - {None}) == 43


def street_rows(real: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(real.glob("police-uk-*/*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                yield row[2], row[7], row[8]


def test_every_reporter_and_every_lsoa_of_the_street_files_is_known(real: Path) -> None:
    reporters, lsoa_names = set(), set()
    for reporter, _, lsoa_name in street_rows(real):
        reporters.add(reporter)
        lsoa_names.add(lsoa_name)
    reporters.discard("Reported by")
    lsoa_names -= {"LSOA name", ""}
    assert len(reporters) == 18
    assert [r for r in reporters if (AREAS.force(r) or AREAS.body(r)) is None] == []
    assert len(lsoa_names) > 1000
    assert [name for name in lsoa_names if AREAS.of_lsoa_name(name) is None] == []


def population_2014(real: Path) -> dict[str, tuple[str, int]]:
    path = next((real / "ons-population").glob("MYEB3*.csv"))
    with path.open(encoding="cp1252", newline="") as lines:
        return {
            row["ladcode20"]: (row["country"], int(row["population_2014"]))
            for row in csv.DictReader(lines)
            if row["country"] in "EW"
        }


def test_populations_of_forces_and_countries_add_up_in_2020_codes(real: Path) -> None:
    population = population_2014(real)
    by_country: defaultdict[str, int] = defaultdict(int)
    for country, persons in population.values():
        by_country[country] += persons
    day = date(2020, 4, 1)

    def total(code: str) -> int:
        return sum(population[member][1] for member in AREAS.members(code, day))

    assert (total("E92000001"), total("W92000004")) == (by_country["E"], by_country["W"])
    forces = [area.code for area in AREAS.areas if area.type == "police_force"]
    assert len(forces) == 43
    assert sum(total(code) for code in forces) == by_country["E"] + by_country["W"]
    assert total("E06000045") == 242_106


def test_a_force_has_the_authorities_that_the_2017_lookup_gives_it(real: Path) -> None:
    path = next((real / "lookups").glob("Local_Authority_District_to_*2017*.csv"))
    expected: defaultdict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            expected[row["PFA17CD"]].add(row["LAD17CD"])
    made = {code: set(AREAS.members(code, date(2017, 1, 1))) for code in expected}
    assert made == dict(expected)


def load_tool() -> ModuleType:
    path = Path(__file__).parents[1] / "tools" / "make_areas.py"
    spec = importlib.util.spec_from_file_location("make_areas", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool  # dataclasses look their module up
    spec.loader.exec_module(tool)
    return tool


def test_making_the_files_again_gives_the_committed_bytes(real: Path, tmp_path: Path) -> None:
    load_tool().main([str(real), str(tmp_path)])
    for name in ("areas.csv", "area_members.csv"):
        assert (tmp_path / name).read_bytes() == (REGISTRY / name).read_bytes(), name
