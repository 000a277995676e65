"""Upper-tier areas that stand in for peers which some tables do not know.

Belongs here: reading `stand_ins.csv`, and refusing a row that could lie dormant. Does not belong
here: when a stand-in is used (`compare`: for indicators that allow it, and only in the place of a
peer without any figure of its own), and the peers themselves (`areas`).

One stand-in a row: group and version of the peer group, the peer, who stands in, and the reason.
Youth and health tables are of upper-tier authorities, and some peers are districts: the county
then is what comes nearest, and a reader must be told, since it is another place.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.model import Refused
from safecity_pipeline.registry.areas import Areas, PeerGroup

PACKAGED = Path(__file__).parent / "stand_ins.csv"
COLUMNS = ["group", "version", "peer_code", "stand_in_code", "reason"]


@dataclass(frozen=True)
class StandIn:
    """Who takes the place of a peer: codes and names of both, and why."""

    peer_code: str
    peer_name: str
    code: str
    name: str
    reason: str


@dataclass(frozen=True)
class StandIns:
    """Every declared stand-in, by group and version."""

    by_group: Mapping[tuple[str, str], Mapping[str, StandIn]]

    def of(self, group: PeerGroup) -> Mapping[str, StandIn]:
        """Who may stand in for whom in one version of a group, by the peer's code."""
        return self.by_group.get((group.group, group.version), {})

    def code(self, group: str, version: str, peer_code: str) -> str | None:
        """Who may stand in for one peer, or None where nobody is declared."""
        found = self.by_group.get((group, version), {}).get(peer_code)
        return found.code if found else None


def load(areas: Areas, file: Path = PACKAGED) -> StandIns:
    """Every row of `stand_ins.csv`.

    Raises Refused, naming file and row, for other columns, an unknown area, a peer that the group
    does not have in that version, a peer named twice, and a row without a reason.
    """
    peers = {
        (str(row["group"]), str(row["version"]), row["peer_code"]) for row in areas.peer_rows()
    }
    found: dict[tuple[str, str], dict[str, StandIn]] = {}
    for row, place in _rows(file):
        group = (row["group"], row["version"])
        if (*group, row["peer_code"]) not in peers:
            rule = "peers.csv has no such peer in this group and version"
            raise Refused(rule, place, row["peer_code"], "write the row as in peers.csv")
        one = _stand_in(areas, row, place)
        if found.setdefault(group, {}).setdefault(one.peer_code, one) is not one:
            rule = "one area stands in for a peer"
            raise Refused(rule, place, one.peer_code, "drop one of the two rows")
    return StandIns(found)


def _stand_in(areas: Areas, row: Mapping[str, str], place: str) -> StandIn:
    peer, code = row["peer_code"], row["stand_in_code"]
    if peer == code:
        raise Refused("an area does not stand in for itself", place, code, "drop the row")
    if not row["reason"]:
        raise Refused("a stand-in needs a reason", place, "", "say why it takes the peer's place")
    return StandIn(peer, _name(areas, peer, place), code, _name(areas, code, place), row["reason"])


def _name(areas: Areas, code: str, place: str) -> str:
    area = next((area for area in areas.areas if area.code == code), None)
    if area is None:
        raise Refused("not the code of an area", place, code, "take it from areas.csv")
    return area.name


def _rows(file: Path) -> Iterator[tuple[dict[str, str], str]]:
    if not file.is_file():
        raise Refused("no such file", file.name, repair=f"write one with the head {COLUMNS}")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.reader(lines, strict=True)
        head = next(table, [])
        if head != COLUMNS:
            raise Refused("other columns than expected", file.name, head, f"write {COLUMNS}")
        for number, cells in enumerate(table, start=2):
            place = f"{file.name}, row {number}"
            if len(cells) != len(COLUMNS):
                repair = "put a text that holds commas in quotes"
                raise Refused(f"a row must have {len(COLUMNS)} cells", place, len(cells), repair)
            yield dict(zip(COLUMNS, map(str.strip, cells), strict=True)), place
