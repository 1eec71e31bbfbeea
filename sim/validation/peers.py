"""Cases of another simulator, its assumptions written as a scenario of ours: our numbers and its.

Where a closed form is known it decides; where none is, the mean of an independent re-implementation
of the peer's model, whose spread is taken as ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tqdm.auto import tqdm

from sim import catalogue
from sim.catalogue.evidence import PeerCase
from sim.engine import simulate
from sim.engine.risks import node_rate
from sim.quantities.distributions import Weibull
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.throughput.domain import taken_rate
from sim.validation.formulas import renewal_function
from sim.validation.report import Row, by_z

SEED = 2024
RUNS = 100
MINUTE = 60.0


def peers(effort: float = 1.0, only: Sequence[str] = ()) -> list[Row]:
    """The table of the peer's cases.

    Parameters
    ----------
    effort : float
        Share of 100 replications of each case, which take two minutes.
    only : sequence of str
        Names of cases in the catalogue; all unless given.

    Raises
    ------
    InputError
        When there is no case of a name.
    """
    found = []
    for name in tqdm(only or catalogue.table("peers"), disable=None, leave=False):
        found += rows(name, max(round(RUNS * effort), 10))
    return found


def rows(name: str, runs: int) -> list[Row]:
    """What comes out of a case: failures, spares, selections, minutes, and whether these add up."""
    entry = catalogue.entry("peers", name)
    case = entry.item
    scenario = scenario_of(case)
    results = [simulate(scenario, SEED, k) for k in range(runs)]
    values = {
        "failures": [sum(r.failures.values()) for r in results],
        "spares": [r.provisioned for r in results],
        "selections": [r.selections for r in results],
        "minutes": [r.wall / MINUTE for r in results],
    }
    exact = expected_failures(scenario, case.days)
    # The means over seeds have an error of their own, taken to be as large as ours.
    widened = math.sqrt(1 + runs / case.seeds) if case.seeds else 1.0
    found = []
    for quantity, ours in values.items():
        about: dict[str, Any] = {"quantity": quantity, "peer": case.peer.get(quantity)}
        if quantity == "failures" and exact is not None:
            row = by_z(name, case.title, ours, exact, against="closed form", **about)
        elif quantity in case.means and any(ours):
            # A handful of runs without any of a rare thing say nothing of their own error.
            about |= {"widened": widened, "against": f"{case.seeds} seeds"}
            row = by_z(name, case.title, ours, case.means[quantity], **about)
        else:
            continue
        found.append(row)
    late = max(abs(r.wall - sum_of_parts(r)) for r in results) / MINUTE
    title = "minutes beyond work, recoveries, selections, spares, waits"
    row = Row(
        name,
        case.title,
        late,
        0.0,
        late < 0.5,
        quantity=title,
        against="closed form",
    )
    return [*found, row]


def scenario_of(case: PeerCase) -> Scenario:
    """The scenario of a case."""
    scenario = load_scenario(case.scenario)
    [pool] = scenario.fleet.values()
    rate = taken_rate(pool)
    assert rate is not None
    tokens = case.days * DAY * pool.active_chips * rate
    return scenario.override({**case.changes, "run.tokens": tokens})


def expected_failures(scenario: Scenario, days: float) -> float | None:
    """Failures of the active nodes in some days of computing, each failed one renewed.

    Of constant rates: rate × nodes × time. Of Weibull lives of nodes that all begin new: the
    renewal function. None with bad nodes, for which no formula is known.
    """
    [pool] = scenario.fleet.values()
    table, nodes = pool.failures, pool.active_nodes
    if table.bad_nodes:
        return None
    [cause] = table.causes
    if isinstance(cause.lifetime, Weibull):
        return nodes * renewal_function(cause.lifetime.shape, cause.lifetime.mean / DAY, days)
    return nodes * node_rate(table, pool.chip.node_size) * days * DAY


def sum_of_parts(result: RunResult) -> float:
    """The seconds of a run by the peer's identity: its work and whatever stopped it.

    ``T = L + R·F + h·selections + provisioning·spares + waiting`` is exact in every run.
    """
    scenario = result.scenario
    recovery = scenario.recovery
    failures = sum(result.failures.values())
    times = failures * recovery.restart.mean + result.selections * recovery.reschedule.mean
    work = scenario.run.tokens / result.plan.tokens_per_s
    return work + times + result.provisioned * recovery.provision.mean + result.time["wait"]
