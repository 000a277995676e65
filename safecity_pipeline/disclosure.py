"""Which numbers must not leave the building: small ones, and those from which they follow.

Belongs here: the rules by name, the smallness and rounding of one number, and the choice of what
else to hide where a sum would give a hidden number away. All of it is pure. Does not belong here:
which figures a release states and how they add up (`shareable`).

A number is known where any figure that stands states it. A sum of known numbers gives away the one
of its parts that is not, so beside a hidden part another one is hidden, the smallest that is not
small itself; and what is hidden together must not add up to a small number either. No hidden number
follows from one sum then, so that an attack by subtraction never begins. What several sums say
together (a linear programme) is for an audit, and not asked here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecity_pipeline.model import Refused

Number = Any
"""What names a number: a part of an indicator in an area, period and breakdown; hashable."""


@dataclass(frozen=True)
class Rule:
    """`least`: the smallest count other than 0 that is shown. `step`: to which all others are
    rounded; None for not at all."""

    least: float = 0.0
    step: int | None = None

    def hides(self, count: float) -> bool:
        """Whether a count is too small to be shown; 0 is not. Of one below 0, which a correction
        brings about, its size counts."""
        return 0 < abs(count) < self.least

    def rounded(self, count: float) -> float:
        """A count to the step, half away from 0."""
        if self.step is None:
            return count
        size = int(abs(count) / self.step + 0.5) * self.step
        return float(size if count > 0 else -size)


# From the mildest to the strictest.
RULES = {"none": Rule(), "under_5": Rule(5), "under_8": Rule(8), "hospital": Rule(8, 5)}


def rule(name: str) -> Rule:
    """The rule that a source declares. Raises Refused where there is none of that name."""
    if name not in RULES:
        known = f"write one of {', '.join(RULES)}"
        raise Refused("a source declares a known rule of disclosure", "disclosure", name, known)
    return RULES[name]


def strictest(names: Iterable[str]) -> str:
    """The rule, by name, of a figure that rests on several sources."""
    return max(names, key=lambda name: list(RULES.values()).index(rule(name)))


@dataclass(frozen=True)
class Sum:
    """Numbers that add up. `whole` is None where their sum is known without standing among them."""

    whole: Number | None
    parts: tuple[Number, ...]


def hidden(
    counts: Mapping[Number, float],
    figures: Sequence[Collection[Number]],
    sums: Sequence[Sum],
    least: Mapping[Number, float],
) -> set[int]:
    """Which figures must not be shown, by their place in `figures`.

    `figures`: the numbers that each states; a hidden one states none. `counts`: every number.
    `least`: the smallest that may be shown of each that has a rule; the others never give cause.
    Numbers that `sums` name and no figure states are taken for unknown.
    """
    return _Hiding(counts, figures, sums, least).done()


class _Hiding:
    def __init__(
        self,
        counts: Mapping[Number, float],
        figures: Sequence[Collection[Number]],
        sums: Sequence[Sum],
        least: Mapping[Number, float],
    ) -> None:
        self.counts, self.figures, self.sums, self.least = counts, figures, sums, least
        self.hidden: set[int] = set()
        self.stated_by: dict[Number, list[int]] = {}
        for place, numbers in enumerate(figures):
            for number in numbers:
                self.stated_by.setdefault(number, []).append(place)
        self.standing = {number: len(places) for number, places in self.stated_by.items()}
        self.sums_of: dict[Number, list[int]] = {}
        for place, one in enumerate(sums):
            for number in (one.whole, *one.parts):
                self.sums_of.setdefault(number, []).append(place)
        self.to_look_at = dict.fromkeys(range(len(sums)))

    def done(self) -> set[int]:
        for number, count in self.counts.items():
            if number in self.least and Rule(self.least[number]).hides(count):
                self._hide(number)
        while self.to_look_at:
            place = next(iter(self.to_look_at))
            del self.to_look_at[place]
            while (other := self._given_away(self.sums[place])) is not None:
                self._hide(other)
        return self.hidden

    def _hide(self, number: Number) -> None:
        """Hide every figure that states it; what else they state may be unknown then, too."""
        for place in self.stated_by.get(number, ()):
            if place in self.hidden:
                continue
            self.hidden.add(place)
            for stated in self.figures[place]:
                self.standing[stated] -= 1
                if not self.standing[stated]:
                    self.to_look_at |= dict.fromkeys(self.sums_of.get(stated, ()))

    def _known(self, number: Number | None) -> bool:
        return number is None or self.standing.get(number, 0) > 0

    def _given_away(self, one: Sum) -> Number | None:
        """What else to hide, where a sum gives away what is hidden in it; None where it does not,
        and where nothing is left that could be hidden."""
        unknown = [part for part in one.parts if not self._known(part)]
        if not self._known(one.whole):
            stated_at_all = one.whole in self.stated_by
            return self._next(one.parts) if stated_at_all and not unknown else None
        if not unknown:
            return None
        together = abs(sum(self.counts[part] for part in unknown))
        least = max((self.least.get(part, 0.0) for part in one.parts), default=0.0)
        if len(unknown) > 1 and not 0 < together < least:
            return None
        return self._next(one.parts) or one.whole

    def _next(self, parts: Iterable[Number]) -> Number | None:
        """The smallest part that is still known; to hide a 0 would protect nothing."""
        known = [part for part in parts if self._known(part) and self.counts[part] != 0]
        return min(known, key=lambda part: (abs(self.counts[part]), repr(part)), default=None)
