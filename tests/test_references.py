"""Reference series: which are declared, and what is refused."""

from pathlib import Path

import pytest

from safecity_pipeline.model import Refused
from safecity_pipeline.registry import Registry, references
from safecity_pipeline.registry.references import Judged, Reference

HEAD = "indicator,reference,strength,peers,why\n"
ROW = "violence_count,calls_violence_count,strong,recorded_violence_rate,what callers report\n"
OTHER = "violence_count,ed_assaults_count,strong,,what is treated\n"


def declared(
    known: Registry, folder: Path, rows: str, own: Path | None = None
) -> tuple[Judged, ...]:
    file = folder / "references.csv"
    file.write_text(rows if rows.startswith("indicator,reference,st") else HEAD + rows)
    return references.load(known.indicators, known.changes, own, file)


def test_violence_is_held_against_calls_and_hospital_and_burglary_against_calls(
    known: Registry,
) -> None:
    held = {
        one.indicator: {each.reference: each.strength for each in one.references}
        for one in known.references
    }
    assert held["violence_count"] == {
        "calls_violence_count": "strong",
        "ed_assaults_count": "strong",
    }
    assert held["domestic_burglary_police_count"] == {"calls_burglary_count": "strong"}
    assert held["ed_assaults_count"] == {"calls_violence_count": "strong"}
    assert held["recorded_crime_count"] == {"calls_for_service_count": "weak"}


REFUSED = [
    ("violence_count", "violent_count", "unknown indicator; got: 'violent_count'; did you mean"),
    ("calls_violence_count", "calls_violnce_count", "did you mean calls_violence_count"),
    ("violence_count", "recorded_violence_rate", "are counts; got: 'recorded_violence_rate'"),
    ("calls_violence_count", "ed_assaults_night_share", "unknown indicator"),
    ("calls_violence_count", "asb_incidents_count", "must not be touched by.*D22, D23 reaches"),
    ("calls_violence_count", "recorded_crime_count", "must not be touched by.*D22, D23"),
    ("calls_violence_count", "violence_count", "no reference of itself; got: 'violence_count'"),
    ("strong", "stong", "unknown strength.*'stong'; write one of strong, weak, none"),
    ("what callers report", "", "a reference needs a reason"),
    ("recorded_violence_rate", "robbery_rate", "indicator of the same series.*'robbery_rate'"),
    ("recorded_violence_rate", "iquanta_violence_rate", "counts and has a peer group"),
    ("recorded_violence_rate", "recorded_violence", "did you mean recorded_violence_rate"),
    ("what callers report", "what callers, and others, report", "a row must have 5 cells; got: 7"),
    (ROW, ROW + ROW, "row 3.*a pair is declared once"),
    (ROW, ROW + OTHER, "one indicator has its peers by one other; got: 'recorded_violence_rate, '"),
    (ROW, HEAD.replace("strength", "strong"), "other columns than expected"),
]


@pytest.mark.parametrize(("old", "new", "words"), REFUSED)
def test_what_is_no_reference_is_refused(
    known: Registry, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in ROW
    with pytest.raises(Refused, match=words) as refusal:
        declared(known, tmp_path, ROW.replace(old, new, 1))
    assert str(refusal.value).startswith("references.csv")


def test_a_deployments_own_row_goes_before_the_packaged_one_and_may_take_it_out(
    known: Registry, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    hospital = ROW.replace("calls_violence_", "ed_assaults_")
    weaker = ROW.replace("strong", "weak").replace("what callers report", "by closing code")
    (own / "references.csv").write_text(HEAD + weaker + hospital.replace("strong", "none"))
    (found,) = declared(known, tmp_path, ROW + hospital, own)
    assert found.references == (Reference("calls_violence_count", "weak", "by closing code"),)
    assert found.keys == ("violence_count", "calls_violence_count", "recorded_violence_rate")
