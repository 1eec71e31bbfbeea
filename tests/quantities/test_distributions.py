"""Distributions: draws against scipy's distribution functions, and specifications against their
messages.
"""

import math
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.quantities.distributions import (
    Constant,
    Distribution,
    Empirical,
    Lognormal,
    Mixture,
    Sum,
    Triangular,
    Weibull,
)
from sim.quantities.notation import Quantity, distribution_from, is_value, uncertain
from sim.quantities.uncertain import Uncertain, highest, lowest

DAY = 86400.0
DRAWS = 40_000
Z = 4
SECONDS = Quantity("s").read
REPAIR = {
    "empirical": [
        [0, "1 min"],
        [0.05, "0.008 d"],
        [0.25, "0.086 d"],
        [0.5, "0.85 d"],
        [0.75, "3.16 d"],
        [0.9, "13 d"],
        [0.95, "30.7 d"],
        [0.99, "81.9 d"],
        [1, "120 d"],
    ]
}
"""Repair times of a 400-server cluster (InfiniteHBD): half are mended within a day, some take
months.
"""


def draws(distribution: Distribution, seed: int = 1) -> np.ndarray:
    return distribution.draw(np.random.default_rng(seed).random((DRAWS, distribution.dims)))


def from_days(spec: Any) -> Distribution:
    return distribution_from(spec, SECONDS)


EXPONENTIAL = stats.expon(scale=2)
WEIBULL_OF_MEAN_3 = stats.weibull_min(2.5, scale=3 / math.gamma(1.4))
CASES: list[tuple[str, Callable[[float], Distribution], Callable[..., Any], float]] = [
    ("exponential", lambda k: Weibull(1.0, 2 * k), EXPONENTIAL.cdf, 2.0),
    ("weibull by scale", lambda k: Weibull(0.7, 3 * k), stats.weibull_min(0.7, scale=3).cdf, 3 * math.gamma(17 / 7)),
    ("weibull by mean", lambda k: Weibull(2.5, 3 * k, by_mean=True), WEIBULL_OF_MEAN_3.cdf, 3.0),
    ("lognormal", lambda k: Lognormal(10 * k, 0.5), stats.lognorm(0.5, scale=10).cdf, 10 * math.exp(0.125)),
    ("triangular", lambda k: Triangular(1 * k, 2 * k, 6 * k), stats.triang(0.2, loc=1, scale=5).cdf, 3.0),
    (
        "empirical",
        lambda k: Empirical(((0.0, 1.0 * k), (0.5, 10.0 * k), (1.0, 1000.0 * k))),
        lambda x: np.where(x < 10, 0.5 * np.log10(x), 0.25 + 0.25 * np.log10(x)),
        0.5 * 9 / math.log(10) + 0.5 * 990 / math.log(100),
    ),
    (
        "mixture",
        lambda k: Mixture((3.0, 1.0), (Weibull(1.0, 2 * k), Triangular(5 * k, 6 * k, 7 * k))),
        lambda x: 0.75 * EXPONENTIAL.cdf(x) + 0.25 * stats.triang(0.5, loc=5, scale=2).cdf(x),
        0.75 * 2 + 0.25 * 6,
    ),
    ("sum", lambda k: Sum((Weibull(1.0, 2 * k), Constant(0.0), Weibull(1.0, 2 * k))), stats.gamma(2, scale=2).cdf, 4.0),
]  # fmt: skip
BY_NAME = pytest.mark.parametrize(
    ("make", "cdf", "mean"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


@BY_NAME
def test_draws_follow_the_distribution_and_notice_a_wrong_one(
    make: Any, cdf: Any, mean: float
) -> None:
    right, wrong = draws(make(1.0)), draws(make(1.1))
    assert stats.kstest(right, cdf).pvalue > 1e-4
    assert stats.kstest(wrong, cdf).pvalue < 1e-4, "ten per cent off must not pass"


@BY_NAME
def test_mean_is_the_mean_of_the_draws(make: Any, cdf: Any, mean: float) -> None:
    distribution, sample = make(1.0), draws(make(1.0), seed=2)
    assert distribution.mean == pytest.approx(mean, rel=1e-12)
    assert abs(sample.mean() - mean) < Z * sample.std() / math.sqrt(DRAWS)
    assert abs(sample.mean() - 1.1 * mean) > Z * sample.std() / math.sqrt(DRAWS), (
        "ten per cent off must not pass"
    )


@BY_NAME
def test_draws_stay_within_the_support(make: Any, cdf: Any, mean: float) -> None:
    distribution = make(1.0)
    low, high = distribution.support
    sample = draws(distribution)
    assert low <= sample.min() < sample.max() <= high
    ends = distribution.draw(
        np.array([[0.0] * distribution.dims, [1 - 2**-53] * distribution.dims])
    )
    assert low <= ends[0] < ends[1] <= high < math.inf or math.isinf(high)
    assert np.isfinite(ends).all()


@pytest.mark.parametrize("make", [case[1] for case in CASES if case[0] != "mixture"])
@given(u=st.floats(0, 1, exclude_max=True), v=st.floats(0, 1, exclude_max=True))
def test_draws_rise_with_the_uniforms(make: Any, u: float, v: float) -> None:
    distribution = make(1.0)
    low, high = distribution.draw(
        np.array([[min(u, v)] * distribution.dims, [max(u, v)] * distribution.dims])
    )
    assert low <= high


def test_a_mixture_chooses_by_the_first_uniform_and_stretches_it() -> None:
    slow, quick = Weibull(1.0, 5.0), Sum((Weibull(1.0, 1.0), Triangular(0, 1, 2)))
    mixture = Mixture((0.25, 0.75), (slow, quick))
    assert (mixture.dims, quick.dims) == (2, 2)
    u = np.array([[0.1, 0.3], [0.7, 0.3]])
    expected = [slow.draw(np.array([0.4])), quick.draw(np.array([0.6, 0.3]))]
    assert mixture.draw(u) == pytest.approx(expected, rel=1e-12)
    assert float(mixture.draw(u[1])) == mixture.draw(u)[1], "one draw at a time gives the same"


def test_a_sum_uses_a_uniform_for_each_part() -> None:
    total = Sum(
        (
            Weibull(1.0, 2.0),
            Mixture((1.0, 1.0), (Constant(1.0), Sum((Constant(2.0), Constant(3.0))))),
        )
    )
    assert total.dims == 3
    assert float(total.draw(np.array([0.0, 0.2, 0.9]))) == 1.0
    assert float(total.draw(np.array([0.0, 0.7, 0.9]))) == 5.0
    assert total.support == (1.0, math.inf)


@pytest.mark.parametrize(
    ("p", "value"), [(0, 1), (0.25, 10), (0.5, 100), (0.75, 100 * math.sqrt(10)), (1, 1000)]
)
def test_time_is_interpolated_log_linearly_between_quantiles(p: float, value: float) -> None:
    distribution = Empirical(((0.0, 1.0), (0.5, 100.0), (1.0, 1000.0)))
    assert float(distribution.draw(np.array([p]))) == pytest.approx(value, rel=1e-12)


def test_the_mean_of_measured_repair_times_is_the_area_under_their_quantiles() -> None:
    distribution = from_days(REPAIR)
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000
    area = distribution.draw(grid[:, None]).mean()
    assert distribution.mean == pytest.approx(area, rel=1e-5)
    pairs = [(p, SECONDS(value)) for p, value in REPAIR["empirical"]]
    pieces = [(p1 - p0) * (b - a) / math.log(b / a) for (p0, a), (p1, b) in pairwise(pairs)]
    assert distribution.mean == pytest.approx(math.fsum(pieces), rel=1e-12)
    assert distribution.mean == pytest.approx(5.54 * DAY, rel=0.05), "the mean of the trace itself"
    assert distribution.mode == pytest.approx(0.85 * DAY), "no closed form: the median"
    assert distribution.support == (60.0, 120 * DAY)


def test_flat_pieces_between_quantiles() -> None:
    distribution = Empirical(((0.0, 2.0), (0.5, 2.0), (1.0, 8.0)))
    assert distribution.mean == pytest.approx(0.5 * 2 + 0.5 * 6 / math.log(4), rel=1e-12)
    assert float(distribution.draw(np.array([0.3]))) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("distribution", "mode"),
    [
        (Weibull(1.0, 5.0), 0.0),
        (Weibull(0.5, 5.0), 0.0),
        (Weibull(2.0, 5.0), 5 / math.sqrt(2)),
        (Lognormal(10.0, 0.5), 10 * math.exp(-0.25)),
        (Triangular(1, 2, 6), 2),
        (Constant(3.0), 3),
        (Mixture((1.0, 1.0), (Constant(1.0), Constant(2.0))), 2),
    ],
)
def test_mode(distribution: Distribution, mode: float) -> None:
    assert distribution.mode == pytest.approx(mode, rel=1e-12)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("2 d", Constant(2 * DAY)),
        ({"exponential": {"mean": "2 d"}}, Weibull(1.0, 2 * DAY)),
        ({"weibull": {"shape": 0.7, "scale": "1 d"}}, Weibull(0.7, DAY)),
        ({"weibull": {"shape": 0.7, "mean": "1 d"}}, Weibull(0.7, DAY, by_mean=True)),
        ({"lognormal": {"median": "1 d", "sigma": 0.5}}, Lognormal(DAY, 0.5)),
        ({"triangular": ["1 s", "2 s", "3 s"]}, Triangular(1, 2, 3)),
        ({"empirical": [[0, "1 s"], [1, "2 s"]]}, Empirical(((0.0, 1.0), (1.0, 2.0)))),
        (
            {"mixture": [[2, "1 s"], [1, "2 s"]]},
            Mixture((2.0, 1.0), (Constant(1.0), Constant(2.0))),
        ),
        (
            {"sum": ["1 s", {"exponential": {"mean": "2 s"}}]},
            Sum((Constant(1.0), Weibull(1.0, 2.0))),
        ),
        ({"uncertain": ["1 s", "2 s", "3 s"]}, Constant(2.0)),
    ],
    ids=str,
)
def test_reads(spec: Any, expected: Distribution) -> None:
    assert from_days(spec) == expected
    assert pickle.loads(pickle.dumps(expected)) == expected


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            {"exponental": {"mean": "2 d"}},
            '{exponental} is no distribution (did you mean "exponential"?)',
        ),
        ({}, "allowed: a constant or one of exponential, weibull"),
        ({"exponential": {"mean": "2 d"}, "weibull": {}}, "is no distribution"),
        ({"exponential": {"men": "2 d"}}, "exponential: expected {mean: …}"),
        ({"exponential": "2 d"}, "exponential: expected {mean: …}"),
        ({"exponential": {"mean": 2}}, "exponential: a unit is missing"),
        ({"exponential": {"mean": 0}}, "exponential: mean must be above 0"),
        ({"exponential": {"mean": "-2 d"}}, "exponential: must not be negative"),
        ({"weibull": {"shape": 2}}, "weibull: expected {shape: …, scale: … or mean: …}"),
        ({"weibull": {"shape": 2, "scale": "1 d", "mean": "1 d"}}, "weibull: expected"),
        ({"weibull": {"shape": 0, "mean": "1 d"}}, "weibull: shape: must be above zero"),
        ({"weibull": {"shape": 1e-3, "mean": "1 d"}}, "weibull: shape: must be at least 0.05"),
        ({"weibull": {"shape": True, "mean": "1 d"}}, "weibull: shape: expected a plain number"),
        ({"lognormal": {"median": "1 d", "sigma": 1e5}}, "lognormal: sigma: must be at most 10"),
        ({"triangular": ["1 s", "2 s"]}, "triangular: expected [low, mode, high]"),
        ({"triangular": ["3 s", "2 s", "1 s"]}, "triangular: expected low ≤ mode ≤ high"),
        (
            {"triangular": [{"uncertain": ["1 s", "2 s", "9 s"]}, "3 s", "4 s"]},
            "expected low ≤ mode ≤ high",
        ),
        ({"empirical": [[0, "1 s"]]}, "empirical: expected [[0, …], …, [1, …]]"),
        ({"empirical": [[None, "1 s"], [1, "2 s"]]}, "empirical: expected [[0, …], …, [1, …]]"),
        ({"empirical": [[0, "1 s"], [0.9, "2 s"]]}, "probabilities must rise from 0 to 1"),
        (
            {"empirical": [[0, "2 s"], [1, "1 s"]]},
            "probabilities must rise from 0 to 1, and the values with them",
        ),
        ({"empirical": [[0, 0], [1, "1 s"]]}, "empirical: a value must be above 0"),
        ({"mixture": []}, "mixture: expected [[weight, distribution], …]"),
        ({"mixture": [["1 s"]]}, "mixture: expected [[weight, distribution], …]"),
        ({"mixture": [[0, "1 s"]]}, "mixture: a weight: must be above zero"),
        (
            {"mixture": [[1, {"exponential": {"mean": "1 GB"}}]]},
            "mixture: exponential: '1 GB' is a quantity of another",
        ),
        ({"sum": "1 s"}, "sum: expected a list of distributions"),
        ({"sum": []}, "sum: expected a list of distributions"),
        ("2 GB", "'2 GB' is a quantity of another kind"),
        ([1, 2], "expected a quantity in s"),
    ],
    ids=str,
)
def test_refuses_in_words(spec: Any, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_days(spec)
    assert says in str(caught.value)


def test_an_unknown_constant_is_its_mode_until_it_is_drawn() -> None:
    value = uncertain([1, 2, 6], float)
    assert (value, value.name, lowest(value), highest(value)) == (2, "", 1, 6)
    assert (lowest(3.0), highest(3.0)) == (3, 3)
    assert value.draw(0.0) == 1
    assert value.draw(0.2) == pytest.approx(2), "a fifth of a triangle lies below its mode here"
    named = value.named("a")
    assert (named.name, named.named("b").name) == ("a", "a"), "a name stays"
    copy = pickle.loads(pickle.dumps(named))
    assert isinstance(copy, Uncertain)
    assert (copy, copy.distribution, copy.name) == (2, Triangular(1, 2, 6), "a")


def test_parameters_of_a_distribution_may_be_unknown() -> None:
    distribution = from_days(
        {
            "weibull": {
                "shape": {"uncertain": [0.5, 0.7, 0.9]},
                "mean": {"uncertain": ["1 d", "2 d", "3 d"]},
            }
        }
    )
    assert isinstance(distribution, Weibull)
    assert isinstance(distribution.shape, Uncertain)
    assert (distribution.shape, distribution.size) == (0.7, 2 * DAY)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"sum": []}, True),
        ({"uncertain": [1, 2, 3], "name": "x"}, True),
        ({"sum": [], "x": 1}, False),
        ({"x": 1}, False),
    ],
)
def test_values_are_told_from_mappings_of_parts(data: dict[str, Any], answer: bool) -> None:
    assert is_value(data) is answer
