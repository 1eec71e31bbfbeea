"""One prior for one quantity: a scenario names it, and the catalogue says what it is."""

from typing import Any

from sim import catalogue
from sim.documents import Document, KeyPath, mapped
from sim.errors import InputError


def filled(data: Any, document: Document) -> Any:
    """Plain data with the prior of the catalogue in place of each ``{prior: NAME}``.

    Parameters
    ----------
    data : plain data
    document : Document
        What errors are about.

    Raises
    ------
    InputError
        When there is no such prior.

    Examples
    --------
    >>> filled({"research": {"prior": "research-share"}}, Document("scenario", {}, {}))
    {'research': {'uncertain': [0.3, 0.5, 0.7]}}
    """

    def known(part: Any, path: KeyPath) -> Any:
        if not isinstance(part, dict) or part.keys() != {"prior"}:
            return part
        name = str(part["prior"])
        try:
            value = catalogue.entry("priors", name).values["amount"]
        except InputError as error:
            raise document.error(
                path, str(error), given=name, allowed=error.allowed
            ) from None
        # The scenario's key names the unknown constant, as it would had it been written out.
        return {"uncertain": value["uncertain"]}

    return mapped(data, known)
