"""A rate measured at one size: right there, and scaled by the model to others, with an error."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from sim import catalogue
from sim.catalogue.evidence import MeasuredRun
from sim.errors import InputError
from sim.scenario import Case, load_case, load_scenario
from sim.throughput import Throughput, planned
from sim.throughput.domain import rule
from sim.validation.published import speed_error
from tests.throughput.cases import GPT, constants, deepseek, fleet, pool, run

GROUPS = {
    "megatron-lm-175b": (256, 512, 768, 1024),
    "megascale-175b": (256, 512, 768, 1024),
    "megatron-lm-530b": (2240, 4480, 11200),
    "megascale-530b": (2240, 4480, 11200),
}
"""Published runs of one model on one stack, by chips."""
EIGHT = {"tokens_per_second_per_chip": 900, "at_chips": 8, "layout": {"tensor": 8, "pipeline": 2}}


def measured(chips: int, at: int, rate: float = 100.0, **more: object) -> Throughput:
    rates = {"tokens_per_second_per_chip": rate, "at_chips": at, **more}
    return fleet(run(), [pool(chips=chips, throughput=rates)])


def per_chip(chips: int) -> float:
    return fleet(run(), [pool(chips=chips)]).full.tokens_per_s / chips


def test_it_is_as_measured_at_its_size_and_goes_on_as_the_model_does() -> None:
    assert measured(1536, 1536).full.tokens_per_s == pytest.approx(100 * 1536, rel=1e-9)
    ratio = per_chip(768) / per_chip(1536)
    assert measured(768, 1536).full.tokens_per_s == pytest.approx(768 * 100 * ratio, rel=1e-9)


def test_a_step_time_says_the_same_as_its_rate() -> None:
    sequence = run().model.sequence
    rates = {"step": 768 * sequence / (100 * 1536), "at_chips": 1536}
    stepped = fleet(run(), [pool(chips=768, throughput={**rates, "step": f"{rates['step']} s"})])
    assert stepped.full.tokens_per_s == pytest.approx(measured(768, 1536).full.tokens_per_s)


def test_another_batch_is_measured_with_its_own_bubble() -> None:
    """With more micro-batches a rank the bubble weighs less: the run's smaller batch is slower."""
    same = measured(1536, 1536).full.tokens_per_s
    assert measured(1536, 1536, at_sequences=3072).full.tokens_per_s < 0.95 * same


@pytest.mark.parametrize("error", [0.9, 1.1])
def test_the_error_of_the_model_grows_with_the_distance_from_the_measurement(error: float) -> None:
    wrong = constants().model_copy(update={"model_error": error})
    rates = {"tokens_per_second_per_chip": 100, "at_chips": 1024}
    paces = {}
    for chips in (512, 1024):
        plans = [
            fleet(run(), [pool(chips=chips, throughput=rates, layout=GPT)], constants=known).full
            for known in (constants(), wrong)
        ]
        paces[chips] = plans[0].tokens_per_s / plans[1].tokens_per_s
    assert paces[1024] == pytest.approx(1, rel=1e-12)
    half = fleet(run(), [pool(chips=512, throughput=rates, layout=GPT)])
    [where] = half.reaches.values()
    assert where.calibrated_at == 1024
    assert "number of chips 0.5 times that of the measured run" in where.measure
    assert where.spread == pytest.approx(rule().slope * where.distance)
    assert paces[512] == pytest.approx(error ** (where.spread / rule().near), rel=1e-9)


def published(name: str) -> tuple[MeasuredRun, Case]:
    item = catalogue.entry("runs", name).item
    assert isinstance(item, MeasuredRun)
    return item, load_case(item.case)


def test_calibrated_at_one_published_size_the_others_lie_within_the_band() -> None:
    apart = []
    bands = []
    for group, sizes in GROUPS.items():
        cases = {chips: published(f"{group}-{chips}") for chips in sizes}
        first = sizes[0]
        run, case = cases[first]
        [name] = case.fleet
        bare = Throughput(case.run, case.fleet, case.mixing).full.tokens_per_s / first
        rates = {
            "tokens_per_second_per_chip": bare / math.exp(speed_error(run, case)),
            "at_chips": first,
            "at_sequences": case.run.batch.sequences,
        }
        for chips in sizes[1:]:
            other, _ = cases[chips]
            known = load_case(other.case, {f"fleet.{name}.throughput": rates})
            apart.append(abs(speed_error(other, known)))
            fleet_ = Throughput(known.run, known.fleet, known.mixing)
            bands.append(fleet_.reaches[name].report()["band90"][1])
    # Ten sizes: of bands that are right 6 or fewer hold them once in a hundred times.
    inside = sum(a <= math.log(band) for a, band in zip(apart, bands, strict=True))
    assert len(apart) == 10
    assert inside >= stats.binom.ppf(0.01, 10, 0.9)
    assert max(apart) < 0.02


def test_run_and_step_time_say_the_same_and_a_pool_alike_shares_it() -> None:
    rates = {"tokens_per_second_per_chip": 100, "at_chips": 1536}
    pools = {"a": pool(chips=768, throughput=rates)}
    lone = Throughput(run(), pools, fleet(run(), [pool()]).mixing)
    again = Throughput(run(), planned(run(), pools, lone.mixing), lone.mixing)
    assert again.full.tokens_per_s == pytest.approx(lone.full.tokens_per_s, rel=1e-12)
    assert again.pools["a"].throughput == lone.pools["a"].throughput


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({"at_chips": 64}, "give either tokens_per_second_per_chip or step"),
        ({"step": "3 s", "tokens_per_second_per_chip": 9}, "give either tokens_per_second"),
        ({"step": "3 s"}, "step needs at_chips, the chips it was measured on"),
        ({"tokens_per_second_per_chip": 9, "at_sequences": 8}, "at_sequences needs at_chips"),
        ({"tokens_per_second_per_chip": 9, "at_chips": 12}, "not whole nodes of 8; nearest: 16"),
    ],
)
def test_what_is_missing_is_named(rates: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_scenario("deepseek-v3").override({"fleet.good.throughput": rates})


def test_too_few_chips_for_a_replica_are_named_with_the_key() -> None:
    with pytest.raises(InputError, match=r"throughput.at_chips 8: 8 chips of 80 GB cannot hold"):
        fleet(run("deepseek-v3", 15360), [deepseek(throughput=EIGHT)])
