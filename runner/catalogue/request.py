"""A call as it goes on the wire: method, URL, exact JSON. The dry run prints what a run sends."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
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


MAX_GIVEN = 64
"""Sets of names given to one operation of which what is known is kept."""


@dataclass  # not frozen: one is made for every call, and to freeze it takes as long as to convert its arguments
class Request:
    """A rendered call, which nobody changes.

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
        """SHA-256 over method, path, the operation's own headers and content, or another `text`, in hexadecimal."""
        headers = "".join(f"\n{name}: {value}" for name, value in sorted(self.headers.items()))
        head = f"{self.method} {self.path}{headers}\n\n".encode()
        content = (self.content() or b"") if text is None else text.encode()
        return hashlib.sha256(head + content).hexdigest()


def to_json(tree: Any) -> bytes:
    """Plain data as compact UTF-8 JSON: decimals digit by digit, dates in ISO form. Raises on floats."""
    return json_text(tree).encode()


def build_request(
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    base_url: str,
    today: dt.date | None = None,
) -> Request:
    """The request for an operation with the arguments of a step's `with`, which is flat.

    Names that are parameters go into the path, the query or the headers, all others into the body. Null means
    left out, also inside objects. Windows are counted back from `today` and not looked at without it. Raises
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


class _Given(NamedTuple):
    """What is known of the requests whose arguments have the same names, whatever the values are.

    `parameters` are names with what makes their texts and the window where there is one, `elsewhere` those that
    are not in the path, `fields` all other names with what converts or refuses them. With `gap` a name is missing.
    """

    parameters: Sequence[tuple[str, Encode, Window | None]]
    elsewhere: Sequence[Parameter]
    fields: Sequence[tuple[str, Convert]]
    gap: bool


class Builder:
    """Makes the requests of one operation. What does not depend on the arguments is done once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._encoders = {name: encoder(each) for name, each in operation.parameters.items()}
        self._fields = Fields(operation.body, ()) if operation.body is not None else None
        self._forms = operation.body is not None and has_forms(operation.body)
        sent = {
            each.sent_as: name
            for name, each in operation.parameters.items()
            if each.place == "path"
        }
        self._start, *parts = re.split(
            r"\{([^{}]*)\}", operation.path
        )  # text and the name of a parameter by turns
        self._segments = [
            (sent[part], after) for part, after in zip(parts[::2], parts[1::2], strict=True)
        ]
        self._needed = [name for name in operation.required if name in operation.parameters]
        self._needed_fields = [
            name for name in operation.required if name not in operation.parameters
        ]
        self.given: dict[tuple[str, ...], _Given] = {}
        """What is known of arguments, by their names."""
        self._told: tuple[list[Note], tuple[str, ...]] = ([], ())

    def build(self, arguments: Mapping[str, Any], base_url: str, today: dt.date | None) -> Request:
        """The request with these arguments: see `build_request`."""
        names, findings, operation = tuple(arguments), Findings(), self._operation
        given = self.given.get(names) or self._look_at(names)
        gap, texts, body = given.gap, {}, {}
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
        if gap:
            self._require(arguments, body, findings)
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
        return Request(  # by position, which takes half as long as by name
            operation.method, base_url.rstrip("/") + path, body if self._fields is not None else None,
            self._texts_of(findings.notes), _amount(body.get(operation.money)) if operation.money else None,
            findings.known, headers, path, operation.form,
        )  # fmt: skip

    def _look_at(self, names: tuple[str, ...]) -> _Given:
        """What is known of arguments with these names. A step gives the same ones for each row."""
        parameters = [each for name, each in self._operation.parameters.items() if name in names]
        needed = {*self._needed, *self._needed_fields}
        if len(self.given) >= MAX_GIVEN:
            self.given.clear()
        found = self.given[names] = _Given(
            [(each.name, self._encoders[each.name], each.window) for each in parameters],
            [each for each in parameters if each.place != "path"],
            [(name, self._field(name)) for name in names if name not in self._encoders],
            gap=not needed.issubset(names),
        )
        return found

    def _field(self, name: str) -> Convert:
        """What converts an argument that is no parameter, or refuses it."""
        found = self._fields.of(name) if self._fields is not None else None
        return found or refusal((name,), self._unheard_of(name))

    def _require(
        self, arguments: Mapping[str, Any], body: Mapping[str, Any], findings: Findings
    ) -> None:
        """Refuse the arguments that are missing."""
        missing = [name for name in self._needed if arguments.get(name) is None]
        missing += [name for name in self._needed_fields if name not in body]
        if missing:
            findings.require(missing)

    def _texts_of(self, notes: list[Note]) -> tuple[str, ...]:
        """Notes as people read them. The request before had mostly the same, the very same objects."""
        told = self._told
        if notes != told[0]:
            told = self._told = notes, texts_of(tuple(notes))
        return told[1]

    def _unheard_of(self, name: str) -> str:
        """What to say of an argument that the operation does not take."""
        noun = "parameter" if self._fields is None else "field"
        remedy = nearest(
            name, self._operation.names, noun="parameters" if self._fields is None else ""
        )
        return f"{self._operation.full_name} has no such {noun}" + (f"; {remedy}" if remedy else "")


def _elsewhere(
    parameters: Sequence[Parameter], texts: Mapping[str, list[Any]]
) -> tuple[str, dict[str, Any]]:
    """The query and the headers, from the texts of parameters by name."""
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
    """A value in a URL: what is not known stands in brackets with blanks, which nothing that is known can have."""
    if isinstance(value, Unknown):
        return "".join(map(in_url, value.parts)) if value.parts else _later(value.origin)
    return value if value.isascii() and value.isalnum() else quote(value, safe="")


@lru_cache(maxsize=1024)
def _later(origin: str) -> str:
    return str(Unknown(quote(origin, safe=" .[]")))


def _note_window(
    window: Window, body: Mapping[str, Any], today: dt.date, findings: Findings
) -> None:
    """Note a date with which what is written can be out of reach of the API's own reads."""
    if window.missed_in(body, today) is not None:
        reach = f"before {window.since(today)}, and the API reads back {window.months} months"
        path = tuple(window.field.split("."))
        findings.notes.append((path, f"may not be readable afterwards: {reach}"))


def _amount(value: Any) -> Decimal | Unknown | None:
    return Decimal(value) if isinstance(value, int) else value
