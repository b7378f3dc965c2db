"""What each operation does to the state, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from runner.sandbox import exact_json
from runner.sandbox.checks import RefusedError, invalid, not_found
from runner.sandbox.resources import Act, Filter, Refer, Resource, Route, View, properties
from runner.sandbox.state import Condition, Place, State

_KEY = re.compile(r"[1-9][0-9]{0,17}\Z")


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


@dataclass(frozen=True)
class Answer:
    """What is answered, and the id of the object that was written."""

    status: int
    body: Any
    id: int | None = None


def answer(state: State, call: Call, today: Callable[[], date]) -> Answer:
    """Do what the call asks for. Raises RefusedError; what was changed by then has to be undone."""
    route = call.route
    if route.resource is None or route.act is Act.EXAMPLE:
        if route.example is None and route.operation.effect == "read":
            raise not_found()
        return Answer(route.status, {} if route.example is None else route.example)
    if route.act in (Act.LIST, Act.LIST_ALL):
        return _list(state, call, route.resource)
    if route.act is Act.ITEM:
        return Answer(route.status, _item(state, call, route.resource))
    if not isinstance(call.body, dict):
        raise invalid({"body": ["body has to be an object"]})
    if route.act is Act.CREATE:
        return _create(state, call, route.resource, today)
    return _update(state, call, route.resource)


def _create(state: State, call: Call, resource: Resource, today: Callable[[], date]) -> Answer:
    place = _place(state, call, resource, call.ids)
    stored = dict(call.body)
    for name, default in call.route.defaults:
        if name in stored:
            continue
        if default == "today":
            stored[name] = today().isoformat()
        elif default == "sequence":
            stored[name] = state.next_number(place)
        else:
            stored[name] = default
    _fill(state, stored, call.route.refers)
    key = state.next_id(place, resource.first_id)
    stored = {resource.id_field: key, **stored, resource.id_field: key}
    state.put(place, key, exact_json.encode(stored))
    return Answer(call.route.status, _written(call, stored, key, f"{call.path}/{key}"), key)


def _update(state: State, call: Call, resource: Resource) -> Answer:
    place = _place(state, call, resource, call.ids[:-1])
    key = _key(call.ids[-1])
    found = state.get(place, key)
    if found is None:
        raise not_found()
    stored = _merged(exact_json.decode(found), call.body)
    _fill(state, stored, tuple(refer for refer in call.route.refers if refer.field in call.body))
    stored[resource.id_field] = key
    state.put(place, key, exact_json.encode(stored))
    return Answer(call.route.status, _written(call, stored, key, call.path), key)


def _item(state: State, call: Call, resource: Resource) -> Any:
    key = _key(call.ids[-1])
    if resource.rows is not None:
        found = next((row for row in resource.rows if row.get(resource.id_field) == key), None)
        if found is None:
            raise not_found()
        return found
    place = _place(state, call, resource, call.ids[:-1])
    text = state.get(place, key)
    if text is None:
        raise not_found()
    return _shown(state, place, key, text, call.route.view)


def _list(state: State, call: Call, resource: Resource) -> Answer:
    route, pages = call.route, call.route.operation.pagination
    if resource.rows is not None:
        return Answer(route.status, route.example if route.example is not None else _envelope(call, [], 0, 1, 1))
    everywhere = route.act is Act.LIST_ALL
    place = Place(resource.api, resource.collection) if everywhere else _place(state, call, resource, call.ids)
    conditions = [_condition(f, call) for f in route.filters if f.parameter in call.query]
    page, count, window = 1, 1, None
    if pages:
        page = _number(call.query.get(pages.page, 1))
        count = _number(call.query.get(pages.count) or _default(route, pages.count) or pages.size)
        window = ((page - 1) * count, count)
    total, rows = state.select(place, conditions, everywhere=everywhere, window=window)
    if total == 0 and route.empty >= 400:
        raise RefusedError(route.empty, not_found().body)
    items = [_shown(state, replace(place, parent=parent), key, text, route.view) for parent, key, text in rows]
    return Answer(route.status, _envelope(call, items, total, page, count))


def _place(state: State, call: Call, resource: Resource, ids: Sequence[str]) -> Place:
    """The collection under these parents, the nearest of which has to exist (so do, then, the ones above it)."""
    owner = call.route.owner
    if ids and owner is not None and owner.rows is None:
        above = Place(owner.api, owner.collection, "/".join(ids[:-1]))
        if state.get(above, _key(ids[-1])) is None:
            raise not_found()
    return Place(resource.api, resource.collection, "/".join(ids))


def _key(text: str) -> int:
    """An id of a path; anything that is not written like one is not found."""
    if not _KEY.match(text):
        raise not_found()
    return int(text)


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
            stored[refer.field] = {**value, **{name: target[name] for name in names if name in target}, key: wanted}
    if errors:
        raise invalid(errors)


def _target(state: State, resource: Resource, key: Any) -> Mapping[str, Any] | None:
    if resource.rows is not None:
        return next((row for row in resource.rows if row.get(resource.id_field) == key), None)
    if not isinstance(key, int) or not _KEY.match(str(key)):
        return None
    text = state.find(Place(resource.api, resource.collection), key)
    found: Mapping[str, Any] | None = exact_json.decode(text) if text is not None else None
    return found


def _shown(state: State, place: Place, key: int, text: str, view: View) -> dict[str, Any]:
    """A stored object as it is answered, with the collections that are embedded in it."""
    stored: dict[str, Any] = exact_json.decode(text)
    if view.names is not None:
        stored = {name: value for name, value in stored.items() if name in view.names}
    for name, child, child_view in view.children:
        stored[name] = []
        if child is not None:
            below = Place(child.api, child.collection, f"{place.parent}/{key}".lstrip("/"))
            rows = state.select(below)[1]
            stored[name] = [_shown(state, below, number, body, child_view) for _, number, body in rows]
    return stored


def _merged(old: Any, new: Any) -> Any:
    """`new` laid over `old`: objects merge, everything else is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


def _written(call: Call, stored: Mapping[str, Any], key: int, path: str) -> Mapping[str, Any]:
    """The answer of a write, with the names that the document's answer has."""
    operation = call.route.operation
    body: dict[str, Any] = {}
    for name, schema in properties(operation.answer).items():
        if name == operation.id_field:
            body[name] = key
        elif name == "location" or schema.get("format") in ("uri", "uri-reference"):
            body[name] = call.base_url + path
        elif name in stored:
            body[name] = stored[name]
    return body or {operation.id_field or "id": key, "location": call.base_url + path}


def _condition(wanted: Filter, call: Call) -> Condition:
    """A filter with its values. A text that is a number also equals the number that is stored."""
    texts = call.given[wanted.parameter]
    if wanted.match in ("equals", "in"):
        parts = [part for text in texts for part in (text.split(",") if wanted.match == "in" else [text])]
        numbers = [int(part) for part in parts if _KEY.match(part) or part == "0"]
        return Condition(wanted.field, wanted.match, (*parts, *numbers))
    return Condition(wanted.field, wanted.match, (float(texts[-1]) if wanted.numeric else texts[-1],))


def _default(route: Route, parameter: str) -> Any:
    declared = route.operation.parameters.get(parameter)
    return declared.schema.get("default") if declared else None


def _number(value: Any) -> int:
    return max(1, min(int(value), 10**9)) if isinstance(value, int) else 1


def _envelope(call: Call, items: list[Any], total: int, page: int, count: int) -> Any:
    """The items as the document wraps them: bare, or in an object with the total and the links between pages."""
    operation, pages = call.route.operation, call.route.operation.pagination
    if operation.items == "*":
        return items
    envelope: dict[str, Any] = {operation.items: items}
    if pages is None:
        return envelope
    if pages.total:
        _set(envelope, pages.total, total)
    if pages.next:
        *way, name = pages.next.split(".")
        beside = properties(operation.answer)
        for part in way:
            beside = properties(beside.get(part))
        last = page * count >= total
        links = {"prev": page - 1 if page > 1 else None, "self": page, name: None if last else page + 1}
        for link, number in links.items():
            if link in beside or link == name:
                url = _page_url(call, {pages.page: number, pages.count: count}) if number else None
                _set(envelope, ".".join([*way, link]), url)
    return envelope


def _set(envelope: dict[str, Any], place: str, value: Any) -> None:
    *way, name = place.split(".")
    for part in way:
        envelope = envelope.setdefault(part, {})
    envelope[name] = value


def _page_url(call: Call, changed: Mapping[str, int]) -> str:
    return f"{call.base_url}{call.path}?{urlencode({**call.given, **changed}, doseq=True)}"
