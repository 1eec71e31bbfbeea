"""The unknown constants inside a scenario or a catalogue entry: found, named and filled in.

What is found is kept as a *sketch*: nested mappings with just the keys that lead to an unknown
constant, so that filling in values touches nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from sim.errors import InputError
from sim.quantities.distributions import Distribution, Uncertain

T = TypeVar("T")
Sketch = Any
"""An `Uncertain`, or a mapping of keys to sketches; None where there is no unknown constant."""


def sketch(item: Any, path: str = "") -> Sketch:
    """Where the unknown constants of `item` are, each named after its path unless it has a name."""
    if isinstance(item, Uncertain):
        return item.named(path)
    found = {}
    for key, part in _parts(item).items():
        # A cause of failure goes by its name: its place in the list changes when one is added.
        label = getattr(part, "cause", key) if isinstance(item, tuple) else key
        below = sketch(part, f"{path}.{label}" if path else str(label))
        if below is not None:
            found[key] = below
    return found or None


def by_name(found: Sketch) -> dict[str, Uncertain]:
    """Every unknown constant of a sketch by name.

    Raises
    ------
    InputError
        When two of one name have different distributions: by their name they would be one.
    """
    result: dict[str, Uncertain] = {}
    for number in _leaves(found):
        known = result.setdefault(number.name, number)
        if known.distribution != number.distribution:
            name = number.name
            raise InputError(
                f"two unknown constants are called '{name}' but differ; rename one", given=name
            )
    return result


def _leaves(found: Sketch) -> Iterator[Uncertain]:
    if isinstance(found, Uncertain):
        yield found
    elif found is not None:
        for part in found.values():
            yield from _leaves(part)


def unknowns(item: Any) -> dict[str, Uncertain]:
    """Every unknown constant inside `item` by name.

    Raises
    ------
    InputError
        When two of one name have different distributions.
    """
    return by_name(sketch(item))


def named(item: T, prefix: str) -> T:
    """`item` with every nameless unknown constant named after its path."""
    return _filled(item, sketch(item, prefix), lambda number: number)


def settled(item: T, values: Mapping[str, float], found: Sketch = None) -> T:
    """`item` with plain numbers in place of all its unknown constants.

    Parameters
    ----------
    item
    values : mapping of str to float
        By name; a constant that is not among them takes its mode.
    found : Sketch, optional
        The sketch of the item, if it is at hand.
    """
    # Finding takes longer than filling in, which each replication does.
    found = found or sketch(item)
    return _filled(item, found, lambda number: _known(number, values, float(number)))


def partly(item: T, values: Mapping[str, float]) -> T:
    """`item` with plain numbers in place of those unknown constants that `values` names."""
    return _filled(item, sketch(item), lambda number: _known(number, values, number))


def _known(number: Uncertain, values: Mapping[str, float], otherwise: float) -> float:
    drawn = values.get(number.name)
    return otherwise if drawn is None else number.of(drawn)


def _filled(item: Any, found: Sketch, value: Callable[[Uncertain], float]) -> Any:
    if found is None:
        return item
    if isinstance(found, Uncertain):
        return value(found)
    parts = _parts(item)
    new = {key: _filled(parts[key], part, value) for key, part in found.items()}
    if isinstance(item, BaseModel):
        return item.model_copy(update=new)
    if isinstance(item, Distribution):
        return dataclasses.replace(item, **new)
    together = parts | new
    return together if isinstance(item, dict) else tuple(together.values())


def _parts(item: Any) -> dict[Any, Any]:
    """The parts of an item by key; none of what cannot hold an unknown constant."""
    if isinstance(item, dict):
        return item
    if isinstance(item, tuple):
        return dict(enumerate(item))
    if isinstance(item, (BaseModel, Distribution)):
        # What was computed from the fields and kept is there too, but it is never unknown.
        return vars(item)
    return {}
