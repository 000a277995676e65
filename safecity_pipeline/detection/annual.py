"""Two years' totals: was there a step between them, and what of a change is recording.

Belongs here: the noise of a yearly ratio, pooled over the peer group; `annual`; the parts of a
change. Does not belong here: months (`monthly`), which are to be preferred where there are any.

Two totals say nothing of how much their ratio changes by itself. The peers do: the year-to-year
changes of their log ratios, the mean of the group taken out of each year, so that what moves all
of them (a national change) is no noise. Peers size the noise and split national from local; they
are no reference (METHODS, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from safecity_pipeline import statistics
from safecity_pipeline.detection.monthly import REFERENCE_ERROR, Break
from safecity_pipeline.detection.regression import NOISE_FLOOR
from safecity_pipeline.detection.verdicts import CANNOT_TELL, FLAGGED, NOT_FLAGGED

__all__ = ["Noise", "Parts", "annual", "noise_between_years", "parts"]

FEWEST_CHANGES = 8
"""Degrees of freedom below which the noise of a yearly ratio is not known."""


@dataclass(frozen=True)
class Noise:
    """How much a log ratio changes from one year to the next by itself.

    `scale`: standard deviation of a change, natural logs; `degrees`: degrees of freedom behind it.
    """

    scale: float
    degrees: int

    @property
    def quantile(self) -> float:
        """Student's t, two-sided 95 %."""
        from scipy.special import stdtrit  # scipy.stats says it too, and takes a second to import

        return float(stdtrit(self.degrees, 0.975))


def noise_between_years(log_ratios: pd.DataFrame, apart: int = 1) -> Noise:
    """The noise of a yearly log ratio, pooled over areas and pairs of years so many years apart.

    `log_ratios`: areas x consecutive years in order, NaN where unknown. Of every pair's changes
    the mean over the areas is taken out. Changes over several years overlap, and count as so many
    fewer degrees of freedom. No degrees of freedom: scale NaN.
    """
    changes = log_ratios.diff(periods=apart, axis=1)
    left = changes - changes.mean()
    known = changes.notna().sum()
    degrees = int((known - 1).clip(lower=0).sum())
    squares = float((left[known[known > 1].index] ** 2).sum().sum())
    return Noise(math.sqrt(squares / degrees) if degrees else math.nan, degrees // apart)


def annual(
    recorded: pd.DataFrame,
    references: Mapping[str, pd.DataFrame],
    area: str,
    before: str,
    after: str,
) -> Break:
    """Whether recorded / reference stepped between two years in one area, and by how much.

    `recorded`, and each of `references` by name: counts, areas x consecutive whole years in order;
    `area` among the rows, its peers the others; `before`, `after`: two of the columns. The noise
    comes from changes over as many years, up to `before`, in all areas; where there are too few of
    them, from the peers' own changes between the two years.

    Step and 95 % limits are natural logarithms, the limits from Student's t with the degrees of
    freedom that the areas and years give (METHODS takes 20 throughout, which is up to 4 % wider
    and finds a step of 30 % just too seldom). Several references are combined by inverse variance,
    and the larger of the reference's own error (3 %) and half of their disagreement goes into the
    limits; of one alone, the peers' noise already holds how it strays. Every field as of
    `test_at`, but `date` None.

    `cannot_tell`: no reference, a year without count, noise from fewer than 8 degrees of freedom.

    Raises ValueError for an area or a year that the table has not, or a negative count. Source:
    METHODS, section 3: a step of 30 % at a noise of 6.9 % is found in 96 of 100 cases.
    """
    _check(recorded, area, before, after)
    counted = _logs(recorded)
    logs = {name: _logs(table).reindex_like(counted) for name, table in references.items()}
    alone = {
        name: replace(_between(counted - one, area, before, after), references=(name,))
        for name, one in logs.items()
    }
    usable = {name: one for name, one in alone.items() if one.verdict != CANNOT_TELL}
    if not usable:
        reasons = "; ".join(f"{name}: {one.reason}" for name, one in alone.items())
        return replace(_untold(reasons or "no reference series"), by_reference=alone)
    if len(usable) == 1:
        return replace(next(iter(usable.values())), by_reference=alone)
    weights = {name: one.noise**-2 for name, one in usable.items()}
    combined = sum(logs[name] * weight for name, weight in weights.items()) / sum(weights.values())
    joint = _between(counted - combined, area, before, after)
    steps = [one.step for one in usable.values()]
    strayed = max(REFERENCE_ERROR, (max(steps) - min(steps)) / 2)
    return replace(_judged(joint, strayed), references=tuple(usable), by_reference=alone)


def _between(ratios: pd.DataFrame, area: str, before: str, after: str) -> Break:
    changes = ratios[after] - ratios[before]
    years, step = list(ratios.columns), float(changes[area])
    since, until = years.index(before), years.index(after)
    noise = noise_between_years(ratios[years[: since + 1]], until - since)
    if noise.degrees < FEWEST_CHANGES:
        of_peers = noise_between_years(ratios.drop(index=area)[[before, after]])
        noise = max(noise, of_peers, key=lambda one: one.degrees)
    if math.isnan(step):
        return _untold("a year has no count, or counts 0")
    if noise.degrees < FEWEST_CHANGES:
        return _untold(f"noise from {noise.degrees} degrees of freedom; {FEWEST_CHANGES} needed")
    if noise.scale < NOISE_FLOOR:
        return _untold("the ratio of no area ever changes, so that nothing says what is much")
    found = Break(
        flagged=False,
        date=None,
        step=step,
        lower=math.nan,
        upper=math.nan,
        verdict=NOT_FLAGGED,
        reason="",
        error=noise.scale,
        statistic=step / noise.scale,
        critical=noise.quantile,
        noise=noise.scale,
    )
    return _judged(found, 0.0)


def _judged(found: Break, strayed: float) -> Break:
    """With limits and verdict; `strayed`: what the references may be wrong by."""
    if math.isnan(found.step):
        return found
    half = math.hypot(found.critical * found.error, strayed)
    flagged = abs(found.step) > half
    return replace(
        found,
        flagged=flagged,
        lower=found.step - half,
        upper=found.step + half,
        verdict=FLAGGED if flagged else NOT_FLAGGED,
        reason=f"the step is {abs(found.step):.3f}; chance gives up to {half:.3f}",
    )


def _logs(table: pd.DataFrame) -> pd.DataFrame:
    counts = table.astype("float64")
    if bool((counts < 0).any(axis=None)):
        raise ValueError(
            f"a count is negative; got: {float(counts.to_numpy().min())}; leave it empty"
        )
    return pd.DataFrame(np.log(counts.where(counts > 0)), table.index, table.columns)


def _check(recorded: pd.DataFrame, area: str, before: str, after: str) -> None:
    years = list(recorded.columns)
    if area not in recorded.index:
        raise ValueError(f"no such area; got: {area!r}; known: {list(recorded.index)}")
    if not {before, after} <= set(years) or years.index(before) >= years.index(after):
        raise ValueError(f"no such pair of years; got: {(before, after)!r}; in order: {years}")


def _untold(reason: str) -> Break:
    return Break(False, None, math.nan, math.nan, math.nan, CANNOT_TELL, reason)


# --- the parts of a change -----------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """A change taken apart; natural logarithms, each part with 95 % limits.

    `total`: of the counts as recorded. `recording`: the step of recorded / reference. `real`:
    total - recording, the change on one definition, with the step's uncertainty. NaN where the
    step is not known. `share`: recording / total, 0 to 1; None where it is not determinable.
    `national`, `local`: of the total, by the mean of the peers; NaN without peers. `note`: why
    there is no share, or that it was clipped; else empty.
    """

    total: tuple[float, float, float]
    recording: tuple[float, float, float]
    real: tuple[float, float, float]
    share: float | None
    national: float
    local: float
    note: str


def parts(
    x0: float,
    x1: float,
    recording: Break,
    *,
    dispersion: float = 1.0,
    peers: Sequence[tuple[float, float]] = (),
) -> Parts:
    """A change of a count taken apart into recording and crime, and into national and local.

    `x0`, `x1`: counts of the earlier and the later period; `recording`: the step between them, by
    `annual`, `test_at` or `test_together`; `dispersion`: variance over mean of the series, as
    `statistics.change` has it; `peers`: such pairs of counts of other areas, 0 left out.

    The share is given only where the limits of the total exclude 0, and is then clipped to 0 to 1
    with a note. Raises ValueError as `statistics.change` (a zero base), and for x1 = 0, which has
    no logarithm. Source: METHODS, section 3, "Size".
    """
    if x1 == 0:
        raise ValueError(f"parts: nothing is left to take apart; got: {x0!r}, {x1!r}; report both")
    changed = statistics.change(x0, x1, dispersion=dispersion)
    total = (_log(changed.value), _log(changed.lower), _log(changed.upper))
    step = (recording.step, recording.lower, recording.upper)
    share, note = _share(total, recording)
    logs = [math.log(later / earlier) for earlier, later in peers if earlier > 0 and later > 0]
    national = float(np.mean(logs)) if logs else math.nan
    return Parts(
        total=total,
        recording=step,
        real=(total[0] - step[0], total[0] - step[2], total[0] - step[1]),
        share=share,
        national=national,
        local=total[0] - national,
        note=note,
    )


def _log(percent: float | None) -> float:
    return math.nan if percent is None else math.log1p(percent / 100)


def _share(total: tuple[float, float, float], recording: Break) -> tuple[float | None, str]:
    if math.isnan(recording.step):
        return None, f"not determinable: {recording.reason}"
    if total[1] <= 0 <= total[2]:
        return None, "not determinable: the change as a whole may be none"
    share = recording.step / total[0]
    if 0 <= share <= 1:
        return share, ""
    opposite = "more than the whole change" if share > 1 else "against the change"
    return min(max(share, 0.0), 1.0), f"clipped: recording by itself came to {opposite}"
