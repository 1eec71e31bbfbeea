"""Closed forms of failures: lives, spares and repair of nodes, checkpoints and restarts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import binom

from sim.engine.checkpoints import daly_interval
from sim.engine.risks import node_rate
from sim.results.ledger import DAY, HOUR
from sim.scenario import load_scenario
from sim.validation.bare_scenario import (
    CHIPS,
    NODES,
    PLAIN,
    RATE,
    bare_scenario,
    endless,
    exponential,
    failing,
    first,
    runs,
    shares,
    weibull,
)
from sim.validation.formulas import (
    daly,
    harmonic,
    lost_in_period,
    renewal_function,
    repairman,
)
from sim.validation.report import Rows, by_z, within

MAKESPANS = (
    (HOUR, 0.02, 0.5, 0.1, 4200),
    (DAY, 0.02, 0.3, 0.5, 4900),
    (HOUR, 0.2, 0.1, 0.1, 1100),
    (DAY, 0.2, 0.1, 0.5, 2100),
    (HOUR, 0.2, 0.5, 0.1, 2500),
    (DAY, 0.2, 0.5, 0.5, 3200),
)
"""Mean time M between failures (s); checkpoint, restart and downtime as shares of it; runs."""

CHIP_TYPES = {"pool": (12, 10.0, "A100-SXM-80"), "other": (30, 60.0, "H800-SXM-80")}
"""Nodes, days that they live on average, and chip of each pool of a mixed fleet."""


def makespan(effort: float) -> Rows:
    """Daly's makespan, with failures during checkpoints and restarts too."""
    segments = 100
    for mean, delta, restart, down, n in MAKESPANS:
        tau = daly_interval(delta, 1.0)
        lives = exponential(mean * NODES, "s")
        scenario = bare_scenario(
            horizon="1e6 d",
            run={"tokens": segments * tau * mean * CHIPS * RATE},
            fleet=failing(NODES, hardware=False, lifetime=lives, detect=f"{down * mean} s"),
            checkpoint={
                "interval": f"{tau * mean} s",
                "blocking": f"{delta * mean} s",
                "final": True,
            },
            recovery={"restart": f"{restart * mean} s"},
        )
        # Each twin leaves out what weighs most at its point of the grid.
        if restart >= 0.2:
            wrong = "restarts"
            calm = (1 + down + restart) * math.expm1(tau + delta)
        else:
            wrong = "checkpoints"
            calm = (1 + down) * math.exp(restart) * math.expm1(tau) + delta
        sizes = f"M = {mean / HOUR:g} h, δ = {delta:g} M, R = {restart:g} M, D = {down:g} M"
        yield by_z(
            "O3",
            f"makespan / M: {sizes}",
            [r.wall / mean for r in runs(scenario, n * effort)],
            daly(1.0, tau, delta, restart, down, segments),
            f"nothing fails during {wrong}",
            segments * calm,
        )


def optimal_interval(_: float) -> Rows:
    """The interval that `optimal` stands for costs hardly more than the best one."""

    def cost(delta: float, tau: float) -> float:
        return daly(1.0, tau, delta, 0.1, 0.1, 1) / tau

    for delta in (0.002, 0.02, 0.2, 1.0):
        tau = daly_interval(delta, 1.0)
        yield within(
            "O4",
            f"hours for an hour's work, checkpoints as `optimal` has it, δ = {delta:g} M",
            cost(delta, tau),
            min(cost(delta, float(tau)) for tau in np.geomspace(0.01, 10, 5000)),
            "three times as far apart",
            cost(delta, 3 * tau),
            tolerance=0.01,
        )


def lost_work(effort: float) -> Rows:
    """Work lost at a failure, with checkpoints as far apart as failures."""
    mean = 2 * HOUR
    scenario = bare_scenario(
        horizon="1e6 d",
        run={"tokens": 300 * mean * CHIPS * RATE},
        fleet=failing(NODES, hardware=False, lifetime=exponential(mean * NODES, "s")),
        checkpoint={"interval": f"{mean} s"},
    )
    lost = []
    for result in runs(scenario, 400 * effort):
        lost += [event.amount / HOUR for event in result.trace.events("rework")]
    yield by_z(
        "O5",
        "hours lost at a failure, checkpoints every M",
        lost,
        lost_in_period(mean, mean) / HOUR,
        "half a period",
        mean / 2 / HOUR,
    )


def availability(effort: float) -> Rows:
    """A unit is up for mean life over mean life and mean repair, whatever their distributions."""
    repair = {"lognormal": {"median": "3 d", "sigma": 1}}
    scenario = endless(400, fleet=failing(16, lifetime=weibull(2, 10), repair=repair))
    up = [shares(r, 16, 100) for r in runs(scenario, 200 * effort)]
    yield by_z(
        "O6",
        "availability of a unit, Weibull lives, log-normal repairs",
        [np.sum(share * np.arange(17)) / 16 for share in up],
        10 / (10 + 3 * math.exp(0.5)),
        "the median in place of the mean repair",
        10 / (10 + 3),
    )


def repairers(effort: float) -> Rows:
    """The machine-repair model: how long how many units are down."""
    any_times = {"triangular": ["0 d", "1 d", "5 d"]}
    cases = (
        (4, 2, exponential(2), "2 repairers", 3, "3 repairers"),
        (3, 3, any_times, "any number of repairers, any repair times", 1, "one repairer"),
    )
    for nodes, crew, repair, words, other, wrong in cases:
        fleet = failing(nodes, lifetime=exponential(2.5), repair=repair)
        recovery = {"crew": crew} if crew < nodes else {}
        scenario = endless(300, fleet=fleet, recovery=recovery)
        up = [shares(r, nodes, 20) for r in runs(scenario, 980 * effort)]
        found = np.array(up)[:, ::-1]
        exact = repairman(nodes, 1 / 2.5, 1 / 2, crew)
        twin = repairman(nodes, 1 / 2.5, 1 / 2, other)
        # Rare states cost the most: one of 0.2 % of the time would take minutes.
        assert min(exact) >= 0.01
        for down in range(nodes + 1):
            title = f"share of time with {down} of {nodes} units down, {words}"
            yield by_z(
                "O7",
                title,
                found[:, down].tolist(),
                exact[down],
                wrong,
                twin[down],
            )


def last_spare(effort: float) -> Rows:
    """Cold spares do not age, hot ones die like the rest."""
    for id, nodes, cold, hot, days, n in (
        ("O8", 16, 192, 0, 2000, 1380),
        ("O9", 64, 0, 64, 160, 4500),
    ):
        fleet = failing(nodes, cold, hot, lifetime=exponential(100), permanent=1)
        scenario = endless(days, fleet=fleet)
        spares = cold + hot
        words = f"{cold} cold and {hot} hot spares"
        # Cold spares keep up the number of nodes that can fail; of hot ones ever fewer are left.
        steady = (spares + 1) / nodes * 100
        aged = harmonic(nodes, nodes + spares) * 100
        yield by_z(
            id,
            f"days until a node cannot be replaced: {nodes} nodes, {words}",
            [first(r, "state", "wait") for r in runs(scenario, n * effort)],
            aged if hot else steady,
            "spares do not age" if hot else "spares age",
            steady if hot else aged,
        )


def decay(effort: float) -> Rows:
    """Nodes that nobody replaces: how many are left, and when 400 are."""
    nodes, rate, days = 1000, 0.01, 110.0
    fleet = failing(nodes, lifetime=exponential(1 / rate), permanent=1)
    scenario = endless(days, fleet=fleet)
    left, times = [], []
    for result in runs(scenario, 560 * effort):
        left.append(result.counts["pool", "active"] / 8)
        times.append(first(result, "failure", number=600))
    exact = nodes * math.exp(-rate * days)
    faster = exact * math.exp(-0.11)
    yield by_z("O10", "survivors of 1,000 nodes", left, exact, "a rate 10 % higher", faster)
    yield by_z(
        "O10",
        "days until 400 of them are left",
        times,
        harmonic(401, nodes) / rate,
        "the dead still fail",
        600 / nodes / rate,
    )


def work_of_the_dying(effort: float) -> Rows:
    """Work of nodes that nobody replaces, each going on without the others."""
    nodes, rate, days = 64, 0.01, 100.0
    scenario = endless(
        days,
        fleet=failing(nodes, lifetime=exponential(1 / rate), permanent=1),
        checkpoint={"interval": "1 s"},
        recovery={"policy": "drop-replica", "keep_batch": False},
    )
    yield by_z(
        "O11",
        "node-days of work by 64 nodes nobody replaces",
        [r.tokens / (8 * RATE * DAY) for r in runs(scenario, 1300 * effort)],
        nodes * -math.expm1(-rate * days) / rate,
        "a straight-line loss",
        nodes * (days - rate * days**2 / 2),
    )


def two_types(times: int, **keys: Any) -> dict[str, Any]:
    """A fleet of both chip types, some times as large."""
    fleet = {}
    for name, (nodes, life, chip) in CHIP_TYPES.items():
        own = failing(
            nodes * times,
            lifetime=exponential(life),
            cause=name,
            **keys,
        )["pool"]
        fleet[name] = PLAIN["fleet"]["pool"] | own | {"chip": chip}
    return fleet


def chip_types(effort: float) -> Rows:
    """Each type of chip fails at its own rate."""
    first_rate = 12 / 10
    rate = first_rate + 30 / 60
    scenario = endless(400, fleet=two_types(1, hardware=False))
    daily, share = [], []
    for result in runs(scenario, 400 * effort):
        count = sum(result.failures.values())
        daily.append(count / 400)
        share.append(result.failures["pool"] / count)
    title = "failures a day of two chip types"
    yield by_z("O12", title, daily, rate, "the first alone", first_rate)
    title = "share of the first type in them"
    yield by_z("O12", title, share, first_rate / rate, "its share of nodes", 12 / 42)

    scenario = endless(
        8, fleet=two_types(20, permanent=1), run={"batch": {"sequences": 13440}}
    )
    counts = [r.counts for r in runs(scenario, 1650 * effort)]
    for name, (nodes, life, _) in CHIP_TYPES.items():
        yield by_z(
            "O12",
            f"survivors of {20 * nodes} that live {life:g} days",
            [chips[name, "active"] / 8 for chips in counts],
            20 * nodes * math.exp(-8 / life),
            "one rate for all",
            20 * nodes * math.exp(-8 * rate / 42),
        )


def enough_nodes(effort: float) -> Rows:
    """Time with enough nodes up, spares failing like the rest."""
    needed, units, life, mend, days = 5, 6, 6.0, 1.0, 200.0
    fleet = failing(
        needed,
        0,
        1,
        lifetime=exponential(life),
        repair=exponential(mend),
    )
    scenario = endless(days, fleet=fleet)

    def enough(t: float) -> float:
        up = (life + mend * math.exp(-t * (1 / life + 1 / mend))) / (life + mend)
        return float(binom.sf(needed - 1, units, up))

    # All nodes begin new, so at first more are up than in the long run.
    settled = enough(math.inf)
    more = quad(lambda t: enough(t) - settled, 0, 40)[0]
    yield by_z(
        "O15",
        "share of time with at least 5 of 6 nodes up",
        [1 - r.time["wait"] / r.wall for r in runs(scenario, 600 * effort)],
        settled + more / days,
        "no spare",
        (life / (life + mend)) ** needed,
    )


def pooled_failures(effort: float) -> Rows:
    """Nodes that age look together as if none did."""
    scenario = endless(200, fleet=failing(50, hardware=False, lifetime=weibull(2, 10)))
    late, counts = [], []
    for result in runs(scenario, 260 * effort):
        times = np.array([event.time for event in result.trace.events("failure")]) / DAY
        late.append(np.sum(times > 100) / 50)
        counts.append(np.histogram(times, np.linspace(100, 200, 2001))[0])
    yield by_z(
        "O16",
        "renewals a unit in ten mean lives, long run",
        late,
        10.0,
        "repaired, not renewed",
        (math.gamma(1.5) / 10) ** 2 * (200**2 - 100**2),
    )
    dispersion = float(np.var(counts) / np.mean(counts))
    yield within(
        "O16",
        "variance over mean of counts in short times, 50 units together",
        dispersion,
        1.0,
        "one unit's in the long run",
        4 / math.pi - 1,
        tolerance=0.1,
        standard_error=dispersion * math.sqrt(2 / np.size(counts)),
    )


def productive_share(effort: float) -> Rows:
    """The productive share of the time of a large job, to first order."""
    failures = 2048 * 6.5e-3 / DAY
    restart, every, blocking = 900.0, 1200.0, 30.0
    scenario = endless(
        30,
        fleet=failing(2048, hardware=False, per_1000_node_days=6.5),
        run={"batch": {"sequences": 16384}},
        checkpoint={"interval": f"{every} s", "blocking": f"{blocking} s"},
        recovery={"restart": f"{restart} s"},
    )

    def first_order(lost: float) -> float:
        return (1 - failures * (lost + every / 2)) / (1 + blocking / every)

    ettr = [r.metrics["ettr"] for r in runs(scenario, 50 * effort)]
    yield within(
        "O19",
        "ETTR of 2,048 nodes, first order (arXiv 2410.21680)",
        float(np.mean(ettr)),
        first_order(restart),
        "restarts for free",
        first_order(0.0),
        tolerance=0.05,
        standard_error=float(np.std(ettr)) / math.sqrt(len(ettr)),
    )


def renewals(effort: float) -> Rows:
    """Failures of nodes that all begin new, each mended as good as new."""
    for shape, n in ((0.7, 730), (1.0, 730), (2.0, 440)):
        fleet = failing(256, hardware=False, lifetime=weibull(shape, 10))
        scenario = endless(15, fleet=fleet)
        wrong, twin = "repaired, not renewed", (1.5 * math.gamma(1 + 1 / shape)) ** shape
        # Lives that do not age are as good as new after any repair, so that is no mistake.
        if shape == 1:
            wrong, twin = "lives a tenth longer", 1.5 / 1.1
        yield by_z(
            "O23",
            f"renewals a unit in 1.5 mean lives, all new, Weibull k = {shape:g}",
            [sum(r.failures.values()) / 256 for r in runs(scenario, n * effort)],
            renewal_function(shape, 10, 15),
            wrong,
            twin,
        )


def interruptions(effort: float) -> Rows:
    """The rate of a failure table comes out again."""
    scenario = load_scenario("llama-3-405b").override({"fleet.good.cold_spares": 2000})
    # The rates are known from counts: held at their estimates, as the table is what is checked.
    scenario = scenario.resolve(0, 0, fixed=True)
    [fleet] = scenario.fleet.values()
    rate = node_rate(fleet.failures, fleet.chip.node_size) * fleet.active_nodes * DAY
    running = ("productive", "rework", "stall", "checkpoint")
    daily = []
    for result in runs(scenario, 720 * effort):
        seconds = math.fsum(result.time[kind] for kind in running)
        daily.append(result.interruptions / seconds * DAY)
    title = "interruptions of Llama 3 a running day (an input)"
    yield by_z("I", title, daily, rate, "a tenth more", 1.1 * rate, role="input")
