"""The methods of texts, objects and dates that people write: an allow-list, each a function of plain data."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any

from runner.template.dates import formatted
from runner.template.lists import items
from runner.template.registry import (
    Anything,
    Day,
    DayFormat,
    Elements,
    Entries,
    Filter,
    Whole,
    Words,
)
from runner.template.texts import beside, bounded, join, laid_out, replace
from runner.template.values import EvaluationError, Index, Unknown, is_blank

METHODS: dict[str, Filter] = {}
"""Every method by its name."""


def _method(
    *names: str, gives: str, usage: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def registered(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            METHODS[name] = Filter(name, function, gives, "", usage or f"{name}()")
        return function

    return registered


@_method("strip", gives="string")
def _strip(value: Words, chars: Words | None = None) -> str:
    return value.strip(chars)


@_method("lstrip", gives="string")
def _lstrip(value: Words, chars: Words | None = None) -> str:
    return value.lstrip(chars)


@_method("rstrip", gives="string")
def _rstrip(value: Words, chars: Words | None = None) -> str:
    return value.rstrip(chars)


@_method("upper", gives="string")
def _upper(value: Words) -> str:
    return bounded(value.upper(), "upper")


@_method("lower", gives="string")
def _lower(value: Words) -> str:
    return bounded(value.lower(), "lower")


@_method("title", gives="string")
def _title(value: Words) -> str:
    return bounded(value.title(), "title")


@_method("capitalize", gives="string")
def _capitalize(value: Words) -> str:
    return bounded(value.capitalize(), "capitalize")


@_method("split", gives="texts", usage="split(',')")
def _split(value: Words, sep: Words | None = None, maxsplit: Whole = -1) -> list[str]:
    if sep == "":
        raise EvaluationError("split needs a text to cut at")
    return value.split(sep, maxsplit)


@_method("rsplit", gives="texts", usage="rsplit('-', 1)")
def _rsplit(value: Words, sep: Words | None = None, maxsplit: Whole = -1) -> list[str]:
    if sep == "":
        raise EvaluationError("rsplit needs a text to cut at")
    return value.rsplit(sep, maxsplit)


@_method("splitlines", gives="texts")
def _splitlines(value: Words) -> list[str]:
    return value.splitlines()


@_method("join", gives="string", usage="', '.join(names)")
def _join(value: Words, iterable: Elements) -> Any:
    return join(iterable, value)


@_method("replace", gives="string", usage="replace('old', 'new')")
def _replace(value: Words, old: Words, new: Words, count: Whole = -1) -> Any:
    return replace(value, old, new, count)


@_method("startswith", gives="boolean", usage="startswith('A')")
def _startswith(value: Words, prefix: Words) -> bool:
    return value.startswith(prefix)


@_method("endswith", gives="boolean", usage="endswith('A')")
def _endswith(value: Words, suffix: Words) -> bool:
    return value.endswith(suffix)


@_method("removeprefix", gives="string", usage="removeprefix('A-')")
def _removeprefix(value: Words, prefix: Words) -> str:
    return value.removeprefix(prefix)


@_method("removesuffix", gives="string", usage="removesuffix('-A')")
def _removesuffix(value: Words, suffix: Words) -> str:
    return value.removesuffix(suffix)


@_method("count", gives="integer", usage="count(',')")
def _count(value: Words, sub: Words) -> int:
    return value.count(sub)


@_method("find", gives="integer", usage="find('-')")
def _find(value: Words, sub: Words) -> int:
    return value.find(sub)


@_method("isdigit", "isnumeric", "isdecimal", gives="boolean")
def _isdigit(value: Words) -> bool:
    return value.isascii() and value.isdigit()


@_method("isalpha", gives="boolean")
def _isalpha(value: Words) -> bool:
    return value.isalpha()


@_method("isupper", gives="boolean")
def _isupper(value: Words) -> bool:
    return value.isupper()


@_method("islower", gives="boolean")
def _islower(value: Words) -> bool:
    return value.islower()


def _widened(width: int, how: Callable[[int], str], where: str) -> str:
    if width > 10_000:
        raise EvaluationError(f"{where} makes the text too long")
    return how(width)


@_method("zfill", gives="string", usage="zfill(6)")
def _zfill(value: Words, width: Whole) -> str:
    return _widened(width, value.zfill, "zfill")


@_method("ljust", gives="string", usage="ljust(20)")
def _ljust(value: Words, width: Whole) -> str:
    return _widened(width, value.ljust, "ljust")


@_method("rjust", gives="string", usage="rjust(20)")
def _rjust(value: Words, width: Whole) -> str:
    return _widened(width, value.rjust, "rjust")


@_method("center", gives="string", usage="center(20)")
def _center(value: Words, width: Whole) -> str:
    return _widened(width, value.center, "center")


@_method("format", gives="formatted", usage="'{} of {:.2f}'.format(a, b)")
def _format(value: Words, *arguments: Anything, **named: Anything) -> Any:
    pieces: list[Any] = []
    at = 0
    try:
        places = list(Formatter().parse(value))
    except ValueError as error:
        raise EvaluationError(f"format: {value[:40]!r}: {error}") from None
    for text, field, spec, conversion in places:
        pieces.append(text)
        if field is None:
            continue
        if (
            conversion
            or "{" in (spec or "")
            or not (field == "" or field.isalnum() or field.isidentifier())
        ):
            raise EvaluationError(
                f"format: {{{field}}} names a value by its place or its name, and nothing of it"
            )
        key = field or str(at)
        at += not field
        given = named.get(key) if not key.isdecimal() else None
        if key.isdecimal() and int(key) < len(arguments):
            given = arguments[int(key)]
        elif key not in named:
            raise EvaluationError(f"format is not given {key!r}")
        pieces.append(
            given if isinstance(given, Unknown) else laid_out(given, spec or "", "format")
        )
    return beside(pieces, "format")


@_method("get", gives="got", usage="get('name')")
def _get(value: Entries, key: Anything, default: Anything = None) -> Any:
    if isinstance(value, Index) and is_blank(key):
        return default
    return value.get(key, default)


@_method("items", gives="pairs")
def _items(value: Entries) -> Any:
    return items(value)


@_method("keys", gives="texts")
def _keys(value: Entries) -> list[Any]:
    return list(value)


@_method("values", gives="values")
def _values(value: Entries) -> list[Any]:
    return [value[key] for key in value]


@_method("strftime", gives="string", usage="strftime('%m/%d/%Y')")
def _strftime(value: Day, pattern: DayFormat) -> str:
    return formatted(value, pattern, "strftime")


@_method("isoformat", gives="string")
def _isoformat(value: Day) -> str:
    return value.isoformat()


@_method("weekday", gives="integer")
def _weekday(value: Day) -> int:
    return value.weekday()


@_method("isoweekday", gives="integer")
def _isoweekday(value: Day) -> int:
    return value.isoweekday()
