"""Routes: the operations of an API document, with the effect and the answer of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from runner.catalogue import Api, Operation
from runner.catalogue.operation import parameter_name
from runner.problems import ConfigError
from runner.sandbox.computed import referred
from runner.sandbox.conditions import Search, search_of
from runner.sandbox.nested_updates import Entries, entries
from runner.sandbox.refusals import EXTENSION
from runner.sandbox.resources import (
    FILTER,
    Resource,
    Target,
    declared,
    everywhere,
    example,
    properties,
    raw,
    resources,
    settings_of,
    target,
)
from runner.sandbox.views import View, view, with_settings

_FULL_VIEW = View(None)


class Act(Enum):
    """Kind of effect of a route."""

    CREATE = "create"
    UPDATE = "update"
    ITEM = "item"
    LIST = "list"
    LIST_ALL = "list the objects of all parents"
    EXAMPLE = "answer the example"


@dataclass(frozen=True)
class Filter:
    """Query parameter that narrows a list: the dotted field that it compares, how, and `numeric` or as a text.

    `through` is a reference, and the collection of the referenced object, which then has the field.
    """

    parameter: str
    field: str
    match: str
    numeric: bool
    through: tuple[str, Resource] | None = None


@dataclass(frozen=True)
class Reference:
    """Field that references an object of another resource and is filled from it, with these names (none: all)."""

    field: str
    target: Resource
    names: frozenset[str]


@dataclass(frozen=True)
class Blueprint:
    """Parts of an object of `resource` beside the request's: defaults, references, objects below it."""

    resource: Resource
    defaults: tuple[tuple[str, Any, bool], ...] = ()
    refers: tuple[Reference, ...] = ()
    parts: Mapping[str, Blueprint] = field(default_factory=dict)


@dataclass(frozen=True)
class Sort:
    """Query parameter that names the field to sort by, its default, and the field of each value."""

    parameter: str
    default: str
    fields: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Route:
    """One operation of the document and the settings for answering it. `owner` is the parent of the collection.

    example   the answer where there is no other, and the wrapper of it where there is one
    given     fields that every written object gets; `ignored`: fields that change nothing when they come alone
    key       the field of the body that names the object, "" when the path does; `called`: its name in refusals
    """

    operation: Operation
    act: Act
    status: int
    example: Any = None
    blueprint: Blueprint | None = None
    owner: Resource | None = None
    view: View = _FULL_VIEW
    filters: tuple[Filter, ...] = ()
    search: Search | None = None
    sort: Sort | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    empty: int = 200
    given: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    entries: tuple[Entries, ...] = ()
    key: str = ""
    called: str = "object"


def routes(api: Api, *, home: str = "") -> tuple[list[Resource], list[Route]]:
    """Return the resources and routes of an API. With `home` they use the resources of that API.

    Raises ConfigError when a field refers to a resource that the document lacks.
    """
    known = resources(api, home=home)
    return list(known.values()), [
        _route(api, operation, known, shared=bool(home)) for operation in api.operations.values()
    ]


def _route(api: Api, operation: Operation, known: Mapping[str, Resource], *, shared: bool) -> Route:
    settings = settings_of(raw(api, operation))
    act, resource = _act(operation, target(api, operation), known, keyed="key" in settings)
    status = _success_status(api, operation, act)
    caps = {
        p["name"]: p[EXTENSION]["cap"]
        for p in declared(api, operation)
        if "cap" in p.get(EXTENSION, {})
    }
    if resource is None:
        return Route(operation, act, status, example(api, operation), caps=caps)
    body = properties(operation.body)
    return Route(
        operation,
        act,
        status,
        example(api, operation),
        blueprint=_blueprint(resource, body, known),
        owner=None if act is Act.LIST_ALL else known.get(resource.collection.rpartition("/{}")[0]),
        # Objects that another API has stored are shown with the names of this document only.
        view=view(resource, resource.fields, known, all_names=not shared),
        filters=tuple(_filters(api, operation, resource, known)),
        search=next(
            (
                search_of(operation, p)
                for p in declared(api, operation)
                if "x-runner-conditions" in p
            ),
            None,
        ),
        sort=next(_sorts(api, operation), None),
        caps=caps,
        empty=settings.get("empty", 200),
        given=settings.get("set", {}),
        ignored=frozenset(name for name, own in with_settings(body) if "ignored_alone" in own),
        entries=entries(body),
        key=settings.get("key", ""),
        called=settings.get("called", "object"),
    )


def _success_status(api: Api, operation: Operation, act: Act) -> int:
    """Return the lowest 2xx status of the document, else the usual one."""
    codes = [
        int(code)
        for code in raw(api, operation).get("responses", {})
        if re.fullmatch(r"2\d\d", str(code))
    ]
    return min(codes, default=201 if act is Act.CREATE else 200)


def _act(
    operation: Operation, on: Target, known: Mapping[str, Resource], *, keyed: bool
) -> tuple[Act, Resource | None]:
    resource = known.get(on.collection)
    if on.one or keyed:
        if resource and operation.effect == "read":
            return Act.ITEM, resource
        if resource and operation.method in ("PUT", "PATCH", "POST"):
            return Act.UPDATE, resource
    elif operation.effect == "create":
        return Act.CREATE, resource
    elif operation.effect == "read" and operation.items:
        if resource:
            return Act.LIST, resource
        return Act.LIST_ALL, next(r for c, r in known.items() if everywhere(c) == on.collection)
    return Act.EXAMPLE, None


def _blueprint(
    resource: Resource, body: Mapping[str, Any], known: Mapping[str, Resource]
) -> Blueprint:
    fields = {**resource.fields, **body}
    own = list(with_settings(fields, resource.fields))
    below = {
        name: known.get(f"{resource.collection}/{{}}/{s['children']}")
        for name, s in own
        if "children" in s
    }
    return Blueprint(
        resource,
        defaults=tuple(
            (name, s["default"], s.get("always", False)) for name, s in own if "default" in s
        ),
        refers=tuple(_refers(resource, fields, known)),
        parts={
            name: _blueprint(child, {}, known) for name, child in below.items() if child is not None
        },
    )


def _refers(
    resource: Resource, fields: Mapping[str, Any], known: Mapping[str, Resource]
) -> Iterator[Reference]:
    for name, settings in with_settings(fields, resource.fields):
        if "refers" not in settings:
            continue
        refers_to = next((r for r in known.values() if r.name == settings["refers"]), None)
        if refers_to is None:
            message = f"{resource.api}: {name!r} refers to {settings['refers']!r}, which no operation creates or lists"
            raise ConfigError(message, remedy=f"correct {EXTENSION} in the API document")
        shown = properties(resource.fields.get(name)) or properties(fields[name])
        yield Reference(name, refers_to, frozenset(shown) - {refers_to.id_field})


def _filters(
    api: Api, operation: Operation, resource: Resource, known: Mapping[str, Resource]
) -> Iterator[Filter]:
    for entry in declared(api, operation):
        if settings := entry.get(FILTER):
            kind = operation.parameters[parameter_name(entry)].schema.get("type")
            of = settings.get("of")
            yield Filter(
                entry["name"],
                settings["field"],
                settings["match"],
                kind in ("integer", "number"),
                (of, referred(resource, of, known)) if of else None,
            )


def _sorts(api: Api, operation: Operation) -> Iterator[Sort]:
    for entry in declared(api, operation):
        if entry.get(EXTENSION, {}).get("sort"):
            parameter = operation.parameters[parameter_name(entry)]
            names = {str(value): name for name, value in parameter.values.items()}
            yield Sort(parameter.sent_as, str(parameter.schema.get("default", "")), names)
