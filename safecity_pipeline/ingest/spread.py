"""Which heads are the columns of a wide table's values, and what their labels are.

Belongs here: patterns of a layout that heads fit still, heads that say the same in other words,
heads that differ in one number. Does not belong here: heads that are one column of ours (`drift`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from safecity_pipeline.ingest import likeness
from safecity_pipeline.ingest.evidence import Told
from safecity_pipeline.ingest.likeness import DENY, STRICT_WORTH, TYPICAL, Score
from safecity_pipeline.model import Layout

SURE = 0.8
MARGIN = 2.0
CANDIDATE, STRONG = 0.35, 0.5
MOST_CANDIDATES = 3
ANY_HEAD = 0.2  # what a pattern is worth that many heads fit
YEAR_FIRST = r"(\d{4}) / "


@dataclass(frozen=True)
class Wide:
    """Heads taken for a wide table's columns of values: pattern → label, as in a layout."""

    pattern: str
    label: str
    heads: tuple[str, ...]
    score: Score
    same: bool


@dataclass(frozen=True)
class Spread:
    """`taken` and `candidates` as pattern → label; `missing`: labels that no head brings."""

    taken: tuple[Wide, ...] = ()
    candidates: tuple[Wide, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pair:
    """A head that may be a pattern's: `made` the pattern that it fits, `label` what that gives."""

    at: int
    place: int
    made: str
    label: str
    meant: str
    score: Score


def of_heads(told: Told, layout: Layout, left: Sequence[int]) -> Spread:
    """The layout's own patterns where heads fit them, else what says the same, else templates.

    `left`: places of heads that are no column of ours.
    """
    if not layout.wide:
        return Spread()
    left = [at for at in left if told.looked.head[at]]
    given = {at: str(label(layout, told.looked.head[at])) for at in left}
    several = {one for one, count in Counter(given.values()).items() if count > 1} - {"None"}
    own = _own(told, layout, [at for at in left if given[at] not in several])
    brought = {one for one in given.values() if one not in several}
    rest = [at for at in left if given[at] == "None" or given[at] in several]
    possible = _pairs(told, layout, rest)
    pairs = _sure([one for one in possible if one.meant not in brought])
    if not (own or pairs or several):
        made, candidates = _by_template(told, layout, left)
        if made or candidates:
            return Spread(made, candidates)
    brought |= {one.meant for one in pairs}
    sure = {one.at for one in pairs}
    unsure = [
        one
        for one in possible
        if one.at not in sure and one.meant not in brought and one.score.value >= STRONG
    ]
    taken = (*own, *_grouped(told, pairs))
    labels = {one.label for one in taken}
    missing = tuple(dict.fromkeys(one for one in layout.wide.values() if one not in labels))
    return Spread(taken, _grouped(told, unsure), missing)


def label(layout: Layout, cell: str) -> str | None:
    """The label of a head that fits a pattern of the layout."""
    for pattern, template in layout.wide.items():
        if match := re.fullmatch(pattern, cell):
            return match.expand(template)
    return None


def is_any(pattern: str) -> bool:
    """Whether a pattern fits so many texts that fitting it says little."""
    fitting = sum(re.fullmatch(pattern, cell) is not None for cell in TYPICAL)
    return fitting > likeness.DEMANDING * len(TYPICAL)


# --- the layout's own patterns -------------------------------------------------------------------


def _own(told: Told, layout: Layout, left: Sequence[int]) -> tuple[Wide, ...]:
    found: dict[str, list[str]] = {}
    for at in left:
        cell = told.looked.head[at]
        fitting = next((one for one in layout.wide if re.fullmatch(one, cell)), None)
        if fitting is not None:
            found.setdefault(fitting, []).append(cell)
    return tuple(
        Wide(one, layout.wide[one], tuple(found[one]), _own_score(told, layout, one), True)
        for one in layout.wide
        if one in found
    )


def _own_score(told: Told, layout: Layout, pattern: str) -> Score:
    """A pattern that nearly any head fits is believed as far as its labels and values are."""
    if not is_any(pattern):
        return Score(1.0, 1.0, None, "same heads")
    names = str(layout.wide_label).split("|")
    matched = [match for cell in told.looked.head if (match := re.fullmatch(pattern, cell))]
    labels = [match.expand(layout.wide[pattern]).split("|") for match in matched]
    doubt = 1 - ANY_HEAD
    for name, said in zip(names, zip(*labels, strict=True), strict=True):
        _, passed = told.tests[name].ask(said)
        share = sum(one in passed for one in said) / len(said)
        areas = told.tests[name].areas(said)
        worth = max(told.tests[name].worth(len(said)) * share, STRICT_WORTH * areas)
        doubt = 1.0 if share < DENY else doubt * (1 - worth)
    return Score(1 - doubt, ANY_HEAD, None, "heads that the layout's pattern fits")


# --- the same in other words ---------------------------------------------------------------------


def _pairs(told: Told, layout: Layout, rest: Sequence[int]) -> list[_Pair]:
    said = [likeness.said_by(pattern) for pattern in layout.wide]
    found = []
    for at in rest:
        for place, (pattern, template) in enumerate(layout.wide.items()):
            cell = told.looked.head[at]
            alike = likeness.wording(cell, said[place], said) if said[place] and cell else 0.0
            if alike < CANDIDATE or (made := _rewritten(cell, pattern, template)) is None:
                continue
            match = re.fullmatch(made, cell)
            assert match is not None
            meant = match.expand(template)
            value = str(layout.wide_value)
            name = (alike, f'words of "{said[place]}" {alike:.2f}')
            score = likeness.join(name, told.tests[value], told.passing[at].get(value))
            found.append(_Pair(at, place, made, template, meant, score))
    return found


def _rewritten(cell: str, pattern: str, template: str) -> str | None:
    """A pattern for this very head, with the numbers that the label takes out of it.

    None where the label takes anything but digits, or the head has no such number.
    """
    named = max((int(one) for one in re.findall(r"\\(\d)", template)), default=0)
    groups = _groups(pattern)
    if named and len(groups) != re.compile(pattern).groups:
        return None  # groups within groups
    made, rest = "", cell
    for group in groups[:named]:
        match = re.search(rf"(?<!\d){group}(?!\d)", rest) if group else None
        if match is None:
            return None
        made += f"{re.escape(rest[: match.start()])}({group})"
        rest = rest[match.end() :]
    return made + re.escape(rest)


def _groups(pattern: str) -> list[str | None]:
    """What stands in each group that a label may name; None for one that takes more than digits."""
    return [
        match[1] if re.fullmatch(r"(\\d(\{\d+\}|\+)?)+", match[1]) and not match[2] else None
        for match in re.finditer(r"(?<!\\)\((?!\?)([^()]*)\)([?*]?)", pattern)
    ]


def _sure(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Pairs that leave no doubt: no other label for the head, no other head for what it gives."""
    taken: list[_Pair] = []
    open_pairs = list(pairs)
    while sure := [one for one in open_pairs if _is_sure(one, open_pairs)]:
        taken += sure
        heads, labels = {one.at for one in sure}, {one.meant for one in sure}
        open_pairs = [one for one in open_pairs if one.at not in heads and one.meant not in labels]
    return taken


def _is_sure(one: _Pair, others: Sequence[_Pair]) -> bool:
    return one.score.value >= SURE and all(
        one.score.doubt * MARGIN < other.score.doubt
        for other in others
        if other is not one and (other.at == one.at or other.meant == one.meant)
    )


def _grouped(told: Told, pairs: Sequence[_Pair]) -> tuple[Wide, ...]:
    """One entry for the heads that one pattern reads."""
    grouped: dict[tuple[str, str], list[_Pair]] = {}
    for one in sorted(pairs, key=lambda pair: (pair.at, -pair.score.value)):
        grouped.setdefault((one.made, one.label), []).append(one)
    return tuple(
        Wide(
            made,
            template,
            tuple(told.looked.head[one.at] for one in group),
            min((one.score for one in group), key=lambda score: score.value),
            False,
        )
        for (made, template), group in grouped.items()
    )


# --- heads that differ in one number -------------------------------------------------------------


def _by_template(
    told: Told, layout: Layout, left: Sequence[int]
) -> tuple[tuple[Wide, ...], tuple[Wide, ...]]:
    if "|" in str(layout.wide_label):
        return (), ()
    head = told.looked.head
    found = [
        one for template in _templates(head, left) if (one := _template(told, layout, template))
    ]
    best = sorted(found, key=lambda one: (-one.score.value, one.pattern))
    kept = [one for one in best if one.score.value >= CANDIDATE]
    alone = len(kept) == 1 or (len(kept) > 1 and kept[0].score.doubt * MARGIN < kept[1].score.doubt)
    if kept and alone and kept[0].score.value >= SURE:
        return (kept[0],), ()
    return (), tuple(kept[:MOST_CANDIDATES])


def _templates(head: Sequence[str], left: Sequence[int]) -> list[list[int]]:
    """Places of heads that differ in one number only."""
    grouped: dict[str, list[int]] = {}
    for at in left:
        if len(re.findall(r"\d+", head[at])) == 1:
            grouped.setdefault(re.sub(r"\d+", "#", head[at]), []).append(at)
    return list(grouped.values())


def _template(told: Told, layout: Layout, places: Sequence[int]) -> Wide | None:
    head, name, value = told.looked.head, str(layout.wide_label), str(layout.wide_value)
    numbered = {pattern: one for pattern, one in layout.wide.items() if one == r"\1"}
    before, number, after = re.split(r"(\d+)", head[places[0]])
    numbers = [re.findall(r"\d+", head[at])[0] for at in places]
    _, labels = told.tests[name].ask(numbers)
    if not numbered or set(numbers) - labels or {len(one) for one in numbers} != {len(number)}:
        return None
    found = [told.passing[at][value] for at in places if value in told.passing[at]]
    if not found:
        return None
    pattern, theirs = max(
        numbered.items(), key=lambda pair: likeness.names(before, [_stem(pair[0])], value)[0]
    )
    least = min(found, key=lambda one: one.rules)
    alike = likeness.names(f"{before} {after}".strip(), [_stem(pattern)], value)
    score = likeness.join(alike, told.tests[value], least)
    made = f"{re.escape(before)}(\\d{{{len(number)}}}){re.escape(after)}"
    return Wide(made, theirs, tuple(head[at] for at in places), score, False)


def _stem(pattern: str) -> str:
    """What a pattern of heads says in letters: `population_(\\d{4})` is `population_`."""
    return re.sub(r"\(.*\)|\\.|[^\w ]", "", pattern)


# --- years side by side --------------------------------------------------------------------------


def by_year(layout: Layout, head: Sequence[str], is_year: Callable[[str], bool]) -> Layout | None:
    """The layout as it would be where each of its columns stands once a year, years above.

    None where the head does not have several years, or where the layout has no one column that
    the table does not say and a year would be (`is_year`).
    """
    years = {match[1] for cell in head if (match := re.match(YEAR_FIRST, cell))}
    given = [name for name in layout.given if is_year(name)]
    named = str(layout.wide_label).split("|")
    if not layout.wide or len(years) < 2 or len(given) != 1 or given[0] in named:
        return None
    wide = {
        YEAR_FIRST + pattern: r"\1|" + re.sub(r"\\(\d)", _next_group, template)
        for pattern, template in layout.wide.items()
    }
    rest = tuple(name for name in layout.given if name not in given)
    rounded = rf"\d{{4}}\|({layout.rounded})" if layout.rounded else None
    return replace(
        layout,
        wide=wide,
        wide_label=f"{given[0]}|{layout.wide_label}",
        given=rest,
        rounded=rounded,
        titles=None,
    )


def _next_group(match: re.Match[str]) -> str:
    return f"\\{int(match[1]) + 1}"
