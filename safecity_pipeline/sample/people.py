"""Nobody: the persons whom the sample's police extracts speak of, as numbers.

Here: the identifier that the force would give to a person, and how many crimes each of some persons
is made to have. Not here: any name, and which extract speaks of whom (`police_victim`,
`police_offender`, `police_arrest`).
"""

from collections.abc import Sequence

_FIRST, _SPAN, _STEP = 1_000_000, 9_000_000, 7_919  # a step with no divisor in common with the span


def nominal(person: int) -> str:
    """The force's identifier of the person of that number."""
    return f"N{_FIRST + person * _STEP % _SPAN}"


def dealt(total: int, sizes: Sequence[int], draws: Sequence[float], least: int = 1) -> list[int]:
    """Numbers from `sizes`, as the draws choose them, that add up to `total` and are none of them
    smaller than `least`; the last two may be other than chosen."""
    parts: list[int] = []
    left = total
    for draw in draws:
        if left == 0:
            break
        size = min(sizes[int(draw * len(sizes))], left)
        parts.append(size if left - size == 0 or left - size >= least else left)
        left -= parts[-1]
    if left or any(part < least for part in parts):
        raise ValueError(f"{total} cannot be dealt out; got: {len(draws)} draws; give more")
    return parts
