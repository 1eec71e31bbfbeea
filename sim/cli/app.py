"""The application: every command with its help."""

from __future__ import annotations

import typer

import sim
from sim.cli import experiments, facts, logs, publishing

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=sim.__doc__,
)

for command in (*experiments.COMMANDS, *logs.COMMANDS, *facts.COMMANDS, *publishing.COMMANDS):
    # The second paragraph of a command's docstring is an example, which belongs below the options.
    words, _, example = (command.__doc__ or "").partition("\n\n")
    app.command(help=words, epilog=example or None)(command)
