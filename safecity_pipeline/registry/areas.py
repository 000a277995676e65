"""The geography of England and Wales: which name means which area, and what an area is made of.

Belongs here: reading `areas.csv`, `area_members.csv` and `peers.csv`, and looking areas up by the
code or by the spelling of a publisher. A name is known or not; nothing is matched by likeness.

Does not belong here: the facts themselves (the three csv files; `tools/make_areas.py` writes the
first two), populations (a source), and ranks within a peer group (`compare`).

The files, one area a row:

* `areas.csv`: `start` and `end` are the first and the last day; blank is open, a blank start also
  means "before 2009-04-01". A partnership of one authority is that authority: its name is among the
  authority's aliases and its code is `csp_code`. An alias that looks like a code is a former code.
* A county (type `county`) is the upper tier of two: its districts are authorities of their own, and
  its members. Every other authority but a district is of the upper tier too.
* Two areas may have one `dfe_number` or one upper-tier name one after the other, never on one day.
* `area_members.csv`: the authorities that an area is made of, in the geography of a date.
* `peers.csv`: dated groups of most similar areas; blank dates are open, so both blank is frozen.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, get_args

from safecity_pipeline.model import Refused

__all__ = ["KINDS", "Area", "Areas", "Kind", "PeerGroup"]

Kind = Literal[
    "local_authority", "county", "csp", "police_force", "subregion", "region", "country", "body"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

AREA_COLUMNS = [
    "code",
    "name",
    "type",
    "country",
    "region_code",
    "force_code",
    "csp_code",
    "start",
    "end",
    "successors",
    "dfe_number",
    "aliases",
]
MEMBER_COLUMNS = ["area_code", "as_of", "member_code"]
PEER_COLUMNS = [
    "group",
    "version",
    "area_code",
    "peer_code",
    "applies_from",
    "applies_to",
    "source",
]

_FORMER_CODE = re.compile(r"[EW]\d{8}")
_LSOA_NAME = re.compile(r"(?P<stem>.+) [0-9]{3}[A-Z]")
_AROUND_A_DISTRICT = re.compile(r"(?i)^(?:city of )?(.+?)(?: city| district| \(b\))?$")
_FOOTNOTES = re.compile(r"(?<=[^\W\d_]|\))[0-9]{1,2}(,[0-9]{1,2})*$")
_DISTRICT = "E07"  # the first three signs of a code of the Office for National Statistics: the kind
_WIDE: tuple[Kind, ...] = ("region", "subregion", "country")

Value = str | date | None
Span = tuple[date | None, date | None]
Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Area:
    """One area or body. `start` and `end` are its first and last day, None where open.

    `csp_code` is the partnership that the authority belongs to, or is; None where no lookup that we
    hold gives one. `dfe_number` is the three-digit number of the Department for Education, as text.
    """

    code: str
    name: str
    type: Kind
    country: str | None
    region_code: str | None
    force_code: str | None
    csp_code: str | None
    start: date | None
    end: date | None
    successors: tuple[str, ...]
    dfe_number: str | None
    aliases: tuple[str, ...]

    @property
    def is_upper_tier(self) -> bool:
        """Whether it runs schools and children's services: a county, or no district of one."""
        single = self.type == "local_authority" and not self.code.startswith(_DISTRICT)
        return single or self.type == "county"

    def existed_on(self, day: date) -> bool:
        """Whether the area existed on that day, both ends included."""
        return _covers(self.start, self.end, day)

    @property
    def former_codes(self) -> tuple[str, ...]:
        """Other codes that publishers have used for the same area."""
        return tuple(alias for alias in self.aliases if _FORMER_CODE.fullmatch(alias))

    @property
    def names(self) -> tuple[str, ...]:
        """The official name, then every other spelling."""
        return (self.name, *(a for a in self.aliases if not _FORMER_CODE.fullmatch(a)))


@dataclass(frozen=True)
class PeerGroup:
    """The areas that one is compared with. `members` are codes: the area itself, then its peers."""

    group: str
    version: str
    area_code: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Areas:
    """Every area, with look-ups by code and by publishers' spellings. Make one with `Areas.load()`.

    Names are compared without regard to case and to surrounding or doubled blanks. Every look-up
    answers None for what it does not know, and none of them guesses.
    """

    areas: tuple[Area, ...]
    _members: tuple[_Member, ...]
    _peers: tuple[_Peer, ...]
    _codes: Mapping[str, Area]
    _names: Mapping[tuple[Kind, str], Area]
    _upper_tier: Mapping[str, tuple[Area, ...]]
    _dfe_numbers: Mapping[str, tuple[Area, ...]]
    _wide: Mapping[str, Area]
    _memberships: Mapping[str, tuple[tuple[date, tuple[str, ...]], ...]]

    @classmethod
    def load(cls, folder: Path | None = None) -> Areas:
        """Read the three csv files of `folder`, or the packaged ones.

        Raises Refused, naming file and line, for a missing file, other columns, an unreadable date
        or type, a code that is no area, a code or alias that means two areas of one kind, and a
        DfE number or an upper-tier name that means two areas on one day.
        """
        folder = folder or Path(__file__).parent
        path = folder / "areas.csv"
        areas = tuple(_read(path, AREA_COLUMNS, _area))
        members = tuple(_read(folder / "area_members.csv", MEMBER_COLUMNS, _Member.of))
        peers = tuple(_read(folder / "peers.csv", PEER_COLUMNS, _Peer.of))
        known = {area.code for area in areas}
        _refuse_unknown(known, path, ((a.code, *_links(a)) for a in areas))
        _refuse_unknown(known, folder / "area_members.csv", ((m.area, m.member) for m in members))
        _refuse_unknown(known, folder / "peers.csv", ((p.area, p.peer) for p in peers))
        _refuse_overlapping(peers, folder / "peers.csv")
        return cls(
            areas,
            members,
            peers,
            _index_codes(areas, path),
            _index_names(areas, path),
            _index_upper_tier(areas, path),
            _index_dfe_numbers(areas, path),
            _index_wide(areas, path),
            _index_members(members),
        )

    def by_code(self, code: str) -> Area | None:
        """The area of that code, a former code, or the code of a one-authority partnership."""
        return self._codes.get(code.strip())

    def known_code(self, code: str) -> str | None:
        """The code by which areas.csv knows an area, from that or any other that `by_code` finds.

        In any case of letters. A code that stood for the same area before is answered by today's.
        """
        area = self.by_code(code.upper())
        return area.code if area else None

    def of_dfe_number(self, number: str, on: date | None = None) -> str | None:
        """The code of the authority, region or country with that DfE number, such as `852`.

        One number is one territory: 815, 825 and 933 went from a county to the one authority that
        replaced it, while Dorset got another number with other boundaries. With `on`, the holder
        on that day; without it the first holder, so that a series keeps one code. A number that
        went through a column of floating-point numbers (`852.0`) is read as well.
        """
        return _first(self._dfe_numbers.get(number.strip().removesuffix(".0"), ()), on)

    def upper_tier(self, name: str, on: date | None = None) -> str | None:
        """The code of a county, unitary authority, or metropolitan or London borough by name.

        Districts of a county are not among them. `Buckinghamshire`, `Dorset`, `North Yorkshire` and
        `Somerset` were a county and then an authority: with `on`, the one of that day; without it,
        the county. `Dorset` alone changed its boundary, so give `on` for days after March 2019.
        Footnotes glued to a name are no part of it: `Merton2` is Merton.
        """
        found = (self._upper_tier.get(key, ()) for key in _keys(name))
        return _first(next(filter(None, found), ()), on)

    def local_authority(self, name: str, on: date | None = None) -> str | None:
        """The code of the authority of that name; with `on`, only if it existed on that day.

        Give `on` for extracts about counties: `Dorset` in 2014 was a county council, which is not
        the authority of that name that began in 2019.
        """
        return self._code("local_authority", name, on)

    def csp(self, name: str, on: date | None = None) -> str | None:
        """The code of a Community Safety Partnership as the Home Office spells it.

        Several authorities together: the partnership's own code; one authority: that authority's.
        Without `on` a partnership of several goes before an authority of the same name; with it,
        only what existed on that day is considered (`Dorset` is six districts until March 2019).
        """
        return self._code("csp", name, on) or self._code("local_authority", name, on)

    def force(self, name: str) -> str | None:
        """The code of one of the 43 territorial forces."""
        return self._code("police_force", name, None)

    def of_file_name(self, words: str) -> str | None:
        """The code of a partnership, authority or county as files are named after it: `st-helens`,
        `brighton_and_hove`, `Southampton`. Of one name, a partnership goes before an authority and
        that before a county; None where two of one kind are spelt alike.
        """
        return self._file_names.get(_file_name(words))

    @cached_property
    def _file_names(self) -> Mapping[str, str | None]:
        spelt: dict[str, str | None] = {}
        for kind in ("csp", "local_authority", "county"):
            named = {
                (_file_name(name), a.code) for a in self.areas if a.type == kind for name in a.names
            }
            times = Counter(name for name, _ in named)
            own = {name: code if times[name] == 1 else None for name, code in named}
            spelt = {**own, **spelt}
        return spelt

    def body(self, name: str) -> str | None:
        """The short word for a body that records crime but has no area in England and Wales."""
        return self._code("body", name, None)

    def region(self, name: str) -> str | None:
        """The code of a region of England, of Inner or Outer London, or of England or Wales.

        Footnotes glued to the name are no part of it: `ENGLAND9` is England.
        """
        return next((self._wide[key].code for key in _keys(name) if key in self._wide), None)

    def country(self, name: str) -> str | None:
        """The code of England or of Wales."""
        return self._code("country", name, None)

    def of_lsoa_name(self, name: str) -> str | None:
        """The authority of an LSOA name such as `Southampton 001A`, whichever census named it."""
        found = _LSOA_NAME.fullmatch(" ".join(name.split()))
        return self.local_authority(found["stem"]) if found else None

    def of_district(self, name: str) -> str | None:
        """The authority of a district as a police force writes it: `Southampton`,
        `SOUTHAMPTON CITY`, `City of Southampton`, `Southampton (B)`.
        """
        bare = _AROUND_A_DISTRICT.match(name)
        return self.local_authority(name) or (self.local_authority(bare[1]) if bare else None)

    def home_force(self, area_code: str) -> str | None:
        """The territorial force that polices an authority or a partnership."""
        area = self.by_code(area_code)
        return area.force_code if area else None

    def members(self, area_code: str, as_of: date) -> tuple[str, ...]:
        """The authorities that make up an area, in the geography of `as_of`.

        The newest membership at or before that day. An authority that began later is its whole
        predecessors. One that has ended stays itself, and so is missing from a table in later
        codes: check that every member is there before a sum is called a population. Empty where
        nothing is known, and for bodies.
        """
        area = self.by_code(area_code)
        dated = self._memberships.get(area.code, ()) if area else ()
        return next((codes for day, codes in reversed(dated) if day <= as_of), ())

    def parts_of(self, area_code: str, on: date | None = None) -> tuple[str, ...]:
        """The areas of the next level that together are this one, for sums against a total.

        England: its nine regions. London: Inner and Outer London; each of them: its boroughs. Any
        other region, and Wales: its upper-tier authorities, with `on` those of that day and without
        it all that ever were, of which some follow others. Empty for every other area.
        """
        area = self.by_code(area_code)
        if area is None or area.type not in _WIDE:
            return ()
        if area.type == "subregion":
            return self.members(area.code, on or date.max)
        parts = [one for one in self._below(area) if on is None or one.existed_on(on)]
        return tuple(one.code for one in parts)

    def _below(self, area: Area) -> Iterable[Area]:
        """Regions of a country, else subregions, else upper-tier authorities of a region."""
        if area.type == "country":
            regions = [a for a in self.areas if a.type == "region" and a.country == area.country]
            if regions:
                return regions
        within = [a for a in self.areas if a.region_code == area.code and a is not area]
        halves = [a for a in within if a.type == "subregion"]
        return halves or [a for a in within if a.is_upper_tier]

    def peer_group(self, group: str, area_code: str, on: date) -> PeerGroup | None:
        """The version of a peer group that applies to an area on that day, or None."""
        chosen = [
            peer
            for peer in self._peers
            if (peer.group, peer.area) == (group, area_code) and _covers(peer.since, peer.until, on)
        ]
        if not chosen:
            return None
        members = (area_code, *(peer.peer for peer in chosen))
        return PeerGroup(group, chosen[0].version, area_code, members)

    def rows(self) -> list[dict[str, Value]]:
        """`areas.csv` for meta.area: text or None, dates as dates, lists as in the file."""
        return [_area_row(area) for area in self.areas]

    def member_rows(self) -> list[dict[str, Value]]:
        """`area_members.csv` for a table: area_code, as_of (a date), member_code."""
        return [dict(zip(MEMBER_COLUMNS, row, strict=True)) for row in self._members]

    def peer_rows(self) -> list[dict[str, Value]]:
        """`peers.csv` for the table meta.peer; a blank date is None."""
        return [dict(zip(PEER_COLUMNS, row, strict=True)) for row in self._peers]

    def _code(self, kind: Kind, name: str, on: date | None) -> str | None:
        area = self._names.get((kind, _key(name)))
        if area is None or (on is not None and not area.existed_on(on)):
            return None
        return area.code


class _Member(NamedTuple):
    """A row of area_members.csv."""

    area: str
    as_of: date
    member: str

    @classmethod
    def of(cls, row: Mapping[str, str], place: str) -> _Member:
        as_of = _date(row["as_of"], place)
        if as_of is None:
            raise Refused("as_of must not be blank", place, "", "write the day, as 2020-04-01")
        return cls(row["area_code"], as_of, row["member_code"])


class _Peer(NamedTuple):
    """A row of peers.csv."""

    group: str
    version: str
    area: str
    peer: str
    since: date | None
    until: date | None
    source: str

    @classmethod
    def of(cls, row: Mapping[str, str], place: str) -> _Peer:
        if row["area_code"] == row["peer_code"]:
            raise Refused("an area is no peer of itself", place, row["peer_code"], "drop the row")
        since, until = _date(row["applies_from"], place), _date(row["applies_to"], place)
        head = (row["group"], row["version"], row["area_code"], row["peer_code"])
        return cls(*head, since, until, row["source"])


def _area(row: Mapping[str, str], place: str) -> Area:
    if row["type"] not in KINDS:
        raise Refused("unknown type of area", place, row["type"], f"known: {', '.join(KINDS)}")
    return Area(
        code=row["code"],
        name=row["name"],
        type=row["type"],
        country=row["country"] or None,
        region_code=row["region_code"] or None,
        force_code=row["force_code"] or None,
        csp_code=row["csp_code"] or None,
        start=_date(row["start"], place),
        end=_date(row["end"], place),
        successors=tuple(row["successors"].split()),
        dfe_number=row["dfe_number"] or None,
        aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
    )


def _area_row(area: Area) -> dict[str, Value]:
    row = {column: getattr(area, column) for column in AREA_COLUMNS}
    row["successors"] = " ".join(area.successors) or None
    row["aliases"] = "|".join(area.aliases) or None
    return row


def _read(
    path: Path, columns: Sequence[str], read: Callable[[Mapping[str, str], str], Row]
) -> Iterator[Row]:
    if not path.is_file():
        raise Refused(
            "no such file", str(path), repair="run tools/make_areas.py, or give its folder"
        )
    with path.open(encoding="utf-8", newline="") as lines:
        table = csv.reader(lines, strict=True)
        head = next(table, [])
        if head != list(columns):
            raise Refused("other columns than expected", str(path), head, f"write {list(columns)}")
        for number, cells in enumerate(table, start=2):
            place = f"{path}, row {number}"
            if len(cells) != len(columns):
                raise Refused(f"a row must have {len(columns)} cells", place, len(cells))
            yield read(dict(zip(columns, cells, strict=True)), place)


def _date(text: str, place: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused("not a date", place, text, "write it as 2020-04-01") from None


def _covers(start: date | None, end: date | None, day: date) -> bool:
    return (start is None or start <= day) and (end is None or day <= end)


def _file_name(words: str) -> str:
    """Letters and digits alone, words parted by hyphens; apostrophes and points are not written."""
    plain = re.sub(r"['.\N{RIGHT SINGLE QUOTATION MARK}]", "", words.casefold()).replace(
        "&", " and "
    )
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _keys(name: str) -> Iterator[str]:
    """The key of a name as written; then, if digits are glued to its end, without them."""
    key = _key(name)
    yield key
    without = _FOOTNOTES.sub("", key)
    if without != key:
        yield without


def _first(areas: Iterable[Area], on: date | None) -> str | None:
    """The code of the earliest of areas in order of time, or of the one that existed on a day."""
    return next((area.code for area in areas if on is None or area.existed_on(on)), None)


def _links(area: Area) -> tuple[str, ...]:
    codes = (area.region_code, area.force_code, *area.successors)
    return tuple(code for code in codes if code)


def _index_codes(areas: Iterable[Area], path: Path) -> dict[str, Area]:
    """Codes, then former codes, then the codes of partnerships that are one authority."""
    index: dict[str, Area] = {}
    for area in areas:
        for code in (area.code, *area.former_codes):
            _put(index, code, area, f"code {code}", path)
    partnerships = {area.code for area in areas if area.type == "csp"}
    for area in areas:
        if area.csp_code and area.csp_code not in partnerships:
            _put(index, area.csp_code, area, f"csp_code {area.csp_code}", path)
    return index


def _index_names(areas: Iterable[Area], path: Path) -> dict[tuple[Kind, str], Area]:
    index: dict[tuple[Kind, str], Area] = {}
    for area in areas:
        for name in area.names:
            _put(index, (area.type, _key(name)), area, f"{area.type} name {name!r}", path)
    return index


def _put(index: dict[Key, Area], key: Key, area: Area, what: str, path: Path) -> None:
    other = index.setdefault(key, area)
    if other is not area:
        both = f"{other.code} ({other.name}) and {area.code} ({area.name})"
        raise Refused(f"{what} means two areas", str(path), both, "drop it from one of them")


def _index_upper_tier(areas: Iterable[Area], path: Path) -> dict[str, tuple[Area, ...]]:
    upper = [area for area in areas if area.is_upper_tier]
    return _in_turn(((_key(name), area) for area in upper for name in area.names), "name", path)


def _index_dfe_numbers(areas: Iterable[Area], path: Path) -> dict[str, tuple[Area, ...]]:
    return _in_turn(((a.dfe_number, a) for a in areas if a.dfe_number), "DfE number", path)


def _index_wide(areas: Iterable[Area], path: Path) -> dict[str, Area]:
    index: dict[str, Area] = {}
    for area in areas:
        for name in area.names if area.type in _WIDE else ():
            _put(index, _key(name), area, f"region or country name {name!r}", path)
    return index


def _in_turn(
    pairs: Iterable[tuple[str, Area]], what: str, path: Path
) -> dict[str, tuple[Area, ...]]:
    """What may mean one area after another, in order of time; refused where two existed at once."""
    grouped: dict[str, list[Area]] = {}
    for key, area in pairs:
        grouped.setdefault(key, []).append(area)
    for key, found in grouped.items():
        found.sort(key=lambda area: area.start or date.min)
        for one, other in pairwise(found):
            if _overlap((one.start, one.end), (other.start, other.end)):
                rule = f"{what} {key!r} means two areas on one day"
                both = f"{one.code} ({one.name}) and {other.code} ({other.name})"
                raise Refused(rule, str(path), both, "drop it from one of them, or date them")
    return {key: tuple(found) for key, found in grouped.items()}


def _index_members(
    members: Iterable[_Member],
) -> dict[str, tuple[tuple[date, tuple[str, ...]], ...]]:
    grouped: dict[str, dict[date, list[str]]] = {}
    for row in members:
        grouped.setdefault(row.area, {}).setdefault(row.as_of, []).append(row.member)
    return {
        area: tuple((day, tuple(codes)) for day, codes in sorted(dated.items()))
        for area, dated in grouped.items()
    }


def _refuse_unknown(known: set[str], path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    for codes in rows:
        unknown = next((code for code in codes if code not in known), None)
        if unknown is not None:
            place = f"{path}, area {codes[0]}"
            raise Refused("not the code of an area", place, unknown, "add it to areas.csv")


def _refuse_overlapping(peers: Iterable[_Peer], path: Path) -> None:
    """Two versions of one group may not both apply on a day: ranks would depend on row order."""
    spans = sorted({(p.group, p.area, p.version, p.since, p.until) for p in peers}, key=str)
    for index, (group, area, version, since, until) in enumerate(spans):
        for other_group, other_area, other, start, end in spans[index + 1 :]:
            same = (group, area) == (other_group, other_area)
            if same and _overlap((since, until), (start, end)):
                place = f"{path}, group {group}, area {area}"
                repair = "give every row of a version the same dates, apart from other versions'"
                raise Refused("two versions apply on one day", place, (version, other), repair)


def _overlap(one: Span, other: Span) -> bool:
    (start, end), (other_start, other_end) = one, other
    return (start or date.min) <= (other_end or date.max) and (other_start or date.min) <= (
        end or date.max
    )
