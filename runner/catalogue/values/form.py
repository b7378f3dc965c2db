"""Bodies that are form-encoded: fields as they stand, lists and objects in brackets, as in `lines[0][sku]=00618`.

OpenAPI leaves open how nested values are written in a form; brackets are what most servers read. A list of plain values
repeats its name, as OpenAPI says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlencode

from runner.catalogue.schemas.schema import types_of
from runner.template import to_text

FORM = "application/x-www-form-urlencoded"

MAX_FIELDS = 1000
"""Fields of a form that is read."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def encode_form(body: Mapping[str, Any]) -> bytes:
    """Plain data as a form: exact numbers, dates in ISO form, null left out."""
    return urlencode(
        [pair for name, value in body.items() for pair in _pairs(name, value)]
    ).encode()


def decode_form(content: bytes, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a form, nested as their names say, numbers and booleans as `schema` asks for them.

    Raises ValueError for what is no form, or has too many fields.
    """
    pairs = parse_qsl(
        content.decode(),
        keep_blank_values=True,
        strict_parsing=bool(content),
        max_num_fields=MAX_FIELDS,
    )
    tree: dict[str, Any] = {}
    for name, value in pairs:
        parts = [name.partition("[")[0], *_BRACKETS.findall(name)]
        inside = tree
        for part in parts[:-1]:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise ValueError(f"{name!r} stands for a value and for what is inside it")  # noqa: TRY004 - of a text
        inside[parts[-1]] = [*_several(inside[parts[-1]]), value] if parts[-1] in inside else value
    return {
        name: _typed(value, schema.get("properties", {}).get(name, {}))
        for name, value in tree.items()
    }


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _pairs(
                f"{name}[{place}]" if isinstance(inner, Mapping | list | tuple) else name, inner
            )
    elif value is not None:
        yield name, to_text(value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value read from text, as the schema says; text that is not what it asks for stays text."""
    types = types_of(schema)
    if "array" in types:
        entries = list(value.values()) if isinstance(value, dict) else _several(value)
        return [_typed(entry, schema.get("items", {})) for entry in entries]
    if isinstance(value, dict):
        return {
            name: _typed(inner, schema.get("properties", {}).get(name, {}))
            for name, inner in value.items()
        }
    if "boolean" in types and value in ("true", "false"):
        return value == "true"
    if {"integer", "number"} & set(types) and isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return value
        return (
            int(number) if "integer" in types and number == number.to_integral_value() else number
        )
    return value
