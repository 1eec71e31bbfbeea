"""Published step times and ours.

Every row says what it is evidence of: a constant rests on *fitted* rows, *interpolation* lies
between those, and only *validation* was not looked at. Rows of one run are one measurement in
several units, so the summary counts runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from sim import catalogue
from sim.catalogue.evidence import MeasuredRun
from sim.scenario import Case, load_case
from sim.throughput import Plan, Throughput, flops_per_token
from sim.validation.report import Row

MEAN_ERROR = 0.06
WORST_ERROR = 0.15
"""Largest errors of published step times on mature stacks that still count as agreement."""


@dataclass(frozen=True)
class Summary:
    """Errors of the validation rows on mature stacks: the mean over runs, and the worst row."""

    runs: int
    mean: float
    worst: float


def rows() -> list[Row]:
    """The table of published steps.

    A row on a mature stack that is validation is `ok` if its error is at most `WORST_ERROR`, and
    the mean of all such at most `MEAN_ERROR`. Any other row describes.
    """
    found = _rows(parts=False)
    # The mean error belongs to all rows that count: if it is too large, none of them holds.
    close = summary(found).mean <= MEAN_ERROR
    judged = []
    for row in found:
        agrees = close and abs(row.error) <= WORST_ERROR
        judged.append(replace(row, ok=agrees or not counts(row)))
    return judged


def parts() -> list[Row]:
    """What a step is made of, where a paper says."""
    return _rows(parts=True)


def counts(row: Row) -> bool:
    """Whether a row is evidence: not fitted to, and of a stack that the model claims to know."""
    return row.role == "validation" and bool(row.mature)


def summary(table: Sequence[Row]) -> Summary:
    """What the rows say of the model: validation rows on mature stacks only."""
    evidence = [row for row in table if counts(row)]
    by_run: dict[str, list[float]] = {}
    for row in evidence:
        by_run.setdefault(row.case, []).append(abs(row.error))
    worst = max(abs(row.error) for row in evidence)
    return Summary(len(by_run), fmean(map(fmean, by_run.values())), worst)


def _rows(*, parts: bool) -> list[Row]:
    found = []
    for name, entry in catalogue.table("runs").items():
        run = entry.item
        case = load_case(run.case)
        facts = {fact.path: fact for fact in entry.facts}
        for k, row in enumerate(run.rows):
            if row.quantity.startswith("part.") != parts:
                continue
            fact = facts[f"runs.{name}.rows.{k}.measured"]
            about = row.model_dump(exclude={"measured"})
            ours = quantity(row.quantity, case, run.without)
            found.append(
                Row(
                    **about,
                    ours=ours,
                    expected=row.measured,
                    ok=True,
                    mature=run.mature,
                    case=name,
                    source=fact.source,
                    status=fact.status,
                )
            )
    return found


SLOWER = {"step_seconds", "gpu_hours", "gpu_hours_per_1e12", "days_per_1e12"}
"""Quantities that grow with the step time; the others fall."""


def speed_error(run: MeasuredRun, case: Case) -> float:
    """Logarithm of the published step time of a run over the modelled one."""
    row = run.rows[0]
    ratio = math.log(row.measured / quantity(row.quantity, case, run.without))
    return ratio if row.quantity in SLOWER else -ratio


def plan_of(case: Case, without: tuple[str, ...] = (), equal: bool = False) -> Plan:
    """The plan of a case, without some of its pools or with equal shares for all."""
    fleet = {name: pool for name, pool in case.fleet.items() if name not in without}
    constants = case.constants
    return Throughput(case.run, fleet, case.mixing, constants=constants, equal=equal).full


def quantity(name: str, case: Case, without: tuple[str, ...]) -> float:
    """A number of the plan of a case, by the name that the rows have for it."""
    plan = plan_of(case, equal=name.endswith("_equal"))
    rate = plan.tokens_per_s
    if name.startswith("part."):
        return math.fsum(plan.parts[part] for part in name.removeprefix("part.").split("+"))
    if name == "speedup":
        return rate / plan_of(case, without).tokens_per_s
    chips = sum(plan.used_chips.values())
    flops = flops_per_token(case.run.model)
    # Some papers count the whole square of attention, also the half that a causal mask hides.
    full = flops_per_token(case.run.model, "full") / flops
    tflops = flops * rate / chips / 1e12
    head = 6.0 * case.run.model.vocabulary * case.run.model.hidden
    # Narayanan et al. (2021) count the forward pass of the layers twice, that of the head once.
    recomputed = (4 * full * flops - head) / (3 * flops)
    quantities = {
        "step_seconds": plan.step_seconds,
        "tokens_per_s": rate,
        "tokens_per_s_per_chip": rate / chips,
        "tokens_per_day": rate * 86400 / 1e9,
        "mfu": plan.mfu,
        "mfu_full": plan.mfu * full,
        "tflops": tflops,
        "tflops_full": tflops * full,
        "tflops_recomputed": tflops * recomputed,
        "gpu_hours": case.run.tokens / rate * chips / 3600,
        "gpu_hours_per_1e12": 1e12 / rate * chips / 3600,
        "days_per_1e12": 1e12 / rate / 86400,
    }
    return quantities[name.removesuffix("_equal")]
