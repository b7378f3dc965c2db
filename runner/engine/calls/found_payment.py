"""A payment that a search finds: the one that would be sent has its amount, and is not what another row has created.

What tells payments of one order apart is often nothing but a reference, which a customer uses for two transfers. So one
with another amount is another payment, and one that another row of the recipe has made is that row's. Either way it is
for a person to see which it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from runner.catalogue import Request, of_entry
from runner.engine.calls.diff import alike, literal
from runner.engine.calls.owners import made_by, said_maker
from runner.engine.calls.snapshot import id_of
from runner.engine.context import Context, Use

_ALLOW = "where it is this payment all the same: amount: {found: allow} in the step"


def not_this_payment(
    context: Context, use: Use, request: Request, found: Any, keys: Collection[str]
) -> str:
    """Say why what a search finds is not the payment of a row that has these keys; "" where it may be."""
    search, operation = use.step.unless_found, use.operation
    if search is None or not operation.money or use.step.amount.found:
        return ""
    name = id_of(operation, found)
    item = of_entry(context.catalogue.operation(search.operation), found)
    there = item.get(operation.money) if isinstance(item, Mapping) else None
    amount = request.amount
    if isinstance(amount, Decimal) and there is not None and not alike(amount, there):
        return (
            f"unless_found: {name} has {operation.money} {literal(there)}, and this payment is one of {amount:f}; "
            f"nothing was sent; {_ALLOW}"
        )
    made = made_by(operation, request.path, found)
    other = context.history.maker(context.account, operation.full_name, made) if made else None
    if other is None or other.identity.recipe != context.recipe.name:
        return ""
    own = [use.identity.key] if other.identity.per == "once" else keys
    if other.identity.per == use.identity.per and other.identity.key in own:
        return ""
    return f"unless_found: {said_maker(name, other)}; nothing was sent; {_ALLOW}"
