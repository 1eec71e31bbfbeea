"""One prior for one quantity: a scenario names it, and the catalogue says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim import catalogue
from sim.documents import Document, KeyPath
from sim.errors import InputError


def filled(data: Any, document: Document, path: KeyPath = ()) -> Any:
    """Plain data with the prior of the catalogue in place of each ``{prior: NAME}``.

    Parameters
    ----------
    data : plain data
    document : Document
        What errors are about.
    path : tuple
        Where in the document the data stands.

    Raises
    ------
    InputError
        When there is no such prior.

    Examples
    --------
    >>> filled({"research": {"prior": "research-share"}}, Document("scenario", {}, {}))
    {'research': {'uncertain': [0.3, 0.5, 0.7]}}
    """
    if isinstance(data, list):
        return [filled(part, document, (*path, place)) for place, part in enumerate(data)]
    if not isinstance(data, Mapping):
        return data
    if data.keys() != {"prior"}:
        return {key: filled(part, document, (*path, key)) for key, part in data.items()}
    name = str(data["prior"])
    try:
        value = catalogue.entry("priors", name).values["amount"]
    except InputError as error:
        raise document.error(path, str(error), given=name, allowed=error.allowed) from None
    # The scenario's key names the unknown constant, as it would had it been written out.
    return {"uncertain": value["uncertain"]}
