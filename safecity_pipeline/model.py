"""What the pipeline talks about, as frozen dataclasses: sources, layouts, indicators, extracts.

Belongs here: the nouns, and the one exception that bad input raises. Does not belong here:
reading, computing or storing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
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
    def of_file_name(self, words: str) -> str | None: ...
    def force(self, name: str) -> str | None: ...
    def body(self, name: str) -> str | None: ...
    def of_lsoa_name(self, name: str) -> str | None: ...
    def of_district(self, name: str) -> str | None: ...
    def local_authority(self, name: str) -> str | None: ...
    def known_code(self, code: str) -> str | None: ...
    def of_dfe_number(self, number: str) -> str | None: ...
    def upper_tier(self, name: str) -> str | None: ...
    def region(self, name: str) -> str | None: ...


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
class Window:
    """A column worked out in SQL over the clean table, when an indicator that names it is measured:
    how many offences the offender of this row has in its year, or the hour of the week.

    `expression` is SQL over the columns of the clean table and the windows declared before it.
    `of_year`: it looks over a financial year, so that only a whole year has a figure of it.
    """

    name: str
    sql_type: str
    expression: str
    description: str
    of_year: bool = False


@dataclass(frozen=True)
class CrossRow:
    """A rule that looks across rows, in SQL. Its severity and its threshold stand in
    registry/thresholds.csv; `$threshold` in the statement is that number.

    `over` says what it looks at. "clean": every clean row of the source; the statement answers
    one number, how many cases are odd, and what it finds is a warning. "extract": the table
    `candidate`, the typed rows that no other rule refused of the sheets that are read together,
    those of one layout and head, with `_extract` (which numbers the sheet) and `_row` before the
    columns of the clean table; the statement answers `_extract`,
    `_row` and `got` (a text) for each row that breaks the rule, and such rows go to quarantine
    where the severity says so.
    """

    name: str
    message: str
    sql: str
    over: str = "clean"
    severity: str = "warn"
    threshold: float | None = None


@dataclass(frozen=True)
class Fold:
    """Several rows that tell of one thing, such as a crime by each person and qualifier.

    Rows of one sheet that agree in `key` become one clean row, in the place of the first of them
    and with its values, but for the columns (of texts) `joined`: each distinct text of these, in
    the order in which they come, parted by `separator`. The others are counted in the ledger as
    `excluded_folded`. `same`: columns in which rows of one key cannot differ; one that differs from
    the first goes to quarantine, where the rule `folded_rows_agree` names both. Rows are judged
    each by itself first, so that one that is refused takes nothing else with it; a row without a
    key stands by itself. A column derived from a joined one is worked out of the whole, and refuses
    nothing.
    """

    key: tuple[str, ...]
    joined: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    separator: str = "; "


@dataclass(frozen=True)
class Range:
    """Numbers from `least` to `most`, ends included."""

    least: float
    most: float


@dataclass(frozen=True)
class Correction:
    """A known error of a source, and what is done about it until its supplier mends it.

    The keys are explained in registry/corrections.py; what is None is not asked. `expect`: column →
    what stands there as received, else nothing is done. Values are texts, compared by what they
    mean. `place`: file and entry, for those who must mend it.
    """

    correction: str
    place: str
    source: str
    action: str
    reason: str
    reported_on: date
    reported_to: str
    expect: Mapping[str, tuple[str, ...] | Range]
    files: str | None = None
    sha256: str | None = None
    sheet: str | None = None
    row: int | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    column: str | None = None
    value: str | None = None
    factor: float | None = None


@dataclass(frozen=True)
class Classification:
    """A column by whose words or codes a source sorts what it counts, watched for categories that
    come, go or are divided anew (`watch`).

    `within`: the column of the broader class that each category stands in. `words`: the column that
    says in words what a code means. `count`: SQL over the clean rows, what a category counts.
    `series`: what the categories belong to that no indicator asks for. A column in which anybody
    may write anything is none, and neither is one whose words settle only some time after
    (outcomes).
    """

    column: str
    within: str | None = None
    words: str | None = None
    count: str = "count(*)"
    series: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A kind of extract, declared once: what a row means, its rules, its unit and its manners.

    `table`, `geography`, `period_start`, `period_end` are SQL expressions over the clean rows;
    together they name the unit that is counted once however often it is delivered.
    `home_force` is the column that says which force a row comes from. `own_file_first`: a file
    that brings one unit only goes before a compilation. `key`: columns that no two rows of one
    extract may share, among the rows for which `key_where` holds. `fold`: rows that are put
    together, where a supplier sends several for one thing. `tallies`: a row is a
    number that somebody counted, so that no row means no number; else a row is an event, or one of
    many parts of a count, and an area with rows but none of those meant has 0. `adds_up`: what is
    counted in every area of a force, or of a country, is what is counted in the whole, which has a
    figure where every one of them is there. `by_chance`: a
    condition on rows; a figure of rows for which it does not hold (of people who chose to answer)
    has no interval, and neither has a change from or to it. `estimated`: a condition on rows that
    the supplier estimated; a figure of which any is one bears status E. `windows`: columns worked
    out over several rows, which indicators may name. `corrections`: known errors of its extracts,
    from registry/corrections.toml. `audience`: who may see a figure of it, once its rule of
    disclosure is applied: public, partners or analysts; nobody but analysts sees rows.
    `embargo_until`: the first day on which the public may. `settles_after`: so many days after the
    end of a period its rows change no more in the supplier's system; None: what is delivered stays
    as it is. `link_domain`: sources of one domain have the same pseudonym for the same person, see
    `ingest.pseudonyms`; without, each its own.
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
    fold: Fold | None = None
    tallies: bool = False
    adds_up: bool = False
    by_chance: str | None = None
    estimated: str | None = None
    across: tuple[CrossRow, ...] = ()
    windows: tuple[Window, ...] = ()
    settles_after: int | None = None
    link_domain: str | None = None
    classified: tuple[Classification, ...] = ()
    minimum_rows: int = 1
    maximum_rows: int | None = None
    cadence: str = "yearly"
    due_days: int | None = None
    assurance: str = ""
    sensitivity: str = ""
    audience: str = "public"
    embargo_until: date | None = None
    disclosure: str = "none"
    corrections: tuple[Correction, ...] = ()

    @property
    def clean(self) -> str:
        return f"clean.{self.name}"

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The model as pandera builds it. It is asked thousands of times in a refresh."""
        return self.model.to_schema()


@dataclass(frozen=True)
class Layout:
    """How one generation of a supplier's files spells a source.

    What it reads. `files`: patterns over file names. `sheet`: pattern over the names of a
    workbook's sheets (of the visible ones). `years`: first and last year that the entry holds for,
    where a file states its year. `refuse`: recognised, and always refused, with this reason.

    Where it stands. `head_rows`: the physical rows that make up the head; a head of several is
    joined by " / ", merged cells filled, an empty part left out. `first_row`: the first row of
    data, else the one after the head. `end`: a pattern; the first row of data in which a cell
    fits it ends the table, and belongs to it no more. `only`: head → pattern; rows whose cell
    does not fit are left out, and counted. `short_rows`: so many cells may lack at a row's end.
    `footnotes`: digits glued to the end of a head's words are footnotes, and no part of it.
    `head_spans`: in a text file, where no cells are merged, an empty cell above the last head row
    says what the one to its left does.

    What it means. `columns`: their head → our column (several heads may mean one). A head that
    stands several times is told apart by its place: "Total (2)" is the second "Total". `facts`: a
    pattern over the file name, `titles` a pattern over the cells above the head, whose groups are
    columns that the rows do not have; `given`: those columns, which a manifest may state too;
    `says`: column → its value for all rows. `wide`: pattern over heads → label, for tables with
    one column a year; where `wide_label` names several columns, parted by "|", so does the label.
    `values`: column → their value → ours.

    What stands in place of a number. `markers`: pattern over the cell → its status, which is
    "suppressed", "not_available", "not_applicable", "rounded" or "below:" and a number; an empty
    cell is the pattern "". `notes`: pattern over the remark that the source knows as a column's
    note → the status of a cell that is not available. `rounded`: pattern over labels of a wide
    table (or over our columns) whose numbers the publisher has rounded.
    """

    source: str
    name: str
    title: str
    files: tuple[str, ...]
    columns: Mapping[str, str]
    sheet: str | None = None
    years: tuple[int, ...] = ()
    head_rows: tuple[int, ...] = (1,)
    first_row: int | None = None
    end: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    short_rows: int = 0
    footnotes: bool = False
    head_spans: bool = False
    facts: str | None = None
    titles: str | None = None
    ignored: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    wide: Mapping[str, str] = field(default_factory=dict)
    wide_label: str | None = None
    wide_value: str | None = None
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    markers: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    rounded: str | None = None
    delimiter: str = ","
    refuse: str | None = None


@dataclass(frozen=True)
class Part:
    """Numerator or denominator of an indicator: rows of a source, and what is summed over them.

    `since`: the first day, such as 2013-05-01, from which the source knows what `where` asks for;
    before it no row means no number, and not 0.
    """

    source: str
    where: str = "true"
    aggregate: str = "count(*)"
    forces: str | None = None
    since: str | None = None


@dataclass(frozen=True)
class Indicator:
    """A declared measure: numerator / denominator × per, compared as listed.

    Of kind "published" it is a figure that its publisher computed: `value` says which, and the
    parts, where the publisher prints them, are told beside it and not divided. `stand_ins`: an
    upper-tier area may take the place of a peer that has no figure of its own, where
    registry/stand_ins.csv declares it. `by`: columns of the source by which its years are taken
    apart as well; parts of a list, of which a row may have several, do not add up. `rounded_to`:
    the step to which its publisher rounds a figure without counts, such as 0.1; its rank is then a
    range, of the places that this leaves.
    """

    indicator: str
    title: str
    subject: str
    unit: str
    kind: str
    per: int
    series: str
    polarity: str
    compare: tuple[str, ...]
    numerator: Part | None = None
    denominator: Part | None = None
    value: Part | None = None
    peer_group: str | None = None
    stand_ins: bool = False
    decimals: int = 1
    notes: str = ""
    by: tuple[str, ...] = ()
    rounded_to: float | None = None

    @property
    def main(self) -> Part:
        """The part whose source and rows it rests on: the published value, else the numerator."""
        part = self.value or self.numerator
        assert part is not None
        return part


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
class Reading:
    """One sheet of an extract and how it is read; a text file is one sheet without a name.

    `head`: one text a column, in order, made unambiguous. `first_row`, `last_row`: physical rows
    of data, the last None where the file goes on to its end. `spacers`: heads of columns that stand
    empty, as far as one sees from the top. `layout` is None for a sheet that is not read, with the
    reason in `message`; `rows` then are its physical rows, 0 of a hidden one, which nobody counts.
    `refused`: a layout should read the sheet, and cannot. `public_message` quotes nothing of it.
    """

    sheet: str = ""
    layout: Layout | None = None
    head: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    first_row: int = 2
    last_row: int | None = None
    spacers: tuple[str, ...] = ()
    message: str = ""
    public_message: str = ""
    refused: bool = False
    rows: int = 0


@dataclass(frozen=True)
class Extract:
    """One file as received, and what the survey found out about it before reading its rows.

    `readings`: its sheets, in order; those without a layout are counted and left out.
    `public_message`: the message without what was got, where that may quote the file.
    `seen`: size in bytes and time of the last change (nanoseconds) before its hash was
    taken, or remembered.
    """

    extract_id: str
    file: str
    path: Path
    sha256: str
    bytes: int
    status: str
    message: str
    received_at: date | None = None
    vouched: Vouched | None = None
    readings: tuple[Reading, ...] = ()
    public_message: str = ""
    synthetic: bool = False
    seen: tuple[int, int] | None = None

    @property
    def read(self) -> tuple[Reading, ...]:
        """The sheets that a layout reads."""
        return tuple(reading for reading in self.readings if reading.layout)

    @property
    def layout(self) -> Layout | None:
        """The layout of the first sheet that has one."""
        return self.read[0].layout if self.read else None

    @property
    def source(self) -> str | None:
        return self.layout.source if self.layout else None


@dataclass(frozen=True)
class Finding:
    """One row of mart.finding. A field that does not apply is None.

    Those from compared_months to broken_materially, and the last three, are for the wording only:
    months compared (some between compared_start and compared_end may be lacking), areas of the peer
    group with and without a figure, the changes of definition that break the comparison, in words,
    whether a figure in it rests on a supplier's estimate, how many years a trend could rest on, and
    its direction: 1, -1, or 0 for none.
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
    maturity_days: int | None = None
    base_maturity_days: int | None = None
    maturity_note: str | None = None
    estimated: bool = False
    printed_note: str | None = None
    trend_years: int | None = None
    trend: int | None = None


@dataclass(frozen=True)
class CheckSpec:
    """A check that is always made: its name, what must hold, and whether it stops a publication
    (ERROR) or not (WARN)."""

    name: str
    words: str
    severity: str = "WARN"


@dataclass(frozen=True)
class Check:
    """The outcome of one check, as it stands in meta.check_result and in the web interface.

    `waived_by`: the waivers that accept that it fails, which leave the outcome as it is.
    """

    source: str
    check_name: str
    passed: bool
    message: str
    severity: str = "WARN"
    period: str | None = None
    failed_rows: int = 0
    waived_by: str | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing may be published for it."""
        return self.severity == "ERROR" and not self.passed and self.waived_by is None


Row = Mapping[str, Any]
