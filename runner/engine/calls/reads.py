"""Reads: a step's own read, with what it expects, and the search of `unless_found`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from runner.catalogue import ArgumentError, Operation, Request, of_answer, of_entry, to_json
from runner.engine.calls.expected import ENOUGH, expected, fits
from runner.engine.calls.poll import poll_until
from runner.engine.calls.searches import filters, ignored
from runner.engine.calls.snapshot import Before, Listed, has_bad_id, id_of
from runner.engine.context import Context
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Sender, Subject
from runner.recipe.model import Search, Step
from runner.template import EvaluationError, Undecided, Unknown

LONGEST_ANSWER = 64 * 1024
"""Bytes of a read's answer that the journal keeps for a resume; a longer one is read again."""

READS_OF_A_MOVING_LIST = 2
"""Times that a search is made when it finds nothing in a list that did not hold still."""


class Reading:
    """Makes the reads of a row."""

    def __init__(self, context: Context, sender: Sender) -> None:
        self._context, self._sender = context, sender

    def step(
        self,
        step: Step,
        subject: Subject,
        scope: Mapping[str, Any],
        arguments: Mapping[str, Any],
        request: Request,
    ) -> Outcome:
        """The read of a step: one object, or a list as `where` and `expect` want it. The journal keeps a good answer.

        With `once: run` it is all that is answered, of which each row takes what it wants.
        """
        operation = self._context.catalogue.operation(step.operation)
        try:
            outcome = self._answer(step, subject, scope, arguments, request)
        except EvaluationError as error:
            return Outcome("rejected", f"where: {error}")
        if not outcome.ok:
            return unread(outcome, operation)
        if not step.once:
            outcome = expected(step, outcome, scope)
            if outcome.ok and step.single and step.expect in ("one", "first"):
                wrong = ignored(step, operation, arguments, outcome.value)
                outcome = outcome._replace(state="rejected", reason=wrong) if wrong else outcome
        if outcome.ok and len(to_json(outcome.value)) <= LONGEST_ANSWER:
            self._sender.note(subject, operation, request, "done", value=outcome.value, reason="")
        return outcome

    def _answer(
        self,
        step: Step,
        subject: Subject,
        scope: Mapping[str, Any],
        arguments: Mapping[str, Any],
        request: Request,
    ) -> Outcome:
        """What the API answers: one object, or those of a list that `where` keeps. Raises EvaluationError."""
        operation = self._context.catalogue.operation(step.operation)
        whole = step.poll is not None or bool(step.once)
        enough = None if whole else ENOUGH.get(str(step.expect))

        def keep(item: Any) -> bool:
            return bool(step.once) or fits(step.where, of_entry(operation, item), scope)

        def read() -> Outcome:
            if not operation.items:
                outcome = self._sender.read(subject, operation, request, tries=step.retry)
            else:
                outcome = self._list(step, subject, arguments, keep=keep, enough=enough)
            value = of_answer(operation, outcome.value) if outcome.ok else outcome.value
            return outcome._replace(value=value)

        if step.poll is None:
            return read()
        return poll_until(self._context, step.poll, read, scope)

    def _list(
        self,
        step: Step,
        subject: Subject,
        arguments: Mapping[str, Any],
        *,
        keep: Callable[[Any], bool],
        enough: int | None,
    ) -> Outcome:
        """The entries of a list. One that moved does not show that there is one, or none: it is read once more."""
        operation = self._context.catalogue.operation(step.operation)
        proves = step.expect in ("one", "none")
        for _ in range(READS_OF_A_MOVING_LIST):
            outcome = self._sender.items(
                subject, operation, arguments, tries=step.retry, keep=keep, enough=enough
            )
            if not outcome.doubt or not proves:
                return outcome
        return Outcome("not sent", f"{outcome.doubt}; what it does not show may be there")

    def find(
        self, step: Step, search: Search, subject: Subject, scope: Mapping[str, Any], *, operation: Operation,
        besides: Collection[str] = (),
    ) -> tuple[Outcome, Before | None]:  # fmt: skip
        """What a search finds before `operation` is sent, a list of none or one, and what is noted of it.

        What has an id of `besides` is known, and is not what is looked for.
        More than one is refused, not guessed. Before a payment the whole list is read and noted.
        """
        if search.lookup:
            return self._in_lookup(search, scope, operation=operation, besides=besides)
        listing = self._context.catalogue.operation(search.operation)
        listed = Listed(operation)

        def keep(item: Any) -> bool:
            listed.add(item)
            return fits(search.where, of_entry(listing, item), scope) and not (
                besides and id_of(operation, item) in besides
            )

        try:
            arguments = filters(self._context, search, scope)
            for _ in range(READS_OF_A_MOVING_LIST):
                listed = Listed(operation)
                outcome = self._sender.items(
                    _looking(step, subject), listing, arguments, tries=step.retry, keep=keep,
                    enough=None if operation.money else 2,
                )  # fmt: skip
                if not outcome.ok or outcome.value or not outcome.doubt:
                    break
        except (EvaluationError, ArgumentError) as error:
            return Outcome("rejected", f"unless_found: {words(error)}"), None
        if not outcome.ok:
            return unread(outcome, listing), None
        if not outcome.value and outcome.doubt:
            return Outcome(
                "not sent", f"unless_found: {outcome.doubt}; what it does not show may be there"
            ), None
        if len(outcome.value) > 1:
            return Outcome(
                "rejected",
                f"unless_found: {listing.full_name} finds more than one; none was chosen",
            ), None
        if any(has_bad_id(operation, item) for item in outcome.value):
            reason = f"unless_found: {listing.full_name} finds an object without an id"
            return Outcome("rejected", reason), None
        for item in outcome.value:
            if wrong := ignored(search, listing, arguments, of_entry(listing, item)):
                return Outcome("rejected", f"unless_found: {wrong}; nothing was added to it"), None
        return outcome, listed.before(search.operation, arguments)

    def _in_lookup(
        self, search: Search, scope: Mapping[str, Any], *, operation: Operation, besides: Collection[str]
    ) -> tuple[Outcome, Before | None]:  # fmt: skip
        """The same in a list that was read once, with what this run has created since, as it was sent."""
        listed = scope[search.lookup]
        try:
            arguments = filters(self._context, search, scope)
            if isinstance(listed, Unknown):
                raise Undecided(listed.origin)
            found = [
                item
                for item in [*listed, *self._context.created.since(search.lookup)]
                if fits(search.where, item, scope) and id_of(operation, item) not in besides
            ]
        except EvaluationError as error:
            return Outcome("rejected", f"unless_found: {words(error)}"), None
        if len(found) > 1:
            return Outcome(
                "rejected", f"unless_found: {search.lookup} has more than one; none was chosen"
            ), None
        seen = self._context.created.ids_in(search.lookup, operation, listed)
        return Outcome("done", value=found), Before(search.operation, arguments, seen=seen)

    def again(self, step: Step, before: Before, subject: Subject) -> Outcome:
        """All that the search which was made before a call lists now."""
        try:
            listing = self._context.catalogue.operation(before.operation)
            outcome = self._sender.items(
                _looking(step, subject), listing, before.arguments, tries=step.retry
            )
        except (ArgumentError, KeyError):  # the API's document has changed since
            return Outcome(
                "rejected",
                f"unless_found: the search with {before.operation} cannot be made any more",
            )
        return outcome if outcome.ok else unread(outcome, listing)

    def fitting(self, step: Step, items: Sequence[Any], scope: Mapping[str, Any]) -> Outcome:
        """Those of the objects that the `where` of a step's search is true of."""
        assert step.unless_found is not None  # noqa: S101 - the caller's condition
        listing = self._context.catalogue.operation(step.unless_found.operation)
        try:
            filters(self._context, step.unless_found, scope)
            return Outcome(
                "done",
                value=[
                    item
                    for item in items
                    if fits(step.unless_found.where, of_entry(listing, item), scope)
                ],
            )
        except EvaluationError as error:
            return Outcome("rejected", f"unless_found: {words(error)}")


def _looking(step: Step, subject: Subject) -> Subject:
    """The search of a step is a call of its own in the journal."""
    return subject._replace(identity=subject.identity._replace(step=f"{step.id}?"))


def words(error: EvaluationError | ArgumentError) -> str:
    """What is wrong with the arguments of a call, in one line."""
    if isinstance(error, ArgumentError):
        return "; ".join(
            f"{'.'.join(map(str, path))}: {message}" for path, message in error.problems
        )
    return str(error)


def unread(outcome: Outcome, operation: Operation) -> Outcome:
    """A read that gave nothing: refused, or not to be had now. No write hangs on it, so nothing is unknown."""
    state = "not sent" if outcome.state == "unknown" else outcome.state
    return outcome._replace(state=state, reason=f"{operation.full_name}: {outcome.reason}")
