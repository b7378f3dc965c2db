"""Filters that give numbers: exact, half up, and never a float."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from runner.template.registry import Anything, Number, Numeric, Whole, Words, filter_
from runner.template.values import EvaluationError, digits, number, to_text

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_METHODS = {
    "common": ROUND_HALF_UP,
    "ceil": ROUND_CEILING,
    "floor": ROUND_FLOOR,
    "trunc": ROUND_DOWN,
}
_QUANTA = [Decimal(1).scaleb(-places) for places in range(21)]
_ZEROS = [Decimal(0).scaleb(-places) for places in range(21)]
_NONE = object()


@filter_("abs", gives="number", doc="the number without its sign")
def absolute(value: Number) -> Any:
    return abs(number(value, "abs"))


@filter_("decimal", "float", gives="converted", usage="decimal or decimal(0)",
         doc="an exact decimal; `default` in place of a text that is no number")  # fmt: skip
def decimal(value: Numeric, default: Anything = _NONE) -> Any:
    found = _read(value, "decimal", default)
    return found if found is default else Decimal(found)


def _read(value: Numeric, where: str, default: Any) -> Any:
    """The number that a value is, or the default of a text that is none."""
    if not isinstance(value, str):
        return number(value, where)
    if NUMBER.match(value.strip()):
        return number(Decimal(value.strip()), where)
    if default is _NONE:
        raise EvaluationError(f"{where}: {value[:40]!r} is not a number")
    return default


@filter_("int", gives="converted", usage="int or int(0)",
         doc="a whole number; `default` in place of a text that is no number; a fraction is refused")  # fmt: skip
def integer(value: Numeric, default: Anything = _NONE, base: Whole = 10) -> Any:
    if base != 10 and isinstance(value, str):
        return _based(value, base, default)
    exact = _read(value, "int", default)
    if exact is default:
        return exact
    if exact != int(exact):
        raise EvaluationError(f"int: {to_text(exact)} is not a whole number; round it first")
    return int(exact)


def _based(value: str, base: int, default: Any) -> Any:
    if base not in (2, 8, 16):
        raise EvaluationError("int needs a base of 2, 8, 10 or 16")
    if len(value) > 1000:
        raise EvaluationError("int: the text is too long")
    try:
        return int(value, base)
    except ValueError:
        if default is _NONE:
            raise EvaluationError(f"int: {value[:40]!r} is not a number of base {base}") from None
        return default


@filter_("round", gives="decimal", usage="round(2) or round(2, 'floor')",
         doc="a decimal of so many places, half up; `'ceil'` or `'floor'` rounds to one side")  # fmt: skip
def round_(value: Number, precision: Whole = 0, method: Words = "common") -> Decimal:
    return rounded(value, precision, "round", method)


def rounded(value: Number, places: int, where: str, method: str = "common") -> Decimal:
    """`value` with so many places. Raises EvaluationError."""
    if method not in _METHODS:
        raise EvaluationError(f"{where} has no method {method!r}: 'common', 'ceil' or 'floor'")
    if not -20 <= places <= 20:
        raise EvaluationError(f"{where} needs -20 to 20 places")
    exact = value if type(value) is Decimal else Decimal(value)
    size = exact.adjusted()
    if not -99 < size < 27 - max(places, 0):
        number(exact, where)
        if size + places >= 27:  # beyond the digits that decimal arithmetic keeps exact
            raise EvaluationError(f"{where}: the number is too large")
    if places < 0:
        return Decimal(int(exact.quantize(Decimal(1).scaleb(-places), _METHODS[method])))
    return exact.quantize(_QUANTA[places], _METHODS[method]) or _ZEROS[places]  # no -0.00


@filter_("money", gives="string", usage="money or money('$')",
         doc="an amount with two places and thousands: 1,234.50, with the `currency` before it")  # fmt: skip
def money(
    value: Number,
    currency: Words = "",
    places: Whole = 2,
    thousands: Words = ",",
    point: Words = ".",
) -> str:
    exact = rounded(value, places, "money")
    whole, _, fraction = digits(abs(exact)).partition(".")
    grouped = f"{int(whole):,}".replace(",", thousands)
    sign = "-" if exact < 0 else ""
    return f"{sign}{currency}{grouped}{point if fraction else ''}{fraction}"
