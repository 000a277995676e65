"""What waivers do: a failing check stays failed and stops nothing, a broken comparison stays broken
and says who accepts it, until the waiver's last day.

    active      something is waived, and the day has not passed
    exceeded    a check fails for more rows than were accepted: it counts as if nobody had asked
    expired     something would be waived, but the day has passed: the same
    unmatched   nothing is waived any more; the build fails until the entry is deleted

Belongs here: what a waiver matches, its status on a day, the two checks on waivers, the rows of
meta.waiver. Does not belong here: reading the entries (`registry.waivers`). Pure.

Some checks cannot be waived. A ledger that does not add up, and made-up rows among real ones, are
wrong numbers, whoever accepts them; a file that is gone since the last release is told once and
never again; a correction that holds no more is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from safecity_pipeline import arrivals, bookkeeping, claims, estimates, period, typed
from safecity_pipeline.ingest import intake
from safecity_pipeline.model import Check, CheckSpec, Refused, Row, Source
from safecity_pipeline.registry import Registry, entries
from safecity_pipeline.registry.waivers import Waiver
from safecity_pipeline.watch import told as watch

ABOUT = "waivers"
CHECKS = (
    CheckSpec("waivers_match", "every waiver accepts something that fails or is broken", "ERROR"),
    CheckSpec("waivers_current", "no waiver has expired, or is exceeded"),
)
BROKEN = "definition_changed"  # status of a finding
NEVER = frozenset({"ledger_adds_up", "synthetic_apart", "files_still_there", "corrections_hold"})
OTHERS: Mapping[str, Sequence[CheckSpec]] = {
    "raw": bookkeeping.SURVEY_CHECKS,
    claims.ABOUT: (claims.CHECK,),
    estimates.ABOUT: (estimates.CHECK,),
    typed.ABOUT: (typed.CHECK,),
}
"""Checks that are not of one source, by what they speak of."""


def proven(known: Registry, today: date | None = None) -> Registry:
    """The registry, once every check that a waiver names is one there is. `today`: else it is.

    Raises Refused naming file, entry and the nearest name.
    """
    for waiver in known.waivers:
        if waiver.check_name is not None:
            _check_known(known, waiver)
        if waiver.accepted_on > (today or datetime.now(UTC).date()):
            got = waiver.accepted_on.isoformat()
            raise Refused("accepted on a day that has not come", waiver.place, got)
    return known


def _check_known(known: Registry, waiver: Waiver) -> None:
    entries.one_of(waiver.place, "source", waiver.source, [*OTHERS, *known.sources])
    about = str(waiver.source)
    names = [one.name for one in OTHERS.get(about) or _of_source(known.sources[about])]
    entries.one_of(waiver.place, f"check of {about}", waiver.check_name, names)
    if waiver.check_name in NEVER:
        rule = "nobody can accept that this check fails"
        raise Refused(rule, waiver.place, waiver.check_name, "delete the entry")


def _of_source(source: Source) -> Sequence[CheckSpec]:
    watched = [watch.CHECK] * bool(source.classified)
    return [*intake.check_specs(source), arrivals.CHECK, *watched]


@dataclass(frozen=True)
class Waivers:
    """The declared waivers, judged as of a day."""

    declared: tuple[Waiver, ...]
    day: date

    def holds(self, waiver: Waiver) -> bool:
        """Whether its last day has not passed."""
        return self.day <= waiver.until

    @property
    def in_force(self) -> tuple[Waiver, ...]:
        return tuple(filter(self.holds, self.declared))

    def on(self, check: Check) -> Check:
        """The check, and who accepts that it fails, or whose acceptance has ended. The verdict
        stays what it is."""
        found = [one for one in self.declared if _of_check(one, check)]
        held = [one for one in found if self._accepts(one, check)]
        words = [f"{_who(one)}: {one.reason}" for one in held]
        words += [] if held else [self._why_not(one) for one in found]
        by = _together(held)
        return replace(check, waived_by=by, message="; ".join([check.message, *words]))

    def of_indicators(self) -> dict[str, list[Waiver]]:
        """The waivers in force of comparisons, by indicator."""
        keys = dict.fromkeys(one.indicator for one in self.in_force if one.indicator)
        return {key: [one for one in self.in_force if one.indicator == key] for key in keys}

    def of_finding(self, finding: Row) -> str | None:
        """The waivers in force that accept a comparison, parted by blanks."""
        return _together(
            [one for one in self.declared if _of_finding(one, finding) and self.holds(one)]
        )

    def rows(self, checks: Iterable[Check], findings: Sequence[Row]) -> list[Row]:
        """Rows of meta.waiver. `checks`: all of the refresh; `findings`: those that are broken."""
        made = list(checks)
        return [self._row(one, made, findings) for one in self.declared]

    def _accepts(self, waiver: Waiver, check: Check) -> bool:
        return self.holds(waiver) and not _exceeds(check, waiver)

    def _why_not(self, waiver: Waiver) -> str:
        if not self.holds(waiver):
            return f"the waiver {waiver.waiver} expired on {_day(waiver.until)}"
        return f"the waiver {waiver.waiver} accepts {waiver.at_most:,} and no more"

    def _row(self, one: Waiver, checks: Iterable[Check], findings: Iterable[Row]) -> Row:
        failing = [each for each in checks if _of_check(one, each)]
        found = len(failing) + sum(_of_finding(one, each) for each in findings)
        status = "active" if self.holds(one) else "expired"
        if self.holds(one) and any(_exceeds(each, one) for each in failing):
            status = "exceeded"
        status = status if found else "unmatched"
        return {**vars(one), "status": status, "matches": found, "as_of": self.day}


def _of_check(waiver: Waiver, check: Check) -> bool:
    return (
        not check.passed
        and (waiver.source, waiver.check_name) == (check.source, check.check_name)
        and waiver.period in (None, check.period)
    )


def _exceeds(check: Check, waiver: Waiver) -> bool:
    return waiver.at_most is not None and check.failed_rows > waiver.at_most


def _of_finding(waiver: Waiver, finding: Row) -> bool:
    named = {key: finding[key] for key in ("comparison", "period", "base_period")}
    return (
        waiver.indicator == finding["indicator"]
        and finding["status"] == BROKEN
        and all(getattr(waiver, key) in (None, value) for key, value in named.items())
        and (waiver.change_id is None or waiver.change_id in (finding["broken_by"] or "").split())
    )


def judged(row: Row, day: date) -> str:
    """The status of a row of meta.waiver on another day."""
    if row["status"] == "unmatched":
        return "unmatched"
    if day > row["until"]:
        return "expired"
    return "exceeded" if row["status"] == "exceeded" else "active"


def checks(rows: Sequence[Row]) -> list[Check]:
    """The checks on waivers; in the order of CHECKS."""
    lost = [str(row["place"]) for row in rows if row["status"] == "unmatched"]
    over = [f"{row['place']} on {_day(row['until'])}" for row in rows if row["status"] == "expired"]
    more = [str(row["place"]) for row in rows if row["status"] == "exceeded"]
    ended = [f"waivers that expired: {', '.join(over)}"] * bool(over)
    ended += [f"waivers of which more fails than they accept: {', '.join(more)}"] * bool(more)
    words = "; ".join([*ended, "mend what fails, or have it accepted anew"])
    gone = f"waivers that match nothing any more: {', '.join(lost)}; delete the entry"
    return [_check(CHECKS[0], gone, len(lost)), _check(CHECKS[1], words, len(over) + len(more))]


def _check(spec: CheckSpec, words: str, found: int) -> Check:
    said = words if found else spec.words
    return Check(ABOUT, spec.name, not found, said, spec.severity, failed_rows=found)


def told(rows: Sequence[Row], day: date) -> list[str]:
    """A line a waiver, for people."""
    return [
        f"{row['waiver']}: {judged(row, day)}, until {_day(row['until'])}, "
        f"{row['role']}: {row['reason']} ({_what(row)})"
        for row in rows
    ]


def _what(row: Row) -> str:
    asked = ("check_name", "source", "indicator", "comparison", "period", "base_period")
    return ", ".join(str(row[name]) for name in (*asked, "change_id") if row[name])


def _who(one: Waiver) -> str:
    return f"accepted until {_day(one.until)} by {one.role} (waiver {one.waiver})"


def _together(found: Iterable[Waiver]) -> str | None:
    return " ".join(one.waiver for one in found) or None


def _day(day: date) -> str:
    return period.describe_coverage(day, day)
