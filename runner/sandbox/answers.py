"""Effects of each operation on the state, and the answers."""

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
from runner.sandbox.routes import Blueprint, Reference, Route
from runner.sandbox.state import Place, State
from runner.sandbox.views import shown

KEY = re.compile(r"[1-9][0-9]{0,17}\Z")


@dataclass(frozen=True)
class Call:
    """Request that was checked: its route, the ids of its path in order, typed query and body."""

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
    """Status and body of an answer, and the id of the object that was written."""

    status: int
    body: Any
    id: int | None = None


def answer_example(call: Call) -> Answer:
    """Return the example of the document, for a route without objects. Raises RefusedError."""
    route = call.route
    if route.example is None and route.operation.effect == "read":
        raise not_found(route.called)
    return Answer(route.status, {} if route.example is None else route.example)


def answer_item(state: State, call: Call, blueprint: Blueprint) -> Answer:
    """Return the object that the path names. Raises RefusedError."""
    place, key = _named(state, call, blueprint.resource)
    text = state.get(place, key)
    if text is None:
        raise not_found(call.route.called)
    _reach(blueprint.resource, text, call, called=call.route.called)
    return Answer(call.route.status, shown(state, place, key, text, call.route.view))


def create(state: State, call: Call, blueprint: Blueprint) -> Answer:
    """Store a new object and return the answer. Raises RefusedError; the caller undoes what was changed by then."""
    place = place_of(state, call, blueprint.resource, call.ids)
    stored, key = _store_new(
        state, place, blueprint, {**_body(call), **call.route.given}, call.today
    )
    return Answer(call.route.status, _written(call, stored, key, place), key)


def update(state: State, call: Call, blueprint: Blueprint) -> Answer:
    """Merge the body into an object. Raises RefusedError; the caller undoes what was changed by then."""
    route, body = call.route, _body(call)
    place, key = _named(state, call, blueprint.resource)
    text = state.get(place, key)
    if text is None:
        raise not_found(route.called)
    _reach(blueprint.resource, text, call, called=route.called)
    stored: dict[str, Any] = exact_json.decode(text)
    # Some APIs accept such fields alone, answer 200 and change nothing.
    if route.ignored.issuperset(body):
        return Answer(route.status, _written(call, stored, key, place), key)
    # These are no fields of the stored object: they are booked, stored elsewhere, or name it.
    apart = {*blueprint.parts, *(entry.name for entry in route.entries), route.key}
    changed = {name: value for name, value in body.items() if name not in apart}
    stored = {**_merged(stored, {**changed, **route.given})}
    book(stored, body, route.entries)
    _fill(state, stored, [refer for refer in blueprint.refers if refer.field in body])
    for name, default, always in blueprint.defaults:
        if always:
            stored[name] = _default(state, place, default, call.today)
    stored[blueprint.resource.id_field] = (
        stored.get(blueprint.resource.id_field, key) if route.key else key
    )
    state.put(place, key, exact_json.encode(stored))
    return Answer(route.status, _written(call, stored, key, place), key)


def place_of(state: State, call: Call, resource: Resource, ids: Sequence[str]) -> Place:
    """Return the collection under these parents. Raises RefusedError unless the nearest parent exists.

    The parents above it exist then, too.
    """
    owner = call.route.owner
    if ids and owner is not None:
        above = Place(owner.api, owner.collection, "/".join(ids[:-1]))
        text = state.get(above, _key(ids[-1]))
        if text is None:
            raise not_found(owner.name)
        _reach(owner, text, call, called=owner.name)
    return Place(resource.api, resource.collection, "/".join(ids))


def _named(state: State, call: Call, resource: Resource) -> tuple[Place, int]:
    """Return the collection and id of the object that the path names, or the body where the path names none."""
    if not call.route.key:
        return place_of(state, call, resource, call.ids[:-1]), _key(call.ids[-1])
    key = _body(call).get(call.route.key)
    if key is None:
        errors = {call.route.key: [f"{call.route.key} is required"]}
        raise invalid(errors, cause="missing", field=call.route.key, object=call.route.called)
    return Place(resource.api, resource.collection), _key(str(key), call.route.called)


def _store_new(
    state: State, place: Place, blueprint: Blueprint, given: Mapping[str, Any], today: date
) -> tuple[dict[str, Any], int]:
    """Store an object, and the objects given inside it in their own collections below it."""
    resource = blueprint.resource
    stored = {name: value for name, value in given.items() if name not in blueprint.parts}
    for name, default, always in blueprint.defaults:
        if always or name not in stored:
            stored[name] = _default(state, place, default, today)
    _fill(state, stored, blueprint.refers)
    key = state.next_id(place, resource.first_id)
    # First in order, last in value: the id leads the object and no request can choose it.
    stored = {resource.id_field: key, **stored, resource.id_field: key}
    state.put(place, key, exact_json.encode(stored))
    for name, part in blueprint.parts.items():
        below = Place(resource.api, part.resource.collection, f"{place.parent}/{key}".lstrip("/"))
        for item in given.get(name) or ():
            if not isinstance(item, dict):
                raise invalid({name: [f"{name} has to be a list of objects"]})
            _store_new(state, below, part, item, today)
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
    """Return an id of a path as a number. Raises RefusedError (404) for a text that is not written like an id."""
    if not KEY.match(text):
        raise not_found(called)
    return int(text)


def _reach(resource: Resource, text: str, call: Call, *, called: str) -> None:
    """Raise RefusedError, with the reason, for an object that is older than the API's window."""
    window = resource.window
    day = window.missed_in(exact_json.decode(text), call.today) if window is not None else None
    if window is not None and day is not None:
        past = f"only the past {window.months} months can be reached"
        why = f"its {window.field} {day} is before {window.since(call.today)}, and {past}"
        raise not_found(called, why=why)


def _fill(state: State, stored: dict[str, Any], refers: Sequence[Reference]) -> None:
    """Fill the references of an object from their targets. Raises RefusedError for a target that does not exist."""
    errors = {}
    for refer in refers:
        value, key = stored.get(refer.field), refer.target.id_field
        target_id = value.get(key) if isinstance(value, dict) else value
        if target_id is None:
            continue
        target = _target(state, refer.target, target_id)
        if target is None:
            name = f"{refer.field}.{key}" if isinstance(value, dict) else refer.field
            errors[name] = [f"{refer.field} {target_id} does not exist in {refer.target.name}"]
        elif isinstance(value, dict):
            names = refer.names or target.keys()
            stored[refer.field] = {
                **value,
                **{name: target[name] for name in names if name in target},
                key: target_id,
            }
    if errors:
        raise invalid(errors)


def _target(state: State, resource: Resource, key: Any) -> Mapping[str, Any] | None:
    if not isinstance(key, int) or not KEY.match(str(key)):
        return None
    text = state.find(Place(resource.api, resource.collection), key)
    stored: Mapping[str, Any] | None = exact_json.decode(text) if text is not None else None
    return stored


def _merged(old: Any, new: Any) -> Any:
    """Return `new` merged into `old`: objects merge, every other value is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


def _written(call: Call, stored: Mapping[str, Any], key: int, place: Place) -> Mapping[str, Any]:
    """Return the answer of a write, limited to the names of the document's answer.

    Values that are not stored come from the document's example.
    """
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
