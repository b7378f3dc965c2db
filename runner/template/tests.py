"""The tests of the expression language, as in `row.n is odd` and `select('odd')`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from jinja2 import Undefined

from runner.template.values import EvaluationError, Undecided, Unknown, number, type_error


class Test(NamedTuple):
    """A test. `takes` are the kinds that it can be asked of, all where there are none."""

    function: Callable[..., Any]
    doc: str
    arguments: int = 0
    takes: frozenset[str] = frozenset()
    spelled: bool = True
    """Whether it can stand after `is`; the others are for select alone."""


_NUMBERS = frozenset({"integer", "decimal"})
_STRING = frozenset({"string"})


def _number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _rest(value: Any, by: Any, where: str) -> Any:
    divisor = number(by, where)
    if not divisor:
        raise EvaluationError(f"{where}: division by zero")
    try:
        return number(value, where) % divisor
    except ArithmeticError:
        raise EvaluationError(f"{where}: a number out of range") from None


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise EvaluationError(f"{where} needs a text")
    return value


TESTS: Mapping[str, Test] = {
    "boolean": Test(lambda value: isinstance(value, bool), "true or false"),
    "defined": Test(lambda value: not isinstance(value, Undefined), "it is there, null or not"),
    "undefined": Test(lambda value: isinstance(value, Undefined), "it is not there"),
    "divisibleby": Test(
        lambda value, by: not _rest(value, by, "divisibleby"), "a number that another divides", 1, _NUMBERS
    ),
    "even": Test(lambda value: not _rest(value, 2, "even"), "an even number", 0, _NUMBERS),
    "odd": Test(lambda value: bool(_rest(value, 2, "odd")), "an odd number", 0, _NUMBERS),
    "false": Test(lambda value: value is False, "false itself"),
    "true": Test(lambda value: value is True, "true itself"),
    "float": Test(lambda value: isinstance(value, Decimal), "a decimal"),
    "integer": Test(lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "iterable": Test(lambda value: isinstance(value, str | Mapping | list | tuple), "a list, an object or a text"),
    "lower": Test(lambda value: _text(value, "lower").islower(), "a text without capitals", 0, _STRING),
    "upper": Test(lambda value: _text(value, "upper").isupper(), "a text of capitals", 0, _STRING),
    "mapping": Test(lambda value: isinstance(value, Mapping), "an object"),
    "none": Test(lambda value: value is None, "null"),
    "number": Test(_number, "a number; true and false are none"),
    "sequence": Test(lambda value: isinstance(value, list | tuple), "a list"),
    "string": Test(lambda value: isinstance(value, str), "a text"),
    "in": Test(lambda value, among: value in among, "it is in a list, a text or the keys of an object", 1),
    **{
        name: Test(function, doc, 1, spelled=name.isalpha())
        for names, function, doc in (
            (("eq", "equalto", "=="), lambda a, b: a == b, "equal"),
            (("ne", "!="), lambda a, b: a != b, "not equal"),
            (("lt", "lessthan", "<"), lambda a, b: a < b, "less"),
            (("le", "<="), lambda a, b: a <= b, "less or equal"),
            (("gt", "greaterthan", ">"), lambda a, b: a > b, "greater"),
            (("ge", ">="), lambda a, b: a >= b, "greater or equal"),
        )
        for name in names
    },
}  # fmt: skip

_OF_UNDEFINED = ("defined", "undefined")


def decided(name: str, value: Any, arguments: Sequence[Any] = ()) -> Any:
    """The verdict of a test. Raises Undecided where it needs a value that is not known yet, and EvaluationError."""
    for each in (value, *arguments):
        if isinstance(each, Unknown):
            raise Undecided(each.origin)
        if isinstance(each, Undefined) and name not in _OF_UNDEFINED:
            str(each)  # raises, with the name that is undefined
    try:
        return TESTS[name].function(value, *arguments)
    except TypeError as error:
        raise EvaluationError(f"{name}: {type_error(error)}") from None
