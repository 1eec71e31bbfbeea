"""The commands that show what is known: the catalogue, the scenarios, the schema."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from typer import Argument, Option

from sim.catalogue import entry, kinds
from sim.cli import answers


def catalogue(
    kind: Annotated[
        str | None, Argument(metavar="[KIND]", help=f"One of {', '.join(kinds())}.")
    ] = None,
    name: Annotated[str | None, Argument(metavar="[NAME]")] = None,
) -> None:
    """The facts: every value with its unit, source, status and range.

    Example: `sim catalogue chips H800-SXM-80`
    """
    if kind is None:
        print(answers.tables())
    elif name is None:
        print(answers.table(kind))
    else:
        print(answers.entry(entry(kind, name)))


def scenarios() -> None:
    """The scenarios that come with the project."""
    print(answers.scenarios())


def schema(
    of: Annotated[
        Literal["scenario", "claims"], Option(help="Of a scenario, or of an article's sentences.")
    ] = "scenario",
) -> None:
    """The JSON schema of a file, for editors."""
    from sim.experiments.claim_checks import Article
    from sim.scenario.schema import schema as json_schema

    found = json_schema() if of == "scenario" else Article.model_json_schema()
    print(json.dumps(found, indent=2))


COMMANDS = (catalogue, scenarios, schema)
