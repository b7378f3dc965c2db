"""One call of a step: rendered, built, looked up in the journal, and then sent. The dry run stops before the send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from runner.catalogue import ArgumentError, Request, first_arguments, parse_json
from runner.engine.before import id_of
from runner.engine.changed import difference
from runner.engine.context import Context
from runner.engine.events import PlannedCall, PlannedState
from runner.engine.looking import Looker, may_look
from runner.engine.outcome import Outcome
from runner.engine.read_back import READ_BACK, BackReading, back_request, settles
from runner.engine.reading import Reading, failed, words
from runner.engine.reconcile import Finding, look_for, may_send_again, not_before
from runner.engine.send import STOPPED, Sender, Subject
from runner.engine.use import Progress, Use
from runner.journal import CallRecord
from runner.journal.records import OPEN, SETTLED
from runner.recipe.model import Search, Step
from runner.template import EvaluationError, Expression, Undecided, Unknown, render


class Caller:
    """Makes the calls of one row. Without a sender it plans them."""

    def __init__(
        self, context: Context, progress: Progress, sender: Sender | None, *, looker: Looker | None = None
    ) -> None:
        self._context, self._progress, self._sender = context, progress, sender
        self._looking = looker.reading if looker is not None else None
        self._reading = Reading(context, sender) if sender is not None else None
        self._back = BackReading(context, sender) if sender is not None else None

    def call(self, use: Use) -> Outcome:
        """Make or plan one call; what it gives is the outcome's value."""
        try:
            arguments = render(use.step.arguments, use.scope)
            request = self._context.request(use.operation, first_arguments(use.operation, arguments))
            use = replace(use, arguments=arguments)
        except (EvaluationError, ArgumentError) as error:
            self.plan(use.step, "invalid", reason=words(error), position=use.position)
            return Outcome("rejected", words(error))
        if use.operation.effect == "read":
            return self._read(use, arguments, request)
        prior = self._before(use)
        if prior is not None and prior.state in (*SETTLED, *OPEN):
            outcome = self._done_before(use, request, prior)
        else:
            outcome = self._write(use, request) if self._sender is not None else self._plan_write(use, request)
        if outcome.state != "done" or not use.step.verify or self._back is None:
            return outcome
        return self._back.verify(use, request, outcome, self._subject(use), self._before(use, READ_BACK))

    def plan(
        self, step: Step, state: PlannedState, *, request: Request | None = None, reason: str = "",
        position: int | None = None, unless_found: Request | None = None, run: int = 0,
        read_back: Request | None = None,
    ) -> None:  # fmt: skip
        """Note what a dry run says of a call. A run says it with events."""
        if self._sender is None:
            operation = self._context.operation(step.operation)
            planned = PlannedCall(step.id, operation, state, request, position, reason, unless_found, run, read_back)
            self._progress.planned.append(planned)

    def _subject(self, use: Use) -> Subject:
        return Subject(use.identity, self._progress.row.number, self._progress.row.key)

    def _before(self, use: Use, part: str = "") -> CallRecord | None:
        """What the journal knows of a call, or of a `part` of it, under the step's name or the one it had before."""
        known = self._progress.prior
        if use.identity.per == "once":
            context = self._context
            known = context.history.calls_of(context.account, context.recipe.name, per="once", key=use.identity.key)
        found = known.get((use.step.id + part, use.identity.item))
        return found or known.get((use.step.was + part, use.identity.item)) if use.step.was else found

    def _earlier(self, use: Use) -> frozenset[str]:
        """The ids of what a call has made before, where it is sent again all the same."""
        if not use.identity.generation:
            return frozenset()
        made = self._context.history.earlier(use.identity, was=use.step.was)
        return frozenset(id_of(use.operation, parse_json(call.answer.encode())) for call in made if call.answer)

    def _read(self, use: Use, arguments: Mapping[str, Any], request: Request) -> Outcome:
        if self._reading is None:
            if (outcome := self._look(use, arguments, request)) is not None:
                return outcome
            self.plan(use.step, "to read", request=request, position=use.position)
            return Outcome("done", value=None if use.step.expect == "none" else Unknown(_name(use)))
        prior = self._before(use)
        if prior is not None and prior.answer and self._progress.has_written and prior.digest == request.digest():
            return Outcome("done", value=parse_json(prior.answer.encode()))
        return self._reading.step(use.step, self._subject(use), use.scope, arguments, request)

    def _plan_write(self, use: Use, request: Request) -> Outcome:
        """Where the dry run stops: the request is there and is not sent."""
        search = use.step.unless_found
        looked_up = None
        if search is not None:
            try:
                operation = self._context.operation(search.operation)
                arguments = first_arguments(operation, render(search.arguments, use.scope))
                looked_up = self._context.request(operation, arguments)
            except (EvaluationError, ArgumentError) as error:
                reason = f"unless_found: {words(error)}"
                self.plan(use.step, "invalid", reason=reason, position=use.position)
                return Outcome("rejected", reason)
            if (outcome := self._look_for(use, search, request, looked_up)) is not None:
                return outcome
        state: PlannedState = "undecided" if use.undecided else "to send"
        reason = use.undecided
        again = self._context.again.get(self._progress.row.key)
        if again is not None and use.identity.generation and not use.undecided:
            reason = f"sent again: {again.why}"
        self.plan(
            use.step, state, request=request, reason=reason, position=use.position, unless_found=looked_up,
            read_back=back_request(self._context, use, Unknown(_name(use)))[1] if use.step.verify else None,
        )  # fmt: skip
        return Outcome("done", value=Unknown(_name(use)))

    def _look(self, use: Use, arguments: Mapping[str, Any], request: Request) -> Outcome | None:
        """What a read gives while it is planned; None where it cannot be made yet."""
        if self._looking is None or use.undecided or not request.known or not may_look(use.operation):
            return None
        try:
            outcome = self._looking.step(use.step, self._subject(use), use.scope, arguments, request)
        except Undecided:
            return None
        if not outcome.ok and outcome.state != "rejected":
            return None
        state: PlannedState = "read" if outcome.ok else "invalid"
        self.plan(use.step, state, request=request, reason=outcome.reason, position=use.position)
        return outcome

    def _look_for(self, use: Use, search: Search, request: Request, looked_up: Request) -> Outcome | None:
        """What makes a write needless while it is planned; None where it is to be sent, or that is not known yet."""
        operation = self._context.operation(search.operation)
        if self._looking is None or use.undecided or not looked_up.known or not may_look(operation):
            return None
        try:
            outcome, _ = self._looking.find(
                use.step, search, self._subject(use), use.scope, operation=use.operation, besides=self._earlier(use)
            )
        except Undecided:
            return None
        if not outcome.ok:
            if outcome.state != "rejected":
                return None
            self.plan(use.step, "invalid", reason=outcome.reason, position=use.position)
            return outcome
        if not outcome.value:
            return None
        reason = "found while it was planned"
        self.plan(use.step, "found", request=request, reason=reason, position=use.position, unless_found=looked_up)
        self._progress.writes.append(("found", self._context.run))
        return Outcome("found", value=outcome.value[0])

    def _write(self, use: Use, request: Request) -> Outcome:
        assert self._sender is not None and self._reading is not None  # noqa: S101 - a dry run stops before
        subject, before = self._subject(use), None
        if use.step.unless_found is not None:
            search = use.step.unless_found
            ours = self._earlier(use)
            outcome, before = self._reading.find(
                use.step, search, subject, use.scope, operation=use.operation, besides=ours
            )  # fmt: skip
            if not outcome.ok:
                return outcome
            if outcome.value:
                reason = "found before it was sent"
                self._sender.note(subject, use.operation, request, "found", value=outcome.value[0], reason=reason)
                self._progress.writes.append(("found", self._context.run))
                return Outcome("found", value=outcome.value[0])

        return self._send(use, request, subject, before.text() if before is not None else "")

    def _send(self, use: Use, request: Request, subject: Subject, before: str) -> Outcome:
        """Send a write; `before` is what its intent says of what was there."""
        assert self._sender is not None  # noqa: S101 - a dry run stops before

        def check(value: Any) -> str:
            return failed(use.step.expect, value, use.scope) if isinstance(use.step.expect, Expression) else ""

        outcome = self._sender.write(subject, use.operation, request, check=check, before=before)
        if outcome.ok:
            self._count(request, run=self._context.run)
        elif outcome.state == "unknown":
            if settles(use.operation) and not self._context.stop.requested:
                return self._reconcile(use, request, self._recorded(subject))
            why = f"{outcome.reason}; it may have been carried out and is not sent again"
            return replace(outcome, reason=f"{why}: runner settle {self._context.run}")
        return outcome

    def _recorded(self, subject: Subject) -> CallRecord:
        """A call that was sent just now, as the journal has it."""
        journal, known = self._context.journal, subject.identity
        assert journal is not None  # noqa: S101 - a dry run sends nothing
        journal.flush()
        calls = self._context.history.calls_of(
            known.account, known.recipe, per=known.per, key=known.key, generation=known.generation
        )  # fmt: skip
        return calls[known.step, known.item]

    def _count(self, request: Request, *, run: int) -> None:
        self._progress.writes.append(("done", run))
        if isinstance(request.amount, Decimal):
            self._progress.money += request.amount

    def _done_before(self, use: Use, request: Request, prior: CallRecord) -> Outcome:
        """A call that an earlier run, or this one before it was resumed, has sent or may have sent."""
        same = not request.known or prior.digest == request.digest()
        if prior.identity.per == "row" and prior.state != "found" and not same:
            past = "done" if prior.state == "done" else "sent"
            reason = f"changed since it was {past} in run {prior.run}, and not sent again: {difference(prior, request)}"
            self.plan(use.step, "changed", request=request, reason=reason, position=use.position, run=prior.run)
            return Outcome("unknown" if prior.state in OPEN else "rejected", reason)
        if prior.state in OPEN:
            if self._sender is not None:
                return self._reconcile(use, request, prior)
            reason = f"its outcome in run {prior.run} is not known: runner settle {prior.run}"
            self.plan(use.step, "unknown", request=request, reason=reason, position=use.position, run=prior.run)
            return Outcome("unknown", reason)
        state: PlannedState = "done" if prior.state == "done" else "found"
        self.plan(use.step, state, request=request, position=use.position, run=prior.run)
        if prior.state == "done":
            self._count(request, run=prior.run)
        else:
            self._progress.writes.append(("found", prior.run))
        value = parse_json(prior.answer.encode()) if prior.answer else None
        return Outcome(prior.state, status=prior.status, value=value)

    def _reconcile(self, use: Use, request: Request, prior: CallRecord) -> Outcome:
        """A call whose outcome is unknown: adopted when a search says which object it made.

        It is sent again only where the recipe says so, no money moves, and what it may have made has had time to show.
        """
        assert self._sender is not None  # noqa: S101 - a dry run stops before
        subject = replace(self._subject(use), identity=prior.identity)
        found = self._look_again(use, request, prior, subject)
        if found.item is not None:
            reason = f"its outcome in run {prior.run} was unknown; {found.how}"
            self._sender.conclude(prior, "done", row=subject.row, value=found.item, reason=reason)
            self._progress.adopted.add((prior.identity.step, prior.identity.item))
            self._count(request, run=self._context.run)
            return Outcome("done", value=found.item)
        later = ""
        if found.absent and may_send_again(use.step, use.operation):
            later = not_before(use.step, prior, now=dt.datetime.now(dt.UTC))
            if not later:
                outcome = self._send(use, request, subject, found.before)
                if outcome.reason != STOPPED:  # else nothing has changed: it is as unknown as it was
                    self._progress.adopted.add((prior.identity.step, prior.identity.item))
                return outcome
        why = prior.reason or "no outcome was recorded"
        self._sender.conclude(prior, "unknown", row=subject.row, value=None, reason=why)
        searched = "; ".join(["", *filter(None, (found.reason, later))])
        reason = f"it may have been carried out in run {prior.run} ({why}){searched}"
        return Outcome("unknown", f"{reason}; look it up and say what you find: runner settle {self._context.run}")

    def _look_again(self, use: Use, request: Request, prior: CallRecord, subject: Subject) -> Finding:
        """What is there of a call whose outcome is unknown: an update is read back, what else there is looked for."""
        assert self._reading is not None and self._back is not None  # noqa: S101 - a dry run stops before
        found = Finding()
        if settles(use.operation):
            found = self._back.settle(use, request, prior, subject)
        if found.item is not None or use.step.unless_found is None:
            return found
        earlier = self._earlier(use)
        return look_for(self._reading, use.step, use.operation, prior, subject, use.scope, besides=earlier)


def _name(use: Use) -> str:
    return use.step.id if use.position is None else f"{use.step.id}[{use.position}]"
