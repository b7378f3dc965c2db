"""Reading back what was written: whether an update whose answer was lost has landed, and whether a write did anything.

A read-back is a call of its own in the journal. It never makes anything be sent again: it says what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.catalogue import Operation, Request
from runner.engine.context import Context
from runner.engine.given_back import compare_with
from runner.engine.outcome import Outcome
from runner.engine.reading import unread
from runner.engine.reconcile import Finding
from runner.engine.retry import TRIES
from runner.engine.send import Sender, Subject
from runner.engine.use import Use
from runner.journal import CallRecord


def settles(operation: Operation) -> bool:
    """Whether reading back says what became of a call: an update that moves no money, and that something gives back.

    What a create has made has an id that nobody knows; money is never taken for posted because of what is there.
    """
    return operation.effect == "update" and operation.read_back is not None and not operation.money


class BackReading:
    """Reads back what the steps of a row have written."""

    def __init__(self, context: Context, sender: Sender) -> None:
        self._context, self._sender = context, sender

    def settle(self, use: Use, request: Request, prior: CallRecord, row: Subject) -> Finding:
        """Whether an update whose outcome is unknown is there: all that it sent, or else it stays unknown."""
        subject = replace(row, identity=prior.identity._replace(step=f"{prior.identity.step}/read-back"))
        outcome = self._read(use, subject, answer={})
        if not outcome.ok:
            return Finding(reason=f"read back: {outcome.reason}")
        compared = compare_with(request.body, outcome.value, unlike=_unlike(use.operation))
        if compared.whole:
            return Finding(item=outcome.value, how="read back, and all that was sent is there")
        if compared.different:
            return Finding(reason=f"read back: {compared.still()}")
        return Finding(reason=f"read back: {compared.untold() or 'it sent nothing that could be compared'}")

    def _read(self, use: Use, subject: Subject, *, answer: Any) -> Outcome:
        operation, request = back_request(self._context, use, answer)
        outcome = self._sender.read(subject, operation, request, tries=TRIES)
        return outcome if outcome.ok else unread(outcome, operation)


def back_request(context: Context, use: Use, answer: Any) -> tuple[Operation, Request]:
    """The request that reads back what a step writes, which has answered with `answer`. Raises ArgumentError."""
    operation, back = context.catalogue.read_back(use.operation), use.operation.read_back
    assert operation is not None and back is not None  # noqa: S101 - the callers' condition
    given: Mapping[str, Any] = back.arguments(use.arguments, answer)
    own = {name: given.get(name) for name in operation.parameters}
    return operation, context.request(operation, own)


def _unlike(operation: Operation) -> frozenset[str]:
    return operation.read_back.unlike if operation.read_back is not None else frozenset()
