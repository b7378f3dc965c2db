"""JSON writer for plain data: compact, with all digits of decimals and with ISO dates. Floats and NaN are refused."""

from __future__ import annotations

import datetime as dt
import json.decoder
import json.encoder
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

text_json: Callable[[str], str] = json.encoder.encode_basestring
"""Return a text as JSON."""

_own = json.decoder.JSONDecoder(parse_float=Decimal, parse_int=Decimal).decode

NAMES_KEPT = 4096
"""Maximum number of cached names."""

# Allowed in JSON, but line ends in JavaScript.
_SEPARATORS = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def json_text(tree: Any) -> str:
    """Return plain data as compact JSON.

    Raises TypeError for a value without an exact form in JSON, and ValueError for NaN and infinities.
    """
    return escaped(write(tree, NAMES, _refuse))


def parse_own_json(text: str) -> Any:
    """Return the data in the output of `json_text`, with decimals for all numbers.

    Limits on size and depth, as for an answer, are not needed.
    """
    return _own(text)


def escaped(text: str) -> str:
    """Return JSON with the line ends of JavaScript escaped."""
    if not text.isascii():
        for separator, escape in _SEPARATORS:
            text = text.replace(separator, escape)
    return text


class Names(dict[Any, str]):
    """Cache of the names of members as JSON, each with its colon."""

    def __init__(self, written: Callable[[Any], str] = str) -> None:
        super().__init__()
        self._written = written

    def __missing__(self, name: Any) -> str:
        if len(self) >= NAMES_KEPT:
            self.clear()
        text = self[name] = text_json(self._written(name)) + ":"
        return text


NAMES = Names()


def write(tree: Any, names: Names, other: Callable[[Any], str]) -> str:
    """Return `tree` as JSON, with the `names` of its members. `other` writes values that are no plain data."""
    # The exact types first, the most frequent ones on top: this is called for every value of a run.
    kind = type(tree)
    if kind is dict:
        members = []
        for name, value in tree.items():
            text = text_json(value) if type(value) is str else write(value, names, other)
            members.append(names[name] + text)
        return "{" + ",".join(members) + "}"
    if kind is Decimal and tree.is_finite():
        # Twice as fast as `format`, and equal except for exponents such as 1E+2.
        text = str(tree)
        return text if "E" not in text else format(tree, "f")
    if kind is int:
        return str(tree)
    if kind is str:
        return text_json(tree)
    if kind is list or kind is tuple:
        return "[" + ",".join([write(value, names, other) for value in tree]) + "]"
    return _scalar(tree, names, other)


def _scalar(value: Any, names: Names, other: Callable[[Any], str]) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a JSON number")
        return format(value, "f")
    if isinstance(value, dt.date):
        return f'"{value.isoformat()}"'
    if isinstance(value, str):
        return text_json(str(value))
    if isinstance(value, Mapping | list | tuple):
        return write(dict(value) if isinstance(value, Mapping) else list(value), names, other)
    return other(value)


def _refuse(value: Any) -> str:
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a binary float; JSON is written from decimals only")
    raise TypeError(f"{value!r} is no plain data")
