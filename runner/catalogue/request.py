"""Requests as they are sent: method, URL, exact JSON. A dry run prints what a run sends."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from runner.catalogue.values.conditions import encode_conditions
from runner.catalogue.values.converters import Convert, Fields, refusal
from runner.catalogue.values.findings import ArgumentError, Findings, Note, has_forms, texts_of
from runner.catalogue.values.form import encode_form
from runner.catalogue.values.parameters import Encode, Parameter, check_window, encoder
from runner.catalogue.window import Window
from runner.exact_json import json_text
from runner.problems import nearest
from runner.template import Unknown

if TYPE_CHECKING:
    from runner.catalogue.operation import Operation


MAX_TEXT = 16 * 1024**2
"""Characters of all texts of a body: one text may stand in it many times."""

MAX_GIVEN = 64
"""Sets of argument names for which one builder caches its preparations."""


# Not frozen: one is created for every call, and freezing it takes as long as converting its arguments.
@dataclass
class Request:
    """Rendered call, treated as immutable.

    `path` is the part of `url` after the base URL, with the query; `body` is plain data, None without one;
    `amount` is the money that it moves.

    With `known` false some values only exist after the run: the URL shows them in brackets, the body and the headers
    hold Unknown, and neither content nor digest exists yet.
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
        """Return the body as JSON or as a form, byte for byte as it is sent, without credentials in it.

        Raises ValueError while a value is not known.
        """
        return self.text.encode() if self.text is not None else None

    @cached_property
    def text(self) -> str | None:
        """The content as text. Raises ValueError while a value is not known."""
        if not self.known:
            raise ValueError("a value of this request is only known after the run")
        if self.body is None:
            return None
        return encode_form(self.body).decode() if self.form else json_text(self.body)

    def digest(self, text: str | None = None) -> str:
        """Return the SHA-256 over method, path, own headers and content (or another `text`), in hexadecimal."""
        headers = "".join(f"\n{name}: {value}" for name, value in sorted(self.headers.items()))
        head = f"{self.method} {self.path}{headers}\n\n".encode()
        content = (self.content() or b"") if text is None else text.encode()
        return hashlib.sha256(head + content).hexdigest()


def to_json(tree: Any) -> bytes:
    """Return plain data as compact UTF-8 JSON: exact decimals, dates in ISO form. Raises on floats."""
    return json_text(tree).encode()


def build_request(
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    base_url: str,
    today: dt.date | None = None,
) -> Request:
    """Return the request for an operation with the arguments of a step's `with`, which is flat.

    Names that are parameters go into the path, the query or the headers, all others into the body. Null means
    left out, also inside objects. Windows are counted back from `today` and not checked without it. Raises
    ArgumentError with every problem.
    """
    return operation.builder.build(arguments, base_url, today)


def condition_notes(operation: Operation, arguments: Mapping[str, Any]) -> list[Note]:
    """Return the notes on the search conditions among arguments, each with its place."""
    findings = Findings()
    for name, parameter in operation.parameters.items():
        if parameter.conditions is not None and arguments.get(name) is not None:
            encode_conditions(name, parameter.conditions, arguments[name], findings)
    return findings.notes


class _Preparation(NamedTuple):
    """Preparations for all requests whose arguments have the same names, regardless of their values.

    `parameters` are names with their encoders and windows, `elsewhere` the parameters outside the path, `fields` all
    other names with their converters or refusals. With `gap` a required name is missing.
    """

    parameters: Sequence[tuple[str, Encode, Window | None]]
    elsewhere: Sequence[Parameter]
    fields: Sequence[tuple[str, Convert]]
    gap: bool


class Builder:
    """Builds the requests of one operation. Work that does not depend on the arguments is done once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._encoders = {name: encoder(entry) for name, entry in operation.parameters.items()}
        self._fields = Fields(operation.body, ()) if operation.body is not None else None
        self._forms = operation.body is not None and has_forms(operation.body)
        sent = {
            parameter.sent_as: name
            for name, parameter in operation.parameters.items()
            if parameter.place == "path"
        }
        # Literal text and the names of parameters alternate.
        self._start, *parts = re.split(r"\{([^{}]*)\}", operation.path)
        self._segments = [
            (sent[part], after) for part, after in zip(parts[::2], parts[1::2], strict=True)
        ]
        self._needed = [name for name in operation.required if name in operation.parameters]
        self._needed_fields = [
            name for name in operation.required if name not in operation.parameters
        ]
        self.given: dict[tuple[str, ...], _Preparation] = {}
        """The preparations by the names of the arguments."""
        self._last_notes: tuple[list[Note], tuple[str, ...]] = ([], ())

    def build(self, arguments: Mapping[str, Any], base_url: str, today: dt.date | None) -> Request:
        """Return the request with these arguments: see `build_request`."""
        names, findings, operation = tuple(arguments), Findings(), self._operation
        given = self.given.get(names) or self._prepare(names)
        texts, body, gap = _converted(given, arguments, today, findings)
        if gap or given.gap:
            self._require(arguments, body, findings)
        if body and _weight(body.values()) > MAX_TEXT:
            findings.refuse((), f"has more than {MAX_TEXT // 1024**2} MB of text")
        if self._forms:
            findings.require_form(operation.body or {}, body)
        if findings.problems:
            raise ArgumentError(findings.problems)
        if operation.window is not None and today:
            _note_window(operation.window, body, today, findings)
        path = self._start
        headers: dict[str, Any] = {}
        for name, after in self._segments:
            path += in_url(texts[name][0]) + after
        if given.elsewhere:
            query, headers = _elsewhere(given.elsewhere, texts)
            path += query
        # By position, which takes half as long as by name.
        return Request(
            operation.method,
            base_url.rstrip("/") + path,
            body if self._fields is not None else None,
            self._texts_of(findings.notes),
            _amount(body.get(operation.money)) if operation.money else None,
            findings.known,
            headers,
            path,
            operation.form,
        )

    def _prepare(self, names: tuple[str, ...]) -> _Preparation:
        """Return and cache the preparations for arguments with these names. A step has the same ones for each row."""
        parameters = [
            parameter for name, parameter in self._operation.parameters.items() if name in names
        ]
        needed = {*self._needed, *self._needed_fields}
        # Rows with optional columns could have any combination of names.
        if len(self.given) >= MAX_GIVEN:
            self.given.clear()
        prepared = self.given[names] = _Preparation(
            [(entry.name, self._encoders[entry.name], entry.window) for entry in parameters],
            [entry for entry in parameters if entry.place != "path"],
            [(name, self._field(name)) for name in names if name not in self._encoders],
            gap=not needed.issubset(names),
        )
        return prepared

    def _field(self, name: str) -> Convert:
        """Return the converter of an argument that is no parameter, or its refusal."""
        convert = self._fields.of(name) if self._fields is not None else None
        return convert or refusal((name,), self._unexpected(name))

    def _require(
        self, arguments: Mapping[str, Any], body: Mapping[str, Any], findings: Findings
    ) -> None:
        """Refuse the request for missing arguments."""
        missing = [name for name in self._needed if arguments.get(name) is None]
        missing += [name for name in self._needed_fields if name not in body]
        if missing:
            findings.require(missing)

    def _texts_of(self, notes: list[Note]) -> tuple[str, ...]:
        """Return notes as texts. Those of the previous request are mostly the very same objects."""
        last = self._last_notes
        if notes != last[0]:
            last = self._last_notes = notes, texts_of(tuple(notes))
        return last[1]

    def _unexpected(self, name: str) -> str:
        """Return the message for an argument that the operation does not take."""
        noun = "parameter" if self._fields is None else "field"
        remedy = nearest(
            name, self._operation.names, noun="parameters" if self._fields is None else ""
        )
        return f"{self._operation.full_name} has no such {noun}" + (f"; {remedy}" if remedy else "")


def _converted(
    given: _Preparation, arguments: Mapping[str, Any], today: dt.date | None, findings: Findings
) -> tuple[dict[str, list[Any]], dict[str, Any], bool]:
    """Return the texts of parameters and the body, and True where an argument has no value to send."""
    texts, body, gap = {}, {}, False
    for name, encode, window in given.parameters:
        value = arguments[name]
        if value is None:
            gap = True
            continue
        texts[name] = encode(value, findings)
        if window is not None and today:
            check_window(name, window, value, today, findings)
    for name, convert in given.fields:
        value = arguments[name]
        converted = convert(value, findings) if value is not None else None
        if converted is None:
            gap = True
        else:
            body[name] = converted
    return texts, body, gap


def _elsewhere(
    parameters: Sequence[Parameter], texts: Mapping[str, list[Any]]
) -> tuple[str, dict[str, Any]]:
    """Return the query and the headers, from the texts of parameters by name."""
    query: dict[str, list[Any]] = {}
    headers: dict[str, Any] = {}
    for parameter in parameters:
        sent = texts.get(parameter.name)
        if sent is None:
            continue
        if parameter.conditions is not None:
            query.update((part, [text]) for part, text in sent)
        elif parameter.place == "query":
            query[parameter.sent_as] = sent
        else:
            headers[parameter.sent_as] = sent[0]
    pairs = [
        f"{in_url(name)}={in_url(value)}" for name, values in query.items() for value in values
    ]
    return "?" + "&".join(pairs) if pairs else "", headers


def in_url(value: Any) -> str:
    """Return a value for a URL. An Unknown is shown in brackets with spaces, which no encoded value contains."""
    if isinstance(value, Unknown):
        return "".join(map(in_url, value.parts)) if value.parts else _later(value.origin)
    return value if value.isascii() and value.isalnum() else quote(value, safe="")


def _weight(values: Iterable[Any]) -> int:
    """Return the number of characters of all texts in some values."""
    total = 0
    for value in values:
        kind = type(value)
        if kind is str:
            total += len(value)
        elif kind is list:
            total += _weight(value)
        elif kind is dict:
            total += _weight(value) + _weight(value.values())
    return total


@lru_cache(maxsize=1024)
def _later(origin: str) -> str:
    return str(Unknown(quote(origin, safe=" .[]")))


def _note_window(
    window: Window, body: Mapping[str, Any], today: dt.date, findings: Findings
) -> None:
    """Note a date that moves the written object out of reach of the API's own reads."""
    if window.missed_in(body, today) is not None:
        reach = f"before {window.since(today)}, and the API reads back {window.months} months"
        path = tuple(window.field.split("."))
        findings.notes.append((path, f"may not be readable afterwards: {reach}"))


def _amount(value: Any) -> Decimal | Unknown | None:
    return Decimal(value) if isinstance(value, int) else value
