"""Amounts of operations that move money: refused when zero, negative, or finer than their currency."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

DECIMALS = 2
"""Decimals of an amount unless the API's document or the step changes them."""

MOST_DECIMALS = 12
"""The most that a document or a step may set."""


class AmountRules(NamedTuple):
    """The amounts that a step lets pass besides those above zero. `decimals` replaces those of the operation.

    `repeated`: also one that another recipe has paid in the same object. `found`: a payment that the search finds is
    taken for the row's, whatever its amount is and whoever has made it.
    """

    zero: bool = False
    negative: bool = False
    decimals: int | None = None
    repeated: bool = False
    found: bool = False


def amount_defect(amount: Decimal, rules: AmountRules, *, decimals: int) -> str:
    """Return why an amount is not sent, with the remedy; "" where it may be. `decimals` are the operation's."""
    if not amount and not rules.zero:
        return (
            "0 moves no money; skip the step with 'when', or allow it: amount: {zero: allow}"
            " in the step"
        )
    if amount < 0 and not rules.negative:
        return f"{amount:f} is negative; allow it where it is meant: amount: {{negative: allow}} in the step"
    most = decimals if rules.decimals is None else rules.decimals
    count = decimals_of(amount)
    if count > most:
        digits = f"{count} decimal{'s' * (count != 1)}, and an amount has {most or 'none'}"
        allowed = f"amount: {{decimals: {count}}} in the step"
        return f"{amount:f} has {digits}; round it: | round({most}), or allow them: {allowed}"
    return ""


def decimals_of(amount: Decimal) -> int:
    """Return the number of significant digits after the point: 12.500 has one."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
