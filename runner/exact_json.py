"""Plain data as JSON text: compact, decimals digit by digit, dates in ISO form; neither a float nor NaN gets in."""

from __future__ import annotations

import datetime as dt
import json.decoder
import json.encoder
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

text_json: Callable[[str], str] = json.encoder.encode_basestring
"""A text as JSON."""

_own = json.decoder.JSONDecoder(parse_float=Decimal, parse_int=Decimal).decode

NAMES_KEPT = 4096

_SEPARATORS = (
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)  # allowed in JSON, and line ends to JavaScript


def json_text(tree: Any) -> str:
    """Plain data as compact JSON. Raises TypeError for what JSON has no exact form of, ValueError for NaN and such."""
    return escaped(write(tree, NAMES, _refuse))


def parse_own_json(text: str) -> Any:
    """What `json_text` has written, with decimals for all numbers: it needs none of the guards of an answer."""
    return _own(text)


def escaped(text: str) -> str:
    """JSON in which no character ends a line."""
    if not text.isascii():
        for separator, escape in _SEPARATORS:
            text = text.replace(separator, escape)
    return text


class Names(dict[Any, str]):
    """The names of members as they are written, each with its colon; those of before are kept."""

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
    """`tree` as JSON with the `names` of its members; `other` writes the values that are no plain data."""
    kind = type(tree)
    if kind is dict:
        members = []
        for name, value in tree.items():
            text = text_json(value) if type(value) is str else write(value, names, other)
            members.append(names[name] + text)
        return "{" + ",".join(members) + "}"
    if kind is Decimal and tree.is_finite():
        text = str(tree)  # twice as fast as to format it, and the same but for 1E+2
        return text if "E" not in text else format(tree, "f")
    if kind is int:
        return str(tree)
    if kind is str:
        return text_json(tree)
    if kind is list or kind is tuple:
        return "[" + ",".join([write(value, names, other) for value in tree]) + "]"
    return _scalar(tree, names, other)


def _scalar(value: Any, names: Names, other: Callable[[Any], str]) -> str:
    if value is None or value is True or value is False:
        return "null" if value is None else "true" if value else "false"
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
    what = (
        "a binary float; JSON is written from decimals only"
        if isinstance(value, float)
        else "no plain data"
    )
    raise TypeError(f"{value!r} is {what}")
