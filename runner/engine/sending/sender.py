"""Sending: one request, journaled before and after, classified, repeated only where that can do no harm.

A dry run never gets here: it stops where a request has been built (call.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from runner.catalogue import (
    Operation,
    Request,
    credentials_in,
    to_json,
    without_credentials,
    without_sent,
)
from runner.engine.calls.mentions import Mentions
from runner.engine.calls.owners import RETURNS_EXISTING, Makers, differing, given_by, made_by
from runner.engine.calls.snapshot import id_of
from runner.engine.context import Connection, Context
from runner.engine.events import CallFinished, Noticed, Waiting
from runner.engine.limits import Hits
from runner.engine.sending.circuit_breaker import FAILURES_IN_A_ROW, PAUSE, Watch, failed
from runner.engine.sending.clearance import STOPPED, Clearance
from runner.engine.sending.outcome import LONGEST_RETRY_AFTER, Outcome, classify
from runner.engine.sending.pages import MAX_PAGES, PageWatch, read_pages
from runner.engine.sending.retry import TRIES, UNASKED_PAUSE, backoff, may_repeat
from runner.journal import CallRecord, CallState, Identity, Journal, content_of, now
from runner.transport import Failure

Check = Callable[[Any], str]
"""What is wrong with the data of a success, or an empty text."""


class Subject(NamedTuple):
    """What a call is for: its identity, and the row it belongs to (number from 1, key).

    `position` is the number of its item from 1 where items are told apart by that, else 0.
    """

    identity: Identity
    row: int
    key: str
    position: int = 0


class Sending:
    """One attempt of a call: its record, whose intent says when it was committed, and its leave to go."""

    clearance: Clearance

    def __init__(self, record: CallRecord) -> None:
        self.record = record


class _Lines:
    """The lines of a row, whose digests are made for its first write, and the keys that have them on record."""

    def __init__(self, digests: Callable[[], Sequence[str]]) -> None:
        self._make = digests
        self._digests: Sequence[str] | None = None
        self._noted: set[tuple[str, str, str]] = set()

    def new_for(self, identity: Identity) -> Sequence[str]:
        """Return the lines, once for each key under which something is sent for the row."""
        name = identity.per, identity.key, identity.step if identity.per == "once" else ""
        if name in self._noted:
            return ()
        self._noted.add(name)
        if self._digests is None:
            self._digests = self._make()
        return self._digests


class Sender:
    """Sends the calls of one run."""

    def __init__(self, context: Context, journal: Journal) -> None:
        self._context, self._journal = context, journal
        self.unknown_payment = ""
        self._lines: dict[int, _Lines] = {}
        self._watch = Watch()
        mentions = Mentions(context.history, context.catalogue, context.account)
        self._makers = Makers(context.history, journal, mentions)
        self._told: set[str] = set()
        limits = {
            api: each.hits_per_day
            for api, each in context.connections.items()
            if each.hits_per_day is not None
        }
        self._hits = Hits(context.account, journal, context.history, limits=limits)

    @contextmanager
    def row(self, number: int, lines: Callable[[], Sequence[str]]) -> Iterator[None]:
        """Put on record that what is sent meanwhile for a row is for these lines of the input, by their digests."""
        self._lines[number] = _Lines(lines)
        try:
            yield
        finally:
            del self._lines[number]

    def write(
        self,
        subject: Subject,
        operation: Operation,
        request: Request,
        *,
        check: Check,
        before: str = "",
    ) -> Outcome:
        """Send a write, at most once. Its intent, with what was there `before`, is on the disk before its first byte.

        After a payment whose outcome is unknown this run sends no other: whatever broke that one may break the next.
        """
        if operation.money and self.unknown_payment:
            return Outcome(
                "not sent",
                f"held back: the outcome of the payment of {self.unknown_payment} is unknown",
            )
        record = self._record(subject, operation, request)._replace(before=before)
        outcome = self._send(record, subject, operation, request, check=check, tries=TRIES)
        if operation.money and outcome.state == "unknown":
            self.unknown_payment = subject.key or "this recipe"
        return outcome

    def read(
        self, subject: Subject, operation: Operation, request: Request, *, tries: int
    ) -> Outcome:
        """Send a read that gives one object, or one page."""
        record = self._record(subject, operation, request)
        return self._send(record, subject, operation, request, check=lambda _: "", tries=tries)

    def items(
        self, subject: Subject, operation: Operation, arguments: Mapping[str, Any], *, tries: int,
        keep: Callable[[Any], bool] = lambda _: True, enough: int | None = None,
    ) -> Outcome:  # fmt: skip
        """All items of a list over its pages that `keep` keeps, as the outcome's value; `enough` of them end it."""
        found: list[Any] = []
        watch = PageWatch(operation, whole=not _begins_later(operation, arguments))
        for page in self.pages(subject, operation, arguments, tries=tries, watch=watch):
            if not page.ok:
                return page
            found.extend(item for item in page.value.items if keep(item))
            if enough is not None and len(found) >= enough:
                break
        if watch.doubt:
            self._context.emit(Noticed(watch.doubt))
        return Outcome("done", value=found, doubt=watch.doubt)

    def note(
        self, subject: Subject, operation: Operation, request: Request, state: CallState, *, value: Any, reason: str,
        since: str = "",
    ) -> None:  # fmt: skip
        """Record a state and an answer that were reached without sending the call itself, `since` when, if not now."""
        made = (
            made_by(operation, request.path, value)
            if operation.effect != "read"
            else given_by(self._context.catalogue, operation, request.path, value)
        )
        record = self._record(subject, operation, request)._replace(made=made)
        answer = to_json(self._kept(operation, value)).decode()
        self._note_lines(record)
        self._journal.note(
            record._replace(state=state, answer=answer, reason=reason, sent_at=since or now())
        )

    def creator(
        self, operation: Operation, request: Request, found: Any, *, doubted: bool
    ) -> CallRecord | None:
        """The call that was answered with what a search finds now: one of this run, or one that is still `doubted`."""
        made = made_by(operation, request.path, found)
        account, run = self._context.account, self._context.run
        other = self._makers.creator(account, operation, made) if made else None
        if other is None or other.run == run or (doubted and self._makers.is_doubted(other)):
            return other
        return None

    def tell_once(self, text: str) -> None:
        """Notice something that holds for many rows, once in a run."""
        if text not in self._told:
            self._told.add(text)
            self._context.emit(Noticed(text))

    def adopt(self, prior: CallRecord, operation: Operation, item: Any, *, reason: str) -> str:
        """Record an object as what a call has made that was sent before, or say why it cannot be that.

        The call stays one of the run and row that sent it.
        """
        made = made_by(operation, prior.url, item)
        wrong = differing(operation, prior, item) if operation.effect == "create" else ""
        wrong = wrong or self._makers.doubt(
            operation, prior._replace(made=made, state="unknown"), item
        )
        if not wrong:
            answer = to_json(self._kept(operation, item)).decode()
            done = prior._replace(state="done", answer=answer, made=made)
            self._journal.note(done._replace(reason=reason, concluded=self._context.run))
        return wrong

    def read_earlier(self) -> None:
        """Record what creates have made of which an earlier version has recorded the answer alone."""
        context = self._context
        self._makers.read_earlier(context.account, context.catalogue, context.connections)

    def pages(
        self, subject: Subject, operation: Operation, arguments: Mapping[str, Any], *, tries: int, watch: PageWatch,
        most: int = MAX_PAGES,
    ) -> Iterator[Outcome]:  # fmt: skip
        """The pages of a list, each a done outcome with a Page; at most one that is not done, which is the last."""

        def ask(following: Mapping[str, Any]) -> Outcome:
            return self.read(
                subject, operation, self._context.request(operation, following), tries=tries
            )

        return read_pages(operation, arguments, ask, watch=watch, most=most)

    def _send(
        self,
        record: CallRecord,
        subject: Subject,
        operation: Operation,
        request: Request,
        *,
        check: Check,
        tries: int,
    ) -> Outcome:
        connection = self._context.connections[operation.api]
        last, unknown = Outcome("not sent", STOPPED), None
        expired = 0
        for attempt in itertools.count(1):
            self._watch.wait(self._context.stop)
            self._wait_for_turn(connection)
            self._watch.wait(self._context.stop)
            if self._context.stop.requested or not self._may_hit(operation):
                break
            sent_in = self._watch.round
            sending = self._sending(record, operation, attempt)
            last = self._attempt(sending, operation, request, check=check, before=unknown)
            unknown = last if last.state == "unknown" else unknown
            self._tell(subject, operation, request, last, attempt)
            if sending.clearance.expired:  # says nothing about the API, which has seen nothing
                expired += 1
                if self._context.budget.take():
                    continue
                break
            self._keep_watch(operation, request, last, sent_in)
            if (
                not may_repeat(operation, last, attempt=attempt - expired, tries=tries)
                or not self._context.budget.take()
            ):
                break
            self._pause(connection, last, attempt - expired)
        return _honest(last, unknown)

    def _sending(self, record: CallRecord, operation: Operation, attempt: int) -> Sending:
        """One attempt of a call, with the leave that it needs before its first byte."""
        sending = Sending(record._replace(state="intent", attempts=attempt, sent_at=now()))

        def commit() -> None:
            if operation.effect != "read":
                sending.record = sending.record._replace(sent_at=now())
                self._note_lines(sending.record)
                self._journal.intend(sending.record)

        pace = self._context.connections[operation.api].pace
        sending.clearance = Clearance(commit, pace=pace, stop=self._context.stop)
        return sending

    def _note_lines(self, record: CallRecord) -> None:
        lines = self._lines.get(record.row) if record.effect != "read" else None
        if lines is not None:
            self._journal.note_lines(record, lines.new_for(record.identity))

    def _attempt(
        self, sending: Sending, operation: Operation, request: Request, *, check: Check, before: Outcome | None
    ) -> Outcome:  # fmt: skip
        transport = self._context.connections[operation.api].transport
        assert transport is not None  # noqa: S101 - a run always has one
        prepared = transport.prepare(request)
        writes = operation.effect != "read"
        if (
            not writes or transport.secure
        ):  # what was queued does not wait for an answer or a handshake
            self._journal.flush()
        self._context.budget.count()
        exchange = transport.send(
            prepared, write=writes, money=bool(operation.money), clearance=sending.clearance
        )
        outcome = classify(operation, exchange, mask=self._context.mask)
        for each in credentials_in(operation, outcome.value) if outcome.ok else ():
            self._context.mask.learn(each)
        if isinstance(exchange, Failure) and exchange.untrusted:
            self._context.stop.ask(
                exchange.reason, exit_code=7, remedy="ask whoever runs that host"
            )
        made = made_by(operation, request.path, outcome.value) if outcome.ok else ""
        record = sending.record._replace(made=made)
        if outcome.ok:
            wrong = check(outcome.value) or self._doubt(operation, record, outcome.value)
            if wrong:
                reason = self._context.mask.text(f"{outcome.status}, but {wrong}")
                outcome = outcome._replace(state="unknown", reason=reason)
        kept = self._kept(operation, outcome.value) if outcome.ok and writes else None
        answer = "" if kept is None else to_json(kept).decode()
        known = _honest(outcome, before)
        record = record._replace(
            state=known.state, status=known.status, reason=known.reason, answer=answer,
            made=made if outcome.ok else "",
        )  # fmt: skip
        self._journal.record(record, at=record.sent_at, seconds=outcome.seconds)
        return outcome

    def _kept(self, operation: Operation, answer: Any) -> Any:
        """What is stored of an answer: all but its credentials, and what it repeats of others."""
        return self._context.mask.tree(without_credentials(operation, answer))

    def _record(self, subject: Subject, operation: Operation, request: Request) -> CallRecord:
        """The record of a call as it is stored: its digest is that of what is sent, its text has no credentials."""
        record, mask = _record(subject, operation, request, self._context.run), self._context.mask
        kept = without_sent(operation, request.body)
        body = record.body if kept is request.body else replace(request, body=kept).text or ""
        return record._replace(url=mask.text(record.url), body=mask.text(body))

    def _doubt(self, operation: Operation, record: CallRecord, answer: Any) -> str:
        wrong = self._makers.doubt(operation, record, answer)
        if wrong:
            self.tell_once(RETURNS_EXISTING.format(operation.full_name))
        return wrong

    def _tell(
        self, subject: Subject, operation: Operation, request: Request, outcome: Outcome, attempt: int
    ) -> None:  # fmt: skip
        amount = request.amount if isinstance(request.amount, Decimal) else None
        path = self._context.mask.text(request.path)
        self._context.emit(
            CallFinished(subject.identity.step, operation, outcome.state, outcome.status, outcome.seconds, amount,
                         outcome.reason, subject.key, subject.row, subject.identity, path, attempt,
                         _made(operation, outcome), str(subject.position or subject.identity.item))
        )  # fmt: skip

    def _wait_for_turn(self, connection: Connection) -> None:
        pace, stop = connection.pace, self._context.stop
        seconds = pace.reserve() if pace is not None else 0.0
        while pace is not None and seconds > 0 and not stop.requested:
            self._journal.flush()
            stop.wait(seconds)
            seconds = pace.reserve() if pace.held else 0.0

    def _pause(self, connection: Connection, outcome: Outcome, attempt: int) -> None:
        """Hold back before another attempt; a throttled account holds back as a whole."""
        seconds = backoff(attempt)
        if outcome.state == "throttled":
            seconds = UNASKED_PAUSE if outcome.retry_after is None else outcome.retry_after
            if seconds > LONGEST_RETRY_AFTER:
                reason = (
                    f"the API asks to wait {seconds:.0f} s"
                    if seconds < 10**6
                    else "the API asks to wait for days"
                )
                self._context.stop.ask(
                    reason, exit_code=8, remedy=f"go on later: {self._context.stop.resume}"
                )
                return
            if connection.pace is not None:
                connection.pace.slow_down(seconds)
        self._journal.flush()
        if seconds >= 1:
            self._context.emit(Waiting(outcome.reason, seconds))
        self._context.stop.wait(seconds)

    def _may_hit(self, operation: Operation) -> bool:
        """Count a request; where the day has none left, the run stops before it."""
        reason, when = self._hits.take(operation.api)
        if reason:
            remedy = f"{when}: {self._context.stop.resume}"
            self._context.stop.ask(reason, exit_code=8, remedy=remedy)
        return not reason

    def _keep_watch(
        self, operation: Operation, request: Request, outcome: Outcome, sent_in: int
    ) -> None:
        """Stop the run on refused credentials, and when the API fails again and again."""
        self._stop_if_denied(operation, outcome)
        if not self._watch.note(operation, request, outcome, sent_in=sent_in):
            return
        answered = False
        try:
            reason = f"{FAILURES_IN_A_ROW} requests in a row failed, the last one: {outcome.reason}"
            spent = self._watch.has_had_a_chance
            tried = (
                "a read was answered in between" if spent else self._try_a_read(reason, operation)
            )
            answered = not tried
            if tried:
                remedy = f"go on when the API answers again: {self._context.stop.resume}"
                self._context.stop.ask(f"{reason}; {tried}", exit_code=8, remedy=remedy)
        finally:
            self._watch.release(answered=answered)

    def _stop_if_denied(self, operation: Operation, outcome: Outcome) -> None:
        if outcome.state == "denied":
            remedy = (
                f"check the key of {operation.api} and its read and write permissions, then: "
                f"{self._context.stop.resume}"
            )
            self._context.stop.ask(
                f"the API refused the credentials: {outcome.reason}", exit_code=7, remedy=remedy
            )

    def _try_a_read(self, reason: str, operation: Operation) -> str:
        """Whether the API answers one read, while all workers are held; if not, in words."""
        context = self._context
        read, request = next(self._watch.reads(operation.api, context), (None, None))
        if read is None or request is None:
            return "there is no read to try"
        context.emit(
            Waiting(f"{reason}; then one read shows whether {operation.api} answers", PAUSE)
        )
        self._journal.flush()
        context.stop.wait(PAUSE)
        self._wait_for_turn(context.connections[read.api])
        if context.stop.requested or not self._may_hit(read):
            return "it was not tried again"
        identity = Identity(context.account, context.recipe.name, "once", "probes", read.name, "")
        record = self._record(Subject(identity, 0, ""), read, request)
        sending = self._sending(record, read, 1)
        outcome = self._attempt(sending, read, request, check=lambda _: "", before=None)
        self._stop_if_denied(read, outcome)
        return f"a read failed too: {outcome.reason}" if failed(outcome) else ""


def _made(operation: Operation, outcome: Outcome) -> str:
    return id_of(operation, outcome.value) if outcome.ok and operation.effect != "read" else ""


def _begins_later(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether the step itself says at which page or place of the list to begin."""
    paging = operation.pagination
    return paging is not None and any(
        arguments.get(name) is not None for name in (paging.page, paging.offset) if name
    )


def _honest(outcome: Outcome, before: Outcome | None) -> Outcome:
    """What is known after an attempt: that an earlier one may have landed, nothing but a success changes."""
    return outcome if before is None or outcome.ok else before


def _record(subject: Subject, operation: Operation, request: Request, run: int) -> CallRecord:
    content = request.content()
    body = content.decode() if content is not None else ""
    value = content_of(request.method, request.path, body) if operation.effect != "read" else ""
    return CallRecord(
        subject.identity, operation.full_name, operation.effect, run, "intent", request.method, request.path,
        request.digest(), body,
        str(request.amount) if isinstance(request.amount, Decimal) else "", row=subject.row,
        content=value, position=subject.position,
    )  # fmt: skip
