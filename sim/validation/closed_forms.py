"""What can be worked out exactly, held against the simulation: a table whose every row can fail.

Each check simulates a scenario of ours at a point where every term of the formula counts. It holds
the numbers against the formula, and against a twin: the formula of a model with one thing wrong,
which the same numbers must reject.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tqdm.auto import tqdm

from sim.engine import simulate
from sim.errors import InputError
from sim.results.run import RunResult
from sim.scenario import load_scenario
from sim.validation import closed_forms_of_failures as failures
from sim.validation import closed_forms_of_steps as steps
from sim.validation import closed_forms_of_stocks as stocks
from sim.validation import closed_forms_of_worlds as worlds
from sim.validation.report import Row, Rows, within

SEED = 2024
BOOKED = ("deepseek-v3", "llama-3-405b", "two-thousand-plus")
"""Scenarios whose ledgers are added up."""


def ledgers(effort: float) -> Rows:
    """No second and no chip is lost or made."""
    results = []
    for name in BOOKED:
        scenario = load_scenario(name)
        results += [simulate(scenario, SEED, k) for k in range(round(40 * effort) + 2)]
    # The twins: the least that a mistake could lose anywhere.
    longest = max(r.wall for r in results)
    most = max(_supplied(r) for r in results)
    time = max(abs(math.fsum(r.time.values()) - r.wall) / r.wall for r in results)
    title = "time ledger beside the wall clock, worst of many runs"
    yield within("A", title, time, 0.0, "a minute lost", 60 / longest)
    held = [math.fsum(r.chip_seconds.values()) / r.wall / _supplied(r) for r in results]
    title = "chip ledger beside chips × wall clock, worst"
    chips = max(abs(share - 1) for share in held)
    yield within("A", title, chips, 0.0, "a chip forgotten", 1 / most)
    astray = [r for r in results if sum(r.counts.values()) != _supplied(r)]
    yield within("A", "runs that lost or made a chip", float(len(astray)), 0.0)


def _supplied(result: RunResult) -> int:
    """Chips that a run began with, where nothing is delivered."""
    chips = 0
    for pool in result.scenario.fleet.values():
        spares = round(pool.hot_spares + pool.cold_spares)
        chips += pool.active_chips + spares * pool.chip.node_size
    return chips


CHECKS: dict[str, Callable[[float], Rows]] = {
    "O1": steps.whole_run,
    "O2": steps.pipelines,
    "O3": failures.makespan,
    "O4": failures.optimal_interval,
    "O5": failures.lost_work,
    "O6": failures.availability,
    "O7": failures.repairers,
    "O8-O9": failures.last_spare,
    "O10": failures.decay,
    "O11": failures.work_of_the_dying,
    "O12": failures.chip_types,
    "O13": steps.slowest_node,
    "O14": steps.congestion,
    "O15": failures.enough_nodes,
    "O16": failures.pooled_failures,
    "O17": steps.splits,
    "O19": failures.productive_share,
    "O23": failures.renewals,
    "I": failures.interruptions,
    "A": ledgers,
    "stock-O8-O9": stocks.spares,
    "stock-O10": stocks.decay,
    "O18": stocks.queue,
    "O20": stocks.imperfect_repair,
    "O21": stocks.repair_pipeline,
    "O22": stocks.cannibalised,
    "crossing": stocks.outgrown,
    "supply": stocks.supply,
    "largest-run": worlds.largest_run,
    "need-met": worlds.need_met,
    "two-stocks": worlds.two_stocks,
    "licences": worlds.licence_cap,
    "layers": worlds.layers,
}


def closed_forms(effort: float = 1.0, only: Sequence[str] = ()) -> list[Row]:
    """The table of closed forms.

    Parameters
    ----------
    effort : float
        Share of the replications: 1 gives standard errors of a few tenths of a per cent and takes
        minutes.
    only : sequence of str
        Names of checks; all unless given.

    Raises
    ------
    InputError
        When there is no check of a name.
    """
    for name in only:
        if name not in CHECKS:
            raise InputError.no_such(
                f"no closed form '{name}'", name, CHECKS, listed="allowed"
            )
    rows = []
    for name in tqdm(only or CHECKS, disable=None, leave=False):
        rows += CHECKS[name](effort)
    return rows
