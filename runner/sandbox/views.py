"""Views of stored objects: with the collections below them, computed values, and values in another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.sandbox import exact_json
from runner.sandbox.computed import Computed, compute, computed_of
from runner.sandbox.resources import Resource, Schema, properties, settings_of
from runner.sandbox.state import Place, State


@dataclass(frozen=True)
class Format:
    """Property that is `joined` from its siblings, or whose values are `shown` as others, or with such inside."""

    joined: tuple[str, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)
    inside: Mapping[str, Format] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """Shown form of an object: its names (None: all), the embedded collections, and the computed values."""

    names: frozenset[str] | None
    children: tuple[tuple[str, Resource | None, View], ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)
    computed: Computed | None = None


def view(
    resource: Resource | None,
    fields: Mapping[str, Schema],
    resources: Mapping[str, Resource],
    *,
    all_names: bool = False,
) -> View:
    """Return the view of a resource's objects with these fields."""
    children = []
    for name, settings in with_settings(fields):
        if "children" in settings:
            child = None
            if resource is not None:
                child = resources.get(f"{resource.collection}/{{}}/{settings['children']}")
            inner = view(child, properties(fields[name].get("items")), resources)
            children.append((name, child, inner))
    names = None if all_names or not fields else frozenset(fields)
    values = computed_of(resource, resources) if resource is not None else Computed()
    shows = values.names if names is None else values.names & names
    return View(names, tuple(children), _formats(fields), values if shows else None)


def with_settings(
    fields: Mapping[str, Schema], others: Mapping[str, Schema] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and settings of each field that has any; those of `others` are the fallback."""
    for name, schema in fields.items():
        settings = settings_of(schema) or settings_of((others or {}).get(name, {}))
        if settings:
            yield name, settings


def shown(state: State, place: Place, key: int, text: str, view: View) -> dict[str, Any]:
    """Return a stored object in the form that a request gets."""
    stored: dict[str, Any] = exact_json.decode(text)
    if view.computed is not None:
        compute(state, place, key, stored, view.computed)
    if view.names is not None:
        stored = {name: value for name, value in stored.items() if name in view.names}
    stored = _formatted(stored, view.formats)
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
    """Return the objects of a list, each with its own parents."""
    return [
        shown(state, replace(place, parent=parent), key, text, view) for parent, key, text in rows
    ]


def _formats(fields: Mapping[str, Schema]) -> dict[str, Format]:
    formats = {}
    for name, schema in fields.items():
        settings = settings_of(schema)
        own = Format(
            tuple(settings.get("joined", ())),
            settings.get("shown", {}),
            _formats(properties(schema)),
        )
        if own != Format():
            formats[name] = own
    return formats


def _formatted(stored: Mapping[str, Any], formats: Mapping[str, Format]) -> dict[str, Any]:
    result = dict(stored)
    for name, own in formats.items():
        if parts := [str(stored[part]) for part in own.joined if stored.get(part)]:
            result[name] = " ".join(parts)
        for part in own.joined:
            result.pop(part, None)
        value = result.get(name)
        if isinstance(value, str):
            result[name] = own.shown.get(value, value)
        elif isinstance(value, dict) and own.inside:
            result[name] = _formatted(value, own.inside)
    return result
