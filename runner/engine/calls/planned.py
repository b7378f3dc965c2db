"""What a dry run says of the calls of a row: what would be sent, and what its reads have found by now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from runner.catalogue import (
    ArgumentError,
    Operation,
    Request,
    container_of,
    first_arguments,
    parse_json,
    without_sent,
)
from runner.engine.calls.dry_reads import Looker, may_look
from runner.engine.calls.found_payment import not_this_payment
from runner.engine.calls.parents import COUNTED, found_parent, refusal
from runner.engine.calls.read_back import BackReading, back_request
from runner.engine.calls.reads import Reading, words
from runner.engine.calls.searches import filters
from runner.engine.calls.snapshot import id_of
from runner.engine.calls.upsert import Change, change_of, update_use
from runner.engine.context import Context, Progress, Use
from runner.engine.events import PlannedCall, PlannedState
from runner.engine.past.claims import said_sent
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Sender, Subject
from runner.journal import CallRecord, content_of
from runner.journal.records import SETTLED
from runner.recipe.model import Search, Step
from runner.template import EvaluationError, Template, Undecided, Unknown


class Planning:
    """Plans the calls of one row, and knows what the journal has of them."""

    def __init__(
        self,
        context: Context,
        progress: Progress,
        sender: Sender | None,
        *,
        looker: Looker | None = None,
    ) -> None:
        self._context, self._progress, self._sender = context, progress, sender
        self._looker = looker
        self._looking = looker.reading if looker is not None else None
        self._reading = Reading(context, sender) if sender is not None else None
        reader = sender if sender is not None else looker
        self._back = BackReading(context, reader) if reader is not None else None

    def plan(
        self, step: Step, state: PlannedState, *, request: Request | None = None, reason: str = "",
        position: int | None = None, unless_found: Request | None = None, run: int = 0,
        read_back: Request | None = None,
    ) -> None:  # fmt: skip
        """Note what a dry run says of a call. A run says it with events."""
        if self._sender is None:
            operation = self._context.catalogue.operation(step.operation)
            reason = self._context.mask.text(reason)
            if request is not None:
                request = self._shown(operation, request)
            planned = PlannedCall(
                step.id, operation, state, request, position, reason, unless_found, run, read_back
            )
            self._progress.planned.append(planned)

    def _shown(self, operation: Operation, request: Request) -> Request:
        """A request without its credentials."""
        mask = self._context.mask
        kept, path = without_sent(operation, request.body), mask.text(request.path)
        if kept is request.body and path == request.path:
            return request
        return replace(request, body=kept, path=path, url=mask.text(request.url))

    def _subject(self, use: Use) -> Subject:
        by_position = use.position is not None and use.step.item_key is None
        number = use.position + 1 if by_position and use.position is not None else 0
        return Subject(use.identity, self._progress.row.number, self._progress.row.key, number)

    def _before(self, use: Use, part: str = "") -> CallRecord | None:
        """What the journal knows of a call, or of a `part` of it, under one of its places."""
        known = self._known(use)
        if not known:
            return None
        found = (known.get((name + part, item)) for name, item in use.places)
        return next((call for call in found if call is not None), None)

    def _known(self, use: Use) -> Mapping[tuple[str, str], CallRecord]:
        """The calls of before of a row, or of a value that rows share."""
        if use.identity.per != "once":
            return self._progress.prior
        context = self._context
        return context.history.calls_of(
            context.account, context.recipe.name, per="once", key=use.identity.key
        )

    def _earlier(self, use: Use) -> frozenset[str]:
        """The ids of what a call has made before, where it is sent again all the same."""
        if not use.identity.generation:
            return frozenset()
        keys = self._progress.keys if use.identity.per == "row" else [use.identity.key]
        made = [
            call
            for key in keys
            for call in self._context.history.earlier(use.identity._replace(key=key), use.places)
        ]
        return frozenset(
            id_of(use.operation, parse_json(call.answer.encode())) for call in made if call.answer
        )

    def _repeated(self, use: Use, request: Request) -> Outcome | None:
        """What keeps a create from being sent whose content is on record for a call that nothing asks for now."""
        call, what = self._same_request(use, request), "the same request"
        if call is None and (call := self._paid(use, request)) is not None:
            inside = container_of(use.operation)
            what = f"the same amount for {inside} {use.arguments.get(inside)}"
        if call is None:
            return None
        reason = f"{what} {said_sent(call)}{self._said_name(call)}"
        if what == "the same request":
            reason += self._only_in_key(call)
        else:
            reason += (
                "; where it is meant to be paid once more: amount: {repeated: allow} in the step"
            )
        self.plan(use.step, "changed", request=request, reason=reason, position=use.position)
        return Outcome("rejected", reason, set_aside=True)

    def _only_in_key(self, call: CallRecord) -> str:
        """What is to be sent as well where the key alone tells a row from one that was sent, by a variable in it."""
        recipe, identity = self._context.recipe, call.identity
        key = recipe.rows.key if recipe.rows is not None else recipe.key
        ours = (identity.account, identity.recipe) == (self._context.account, recipe.name)
        references = key.references if ours and isinstance(key, Template) else ()
        names = [
            ".".join(map(str, (each.root, *each.path)))
            for each in references
            if each.root in ("vars", "run")
        ]
        if not names:
            return ""
        return (
            f"; where it is meant to be sent for each {' and '.join(dict.fromkeys(names))}: put that into what is "
            "sent, as the key has it"
        )

    def _not_this_payment(self, use: Use, request: Request, found: Any) -> str:
        return not_this_payment(self._context, use, request, found, self._progress.keys)

    def _same_request(self, use: Use, request: Request) -> CallRecord | None:
        """The call that has sent the content of a create, or may have, and that nothing asks for now."""
        context = self._context
        creates = use.operation.effect == "create" or use.operation.money
        if not creates or not request.known or self._progress.row.key in context.again:
            return None
        others = self._others_of(use)
        if context.asked is None and not others:
            return None
        body = (request.content() or b"").decode()
        content = content_of(request.method, request.path, body)
        found = context.history.of_content(content, besides=context.run)
        return next((call for call in found if self._is_repeated(call, others)), None)

    def _paid(self, use: Use, request: Request) -> CallRecord | None:
        """The payment of the same amount in the same object under another name, whatever else it was sent with."""
        context = self._context
        others = (
            self._others_of(use) if use.operation.money and not use.step.amount.repeated else ()
        )
        if not others or not request.known or self._progress.row.key in context.again:
            return None
        return context.paid.under(context, others, use.operation, request, use.arguments)

    def _is_repeated(self, call: CallRecord, others: Collection[tuple[str, str]]) -> bool:
        """Tell whether a call of the same content is that of another name, or of an identity that nothing has now."""
        context, name = self._context, (call.identity.account, call.identity.recipe)
        if name != (context.account, context.recipe.name):
            return name in others
        asked, keys = context.asked, self._progress.keys
        return asked is not None and not asked.claims(call, keys=keys, own=self._progress.claims)

    def _others_of(self, use: Use) -> Collection[tuple[str, str]]:
        """The other names whose requests must not be sent again: none where the row is declared to be other work."""
        others = self._context.others
        known = (
            [*self._progress.prior.values(), *self._known(use).values()] if others.declared else ()
        )
        declared = any(call.run in others.declared for call in known)
        return others.names if use.step.id in others.steps and not declared else ()

    def _said_name(self, call: CallRecord) -> str:
        """The other name that a call is on record under, for people; empty where it is that of this recipe."""
        account, recipe = call.identity.account, call.identity.recipe
        if (account, recipe) == (self._context.account, self._context.recipe.name):
            return ""
        under = f" under the account {account!r}" * (account != self._context.account)
        return f" by {recipe}{under} (if this is other work: --new-identity)"

    def _plan_write(self, use: Use, request: Request) -> Outcome:
        """Where the dry run stops: the request is there and is not sent."""
        if (refused := self._under_found(use, request)) is not None:
            return refused
        search = use.step.unless_found
        looked_up, searched = None, search is None
        if search is not None and search.lookup:
            outcome, searched = self._look_for(use, search, request, None)
            if outcome is not None:
                return outcome
        elif search is not None:
            try:
                operation = self._context.catalogue.operation(search.operation)
                arguments = first_arguments(operation, filters(self._context, search, use.scope))
                looked_up = self._context.request(operation, arguments)
            except (EvaluationError, ArgumentError) as error:
                reason = f"unless_found: {words(error)}"
                self.plan(use.step, "invalid", reason=reason, position=use.position)
                return Outcome("rejected", reason)
            outcome, searched = self._look_for(use, search, request, looked_up)
            if outcome is not None:
                return outcome
        if searched and (repeated := self._repeated(use, request)) is not None:
            return repeated
        call = None if searched else self._same_request(use, request) or self._paid(use, request)
        if call is not None:
            return self._plan_to_find(use, request, call, looked_up)
        state: PlannedState = "undecided" if use.undecided else "to send"
        reason = use.undecided
        if use.identity.generation and not use.undecided:
            again = self._context.again.get(self._progress.row.key)
            reason = f"sent again: {again.why}" if again is not None else ""
        made = awaited(use.step.id, use.position)
        read_back = back_request(self._context, use, made.value)[1] if use.step.verify else None
        self.plan(
            use.step, state, request=request, reason=reason, position=use.position, unless_found=looked_up,
            read_back=read_back,
        )  # fmt: skip
        return made

    def _plan_to_find(
        self, use: Use, request: Request, call: CallRecord, looked_up: Request | None
    ) -> Outcome:
        """A create that is not sent, whatever its search is going to find, since it was sent as another call."""
        reason = f"{said_sent(call)}{self._said_name(call)}; the row is set aside if the search does not find it"
        self.plan(
            use.step, "found", request=request, reason=reason, position=use.position,
            unless_found=looked_up, run=call.run,
        )  # fmt: skip
        self._progress.writes.append(("found", call.run))
        return awaited(use.step.id, use.position)

    def _under_found(self, use: Use, request: Request) -> Outcome | None:
        """Set a row aside that would add to what a search has found; None where it may."""
        if use.undecided or (parent := found_parent(self._context, use)) is None:
            return None
        reason = refusal(use, parent, self._others(use))
        self.plan(use.step, "invalid", request=request, reason=reason, position=use.position)
        return Outcome("rejected", reason)

    def _others(self, use: Use) -> int | None:
        """How many objects are beside what a use would create; None where that cannot be read, or not now."""
        listing, reader = (
            self._context.catalogue.listing(use.operation),
            self._sender or self._looker,
        )
        if listing is None or reader is None or not may_look(listing):
            return None
        arguments = {name: use.arguments[name] for name in listing.names if name in use.arguments}
        subject = self._subject(use)
        subject = subject._replace(identity=subject.identity._replace(step=f"{use.step.id}?"))

        def keep(item: Any) -> bool:
            name = id_of(use.operation, item)
            return not self._context.created.has(self._context, use.operation, name)

        try:
            listed = reader.items(
                subject, listing, arguments, tries=use.step.retry, keep=keep, enough=COUNTED
            )
        except ArgumentError:  # it needs more than the create does
            return None
        return len(listed.value) if listed.ok else None

    def _plan_in_step(self, use: Use, request: Request, prior: CallRecord | None) -> Outcome:
        """A step whose object is kept in step: sent where nothing is found, updated where something differs."""
        made = prior is not None and prior.state in SETTLED
        if made and prior is not None:
            state: PlannedState = "done" if prior.state == "done" else "found"
            self._progress.writes.append((state, prior.run))
            self.plan(use.step, state, request=request, position=use.position, run=prior.run)
            later = awaited(use.step.id, use.position).value
            found = parse_json(prior.answer.encode()) if prior.answer else later
            outcome = Outcome("found", value=found)
        else:
            outcome = self._plan_write(use, request)
            found = outcome.value
        return self._plan_update(use, found, outcome, stale=made) if outcome.ok else outcome

    def _plan_update(self, use: Use, found: Any, outcome: Outcome, *, stale: bool) -> Outcome:
        """The update after a search: what differs where that was looked up, else that it depends on what is found."""
        try:
            update = update_use(self._context, use, found)
            read = self._context.catalogue.read_back(update.operation)
            known = (
                not isinstance(found, Unknown)
                and (read is None or may_look(read))
                and not (stale and read is None)
            )
            request = self._context.request(update.operation, update.arguments)
            if self._back is not None and known and request.known and not use.undecided:
                return self._plan_change(update, found, outcome, stale=stale)
        except (EvaluationError, ArgumentError) as error:
            reason = f"update: {words(error)}"
            self.plan(use.step, "invalid", reason=reason, position=use.position)
            return Outcome("rejected", reason)
        reason = "something differs from what is found"
        self.plan(update.step, "undecided", request=request, reason=reason, position=use.position)
        return outcome

    def _plan_change(self, update: Use, found: Any, outcome: Outcome, *, stale: bool) -> Outcome:
        assert self._back is not None  # noqa: S101 - the caller's condition
        changed = change_of(
            self._context, update, found, self._back, self._subject(update), stale=stale
        )
        if not changed.ok:
            self.plan(update.step, "invalid", reason=changed.reason, position=update.position)
            return Outcome("rejected", f"update: {changed.reason}")
        if changed.value is None:
            return outcome
        change: Change = changed.value
        reason = f"found, and differs: {change.told}"
        self.plan(
            update.step, "to send", request=change.request, reason=reason, position=update.position
        )
        return outcome._replace(value=change.after)

    def _look(self, use: Use, request: Request) -> Outcome | None:
        """What a read gives while it is planned; None where it cannot be made yet."""
        if (
            self._looking is None
            or use.undecided
            or not request.known
            or not may_look(use.operation)
        ):
            return None
        if use.step.poll is not None:  # a plan does not wait
            return None
        try:
            outcome = self._looking.step(
                use.step, self._subject(use), use.scope, use.arguments, request
            )
        except Undecided:
            return None
        if not outcome.ok and outcome.state != "rejected":
            return None
        state: PlannedState = "read" if outcome.ok else "invalid"
        self.plan(use.step, state, request=request, reason=outcome.reason, position=use.position)
        return outcome

    def _look_for(
        self, use: Use, search: Search, request: Request, looked_up: Request | None
    ) -> tuple[Outcome | None, bool]:
        """What makes a write needless while it is planned, if anything does, and whether the search was made."""
        operation = self._context.catalogue.operation(search.operation)
        known = looked_up is None or (looked_up.known and may_look(operation))
        if self._looking is None or use.undecided or not known:
            return None, False
        try:
            outcome, _ = self._looking.find(
                use.step,
                search,
                self._subject(use),
                use.scope,
                operation=use.operation,
                besides=self._earlier(use),
            )
        except Undecided:
            return None, False
        if not outcome.ok:
            if outcome.state != "rejected":
                return None, False
            self.plan(use.step, "invalid", reason=outcome.reason, position=use.position)
            return outcome, True
        if not outcome.value:
            return None, True
        if wrong := self._not_this_payment(use, request, outcome.value[0]):
            self.plan(use.step, "invalid", request=request, reason=wrong, position=use.position)
            return Outcome("rejected", wrong), True
        reason = "found while it was planned"
        self.plan(
            use.step,
            "found",
            request=request,
            reason=reason,
            position=use.position,
            unless_found=looked_up,
        )
        self._progress.writes.append(("found", self._context.run))
        return Outcome("found", value=outcome.value[0]), True


@lru_cache(maxsize=1024)
def awaited(step: str, position: int | None) -> Outcome:
    """What a call of a step comes to before it is made, at its position under `for_each`."""
    return Outcome("done", value=Unknown(step if position is None else f"{step}[{position}]"))
