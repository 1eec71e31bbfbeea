"""Answers as text for a terminal, and as files for a record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import catalogue
from sim.catalogue import Entry
from sim.scenario import Case, Scenario, load_scenario, names

NOTHING = 1e-12
"""Below this a sum of times is nothing but its rounding."""

if TYPE_CHECKING:  # what runs need is loaded by those who run
    from sim.experiments.replicate import Replications
    from sim.throughput import Plan


def run(scenario: Scenario, result: Replications) -> str:
    """A table of the metrics, then where the time and the chips went."""
    from sim.results.ledger import PLACES, TIME

    report = result.report()
    days = report["completion_days"]
    done = ", ".join(
        f"{name} {value:,.1f} d" if value else f"{name} after the horizon"
        for name, value in days.items()
    )
    lines = [
        scenario.heading,
        f"{report['replications']} replications, seed {report['seed']}: {report['finished']:.0%} finished; {done}",
        *_censored(scenario, report),
        "",
        f"{'':24}{'mean':>14}  {'95 % interval of the mean':>29}  {'spread of outcomes, 5–95 %':>29}",
    ]
    metrics = report["metrics"]
    lines += [_row(name, values) for name, values in metrics.items() if "." not in name]
    lines += ["", "wall clock, days"]
    lines += [_row(category, metrics[f"time.{category}_days"]) for category in TIME]
    lines += ["", "chips by place, chip-days"]
    places = [place for place in PLACES if metrics[f"chips.{place}_days"]["p95"]]
    lines += [_row(place, metrics[f"chips.{place}_days"]) for place in places]
    if "split" in report:
        lines += _split("crossing_days" if scenario.runs else "wall_days", report["split"])
    return "\n".join(lines)


def _censored(scenario: Scenario, report: dict[str, Any]) -> list[str]:
    """What to know of means over runs some of which the horizon ended."""
    if scenario.runs or report["finished"] == 1:
        return []
    open_ = round((1 - report["finished"]) * report["replications"])
    return [
        f"the horizon, day {scenario.horizon / 86400:g}, ended {open_} runs: means are restricted to it"
    ]


def _split(metric: str, split: dict[str, Any]) -> list[str]:
    """Where the spread of a metric comes from."""
    parts = {"run_to_run": "chance", "inputs": "unknown inputs", "model": "the step-time model"}
    found = {words: split[metric][key] for key, words in parts.items()} if metric in split else {}
    lines = [
        f"  {words:22}{p['share']:>14.0%}  {p['lo']:>14.0%} … {p['hi']:.0%}"
        for words, p in found.items()
    ]
    return ["", f"the spread of {metric} comes from", *(lines or ["  unknown"])]


def _row(name: str, values: dict[str, float | None]) -> str:
    def text(*keys: str) -> str:
        numbers = [0.0 if abs(v := values[key] or 0.0) < NOTHING else v for key in keys]
        return " … ".join(f"{v:,.0f}" if 1e4 <= abs(v) < 1e10 else f"{v:,.4g}" for v in numbers)

    if values["mean"] is None:
        return f"  {name:22}{'unknown':>14}"
    interval = text("lo", "hi") if values["lo"] is not None else "one run"
    return f"  {name:22}{text('mean'):>14}  {interval:>29}  {text('p5', 'p95'):>29}"


def step_time(case: Case) -> dict[str, Any]:
    """The step of a healthy fleet: seconds, tokens/s, MFU, parts, bottleneck, memory and idle chips
    by pool.

    Beside it stand the rate of the planner's own layout, the rate of the mix over the sum of its
    pools alone, and the pools without which the run would be faster.
    """
    from sim.throughput import Throughput

    fleet = Throughput(case.run, case.fleet, case.mixing, constants=case.constants)
    plan: Plan = fleet.full
    return {
        "step_seconds": plan.step_seconds,
        "tokens_per_s": plan.tokens_per_s,
        "mfu": plan.mfu,
        "parts": dict(plan.parts),
        "bottleneck": plan.bottleneck,
        "memory_gb_per_chip": {n: b / 1e9 for n, b in plan.memory_bytes_per_chip.items()},
        "idle_chips": plan.idle_chips,
        "planner_tokens_per_s": fleet.freely_planned.full.tokens_per_s,
        "scaling_ratio": fleet.scaling_ratio,
        "faster_without": fleet.faster_without,
    }


def parts(answer: dict[str, Any]) -> str:
    """A step time as a table of its parts."""
    step = answer["step_seconds"]
    lines = [
        f"{step:.3f} s a step, {answer['tokens_per_s']:,.0f} tokens/s, MFU {answer['mfu']:.1%}"
    ]
    shown = {name: seconds for name, seconds in answer["parts"].items() if seconds}
    lines += [
        f"  {name:22}{seconds:9.3f} s {seconds / step:7.1%}" for name, seconds in shown.items()
    ]
    lines.append(f"bottleneck: {answer['bottleneck']}")
    for pool, memory in answer["memory_gb_per_chip"].items():
        lines.append(f"{pool}: {memory:.1f} GB a chip, {answer['idle_chips'][pool]} chips idle")
    gain = answer["planner_tokens_per_s"] / answer["tokens_per_s"] - 1
    lines.append(
        f"the planner's own layout is {gain:.1%} faster"
        if gain > 5e-4
        else "no layout tried is faster"
    )
    if len(answer["idle_chips"]) > 1:
        lines.append(f"the mix reaches {answer['scaling_ratio']:.1%} of what its pools reach alone")
    for pool, rate in answer["faster_without"].items():
        lines.append(f"faster without {pool}: {rate:,.0f} tokens/s")
    return "\n".join(lines)


def tables() -> str:
    """The tables of the catalogue and what is in them."""
    return "\n".join(f"{kind:10} {', '.join(catalogue.table(kind))}" for kind in catalogue.kinds())


def table(kind: str) -> str:
    """The entries of one table with their titles."""
    return "\n".join(
        f"{name:22} {getattr(e.item, 'title', '')}" for name, e in catalogue.table(kind).items()
    )


def entry(item: Entry) -> str:
    """An entry's facts: value, range, status, source, note."""
    lines = [item.name]
    prefix = f"{item.kind}.{item.name}."
    for fact in item.facts:
        ends = f" [{fact.range[0]} … {fact.range[1]}]" if fact.range else ""
        lines.append(
            f"  {fact.path.removeprefix(prefix):28} {fact.value}{ends}   {fact.status}, {fact.source}"
        )
        if fact.note:
            lines.append(f"  {'':28}   {fact.note}")
    cited = dict.fromkeys(fact.source for fact in item.facts)
    lines += ["sources", *(f"  {key}: {source_line(key)}" for key in cited)]
    return "\n".join(lines)


def source_line(key: str) -> str:
    """Title, address and licence of a source."""
    source = catalogue.sources()[key]
    return ", ".join(part for part in (source["title"], source["url"], source["licence"]) if part)


def scenarios() -> str:
    """Name, status and title of every scenario."""
    loaded = [load_scenario(name) for name in names()]
    return "\n".join(
        f"{scenario.name:20} {scenario.status:15} {scenario.title}" for scenario in loaded
    )


def short(path: Path) -> str:
    """A path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
