"""How well the step-time model predicts families of published runs that nothing was fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev
from typing import Any

from scipy.stats import norm

from sim import catalogue
from sim.catalogue.evidence import Family, MeasuredRun, Point
from sim.scenario import Case, load_case
from sim.throughput.domain import NINETY, point, reach
from sim.validation.published import plan_of, quantity, speed_error
from sim.validation.report import Prediction, Row, by_family, hits


def families(role: str) -> dict[str, Family]:
    """The families that constants rest on, or those that are left out of every fit."""
    table = catalogue.table("families")
    return {name: entry.item for name, entry in table.items() if entry.item.role == role}


def fitted_runs() -> list[str]:
    """The published runs that constants rest on."""
    return [name for family in families("fitted").values() for name in family.runs]


@cache
def case_of(name: str) -> tuple[MeasuredRun, Case]:
    """A published run and its case."""
    run = catalogue.entry("runs", name).item
    return run, load_case(run.case)


def points() -> dict[str, dict[str, Point]]:
    """What the distance is measured by, for each published run of each stack."""
    found: dict[str, dict[str, Point]] = {}
    for entry in catalogue.table("families").values():
        family = entry.item
        for name in (*family.runs, *family.held_out):
            _, case = case_of(name)
            plan = plan_of(case)
            [shape] = plan.layouts.values()
            assert shape
            chips = sum(plan.used_chips.values())
            found.setdefault(family.stack, {})[name] = point(case.run.model, shape, chips)
    return found


@dataclass(frozen=True)
class Scored(Prediction):
    """A published run of a family left out of every fit, and its prediction.

    Attributes
    ----------
    run, family : str
        Names in the catalogue.
    error : float
        Logarithm of the published step time over the predicted one.
    spread : float
        Predicted standard deviation of that error.
    inside : bool
        Of the domain, measured against the other families on its stack.
    distance : float
        To the nearest run of those.
    crps : float
        Continuous ranked probability score of the prediction, in log units; small is good.
    crps_mfu : float
        That of a constant MFU, with mean and spread of the fitted runs.
    """

    run: str
    family: str
    error: float
    spread: float
    inside: bool
    distance: float
    crps: float
    crps_mfu: float

    @property
    def place(self) -> float:
        """Where the published value lies in the predicted distribution: the share below it."""
        return float(norm.cdf(self.error / self.spread))


def crps(error: float, spread: float) -> float:
    """Continuous ranked probability score of a normal prediction (Gneiting and Raftery, 2007).

    Examples
    --------
    >>> round(crps(0.0, 1.0), 4)
    0.2337
    """
    z = error / spread
    inner = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi)
    return float(spread * inner)


def scores() -> list[Scored]:
    """The runs of the validation families, each predicted as if its family were unpublished."""
    known = points()
    utilisation = [math.log(_mfu(name)) for name in fitted_runs()]
    usual = fmean(utilisation)
    width = stdev(utilisation)
    found = []
    for name, family in families("validation").items():
        others = [at for run, at in known[family.stack].items() if run not in family.runs]
        for run in family.runs:
            published, case = case_of(run)
            [pool] = case.fleet.values()
            where = reach(pool, case.run.model, known[family.stack][run], others)
            error = speed_error(published, case)
            # A higher utilisation than usual is a step shorter than a constant one predicts.
            by_mfu = usual - math.log(_mfu(run))
            found.append(
                Scored(
                    run,
                    name,
                    error,
                    where.spread,
                    where.inside,
                    where.distance,
                    crps(error, where.spread),
                    crps(by_mfu, width),
                )
            )
    return found


def _mfu(name: str) -> float:
    """Utilisation as published: ours, corrected by how far the published step time is off."""
    published, case = case_of(name)
    return plan_of(case).mfu / math.exp(speed_error(published, case))


def rows() -> list[Row]:
    """The table of step times by family: each run, then how often bands hit, and the score.

    A predicted run is `ok` if its 90 % range covers what was published; fitted runs describe.
    """
    found = scores()
    table = [_row(scored.run, scored) for scored in found]
    table += [_row(run) for run in fitted_runs()]
    for what, groups in (("run", [[one] for one in found]), ("family", by_family(found))):
        for level in (0.5, 0.9):
            number, low, high = hits(groups, level)
            title = f"hits of {level:.0%} bands among {len(groups)}, by {what}"
            about = {"p5": low, "p95": high, "against": "95 % of the binomial"}
            expected = level * len(groups)
            right = low <= number <= high
            table.append(
                Row(f"hits_{level:.0%}_{what}", title, number, expected, right, **about)
            )
    ours = fmean(row.crps for row in found)
    usual = fmean(row.crps_mfu for row in found)
    title = "score of the predictions (CRPS)"
    table.append(Row("crps", title, ours, usual, ours < usual, against="a constant MFU"))
    return table


def _row(run: str, scored: Scored | None = None) -> Row:
    published, case = case_of(run)
    row = published.rows[0]
    ours = quantity(row.quantity, case, published.without)
    about: dict[str, Any] = {"role": "fitted", "case": run, "unit": row.unit, "ok": True}
    if scored:
        half = math.exp(NINETY * scored.spread)
        side = "inside" if scored.inside else "OUTSIDE"
        about |= {"role": "validation", "p5": ours / half, "p95": ours * half}
        about |= {"against": f"{scored.family}, {side}", "ok": scored.hit(0.9)}
    return Row(
        row.id, row.title, ours, row.measured, cause_of_miss=row.cause_of_miss, **about
    )
