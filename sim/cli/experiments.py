"""The commands that carry out experiments."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

import sim
from sim import cli, files
from sim.cli.options import (
    Asked,
    Count,
    How,
    HowKnown,
    Metric,
    One,
    Printed,
    Sets,
    answer,
    changes,
    pairs,
    set_in,
)
from sim.errors import InputError, optional

if TYPE_CHECKING:
    from sim.scenario import Scenario

PICTURES = (".svg", ".png")
"""How files with pictures end."""

# The verbs of `sim` load what runs need when they are first asked for, and the commands below
# import the rest themselves: so whoever only wants help need not wait.


def run(
    *,
    asked: Asked,
    replications: Annotated[
        int | None, Option(min=1, help="Number of runs (default 100).")
    ] = None,
    precision: Annotated[
        float | None,
        Option(
            min=1e-6, max=1, help="Run until the mean of the metric is known to this share."
        ),
    ] = None,
    metric: Metric = None,
    how: HowKnown,
    split: Annotated[
        bool, Option("--split", help="Split the spread by cause; 3 to 5 times the runs.")
    ] = False,
    printed: Printed,
) -> None:
    """Simulate a scenario many times and sum up.

    Example: `sim run two-thousand-plus --set fleet.weak.chips=8192 --replications 200`
    """
    scenario = asked.scenario()
    result = sim.replicate(
        scenario, replications, precision=precision, metric=metric, split=split, by_group=split,
        **vars(how),
    )  # fmt: skip
    if how.out:
        content = json.dumps(scenario.data, indent=2, default=str)
        files.write(how.out / "scenario.json", content + "\n")
        files.write(how.out / "runs.csv", result.frame.to_csv(lineterminator="\n"))
    about, chosen = cli.answers.about(scenario)
    data = result.report() | about
    answer(data, cli.answers.run(scenario, result, chosen), cli.tables.run, printed, how.out)


def compare(
    *,
    a: Annotated[str, Argument(metavar="A", help="A scenario's name or file.")],
    b: Annotated[str, Argument(metavar="B", help="Another, or the same.")],
    metric: Metric = None,
    sets: Sets,
    set_b: Annotated[
        list[str] | None,
        Option("--set-b", metavar="PATH=VALUE", help="Set a value in B only."),
    ] = None,
    replications: Count = 100,
    how: HowKnown,
    printed: Printed,
) -> None:
    """Compare two scenarios pair by pair under the same luck.

    Example: `sim compare deepseek-v3 deepseek-v3 --set-b "checkpoint.interval=1 h"`
    """
    first = sets.on(a)
    second = set_in(sets.on(b), set_b)
    result = sim.compare(first, second, metric, replications, **vars(how))
    data = result.report()
    lines = []
    for side, scenario, runs in (("a", first, result.a), ("b", second, result.b)):
        about, chosen = cli.answers.about(scenario)
        data[side] |= about
        lines.append("\n   ".join([f"{side}: {scenario.heading}", *str(chosen).splitlines()]))
        lines += cli.answers.over_years(scenario, runs)
    lines.append(str(result))
    answer(data, "\n".join(lines), cli.tables.compare, printed, how.out)


def sweep(
    *,
    asked: Asked,
    grid: Annotated[
        list[str] | None,
        Option(metavar="PATH=V1,V2,…", help="Values to combine with those of other --grid."),
    ] = None,
    design: Annotated[
        Literal["latin-hypercube", "sobol"] | None,
        Option(help="Spread points over the unknown constants."),
    ] = None,
    samples: Annotated[int, Option(min=1, help="Points of the design.")] = 64,
    metric: Metric = None,
    replications: Count = 100,
    how: HowKnown,
    printed: Printed,
) -> None:
    """Replicate a scenario at every point of a grid or of a sample of its unknown constants.

    Example: `sim sweep two-thousand-plus --grid fleet.weak.chips=1024,4096 --out runs/weak`
    """
    if not (grid or design):
        raise InputError("give at least one --grid, or a --design")
    from sim.results.metrics import check_metric

    values = _lists(grid, "--grid")
    scenario = asked.scenario()
    # The table shows one metric; a wrong name must not be found out after all the runs.
    check_metric(metric, scenario)
    result = sim.sweep(
        scenario, values, design=design, samples=samples, n=replications, **vars(how)
    )
    if how.out:
        files.write(
            how.out / "sweep.csv", result.frame.to_csv(index=False, lineterminator="\n")
        )
    table = result.table(metric)
    _answer(scenario, values, result.report(), table, cli.tables.sweep, printed, how.out)


def sensitivity(
    *,
    asked: Asked,
    metric: Metric = None,
    method: Annotated[
        Literal["sobol", "morris"], Option(help="Shares of variance, or effects.")
    ] = "sobol",
    samples: Annotated[
        int, Option(min=2, help="Base samples (a power of two), or trajectories.")
    ] = 64,
    replications: Count = 1,
    how: How,
    printed: Printed,
) -> None:
    """Find which unknown constants move a metric, all points under the same luck.

    Example: `sim sensitivity deepseek-v3 --method morris --samples 20`
    """
    scenario = asked.scenario()
    result = sim.sensitivity(
        scenario, metric, method=method, samples=samples, n=replications,
        **vars(how),
    )  # fmt: skip
    _answer(
        scenario, (), result.report(), str(result), cli.tables.sensitivity, printed, how.out
    )


def size_stock(
    *,
    asked: Asked,
    by: Annotated[
        dt.datetime, Option(formats=["%Y-%m-%d"], help="The date by which to finish.")
    ],
    probability: Annotated[float, Option(min=0.01, max=0.999, help="How surely.")] = 0.9,
    spares: Annotated[
        str | None,
        Option(metavar="PATH", help="What to size; cold spares of the first pool."),
    ] = None,
    longest_interval: Annotated[
        bool,
        Option("--longest-interval", help="Find the longest checkpoint interval instead."),
    ] = False,
    replications: Count = 200,
    how: HowKnown,
    printed: Printed,
) -> None:
    """Find the fewest spares with which a run finishes by a date with a probability.

    Example: `sim size-stock deepseek-v3 --by 2024-11-05 --probability 0.9`
    """
    scenario = asked.scenario()
    result = sim.size_stock(
        scenario, by.date(), probability, spares=spares, longest_interval=longest_interval,
        n=replications, **vars(how),
    )  # fmt: skip
    varied, data = [result.path], result.report()
    _answer(scenario, varied, data, str(result), cli.tables.size_stock, printed, how.out)


def worlds(
    *,
    asked: Asked,
    names: Annotated[
        list[str] | None,
        Argument(metavar="[WORLD…]", help="Its worlds, or all; a+b puts b on top of a."),
    ] = None,
    at: Annotated[
        list[dt.datetime] | None,
        Option(formats=["%Y-%m-%d"], help="A date of interest; several are possible."),
    ] = None,
    replications: Count = 100,
    how: HowKnown,
    figure: Annotated[
        Path | None, Option(help="Draw the worlds into this file (.svg or .png).")
    ] = None,
    printed: Printed,
) -> None:
    """Put the worlds of a scenario side by side: how large a run each could staff.

    Example: `sim worlds national-stock no-controls h20-never-blocked --at 2025-12-31`
    """
    # A wrong name must not be found out after all the runs.
    if figure and figure.suffix not in PICTURES:
        problem = f"--figure {figure}: expected a file that ends in {' or '.join(PICTURES)}"
        raise InputError(problem, given=str(figure), allowed=PICTURES)
    draw = optional("sim.pictures.worlds", "figures").draw if figure else None
    scenario = asked.scenario()
    dates = [date.date() for date in at or ()]
    result = sim.worlds(scenario, names or (), replications, at=dates, **vars(how))
    if draw:
        draw(result, figure)
    data = result.report() | {"world_status": scenario.standing_with(["worlds"])}
    _answer(scenario, (), data, str(result), cli.tables.worlds, printed, how.out)


def advise(
    *,
    asked: Asked,
    choose: Annotated[
        list[str] | None,
        Option(
            metavar="PATH=V1,V2,…",
            help="Values to choose from, combined with other --choose.",
        ),
    ] = None,
    goal: Annotated[
        Literal["days", "cost", "finish"], Option("--for", help="What is sought.")
    ] = "days",
    by: Annotated[
        dt.datetime | None, Option(formats=["%Y-%m-%d"], help="The date, for `finish`.")
    ] = None,
    within: Annotated[
        float | None,
        Option(
            min=1e-6, max=1, help="How near to the best: a share, or a probability (0.01)."
        ),
    ] = None,
    most: Annotated[int, Option(min=20, help="Most replications of an option.")] = 1000,
    how: How,
    printed: Printed,
) -> None:
    """Find the settings with which a run is fastest, cheapest or surest to finish by a date.

    Example: `sim advise deepseek-v3 --choose "checkpoint.interval=10 min,1 h"`
    """
    values = _lists(choose, "--choose")
    scenario = asked.scenario()
    result = sim.advise(
        scenario, values, goal=goal, by=by.date() if by else None, within=within,
        most=most, called=asked.name, **vars(how),
    )  # fmt: skip
    varied, data = result.pick.at, result.report()
    _answer(scenario, varied, data, str(result), cli.tables.advise, printed, how.out)


def _answer(
    scenario: Scenario, varied: Iterable[str], found: dict[str, Any], text: str, *rest: Any
) -> None:
    """Print what was found of a scenario, after what it is, or as JSON with what it chose."""
    about, _ = cli.answers.about(scenario)
    # What is told of other values than its own is no reconstruction.
    about["status"] = scenario.standing_with(varied)
    answer(found | about, f"{scenario.heading}\n{text}", *rest)


def _lists(texts: list[str] | None, option: str) -> dict[str, list[Any]]:
    """What an option says that gives a list of values for each path."""
    from sim import documents

    return {
        path: documents.parse(f"[{text}]", f"{option} {path}").data
        for path, text in pairs(texts, option).items()
    }


def steptime(
    *,
    case: Annotated[
        str,
        Argument(metavar="CASE", help="A scenario, or a file with `run` and `fleet` alone."),
    ],
    sets: Sets,
    printed: Printed,
) -> None:
    """Seconds a step takes, and where they go.

    Example: `sim steptime deepseek-v3 --json`
    """
    from sim.scenario import load_case, names

    step = cli.answers.step_time(load_case(case, changes(sets.sets)))
    heading = case
    about: dict[str, Any] = {"asked": changes(sets.sets), "status": "plan"}
    costs: list[str] = []
    try:
        scenario = sets.on(case)
        about, chosen = cli.answers.about(scenario)
        heading = scenario.heading
        costs = chosen.costs()
    except InputError:
        # What a step does not need may be missing in a file, or wrong.
        if case in names():
            raise
    data = about | step | {"units": cli.answers.STEP_UNITS}
    text = "\n".join([heading, cli.answers.parts(step), *costs])
    answer(data, text, cli.tables.step_time, printed)


def trace(
    *,
    asked: Asked,
    out: Annotated[Path, Option(help="File to write; open it in https://ui.perfetto.dev.")],
    one: One,
) -> None:
    """Write one run as a trace: what the job did, every node's outages, checkpoints, spares.

    Example: `sim trace deepseek-v3 --seed 1 --out run.json`
    """
    from sim.pictures.perfetto import Checkpoints, write

    watch = Checkpoints()
    result = sim.simulate(asked.scenario(), **vars(one), watch=watch)
    write(result, watch, out)
    print(f"{cli.answers.short(out)}: open it in https://ui.perfetto.dev", file=sys.stderr)


COMMANDS = (
    run,
    compare,
    sweep,
    sensitivity,
    size_stock,
    advise,
    worlds,
    steptime,
    trace,
)
