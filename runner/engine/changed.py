"""How a request differs from the one that was sent before, for people."""

from __future__ import annotations

from typing import Any

from runner.catalogue import Operation, Request
from runner.engine.equality import differences, has_same_head
from runner.engine.given_back import literal
from runner.journal import CallRecord

_MOST = 3
"""Places that a message names before it counts the rest."""


def difference(
    prior: CallRecord, request: Request, operation: Operation, *, numbers: frozenset[str]
) -> str:
    """Return how a request differs by value from the one that was sent, old value first; empty where it does not.

    `numbers` are the fields in whose texts the recipe writes decimals.
    """
    if prior.digest == request.digest():
        return ""
    if (prior.method, prior.url) != (request.method, request.path):
        return f"{prior.method} {prior.url}, now {request.method} {request.path}"
    found = differences(prior, request, operation, numbers=numbers)
    parts = [
        f"{each.place or 'body'} was {_said(each.before)}, now {_said(each.after)}"
        for each in found
    ]
    if not has_same_head(prior, request):
        names = ", ".join(sorted(request.headers)) or "there are none now"
        parts.append(f"its headers are not those that were sent ({names})")
    more = f" and {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    return "; ".join(parts[:_MOST]) + more


def _said(value: Any) -> str:
    return "left out" if value is None else literal(value)
