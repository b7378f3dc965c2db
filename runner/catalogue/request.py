"""A call as it goes on the wire: method, URL, exact JSON. The dry run prints what a run sends."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner.catalogue.arguments import ArgumentError, Findings, texts_of
from runner.catalogue.conditions import encode_conditions
from runner.catalogue.converters import Fields
from runner.catalogue.form import encode_form
from runner.catalogue.json_text import json_text
from runner.catalogue.parameters import check_window, encoder
from runner.problems import nearest
from runner.template import Unknown

if TYPE_CHECKING:
    from runner.catalogue.operation import Operation


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
    return operation.builder.build(arguments, base_url=base_url, today=today)


class Builder:
    """Makes the requests of one operation. What does not depend on the arguments is done once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._encoders = {name: (each, each.sent_as, encoder(each)) for name, each in operation.parameters.items()}
        self._fields = Fields(operation.body, ()) if operation.body is not None else None
        self._path = re.split(r"\{([^{}]*)\}", operation.path)  # text and the name of a parameter by turns
        self._needed = [name for name in operation.required if name in operation.parameters]
        self._needed_fields = [name for name in operation.required if name not in operation.parameters]

    def build(self, arguments: Mapping[str, Any], *, base_url: str, today: dt.date | None) -> Request:
        """The request with these arguments: see `build_request`."""
        findings, operation = Findings(), self._operation
        placed = self._placed(arguments, today, findings)
        body = self._body(arguments, findings)
        missing = [name for name in self._needed if arguments.get(name) is None]
        missing += [name for name in self._needed_fields if body is None or name not in body]
        if missing:
            findings.require(missing)
        if body is not None and operation.body is not None:
            findings.require_form(operation.body, body)
        if findings.problems:
            raise ArgumentError(findings.problems)
        path = "".join([_encoded(placed["path"][part]) if at % 2 else part for at, part in enumerate(self._path)])
        if placed["query"]:
            path += _query(placed["query"])
        return Request(
            method=operation.method,
            url=base_url.rstrip("/") + path,
            body=body,
            notes=texts_of(tuple(findings.notes)) if findings.notes else (),
            amount=_amount((body or {}).get(operation.money)) if operation.money else None,
            known=findings.known,
            headers=placed["header"],
            path=path,
            form=operation.form,
        )

    def _placed(
        self, arguments: Mapping[str, Any], today: dt.date | None, findings: Findings
    ) -> dict[str, dict[str, Any]]:
        """The texts of the parameters, by place and by what they are sent as."""
        placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for name, (parameter, sent_as, encode) in self._encoders.items():
            value = arguments.get(name)
            if value is None:
                continue
            if parameter.conditions:
                for part, text in encode_conditions(name, parameter.conditions, value, findings):
                    placed["query"][part] = [text]
                    findings.known = findings.known and not isinstance(text, Unknown)
                continue
            placed[parameter.place][sent_as] = encode(value, findings)
            if parameter.window and today:
                check_window(parameter, value, today, findings)
        return placed

    def _body(self, arguments: Mapping[str, Any], findings: Findings) -> dict[str, Any] | None:
        parameters, fields, body = self._encoders, self._fields, {}
        for name, value in arguments.items():
            if value is None or name in parameters:
                continue
            field = fields.made.get(name) or fields.of(name) if fields is not None else None
            if field is None:
                findings.refuse((name,), self._unheard_of(name))
                continue
            converted = field(value, findings)
            if converted is not None:
                body[name] = converted
        return body if fields is not None else None

    def _unheard_of(self, name: str) -> str:
        """What to say of an argument that the operation does not take."""
        noun = "parameter" if self._fields is None else "field"
        remedy = nearest(name, self._operation.names, noun="parameters" if self._fields is None else "")
        return f"{self._operation.full_name} has no such {noun}" + (f"; {remedy}" if remedy else "")


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
