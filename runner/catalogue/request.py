"""A call as it goes on the wire: method, URL, exact JSON. The dry run prints what a run sends."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any
from urllib.parse import quote

from runner.catalogue.arguments import ArgumentError, Findings, convert, convert_field
from runner.catalogue.conditions import encode_conditions, named_value
from runner.catalogue.form import encode_form
from runner.catalogue.json_text import json_text
from runner.catalogue.operation import Operation, Parameter
from runner.problems import nearest
from runner.template import Unknown, contains_unknown, to_text


@dataclass(frozen=True)
class Request:
    """A rendered call.

    `path` is what stands in `url` after the base URL, with the query; `body` is plain data, None without one;
    `amount` is the money that it moves.

    With `known` false some values only come with the run: the URL shows them in brackets, the body holds
    Unknown, as headers may, and neither content nor digest exists yet.
    """

    method: str
    url: str
    body: Any = None
    notes: tuple[str, ...] = ()
    amount: Decimal | Unknown | None = None
    known: bool = True
    headers: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    form: bool = False

    def content(self) -> bytes | None:
        """The body as JSON or as a form, byte for byte as it is sent but for credentials.

        Raises ValueError while a value is not known.
        """
        return self._content

    @cached_property
    def _content(self) -> bytes | None:
        if not self.known:
            raise ValueError("a value of this request is only known after the run")
        if self.body is None:
            return None
        return encode_form(self.body) if self.form else to_json(self.body)

    def digest(self) -> str:
        """SHA-256 over method, path, the operation's own headers and content, in hexadecimal."""
        headers = "".join(f"\n{name}: {value}" for name, value in sorted(self.headers.items()))
        head = f"{self.method} {self.path}{headers}\n\n".encode()
        return hashlib.sha256(head + (self.content() or b"")).hexdigest()


def to_json(tree: Any) -> bytes:
    """Plain data as compact UTF-8 JSON: decimals digit by digit, dates in ISO form. Raises on floats."""
    return json_text(tree).encode()


def build_request(
    operation: Operation, arguments: Mapping[str, Any], *, base_url: str, today: dt.date | None = None
) -> Request:
    """The request for an operation with the arguments of a step's `with`, which is flat.

    Names that are parameters go into the path, the query or the headers, all others into the body. Null means
    left out, also inside objects. Windows are counted back from `today` and not looked at without it. Raises
    ArgumentError with every problem.
    """
    findings = Findings()
    given = {name: value for name, value in arguments.items() if value is not None}
    placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for name, parameter in operation.parameters.items():
        if name not in given:
            continue
        if parameter.conditions:
            for part, value in encode_conditions(parameter.sent_as, parameter.conditions, given[name], findings):
                placed["query"][part] = [value]
            continue
        placed[parameter.place][parameter.sent_as] = _parameter(parameter, given[name], findings)
        if parameter.window and today:
            _check_window(parameter, given[name], today, findings)
    body = _body(operation, given, findings)
    parameters = given if body is None else {name for name in operation.parameters if name in given}
    findings.require(operation.required, parameters if not body else {*parameters, *body})
    if operation.body is not None:
        findings.require_form(operation.body, body or {})
    if findings.problems:
        raise ArgumentError(findings.problems)
    path = _path(operation.path, placed["path"]) + _query(placed["query"])
    return Request(
        method=operation.method,
        url=base_url.rstrip("/") + path,
        body=body,
        notes=tuple(findings.notes),
        amount=_amount((body or {}).get(operation.money)) if operation.money else None,
        known=not contains_unknown([body, *placed.values()]),
        headers=placed["header"],
        path=path,
        form=operation.form,
    )


def _check_window(parameter: Parameter, value: Any, today: dt.date, findings: Findings) -> None:
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


def _body(operation: Operation, given: Mapping[str, Any], findings: Findings) -> dict[str, Any] | None:
    fields = {name: value for name, value in given.items() if name not in operation.parameters}
    if operation.body is None:
        for name in fields:
            remedy = nearest(name, operation.names, noun="parameters")
            findings.refuse((name,), f"{operation.full_name} has no such parameter" + (f"; {remedy}" if remedy else ""))
        return None
    body = {}
    for name, value in fields.items():
        if name not in operation.fields and not operation.open:
            remedy = nearest(name, operation.names)
            findings.refuse((name,), f"{operation.full_name} has no such field; {remedy}")
            continue
        converted = convert_field(value, operation.fields.get(name), path=(name,), findings=findings)
        if converted is not None:
            body[name] = converted
    return body


def _parameter(parameter: Parameter, value: Any, findings: Findings) -> Any:
    """The text of a parameter, a list of texts in a query, or Unknown."""
    path = (parameter.name,)
    before = len(findings.problems)
    if parameter.values:
        value = named_value(value, parameter.values, path=path, findings=findings)
        if value is None:
            return None
    converted = convert(value, parameter.schema, path=path, evidence=parameter.evidence, findings=findings)
    if len(findings.problems) > before:
        return None
    if parameter.evidence == "inferred":
        findings.note(path, "inferred parameter")
    entries = converted if isinstance(converted, list) and parameter.place == "query" else [converted]
    texts: list[Any] = []
    for entry in entries:
        if isinstance(entry, Mapping | list):
            findings.refuse(path, "an object or a list cannot be a parameter")
            return None
        text = entry if isinstance(entry, Unknown) else to_text(entry)
        message = "" if isinstance(text, Unknown) else _defect(parameter.place, text)
        if message:
            findings.refuse(path, message)
        texts.append(text)
    return texts if parameter.place == "query" else texts[0]


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


def _path(template: str, values: Mapping[str, Any]) -> str:
    parts = _parts(template)  # text and the name of a parameter by turns
    return "".join([_encoded(values[part]) if at % 2 else part for at, part in enumerate(parts)])


@cache
def _parts(template: str) -> Sequence[str]:
    return re.split(r"\{([^{}]*)\}", template)


def _query(values: Mapping[str, Any]) -> str:
    pairs = [f"{quote(name, safe='')}={_encoded(value)}" for name, texts in values.items() for value in texts]
    return "?" + "&".join(pairs) if pairs else ""


def _encoded(value: Any) -> str:
    """A value in a URL: what is not known stands in brackets with blanks, which nothing that is known can have."""
    if isinstance(value, Unknown):
        return "".join(map(_encoded, value.parts)) if value.parts else _later(value.origin)
    return quote(value, safe="")


@lru_cache(maxsize=1024)
def _later(origin: str) -> str:
    return str(Unknown(quote(origin, safe=" .[]")))


def _amount(value: Any) -> Decimal | Unknown | None:
    return Decimal(value) if isinstance(value, int) else value
