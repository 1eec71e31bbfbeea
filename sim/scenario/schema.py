"""The JSON schema of a scenario file, for editors: the name and shape of every key."""

from typing import Any

from sim import catalogue
from sim.catalogue.kinds import KINDS
from sim.quantities.notation import UNCERTAIN
from sim.scenario import Scenario, names
from sim.scenario.keys import keys, meanings

LIKE = {"type": "string", "description": "start from this one and say only what differs"}
NULL = {"type": "null"}
TABLES = {f"#/$defs/{type_.__name__}": kind for kind, type_ in KINDS.items()}
"""The tables of the catalogue by the reference that a schema makes to their type."""


def schema() -> dict[str, Any]:
    """The schema of one file.

    A file that is `like` another leaves out what it inherits and takes things away with null, so
    what is required is checked only after merging; here a file needs `run` and `fleet`, or `like`.

    Examples
    --------
    >>> sorted(schema()["properties"])[:4]
    ['catalogue', 'checkpoint', 'constants', 'costs']
    """
    result = _loosened(Scenario.model_json_schema())
    result["properties"]["like"] = LIKE | {"examples": names()}
    for type_ in KINDS.values():
        definition = result["$defs"].get(type_.__name__)
        if definition:
            definition["properties"]["like"] = LIKE
    result["$defs"]["Uncertain"] = UNCERTAIN
    for holder in {key.holder for key in keys().values()}:
        part = result["$defs"].get(holder.__name__, result)
        for name, words in meanings(holder).items():
            if name in part["properties"]:
                part["properties"][name]["description"] = words
    start = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return (
        start | result | {"anyOf": [{"required": ["like"]}, {"required": ["run", "fleet"]}]}
    )


def _loosened(part: Any) -> Any:
    """A part with null allowed everywhere, nothing required, no defaults, and names listed."""
    if isinstance(part, list):
        return [_loosened(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part == UNCERTAIN:
        # One definition, as it stands at every number.
        return {"$ref": "#/$defs/Uncertain"}
    # Defaults are in SI units, which nobody may write.
    left_out = ("default", "properties", "required")
    result = {key: _loosened(value) for key, value in part.items() if key not in left_out}
    if "properties" in part:
        result["properties"] = {
            name: _or_null(_loosened(value)) for name, value in part["properties"].items()
        }
    if isinstance(part.get("additionalProperties"), dict):
        result["additionalProperties"] = _or_null(result["additionalProperties"])
    options = part.get("anyOf", [])
    for option in options:
        kind = TABLES.get(option.get("$ref"))
        if kind:
            # What the field takes besides the type itself is a name.
            position = options.index({"type": "string"})
            result["anyOf"][position] = {"enum": list(catalogue.table(kind))}
    return result


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    return part if NULL in part.get("anyOf", []) else {"anyOf": [part, NULL]}
