"""Lists: objects that match, sorted and cut into pages, in the envelope of the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from runner.sandbox.answers import KEY, Answer, Call, place_of
from runner.sandbox.conditions import conditions_of
from runner.sandbox.refusals import RefusedError, not_found, set_at
from runner.sandbox.resources import Resource, properties
from runner.sandbox.routes import Act, Filter
from runner.sandbox.state import Condition, Place, State
from runner.sandbox.views import listed

_MOST = 10**9


def answer_list(state: State, call: Call, resource: Resource) -> Answer:
    """Return the requested page. Raises RefusedError."""
    route, everywhere = call.route, call.route.act is Act.LIST_ALL
    place = Place(resource.api, resource.collection)
    if not everywhere:
        place = place_of(state, call, resource, call.ids)
    conditions = [_condition(f, call) for f in route.filters if f.parameter in call.query]
    if route.search:
        conditions += conditions_of(route.search, call.given)
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
    # Some APIs answer an empty list with an error.
    if total == 0 and route.empty >= 400:
        raise RefusedError(route.empty, not_found().body, cause="not_found", object=route.called)
    return Answer(
        route.status, _envelope(call, listed(state, place, rows, route.view), total, window)
    )


def _condition(criterion: Filter, call: Call) -> Condition:
    """Return a filter with its values. A text that is a number also matches the stored number."""
    texts = call.given[criterion.parameter]
    if criterion.match in ("equals", "in"):
        parts = [
            part
            for text in texts
            for part in (text.split(",") if criterion.match == "in" else [text])
        ]
        numbers = [int(part) for part in parts if KEY.match(part) or part == "0"]
        values: tuple[str | int | float, ...] = (*parts, *numbers)
    else:
        values = (float(texts[-1]) if criterion.numeric else texts[-1],)
    if criterion.through is None:
        return Condition(criterion.field, criterion.match, values)
    name, target = criterion.through
    through = f"{name}.{target.id_field}", Place(target.api, target.collection)
    return Condition(criterion.field, criterion.match, values, through=through)


def _order(call: Call) -> str:
    sort = call.route.sort
    if sort is None:
        return ""
    value = str(call.query.get(sort.parameter, sort.default))
    return sort.fields.get(value, value)


def _window(call: Call) -> tuple[int, int] | None:
    """Return the numbers of objects to skip and to return; None for all of them."""
    pages = call.route.operation.pagination
    if pages is None:
        return None
    count = _number(call, pages.count, pages.size)
    if pages.offset:
        return _number(call, pages.offset, 0), count
    return (_number(call, pages.page, 1) - 1) * count, count


def _number(call: Call, name: str, otherwise: int) -> int:
    """Return a number of the query, else its default in the document, else `otherwise`."""
    parameter = call.route.operation.parameters.get(name)
    if parameter is None:
        return otherwise
    value = call.query.get(parameter.sent_as, parameter.schema.get("default", otherwise))
    return max(min(value, _MOST), min(otherwise, 1)) if isinstance(value, int) else otherwise


def _envelope(call: Call, items: list[Any], total: int, window: tuple[int, int] | None) -> Any:
    """Return the items as the document wraps them: bare, or in an object with the total and page links."""
    operation, example = call.route.operation, call.route.example
    pages = operation.pagination
    if operation.items == "*":
        return items
    # The example has the other fields of the envelope.
    wrapper = dict(example) if isinstance(example, Mapping) else {}
    envelope: dict[str, Any] = {**wrapper, operation.items: items}
    if pages and pages.total:
        set_at(envelope, pages.total, total)
    if pages and pages.next and window:
        _link(envelope, call, total, window)
    return envelope


def _link(envelope: dict[str, Any], call: Call, total: int, window: tuple[int, int]) -> None:
    """Set the URLs of the pages around this one, under the names that the document has beside the next."""
    pages, (skip, count) = call.route.operation.pagination, window
    if pages is None:
        return
    *path, name = pages.next.split(".")
    siblings = properties(call.route.operation.answer)
    for part in path:
        siblings = properties(siblings.get(part))
    starts = {
        "prev": max(skip - count, 0) if skip else None,
        "self": skip,
        name: None if skip + count >= total else skip + count,
    }
    for link, start in starts.items():
        if link in siblings or link == name:
            url = None if start is None else _page_url(call, start, count)
            set_at(envelope, ".".join([*path, link]), url)


def _page_url(call: Call, start: int, count: int) -> str:
    pages, parameters = call.route.operation.pagination, call.route.operation.parameters
    numbers = (
        {pages.offset: start, pages.page: start // count + 1, pages.count: count} if pages else {}
    )
    changed = {
        parameters[name].sent_as: number for name, number in numbers.items() if name in parameters
    }
    return f"{call.base_url}{call.path}?{urlencode({**call.given, **changed}, doseq=True)}"
