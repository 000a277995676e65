"""Steps between whole years, for a series that has no months at the date of a change.

Belongs here: which years lie around a change, which areas and references have both, and the rows of
mart.break_estimate. Does not belong here: the noise pooled over the peer group and the test
(`detection.annual`), and series with months (`estimates`, `comparable`), which are preferred.

Two totals hold everything that happened between them, so that all changes of the series between the
two years are one step, and a reference that changed then as well says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import pandas as pd

from safecity_pipeline import detection, estimates, period
from safecity_pipeline.detection import CANNOT_TELL
from safecity_pipeline.estimates import AND, Answer, Held, Share, Subject
from safecity_pipeline.model import Row
from safecity_pipeline.period import Period
from safecity_pipeline.registry.changes import Change
from safecity_pipeline.registry.references import STRONG

ANNUAL = "annual"

Years = tuple[Period, Period]


def of(subjects: Iterable[Subject]) -> list[Row]:
    """Rows of mart.break_estimate of some series: for each pair of years around a change that the
    months do not show, what each reference says alone, and then what they say together."""
    return [row for about in subjects for row in _rows(about)]


def _rows(about: Subject) -> Iterator[Row]:
    recorded = about.years.get(about.indicator.indicator, pd.DataFrame())
    if about.area_code not in recorded.index:
        return
    for (before, after), days in _pairs(about, recorded).items():
        changes = [one for one in about.changes if _lies_between(one, before, after)]
        for answer in _answers(about, recorded, before, after):
            yield _row(about, recorded, answer, (before, after), changes, days)


def _pairs(about: Subject, recorded: pd.DataFrame) -> dict[Years, list[date]]:
    """The last whole year before each date that the months do not show, and the first one after,
    where the area has both."""
    mine = set(recorded.loc[[about.area_code]].dropna(axis=1).columns)
    found: dict[Years, list[date]] = {}
    for one in about.changes if len(mine) else ():
        for day in one.test_dates if one.materiality == "material" else ():
            before, after = _around(day)
            if day not in about.days and {before.label, after.label} <= mine:
                found.setdefault((before, after), []).append(day)
    return {years: sorted(set(found[years])) for years in sorted(found, key=_starts)}


def _around(day: date) -> Years:
    of = period.financial_year_of(day)
    return of.year_before(), of if day == of.start else of.year_before(-1)


def _starts(years: Years) -> tuple[date, ...]:
    return tuple(one.start for one in years)


def _lies_between(change: Change, before: Period, after: Period) -> bool:
    """Whether a change takes effect after the start of the one and until the end of the other."""
    late = change.effective_first > after.end
    return change.materiality == "material" and not late and change.effective_last > before.start


def _answers(
    about: Subject, recorded: pd.DataFrame, before: Period, after: Period
) -> Iterator[Answer]:
    steady = [one for one in about.held if not _changed(one, before, after)]
    alone = [_asked(about, recorded, [one], (before, after)) for one in steady]
    for one in about.held:
        if changed := _changed(one, before, after):
            words = f"{one.key} changed then as well: {', '.join(changed)}"
            found = estimates.cannot_tell(words, [after.start])
            yield Answer(one.key, one.reference.strength, found, False)
    yield from alone
    usable = {one.reference for one in alone if one.found.verdict != CANNOT_TELL}
    chosen = [one for one in steady if one.key in usable]
    strong = [one for one in chosen if one.reference.strength == STRONG]
    if strong or chosen:
        yield _asked(about, recorded, strong or chosen, (before, after), combined=True)


def _changed(one: Held, before: Period, after: Period) -> list[str]:
    return [change.id for change in one.changes if _lies_between(change, before, after)]


def _asked(
    about: Subject,
    recorded: pd.DataFrame,
    held: Sequence[Held],
    years: Years,
    combined: bool = False,
) -> Answer:
    tables = {one.key: about.years.get(one.key, pd.DataFrame()) for one in held}
    labels = [one.label for one in years]
    found = detection.annual(recorded, tables, about.area_code, *labels)
    return Answer(AND.join(tables), held[0].reference.strength, found, combined)


def _row(
    about: Subject,
    recorded: pd.DataFrame,
    answer: Answer,
    years: Years,
    changes: Sequence[Change],
    days: Sequence[date],
) -> Row:
    labels = [one.label for one in years]
    one, other = recorded.loc[[about.area_code], labels].to_numpy()[0]
    mine = float(one), float(other)
    peers = recorded.drop(index=about.area_code)[labels].dropna()
    pairs = [(float(one), float(other)) for one, other in peers.itertuples(index=False)]
    share, split = _parts(mine, answer, pairs)
    ids = " ".join(one.id for one in changes)
    return {
        **estimates.row(about, ANNUAL, answer, ids, days, share),
        "base_period": labels[0],
        "period": labels[1],
        **split,
        "peers_note": f"by {len(pairs)} peers with figures of both years",
    }


def _parts(
    mine: tuple[float, float], answer: Answer, pairs: Sequence[tuple[float, float]]
) -> tuple[Share, Mapping[str, float | None]]:
    """What of the change is recording, and what of it is national; none of a year that counts 0,
    which has no logarithm."""
    if min(mine) <= 0:
        return estimates.NO_SHARE, {}
    parts = detection.parts(*mine, answer.found, peers=pairs)
    share = estimates.share_in(parts, answer)
    return share, {
        "national": estimates.number(parts.national),
        "local": estimates.number(parts.local),
    }
