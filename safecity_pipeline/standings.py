"""Where the targets of an assessment stand, in words for the next one.

Belongs here: wording only. Does not belong here: judging (`targets`), the figures of other
sentences (`drafts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from safecity_pipeline import phrases, targets
from safecity_pipeline.model import Indicator, Row
from safecity_pipeline.registry.assessments.aims import Aim, Target
from safecity_pipeline.registry.indicators import PER_CENT
from safecity_pipeline.sentences import ordinal, rounded, unlike

STANDS = {
    targets.MET: "the target is met",
    targets.NOT_MET: "the target is not met",
    targets.NOT_SHOWN: "that the target is met is not shown, since chance may explain the figures",
    targets.NOT_MEASURABLE: "whether the target is met cannot be measured",
    targets.NOT_LIKE_FOR_LIKE: "whether the target is met cannot be said",
}

ChangesSince = Callable[[Aim, str], str]
"""The changes of definition between the base of an aim and a later period, in words."""


def told(
    aimed: Sequence[Target],
    rows: Sequence[Row],
    indicators: Mapping[str, Indicator],
    changes: ChangesSince,
) -> str:
    """The sentences of the targets that one statement sets; `rows`: theirs of mart.target. Measures
    that two targets share, and figures that two readings of one share, are told once."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for start, due, goal in _parts(aimed, rows, indicators, changes):
        found.setdefault((start, due), {})[goal] = None
    return " ".join(
        f"{start} {due}{' Or, read otherwise: '.join(goals)}"
        for (start, due), goals in found.items()
    )


def _parts(
    aimed: Sequence[Target],
    rows: Sequence[Row],
    indicators: Mapping[str, Indicator],
    changes: ChangesSince,
) -> Iterator[tuple[str, str, str]]:
    """Of each measure its figures, by when, and what is aimed at with whether that is reached."""
    by_measure = {(row["target"], row["measure"]): row for row in rows}
    for target in aimed:
        due = f"Target by {phrases.last_month(target.due)}: "
        for aim in target.aim:
            row, indicator = by_measure[target.target, aim.name], indicators[aim.indicator]
            begun = f"{phrases.title(indicator)}: {_figures(aim, row, indicator)}."
            yield begun, due, f"{_goal(aim, row, indicator)}.{_verdict(aim, row, changes)}"
        if not target.aim:
            row = by_measure[target.target, None]
            yield f"{phrases.capital(STANDS[row['verdict']])}:", "", _why(target)


def _why(target: Target) -> str:
    return phrases.ended(phrases.small(target.reason))


def _figures(aim: Aim, row: Row, indicator: Indicator) -> str:
    if row["baseline"] is None:
        return f"no figure for {phrases.printed(aim.base)}"
    base = f"{_level(aim, row['baseline'], indicator)} in {phrases.printed(aim.base)}"
    if row["current"] is None:
        return f"{base}; no later figure yet"
    now = f"{_level(aim, row['current'], indicator)} in {phrases.printed(row['period'])}"
    return f"{base} and {now}{_likely(aim, row, indicator)}"


def _level(aim: Aim, value: float, indicator: Indicator) -> str:
    if aim.wants == targets.BETTER_RANK:
        return f"{ordinal(int(value))} place (1st is the best)"
    return f"{rounded(value, indicator.decimals)}{_unit(indicator)}"


def _unit(indicator: Indicator) -> str:
    """Nothing for a count, whose title says what is counted: 1 reports reads ill."""
    return "" if indicator.kind == "count" else phrases.unit(indicator)


def _likely(aim: Aim, row: Row, indicator: Indicator) -> str:
    """The change with its interval, where the target is one and no definition changed."""
    lower, upper = row["change_lower_95"], row["change_upper_95"]
    level = aim.wants == targets.AT_LEAST or row["verdict"] == targets.NOT_LIKE_FOR_LIKE
    if level or lower is None or upper is None:
        return ""
    points = indicator.unit == PER_CENT
    change = row["current"] - row["baseline"]
    change = change if points else 100 * change / row["baseline"]
    behind, word = ("", phrases.POINTS) if points else ("%", "")
    limits = phrases.between_signed(lower, upper, 1, behind)
    said = phrases.with_word(f"{phrases.signed(change, 1)}{behind}", word)
    return f" ({said}, likely {limits})"


def _goal(aim: Aim, row: Row, indicator: Indicator) -> str:
    since = f"than in {phrases.printed(aim.base)}"
    if aim.wants == targets.BETTER_RANK:
        return f"a better place {since}"
    level = row["target_value"]
    at = f"{_plain(level, indicator)}{_unit(indicator)}" if level is not None else ""
    if aim.wants == targets.AT_LEAST:
        return f"at least {at}"
    if not aim.by:
        return f"{aim.wants} {since}"
    size = f"{aim.by:g}{'%' if aim.unit == 'percent' else ' percentage points'}"
    return f"{size} {aim.wants} {since}" + (f", {at} or {aim.wants}" if at else "")


def _plain(level: float, indicator: Indicator) -> str:
    """A level to be reached: 70 and not 70.0, and 12.8 children rather than 13."""
    text = rounded(level, max(1, indicator.decimals))
    return text.rstrip("0").rstrip(".")


def _verdict(aim: Aim, row: Row, changes: ChangesSince) -> str:
    if row["baseline"] is None or row["current"] is None:
        return ""
    stands = phrases.capital(STANDS[row["verdict"]])
    if row["verdict"] == targets.NOT_LIKE_FOR_LIKE:
        return f" {stands}: the figures are {_unlike(aim, row, changes)}."
    unsaid = row["change_lower_95"] is None and aim.wants != targets.BETTER_RANK
    if row["verdict"] == targets.NOT_SHOWN and unsaid:
        return (
            " Whether the target is met is not shown, since no likely range of the change is known."
        )
    return f" {stands}."


def _unlike(aim: Aim, row: Row, changes: ChangesSince) -> str:
    if aim.wants == targets.BETTER_RANK:
        return "not like for like: what is counted, or who is compared, changed in between"
    return unlike(changes(aim, row["period"]))
