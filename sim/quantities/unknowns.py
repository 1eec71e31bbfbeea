"""The unknown constants inside a scenario or a catalogue entry: found, named and filled in.

What is found is kept as a *sketch*: nested mappings with just the keys that lead to an unknown
constant, so that filling in values touches nothing else.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from sim.errors import InputError, expected
from sim.quantities.distributions import Distribution
from sim.quantities.uncertain import Uncertain, highest, lowest

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
                f"two unknown constants are called '{name}' but differ; rename one",
                given=name,
            )
    return result


def _leaves(found: Sketch) -> Iterator[Uncertain]:
    if isinstance(found, Uncertain):
        yield found
    elif found is not None:
        for part in found.values():
            yield from _leaves(part)


def only_by_name(item: Any, found: Sketch) -> set[str]:
    """The names of the unknown constants of a sketch that no path of keys leads to.

    They stand in the catalogue, in a list, or inside a distribution.
    """
    return {
        number.name for path, number, _ in _places(item, found, "") if path != number.name
    }


def read_as(item: Any, found: Sketch, name: str, value: Any) -> Any:
    """What a value says at the place of the unknown constant of a name, as its key reads it.

    Parameters
    ----------
    item
    found : Sketch
        Of the item.
    name : str
    value : plain data

    Raises
    ------
    InputError
        When there is no such constant, or it cannot take the value.
    """
    places = {
        number.name: (part, key) for path, number, (part, key) in _places(item, found, "")
    }
    if name not in places:
        problem = f"no unknown constant is called '{name}'"
        raise InputError.no_such(problem, name, places, listed="there are")
    part, key = places[name]
    if not isinstance(part, BaseModel):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        raise expected("a plain number, in SI units", value)
    field = type(part).model_fields[key]
    # Nothing heeds the key among the rules: without any at all it would be no annotation.
    kind: Any = Annotated[field.annotation, key, *field.metadata]
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        raise InputError(str(cause or error.errors()[0]["msg"]), given=value) from None


def _places(item: Any, found: Sketch, path: str) -> Iterator[tuple[str, Uncertain, Any]]:
    """Path, unknown constant, and the part and key that hold it, for each of a sketch."""
    for key, below in (found or {}).items():
        # Inside a distribution other words are written than its attributes.
        own = "" if isinstance(item, Distribution) else f"{path}.{key}".removeprefix(".")
        if isinstance(below, Uncertain):
            yield own, below, (item, key)
        else:
            yield from _places(_parts(item)[key], below, own)


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


def check_values(
    whose: str, known: Mapping[str, Uncertain], values: Mapping[str, float]
) -> None:
    """Refuse values of unknown constants that are not there, or out of their range.

    Parameters
    ----------
    whose : str
        What has them.
    known : mapping of str to Uncertain
    values : mapping of str to float

    Raises
    ------
    InputError
        With the nearest name, or the range.
    """
    for name, value in values.items():
        if name not in known:
            problem = f"{whose}: no unknown constant '{name}'"
            raise InputError.no_such(problem, name, known)
        low = lowest(known[name])
        high = highest(known[name])
        is_number = isinstance(value, (int, float))
        # A draw may pass an end of its range by its rounding.
        slack = 1e-9 * max(abs(low), abs(value)) if is_number else 0.0
        if not is_number or not low - slack <= value <= high + slack:
            allowed = f"{low:.6g} to {high:.6g}"
            problem = f"{whose}: {name} = {value!r:.60} is out of its range, {allowed}"
            raise InputError(problem, key=name, given=value, allowed=allowed)


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
