"""Ids in the bodies of writes: the objects that were there when a write named them, and whose path it does not have.

Which field names an object is taken from the API's document: the parameter that follows the path of a collection, as
order_id in /orders/{order_id}, is what the ids of that collection are called. A body names one of them by `order_id` or
by `order: {id: ...}`. A name that stands behind several collections, as id, tells nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from runner.catalogue import Catalogue, Operation, parse_own_json
from runner.journal import CallRecord, History

_NAME = re.compile(r"(.*)/\{([^{}]+)\}")
_AT_ONCE = 300
"""Calls that are looked at: the first ones, as the earliest counts."""

_ID = re.compile(r"(?<=[a-z0-9])(_id|Id|ID)\Z")


def id_names(catalogue: Catalogue, create: Operation) -> frozenset[str]:
    """Return the names that the ids of what an operation creates have in bodies; none for a collection in an object."""
    if "{" in create.path:
        return frozenset()
    behind: dict[str, set[str]] = {}
    for each in catalogue[create.api].operations.values():
        path = each.path
        while (match := _NAME.match(path)) is not None:
            path, name = match.groups()
            behind.setdefault(name, set()).add(path.rstrip("/"))
    own = {create.path.rstrip("/")}
    return frozenset(name for name, paths in behind.items() if paths == own and _ID.search(name))


class Mentions:
    """The writes of an account whose bodies name objects of a collection, as far as they are committed."""

    def __init__(self, history: History, catalogue: Catalogue, account: str) -> None:
        self._history, self._catalogue, self._account = history, catalogue, account
        self._found: dict[str, dict[str, list[int]]] = {}
        self._last: dict[str, int] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()

    def of(self, create: Operation, name: str) -> list[CallRecord]:
        """Return the writes that were or may have been carried out and name what a create would have made as `name`."""
        with self._lock:
            numbers = self._read(create).get(name, ())
        calls = self._history.calls_by_number(numbers[:_AT_ONCE]) if numbers else {}
        return [call for call in calls.values() if call.state in ("done", "intent", "unknown")]

    def _read(self, create: Operation) -> Mapping[str, list[int]]:
        """Read the bodies that have been committed since it was asked for last."""
        operation = create.full_name
        if operation not in self._names:
            self._names[operation] = id_names(self._catalogue, create)
        names, found = self._names[operation], self._found.setdefault(operation, {})
        if not names:
            return found
        keys = {f'"{key}"' for name in names for key in (name, _ID.sub("", name))}
        last, until = self._last.get(operation, 0), self._history.last_call()
        while page := self._history.bodies(self._account, operation, keys, after=last, until=until):
            for last, body in page:
                for each in set(_named(parse_own_json(body), names)):
                    found.setdefault(each, []).append(last)
        self._last[operation] = until
        return found


def _named(tree: Any, names: frozenset[str]) -> Iterator[str]:
    """Yield the ids in a body that stand under one of these names."""
    if isinstance(tree, list):
        for each in tree:
            yield from _named(each, names)
    elif isinstance(tree, Mapping):
        objects = {_ID.sub("", name) for name in names}
        for key, value in tree.items():
            if key in names and not isinstance(value, Mapping | list):
                yield str(value)
            elif key in objects and isinstance(value, Mapping):
                yield str(value.get("id", ""))
            yield from _named(value, names)
