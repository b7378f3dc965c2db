"""Answers as expressions see them: declared fields that an answer leaves out are null when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from runner.catalogue.operation import Operation
from runner.template import Answer

Declare = Callable[[Any], Any]
"""From an answer to the same one that knows its declared fields."""


def of_answer(operation: Operation, value: Any) -> Any:
    """What an operation has answered: one object, or a list of entries."""
    if isinstance(value, list):
        return [of_entry(operation, each) for each in value]
    whole = operation.entry if operation.items else operation.answer
    return _declared(value, whole)


def of_entry(operation: Operation, value: Any) -> Any:
    """One entry of what an operation lists."""
    return _declared(value, operation.entry)


def _declared(value: Any, schema: Mapping[str, Any] | None) -> Any:
    declare = _declare_of(_Schema(schema)) if schema is not None else None
    return declare(value) if declare is not None else value


class _Schema:
    """A schema as a key, by its identity: schemas live as long as their operations."""

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
    """The function for a schema; None where nothing in it is declared."""
    forms = [form for form in schema.get("anyOf", ()) if isinstance(form, Mapping)]
    every = [found for found in map(_properties, forms or [schema]) if found]
    names = frozenset[str].intersection(*map(frozenset, every)) if every else frozenset[str]()
    fields: dict[str, Declare] = {}
    for name in names:
        inner = every[0][name]
        found = _declare(inner) if isinstance(inner, Mapping) else None
        if found is not None:
            fields[name] = found
    items = schema.get("items")
    each = _declare(items) if isinstance(items, Mapping) else None
    if not names and each is None:
        return None

    def declare(value: Any) -> Any:
        if isinstance(value, list):
            return value if each is None else [each(element) for element in value]
        if not names or not isinstance(value, dict):
            return value
        known = {name: fields[name](value[name]) for name in fields if name in value}
        return Answer({**value, **known}, names)

    return declare


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}
