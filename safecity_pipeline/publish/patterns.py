"""When and where: month of the year, hour of the week, ward, and the fewest LSOAs that hold half.

Made of what an edition shows: every number here is one of its cells or a sum of cells that are
shown, so that nothing hidden follows from it. Belongs here: patterns as data, in sentences, and as
plain tables. Does not belong here: maps, charts (`report`), any count (`breakdowns`).

Which indicators: those that are taken apart by hour, ward or LSOA where they are declared. Domestic
abuse and young people are never shown by ward or LSOA, whatever is declared.

Numbers and not rates: people who are about in a ward or at an hour are not counted by anybody.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from safecity_pipeline import period, phrases, statistics
from safecity_pipeline.breakdowns import NOT_KNOWN
from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.publish.edition import Edition
from safecity_pipeline.sentences import listed, ordinal, rounded, unlike

MONTH, HOUR, WARD, LSOA = "month", "hour_of_week", "ward", "lsoa_code"
PLACES = (WARD, LSOA)
TITLES = {
    MONTH: "Month of the year",
    HOUR: "Hour of the week",
    WARD: "Ward",
    LSOA: "Where half of it happens",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = 24 * len(DAYS)
RUN = 6  # hours in a row
ENOUGH = 0.9  # of a year's crimes in hours that are shown: of fewer, shares would mislead
TOLD = 3  # wards that a sentence names
EARLIER = 4  # years before, whose months are taken together
SENSITIVE = re.compile(r"domestic_abuse|marac|youth|child|young|looked_after|emerging|sexual")
_VALUES = """
SELECT indicator, period, period_kind, dimension, dimension_value, coverage_start, coverage_end,
       complete, numerator, obs_status, suppressed_reason, series_break
FROM mart.indicator_value
WHERE area_code = ? AND list_contains(?::VARCHAR[], indicator)
      AND (period_kind = 'month' AND dimension = 'all' AND period_end BETWEEN ? AND ?
           OR list_contains(?::VARCHAR[], period)
              AND list_contains(?::VARCHAR[], dimension))
ORDER BY ALL"""


@dataclass(frozen=True)
class Part:
    """One month, hour, ward or LSOA. `count`: None where it is not shown, or not known; `lower`,
    `upper`: its likely range; `place`: from the most, those that tie share one; `before`: the year
    before; `came`: whether there is a figure, though it may be hidden."""

    member: str
    count: float | None
    share: float | None = None
    lower: float | None = None
    upper: float | None = None
    place: int | None = None
    before: float | None = None
    place_before: int | None = None
    came: bool = True


@dataclass(frozen=True)
class Pattern:
    """One way to look at one indicator in a year. `parts`: in the order of the calendar, or from
    the most; `sentences`: what they say, in order."""

    kind: str
    indicator: str
    title: str
    period: str
    sentences: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Half:
    """The fewest parts that hold half of what is counted. `size`: how many; `members`: these, with
    all that tie with the last of them; `whole`: what they are half of."""

    size: int
    members: frozenset[str]
    held: float
    whole: float


def may_be_placed(indicator: Indicator) -> bool:
    """Whether an indicator may be shown by ward or LSOA at all: not of domestic abuse, of young
    people, nor of what happens to few."""
    parts = (indicator.value, indicator.numerator, indicator.denominator)
    told = " ".join(f"{part.source} {part.where}" for part in parts if part)
    return not SENSITIVE.search(f"{indicator.subject} {indicator.series} {told}")


def smallest_half(counts: Mapping[str, float | None], unknown: float = 0.0) -> Half | None:
    """The fewest parts with half of all counts, ties included. `unknown`: what those that are None
    have together. None where they could change the answer, and where nothing is counted."""
    ordered = sorted(
        ((count, one) for one, count in counts.items() if count),
        key=lambda each: (-each[0], each[1]),
    )
    whole = sum(count for count, _ in ordered) + unknown
    held, size = 0.0, 0
    while size < len(ordered) and 2 * held < whole:
        held += ordered[size][0]
        size += 1
    if not size or 2 * held < whole:
        return None
    last = ordered[size - 1][0]
    if unknown >= last:  # one of them may be as large
        return None
    return Half(size, frozenset(one for count, one in ordered if count >= last), held, whole)


def of(edition: Edition) -> list[Pattern]:
    """Every pattern of an edition: by month, hour, ward and LSOA, in the order of declaration."""
    chosen = {
        key: [one for one in indicator.by if one in TITLES]
        for key, indicator in edition.registry.indicators.items()
        if {HOUR, *PLACES} & set(indicator.by)
    }
    year = str(edition.facts["year"])
    now = period.parse(year)
    days = [now.year_before(EARLIER).start, now.end]
    labels = [year, now.year_before(1).label]
    about = [edition.facts["area_code"], list(chosen), *days, labels, ["all", *TITLES]]
    rows = edition.rows(_VALUES, about)
    return [
        pattern
        for key, dimensions in chosen.items()
        for pattern in _patterns(edition, key, dimensions, year, rows)
    ]


def _patterns(
    edition: Edition, key: str, dimensions: Sequence[str], year: str, rows: Sequence[Row]
) -> Iterator[Pattern]:
    indicator = edition.registry.indicators[key]
    about = _About(edition, indicator, year, [row for row in rows if row["indicator"] == key])
    made = {MONTH: _months, HOUR: _hours, WARD: _wards, LSOA: _lsoas}
    for kind in (MONTH, *dimensions):
        if kind in PLACES and not may_be_placed(indicator):
            continue
        parts, said = made[kind](about)
        said = said or about.why_not(kind)
        if said:
            title = f"{TITLES[kind]}: {phrases.title(indicator)}"
            yield Pattern(kind, key, title, year, tuple(said), tuple(parts))


# --- what all of them ask ------------------------------------------------------------------------


@dataclass(frozen=True)
class _About:
    """The rows of one indicator in the assessed area."""

    edition: Edition
    indicator: Indicator
    year: str
    rows: Sequence[Row]

    @cached_property
    def before(self) -> str:
        return period.parse(self.year).year_before(1).label

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], dict[str, Row]]:
        found: dict[tuple[str, str], dict[str, Row]] = {}
        for row in self.rows:
            found.setdefault((row["dimension"], row["period"]), {})[row["dimension_value"]] = row
        return found

    def whole(self, label: str) -> Row | None:
        return self._by_place.get(("all", label), {}).get("all")

    def counts(self, dimension: str, label: str) -> dict[str, float | None]:
        """Member → count, None where it is not shown; whether it says nothing stands apart."""
        found = self._by_place.get((dimension, label), {})
        return {one: row["numerator"] for one, row in found.items()}

    def why_not(self, kind: str) -> list[str]:
        """Why a year of which there are rows shows nothing by month, hour, ward or LSOA."""
        months = {period.month(one).label for one in period.parse(self.year).months}
        reasons = {
            str(row["suppressed_reason"])
            for row in self.rows
            if row["suppressed_reason"] and row["dimension"] == ("all" if kind == MONTH else kind)
            if row["period"] == self.year or row["period"] in months
        }
        return [f"No pattern: {one}." for one in sorted(reasons)]

    @property
    def when(self) -> str:
        """The year, or the months of it that are covered."""
        row = self.whole(self.year)
        if row is None or row["complete"]:
            return phrases.printed(self.year)
        return period.describe_coverage(row["coverage_start"], row["coverage_end"])

    @property
    def what(self) -> str:
        return self.indicator.unit

    def broken(self, label: str) -> str:
        """Why the year is not like the one before, in words; empty where it is."""
        row = self.whole(label)
        ids = str(row["series_break"] or "").split() if row else []
        return self.told(ids)

    def told(self, ids: Iterable[str]) -> str:
        known = {one.id: one for one in self.edition.registry.changes.changes}
        material = [
            known[one].told
            for one in dict.fromkeys(ids)
            if one in known and known[one].materiality == "material"
        ]
        return "; ".join(material)


def _placed(counts: Mapping[str, float | None]) -> dict[str, int]:
    """Place of each from the most; those that tie share one."""
    known = [count for count in counts.values() if count is not None]
    return {
        one: 1 + sum(other > count for other in known)
        for one, count in counts.items()
        if count is not None
    }


def _split(counts: Mapping[str, float | None]) -> tuple[dict[str, float | None], float | None]:
    """The parts that have a name, and what is in none of them; 0 where no row says so."""
    named = {one: count for one, count in counts.items() if one != NOT_KNOWN}
    return named, counts.get(NOT_KNOWN, 0.0)


def _number(count: float) -> str:
    return rounded(count, 0)


def _per_cent(share: float) -> str:
    return f"{rounded(100 * share, 1)}%"


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _unplaced(about: _About, left: float | None, what: str) -> str:
    if left is None:
        return f"How many have no known {what} is not shown."
    if not left:
        return f"All {about.what} have a known {what}."
    return f"{_number(left)} {about.what} have no known {what} and stand in none."


def _not_shown(hidden: int, one: str, several: str) -> list[str]:
    if not hidden:
        return []
    what = _many(hidden, one, several)
    return [f"{what} {'is' if hidden == 1 else 'are'} not shown, to protect small numbers."]


# --- months --------------------------------------------------------------------------------------


def _months(about: _About) -> tuple[list[Part], list[str]]:
    """Counts a day, since months are of unequal length, judged against the year's own average."""
    months = {one: period.month(one) for one in period.parse(about.year).months}
    rows = {one: about.whole(month.label) for one, month in months.items()}
    counts = {
        months[one].printed: row["numerator"] if row and row["complete"] else None
        for one, row in rows.items()
    }
    days = {one.printed: (one.end - one.start).days + 1 for one in months.values()}
    known = {name: count for name, count in counts.items() if count is not None}
    if len(known) < 2:
        return [], []
    average = sum(known.values()) / sum(days[name] for name in known)
    hidden = {months[one].printed for one, row in rows.items() if row and row["obs_status"] == "C"}
    parts = list(_month_parts(counts, days, average, hidden))
    said = [_extremes(about, parts, average), _beyond_chance(parts, average)]
    if len(known) < len(counts):
        lacking = listed(name for name in counts if name not in known)
        said.append(f"Not known or not shown: {lacking}.")
    later = [row for row in list(rows.values())[1:] if row]
    within = about.told(one for row in later for one in str(row["series_break"] or "").split())
    if within:
        said.append(f"Months before and after are {unlike(within)}.")
    return parts, [*filter(None, said), *_months_before(about)]


def _month_parts(
    counts: Mapping[str, float | None],
    days: Mapping[str, int],
    average: float,
    hidden: Collection[str],
) -> Iterator[Part]:
    """Each month a day. Its range is that of one of twelve, so that one of them is outside by
    chance in one year of twenty."""
    confidence = 1 - 0.05 / len(counts)
    for name, count in counts.items():
        if count is None:
            yield Part(name, None, came=name in hidden)
            continue
        lower, upper = (float(one[0]) for one in statistics.byar_limits([count], confidence))
        length = days[name]
        yield Part(name, count / length, count / length / average, lower / length, upper / length)


def _extremes(about: _About, parts: Sequence[Part], average: float) -> str:
    # A month that is not shown may have had fewer, or more: then nothing is said of all of them.
    whole = all(one.count is not None for one in parts)
    when = about.when if whole else f"the months of {phrases.printed(about.year)} that are shown"
    most = max(one.count for one in parts if one.count is not None)
    least = min(one.count for one in parts if one.count is not None)
    if rounded(most, 1) == rounded(least, 1):
        return f"In {when} every month had {rounded(most, 1)} {about.what} a day."
    told = [
        f"{end} in {listed(_ties(parts, value))} ({rounded(value, 1)} a day)"
        for end, value in (("most", most), ("fewest", least))
    ]
    of = "the year's" if whole else "their"
    return f"In {when} {about.what} were {listed(told)}; {of} average was {rounded(average, 1)}."


def _ties(parts: Sequence[Part], value: float) -> list[str]:
    return [one.member for one in parts if one.count is not None and one.count == value]


def _beyond_chance(parts: Sequence[Part], average: float) -> str:
    above = [one.member for one in parts if one.lower is not None and one.lower > average]
    below = [one.member for one in parts if one.upper is not None and one.upper < average]
    if not above and not below:
        whole = all(one.count is not None for one in parts)
        none = "No month differs" if whole else "None of them differs"
        return f"{none} from it by more than chance does among twelve."
    told = [
        f"{words} it {listed(names)}"
        for words, names in (("above", above), ("below", below))
        if names
    ]
    return f"By more than chance does among twelve months, there lie {' and '.join(told)}."


def _months_before(about: _About) -> list[str]:
    """In which month there were most, in the years before taken together."""
    last = period.parse(about.year)
    years = [last.year_before(back) for back in range(1, EARLIER + 1)]
    found: dict[str, list[float]] = {}
    used = []
    for year in years:
        rows = [about.whole(period.month(one).label) for one in year.months]
        counts = [row["numerator"] for row in rows if row and row["complete"]]
        if None in counts or len(counts) < len(rows):
            continue
        used.append(year)
        for first, count in zip(year.months, counts, strict=True):
            month = period.month(first)
            length = (month.end - month.start) / timedelta(days=1) + 1
            found.setdefault(f"{first:%B}", []).append(count / length)
    if not found:
        return []
    means = {name: sum(each) / len(each) for name, each in found.items()}
    most = listed(name for name, mean in means.items() if mean == max(means.values()))
    span = f"{used[-1].printed} to {used[0].printed}" if len(used) > 1 else used[0].printed
    return [f"In {span} it was {most} that had most a day."]


# --- hours ---------------------------------------------------------------------------------------


def _hours(about: _About) -> tuple[list[Part], list[str]]:
    counts, left = _split(about.counts(HOUR, about.year))
    if not any(counts.values()):
        return [], []
    week = {_hour_key(at): counts.get(_hour_key(at), 0.0) for at in range(HOURS)}
    known = sum(count for count in week.values() if count is not None)
    parts = [
        Part(name, count, None if count is None else count / known) for name, count in week.items()
    ]
    hidden = sum(count is None for count in week.values())
    said = [_too_few(about)]
    if not hidden or _enough(about, known, left):
        said = [_busiest_hours(about, week, known), _busiest_day(week, known)]
    shown = _not_shown(hidden, "hour of the week", "hours of the week")
    return parts, [*said, *shown, _unplaced(about, left, "hour")]


def _enough(about: _About, known: float, left: float | None) -> bool:
    """Whether the hours that are shown hold nearly all: else the busiest may be hidden."""
    row = about.whole(about.year)
    if row is None or row["numerator"] is None:
        return False
    return bool(known >= ENOUGH * (row["numerator"] - (left or 0)))


def _too_few(about: _About) -> str:
    return f"For {about.when} the busiest hours cannot be told: too much is not shown."


def _hour_key(at: int) -> str:
    day, hour = divmod(at, 24)
    return f"{day + 1} {DAYS[day][:3]} {hour:02}:00"


def _hour_name(at: int) -> str:
    day, hour = divmod(at % HOURS, 24)
    return f"{DAYS[day]} {hour:02}:00"


def _busiest_hours(about: _About, week: Mapping[str, float | None], known: float) -> str:
    """The six hours in a row with most; of several alike the first of the week is named, and that
    there are others."""
    cells = [count or 0.0 for count in week.values()]
    runs = [sum(cells[(at + step) % HOURS] for step in range(RUN)) for at in range(HOURS)]
    most = max(runs)
    at = runs.index(most)
    others = runs.count(most) - 1
    tie = f" (so do {_many(others, 'other run', 'other runs')})" if others else ""
    return (
        f"Of {_number(known)} {about.what} in {about.when} whose hour is known and shown, "
        f"{_per_cent(most / known)} fall into the {RUN} hours from {_hour_name(at)} to "
        f"{_hour_name(at + RUN)}, the most of any {RUN} hours in a row{tie}; were all hours alike, "
        f"it would be {_per_cent(RUN / HOURS)}."
    )


def _busiest_day(week: Mapping[str, float | None], known: float) -> str:
    days = {
        name: sum(count or 0.0 for key, count in week.items() if key[2:5] == name[:3])
        for name in DAYS
    }
    ends = []
    for words, value in (("most", max(days.values())), ("fewest", min(days.values()))):
        names = listed(name for name, count in days.items() if count == value)
        ends.append(f"{words} on {names} ({_per_cent(value / known)})")
    return f"Of these, by day from midnight to midnight, {listed(ends)}."


# --- wards ---------------------------------------------------------------------------------------


def _wards(about: _About) -> tuple[list[Part], list[str]]:
    counts, left = _split(about.counts(WARD, about.year))
    earlier, _ = _split(about.counts(WARD, about.before))
    known = sum(count for count in counts.values() if count is not None)
    if not known:
        return [], []
    place, was = _placed(counts), _placed(earlier)
    ordered = sorted(counts, key=lambda one: (place.get(one, len(counts) + 1), one))
    parts = [
        Part(
            one,
            counts[one],
            None if (count := counts[one]) is None else count / known,
            place=place.get(one),
            before=earlier.get(one),
            place_before=was.get(one),
        )
        for one in ordered
    ]
    hidden = sum(count is None for count in counts.values())
    said = [
        _most_wards(about, parts, known),
        _wards_before(about, parts, earlier),
        *_not_shown(hidden, "ward", "wards"),
        _unplaced(about, left, "ward"),
        "These are numbers and not rates: wards differ in residents and in visitors.",
    ]
    return parts, [one for one in said if one]


def _most_wards(about: _About, parts: Sequence[Part], known: float) -> str:
    first = _leading(parts)
    told = [
        f"{one.member} ({_number(one.count or 0)}, {_per_cent(one.share or 0)})" for one in first
    ]
    held = sum(one.count or 0 for one in first)
    return (
        f"In {about.when} most {about.what} were in {listed(told)}: together "
        f"{_per_cent(held / known)} of {_number(known)} whose ward is known and "
        f"shown{_tied(first)}."
    )


def _leading(parts: Sequence[Part]) -> list[Part]:
    """The first three, and whoever ties with the third."""
    return [one for one in parts if one.place is not None and one.place <= TOLD and one.count]


def _tied(first: Sequence[Part]) -> str:
    places = [one.place for one in first]
    ties = sorted({place for place in places if place and places.count(place) > 1})
    if not ties:
        return ""
    return "; " + ", ".join(
        f"{listed(one.member for one in first if one.place == place)} tie for the {ordinal(place)}"
        for place in ties
    )


def _wards_before(about: _About, parts: Sequence[Part], earlier: Mapping[str, float | None]) -> str:
    now, when = {one.member for one in _leading(parts)}, phrases.printed(about.before)
    if why := _not_comparable(about, earlier):
        return f"They are not set beside {when}: {why}."
    was = _placed(earlier)
    before = {one for one, place in was.items() if place <= TOLD and earlier[one]}
    same = "the same wards" if now == before else f"{listed(sorted(before))}"
    broken = about.broken(about.year)
    caveat = f"; the numbers are {unlike(broken)}" if broken else ""
    return f"In {when} it was {same}{caveat}."


def _not_comparable(about: _About, earlier: Mapping[str, float | None]) -> str:
    """Why a year cannot be set beside the one before, part by part; empty where it can."""
    rows = [about.whole(label) for label in (about.year, about.before)]
    if not any(earlier.values()) or rows[1] is None:
        return "no like figures are there"
    if not all(row and row["complete"] for row in rows):
        return "one of the two years is not whole"
    return ""


# --- the fewest LSOAs ----------------------------------------------------------------------------


def _lsoas(about: _About) -> tuple[list[Part], list[str]]:
    counts, left = _split(about.counts(LSOA, about.year))
    if not any(counts.values()):
        return [], []
    place = _placed(counts)
    parts = [
        Part(one, counts[one], place=place.get(one))
        for one in sorted(counts, key=lambda one: (place.get(one, len(counts) + 1), one))
    ]
    half = half_of(about, about.year)
    hidden = sum(count is None for count in counts.values())
    return parts, [
        *_held(about, half, counts),
        *_same_as_before(about, half),
        *_empty(about, counts),
        *_not_shown(hidden, "LSOA", "LSOAs"),
        _unplaced(about, left, "LSOA"),
    ]


def half_of(about: _About, label: str) -> Half | None:
    """The fewest LSOAs with half of what has a known LSOA in a year."""
    counts, left = _split(about.counts(LSOA, label))
    whole = about.whole(label)
    if None not in (*counts.values(), left):
        return smallest_half(counts)
    if whole is None or whole["numerator"] is None:
        return None
    shown = sum(count for count in (*counts.values(), left) if count is not None)
    unknown = whole["numerator"] - shown
    half = smallest_half(counts, unknown)
    if left is None and half:
        # What is hidden may have no LSOA at all: then it is half of less.
        of_less = smallest_half({one: count or 0.0 for one, count in counts.items()})
        return half if of_less and of_less.members == half.members else None
    return half


def _held(about: _About, half: Half | None, counts: Mapping[str, float | None]) -> list[str]:
    when = about.when
    if half is None:
        return [
            f"For {when} the fewest LSOAs with half of it cannot be told: too much is not shown."
        ]
    more = len(half.members) - half.size
    tie = (
        f"; {_many(more, 'further one ties', 'further ones tie')} with the last of them"
        if more
        else ""
    )
    # Of how many is exact only where no count is hidden, so that nothing hidden follows from it.
    exact = None not in (*counts.values(), about.counts(LSOA, about.year).get(NOT_KNOWN, 0.0))
    of = f" of {_number(half.whole)}" if exact else " of the"
    return [
        f"In {when} half{of} {about.what} with a known LSOA lie in {half.size} of the "
        f"{len(counts)} LSOAs that had any since figures begin "
        f"({_per_cent(half.size / len(counts))}){tie}."
    ]


def _same_as_before(about: _About, half: Half | None) -> list[str]:
    earlier = about.counts(LSOA, about.before)
    if half is None:
        return []
    when = phrases.printed(about.before)
    why = _not_comparable(about, earlier)
    before = None if why else half_of(about, about.before)
    if before is None:
        return [
            f"Whether they are those of {when} cannot be told: {why or 'too much is not shown'}."
        ]
    both = len(half.members & before.members)
    ties = " (those that tie included)" * (
        len(half.members) > half.size or len(before.members) > before.size
    )
    broken = about.broken(about.year)
    caveat = f"; the numbers are {unlike(broken)}" if broken else ""
    return [
        f"{both} of these {len(half.members)}{ties} were among the {len(before.members)} of {when} "
        f"({_per_cent(both / len(half.members))}){caveat}."
    ]


def _empty(about: _About, counts: Mapping[str, float | None]) -> list[str]:
    """LSOAs without any: of those that had some in another year; of the rest nobody knows here."""
    none = sum(count == 0 for count in counts.values())
    if not none:
        return ["Each of these LSOAs had some; one that never had any is not known here."]
    had = _many(none, "of these LSOAs had", "of these LSOAs had")
    return [f"{had} none in the year; one that never had any is not known here."]


# --- as HTML -------------------------------------------------------------------------------------


def fragment(pattern: Pattern, level: int = 3) -> str:
    """A heading, what the pattern says, and the table behind it; of LSOAs no table."""
    said = "".join(f"<p>{html.escape(one)}</p>" for one in pattern.sentences)
    tables: dict[str, Any] = {MONTH: _month_table, HOUR: _hour_table, WARD: _ward_table}
    table = tables[pattern.kind](pattern) if pattern.kind in tables and pattern.parts else ""
    return f"<h{level}>{html.escape(pattern.title)}</h{level}>{said}{table}"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(first)}</th>'
        + "".join(f'<td class="number">{html.escape(one)}</td>' for one in rest)
        + "</tr>"
        for first, *rest in rows
    )
    named = html.escape(caption)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{named}">'
        f"<table><caption>{named}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: float | None, decimals: int = 0) -> str:
    return "[c]" if value is None else rounded(value, decimals)


def _caption(pattern: Pattern) -> str:
    return f"{pattern.title}, {phrases.printed(pattern.period)}"


def _month_table(pattern: Pattern) -> str:
    rows = [
        (
            one.member,
            _cell(one.count, 1) if one.came else "[x]",
            ""
            if one.lower is None or one.upper is None
            else phrases.between(one.lower, one.upper, 1),
        )
        for one in pattern.parts
    ]
    return _table(_caption(pattern), ("Month", "A day", "Likely, as one of twelve"), rows)


def _hour_table(pattern: Pattern) -> str:
    cells = [_cell(one.count) for one in pattern.parts]
    rows = [
        (f"{hour:02}:00", *(cells[day * 24 + hour] for day in range(len(DAYS))))
        for hour in range(24)
    ]
    return _table(_caption(pattern), ("Hour from", *DAYS), rows)


def _ward_table(pattern: Pattern) -> str:
    before = phrases.printed(period.parse(pattern.period).year_before(1).label)
    compared = any(one.place_before for one in pattern.parts)
    rows = [(*_ward_row(one), *(_ward_before(one) if compared else ())) for one in pattern.parts]
    heads = ("Ward", phrases.printed(pattern.period), "Share", "Place")
    more = (before, f"Place in {before}") if compared else ()
    return _table(_caption(pattern), (*heads, *more), rows)


def _ward_row(one: Part) -> tuple[str, ...]:
    share = "" if one.share is None else _per_cent(one.share)
    return one.member, _cell(one.count), share, str(one.place or "")


def _ward_before(one: Part) -> tuple[str, ...]:
    return _cell(one.before), str(one.place_before or "")
