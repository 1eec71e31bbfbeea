"""Worlds: layers that can be put on a scenario, one on another."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Any

from pydantic import BeforeValidator

from sim.catalogue.strict import Strict
from sim.errors import InputError
from sim.quantities.notation import is_value
from sim.scenario.reading import merge


class World(Strict):
    """What is otherwise in a world: a part of a scenario, in which null takes something away."""

    title: str = ""
    """One line that says what it is."""
    source: str = ""
    """Who speaks of it, or why it is asked."""
    changes: Annotated[
        dict[str, Any],
        # A record of a scenario has no type for dates, and must be the same scenario.
        BeforeValidator(lambda changes: json.loads(json.dumps(changes, default=str))),
    ]
    """A part of a scenario, as it would stand in its file."""


def leaves(
    changes: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, Any]]:
    """Every value of a layer with its dotted path.

    Examples
    --------
    >>> dict(leaves({"policy": {"us": None}, "depot": {"supply": {"h20": {"scale": 2}}}}))
    {'policy.us': None, 'depot.supply.h20.scale': 2}
    """
    for key, value in changes.items():
        below = (*path, str(key))
        if isinstance(value, Mapping) and value and not is_value(dict(value)):
            yield from leaves(value, below)
        else:
            yield ".".join(below), value


def overlaps(layers: Sequence[tuple[str, World]]) -> list[str]:
    """Where two layers say different things of one key: the later one holds, and this is told.

    Layers without such a key can be put on in any order.

    Parameters
    ----------
    layers : sequence of (str, World)
        By name, in the order in which they are put on.

    Examples
    --------
    >>> more, less = (World(changes={"research": share}) for share in (0.5, 0.1))
    >>> overlaps([("more", more), ("less", less)])
    ['research: less goes before more']
    """
    found = []
    for position, (name, world) in enumerate(layers):
        for earlier, other in layers[:position]:
            for now, before in product(leaves(world.changes), leaves(other.changes)):
                path, known = f"{now[0]}.", f"{before[0]}."
                inside = path.startswith(known) or known.startswith(path)
                if inside and now != before:
                    found.append(f"{now[0]}: {name} goes before {earlier}")
    return found


def stacked(
    data: Mapping[str, Any], worlds: Mapping[str, World], names: Sequence[str], scenario: str
) -> dict[str, Any]:
    """The data of a scenario with some of its worlds put on it, the later on top.

    Raises
    ------
    InputError
        When there is no such world.
    """
    changed = {key: value for key, value in data.items() if key != "worlds"}
    titles = [str(data.get("title", scenario))]
    for name in names:
        if name not in worlds:
            problem = f"{scenario}: no world '{name}'"
            raise InputError.no_such(problem, name, worlds, listed="there are")
        changed = merge(changed, worlds[name].changes)
        titles.append(worlds[name].title or name)
    return {**changed, "title": "; ".join(titles)}
