"""Normalization of OpenAPI documents, in the style of any vendor, to the one form that is used here.

Operations without an operationId are named after method and path; `nullable` and the other words of OpenAPI 3.0 that
3.1 dropped, and `allOf`, are rewritten, and so are the forms of `oneOf`, `anyOf` and `if`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runner.catalogue.schemas.alternatives import close, typed, united

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keys of a schema below which the keys are names."""
DATA = frozenset({"example", "examples", "default", "enum", "const"})
"""Keys of a document below which any data may be."""

_ONE = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
)
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})


def operation_names(document: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the name of the operation at each (method, path), in the order of the document."""
    return {
        (method, path): operation_name(method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def operation_name(method: str, path: str, entry: Mapping[str, Any]) -> str:
    """Return the operationId in the characters of recipes, `repos/get` as repos_get; else method and path.

    >>> operation_name("get", "/orders/{id}", {})
    'get_orders_id'
    """
    declared = re.sub(r"[^A-Za-z0-9_-]+", "_", entry.get("operationId", "")).strip("_")
    return declared or "_".join([method, *re.findall(r"[A-Za-z0-9]+", path)])


def flat(schema: Any) -> Any:
    """Return a schema without references in the words of OpenAPI 3.1, with its `allOf` merged into it.

    Where it allows several forms, they are under `anyOf`, and the facts common to all of them beside it.
    """
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in NAMED and isinstance(value, Mapping):
            result[key] = {name: flat(inner) for name, inner in value.items()}
        elif key in _SEVERAL and isinstance(value, list):
            result[key] = [flat(part) for part in value]
        else:
            result[key] = flat(value) if key in _ONE else value
    # The order matters: each step reads keywords that the one before has merged or renamed.
    if "allOf" in result:
        result = _merged(result)
    typed(result)
    _accept_null(result)
    _exclude(result)
    if not result.keys().isdisjoint(("oneOf", "anyOf", "if")):
        result = united(result)
    close(result)
    return result


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema merged with its `allOf`: its own keywords win, and one part of several cannot close it."""
    parts = [part for part in schema.pop("allOf") if isinstance(part, Mapping)]
    properties: dict[str, Any] = {}
    required: list[str] = []
    for part in (*parts, schema):
        properties.update(part.get("properties", {}))
        required += [name for name in part.get("required", ()) if name not in required]
    merged = dict(schema)
    for part in parts:
        for key, value in part.items():
            if key not in ("additionalProperties", "unevaluatedProperties") or len(parts) == 1:
                merged.setdefault(key, value)
    if properties:
        merged["properties"] = properties
    if required:
        merged["required"] = required
    return merged


def _accept_null(schema: dict[str, Any]) -> None:
    if schema.pop("nullable", None) is not True:
        return
    kinds = schema.get("type")
    if isinstance(kinds, str):
        schema["type"] = [kinds, "null"]
    if None not in schema.get("enum", (None,)):
        schema["enum"] = [*schema["enum"], None]


def _exclude(schema: dict[str, Any]) -> None:
    """Convert the boolean `exclusiveMinimum` and `exclusiveMaximum` of OpenAPI 3.0 to numbers."""
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and limit in schema:
            schema[exclusive] = schema.pop(limit)
