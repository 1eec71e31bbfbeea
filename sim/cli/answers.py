"""Answers as text for a terminal."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import catalogue
from sim.errors import InputError
from sim.experiments.intervals import figures
from sim.quantities.uncertain import highest, lowest
from sim.results.ledger import DAY, PLACES, TIME
from sim.results.metrics import OUT_OF_WORK, UNITS, metrics_of, own_metric
from sim.scenario import Case, Scenario
from sim.scenario.references import entries

# What runs need is loaded by those who run.
if TYPE_CHECKING:
    from sim.experiments.choices import Choices
    from sim.experiments.replicate import Replications

STEP_UNITS = {
    "step_seconds": "s",
    "tokens_per_s": "tokens/s",
    "mfu": "share",
    "parts": "s",
    "memory_gb_per_chip": "GB",
    "idle_chips": "chips",
    "planner_tokens_per_s": "tokens/s",
    "scaling_ratio": "share",
    "faster_without": "tokens/s",
}
NOTHING = 1e-12
"""Below this a sum of times is nothing but its rounding."""
FIT_TABLES = {
    "statistics": "the log beside the fitted table",
    "forecast": "the last third, from the first two",
}
SOURCES = {"run_to_run": "chance", "inputs": "unknown inputs", "model": "the step-time model"}
"""In words, where a spread comes from."""
KINDS = {
    "rates": "rates of failure",
    "drift": "a later time of the fleet",
    "fleet": "another fleet",
    "response": "response",
    "step_time": "the step time",
    "other": "other unknowns",
}
"""In words, which kind of unknown it comes from."""


def run(scenario: Scenario, result: Replications, chosen: Choices) -> str:
    """Write a table of the metrics, then where the time and the chips went."""
    report = result.report()
    metrics = report["metrics"]
    days = [
        f"{name} {value:,.1f} d" if value else f"{name} after the horizon"
        for name, value in report["completion_days"].items()
    ]
    runs = f"{report['replications']} replications, seed {report['seed']}"
    lines = [scenario.heading, *over_years(scenario, result), *outside(domain(scenario))]
    finished = f": {report['finished']:.0%} finished; {', '.join(days)}"
    lines.append(runs if scenario.over_years else f"{runs}{finished}")
    censored = round((1 - report["finished"]) * report["replications"])
    # A stock over years lasts to its horizon in any case.
    if censored and not scenario.over_years:
        first = lowest(scenario.horizon) / DAY
        last = highest(scenario.horizon) / DAY
        days = f"{first:g}" if first == last else f"{first:g} to {last:g}"
        horizon = f"the horizon, day {days}"
        lines.append(f"{horizon}, ended {censored} runs: means are restricted to it")
    if report.get("depletion", {}).get("share"):
        lines.append(depleted(report["depletion"]))
    lines += [*str(chosen).splitlines(), cited(scenario)]
    if result.precision:
        lines.append(str(result.precision))
    heads = f"{'95 % interval of the mean':>29}  {'spread of outcomes, 5–95 %':>29}"
    lines += ["", f"{'':24}{'mean':>14}  {heads}"]
    # When spares ran out is told above, as of runs some of which never lacked any.
    shown = [name for name in metrics if "." not in name and name != "depleted_days"]
    lines += _rows({name: metrics[name] for name in shown})
    lines += ["", "wall clock, days"]
    lines += _rows({category: metrics[f"time.{category}_days"] for category in TIME})
    if scenario.run.ends:
        lines += ["", "end of each phase, days"]
        lines += _rows(_phase_ends(scenario, metrics))
    lines += ["", "chips by place, chip-days"]
    lines += _rows({place: metrics[f"chips.{place}_days"] for place in PLACES})
    if "split" in report:
        metric = own_metric(scenario)
        # A job that never ends, or always at its horizon, says more by its share of time.
        if not metrics[metric]["sd"]:
            metric = "ettr"
        parts = _shares(report["split"].get(metric, {}), SOURCES) or ["  unknown"]
        lines += ["", f"the spread of {metric} comes from", *parts]
        groups = _shares(report["split_by_group"].get(metric, {}), KINDS)
        lines += ["of which by itself", *groups] if groups else []
    return "\n".join(lines)


def _phase_ends(scenario: Scenario, metrics: dict[str, Any]) -> dict[str, Any]:
    """When each phase ended, by its position and where that is."""
    found = {}
    for number, end in enumerate(scenario.run.ends):
        where = f"{end:.4g} tokens" if isinstance(end, float) else f"{end}"
        found[f"{number} until {where}"] = metrics[f"phase.{number}_end_days"]
    return found


def depleted(found: dict[str, Any]) -> str:
    """The line that says how often spares ran out, when first, of what, and why."""
    pool = max(found["pools"], key=found["pools"].__getitem__)
    where = max(found["where"], key=found["where"].__getitem__)
    interval = f"{found['lo']:.0%} … {found['hi']:.0%}"
    return (
        f"ran out of spares in {found['share']:.0%} of the runs (95 %: {interval}), first of "
        f"{pool} (median: day {found['median_day']:.1f}), as nodes were {OUT_OF_WORK[where]}"
    )


def over_years(scenario: Scenario, result: Replications) -> list[str]:
    """What a stock over years comes to, in sentences; nothing of a single run."""
    if not scenario.over_years:
        return []
    from sim.cli.stock_answers import sentences

    return sentences(scenario, result)


def cited(scenario: Scenario) -> str:
    """The line that names the sources."""
    listed = ", ".join(sources(scenario))
    return f"sources: {listed} (`sim catalogue TABLE NAME` says which value is whose)"


def _shares(parts: dict[str, Any], words: dict[str, str]) -> list[str]:
    """What each part of a spread explains of it: the largest is what to measure next."""
    lines = []
    for name, told in words.items():
        if name in parts:
            part = parts[name]
            interval = f"{part['lo']:>14.0%} … {part['hi']:.0%}"
            lines.append(f"  {told:22}{part['share']:>14.0%}  {interval}")
    return lines


def _rows(table: dict[str, dict[str, float | None]]) -> list[str]:
    """The metrics of a table, and in one line those that are zero in every run."""
    zero = [name for name, values in table.items() if values["p95"] == 0 == values["mean"]]
    lines = [_row(name, values) for name, values in table.items() if name not in zero]
    return [*lines, f"  zero in every run: {', '.join(zero)}"] if zero else lines


def _row(name: str, values: dict[str, float | None]) -> str:
    """A metric: its mean, the interval of the mean, the spread, and its unit."""
    known = {
        key: x if abs(x) > NOTHING else 0.0 for key, x in values.items() if x is not None
    }
    told = {key: figures(x, known.get("lo"), known.get("hi")) for key, x in known.items()}
    if not told:
        return f"  {name:22}{'unknown':>14}"
    interval = f"{told['lo']} … {told['hi']}" if "lo" in told else "one run"
    spread = f"{told['p5']} … {told['p95']}"
    row = (
        f"  {name:22}{told['mean']:>14}  {interval:>29}  {spread:>29}  {UNITS.get(name, '')}"
    )
    return row.rstrip()


def about(scenario: Scenario) -> tuple[dict[str, Any], Choices]:
    """What every answer says of its scenario: what was asked, what it is, and what it chose."""
    from sim.experiments.choices import choices

    chosen = choices(scenario)
    data = {
        "domain": domain(scenario),
        "asked": scenario.changed,
        "status": scenario.standing,
        "units": {name: metric.unit for name, metric in metrics_of(scenario).items()},
        "sources": sources(scenario),
        **asdict(chosen),
    }
    return data, chosen


def sources(scenario: Scenario) -> list[str]:
    """The keys of the sources behind what a scenario takes from the catalogue."""
    used = [catalogue.entry("constants", "step-time"), catalogue.entry("costs", "epoch")]
    used += entries(scenario.data, own=scenario.catalogue)
    return sorted({fact.source for item in used for fact in item.facts})


def step_time(case: Case) -> dict[str, Any]:
    """The step of a healthy fleet: seconds, tokens/s, MFU, parts, memory and idle chips by pool.

    It is told with the rate of the planner's own layout, the rate of the mix over the sum of its
    pools alone, and the pools without which the run would be faster.
    """
    from sim.throughput import Throughput

    fleet = Throughput(case.run, case.fleet, case.mixing, constants=case.constants)
    plan = fleet.full
    return {
        "domain": {name: where.report() for name, where in fleet.reaches.items()},
        "step_seconds": plan.step_seconds,
        "tokens_per_s": plan.tokens_per_s,
        "mfu": plan.mfu,
        "parts": dict(plan.parts),
        "bottleneck": plan.bottleneck,
        "memory_gb_per_chip": {n: b / 1e9 for n, b in plan.memory_bytes_per_chip.items()},
        "idle_chips": plan.idle_chips,
        "layouts": {name: str(shape) for name, shape in plan.layouts.items() if shape},
        "planner_tokens_per_s": fleet.freely_planned.full.tokens_per_s,
        "scaling_ratio": fleet.scaling_ratio,
        "faster_without": fleet.faster_without,
    }


def domain(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """How far each pool of a scenario lies from what was published."""
    from sim.throughput import Throughput

    pools = {name: pool for name, pool in scenario.fleet.items() if pool.active_nodes}
    # In a programme what runs together changes over the years, so each pool is looked at alone.
    sets = [{name: pool} for name, pool in pools.items()] if scenario.over_years else [pools]
    found = {}
    for some in sets:
        with suppress(InputError):
            fleet = Throughput(
                scenario.run, some, scenario.mixing, constants=scenario.constants
            )
            found |= {name: where.report() for name, where in fleet.reaches.items()}
    return found


def outside(found: dict[str, dict[str, Any]]) -> list[str]:
    """Say of each pool whether its step time is inside or outside of what was published."""
    lines = []
    for name, where in found.items():
        low, high = where["band90"]
        side = "inside" if where["inside"] else "OUTSIDE"
        of = "what was published"
        if where["calibrated_at"]:
            of = f"what is known from your rate on {where['calibrated_at']:,} chips, calibrated"
        lines.append(
            f"{name}: {side} of {of} ({where['measure']}); "
            f"90 % band of the step time {low - 1:+.0%} to {high - 1:+.0%}"
        )
    return lines


def parts(answer: dict[str, Any]) -> str:
    """Write a step time as a table of its parts."""
    from sim.experiments.choices import nearness

    step = answer["step_seconds"]
    rate = answer["tokens_per_s"]
    lines = [
        *outside(answer["domain"]),
        f"{step:.3f} s a step, {rate:,.0f} tokens/s, MFU {answer['mfu']:.1%}",
    ]
    for name, seconds in answer["parts"].items():
        if seconds:
            lines.append(f"  {name:22}{seconds:9.3f} s {seconds / step:7.1%}")
    lines.append(f"bottleneck: {answer['bottleneck']}")
    idle = answer["idle_chips"]
    for pool, memory in answer["memory_gb_per_chip"].items():
        layout = answer["layouts"].get(pool, "takes no part")
        lines.append(f"{pool}: {memory:.1f} GB a chip, {idle[pool]:,} chips idle; {layout}")
    lines.append(nearness(rate, answer["planner_tokens_per_s"]))
    if len(idle) > 1:
        lines.append(
            f"the mix reaches {answer['scaling_ratio']:.1%} of what its pools reach alone"
        )
    for pool, faster in answer["faster_without"].items():
        lines.append(f"faster without {pool}: {faster:,.0f} tokens/s")
    return "\n".join(lines)


def fit(report: dict[str, Any]) -> str:
    """Write what was fitted to a log: parameters, mechanisms, check, and limits."""
    watched = f"{report['nodes']:,} nodes over {report['days']:,.1f} days"
    lines = [
        f"{report['outages']:,} outages of {watched}, {report['node_days']:,.0f} node-days"
    ]
    lines += ["", f"{'fitted':34}{'best':>12}  95 % interval"]
    for name, value in report["parameters"].items():
        ends = f"{value['lo']:.4g} … {value['hi']:.4g}"
        lines.append(
            f"  {name:32}{value['best']:>12.4g}  {ends}  {report['units'][name]}".rstrip()
        )
    lines += [
        "",
        f"{'tried':34}{'gain':>12}  (log-probability of what it had not seen; 3 is asked)",
    ]
    for trial in report["tried"]:
        name = " of ".join(filter(None, (trial["mechanism"], trial["cause"])))
        lines.append(
            f"  {name:32}{trial['gain']:>12.1f}  {'kept' if trial['kept'] else 'left out'}"
        )
    for key, words in FIT_TABLES.items():
        if key in report:
            lines += ["", f"{words:42}{'log':>9}  nine of ten runs"]
            lines += [_beside(row) for row in report[key]]
    if "coverage" in report:
        share = f"{report['coverage']:.0%}"
        lines.append(f"  of the parts of the last third {share} lay within nine of ten runs")
    lines += [
        "",
        "what the table cannot show",
        *(f"  {words}." for words in report["limits"]),
    ]
    return "\n".join(lines)


def _beside(row: dict[str, Any]) -> str:
    ends = f"{row['p5']:.4g} … {row['p95']:.4g}"
    return (
        f"  {row['title']:40}{row['log']:>9.4g}  {ends}{'' if row['inside'] else '  outside'}"
    )


def short(path: Path) -> str:
    """Write a path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
