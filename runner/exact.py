"""Sums of numbers with all their digits. Decimal's default context rounds to 28 digits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

EXACT = Context(prec=10_000, Emin=-99_999, Emax=99_999, traps=[Inexact, InvalidOperation])
"""Context with more digits than a number of a template may have. Rounding raises ArithmeticError."""


def exact_sum(numbers: Iterable[int | Decimal]) -> Decimal:
    """Return the sum of numbers; 0 if there are none."""
    with localcontext(EXACT):
        return Decimal(sum(numbers))
