"""From plain data to what it describes, and from what pydantic finds wrong with it to sentences."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.catalogue.strict import A_DATE, Strict, UnknownKey, refusal
from sim.documents import KeyPath, dotted
from sim.errors import InputError, expected, nearest
from sim.quantities.unknowns import Sketch, by_name, named, partly, read_as, sketch
from sim.scenario.reading import Source, children, written

if TYPE_CHECKING:  # only for the types: a case is built here, and knows nothing of how
    from sim.scenario.case import Case

MOST_SHOWN = 5

PLAINLY = {
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "string_type": "text; put it in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
"""What is expected, in our words, for those errors of pydantic that speak of its own types."""

S = TypeVar("S", bound=Strict)
C = TypeVar("C", bound="Case")


def build(type_: type[S], source: Source, data: Mapping[str, Any]) -> tuple[S, Sketch]:
    """Check data and make of it what it describes, every unknown constant named.

    Parameters
    ----------
    type_ : type
    source : Source
        What errors are about.
    data : mapping
        All or some of the data of the source.

    Returns
    -------
    item, sketch
        What was made, and where its unknown constants are.

    Raises
    ------
    InputError
        With file, line, key, what was given and what is allowed, for everything that is wrong.
    """
    own = source.data.get("catalogue")
    if own is not None and not (isinstance(own, str) and os.path.isdir(own)):
        raise source.error(
            ("catalogue",), f"catalogue: there is no folder '{own}'", given=own
        )
    name = source.documents[0].name
    try:
        built = named(type_.model_validate(data, context={"catalogue": own}), "")
        found = sketch(built)
        by_name(found)
    except ValidationError as error:
        raise _explained(error, source) from None
    except RecursionError:
        raise InputError(f"{name}: refers to itself") from None
    except InputError as error:
        raise InputError(f"{name}: {error}", given=error.given) from None
    return built, found


def build_known(type_: type[C], source: Source, data: Mapping[str, Any]) -> tuple[C, Sketch]:
    """What `build` makes, with what is known of its unknown constants, and where the others are."""
    built, found = build(type_, source, data)
    if not built.known:
        return built, found
    values = {}
    for name, value in built.known.items():
        try:
            values[name] = read_as(built, found, name, value)
        except InputError as error:
            known = {"key": f"known.{name}", "given": value, "allowed": error.allowed}
            if name in dict(source.overrides):
                raise InputError(f"{name}: {error}", **known) from None
            raise source.error(("known", name), f"known.{name}: {error}", **known) from None
    built = partly(built, values)
    return built, sketch(built)


def _explained(error: ValidationError, source: Source) -> InputError:
    """One line for each thing that is wrong, the first few of them."""
    found: dict[str, InputError] = {}
    places = [details["loc"] for details in error.errors()]
    for details in error.errors():
        below = [place for place in places if place[: len(details["loc"])] == details["loc"]]
        # Only items that are right are counted, so there seem to be too few where one is wrong.
        if details["type"] == "too_short" and len(below) > 1:
            continue
        wrong = _wrong(details, source)
        # Each branch of a union finds the same mistake.
        found.setdefault(str(wrong), wrong)
    lines = list(found)
    if len(lines) > MOST_SHOWN:
        lines[MOST_SHOWN:] = [f"… and {len(lines) - MOST_SHOWN} more"]
    problems = tuple(wrong.problems[0] for wrong in found.values())
    return InputError("\n".join(lines), problems=problems)


def _wrong(details: ErrorDetails, source: Source) -> InputError:
    """The error of one thing that pydantic found."""
    path = _steps(source.data, details["loc"])
    if details["type"] == "missing":
        return _missing(path, details["loc"], source)
    error = _in_our_words(details)
    given = details["input"]
    # An error with a key is about one below the part that noticed it; one with a file is about the
    # catalogue, which has keys of its own.
    below = error.key is not None and error.file is None
    if below:
        path = (*path, *str(error.key).split("."))
        given = error.given
    message = str(error)
    # What was given is repeated where the message does not show it, unless it is long.
    silent = below or isinstance(given, (dict, BaseModel))
    shown = message.startswith("'") or f"'{given}'" in message
    gap = ": " if silent or shown else f" = {written(given)}: "
    if isinstance(error, UnknownKey):
        gap = " "
    key = dotted(path)
    told = (key or "the scenario") + gap + message
    known = {"key": key or None, "given": given, "allowed": error.allowed}
    # Of what was set by this very path the name has been said.
    if source.override_of(path) == key:
        return InputError(told, **known)
    return source.error(path, told, **known)


def _in_our_words(details: ErrorDetails) -> InputError:
    """The error that pydantic collected, or what it found itself without words about its types."""
    kind = details["type"]
    given = details["input"]
    context = details.get("ctx", {})
    if kind == "literal_error":
        options = re.findall("'([^']*)'", context["expected"])
        return InputError.no_such(f"expected {context['expected']}", str(given), options)
    bounds = {"greater_than_equal": ("least", "ge"), "less_than_equal": ("most", "le")}
    if kind in bounds:
        word, key = bounds[kind]
        rule = f"must be at {word} {context[key]:,}"
        return InputError(rule, given=given, allowed=rule)
    if kind.startswith("date"):
        return expected(A_DATE, given)
    if kind == "string_type" and isinstance(given, (dict, list)):
        return expected("text", given)
    if kind in PLAINLY:
        return expected(PLAINLY[kind], given)
    return refusal(details)


def _missing(path: KeyPath, place: KeyPath, source: Source) -> InputError:
    parent = path[:-1]
    stated = source.states(parent)
    hint = ""
    siblings: Any = source.data
    for step in parent[:-1]:
        siblings = siblings[step]
    given = siblings[parent[-1]] if parent else None
    if isinstance(given, str):
        # A file of the user's own, which need not say all; its keys stand below that of the file.
        below = [
            step for step in place[place.index(parent[-1]) + 1 :] if "[" not in str(step)
        ]
        path = (*parent, *below)
        hint = f": {given} does not say it"
        if len(below) == 1:
            hint += f"; write {dotted(parent)} as {{like: {given}, {path[-1]}: …}}"
    elif not stated and len(parent) > 1:
        # The parent is there by an override alone: perhaps a misspelt name.
        others = [str(key) for key in siblings if key != parent[-1]]
        hint = nearest(str(parent[-1]), others)
    key = dotted(path)
    return source.error(path if stated else parent, f"{key} is missing{hint}", key=key)


def _steps(data: Any, path: KeyPath) -> KeyPath:
    """The parts of `path` that are keys of the data.

    The others are names that pydantic gives to the branches of a union.
    """
    steps: list[int | str] = []
    for step in path:
        below = children(data)
        if step in below:
            steps.append(step)
            data = below[step]
        elif isinstance(data, (dict, str)) and step == path[-1] and "[" not in str(step):
            # The last may be a key that is missing; brackets stand in no key.
            steps.append(step)
    return tuple(steps)
