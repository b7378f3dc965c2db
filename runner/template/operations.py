"""What the parts of an expression do with values: keys first and never methods, exact numbers, Unknown passing through.

What is not there is Jinja's StrictUndefined, a value like others until somebody uses it: then it raises, by its name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined

from runner.problems import nearest
from runner.template.filters import MAX_TEXT
from runner.template.values import EvaluationError, Unknown, kind, number, to_text

_NUMBERS = frozenset({int, Decimal})


def member(of: Any, key: Any) -> Any:
    """`of.key` and `of[key]`: the value under a key, or an element of a list; undefined where there is none."""
    if type(of) is dict and type(key) is str and key in of:  # most are
        return of[key]
    if isinstance(key, Undefined) or isinstance(of, Undefined):
        str(key), str(of)  # whichever is undefined raises
    if isinstance(key, Unknown):
        return key
    if isinstance(of, Unknown):
        return of.child(key)
    if isinstance(of, Mapping):
        if key in of:
            return of[key]
        remedy = nearest(str(key), map(str, of), noun="keys")
        return StrictUndefined(hint=f"there is no {key!r}" + (f"; {remedy}" if remedy else ""))
    if isinstance(of, list | tuple) and isinstance(key, int) and not isinstance(key, bool):
        if -len(of) <= key < len(of):
            return of[key]
        return StrictUndefined(hint=f"the list has {len(of)} elements, no element {key}")
    return StrictUndefined(hint=f"{kind(of)} has no {key!r}")


def _arithmetic(sign: str, reckon: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator on two numbers; `+` puts two texts together as well."""
    where = repr(sign)

    def operate(left: Any, right: Any) -> Any:
        if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
            _defined(left, right)
            for side in (left, right):
                if isinstance(side, Unknown):
                    return side
            if sign == "+" and isinstance(left, str) and isinstance(right, str):
                return concat([left, right])
        a, b = number(left, where), number(right, where)
        if b == 0 and sign in ("/", "//", "%"):
            raise EvaluationError(f"{where}: division by zero")
        try:
            return number(reckon(a, b), where)
        except ArithmeticError:
            raise EvaluationError(f"{where}: a number out of range") from None

    return operate


def _divided(a: int | Decimal, b: int | Decimal) -> Decimal:
    return Decimal(a) / Decimal(b)


def _floored(a: int | Decimal, b: int | Decimal) -> tuple[Any, Any]:
    """Quotient and rest, the quotient rounded down."""
    if isinstance(a, int) and isinstance(b, int):
        return divmod(a, b)
    quotient, rest = divmod(Decimal(a), Decimal(b))
    if rest and (rest < 0) != (b < 0):  # Decimal cuts off where int rounds down
        return quotient - 1, rest + b
    return quotient, rest


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    sign: _arithmetic(sign, reckon)
    for sign, reckon in (
        ("+", operator.add), ("-", operator.sub), ("*", operator.mul), ("/", _divided),
        ("//", lambda a, b: _floored(a, b)[0]), ("%", lambda a, b: _floored(a, b)[1]),
    )
}  # fmt: skip
"""The operators between two values, by how they are written."""


def negative(value: Any) -> Any:
    """`-value`."""
    return value if isinstance(value, Unknown) else -_signed(value, "-")


def positive(value: Any) -> Any:
    """`+value`."""
    return value if isinstance(value, Unknown) else +_signed(value, "+")


def _signed(value: Any, sign: str) -> int | Decimal:
    _defined(value)
    return number(value, repr(sign))


def _defined(*values: Any) -> None:
    for value in values:
        if isinstance(value, Undefined):
            str(value)  # raises, with the name that is undefined


def concat(parts: Sequence[Any]) -> Any:
    """Texts side by side (`~`); unknown as soon as one part is."""
    if set(map(type, parts)) == {str}:
        return _joined(parts)
    _defined(*parts)
    texts = [part if isinstance(part, Unknown) else to_text(part) for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    text = _joined(known)
    return text if len(known) == len(texts) else Unknown.text(texts)


def _joined(texts: Sequence[str]) -> str:
    if sum(map(len, texts)) > MAX_TEXT:
        raise EvaluationError(f"the text becomes longer than {MAX_TEXT} characters")
    return "".join(texts)
