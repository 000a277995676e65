"""Gaps in knowledge: what did not come or came late, what was refused, what cannot be computed or
may not be shown, what has no likely range, and which checks fail or are accepted.

Belongs here: these as sentences, in order, each with the table that it rests on. Does not belong
here: judging anything (`arrivals`, `claims`, `waivers`). Of a source with a rule of disclosure no
number of rows is told, not even one that stands in the ledger.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from safecity_pipeline import period, phrases
from safecity_pipeline.model import Row
from safecity_pipeline.phrases import capital, ended
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.sentences import listed, rounded, written

TITLES = {
    "not_here": "What did not come",
    "late": "What came late",
    "not_due": "What is not due yet",
    "refused": "Rows that were refused",
    "no_figure": "Indicators without a figure of the year",
    "withheld": "Figures that are not shown",
    "not_available": "Figures that nobody gives",
    "not_computable": "Sentences that cannot be computed",
    "no_range": "Figures without a likely range",
    "accepted": "What fails and is accepted",
    "checks": "What checks found",
}
"""Kinds of gap and their headings, in order: what a reader can act upon comes first."""

ABSENT = {
    "missing": "lies between periods that came, and did not come",
    "overdue": "is overdue",
    "incomplete": "is here in part only",
}
NAMED = 6  # periods, or indicators, that one sentence names
QUARANTINED = "in quarantine"  # words of a check on rows: `refused` tells of them
SEEN = {"public": ("public",), "partners": ("public", "partners")}
"""Whose sources the readers of an edition may know by number."""
_ORDER = "ORDER BY ALL"


@dataclass(frozen=True)
class Gap:
    """One gap. `source`: table and key on which the sentence rests."""

    kind: str
    sentence: str
    source: str


def of(edition: Edition) -> list[Gap]:
    """Every gap of an edition, in the order of TITLES."""
    about = _About(edition)
    tellers: Mapping[str, Callable[[_About], Iterable[tuple[str, str]]]] = {
        "not_here": _not_here,
        "late": _late,
        "not_due": _not_due,
        "refused": _refused,
        "no_figure": _no_figure,
        "withheld": _withheld,
        "not_available": _not_available,
        "not_computable": _not_computable,
        "no_range": _no_range,
        "accepted": _accepted,
        "checks": _checks,
    }
    return [
        Gap(kind, ended(sentence), source)
        for kind in TITLES
        for sentence, source in tellers[kind](about)
    ]


def fragment(gaps: Sequence[Gap], level: int = 3) -> str:
    """The gaps as HTML: a heading and a list a kind."""
    return "\n".join(
        f"<h{level}>{html.escape(TITLES[kind])}</h{level}><ul>"
        + "".join(
            f"<li>{html.escape(one.sentence)} <small>({html.escape(one.source)})</small></li>"
            for one in found
        )
        + "</ul>"
        for kind, found in groupby(gaps, key=lambda one: one.kind)
    )


@dataclass(frozen=True)
class _About:
    edition: Edition

    def rows(self, statement: str, *values: object) -> list[Row]:
        return list(self.edition.rows(statement, values))

    @property
    def year(self) -> period.Period:
        return period.parse(str(self.edition.facts["year"]))

    @property
    def area(self) -> str:
        return str(self.edition.facts["area_code"])

    @cached_property
    def sources(self) -> dict[str, Row]:
        return {row["source"]: row for row in self.rows("SELECT * FROM meta.source")}

    def title(self, source: str) -> str:
        """What a source is called; a part of the pipeline by its own name."""
        return str(self.sources[source]["title"]) if source in self.sources else source

    def guarded(self, source: str) -> bool:
        """Whether no number of its rows is told: it counts few, or is not for those who read."""
        if source not in self.sources:
            return False
        row = self.sources[source]
        return row["disclosure"] != "none" or row["audience"] not in SEEN.get(
            self.edition.audience, ()
        )

    def indicator(self, key: str) -> str:
        known = self.edition.registry.indicators.get(key)
        return known.title if known else key

    @cached_property
    def arrivals(self) -> list[Row]:
        return self.rows(
            "SELECT * FROM meta.arrival ORDER BY source, period_start, period_end, period"
        )

    def by_source(self, *statuses: str) -> Iterator[tuple[str, list[Row]]]:
        found = [row for row in self.arrivals if row["status"] in statuses]
        for source, rows in groupby(found, key=lambda row: str(row["source"])):
            yield source, list(rows)

    @cached_property
    def of_year(self) -> list[Row]:
        """Indicator, status, reason, whether there is an interval, of every figure of the year; a
        calendar year or a survey that lies in it in part is of it too."""
        return self.rows(
            "SELECT indicator, dimension, period_kind, obs_status, suppressed_reason, "
            "value IS NULL AS lacking, lower_95 IS NULL AS no_range, count(*) AS figures "
            "FROM mart.indicator_value WHERE area_code = ? AND period_start <= ? "
            f"AND period_end >= ? GROUP BY ALL {_ORDER}",
            self.area,
            self.year.end,
            self.year.start,
        )


def _few(names: Iterable[str]) -> str:
    """A, B and C; of many the first, and how many more."""
    found = list(dict.fromkeys(names))
    more = len(found) - NAMED
    return listed([*found[:NAMED], f"{more} more"] if more > 0 else found)


def _printed(rows: Iterable[Row]) -> str:
    return _few(phrases.printed(row["period"]) for row in rows)


# --- arrivals ------------------------------------------------------------------------------------


def _not_here(about: _About) -> Iterator[tuple[str, str]]:
    for source, rows in about.by_source(*ABSENT):
        for status, words in ABSENT.items():
            found = [row for row in rows if row["status"] == status]
            if not found:
                continue
            notes = _few(row["note"] for row in found if row["note"]) if _any_note(found) else ""
            told = f"{about.title(source)}: {_printed(found)} {_plural(words, found)}"
            yield f"{told}{f' ({notes})' * bool(notes)}", f"meta.arrival: {source}"
    never = [source for source, _ in about.by_source("never_arrived")]
    if never:
        titles = listed(about.title(one) for one in never)
        yield f"Nothing of these sources ever came: {titles}", f"meta.arrival: {', '.join(never)}"


def _any_note(rows: Iterable[Row]) -> bool:
    return any(row["note"] for row in rows)


def _plural(words: str, rows: Sequence[Row]) -> str:
    if len(rows) == 1:
        return words
    return words.replace("lies", "lie", 1).replace("is ", "are ", 1)


def _late(about: _About) -> Iterator[tuple[str, str]]:
    for source, rows in about.by_source("arrived_late"):
        found = [row for row in rows if row["period_end"] >= about.year.start]
        if not found:
            continue
        days = max(int(row["days_late"]) for row in found)
        late = f"{days} {'day' if days == 1 else 'days'} after it was due"
        which = late if len(found) == 1 else f"at worst {late}"
        yield f"{about.title(source)}: {_printed(found)} came {which}", f"meta.arrival: {source}"


def _not_due(about: _About) -> Iterator[tuple[str, str]]:
    for source, rows in about.by_source("due", "not_over"):
        due = [row["due_on"] for row in rows if row["due_on"]]
        when = f", the first due on {written(min(due))}" if due else ""
        yield (
            f"{about.title(source)}: {_printed(rows)} not here yet{when}",
            f"meta.arrival: {source}",
        )


# --- rows ----------------------------------------------------------------------------------------


def _refused(about: _About) -> Iterator[tuple[str, str]]:
    """The share of rows with data, the largest first; a source of which a count is not shown is
    left out."""
    rows = about.rows(
        "SELECT source, sum(rows_quarantined) AS refused, sum(rows_valid) AS valid, "
        "count(*) = count(rows_quarantined) AS told FROM meta.extract "
        f"WHERE source IS NOT NULL GROUP BY source {_ORDER}"
    )
    open_ones = [row for row in rows if row["told"] and not about.guarded(row["source"])]
    found = [row for row in open_ones if row["refused"]]
    for row in sorted(found, key=lambda one: (-_share(one), one["source"])):
        whole = int(row["refused"] + row["valid"])
        were, stand = ("was", "stands") if row["refused"] == 1 else ("were", "stand")
        yield (
            f"{about.title(row['source'])}: {int(row['refused']):,} of {whole:,} rows "
            f"({_per_cent(_share(row))}) {were} refused and {stand} in no figure",
            f"meta.extract: {row['source']}",
        )
    if closed := len(rows) - len(open_ones):
        what = "1 source" if closed == 1 else f"{closed} sources"
        yield (
            f"Of {what} that tell of few people, or are not for all to see, it is not told how "
            "many rows were refused",
            "meta.extract",
        )


def _share(row: Row) -> float:
    return float(row["refused"] / (row["refused"] + row["valid"]))


def _per_cent(share: float) -> str:
    return "less than 0.1%" if 0 < share < 0.0005 else f"{rounded(100 * share, 1)}%"


# --- figures -------------------------------------------------------------------------------------


def _no_figure(about: _About) -> Iterator[tuple[str, str]]:
    """Indicators of which no period of the year is there; with the newest that there is."""
    there = {row["indicator"] for row in about.of_year}
    newest = about.rows(
        "SELECT indicator, max_by(period, period_end) AS period FROM mart.indicator_value "
        "WHERE area_code = ? AND dimension = 'all' AND value IS NOT NULL "
        "AND period_kind NOT IN ('month', 'quarter') GROUP BY indicator",
        about.area,
    )
    known = {row["indicator"]: str(row["period"]) for row in newest}
    lacking = [key for key in about.edition.registry.indicators if key not in there]
    by_newest: dict[str, list[str]] = {}
    for key in lacking:
        by_newest.setdefault(known.get(key, ""), []).append(key)
    for label, keys in sorted(by_newest.items()):
        titles = listed(about.indicator(key) for key in keys)
        name = about.edition.facts["area_name"]
        none = f"there is none of {name} itself"
        says = f"the newest figure is of {phrases.printed(label)}" if label else none
        yield f"{titles}: {says}", f"mart.indicator_value: {', '.join(keys)}"


def _withheld(about: _About) -> Iterator[tuple[str, str]]:
    yield from _lacking(about, "C")


def _not_available(about: _About) -> Iterator[tuple[str, str]]:
    yield from _lacking(about, "M")


def _lacking(about: _About, status: str) -> Iterator[tuple[str, str]]:
    """By reason: of which indicators how many figures of the year are null."""
    found = [row for row in about.of_year if row["lacking"] and row["obs_status"] == status]
    for reason, rows in _by_reason(found).items():
        counts: dict[str, int] = {}
        for row in rows:
            key = str(row["indicator"])
            counts[key] = counts.get(key, 0) + int(row["figures"])
        told = listed(f"{about.indicator(key)} ({count})" for key, count in counts.items())
        words = "the figure that it is divided by is missing"
        why = words if reason == "missing_denominator" else reason
        total = sum(counts.values())
        figures = "1 figure of the year" if total == 1 else f"{total} figures of the year"
        yield f"{capital(why)}: {figures}, of {told}", f"mart.indicator_value: {', '.join(counts)}"


def _by_reason(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["suppressed_reason"] or "no reason is given"), []).append(row)
    return dict(sorted(found.items()))


def _no_range(about: _About) -> Iterator[tuple[str, str]]:
    keys = list(
        dict.fromkeys(
            str(row["indicator"])
            for row in about.of_year
            if row["no_range"] and not row["lacking"] and row["dimension"] == "all"
        )
    )
    if keys:
        titles = listed(about.indicator(key) for key in keys)
        yield (
            f"Of these nobody can say how far chance reaches, since their counts are not published "
            f"or chance did not choose who is in them: {titles}",
            f"mart.indicator_value: {', '.join(keys)}",
        )


# --- sentences and checks ------------------------------------------------------------------------


def _not_computable(about: _About) -> Iterator[tuple[str, str]]:
    rows = about.rows(
        "SELECT reason, list(claim ORDER BY claim) AS claims, min(claim) AS first FROM mart.claim "
        "WHERE verdict = 'not_computable' GROUP BY reason ORDER BY first"
    )
    for row in rows:
        claims = list(row["claims"])
        what = "A sentence" if len(claims) == 1 else f"{len(claims)} sentences"
        yield (
            f"{what} of the published assessment cannot be computed: {row['reason'] or '?'}",
            f"mart.claim: {', '.join(claims)}",
        )


def _accepted(about: _About) -> Iterator[tuple[str, str]]:
    rows = about.rows("SELECT * FROM meta.waiver WHERE status = 'active' ORDER BY waiver")
    for row in rows:
        of = row["source"] or row["indicator"]
        what = f"the check {row['check_name']}" if row["check_name"] else "a broken comparison"
        whose = about.title(of) if row["check_name"] else about.indicator(of)
        yield (
            f"{whose}: {what} is accepted by {row['role']} until {written(row['until'])}: "
            f"{row['reason']}",
            f"meta.waiver: {row['waiver']}",
        )


def _checks(about: _About) -> Iterator[tuple[str, str]]:
    """Checks that fail and that nobody accepts: in their own words where they count nobody; those
    on single rows stand under the rows that were refused."""
    rows = about.rows(
        "SELECT source, check_name, period, message FROM meta.check_result "
        f"WHERE NOT passed AND waived_by IS NULL {_ORDER}"
    )
    for source, found in groupby(rows, key=lambda row: str(row["source"])):
        failing = list(found)
        telling = [row for row in failing if QUARANTINED not in row["message"]]
        if about.guarded(source):
            names = _few(str(row["check_name"]) for row in failing)
            many = "a check finds" if len(failing) == 1 else f"{len(failing)} checks find"
            yield (
                f"{about.title(source)}: {many} something to look at: {names}",
                f"meta.check_result: {source}",
            )
            continue
        for row in telling:
            yield (
                f"{about.title(source)}: {row['message']}",
                f"meta.check_result: {source}, {row['check_name']}",
            )
