"""Pages of a list, and the arguments that request the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.catalogue.operation import Operation, Pagination


class Page(NamedTuple):
    """Page of a list: its objects, the total number of objects and the link to more, where the answer has them."""

    items: list[dict[str, Any]]
    total: int | None = None
    next: str | None = None


def empty_page() -> Page:
    """Return the list for a status of `Operation.empty`."""
    return Page([], total=0)


def first_arguments(operation: Operation, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of the first page: the document's page size, unless the step or the API has one."""
    paging = operation.pagination
    if paging is None or not paging.count or arguments.get(paging.count) is not None:
        return arguments
    return {**arguments, paging.count: paging.size}


def next_arguments(
    operation: Operation, arguments: Mapping[str, Any], page: Page, seen: int
) -> Mapping[str, Any] | None:
    """Return the arguments of the page after `page`, None after the last.

    `seen` counts the items of all pages so far. A short page is not the end while the answer links to more or counts
    more; a server may return fewer than requested. Without a usable total a full page is not the end either, unless the
    API pages by links alone.
    """
    paging = operation.pagination
    if paging is None or not page.items:
        return None
    before = int(arguments.get(paging.offset) or 0) if paging.offset else seen - len(page.items)
    if not _more(paging, arguments, page, before + len(page.items)):
        return None
    if paging.offset:
        return {**arguments, paging.offset: before + len(page.items)}
    return {**arguments, paging.page: int(arguments.get(paging.page) or 1) + 1}


def _more(paging: Pagination, arguments: Mapping[str, Any], page: Page, seen: int) -> bool:
    """Return whether there are more pages. A total below the number of items so far is ignored."""
    if page.next:
        return True
    if page.total is not None and page.total >= seen:
        return page.total > seen
    if paging.next and not paging.total:
        return False
    return len(page.items) >= int(arguments.get(paging.count) or paging.size)
