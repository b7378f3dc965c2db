"""Reads: a step's own read, with what it expects, and the search of `unless_found`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runner.catalogue import ArgumentError, Operation, Request, of_answer, of_entry, to_json
from runner.engine.before import Before, Listed, has_bad_id, id_of
from runner.engine.context import Context
from runner.engine.outcome import Outcome
from runner.engine.poll import poll_until
from runner.engine.send import Sender, Subject
from runner.recipe.model import Search, Step
from runner.template import EvaluationError, Expression, Undecided, Unknown

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
        """The read of a step: one object, or a list as `expect` wants it. A good answer is kept in the journal."""
        operation = self._context.catalogue.operation(step.operation)

        def seen(outcome: Outcome) -> Outcome:
            value = of_answer(operation, outcome.value) if outcome.ok else outcome.value
            return outcome._replace(value=value)

        def read() -> Outcome:
            if not operation.items:
                return seen(self._sender.read(subject, operation, request, tries=step.retry))
            enough = (
                {"one": 2, "first": 1, "none": 1}.get(str(step.expect))
                if step.poll is None
                else None
            )
            return seen(
                self._sender.items(subject, operation, arguments, tries=step.retry, enough=enough)
            )

        outcome = (
            poll_until(self._context, step.poll, read, scope) if step.poll is not None else read()
        )
        if not outcome.ok:
            return unread(outcome, operation)
        outcome = _expected(step, outcome, scope)
        if outcome.ok and len(to_json(outcome.value)) <= LONGEST_ANSWER:
            self._sender.note(subject, operation, request, "done", value=outcome.value, reason="")
        return outcome

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
            if operation.money:
                listed.add(item)
            return _fits(search, of_entry(listing, item), scope) and not (
                besides and id_of(operation, item) in besides
            )

        try:
            arguments = self._context.render(search.arguments, scope)
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
        if operation.money:
            return outcome, listed.before(search.operation, arguments)
        return outcome, Before(search.operation, arguments)

    def _in_lookup(
        self, search: Search, scope: Mapping[str, Any], *, operation: Operation, besides: Collection[str]
    ) -> tuple[Outcome, Before | None]:  # fmt: skip
        """The same in a list that was read once, with what this run has created since, as it was sent."""
        listed = scope[search.lookup]
        if isinstance(listed, Unknown):
            raise Undecided(listed.origin)
        try:
            arguments = self._context.render(search.arguments, self._context.scope)
            found = [
                item
                for item in [*listed, *self._context.created.since(search.lookup)]
                if _fits(search, item, scope) and id_of(operation, item) not in besides
            ]
        except EvaluationError as error:
            return Outcome("rejected", f"unless_found: {words(error)}"), None
        if len(found) > 1:
            return Outcome(
                "rejected", f"unless_found: {search.lookup} has more than one; none was chosen"
            ), None
        return Outcome("done", value=found), Before(search.operation, arguments)

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
            return Outcome(
                "done",
                value=[
                    item
                    for item in items
                    if _fits(step.unless_found, of_entry(listing, item), scope)
                ],
            )
        except EvaluationError as error:
            return Outcome("rejected", f"unless_found: {words(error)}")


def _looking(step: Step, subject: Subject) -> Subject:
    """The search of a step is a call of its own in the journal."""
    return subject._replace(identity=subject.identity._replace(step=f"{step.id}?"))


def _fits(search: Search, item: Any, scope: Mapping[str, Any]) -> bool:
    return search.where is None or bool(search.where.evaluate({**scope, "item": item}))


def words(error: EvaluationError | ArgumentError) -> str:
    """What is wrong with the arguments of a call, in one line."""
    if isinstance(error, ArgumentError):
        return "; ".join(
            f"{'.'.join(map(str, path))}: {message}" for path, message in error.problems
        )
    return str(error)


def failed(expect: Expression, value: Any, scope: Mapping[str, Any]) -> str:
    """Why the data of a success is not what `expect` says; empty when it is."""
    try:
        return "" if expect.evaluate({**scope, "result": value}) else f"expected {expect.text}"
    except EvaluationError as error:
        return str(error)


def unread(outcome: Outcome, operation: Operation) -> Outcome:
    """A read that gave nothing: refused, or not to be had now. No write hangs on it, so nothing is unknown."""
    state = "not sent" if outcome.state == "unknown" else outcome.state
    return outcome._replace(state=state, reason=f"{operation.full_name}: {outcome.reason}")


def _expected(step: Step, outcome: Outcome, scope: Mapping[str, Any]) -> Outcome:
    """The value that a read hands on, or why it is not what the step expects."""
    value, expect = outcome.value, step.expect
    if isinstance(expect, Expression):
        wrong = failed(expect, value, scope)
        return outcome._replace(state="rejected", reason=wrong) if wrong else outcome
    count = len(value) if isinstance(value, list) else 1
    wanted = {"one": count == 1, "first": count > 0, "none": count == 0}.get(expect, True)
    if not wanted:
        found = {0: "none", 1: "one"}.get(count, "more than one")
        wish = {"one": "exactly one", "first": "at least one", "none": "none"}[expect]
        return outcome._replace(state="rejected", reason=f"expected {wish}, found {found}")
    if expect in ("one", "first"):
        return outcome._replace(value=value[0])
    return outcome._replace(value=None) if expect == "none" else outcome
