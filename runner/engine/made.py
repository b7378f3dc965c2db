"""What a create has made: an object that no other create can have made too.

An object is known by its path: the path that the create was sent to, and the id of the answer behind it. So lines that
an API counts from 1 in each order are different objects, and two orders that have one id are not.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from runner.catalogue import Catalogue, Operation, parse_own_json
from runner.engine.before import id_of, read_before
from runner.journal import CallRecord, History, Journal

RETURNS_EXISTING = (
    "{} answered with the id of what exists already; where it may do that for good reason, "
    "x-runner-returns-existing: true in its API document says so"
)


def made_by(operation: Operation, url: str, answer: Any) -> str:
    """The path of what an operation has made by a request to `url`; empty where the answer does not name it."""
    name = id_of(operation, answer) if operation.effect == "create" else ""
    return f"{url.partition('?')[0].rstrip('/')}/{name}" if name else ""


def said_maker(name: Any, other: CallRecord) -> str:
    """A sentence for people: which call has created the object with this id."""
    where = other.identity.step + (f"[{other.shown_item}]" if other.shown_item else "")
    return f"{name} is what call {other.id} has created ({where} of {other.identity.key!r}, run {other.run})"


class Makers:
    """The calls of an account by what they have made, over all runs, this one included."""

    def __init__(self, history: History, journal: Journal) -> None:
        self._history, self._journal = history, journal

    def read_earlier(self, account: str, catalogue: Catalogue, apis: Collection[str]) -> None:
        """Record what the creates of some APIs have made that an earlier version has recorded."""
        for call in self._history.unread_creates(account):
            if call.operation.partition(".")[0] not in apis:
                continue
            with suppress(KeyError):  # an operation that its document no longer has
                operation = catalogue.operation(call.operation)
                answer = parse_own_json(call.answer) if call.answer else None
                self._journal.read_made(call.id, made_by(operation, call.url, answer))
        self._journal.flush()

    def doubt(self, operation: Operation, record: CallRecord, answer: Any) -> str:
        """Say why a call cannot have made what it is answered with; else that is its own from now on.

        What was listed before it was sent, or another call has made, is no new object, unless the API's document says
        that a create may be answered with an object that exists.
        """
        if not record.made or operation.returns_existing:
            return ""
        name = id_of(operation, answer)
        before = read_before(record.before)
        if before is not None and name in (before.ids or ()):
            return f"{name} was there before it was sent"
        other = self._other(record)
        return "" if other is None else said_maker(name, other)

    def _other(self, record: CallRecord) -> CallRecord | None:
        claimed = self._journal.claim(record)
        if claimed is not None:  # by a call that may be in doubt itself
            self._journal.flush()
        other = self._history.maker(record.identity.account, record.operation, str(record.made))
        if other is not None and other.identity != record.identity:
            if claimed is None:
                self._journal.release(record)
            return other
        return self._history.call_of(claimed) if claimed is not None else None
