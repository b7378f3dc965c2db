"""Resources of an API: the objects that its operations create, list and change, read from its document.

A resource is a collection path, such as `/orders/jobs/{}/salesorders`, that some operation creates in or lists. A path
that ends with a parameter is one of its objects; the same path without the parameters in between lists the objects of
all parents. A list that no operation creates in has the example of its response as its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.catalogue import Api, Operation
from runner.catalogue.operation import declared_parameters
from runner.catalogue.schemas.schema import deref
from runner.catalogue.window import Window
from runner.sandbox.refusals import EXTENSION

FILTER = "x-runner-filter"
ID = "id"

Schema = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Resource:
    """Collection and its objects. `seeds` exist from the start; `written` when operations change objects."""

    api: str
    collection: str
    first_id: int = 1
    id_field: str = ID
    fields: Mapping[str, Schema] = field(default_factory=dict)
    seeds: Sequence[Mapping[str, Any]] = ()
    written: bool = True
    window: Window | None = None

    @property
    def name(self) -> str:
        return self.collection.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Target:
    """Target of an operation: a collection, or (`one`) an object of it that the path names."""

    collection: str
    one: bool


def target(api: Api, operation: Operation) -> Target:
    """Return the target that the path of an operation names, or the collection that its settings name instead."""
    own, settings = shape(operation.path), settings_of(raw(api, operation))
    one = own.endswith("/{}")
    other = settings.get("collection")
    return Target(shape(other) if other else own.removesuffix("/{}"), one)


def resources(api: Api, *, home: str = "") -> dict[str, Resource]:
    """Return all resources of an API by their collection path, as those of the API `home` where given."""
    operations = [(operation, target(api, operation)) for operation in api.operations.values()]
    created = {t.collection for o, t in operations if o.effect == "create" and not t.one}
    listed = {t.collection for o, t in operations if o.effect == "read" and o.items and not t.one}
    # A list of the objects of all parents is a view of the collection, not one of its own.
    listed -= {
        everywhere(collection) for collection in created | listed if "{}" in collection
    } - created
    written = created | {t.collection for o, t in operations if o.effect == "update"}
    by_path = {}
    for collection in sorted(created | listed):
        own = [
            (o, t.one) for o, t in operations if t.collection == collection and o.effect == "read"
        ]
        schema = _object_schema(own)
        settings = settings_of(schema)
        by_path[collection] = Resource(
            home or api.name,
            collection,
            settings.get("first_id", 1),
            settings.get("id", ID),
            properties(schema),
            seeds=() if home or collection in created or "{}" in collection else _seeds(api, own),
            written=bool(home) or collection in written,
            window=next((w for o, one in own if not one for w in _windows(o)), None),
        )
    return by_path


def everywhere(collection: str) -> str:
    """Return the path that lists the objects of all parents of a collection."""
    return collection.replace("/{}", "")


def shape(path: str) -> str:
    """Return a path with every parameter as `{}`."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def properties(schema: Schema | None) -> dict[str, Schema]:
    """Return the properties of a schema and of all its parts."""
    merged: dict[str, Schema] = {}
    for part in (schema or {}).get("allOf", ()):
        merged.update(properties(part))
    merged.update((schema or {}).get("properties", {}))
    return merged


def settings_of(schema: Schema) -> Mapping[str, Any]:
    """Return the sandbox's settings for a schema or operation, or for a part that it is composed of."""
    inherited: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        inherited.update(settings_of(part))
    return {**inherited, **schema.get(EXTENSION, {})}


def raw(api: Api, operation: Operation) -> Mapping[str, Any]:
    """Return the operation as written in its document."""
    node: Mapping[str, Any] = api.document["paths"][operation.path][operation.method.lower()]
    return node


def declared(api: Api, operation: Operation) -> list[Mapping[str, Any]]:
    """Return the parameters of an operation as written in its document."""
    return declared_parameters(api.document, method=operation.method.lower(), path=operation.path)


def example(api: Api, operation: Operation) -> Any:
    """Return the example of the operation's first successful response, or None."""
    responses = raw(api, operation).get("responses", {})
    for code in sorted(responses, key=str):
        if str(code).startswith("2"):
            content = (
                deref(api.document, responses[code]).get("content", {}).get("application/json", {})
            )
            if "example" in content:
                return content["example"]
            # Named examples: the first one is the answer.
            for named in content.get("examples", {}).values():
                return deref(api.document, named).get("value")
    return None


def _object_schema(operations: Sequence[tuple[Operation, bool]]) -> Schema:
    """Return the schema of a resource's objects: of the single object, or of those that are listed."""
    for operation, one in operations:
        if one:
            return operation.answer or {}
    for operation, _ in operations:
        if operation.items:
            listed = operation.answer
            if operation.items != "*":
                listed = properties(operation.answer).get(operation.items)
            items: Schema = (listed or {}).get("items", {})
            return items
    return {}


def _seeds(api: Api, operations: Sequence[tuple[Operation, bool]]) -> list[Mapping[str, Any]]:
    """Return the objects in the examples of the lists of a collection."""
    for operation, one in operations:
        shown = None if one or not operation.items else example(api, operation)
        if operation.items != "*" and isinstance(shown, Mapping):
            shown = shown.get(operation.items)
        if shown:
            rows = shown if isinstance(shown, list) else [shown]
            return [row for row in rows if isinstance(row, Mapping)]
    return []


def _windows(operation: Operation) -> Iterator[Window]:
    for parameter in operation.parameters.values():
        if parameter.window is not None and parameter.window.field:
            yield parameter.window
