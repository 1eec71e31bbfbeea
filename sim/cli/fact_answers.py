"""The text of facts: tables of the catalogue, entries of the reference, scenarios."""

from __future__ import annotations

import json
import re

from sim import catalogue
from sim.catalogue.model_files import Shape
from sim.errors import InputError
from sim.quantities.uncertain import Uncertain
from sim.quantities.unknowns import unknowns
from sim.results.ledger import PLACES, TIME
from sim.results.metrics import EVERY
from sim.scenario import load_scenario, names
from sim.validation.fleets import factors

# What runs need is loaded by those who run.


def tables() -> str:
    """List the tables of the catalogue and what is in them."""
    return "\n".join(
        f"{kind:10} {', '.join(catalogue.table(kind))}" for kind in catalogue.kinds()
    )


def table(kind: str) -> str:
    """List the entries of one table with their titles."""
    named = catalogue.table(kind).items()
    lines = [f"{name:22} {getattr(entry.item, 'title', '')}" for name, entry in named]
    if kind == "failures":
        lines.append("factors on the rates of a table, outside of what was counted")
        lines += [f"{what:22} {_drawn(factor)}" for what, factor in factors().items()]
    return "\n".join(lines)


def entry(kind: str, name: str) -> str:
    """Write an entry's facts: value, range, status, source, note."""
    item = catalogue.entry(kind, name)
    lines = [item.name]
    prefix = f"{item.kind}.{item.name}."
    known = unknowns(item.item)
    for fact in item.facts:
        ends = f" [{fact.range[0]} … {fact.range[1]}]" if fact.range else ""
        name = fact.path.removeprefix(prefix)
        lines.append(f"  {name:28} {fact.value}{ends}   {fact.status}, {fact.source}")
        if fact.path in known and not fact.range:
            lines.append(f"  {'':28}   {_drawn(known[fact.path])}")
        if fact.note:
            lines.append(f"  {'':28}   {fact.note}")
    lines.append("sources")
    for key in dict.fromkeys(fact.source for fact in item.facts):
        source = catalogue.sources()[key]
        words = (source["title"], source["url"], source["licence"])
        lines.append(f"  {key}: {', '.join(filter(None, words))}")
    return "\n".join(lines)


def shape(model: Shape) -> str:
    """Write how the config.json of a model is read."""
    billions = {name: count / 1e9 for name, count in model.counts.items() if count}
    lines = [
        f"{model.family}: {model.total / 1e9:.2f} billion parameters, of which a token visits"
    ]
    lines[0] += f" {model.active / 1e9:.2f}"
    lines += [f"  {name:28} {count:10.3f}" for name, count in billions.items()]
    # JSON is YAML, and can be copied.
    said = (f"  {key}: {json.dumps(value)}" for key, value in model.values.items())
    lines += ["as a scenario could say it", *said]
    lines.append("not in the file, so to be given beside it: sequence, as in")
    lines.append("  run: {model: {like: config.json, sequence: 4096}}")
    return "\n".join(lines)


def _drawn(number: Uncertain) -> str:
    """Write the fixed value of an unknown constant, and where it lies in 90 % of the draws."""
    low, high = number.draw(0.05), number.draw(0.95)
    return f"drawn: {number:.3g}, 90 % between {low:.3g} and {high:.3g}"


def explained(name: str) -> str:
    """The reference entries of what has a name: metrics, parts of the ledgers, keys.

    Raises
    ------
    InputError
        With the nearest name, when nothing is called so.
    """
    from sim.scenario.keys import keys, named, same_path

    spelt = (name, f"time.{name}_days", f"chips.{name}_days")
    known = [(of, metric) for of, metrics in EVERY.items() for metric in metrics]
    told = [
        f"{metric.name}: a metric of {of}, in {metric.unit or 'numbers'}\n  {metric.meaning}"
        for of, metric in known
        if metric.name in spelt or _stands_for(metric.name, name)
    ]
    every = keys()
    # What is spelt out in full is that key; a part of a path may stand in several places.
    whole = [key for path, key in every.items() if same_path(path, name)]
    words = named(name)
    ends = [
        key for path, key in every.items() if words and named(path)[-len(words) :] == words
    ]
    for key in whole or ends:
        unit = f", in {key.unit}" if key.unit else ""
        told.append(
            f"{key.path}: a key of a scenario{unit}\n  {key.meaning}\n"
            f"  may be: {key.allowed}\n  default: {key.default}\n  example: {key.example}"
        )
    if not told:
        there = [*every, *(metric.name for _, metric in known), *TIME, *PLACES]
        there += [path.rpartition(".")[2] for path in every]
        raise InputError.no_such(f"no metric or key is called '{name}'", name, there)
    return "\n".join(told)


def _stands_for(metric: str, name: str) -> bool:
    """Whether a metric is called so in some scenario: capitals stand for its own names."""
    return re.fullmatch(re.sub("[A-Z]+", ".+", re.escape(metric)), name) is not None


def scenarios() -> str:
    """List name, status and title of every scenario."""
    loaded = map(load_scenario, names())
    return "\n".join(f"{one.name:20} {one.status:15} {one.title}" for one in loaded)
