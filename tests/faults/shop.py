"""What a scripted server has created: the state of a small shop, or of any API with collections and ids."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Shop:
    """What the server has created: objects by collection, and how often each body came."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.seeded: dict[str, dict[str, Any]] = {}
        """What was there before anything was sent, as it was, by id."""
        self.before: dict[str, dict[str, Any]] = {}
        """Objects as they were before their last change, by id."""
        self._next_id = 1000
        self._lock = threading.Lock()

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new object in the collection at `path`; an `id` in the body is the one it gets."""
        with self._lock:
            self._next_id += 1
            made = {"id": self._next_id, **body}
            self.objects.setdefault(path, []).append(made)
            return made

    def seed(self, path: str, body: Mapping[str, Any]) -> None:
        """An object that is there from the beginning."""
        made = self.create(path, body)
        self.seeded[str(made["id"])] = dict(made)

    def change(self, path: str, body: Mapping[str, Any]) -> None:
        """Lay a body over the object at `path`, if there is one."""
        collection, _, last = path.rpartition("/")
        with self._lock:
            for item in self.objects.get(collection, ()):
                if str(item["id"]) == last:
                    self.before[last] = dict(item)
                    item.update(body)

    def find(self, path: str, query: Mapping[str, str]) -> Any:
        """The list at `path`, filtered by the fields that `query` names; None for an unknown object."""
        collection, _, last = path.rpartition("/")
        with self._lock:
            if last.isdigit():
                return next(
                    (item for item in self.objects.get(collection, ()) if str(item["id"]) == last),
                    None,
                )
            wanted = {
                name: value
                for name, value in query.items()
                if name not in ("page", "count", "token")
            }
            return [
                item
                for item in self.objects.get(path, ())
                if all(
                    str(item.get(name)) == value for name, value in wanted.items() if name in item
                )
            ]
