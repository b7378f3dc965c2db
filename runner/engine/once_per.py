"""`once_per`: a step done once for each distinct value, however many rows need it and however many are in flight.

Rows announce their values in the order of the input, before they start. The first to announce a value owns it, so
that the same row does it whatever the threads do; the others wait for the owner, which came before them, so that
no two rows can wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runner.keys import canonical, canonical_shared
from runner.recipe.model import Step
from runner.template import EvaluationError, Expression, Unknown, identity_of, identity_scope

A_RUN = "run"
"""The value that a step with `once: run` is done once for."""


@dataclass
class _Entry:
    owner: int
    owner_key: str
    waiting: list[tuple[int, str]] = field(default_factory=list)
    finished: bool = False
    value: Any = None
    body: Any = None


class Claim(NamedTuple):
    """What `claim` gives: whether this row has to do it, else the result and the key of the row that did it.

    `body` is what that row sends for the value, None where that is not known.
    """

    mine: bool
    value: Any = None
    done_by: str = ""
    body: Any = None


class OncePer:
    """Who does which value of which step, and what came of it."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._of_row: dict[int, list[tuple[str, _Entry]]] = {}
        self._changed = threading.Condition()

    def announce(self, step: str, value: str, *, row: int, key: str) -> None:
        """Row number `row`, called `key`, will need `value` of `step`."""
        with self._changed:
            entry = self._entries.setdefault((step, value), _Entry(row, key))
            if entry.finished:
                return
            if not entry.owner:
                entry.owner, entry.owner_key = row, key
            elif entry.owner != row and (row, key) not in entry.waiting:
                entry.waiting.append((row, key))
            self._of_row.setdefault(row, []).append((step, entry))

    def claim(self, step: str, value: str, *, row: int, key: str) -> Claim:
        """Take `value` on, or wait for the row that has and share its result."""
        self.announce(step, value, row=row, key=key)
        with self._changed:
            entry = self._entries[step, value]
            while not entry.finished and entry.owner != row:
                self._changed.wait()
            return (
                Claim(mine=False, value=entry.value, done_by=entry.owner_key, body=entry.body)
                if entry.finished
                else Claim(mine=True)
            )

    def finish(self, step: str, value: str, result: Any, *, body: Any = None) -> None:
        """It is done, with this `body`; every row that needs it gets `result`."""
        with self._changed:
            entry = self._entries[step, value]
            entry.finished, entry.value, entry.waiting = True, result, []
            entry.body = body
            self._changed.notify_all()

    def release(self, row: int, *, step: str = "") -> None:
        """Row number `row` is past `step`, or over: what it owned and did not do passes to the next that needs it."""
        if row not in self._of_row:  # nobody but the row itself puts something there
            return
        with self._changed:
            mine = self._of_row.pop(row, [])
            if step and (later := [(name, entry) for name, entry in mine if name != step]):
                self._of_row[row] = later
            for entry in [entry for name, entry in mine if step in ("", name)]:
                entry.waiting = [waiter for waiter in entry.waiting if waiter[0] != row]
                if entry.owner == row and not entry.finished:
                    entry.owner, entry.owner_key = (
                        entry.waiting.pop(0) if entry.waiting else (0, "")
                    )
            self._changed.notify_all()


def shared_value(step: Step, scope: Mapping[str, Any]) -> str | Unknown:
    """Return the value for which a `once_per` step is done once, as an identity. Raises EvaluationError."""
    assert step.once_per is not None  # noqa: S101 - the callers' condition
    return _identity(step.once_per, scope, canonical_shared)


def item_name(item_key: Expression, scope: Mapping[str, Any]) -> str | Unknown:
    """Return what identifies the `item` of a scope; Unknown where that depends on an answer. Raises EvaluationError."""
    return _identity(item_key, scope, canonical)


def _identity(
    expression: Expression, scope: Mapping[str, Any], form: Callable[[str], str]
) -> str | Unknown:
    found = expression.evaluate(identity_scope(scope, expression.references))
    if isinstance(found, Unknown):
        return found
    name = form(identity_of(found))
    if not name:
        raise EvaluationError(f"{expression.text} is empty, and identifies nothing")
    return name
