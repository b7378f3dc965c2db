"""Lists: what is found, sorted and cut into pages, in the envelope that the document has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from runner.sandbox.answers import KEY, Answer, Call, place_of
from runner.sandbox.conditions import wanted
from runner.sandbox.refusals import RefusedError, not_found, set_at
from runner.sandbox.resources import Resource, properties
from runner.sandbox.routes import Act, Filter
from runner.sandbox.state import Condition, Place, State
from runner.sandbox.views import listed

_MOST = 10**9


def answer_list(state: State, call: Call, resource: Resource) -> Answer:
    """The page that the call asks for. Raises RefusedError."""
    route, everywhere = call.route, call.route.act is Act.LIST_ALL
    place = (
        Place(resource.api, resource.collection)
        if everywhere
        else place_of(state, call, resource, call.ids)
    )
    conditions = [_condition(f, call) for f in route.filters if f.parameter in call.query]
    if route.search:
        conditions += wanted(route.search, call.given)
    if resource.window:
        conditions.append(
            Condition(
                resource.window.field, "since", (resource.window.since(call.today).isoformat(),)
            )
        )
    window = _window(call)
    total, rows = state.select(
        place, conditions, everywhere=everywhere, window=window, order=_order(call)
    )
    if total == 0 and route.empty >= 400:
        raise RefusedError(route.empty, not_found().body, cause="not_found", object=route.called)
    return Answer(
        route.status, _envelope(call, listed(state, place, rows, route.view), total, window)
    )


def _condition(wanted: Filter, call: Call) -> Condition:
    """A filter with its values. A text that is a number also equals the number that is stored."""
    texts = call.given[wanted.parameter]
    if wanted.match in ("equals", "in"):
        parts = [
            part for text in texts for part in (text.split(",") if wanted.match == "in" else [text])
        ]
        numbers = [int(part) for part in parts if KEY.match(part) or part == "0"]
        values: tuple[str | int | float, ...] = (*parts, *numbers)
    else:
        values = (float(texts[-1]) if wanted.numeric else texts[-1],)
    if wanted.through is None:
        return Condition(wanted.field, wanted.match, values)
    name, target = wanted.through
    through = f"{name}.{target.id_field}", Place(target.api, target.collection)
    return Condition(wanted.field, wanted.match, values, through=through)


def _order(call: Call) -> str:
    sort = call.route.sort
    if sort is None:
        return ""
    value = str(call.query.get(sort.parameter, sort.default))
    return sort.fields.get(value, value)


def _window(call: Call) -> tuple[int, int] | None:
    """How many to skip and how many to answer; None for all."""
    pages = call.route.operation.pagination
    if pages is None:
        return None
    count = _asked(call, pages.count, pages.size)
    if pages.offset:
        return _asked(call, pages.offset, 0), count
    return (_asked(call, pages.page, 1) - 1) * count, count


def _asked(call: Call, name: str, otherwise: int) -> int:
    """A number of the query, else its default in the document."""
    parameter = call.route.operation.parameters.get(name)
    if parameter is None:
        return otherwise
    value = call.query.get(parameter.sent_as, parameter.schema.get("default", otherwise))
    return max(min(value, _MOST), min(otherwise, 1)) if isinstance(value, int) else otherwise


def _envelope(call: Call, items: list[Any], total: int, window: tuple[int, int] | None) -> Any:
    """The items as the document wraps them: bare, or in an object with the total and the links between pages."""
    operation, example = call.route.operation, call.route.example
    pages = operation.pagination
    if operation.items == "*":
        return items
    around = dict(example) if isinstance(example, Mapping) else {}
    envelope: dict[str, Any] = {**around, operation.items: items}
    if pages and pages.total:
        set_at(envelope, pages.total, total)
    if pages and pages.next and window:
        _link(envelope, call, total, window)
    return envelope


def _link(envelope: dict[str, Any], call: Call, total: int, window: tuple[int, int]) -> None:
    """The addresses of the pages around this one, under the names that the document has beside the next."""
    pages, (skip, count) = call.route.operation.pagination, window
    if pages is None:
        return
    *way, name = pages.next.split(".")
    beside = properties(call.route.operation.answer)
    for part in way:
        beside = properties(beside.get(part))
    starts = {
        "prev": max(skip - count, 0) if skip else None,
        "self": skip,
        name: None if skip + count >= total else skip + count,
    }
    for link, start in starts.items():
        if link in beside or link == name:
            set_at(
                envelope,
                ".".join([*way, link]),
                None if start is None else _page_url(call, start, count),
            )


def _page_url(call: Call, start: int, count: int) -> str:
    pages, parameters = call.route.operation.pagination, call.route.operation.parameters
    numbers = (
        {pages.offset: start, pages.page: start // count + 1, pages.count: count} if pages else {}
    )
    changed = {
        parameters[name].sent_as: number for name, number in numbers.items() if name in parameters
    }
    return f"{call.base_url}{call.path}?{urlencode({**call.given, **changed}, doseq=True)}"
