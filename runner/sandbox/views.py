"""How stored objects are shown: with the collections below them, with what is computed, and values in another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.sandbox import exact_json
from runner.sandbox.computed import Computed, compute, computed_of
from runner.sandbox.resources import Resource, Schema, properties, settings_of
from runner.sandbox.state import Place, State


@dataclass(frozen=True)
class Look:
    """A property that is `joined` from those beside it, or whose values are `shown` as others, or with such inside."""

    joined: tuple[str, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)
    inside: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """How an object is shown: the names that are left (None: all), what is embedded in it, and what is computed."""

    names: frozenset[str] | None
    children: tuple[tuple[str, Resource | None, View], ...] = ()
    looks: Mapping[str, Look] = field(default_factory=dict)
    computed: Computed | None = None


def view(
    resource: Resource | None,
    fields: Mapping[str, Schema],
    resources: Mapping[str, Resource],
    *,
    all_names: bool = False,
) -> View:
    """The view of a resource's objects in which they have these fields."""
    children = []
    for name, settings in with_settings(fields):
        if "children" in settings:
            child = (
                resources.get(f"{resource.collection}/{{}}/{settings['children']}")
                if resource
                else None
            )
            children.append(
                (name, child, view(child, properties(fields[name].get("items")), resources))
            )
    names = None if all_names or not fields else frozenset(fields)
    values = computed_of(resource, resources) if resource is not None else Computed()
    shows = values.names if names is None else values.names & names
    return View(names, tuple(children), _looks(fields), values if shows else None)


def with_settings(
    fields: Mapping[str, Schema], others: Mapping[str, Schema] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and settings of each field that has any; those of `others` stand in where it has none."""
    for name, schema in fields.items():
        settings = settings_of(schema) or settings_of((others or {}).get(name, {}))
        if settings:
            yield name, settings


def shown(state: State, place: Place, key: int, text: str, view: View) -> dict[str, Any]:
    """A stored object as it is answered."""
    stored: dict[str, Any] = exact_json.decode(text)
    if view.computed is not None:
        compute(state, place, key, stored, view.computed)
    if view.names is not None:
        stored = {name: value for name, value in stored.items() if name in view.names}
    stored = _as_it_looks(stored, view.looks)
    for name, child, child_view in view.children:
        stored[name] = []
        if child is not None:
            below = Place(child.api, child.collection, f"{place.parent}/{key}".lstrip("/"))
            rows = state.select(below)[1]
            stored[name] = [
                shown(state, below, number, body, child_view) for _, number, body in rows
            ]
    return stored


def listed(
    state: State, place: Place, rows: list[tuple[str, int, str]], view: View
) -> list[dict[str, Any]]:
    """The objects of a list, each with its own parents."""
    return [
        shown(state, replace(place, parent=parent), key, text, view) for parent, key, text in rows
    ]


def _looks(fields: Mapping[str, Schema]) -> dict[str, Look]:
    found = {}
    for name, schema in fields.items():
        settings = settings_of(schema)
        look = Look(
            tuple(settings.get("joined", ())), settings.get("shown", {}), _looks(properties(schema))
        )
        if look != Look():
            found[name] = look
    return found


def _as_it_looks(stored: Mapping[str, Any], looks: Mapping[str, Look]) -> dict[str, Any]:
    result = dict(stored)
    for name, look in looks.items():
        if parts := [str(stored[part]) for part in look.joined if stored.get(part)]:
            result[name] = " ".join(parts)
        for part in look.joined:
            result.pop(part, None)
        value = result.get(name)
        if isinstance(value, str):
            result[name] = look.shown.get(value, value)
        elif isinstance(value, dict) and look.inside:
            result[name] = _as_it_looks(value, look.inside)
    return result
