"""Lists that come in pages: what a page is, and the arguments that ask for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.catalogue.operation import Operation, Pagination


class Page(NamedTuple):
    """A list as it was answered: its objects, how many there are in all and the link to more, where it says so."""

    items: list[dict[str, Any]]
    total: int | None = None
    next: str | None = None


def empty_page() -> Page:
    """The list that a status of `Operation.empty` stands for."""
    return Page([], total=0)


def first_arguments(operation: Operation, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of the first page: the document's page size, unless the step or the API gives one."""
    paging = operation.pagination
    if paging is None or not paging.count or arguments.get(paging.count) is not None:
        return arguments
    return {**arguments, paging.count: paging.size}


def next_arguments(
    operation: Operation, arguments: Mapping[str, Any], page: Page, seen: int
) -> Mapping[str, Any] | None:
    """The arguments of the page after `page`, None after the last. `seen` counts the items of all pages so far.

    A short page is not the end while the answer links to more or counts more; a server may give fewer than it was
    asked for. Only where the document knows neither a link nor a total does a short page end the list.
    """
    paging = operation.pagination
    if paging is None or not page.items:
        return None
    if paging.offset:
        return _next_offset(paging, arguments, page)
    if paging.next or paging.total:
        more = bool(page.next) or (page.total is not None and seen < page.total)
    else:
        more = len(page.items) >= int(arguments.get(paging.count) or paging.size)
    if not more:
        return None
    return {**arguments, paging.page: int(arguments.get(paging.page) or 1) + 1}


def _next_offset(paging: Pagination, arguments: Mapping[str, Any], page: Page) -> Mapping[str, Any] | None:
    """The arguments of the page after `page` where pages begin at an offset: it moves on by what really came."""
    offset = int(arguments.get(paging.offset) or 0) + len(page.items)
    if page.next is not None or page.total is not None:
        more = page.next is not None or offset < (page.total or 0)
    else:
        more = len(page.items) >= int(arguments.get(paging.count) or paging.size)
    return {**arguments, paging.offset: offset} if more else None
