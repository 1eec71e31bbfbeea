"""What functions check of the arguments that are given to them from Python."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sim.errors import InputError, nearest
from sim.scenario import Scenario
from sim.scenario.reading import names


def check_scenario(given: Any) -> None:
    """Refuse what is no scenario, and tell how to make one of its name.

    Examples
    --------
    >>> check_scenario("deepseek")
    Traceback (most recent call last):
    sim.errors.InputError: expected a Scenario, not 'deepseek' (did you mean "deepseek-v3"?); \
load_scenario makes one of a name, a file or a mapping
    """
    if isinstance(given, Scenario):
        return
    hint = nearest(given, names()) if isinstance(given, str) and given not in names() else ""
    makes = "load_scenario makes one of a name, a file or a mapping"
    problem = f"expected a Scenario, not {given!r:.60}{hint}; {makes}"
    raise InputError(problem, given=given, allowed="a Scenario")


def check_whole(name: str, given: Any, least: int) -> None:
    """Refuse what is no whole number, or one that is too small.

    Examples
    --------
    >>> check_whole("n", 0, 1)
    Traceback (most recent call last):
    sim.errors.InputError: n: expected a whole number of at least 1, not 0
    """
    # True is a whole number to Python.
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < least:
        raise _refused(name, f"a whole number of at least {least}", given)


def check_share(name: str, given: Any) -> None:
    """Refuse what is no number between 0 and 1, the ends excluded.

    Examples
    --------
    >>> check_share("probability", 90)
    Traceback (most recent call last):
    sim.errors.InputError: probability: expected a number above 0 and below 1, such as 0.9, not 90
    """
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < 1:
        raise _refused(name, "a number above 0 and below 1, such as 0.9", given)


def check_date(name: str, given: Any) -> dt.date:
    """Return a date without its time of day; refuse what is none.

    Examples
    --------
    >>> check_date("by", "2024-12-01")
    Traceback (most recent call last):
    sim.errors.InputError: by: expected a datetime.date, not '2024-12-01'
    """
    if isinstance(given, dt.datetime):
        return given.date()
    if not isinstance(given, dt.date):
        raise _refused(name, "a datetime.date", given)
    return given


def check_lists(name: str, given: Mapping[str, Any]) -> None:
    """Refuse what gives no list of values for a path.

    Examples
    --------
    >>> check_lists("choose", {"checkpoint.interval": "10 min"})
    Traceback (most recent call last):
    sim.errors.InputError: choose checkpoint.interval: expected a list of values, not '10 min'
    """
    if not isinstance(given, Mapping):
        raise _refused(name, "a mapping of paths to lists of values", given)
    for path, values in given.items():
        check_list(f"{name} {path}", values, 1)


def check_list(name: str, given: Any, least: int = 0) -> None:
    """Refuse what is no list, or too short: of a string, every letter would be taken for an item.

    Examples
    --------
    >>> check_list("names", "no-controls")
    Traceback (most recent call last):
    sim.errors.InputError: names: expected a list of values, not 'no-controls'
    """
    if isinstance(given, str) or not isinstance(given, Collection) or len(given) < least:
        raise _refused(name, "a list of values", given)


def check_among(name: str, given: Any, allowed: Collection[str]) -> None:
    """Refuse a word that is none of those there are."""
    if given not in allowed:
        problem = f"{name}: no {given!r:.60}"
        raise InputError.no_such(problem, str(given), allowed, listed="allowed", key=name)


def _refused(name: str, allowed: str, given: Any) -> InputError:
    problem = f"{name}: expected {allowed}, not {given!r:.60}"
    return InputError(problem, key=name, given=given, allowed=allowed)
