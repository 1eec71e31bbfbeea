"""The unknown constants inside a scenario or a catalogue entry: find them, name them, put values in
their place.

What is found is kept as a *sketch*: nested mappings with just the keys that lead to an unknown
constant, so that putting values in place touches nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from sim.quantities.distributions import Distribution, Uncertain

T = TypeVar("T")
Sketch = Any
"""An `Uncertain`, or a mapping of keys to sketches; None where there is no unknown constant."""


def sketch(item: Any, path: str = "") -> Sketch:
    """Where the unknown constants of `item` are, each named after its path unless it has a name."""
    if isinstance(item, Uncertain):
        return item.named(path)
    if isinstance(item, tuple):
        labels = [(k, str(getattr(part, "cause", k))) for k, part in enumerate(item)]
    else:
        labels = [(key, str(key)) for key in _fields(item)]
    found = {
        key: sketch(_get(item, key), f"{path}.{label}" if path else label) for key, label in labels
    }
    return {key: part for key, part in found.items() if part is not None} or None


def named(item: T, prefix: str) -> T:
    """`item` with every nameless unknown constant named after its path."""
    return _fill(item, sketch(item, prefix), lambda number: number)


def unknowns(item: Any) -> dict[str, Uncertain]:
    """Every unknown constant inside `item` by name.

    Raises
    ------
    ValueError
        When two of one name have different distributions: by their name they would be one.
    """
    result: dict[str, Uncertain] = {}
    for number in _leaves(sketch(item)):
        if result.setdefault(number.name, number).distribution != number.distribution:
            raise ValueError(
                f"two unknown constants are called '{number.name}' but differ; rename one"
            )
    return result


def settled(item: T, values: Mapping[str, float], found: Sketch = None) -> T:
    """`item` with plain numbers in place of its unknown constants: `values` by name, the mode of
    any other.

    `found` is the sketch of the item, if it is at hand.
    """
    return _fill(item, found or sketch(item), lambda number: values.get(number.name, float(number)))


def partly(item: T, values: Mapping[str, float]) -> T:
    """`item` with plain numbers in place of the unknown constants that `values` names; the others
    stay unknown.
    """
    return _fill(item, sketch(item), lambda number: values.get(number.name, number))


def _fill(item: Any, found: Sketch, value: Callable[[Uncertain], float]) -> Any:
    if found is None:
        return item
    if isinstance(found, Uncertain):
        return value(found)
    new = {key: _fill(_get(item, key), part, value) for key, part in found.items()}
    if isinstance(item, BaseModel):
        return item.model_copy(update=new)
    if isinstance(item, dict):
        return {**item, **new}
    if isinstance(item, tuple):
        return tuple(new.get(k, part) for k, part in enumerate(item))
    return dataclasses.replace(item, **new)


def _fields(item: Any) -> list[Any]:
    if isinstance(item, BaseModel):
        return list(type(item).model_fields)
    if isinstance(item, dict):
        return list(item)
    if isinstance(item, Distribution) and dataclasses.is_dataclass(item):
        return [field.name for field in dataclasses.fields(item)]
    return []


def _get(item: Any, key: Any) -> Any:
    return item[key] if isinstance(item, (dict, tuple)) else getattr(item, key)


def _leaves(found: Sketch) -> Iterator[Uncertain]:
    if isinstance(found, Uncertain):
        yield found
    elif found is not None:
        for part in found.values():
            yield from _leaves(part)
