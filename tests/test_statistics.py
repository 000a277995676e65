"""Statistics: worked examples, defining equations, and the public reference vectors."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecity_pipeline import statistics
from safecity_pipeline.statistics import Interval

# a shared machine may take its time, above all for the first import of scipy
unhurried = settings(deadline=None)
Z95 = NormalDist().inv_cdf(0.975)
CONFIDENCES = st.sampled_from([0.8, 0.95, 0.998])


# --- proportions -------------------------------------------------------------------------------


def test_proportion_worked() -> None:
    found = statistics.proportion(65, 100, multiplier=100)
    # centre (2·65 + z²) / 2(100 + z²), half width z·√(z² + 4·65·35/100) / 2(100 + z²)
    centre = (130 + Z95**2) / (2 * (100 + Z95**2))
    half_width = Z95 * math.sqrt(Z95**2 + 4 * 65 * 35 / 100) / (2 * (100 + Z95**2))
    assert found.value == 65.0
    assert found.lower == pytest.approx(100 * (centre - half_width), rel=1e-12)
    assert found.upper == pytest.approx(100 * (centre + half_width), rel=1e-12)
    assert (round(found.lower or 0, 1), round(found.upper or 0, 1)) == (55.3, 73.6)
    assert found.method == "Wilson"


@unhurried
@given(st.integers(1, 10**6), st.floats(0, 1), CONFIDENCES)
def test_wilson_limits_solve_the_score_equation(n: int, share: float, confidence: float) -> None:
    """At each limit p: |x/n - p| = z·√(p(1 - p)/n), the definition of the score interval."""
    x = round(share * n)
    found = statistics.proportion(x, n, confidence=confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    assert found.lower is not None and found.upper is not None
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    for limit in (found.lower, found.upper):
        distance = z * math.sqrt(limit * (1 - limit) / n)
        assert abs(x / n - limit) == pytest.approx(distance, rel=1e-6, abs=1e-12)


def test_proportion_limits_are_exact_at_none_and_all() -> None:
    assert statistics.proportion(0, 37).lower == 0.0
    assert statistics.proportion(37, 37).upper == 1.0


@pytest.mark.parametrize(
    ("x", "n", "got"),
    [
        (-1, 10, "got: -1"),
        (1, 0, "got: 0"),
        (1, -5, "got: -5"),
        (11, 10, r"got: \(11, 10\)"),
        (math.nan, 10, "got: nan"),
        (1, math.nan, "got: nan"),
    ],
)
def test_proportion_refuses(x: float, n: float, got: str) -> None:
    with pytest.raises(ValueError, match=rf"^proportion: .*; {got}; \w+"):
        statistics.proportion(x, n)


# --- rates -------------------------------------------------------------------------------------


def poisson_at_most(count: int, mean: float) -> float:
    return sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count + 1))


@unhurried
@given(st.integers(0, 9), CONFIDENCES)
def test_few_events_have_exact_limits(x: int, confidence: float) -> None:
    """At the upper limit P(X <= x) is half the error; at the lower, P(X >= x) is."""
    tail = (1 - confidence) / 2
    found = statistics.rate(x, 1000, multiplier=1000, confidence=confidence)
    assert found.method == "Exact"
    assert found.lower is not None and found.upper is not None
    assert poisson_at_most(x, found.upper) == pytest.approx(tail, rel=1e-9)
    if x == 0:
        assert found.lower == 0.0
    else:
        assert 1 - poisson_at_most(x - 1, found.lower) == pytest.approx(tail, rel=1e-9)


def test_ten_events_have_byars_limits() -> None:
    found = statistics.rate(10, 200, multiplier=1000)
    # 10 (1 - 1/90 - z/(3√10))³ and 11 (1 - 1/99 + z/(3√11))³ events, times 1000/200
    assert found.method == "Byars"
    assert found.value == 50.0
    assert found.lower == pytest.approx(5 * 10 * (1 - 1 / 90 - Z95 / (3 * 10**0.5)) ** 3, rel=1e-12)
    assert found.upper == pytest.approx(5 * 11 * (1 - 1 / 99 + Z95 / (3 * 11**0.5)) ** 3, rel=1e-12)


def test_byars_lower_limit_is_missing_where_its_cube_is_negative() -> None:
    # 1 event at 99.8 %: 1 - 1/9 - 3.09/3 = -0.14; at 95 %: 1 - 1/9 - 1.96/3 = 0.24
    assert np.isnan(statistics.byar_limits([1], 0.998)[0])
    assert statistics.byar_limits([1], 0.95)[0] == pytest.approx(0.2355676**3, rel=1e-6)


def test_a_rate_may_exceed_its_base() -> None:
    assert statistics.rate(250, 220, multiplier=100).value == pytest.approx(113.636363636)


@pytest.mark.parametrize(
    ("x", "n", "got"), [(-1, 10, "-1"), (1, 0, "0"), (1, -5, "-5"), (math.nan, 10, "nan")]
)
def test_rate_refuses(x: float, n: float, got: str) -> None:
    with pytest.raises(ValueError, match=rf"^rate: .*; got: {got}; \w+"):
        statistics.rate(x, n)


@pytest.mark.parametrize("settings", [{"confidence": 95}, {"confidence": 0}, {"multiplier": 0}])
def test_impossible_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got: "):
        statistics.rate(1, 10, **settings)
    with pytest.raises(ValueError, match="got: "):
        statistics.proportion(1, 10, **settings)


def test_multiplying_first_keeps_halves_exact() -> None:
    # 29 / 200 = 14.5 %; dividing first gives 14.499999999999998, which rounds to 14
    assert 29 / 200 * 100 < 14.5
    assert statistics.proportion(29, 200, 100).value == 14.5
    assert statistics.rate(29, 200, 100).value == 14.5


# --- columns -----------------------------------------------------------------------------------


@unhurried
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(40, 5000)), min_size=1, max_size=30),
    CONFIDENCES,
)
def test_a_column_holds_what_its_cells_hold(
    pairs: list[tuple[int, int]], confidence: float
) -> None:
    counts, bases = [x for x, _ in pairs], [n for _, n in pairs]
    for column, cell in (
        (statistics.rates, statistics.rate),
        (statistics.proportions, statistics.proportion),
    ):
        rows = zip(*column(counts, bases, 1000, confidence), strict=True)
        cells = [cell(x, n, 1000, confidence) for x, n in pairs]
        assert list(rows) == [(one.value, one.lower, one.upper) for one in cells]


def test_missing_and_corrected_counts_in_a_column() -> None:
    counts = [None, 5, 5, math.nan, 5, -3, 12]
    bases = [100, None, 0, 100, -1, 100, 10]
    nan = math.nan
    with np.errstate(all="raise"):  # nothing is computed that has no answer
        rate_values, rate_lowers, rate_uppers = statistics.rates(counts, bases, 100)
        share_values, share_lowers, share_uppers = statistics.proportions(counts, bases, 100)
    # a net correction of -3 is a value without limits; 12 of 10 is a rate, but no share
    expected = [nan, nan, nan, nan, nan, -3, 120]
    np.testing.assert_array_equal(rate_values, expected)
    np.testing.assert_array_equal(share_values, expected)
    for limits in (rate_lowers, rate_uppers):
        assert np.isfinite(limits).tolist() == [False] * 6 + [True]
    for limits in (share_lowers, share_uppers):
        assert not np.isfinite(limits).any()


def test_masked_nulls_of_a_database_are_missing() -> None:
    counts = np.ma.masked_array([4, 7], mask=[False, True])
    values, lowers, uppers = statistics.rates(counts, 100, 100)
    assert values.tolist()[0] == 4.0
    assert np.isnan([values[1], lowers[1], uppers[1]]).all()


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got: \(\(2,\), \(3,\)\)"):
        statistics.rates([1, 2], [1, 2, 3])


# --- changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x0", "x1", "printed"),
    [
        (800, 704, (-12.0, -20.5, -2.6)),
        (500, 440, (-12.0, -22.6, 0.0)),
        (100, 65, (-35, -52, -11)),
        (20, 16, (-20, -58, 53)),
    ],
)
def test_worked_changes(x0: int, x1: int, printed: tuple[float, float, float]) -> None:
    found = statistics.change(x0, x1)
    digits = 1 if isinstance(printed[1], float) else 0
    assert found.lower is not None and found.upper is not None
    assert (
        round(found.value, digits),
        round(found.lower, digits),
        round(found.upper, digits),
    ) == printed
    assert found.value == 100 * (x1 - x0) / x0
    assert found.method == "exact conditional"


@unhurried
@given(st.integers(1, 10**5), st.integers(0, 10**5), CONFIDENCES)
def test_change_is_the_wilson_share_turned_back(x0: int, x1: int, confidence: float) -> None:
    found = statistics.change(x0, x1, confidence=confidence)
    share = statistics.proportion(x1, x0 + x1, confidence=confidence)
    for limit, bound in ((found.lower, share.lower), (found.upper, share.upper)):
        assert limit is not None and bound is not None
        assert limit == pytest.approx(100 * (bound / (1 - bound) - 1), rel=1e-6, abs=1e-6)


@unhurried
@given(st.integers(1, 10**5), st.integers(1, 10**5), st.floats(1, 30))
def test_change_forwards_undoes_change_backwards(x0: int, x1: int, dispersion: float) -> None:
    forwards = statistics.change(x0, x1, dispersion=dispersion)
    backwards = statistics.change(x1, x0, dispersion=dispersion)
    assert forwards.lower is not None and backwards.upper is not None
    assert (1 + forwards.lower / 100) * (1 + backwards.upper / 100) == pytest.approx(1, rel=1e-6)


def test_change_of_a_rate_follows_the_bases() -> None:
    # 8.0 to 7.04 per 1,000 if the base stays; with a base 10 % larger, 6.4: -20 %
    count = statistics.change(800, 704)
    found = statistics.change(800, 704, n0=100_000, n1=110_000)
    assert statistics.change(800, 704, n0=5000, n1=5000) == count
    assert found.value == pytest.approx(-20.0, abs=1e-12)
    assert count.lower is not None and found.lower is not None
    assert 1 + found.lower / 100 == pytest.approx((1 + count.lower / 100) / 1.1, rel=1e-12)


def test_change_to_nothing_is_minus_a_hundred() -> None:
    # x1 = 0: Wilson's upper share is z²/(20 + z²), so the ratio is z²/20 = 0.192
    found = statistics.change(20, 0)
    assert (found.value, found.lower) == (-100.0, -100.0)
    assert found.upper == pytest.approx(100 * (Z95**2 / 20 - 1), rel=1e-12)
    # with dispersion 4 as if 5 had been counted: z²/5
    assert statistics.change(20, 0, dispersion=4).upper == pytest.approx(
        100 * (Z95**2 / 5 - 1), rel=1e-12
    )


def test_dispersion_widens_on_the_log_scale() -> None:
    # φ = 4, 1/800 + 1/704: half width 1.96·√(4·0.0026705) = 0.20257 -> 0.88·exp(∓0.20257)
    half_width = Z95 * math.sqrt(4 * (1 / 800 + 1 / 704))
    found = statistics.change(800, 704, dispersion=4)
    assert found.value == -12.0
    assert found.lower == pytest.approx(100 * (0.88 * math.exp(-half_width) - 1), rel=1e-12)
    assert found.upper == pytest.approx(100 * (0.88 * math.exp(half_width) - 1), rel=1e-12)


@pytest.mark.parametrize("kind", [np.int32, Decimal])
def test_numbers_as_a_database_gives_them(kind: Callable[[int], float]) -> None:
    """32-bit products would overflow (21,929 × 235,000 > 2³¹), and decimals refuse floats."""
    plain = (26_165, 21_929, 235_000, 242_000)
    x0, x1, n0, n1 = (kind(number) for number in plain)
    assert statistics.change(x0, x1, n0, n1) == statistics.change(*plain)
    assert statistics.rate(x1, n1) == statistics.rate(21_929, 242_000)
    assert statistics.proportion(x1, n1) == statistics.proportion(21_929, 242_000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x0": 0, "x1": 5}, "zero base; got: 0"),
        ({"x0": -1, "x1": 5}, "got: -1"),
        ({"x0": 5, "x1": -2}, "got: -2"),
        ({"x0": 5, "x1": 5, "n0": 10}, r"both periods; got: \(10, None\)"),
        ({"x0": 5, "x1": 5, "n0": 10, "n1": 0}, "got: 0"),
        ({"x0": 5, "x1": 5, "dispersion": 0.5}, "got: 0.5"),
        ({"x0": 5, "x1": 5, "confidence": 95}, "got: 95"),
    ],
)
def test_change_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^change: .*{message}"):
        statistics.change(**arguments)


def test_change_of_proportion_is_newcombes() -> None:
    """Newcombe (1998), table II, (a) and (b): 56/70 - 48/80 and 9/10 - 3/10, method 10."""
    found = statistics.change_of_proportion(48, 80, 56, 70)
    assert found.value == pytest.approx(20.0)
    assert (round(found.lower or 0, 2), round(found.upper or 0, 2)) == (5.24, 33.39)
    found = statistics.change_of_proportion(3, 10, 9, 10)
    assert found.value == pytest.approx(60.0)
    assert (round(found.lower or 0, 2), round(found.upper or 0, 2)) == (17.05, 80.90)


def test_change_of_proportion_refuses_more_than_all() -> None:
    with pytest.raises(ValueError, match=r"^change_of_proportion: .*got: \(11, 10\)"):
        statistics.change_of_proportion(5, 10, 11, 10)


# --- ranks -------------------------------------------------------------------------------------


def test_rank_shares_the_smallest_place() -> None:
    values = [7.0, None, 9.5, 7.0, math.nan, 2.0]
    assert statistics.rank(values) == [2, None, 1, 2, None, 4]
    assert statistics.rank(values, higher_first=False) == [2, None, 4, 2, None, 1]


@unhurried
@given(st.lists(st.one_of(st.none(), st.integers(-3, 3), st.floats(-5, 5)), max_size=25))
def test_rank_counts_those_that_are_better(values: list[float | None]) -> None:
    present = [value for value in values if value is not None]
    for higher_first, better in ((True, float.__gt__), (False, float.__lt__)):
        assert statistics.rank(values, higher_first) == [
            None if mine is None else 1 + sum(better(float(v), float(mine)) for v in present)
            for mine in values
        ]


def test_rank_interval_certain_close_and_missing() -> None:
    #      rate per 1,000:  50, 20 (a year like the next), 20.4, none, 1
    counts = [5000, 2000, 2040, None, 100]
    found = statistics.rank_interval(counts, [100_000] * 5)
    assert found == [(1, 1), (2, 3), (2, 3), (None, None), (4, 4)]


def test_rank_interval_is_the_same_on_every_run() -> None:
    # twelve areas alike and few draws, so that another stream would give other intervals
    counts, bases = [50] * 12, [1000] * 12
    first = statistics.rank_interval(counts, bases, draws=40)
    assert statistics.rank_interval(counts, bases, draws=40) == first
    assert statistics.rank_interval(counts, bases, draws=40, seed=1) != first


def test_rank_interval_ends_are_places_that_were_drawn() -> None:
    """Of two draws the 2.5 % and 97.5 % points are both draws, not 1.05 and 1.95 cut to 1."""
    found = {
        tuple(statistics.rank_interval([50, 50], [1000, 1000], draws=2, seed=seed))
        for seed in range(30)
    }
    assert found == {((1, 1), (2, 2)), ((2, 2), (1, 1)), ((1, 2), (1, 2))}


def test_dispersion_keeps_a_proportions_centre() -> None:
    # 90 % and 93 % of 1,000 with variance × 3: 0.03 / √(3·(0.09 + 0.0651)/1000) = 1.4 standard
    # errors, so they may swap; with × 1 it is 2.4, and they do not
    counts, bases = [900, 930], [1000, 1000]
    assert statistics.rank_interval(counts, bases, "proportion") == [(2, 2), (1, 1)]
    assert statistics.rank_interval(counts, bases, "proportion", dispersion=3) == [(1, 2), (1, 2)]


@pytest.mark.parametrize("kind", ["rate", "proportion"])
def test_dispersion_widens_rank_intervals(kind: str) -> None:
    # 1,000 and 1,120 of 100,000: 120 apart, standard error √2120 = 46, so 2.6 of them;
    # with dispersion 20, 0.6 of them, and either may be first
    counts, bases = [1000, 1120], [100_000, 100_000]
    assert statistics.rank_interval(counts, bases, kind) == [(2, 2), (1, 1)]
    assert statistics.rank_interval(counts, bases, kind, dispersion=20) == [(1, 2), (1, 2)]


def test_rank_interval_agrees_with_the_normal_approximation() -> None:
    """Two areas 60 apart swap with probability Φ(-60/√2060) = 9.3 %: past 2.5 %, short of 10 %."""
    counts, bases = [1000, 1060], [100_000, 100_000]
    assert statistics.rank_interval(counts, bases) == [(1, 2), (1, 2)]
    assert statistics.rank_interval(counts, bases, confidence=0.8) == [(2, 2), (1, 1)]


def test_rank_interval_of_proportions_near_all() -> None:
    # 99 of 100 and 90 of 100: as counts they overlap (99 ± 10), as proportions they do not
    assert statistics.rank_interval([99, 90], [100, 100], "rate") == [(1, 2), (1, 2)]
    assert statistics.rank_interval([99, 88], [100, 100], "proportion") == [(1, 1), (2, 2)]


def test_rank_interval_leaves_out_what_no_distribution_covers() -> None:
    nothing = (None, None)
    assert statistics.rank_interval([-2, 900], [10, 10]) == [nothing, (1, 1)]
    assert statistics.rank_interval([12, 9], [10, 10], "proportion") == [nothing, (1, 1)]
    assert statistics.rank_interval([5], [0]) == [nothing]
    assert statistics.rank_interval([], []) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "mean"}, "got: 'mean'"),
        ({"draws": 0}, "got: 0"),
        ({"dispersion": 0.9}, "got: 0.9"),
        ({"denominators": [1]}, r"got: \(2, 1\)"),
    ],
)
def test_rank_interval_refuses(arguments: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"numerators": [1, 2], "denominators": [9, 9], **arguments}
    with pytest.raises(ValueError, match=message):
        statistics.rank_interval(**settings)  # type: ignore[arg-type]


# --- against a benchmark -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "low_is_good", "high_is_good", "none"),
    [
        (2.0, 2.9, "better", "worse", "lower"),
        (2.0, 3.0, "same", "same", "similar"),  # the end belongs to the interval
        (3.0, 4.0, "same", "same", "similar"),
        (3.1, 4.0, "worse", "better", "higher"),
    ],
)
def test_benchmark_of_three(
    lower: float, upper: float, low_is_good: str, high_is_good: str, none: str
) -> None:
    interval = Interval((lower + upper) / 2, lower, upper, "Wilson")
    assert statistics.benchmark(interval, 3.0, "low_is_good") == low_is_good
    assert statistics.benchmark(interval, 3.0, "high_is_good") == high_is_good
    assert statistics.benchmark(interval, 3.0, "none") == none


@pytest.mark.parametrize(
    ("interval", "benchmark_value"),
    [
        (None, 3.0),
        (Interval(math.nan, 1.0, 2.0, ""), 3.0),
        (Interval(1.5, None, 2.0, ""), 3.0),
        (Interval(1.5, 1.0, None, ""), 3.0),
        (Interval(1.5, 1.0, math.nan, ""), 3.0),
        (Interval(1.5, 1.0, 2.0, ""), None),
        (Interval(1.5, 1.0, 2.0, ""), math.nan),
    ],
)
def test_what_is_missing_is_not_compared(
    interval: Interval | None, benchmark_value: float | None
) -> None:
    assert statistics.benchmark(interval, benchmark_value, "none") == "not compared"


def test_unknown_polarity_is_refused_even_with_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="got: 'low is good'; write one of low_is_good"):
        statistics.benchmark(None, 3.0, "low is good")


# --- public reference vectors ------------------------------------------------------------------


def vector_rows(name: str) -> Iterator[dict[str, str]]:
    folder = os.environ.get("SAFECITY_VECTORS")
    if not folder:
        pytest.skip("SAFECITY_VECTORS is unset: no reference vectors")
    with (Path(folder) / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def number(text: str) -> float:
    return float(text) if text else math.nan


def assert_limits(
    found: tuple[np.ndarray, ...], row: dict[str, str], names: tuple[str, ...]
) -> None:
    expected = [number(row[name]) for name in names]
    np.testing.assert_allclose([column[0] for column in found], expected, rtol=1e-12)


def percent(text: str) -> float:
    return round(float(text.rstrip("%")) / 100, 6)


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [
        ("rates.csv", statistics.rates, 20),
        ("proportions.csv", statistics.proportions, 19),
    ],
)
def test_vectors_at_two_confidences(name: str, function: object, count: int) -> None:
    rows = list(vector_rows(name))
    assert len(rows) == count
    for row in rows:
        pair = [number(row["Numerator"])], [number(row["Denominator"])], float(row["multiplier"])
        for confidence, suffix in ((0.95, "95_0"), (0.998, "99_8")):
            found = function(*pair, confidence)  # type: ignore[operator]
            assert_limits(found, row, ("value", f"lower{suffix}cl", f"upper{suffix}cl"))


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [
        ("rates_grouped.csv", statistics.rates, 12),
        ("proportions_grouped.csv", statistics.proportions, 11),
    ],
)
def test_vectors_of_groups(name: str, function: object, count: int) -> None:
    rows = list(vector_rows(name))
    assert len(rows) == count
    for row in rows:
        pair = [number(row["Numerator"])], [number(row["Denominator"])], float(row["multiplier"])
        found = function(*pair, percent(row["confidence"]))  # type: ignore[operator]
        assert_limits(found, row, ("value", "lowercl", "uppercl"))


def test_vectors_of_scalars_name_the_same_method() -> None:
    for row in vector_rows("rates.csv"):
        if row["value"]:
            found = statistics.rate(float(row["Numerator"]), float(row["Denominator"]))
            assert found.method == row["method"]


def test_vectors_of_limits() -> None:
    rows = list(vector_rows("limits_byars_wilson.csv"))
    assert len(rows) == 13
    for row in rows:
        confidence = percent(row["confidence"])
        if row["method"] == "Byars":
            limits = statistics.byar_limits([float(row["x"])], confidence)
        else:
            limits = statistics.proportions([float(row["x"])], [float(row["n"])], 1, confidence)[1:]
        assert_limits(limits, row, ("lowercl", "uppercl"))
    assert rows[12]["lowercl"] == "" and rows[12]["uppercl"] != ""


def test_vectors_of_benchmarks() -> None:
    words = {"Best": "better", "Worst": "worse", "None": "not compared"}
    compared = 0
    for row in vector_rows("benchmark_rag.csv"):
        if not row["method"].startswith("single_ci"):
            continue  # two intervals and funnels are other comparisons
        limits = [None if row[name] == "" else float(row[name]) for name in ("lower95", "upper95")]
        interval = Interval(number(row["value"]), limits[0], limits[1], "")
        found = statistics.benchmark(interval, number(row["benchmark"]), row["polarity"])
        assert found == words.get(row["expected"], row["expected"].lower()), row["case"]
        compared += 1
    assert compared == 21


def test_the_limits_of_one_share_are_those_of_a_column_to_the_last_bit() -> None:
    drawn = np.random.default_rng(20)
    bases = np.concatenate([drawn.integers(1, 50, 500), drawn.integers(50, 10**7, 500)]) * 1.0
    counts = np.floor(bases * drawn.random(bases.size))
    counts[:20], counts[20:40] = 0.0, bases[20:40]
    for z in (1.959963984540054, 3.0902323061678132):
        lower, upper = statistics._wilson_limits(counts, bases, z)
        pairs = zip(counts.tolist(), bases.tolist(), strict=True)
        alone = [statistics._wilson_of_one(x, n, z) for x, n in pairs]
        assert alone == list(zip(lower.tolist(), upper.tolist(), strict=True))
