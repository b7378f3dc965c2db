"""What a run reports: passed on once the journal has it on the disk, so that no crash and no full disk takes it back.

The outcome of a call goes with the next commit. Where that commit fails, the journal has the intent alone, so the call
is unknown for every run to come; this run reports the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from runner.engine.events import CallFinished, Event, Reporter, RowFinished, RowResult
from runner.exact import EXACT, exact_sum
from runner.journal import Journal
from runner.problems import RunnerError

MOST = 1000
"""Events that wait for a commit before one is made for them."""

DELAY = 0.2
"""Seconds that an event waits for a commit that others make, before one is made for it."""

NOT_RECORDED = "what it shares with another row could not be recorded"


class Recorded:
    """Passes events on to `emit` in their order; ends of rows and of writes once their records are committed.

    A thread of its own commits what waits while nobody else does: a slow answer holds back no other row's end.
    """

    def __init__(self, journal: Journal, emit: Reporter, *, run: int) -> None:
        self._journal, self._emit, self._run = journal, emit, run
        self._lock = threading.RLock()
        self._waiting: deque[tuple[int, Event]] = deque()
        self._failed: RunnerError | None = None
        self._ended = threading.Event()
        self._committer: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Pass on what has been committed by now, and this event if it need not wait.

        Raises StoppedError where a commit has failed; the event is taken all the same.
        """
        with self._lock:
            waits = isinstance(event, RowFinished) or _is_write(event)
            if waits:
                self._waiting.append((self._journal.queued, event))
                self._start()
            many = len(self._waiting) >= MOST
        try:
            if many:
                self._journal.flush()
            self._raise_failure()
        finally:
            with self._lock:
                self._pass_on(self._committed())
                if not waits:
                    self._emit(event)

    def settle(self) -> None:
        """Commit what is queued and pass everything on; as unknown where that fails. Raises StoppedError."""
        self._ended.set()
        if self._committer is not None:
            self._committer.join()
        try:
            self._journal.flush()
            self._raise_failure()
        except RunnerError:
            with self._lock:
                self._pass_on(self._committed())
                lost, self._waiting = [event for _, event in self._waiting], deque()
                self._pass_on(as_unknown(lost, run=self._run))
                self._failed = None  # said now: the end of the run is no place to say it again
            raise
        with self._lock:
            self._pass_on(self._committed())

    def _raise_failure(self) -> None:
        """Raise what went wrong on the committing thread, once."""
        with self._lock:
            failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def _start(self) -> None:
        if self._committer is None and not self._ended.is_set():
            self._committer = threading.Thread(target=self._commit_now_and_then, daemon=True)
            self._committer.start()

    def _commit_now_and_then(self) -> None:
        """Commit what waits; whoever reports next is given what went wrong."""
        while not self._ended.wait(DELAY):
            try:
                if self._waiting:
                    self._journal.flush()
                with self._lock:
                    self._pass_on(self._committed())
            except RunnerError as error:
                with self._lock:
                    self._failed = error
                return

    def _committed(self) -> Iterable[Event]:
        while self._waiting and self._waiting[0][0] <= self._journal.committed:
            yield self._waiting.popleft()[1]

    def _pass_on(self, events: Iterable[Event]) -> None:
        """What keeps a reporter from its work is raised when all have been passed on."""
        failed: RunnerError | None = None
        for event in events:
            try:
                self._emit(event)
            except RunnerError as error:
                failed = failed or error
        if failed is not None:
            raise failed


def as_unknown(events: Iterable[Event], *, run: int) -> Iterable[Event]:
    """The events of writes and rows as the journal has them, which knows the intents of these writes alone."""
    events = list(events)
    lost = [event for event in events if isinstance(event, CallFinished)]
    for event in events:
        if isinstance(event, CallFinished):
            yield event._replace(state="unknown", reason=_why(event))
        elif isinstance(event, RowFinished):
            yield RowFinished(_row_as_unknown(event.result, lost, run=run))


def _row_as_unknown(result: RowResult, lost: list[CallFinished], *, run: int) -> RowResult:
    of_row = [call for call in lost if call.row == result.number]
    if of_row:
        first = of_row[0]
        posted = exact_sum(call.amount or 0 for call in of_row if call.state == "done")
        unsettled = exact_sum((result.unsettled, *(call.amount or 0 for call in of_row)))
        reason = f"{first.step}: {_why(first)}: runner settle {run}"
        unknown = result._replace(bucket="unknown", reason=reason, earlier_run=0, refused_by=None)
        return unknown._replace(money=EXACT.subtract(result.money, posted), unsettled=unsettled)
    shared = any(call.identity is not None and call.identity.per == "once" for call in lost)
    if shared and result.bucket in ("done", "found") and not result.earlier_run:
        return result._replace(bucket="not started", reason=NOT_RECORDED)
    return result


def _is_write(event: Event) -> bool:
    return isinstance(event, CallFinished) and event.operation.effect != "read"


def _why(call: CallFinished) -> str:
    answer = f"answered {call.status}" if call.status else call.reason
    made = f" with id {call.made}" if call.made else ""
    return f"{answer}{made}, which could not be recorded"
