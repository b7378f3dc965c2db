"""Sums of numbers with all their digits, however many they are: the reckoner's own default rounds after 28."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

EXACT = Context(prec=10_000, Emin=-99_999, Emax=99_999, traps=[Inexact, InvalidOperation])
"""More digits than a number of a template may have; what would be rounded all the same is an ArithmeticError."""


def exact_sum(numbers: Iterable[int | Decimal]) -> Decimal:
    """The sum of numbers, 0 of none."""
    with localcontext(EXACT):
        return Decimal(sum(numbers))
