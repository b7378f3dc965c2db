"""One scalar of a request: made exactly what a schema asks for where that loses nothing, or refused.

A text that is exactly and losslessly the number or boolean that is asked for is converted, and so is an integer
where text is asked for. Everything else that does not fit is an error; nothing is rounded.
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
"""Digits that a number may need when it is written out."""

_TOO_LARGE = 10**MAX_DIGITS
_TOO_SMALL = -_TOO_LARGE
_TOO_LONG = f"a number of more than {MAX_DIGITS} digits"
_as_it_is = Context(prec=60, Emin=-60, Emax=60, traps=list(Context().traps)).plus
"""Raises ArithmeticError where a decimal has many digits or a large exponent."""

WRITTEN = {
    "integer": re.compile(r"-?[1-9][0-9]*|0"),
    "number": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
"""How a text is written, from its beginning to its end, that is exactly one."""

_FORMATS: Mapping[str, str] = {
    "date": "a date like 2026-01-31",
    "date-time": "a date with its time and offset like 2026-01-31T09:30:00Z",
    "email": "an e-mail address like ann@example.com",
    "uuid": "a UUID like 123e4567-e89b-12d3-a456-426614174000",
    "uri": "an absolute address like https://example.com/a",
}
"""The formats that a text is held to, with what it has to be."""
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
"""The value is not of that type and cannot become it without a loss."""


def first_fit(value: Any, wanted: Sequence[str]) -> Any:
    """The value as the first type that it is already, else as the first that it can become without a loss."""
    for fits in (_is_already, _become):
        for name in wanted:
            converted = fits(value, name)
            if converted is not MISFIT:
                return converted
    return MISFIT


def _is_already(value: Any, name: str) -> Any:
    if isinstance(value, bool) and name != "boolean":
        return MISFIT
    return value if isinstance(value, _KINDS.get(name, ())) else MISFIT


def _become(value: Any, name: str) -> Any:
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
    return int(text) if name == "integer" else Decimal(text) if name == "number" else text == "true"


def defect(value: Any) -> str:
    """Why a scalar cannot be written as JSON or into a URL; empty when it can."""
    kind = type(value)
    if kind is str:
        return (
            ""
            if value.isascii() or _is_whole(value)
            else "text with half a character (a lone surrogate)"
        )
    if kind is int:
        return "" if _TOO_SMALL < value < _TOO_LARGE else _TOO_LONG
    if kind is Decimal:
        return _defect_of(value)
    for plain in (str, int, Decimal):
        if isinstance(value, plain) and kind is not bool:
            return defect(plain(value))
    return "" if kind is bool else f"a value of type {kind.__name__} cannot be sent"


def _defect_of(value: Decimal) -> str:
    if not value.is_finite():
        return f"{value} is not a number that a request can carry"
    try:
        _as_it_is(value)
    except ArithmeticError:  # to count the digits of every number would take ten times as long
        exponent = value.as_tuple().exponent
        if value.adjusted() > MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
            return _TOO_LONG
    return ""


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def misfit_message(value: Any, wanted: Sequence[str]) -> str:
    words = " or ".join(_WORDS.get(name, name) for name in wanted)
    if isinstance(value, Decimal) and "string" in wanted:
        return f"{value:f} is a number where text is asked for; make it text, so that its digits are yours"
    if isinstance(value, Mapping | list | tuple):
        return f"{'an object' if isinstance(value, Mapping) else 'a list'} is not {words}"
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        return f"{_TOO_LONG} is not {words}"
    shown = (
        str(value).lower()
        if isinstance(value, bool)
        else repr(value)
        if isinstance(value, str)
        else str(value)
    )
    return f"{shown if len(shown) <= 80 else shown[:77] + '...'} is not {words}"


def broken_rule(value: Any, schema: Mapping[str, Any]) -> str:
    """The rule of the schema, beyond its type, that a scalar breaks; empty when it keeps them all."""
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {', '.join(str(each) for each in schema['enum'])}"
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
    """The check of one of `_FORMATS`."""
    from jsonschema_rs import validator_for  # imported on use, as few documents have formats

    fits = validator_for({"format": form}, validate_formats=True).is_valid
    if form == "email":  # one address, which a name with the address in brackets is not
        return lambda text: "<" not in text and fits(text)
    return fits
