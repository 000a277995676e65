"""How well the search for a change of recording does, on series whose truth is known.

    python -m safecity_pipeline.detection.simulation [--series 500] [--seed 1] [--only TEXT]

Prints each figure beside its goal; exit status 1 where one does not hold.

Belongs here: a generator of monthly and of annual counts, and the acceptance figures (METHODS,
section 3). Does not belong here: the methods themselves.

The generator: real crime wanders (autoregressive, 0.7 a month, sd 3 %), recorded crime and the
reference follow it, each with noise of its own (4 %), a season, a drift of the reference (sd 1 % a
year) and Poisson counts on top.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safecity_pipeline.detection.annual import annual
from safecity_pipeline.detection.monthly import Break, scan, test_at, test_together

__all__ = ["FIGURES", "Drawn", "Figure", "World", "draw", "draw_years"]

Array = NDArray[np.float64]

FIRST_MONTH = "2010-04"
AREAS, YEARS = 15, 5
NOISE_OF_YEARS = 0.069
"""Of the year-to-year change of the log ratio: the "medium" of METHODS, as with ED assaults."""


@dataclass(frozen=True)
class World:
    """What is true of a series; sizes in natural logs, months counted from the first.

    `step`: of recording, `after` months before the end, reached over `ramp` months. `real`: of
    crime, at the same date; `local` of crime seven months before it. `follow`: the share of real
    crime that the reference follows. `shift`: of reporting, which moves the reference alone, at
    the date. `drift_sd` and `drift` a year: of the reference, drawn and given. `second`: another
    step of recording, seven months after the first. `dispersion`: variance of the counts over
    their mean, 1 for Poisson.
    """

    months: int = 60
    after: int = 12
    recorded: float = 500
    reference: float = 3000
    step: float = 0
    ramp: int = 0
    second: float = 0
    real: float = 0
    local: float = 0
    follow: float = 1
    shift: float = 0
    drift: float = 0
    drift_sd: float = 0.01
    own_noise: float = 0.04
    own_correlation: float = 0
    season: float = 0.1
    dispersion: float = 1


@dataclass(frozen=True)
class Drawn:
    """One series and its reference, and the months in which the steps start."""

    recorded: pd.Series[float]
    reference: pd.Series[float]
    date: pd.Timestamp
    second: pd.Timestamp


def draw(world: World, chance: np.random.Generator) -> Drawn:
    """A series and its reference of that world."""
    time = np.arange(world.months)
    since = time - (world.months - world.after)
    crime = 0.03 * _wandering(world.months, 0.7, chance)
    crime += world.real * (since >= 0) + world.local * (since >= -7)
    taken_up = np.clip((since + 1) / (world.ramp + 1), 0, 1)
    recorded = crime + world.step * taken_up + world.second * (since >= 7)
    drift = (world.drift + world.drift_sd * chance.standard_normal()) * time / 12
    reference = world.follow * crime + drift + world.shift * (since >= 0)
    index = pd.period_range(FIRST_MONTH, periods=world.months, freq="M").to_timestamp()
    return Drawn(
        _counts(world, world.recorded, recorded, index, chance),
        _counts(world, world.reference, reference, index, chance),
        index[world.months - world.after],
        index[min(world.months - world.after + 7, world.months - 1)],
    )


def _counts(
    world: World, level: float, logs: Array, index: pd.DatetimeIndex, chance: np.random.Generator
) -> pd.Series[float]:
    time, phase = np.arange(world.months), chance.uniform(0, 12)
    wave = world.season * np.cos(2 * np.pi * (time - phase) / 12)
    noise = world.own_noise * _wandering(world.months, world.own_correlation, chance)
    mean = level * np.exp(logs + wave + noise)
    if world.dispersion > 1:
        mean = chance.gamma(mean / (world.dispersion - 1), world.dispersion - 1)
    return pd.Series(chance.poisson(mean).astype(float), index=index)


def _wandering(months: int, correlation: float, chance: np.random.Generator) -> Array:
    """Autoregressive of order 1, standard deviation 1."""
    values = chance.standard_normal(months)
    for month in range(1, months):
        values[month] *= math.sqrt(1 - correlation**2)
        values[month] += correlation * values[month - 1]
    return values


def draw_years(
    step: float, chance: np.random.Generator, noise: float = NOISE_OF_YEARS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recorded and reference totals, areas x years; the first area steps in the last year."""
    wander = chance.standard_normal((AREAS, YEARS)) * noise / math.sqrt(2)
    levels = np.exp(chance.normal(8.5, 0.3, (AREAS, 1)))
    true = np.zeros((AREAS, YEARS))
    true[0, -1] = step
    years = [f"{year}-{(year + 1) % 100:02d}" for year in range(2010, 2010 + YEARS)]
    areas = [f"area {number}" for number in range(AREAS)]
    return (
        pd.DataFrame(levels * np.exp(true + wander), areas, years),
        pd.DataFrame(5 * levels * np.ones((AREAS, YEARS)), areas, years),
    )


# --- the acceptance figures ----------------------------------------------------------------------

TWENTY = math.log(1.2)
THIRTY = math.log(1.3)
CALLS = World()
HOSPITAL = World(reference=100)
STRESSES = {
    "drift of the reference, 3 % a year": World(drift=-0.03),
    "the reference follows half of a real 10 %": World(real=math.log(1.1), follow=0.5),
    "reporting to the reference falls by 5 %": World(shift=math.log(0.95)),
    "gradual adoption over six months": World(ramp=5),
    "a local rise of 20 %, followed to three quarters": World(local=TWENTY, follow=0.75),
}


@dataclass(frozen=True)
class Figure:
    """One acceptance figure: a share of series in per cent (or points), and its goal."""

    what: str
    measure: Callable[[int, np.random.Generator], float]
    goal: float
    at_least: bool = False
    at_most_too: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether a value reaches the goal."""
        if self.at_least:
            return self.goal <= value <= self.at_most_too
        return value <= self.goal


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def at_date(drawn: Drawn) -> Break:
    """Method A on one drawn series."""
    return test_at(drawn.recorded, {"calls": drawn.reference}, drawn.date)


def anywhere(drawn: Drawn) -> Break:
    """Method B on one drawn series."""
    return scan(drawn.recorded, {"calls": drawn.reference})


def flagged(
    world: World, method: Callable[[Drawn], Break], series: int, chance: np.random.Generator
) -> float:
    """Per cent of series of a world that a method flags."""
    return 100 * _mean([method(draw(world, chance)).flagged for _ in range(series)])


def bias(world: World, series: int, chance: np.random.Generator) -> float:
    """The mean error of the step, in points of per cent, without its sign."""
    steps = [at_date(draw(world, chance)).step for _ in range(series)]
    return abs(100 * (math.exp(_mean(steps) - world.step) - 1))


def coverage(world: World, series: int, chance: np.random.Generator) -> float:
    """Per cent of intervals of `test_at` that hold the true step."""
    found = (at_date(draw(world, chance)) for _ in range(series))
    return 100 * _mean([one.lower <= world.step <= one.upper for one in found])


def joint_coverage(series: int, chance: np.random.Generator) -> float:
    """Of two steps of 10 %, seven months apart: intervals that hold them, each and together."""
    step = math.log(1.1)
    world = World(after=19, step=step, second=step)
    held = []
    for one in (draw(world, chance) for _ in range(series)):
        calls, days = {"calls": one.reference}, [one.date, one.second]
        joint = test_together(one.recorded, calls, days)
        first = test_at(one.recorded, calls, days[0], others=days)
        last = test_at(one.recorded, calls, days[1], others=days)
        held.append(joint.lower <= 2 * step <= joint.upper)
        held += [each.lower <= step <= each.upper for each in (first, last)]
    return 100 * _mean(held)


def yearly(
    step: float, ask: Callable[[Break], bool], series: int, chance: np.random.Generator
) -> float:
    """Per cent of two years' comparisons that answer yes."""
    found = []
    for _ in range(series):
        recorded, reference = draw_years(step, chance)
        area, before, after = recorded.index[0], *recorded.columns[-2:]
        found.append(ask(annual(recorded, {"ed": reference}, area, before, after)))
    return 100 * _mean(found)


def _figures() -> Iterator[Figure]:
    methods = {"A": at_date, "B": anywhere}
    for name, method in methods.items():
        never = partial(flagged, CALLS, method)
        yield Figure(f"false alarms, {name}", never, 7)
        real = partial(flagged, replace(CALLS, real=TWENTY), method)
        yield Figure(f"false alarms under a real 20 %, {name}", real, 7)
        stepped = partial(flagged, replace(CALLS, step=TWENTY), method)
        yield Figure(f"power at 20 %, {name}", stepped, 90, at_least=True)
    for name, method in methods.items():
        for what, world in ROUGH.items():
            yield Figure(f"false alarms, {what}, {name}", partial(flagged, world, method), 7)
    for size, step in (("no step", 0.0), ("20 %", TWENTY)):
        yield Figure(f"bias at {size}, points", partial(bias, replace(CALLS, step=step)), 1)
        covered = partial(coverage, replace(CALLS, step=step))
        yield Figure(f"coverage at {size}", covered, 93, at_least=True)
    for what, world in STRESSES.items():
        stressed = partial(coverage, replace(world, step=TWENTY))
        yield Figure(f"coverage, {what}", stressed, 85, at_least=True)
    yield Figure("coverage, two steps seven months apart", joint_coverage, 93, at_least=True)
    alarm, power = partial(yearly, 0.0, _is_flagged), partial(yearly, THIRTY, _is_flagged)
    yield Figure("years: false alarms", alarm, 7)
    yield Figure("years: power at 30 %", power, 95, at_least=True)
    held = partial(yearly, THIRTY, lambda found: found.lower <= THIRTY <= found.upper)
    yield Figure("years: coverage", held, 93, at_least=True, at_most_too=97)


ROUGH = {
    "48 months": World(months=48),
    "96 months, half after": World(months=96, after=48),
    "own noise correlated 0.5": World(own_correlation=0.5),
    "48 months, correlated 0.5": World(months=48, own_correlation=0.5),
    "negative binomial counts": World(dispersion=3),
    "against 100 in hospital": HOSPITAL,
    "a season of 30 %": World(season=0.3),
}
"""Other series without a step than those that the critical values were simulated for."""


def _is_flagged(found: Break) -> bool:
    return found.flagged


FIGURES = tuple(_figures())


def main() -> int:
    """Print every figure; answers the exit status."""
    parser = argparse.ArgumentParser(description="the acceptance figures of break detection")
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="figures whose name holds this text")
    given = parser.parse_args()
    held = []
    for figure in FIGURES:
        if given.only in figure.what:
            value = figure.measure(given.series, np.random.default_rng(given.seed))
            held.append(figure.holds(value))
            sign = "≥" if figure.at_least else "≤"
            verdict = "holds" if held[-1] else "DOES NOT HOLD"
            print(f"{figure.what:60} {value:6.1f}  {sign} {figure.goal:g}  {verdict}", flush=True)
    print(f"{sum(held)} of {len(held)} figures hold")
    return 0 if held and all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
