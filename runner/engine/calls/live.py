"""One call of a step: rendered, built, looked up in the journal, and then sent. The dry run stops before the send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from runner.catalogue import (
    ArgumentError,
    Request,
    amount_defect,
    first_arguments,
    of_answer,
    of_entry,
    parse_json,
)
from runner.engine.calls.diff import difference, literal, unlike
from runner.engine.calls.equality import (
    Difference,
    body_differences,
    differences,
    is_another,
    is_named_by,
    numbers_in_texts,
)
from runner.engine.calls.expected import failed, hopeless
from runner.engine.calls.owners import RETURNS_EXISTING, said_maker, sent_by
from runner.engine.calls.planned import Planning, awaited
from runner.engine.calls.poll import span
from runner.engine.calls.read_back import READ_BACK, settles
from runner.engine.calls.reads import words
from runner.engine.calls.reconcile import Finding, look_for, may_send_again, not_before
from runner.engine.calls.searches import Outcomes, filters, fits, name_of, told_apart
from runner.engine.calls.snapshot import Before, id_of
from runner.engine.calls.upsert import (
    Change,
    another,
    change_of,
    identity_of,
    last_update,
    update_use,
)
from runner.engine.context import Use
from runner.engine.events import PlannedState
from runner.engine.once_per import Claim
from runner.engine.row_scope import name_values
from runner.engine.sending.clearance import STOPPED
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Subject
from runner.exact import exact_sum
from runner.journal import CallRecord, Identity
from runner.journal.records import OPEN, SETTLED
from runner.template import EvaluationError, Expression, Undecided, Unknown


class Caller(Planning):
    """Makes the calls of one row. Without a sender it plans them."""

    def call(self, use: Use) -> Outcome:
        """Make or plan one call; what it gives is the outcome's value."""
        operation, search = use.operation, use.step.unless_found
        try:
            use.arguments = (
                filters(self._context, use.step, use.scope)
                if use.step.single
                else self._context.render(use.step.arguments, use.scope)
            )
            request = self._context.request(operation, first_arguments(operation, use.arguments))
        except (EvaluationError, ArgumentError) as error:
            done = self._done_without_lookups(use, words(error))
            if done is None:
                self.plan(use.step, "invalid", reason=words(error), position=use.position)
            return done or Outcome("rejected", words(error))
        if operation.effect == "read":
            if defect := _hopeless(use):
                self.plan(use.step, "invalid", reason=defect, position=use.position)
                return Outcome("rejected", defect)
            return self._read(use, request)
        use.body = request.body
        prior = self._before(use)
        is_new = (prior is None or prior.state not in (*SETTLED, *OPEN)) and not use.undecided
        if is_new and (defect := _amount_defect(use, request) or _hopeless(use)):
            self.plan(use.step, "invalid", reason=defect, position=use.position)
            return Outcome("rejected", defect)
        with self._alone(use, prior):
            if search is not None and search.update is not None:
                return self._in_step(use, request, prior)
            if prior is not None and prior.state in (*SETTLED, *OPEN):
                outcome = self._done_before(use, request, prior)
            elif self._sender is None:
                return self._plan_write(use, request)
            else:
                outcome = self._write(use, request)
            return self._verified(use, request, outcome)

    def _done_without_lookups(self, use: Use, why: str) -> Outcome | None:
        """A write that is done, and whose request cannot be built now since a lookup no longer has a name.

        None where that is not so. Nothing is sent, so nothing need be looked up; but it cannot be compared either.
        """
        prior, search = self._before(use), use.step.unless_found
        lookups = {each.name: Unknown(each.name) for each in self._context.recipe.lookups}
        updates = search is not None and search.update is not None
        if prior is None or prior.effect == "read" or prior.state not in SETTLED or updates:
            return None
        scope = {**use.scope, **lookups}
        name_values(scope, self._context.recipe.let)
        name_values(scope, use.step.let)
        try:
            arguments = self._context.render(use.step.arguments, scope)
            arguments = first_arguments(use.operation, arguments)
            request = self._context.request(use.operation, arguments)
        except (EvaluationError, ArgumentError):
            return None
        self._progress.remarks.append(f"{use.step.id} was not compared with what was sent: {why}")
        return self._done_before(use, request, prior)

    @contextmanager
    def _alone(self, use: Use, prior: CallRecord | None) -> Iterator[None]:
        """Hold the search of a step from before it is made until what it guards has its outcome."""
        search, journal = use.step.unless_found, self._context.journal
        settled = prior is not None and prior.state in SETTLED
        if search is None or journal is None or (settled and search.update is None):
            yield
            return
        try:
            arguments = filters(self._context, search, use.scope)
            use.search = name_of(use.step, search, arguments, use.scope)
        except EvaluationError:  # as the search itself is going to say
            yield
            return
        with self._context.searches.alone(use.search, waiting=journal.flush):
            yield

    def _find(self, use: Use) -> tuple[Outcome, Before | None]:
        """What is there of what a step creates: as its search says, or as this run has created it just now."""
        assert self._reading is not None and use.step.unless_found is not None  # noqa: S101 - the callers' condition
        search, scope = use.step.unless_found, use.scope
        outcome, before = self._reading.find(
            use.step, search, self._subject(use), scope, operation=use.operation, besides=self._earlier(use)
        )  # fmt: skip
        known = self._context.searches.known(use.search)
        if not outcome.ok or outcome.value or known is None:
            return outcome, before
        if known.value is None:
            reason = f"held back: the outcome of what {known.key} creates after the same search is unknown"
            return Outcome("not sent", reason), before
        return outcome._replace(value=[known.value]), before

    def _created(self, use: Use, request: Request, outcome: Outcome) -> None:
        """Note what came of a create, for who makes the same search next."""
        search = use.step.unless_found
        if search is None or not use.search or use.operation.effect != "create":
            return
        key, searches = self._progress.row.key, self._context.searches
        if outcome.state == "unknown":
            searches.note(use.search, Outcomes(key, None))
        elif outcome.state == "done":
            arguments = filters(self._context, search, use.scope)
            if fits(search, arguments, request, outcome.value, use.scope):
                searches.note(use.search, Outcomes(key, outcome.value))

    def _verified(self, use: Use, request: Request, outcome: Outcome) -> Outcome:
        """The outcome of a write, read back where the step wants that."""
        if (
            outcome.state != "done"
            or not use.step.verify
            or self._back is None
            or self._sender is None
        ):
            return outcome
        return self._back.verify(
            use, request, outcome, self._subject(use), self._before(use, READ_BACK)
        )

    def _in_step(self, use: Use, request: Request, prior: CallRecord | None) -> Outcome:
        """A step whose object is kept in step: searched for in every run, and never created twice."""
        if prior is not None and (
            prior.state in OPEN or (prior.state in SETTLED and prior.run == self._context.run)
        ):
            return self._verified(use, request, self._done_before(use, request, prior))
        if self._sender is None or self._reading is None:
            return self._plan_in_step(use, request, prior)
        subject = self._subject(use)
        outcome, before = self._find(use)
        if not outcome.ok:
            return outcome
        if outcome.value:
            return self._kept(use, request, outcome.value[0], prior)
        if prior is not None and prior.state in SETTLED:
            was = "made" if prior.state == "done" else "found"
            reason = f"it was {was} in run {prior.run}, and the search does not find it now; it is not made again"
            return Outcome("rejected", reason)
        if (repeated := self._repeated(use, request)) is not None:
            return repeated
        return self._verified(use, request, self._send(use, request, subject, before))

    def _kept(self, use: Use, request: Request, found: Any, prior: CallRecord | None) -> Outcome:
        """What was found, with its update sent where something differs: at most once in a run."""
        made = (
            parse_json(prior.answer.encode())
            if prior is not None and prior.state == "done" and prior.answer
            else {}
        )
        other = another(use.operation, made, found)
        if other:
            return Outcome("rejected", f"{other}, which it made before; nothing is changed")
        known = prior is not None and prior.state in SETTLED
        if not known and (apart := self._created_apart(use, request, found)) is not None:
            return apart
        try:
            update = update_use(self._context, use, found)
            updated = self._update(update, found)
        except (EvaluationError, ArgumentError) as error:
            return Outcome("rejected", f"update: {words(error)}")
        if not updated.ok:
            return updated._replace(reason=f"update: {updated.reason}")
        changed = updated.value is not found
        assert self._sender is not None  # noqa: S101 - a dry run plans
        if prior is not None and prior.state == "done":
            if not changed:
                self._progress.writes.append(("done", prior.run))
            return Outcome("done", value=updated.value)
        reason = "found, and updated" if changed else "found, and nothing differs"
        self._sender.note(
            self._subject(use), use.operation, request, "found", value=updated.value, reason=reason,
            since=prior.sent_at if prior is not None and prior.state == "found" else "",
        )  # fmt: skip
        if not changed:
            self._progress.writes.append(("found", self._context.run))
        return Outcome("found", value=updated.value)

    def _update(self, update: Use, found: Any) -> Outcome:
        """Send an update if something differs; its value is the object with it, `found` itself where nothing did.

        An update of before whose outcome is unknown is read back first, and the row waits until it is known.
        """
        assert self._back is not None  # noqa: S101 - a dry run plans
        there, known, subject = found, self._last_update(update), self._subject(update)
        this_run = known is not None and known.run == self._context.run
        if this_run and known is not None and known.state in SETTLED:
            self._progress.writes.append(("done", known.run))
        settled = known is not None and known.state in OPEN
        if settled and known is not None:
            outcome = self._reconcile(
                update, self._context.request(update.operation, update.arguments), known
            )
            if not outcome.ok:
                return outcome
            there = {**found, **outcome.value}  # read just now: another read may lag behind it
        changed = change_of(self._context, update, there, self._back, subject)
        if not changed.ok or changed.value is None:
            return changed._replace(value=found) if changed.ok else changed
        change: Change = changed.value
        subject = subject._replace(identity=identity_of(update, known, run=self._context.run))
        if this_run and known is not None and (settled or known.state in SETTLED):
            return Outcome("done", value=change.after)
        outcome = self._send(change.use, change.request, subject)
        outcome = self._verified(change.use, change.request, outcome)
        return outcome._replace(value=change.after) if outcome.ok else outcome

    def _last_update(self, update: Use) -> CallRecord | None:
        return last_update(update, self._known(update))

    def _read(self, use: Use, request: Request) -> Outcome:
        if self._reading is None:
            if (outcome := self._look(use, request)) is not None:
                return outcome
            poll = use.step.poll
            again = (
                f"until {poll.until.text}, every {span(poll.every)}, within {span(poll.within)}"
                if poll
                else ""
            )
            self.plan(use.step, "to read", request=request, reason=again, position=use.position)
            return (
                Outcome("done")
                if use.step.expect == "none" and not use.step.once
                else awaited(use.step.id, use.position)
            )
        if (prior := self._remembered(use, request)) is not None:
            return Outcome("done", value=parse_json(prior.answer.encode()))
        return self._reading.step(use.step, self._subject(use), use.scope, use.arguments, request)

    def _remembered(self, use: Use, request: Request) -> CallRecord | None:
        """The same read of an earlier attempt at this row, whose answer its writes were made of.

        What rows share is read by each run: which of them asks first must not decide how old an answer is.
        """
        prior = self._before(use)
        if prior is None or not prior.answer or self._changed(use, request, prior):
            return None
        if use.identity.per == "once":
            return prior if prior.run == self._context.run else None
        return prior if self._progress.has_written else None

    def _write(self, use: Use, request: Request) -> Outcome:
        assert self._sender is not None and self._reading is not None  # noqa: S101 - a dry run stops before
        subject, before = self._subject(use), None
        if (refused := self._under_found(use, request)) is not None:
            return refused
        if use.step.unless_found is not None:
            outcome, before = self._find(use)
            if not outcome.ok:
                return outcome
            if outcome.value:
                return self._adopt(use, request, outcome.value[0])
        if (repeated := self._repeated(use, request)) is not None:
            return repeated
        return self._send(use, request, subject, before)

    def _adopt(self, use: Use, request: Request, found: Any) -> Outcome:
        """Take what a search has found for what a step is to create, unless a row of this run says what else it is."""
        assert self._sender is not None  # noqa: S101 - a dry run stops before
        subject, reason = self._subject(use), "found before it was sent"
        self._sender.note(subject, use.operation, request, "found", value=found, reason=reason)
        if (apart := self._created_apart(use, request, found)) is not None:
            return apart
        if wrong := self._not_this_payment(use, request, found):
            self._sender.note(subject, use.operation, request, "rejected", value=None, reason=wrong)
            return Outcome("rejected", wrong)
        self._progress.writes.append(("found", self._context.run))
        return Outcome("found", value=found)

    def _created_apart(self, use: Use, request: Request, found: Any) -> Outcome | None:
        """Refuse what a search finds where a create was answered with it that was sent as what it does not find.

        That was in this run, or in an earlier one that has put the doubt on record, as this one does.
        """
        search, operation = use.step.unless_found, use.operation
        assert self._sender is not None and search is not None  # noqa: S101 - the callers' condition
        again = self._progress.row.key in self._context.again
        other = self._sender.creator(operation, request, found, doubted=not again)
        if other is None or (
            other.identity.per == "row" and other.identity.key in self._progress.keys
        ):
            return None
        listing = self._context.catalogue.operation(search.operation)
        arguments = filters(self._context, search, use.scope)
        sent, item = sent_by(operation, other), of_entry(listing, found)
        apart = told_apart(search, arguments, sent, item, use.scope, unlike=unlike(operation))
        if not apart:
            return None
        reason = (
            f"unless_found: {said_maker(id_of(operation, found), other)} with {apart}: see which of the two it is, and "
            "correct it there; nothing of this row was added to it"
        )
        self._sender.note(
            self._subject(use), operation, request, "rejected", value=found, reason=reason
        )
        return Outcome("rejected", reason)

    def _send(
        self, use: Use, request: Request, subject: Subject, before: Before | None = None
    ) -> Outcome:
        """Send a write; `before` is what was there, as its intent says."""
        assert self._sender is not None  # noqa: S101 - a dry run stops before

        def check(value: Any) -> str:
            if before is not None and (wrong := self._listed_before(use, before, value)):
                return wrong
            return (
                failed(use.step.expect, of_answer(use.operation, value), use.scope)
                if isinstance(use.step.expect, Expression)
                else ""
            )

        outcome = self._sender.write(
            subject, use.operation, request, check=check, before=before.text() if before is not None else "",
        )  # fmt: skip
        self._created(use, request, outcome)
        amount = request.amount if isinstance(request.amount, Decimal) else Decimal(0)
        if outcome.state == "unknown":
            self._progress.unsettled[subject.identity] = amount
        elif outcome.reason != STOPPED:
            self._progress.unsettled.pop(subject.identity, None)
        if outcome.ok:
            self._context.created.add(use.operation, outcome.value)
            self._add_to_lookup(use, request, outcome.value)
            self._count(subject.identity, amount, run=self._context.run)
        elif outcome.state == "unknown":
            if settles(use.operation) and not self._context.stop.requested:
                return self._reconcile(use, request, self._recorded(subject))
            why = f"{outcome.reason}; it may have been carried out and is not sent again"
            return outcome._replace(reason=f"{why}: runner settle {self._context.run}")
        return outcome

    def _listed_before(self, use: Use, before: Before, answer: Any) -> str:
        """Say that what a create is answered with was in the list of its search; empty where it was not."""
        operation = use.operation
        name = id_of(operation, answer)
        if operation.returns_existing or not name or name not in before.seen:
            return ""
        if self._sender is not None:
            self._sender.tell_once(RETURNS_EXISTING.format(operation.full_name))
        return f"{name} was there before it was sent"

    def _add_to_lookup(self, use: Use, request: Request, answer: Any) -> None:
        """Add what was created to the list that its search was made in: as it was sent, and with its id."""
        search = use.step.unless_found
        if search is not None and search.lookup and isinstance(answer, Mapping):
            sent = request.body if isinstance(request.body, Mapping) else {}
            listing = self._context.catalogue.operation(search.operation)
            item = of_entry(listing, {**sent, **answer})
            self._context.created.add_to(search.lookup, item)

    def _recorded(self, subject: Subject) -> CallRecord:
        """A call that was sent just now, as the journal has it."""
        journal, known = self._context.journal, subject.identity
        assert journal is not None  # noqa: S101 - a dry run sends nothing
        journal.flush()
        calls = self._context.history.calls_of(
            known.account, known.recipe, per=known.per, key=known.key, generation=known.generation
        )  # fmt: skip
        return calls[known.step, known.item]

    def _count(self, identity: Identity, amount: Decimal, *, run: int) -> None:
        """Count a write that was carried out in `run`."""
        progress = self._progress
        progress.writes.append(("done", run))
        progress.reached.add(identity)
        progress.money = exact_sum((progress.money, amount))
        progress.unsettled.pop(identity, None)

    def _changed(self, use: Use, request: Request, prior: CallRecord) -> str:
        """How a request differs by value from the one that was sent, as far as it is known by now; or nothing."""
        if not request.known or prior.digest == request.digest():  # as nearly all are
            return ""
        numbers = numbers_in_texts(use.step, self._context.recipe)
        return difference(prior, request, use.operation, numbers=numbers)

    def beside(self, use: Use, claim: Claim) -> Outcome | None:
        """What keeps a row from sharing what another row has done for its value; None where nothing does."""
        if use.operation.effect == "read" or claim.body is None:
            return None
        try:
            arguments = self._context.render(use.step.arguments, use.scope)
            body = self._context.request(
                use.operation, first_arguments(use.operation, arguments)
            ).body
            found = body_differences(claim.body, body)
        except Undecided:  # both depend on answers
            return None
        except (EvaluationError, ArgumentError) as error:
            self.plan(use.step, "invalid", reason=words(error))
            return Outcome("rejected", words(error))
        return self._misfit(use, body, found, f"in row {claim.done_by}")

    def _misfit(
        self, use: Use, body: Any, found: Sequence[Difference], where: str
    ) -> Outcome | None:
        """What keeps a row from sharing what was sent for its value: another name there. Else what differs is noted."""
        value = use.identity.key
        other = [] if is_named_by(body, value) else [each for each in found if is_another(each)]
        if other:
            said = "; ".join(f"{each.place} {literal(each.before)}" for each in other)
            now = "; ".join(f"{each.place} {literal(each.after)}" for each in other)
            reason = (
                f"{value!r} has {said} {where}, and {now} in this row: correct the one that is wrong; "
                "what was renamed is changed by hand, or by 'update' under 'unless_found'"
            )
            self.plan(use.step, "invalid", reason=reason, position=use.position)
            return Outcome("rejected", reason, set_aside=self._progress.has_written)
        if found and self._sender is not None:
            said = "; ".join(
                f"{each.place} is {literal(each.before)} {where} and {literal(each.after)} now"
                for each in found[:3]
            )
            self._sender.tell_once(
                f"{use.step.id} {value}: {said}; it stays as it was sent: 'update' under 'unless_found' changes it"
            )
        return None

    def _done_before(self, use: Use, request: Request, prior: CallRecord) -> Outcome:
        """A call that an earlier run, or this one before it was resumed, has sent or may have sent."""
        if prior.identity.per == "once" and request.known and prior.digest != request.digest():
            numbers = numbers_in_texts(use.step, self._context.recipe)
            found = differences(prior, request, use.operation, numbers=numbers)
            if (
                misfit := self._misfit(use, request.body, found, f"in run {prior.run}")
            ) is not None:
                return misfit
        changed = self._changed(use, request, prior)
        if changed and prior.identity.per == "row" and prior.state != "found":
            past = "done" if prior.state == "done" else "sent"
            reason = (
                f"changed since it was {past} in run {prior.run}, and not sent again: {changed}"
            )
            self.plan(
                use.step,
                "changed",
                request=request,
                reason=reason,
                position=use.position,
                run=prior.run,
            )
            return Outcome("unknown" if prior.state in OPEN else "rejected", reason, set_aside=True)
        if prior.state in OPEN:
            if self._sender is not None:
                return self._reconcile(use, request, prior)
            reason = prior.said_open.partition(": ")[2]
            self.plan(
                use.step,
                "unknown",
                request=request,
                reason=reason,
                position=use.position,
                run=prior.run,
            )
            return Outcome("unknown", reason)
        state: PlannedState = "done" if prior.state == "done" else "found"
        self.plan(use.step, state, request=request, position=use.position, run=prior.run)
        if prior.state == "done":
            self._count(prior.identity, Decimal(prior.amount or 0), run=prior.run)
        else:
            self._progress.writes.append(("found", prior.run))
        value = parse_json(prior.answer.encode()) if prior.answer else None
        if prior.state == "done":
            self._context.created.add(use.operation, value)
        return Outcome(prior.state, status=prior.status, value=value)

    def _reconcile(self, use: Use, request: Request, prior: CallRecord) -> Outcome:
        """A call whose outcome is unknown: adopted when a search says which object it made.

        It is sent again only where the recipe says so, no money moves, and what it may have made has had time to show.
        """
        assert self._sender is not None  # noqa: S101 - a dry run stops before
        subject = self._subject(use)._replace(identity=prior.identity)
        found = self._look_again(use, prior, subject)
        if found.item is not None:
            reason = f"its outcome in run {prior.run} was unknown; {found.how}"
            wrong = self._sender.adopt(prior, use.operation, found.item, reason=reason)
            found = Finding(reason=f"{found.how}, which cannot be it: {wrong}") if wrong else found
        if found.item is not None:
            self._progress.adopted.add((prior.identity.step, prior.identity.item))
            self._context.created.add(use.operation, found.item)
            amount = Decimal(prior.amount or 0)
            self._count(prior.identity, amount, run=self._context.run)
            return Outcome("done", value=found.item)
        later = ""
        if found.absent and may_send_again(use.step, use.operation):
            later = not_before(use.step, prior, now=dt.datetime.now(dt.UTC))
            if not later:
                outcome = self._send(use, request, subject, found.before)
                if (
                    outcome.reason != STOPPED
                ):  # else nothing has changed: it is as unknown as it was
                    self._progress.adopted.add((prior.identity.step, prior.identity.item))
                return outcome
        why = prior.reason or "no outcome was recorded"
        searched = "; ".join(["", *filter(None, (found.reason, later))])
        reason = f"it may have been carried out in run {prior.run} ({why}){searched}"
        return Outcome(
            "unknown", f"{reason}; look it up and say what you find: runner settle {prior.run}"
        )

    def _look_again(self, use: Use, prior: CallRecord, subject: Subject) -> Finding:
        """What is there of a call whose outcome is unknown: an update is read back, what else there is looked for."""
        assert self._reading is not None and self._back is not None  # noqa: S101 - a dry run stops before
        found = Finding()
        if settles(use.operation):
            found = self._back.settle(use, prior, subject)
        if found.item is not None or use.step.unless_found is None:
            return found
        earlier = self._earlier(use)
        return look_for(
            self._reading, use.step, use.operation, prior, subject, use.scope, besides=earlier
        )


def _hopeless(use: Use) -> str:
    """Say which condition of a step cannot become true, so that nothing of the row is sent before it is found wrong."""
    for condition in (use.step.expect, use.step.verify):
        if isinstance(condition, Expression):
            defect = hopeless(condition, use.step.id, use.scope)
            if defect:
                return f"{defect}, which no answer can change: guard the step with `when`, or the rows with `require`"
    return ""


def _amount_defect(use: Use, request: Request) -> str:
    """Say why the money that a call would move is not sent; empty where it may be, or is not known yet."""
    if request.amount is None and use.operation.money and use.operation.effect == "create":
        return f"{use.operation.money} has no value: give it one, or skip the step with `when`"
    if not isinstance(request.amount, Decimal):
        return ""
    rules, operation = use.step.amount, use.operation
    defect = amount_defect(request.amount, rules, decimals=operation.decimals)
    return f"{operation.money}: {defect}" if defect else ""
