"""Every metric of a run and of a programme: name, unit, meaning, and how it is worked out.

Which metrics a result has follows from its scenario, so nothing is run to learn their names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import InputError
from sim.results.ledger import DAY, HOUR, PLACES, STOCK, TIME, USABLE, WHERE
from sim.results.metric import Metric
from sim.results.outlook_metrics import at_date, of_need, outlook_metrics

if TYPE_CHECKING:  # a result asks this module for its metrics, not the other way round
    from sim.results.programme import ProgrammeResult
    from sim.results.run import RunResult
    from sim.scenario import Scenario

MEGAWATT_HOUR = 3.6e9
"""Joules."""


def _field(name: str, unit: str, meaning: str) -> Metric:
    """A metric that is a field of the result."""
    return Metric(name, unit, meaning, lambda r: float(getattr(r, name)))


RUN = (
    Metric(
        "wall_days",
        "days",
        "From the start of the run to its finish, or to the horizon.",
        lambda r: r.wall / DAY,
    ),
    Metric(
        "ettr",
        "share",
        "Effective training time ratio: productive time over wall time.",
        lambda r: r.time["productive"] / r.wall,
    ),
    Metric(
        "goodput_tokens_per_s",
        "tokens/s",
        "Tokens kept over wall time: all when finished, the durable ones at the horizon.",
        lambda r: r.tokens / r.wall,
    ),
    Metric(
        "mfu",
        "share",
        "Model FLOPs utilisation: causal FLOPs over the dense BF16 peak of the chips in use, "
        "while productive with the whole fleet, in the phase with most of the tokens.",
        lambda r: r.plan.mfu if r.time["productive"] else math.nan,
    ),
    _field(
        "interruptions",
        "",
        "Unplanned stops of the job; several failures at one instant are one.",
    ),
    Metric(
        "failures",
        "failures",
        "Failures of components, those of spares included.",
        lambda r: float(sum(r.failures.values())),
    ),
    _field(
        "hidden_faults",
        "",
        "Silent faults and stragglers in nodes at work that nobody had found by the end.",
    ),
    _field(
        "planned_stops",
        "",
        "Stops after a checkpoint: windows, to take nodes in again, or a straggler out.",
    ),
    _field(
        "selections",
        "",
        "Times the scheduler chose the nodes of the job, the first included.",
    ),
    _field(
        "provisioned",
        "nodes",
        "Boxed cold spares that were installed.",
    ),
    _field(
        "failed_restarts",
        "",
        "Restarts that failed and were tried again.",
    ),
    _field(
        "bad_spares",
        "nodes",
        "Spares that were found bad when the job restarted on them.",
    ),
    Metric(
        "gpu_hours_computing",
        "chip-hours",
        "Active chips times productive time.",
        lambda r: r.active_chip_seconds / HOUR,
    ),
    Metric(
        "gpu_hours_allocated",
        "chip-hours",
        "Active chips and hot spares times wall time.",
        lambda r: sum(r.allocated_chips.values()) * r.wall / HOUR,
    ),
    Metric(
        "cost_rental_usd",
        "USD",
        "What renting the allocated chips costs.",
        attrgetter("costs.rental"),
    ),
    Metric(
        "cost_amortised_usd",
        "USD",
        "What the allocated chips lose in value, and their energy.",
        attrgetter("costs.amortised"),
    ),
    Metric(
        "energy_mwh",
        "MWh",
        "Energy of the allocated chips, with their share of server and site.",
        lambda r: r.costs.energy / MEGAWATT_HOUR,
    ),
    _field("tokens", "tokens", "Tokens kept."),
)
"""Of one training run."""


OUT_OF_WORK = {"evicted": "evicted", "repair": "under repair", "dead": "dead"}

DEPLETION = (
    Metric(
        "depleted",
        "share",
        "Whether a node was missing and no spare was left to take its place (1 or 0).",
        lambda r: float(r.depletion is not None),
    ),
    Metric(
        "depleted_days",
        "days",
        "Until that first happened, or the run ended.",
        lambda r: (r.depletion.time if r.depletion else r.wall) / DAY,
    ),
)
"""Of one training run: whether and when it ran out of spares."""


def _time(category: str) -> Metric:
    return Metric(
        f"time.{category}_days", "days", TIME[category], lambda r: r.time[category] / DAY
    )


def _chips(place: str) -> Metric:
    def chip_days(result: RunResult) -> float:
        seconds = (s for (_, where), s in result.chip_seconds.items() if where == place)
        return math.fsum(seconds) / DAY

    return Metric(f"chips.{place}_days", "chip-days", f"Chips {PLACES[place]}.", chip_days)


def _stock(chip: str) -> Metric:
    def left(result: RunResult) -> float:
        fleet = result.scenario.fleet
        pools = [name for name, pool in fleet.items() if pool.chip.name == chip]
        # From 0.0, so that an empty stock is 0.0 and prints as the others do.
        return sum((result.counts.get((n, place), 0) for n in pools for place in STOCK), 0.0)

    return Metric(
        f"stock.{chip}_end", "chips", f"{chip} in cold spares and loose, at the end.", left
    )


def _depleted_by(where: str) -> Metric:
    return Metric(
        f"depleted_by.{where}",
        "share",
        f"Whether it did while most of the nodes that did not work were {OUT_OF_WORK[where]}.",
        lambda r: float(bool(r.depletion) and r.depletion.what == where),
    )


def _depleted(pool: str) -> Metric:
    return Metric(
        f"depleted.{pool}",
        "share",
        f"Whether the first pool that ran out of spares was {pool}.",
        lambda r: float(bool(r.depletion) and r.depletion.pool == pool),
    )


def _phase_end(number: int | str) -> Metric:
    def days(result: RunResult) -> float:
        end = math.inf
        # A run that falls back behind the end of a phase ends it once more.
        for event in result.trace.events("phase"):
            later = int(event.name) > int(number)
            end = min(end, event.time) if later else math.inf
        return min(end, result.wall) / DAY

    meaning = f"Until phase {number} of the run ended for the last time, or the run did."
    return Metric(f"phase.{number}_end_days", "days", meaning, days)


def _usable(pool: str) -> Metric:
    def left(result: ProgrammeResult) -> float:
        return float(sum(result.counts.get((pool, place), 0) for place in USABLE))

    return Metric(
        f"usable.{pool}_end", "chips", f"Chips of {pool} in working nodes at the end.", left
    )


def _per_second_of_runs(amount: Callable[[ProgrammeResult], float]) -> Any:
    """A number over the time in which runs held chips; nan where none did."""

    def ratio(result: ProgrammeResult) -> float:
        # Over the wall clock a programme that trains rarely would look like one that fails often.
        held = math.fsum(run.ended - run.started for run in result.staffed_runs)
        return amount(result) / held if held else math.nan

    return ratio


PROGRAMME = (
    Metric(
        "ettr",
        "share",
        "Productive time over the time in which runs held chips.",
        _per_second_of_runs(lambda r: r.time["productive"]),
    ),
    Metric(
        "goodput_tokens_per_s",
        "tokens/s",
        "Tokens of all runs over the time in which runs held chips.",
        _per_second_of_runs(lambda r: r.tokens),
    ),
    Metric(
        "mfu", "share", "Not known of a programme, whose runs differ.", lambda r: math.nan
    ),
    Metric(
        "gpu_hours_allocated",
        "chip-hours",
        "Chips of each run times its length.",
        lambda r: math.fsum(run.chip_hours for run in r.staffed_runs),
    ),
    Metric(
        "energy_mwh",
        "MWh",
        "Energy of all powered chips, with their share of server and site.",
        lambda r: r.bill.joules / MEGAWATT_HOUR,
    ),
    Metric(
        "runs_due",
        "runs",
        "Runs that were due before the horizon.",
        lambda r: float(len(r.runs)),
    ),
    Metric(
        "runs_staffed",
        "runs",
        "Runs for which there were chips enough.",
        lambda r: float(len(r.staffed_runs)),
    ),
    Metric(
        "runs_finished",
        "runs",
        "Runs that reached their last token by the horizon.",
        lambda r: float(sum(run.finished for run in r.runs)),
    ),
    Metric(
        "crossing_days",
        "days",
        "Until the fleet, nodes under repair included, first cannot staff the next run, or the "
        "horizon if that comes first.",
        # What does not come before the horizon is nan, which fmin passes over.
        lambda r: float(np.fmin(r.crossing, r.wall)) / DAY,
    ),
    _field(
        "crossed",
        "share",
        "Whether that comes before the horizon (1 or 0).",
    ),
    Metric("servers_usd", "USD", "Price of all servers.", attrgetter("bill.servers")),
    Metric("network_usd", "USD", "Price of their network.", attrgetter("bill.network")),
    Metric(
        "premium_usd", "USD", "What was paid beyond the price.", attrgetter("bill.premium")
    ),
    Metric("repair_usd", "USD", "What repairs cost.", attrgetter("bill.repair")),
    Metric(
        "cost_full_usd",
        "USD",
        "Servers, network, premium, repair and energy together.",
        attrgetter("bill.total"),
    ),
    _field("repairs", "chips", "Chips that a repair shop took on."),
)
"""Of a programme: in place of a run's metric of the same name, or besides."""


OF_RUNS = {"runs_due", "runs_staffed", "runs_finished", "crossing_days", "crossed"}
EXTENSIVE = {"chips", "failures", "chip-days", "chip-hours", "nodes", "USD", "MWh"}
"""Units of what grows with the number of chips: multiplied by what a simulated one stands for."""


def metrics_of(scenario: Scenario) -> dict[str, Metric]:
    """The metrics that every result of a scenario has, by name.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> known = metrics_of(load_scenario("deepseek-v3"))
    >>> known["ettr"].unit, "crossing_days" in known
    ('share', False)
    """
    # Two pools may have one chip, which is one metric.
    chips = dict.fromkeys(pool.chip.name for pool in scenario.fleet.values())
    found = {metric.name: metric for metric in RUN}
    families: list[Iterable[Metric]] = [map(_time, TIME), map(_chips, PLACES)]
    families.append(map(_stock, chips))
    if scenario.over_years:
        # An outlook alone has no runs that could be due or lack chips.
        stock = [one for one in PROGRAMME if scenario.runs or one.name not in OF_RUNS]
        families += [stock, map(_usable, scenario.fleet), outlook_metrics(scenario)]
    else:
        families += [DEPLETION, map(_depleted_by, WHERE), map(_depleted, scenario.fleet)]
        families.append(map(_phase_end, range(len(scenario.run.ends))))
    for family in families:
        found |= {metric.name: metric for metric in family}
    return found


EVERY = {
    "a run": (
        *(*RUN, *DEPLETION),
        *map(_time, TIME),
        *map(_chips, PLACES),
        *map(_depleted_by, WHERE),
        *(_depleted("POOL"), _stock("CHIP"), _phase_end("K")),
    ),
    "a programme": (*PROGRAMME, _usable("POOL")),
    "an outlook": (*at_date("DATE"), *of_need("NEED", "NEED", ["DATE"])),
}
"""All there are, by what has them; CHIP, POOL and NEED stand for any name, K for a position."""
UNITS = {metric.name: metric.unit for metrics in EVERY.values() for metric in metrics}
"""Units of the metrics that every scenario of a kind has."""


def own_metric(*scenarios: Scenario) -> str:
    """The metric that answers what scenarios ask, where nobody names another.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> own_metric(load_scenario("deepseek-v3")), own_metric(load_scenario("embargoed-stock"))
    ('wall_days', 'crossing_days')
    """
    if all(scenario.runs for scenario in scenarios):
        return "crossing_days"
    if all(scenario.outlook for scenario in scenarios):
        return f"largest.{scenarios[0].dates[-1]}_chips"
    return "wall_days"


def most_of(metric: str, horizon: float) -> float:
    """The most that a metric can be; the least is 0.

    Parameters
    ----------
    metric : str
        Its name.
    horizon : float
        Days after which every run ends.

    Examples
    --------
    >>> most_of("ettr", 30.0), most_of("wall_days", 30.0), most_of("failures", 30.0)
    (1.0, 30.0, inf)
    """
    return {"share": 1.0, "days": horizon}.get(UNITS.get(metric, ""), math.inf)


def check_metric(metric: str | None, *scenarios: Scenario) -> str:
    """Return a metric, their own unless given; InputError unless all scenarios have it."""
    if metric is None:
        metric = own_metric(*scenarios)
    for scenario in scenarios:
        known = list(metrics_of(scenario))
        if metric not in known:
            problem = f"{scenario.name}: no metric '{metric}'"
            raise InputError.no_such(problem, metric, known, listed="there are")
    return metric
