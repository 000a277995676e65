"""Figures that had unequal time to settle: which pairs get a note, and its words.

A living system goes on changing after the end of a period: crimes are cancelled, victims added,
cases closed. A figure's *maturity* is the number of days from the end of its least settled part to
the day on which that was taken out. A source declares after how many days its rows change no more.

Belongs here: the rule and the words. Does not belong here: how old a figure is (`measure`), what is
compared (`compare`), what did change between two extracts (`revisions`).
"""

from __future__ import annotations

from collections.abc import Iterable

from safecity_pipeline import period

SLACK = 31


def unequal(days: Iterable[int | None], settles_after: int | None) -> bool:
    """Whether figures of these maturities (days) are of unequal worth.

    Days beyond `settles_after` change nothing, so that two settled figures are alike, however old.
    Of others a difference of a month is usual between two yearly extracts, and is let pass; so is
    a quarter of the time in which they settle, where that is shorter. False where nothing is known.
    """
    known = [min(one, settles_after) for one in days if one is not None and settles_after]
    return len(known) > 1 and max(known) - min(known) > min(SLACK, (settles_after or 0) // 4)


def of_change(
    label: str, days: int | None, base: str, base_days: int | None, settles_after: int | None
) -> str | None:
    """What must be said of a change between two periods (by label); None where nothing must."""
    if days is None or base_days is None or not unequal((days, base_days), settles_after):
        return None
    now, then = (period.parse(one).printed for one in (label, base))
    return (
        f"{now} had {_days(days)} to settle before it was taken out, {then} had "
        f"{_days(base_days)}: a newer extract may change {now if days < base_days else then}"
    )


def of_group(days: Iterable[int | None], settles_after: int | None) -> str | None:
    """What must be said of areas that are compared with each other; None where nothing must."""
    known = [one for one in days if one is not None]
    if not unequal(known, settles_after):
        return None
    return (
        f"the areas' figures had from {min(known)} to {_days(max(known))} to settle before they "
        "were taken out: newer extracts may change them"
    )


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"
