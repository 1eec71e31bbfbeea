"""The commands that show what is known: the catalogue, the scenarios, the schema."""

from __future__ import annotations

import json
from typing import Annotated

from typer import Argument

from sim.catalogue import entry, from_file, kinds, model_files
from sim.cli import answers


def catalogue(
    kind: Annotated[
        str | None, Argument(metavar="[KIND]", help=f"One of {', '.join(kinds())}.")
    ] = None,
    name: Annotated[str | None, Argument(metavar="[NAME]")] = None,
) -> None:
    """The facts: every value with its unit, source, status and range; of models also how a
    config.json is read.

    Example: `sim catalogue chips H800-SXM-80`
    """
    if kind is None:
        print(answers.tables())
    elif name is None:
        print(answers.table(kind))
    elif from_file.is_file(kind, name) and kind == "models":
        print(answers.shape(model_files.shape(name)))
    else:
        print(answers.entry(entry(kind, name)))


def scenarios() -> None:
    """The scenarios that come with the project."""
    print(answers.scenarios())


def schema() -> None:
    """The JSON schema of a scenario, for editors."""
    from sim.scenario.schema import schema as json_schema

    print(json.dumps(json_schema(), indent=2))


COMMANDS = (catalogue, scenarios, schema)
