"""The fit of the step-time constants: `make fit-steptime`.

Least squares on the logarithm of published over modelled step times, over the runs of the fitted
families alone. What it prints is what the catalogue says; a test keeps the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares, minimize

from sim import catalogue
from sim.scenario import Case
from sim.scenario.parts import Pool
from sim.throughput.domain import NINETY, reach
from sim.validation.published import speed_error
from sim.validation.step_score import case_of, families, fitted_runs, points

SEVERAL = ("megatron-2021", "megatron-core", "llm-foundry")
"""Stacks with more runs than constants."""


@dataclass(frozen=True)
class Constant:
    """A constant of the catalogue that the fit sets."""

    table: str
    names: tuple[str, ...]
    """Of the entries that share it."""
    key: str

    def __str__(self) -> str:
        return f"{self.table}.{self.names[0]}.{self.key}"

    @property
    def stated(self) -> float:
        """As the catalogue has it."""
        return float(getattr(catalogue.entry(self.table, self.names[0]).item, self.key))


CONSTANTS = (
    Constant("chips", ("A100-SXM-80", "A100-SXM-40", "A800-SXM-80"), "kernel_efficiency"),
    Constant("chips", ("H100-SXM-80", "H800-SXM-80"), "kernel_efficiency"),
    Constant("chips", ("B200-180",), "kernel_efficiency"),
    Constant("chips", ("Ascend-910B3",), "kernel_efficiency"),
    Constant("stacks", ("megatron-lm",), "data_efficiency"),
    Constant("stacks", ("megascale",), "kernels"),
    Constant("stacks", ("megascale",), "fixed"),
    Constant("stacks", ("megatron-2021",), "kernels"),
    Constant("stacks", ("megatron-core",), "kernels"),
    Constant("stacks", ("llm-foundry",), "kernels"),
    Constant("stacks", ("haiscale",), "experts"),
    Constant("stacks", ("hai-llm", "megatron-core", "megascale", "mindspeed"), "experts"),
    Constant("stacks", ("mindspeed",), "maturity"),
)


def with_constants(case: Case, values: Mapping[Constant, float]) -> Case:
    """The case as it is with other constants."""
    pools = {name: _changed(pool, values) for name, pool in case.fleet.items()}
    return case.model_copy(update={"fleet": pools})


def _changed(pool: Pool, values: Mapping[Constant, float]) -> Pool:
    for constant, value in values.items():
        for part in ("chip", "stack"):
            item = getattr(pool, part)
            # A case that says otherwise, as of a mature stack, keeps what it says.
            stated = getattr(item, constant.key, None) == constant.stated
            if constant.table == f"{part}s" and item.name in constant.names and stated:
                changed = item.model_copy(update={constant.key: value})
                pool = pool.model_copy(update={part: changed})
    return pool


def fit(runs: Sequence[str], start: Mapping[Constant, float]) -> dict[Constant, float]:
    """The constants for which the model comes closest to these runs.

    A constant that no run tells anything of keeps the value it starts from.
    """
    constants = list(start)
    logs = np.log([start[constant] for constant in constants])

    def residuals(x: np.ndarray) -> list[float]:
        values = dict(zip(constants, np.exp(x).tolist(), strict=True))
        found = []
        for name in runs:
            run, case = case_of(name)
            found.append(speed_error(run, with_constants(case, values)))
        # What no run tells anything of stays; the weight is too small to move anything else.
        return [*found, *(1e-4 * (x - logs))]

    best = least_squares(residuals, logs, x_scale=0.1, diff_step=1e-4, xtol=1e-10)
    return dict(zip(constants, np.exp(best.x).tolist(), strict=True))


class LeftOut(NamedTuple):
    """A run that was predicted without it."""

    stack: str
    error: float
    """Logarithm of the published step time over the modelled one."""
    distance: float
    """To the nearest of the other published runs on its stack."""


def left_out(values: Mapping[Constant, float]) -> list[LeftOut]:
    """Runs of the fitted families, each predicted without it.

    Held-out runs were never fitted to. On stacks with more runs than constants each is left out in
    turn.
    """
    found = []
    known = points()
    for family in families("fitted").values():
        in_turn = family.runs if family.stack in SEVERAL else ()
        for name in (*family.held_out, *in_turn):
            run, case = case_of(name)
            [pool] = case.fleet.values()
            # This run alone says how fast the chip is: without it nothing would.
            if pool.chip.name == "B200-180":
                continue
            rest = [other for other in fitted_runs() if other != name]
            known_without = fit(rest, values) if name in family.runs else values
            error = speed_error(run, with_constants(case, known_without))
            near = known[family.stack]
            apart = [p for other, p in near.items() if other != name]
            found.append(
                LeftOut(
                    family.stack,
                    error,
                    reach(pool, case.run.model, near[name], apart).distance,
                )
            )
    return found


def error_model(runs: Sequence[LeftOut]) -> tuple[float, float]:
    """The standard deviation of the error at a published run, and how it grows with the distance.

    The most likely ones for these runs, with errors that are normal and independent.
    """
    errors = np.array([run.error for run in runs])
    distances = np.array([run.distance for run in runs])

    def unlikely(x: np.ndarray) -> float:
        variances = np.exp(2 * x[0]) + np.exp(2 * x[1]) * distances**2
        return float(np.sum(np.log(variances) + errors**2 / variances))

    best = minimize(
        unlikely, np.log([0.03, 0.05]), method="Nelder-Mead", options={"xatol": 1e-6}
    )
    near, slope = np.exp(best.x).tolist()
    return near, slope


def common_share(runs: Sequence[LeftOut]) -> float:
    """Correlation between the errors on different stacks, about zero; none if it is negative."""
    means = [
        fmean(r.error for r in runs if r.stack == s) for s in sorted({r.stack for r in runs})
    ]
    count = len(means)
    square = fmean(mean**2 for mean in means)
    across = (math.fsum(means) ** 2 - count * square) / (count * (count - 1))
    return max(across / square, 0.0)


def stack_spread(values: Mapping[Constant, float]) -> float:
    """Spread of the logarithm of how fast kernels are, over the fitted stacks."""
    own = [values[c] for c in CONSTANTS if c.key in ("kernels", "maturity")]
    # On these the chips' efficiencies rest, so their kernels are one by definition.
    return float(np.std(np.log([*own, 1.0, 1.0]), ddof=1))


def limit(runs: Sequence[LeftOut], near: float, slope: float) -> float:
    """The largest distance at which a left-out run was covered by its 90 % band."""
    covered = [
        r.distance
        for r in runs
        if abs(r.error) <= NINETY * math.hypot(near, slope * r.distance)
    ]
    return max(covered)


def main() -> None:
    """Fit, and print the constants as the catalogue has them."""
    values = fit(fitted_runs(), {constant: constant.stated for constant in CONSTANTS})
    for constant, value in values.items():
        print(f"{constant}: {value:.4f}")
    runs = left_out(values)
    for run in runs:
        print(f"# left out: {run.stack}, distance {run.distance:.2f}, error {run.error:+.3f}")
    near, slope = error_model(runs)
    print(f"near: {near:.4f}")
    print(f"slope: {slope:.4f}")
    print(f"unseen: {stack_spread(values):.4f}")
    print(f"shared: {common_share(runs):.4f}")
    print(f"limit: {limit(runs, near, slope):.4f}")
    print("points:")
    for stack, known in points().items():
        rows = [[round(x, 1) for x in place] for place in known.values()]
        print(f"  {stack}: {rows}")


if __name__ == "__main__":
    main()
