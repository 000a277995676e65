"""The arrival board as text: a line a source, the worst first.

Belongs here: what `safecity status` prints. Does not belong here: which periods are expected, and
what came of each (`arrivals`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from safecity_pipeline import arrivals, period, waivers
from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import Warehouse, named_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Rows = list[dict[str, Any]]
WIDTH = 100
COLUMNS = "  {:<22} {:<14} {:<12} {}"
WAITING = ("due", "not_over")
NOT_TOLD = ("never_arrived", "outside")
SUMS = {"missing": "with a gap", "overdue": "overdue", "incomplete": "here in part"}
WORDS = {"missing": "missing", "overdue": "overdue", "incomplete": "in part"}


def of(settings: Settings, as_of: date | None = None) -> list[str]:
    """The board of the newest release, as of a day: the one given or set for its year, else today.
    Raises Refused where there is no release."""
    release, rows, accepted = _read(settings)
    chosen = settings.of_year(str(release["year"]), as_of).as_of
    day = chosen or datetime.now(UTC).date()
    board = lines([arrivals.judged(row, day) for row in rows], release, day)
    return [*board, *_waived(accepted, day)]


def _waived(rows: Sequence[arrivals.Rows], day: date) -> list[str]:
    return ["", "Waivers:", *(f"  {one}" for one in waivers.told(rows, day))] if rows else []


def _read(settings: Settings) -> tuple[dict[str, Any], Rows, Rows]:
    connection = Warehouse(settings.warehouse).read_release()
    try:
        (release,) = _records(connection, "SELECT * FROM meta.release")
        ordered = "SELECT * FROM meta.arrival ORDER BY source, period_start, period_end"
        return release, _records(connection, ordered), _accepted(connection)
    finally:
        connection.close()


def _accepted(connection: DuckDBPyConnection) -> Rows:
    """Rows of meta.waiver; none in a release of an older version."""
    known = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'waiver'"
    there = connection.execute(known).fetchall()
    return _records(connection, "SELECT * FROM meta.waiver ORDER BY waiver") if there else []


def _records(connection: DuckDBPyConnection, statement: str) -> list[dict[str, Any]]:
    found = connection.execute(statement)
    return named_rows(found)


def lines(rows: Sequence[arrivals.Rows], release: arrivals.Rows, as_of: date) -> list[str]:
    """The board. `rows`: of meta.arrival, judged as of the day; `release`: of meta.release."""
    names = sorted({str(row["source"]) for row in rows})
    known = [_Line([row for row in rows if row["source"] == name]) for name in names]
    told = sorted((one for one in known if one.periods), key=lambda one: one.order)
    made_up = ", made from synthetic extracts" * bool(release["synthetic"])
    return [
        f"Release {release['stamp']}{made_up}.",
        f"Arrivals for {period.parse(release['year']).printed} as of {_day(as_of)}.",
        _summed_up(told),
        "",
        COLUMNS.format("source", "here to", "next due", "state"),
        *(line for one in told for line in one.text()),
        *_listed("Never came, which may be as it should:", known, "never_arrived"),
        *_listed("Came, but nothing of these years:", known, "outside"),
        "",
        "Every period, with its due day, extracts and rows: meta.arrival of the release.",
    ]


def _summed_up(told: Sequence[_Line]) -> str:
    parts = [
        f"{sum(status in one.trouble for one in told)} {words}" for status, words in SUMS.items()
    ]
    fine = sum(not one.trouble for one in told)
    return f"Of {len(told)} sources {', '.join(parts)}, {fine} up to date."


def _listed(head: str, known: Sequence[_Line], status: str) -> list[str]:
    names = [one.source for one in known if one.rows[0]["status"] == status]
    if not names:
        return []
    return ["", *textwrap.wrap(f"{head} {', '.join(names)}", WIDTH, break_on_hyphens=False)]


@dataclass(frozen=True)
class _Line:
    """One source."""

    rows: Sequence[arrivals.Rows]

    @property
    def source(self) -> str:
        return str(self.rows[0]["source"])

    @property
    def periods(self) -> list[arrivals.Rows]:
        return [row for row in self.rows if row["status"] not in NOT_TOLD]

    @property
    def here(self) -> list[arrivals.Rows]:
        return [row for row in self.rows if row["delivered"] in ("whole", "part")]

    @property
    def trouble(self) -> dict[str, list[arrivals.Rows]]:
        """Periods to be asked for, by status, the worst first."""
        found = {status: [row for row in self.rows if row["status"] == status] for status in WORDS}
        return {status: rows for status, rows in found.items() if rows}

    @property
    def order(self) -> tuple[int, int, str]:
        """Gaps, then what is overdue, then the rest; the latest first."""
        worst = next((list(WORDS).index(status) for status in self.trouble), len(WORDS))
        late = [row["days_late"] or 0 for rows in self.trouble.values() for row in rows]
        return worst, -max(late, default=0), self.source

    def text(self) -> list[str]:
        newest = max(self.here, key=lambda row: row["period_end"], default=None)
        waits = [row["due_on"] for row in self.rows if row["status"] in WAITING and row["due_on"]]
        what = "; ".join(self._words())
        wide = WIDTH - len(COLUMNS.format("", "", "", ""))
        first, *more = textwrap.wrap(what, wide, break_on_hyphens=False)
        return [
            COLUMNS.format(
                self.source,
                newest["period"] if newest else "nothing",
                _day(min(waits)) if waits else "",
                first,
            ),
            *(COLUMNS.format("", "", "", line) for line in more),
        ]

    def _words(self) -> Iterator[str]:
        if not self.trouble:
            yield "up to date"
        here = self.here
        for status, rows in self.trouble.items():
            yield f"{WORDS[status]}: {_span(rows)}"
        if late := [row for row in self.rows if row["status"] == "arrived_late"]:
            days = max(row["days_late"] for row in late)
            yield f"{len(late)} of {len(here)} came late, by up to {days} days"


def _span(rows: Sequence[arrivals.Rows]) -> str:
    """2012-13; 2012-13 (8 of 12 months); 2014M12 … 2015M03 (4)."""
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        part = first["note"] if first["status"] == "incomplete" else None
        return f"{first['period']} ({part})" if part else str(first["period"])
    return f"{first['period']} … {last['period']} ({len(rows)})"


def _day(day: date) -> str:
    return f"{day.day} {period.MONTH_NAMES[day.month - 1][:3]} {day.year}"
