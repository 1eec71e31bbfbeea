from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.errors import InputError
from sim.experiments.advice import Advice
from sim.experiments.advise import FIRST, advise, choices
from sim.results.ledger import Floats
from sim.scenario import Scenario, load_scenario
from tests.engine.bare import bare_scenario
from tests.experiments.stand_in import Run, stand_in, sure

Draw = Callable[[np.random.Generator], Floats]
PLAIN = sure(horizon="300 d")
MOST = 20_000
TRIALS = 60
INTERVALS = {"checkpoint.interval": ["1 h", "2 h", "3 h", "4 h"]}


def days(scenario: Any, luck: Any) -> float:
    """Two hours are best, by little; the luck is the same for all."""
    hours = scenario.checkpoint.interval / 3600
    return 20 + 0.5 * (hours - 2) ** 2 + luck.normal(0, 2)


def advised(draw: Draw, options: int, seed: int, **goal: Any) -> Advice:
    """Advice on options of which only the draws of their days are known: a column each."""

    @lru_cache(maxsize=1)
    def days(of: int) -> Floats:
        return draw(np.random.default_rng(of))

    def simulator(scenario: Scenario, seed: int, k: int, *, fixed_inputs: bool = False) -> Any:
        option = round(scenario.checkpoint.interval / 3600) - 1
        return Run(float(days(seed)[k, option]), scenario.horizon, "")

    values = {"checkpoint.interval": [f"{k + 1} h" for k in range(options)]}
    return advise(PLAIN, values, seed=seed, most=MOST, simulator=simulator, **goal)


def picked(advice: Advice) -> int:
    return int(advice.pick.at["checkpoint.interval"].split()[0]) - 1


def normal(means: Sequence[float], noise: float) -> Draw:
    """Days with luck of their own and luck that all share."""
    size = (MOST, len(means))
    return lambda rng: means + rng.normal(0, 1, (MOST, 1)) + rng.normal(0, noise, size)


def rare(share: float, more: float) -> Draw:
    """Two options that differ in rare runs only, in which the first takes longer."""

    def draw(rng: np.random.Generator) -> Floats:
        days = rng.normal(20, 1, MOST)
        return np.stack([days + more * (rng.random(MOST) < share), days], axis=1)

    return draw


SEVEN = (100.0, 100.5, 101.2, 101.2, 101.3, 103.0, 110.0)
BY = {"goal": "finish", "by": PLAIN.start + dt.timedelta(days=30)}


@pytest.mark.parametrize(
    ("draw", "goal", "good"),
    [
        # Options less than δ, which is a hundredth, behind may be picked.
        (normal(SEVEN, 1.5), {}, range(2)),
        (normal((100.0, 101.2), 8.0), {}, range(1)),
        (rare(0.1, 10), {}, [1]),
        (rare(0.03, 30), {}, [1]),
        (rare(0.05, 20), BY, [1]),
        (rare(0.02, 20), BY, [1]),
    ],
)
def test_the_pick_is_within_delta_of_the_best_as_often_as_is_said(
    draw: Draw, goal: dict[str, Any], good: Sequence[int]
) -> None:
    options = draw(np.random.default_rng(0)).shape[1]
    advices = [advised(draw, options, seed, **goal) for seed in range(TRIALS)]
    assert all(advice.settled for advice in advices)
    right = sum(picked(advice) in good for advice in advices)
    # If the promise holds, fewer are right in less than one of a thousand such tests.
    assert right >= stats.binom.ppf(1e-3, TRIALS, 0.95)


def test_twin_the_first_look_alone_is_wrong_too_often() -> None:
    """The twin: the least mean of the first replications."""
    for draw in (normal((100.0, 101.2), 8.0), rare(0.03, 30)):
        means = [draw(np.random.default_rng(seed))[:FIRST].mean(axis=0) for seed in range(TRIALS)]
        best = int(np.argmin(draw(np.random.default_rng(0)).mean(axis=0)))
        right = sum(int(np.argmin(mean)) == best for mean in means)
        assert right < stats.binom.ppf(1e-3, TRIALS, 0.95)


def test_hopeless_options_are_given_up_early_and_those_alike_are_named() -> None:
    found = advise(bare_scenario(horizon="60 d"), INTERVALS, simulator=stand_in(days))
    assert found.pick.at == {"checkpoint.interval": "2 h"}
    assert found.settled
    by_hours = {option.at["checkpoint.interval"]: option for option in found.options}
    assert by_hours["4 h"].replications == FIRST
    assert by_hours["2 h"].best == 1
    assert not by_hours["4 h"].alike
    assert by_hours["1 h"].command.endswith("--set 'checkpoint.interval=1 h'")
    assert found.report()["options"][0]["at"] == found.pick.at
    assert "cannot be told from it: none" in str(found)


def test_a_single_option_is_the_pick() -> None:
    values = {"checkpoint.interval": ["2 h"]}
    found = advise(bare_scenario(horizon="60 d"), values, simulator=stand_in(days))
    assert found.settled
    assert found.pick.replications == FIRST
    assert found.edges == []


def test_a_pick_at_the_edge_says_so() -> None:
    values = {"checkpoint.interval": ["2 h", "3 h", "4 h"]}
    found = advise(bare_scenario(horizon="60 d"), values, simulator=stand_in(days))
    assert "the best may lie beyond: checkpoint.interval = 2 h" in str(found)


def test_a_date_is_met_as_surely_as_possible() -> None:
    scenario = bare_scenario(horizon="60 d")
    by = scenario.start + dt.timedelta(days=21)
    found = advise(scenario, INTERVALS, goal="finish", by=by, simulator=stand_in(days), most=400)
    values = [option.value for option in found.options]
    assert values == sorted(values, reverse=True)
    assert found.pick.value == pytest.approx(0.69, abs=0.1)
    if not found.settled:
        assert "not settled" in str(found)


def test_what_is_missing_or_unknown_is_named() -> None:
    scenario = bare_scenario(horizon="60 d")
    with pytest.raises(InputError, match="give the date"):
        advise(scenario, INTERVALS, goal="finish")
    with pytest.raises(InputError, match="is not between the start"):
        advise(scenario, INTERVALS, goal="finish", by=dt.date(2050, 1, 1))
    with pytest.raises(InputError, match="the cost of a pool is not known"):
        advise(scenario, INTERVALS, goal="cost", simulator=stand_in(days))
    with pytest.raises(InputError, match=r"checkpoint\.intervl"):
        advise(scenario, {"checkpoint.intervl": ["1 h"]})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"goal": "dyas"}, 'did you mean "days"'),
        ({"goal": "finish", "by": "2025-01-01"}, "by: expected a datetime.date"),
        ({"by": dt.date(2025, 1, 1)}, "goes with the goal finish"),
        ({"within": 0}, "within: expected a number above 0"),
        ({"most": 5}, "most: expected a whole number of at least 20"),
        ({"choose": {"checkpoint.interval": "10 min"}}, "checkpoint.interval: expected a list"),
        ({"choose": {"checkpoint.interval": []}}, "checkpoint.interval: expected a list"),
        ({"scenario": "deepseek-v3"}, "expected a Scenario"),
    ],
)
def test_what_python_gives_is_checked_as_on_the_command_line(given: Any, told: str) -> None:
    """All of these were tracebacks, or answers to something else."""
    with pytest.raises(InputError, match=told):
        advise(**{"scenario": bare_scenario(horizon="60 d"), "choose": INTERVALS} | given)


def test_what_has_not_been_seen_leaves_room_for_the_better() -> None:
    """Options without a difference so far were said to be better by -0 days, and not settled."""
    scenario = bare_scenario(horizon="60 d")
    found = advise(
        scenario, {"checkpoint.interval": ["1 h", "60 min"]}, most=20, simulator=stand_in(days)
    )
    assert not found.settled
    assert found.bound > found.within
    twice = advise(
        scenario, {"checkpoint.interval": ["1 h", "1 h"]}, most=20, simulator=stand_in(days)
    )
    assert len(twice.options) == 1
    assert repr(twice) == "<Advice: pick: checkpoint.interval = 1 h …>"


def test_sixty_options_unless_others_are_asked_for() -> None:
    values = choices(load_scenario("deepseek-v3"))
    assert np.prod([len(options) for options in values.values()]) >= 60


@pytest.mark.prove
def test_the_pick_is_within_delta_of_that_of_an_exhaustive_run() -> None:
    from sim.experiments.sweep import sweep

    scenario = load_scenario("deepseek-v3")
    found = advise(scenario, jobs=2, progress=False)
    grid = choices(scenario)
    everything = sweep(scenario, grid, n=10 * FIRST, jobs=2, progress=False)
    mean = {str(at): runs.frame["wall_days"].mean() for at, runs in everything.points}
    assert mean[str(found.pick.at)] <= min(mean.values()) + found.within


def test_the_line_that_runs_an_option_says_all_that_was_set_once() -> None:
    scenario = bare_scenario(horizon="60 d").override({"checkpoint.interval": "5 h"})
    policy = scenario.override({"fabric.congestion": None, "recovery.policy": "wait"})
    found = advise(policy, INTERVALS, called="mine.yaml", simulator=stand_in(days))
    assert found.pick.command == (
        "sim run mine.yaml --set 'checkpoint.interval=2 h' --set fabric.congestion=null "
        "--set recovery.policy=wait"
    )
