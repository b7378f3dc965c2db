"""The filters of the expression language. Each takes and gives plain data; money stays Decimal."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jinja2 import Undefined

from runner.template.values import (
    EvaluationError,
    Unknown,
    is_near,
    kind,
    number,
    to_text,
    type_error,
)

MAX_TEXT = 1_000_000
"""Characters that an expression may produce."""

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_DATE_FORMAT = re.compile(r"(?:[^%]|%%|%-?[YmdbBaAyj])*\Z")


_QUANTA = [Decimal(1).scaleb(-places) for places in range(21)]
_ZEROS = [Decimal(0).scaleb(-places) for places in range(21)]
PLAIN = frozenset({str, int, Decimal, bool, type(None), dt.date, dict, list})
"""The types of values that are neither undefined nor unknown, which is looked at no further."""


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise EvaluationError(f"{where} needs a list, not {kind(value)}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise EvaluationError(f"{where} needs a text, not {kind(value)}")
    return value


def _whole(value: Any, where: str) -> int:
    exact = number(value, where)
    if exact != int(exact):
        raise EvaluationError(f"{where} needs a whole number, not {to_text(exact)}")
    return int(exact)


def _attribute(element: Any, name: str, where: str) -> Any:
    if isinstance(element, Unknown):
        return element.child(name)
    if not isinstance(element, Mapping) or name not in element:
        raise EvaluationError(f"{where}: an element has no {name!r}")
    return element[name]


def _default(value: Any, fallback: Any, empty: bool = False) -> Any:  # noqa: FBT001, FBT002 - template syntax
    missing = isinstance(value, Undefined) or value is None
    return fallback if missing or (empty and value == "") else value


def _decimal(value: Any, where: str = "decimal") -> Decimal:
    if isinstance(value, str):
        if not NUMBER.match(value.strip()):
            raise EvaluationError(f"{where}: {value[:40]!r} is not a number")
        return Decimal(number(Decimal(value.strip()), where))
    return Decimal(number(value, where))


def _int(value: Any) -> int:
    exact = _decimal(value, "int")
    if exact != exact.to_integral_value():
        raise EvaluationError(f"int: {to_text(exact)} is not a whole number; round it first")
    return int(exact)


def _round(value: Any, places: int = 0) -> Decimal:
    places = places if type(places) is int else _whole(places, "round")
    if not 0 <= places <= 20:
        raise EvaluationError("round needs 0 to 20 places")
    exact = value if type(value) is Decimal else Decimal(number(value, "round"))
    size = exact.adjusted()
    if not -99 < size < 27 - places:
        number(exact, "round")
        if size + places >= 27:  # beyond the digits that decimal arithmetic keeps exact
            raise EvaluationError("round: the number is too large")
    return exact.quantize(_QUANTA[places], ROUND_HALF_UP) or _ZEROS[places]  # no -0.00


def _replace(value: Any, old: str, new: str) -> str:
    text = to_text(value)
    if not _text(old, "replace"):
        raise EvaluationError("replace needs a text to look for")
    if text.count(old) * len(_text(new, "replace")) + len(text) > MAX_TEXT:
        raise EvaluationError("replace makes the text too long")
    return text.replace(old, new)


def _join(value: Any, separator: str = "") -> Any:
    elements = _list(value, "join")
    parts = [element if isinstance(element, Unknown) else to_text(element) for element in elements]
    known = [part for part in parts if isinstance(part, str)]
    if sum(map(len, known)) + len(parts) * len(_text(separator, "join")) > MAX_TEXT:
        raise EvaluationError("join makes the text too long")
    if len(known) == len(parts):
        return separator.join(known)
    return Unknown.text([piece for part in parts for piece in (separator, part)][1:])


def _length(value: Any, where: str = "length") -> int:
    if not isinstance(value, str | Mapping | list | tuple):
        raise EvaluationError(f"{where} needs a list or a text, not {kind(value)}")
    return len(value)


def _end(value: Any, index: int, where: str) -> Any:
    elements = value if isinstance(value, str) else _list(value, where)
    if not elements:
        raise EvaluationError(
            f"{where}: the {'text' if isinstance(value, str) else 'list'} is empty"
        )
    return elements[index]


def _map(value: Any, attribute: str) -> list[Any]:
    return [_attribute(element, _text(attribute, "map"), "map") for element in _list(value, "map")]


def summed(values: Sequence[Any], where: str) -> Any:
    """The sum of numbers; unknown as soon as one is."""
    if not all(map(is_near, values)):
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        if unknown is not None:
            return unknown
        values = [number(value, where) for value in values]
    return number(sum(values, 0), where)


def _sum(value: Any, attribute: str = "") -> Any:
    elements = _list(value, "sum")
    return summed(
        [_attribute(element, attribute, "sum") for element in elements] if attribute else elements,
        "sum",
    )


def _sort(value: Any, attribute: str = "") -> list[Any]:
    elements = _list(value, "sort")
    return sorted(elements, key=(lambda e: _attribute(e, attribute, "sort")) if attribute else None)


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    seen: set[tuple[bool, Any]] = set()
    for element in _list(value, "unique"):
        if isinstance(element, Mapping | list | tuple):
            if element not in found:
                found.append(element)
        elif (isinstance(element, bool), element) not in seen:  # true is not 1
            seen.add((isinstance(element, bool), element))
            found.append(element)
    return found


def _extreme(value: Any, pick: Callable[..., Any], where: str) -> Any:
    elements = _list(value, where)
    if not elements:
        raise EvaluationError(f"{where}: the list is empty")
    return pick(elements)


def _days(value: Any, count: int) -> dt.date:
    if not isinstance(value, dt.date):
        raise EvaluationError(f"days needs a date, not {kind(value)}")
    try:
        return value + dt.timedelta(days=_whole(count, "days"))
    except OverflowError:
        raise EvaluationError("days: no such date") from None


def _date(value: Any, pattern: str) -> str:
    if not isinstance(value, dt.date):
        raise EvaluationError(f"date needs a date, not {kind(value)}")
    if len(_text(pattern, "date")) > 100 or not _DATE_FORMAT.match(pattern):
        raise EvaluationError("date: a format of %Y %m %d %b %B %a %A %y %j and text is needed")
    return value.strftime(pattern)


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": lambda value: abs(number(value, "abs")),
    "count": lambda value: _length(value, "count"),
    "date": _date,
    "days": _days,
    "decimal": lambda value: _decimal(value),
    "default": _default,
    "first": lambda value: _end(value, 0, "first"),
    "int": _int,
    "join": _join,
    "last": lambda value: _end(value, -1, "last"),
    "length": lambda value: _length(value),
    "lower": lambda value: to_text(value).lower(),
    "map": _map,
    "max": lambda value: _extreme(value, max, "max"),
    "min": lambda value: _extreme(value, min, "min"),
    "replace": _replace,
    "round": _round,
    "sort": _sort,
    "sum": _sum,
    "text": to_text,
    "trim": lambda value: to_text(value).strip(),
    "unique": _unique,
    "upper": lambda value: to_text(value).upper(),
}
"""Filters that see only their value and arguments. `total` and `where` take an expression: see compiled.py."""

USAGE = {
    "date": "date('%m/%d/%Y')",
    "days": "days(7)",
    "default": "default('none given')",
    "join": "join(', ')",
    "map": "map('sku')",
    "replace": "replace('old', 'new')",
    "round": "round(2)",
    "sort": "sort or sort('sku')",
    "sum": "sum or sum('quantity')",
}
"""How a filter with arguments is written."""


def accepts(name: str, arguments: Sequence[Any], keywords: Sequence[str]) -> bool:
    """Whether the filter can be given these arguments."""
    try:
        inspect.signature(FILTERS[name]).bind(None, *arguments, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def bound(name: str, given: Sequence[tuple[str | None, Any]] = ()) -> Callable[[Any], Any]:
    """The filter with what it is `given` beside the value, by name or by place, as a function of the value alone.

    Unknown passes through it, and what is undefined is refused. Of `given` all has to be known.
    """
    function = _partial(FILTERS[name], given)

    def filtered(value: Any) -> Any:
        if type(value) not in PLAIN:
            if isinstance(value, Undefined) and name != "default":
                str(value)  # raises, with the name that is undefined
            if isinstance(value, Unknown):
                return value
        try:
            return function(value)
        except TypeError as error:
            raise EvaluationError(f"{name}: {type_error(error)}") from None
        except (ValueError, ArithmeticError) as error:
            raise EvaluationError(f"{name}: {error}") from None

    return filtered


def _partial(
    function: Callable[..., Any], given: Sequence[tuple[str | None, Any]]
) -> Callable[[Any], Any]:
    if not given:
        return function
    if (
        len(given) == 1 and given[0][0] is None
    ):  # most are; it costs half of what a call with stars does
        only = given[0][1]
        return lambda value: function(value, only)
    places = [one for key, one in given if key is None]
    names = {key: one for key, one in given if key is not None}
    return lambda value: function(value, *places, **names)


def applied(name: str, value: Any, given: Sequence[tuple[str | None, Any]]) -> Any:
    """What the filter makes of a value, with what it is `given` for this one. Raises EvaluationError."""
    every = [value, *(one for _, one in given)]
    for one in every[1:] if name == "default" else every:
        if isinstance(one, Undefined):
            str(one)  # raises, with the name that is undefined
    for one in every:
        if isinstance(one, Unknown):
            return one
    return bound(name, given)(value)
