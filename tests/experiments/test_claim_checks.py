"""Verdicts follow the rules, whatever is not known and however many runs there are."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from sim.errors import InputError
from sim.experiments.articles import Limit, Reading, Sentence, Simulated, article
from sim.experiments.claim_checks import (
    CONTRADICTED,
    FEWEST,
    INPUTS,
    MORE_RUNS,
    OUTSIDE,
    SUPPORTED,
    UNFINISHED,
    Rule,
    Runs,
    _bounds,
    judge,
    needed,
    verdict,
)
from sim.experiments.intervals import wilson
from sim.experiments.replicate import Replications
from sim.experiments.store import Outcome
from sim.experiments.sweep import study
from sim.publish.claim_pages import told

ALONE = Simulated(says="alone", scenario="deepseek-v3")
AT_MOST_61 = Limit(at_most=61, source="DSV3", status="reported")
N = 100


def sentence(limit: Limit | None = AT_MOST_61, **more: Any) -> Sentence:
    words: dict[str, Any] = {"says": "mixed", "needs": "So.", "caveat": "Hm."}
    if limit:
        words |= {"scenario": "two-thousand-plus", "metric": "wall_days", "limit": limit}
    reading = Reading.model_validate(words | more)
    return Sentence(sentence="„so“.", speaker="it", readings=(reading,))


def runs(
    days: Sequence[float], finished: Sequence[bool] | None = None, metric: str = "wall_days"
) -> Replications:
    done = finished or [True] * len(days)
    outcomes = [
        Outcome(
            k, f, {metric: float(d), "crossed": float(f)} if "cross" in metric else {metric: d}, ""
        )
        for k, (d, f) in enumerate(zip(days, done, strict=True))
    ]
    return Replications("stand-in", 1, outcomes, horizon=max(days))


def judged(one: Sentence, mixed: Replications, alone: Replications | None = None) -> dict[str, Any]:
    results: Runs = {one.readings[0].key: mixed, ALONE.key: alone or mixed}
    [row] = verdict(one, results)
    return row


@pytest.mark.parametrize(
    ("meeting", "of", "found"),
    [
        (60, 60, SUPPORTED),
        (59, 60, SUPPORTED),
        (58, 60, MORE_RUNS),
        (59, 59, MORE_RUNS),
        (30, 60, INPUTS),
        (2, 60, MORE_RUNS),
        (1, 60, CONTRADICTED),
        (0, 59, MORE_RUNS),
        (918, 1000, MORE_RUNS),
        (919, 1000, SUPPORTED),
        (850, 1000, INPUTS),
        (81, 1000, CONTRADICTED),
    ],
)
def test_the_probability_and_its_interval_make_the_verdict(
    meeting: int, of: int, found: str
) -> None:
    row = judged(sentence(), runs([60.0] * meeting + [62.0] * (of - meeting)))
    assert row["verdict"] == row["found"] == found
    assert row["share"] == meeting / of
    assert row["share_lo"] <= row["share"] <= row["share_hi"]


@pytest.mark.parametrize("n", [10, 60, 200, 1000])
def test_as_many_are_needed_as_wilsons_interval_says(n: int) -> None:
    enough = [k for k in range(n + 1) if wilson(k, n)["lo"] >= 0.9]
    assert needed(n) == min(enough, default=n + 1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_reading_that_flips_within_the_range_of_its_limit_is_undecided(sign: int) -> None:
    side = "at_most" if sign > 0 else "at_least"
    values = np.linspace(50.0, 60.0, N)
    for limit, ends, found in [
        (70, (65, 80), (SUPPORTED, CONTRADICTED)),
        (70, (40, 80), (INPUTS, INPUTS)),
        (45, (40, 48), (CONTRADICTED, SUPPORTED)),
        (45, (40, 55), (INPUTS, INPUTS)),
    ]:
        one = Limit.model_validate(
            {side: limit, "range": ends, "source": "it", "status": "assumption"}
        )
        row = judged(sentence(one), runs(list(values)))
        assert row["found"] == found[0 if sign > 0 else 1]
        assert (row["limit_from"], row["limit_to"]) == ends


@pytest.mark.parametrize("side", ["at_most", "at_least"])
def test_the_limits_at_which_it_flips_are_those_at_which_the_verdict_does(side: str) -> None:
    values = np.random.default_rng(3).normal(50, 5, 200)

    def at(limit: float) -> str:
        one = Limit.model_validate({side: limit, "source": "it", "status": "reported"})
        return Rule(one, values, values).verdict

    rule = Rule(
        Limit.model_validate({side: 50, "source": "it", "status": "reported"}), values, values
    )
    sign = 1 if side == "at_most" else -1
    assert at(rule.supported_at) == SUPPORTED
    assert at(rule.supported_at - sign * 1e-9) != SUPPORTED
    assert at(rule.contradicted_at - sign * 1e-9) == CONTRADICTED
    assert at(rule.contradicted_at) != CONTRADICTED


def test_a_run_that_had_not_ended_took_at_least_as_long() -> None:
    beyond = runs([50.0] * N, [False] * N)
    assert judged(sentence(), beyond)["verdict"] == UNFINISHED
    assert judged(sentence(), beyond)["median_most"] == np.inf
    short = Limit(at_most=40, source="it", status="reported")
    assert judged(sentence(short), beyond)["verdict"] == CONTRADICTED
    long = Limit(at_least=50, source="it", status="reported")
    assert judged(sentence(long), beyond)["verdict"] == SUPPORTED
    some = runs([50.0] * N, [False] * 2 + [True] * (N - 2))
    assert judged(sentence(), some)["verdict"] == SUPPORTED


def test_a_date_that_never_comes_lies_beyond_the_horizon() -> None:
    late = runs([1000.0] * N, [False] * N, "crossing_days")
    limit = Limit(at_least=900, source="it", status="reported")
    more = {"metric": "crossing_days", "scenario": "offload"}
    assert judged(sentence(limit, **more), late)["verdict"] == SUPPORTED
    limit = Limit(at_least=1100, source="it", status="reported")
    assert judged(sentence(limit, **more), late)["verdict"] == UNFINISHED


def test_against_another_scenario_it_is_a_ratio_pair_by_pair() -> None:
    limit = Limit(at_most=0.9, source="ASSUMED", status="assumption")
    one = sentence(limit, against=ALONE)
    days = np.linspace(40, 80, N)
    row = judged(one, runs(list(0.8 * days)), runs(list(days)))
    assert row["verdict"] == SUPPORTED
    assert (row["p5"], row["p95"]) == (pytest.approx(0.8), pytest.approx(0.8))
    assert (row["unit"], row["against"]) == ("times", "alone")
    assert judged(one, runs(list(0.8 * days)), runs(list(days[::-1])))["verdict"] == INPUTS


def test_a_ratio_to_a_run_that_had_not_ended_is_known_from_above() -> None:
    limit = Limit(at_most=0.9, source="ASSUMED", status="assumption")
    one = sentence(limit, against=ALONE)
    row = judged(one, runs([40.0] * N), runs([50.0] * N, [False] * N))
    assert (row["median"], row["median_most"], row["verdict"]) == (0.0, 0.8, SUPPORTED)


def test_a_known_number_is_added() -> None:
    plus = {"value": 11.5, "source": "it", "status": "reported"}
    assert judged(sentence(plus=plus), runs([50.0] * N))["median"] == 61.5


def test_joint_readings_decide_only_together() -> None:
    held, failed = (
        sentence().readings[0],
        sentence().readings[0].model_copy(update={"scenario": "two-thousand-plus-h20"}),
    )
    results = {held.key: runs([50.0] * N), failed.key: runs([70.0] * N)}
    for joint, found in [(False, SUPPORTED), (True, INPUTS)]:
        one = Sentence(sentence="so.", speaker="it", readings=(held, failed), joint=joint)
        assert [row["verdict"] for row in verdict(one, results)] == [found, found]
    one = Sentence(sentence="so.", speaker="it", readings=(held, held), joint=True)
    assert verdict(one, results)[0]["verdict"] == SUPPORTED


def test_what_cannot_be_tested_lies_outside_the_model() -> None:
    row = judged(sentence(None), runs([50.0]))
    assert row["verdict"] == OUTSIDE
    assert "median" not in row


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_input_that_moves_it_most_is_the_one_it_was_made_of(sign: float) -> None:
    scenario = sentence().readings[0].changed_scenario
    name = "checkpoint.interval"
    days = [50.0 + sign * scenario.draws(1, k)[name] / 600 for k in range(60)]
    row = judged(sentence(), runs(days))
    assert (row["input"], row["correlation"]) == (name, pytest.approx(sign))


def test_where_no_input_stands_out_it_is_chance() -> None:
    row = judged(sentence(), runs([50.0] * 60))
    assert (row["input"], row["correlation"]) == ("", 0.0)


def test_a_reading_on_other_chips_is_no_reconstruction() -> None:
    patience = {"horizon": "1 yr", "fleet.good.cold_spares": 9}
    assert ALONE.status == "reconstruction"
    assert ALONE.model_copy(update={"set": patience}).status == "reconstruction"
    assert ALONE.model_copy(update={"set": {"fleet.good.chips": 4096}}).status == "counterfactual"


def test_a_ratio_to_what_never_was_is_counterfactual() -> None:
    limit = Limit(at_most=0.9, source="ASSUMED", status="assumption")
    other = {"says": "H100", "scenario": "deepseek-v3", "set": {"fleet.good.chip": "H100-SXM-80"}}
    for against, status in ((ALONE, "reconstruction"), (other, "counterfactual")):
        one = sentence(limit, scenario="deepseek-v3", against=against)
        assert one.readings[0].status == status


def test_every_reading_of_the_article_can_be_run() -> None:
    text = article()
    scenarios = text.scenarios(text.sentences)
    assert len(scenarios) > 10
    for scenario in scenarios.values():
        mixed = len({pool.chip.name for pool in scenario.fleet.values()}) > 1
        assert not mixed or scenario.status == "counterfactual"


def test_a_row_is_judged_alone_as_among_all() -> None:
    alone = judge(2, rows=[7])
    assert list(alone["row"]) == [7] * len(alone)
    assert alone.loc[0, "claim"] == "official-numbers"
    assert (alone["found"] != SUPPORTED).all(), "two runs decide nothing"


def test_a_row_that_is_named_twice_is_told_once() -> None:
    assert judge(2, rows=[7, 7]).equals(judge(2, rows=[7]))


def test_a_row_that_cannot_be_tested_is_told_alone_as_among_all() -> None:
    alone = judge(2, rows=[4])
    assert told(alone).startswith("4. outside the model: ")
    assert list(alone["bound"]) == [""] * len(alone)


def test_a_metric_that_is_not_known_is_no_verdict(tmp_path: Path) -> None:
    text = tmp_path / "text.yaml"
    reading = (
        "{says: a, needs: b, scenario: embargoed-stock, metric: mfu, limit: LIMIT, against: B}"
    )
    reading = reading.replace("LIMIT", "{at_most: 0.6, source: s, status: assumption}")
    reading = reading.replace("B}", "{says: c, scenario: embargoed-stock}}")
    sentence = f"{{sentence: S., speaker: me, readings: [{reading}]}}"
    text.write_text(f"title: x\nsource: y\nsentences: {{a: {sentence}}}\n")
    with pytest.raises(InputError, match="embargoed-stock: mfu is not known"):
        judge(1, of=article(text), progress=False)


SEEDS = range(1, 6)
MANY = 1000
SOME = 200
NEVER = 1e-3
"""Probability of a sample below which what it was drawn from is another."""


def first(runs: Runs, n: int) -> Runs:
    """The first of many runs, which are the same as few runs alone."""
    return {
        key: Replications(one.scenario, one.seed, one.outcomes[:n], horizon=one.horizon)
        for key, one in runs.items()
    }


def judged_with(runs: Runs) -> dict[tuple[str, int], str]:
    """What is found for each reading of the article, by its sentence and number."""
    return {
        (name, k): row["found"]
        for name, one in article().sentences.items()
        for k, row in enumerate(verdict(one, runs))
    }


def rule_of(reading: Reading, runs: Runs) -> Rule:
    assert reading.limit
    return Rule(reading.limit, *_bounds(reading, runs))


def counts(reading: Reading, runs: Runs) -> list[int]:
    """Runs that meet each of the limits that somebody could draw, the strictest first."""
    assert reading.limit
    rule = rule_of(reading, runs)
    limits = sorted(rule.sign * limit for limit in (reading.limit.value, *reading.limit.ends))
    return [int((rule.most <= limit).sum()) for limit in limits]


@cache
def may_want_runs(met: int) -> bool:
    """Whether so many of `SOME` runs could be a sample of `MANY` that still want more runs."""
    limit = Limit(at_most=0.5, source="it", status="reported")
    for among in range(MANY + 1):
        values = np.repeat([0.0, 1.0], [among, MANY - among])
        if Rule(limit, values, values).verdict == MORE_RUNS:
            sample = hypergeom(MANY, among, SOME)
            if min(sample.cdf(met), sample.sf(met - 1)) > NEVER:
                return True
    return False


@pytest.fixture(scope="module")
def readings() -> dict[tuple[str, int], Reading]:
    return {
        (name, k): reading
        for name, one in article().sentences.items()
        for k, reading in enumerate(one.readings)
        if reading.limit
    }


@pytest.fixture(scope="module")
def by_seed() -> dict[int, Runs]:
    text = article()
    scenarios = text.scenarios(text.sentences)
    return {seed: study("reading", scenarios, SOME, seed, jobs=2) for seed in SEEDS}


@pytest.mark.prove
def test_no_reading_is_supported_with_some_runs_and_contradicted_with_others(
    by_seed: dict[int, Runs], readings: dict[tuple[str, int], Reading]
) -> None:
    seen: dict[tuple[str, int], set[str]] = {}
    lost = MANY - needed(MANY)
    for runs in by_seed.values():
        for n in (4, FEWEST, SOME):
            for key, found in judged_with(first(runs, n)).items():
                seen.setdefault(key, set()).add(found)
                assert n >= FEWEST or found in (MORE_RUNS, OUTSIDE), "too few for a verdict"
        # Up to so many of a thousand runs may fail for support, so these ones tell what is ruled out.
        for key, reading in readings.items():
            met = counts(reading, runs)
            if SOME - met[0] <= lost:
                seen[key].add(SUPPORTED)
            if met[-1] <= lost:
                seen[key].add(CONTRADICTED)
    assert not [key for key, verdicts in seen.items() if {SUPPORTED, CONTRADICTED} <= verdicts]


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_thousand_runs_at_most_two_readings_want_more(
    seed: int, by_seed: dict[int, Runs], readings: dict[tuple[str, int], Reading]
) -> None:
    # It wants runs if all of its limits do; where they differ, it is the limit that decides.
    open_ = {
        key: reading
        for key, reading in readings.items()
        if all(map(may_want_runs, counts(reading, by_seed[seed])))
    }
    if len(open_) <= 2:
        return
    scenarios = {
        part.key: part.changed_scenario for one in open_.values() for part in one.simulated
    }
    runs = study("reading", scenarios, MANY, seed, jobs=2)
    found = [rule_of(one, runs).verdict for one in open_.values()]
    assert found.count(MORE_RUNS) <= 2
