"""The values of `vars`: what a declared type makes of a default, of `-v name=value`, and of a vars file."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from runner.recipe.model import Var

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")
_BOOLEAN = {"true": True, "false": False}
_WORDS = {
    "boolean": "true or false",
    "date": "a date, written 2024-12-31",
    "decimal": "a number",
    "integer": "a whole number",
    "string": "text",
}
TYPES = tuple(_WORDS)
"""The types that a variable or a column can be declared to have."""


def var_value(var: Var, value: Any) -> Any:
    """Return `value` (text, or data from YAML) as the variable's type says.

    Raises ValueError with a message for people.
    """
    kind = var.type or _type_of(var.default)
    typed = _typed(kind, value) if kind else value
    if typed is None and value is not None:
        raise ValueError(f"{var.name!r} has to be {_WORDS[kind]}, not {as_text(value)!r}")
    if (
        var.enum
        and typed is not None
        and typed not in [_typed(kind, allowed) for allowed in var.enum]
    ):
        allowed = ", ".join(as_text(value) for value in var.enum)
        raise ValueError(f"{var.name!r} cannot be {as_text(value)!r}; allowed: {allowed}")
    return typed


def _type_of(default: Any) -> str:
    kinds = {
        bool: "boolean",
        int: "integer",
        Decimal: "decimal",
        str: "string",
        dt.date: "date",
        type(None): "string",
    }
    return kinds.get(type(default), "")


def _typed(kind: str, value: Any) -> Any:
    """Return the value in its type; None where it is none of that type."""
    text = value.strip() if isinstance(value, str) else as_text(value)
    if isinstance(value, list | dict):
        return value if not kind else None
    if value is None:
        return None
    if kind == "boolean":
        return _BOOLEAN.get(text.lower())
    if isinstance(value, bool):
        return None
    if kind == "integer":
        return int(text) if _INTEGER.match(text) else None
    if kind == "decimal":
        return Decimal(text) if _DECIMAL.match(text) else None
    if kind == "date":
        return value if isinstance(value, dt.date) else _date(text)
    return value if isinstance(value, str) else text


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if re.match(r"\d{4}-\d{2}-\d{2}\Z", text) else None
    except ValueError:
        return None


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def seconds(duration: str) -> int:
    """Return the seconds of a duration as recipes write it: 90s, 15m, 2h, 1d."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]
