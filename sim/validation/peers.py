"""Another simulator's cases, its assumptions written as a scenario of ours: our numbers beside its
own.

Where a closed form is known it decides; where none is, the mean of an independent re-implementation
of the peer's model, whose spread is taken as ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim import catalogue
from sim.catalogue.evidence import PeerCase
from sim.engine import simulate
from sim.engine.risks import node_rate
from sim.quantities.distributions import Weibull
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.validation.formulas import renewal_function
from sim.validation.report import MOST_Z, PeerRow

SEED = 2024
RUNS = 100
MINUTE = 60.0


def peers(effort: float = 1.0, only: Sequence[str] = ()) -> list[PeerRow]:
    """The table, simulated anew.

    Parameters
    ----------
    effort : float
        Share of 100 replications of each case, which take two minutes.
    only : sequence of str
        Names of cases in the catalogue; all unless given.
    """
    cases = [e.item for name, e in catalogue.table("peers").items() if not only or name in only]
    return [
        row
        for case in cases
        if isinstance(case, PeerCase)
        for row in rows(case, max(round(RUNS * effort), 10))
    ]


def rows(case: PeerCase, runs: int) -> list[PeerRow]:
    """What comes out of one case: failures, spares, selections, minutes, and whether the minutes
    add up.
    """
    question = asked(case)
    results = [simulate(question, SEED, k) for k in range(runs)]
    values = {
        "failures": [float(sum(r.failures.values())) for r in results],
        "spares": [float(r.provisioned) for r in results],
        "selections": [float(r.selections) for r in results],
        "minutes": [r.wall / MINUTE for r in results],
    }
    exact = expected_failures(question, case.days)
    found = []
    for quantity, ours in values.items():
        error = float(np.std(ours, ddof=1)) / math.sqrt(runs)
        if quantity == "failures" and exact is not None:
            expected, against, spread = exact, "closed form", error
        elif quantity in case.means:
            expected, against = case.means[quantity], f"{case.seeds} seeds"
            spread = error * math.sqrt(1 + runs / case.seeds)
        else:
            continue
        mean = float(np.mean(ours))
        z = (mean - expected) / (spread or math.inf)
        found.append(
            PeerRow(
                case.title,
                quantity,
                mean,
                error,
                expected,
                against,
                case.peer.get(quantity),
                z,
                abs(z) <= MOST_Z,
            )
        )
    late = max(abs(r.wall - sum_of_parts(r)) for r in results) / MINUTE
    title = "minutes beyond work, recoveries, selections, spares, waits"
    found.append(PeerRow(case.title, title, late, 0.0, 0.0, "closed form", None, 0.0, late < 0.5))
    return found


def asked(case: PeerCase) -> Scenario:
    """The scenario of a case."""
    question = load_scenario(case.scenario)
    [pool] = question.fleet.values()
    assert pool.throughput is not None
    tokens = case.days * DAY * pool.active_chips * pool.throughput.tokens_per_second_per_chip
    return question.override({**case.changes, "run.tokens": tokens})


def expected_failures(question: Scenario, days: float) -> float | None:
    """Failures of the active nodes in so many days of computing, each failed one renewed; None with
    bad nodes.

    Constant rates: rate × nodes × time. Weibull lives of nodes that all begin new: the renewal
    function.
    """
    [pool] = question.fleet.values()
    table, nodes = pool.failures, pool.active_nodes
    if table.bad_nodes:
        return None
    [cause] = table.causes
    if isinstance(cause.lifetime, Weibull):
        return nodes * renewal_function(cause.lifetime.shape, cause.lifetime.mean / DAY, days)
    return nodes * node_rate(table, pool.chip.node_size) * days * DAY


def sum_of_parts(result: RunResult) -> float:
    """``T = L + R·F + h·selections + provisioning·spares + waiting``: the peer's identity, exact in
    every run.
    """
    question = result.scenario
    recovery, failures = question.recovery, sum(result.failures.values())
    times = failures * recovery.restart.mean + result.selections * recovery.reschedule.mean
    work = question.run.tokens / result.plan.tokens_per_s
    return work + times + result.provisioned * recovery.provision.mean + result.time["wait"]
