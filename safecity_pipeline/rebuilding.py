"""`safecity rebuild`: a release made anew from raw/, and compared with itself byte for byte.

Belongs here: whether everything that a release was made from is here as it was, taking the steps
again on that alone, and the comparison. Does not belong here: the steps (`refresh`).
"""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecity_pipeline import attacking, upkeep, warehouse
from safecity_pipeline.cost import Cost, measured
from safecity_pipeline.ingest import survey
from safecity_pipeline.ingest.survey import Survey
from safecity_pipeline.model import Extract, Refused
from safecity_pipeline.publish import differences
from safecity_pipeline.refresh import Refresh, code_version
from safecity_pipeline.settings import Settings
from safecity_pipeline.tables import quoted
from safecity_pipeline.warehouse import Warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THEN, NOW = "published", "rebuilt"
OF_THE_RUN: Mapping[str, tuple[str, ...] | None] = {
    "meta.run_cost": None,
    "meta.release": ("stamp", "published_at"),
    "meta.check_result": ("run_id",),
}
"""What says when and at what cost a release was made, and nothing of its figures: columns that are
not compared, or the whole table."""
MADE_FROM = {
    "code": ("another version of the code made it", "check that version out and install it"),
    "registry": (
        "what is declared is not as it was",
        "take registry and own declarations, words and boundaries back to what they were when it "
        "was made",
    ),
    "key_id": (
        "the pseudonyms of persons have another key",
        "set SAFECITY_PSEUDONYM_KEY to the key that it was made with",
    ),
    "configuration": ("the settings are not as they were", "see safecity.toml"),
    "embargoes": ("the embargoes that hold are not as they were", "see safecity.toml"),
    "waivers": ("the waivers in force are not as they were", "see waivers.toml"),
    "extracts": (
        "the files are the same, and a manifest beside them, or what it promises, is not",
        "put manifest.csv back as it was",
    ),
}


@dataclass(frozen=True)
class Rebuilt:
    """Whether the release is the same when it is made anew, and what to tell."""

    equal: bool
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recorded:
    """What a release says of what it was made from."""

    stamp: str
    facts: Mapping[str, Any]
    extracts: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, release: Path) -> Recorded:
        with warehouse.opened(release) as connection:
            facts = connection.execute("SELECT * FROM meta.release")
            one = warehouse.named_rows(facts)[0]
            listed = connection.execute(
                "SELECT extract_id, file, sha256, received_at, status FROM meta.extract "
                "ORDER BY file"
            )
            return cls(release.name, one, warehouse.named_rows(listed))

    @property
    def there(self) -> list[Mapping[str, Any]]:
        return [row for row in self.extracts if row["status"] != "withdrawn"]


def rebuild(settings: Settings, named: str) -> Rebuilt:
    """Make a release anew beside the warehouse and compare both. Raises Refused, naming what lacks,
    where it cannot be made from what is here."""
    house = Warehouse(settings.warehouse)
    with house.lock("safecity rebuild"):
        release = house.release(named)
        then = Recorded.of(release)
        _refuse_other_code(then)
        facts = then.facts
        chosen = replace(
            settings,
            area_code=facts["area_code"],
            area_name=facts["area_name"],
            year=facts["year"],
            as_of=facts["as_of"],
            warehouse=house.scratch / "rebuilt",
        )
        again = Again(chosen, then, house.releases)
        _refuse_unlike(then, again)
        again.whole()
        made = again.warehouse.current()
        assert made is not None  # a release without one is refused
        return _compared(then, release, made, house.scratch)


class Again(Refresh):
    """A refresh of what a release was made from and nothing else, as on the day that it was made:
    files by their content, received when they were, judged on the day that it was judged."""

    def __init__(self, settings: Settings, then: Recorded, releases: Path) -> None:
        super().__init__(settings)
        self.then, self.releases = then, releases

    @property
    def _kept_before(self) -> list[Path]:
        """Those before it that are kept still: one that is gone may have made more be hidden."""
        kept = attacking.earlier(self.releases, self._synthetic)
        return [folder for folder in kept if folder.name < self.then.stamp]

    @cached_property
    def _judged_on(self) -> date:
        return date.fromisoformat(str(self.then.facts["judged_on"]))

    @cached_property
    def _gathering(self) -> tuple[Survey, Cost]:
        with measured() as meter:
            found = survey.gather(self.settings.raw)
        return replace(found, extracts=tuple(_as_they_were(found, self.then))), meter.read()

    @cached_property
    def _withdrawn(self) -> dict[str, str]:
        gone = (row for row in self.then.extracts if row["status"] == "withdrawn")
        return {row["file"]: row["extract_id"] for row in gone}

    def _write_products(self, folder: Path) -> None:
        """None: they are made of the tables, which are compared."""

    def whole(self) -> None:
        """Every step, in order."""
        self.warehouse.sweep()
        with self.warehouse.lock("safecity rebuild"), self.at_work():
            self.look()
            for source in self.registry.sources:
                self.take_in(source)
            for step in (self.indicators, self.estimates, self.comparables, self.findings):
                step()
            for last in (self.revisions, self.claims, self.targets, self.drafts, self.waivers):
                last()
            self.release()


# --- what it was made from -----------------------------------------------------------------------


def _refuse_other_code(then: Recorded) -> None:
    now = code_version()
    if then.facts["code"] != now:
        rule, repair = MADE_FROM["code"]
        raise Refused(f"{rule}: {then.facts['code']}", then.stamp, now, repair)


def _as_they_were(found: Survey, then: Recorded) -> Iterator[Extract]:
    """The extracts of a release among those that are here: each by its content, where it was or in
    another folder. Raises Refused naming every one that is gone or changed."""
    here = {one.file: one for one in found.extracts}
    by_hash: dict[tuple[str, str], list[Extract]] = defaultdict(list)
    for one in found.extracts:
        by_hash[one.sha256, one.path.name].append(one)
    lacking = []
    for row in then.there:
        same = here.get(row["file"])
        if same is None or same.sha256 != row["sha256"]:
            moved = by_hash.get((row["sha256"], Path(row["file"]).name))
            if not moved:
                lacking.append(f"{row['file']} is {'gone' if same is None else 'changed'}")
                continue
            same = moved[0]
        yield replace(
            same,
            file=row["file"],
            extract_id=row["extract_id"],
            received_at=row["received_at"],
        )
    if lacking:
        rule = f"extracts that it was made from are not here: {'; '.join(lacking)}"
        raise Refused(rule, then.stamp, repair="put them into raw/ as they were received")


def _refuse_unlike(then: Recorded, again: Again) -> None:
    for name, value in again.fingerprint.items():
        if then.facts[name] != value:
            rule, repair = MADE_FROM[name]
            raise Refused(rule, then.stamp, value, repair)


# --- the comparison ------------------------------------------------------------------------------


def _compared(then: Recorded, release: Path, made: Path, scratch: Path) -> Rebuilt:
    lines, equal = [], True
    for restricted, what in ((False, "public"), (True, "restricted")):
        file = warehouse.database(release, restricted)
        if not file.is_file():
            lines.append(f"{what}: not kept of this release, so not compared")
            continue
        with (
            warehouse.opened(made, restricted, as_name=NOW) as connection,
            warehouse.reading(connection, file, THEN),
        ):
            connection.execute(f"SET temp_directory = {quoted(str(scratch))}")
            connection.execute(f"SET memory_limit = {quoted(warehouse.MEMORY_LIMIT)}")
            names = _tables(connection)
            unlike = [line for name in names if (line := _unlike(connection, name, scratch))]
        equal = equal and not unlike
        lines.append(f"{what}: {len(names) - len(unlike)} of {len(names)} tables are the same")
        lines += [f"  {line}" for line in unlike]
    packages = then.facts["packages"]
    if packages != upkeep.packages():
        lines.append(f"It was made with {packages}; this is {upkeep.packages()}.")
    verdict = "is the same when it is made anew" if equal else "is not the same when made anew"
    return Rebuilt(equal, [f"Release {then.stamp} {verdict}.", *lines])


def _tables(connection: DuckDBPyConnection) -> list[str]:
    """Every table of either, but for those that say what a run cost."""
    rows = connection.execute(
        "SELECT DISTINCT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name IN (?, ?) ORDER BY 1",
        [THEN, NOW],
    ).fetchall()
    return [name for (name,) in rows if OF_THE_RUN.get(name, ()) is not None]


def _unlike(connection: DuckDBPyConnection, name: str, scratch: Path) -> str | None:
    """How a table differs; None where it is the same: exported with its rows in the order of its
    columns, from left to right, both are the same bytes."""
    columns = [_columns(connection, database, name) for database in (THEN, NOW)]
    if columns[0] != columns[1]:
        return f"{name}: not the same columns, or only one has it"
    left_out = OF_THE_RUN.get(name) or ()
    compared = [column for column, _ in columns[0] if column not in left_out]
    listed = ", ".join(f'"{column}"' for column in compared)
    then, now = (scratch / f"{database}.csv" for database in (THEN, NOW))
    for database, file in ((THEN, then), (NOW, now)):
        connection.execute(
            f"COPY (SELECT {listed} FROM {database}.{name} ORDER BY ALL) "
            f"TO {quoted(str(file))} (FORMAT csv, HEADER, NULLSTR '\\N', FORCE_QUOTE *)"
        )
    same = filecmp.cmp(then, now, shallow=False)
    then.unlink()
    now.unlink()
    return None if same else _first(connection, name, compared)


def _columns(connection: DuckDBPyConnection, database: str, name: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ? "
        "AND schema_name || '.' || table_name = ? ORDER BY column_index",
        [database, name],
    ).fetchall()
    return [(str(column), str(kind)) for column, kind in rows]


KEYS = {one.table.full_name: one.key for one in differences.TABLES}


def _first(connection: DuckDBPyConnection, name: str, columns: Sequence[str]) -> str:
    """How many rows differ, and the key of the first. Nothing but its key is told of a row, and of
    a row as received only its place."""
    listed = ", ".join(f'"{column}"' for column in columns)
    key = [column for column in KEYS.get(name, columns[: _key_length(name)]) if column in columns]
    of_key = ", ".join(f'"{column}"' for column in key)
    found = connection.execute(
        f"WITH gone AS (SELECT {listed} FROM {THEN}.{name} EXCEPT ALL "
        f"SELECT {listed} FROM {NOW}.{name}), came AS (SELECT {listed} FROM {NOW}.{name} "
        f"EXCEPT ALL SELECT {listed} FROM {THEN}.{name}) "
        f"SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM came), {of_key} "
        f"FROM (SELECT {of_key} FROM gone UNION ALL SELECT {of_key} FROM came) ORDER BY ALL LIMIT 1"
    ).fetchall()
    then, now, *cells = found[0]
    told = ", ".join(f"{column} {cell}" for column, cell in zip(key, cells, strict=True))
    return f"{name}: {then} rows of the release and {now} made anew differ, the first at {told}"


def _key_length(name: str) -> int:
    """How many first columns tell which row it is."""
    return 3 if name.startswith(("clean.", "set_aside.", "quarantine.")) else 2
