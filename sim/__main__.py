"""The command line: `python -m sim …`, also installed as `sim`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm.auto import tqdm

from sim import artifact, catalogue, documents, show
from sim.errors import CheckFailed, InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will fully replace.",
)

ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A scenario's name (see `sim scenarios`) or a file.")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a value, as in fleet.weak.chips=4096.")
]
Seed = Annotated[int, typer.Option(min=0, help="Root seed of all randomness.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes; the numbers do not depend on it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command(epilog="Example: `sim run two-thousand-plus --set fleet.weak.chips=8192 --replications 200`")
def run(
    scenario: ScenarioName,
    sets: Sets = None,
    replications: Annotated[int | None, typer.Option(min=1, help="Number of runs (default 100).")] = None,
    precision: Annotated[
        float | None, typer.Option(min=1e-6, max=1, help="Run until the mean wall time is known to this share.")
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    fixed_inputs: Annotated[bool, typer.Option("--fixed-inputs", help="Unknown constants at their modes.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for scenario, runs and summary.")] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario many times and sum up."""
    from sim.experiments.replicate import replicate

    if replications and precision:
        raise InputError("give either --replications or --precision")
    question = _load(scenario, sets)
    with tqdm(total=replications, unit=" runs", file=sys.stderr, disable=None, leave=False) as bar:
        result = replicate(
            question,
            replications,
            precision=precision,
            seed=seed,
            jobs=jobs,
            fixed_inputs=fixed_inputs,
            progress=bar.update,
        )
    if out:
        show.save(result, question, out)
    _print(result.report(), as_json, lambda: show.run(question, result))


@app.command(epilog="Example: `sim steptime deepseek-v3 --json`")
def steptime(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A scenario, or a file with `run` and `fleet` alone.")],
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Seconds a step takes, and where they go."""
    from sim.scenario import load_case

    answer = show.step_time(load_case(case, _changes(sets)))
    _print(answer, as_json, lambda: show.parts(answer))


@app.command(epilog="Example: `sim figures where_did_14000_chips_go -p replications 50`")
def figures(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Notebooks; all unless given.")] = None,
    profile: Annotated[str, typer.Option(help="`full` writes figures/, `quick` a smaller build/quick/.")] = "full",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="Set a parameter of the notebooks.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; with -p it is build/figures/ unless given.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Run the notebooks and write every figure."""
    given = dict(_pair(text, "-p") for text in parameter or [])
    out = artifact.repository() / "build" / "figures" if given and not out else out
    folder = artifact.make_figures(names or (), profile=profile, given=given, jobs=jobs, out=out)
    print(f"figures are in {show.short(folder)}", file=sys.stderr)


@app.command()
def verify(jobs: Jobs = 2) -> None:
    """Draw every figure again and compare with the committed ones: numbers first, bytes second."""
    print(artifact.verify(jobs))


@app.command("catalogue", epilog="Example: `sim catalogue chips H800-SXM-80`")
def show_catalogue(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(catalogue.kinds())}.")
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
) -> None:
    """The facts: every value with its unit, source, status and range."""
    if kind is None:
        print(show.tables())
    elif name is None:
        print(show.table(kind))
    else:
        print(show.entry(catalogue.entry(kind, name)))


@app.command()
def scenarios() -> None:
    """The scenarios that come with the project."""
    print(show.scenarios())


@app.command()
def schema() -> None:
    """The JSON schema of a scenario, for editors."""
    from sim.scenario import Scenario

    print(json.dumps(Scenario.model_json_schema(), indent=2))


def _load(name: str, sets: list[str] | None) -> Any:
    from sim.scenario import load_scenario

    question = load_scenario(name)
    return question.override(_changes(sets)) if sets else question


def _changes(sets: list[str] | None) -> dict[str, Any]:
    pairs = [_pair(text, "--set") for text in sets or []]
    return {path: documents.parse(value, f"--set {path}").data for path, value in pairs}


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} {text}: expected NAME=VALUE")
    return name, value


def _print(data: dict[str, Any], as_json: bool, text: Any) -> None:
    print(json.dumps(data, indent=2, allow_nan=False) if as_json else text())


def _joined(arguments: list[str]) -> list[str]:
    """``-p NAME VALUE``, as papermill takes it, as the one word ``NAME=VALUE`` that Typer can repeat."""
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        words.append(word)
        if word == "-p" and (name := next(rest, None)) is not None:
            value = None if "=" in name else next(rest, "")
            words.append(name if value is None else f"{name}={value}")
    return words


def main() -> None:
    """Run the command line: 0 done, 1 a check failed, 2 wrong input or usage."""
    try:
        app(_joined(sys.argv[1:]))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except CheckFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
