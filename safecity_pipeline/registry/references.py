"""Reference series: what a recorded series is held against to tell a change of recording from one
of crime.

Belongs here: reading `references.csv`, and refusing a reference that is none. Does not belong
here: what the figures say of the two (`estimates`, `detection`), and the changes (`changes`).

One pair a row. `indicator` is the recorded one, `reference` what a change of recording does not
touch; both are counts by month, or where there are no months by year, of the peers too; a series
may have several references. `strength`: `strong`;
`weak` for one that follows the series from afar or by way of recording itself (calls without an
opening code), of which no share due to recording is printed; `none` takes a packaged pair out.
`peers`: an indicator of the same series that peers have by year, to tell a national change from a
local one; blank where there is none. `why`: what makes it a reference.

A deployment's own references.csv, beside its safecity.toml, goes before the packaged one, pair by
pair.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safecity_pipeline.model import Indicator, Refused
from safecity_pipeline.registry.changes import Changes

__all__ = ["FILE", "STRONG", "WEAK", "Judged", "Reference", "load"]

FILE = Path(__file__).parent / "references.csv"
COLUMNS = ["indicator", "reference", "strength", "peers", "why"]
STRONG, WEAK, NONE = "strong", "weak", "none"
STRENGTHS = (STRONG, WEAK, NONE)


@dataclass(frozen=True)
class Reference:
    """One reference of a recorded indicator: its key, how far it is one, and why."""

    reference: str
    strength: str
    why: str


@dataclass(frozen=True)
class Judged:
    """A recorded indicator, its references in the order declared, and the peers' by year."""

    indicator: str
    references: tuple[Reference, ...]
    peers: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every indicator whose values it rests on."""
        return (
            self.indicator,
            *(one.reference for one in self.references),
            *filter(None, [self.peers]),
        )


@dataclass(frozen=True)
class _Row:
    indicator: str
    reference: Reference
    peers: str | None
    place: str


def load(
    indicators: Mapping[str, Indicator],
    changes: Changes,
    own: Path | None = None,
    file: Path = FILE,
) -> tuple[Judged, ...]:
    """Every recorded indicator with its references, in the order of the file.

    `own`: a deployment's folder. Raises Refused, naming file and row, for other columns, a pair
    named twice, an indicator that is not known or no count, a reference that a material
    change of the series itself reaches, and peers of another series.
    """
    rows = _rows(file)
    if own and (own / FILE.name).is_file():
        rows |= _rows(own / FILE.name)
    kept = [row for row in rows.values() if row.reference.strength != NONE]
    for row in rows.values():
        _check_counts(row, indicators)
        _check_untouched(row, indicators, changes)
        _check_peers(row, indicators)
    return tuple(
        _judged(key, [row for row in kept if row.indicator == key])
        for key in dict.fromkeys(row.indicator for row in kept)
    )


def _judged(key: str, rows: list[_Row]) -> Judged:
    peers = dict.fromkeys(row.peers for row in rows)
    if len(peers) > 1:
        raise Refused(
            "one indicator has its peers by one other",
            rows[-1].place,
            ", ".join(str(one or "") for one in peers),
            f"write the same in every row of {key}",
        )
    return Judged(key, tuple(row.reference for row in rows), next(iter(peers)))


# --- what a pair must be -------------------------------------------------------------------------


def _check_counts(row: _Row, indicators: Mapping[str, Indicator]) -> None:
    for key in (row.indicator, row.reference.reference):
        if _known(indicators, key, row.place).kind != "count":
            raise Refused(
                "what is held against a reference, and the reference, are counts",
                row.place,
                key,
                "name an indicator of kind count, by months or, where there are none, by years",
            )
    if row.indicator == row.reference.reference:
        rule = "a series is no reference of itself"
        raise Refused(rule, row.place, row.indicator, "name another one, or drop the row")


def _check_untouched(row: _Row, indicators: Mapping[str, Indicator], changes: Changes) -> None:
    recorded, reference = indicators[row.indicator], indicators[row.reference.reference]
    both = [
        change.id
        for change in changes.changes
        if change.materiality == "material"
        and all(
            changes.reaches(change, one.series, {one.main.source}) for one in (recorded, reference)
        )
    ]
    if both:
        raise Refused(
            "a reference must not be touched by what changes the series itself",
            row.place,
            f"{row.reference.reference}, which {', '.join(both)} reaches as well",
            "name a series of another kind, such as calls for service by opening code",
        )


def _check_peers(row: _Row, indicators: Mapping[str, Indicator]) -> None:
    if row.peers is None:
        return
    peers = _known(indicators, row.peers, row.place)
    series = indicators[row.indicator].series
    if peers.series != series or peers.numerator is None or peers.peer_group is None:
        raise Refused(
            "peers are those of an indicator of the same series that counts and has a peer group",
            row.place,
            row.peers,
            f"name one of series {series}, or leave it blank",
        )


def _known(indicators: Mapping[str, Indicator], key: str, place: str) -> Indicator:
    if key not in indicators:
        near = difflib.get_close_matches(key, indicators, n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise Refused("unknown indicator", place, key, f"{meant}safecity explain lists them")
    return indicators[key]


# --- reading -------------------------------------------------------------------------------------


def _rows(file: Path) -> dict[tuple[str, str], _Row]:
    found: dict[tuple[str, str], _Row] = {}
    for cells, place in _lines(file):
        row = _row(dict(zip(COLUMNS, map(str.strip, cells), strict=True)), place)
        key = (row.indicator, row.reference.reference)
        if key in found:
            raise Refused("a pair is declared once", place, ", ".join(key), "drop the second")
        found[key] = row
    return found


def _row(cells: Mapping[str, str], place: str) -> _Row:
    strength = cells["strength"]
    if strength not in STRENGTHS:
        repair = f"write one of {', '.join(STRENGTHS)}"
        raise Refused("unknown strength of a reference", place, strength, repair)
    if not cells["why"]:
        raise Refused("a reference needs a reason", place, "", "say in why what makes it one")
    reference = Reference(cells["reference"], strength, cells["why"])
    return _Row(cells["indicator"], reference, cells["peers"] or None, place)


def _lines(file: Path) -> Iterator[tuple[list[str], str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        table: Iterable[list[str]] = csv.reader(lines, strict=True)
        head, *rows = [*table] or [[]]
    if head != COLUMNS:
        raise Refused("other columns than expected", file.name, head, f"write {COLUMNS}")
    for number, cells in enumerate(rows, start=2):
        place = f"{file.name}, row {number}"
        if len(cells) != len(COLUMNS):
            rule = f"a row must have {len(COLUMNS)} cells"
            raise Refused(rule, place, len(cells), "put a text that holds commas in quotes")
        yield cells, place
