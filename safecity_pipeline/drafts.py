"""The sentences of a published assessment for another year, drafted from its own figures.

Belongs here: moving a sentence's figure to the year of the release, and its words, in the style of
the assessment. Does not belong here: computing the figure (`claims`), judging a target (`targets`)
and its words (`standings`), how a number is printed (`phrases`), what a sentence speaks of
(`registry.assessments`).

A draft says "rose" or "fell" only where the interval of the change excludes no change and no
definition changed in between. What it states stands in columns too, and `figures` names every value
in or behind it, so that a draft can be withheld together with a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

from safecity_pipeline import claims, period, phrases, standings
from safecity_pipeline.breaks import Broken, Days
from safecity_pipeline.claims import AGAINST_PEERS, OF_COUNTS, Computed, Figures
from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.phrases import capital, ended, printed
from safecity_pipeline.registry.assessments import Assessment
from safecity_pipeline.registry.assessments.aims import Aim, Target
from safecity_pipeline.registry.assessments.statements import CHANGES, RANKS, Claim, Reading
from safecity_pipeline.registry.indicators import PER_CENT
from safecity_pipeline.sentences import listed, ordinal, rounded, unlike

COMPARABLE, DEFINITION_CHANGED = "comparable", "definition_changed"
STATED, NO_FIGURE, TARGET = "stated", "no_figure", "target"
NO_RANGE = "no likely range can be given"
OPTIONAL = (
    *("indicator", "area_code", "figure", "period", "base_period", "unit"),
    *("value", "lower_95", "upper_95", "base_value"),
    *("change", "change_lower_95", "change_upper_95", "change_unit"),
    *("rank", "rank_of", "rank_lower_95", "rank_upper_95"),
    *("status", "broken_by", "rests_on", "figures", "caveat"),
)
"""Columns of mart.draft that a draft may leave empty."""


@dataclass(frozen=True)
class DraftedFrom:
    """What drafts are made from: the figures of claims, rows of mart.target in their order, the
    year to be drafted, the name of the assessed area and that of any area by its code."""

    figures: Figures
    indicators: Mapping[str, Indicator]
    targets: Sequence[Row]
    year: str
    name: str
    name_of: Callable[[str], str]
    synthetic: bool

    def changes_since(self, aim: Aim, label: str) -> str:
        """The changes of definition since the base of a target, in words."""
        days = [Days(one.start, one.end) for one in map(period.parse, (aim.base, label))]
        return self.figures.broken_by(aim.indicator, self.figures.area_code, *days).words


@dataclass(frozen=True)
class Draft:
    """A sentence with what it states. `facts`: columns of mart.draft that are not empty."""

    sentence: str
    status: str
    facts: Row


def of(assessments: Iterable[Assessment], known: DraftedFrom) -> list[Row]:
    """Rows of mart.draft: one for every claim about the assessed area."""
    rows: list[Row] = []
    standing = iter(known.targets)  # as `targets.of` made them: one assessment after the other
    for assessment in assessments:
        if assessment.area_code == known.figures.area_code:
            judged = sum(len(target.aim) or 1 for target in assessment.targets)
            own = replace(known, targets=list(islice(standing, judged)))
            rows += [_row(assessment, claim, own) for claim in assessment.claims]
    return rows


def _row(assessment: Assessment, claim: Claim, known: DraftedFrom) -> Row:
    draft = _drafted(assessment, claim, known)
    return {
        "assessment": assessment.year,
        "claim": claim.claim,
        "section": claim.section,
        "year": known.year,
        "sentence": draft.sentence,
        "statement": claim.statement,
        **dict.fromkeys(OPTIONAL),
        "area_code": known.figures.area_code,
        **draft.facts,
        "status": draft.status,
        "caveat": claim.caveat or None,
        "synthetic": known.synthetic,
    }


def _drafted(assessment: Assessment, claim: Claim, known: DraftedFrom) -> Draft:
    aimed = [one for one in assessment.targets if one.claim == claim.claim]
    if claim.reading:
        return _of_reading(moved(claim, assessment.year, known.year), known)
    if aimed:
        return _of_targets(claim, aimed, known)
    return Draft(f"No figure: {ended(phrases.small(claim.reason))}", claim.verdict, {})


def moved(claim: Claim, written: str, year: str) -> Claim:
    """The claim with its first reading only, whose periods are as many years later as the financial
    year `year` is after `written`."""
    later = period.parse(year).start.year - period.parse(written).start.year

    def shifted(label: str) -> str:
        return period.parse(label).year_before(-later).label if label else ""

    first = claim.reading[0]
    reading = replace(first, period=shifted(first.period), base=shifted(first.base))
    wording = replace(claim.draft, since=shifted(claim.draft.since))
    return replace(claim, reading=(reading,), draft=wording)


# --- one figure ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """What a sentence speaks of: the claim, its reading in the year drafted, and the figure."""

    claim: Claim
    reading: Reading
    computed: Computed
    known: DraftedFrom

    @property
    def indicator(self) -> Indicator:
        return self.known.indicators[self.reading.indicator]

    @property
    def words(self) -> str:
        """What is counted, for the middle of a sentence."""
        if self.claim.draft.subject or not self.reading.indicator:
            return self.claim.draft.subject
        return phrases.title(self.indicator)

    @property
    def area(self) -> str:
        return self.reading.area or self.known.figures.area_code

    @property
    def at_home(self) -> bool:
        return self.area == self.known.figures.area_code

    @property
    def place(self) -> str:
        return self.known.name if self.at_home else phrases.name(self.known.name_of(self.area))

    @property
    def when(self) -> str:
        return printed(self.reading.period)

    @property
    def since(self) -> str:
        """Between 2013/14 and 2014/15."""
        return f"between {printed(self.reading.base)} and {self.when}"

    @property
    def value(self) -> float:
        assert self.computed.value is not None
        return self.computed.value

    def row(self, label: str) -> Row:
        return self.known.figures.values[self.reading.indicator, self.area, label]


def _of_reading(claim: Claim, known: DraftedFrom) -> Draft:
    (reading,) = claim.reading
    about = Subject(claim, reading, claims.compute(reading, known.figures), known)
    keys = _keys(about)
    if about.computed.value is None:
        start = capital(about.words) + ("" if about.at_home else f", {about.place}")
        return Draft(f"{start}: no figure, since {ended(about.computed.lacking)}", NO_FIGURE, keys)
    sentence, status, facts = _worded(about)
    notes = (claims.estimated(about.computed, known.figures), claim.draft.caveat)
    said = " ".join([sentence, *(capital(ended(note)) for note in notes if note)])
    return Draft(said, status, {**keys, **facts})


def _worded(about: Subject) -> tuple[str, str, Row]:
    """Sentence, status and columns by the kind of figure."""
    figure = about.reading.figure
    if figure == "members":
        return _members(about), STATED, {"value": about.value, "unit": "areas"}
    if figure in RANKS:
        return _rank(about), COMPARABLE, _ranked(about)
    if figure == "place_among":
        return _place(about), STATED, _placed(about)
    if figure in CHANGES:
        return _changed(about, _start(about))
    return _level_and_change(about)


def _keys(about: Subject) -> dict[str, Any]:
    """What the draft rests on, in columns and in words."""
    reading = about.reading
    base = f" against {reading.base}" if reading.base else ""
    what = reading.indicator or reading.group
    return {
        "indicator": reading.indicator or None,
        "area_code": about.area,
        "figure": reading.figure,
        "period": reading.period,
        "base_period": reading.base or None,
        "rests_on": f"{reading.figure} of {what}, {about.place}, {reading.period}{base}",
        "figures": _figures_behind(about) or None,
    }


def _figures_behind(about: Subject) -> str:
    """The values that the sentence states or could be worked back to."""
    reading, home = about.reading, about.known.figures.area_code
    labels = [label for label in (reading.period, reading.base, about.claim.draft.since) if label]
    keys = [
        f"{indicator}/{area}/{label}"
        for indicator in (reading.indicator, *reading.among)
        for area in dict.fromkeys((about.area, home))
        for label in labels
        if indicator
    ]
    return " ".join(keys)


# --- levels --------------------------------------------------------------------------------------


def _level_and_change(about: Subject) -> tuple[str, str, Row]:
    """A level, and how it changed where the sentence tells that too."""
    facts = {
        "value": about.value,
        "lower_95": about.computed.lower,
        "upper_95": about.computed.upper,
        "unit": about.indicator.unit,
    }
    since = about.claim.draft.since
    if not since:
        return _level(about), STATED, facts
    reading = replace(about.reading, figure="difference", base=since)
    computed = claims.compute(reading, about.known.figures)
    if computed.value is None:
        return f"{_level(about)} It is not compared: {computed.lacking}.", STATED, facts
    said, status, more = _changed(replace(about, reading=reading, computed=computed), "It")
    return f"{_level(about)} {said}", status, {**facts, **more, "base_period": since}


def _level(about: Subject) -> str:
    """The share of clients who … stood at 47% in 2014/15 (likely between 42% and 52%)."""
    computed, decimals = about.computed, about.claim.decimals
    over = about.claim.rule == "over"
    number = phrases.over(about.value, decimals) if over else rounded(about.value, decimals)
    likely = NO_RANGE
    if computed.lower is not None and computed.upper is not None:
        behind = phrases.sign(about.indicator)
        likely = f"likely {phrases.between(computed.lower, computed.upper, decimals, behind)}"
    start = capital(about.words) if about.at_home else f"In {about.place} {about.words}"
    beside = "" if about.at_home else _beside(about)
    value = f"{number}{phrases.unit(about.indicator)}"
    return f"{start} stood at {value} in {about.when} ({likely}){beside}."


def _beside(about: Subject) -> str:
    """The assessed area's own figure, beside that of another area."""
    known = about.known
    own = claims.compute(replace(about.reading, area=""), known.figures)
    if own.value is None:
        return f"; for {known.name} there is no figure"
    value = f"{rounded(own.value, about.claim.decimals)}{phrases.sign(about.indicator)}"
    if own.lower is None or own.upper is None:
        return f", against {value} in {known.name}"
    if own.lower <= about.value <= own.upper:
        return f"; {known.name}'s {value} does not clearly differ from it"
    end = "higher" if own.value > about.value else "lower"
    return f"; {known.name}'s {value} is {end} than that by more than chance explains"


# --- changes -------------------------------------------------------------------------------------


def _changed(about: Subject, start: str) -> tuple[str, str, Row]:
    broken = claims.broken_in(about.reading, about.known.figures) or Broken()
    material = bool(broken.material)
    against_peers = about.reading.figure == AGAINST_PEERS
    sentence = _against_peers(about) if against_peers else _change(about, start, material)
    if material:
        sentence += f" This is {unlike(broken.words)}."
        if note := claims.allowing(about.computed, about.known.figures):
            sentence += f" {ended(note)}"
    if note := claims.unsettled(about.computed, about.known.figures):
        sentence += f" {capital(ended(note))}"
    status = DEFINITION_CHANGED if material else COMPARABLE
    return sentence, status, {**_change_facts(about), "broken_by": " ".join(broken.ids) or None}


def _start(about: Subject) -> str:
    """Whose number or rate changed; a title of the catalogue says by itself what it is."""
    of_count = about.reading.figure in OF_COUNTS and about.claim.draft.subject
    return f"The number of {about.words}" if of_count else capital(about.words)


def _change_facts(about: Subject) -> dict[str, Any]:
    reading, computed = about.reading, about.computed
    counted = reading.figure in OF_COUNTS
    column = "numerator" if counted else "value"
    now, base = about.row(reading.period), about.row(reading.base)
    return {
        "value": now[column],
        "lower_95": None if counted else now["lower_95"],
        "upper_95": None if counted else now["upper_95"],
        "base_value": base[column],
        "unit": "cases" if counted else about.indicator.unit,
        "change": computed.value,
        "change_lower_95": computed.lower,
        "change_upper_95": computed.upper,
        "change_unit": _change_unit(about),
    }


def _change_unit(about: Subject) -> str:
    """The unit of a change: of a share, of a rate or of a count."""
    if about.reading.figure == AGAINST_PEERS:
        return phrases.POINTS
    if about.reading.figure != "difference":
        return "percent"
    return phrases.POINTS if about.indicator.unit == PER_CENT else about.indicator.unit


def _sized(about: Subject, number: str) -> str:
    """The size of a change with its unit: 12%, 1 percentage point."""
    unit = _change_unit(about)
    return f"{number}%" if unit == "percent" else phrases.with_word(number, unit)


def _change(about: Subject, start: str, material: bool) -> str:
    """Rose or fell; where chance or a change of definition may explain it, neither."""
    value, lower, upper = about.value, about.computed.lower, about.computed.upper
    decimals, recorded = about.claim.decimals, ", as recorded" if material else ""
    behind = "%" if _change_unit(about) == "percent" else ""
    if lower is None or upper is None:
        differed = _sized(about, phrases.signed(value, decimals))
        return f"{start} differed by {differed} {about.since}{recorded} ({NO_RANGE})."
    if lower <= 0 <= upper:
        places = phrases.telling(decimals, value, lower, upper)
        size = _sized(about, phrases.signed(value, places))
        limits = phrases.between_signed(lower, upper, places, behind)
        unclear = f"did not clearly change {about.since}{recorded}"
        return f"{start} {unclear} ({size}, likely {limits})."
    limits = phrases.between_sizes(lower, upper, decimals, behind)
    if material:
        return f"{_recorded(about, start)} (likely {limits})."
    verb = "rose" if value > 0 else "fell"
    return f"{start} {verb} by {_size(about)} {about.since} (likely {limits})."


def _recorded(about: Subject, start: str) -> str:
    """Across a change of definition: what was recorded, in which nothing rose or fell."""
    more, size = about.value > 0, _size(about)
    than = f"in {about.when} than in {printed(about.reading.base)}"
    if _change_unit(about) == "percent":
        end = "more" if more else "fewer" if about.claim.draft.subject else "less"
        return f"{about.place} recorded {size} {end} {about.words} {than}"
    return f"{start} was recorded as {size} {'higher' if more else 'lower'} {than}"


def _size(about: Subject) -> str:
    """How large the change is, by the rule of the claim: over 25%, where that was the wording."""
    over = about.claim.rule == "over" and about.value >= 1
    number = phrases.over if over else phrases.size
    return _sized(about, number(about.value, about.claim.decimals))


def _against_peers(about: Subject) -> str:
    """The change of the count beside the middle one of the peers' changes."""
    known, decimals = about.known, about.claim.decimals
    changes = claims.changes_of_peers(about.reading, known.figures)
    own = phrases.signed(about.value + median(changes), decimals)
    apart = phrases.with_word(rounded(abs(about.value), decimals), phrases.POINTS)
    middle = f"{apart} {'above' if about.value > 0 else 'below'}"
    if rounded(about.value, decimals) == rounded(0, decimals):
        middle = "the same as"
    higher = sum(change > 0 for change in changes)
    return (
        f"{capital(about.words)}: the change {about.since} was {own}% in {known.name}, {middle} "
        f"the middle one of {len(changes)} similar areas; in {higher} of them the figure was "
        f"higher than before ({NO_RANGE})."
    )


# --- among the peers, and among figures of one area ---------------------------------------------

ENDS = {"rank_high": "highest", "rank_low": "lowest", "rank_best": "best"}


def _rank_row(about: Subject) -> Row:
    return about.known.figures.ranks[about.reading.indicator, about.area, about.reading.period]


def _ranked(about: Subject) -> Row:
    row = _rank_row(about)
    return {
        "value": row["value"],
        "unit": about.indicator.unit,
        "rank": about.value,
        "rank_of": row["rank_of"],
        "rank_lower_95": about.computed.lower,
        "rank_upper_95": about.computed.upper,
    }


def _rank(about: Subject) -> str:
    """Southampton is ranked 3rd highest of 15 for … in 2014/15: 3.96 … (likely between …)."""
    row, end = _rank_row(about), ENDS[about.reading.figure]
    number = int(row["rank_of"])
    place = f"{_tied(about)}{phrases.place(int(about.value), end)} of {number}"
    value = f"{rounded(row['value'], about.indicator.decimals)}{phrases.unit(about.indicator)}"
    return (
        f"{about.place} is ranked {place} for {about.words} in {about.when}: {value} "
        f"({_likely_place(about, end)}).{_best(about)} The {number} are {about.place} and its most "
        f"similar areas{_others(about, number)}."
    )


def _tied(about: Subject) -> str:
    """Joint, where another area has the same value."""
    own = _rank_row(about)["value"]
    ranking = claims.ranked_with(about.reading, about.known.figures)
    return "joint " if sum(math.isclose(row["value"], own) for row in ranking) > 1 else ""


def _likely_place(about: Subject, end: str) -> str:
    lower, upper = about.computed.lower, about.computed.upper
    if lower is None or upper is None:
        return NO_RANGE
    by_rounding = about.indicator.rounded_to is not None
    if lower == upper:
        return "rounding allows no other place" if by_rounding else "no other place is likely"
    span = phrases.places(int(lower), int(upper), end)
    return f"{span}, by rounding alone" if by_rounding else f"likely {span}"


def _best(about: Subject) -> str:
    """Which end is the best, where the word of the rank does not say which end that is."""
    if about.reading.figure != "rank_best":
        return ""
    low = about.indicator.polarity == "low_is_good"
    return f" The {'lowest' if low else 'highest'} is the best."


def _others(about: Subject, number: int) -> str:
    """Who stands in for whom, and how many have no figure."""
    reading, figures = about.reading, about.known.figures
    group = figures.groups.get(reading.indicator, "")
    ranking = claims.ranked_with(reading, figures)
    named = sorted(str(row["area_name"]) for row in ranking if "(for " in row["area_name"])
    instead = [one.replace("(for ", "for ").removesuffix(")") for one in named]
    lacking = 1 + len(figures.peers(group, reading.period)) - number
    without = f"; {lacking} more {'has' if lacking == 1 else 'have'} no figure"
    return (f", with {listed(instead)}" if instead else "") + without * (lacking > 0)


def _members(about: Subject) -> str:
    reading, known = about.reading, about.known
    codes = known.figures.peers(reading.group, reading.period)
    if not codes:
        return f"For {about.when} no areas are declared with which {known.name} is compared."
    names = listed(phrases.name(known.name_of(code)) for code in codes)
    return f"In {about.when} {known.name} is compared with {len(codes)} similar areas: {names}."


def _placed(about: Subject) -> Row:
    row = about.row(about.reading.period)
    return {
        "value": row["value"],
        "lower_95": row["lower_95"],
        "upper_95": row["upper_95"],
        "unit": about.indicator.unit,
        "rank": about.value,
        "rank_of": 1 + len(about.reading.among),
    }


def _place(about: Subject) -> str:
    """Litter and rubbish came 1st of 7 in 2015, counted from the largest: 46% (…)."""
    reading, own = about.reading, about.row(about.reading.period)["value"]
    others = [about.known.figures.values[one, about.area, reading.period] for one in reading.among]
    tied = any(math.isclose(row["value"], own) for row in others)
    place = f"{'joint ' * tied}{ordinal(int(about.value))} of {1 + len(others)}"
    value = f"{rounded(own, about.claim.decimals)}{phrases.unit(about.indicator)}"
    return (
        f"{capital(about.words)} came {place} in {about.when}, counted from the largest: {value} "
        f"({NO_RANGE})."
    )


# --- targets -------------------------------------------------------------------------------------


def _of_targets(claim: Claim, aimed: Sequence[Target], known: DraftedFrom) -> Draft:
    """Where a target stands, as it was judged: on the newest figure, not on that of the year."""
    rows = [row for row in known.targets if row["claim"] == claim.claim]
    said = standings.told(aimed, rows, known.indicators, known.changes_since)
    return Draft(f"“{claim.statement}” {said}", TARGET, _standing(rows, known.figures.area_code))


def _standing(rows: Sequence[Row], area: str) -> Row:
    """Columns of the first measure, and the values behind all of them."""
    first = rows[0]
    keys = {
        f"{row['indicator']}/{area}/{label}": None
        for row in rows
        for label in (row["period"], row["base_period"])
        if label
    }
    keyed = dict.fromkeys(str(row["target"]) for row in rows)
    verdicts = dict.fromkeys(str(row["verdict"]) for row in rows)
    return {
        "indicator": first["indicator"],
        "figure": TARGET,
        "period": first["period"],
        "base_period": first["base_period"],
        "value": first["current"],
        "base_value": first["baseline"],
        "change_lower_95": first["change_lower_95"],
        "change_upper_95": first["change_upper_95"],
        "rests_on": f"target {', '.join(keyed)}, judged as {', '.join(verdicts)}",
        "figures": " ".join(keys) or None,
    }
