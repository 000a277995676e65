"""Two editions: what the public does not see of a source, what partners see, and that it says why.

Here: whose a figure is, a deployment's own words, every table with planted numbers, claims and
drafts, and releases with a police source that is for partners only. Not here: small numbers
(`test_disclosure`).
"""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_folder import refresh, write_small

from safecity_pipeline import audiences, editions, registry, settings, tables, warehouse
from safecity_pipeline.audiences import Withheld
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import products
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry, reach
from safecity_pipeline.registry.assessments.statements import Claim, Reading
from safecity_pipeline.settings import Settings
from safecity_pipeline.tables import EDITIONS, Table
from safecity_pipeline.warehouse import Warehouse

DAY = date(2015, 11, 30)
CONFIG = 'area_code = "E06000045"\narea_name = "Southampton"\nyear = "2014-15"\n'
POLICE, HOSPITAL, TREATMENT = "police_crime", "ed_assault", "treatment"


# --- whose a figure is -------------------------------------------------------------------------


def said_of(known: Registry, *sources: tuple[str, date | None]) -> list[Any]:
    """Sources a, b … with an audience and the end of an embargo each."""
    some = known.sources["population"]
    return [
        replace(some, name=name, title=name.upper(), audience=audience, embargo_until=until)
        for name, (audience, until) in zip("abc", sources, strict=False)
    ]


TOMORROW, LATER = date(2015, 12, 1), date(2016, 2, 1)
OPEN = ("public", None)


@pytest.mark.parametrize(
    ("sources", "public", "partners"),
    [
        ([OPEN], None, None),
        ([("partners", None)], "for partners only: A", None),
        ([("analysts", None)], "for analysts only: A", "for analysts only: A"),
        # the strictest of several, and only that
        ([("partners", None), ("analysts", None)], *["for analysts only: B"] * 2),
        ([("partners", None), OPEN, ("partners", None)], "for partners only: A and C", None),
        # an embargo ends with the day before it, and is for the public alone
        ([("public", TOMORROW)], "under embargo until 1 December 2015: A", None),
        ([("public", DAY)], None, None),
        ([("public", TOMORROW), ("public", LATER)], "under embargo until 1 February 2016: B", None),
        ([("public", LATER), ("partners", None)], "for partners only: B", None),
    ],
)
def test_a_figure_is_for_those_who_may_see_all_that_it_rests_on(
    known: Registry,
    sources: list[tuple[str, date | None]],
    public: str | None,
    partners: str | None,
) -> None:
    rests_on = said_of(known, *sources)
    found = [audiences.why(rests_on, edition, DAY) for edition in ("public", "partners")]
    assert found == [public, partners]


def test_what_is_packaged_is_public_where_the_assessment_prints_it(known: Registry) -> None:
    of_partners, of_analysts = (
        {one.name for one in known.sources.values() if one.audience == audience}
        for audience in ("partners", "analysts")
    )
    assert of_partners == {"emerging_issue", "perpetrator_programme"}
    assert of_analysts == {"peer_crime"}
    out = audiences.withheld(known, "public", DAY).indicators
    printed = {
        key
        for one in known.assessments
        for claim in one.claims
        for reading in claim.reading
        for key in (reading.indicator, *reading.among)
    }
    assert out and printed & out.keys() == set()


# --- what a deployment says ----------------------------------------------------------------------


def declared(folder: Path, said: str) -> Registry:
    (folder / "safecity.toml").write_text(CONFIG + said, encoding="utf-8")
    return registry.load(folder / "safecity.toml")


def test_a_deployment_says_whose_a_source_is(tmp_path: Path, known: Registry) -> None:
    said = '[audience]\npolice_crime = "partners"\n[embargo]\ntreatment = 2015-12-01\n'
    found = declared(tmp_path, said)
    assert found.sources[POLICE] == replace(known.sources[POLICE], audience="partners")
    assert found.sources[TREATMENT].embargo_until == TOMORROW
    assert found.sources[HOSPITAL] == known.sources[HOSPITAL]
    assert found.digest != declared(tmp_path, "").digest == known.digest
    assert settings.load(tmp_path / "safecity.toml").area_name == "Southampton"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('[audience]\npolice_crimes = "partners"', "source; got: 'police_crimes'.*police_crime?"),
        ('[audience]\npolice_crime = "partner"', "audience; got: 'partner'; .*mean partners?"),
        ('audience = "partners"', r"\[audience\]: one line a source; got: 'partners'"),
        ("[embargo]\nndtms = 2015-12-01", r"\[embargo\]: unknown source; got: 'ndtms'"),
        ('[embargo]\ntreatment = "soon"', "an embargo ends on a day; got: 'soon'; write treatment"),
        ("[embargo]\ntreatment = 2015-12-01T09:30:00", "an embargo ends on a day; got: datetime"),
    ],
)
def test_what_it_cannot_mean_is_refused_by_name(tmp_path: Path, said: str, words: str) -> None:
    with pytest.raises(Refused, match=f"safecity.toml.*{words}"):
        declared(tmp_path, f"\n{said}\n")


# --- every table, with planted numbers -----------------------------------------------------------

PLANTED = 7919
NUMBERS = ("DOUBLE", "BIGINT", "INTEGER")
MINE: Mapping[str, str] = {
    "indicator": "violence_count",
    "source": POLICE,
    "extract_id": "one",
    "figures": "violence_count/E06000045/2014-15",
    "reference": "calls_violence_count",
    "method": "scan",
    "estimated_from": "violence_count",
    "area_name": "Southampton",
}
OTHERS: Mapping[str, str] = {
    **MINE,
    "indicator": "youth_entrants",
    "source": "population",
    "extract_id": "two",
    "figures": "youth_entrants/E06000045/2014-15",
    "estimated_from": "youth_entrants",
}
GUARDED = [one for one in tables.TABLES if one.guarded and one is not tables.CLAIM]
COUNTING = (
    *(tables.EXTRACT, tables.EXTRACT_SHEET, tables.EXTRACT_UNIT),
    *(tables.ARRIVAL, tables.RUN_COST),
)
"""Of these only numbers of rows go, and no column could say why."""
# What is left of a row that is left out: which figure it is, when, and from where. A column that is
# new stands here, or it says nothing.
OF_A_FIGURE = "area_code period period_kind dimension dimension_value unit"
LEFT = {
    "indicator_value": f"{OF_A_FIGURE} area_type denominator_vintage months_covered maturity_days "
    "series_break",
    "finding": "area_code dimension dimension_value comparison comparator period base_period "
    "broken_by waived_by maturity_days base_maturity_days sentence",
    "revision": "area_code period period_kind",
    "printed": "area_code period assessment",
    "break_estimate": "series area_code strength beside base_period period",
    "comparable_value": f"{OF_A_FIGURE} definition_of changes strength",
    "target": "target priority action lead_agency lead_partnership claim measure base_period "
    "period due",
    "draft": "assessment claim section year statement area_code figure period base_period unit "
    "change_unit status broken_by rests_on caveat",
    "extract": "file sha256 status message layout",
    "extract_sheet": "sheet layout message",
    "extract_unit": "unit period status superseded_by reason",
    "arrival": "supplier period arrived_by status days_late extracts areas areas_missing "
    "delivered note",
    "check_result": "run_id check_name period severity waived_by",
    "correction": "correction action column_name files sha256 status extracts reported_to place",
    "classification_change": "classification kind period areas areas_of counted_before "
    "counted_after expected_by proposed_id",
    "run_cost": "seconds peak_megabytes cpu_seconds",
}


def planted(table: Table, keys: Mapping[str, str]) -> dict[str, Any]:
    """A row in whose numbers and texts a number stands that stands nowhere else."""
    kinds = {column.name: column.sql_type for column in table.columns}
    row: dict[str, Any] = {
        name: PLANTED if kind in NUMBERS else f"{PLANTED} {name}" if kind == "VARCHAR" else None
        for name, kind in kinds.items()
    }
    row |= {name: word for name, word in keys.items() if name in row}
    return row | ({"step": f"clean/{keys['source']}"} if table is tables.RUN_COST else {})


def file_of(known: Registry) -> Any:
    """A work file in memory with a row of the police and one of others in each table, and what the
    editions have of them."""
    connection = warehouse.memory()
    for table in GUARDED:
        rows = pd.DataFrame([planted(table, keys) for keys in (MINE, OTHERS)])
        for place in {table, table.shareable} - {tables.CLASSIFICATION_CHANGE.shareable}:
            warehouse.fill(connection, place, rows)
    warehouse.fill(connection, tables.CLAIM.shareable, pd.DataFrame())
    editions.write(connection, known, DAY, lambda edition, some: [])
    return connection


def rows_in(connection: Any, table: Table) -> list[dict[str, Any]]:
    return warehouse.named_rows(connection.execute(f"FROM {table.full_name}"))


def with_police_for(known: Registry, audience: str) -> Registry:
    sources = {**known.sources, POLICE: replace(known.sources[POLICE], audience=audience)}
    return replace(known, sources=sources, assessments=())


@pytest.mark.parametrize("audience", ["partners", "analysts"])
def test_nothing_but_which_figure_it_is_is_left_in_any_table(
    known: Registry, audience: str
) -> None:
    connection = file_of(with_police_for(known, audience))
    why = f"for {audience} only: {known.sources[POLICE].title}"
    for table in GUARDED:
        mine, other = rows_in(connection, table.of("public"))
        left = {name for name, cell in mine.items() if str(PLANTED) in str(cell)}
        assert left == set(LEFT[table.name].split()), table.name
        said = " ".join(map(str, mine.values())).lower()
        assert why.lower() in said or table in COUNTING
        assert other == planted(table, OTHERS)
        theirs = rows_in(connection, table.of("partners"))
        whole = [planted(table, MINE), planted(table, OTHERS)]
        assert theirs == (whole if audience == "partners" else [mine, other]), table.name
    (value, _) = rows_in(connection, tables.INDICATOR_VALUE.of("public"))
    assert (value["obs_status"], value["suppressed_reason"]) == ("C", why)


def test_what_is_public_all_around_stands_as_it_is(known: Registry) -> None:
    connection = file_of(replace(known, assessments=()))
    for table in GUARDED:
        for edition in EDITIONS:
            assert rows_in(connection, table.of(edition)) == rows_in(connection, table.shareable)


def test_what_was_sized_by_a_source_that_is_not_public_falls_with_it(known: Registry) -> None:
    """Calls are for partners. A finding on recorded violence stands without the note that they
    gave; its estimate and its comparable value are gone, and so is the note in a draft."""
    sources = {**known.sources}
    sources["police_incident"] = replace(sources["police_incident"], audience="partners")
    asked = replace(known, sources=sources, assessments=())
    connection = warehouse.memory()
    for table in GUARDED:
        for place in {table, table.shareable} - {tables.CLASSIFICATION_CHANGE.shareable}:
            warehouse.fill(connection, place, pd.DataFrame())
    own = {"indicator": "recorded_violence_rate", "area_name": "Southampton", "period": "2014-15"}
    note = "Over the same period calls rose."
    stood = {"sentence": f"Up 25 %. {note}", "comparable_note": note, "comparable_change": 7.0}
    rests_on = "ed_assaults_count + calls_violence_count"
    sized = {"reference": "calls_violence_count", "estimated_from": "violence_count"}
    of = {
        tables.FINDING: {**own, **stood, "value": 25.0, "comparable_rests_on": rests_on},
        tables.DRAFT: {**own, "sentence": f"Violence rose. {note}", "value": 25.0},
        tables.COMPARABLE_VALUE: {**own, **sized, "status": "estimated", "comparable_value": 9.0},
        tables.BREAK_ESTIMATE: {**own, "reference": rests_on, "step": 0.2, "method": "test_at"},
    }
    of_itself = {**own, **sized, "status": "as_recorded", "value": 9.0, "comparable_value": 9.0}
    for table, row in of.items():
        rows = [row, of_itself] if table is tables.COMPARABLE_VALUE else [row]
        warehouse.fill(connection, table.shareable, pd.DataFrame(rows))
    warehouse.fill(connection, tables.CLAIM.shareable, pd.DataFrame())
    editions.write(connection, asked, DAY, lambda edition, some: [])
    (found,) = rows_in(connection, tables.FINDING.of("public"))
    assert (found["sentence"], found["value"]) == ("Up 25 %.", 25.0)
    assert found["comparable_note"] is found["comparable_change"] is None
    (draft,) = rows_in(connection, tables.DRAFT.of("public"))
    assert (draft["sentence"], draft["value"]) == ("Violence rose.", 25.0)
    estimated, recorded = rows_in(connection, tables.COMPARABLE_VALUE.of("public"))
    assert (estimated["comparable_value"], estimated["status"]) == (None, "cannot_tell")
    assert (recorded["comparable_value"], recorded["status"]) == (9.0, "as_recorded")
    (step,) = rows_in(connection, tables.BREAK_ESTIMATE.of("public"))
    assert (step["step"], step["verdict"]) == (None, "cannot_tell")
    assert step["reason"] == f"for partners only: {sources['police_incident'].title}"
    for table, row in of.items():
        theirs = rows_in(connection, table.of("partners"))[0]
        assert theirs == {name: row.get(name) for name in theirs}


# --- claims and drafts ---------------------------------------------------------------------------

OUT = Withheld({}, {"crimes": "for partners only: Crimes", "rates": "for analysts only: Rates"})


def claim_of(*readings: tuple[str, ...]) -> Claim:
    """A claim with readings one, two …, each of the indicators named, the first of them its own."""
    made = [
        Reading(name, "value", "2014-15", first, among=tuple(others))
        for name, (first, *others) in zip(("one", "two"), readings, strict=False)
    ]
    return Claim("C01", "Findings", "Up.", "9", "", "rounded", 0, 1.0, tuple(made), "", "", "")


@pytest.mark.parametrize(
    ("claim", "anew", "computed", "reason"),
    [
        # another figure altogether
        (claim_of(("asb",)), 9.0, 9.0, "anew"),
        # its own reading, even where the number comes out the same: a place among fewer problems
        (claim_of(("crimes",)), None, None, "for partners only: Crimes"),
        (claim_of(("asb", "crimes", "rates")), 9.0, None, "for analysts only: Rates"),
        # another reading of it: what was said of that one is gone, the figure stands
        (claim_of(("asb",), ("crimes",)), 9.0, 9.0, "anew"),
        (claim_of(("asb",), ("crimes",)), 8.0, None, "for partners only: Crimes"),
    ],
)
def test_a_claim_keeps_its_verdict_and_says_why_it_has_no_figure(
    claim: Claim, anew: float | None, computed: float | None, reason: str
) -> None:
    row = {"verdict": "reproduced", "computed": 9.0, "reading": "one", "reason": "two: 7919"}
    row |= {"computed_lower_95": 8.0, "computed_upper_95": 10.0}
    other = {**row, "computed": anew, "reason": "anew"}
    found = editions.claim_without(row, other, claim, OUT)
    assert (found["computed"], found["reason"]) == (computed, reason)
    assert found["verdict"] == "reproduced" and "7919" not in str(found)
    assert (found["computed_lower_95"] is None) == (computed is None)


def test_a_draft_of_several_figures_says_the_strictest_reason_and_no_verdict() -> None:
    row = dict.fromkeys(column.name for column in tables.DRAFT.columns) | {
        "sentence": "Twelve of them.",
        "value": 12.0,
        "figures": "asb/E06000045/2014-15 crimes/E06000045/2014-15 rates/E06000045/2014-15",
        "rests_on": "target T01, judged as met",
    }
    found = editions.draft_without(row, OUT)
    assert found["sentence"] == "For analysts only: Rates."
    assert (found["value"], found["rests_on"]) == (None, "target T01")
    kept = {**row, "figures": "asb/E06000045/2014-15"}
    assert editions.draft_without(kept, OUT) == kept


# --- releases ------------------------------------------------------------------------------------


def deployment(folder: Path, said: str, raw: Path | None = None) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "safecity.toml").write_text(CONFIG + said, encoding="utf-8")
    chosen = settings.load(folder / "safecity.toml")
    return chosen.with_folders(raw or folder / "raw", folder / "warehouse")


SAID = """as_of = 2015-11-30
[audience]
police_crime = "partners"
ed_assault = "analysts"
[embargo]
treatment = 2015-12-01
"""
SOURCES = {POLICE: "partners", HOSPITAL: "analysts", TREATMENT: "public", "peer_crime": "analysts"}


@pytest.fixture(scope="module")
def guarded(whole_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of the sample, by a deployment that says otherwise."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copytree(whole_sample / "warehouse", folder / "warehouse", symlinks=True)
    assert refresh(deployment(folder, SAID, whole_sample / "raw")).facts["published"]
    return folder / "warehouse" / "current"


def all_rows(
    release: Path, table: str, restricted: bool = False, edition: str = "public"
) -> list[dict[str, Any]]:
    with warehouse.opened(release, restricted, edition) as connection:
        return warehouse.named_rows(connection.execute(f"SELECT * FROM {table} ORDER BY ALL"))


def resting_on(known: Registry, *sources: str) -> set[str]:
    return {key for key, one in known.indicators.items() if reach.counted_from(one) & {*sources}}


MART = [one.full_name for one in tables.TABLES if one.schema == "mart"]


def test_each_edition_has_every_row_and_the_public_none_of_the_figures(
    guarded: Path, known: Registry
) -> None:
    off = {
        "public": resting_on(known, *SOURCES, "emerging_issue", "perpetrator_programme"),
        "partners": resting_on(known, HOSPITAL, "peer_crime"),
    }
    assert len(off["public"]) > 20 and off["partners"] < off["public"]
    for table in (one.full_name for one in tables.TABLES):
        asked = f"(SELECT count(*) AS n FROM {table})"
        whole = all_rows(guarded, asked, restricted=True)
        assert [all_rows(guarded, asked, edition=one) for one in EDITIONS] == [whole] * 2, table
    for edition in EDITIONS:
        values = all_rows(guarded, "mart.indicator_value", edition=edition)
        shown = {one["indicator"] for one in values if one["value"] is not None}
        assert shown and shown & off[edition] == set()
    shown = {
        one["indicator"] for one in all_rows(guarded, MART[0], edition="partners") if one["value"]
    }
    assert resting_on(known, POLICE) & shown and resting_on(known, TREATMENT) & shown
    reasons = {one["suppressed_reason"] for one in all_rows(guarded, MART[0])}
    title = {name: known.sources[name].title for name in SOURCES}
    assert f"for partners only: {title[POLICE]}" in reasons
    assert f"for analysts only: {title[HOSPITAL]}" in reasons
    assert f"under embargo until 1 December 2015: {title[TREATMENT]}" in reasons


def frame(release: Path, table: str, restricted: bool = False) -> pd.DataFrame:
    with warehouse.opened(release, restricted) as connection:
        return connection.execute(f"FROM {table}").df()


def figures_in(rows: pd.DataFrame) -> set[float]:
    """Numbers of so many digits that they are nobody else's."""
    cells = rows.select_dtypes("float").to_numpy().ravel()
    return set(cells[(cells.round(6) != cells) & ~np.isnan(cells)].tolist())


def test_no_figure_and_no_sentence_of_them_is_anywhere_under_public(
    guarded: Path, known: Registry
) -> None:
    """By value: figures with so many digits that they are nobody else's, in any column of any
    table. By sentence: of those that state a figure none, in any table or any other file."""
    off = resting_on(known, *SOURCES)
    secret, told, sentences = set[float](), set[float](), set[str]()
    for table in MART:
        rows = frame(guarded, table, restricted=True)
        mine = rows["indicator"].isin(off)
        secret |= figures_in(rows[mine])
        told |= figures_in(rows[~mine])
        if "sentence" in rows and "value" in rows:
            sentences |= set(rows[mine & rows["value"].notna()]["sentence"])
    secret -= told
    assert len(secret) > 5000 and len(sentences) > 1000
    for table in (one.full_name for one in tables.TABLES):
        rows = frame(guarded, table)
        assert figures_in(rows) & secret == set(), table
        for name in rows.select_dtypes(["object", "string"]):
            assert set(rows[name].dropna().astype(str)) & sentences == set(), (table, name)
    ours = [one for one in sentences if ", Southampton, 2014/15: " in one]
    for file in (guarded / "public").rglob("*.*"):
        text = file.read_bytes()
        assert not [one for one in ours if one.encode() in text], file.name


def test_a_claim_of_the_public_says_why_and_partners_have_its_figure(
    guarded: Path, known: Registry
) -> None:
    public, partners = (
        {one["claim"]: one for one in all_rows(guarded, "mart.claim", edition=edition)}
        for edition in ("public", "partners")
    )
    gone = {key for key, one in public.items() if one["computed"] != partners[key]["computed"]}
    assert gone == {"C05", "C06", "C27", "C28", "C29", "C32", "C33"}
    police = f"for partners only: {known.sources[POLICE].title}"
    assert {public[key]["reason"] for key in gone - {"C05", "C06"}} == {police}
    assert public["C05"]["reason"].startswith("under embargo until 1 December 2015: ")
    assert round(partners["C33"]["computed"]) == 22
    assert [public[key]["verdict"] for key in public] == [
        partners[key]["verdict"] for key in public
    ]


def test_with_what_is_packaged_no_claim_loses_its_figure_to_its_audience(
    whole_sample: Path,
) -> None:
    release = whole_sample / "warehouse" / "current"
    public, partners = (
        all_rows(release, "mart.claim", edition=edition) for edition in ("public", "partners")
    )
    assert public == partners and sum(one["computed"] is not None for one in public) > 35


def marked(edition: Edition) -> None:
    rows = edition.rows("SELECT count(*) AS n FROM mart.indicator_value")
    (edition.folder / "made").mkdir()
    words = f"{edition.audience}|{edition.marking}|{edition.facts['edition']}|{rows[0]['n'] > 0}"
    (edition.folder / "made" / "of.txt").write_text(words, encoding="utf-8")


def test_products_are_made_of_both_editions_and_marked_and_kept_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "PRODUCTS", dict.fromkeys(EDITIONS, (marked,)))
    write_small(tmp_path / "raw")
    refresh(deployment(tmp_path, ""))
    house = Warehouse(tmp_path / "warehouse")
    current = house.current()
    assert current
    private = current / "restricted" / "partners"
    made = private / "made" / "of.txt"
    assert (current / "public" / "made" / "of.txt").read_text() == "public||public|True"
    assert made.read_text() == "partners|OFFICIAL-SENSITIVE|partners|True"
    if sys.platform != "win32":
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (private, made.parent, made)]
        assert modes == [0o700, 0o700, 0o600]


def test_an_embargo_that_passes_makes_a_new_release_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path / "raw")
    chosen = deployment(tmp_path, "[embargo]\nstreet_crime = 2015-12-01\n")
    day = [DAY]
    monkeypatch.setattr(Refresh, "_judged_on", property(lambda _: day[0]))
    monkeypatch.setattr(Refresh, "_days_passed", False)  # of arrivals

    def shown() -> int:
        current = Warehouse(chosen.warehouse).current()
        assert current
        rows = all_rows(current, "mart.indicator_value")
        return sum(one["value"] is not None for one in rows)

    assert refresh(chosen).facts["published"] and shown() == 0
    assert not refresh(chosen).facts["published"]
    day[0] = TOMORROW
    assert refresh(chosen).facts["published"] and shown() > 0
    assert not refresh(chosen).facts["published"]
