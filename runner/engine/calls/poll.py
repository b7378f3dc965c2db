"""Reading again and again until something is true of the answer, at the pace of the account and until a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from runner.engine.calls.diff import literal
from runner.engine.context import Context
from runner.engine.events import Waiting
from runner.engine.sending.clearance import STOPPED
from runner.engine.sending.outcome import Outcome
from runner.recipe.model import Poll
from runner.template import EvaluationError, paths_of


def poll_until(
    context: Context, poll: Poll, read: Callable[[], Outcome], scope: Mapping[str, Any], *,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:  # fmt: skip
    """The first answer of which `until` is true; rejected with what was last seen when the time is up.

    A read that fails ends it. What cannot be computed of an answer is not true yet.
    """
    start, waited = clock(), 0
    while True:
        outcome = read()
        if not outcome.ok:
            return outcome
        missing = _missing(poll, outcome.value, scope)
        if not missing:
            return outcome
        if max(clock() - start, waited) + poll.every > poll.within:
            why = f"not {poll.until.text} within {span(poll.within)}{missing.rstrip()}"
            return Outcome("rejected", f"{why}; last seen: {_seen(poll, outcome.value)}")
        if context.journal is not None:
            context.journal.flush()
        context.emit(Waiting(f"until {poll.until.text}", poll.every))
        context.stop.wait(poll.every)
        waited += poll.every
        if context.stop.requested:
            return Outcome("not sent", STOPPED)


def span(seconds: int) -> str:
    """A duration as recipes write it.

    >>> span(120), span(90), span(7200)
    ('2m', '90s', '2h')
    """
    size, unit = next(
        ((size, unit) for size, unit in ((3600, "h"), (60, "m")) if seconds % size == 0), (1, "s")
    )
    return f"{seconds // size}{unit}"


def _missing(poll: Poll, value: Any, scope: Mapping[str, Any]) -> str:
    """Empty when it is true; else a blank, or why it cannot be computed."""
    try:
        return "" if poll.until.evaluate({**scope, "result": value}) else " "
    except EvaluationError as error:
        return f" ({error})"


def _seen(poll: Poll, value: Any) -> str:
    """What the condition looks at, as it was last."""
    found = {}
    for path in sorted(paths_of(poll.until.tree), key=len):
        if path[0] == "result" and len(path) > 1:
            node = value
            for part in path[1:]:
                inside = isinstance(node, Mapping) and part in node
                node = node[part] if inside else None
            found[".".join(map(str, path))] = node
    return ", ".join(f"{name} {literal(node)}" for name, node in found.items()) or literal(value)
