"""Scalars of a request: converted to a type of the schema where that is lossless, else refused.

A text that is exactly a number or boolean of the required type is converted, and so is an integer where text is
required. Every other misfit is an error; nothing is rounded.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from functools import cache
from typing import Any, Final

from runner.patterns import allows

MAX_DIGITS = 400
"""Digits of a number in positional notation beyond which it is refused."""

_TOO_LARGE = 10**MAX_DIGITS
_TOO_SMALL = -_TOO_LARGE
_TOO_LONG = f"a number of more than {MAX_DIGITS} digits"
_exact_context = Context(prec=60, Emin=-60, Emax=60, traps=list(Context().traps)).plus
"""Raises ArithmeticError where a decimal has many digits or a large exponent."""

WRITTEN = {
    "integer": re.compile(r"-?[1-9][0-9]*|0"),
    "number": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
"""Patterns of the texts that are exactly one value of a type."""

_FORMATS: Mapping[str, str] = {
    "date": "a date like 2026-01-31",
    "date-time": "a date with its time and offset like 2026-01-31T09:30:00Z",
    "email": "an e-mail address like ann@example.com",
    "uuid": "a UUID like 123e4567-e89b-12d3-a456-426614174000",
    "uri": "an absolute address like https://example.com/a",
}
"""The formats that are checked, with the noun for messages."""
_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "object": "an object",
    "array": "a list",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str, dt.date),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "object": (dict, Mapping),
    "array": (list, tuple),
}


MISFIT: Final = object()
"""Result for a value that cannot be converted to a type without loss."""


def first_fit(value: Any, types: Sequence[str]) -> Any:
    """Return the value as the first type that it already has, else as the first that it can be converted to."""
    for convert in (_unconverted, _converted):
        for name in types:
            converted = convert(value, name)
            if converted is not MISFIT:
                return converted
    return MISFIT


def _unconverted(value: Any, name: str) -> Any:
    if isinstance(value, bool) and name != "boolean":
        return MISFIT
    return value if isinstance(value, _KINDS.get(name, ())) else MISFIT


def _converted(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return _read(value, name) if len(value) <= MAX_DIGITS else MISFIT
    if isinstance(value, bool):
        return MISFIT
    if name == "string" and isinstance(value, int):
        return str(value) if abs(value) < _TOO_LARGE else MISFIT
    if (
        name == "integer"
        and isinstance(value, Decimal)
        and not defect(value)
        and value == value.to_integral_value()
    ):
        return int(value)
    return MISFIT


def _read(text: str, name: str) -> Any:
    if name not in WRITTEN or not WRITTEN[name].fullmatch(text):
        return MISFIT
    if name == "boolean":
        return text == "true"
    return int(text) if name == "integer" else Decimal(text)


def defect(value: Any) -> str:
    """Return why a scalar cannot be written as JSON or into a URL; empty when it can."""
    kind = type(value)
    if kind is str:
        if value.isascii() or _is_encodable(value):
            return ""
        return "text with half a character (a lone surrogate)"
    if kind is int:
        return "" if _TOO_SMALL < value < _TOO_LARGE else _TOO_LONG
    if kind is Decimal:
        return _defect_of(value)
    # A subclass, such as an enum, is checked as its plain type.
    for plain in (str, int, Decimal):
        if isinstance(value, plain) and kind is not bool:
            return defect(plain(value))
    return "" if kind is bool else f"a value of type {kind.__name__} cannot be sent"


def _defect_of(value: Decimal) -> str:
    if not value.is_finite():
        return f"{value} is not a number that a request can carry"
    try:
        _exact_context(value)
    except ArithmeticError:
        # Digits are counted for these numbers only: counting them for all takes ten times as long.
        exponent = value.as_tuple().exponent
        if value.adjusted() > MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
            return _TOO_LONG
    return ""


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def misfit_message(value: Any, types: Sequence[str]) -> str:
    words = " or ".join(_WORDS.get(name, name) for name in types)
    if isinstance(value, Decimal) and "string" in types:
        return f"{value:f} is a number where text is asked for; make it text, so that its digits are yours"
    if isinstance(value, Mapping | list | tuple):
        return f"{'an object' if isinstance(value, Mapping) else 'a list'} is not {words}"
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        return f"{_TOO_LONG} is not {words}"
    shown = repr(value) if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        shown = shown.lower()
    return f"{shown if len(shown) <= 80 else shown[:77] + '...'} is not {words}"


def broken_rule(value: Any, schema: Mapping[str, Any]) -> str:
    """Return the rule of the schema, beyond its type, that a scalar breaks; empty when it breaks none."""
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str):
        return _broken_text_rule(value, schema)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return ""
    if value < schema.get("minimum", value):
        return f"{value} is less than {schema['minimum']}"
    if value > schema.get("maximum", value):
        return f"{value} is more than {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return f"{value} is not more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return f"{value} is not less than {schema['exclusiveMaximum']}"
    return ""


def _broken_text_rule(value: str, schema: Mapping[str, Any]) -> str:
    if len(value) > schema.get("maxLength", len(value)):
        return f"{value!r} is longer than {schema['maxLength']} characters"
    if len(value) < schema.get("minLength", 0):
        return f"{value!r} is shorter than {schema['minLength']} characters"
    if "pattern" in schema and not allows(schema["pattern"], value):
        return f"{value!r} does not match {schema['pattern']}"
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS and not _has_format(form)(value):
        return f"{value!r} is not {_FORMATS[form]}"
    return ""


@cache
def _has_format(form: str) -> Callable[[str], bool]:
    """Return the check of one of `_FORMATS`."""
    # Imported on use, as few documents have formats.
    from jsonschema_rs import validator_for

    fits = validator_for({"format": form}, validate_formats=True).is_valid
    if form == "email":
        # The check accepts "Ann <ann@example.com>", of which APIs take the address alone.
        return lambda text: "<" not in text and fits(text)
    return fits
