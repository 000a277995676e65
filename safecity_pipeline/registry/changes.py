"""Definitional changes and the series that they reach: what changed in what is counted, and when.

Belongs here: reading `definitional_changes.csv` and `series.csv`, the meaning of a scope, and
refusing a row that could lie dormant because of a slip. Does not belong here: which pairs of
periods a change breaks (`breaks`), and the facts themselves (the two csv files).

`series.csv`, one series a row, every ancestor listed too. A series is a concept, whatever the
source; the dots go from whole to part.

* `parked`: why no indicator uses it yet; blank where one does.
* `also`: series that this one mixes, where a publisher counts several concepts together and no
  dot can say so. A change that reaches one of them reaches the mixture; a change below one of
  them does not, as it does not reach that one either, unless `also` lists the lower series too.

`definitional_changes.csv`, one change a row; a change is added by adding a row.

* `effective_first` to `effective_last`: the days over which it came; `effective_date` among them.
* `test_dates`: days at which the figures may show it, parted by blanks; where it is blank, a
  material change that came on one day is tested on that day, and a slower one nowhere.
* `kind`: one of KINDS; `nature`: the same in freer words, where there are any.
* `series_scope`: terms separated by blanks. `name` means it and all below, `=name` it alone,
  `!name` neither it nor below, whatever other terms say, `@source` all counted from that source.
  A term that reaches nothing, or that excludes nothing, is refused: it can only be a slip.
* `reference_series`: series that the change leaves as they were, so that they can show its size.
* `in_short`: what sentences for residents say of it; blank for the words of `what_changed`.
* `materiality`: `material` breaks a comparison, `negligible` and `event` are noted beside it.
* `area_scope`: `national` (or `national, force-dated` and the like, where the day differed from
  place to place) reaches every area; `force`, `area` and `one peer` reach the `area_code` that they
  name: that police force's areas, that authority. `supplier` is who sends a source for that area,
  its hospital or the contractor of its survey: its scope is of `@source` and `!name` only.
  `area_code` is blank for `national`.
* `status`: what is sure and what is to verify; every other column is text for readers.

A deployment's own `definitional_changes.csv`, beside its safecity.toml, adds rows to the packaged
ones. It may leave out columns but for those in NEEDED; a change whose `effective_first` and
`effective_last` are blank came on its `effective_date`.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from safecity_pipeline import sources as source_modules
from safecity_pipeline.model import Refused
from safecity_pipeline.period import describe_coverage
from safecity_pipeline.registry.areas import Areas

__all__ = ["Change", "Changes", "Materiality", "Scope", "Series", "load"]

Materiality = Literal["material", "negligible", "event"]
MATERIALITIES: tuple[Materiality, ...] = get_args(Materiality)
KINDS = (
    *("counting rule", "classification", "collection", "law", "measure", "geography"),
    *("denominator", "comparator", "event"),
)
"""What kind of thing changed."""
FILE = "definitional_changes.csv"

SERIES_COLUMNS = ["series", "title", "parked", "also"]
CHANGE_COLUMNS = [
    "id",
    "effective_date",
    "effective_first",
    "effective_last",
    "test_dates",
    "kind",
    "what_changed",
    "in_short",
    "series_scope",
    "materiality",
    "affects",
    "claims",
    "area_scope",
    "area_code",
    "expected_direction",
    "size_if_published",
    "back_series",
    "handling",
    "source_name",
    "status",
    "nature",
    "reference_series",
]
NEEDED = (
    *("id", "effective_date", "kind", "what_changed", "series_scope", "materiality"),
    *("area_scope", "status"),
)
"""Columns that a deployment's own file must have, and every row of it must fill."""

_SERIES_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_CHANGE_ID = re.compile(r"[A-Za-z0-9_-]+")
_NATIONAL = re.compile(r"national(, \w+-dated)?")
# area scope that names one area -> the types that it may have
_ONE_AREA = {
    "force": ("police_force",),
    "area": ("local_authority", "county"),
    "one peer": ("local_authority",),
    "supplier": ("local_authority", "county", "police_force"),
}
_EARLIEST = date(1990, 1, 1)  # no extract is older; a year such as 0214 is a slip
_AHEAD = timedelta(days=2 * 366)  # changes are announced before they come, but not decades
_LONGEST = timedelta(days=5 * 366)  # 2014 to 2041 would break every comparison since
_SIGNS = "=!@"

Value = str | date | None
Row = TypeVar("Row")


@dataclass(frozen=True)
class Series:
    """One row of `series.csv`. `also`: the series that it mixes."""

    series: str
    title: str
    parked: str | None
    also: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """What a change reaches: terms of a sign (empty, `=`, `!` or `@`) and a name."""

    terms: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, text: str) -> Scope:
        """Read terms separated by blanks. Whether their names are known, `load` checks."""
        return cls(tuple(_term(word) for word in text.split()))

    def reaches(self, series: str, also: Sequence[str], sources: AbstractSet[str]) -> bool:
        """Whether the scope reaches a series that mixes `also` and is counted from `sources`.

        A mixture is excluded by `!` where that names the mixture, or everything that it mixes.
        """
        if self._excludes(series) or (also and all(map(self._excludes, also))):
            return False
        return self._includes(series, sources) or any(
            self._includes(part, sources) and not self._excludes(part) for part in also
        )

    def _includes(self, series: str, sources: AbstractSet[str]) -> bool:
        return any(
            (sign == "" and _at_or_below(series, name))
            or (sign == "=" and series == name)
            or (sign == "@" and name in sources)
            for sign, name in self.terms
        )

    def _excludes(self, series: str) -> bool:
        return any(sign == "!" and _at_or_below(series, name) for sign, name in self.terms)


@dataclass(frozen=True)
class Change:
    """One row of `definitional_changes.csv`: its columns, and `scope`, which is its scope read.

    `area_code` None reaches every area. Texts are as in the file, empty ones included.
    `references`: the names in `reference_series`; `own`: the deployment declared it.
    """

    id: str
    effective_date: date
    effective_first: date
    effective_last: date
    test_dates: tuple[date, ...]
    kind: str
    what_changed: str
    in_short: str
    series_scope: str
    materiality: Materiality
    affects: str
    claims: str
    area_scope: str
    area_code: str | None
    expected_direction: str
    size_if_published: str
    back_series: str
    handling: str
    source_name: str
    status: str
    nature: str
    reference_series: str
    scope: Scope
    own: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(self.reference_series.split())

    def concerns(self, area_code: str, force_code: str | None) -> bool:
        """Whether the change reaches an area whose home force is `force_code`."""
        return self.area_code is None or self.area_code in (area_code, force_code)

    @cached_property
    def told(self) -> str:
        """When, what, its id, for readers: 1 April 2014: stalking is counted apart, D47."""
        first, last = self.effective_first, self.effective_last
        return f"{describe_coverage(first, last)}: {self.in_short or self.what_changed}, {self.id}"


@dataclass(frozen=True)
class Changes:
    """Every definitional change, in the order of the file, and every series by name."""

    changes: tuple[Change, ...]
    series: Mapping[str, Series]

    def named(self, series: str, place: str = "") -> Series:
        """The series of that name. Raises Refused, at `place`, for one not in `series.csv`."""
        return _known(self.series, series, place, "series")

    def reaches(self, change: Change, series: str, sources: AbstractSet[str]) -> bool:
        """Whether a change reaches what is counted as `series` from `sources`.

        Raises Refused for a series that is not in `series.csv`.
        """
        return change.scope.reaches(series, self.named(series).also, sources)

    def rows(self) -> list[dict[str, Value]]:
        """The changes for meta.definitional_change: the columns of the file, in its order, and
        `declared_by`: package or deployment.

        Dates are dates, but for `test_dates`, which is text; a blank cell is None.
        """
        return [_change_row(change) for change in self.changes]

    def series_rows(self) -> list[dict[str, Value]]:
        """The series for meta.series: series, title, parked and also (blanks between the names)."""
        return [
            {
                "series": one.series,
                "title": one.title,
                "parked": one.parked,
                "also": " ".join(one.also) or None,
            }
            for one in self.series.values()
        ]


def load(
    folder: Path | None = None,
    sources: Collection[str] | None = None,
    areas: Areas | None = None,
    own: Path | None = None,
) -> Changes:
    """Read `series.csv` and `definitional_changes.csv` of `folder`, or the packaged ones.

    `sources`: names that `@` may mention; `areas`: whose codes `area_code` may be; without them,
    every source module and the packaged areas. `own`: a deployment's folder, whose file, where
    there is one, adds changes. Raises Refused, naming file, row and repair, for
    other columns, a series, source, area, date or word that is not known, and a repeated name.
    """
    folder = folder or Path(__file__).parent
    series = _load_series(folder / "series.csv")
    names = source_modules.discover() if sources is None else sources
    areas = areas or Areas.load()

    def change(row: Mapping[str, str], place: str) -> Change:
        place = f"{place}, {row['id']}"
        found = _change(row, place)
        _check_scope(found, series, names, place)
        _check_references(found, series, place)
        _check_area(found, areas, place)
        return found

    path = folder / FILE
    found = _unique(_read(path, CHANGE_COLUMNS, change), lambda one: one.id, path)
    if own and (own / FILE).is_file():
        added = _unique(_read_own(own / FILE, change), lambda one: one.id, own / FILE)
        _check_ids(found, added, own / FILE)
        found |= added
    return Changes(tuple(found.values()), series)


def _check_ids(packaged: Collection[str], added: Collection[str], path: Path) -> None:
    for name in added:
        if name in packaged:
            repair = "give yours another id, as S01; a packaged change stays as it is"
            raise Refused("a packaged change has this id", str(path), name, repair)


# --- series ------------------------------------------------------------------------------------


def _load_series(path: Path) -> dict[str, Series]:
    found = _unique(_read(path, SERIES_COLUMNS, _series), lambda one: one.series, path)
    for one in found.values():
        place = f"{path}, {one.series}"
        whole = one.series.rpartition(".")[0]
        if whole and whole not in found:
            raise Refused("the series above is not listed", place, whole, "add a row for it")
        for part in one.also:
            _check_part(found, one, part, place)
    return found


def _series(row: Mapping[str, str], place: str) -> Series:
    name, title = row["series"], row["title"]
    if not _SERIES_NAME.fullmatch(name):
        raise Refused("not the name of a series", place, name, "write it as asb.incidents")
    if not title:
        raise Refused("a series needs a title", f"{place}, {name}", title, "say what it counts")
    return Series(name, title, row["parked"] or None, tuple(row["also"].split()))


def _check_part(known: Mapping[str, Series], one: Series, part: str, place: str) -> None:
    mixed = _known(known, part, place, "series in also")
    if _at_or_below(one.series, part):
        raise Refused("a series is no part of itself", place, part, "drop it from also")
    if mixed.also:
        raise Refused("what is mixed is itself a mixture", place, part, "list its parts instead")


# --- changes -----------------------------------------------------------------------------------


def _change(row: Mapping[str, str], place: str) -> Change:
    if not _CHANGE_ID.fullmatch(row["id"]):
        raise Refused("not an id", place, row["id"], "write one word, as D53")
    _check_words(row, place)
    first, day, last = _days(row, place)
    texts: dict[str, Any] = {column: row[column] for column in CHANGE_COLUMNS if column in _TEXTS}
    return Change(
        **texts,
        effective_first=first,
        effective_date=day,
        effective_last=last,
        test_dates=_tests(row, first, last, place),
        materiality=_materiality(row["materiality"], place),
        area_code=row["area_code"] or None,
        scope=Scope.of(row["series_scope"]),
    )


def _check_words(row: Mapping[str, str], place: str) -> None:
    if not re.search(r"\b(sure|to verify)\b", row["status"]):
        got, repair = row["status"], "write sure, or what is to verify: day to verify"
        raise Refused("a change needs a status", place, got, repair)
    if row["kind"] not in KINDS:
        near = difflib.get_close_matches(row["kind"], KINDS, 1)
        repair = (f"did you mean {near[0]}? " if near else "") + f"known: {', '.join(KINDS)}"
        raise Refused("unknown kind of change", place, row["kind"], repair)
    if (row["kind"] == "event") != (row["materiality"] == "event"):
        got = f"kind {row['kind']}, materiality {row['materiality']}"
        repair = "write event for both, or for neither: an event changes no definition"
        raise Refused("kind and materiality contradict each other", place, got, repair)


_READ = {
    "effective_first",
    "effective_date",
    "effective_last",
    "test_dates",
    "materiality",
    "area_code",
}
_TEXTS = set(CHANGE_COLUMNS) - _READ


def _days(row: Mapping[str, str], place: str) -> tuple[date, date, date]:
    columns = ("effective_first", "effective_date", "effective_last")
    first, day, last = (_date(row[column], f"{place}, {column}") for column in columns)
    if not first <= day <= last:
        got = tuple(row[column] for column in columns)
        repair = "order them: effective_first, effective_date, effective_last"
        raise Refused("the dates of a change are out of order", place, got, repair)
    if last - first > _LONGEST:
        spanned = f"{first} to {last}"
        repair = "mend the year, or write a row for each step of it"
        raise Refused("a change came over more than five years", place, spanned, repair)
    if first < _EARLIEST or first > datetime.now(UTC).date() + _AHEAD:
        rule = f"no data reach this date: it is before {_EARLIEST} or over two years ahead"
        raise Refused(rule, place, row["effective_first"], "mend the year")
    return first, day, last


def _tests(row: Mapping[str, str], first: date, last: date, place: str) -> tuple[date, ...]:
    """Within the change, from the first day of the month in which it began; of a material one that
    came on one day that day, where none is named."""
    found = tuple(_date(text, place) for text in row["test_dates"].split())
    if not found and first == last and row["materiality"] == "material":
        return (first,)
    for day in found:
        if not first.replace(day=1) <= day <= last:
            repair = f"write days from {first.replace(day=1)} to {last}"
            raise Refused("a test date is not within the change", place, str(day), repair)
    return found


def _date(text: str, place: str) -> date:
    # fromisoformat alone also reads 20140401 and 2014-W14-2
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Refused("not a date", place, text, "write it as 2014-04-01")


def _materiality(text: str, place: str) -> Materiality:
    for word in MATERIALITIES:
        if text == word:
            return word
    raise Refused("unknown materiality", place, text, f"write one of {', '.join(MATERIALITIES)}")


def _check_scope(
    change: Change, series: Mapping[str, Series], sources: Collection[str], place: str
) -> None:
    terms = change.scope.terms
    if all(sign == "!" for sign, _ in terms):
        raise Refused(
            "this scope reaches nothing", place, change.series_scope, "name a series or an @source"
        )
    for sign, name in terms:
        known, what = (sources, "source") if sign == "@" else (series, "series")
        _known(dict.fromkeys(known), name, place, f"{what} in series_scope")
    for term in terms:
        if term[0] != "@":
            _check_term(term, change.scope, series, place)


def _check_term(
    term: tuple[str, str], scope: Scope, series: Mapping[str, Series], place: str
) -> None:
    """Refuse a term that says nothing: it includes only what others exclude, or excludes what no
    other includes."""
    rest = Scope((term, *(one for one in scope.terms if one[0] == "!")))
    rule, repair = "this term of the scope reaches nothing", "drop it, or what excludes all of it"
    if term[0] == "!":
        rest = Scope(tuple(one for one in scope.terms if one[0] != "!"))
        rule, repair = "this term excludes nothing", "drop it, or name what it is taken out of"
    named = {name for sign, name in rest.terms if sign == "@"}
    found = [
        one
        for one in series.values()
        if rest.reaches(one.series, one.also, named)
        and (term[0] != "!" or _at_or_below(one.series, term[1]))
    ]
    if not found:
        raise Refused(rule, place, "".join(term), repair)


def _check_references(change: Change, series: Mapping[str, Series], place: str) -> None:
    for name in change.references:
        one = _known(series, name, place, "series in reference_series")
        if change.scope.reaches(name, one.also, set()):
            rule = "a change is no reference for itself: its scope reaches this series"
            raise Refused(rule, place, name, "name a series that it leaves as it was")


def _check_area(change: Change, areas: Areas, place: str) -> None:
    types = _ONE_AREA.get(change.area_scope)
    if types is None and not _NATIONAL.fullmatch(change.area_scope):
        repair = f"write national, or national, force-dated and the like, or {', '.join(_ONE_AREA)}"
        raise Refused("unknown words in area_scope", place, change.area_scope, repair)
    if types is None and change.area_code:
        repair = f"leave it blank, or write as area_scope one of {', '.join(_ONE_AREA)}"
        raise Refused("a national change has no area_code", place, change.area_code, repair)
    if types and not any(a.code == change.area_code and a.type in types for a in areas.areas):
        kind = " or a ".join(types)
        rule = f"area_scope {change.area_scope} needs the code of a {kind} in area_code"
        raise Refused(rule, place, change.area_code or "", "take it from areas.csv")
    if change.area_scope == "supplier" and any(sign in ("", "=") for sign, _ in change.scope.terms):
        rule = "the scope of a supplier's change is what it supplies: @source, and !name"
        raise Refused(rule, place, change.series_scope, "write it as @ed_assault")


def _change_row(change: Change) -> dict[str, Value]:
    row = {column: getattr(change, column) or None for column in CHANGE_COLUMNS}
    row["test_dates"] = " ".join(day.isoformat() for day in change.test_dates) or None
    return row | {"declared_by": "deployment" if change.own else "package"}


# --- helpers -----------------------------------------------------------------------------------


def _term(word: str) -> tuple[str, str]:
    return (word[0], word[1:]) if word[0] in _SIGNS else ("", word)


def _at_or_below(series: str, name: str) -> bool:
    return series == name or series.startswith(f"{name}.")


def _known(known: Mapping[str, Row], name: str, place: str, what: str) -> Row:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        listed = "known: " + ", ".join(known) if "source" in what else "add it to series.csv"
        raise Refused(f"unknown {what}", place, name, meant + listed)
    return known[name]


def _unique(rows: Iterator[Row], name: Callable[[Row], str], path: Path) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        if name(row) in found:
            raise Refused("two rows have this name", str(path), name(row), "drop or rename one")
        found[name(row)] = row
    return found


def _read(
    path: Path, columns: Sequence[str], read: Callable[[Mapping[str, str], str], Row]
) -> Iterator[Row]:
    table = _table(path)
    head = table[0] if table else []
    if head != columns:
        raise Refused("other columns than expected", str(path), head, f"write {columns}")
    for number, cells in enumerate(table[1:], start=2):
        place = f"{path}, row {number}"
        if len(cells) != len(columns):
            rule = f"a row must have {len(columns)} cells"
            raise Refused(rule, place, len(cells), "put a text that holds commas in quotes")
        yield read(dict(zip(columns, (cell.strip() for cell in cells), strict=True)), place)


def _read_own(path: Path, read: Callable[[Mapping[str, str], str], Change]) -> Iterator[Change]:
    """The rows of a deployment's file, which may leave out columns, and lines."""
    head, *rest = _table(path) or [[]]
    _check_head(head, path)
    for number, cells in enumerate(rest, start=2):
        place = f"{path}, row {number}"
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave such rows at the end
        if len(cells) != len(head):
            rule = f"a row must have {len(head)} cells, as its head has"
            raise Refused(rule, place, len(cells), "put a text that holds commas in quotes")
        given = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        for column in NEEDED:
            if not given[column]:
                raise Refused(f"{column} is blank", place, repair="fill it")
        days = dict.fromkeys(("effective_first", "effective_last"), given["effective_date"])
        days |= {name: given[name] for name in days if given.get(name)}
        yield replace(read(dict.fromkeys(CHANGE_COLUMNS, "") | given | days, place), own=True)


def _check_head(head: Sequence[str], path: Path) -> None:
    for column in head:
        if column not in CHANGE_COLUMNS or head.count(column) > 1:
            near = difflib.get_close_matches(column, CHANGE_COLUMNS, 1)
            repair = (f"did you mean {near[0]}? " if near else "") + f"known: {CHANGE_COLUMNS}"
            raise Refused(
                "not a column of definitional changes, or twice", str(path), column, repair
            )
    for column in NEEDED:
        if column not in head:
            raise Refused(f"the column {column} is missing", str(path), repair=f"have {NEEDED}")


def _table(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise Refused("no such file", str(path), repair="give the folder that holds it")
    try:
        # spreadsheets put a byte order mark in front
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.reader(lines, strict=True))
    except UnicodeDecodeError:
        raise Refused("not UTF-8", str(path), repair="save it as CSV UTF-8") from None
    except csv.Error as error:
        raise Refused(f"not CSV: {error}", str(path), repair="save it as CSV UTF-8") from None
