"""What whole numbers may be, that are not known but stand in sums with numbers that are.

Belongs here: ranges, sums that hold between them, and how far each range can be narrowed: first by
one sum after the other, then, for what that leaves open, by all sums together (a linear programme).
All of it is pure. Does not belong here: whose numbers they are, and who may know them
(`disclosure`, `publish.audit`).

Numbers that no sum connects are judged apart, each group of connected ones by itself. Of a number
only that is found out which was asked: whether at least so many different values are possible. Two
solutions of a group that lie so far apart prove that they are, of every number in the group at
once, so that few programmes are solved; a range that is too narrow proves that they are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Number = Any
"""What names a number; hashable."""
Range = tuple[float, float]
EXACT = 1e-6
SWEEPS = (0, 1, 2, 4, 8)  # of numbers whose place has this bit: none, every other, every two …
FAR = 10_000.0  # above its least: more of a number that may be anything is not looked at at first
ROUNDS = 30  # of narrowing by single sums; what they leave open a programme settles


@dataclass(frozen=True)
class Line:
    """Coefficient times number, added up, lies from `low` to `high`."""

    terms: tuple[tuple[Number, float], ...]
    low: float = 0.0
    high: float = 0.0


def equal(whole: Number, parts: Iterable[Number]) -> Line:
    """The parts add up to the whole."""
    return Line(((whole, -1.0), *((part, 1.0) for part in parts)))


def at_most(one: Number, other: Number) -> Line:
    """One is no greater than the other."""
    return Line(((other, 1.0), (one, -1.0)), 0.0, math.inf)


class Contradiction(Exception):
    """The sums cannot all hold. `numbers`: those that they speak of."""

    def __init__(self, numbers: Sequence[Number]) -> None:
        super().__init__("the sums cannot all hold")
        self.numbers = numbers


@dataclass
class Judged:
    """`narrow`: numbers that leave fewer values than asked, with what is possible at the most.
    `contradictory`: groups of numbers whose sums cannot all hold."""

    groups: int = 0
    unknown: int = 0
    programmes: int = 0
    narrow: dict[Number, Range] = field(default_factory=dict)
    contradictory: list[list[Number]] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """Of a number that may be smaller than `least`, and that is not known to be 0: whether it
    leaves at least `values` values. Of one below 0 its size counts."""

    least: float
    values: float

    def too_few(self, low: float, high: float) -> bool:
        return self.may_be_small(low, high) and high - low + 1 < self.values - EXACT

    def may_be_small(self, low: float, high: float) -> bool:
        small = low < self.least - EXACT and high > EXACT - self.least
        return small and not -EXACT < low <= high < EXACT


def judge(
    ranges: Mapping[Number, Range],
    lines: Iterable[Line],
    asked: Mapping[Number, Asked],
    near: AbstractSet[Number] | None = None,
) -> Judged:
    """Which of the numbers asked for leave fewer values than asked, by all the lines together.

    `ranges`: of every number that a line names; a number with a single value is known. Numbers are
    whole, but for known ones. `near`: only numbers that lines connect with one of these are judged.
    """
    judged = Judged()
    groups: list[_Group] = []
    for group in _groups(ranges, lines, asked):
        if near is not None and near.isdisjoint(group.low):
            continue
        judged.groups += 1
        judged.unknown += len(group.low)
        try:
            group.narrow()
            groups.append(group)
        except Contradiction as error:
            judged.contradictory.append(list(error.numbers))
    judged.programmes += _sweep([group for group in groups if group.open])
    for group in groups:
        try:
            judged.narrow |= group.settled()
        except Contradiction as error:
            judged.contradictory.append(list(error.numbers))
        judged.programmes += group.programmes
    return judged


def _sweep(groups: Sequence[_Group]) -> int:
    """Look for solutions that lie far apart in the numbers of many groups at once: some as small
    as they can be together and the others as great, and the other way round; then others. Answers
    how many programmes that took."""
    if not groups:
        return 0
    programme = _Programme(groups)
    for half in SWEEPS:
        left = [number for group in groups for number in group.open]
        for sign in (1.0, -1.0) if left else ():
            aims = {number: -sign if at & half else sign for at, number in enumerate(left)}
            if (solution := programme.swept(aims)) is None:
                return programme.solved
            for group in groups:
                group.see(solution)
    return programme.solved


def _groups(
    ranges: Mapping[Number, Range], lines: Iterable[Line], asked: Mapping[Number, Asked]
) -> Iterator[_Group]:
    """The unknown numbers that lines connect, with these lines; only where one is asked for."""
    reduced = [one for line in lines if (one := _without_known(line, ranges))]
    leader: dict[Number, Number] = {}

    def led_by(number: Number) -> Number:
        while (above := leader.setdefault(number, number)) != number:
            leader[number] = leader[above]
            number = above
        return number

    for line in reduced:
        first = led_by(line.terms[0][0]) if line.terms else None
        for number, _ in line.terms[1:]:
            leader[led_by(number)] = first
    groups: dict[Number, _Group] = {}
    for number, wanted in asked.items():
        low, high = ranges[number]
        if high - low > EXACT or wanted.too_few(low, high):
            groups.setdefault(led_by(number), _Group()).asked[number] = wanted
    for number in list(leader):
        if (group := groups.get(led_by(number))) is not None:
            group.low[number], group.high[number] = ranges[number]
    for line in reduced:
        if line.terms and (group := groups.get(led_by(line.terms[0][0]))) is not None:
            group.lines.append(line)
    yield from groups.values()


def _without_known(line: Line, ranges: Mapping[Number, Range]) -> Line | None:
    """The same of its unknown numbers alone, each once; None where it says nothing of them."""
    known = 0.0
    terms: dict[Number, float] = {}
    for number, coefficient in line.terms:
        low, high = ranges[number]
        if high - low <= EXACT:
            known += coefficient * low
        else:
            terms[number] = terms.get(number, 0.0) + coefficient
    standing = tuple((number, by) for number, by in terms.items() if by)
    if not standing:
        return None
    return Line(standing, line.low - known, line.high - known)


class _Group:
    """Unknown numbers that lines connect. `seen_low`, `seen_high`: how far apart solutions lie that
    were found."""

    def __init__(self) -> None:
        self.low: dict[Number, float] = {}
        self.high: dict[Number, float] = {}
        self.asked: dict[Number, Asked] = {}
        self.lines: list[Line] = []
        self.seen_low: dict[Number, float] = {}
        self.seen_high: dict[Number, float] = {}
        self.programmes = 0

    def narrow(self) -> None:
        """Narrow the ranges by one line after the other. Raises Contradiction."""
        naming: dict[Number, list[int]] = {}
        for place, line in enumerate(self.lines):
            for number, _ in line.terms:
                naming.setdefault(number, []).append(place)
        waiting = dict.fromkeys(range(len(self.lines)))
        for _ in range(ROUNDS * len(self.lines)):
            if not waiting:
                return
            place = next(iter(waiting))
            del waiting[place]
            for number in self._narrowed_by(self.lines[place]):
                waiting |= dict.fromkeys(naming[number])

    def _narrowed_by(self, line: Line) -> list[Number]:
        """The numbers whose ranges a line narrows."""
        spans = [
            (number, by, *sorted((by * self.low[number], by * self.high[number])))
            for number, by in line.terms
        ]
        least, most = _Total(span[2] for span in spans), _Total(span[3] for span in spans)
        found = []
        for number, by, low, high in spans:
            above = line.high - least.without(low, -math.inf)
            below = line.low - most.without(high, math.inf)
            nearest = (below / by, above / by) if by > 0 else (above / by, below / by)
            if self._within(number, *nearest):
                found.append(number)
        return found

    def _within(self, number: Number, lower: float, upper: float) -> bool:
        """Take over limits of a number that are nearer than those known; whether any was."""
        lower = lower if math.isinf(lower) else math.ceil(lower - EXACT)
        upper = upper if math.isinf(upper) else math.floor(upper + EXACT)
        nearer = lower > self.low[number] or upper < self.high[number]
        self.low[number] = max(self.low[number], lower)
        self.high[number] = min(self.high[number], upper)
        if self.low[number] > self.high[number]:
            raise Contradiction([number, *self.low])
        return nearer

    @property
    def open(self) -> list[Number]:
        """The numbers of which it is not known yet whether they leave values enough."""
        return [
            number
            for number in (self.asked if self.lines else ())
            if not self._surely_too_few(number) and not self._seen_enough(number)
        ]

    def settled(self) -> dict[Number, Range]:
        """The numbers that leave too few values, with their ranges. Raises Contradiction."""
        sure = self._surely_too_few if self.lines else self._too_few
        found = {number: self._range(number) for number in self.asked if sure(number)}
        if left := self.open:
            programme = _Programme([self])
            for number in left:
                if not self._seen_enough(number) and self._bounded(programme, number):
                    found[number] = self._range(number)
            self.programmes = programme.solved
        return found

    def _bounded(self, programme: _Programme, number: Number) -> bool:
        """Whether a number turns out to leave too few values, by all lines together."""
        lowest = programme.lowest(number)
        self._see(lowest)
        self.low[number] = lowest[number]
        if self._surely_too_few(number) or self._seen_enough(number):
            return self._surely_too_few(number)
        highest = programme.highest(number, lowest[number] + self.asked[number].values)
        self._see(highest)
        if highest[number] - lowest[number] + 1 >= self.asked[number].values:
            return False
        self.high[number] = highest[number]
        return self._too_few(number)

    def see(self, solution: Mapping[Number, float]) -> None:
        """Note a solution, if it is whole."""
        own = {number: solution[number] for number in self.low}
        if all(abs(value - round(value)) < EXACT for value in own.values()):
            self._see({number: float(round(value)) for number, value in own.items()})

    def _see(self, solution: Mapping[Number, float]) -> None:
        """Note how far apart numbers may lie. Those that stand in the same lines may take from one
        another what they have above their least, and all else stays as it is."""
        for alike in self._alike:
            spare = sum(solution[one] - self.low[one] for one in alike)
            room = sum(self.high[one] - solution[one] for one in alike)
            for number in alike:
                value, low, high = solution[number], self.low[number], self.high[number]
                down = min(value - low, room - (high - value) if high < math.inf else math.inf)
                up = min(high - value, spare - (value - low))
                self.seen_low[number] = min(self.seen_low.get(number, math.inf), value - down)
                self.seen_high[number] = max(self.seen_high.get(number, -math.inf), value + up)

    @cached_property
    def _alike(self) -> list[list[Number]]:
        """Numbers that stand in the same lines with the same coefficients."""
        standing: dict[Number, list[tuple[int, float]]] = {}
        for place, line in enumerate(self.lines):
            for number, by in line.terms:
                standing.setdefault(number, []).append((place, by))
        classes: dict[tuple[tuple[int, float], ...], list[Number]] = {}
        for number, places in standing.items():
            classes.setdefault(tuple(places), []).append(number)
        return list(classes.values())

    def _seen_enough(self, number: Number) -> bool:
        low, high = self.seen_low.get(number, math.inf), self.seen_high.get(number, -math.inf)
        wanted = self.asked[number]
        big = not wanted.may_be_small(*self._range(number))
        return big or high - low + 1 >= wanted.values - EXACT

    def _surely_too_few(self, number: Number) -> bool:
        """Whether a number leaves too few values, however near its true limits are: it can turn out
        neither to be 0 and nothing else, nor to be great."""
        low, high = self._range(number)
        least = self.asked[number].least
        small = (low > 0 and high < least) or (high < 0 and -least < low)
        return small and self._too_few(number)

    def _too_few(self, number: Number) -> bool:
        return self.asked[number].too_few(*self._range(number))

    def _range(self, number: Number) -> Range:
        return self.low[number], self.high[number]


class _Total:
    """A sum of which terms may be endless."""

    def __init__(self, values: Iterable[float]) -> None:
        self.finite, self.endless = 0.0, 0
        for value in values:
            if math.isinf(value):
                self.endless += 1
            else:
                self.finite += value

    def without(self, one: float, endless: float) -> float:
        """The sum but for one of its terms; `endless`: what a term of it is that has no end."""
        own = math.isinf(one)
        if self.endless > own:
            return endless
        return self.finite if own else self.finite - one


class _Programme:
    """The lines of groups as HiGHS takes them."""

    def __init__(self, groups: Sequence[_Group]) -> None:
        import numpy as np
        from scipy.sparse import csr_array

        self.solved = 0
        limits_of = {
            number: (group.low[number], group.high[number])
            for group in groups
            for number in group.low
        }
        lines = [line for group in groups for line in group.lines]
        self.numbers = list(limits_of)
        self.place = {number: at for at, number in enumerate(self.numbers)}
        self.bounds = np.array(list(limits_of.values()))
        rows: list[tuple[Line, float]] = []
        limits: list[float] = []
        equal: list[bool] = []
        for line in lines:
            same = line.high - line.low <= EXACT
            if line.high < math.inf:
                rows.append((line, 1.0))
                limits.append(line.high)
                equal.append(same)
            if line.low > -math.inf and not same:
                rows.append((line, -1.0))
                limits.append(-line.low)
                equal.append(False)
        entries = [
            (by * sign, row, self.place[number])
            for row, (line, sign) in enumerate(rows)
            for number, by in line.terms
        ]
        values, down, across = zip(*entries, strict=True)
        matrix = csr_array((values, (down, across)), shape=(len(rows), len(self.numbers)))
        same_rows, limit = np.array(equal, dtype=bool), np.array(limits)
        self.sums = {
            "A_eq": matrix[same_rows],
            "b_eq": limit[same_rows],
            "A_ub": matrix[~same_rows],
            "b_ub": limit[~same_rows],
        }

    def lowest(self, number: Number) -> dict[Number, float]:
        """A solution in which a number is as small as it can be. Raises Contradiction."""
        return self._solved(number, 1.0, math.inf)

    def highest(self, number: Number, no_more_than: float) -> dict[Number, float]:
        """A solution in which a number is as great as it can be, up to a limit that it can keep."""
        return self._solved(number, -1.0, no_more_than)

    def swept(self, aims: Mapping[Number, float]) -> dict[Number, float] | None:
        """A solution, whole or not, that is small or great in several numbers at once."""
        bounds = self.bounds.copy()
        bounds[:, 1] = bounds[:, 1].clip(max=bounds[:, 0] + FAR)
        return self._best(self._aim(aims), bounds, 0)

    def _solved(self, number: Number, sign: float, limit: float) -> dict[Number, float]:
        aim, bounds = self._aim({number: sign}), self.bounds.copy()
        at = self.place[number]
        bounds[at, 1] = min(bounds[at, 1], limit)
        for whole in (0, 1):  # most sums have whole corners, and a relaxed programme is quick
            found = self._best(aim, bounds, whole)
            if found is None:
                break
            rounded = {one: float(round(value)) for one, value in found.items()}
            if all(abs(found[one] - value) < EXACT for one, value in rounded.items()):
                return rounded
        raise Contradiction([number, *self.numbers])

    def _best(self, aim: Any, bounds: Any, whole: int) -> dict[Number, float] | None:
        from scipy import optimize

        self.solved += 1
        solve: Any = optimize.linprog
        found = solve(aim, **self.sums, bounds=bounds, integrality=whole, method="highs")
        if found.status != 0:
            return None
        return dict(zip(self.numbers, found.x.tolist(), strict=True))

    def _aim(self, aims: Mapping[Number, float]) -> Any:
        import numpy as np

        aim = np.zeros(len(self.numbers))
        aim[[self.place[number] for number in aims]] = list(aims.values())
        return aim
