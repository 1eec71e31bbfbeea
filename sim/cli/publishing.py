"""The commands that run notebooks and keep the figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from sim import cli, compiled
from sim.cli.options import Jobs, pairs


def figures(
    names: Annotated[
        list[str] | None, Argument(metavar="[NAME]…", help="Notebooks; all unless given.")
    ] = None,
    profile: Annotated[
        str, Option(help="`full` writes figures/, `quick` a smaller build/quick/.")
    ] = "full",
    parameter: Annotated[
        list[str] | None,
        Option("-p", metavar="NAME VALUE", help="Set a parameter of the notebooks."),
    ] = None,
    out: Annotated[
        Path | None,
        Option(help="Folder to write to; with -p it is build/figures/ unless given."),
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Run the notebooks and write every figure.

    Example: `sim figures 02_where_did_14000_chips_go -p replications 50`
    """
    from sim.publish import figures as drawing

    root = drawing.repository()
    given = pairs(parameter, "-p")
    # The committed figures are those of the parameters as they stand in the notebooks.
    if given and not out:
        out = root / "build" / "figures"
    folder = drawing.make_figures(
        names or (), profile=profile, given=given, jobs=jobs, out=out
    )
    # The pages tell of the committed figures, and of no others.
    if folder == root / drawing.FOLDERS["full"]:
        from sim.publish import pages

        pages.write()
    print(f"figures are in {cli.answers.short(folder)}", file=sys.stderr)


def verify(jobs: Jobs = 2) -> None:
    """Draw every figure again and compare with the committed ones: numbers first, bytes second."""
    from sim.publish import verification

    print(verification.verify(jobs))


def notebooks(
    copy: Annotated[
        Path | None, Option(metavar="DIR", help="Copy them into this folder.")
    ] = None,
) -> None:
    """List the notebooks with the question of each, or copy them into a folder of your own.

    Example: `sim notebooks --copy mine`
    """
    from sim.publish import notebook_parameters

    for path in notebook_parameters.copy(copy) if copy else notebook_parameters.shipped():
        print(f"{cli.answers.short(path)}  {notebook_parameters.title(path)}")


def compile() -> None:
    """Compile the engine into the user's cache: the same digits, several times as fast.

    Example: `sim compile && sim --version`
    """
    print(f"the compiled engine is in {compiled.build()}", file=sys.stderr)


COMMANDS = (figures, verify, notebooks, compile)
