"""The commands that carry out experiments, and what all commands share."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sim import documents, files
from sim.cli import answers
from sim.errors import CheckFailed, InputError
from sim.scenario import Scenario, load_scenario

ScenarioName = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A scenario's name (see `sim scenarios`) or a file."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a value, as in fleet.weak.chips=4096."),
]
SetsOfB = Annotated[
    list[str] | None, typer.Option("--set-b", metavar="PATH=VALUE", help="Set a value in B only.")
]
Seed = Annotated[int, typer.Option(min=0, help="Root seed of all randomness.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes; the numbers do not depend on it.")]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="processes|dask://HOST:PORT", help="Where to run; the numbers do not depend on it."
    ),
]
Count = Annotated[int, typer.Option("--replications", min=1, help="Runs of each scenario.")]
Fixed = Annotated[bool, typer.Option("--fixed-inputs", help="Unknown constants at their modes.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for a complete record; what was interrupted resumes from it."),
]
Metric = Annotated[str, typer.Option(help="What to look at, such as wall_days or ettr.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def run(
    scenario: ScenarioName,
    sets: Sets = None,
    replications: Annotated[
        int | None, typer.Option(min=1, help="Number of runs (default 100).")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=1e-6, max=1, help="Run until the mean wall time is known to this share."),
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    executor: Executor = None,
    fixed_inputs: Fixed = False,
    split: Annotated[
        bool, typer.Option("--split", help="Split the spread by cause; twice the runs.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario many times and sum up.

    Example: `sim run two-thousand-plus --set fleet.weak.chips=8192 --replications 200`
    """
    from sim.experiments import replicate

    if replications and precision:
        raise InputError("give either --replications or --precision")
    question = loaded(scenario, sets)
    result = replicate(
        question, replications, precision=precision, split=split,
        seed=seed, fixed_inputs=fixed_inputs, jobs=jobs, executor=executor, out=out,
    )  # fmt: skip
    if out:
        files.write(out / "scenario.json", json.dumps(question.data, indent=2, default=str) + "\n")
        files.write(out / "runs.csv", result.frame.to_csv(lineterminator="\n"))
    answer(result.report(), as_json, lambda: answers.run(question, result), out)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A scenario's name or file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, or the same.")],
    metric: Metric = "wall_days",
    sets: Sets = None,
    set_b: SetsOfB = None,
    replications: Count = 100,
    seed: Seed = 0,
    jobs: Jobs = 1,
    executor: Executor = None,
    fixed_inputs: Fixed = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compare two scenarios pair by pair under the same luck.

    Example: `sim compare deepseek-v3 deepseek-v3 --set-b "checkpoint.interval=1 h"`
    """
    from sim import experiments

    sides = loaded(a, sets), loaded(b, sets).override(changes(set_b))
    result = experiments.compare(
        *sides, metric, replications,
        seed=seed, fixed_inputs=fixed_inputs, jobs=jobs, executor=executor, out=out,
    )  # fmt: skip
    answer(
        result.report(),
        as_json,
        lambda: f"a: {sides[0].heading}\nb: {sides[1].heading}\n{result}",
        out,
    )


def sweep(
    scenario: ScenarioName,
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=V1,V2,…", help="Values to combine with those of other --grid."),
    ] = None,
    design: Annotated[
        Literal["latin-hypercube", "sobol"] | None,
        typer.Option(help="Spread points over the unknown constants."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Points of the design.")] = 64,
    metric: Metric = "wall_days",
    sets: Sets = None,
    replications: Count = 100,
    seed: Seed = 0,
    jobs: Jobs = 1,
    executor: Executor = None,
    fixed_inputs: Fixed = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Replicate a scenario at every point of a grid or of a sample of its unknown constants.

    Example: `sim sweep two-thousand-plus --grid fleet.weak.chips=1024,4096 --out runs/weak`
    """
    from sim import experiments
    from sim.results.metrics import check_metric

    if not (grid or design):
        raise InputError("give at least one --grid, or a --design")
    values = {
        path: documents.parse(f"[{v}]", f"--grid {path}").data
        for path, v in pairs(grid, "--grid").items()
    }
    question = loaded(scenario, sets)
    check_metric(metric, question)
    result = experiments.sweep(
        question, values, design=design, samples=samples, n=replications,
        seed=seed, fixed_inputs=fixed_inputs, jobs=jobs, executor=executor, out=out,
    )  # fmt: skip
    if out:
        files.write(out / "sweep.csv", result.frame.to_csv(index=False, lineterminator="\n"))
    answer(result.report(), as_json, lambda: f"{question.heading}\n{result.table(metric)}", out)


def sensitivity(
    scenario: ScenarioName,
    metric: Metric = "wall_days",
    method: Annotated[
        Literal["sobol", "morris"], typer.Option(help="Shares of variance, or effects.")
    ] = "sobol",
    samples: Annotated[
        int, typer.Option(min=2, help="Base samples (a power of two), or trajectories.")
    ] = 64,
    sets: Sets = None,
    replications: Count = 1,
    seed: Seed = 0,
    jobs: Jobs = 1,
    executor: Executor = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Find which unknown constants move a metric, all points under the same luck.

    Example: `sim sensitivity deepseek-v3 --method morris --samples 20`
    """
    from sim import experiments

    question = loaded(scenario, sets)
    result = experiments.sensitivity(
        question, metric, method=method, samples=samples, n=replications,
        seed=seed, jobs=jobs, executor=executor, out=out,
    )  # fmt: skip
    answer(result.report(), as_json, lambda: f"{question.heading}\n{result}", out)


def size_stock(
    scenario: ScenarioName,
    by: Annotated[
        dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="The date by which to finish.")
    ],
    probability: Annotated[float, typer.Option(min=0.01, max=0.999, help="How surely.")] = 0.9,
    spares: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="What to size; cold spares of the first pool."),
    ] = None,
    longest_interval: Annotated[
        bool,
        typer.Option("--longest-interval", help="Find the longest checkpoint interval instead."),
    ] = False,
    sets: Sets = None,
    replications: Count = 200,
    seed: Seed = 0,
    jobs: Jobs = 1,
    executor: Executor = None,
    fixed_inputs: Fixed = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Find the fewest spares with which a run finishes by a date with a probability.

    Example: `sim size-stock deepseek-v3 --by 2024-11-05 --probability 0.9`
    """
    from sim import experiments

    question = loaded(scenario, sets)
    result = experiments.size_stock(
        question, by.date(), probability, spares=spares, longest_interval=longest_interval,
        n=replications, seed=seed, fixed_inputs=fixed_inputs, jobs=jobs, executor=executor, out=out,
    )  # fmt: skip
    answer(result.report(), as_json, lambda: f"{question.heading}\n{result}", out)


def validate(
    table: Annotated[
        Literal["closed-forms", "published", "jobs", "trace", "peers"] | None,
        typer.Argument(
            metavar="[closed-forms|published|jobs|trace|peers]", help="One of the tables, or all."
        ),
    ] = None,
    effort: Annotated[
        float, typer.Option(min=0.01, max=100, help="Factor on the number of runs behind a row.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Hold the simulation against exact answers, published runs and jobs, a trace, and another
    simulator.

    Example: `sim validate closed-forms --effort 0.1`
    """
    from sim import validation
    from sim.validation.report import text

    names = (table,) if table else validation.TABLES
    found = {name: validation.rows(name, effort) for name in names}
    everything = [row for rows in found.values() for row in rows]
    failed = [row.name for row in everything if not row.ok]
    data = {name: [asdict(row) for row in rows] for name, rows in found.items()}
    tables = [text(rows) for rows in found.values()]
    answer({"ok": not failed, **data}, as_json, lambda: "\n\n".join(tables))
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(everything)} rows: {'; '.join(failed)}")


def claims(
    replications: Count = 60, seed: Seed = 1, jobs: Jobs = 1, as_json: AsJson = False
) -> None:
    """Hold a newspaper article against the simulation, claim by claim.

    Example: `sim claims --replications 20 --json`
    """
    from sim.experiments.claim_checks import judge
    from sim.publish.pages import told

    table = judge(replications, seed, jobs=jobs)
    answer({"claims": json.loads(table.to_json(orient="records"))}, as_json, lambda: told(table))


def steptime(
    case: Annotated[
        str,
        typer.Argument(metavar="CASE", help="A scenario, or a file with `run` and `fleet` alone."),
    ],
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Seconds a step takes, and where they go.

    Example: `sim steptime deepseek-v3 --json`
    """
    from sim.scenario import load_case, names

    step = answers.step_time(load_case(case, changes(sets)))
    heading = loaded(case, sets).heading if case in names() else case
    answer(step, as_json, lambda: f"{heading}\n{answers.parts(step)}")


def trace(
    scenario: ScenarioName,
    out: Annotated[Path, typer.Option(help="File to write; open it in https://ui.perfetto.dev.")],
    seed: Seed = 0,
    replication: Annotated[int, typer.Option(min=0, help="Which run under the seed.")] = 0,
    sets: Sets = None,
    fixed_inputs: Fixed = False,
) -> None:
    """Write one run as a trace: what the job did, every node's outages, checkpoints, spares.

    Example: `sim trace deepseek-v3 --seed 1 --out run.json`
    """
    from sim.engine import simulate
    from sim.pictures.perfetto import Checkpoints, write

    question, checkpoints = loaded(scenario, sets), Checkpoints()
    write(
        simulate(question, seed, replication, fixed_inputs=fixed_inputs, watch=checkpoints),
        checkpoints,
        out,
    )
    print(f"{answers.short(out)}: open it in https://ui.perfetto.dev", file=sys.stderr)


COMMANDS = (run, compare, sweep, sensitivity, size_stock, validate, claims, steptime, trace)


def loaded(name: str, sets: list[str] | None) -> Scenario:
    """A scenario with the values of `--set`."""
    question = load_scenario(name)
    return question.override(changes(sets)) if sets else question


def changes(sets: list[str] | None) -> dict[str, Any]:
    """What `--set` says, as data by path."""
    return {
        path: documents.parse(value, f"--set {path}").data
        for path, value in pairs(sets, "--set").items()
    }


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Every NAME=VALUE of an option that may be given several times, but once for each name."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, value = pair(text, option)
        if name in found:
            raise InputError(f"{option} {name} is given twice: {found[name]} and {value}")
        found[name] = value
    return found


def pair(text: str, option: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} {text}: expected NAME=VALUE")
    return name, value


def answer(
    data: dict[str, Any], as_json: bool, text: Callable[[], str], out: Path | None = None
) -> None:
    """Print an answer as one JSON object or as text, and keep it in the folder of the record, if
    there is one.
    """
    whole = json.dumps(data, indent=2, allow_nan=False, default=str)
    if out:
        files.write(out / "summary.json", whole + "\n")
    print(whole if as_json else text())
