"""What the pipeline talks about, as frozen dataclasses: sources, layouts, indicators, extracts.

Belongs here: the nouns, and the one exception that bad input raises. Does not belong here:
reading, computing or storing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandera.pandas as pa


class Refused(Exception):
    """Input or configuration that cannot be used: the rule, the place, what was got, the repair.

    `str()` is for the person who owns the input. `in_public()` leaves out what was got, so that
    no cell of an extract can reach a log, an event or the web interface.
    """

    def __init__(self, rule: str, place: str = "", got: object = None, repair: str = "") -> None:
        self.rule, self.place, self.got, self.repair = rule, place, got, repair
        super().__init__(self._words(with_got=True))

    def in_public(self) -> str:
        """The same words without the value that was got."""
        return self._words(with_got=False)

    def _words(self, with_got: bool) -> str:
        got = f"got: {self.got!r}" if with_got and self.got is not None else ""
        where = f"{self.place}: {self.rule}" if self.place else self.rule
        return "; ".join(part for part in (where, got, self.repair) if part)


class Places(Protocol):
    """The look-ups that a source may use to say which area a row belongs to."""

    def csp(self, name: str) -> str | None: ...
    def force(self, name: str) -> str | None: ...
    def body(self, name: str) -> str | None: ...
    def of_lsoa_name(self, name: str) -> str | None: ...
    def local_authority(self, name: str) -> str | None: ...


@dataclass(frozen=True)
class Derived:
    """A column worked out from others of the same row, where the row's meaning is known.

    `make(places, *values)` gets the typed values of `columns`. Where it answers None for values
    that are present and `refusal` is set, the row is refused with these words.
    """

    name: str
    sql_type: str
    columns: tuple[str, ...]
    make: Callable[..., object]
    description: str
    refusal: str | None = None


@dataclass(frozen=True)
class CrossRow:
    """A rule that looks across rows: SQL over the clean rows that counts what it finds odd.

    What it finds is a warning; no row leaves for it.
    """

    name: str
    message: str
    sql: str


@dataclass(frozen=True)
class Source:
    """A kind of extract, declared once: what a row means, its rules, its unit and its manners.

    `table`, `geography`, `period_start`, `period_end` are SQL expressions over the clean rows;
    together they name the unit that is counted once however often it is delivered.
    `home_force` is the column that says which force a row comes from. `own_file_first`: a file
    that brings one unit only goes before a compilation. `key`: columns that no two rows of one
    extract may share, among the rows for which `key_where` holds.
    """

    name: str
    title: str
    supplier: str
    licence: str
    model: type[pa.DataFrameModel]
    geography: str
    period_start: str
    period_end: str
    table: str = "''"
    derived: tuple[Derived, ...] = ()
    home_force: str | None = None
    own_file_first: bool = False
    key: tuple[str, ...] = ()
    key_where: str = "true"
    across: tuple[CrossRow, ...] = ()
    minimum_rows: int = 1
    cadence: str = "yearly"
    audience: str = "public"
    disclosure: str = "none"

    @property
    def clean(self) -> str:
        return f"clean.{self.name}"


@dataclass(frozen=True)
class Layout:
    """How one generation of a supplier's files spells a source.

    `columns`: their head → our column (several heads may mean one). `facts`: a pattern over the
    file name whose groups are columns that the rows do not have; `given`: those columns, which a
    manifest may state too. `wide`: pattern over heads → label, for tables with one column a year.
    `refuse`: recognised, and always refused, with this reason.
    """

    source: str
    name: str
    title: str
    files: tuple[str, ...]
    columns: Mapping[str, str]
    facts: str | None = None
    ignored: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    wide: Mapping[str, str] = field(default_factory=dict)
    wide_label: str | None = None
    wide_value: str | None = None
    delimiter: str = ","
    refuse: str | None = None


@dataclass(frozen=True)
class Part:
    """Numerator or denominator of an indicator: rows of a source, and what is summed over them."""

    source: str
    where: str = "true"
    aggregate: str = "count(*)"
    forces: str | None = None


@dataclass(frozen=True)
class Indicator:
    """A declared measure: numerator / denominator × per, compared as listed."""

    indicator: str
    title: str
    subject: str
    unit: str
    kind: str
    per: int
    series: str
    polarity: str
    compare: tuple[str, ...]
    numerator: Part
    denominator: Part | None = None
    peer_group: str | None = None
    decimals: int = 1
    notes: str = ""


@dataclass(frozen=True)
class Vouched:
    """What a manifest says of one file; every field but the first may be absent."""

    file: str
    source: str | None = None
    period: str | None = None
    received_on: date | None = None
    published_on: date | None = None
    rows: int | None = None
    sha256: str | None = None
    synthetic: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Extract:
    """One file as received, and what the survey found out about it before reading its rows."""

    extract_id: str
    file: str
    path: Path
    sha256: str
    bytes: int
    status: str
    message: str
    received_at: date | None = None
    vouched: Vouched | None = None
    layout: Layout | None = None
    head: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False

    @property
    def source(self) -> str | None:
        return self.layout.source if self.layout else None


@dataclass(frozen=True)
class Finding:
    """One row of mart.finding. A field that does not apply is None.

    The last three are for the wording only: months compared (some between compared_start and
    compared_end may be lacking), areas of the peer group with and without a figure, and the
    changes of definition that break the comparison.
    """

    indicator: str
    area_code: str
    area_name: str
    comparison: str
    comparator: str | None
    period: str
    status: str
    base_period: str | None = None
    value: float | None = None
    base_value: float | None = None
    change: float | None = None
    change_unit: str | None = None
    change_lower_95: float | None = None
    change_upper_95: float | None = None
    significance: str | None = None
    rank_high: int | None = None
    rank_best: int | None = None
    rank_of: int | None = None
    rank_lower_95: int | None = None
    rank_upper_95: int | None = None
    broken_by: str | None = None
    sentence: str = ""
    compared_start: date | None = None
    compared_end: date | None = None
    dimension: str = "all"
    dimension_value: str = "all"
    compared_months: int | None = None
    group_size: int | None = None
    broken_materially: str | None = None


@dataclass(frozen=True)
class CheckSpec:
    """A check that is always made: its name, what must hold, and whether it stops a publication
    (ERROR) or not (WARN)."""

    name: str
    words: str
    severity: str = "WARN"


@dataclass(frozen=True)
class Check:
    """The outcome of one check, as it stands in meta.check_result and in the web interface."""

    source: str
    check_name: str
    passed: bool
    message: str
    severity: str = "WARN"
    period: str | None = None
    failed_rows: int = 0


Row = Mapping[str, Any]
