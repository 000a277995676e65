"""Gaps in knowledge, in sentences, from drawn tables of a release.

Here: each kind of gap, its order, and what is never told of a guarded source. Not here: how an
arrival, a claim or a waiver is judged (`test_arrivals`, `test_claims`, `test_waivers`).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from small_edition import YEAR, edition, hidden, value

from safecity_pipeline import period, tables
from safecity_pipeline.publish import gaps
from safecity_pipeline.publish.gaps import Gap
from safecity_pipeline.registry import Registry
from safecity_pipeline.tables import Table

OPEN = {"source": "street_crime", "title": "Street-level crime", "disclosure": "none"}
GUARDED = {"source": "marac", "title": "MARAC cases", "disclosure": "under_5"}
PARTNERS = {"source": "police_incident", "title": "Incidents", "disclosure": "none"}
SOURCES = [
    {**OPEN, "audience": "public"},
    {**GUARDED, "audience": "public"},
    {**PARTNERS, "audience": "partners"},
]
Rows = Sequence[Mapping[str, Any]]


def found(
    known: Registry, rows: Mapping[Table, Rows], audience: str = "public", *only: str
) -> list[Gap]:
    """The gaps of these kinds."""
    with edition(known, {tables.SOURCE: SOURCES, **rows}, audience) as drawn:
        return [one for one in gaps.of(drawn) if one.kind in only]


def said(known: Registry, rows: Mapping[Table, Rows], *only: str) -> list[str]:
    return [one.sentence for one in found(known, rows, "public", *only)]


def arrival(source: str, label: str | None, status: str, **more: Any) -> dict[str, Any]:
    one = period.parse(label) if label else None
    span = {"period_start": one.start, "period_end": one.end} if one else {}
    return {"source": source, "period": label, "status": status, **span, **more}


def test_what_did_not_come_came_late_or_is_not_due(known: Registry) -> None:
    rows = [
        arrival("street_crime", "2014M05", "missing", note="4 of 43 areas"),
        arrival("street_crime", "2014M07", "missing"),
        arrival("street_crime", "2014M09", "arrived_late", days_late=181),
        arrival("street_crime", "2012M09", "arrived_late", days_late=999),  # years ago
        arrival("marac", "2015Q1", "overdue"),
        arrival("police_incident", "2015M06", "due", due_on=date(2015, 8, 30)),
        arrival("population", None, "never_arrived"),
    ]
    gaps_found = found(known, {tables.ARRIVAL: rows}, "public", "not_here", "late", "not_due")
    assert [(one.kind, one.sentence, one.source) for one in gaps_found] == [
        ("not_here", "MARAC cases: January to March 2015 is overdue.", "meta.arrival: marac"),
        (
            "not_here",
            "Street-level crime: May 2014 and July 2014 lie between periods that came, and did not "
            "come (4 of 43 areas).",
            "meta.arrival: street_crime",
        ),
        (
            "not_here",
            "Nothing of these sources ever came: population.",
            "meta.arrival: population",
        ),
        (
            "late",
            "Street-level crime: September 2014 came 181 days after it was due.",
            "meta.arrival: street_crime",
        ),
        (
            "not_due",
            "Incidents: June 2015 not here yet, the first due on 30 August 2015.",
            "meta.arrival: police_incident",
        ),
    ]


def extract(source: str, valid: int | None, refused: int | None) -> dict[str, Any]:
    return {"source": source, "rows_valid": valid, "rows_quarantined": refused, "status": "read"}


def test_of_a_guarded_source_no_number_of_rows_is_told(known: Registry) -> None:
    ledger = [
        extract("street_crime", 150, 6),
        extract("street_crime", 44, 0),
        extract("marac", 77, 3),
        extract("police_incident", 180, 20),
    ]
    check = {"severity": "WARN", "passed": False, "check_name": "a_rule"}
    checks = [
        {**check, "source": "marac", "message": "3 rows in quarantine, for: a rule"},
        {**check, "source": "street_crime", "message": "6 rows in quarantine, for: a rule"},
        {**check, "source": "street_crime", "check_name": "arrivals", "message": "a gap: May"},
        {**check, "source": "street_crime", "message": "accepted", "waived_by": "w"},
    ]
    rows: dict[Table, Rows] = {tables.EXTRACT: ledger, tables.CHECK_RESULT: checks}
    # 6 of 150 + 44 + 6 = 200 rows
    assert said(known, rows, "refused", "checks") == [
        "Street-level crime: 6 of 200 rows (3.0%) were refused and stand in no figure.",
        "Of 2 sources that tell of few people, or are not for all to see, it is not told how many "
        "rows were refused.",
        "MARAC cases: a check finds something to look at: a_rule.",
        "Street-level crime: a gap: May.",
    ]
    partners = found(known, rows, "partners", "refused")
    assert partners[0].sentence.startswith("Incidents: 20 of 200 rows (10.0%) were refused")


def test_a_file_whose_rows_are_not_shown_leaves_its_source_out(known: Registry) -> None:
    ledger = [extract("street_crime", 150, 6), extract("street_crime", None, None)]
    assert said(known, {tables.EXTRACT: ledger}, "refused") == [
        "Of 1 source that tell of few people, or are not for all to see, it is not told how many "
        "rows were refused."
    ]


def test_figures_that_are_not_there_are_not_shown_or_have_no_range(known: Registry) -> None:
    values = [
        value("violence_count", YEAR, 6928.0, lower_95=6766.0, upper_95=7093.0),
        hidden("violence_count", YEAR, "hour_of_week/2 Tue 06:00"),
        hidden("violence_count", "2014M04"),
        hidden("hate_crime_count", YEAR),
        value("burglary_rate", YEAR, None, suppressed_reason="missing_denominator"),
        value("custody_rate", YEAR, 0.4),
        value("safe_at_night", "2015CY", 52.0, lower_95=49.0, upper_95=55.0),  # of the year in part
        value("youth_reoffending", "2012-13", 30.0, lower_95=25.0, upper_95=35.0),
    ]
    rows: dict[Table, Rows] = {tables.INDICATOR_VALUE: values}
    found_there = said(known, rows, "withheld", "not_available", "no_range")
    assert found_there == [
        "Not shown, so that no small number can be worked out: 3 figures of the year, of Crimes "
        "flagged as hate crime (1) and Violence against the person (2).",
        "The figure that it is divided by is missing: 1 figure of the year, of Burglary per 1,000 "
        "residents (1).",
        "Of these nobody can say how far chance reaches, since their counts are not published or "
        "chance did not choose who is in them: Custodial sentences of young people per 1,000 aged "
        "10 to 17.",
    ]
    lacking = found(known, rows, "public", "no_figure")
    listed = {one.sentence.rpartition(": ")[2]: one.source for one in lacking}
    assert listed["the newest figure is of 2012/13."] == "mart.indicator_value: youth_reoffending"
    none = listed["there is none of Southampton itself."].split(", ")
    assert (
        "safe_at_night" not in none and "violence_count" not in none and "marac_case_rate" in none
    )


def test_sentences_that_cannot_be_computed_and_what_is_accepted(known: Registry) -> None:
    claim = {"verdict": "not_computable", "reason": "A target and no figure"}
    claims = [
        {**claim, "claim": "C40"},
        {**claim, "claim": "C39"},
        {**claim, "claim": "C18", "reason": "Needs arrests of all forces"},
        {**claim, "claim": "C01", "verdict": "reproduced"},
    ]
    accepted = {
        "waiver": "late_count",
        "status": "active",
        "check_name": "arrivals",
        "source": "street_crime",
        "role": "Head of community safety",
        "reason": "the force migrates its system",
        "until": date(2016, 3, 31),
    }
    rows: dict[Table, Rows] = {
        tables.CLAIM: claims,
        tables.WAIVER: [accepted, {**accepted, "waiver": "old", "status": "expired"}],
    }
    assert said(known, rows, "not_computable", "accepted") == [
        "A sentence of the published assessment cannot be computed: Needs arrests of all forces.",
        "2 sentences of the published assessment cannot be computed: A target and no figure.",
        "Street-level crime: the check arrivals is accepted by Head of community safety until 31 "
        "March 2016: the force migrates its system.",
    ]


def test_kinds_come_in_order_and_everything_is_escaped(known: Registry) -> None:
    rows: dict[Table, Rows] = {
        tables.ARRIVAL: [arrival("street_crime", "2014M05", "missing", note="<b>")],
        tables.CLAIM: [{"claim": "C1", "verdict": "not_computable", "reason": "1 < 2"}],
    }
    with edition(known, {tables.SOURCE: SOURCES, **rows}) as drawn:
        made = gaps.of(drawn)
    order = list(gaps.TITLES)
    assert [one.kind for one in made] == sorted((one.kind for one in made), key=order.index)
    shown = gaps.fragment([one for one in made if one.kind in ("not_here", "not_computable")])
    assert "&lt;b&gt;" in shown and "1 &lt; 2" in shown and "<b>" not in shown
