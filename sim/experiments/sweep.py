"""Many scenarios at once, each point kept, and the way back from a folder to its results."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, Unpack, get_args

import pandas as pd

from sim.errors import InputError
from sim.experiments.executors import Execution, open_workers
from sim.experiments.intervals import figures
from sim.experiments.replicate import Replications
from sim.experiments.store import DAMAGED, Outcome, Point, Store
from sim.files import read
from sim.quantities.uncertain import Uncertain
from sim.results.answer import Answer
from sim.scenario import Scenario
from sim.scenario.guards import check_among, check_lists, check_scenario, check_whole
from sim.streams import stream

SHOWN = 20
"""Points that a sweep shows of itself."""
Design = Literal["latin-hypercube", "sobol"]
At = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Sweep(Answer):
    """Replications at each point, and what is set there by path or name of an unknown constant."""

    points: Sequence[tuple[At, Replications]]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row a point and metric: what is set, the share finished, and the metric's summary."""
        rows = [
            {**at, "finished": result.frame["finished"].mean(), "metric": metric, **values}
            for at, result in self.points
            for metric, values in result.summary().items()
        ]
        return pd.DataFrame(rows)

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        return {"points": [{"at": at, **result.report()} for at, result in self.points]}

    def __str__(self) -> str:
        lines = self.table().splitlines()
        if len(lines) > SHOWN + 1:
            lines = [*lines[: SHOWN + 1], f"and {len(lines) - SHOWN - 1} more"]
        return "\n".join([f"{len(self.points)} points", *lines])

    def table(self, metric: str | None = None) -> str:
        """Write the points as text, with one metric; KeyError if there is no such metric."""
        metric = metric or self.points[0][1].own_metric
        rows = self.frame.groupby("metric").get_group(metric)
        shown = rows.copy()
        for name in ("mean", "lo", "hi", "p5", "p95"):
            known = zip(rows[name], rows["lo"], rows["hi"], strict=True)
            # One run has no interval, and what is not known has no number either.
            shown[name] = [
                "" if pd.isna(value) else figures(value, low, high)
                for value, low, high in known
            ]
        return shown.fillna("").to_string(index=False, float_format="{:z.4g}".format)


def sweep(
    scenario: Scenario,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    design: Design | None = None,
    samples: int = 64,
    n: int = 100,
    seed: int = 0,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> Sweep:
    """Replicate a scenario at every point of a grid, of a sample of its unknowns, or of both.

    Parameters
    ----------
    scenario : Scenario
    grid : mapping of str to sequence, optional
        Values by dotted path; every combination is a point.
    design : {"latin-hypercube", "sobol"}, optional
        Points spread evenly over all unknown constants, each by its quantiles.
    samples : int
        How many of them.
    n : int
        Replications of each point, the same ones at all of them (common random numbers).
    seed, fixed_inputs, **execution
        As for `replicate`. With `out` an interrupted sweep resumes, and `load` reads the finished
        one.

    Raises
    ------
    InputError
        For a wrong path, value or number of samples, before anything is run.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> result = sweep(load_scenario("deepseek-v3"), {"fleet.good.chips": [2048, 4096]}, n=2)
    >>> [at for at, _ in result.points]
    [{'fleet.good.chips': 2048}, {'fleet.good.chips': 4096}]
    """
    check_scenario(scenario)
    check_whole("n", n, 1)
    check_whole("samples", samples, 1)
    if design is not None:
        check_among("design", design, get_args(Design))
    grid = grid or {}
    check_lists("grid", grid)
    points = []
    for values in product(*grid.values()):
        at = dict(zip(grid, values, strict=True))
        changed = scenario.override(at) if at else scenario
        for unknowns in _sample(changed, design, samples, seed) if design else [{}]:
            points.append(
                (at | unknowns, Point(changed, seed, range(n), unknowns, fixed_inputs))
            )
    return carry_out("sweep", points, **execution)


def study(
    what: str,
    scenarios: Mapping[Any, Scenario],
    n: int,
    seed: int,
    *,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> dict[Any, Replications]:
    """Replicate some scenarios under the same luck.

    Parameters
    ----------
    what : str
        What tells them apart: the name of the experiment.
    scenarios : mapping
    n : int
        Replications of each.
    seed, fixed_inputs, **execution
        As for `replicate`.

    Returns
    -------
    dict
        The replications of each, by the key of the scenario.
    """
    check_whole("n", n, 1)
    points = [
        ({what: key}, Point(scenario, seed, range(n), {}, fixed_inputs))
        for key, scenario in scenarios.items()
    ]
    return {at[what]: runs for at, runs in carry_out(what, points, **execution).points}


def carry_out(
    experiment: str, points: Sequence[tuple[At, Point]], **execution: Unpack[Execution]
) -> Sweep:
    """Run the points of an experiment, after writing down which they are."""
    with open_workers(**execution) as workers:
        workers.record(experiment, points)
        outcomes = workers.run([point for _, point in points])
    parts = [
        (at, Replications(point.scenario.name, point.seed, part, horizon=point.horizon_days))
        for (at, point), part in zip(points, outcomes, strict=True)
    ]
    return Sweep(parts)


def load(folder: str | Path) -> Replications | Sweep:
    """Read back what an experiment wrote to its `out` folder.

    Returns
    -------
    Replications or Sweep
        Replications of a run, a sweep of any other experiment.

    Raises
    ------
    InputError
        When there is no record, or a point of it is missing or damaged.
    """
    store = Store(folder)
    try:
        record = json.loads(read(store.folder / "record.json"))
        points = [(point["at"], *store.read(point["key"])) for point in record["points"]]
        experiment = record["experiment"]
    except InputError as error:
        raise InputError(f"{error}; the same command again completes the record") from None
    except DAMAGED as error:
        raise InputError(
            f"{folder}: cannot be read ({error}); the same command again repairs it"
        ) from None
    parts = []
    for at, content, outcomes in points:
        # A record of an older version does not say where its runs end.
        horizon = content.get("horizon_days", math.inf)
        name = content["scenario"]["name"]
        parts.append((at, Replications(name, content["seed"], outcomes, horizon=horizon)))
    if experiment != "run":
        return Sweep(parts)
    # The many points of a run are one to its reader, and those that split it stand apart.
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for at, part in parts:
        kind = "nested" if "nested" in at else at.get("group", "")
        by_kind[kind] += part.outcomes
    plain, nested = by_kind.pop(""), by_kind.pop("nested", [])
    return replace(parts[0][1], outcomes=plain, nested=nested, partners=by_kind)


def _sample(
    scenario: Scenario, design: Design, samples: int, seed: int
) -> list[dict[str, float]]:
    """Spread points over the unknown constants of a scenario, by the quantiles of each."""
    unknowns = scenario.unknowns()
    if not unknowns:
        raise InputError(f"{scenario.name}: there are no unknown constants to sample")
    if design == "sobol":
        power_of_two(samples)
    # Loaded here, as most sweeps are over grids.
    from scipy.stats import qmc

    engine = qmc.Sobol if design == "sobol" else qmc.LatinHypercube
    points = engine(len(unknowns), rng=stream(seed, 0, f"design.{design}"))
    return [drawn(unknowns, row) for row in points.random(samples).tolist()]


def drawn(unknowns: Mapping[str, Uncertain], quantiles: Iterable[float]) -> dict[str, float]:
    """The value of each unknown constant at its quantile."""
    pairs = zip(unknowns.items(), quantiles, strict=True)
    return {name: number.draw(quantile) for (name, number), quantile in pairs}


def power_of_two(samples: int) -> None:
    """Refuse any other number of Sobol points: their balance is lost."""
    if samples & (samples - 1) or samples < 2:
        above = 2 ** samples.bit_length()
        raise InputError(
            f"{samples} samples: Sobol points come in powers of two, such as {above}"
        )
