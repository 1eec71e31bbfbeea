"""The commands that carry out experiments."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

import sim
from sim import cli, files
from sim.cli.options import (
    Count,
    Fixed,
    How,
    HowKnown,
    Metric,
    Printed,
    Record,
    ScenarioName,
    Seed,
    Sets,
    answer,
    changes,
    grouped,
    loaded,
    pairs,
    set_in,
)
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.scenario import Scenario

PICTURES = (".svg", ".png")
"""How files with pictures end."""

# The verbs of `sim` load what runs need when they are first asked for, and the commands below
# import the rest themselves: so whoever only wants help need not wait.


@grouped
def run(
    *,
    name: ScenarioName,
    sets: Sets = None,
    replications: Annotated[int | None, Option(min=1, help="Number of runs (default 100).")] = None,
    precision: Annotated[
        float | None,
        Option(min=1e-6, max=1, help="Run until the mean of the metric is known to this share."),
    ] = None,
    metric: Metric = None,
    how: HowKnown,
    split: Annotated[
        bool, Option("--split", help="Split the spread by cause; 3 to 5 times the runs.")
    ] = False,
    record: Record,
) -> None:
    """Simulate a scenario many times and sum up.

    Example: `sim run two-thousand-plus --set fleet.weak.chips=8192 --replications 200`
    """
    scenario = loaded(name, sets)
    out = record.out
    result = sim.replicate(
        scenario, replications, precision=precision, metric=metric, split=split, by_group=split,
        out=out, **vars(how),
    )  # fmt: skip
    if out:
        content = json.dumps(scenario.data, indent=2, default=str)
        files.write(out / "scenario.json", content + "\n")
        files.write(out / "runs.csv", result.frame.to_csv(lineterminator="\n"))
    about, chosen = cli.answers.about(scenario)
    data = result.report() | about
    answer(data, cli.answers.run(scenario, result, chosen), cli.tables.run, **vars(record))


@grouped
def compare(
    *,
    a: Annotated[str, Argument(metavar="A", help="A scenario's name or file.")],
    b: Annotated[str, Argument(metavar="B", help="Another, or the same.")],
    metric: Metric = None,
    sets: Sets = None,
    set_b: Annotated[
        list[str] | None,
        Option("--set-b", metavar="PATH=VALUE", help="Set a value in B only."),
    ] = None,
    replications: Count = 100,
    how: HowKnown,
    record: Record,
) -> None:
    """Compare two scenarios pair by pair under the same luck.

    Example: `sim compare deepseek-v3 deepseek-v3 --set-b "checkpoint.interval=1 h"`
    """
    first = loaded(a, sets)
    second = set_in(loaded(b, sets), set_b)
    result = sim.compare(first, second, metric, replications, out=record.out, **vars(how))
    data = result.report()
    lines = []
    for side, scenario, runs in (("a", first, result.a), ("b", second, result.b)):
        about, chosen = cli.answers.about(scenario)
        data[side] |= about
        lines.append("\n   ".join([f"{side}: {scenario.heading}", *str(chosen).splitlines()]))
        lines += cli.answers.over_years(scenario, runs)
    lines.append(str(result))
    answer(data, "\n".join(lines), cli.tables.compare, **vars(record))


@grouped
def sweep(
    *,
    name: ScenarioName,
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
    sets: Sets = None,
    replications: Count = 100,
    how: HowKnown,
    record: Record,
) -> None:
    """Replicate a scenario at every point of a grid or of a sample of its unknown constants.

    Example: `sim sweep two-thousand-plus --grid fleet.weak.chips=1024,4096 --out runs/weak`
    """
    if not (grid or design):
        raise InputError("give at least one --grid, or a --design")
    from sim.results.metrics import check_metric, own_metric

    values = _lists(grid, "--grid")
    scenario = loaded(name, sets)
    # The table shows one metric; a wrong name must not be found out after all the runs.
    check_metric(metric or own_metric(scenario), scenario)
    out = record.out
    result = sim.sweep(
        scenario, values, design=design, samples=samples, n=replications, out=out, **vars(how)
    )
    if out:
        files.write(out / "sweep.csv", result.frame.to_csv(index=False, lineterminator="\n"))
    points = result.report()["points"]
    for point in points:
        # What is drawn of the unknown constants does not make a scenario another one.
        point["status"] = scenario.override({path: point["at"][path] for path in values}).standing
    _answer(scenario, {"points": points}, record, cli.tables.sweep, result.table(metric))


@grouped
def sensitivity(
    *,
    name: ScenarioName,
    metric: Metric = None,
    method: Annotated[
        Literal["sobol", "morris"], Option(help="Shares of variance, or effects.")
    ] = "sobol",
    samples: Annotated[
        int, Option(min=2, help="Base samples (a power of two), or trajectories.")
    ] = 64,
    sets: Sets = None,
    replications: Count = 1,
    how: How,
    record: Record,
) -> None:
    """Find which unknown constants move a metric, all points under the same luck.

    Example: `sim sensitivity deepseek-v3 --method morris --samples 20`
    """
    scenario = loaded(name, sets)
    result = sim.sensitivity(
        scenario, metric, method=method, samples=samples, n=replications, out=record.out,
        **vars(how),
    )  # fmt: skip
    _answer(scenario, result.report(), record, cli.tables.sensitivity, str(result))


@grouped
def size_stock(
    *,
    name: ScenarioName,
    by: Annotated[dt.datetime, Option(formats=["%Y-%m-%d"], help="The date by which to finish.")],
    probability: Annotated[float, Option(min=0.01, max=0.999, help="How surely.")] = 0.9,
    spares: Annotated[
        str | None,
        Option(metavar="PATH", help="What to size; cold spares of the first pool."),
    ] = None,
    longest_interval: Annotated[
        bool,
        Option("--longest-interval", help="Find the longest checkpoint interval instead."),
    ] = False,
    sets: Sets = None,
    replications: Count = 200,
    how: HowKnown,
    record: Record,
) -> None:
    """Find the fewest spares with which a run finishes by a date with a probability.

    Example: `sim size-stock deepseek-v3 --by 2024-11-05 --probability 0.9`
    """
    scenario = loaded(name, sets)
    result = sim.size_stock(
        scenario, by.date(), probability, spares=spares, longest_interval=longest_interval,
        n=replications, out=record.out, **vars(how),
    )  # fmt: skip
    tried = scenario.override({result.path: f"{min(result.tried)} {result.unit}"})
    data = result.report() | {"tried_status": tried.standing}
    _answer(scenario, data, record, cli.tables.size_stock, str(result))


@grouped
def worlds(
    *,
    name: ScenarioName,
    names: Annotated[
        list[str] | None,
        Argument(metavar="[WORLD…]", help="Its worlds, or all; a+b puts b on top of a."),
    ] = None,
    at: Annotated[
        list[dt.datetime] | None,
        Option(formats=["%Y-%m-%d"], help="A date of interest; several are possible."),
    ] = None,
    sets: Sets = None,
    replications: Count = 100,
    how: HowKnown,
    figure: Annotated[
        Path | None, Option(help="Draw the worlds into this file (.svg or .png).")
    ] = None,
    record: Record,
) -> None:
    """Put the worlds of a scenario side by side: how large a run each could staff.

    Example: `sim worlds national-stock no-controls h20-never-blocked --at 2025-12-31`
    """
    # A wrong name must not be found out after all the runs.
    if figure and figure.suffix not in PICTURES:
        problem = f"--figure {figure}: expected a file that ends in {' or '.join(PICTURES)}"
        raise InputError(problem, given=str(figure), allowed=PICTURES)
    scenario = loaded(name, sets)
    dates = [date.date() for date in at or ()]
    result = sim.worlds(scenario, names or (), replications, at=dates, out=record.out, **vars(how))
    if figure:
        from sim.pictures.worlds import draw

        draw(result, figure)
    statuses = {}
    for world in result.runs:
        layers = [layer for layer in world.split("+") if layer in scenario.worlds]
        statuses[world] = scenario.in_world(*layers).standing
    data = result.report() | {"statuses": statuses}
    _answer(scenario, data, record, cli.tables.worlds, str(result))


@grouped
def advise(
    *,
    name: ScenarioName,
    choose: Annotated[
        list[str] | None,
        Option(metavar="PATH=V1,V2,…", help="Values to choose from, combined with other --choose."),
    ] = None,
    goal: Annotated[
        Literal["days", "cost", "finish"], Option("--for", help="What is sought.")
    ] = "days",
    by: Annotated[
        dt.datetime | None, Option(formats=["%Y-%m-%d"], help="The date, for `finish`.")
    ] = None,
    within: Annotated[
        float | None,
        Option(min=1e-6, max=1, help="How near to the best: a share, or a probability (0.01)."),
    ] = None,
    most: Annotated[int, Option(min=20, help="Most replications of an option.")] = 1000,
    sets: Sets = None,
    how: How,
    record: Record,
) -> None:
    """Find the settings with which a run is fastest, cheapest or surest to finish by a date.

    Example: `sim advise deepseek-v3 --choose "checkpoint.interval=10 min,1 h"`
    """
    values = _lists(choose, "--choose")
    scenario = loaded(name, sets)
    result = sim.advise(
        scenario, values, goal=goal, by=by.date() if by else None, within=within,
        most=most, called=name, out=record.out, **vars(how),
    )  # fmt: skip
    data = result.report()
    data["options"] = [
        option | {"status": scenario.override(option["at"]).standing} for option in data["options"]
    ]
    _answer(scenario, data, record, cli.tables.advise, str(result))


def _answer(
    scenario: Scenario,
    found: dict[str, Any],
    record: Record,
    table: Callable[[dict[str, Any]], list[dict[str, Any]]],
    text: str,
) -> None:
    """Print what was found of a scenario, after what it is, or as JSON with what it chose."""
    about, _ = cli.answers.about(scenario)
    answer(found | about, f"{scenario.heading}\n{text}", table, **vars(record))


def _lists(texts: list[str] | None, option: str) -> dict[str, list[Any]]:
    """What an option says that gives a list of values for each path."""
    from sim import documents

    return {
        path: documents.parse(f"[{text}]", f"{option} {path}").data
        for path, text in pairs(texts, option).items()
    }


@grouped
def steptime(
    *,
    case: Annotated[
        str,
        Argument(metavar="CASE", help="A scenario, or a file with `run` and `fleet` alone."),
    ],
    sets: Sets = None,
    printed: Printed,
) -> None:
    """Seconds a step takes, and where they go.

    Example: `sim steptime deepseek-v3 --json`
    """
    from sim.scenario import load_case, names

    step = cli.answers.step_time(load_case(case, changes(sets)))
    heading = case
    about: dict[str, Any] = {"asked": changes(sets), "status": "plan"}
    costs: list[str] = []
    try:
        scenario = loaded(case, sets)
        about, chosen = cli.answers.about(scenario)
        heading = scenario.heading
        costs = chosen.costs()
    except InputError:
        # What a step does not need may be missing in a file, or wrong.
        if case in names():
            raise
    data = about | step | {"units": cli.answers.STEP_UNITS}
    text = "\n".join([heading, cli.answers.parts(step), *costs])
    answer(data, text, cli.tables.step_time, **vars(printed))


def trace(
    name: ScenarioName,
    out: Annotated[Path, Option(help="File to write; open it in https://ui.perfetto.dev.")],
    seed: Seed = 0,
    replication: Annotated[int, Option(min=0, help="Which run under the seed.")] = 0,
    sets: Sets = None,
    fixed_inputs: Fixed = False,
) -> None:
    """Write one run as a trace: what the job did, every node's outages, checkpoints, spares.

    Example: `sim trace deepseek-v3 --seed 1 --out run.json`
    """
    from sim.pictures.perfetto import Checkpoints, write

    scenario = loaded(name, sets)
    watch = Checkpoints()
    result = sim.simulate(scenario, seed, replication, fixed_inputs=fixed_inputs, watch=watch)
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
