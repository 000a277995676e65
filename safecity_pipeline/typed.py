"""Numbers that were typed into the analyst's words, where a key should name them.

Belongs here: which numbers a narrative of a year could have named by key, and the check that finds
those that match none. Does not belong here: finding numbers in prose (`registry.narrative`), words
for a key (`publish.named`). Pure.

A number matches as it is printed: with the indicator's own decimals, a change to one. The check
looks at figures that no rule of disclosure guards and everybody may see: a guarded figure that is
typed would stay when it must be hidden, so it is always a warning, and the check tells nothing of
any hidden number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from safecity_pipeline import disclosure, period
from safecity_pipeline.model import Check, CheckSpec, Indicator, Row, Source
from safecity_pipeline.registry.narrative import Key, Passage
from safecity_pipeline.sentences import rounded

ABOUT = "narrative"
CHECK = CheckSpec("typed_number", "every number in the analyst's words is a figure of the release")
COMPARED = ("previous_year", "peer_rank")
MOST = 10  # places that a message names
SUGGESTED = 3

Matches = Mapping[str, Sequence[Key]]


def unguarded(indicators: Mapping[str, Indicator], sources: Mapping[str, Source]) -> list[str]:
    """The indicators of which every figure may be seen by everybody."""
    return [
        key
        for key, one in indicators.items()
        if all(
            disclosure.rule(sources[part.source].disclosure) == disclosure.RULES["none"]
            and sources[part.source].audience == "public"
            for part in (one.value, one.numerator, one.denominator)
            if part
        )
    ]


def periods(year: str) -> list[str]:
    """The periods of which numbers are looked at: the year and the one before."""
    return [year, period.parse(year).year_before(1).label]


def figures(
    indicators: Mapping[str, Indicator], values: Iterable[Row], findings: Iterable[Row], year: str
) -> dict[str, list[Key]]:
    """Number as printed → the keys that name it. `values`, `findings`: rows of the assessed area
    for the year and the one before."""
    before = period.parse(year).year_before(1).label
    found: dict[str, list[Key]] = {}
    for row in (*values, *findings):
        indicator = indicators[row["indicator"]]
        told = _of_finding if "comparison" in row else _of_value
        for part, number in told(indicator, row):
            earlier = row["period"] == before
            key = _key(row, "previous" if earlier and part == "value" else part, earlier)
            found.setdefault(bare(number), []).append(key)
    return found


def _key(row: Row, part: str, earlier: bool) -> Key:
    whole = row["dimension"] == "all"
    return Key(
        row["indicator"],
        part,
        row["period"] if earlier and part != "previous" else "",
        "" if whole else row["dimension"],
        "" if whole else row["dimension_value"],
    )


def _of_value(indicator: Indicator, row: Row) -> Iterator[tuple[str, str]]:
    if row["value"] is None:
        return
    yield "value", rounded(row["value"], indicator.decimals)
    if row["numerator"] is not None and indicator.kind != "count":
        yield "number", rounded(row["numerator"], 0)
    for limit in (row["lower_95"], row["upper_95"]):
        if limit is not None:
            yield "interval", rounded(limit, indicator.decimals)


def _of_finding(indicator: Indicator, row: Row) -> Iterator[tuple[str, str]]:
    if row["change"] is not None and row["comparison"] == "previous_year":
        yield "change", rounded(abs(row["change"]), 1)
    if row["rank_high"] is not None:
        yield "rank", str(row["rank_high"])


def bare(number: str) -> str:
    """A number without its sign and without commas."""
    return number.replace(",", "").lstrip("+-")


def suggested(number: str, known: Matches, near: Collection[str]) -> list[Key]:
    """Keys that name a typed number, those of indicators that are `near` and of the year first."""
    found = sorted(
        known.get(bare(number), ()),
        key=lambda key: (key.indicator not in near, bool(key.period), bool(key.dimension)),
    )
    return found[:SUGGESTED]


def check(passages: Iterable[Passage], known: Matches) -> Check:
    """Whether every typed number is a figure; the message names file and line, never a number."""
    places = [
        f"{passage.file}, line {number.line}"
        for passage in passages
        for number in passage.typed
        if bare(number.text) not in known
    ]
    if not places:
        return Check(ABOUT, CHECK.name, True, CHECK.words)
    told = "; ".join(dict.fromkeys(places[:MOST]))
    more = f"; {len(places) - MOST} more" if len(places) > MOST else ""
    message = (
        "numbers typed into the analyst's words that are no finding which everybody may see; name "
        f"them by key, see `safecity narrative`: {told}{more}"
    )
    return Check(ABOUT, CHECK.name, False, message, failed_rows=len(places))
