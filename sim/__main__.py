"""The command line: `python -m sim …`, also installed as `sim`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import sim
from sim import artifact, catalogue, commands, show
from sim.commands import AsJson, Fixed, Jobs, ScenarioName, Seed, Sets, answer, changes, loaded, pair
from sim.errors import CheckFailed, InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=sim.__doc__,
)

for command in commands.COMMANDS:
    words, example = (command.__doc__ or "").split("\n\n")
    app.command(help=words, epilog=example)(command)


@app.command(epilog="Example: `sim steptime deepseek-v3 --json`")
def steptime(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A scenario, or a file with `run` and `fleet` alone.")],
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Seconds a step takes, and where they go."""
    from sim.scenario import load_case, names

    step = show.step_time(load_case(case, changes(sets)))
    heading = loaded(case, sets).heading if case in names() else case
    answer(step, as_json, lambda: f"{heading}\n{show.parts(step)}")


@app.command(epilog="Example: `sim trace deepseek-v3 --seed 1 --out run.json`")
def trace(
    scenario: ScenarioName,
    out: Annotated[Path, typer.Option(help="File to write; open it in https://ui.perfetto.dev.")],
    seed: Seed = 0,
    replication: Annotated[int, typer.Option(min=0, help="Which run under the seed.")] = 0,
    sets: Sets = None,
    fixed_inputs: Fixed = False,
) -> None:
    """Write one run as a trace: what the job did, every node's outages, checkpoints, spares."""
    from sim.perfetto import Checkpoints, write

    question, checkpoints = commands.loaded(scenario, sets), Checkpoints()
    write(sim.simulate(question, seed, replication, fixed_inputs=fixed_inputs, watch=checkpoints), checkpoints, out)
    print(f"{show.short(out)}: open it in https://ui.perfetto.dev", file=sys.stderr)


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
    given = dict(pair(text, "-p") for text in parameter or [])
    out = artifact.repository() / "build" / "figures" if given and not out else out
    folder = artifact.make_figures(names or (), profile=profile, given=given, jobs=jobs, out=out)
    if folder == artifact.repository() / artifact.FOLDERS["full"]:
        from sim import pages

        pages.write()
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
    from sim.scenario.schema import schema as json_schema

    print(json.dumps(json_schema(), indent=2))


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
    """Run the command line: 0 done, 1 a check failed, 2 wrong input or usage, 130 interrupted."""
    try:
        try:
            app(_joined(sys.argv[1:]), prog_name="sim")
        finally:
            sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except CheckFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # What is still unwritten goes nowhere, or Python would complain of it at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemExit as end:  # by Typer; 130 after Ctrl-C
        if end.code == 130:
            kept = "what an experiment had finished is kept in the folder of --out, if one was given"
            print(f"interrupted; {kept}; no figure was changed", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
