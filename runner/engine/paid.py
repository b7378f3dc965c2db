"""Money that other recipe names have moved: the same amount in the same object may be the same payment.

Nothing tells a payment from another one of the same order but its amount: keys, references and notes are what a recipe
makes of a sheet. So one under another name counts whatever else it was sent with.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.catalogue import Operation, Request, container_of, sent_arguments
from runner.journal import CallRecord

if TYPE_CHECKING:
    from runner.engine.context import Context


@dataclass
class Paid:
    """The payments of other recipe names by where and how much they paid, read once for each operation."""

    _calls: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def under(
        self, context: Context, names: Collection[tuple[str, str]], operation: Operation, request: Request,
        arguments: Mapping[str, Any],
    ) -> CallRecord | None:  # fmt: skip
        """The payment of the amount of a request in the same object, under one of these accounts and recipe names."""
        container = container_of(operation)
        if not container or not isinstance(request.amount, Decimal):
            return None
        with self._lock:
            known = self._calls.get(operation.full_name)
            if known is None:
                known = self._calls[operation.full_name] = _read(context, operation)
        mark = _mark(request.path, arguments.get(container), request.amount)
        found = context.history.calls_by_number(known.get(mark, ()))
        return next(
            (call for call in found.values() if (call.identity.account, call.identity.recipe) in names), None
        )  # fmt: skip


def _read(context: Context, operation: Operation) -> dict[int, list[int]]:
    """The numbers of the payments on record, by where and how much they paid."""
    container, found = container_of(operation), dict[int, list[int]]()
    for account, recipe in context.others.names:
        for number, url, body, amount in context.history.sent_amounts(
            account, recipe, operation.full_name
        ):
            inside = sent_arguments(operation, path=url, body=body).get(container)
            found.setdefault(_mark(url, inside, Decimal(amount)), []).append(number)
    return found


def _mark(url: str, inside: Any, amount: Decimal) -> int:
    """A number of 64 bits for an amount in an object; equal amounts are one, whatever their zeros."""
    return hash((url.partition("?")[0], str(inside), amount))
