"""The registry of filters: the function, what it takes and gives, and a line for the documents, in one place.

A filter is a function that is registered by `filter_`. Its annotations are words of `TAKES`: they say what kinds of
values the checker of recipes lets through, and are checked and converted before the function is called. `gives` is a
kind, or the name of a rule of `runner.recipe.typecheck.filters`.
"""

from __future__ import annotations

import datetime as dt
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from jinja2 import Undefined

from runner.template.values import EvaluationError, Unknown, is_near, kind, number, to_text

Anything: TypeAlias = Any
Maybe: TypeAlias = Any
"""Anything, or something undefined."""
Textual: TypeAlias = str
"""A value that has a text; the function gets the text."""
Words: TypeAlias = str
Number: TypeAlias = int | Decimal
Numeric: TypeAlias = int | Decimal | str
"""A number, or a text that is to be one."""
Whole: TypeAlias = int
Truth: TypeAlias = bool
Day: TypeAlias = dt.date
Dated: TypeAlias = dt.date | str
"""A date, or a text that is to be one."""
Elements: TypeAlias = Sequence[Any]
Entries: TypeAlias = Mapping[str, Any]
Countable: TypeAlias = Sequence[Any] | Mapping[str, Any]
Ordered: TypeAlias = Sequence[Any]
"""A list or a text."""
Attribute: TypeAlias = str | int | None
FilterName: TypeAlias = str
TestName: TypeAlias = str
DayFormat: TypeAlias = str
"""How a day is written, as in %m/%d/%Y."""
ReadFormat: TypeAlias = str
Pattern: TypeAlias = str

_ALL: Final = frozenset({"string", "integer", "decimal", "boolean", "date"})
TAKES: Mapping[str, frozenset[str]] = {
    "Anything": frozenset(),
    "Maybe": frozenset(),
    "Textual": _ALL,
    "Words": frozenset({"string"}),
    "Number": frozenset({"integer", "decimal"}),
    "Numeric": frozenset({"integer", "decimal", "string"}),
    "Whole": frozenset({"integer", "decimal"}),
    "Truth": frozenset({"boolean"}),
    "Day": frozenset({"date"}),
    "Dated": frozenset({"date", "string"}),
    "Elements": frozenset({"list"}),
    "Entries": frozenset({"object"}),
    "Countable": frozenset({"list", "string", "object"}),
    "Ordered": frozenset({"list", "string"}),
    "Attribute": frozenset({"string", "integer"}),
    "FilterName": frozenset({"string"}),
    "TestName": frozenset({"string"}),
    "DayFormat": frozenset({"string"}),
    "ReadFormat": frozenset({"string"}),
    "Pattern": frozenset({"string"}),
}
"""The kinds that each word lets through; all where there are none."""

_NEEDED = {
    "Words": "a text",
    "Number": "a number",
    "Numeric": "a number",
    "Whole": "a whole number",
    "Truth": "true or false",
    "Day": "a date",
    "Dated": "a date",
    "Elements": "a list",
    "Entries": "an object",
    "Countable": "a list or a text",
    "Ordered": "a list",
    "Attribute": "the name of a field",
    "FilterName": "the name of a filter",
    "TestName": "the name of a test",
    "DayFormat": "a format as text",
    "ReadFormat": "a format as text",
    "Pattern": "a pattern as text",
}
WRITTEN: dict[str, Callable[[Any, str], object]] = {}
"""Checks of arguments that are written out, by the words that have one: they raise EvaluationError."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "date": (dt.date,), "boolean": (bool,), "list": (list, tuple), "object": (Mapping,),
    "integer": (int,), "decimal": (Decimal,),
}  # fmt: skip


class Parameter(NamedTuple):
    """A parameter of a filter beside the value. `many`: it takes any number of arguments, by place or by name."""

    name: str
    takes: str
    default: Any = inspect.Parameter.empty
    many: bool = False

    @property
    def required(self) -> bool:
        """Whether a call has to give it."""
        return self.default is inspect.Parameter.empty and not self.many


class Filter(NamedTuple):
    """A filter. `gives` is what the checker takes from it, `doc` and `usage` are for people."""

    name: str
    function: Callable[..., Any]
    gives: str
    doc: str
    usage: str

    @property
    def takes(self) -> str:
        """The word for what it filters."""
        return _signature(self.function)[0].takes

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it is given beside the value."""
        return _signature(self.function)[1:]


FILTERS: dict[str, Filter] = {}
"""Every filter by each of its names. `total` and `where`, which take an expression, are in compiled.py."""


def filter_(
    *names: str, gives: str, doc: str, usage: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the filter of these names."""

    def registered(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            FILTERS[name] = Filter(name, function, gives, doc, usage or name)
        return function

    return registered


@cache
def _signature(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    found = []
    for each in inspect.signature(function).parameters.values():
        many = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        word = str(each.annotation).removesuffix(" | None")
        found.append(Parameter(each.name, word, each.default, many))
    return tuple(found)


class Given(NamedTuple):
    """Arguments of a call by the parameters that take them."""

    parameters: tuple[Parameter, ...]
    wrong: str = ""


def assigned(
    parameters: Sequence[Parameter], count: int, keywords: Sequence[str]
) -> tuple[Parameter, ...] | None:
    """The parameters that take `count` arguments by place and those by name; None where they cannot."""
    rest = [each for each in parameters if each.many]
    places = list(itertools.takewhile(lambda each: not each.many, parameters))
    if count > len(places) and not rest:
        return None
    taken = places[:count] + [rest[0]] * max(0, count - len(places)) if rest else places[:count]
    by_name = [each for each in parameters if not each.many][len(places) :]
    left = {each.name: each for each in (*places[count:], *by_name)}
    for keyword in keywords:
        if keyword in left:
            taken.append(left.pop(keyword))
        elif rest:
            taken.append(rest[-1])
        else:
            return None
    return None if any(each.required for each in left.values()) else tuple(taken)


def taken(value: Any, word: str, where: str) -> Any:
    """`value` as a function gets it that takes `word`. Raises EvaluationError."""
    if word in ("Anything", "Maybe"):
        return value
    if word == "Textual":
        return value if type(value) is str else to_text(value)
    if word in ("Number", "Whole"):
        exact = value if is_near(value) else number(value, where)
        if word == "Number":
            return exact
        if exact != int(exact):
            raise EvaluationError(f"{where} needs a whole number, not {to_text(exact)}")
        return int(exact)
    if not fits(value, word):
        raise EvaluationError(f"{where} needs {_NEEDED[word]}, not {kind(value)}")
    return value


def fits(value: Any, word: str) -> bool:
    """Whether a value is of a kind that `word` lets through."""
    kinds = TAKES[word]
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _TYPES[each]) for each in kinds)


FAST: Mapping[str, frozenset[type]] = {
    "Textual": frozenset({str}),
    "Words": frozenset({str}),
    "Number": frozenset({int, Decimal}),
    "Day": frozenset({dt.date}),
    "Elements": frozenset({list}),
    "Entries": frozenset({dict}),
    "Countable": frozenset({list, str, dict}),
    "Ordered": frozenset({list, str}),
}
"""The types of values that need no second look before they are taken."""

PLAIN = frozenset({str, int, Decimal, bool, type(None), dt.date, dict, list})
"""The types of values that are neither undefined nor unknown, which is looked at no further."""


def settled(value: Any) -> bool:
    """Whether a value is known. Raises what an undefined one raises."""
    if isinstance(value, Undefined):
        str(value)  # raises, with the name that is undefined
    return not isinstance(value, Unknown)
