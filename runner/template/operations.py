"""What the parts of an expression do with values: keys first and never methods, exact numbers, Unknown passing through.

What is not there is Jinja's StrictUndefined, a value like others until somebody uses it: then it raises, by its name.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined

from runner.problems import nearest
from runner.template.dates import PARTS
from runner.template.filters import MAX_TEXT
from runner.template.registry import taken
from runner.template.texts import filled_in, format_, names_of
from runner.template.values import (
    NEAR,
    WIDE,
    Answer,
    Compute,
    EvaluationError,
    Group,
    Index,
    Nameless,
    Scope,
    Unknown,
    digits,
    is_blank,
    is_near,
    kind,
    number,
    takeable,
    to_text,
)
from runner.template.work import LONG, NUMBER_SIZE, make, spend

_NO_NAME = "the name that it is asked for by has no value"


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
    if isinstance(of, Index) and is_blank(key):
        return StrictUndefined(hint=_NO_NAME)
    if isinstance(of, Mapping):
        if key in of:
            return of[key]
        if isinstance(of, Answer) and key in of.declared:
            return None
        if is_blank(key):
            return StrictUndefined(hint=_NO_NAME)
        remedy = nearest(str(key), map(str, of), noun="keys")
        return StrictUndefined(hint=f"there is no {key!r}" + (f"; {remedy}" if remedy else ""))
    takeable(of)
    if isinstance(of, list | tuple | str) and isinstance(key, int) and not isinstance(key, bool):
        if -len(of) <= key < len(of):
            return of[key]
        what, parts = ("text", "characters") if isinstance(of, str) else ("list", "elements")
        return StrictUndefined(
            hint=f"the {what} has {len(of)} {parts}, no {parts.removesuffix('s')} {key}"
        )
    if isinstance(of, dt.date) and key in PARTS:
        return getattr(of, PARTS[key])
    if isinstance(of, Group) and key in ("grouper", "list"):
        return of.member(key)
    return StrictUndefined(hint=f"{kind(of)} has no {key!r}")


def cut(of: Any, start: Any, stop: Any, step: Any) -> Any:
    """`of[start:stop:step]` of a list or a text."""
    _defined(of, start, stop, step)
    for each in (of, start, stop, step):
        if isinstance(each, Unknown):
            return each
    if not isinstance(of, list | tuple | str):
        raise EvaluationError(f"[:] needs a list or a text, not {kind(of)}")
    ends = [None if each is None else taken(each, "Whole", "[:]") for each in (start, stop, step)]
    if ends[2] == 0:
        raise EvaluationError("[:] needs a step other than 0")
    found = of[slice(*ends)]
    if isinstance(of, Nameless):
        return Nameless(found, of.why)
    return list(found) if isinstance(found, tuple | Group) else found


MAX_RANGE = 10_000


def numbers_of(ends: Sequence[Any]) -> Any:
    """`range(stop)`, `range(start, stop)`, `range(start, stop, step)` as a list."""
    _defined(*ends)
    for each in ends:
        if isinstance(each, Unknown):
            return each
    numbers = [taken(each, "Whole", "range") for each in ends]
    if len(numbers) == 3 and not numbers[2]:
        raise EvaluationError("range needs a step other than 0")
    found = range(*numbers)
    if found[MAX_RANGE:]:  # its length may be more than len() can give
        raise EvaluationError(f"range gives more than {MAX_RANGE:,} numbers")
    spend(len(found))
    make(len(found) * NUMBER_SIZE)
    return list(found)


def arithmetic(sign: str, left: Compute, right: Compute) -> Compute:
    """An operator on two numbers; `+` puts two texts together as well."""
    reckon, where = _RECKONED[sign], repr(sign)

    def reckoned(scope: Scope) -> Any:
        a, b = left(scope), right(scope)
        one, other = (
            type(a),
            type(b),
        )  # is_near of both, written out: calls cost as much as what they find out
        near = (a.adjusted() in NEAR if one is Decimal else one is int and -WIDE < a < WIDE) and (
            b.adjusted() in NEAR if other is Decimal else other is int and -WIDE < b < WIDE
        )
        if not near and (found := _without_reckoning(sign, a, b)) is not None:
            return found
        try:
            found = reckon(a, b)
        except ZeroDivisionError:
            raise EvaluationError(f"{where}: division by zero") from None
        except ArithmeticError:
            raise EvaluationError(f"{where}: a number out of range") from None
        return found if near else number(found, where)

    return reckoned


def _without_reckoning(sign: str, left: Any, right: Any) -> Any:
    """What comes of an operator where there is nothing to reckon, None where there is: two numbers, however large."""
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return concat([left, right])
    _defined(left, right)
    for side in (left, right):
        if isinstance(side, Unknown):
            return side
    if sign == "+" and isinstance(left, list) and isinstance(right, list):
        spend(len(left) + len(right))
        if len(left) + len(right) > MAX_TEXT:
            raise EvaluationError("'+' makes the list too long")
        nameless = next((each for each in (left, right) if isinstance(each, Nameless)), None)
        make((len(left) + len(right)) * 8)
        found = [*left, *right]
        return found if nameless is None else Nameless(found, nameless.why)
    if sign == "%" and isinstance(left, str):
        if isinstance(right, Mapping) and names_of(left):
            return filled_in(left, named=right)
        return format_(left, *(right if isinstance(right, list) else [right]))
    if sign == "-" and isinstance(left, dt.date) and isinstance(right, dt.date):
        return (left - right).days
    number(left, repr(sign)), number(right, repr(sign))
    return None


def _divided(a: int | Decimal, b: int | Decimal) -> Decimal:
    if not b:
        raise ZeroDivisionError  # Decimal says of 0/0 that it is invalid
    return Decimal(a) / Decimal(b)


def _floored(a: int | Decimal, b: int | Decimal) -> tuple[Any, Any]:
    """Quotient and rest, the quotient rounded down."""
    if not b:
        raise ZeroDivisionError
    if isinstance(a, int) and isinstance(b, int):
        return divmod(a, b)
    quotient, rest = divmod(Decimal(a), Decimal(b))
    if rest and (rest < 0) != (b < 0):  # Decimal cuts off where int rounds down
        return quotient - 1, rest + b
    return quotient, rest


_RECKONED: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divided,
    "//": lambda a, b: _floored(a, b)[0], "%": lambda a, b: _floored(a, b)[1],
}  # fmt: skip


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


def side_by_side(
    parts: Sequence[str | Compute], read: Callable[[int, Any], Any] = lambda _, value: value
) -> Compute:
    """Texts beside what is computed; unknown as soon as one part is. Raises EvaluationError.

    `read` says how the value of a part reads that is neither a text nor a number of few digits, by the part's index:
    as text, as Unknown, or as it is where that is judged when all of them are there.
    """
    frame = [part if isinstance(part, str) else "" for part in parts]
    gaps = [(at, part) for at, part in enumerate(parts) if not isinstance(part, str)]
    written = sum(map(len, frame))

    def joined(scope: Scope) -> Any:
        pieces: list[Any] = frame.copy()
        length: float = written
        for at, compute in gaps:
            value = compute(scope)
            if type(value) is not str:
                value = digits(value) if is_near(value) else read(at, value)
            pieces[at] = value
            length += (
                len(value) if type(value) is str else math.inf
            )  # nothing that can be joined as it is
        if LONG < length <= MAX_TEXT:
            make(int(length))
        return "".join(pieces) if length <= MAX_TEXT else concat(pieces)

    return joined


def concat(parts: Sequence[Any]) -> Any:
    """Texts side by side (`~`); unknown as soon as one part is."""
    _defined(*parts)
    texts = [part if isinstance(part, Unknown) else to_text(part) for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    if sum(map(len, known)) > MAX_TEXT:
        raise EvaluationError(f"the text becomes longer than {MAX_TEXT} characters")
    return "".join(known) if len(known) == len(texts) else Unknown.text(texts)
