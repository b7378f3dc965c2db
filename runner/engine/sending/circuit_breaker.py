"""The stop rule: when requests fail in a row everybody waits, and one read shows whether the API still answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from runner.catalogue import ArgumentError, Operation, Request, first_arguments
from runner.engine.context import Context
from runner.engine.sending.outcome import Outcome
from runner.engine.stop import Stop

FAILURES_IN_A_ROW = 3
"""Failed connections, 5xx or unusable answers in a row after which a run holds everything."""

PAUSE = 3.0
"""Seconds before the read that shows whether the API answers."""

Read = tuple[Operation, Request]


class Watch:
    """Counts failures in a row over all workers, holds them, and knows which read to try.

    One read that is answered buys one more chance: when the next requests fail again without a success in between,
    the run stops, since an API whose reads work may still break every write.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._last_reads: dict[str, Read] = {}
        self._held = self._had_a_chance = False
        self.round = 0
        """Counts the reads that were answered. What was sent in an earlier round speaks of the time before."""
        self._changed = threading.Condition()

    def note(
        self, operation: Operation, request: Request, outcome: Outcome, *, sent_in: int
    ) -> bool:
        """Take the outcome of what was sent in a round. Whether so many have failed that something has to be done."""
        with self._changed:
            if not failed(outcome):
                self._failures, self._had_a_chance = 0, False
                if outcome.ok and operation.effect == "read":
                    self._last_reads[operation.api] = operation, request
                return False
            self._failures += sent_in == self.round
            if self._failures < FAILURES_IN_A_ROW or self._held:
                return False
            self._held = True
            return True

    @property
    def has_had_a_chance(self) -> bool:
        """Whether the last read that was tried was answered, and nothing else since."""
        return self._had_a_chance

    def release(self, *, answered: bool) -> None:
        """Let everybody go on; what comes next is up to the stop, if there is one."""
        with self._changed:
            self._held, self._had_a_chance = False, answered
            if answered:
                self._failures, self.round = 0, self.round + 1
            self._changed.notify_all()

    def wait(self, stop: Stop) -> None:
        """Wait while everybody is held, but no longer than until a stop."""
        with self._changed:
            while self._held and not stop.requested:
                self._changed.wait(0.1)

    def reads(self, api: str, context: Context) -> Iterator[Read]:
        """Reads to try: the last one of the run that was answered, or else one that needs to know nothing."""
        if api in self._last_reads:
            yield self._last_reads[api]
            return
        for operation in context.catalogue[api].operations.values():
            if operation.effect == "read" and operation.method == "GET" and not operation.required:
                try:
                    yield (
                        operation,
                        context.request(operation, first_arguments(operation, _NOTHING)),
                    )
                except ArgumentError:
                    continue


_NOTHING: Mapping[str, object] = {}


def failed(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the API: no connection, 5xx, no usable answer."""
    return outcome.state in ("not sent", "unknown")
