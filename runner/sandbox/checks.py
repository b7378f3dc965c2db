"""Checks of a request against its operation's document. The messages read as a live API's were observed to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.catalogue import Operation, Parameter, validator_of
from runner.sandbox import exact_json
from runner.sandbox.refusals import EXTENSION, invalid

if TYPE_CHECKING:
    from jsonschema import ValidationError

MESSAGE_LENGTH = 200
ERRORS_SHOWN = 50

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?\Z")
_BOOLEAN = {"true": True, "false": False}
_ARTICLES = {"integer": "an integer", "object": "an object", "array": "an array", "null": "null"}


class Checks:
    """Compiled checks of one operation. Values above their `caps` are lowered to them. Conditions are not checked."""

    def __init__(self, operation: Operation, *, caps: Mapping[str, int], called: str = "") -> None:
        self._schema, self._called, self._caps = operation.body, called, caps
        self._body = (
            validator_of(operation.body, formats=True) if operation.body is not None else None
        )
        declared = [p for p in operation.parameters.values() if p.conditions is None]
        self._query = [
            (p, validator_of(p.schema, formats=True)) for p in declared if p.place == "query"
        ]
        self._headers = [p.sent_as for p in declared if p.place == "header" and p.required]
        pages = operation.pagination
        self._paging = {pages.page, pages.count, pages.offset} if pages else set()

    def query(self, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the declared query parameters that are given, typed. Raises RefusedError."""
        typed: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        wrong = set()
        for parameter, validator in self._query:
            name, texts = parameter.sent_as, given.get(parameter.sent_as)
            if texts is None:
                messages = [f"{name} is required"] if parameter.required else []
            else:
                value = typed[name] = self._capped(name, _typed(texts[-1], parameter))
                messages = [text for _, text, _ in _messages(validator.iter_errors(value), name)]
            if messages:
                errors[name] = messages
                wrong.add(parameter.name)
        if errors:
            raise invalid(errors, cause="paging" if wrong <= self._paging else "parameters")
        return typed

    def _capped(self, name: str, value: Any) -> Any:
        if name in self._caps and isinstance(value, int):
            return min(value, self._caps[name])
        return value

    def headers(self, environ: Mapping[str, Any]) -> None:
        """Raise RefusedError when a required header is missing."""
        missing = [
            name
            for name in self._headers
            if not environ.get("HTTP_" + name.upper().replace("-", "_"))
        ]
        if missing:
            raise invalid({name: [f"{name} is required"] for name in missing}, cause="parameters")

    def body(self, value: Any) -> None:
        """Raise RefusedError when `value` is not the body that the operation requires."""
        if self._body is None or self._schema is None:
            return
        errors: dict[str, list[str]] = {}
        missing: str | None = None
        try:
            for name, text, lacking in _messages(self._body.iter_errors(value), "body"):
                missing = missing or (name if lacking else None)
                errors.setdefault(name, []).append(text)
                if len(errors) == ERRORS_SHOWN:
                    break
        except ArithmeticError:
            # multipleOf divides, which overflows with a number such as 1e999999.
            errors = {"body": ["a number is out of range"]}
        if missing:
            called = _called(self._schema, missing.split("."), self._called)
            raise invalid(errors, cause="missing", field=missing.rpartition(".")[2], object=called)
        if errors:
            raise invalid(errors)


def read_body(content: bytes) -> Any:
    """Return the JSON value of a request's body. Raises RefusedError."""
    try:
        return exact_json.decode_request(content)
    except exact_json.NotJsonError as error:
        raise invalid({"body": [str(error)]}) from None


def _typed(text: str, parameter: Parameter) -> Any:
    """Return a parameter's text as the type of its schema, or unchanged when it is no such value."""
    kinds = parameter.schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if "integer" in kinds and _INTEGER.match(text):
        return int(text)
    if "number" in kinds and _NUMBER.match(text):
        return Decimal(text)
    if "boolean" in kinds:
        return _BOOLEAN.get(text, text)
    return text


def _called(schema: Mapping[str, Any], path: Sequence[str], called: str) -> str:
    """Return the document's name for the object in which the last field of `path` is missing."""
    for name in path[:-1]:
        items, fields = schema.get("items", {}), schema.get("properties", {})
        schema = items if name.isdecimal() else fields.get(name, {})
        called = schema.get(EXTENSION, {}).get("called", called)
    return called


def _messages(errors: Iterable[ValidationError], root: str) -> Iterable[tuple[str, str, bool]]:
    """Yield the dotted field and message of each error, and True for a field that is missing.

    `root` is the name of the value itself.
    """
    for error in errors:
        rule: Any = error.validator_value
        path = [str(part) for part in error.absolute_path]
        name = path[-1] if path else root
        if error.validator == "required":
            # jsonschema has the missing name in its message only.
            missing = next(n for n in rule if error.message == f"{n!r} is a required property")
            yield ".".join([*path, missing]), f"{missing} is required", True
        else:
            yield (
                ".".join(path) or root,
                _wording(name, str(error.validator), rule, error.message),
                False,
            )


def _wording(name: str, validator: str, rule: Any, message: str) -> str:
    if validator == "maxLength":
        return f"{name} is over the max length of {rule} characters"
    if validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        return f"{name} has to be {' or '.join(_ARTICLES.get(kind, f'a {kind}') for kind in kinds)}"
    if validator == "enum":
        return f"{name} has to be one of {', '.join(map(str, rule))}"[:MESSAGE_LENGTH]
    if validator in ("minimum", "maximum"):
        return f"{name} must not be {'below' if validator == 'minimum' else 'above'} {rule}"
    if validator == "format":
        return f"{name} is not a {rule}"
    return f"{name}: {message}"[:MESSAGE_LENGTH]
