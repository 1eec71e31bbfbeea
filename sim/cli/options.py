"""Options that several commands share, each declared once, and what is said with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

import sim
from sim import cli, files
from sim.errors import InputError, plain

# Scenarios take long to load; whoever only wants help need not wait for them.
if TYPE_CHECKING:
    from sim.scenario import Scenario

SCHEMA = "sim/1"
"""Of the JSON that is printed: the number rises when a key goes or changes its meaning."""

Seed = Annotated[int, Option(min=0, help="Root seed of all randomness.")]
Jobs = Annotated[int, Option(min=1, help="Processes; the numbers do not depend on it.")]
Count = Annotated[int, Option("--replications", min=1, help="Runs of each scenario.")]
Fixed = Annotated[bool, Option("--fixed-inputs", help="Unknown constants at their modes.")]
Metric = Annotated[
    str | None,
    Option(help="What to look at, such as ettr; by default crossing_days or wall_days."),
]


@dataclass(kw_only=True)
class Sets:
    """What is set in a scenario."""

    sets: Annotated[
        list[str] | None,
        Option(
            "--set", metavar="PATH=VALUE", help="Set a value, as in fleet.weak.chips=4096."
        ),
    ] = None
    catalogue: Annotated[
        Path | None, Option(metavar="DIR", help="Tables of your own, as --set catalogue=DIR.")
    ] = None

    def __post_init__(self) -> None:
        if self.catalogue:
            # JSON is YAML, in which a folder may have any name.
            own = f"catalogue={json.dumps(str(self.catalogue))}"
            self.sets = [*(self.sets or []), own]

    def on(self, name: str) -> Scenario:
        """A scenario with the values set."""
        return set_in(sim.load_scenario(name), self.sets)


@dataclass(kw_only=True)
class Asked(Sets):
    """A scenario, with what is set in it."""

    name: Annotated[
        str,
        Argument(
            metavar="SCENARIO", help="A scenario's name (see `sim scenarios`) or a file."
        ),
    ]

    def scenario(self) -> Scenario:
        """It as it is asked for."""
        return self.on(self.name)


@dataclass(kw_only=True)
class How:
    """How the runs of an experiment are carried out."""

    seed: Seed = 0
    jobs: Jobs = 1
    executor: Annotated[
        str | None,
        Option(
            metavar="processes|dask://HOST:PORT",
            help="Where to run; the numbers do not depend on it.",
        ),
    ] = None
    max_events: Annotated[
        int | None,
        Option(
            min=1,
            help="Failures and the like that a run may have; five million unless given.",
        ),
    ] = None
    out: Annotated[
        Path | None,
        Option(help="Folder for a complete record; what was interrupted resumes from it."),
    ] = None


@dataclass(kw_only=True)
class HowKnown(How):
    """How they are carried out, and whether as if every unknown constant were known."""

    fixed_inputs: Fixed = False


@dataclass(kw_only=True)
class Printed:
    """How the answer is printed, if not for people."""

    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False
    as_csv: Annotated[bool, Option("--csv", help="Print the table as CSV, with units.")] = (
        False
    )

    def __post_init__(self) -> None:
        if self.as_json and self.as_csv:
            raise InputError("give either --json or --csv, not both")


@dataclass(kw_only=True)
class One:
    """Which single run is carried out."""

    seed: Seed = 0
    replication: Annotated[int, Option(min=0, help="Which run under the seed.")] = 0
    fixed_inputs: Fixed = False


@dataclass(kw_only=True)
class Reading:
    """How logs of outages are read, and who was watched."""

    exposure: Annotated[
        str | None,
        Option(help="A file that says when which node was watched: node, from, to."),
    ] = None
    nodes: Annotated[
        int | None, Option(min=1, help="In its place: nodes, watched from --from to --to.")
    ] = None
    start: Annotated[str | None, Option("--from", help="Date, or number as in the log.")] = (
        None
    )
    end: Annotated[str | None, Option("--to", help="Date, or number as in the log.")] = None
    columns: Annotated[
        str | None, Option(metavar="OURS=THEIRS,…", help="As in node=host,start=t0.")
    ] = None
    unit: Annotated[
        str | None, Option(metavar="days|seconds", help="Of times that are numbers.")
    ] = None
    zone: Annotated[
        str | None, Option(help="Of dates that name none, such as Europe/Berlin.")
    ] = None
    skip: Annotated[
        bool, Option("--skip-bad-rows", help="Leave bad rows out, and count them.")
    ] = False


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each of its parameters that is a group of them.

    Typer reads options off a signature and knows no groups, so a signature is made for it.
    """
    groups = {}
    options: list[Parameter] = []
    for name, parameter in signature(command, eval_str=True).parameters.items():
        group = parameter.annotation
        if isinstance(group, type) and is_dataclass(group):
            fields = signature(group, eval_str=True).parameters
            groups[name] = group, fields
            options += fields.values()
        else:
            options.append(parameter)

    @wraps(command)
    def whole(**given: Any) -> None:
        for name, (group, fields) in groups.items():
            given[name] = group(**{field: given.pop(field) for field in fields})
        command(**given)

    whole.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return whole


def set_in(scenario: Scenario, sets: list[str] | None) -> Scenario:
    """A scenario with values set; those that change nothing are named on standard error."""
    if not sets:
        return scenario
    from sim.scenario.differences import idle_changes

    values = changes(sets)
    changed = scenario.override(values)
    for note in idle_changes(scenario, changed, values):
        print(f"note: {note}", file=sys.stderr)
    return changed


def changes(sets: list[str] | None) -> dict[str, Any]:
    """What `--set` says, as data by path."""
    from sim import documents

    texts = pairs(sets, "--set")
    return {path: documents.parse(text, f"--set {path}").data for path, text in texts.items()}


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Every NAME=VALUE of an option that may be given several times, but once for each name."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, _, value = (part.strip() for part in text.partition("="))
        if not (name and value):
            raise InputError(f"{option} {text}: expected NAME=VALUE")
        # Else one of the two would win unseen.
        if name in found:
            raise InputError(f"{option} {name} is given twice: {found[name]} and {value}")
        found[name] = value
    return found


def answer(
    data: dict[str, Any],
    text: str,
    table: Callable[[dict[str, Any]], list[dict[str, Any]]],
    printed: Printed,
    out: Path | None = None,
) -> None:
    """Print an answer as text, as one JSON object or as CSV, and keep it in the record's folder."""
    data = {"schema": SCHEMA, "version": sim.__version__, **data}
    # Not every reader of JSON knows NaN.
    whole = json.dumps(data, indent=2, allow_nan=False, default=str)
    if out:
        files.write(out / "summary.json", whole + "\n")
    if printed.as_json:
        print(whole)
        return
    # Made from the JSON, the rows of a table cannot say anything else.
    shown = cli.tables.written(table(json.loads(whole))) if printed.as_csv else text
    # A scenario's title may hold what does more to a terminal than to be seen.
    print("".join(filter(plain, shown)))
