"""The sandboxed Jinja environment: keys first and never methods, exact numbers, Unknown passing through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.problems import nearest
from runner.template.filters import FILTERS, MAX_TEXT, guarded
from runner.template.values import EvaluationError, Undecided, Unknown, kind, number, to_text

CONCAT = "concat of texts"
"""The filter that `~` becomes; no recipe can name it."""


_NUMBERS = frozenset({int, Decimal})


class _Environment(ImmutableSandboxedEnvironment):
    """Keys first and never methods; numbers only in arithmetic; Unknown passes through."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])
    intercepted_unops = frozenset(["-", "+"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict and type(argument) is str and argument in obj:  # most are
            return obj[argument]
        if isinstance(argument, Undefined) or isinstance(obj, Undefined):
            str(argument), str(obj)  # whichever is undefined raises
        if isinstance(argument, Unknown):
            return argument
        if isinstance(obj, Unknown):
            return obj.child(argument)
        if isinstance(obj, Mapping):
            if argument in obj:
                return obj[argument]
            remedy = nearest(str(argument), map(str, obj), noun="keys")
            return self.undefined(hint=f"there is no {argument!r}" + (f"; {remedy}" if remedy else ""))
        if isinstance(obj, list | tuple) and isinstance(argument, int) and not isinstance(argument, bool):
            if -len(obj) <= argument < len(obj):
                return obj[argument]
            return self.undefined(hint=f"the list has {len(obj)} elements, no element {argument}")
        return self.undefined(hint=f"{kind(obj)} has no {argument!r}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
            for side in (left, right):
                if isinstance(side, Undefined):
                    str(side)
            for side in (left, right):
                if isinstance(side, Unknown):
                    return side
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return concat([left, right])
        a, b = number(left, repr(operator)), number(right, repr(operator))
        if operator in ("/", "//", "%") and b == 0:
            raise EvaluationError(f"{operator!r}: division by zero")
        try:
            return number(self._reckoned(context, operator, a, b), repr(operator))
        except ArithmeticError:
            raise EvaluationError(f"{operator!r}: a number out of range") from None

    def _reckoned(self, context: Context, operator: str, a: int | Decimal, b: int | Decimal) -> Any:
        if operator == "/":
            return Decimal(a) / Decimal(b)
        if operator in ("//", "%") and not (isinstance(a, int) and isinstance(b, int)):
            quotient, rest = divmod(Decimal(a), Decimal(b))
            if rest and (rest < 0) != (b < 0):  # Decimal cuts off where int rounds down
                quotient, rest = quotient - 1, rest + b
            return quotient if operator == "//" else rest
        return super().call_binop(context, operator, a, b)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        if isinstance(arg, Unknown):
            return arg
        if isinstance(arg, Undefined):
            str(arg)
        return super().call_unop(context, operator, number(arg, repr(operator)))


def concat(parts: Sequence[Any]) -> Any:
    """Texts side by side (`~`); unknown as soon as one part is."""
    if set(map(type, parts)) == {str}:
        return _joined(parts)
    for part in parts:
        if isinstance(part, Undefined):
            str(part)
    texts = [part if isinstance(part, Unknown) else to_text(part) for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    text = _joined(known)
    return text if len(known) == len(texts) else Unknown.text(texts)


def _joined(texts: Sequence[str]) -> str:
    if sum(map(len, texts)) > MAX_TEXT:
        raise EvaluationError(f"the text becomes longer than {MAX_TEXT} characters")
    return "".join(texts)


def _is_odd(value: Any, test: str) -> bool:
    return bool(number(value, test) % 2)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _in(value: Any, among: Any) -> bool:
    return value in among


TESTS: dict[str, Callable[..., Any]] = {
    "even": lambda value: not _is_odd(value, "even"),
    "in": _in,
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": _is_number,
    "odd": lambda value: _is_odd(value, "odd"),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
}
"""Tests of a value that is there; `defined` and `undefined` are added to them."""


def _decided(test: Callable[..., Any]) -> Callable[..., Any]:
    def decided(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Undefined):
                str(value)  # raises, with the name that is undefined
        return _defined(test)(*values)

    return decided


def _defined(test: Callable[..., Any]) -> Callable[..., Any]:
    def defined(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Unknown):
                raise Undecided(value.origin)
        return test(*values)

    return defined


def _environment() -> _Environment:
    # Blocks and comments get marks that no text has: what looks like one is found in the tokens and refused.
    environment = _Environment(
        block_start_string="\0%", block_end_string="%\0", comment_start_string="\0#", comment_end_string="#\0",
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, cache_size=0,
    )  # fmt: skip
    environment.globals.clear()
    environment.tests = {name: _decided(test) for name, test in TESTS.items()} | {
        "defined": _defined(lambda value: not isinstance(value, Undefined)),
        "undefined": _defined(lambda value: isinstance(value, Undefined)),
    }
    environment.filters = {name: guarded(name, function) for name, function in FILTERS.items()}
    environment.filters[CONCAT] = concat
    return environment


ENVIRONMENT = _environment()
