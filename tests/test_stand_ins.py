"""Stand-ins are declared strictly, and those that are packaged are what the assessment needs.

Here: the loader. Not here: when a stand-in is used (`test_compare`).
"""

from pathlib import Path

import pytest

from safecity_pipeline.model import Refused
from safecity_pipeline.registry import Registry, stand_ins
from safecity_pipeline.registry.areas import PeerGroup

HEAD = "group,version,peer_code,stand_in_code,reason\n"
ROW = "crime_most_similar,2015,E07000061,E10000011,a district\n"
GROUP = PeerGroup("crime_most_similar", "2015", "E06000045", ())


def loaded(folder: Path, known: Registry, text: str) -> stand_ins.StandIns:
    file = folder / "stand_ins.csv"
    file.write_text(text, encoding="utf-8")
    return stand_ins.load(known.areas, file)


def test_counties_stand_in_for_the_three_districts_and_nobody_for_cardiff(known: Registry) -> None:
    found = stand_ins.load(known.areas).of(GROUP)
    assert {one.peer_name: (one.code, one.name) for one in found.values()} == {
        "Eastbourne": ("E10000011", "East Sussex"),
        "Watford": ("E10000015", "Hertfordshire"),
        "Northampton": ("E10000021", "Northamptonshire"),
    }
    assert all(one.reason for one in found.values())


def test_another_version_of_the_group_has_none(tmp_path: Path, known: Registry) -> None:
    found = loaded(tmp_path, known, HEAD + ROW)
    assert list(found.of(GROUP)) == ["E07000061"]
    assert found.of(PeerGroup("crime_most_similar", "2020", "E06000045", ())) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("peer_code", "peer", "other columns than expected"),
        ("E10000011", "E10999999", r"row 2: not the code of an area; got: 'E10999999'"),
        ("E07000061", "E07000091", r"row 2: peers.csv has no such peer.*got: 'E07000091'"),
        (",2015,", ",2016,", r"row 2: peers.csv has no such peer"),
        ("E10000011", "E07000061", r"row 2: an area does not stand in for itself"),
        (",a district", ",", r"row 2: a stand-in needs a reason"),
        (",a district", "", r"row 2: a row must have 5 cells; got: 4"),
        (ROW, ROW + ROW, r"row 3: one area stands in for a peer; got: 'E07000061'"),
    ],
)
def test_a_slip_is_refused(tmp_path: Path, known: Registry, old: str, new: str, words: str) -> None:
    assert old in HEAD + ROW
    with pytest.raises(Refused, match=r"stand_ins\.csv.*" + words):
        loaded(tmp_path, known, (HEAD + ROW).replace(old, new, 1))


def test_a_missing_file_is_refused(tmp_path: Path, known: Registry) -> None:
    with pytest.raises(Refused, match=r"stand_ins\.csv: no such file"):
        stand_ins.load(known.areas, tmp_path / "stand_ins.csv")
