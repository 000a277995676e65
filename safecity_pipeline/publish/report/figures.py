"""What the report reads of an edition: each figure with its comparisons, by name.

Belongs here: the statements that read the edition's database, each once. Does not belong here: what
is shown of it (`board`, `parts`, `pictures`), and how it is worded (`words`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from safecity_pipeline import period
from safecity_pipeline.model import Indicator
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.registry.areas import PeerGroup

Row = Mapping[str, Any]
YEARS = ("year", "calendar_year")
ENGLAND = "E92000001"
ANY_PLACE = "any"


class Figures:
    """The figures of an edition that its report may need; `keys`: of which indicators."""

    def __init__(self, edition: Edition, keys: Iterable[str]) -> None:
        self.edition = edition
        self.keys = sorted(set(keys))
        self.area = str(edition.facts["area_code"])
        self.name = str(edition.facts["area_name"])
        self.year = str(edition.facts["year"])
        self.last = period.parse(self.year).year_before(1).label
        self.force = edition.registry.areas.home_force(self.area) or ""

    def indicator(self, key: str) -> Indicator:
        return self.edition.registry.indicators[key]

    def name_of(self, code: str) -> str:
        """An area's name, a force's with what it is; the code of one that nobody knows."""
        area = self.edition.registry.areas.by_code(code)
        if area is None:
            return code or "its force"
        return f"the force {area.name}" if area.type == "police_force" else area.name

    # --- values ----------------------------------------------------------------------------------

    @cached_property
    def _values(self) -> Mapping[tuple[str, str, str], Row]:
        rows = self.edition.rows(
            "SELECT * FROM mart.indicator_value WHERE dimension = 'all' "
            "AND list_contains(?, period_kind) AND list_contains(?, indicator) "
            "ORDER BY indicator, area_code, period_start",
            [list(YEARS), self.keys],
        )
        return {(row["indicator"], row["area_code"], row["period"]): row for row in rows}

    def value(self, key: str, label: str, area: str = "") -> Row | None:
        """An indicator's figure of a year, of the assessed area unless another is named."""
        return self._values.get((key, area or self.area, label))

    def years(self, key: str) -> Sequence[Row]:
        """The assessed area's figures up to the year of the release, oldest first: of financial
        years; of calendar years where there are no others."""
        end = period.parse(self.year).end
        found = [
            row
            for (indicator, area, _), row in self._values.items()
            if indicator == key and area == self.area and row["period_start"] <= end
        ]
        kinds = {row["period_kind"] for row in found}
        kind = "year" if "year" in kinds else "calendar_year"
        return list(_without_gaps(row for row in found if row["period_kind"] == kind))

    def newest(self, key: str) -> str:
        """The newest year that has a figure, or the year of the release where none has one."""
        known = [row["period"] for row in self.years(key) if row["value"] is not None]
        return known[-1] if known else self.year

    @cached_property
    def _months(self) -> Mapping[str, list[Row]]:
        rows = self.edition.rows(
            "SELECT * FROM mart.indicator_value WHERE dimension = 'all' AND period_kind = 'month' "
            "AND area_code = ? AND list_contains(?, indicator) AND period_start <= ? "
            "ORDER BY indicator, period_start",
            [self.area, self.keys, period.parse(self.year).end],
        )
        return {key: list(_without_gaps(each)) for key, each in _by(rows, "indicator").items()}

    def months(self, key: str) -> Sequence[Row]:
        """The assessed area's figures by month, oldest first, to the end of the year."""
        return self._months.get(key, [])

    @cached_property
    def _comparable(self) -> Mapping[tuple[str, str], Row]:
        rows = self.edition.rows(
            "SELECT * FROM mart.comparable_value WHERE dimension = 'all' AND area_code = ? "
            "AND list_contains(?, indicator)",
            [self.area, self.keys],
        )
        return {(row["indicator"], row["period"]): row for row in rows}

    def comparable(self, key: str, label: str) -> Row | None:
        """The same figure on the newest definition, where there is one."""
        found = self._comparable.get((key, label))
        return found if found and found["comparable_value"] is not None else None

    # --- comparisons -----------------------------------------------------------------------------

    @cached_property
    def _findings(self) -> Mapping[tuple[str, str, str], Row]:
        rows = self.edition.rows(
            "SELECT * FROM mart.finding WHERE dimension = 'all' AND area_code = ? "
            "AND list_contains(?, indicator) ORDER BY ALL",
            [self.area, self.keys],
        )
        return {(row["indicator"], row["comparison"], row["period"]): row for row in rows}

    def finding(self, key: str, comparison: str, label: str = "") -> Row | None:
        """One comparison of the assessed area's figure of a year: by default the release's."""
        return self._findings.get((key, comparison, label or self.year))

    # --- the group -------------------------------------------------------------------------------

    def group(self, key: str, label: str) -> PeerGroup | None:
        """The peer group of an indicator in a year."""
        group = self.indicator(key).peer_group
        if group is None:
            return None
        end = period.parse(label).end
        return self.edition.registry.areas.peer_group(group, self.area, end)

    def beside(self, key: str, label: str) -> Sequence[Row]:
        """The figures of a peer group, the area itself included. Where an indicator lets a county
        stand in for a peer without any figure of its own, the county's."""
        group = self.group(key, label)
        if group is None:
            return []
        instead = self.edition.registry.stand_ins.of(group) if self.indicator(key).stand_ins else {}
        rows = []
        for code in group.members:
            own = self._has_any(key, code)
            found = code if own or code not in instead else instead[code].code
            row = self.value(key, label, found)
            if row is not None:
                rows.append(row)
        return rows

    @cached_property
    def _known(self) -> set[tuple[str, str]]:
        return {
            (key, area) for (key, area, _), row in self._values.items() if row["value"] is not None
        }

    def _has_any(self, key: str, code: str) -> bool:
        return (key, code) in self._known

    # --- what else stands in the release ---------------------------------------------------------

    @cached_property
    def changes(self) -> Mapping[str, Row]:
        """The definitional changes by id."""
        return {
            row["id"]: row for row in self.edition.rows("SELECT * FROM meta.definitional_change")
        }

    @cached_property
    def drafts(self) -> Mapping[str, Row]:
        """The drafted sentences of the assessed area's assessment by claim; the newest where
        several were published."""
        rows = self.edition.rows("SELECT * FROM mart.draft ORDER BY assessment, claim")
        return {row["claim"]: row for row in rows}

    @cached_property
    def targets(self) -> Sequence[Row]:
        return self.edition.rows("SELECT * FROM mart.target ORDER BY target, measure")

    @cached_property
    def sources(self) -> Mapping[str, Row]:
        return {row["source"]: row for row in self.edition.rows("SELECT * FROM meta.source")}

    @cached_property
    def _extracts(self) -> Mapping[str, list[Row]]:
        """The extracts whose rows count, by source, with the places and periods they tell of."""
        rows = self.edition.rows(
            "SELECT e.source, e.file, e.sha256, u.unit, u.period FROM meta.extract e "
            "JOIN meta.extract_unit u USING (extract_id) "
            "WHERE u.status = 'counted' ORDER BY ALL"
        )
        return _by(rows, "source")

    @cached_property
    def _geography(self) -> Mapping[tuple[str, str], str]:
        """Of which place the units are that an indicator counts of a source, see meta.lineage."""
        rows = self.edition.rows(
            "SELECT DISTINCT indicator, source, geography FROM meta.lineage "
            "WHERE column_name = 'value' AND source IS NOT NULL ORDER BY ALL"
        )
        return {(row["indicator"], row["source"]): row["geography"] for row in rows}

    def extracts(
        self, key: str, source: str, label: str, areas: Iterable[str]
    ) -> Sequence[tuple[str, str]]:
        """The files of a source, each with its hash, that tell of these areas in a period or in a
        part of it."""
        within, places = period.parse(label), self._places(key, source, areas)
        found: dict[tuple[str, str], None] = {}
        for row in self._extracts.get(source, []):
            told = places is None or str(row["unit"]).rpartition("/")[2] in places
            if told and _meets(row["period"], within):
                found[row["file"], row["sha256"]] = None
        return list(found)

    def _places(self, key: str, source: str, codes: Iterable[str]) -> set[str] | None:
        """Names and codes by which units call these areas or their forces; None: any place."""
        geography = self._geography.get((key, source), ANY_PLACE)
        if geography == ANY_PLACE:
            return None
        areas = self.edition.registry.areas
        if geography == "home_force":
            codes = [areas.home_force(code) or code for code in codes]
        known = [(code, areas.by_code(code)) for code in codes]
        return {word for code, area in known for word in (code, area.name if area else code)}


def _by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _without_gaps(rows: Iterable[Row]) -> Iterator[Row]:
    """Months or years in order; one of which no extract tells is there without a figure, so that
    what stands side by side follows one upon the other."""
    after = None
    for row in rows:
        told = period.parse(row["period"])
        while after is not None and after.start < told.start:
            none = {**dict.fromkeys(row), "obs_status": "M", "period": after.label}
            yield {**none, "period_kind": row["period_kind"], "period_start": after.start}
            after = after.next()
        yield row
        after = told.next()


@cache
def _meets(label: str | None, within: period.Period) -> bool:
    """Whether a period of which a file tells shares a day with another."""
    try:
        told = period.parse(label or "")
    except ValueError:
        return False
    return told.start <= within.end and within.start <= told.end
