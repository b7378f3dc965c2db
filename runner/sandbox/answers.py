"""What each operation does to the state, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from runner.sandbox import exact_json
from runner.sandbox.nested_updates import book
from runner.sandbox.refusals import invalid, not_found
from runner.sandbox.resources import Resource, properties
from runner.sandbox.routes import Making, Refer, Route
from runner.sandbox.state import Place, State
from runner.sandbox.views import shown

KEY = re.compile(r"[1-9][0-9]{0,17}\Z")


@dataclass(frozen=True)
class Call:
    """A request that was checked: where it came in, the ids of its path in order, typed query and body."""

    route: Route
    base_url: str
    path: str
    ids: tuple[str, ...]
    given: Mapping[str, Sequence[str]]
    query: Mapping[str, Any]
    body: Any
    today: date


@dataclass(frozen=True)
class Answer:
    """What is answered, and the id of the object that was written."""

    status: int
    body: Any
    id: int | None = None


def answer_example(call: Call) -> Answer:
    """What the document shows as the answer, where there is nothing to look at. Raises RefusedError."""
    route = call.route
    if route.example is None and route.operation.effect == "read":
        raise not_found(route.called)
    return Answer(route.status, {} if route.example is None else route.example)


def answer_item(state: State, call: Call, making: Making) -> Answer:
    """The object that the path names. Raises RefusedError."""
    place, key = _named(state, call, making.resource)
    text = state.get(place, key)
    if text is None:
        raise not_found(call.route.called)
    _reach(making.resource, text, call, called=call.route.called)
    return Answer(call.route.status, shown(state, place, key, text, call.route.view))


def create(state: State, call: Call, making: Making) -> Answer:
    """Store a new object. Raises RefusedError; what was changed by then has to be undone."""
    place = place_of(state, call, making.resource, call.ids)
    stored, key = _make(state, place, making, {**_body(call), **call.route.given}, call.today)
    return Answer(call.route.status, _written(call, stored, key, place), key)


def update(state: State, call: Call, making: Making) -> Answer:
    """Lay the body over an object. Raises RefusedError; what was changed by then has to be undone."""
    route, body = call.route, _body(call)
    place, key = _named(state, call, making.resource)
    found = state.get(place, key)
    if found is None:
        raise not_found(route.called)
    _reach(making.resource, found, call, called=route.called)
    stored: dict[str, Any] = exact_json.decode(found)
    if route.ignored.issuperset(body):
        return Answer(route.status, _written(call, stored, key, place), key)
    apart = {*making.parts, *(each.name for each in route.entries), route.key}
    changed = {name: value for name, value in body.items() if name not in apart}
    stored = {**_merged(stored, {**changed, **route.given})}
    book(stored, body, route.entries)
    _fill(state, stored, [refer for refer in making.refers if refer.field in body])
    for name, default, always in making.defaults:
        if always:
            stored[name] = _default(state, place, default, call.today)
    stored[making.resource.id_field] = (
        stored.get(making.resource.id_field, key) if route.key else key
    )
    state.put(place, key, exact_json.encode(stored))
    return Answer(route.status, _written(call, stored, key, place), key)


def place_of(state: State, call: Call, resource: Resource, ids: Sequence[str]) -> Place:
    """The collection under these parents, the nearest of which has to exist (so do, then, the ones above it)."""
    owner = call.route.owner
    if ids and owner is not None:
        above = Place(owner.api, owner.collection, "/".join(ids[:-1]))
        text = state.get(above, _key(ids[-1]))
        if text is None:
            raise not_found(owner.name)
        _reach(owner, text, call, called=owner.name)
    return Place(resource.api, resource.collection, "/".join(ids))


def _named(state: State, call: Call, resource: Resource) -> tuple[Place, int]:
    """The object that the path names, or the body where the path does not."""
    if not call.route.key:
        return place_of(state, call, resource, call.ids[:-1]), _key(call.ids[-1])
    key = _body(call).get(call.route.key)
    if key is None:
        errors = {call.route.key: [f"{call.route.key} is required"]}
        raise invalid(errors, cause="missing", field=call.route.key, object=call.route.called)
    return Place(resource.api, resource.collection), _key(str(key), call.route.called)


def _make(
    state: State, place: Place, making: Making, given: Mapping[str, Any], today: date
) -> tuple[dict[str, Any], int]:
    """Store an object, and those that are given inside it in collections of their own below it."""
    resource = making.resource
    stored = {name: value for name, value in given.items() if name not in making.parts}
    for name, default, always in making.defaults:
        if always or name not in stored:
            stored[name] = _default(state, place, default, today)
    _fill(state, stored, making.refers)
    key = state.next_id(place, resource.first_id)
    stored = {resource.id_field: key, **stored, resource.id_field: key}
    state.put(place, key, exact_json.encode(stored))
    for name, part in making.parts.items():
        below = Place(resource.api, part.resource.collection, f"{place.parent}/{key}".lstrip("/"))
        for each in given.get(name) or ():
            if not isinstance(each, dict):
                raise invalid({name: [f"{name} has to be a list of objects"]})
            _make(state, below, part, each, today)
    return stored, key


def _default(state: State, place: Place, default: Any, today: date) -> Any:
    if default == "today":
        return today.isoformat()
    if default == "sequence":
        return state.next_number(place)
    if default == "parent":
        return _key(place.parent.rpartition("/")[2])
    return default


def _body(call: Call) -> Mapping[str, Any]:
    if not isinstance(call.body, dict):
        raise invalid({"body": ["body has to be an object"]})
    return call.body


def _key(text: str, called: str = "object") -> int:
    """An id of a path; anything that is not written like one is not found."""
    if not KEY.match(text):
        raise not_found(called)
    return int(text)


def _reach(resource: Resource, text: str, call: Call, *, called: str) -> None:
    """Raise RefusedError for an object that is older than the API reaches back, with what is missed."""
    window = resource.window
    day = window.missed_in(exact_json.decode(text), call.today) if window is not None else None
    if window is not None and day is not None:
        past = f"only the past {window.months} months can be reached"
        why = f"its {window.field} {day} is before {window.since(call.today)}, and {past}"
        raise not_found(called, why=why)


def _fill(state: State, stored: dict[str, Any], refers: Sequence[Refer]) -> None:
    """Check that what the fields refer to exists, and fill them from it."""
    errors = {}
    for refer in refers:
        value, key = stored.get(refer.field), refer.target.id_field
        wanted = value.get(key) if isinstance(value, dict) else value
        if wanted is None:
            continue
        target = _target(state, refer.target, wanted)
        if target is None:
            name = f"{refer.field}.{key}" if isinstance(value, dict) else refer.field
            errors[name] = [f"{refer.field} {wanted} does not exist in {refer.target.name}"]
        elif isinstance(value, dict):
            names = refer.names or target.keys()
            stored[refer.field] = {
                **value,
                **{name: target[name] for name in names if name in target},
                key: wanted,
            }
    if errors:
        raise invalid(errors)


def _target(state: State, resource: Resource, key: Any) -> Mapping[str, Any] | None:
    if not isinstance(key, int) or not KEY.match(str(key)):
        return None
    text = state.find(Place(resource.api, resource.collection), key)
    found: Mapping[str, Any] | None = exact_json.decode(text) if text is not None else None
    return found


def _merged(old: Any, new: Any) -> Any:
    """`new` laid over `old`: objects merge, everything else is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


def _written(call: Call, stored: Mapping[str, Any], key: int, place: Place) -> Mapping[str, Any]:
    """The answer of a write, with the names that the document's answer has; its example holds the rest."""
    operation, example = call.route.operation, call.route.example
    parents = iter(place.parent.split("/"))
    parts = [next(parents) if part == "{}" else part for part in place.collection.split("/")]
    location = f"{call.base_url}/{place.api}{'/'.join(parts)}/{key}"
    body: dict[str, Any] = dict(example) if isinstance(example, Mapping) else {}
    for name, schema in properties(operation.answer).items():
        if name == operation.id_field:
            body[name] = key
        elif name == "location" or schema.get("format") in ("uri", "uri-reference"):
            body[name] = location
        elif name in stored:
            body[name] = stored[name]
    return body or {operation.id_field or "id": key, "location": location}
