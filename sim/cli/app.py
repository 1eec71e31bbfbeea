"""The application: every command with its help."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer import Option

import sim
from sim import compiled
from sim.cli import checks, experiments, facts, logs, publishing
from sim.cli.options import grouped
from sim.errors import readable

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=sim.__doc__,
)


def told(wanted: bool) -> None:
    """Print the version and which engine runs, and end."""
    if wanted:
        print(f"{sim.__version__} (engine: {compiled.engine()})")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        Option(
            "--version",
            callback=told,
            is_eager=True,
            help="Print the version and engine.",
        ),
    ] = False,
) -> None:
    """Options of the program itself."""


ROOMS = (experiments, checks, logs, facts, publishing)

for command in (command for room in ROOMS for command in room.COMMANDS):
    # The second paragraph of a command's docstring is an example, which belongs below the options.
    words, _, example = (command.__doc__ or "").partition("\n\n")
    app.command(help=words, epilog=example or None)(grouped(command))


def run(words: list[str]) -> int:
    """Carry out a command; returns the exit code."""
    try:
        return app(words, prog_name="sim", standalone_mode=False) or 0
    except typer.BadParameter.__base__ as error:  # type: ignore[misc]
        message = error.format_message()
        # Whoever gives nothing has been shown the help instead.
        if message:
            # Typer's own frame around it repeats whatever was given, at any length.
            print(error.ctx.get_usage() if error.ctx else "Usage: sim", file=sys.stderr)
            print(f"error: {readable(message.replace('Value error, ', ''))}", file=sys.stderr)
        return 2
