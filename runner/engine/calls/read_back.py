"""Reading back what was written: whether an update whose answer was lost has landed, and whether a write did anything.

A read-back is a call of its own in the journal. It never makes anything be sent again: it says what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.catalogue import (
    Operation,
    Request,
    decode_form,
    entry_of,
    first_arguments,
    of_answer,
    parse_json,
    to_json,
)
from runner.engine.calls.diff import compare_with, unlike
from runner.engine.calls.expected import failed
from runner.engine.calls.reads import LONGEST_ANSWER, unread
from runner.engine.calls.reconcile import Finding
from runner.engine.calls.snapshot import id_of
from runner.engine.context import Context, Use
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.retry import TRIES
from runner.engine.sending.sender import Sender, Subject
from runner.journal import CallRecord, CallState
from runner.template import Expression

READ_BACK = "/read-back"
"""What the journal calls the read-back of a step, behind the step's name."""


def settles(operation: Operation) -> bool:
    """Whether reading back says what became of a call: an update that moves no money, and that something gives back.

    What a create has made has an id that nobody knows; money is never taken for posted because of what is there.
    """
    return operation.effect == "update" and operation.read_back is not None and not operation.money


class BackReading:
    """Reads back what the steps of a row have written."""

    def __init__(self, context: Context, sender: Sender) -> None:
        self._context, self._sender = context, sender

    def settle(self, use: Use, prior: CallRecord, row: Subject) -> Finding:
        """Whether an update whose outcome is unknown is there: all that it sent, or else it stays unknown."""
        subject = row._replace(
            identity=prior.identity._replace(step=prior.identity.step + READ_BACK)
        )
        outcome = self.read(use, subject, answer={})
        if not outcome.ok:
            return Finding(reason=f"read back: {outcome.reason}")
        sent = prior.body.encode()
        body = (
            decode_form(sent, use.operation.body or {})
            if use.operation.form
            else parse_json(sent or b"{}")
        )
        compared = compare_with(body, outcome.value, unlike=unlike(use.operation))
        if compared.whole:
            return Finding(item=outcome.value, how="read back, and all that was sent is there")
        if compared.different:
            return Finding(reason=f"read back: {compared.still()}")
        return Finding(
            reason=f"read back: {compared.untold() or 'it sent nothing that could be compared'}"
        )

    def verify(
        self, use: Use, request: Request, done: Outcome, row: Subject, known: CallRecord | None
    ) -> Outcome:
        """The outcome of a write that is done, or why what is read back is not what it has to be.

        `known` is what the journal has of an earlier read-back: what it showed then need not be read again.
        """
        kept = known.answer if known is not None and known.state == "done" else ""
        shown = parse_json(kept.encode()) if kept else None
        if shown is not None and not self._wrong(use, request, shown, done.status):
            return done
        subject = row._replace(identity=row.identity._replace(step=row.identity.step + READ_BACK))
        outcome = self.read(use, subject, answer=done.value)
        if not outcome.ok:
            state: CallState = "rejected" if outcome.state == "rejected" else "not sent"
            return Outcome(
                state, f"{_answered(done.status)}, and it could not be read back: {outcome.reason}"
            )
        wrong = self._wrong(use, request, outcome.value, done.status)
        if wrong:
            reason = f"{wrong}; it is not sent again by itself: see what became of it"
            return Outcome("rejected", reason, status=done.status)
        if len(to_json(outcome.value)) <= LONGEST_ANSWER:
            operation, read = back_request(self._context, use, done.value)
            self._sender.note(subject, operation, read, "done", value=outcome.value, reason="")
        return done

    def _wrong(self, use: Use, request: Request, found: Any, status: int) -> str:
        """Why what was read back is not what `verify` wants; empty when it is."""
        verify = use.step.verify
        if isinstance(verify, Expression):
            back = self._context.catalogue.read_back(use.operation)
            seen = of_answer(back, found) if back is not None else found
            wrong = failed(verify, seen, use.scope)
            return f"{_answered(status)}, and read back it is not so: {wrong}" if wrong else ""
        compared = compare_with(request.body, found, unlike=unlike(use.operation))
        if compared.different:
            nothing = use.operation.effect == "update" and not compared.same
            what = "changed nothing" if nothing else "not all of it is there"
            return f"{_answered(status)} and {what}: {compared.still()}"
        if not compared.same:
            return f"{_answered(status)}, and nothing that it sent is given back: say what to look at, verify: result.x"
        if untold := compared.untold():
            self._sender.tell_once(f"{use.step.id} is verified but for what is {untold}")
        return ""

    def read(self, use: Use, subject: Subject, *, answer: Any) -> Outcome:
        """What is there of the object that a use writes, which has answered with `answer`."""
        operation, request = back_request(self._context, use, answer)
        back = use.operation.read_back
        if back is None or not back.entry:
            outcome = self._sender.read(subject, operation, request, tries=TRIES)
            return outcome if outcome.ok else unread(outcome, operation)
        name = id_of(use.operation, answer)
        outcome = self._sender.items(
            subject,
            operation,
            _arguments(operation, use, answer),
            tries=TRIES,
            keep=lambda item: entry_of(back.entry, [item], name) is not None,
            enough=1,
        )
        if outcome.ok and not outcome.value:
            outcome = Outcome("rejected", f"it does not list {name}")
        return (
            outcome._replace(value=outcome.value[0]) if outcome.ok else unread(outcome, operation)
        )


def back_request(context: Context, use: Use, answer: Any) -> tuple[Operation, Request]:
    """The request that reads back what a step writes, which has answered with `answer`. Raises ArgumentError."""
    operation = context.catalogue.read_back(use.operation)
    assert operation is not None  # noqa: S101 - the callers' condition
    given = first_arguments(operation, _arguments(operation, use, answer))
    return operation, context.request(operation, given)


def _arguments(operation: Operation, use: Use, answer: Any) -> dict[str, Any]:
    """The arguments of the read that belongs to a write."""
    back = use.operation.read_back
    given: Mapping[str, Any] = back.arguments(use.arguments, answer) if back is not None else {}
    return {name: given.get(name) for name in operation.parameters}


def _answered(status: int) -> str:
    return f"answered {status}" if status else "it was carried out"
