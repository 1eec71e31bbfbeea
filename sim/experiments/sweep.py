"""Many scenarios at once, each point kept, and the way back from a folder to its results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, Unpack

import pandas as pd
from scipy.stats import qmc

from sim.errors import InputError, nearest
from sim.experiments.executors import Work, workers
from sim.experiments.replicate import Replications
from sim.experiments.store import Outcome, Point, Store
from sim.scenario import Scenario, load_scenario
from sim.streams import stream

DESIGNS = {"latin-hypercube": qmc.LatinHypercube, "sobol": qmc.Sobol}
Design = Literal["latin-hypercube", "sobol"]
At = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Replications at each point, and what is set there: by path, or by the name of an unknown
    constant.
    """

    points: tuple[tuple[At, Replications], ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a point and metric: what is set, share finished, mean, its 95 % interval and the
        spread.
        """
        rows = [
            {**at, "finished": result.frame["finished"].mean(), "metric": metric, **values}
            for at, result in self.points
            for metric, values in result.summary().items()
        ]
        return pd.DataFrame(rows)

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        return {"points": [{"at": at, **result.report()} for at, result in self.points]}

    def table(self, metric: str = "wall_days") -> str:
        """The points as text, with one metric."""
        rows = self.frame[self.frame["metric"] == metric]
        if rows.empty:
            raise InputError(f"no metric '{metric}'{nearest(metric, self.frame['metric'])}")
        return rows.to_string(index=False, float_format="{:.5g}".format)


def sweep(
    scenario: Scenario,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    design: Design | None = None,
    samples: int = 64,
    n: int = 100,
    seed: int = 0,
    fixed_inputs: bool = False,
    **work: Unpack[Work],
) -> Sweep:
    """Replicate a scenario at every point of a grid, of a sample of its unknown constants, or of
    both combined.

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
    seed, fixed_inputs, **work
        As for `replicate`. With `out` an interrupted sweep resumes, and `load` reads the finished
        one.

    Examples
    --------
    >>> result = sweep(load_scenario("deepseek-v3"), {"fleet.good.chips": [2048, 4096]}, n=2)
    >>> [at for at, _ in result.points]
    [{'fleet.good.chips': 2048}, {'fleet.good.chips': 4096}]
    """
    points = []
    for values in product(*(grid or {}).values()):
        at = dict(zip(grid or {}, values, strict=True))
        question = scenario.override(at) if at else scenario
        for unknowns in _sample(question, design, samples, seed) if design else [{}]:
            points.append((at | unknowns, Point(question, seed, range(n), unknowns, fixed_inputs)))
    return study("sweep", points, **work)


def study(experiment: str, points: Sequence[tuple[At, Point]], **work: Unpack[Work]) -> Sweep:
    """Carry out points and, with `out`, write down first which they are."""
    if out := work.get("out"):
        Store(out).record(experiment, points)
    with workers(**work) as run:
        outcomes = run([point for _, point in points])
    return Sweep(
        tuple(
            (at, _replications(p.scenario, p.seed, part))
            for (at, p), part in zip(points, outcomes, strict=True)
        )
    )


def load(folder: str | Path) -> Replications | Sweep:
    """Read back what an experiment wrote to its `out` folder: Replications of a run, a Sweep of any
    other.

    Raises
    ------
    InputError
        When there is no record, or a point of it is missing or damaged.
    """
    store = Store(folder)
    try:
        record = json.loads((store.folder / "record.json").read_bytes())
        points = [(point["at"], *store.read(point["key"])) for point in record["points"]]
        run = record["experiment"] == "run"
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be read; the same command again completes the record"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: cannot be read ({error}); the same command again repairs it"
        ) from None
    parts = [
        (at, _replications(load_scenario(content["scenario"]), content["seed"], part))
        for at, content, part in points
    ]
    if not run:
        return Sweep(tuple(parts))
    plain, nested = (
        tuple(o for at, _, part in points if bool(at) == kind for o in part)
        for kind in (False, True)
    )
    return replace(parts[0][1], outcomes=plain, nested=nested)


def _replications(question: Scenario, seed: int, outcomes: Sequence[Outcome]) -> Replications:
    return Replications(question.name, seed, tuple(outcomes), question.start)


def _sample(question: Scenario, design: Design, samples: int, seed: int) -> list[dict[str, float]]:
    """Values of all unknown constants, a mapping a point."""
    unknowns = question.unknowns()
    if not unknowns:
        raise InputError(f"{question.name}: there are no unknown constants to sample")
    if design == "sobol":
        power_of_two(samples)
    engine = DESIGNS[design](len(unknowns), rng=stream(seed, 0, f"design.{design}"))
    return [
        {name: number.draw(u) for (name, number), u in zip(unknowns.items(), row, strict=True)}
        for row in engine.random(samples).tolist()
    ]


def power_of_two(samples: int) -> None:
    """Refuse any other number of Sobol points: their balance is lost."""
    if samples & (samples - 1) or samples < 2:
        raise InputError(
            f"{samples} samples: Sobol points come in powers of two, such as {2 ** samples.bit_length()}"
        )
