"""The parameters of an operation as functions: from the value in `with` to the text in a path, a query or a header."""

from __future__ import annotations

import calendar
import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.catalogue.arguments import Findings
from runner.catalogue.conditions import Conditions, named_value
from runner.catalogue.converters import converter
from runner.template import Unknown, to_text

Encode = Callable[[Any, Findings], Any]
"""From a value to the text of a parameter, a list of texts in a query, or Unknown; None where it is refused."""


class Parameter(NamedTuple):
    """A parameter of the path, the query or the header (`place`). `evidence` says how it is known.

    `name` is what steps call it, `wire` what it is called in the request where that differs. A date further back
    than `window` months is refused. With `conditions` it takes search conditions. `values` may be given by name.
    """

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]
    evidence: str = ""
    description: str = ""
    example: Any = None
    source: str = ""
    wire: str = ""
    window: int = 0
    conditions: Conditions | None = None
    values: Mapping[str, Any] = MappingProxyType({})

    @property
    def sent_as(self) -> str:
        """What it is called in the request."""
        return self.wire or self.name


def encoder(parameter: Parameter) -> Encode:
    """What makes the texts of a parameter."""
    path, place = (parameter.name,), parameter.place
    convert = converter(parameter.schema, path, evidence=parameter.evidence)
    notes = [(path, "inferred parameter")] if parameter.evidence == "inferred" else []

    def encode(value: Any, findings: Findings) -> Any:
        before = len(findings.problems)
        if parameter.values:
            value = named_value(value, parameter.values, path=path, findings=findings)
        converted = convert(value, findings) if value is not None else None
        if len(findings.problems) > before:
            return None
        findings.notes += notes
        if type(converted) is Unknown:
            return [converted] if place == "query" else converted
        entries = converted if isinstance(converted, list) and place == "query" else [converted]
        if any(isinstance(entry, Mapping | list) for entry in entries):
            findings.refuse(path, "an object or a list cannot be a parameter")
            return None
        texts = [_text(entry, place, findings, path=path) for entry in entries]
        return texts if place == "query" else texts[0]

    return encode


def _text(entry: Any, place: str, findings: Findings, *, path: tuple[str]) -> Any:
    """The text of one value, refused where it cannot stand in this place; Unknown as it is."""
    if isinstance(entry, Unknown):
        return entry
    text = to_text(entry)
    message = _defect(place, text)
    if message:
        findings.refuse(path, message)
    return text


def check_window(parameter: Parameter, value: Any, today: dt.date, findings: Findings) -> None:
    """Refuse a date that the API cannot reach back to."""
    day = _day(str(value))
    months = today.year * 12 + today.month - 1 - parameter.window
    last = calendar.monthrange(months // 12, months % 12 + 1)[1]
    earliest = dt.date(months // 12, months % 12 + 1, min(today.day, last))
    if day is not None and day < earliest:
        message = f"{day} reaches further back than the {parameter.window} months that the API covers"
        findings.refuse((parameter.name,), f"{message}; the earliest day is {earliest}")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _defect(place: str, text: str) -> str:
    """Why a text cannot stand in a path segment or a header; empty when it can."""
    if place == "path":
        if not text:
            return "is empty, and the path would lead elsewhere"
        if "\\" in text or any(unicodedata.category(character) == "Cc" for character in text):
            return f"{text!r} has a backslash or a control character, which no path may have"
        if any(part in ("", ".", "..") for part in text.split("/")):
            return f"{text!r} would lead to another path"
    if place == "header" and (not (text.isascii() and text.isprintable()) or text != text.strip()):
        return f"{text!r} cannot stand in a header; only printable ASCII can"
    return ""
