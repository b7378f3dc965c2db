"""Reads that are made while a recipe is planned: GET only, and nothing of them is kept."""

from __future__ import annotations

from pathlib import Path

from runner.catalogue import Operation, Request, without_credentials
from runner.engine.calls.reads import Reading
from runner.engine.context import Context
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Check, Sender, Sending
from runner.journal import CallRecord, Journal, RowRecord
from runner.problems import RunnerError
from runner.template import Unknown


class _Unwritten(Journal):
    """Takes the place of the journal: a plan leaves nothing in it, and an intent to send is refused."""

    def __init__(self) -> None:
        super().__init__(Path())

    def intend(self, call: CallRecord) -> None:
        raise RunnerError(f"{call.operation} is no read, and was not sent")

    def record(self, call: CallRecord, *, at: str, seconds: float = 0.0) -> None:
        """Keep nothing."""

    def note(self, call: CallRecord) -> None:
        """Keep nothing."""

    def row(self, row: RowRecord) -> None:
        """Keep nothing."""

    def hit(self, account: str, api: str, *, day: str) -> None:
        """Keep nothing."""

    def flush(self) -> None:
        """Nothing is kept that could be written."""


class Looker(Sender):
    """Sends GETs of operations that read, and refuses everything else."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, _Unwritten())
        self.reading = Reading(context, self)

    def _attempt(
        self, sending: Sending, operation: Operation, request: Request, *, check: Check, before: Outcome | None
    ) -> Outcome:  # fmt: skip
        if not may_look(operation) or request.method != "GET":
            raise RunnerError(f"{operation.full_name} is no GET that reads, and was not sent")
        outcome = super()._attempt(sending, operation, request, check=check, before=before)
        shown = without_credentials(operation, outcome.value, put=lambda _: Unknown("a credential"))
        return outcome._replace(value=shown)


def may_look(operation: Operation) -> bool:
    """Whether an operation may be used while a recipe is planned."""
    return operation.effect == "read" and operation.method == "GET"
