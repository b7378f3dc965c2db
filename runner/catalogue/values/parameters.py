"""Parameters of an operation compiled to functions: from the value in `with` to the text in path, query or header."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.catalogue.ids import is_id
from runner.catalogue.values.conditions import Conditions, encode_conditions, named_value
from runner.catalogue.values.converters import Convert, converter
from runner.catalogue.values.findings import Findings
from runner.catalogue.window import Window
from runner.template import Unknown, to_text

Encode = Callable[[Any, Findings], list[Any]]
"""Function from a value, which is not null, to the texts of a parameter, or Unknown.

A query may have several texts; a refused value has none. Search conditions give pairs of a part and its text."""

_NESTED = frozenset({dict, list})


class Parameter(NamedTuple):
    """Parameter of the path, the query or the header (`place`). `evidence` is the source of its description.

    `name` is its name in steps, `wire` that in the request where it differs. A date further back than its `window` is
    refused. With `conditions` it takes search conditions. `values` may be given by name.
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
    window: Window | None = None
    conditions: Conditions | None = None
    values: Mapping[str, Any] = MappingProxyType({})

    @property
    def sent_as(self) -> str:
        """The name in the request."""
        return self.wire or self.name


def encoder(parameter: Parameter) -> Encode:
    """Return the encoder of a parameter."""
    if parameter.conditions is not None:
        return _of_conditions(parameter.name, parameter.conditions)
    path, place, convert = (parameter.name,), parameter.place, _converter(parameter)
    note = (path, "inferred parameter") if parameter.evidence == "inferred" else None

    def encode(value: Any, findings: Findings) -> list[Any]:
        before = len(findings.problems)
        converted = value
        # In a dry run most values are Unknown, so that is the first test.
        if type(value) is Unknown:
            findings.known = False
        else:
            converted = convert(value, findings)
            if len(findings.problems) > before:
                return []
        if note is not None:
            findings.notes.append(note)
        if type(converted) is Unknown:
            return [converted]
        entries = converted if isinstance(converted, list) and place == "query" else [converted]
        if not _NESTED.isdisjoint(map(type, entries)):
            findings.refuse(path, "an object or a list cannot be a parameter")
            return []
        return [_text(entry, place, findings, path=path) for entry in entries]

    return encode


def _converter(parameter: Parameter) -> Convert:
    """Return the converter of a parameter's value to the type of its schema, before it becomes text."""
    path, values = (parameter.name,), parameter.values
    convert = converter(parameter.schema, path, evidence=parameter.evidence)

    def named(value: Any, findings: Findings) -> Any:
        code = named_value(value, values, path=path, findings=findings)
        return convert(code, findings) if code is not None else None

    return named if values else convert


def _of_conditions(name: str, conditions: Conditions) -> Encode:
    def encode(value: Any, findings: Findings) -> list[Any]:
        parts = encode_conditions(name, conditions, value, findings)
        if any(isinstance(text, Unknown) for _, text in parts):
            findings.known = False
        return parts

    return encode


def _text(entry: Any, place: str, findings: Findings, *, path: tuple[str]) -> Any:
    """Return the text of one value, refused where it cannot be in this place; Unknown unchanged."""
    if isinstance(entry, Unknown):
        return entry
    text = to_text(entry)
    message = _defect(place, text)
    if not message and place == "path" and path[0].lower().endswith("id") and not is_id(text):
        message = f"{text!r} is no id"
    if message:
        findings.refuse(path, message)
    return text


def check_window(name: str, window: Window, value: Any, today: dt.date, findings: Findings) -> None:
    """Refuse a date that is further back than the API reads."""
    if (day := window.missed(value, today)) is not None:
        findings.refuse(
            (name,),
            f"{day} reaches further back than the {window.months} months that the API covers; "
            f"the earliest day is {window.since(today)}",
        )


def _defect(place: str, text: str) -> str:
    """Return why a text cannot be a path segment or a header; empty when it can."""
    # The common case: ids.
    if text.isascii() and text.isalnum():
        return ""
    if place == "path":
        if not text:
            return "is empty, and the path would lead elsewhere"
        if "\\" in text or any(unicodedata.category(character) == "Cc" for character in text):
            return f"{text!r} has a backslash or a control character, which no path may have"
        # Percent-encoded slashes are decoded by some servers, and dots resolved after that.
        if any(part in ("", ".", "..") for part in text.split("/")):
            return f"{text!r} would lead to another path"
    if place == "header" and (not (text.isascii() and text.isprintable()) or text != text.strip()):
        return f"{text!r} cannot stand in a header; only printable ASCII can"
    return ""
