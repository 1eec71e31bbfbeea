"""How far a case lies from what was published, and the residual of each chip and stack."""

from __future__ import annotations

import math

import pytest

from sim.scenario import load_scenario
from sim.scenario.parts import Layout
from sim.throughput import Throughput, planned
from sim.throughput.domain import Point, reach, rule
from tests.throughput.cases import GPT, deepseek, fleet, model, pool, run


def case(fleet_: dict, **rest):
    """A scenario with a small dense model."""
    training = {"model": "mpt-13b", "tokens": 1e10, "batch": {"sequences": 512}}
    return load_scenario({"run": training, "fleet": fleet_, **rest})


H100 = {"chip": "H100-SXM-80", "chips": 64, "stack": "megatron-core"}
H800 = {"chip": "H800-SXM-80", "chips": 64, "stack": "megatron-core"}
MEASURED = {**H100, "throughput": {"tokens_per_second_per_chip": 5000}}


def test_the_nearest_run_on_the_stack_counts_and_is_measured_in_log_units() -> None:
    h800 = deepseek()
    at = Point(7168.0 * math.e, 4096.0, 2048.3, 2048)
    found = reach(h800, model("deepseek-v3"), at)
    assert found.distance == pytest.approx(1.0, abs=1e-3)
    assert "width of a layer" in found.measure
    assert found.spread == pytest.approx(math.hypot(rule().near, rule().slope), rel=1e-3)
    assert found.inside == (found.distance <= rule().limit)


def test_a_run_far_below_in_one_measure_is_not_near() -> None:
    h800, v3 = deepseek(), model("deepseek-v3")
    at = Point(7168.0, 4096.0, 2048.0, 2048)
    near = Point(7168.0 * math.exp(-0.5), 4096.0, 2048.0, 2048)
    far = Point(7168.0 * math.exp(5), 4096.0, 2048.0, 2048)
    for published in ([near, far], [far, near]):
        assert reach(h800, v3, at, published).distance == pytest.approx(0.5)


def test_a_stack_without_published_runs_is_outside_and_its_range_spans_a_factor_of_four() -> None:
    own = pool(stack={"like": "megatron-lm", "name": "ours"})
    [found] = fleet(run(), [own]).reaches.values()
    assert not found.inside
    assert "ours" in found.measure
    assert found.report()["distance"] is None
    far = reach(own, model("gpt-1.7b"), Point(64.0, 1.0, 64.0, 1e6), [Point(1e4, 1e6, 1e4, 8.0)])
    assert 2 * 2.3263 * far.spread == pytest.approx(math.log(4), rel=1e-3)


def test_stacks_fitted_to_dense_models_only_do_not_know_experts() -> None:
    here = Point(2048.0, 8192.0, 8192.0, 64)
    core = pool("H100-SXM-80", stack="megatron-core")
    dense = reach(core, model("llama-3-70b"), here)
    routed = reach(core, model("deepseek-v3"), here)
    assert dense.spread < 0.1 < routed.spread
    assert "nothing was fitted" in routed.measure


@pytest.mark.parametrize("distance", [0.0, 0.3, 0.8])
def test_the_spread_of_the_error_is_made_of_what_is_near_what_is_far_and_what_is_unseen(
    distance: float,
) -> None:
    """Three independent parts, none of them more than the rule allows together."""
    known = rule()
    published = [Point(2048.0, 8192.0, 8192.0, 64)]
    at = published[0]._replace(width=2048.0 * math.exp(distance / known.weights.width))
    core = pool("H100-SXM-80", stack="megatron-core")
    dense = reach(core, model("llama-3-70b"), at, published)
    routed = reach(core, model("deepseek-v3"), at, published)
    assert dense.distance == pytest.approx(distance)
    assert dense.spread == pytest.approx(math.hypot(known.near, known.slope * distance))
    parts = (known.near, known.slope * distance, known.unseen)
    assert routed.spread == pytest.approx(min(math.hypot(*parts), known.most))
    none = reach(core, model("llama-3-70b"), at, [])
    assert none.spread == pytest.approx(
        min(math.hypot(known.near, known.slope * known.limit), known.most)
    )
    assert none.distance == math.inf


def test_a_rate_that_is_taken_as_measured_lies_nowhere() -> None:
    measured = pool(throughput={"tokens_per_second_per_chip": 100})
    assert fleet(run(), [measured]).reaches == {}
    [only] = fleet(run(), [measured, pool()], names=["measured", "modelled"]).reaches
    assert only == "modelled"


def test_each_chip_and_stack_has_a_residual_and_those_alike_share_it() -> None:
    both = case({"a": H100, "b": H800, "c": H100, "d": MEASURED})
    names = [name for name in both.unknowns() if "residual" in name]
    assert sorted(names) == [
        "constants.residual.H100-SXM-80.megatron-core",
        "constants.residual.H800-SXM-80.megatron-core",
    ]


def test_errors_of_different_chips_do_not_cancel() -> None:
    both = case({"a": H100, "b": H800})
    pools = planned(both.run, both.fleet, both.mixing)
    ratios = []
    for k in range(60):
        drawn = both.resolve(0, k)
        rates = []
        for name, one in pools.items():
            kept = {"layout": one.layout, "residual": drawn.fleet[name].residual}
            alone = {name: one.model_copy(update=kept)}
            lone = Throughput(both.run, alone, both.mixing, constants=drawn.constants)
            rates.append(lone.full.tokens_per_s)
        ratios.append(math.log(rates[0] / rates[1]))
    mean = math.fsum(ratios) / len(ratios)
    sd = math.sqrt(math.fsum((r - mean) ** 2 for r in ratios) / (len(ratios) - 1))
    # Two independent residuals, but for the shared part, grown with the distance of the case.
    [where] = Throughput(both.run, {"a": pools["a"]}, both.mixing).reaches.values()
    expected = where.spread * math.sqrt(2 * (1 - rule().shared))
    assert sd == pytest.approx(expected, rel=3 / math.sqrt(2 * 60))


def test_a_measured_rate_and_a_plainly_given_error_have_no_residual() -> None:
    measured = case({"a": MEASURED})
    assert measured.resolve(0, 1).fleet["a"].residual is None
    rates = []
    for k in range(2):
        drawn = measured.resolve(0, k)
        lone = Throughput(drawn.run, drawn.fleet, drawn.mixing, constants=drawn.constants)
        rates.append(lone.full.tokens_per_s)
    assert rates == [pytest.approx(5000 * 64)] * 2
    known = case({"a": H100}, constants={"like": "step-time", "model_error": 1})
    assert not [name for name in known.unknowns() if "residual" in name]


def test_the_residual_multiplies_every_part_of_the_step_but_noise() -> None:
    plain = fleet(run("deepseek-v3", 15360), [deepseek()]).full
    slow = fleet(run("deepseek-v3", 15360), [deepseek(residual=1.1)]).full
    # That run is a published one: nothing has grown.
    for name, seconds in plain.parts.items():
        assert slow.parts[name] == pytest.approx(1.1 * seconds, rel=1e-6), name


def test_beside_other_chips_a_pool_lies_where_its_own_ranks_do() -> None:
    """The band that is printed is that of the error that is drawn, and measured is measured."""
    rate = {"tokens_per_second_per_chip": 150, "at_chips": 512}
    own = pool("H100-SXM-80", 512, throughput=rate)
    alike = [pool(chips=256), pool(chips=256)]
    alone = fleet(run(), [pool(chips=512, layout=GPT)])
    [where] = alone.reaches.values()
    some = [own, *(one.but(layout=Layout(**GPT)) for one in alike)]
    beside = fleet(run(), some, names=["own", "b", "c"]).reaches
    assert beside["own"].measure == "as measured"
    assert beside["own"].spread == 0
    assert beside["b"] == beside["c"] == where
