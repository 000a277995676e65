"""A release as it may be shared: the tables that state figures, without those that must be hidden.

Belongs here: which figures a release states, how their numbers add up (months to years, parts of a
breakdown to the whole, cases and the rest to all of them), and what falls with a hidden figure: its
comparisons, ranks, sentences, and what the ledger counts of it. Does not belong here: which numbers
are hidden (`disclosure`), and any other figure: the restricted database has all of them as they
are.

Hidden is null, with a reason that is the same for a small number and for one that protects it: to
tell the two apart would say how small the first is.
"""

from __future__ import annotations

import itertools
import re
from collections import namedtuple
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from safecity_pipeline import breakdowns, disclosure, measure, period, sentences, trends
from safecity_pipeline.disclosure import Number, Rule, Sum
from safecity_pipeline.model import Indicator, Part, Row, Source

WHY = "not shown, so that no small number can be worked out"
HIDDEN = "suppressed"  # status of a finding
FIGURES = ["numerator", "denominator", "value", "lower_95", "upper_95"]
CHANGE = ["change", "change_unit", "change_lower_95", "change_upper_95"]
RANK = ["rank_high", "rank_best", "rank_of", "rank_lower_95", "rank_upper_95"]
ALLOWING = [
    *("comparable_change", "comparable_lower_95", "comparable_upper_95"),
    *("comparable_rests_on", "comparable_note"),
]
OF_OTHERS = ["base_value", "significance", *CHANGE, *RANK, *ALLOWING]
OF_PARTS = ("part_year", "unequal_coverage")  # statuses of findings over a part of a year
NO_RULE = Rule()
OF_ITS_OWN = ("value", "count", "change", "change_of_count", "difference")
DRAFTED = [
    *("value", "lower_95", "upper_95", "base_value", "change", "change_lower_95"),
    *("change_upper_95", "rank", "rank_of", "rank_lower_95", "rank_upper_95"),
]
PRINTED = ["printed_value", "value", "change"]
REVISED = ["first_value", "first_numerator", "first_denominator", "value", "change"]
DAYS = ["period_start", "period_end", "coverage_start", "coverage_end"]
ASKED = [
    *("indicator", "area_code", "period", "period_kind", "dimension", "dimension_value"),
    *("months_covered", "numerator", "denominator", "value", *DAYS),
]
DIGITS = 6  # of a difference of weights, so that 0 is 0

Where = tuple[str, str, str, str]  # area, period, dimension, member of it
Numbers = dict[Number, float]


def _each(rows: pd.DataFrame) -> Iterator[Any]:
    """Its rows as tuples with names; by way of lists: cell by cell, pandas is slow."""
    make: Any = namedtuple("Each", list(rows.columns))  # type: ignore[misc]
    return map(make._make, zip(*(rows[name].tolist() for name in rows.columns), strict=True))


def rule_of(indicator: Indicator, sources: Mapping[str, Source]) -> str:
    """The name of the rule of an indicator: the strictest of its sources'."""
    parts = (indicator.value, indicator.numerator, indicator.denominator)
    return disclosure.strictest(sources[part.source].disclosure for part in parts if part)


def rules(indicators: Mapping[str, Indicator], sources: Mapping[str, Source]) -> dict[str, Rule]:
    """The indicators that rest on a source with a rule, and their rules."""
    found = {key: disclosure.rule(rule_of(one, sources)) for key, one in indicators.items()}
    return {key: rule for key, rule in found.items() if rule != NO_RULE}


# --- values ------------------------------------------------------------------------------------


def values(
    rows: pd.DataFrame, indicators: Mapping[str, Indicator], sources: Mapping[str, Source]
) -> pd.DataFrame:
    """Rows of mart.indicator_value of the indicators that have a rule, as they may be shared."""
    rows = rows.reset_index(drop=True)
    stated = _Stated(rows, indicators, sources)
    hidden = sorted(
        disclosure.hidden(stated.counts, stated.figures, list(stated.sums()), stated.least)
    )
    shown = _rounded(rows, indicators, sources)
    shown.loc[hidden, FIGURES] = float("nan")
    shown.loc[hidden, "obs_status"] = "C"
    shown.loc[hidden, "suppressed_reason"] = WHY
    return shown


@dataclass(frozen=True)
class Counted:
    """A part of an indicator that has a rule: its name, the same for all that count the same; the
    smallest number that is shown; and breakdowns whose members do not add up."""

    name: str
    least: float
    lists: frozenset[str]
    of: tuple[str, str, str | None] = ("", "", None)  # source, aggregate, forces
    terms: tuple[str, ...] = ()  # of its condition, all of which hold
    step: int | None = None  # to which it is rounded

    def within(self, other: Counted) -> bool:
        """Whether all that it counts is counted by the other too, as far as the words show."""
        if self.of != other.of or self.name == other.name:
            return False
        return all(any(_implies(one, term) for one in self.terms) for term in other.terms)


def _implies(one: str, other: str) -> bool:
    """Whether a term of a condition says as much as another: equal, or a shorter list."""
    if one == other or other == "true":
        return True
    mine, theirs = _LISTED.fullmatch(one), _LISTED.fullmatch(other)
    if not mine or not theirs or mine["column"] != theirs["column"] or mine["no"]:
        return False
    own, listed = (set(re.findall(r"'[^']*'|\b\d+\b", m["list"])) for m in (mine, theirs))
    return not own & listed if theirs["no"] else own <= listed


_LISTED = re.compile(r"(?P<column>\w+) (?:=|(?P<no>NOT )?IN) \(?(?P<list>[^()]*)\)?")


def counts_of(
    indicator: Indicator, sources: Mapping[str, Source]
) -> tuple[Counted | None, Counted | None]:
    cases, base = indicator.numerator, indicator.denominator
    return (
        _counted(indicator, cases, sources[cases.source]) if cases else None,
        _counted(indicator, base, sources[base.source]) if base else None,
    )


def _counted(indicator: Indicator, part: Part, source: Source) -> Counted | None:
    if disclosure.rule(source.disclosure) == NO_RULE:
        return None
    name = f"{part.aggregate} of {part.source} where {part.where}, {part.forces}"
    lists = {column for column in indicator.by if not breakdowns.adds_up(source, column)}
    of = (part.source, part.aggregate, part.forces)
    # Of a condition with an "or" nothing is taken apart.
    terms = (part.where,) if " OR " in part.where else tuple(part.where.split(" AND "))
    rule = disclosure.rule(source.disclosure)
    return Counted(name, rule.least, frozenset(lists), of, terms, rule.step)


class _Stated:
    """What each row states: its numbers, by part of the indicator and place, so that a number which
    two indicators state is one; and how they add up."""

    def __init__(
        self,
        rows: pd.DataFrame,
        indicators: Mapping[str, Indicator],
        sources: Mapping[str, Source],
    ) -> None:
        self.counts: Numbers = {}
        self.least: Numbers = {}
        self.figures: list[list[Number]] = []
        self.shares: dict[Number, Sum] = {}
        self.wholes: dict[tuple[str, str], dict[str, Any]] = {}
        self.members: dict[tuple[str, Where], dict[str, None]] = {}
        self.lists: set[tuple[str, str]] = set()
        self.counted: dict[str, Counted] = {}
        parts = {key: counts_of(indicators[key], sources) for key in rows["indicator"].unique()}
        asked = rows[ASKED].copy()
        for name in DAYS:  # whole numbers are compared, and iterated over, in a tenth of the time
            asked[name] = asked[name].to_numpy("datetime64[D]").astype("int64")
        for row in _each(asked):
            indicator = indicators[row.indicator]
            self.figures.append(self._numbers(row, parts[row.indicator], indicator))

    def _numbers(
        self, row: Any, parts: tuple[Counted | None, Counted | None], indicator: Indicator
    ) -> list[Number]:
        """The numbers of a row that have a rule: cases, all of them, and the rest of them."""
        cases, base = parts
        share, n = is_share(indicator), row.numerator
        if share and n != n:  # a percentage of what is known gives the cases, printed or not
            n = round(row.value * row.denominator / indicator.per, DIGITS)
        stated = [
            self._number(row, part, count)
            for part, count in ((cases, n), (base, row.denominator))
            if part is not None and count == count
        ]
        if share and cases and base and len(stated) == 2:
            name = f"{base.name} but {cases.name}"
            others = replace(cases, name=name, of=(name, "", None))
            rest = self._number(row, others, round(row.denominator - n, DIGITS))
            self.shares[rest] = Sum(stated[1], (stated[0], rest))
            stated.append(rest)
        return stated

    def _number(self, row: Any, part: Counted, count: float) -> Number:
        name = part.name
        number = (name, row.area_code, row.period, row.dimension, row.dimension_value)
        self.counts[number], self.least[number] = count, part.least
        self.counted[name] = part
        if row.dimension == "all":
            self.wholes.setdefault((name, row.area_code), {})[row.period] = row
        else:
            of = (name, (row.area_code, row.period, row.dimension, ""))
            self.members.setdefault(of, {})[row.dimension_value] = None
            if row.dimension in part.lists:
                self.lists.add((name, row.dimension))
        return number

    def sums(self) -> Iterator[Sum]:
        """Every sum that a reader could make of the numbers."""
        yield from self.shares.values()
        yield from self._small_rests()
        for (name, (area, label, dimension, _)), members in self.members.items():
            whole = (name, area, label, "all", "all")
            place = (name, area, label, dimension)
            parts = tuple((*place, member) for member in members)
            if (name, dimension) in self.lists:
                # They add up to what another indicator may count: flags, and not crimes.
                yield Sum(None, parts)
                yield Sum(None, tuple(one for one in parts if one[-1] != breakdowns.NOT_KNOWN))
            elif whole in self.counts:
                yield Sum(whole, parts)
        for (name, area), periods in self.wholes.items():
            for label, inside in _periods(periods):
                whole = (name, area, label, "all", "all")
                yield Sum(whole, tuple((name, area, one, "all", "all") for one in inside))

    def _small_rests(self) -> Iterator[Sum]:
        """Where one number counts a part of what another counts, and the rest is small."""
        places: dict[str, list[Number]] = {}
        for number in self.counts:
            places.setdefault(number[0], []).append(number)
        for one, other in itertools.permutations(self.counted.values(), 2):
            for number in places[one.name] if one.within(other) else ():
                whole = (other.name, *number[1:])
                if whole not in self.counts:
                    continue
                rest = round(self.counts[whole] - self.counts[number], DIGITS)
                if Rule(max(one.least, other.least)).hides(rest):
                    left = (f"{other.name} but {one.name}", *number[1:])
                    self.counts[left] = rest
                    yield Sum(whole, (number, left))


def _periods(rows: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each period and the months, or the quarters, that make it up."""
    for kind in ("month", "quarter"):
        short = [row for row in rows.values() if row.period_kind == kind]
        for label, whole in rows.items():
            if not short or whole.months_covered <= short[0].months_covered:
                continue
            first, last = whole.coverage_start, whole.coverage_end
            inside = [one for one in short if one.period_start >= first and one.period_end <= last]
            if sum(one.months_covered for one in inside) == whole.months_covered:
                yield label, [one.period for one in inside]


def is_share(indicator: Indicator) -> bool:
    return indicator.kind == "proportion" or measure.is_share(indicator)


def _rounded(
    rows: pd.DataFrame, indicators: Mapping[str, Indicator], sources: Mapping[str, Source]
) -> pd.DataFrame:
    """Rows whose rule rounds, with rounded counts and what follows from them."""
    shown = rows.copy()
    for key, rule in rules(indicators, sources).items():
        if rule.step is None:
            continue
        mine, indicator = shown["indicator"] == key, indicators[key]
        for column, part in (
            ("numerator", indicator.numerator),
            ("denominator", indicator.denominator),
        ):
            if part is not None and disclosure.rule(sources[part.source].disclosure) != NO_RULE:
                shown.loc[mine, column] = shown.loc[mine, column].map(rule.rounded)
        by_chance = shown.loc[mine, "lower_95"].notna()
        made = measure.with_interval(indicator, shown.loc[mine])
        for column, found in zip(("value", "lower_95", "upper_95"), made, strict=True):
            shown.loc[mine, column] = found.where(by_chance | (column == "value"))
    return shown


# --- findings ----------------------------------------------------------------------------------


def findings(
    rows: pd.DataFrame,
    shown: pd.DataFrame,
    indicators: Mapping[str, Indicator],
    rounded: Collection[str] = (),
) -> pd.DataFrame:
    """Rows of mart.finding of the indicators that have a rule, as they may be shared: without what
    rests on a hidden value. `shown`: their values, as they may be shared.

    A comparison over a part of a year adds up months, so that it stands only where none of the
    months of both years is hidden. A rank or an average of a group says something of every member,
    so that it stands only where none of them is. Of indicators that are `rounded` none stands: they
    compare the numbers as they are, and a year of rounded months would be another rounded number.
    """
    rows = rows.reset_index(drop=True)
    whole = shown[shown["dimension"] == "all"]
    hidden, years = _hidden_places(whole)
    partial = _is_partial(rows, whole)
    own, base = (
        pd.Series(
            [
                place in hidden or (part and place in years)
                for place, part in zip(_places(rows, label), partial, strict=True)
            ],
            index=rows.index,
            dtype=bool,
        )
        for label in ("period", "base_period")
    )
    own |= rows["indicator"].isin(list(rounded))
    base |= pd.Series([_trend_of(row, hidden) for row in _each(rows)], index=rows.index, dtype=bool)
    among = rows["comparison"].isin(["peer_rank", "group_average"])
    group = [rows[name] for name in ("indicator", "comparison", "comparator", "period")]
    with_hidden = (own & among).groupby(group, dropna=False).transform("any")
    return _without(rows, own, own | base | (with_hidden & among), indicators)


def _trend_of(row: Any, hidden: set[Place]) -> bool:
    """Whether a trend rests on a hidden year: it is of all of its years."""
    if row.comparison != trends.TREND:
        return False
    last = period.parse(row.period)
    labels = (last.year_before(back).label for back in range(1, trends.YEARS))
    return any((row.indicator, row.area_code, label) in hidden for label in labels)


Place = tuple[str, str, object]  # indicator, area, period


def _places(rows: pd.DataFrame, label: str) -> Iterator[Place]:
    columns = (rows[name].tolist() for name in ("indicator", "area_code", label))
    return zip(*columns, strict=True)


def _hidden_places(whole: pd.DataFrame) -> tuple[set[Place], set[Place]]:
    """The values that are hidden, and the financial years with such a month or quarter."""
    hidden = whole[whole["suppressed_reason"] == WHY]
    inside = hidden[hidden["period_kind"].isin(["month", "quarter"])]
    first = inside["period_start"].dt.year - (inside["period_start"].dt.month < 4)
    years = inside.assign(period=[f"{year}-{(year + 1) % 100:02d}" for year in first])
    return set(_places(hidden, "period")), set(_places(years, "period"))


def _is_partial(rows: pd.DataFrame, whole: pd.DataFrame) -> list[bool]:
    """Which findings may compare a part of a year."""
    spans = dict(
        zip(
            _places(whole, "period"),
            zip(whole["coverage_start"], whole["coverage_end"], strict=True),
            strict=True,
        )
    )
    parts = set(_places(whole[~whole["complete"].astype(bool)], "period"))
    compared = zip(rows["compared_start"], rows["compared_end"], strict=True)
    return [
        status in OF_PARTS or own in parts or base in parts or spans.get(own) != span
        for own, base, span, status in zip(
            _places(rows, "period"),
            _places(rows, "base_period"),
            compared,
            rows["status"],
            strict=True,
        )
    ]


def _without(
    rows: pd.DataFrame,
    own: pd.Series,
    touched: pd.Series,
    indicators: Mapping[str, Indicator],
) -> pd.DataFrame:
    shown = rows.copy()
    told = own | rows["value"].notna()  # of what had no figure before there is nothing to hide
    touched = touched & told
    shown.loc[touched, OF_OTHERS] = None
    shown.loc[own, "value"] = float("nan")
    shown.loc[touched, "status"] = HIDDEN
    shown.loc[touched, "sentence"] = [
        sentences.withheld(
            indicators[row.indicator],
            row.area_name,
            row.sentence,
            None if row.value != row.value else row.value,
            WHY,
        )
        for row in _each(shown[touched])
    ]
    return shown


# --- claims and targets ------------------------------------------------------------------------


def claims(rows: Iterable[Row], again: Iterable[Row]) -> list[Row]:
    """Rows of mart.claim as they may be shared. `again`: the same, computed from what may be shared
    alone. A figure that comes out the same rests on nothing else; the verdict stands."""
    return [_claim(row, other) for row, other in zip(rows, again, strict=True)]


def _claim(row: Row, again: Row) -> Row:
    limits = ("computed", "computed_lower_95", "computed_upper_95")
    if all(_same(row[name], again[name]) for name in (*limits, "reading")):
        return {**row, "reason": again["reason"]}
    reason = ". ".join(filter(None, [f"the figure is {WHY}", again["reason"]]))
    return {**row, **dict.fromkeys(limits), "reason": reason}


def hidden_periods(shown: pd.DataFrame, rounded: Iterable[str]) -> set[tuple[str, str]]:
    """Indicator and period of every whole value that is hidden, in any area; and every period of
    the indicators that are `rounded`."""
    gone = (shown["suppressed_reason"] == WHY) | shown["indicator"].isin(list(rounded))
    rows = shown[gone & (shown["dimension"] == "all")]
    return set(zip(rows["indicator"], rows["period"], strict=True))


def targets(rows: Iterable[Row], again: Iterable[Row]) -> list[Row]:
    """Rows of mart.target as they may be shared; as for `claims`."""
    return [_target(row, other) for row, other in zip(rows, again, strict=True)]


def _target(row: Row, again: Row) -> Row:
    stated = ("baseline", "target_value", "current", "change_lower_95", "change_upper_95")
    off = [name for name in stated if not _same(row[name], again[name])]
    if not off and row["reason"] == again["reason"]:
        return row
    if row["period"] != again["period"]:  # what is newest among the shown ones is another figure
        off = sorted({*off, "current", "change_lower_95", "change_upper_95"})
    return {**row, **dict.fromkeys(off), "reason": f"a figure behind it is {WHY}"}


def places_hidden(shown: pd.DataFrame, rounded: Iterable[str]) -> set[tuple[str, str, str]]:
    """Indicator, area and period of every whole value that is hidden, or rounded."""
    gone = (shown["suppressed_reason"] == WHY) | shown["indicator"].isin(list(rounded))
    rows = shown[gone & (shown["dimension"] == "all")]
    return set(zip(rows["indicator"], rows["area_code"], rows["period"], strict=True))


def drafts(rows: Iterable[Row], hidden: Collection[tuple[str, str, str]]) -> list[Row]:
    """Rows of mart.draft as they may be shared. `hidden`: see `places_hidden`. What sets an area
    among others rests on the figures of all of them."""
    of_anybody = {(indicator, label) for indicator, _, label in hidden}
    return [_not_drafted(row) if _rests_on_hidden(row, hidden, of_anybody) else row for row in rows]


def without_notes(rows: Iterable[Row], notes: Collection[str]) -> list[Row]:
    """Rows of mart.draft without notes that their findings may not have."""
    found: list[Row] = []
    for row in rows:
        sentence = row["sentence"]
        for note in notes:
            sentence = sentence and sentence.replace(f" {note}", "")
        found.append({**row, "sentence": sentence})
    return found


def _rests_on_hidden(
    row: Row, hidden: Collection[tuple[str, str, str]], of_anybody: Collection[tuple[str, str]]
) -> bool:
    behind = [tuple(key.split("/")) for key in (row["figures"] or "").split()]
    if row["figure"] in OF_ITS_OWN:
        return any(key in hidden for key in behind)
    return any((indicator, label) in of_anybody for indicator, _, label in behind)


def _not_drafted(row: Row) -> Row:
    return {**row, **dict.fromkeys(DRAFTED), "sentence": f"A figure behind it is {WHY}."}


def revisions(
    rows: pd.DataFrame, shown: pd.DataFrame, rules: Mapping[str, Rule], rounded: Collection[str]
) -> pd.DataFrame:
    """Rows of mart.revision of indicators that have a rule, as they may be shared: years alone,
    whose figure is shown, and where neither what came first nor what it grew or shrank by is small.
    Of other periods, two of them would give the third of a sum away."""
    whole = shown[shown["dimension"] == "all"]
    now = whole.set_index(["indicator", "area_code", "period"])[["numerator", "denominator"]]
    rows = rows.reset_index(drop=True)
    today = now.reindex(pd.MultiIndex.from_frame(rows[["indicator", "area_code", "period"]]))
    least = rows["indicator"].map(lambda key: rules[key].least).to_numpy(dtype=float)
    stays = rows["period_kind"].isin(breakdowns.YEARS) & ~rows["indicator"].isin(list(rounded))
    cases, base = (
        (rows[f"first_{name}"].to_numpy(float), today[name].to_numpy(float))
        for name in ("numerator", "denominator")
    )
    others = (base[0] - cases[0], base[1] - cases[1])
    for first, _ in (cases, base, others):
        stays &= ~((first > 0) & (first < least))
    # Of what did not change at all nothing is told either: else what is hidden changed a little.
    stays &= ~(abs(cases[0] - cases[1]) < least)
    for first, then in (base, others):
        changed = abs(first - then)
        stays &= ~((changed > 0) & (changed < least))
    stays &= today["numerator"].notna().to_numpy()
    rows.loc[~stays, [*REVISED, "change_unit"]] = None
    rows.loc[~stays, "sentence"] = f"The figures are {WHY}."
    return rows


def figures_printed(
    rows: pd.DataFrame,
    shown: pd.DataFrame,
    rules: Mapping[str, Rule],
    rounded: Collection[str],
    counts: Collection[str],
) -> pd.DataFrame:
    """Rows of mart.printed of indicators that have a rule, as they may be shared: only `counts` of
    which today's is shown, that were not small when printed, and that grew or shrank by no small
    number, neither until now nor from one assessment to the next. Of what did not change at all
    nothing is told either: else what is hidden changed a little."""
    key = ["indicator", "area_code", "period"]
    today = shown[shown["dimension"] == "all"].set_index(key)["value"]
    rows = rows.reset_index(drop=True)
    now = today.reindex(pd.MultiIndex.from_frame(rows[key])).to_numpy()
    told: dict[tuple[str, str, str], list[float]] = {}
    stays = []
    for place, printed, figure in zip(
        rows[key].itertuples(index=False, name=None), rows["printed_value"], now, strict=True
    ):
        rule, before = rules[place[0]], told.setdefault(place, [])
        by = [figure - printed, *(printed - other for other in before)]
        small = rule.hides(printed) or any(rule.hides(one) for one in by)
        stays.append(abs(by[0]) >= rule.least and not small and place[0] in set(counts))
        before += [printed] if stays[-1] else []
    kept = pd.Series(stays, rows.index, dtype=bool) & ~rows["indicator"].isin(list(rounded))
    rows.loc[~kept, [*PRINTED, "change_unit"]] = None
    rows.loc[~kept, "sentence"] = f"The figures are {WHY}."
    return rows


def _same(one: object, other: object) -> bool:
    return one == other or (one is None and other is None)


# --- the ledger --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Few:
    """Units (extract, unit, period) and files of which the ledger must not say how many rows."""

    units: list[tuple[str, str, str]]
    files: set[str]


def few_events(
    files: pd.DataFrame,
    units: pd.DataFrame,
    shown: pd.DataFrame,
    indicators: Mapping[str, Indicator],
    sources: Mapping[str, Source],
) -> Few:
    """Where the ledger counts people's affairs: of a source with a rule whose rows are events, a
    unit or a file with few of them, or whose rows are a figure that is hidden; and of a file with
    such a unit, since its other units would give that one away. Where any figure of such a source
    is hidden, none of its units is counted: rows of a period are all but a figure.

    `files`: extract_id, source, rows_valid. `units`: extract_id, source, unit, period, rows.
    """
    guarded = {
        name: rule
        for name, source in sources.items()
        if not source.tallies and (rule := disclosure.rule(source.disclosure)) != NO_RULE
    }
    hidden = _hidden_rows(shown, indicators)
    few = [
        (unit.extract_id, unit.unit, unit.period)
        for unit in _each(units[units["source"].isin(set(guarded))])
        if guarded[unit.source].hides(unit.rows) or (unit.source, unit.period) in hidden
    ]
    withheld = _sources_of_hidden(shown, indicators) & set(guarded)
    every = [
        (unit.extract_id, unit.unit, unit.period)
        for unit in _each(units[units["source"].isin(withheld)])
    ]
    small = [
        file.extract_id
        for file in _each(files[files["source"].isin(set(guarded))])
        if guarded[file.source].hides(file.rows_valid)
    ]
    files_of_few = {extract_id for extract_id, *_ in few}
    return Few(list(dict.fromkeys([*few, *every])), {*small, *files_of_few})


def _sources_of_hidden(shown: pd.DataFrame, indicators: Mapping[str, Indicator]) -> set[str]:
    keys = shown.loc[shown["suppressed_reason"] == WHY, "indicator"].unique()
    parts = [
        part for key in keys for part in (indicators[key].numerator, indicators[key].denominator)
    ]
    return {part.source for part in parts if part is not None}


def _hidden_rows(shown: pd.DataFrame, indicators: Mapping[str, Indicator]) -> set[tuple[str, str]]:
    """Source and period of each hidden figure that counts all rows there are."""
    plain = {
        key: part.source
        for key, one in indicators.items()
        for part in (one.numerator, one.denominator)
        if part is not None and (part.where, part.aggregate) == ("true", measure.COUNTED)
    }
    hidden = shown[(shown["suppressed_reason"] == WHY) & shown["indicator"].isin(set(plain))]
    return {
        (plain[key], label)
        for key, label in zip(hidden["indicator"], hidden["period"], strict=True)
    }
