"""Reads: a step's own read, with what it expects, and the search of `unless_found`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.catalogue import ArgumentError, Operation, Request, to_json
from runner.engine.context import Context
from runner.engine.outcome import Outcome
from runner.engine.send import Sender, Subject
from runner.recipe.model import Search, Step
from runner.template import EvaluationError, Expression, render

LONGEST_ANSWER = 64 * 1024
"""Bytes of a read's answer that the journal keeps for a resume; a longer one is read again."""

READS_OF_A_MOVING_LIST = 2
"""Times that a search is made when it finds nothing in a list that did not hold still."""


class Reading:
    """Makes the reads of a row."""

    def __init__(self, context: Context, sender: Sender) -> None:
        self._context, self._sender = context, sender

    def step(
        self, step: Step, subject: Subject, scope: Mapping[str, Any], arguments: Mapping[str, Any], request: Request
    ) -> Outcome:
        """The read of a step: one object, or a list as `expect` wants it. A good answer is kept in the journal."""
        operation = self._context.operation(step.operation)
        if operation.items:
            enough = {"one": 2, "first": 1, "none": 1}.get(str(step.expect))
            outcome = self._sender.items(subject, operation, arguments, tries=step.retry, enough=enough)
        else:
            outcome = self._sender.read(subject, operation, request, tries=step.retry)
        if not outcome.ok:
            return _unread(outcome, operation)
        outcome = _expected(step, outcome, scope)
        if outcome.ok and len(to_json(outcome.value)) <= LONGEST_ANSWER:
            self._sender.note(subject, operation, request, "done", value=outcome.value, reason="")
        return outcome

    def find(self, step: Step, search: Search, subject: Subject, scope: Mapping[str, Any]) -> Outcome:
        """What a search finds: a list of none or one. More than one is refused, not guessed."""
        operation = self._context.operation(search.operation)
        looking = replace(subject, identity=subject.identity._replace(step=f"{step.id}?"))

        def keep(item: Any) -> bool:
            return search.where is None or bool(search.where.evaluate({**scope, "item": item}))

        try:
            arguments = render(search.arguments, scope)
            for _ in range(READS_OF_A_MOVING_LIST):
                outcome = self._sender.items(looking, operation, arguments, tries=step.retry, keep=keep, enough=2)
                if not outcome.ok or outcome.value or not outcome.doubt:
                    break
        except (EvaluationError, ArgumentError) as error:
            return Outcome("rejected", f"unless_found: {words(error)}")
        if not outcome.ok:
            return _unread(outcome, operation)
        if not outcome.value and outcome.doubt:
            return Outcome("not sent", f"unless_found: {outcome.doubt}; what it does not show may be there")
        if len(outcome.value) > 1:
            return Outcome("rejected", f"unless_found: {operation.full_name} finds more than one; none was chosen")
        return outcome


def words(error: EvaluationError | ArgumentError) -> str:
    """What is wrong with the arguments of a call, in one line."""
    if isinstance(error, ArgumentError):
        return "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in error.problems)
    return str(error)


def failed(expect: Expression, value: Any, scope: Mapping[str, Any]) -> str:
    """Why the data of a success is not what `expect` says; empty when it is."""
    try:
        return "" if expect.evaluate({**scope, "result": value}) else f"expected {expect.text}"
    except EvaluationError as error:
        return str(error)


def _unread(outcome: Outcome, operation: Operation) -> Outcome:
    """A read that gave nothing: refused, or not to be had now. No write hangs on it, so nothing is unknown."""
    state = "not sent" if outcome.state == "unknown" else outcome.state
    return replace(outcome, state=state, reason=f"{operation.full_name}: {outcome.reason}")


def _expected(step: Step, outcome: Outcome, scope: Mapping[str, Any]) -> Outcome:
    """The value that a read hands on, or why it is not what the step expects."""
    value, expect = outcome.value, step.expect
    if isinstance(expect, Expression):
        wrong = failed(expect, value, scope)
        return replace(outcome, state="rejected", reason=wrong) if wrong else outcome
    count = len(value) if isinstance(value, list) else 1
    wanted = {"one": count == 1, "first": count > 0, "none": count == 0}.get(expect, True)
    if not wanted:
        found = {0: "none", 1: "one"}.get(count, "more than one")
        wish = {"one": "exactly one", "first": "at least one", "none": "none"}[expect]
        return replace(outcome, state="rejected", reason=f"expected {wish}, found {found}")
    if expect in ("one", "first"):
        return replace(outcome, value=value[0])
    return replace(outcome, value=None) if expect == "none" else outcome
