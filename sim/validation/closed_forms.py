"""What can be worked out exactly, beside what the simulation says: a table in which every row can
fail.

Each check simulates a scenario of ours at a point where every term of the formula counts, and holds
it against the formula and against a twin: the formula of a model with one thing wrong, which the
same numbers must reject.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import binom

from sim.engine import simulate
from sim.engine.checkpoints import daly_interval
from sim.engine.risks import node_rate
from sim.results.ledger import DAY, HOUR
from sim.scenario import load_scenario
from sim.throughput.batch_split import Pace, real_split, uniform_split, whole_split
from sim.throughput.pipeline import Pipeline, Stage
from sim.validation import closed_forms_of_stocks, formulas
from sim.validation.bare_scenario import (
    CHIPS,
    NODES,
    PLAIN,
    RATE,
    endless,
    exponential,
    failing,
    first,
    pool,
    question,
    runs,
    shares,
    supplied,
    weibull,
)
from sim.validation.formulas import exact_1f1b
from sim.validation.report import ClosedForm, by_z, within

SEED = 2024
Rows = Iterator[ClosedForm]


def o1(effort: float) -> Rows:
    quiet = {
        "fleet.good.failures": {"causes": []},
        "fabric.congestion": None,
        "checkpoint": {"interval": "30 min"},
    }
    result = simulate(load_scenario("deepseek-v3").override(quiet), SEED)
    steps = result.scenario.run.tokens / result.plan.tokens_per_step
    exact = steps * result.plan.step_seconds / DAY
    title = "days of a run without failures: steps × step time"
    yield within(
        "O1", title, result.wall / DAY, exact, 1e-9, "one step more", exact * (1 + 1 / steps)
    )


def o2(effort: float) -> Rows:
    f, b, stages, m = 1.0, 2.3, 8, 24
    pipeline = Pipeline((Stage("pool", stages, f + b, f + b),), 1.0)
    beat, ramp = pipeline.beat_and_ramp()
    ours, recursion = m * beat + ramp, exact_1f1b([f] * stages, [b] * stages, m)
    yield within(
        "O2",
        "seconds of a 1F1B step, equal stages",
        ours,
        recursion,
        1e-12,
        "no bubble",
        m * (f + b),
    )
    rng, beyond, tries = np.random.default_rng(SEED), np.zeros(3), round(2000 * effort) + 200
    for _ in range(tries):
        forward, m = rng.uniform(0.2, 2, rng.integers(2, 9)), int(rng.integers(2, 30))
        double, other = 2 * forward, rng.uniform(0.2, 4, len(forward))
        alike, any_ = (exact_1f1b(forward.tolist(), back.tolist(), m) for back in (double, other))
        bound, filling = 3 * (forward.sum() + (m - 1) * forward.max()), (forward + other).sum()
        loose, tight = (
            filling + (m - 1) * (forward.max() + other.max()),
            filling + (m - 1) * (forward + other).max(),
        )
        beyond += np.array([alike, any_, any_]) > np.array([bound, loose, tight]) + 1e-9
    share, wrong = beyond / tries, "the bound of equal ratios"
    yield within("O2", "share of 1F1B steps beyond Σ + (m − 1)·max, equal ratios", share[0], 0.0)
    yield within(
        "O2",
        "share beyond Σ + (m − 1)(max F + max B), any stages",
        share[1],
        0.0,
        1e-9,
        wrong,
        share[2],
    )


def o3(effort: float) -> Rows:
    grid = {(0.02, 0.5, 0.1): 4200, (0.02, 0.3, 0.5): 4900, (0.2, 0.1, 0.1): 1100, (0.2, 0.1, 0.5): 1900,
            (0.2, 0.5, 0.1): 2200, (0.2, 0.5, 0.5): 2800}  # fmt: skip
    for k, ((delta, R, D), n) in enumerate(grid.items()):
        M, tau, segments = (HOUR, DAY)[k % 2], daly_interval(delta, 1.0), 100
        q = question(
            horizon="1e6 d",
            run={"tokens": segments * tau * M * CHIPS * RATE},
            fleet=failing(
                NODES, hardware=False, lifetime=exponential(M * NODES, "s"), detect=f"{D * M} s"
            ),
            checkpoint={"interval": f"{tau * M} s", "blocking": f"{delta * M} s", "final": True},
            recovery={"restart": f"{R * M} s"},
        )
        values = [r.wall / M for r in runs(q, n * effort)]
        exact = formulas.daly(1.0, tau, delta, R, D, segments)
        calm, where = (1 + D) * math.exp(R) * math.expm1(tau) + delta, "checkpoints"
        if R >= 0.2:
            calm, where = (1 + D + R) * math.expm1(tau + delta), "restarts"
        title = f"makespan / M: M = {M / HOUR:g} h, δ = {delta:g} M, R = {R:g} M, D = {D:g} M"
        yield by_z("O3", title, values, exact, f"nothing fails during {where}", segments * calm)


def o4(effort: float) -> Rows:
    def cost(delta: float, tau: float) -> float:
        return formulas.daly(1.0, tau, delta, 0.1, 0.1, 1) / tau

    for delta in (0.002, 0.02, 0.2, 1.0):
        best = min(cost(delta, float(tau)) for tau in np.geomspace(0.01, 10, 5000))
        tau = daly_interval(delta, 1.0)
        title = f"hours for an hour's work, checkpoints as `optimal` has it, δ = {delta:g} M"
        yield within(
            "O4",
            title,
            cost(delta, tau),
            best,
            0.01,
            "three times as far apart",
            cost(delta, 3 * tau),
        )


def o5(effort: float) -> Rows:
    M = theta = 2 * HOUR
    q = question(
        horizon="1e6 d",
        run={"tokens": 300 * M * CHIPS * RATE},
        fleet=failing(NODES, hardware=False, lifetime=exponential(M * NODES, "s")),
        checkpoint={"interval": f"{theta} s"},
    )
    lost = [
        event.amount / HOUR for r in runs(q, 400 * effort) for event in r.trace.events("rework")
    ]
    exact = formulas.lost_in_period(M, theta) / HOUR
    yield by_z(
        "O5",
        "hours lost at a failure, checkpoints every M",
        lost,
        exact,
        "half a period",
        theta / 2 / HOUR,
    )


def o6(effort: float) -> Rows:
    q = endless(
        400,
        fleet=failing(
            16, lifetime=weibull(2, 10), repair={"lognormal": {"median": "3 d", "sigma": 1}}
        ),
    )
    values = [float(np.sum(shares(r, 16, 100) * np.arange(17))) / 16 for r in runs(q, 200 * effort)]
    title = "availability of a unit, Weibull lives, log-normal repairs"
    exact, median = 10 / (10 + 3 * math.exp(0.5)), 10 / (10 + 3)
    yield by_z("O6", title, values, exact, "the median in place of the mean repair", median)


def o7(effort: float) -> Rows:
    """States that are rare cost the most: 0.2 % of the time with 4 of 4 units down would take
    minutes.
    """
    for nodes, crew, mended, n in (
        (4, 2, exponential(2), 980),
        (3, None, {"triangular": ["0 d", "1 d", "5 d"]}, 980),
    ):
        recovery = {"crew": crew} if crew else {}
        q = endless(
            300, fleet=failing(nodes, lifetime=exponential(2.5), repair=mended), recovery=recovery
        )
        found = np.array([shares(r, nodes, 20)[::-1] for r in runs(q, n * effort)])
        exact = formulas.repairman(nodes, 1 / 2.5, 1 / 2, crew or nodes)
        twin = formulas.repairman(nodes, 1 / 2.5, 1 / 2, 3 if crew else 1)
        assert min(exact) >= 0.01
        men = f"{crew} repairers" if crew else "any number of repairers, any repair times"
        for down in range(nodes + 1):
            title = f"share of time with {down} of {nodes} units down, {men}"
            wrong = "3 repairers" if crew else "one repairer"
            yield by_z("O7", title, found[:, down].tolist(), exact[down], wrong, twin[down])


def o8_o9(effort: float) -> Rows:
    for id, nodes, cold, hot, days, n in (
        ("O8", 16, 192, 0, 2000, 1380),
        ("O9", 64, 0, 64, 160, 4500),
    ):
        q = endless(days, fleet=failing(nodes, cold, hot, lifetime=exponential(100), permanent=1))
        times = [first(r, "state", "wait") for r in runs(q, n * effort)]
        erlang, hypo = (
            (cold + hot + 1) / nodes * 100,
            formulas.harmonic(nodes, nodes + cold + hot) * 100,
        )
        title = (
            f"days until a node cannot be replaced: {nodes} nodes, {cold} cold and {hot} hot spares"
        )
        exact, twin, wrong = (
            (erlang, hypo, "spares age") if cold else (hypo, erlang, "spares do not age")
        )
        yield by_z(id, title, times, exact, wrong, twin)


def o10(effort: float) -> Rows:
    nodes, rate, days = 1000, 0.01, 110.0
    q = endless(days, fleet=failing(nodes, lifetime=exponential(1 / rate), permanent=1))
    results = [
        (r.counts["pool", "active"] / 8, first(r, "failure", number=600))
        for r in runs(q, 560 * effort)
    ]
    left, times = zip(*results, strict=True)
    exact = nodes * math.exp(-rate * days)
    yield by_z(
        "O10",
        "survivors of 1,000 nodes",
        left,
        exact,
        "a rate 10 % higher",
        exact * math.exp(-0.11),
    )
    exact, steady = formulas.harmonic(401, nodes) / rate, 600 / nodes / rate
    yield by_z(
        "O10", "days until 400 of them are left", times, exact, "the dead still fail", steady
    )


def o11(effort: float) -> Rows:
    nodes, rate, days = 64, 0.01, 100.0
    fleet = failing(nodes, lifetime=exponential(1 / rate), permanent=1)
    recovery = {"policy": "drop-replica", "keep_batch": False}
    q = endless(days, fleet=fleet, checkpoint={"interval": "1 s"}, recovery=recovery)
    values = [r.tokens / (8 * RATE * DAY) for r in runs(q, 1300 * effort)]
    exact, straight = nodes * -math.expm1(-rate * days) / rate, nodes * (days - rate * days**2 / 2)
    yield by_z(
        "O11",
        "node-days of work by 64 nodes nobody replaces",
        values,
        exact,
        "a straight-line loss",
        straight,
    )


def o12(effort: float) -> Rows:
    kinds = {"pool": (12, 10.0, "A100-SXM-80"), "other": (30, 60.0, "H800-SXM-80")}
    rate = math.fsum(nodes / life for nodes, life, _ in kinds.values())

    def fleet(times: int = 1, **keys: Any) -> dict[str, Any]:
        plain, made = PLAIN["fleet"]["pool"], {}
        for name, (nodes, days, chip) in kinds.items():
            own = failing(nodes * times, lifetime=exponential(days), cause=name, **keys)["pool"]
            made[name] = plain | own | {"chip": chip}
        return made

    counts = [r.failures for r in runs(endless(400, fleet=fleet(hardware=False)), 400 * effort)]
    daily = [sum(found.values()) / 400 for found in counts]
    yield by_z("O12", "failures a day of two chip types", daily, rate, "the first alone", 12 / 10)
    share = [found["pool"] / sum(found.values()) for found in counts]
    yield by_z(
        "O12",
        "share of the first type in them",
        share,
        12 / 10 / rate,
        "its share of nodes",
        12 / 42,
    )
    q = endless(8, fleet=fleet(20, permanent=1), run={"batch": {"sequences": 13440}})
    places = [r.counts for r in runs(q, 1650 * effort)]
    for name, (nodes, life, _) in kinds.items():
        left = [chips[name, "active"] / 8 for chips in places]
        exact, common = 20 * nodes * math.exp(-8 / life), 20 * nodes * math.exp(-8 * rate / 42)
        yield by_z(
            "O12",
            f"survivors of {20 * nodes} that live {life:g} days",
            left,
            exact,
            "one rate for all",
            common,
        )


def o13(effort: float) -> Rows:
    def wall(nodes: int, noise: float) -> float:
        return simulate(question(fleet=pool(nodes=nodes), fabric={"step_noise": noise}), SEED).wall

    for nodes, exact in (
        (2, 1 / math.sqrt(math.pi)),
        (3, 1.5 / math.sqrt(math.pi)),
        (512, formulas.expected_maximum(512)),
    ):
        ours = (wall(nodes, 0.02) / wall(nodes, 0.0) - 1) / 0.02
        title = f"what the slowest of {nodes} nodes adds to a step, in standard deviations"
        yield within(
            "O13", title, ours, exact, 1e-6, "one node more", formulas.expected_maximum(nodes + 1)
        )


def o14(effort: float) -> Rows:
    share, slowdown, hours, days = 0.2, 6.0, 1.0, 60
    plain = {
        "chip": "H100-SXM-80",
        "stack": "llama-3",
        "throughput": None,
        "layout": {"tensor": 8, "pipeline": 16},
    }
    for pods, n in ((1, 1300), (3, 500)):
        q = endless(
            days,
            run={"model": "llama-3-405b", "batch": {"sequences": 2048}},
            fleet=pool(nodes=256, **plain),
            fabric={
                "congestion": {
                    "share": share,
                    "slowdown": slowdown,
                    "bad": exponential(hours, "h"),
                },
                "pods": pods,
            },
        )
        plan = simulate(q, SEED, fixed_inputs=True).plan
        S = plan.step_seconds_at(slowdown) / plan.step_seconds
        assert S > 1.1
        bad = formulas.any_bad(share, hours, 24.0 * days, pods)
        stalled = [r.time["stall"] / r.wall for r in runs(q, n * effort)]
        title = f"share of time lost to congestion, {pods} pod{'s' * (pods > 1)}"
        yield by_z(
            "O14",
            title,
            stalled,
            bad * (1 - 1 / S),
            "all of the step slows",
            bad * (1 - 1 / slowdown),
        )


def o15(effort: float) -> Rows:
    needed, units, life, mend, days = 5, 6, 6.0, 1.0, 200.0
    q = endless(
        days,
        fleet=failing(
            needed, 0, units - needed, lifetime=exponential(life), repair=exponential(mend)
        ),
    )
    values = [1 - r.time["wait"] / r.wall for r in runs(q, 600 * effort)]

    def enough(t: float) -> float:
        return float(
            binom.sf(
                needed - 1,
                units,
                (life + mend * math.exp(-t * (1 / life + 1 / mend))) / (life + mend),
            )
        )

    settled, alone = enough(math.inf), (life / (life + mend)) ** needed
    exact = settled + quad(lambda t: enough(t) - settled, 0, 40)[0] / days
    yield by_z(
        "O15", "share of time with at least 5 of 6 nodes up", values, exact, "no spare", alone
    )


def o16(effort: float) -> Rows:
    results = runs(
        endless(200, fleet=failing(50, hardware=False, lifetime=weibull(2, 10))), 260 * effort
    )
    times = [np.array([event.time for event in r.trace.events("failure")]) / DAY for r in results]
    late = [float((t > 100).sum()) / 50 for t in times]
    aged = (math.gamma(1.5) / 10) ** 2 * (200**2 - 100**2)
    yield by_z(
        "O16",
        "renewals a unit in ten mean lives, long run",
        late,
        10.0,
        "repaired, not renewed",
        aged,
    )
    counts = np.concatenate([np.histogram(t, np.linspace(100, 200, 2001))[0] for t in times])
    fano, title = (
        float(counts.var() / counts.mean()),
        "variance over mean of counts in short times, 50 units together",
    )
    single = 4 / math.pi - 1
    error = fano * math.sqrt(2 / len(counts))
    yield within("O16", title, fano, 1.0, 0.1, "one unit's in the long run", single, error)


def o17(effort: float) -> Rows:
    rng, beyond = np.random.default_rng(SEED), np.zeros(2)
    tries = round(2000 * effort) + 200
    for _ in range(tries):
        kinds = [
            Pace(int(rng.integers(1, 9)), float(rng.uniform(0.5, 3)), float(rng.uniform(0, 4)))
            for _ in range(3)
        ]
        m, slowest = int(rng.integers(20, 300)), max(share.beat for share in kinds)
        late = [
            max(share.seconds(n) for share, n in zip(kinds, split(kinds, m), strict=True))
            - real_split(kinds, m)
            for split in (whole_split, uniform_split)
        ]
        beyond += [not -1e-9 <= seconds <= slowest + 1e-9 for seconds in late]
    title = "share of splits over a beat behind max (m + β)τ of the ideal one"
    yield within(
        "O17", title, beyond[0] / tries, 0.0, 1e-9, "equal shares for all", beyond[1] / tries
    )


def o19(effort: float) -> Rows:
    failures, restart, every, blocking = 2048 * 6.5e-3 / DAY, 900.0, 1200.0, 30.0
    fleet = failing(2048, hardware=False, per_1000_node_days=6.5)
    saving, recovery = (
        {"interval": f"{every} s", "blocking": f"{blocking} s"},
        {"restart": f"{restart} s"},
    )
    q = endless(
        30, fleet=fleet, run={"batch": {"sequences": 16384}}, checkpoint=saving, recovery=recovery
    )
    ettr = np.array([r.metrics["ettr"] for r in runs(q, 50 * effort)])
    exact, free = (
        (1 - failures * (u + every / 2)) / (1 + blocking / every) for u in (restart, 0.0)
    )
    title, error = (
        "ETTR of 2,048 nodes, first order (arXiv 2410.21680)",
        float(ettr.std()) / math.sqrt(len(ettr)),
    )
    yield within("O19", title, float(ettr.mean()), exact, 0.05, "restarts for free", free, error)


def o23(effort: float) -> Rows:
    for shape, n in ((0.7, 730), (1.0, 730), (2.0, 440)):
        q = endless(15, fleet=failing(256, hardware=False, lifetime=weibull(shape, 10)))
        counts = [sum(r.failures.values()) / 256 for r in runs(q, n * effort)]
        minimal = (1.5 * math.gamma(1 + 1 / shape)) ** shape
        wrong, twin = (
            ("lives a tenth longer", 1.5 / 1.1)
            if shape == 1
            else ("repaired, not renewed", minimal)
        )
        title = f"renewals a unit in 1.5 mean lives, all new, Weibull k = {shape:g}"
        yield by_z("O23", title, counts, formulas.renewal_function(shape, 10, 15), wrong, twin)


def interruptions(effort: float) -> Rows:
    q = load_scenario("llama-3-405b").override({"fleet.good.cold_spares": 2000})
    [fleet] = q.fleet.values()
    rate = node_rate(fleet.failures, fleet.chip.node_size) * fleet.active_nodes * DAY
    running = ("productive", "rework", "stall", "checkpoint")
    daily = [
        r.interruptions / math.fsum(r.time[c] for c in running) * DAY for r in runs(q, 630 * effort)
    ]
    yield by_z(
        "I",
        "interruptions of Llama 3 a running day (an input)",
        daily,
        rate,
        "a tenth more",
        1.1 * rate,
    )


def a(effort: float) -> Rows:
    questions = [
        load_scenario(name) for name in ("deepseek-v3", "llama-3-405b", "two-thousand-plus")
    ]
    results = [simulate(q, SEED, k) for q in questions for k in range(round(40 * effort) + 2)]
    time = max(abs(math.fsum(r.time.values()) - r.wall) / r.wall for r in results)
    minute = 60 / max(r.wall for r in results)
    yield within(
        "A",
        "time ledger beside the wall clock, worst of many runs",
        time,
        0.0,
        1e-9,
        "a minute lost",
        minute,
    )
    chips = max(abs(math.fsum(r.chip_seconds.values()) / r.wall / supplied(r) - 1) for r in results)
    one = 1 / max(supplied(r) for r in results)
    yield within(
        "A",
        "chip ledger beside chips × wall clock, worst",
        chips,
        0.0,
        1e-9,
        "a chip forgotten",
        one,
    )
    astray = sum(sum(r.counts.values()) != supplied(r) for r in results)
    yield within("A", "runs that lost or made a chip", float(astray), 0.0)


CHECKS: dict[str, Callable[[float], Rows]] = {
    "O1": o1, "O2": o2, "O3": o3, "O4": o4, "O5": o5, "O6": o6, "O7": o7, "O8-O9": o8_o9, "O10": o10, "O11": o11,
    "O12": o12, "O13": o13, "O14": o14, "O15": o15, "O16": o16, "O17": o17, "O19": o19, "O23": o23, "I": interruptions,
    "A": a, **closed_forms_of_stocks.CHECKS,
}  # fmt: skip


def closed_forms(effort: float = 1.0, only: Sequence[str] = ()) -> list[ClosedForm]:
    """The table, simulated anew.

    Parameters
    ----------
    effort : float
        Share of the replications: 1 gives standard errors of a few tenths of a per cent and takes
        minutes.
    only : sequence of str
        Names of checks; all unless given.
    """
    return [
        row for name, check in CHECKS.items() if not only or name in only for row in check(effort)
    ]
