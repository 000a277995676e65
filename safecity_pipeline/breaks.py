"""Which comparisons a definitional change breaks.

Belongs here: from the dates, series, source and area of a comparison to the changes that lie in
it. Does not belong here: the changes and what their scopes mean (`registry.changes`), the status
word and the wording (`compare`, `sentences`), and whether the figures show a change and how large
it is (`detection`, whose `test_at`, `test_together` and `scan` are offered here too).

`between` is a rule on dates and scopes only: it says that a definition changed, never by how much.

Two kinds of change are no business of `between`, since dates of periods cannot decide them:

* `population`: rebased estimates replace those of earlier years too, so a rate is touched when
  the two values were divided by different editions (`denominator_vintage`), whatever their years:
  `compare` sees to that.
* `peers`: a value stays what it is when the peer group changes; only a comparison of ranks
  between years is touched, and who makes one asks for this series too (`targets`, and `compare`,
  where it marks a rank that is unlike the one before it).

No indicator counts these series, so their changes are reached from no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from safecity_pipeline.detection import Break, scan, test_at, test_together
from safecity_pipeline.registry.changes import Change, Changes

__all__ = [
    "TWO_EDITIONS",
    "Break",
    "Broken",
    "Days",
    "Span",
    "among",
    "between",
    "scan",
    "test_at",
    "test_together",
    "together",
]

MOST_TOLD = 2  # over five years a dozen may come together


class Span(Protocol):
    """Anything with a first and a last day: a Period, or Days."""

    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...


class Days(NamedTuple):
    """The days from `start` to `end`, both included, where they are no Period."""

    start: date
    end: date


@dataclass(frozen=True)
class Broken:
    """Ids of the changes in a comparison, in the order of the register.

    `material`: the comparison is `definition_changed`. `noted`: negligible changes and events,
    which a reader is told of. `told`: an id in words, where there are any.
    """

    material: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them, the material ones first."""
        return self.material + self.noted

    @property
    def words(self) -> str:
        """The material ones for readers: the first two told, of further ones the ids."""
        said = [self.told.get(one, one) for one in self.material[:MOST_TOLD]]
        if more := self.material[MOST_TOLD:]:
            said.append(f"also {', '.join(more)}")
        return "; ".join(said)


TWO_EDITIONS = Broken(
    ("denominator_vintage",),
    told={"denominator_vintage": "they are divided by different editions of the estimates"},
)
"""Two rates over different editions of the estimates differ in definition as well: no dates can
tell that, since a new edition replaces earlier years too."""


def together(found: Iterable[Broken]) -> Broken:
    """The changes that lie in any of several comparisons, each once."""
    listed = list(found)
    material = dict.fromkeys(one for broken in listed for one in broken.material)
    noted = dict.fromkeys(one for broken in listed for one in broken.noted)
    told = {key: words for broken in listed for key, words in broken.told.items()}
    return Broken(tuple(material), tuple(noted), told)


def between(
    changes: Changes,
    series: str,
    sources: AbstractSet[str],
    area_code: str,
    force_code: str | None,
    earlier: Span,
    later: Span,
) -> Broken:
    """The changes that lie in the comparison of two periods of one series in one area.

    `sources`: what is counted from, for scopes such as `@street_crime`; `force_code`: the area's
    home force; `earlier`, `later`: the days that are compared, so of a part-year only those.

    A change lies in it when it took effect after the first day of `earlier` and not after the
    last day of `later`. One within a period thus breaks the comparison with the period before and
    with the one after, since a mixed period is a bad base as well; one on the first day of a
    period breaks only the former. A change that came over months took effect on every day from
    its first to its last, and one such day is enough: its size on any of them is not known.

    Raises Refused for a series that is not in `series.csv`, ValueError when `later` starts before
    `earlier` or a period ends before it starts. The rule of dates: METHODS, section 4.
    """
    changes.named(series)
    reaching = (one for one in changes.changes if changes.reaches(one, series, sources))
    return among(reaching, [(area_code, force_code)], earlier, later)


def among(
    reaching: Iterable[Change],
    areas: Iterable[tuple[str, str | None]],
    earlier: Span,
    later: Span,
) -> Broken:
    """`between` for changes that are known to reach what is compared, in any of several areas,
    each with its home force: a rank is a comparison of all of them."""
    _check(earlier, later)
    now = [one for one in reaching if _took_effect(one, earlier.start, later.end)]
    where = list(areas) if now else []
    found = [one for one in now if any(one.concerns(*area) for area in where)]
    return Broken(
        tuple(change.id for change in found if change.materiality == "material"),
        tuple(change.id for change in found if change.materiality != "material"),
        {change.id: change.told for change in found},
    )


def _took_effect(change: Change, after: date, until: date) -> bool:
    return change.effective_last > after and change.effective_first <= until


def _check(earlier: Span, later: Span) -> None:
    if earlier.start <= earlier.end and earlier.start <= later.start <= later.end:
        return
    spans = [(span.start.isoformat(), span.end.isoformat()) for span in (earlier, later)]
    if earlier.start > earlier.end or later.start > later.end:
        raise ValueError(
            f"comparison: a period ends before it starts; got: {spans!r}; give the first day first"
        )
    raise ValueError(
        "comparison: the later period starts before the earlier one; "
        f"got: {spans!r}; give the earlier period first"
    )
