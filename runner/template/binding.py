"""Filters with their arguments as functions of a value: arguments bound, Unknown passing through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import Any

from jinja2 import Undefined

from runner.template.registry import (
    FAST,
    FILTERS,
    PLAIN,
    Filter,
    Parameter,
    assigned,
    settled,
    taken,
)
from runner.template.values import EvaluationError, Nameless, Unknown, type_error
from runner.template.work import LONG, make, spend

ELEMENT_WORK = 6
"""The work of a filter that goes through the elements of a list, for each; counting them is 1."""

_COUNTING = frozenset({"count", "length"})
_TAKING = frozenset({"first", "last", "max", "min", "one"})

Argument = tuple[str | None, Any]
"""An argument by its name, or by its place where the name is None."""


def accepts(name: str, count: int, keywords: Sequence[str]) -> tuple[Parameter, ...] | None:
    """Return the parameters that take `count` arguments by place and those by name; None where the filter cannot."""
    return assigned(FILTERS[name].parameters, count, keywords)


def bound(spec: Filter, given: Sequence[Argument] = ()) -> Callable[[Any], Any]:
    """Return the filter with its arguments as a function of the value alone.

    Unknown passes through it, and what is undefined is refused. Of the arguments all have to be known. Raises
    EvaluationError where one is none that the filter takes.
    """
    name = spec.name
    function, word = _partial(spec, given), spec.takes
    lenient, counted = word == "Maybe", word in ("Elements", "Countable", "Ordered")
    plain = word in ("Anything", "Maybe")
    fast = FAST.get(word, frozenset())
    weight = ELEMENT_WORK if word == "Elements" else 1

    def filtered(value: Any) -> Any:
        exact = type(value)
        if exact not in PLAIN and not (lenient and isinstance(value, Undefined)) and not settled(value):  # fmt: skip
            return value
        if exact is Nameless:
            return _of_nameless(name, value, filtered(list(value)))
        try:
            if not plain and exact not in fast:
                value = taken(value, word, name)
            if counted:
                spend(len(value) * weight)
            found = function(value)
        except TypeError as error:
            raise EvaluationError(f"{name}: {type_error(error)}") from None
        except (ValueError, ArithmeticError) as error:
            raise EvaluationError(f"{name}: {error}") from None
        exact = type(found)
        if (exact is str or exact is list) and len(found) > LONG:
            make(getsizeof(found))
        return found

    return filtered


def _of_nameless(name: str, value: Nameless, found: Any) -> Any:
    """What a filter makes of elements that nothing has named: a number of them, or a list that is no better."""
    if name in _COUNTING:
        return found
    if isinstance(found, list) and name not in _TAKING:
        return Nameless(found, value.why)
    raise EvaluationError(value.why)


def _partial(spec: Filter, given: Sequence[Argument]) -> Callable[[Any], Any]:
    """Return the function of a filter with its arguments, each checked and converted."""
    if not given:
        return spec.function
    function = spec.function
    count = sum(key is None for key, _ in given)
    takers = assigned(spec.parameters, count, [key for key, _ in given if key is not None])
    if takers is None:
        raise EvaluationError(f"{spec.name} is not given what it needs: {spec.usage}")
    values = [
        value if value is taker.default else taken(value, taker.takes, spec.name)
        for taker, (_, value) in zip(takers, given, strict=True)
    ]
    if len(given) == 1 and count:  # most are; it costs half of what a call with stars does
        only = values[0]
        return lambda value: function(value, only)
    places = [value for value, (key, _) in zip(values, given, strict=True) if key is None]
    names = {key: value for value, (key, _) in zip(values, given, strict=True) if key is not None}
    return lambda value: function(value, *places, **names)


def applied(spec: Filter, value: Any, given: Sequence[Argument]) -> Any:
    """Apply the filter to a value with arguments for this one. Raises EvaluationError."""
    for one in ([] if spec.takes == "Maybe" else [value]) + [each for _, each in given]:
        if isinstance(one, Undefined):
            str(one)  # raises, with the name that is undefined
    loose = any(each.many and each.name == "arguments" for each in spec.parameters)
    for one in [value, *([] if loose and spec.name == "format" else [each for _, each in given])]:
        if isinstance(one, Unknown):
            return one
    return bound(spec, given)(value)
