"""Why a figure differs between two releases, by what both of them know: never by a guess.

A cause is whatever differs between the releases *and* can reach the row: an extract whose units
the row counts, the entry that declares it, a change of the catalogue that marks it, the code behind
it. Where one kind remains, that is the cause; where several do, it could be any of them, and is
told so; where none does, it is not known.

Belongs here: what differs between what two releases were made from, and what of it reaches a row.
Does not belong here: finding the rows (`differences`), telling people (`changes_page`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from safecity_pipeline import period, shareable, tables
from safecity_pipeline.publish.differences import AFTER, BEFORE, CHANGED, Difference, columns_of
from safecity_pipeline.registry.changes import Scope
from safecity_pipeline.warehouse import named_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NEW, MENDED = "new extract", "mended extract"
SUPERSEDED, WITHDRAWN = "superseded extract", "withdrawn extract"
DEFINITION, DECLARATION = "changed definition", "changed declaration"
CODE, REBASED = "changed code", "rebased population"
CONFIGURATION, WAIVER = "configuration", "waiver"
DISCLOSURE, RECEIPT, UNKNOWN = "disclosure control", "date of receipt", "not known"
NO_CAUSE = "nothing that both releases record reaches it"
ALLOWED_FOR = {*shareable.ALLOWING, "sentence", "broken_by", "status", "comparable_value"}
ALWAYS = (date.min, date.max)
OF_OTHERS = ("previous_", "five_years", "trend", "baseline:")
"""Beginnings of comparisons with the same area's own figures: all others look at other areas."""

Days = tuple[date, date]


@dataclass(frozen=True, order=True)
class Cause:
    kind: str
    words: str


@dataclass(frozen=True)
class Asked:
    """What a part of an indicator asks of a source: rows of which time and place."""

    part: str
    source: str
    within: str
    geography: str


@dataclass(frozen=True)
class Moved:
    """A unit that another extract delivers now, or none, or one for the first time."""

    days: Days
    place: str
    cause: Cause


class Known:
    """What one release says of what it was made from."""

    def __init__(self, connection: DuckDBPyConnection, database: str) -> None:
        there = columns_of(connection, database)

        def rows(table: tables.Table) -> list[dict[str, Any]]:
            """None where it has no such table."""
            found = f"FROM {database}.{table.full_name}"
            return named_rows(connection.execute(found)) if table.full_name in there else []

        self.facts = rows(tables.RELEASE)[0]
        self.extracts = {row["extract_id"]: row for row in rows(tables.EXTRACT)}
        self.indicators = {row["indicator"]: row for row in rows(tables.INDICATOR)}
        self.sources = {row["source"]: row for row in rows(tables.SOURCE)}
        self.changes = {row["id"]: row for row in rows(tables.DEFINITIONAL_CHANGE)}
        self.areas = {row["area_code"]: row for row in rows(tables.AREA)}
        self.series = {row["series"]: row for row in rows(tables.SERIES)}
        self.peers: dict[str, set[str]] = defaultdict(set)
        for row in rows(tables.PEER):
            self.peers[row["peer_group"]].add(repr(sorted(row.items(), key=str)))
        told = tables.LINEAGE.full_name in there
        self.asked = _asked(connection, database) if told else {}
        self.counted = _counted(connection, database)

    @cached_property
    def left_out(self) -> set[str]:
        """Indicators that the public edition of the release leaves out for whose they are."""
        day = self.facts.get("judged_on")
        ends = {name: row.get("embargo_until") for name, row in self.sources.items()}
        kept_back = {
            name
            for name, row in self.sources.items()
            if row.get("audience", "public") != "public"
            or (ends[name] and day and day < ends[name])
        }
        return {
            key
            for key, asked in self.asked.items()
            if any(one.source in kept_back for one in asked)
        }

    def file(self, extract_id: str) -> str:
        return str(self.extracts[extract_id]["file"])


def _asked(connection: DuckDBPyConnection, database: str) -> dict[str, list[Asked]]:
    """Indicator → what its parts ask."""
    found: dict[str, list[Asked]] = defaultdict(list)
    rows = connection.execute(
        "SELECT DISTINCT indicator, part, source, within, geography "
        f"FROM {database}.{tables.LINEAGE.full_name} "
        "WHERE column_name = 'value' AND part IS NOT NULL ORDER BY ALL"
    ).fetchall()
    for indicator, *asked in rows:
        found[indicator].append(Asked(*asked))
    return found


def _counted(
    connection: DuckDBPyConnection, database: str
) -> dict[tuple[str, str, str], dict[str, str]]:
    """Source, unit and period → the extracts that deliver it, by their hash."""
    found: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    rows = connection.execute(
        f"SELECT source, unit, period, sha256, extract_id FROM {database}.meta.extract_unit AS u "
        f"JOIN {database}.meta.extract AS e USING (extract_id) WHERE u.status = 'counted'"
    ).fetchall()
    for source, unit, label, sha256, extract_id in rows:
        found[source, unit, label][sha256] = extract_id
    return found


class Causes:
    """What differs between what two releases were made from."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.before, self.after = Known(connection, BEFORE), Known(connection, AFTER)
        self._cached: dict[object, frozenset[Cause]] = {}
        self._came_or_went: dict[tuple[str, str], list[Difference]] = defaultdict(list)
        # Indicator and area (None: any) → days of values that differ → their causes.
        self._values: dict[tuple[str, str | None], dict[Days, frozenset[Cause]]] = {}

    def of_all(self, found: Iterable[Difference]) -> Iterator[tuple[Difference, tuple[Cause, ...]]]:
        """Each difference with its causes. Those of values first: others rest on them."""
        rows = list(found)
        for one in rows:
            if one.of.table == tables.INDICATOR_VALUE and not one.columns:
                place = (one.get("indicator"), one.get("area_code"))
                self._came_or_went[place].append(one)
        for one in rows:
            if one.of.table == tables.INDICATOR_VALUE:
                causes = self._of_value(one)
                self._note(one, causes)
            elif one.of.table == tables.FINDING:
                causes = self._of_finding(one)
            else:
                causes = self._of_statement(one)
            yield one, tuple(sorted(causes)) or (Cause(UNKNOWN, NO_CAUSE),)

    def _note(self, one: Difference, causes: frozenset[Cause]) -> None:
        """Remember causes of a value for what rests on it."""
        days = _span("period", one)
        for area in (str(one.get("area_code")), None):
            by_days = self._values.setdefault((str(one.get("indicator")), area), {})
            by_days[days] = by_days.get(days, frozenset()) | causes

    # --- what differs at all -------------------------------------------------------------------

    def _differs(self, fact: str) -> bool:
        """A release that does not state a fact may differ in it."""
        one, other = self.before.facts.get(fact), self.after.facts.get(fact)
        return one is None or one != other

    @cached_property
    def code(self) -> frozenset[Cause]:
        facts = (self.before.facts, self.after.facts)
        found = set()
        if facts[0]["code"] != facts[1]["code"]:
            found.add(Cause(CODE, f"{facts[0]['code']} → {facts[1]['code']}"))
        packages = [one.get("packages") for one in facts]
        if packages[0] and packages[0] != packages[1]:
            found.add(Cause(CODE, f"other packages: {packages[0]} → {packages[1]}"))
        return frozenset(found)

    def _code_of(self, what: str) -> frozenset[Cause]:
        """The code as a cause for rows that rest on a part of it, unless that is the same."""
        other = {one for one in self.code if one.words.startswith("other packages")}
        return self.code if self._differs(what) else frozenset(other)

    @cached_property
    def configuration(self) -> frozenset[Cause]:
        if self.before.facts["configuration"] == self.after.facts["configuration"]:
            return frozenset()
        named = ("area_name", "year", "as_of")
        told = [
            f"{name}: {self.before.facts.get(name)} → {self.after.facts.get(name)}"
            for name in named
            if self.before.facts.get(name) != self.after.facts.get(name)
        ]
        return frozenset({Cause(CONFIGURATION, "; ".join(told) or "the settings")})

    @cached_property
    def registry(self) -> frozenset[Cause]:
        """That something declared differs of which releases do not record what."""
        if self.before.facts["registry"] == self.after.facts["registry"]:
            return frozenset()
        return frozenset({Cause(DECLARATION, "something declared that rows are not told apart by")})

    @cached_property
    def catalogue(self) -> dict[str, Cause]:
        """Definitional changes that came, went or read otherwise, by id."""
        found = {}
        for key in sorted({*self.before.changes, *self.after.changes}):
            old, new = self.before.changes.get(key), self.after.changes.get(key)
            if old != new:
                how = "was added" if old is None else "was dropped" if new is None else "was edited"
                found[key] = Cause(DEFINITION, f"{key} {how} in the catalogue")
        return found

    @cached_property
    def moved(self) -> dict[str, list[Moved]]:
        """Source → units that are not delivered as they were."""
        found: dict[str, list[Moved]] = defaultdict(list)
        before, after = self.before.counted, self.after.counted
        for key in {*before, *after}:
            old, new = before.get(key, {}), after.get(key, {})
            if old.keys() != new.keys():
                source, unit, label = key
                gone = [old[one] for one in old.keys() - new.keys()]
                came = [new[one] for one in new.keys() - old.keys()]
                place = unit.rpartition("/")[2]
                for cause in self._of_unit(sorted(gone), sorted(came)):
                    found[source].append(Moved(_days(label), place, cause))
        return found

    def _of_unit(self, gone: Sequence[str], came: Sequence[str]) -> Iterator[Cause]:
        """Why a unit is delivered by other extracts, or by none, or by one for the first time."""
        paths = {row["file"]: key for key, row in self.before.extracts.items()}
        mended = set()
        for extract_id in came:
            file = self.after.file(extract_id)
            if file in paths and paths[file] != extract_id:
                mended.add(file)
                yield Cause(MENDED, file)
            elif extract_id in self.before.extracts and not gone:
                yield Cause(DECLARATION, f"{file} is read otherwise, or counts again")
            elif not gone:
                yield Cause(NEW, file)
        for extract_id in gone:
            file = self.before.file(extract_id)
            instead = [self.after.file(one) for one in came if self.after.file(one) not in mended]
            if instead and file not in mended:
                yield Cause(SUPERSEDED, f"{file} by {', '.join(instead)}")
            elif file not in mended:
                yield self._lost(file, extract_id)

    def _lost(self, file: str, extract_id: str) -> Cause:
        now = {row["file"]: row for row in self.after.extracts.values()}.get(file)
        if now is None or now["status"] == "withdrawn":
            return Cause(WITHDRAWN, file)
        if now["extract_id"] != extract_id:
            return Cause(MENDED, file)
        return Cause(DECLARATION, f"{file} is read otherwise, or counts no more")

    @cached_property
    def received(self) -> dict[str, list[Moved]]:
        """Source → units of extracts that are the same, and came on another day."""
        found: dict[str, list[Moved]] = defaultdict(list)
        for (source, unit, label), extracts in self.after.counted.items():
            for extract_id in extracts.values():
                old = self.before.extracts.get(extract_id)
                new = self.after.extracts[extract_id]
                if old and old["received_at"] != new["received_at"]:
                    days = f"{old['received_at']} → {new['received_at']}"
                    cause = Cause(RECEIPT, f"{new['file']}: {days}")
                    found[source].append(Moved(_days(label), unit.rpartition("/")[2], cause))
        return found

    # --- what reaches a value ------------------------------------------------------------------

    def _of_value(self, one: Difference) -> frozenset[Cause]:
        key = str(one.get("indicator"))
        unlike = set(one.columns)
        parts = self._parts_moved(one)
        rebased = self._rebased(one)
        found = set(rebased)
        for asked in self._asked(key):
            if asked.part not in parts:
                continue
            if not (rebased and asked.part == "denominator"):
                found |= self._by_extracts(asked, one, self.moved)
            found |= self._by_reading(asked.source)
            if "extracted_on" in unlike:
                found |= self._by_extracts(asked, one, self.received)
        if unlike & {"series_break", "obs_status"}:
            found |= self._by_catalogue(one.either("series_break")) | self._by_value_before(one)
        found |= self._by_declaration(key) | self._by_area(one)
        found |= self._by_disclosure(one, key)
        guarded = (self.after.indicators.get(key) or {}).get("disclosure") != "none"
        return frozenset(found | (self.code if guarded else self._code_of("code_of_values")))

    def _by_value_before(self, one: Difference) -> frozenset[Cause]:
        """A break is marked against the value before it, which may have come or gone."""
        place = (one.get("indicator"), one.get("area_code"))
        earlier = (
            other
            for other in self._came_or_went.get(place, ())
            if other.get("period_start") < one.get("period_start")
        )
        return frozenset(cause for other in earlier for cause in self._of_value(other))

    def _asked(self, key: str) -> list[Asked]:
        return list(
            dict.fromkeys([*self.before.asked.get(key, []), *self.after.asked.get(key, [])])
        )

    def _parts_moved(self, one: Difference) -> set[str]:
        """The parts by which a row can differ: where both its numbers stand, those that moved."""
        every = {"value", "numerator", "denominator"}
        unlike = set(one.columns)
        if unlike and unlike <= {"series_break", "obs_status", "area_name", "area_type", "unit"}:
            return {"value", "numerator"} if "obs_status" in unlike else set()
        if one.kind != CHANGED or shareable.WHY in one.either("suppressed_reason"):
            return every
        rows = (one.before or {}, one.after or {})
        if any(row.get("numerator") is None for row in rows):
            return every
        return {"value"} | (unlike & {"numerator", "denominator"})

    def _rebased(self, one: Difference) -> frozenset[Cause]:
        if "denominator_vintage" not in one.columns:
            return frozenset()
        old, new = ((row or {}).get("denominator_vintage") for row in (one.before, one.after))
        return frozenset({Cause(REBASED, f"edition {old or 'none'} → {new or 'none'}")})

    def _by_extracts(
        self, asked: Asked, one: Difference, moved: Mapping[str, Sequence[Moved]]
    ) -> frozenset[Cause]:
        if asked.source not in moved:
            return frozenset()
        days = _span(asked.within, one)
        places = self._places(asked.geography, str(one.get("area_code")))
        key = (id(moved), asked.source, days, places)
        if key not in self._cached:
            self._cached[key] = frozenset(
                each.cause
                for each in moved[asked.source]
                if _overlap(each.days, days) and (places is None or each.place in places)
            )
        return self._cached[key]

    def _places(self, geography: str, code: str) -> frozenset[str] | None:
        """Names of the units whose rows a value of an area counts; None: of any place."""
        named = set()
        for known in (self.before, self.after):
            row = known.areas.get(code) or {}
            wanted = row.get("force_code") if geography == "home_force" else code
            if geography == "any" or (geography == "home_force" and wanted is None):
                return None
            if geography == "area_and_parts" and row.get("area_type") == "country":
                return None
            codes = [str(wanted)]
            if geography == "area_and_parts" and row.get("area_type") == "police_force":
                codes += [one for one, each in known.areas.items() if each["force_code"] == code]
            for one in codes:
                named |= {one, str((known.areas.get(one) or {}).get("area_name"))}
        return frozenset(named)

    def _by_reading(self, source: str) -> frozenset[Cause]:
        """The rules and layouts by which a source's extracts are read."""
        old, new = self.before.sources.get(source), self.after.sources.get(source)
        if not old or not new:
            return frozenset()
        found: set[Cause] = set()
        if old["rules_hash"] != new["rules_hash"]:
            # It rests on the code and on thresholds, corrections and areas: both may differ.
            found |= self.code
            if self.registry:
                found.add(Cause(DECLARATION, f"the rules by which {source} is read"))
        if "layouts_hash" not in old and self.registry:
            found.add(Cause(DECLARATION, f"perhaps a layout of {source}"))
        elif old.get("layouts_hash") != new.get("layouts_hash"):
            found.add(Cause(DECLARATION, f"the layouts of {source}"))
        return frozenset(found)

    def _by_declaration(self, key: str) -> frozenset[Cause]:
        old, new = self.before.indicators.get(key), self.after.indicators.get(key)
        if old is None or new is None:
            how = "declared" if old is None else "declared no more"
            return frozenset({Cause(DECLARATION, f"{key} is {how}")})
        if old.get("declared") == new.get("declared") and old.get("declared"):
            return frozenset()
        told = ("title", "unit", "kind", "per", "polarity", "peer_group", "series", "notes")
        named = [name for name in told if old[name] != new[name]]
        if not named and "declared" not in old:
            return self.registry
        if not named:
            named = ["which rows it counts"] if old["sql"] != new["sql"] else ["what is compared"]
        return frozenset({Cause(DECLARATION, f"{key}: {', '.join(named)}")})

    def _by_area(self, one: Difference) -> frozenset[Cause]:
        code = str(one.get("area_code"))
        found: set[Cause] = set()
        if self.before.areas.get(code) != self.after.areas.get(code):
            found.add(Cause(DECLARATION, f"area {code}"))
        return frozenset(
            found | (self.configuration if "area_name" in one.columns else frozenset())
        )

    def _by_catalogue(self, ids: Iterable[str]) -> frozenset[Cause]:
        named = {word for text in ids for word in str(text).replace(",", " ").split()}
        return frozenset(self.catalogue[one] for one in named if one in self.catalogue)

    def _by_disclosure(self, one: Difference, key: str) -> frozenset[Cause]:
        """A figure that is or was hidden moves with the figures around it."""
        if shareable.WHY not in one.either("suppressed_reason"):
            return frozenset()
        found: set[Cause] = set()
        for asked in self._asked(key):
            old, new = (k.sources.get(asked.source) for k in (self.before, self.after))
            if old and new and old["disclosure"] != new["disclosure"]:
                rules = f"{old['disclosure']} → {new['disclosure']}"
                found.add(Cause(DISCLOSURE, f"rule of {asked.source}: {rules}"))
            around = {each.cause for each in self.moved.get(asked.source, ())}
            for cause in around - self._by_extracts(asked, one, self.moved):
                found.add(Cause(DISCLOSURE, f"figures around it: {cause.kind} {cause.words}"))
        return frozenset(found)

    # --- what reaches what rests on values -----------------------------------------------------

    def _of_finding(self, one: Difference) -> frozenset[Cause]:
        key = str(one.get("indicator"))
        found = set(self._of_values_behind(one, key))
        found |= self._by_declaration(key) | self._by_area(one) | self._by_peers(one, key)
        if set(one.columns) & ALLOWED_FOR or not one.columns:
            found |= self._by_catalogue(one.either("broken_by"))
            if set(one.columns) & set(shareable.ALLOWING):
                found |= self._reaching(key)
        if "waived_by" in one.columns and self._differs("waivers"):
            found.add(Cause(WAIVER, "; ".join(map(str, one.either("waived_by")))))
        if "printed_note" in one.columns:
            found |= self.registry
        guarded = (self.after.indicators.get(key) or {}).get("disclosure") != "none"
        found |= self.code if guarded else self._code_of("code_of_findings")
        return frozenset(found or self.registry | self.configuration)

    def _of_values_behind(self, one: Difference, key: str) -> set[Cause]:
        """Causes of the values that a finding compares, as far as these differ themselves."""
        comparison = str(one.get("comparison"))
        own = comparison.startswith(OF_OTHERS)
        labels = [label for name in ("period", "base_period") for label in one.either(name)]
        anywhen = comparison.startswith(OF_OTHERS[1:3])
        area = str(one.get("area_code")) if own else None
        found = set(self._of_values_in(key, area, () if anywhen else tuple(labels)))
        rests_on = one.either("comparable_rests_on")
        for reference in {name for text in rests_on for name in str(text).split(" + ")}:
            found |= self._of_values_in(reference, None, ())
        return found

    def _of_values_in(
        self, key: str, area: str | None, labels: tuple[str, ...]
    ) -> frozenset[Cause]:
        """Causes of the values of an indicator that differ: of an area, or of any, and in periods,
        or in any."""
        asked = (key, area, labels)
        if asked not in self._cached:
            spans = [_days(label) for label in labels] or [ALWAYS]
            self._cached[asked] = frozenset(
                cause
                for days, causes in self._values.get((key, area), {}).items()
                if any(_overlap(days, span) for span in spans)
                for cause in causes
            )
        return self._cached[asked]

    def _by_peers(self, one: Difference, key: str) -> frozenset[Cause]:
        if str(one.get("comparison")).startswith(OF_OTHERS):
            return frozenset()
        groups = {
            str(row["peer_group"])
            for known in (self.before, self.after)
            if (row := known.indicators.get(key)) and row["peer_group"]
        }
        other = [one for one in sorted(groups) if self.before.peers[one] != self.after.peers[one]]
        return frozenset(Cause(DECLARATION, f"the peers of {name}") for name in other)

    def _reaching(self, key: str) -> frozenset[Cause]:
        """What differs of the catalogue and reaches an indicator's series."""
        found = set()
        sources = {asked.source for asked in self._asked(key)}
        for change, cause in self.catalogue.items():
            for known in (self.before, self.after):
                row, indicator = known.changes.get(change), known.indicators.get(key)
                if not row or not indicator:
                    continue
                also = str((known.series.get(indicator["series"]) or {}).get("also") or "").split()
                if Scope.of(row["series_scope"] or "").reaches(indicator["series"], also, sources):
                    found.add(cause)
        return frozenset(found)

    def _of_statement(self, one: Difference) -> frozenset[Cause]:
        """Of claims, targets, drafts, estimates and the like: what reaches any figure of an
        indicator that they name; where none of theirs differs, of any figure."""
        keys = {str(key) for key in one.either("indicator")}
        for name in ("figures", "reference"):
            words = (word for text in one.either(name) for word in str(text).split())
            keys |= {word.partition("/")[0] for word in words}
        found = {cause for key in keys for cause in self._of_values_in(key, None, ())}
        for key in keys & {*self.before.indicators, *self.after.indicators}:
            found |= self._by_declaration(key) | self._reaching(key)
        found |= self.code | self.configuration
        if one.of.table in (tables.CLAIM, tables.TARGET, tables.DRAFT):
            found |= self._assessments
        # What a claim's reason sets beside it are figures of further indicators, nowhere recorded.
        if not found or (one.of.table == tables.CLAIM and "reason" in one.columns):
            found |= frozenset() if found else self.registry
            every = (key for key, area in self._values if area is None)
            found |= {cause for key in every for cause in self._of_values_in(key, None, ())}
        return frozenset(found)

    @property
    def _assessments(self) -> frozenset[Cause]:
        if not (self.registry and self._differs("assessments")):
            return frozenset()
        return frozenset({Cause(DECLARATION, "the sentences and targets of an assessment")})

    @property
    def titled(self) -> dict[str, dict[str, Any]]:
        """What is declared of every indicator, as the later release has it where it does."""
        return {**self.before.indicators, **self.after.indicators}

    def summary(self) -> list[Cause]:
        """Everything that differs, whether it reaches a figure or not."""
        found = {each.cause for moved in self.moved.values() for each in moved}
        found |= {*self.code, *self.configuration, *self.registry, *self.catalogue.values()}
        return sorted(found)


@cache
def _days(label: str | None) -> Days:
    """First and last day of a period; a label of another form may be any time."""
    try:
        found = period.parse(str(label))
    except ValueError:
        return ALWAYS
    return found.start, found.end


def _span(within: str, one: Difference) -> Days:
    """The days whose rows a value counts."""
    start, end = one.get("period_start"), one.get("period_end")
    if within == "any" or start is None or end is None:
        return ALWAYS
    if within == "year_of_period":
        return date(start.year, 1, 1), date(start.year, 12, 31)
    return start, end


def _overlap(one: Days, other: Days) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
