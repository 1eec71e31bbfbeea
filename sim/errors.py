"""The two ways in which a command fails, and the hint that helps against typing errors."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Self
from unicodedata import category

LONGEST = 2000
"""Letters in a line of a message."""
LONG = r"\S{400,}"
"""A word of which only the ends are shown."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what the user gave; None stands for what is not known."""

    message: str
    """The whole of it as a sentence."""
    file: str | None = None
    line: int | None = None
    key: str | None = None
    """The names that lead to the key, joined by dots, as ``--set`` takes them."""
    given: Any = None
    allowed: tuple[str, ...] | str | None = None
    """The names to choose from, or what may be given in words."""


class InputError(ValueError):
    """The user gave something that cannot be used (exit code 2).

    The message says all there is to say; the attributes let a program ask. It is a `ValueError`
    because pydantic collects those: so a validator can raise one.

    Parameters
    ----------
    message : str
        For the user: where it stands, the key, what was given and what is allowed.
    problems : tuple of Problem, optional
        All that is wrong, if the message tells of several. The attributes are those of the first.
    **known : optional
        The same as data, where known: file, line, key, given and allowed, as in `Problem`.

    Examples
    --------
    >>> error = InputError("chps is unknown", key="chps", allowed=("chips", "nodes"))
    >>> error.key, error.allowed, error.line
    ('chps', ('chips', 'nodes'), None)
    """

    def __init__(
        self, message: str, *, problems: tuple[Problem, ...] = (), **known: Any
    ) -> None:
        message = readable(message)
        super().__init__(message)
        self.problems = problems or (Problem(message, **known),)
        first = self.problems[0]
        self.file = first.file
        self.line = first.line
        self.key = first.key
        self.given = first.given
        self.allowed = first.allowed

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: how the mistake was noticed helps nobody to mend it."""
        return [f"{type(self).__name__}: {self}"]

    @classmethod
    def no_such(
        cls,
        problem: str,
        given: str,
        names: Iterable[str],
        more: str = "",
        listed: str = "",
        **known: Any,
    ) -> Self:
        """The error of a name that is none of those there are, with a hint at the nearest.

        Parameters
        ----------
        problem, more : str
            The message before and after the hint.
        given : str
        names : iterable of str
        listed : str
            Under which word the message lists all names; it lists none unless given.
        **known
            More of what the error takes.

        Examples
        --------
        >>> error = InputError.no_such("no such table", "chps", ["chips", "models"])
        >>> print(error, error.allowed)
        no such table (did you mean "chips"?) ('chips', 'models')
        """
        allowed = tuple(names)
        every = f"; {listed}: {', '.join(allowed) or 'none'}" if listed else ""
        message = f"{problem}{nearest(given, allowed)}{every}{more}"
        return cls(message, given=given, allowed=allowed, **known)


class CheckFailed(Exception):
    """A check was carried out and did not hold; the message says which and how (exit code 1)."""


def readable(message: str) -> str:
    """A message as it can be shown: control characters escaped, and what is too long cut.

    Examples
    --------
    >>> print(readable("a\\x1b[31m"), len(readable("x" * 9999)))
    a\\x1b[31m 203
    """
    letters = [letter if plain(letter) else ascii(letter)[1:-1] for letter in message]
    lines = "".join(letters).split("\n")
    return "\n".join(_cut(re.sub(LONG, _short, line), LONGEST) for line in lines)


def plain(letter: str) -> bool:
    """Whether a letter does nothing to a terminal but to be seen, or to end a line."""
    return letter == "\n" or not category(letter).startswith("C")


def _short(word: re.Match[str]) -> str:
    return _cut(word[0], 200)


def _cut(text: str, most: int) -> str:
    """What comes first and last in a text."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


def expected(allowed: str, given: Any, wrong: str = "") -> InputError:
    """The error of a value that is not what is expected where it stands.

    Parameters
    ----------
    allowed : str
        What is expected, in words.
    given : object
        What was given.
    wrong : str
        What is wrong with it, where the expectation alone does not show it.

    Examples
    --------
    >>> expected("a whole number", 2.5)
    InputError('expected a whole number')
    """
    reason = f"{wrong}; " if wrong else ""
    return InputError(f"{reason}expected {allowed}", given=given, allowed=allowed)


def in_file(file: str, problem: str, line: int | None = None, **known: Any) -> InputError:
    """The error of something wrong in a file.

    Parameters
    ----------
    file, problem : str
    line : int, optional
    **known
        More of what `InputError` takes.

    Examples
    --------
    >>> in_file("mine.yaml", "is empty")
    InputError('mine.yaml: is empty')
    """
    where = file if line is None else f"{file}, line {line}"
    return InputError(f"{where}: {problem}", file=file, line=line, **known)


def optional(module: str, extra: str) -> Any:
    """Import a module that needs packages of an extra.

    Parameters
    ----------
    module : str
    extra : str
        Its name, as pip takes it.

    Raises
    ------
    InputError
        When one of them is not installed, with the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        problem = f"{error.name} is not installed; pip install 'mixedfleet[{extra}]'"
        raise InputError(problem) from None


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a hint that names the allowed name closest to `name`, to be appended to a message.

    Parameters
    ----------
    name : str
        What was given.
    allowed : iterable of str
        What could have been given.

    Returns
    -------
    str
        ``' (did you mean "x"?)'``, or the empty string if nothing comes close.

    Examples
    --------
    >>> nearest("chps", ["chips", "hot_spares"])
    ' (did you mean "chips"?)'
    >>> nearest("fleet", ["chips", "hot_spares"])
    ''
    """
    originals: dict[str, str] = {}
    for candidate in allowed:
        originals.setdefault(candidate.lower(), candidate)
    # From Python anything may be given for a name.
    given = str(name).lower()
    matches = get_close_matches(given, originals, n=1)
    # One or two letters are part of too many names to point at any.
    if not matches and len(given) > 2:
        matches = [candidate for candidate in originals if given in candidate]
    if not matches:
        # People call H800-SXM-80 an H800; of several such the first is meant.
        heads = {candidate.split("-")[0]: candidate for candidate in reversed(originals)}
        matches = [heads[head] for head in get_close_matches(given, heads, n=1)]
    return f' (did you mean "{originals[matches[0]]}"?)' if matches else ""
