"""The unknown constants inside a scenario or a catalogue entry: find them, name them, put values in their place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from sim.distributions import Distribution, Uncertain

T = TypeVar("T")
Change = Callable[[Uncertain, str], float]


def named(item: T, prefix: str) -> T:
    """`item` with every nameless unknown constant named after its path."""
    return transform(item, lambda number, path: number.named(path), prefix)


def unknowns(item: Any) -> dict[str, Uncertain]:
    """Every unknown constant inside `item` by name.

    Raises
    ------
    ValueError
        When two of one name have different distributions: by their name they would be one.
    """
    found: dict[str, Uncertain] = {}

    def keep(number: Uncertain, path: str) -> float:
        other = found.setdefault(number.name or path, number)
        if other.distribution != number.distribution:
            raise ValueError(f"two unknown constants are called '{number.name}' but differ; rename one")
        return number

    transform(item, keep, "")
    return found


def settled(item: T, values: Mapping[str, float]) -> T:
    """`item` with plain numbers in place of its unknown constants: `values` by name, the mode of any other."""
    return transform(item, lambda number, path: values.get(number.name, float(number)), "")


def transform(item: T, change: Change, path: str) -> T:
    """Apply `change` to each unknown constant in `item`; parts without one are kept as the same objects."""
    result: Any = _transform(item, change, path)
    return result


def _transform(item: Any, change: Change, path: str) -> Any:
    if isinstance(item, Uncertain):
        return change(item, path)
    if isinstance(item, BaseModel):
        return _rebuilt(item, dict(item), change, path, lambda new: item.model_copy(update=new))
    if isinstance(item, Distribution) and dataclasses.is_dataclass(item):
        fields = {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}
        return _rebuilt(item, fields, change, path, lambda new: dataclasses.replace(item, **new))
    if isinstance(item, dict):
        return _rebuilt(item, item, change, path, lambda new: {**item, **new})
    if isinstance(item, tuple):
        parts = tuple(_transform(part, change, _join(path, _label(part, k))) for k, part in enumerate(item))
        return item if all(a is b for a, b in zip(parts, item, strict=True)) else parts
    return item


def _rebuilt(item: Any, fields: Mapping[str, Any], change: Change, path: str, build: Callable[[Any], Any]) -> Any:
    new = {}
    for key, value in fields.items():
        changed = _transform(value, change, _join(path, key))
        if changed is not value:
            new[key] = changed
    return build(new) if new else item


def _label(part: Any, position: int) -> str:
    return str(getattr(part, "cause", position))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
