"""The two ways in which a command ends other than well, and the hint that helps against typing
errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(Exception):
    """The user gave something that cannot be used; the message says all there is to say (exit code
    2).
    """


class CheckFailed(Exception):
    """A check was carried out and did not hold; the message says which and how (exit code 1)."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a hint naming the allowed name closest to `name`, ready to be appended to an error
    message.

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
    given = name.lower()
    heads = {
        candidate.split("-")[0]: candidate for candidate in reversed(originals)
    }  # of names such as H800-SXM-80
    within = [candidate for candidate in originals if len(given) > 2 and given in candidate]
    matches = get_close_matches(given, originals, n=1) or within
    matches = matches or [heads[head] for head in get_close_matches(given, heads, n=1)]
    return f' (did you mean "{originals[matches[0]]}"?)' if matches else ""
