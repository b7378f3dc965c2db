"""Answers for expressions: declared fields that an answer leaves out read as null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from runner.catalogue.operation import Operation
from runner.template import Answer

Declare = Callable[[Any], Any]
"""Function from an answer to the same answer with its declared fields."""


def of_answer(operation: Operation, value: Any) -> Any:
    """Return the answer of an operation with its declared fields: one object, or a list of entries."""
    if isinstance(value, list):
        return [of_entry(operation, entry) for entry in value]
    return _declared(value, operation.entry if operation.items else operation.answer)


def of_entry(operation: Operation, value: Any) -> Any:
    """Return one entry of the list of an operation with its declared fields."""
    return _declared(value, operation.entry)


def _declared(value: Any, schema: Mapping[str, Any] | None) -> Any:
    declare = _declare_of(_Schema(schema)) if schema is not None else None
    return declare(value) if declare is not None else value


class _Schema:
    """Cache key for a schema, by its identity: schemas live as long as their operations."""

    __slots__ = ("schema",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and other.schema is self.schema

    def __hash__(self) -> int:
        return id(self.schema)


@lru_cache(maxsize=1024)
def _declare_of(key: _Schema) -> Declare | None:
    return _declare(key.schema)


def _declare(schema: Mapping[str, Any]) -> Declare | None:
    """Return the function for a schema; None where it declares nothing."""
    forms = [form for form in schema.get("anyOf", ()) if isinstance(form, Mapping)]
    declared = [properties for properties in map(_properties, forms or [schema]) if properties]
    # A field that one form lacks is not declared for the value as a whole.
    names = frozenset[str].intersection(*map(frozenset, declared)) if declared else frozenset[str]()
    fields: dict[str, Declare] = {}
    for name in names:
        inner = declared[0][name]
        declare_inner = _declare(inner) if isinstance(inner, Mapping) else None
        if declare_inner is not None:
            fields[name] = declare_inner
    items = schema.get("items")
    declare_item = _declare(items) if isinstance(items, Mapping) else None
    if not names and declare_item is None:
        return None

    def declare(value: Any) -> Any:
        if isinstance(value, list):
            return value if declare_item is None else [declare_item(item) for item in value]
        if not names or not isinstance(value, dict):
            return value
        known = {name: fields[name](value[name]) for name in fields if name in value}
        return Answer({**value, **known}, names)

    return declare


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}
