"""What an API document says about the things that it creates, lists and changes: its resources and routes.

A resource is a collection path, such as `/orders/jobs/{}/salesorders`, that some operation creates in. A path that
ends with a parameter is one of its objects; the same path without the parameters in between lists the objects of
all parents. A list that nothing creates in is a support list: its content is the example of its response.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from runner.catalogue import Api, Operation
from runner.catalogue.operation import declared_parameters
from runner.catalogue.schema import deref
from runner.problems import ConfigError

EXTENSION = "x-runner-sandbox"
FILTER = "x-runner-filter"
ID = "id"

Schema = Mapping[str, Any]


class Act(Enum):
    """What a route does."""

    CREATE = "create"
    UPDATE = "update"
    ITEM = "item"
    LIST = "list"
    LIST_ALL = "list the objects of all parents"
    EXAMPLE = "answer the example"


@dataclass(frozen=True, eq=False)
class Resource:
    """A collection and its objects. `rows` are the objects of a support list, which is never written."""

    api: str
    collection: str
    first_id: int = 1
    id_field: str = ID
    fields: Mapping[str, Schema] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] | None = None

    @property
    def name(self) -> str:
        return self.collection.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Filter:
    """A query parameter that narrows a list: the dotted field it looks at, how, and whether as a number."""

    parameter: str
    field: str
    match: str
    numeric: bool


@dataclass(frozen=True)
class View:
    """How an object is shown: the names that are left (None: all) and the collections embedded in it."""

    names: frozenset[str] | None
    children: tuple[tuple[str, Resource | None, View], ...] = ()


@dataclass(frozen=True)
class Refer:
    """A field that names an object of another resource and is filled from it, with these names (none: all)."""

    field: str
    target: Resource
    names: frozenset[str]


@dataclass(frozen=True, eq=False)
class Route:
    """One operation of the document and what answering it takes."""

    operation: Operation
    act: Act
    status: int
    resource: Resource | None = None
    owner: Resource | None = None
    view: View = View(None)
    defaults: tuple[tuple[str, Any], ...] = ()
    refers: tuple[Refer, ...] = ()
    filters: tuple[Filter, ...] = ()
    example: Any = None
    empty: int = 200


def routes(api: Api) -> list[Route]:
    """The routes of an API. Raises ConfigError when a field refers to a resource that the document lacks."""
    resources = _resources(api)
    return [_route(api, operation, resources) for operation in api.operations.values()]


def shape(path: str) -> str:
    """A path with every parameter as `{}`."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def properties(schema: Schema | None) -> dict[str, Schema]:
    """The properties of a schema and of all that it is composed of."""
    found: dict[str, Schema] = {}
    for part in (schema or {}).get("allOf", ()):
        found.update(properties(part))
    found.update((schema or {}).get("properties", {}))
    return found


def _resources(api: Api) -> dict[str, Resource]:
    """All resources by their collection path."""
    operations = list(api.operations.values())
    created = {shape(o.path) for o in operations if o.effect == "create" and not shape(o.path).endswith("{}")}
    resources = {}
    for collection in sorted(created):
        schema = _object_schema(operations, collection)
        settings = _settings(schema)
        key = settings.get("id", ID)
        resources[collection] = Resource(api.name, collection, settings.get("first_id", 1), key, properties(schema))
    for operation in operations:
        collection = shape(operation.path)
        if operation.effect == "read" and operation.items and collection not in resources:
            rows = _example(api, operation)
            if operation.items != "*" and isinstance(rows, Mapping):
                rows = rows.get(operation.items)
            fields = properties(_items_schema(operation))
            if collection not in {_everywhere(c) for c in created}:
                resources[collection] = Resource(api.name, collection, fields=fields, rows=rows or [])
    return resources


def _object_schema(operations: Sequence[Operation], collection: str) -> Schema:
    """The schema of a resource's objects: of the one that is got, or of those that are listed."""
    for operation in operations:
        if operation.effect == "read" and shape(operation.path) == collection + "/{}":
            return operation.answer or {}
    for operation in operations:
        if operation.effect == "read" and operation.items and shape(operation.path) == collection:
            return _items_schema(operation)
    return {}


def _items_schema(operation: Operation) -> Schema:
    listed = operation.answer if operation.items == "*" else properties(operation.answer).get(operation.items)
    items: Schema = (listed or {}).get("items", {})
    return items


def _settings(schema: Schema) -> Mapping[str, Any]:
    """What the document asks of the sandbox for this schema, or for a part that it is composed of."""
    found: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        found.update(_settings(part))
    return {**found, **schema.get(EXTENSION, {})}


def _everywhere(collection: str) -> str:
    return collection.replace("/{}", "")


def _route(api: Api, operation: Operation, resources: Mapping[str, Resource]) -> Route:
    act, resource = _act(operation, resources)
    responses = _raw(api, operation).get("responses", {})
    declared = sorted(int(code) for code in responses if re.fullmatch(r"2\d\d", str(code)))
    status = declared[0] if declared else (201 if act is Act.CREATE else 200)
    if resource is None:
        return Route(operation, act, status, example=_example(api, operation))
    fields = {**resource.fields, **properties(operation.body)}
    settings = _raw(api, operation).get(EXTENSION) or {}
    return Route(
        operation,
        act,
        status,
        resource,
        owner=None if act is Act.LIST_ALL else resources.get(_owner(resource.collection)),
        view=_view(resource, resource.fields, resources, all_names=True),
        defaults=tuple((n, d["default"]) for n, d in _declared(fields, resource.fields) if "default" in d),
        refers=tuple(_refers(resource, fields, resources)),
        filters=tuple(_filters(api, operation)),
        example=_example(api, operation) if resource.rows is not None else None,
        empty=settings.get("empty", 200),
    )


def _act(operation: Operation, resources: Mapping[str, Resource]) -> tuple[Act, Resource | None]:
    path = shape(operation.path)
    if path.endswith("/{}"):
        resource = resources.get(path.removesuffix("/{}"))
        if resource and operation.effect == "read":
            return Act.ITEM, resource
        if resource and resource.rows is None and operation.method.upper() in ("PUT", "PATCH", "POST"):
            return Act.UPDATE, resource
    elif operation.effect == "create":
        return Act.CREATE, resources[path]
    elif operation.effect == "read" and operation.items:
        if path in resources:
            return Act.LIST, resources[path]
        return Act.LIST_ALL, next(r for c, r in resources.items() if _everywhere(c) == path)
    return Act.EXAMPLE, None


def _owner(collection: str) -> str:
    """The collection whose object a collection lies under: '' when it lies under none."""
    return collection.rpartition("/{}")[0]


def _declared(fields: Mapping[str, Schema], more: Mapping[str, Schema]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and sandbox settings of each field that has any; those of `more` stand in where `fields` has none."""
    for name, schema in fields.items():
        settings = _settings(schema) or _settings(more.get(name, {}))
        if settings:
            yield name, settings


def _view(
    resource: Resource | None,
    fields: Mapping[str, Schema],
    resources: Mapping[str, Resource],
    *,
    all_names: bool = False,
) -> View:
    children = []
    for name, settings in _declared(fields, {}):
        if "children" in settings:
            child = resources.get(f"{resource.collection}/{{}}/{settings['children']}") if resource else None
            children.append((name, child, _view(child, properties(fields[name].get("items")), resources)))
    return View(None if all_names or not fields else frozenset(fields), tuple(children))


def _refers(resource: Resource, fields: Mapping[str, Schema], resources: Mapping[str, Resource]) -> Iterator[Refer]:
    for name, settings in _declared(fields, resource.fields):
        if "refers" not in settings:
            continue
        target = next((r for r in resources.values() if r.name == settings["refers"]), None)
        if target is None:
            message = f"{resource.api}: {name!r} refers to {settings['refers']!r}, which no operation creates or lists"
            raise ConfigError(message, remedy=f"correct {EXTENSION} in the API document")
        shown = properties(resource.fields.get(name)) or properties(fields[name])
        yield Refer(name, target, frozenset(shown) - {target.id_field})


def _filters(api: Api, operation: Operation) -> Iterator[Filter]:
    for declared in declared_parameters(api.document, method=operation.method.lower(), path=operation.path):
        if settings := declared.get(FILTER):
            kind = operation.parameters[declared["name"]].schema.get("type")
            yield Filter(declared["name"], settings["field"], settings["match"], kind in ("integer", "number"))


def _raw(api: Api, operation: Operation) -> Mapping[str, Any]:
    raw: Mapping[str, Any] = api.document["paths"][operation.path][operation.method.lower()]
    return raw


def _example(api: Api, operation: Operation) -> Any:
    """The example of the operation's first successful response, or None."""
    responses = _raw(api, operation).get("responses", {})
    for code in sorted(responses, key=str):
        if str(code).startswith("2"):
            content = deref(api.document, responses[code]).get("content", {}).get("application/json", {})
            if "example" in content:
                return content["example"]
            for named in content.get("examples", {}).values():
                return deref(api.document, named).get("value")
    return None
