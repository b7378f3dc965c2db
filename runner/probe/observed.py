"""Schemas inferred from data: the names and types of fields, and none of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

MAX_LEVELS = 6
"""Levels of nested objects that a schema describes."""

MAX_NAMES = 100
"""Names in one object above which it is treated as a table, whose names may be data."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z", re.ASCII)


def is_name(key: str) -> bool:
    """Return true if a key is the name of a field rather than data, such as an e-mail address."""
    return bool(_NAME.match(key))


def json_type(value: Any) -> str:
    """Return the JSON type of a value."""
    if value is None:
        return "null"
    # bool before int: in Python, a bool is an int.
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def types_schema(types: Sequence[str]) -> dict[str, Any]:
    """Return the schema of values that have one of these types."""
    return {"type": types[0] if len(types) == 1 else list(types)}


def schema_of(values: Sequence[Any], *, levels: int = MAX_LEVELS) -> dict[str, Any]:
    """Return the schema of values: their types, and the names and types of their fields."""
    kinds = {json_type(value) for value in values}
    kinds -= {"integer"} if "number" in kinds else set()
    if not kinds - {"null"}:
        return {}
    schema = types_schema(sorted(kinds, key=lambda kind: (kind == "null", kind)))
    objects = [value for value in values if isinstance(value, Mapping)]
    names = list(dict.fromkeys(name for value in objects for name in value))
    if names and levels and len(names) <= MAX_NAMES and all(map(is_name, names)):
        inner = {name: [value[name] for value in objects if name in value] for name in names}
        schema["properties"] = {
            name: schema_of(each, levels=levels - 1) for name, each in inner.items()
        }
    entries = [entry for value in values if isinstance(value, list) for entry in value]
    if entries and levels:
        schema["items"] = schema_of(entries, levels=levels - 1)
    return schema


def merged_schema(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that allows what either of two inferred schemas allows."""
    if not one or not other or "$ref" in one:
        return dict(one or other)
    kinds = {kind for each in (one, other) for kind in _as_list(each.get("type", ()))}
    kinds -= {"integer"} if "number" in kinds else set()
    merged: dict[str, Any] = {"type": sorted(kinds, key=lambda kind: (kind == "null", kind))}
    if len(kinds) == 1:
        merged["type"] = merged["type"][0]
    for key in ("properties", "items"):
        inner, more = one.get(key), other.get(key)
        if inner is None or more is None:
            only = inner if inner is not None else more
            if only is not None:
                merged[key] = only
        elif key == "items":
            merged[key] = merged_schema(inner, more)
        else:
            merged[key] = {**inner, **more} | {
                n: merged_schema(inner[n], more[n]) for n in inner if n in more
            }
    return merged


def _as_list(types: str | Sequence[str]) -> Sequence[str]:
    return [types] if isinstance(types, str) else types
