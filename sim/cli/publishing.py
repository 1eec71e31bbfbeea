"""The commands that run notebooks and keep the figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli import answers
from sim.cli.experiments import Jobs, pair
from sim.publish import figures


def make_figures(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Notebooks; all unless given.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="`full` writes figures/, `quick` a smaller build/quick/.")
    ] = "full",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME VALUE", help="Set a parameter of the notebooks."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to; with -p it is build/figures/ unless given."),
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Run the notebooks and write every figure.

    Example: `sim figures where_did_14000_chips_go -p replications 50`
    """
    given = dict(pair(text, "-p") for text in parameter or [])
    out = figures.repository() / "build" / "figures" if given and not out else out
    folder = figures.make_figures(names or (), profile=profile, given=given, jobs=jobs, out=out)
    if folder == figures.repository() / figures.FOLDERS["full"]:
        from sim.publish import pages

        pages.write()
    print(f"figures are in {answers.short(folder)}", file=sys.stderr)


def verify(jobs: Jobs = 2) -> None:
    """Draw every figure again and compare with the committed ones: numbers first, bytes second."""
    print(figures.verify(jobs))


COMMANDS = {"figures": make_figures, "verify": verify}
