"""What a row's calls have made, changed or found, as its line of the results tells it.

ids    contact 1042; job 31987; lines 11, 12, 13
links  https://app.example.com/jobs/31987
"""

from __future__ import annotations

from typing import Any

from runner.catalogue import Operation, link_of
from runner.engine.before import id_of
from runner.template import Unknown

IDS_SHOWN = 20
"""Ids of one step that are told; created.csv has all of them."""

LINKS_SHOWN = 20


class Objects:
    """Takes what each write of a row has given. What has no id, as far as the API says, is not in it."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}
        self._links: dict[str, None] = {}

    def add(self, step: str, operation: Operation, value: Any) -> None:
        """One object: `value` is what the API answered, or what a search has found."""
        if operation.effect == "read" or isinstance(value, Unknown):
            return
        name, link = id_of(operation, value), link_of(operation, value)
        if name:
            self._ids.setdefault(step, []).append(name)
        if link:
            self._links[link] = None

    @property
    def ids(self) -> str:
        """The ids, by step."""
        return "; ".join(f"{step} {_listed(names)}" for step, names in self._ids.items())

    @property
    def links(self) -> str:
        """Where people see them, with a blank between; an address is told once."""
        return " ".join(list(self._links)[:LINKS_SHOWN])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - IDS_SHOWN} more" if len(names) > IDS_SHOWN else ""
    return ", ".join(names[:IDS_SHOWN]) + more
