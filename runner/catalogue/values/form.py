"""Form-encoded bodies: plain fields by name, lists and objects in brackets, as in `lines[0][sku]=00618`.

OpenAPI leaves the form of nested values open; most servers read brackets. A list of plain values repeats its name, as
OpenAPI specifies.
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
"""Fields of a form beyond which it is not decoded."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def encode_form(body: Mapping[str, Any]) -> bytes:
    """Return plain data as a form: exact numbers, dates in ISO form, null left out."""
    return urlencode(
        [pair for name, value in body.items() for pair in _pairs(name, value)]
    ).encode()


def decode_form(content: bytes, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a form, nested by their names, with the numbers and booleans of `schema`.

    Raises ValueError for a text that is no form, or has too many fields.
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
        # A repeated name is a list.
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
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _pairs(f"{name}[{place}]" if nested else name, inner)
    elif value is not None:
        yield name, to_text(value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a text as the type of the schema; text that does not fit stays text."""
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
        integral = "integer" in types and number == number.to_integral_value()
        return int(number) if integral else number
    return value
