"""The pages of the reference, made from the code, so that they cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterable

import typer.main

from sim import catalogue
from sim.catalogue.kinds import KINDS
from sim.cli.app import app
from sim.results.ledger import PLACES, TIME
from sim.results.metrics import EVERY
from sim.scenario import load_scenario, names
from sim.scenario.keys import Key, keys

POLICIES = {
    "wait": "The job waits until a node is repaired or a spare comes.",
    "drop-replica": "The replica that lost the node is dropped; the others go on.",
    "re-route": "The micro-batches of the lost node go through its peers in the other replicas.",
    "re-plan": "The planner lays the model out again on the nodes that are left.",
}


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return (
        text.replace("|", "\\|")
        .replace("\n", " ")
        .replace("{", "&#123;")
        .replace("<", "&lt;")
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    lines = [list(heads)]
    lines += [["---"] * len(lines[0]), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def scenario_keys() -> str:
    """Every key of a scenario, by the part that it belongs to."""
    parts: dict[type, list[Key]] = {}
    for key in keys().values():
        parts.setdefault(key.holder, []).append(key)
    texts = [
        "# Scenario keys\n\nAll that a scenario can say. `NAME` stands for a name of your own, as "
        "that of a pool, and `0` for a position in a list. Each number can be "
        "`{uncertain: [low, mode, high]}`; a time with a distribution can be one of those "
        "that `sim schema` lists. `sim explain KEY` prints the same.\n"
    ]
    for holder, every in parts.items():
        places = dict.fromkeys(key.path.rpartition(".")[0] for key in every)
        where = ", ".join(f"`{place}`" if place else "the file itself" for place in places)
        first = {key.path.rpartition(".")[2]: key for key in reversed(every)}
        rows = [
            (f"`{name}`", key.meaning, key.unit or "–", key.allowed, key.default, key.example)
            for name, key in reversed(first.items())
        ]
        words = (holder.__doc__ or "").partition("\n\n")[0]
        texts.append(f"## {heading(holder)}\n\n{cell(words)} Stands in {where}.\n")
        texts.append(table(("key", "meaning", "unit", "may be", "default", "example"), rows))
    return "\n".join(texts)


def heading(holder: type) -> str:
    """The name of a part in words: FailureTable is a failure table."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in holder.__name__)
    return words.strip().capitalize()


def metrics() -> str:
    """Every metric, and a paragraph for the one that most ask for."""
    texts = [
        "# Metrics\n\nWhat `sim run` prints and `--json` carries. `sim explain METRIC` prints "
        "one entry.\n\n## What is ETTR?\n\nETTR, the effective training time ratio (metric "
        "`ettr`), is productive time over wall time: 1 if nothing was ever lost. Of a programme "
        "it is counted while runs hold chips.\n"
    ]
    for of, every in EVERY.items():
        rows = [(f"`{m.name}`", m.unit or "–", m.meaning) for m in every]
        texts += [f"## Of {of}\n", table(("metric", "unit", "meaning"), rows)]
    return "\n".join(texts)


def ledgers() -> str:
    """The categories of the two ledgers."""
    time = table(
        ("category", "meaning"), [(f"`{name}`", meaning) for name, meaning in TIME.items()]
    )
    places = [(f"`{name}`", f"Chips {words}.") for name, words in PLACES.items()]
    return (
        "# Time and chips: the ledgers\n\nEach second of a run and each chip of a fleet is "
        "counted in exactly one category, and every run asserts that they add up.\n\n"
        f"## Where the time goes\n\n{time}\n"
        f"## Where the chips are, and why chips stand idle\n\n{table(('place', 'meaning'), places)}\n"
        "Chips stand idle when no layout of the model can use them: their number is no multiple "
        "of what a replica needs, or their node lacks a chip. `sim steptime` says how many, and "
        "how far the layout is from the planner's own.\n"
    )


def policies() -> str:
    """Elastic policies, and the controls of the catalogue."""
    rows = [(f"`{name}`", words) for name, words in POLICIES.items()]
    events = [
        (f"`{name}`", str(entry.item.date), entry.item.title)
        for name, entry in catalogue.table("policy").items()
    ]
    return (
        "# Which policies exist\n\n## Elastic policies\n\nWhat a job does when no spare is left "
        f"(`recovery.policy`).\n\n{table(('policy', 'what happens'), rows)}\n"
        "## Controls\n\nActs of governments and vendors (`policy` in a scenario; "
        f"[how to move one](../howto/move_a_control.md)).\n\n"
        f"{table(('event', 'date', 'what it is'), events)}"
    )


def commands() -> str:
    """Every command with its arguments and options."""
    group = typer.main.get_command(app)
    texts = [
        "# Commands\n\n`sim COMMAND --help` prints the same. `mixedfleet` is another name of `sim`.\n"
    ]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        rows = []
        for one in command.params:
            spelt = (
                " ".join(one.opts) if one.param_type_name == "option" else one.name.upper()
            )
            default = one.default if isinstance(one.default, (int, float, str)) else None
            shown = "–" if default in (None, False) else str(default)
            rows.append((f"`{spelt}`", getattr(one, "help", "") or "", shown))
        texts.append(f"## sim {name}\n\n{cell(command.help or '')}\n")
        texts.append(table(("argument or option", "meaning", "default"), rows))
        if command.epilog:
            texts.append(f"{command.epilog}\n")
    return "\n".join(texts)


def facts() -> str:
    """Every table of the catalogue with all values and their sources."""
    rows = [
        (f"`{name}`", load_scenario(name).status, load_scenario(name).title)
        for name in names()
    ]
    texts = [
        "# Catalogue\n\nEvery fact with its range, status and source; [data sources](../data_sources.md) spells the sources out.\n"
    ]
    texts += ["## scenarios\n", table(("scenario", "status", "title"), rows)]
    for kind in KINDS:
        found = [
            (
                f"`{name}`",
                fact.path.removeprefix(f"{kind}.{name}."),
                str(fact.value),
                ends(fact.range),
                fact.status,
                fact.source,
            )
            for name, entry in catalogue.table(kind).items()
            for fact in entry.facts
            if len(str(fact.value)) <= 200
        ]
        texts += [
            f"## {kind}\n",
            table(("entry", "key", "value", "range", "status", "source"), found),
        ]
    return "\n".join(texts)


def ends(range_: tuple[object, ...] | None) -> str:
    """A range in words."""
    return f"{range_[0]} … {range_[1]}" if range_ else "–"


def python() -> str:
    """The Python interface, from its docstrings."""
    public = {
        "sim.scenario": ("load_scenario", "Scenario"),
        "sim.engine": ("simulate",),
        "sim.experiments.replicate": ("replicate",),
        "sim.experiments.compare": ("compare",),
        "sim.experiments.sweep": ("sweep",),
        "sim.experiments.sensitivity": ("sensitivity",),
        "sim.experiments.spares_sizing": ("size_stock",),
        "sim.experiments.advise": ("advise",),
        "sim.experiments.worlds": ("worlds",),
        "sim.failure_logs": ("fit",),
        "sim.errors": ("InputError",),
    }
    entries = [f"::: {module}.{name}" for module, every in public.items() for name in every]
    return (
        "# Python\n\nThe functions are names of `sim` itself.\n\n"
        + "\n\n".join(entries)
        + "\n"
    )


PAGES = {
    "keys": scenario_keys,
    "metrics": metrics,
    "ledgers": ledgers,
    "policies": policies,
    "commands": commands,
    "catalogue": facts,
    "python": python,
}
