"""Published step times beside ours.

Every row says what it is evidence of: a constant rests on *fitted* rows, *interpolation* lies
between those, and only *validation* was not looked at. Rows of one run are one measurement in
several units, so the summary counts runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from sim import catalogue
from sim.catalogue.evidence import MeasuredRun
from sim.errors import InputError
from sim.scenario import Case, load_case
from sim.throughput import Plan, Throughput, flops_per_token


@dataclass(frozen=True)
class Row:
    """A published number and ours; `error` is ours over published, less one."""

    id: str
    title: str
    role: str
    quantity: str
    unit: str
    published: float
    ours: float
    error: float
    source: str
    status: str
    mature: bool
    cause_of_miss: str
    run: str


@dataclass(frozen=True)
class Summary:
    """Errors of the validation rows on mature stacks: the mean over runs, and the worst row."""

    runs: int
    mean: float
    worst: float
    worst_id: str


def rows(kind: str = "step-time") -> list[Row]:
    """The table of published runs, computed anew.

    Parameters
    ----------
    kind : str
        ``step-time``: whole steps; ``parts``: what a step is made of, where a paper says.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    if kind not in ("step-time", "parts"):
        raise InputError(f"no published rows of kind '{kind}'; allowed: step-time, parts")
    found = []
    for name, entry in catalogue.table("runs").items():
        run = entry.item
        assert isinstance(run, MeasuredRun)
        case, plans = load_case(run.case), {}
        facts = {fact.path: fact for fact in entry.facts}
        for k, row in enumerate(run.rows):
            if row.quantity.startswith("part.") != (kind == "parts"):
                continue
            equal = row.quantity.endswith("_equal")
            if equal not in plans:
                plans[equal] = _plan(case, equal=equal)
            ours = _quantity(row.quantity.removesuffix("_equal"), case, plans[equal], run.without)
            fact = facts[f"runs.{name}.rows.{k}.measured"]
            found.append(
                Row(
                    **{
                        key: getattr(row, key)
                        for key in ("id", "title", "role", "quantity", "unit", "cause_of_miss")
                    },
                    **{"published": row.measured, "ours": ours, "error": ours / row.measured - 1},
                    **{
                        "source": fact.source,
                        "status": fact.status,
                        "mature": run.mature,
                        "run": name,
                    },
                )
            )
    return found


def summary(table: list[Row]) -> Summary:
    """What the rows say of the model: validation rows on mature stacks only."""
    evidence = [row for row in table if row.role == "validation" and row.mature]
    by_run: dict[str, list[float]] = {}
    for row in evidence:
        by_run.setdefault(row.run, []).append(abs(row.error))
    worst = max(evidence, key=lambda row: abs(row.error))
    return Summary(len(by_run), fmean(map(fmean, by_run.values())), abs(worst.error), worst.id)


def _plan(case: Case, without: tuple[str, ...] = (), equal: bool = False) -> Plan:
    fleet = {name: pool for name, pool in case.fleet.items() if name not in without}
    return Throughput(case.run, fleet, case.mixing, equal=equal).full


def _quantity(name: str, case: Case, plan: Plan, without: tuple[str, ...]) -> float:
    """One number of a plan under the name the rows use."""
    chips, rate, model = sum(plan.used_chips.values()), plan.tokens_per_s, case.run.model
    if name.startswith("part."):
        return math.fsum(plan.parts[part] for part in name.removeprefix("part.").split("+"))
    full = flops_per_token(model, "full") / flops_per_token(model)
    tflops = flops_per_token(model) * rate / chips / 1e12
    quantities: dict[str, Callable[[], float]] = {
        "step_seconds": lambda: plan.step_seconds,
        "tokens_per_s": lambda: rate,
        "tokens_per_s_per_chip": lambda: rate / chips,
        "tokens_per_day": lambda: rate * 86400 / 1e9,
        "mfu": lambda: plan.mfu,
        "mfu_full": lambda: plan.mfu * full,
        "tflops": lambda: tflops,
        "tflops_full": lambda: tflops * full,
        "gpu_hours": lambda: case.run.tokens / rate * chips / 3600,
        "gpu_hours_per_1e12": lambda: 1e12 / rate * chips / 3600,
        "days_per_1e12": lambda: 1e12 / rate / 86400,
        "speedup": lambda: rate / _plan(case, without).tokens_per_s,
    }
    return quantities[name]()
