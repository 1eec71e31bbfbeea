"""The JSON schema of a scenario file, for editors: the name and shape of every key."""

from __future__ import annotations

from typing import Any

from sim import catalogue
from sim.catalogue.kinds import KINDS
from sim.quantities.notation import UNCERTAIN
from sim.scenario import Scenario, names

LIKE = {"type": "string", "description": "start from this one and say only what differs"}
NULL = {"type": "null"}
TABLES = {f"#/$defs/{type_.__name__}": kind for kind, type_ in KINDS.items()}


def schema() -> dict[str, Any]:
    """The schema of one file.

    A file that is `like` another leaves out what it inherits and takes things away with null, so
    what is required is checked only after merging; here a file needs `run` and `fleet`, or `like`.

    Examples
    --------
    >>> sorted(schema()["properties"])[:4]
    ['checkpoint', 'constants', 'costs', 'depot']
    """
    result = _loosened(Scenario.model_json_schema())
    result["properties"]["like"] = LIKE | {"examples": names()}
    for reference in TABLES:
        definition = result["$defs"].get(reference.rpartition("/")[2])
        if definition:
            definition["properties"]["like"] = LIKE
    result["$defs"]["Uncertain"] = UNCERTAIN
    start = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return start | result | {"anyOf": [{"required": ["like"]}, {"required": ["run", "fleet"]}]}


def _loosened(part: Any) -> Any:
    """`part` with null allowed everywhere, nothing required, no defaults (they are in SI units),
    and names listed.
    """
    if isinstance(part, list):
        return [_loosened(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part == UNCERTAIN:
        return {"$ref": "#/$defs/Uncertain"}
    result = {
        key: _loosened(value) for key, value in part.items() if key not in ("default", "properties")
    }
    if "properties" in part:
        result.pop("required", None)
        result["properties"] = {
            name: _or_null(_loosened(value)) for name, value in part["properties"].items()
        }
    if isinstance(part.get("additionalProperties"), dict):
        result["additionalProperties"] = _or_null(result["additionalProperties"])
    for kind in {TABLES.get(option.get("$ref")) for option in part.get("anyOf", [])} - {None}:
        entries = {"enum": list(catalogue.table(kind))}
        result["anyOf"] = [
            entries if option == {"type": "string"} else option for option in result["anyOf"]
        ]
    return result


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    return part if NULL in part.get("anyOf", []) else {"anyOf": [part, NULL]}
