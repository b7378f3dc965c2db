"""What a row's calls have made, changed or found, as its line of the results tells it.

ids    contact 1042; job 31987; lines 11, 12, 13
links  https://app.example.com/jobs/31987
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from runner.catalogue import Catalogue, Operation, link_of, parse_json
from runner.engine.calls.snapshot import id_of
from runner.journal import CallRecord
from runner.journal.records import SETTLED
from runner.template import Unknown

IDS_SHOWN = 20
"""Ids of one step that are told; created.csv has all of them."""

LINKS_SHOWN = 20


class Objects:
    """Takes what each write of a row has given. What has no id, as far as the API says, is not in it."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}
        self._links: dict[str, None] = {}

    def add(self, step: str, operation: Operation, value: Any) -> None:
        """One object: `value` is what the API answered, or what a search has found."""
        if operation.effect == "read" or isinstance(value, Unknown):
            return
        name, link = id_of(operation, value), link_of(operation, value)
        if name:
            self._ids.setdefault(step, {})[name] = None
        if link:
            self._links[link] = None

    def add_recorded(self, call: CallRecord, catalogue: Catalogue) -> None:
        """The object of a write on record, if it was carried out or found."""
        if call.state in SETTLED and call.answer:
            with suppress(KeyError):  # an operation that the documents no longer have
                operation = catalogue.operation(call.operation)
                step = call.identity.step.partition("/")[0]
                self.add(step, operation, parse_json(call.answer.encode()))

    @property
    def ids(self) -> str:
        """The ids, by step."""
        return "; ".join(f"{step} {_listed([*names])}" for step, names in self._ids.items())

    @property
    def links(self) -> str:
        """Where people see them, with a blank between; an address is told once."""
        return " ".join(list(self._links)[:LINKS_SHOWN])


def merged(ids: str, newer: str) -> str:
    """The ids by step of two texts of this form; those of a step that both have are the `newer` ones."""
    steps = {text.partition(" ")[0]: text for text in f"{ids}; {newer}".split("; ") if text}
    return "; ".join(steps.values())


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - IDS_SHOWN} more" if len(names) > IDS_SHOWN else ""
    return ", ".join(names[:IDS_SHOWN]) + more


def with_id(ids: str, step: str, name: str) -> str:
    """The ids of a row, as text, with one more of a step."""
    parts = _parts(ids)
    if name not in parts.setdefault(step, []):
        parts[step].append(name)
    return "; ".join(f"{each} {', '.join(names)}" for each, names in parts.items())


def without_id(ids: str, step: str, name: str) -> str:
    """The same without one of them."""
    parts = _parts(ids)
    parts[step] = [each for each in parts.get(step, ()) if each != name]
    return "; ".join(f"{each} {', '.join(names)}" for each, names in parts.items() if names)


def _parts(ids: str) -> dict[str, list[str]]:
    """The ids by step. An id has no blank at its ends, and a step none at all."""
    found: dict[str, list[str]] = {}
    for part in ids.split("; ") if ids else ():
        step, _, names = part.partition(" ")
        found[step] = names.split(", ")
    return found
