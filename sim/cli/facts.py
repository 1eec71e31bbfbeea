"""The commands that show what is known: the catalogue, the scenarios, the schema."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from typer import Argument, Option

from sim import cli


def catalogue(
    kind: Annotated[
        str | None,
        Argument(metavar="[KIND]", help="One of the tables; without it all are listed."),
    ] = None,
    name: Annotated[str | None, Argument(metavar="[NAME]")] = None,
) -> None:
    """The facts: every value with its unit, source, status and range; of models also how a
    config.json is read.

    Example: `sim catalogue chips H800-SXM-80`
    """
    if kind is None:
        print(cli.fact_answers.tables())
    elif name is None:
        print(cli.fact_answers.table(kind))
    elif name.endswith(".json") and kind == "models":
        from sim.catalogue import model_files

        print(cli.fact_answers.shape(model_files.shape(name)))
    else:
        print(cli.fact_answers.entry(kind, name))


def scenarios() -> None:
    """The scenarios that come with the project."""
    print(cli.fact_answers.scenarios())


def schema(
    of: Annotated[
        Literal["scenario", "claims"],
        Option(help="Of a scenario, or of an article's sentences."),
    ] = "scenario",
) -> None:
    """The JSON schema of a file, for editors."""
    from sim.experiments.articles import Article
    from sim.scenario.schema import schema as json_schema

    found = json_schema() if of == "scenario" else Article.model_json_schema()
    print(json.dumps(found, indent=2))


def explain(
    name: Annotated[
        str, Argument(metavar="METRIC|KEY", help="As `ettr` or `recovery.policy`.")
    ],
) -> None:
    """What a metric or a key means: its unit, what it may be, its default, an example.

    Example: `sim explain ettr`
    """
    print(cli.fact_answers.explained(name))


COMMANDS = (catalogue, scenarios, schema, explain)
