"""Answers as text for a terminal."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import catalogue
from sim.catalogue import Entry
from sim.errors import InputError
from sim.quantities.distributions import Uncertain, highest, lowest
from sim.quantities.unknowns import unknowns
from sim.results.ledger import DAY, PLACES, TIME
from sim.results.metrics import metrics_of, own_metric
from sim.scenario import Case, Scenario, load_scenario, names
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
SOURCES = {"run_to_run": "chance", "inputs": "unknown inputs", "model": "the step-time model"}
"""In words, where a spread comes from."""


def run(scenario: Scenario, result: Replications, chosen: Choices) -> str:
    """Write a table of the metrics, then where the time and the chips went."""
    report = result.report()
    metrics = report["metrics"]
    days = [
        f"{name} {value:,.1f} d" if value else f"{name} after the horizon"
        for name, value in report["completion_days"].items()
    ]
    runs = f"{report['replications']} replications, seed {report['seed']}"
    lines = [scenario.heading, *outside(domain(scenario)), *over_years(scenario, result)]
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
    lines += [*str(chosen).splitlines(), cited(scenario)]
    if result.precision:
        lines.append(str(result.precision))
    heads = f"{'95 % interval of the mean':>29}  {'spread of outcomes, 5–95 %':>29}"
    lines += ["", f"{'':24}{'mean':>14}  {heads}"]
    lines += [_row(name, values) for name, values in metrics.items() if "." not in name]
    lines += ["", "wall clock, days"]
    lines += [_row(category, metrics[f"time.{category}_days"]) for category in TIME]
    lines += ["", "chips by place, chip-days"]
    chips = {place: metrics[f"chips.{place}_days"] for place in PLACES}
    # Most runs use few of the places.
    lines += [_row(place, values) for place, values in chips.items() if values["p95"]]
    if "split" in report:
        metric = own_metric(scenario)
        lines += ["", f"the spread of {metric} comes from", *_split(report["split"].get(metric))]
    return "\n".join(lines)


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


def _split(parts: dict[str, Any] | None) -> list[str]:
    if not parts:
        return ["  unknown"]
    lines = []
    for source, words in SOURCES.items():
        part = parts[source]
        interval = f"{part['lo']:>14.0%} … {part['hi']:.0%}"
        lines.append(f"  {words:22}{part['share']:>14.0%}  {interval}")
    return lines


def _row(name: str, values: dict[str, float | None]) -> str:
    """A metric: its mean, the interval of the mean, and the spread."""
    told = {key: _number(value) for key, value in values.items() if value is not None}
    if not told:
        return f"  {name:22}{'unknown':>14}"
    interval = f"{told['lo']} … {told['hi']}" if "lo" in told else "one run"
    spread = f"{told['p5']} … {told['p95']}"
    return f"  {name:22}{told['mean']:>14}  {interval:>29}  {spread:>29}"


def _number(value: float) -> str:
    if abs(value) < NOTHING:
        return "0"
    # Digits beyond ten are counted rather than read.
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e10 else f"{value:,.4g}"


def about(scenario: Scenario) -> tuple[dict[str, Any], Choices]:
    """What every answer says of its scenario: what was asked, what it is, and what it chose."""
    from sim.experiments.choices import choices

    chosen = choices(scenario)
    data = {
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
    used += entries(scenario.data)
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
            rest = (scenario.mixing,)
            fleet = Throughput(scenario.run, some, *rest, constants=scenario.constants)
            found |= {name: where.report() for name, where in fleet.reaches.items()}
    return found


def outside(found: dict[str, dict[str, Any]]) -> list[str]:
    """Say of each pool whether its step time is inside or outside of what was published."""
    lines = []
    for name, where in found.items():
        low, high = where["band90"]
        side = "inside" if where["inside"] else "OUTSIDE"
        lines.append(
            f"{name}: {side} of what was published ({where['measure']}); "
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
        lines.append(f"the mix reaches {answer['scaling_ratio']:.1%} of what its pools reach alone")
    for pool, faster in answer["faster_without"].items():
        lines.append(f"faster without {pool}: {faster:,.0f} tokens/s")
    return "\n".join(lines)


def tables() -> str:
    """List the tables of the catalogue and what is in them."""
    return "\n".join(f"{kind:10} {', '.join(catalogue.table(kind))}" for kind in catalogue.kinds())


def table(kind: str) -> str:
    """List the entries of one table with their titles."""
    return "\n".join(
        f"{name:22} {getattr(entry.item, 'title', '')}"
        for name, entry in catalogue.table(kind).items()
    )


def entry(item: Entry) -> str:
    """Write an entry's facts: value, range, status, source, note."""
    lines = [item.name]
    prefix = f"{item.kind}.{item.name}."
    known = unknowns(item.item)
    for fact in item.facts:
        ends = f" [{fact.range[0]} … {fact.range[1]}]" if fact.range else ""
        name = fact.path.removeprefix(prefix)
        lines.append(f"  {name:28} {fact.value}{ends}   {fact.status}, {fact.source}")
        if fact.path in known and not fact.range:
            lines.append(f"  {'':28}   {_drawn(known[fact.path])}")
        if fact.note:
            lines.append(f"  {'':28}   {fact.note}")
    lines.append("sources")
    for key in dict.fromkeys(fact.source for fact in item.facts):
        source = catalogue.sources()[key]
        words = (source["title"], source["url"], source["licence"])
        lines.append(f"  {key}: {', '.join(filter(None, words))}")
    return "\n".join(lines)


def _drawn(number: Uncertain) -> str:
    """Write the fixed value of an unknown constant, and where it lies in 90 % of the draws."""
    low, high = number.draw(0.05), number.draw(0.95)
    return f"drawn: {number:.3g}, 90 % between {low:.3g} and {high:.3g}"


def scenarios() -> str:
    """List name, status and title of every scenario."""
    loaded = map(load_scenario, names())
    return "\n".join(f"{one.name:20} {one.status:15} {one.title}" for one in loaded)


def short(path: Path) -> str:
    """Write a path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
