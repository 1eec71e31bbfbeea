"""Closed forms of a training step: its pipeline, its split over chips, its noise, its network."""

from __future__ import annotations

import math

import numpy as np

from sim.engine import simulate
from sim.results.ledger import DAY
from sim.scenario import load_scenario
from sim.throughput.batch_split import Pace, real_split, uniform_split, whole_split
from sim.throughput.pipeline import Pipeline, Stage
from sim.validation.bare_scenario import bare_scenario, endless, exponential, pool, runs
from sim.validation.formulas import any_bad, exact_1f1b, expected_maximum
from sim.validation.report import Rows, by_z, within

SEED = 2024


def whole_run(_: float) -> Rows:
    """A run without failures takes its steps times the step time."""
    quiet = {
        # Of a run with phases each has steps of its own: tests/engine/test_phases.py adds them up.
        "run.phases": [],
        "fleet.good.failures": {"causes": []},
        "fabric.congestion": None,
        "checkpoint": {"interval": "30 min"},
    }
    result = simulate(load_scenario("deepseek-v3").override(quiet), SEED)
    steps = result.scenario.run.tokens / result.plan.tokens_per_step
    exact = steps * result.plan.step_seconds / DAY
    yield within(
        "O1",
        "days of a run without failures: steps × step time",
        result.wall / DAY,
        exact,
        "one step more",
        exact * (1 + 1 / steps),
    )


def equal_stages(_: float) -> Rows:
    """The law of a 1F1B step is exact for stages that are equal."""
    forward, backward, stages, m = 1.0, 2.3, 8, 24
    both = forward + backward
    beat, ramp = Pipeline((Stage("pool", stages, both, both),), 1.0).beat_and_ramp()
    yield within(
        "O2",
        "seconds of a 1F1B step, equal stages",
        m * beat + ramp,
        exact_1f1b([forward] * stages, [backward] * stages, m),
        "no bubble",
        m * both,
        tolerance=1e-12,
    )


def pipelines(effort: float) -> Rows:
    """The law of a 1F1B step is a bound for stages that are not."""
    yield from equal_stages(effort)
    rng = np.random.default_rng(SEED)
    beyond = []
    for _ in range(round(2000 * effort) + 200):
        forward = rng.uniform(0.2, 2, rng.integers(2, 9))
        m = int(rng.integers(2, 30))
        backward = rng.uniform(0.2, 4, len(forward))
        alike = exact_1f1b(forward.tolist(), (2 * forward).tolist(), m) - 1e-9
        other = exact_1f1b(forward.tolist(), backward.tolist(), m) - 1e-9
        filling = (forward + backward).sum()
        sum_of_most = forward.max() + backward.max()
        most_of_sum = (forward + backward).max()
        beyond.append(
            (
                alike > 3 * (forward.sum() + (m - 1) * forward.max()),
                other > filling + (m - 1) * sum_of_most,
                other > filling + (m - 1) * most_of_sum,
            )
        )
    equal, loose, tight = np.mean(beyond, axis=0)
    yield within("O2", "share of 1F1B steps beyond Σ + (m − 1)·max, equal ratios", equal, 0.0)
    yield within(
        "O2",
        "share beyond Σ + (m − 1)(max F + max B), any stages",
        loose,
        0.0,
        "the bound of equal ratios",
        tight,
    )


def slowest_node(_: float) -> Rows:
    """The noise of a step is that of the slowest of its nodes."""

    def wall(nodes: int, noise: float) -> float:
        scenario = bare_scenario(fleet=pool(nodes=nodes), fabric={"step_noise": noise})
        return simulate(scenario, SEED).wall

    # Known by hand for two and three nodes; for many by quadrature.
    exact = {
        2: 1 / math.sqrt(math.pi),
        3: 1.5 / math.sqrt(math.pi),
        512: expected_maximum(512),
    }
    for nodes, largest in exact.items():
        yield within(
            "O13",
            f"what the slowest of {nodes} nodes adds to a step, in standard deviations",
            (wall(nodes, 0.02) / wall(nodes, 0.0) - 1) / 0.02,
            largest,
            "one node more",
            expected_maximum(nodes + 1),
            tolerance=1e-6,
        )


def congestion(effort: float) -> Rows:
    """Time lost to a network that is slow as long as any of its pods is."""
    share, slowdown, hours, days = 0.2, 6.0, 1.0, 60
    layout = {"tensor": 8, "pipeline": 16}
    for words, pods, n in (("1 pod", 1, 1300), ("3 pods", 3, 500)):
        slow = {"share": share, "slowdown": slowdown, "bad": exponential(hours, "h")}
        scenario = endless(
            days,
            run={"model": "llama-3-405b", "batch": {"sequences": 2048}},
            fleet=pool(
                nodes=256, chip="H100-SXM-80", stack="llama-3", throughput=None, layout=layout
            ),
            fabric={"congestion": slow, "pods": pods},
        )
        plan = simulate(scenario, SEED, fixed_inputs=True).plan
        slower = plan.step_seconds_at(slowdown) / plan.step_seconds
        # A step that hides all of its communication would hide a mistake as well.
        assert slower > 1.1
        bad = any_bad(share, hours, 24.0 * days, pods)
        yield by_z(
            "O14",
            f"share of time lost to congestion, {words}",
            [r.time["stall"] / r.wall for r in runs(scenario, n * effort)],
            bad * (1 - 1 / slower),
            "all of the step slows",
            bad * (1 - 1 / slowdown),
        )


def splits(effort: float) -> Rows:
    """Whole micro-batches are a beat behind the ideal split at most."""
    rng = np.random.default_rng(SEED)
    beyond = []
    for _ in range(round(2000 * effort) + 200):
        kinds = []
        for _ in range(3):
            ranks = int(rng.integers(1, 9))
            kinds.append(Pace(ranks, float(rng.uniform(0.5, 3)), float(rng.uniform(0, 4))))
        m = int(rng.integers(20, 300))
        least = real_split(kinds, m) - 1e-9
        most = least + max(kind.beat for kind in kinds) + 2e-9
        found = []
        for split in (whole_split, uniform_split):
            pairs = zip(kinds, split(kinds, m), strict=True)
            seconds = max(kind.seconds(count) for kind, count in pairs)
            found.append(not least <= seconds <= most)
        beyond.append(found)
    ours, twin = np.mean(beyond, axis=0)
    yield within(
        "O17",
        "share of splits over a beat behind max (m + β)τ of the ideal one",
        ours,
        0.0,
        "equal shares for all",
        twin,
    )
